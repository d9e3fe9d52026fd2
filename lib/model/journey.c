/* journey.c - recording a way through the model, planning it, giving it memory. */
#include <string.h>

#include "model/model.h"
#include "penalty/jacobian.h"

void aenc_journey_free(aenc_context *ctx, struct journey *journey) {
    for (int i = 0; i < journey->run_count; i++) aenc_run_free(ctx, &journey->run[i]);
    aenc_release(ctx, journey->run);
    aenc_plan_free(&journey->plan);
    aenc_tape_free(&journey->tape);
    memset(journey, 0, sizeof *journey);
}

/* The target as the loss sees it: a field of its own, or the input in the output's shape. */
static struct node *record_target(struct aenc_model *model, struct tape *tape, struct node *x, bool own_target) {
    struct shape shape = model->output;
    int64_t factor = model->classes > 0 ? model->classes : model->loss->output_factor;
    if (shape.rank > 0) shape.dim[shape.rank - 1] /= factor;
    struct recorder recorder = {tape, &model->store};
    struct node *own = own_target ? aenc_tape_input(tape, "target", shape.dim, shape.rank) : NULL;
    if (own_target) return model->classes > 0 ? own : aenc_scaling_apply(model, &recorder, own);
    return aenc_op_reshape(tape, x, shape.dim, shape.rank);
}

/* While the model is taught, the target is a teacher's output with its code behind it; where that does not count, it
 * may be of another size, and is not looked at. */
static struct node *record_lesson(struct aenc_model *model, struct recorder *recorder, struct node *output,
                                  struct node *code) {
    struct tape *tape = recorder->tape;
    const double *weight = model->lesson_weight;
    int64_t outputs = model->target_size, codes = weight[1] > 0 ? model->code_size : 0, row = outputs + codes;
    struct node *lesson = aenc_tape_input(tape, "target", &row, 1);
    struct node *target = aenc_op_slice(tape, lesson, 1, 0, outputs), *distance;
    struct shape shape = model->output;
    if (shape.rank > 0) shape.dim[shape.rank - 1] /= model->loss->output_factor;
    target = aenc_op_reshape(tape, aenc_scaling_apply(model, recorder, target), shape.dim, shape.rank);
    struct node *loss =
        target == NULL || output == NULL ? NULL : model->loss->record(tape, model->loss_spec, output, target);
    loss = aenc_op_affine(tape, loss, weight[0], 0);
    if (codes == 0) return loss;
    distance = aenc_op_subtract(tape, aenc_op_flatten(tape, code), aenc_op_slice(tape, lesson, 1, outputs, codes));
    distance = aenc_op_row_mean(tape, aenc_op_function(tape, FUNCTION_SQUARE, 0, distance));
    return aenc_op_add(tape, loss, aenc_op_affine(tape, distance, weight[1], 0));
}

/* One number per row. */
static struct node *record_loss(struct aenc_model *model, struct tape *tape, const struct penalty_site *site,
                                struct node *x, bool own_target) {
    if (model->lesson_weight[0] + model->lesson_weight[1] > 0 && own_target)
        return record_lesson(model, &(struct recorder){tape, &model->store}, site->output, site->code);
    struct node *target = site->output == NULL ? NULL : record_target(model, tape, x, own_target);
    return target == NULL ? NULL : model->loss->record(tape, model->loss_spec, site->output, target);
}

void aenc_journey_pass(struct aenc_model *model, struct recorder *recorder, struct node *x, struct penalty_site *site) {
    const struct json *description = model->description;
    const struct json *encoder = aenc_json_member(description, "encoder"),
                      *decoder = aenc_json_member(description, "decoder");
    x = aenc_corruptions_record(recorder->tape, aenc_json_member(description, "corrupt"), x);
    struct node *code = aenc_layer_record(recorder, "encoder", encoder, x);
    struct node *output = aenc_layer_record(recorder, "decoder", decoder, code);
    *site = (struct penalty_site){recorder, x, code, output, encoder, decoder};
}

static void record_training(struct aenc_model *model, struct journey *journey) {
    struct tape *tape = &journey->tape;
    struct recorder recorder = {tape, &model->store};
    struct penalty_site site;
    struct node *x = aenc_tape_input(tape, "input", model->input.dim, model->input.rank);
    x = aenc_scaling_apply(model, &recorder, x);
    aenc_journey_pass(model, &recorder, x, &site);
    struct node *loss = record_loss(model, tape, &site, x, journey->own_target);
    if (loss == NULL) return;
    aenc_tape_term(tape, model->terms.name[0], loss, 1, NULL);
    aenc_penalties_record(&site, aenc_json_member(model->description, "penalties"));
}

/* One number for each row, also where all rows have the same. */
static struct node *record_jacobian(struct tape *tape, struct node *x, struct node *code) {
    struct node *norm = aenc_jacobian_norm_record(tape, x, code, 0);
    if (norm == NULL || norm->kind == NODE_ROW) return norm;
    return aenc_op_add(tape, aenc_op_affine(tape, aenc_op_uniform(tape, "rows", NULL, 0), 0, 0), norm);
}

static struct node *record_result(struct aenc_model *model, struct journey *journey, enum journey_kind kind) {
    struct tape *tape = &journey->tape;
    struct recorder recorder = {tape, &model->store};
    const struct json *encoder = aenc_json_member(model->description, "encoder");
    const struct json *decoder = aenc_json_member(model->description, "decoder");
    if (kind == JOURNEY_DECODE) {
        struct node *code = aenc_tape_input(tape, "code", model->code.dim, model->code.rank);
        return aenc_scaling_undo(model, &recorder, aenc_layer_record(&recorder, "decoder", decoder, code));
    }
    struct node *x = aenc_tape_input(tape, "input", model->input.dim, model->input.rank);
    x = aenc_scaling_apply(model, &recorder, x);
    struct node *code = aenc_layer_record(&recorder, "encoder", encoder, x);
    if (kind == JOURNEY_ENCODE) return code;
    if (kind == JOURNEY_JACOBIAN) return record_jacobian(tape, x, code);
    struct node *output = aenc_layer_record(&recorder, "decoder", decoder, code);
    if (kind == JOURNEY_RECONSTRUCT || output == NULL) return aenc_scaling_undo(model, &recorder, output);
    const struct penalty_site site = {.input = x, .code = code, .output = output};
    if (kind != JOURNEY_FEATURES) return record_loss(model, tape, &site, x, journey->own_target);
    struct node *target = record_target(model, tape, x, journey->own_target);
    if (target == NULL) return NULL;
    struct node *each = model->loss->each == NULL ? NULL : model->loss->each(tape, model->loss_spec, output, target);
    if (each == NULL)
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "loss '%s' does not split into features", model->loss->name);
    return each;
}

aenc_status aenc_journey_record(aenc_context *ctx, struct aenc_model *model, enum journey_kind kind, int64_t rows,
                                struct journey *journey) {
    bool training = kind == JOURNEY_TRAIN;
    aenc_tape_create(ctx, training ? MODE_TRAIN : MODE_EVALUATE, rows, &journey->tape);
    if (!training) journey->tape.shard_rows[0] = rows;
    if (training)
        record_training(model, journey);
    else
        journey->result = record_result(model, journey, kind);
    if (journey->tape.status != AENC_OK) return journey->tape.status;
    aenc_tape_output(&journey->tape, journey->result);
    return aenc_plan_create(&journey->tape, training, &journey->plan);
}

/* Inference has one run per worker, each with memory of its own. */
static aenc_status journey_runs(struct aenc_model *model, enum journey_kind kind, struct journey *journey) {
    int count = kind == JOURNEY_TRAIN ? 1 : aenc_pool_workers(model->ctx->pool);
    journey->run = aenc_alloc(model->ctx, (size_t)count, sizeof *journey->run);
    if (journey->run == NULL) return AENC_ERR_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        struct run *run = &journey->run[i];
        aenc_status status = aenc_run_create(model->ctx, &journey->plan, run);
        if (status != AENC_OK) return status;
        journey->run_count++;
        run->seed = model->ctx->seed;
    }
    return AENC_OK;
}

/* The store's blocks as they are now: a write while runners refer to them moves them. */
static void journey_blocks(const struct aenc_model *model, const struct journey *journey) {
    for (int i = 0; i < journey->run_count; i++) {
        journey->run[i].block[SLOT_PARAMETER] = model->store.parameter;
        journey->run[i].block[SLOT_STATE] = model->store.state;
    }
}

/* Room for the rows that come rather than for a whole chunk: a row may have megabytes of activations. By doubling,
 * so that calls with ever more rows record few times. */
static int64_t infer_capacity(int64_t rows) {
    int64_t capacity = 1;
    while (capacity < rows && capacity < INFER_ROWS) capacity *= 2;
    return capacity;
}

aenc_status aenc_journey_prepare(struct aenc_model *model, enum journey_kind kind, bool own_target, int64_t rows,
                                 struct journey **out) {
    struct journey *journey = &model->journey[kind][own_target];
    *out = journey;
    if (kind != JOURNEY_TRAIN) rows = infer_capacity(rows);
    journey_blocks(model, journey);
    if (journey->recorded && journey->tape.capacity[0] >= rows) return AENC_OK;
    aenc_journey_free(model->ctx, journey);
    journey->own_target = own_target;
    aenc_status status = aenc_journey_record(model->ctx, model, kind, rows, journey);
    if (status == AENC_OK) status = journey_runs(model, kind, journey);
    journey_blocks(model, journey);
    if (status == AENC_OK)
        journey->recorded = true;
    else
        aenc_journey_free(model->ctx, journey);
    return status;
}
