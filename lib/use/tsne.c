/* tsne.c - a map of rows in the plane: t-SNE (van der Maaten & Hinton 2008).
 *
 * Row i is near row j to the degree p(j|i) = exp(-b_i |x_i - x_j|^2) / its sum over j, where b_i makes the perplexity
 * 2^entropy what was asked; p_ij = (p(j|i) + p(i|j)) / 2n. In the map q_ij = w_ij / Z with w = 1 / (1 + |y_i - y_j|^2)
 * and Z the sum of all. The places y go down the gradient of KL(p || q),
 *
 *     dC/dy_i = 4 sum_j p_ij w_ij (y_i - y_j) - 4/Z sum_j w_ij^2 (y_i - y_j)
 *
 * with momentum and a gain for each coordinate (Jacobs 1988). At first p is exaggerated, 12 times for 250 iterations, and
 * the rate is n / 12 (Belkina et al. 2019; n / 48 with the 4 of the gradient), at least 50. The start is the plane of the two
 * principal components (Kobak & Berens 2019), made small, with a little noise from the context's seed.
 *
 * Exact: all pairs, in blocks of vectors. Otherwise p of the 3 * perplexity nearest alone, and the second sum from a
 * quadtree (van der Maaten 2014). A job owns its rows, and Z is summed in their order: the same bits on any number of
 * threads.
 */
#include <math.h>

#include "math/kernels.h"
#include "math/moments.h"
#include "use/tsne.h"

enum { ROWS = 64, /* of a job */ BLOCK = 512, /* columns of pairs at a time */ EARLY = 250 };
#define EXAGGERATION 12.0

struct map {
    aenc_context *ctx;
    const struct tsne *tsne;
    int64_t n, near;        /* rows; neighbours that count */
    double p_factor;        /* exaggeration */
    double total;           /* Z */
    num *y[2];              /* (n) places */
    num *step[2];           /* (n) of the last iteration */
    num *gain[2];           /* (n) */
    double *pull[2];        /* (n) sum_j p w (y_i - y_j) */
    struct repulsion *push; /* (n) */
    double *cost;           /* (n) sum_j p log(p / w) */
    /* exact */
    num *p;          /* (n, n) */
    num *scratch;    /* (workers, 6, BLOCK) */
    double *squares; /* (workers, n) */
    /* by neighbours: row i has entries first[i] .. first[i + 1] - 1 */
    struct near *found; /* (n, near) */
    int64_t *first;     /* (n + 1) */
    int32_t *other;
    float *weight;
    struct tsne_tree tree;
};

/* ---- Degrees of nearness ---- */

/* Squared distances become p(j|i), in place, by bisection for b. One that is infinite keeps 0. */
static void perplexed(double *d, int64_t count, double perplexity) {
    double least = HUGE_VAL, low = 0, high = HUGE_VAL, sum = 0, scale = 0;
    int64_t finite = 0;
    for (int64_t j = 0; j < count; j++) least = fmin(least, d[j]);
    for (int64_t j = 0; j < count; j++)
        if (d[j] < HUGE_VAL) scale += d[j] - least, finite++;
    double b = scale > 0 ? (double)finite / scale : 1; /* the right order of magnitude, whatever the unit of x */
    for (int i = 0; i < 100; i++) {
        double moment = 0;
        sum = 0;
        for (int64_t j = 0; j < count; j++) {
            if (!(d[j] < HUGE_VAL)) continue;
            double e = exp(-b * (d[j] - least));
            sum += e;
            moment += e * b * (d[j] - least);
        }
        double excess = log(sum) + moment / sum - log(perplexity);
        if (fabs(excess) < 1e-6 || scale <= 0) break;
        if (excess > 0)
            low = b;
        else
            high = b;
        b = high == HUGE_VAL ? b * 2 : (low + high) / 2;
    }
    for (int64_t j = 0; j < count; j++) d[j] = d[j] < HUGE_VAL ? exp(-b * (d[j] - least)) / sum : 0;
}

static void all_task(void *user, int64_t index, int worker) {
    const struct map *map = user;
    double *d = map->squares + worker * map->n;
    for (int64_t i = index * ROWS; i < (index + 1) * ROWS && i < map->n; i++) {
        const float *row = rows_at(&map->tsne->x, i);
        for (int64_t j = 0; j < map->n; j++)
            d[j] = i == j ? HUGE_VAL : rows_square(row, rows_at(&map->tsne->x, j), map->tsne->cols);
        perplexed(d, map->n, map->tsne->perplexity);
        for (int64_t j = 0; j < map->n; j++) map->p[i * map->n + j] = (num)(d[j] / (double)(2 * map->n));
    }
}

static void near_task(void *user, int64_t index, int worker) {
    const struct map *map = user;
    double *d = map->squares + worker * map->near;
    for (int64_t i = index * ROWS; i < (index + 1) * ROWS && i < map->n; i++) {
        struct near *found = map->found + i * map->near;
        for (int64_t k = 0; k < map->near; k++) d[k] = found[k].distance;
        perplexed(d, map->near, map->tsne->perplexity);
        for (int64_t k = 0; k < map->near; k++) found[k].distance = d[k] / (double)(2 * map->n);
    }
}

static void jobs_run(const struct map *map, pool_job *job) {
    aenc_pool_run(map->ctx->pool, (map->n + ROWS - 1) / ROWS, job, (void *)(uintptr_t)map);
}

/* Adds p(i|j) / 2n of all others, which come in the order of j, and joins those that row i has too. */
static void entry_add(struct map *map, int64_t *end, int64_t i, int64_t j, double p) {
    for (int64_t e = map->first[i]; e < end[i]; e++)
        if (map->other[e] == (int32_t)j) {
            map->weight[e] += (float)p;
            return;
        }
    map->other[end[i]] = (int32_t)j;
    map->weight[end[i]++] = (float)p;
}

static aenc_status symmetric_near(struct map *map) {
    int64_t n = map->n, near = map->near, all = n * near * 2;
    map->first = aenc_alloc(map->ctx, (size_t)n + 1, sizeof *map->first);
    if (map->first != NULL) map->other = aenc_alloc_raw(map->ctx, (size_t)all, sizeof *map->other);
    if (map->other != NULL) map->weight = aenc_alloc_raw(map->ctx, (size_t)all, sizeof *map->weight);
    int64_t *end = map->weight == NULL ? NULL : aenc_alloc(map->ctx, (size_t)n, sizeof *end);
    if (end == NULL) return AENC_ERR_NO_MEMORY;
    for (int64_t e = 0; e < n * near; e++) map->first[map->found[e].row + 1]++;
    for (int64_t i = 0; i < n; i++) map->first[i + 1] += map->first[i] + near; /* room for its own and the others' */
    for (int64_t i = 0; i < n; i++) end[i] = map->first[i];
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < near; k++) {
            const struct near *found = &map->found[i * near + k];
            entry_add(map, end, i, found->row, found->distance);
            entry_add(map, end, found->row, i, found->distance);
        }
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t from = map->first[i];
        map->first[i] = kept;
        for (int64_t e = from; e < end[i]; e++, kept++)
            map->other[kept] = map->other[e], map->weight[kept] = map->weight[e];
    }
    map->first[n] = kept;
    aenc_release(map->ctx, end);
    return AENC_OK;
}

static aenc_status nearness(struct map *map) {
    int64_t n = map->n, workers = aenc_pool_workers(map->ctx->pool);
    map->squares =
        aenc_alloc_raw(map->ctx, (size_t)workers, (size_t)(map->p != NULL ? n : map->near) * sizeof *map->squares);
    if (map->squares == NULL) return AENC_ERR_NO_MEMORY;
    if (map->p != NULL) {
        jobs_run(map, all_task);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < i; j++)
                map->p[i * n + j] = map->p[j * n + i] = map->p[i * n + j] + map->p[j * n + i];
        return AENC_OK;
    }
    const struct search search = {map->tsne->x, map->tsne->x, map->tsne->cols, map->near, false, true};
    map->found = aenc_alloc_raw(map->ctx, (size_t)n, (size_t)map->near * sizeof *map->found);
    aenc_status status = map->found == NULL ? AENC_ERR_NO_MEMORY : aenc_search(map->ctx, &search, map->found);
    if (status != AENC_OK) return status;
    jobs_run(map, near_task);
    status = symmetric_near(map);
    aenc_release(map->ctx, map->found);
    map->found = NULL;
    return status;
}

/* ---- The start ---- */

/* The first two principal components, as far as there are some. */
static aenc_status principal(struct map *map) {
    enum { WIDE = 512, RANK = 8 };
    const struct tsne *tsne = map->tsne;
    struct moments moments = {0};
    struct spectrum spectrum = {0};
    int64_t cols = tsne->cols, k = cols < 2 ? cols : 2;
    double *axis = aenc_alloc_raw(map->ctx, 2, (size_t)cols * sizeof *axis);
    aenc_status status =
        axis == NULL ? AENC_ERR_NO_MEMORY
                     : aenc_moments_create(map->ctx, cols, cols > WIDE ? WIDE : 0, cols > WIDE ? RANK : 0, &moments);
    if (status == AENC_OK) status = aenc_spectrum_create(&moments, &spectrum);
    /* Where there are none, the noise is the start. */
    if (status == AENC_OK && aenc_moments_add(&moments, &spectrum, tsne->x.data, tsne->x.stride, map->n) &&
        aenc_moments_spectrum(&moments, &spectrum)) {
        aenc_moments_directions(&moments, &spectrum, k, axis);
        double scale = spectrum.values[0] > 0 ? 1e-4 / sqrt(spectrum.values[0] / (double)map->n) : 0;
        for (int64_t i = 0; i < map->n; i++)
            for (int64_t d = 0; d < k; d++) {
                double sum = 0;
                for (int64_t c = 0; c < cols; c++)
                    sum += ((double)rows_at(&tsne->x, i)[c] - moments.mean[c]) * axis[d * cols + c];
                map->y[d][i] = (num)(sum * scale);
            }
    }
    aenc_spectrum_free(&spectrum);
    aenc_moments_free(&moments);
    aenc_release(map->ctx, axis);
    return status;
}

static aenc_status start(struct map *map) {
    aenc_status status = principal(map);
    struct draw draw = {map->ctx->seed, aenc_random_stream("tsne"), 0, 0, 0};
    for (int64_t i = 0; status == AENC_OK && i < map->n; i++) {
        uint32_t bits[4];
        draw.row = (uint64_t)i;
        aenc_random_bits(&draw, 0, bits, 4);
        for (int d = 0; d < 2; d++) {
            map->y[d][i] += (num)(((double)bits[d] * 0x1p-32 - 0.5) * 1e-5);
            map->gain[d][i] = 1;
        }
    }
    return status;
}

/* ---- Forces ---- */

/* All pairs of one row with columns from .. from + count - 1. */
static void pairs(const struct map *map, int64_t i, int64_t from, int64_t count, num *scratch) {
    const struct elementwise_kernels *k = aenc_kernels()->elementwise;
    num *dx = scratch, *dy = dx + BLOCK, *w = dy + BLOCK, *square = w + BLOCK, *pw = square + BLOCK;
    struct repulsion *push = &map->push[i];
    k->affine(dx, map->y[0] + from, -1, map->y[0][i], count);
    k->affine(dy, map->y[1] + from, -1, map->y[1][i], count);
    k->multiply(square, dx, dx, count);
    k->accumulate_product(square, dy, dy, count);
    k->affine(pw, square, 1, 1, count);
    k->forward(FUNCTION_RECIPROCAL, w, pw, count, 0);
    k->multiply(square, w, w, count);
    k->multiply(pw, w, map->p + i * map->n + from, count);
    push->weight += (double)k->sum(w, count);
    push->x += (double)k->dot(square, dx, count);
    push->y += (double)k->dot(square, dy, count);
    map->pull[0][i] += (double)k->dot(pw, dx, count);
    map->pull[1][i] += (double)k->dot(pw, dy, count);
}

static void exact_task(void *user, int64_t index, int worker) {
    const struct map *map = user;
    num *scratch = map->scratch + (int64_t)worker * 5 * BLOCK;
    for (int64_t i = index * ROWS; i < (index + 1) * ROWS && i < map->n; i++) {
        map->push[i] = (struct repulsion){-1, 0, 0}; /* without itself */
        map->pull[0][i] = map->pull[1][i] = 0;
        for (int64_t from = 0; from < map->n; from += BLOCK)
            pairs(map, i, from, map->n - from < BLOCK ? map->n - from : BLOCK, scratch);
    }
}

static void tree_task(void *user, int64_t index, int worker) {
    const struct map *map = user;
    (void)worker;
    for (int64_t i = index * ROWS; i < (index + 1) * ROWS && i < map->n; i++) {
        double sum[2] = {0};
        for (int64_t e = map->first[i]; e < map->first[i + 1]; e++) {
            int32_t j = map->other[e];
            num dx = map->y[0][i] - map->y[0][j], dy = map->y[1][i] - map->y[1][j];
            num pw = (num)map->weight[e] / (1 + dx * dx + dy * dy);
            sum[0] += (double)(pw * dx);
            sum[1] += (double)(pw * dy);
        }
        map->pull[0][i] = sum[0];
        map->pull[1][i] = sum[1];
        map->push[i] = aenc_tsne_tree_push(&map->tree, map->y[0][i], map->y[1][i], map->tsne->theta);
    }
}

static void forces(struct map *map) {
    if (map->p == NULL) aenc_tsne_tree_build(&map->tree, map->y[0], map->y[1], map->n);
    jobs_run(map, map->p != NULL ? exact_task : tree_task);
    map->total = 0;
    for (int64_t i = 0; i < map->n; i++) map->total += map->push[i].weight;
}

/* ---- The descent ---- */

static void move(struct map *map, double rate, double momentum) {
    double mean[2] = {0};
    for (int d = 0; d < 2; d++) {
        for (int64_t i = 0; i < map->n; i++) {
            double push = d == 0 ? map->push[i].x : map->push[i].y;
            double slope = 4 * (map->p_factor * map->pull[d][i] - push / map->total);
            num *gain = &map->gain[d][i], *step = &map->step[d][i];
            *gain = slope * (double)*step > 0 ? *gain * (num)0.8 : *gain + (num)0.2;
            if (*gain < (num)0.01) *gain = (num)0.01;
            *step = (num)(momentum * (double)*step - rate * (double)*gain * slope);
            map->y[d][i] += *step;
            mean[d] += (double)map->y[d][i] / (double)map->n;
        }
        for (int64_t i = 0; i < map->n; i++) map->y[d][i] -= (num)mean[d];
    }
}

/* sum_j p_ij log(p_ij / w_ij) */
static void cost_task(void *user, int64_t index, int worker) {
    const struct map *map = user;
    (void)worker;
    for (int64_t i = index * ROWS; i < (index + 1) * ROWS && i < map->n; i++) {
        int64_t from = map->p != NULL ? 0 : map->first[i], end = map->p != NULL ? map->n : map->first[i + 1];
        map->cost[i] = 0;
        for (int64_t e = from; e < end; e++) {
            int64_t j = map->p != NULL ? e : map->other[e];
            double p = map->p != NULL ? (double)map->p[i * map->n + e] : (double)map->weight[e];
            double dx = (double)map->y[0][i] - (double)map->y[0][j], dy = (double)map->y[1][i] - (double)map->y[1][j];
            if (p > 0) map->cost[i] += p * (log(p) + log1p(dx * dx + dy * dy));
        }
    }
}

static double divergence(struct map *map) {
    double sum = 0;
    forces(map);
    jobs_run(map, cost_task);
    for (int64_t i = 0; i < map->n; i++) sum += map->cost[i];
    return sum + log(map->total); /* p sums to 1 */
}

static aenc_status descend(struct map *map) {
    aenc_status status = AENC_OK;
    double rate = fmax((double)map->n / (4 * EXAGGERATION), 50);
    struct report report;
    aenc_report_begin(map->ctx, &map->tsne->progress, map->tsne->iterations, &report);
    for (int64_t i = 0; i < map->tsne->iterations && status == AENC_OK && !report.stopped; i++) {
        map->p_factor = i < EARLY ? EXAGGERATION : 1;
        forces(map);
        move(map, rate, i < EARLY ? 0.5 : 0.8);
        status = aenc_report_step(&report);
        if (status == AENC_OK) status = aenc_cancel_check(map->ctx);
    }
    return status;
}

static aenc_status room(struct map *map) {
    aenc_context *ctx = map->ctx;
    size_t n = (size_t)map->n, workers = (size_t)aenc_pool_workers(ctx->pool);
    for (int d = 0; d < 2; d++) {
        map->y[d] = aenc_alloc(ctx, n, sizeof(num));
        map->step[d] = map->y[d] == NULL ? NULL : aenc_alloc(ctx, n, sizeof(num));
        map->gain[d] = map->step[d] == NULL ? NULL : aenc_alloc(ctx, n, sizeof(num));
        map->pull[d] = map->gain[d] == NULL ? NULL : aenc_alloc(ctx, n, sizeof(double));
        if (map->pull[d] == NULL) return AENC_ERR_NO_MEMORY;
    }
    map->push = aenc_alloc(ctx, n, sizeof *map->push);
    map->cost = map->push == NULL ? NULL : aenc_alloc(ctx, n, sizeof *map->cost);
    if (map->cost == NULL) return AENC_ERR_NO_MEMORY;
    if (map->tsne->theta > 0) return aenc_tsne_tree_create(ctx, map->n, &map->tree);
    map->p = aenc_alloc_raw(ctx, n, n * sizeof *map->p);
    map->scratch = map->p == NULL ? NULL : aenc_alloc_raw(ctx, workers, 5 * BLOCK * sizeof *map->scratch);
    return map->scratch == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

static void map_free(struct map *map) {
    for (int d = 0; d < 2; d++) {
        aenc_release(map->ctx, map->y[d]);
        aenc_release(map->ctx, map->step[d]);
        aenc_release(map->ctx, map->gain[d]);
        aenc_release(map->ctx, map->pull[d]);
    }
    void *blocks[] = {map->push,  map->cost,  map->p,     map->scratch, map->squares,
                      map->found, map->first, map->other, map->weight};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) aenc_release(map->ctx, blocks[i]);
    aenc_tsne_tree_free(map->ctx, &map->tree);
}

aenc_status aenc_tsne_find(aenc_context *ctx, const struct tsne *tsne, float *out, double *left) {
    struct map map = {.ctx = ctx, .tsne = tsne, .n = tsne->x.count};
    map.near = (int64_t)(3 * tsne->perplexity);
    if (map.near > map.n - 1) map.near = map.n - 1;
    if (map.n == 1) { /* one row is in the middle */
        out[0] = out[1] = 0;
        *left = 0;
        return AENC_OK;
    }
    aenc_status status = room(&map);
    if (status == AENC_OK) status = nearness(&map);
    if (status == AENC_OK) status = start(&map);
    if (status == AENC_OK) status = descend(&map);
    if (status == AENC_OK) {
        *left = divergence(&map);
        for (int64_t i = 0; i < map.n; i++)
            for (int d = 0; d < 2; d++) out[2 * i + d] = (float)map.y[d][i];
    }
    map_free(&map);
    return status;
}
