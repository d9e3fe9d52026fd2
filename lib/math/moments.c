/* moments.c - sums of squares, block by block, and their eigenvectors. */
#include "math/moments.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "math/blas.h"
#include "math/linear_algebra.h"
#include "math/subspace.h"

enum { TILE = 128 };

/* ---- Products in tiles: what a tile holds depends on shapes alone, not on who computes it ---- */

/* c (n, n) = A^T A + beta c for A (inner, n), or A A^T for A (n, inner) where `rows`; tiles on and above the
 * diagonal. */
struct square {
    const double *a;
    double *c;
    int64_t n, inner, lda;
    double beta;
    bool rows;
};

static void tile_task(void *user, int64_t index, int worker) {
    (void)worker;
    const struct square *s = user;
    int64_t row = 0, across = (s->n + TILE - 1) / TILE;
    while (index >= across - row) index -= across - row++;
    int64_t i = row * TILE, j = (row + index) * TILE;
    int64_t m = s->n - i < TILE ? s->n - i : TILE, n = s->n - j < TILE ? s->n - j : TILE;
    int64_t step = s->rows ? s->lda : 1;
    aenc_blas_dgemm(!s->rows, s->rows, m, n, s->inner, s->a + i * step, s->lda, s->a + j * step, s->lda, s->beta,
                    s->c + i * s->n + j, s->n);
}

static void square(aenc_context *ctx, const struct square *s) {
    int64_t across = (s->n + TILE - 1) / TILE;
    struct square copy = *s;
    if (s->inner > 0) aenc_pool_run(ctx->pool, across * (across + 1) / 2, tile_task, &copy);
}

/* ---- Memory ---- */

void aenc_moments_free(struct moments *moments) {
    if (moments->ctx == NULL) return;
    aenc_release(moments->ctx, moments->mean);
    aenc_release(moments->ctx, moments->next);
    aenc_release(moments->ctx, moments->scatter);
    aenc_release(moments->ctx, moments->buffer);
    memset(moments, 0, sizeof *moments);
}

/* (a, b) doubles, zeroed; NULL with the message set. */
static double *matrix_alloc(aenc_context *ctx, int64_t a, int64_t b) {
    size_t row;
    if (!aenc_size_multiply((size_t)b, sizeof(double), &row)) row = SIZE_MAX;
    return aenc_alloc(ctx, (size_t)a, row);
}

aenc_status aenc_moments_create(aenc_context *ctx, int64_t cols, int64_t block, int64_t rank, struct moments *out) {
    bool factor = block > 0;
    *out = (struct moments){.ctx = ctx, .cols = cols, .block = factor ? block : MOMENTS_BLOCK, .rank = rank};
    out->mean = matrix_alloc(ctx, 1, cols);
    if (out->mean != NULL) out->next = matrix_alloc(ctx, 1, cols);
    if (out->next != NULL && !factor) out->scatter = matrix_alloc(ctx, cols, cols);
    if (out->next != NULL && (factor || out->scatter != NULL))
        out->buffer = matrix_alloc(ctx, out->block + 1 + rank, cols);
    if (out->buffer != NULL) return AENC_OK;
    aenc_moments_free(out);
    return AENC_ERR_NO_MEMORY;
}

aenc_status aenc_moments_copy(aenc_context *ctx, const struct moments *moments, struct moments *out) {
    const struct moments *m = moments;
    size_t row = (size_t)m->cols * sizeof(double);
    aenc_status status = aenc_moments_create(ctx, m->cols, m->scatter != NULL ? 0 : m->block, m->rank, out);
    if (status != AENC_OK) return status;
    out->used = m->used, out->rows = m->rows, out->total = m->total;
    memcpy(out->mean, m->mean, row);
    if (m->scatter != NULL)
        memcpy(out->scatter, m->scatter, (size_t)m->cols * row);
    else
        memcpy(out->buffer, m->buffer, (size_t)(m->block + 1 + m->rank) * row);
    return AENC_OK;
}

void aenc_spectrum_free(struct spectrum *spectrum) {
    if (spectrum->ctx == NULL) return;
    aenc_release(spectrum->ctx, spectrum->values);
    aenc_release(spectrum->ctx, spectrum->matrix);
    aenc_release(spectrum->ctx, spectrum->vectors);
    aenc_release(spectrum->ctx, spectrum->scratch);
    memset(spectrum, 0, sizeof *spectrum);
}

aenc_status aenc_spectrum_create(const struct moments *moments, struct spectrum *out) {
    aenc_context *ctx = moments->ctx;
    int64_t order = moments->scatter != NULL ? moments->cols : moments->block + 1 + moments->rank;
    *out = (struct spectrum){.ctx = ctx, .order = order};
    out->values = matrix_alloc(ctx, 1, order);
    if (out->values != NULL) out->scratch = matrix_alloc(ctx, 3, order);
    if (out->scratch != NULL) out->matrix = matrix_alloc(ctx, order, order);
    if (out->matrix != NULL) out->vectors = matrix_alloc(ctx, order, order);
    if (out->vectors != NULL) return AENC_OK;
    aenc_spectrum_free(out);
    return AENC_ERR_NO_MEMORY;
}

void aenc_moments_start(struct moments *moments, const double *mean, double rows, double total, const double *factor,
                        int64_t k, double spread) {
    int64_t cols = moments->cols;
    moments->rows = rows;
    moments->total = total;
    memcpy(moments->mean, mean, (size_t)cols * sizeof *mean);
    if (moments->scatter != NULL) {
        const struct square s = {factor, moments->scatter, cols, k, cols, 0, false};
        square(moments->ctx, &s);
        for (int64_t c = 0; c < cols; c++) moments->scatter[c * cols + c] += spread;
    } else {
        moments->used = k;
        memcpy(moments->buffer, factor, (size_t)(k * cols) * sizeof *factor);
    }
}

/* ---- Rows in ---- */

/* The block's rows on their own mean, and where others came before it the row that joins them; answers how many. */
static int64_t centre(struct moments *moments, double *out, const float *data, int64_t stride, int64_t rows) {
    int64_t cols = moments->cols;
    double before = moments->rows, after = before + (double)rows, sum = 0;
    memset(moments->next, 0, (size_t)cols * sizeof(double));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) moments->next[c] += (double)data[r * stride + c];
    for (int64_t c = 0; c < cols; c++) moments->next[c] /= (double)rows;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) out[r * cols + c] = (double)data[r * stride + c] - moments->next[c];
    int64_t count = before > 0 ? rows + 1 : rows;
    double weight = sqrt(before * ((double)rows / after));
    for (int64_t c = 0; c < cols; c++) {
        double step = moments->next[c] - moments->mean[c];
        if (before > 0) out[rows * cols + c] = weight * step;
        moments->mean[c] += step * ((double)rows / after);
    }
    for (int64_t i = 0; i < count; i++) sum += aenc_blas_dot(out + i * cols, out + i * cols, cols);
    moments->rows = after;
    moments->total += sum;
    return count;
}

/* The factor's leading directions: U^T F for the first `rank` columns of U, F F^T = U L U^T. */
static bool cut(struct moments *moments, struct spectrum *spectrum) {
    int64_t cols = moments->cols, count = moments->used, rank = moments->rank < count ? moments->rank : count;
    if (!aenc_moments_spectrum(moments, spectrum)) return false;
    for (int64_t c = 0; c < cols; c++) { /* column by column, so that no second factor is needed */
        double *column = spectrum->scratch;
        for (int64_t r = 0; r < count; r++) column[r] = moments->buffer[r * cols + c];
        for (int64_t r = 0; r < rank; r++)
            moments->buffer[r * cols + c] = aenc_blas_dot(spectrum->vectors + r * count, column, count);
    }
    moments->used = rank;
    return true;
}

bool aenc_moments_add(struct moments *moments, struct spectrum *spectrum, const float *data, int64_t stride,
                      int64_t rows) {
    int64_t cols = moments->cols;
    for (int64_t first = 0; first < rows; first += moments->block) {
        int64_t count = rows - first < moments->block ? rows - first : moments->block;
        bool full = moments->scatter == NULL && moments->used + count + 1 > moments->block + 1 + moments->rank;
        if (full && !cut(moments, spectrum)) return false;
        double *out = moments->buffer + moments->used * cols;
        int64_t added = centre(moments, out, data + first * stride, stride, count);
        const struct square s = {out, moments->scatter, cols, added, cols, 1, false};
        if (moments->scatter != NULL)
            square(moments->ctx, &s);
        else
            moments->used += added;
    }
    return true;
}

/* ---- Directions out ---- */

bool aenc_moments_spectrum(const struct moments *moments, struct spectrum *spectrum) {
    int64_t n = moments->scatter != NULL ? moments->cols : moments->used;
    double *a = spectrum->matrix;
    spectrum->count = n;
    if (moments->scatter != NULL) memcpy(a, moments->scatter, (size_t)(n * n) * sizeof *a);
    const struct square s = {moments->buffer, a, n, moments->cols, moments->cols, 0, true};
    if (moments->scatter == NULL) square(moments->ctx, &s);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i];
    if (!aenc_eigen_symmetric(a, n, spectrum->values, spectrum->vectors, spectrum->scratch)) return false;
    double noise = n > 0 ? spectrum->values[0] * DBL_EPSILON * (double)n : 0;
    for (int64_t i = 0; i < n; i++)
        if (!(spectrum->values[i] > noise)) spectrum->values[i] = 0;
    return true;
}

static void turn_positive(double *row, int64_t n) {
    const double as_large = 1 - 1e-6; /* of what float32 data leave in doubt */
    double largest = 0, head = 0;
    for (int64_t c = 0; c < n; c++) largest = fmax(largest, fabs(row[c]));
    for (int64_t c = 0; c < n && head == 0; c++)
        if (fabs(row[c]) >= as_large * largest) head = row[c];
    for (int64_t c = 0; c < n && head < 0; c++) row[c] = -row[c];
}

void aenc_moments_directions(const struct moments *moments, const struct spectrum *spectrum, int64_t k, double *out) {
    int64_t cols = moments->cols, n = spectrum->count, known = 0;
    while (known < k && known < n && spectrum->values[known] > 0) known++;
    if (moments->scatter != NULL) {
        memcpy(out, spectrum->vectors, (size_t)(k * cols) * sizeof *out);
    } else {
        /* v_i = F^T u_i / sqrt(l_i); small ones lean a little on the larger */
        if (known > 0)
            aenc_blas_dgemm(false, false, known, cols, n, spectrum->vectors, n, moments->buffer, cols, 0, out, cols);
        known = aenc_rows_orthonormalise(out, known, cols, 0);
        aenc_rows_complete(out, known, k, cols);
    }
    for (int64_t r = 0; r < k; r++) turn_positive(out + r * cols, cols);
}
