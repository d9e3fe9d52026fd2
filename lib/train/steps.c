/* steps.c - the steps of an epoch, of a pass over rows as they arrive, or of whatever else trains: one loop.
 *
 * A step is rows, looked at and sent through where the data want it, the turns of the players, and the callback. Where a run
 * survives its process, it is written down between two steps.
 */
#include <math.h>

#include "train/fit.h"

aenc_status aenc_fit_report(struct fit *fit, int64_t event) {
    fit->now.event = event;
    fit->now.seconds = fit->seconds_before + aenc_seconds_since(&fit->begin);
    const struct reported to = {fit->progress_name == NULL ? "aenc_fit_options.progress" : fit->progress_name,
                                fit->options->progress, fit->options->progress_user};
    bool stop = false;
    aenc_status status = aenc_reported(fit->model->ctx, &to, &fit->now, &stop);
    if (stop) aenc_fit_stop(fit, AENC_STOPPED_CALLBACK);
    return status;
}

/* ---- Rows ---- */

/* The rows of one step. */
struct step_rows {
    struct batch batch;
    uint64_t first, after; /* of a stream */
};

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
    struct batch all = fit->data.rows;
    int64_t first = fit->now.step * fit->batch;
    if (fit->batches.train != NULL) {
        all.row = fit->batches.train;
        all.count = fit->batches.train_count;
    }
    out->batch = aenc_batch_piece(&all, first, aenc_batch_rows(all.count - first, fit->batch, fit->model->least_rows));
    out->first = out->after = 0;
}

/* The rows of the next step; none where a source has ended. */
static aenc_status batch_next(struct fit *fit, struct step_rows *out) {
    aenc_status status = AENC_OK;
    if (fit->data.stream != NULL)
        status = from_stream(fit, out);
    else
        from_rows(fit, out);
    if (status == AENC_OK && fit->data.unchecked)
        status = aenc_fit_rows_check(fit, TRAIN_SOURCE, aenc_fit_own_target(fit), &out->batch, out->first);
    return status == AENC_OK ? aenc_transform_batch(fit, &out->batch) : status;
}

/* ---- Steps ---- */

static aenc_status step(struct fit *fit, const struct batch *batch, double *loss) {
    struct aenc_model *model = fit->model;
    int64_t done = fit->steps_before + fit->now.step;
    if (fit->moves_clock) model->clock = (double)model->epoch + (double)fit->now.step / (double)fit->now.steps;
    if (fit->schedule.type != NULL) {
        fit->now.learning_rate = aenc_schedule_rate(&fit->schedule, done);
        aenc_optim_set_learning_rate(fit->optimizer, fit->now.learning_rate);
    }
    const struct reducer reduction = {fit->options->reduce, fit->options->reduce_user,
                                      fit->term_sum + model->terms.count};
    if (reduction.call != NULL) model->training->reduction = &reduction;
    aenc_status status = aenc_train_step(model, fit->optimizer, batch, loss);
    if (reduction.call != NULL) model->training->reduction = NULL;
    if (status == AENC_OK) fit->now.gradient_norm = model->training->gradient_norm;
    return status;
}

/* The means so far; NaN before the first step. */
static void terms_show(struct fit *fit) {
    const struct terms *terms = &fit->model->terms;
    for (size_t i = 0; i < terms->count; i++)
        terms->value[i] = fit->place.weight_sum > 0 ? fit->term_sum[i] / fit->place.weight_sum : (double)NAN;
}

/* What the step came to, added to them. */
static void losses_add(struct fit *fit, double loss) {
    double weight = fit->model->training->gradient_weight;
    const struct terms *terms = &fit->model->terms;
    fit->place.loss_sum += loss * weight;
    fit->place.weight_sum += weight;
    fit->now.train_loss = fit->place.loss_sum / fit->place.weight_sum;
    fit->now.valid_loss = NAN;
    for (size_t i = 0; i < terms->count; i++) {
        fit->term_sum[i] += terms->value[i] * weight;
        terms->valid[i] = NAN;
    }
    terms_show(fit);
}

static bool checkpoint_due(const struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    if (fit->stopped) return true;
    if (o->checkpoint_steps > 0 && (fit->steps_before + fit->now.step) % o->checkpoint_steps == 0) return true;
    return o->checkpoint_seconds > 0 && aenc_seconds_since(&fit->saved) >= o->checkpoint_seconds;
}

aenc_status aenc_fit_checkpoint(struct fit *fit) {
    aenc_status status = aenc_checkpoint_save(fit);
    fit->saved = aenc_clock_now();
    return status;
}

aenc_status aenc_fit_interrupt(struct fit *fit, int32_t why) {
    bool saved = fit->interrupted;
    aenc_fit_stop(fit, why);
    fit->interrupted = true;
    return fit->facts != NULL && !saved ? aenc_fit_checkpoint(fit) : AENC_OK;
}

aenc_status aenc_fit_steps(struct fit *fit) {
    while (fit->now.step < fit->now.steps && !fit->stopped) {
        struct step_rows rows;
        double loss;
        if (aenc_model_cancelled(fit->model)) return aenc_fit_interrupt(fit, AENC_STOPPED_CANCEL);
        aenc_status status = batch_next(fit, &rows);
        if (status == AENC_OK && fit->stream.stopped) return aenc_fit_interrupt(fit, AENC_STOPPED_CALLBACK);
        if (status == AENC_OK && rows.batch.count == 0) aenc_fit_stop(fit, AENC_STOPPED_SOURCE);
        if (fit->stopped) break;
        if (status == AENC_OK) status = step(fit, &rows.batch, &loss);
        if (status == AENC_ERR_CANCELLED) { /* by an operation */
            terms_show(fit);                /* not what the step that came to nothing has left */
            return aenc_fit_interrupt(fit, aenc_stop_reason(fit->model));
        }
        if (status != AENC_OK) return status;
        fit->place.position = rows.after;
        fit->now.step++;
        losses_add(fit, loss);
        status = aenc_fit_report(fit, AENC_EVENT_STEP);
        if (status != AENC_OK) return status;
        if (aenc_model_cancelled(fit->model)) aenc_fit_stop(fit, AENC_STOPPED_CANCEL);
        fit->interrupted = fit->stopped;
        if (fit->facts != NULL && checkpoint_due(fit)) status = aenc_fit_checkpoint(fit);
        if (status != AENC_OK) return status;
    }
    return AENC_OK;
}
