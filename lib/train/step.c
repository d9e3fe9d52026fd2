/* step.c - the gradients of one batch, and what is done with them. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/message_text.h"
#include "model/pca.h"
#include "train/training.h"

static bool finite_number(double x) { return x - x == 0; }

/* ---- Gradients ---- */

/* Where the run leaves gradients that stay. */
static aenc_status gradient_memory(struct aenc_model *model, struct run *run) {
    struct store *store = &model->store;
    if (store->gradient == NULL)
        store->gradient = aenc_alloc(model->ctx, (size_t)store->parameter_size, sizeof(num));
    else if (model->training->gradients_written)
        memset(store->gradient, 0, (size_t)store->parameter_size * sizeof(num));
    model->training->gradients_written = false;
    run->block[SLOT_PARAMETER_GRADIENT] = store->gradient;
    return store->gradient == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_weight_sum(aenc_context *ctx, const struct batch *batch, double *out) {
    *out = (double)batch->count;
    if (!aenc_batch_has(batch, FIELD_WEIGHT)) return AENC_OK;
    aenc_status status = aenc_weights_check(ctx, (struct column_names){"weight", 0, NULL}, batch, out);
    if (status != AENC_OK || *out > 0) return status;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "the weights of the batch add up to %s", aenc_shown(*out).text);
}

/* The weights of the batch's rows in their order: where they are, or gathered. */
static aenc_status weights_take(struct aenc_model *model, struct task *task, const struct batch *batch) {
    const struct column *column = &batch->column[FIELD_WEIGHT];
    bool there = aenc_batch_has(batch, FIELD_WEIGHT);
    bool dense = aenc_batch_index(batch, FIELD_WEIGHT) == NULL && column->stride == 1 && column->type == VALUE_F32;
    task->run->weight = dense && there ? column->data : NULL;
    if (dense || !there) return AENC_OK;
    size_t rows = (size_t)task->tape.capacity[0];
    if (task->weight == NULL) task->weight = aenc_alloc_raw(model->ctx, rows, sizeof *task->weight);
    if (task->weight == NULL) return AENC_ERR_NO_MEMORY;
    for (int64_t r = 0; r < batch->count; r++) task->weight[r] = (float)aenc_batch_raw(batch, FIELD_WEIGHT, r, 0);
    task->run->weight = task->weight;
    return AENC_OK;
}

/* The squared norm of the gradients of the first tiles, in their order; when it is not finite, the parameter to
 * blame. */
static double squared_norm(const struct run *run, size_t tiles, const char **culprit) {
    double sum = 0;
    for (size_t i = 0; i < tiles; i++) {
        const struct node *target = run->plan->tile[i].target;
        if (target->kind != NODE_PARAMETER) continue;
        if (!finite_number(run->tile_square[i]) && *culprit == NULL) *culprit = target->name;
        sum += run->tile_square[i];
    }
    return sum;
}

/* The name path under which the first value of a replay is not finite; NULL: all are. */
static const char *first_bad_value(const struct task *task) {
    const struct node *n = aenc_run_first_bad(task->run);
    atomic_store(&task->run->failure->result, 0); /* the walk again was not the step */
    return n == NULL ? NULL : n->name;
}

static aenc_status diverged(struct aenc_model *model, const struct task *task, double loss, const char *culprit) {
    unsigned long long update = (unsigned long long)model->step + 1;
    const char *place = first_bad_value(task);
    char behind[128] = "";
    if (place != NULL)
        snprintf(behind, sizeof behind, "; the first value that is not finite is in %.80s",
                 strcmp(place, "loss") == 0 ? "the loss" : place);
    if (finite_number(loss))
        return aenc_fail(model->ctx, AENC_ERR_DIVERGED, "the gradient of '%s' at update %llu is not finite%s", culprit,
                         update, behind);
    return aenc_fail(model->ctx, AENC_ERR_DIVERGED, "the loss of update %llu is %s%s%s%s", update,
                     aenc_shown(loss).text, culprit == NULL ? "" : ", as is the gradient of ",
                     culprit == NULL ? "" : culprit, behind);
}

/* Of the first tiles, or of what the program has made of all gradients. */
static aenc_status gradients_check(struct aenc_model *model, const struct task *task, size_t tiles, double loss) {
    const char *culprit = NULL;
    bool reduced = model->training->reduction != NULL;
    double square =
        reduced ? aenc_gradients_square(model, task->key.player, &culprit) : squared_norm(task->run, tiles, &culprit);
    if (!finite_number(loss) || culprit != NULL) return diverged(model, task, loss, culprit);
    model->training->gradient_norm = sqrt(square) / model->training->gradient_weight;
    return AENC_OK;
}

/* Everything up to the first stage of a training replay. */
static aenc_status replay_prepare(struct aenc_model *model, struct turn turn, const struct batch *batch,
                                  struct task **out) {
    double total;
    struct training *training = aenc_training(model);
    if (training == NULL) return AENC_ERR_NO_MEMORY;
    training->gradients = NULL;
    aenc_status status = aenc_pca_refuse(model, "gradients");
    if (status == AENC_OK) status = aenc_batch_check(model, batch->count);
    if (status == AENC_OK) status = aenc_weight_sum(model->ctx, batch, &total);
    const struct task_key key = aenc_task_training(turn.player, aenc_batch_has(batch, FIELD_TARGET));
    if (status == AENC_OK) status = aenc_task_prepare(model, &key, batch->count, out);
    if (status == AENC_OK) status = aenc_task_fields_check(model->ctx, *out, batch);
    if (status == AENC_OK) status = weights_take(model, *out, batch);
    if (status != AENC_OK) return status;
    struct run *run = (*out)->run;
    aenc_task_bind(*out, run, batch, 0);
    run->live[0] = batch->count;
    run->weight_total = total;
    run->step = model->step;
    run->turn = turn.number;
    run->check_overflow_bound = false;
    training->gradient_weight = total;
    aenc_run_ramps(run, model->clock);
    return AENC_OK;
}

/* The values of the player's terms and their sum, once all rows have been through. */
static double mean_loss(struct aenc_model *model, const struct task *task) {
    double mean = 0;
    for (size_t i = 0; i < task->tape.term_count; i++) {
        const struct term *term = &task->tape.term[i];
        double value = aenc_run_term(task->run, term) / model->training->gradient_weight;
        model->terms.value[term->number] = value;
        if (term->role != TERM_MEASURE) mean += value;
    }
    return mean;
}

/* The stages from `first` on, after which the gradients wait. */
static aenc_status gradients_finish(struct aenc_model *model, struct task *task, size_t first, double *loss) {
    if (gradient_memory(model, task->run) != AENC_OK) return AENC_ERR_NO_MEMORY;
    aenc_run_stages(task->run, first, task->plan.stage_count, model->ctx->pool);
    double mean = mean_loss(model, task);
    aenc_status status = aenc_task_outcome(model->ctx, task);
    if (status == AENC_OK && model->training->reduction != NULL) status = aenc_sums_reduce(model, task, &mean);
    if (status == AENC_OK) status = gradients_check(model, task, task->plan.tile_count, mean);
    if (status != AENC_OK) return status;
    model->training->gradients = task;
    task->waits = true;
    if (loss != NULL) *loss = mean;
    return AENC_OK;
}

aenc_status aenc_train_gradients(struct aenc_model *model, struct turn turn, const struct batch *batch, double *loss) {
    struct task *task;
    aenc_status status = replay_prepare(model, turn, batch, &task);
    return status == AENC_OK ? gradients_finish(model, task, 0, loss) : status;
}

/* ---- Update ---- */

static void states_commit(const struct aenc_model *model, const struct task *task) {
    for (size_t i = 0; i < task->tape.stage_count; i++) {
        const struct stage *stage = &task->tape.stage[i];
        memcpy(model->store.state + stage->state->offset, aenc_value(task->run, stage->value),
               (size_t)aenc_shape_count(&stage->state->shape) * sizeof(num));
    }
}

/* Before anything is updated: a state that would be infinite would be in the model's file, too. */
static aenc_status states_check(const struct aenc_model *model, const struct task *task) {
    for (size_t i = 0; i < task->tape.stage_count; i++) {
        const struct stage *stage = &task->tape.stage[i];
        const num *value = aenc_value(task->run, stage->value);
        if (aenc_kernels()->elementwise->max_abs(value, aenc_shape_count(&stage->state->shape)) <= (num)FLT_MAX)
            continue;
        return aenc_fail(model->ctx, AENC_ERR_DIVERGED, "update %llu would make '%s' infinite",
                         (unsigned long long)model->step + 1, stage->state->name);
    }
    return AENC_OK;
}

static void update(struct aenc_model *model, struct optimizer *optimizer) {
    aenc_optim_update(optimizer, &model->store, 1 / model->training->gradient_weight, model->training->gradient_norm,
                      model->ctx->pool);
}

/* One that may overflow: it is taken back if it does. */
static aenc_status update_checked(struct aenc_model *model, struct optimizer *optimizer) {
    struct optim_kept kept;
    aenc_status status = aenc_optim_keep(optimizer, &model->store, &kept);
    if (status != AENC_OK) return status;
    update(model, optimizer);
    const char *name = aenc_optim_overflow(optimizer, &model->store);
    if (name != NULL) {
        aenc_optim_restore(optimizer, &model->store, &kept);
        status =
            aenc_fail(model->ctx, AENC_ERR_DIVERGED,
                      "update %llu would make '%s' infinite: its learning rate is %s, its gradient's norm %s",
                      (unsigned long long)model->step + 1, name, aenc_shown(aenc_optim_learning_rate(optimizer)).text,
                      aenc_shown(model->training->gradient_norm).text);
    }
    aenc_optim_kept_free(model->ctx, &kept);
    return status;
}

static aenc_status apply(struct aenc_model *model, struct optimizer *optimizer, const struct task *task) {
    model->training->gradients = NULL; /* used up, also by a failure */
    aenc_status status = states_check(model, task);
    if (status != AENC_OK) return status;
    if (aenc_optim_safe(optimizer, &model->store, model->training->gradient_norm))
        update(model, optimizer);
    else
        status = update_checked(model, optimizer);
    if (status != AENC_OK) return status;
    aenc_optim_constrain(optimizer, &model->store, model->ctx->pool);
    states_commit(model, task);
    return AENC_OK;
}

aenc_status aenc_train_apply(struct aenc_model *model, struct optimizer *optimizer) {
    const struct task *task = model->training == NULL ? NULL : model->training->gradients;
    if (task == NULL || !task->waits)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "no gradients wait to be applied; compute them first");
    aenc_status status = aenc_store_unshare(&model->store);
    if (status != AENC_OK) return status; /* without memory for a copy the gradients still wait */
    status = apply(model, optimizer, task);
    if (status == AENC_OK) model->step++;
    return status;
}

/* ---- Both at once: gradients that are products are used up tile by tile ---- */

static void tile_take(void *user, const struct node *target, int64_t first, int64_t count, const num *gradient) {
    const struct optim_step *step = user;
    aenc_optim_part(step, aenc_store_find(step->store, target->name), first, count, gradient);
}

static void mark_per_tile(const struct store *store, const struct plan *plan, bool per_tile) {
    const struct plan_stage *stage = &plan->stage[plan->product_stage];
    for (int64_t i = stage->first; i < stage->first + stage->count; i++)
        if (plan->tile[i].range.lo == 0)
            aenc_store_find(store, plan->tile[i].target->name)->updated_per_tile = per_tile;
}

/* Whether no other parameter is trained by the player. */
static bool products_alone(const struct store *store, const struct plan *plan, int player) {
    const struct plan_stage *stage = &plan->stage[plan->product_stage];
    int64_t others = 0;
    for (size_t i = 0; i < store->entry_count; i++) others += aenc_entry_trained(&store->entry[i], player);
    for (int64_t i = stage->first; i < stage->first + stage->count; i++) others -= plan->tile[i].range.lo == 0;
    return others == 0;
}

/* A tile for each worker. */
static aenc_status scratch_memory(struct aenc_model *model, const struct plan *plan, struct tile_sink *sink) {
    size_t workers = (size_t)aenc_pool_workers(model->ctx->pool);
    sink->size = (plan->product_tile + 15) / 16 * 16;
    struct training *training = model->training;
    if (training->scratch_size < (size_t)sink->size * workers) {
        aenc_release(model->ctx, training->scratch);
        training->scratch = aenc_alloc(model->ctx, (size_t)sink->size * workers, sizeof(num));
        training->scratch_size = training->scratch == NULL ? 0 : (size_t)sink->size * workers;
    }
    sink->scratch = training->scratch;
    return training->scratch == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* The update of a step whose products are bounded; others: parameters beside theirs are trained. */
static aenc_status products_apply(struct aenc_model *model, struct optimizer *optimizer, const struct task *task,
                                  bool others, const struct tile_sink *given, double loss) {
    const struct plan *plan = &task->plan;
    struct tile_sink sink = *given;
    struct optim_step step;
    aenc_status status = gradients_check(model, task, (size_t)plan->stage[plan->product_stage].first, loss);
    if (status == AENC_OK) status = states_check(model, task);
    if (status != AENC_OK) return status;
    aenc_optim_begin(optimizer, &model->store, 1 / model->training->gradient_weight, 0, &step);
    if (others) {
        mark_per_tile(&model->store, plan, true);
        aenc_optim_rest(&step, model->ctx->pool);
        mark_per_tile(&model->store, plan, false);
    }
    sink.take = tile_take;
    sink.user = &step;
    aenc_run_products(task->run, &sink, model->ctx->pool);
    aenc_optim_constrain(optimizer, &model->store, model->ctx->pool);
    states_commit(model, task);
    return gradients_check(model, task, plan->tile_count, loss); /* for the norm: all are finite */
}

/* Whether the products, and the update by them and by the gradients that are there, are certain to be finite. */
static bool products_safe(const struct aenc_model *model, struct optimizer *optimizer, const struct task *task,
                          struct store *store) {
    const struct plan *plan = &task->plan;
    const char *culprit = NULL;
    double bound = aenc_run_bound(task->run);
    if (!finite_number(bound)) return false;
    double square = squared_norm(task->run, (size_t)plan->stage[plan->product_stage].first, &culprit);
    return culprit == NULL &&
           aenc_optim_safe(optimizer, store, fmax(bound, sqrt(square)) / model->training->gradient_weight);
}

aenc_status aenc_train_turn(struct aenc_model *model, struct optimizer *optimizer, struct turn turn,
                            const struct batch *batch, double *loss) {
    struct task *task;
    aenc_status status = replay_prepare(model, turn, batch, &task);
    if (status != AENC_OK) return status;
    bool whole = optimizer->clip_norm > 0 || model->training->reduction != NULL;
    size_t first = whole ? 0 : task->plan.product_stage;
    if (first > 0) {
        struct tile_sink sink;
        bool others = !products_alone(&model->store, &task->plan, turn.player);
        status = scratch_memory(model, &task->plan, &sink);
        if (status == AENC_OK && others) status = gradient_memory(model, task->run);
        if (status != AENC_OK) return status;
        task->run->check_overflow_bound = true;
        aenc_run_stages(task->run, 0, first, model->ctx->pool);
        status = aenc_task_outcome(model->ctx, task);
        if (status != AENC_OK) return status;
        if (products_safe(model, optimizer, task, &model->store)) {
            double mean = mean_loss(model, task);
            status = products_apply(model, optimizer, task, others, &sink, mean);
            if (status == AENC_OK && loss != NULL) *loss = mean;
            return status;
        }
    }
    status = gradients_finish(model, task, first, loss);
    return status == AENC_OK ? apply(model, optimizer, task) : status;
}

/* ---- What fails before the first step ---- */

aenc_status aenc_train_begin(struct aenc_model *model, struct train_start *out) {
    struct training *training = aenc_training(model);
    if (training == NULL) return AENC_ERR_NO_MEMORY;
    training->gradients = NULL;
    *out = (struct train_start){model->step, model->clock, training->history.count, aenc_scaling_unknown(model)};
    return AENC_OK;
}

void aenc_train_undo(struct aenc_model *model, const struct train_start *start) {
    if (model->step != start->step) return;
    model->clock = start->clock;
    model->training->history.count = start->epochs;
    if (start->scaling_unknown && model->scaling_known) aenc_scaling_forget(model);
}
