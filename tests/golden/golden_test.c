/* golden_test.c - layers, losses, optimizers and schedules against PyTorch. The numbers are made by make_golden.py in
 * double; with num float the tolerance is that of float. */
#include "golden/golden.h"

#include <float.h>
#include <string.h>

#include "check.h"
#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"
#include "replay.h"

enum { STEPS = 100, NUMBERS = 12, SPLIT = 8 };

/* Of numbers about `scale` large that are the end of some hundred roundings. */
static double tolerance(double scale) {
    double relative = sizeof(num) == sizeof(float) ? 2e-6 : 1e-8;
    return relative * (1 + scale);
}

static void compare(const char *name, const char *what, const num *got, const double *want, int64_t count) {
    double largest = 0;
    for (int64_t i = 0; i < count; i++) largest = fabs(want[i]) > largest ? fabs(want[i]) : largest;
    for (int64_t i = 0; i < count; i++) {
        if (CHECK_NEAR((double)got[i], want[i], tolerance(largest))) continue;
        fprintf(stderr, "  %s: %s[%d]\n", name, what, (int)i);
        return;
    }
}

static float *floats(aenc_context *ctx, const double *values, int64_t count) {
    float *out = aenc_alloc(ctx, (size_t)count, sizeof *out);
    for (int64_t i = 0; out != NULL && i < count; i++) out[i] = (float)values[i];
    return out;
}

static int64_t product(int rank, const int64_t *dims) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dims[i];
    return count;
}

/* ---- Layers ---- */

static aenc_status store_fill(struct store *store, const struct golden_block *blocks) {
    aenc_status status = replay_store(store, 1);
    for (; status == AENC_OK && blocks->name != NULL; blocks++) {
        char path[64];
        snprintf(path, sizeof path, "net.%s", blocks->name);
        const struct entry *entry = aenc_store_find(store, path);
        if (!CHECK(entry != NULL && entry->count == blocks->count)) return AENC_ERR_INTERNAL;
        num *values = (blocks->state ? store->state : store->parameter) + entry->offset;
        for (int64_t i = 0; i < entry->count; i++) values[i] = (num)blocks->value[i];
    }
    return status;
}

static const num *staged(const struct tape *tape, const struct run *run, const char *path) {
    for (size_t i = 0; i < tape->stage_count; i++)
        if (strcmp(tape->stage[i].state->name, path) == 0) return aenc_value(run, tape->stage[i].value);
    return NULL;
}

static void blocks_compare(const struct golden_layer *golden, const struct tape *tape, const struct store *store,
                           const struct run *run) {
    size_t seen = 0;
    for (const struct golden_block *block = golden->blocks; block->name != NULL; block++, seen++) {
        char path[64];
        snprintf(path, sizeof path, "net.%s", block->name);
        const struct entry *entry = aenc_store_find(store, path);
        if (block->state && !golden->training) continue;
        const num *got = block->state ? staged(tape, run, path) : store->gradient + entry->offset;
        if (CHECK(got != NULL)) compare(golden->name, block->name, got, block->result, block->count);
    }
    CHECK(seen == store->entry_count);
}

static void layer_test(aenc_context *ctx, const struct golden_layer *golden) {
    struct tape tape;
    struct store store;
    struct replay replay = {0};
    struct json *spec;
    int64_t rows = golden->x_dims[0];
    aenc_tape_create(ctx, golden->training ? MODE_TRAIN : MODE_EVALUATE, rows, &tape);
    aenc_store_create(ctx, &store);
    struct site site = {.tape = &tape, .store = &store};
    CHECK_STATUS(ctx, aenc_json_parse(&tape.arena, golden->spec, strlen(golden->spec), "the spec", &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_layer_check(ctx, spec), AENC_OK);
    struct node *x = aenc_tape_input(&tape, "x", golden->x_dims + 1, golden->x_rank - 1);
    x->needs_gradient = true;
    struct node *y = aenc_layer_record(&site, "net", spec, x);
    struct node *g = aenc_tape_input(&tape, "g", golden->y_dims + 1, golden->y_rank - 1);
    aenc_tape_term(&tape, "sum", aenc_op_row_sum(&tape, aenc_op_multiply(&tape, y, g)), 1, NULL);
    CHECK_STATUS(ctx, store_fill(&store, golden->blocks), AENC_OK);
    float *inputs[] = {floats(ctx, golden->x, product(golden->x_rank, golden->x_dims)),
                       floats(ctx, golden->g, product(golden->y_rank, golden->y_dims))};
    if (CHECK_STATUS(ctx, replay_once(&tape, &store, true, rows, (const float *const *)inputs, &replay), AENC_OK)) {
        compare(golden->name, "y", aenc_value(&replay.run, y), golden->y, product(golden->y_rank, golden->y_dims));
        compare(golden->name, "dx", aenc_gradient(&replay.run, x), golden->dx, product(golden->x_rank, golden->x_dims));
        blocks_compare(golden, &tape, &store, &replay.run);
    }
    replay_free(ctx, &replay);
    for (int i = 0; i < 2; i++) aenc_release(ctx, inputs[i]);
    aenc_store_free(&store);
    aenc_tape_free(&tape);
}

/* ---- Losses ---- */

static void loss_test(aenc_context *ctx, const struct golden_loss *golden) {
    struct tape tape;
    struct store store;
    struct replay replay = {0};
    struct json *spec;
    int64_t rows = golden->y_dims[0];
    aenc_tape_create(ctx, MODE_TRAIN, rows, &tape);
    aenc_store_create(ctx, &store);
    CHECK_STATUS(ctx, aenc_settings_parse(&tape.arena, "loss", golden->spec, &spec), AENC_OK);
    const struct loss_type *loss = aenc_loss_find(ctx, spec);
    CHECK(loss != NULL);
    struct node *y = aenc_tape_input(&tape, "y", golden->y_dims + 1, golden->y_rank - 1);
    struct node *target = aenc_tape_input(&tape, "target", golden->target_dims + 1, golden->target_rank - 1);
    y->needs_gradient = true;
    struct node *output = golden->sigmoid ? aenc_op_function(&tape, FUNCTION_SIGMOID, 0, y) : y;
    struct node *value = aenc_loss_record(&(struct site){.tape = &tape, .store = &store}, spec, output, target);
    aenc_tape_term(&tape, "loss", value, 1, NULL);
    struct node *each = loss->each == NULL ? NULL : aenc_loss_each(&(struct site){.tape = &tape, .store = &store}, spec, output, target);
    struct node *mean = each == NULL ? value : aenc_op_row_mean(&tape, each);
    aenc_tape_output(&tape, mean);
    float *inputs[] = {floats(ctx, golden->y, product(golden->y_rank, golden->y_dims)),
                       floats(ctx, golden->target, product(golden->target_rank, golden->target_dims))};
    if (CHECK_STATUS(ctx, replay_once(&tape, &store, true, rows, (const float *const *)inputs, &replay), AENC_OK)) {
        compare(golden->name, "value", aenc_value(&replay.run, value), golden->value, rows);
        compare(golden->name, "mean of each", aenc_value(&replay.run, mean), golden->value, rows);
        if (golden->dy != NULL)
            compare(golden->name, "dy", aenc_gradient(&replay.run, y), golden->dy,
                    product(golden->y_rank, golden->y_dims));
    }
    replay_free(ctx, &replay);
    for (int i = 0; i < 2; i++) aenc_release(ctx, inputs[i]);
    aenc_store_free(&store);
    aenc_tape_free(&tape);
}

/* ---- Optimizers ---- */

/* Two parameters in a store, without a network. */
static aenc_status store_of_two(aenc_context *ctx, struct store *store) {
    struct tape tape;
    struct init none = {.kind = INIT_CONSTANT};
    struct shape first = {1, {SPLIT}}, second = {1, {NUMBERS - SPLIT}};
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    aenc_store_create(ctx, store);
    aenc_store_parameter(store, &tape, "first", first, none, true);
    aenc_store_parameter(store, &tape, "second", second, none, false);
    aenc_status status = tape.status;
    aenc_tape_free(&tape);
    return status == AENC_OK ? replay_store(store, 1) : status;
}

/* Where number i of the golden parameters is in the block. */
static int64_t place(const struct store *store, int i) {
    return i < SPLIT ? store->entry[0].offset + i : store->entry[1].offset + i - SPLIT;
}

static void optimizer_step(struct optimizer *optimizer, struct store *store, int step, aenc_context *ctx) {
    double square = 0;
    for (int i = 0; i < NUMBERS; i++) {
        int64_t at = place(store, i);
        double g = optimizer_slope[i] * ((double)store->parameter[at] - optimizer_center[i]) +
                   optimizer_noise[step % 10 * NUMBERS + i];
        store->gradient[at] = (num)(4 * g); /* a sum over rows of total weight 4 */
        square += g * g;
    }
    aenc_optim_update(optimizer, store, 0.25, sqrt(square), ctx->pool);
}

static void optimizer_test(aenc_context *ctx, const struct golden_optimizer *golden) {
    struct store store;
    struct arena arena;
    struct json *spec;
    struct optimizer *optimizer = NULL;
    num got[NUMBERS];
    int kept = 0;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, store_of_two(ctx, &store), AENC_OK);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "optimizer", golden->spec, &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_optim_create(ctx, spec, (struct optim_part){0, 0, store.parameter_size}, &optimizer), AENC_OK);
    if (optimizer != NULL) aenc_optim_set_clipping(optimizer, golden->clip_norm, golden->clip_value);
    for (int i = 0; i < NUMBERS; i++) store.parameter[place(&store, i)] = (num)optimizer_start[i];
    for (int step = 1; step <= STEPS && optimizer != NULL; step++) {
        optimizer_step(optimizer, &store, step - 1, ctx);
        if (step != 1 && step != 10 && step != STEPS) continue;
        for (int i = 0; i < NUMBERS; i++) got[i] = store.parameter[place(&store, i)];
        compare(golden->spec, "w", got, golden->w + kept++ * NUMBERS, NUMBERS);
    }
    aenc_optim_free(ctx, optimizer);
    aenc_store_free(&store);
    aenc_arena_free(&arena);
}

/* ---- Schedules ---- */

static void schedule_test(aenc_context *ctx, const struct golden_schedule *golden) {
    struct arena arena;
    struct json *spec;
    struct schedule schedule;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "schedule", golden->spec, &spec), AENC_OK);
    if (CHECK_STATUS(ctx, aenc_schedule_create(ctx, spec, 0.1, 40, 4, &schedule), AENC_OK)) {
        for (int step = 0; step < 40; step++) {
            if (!CHECK_NEAR(aenc_schedule_rate(&schedule, step), golden->rates[step], 1e-10))
                fprintf(stderr, "  %s: step %d\n", golden->spec, step);
            if (step % 4 == 3) aenc_schedule_epoch(&schedule, schedule_losses[step / 4]);
        }
    }
    aenc_arena_free(&arena);
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    for (size_t i = 0; i < sizeof golden_layers / sizeof *golden_layers; i++) layer_test(ctx, &golden_layers[i]);
    for (size_t i = 0; i < sizeof golden_losses / sizeof *golden_losses; i++) loss_test(ctx, &golden_losses[i]);
    for (size_t i = 0; i < sizeof golden_optimizers / sizeof *golden_optimizers; i++)
        optimizer_test(ctx, &golden_optimizers[i]);
    for (size_t i = 0; i < sizeof golden_schedules / sizeof *golden_schedules; i++)
        schedule_test(ctx, &golden_schedules[i]);
    aenc_context_free(ctx);
    return check_finish();
}
