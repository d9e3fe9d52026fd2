/* worker.c - does jobs on demand, so that the library and its peers can take turns in short slices.
 *
 *     bench_worker NETWORK BATCH THREADS DATA
 *
 * Prints "ready" and what it is. Then a line "JOB COUNT" on stdin is answered by the seconds that it took and the
 * seconds that its threads had a processor; "jobs" by the names of the jobs; "loss" by the loss of the last step; "info"
 * by the library's build info, tabs for line ends. Ends with stdin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/worker.h"

static const struct bench_job *const jobs[] = {&bench_job_step, &bench_job_fit, &bench_job_row, &bench_job_runner_row,
                                               &bench_job_rows};
enum { JOB_COUNT = sizeof jobs / sizeof *jobs };

static void answer(struct bench_worker *worker, const char *name, long count) {
    if (strcmp(name, "loss") == 0) {
        printf("%.6f\n", worker->loss);
        return;
    }
    if (strcmp(name, "info") == 0) {
        for (const char *at = aenc_build_info(worker->ctx); *at != '\0'; at++) putchar(*at == '\n' ? '\t' : *at);
        putchar('\n');
        return;
    }
    for (size_t i = 0; i < JOB_COUNT; i++) {
        if (strcmp(name, "jobs") == 0) printf("%s%c", jobs[i]->name, i + 1 < JOB_COUNT ? ' ' : '\n');
        if (strcmp(name, jobs[i]->name) != 0) continue;
        struct bench_time took = jobs[i]->run(worker, count);
        printf("%.9f %.9f\n", took.seconds, took.cpu);
        return;
    }
    if (strcmp(name, "jobs") != 0) printf("no job %s\n", name);
}

int main(int count, char **argument) {
    if (count != 5) bench_die("usage: bench_worker NETWORK BATCH THREADS DATA");
    struct bench_worker worker = {.network = bench_network_parse(argument[1])};
    size_t cols = worker.network.width[0];
    worker.batch = strtoul(argument[2], NULL, 10);
    worker.rows = bench_data_rows(argument[4], cols);
    if (worker.batch == 0 || worker.rows < worker.batch) bench_die("no %s rows in %s", argument[2], argument[4]);
    worker.ctx = bench_context(strtol(argument[3], NULL, 10));
    worker.model = bench_model(worker.ctx, &worker.network);
    worker.data = bench_data(argument[4], worker.rows, cols);
    worker.output = bench_floats(worker.rows * cols);
    printf("ready libautoenc %s\n", aenc_version_string());
    fflush(stdout);
    char line[64], name[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        long times = 1;
        if (sscanf(line, "%31s %ld", name, &times) < 1 || times < 1) bench_die("not a job: %s", line);
        answer(&worker, name, times);
        fflush(stdout);
    }
    free(worker.output);
    free(worker.data);
    aenc_optimizer_free(worker.optimizer);
    aenc_model_free(worker.model);
    aenc_context_free(worker.ctx);
    return 0;
}
