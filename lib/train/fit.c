/* fit.c - preparing a run, and ending it. */
#include "train/fit.h"

#include <math.h>
#include <string.h>

static aenc_status valid_prepare(struct fit *fit) {
    bool apart = fit->data.valid.count > 0; /* else held out of the data */
    fit->valid = apart ? fit->data.valid : fit->data.rows;
    if (!apart) fit->valid.row = fit->batches.valid;
    if (!apart) fit->valid.count = fit->batches.valid_count;
    fit->validated = fit->valid.count > 0 || aenc_valid_streams(&fit->data);
    if (!fit->data.unchecked || apart) return AENC_OK;
    return aenc_fit_rows_check(fit, TRAIN_SOURCE, aenc_fit_own_target(fit), &fit->valid, 0);
}

static aenc_status specs_prepare(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    aenc_context *ctx = fit->model->ctx;
    struct json *optimizer;
    struct json *schedule;
    aenc_status status =
        aenc_settings_parse(&fit->arena, "optimizer", o->optimizer == NULL ? "adam" : o->optimizer, &optimizer);
    if (status == AENC_OK)
        status =
            aenc_settings_parse(&fit->arena, "schedule", o->schedule == NULL ? "constant" : o->schedule, &schedule);
    if (status == AENC_OK) status = aenc_train_optimizer(fit->model, optimizer, &fit->optimizer);
    if (status != AENC_OK) return status;
    fit->optimizer_spec = optimizer;
    fit->schedule_spec = schedule;
    aenc_optim_set_clipping(fit->optimizer, o->clip_norm, o->clip_value);
    if (fit->now.steps > INT64_MAX / fit->now.epochs)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%lld epochs of %lld steps are too many", (long long)fit->now.epochs,
                         (long long)fit->now.steps);
    int64_t steps = fit->now.steps * fit->now.epochs;
    return aenc_schedule_create(ctx, schedule, aenc_optim_learning_rate(fit->optimizer), steps, fit->now.steps,
                                &fit->schedule);
}

static void stream_steps(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    uint64_t rows = fit->data.stream->call.rows;
    fit->batch = o->batch > 0 ? o->batch : 128;
    if (rows > 0 && (uint64_t)fit->batch > rows) fit->batch = (int64_t)rows;
    int64_t whole = aenc_batch_count((int64_t)rows, fit->batch, fit->model->least_rows);
    fit->now.steps = o->steps_per_epoch > 0 ? o->steps_per_epoch : whole;
}

int64_t aenc_fit_batch(const struct fit_data *data, const aenc_fit_options *o) {
    int64_t batch = o->batch > 0 ? o->batch : 128;
    int64_t rows = data->rows.count;
    if (data->valid.count == 0) rows -= aenc_batches_held(rows, o->validation_fraction);
    if (data->stream != NULL) rows = data->stream->call.rows == 0 ? batch : (int64_t)data->stream->call.rows;
    return rows < batch ? rows : batch;
}

static aenc_status steps_prepare(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    if (fit->data.stream != NULL) {
        stream_steps(fit);
        return aenc_batch_check(fit->model, fit->batch);
    }
    double share = fit->data.valid.count == 0 ? o->validation_fraction : 0;
    aenc_status status = aenc_batches_create(fit->model, fit->data.rows.count, share, &fit->batches);
    if (status != AENC_OK) return status;
    fit->batch = o->batch > 0 ? o->batch : 128;
    if (fit->batch > fit->batches.train_count) fit->batch = fit->batches.train_count;
    fit->now.steps = aenc_batch_count(fit->batches.train_count, fit->batch, fit->model->least_rows);
    if (o->steps_per_epoch > 0 && o->steps_per_epoch < fit->now.steps) fit->now.steps = o->steps_per_epoch;
    return aenc_batch_check(fit->model, fit->batch);
}

/* What a checkpoint needs: what makes the run this run, and, where there is one to continue from, its place. */
static aenc_status endurance_prepare(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    if (o->checkpoint == NULL) return AENC_OK;
    fit->facts = aenc_run_facts(fit, &fit->arena);
    if (fit->facts == NULL) return AENC_ERR_NO_MEMORY;
    bool wanted =
        o->resume == AENC_RESUME_REQUIRED || (o->resume == AENC_RESUME_IF_THERE && aenc_file_exists(o->checkpoint));
    if (wanted && fit->data.stream != NULL && fit->data.stream->call.seek == NULL)
        return aenc_fail(fit->model->ctx, AENC_ERR_UNSUPPORTED,
                         "the run of checkpoint '%s' cannot be resumed from this source: it has no seek",
                         o->checkpoint);
    return wanted ? aenc_checkpoint_resume(fit) : AENC_OK;
}

static aenc_status fit_prepare(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    aenc_status status = aenc_transform_keep(fit, &fit->data.rows, &fit->kept[0]);
    if (status == AENC_OK) status = steps_prepare(fit);
    if (status == AENC_OK) status = valid_prepare(fit);
    if (status == AENC_OK && fit->data.valid.count > 0) status = aenc_transform_keep(fit, &fit->valid, &fit->kept[1]);
    if (status == AENC_OK) status = aenc_transform_open(fit);
    if (status != AENC_OK) return status;
    fit->now.struct_size = sizeof fit->now;
    fit->now.epochs = o->epochs > 0 ? o->epochs : 20;
    fit->now.best_valid_loss = fit->now.valid_loss = fit->now.train_loss = NAN;
    status = specs_prepare(fit);
    fit->term_sum = aenc_arena_alloc(&fit->arena, fit->model->terms.count, 2 * sizeof *fit->term_sum);
    if (status == AENC_OK && fit->term_sum == NULL) status = AENC_ERR_NO_MEMORY;
    if (status != AENC_OK) return status;
    fit->model->training->history.count = 0;
    status = endurance_prepare(fit);
    if (status == AENC_OK) {
        struct batch rows = fit->data.rows;
        rows.row = fit->batches.train;
        rows.count = fit->batches.train_count;
        status = aenc_scaling_learn(fit->model, &fit->data, &rows, fit->batch, fit->now.steps);
    }
    return status;
}

/* Not before the place is known where it begins. */
static aenc_status stream_prepare(struct fit *fit) {
    int64_t left = fit->now.steps * fit->now.epochs - fit->place.epochs_done * fit->now.steps - fit->now.step;
    if (fit->data.stream == NULL || left <= 0) return AENC_OK;
    const struct stream_want want = {fit->batch, fit->model->least_rows, left, TRAIN_SOURCE, false};
    return aenc_stream_open(fit->data.stream, want, fit->place.position, &fit->stream);
}

static void fit_end(struct fit *fit) {
    aenc_context *ctx = fit->model->ctx;
    aenc_stream_close(&fit->stream);
    aenc_snapshot_free(ctx, &fit->best);
    aenc_optim_free(ctx, fit->optimizer);
    aenc_batches_free(&fit->batches);
    aenc_release(ctx, fit->kept[0]);
    aenc_release(ctx, fit->kept[1]);
    aenc_release(ctx, fit->passed);
    aenc_arena_free(&fit->arena);
    aenc_source_release(fit->data.valid_source);
}

aenc_status aenc_train_fit(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *options) {
    struct fit fit;
    struct train_start start;
    aenc_status status = aenc_train_begin(model, &start);
    if (status != AENC_OK) return status;
    memset(&fit, 0, sizeof fit);
    fit.model = model;
    fit.options = options;
    fit.data = *data;
    aenc_source_retain(data->valid_source); /* the caller's callbacks may free it */
    fit.moves_clock = true;
    model->notice[0] = '\0';
    aenc_arena_create(model->ctx, &fit.arena);
    status = fit_prepare(&fit);
    if (status == AENC_ERR_CANCELLED) { /* before the first step, and before anything has changed */
        model->training->history.count = 0;
        aenc_fit_stop(&fit, aenc_stop_reason(model));
        status = AENC_OK;
    }
    if (status == AENC_OK && !fit.stopped) status = stream_prepare(&fit);
    if (status == AENC_OK && !fit.stopped) status = aenc_fit_run(&fit);
    if (status == AENC_OK && fit.best.parameter != NULL) status = aenc_snapshot_restore(model, &fit.best);
    if (status != AENC_OK && !fit.resumed) aenc_train_undo(model, &start);
    model->stopped = fit.stopped ? fit.why : AENC_STOPPED_END;
    fit_end(&fit);
    return status;
}
