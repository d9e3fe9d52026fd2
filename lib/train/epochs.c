/* epochs.c - from where a run is to its end.
 *
 * Each epoch visits every training row once, in an order drawn for that epoch, or takes as many steps from a stream as
 * it was told; the last batch may be smaller, or larger by a rest that is too small for a batch (model->least_rows).
 * After it the validation set is scored, the best parameters are kept, the schedule is updated, and the caller is
 * called. A failure in the middle of an epoch leaves the model as it was after its last whole step.
 *
 * Checkpoints are saved between steps and behind epochs, before anything happens that a continued run would not do: a
 * run that is stopped within an epoch saves first and is then rounded off as if the epoch had been that short; where it is
 * stopped in the validation, as one without.
 */
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "train/fit.h"

static bool checkpoint_at_epoch(const struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    bool last = fit->stopped || fit->place.epochs_done >= fit->now.epochs;
    return last || (o->checkpoint_steps == 0 && !(o->checkpoint_seconds > 0));
}

/* The epoch is one without validation. */
static aenc_status validation_end(struct fit *fit) {
    const struct terms *terms = &fit->model->terms;
    fit->now.valid_loss = NAN;
    for (size_t i = 0; i < terms->count; i++) terms->valid[i] = NAN;
    return aenc_fit_interrupt(fit, aenc_stop_reason(fit->model));
}

/* Scores the held-out rows; keeps the parameters when they are the best so far. */
static aenc_status validate(struct fit *fit) {
    aenc_status status = aenc_valid_streams(&fit->data) ? aenc_fit_evaluate_stream(fit, &fit->now.valid_loss)
                                                        : aenc_transform_evaluate(fit, &fit->now.valid_loss);
    if (status == AENC_ERR_CANCELLED) return validation_end(fit);
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

/* Before the callback, which may evaluate the model on other rows. */
static aenc_status history_terms(struct fit *fit) {
    struct history *history = &fit->model->training->history;
    const struct terms *terms = &fit->model->terms;
    if (aenc_history_reserve(fit->model, history->count + 1) != AENC_OK) return AENC_ERR_NO_MEMORY;
    double *row = history->term + 2 * history->count * terms->count;
    for (size_t i = 0; i < terms->count && !fit->validated; i++) terms->valid[i] = NAN;
    memcpy(row, terms->value, terms->count * sizeof *row);
    memcpy(row + terms->count, terms->valid, terms->count * sizeof *row);
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
    fit->begin = aenc_clock_now();
    fit->now.epoch = fit->place.epochs_done + 1;
    if (fit->data.stream == NULL) aenc_batches_shuffle(&fit->batches, fit->model->epoch);
    fit->steps_before = fit->place.epochs_done * fit->now.steps;
    aenc_status status = aenc_fit_steps(fit);
    if (status != AENC_OK || fit->now.step == 0) return status;
    if (fit->validated) status = validate(fit);
    if (status != AENC_OK) return status;
    fit->model->epoch++;
    fit->model->clock = (double)fit->model->epoch;
    aenc_schedule_epoch(&fit->schedule, fit->validated ? fit->now.valid_loss : fit->now.train_loss);
    watch(fit->model);
    status = history_terms(fit);
    if (status == AENC_OK) status = aenc_fit_report(fit, AENC_EVENT_EPOCH);
    if (status != AENC_OK) return status;
    if (fit->options->patience > 0 && fit->place.waited >= fit->options->patience)
        aenc_fit_stop(fit, AENC_STOPPED_PATIENCE);
    if (aenc_model_cancelled(fit->model)) aenc_fit_stop(fit, AENC_STOPPED_CANCEL);
    struct history *history = &fit->model->training->history;
    history->epoch[history->count++] = fit->now;
    epoch_close(fit);
    bool due = fit->facts != NULL && !fit->interrupted && checkpoint_at_epoch(fit);
    return due ? aenc_fit_checkpoint(fit) : AENC_OK;
}

aenc_status aenc_fit_run(struct fit *fit) {
    aenc_status status = AENC_OK;
    fit->saved = aenc_clock_now();
    while (fit->place.epochs_done < fit->now.epochs && status == AENC_OK && !fit->stopped) status = epoch_run(fit);
    return status;
}
