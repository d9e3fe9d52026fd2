/* partial.c - training on rows as they arrive: one pass, in the order given, with moments that outlive the call. */
#include <math.h>
#include <string.h>

#include "train/fit.h"

/* ---- The optimizer that stays ---- */

static void online_free(aenc_context *ctx, struct online online) {
    aenc_optim_free(ctx, online.optimizer);
    aenc_release(ctx, online.spec);
}

void aenc_train_forget(struct aenc_model *model) {
    if (model->training == NULL) return;
    online_free(model->ctx, model->training->online);
    model->training->online = (struct online){NULL, NULL};
}

aenc_status aenc_train_spec_text(aenc_context *ctx, struct arena *arena, const struct json *spec, char **out) {
    struct json *object = aenc_json_root(arena, JSON_OBJECT);
    for (const struct json *member = spec->first; member != NULL; member = member->next)
        if (strcmp(member->key, "lr") != 0) aenc_json_add_copy(arena, object, member->key, member);
    *out = NULL;
    return arena->failed ? AENC_ERR_NO_MEMORY : aenc_json_write(ctx, object, out, NULL);
}

/* The new one's learning rate, with the moments there are; without any, or for another spec, the new one itself. The
 * one before is the caller's to free. */
static aenc_status online_set(struct aenc_model *model, struct arena *arena, const char *given) {
    struct json *spec;
    struct optimizer *fresh = NULL;
    char *text = NULL;
    aenc_status status = aenc_settings_parse(arena, "optimizer", given == NULL ? "adam" : given, &spec);
    if (status == AENC_OK) status = aenc_train_spec_text(model->ctx, arena, spec, &text);
    if (status == AENC_OK && model->training->online.spec != NULL && strcmp(text, model->training->online.spec) == 0) {
        double rate;
        status = aenc_optim_rate_read(model->ctx, spec, &rate);
        if (status == AENC_OK) aenc_optim_set_learning_rate(model->training->online.optimizer, rate);
    } else if (status == AENC_OK) {
        status = aenc_train_optimizer(model, spec, &fresh);
        if (status == AENC_OK) {
            model->training->online = (struct online){fresh, text};
            return AENC_OK;
        }
    }
    aenc_release(model->ctx, text);
    return status;
}

/* ---- The pass ---- */

static aenc_status pass(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *o,
                        struct arena *arena) {
    int64_t batch = aenc_fit_batch(data, o);
    struct fit fit = {
        .model = model, .options = o, .data = *data, .optimizer = model->training->online.optimizer, .batch = batch};
    fit.now = (aenc_progress){.struct_size = sizeof fit.now,
                              .epoch = 1,
                              .epochs = 1,
                              .steps = aenc_batch_count(data->rows.count, batch, model->least_rows),
                              .valid_loss = NAN,
                              .best_valid_loss = NAN,
                              .learning_rate = aenc_optim_learning_rate(fit.optimizer)};
    fit.term_sum = aenc_arena_alloc(arena, model->terms.count, 2 * sizeof *fit.term_sum);
    if (fit.term_sum == NULL) return AENC_ERR_NO_MEMORY;
    fit.begin = aenc_clock_now();
    aenc_optim_set_clipping(fit.optimizer, o->clip_norm, o->clip_value);
    aenc_status status = aenc_fit_steps(&fit);
    if (status == AENC_OK) model->stopped = fit.stopped ? fit.why : AENC_STOPPED_END;
    return status;
}

aenc_status aenc_train_partial(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *options) {
    struct arena arena;
    struct train_start start;
    aenc_status status = aenc_train_begin(model, &start);
    if (status != AENC_OK) return status;
    struct online before = model->training->online;
    aenc_arena_create(model->ctx, &arena);
    status = aenc_batch_check(model, aenc_fit_batch(data, options));
    if (status == AENC_OK) status = online_set(model, &arena, options->optimizer);
    if (status == AENC_OK) status = aenc_scaling_learn(model, data, &data->rows, 0, 0);
    if (status == AENC_OK) status = pass(model, data, options, &arena);
    aenc_arena_free(&arena);
    if (status != AENC_OK) aenc_train_undo(model, &start);
    if (before.optimizer !=
        model->training->online.optimizer) { /* the moments before, where nothing came of the new ones */
        bool back = status != AENC_OK && model->step == start.step;
        online_free(model->ctx, back ? model->training->online : before);
        if (back) model->training->online = before;
    }
    return status;
}
