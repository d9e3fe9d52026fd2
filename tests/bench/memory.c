/* memory.c - the peak memory of a training run, and what of it nothing stands for.
 *
 *     bench_memory NETWORK BATCH ROWS THREADS [CHECKPOINT]
 *
 * With a checkpoint, the run is written to that file after each epoch.
 *
 * Accounted for: the data, the parameters, their gradient, Adam's two moments, two batches of activations (values and
 * gradients, the input and the output among them). The peak is the system's (ru_maxrss, KiB on Linux; at least that of
 * the process that started this one, so that few rows tell nothing). The program and its libraries are not taken off.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/bench.h"

static const double megabyte = 1e6;

static double peak(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) bench_die("the system does not tell the peak memory");
    return 1024 * (double)usage.ru_maxrss / megabyte;
}

int main(int count, char **argument) {
    if (count != 5 && count != 6) bench_die("usage: bench_memory NETWORK BATCH ROWS THREADS [CHECKPOINT]");
    struct bench_network network = bench_network_parse(argument[1]);
    size_t batch = strtoul(argument[2], NULL, 10), rows = strtoul(argument[3], NULL, 10), cols = network.width[0];
    aenc_context *ctx = bench_context(strtol(argument[4], NULL, 10));
    aenc_model *model = bench_model(ctx, &network);
    float *data = bench_data(NULL, rows, cols);
    aenc_matrix x = {data, rows, cols, 0};
    aenc_fit_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.epochs = 2;
    options.batch = (int64_t)batch;
    if (count == 6) options.checkpoint = argument[5];
    bench_good(ctx, aenc_fit(model, &x, &options));
    size_t widths = network.width[network.count - 1];
    for (size_t i = 0; i + 1 < network.count; i++) widths += 2 * network.width[i];
    double of_data = (double)(rows * cols * sizeof(float)) / megabyte;
    double of_model = 4 * (double)(aenc_model_parameter_size(model) * sizeof(float)) / megabyte;
    double of_batches = 2 * (double)(batch * widths * sizeof(float)) / megabyte;
    printf("{\"bench\": \"memory\", \"network\": \"%s\", \"batch\": %zu, \"rows\": %zu, \"threads\": %s, "
           "\"peak\": %.2f, \"data\": %.2f, \"model\": %.2f, \"batches\": %.2f, \"overhead\": %.2f}\n",
           network.name, batch, rows, argument[4], peak(), of_data, of_model, of_batches,
           peak() - of_data - of_model - of_batches);
    free(data);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return 0;
}
