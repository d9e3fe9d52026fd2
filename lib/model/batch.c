/* batch.c - columns of any type, their values and their rules. */
#include "model/batch.h"

#include "io/message_text.h"
#include "model/model.h"

/* ---- Making ---- */

struct rows aenc_rows_of(const aenc_matrix *matrix) {
    struct rows rows = {NULL, 0, 0, NULL};
    if (matrix == NULL) return rows;
    size_t stride = matrix->stride == 0 ? matrix->cols : matrix->stride;
    rows.data = matrix->data;
    rows.stride = (int64_t)stride;
    rows.count = (int64_t)matrix->rows;
    return rows;
}

struct rows aenc_rows_piece(const struct rows *rows, int64_t first, int64_t most) {
    struct rows piece = *rows;
    if (piece.row != NULL)
        piece.row += first;
    else if (piece.data != NULL)
        piece.data += first * piece.stride;
    piece.count = piece.count - first < most ? piece.count - first : most;
    return piece;
}

void aenc_batch_set(struct batch *batch, int field, const struct rows *rows) {
    batch->column[field] = (struct column){.data = rows->data, .stride = rows->stride, .type = VALUE_F32};
}

struct batch aenc_batch_of(int field, const struct rows *rows) {
    struct batch batch = {.count = rows->count, .row = rows->row};
    aenc_batch_set(&batch, field, rows);
    return batch;
}

size_t aenc_value_bytes(enum value_type type) { return type == VALUE_U8 ? 1 : 4; }

struct batch aenc_batch_piece(const struct batch *batch, int64_t first, int64_t most) {
    struct batch piece = *batch;
    for (int f = 0; f < FIELDS_MAX; f++) {
        struct column *column = &piece.column[f];
        if (column->data == NULL || aenc_batch_index(batch, f) != NULL) continue;
        column->data = (const char *)column->data + first * column->stride * (int64_t)aenc_value_bytes(column->type);
    }
    if (piece.row != NULL) piece.row += first;
    piece.count = piece.count - first < most ? piece.count - first : most;
    return piece;
}

/* ---- Values ---- */

/* The value that stands `at` values behind the column's data. */
static double raw_at(const struct column *column, int64_t at) {
    switch (column->type) {
    case VALUE_U8: return (double)((const uint8_t *)column->data)[at];
    case VALUE_I32: return (double)((const int32_t *)column->data)[at];
    case VALUE_F32: break;
    }
    return (double)((const float *)column->data)[at];
}

/* Where row i begins. */
static int64_t row_at(const struct batch *batch, int field, int64_t i) {
    const int64_t *row = aenc_batch_index(batch, field);
    return (row != NULL ? row[i] : i) * batch->column[field].stride;
}

double aenc_batch_raw(const struct batch *batch, int field, int64_t i, int64_t value) {
    return raw_at(&batch->column[field], row_at(batch, field, i) + value);
}

/* As the tape is fed: the scale in float. */
static float scaled(const struct column *column, float scale, int64_t at) {
    float raw = (float)raw_at(column, at);
    return column->type == VALUE_F32 ? raw : scale * raw;
}

float aenc_batch_value(const struct batch *batch, int field, const struct field_spec *spec, int64_t i, int64_t value) {
    const struct column *column = &batch->column[field];
    return scaled(column, (float)aenc_column_scale(column, spec), row_at(batch, field, i) + value);
}

const float *aenc_batch_floats(const struct batch *batch, int field, const struct field_spec *spec, int64_t i,
                               float *buffer) {
    const struct column *column = &batch->column[field];
    int64_t at = row_at(batch, field, i);
    if (column->type == VALUE_F32) return (const float *)column->data + at;
    float scale = (float)aenc_column_scale(column, spec);
    for (int64_t k = 0; k < spec->size; k++) buffer[k] = scaled(column, scale, at + k);
    return buffer;
}

double aenc_batch_weight(const struct batch *batch) {
    if (!aenc_batch_has(batch, FIELD_WEIGHT)) return (double)batch->count;
    double sum = 0;
    for (int64_t i = 0; i < batch->count; i++) sum += aenc_batch_raw(batch, FIELD_WEIGHT, i, 0);
    return sum;
}

aenc_status aenc_weights_check(aenc_context *ctx, struct column_names names, const struct batch *batch, double *sum) {
    *sum = 0;
    for (int64_t i = 0; i < batch->count; i++) {
        double weight = aenc_batch_raw(batch, FIELD_WEIGHT, i, 0);
        bool finite = weight - weight == 0;
        if (!finite || weight < 0)
            return aenc_fail(ctx, finite ? AENC_ERR_ARGUMENT : AENC_ERR_NONFINITE,
                             "%s%s is %s; weights are finite and not negative", names.what,
                             aenc_at((size_t)names.first + (size_t)i).text, aenc_shown_float((float)weight).text);
        *sum += weight;
    }
    return AENC_OK;
}

/* ---- Rules ---- */

static bool whole_within(double x, double low, double high) { return x >= low && x <= high && x == (double)(int64_t)x; }

/* scale: what the field is fed with is the raw value times it. */
static bool value_good(double raw, double scale, const struct field_spec *spec) {
    if (raw - raw != 0) return false;
    switch (spec->rule) {
    case FIELD_UNIT: return raw * scale >= 0 && raw * scale <= 1;
    case FIELD_BINARY: return raw == 0 || raw == 1;
    case FIELD_CLASSES: return whole_within(raw, 0, (double)spec->count - 1);
    case FIELD_LENGTH: return whole_within(raw, 1, (double)spec->count);
    case FIELD_NUMBER: break;
    }
    return true;
}

/* The first value of a row that is not good; -1: all are. */
static int64_t bad_value(const struct column *column, int64_t at, const struct field_spec *spec) {
    double scale = aenc_column_scale(column, spec);
    for (int64_t k = 0; k < spec->size; k++)
        if (!value_good(raw_at(column, at + k), scale, spec)) return k;
    return -1;
}

/* The same answer sooner, mostly: whether a row is as it should be. */
static bool row_good(const struct column *column, int64_t at, const struct field_spec *spec) {
    if (spec->rule == FIELD_UNIT && column->type == VALUE_F32) {
        const float *x = (const float *)column->data + at;
        bool good = true;
        for (int64_t k = 0; k < spec->size; k++) good &= (x[k] >= 0) & (x[k] <= 1);
        return good;
    }
    if (spec->rule != FIELD_NUMBER || sizeof(num) != sizeof(float)) return bad_value(column, at, spec) < 0;
    const num *values = (const num *)column->data;
    return aenc_kernels()->elementwise->max_abs(values + at, spec->size) <= NUM_MAX;
}

/* What the rule asks for, behind the value in a message. */
static aenc_status rule_fail(aenc_context *ctx, const struct column_names *names, const char *place, const char *value,
                             const struct field_spec *spec) {
    bool length = spec->rule == FIELD_LENGTH, unit = spec->rule == FIELD_UNIT;
    if (names->loss != NULL && unit)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %s; loss '%s' takes targets from 0 to 1", names->what, place,
                         value, names->loss);
    if (names->loss != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %s; loss '%s' takes whole classes from 0 to %lld",
                         names->what, place, value, names->loss, (long long)spec->count - 1);
    if (unit || spec->rule == FIELD_BINARY)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %s; it is %s", names->what, place, value,
                         unit ? "from 0 to 1" : "0 or 1");
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %s; it is whole, from %d to %lld", names->what, place, value,
                     length, (long long)spec->count - !length);
}

aenc_status aenc_column_check(aenc_context *ctx, struct column_names names, const struct batch *batch, int field,
                              const struct field_spec *spec) {
    const struct column *column = &batch->column[field];
    const int64_t *row = aenc_batch_index(batch, field);
    bool any = column->type != VALUE_F32 &&
               (spec->rule == FIELD_NUMBER || (spec->rule == FIELD_UNIT && column->type == VALUE_U8));
    for (int64_t i = 0; i < batch->count && column->data != NULL && !any; i++) {
        int64_t number = row != NULL ? row[i] : i, at = number * column->stride;
        if (row_good(column, at, spec)) continue;
        int64_t k = bad_value(column, at, spec);
        double raw = raw_at(column, at + k);
        struct value_text value = column->type == VALUE_F32 ? aenc_shown_float((float)raw) : aenc_shown(raw);
        int64_t named = (int64_t)names.first + number;
        bool single = spec->shape.rank == 0 && spec->size == 1 && names.loss == NULL && spec->name != NULL;
        struct dims_text place = aenc_cell(named, k);
        if (single) place = aenc_at((size_t)named);
        if (raw - raw != 0) return aenc_fail(ctx, AENC_ERR_NONFINITE, "%s%s is %s", names.what, place.text, value.text);
        return rule_fail(ctx, &names, place.text, value.text, spec);
    }
    return AENC_OK;
}

aenc_status aenc_rows_check(aenc_context *ctx, const char *what, const struct rows *rows, int64_t cols) {
    const struct field_spec spec = {.size = cols, .rule = FIELD_NUMBER};
    const struct batch batch = aenc_batch_of(FIELD_INPUT, rows);
    return aenc_column_check(ctx, (struct column_names){what, 0, NULL}, &batch, FIELD_INPUT, &spec);
}

aenc_status aenc_fields_check_values(aenc_context *ctx, const struct aenc_model *model, const struct batch *batch,
                                     bool compares, uint64_t first) {
    aenc_status status = AENC_OK;
    bool own = aenc_batch_has(batch, FIELD_TARGET);
    for (int f = 0; f < model->field_count && status == AENC_OK; f++) {
        struct field_spec spec = model->field[f];
        bool target = f == FIELD_TARGET || (f == FIELD_INPUT && compares && !own);
        if (!aenc_batch_has(batch, f) || f == FIELD_WEIGHT) continue;
        if (target) spec.rule = model->field[FIELD_TARGET].rule, spec.count = model->classes;
        const struct column_names names = {spec.name, first, target ? aenc_target_loss(model) : NULL};
        status = aenc_column_check(ctx, names, batch, f, &spec);
    }
    return status;
}
