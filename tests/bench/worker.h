/* worker.h - the jobs that bench_worker does for the driver. A job is a row of the table in worker.c. */
#ifndef AENC_BENCH_WORKER_H
#define AENC_BENCH_WORKER_H

#include "bench/bench.h"

struct bench_worker {
    struct bench_network network;
    size_t batch, rows, next; /* next batch */
    aenc_context *ctx;
    aenc_model *model;
    float *data;   /* (rows, input) */
    float *output; /* (rows, input) */
    double loss;   /* of the last step */
    aenc_optimizer *optimizer;
};

/* Points in time, later durations. */
struct bench_time {
    double seconds, cpu; /* cpu: of all threads of the process */
};

struct bench_time bench_time_now(void);
struct bench_time bench_time_since(struct bench_time begin);

struct bench_job {
    const char *name;
    /* Does it count times and answers how long that took; what is done once only is not counted. */
    struct bench_time (*run)(struct bench_worker *worker, long count);
};

extern const struct bench_job bench_job_step; /* count steps of aenc_model_step through the rows in their order */
extern const struct bench_job bench_job_fit;  /* count steps within aenc_fit, which shuffles */
extern const struct bench_job bench_job_row;  /* one row encoded and decoded, count times */
extern const struct bench_job bench_job_runner_row; /* the same through a runner */
extern const struct bench_job bench_job_rows; /* all rows encoded and decoded, count times */

#endif
