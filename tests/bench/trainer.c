/* trainer.c - a contender that takes training steps with a model and an optimizer of its own. */
#include "bench/bench.h"

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
