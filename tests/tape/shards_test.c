/* shards_test.c - what follows from shapes: the rows of a shard, scratch of each worker, and sums over the rows by tile. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "op/builders.h"
#include "tape/run.h"

enum { CAPACITY = 23, LIVE = 21, WIDTH = 6, WIDE = 512, PARAMETERS = 4096 };

/* ---- Rows of a shard ---- */

/* lines: per row of a product; single: one of single rows beside it. */
static int64_t shard_rows(aenc_context *ctx, int64_t lines, bool single, bool training) {
    struct tape tape;
    struct plan plan;
    int64_t dims[] = {lines, WIDTH};
    struct shape shape = {2, {2, WIDTH}}, flat = {2, {2, 2 * lines}};
    aenc_tape_create(ctx, MODE_TRAIN, CAPACITY, &tape);
    struct node *x = aenc_tape_input(&tape, "input", dims, 2);
    struct node *w = aenc_tape_parameter(&tape, "w", shape, 0, true), *v = aenc_tape_parameter(&tape, "v", flat, 64, true);
    struct node *y = aenc_op_dense(&tape, x, w, NULL, false, FUNCTION_IDENTITY, 0);
    if (single) y = aenc_op_dense(&tape, aenc_op_flatten(&tape, y), v, NULL, false, FUNCTION_IDENTITY, 0);
    aenc_tape_term(&tape, "loss", aenc_op_row_sum(&tape, y), 1, NULL);
    CHECK_STATUS(ctx, aenc_plan_create(&tape, training, &plan), AENC_OK);
    int64_t rows = plan.shard_rows[0];
    aenc_plan_free(&plan);
    aenc_tape_free(&tape);
    return rows;
}

static void test_rows(aenc_context *ctx) {
    CHECK(shard_rows(ctx, 1, true, true) == 64);
    CHECK(shard_rows(ctx, 4, false, true) == 16);
    CHECK(shard_rows(ctx, 4, true, true) == 16);
    CHECK(shard_rows(ctx, 100, false, true) == 1);
    CHECK(shard_rows(ctx, 100, true, true) == 8);
}

/* ---- Scratch: each row reversed through it, which shows when two workers share it ---- */

static aenc_status reverse_infer(struct tape *tape, struct node *n) {
    (void)tape;
    n->kind = NODE_ROW;
    n->shape = n->in[0]->shape;
    return AENC_OK;
}

static void reverse(num *to, const num *from, bool add, const struct run *run) {
    const struct timespec nap = {0, 50000}; /* another worker comes between */
    for (int i = 0; i < WIDTH; i++) run->scratch[i] = from[WIDTH - 1 - i];
    nanosleep(&nap, NULL);
    for (int i = 0; i < WIDTH; i++) to[i] = (add ? to[i] : 0) + run->scratch[i];
}

static void reverse_forward(const struct node *n, struct span rows, const struct run *run) {
    for (int64_t r = rows.lo; r < rows.hi; r++)
        reverse(aenc_value(run, n) + r * WIDTH, aenc_value(run, n->in[0]) + r * WIDTH, false, run);
}

static void reverse_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    (void)operand;
    for (int64_t r = s.lo; r < s.hi; r++, dx += WIDTH) reverse(dx, aenc_gradient(run, n) + r * WIDTH, add, run);
}

static int64_t reverse_scratch(const struct node *n) {
    (void)n;
    return WIDTH;
}

static const struct op_talents reverse_talents = {.scratch = reverse_scratch};
static const struct op reverse_op = {.name = "reverse", .arity = 1, .infer = reverse_infer, .forward = reverse_forward,
                                     .gradient = reverse_gradient, .talents = &reverse_talents};

/* ---- One replay ---- */

struct world {
    aenc_context *ctx;
    num parameter[PARAMETERS], gradient[PARAMETERS];
    float data[CAPACITY * WIDE];
};

static void replay(struct world *world, struct tape *tape, bool training, int64_t width, int workers, struct plan *plan,
                   struct run *run) {
    aenc_context *ctx = world->ctx;
    aenc_pool_free(ctx, ctx->pool);
    CHECK_STATUS(ctx, aenc_pool_create(ctx, workers, &ctx->pool), AENC_OK);
    tape->shard_rows[0] = 2;
    CHECK_STATUS(ctx, aenc_plan_create(tape, training, plan), AENC_OK);
    CHECK_STATUS(ctx, aenc_run_create(ctx, plan, run), AENC_OK);
    run->block[SLOT_PARAMETER] = world->parameter;
    run->block[SLOT_PARAMETER_GRADIENT] = world->gradient;
    run->binding[0] = (struct binding){.source = world->data, .stride = width};
    run->weight_total = LIVE;
    run->live[0] = LIVE;
    aenc_run_replay(run, ctx->pool);
}

static void test_scratch(struct world *world, bool training, int workers) {
    struct tape tape;
    struct plan plan;
    struct run run;
    int64_t dims[] = {WIDTH};
    struct shape shape = {1, {WIDTH}};
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    struct node *x = aenc_tape_input(&tape, "input", dims, 1), *w = aenc_tape_parameter(&tape, "w", shape, 0, true);
    struct node *scaled = aenc_op_multiply(&tape, x, w), *y = aenc_tape_record(&tape, &reverse_op, &scaled, 1, NULL, 0);
    aenc_tape_term(&tape, "loss", aenc_op_row_sum(&tape, aenc_op_multiply(&tape, y, w)), 1, NULL);
    aenc_tape_output(&tape, y);
    replay(world, &tape, training, WIDTH, workers, &plan, &run);
    CHECK(plan.scratch_size >= WIDTH && run.workers == (training ? workers : 1));
    for (int64_t i = 0; i < LIVE * WIDTH; i++) {
        int64_t c = i % WIDTH, from = i - c + WIDTH - 1 - c;
        CHECK(aenc_value(&run, y)[i] == (num)world->data[from] * world->parameter[WIDTH - 1 - c]);
    }
    /* the sum over rows of x_c w_c w_-c, by w_c: of both products */
    for (int c = 0; c < WIDTH && training; c++) {
        double sum = 0;
        for (int64_t r = 0; r < LIVE; r++)
            sum += ((double)world->data[r * WIDTH + c] + (double)world->data[r * WIDTH + WIDTH - 1 - c]) *
                   (double)world->parameter[WIDTH - 1 - c];
        CHECK_NEAR(world->gradient[c], sum, 1e-12);
    }
    aenc_run_free(world->ctx, &run);
    aenc_plan_free(&plan);
    aenc_tape_free(&tape);
}

/* ---- Wide sums ---- */

static void test_wide(struct world *world, int64_t width, int workers, num *out) {
    struct tape tape;
    struct plan plan;
    struct run run;
    int64_t dims[] = {width};
    struct shape scalar = {0, {0}};
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    struct node *x = aenc_tape_input(&tape, "input", dims, 1), *w = aenc_tape_parameter(&tape, "w", scalar, 0, true);
    struct node *s = aenc_op_batch_products(&tape, aenc_op_multiply(&tape, x, w));
    aenc_tape_term(&tape, "trace", aenc_op_square_sum(&tape, s), 1, NULL);
    aenc_tape_output(&tape, s);
    replay(world, &tape, true, width, workers, &plan, &run);
    CHECK((plan.part_size == 0) == (width >= WIDE));
    double square = (double)world->parameter[0] * (double)world->parameter[0], total = 0;
    for (int64_t i = 0; i < width * width; i++) {
        double sum = 0;
        for (int64_t r = 0; r < LIVE; r++)
            sum += (double)world->data[r * width + i / width] * (double)world->data[r * width + i % width];
        out[i] = aenc_value(&run, s)[i];
        if (fabs((double)out[i] - square * sum) > 1e-11) CHECK(false);
        total += square * square * sum * sum;
    }
    CHECK_NEAR(aenc_run_term(&run, &tape.term[0]), LIVE * total, 1e-9 * total);
    CHECK_NEAR(world->gradient[0], LIVE * 4 * total / (double)world->parameter[0], 1e-8 * total);
    aenc_run_free(world->ctx, &run);
    aenc_plan_free(&plan);
    aenc_tape_free(&tape);
}

int main(void) {
    struct world *world = calloc(1, sizeof *world);
    num *s[2] = {calloc(WIDE * WIDE, sizeof(num)), calloc(WIDE * WIDE, sizeof(num))};
    aenc_context_options options = {.struct_size = sizeof options};
    if (!CHECK(world != NULL && s[0] != NULL && s[1] != NULL)) return check_finish();
    if (!CHECK(aenc_context_create(&options, &world->ctx) == AENC_OK)) return check_finish();
    for (int i = 0; i < PARAMETERS; i++) world->parameter[i] = (num)0.125 * (num)(i * 7 % 11 - 4);
    for (int i = 0; i < CAPACITY * WIDE; i++) world->data[i] = (float)(i * 5 % 13 - 6) / 16;
    test_rows(world->ctx);
    for (int workers = 1; workers <= 3; workers++) {
        test_scratch(world, true, workers);
        test_scratch(world, false, workers);
        test_wide(world, WIDTH, workers, s[1]);
        test_wide(world, WIDE, workers, s[workers > 1]);
        CHECK(workers == 1 || memcmp(s[0], s[1], WIDE * WIDE * sizeof(num)) == 0);
    }
    aenc_context_free(world->ctx);
    free(s[0]);
    free(s[1]);
    free(world);
    return check_finish();
}
