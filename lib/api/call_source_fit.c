/* call_source_fit.c - training on sources. */
#include "api/call_array.h"
#include "io/message_text.h"
#include "train/pca_training.h"

/* closed: the fit is one pass, to the end of the source. A target has been refused before (fields.c). */
static aenc_status stream_check(aenc_context *ctx, const aenc_source *source, const aenc_fit_options *o, bool closed) {
    if (o->valid == NULL && o->valid_source == NULL && o->validation_fraction > 0)
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
    if (aenc_source_size(source, "input") != model->input_size)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "the source has %lld columns; the model takes %lld",
                         (long long)aenc_source_size(source, "input"), (long long)model->input_size);
    aenc_status status = aenc_source_shapes_check(model, "the source", source);
    return status == AENC_OK && source->streams ? stream_check(ctx, source, o, closed) : status;
}

aenc_status aenc_source_shapes_check(const aenc_model *model, const char *who, const aenc_source *source) {
    int number[FIELDS_MAX];
    aenc_status status = AENC_OK;
    aenc_source_number(source, model, number);
    for (int f = 0; f < source->field_count && status == AENC_OK; f++)
        if (number[f] >= 0 && number[f] != FIELD_TARGET)
            status = aenc_shape_check(model->ctx, who, source->field[f].name, &source->field[f].shape,
                                      &model->field[number[f]].shape);
    return status;
}

struct fit_data aenc_source_data(const aenc_source *source, const aenc_model *model) {
    struct fit_data data = {.stream = source->streams ? source : NULL, .unchecked = true};
    aenc_source_number(source, model, data.stream_field);
    data.rows.count = source->rows;
    for (int f = 0; f < source->field_count && !source->streams; f++)
        if (data.stream_field[f] >= 0) data.rows.column[data.stream_field[f]] = source->field[f].column;
    return data;
}

/* What the options and the source say both. */
static aenc_status doubles_check(const aenc_source *source, const aenc_fit_options *o) {
    const char *field = o->target != NULL ? "target" : o->labels != NULL ? "labels" : NULL;
    bool both = field != NULL && aenc_source_size(source, "target") > 0;
    if (!both && o->weight != NULL) {
        field = "weight";
        both = aenc_source_size(source, field) > 0;
    }
    if (o->field_count > 0 || o->fields != NULL)
        return aenc_fail(source->ctx, AENC_ERR_ARGUMENT,
                         "aenc_fit_source: aenc_fit_options.fields is given, but a source has its own");
    if (!both) return AENC_OK;
    return aenc_fail(source->ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.%s is given, and the source has a '%s' too",
                     field, *field == 'w' ? field : "target");
}

/* A stream is at one place at a time. */
static aenc_status apart_check(const aenc_source *source, const aenc_fit_options *o) {
    if (o->valid_source != source || !source->streams) return AENC_OK;
    return aenc_fail(source->ctx, AENC_ERR_ARGUMENT,
                     "aenc_fit_options.valid_source is the source that is trained on; a stream cannot be both");
}

/* Sizes only: the numbers are looked at batch by batch. */
static aenc_status source_check(aenc_model *model, const aenc_source *source, const aenc_fit_options *o,
                                bool labelled) {
    aenc_context *ctx = model->ctx;
    aenc_status status = aenc_source_check(model, source, o, model->pca != NULL);
    if (status != AENC_OK) return status;
    int64_t target = o->target != NULL ? (int64_t)o->target->cols : aenc_source_size(source, "target");
    status = doubles_check(source, o);
    if (status != AENC_OK) return status;
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
    if (status == AENC_OK) status = aenc_columns_take(model, (size_t)source->rows, &o, &labels);
    if (status == AENC_OK) status = aenc_fit_options_check(model, &o, &labels);
    if (status == AENC_OK) status = apart_check(source, &o);
    if (status == AENC_OK) status = source_check(model, source, &o, labels.target.data != NULL);
    if (status == AENC_OK && model->pca != NULL) status = aenc_pca_fit_check(model);
    if (status != AENC_OK) return status;
    struct fit_data data = aenc_source_data(source, model);
    const struct rows target = aenc_rows_of(o.target);
    if (target.data != NULL) aenc_batch_set(&data.rows, FIELD_TARGET, &target);
    aenc_fit_columns(&data.rows, &labels);
    aenc_fit_valid(model, &o, &labels, &data);
    return (model->pca != NULL ? aenc_pca_fit : aenc_train_fit)(model, &data, &o);
}

aenc_status aenc_fit_source(aenc_model *model, aenc_source *source, const aenc_fit_options *options) {
    struct call call = {.held = {.model = model, .source = source}};
    if (model == NULL) return aenc_null(source == NULL ? NULL : source->ctx, "aenc_fit_source", "model");
    aenc_status status = aenc_call_begin(&call, "aenc_fit_source", CALL_TRAINS);
    if (status == AENC_OK) status = fit_source(model, source, options);
    return aenc_call_end(&call, status);
}
