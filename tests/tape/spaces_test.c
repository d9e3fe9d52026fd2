/* spaces_test.c - row spaces with a factor: values, gradients, weights and draws of folded rows are those of the same thing
 * recorded without folding, on any number of threads and in chunks.
 */
#include <string.h>

#include "check.h"
#include "op/builders.h"
#include "tape/run.h"

enum { CAPACITY = 11, LIVE = 7, K = 3, IN = 4, OUT = 2, BIAS = 16, PARAMETERS = 32 };

struct world {
    aenc_context *ctx;
    num parameter[PARAMETERS], gradient[PARAMETERS];
    float data[CAPACITY * IN], weight[CAPACITY];
};

struct recorded {
    struct tape tape;
    struct plan plan;
    struct run run;
    struct node *noise, *y;
};

/* k copies of each row, on request noisy, through one layer. Folded, the layer sees k rows for each; otherwise lines of
 * one row. The objective has a term of the rows and one of the batch's mean, both weighted. */
static void record(struct recorded *r, bool folded, bool noisy) {
    struct tape *tape = &r->tape;
    int64_t dims[] = {IN}, copies[] = {1, IN};
    struct shape weight = {2, {OUT, IN}}, bias = {1, {OUT}};
    struct node *x = aenc_tape_input(tape, "input", dims, 1);
    struct node *w = aenc_tape_parameter(tape, "w", weight, 0, true);
    struct node *b = aenc_tape_parameter(tape, "b", bias, BIAS, true);
    struct node *many = aenc_op_repeat(tape, aenc_op_reshape(tape, x, copies, 2), 1, K);
    if (folded) many = aenc_op_fold(tape, many);
    r->noise = aenc_op_normal_like(tape, "noise", many);
    if (noisy) many = aenc_op_add(tape, many, r->noise);
    r->y = aenc_op_dense(tape, many, w, b, false, FUNCTION_TANH, 0);
    struct node *mean = aenc_op_batch_mean(tape, r->y); /* (OUT) or (K, OUT) */
    if (!folded && mean != NULL) mean = aenc_op_reduce(tape, REDUCE_MEAN, mean, 0, false);
    aenc_tape_term(tape, "mean", aenc_op_square_sum(tape, mean), 0.5, NULL);
    struct node *square = aenc_op_function(tape, FUNCTION_SQUARE, 0, r->y);
    struct node *loss = folded ? aenc_op_row_sum(tape, square) : aenc_op_affine(tape, aenc_op_row_sum(tape, square), 1.0 / K, 0);
    aenc_tape_term(tape, "rows", loss, 2, NULL);
    /* each row's share of the batch adds up to 1 */
    struct node *share = aenc_op_row_share(tape, folded ? many : x);
    aenc_tape_term(tape, "share", aenc_op_batch_sum(tape, share), 1, NULL);
    aenc_tape_output(tape, r->noise);
    aenc_tape_output(tape, r->y);
}

static void replay(struct world *world, struct recorded *r, bool training, int64_t first, int64_t count) {
    struct run *run = &r->run;
    run->block[SLOT_PARAMETER] = world->parameter;
    run->block[SLOT_PARAMETER_GRADIENT] = world->gradient;
    run->binding[0] = (struct binding){.source = world->data + first * IN, .stride = IN};
    run->weight = world->weight + first;
    run->weight_total = 0;
    run->live[0] = count;
    run->first_row = first;
    run->seed = 5;
    for (int64_t i = 0; i < count; i++) run->weight_total += (double)run->weight[i];
    for (int i = 0; i < PARAMETERS && training; i++) world->gradient[i] = (num)NAN;
    aenc_run_replay(run, world->ctx->pool);
}

static void create(struct world *world, bool folded, bool noisy, bool training, int64_t shard, struct recorded *r) {
    memset(r, 0, sizeof *r);
    aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &r->tape);
    record(r, folded, noisy);
    for (int s = 0; s < r->tape.space_count; s++) r->tape.shard_rows[s] = shard;
    CHECK_STATUS(world->ctx, aenc_plan_create(&r->tape, training, &r->plan), AENC_OK);
    CHECK_STATUS(world->ctx, aenc_run_create(world->ctx, &r->plan, &r->run), AENC_OK);
}

static void destroy(struct world *world, struct recorded *r) {
    aenc_run_free(world->ctx, &r->run);
    aenc_plan_free(&r->plan);
    aenc_tape_free(&r->tape);
}

static double objective(const struct recorded *r) {
    double sum = 0;
    for (size_t t = 0; t < r->tape.term_count; t++) sum += aenc_run_term(&r->run, &r->tape.term[t]);
    return sum;
}

/* Terms and gradients of folded rows are those of the lines of unfolded ones. */
static void test_equal(struct world *world, int64_t shard) {
    struct recorded plain, folded;
    num want[PARAMETERS];
    create(world, false, false, true, shard, &plain);
    create(world, true, false, true, shard, &folded);
    CHECK(plain.tape.space_count == 1 && folded.tape.space_count == 2 && folded.tape.factor[1] == K);
    replay(world, &plain, true, 0, LIVE);
    memcpy(want, world->gradient, sizeof want);
    replay(world, &folded, true, 0, LIVE);
    for (int i = 0; i < OUT * IN; i++) CHECK_NEAR(world->gradient[i], want[i], 1e-12);
    for (int i = BIAS; i < BIAS + OUT; i++) CHECK_NEAR(world->gradient[i], want[i], 1e-12);
    for (size_t t = 0; t < plain.tape.term_count; t++) {
        double value = aenc_run_term(&plain.run, &plain.tape.term[t]);
        CHECK_NEAR(aenc_run_term(&folded.run, &folded.tape.term[t]), value, 1e-12);
    }
    CHECK_NEAR(aenc_run_term(&folded.run, &folded.tape.term[2]), folded.run.weight_total, 1e-12); /* shares */
    destroy(world, &plain);
    destroy(world, &folded);
}

/* With noise, against differences of the objective. */
static void test_gradient(struct world *world) {
    const double h = 1e-5;
    struct recorded r;
    num gradient[PARAMETERS];
    create(world, true, true, true, 2, &r);
    replay(world, &r, true, 0, LIVE);
    memcpy(gradient, world->gradient, sizeof gradient);
    for (int i = 0; i < BIAS + OUT; i++) {
        num before = world->parameter[i];
        if (i >= OUT * IN && i < BIAS) continue;
        world->parameter[i] = before + h;
        replay(world, &r, true, 0, LIVE);
        double above = objective(&r);
        world->parameter[i] = before - h;
        replay(world, &r, true, 0, LIVE);
        CHECK_NEAR(gradient[i], (above - objective(&r)) / (2 * h), 1e-7);
        world->parameter[i] = before;
    }
    destroy(world, &r);
}

/* The rows' values, LIVE K (IN or OUT) each, of a replay in chunks of so many rows. */
static void values(struct world *world, bool training, int64_t shard, int64_t chunk, num *noise, num *y) {
    struct recorded r;
    create(world, true, true, training, shard, &r);
    for (int64_t first = 0; first < LIVE; first += chunk) {
        int64_t count = first + chunk < LIVE ? chunk : LIVE - first;
        replay(world, &r, training, first, count);
        memcpy(noise + first * K * IN, aenc_value(&r.run, r.noise), (size_t)(count * K * IN) * sizeof *noise);
        memcpy(y + first * K * OUT, aenc_value(&r.run, r.y), (size_t)(count * K * OUT) * sizeof *y);
    }
    destroy(world, &r);
}

/* Whatever the shards, the chunks, the threads and the plan. */
static void test_draws(struct world *world) {
    num noise[2][LIVE * K * IN], y[2][LIVE * K * OUT];
    values(world, true, 64, LIVE, noise[0], y[0]);
    CHECK(noise[0][0] != noise[0][IN] && noise[0][IN] != noise[0][K * IN]);
    for (int64_t shard = 1; shard <= 4; shard++) {
        for (int training = 0; training < 2; training++) {
            values(world, training, shard, training ? LIVE : 3, noise[1], y[1]);
            CHECK(memcmp(noise[0], noise[1], sizeof noise[0]) == 0);
            CHECK(memcmp(y[0], y[1], sizeof y[0]) == 0);
        }
    }
}

/* What does not fit is refused while recording. */
static void test_refused(struct world *world) {
    int64_t dims[] = {2, 3}, huge[] = {INT64_MAX / 4, 1};
    for (int i = 0; i < 4; i++) {
        struct tape tape;
        aenc_tape_create(world->ctx, MODE_TRAIN, CAPACITY, &tape);
        struct node *x = aenc_tape_input(&tape, "input", i == 3 ? huge : dims, 2), *folded = aenc_op_fold(&tape, x);
        if (i == 0) aenc_op_unfold(&tape, folded, 4);
        if (i == 1) aenc_op_add(&tape, x, folded);
        if (i == 2) aenc_op_fold(&tape, aenc_op_batch_sum(&tape, x));
        CHECK(tape.status == AENC_ERR_SHAPE);
        aenc_tape_free(&tape);
    }
}

int main(void) {
    struct world world;
    memset(&world, 0, sizeof world);
    aenc_context_options options = {.struct_size = sizeof options};
    if (!CHECK(aenc_context_create(&options, &world.ctx) == AENC_OK)) return check_finish();
    for (int i = 0; i < PARAMETERS; i++) world.parameter[i] = (num)0.1 * (num)(i * 7 % 11 - 5);
    for (int i = 0; i < CAPACITY * IN; i++) world.data[i] = (float)(i * 5 % 13) / 13;
    for (int i = 0; i < CAPACITY; i++) world.weight[i] = 0.5f + 0.25f * (float)(i % 3);
    for (int workers = 1; workers <= 3; workers++) {
        aenc_pool_free(world.ctx, world.ctx->pool);
        CHECK_STATUS(world.ctx, aenc_pool_create(world.ctx, workers, &world.ctx->pool), AENC_OK);
        test_equal(&world, 2);
        test_equal(&world, 64);
        test_gradient(&world);
        test_draws(&world);
    }
    test_refused(&world);
    aenc_context_free(world.ctx);
    return check_finish();
}
