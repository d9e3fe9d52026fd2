/* use.c - encode, decode, reconstruct, score. */
#include <float.h>

#include "api/api.h"
#include "io/message_text.h"

/* One task: x with x_cols columns through the model, row_size floats per row out. */
static aenc_status task_take(aenc_model *model, const char *call, enum task_kind kind, const aenc_matrix *x,
                             int64_t x_cols, int64_t row_size, float *out, size_t out_floats) {
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_matrix_check(model->ctx, kind == TASK_DECODE ? "code" : "x", x, (size_t)x_cols);
    if (status == AENC_OK) status = aenc_room_check(model->ctx, call, out, out_floats, x->rows, (size_t)row_size);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_model_infer_rows(model, kind, &rows, out);
}

static aenc_status encode(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    return task_take(model, "aenc_encode", TASK_ENCODE, x, model == NULL ? 0 : model->input_size,
                     model == NULL ? 0 : model->code_size, out, out_floats);
}

aenc_status aenc_encode(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_encode", CALL_READS);
    if (status == AENC_OK) status = encode(model, x, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status decode(aenc_model *model, const aenc_matrix *code, float *out, size_t out_floats) {
    return task_take(model, "aenc_decode", TASK_DECODE, code, model == NULL ? 0 : model->code_size,
                     model == NULL ? 0 : model->output_size, out, out_floats);
}

aenc_status aenc_decode(aenc_model *model, const aenc_matrix *code, float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_decode", CALL_READS);
    if (status == AENC_OK) status = decode(model, code, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status reconstruct(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    return task_take(model, "aenc_reconstruct", TASK_RECONSTRUCT, x, model == NULL ? 0 : model->input_size,
                     model == NULL ? 0 : model->output_size, out, out_floats);
}

aenc_status aenc_reconstruct(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_reconstruct", CALL_READS);
    if (status == AENC_OK) status = reconstruct(model, x, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status jacobian_norm(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    return task_take(model, "aenc_jacobian_norm", TASK_JACOBIAN, x, model == NULL ? 0 : model->input_size, 1, out,
                     out_floats);
}

aenc_status aenc_jacobian_norm(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_jacobian_norm", CALL_READS);
    if (status == AENC_OK) status = jacobian_norm(model, x, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status score(aenc_model *model, const char *call, enum task_kind kind, const aenc_matrix *x,
                         const aenc_matrix *target, int64_t row_size, float *out, size_t out_floats) {
    aenc_status status = aenc_data_check(model, (struct data_names){"x", "target"}, x, target);
    if (status == AENC_OK) status = aenc_room_check(model->ctx, call, out, out_floats, x->rows, (size_t)row_size);
    if (status != AENC_OK) return status;
    const struct batch batch = aenc_batch_from(x, target);
    return aenc_model_infer(model, kind, &batch, out);
}

static aenc_status score_rows(aenc_model *model, const aenc_matrix *x, const aenc_matrix *target, float *out,
                              size_t out_floats) {
    return score(model, "aenc_score", TASK_SCORE, x, target, 1, out, out_floats);
}

aenc_status aenc_score(aenc_model *model, const aenc_matrix *x, const aenc_matrix *target, float *out,
                       size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_score", CALL_COMPARES);
    if (status == AENC_OK) status = score_rows(model, x, target, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status score_features(aenc_model *model, const aenc_matrix *x, const aenc_matrix *target, float *out,
                                  size_t out_floats) {
    return score(model, "aenc_score_features", TASK_FEATURES, x, target, model->target_size, out, out_floats);
}

aenc_status aenc_score_features(aenc_model *model, const aenc_matrix *x, const aenc_matrix *target, float *out,
                                size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_score_features", CALL_COMPARES);
    if (status == AENC_OK) status = score_features(model, x, target, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status denoising_score(aenc_model *model, const aenc_matrix *x, double sigma, float *out,
                                   size_t out_floats) {
    aenc_context *ctx = model->ctx;
    if (!(sigma > 0) || sigma - sigma != 0 || sigma * sigma < DBL_MIN)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_denoising_score: sigma is %s; it is a number above 0",
                         aenc_shown(sigma).text);
    if (!aenc_model_reconstructs(model))
        return aenc_fail(
            ctx, AENC_ERR_UNSUPPORTED,
            "aenc_denoising_score: the output of shape %s (loss '%s') is not a value for each of x, of shape %s",
            aenc_dims(model->output.dim, model->output.rank, false).text, model->loss->name,
            aenc_dims(model->input.dim, model->input.rank, false).text);
    aenc_status status = aenc_matrix_check(ctx, "x", x, (size_t)model->input_size);
    if (status == AENC_OK)
        status = aenc_room_check(ctx, "aenc_denoising_score", out, out_floats, x->rows, (size_t)model->input_size);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_model_denoising_score(model, &rows, sigma, out);
}

aenc_status aenc_denoising_score(aenc_model *model, const aenc_matrix *x, double sigma, float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_denoising_score", CALL_READS);
    if (status == AENC_OK) status = denoising_score(model, x, sigma, out, out_floats);
    return aenc_call_end(&call, status);
}
