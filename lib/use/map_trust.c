/* map_trust.c - how far the neighbours in a map can be trusted (Venna & Kaski 2001). */
#include "use/codes.h"

enum { ROWS = 64 }; /* of a job */

struct trust {
    aenc_context *ctx;
    const struct rows *x;
    int64_t cols, k;
    const struct near *near; /* (rows, k): in the map */
    double *square;          /* (workers, rows) */
    double *excess;          /* (rows): sum over the k of (rank in x - k) where that is above 0 */
    atomic_bool left_out;    /* some rows, as the context was cancelled */
};

/* Ranks begin at 1; of equally near rows the lower one is nearer. */
static double rank(const double *square, int64_t rows, int64_t i, int64_t j) {
    int64_t nearer = 1;
    for (int64_t l = 0; l < rows; l++) nearer += l != i && (square[l] < square[j] || (square[l] == square[j] && l < j));
    return (double)nearer;
}

static void trust_task(void *user, int64_t index, int worker) {
    struct trust *t = user;
    if (aenc_job_left_out(t->ctx, &t->left_out)) return;
    int64_t rows = t->x->count;
    double *square = t->square + worker * rows;
    for (int64_t i = index * ROWS; i < (index + 1) * ROWS && i < rows; i++) {
        const float *a = rows_at(t->x, i);
        for (int64_t j = 0; j < rows; j++) square[j] = rows_square(a, rows_at(t->x, j), t->cols);
        t->excess[i] = 0;
        for (int64_t k = 0; k < t->k; k++) {
            double more = rank(square, rows, i, t->near[i * t->k + k].row) - (double)t->k;
            if (more > 0) t->excess[i] += more;
        }
    }
}

aenc_status aenc_map_trust(aenc_context *ctx, const struct rows *x, int64_t cols, const struct rows *map,
                           int64_t map_cols, int64_t k, double *out) {
    int64_t rows = x->count, workers = aenc_pool_workers(ctx->pool);
    struct trust t = {.ctx = ctx, .x = x, .cols = cols, .k = k};
    const struct search search = {*map, *map, map_cols, k, false, true};
    struct near *near = aenc_alloc_raw(ctx, (size_t)rows, (size_t)k * sizeof *near);
    if (near != NULL) t.square = aenc_alloc_raw(ctx, (size_t)workers, (size_t)rows * sizeof *t.square);
    if (t.square != NULL) t.excess = aenc_alloc_raw(ctx, (size_t)rows, sizeof *t.excess);
    aenc_status status = t.excess == NULL ? AENC_ERR_NO_MEMORY : aenc_search(ctx, &search, near);
    atomic_init(&t.left_out, false);
    if (status == AENC_OK) {
        double sum = 0, n = (double)rows;
        t.near = near;
        aenc_pool_run(ctx->pool, (rows + ROWS - 1) / ROWS, trust_task, &t);
        status = aenc_jobs_whole(ctx, &t.left_out);
        for (int64_t i = 0; status == AENC_OK && i < rows; i++) sum += t.excess[i];
        if (status == AENC_OK) *out = 1 - 2 * sum / (n * (double)k * (2 * n - 3 * (double)k - 1));
    }
    aenc_release(ctx, near);
    aenc_release(ctx, t.square);
    aenc_release(ctx, t.excess);
    return status;
}
