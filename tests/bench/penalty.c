/* penalty.c - a training step with penalties beside the plain one, in one process.
 *
 *     penalty [--seconds S] [--threads N] [--activation NAME] NETWORK BATCH SPEC...
 *
 * NETWORK's activation is that of all its layers, the code's included, but for the output's sigmoid. Contenders: a step of
 * the plain network, and one with each penalty. One JSON object per contender on stdout, a table on stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { BATCHES = 16 };

/* penalty NULL: none. */
static void trainer_create(struct bench_trainer *t, const struct bench_network *network, const char *activation,
                           const char *penalty, long threads) {
    aenc_model_options options = bench_model_options(network);
    options.activation = options.code_activation = activation;
    options.penalties = &penalty;
    options.penalty_count = penalty == NULL ? 0 : 1;
    bench_trainer_create(t, &options, threads);
}

static void report(const struct bench_contender *contender, size_t count, const char *network, size_t batch,
                   const char *activation, long threads) {
    fprintf(stderr, "%s, %s, batch %zu, %ld thread%s\n", network, activation, batch, threads, threads == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        double times = contender[i].best / contender->best;
        printf("{\"bench\": \"penalty\", \"network\": \"%s\", \"batch\": %zu, \"activation\": \"%s\", \"threads\": %ld, "
               "\"what\": \"%s\", \"seconds\": %.9f, \"of_plain\": %.4f}\n",
               network, batch, activation, threads, contender[i].name, contender[i].best, times);
        fprintf(stderr, "    %-36s %10.1f us a step   %5.2f of the plain one\n", contender[i].name,
                1e6 * contender[i].best, times);
    }
}

int main(int count, char **argument) {
    double seconds = 4;
    long threads = 1;
    const char *activation = "sigmoid";
    int i = 1;
    for (; i + 1 < count && strncmp(argument[i], "--", 2) == 0; i += 2) {
        const char *value = argument[i + 1];
        if (strcmp(argument[i], "--seconds") == 0) seconds = strtod(value, NULL);
        else if (strcmp(argument[i], "--threads") == 0) threads = strtol(value, NULL, 10);
        else if (strcmp(argument[i], "--activation") == 0) activation = value;
        else bench_die("unknown option %s", argument[i]);
    }
    size_t contenders = count - i < 2 ? 0 : (size_t)(count - i - 1);
    if (contenders < 1 || contenders > BENCH_CONTENDERS_MAX) bench_die("a network, a batch and up to 7 penalties");
    struct bench_network network = bench_network_parse(argument[i]);
    size_t batch = strtoul(argument[i + 1], NULL, 10);
    float *data = bench_data(NULL, BATCHES * batch, network.width[0]);
    struct bench_trainer trainer[BENCH_CONTENDERS_MAX];
    struct bench_contender contender[BENCH_CONTENDERS_MAX];
    for (size_t k = 0; k < contenders; k++) {
        const char *penalty = k == 0 ? NULL : argument[(size_t)i + 1 + k];
        trainer[k] = (struct bench_trainer){
            .data = data, .cols = network.width[0], .batch = batch, .batches = BATCHES};
        trainer_create(&trainer[k], &network, activation, penalty, threads);
        contender[k] = (struct bench_contender){
            .name = penalty == NULL ? "plain" : penalty, .run = bench_trainer_run, .user = &trainer[k]};
    }
    bench_race(contender, contenders, 0.01, seconds);
    report(contender, contenders, network.name, batch, activation, threads);
    for (size_t k = 0; k < contenders; k++) bench_trainer_free(&trainer[k]);
    free(data);
    return 0;
}
