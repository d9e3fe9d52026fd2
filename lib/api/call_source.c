/* call_source.c - sources of rows, and training on them. */
#include "train/row_source.h"

#include "api/api.h"
#include "io/message_text.h"
#include "train/pca_training.h"

enum { COLS_MAX = INT32_MAX };

/* ---- Making ---- */

aenc_status aenc_source_matrix(aenc_context *ctx, const aenc_matrix *matrix, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_source_matrix", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (matrix == NULL) return aenc_null(ctx, "aenc_source_matrix", "matrix");
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, "aenc_source_matrix", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_matrix_shape_check(ctx, "matrix", matrix, matrix->cols);
    if (status == AENC_OK && matrix->cols == 0) status = aenc_fail(ctx, AENC_ERR_SHAPE, "matrix: cols is 0");
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    if (status != AENC_OK) return status;
    struct source_field *field = aenc_source_add(source, "input", (int64_t)matrix->cols, VALUE_F32);
    const struct rows rows = aenc_rows_of(matrix);
    field->column.data = rows.data;
    field->column.stride = rows.stride;
    source->rows = rows.count;
    *out = source;
    return AENC_OK;
}

aenc_status aenc_source_npy(aenc_context *ctx, const char *path, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_source_npy", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (path == NULL) return aenc_null(ctx, "aenc_source_npy", "path");
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, "aenc_source_npy", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    if (status != AENC_OK) return status;
    status = aenc_source_map(ctx, path, source);
    if (status == AENC_OK)
        *out = source;
    else
        aenc_source_release(source);
    return status;
}

static aenc_status callbacks_check(aenc_context *ctx, const aenc_source_callbacks *c) {
    if (c->read == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_source_callbacks.read is NULL");
    if (c->cols == 0 || c->cols > COLS_MAX || c->target_cols > COLS_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE,
                         "aenc_source_callbacks: cols is %zu and target_cols %zu; at most %d, and cols at least 1",
                         c->cols, c->target_cols, COLS_MAX);
    if (c->rows > UINT64_C(1) << 40)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_source_callbacks.rows is %llu; at most 2^40, and 0 for endless",
                         (unsigned long long)c->rows);
    if (c->read_ahead == 0 || c->read_ahead == 1) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_source_callbacks.read_ahead is %lld; 0 or 1",
                     (long long)c->read_ahead);
}

aenc_status aenc_source_callback(aenc_context *ctx, const aenc_source_callbacks *callbacks, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_source_callback", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (callbacks == NULL) return aenc_null(ctx, "aenc_source_callback", "callbacks");
    aenc_source_callbacks c;
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, "aenc_source_callback", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_options_read(ctx, "aenc_source_callbacks", callbacks, sizeof c, &c);
    if (status == AENC_OK) status = callbacks_check(ctx, &c);
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    if (status != AENC_OK) return status;
    source->call = c;
    source->streams = true;
    aenc_source_add(source, "input", (int64_t)c.cols, VALUE_F32);
    if (c.target_cols > 0) aenc_source_add(source, "target", (int64_t)c.target_cols, VALUE_F32);
    aenc_source_add(source, "weight", 1, VALUE_F32);
    *out = source;
    return AENC_OK;
}

void aenc_source_free(aenc_source *source) { aenc_source_release(source); }
uint64_t aenc_source_rows(const aenc_source *source) {
    if (source == NULL) return 0;
    return source->streams ? source->call.rows : (uint64_t)source->rows;
}

/* Values of a row of that field; 0: the source does not have it. */
static int64_t size_of(const aenc_source *source, const char *name) {
    const struct source_field *field = aenc_source_field(source, name);
    return field == NULL ? 0 : field->size;
}

size_t aenc_source_cols(const aenc_source *source) { return source == NULL ? 0 : (size_t)size_of(source, "input"); }

/* ---- Training ---- */

/* closed: the fit is one pass, to the end of the source. A target has been refused before (fields.c). */
static aenc_status stream_check(aenc_context *ctx, const aenc_source *source, const aenc_fit_options *o, bool closed) {
    if (o->valid == NULL && o->validation_fraction > 0)
        return aenc_fail(
            ctx, AENC_ERR_ARGUMENT,
            "aenc_fit_options.validation_fraction is %s, but a stream cannot be split; hold rows out in valid",
            aenc_shown(o->validation_fraction).text);
    if (source->call.rows == 0 && o->steps_per_epoch == 0 && !closed)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "aenc_fit_options.steps_per_epoch is 0, but the source does not state how many rows it has");
    return AENC_OK;
}

aenc_status aenc_source_check(aenc_model *model, const aenc_source *source, const aenc_fit_options *o, bool closed) {
    aenc_context *ctx = model->ctx;
    if (source->ctx != ctx) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "the source belongs to another context");
    if (size_of(source, "input") != model->input_size)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "the source has %lld columns; the model takes %lld",
                         (long long)size_of(source, "input"), (long long)model->input_size);
    return source->streams ? stream_check(ctx, source, o, closed) : AENC_OK;
}

struct fit_data aenc_source_data(const aenc_source *source, const aenc_model *model) {
    struct fit_data data = {.stream = source->streams ? source : NULL, .unchecked = true};
    aenc_source_number(source, model, data.stream_field);
    data.rows.count = source->rows;
    for (int f = 0; f < source->field_count && !source->streams; f++)
        if (data.stream_field[f] >= 0) data.rows.column[data.stream_field[f]] = source->field[f].column;
    return data;
}

/* Sizes only: the numbers are looked at batch by batch. */
static aenc_status source_check(aenc_model *model, const aenc_source *source, const aenc_fit_options *o,
                                bool labelled) {
    aenc_context *ctx = model->ctx;
    aenc_status status = aenc_source_check(model, source, o, model->pca != NULL);
    if (status != AENC_OK) return status;
    int64_t target = o->target != NULL ? (int64_t)o->target->cols : size_of(source, "target");
    if (target == 0 && labelled) return AENC_OK;
    if (target == 0 && model->classes > 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "target is NULL; loss '%s' needs the class of each row there",
                         model->loss->name);
    if (target == 0) target = model->input_size;
    if (target != model->target_size)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "targets have %lld columns; the model's output has %lld",
                         (long long)target, (long long)model->target_size);
    if (o->target == NULL) return AENC_OK;
    status = aenc_matrix_check(ctx, "target", o->target, (size_t)model->target_size);
    if (status == AENC_OK && o->target->rows != (size_t)source->rows)
        status = aenc_fail(ctx, AENC_ERR_SHAPE, "target has %zu rows and the source has %lld", o->target->rows,
                           (long long)source->rows);
    return status;
}

static aenc_status fit_source(aenc_model *model, aenc_source *source, const aenc_fit_options *options) {
    if (source == NULL) return aenc_null(model->ctx, "aenc_fit_source", "source");
    aenc_fit_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_fit_options", options, sizeof o, &o);
    if (status != AENC_OK) return status;
    struct label_targets labels;
    enum fit_user user = model->pca != NULL ? FIT_PCA : source->streams ? FIT_STREAM : FIT_ROWS;
    status = aenc_fit_fields_check(model->ctx, "aenc_fit_source", user, &o);
    if (status == AENC_OK) status = aenc_labels_take(model, (size_t)source->rows, &o, &labels);
    if (status == AENC_OK) status = aenc_fit_options_check(model, &o, &labels);
    if (status == AENC_OK) status = source_check(model, source, &o, labels.target.data != NULL);
    if (status == AENC_OK && model->pca != NULL) status = aenc_pca_fit_check(model);
    if (status != AENC_OK) return status;
    struct fit_data data = aenc_source_data(source, model);
    const struct rows target = aenc_rows_of(o.target);
    if (target.data != NULL) aenc_batch_set(&data.rows, FIELD_TARGET, &target);
    if (labels.target.data != NULL) data.rows.column[FIELD_TARGET] = labels.target;
    data.valid = aenc_fit_valid(&o, &labels);
    return model->pca != NULL ? aenc_pca_fit(model, &data) : aenc_train_fit(model, &data, &o);
}

aenc_status aenc_fit_source(aenc_model *model, aenc_source *source, const aenc_fit_options *options) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    struct call call;
    if (model == NULL) return aenc_null(source == NULL ? NULL : source->ctx, "aenc_fit_source", "model");
    const struct held held = {.model = model, .source = source};
    aenc_status status = aenc_call_begin_training(&call, "aenc_fit_source", held, before);
    if (status == AENC_OK) status = fit_source(model, source, options);
    return aenc_call_end(&call, status);
}
