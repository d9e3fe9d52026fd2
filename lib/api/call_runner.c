/* call_runner.c - creating, feeding and refreshing runners. */
#include "api/call_results.h"
#include "io/bytes.h"
#include "io/message_text.h"

enum { ROWS_MAX = INT32_MAX };

/* What the options ask for. */
struct request {
    struct task_key key;
    int field[FIELDS_MAX]; /* that every run has; none: not said */
    size_t field_count;
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

/* A list of names in place of task: numbers, none twice; of so many at most. */
typedef int named(const struct named_call *call, const char *name);
static aenc_status names_read(const struct named_call *call, const char *list, const char *const *names, size_t count,
                              int *out, named *number) {
    aenc_status status = aenc_list_check(call, list, names, count, RESULTS_WANTED);
    for (size_t i = 0; i < count && status == AENC_OK; i++) {
        if (names[i] == NULL)
            return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s.%ss%s is NULL", call->call, list, aenc_at(i).text);
        out[i] = number(call, names[i]);
        if (out[i] < 0) return AENC_ERR_ARGUMENT;
        for (size_t k = 0; k < i; k++)
            if (out[k] == out[i])
                return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s.%ss has '%s' twice", call->call, list,
                                 aenc_quoted(names[i]).text);
    }
    return status;
}

static bool among(const struct request *request, int field) {
    for (size_t i = 0; i < request->field_count; i++)
        if (request->field[i] == field) return true;
    return false;
}

static aenc_status results_wanted(aenc_model *model, const aenc_runner_options *o, struct request *out) {
    const struct named_call call = {model->ctx, model, "aenc_runner_options"};
    struct result_room room[RESULTS_WANTED];
    int wanted[RESULTS_WANTED];
    if (o->task != 0 || o->result_count == 0)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.%s is %lld beside results",
                         o->task != 0 ? "task" : "result_count", (long long)o->task);
    aenc_status status = names_read(&call, "result", o->results, o->result_count, wanted, aenc_result_named);
    if (status == AENC_OK) status = names_read(&call, "field", o->fields, o->field_count, out->field, aenc_field_named);
    if (status != AENC_OK) return status;
    for (size_t i = 0; i < o->result_count; i++) room[i].result = wanted[i];
    out->field_count = o->field_count;
    bool compares = aenc_results_key(room, (int)o->result_count, &out->key), declared = o->field_count > 0;
    out->key.from_code = !among(out, FIELD_INPUT) && among(out, FIELD_CODE);
    out->key.own_target = compares && (declared ? among(out, FIELD_TARGET) : !aenc_target_optional(model));
    return AENC_OK;
}

static aenc_status request_read(aenc_model *model, const aenc_runner_options *options, struct request *out) {
    aenc_runner_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_runner_options", options, sizeof o, &o);
    if (status != AENC_OK) return status;
    *out = (struct request){.rows = o.rows == 0 ? 1 : o.rows, .memory = o.memory, .memory_size = o.memory_size};
    if (o.results != NULL || o.result_count > 0)
        status = results_wanted(model, &o, out);
    else if (o.fields != NULL || o.field_count > 0)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.fields is given without results");
    else
        status = task_read(model->ctx, o.task, &out->key);
    if (status != AENC_OK) return status;
    if (o.rows < 0 || o.rows > ROWS_MAX)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.rows is %lld, must be from 0 to %d",
                         (long long)o.rows, (int)ROWS_MAX);
    if (o.memory == NULL && o.memory_size != 0)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_runner_options.memory is NULL, and memory_size is %zu",
                         o.memory_size);
    return AENC_OK;
}

static aenc_status runner_size(aenc_model *model, const aenc_runner_options *options, size_t *bytes) {
    struct request request;
    aenc_status status = request_read(model, options, &request);
    return status == AENC_OK ? aenc_runner_bytes(model, &request.key, request.rows, bytes) : status;
}

aenc_status aenc_runner_size(aenc_model *model, const aenc_runner_options *options, size_t *bytes) {
    struct call call = {.held = {.model = model}};
    if (bytes == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_runner_size", "bytes");
    *bytes = 0;
    aenc_status status = aenc_call_begin(&call, "aenc_runner_size", CALL_COMPARES);
    if (status == AENC_OK) status = runner_size(model, options, bytes);
    return aenc_call_end(&call, status);
}

/* Whether every field that the task reads is among those that are given with each run. */
static aenc_status fields_declared(const aenc_runner *runner, const struct request *request) {
    const struct task *task = &runner->task;
    for (size_t k = 0; k < task->tape.field_count && request->field_count > 0; k++)
        if (!among(request, task->field[k]))
            return aenc_fail(runner->model->ctx, AENC_ERR_ARGUMENT,
                             "aenc_runner_options.fields lacks '%s', which the results need", task->tape.field[k].name);
    return AENC_OK;
}

static aenc_status runner_create(aenc_model *model, const aenc_runner_options *options, aenc_runner **out) {
    struct request request;
    aenc_runner *runner;
    aenc_status status = request_read(model, options, &request);
    if (status == AENC_OK)
        status = aenc_runner_make(model, &request.key, request.rows, request.memory, request.memory_size, &runner);
    if (status != AENC_OK) return status;
    status = fields_declared(runner, &request);
    if (status == AENC_OK)
        *out = runner;
    else
        aenc_runner_end(runner);
    return status;
}

aenc_status aenc_runner_create(aenc_model *model, const aenc_runner_options *options, aenc_runner **out) {
    struct call call = {.held = {.model = model}};
    if (out == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_runner_create", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_runner_create", CALL_COMPARES);
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

static aenc_status runner_busy(aenc_runner *runner, const char *call) {
    if (!runner->running) return AENC_OK;
    return aenc_fail(&runner->context, AENC_ERR_BUSY,
                     "%s: the runner is in the middle of a run, which called this back", call);
}

/* The task on a batch that has been checked, its fields apart. */
static aenc_status batch_run(aenc_runner *runner, struct batch *batch, const struct result_room *room) {
    const struct task *task = &runner->task;
    if (task->key.own_target && !aenc_batch_has(batch, FIELD_TARGET) && aenc_target_optional(runner->model))
        batch->column[FIELD_TARGET] = batch->column[FIELD_INPUT];
    aenc_status status = aenc_task_fields_check(&runner->context, task, batch);
    if (status != AENC_OK) return status;
    runner->running = true;
    status = aenc_runner_infer(runner, batch, room);
    runner->running = false;
    if (runner->freed) aenc_runner_end(runner);
    return status;
}

aenc_status aenc_runner_run(aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target, float *out,
                            size_t out_floats) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (runner == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = runner_busy(runner, "aenc_runner_run");
    if (status == AENC_OK && runner->task.key.count != 1)
        status = aenc_fail(&runner->context, AENC_ERR_ARGUMENT,
                           "aenc_runner_run: the runner has several results; aenc_runner_run_arrays takes them");
    if (status == AENC_OK) status = data_check(runner, x, target);
    if (status != AENC_OK) return status;
    const size_t row_size = (size_t)aenc_node_row_size(runner->task.result[0]);
    const struct result_room room = {runner->task.key.wanted[0], out, (int64_t)row_size};
    status = aenc_room_check(&runner->context, "aenc_runner_run", out, out_floats, x->rows, row_size);
    if (status != AENC_OK) return status;
    struct batch *batch = &runner->batch; /* without the other fields */
    const struct rows input = aenc_rows_of(x), compared = aenc_rows_of(target);
    batch->count = input.count;
    aenc_batch_set(batch, runner->task.field[0] == FIELD_CODE ? FIELD_CODE : FIELD_INPUT, &input);
    aenc_batch_set(batch, FIELD_TARGET, &compared);
    return batch_run(runner, batch, &room);
}

/* Whether they are those that the runner gives; sorts them as its task has them. */
static aenc_status rooms_check(const struct named_call *call, const struct task_key *key, struct results *results) {
    const struct result_spec *spec = call->model->result;
    struct task_key given;
    aenc_results_key(results->room, results->count, &given);
    for (int i = 0; i < key->count || i < given.count; i++) {
        bool more = i < given.count && (i == key->count || given.wanted[i] < key->wanted[i]);
        if (more)
            return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: the runner was not made for result '%s'", call->call,
                             spec[given.wanted[i]].name);
        if (i == given.count || given.wanted[i] != key->wanted[i])
            return aenc_fail(call->ctx, AENC_ERR_ARGUMENT, "%s: there is no room for result '%s'", call->call,
                             spec[key->wanted[i]].name);
    }
    return AENC_OK;
}

static aenc_status arrays_run(aenc_runner *runner, const aenc_array *const *in, size_t in_count,
                              const aenc_array *const *out, size_t out_count) {
    const struct named_call call = {&runner->context, runner->model, "aenc_runner_run_arrays"};
    struct batch batch;
    struct results results;
    aenc_status status = runner_busy(runner, call.call);
    if (status == AENC_OK) status = aenc_call_fields(&call, in, in_count, &batch);
    if (status == AENC_OK) status = aenc_call_results(&call, out, out_count, &results);
    if (status == AENC_OK && batch.count == 0)
        status = aenc_fail(call.ctx, AENC_ERR_ARGUMENT, "%s: no field is given", call.call);
    if (status == AENC_OK) status = aenc_result_rows_check(&call, &batch, &results);
    if (status == AENC_OK) status = rooms_check(&call, &runner->task.key, &results);
    if (status == AENC_OK) status = aenc_fields_check_values(call.ctx, call.model, &batch, results.compares, 0);
    return status == AENC_OK ? batch_run(runner, &batch, results.room) : status;
}

aenc_status aenc_runner_run_arrays(aenc_runner *runner, const aenc_array *const *in, size_t in_count,
                                   const aenc_array *const *out, size_t out_count) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    return runner == NULL ? AENC_ERR_ARGUMENT : arrays_run(runner, in, in_count, out, out_count);
}
