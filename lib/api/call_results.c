/* call_results.c - arrays by the names of fields and of results. */
#include "api/call_results.h"

#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"

enum { RESULTS_LISTED = 64 }; /* in a message */

aenc_status aenc_list_check(const struct named_call *call, const char *list, const void *given, size_t count,
                            size_t most) {
    if (given == NULL && count > 0) return aenc_null(call->ctx, call->call, list);
    if (count <= most) return AENC_OK;
    return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: %s_count is %zu; it is at most %zu", call->call, list, count,
                     most);
}

int aenc_field_named(const struct named_call *call, const char *name) {
    int field = aenc_field_find(call->model->field, call->model->field_count, name);
    if (field < 0)
        aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: the model has no field '%s'", call->call, aenc_quoted(name).text);
    return field;
}

int aenc_result_named(const struct named_call *call, const char *name) {
    const aenc_model *model = call->model;
    const char *names[RESULTS_LISTED];
    int result = aenc_result_find(model, name), count = 0;
    for (; result < 0 && count < model->result_count && count < RESULTS_LISTED; count++)
        names[count] = model->result[count].name;
    if (result < 0) aenc_name_unknown(call->ctx, "result", name, names, (size_t)count, 0);
    return result;
}

/* Rows and shape of one field against the others and the model. */
static aenc_status field_take(const struct named_call *call, const struct array *array, struct batch *batch) {
    const aenc_model *model = call->model;
    int field = aenc_field_named(call, array->name);
    if (field < 0) return AENC_ERR_ARGUMENT;
    if (aenc_batch_has(batch, field))
        return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: field '%s' is given twice", call->call, array->name);
    aenc_status status = AENC_OK;
    if (field != FIELD_TARGET || array->size != model->target_size)
        status = aenc_shape_check(call->ctx, call->call, array->name, &array->shape, &model->field[field].shape);
    if (status == AENC_OK && batch->count > 0 && array->rows != batch->count)
        status = aenc_fail(call->ctx, AENC_ERR_SHAPE, "%s: '%s' has %lld rows and the field before it %lld", call->call,
                           array->name, (long long)array->rows, (long long)batch->count);
    batch->count = array->rows;
    batch->column[field] = array->column;
    return status;
}

static aenc_status arrays_take(const struct named_call *call, const char *list, const aenc_array *const *in,
                               size_t count, struct batch *out) {
    aenc_status status = AENC_OK;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count && status == AENC_OK; i++) {
        struct array array;
        status = aenc_array_read(call->ctx, (struct array_place){call->call, list, i}, in[i], &array);
        if (status == AENC_OK) status = field_take(call, &array, out);
    }
    return status;
}

aenc_status aenc_call_fields(const struct named_call *call, const aenc_array *const *in, size_t count,
                             struct batch *out) {
    aenc_status status = aenc_list_check(call, "in", in, count, FIELDS_MAX);
    return status == AENC_OK ? arrays_take(call, "in", in, count, out) : status;
}

aenc_status aenc_fields_beside(const struct named_call *call, const aenc_array *const *fields, size_t count,
                               struct batch *batch) {
    struct batch given;
    if ((fields == NULL && count > 0) || count > FIELDS_MAX)
        return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s.field_count is %zu, and %s", call->call, count,
                         fields == NULL ? "fields is NULL" : "there are at most 16");
    if (count == 0) return AENC_OK;
    aenc_status status = arrays_take(call, "fields", fields, count, &given);
    if (status == AENC_OK && given.count != batch->count)
        status = aenc_fail(call->ctx, AENC_ERR_SHAPE, "%s.fields have %lld rows, and the input %lld", call->call,
                           (long long)given.count, (long long)batch->count);
    if (status == AENC_OK) status = aenc_fields_check_values(call->ctx, call->model, &given, false, 0);
    for (int f = 0; f < call->model->field_count && status == AENC_OK; f++) {
        if (!aenc_batch_has(&given, f)) continue;
        if (f < FIELD_DECLARED)
            return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s.fields has '%s', which is no declared field", call->call,
                             call->model->field[f].name);
        batch->column[f] = given.column[f];
    }
    return status;
}

static aenc_status result_take(const struct named_call *call, const struct array *array, struct results *out) {
    int result = aenc_result_named(call, array->name);
    if (result < 0) return AENC_ERR_ARGUMENT;
    for (int i = 0; i < out->count; i++)
        if (out->room[i].result == result)
            return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: result '%s' is wanted twice", call->call, array->name);
    if (array->column.type != VALUE_F32)
        return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: result '%s' is of type AENC_TYPE_F32", call->call,
                         array->name);
    out->room[out->count] = (struct result_room){result, array->data, array->column.stride};
    out->rows[out->count++] = array->rows;
    out->compares = out->compares || aenc_result_compares(result);
    return aenc_shape_check(call->ctx, call->call, array->name, &array->shape, &call->model->result[result].shape);
}

aenc_status aenc_call_results(const struct named_call *call, const aenc_array *const *out, size_t count,
                              struct results *results) {
    memset(results, 0, sizeof *results);
    if (out == NULL) return aenc_null(call->ctx, call->call, "out");
    if (count == 0) return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: out_count is 0", call->call);
    aenc_status status = aenc_list_check(call, "out", out, count, RESULTS_WANTED);
    for (size_t i = 0; i < count && status == AENC_OK; i++) {
        struct array array;
        status = aenc_array_read(call->ctx, (struct array_place){call->call, "out", i}, out[i], &array);
        if (status == AENC_OK) status = result_take(call, &array, results);
    }
    return status;
}

aenc_status aenc_result_rows_check(const struct named_call *call, const struct batch *batch,
                                   const struct results *results) {
    for (int i = 0; i < results->count; i++)
        if (results->rows[i] != batch->count)
            return aenc_fail(call->ctx, AENC_ERR_SHAPE, "%s: result '%s' has %lld rows and the %s %lld", call->call,
                             call->model->result[results->room[i].result].name, (long long)results->rows[i],
                             results->fieldless ? "first result" : "fields have", (long long)batch->count);
    return AENC_OK;
}
