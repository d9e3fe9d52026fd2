/* call_runner.c - creating, feeding and refreshing runners. */
#include "api/api.h"

enum { ROWS_MAX = INT32_MAX };

/* What the options ask for. */
struct request {
    struct task_key key;
    int64_t rows;
    void *memory;
    size_t memory_size;
};

static aenc_status task_read(aenc_context *ctx, int64_t task, struct task_key *out) {
    switch (task) {
    case AENC_RUN_ENCODE: *out = aenc_task_key(TASK_ENCODE, true); break;
    case AENC_RUN_DECODE: *out = aenc_task_key(TASK_DECODE, true); break;
    case 0:
    case AENC_RUN_RECONSTRUCT: *out = aenc_task_key(TASK_RECONSTRUCT, true); break;
    case AENC_RUN_SCORE: *out = aenc_task_key(TASK_SCORE, true); break;
    case AENC_RUN_SCORE_FEATURES: *out = aenc_task_key(TASK_FEATURES, true); break;
    default:
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.task is %lld, not an AENC_RUN_...",
                         (long long)task);
    }
    return AENC_OK;
}

static aenc_status request_read(aenc_model *model, const aenc_runner_options *options, struct request *out) {
    aenc_runner_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_runner_options", options, sizeof o, &o);
    if (status == AENC_OK) status = task_read(model->ctx, o.task, &out->key);
    if (status != AENC_OK) return status;
    if (o.rows < 0 || o.rows > ROWS_MAX)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.rows is %lld, must be from 0 to %d",
                         (long long)o.rows, (int)ROWS_MAX);
    if (o.memory == NULL && o.memory_size != 0)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.memory is NULL, and memory_size is %zu",
                         o.memory_size);
    out->rows = o.rows == 0 ? 1 : o.rows;
    out->memory = o.memory;
    out->memory_size = o.memory_size;
    return AENC_OK;
}

static aenc_status runner_size(aenc_model *model, const aenc_runner_options *options, size_t *bytes) {
    struct request request;
    aenc_status status = request_read(model, options, &request);
    return status == AENC_OK ? aenc_runner_bytes(model, &request.key, request.rows, bytes) : status;
}

aenc_status aenc_runner_size(aenc_model *model, const aenc_runner_options *options, size_t *bytes) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    struct call call;
    if (bytes == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_runner_size", "bytes");
    *bytes = 0;
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_begin(&call, "aenc_runner_size", CALL_COMPARES, (struct held){.model = model});
    if (status == AENC_OK) status = runner_size(model, options, bytes);
    return aenc_call_end(&call, status);
}

static aenc_status runner_create(aenc_model *model, const aenc_runner_options *options, aenc_runner **out) {
    struct request request;
    aenc_status status = request_read(model, options, &request);
    return status == AENC_OK
               ? aenc_runner_make(model, &request.key, request.rows, request.memory, request.memory_size, out)
               : status;
}

aenc_status aenc_runner_create(aenc_model *model, const aenc_runner_options *options, aenc_runner **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    struct call call;
    if (out == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_runner_create", "out");
    *out = NULL;
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_begin(&call, "aenc_runner_create", CALL_COMPARES, (struct held){.model = model});
    if (status == AENC_OK) status = runner_create(model, options, out);
    return aenc_call_end(&call, status);
}

void aenc_runner_free(aenc_runner *runner) {
    if (runner == NULL) return;
    if (runner->running)
        runner->freed = true;
    else
        aenc_runner_end(runner);
}

aenc_status aenc_runner_refresh(aenc_runner *runner) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (runner == NULL) return AENC_ERR_ARGUMENT;
    if (runner->running) return AENC_ERR_BUSY;
    aenc_status status = aenc_call_check(runner->model->ctx, "aenc_runner_refresh", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    aenc_runner_adopt(runner);
    return AENC_OK;
}

const char *aenc_runner_message(const aenc_runner *runner) {
    return runner == NULL ? "the runner is NULL" : runner->context.message;
}

static aenc_status data_check(aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target) {
    const struct task *task = &runner->task;
    const struct node *input = task->tape.field[0].node;
    if (task->key.own_target)
        return aenc_data_check_in(&runner->context, runner->model, (struct data_names){"x", "target"}, x, target,
                                  false);
    if (target != NULL)
        return aenc_fail(&runner->context, AENC_ERR_ARGUMENT,
                         "target is given; only tasks that score compare with one");
    return aenc_matrix_check(&runner->context, "x", x, (size_t)aenc_node_row_size(input));
}

aenc_status aenc_runner_run(aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target, float *out,
                            size_t out_floats) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (runner == NULL) return AENC_ERR_ARGUMENT;
    if (runner->running)
        return aenc_fail(&runner->context, AENC_ERR_BUSY,
                         "aenc_runner_run: the runner is in the middle of a run, which called "
                         "this back");
    size_t row_size = (size_t)aenc_node_row_size(runner->task.result[0]);
    aenc_status status = data_check(runner, x, target);
    if (status == AENC_OK)
        status = aenc_room_check(&runner->context, "aenc_runner_run", out, out_floats, x->rows, row_size);
    if (status != AENC_OK) return status;
    struct batch batch = aenc_batch_from(x, target);
    if (runner->task.key.own_target && target == NULL) batch.column[FIELD_TARGET] = batch.column[FIELD_INPUT];
    if (runner->task.field[0] == FIELD_CODE) batch.column[FIELD_CODE] = batch.column[FIELD_INPUT];
    status = aenc_task_fields_check(&runner->context, &runner->task, &batch);
    if (status != AENC_OK) return status;
    runner->running = true;
    const struct result_room room = {runner->task.key.wanted[0], out, (int64_t)row_size};
    aenc_runner_infer(runner, &batch, &room);
    runner->running = false;
    if (runner->freed) aenc_runner_end(runner);
    return AENC_OK;
}
