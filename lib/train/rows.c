/* rows.c - rows that nobody has looked at before they are trained on. */
#include <string.h>

#include "train/fit.h"

void aenc_fit_data_targetless(struct fit_data *data) {
    data->rows.column[FIELD_TARGET].data = data->valid.column[FIELD_TARGET].data = NULL;
    for (int f = 0; f < FIELDS_MAX; f++)
        if (data->stream_field[f] == FIELD_TARGET) data->stream_field[f] = -1;
}

/* Weights are looked at where they are added up. */
aenc_status aenc_fit_rows_check(const struct fit *fit, const char *who, bool own_target, const struct batch *rows,
                                uint64_t first) {
    const struct aenc_model *model = fit->model;
    aenc_status status = AENC_OK;
    size_t length = strlen(who);
    for (int f = 0; f < model->field_count && status == AENC_OK; f++) {
        if (!aenc_batch_has(rows, f) || f == FIELD_WEIGHT) continue;
        struct field_spec spec = *aenc_fit_spec(fit, f);
        bool target = f == FIELD_TARGET || (f == FIELD_INPUT && !own_target && fit->data.transform == NULL);
        char what[sizeof VALID_SOURCE "." + FIELD_NAME_SIZE];
        memcpy(what, who, length + 1);
        if (f != FIELD_INPUT) what[length] = '.';
        if (f != FIELD_INPUT) memcpy(what + length + 1, spec.name, strlen(spec.name) + 1); /* fields.c limits it */
        if (target) spec.rule = model->field[FIELD_TARGET].rule, spec.count = model->classes;
        const struct column_names names = {what, first, target ? aenc_target_loss(model) : NULL};
        status = aenc_column_check(model->ctx, names, rows, f, &spec);
    }
    return status;
}
