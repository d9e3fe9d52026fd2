/* task.c - recording a way through the model, planning it, giving it memory. */
#include <string.h>

#include "model/model.h"
#include "penalty/jacobian.h"

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

static struct site site_for(const struct aenc_model *model, struct tape *tape, enum site_aim aim) {
    const struct json *description = model->description;
    return (struct site){.tape = tape,
                         .store = (struct store *)&model->store,
                         .aim = aim,
                         .field = model->field,
                         .field_count = model->field_count,
                         .encoder = aenc_json_member(description, "encoder"),
                         .decoder = aenc_json_member(description, "decoder")};
}

/* ---- The loss ---- */

/* The target as the loss sees it: a field of its own, or the input in the output's shape. */
static struct node *record_target(struct aenc_model *model, struct site *site, struct node *x, bool own_target) {
    struct tape *tape = site->tape;
    struct shape shape = model->output;
    int64_t factor = model->classes > 0 ? model->classes : model->loss->output_factor;
    if (shape.rank > 0) shape.dim[shape.rank - 1] /= factor;
    struct node *own = own_target ? aenc_tape_input(tape, "target", shape.dim, shape.rank) : NULL;
    if (own_target) return model->classes > 0 ? own : aenc_scaling_apply(model, site, own);
    return aenc_op_reshape(tape, x, shape.dim, shape.rank);
}

/* While the model is taught, the target is a teacher's output, and the field `code` its code; where that does not count,
 * it may be of another size, and is not looked at. */
static struct node *record_distillation(struct aenc_model *model, struct site *site) {
    struct tape *tape = site->tape;
    const double *weight = model->distill_weight;
    struct shape shape = model->output;
    if (shape.rank > 0) shape.dim[shape.rank - 1] /= model->loss->output_factor;
    struct node *target = aenc_tape_input(tape, "target", &model->target_size, 1);
    target = aenc_op_reshape(tape, aenc_scaling_apply(model, site, target), shape.dim, shape.rank);
    struct node *loss = aenc_loss_record(site, model->loss_spec, site->output, target);
    loss = aenc_op_affine(tape, loss, weight[0], 0);
    if (!(weight[1] > 0)) return loss;
    struct node *teachers = aenc_tape_input(tape, "code", &model->code_size, 1);
    struct node *distance = aenc_op_subtract(tape, aenc_op_flatten(tape, site->code), teachers);
    distance = aenc_op_row_mean(tape, aenc_op_function(tape, FUNCTION_SQUARE, 0, distance));
    return aenc_op_add(tape, loss, aenc_op_affine(tape, distance, weight[1], 0));
}

/* One number per row. x: the input in the units of the layers, before corruption. */
static struct node *record_loss(struct aenc_model *model, struct site *site, struct node *x, bool own_target) {
    if (model->distill_weight[0] + model->distill_weight[1] > 0 && own_target) return record_distillation(model, site);
    struct node *target = site->output == NULL ? NULL : record_target(model, site, x, own_target);
    return aenc_loss_record(site, model->loss_spec, site->output, target);
}

/* ---- The way through the model ---- */

/* Encoder and bottleneck, for the site's aim. */
static struct node *record_code(const struct aenc_model *model, struct site *site, struct node *x) {
    const struct json *bottleneck = aenc_json_member(model->description, "bottleneck");
    site->input = x;
    site->code = aenc_bottleneck_record(site, bottleneck, aenc_layer_record(site, "encoder", site->encoder, x));
    return site->code;
}

/* The decoder, behind the code. */
static struct node *record_output(struct site *site) {
    site->output = aenc_layer_record(site, "decoder", site->decoder, site->code);
    return site->output;
}

/* The reconstruction stands in front of what was recorded on the way to it. */
static void objective_first(struct tape *tape, struct node *loss) {
    aenc_tape_objective(tape, "reconstruction", loss, 1, NULL);
    if (tape->status != AENC_OK || loss == NULL) return;
    struct term reconstruction = tape->term[tape->term_count - 1];
    memmove(tape->term + 1, tape->term, (tape->term_count - 1) * sizeof *tape->term);
    tape->term[0] = reconstruction;
}

void aenc_task_train_record(struct aenc_model *model, struct tape *tape, bool own_target, task_declared *declared) {
    struct site site = site_for(model, tape, SITE_TRAIN);
    struct node *x = aenc_tape_input(tape, "input", model->input.dim, model->input.rank);
    x = aenc_scaling_apply(model, &site, x);
    record_code(model, &site, aenc_corruptions_record(&site, aenc_json_member(model->description, "corrupt"), x));
    record_output(&site);
    if (tape->status == AENC_OK && declared != NULL) tape->status = declared(model, &site);
    struct node *loss = tape->status == AENC_OK ? record_loss(model, &site, x, own_target) : NULL;
    objective_first(tape, loss);
    aenc_penalties_record(&site, aenc_json_member(model->description, "penalties"));
}

/* ---- Results ---- */

/* One number for each row, also where all rows have the same. */
static struct node *record_jacobian(struct tape *tape, struct node *x, struct node *code) {
    struct node *norm = aenc_jacobian_norm_record(tape, x, code, 0);
    if (norm == NULL || norm->kind == NODE_ROW) return norm;
    return aenc_op_add(tape, aenc_op_affine(tape, aenc_op_uniform(tape, "rows", NULL, 0), 0, 0), norm);
}

/* The objective of each row: the reconstruction and what has been recorded row by row as its terms. Terms of the batch as
 * a whole would make a row's score depend on the rows beside it. */
static struct node *record_score(struct site *site, struct node *loss) {
    struct tape *tape = site->tape;
    for (size_t i = 0; i < tape->term_count && loss != NULL; i++) {
        const struct term *term = &tape->term[i];
        if (term->role == TERM_OBJECTIVE && term->node->kind == NODE_ROW)
            loss = aenc_op_add(tape, loss, aenc_op_affine(tape, term->node, term->weight, 0));
    }
    return loss;
}

static struct node *record_result(struct aenc_model *model, struct task *task, enum task_kind kind) {
    struct tape *tape = &task->tape;
    struct site site = site_for(model, tape, kind == TASK_SCORE || kind == TASK_FEATURES ? SITE_SCORE : SITE_RESULT);
    if (kind == TASK_DECODE) {
        site.code = aenc_tape_input(tape, "code", model->code.dim, model->code.rank);
        return aenc_scaling_undo(model, &site, record_output(&site));
    }
    struct node *x = aenc_tape_input(tape, "input", model->input.dim, model->input.rank);
    x = aenc_scaling_apply(model, &site, x);
    struct node *code = record_code(model, &site, x);
    if (kind == TASK_ENCODE) return code;
    if (kind == TASK_JACOBIAN) return record_jacobian(tape, x, code);
    struct node *output = record_output(&site);
    if (kind == TASK_RECONSTRUCT) return aenc_scaling_undo(model, &site, output);
    if (kind == TASK_SCORE) return record_score(&site, record_loss(model, &site, x, task->own_target));
    struct node *target = record_target(model, &site, x, task->own_target);
    return aenc_loss_each(&site, model->loss_spec, site.output, target);
}

/* Which of the model's fields each of the tape's is. */
static void fields_find(const struct aenc_model *model, struct task *task) {
    task->spec = model->field;
    for (size_t k = 0; k < task->tape.field_count; k++)
        task->field[k] = aenc_field_find(model->field, model->field_count, task->tape.field[k].name);
}

aenc_status aenc_task_record(aenc_context *ctx, struct aenc_model *model, enum task_kind kind, int64_t rows,
                             struct task *task) {
    bool training = kind == TASK_TRAIN;
    aenc_tape_create(ctx, training ? MODE_TRAIN : MODE_EVALUATE, rows, &task->tape);
    if (!training) task->tape.shard_rows[0] = rows;
    if (training)
        aenc_task_train_record(model, &task->tape, task->own_target, NULL);
    else
        task->result = record_result(model, task, kind);
    if (task->tape.status != AENC_OK) return task->tape.status;
    aenc_tape_output(&task->tape, task->result);
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

/* Inference has one run per worker, each with memory of its own. */
static aenc_status task_runs(struct aenc_model *model, enum task_kind kind, struct task *task) {
    int count = kind == TASK_TRAIN ? 1 : aenc_pool_workers(model->ctx->pool);
    task->run = aenc_alloc(model->ctx, (size_t)count, sizeof *task->run);
    if (task->run == NULL) return AENC_ERR_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        struct run *run = &task->run[i];
        aenc_status status = aenc_run_create(model->ctx, &task->plan, run);
        if (status != AENC_OK) return status;
        task->run_count++;
        run->seed = model->seed;
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
static aenc_status task_make(struct aenc_model *model, enum task_kind kind, int64_t rows, struct task *task) {
    bool own_target = task->own_target;
    aenc_status status = aenc_task_record(model->ctx, model, kind, rows, task);
    int64_t chunk = status == AENC_OK && kind != TASK_TRAIN ? chunk_rows(task) : rows;
    if (status == AENC_OK && chunk < rows) {
        aenc_task_free(model->ctx, task);
        task->own_target = own_target;
        status = aenc_task_record(model->ctx, model, kind, chunk, task);
    }
    task->chunk = chunk;
    return status == AENC_OK ? task_runs(model, kind, task) : status;
}

aenc_status aenc_task_prepare(struct aenc_model *model, enum task_kind kind, bool own_target, int64_t rows,
                              struct task **out) {
    struct task *task = &model->task[kind][own_target];
    *out = task;
    if (kind != TASK_TRAIN) rows = infer_capacity(rows);
    task_blocks(model, task);
    bool whole = kind != TASK_TRAIN && task->tape.capacity[0] == task->chunk;
    if (task->recorded && (whole || task->tape.capacity[0] >= rows)) return AENC_OK;
    aenc_task_free(model->ctx, task);
    task->own_target = own_target;
    aenc_status status = task_make(model, kind, rows, task);
    task_blocks(model, task);
    if (status == AENC_OK)
        task->recorded = true;
    else
        aenc_task_free(model->ctx, task);
    return status;
}
