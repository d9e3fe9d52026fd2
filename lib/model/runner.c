/* runner.c - inference in memory of its own: one recorded task, one run, the weights as they were.
 *
 * Everything that a runner allocates goes through its private context, which hands out the caller's block from one
 * end to the other, or passes the request on to the model's context and counts what a block would have needed.
 * Either way only the youngest allocation can be given back, so that both count the same.
 */
#include <string.h>

#include "model/model.h"

enum { ALIGNMENT = 64 };

static size_t rounded(size_t size) { return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* ---- Memory ---- */

static void *memory_allocate(void *user, size_t size, size_t alignment) {
    struct runner_memory *memory = user;
    void *taken = NULL;
    if (size > PTRDIFF_MAX - memory->used - ALIGNMENT) return NULL;
    if (memory->block == NULL)
        taken = memory->ctx->allocate(memory->ctx->allocator_user, size, alignment);
    else if (rounded(size) <= memory->size - memory->used)
        taken = memory->block + memory->used;
    if (taken == NULL) return NULL;
    memory->last = taken;
    memory->used += rounded(size);
    if (memory->used > memory->most) memory->most = memory->used;
    return taken;
}

static void memory_release(void *user, void *block, size_t size, size_t alignment) {
    struct runner_memory *memory = user;
    if (block == memory->last) {
        memory->used -= rounded(size);
        memory->last = NULL;
    }
    if (memory->block == NULL) memory->ctx->release(memory->ctx->allocator_user, block, size, alignment);
}

/* The runner itself stands in front. */
static const size_t front = (sizeof(struct aenc_runner) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

/* NULL where the block is too small, or the context refused. */
static struct aenc_runner *runner_place(struct aenc_model *model, char *block, size_t size) {
    size_t skipped = (ALIGNMENT - (uintptr_t)block % ALIGNMENT) % ALIGNMENT;
    if (block != NULL && (size < skipped || size - skipped < front)) return NULL;
    struct aenc_runner *runner =
        block == NULL ? aenc_alloc_raw(model->ctx, 1, sizeof *runner) : (void *)(block + skipped);
    if (runner == NULL) return NULL;
    memset(runner, 0, sizeof *runner);
    runner->memory.ctx = model->ctx;
    if (block != NULL) runner->memory.block = block + skipped + front;
    runner->memory.size = block == NULL ? 0 : size - skipped - front;
    atomic_init(&runner->context.references, 1);
    runner->context.allocate = memory_allocate;
    runner->context.release = memory_release;
    runner->context.allocator_user = &runner->memory;
    runner->context.seed = model->seed;
    runner->context.plugins = model->ctx->plugins;
    return runner;
}

/* ---- Life ---- */

static aenc_status runner_record(struct aenc_runner *runner, struct aenc_model *model, const struct task_key *key,
                                 int64_t rows) {
    struct task *task = &runner->task;
    aenc_status status = aenc_task_record(&runner->context, model, key, rows, task);
    if (status == AENC_OK) status = aenc_run_create(&runner->context, &task->plan, &runner->run);
    if (status != AENC_OK) return status;
    runner->rows = rows;
    runner->run.gemm = aenc_kernels()->product->product;
    runner->run.seed = model->seed;
    runner->run.failure = &task->failure;
    runner->context.message[0] = '\0';
    runner->model = model;
    aenc_model_retain(model);
    aenc_runner_adopt(runner);
    return AENC_OK;
}

/* Gives memory back that is not in a block; the model stays. */
static void runner_clear(struct aenc_runner *runner, aenc_context *ctx) {
    aenc_run_free(&runner->context, &runner->run);
    aenc_task_free(&runner->context, &runner->task);
    if (runner->memory.block == NULL) aenc_release(ctx, runner);
}

aenc_status aenc_runner_bytes(struct aenc_model *model, const struct task_key *key, int64_t rows, size_t *out) {
    struct aenc_runner *runner;
    aenc_status status = aenc_runner_make(model, key, rows, NULL, 0, &runner);
    if (status != AENC_OK) return status;
    *out = ALIGNMENT - 1 + front + runner->memory.most;
    aenc_runner_end(runner);
    return AENC_OK;
}

static aenc_status too_small(struct aenc_model *model, const struct task_key *key, int64_t rows, size_t size) {
    size_t needed;
    aenc_status status = aenc_runner_bytes(model, key, rows, &needed);
    if (status != AENC_OK) return status;
    return aenc_fail(model->ctx, AENC_ERR_SHAPE, "aenc_runner_options.memory_size is %zu; %zu are needed", size,
                     needed);
}

aenc_status aenc_runner_make(struct aenc_model *model, const struct task_key *key, int64_t rows, void *block,
                             size_t size, struct aenc_runner **out) {
    struct aenc_runner *runner = runner_place(model, block, size);
    if (runner == NULL) return block == NULL ? AENC_ERR_NO_MEMORY : too_small(model, key, rows, size);
    aenc_status status = runner_record(runner, model, key, rows);
    if (status == AENC_OK) {
        *out = runner;
        return AENC_OK;
    }
    aenc_fail(model->ctx, status, "%s", runner->context.message);
    runner_clear(runner, model->ctx);
    return block != NULL && status == AENC_ERR_NO_MEMORY ? too_small(model, key, rows, size) : status;
}

void aenc_runner_adopt(struct aenc_runner *runner) {
    struct store *store = &runner->model->store;
    struct weights *present = aenc_weights_retain(store->weights);
    aenc_weights_release(store->ctx, runner->weights);
    runner->weights = present;
    runner->run.block[SLOT_PARAMETER] = present->parameter;
    runner->run.block[SLOT_STATE] = present->state;
}

void aenc_runner_end(struct aenc_runner *runner) {
    struct aenc_model *model = runner->model;
    aenc_weights_release(model->ctx, runner->weights);
    runner_clear(runner, model->ctx);
    aenc_model_release(model);
}

/* ---- Use ---- */

aenc_status aenc_runner_infer(struct aenc_runner *runner, const struct batch *batch, const struct result_room *room) {
    for (int64_t first = 0; first < batch->count; first += runner->rows) {
        int64_t left = batch->count - first;
        struct span chunk = {first, left < runner->rows ? batch->count : first + runner->rows};
        aenc_infer_chunk(&runner->task, &runner->run, batch, chunk, room);
    }
    return aenc_task_outcome(&runner->context, &runner->task);
}
