/* detector.c - an anomaly detector for tables: a denoising autoencoder whose score is an energy.
 *
 * Columns are standardised and corrupted with Gaussian noise of standard deviation s; an autoencoder r with a linear path
 * beside 64 hidden units learns to undo it. Its best answer is r(x) = x + s^2 grad log p(x), p the density of the corrupted
 * data (Vincent 2011; Alain & Bengio 2014), so that the line integral of (x - r(x)) / s^2 from the centre of the data to x
 * is the potential energy of the autoencoder (Kamyshanska & Memisevic 2015), -log p up to a constant. Times s^2:
 *
 *     score(x) = sum over features j of    x_j integral over t from 0 to 1 of (t x_j - r_j(t x)) dt
 *
 * by Gauss & Legendre in 6 points. Of a Gaussian this is half the Mahalanobis distance with s^2 added to the covariance: large
 * s looks at lengths, as the distance to all principal components does, small s at directions that the data do not take.
 *
 * Energies of Gaussian data are gamma distributed, their cube roots nearly normal (Wilson & Hilferty 1931). With mean m and
 * standard deviation v of the cube roots c of the scores of training, the probability is max(0, erf((c - m) / (v sqrt 2))):
 * the Gaussian scaling of Kriegel et al. 2011.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "io/safetensors.h"
#include "use/use.h"

#define DETECTOR_KEY "autoenc.detector"
enum { HIDDEN = 64, BATCH = 128, STEPS = 1000, POINTS = 6, BLOCK = 1024, FORMAT = 1 };
static const double learning_rate = 3e-3; /* falls in a line to 0 */

/* ---- Training ---- */

static aenc_status model_make(aenc_context *ctx, int64_t cols, const aenc_detector_options *o, struct aenc_model **out) {
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct json *given = aenc_json_root(&arena, JSON_OBJECT);
    aenc_json_add_number(&arena, aenc_json_add(&arena, given, "input", JSON_ARRAY), NULL, (double)cols);
    struct json *encoder = aenc_json_add(&arena, given, "encoder", JSON_OBJECT);
    aenc_json_add_text(&arena, encoder, "type", "residual");
    struct json *layers = aenc_json_add(&arena, encoder, "layers", JSON_ARRAY);
    for (int i = 0; i < 2; i++) {
        struct json *dense = aenc_json_add(&arena, layers, NULL, JSON_OBJECT);
        aenc_json_add_text(&arena, dense, "type", "dense");
        aenc_json_add_number(&arena, dense, "units", i == 0 ? HIDDEN : (double)cols);
        if (i == 0) aenc_json_add_text(&arena, dense, "activation", "tanh");
    }
    struct json *decoder = aenc_json_add(&arena, given, "decoder", JSON_OBJECT);
    aenc_json_add_text(&arena, decoder, "type", "dense");
    aenc_json_add_number(&arena, decoder, "units", (double)cols);
    aenc_json_add_text(&arena, given, "scaling", o->scaling == NULL ? "standard" : o->scaling);
    struct json *noise = aenc_json_add(&arena, aenc_json_add(&arena, given, "corrupt", JSON_ARRAY), NULL, JSON_OBJECT);
    aenc_json_add_text(&arena, noise, "type", "gaussian");
    aenc_json_add_number(&arena, noise, "sigma", o->noise > 0 ? o->noise : 1);
    const struct json *description;
    aenc_status status = arena.failed ? AENC_ERR_NO_MEMORY : aenc_description_complete(ctx, &arena, given, &description);
    if (status != AENC_OK) {
        aenc_arena_free(&arena);
        return status;
    }
    status = aenc_model_declare(ctx, &arena, description, out);
    return status == AENC_OK ? aenc_store_allocate(&(*out)->store, ctx->seed) : status;
}

static const num *state_of(const struct aenc_model *model, const char *name) {
    return aenc_store_values(&model->store, aenc_store_find(&model->store, name));
}

struct training {
    struct aenc_model *model;
    struct rows x;
    int64_t steps, batch;
    struct batches batches;
    struct optimizer *optimizer;
};

static aenc_status training_run(struct training *t) {
    int64_t each = t->batches.train_count / t->batch;
    for (int64_t step = 0; step < t->steps; step++) {
        if (step % each == 0) aenc_batches_shuffle(&t->batches, (uint64_t)(step / each));
        const struct rows input = {t->x.data, t->x.stride, t->batch, t->batches.train + step % each * t->batch}, same = {0};
        double loss;
        aenc_optim_set_learning_rate(t->optimizer, learning_rate * (1 - (double)step / (double)t->steps));
        aenc_status status = aenc_train_step(t->model, t->optimizer, &input, &same, NULL, &loss);
        if (status != AENC_OK) return status;
    }
    return aenc_train_check(t->model);
}

static aenc_status train(struct aenc_model *model, const struct rows *x, const aenc_detector_options *o) {
    aenc_context *ctx = model->ctx;
    struct training t = {.model = model, .x = *x, .steps = o->steps > 0 ? o->steps : STEPS,
                         .batch = x->count < BATCH ? x->count : BATCH};
    struct fit_data data = {.input = *x};
    struct arena arena;
    struct json *spec;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "optimizer", "adam", &spec);
    if (status == AENC_OK) status = aenc_optim_create(ctx, spec, model->store.parameter_size, &t.optimizer);
    if (status == AENC_OK) status = aenc_batches_create(ctx, x->count, 0, &t.batches);
    if (status == AENC_OK) status = aenc_scaling_learn(model, &data, x, 0, 0);
    if (status == AENC_OK) status = training_run(&t);
    aenc_batches_free(&t.batches);
    aenc_optim_free(ctx, t.optimizer);
    aenc_arena_free(&arena);
    return status;
}

/* ---- Energy ---- */

/* Nodes and weights of Gauss & Legendre on [0, 1]. */
static const double at[POINTS] = {0.033765242898423989, 0.16939530676686776, 0.38069040695840156,
                                  0.6193095930415985, 0.83060469323313224, 0.96623475710157603};
static const double weight[POINTS] = {0.085662246189585178, 0.18038078652406930, 0.23395696728634552,
                                      0.23395696728634552, 0.18038078652406930, 0.085662246189585178};

struct block {
    float *between, *undone; /* (rows, cols): raw points on the way, and what the model makes of them */
    double *each;            /* (rows, cols) */
};

/* The energies of rows first .. first + count - 1 into block->each. */
static aenc_status block_energy(struct aenc_model *model, const struct rows *x, struct span span, struct block *block) {
    const num *shift = state_of(model, "scaling.shift"), *scale = state_of(model, "scaling.scale");
    int64_t cols = model->input_size, count = (span.hi - span.lo) * cols;
    memset(block->each, 0, (size_t)count * sizeof *block->each);
    for (int p = 0; p < POINTS; p++) {
        for (int64_t i = 0; i < count; i++) {
            double value = (double)x->data[(span.lo + i / cols) * x->stride + i % cols], from = (double)shift[i % cols];
            block->between[i] = (float)(from + at[p] * (value - from));
        }
        struct rows rows = {block->between, cols, span.hi - span.lo, NULL};
        aenc_status status = aenc_model_infer(model, JOURNEY_RECONSTRUCT, &rows, NULL, block->undone);
        if (status != AENC_OK) return status;
        for (int64_t i = 0; i < count; i++) {
            double unit = (double)scale[i % cols], value = (double)x->data[(span.lo + i / cols) * x->stride + i % cols];
            double off = ((double)block->between[i] - (double)block->undone[i]) / unit;
            block->each[i] += weight[p] * off * (value - (double)shift[i % cols]) / unit;
        }
    }
    return AENC_OK;
}

aenc_status aenc_detector_energy(struct aenc_detector *detector, const struct rows *x, float *out, float *each) {
    struct aenc_model *model = detector->model;
    size_t cols = (size_t)model->input_size, rows = (size_t)(x->count < BLOCK ? x->count : BLOCK);
    struct block block = {aenc_alloc_raw(model->ctx, rows * cols, sizeof(float)),
                          aenc_alloc_raw(model->ctx, rows * cols, sizeof(float)),
                          aenc_alloc_raw(model->ctx, rows * cols, sizeof(double))};
    bool there = block.between != NULL && block.undone != NULL && block.each != NULL;
    aenc_status status = there ? AENC_OK : AENC_ERR_NO_MEMORY;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += BLOCK) {
        struct span span = {first, x->count - first < BLOCK ? x->count : first + BLOCK};
        status = block_energy(model, x, span, &block);
        for (int64_t r = first; r < span.hi && status == AENC_OK; r++) {
            const double *row = block.each + (r - first) * (int64_t)cols;
            double sum = 0;
            for (size_t c = 0; c < cols; c++) {
                sum += row[c];
                if (each != NULL) each[(size_t)r * cols + c] = (float)row[c];
            }
            if (out != NULL) out[r] = (float)fmax(fmin(sum, FLT_MAX), -FLT_MAX);
        }
    }
    aenc_release(model->ctx, block.between);
    aenc_release(model->ctx, block.undone);
    aenc_release(model->ctx, block.each);
    return status;
}

/* ---- What scores mean ---- */

static double cube_root(double score) { return score > 0 ? pow(score, 1.0 / 3) : 0; }

double aenc_detector_chance(const struct aenc_detector *detector, double score) {
    double away = (cube_root(score) - detector->center) / (detector->spread * sqrt(2));
    return away > 0 ? fmin(erf(away), 1 - DBL_EPSILON) : 0;
}

static aenc_status calibrate(struct aenc_detector *detector, const struct rows *x, const char *spec) {
    aenc_context *ctx = detector->model->ctx;
    float *score = aenc_alloc_raw(ctx, (size_t)x->count, sizeof *score);
    if (score == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = aenc_detector_energy(detector, x, score, NULL);
    if (status == AENC_OK)
        status = aenc_threshold_find(ctx, spec == NULL ? "quantile" : spec, score, (size_t)x->count, &detector->threshold);
    double mean = 0, square = 0;
    for (int64_t r = 0; r < x->count && status == AENC_OK; r++) {
        double value = cube_root((double)score[r]), off = value - mean;
        mean += off / (double)(r + 1);
        square += off * (value - mean);
    }
    detector->center = mean;
    detector->spread = fmax(sqrt(square / (double)x->count), DBL_MIN);
    aenc_release(ctx, score);
    return status;
}

/* The model is taken over, also on failure. */
static aenc_status detector_new(struct aenc_model *model, struct aenc_detector **out) {
    *out = aenc_alloc(model->ctx, 1, sizeof **out);
    if (*out == NULL) aenc_model_release(model);
    else (*out)->model = model;
    return *out == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_detector_fit(aenc_context *ctx, const struct rows *x, int64_t cols, const aenc_detector_options *options,
                              struct aenc_detector **out) {
    struct aenc_model *model = NULL;
    struct aenc_detector *detector = NULL;
    *out = NULL;
    aenc_status status = model_make(ctx, cols, options, &model);
    if (status == AENC_OK) status = train(model, x, options);
    if (status == AENC_OK) {
        status = detector_new(model, &detector);
        model = NULL;
    }
    if (status == AENC_OK) status = calibrate(detector, x, options->threshold);
    aenc_model_release(model);
    if (status == AENC_OK) *out = detector;
    else aenc_detector_end(detector);
    return status;
}

void aenc_detector_end(struct aenc_detector *detector) {
    if (detector == NULL) return;
    struct aenc_model *model = detector->model;
    aenc_release(model->ctx, detector);
    aenc_model_release(model);
}

/* ---- Files ---- */

static const char *const keys[] = {"threshold", "center", "spread"};

aenc_status aenc_detector_to_bytes(struct aenc_detector *detector, void **out, size_t *size) {
    aenc_context *ctx = detector->model->ctx;
    const double values[] = {detector->threshold, detector->center, detector->spread};
    struct arena arena;
    char *text = NULL;
    *out = NULL;
    aenc_arena_create(ctx, &arena);
    struct json *object = aenc_json_root(&arena, JSON_OBJECT);
    aenc_json_add_number(&arena, object, "format", FORMAT);
    for (int i = 0; i < 3; i++) aenc_json_add_number(&arena, object, keys[i], values[i]);
    aenc_status status = arena.failed ? AENC_ERR_NO_MEMORY : aenc_json_write(ctx, object, &text, NULL);
    struct metadata_entry entry = {DETECTOR_KEY, text};
    if (status == AENC_OK) status = aenc_model_to_bytes_with(detector->model, &entry, out, size);
    aenc_release(ctx, text);
    aenc_arena_free(&arena);
    return status;
}

static aenc_status numbers_read(aenc_context *ctx, const struct safetensors *file, const char *what,
                                struct aenc_detector *detector) {
    double *const values[] = {&detector->threshold, &detector->center, &detector->spread};
    const char *text = aenc_safetensors_metadata(file, DETECTOR_KEY);
    if (text == NULL)
        return aenc_fail(ctx, AENC_ERR_FORMAT, "%s is no detector: it has no metadata '%s'", what, DETECTOR_KEY);
    struct arena arena;
    struct json *object;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_json_parse(&arena, text, strlen(text), "the detector's metadata", &object);
    const struct json *format = status == AENC_OK ? aenc_json_member(object, "format") : NULL;
    if (format != NULL && format->kind == JSON_NUMBER && format->number > FORMAT)
        status = aenc_fail(ctx, AENC_ERR_VERSION, "%s: the detector has format %g; this library reads up to %d", what,
                           format->number, FORMAT);
    for (int i = 0; i < 3 && status == AENC_OK; i++) {
        const struct json *number = aenc_json_member(object, keys[i]);
        bool good = number != NULL && number->kind == JSON_NUMBER && (i < 2 || number->number > 0);
        if (good) *values[i] = number->number;
        else status = aenc_fail(ctx, AENC_ERR_FORMAT, "%s: the detector's '%s' is not a number that it can be", what, keys[i]);
    }
    aenc_arena_free(&arena);
    return status;
}

/* The energy is of scaled inputs and of outputs that stand for them. */
static aenc_status kind_check(const struct aenc_model *model, const char *what) {
    const char *lack = model->scaling == NULL             ? "its model has no scaling"
                       : !aenc_model_reconstructs(model) ? "its model's output is not a value for each column"
                                                         : NULL;
    return lack == NULL ? AENC_OK : aenc_fail(model->ctx, AENC_ERR_FORMAT, "%s is no detector: %s", what, lack);
}

aenc_status aenc_detector_from_bytes(aenc_context *ctx, const void *bytes, size_t size, const char *what,
                                     struct aenc_detector **out) {
    struct safetensors file;
    struct aenc_model *model = NULL;
    struct aenc_detector *detector = NULL;
    *out = NULL;
    aenc_status status = aenc_safetensors_read(ctx, bytes, size, what, &file);
    if (status != AENC_OK) return status;
    status = aenc_model_from_bytes(ctx, bytes, size, what, &model);
    if (status == AENC_OK) status = kind_check(model, what);
    if (status == AENC_OK) {
        status = detector_new(model, &detector);
        model = NULL;
    }
    if (status == AENC_OK) status = numbers_read(ctx, &file, what, detector);
    if (status == AENC_OK) *out = detector;
    else aenc_detector_end(detector);
    aenc_model_release(model);
    aenc_safetensors_free(&file);
    return status;
}
