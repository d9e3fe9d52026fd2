/* interpolate.c - ways through code space: between two codes, along an attribute, along one element. */
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "io/sort.h"
#include "use/codes.h"

/* ---- Between two codes ---- */

static double dot(const float *a, const float *b, int64_t cols) {
    double sum = 0;
    for (int64_t i = 0; i < cols; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The angle between a and b in *angle; false where linear and spherical are the same: parallel or zero. */
static bool angle_between(const float *a, const float *b, int64_t cols, double *angle) {
    double length = sqrt(dot(a, a, cols)) * sqrt(dot(b, b, cols));
    if (!(length > 0)) return false;
    double cosine = dot(a, b, cols) / length;
    *angle = acos(fmin(fmax(cosine, -1), 1));
    return *angle > 1e-6;
}

aenc_status aenc_codes_between(aenc_context *ctx, const struct rows *a, const struct rows *b, int64_t cols,
                               int64_t steps, bool spherical, float *out) {
    static const double pi = 3.14159265358979323846;
    aenc_status status = AENC_OK;
    for (int64_t r = 0; r < a->count && status == AENC_OK; r++) {
        const float *from = rows_at(a, r), *to = rows_at(b, r);
        double angle = 0;
        bool arc = spherical && angle_between(from, to, cols, &angle);
        if (arc && pi - angle < 1e-6)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                             "the codes of a%s and b%s point in opposite directions: no arc is the shortest",
                             aenc_at((size_t)r).text, aenc_at((size_t)r).text);
        for (int64_t s = 0; s < steps; s++) {
            double t = (double)s / (double)(steps - 1);
            /* linear: (1 - t) a + t b; Shoemake 1985: sin((1 - t) w) / sin w a + sin(t w) / sin w b */
            double first = arc ? sin((1 - t) * angle) / sin(angle) : 1 - t;
            double second = arc ? sin(t * angle) / sin(angle) : t;
            for (int64_t i = 0; i < cols; i++) *out++ = (float)(first * (double)from[i] + second * (double)to[i]);
        }
        status = aenc_cancel_check(ctx);
    }
    return status;
}

/* ---- Attributes ---- */

aenc_status aenc_codes_sum(aenc_context *ctx, const struct rows *weights, const struct rows *codes, int64_t cols,
                           float *out) {
    double *sum = aenc_alloc_raw(ctx, (size_t)cols, sizeof *sum);
    aenc_status status = sum == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t w = 0; w < weights->count && status == AENC_OK; w++) {
        memset(sum, 0, (size_t)cols * sizeof *sum);
        for (int64_t r = 0; r < codes->count; r++)
            for (int64_t i = 0; i < cols; i++) sum[i] += (double)rows_at(weights, w)[r] * (double)rows_at(codes, r)[i];
        for (int64_t i = 0; i < cols; i++) *out++ = (float)sum[i];
        status = aenc_cancel_check(ctx);
    }
    aenc_release(ctx, sum);
    return status;
}

static aenc_status group_mean(aenc_context *ctx, const struct rows *codes, int64_t cols, const int32_t *labels,
                              int32_t label, double factor, double *out) {
    int64_t members = 0;
    for (int64_t r = 0; r < codes->count; r++) members += labels[r] == label;
    if (members == 0) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "no row has the label %d", (int)label);
    aenc_status status = aenc_cancel_check(ctx);
    if (status != AENC_OK) return status;
    for (int64_t r = 0; r < codes->count; r++)
        for (int64_t i = 0; labels[r] == label && i < cols; i++)
            out[i] += factor * (double)rows_at(codes, r)[i] / (double)members;
    return AENC_OK;
}

aenc_status aenc_codes_difference(aenc_context *ctx, const struct rows *codes, int64_t cols, const int32_t *labels,
                                  int32_t without, int32_t with, float *out) {
    double *sum = aenc_alloc(ctx, (size_t)cols, sizeof *sum);
    if (sum == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = group_mean(ctx, codes, cols, labels, with, 1, sum);
    if (status == AENC_OK) status = group_mean(ctx, codes, cols, labels, without, -1, sum);
    for (int64_t i = 0; status == AENC_OK && i < cols; i++) out[i] = (float)sum[i];
    aenc_release(ctx, sum);
    return status;
}

/* ---- Ranges and traversal ---- */

aenc_status aenc_codes_shares(aenc_context *ctx, const struct rows *codes, int64_t cols, const double *share,
                              int64_t count, float *out) {
    size_t rows = (size_t)codes->count;
    float *column = aenc_alloc_raw(ctx, rows, 2 * sizeof *column);
    aenc_status status = column == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t c = 0; c < cols && status == AENC_OK; c++) {
        for (int64_t r = 0; r < codes->count; r++) column[r] = rows_at(codes, r)[c];
        aenc_sort_floats(column, rows);
        for (int64_t q = 0; q < count; q++) {
            double place = share[q] * (double)(rows - 1);
            size_t low = (size_t)place, high = low + 1 < rows ? low + 1 : low;
            double t = place - (double)low;
            out[q * cols + c] = (float)((1 - t) * (double)column[low] + t * (double)column[high]);
        }
        status = aenc_cancel_check(ctx);
    }
    aenc_release(ctx, column);
    return status;
}

void aenc_codes_walk(const float *code, const struct rows *range, int64_t cols, int64_t steps, float *out) {
    for (int64_t c = 0; c < cols; c++) {
        double low = (double)rows_at(range, 0)[c], high = (double)rows_at(range, 1)[c];
        for (int64_t s = 0; s < steps; s++, out += cols) {
            double t = (double)s / (double)(steps - 1);
            memcpy(out, code, (size_t)cols * sizeof *out);
            out[c] = (float)((1 - t) * low + t * high);
        }
    }
}
