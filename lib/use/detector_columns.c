/* detector_columns.c - an ordinary cell of a column and an ordinary deviation, whatever a few rows have in it.
 *
 * Of n cells the ceil(n / 100) furthest from the median are left out, one by one from whichever end is further; mean
 * and standard deviation of the others are the column's middle and unit. So a cell that is out by orders of
 * magnitude moves neither. Where the others are all equal (a constant column but for that cell, a rare 1 among
 * zeros) the unit is the standard deviation of all cells and the middle their median; of a constant column it is a
 * hundredth of its value, or 1 of zeros.
 *
 *     standard  shift and scale of the model are middle and unit
 *     robust    so they are, the middle being the median, the unit the interquartile range where that is above 0
 *     minmax    minimum and range of the cells within DETECTOR_CLIP units of the middle
 */
#include <float.h>
#include <math.h>

#include "io/sort.h"
#include "use/detector.h"

static const double left_out = 0.01; /* share of the cells */

static void moments(const float *value, int64_t count, struct column_facts *fact) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < count; i++) sum += ((double)value[i] - (double)value[0]) / (double)count;
    fact->middle = (double)value[0] + sum;
    for (int64_t i = 0; i < count; i++) square += ((double)value[i] - fact->middle) * ((double)value[i] - fact->middle);
    fact->unit = sqrt(square / (double)count);
}

static bool is_width(double width) { return width >= (double)FLT_MIN; }

static void column_learn(const float *sorted, int64_t count, bool robust, struct column_facts *fact) {
    double median = aenc_sorted_quantile(sorted, (size_t)count, 0.5);
    double range =
        aenc_sorted_quantile(sorted, (size_t)count, 0.75) - aenc_sorted_quantile(sorted, (size_t)count, 0.25);
    int64_t first = 0, end = count;
    for (int64_t i = (int64_t)ceil(left_out * (double)count); i > 0 && end - first > 1; i--) {
        if (median - (double)sorted[first] > (double)sorted[end - 1] - median)
            first++;
        else
            end--;
    }
    moments(sorted + first, end - first, fact);
    if (!is_width(fact->unit)) {
        moments(sorted, count, fact);
        fact->middle = median;
    }
    if (robust) fact->middle = median;
    if (robust && is_width(range)) fact->unit = range;
    if (!is_width(fact->unit)) fact->unit = fabs(median) / 100;
    if (!is_width(fact->unit)) fact->unit = 1;
    fact->unit = fmin(fact->unit, FLT_MAX);
}

void aenc_detector_columns_bound(struct aenc_detector *detector) {
    const struct aenc_model *model = detector->model;
    const num *shift = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.shift"));
    const num *scale = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.scale"));
    struct scaling_limits limits = aenc_scaling_limits(model->scaling);
    for (int64_t c = 0; c < model->input_size; c++) {
        struct column_facts *fact = &detector->column[c];
        fact->low = fmax(fmin((double)shift[c] + limits.low * (double)scale[c], fact->middle), -FLT_MAX);
        fact->high = fmin(fmax((double)shift[c] + limits.high * (double)scale[c], fact->middle), FLT_MAX);
    }
}

bool aenc_detector_columns_good(const struct aenc_detector *detector) {
    for (int64_t c = 0; c < detector->model->input_size; c++) {
        const struct column_facts *fact = &detector->column[c];
        if (!(fabs(fact->middle) <= FLT_MAX && is_width(fact->unit) && fact->unit <= FLT_MAX)) return false;
    }
    return true;
}

aenc_status aenc_detector_columns_learn(struct aenc_detector *detector, const struct rows *x) {
    struct aenc_model *model = detector->model;
    enum scaling kind = aenc_scaling_kind(model->scaling);
    float *sorted = aenc_alloc_raw(model->ctx, (size_t)x->count, 2 * sizeof *sorted);
    aenc_status status = sorted == NULL ? AENC_ERR_NO_MEMORY : aenc_store_own(&model->store);
    num *shift = NULL, *scale = NULL;
    if (status == AENC_OK) {
        shift = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.shift"));
        scale = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.scale"));
        model->scaling_known = true;
    }
    for (int64_t c = 0; c < model->input_size && status == AENC_OK; c++) {
        struct column_facts *fact = &detector->column[c];
        for (int64_t r = 0; r < x->count; r++) sorted[r] = x->data[r * x->stride + c];
        aenc_sort_floats(sorted, (size_t)x->count);
        status = aenc_cancel_check(model->ctx);
        column_learn(sorted, x->count, kind == SCALING_ROBUST, fact);
        double low = fmax((double)sorted[0], fact->middle - DETECTOR_CLIP * fact->unit);
        double high = fmin((double)sorted[x->count - 1], fact->middle + DETECTOR_CLIP * fact->unit);
        double range = is_width(high - low) ? fmin(high - low, FLT_MAX) : fact->unit;
        shift[c] = (num)(kind == SCALING_MINMAX ? low : fact->middle);
        scale[c] = (num)(kind == SCALING_MINMAX ? range : fact->unit);
    }
    aenc_release(model->ctx, sorted);
    if (status == AENC_OK) aenc_detector_columns_bound(detector);
    return status;
}
