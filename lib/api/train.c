/* train.c - fit, and the loop taken apart. */
#include "train/train.h"

#include <autoenc/ops.h>
#include <math.h>
#include <string.h>

#include "api/call_results.h"
#include "io/bytes.h"
#include "io/message_text.h"
#include "train/pca_training.h"

/* ---- Fit ---- */

static aenc_status count_check(aenc_context *ctx, const char *field, int64_t value) {
    if (value >= 0 && value <= INT32_MAX) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.%s is %lld; it is from 0 to %d", field, (long long)value,
                     INT32_MAX);
}

static aenc_status real_check(aenc_context *ctx, const char *field, double value, double end) {
    if (value >= 0 && value < end) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.%s is %s; it is at least 0 and below %s", field,
                     aenc_shown(value).text, aenc_shown(end).text);
}

static aenc_status endurance_check(aenc_context *ctx, const aenc_fit_options *o) {
    aenc_status status = count_check(ctx, "checkpoint_steps", o->checkpoint_steps);
    if (status == AENC_OK) status = real_check(ctx, "checkpoint_seconds", o->checkpoint_seconds, HUGE_VAL);
    if (status != AENC_OK) return status;
    if (o->run_key != NULL && !aenc_utf8_valid(o->run_key, strlen(o->run_key)))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.run_key is not UTF-8: '%s'",
                         aenc_quoted(o->run_key).text);
    bool known =
        o->resume == AENC_RESUME_NEVER || o->resume == AENC_RESUME_REQUIRED || o->resume == AENC_RESUME_IF_THERE;
    if (!known)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.resume is %lld, which is none of AENC_RESUME_*",
                         (long long)o->resume);
    bool asked =
        o->checkpoint_steps > 0 || o->checkpoint_seconds > 0 || o->resume != AENC_RESUME_NEVER || o->run_key != NULL;
    if (o->checkpoint != NULL || !asked) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.checkpoint is NULL, but %s is given",
                     o->resume != AENC_RESUME_NEVER ? "resume"
                     : o->checkpoint_steps > 0      ? "checkpoint_steps"
                     : o->checkpoint_seconds > 0    ? "checkpoint_seconds"
                                                    : "run_key");
}

aenc_status aenc_fit_options_check(aenc_model *model, const aenc_fit_options *o, const struct label_targets *labels) {
    aenc_context *ctx = model->ctx;
    aenc_status status = count_check(ctx, "epochs", o->epochs);
    if (status == AENC_OK) status = count_check(ctx, "batch", o->batch);
    if (status == AENC_OK) status = count_check(ctx, "patience", o->patience);
    if (status == AENC_OK) status = count_check(ctx, "steps_per_epoch", o->steps_per_epoch);
    if (status == AENC_OK) status = endurance_check(ctx, o);
    if (status == AENC_OK) status = real_check(ctx, "validation_fraction", o->validation_fraction, 1);
    if (status == AENC_OK) status = real_check(ctx, "min_improvement", o->min_improvement, HUGE_VAL);
    if (status == AENC_OK) status = real_check(ctx, "clip_norm", o->clip_norm, HUGE_VAL);
    if (status == AENC_OK) status = real_check(ctx, "clip_value", o->clip_value, HUGE_VAL);
    if (status != AENC_OK) return status;
    bool apart = o->valid != NULL || o->valid_source != NULL;
    if (apart && o->validation_fraction > 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options has both %s and validation_fraction %s",
                         o->valid != NULL ? "valid" : "valid_source", aenc_shown(o->validation_fraction).text);
    if (o->reduce != NULL && sizeof(num) != sizeof(float))
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "aenc_fit_options.reduce: gradients are no floats in this build");
    if (o->min_improvement > 0 && o->patience == 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "aenc_fit_options.min_improvement is %s, and patience is 0: nothing waits for it",
                         aenc_shown(o->min_improvement).text);
    if (o->valid == NULL && o->valid_target != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_target is given without valid");
    if (o->patience > 0 && !apart && !(o->validation_fraction > 0))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "aenc_fit_options.patience is %lld, but there is no validation set to be patient with",
                         (long long)o->patience);
    if (o->valid == NULL) return aenc_valid_source_check(model, o);
    if (o->valid_source != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options has both valid and valid_source");
    bool labelled = labels != NULL && labels->valid.data != NULL;
    bool targets = o->target != NULL || (labels != NULL && labels->target.data != NULL);
    if (targets && o->valid_target == NULL && !labelled && model->target_size == model->input_size)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.target is given, and valid_target is not");
    return aenc_data_check_in(ctx, model, (struct data_names){"valid", "valid_target"}, o->valid, o->valid_target,
                              labelled);
}

/* A way of training on checked rows, and what it is for a PCA. */
struct train_calls {
    const char *name;
    enum fit_user user;
    aenc_status (*steps)(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *options);
    aenc_status (*pca)(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *options);
};

static aenc_status rows_train(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *o,
                              struct train_calls train) {
    struct label_targets labels;
    aenc_status status = aenc_fit_fields_check(model->ctx, train.name, model->pca != NULL ? FIT_PCA : train.user, o);
    if (status == AENC_OK) status = aenc_columns_take(model, x == NULL ? 0 : x->rows, o, &labels);
    if (status == AENC_OK)
        status = aenc_data_check_in(model->ctx, model, (struct data_names){"x", "target"}, x, o->target,
                                    labels.target.data != NULL);
    if (status == AENC_OK) status = aenc_fit_options_check(model, o, &labels);
    if (status == AENC_OK && model->pca != NULL) status = aenc_pca_fit_check(model);
    if (status != AENC_OK) return status;
    struct fit_data data = {.rows = aenc_batch_from(x, o->target)};
    aenc_fit_valid(model, o, &labels, &data);
    aenc_fit_columns(&data.rows, &labels);
    status = aenc_fields_beside(&(struct named_call){model->ctx, model, "aenc_fit_options"}, o->fields, o->field_count,
                                &data.rows);
    if (status == AENC_OK && o->field_count > 0 && o->valid != NULL)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                           "aenc_fit_options.valid has no fields beside it; rows of valid_source have them");
    if (status != AENC_OK) return status;
    return (model->pca != NULL ? train.pca : train.steps)(model, &data, o);
}

aenc_status aenc_fit_rows(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options) {
    aenc_fit_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_fit_options", options, sizeof o, &o);
    const struct train_calls train = {"aenc_fit", FIT_ROWS, aenc_train_fit, aenc_pca_fit};
    return status == AENC_OK ? rows_train(model, x, &o, train) : status;
}

aenc_status aenc_fit(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_fit", CALL_TRAINS);
    if (status == AENC_OK) status = aenc_fit_rows(model, x, options);
    return aenc_call_end(&call, status);
}

static aenc_status partial_fit(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options) {
    aenc_fit_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_fit_options", options, sizeof o, &o);
    const struct train_calls train = {"aenc_partial_fit", FIT_PARTIAL, aenc_train_partial, aenc_pca_partial};
    return status == AENC_OK ? rows_train(model, x, &o, train) : status;
}

aenc_status aenc_partial_fit(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_partial_fit", CALL_TRAINS);
    if (status == AENC_OK) status = partial_fit(model, x, options);
    return aenc_call_end(&call, status);
}

void aenc_model_forget_optimizer(aenc_model *model) {
    if (model == NULL || aenc_call_check(model->ctx, "aenc_model_forget_optimizer", CALL_CHANGES, model) != AENC_OK)
        return;
    aenc_train_forget(model);
    aenc_pca_forget(model);
}

void aenc_model_cancel(aenc_model *model) {
    if (model != NULL) atomic_store_explicit(&model->cancel, 1, memory_order_relaxed);
}

int32_t aenc_model_stopped(const aenc_model *model) { return model == NULL ? AENC_STOPPED_NOT : model->stopped; }

const char *aenc_model_notice(const aenc_model *model) { return model == NULL ? "" : model->notice; }

size_t aenc_model_history_count(const aenc_model *model) {
    return model == NULL ? 0 : aenc_train_history(model)->count;
}

aenc_status aenc_model_history(const aenc_model *model, size_t index, aenc_progress *now) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (model == NULL) return AENC_ERR_ARGUMENT;
    if (now == NULL) return aenc_null(model->ctx, "aenc_model_history", "now");
    const struct history *history = aenc_train_history(model);
    if (index >= history->count)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_history: index is %zu; there are %zu epochs", index,
                         history->count);
    return aenc_struct_write(model->ctx, "aenc_progress", &history->epoch[index], sizeof *now, now);
}

size_t aenc_model_term_count(const aenc_model *model) { return model == NULL ? 0 : model->terms.count; }

const char *aenc_model_term_name(const aenc_model *model, size_t term) {
    return model == NULL || term >= model->terms.count ? NULL : model->terms.name[term];
}

double aenc_model_term_value(const aenc_model *model, size_t term) {
    return model == NULL || term >= model->terms.count ? NAN : model->terms.value[term];
}

double aenc_model_term_valid(const aenc_model *model, size_t term) {
    return model == NULL || term >= model->terms.count ? NAN : model->terms.valid[term];
}

int32_t aenc_model_term_role(const aenc_model *model, size_t term) {
    static const int32_t roles[] = {[TERM_OBJECTIVE] = AENC_TERM_OBJECTIVE,
                                    [TERM_TRAINING] = AENC_TERM_TRAINING,
                                    [TERM_MEASURE] = AENC_TERM_MEASURE,
                                    [TERM_PLAYER] = AENC_TERM_PLAYER};
    return model == NULL || term >= model->terms.count ? 0 : roles[model->terms.role[term]];
}

static aenc_status history_term(const aenc_model *model, const char *call, size_t index, size_t term, bool valid,
                                double *out) {
    if (model == NULL) return AENC_ERR_ARGUMENT;
    const struct history *history = aenc_train_history(model);
    size_t count = model->terms.count;
    if (out == NULL) return aenc_null(model->ctx, call, "out");
    if (index >= history->count || term >= count)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: term %zu of epoch %zu; there are %zu terms and %zu epochs",
                         call, term, index, count, history->count);
    *out = history->term[(2 * index + valid) * count + term];
    return AENC_OK;
}

aenc_status aenc_model_history_term(const aenc_model *model, size_t index, size_t term, double *out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    return history_term(model, "aenc_model_history_term", index, term, false, out);
}

aenc_status aenc_model_history_term_valid(const aenc_model *model, size_t index, size_t term, double *out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    return history_term(model, "aenc_model_history_term_valid", index, term, true, out);
}

aenc_status aenc_model_set_epochs(aenc_model *model, double epochs) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (model == NULL) return AENC_ERR_ARGUMENT;
    if (!(epochs >= 0) || epochs - epochs != 0 || epochs > 0x1p53)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_set_epochs: epochs is %s; it is at least 0",
                         aenc_shown(epochs).text);
    aenc_status status = aenc_call_check(model->ctx, "aenc_model_set_epochs", CALL_CHANGES, model);
    if (status != AENC_OK) return status;
    model->clock = epochs;
    model->epoch = (uint64_t)epochs;
    return AENC_OK;
}

/* ---- Optimizer ---- */

aenc_status aenc_optimizer_create(aenc_model *model, const char *spec, aenc_optimizer **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_optimizer_create", "out");
    *out = NULL;
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_context *ctx = model->ctx;
    if (spec == NULL) return aenc_null(ctx, "aenc_optimizer_create", "spec");
    aenc_status status = aenc_call_check(ctx, "aenc_optimizer_create", CALL_READS, model);
    if (status != AENC_OK) return status;
    aenc_optimizer *handle = aenc_alloc(ctx, 1, sizeof *handle);
    if (handle == NULL) return AENC_ERR_NO_MEMORY;
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct json *parsed;
    status = aenc_settings_parse(&arena, "optimizer", spec, &parsed);
    if (status == AENC_OK) status = aenc_train_optimizer(model, parsed, &handle->optimizer);
    if (status == AENC_OK) status = aenc_train_spec_text(ctx, &arena, parsed, &handle->spec);
    aenc_arena_free(&arena);
    if (status != AENC_OK) {
        aenc_optim_free(ctx, handle->optimizer);
        aenc_release(ctx, handle);
        return status;
    }
    aenc_model_retain(model);
    atomic_init(&handle->references, 1);
    handle->model = model;
    *out = handle;
    return AENC_OK;
}

void aenc_optimizer_free(aenc_optimizer *optimizer) {
    if (optimizer == NULL || atomic_fetch_sub_explicit(&optimizer->references, 1, memory_order_acq_rel) != 1) return;
    aenc_model *model = optimizer->model;
    aenc_optim_free(model->ctx, optimizer->optimizer);
    aenc_release(model->ctx, optimizer->spec);
    aenc_release(model->ctx, optimizer);
    aenc_model_release(model);
}

aenc_status aenc_optimizer_set_learning_rate(aenc_optimizer *optimizer, double learning_rate) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (optimizer == NULL) return AENC_ERR_ARGUMENT;
    if (!(learning_rate >= 0) || learning_rate > (double)NUM_MAX)
        return aenc_fail(optimizer->model->ctx, AENC_ERR_ARGUMENT,
                         "aenc_optimizer_set_learning_rate: learning_rate is %s; it is finite and not negative",
                         aenc_shown(learning_rate).text);
    aenc_status status = aenc_call_check(optimizer->model->ctx, "aenc_optimizer_set_learning_rate", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    aenc_optim_set_learning_rate(optimizer->optimizer, learning_rate);
    return AENC_OK;
}

double aenc_optimizer_learning_rate(const aenc_optimizer *optimizer) {
    return optimizer == NULL ? NAN : aenc_optim_learning_rate(optimizer->optimizer);
}

aenc_status aenc_optimizer_set_clipping(aenc_optimizer *optimizer, double norm, double value) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (optimizer == NULL) return AENC_ERR_ARGUMENT;
    if (!(norm >= 0) || !(value >= 0))
        return aenc_fail(optimizer->model->ctx, AENC_ERR_ARGUMENT,
                         "aenc_optimizer_set_clipping: norm %s and value %s are at least 0", aenc_shown(norm).text,
                         aenc_shown(value).text);
    aenc_status status = aenc_call_check(optimizer->model->ctx, "aenc_optimizer_set_clipping", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    aenc_optim_set_clipping(optimizer->optimizer, norm, value);
    return AENC_OK;
}

/* ---- Steps ---- */

/* A batch of any age, checked. */
static aenc_status batch_check(aenc_model *model, const char *call, const aenc_batch *batch, struct batch *out) {
    if (batch == NULL) return aenc_null(model->ctx, call, "batch");
    aenc_batch b;
    aenc_status status = aenc_options_read(model->ctx, "aenc_batch", batch, sizeof b, &b);
    const aenc_matrix *target = b.target.data == NULL ? NULL : &b.target;
    if (status == AENC_OK)
        status = aenc_data_check(model, (struct data_names){"aenc_batch.input", "aenc_batch.target"}, &b.input, target);
    if (status == AENC_OK && b.weight != NULL)
        status = aenc_count_check(model->ctx, "aenc_batch", ".weight_count", b.weight_count, b.input.rows, 1);
    if (status == AENC_OK && b.weight == NULL && b.weight_count != 0)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_batch.weight_count is %zu, and weight is NULL",
                           b.weight_count);
    if (status != AENC_OK) return status;
    *out = aenc_batch_from(&b.input, target);
    out->column[FIELD_WEIGHT] = (struct column){.data = b.weight, .stride = 1, .type = VALUE_F32};
    return aenc_fields_beside(&(struct named_call){model->ctx, model, "aenc_batch"}, b.fields, b.field_count, out);
}

static aenc_status gradients(aenc_model *model, const aenc_batch *batch, double *loss) {
    struct batch b;
    aenc_status status = batch_check(model, "aenc_model_gradients", batch, &b);
    if (status == AENC_OK && model->player_count > 1)
        status =
            aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED,
                      "aenc_model_gradients: the model has %d players with gradients of their own; aenc_model_step "
                      "takes the turns of all",
                      model->player_count);
    return status == AENC_OK ? aenc_train_gradients(model, (struct turn){0, 0}, &b, loss) : status;
}

aenc_status aenc_model_gradients(aenc_model *model, const aenc_batch *batch, double *loss) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_gradients", CALL_CHANGES);
    if (status == AENC_OK) status = gradients(model, batch, loss);
    return aenc_call_end(&call, status);
}

static aenc_status apply(aenc_optimizer *optimizer) { return aenc_train_apply(optimizer->model, optimizer->optimizer); }

aenc_status aenc_optimizer_apply(aenc_optimizer *optimizer) {
    struct call call = {.held = {.optimizer = optimizer}};
    aenc_status status = aenc_call_begin(&call, "aenc_optimizer_apply", CALL_CHANGES);
    if (status == AENC_OK) status = apply(optimizer);
    return aenc_call_end(&call, status);
}

static aenc_status step(aenc_model *model, aenc_optimizer *optimizer, const aenc_batch *batch, double *loss) {
    if (optimizer == NULL) return aenc_null(model->ctx, "aenc_model_step", "optimizer");
    if (optimizer->model != model)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_step: the optimizer belongs to another model");
    struct batch b;
    aenc_status status = batch_check(model, "aenc_model_step", batch, &b);
    if (status != AENC_OK) return status;
    return aenc_train_step(model, optimizer->optimizer, &b, loss);
}

aenc_status aenc_model_step(aenc_model *model, aenc_optimizer *optimizer, const aenc_batch *batch, double *loss) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    if (model == NULL) return aenc_null(optimizer == NULL ? NULL : optimizer->model->ctx, "aenc_model_step", "model");
    aenc_status status = aenc_call_begin(&call, "aenc_model_step", CALL_CHANGES);
    if (status == AENC_OK) status = step(model, optimizer, batch, loss);
    return aenc_call_end(&call, status);
}

static aenc_status evaluate(aenc_model *model, const aenc_batch *batch, double *loss) {
    if (loss == NULL) return aenc_null(model->ctx, "aenc_model_evaluate", "loss");
    struct batch b;
    aenc_status status = batch_check(model, "aenc_model_evaluate", batch, &b);
    return status == AENC_OK ? aenc_train_evaluate(model, &b, loss) : status;
}

aenc_status aenc_model_evaluate(aenc_model *model, const aenc_batch *batch, double *loss) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_evaluate", CALL_COMPARES);
    if (status == AENC_OK) status = evaluate(model, batch, loss);
    return aenc_call_end(&call, status);
}

static aenc_status check_gradients(aenc_model *model, const aenc_batch *batch, const aenc_gradient_check *options,
                                   double *worst, const char **parameter) {
    const char *name = NULL;
    if (parameter != NULL) *parameter = NULL;
    struct batch b;
    aenc_gradient_check o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_gradient_check", options, sizeof o, &o);
    if (status == AENC_OK && !(o.step >= 0 && o.step <= 1 && o.directions >= 0 && o.directions <= INT32_MAX))
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                           "aenc_gradient_check: step is %s, directions %lld; from 0 to 1 and to %d",
                           aenc_shown(o.step).text, (long long)o.directions, INT32_MAX);
    if (status == AENC_OK) status = batch_check(model, "aenc_check_gradients", batch, &b);
    const struct gradient_check how = {o.step > 0 ? o.step : 1.0 / 128, o.directions > 0 ? o.directions : 8};
    double error = NAN;
    if (status == AENC_OK) status = aenc_train_gradient_check(model, &b, &how, &error, &name);
    if (status != AENC_OK) return status;
    *worst = error;
    if (parameter != NULL) *parameter = name;
    return AENC_OK;
}

aenc_status aenc_check_gradients(aenc_model *model, const aenc_batch *batch, const aenc_gradient_check *options,
                                 double *worst, const char **parameter) {
    struct call call = {.held = {.model = model}};
    if (worst == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_check_gradients", "worst");
    *worst = NAN;
    aenc_status status = aenc_call_begin(&call, "aenc_check_gradients", CALL_CHANGES);
    if (status == AENC_OK) status = check_gradients(model, batch, options, worst, parameter);
    return aenc_call_end(&call, status);
}
