/* threads_test.c - contexts on threads of their own, each with workers of its own, at the same time: they share nothing, so
 * each must come to the bits that one thread alone comes to. What the thread sanitizer is given to look at. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <autoenc/autoenc.h>

#include "check.h"

enum { ROWS = 300, COLS = 24, CONTEXTS = 3, BYTES = 1 << 16 };

struct job {
    pthread_t thread;
    int64_t workers;
    aenc_status status;
    char message[256];
    unsigned char bytes[BYTES]; /* the trained model */
    size_t size;
    float code[ROWS * 4];
};

static float data[ROWS * COLS];

static aenc_status train(aenc_context *ctx, struct job *job) {
    static const size_t input[] = {COLS}, widths[] = {16, 4};
    const aenc_matrix x = {data, ROWS, COLS, 0};
    aenc_model *model = NULL;
    aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .batch = 256, .validation_fraction = 0.2, .clip_norm = 1};
    aenc_status status = aenc_model_create(ctx, &options, &model);
    if (status == AENC_OK) status = aenc_fit(model, &x, &fit);
    if (status == AENC_OK) status = aenc_encode(model, &x, job->code, ROWS * 4);
    if (status == AENC_OK) status = aenc_model_save_memory(model, job->bytes, BYTES, &job->size);
    aenc_model_free(model);
    return status;
}

static void *run(void *argument) {
    struct job *job = argument;
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 3, .threads = job->workers};
    job->status = aenc_context_create(&options, &ctx);
    if (job->status == AENC_OK) job->status = train(ctx, job);
    snprintf(job->message, sizeof job->message, "%s", aenc_message(ctx));
    aenc_context_free(ctx);
    return NULL;
}

static void check_job(const struct job *job, const struct job *alone) {
    check_status(job->status, AENC_OK, job->message, __FILE__, __LINE__, "a context of its own");
    CHECK(job->size == alone->size && memcmp(job->bytes, alone->bytes, job->size) == 0);
    CHECK(memcmp(job->code, alone->code, sizeof job->code) == 0);
}

int main(void) {
    static struct job alone = {.workers = 1}, job[CONTEXTS];
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 101) / 101.0f;
    run(&alone);
    for (int i = 0; i < CONTEXTS; i++) {
        job[i].workers = i + 1;
        CHECK(pthread_create(&job[i].thread, NULL, run, &job[i]) == 0);
    }
    for (int i = 0; i < CONTEXTS; i++) {
        CHECK(pthread_join(job[i].thread, NULL) == 0);
        check_job(&job[i], &alone);
    }
    return check_finish();
}
