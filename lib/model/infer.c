/* infer.c - rows through a task, chunk by chunk. */
#include "io/message_text.h"
#include "model/model.h"

struct inference {
    const struct task *task;
    const struct batch *batch;
    float *out;
    int64_t row_size; /* of the result */
};

void aenc_infer_chunk(const struct task *task, struct run *run, const struct batch *batch, struct span chunk,
                      float *out) {
    int64_t rows = chunk.hi - chunk.lo, numbers = rows * aenc_node_row_size(task->result);
    aenc_task_bind(task, run, batch, chunk.lo);
    run->live[0] = rows;
    run->first_row = chunk.lo;
    run->weight_total = (double)rows;
    aenc_run_replay(run, NULL);
    const num *value = aenc_value(run, task->result);
    for (int64_t i = 0; i < numbers; i++) out[i] = (float)value[i];
}

static void chunk_task(void *user, int64_t index, int worker) {
    const struct inference *work = user;
    int64_t first = index * work->task->chunk, last = first + work->task->chunk;
    struct span chunk = {first, last < work->batch->count ? last : work->batch->count};
    aenc_infer_chunk(work->task, &work->task->run[worker], work->batch, chunk, work->out + first * work->row_size);
}

aenc_status aenc_model_infer(struct aenc_model *model, enum task_kind kind, const struct batch *batch, float *out) {
    struct task *task;
    aenc_status status = aenc_task_prepare(model, kind, aenc_batch_has(batch, FIELD_TARGET), batch->count, &task);
    if (status == AENC_OK) status = aenc_task_fields_check(model->ctx, task, batch);
    if (status != AENC_OK) return status;
    struct inference work = {task, batch, out, aenc_node_row_size(task->result)};
    aenc_pool_run(model->ctx->pool, (batch->count + task->chunk - 1) / task->chunk, chunk_task, &work);
    return AENC_OK;
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
