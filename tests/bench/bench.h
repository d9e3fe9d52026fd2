/* bench.h - what the benchmark programs share: a clock, networks written as 784-128-64-32, data, and contenders that
 * take turns.
 *
 * Shared machines switch between speeds up to 1.7 apart within seconds, so a contender is never measured alone: all run
 * in turn in slices of some milliseconds, and what is compared is the fastest slice of each. A benchmark that cannot go
 * on prints why and ends; these programs are no part of the test suite and assert no time.
 */
#ifndef AENC_BENCH_H
#define AENC_BENCH_H

#include <stddef.h>

#include <autoenc/autoenc.h>

enum { BENCH_WIDTHS_MAX = 8, BENCH_CONTENDERS_MAX = 8 };

/* Prints to stderr and exits with 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Dies with the context's message unless status is AENC_OK. */
void bench_good(const aenc_context *ctx, aenc_status status);

/* Monotonic seconds. */
double bench_now(void);
/* Seconds that the calling thread had a processor; that all threads of the process had one. */
double bench_cpu(void);
double bench_process_cpu(void);
long bench_cores(void);
/* Aligned to 64 bytes; never NULL. free() it. */
float *bench_floats(size_t count);

/* ---- Networks ---- */

/* The widths from input to code; the decoder mirrors them. ReLU inside, a linear code, sigmoid at the output, mse. With a number of
 * samples behind it, 784-400-20/1, a variational autoencoder of that code: Bernoulli likelihood, the mean over its samples. */
struct bench_network {
    char code[32]; /* the bottleneck; "": none */
    const char *name; /* as parsed; borrowed */
    size_t width[BENCH_WIDTHS_MAX];
    size_t count;
};

struct bench_network bench_network_parse(const char *name);
/* The options point into network. */
aenc_model_options bench_model_options(const struct bench_network *network);
aenc_context *bench_context(long threads);
aenc_model *bench_model(aenc_context *ctx, const struct bench_network *network);

/* ---- Data ---- */

/* How many rows of cols bytes the file has. */
size_t bench_data_rows(const char *path, size_t cols);
/* rows * cols floats in [0, 1]: a byte of the file over 255 each, or without a path drawn at random. free() it. */
float *bench_data(const char *path, size_t rows, size_t cols);

/* ---- Contenders ---- */

struct bench_contender {
    const char *name;
    void (*run)(void *user, long count); /* count steps */
    void *user;
    long slice;  /* steps in one slice */
    double best; /* seconds of the fastest slice, per step */
    double cpu;  /* likewise, of processor time of the calling thread: what a busy machine does not take part in */
};

/* Finds slices of about slice_seconds, then lets all take turns for seconds, three turns at least. */
void bench_race(struct bench_contender *contender, size_t count, double slice_seconds, double seconds);

/* ---- Training steps ---- */

/* A model and the steps it takes through the data. */
struct bench_trainer {
    const float *data; /* (batches batch, cols); borrowed */
    size_t cols, batch, batches, next;
    aenc_context *ctx;
    aenc_model *model;
    aenc_optimizer *optimizer;
};

/* The data and its sizes are there. */
void bench_trainer_create(struct bench_trainer *trainer, const aenc_model_options *options, long threads);
void bench_trainer_free(struct bench_trainer *trainer);
/* Of a contender. */
void bench_trainer_run(void *trainer, long steps);

/* ---- The bare products of a training step ---- */

/* The sgemm calls of forward, weight gradients and activation gradients at full batch size, and nothing else. */
struct bench_products {
    struct bench_network network;
    size_t batch, shard; /* rows of a call; activations go through in shards, the last may be smaller */
    const float *data;   /* (rows, input) */
    size_t batches;      /* in data, visited in turn */
    size_t next;
    size_t layers;
    size_t width[2 * BENCH_WIDTHS_MAX];
    float *weight[2 * BENCH_WIDTHS_MAX], *weight_gradient[2 * BENCH_WIDTHS_MAX];
    float *value[2 * BENCH_WIDTHS_MAX], *gradient[2 * BENCH_WIDTHS_MAX]; /* (batch, width) after layer l */
};

void bench_products_create(struct bench_products *products, const struct bench_network *network, const float *data,
                           size_t batches, size_t batch, size_t shard);
void bench_products_free(struct bench_products *products);
void bench_products_run(void *products, long steps);

#endif
