/* op_check.c - recording, replaying and comparing one case. */
#include "op_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CAPACITY = 7, LIVE = 5, DIRECTIONS = 2, LEAVES = 2 * CASE_LEAVES, NUMBERS = 1024, REPORTED = 4 };
/* Differences are exact in float: every value is a multiple of 2^-14, and so is the step. */
static const double step = 1.0 / 2048;
static const double tolerance = 1e-7;

enum result { RESULT_VALUE, RESULT_TANGENT };
enum company { COMPANY_NONE, COMPANY_BEFORE, COMPANY_AFTER, COMPANY_COUNT };

/* How a case is recorded. */
struct setup {
    int kind[CASE_LEAVES];
    unsigned wanted;      /* bit i: leaf i needs a gradient; directions come behind the case's own leaves */
    enum company company; /* another reader of each leaf */
    enum result result;
    int directions;      /* of the tangent: 0: no such axis */
    bool direction_rows; /* of leaves with rows */
    unsigned still;      /* bit i: leaf i does not move along a direction */
    bool training;
    bool parts; /* shards of two rows, tiles of one index */
};

/* A case, recorded and ready to replay. */
struct rig {
    aenc_context *ctx;
    struct setup setup;
    struct tape tape;
    struct plan plan;
    struct run run;
    int count;
    struct leaf leaf[LEAVES];
    int kind[LEAVES];
    struct node *node[LEAVES];  /* as the case reads it */
    struct node *base[LEAVES];  /* the input or parameter below it */
    int direction[CASE_LEAVES]; /* the leaf that is the direction of each of the case's own; -1: it stays */
    struct node *value, *tangent;
    bool unsupported;                  /* an op on the way has no tangent */
    float source[LEAVES + 1][NUMBERS]; /* by field of the tape */
    num parameter[NUMBERS], gradient[NUMBERS];
    int64_t parameters;
};

/* What is being compared, for messages. */
struct report {
    const struct op_case *c;
    const struct rig *rig;
    FILE *log;
    int mismatches;
};

static void describe(struct report *report, const char *what) {
    if (report->log == NULL || report->mismatches > REPORTED) return;
    const struct setup *s = &report->rig->setup;
    fprintf(report->log, "op '%s', %s: kinds", report->c->op, report->c->label);
    for (int i = 0; i < report->c->leaf_count; i++)
        fputs(s->kind[i] == LEAF_ROW ? " row" : s->kind[i] == LEAF_BATCH ? " batch" : " parameter", report->log);
    fprintf(report->log, ", wanted %#x, company %d, result %d, directions %d%s, %s%s: %s\n", s->wanted, (int)s->company,
            (int)s->result, s->directions, s->direction_rows ? " by row" : "", s->parts ? "in parts" : "whole",
            s->training ? "" : ", inference", what);
}

static void mismatch(struct report *report, const char *what) {
    report->mismatches++;
    describe(report, what);
}

static void compare(struct report *report, const char *what, int leaf, int64_t i, double got, double want) {
    double scale = fmax(1, fmax(fabs(got), fabs(want)));
    if (fabs(got - want) <= tolerance * scale) return;
    char text[256];
    snprintf(text, sizeof text, "%s %d, element %" PRId64 ": got %.10g, want %.10g", what, leaf, i, got, want);
    mismatch(report, text);
}

/* ---- Values ---- */

static uint64_t hash(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* In [low, high], a multiple of 2^-14, well away from multiples of 1/16 (where kinks are), and from the values of
 * leaves of the other parity: sixteenths plus a quarter or three quarters of one, plus a little that keeps values
 * apart. */
static double draw(uint64_t place, int leaf, double low, double high) {
    uint64_t bits = hash(place * 64 + (uint64_t)leaf + 1);
    int64_t first = (int64_t)ceil(low * 16), cells = (int64_t)floor(high * 16) - first;
    double cell = (double)(first + (int64_t)(bits % (uint64_t)cells)) + (leaf % 2 == 0 ? 0.75 : 0.25);
    double little = (double)((int64_t)(bits >> 40) % 128 - 64) / 16384;
    return cell / 16 + little;
}

static int64_t leaf_numbers(const struct rig *rig, int leaf) {
    return aenc_node_row_size(rig->base[leaf]) * (rig->base[leaf]->kind == NODE_ROW ? LIVE : 1);
}

static size_t field_of(const struct rig *rig, const struct node *n) {
    size_t f = 0;
    while (rig->tape.field[f].node != n) f++;
    return f;
}

static double value_get(const struct rig *rig, int leaf, int64_t i) {
    const struct node *base = rig->base[leaf];
    return base->kind == NODE_ROW ? (double)rig->source[field_of(rig, base)][i]
                                  : (double)rig->parameter[base->offset + i];
}

static void value_set(struct rig *rig, int leaf, int64_t i, double value) {
    const struct node *base = rig->base[leaf];
    if (base->kind == NODE_ROW) rig->source[field_of(rig, base)][i] = (float)value;
    else rig->parameter[base->offset + i] = (num)value;
}

/* Directions are halves and ones, so that a step along them is exact. */
static void values_fill(struct rig *rig, int own) {
    for (size_t f = 0; f < rig->tape.field_count; f++)
        for (int64_t i = 0; i < NUMBERS; i++) rig->source[f][i] = (float)draw((uint64_t)i, 40 + (int)f, -1.5, 1.5);
    for (int64_t i = 0; i < NUMBERS; i++) rig->parameter[i] = (num)draw((uint64_t)i, 50, -1.5, 1.5);
    for (int k = 0; k < rig->count; k++) {
        for (int64_t i = 0; i < leaf_numbers(rig, k); i++) {
            double value = draw((uint64_t)i, k, rig->leaf[k].low, rig->leaf[k].high);
            if (k >= own)
                value = (hash((uint64_t)(i * 8 + k)) & 1 ? 1 : -1) * (hash((uint64_t)(i * 8 + k)) & 2 ? 1 : 0.5);
            value_set(rig, k, i, value);
        }
    }
}

/* ---- Recording ---- */

static struct node *parameter(struct rig *rig, const char *name, const struct leaf *leaf, bool trained) {
    struct shape shape = {leaf->rank, {0}};
    memcpy(shape.dim, leaf->dim, sizeof shape.dim);
    struct node *n = aenc_tape_parameter(&rig->tape, name, shape, rig->parameters, trained);
    rig->parameters += aenc_shape_count(&shape);
    return n;
}

static void leaf_record(struct rig *rig, int k, int kind, const struct leaf *leaf) {
    static const char *const names[LEAVES] = {"a", "b", "c", "d", "va", "vb", "vc", "vd"};
    bool wanted = (rig->setup.wanted >> k & 1) != 0;
    rig->leaf[k] = *leaf;
    rig->kind[k] = kind;
    rig->count = k + 1;
    if (kind == LEAF_ROW) {
        rig->base[k] = rig->node[k] = aenc_tape_input(&rig->tape, names[k], leaf->dim, leaf->rank);
        if (rig->base[k] != NULL) rig->base[k]->needs_gradient = wanted;
        return;
    }
    rig->base[k] = rig->node[k] = parameter(rig, names[k], leaf, wanted);
    if (kind == LEAF_BATCH) rig->node[k] = aenc_op_affine(&rig->tape, rig->base[k], 1, 0);
}

/* The direction of each of the case's leaves. */
static void directions_record(struct rig *rig, int own) {
    for (int k = 0; k < own; k++) {
        struct leaf direction = rig->leaf[k];
        rig->direction[k] = (rig->setup.still >> k & 1) != 0 ? -1 : rig->count;
        if (rig->direction[k] < 0) continue;
        int front = rig->setup.directions > 0 ? 1 : 0;
        direction.rank += front;
        direction.dim[0] = rig->setup.directions;
        for (int i = front; i < direction.rank; i++) direction.dim[i] = rig->leaf[k].dim[i - front];
        int kind = rig->kind[k] == LEAF_ROW && rig->setup.direction_rows ? LEAF_ROW : LEAF_PARAMETER;
        leaf_record(rig, rig->count, kind, &direction);
    }
}

/* Forward mode over the nodes of the case, in their order. */
static struct node *tangent_record(struct rig *rig, int own, struct node *y) {
    struct node **tangent = calloc((size_t)y->index + 1, sizeof(struct node *));
    for (int k = 0; k < own && tangent != NULL; k++)
        if (rig->direction[k] >= 0) tangent[rig->node[k]->index] = rig->node[rig->direction[k]];
    for (int i = 0; i <= y->index && tangent != NULL && !rig->unsupported; i++) {
        struct node *n = rig->tape.node[i], *along[OPERANDS_MAX] = {NULL};
        bool some = false;
        for (int k = 0; k < n->in_count; k++) {
            along[k] = tangent[n->in[k]->index];
            some = some || along[k] != NULL;
        }
        if (!some || tangent[i] != NULL) continue;
        if (n->op->tangent == NULL) rig->unsupported = true;
        else tangent[i] = n->op->tangent(&rig->tape, n, along);
    }
    struct node *result = tangent == NULL ? NULL : tangent[y->index];
    free(tangent);
    if (rig->tape.status == AENC_ERR_UNSUPPORTED) rig->unsupported = true;
    return result;
}

static void company_record(struct rig *rig) {
    for (int k = 0; k < rig->count; k++) {
        struct node *square = aenc_op_function(&rig->tape, FUNCTION_SQUARE, 0, rig->node[k]);
        aenc_tape_term(&rig->tape, "company", aenc_op_row_sum(&rig->tape, square), 0.5, NULL);
    }
}

/* The objective: a fixed random combination of everything in y. */
static void objective_record(struct rig *rig, struct node *y) {
    if (y == NULL) return;
    struct leaf like = {.rank = y->shape.rank};
    struct node *weight;
    memcpy(like.dim, y->shape.dim, sizeof like.dim);
    if (y->kind == NODE_ROW) weight = aenc_tape_input(&rig->tape, "w", like.dim + 1, like.rank - 1);
    else weight = parameter(rig, "w", &like, false);
    aenc_tape_term(&rig->tape, "objective", aenc_op_row_sum(&rig->tape, aenc_op_multiply(&rig->tape, y, weight)), 1,
                   NULL);
}

static void record(struct rig *rig, const struct op_case *c) {
    const struct setup *s = &rig->setup;
    aenc_tape_create(rig->ctx, MODE_TRAIN, CAPACITY, &rig->tape);
    for (int k = 0; k < c->leaf_count; k++) leaf_record(rig, k, s->kind[k], &c->leaf[k]);
    if (s->result == RESULT_TANGENT) directions_record(rig, c->leaf_count);
    if (s->company == COMPANY_BEFORE) company_record(rig);
    rig->value = c->build(&rig->tape, rig->node, c);
    if (rig->value != NULL && s->result == RESULT_TANGENT)
        rig->tangent = tangent_record(rig, c->leaf_count, rig->value);
    objective_record(rig, s->result == RESULT_TANGENT ? rig->tangent : rig->value);
    if (s->company == COMPANY_AFTER) company_record(rig);
    aenc_tape_output(&rig->tape, rig->value);
    aenc_tape_output(&rig->tape, rig->tangent);
}

aenc_status op_check_record(aenc_context *ctx, const struct op_case *c, struct tape *tape) {
    struct rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL) abort();
    rig->ctx = ctx;
    for (int k = 0; k < c->leaf_count; k++) rig->setup.kind[k] = c->leaf[k].kinds & -c->leaf[k].kinds;
    record(rig, c);
    aenc_status status = rig->tape.status;
    *tape = rig->tape;
    free(rig);
    return status;
}

/* ---- Planning in parts ---- */

static bool tile_splits(const struct plan *plan, const struct tile *tile) {
    for (int64_t i = 0; i < tile->use_count; i++) {
        const struct use *use = &plan->use[tile->first_use + i];
        if (use->node->in[use->operand] != tile->target) return false; /* through a view: it has another axis 0 */
    }
    return true;
}

/* Tiles of one index each, the last first: what one writes beyond its own then lies in one that is done. */
static aenc_status tiles_split(aenc_context *ctx, struct plan *plan) {
    size_t count = 0, at = 0;
    for (size_t t = 0; t < plan->tile_count; t++) count += (size_t)(plan->tile[t].range.hi - plan->tile[t].range.lo);
    struct tile *tiles = aenc_alloc(ctx, count, sizeof *tiles);
    if (tiles == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t s = 0; s < plan->stage_count; s++) {
        struct plan_stage *stage = &plan->stage[s];
        if (!aenc_stage_of_tiles(stage->kind)) continue;
        int64_t first = (int64_t)at;
        for (int64_t t = stage->first + stage->count - 1; t >= stage->first; t--) {
            const struct tile *tile = &plan->tile[t];
            bool splits = tile_splits(plan, tile);
            for (int64_t i = tile->range.hi; i > tile->range.lo; i = tiles[at++].range.lo) {
                tiles[at] = *tile;
                if (splits) tiles[at].range = (struct span){i - 1, i};
            }
        }
        stage->first = first;
        stage->count = (int64_t)at - first;
    }
    aenc_release(ctx, plan->tile);
    plan->tile = tiles;
    plan->tile_count = plan->tile_capacity = at;
    return AENC_OK;
}

static aenc_status plan_parts(struct rig *rig) {
    for (int s = 0; s < rig->tape.space_count; s++) rig->plan.shard_rows[s] = 2;
    rig->plan.size[SLOT_ACTIVATION] = rig->plan.size[SLOT_GRADIENT] = rig->plan.size[SLOT_WORKER] = 0;
    rig->plan.part_size = 0;
    aenc_status status = aenc_plan_memory(&rig->tape, &rig->plan);
    return status == AENC_OK ? tiles_split(rig->ctx, &rig->plan) : status;
}

/* ---- The rig ---- */

static void rig_free(struct rig *rig) {
    if (rig == NULL) return;
    if (rig->run.plan != NULL) aenc_run_free(rig->ctx, &rig->run);
    aenc_plan_free(&rig->plan);
    aenc_tape_free(&rig->tape);
    free(rig);
}

/* NULL after a mismatch was reported. */
static struct rig *rig_create(aenc_context *ctx, const struct op_case *c, const struct setup *setup,
                              struct report *report) {
    struct rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL) abort();
    rig->ctx = ctx;
    rig->setup = *setup;
    report->rig = rig;
    record(rig, c);
    if (rig->unsupported) return rig;
    aenc_status status = aenc_plan_create(&rig->tape, setup->training, &rig->plan);
    if (status == AENC_OK && setup->parts) status = plan_parts(rig);
    if (status == AENC_OK) status = aenc_run_create(ctx, &rig->plan, &rig->run);
    if (status != AENC_OK) {
        mismatch(report, ctx->message);
        rig_free(rig);
        return NULL;
    }
    rig->run.block[SLOT_PARAMETER] = rig->parameter;
    rig->run.block[SLOT_PARAMETER_GRADIENT] = rig->gradient;
    rig->run.live[0] = LIVE;
    rig->run.weight_total = LIVE;
    rig->run.seed = 7;
    for (size_t f = 0; f < rig->tape.field_count; f++)
        rig->run.binding[f] = (struct binding){.source = rig->source[f], .stride = aenc_node_row_size(rig->tape.field[f].node)};
    values_fill(rig, c->leaf_count);
    return rig;
}

static void garbage(num *block, int64_t count) {
    for (int64_t i = 0; i < count; i++) block[i] = (num)NAN;
}

static double rig_replay(struct rig *rig) {
    garbage(rig->run.block[SLOT_ACTIVATION], rig->plan.size[SLOT_ACTIVATION]);
    garbage(rig->run.block[SLOT_GRADIENT], rig->plan.size[SLOT_GRADIENT]);
    garbage(rig->run.block[SLOT_WORKER], rig->plan.size[SLOT_WORKER] * rig->run.worker_blocks);
    garbage(rig->run.part, rig->plan.part_size);
    garbage(rig->gradient, NUMBERS);
    aenc_run_replay(&rig->run, NULL);
    double sum = 0;
    for (size_t i = 0; i < rig->tape.term_count; i++) sum += aenc_run_term(&rig->run, &rig->tape.term[i]);
    return sum;
}

/* ---- Gradients ---- */

/* f'(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h, with an error of h^4 f'''''/ 30 */
static double differences(double far_below, double below, double above, double far_above, double h) {
    return (8 * (above - below) - (far_above - far_below)) / (12 * h);
}

static double slope(struct rig *rig, int leaf, int64_t i) {
    static const double place[4] = {-2, -1, 1, 2};
    double at = value_get(rig, leaf, i), f[4];
    for (int p = 0; p < 4; p++) {
        value_set(rig, leaf, i, at + place[p] * step);
        f[p] = rig_replay(rig);
    }
    value_set(rig, leaf, i, at);
    return differences(f[0], f[1], f[2], f[3], step);
}

struct expected {
    double objective;
    double gradient[LEAVES][NUMBERS];
};

/* What a surrogate promises: the objective's weight times the formula, and the company's own share. */
static double stated(const struct rig *rig, const struct op_case *c, int leaf, int64_t i) {
    double x = value_get(rig, leaf, i), share = rig->setup.company == COMPANY_NONE ? 0 : x;
    const struct node *weight = NULL;
    for (size_t n = 0; n < rig->tape.node_count; n++) {
        const struct node *candidate = rig->tape.node[n];
        if (candidate->name != NULL && strcmp(candidate->name, "w") == 0) weight = candidate;
    }
    if (weight == NULL) return NAN;
    double w = weight->kind == NODE_ROW ? (double)rig->source[field_of(rig, weight)][i]
                                        : (double)rig->parameter[weight->offset + i];
    double rows = rig->value->kind == NODE_ROW ? 1 : LIVE;
    if (rig->base[leaf]->kind != NODE_ROW) share *= LIVE;
    return w * rows * c->formula(x) + share;
}

/* From a plan for inference: memory that is reused too early shows here. */
static bool expect(aenc_context *ctx, const struct op_case *c, struct setup setup, struct report *report,
                   struct expected *out) {
    setup.training = false;
    struct rig *rig = rig_create(ctx, c, &setup, report);
    if (rig == NULL) return false;
    bool good = !rig->unsupported;
    if (good) out->objective = rig_replay(rig);
    for (int k = 0; k < rig->count && good; k++)
        for (int64_t i = 0; i < leaf_numbers(rig, k); i++)
            out->gradient[k][i] = c->formula != NULL ? stated(rig, c, k, i) : slope(rig, k, i);
    rig_free(rig);
    return good;
}

static void gradients_compare(struct report *report, struct rig *rig, const struct expected *expected) {
    compare(report, "objective", 0, 0, rig_replay(rig), expected->objective);
    for (int k = 0; k < rig->count; k++) {
        if ((rig->setup.wanted >> k & 1) == 0) continue;
        const struct node *base = rig->base[k];
        bool reached = base->active && base->gradient_offset >= 0;
        int64_t count = leaf_numbers(rig, k), row = aenc_node_row_size(base);
        const num *g = reached ? aenc_gradient(&rig->run, base) : NULL;
        for (int64_t i = 0; i < count; i++)
            compare(report, "gradient of leaf", k, i, reached ? (double)g[i] : 0, expected->gradient[k][i]);
        if (!reached || base->kind != NODE_ROW) continue;
        for (int64_t i = count; i < CAPACITY * row; i++)
            if (!isnan((double)g[i])) mismatch(report, "a gradient was written beyond the live rows");
    }
}

static void check_gradients(aenc_context *ctx, const struct op_case *c, struct setup setup, struct report *report) {
    struct expected *expected = calloc(1, sizeof *expected);
    if (expected == NULL) abort();
    int leaves = c->leaf_count;
    for (int k = 0; k < c->leaf_count && setup.result == RESULT_TANGENT; k++)
        if ((setup.still >> k & 1) == 0) leaves++;
    unsigned may = (1u << leaves) - 1;
    unsigned first = setup.result == RESULT_TANGENT ? may : 0;
    setup.wanted = 0;
    bool good = expect(ctx, c, setup, report, expected);
    setup.training = true;
    for (unsigned wanted = first; wanted <= may && good; wanted++) {
        if ((wanted & may) != wanted) continue;
        setup.wanted = wanted;
        for (int parts = 0; parts < 2; parts++) {
            setup.parts = parts != 0;
            struct rig *rig = rig_create(ctx, c, &setup, report);
            if (rig == NULL) continue;
            gradients_compare(report, rig, expected);
            rig_free(rig);
        }
    }
    free(expected);
}

/* ---- Tangents ---- */

/* The result at x + amount * direction d. */
static void value_along(struct rig *rig, int own, int d, double amount, double *out) {
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (int k = 0; k < own; k++) {
            int to = rig->direction[k];
            if (to < 0) continue;
            int64_t each = aenc_node_row_size(rig->base[k]), directions = aenc_node_row_size(rig->base[to]) / each;
            bool by_row = rig->base[to]->kind == NODE_ROW;
            for (int64_t i = 0; i < leaf_numbers(rig, k); i++) {
                int64_t row = i / each, from = (by_row ? row * directions : 0) + d;
                double v = value_get(rig, to, from * each + i % each);
                value_set(rig, k, i, value_get(rig, k, i) + sign * amount * v);
            }
        }
        if (sign < 0) return;
        rig_replay(rig);
        const struct node *y = rig->value;
        int64_t count = aenc_node_row_size(y) * (y->kind == NODE_ROW ? LIVE : 1);
        for (int64_t i = 0; i < count; i++) out[i] = (double)aenc_value(&rig->run, y)[i];
    }
}

static void tangent_compare(struct report *report, struct rig *rig, int own) {
    static double f[5][NUMBERS], got[NUMBERS];
    static const double place[4] = {-2, -1, 1, 2};
    const struct node *y = rig->value, *t = rig->tangent;
    int64_t each = aenc_node_row_size(y), directions = rig->setup.directions > 0 ? rig->setup.directions : 1;
    int64_t count = each * (y->kind == NODE_ROW ? LIVE : 1);
    if (t != NULL && (aenc_node_row_size(t) != each * directions || (t->kind == NODE_ROW && y->kind != NODE_ROW))) {
        char text[SHAPE_TEXT];
        mismatch(report, aenc_shape_text(t, text));
        mismatch(report, "is a tangent of the wrong shape");
        return;
    }
    for (int d = 0; d < directions; d++) {
        for (int p = 0; p < 4; p++) value_along(rig, own, d, place[p] * step, f[p]);
        rig_replay(rig);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = t != NULL && t->kind == NODE_ROW ? i / each : 0;
            got[i] = t == NULL ? 0 : (double)aenc_value(&rig->run, t)[(row * directions + d) * each + i % each];
            compare(report, "tangent along", d, i, got[i], differences(f[0][i], f[1][i], f[2][i], f[3][i], step));
        }
    }
}

/* Along one direction and along two, of every row its own; along two that are the same for all rows. */
static void check_directions(aenc_context *ctx, const struct op_case *c, struct setup setup, struct report *report) {
    for (int form = 0; form < 3 && report->mismatches == 0; form++) {
        setup.directions = form == 0 ? 0 : DIRECTIONS;
        setup.direction_rows = form < 2;
        setup.training = false;
        struct rig *rig = rig_create(ctx, c, &setup, report);
        if (rig == NULL) return;
        bool supported = !rig->unsupported, zero = rig->tangent == NULL;
        if (supported) tangent_compare(report, rig, c->leaf_count);
        rig_free(rig);
        if (!supported || zero) return;
        check_gradients(ctx, c, setup, report);
    }
}

/* Under every choice of leaves that move. */
static void check_tangents(aenc_context *ctx, const struct op_case *c, struct setup setup, struct report *report) {
    unsigned all = (1u << c->leaf_count) - 1, must = 0;
    for (int k = 0; k < c->leaf_count; k++)
        if ((c->leaf[k].kinds & LEAF_STILL) != 0) must |= 1u << k;
    setup.result = RESULT_TANGENT;
    for (unsigned still = must; still < all; still++) {
        setup.still = still;
        if ((still & must) == must) check_directions(ctx, c, setup, report);
    }
}

/* ---- The case ---- */

/* The op of that name on the tape; NULL: not there. */
static const struct op *op_on_tape(const struct tape *tape, const char *name) {
    for (size_t i = 0; i < tape->node_count; i++)
        if (tape->node[i]->op != NULL && strcmp(tape->node[i]->op->name, name) == 0) return tape->node[i]->op;
    return NULL;
}

static void check_recorded(aenc_context *ctx, const struct op_case *c, const struct setup *setup,
                           struct report *report) {
    struct rig *rig = rig_create(ctx, c, setup, report);
    if (rig == NULL) return;
    const struct op *op = op_on_tape(&rig->tape, c->op);
    if (op == NULL) mismatch(report, "the case does not record its op");
    else if (op->surrogate && c->formula == NULL) mismatch(report, "the op is a surrogate and has no formula");
    rig_free(rig);
}

/* The next choice of kinds in `kind`; false after the last. */
static bool kinds_next(const struct op_case *c, int *kind) {
    for (int k = 0; k < c->leaf_count; k++) {
        for (kind[k] *= 2; kind[k] <= LEAF_BATCH; kind[k] *= 2)
            if ((kind[k] & c->leaf[k].kinds) != 0) return true;
        kind[k] = c->leaf[k].kinds & -c->leaf[k].kinds;
    }
    return false;
}

int op_check_case(aenc_context *ctx, const struct op_case *c, FILE *log) {
    struct report report = {c, NULL, log, 0};
    struct setup setup = {.directions = 0};
    for (int k = 0; k < c->leaf_count; k++) setup.kind[k] = c->leaf[k].kinds & -c->leaf[k].kinds;
    do {
        check_recorded(ctx, c, &setup, &report);
        for (int company = 0; company < COMPANY_COUNT && report.mismatches == 0; company++) {
            setup.company = (enum company)company;
            check_gradients(ctx, c, setup, &report);
        }
        setup.company = COMPANY_NONE;
        if (c->formula == NULL && report.mismatches == 0) check_tangents(ctx, c, setup, &report);
    } while (kinds_next(c, setup.kind));
    return report.mismatches;
}
