/* bench.c - clock, networks, data, and the turns that contenders take. It calls no function of the library, so that
 * versions.c links without one. */
#define _GNU_SOURCE

#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static double clock_now(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double bench_now(void) { return clock_now(CLOCK_MONOTONIC); }
double bench_cpu(void) { return clock_now(CLOCK_THREAD_CPUTIME_ID); }
double bench_process_cpu(void) { return clock_now(CLOCK_PROCESS_CPUTIME_ID); }

long bench_cores(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? cores : 1;
}

float *bench_floats(size_t count) {
    size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
    float *block = aligned_alloc(64, bytes > 0 ? bytes : 64);
    if (block == NULL) bench_die("no memory for %zu floats", count);
    return block;
}

/* ---- Networks ---- */

struct bench_network bench_network_parse(const char *name) {
    struct bench_network network = {.name = name};
    const char *rest = name, *samples = strchr(name, '/');
    if (samples != NULL && strtol(samples + 1, NULL, 10) < 1) bench_die("'%s' has no number of samples", name);
    if (samples != NULL) (void)snprintf(network.code, sizeof network.code, "gaussian:samples=%ld", strtol(samples + 1, NULL, 10));
    while (*rest != '\0' && *rest != '/') {
        char *end;
        unsigned long width = strtoul(rest, &end, 10);
        if (end == rest || width == 0 || (*end != '-' && *end != '/' && *end != '\0') || network.count == BENCH_WIDTHS_MAX)
            bench_die("'%s' is not a network such as 784-128-64-32", name);
        network.width[network.count++] = width;
        rest = *end == '-' ? end + 1 : end;
    }
    if (network.count < 2) bench_die("'%s' has fewer than two widths", name);
    return network;
}

aenc_model_options bench_model_options(const struct bench_network *network) {
    aenc_model_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.input = network->width;
    options.input_rank = 1;
    options.encoder_widths = network->width + 1;
    options.encoder_count = network->count - 1;
    options.output = "sigmoid";
    if (network->code[0] == '\0') return options;
    options.bottleneck = network->code;
    options.loss = "bernoulli";
    options.output = NULL;
    return options;
}

/* ---- Data ---- */

size_t bench_data_rows(const char *path, size_t cols) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) bench_die("cannot read %s", path);
    long size = ftell(file);
    fclose(file);
    return size < 0 ? 0 : (size_t)size / cols;
}

float *bench_data(const char *path, size_t rows, size_t cols) {
    float *data = bench_floats(rows * cols);
    unsigned char *line = malloc(cols);
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    if (line == NULL || (path != NULL && file == NULL)) bench_die("cannot read %s", path != NULL ? path : "a row");
    unsigned long long state = 1;
    for (size_t r = 0; r < rows; r++) {
        if (file != NULL && fread(line, 1, cols, file) != cols) bench_die("%s has fewer than %zu rows", path, rows);
        for (size_t i = 0; i < cols; i++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            unsigned value = file != NULL ? line[i] : (unsigned)(state >> 56);
            data[r * cols + i] = (float)value / 255;
        }
    }
    if (file != NULL) fclose(file);
    free(line);
    return data;
}

/* ---- Contenders ---- */

static double slice_run(struct bench_contender *contender, long steps) {
    double begin = bench_now(), begin_cpu = bench_cpu();
    contender->run(contender->user, steps);
    double cpu = (bench_cpu() - begin_cpu) / (double)steps, seconds = bench_now() - begin;
    if (cpu < contender->cpu) contender->cpu = cpu;
    return seconds;
}

/* Doubles the slice until it is long enough; the first run is the warm-up. */
static void slice_find(struct bench_contender *contender, double slice_seconds) {
    contender->run(contender->user, 1);
    contender->best = contender->cpu = 1e300;
    contender->slice = 1;
    while (slice_run(contender, contender->slice) < slice_seconds && contender->slice < 1L << 40) contender->slice *= 2;
}

void bench_race(struct bench_contender *contender, size_t count, double slice_seconds, double seconds) {
    for (size_t i = 0; i < count; i++) slice_find(&contender[i], slice_seconds);
    double end = bench_now() + seconds;
    for (int turn = 0; turn < 3 || bench_now() < end; turn++)
        for (size_t i = 0; i < count; i++) {
            double each = slice_run(&contender[i], contender[i].slice) / (double)contender[i].slice;
            if (each < contender[i].best) contender[i].best = each;
        }
}
