/* trainer.c - contexts and models of the benchmarks, and a contender that takes training steps with a model and an
 * optimizer of its own. */
#include "bench/bench.h"

#include <string.h>

void bench_good(const aenc_context *ctx, aenc_status status) {
    if (status != AENC_OK) bench_die("%s: %s", aenc_status_name(status), aenc_message(ctx));
}

aenc_context *bench_context(long threads) {
    aenc_context_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.seed = 1;
    options.threads = threads;
    aenc_context *ctx;
    aenc_status status = aenc_context_create(&options, &ctx);
    if (status != AENC_OK) bench_die("no context with %ld threads: %s", threads, aenc_status_name(status));
    return ctx;
}

aenc_model *bench_model(aenc_context *ctx, const struct bench_network *network) {
    aenc_model_options options = bench_model_options(network);
    aenc_model *model;
    bench_good(ctx, aenc_model_create(ctx, &options, &model));
    return model;
}

void bench_trainer_create(struct bench_trainer *t, const aenc_model_options *options, long threads) {
    t->ctx = bench_context(threads);
    bench_good(t->ctx, aenc_model_create(t->ctx, options, &t->model));
    bench_good(t->ctx, aenc_optimizer_create(t->model, "adam:lr=1e-3", &t->optimizer));
}

void bench_trainer_free(struct bench_trainer *t) {
    aenc_optimizer_free(t->optimizer);
    aenc_model_free(t->model);
    aenc_context_free(t->ctx);
}

void bench_trainer_run(void *trainer, long steps) {
    struct bench_trainer *t = trainer;
    for (long step = 0; step < steps; step++) {
        aenc_batch batch = {.struct_size = sizeof batch};
        batch.input = (aenc_matrix){t->data + t->next * t->batch * t->cols, t->batch, t->cols, 0};
        bench_good(t->ctx, aenc_model_step(t->model, t->optimizer, &batch, NULL));
        t->next = (t->next + 1) % t->batches;
    }
}
