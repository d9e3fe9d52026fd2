/* spans_test.c - the tape's contract with ops of every span, in double: what the plan promises to ops that see the whole
 * batch, to batch terms and row weights, to partial writers and views, with several shards and fewer live rows than
 * capacity. Gradients are compared with central differences of the whole objective.
 */
#include <string.h>

#include "check.h"
#include "tape/run.h"

enum { CAPACITY = 11, LIVE = 7, SHARD = 3, WIDTH = 4, PARAMETERS = 64 };

/* ---- Ops for this test: the simplest of each span ---- */

static aenc_status infer_same(struct tape *tape, struct node *n) {
    (void)tape;
    n->kind = n->in[0]->kind;
    n->space = n->in[0]->space;
    n->shape = n->in[0]->shape;
    return AENC_OK;
}

/* y = x * w, w a parameter or a batch node of the row's shape. */
static void scale_forward(const struct node *n, struct span rows, const struct run *run) {
    const num *x = aenc_value(run, n->in[0]), *w = aenc_value(run, n->in[1]);
    num *y = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++)
        for (int64_t c = 0; c < WIDTH; c++) y[r * WIDTH + c] = x[r * WIDTH + c] * w[c];
}
static void scale_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const num *g = aenc_gradient(run, n), *x = aenc_value(run, n->in[0]), *w = aenc_value(run, n->in[1]);
    for (int64_t r = s.lo; r < s.hi && operand == 0; r++, dx += WIDTH)
        for (int64_t c = 0; c < WIDTH; c++) dx[c] = (add ? dx[c] : 0) + g[r * WIDTH + c] * w[c];
    for (int64_t c = s.lo; c < s.hi && operand == 1; c++) {
        num sum = 0;
        for (int64_t r = run->rows.lo; r < run->rows.hi; r++) sum += g[r * WIDTH + c] * x[r * WIDTH + c];
        dx[c - s.lo] = (add ? dx[c - s.lo] : 0) + sum;
    }
}
static bool scale_by_shard(const struct node *n, int operand) {
    (void)n;
    return operand == 1;
}
static const struct op scale_op = {.name = "scale", .arity = 2, .infer = infer_same, .forward = scale_forward,
                                   .gradient = scale_gradient};
static const struct op shard_scale_op = {.name = "shard_scale", .arity = 2, .infer = infer_same,
                                         .forward = scale_forward, .gradient = scale_gradient,
                                         .talents = &(const struct op_talents){.by_shard = scale_by_shard}};

/* SPAN_REDUCE: (rows, WIDTH) to the batch's mean square, (WIDTH). */
static aenc_status infer_reduce(struct tape *tape, struct node *n) {
    (void)tape;
    n->kind = NODE_BATCH;
    n->shape = (struct shape){1, {WIDTH}};
    return AENC_OK;
}
static void reduce_forward(const struct node *n, struct span rows, const struct run *run) {
    const num *x = aenc_value(run, n->in[0]);
    num *part = aenc_part(run, n, run->shard);
    memset(part, 0, WIDTH * sizeof *part);
    for (int64_t r = rows.lo; r < rows.hi; r++)
        for (int64_t c = 0; c < WIDTH; c++) part[c] += x[r * WIDTH + c] * x[r * WIDTH + c];
}
static void reduce_combine(const struct node *n, int64_t shards, const struct run *run) {
    num *y = aenc_value(run, n);
    memset(y, 0, WIDTH * sizeof *y);
    for (int64_t s = 0; s < shards; s++)
        for (int64_t c = 0; c < WIDTH; c++) y[c] += aenc_part(run, n, s)[c] / (num)run->live[0];
}
static void reduce_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    const num *g = aenc_gradient(run, n), *x = aenc_value(run, n->in[operand]);
    for (int64_t r = s.lo; r < s.hi; r++, dx += WIDTH)
        for (int64_t c = 0; c < WIDTH; c++)
            dx[c] = (add ? dx[c] : 0) + 2 * x[r * WIDTH + c] * g[c] / (num)run->live[0];
}
static const struct op reduce_op = {.name = "mean_square", .arity = 1, .span = SPAN_REDUCE, .infer = infer_reduce,
                                    .forward = reduce_forward, .combine = reduce_combine, .gradient = reduce_gradient};

/* SPAN_ALL: y_r = x_r * sum over all rows of x. */
static void all_forward(const struct node *n, struct span rows, const struct run *run) {
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n);
    for (int64_t c = 0; c < WIDTH; c++) {
        num sum = 0;
        for (int64_t r = 0; r < run->live[0]; r++) sum += x[r * WIDTH + c];
        for (int64_t r = rows.lo; r < rows.hi; r++) y[r * WIDTH + c] = x[r * WIDTH + c] * sum;
    }
}
static void all_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const num *g = aenc_gradient(run, n), *x = aenc_value(run, n->in[operand]);
    for (int64_t c = 0; c < WIDTH; c++) {
        num sum = 0, dot = 0;
        for (int64_t r = 0; r < run->live[0]; r++) sum += x[r * WIDTH + c], dot += x[r * WIDTH + c] * g[r * WIDTH + c];
        for (int64_t r = s.lo; r < s.hi; r++) {
            num *to = dx + (r - s.lo) * WIDTH + c;
            *to = (add ? *to : 0) + g[r * WIDTH + c] * sum + dot;
        }
    }
}
static const struct op all_op = {.name = "times_sum", .arity = 1, .span = SPAN_ALL, .infer = infer_same,
                                 .forward = all_forward, .gradient = all_gradient};

/* SPAN_SERIAL: the rows in reverse order. */
static void serial_forward(const struct node *n, struct span rows, const struct run *run) {
    CHECK(rows.lo == 0 && rows.hi == run->live[0]);
    for (int64_t r = 0; r < rows.hi; r++)
        memcpy(aenc_value(run, n) + r * WIDTH, aenc_value(run, n->in[0]) + (rows.hi - 1 - r) * WIDTH,
               WIDTH * sizeof(num));
}
static void serial_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    (void)operand;
    CHECK(s.lo == 0 && s.hi == run->live[0]);
    for (int64_t r = 0; r < s.hi; r++)
        for (int64_t c = 0; c < WIDTH; c++) {
            num *to = dx + (s.hi - 1 - r) * WIDTH + c;
            *to = (add ? *to : 0) + aenc_gradient(run, n)[r * WIDTH + c];
        }
}
static const struct op serial_op = {.name = "reverse", .arity = 1, .span = SPAN_SERIAL, .infer = infer_same,
                                    .forward = serial_forward, .gradient = serial_gradient};

/* Partial: only the first column, to (rows). */
static aenc_status infer_rows(struct tape *tape, struct node *n) {
    (void)tape;
    n->kind = NODE_ROW;
    n->shape = (struct shape){1, {n->in[0]->shape.dim[0]}};
    return AENC_OK;
}
static void first_forward(const struct node *n, struct span rows, const struct run *run) {
    for (int64_t r = rows.lo; r < rows.hi; r++) aenc_value(run, n)[r] = aenc_value(run, n->in[0])[r * WIDTH];
}
static void first_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    (void)operand;
    CHECK(add);
    for (int64_t r = s.lo; r < s.hi; r++) dx[(r - s.lo) * WIDTH] += aenc_gradient(run, n)[r];
}
static const struct op first_op = {.name = "first", .arity = 1, .partial = true, .infer = infer_rows,
                                   .forward = first_forward, .gradient = first_gradient};

/* Sum of squares of a row, to (rows); of a batch node, to a scalar. */
static aenc_status infer_sum(struct tape *tape, struct node *n) {
    if (n->in[0]->kind == NODE_ROW) return infer_rows(tape, n);
    n->kind = NODE_BATCH;
    n->shape = (struct shape){0, {0}};
    return AENC_OK;
}
static void sum_forward(const struct node *n, struct span rows, const struct run *run) {
    if (n->kind == NODE_BATCH) rows = (struct span){0, 1};
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        num sum = 0;
        for (int64_t c = 0; c < WIDTH; c++) sum += aenc_value(run, n->in[0])[r * WIDTH + c] * aenc_value(run, n->in[0])[r * WIDTH + c];
        aenc_value(run, n)[r] = sum;
    }
}
static void sum_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const num *x = aenc_value(run, n->in[operand]), *g = aenc_gradient(run, n);
    if (n->kind == NODE_BATCH) CHECK(s.lo == 0 && s.hi == WIDTH);
    if (n->kind == NODE_BATCH) s = (struct span){0, 1};
    for (int64_t r = s.lo; r < s.hi; r++, dx += WIDTH)
        for (int64_t c = 0; c < WIDTH; c++) dx[c] = (add ? dx[c] : 0) + 2 * x[r * WIDTH + c] * g[r];
}
static const struct op sum_op = {.name = "square_sum", .arity = 1, .infer = infer_sum, .forward = sum_forward,
                                 .gradient = sum_gradient};

static const struct op view_op = {.name = "view", .arity = 1, .view = true, .infer = infer_same};
static const struct op blind_op = {.name = "blind", .arity = 1, .infer = infer_same, .forward = serial_forward};

/* ---- One objective with everything in it ---- */

struct world {
    aenc_context *ctx;
    struct pool *pool; /* the context's */
    num parameter[PARAMETERS], gradient[PARAMETERS], state[PARAMETERS], step[4];
    float data[CAPACITY * WIDTH], weight[CAPACITY];
};

static const struct shape row_shape = {1, {WIDTH}};

static struct node *record(struct tape *tape, const struct op *op, struct node *a, struct node *b) {
    struct node *in[2] = {a, b};
    return aenc_tape_record(tape, op, in, b == NULL ? 1 : 2, NULL, 0);
}

static void record_everything(struct tape *tape) {
    int64_t dims[1] = {WIDTH};
    struct node *x = aenc_tape_input(tape, "input", dims, 1);
    struct node *v = aenc_tape_parameter(tape, "v", row_shape, 0, true);
    struct node *w = aenc_tape_parameter(tape, "w", row_shape, 16, true);
    struct node *u = aenc_tape_parameter(tape, "u", row_shape, 32, true);
    struct node *frozen = aenc_tape_parameter(tape, "frozen", row_shape, 48, false);
    struct node *running = aenc_tape_state(tape, "running", row_shape, 0);
    struct node *kl = aenc_tape_step_value(tape, "kl", 1);
    struct node *a = record(tape, &scale_op, x, v);
    record(tape, &blind_op, a, NULL); /* reached by nothing: must not be run */
    struct node *b = record(tape, &shard_scale_op, a, w);
    struct node *square = record(tape, &reduce_op, b, NULL);
    aenc_tape_stage(tape, running, square);
    struct node *c = record(tape, &scale_op, record(tape, &view_op, b, NULL), square); /* rows read a batch node */
    struct node *d = record(tape, &all_op, c, NULL);
    struct node *e = record(tape, &serial_op, record(tape, &scale_op, d, u), NULL);
    struct node *f = record(tape, &scale_op, record(tape, &scale_op, e, v), frozen); /* v a second time */
    aenc_tape_term(tape, "rows", record(tape, &sum_op, f, NULL), 0.5, NULL);
    aenc_tape_term(tape, "first", record(tape, &first_op, b, NULL), 3, kl);
    aenc_tape_term(tape, "batch", record(tape, &sum_op, square, NULL), 0.25, NULL);
    aenc_tape_term(tape, "decay", record(tape, &sum_op, w, NULL), 0.125, NULL);
}

static void world_fill(struct world *world) {
    for (int i = 0; i < PARAMETERS; i++) world->parameter[i] = 0.5 + 0.11 * (i % 7);
    for (int i = 0; i < CAPACITY * WIDTH; i++) world->data[i] = (float)(0.3 + 0.07 * ((i * 5) % 13));
    for (int i = 0; i < CAPACITY; i++) world->weight[i] = (float)(0.5 + 0.25 * (i % 3));
    world->step[1] = 0.75;
}

static void run_bind(struct world *world, struct run *run) {
    run->block[SLOT_PARAMETER] = world->parameter;
    run->block[SLOT_PARAMETER_GRADIENT] = world->gradient;
    run->block[SLOT_STATE] = world->state;
    run->block[SLOT_STEP] = world->step;
    run->binding[0] = (struct binding){.source = world->data, .stride = WIDTH};
    run->weight = world->weight;
    run->weight_total = 0;
    run->live[0] = LIVE;
    for (int r = 0; r < LIVE; r++) run->weight_total += (double)world->weight[r];
}

static double objective(const struct run *run) {
    double sum = 0;
    for (size_t i = 0; i < run->plan->tape->term_count; i++) sum += aenc_run_term(run, &run->plan->tape->term[i]);
    return sum;
}

/* Every byte that the plan should assign is garbage before. */
static void garbage(struct run *run) {
    const struct plan *plan = run->plan;
    for (int64_t i = 0; i < plan->size[SLOT_GRADIENT]; i++) run->block[SLOT_GRADIENT][i] = NAN;
    for (int64_t i = 0; i < plan->size[SLOT_ACTIVATION]; i++) run->block[SLOT_ACTIVATION][i] = NAN;
    for (int64_t i = 0; i < plan->size[SLOT_WORKER] * run->worker_blocks; i++) run->block[SLOT_WORKER][i] = NAN;
    for (int64_t i = 0; i < plan->part_size; i++) run->part[i] = NAN;
}

static void test_gradients(struct world *world) {
    struct tape tape;
    struct plan plan;
    struct run run;
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    record_everything(&tape);
    tape.shard_rows[0] = SHARD;
    CHECK_STATUS(world->ctx, aenc_plan_create(&tape, true, &plan), AENC_OK);
    CHECK_STATUS(world->ctx, aenc_run_create(world->ctx, &plan, &run), AENC_OK);
    run_bind(world, &run);
    garbage(&run);
    for (int i = 0; i < PARAMETERS; i++) world->gradient[i] = NAN;
    aenc_run_replay(&run, world->pool);
    num gradient[PARAMETERS];
    memcpy(gradient, world->gradient, sizeof gradient);
    const int at[3] = {0, 16, 32};
    for (int k = 0; k < 3; k++)
        for (int c = 0; c < WIDTH; c++) {
            num *p = &world->parameter[at[k] + c], keep = *p;
            const double h = 1e-5;
            *p = keep + h;
            aenc_run_replay(&run, world->pool);
            double above = objective(&run);
            *p = keep - h;
            aenc_run_replay(&run, world->pool);
            double below = objective(&run);
            *p = keep;
            double want = (above - below) / (2 * h);
            CHECK_NEAR(gradient[at[k] + c], want, 1e-7 * fabs(want) + 1e-7);
        }
    CHECK(gradient[48] != gradient[48]); /* frozen: never written */
    aenc_run_free(world->ctx, &run);
    aenc_plan_free(&plan);
    aenc_tape_free(&tape);
}

/* Inference with reused memory computes the same terms as training with all of it, with one shard and with several. */
static void test_inference(struct world *world, int64_t shard) {
    double value[2];
    int64_t size[2];
    for (int training = 0; training < 2; training++) {
        struct tape tape;
        struct plan plan;
        struct run run;
        aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
        record_everything(&tape);
        tape.shard_rows[0] = shard;
        tape.keep = training != 0;
        CHECK_STATUS(world->ctx, aenc_plan_create(&tape, training, &plan), AENC_OK);
        CHECK_STATUS(world->ctx, aenc_run_create(world->ctx, &plan, &run), AENC_OK);
        run_bind(world, &run);
        garbage(&run);
        aenc_run_replay(&run, NULL);
        value[training] = objective(&run);
        size[training] = plan.size[SLOT_ACTIVATION];
        aenc_run_free(world->ctx, &run);
        aenc_plan_free(&plan);
        aenc_tape_free(&tape);
    }
    CHECK(value[0] == value[1]);
    CHECK(size[0] < size[1]);
}

/* One replay from garbage: gradients to `gradient`, the first node that is not finite to *bad (-1: none). */
static int64_t replay_memory(struct world *world, bool keep, num *gradient, int *bad) {
    struct tape tape;
    struct plan plan;
    struct run run;
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    record_everything(&tape);
    tape.shard_rows[0] = SHARD;
    tape.keep = keep;
    CHECK_STATUS(world->ctx, aenc_plan_create(&tape, true, &plan), AENC_OK);
    CHECK_STATUS(world->ctx, aenc_run_create(world->ctx, &plan, &run), AENC_OK);
    run_bind(world, &run);
    garbage(&run);
    aenc_run_replay(&run, world->pool);
    memcpy(gradient, world->gradient, sizeof world->gradient);
    const struct node *n = aenc_run_first_bad(&run);
    *bad = n == NULL ? -1 : n->index;
    int64_t size = plan.size[SLOT_ACTIVATION] + plan.size[SLOT_GRADIENT];
    CHECK((plan.size[SLOT_WORKER] > 0) == !keep);
    aenc_run_free(world->ctx, &run);
    aenc_plan_free(&plan);
    aenc_tape_free(&tape);
    return size;
}

/* What one stage alone touches lies in the workers' memory: the same bits with less, and bad values are found as
 * before. */
static void test_worker_memory(struct world *world) {
    num all[PARAMETERS], less[PARAMETERS], before = world->parameter[33];
    int bad[2];
    for (int i = 0; i < PARAMETERS; i++) world->gradient[i] = 0;
    int64_t kept = replay_memory(world, true, all, &bad[0]), reused = replay_memory(world, false, less, &bad[1]);
    CHECK(reused < kept);
    CHECK(memcmp(all, less, sizeof all) == 0);
    CHECK(bad[0] == -1 && bad[1] == -1);
    world->parameter[33] = INFINITY; /* u */
    replay_memory(world, true, all, &bad[0]);
    replay_memory(world, false, less, &bad[1]);
    CHECK(bad[0] > 0 && bad[0] == bad[1]);
    world->parameter[33] = before;
}

static void test_no_gradient(struct world *world) {
    struct tape tape;
    struct plan plan;
    int64_t dims[1] = {WIDTH};
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    struct node *x = aenc_tape_input(&tape, "input", dims, 1);
    struct node *v = aenc_tape_parameter(&tape, "v", row_shape, 0, true);
    struct node *blind = record(&tape, &blind_op, record(&tape, &scale_op, x, v), NULL);
    aenc_tape_term(&tape, "loss", record(&tape, &sum_op, blind, NULL), 1, NULL);
    CHECK_STATUS(world->ctx, aenc_plan_create(&tape, true, &plan), AENC_ERR_NO_GRADIENT);
    CHECK(strstr(aenc_message(world->ctx), "'blind'") != NULL);
    aenc_tape_free(&tape);
}

static void test_sticky(struct world *world) {
    struct tape tape;
    struct plan plan;
    int64_t dims[1] = {WIDTH};
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    struct node *x = aenc_tape_input(&tape, "input", dims, 1);
    CHECK(record(&tape, &scale_op, x, NULL) == NULL); /* one operand instead of two */
    CHECK(tape.status == AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(world->ctx), "'scale'") != NULL);
    CHECK(record(&tape, &view_op, x, NULL) == NULL); /* sticky, though nothing is wrong with it */
    aenc_tape_term(&tape, "loss", NULL, 1, NULL);
    CHECK(aenc_plan_create(&tape, true, &plan) == AENC_ERR_ARGUMENT);
    aenc_tape_free(&tape);
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    int64_t huge[3] = {INT64_MAX / 2, 8, 8};
    x = aenc_tape_input(&tape, "input", huge, 3);
    CHECK(record(&tape, &view_op, x, NULL) == NULL);
    CHECK(tape.status == AENC_ERR_SHAPE);
    aenc_tape_free(&tape);
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
    x = aenc_tape_input(&tape, "input", dims, 1);
    aenc_tape_term(&tape, "loss", x, 1, NULL);
    CHECK(tape.status == AENC_ERR_SHAPE && strstr(aenc_message(world->ctx), "(rows, 4)") != NULL);
    aenc_tape_free(&tape);
}

int main(void) {
    struct world world;
    memset(&world, 0, sizeof world);
    aenc_context_options options = {.struct_size = sizeof options};
    if (!CHECK(aenc_context_create(&options, &world.ctx) == AENC_OK)) return check_finish();
    world_fill(&world);
    for (int workers = 1; workers <= 3; workers++) {
        aenc_pool_free(world.ctx, world.ctx->pool);
        CHECK_STATUS(world.ctx, aenc_pool_create(world.ctx, workers, &world.ctx->pool), AENC_OK);
        world.pool = world.ctx->pool;
        test_gradients(&world);
        test_worker_memory(&world);
    }
    test_inference(&world, CAPACITY);
    test_inference(&world, SHARD);
    test_no_gradient(&world);
    test_sticky(&world);
    aenc_context_free(world.ctx);
    return check_finish();
}
