/* task_record.c - recording a way through the model: what training sees of it, and what inference hands out.
 *
 * The results of one task stand on one tape. Scores are recorded first, the deterministic results behind them; both share the
 * encoder, the bottleneck and the decoder as far as these do not look at what the recording is for.
 */
#include <math.h>
#include <string.h>

#include "model/results.h"
#include "penalty/jacobian.h"

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
    const struct shape shape = aenc_target_shape(model);
    struct node *own = own_target ? aenc_tape_input(tape, "target", shape.dim, shape.rank) : NULL;
    if (own_target) return aenc_site_spread(site, model->classes > 0 ? own : aenc_scaling_apply(model, site, own));
    struct node *target = aenc_op_reshape(tape, site->target != NULL ? site->target : x, shape.dim, shape.rank);
    return aenc_site_spread(site, target);
}

/* While the model is taught, the target is a teacher's output, and the field `code` its code; where that does not count,
 * it may be of another size, and is not looked at. */
static struct node *record_distillation(struct aenc_model *model, struct site *site) {
    struct tape *tape = site->tape;
    const double *weight = model->taught;
    const struct shape shape = aenc_target_shape(model);
    struct node *target = aenc_tape_input(tape, "target", &model->target_size, 1);
    target = aenc_op_reshape(tape, aenc_scaling_apply(model, site, target), shape.dim, shape.rank);
    struct node *loss = aenc_loss_record(site, model->loss_spec, site->output, aenc_site_spread(site, target));
    loss = aenc_op_affine(tape, loss, weight[0], 0);
    if (!(weight[1] > 0)) return loss;
    struct node *teachers = aenc_tape_input(tape, "code", &model->code_size, 1);
    teachers = aenc_site_spread(site, teachers);
    struct node *distance = aenc_op_subtract(tape, aenc_op_flatten(tape, site->code), teachers);
    distance = aenc_op_row_mean(tape, aenc_op_function(tape, FUNCTION_SQUARE, 0, distance));
    return aenc_op_add(tape, loss, aenc_op_affine(tape, distance, weight[1], 0));
}

/* One number for each code. x: the input in the units of the layers, before corruption. */
static struct node *record_loss(struct aenc_model *model, struct site *site, struct node *x, bool own_target) {
    if (model->taught != NULL && own_target) return record_distillation(model, site);
    struct node *target = site->output == NULL ? NULL : record_target(model, site, x, own_target);
    struct node *loss = aenc_loss_record(site, model->loss_spec, site->output, target);
    aenc_bottleneck_objective(site, aenc_json_member(model->description, "bottleneck"), loss);
    return loss;
}

/* Of what each code of a row has: the mean, for each row. */
static struct node *mean_of_codes(struct tape *tape, struct node *n) {
    if (n == NULL || n->kind != NODE_ROW || n->space == 0) return n;
    return aenc_op_reduce(tape, REDUCE_MEAN, aenc_op_unfold(tape, n, tape->factor[n->space]), 1, false);
}

/* ---- The way through the model ---- */

enum part { ENCODER, BOTTLENECK, DECODER, PART_COUNT };

static struct node *part_record(const struct aenc_model *model, struct site *site, enum part part, struct node *x) {
    if (part == ENCODER) return aenc_layer_record(site, "encoder", site->encoder, x);
    if (part == DECODER) return aenc_layer_record(site, "decoder", site->decoder, x);
    return aenc_bottleneck_record(site, aenc_json_member(model->description, "bottleneck"), x);
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
    site.input = aenc_corruptions_record(&site, aenc_json_member(model->description, "corrupt"), x);
    site.code = part_record(model, &site, BOTTLENECK, part_record(model, &site, ENCODER, site.input));
    site.output = part_record(model, &site, DECODER, site.code);
    if (tape->status == AENC_OK && declared != NULL) tape->status = declared(model, &site);
    struct node *loss = tape->status == AENC_OK ? record_loss(model, &site, x, own_target) : NULL;
    objective_first(tape, loss);
    aenc_penalties_record(&site, aenc_json_member(model->description, "penalties"));
    if (tape->status != AENC_OK) return;
    if (declared != NULL)
        tape->status = aenc_players_declare(model, &site);
    else
        aenc_players_choose(model, tape);
}

/* ---- Results ---- */

/* One number for each row, also where all rows have the same. */
static struct node *record_jacobian(struct tape *tape, struct node *x, struct node *code) {
    struct node *norm = aenc_jacobian_norm_record(tape, x, code, 0);
    if (norm == NULL || norm->kind == NODE_ROW) return norm;
    return aenc_op_add(tape, aenc_op_affine(tape, aenc_op_uniform(tape, "rows", NULL, 0), 0, 0), norm);
}

/* The term with its weight: of each row of the batch, or of the batch. */
static struct node *weighted(struct tape *tape, const struct term *term) {
    return aenc_op_affine(tape, mean_of_codes(tape, term->node), term->weight, 0);
}

/* The objective of each row: the reconstruction and what has been recorded row by row as its terms. Terms of the batch as
 * a whole would make a row's score depend on the rows beside it: they are of validation alone. */
static struct node *record_score(const struct aenc_model *model, struct site *site, struct node *loss, bool whole) {
    struct tape *tape = site->tape;
    for (size_t i = 0; i < tape->term_count && loss != NULL; i++) {
        const struct term *term = &tape->term[i];
        if (term->role == TERM_OBJECTIVE && (whole || term->node->kind == NODE_ROW) &&
            !aenc_term_of_player(model, term->name))
            loss = aenc_op_add(tape, loss, weighted(tape, term));
    }
    return loss;
}

/* -log of the weight of the draw. */
static struct node *record_weight(const struct aenc_model *model, struct site *site, struct node *loss) {
    if (site->log_ratio != NULL || site->tape->status != AENC_OK)
        return aenc_op_subtract(site->tape, loss, site->log_ratio);
    const struct json *bottleneck = aenc_json_member(model->description, "bottleneck");
    aenc_tape_fail(site->tape, AENC_ERR_UNSUPPORTED, "bottleneck '%s' has no density: log p(x) cannot be estimated",
                   bottleneck == NULL ? "plain" : aenc_settings_type(bottleneck));
    return NULL;
}

/* The next term of that name, from *at on, that scoring has; NULL: none. */
static const struct term *term_next(const struct tape *tape, const char *name, size_t *at) {
    for (size_t i = *at; i < tape->term_count; i++) {
        const struct term *term = &tape->term[i];
        if (term->role == TERM_TRAINING || strcmp(term->name, name) != 0) continue;
        *at = i + 1;
        return term;
    }
    return NULL;
}

/* (rows, 1 + terms): the objective of validation, then the model's terms in their order. What is one for the batch is
 * that of the rows which go through at a time. */
static struct node *record_terms(const struct aenc_model *model, struct site *site, struct node *loss) {
    const struct terms *terms = &model->terms;
    struct tape *tape = site->tape;
    const int64_t one = 1;
    struct node **column = aenc_arena_alloc(&tape->arena, terms->count + 1, sizeof *column);
    if (column == NULL) tape->status = AENC_ERR_NO_MEMORY;
    if (tape->status != AENC_OK) return NULL;
    struct node *zero = aenc_op_affine(tape, loss, 0, 0);
    size_t at = 0;
    for (size_t i = 0; i <= terms->count; i++) {
        const struct term *term =
            i < 2 || terms->role[i - 1] == TERM_TRAINING ? NULL : term_next(tape, terms->name[i - 1], &at);
        struct node *n = i == 0         ? record_score(model, site, loss, true)
                         : i == 1       ? loss
                         : term == NULL ? aenc_op_affine(tape, zero, 0, NAN)
                                        : aenc_op_add(tape, zero, weighted(tape, term));
        column[i] = aenc_op_reshape(tape, n, &one, 1);
    }
    return tape->status != AENC_OK ? NULL : aenc_op_concat(tape, column, (int)terms->count + 1, 1);
}

/* The way through the model as one aim has it. What another aim has recorded stands where the aim was not looked at. */
struct way {
    struct aenc_model *model;
    struct site site;
    struct node *x; /* scaled; NULL until it is needed */
    struct way_part {
        struct node *in, *out;            /* out NULL: nothing yet */
        bool by_aim;                      /* of another aim it may be another */
        const struct site_result *before; /* what had a name when it began */
    } part[PART_COUNT];
};

static struct node *way_part(struct way *way, enum part part, struct node *in) {
    struct way_part *p = &way->part[part];
    if (p->out != NULL && p->in == in && !p->by_aim) return p->out;
    if (p->out != NULL) way->site.result = p->before;
    for (int later = (int)part; later < PART_COUNT; later++) way->part[later].out = NULL;
    *p = (struct way_part){.in = in, .before = way->site.result};
    way->site.aim_read = false;
    p->out = part_record(way->model, &way->site, part, in);
    p->by_aim = way->site.aim_read;
    return p->out;
}

static struct node *way_input(struct way *way) {
    const struct aenc_model *model = way->model;
    if (way->x != NULL) return way->x;
    struct node *input = aenc_tape_input(way->site.tape, "input", model->input.dim, model->input.rank);
    way->x = aenc_scaling_apply(way->model, &way->site, input);
    return way->x;
}

/* Encoder and bottleneck, if they are wanted. */
static struct node *way_code(struct way *way) {
    struct site *site = &way->site;
    site->input = way_input(way);
    if (site->aim == SITE_SCORE)
        site->input = aenc_corruptions_record(site, aenc_json_member(way->model->description, "corrupt"), site->input);
    site->code = NULL;
    site->code = way_part(way, BOTTLENECK, way_part(way, ENCODER, site->input));
    return site->code;
}

static struct node *way_output(struct way *way) {
    way->site.output = way_part(way, DECODER, way->site.code);
    return way->site.output;
}

/* Whether the key wants a result from `low` to `high`. */
static bool wants(const struct task_key *key, enum result low, enum result high) {
    for (int i = 0; i < key->count; i++)
        if (key->wanted[i] >= (int)low && key->wanted[i] <= (int)high) return true;
    return false;
}

/* Score, features and reconstruction: the objective of evaluation. */
static void record_scores(struct way *way, struct task *task) {
    struct aenc_model *model = way->model;
    struct site *site = &way->site;
    struct node *loss = NULL;
    bool own_target = task->key.own_target;
    site->aim = SITE_SCORE;
    site->one_draw = task->key.weighs;
    way_code(way);
    way_output(way);
    for (int i = 0; i < task->key.count; i++) {
        int wanted = task->key.wanted[i];
        if (loss == NULL && wanted != RESULT_FEATURES && aenc_result_compares(wanted))
            loss = mean_of_codes(&task->tape, record_loss(model, site, way->x, own_target));
        if (wanted == RESULT_RECONSTRUCTION) task->result[i] = loss;
        if (wanted == RESULT_SCORE) {
            task->result[i] = task->key.weighs  ? record_weight(model, site, loss)
                              : task->key.terms ? record_terms(model, site, loss)
                                                : record_score(model, site, loss, false);
        }
        if (wanted == RESULT_FEATURES)
            task->result[i] =
                mean_of_codes(&task->tape, aenc_loss_each(site, model->loss_spec, site->output,
                                                          record_target(model, site, way->x, own_target)));
    }
}

/* A result that a bottleneck or a layer has named. */
static struct node *record_named(const struct way *way, const struct result_spec *spec) {
    struct tape *tape = way->site.tape;
    struct node *n = tape->status == AENC_OK ? aenc_site_result_find(&way->site, spec->name) : NULL;
    if (n == NULL)
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "result '%s' is named in training alone", spec->name);
    else if (n->kind != NODE_ROW || n->space != 0)
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "result '%s' is not one for each row", spec->name);
    return n;
}

/* Values from the likelihood, in the units of the data. */
static struct node *record_draw(struct way *way) {
    const struct shape row = aenc_target_shape(way->model);
    struct node *drawn = aenc_loss_draw(&way->site, way->model->loss_spec, way->site.output, &row);
    return aenc_scaling_undo_target(way->model, &way->site, drawn);
}

/* Codes from the prior. */
static struct node *record_prior(struct way *way) {
    const struct aenc_model *model = way->model;
    struct node *temperature = aenc_tape_step_value(way->site.tape, "temperature", 0);
    const struct json *spec = aenc_json_member(model->description, "bottleneck");
    return aenc_bottleneck_sample(&way->site, spec, &model->code, temperature);
}

/* The others. */
static void record_results(struct way *way, struct task *task) {
    struct aenc_model *model = way->model;
    struct tape *tape = way->site.tape;
    const struct task_key *key = &task->key;
    bool encodes = wants(key, RESULT_CODE, RESULT_CODE) || wants(key, RESULT_JACOBIAN, RESULT_JACOBIAN);
    bool decodes = wants(key, RESULT_OUTPUT, RESULT_OUTPUT) || wants(key, RESULT_DRAW, RESULT_DRAW);
    for (int i = 0; i < key->count; i++) {
        if (key->wanted[i] < RESULT_NAMED) continue;
        bool behind = model->result[key->wanted[i]].behind_code;
        encodes = encodes || !behind;
        decodes = decodes || behind;
    }
    way->site.aim = SITE_RESULT;
    way->site.one_draw = false;
    struct node *code = NULL, *output = NULL;
    if (key->from_prior)
        way->site.code = code = record_prior(way);
    else if (encodes || (decodes && !key->from_code))
        code = way_code(way);
    if (decodes && key->from_code) way->site.code = aenc_tape_input(tape, "code", model->code.dim, model->code.rank);
    if (decodes) output = way_output(way);
    for (int i = 0; i < key->count; i++) {
        int wanted = key->wanted[i];
        if (wanted == RESULT_CODE) task->result[i] = code;
        if (wanted == RESULT_OUTPUT) task->result[i] = aenc_scaling_undo(model, &way->site, output);
        if (wanted == RESULT_JACOBIAN) task->result[i] = record_jacobian(tape, way->x, code);
        if (wanted == RESULT_DRAW) task->result[i] = record_draw(way);
        if (wanted >= RESULT_NAMED) task->result[i] = record_named(way, &model->result[wanted]);
    }
}

void aenc_task_results_record(struct aenc_model *model, struct task *task) {
    const struct task_key *key = &task->key;
    struct way way = {.model = model, .site = site_for(model, &task->tape, SITE_SCORE)};
    if (wants(key, RESULT_SCORE, RESULT_RECONSTRUCTION)) record_scores(&way, task);
    record_results(&way, task);
    for (int i = 0; i < key->count; i++) aenc_tape_output(&task->tape, task->result[i]);
}
