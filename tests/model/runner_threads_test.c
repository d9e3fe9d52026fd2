/* runner_threads_test.c - eight threads, a runner each, one const model: the bits of one thread alone, also while the
 * model's own thread trains it. */
#include <pthread.h>

#include "model/nets.h"

enum { THREADS = 8, ROUNDS = 40, FLOATS = NET_ROWS * NET_OUT };

static float data[NET_ROWS * NET_COLS];

struct job {
    aenc_runner *runner;
    const float *want;
    size_t rows, cols, floats;
    int different, failed; /* rounds */
};

static void *run(void *argument) {
    struct job *job = argument;
    float out[FLOATS];
    for (int round = 0; round < ROUNDS; round++) {
        /* all rows at once, then one by one */
        aenc_matrix x = {data, job->rows, job->cols, NET_COLS};
        job->failed += aenc_runner_run(job->runner, &x, NULL, out, FLOATS) != AENC_OK;
        job->different += memcmp(out, job->want, job->rows * job->floats * sizeof *out) != 0;
        x.rows = 1;
        for (size_t r = 0; r < job->rows; r++) {
            x.data = data + r * NET_COLS;
            job->failed += aenc_runner_run(job->runner, &x, NULL, out + r * job->floats, job->floats) != AENC_OK;
        }
        job->different += memcmp(out, job->want, job->rows * job->floats * sizeof *out) != 0;
        x.cols = 1;
        job->failed += aenc_runner_run(job->runner, &x, NULL, out, FLOATS) != AENC_ERR_SHAPE;
    }
    return NULL;
}

static void test_net(size_t net, int64_t task) {
    float want[FLOATS];
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 7, 2);
    aenc_model *model = net_create(ctx, net, data);
    aenc_matrix x = {data, NET_ROWS, net_cols(model, task), NET_COLS}, whole = {data, NET_ROWS, NET_COLS, 0};
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){net_runner(ctx, model, task, 1 + 5 * i), want, NET_ROWS, x.cols,
                               net_row_size(model, task), 0, 0};
    CHECK(aenc_runner_run(jobs[0].runner, &x, NULL, want, FLOATS) == AENC_OK);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, run, &jobs[i]) == 0);
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 3, .validation_fraction = 0.25};
    CHECK_STATUS(ctx, aenc_fit(model, &whole, &options), AENC_OK);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(jobs[i].different == 0);
        CHECK(jobs[i].failed == 0);
        aenc_runner_free(jobs[i].runner);
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

int main(void) {
    net_data(data);
    for (size_t net = 0; net < NET_COUNT; net++) {
        test_net(net, AENC_RUN_RECONSTRUCT);
        test_net(net, AENC_RUN_SCORE);
    }
    test_net(0, AENC_RUN_ENCODE);
    test_net(2, AENC_RUN_DECODE);
    test_net(4, AENC_RUN_SCORE_FEATURES);
    return check_finish();
}
