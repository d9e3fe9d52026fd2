/* rate.c - how many bits the codes need, and what quantising them costs.
 *
 * A uniform quantiser with the step D sends each element of a code to D round(c / D). Its rate is the empirical
 * entropy of the rounded numbers, element by element, H = -sum p log2 p: what an ideal entropy coder with a table
 * per element needs (Shannon 1948). The distortion is that of the decoded against the input. Of few rows the entropy
 * is too small: it cannot exceed the logarithm of their number.
 */
#include <math.h>
#include <string.h>

#include "io/sort.h"
#include "use/codes.h"

struct curve {
    struct aenc_model *model;
    struct rows x;
    float *code, *rounded; /* (rows, code) */
    float *column;         /* two columns of the code: what is sorted, and room for sorting */
    float *output;         /* (rows, output) */
};

/* Bits per number of a column. */
static double entropy(float *column, size_t rows) {
    double bits = 0;
    aenc_sort_floats(column, rows);
    for (size_t r = 0, run = 1; r < rows; r++, run++) {
        if (r + 1 < rows && column[r + 1] == column[r]) continue;
        double p = (double)run / (double)rows;
        bits -= p * log2(p);
        run = 0;
    }
    return bits;
}

static double squared_error(const struct curve *curve) {
    int64_t cols = curve->model->output_size;
    double sum = 0;
    for (int64_t i = 0; i < curve->x.count * cols; i++) {
        double difference = (double)curve->output[i] - (double)rows_at(&curve->x, i / cols)[i % cols];
        sum += difference * difference;
    }
    return sum / (double)(curve->x.count * cols);
}

static aenc_status point_find(const struct curve *curve, double step, double peak, aenc_rate_point *out) {
    int64_t rows = curve->x.count, cols = curve->model->code_size;
    double bits = 0;
    for (int64_t c = 0; c < cols; c++) {
        for (int64_t r = 0; r < rows; r++) {
            float value = (float)(nearbyint((double)curve->code[r * cols + c] / step) * step);
            curve->column[r] = curve->rounded[r * cols + c] = value;
        }
        bits += entropy(curve->column, (size_t)rows);
    }
    struct rows codes = {curve->rounded, cols, rows, NULL};
    aenc_status status = aenc_model_infer_rows(curve->model, TASK_DECODE, &codes, curve->output);
    if (status != AENC_OK) return status;
    double mse = squared_error(curve);
    *out = (aenc_rate_point){sizeof *out, step, bits / (double)cols, bits, mse, 10 * log10(peak * peak / mse)};
    return AENC_OK;
}

aenc_status aenc_rate_find(struct aenc_model *model, const struct rows *x, const double *step, int64_t count,
                           double peak, aenc_rate_point *out, size_t point_size) {
    aenc_context *ctx = model->ctx;
    size_t rows = (size_t)x->count;
    struct curve curve = {.model = model, .x = *x};
    curve.code = aenc_alloc_raw(ctx, rows, (size_t)model->code_size * sizeof(float));
    curve.rounded = aenc_alloc_raw(ctx, rows, (size_t)model->code_size * sizeof(float));
    curve.column = aenc_alloc_raw(ctx, rows, 2 * sizeof(float));
    curve.output = aenc_alloc_raw(ctx, rows, (size_t)model->output_size * sizeof(float));
    aenc_status status = AENC_ERR_NO_MEMORY;
    if (curve.code != NULL && curve.rounded != NULL && curve.column != NULL && curve.output != NULL)
        status = aenc_model_infer_rows(model, TASK_ENCODE, x, curve.code);
    for (int64_t i = 0; i < count && status == AENC_OK; i++) {
        aenc_rate_point point;
        status = point_find(&curve, step[i], peak, &point);
        if (status != AENC_OK) break;
        point.struct_size = point_size;
        memcpy((char *)out + (size_t)i * point_size, &point, point_size < sizeof point ? point_size : sizeof point);
    }
    aenc_release(ctx, curve.code);
    aenc_release(ctx, curve.rounded);
    aenc_release(ctx, curve.column);
    aenc_release(ctx, curve.output);
    return status;
}
