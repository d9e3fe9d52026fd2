/* regular.c - what penalties, corruption and tied weights cost: a training step with each beside the plain one.
 *
 *     regular [--seconds S] [NETWORK BATCH]
 *
 * All contenders take turns on one thread. One JSON object per contender on stdout, a table on stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { ROWS = 8192 };

static const struct variant {
    const char *name;
    const char *penalty, *corruption; /* NULL: none */
    const char *code_activation;
    int tied;
} variants[] = {
    {"plain", NULL, NULL, NULL, 0},
    {"sparse, l1", "l1:weight=1e-3,warmup=5", NULL, NULL, 0},
    {"sparse, kl", "kl:weight=0.1,rho=0.1", NULL, "sigmoid", 0},
    {"l2 on weights", "l2_weights:weight=1e-4", NULL, NULL, 0},
    {"decorrelation", "decorrelation:weight=0.1", NULL, NULL, 0},
    {"denoising, mask", NULL, "mask:level=0.3", NULL, 0},
    {"denoising, gaussian", NULL, "gaussian:sigma=0.3", NULL, 0},
    {"tied", NULL, NULL, NULL, 1},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

struct trainer {
    aenc_context *ctx;
    aenc_model *model;
    aenc_optimizer *optimizer;
    const float *data;
    size_t cols, batch, next;
};

static void trainer_create(const struct bench_network *network, const struct variant *variant, struct trainer *t) {
    aenc_model_options options = bench_model_options(network);
    options.penalties = &variant->penalty;
    options.penalty_count = variant->penalty != NULL;
    options.corruptions = &variant->corruption;
    options.corruption_count = variant->corruption != NULL;
    options.code_activation = variant->code_activation;
    options.tied = variant->tied;
    t->ctx = bench_context(1);
    bench_good(t->ctx, aenc_model_create(t->ctx, &options, &t->model));
    bench_good(t->ctx, aenc_optimizer_create(t->model, "adam:lr=1e-3", &t->optimizer));
}

static void trainer_run(void *user, long steps) {
    struct trainer *t = user;
    for (long step = 0; step < steps; step++) {
        aenc_batch batch = {.struct_size = sizeof batch};
        batch.input = (aenc_matrix){t->data + t->next * t->batch * t->cols, t->batch, t->cols, 0};
        bench_good(t->ctx, aenc_model_step(t->model, t->optimizer, &batch, NULL));
        t->next = (t->next + 1) % (ROWS / t->batch);
    }
}

int main(int count, char **argument) {
    double seconds = 4;
    int i = 1;
    if (i + 1 < count && strcmp(argument[i], "--seconds") == 0) {
        seconds = strtod(argument[i + 1], NULL);
        i += 2;
    }
    struct bench_network network = bench_network_parse(i < count ? argument[i] : "784-128-64-32");
    size_t batch = i + 1 < count ? strtoul(argument[i + 1], NULL, 10) : 128;
    if (batch == 0 || batch > ROWS) bench_die("a batch is from 1 to %d rows", ROWS);
    float *data = bench_data(NULL, ROWS, network.width[0]);
    struct trainer trainer[VARIANTS] = {{.batch = batch}};
    struct bench_contender contender[VARIANTS] = {{.name = NULL}};
    for (size_t v = 0; v < VARIANTS; v++) {
        trainer[v] = (struct trainer){.data = data, .cols = network.width[0], .batch = batch};
        trainer_create(&network, &variants[v], &trainer[v]);
        contender[v] = (struct bench_contender){.name = variants[v].name, .run = trainer_run, .user = &trainer[v]};
    }
    bench_race(contender, VARIANTS, 0.002, seconds);
    fprintf(stderr, "%s, batch %zu\n", network.name, batch);
    for (size_t v = 0; v < VARIANTS; v++) {
        double of_plain = contender[v].cpu / contender[0].cpu;
        printf("{\"bench\": \"regular\", \"network\": \"%s\", \"batch\": %zu, \"what\": \"%s\", \"seconds\": %.9f, "
               "\"of_plain\": %.4f}\n", network.name, batch, contender[v].name, contender[v].cpu, of_plain);
        fprintf(stderr, "    %-20s %10.1f us a step %6.2f of plain\n", contender[v].name, 1e6 * contender[v].cpu, of_plain);
        aenc_optimizer_free(trainer[v].optimizer);
        aenc_model_free(trainer[v].model);
        aenc_context_free(trainer[v].ctx);
    }
    free(data);
    return 0;
}
