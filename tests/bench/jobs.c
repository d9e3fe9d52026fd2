/* jobs.c - training and reconstructing, through the public interface. */
#include <string.h>

#include "bench/worker.h"

struct bench_time bench_time_now(void) { return (struct bench_time){bench_now(), bench_process_cpu()}; }

struct bench_time bench_time_since(struct bench_time begin) {
    struct bench_time now = bench_time_now();
    return (struct bench_time){now.seconds - begin.seconds, now.cpu - begin.cpu};
}

static struct bench_time step_run(struct bench_worker *w, long count) {
    size_t cols = w->network.width[0], batches = w->rows / w->batch;
    if (w->optimizer == NULL) bench_good(w->ctx, aenc_optimizer_create(w->model, "adam:lr=1e-3", &w->optimizer));
    struct bench_time begin = bench_time_now();
    for (long i = 0; i < count; i++) {
        aenc_batch batch;
        memset(&batch, 0, sizeof batch);
        batch.struct_size = sizeof batch;
        batch.input = (aenc_matrix){w->data + w->next * w->batch * cols, w->batch, cols, 0};
        bench_good(w->ctx, aenc_model_step(w->model, w->optimizer, &batch, &w->loss));
        w->next = (w->next + 1) % batches;
    }
    return bench_time_since(begin);
}

/* ---- aenc_fit, broken off ---- */

struct part {
    struct bench_worker *worker;
    long count;
    struct bench_time begin, took;
};

/* The first step, which plans and shuffles, is not counted; then as many as wanted, and the run is broken off. */
static int told(void *user, const aenc_progress *now) {
    struct part *part = user;
    if (now->event != AENC_EVENT_STEP) return 0;
    if (now->step == 1) part->begin = bench_time_now();
    if (now->step != part->count + 1) return 0;
    part->took = bench_time_since(part->begin);
    part->worker->loss = now->train_loss;
    return 1;
}

static struct bench_time fit_run(struct bench_worker *w, long count) {
    struct part part = {.worker = w, .count = count};
    aenc_fit_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.epochs = 1;
    options.batch = (int64_t)w->batch;
    options.progress = told;
    options.progress_user = &part;
    aenc_matrix x = {w->data, w->rows, w->network.width[0], 0};
    if ((size_t)count + 1 > w->rows / w->batch) bench_die("%ld steps and one more are more than an epoch", count);
    bench_good(w->ctx, aenc_fit(w->model, &x, &options));
    return part.took;
}

/* ---- Reconstructing ---- */

static struct bench_time row_run(struct bench_worker *w, long count) {
    size_t cols = w->network.width[0];
    struct bench_time begin = bench_time_now();
    for (long i = 0; i < count; i++) {
        aenc_matrix x = {w->data + (size_t)i % w->rows * cols, 1, cols, 0};
        bench_good(w->ctx, aenc_reconstruct(w->model, &x, w->output, cols));
    }
    return bench_time_since(begin);
}

static struct bench_time runner_row_run(struct bench_worker *w, long count) {
    size_t cols = w->network.width[0];
    aenc_runner_options options = {.struct_size = sizeof options};
    aenc_runner *runner;
    bench_good(w->ctx, aenc_runner_create(w->model, &options, &runner));
    struct bench_time begin = bench_time_now();
    for (long i = 0; i < count; i++) {
        aenc_matrix x = {w->data + (size_t)i % w->rows * cols, 1, cols, 0};
        bench_good(w->ctx, aenc_runner_run(runner, &x, NULL, w->output, cols));
    }
    struct bench_time time = bench_time_since(begin);
    aenc_runner_free(runner);
    return time;
}

static struct bench_time rows_run(struct bench_worker *w, long count) {
    size_t cols = w->network.width[0];
    aenc_matrix x = {w->data, w->rows, cols, 0};
    struct bench_time begin = bench_time_now();
    for (long i = 0; i < count; i++) bench_good(w->ctx, aenc_reconstruct(w->model, &x, w->output, w->rows * cols));
    return bench_time_since(begin);
}

const struct bench_job bench_job_step = {"step", step_run};
const struct bench_job bench_job_fit = {"fit", fit_run};
const struct bench_job bench_job_row = {"row", row_run};
const struct bench_job bench_job_runner_row = {"runner_row", runner_row_run};
const struct bench_job bench_job_rows = {"rows", rows_run};
