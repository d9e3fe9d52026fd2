/* op_values_test.c - what the ops compute, against numbers worked out by hand, and what they refuse, with the sentence
 * that says so. (op_check_test.c only knows whether gradients agree with values.) */
#include <string.h>

#include "check.h"
#include "op/builders.h"
#include "tape/run.h"

enum { ROWS = 2, CAPACITY = 5, NUMBERS = 24, OPERANDS = 3 };

enum kind { KIND_NONE, KIND_ROW, KIND_PARAMETER };

/* dims of one row; values of both rows. */
struct operand {
    enum kind kind;
    int rank;
    int64_t dim[3];
    float value[NUMBERS];
};

struct value_case {
    const char *label;
    struct node *(*build)(struct tape *tape, struct node *const *x);
    struct operand operand[OPERANDS];
    int count; /* of the result, both rows */
    float want[NUMBERS];
};

/* ---- A tape of the case's operands ---- */

struct bench {
    aenc_context *ctx;
    struct tape tape;
    struct plan plan;
    struct run run;
    struct node *in[OPERANDS];
    num parameter[OPERANDS * NUMBERS];
};

static void bench_record(struct bench *b, const struct operand *operand) {
    aenc_tape_create(b->ctx, MODE_EVALUATE, CAPACITY, &b->tape);
    for (int k = 0; k < OPERANDS && operand[k].kind != KIND_NONE; k++) {
        if (operand[k].kind == KIND_ROW) {
            b->in[k] = aenc_tape_input(&b->tape, "x", operand[k].dim, operand[k].rank);
            continue;
        }
        struct shape shape = {operand[k].rank, {0}};
        memcpy(shape.dim, operand[k].dim, sizeof operand[k].dim);
        b->in[k] = aenc_tape_parameter(&b->tape, "p", shape, k * NUMBERS, false);
        for (int i = 0; i < NUMBERS; i++) b->parameter[k * NUMBERS + i] = (num)operand[k].value[i];
    }
}

static bool bench_run(struct bench *b, const struct operand *operand) {
    if (!CHECK_STATUS(b->ctx, aenc_plan_create(&b->tape, false, &b->plan), AENC_OK)) return false;
    if (!CHECK_STATUS(b->ctx, aenc_run_create(b->ctx, &b->plan, &b->run), AENC_OK)) return false;
    b->run.block[SLOT_PARAMETER] = b->parameter;
    b->run.live[0] = ROWS;
    b->run.weight_total = ROWS;
    for (int k = 0, f = 0; k < OPERANDS && operand[k].kind != KIND_NONE; k++)
        if (operand[k].kind == KIND_ROW)
            b->run.binding[f++] = (struct binding){.source = operand[k].value, .stride = aenc_node_row_size(b->in[k])};
    aenc_run_replay(&b->run, NULL);
    return true;
}

static void bench_free(struct bench *b) {
    if (b->run.plan != NULL) aenc_run_free(b->ctx, &b->run);
    aenc_plan_free(&b->plan);
    aenc_tape_free(&b->tape);
}

/* ---- Values ---- */

static struct node *add_build(struct tape *t, struct node *const *x) { return aenc_op_add(t, x[0], x[1]); }
static struct node *subtract_build(struct tape *t, struct node *const *x) { return aenc_op_subtract(t, x[0], x[1]); }
static struct node *multiply_build(struct tape *t, struct node *const *x) { return aenc_op_multiply(t, x[0], x[1]); }
static struct node *divide_build(struct tape *t, struct node *const *x) { return aenc_op_divide(t, x[0], x[1]); }
static struct node *affine_build(struct tape *t, struct node *const *x) { return aenc_op_affine(t, x[0], 2, -1); }
static struct node *clamp_build(struct tape *t, struct node *const *x) { return aenc_op_clamp(t, x[0], -1, 2); }
static struct node *identity_build(struct tape *t, struct node *const *x) {
    return aenc_op_function(t, FUNCTION_IDENTITY, 0, x[0]);
}
static struct node *leaky_build(struct tape *t, struct node *const *x) {
    return aenc_op_function(t, FUNCTION_LEAKY_RELU, 0.5, x[0]);
}
static struct node *square_build(struct tape *t, struct node *const *x) {
    return aenc_op_function(t, FUNCTION_SQUARE, 0, x[0]);
}
static struct node *sum_build(struct tape *t, struct node *const *x) {
    return aenc_op_reduce(t, REDUCE_SUM, x[0], 1, false);
}
static struct node *mean_build(struct tape *t, struct node *const *x) {
    return aenc_op_reduce(t, REDUCE_MEAN, x[0], 2, true);
}
static struct node *maximum_build(struct tape *t, struct node *const *x) {
    return aenc_op_reduce(t, REDUCE_MAXIMUM, x[0], 2, false);
}
static struct node *flat_maximum_build(struct tape *t, struct node *const *x) {
    return aenc_op_reduce(t, REDUCE_MAXIMUM, x[0], 0, false);
}
static struct node *row_sum_build(struct tape *t, struct node *const *x) { return aenc_op_row_sum(t, x[0]); }
static struct node *row_mean_build(struct tape *t, struct node *const *x) { return aenc_op_row_mean(t, x[0]); }
static struct node *batch_sum_build(struct tape *t, struct node *const *x) { return aenc_op_batch_sum(t, x[0]); }
static struct node *batch_mean_build(struct tape *t, struct node *const *x) { return aenc_op_batch_mean(t, x[0]); }
static struct node *reshape_build(struct tape *t, struct node *const *x) {
    return aenc_op_reshape(t, x[0], (const int64_t[]){3, 2}, 2);
}
static struct node *flatten_build(struct tape *t, struct node *const *x) { return aenc_op_flatten(t, x[0]); }
static struct node *stop_build(struct tape *t, struct node *const *x) { return aenc_op_stop_gradient(t, x[0]); }
static struct node *slice_build(struct tape *t, struct node *const *x) { return aenc_op_slice(t, x[0], 2, 1, 2); }
static struct node *flat_slice_build(struct tape *t, struct node *const *x) { return aenc_op_slice(t, x[0], 0, 1, 1); }
static struct node *concat_build(struct tape *t, struct node *const *x) { return aenc_op_concat(t, x, 2, 1); }
static struct node *last_concat_build(struct tape *t, struct node *const *x) { return aenc_op_concat(t, x, 2, 2); }
static struct node *many_concat_build(struct tape *t, struct node *const *x) {
    struct node *piece[10];
    for (int i = 0; i < 10; i++) piece[i] = aenc_op_affine(t, x[0], 1, i);
    return aenc_op_concat(t, piece, 10, 1);
}
static struct node *transpose_build(struct tape *t, struct node *const *x) {
    return aenc_op_transpose(t, x[0], (const int[]){0, 2, 1});
}
static struct node *flat_transpose_build(struct tape *t, struct node *const *x) {
    return aenc_op_transpose(t, x[0], (const int[]){2, 0, 1});
}
static struct node *repeat_build(struct tape *t, struct node *const *x) { return aenc_op_repeat(t, x[0], 2, 3); }
static struct node *softmax_build(struct tape *t, struct node *const *x) { return aenc_op_softmax(t, x[0]); }
static struct node *log_softmax_build(struct tape *t, struct node *const *x) { return aenc_op_log_softmax(t, x[0]); }

static const struct value_case values[] = {
    {"a suffix", add_build,
     {{KIND_ROW, 1, {2}, {1, 2, 3, 4}}, {KIND_PARAMETER, 1, {2}, {10, 20}}}, 4, {11, 22, 13, 24}},
    {"a number for each row", subtract_build,
     {{KIND_ROW, 1, {2}, {1, 2, 3, 4}}, {KIND_ROW, 0, {0}, {1, 2}}}, 4, {0, 1, 1, 2}},
    {"each row from a number", subtract_build, {{KIND_ROW, 0, {0}, {1, 2}}, {KIND_ROW, 1, {2}, {1, 2, 3, 4}}}, 4,
     {0, -1, -1, -2}},
    {"a scalar in front", divide_build,
     {{KIND_PARAMETER, 0, {0}, {12}}, {KIND_ROW, 1, {2}, {1, 2, 3, 4}}}, 4, {12, 6, 4, 3}},
    {"a scalar behind", divide_build,
     {{KIND_ROW, 1, {2}, {2, 4, 6, 8}}, {KIND_PARAMETER, 0, {0}, {2}}}, 4, {1, 2, 3, 4}},
    {"an outer product", multiply_build,
     {{KIND_ROW, 2, {2, 1}, {1, 2, 3, 4}}, {KIND_PARAMETER, 2, {1, 3}, {1, 10, 100}}}, 12,
     {1, 10, 100, 2, 20, 200, 3, 30, 300, 4, 40, 400}},
    {"no rows", multiply_build,
     {{KIND_PARAMETER, 1, {2}, {1, 2}}, {KIND_PARAMETER, 2, {2, 1}, {3, 4}}}, 4, {3, 6, 4, 8}},
    {"two parameters over rows", add_build,
     {{KIND_PARAMETER, 2, {2, 2}, {1, 2, 3, 4}}, {KIND_ROW, 1, {2}, {10, 20, 30, 40}}},
     8, {11, 22, 13, 24, 31, 42, 33, 44}},
    {"affine", affine_build, {{KIND_ROW, 1, {2}, {1, 2, 3, 4}}}, 4, {1, 3, 5, 7}},
    {"clamp", clamp_build, {{KIND_ROW, 1, {2}, {-3, -1, 1, 7}}}, 4, {-1, -1, 1, 2}},
    {"identity", identity_build, {{KIND_ROW, 1, {2}, {-3, -1, 1, 7}}}, 4, {-3, -1, 1, 7}},
    {"leaky relu", leaky_build, {{KIND_ROW, 1, {2}, {-3, -1, 1, 7}}}, 4, {-1.5f, -0.5f, 1, 7}},
    {"square", square_build, {{KIND_ROW, 1, {2}, {-3, -1, 1, 7}}}, 4, {9, 1, 1, 49}},
    {"sum", sum_build, {{KIND_ROW, 2, {2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}}, 6, {5, 7, 9, 17, 19, 21}},
    {"mean", mean_build, {{KIND_ROW, 2, {2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}}, 4, {2, 5, 8, 11}},
    {"maximum", maximum_build, {{KIND_ROW, 2, {2, 3}, {1, 3, 2, -4, -5, -6, 7, 8, 9, 12, 12, 11}}}, 4, {3, -4, 9, 12}},
    {"maximum, no rows", flat_maximum_build, {{KIND_PARAMETER, 2, {3, 2}, {1, 9, 3, 2, 2, 5}}}, 2, {3, 9}},
    {"maximum of not a number", maximum_build, {{KIND_ROW, 2, {1, 2}, {NAN, 1, 1, NAN}}}, 2, {NAN, NAN}},
    {"row sum", row_sum_build, {{KIND_ROW, 2, {1, 3}, {1, 2, 3, 4, 5, 6}}}, 2, {6, 15}},
    {"row sum, no rows", row_sum_build, {{KIND_PARAMETER, 2, {2, 2}, {1, 2, 3, 4}}}, 1, {10}},
    {"row mean", row_mean_build, {{KIND_ROW, 2, {1, 3}, {1, 2, 3, 4, 5, 6}}}, 2, {2, 5}},
    {"batch sum", batch_sum_build, {{KIND_ROW, 1, {3}, {1, 2, 3, 4, 5, 6}}}, 3, {5, 7, 9}},
    {"batch mean", batch_mean_build, {{KIND_ROW, 1, {3}, {1, 2, 3, 4, 5, 6}}}, 3, {2.5f, 3.5f, 4.5f}},
    {"reshape", reshape_build, {{KIND_ROW, 2, {2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}}, 12,
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
    {"flatten a parameter", flatten_build, {{KIND_PARAMETER, 2, {2, 2}, {1, 2, 3, 4}}}, 4, {1, 2, 3, 4}},
    {"stop gradient", stop_build, {{KIND_ROW, 1, {2}, {1, 2, 3, 4}}}, 4, {1, 2, 3, 4}},
    {"slice", slice_build,
     {{KIND_ROW, 2, {2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}}, 8, {2, 3, 5, 6, 8, 9, 11, 12}},
    {"slice, no rows", flat_slice_build, {{KIND_PARAMETER, 2, {3, 2}, {1, 2, 3, 4, 5, 6}}}, 2, {3, 4}},
    {"concat", concat_build, {{KIND_ROW, 1, {2}, {1, 2, 3, 4}}, {KIND_ROW, 1, {1}, {5, 6}}}, 6, {1, 2, 5, 3, 4, 6}},
    {"concat, last axis", last_concat_build,
     {{KIND_ROW, 2, {2, 1}, {1, 2, 3, 4}}, {KIND_ROW, 2, {2, 2}, {5, 6, 7, 8, 9, 10, 11, 12}}}, 12,
     {1, 5, 6, 2, 7, 8, 3, 9, 10, 4, 11, 12}},
    {"concat of ten", many_concat_build, {{KIND_ROW, 1, {1}, {0, 100}}}, 20,
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109}},
    {"transpose", transpose_build, {{KIND_ROW, 2, {2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}}, 12,
     {1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}},
    {"transpose, no rows", flat_transpose_build,
     {{KIND_PARAMETER, 3, {2, 1, 3}, {1, 2, 3, 4, 5, 6}}}, 6, {1, 4, 2, 5, 3, 6}},
    {"repeat", repeat_build, {{KIND_ROW, 2, {2, 1}, {1, 2, 3, 4}}}, 12, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}},
    {"softmax", softmax_build, {{KIND_ROW, 1, {2}, {0, 1.0986123f, 500, 500}}}, 4, {0.25f, 0.75f, 0.5f, 0.5f}},
    {"log softmax", log_softmax_build, {{KIND_ROW, 1, {2}, {0, 1.0986123f, 500, 500}}}, 4,
     {-1.3862944f, -0.2876821f, -0.6931472f, -0.6931472f}},
};

static bool near(double got, double want) {
    return isnan(want) ? isnan(got) : fabs(got - want) <= 1e-6 * fmax(1, fabs(want));
}

static void test_value(aenc_context *ctx, const struct value_case *c) {
    struct bench b = {.ctx = ctx};
    bench_record(&b, c->operand);
    struct node *y = c->build(&b.tape, b.in);
    aenc_tape_output(&b.tape, y);
    bool good = CHECK(y != NULL) && bench_run(&b, c->operand);
    if (good) good = CHECK(aenc_node_row_size(y) * (y->kind == NODE_ROW ? ROWS : 1) == c->count);
    for (int i = 0; i < c->count && good; i++) {
        double got = (double)aenc_value(&b.run, y)[i];
        good = CHECK(near(got, (double)c->want[i]));
        if (!good) fprintf(stderr, "  element %d: got %g, want %g\n", i, got, (double)c->want[i]);
    }
    if (!good) fprintf(stderr, "  in '%s'\n", c->label);
    bench_free(&b);
}

/* ---- Refusals ---- */

static struct node *bad_axis_build(struct tape *t, struct node *const *x) { return aenc_op_slice(t, x[0], 0, 0, 1); }
static struct node *far_axis_build(struct tape *t, struct node *const *x) {
    return aenc_op_reduce(t, REDUCE_SUM, x[0], 3, false);
}
static struct node *no_axis_build(struct tape *t, struct node *const *x) { return aenc_op_softmax(t, x[0]); }
static struct node *bad_slice_build(struct tape *t, struct node *const *x) {
    return aenc_op_slice(t, x[0], 1, 1, INT64_MAX);
}
static struct node *bad_clamp_build(struct tape *t, struct node *const *x) { return aenc_op_clamp(t, x[0], 1, -1); }
static struct node *bad_transpose_build(struct tape *t, struct node *const *x) {
    return aenc_op_transpose(t, x[0], (const int[]){1, 0, 2});
}
static struct node *far_transpose_build(struct tape *t, struct node *const *x) {
    return aenc_op_transpose(t, x[0], (const int[]){0, 1, 3});
}
static struct node *negative_transpose_build(struct tape *t, struct node *const *x) {
    return aenc_op_transpose(t, x[0], (const int[]){0, 1, -1});
}
static struct node *bad_repeat_build(struct tape *t, struct node *const *x) { return aenc_op_repeat(t, x[0], 1, 4); }
static struct node *no_concat_build(struct tape *t, struct node *const *x) { return aenc_op_concat(t, x, 0, 1); }
static struct node *deep_build(struct tape *t, struct node *const *x) {
    return aenc_op_reshape(t, x[0], (const int64_t[]){1, 1, 1, 1, 2, 3}, 6);
}
static struct node *negative_build(struct tape *t, struct node *const *x) {
    return aenc_op_reshape(t, x[0], (const int64_t[]){-2, -3}, 2);
}
static struct node *null_build(struct tape *t, struct node *const *x) {
    return aenc_op_add(t, x[0], aenc_op_reshape(t, NULL, NULL, 0));
}

struct refusal_case {
    struct node *(*build)(struct tape *tape, struct node *const *x);
    struct operand operand[OPERANDS];
    aenc_status status;
    const char *says;
};

static const struct refusal_case refusals[] = {
    {add_build, {{KIND_ROW, 1, {3}, {0}}, {KIND_PARAMETER, 1, {2}, {0}}}, AENC_ERR_SHAPE,
     "op 'add': shapes (rows, 3) and (2) do not broadcast"},
    {divide_build, {{KIND_ROW, 2, {2, 3}, {0}}, {KIND_ROW, 2, {3, 3}, {0}}}, AENC_ERR_SHAPE,
     "shapes (rows, 2, 3) and (rows, 3, 3) do not broadcast"},
    {bad_axis_build, {{KIND_ROW, 2, {2, 3}, {0}}}, AENC_ERR_SHAPE, "axis 0 of shape (rows, 2, 3): it must be 1 to 2"},
    {far_axis_build, {{KIND_ROW, 2, {2, 3}, {0}}}, AENC_ERR_SHAPE, "axis 3 of shape (rows, 2, 3): it must be 1 to 2"},
    {no_axis_build, {{KIND_ROW, 0, {0}, {0}}}, AENC_ERR_SHAPE, "shape (rows): it has none"},
    {bad_slice_build, {{KIND_ROW, 1, {3}, {0}}}, AENC_ERR_SHAPE, "from 1 on, and axis 1 has 3"},
    {bad_clamp_build, {{KIND_ROW, 1, {3}, {0}}}, AENC_ERR_ARGUMENT, "low is 1, and high is -1"},
    {bad_transpose_build, {{KIND_ROW, 2, {2, 3}, {0}}},
     AENC_ERR_SHAPE, "axis 1 of shape (rows, 2, 3) cannot stand in place 0"},
    {far_transpose_build, {{KIND_ROW, 2, {2, 3}, {0}}},
     AENC_ERR_SHAPE, "axis 3 of shape (rows, 2, 3) cannot stand in place 2"},
    {negative_transpose_build, {{KIND_ROW, 2, {2, 3}, {0}}},
     AENC_ERR_SHAPE, "axis -1 of shape (rows, 2, 3) cannot stand in place 2"},
    {bad_repeat_build, {{KIND_ROW, 1, {3}, {0}}}, AENC_ERR_SHAPE, "axis 1 of shape (rows, 3) cannot become 4"},
    {concat_build, {{KIND_ROW, 2, {2, 3}, {0}}, {KIND_ROW, 2, {2, 2}, {0}}}, AENC_ERR_SHAPE,
     "shapes (rows, 2, 3) and (rows, 2, 2) do not fit along axis 1"},
    {concat_build, {{KIND_ROW, 1, {3}, {0}}, {KIND_PARAMETER, 1, {3}, {0}}}, AENC_ERR_SHAPE, "do not fit"},
    {no_concat_build, {{KIND_ROW, 1, {3}, {0}}}, AENC_ERR_ARGUMENT, "0 operands"},
    {reshape_build, {{KIND_ROW, 1, {5}, {0}}},
     AENC_ERR_SHAPE, "(rows, 5) does not hold as many numbers as (rows, 3, 2)"},
    {deep_build, {{KIND_ROW, 1, {6}, {0}}}, AENC_ERR_SHAPE, "6 axes; there may be 5"},
    {negative_build, {{KIND_ROW, 1, {6}, {0}}}, AENC_ERR_SHAPE, "does not hold as many"},
    {batch_sum_build, {{KIND_PARAMETER, 1, {3}, {0}}}, AENC_ERR_SHAPE, "op 'batch_sum': shape (3) has no rows"},
    {null_build, {{KIND_ROW, 1, {3}, {0}}}, AENC_ERR_ARGUMENT, "operand 0 is NULL"},
};

static void test_refusal(aenc_context *ctx, const struct refusal_case *c) {
    struct bench b = {.ctx = ctx};
    bench_record(&b, c->operand);
    CHECK(c->build(&b.tape, b.in) == NULL);
    CHECK_STATUS(ctx, b.tape.status, c->status);
    if (!CHECK(strstr(aenc_message(ctx), c->says) != NULL))
        fprintf(stderr, "  got '%s', want '%s'\n", aenc_message(ctx), c->says);
    bench_free(&b);
}

int main(void) {
    aenc_context *ctx = NULL;
    if (!CHECK(aenc_context_create(NULL, &ctx) == AENC_OK)) return check_finish();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) test_value(ctx, &values[i]);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) test_refusal(ctx, &refusals[i]);
    aenc_context_free(ctx);
    return check_finish();
}
