/* detector.c - an anomaly detector for tables: a denoising autoencoder whose score is an energy.
 *
 * Columns are scaled robustly (detector_columns.c), limited to bounds [low, high], and corrupted with Gaussian noise
 * of standard deviation s; an autoencoder r (detector_fit.c) learns to undo it. Its best output is r(x) = x + s^2
 * grad log p(x), p the density of the corrupted data (Vincent 2011; Alain & Bengio 2014), so that the line integral
 * of (x - r(x)) / s^2 from the middle of the data to x is the potential energy of the autoencoder (Kamyshanska &
 * Memisevic 2015), -log p up to a constant. Times s^2:
 *
 *     E(x) = sum over features j of    x_j integral over t from 0 to 1 of (t x_j - r_j(t x)) dt
 *
 * by Gauss & Legendre in 6 points. Of a Gaussian this is half the Mahalanobis distance with s^2 added to the
 * covariance: large s looks at lengths, as the distance to all principal components does, small s at directions that
 * the data do not take.
 *
 * A network knows nothing of what lies far beyond its data. So it sees cells limited to the bounds, in training and
 * here, and what lies beyond counts by itself: with u_j the distance of cell j from its bounds in units of its
 * column, K = DETECTOR_CLIP,
 *
 *     score(x) = max(0, E(limited x) - lowest) + s^2 / (2 (1 + s^2)) sum over j of ((K + u_j)^2 - K^2)
 *
 * which is how the energy of a Gaussian column goes on beyond K. It grows with every u_j and is at least 0. lowest
 * is the least E of the rows of training where that is below 0 (as it is where the middle lies between clusters),
 * else 0.
 *
 * Energies of Gaussian data are gamma distributed, their cube roots nearly normal (Wilson & Hilferty 1931). With m
 * the median of the cube roots c of the scores of training and v their median distance from it, times 1.4826, the
 * probability is max(0, erf((c - m) / (v sqrt 2))): the Gaussian scaling of Kriegel et al. 2011.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "io/sort.h"
#include "use/detector.h"

enum { POINTS = 6, BLOCK = 1024 };

/* ---- Energy ---- */

/* Nodes and weights of Gauss & Legendre on [0, 1]. */
static const double at[POINTS] = {0.033765242898423989, 0.16939530676686776, 0.38069040695840156,
                                  0.6193095930415985,   0.83060469323313224, 0.96623475710157603};
static const double weight[POINTS] = {0.085662246189585178, 0.18038078652406930, 0.23395696728634552,
                                      0.23395696728634552,  0.18038078652406930, 0.085662246189585178};

struct block {
    struct span rows;
    float *between, *undone; /* (rows, cols): raw points on the way, and the model's output for them */
    double *from, *scale;    /* (cols): where the way begins; raw units per scaled one */
    double *to, *each;       /* (rows, cols): where it ends; the energies of features */
};

static void block_free(aenc_context *ctx, struct block *block) {
    aenc_release(ctx, block->between);
    aenc_release(ctx, block->undone);
    aenc_release(ctx, block->from);
    aenc_release(ctx, block->scale);
    aenc_release(ctx, block->to);
    aenc_release(ctx, block->each);
}

static const num *state_of(const struct aenc_model *model, const char *name) {
    return aenc_store_values(&model->store, aenc_store_find(&model->store, name));
}

static aenc_status block_make(const struct aenc_detector *d, int64_t most, struct block *block) {
    aenc_context *ctx = d->model->ctx;
    const num *shift = state_of(d->model, "scaling.shift"), *scale = state_of(d->model, "scaling.scale");
    size_t cols = (size_t)d->model->input_size, rows = (size_t)(most < BLOCK ? most : BLOCK);
    block->between = aenc_alloc_raw(ctx, rows * cols, sizeof *block->between);
    block->undone = aenc_alloc_raw(ctx, rows * cols, sizeof *block->undone);
    block->to = aenc_alloc_raw(ctx, rows * cols, sizeof *block->to);
    block->each = aenc_alloc_raw(ctx, rows * cols, sizeof *block->each);
    block->from = aenc_alloc_raw(ctx, cols, sizeof *block->from);
    block->scale = aenc_alloc_raw(ctx, cols, sizeof *block->scale);
    if (block->between == NULL || block->undone == NULL || block->to == NULL || block->each == NULL ||
        block->from == NULL || block->scale == NULL)
        return AENC_ERR_NO_MEMORY;
    for (size_t c = 0; c < cols; c++) {
        block->from[c] = d->column == NULL ? (double)shift[c] : d->column[c].middle;
        block->scale[c] = (double)scale[c];
    }
    return AENC_OK;
}

/* The cell within its bounds. */
static double limited(const struct aenc_detector *d, int64_t c, double cell) {
    return d->column == NULL ? cell : fmin(fmax(cell, d->column[c].low), d->column[c].high);
}

/* Of a model with a bottleneck, the same of the limited cells themselves. */
static aenc_status block_variational(struct aenc_detector *d, struct block *block, int64_t count) {
    int64_t cols = d->model->input_size;
    for (int64_t i = 0; i < count; i++) block->between[i] = (float)block->to[i];
    const struct rows points = {block->between, cols, count / cols, NULL};
    return aenc_detector_variational(d, &points, block->rows.lo, block->each);
}

/* The energies of the block's rows into block->each. */
static aenc_status block_energy(struct aenc_detector *d, const struct rows *x, struct block *block) {
    int64_t cols = d->model->input_size, rows = block->rows.hi - block->rows.lo, count = rows * cols;
    memset(block->each, 0, (size_t)count * sizeof *block->each);
    for (int64_t i = 0; i < count; i++)
        block->to[i] = limited(d, i % cols, (double)x->data[(block->rows.lo + i / cols) * x->stride + i % cols]);
    if (d->score != DETECTOR_ENERGY) return block_variational(d, block, count);
    for (int p = 0; p < POINTS; p++) {
        for (int64_t i = 0; i < count; i++) {
            double from = block->from[i % cols];
            block->between[i] = (float)(from + at[p] * (block->to[i] - from));
        }
        struct rows points = {block->between, cols, rows, NULL};
        aenc_status status = aenc_model_infer_rows(d->model, TASK_RECONSTRUCT, &points, block->undone);
        if (status != AENC_OK) return status;
        for (int64_t i = 0; i < count; i++) {
            double unit = block->scale[i % cols];
            double off = ((double)block->between[i] - (double)block->undone[i]) / unit;
            block->each[i] += weight[p] * off * (block->to[i] - block->from[i % cols]) / unit;
        }
    }
    return AENC_OK;
}

/* ---- Scores ---- */

/* What a cell beyond its bounds adds. */
static double cell_outside(const struct aenc_detector *d, int64_t c, double cell) {
    double u = fabs(cell - limited(d, c, cell)) / (d->column == NULL ? 1 : d->column[c].unit);
    return d->outside * u * (u + 2 * DETECTOR_CLIP);
}

/* The two summands of a row's score. */
struct parts {
    double energy, outside;
};

static struct parts row_parts(const struct aenc_detector *d, const float *x, const double *each) {
    struct parts parts = {0, 0};
    for (int64_t c = 0; c < d->model->input_size; c++) {
        parts.energy += each[c];
        if (d->column != NULL) parts.outside += cell_outside(d, c, (double)x[c]);
    }
    return parts;
}

/* An energy that is not a number, as of a network that overflows, is as far out as can be. */
static float in_range(double score) { return (float)fmax(fmin(score, FLT_MAX), -FLT_MAX); }

static float parts_score(const struct aenc_detector *d, struct parts parts) {
    if (d->column == NULL) return in_range(parts.energy);
    double inside = parts.energy - d->lowest;
    return in_range((inside < 0 ? 0 : inside) + parts.outside);
}

/* The scores of a row's features: `lowest` is shared out evenly, and a row at 0 has features at 0. */
static void features_score(const struct aenc_detector *d, const float *x, const double *each, struct parts parts,
                           float *out) {
    int64_t cols = d->model->input_size;
    bool some = d->column == NULL || !(parts.energy <= d->lowest);
    for (int64_t c = 0; c < cols; c++) {
        double inside = some ? each[c] - d->lowest / (double)cols : 0;
        out[c] = in_range(inside + (d->column == NULL ? 0 : cell_outside(d, c, (double)x[c])));
    }
}

/* Per row into parts, and, where each is not NULL, the scores of features into each (count, cols). */
static aenc_status parts_find(struct aenc_detector *d, const struct rows *x, struct parts *parts, float *each) {
    struct block block = {0};
    int64_t cols = d->model->input_size;
    aenc_status status = block_make(d, x->count, &block);
    for (int64_t first = 0; first < x->count && status == AENC_OK; first = block.rows.hi) {
        block.rows = (struct span){first, x->count - first < BLOCK ? x->count : first + BLOCK};
        status = block_energy(d, x, &block);
        for (int64_t r = first; r < block.rows.hi && status == AENC_OK; r++) {
            const float *row = x->data + r * x->stride;
            const double *energies = block.each + (r - first) * cols;
            parts[r] = row_parts(d, row, energies);
            if (each != NULL) features_score(d, row, energies, parts[r], each + r * cols);
        }
    }
    block_free(d->model->ctx, &block);
    return status;
}

aenc_status aenc_detector_energy(struct aenc_detector *detector, const struct rows *x, float *out, float *each) {
    struct parts *parts = aenc_alloc_raw(detector->model->ctx, (size_t)x->count, sizeof *parts);
    if (parts == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = parts_find(detector, x, parts, each);
    for (int64_t r = 0; r < x->count && out != NULL && status == AENC_OK; r++) out[r] = parts_score(detector, parts[r]);
    aenc_release(detector->model->ctx, parts);
    return status;
}

/* ---- What scores mean ---- */

static double cube_root(double score) { return score > 0 ? pow(score, 1.0 / 3) : 0; }

double aenc_detector_chance(const struct aenc_detector *detector, double score) {
    double away = (cube_root(score) - detector->center) / (detector->spread * sqrt(2));
    return away > 0 ? fmin(erf(away), 1 - DBL_EPSILON) : 0;
}

/* Median and scaled median distance of the cube roots of scores; where half of them are equal, their standard
 * deviation. */
static aenc_status roots_measure(struct aenc_detector *d, float *score, size_t count) {
    float *sorted = NULL;
    double mean = 0, square = 0;
    for (size_t r = 0; r < count; r++) {
        double value = cube_root((double)score[r]), off = value - mean;
        mean += off / (double)(r + 1);
        square += off * (value - mean);
        score[r] = (float)value;
    }
    aenc_status status = aenc_scores_sort(d->model->ctx, score, count, &sorted);
    if (status != AENC_OK) return status;
    d->center = aenc_sorted_quantile(sorted, count, 0.5);
    aenc_release(d->model->ctx, sorted);
    for (size_t r = 0; r < count; r++) score[r] = (float)fabs((double)score[r] - d->center);
    status = aenc_scores_sort(d->model->ctx, score, count, &sorted);
    if (status != AENC_OK) return status;
    d->spread = 1.4826 * aenc_sorted_quantile(sorted, count, 0.5);
    if (!(d->spread > 0)) d->spread = fmax(sqrt(square / (double)count), DBL_MIN);
    aenc_release(d->model->ctx, sorted);
    return AENC_OK;
}

/* The largest float that is not above a threshold: the same scores, which are floats, are above either. So a
 * threshold that is printed as a score is compares with printed scores as it does here. */
static double threshold_float(double threshold) {
    float below = in_range(threshold);
    return (double)below > threshold ? (double)nextafterf(below, -INFINITY) : (double)below;
}

aenc_status aenc_detector_calibrate(struct aenc_detector *detector, const struct rows *x, const char *spec) {
    aenc_context *ctx = detector->model->ctx;
    struct parts *parts = aenc_alloc_raw(ctx, (size_t)x->count, sizeof *parts);
    float *score = aenc_alloc_raw(ctx, (size_t)x->count, sizeof *score);
    aenc_status status = parts == NULL || score == NULL ? AENC_ERR_NO_MEMORY : parts_find(detector, x, parts, NULL);
    detector->lowest = 0;
    for (int64_t r = 0; r < x->count && status == AENC_OK; r++)
        detector->lowest = fmin(detector->lowest, parts[r].energy);
    for (int64_t r = 0; r < x->count && status == AENC_OK; r++) score[r] = parts_score(detector, parts[r]);
    if (status == AENC_OK) status = aenc_threshold_find(ctx, spec, score, (size_t)x->count, &detector->threshold);
    detector->threshold = threshold_float(detector->threshold);
    if (status == AENC_OK) status = roots_measure(detector, score, (size_t)x->count);
    if (status == AENC_OK) status = aenc_detector_spec_set(detector, spec);
    detector->rows = x->count;
    aenc_release(ctx, parts);
    aenc_release(ctx, score);
    return status;
}

/* ---- A detector's life ---- */

aenc_status aenc_detector_spec_set(struct aenc_detector *detector, const char *spec) {
    aenc_context *ctx = detector->model->ctx;
    char *copy = NULL;
    if (spec != NULL) {
        copy = aenc_alloc_raw(ctx, strlen(spec) + 1, 1);
        if (copy == NULL) return AENC_ERR_NO_MEMORY;
        memcpy(copy, spec, strlen(spec) + 1);
    }
    aenc_release(ctx, detector->threshold_spec);
    detector->threshold_spec = copy;
    return AENC_OK;
}

aenc_status aenc_detector_new(struct aenc_model *model, bool bounded, struct aenc_detector **out) {
    aenc_context *ctx = model->ctx;
    struct aenc_detector *detector = aenc_alloc(ctx, 1, sizeof *detector);
    *out = NULL;
    if (detector == NULL) {
        aenc_model_release(model);
        return AENC_ERR_NO_MEMORY;
    }
    atomic_init(&detector->references, 1);
    detector->model = model;
    if (bounded) detector->column = aenc_alloc(ctx, (size_t)model->input_size, sizeof *detector->column);
    if (!bounded || detector->column != NULL)
        *out = detector;
    else
        aenc_detector_end(detector);
    return *out == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

void aenc_detector_end(struct aenc_detector *detector) {
    if (detector == NULL || atomic_fetch_sub_explicit(&detector->references, 1, memory_order_acq_rel) != 1) return;
    struct aenc_model *model = detector->model;
    aenc_release(model->ctx, detector->column);
    aenc_release(model->ctx, detector->threshold_spec);
    aenc_release(model->ctx, detector);
    aenc_model_release(model);
}
