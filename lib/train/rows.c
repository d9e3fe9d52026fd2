/* rows.c - rows that nobody has looked at before they are trained on. */
#include "io/message_text.h"
#include "train/row_source.h"

struct row_rule aenc_target_rule(const struct aenc_model *model) {
    return (struct row_rule){model->unit_target, model->classes, model->loss->name};
}

static bool good(float x, struct row_rule rule) {
    if (x - x != 0 || (rule.unit && !(x >= 0 && x <= 1))) return false;
    return rule.classes == 0 || (x >= 0 && x < (float)rule.classes && x == (float)(int64_t)x);
}

static int64_t bad_column(const float *row, int64_t cols, struct row_rule rule) {
    for (int64_t c = 0; c < cols; c++)
        if (!good(row[c], rule)) return c;
    return -1;
}

/* The same answer sooner, mostly: whether a row is as it should be. */
static bool row_good(const float *row, int64_t cols, struct row_rule rule) {
    if (rule.unit || rule.classes > 0 || sizeof(num) != sizeof(float)) return bad_column(row, cols, rule) < 0;
    return aenc_kernels()->elementwise->max_abs((const num *)(const void *)row, cols) <= NUM_MAX;
}

aenc_status aenc_rows_check(aenc_context *ctx, struct row_names names, const struct rows *rows, int64_t cols,
                            struct row_rule rule) {
    for (int64_t r = 0; r < rows->count && rows->data != NULL; r++) {
        int64_t number = rows->row != NULL ? rows->row[r] : r;
        const float *row = rows->data + number * rows->stride;
        if (row_good(row, cols, rule)) continue;
        int64_t c = bad_column(row, cols, rule);
        struct value_text value = aenc_shown_float(row[c]);
        struct dims_text at = aenc_cell((int64_t)names.first + number, c);
        if (row[c] - row[c] != 0)
            return aenc_fail(ctx, AENC_ERR_NONFINITE, "%s%s is %s", names.what, at.text, value.text);
        if (rule.classes > 0)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %s; loss '%s' takes whole classes from 0 to %lld",
                             names.what, at.text, value.text, rule.loss, (long long)rule.classes - 1);
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %s; loss '%s' takes targets from 0 to 1", names.what, at.text,
                         value.text, rule.loss);
    }
    return AENC_OK;
}
