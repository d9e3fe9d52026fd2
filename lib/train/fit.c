/* fit.c - the run over epochs.
 *
 * Each epoch visits every training row once, in an order drawn for that epoch; the last batch may be smaller. After it the
 * validation set is scored, the best parameters are kept, the schedule hears of it, and the caller is called. A failure in
 * the middle of an epoch leaves the model as it was after its last whole step.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "train/train.h"

/* One run. */
struct fit {
    struct aenc_model *model;
    const aenc_fit_options *options;
    struct rows input, target; /* all rows; target.data NULL: the input */
    struct rows valid, valid_target;
    bool validated;
    struct batches batches;
    struct optimizer *optimizer;
    struct arena arena; /* of the specs */
    struct schedule schedule;
    struct snapshot best;
    aenc_progress now;
    struct timespec begin; /* of the epoch */
    int64_t batch, waited; /* epochs without improvement */
    bool stopped;          /* by the callback or by patience */
};

static double seconds_since(const struct timespec *begin) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - begin->tv_sec) + 1e-9 * (double)(end.tv_nsec - begin->tv_nsec);
}

/* ---- Preparing ---- */

static void valid_prepare(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    if (o->valid != NULL) {
        fit->valid = aenc_rows_of(o->valid);
        fit->valid_target = aenc_rows_of(o->valid_target);
    } else if (fit->batches.valid_count > 0) {
        fit->valid = fit->input;
        fit->valid_target = fit->target;
        fit->valid.row = fit->valid_target.row = fit->batches.valid;
        fit->valid.count = fit->valid_target.count = fit->batches.valid_count;
    }
    fit->validated = fit->valid.data != NULL;
}

static aenc_status specs_prepare(struct fit *fit) {
    const aenc_fit_options *o = fit->options;
    aenc_context *ctx = fit->model->ctx;
    struct json *optimizer;
    struct json *schedule;
    aenc_status status =
        aenc_settings_parse(&fit->arena, "optimizer", o->optimizer == NULL ? "adam" : o->optimizer, &optimizer);
    if (status == AENC_OK)
        status = aenc_settings_parse(&fit->arena, "schedule", o->schedule == NULL ? "constant" : o->schedule, &schedule);
    if (status == AENC_OK) status = aenc_optim_create(ctx, optimizer, fit->model->store.parameter_size, &fit->optimizer);
    if (status != AENC_OK) return status;
    aenc_optim_set_clipping(fit->optimizer, o->clip_norm, o->clip_value);
    int64_t steps = fit->now.steps * fit->now.epochs;
    return aenc_schedule_create(ctx, schedule, aenc_optim_learning_rate(fit->optimizer), steps, fit->now.steps,
                                &fit->schedule);
}

static aenc_status fit_prepare(struct fit *fit, const aenc_matrix *x) {
    const aenc_fit_options *o = fit->options;
    fit->input = aenc_rows_of(x);
    fit->target = aenc_rows_of(o->target);
    double share = o->valid == NULL ? o->valid_share : 0;
    aenc_status status = aenc_batches_create(fit->model->ctx, fit->input.count, share, &fit->batches);
    if (status != AENC_OK) return status;
    valid_prepare(fit);
    fit->batch = o->batch > 0 ? o->batch : 128;
    if (fit->batch > fit->batches.train_count) fit->batch = fit->batches.train_count;
    fit->now.struct_size = sizeof fit->now;
    fit->now.epochs = o->epochs > 0 ? o->epochs : 20;
    fit->now.steps = (fit->batches.train_count + fit->batch - 1) / fit->batch;
    fit->now.best_valid_loss = NAN;
    status = specs_prepare(fit);
    if (status == AENC_OK) fit->model->history.count = 0;
    return status;
}

static void fit_end(struct fit *fit) {
    aenc_context *ctx = fit->model->ctx;
    aenc_snapshot_free(ctx, &fit->best);
    aenc_optim_free(ctx, fit->optimizer);
    aenc_batches_free(&fit->batches);
    aenc_arena_free(&fit->arena);
}

/* ---- Running ---- */

/* Tells the caller; remembers when it wants to stop. */
static void tell(struct fit *fit, int64_t event) {
    fit->now.event = event;
    fit->now.seconds = seconds_since(&fit->begin);
    if (fit->options->progress == NULL) return;
    if (fit->options->progress(fit->options->progress_user, &fit->now) != 0) fit->stopped = true;
}

static aenc_status step(struct fit *fit, int64_t first, int64_t count, double *loss) {
    struct rows input = fit->input, target = fit->target;
    input.row = target.row = fit->batches.train + first;
    input.count = target.count = count;
    aenc_status status = aenc_train_gradients(fit->model, &input, &target, NULL, loss);
    if (status != AENC_OK) return status;
    int64_t done = (fit->now.epoch - 1) * fit->now.steps + fit->now.step - 1;
    fit->now.learning_rate = aenc_schedule_rate(&fit->schedule, done);
    aenc_optim_set_learning_rate(fit->optimizer, fit->now.learning_rate);
    fit->now.gradient_norm = fit->model->gradient_norm;
    return aenc_train_apply(fit->model, fit->optimizer);
}

static aenc_status steps_run(struct fit *fit) {
    double sum = 0;
    int64_t seen = 0;
    for (int64_t first = 0; first < fit->batches.train_count && !fit->stopped; first += fit->batch) {
        double loss;
        int64_t left = fit->batches.train_count - first;
        int64_t count = left < fit->batch ? left : fit->batch;
        fit->now.step++;
        aenc_status status = step(fit, first, count, &loss);
        if (status != AENC_OK) return status;
        sum += loss * (double)count;
        seen += count;
        fit->now.train_loss = sum / (double)seen;
        fit->now.valid_loss = NAN;
        tell(fit, AENC_EVENT_STEP);
    }
    return AENC_OK;
}

/* Scores the held-out rows; keeps the parameters when they are the best so far. */
static aenc_status validate(struct fit *fit) {
    aenc_status status = aenc_train_evaluate(fit->model, &fit->valid, &fit->valid_target, NULL, &fit->now.valid_loss);
    if (status != AENC_OK) return status;
    if (fit->now.valid_loss - fit->now.valid_loss != 0)
        return aenc_fail(fit->model->ctx, AENC_ERR_DIVERGED, "the validation loss of epoch %lld is %g",
                         (long long)fit->now.epoch, fit->now.valid_loss);
    bool first = fit->now.best_epoch == 0;
    double gain = fit->now.best_valid_loss - fit->now.valid_loss;
    bool better = first || gain > fit->options->min_improvement;
    fit->waited = better ? 0 : fit->waited + 1;
    /* Patience counts by min_improvement; the parameters kept are the best there were. */
    if (!first && !(gain > 0)) return AENC_OK;
    fit->now.best_valid_loss = fit->now.valid_loss;
    fit->now.best_epoch = fit->now.epoch;
    return aenc_snapshot_take(fit->model, &fit->best);
}

static aenc_status history_add(struct fit *fit) {
    struct history *history = &fit->model->history;
    void *epochs = history->epoch;
    if (aenc_grow(fit->model->ctx, &epochs, &history->capacity, history->count + 1, sizeof *history->epoch) != AENC_OK)
        return AENC_ERR_NO_MEMORY;
    history->epoch = epochs;
    history->epoch[history->count++] = fit->now;
    return AENC_OK;
}

/* An epoch that the caller breaks off is validated and told like any other. */
static aenc_status epoch_run(struct fit *fit) {
    clock_gettime(CLOCK_MONOTONIC, &fit->begin);
    fit->now.step = 0;
    aenc_batches_shuffle(&fit->batches, fit->model->epoch);
    aenc_status status = steps_run(fit);
    if (status == AENC_OK) status = aenc_train_check(fit->model);
    if (status == AENC_OK && fit->validated) status = validate(fit);
    if (status != AENC_OK) return status;
    fit->model->epoch++;
    aenc_schedule_epoch(&fit->schedule, fit->validated ? fit->now.valid_loss : fit->now.train_loss);
    tell(fit, AENC_EVENT_EPOCH);
    if (fit->options->patience > 0 && fit->waited >= fit->options->patience) fit->stopped = true;
    return history_add(fit);
}

aenc_status aenc_train_fit(struct aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options) {
    struct fit fit;
    memset(&fit, 0, sizeof fit);
    fit.model = model;
    fit.options = options;
    aenc_arena_create(model->ctx, &fit.arena);
    aenc_status status = fit_prepare(&fit, x);
    for (fit.now.epoch = 1; fit.now.epoch <= fit.now.epochs && status == AENC_OK && !fit.stopped; fit.now.epoch++)
        status = epoch_run(&fit);
    if (status == AENC_OK && fit.best.parameter != NULL) status = aenc_snapshot_restore(model, &fit.best);
    fit_end(&fit);
    return status;
}
