/* stack.c - layer-wise training, growing, distillation. */
#include "train/stack.h"

#include "api/api.h"

/* What of a fit's options has no meaning here. */
static aenc_status fit_read(aenc_model *model, const char *call, const aenc_fit_options *given, aenc_fit_options *out) {
    aenc_status status = aenc_options_read(model->ctx, "aenc_fit_options", given, sizeof *out, out);
    if (status != AENC_OK) return status;
    const struct {
        const char *field;
        bool given;
    } useless[] = {{"target", out->target != NULL},           {"labels", out->labels != NULL},
                   {"valid_target", out->valid_target != NULL}, {"valid_labels", out->valid_labels != NULL},
                   {"checkpoint", out->checkpoint != NULL}};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++)
        if (useless[i].given)
            return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: aenc_fit_options.%s is given; there it has no meaning",
                             call, useless[i].field);
    return AENC_OK;
}

static aenc_status texts_check(aenc_context *ctx, const char *field, const char *const *text, size_t count) {
    for (size_t i = 0; text != NULL && i < count; i++)
        if (text[i] == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pretrain_options.%s[%zu] is NULL", field, i);
    return AENC_OK;
}

aenc_status aenc_pretrain(aenc_model *model, const aenc_matrix *x, const aenc_pretrain_options *options) {
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_context *ctx = model->ctx;
    aenc_pretrain_options o;
    aenc_fit_options fit;
    aenc_status status = aenc_options_read(ctx, "aenc_pretrain_options", options, sizeof o, &o);
    if (status == AENC_OK) status = fit_read(model, "aenc_pretrain", o.fit, &fit);
    if (status == AENC_OK && fit.valid != NULL)
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pretrain: aenc_fit_options.valid is given; use valid_share");
    if (status == AENC_OK && fit.progress != NULL)
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pretrain: aenc_fit_options.progress is given; use progress of "
                                                   "aenc_pretrain_options");
    if (status == AENC_OK) status = aenc_fit_options_check(model, &fit);
    if (status == AENC_OK && (o.first < 0 || o.count < 0 || o.tied < 0 || o.tied > 1))
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT,
                           "aenc_pretrain_options: first is %lld, count %lld and tied %lld; none is negative, tied 0 or 1",
                           (long long)o.first, (long long)o.count, (long long)o.tied);
    if (status == AENC_OK) status = texts_check(ctx, "penalties", o.penalties, o.penalty_count);
    if (status == AENC_OK) status = texts_check(ctx, "corruptions", o.corruptions, o.corruption_count);
    if (status == AENC_OK) status = aenc_matrix_check(ctx, "x", x, (size_t)model->input_size);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_train_pretrain(model, &rows, &o, &fit);
}
