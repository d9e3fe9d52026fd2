/* neighbours.c - exact nearest neighbours by brute force, most of it in GEMM.
 *
 * |q - b|^2 = |q|^2 + |b|^2 - 2 q.b, with the products of a block of queries and a block of base rows in one GEMM,
 * loses digits where q and b are close together and far from zero, and its last bits depend on the CBLAS. So it only
 * chooses: a row whose product says that it cannot be among the k nearest, by more than the product can be wrong, is
 * passed over; every other gets its distance in double from the rows as they were given. Of n-term products in a
 * precision of u, each is wrong by at most n u |q| |b| (Higham, "Accuracy and stability of numerical algorithms",
 * 3.1).
 *
 * For cosines the same with rows of length one, |q - b|^2 = 2 (1 - cos); a row of zeros has cosine 0 with all.
 */
#include <math.h>

#include "math/blas.h"
#include "use/codes.h"

enum { QUERY_ROWS = 64, BASE_ROWS = 256, SLACK = 16 /* rounded operations on either side of the product */ };

struct work {
    aenc_context *ctx;
    const struct search *search;
    num *base;     /* (base rows, cols): shifted by their mean, or of length one */
    num *size;     /* (base rows): squared lengths, or 1 */
    double *shift; /* (cols) */
    num *scratch;  /* by worker: queries (QUERY_ROWS, cols), products (QUERY_ROWS, BASE_ROWS) */
    struct near *out;
    atomic_bool left_out; /* some queries, as the context was cancelled */
};

static double dot(const float *a, const float *b, int64_t cols) {
    double sum = 0;
    for (int64_t i = 0; i < cols; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double distance(const struct search *search, const float *q, const float *b) {
    if (!search->cosine) return rows_square(q, b, search->cols);
    double length = sqrt(dot(q, q, search->cols)) * sqrt(dot(b, b, search->cols));
    return length > 0 ? fmax(0, 2 - 2 * dot(q, b, search->cols) / length) : 2;
}

/* One row as the products want it; returns its squared length. */
static num prepare(const struct work *work, const float *row, num *out) {
    int64_t cols = work->search->cols;
    double sum = 0, length = work->search->cosine ? sqrt(dot(row, row, cols)) : 1;
    for (int64_t i = 0; i < cols; i++) {
        out[i] = (num)(((double)row[i] - work->shift[i]) / (length > 0 ? length : 1));
        sum += (double)out[i] * (double)out[i];
    }
    return work->search->cosine ? 1 : (num)sum;
}

/* list: k of them, sorted; rows arrive in their order, so that an equal one goes behind. */
static void insert(struct near *list, int64_t k, struct near found) {
    int64_t i = k - 1;
    if (!(found.distance < list[i].distance)) return;
    for (; i > 0 && found.distance < list[i - 1].distance; i--) list[i] = list[i - 1];
    list[i] = found;
}

/* Rows first .. first + count - 1 of the base for one query; product: of them with it. */
static void choose(const struct work *work, int64_t query, num size, const num *product, int64_t first, int64_t count) {
    const struct search *search = work->search;
    struct near *list = work->out + query * search->k;
    const float *q = rows_at(&search->query, query);
    double factor = (double)(search->cols + SLACK), wrong = factor * NUM_EPSILON, tiny = factor * NUM_MIN;
    for (int64_t i = 0; i < count; i++) {
        double sizes = (double)size + (double)work->size[first + i];
        double least = sizes - 2 * (double)product[i] - wrong * sizes - tiny;
        if (least > list[search->k - 1].distance || (search->others && first + i == query)) continue;
        insert(list, search->k, (struct near){distance(search, q, rows_at(&search->base, first + i)), first + i});
    }
}

static void query_task(void *user, int64_t index, int worker) {
    struct work *work = user;
    if (aenc_job_left_out(work->ctx, &work->left_out)) return;
    const struct search *search = work->search;
    int64_t cols = search->cols, first = index * QUERY_ROWS, rows = search->query.count - first;
    num size[QUERY_ROWS], *queries = work->scratch + worker * QUERY_ROWS * (cols + BASE_ROWS);
    num *product = queries + QUERY_ROWS * cols;
    if (rows > QUERY_ROWS) rows = QUERY_ROWS;
    for (int64_t r = 0; r < rows; r++) size[r] = prepare(work, rows_at(&search->query, first + r), queries + r * cols);
    for (int64_t i = 0; i < rows * search->k; i++) work->out[first * search->k + i] = (struct near){HUGE_VAL, -1};
    for (int64_t b = 0; b < search->base.count; b += BASE_ROWS) {
        int64_t count = search->base.count - b < BASE_ROWS ? search->base.count - b : BASE_ROWS;
        aenc_blas_gemm(false, true, rows, count, cols, queries, cols, work->base + b * cols, cols, 0, product,
                       BASE_ROWS);
        for (int64_t r = 0; r < rows; r++) choose(work, first + r, size[r], product + r * BASE_ROWS, b, count);
    }
}

/* Distances do not change when everything is moved, and products lose less around zero. */
static void shift_find(const struct work *work) {
    const struct search *search = work->search;
    for (int64_t r = 0; !search->cosine && r < search->base.count; r++)
        for (int64_t i = 0; i < search->cols; i++)
            work->shift[i] += (double)rows_at(&search->base, r)[i] / (double)search->base.count;
}

aenc_status aenc_search(aenc_context *ctx, const struct search *search, struct near *out) {
    size_t cols = (size_t)search->cols, rows = (size_t)search->base.count;
    size_t workers = (size_t)aenc_pool_workers(ctx->pool);
    if (!aenc_blas_fits(search->cols))
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%zu columns are more than this CBLAS takes", cols);
    struct work work = {.ctx = ctx, .search = search, .out = out};
    atomic_init(&work.left_out, false);
    work.shift = aenc_alloc(ctx, cols, sizeof *work.shift);
    if (work.shift != NULL) work.base = aenc_alloc_raw(ctx, rows, cols * sizeof *work.base);
    if (work.base != NULL) work.size = aenc_alloc_raw(ctx, rows, sizeof *work.size);
    if (work.size != NULL)
        work.scratch = aenc_alloc_raw(ctx, workers, QUERY_ROWS * (cols + BASE_ROWS) * sizeof *work.scratch);
    if (work.scratch != NULL) {
        shift_find(&work);
        for (int64_t r = 0; r < search->base.count; r++)
            work.size[r] = prepare(&work, rows_at(&search->base, r), work.base + r * search->cols);
        aenc_pool_run(ctx->pool, (search->query.count + QUERY_ROWS - 1) / QUERY_ROWS, query_task, &work);
    }
    aenc_release(ctx, work.shift);
    aenc_release(ctx, work.base);
    aenc_release(ctx, work.size);
    aenc_release(ctx, work.scratch);
    if (work.scratch == NULL) return AENC_ERR_NO_MEMORY;
    return aenc_jobs_whole(ctx, &work.left_out);
}
