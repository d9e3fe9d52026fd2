/* stack.c - layer-wise training, growing, distillation. */
#include "train/stack.h"

#include "api/api.h"
#include "io/message_text.h"

/* What of a fit's options has no meaning here, and whether the rest is good for data of the model's, or of its
 * layers'. */
static aenc_status fit_read(aenc_model *model, const char *call, enum fit_user user, const aenc_fit_options *given,
                            aenc_fit_options *out) {
    aenc_context *ctx = model->ctx;
    aenc_status status = aenc_options_read(ctx, "aenc_fit_options", given, sizeof *out, out);
    if (status != AENC_OK) return status;
    status = aenc_fit_fields_check(ctx, call, user, out);
    if (status != AENC_OK) return status;
    aenc_fit_options rest = *out;
    rest.valid = NULL;
    if (out->valid != NULL) {
        if (out->validation_fraction > 0)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options has both valid and validation_fraction %s",
                             aenc_shown(out->validation_fraction).text);
        rest.validation_fraction = 0.5; /* only so that patience has something to be patient with */
        status = aenc_matrix_check(ctx, "valid", out->valid, (size_t)model->input_size);
    }
    return status == AENC_OK ? aenc_fit_options_check(model, &rest, NULL) : status;
}

/* The rows of x, or, without it, of source. */
static aenc_status data_read(aenc_model *model, const aenc_matrix *x, const aenc_source *source,
                             const aenc_fit_options *fit, struct fit_data *out) {
    *out = source != NULL ? aenc_source_data(source, model) : (struct fit_data){.rows = aenc_batch_from(x, NULL)};
    out->valid = aenc_batch_from(fit->valid, NULL);
    if (source != NULL) return aenc_source_check(model, source, fit, false);
    return aenc_matrix_check(model->ctx, "x", x, (size_t)model->input_size);
}

static aenc_status texts_check(aenc_context *ctx, const char *field, const char *const *text, size_t count) {
    for (size_t i = 0; text != NULL && i < count; i++)
        if (text[i] == NULL)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pretrain_options.%s%s is NULL", field, aenc_at(i).text);
    return AENC_OK;
}

static aenc_status pretrain(aenc_model *model, const char *call, const aenc_matrix *x, const aenc_source *source,
                            const aenc_pretrain_options *options) {
    aenc_context *ctx = model->ctx;
    aenc_pretrain_options o;
    aenc_fit_options fit;
    struct fit_data data;
    aenc_status status = aenc_options_read(ctx, "aenc_pretrain_options", options, sizeof o, &o);
    if (status == AENC_OK) status = fit_read(model, call, FIT_PRETRAIN, o.fit, &fit);
    if (status == AENC_OK) status = aenc_pretrain_fields_check(ctx, &o);
    if (status == AENC_OK && (o.first < 0 || o.count < 0 || o.tied < 0 || o.tied > 1))
        status =
            aenc_fail(ctx, AENC_ERR_ARGUMENT,
                      "aenc_pretrain_options: first is %lld, count %lld and tied %lld; none is negative, tied 0 or 1",
                      (long long)o.first, (long long)o.count, (long long)o.tied);
    if (status == AENC_OK) status = texts_check(ctx, "penalties", o.penalties, o.penalty_count);
    if (status == AENC_OK) status = texts_check(ctx, "corruptions", o.corruptions, o.corruption_count);
    if (status == AENC_OK) status = data_read(model, x, source, &fit, &data);
    return status == AENC_OK ? aenc_train_pretrain(model, &data, &o, &fit) : status;
}

aenc_status aenc_pretrain(aenc_model *model, const aenc_matrix *x, const aenc_pretrain_options *options) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_pretrain", CALL_TRAINS);
    if (status == AENC_OK) status = pretrain(model, "aenc_pretrain", x, NULL, options);
    return aenc_call_end(&call, status);
}

aenc_status aenc_pretrain_source(aenc_model *model, aenc_source *source, const aenc_pretrain_options *options) {
    struct call call = {.held = {.model = model, .source = source}};
    if (model == NULL) return aenc_null(source == NULL ? NULL : source->ctx, "aenc_pretrain_source", "model");
    if (source == NULL) return aenc_null(model->ctx, "aenc_pretrain_source", "source");
    aenc_status status = aenc_call_begin(&call, "aenc_pretrain_source", CALL_TRAINS);
    if (status == AENC_OK) status = pretrain(model, "aenc_pretrain_source", NULL, source, options);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_grow(aenc_model *model, const aenc_layer *layers, aenc_model **out) {
    struct call call = {.held = {.model = model, .layer = {layers}}};
    if (out != NULL) *out = NULL;
    if (model == NULL) return aenc_null(layers == NULL ? NULL : layers->ctx, "aenc_model_grow", "model");
    if (out == NULL) return aenc_null(model->ctx, "aenc_model_grow", "out");
    if (layers == NULL) return aenc_null(model->ctx, "aenc_model_grow", "layers");
    aenc_status status = aenc_call_begin(&call, "aenc_model_grow", CALL_READS);
    if (status == AENC_OK) status = aenc_model_deepen(model, layers->spec, out);
    return aenc_call_end(&call, status);
}

/* ---- Distillation ---- */

static aenc_status pair_check(const aenc_model *student, const aenc_model *teacher, const char *call,
                              const aenc_distill_options *o) {
    aenc_context *ctx = student->ctx;
    if (student == teacher) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: student and teacher are one model", call);
    if (student->classes > 0 || teacher->classes > 0)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: loss 'cross_entropy' has classes, which are not taught", call);
    if (student->input_size != teacher->input_size || student->target_size != teacher->output_size)
        return aenc_fail(ctx, AENC_ERR_SHAPE,
                         "%s: the student takes %lld values and learns %lld; the teacher takes %lld and "
                         "returns %lld",
                         call, (long long)student->input_size, (long long)student->target_size,
                         (long long)teacher->input_size, (long long)teacher->output_size);
    if (o->code_weight > 0 && student->code_size != teacher->code_size)
        return aenc_fail(ctx, AENC_ERR_SHAPE,
                         "%s: the student's code has %lld values and the teacher's %lld; with output_weight 1 "
                         "and code_weight 0 the codes are left alone",
                         call, (long long)student->code_size, (long long)teacher->code_size);
    return AENC_OK;
}

static aenc_status distill(aenc_model *student, aenc_model *teacher, const char *call, const aenc_matrix *x,
                           const aenc_source *source, const aenc_distill_options *options) {
    aenc_context *ctx = student->ctx;
    aenc_distill_options o;
    aenc_fit_options fit;
    struct fit_data data;
    aenc_status status = aenc_options_read(ctx, "aenc_distill_options", options, sizeof o, &o);
    if (status == AENC_OK) status = fit_read(student, call, FIT_DISTILL, o.fit, &fit);
    bool finite = o.output_weight - o.output_weight == 0 && o.code_weight - o.code_weight == 0;
    if (status == AENC_OK && !(finite && o.output_weight >= 0 && o.code_weight >= 0))
        status =
            aenc_fail(ctx, AENC_ERR_ARGUMENT,
                      "aenc_distill_options: output_weight is %s and code_weight %s; they are finite and not negative",
                      aenc_shown(o.output_weight).text, aenc_shown(o.code_weight).text);
    if (o.output_weight == 0 && o.code_weight == 0) o.output_weight = o.code_weight = 1;
    if (status == AENC_OK) status = pair_check(student, teacher, call, &o);
    if (status == AENC_OK) status = data_read(student, x, source, &fit, &data);
    return status == AENC_OK ? aenc_train_distill(student, teacher, &data, &o, &fit) : status;
}

aenc_status aenc_distill(aenc_model *student, aenc_model *teacher, const aenc_matrix *x,
                         const aenc_distill_options *options) {
    struct call call = {.held = {.model = student, .other = teacher}};
    if (student == NULL) return aenc_null(teacher == NULL ? NULL : teacher->ctx, "aenc_distill", "student");
    if (teacher == NULL) return aenc_null(student->ctx, "aenc_distill", "teacher");
    aenc_status status = aenc_call_begin(&call, "aenc_distill", CALL_TRAINS);
    if (status == AENC_OK) status = distill(student, teacher, "aenc_distill", x, NULL, options);
    return aenc_call_end(&call, status);
}

aenc_status aenc_distill_source(aenc_model *student, aenc_model *teacher, aenc_source *source,
                                const aenc_distill_options *options) {
    struct call call = {.held = {.model = student, .other = teacher, .source = source}};
    aenc_context *other = teacher != NULL ? teacher->ctx : source != NULL ? source->ctx : NULL;
    if (student == NULL) return aenc_null(other, "aenc_distill_source", "student");
    if (source == NULL) return aenc_null(student->ctx, "aenc_distill_source", "source");
    if (teacher == NULL) return aenc_null(student->ctx, "aenc_distill_source", "teacher");
    aenc_status status = aenc_call_begin(&call, "aenc_distill_source", CALL_TRAINS);
    if (status == AENC_OK) status = distill(student, teacher, "aenc_distill_source", NULL, source, options);
    return aenc_call_end(&call, status);
}
