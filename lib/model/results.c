/* results.c - what a model gives, by name. */
#include "model/results.h"

#include <string.h>

static const char *const names[RESULT_COUNT] = {
    [RESULT_CODE] = "code",         [RESULT_OUTPUT] = "output",          [RESULT_SCORE] = "score",
    [RESULT_FEATURES] = "features", [RESULT_JACOBIAN] = "jacobian_norm",
};

enum result aenc_result_find(const char *name) {
    int result = 0;
    while (result < RESULT_COUNT && strcmp(names[result], name) != 0) result++;
    return (enum result)result;
}

const char *aenc_result_name(enum result result) { return names[result]; }

struct shape aenc_result_shape(const struct aenc_model *model, enum result result) {
    if (result == RESULT_CODE) return model->code;
    if (result == RESULT_OUTPUT) return model->output;
    if (result == RESULT_FEATURES) return (struct shape){1, {model->target_size}};
    return (struct shape){.rank = 0};
}

/* The kind of task that gives the result; from a code alone. */
static enum task_kind kind_of(enum result result, bool from_code) {
    switch (result) {
    case RESULT_CODE: return TASK_ENCODE;
    case RESULT_OUTPUT: return from_code ? TASK_DECODE : TASK_RECONSTRUCT;
    case RESULT_SCORE: return TASK_SCORE;
    case RESULT_FEATURES: return TASK_FEATURES;
    case RESULT_JACOBIAN:
    case RESULT_COUNT: break;
    }
    return TASK_JACOBIAN;
}

aenc_status aenc_result_needs(struct aenc_model *model, enum result result, int field, bool *out) {
    struct task *task;
    bool compares = result == RESULT_SCORE || result == RESULT_FEATURES;
    bool own_target = compares && !aenc_target_optional(model);
    aenc_status status = aenc_task_prepare(model, kind_of(result, false), own_target, 1, &task);
    *out = false;
    for (size_t k = 0; status == AENC_OK && k < task->tape.field_count; k++)
        if (task->field[k] == field) *out = true;
    return status;
}

/* One result, some rows at a time where its rows lie apart. */
static aenc_status result_infer(struct aenc_model *model, const struct batch *batch, const struct result_room *room) {
    const struct shape shape = aenc_result_shape(model, room->result);
    int64_t size = aenc_shape_count(&shape), most = room->stride == size ? batch->count : 1;
    bool from_code = !aenc_batch_has(batch, FIELD_INPUT) && aenc_batch_has(batch, FIELD_CODE);
    aenc_status status = AENC_OK;
    for (int64_t first = 0; first < batch->count && status == AENC_OK; first += most) {
        const struct batch piece = aenc_batch_piece(batch, first, most);
        status = aenc_model_infer(model, kind_of(room->result, from_code), &piece, room->out + first * room->stride);
    }
    return status;
}

aenc_status aenc_model_results(struct aenc_model *model, const struct batch *batch, const struct result_room *room,
                               int count) {
    aenc_status status = AENC_OK;
    for (int i = 0; i < count && status == AENC_OK; i++) status = result_infer(model, batch, &room[i]);
    return status;
}
