/* columns_test.c - products cut by columns: the numbers of more rows, which are not cut, the same bits with any number of
 * workers, and nothing read that was not written. In both builds: in float the cut products have kernels of their own.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "math/blas.h"
#include "op/builders.h"
#include "tape/run.h"

/* Two weights are cut for up to 128 rows, the third for up to 512; no width is a multiple of what is cut off at a time. */
enum { IN = 300, MIDDLE = 260, OUT = 283, WIDE = 1010, RESULTS = 3 };
enum { BIAS_AT = IN * MIDDLE, SECOND_AT = BIAS_AT + MIDDLE, LAST_AT = SECOND_AT + OUT * MIDDLE, THIRD_AT = LAST_AT + OUT };
enum { PARAMETERS = THIRD_AT + WIDE * MIDDLE, LIVE_MOST = 300, MANY = 520, CAPACITY = 600 };

static const int64_t width[RESULTS] = {IN, OUT, WIDE};

struct world {
    aenc_context *ctx;
    num *parameter;
    const float *data, *weight; /* CAPACITY rows */
};

/* What one replay leaves behind. */
struct result {
    num *value[RESULTS], *gradient; /* (counting rows, width), (PARAMETERS) */
};

/* Values by way of the first weight, and then the same transposed and others; their gradients meet at the first layer. */
static void record(struct tape *tape, struct node *y[RESULTS]) {
    int64_t dims[1] = {IN};
    struct node *x = aenc_tape_input(tape, "input", dims, 1);
    struct node *first = aenc_tape_parameter(tape, "first", (struct shape){2, {MIDDLE, IN}}, 0, true);
    struct node *bias = aenc_tape_parameter(tape, "bias", (struct shape){1, {MIDDLE}}, BIAS_AT, true);
    struct node *second = aenc_tape_parameter(tape, "second", (struct shape){2, {OUT, MIDDLE}}, SECOND_AT, true);
    struct node *last = aenc_tape_parameter(tape, "last", (struct shape){1, {OUT}}, LAST_AT, true);
    struct node *third = aenc_tape_parameter(tape, "third", (struct shape){2, {WIDE, MIDDLE}}, THIRD_AT, true);
    struct node *code = aenc_op_dense(tape, x, first, bias, false, FUNCTION_TANH, 0);
    y[0] = aenc_op_dense(tape, code, first, NULL, true, FUNCTION_IDENTITY, 0);
    y[1] = aenc_op_dense(tape, code, second, last, false, FUNCTION_SIGMOID, 0);
    y[2] = aenc_op_dense(tape, code, third, NULL, false, FUNCTION_RELU, 0);
    for (int i = 0; i < RESULTS; i++) {
        static const char *const name[RESULTS] = {"tied", "second", "third"};
        aenc_tape_output(tape, y[i]);
        aenc_tape_term(tape, name[i], aenc_op_row_sum(tape, aenc_op_multiply(tape, y[i], y[i])), 1, NULL);
    }
}

static int64_t column_stages(const struct plan *plan) {
    int64_t count = 0;
    for (size_t i = 0; i < plan->stage_count; i++) count += plan->stage[i].kind == STAGE_COLUMNS;
    return count;
}

static void garbage(num *at, int64_t count) {
    for (int64_t i = 0; i < count; i++) at[i] = (num)NAN;
}

static atomic_int narrow; /* products of as few columns as are cut off at a time */

static void spy(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda, const num *b,
                int64_t ldb, num beta, num *c, int64_t ldc) {
    if (n <= 47) atomic_fetch_add(&narrow, 1);
    aenc_blas_product()(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

/* Rows from `counting` on have weight 0. */
static void replay(const struct world *world, int64_t counting, int64_t live, int workers, struct result *out) {
    float weight[CAPACITY] = {0};
    struct tape tape;
    struct plan plan;
    struct run run;
    struct node *y[RESULTS];
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY - 10 * workers, &tape); /* of which nothing may depend */
    record(&tape, y);
    for (int i = 0; i < RESULTS; i++) aenc_tape_output(&tape, y[i]);
    CHECK_STATUS(world->ctx, aenc_plan_create(&tape, true, &plan), AENC_OK);
    CHECK(column_stages(&plan) == 7); /* four layers forward, three of them backward */
    aenc_pool_free(world->ctx, world->ctx->pool);
    CHECK_STATUS(world->ctx, aenc_pool_create(world->ctx, workers, &world->ctx->pool), AENC_OK);
    CHECK_STATUS(world->ctx, aenc_run_create(world->ctx, &plan, &run), AENC_OK);
    run.block[SLOT_PARAMETER] = world->parameter;
    run.block[SLOT_PARAMETER_GRADIENT] = out->gradient;
    run.binding[0] = (struct binding){.source = world->data, .stride = IN};
    run.gemm = spy;
    run.weight = weight;
    run.live[0] = live;
    for (int64_t r = 0; r < counting; r++) run.weight_total += (double)(weight[r] = world->weight[r]);
    garbage(run.block[SLOT_ACTIVATION], plan.size[SLOT_ACTIVATION]);
    garbage(run.block[SLOT_GRADIENT], plan.size[SLOT_GRADIENT]);
    garbage(run.block[SLOT_WORKER], plan.size[SLOT_WORKER] * run.worker_blocks);
    garbage(out->gradient, PARAMETERS);
    narrow = 0;
    aenc_run_replay(&run, world->ctx->pool);
    /* 260, 300 and 283 columns forward, 260 twice backward, the last ones 36, 44 and 27; and 1010, 260 of the third */
    int few = live >= 8 && live <= 128 ? 8 + 9 + 9 + 8 + 8 : 0, third = live >= 8 && live <= 512 ? 32 + 8 : 0;
    CHECK(narrow == few + third);
    for (int i = 0; i < RESULTS; i++)
        memcpy(out->value[i], aenc_value(&run, y[i]), (size_t)(counting * aenc_node_row_size(y[i])) * sizeof(num));
    aenc_run_free(world->ctx, &run);
    aenc_plan_free(&plan);
    aenc_tape_free(&tape);
}

static double apart(const num *a, const num *b, int64_t count) {
    double largest = 0, most = 0;
    for (int64_t i = 0; i < count; i++) {
        double gap = fabs((double)a[i] - (double)b[i]), size = fabs((double)b[i]);
        if (isnan(gap)) return INFINITY;
        if (gap > largest) largest = gap;
        if (size > most) most = size;
    }
    return largest / most;
}

/* results: room for three */
static void compare(const struct world *world, int64_t live, struct result *results) {
    const double tolerance = sizeof(num) == sizeof(float) ? 1e-5 : 1e-13;
    struct result *rows = &results[0], *cut = &results[1], *again = &results[2];
    replay(world, live, MANY, 1, rows);
    replay(world, live, live, 1, cut);
    for (int i = 0; i < RESULTS; i++) CHECK(apart(cut->value[i], rows->value[i], live * width[i]) < tolerance);
    CHECK(apart(cut->gradient, rows->gradient, PARAMETERS) < tolerance);
    for (int workers = 2; workers <= 5; workers++) {
        replay(world, live, live, workers, again);
        for (int i = 0; i < RESULTS; i++)
            CHECK(memcmp(again->value[i], cut->value[i], (size_t)(live * width[i]) * sizeof(num)) == 0);
        CHECK(memcmp(again->gradient, cut->gradient, PARAMETERS * sizeof(num)) == 0);
    }
}

static num *numbers(int64_t count) {
    num *at = calloc((size_t)count, sizeof *at);
    if (!CHECK(at != NULL)) exit(check_finish());
    return at;
}

static struct result result_create(void) {
    struct result result = {.gradient = numbers(PARAMETERS)};
    for (int i = 0; i < RESULTS; i++) result.value[i] = numbers(LIVE_MOST * width[i]);
    return result;
}

static void result_free(struct result *result) {
    for (int i = 0; i < RESULTS; i++) free(result->value[i]);
    free(result->gradient);
}

int main(void) {
    static float data[CAPACITY * IN], weight[CAPACITY];
    struct world world = {.parameter = numbers(PARAMETERS), .data = data, .weight = weight};
    aenc_context_options options = {.struct_size = sizeof options};
    if (!CHECK(aenc_context_create(&options, &world.ctx) == AENC_OK)) return check_finish();
    for (int64_t i = 0; i < PARAMETERS; i++) world.parameter[i] = (num)0.1 * (num)((i * 37 % 101) - 50) / 50;
    for (int64_t i = 0; i < CAPACITY * IN; i++) data[i] = (float)(i * 53 % 97) / 97.0f;
    for (int64_t i = 0; i < CAPACITY; i++) weight[i] = 0.5f + 0.25f * (float)(i % 3);
    struct result result[3] = {result_create(), result_create(), result_create()};
    const int64_t live[] = {300, 128, 33, 8, 7};
    for (size_t i = 0; i < sizeof live / sizeof *live; i++) compare(&world, live[i], result);
    for (int i = 0; i < 3; i++) result_free(&result[i]);
    free(world.parameter);
    aenc_context_free(world.ctx);
    return check_finish();
}
