/* fit_weights.c - what a fit's options say of single rows: weights; and rows that are held out. */
#include "api/call_array.h"
#include "io/message_text.h"

/* A field of aenc_fit_options with weights, and the one that counts them. */
struct given_weights {
    const char *name, *count_field; /* the second with a dot in front */
    const float *weight;
    size_t count;
};

static aenc_status weights_column(aenc_context *ctx, struct given_weights given, size_t of, struct column *out) {
    double sum = 0;
    if (given.weight == NULL && given.count != 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options%s is %zu, and %s is NULL", given.count_field,
                         given.count, given.name + sizeof "aenc_fit_options." - 1);
    if (given.weight == NULL || of == 0) return AENC_OK;
    struct batch rows = {.count = (int64_t)of};
    rows.column[FIELD_WEIGHT] = (struct column){.data = given.weight, .stride = 1, .type = VALUE_F32};
    aenc_status status = aenc_count_check(ctx, "aenc_fit_options", given.count_field, given.count, of, 1);
    if (status == AENC_OK) status = aenc_weights_check(ctx, (struct column_names){given.name, 0, NULL}, &rows, &sum);
    if (status == AENC_OK && !(sum > 0))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s adds up to %s", given.name, aenc_shown(sum).text);
    if (status == AENC_OK) *out = rows.column[FIELD_WEIGHT];
    return status;
}

aenc_status aenc_weights_take(aenc_model *model, size_t rows, const aenc_fit_options *o, struct label_targets *out) {
    const struct given_weights all = {"aenc_fit_options.weight", ".weight_count", o->weight, o->weight_count},
                               valid = {"aenc_fit_options.valid_weight", ".valid_weight_count", o->valid_weight,
                                        o->valid_weight_count};
    if (o->valid_weight != NULL && o->valid == NULL)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_weight is given without valid");
    aenc_status status = weights_column(model->ctx, all, rows, &out->weight);
    return status == AENC_OK
               ? weights_column(model->ctx, valid, o->valid == NULL ? 0 : o->valid->rows, &out->valid_weight)
               : status;
}

void aenc_fit_columns(struct batch *rows, const struct label_targets *labels) {
    if (labels->target.data != NULL) rows->column[FIELD_TARGET] = labels->target;
    if (labels->weight.data != NULL) rows->column[FIELD_WEIGHT] = labels->weight;
}

void aenc_fit_valid(const aenc_model *model, const aenc_fit_options *o, const struct label_targets *labels,
                    struct fit_data *data) {
    data->valid_source = (struct aenc_source *)(uintptr_t)o->valid_source;
    if (o->valid_source != NULL) {
        data->valid = aenc_source_data(o->valid_source, model).rows;
        aenc_source_number(o->valid_source, model, data->valid_field);
        return;
    }
    data->valid = aenc_batch_from(o->valid, o->valid_target);
    if (labels->valid.data != NULL) data->valid.column[FIELD_TARGET] = labels->valid;
    if (labels->valid_weight.data != NULL) data->valid.column[FIELD_WEIGHT] = labels->valid_weight;
}

/* The first rule of targets that the source breaks by what it has. */
static aenc_status targets_check(const aenc_model *model, const aenc_source *source) {
    int64_t target = aenc_source_size(source, "target");
    if (target == 0 && model->classes > 0)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                         "aenc_fit_options.valid_source has no 'target'; loss '%s' needs the class of each row there",
                         model->loss->name);
    if (target == 0) target = model->input_size;
    if (target == model->target_size) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_SHAPE,
                     "aenc_fit_options.valid_source: targets have %lld columns; the model's output has %lld",
                     (long long)target, (long long)model->target_size);
}

aenc_status aenc_valid_source_check(aenc_model *model, const aenc_fit_options *o) {
    const aenc_source *source = o->valid_source;
    aenc_context *ctx = model->ctx;
    if (source == NULL) return AENC_OK;
    if (source->ctx != ctx)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_source belongs to another context");
    if (source->streams && source->call.seek == NULL)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                         "aenc_fit_options.valid_source has no seek; it is read from its beginning after each epoch");
    aenc_status status = aenc_source_shapes_check(model, "aenc_fit_options.valid_source", source);
    if (status == AENC_OK) status = targets_check(model, source);
    if (source->streams) return status; /* the rows are looked at as they come */
    const struct batch rows = aenc_source_data(source, model).rows;
    const struct column_names weight = {"weight", 0, NULL};
    if (status == AENC_OK) status = aenc_fields_check_values(model->ctx, model, &rows, true, 0);
    if (status == AENC_OK && aenc_batch_has(&rows, FIELD_WEIGHT))
        status = aenc_column_check(ctx, weight, &rows, FIELD_WEIGHT, &model->field[FIELD_WEIGHT]);
    return status;
}
