/* ops.c - what a plug-in asks while it is recorded: the builders of lib/op under their public names. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "api/api.h"
#include "api/plugin_types.h"
#include "base/mem.h"
#include "io/bytes.h"
#include "op/family.h"

/* ---- Arguments ---- */

bool aenc_node_recorded(const struct tape *tape, const struct node *n) {
    for (size_t i = tape->node_count; i-- > 0;)
        if (tape->node[i] == n) return true;
    return false;
}

bool aenc_recorder_sound(const aenc_recorder *r) { return r != NULL && r->tape != NULL && r->tape->status == AENC_OK; }

struct node *aenc_node_taken(const aenc_recorder *r, const char *call, const aenc_node *x) {
    if (!aenc_recorder_sound(r)) return NULL;
    if (aenc_node_recorded(r->tape, aenc_node_hidden(x))) return aenc_node_hidden(x);
    aenc_tape_fail(r->tape, AENC_ERR_ARGUMENT, "aenc_node_%s: an operand is %s", call,
                   x == NULL ? "NULL" : "a node of another recording");
    return NULL;
}

/* Sizes that have a product. */
static bool shape_taken(const aenc_recorder *r, const char *call, const size_t *dims, size_t rank,
                        struct shape *shape) {
    size_t count = 1;
    if (!aenc_recorder_sound(r)) return false;
    bool good = rank <= RANK_MAX && (dims != NULL || rank == 0);
    for (size_t i = 0; good && i < rank; i++) {
        good = dims[i] > 0 && aenc_size_multiply(count, dims[i], &count) && count <= INT32_MAX;
        if (good) shape->dim[i] = (int64_t)dims[i];
    }
    shape->rank = (int)rank;
    if (!good)
        aenc_tape_fail(r->tape, AENC_ERR_SHAPE,
                       "aenc_node_%s: dims are %zu sizes above 0, at most %d of them, with a product "
                       "of at most %d",
                       call, rank, RANK_MAX, INT32_MAX);
    return good;
}

static int row_axes(const struct node *n) { return n->kind == NODE_ROW ? 1 : 0; }

/* An axis of one row as lib/op counts it; beyond the rank it stays beyond. */
static int axis_of(const struct node *n, size_t axis) { return (axis < RANK_MAX ? (int)axis : RANK_MAX) + row_axes(n); }

/* ---- The recorder ---- */

double aenc_recorder_setting(const aenc_recorder *recorder, const char *name) {
    if (recorder == NULL) return NAN;
    const struct setting_rule *rule = recorder->plugin->rules;
    while (rule->name != NULL && (name == NULL || strcmp(rule->name, name) != 0)) rule++;
    if (rule->name != NULL) return aenc_setting_number(recorder->spec, recorder->plugin->rules, name);
    if (aenc_recorder_sound(recorder))
        aenc_tape_fail(recorder->tape, AENC_ERR_ARGUMENT, "aenc_recorder_setting: it has no setting '%s'",
                       name == NULL ? "NULL" : aenc_quoted(name).text);
    return NAN;
}

int32_t aenc_recorder_training(const aenc_recorder *recorder) {
    return recorder != NULL && recorder->tape != NULL && recorder->tape->mode == MODE_TRAIN;
}

aenc_node *aenc_node_fail(aenc_recorder *recorder, aenc_status status, const char *text) {
    if (aenc_recorder_sound(recorder))
        aenc_tape_fail(recorder->tape, status < 0 ? status : AENC_ERR_ARGUMENT, "%s",
                       text == NULL ? "it failed" : text);
    return NULL;
}

/* Whether numbers of the plug-in's own can be declared under the name. */
static bool own_taken(aenc_recorder *r, const char *call, const char *name, const size_t *dims, size_t rank,
                      struct shape *shape) {
    if (!shape_taken(r, call, dims, rank, shape)) return false;
    size_t length = name == NULL ? 0 : strlen(name);
    if (length == 0 || length >= PLUGIN_NAME)
        aenc_tape_fail(r->tape, AENC_ERR_ARGUMENT, "aenc_node_%s: name is NULL, empty or too long", call);
    else if (r->store == NULL)
        aenc_tape_fail(r->tape, AENC_ERR_UNSUPPORTED, "aenc_node_%s: corruptions have no numbers of their own", call);
    return aenc_recorder_sound(r);
}

aenc_node *aenc_node_state(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank, double start) {
    struct shape shape;
    if (!own_taken(recorder, "state", name, dims, rank, &shape)) return NULL;
    if (start - start != 0) return aenc_node_fail(recorder, AENC_ERR_NONFINITE, "aenc_node_state: start is not finite");
    return aenc_node_shown(aenc_store_state(recorder->store, recorder->tape, name, shape, start));
}

/* How numbers start, as the fans of a matrix (out, in). */
static struct init start_of(aenc_recorder *r, const struct shape *shape, const char *text) {
    int64_t out = shape->rank == 0 ? 1 : shape->dim[0];
    struct init start = {INIT_CONSTANT, 0, aenc_shape_count(shape) / out, out};
    if (text != NULL) r->tape->status = aenc_init_parse(r->tape->ctx, text, &start);
    return start;
}

aenc_node *aenc_node_state_from(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank,
                                const char *init) {
    struct shape shape;
    if (!own_taken(recorder, "state_from", name, dims, rank, &shape)) return NULL;
    const struct init start = start_of(recorder, &shape, init);
    return aenc_node_shown(aenc_store_state_from(recorder->store, recorder->tape, name, shape, start));
}

aenc_node *aenc_node_constrain(aenc_recorder *recorder, aenc_node *parameter, const char *constraint) {
    struct node *n = aenc_node_taken(recorder, "constrain", parameter);
    struct constraint parsed;
    if (n == NULL) return NULL;
    if (constraint == NULL || recorder->store == NULL)
        return aenc_node_fail(recorder, AENC_ERR_ARGUMENT,
                              "aenc_node_constrain: constraint is NULL, or nothing is trained");
    recorder->tape->status = aenc_constraint_parse(recorder->tape->ctx, constraint, &parsed);
    return aenc_node_shown(aenc_store_constrain(recorder->store, recorder->tape, n, &parsed));
}

aenc_node *aenc_node_stage(aenc_recorder *recorder, aenc_node *state, aenc_node *value) {
    struct node *to = aenc_node_taken(recorder, "stage", state), *from = aenc_node_taken(recorder, "stage", value);
    if (from != NULL && to->kind != NODE_STATE)
        return aenc_node_fail(recorder, AENC_ERR_ARGUMENT, "aenc_node_stage: state is none of aenc_node_state's");
    if (from != NULL && recorder->tape->mode == MODE_TRAIN) aenc_tape_stage(recorder->tape, to, from);
    return aenc_recorder_sound(recorder) ? value : NULL;
}

aenc_node *aenc_node_parameter(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank,
                               const char *init) {
    struct shape shape;
    if (!own_taken(recorder, "parameter", name, dims, rank, &shape)) return NULL;
    struct tape *tape = recorder->tape;
    const struct init start = start_of(recorder, &shape, init == NULL && rank > 1 ? "torch" : init);
    return aenc_node_shown(aenc_store_parameter(recorder->store, tape, name, shape, start, rank > 1));
}

/* ---- Shapes ---- */

int32_t aenc_node_has_rows(const aenc_node *node) { return node != NULL && aenc_node_hidden(node)->kind == NODE_ROW; }

size_t aenc_node_rank(const aenc_node *node) {
    const struct node *n = aenc_node_hidden(node);
    return n == NULL ? 0 : (size_t)(n->shape.rank - row_axes(n));
}

size_t aenc_node_dim(const aenc_node *node, size_t axis) {
    const struct node *n = aenc_node_hidden(node);
    return axis < aenc_node_rank(node) ? (size_t)n->shape.dim[axis_of(n, axis)] : 0;
}

/* ---- Builders ---- */

typedef struct node *binary(struct tape *tape, struct node *a, struct node *b);
typedef struct node *unary(struct tape *tape, struct node *x);

static aenc_node *two(aenc_recorder *r, const char *call, binary *build, const aenc_node *first,
                      const aenc_node *second) {
    struct node *a = aenc_node_taken(r, call, first), *b = aenc_node_taken(r, call, second);
    return a == NULL || b == NULL ? NULL : aenc_node_shown(build(r->tape, a, b));
}

static aenc_node *one(aenc_recorder *r, const char *call, unary *build, const aenc_node *operand) {
    struct node *x = aenc_node_taken(r, call, operand);
    return x == NULL ? NULL : aenc_node_shown(build(r->tape, x));
}

aenc_node *aenc_node_add(aenc_recorder *recorder, aenc_node *a, aenc_node *b) {
    return two(recorder, "add", aenc_op_add, a, b);
}
aenc_node *aenc_node_subtract(aenc_recorder *recorder, aenc_node *a, aenc_node *b) {
    return two(recorder, "subtract", aenc_op_subtract, a, b);
}
aenc_node *aenc_node_multiply(aenc_recorder *recorder, aenc_node *a, aenc_node *b) {
    return two(recorder, "multiply", aenc_op_multiply, a, b);
}
aenc_node *aenc_node_divide(aenc_recorder *recorder, aenc_node *a, aenc_node *b) {
    return two(recorder, "divide", aenc_op_divide, a, b);
}
aenc_node *aenc_node_row_sum(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "row_sum", aenc_op_row_sum, x);
}
aenc_node *aenc_node_row_mean(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "row_mean", aenc_op_row_mean, x);
}
aenc_node *aenc_node_batch_sum(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "batch_sum", aenc_op_batch_sum, x);
}
aenc_node *aenc_node_batch_mean(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "batch_mean", aenc_op_batch_mean, x);
}
aenc_node *aenc_node_softmax(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "softmax", aenc_op_softmax, x);
}
aenc_node *aenc_node_log_softmax(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "log_softmax", aenc_op_log_softmax, x);
}
aenc_node *aenc_node_stop_gradient(aenc_recorder *recorder, aenc_node *x) {
    return one(recorder, "stop_gradient", aenc_op_stop_gradient, x);
}

aenc_node *aenc_node_affine(aenc_recorder *recorder, aenc_node *x, double scale, double shift) {
    struct node *n = aenc_node_taken(recorder, "affine", x);
    return n == NULL ? NULL : aenc_node_shown(aenc_op_affine(recorder->tape, n, scale, shift));
}

aenc_node *aenc_node_clamp(aenc_recorder *recorder, aenc_node *x, double low, double high) {
    struct node *n = aenc_node_taken(recorder, "clamp", x);
    return n == NULL ? NULL : aenc_node_shown(aenc_op_clamp(recorder->tape, n, low, high));
}

aenc_node *aenc_node_function(aenc_recorder *recorder, const char *function, aenc_node *x) {
    enum function found = FUNCTION_EXP;
    double slope = 0;
    struct node *n = aenc_node_taken(recorder, "function", x);
    if (n == NULL) return NULL;
    if (function == NULL) return aenc_node_fail(recorder, AENC_ERR_ARGUMENT, "aenc_node_function: function is NULL");
    while (found < FUNCTION_COUNT && strcmp(aenc_op_function_name(found), function) != 0) found++;
    if (found == FUNCTION_COUNT && !aenc_activation_find(recorder->tape->ctx, function, &found, &slope)) {
        recorder->tape->status = recorder->tape->ctx->status;
        return NULL;
    }
    return aenc_node_shown(found == FUNCTION_IDENTITY ? n : aenc_op_function(recorder->tape, found, slope, n));
}

aenc_node *aenc_node_dense(aenc_recorder *recorder, aenc_node *x, aenc_node *weight, aenc_node *bias,
                           int32_t transposed) {
    struct node *n = aenc_node_taken(recorder, "dense", x), *w = aenc_node_taken(recorder, "dense", weight);
    struct node *b = bias == NULL ? NULL : aenc_node_taken(recorder, "dense", bias);
    if (!aenc_recorder_sound(recorder)) return NULL;
    return aenc_node_shown(aenc_op_dense(recorder->tape, n, w, b, transposed != 0, FUNCTION_IDENTITY, 0));
}

aenc_node *aenc_node_matmul(aenc_recorder *recorder, aenc_node *a, aenc_node *b, int32_t transpose_a,
                            int32_t transpose_b) {
    struct node *left = aenc_node_taken(recorder, "matmul", a), *right = aenc_node_taken(recorder, "matmul", b);
    if (!aenc_recorder_sound(recorder)) return NULL;
    return aenc_node_shown(aenc_op_matmul(recorder->tape, left, right, transpose_a != 0, transpose_b != 0));
}

static aenc_node *reduced(aenc_recorder *r, const char *call, enum reduction reduction, const aenc_node *x,
                          size_t axis) {
    struct node *n = aenc_node_taken(r, call, x);
    return n == NULL ? NULL : aenc_node_shown(aenc_op_reduce(r->tape, reduction, n, axis_of(n, axis), false));
}

aenc_node *aenc_node_sum(aenc_recorder *recorder, aenc_node *x, size_t axis) {
    return reduced(recorder, "sum", REDUCE_SUM, x, axis);
}
aenc_node *aenc_node_mean(aenc_recorder *recorder, aenc_node *x, size_t axis) {
    return reduced(recorder, "mean", REDUCE_MEAN, x, axis);
}

aenc_node *aenc_node_reshape(aenc_recorder *recorder, aenc_node *x, const size_t *dims, size_t rank) {
    struct shape shape;
    struct node *n = aenc_node_taken(recorder, "reshape", x);
    if (n == NULL || !shape_taken(recorder, "reshape", dims, rank, &shape)) return NULL;
    return aenc_node_shown(aenc_op_reshape(recorder->tape, n, shape.dim, shape.rank));
}

aenc_node *aenc_node_slice(aenc_recorder *recorder, aenc_node *x, size_t axis, size_t first, size_t count) {
    struct node *n = aenc_node_taken(recorder, "slice", x);
    if (n == NULL) return NULL;
    if (first > INT32_MAX || count > INT32_MAX)
        return aenc_node_fail(recorder, AENC_ERR_SHAPE, "aenc_node_slice: first or count is larger than any axis");
    return aenc_node_shown(aenc_op_slice(recorder->tape, n, axis_of(n, axis), (int64_t)first, (int64_t)count));
}

/* 1 to OPERANDS_MAX nodes. */
static bool operands_taken(aenc_recorder *r, const char *call, aenc_node *const *x, size_t count,
                           struct node *in[OPERANDS_MAX]) {
    if (!aenc_recorder_sound(r)) return false;
    bool good = x != NULL && count > 0 && count <= OPERANDS_MAX;
    if (!good)
        aenc_tape_fail(r->tape, AENC_ERR_ARGUMENT, "aenc_node_%s: x is NULL, or there are not 1 to %d", call,
                       OPERANDS_MAX);
    for (size_t i = 0; good && i < count; i++) in[i] = aenc_node_taken(r, call, x[i]);
    return aenc_recorder_sound(r);
}

aenc_node *aenc_node_concat(aenc_recorder *recorder, aenc_node *const *x, size_t count, size_t axis) {
    struct node *in[OPERANDS_MAX] = {NULL};
    if (!operands_taken(recorder, "concat", x, count, in)) return NULL;
    return aenc_node_shown(aenc_op_concat(recorder->tape, in, (int)count, axis_of(in[0], axis)));
}

aenc_node *aenc_node_constant(aenc_recorder *recorder, const float *values, size_t count, const size_t *dims,
                              size_t rank) {
    struct shape shape;
    num *numbers;
    if (!shape_taken(recorder, "constant", dims, rank, &shape)) return NULL;
    if (values == NULL) return aenc_node_fail(recorder, AENC_ERR_ARGUMENT, "aenc_node_constant: values is NULL");
    if (count != (size_t)aenc_shape_count(&shape)) {
        aenc_tape_fail(recorder->tape, AENC_ERR_SHAPE, "aenc_node_constant: count is %zu; dims make %lld", count,
                       (long long)aenc_shape_count(&shape));
        return NULL;
    }
    struct node *n = aenc_op_constant(recorder->tape, shape, &numbers);
    for (int64_t i = 0; n != NULL && i < aenc_shape_count(&shape); i++) numbers[i] = (num)values[i];
    return aenc_node_shown(n);
}

typedef struct node *noise(struct tape *tape, const char *name, const int64_t *dims, int rank);

static aenc_node *drawn(aenc_recorder *r, noise *build, const char *name, const size_t *dims, size_t rank) {
    struct shape shape;
    if (!shape_taken(r, "noise", dims, rank, &shape)) return NULL;
    if (name == NULL) return aenc_node_fail(r, AENC_ERR_ARGUMENT, "noise: name is NULL");
    return aenc_node_shown(build(r->tape, name, shape.dim, shape.rank));
}

aenc_node *aenc_node_normal(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank) {
    return drawn(recorder, aenc_op_normal, name, dims, rank);
}
aenc_node *aenc_node_uniform(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank) {
    return drawn(recorder, aenc_op_uniform, name, dims, rank);
}

/* ---- Operations ---- */

/* In the tape's arena. */
struct operation {
    aenc_operation call;
    bool training;
};

static int operation_call(const void *user, const struct custom_rows *rows) {
    const struct operation *operation = user;
    const aenc_operation *o = &operation->call;
    size_t in[OPERANDS_MAX], count = 0;
    for (; count < OPERANDS_MAX && rows->x[count] != NULL; count++) in[count] = (size_t)rows->in[count];
    const aenc_operation_call call = {.struct_size = sizeof call,
                                      .rows = (size_t)rows->rows,
                                      .first_row = (uint64_t)rows->first_row,
                                      .x = rows->x,
                                      .x_size = in,
                                      .x_count = count,
                                      .y = rows->y,
                                      .y_size = (size_t)rows->out,
                                      .dy = rows->dy,
                                      .dx = rows->dx,
                                      .operand = (size_t)rows->operand,
                                      .training = operation->training};
    return (rows->dx == NULL ? o->forward : o->backward)(o->user, &call);
}

static aenc_node *operation_record(aenc_recorder *r, const aenc_operation *o, aenc_node *const *x, size_t count,
                                   const size_t *dims, size_t rank) {
    struct node *in[OPERANDS_MAX] = {NULL};
    struct shape shape;
    struct tape *tape = r->tape;
    if (o->forward == NULL || o->name == NULL)
        return aenc_node_fail(r, AENC_ERR_ARGUMENT, "aenc_operation.forward or its name is NULL");
    if (!operands_taken(r, "operation", x, count, in) || !shape_taken(r, "operation", dims, rank, &shape)) return NULL;
    const char *name = aenc_arena_format(&tape->arena, "%s.%s", r->plugin->name, o->name);
    struct operation *operation = aenc_arena_alloc(&tape->arena, 1, sizeof *operation);
    if (name == NULL || operation == NULL) return aenc_node_fail(r, AENC_ERR_NO_MEMORY, "no memory for an operation");
    *operation = (struct operation){*o, tape->mode == MODE_TRAIN};
    const struct custom_op custom = {name, operation, operation_call, o->backward != NULL};
    return aenc_node_shown(aenc_op_custom(tape, &custom, in, (int)count, shape.dim, shape.rank));
}

aenc_node *aenc_node_operation(aenc_recorder *recorder, const aenc_operation *operation, aenc_node *const *x,
                               size_t count, const size_t *dims, size_t rank) {
    aenc_operation o = {.struct_size = 0};
    bool sound = aenc_recorder_sound(recorder);
    if (sound && operation == NULL)
        return aenc_node_fail(recorder, AENC_ERR_ARGUMENT, "aenc_node_operation: operation is NULL");
    if (sound)
        recorder->tape->status = aenc_options_read(recorder->tape->ctx, "aenc_operation", operation, sizeof o, &o);
    if (!aenc_recorder_sound(recorder)) {
        if (operation != NULL) RELEASE_USER(aenc_operation, operation);
        return NULL;
    }
    aenc_tape_own(recorder->tape, o.release, o.user);
    return aenc_recorder_sound(recorder) ? operation_record(recorder, &o, x, count, dims, rank) : NULL;
}
