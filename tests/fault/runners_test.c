/* runners_test.c - eight threads run a runner each of one model, while the model's owner trains it, trains another one of the
 * same context, saves, refreshes some runners, frees and makes others, and at last frees model and context under all of them.
 * Every result has the bits of the weights that its runner has last been given. What the thread sanitizer is given to look at:
 * each runner changes hands under a lock of its own, and nothing else is locked. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <autoenc/autoenc.h>

#include "check.h"

enum { THREADS = 8, ROUNDS = 24, ROWS = 60, COLS = 20, BLOCK = 1 << 18, BYTES = 1 << 18 };

struct slot {
    pthread_t thread;
    atomic_int wanted;    /* by the owner: the thread lets go of the lock for longer than a moment */
    pthread_mutex_t lock; /* over what follows */
    aenc_runner *runner;
    int64_t task;
    float want[ROWS * COLS];
    size_t floats;
    long runs, different, failed;
    void *block; /* memory of the runner; NULL: the context's */
};

static float data[ROWS * COLS];
static const aenc_matrix all = {data, ROWS, COLS, 0};
static struct slot slots[THREADS];
static atomic_int stop;

static void *work(void *argument) {
    struct slot *slot = argument;
    static _Thread_local float out[ROWS * COLS];
    do {
        pthread_mutex_lock(&slot->lock);
        slot->failed += aenc_runner_run(slot->runner, &all, NULL, out, ROWS * COLS) != AENC_OK;
        slot->different += memcmp(out, slot->want, slot->floats * sizeof *out) != 0;
        slot->runs++;
        pthread_mutex_unlock(&slot->lock);
        while (atomic_load_explicit(&slot->wanted, memory_order_relaxed) != 0) sched_yield();
    } while (atomic_load_explicit(&stop, memory_order_relaxed) == 0);
    return NULL;
}

static aenc_model *model_create(aenc_context *ctx, size_t width) {
    const size_t input[] = {COLS}, widths[] = {width, 4};
    aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

static void runner_make(aenc_context *ctx, aenc_model *model, struct slot *slot) {
    aenc_runner_options options = {.struct_size = sizeof options, .task = slot->task, .rows = 16};
    if (slot->block != NULL) options.memory = slot->block, options.memory_size = BLOCK;
    CHECK_STATUS(ctx, aenc_runner_create(model, &options, &slot->runner), AENC_OK);
}

/* What the model's present weights answer, by a runner that nobody else knows. */
static void want_set(aenc_context *ctx, aenc_model *model, struct slot *slot) {
    aenc_runner *own = NULL;
    aenc_runner_options options = {.struct_size = sizeof options, .task = slot->task};
    CHECK_STATUS(ctx, aenc_runner_create(model, &options, &own), AENC_OK);
    CHECK(aenc_runner_run(own, &all, NULL, slot->want, ROWS * COLS) == AENC_OK);
    aenc_runner_free(own);
}

static void train(aenc_context *ctx, aenc_model *model, aenc_model *other, int round) {
    static unsigned char bytes[BYTES];
    size_t size;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 40};
    CHECK_STATUS(ctx, aenc_fit(other, &all, &options), AENC_OK);
    if (round % 3 == 0) CHECK_STATUS(ctx, aenc_fit(model, &all, &options), AENC_OK);
    options.epochs = 0;
    if (round % 3 == 1) CHECK_STATUS(ctx, aenc_partial_fit(model, &all, &options), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, BYTES, &size), AENC_OK);
}

static void attend(aenc_context *ctx, aenc_model *model, struct slot *slot, bool anew) {
    atomic_store_explicit(&slot->wanted, 1, memory_order_relaxed);
    pthread_mutex_lock(&slot->lock);
    atomic_store_explicit(&slot->wanted, 0, memory_order_relaxed);
    if (anew) {
        aenc_runner_free(slot->runner);
        runner_make(ctx, model, slot);
    } else {
        CHECK(aenc_runner_refresh(slot->runner) == AENC_OK);
    }
    want_set(ctx, model, slot);
    pthread_mutex_unlock(&slot->lock);
}

static void slots_open(aenc_context *ctx, aenc_model *model) {
    for (int i = 0; i < THREADS; i++) {
        struct slot *slot = &slots[i];
        slot->task = i % 2 == 0 ? AENC_RUN_RECONSTRUCT : AENC_RUN_SCORE;
        slot->floats = i % 2 == 0 ? ROWS * COLS : ROWS;
        if (i % 4 < 2) CHECK((slot->block = malloc(BLOCK)) != NULL);
        runner_make(ctx, model, slot);
        want_set(ctx, model, slot);
        CHECK(pthread_mutex_init(&slot->lock, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&slots[i].thread, NULL, work, &slots[i]) == 0);
}

static void slots_close(void) {
    atomic_store_explicit(&stop, 1, memory_order_relaxed);
    for (int i = 0; i < THREADS; i++) {
        struct slot *slot = &slots[i];
        CHECK(pthread_join(slot->thread, NULL) == 0);
        CHECK(slot->runs > 0 && slot->different == 0 && slot->failed == 0);
        aenc_runner_free(slot->runner);
        free(slot->block);
        pthread_mutex_destroy(&slot->lock);
    }
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = 2};
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 37) % 103) / 103.0f;
    aenc_model *model = model_create(ctx, 16), *other = model_create(ctx, 30);
    slots_open(ctx, model);
    for (int round = 0; round < ROUNDS; round++) {
        train(ctx, model, other, round);
        for (int i = 0; i < 3; i++) attend(ctx, model, &slots[(round * 3 + i) % THREADS], (round + i) % 2 == 0);
    }
    /* the runners keep what they need */
    aenc_model_free(other);
    aenc_model_free(model);
    aenc_context_free(ctx);
    slots_close();
    return check_finish();
}
