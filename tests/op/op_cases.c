/* op_cases.c - at least one case for every op of the library. */
#include "op_check.h"

#include <string.h>

/* Axis `axis` of one row. */
static int row_axis(const struct node *x, int axis) { return axis + (x->kind == NODE_ROW ? 1 : 0); }

/* ---- Functions of one number ---- */

struct function_case {
    enum function function;
    const char *name;
    double slope, low, high;
};

static const struct function_case functions[] = {
    {FUNCTION_RELU, "relu", 0, -2, 2},
    {FUNCTION_LEAKY_RELU, "leaky_relu", 0.25, -2, 2},
    {FUNCTION_ELU, "elu", 0.75, -2, 2},
    {FUNCTION_SIGMOID, "sigmoid", 0, -4, 4},
    {FUNCTION_TANH, "tanh", 0, -3, 3},
    {FUNCTION_SOFTPLUS, "softplus", 0, -4, 4},
    {FUNCTION_GELU, "gelu", 0, -3, 3},
    {FUNCTION_SILU, "silu", 0, -3, 3},
    {FUNCTION_EXP, "exp", 0, -2, 2},
    {FUNCTION_LOG, "log", 0, 0.25, 3},
    {FUNCTION_SQRT, "sqrt", 0, 0.25, 3},
    {FUNCTION_SQUARE, "square", 0, -2, 2},
    {FUNCTION_ABSOLUTE, "absolute", 0, -2, 2},
    {FUNCTION_NEGATE, "negate", 0, -2, 2},
    {FUNCTION_RECIPROCAL, "reciprocal", 0, 0.5, 3},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static struct node *function_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_function(tape, (enum function)c->choice, c->number[0], x[0]);
}

static struct op_case function_case(const struct function_case *f) {
    struct op_case c = {f->name, "a function", function_build, 1, {{LEAF_ANY, f->low, f->high, 2, {2, 3}}},
                        .choice = (int)f->function, .number = {f->slope}};
    return c;
}

/* ---- Two operands that broadcast ---- */

struct shape_pair {
    const char *label;
    int a_rank;
    int64_t a[3];
    int b_rank;
    int64_t b[3];
};

static const struct shape_pair pairs[] = {
    {"equal shapes", 2, {2, 3}, 2, {2, 3}},
    {"a suffix behind", 2, {2, 3}, 1, {3}},
    {"a suffix in front", 1, {3}, 2, {2, 3}},
    {"a scalar behind", 2, {2, 3}, 0, {0}},
    {"a scalar in front", 0, {0}, 2, {2, 3}},
    {"columns and rows", 2, {2, 1}, 2, {1, 3}},
    {"a column", 2, {2, 3}, 2, {2, 1}},
    {"both ways", 3, {2, 1, 2}, 2, {3, 1}},
    {"ones", 1, {1}, 3, {1, 2, 1}},
};
static const char *const binary_names[] = {"add", "subtract", "multiply", "divide"};
enum { PAIRS = sizeof pairs / sizeof *pairs, BINARIES = 4 };

static struct node *binary_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    switch (c->choice) {
        case 0: return aenc_op_add(tape, x[0], x[1]);
        case 1: return aenc_op_subtract(tape, x[0], x[1]);
        case 2: return aenc_op_multiply(tape, x[0], x[1]);
        default: return aenc_op_divide(tape, x[0], x[1]);
    }
}

static struct op_case binary_case(int op, const struct shape_pair *pair) {
    struct op_case c = {binary_names[op], pair->label, binary_build, 2,
                        {{LEAF_ANY, -2, 2, pair->a_rank, {0}}, {LEAF_ANY, 0.5, 2, pair->b_rank, {0}}},
                        .choice = op};
    memcpy(c.leaf[0].dim, pair->a, sizeof pair->a);
    memcpy(c.leaf[1].dim, pair->b, sizeof pair->b);
    return c;
}

/* The same node twice. */
static struct node *twice_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return binary_build(tape, (struct node *const[]){x[0], x[0]}, c);
}

/* ---- Elementwise ---- */

static struct node *affine_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_affine(tape, x[0], c->number[0], c->number[1]);
}

static struct node *diagonal_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_diagonal(tape, x[0], c->number[0], c->number[1]);
}

static struct node *clamp_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_clamp(tape, x[0], c->number[0], c->number[1]);
}

/* Ops that only tangents record come in through the tangent: y' = f'(x), along 1. */
static struct node *slope_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    struct node *y = aenc_op_function(tape, (enum function)c->choice, 0, x[0]);
    struct node *one = aenc_op_affine(tape, x[0], 0, 1);
    return y == NULL ? NULL : y->op->tangent(tape, y, &one);
}

/* ---- Sums ---- */

static struct node *total_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return c->choice == 0 ? aenc_op_absolute_sum(tape, x[0]) : aenc_op_square_sum(tape, x[0]);
}

static struct node *products_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_batch_products(tape, x[0]);
}

static struct node *constant_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    num *value;
    struct node *constant = aenc_op_constant(tape, (struct shape){1, {3}}, &value);
    for (int i = 0; i < 3 && value != NULL; i++) value[i] = (num)(i + 1);
    return aenc_op_multiply(tape, x[0], constant);
}

static struct node *share_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_multiply(tape, x[0], aenc_op_row_share(tape, x[0]));
}

/* ---- Reduce ---- */

static struct node *reduce_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    enum reduction reduction = (enum reduction)(c->choice / 10);
    return aenc_op_reduce(tape, reduction, x[0], row_axis(x[0], c->choice % 10), c->number[0] != 0);
}

static struct node *row_sum_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return c->choice == REDUCE_SUM ? aenc_op_row_sum(tape, x[0]) : aenc_op_row_mean(tape, x[0]);
}

static struct node *batch_sum_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return c->choice == REDUCE_SUM ? aenc_op_batch_sum(tape, x[0]) : aenc_op_batch_mean(tape, x[0]);
}

/* Distance of every row from the mean of all: rows, then the batch, then rows again. */
static struct node *centred_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    struct node *apart = aenc_op_subtract(tape, x[0], aenc_op_batch_mean(tape, x[0]));
    return aenc_op_function(tape, FUNCTION_SQUARE, 0, apart);
}

/* b is read by rows before the mean and again behind it. */
static struct node *between_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    struct node *scaled = aenc_op_multiply(tape, x[0], x[1]);
    struct node *apart = aenc_op_subtract(tape, scaled, aenc_op_batch_mean(tape, scaled));
    return aenc_op_multiply(tape, apart, x[1]);
}

/* ---- Layout ---- */

static struct node *reshape_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    const int64_t dims[] = {3, 2};
    if (c->choice == 0) return aenc_op_reshape(tape, x[0], dims, 2);
    /* Read through two views at once, and as it is. */
    struct node *flat = aenc_op_flatten(tape, aenc_op_reshape(tape, x[0], dims, 2));
    struct node *square = aenc_op_reshape(tape, aenc_op_function(tape, FUNCTION_SQUARE, 0, flat), dims, 2);
    return aenc_op_multiply(tape, square, aenc_op_reshape(tape, x[0], dims, 2));
}

/* A node without rows that rows read through a view. */
static struct node *view_gather_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    const int64_t dims[] = {3, 2};
    return aenc_op_multiply(tape, x[0], aenc_op_reshape(tape, x[1], dims, 2));
}

static struct node *stop_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_stop_gradient(tape, x[0]);
}

static double zero(double x) {
    (void)x;
    return 0;
}

static struct node *slice_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_slice(tape, x[0], row_axis(x[0], c->choice), 1, 2);
}

/* Two slices that overlap. */
static struct node *slices_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    int axis = row_axis(x[0], c->choice);
    return aenc_op_multiply(tape, aenc_op_slice(tape, x[0], axis, 0, 2), aenc_op_slice(tape, x[0], axis, 1, 2));
}

static struct node *concat_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_concat(tape, x, c->leaf_count, row_axis(x[0], c->choice));
}

/* More pieces than one node takes. */
static struct node *concat_many_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    struct node *piece[19];
    for (int i = 0; i < 19; i++) piece[i] = x[i % 2];
    return aenc_op_concat(tape, piece, 19, row_axis(x[0], c->choice));
}

static struct node *transpose_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    int axes[4] = {0}, first = row_axis(x[0], 0), code = c->choice;
    for (int i = 0; i < 3; i++, code /= 10) axes[first + 2 - i] = first + code % 10;
    return aenc_op_transpose(tape, x[0], axes);
}

static struct node *repeat_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_repeat(tape, x[0], row_axis(x[0], c->choice), 3);
}

/* ---- Softmax ---- */

static struct node *softmax_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return c->choice == 0 ? aenc_op_softmax(tape, x[0]) : aenc_op_log_softmax(tape, x[0]);
}

/* ---- Linear ---- */

static struct node *dense_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    bool transposed = c->choice >= 100;
    struct node *bias = c->leaf_count > 2 ? x[2] : NULL;
    return aenc_op_dense(tape, x[0], x[1], bias, transposed, (enum function)(c->choice % 100), c->number[0]);
}

/* An encoder and a decoder of one weight. */
static struct node *tied_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    struct node *code = aenc_op_dense(tape, x[0], x[1], NULL, false, FUNCTION_TANH, 0);
    return aenc_op_dense(tape, code, x[1], NULL, true, FUNCTION_SIGMOID, 0);
}

static struct node *matmul_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_matmul(tape, x[0], x[1], (c->choice & 1) != 0, (c->choice & 2) != 0);
}

/* ---- Norm ---- */

static struct node *layer_norm_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    bool full = c->leaf_count > 2;
    return aenc_op_layer_norm(tape, x[0], c->choice, 0.125, full ? x[1] : NULL, full ? x[2] : NULL);
}

static struct node *batch_moments_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_batch_moments(tape, x[0]);
}

static struct node *normalise_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    bool full = c->leaf_count > 3;
    return aenc_op_normalise(tape, x[0], x[1], 0.125, full ? x[2] : NULL, full ? x[3] : NULL);
}

static struct node *batch_norm_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_normalise(tape, x[0], aenc_op_batch_moments(tape, x[0]), 0.125, x[1], x[2]);
}

static struct node *running_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_running_moment(tape, (enum running_moment)c->choice, x[0], x[1], x[2], 0.25);
}

/* ---- Random ---- */

static struct node *noise_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    const int64_t dims[] = {2, 3};
    (void)x;
    return c->choice == 0 ? aenc_op_normal(tape, "noise", dims, 2) : aenc_op_uniform(tape, "noise", dims, 2);
}

/* At a level of 0.6. */
static struct node *corrupt_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    struct node *level = aenc_op_affine(tape, aenc_op_stop_gradient(tape, aenc_op_row_sum(tape, aenc_op_batch_sum(tape, x[0]))), 0, 0.6);
    if (c->choice != 0) return aenc_op_add_noise(tape, "blurred", x[0], level);
    return aenc_op_replace(tape, "replaced", x[0], level, c->number[0], c->number[1]);
}

static struct node *dropout_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_dropout(tape, "drop", x[0], c->number[0]);
}

/* ---- Stable ---- */

static struct node *element_loss_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_element_loss(tape, (enum element_loss)c->choice, c->number[0], x[0], x[1]);
}

static struct node *element_loss_each_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_element_loss_each(tape, (enum element_loss)c->choice, c->number[0], x[0], x[1]);
}

static struct node *nll_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_gaussian_nll(tape, x[0], x[1], x[2]);
}

static struct node *cosine_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_cosine_distance(tape, x[0], x[1], c->number[0]);
}

static struct node *one_hot_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_one_hot(tape, x[0], c->choice, c->number[0]);
}

/* What is recorded between the two sees the rows of another space: a column for each, and the mean over all. */
static struct node *fold_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    struct node *folded = aenc_op_fold(tape, x[0]);
    if (c->choice == 1) folded = aenc_op_fold(tape, folded);
    struct node *y = aenc_op_multiply(tape, folded, x[1]);
    y = aenc_op_add(tape, y, aenc_op_batch_mean(tape, aenc_op_function(tape, FUNCTION_SQUARE, 0, y)));
    if (c->choice == 1) y = aenc_op_unfold(tape, y, 3);
    return aenc_op_unfold(tape, y, 2);
}

/* The weights are known behind y, from what lies behind y; they are of another place than the result. */
static struct node *late_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    const int64_t one[] = {1, 1};
    struct node *late = aenc_op_late(tape, x[0]);
    if (c->choice == 0) return late;
    struct node *y = aenc_op_weigh_gradient(tape, x[0], late);
    struct node *w = aenc_op_affine(tape, aenc_op_row_sum(tape, aenc_op_stop_gradient(tape, y)), 0, 2.5);
    if (c->choice == 3) w = aenc_op_affine(tape, aenc_op_add(tape, w, aenc_op_batch_mean(tape, w)), 0.5, 0);
    struct node *set = aenc_op_late_set(tape, late, w);
    if (c->choice == 1) return set;
    return aenc_op_add(tape, y, aenc_op_reshape(tape, aenc_op_affine(tape, set, 0, 0), one, 2));
}

static double weighed(double x) {
    (void)x;
    return 2.5;
}

static struct node *entropy_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_softmax_cross_entropy(tape, x[0], x[1]);
}

/* ---- Jacobian ---- */

static struct node *gram_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_gram(tape, x[0], c->choice != 0);
}

static struct node *squares_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)c;
    return aenc_op_line_squares(tape, x[0]);
}

static struct node *metric_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_op_metric_squares(tape, x[0], c->leaf_count > 2 ? x[2] : NULL, aenc_op_gram(tape, x[1], c->choice != 0));
}

static struct node *eye_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    (void)x, (void)c;
    return aenc_op_eye(tape, 3);
}

/* Every op on the way back: the cotangent of an operand along the other leaf. */
static struct node *cotangent_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    struct node *y = aenc_op_dense(tape, x[0], x[1], NULL, c->choice >= 100, (enum function)(c->choice % 100), 0.25);
    return y == NULL ? NULL : y->op->cotangent(tape, y, 0, x[2]);
}

/* ---- The table ---- */

enum { SUM = 10 * REDUCE_SUM, MEAN = 10 * REDUCE_MEAN, MAXIMUM = 10 * REDUCE_MAXIMUM };

static const struct op_case cases[] = {
    {"multiply", "a square", twice_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = 2},
    {"divide", "one", twice_build, 1, {{LEAF_ANY, 0.5, 2, 2, {2, 3}}}, .choice = 3},
    {"affine", "", affine_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .number = {-1.5, 0.25}},
    {"clamp", "", clamp_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .number = {-0.5, 1}},
    {"step", "in relu's derivative", slope_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = FUNCTION_RELU},
    {"normal_cdf", "in gelu's derivative", slope_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = FUNCTION_GELU},

    {"sum", "first axis", reduce_build, 1, {{LEAF_ANY, -2, 2, 3, {3, 2, 4}}}, .choice = SUM + 0},
    {"sum", "middle axis", reduce_build, 1, {{LEAF_ANY, -2, 2, 3, {3, 2, 4}}}, .choice = SUM + 1},
    {"sum", "last axis, kept", reduce_build, 1, {{LEAF_ANY, -2, 2, 3, {3, 2, 4}}}, .choice = SUM + 2, .number = {1}},
    {"mean", "first axis, kept", reduce_build, 1, {{LEAF_ANY, -2, 2, 3, {3, 2, 4}}}, .choice = MEAN + 0, .number = {1}},
    {"mean", "last axis", reduce_build, 1, {{LEAF_ANY, -2, 2, 3, {3, 2, 4}}}, .choice = MEAN + 2},
    {"maximum", "first axis", reduce_build, 1, {{LEAF_ANY, -8, 8, 3, {3, 2, 4}}}, .choice = MAXIMUM + 0},
    {"maximum", "middle axis", reduce_build, 1, {{LEAF_ANY, -8, 8, 3, {2, 3, 4}}}, .choice = MAXIMUM + 1},
    {"maximum", "last axis", reduce_build, 1, {{LEAF_ANY, -8, 8, 3, {2, 3, 4}}}, .choice = MAXIMUM + 2, .number = {1}},
    {"row_sum", "", row_sum_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = REDUCE_SUM},
    {"row_sum", "of one number", row_sum_build, 1, {{LEAF_ANY, -2, 2, 0, {0}}}, .choice = REDUCE_SUM},
    {"row_mean", "", row_sum_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = REDUCE_MEAN},
    {"batch_sum", "", batch_sum_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = REDUCE_SUM},
    {"batch_mean", "", batch_sum_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = REDUCE_MEAN},
    {"batch_mean", "of one number", batch_sum_build, 1, {{LEAF_ROW, -2, 2, 0, {0}}}, .choice = REDUCE_MEAN},
    {"batch_mean", "and back to rows", centred_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"batch_mean", "between two readers of one node", between_build, 2,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ANY, -2, 2, 1, {3}}}, .choice = 0},

    {"reshape", "", reshape_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"reshape", "views of views", reshape_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = 1},
    {"reshape", "gathered", view_gather_build, 2,
     {{LEAF_ROW, -2, 2, 2, {3, 2}}, {LEAF_ANY, -2, 2, 1, {6}}}, .choice = 0},
    {"stop_gradient", "", stop_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .formula = zero},
    {"slice", "first axis", slice_build, 1, {{LEAF_ANY, -2, 2, 2, {4, 3}}}, .choice = 0},
    {"slice", "last axis", slice_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 4}}}, .choice = 1},
    {"slice", "overlapping, first axis", slices_build, 1, {{LEAF_ANY, -2, 2, 2, {4, 3}}}, .choice = 0},
    {"slice", "overlapping, last axis", slices_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 4}}}, .choice = 1},
    {"concat", "rows, first axis", concat_build, 3,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {1, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"concat", "no rows, first axis", concat_build, 2, {{LEAF_FLAT, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {1, 3}}},
     .choice = 0},
    {"concat", "rows, last axis", concat_build, 2, {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 1}}},
     .choice = 1},
    {"concat", "no rows, last axis", concat_build, 2, {{LEAF_FLAT, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {2, 1}}},
     .choice = 1},
    {"concat", "many", concat_many_build, 2, {{LEAF_ROW, -2, 2, 1, {1}}, {LEAF_ROW, -2, 2, 1, {2}}}, .choice = 0},
    {"transpose", "", transpose_build, 1, {{LEAF_ANY, -2, 2, 3, {2, 3, 4}}}, .choice = 21},
    {"transpose", "turned", transpose_build, 1, {{LEAF_ANY, -2, 2, 3, {2, 3, 4}}}, .choice = 201},
    {"transpose", "reversed", transpose_build, 1, {{LEAF_ANY, -2, 2, 3, {2, 3, 4}}}, .choice = 210},
    {"repeat", "first axis", repeat_build, 1, {{LEAF_ANY, -2, 2, 2, {1, 4}}}, .choice = 0},
    {"repeat", "last axis", repeat_build, 1, {{LEAF_ANY, -2, 2, 2, {4, 1}}}, .choice = 1},

    {"softmax", "", softmax_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 4}}}, .choice = 0},
    {"softmax", "one axis", softmax_build, 1, {{LEAF_ANY, -2, 2, 1, {5}}}, .choice = 0},
    {"log_softmax", "", softmax_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 4}}}, .choice = 1},
    {"log_softmax", "one axis", softmax_build, 1, {{LEAF_ANY, -2, 2, 1, {5}}}, .choice = 1},

    {"dense", "linear", dense_build, 2,
     {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {4, 3}}}, .choice = FUNCTION_IDENTITY},
    {"dense", "tanh", dense_build, 3,
     {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {4, 3}},
      {LEAF_FLAT | LEAF_STILL, -1, 1, 1, {4}}},
     .choice = FUNCTION_TANH},
    {"dense", "leaky relu, more axes", dense_build, 3,
     {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {4, 3}},
      {LEAF_FLAT | LEAF_STILL, -1, 1, 1, {4}}},
     .choice = FUNCTION_LEAKY_RELU, .number = {0.25}},
    {"dense", "gelu, not fused", dense_build, 3,
     {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {4, 3}},
      {LEAF_FLAT | LEAF_STILL, -1, 1, 1, {4}}},
     .choice = FUNCTION_GELU},
    {"dense", "transposed sigmoid", dense_build, 3,
     {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {3, 4}},
      {LEAF_FLAT | LEAF_STILL, -1, 1, 1, {4}}},
     .choice = 100 + FUNCTION_SIGMOID},
    {"dense", "tied", tied_build, 2,
     {{LEAF_ROW, -2, 2, 1, {3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {2, 3}}}, .choice = 0},
    {"matmul", "rows", matmul_build, 2, {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ANY, -2, 2, 2, {3, 4}}}, .choice = 0},
    {"matmul", "a transposed", matmul_build, 2,
     {{LEAF_ROW, -2, 2, 2, {3, 2}}, {LEAF_ANY, -2, 2, 2, {3, 4}}}, .choice = 1},
    {"matmul", "b transposed", matmul_build, 2,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ANY, -2, 2, 2, {4, 3}}}, .choice = 2},
    {"matmul", "both transposed", matmul_build, 2, {{LEAF_ROW, -2, 2, 2, {3, 2}}, {LEAF_ANY, -2, 2, 2, {4, 3}}},
     .choice = 3},
    {"matmul", "leading axes", matmul_build, 2, {{LEAF_ROW, -2, 2, 3, {2, 2, 3}}, {LEAF_ANY, -2, 2, 3, {2, 3, 2}}},
     .choice = 0},
    {"matmul", "leading axes, transposed", matmul_build, 2,
     {{LEAF_ROW, -2, 2, 3, {2, 3, 2}}, {LEAF_ANY, -2, 2, 3, {2, 4, 3}}}, .choice = 3},
    {"matmul", "no rows", matmul_build, 2, {{LEAF_FLAT, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {3, 4}}}, .choice = 0},
    {"matmul", "no rows, both transposed", matmul_build, 2,
     {{LEAF_FLAT, -2, 2, 2, {3, 2}}, {LEAF_FLAT, -2, 2, 2, {4, 3}}},
     .choice = 3},

    {"late", "", late_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 0, .formula = zero},
    {"late_set", "", late_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 1, .formula = zero},
    {"weigh_gradient", "", late_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 2, .formula = weighed},
    {"weigh_gradient", "in a later stage", late_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 3, .formula = weighed},
    {"fold", "", fold_build, 2, {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 1, {3}}}, .choice = 0},
    {"unfold", "twice", fold_build, 2, {{LEAF_ROW, -2, 2, 3, {2, 3, 2}}, {LEAF_FLAT, -2, 2, 1, {2}}}, .choice = 1},
    {"layer_norm", "plain", layer_norm_build, 1, {{LEAF_ANY, -2, 2, 1, {4}}}, .choice = 1},
    {"layer_norm", "gain and shift", layer_norm_build, 3,
     {{LEAF_ROW, -2, 2, 2, {2, 4}}, {LEAF_FLAT, 0.5, 2, 1, {4}}, {LEAF_FLAT, -1, 1, 1, {4}}}, .choice = 1},
    {"layer_norm", "two axes", layer_norm_build, 3,
     {{LEAF_ROW, -2, 2, 3, {2, 2, 3}}, {LEAF_FLAT, 0.5, 2, 2, {2, 3}}, {LEAF_FLAT, -1, 1, 2, {2, 3}}}, .choice = 2},
    {"batch_moments", "", batch_moments_build, 1, {{LEAF_ROW, -2, 2, 1, {3}}}, .choice = 0},
    {"batch_moments", "more axes", batch_moments_build, 1, {{LEAF_ROW, -2, 2, 3, {3, 2, 2}}}, .choice = 0},
    {"normalise", "plain", normalise_build, 2,
     {{LEAF_ROW, -2, 2, 1, {3}}, {LEAF_FLAT | LEAF_STILL, 0.25, 2, 2, {2, 3}}}, .choice = 0},
    {"normalise", "gain and shift", normalise_build, 4,
     {{LEAF_ROW, -2, 2, 2, {3, 2}}, {LEAF_FLAT | LEAF_STILL, 0.25, 2, 2, {2, 3}},
      {LEAF_FLAT | LEAF_STILL, 0.5, 2, 1, {3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 1, {3}}},
     .choice = 0},
    {"normalise", "by its own moments", batch_norm_build, 3,
     {{LEAF_ROW, -2, 2, 2, {3, 2}}, {LEAF_FLAT, 0.5, 2, 1, {3}}, {LEAF_FLAT, -1, 1, 1, {3}}}, .choice = 0},

    {"running_moment", "mean", running_build, 3,
     {{LEAF_FLAT, -2, 2, 1, {3}}, {LEAF_FLAT, 0, 1, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {3, 2}}},
     .choice = RUNNING_MEAN, .formula = zero},
    {"running_moment", "variance", running_build, 3,
     {{LEAF_FLAT, -2, 2, 1, {3}}, {LEAF_FLAT, 0, 1, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {3, 2}}},
     .choice = RUNNING_VARIANCE, .formula = zero},

    {"absolute_sum", "", total_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"square_sum", "", total_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = 1},
    {"batch_products", "", products_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 2}}}, .choice = 0},
    {"constant", "", constant_build, 1, {{LEAF_ANY, -2, 2, 1, {3}}}, .choice = 0},
    {"row_share", "", share_build, 1, {{LEAF_ROW, -2, 2, 1, {2}}}, .choice = 0},

    {"normal", "", noise_build, 0, .choice = 0},
    {"uniform", "", noise_build, 0, .choice = 1},
    {"dropout", "", dropout_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .number = {0.5}},
    {"replace", "", corrupt_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .number = {-1, 3}},
    {"blur", "", corrupt_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 1},

    {"element_loss", "squared", element_loss_build, 2, {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}},
     .choice = ELEMENT_SQUARED},
    {"element_loss", "squared, no rows", element_loss_build, 2,
     {{LEAF_FLAT, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {2, 3}}}, .choice = ELEMENT_SQUARED},
    {"element_loss", "absolute", element_loss_build, 2, {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}},
     .choice = ELEMENT_ABSOLUTE},
    {"element_loss", "huber", element_loss_build, 2, {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}},
     .choice = ELEMENT_HUBER, .number = {0.5}},
    {"element_loss", "bce", element_loss_build, 2, {{LEAF_ROW, 0.125, 0.875, 2, {2, 3}}, {LEAF_ROW, 0, 1, 2, {2, 3}}},
     .choice = ELEMENT_BCE},
    {"element_loss", "bce of logits", element_loss_build, 2,
     {{LEAF_ROW, -3, 3, 2, {2, 3}}, {LEAF_ROW, 0, 1, 2, {2, 3}}},
     .choice = ELEMENT_BCE_LOGITS},
    {"element_loss_each", "huber", element_loss_each_build, 2,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = ELEMENT_HUBER, .number = {0.5}},
    {"element_loss_each", "bce", element_loss_each_build, 2,
     {{LEAF_ROW, 0.125, 0.875, 2, {2, 3}}, {LEAF_ROW, 0, 1, 2, {2, 3}}}, .choice = ELEMENT_BCE},
    {"element_loss_each", "bce of logits", element_loss_each_build, 2,
     {{LEAF_ROW, -3, 3, 2, {2, 3}}, {LEAF_ROW, 0, 1, 2, {2, 3}}}, .choice = ELEMENT_BCE_LOGITS},
    {"element_loss_each", "absolute", element_loss_each_build, 2,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = ELEMENT_ABSOLUTE},
    {"element_loss_each", "squared, no rows", element_loss_each_build, 2,
     {{LEAF_FLAT, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {2, 3}}}, .choice = ELEMENT_SQUARED},
    {"gaussian_nll", "", nll_build, 3,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ROW, -1, 1, 2, {2, 3}}, {LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"gaussian_nll", "one variance", nll_build, 3,
     {{LEAF_ROW, -2, 2, 2, {2, 3}}, {LEAF_ANY, -1, 1, 0, {0}}, {LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"cosine_distance", "", cosine_build, 2, {{LEAF_ROW, 0.5, 2, 1, {4}}, {LEAF_ROW, -2, 2, 1, {4}}}, .number = {1e-8}},
    {"cosine_distance", "of small vectors", cosine_build, 2, {{LEAF_ROW, -1, 1, 1, {3}}, {LEAF_ROW, -1, 1, 1, {3}}},
     .number = {8}},
    {"one_hot", "", one_hot_build, 1, {{LEAF_ROW, 0, 3, 2, {2, 1}}}, .choice = 3, .number = {0.25}, .formula = zero},
    {"softmax_cross_entropy", "", entropy_build, 2,
     {{LEAF_ROW, -2, 2, 2, {2, 4}}, {LEAF_ROW, 0, 1, 2, {2, 4}}}, .choice = 0},
    {"softmax_cross_entropy", "without rows", entropy_build, 2,
     {{LEAF_FLAT, -2, 2, 1, {4}}, {LEAF_FLAT, 0, 1, 1, {4}}}, .choice = 0},

    {"gram", "", gram_build, 1, {{LEAF_FLAT, -2, 2, 2, {3, 2}}}, .choice = 0},
    {"gram", "transposed", gram_build, 1, {{LEAF_FLAT, -2, 2, 2, {3, 2}}}, .choice = 1},
    {"line_squares", "", squares_build, 1, {{LEAF_ANY, -2, 2, 2, {2, 3}}}, .choice = 0},
    {"line_squares", "of one line", squares_build, 1, {{LEAF_ANY, -2, 2, 1, {4}}}, .choice = 0},
    {"metric_lines", "", metric_build, 2, {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {3, 4}}}, .choice = 0},
    {"metric_squares", "one line", metric_build, 2, {{LEAF_ANY, -2, 2, 1, {3}}, {LEAF_FLAT, -2, 2, 2, {2, 3}}},
     .choice = 1},
    {"metric_squares", "slopes", metric_build, 3,
     {{LEAF_ANY, -2, 2, 2, {2, 3}}, {LEAF_FLAT, -2, 2, 2, {3, 4}}, {LEAF_ROW, -2, 2, 1, {3}}}, .choice = 0},
    {"eye", "", eye_build, 0, .choice = 0},
    {"diagonal", "", diagonal_build, 1, {{LEAF_FLAT, -2, 2, 2, {3, 3}}}, .number = {-1.5, 0.25}},
    {"diagonal", "cleared", diagonal_build, 1, {{LEAF_FLAT, -2, 2, 2, {3, 3}}}, .number = {0, 0}},
    {"dense", "a cotangent, tanh", cotangent_build, 3,
     {{LEAF_ROW, -2, 2, 1, {3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {4, 3}}, {LEAF_ANY, -2, 2, 2, {2, 4}}},
     .choice = FUNCTION_TANH},
    {"dense", "a cotangent, transposed softplus", cotangent_build, 3,
     {{LEAF_ROW, -2, 2, 1, {3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {3, 4}}, {LEAF_ANY, -2, 2, 1, {4}}},
     .choice = 100 + FUNCTION_SOFTPLUS},
    {"dense", "a cotangent, elu", cotangent_build, 3,
     {{LEAF_ROW, -2, 2, 1, {3}}, {LEAF_FLAT | LEAF_STILL, -1, 1, 2, {4, 3}}, {LEAF_ANY, -2, 2, 2, {2, 4}}},
     .choice = FUNCTION_ELU},
};
enum { CASES = sizeof cases / sizeof *cases };

bool op_case_get(size_t index, struct op_case *out) {
    if (index < FUNCTIONS) {
        *out = function_case(&functions[index]);
    } else if (index < FUNCTIONS + PAIRS * BINARIES) {
        size_t i = index - FUNCTIONS;
        *out = binary_case((int)(i / PAIRS), &pairs[i % PAIRS]);
    } else if (index < FUNCTIONS + PAIRS * BINARIES + CASES) {
        *out = cases[index - FUNCTIONS - PAIRS * BINARIES];
    } else {
        return false;
    }
    return true;
}
