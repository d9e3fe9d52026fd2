/* check.c - data that can be used. */
#include <stdint.h>

#include "api/api.h"

aenc_status aenc_matrix_shape_check(aenc_context *ctx, const char *name, const aenc_matrix *m, size_t cols) {
    if (m == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s is NULL", name);
    if (m->data == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: data is NULL", name);
    if (m->rows == 0) return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: rows is 0", name);
    if (m->cols != cols)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: cols is %zu; the model takes %zu", name, m->cols, cols);
    size_t stride = m->stride == 0 ? m->cols : m->stride;
    if (stride < m->cols)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: stride %zu is less than cols %zu", name, stride, m->cols);
    size_t floats;
    if (m->rows > INT64_MAX / 2 || !aenc_size_multiply(m->rows, stride, &floats) ||
        floats > PTRDIFF_MAX / sizeof(float))
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %zu rows of %zu floats are more than memory can address", name,
                         m->rows, stride);
    return AENC_OK;
}

aenc_status aenc_matrix_check(aenc_context *ctx, const char *name, const aenc_matrix *m, size_t cols) {
    aenc_status status = aenc_matrix_shape_check(ctx, name, m, cols);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(m);
    return aenc_rows_check(ctx, name, &rows, (int64_t)cols);
}

aenc_status aenc_codes_check(aenc_context *ctx, const char *name, const aenc_matrix *m, size_t cols) {
    if (m != NULL && m->data != NULL && m->cols == 0) return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: cols is 0", name);
    if (m != NULL && cols != 0 && m->cols != cols)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: cols is %zu; %zu are needed", name, m->cols, cols);
    return aenc_matrix_check(ctx, name, m, m == NULL ? 0 : m->cols);
}

aenc_status aenc_room_check_as(aenc_context *ctx, const char *call, struct room_names names, const void *out,
                               size_t room, size_t rows, size_t cols) {
    size_t needed;
    if (out == NULL) return aenc_null(ctx, call, names.out);
    if (!aenc_size_multiply(rows, cols, &needed) || needed > room)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %s has room for %zu %s; %zu rows of %zu are needed", call, names.out,
                         room, names.unit, rows, cols);
    return AENC_OK;
}

aenc_status aenc_room_check(aenc_context *ctx, const char *call, const float *out, size_t floats, size_t rows,
                            size_t cols) {
    return aenc_room_check_as(ctx, call, (struct room_names){"out", "floats"}, out, floats, rows, cols);
}

aenc_status aenc_count_check(aenc_context *ctx, const char *call, const char *field, size_t count, size_t rows,
                             size_t each) {
    size_t needed;
    const char *between = *field == '.' ? "" : ": ";
    if (!aenc_size_multiply(rows, each, &needed))
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s%s%s: %zu rows of %zu are more than memory can address", call, between,
                         field, rows, each);
    if (count == needed) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_SHAPE, "%s%s%s is %zu; it must be %zu: %zu rows of %zu", call, between, field, count,
                     needed, rows, each);
}

/* Losses of probabilities take targets in [0, 1] only, losses of classes whole ones. */
static aenc_status target_check(aenc_context *ctx, const aenc_model *model, const char *name, const aenc_matrix *m) {
    struct rows rows = aenc_rows_of(m);
    const struct batch batch = aenc_batch_of(FIELD_TARGET, &rows);
    return aenc_column_check(ctx, (struct column_names){name, 0, aenc_target_loss(model)}, &batch, FIELD_TARGET,
                             &model->field[FIELD_TARGET]);
}

struct batch aenc_batch_from(const aenc_matrix *x, const aenc_matrix *target) {
    const struct rows input = aenc_rows_of(x), compared = aenc_rows_of(target);
    struct batch batch = aenc_batch_of(FIELD_INPUT, &input);
    aenc_batch_set(&batch, FIELD_TARGET, &compared);
    return batch;
}

aenc_status aenc_data_check_in(aenc_context *ctx, const aenc_model *model, struct data_names names,
                               const aenc_matrix *x, const aenc_matrix *target, bool labelled) {
    aenc_status status = aenc_matrix_check(ctx, names.x, x, (size_t)model->input_size);
    if (status != AENC_OK || labelled) return status;
    if (target == NULL && model->classes > 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s is NULL; loss '%s' needs the class of each row there",
                         names.target, model->loss->name);
    if (target == NULL && model->target_size != model->input_size)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s is NULL, and %s with %zu columns cannot stand in: the output has %zu",
                         names.target, names.x, (size_t)model->input_size, (size_t)model->target_size);
    if (target != NULL) status = aenc_matrix_check(ctx, names.target, target, (size_t)model->target_size);
    if (status == AENC_OK && target != NULL && target->rows != x->rows)
        status = aenc_fail(ctx, AENC_ERR_SHAPE, "%s has %zu rows and %s has %zu", names.target, target->rows, names.x,
                           x->rows);
    if (status != AENC_OK || (!model->unit_target && model->classes == 0)) return status;
    return target == NULL ? target_check(ctx, model, names.x, x) : target_check(ctx, model, names.target, target);
}

aenc_status aenc_data_check(aenc_model *model, struct data_names names, const aenc_matrix *x,
                            const aenc_matrix *target) {
    return aenc_data_check_in(model->ctx, model, names, x, target, false);
}
