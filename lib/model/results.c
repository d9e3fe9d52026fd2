/* results.c - what a model gives, by name. */
#include "model/results.h"

#include <math.h>
#include <string.h>

static const char *const names[RESULT_NAMED] = {
    [RESULT_CODE] = "code",
    [RESULT_OUTPUT] = "output",
    [RESULT_SCORE] = "score",
    [RESULT_FEATURES] = "features",
    [RESULT_JACOBIAN] = "jacobian_norm",
    [RESULT_DRAW] = "draw",
    [RESULT_RECONSTRUCTION] = "reconstruction",
};

/* In training there may be several codes of a row, and what lies behind them is there for each. */
static bool one_for_each_row(const struct site *site, const struct site_result *r) {
    return r->node->kind == NODE_ROW &&
           (r->node->space == 0 || (r->behind_code && r->node->space == site->code->space));
}

/* What has a name, in the order of recording, layers last. Writes only with `to`; returns how many. */
static int named_take(struct arena *arena, const struct site *site, bool layers, struct result_spec *to) {
    int count = 0, at = 0;
    for (const struct site_result *r = site->result; r != NULL; r = r->before)
        count += r->layer == layers && one_for_each_row(site, r);
    for (const struct site_result *r = site->result; r != NULL && to != NULL; r = r->before)
        if (r->layer == layers && one_for_each_row(site, r))
            to[count - ++at] = (struct result_spec){.name = aenc_arena_text(arena, r->name),
                                                    .shape = aenc_row_shape(r->node),
                                                    .layer = layers,
                                                    .behind_code = r->behind_code};
    return count;
}

aenc_status aenc_results_take(struct aenc_model *model, const struct site *site) {
    struct arena *arena = &model->arena;
    int named = named_take(arena, site, false, NULL), layers = named_take(arena, site, true, NULL);
    struct result_spec *spec = aenc_arena_alloc(arena, (size_t)(RESULT_NAMED + named + layers), sizeof *spec);
    if (spec == NULL) return AENC_ERR_NO_MEMORY;
    for (int r = 0; r < RESULT_NAMED; r++) spec[r] = (struct result_spec){.name = names[r]};
    spec[RESULT_CODE].shape = model->code;
    spec[RESULT_OUTPUT].shape = model->output;
    spec[RESULT_FEATURES].shape = (struct shape){1, {model->target_size}};
    spec[RESULT_DRAW].shape = aenc_target_shape(model);
    named_take(arena, site, false, spec + RESULT_NAMED);
    named_take(arena, site, true, spec + RESULT_NAMED + named);
    model->result = spec;
    model->result_count = RESULT_NAMED + named + layers;
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

int aenc_result_find(const struct aenc_model *model, const char *name) {
    int result = 0;
    while (result < model->result_count && strcmp(model->result[result].name, name) != 0) result++;
    return result < model->result_count ? result : -1;
}

bool aenc_result_built_in(const char *name) {
    for (int r = 0; r < RESULT_NAMED; r++)
        if (strcmp(names[r], name) == 0) return true;
    return false;
}

aenc_status aenc_result_needs(struct aenc_model *model, int result, int field, bool *out) {
    struct task *task;
    bool own_target = aenc_result_compares(result) && !aenc_target_optional(model);
    const struct task_key key = {.own_target = own_target, .count = 1, .wanted = {result}};
    aenc_status status = aenc_task_prepare(model, &key, 1, &task);
    *out = false;
    for (size_t k = 0; status == AENC_OK && k < task->tape.field_count; k++)
        if (task->field[k] == field) *out = true;
    return status;
}

bool aenc_results_key(struct result_room *room, int count, struct task_key *key) {
    bool compares = false;
    *key = (struct task_key){.count = count};
    for (int i = 1; i < count; i++)
        for (int k = i; k > 0 && room[k].result < room[k - 1].result; k--) {
            struct result_room higher = room[k - 1];
            room[k - 1] = room[k];
            room[k] = higher;
        }
    for (int i = 0; i < count; i++) {
        key->wanted[i] = room[i].result;
        compares = compares || aenc_result_compares(room[i].result);
    }
    return compares;
}

/* -log of the mean weight of all draws, one after another: log sum exp with the largest so far in front. */
static aenc_status weights_infer(struct aenc_model *model, struct task *task, const struct batch *batch,
                                 const struct result_room *room, const struct draws *draws) {
    struct draws one = *draws;
    size_t rows = (size_t)batch->count;
    float *weight = aenc_alloc(model->ctx, rows, sizeof *weight);
    double *sum = weight == NULL ? NULL : aenc_alloc(model->ctx, rows, sizeof *sum);
    double *most = sum == NULL ? NULL : aenc_alloc(model->ctx, rows, sizeof *most);
    const struct result_room to = {room->result, weight, 1};
    aenc_status status = most == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t s = 0; s < draws->samples && status == AENC_OK; s++) {
        one.turn = (uint32_t)s;
        status = aenc_task_infer(model, task, batch, &to, &one);
        for (size_t r = 0; r < rows && status == AENC_OK; r++) {
            double w = -(double)weight[r];
            if (s == 0 || w > most[r]) {
                sum[r] = s == 0 ? 1 : sum[r] * exp(most[r] - w) + 1;
                most[r] = w;
            } else
                sum[r] += exp(w - most[r]);
        }
    }
    for (size_t r = 0; r < rows && status == AENC_OK; r++)
        room->out[(int64_t)r * room->stride] = (float)(log((double)draws->samples) - log(sum[r]) - most[r]);
    aenc_release(model->ctx, weight);
    aenc_release(model->ctx, sum);
    aenc_release(model->ctx, most);
    return status;
}

aenc_status aenc_model_results(struct aenc_model *model, const struct batch *batch, struct result_room *room, int count,
                               const struct draws *draws) {
    struct task *task;
    struct task_key key;
    bool compares = aenc_results_key(room, count, &key), codes = aenc_batch_has(batch, FIELD_CODE);
    key.from_prior = draws->from_prior;
    key.from_code = !draws->from_prior && !aenc_batch_has(batch, FIELD_INPUT) && codes;
    key.own_target = compares && aenc_batch_has(batch, FIELD_TARGET);
    key.weighs = draws->samples > 0;
    aenc_status status = aenc_task_prepare(model, &key, batch->count, &task);
    if (status == AENC_OK && key.weighs) return weights_infer(model, task, batch, room, draws);
    return status == AENC_OK ? aenc_task_infer(model, task, batch, room, draws) : status;
}
