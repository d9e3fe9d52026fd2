/* infer.c - rows through a task, chunk by chunk. */
#include <string.h>

#include "model/model.h"

struct inference {
    const struct task *task;
    const struct batch *batch;
    const struct result_room *room;
    aenc_context *ctx;    /* whose cancel counts; NULL: a call that trains has its own way to end */
    atomic_bool left_out; /* a chunk, as the context was cancelled */
};

void aenc_infer_chunk(const struct task *task, struct run *run, const struct batch *batch, struct span chunk,
                      const struct result_room *room) {
    int64_t rows = chunk.hi - chunk.lo;
    aenc_task_bind(task, run, batch, chunk.lo);
    run->live[0] = rows;
    run->first_row = task->first_row + chunk.lo;
    run->weight_total = (double)rows;
    aenc_run_replay(run, NULL);
    for (int k = 0; k < task->key.count; k++) {
        int64_t size = aenc_node_row_size(task->result[k]), stride = room[k].stride;
        int64_t lines = stride == size ? 1 : rows, length = size * rows / lines;
        const num *value = aenc_value(run, task->result[k]);
        float *out = room[k].out + chunk.lo * stride;
        for (int64_t r = 0; r < lines; r++, out += stride, value += length)
            if (sizeof *out == sizeof *value)
                memcpy(out, value, (size_t)length * sizeof *out);
            else
                for (int64_t i = 0; i < length; i++) out[i] = (float)value[i];
    }
}

static void chunk_task(void *user, int64_t index, int worker) {
    struct inference *work = user;
    if (work->ctx != NULL && aenc_job_left_out(work->ctx, &work->left_out)) return;
    int64_t first = index * work->task->chunk, last = first + work->task->chunk;
    struct span chunk = {first, last < work->batch->count ? last : work->batch->count};
    aenc_infer_chunk(work->task, &work->task->run[worker], work->batch, chunk, work->room);
}

aenc_status aenc_task_infer(struct aenc_model *model, struct task *task, const struct batch *batch,
                            const struct result_room *room, const struct draws *draws) {
    aenc_status status = aenc_task_fields_check(model->ctx, task, batch);
    if (status != AENC_OK) return status;
    for (int i = 0; i < task->run_count; i++) {
        task->run[i].seed = draws->seed == 0 ? model->seed : draws->seed;
        task->run[i].turn = draws->turn;
    }
    task->first_row = draws->first_row;
    task->temperature = draws->temperature == 0 ? 1 : (num)draws->temperature;
    struct inference work = {.task = task, .batch = batch, .room = room};
    if (model->train_calls == 0) work.ctx = model->ctx;
    atomic_init(&work.left_out, false);
    aenc_pool_run(model->ctx->pool, (batch->count + task->chunk - 1) / task->chunk, chunk_task, &work);
    status = aenc_task_outcome(model->ctx, task);
    return status == AENC_OK ? aenc_jobs_whole(model->ctx, &work.left_out) : status;
}

struct task_key aenc_task_key(enum task_kind kind, bool own_target) {
    static const enum result wanted[] = {
        [TASK_ENCODE] = RESULT_CODE, [TASK_DECODE] = RESULT_OUTPUT,     [TASK_RECONSTRUCT] = RESULT_OUTPUT,
        [TASK_SCORE] = RESULT_SCORE, [TASK_FEATURES] = RESULT_FEATURES, [TASK_JACOBIAN] = RESULT_JACOBIAN,
        [TASK_TERMS] = RESULT_SCORE,
    };
    bool compares = kind == TASK_SCORE || kind == TASK_FEATURES || kind == TASK_TERMS;
    return (struct task_key){.own_target = compares && own_target,
                             .from_code = kind == TASK_DECODE,
                             .terms = kind == TASK_TERMS,
                             .count = 1,
                             .wanted = {(int)wanted[kind]}};
}

aenc_status aenc_model_infer_from(struct aenc_model *model, enum task_kind kind, const struct batch *batch,
                                  int64_t first_row, float *out) {
    struct task *task;
    const struct task_key key = aenc_task_key(kind, aenc_batch_has(batch, FIELD_TARGET));
    aenc_status status = aenc_task_prepare(model, &key, batch->count, &task);
    if (status != AENC_OK) return status;
    const struct result_room room = {key.wanted[0], out, aenc_node_row_size(task->result[0])};
    return aenc_task_infer(model, task, batch, &room, &(struct draws){.first_row = first_row});
}

aenc_status aenc_model_infer(struct aenc_model *model, enum task_kind kind, const struct batch *batch, float *out) {
    return aenc_model_infer_from(model, kind, batch, 0, out);
}

aenc_status aenc_model_infer_rows(struct aenc_model *model, enum task_kind kind, const struct rows *x, float *out) {
    const struct batch batch = aenc_batch_of(kind == TASK_DECODE ? FIELD_CODE : FIELD_INPUT, x);
    return aenc_model_infer(model, kind, &batch, out);
}

struct batch aenc_batch_for(const struct aenc_model *to, const struct aenc_model *from, const struct batch *batch) {
    struct batch out = {.count = batch->count, .row = batch->row};
    out.column[FIELD_INPUT] = batch->column[FIELD_INPUT];
    for (int f = FIELD_DECLARED; f < from->field_count; f++) {
        int there = aenc_field_find(to->field, to->field_count, from->field[f].name);
        if (there >= FIELD_DECLARED) out.column[there] = batch->column[f];
    }
    return out;
}

aenc_status aenc_model_denoising_score(struct aenc_model *model, const struct rows *x, double sigma, float *out) {
    aenc_status status = aenc_model_infer_rows(model, TASK_RECONSTRUCT, x, out);
    double scale = 1 / (sigma * sigma);
    for (int64_t r = 0; r < x->count && status == AENC_OK; r++) {
        const float *row = x->data + (x->row != NULL ? x->row[r] : r) * x->stride;
        for (int64_t i = 0; i < model->input_size; i++, out++) *out = (float)(((double)*out - (double)row[i]) * scale);
    }
    return status;
}
