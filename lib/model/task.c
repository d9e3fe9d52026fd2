/* task.c - recording a way through the model, planning it, giving it memory. */
#include <string.h>

#include "model/model.h"

/* Values of a chunk of inference: what a worker needs at most, but for a row that is larger. */
static const size_t CHUNK_BYTES = (size_t)16 << 20;

void aenc_task_free(aenc_context *ctx, struct task *task) {
    for (int i = 0; i < task->run_count; i++) aenc_run_free(ctx, &task->run[i]);
    aenc_release(ctx, task->run);
    aenc_release(ctx, task->weight);
    aenc_plan_free(&task->plan);
    aenc_tape_free(&task->tape);
    memset(task, 0, sizeof *task);
}

/* Which of the model's fields each of the tape's is. */
static void fields_find(const struct aenc_model *model, struct task *task) {
    task->spec = model->field;
    for (size_t k = 0; k < task->tape.field_count; k++)
        task->field[k] = aenc_field_find(model->field, model->field_count, task->tape.field[k].name);
}

aenc_status aenc_task_record(aenc_context *ctx, struct aenc_model *model, const struct task_key *key, int64_t rows,
                             struct task *task) {
    bool training = key->trains;
    task->key = *key;
    aenc_tape_create(ctx, training ? MODE_TRAIN : MODE_EVALUATE, rows, &task->tape);
    task->tape.player = key->player;
    if (!training) task->tape.shard_rows[0] = rows;
    if (training)
        aenc_task_train_record(model, &task->tape, key->own_target, NULL);
    else
        aenc_task_results_record(model, task);
    if (task->tape.status != AENC_OK) return task->tape.status;
    fields_find(model, task);
    return aenc_plan_create(&task->tape, training, &task->plan);
}

aenc_status aenc_task_fields_check(aenc_context *ctx, const struct task *task, const struct batch *batch) {
    for (size_t k = 0; k < task->tape.field_count; k++)
        if (!aenc_batch_has(batch, task->field[k]))
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "field '%s' is needed and was not given",
                             task->tape.field[k].name);
    return AENC_OK;
}

void aenc_task_bind(const struct task *task, struct run *run, const struct batch *batch, int64_t first) {
    for (size_t k = 0; k < task->tape.field_count; k++) {
        int field = task->field[k];
        const struct column *column = &batch->column[field];
        const int64_t *row = aenc_batch_index(batch, field);
        int64_t skipped = row != NULL ? 0 : first * column->stride * (int64_t)aenc_value_bytes(column->type);
        run->binding[k] = (struct binding){.source = (const char *)column->data + skipped,
                                           .stride = column->stride,
                                           .row = row != NULL ? row + first : NULL,
                                           .type = column->type,
                                           .scale = aenc_column_scale(column, &task->spec[field])};
    }
}

aenc_status aenc_task_outcome(aenc_context *ctx, struct task *task) {
    struct run_failure *failure = &task->failure;
    int result = atomic_exchange(&failure->result, 0);
    if (result == 0) return AENC_OK;
    return aenc_fail(ctx, result < 0 ? AENC_ERR_CALLBACK : AENC_ERR_CANCELLED, "%s of operation '%s' in %s returned %d",
                     failure->backward ? "backward" : "forward", failure->node->op->name, failure->node->name, result);
}

/* Inference has one run per worker, each with memory of its own. */
static aenc_status task_runs(struct aenc_model *model, struct task *task) {
    int count = task->key.trains ? 1 : aenc_pool_workers(model->ctx->pool);
    task->run = aenc_alloc(model->ctx, (size_t)count, sizeof *task->run);
    if (task->run == NULL) return AENC_ERR_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        struct run *run = &task->run[i];
        aenc_status status = aenc_run_create(model->ctx, &task->plan, run);
        if (status != AENC_OK) return status;
        task->run_count++;
        run->seed = model->seed;
        run->failure = &task->failure;
        if (!task->key.from_prior) continue;
        run->block[SLOT_STEP] = &task->temperature;
        run->gemm = aenc_kernels()->product->product; /* a row has the same bits whatever rows go with it */
    }
    return AENC_OK;
}

/* The store's blocks as they are now: a write while runners refer to them moves them. */
static void task_blocks(const struct aenc_model *model, const struct task *task) {
    for (int i = 0; i < task->run_count; i++) {
        task->run[i].block[SLOT_PARAMETER] = model->store.parameter;
        task->run[i].block[SLOT_STATE] = model->store.state;
    }
}

/* Room for the rows that come rather than for a whole chunk: a row may have megabytes of activations. By doubling,
 * so that calls with ever more rows record few times. */
static int64_t infer_capacity(int64_t rows) {
    int64_t capacity = 1;
    while (capacity < rows && capacity < INFER_ROWS) capacity *= 2;
    return capacity;
}

/* As many rows of a chunk as fit into CHUNK_BYTES of values; a power of two. */
static int64_t chunk_rows(const struct task *task) {
    size_t row = (size_t)(task->plan.size[SLOT_ACTIVATION] / task->tape.capacity[0]) * sizeof(num);
    int64_t rows = INFER_ROWS;
    while (rows > 1 && row > CHUNK_BYTES / (size_t)rows) rows /= 2;
    return rows;
}

/* Records the task for so many rows; of inference, for a chunk at most. */
static aenc_status task_make(struct aenc_model *model, const struct task_key *key, int64_t rows, struct task *task) {
    aenc_status status = aenc_task_record(model->ctx, model, key, rows, task);
    int64_t chunk = status == AENC_OK && !key->trains ? chunk_rows(task) : rows;
    if (status == AENC_OK && chunk < rows) {
        aenc_task_free(model->ctx, task);
        status = aenc_task_record(model->ctx, model, key, chunk, task);
    }
    task->chunk = chunk;
    return status == AENC_OK ? task_runs(model, task) : status;
}

static bool key_equal(const struct task_key *a, const struct task_key *b) {
    return a->own_target == b->own_target && a->from_code == b->from_code && a->from_prior == b->from_prior &&
           a->weighs == b->weighs && a->terms == b->terms && a->count == b->count &&
           memcmp(a->wanted, b->wanted, (size_t)a->count * sizeof *a->wanted) == 0;
}

/* Where the task of that key is, or will be: in the place of the one that was not used for the longest time. */
static struct task *task_place(struct aenc_model *model, const struct task_key *key) {
    if (key->trains && key->player > 0) return &model->player_task[key->player - 1][key->own_target];
    if (key->trains) return &model->train_task[key->own_target];
    struct task *place = &model->infer_task[0];
    for (int i = 0; i < TASKS_KEPT; i++) {
        struct task *task = &model->infer_task[i];
        if (task->recorded && key_equal(&task->key, key)) return task;
        if (task->used < place->used) place = task;
    }
    aenc_task_free(model->ctx, place);
    return place;
}

aenc_status aenc_task_prepare(struct aenc_model *model, const struct task_key *key, int64_t rows, struct task **out) {
    struct task *task = task_place(model, key);
    *out = task;
    if (!key->trains) rows = infer_capacity(rows);
    task_blocks(model, task);
    task->used = ++model->task_uses;
    bool whole = !key->trains && task->tape.capacity[0] == task->chunk;
    if (task->recorded && (whole || task->tape.capacity[0] >= rows)) return AENC_OK;
    aenc_task_free(model->ctx, task);
    aenc_status status = task_make(model, key, rows, task);
    task_blocks(model, task);
    task->used = model->task_uses;
    task->recorded = status == AENC_OK;
    if (status != AENC_OK) aenc_task_free(model->ctx, task);
    return status;
}
