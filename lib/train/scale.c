/* scale.c - a model's scaling, learned from the rows that it is trained on (model/scaling.c has the equations).
 *
 * Mean and variance run along with the rows (Welford 1962), in double and in the rows' order, so that they are the
 * same on any number of threads. Quartiles are interpolated between order statistics, as NumPy's percentile does. A
 * column without spread gets scale 1; under "robust" one whose quartiles meet gets its standard deviation.
 */
#include <float.h>
#include <math.h>

#include "io/sort.h"
#include "train/row_source.h"
#include "train/train.h"

struct column_values {
    double mean, square; /* square: sum of squared deviations */
    double low, high;
};

struct learning {
    struct aenc_model *model;
    struct column_values *column;
    float *row; /* room for one */
    double rows;
};

static void see(struct learning *l, const struct batch *rows) {
    for (int64_t r = 0; r < rows->count; r++) {
        const float *x = aenc_batch_floats(rows, FIELD_INPUT, &l->model->field[FIELD_INPUT], r, l->row);
        l->rows++;
        for (int64_t c = 0; c < l->model->input_size; c++) {
            struct column_values *column = &l->column[c];
            double value = (double)x[c], off = value - column->mean;
            column->mean += off / l->rows;
            column->square += off * (value - column->mean);
            column->low = l->rows == 1 ? value : fmin(column->low, value);
            column->high = l->rows == 1 ? value : fmax(column->high, value);
        }
    }
}

/* Median in place of the mean, interquartile range in place of the lowest (where it is 0: left to the deviation). */
static aenc_status quartiles(struct learning *l, const struct batch *rows) {
    float *values = aenc_alloc_raw(l->model->ctx, (size_t)rows->count, 2 * sizeof *values);
    if (values == NULL) return AENC_ERR_NO_MEMORY;
    for (int64_t c = 0; c < l->model->input_size; c++) {
        for (int64_t r = 0; r < rows->count; r++)
            values[r] = aenc_batch_value(rows, FIELD_INPUT, &l->model->field[FIELD_INPUT], r, c);
        size_t count = (size_t)rows->count;
        aenc_sort_floats(values, count);
        l->column[c].mean = aenc_sorted_quantile(values, count, 0.5);
        l->column[c].low = aenc_sorted_quantile(values, count, 0.75) - aenc_sorted_quantile(values, count, 0.25);
    }
    aenc_release(l->model->ctx, values);
    return AENC_OK;
}

/* ---- Reading ---- */

static aenc_status input_check(const struct learning *l, const struct batch *rows, uint64_t first) {
    const struct column_names names = {"source", first, NULL};
    return aenc_column_check(l->model->ctx, names, rows, FIELD_INPUT, &l->model->field[FIELD_INPUT]);
}

static aenc_status see_stream(struct learning *l, const struct fit_data *data, int64_t batch, int64_t batches) {
    const struct aenc_source *source = data->stream;
    struct aenc_model *model = l->model;
    const struct stream_want want = {batch, model->least_rows, batches, NULL, false};
    struct stream stream;
    struct stream_batch *got;
    const char *name = aenc_settings_type(model->scaling);
    if (source->call.seek == NULL || aenc_scaling_kind(model->scaling) == SCALING_ROBUST)
        return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED,
                         "scaling '%s' cannot be learned from this source: %s; set 'scaling.shift' and 'scaling.scale'",
                         name, source->call.seek == NULL ? "it has no seek" : "quartiles need rows in memory");
    aenc_status status = aenc_stream_open(source, want, 0, &stream);
    if (status != AENC_OK) return status;
    for (bool more = true; more && batches > 0 && status == AENC_OK; batches--) {
        status = aenc_stream_next(&stream, &got);
        if (status == AENC_OK && stream.stopped) status = aenc_ended(model->ctx, "the source");
        if (status == AENC_OK) status = aenc_cancel_check(model->ctx);
        if (status != AENC_OK) break;
        const struct batch rows = aenc_stream_rows(&stream, got, data->stream_field);
        status = input_check(l, &rows, got->first);
        if (status == AENC_OK) see(l, &rows);
        more = got->count > 0 && got->after != 0;
    }
    aenc_stream_close(&stream);
    return status;
}

/* ---- Writing ---- */

static aenc_status states_write(const struct learning *l) {
    struct aenc_model *model = l->model;
    enum scaling kind = aenc_scaling_kind(model->scaling);
    aenc_status status = aenc_store_own(&model->store);
    if (status != AENC_OK) return status;
    num *shift = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.shift"));
    num *scale = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.scale"));
    for (int64_t c = 0; c < model->input_size; c++) {
        const struct column_values *column = &l->column[c];
        double width = sqrt(column->square / l->rows);
        if (kind == SCALING_MINMAX) width = fmin(column->high - column->low, FLT_MAX);
        if (kind == SCALING_ROBUST && column->low > 0) width = fmin(column->low, FLT_MAX);
        shift[c] = (num)(kind == SCALING_MINMAX ? column->low : column->mean);
        scale[c] = (num)(width < (double)FLT_MIN ? 1 : width);
    }
    model->scaling_known = true;
    return AENC_OK;
}

aenc_status aenc_scaling_learn(struct aenc_model *model, const struct fit_data *data, const struct batch *rows,
                               int64_t batch, int64_t batches) {
    if (!aenc_scaling_unknown(model)) return AENC_OK;
    struct learning l = {model, aenc_alloc(model->ctx, (size_t)model->input_size, sizeof *l.column),
                         aenc_alloc_raw(model->ctx, (size_t)model->input_size, sizeof *l.row), 0};
    aenc_status status = l.column == NULL || l.row == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    if (status == AENC_OK && data->unchecked && data->stream == NULL) status = input_check(&l, rows, 0);
    if (status == AENC_OK && data->stream != NULL)
        status = see_stream(&l, data, batch, batches);
    else if (status == AENC_OK)
        see(&l, rows);
    if (status == AENC_OK && aenc_scaling_kind(model->scaling) == SCALING_ROBUST) status = quartiles(&l, rows);
    if (status == AENC_OK && l.rows == 1)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                           "scaling '%s' cannot be learned from one row; train on more, or set 'scaling.shift' and "
                           "'scaling.scale'",
                           aenc_settings_type(model->scaling));
    if (status == AENC_OK && l.rows > 0) status = states_write(&l);
    aenc_release(model->ctx, l.row);
    aenc_release(model->ctx, l.column);
    return status;
}
