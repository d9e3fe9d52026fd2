/* epochs.c - from where a run is to its end.
 *
 * Each epoch visits every training row once, in an order drawn for that epoch, or takes as many steps from a stream as
 * it was told; the last batch may be smaller, or larger by a rest that is too small for a batch (model->least_rows).
 * After it the validation set is scored, the best parameters are kept, the schedule is updated, and the caller is
 * called. A failure in the middle of an epoch leaves the model as it was after its last whole step.
 *
 * Checkpoints are saved between steps and behind epochs, before anything happens that a continued run would not do: a
 * run that is stopped within an epoch saves first and is then rounded off as if the epoch had been that short.
 */
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "train/fit.h"

double aenc_seconds_since(const struct timespec *begin) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - begin->tv_sec) + 1e-9 * (double)(end.tv_nsec - begin->tv_nsec);
}

/* Tells the caller; remembers when it wants to stop. */
static void tell(struct fit *fit, int64_t event) {
    fit->now.event = event;
    fit->now.seconds = fit->seconds_before + aenc_seconds_since(&fit->begin);
    if (fit->options->progress == NULL) return;
    struct outside outside = aenc_callback_begin(fit->model->ctx);
    if (fit->options->progress(fit->options->progress_user, &fit->now) != 0) aenc_fit_stop(fit, AENC_STOPPED_CALLBACK);
    aenc_callback_end(fit->model->ctx, outside);
}

/* ---- Checkpoints ---- */

static bool checkpoint_at_step(const struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    if (fit->stopped) return true;
    int64_t done = fit->place.epochs_done * fit->now.steps + fit->now.step;
    if (o->checkpoint_steps > 0 && done % o->checkpoint_steps == 0) return true;
    return o->checkpoint_seconds > 0 && aenc_seconds_since(&fit->saved) >= o->checkpoint_seconds;
}

static bool checkpoint_at_epoch(const struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    bool last = fit->stopped || fit->place.epochs_done >= fit->now.epochs;
    return last || (o->checkpoint_steps == 0 && !(o->checkpoint_seconds > 0));
}

static aenc_status checkpoint(struct fit *fit) {
    aenc_status status = aenc_checkpoint_save(fit);
    clock_gettime(CLOCK_MONOTONIC, &fit->saved);
    return status;
}

/* ---- Steps ---- */

/* The rows of one step. */
struct step_rows {
    struct batch batch;
    uint64_t first, after; /* of a stream */
};

static aenc_status step(struct fit *fit, const struct batch *batch, double *loss) {
    fit->model->clock = (double)fit->model->epoch + (double)fit->now.step / (double)fit->now.steps;
    int64_t done = fit->place.epochs_done * fit->now.steps + fit->now.step;
    fit->now.learning_rate = aenc_schedule_rate(&fit->schedule, done);
    aenc_optim_set_learning_rate(fit->optimizer, fit->now.learning_rate);
    aenc_status status = aenc_train_step(fit->model, fit->optimizer, batch, loss);
    if (status == AENC_OK) fit->now.gradient_norm = fit->model->training->gradient_norm;
    return status;
}

static aenc_status from_stream(struct fit *fit, struct step_rows *out) {
    struct stream_batch *batch;
    aenc_status status = aenc_stream_next(&fit->stream, &batch);
    if (status != AENC_OK) return status;
    out->batch = aenc_stream_rows(&fit->stream, batch, fit->data.stream_field);
    out->first = batch->first;
    out->after = batch->after;
    return AENC_OK;
}

static void from_rows(const struct fit *fit, struct step_rows *out) {
    int64_t first = fit->now.step * fit->batch;
    int64_t left = fit->batches.train_count - first;
    out->batch = fit->data.rows;
    out->batch.row = fit->batches.train + first;
    out->batch.count = aenc_batch_rows(left, fit->batch, fit->model->least_rows);
    out->first = out->after = 0;
}

/* The rows of the epoch's next step; none where a source has ended. */
static aenc_status batch_next(struct fit *fit, struct step_rows *out) {
    aenc_status status = AENC_OK;
    if (fit->data.stream != NULL)
        status = from_stream(fit, out);
    else
        from_rows(fit, out);
    if (status == AENC_OK && fit->data.unchecked) status = aenc_fit_rows_check(fit, &out->batch, out->first);
    return status == AENC_OK ? aenc_transform_batch(fit, &out->batch) : status;
}

/* What the step came to, added to the epoch's means. */
static void losses_add(struct fit *fit, double loss) {
    double weight = fit->model->training->gradient_weight;
    const struct terms *terms = &fit->model->terms;
    fit->place.loss_sum += loss * weight;
    fit->place.weight_sum += weight;
    fit->now.train_loss = fit->place.loss_sum / fit->place.weight_sum;
    fit->now.valid_loss = NAN;
    for (size_t i = 0; i < terms->count; i++) {
        fit->term_sum[i] += terms->value[i] * weight;
        terms->value[i] = fit->term_sum[i] / fit->place.weight_sum;
        terms->valid[i] = NAN;
    }
}

static aenc_status steps_run(struct fit *fit) {
    while (fit->now.step < fit->now.steps && !fit->stopped) {
        struct step_rows rows;
        double loss;
        if (aenc_model_cancelled(fit->model)) aenc_fit_stop(fit, AENC_STOPPED_CANCEL);
        fit->interrupted = fit->stopped;
        if (fit->stopped) return fit->facts != NULL ? checkpoint(fit) : AENC_OK;
        aenc_status status = batch_next(fit, &rows);
        if (status == AENC_OK && rows.batch.count == 0) aenc_fit_stop(fit, AENC_STOPPED_SOURCE);
        if (fit->stopped) break;
        if (status == AENC_OK) status = step(fit, &rows.batch, &loss);
        if (status != AENC_OK) return status;
        fit->place.position = rows.after;
        fit->now.step++;
        losses_add(fit, loss);
        tell(fit, AENC_EVENT_STEP);
        if (aenc_model_cancelled(fit->model)) aenc_fit_stop(fit, AENC_STOPPED_CANCEL);
        fit->interrupted = fit->stopped;
        if (fit->facts != NULL && checkpoint_at_step(fit)) status = checkpoint(fit);
        if (status != AENC_OK) return status;
    }
    return AENC_OK;
}

/* ---- Epochs ---- */

/* Scores the held-out rows; keeps the parameters when they are the best so far. */
static aenc_status validate(struct fit *fit) {
    aenc_status status = aenc_transform_evaluate(fit, &fit->now.valid_loss);
    if (status != AENC_OK) return status;
    if (fit->now.valid_loss - fit->now.valid_loss != 0)
        return aenc_fail(fit->model->ctx, AENC_ERR_DIVERGED, "the validation loss of epoch %lld is %s",
                         (long long)fit->now.epoch, aenc_shown(fit->now.valid_loss).text);
    bool first = fit->now.best_epoch == 0;
    double gain = fit->now.best_valid_loss - fit->now.valid_loss;
    bool better = first || gain > fit->options->min_improvement;
    fit->place.waited = better ? 0 : fit->place.waited + 1;
    /* Patience counts by min_improvement; the parameters kept are the best there were. */
    if (!first && !(gain > 0)) return AENC_OK;
    status = aenc_snapshot_take(fit->model, &fit->best);
    if (status != AENC_OK) return status;
    fit->now.best_valid_loss = fit->now.valid_loss;
    fit->now.best_epoch = fit->now.epoch;
    return AENC_OK;
}

static aenc_status history_add(struct fit *fit) {
    struct history *history = &fit->model->training->history;
    const struct terms *terms = &fit->model->terms;
    if (aenc_history_reserve(fit->model, history->count + 1) != AENC_OK) return AENC_ERR_NO_MEMORY;
    double *row = history->term + 2 * history->count * terms->count;
    memcpy(row, terms->value, terms->count * sizeof *row);
    memcpy(row + terms->count, terms->valid, terms->count * sizeof *row);
    history->epoch[history->count++] = fit->now;
    return AENC_OK;
}

/* The run stands behind the epoch: nothing of the next has happened. */
static void epoch_close(struct fit *fit) {
    fit->place.epochs_done++;
    fit->place.loss_sum = fit->place.weight_sum = 0;
    memset(fit->term_sum, 0, fit->model->terms.count * sizeof *fit->term_sum);
    fit->now.step = 0;
    fit->now.seconds = fit->seconds_before = 0;
}

/* The notice of a measure that was too small in this epoch; gone when it no longer is. */
static void watch(struct aenc_model *model) {
    const struct terms *terms = &model->terms;
    if (terms->warning == NULL) return;
    size_t size = strlen(terms->warning) + 1;
    if (terms->value[terms->watched] < terms->least)
        memcpy(model->notice, terms->warning, size < sizeof model->notice ? size : sizeof model->notice - 1);
    else if (strcmp(model->notice, terms->warning) == 0)
        model->notice[0] = '\0';
}

/* An epoch that the caller breaks off is validated and told like any other. */
static aenc_status epoch_run(struct fit *fit) {
    clock_gettime(CLOCK_MONOTONIC, &fit->begin);
    fit->now.epoch = fit->place.epochs_done + 1;
    if (fit->data.stream == NULL) aenc_batches_shuffle(&fit->batches, fit->model->epoch);
    aenc_status status = steps_run(fit);
    if (status != AENC_OK || fit->now.step == 0) return status;
    if (fit->validated) status = validate(fit);
    if (status != AENC_OK) return status;
    fit->model->epoch++;
    fit->model->clock = (double)fit->model->epoch;
    aenc_schedule_epoch(&fit->schedule, fit->validated ? fit->now.valid_loss : fit->now.train_loss);
    watch(fit->model);
    tell(fit, AENC_EVENT_EPOCH);
    if (fit->options->patience > 0 && fit->place.waited >= fit->options->patience)
        aenc_fit_stop(fit, AENC_STOPPED_PATIENCE);
    if (aenc_model_cancelled(fit->model)) aenc_fit_stop(fit, AENC_STOPPED_CANCEL);
    status = history_add(fit);
    if (status != AENC_OK) return status;
    epoch_close(fit);
    bool due = fit->facts != NULL && !fit->interrupted && checkpoint_at_epoch(fit);
    return due ? checkpoint(fit) : AENC_OK;
}

aenc_status aenc_fit_run(struct fit *fit) {
    aenc_status status = AENC_OK;
    clock_gettime(CLOCK_MONOTONIC, &fit->saved);
    while (fit->place.epochs_done < fit->now.epochs && status == AENC_OK && !fit->stopped) status = epoch_run(fit);
    return status;
}
