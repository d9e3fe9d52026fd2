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

static void trainer_create(const struct bench_network *network, const struct variant *variant,
                           struct bench_trainer *t) {
    aenc_model_options options = bench_model_options(network);
    options.penalties = &variant->penalty;
    options.penalty_count = variant->penalty != NULL;
    options.corruptions = &variant->corruption;
    options.corruption_count = variant->corruption != NULL;
    options.code_activation = variant->code_activation;
    options.tied = variant->tied;
    bench_trainer_create(t, &options, 1);
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
    struct bench_trainer trainer[VARIANTS] = {{.batch = batch}};
    struct bench_contender contender[VARIANTS] = {{.name = NULL}};
    for (size_t v = 0; v < VARIANTS; v++) {
        trainer[v] = (struct bench_trainer){
            .data = data, .cols = network.width[0], .batch = batch, .batches = ROWS / batch};
        trainer_create(&network, &variants[v], &trainer[v]);
        contender[v] = (struct bench_contender){.name = variants[v].name, .run = bench_trainer_run, .user = &trainer[v]};
    }
    bench_race(contender, VARIANTS, 0.002, seconds);
    fprintf(stderr, "%s, batch %zu\n", network.name, batch);
    for (size_t v = 0; v < VARIANTS; v++) {
        double of_plain = contender[v].cpu / contender[0].cpu;
        printf("{\"bench\": \"regular\", \"network\": \"%s\", \"batch\": %zu, \"what\": \"%s\", \"seconds\": %.9f, "
               "\"of_plain\": %.4f}\n", network.name, batch, contender[v].name, contender[v].cpu, of_plain);
        fprintf(stderr, "    %-20s %10.1f us a step %6.2f of plain\n", contender[v].name, 1e6 * contender[v].cpu, of_plain);
        bench_trainer_free(&trainer[v]);
    }
    free(data);
    return 0;
}
