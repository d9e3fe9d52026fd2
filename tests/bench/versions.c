/* versions.c - two builds of the library in one process, taking turns: what a change costs or gains.
 *
 *     versions [--seconds S] [--only WORD] OLD.so NEW.so
 *
 * The program is linked with neither: each is opened with symbols of its own (RTLD_LOCAL), on the same CBLAS. Both train
 * the same model on the same rows, in slices whose order alternates: old new, new old. Of each setup the output states,
 * of the clock's time and of the process's processor time,
 *
 *     minima    the fastest slice of new / that of old
 *     medians   likewise
 *     pairs     the median of new / old of neighbouring slices, in which the machine's changes of speed cancel
 *
 * On a machine that others use too, processor time is the better estimate with one thread; with more it includes the
 * time for which workers spin. One JSON object per setup and kind of time on stdout, a table on stderr. A copy of one
 * file beside the file itself shows how far two equal libraries are apart; the same path twice is refused. Structs are
 * those of the header at build time: an older library accepts fields that it does not know while they are zero.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { DATA_ROWS = 16384, ENCODE_ROWS = 10000, FIT_ROWS = 1280, SLICES_MAX = 20000, SIDES = 2 };

static const double slice_seconds = 0.005;

/* ---- The libraries ---- */

struct library {
    const char *path;
    __typeof__(aenc_message) *message;
    __typeof__(aenc_build_info) *build_info;
    __typeof__(aenc_context_create) *context_create;
    __typeof__(aenc_context_free) *context_free;
    __typeof__(aenc_model_create) *model_create;
    __typeof__(aenc_model_free) *model_free;
    __typeof__(aenc_optimizer_create) *optimizer_create;
    __typeof__(aenc_optimizer_free) *optimizer_free;
    __typeof__(aenc_model_step) *model_step;
    __typeof__(aenc_fit) *fit;
    __typeof__(aenc_encode) *encode;
    __typeof__(aenc_runner_create) *runner_create;
    __typeof__(aenc_runner_free) *runner_free;
    __typeof__(aenc_runner_run) *runner_run;
};

static const struct {
    const char *name;
    size_t place; /* in struct library */
} symbols[] = {
    {"aenc_message", offsetof(struct library, message)},
    {"aenc_build_info", offsetof(struct library, build_info)},
    {"aenc_context_create", offsetof(struct library, context_create)},
    {"aenc_context_free", offsetof(struct library, context_free)},
    {"aenc_model_create", offsetof(struct library, model_create)},
    {"aenc_model_free", offsetof(struct library, model_free)},
    {"aenc_optimizer_create", offsetof(struct library, optimizer_create)},
    {"aenc_optimizer_free", offsetof(struct library, optimizer_free)},
    {"aenc_model_step", offsetof(struct library, model_step)},
    {"aenc_fit", offsetof(struct library, fit)},
    {"aenc_encode", offsetof(struct library, encode)},
    {"aenc_runner_create", offsetof(struct library, runner_create)},
    {"aenc_runner_free", offsetof(struct library, runner_free)},
    {"aenc_runner_run", offsetof(struct library, runner_run)},
};

static void library_open(struct library *library, const char *path) {
    library->path = path;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) bench_die("%s", dlerror());
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (symbol == NULL) bench_die("%s has no %s", path, symbols[i].name);
        memcpy((char *)library + symbols[i].place, &symbol, sizeof symbol);
    }
}

/* ---- The setups ---- */

enum task { TASK_STEP, TASK_FIT, TASK_ENCODE, TASK_ROW };

static const struct setup {
    const char *name, *network;
    enum task task;
    size_t batch;
    int64_t threads;
} setups[] = {
    {"small step", "784-128-64-32", TASK_STEP, 128, 1},       {"small step", "784-128-64-32", TASK_STEP, 128, 2},
    {"small step", "784-128-64-32", TASK_STEP, 32, 1},        {"small step", "784-128-64-32", TASK_STEP, 32, 2},
    {"small fit", "784-128-64-32", TASK_FIT, 128, 1},         {"large step", "784-1000-500-250-30", TASK_STEP, 128, 1},
    {"large step", "784-1000-500-250-30", TASK_STEP, 128, 2}, {"encode", "784-128-64-32", TASK_ENCODE, ENCODE_ROWS, 1},
    {"encode", "784-128-64-32", TASK_ENCODE, ENCODE_ROWS, 2}, {"one row", "784-128-64-32", TASK_ROW, 1, 1},
};

/* One library at work. */
struct side {
    const struct library *library;
    const struct setup *setup;
    const float *data; /* (DATA_ROWS, cols); borrowed */
    size_t cols, code, next;
    aenc_context *ctx;
    aenc_model *model;
    aenc_optimizer *optimizer;
    aenc_runner *runner;
    float *out;
    size_t out_floats;
    double *seconds, *cpu; /* of each slice, per call */
};

static void side_good(const struct side *side, aenc_status status) {
    if (status != AENC_OK)
        bench_die("%s: status %d: %s", side->library->path, (int)status, side->library->message(side->ctx));
}

static void side_create(struct side *side, const struct bench_network *network) {
    const struct library *library = side->library;
    aenc_context_options context = {.struct_size = sizeof context, .seed = 1, .threads = side->setup->threads};
    aenc_model_options model = bench_model_options(network);
    aenc_runner_options runner = {.struct_size = sizeof runner, .task = AENC_RUN_ENCODE};
    if (library->context_create(&context, &side->ctx) != AENC_OK) bench_die("%s makes no context", library->path);
    side_good(side, library->model_create(side->ctx, &model, &side->model));
    side_good(side, library->optimizer_create(side->model, "adam:lr=1e-3", &side->optimizer));
    side_good(side, library->runner_create(side->model, &runner, &side->runner));
    side->cols = network->width[0];
    side->code = network->width[network->count - 1];
    side->out_floats = ENCODE_ROWS * side->code;
    side->out = bench_floats(side->out_floats);
    side->seconds = malloc(SLICES_MAX * sizeof *side->seconds);
    side->cpu = malloc(SLICES_MAX * sizeof *side->cpu);
    if (side->seconds == NULL || side->cpu == NULL) bench_die("no memory for %d slices", SLICES_MAX);
}

static void side_free(struct side *side) {
    side->library->runner_free(side->runner);
    side->library->optimizer_free(side->optimizer);
    side->library->model_free(side->model);
    side->library->context_free(side->ctx);
    free(side->out);
    free(side->seconds);
    free(side->cpu);
}

/* The next rows, as many as the setup's batch. */
static aenc_matrix side_rows(struct side *side) {
    size_t rows = side->setup->batch;
    if (side->next + rows > DATA_ROWS) side->next = 0;
    aenc_matrix x = {side->data + side->next * side->cols, rows, side->cols, 0};
    side->next += rows;
    return x;
}

static void side_call(struct side *side) {
    const struct library *library = side->library;
    switch (side->setup->task) {
    case TASK_STEP: {
        aenc_batch batch = {.struct_size = sizeof batch, .input = side_rows(side)};
        side_good(side, library->model_step(side->model, side->optimizer, &batch, NULL));
        break;
    }
    case TASK_FIT: {
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .batch = (int64_t)side->setup->batch};
        aenc_matrix x = {side->data, FIT_ROWS, side->cols, 0};
        side_good(side, library->fit(side->model, &x, &fit));
        break;
    }
    case TASK_ENCODE: {
        aenc_matrix x = {side->data, ENCODE_ROWS, side->cols, 0};
        side_good(side, library->encode(side->model, &x, side->out, side->out_floats));
        break;
    }
    case TASK_ROW: {
        aenc_matrix x = side_rows(side);
        side_good(side, library->runner_run(side->runner, &x, NULL, side->out, side->code));
        break;
    }
    }
}

/* ---- Turns ---- */

static double side_slice(struct side *side, long calls, double *cpu) {
    double begin = bench_now(), begin_cpu = bench_process_cpu();
    for (long i = 0; i < calls; i++) side_call(side);
    *cpu = (bench_process_cpu() - begin_cpu) / (double)calls;
    return (bench_now() - begin) / (double)calls;
}

/* As many calls as make a slice; both sides have made equally many in the end. By processor time, as a slice that is
 * interrupted is long with any number of calls. */
static long calls_find(struct side side[SIDES]) {
    double cpu = 0;
    long calls = 1;
    for (;; calls *= 2) {
        for (int s = 0; s < SIDES; s++) side_slice(&side[s], calls, &cpu);
        if (cpu * (double)calls >= slice_seconds || calls >= 1L << 30) return calls;
    }
}

/* Returns the number of slices of each. */
static size_t turns_take(struct side side[SIDES], double seconds) {
    long calls = calls_find(side);
    double end = bench_now() + seconds;
    size_t turn = 0;
    for (; turn < SLICES_MAX && (turn < 5 || bench_now() < end); turn++)
        for (size_t k = 0; k < SIDES; k++) {
            struct side *now = &side[(turn + k) % SIDES];
            now->seconds[turn] = side_slice(now, calls, &now->cpu[turn]);
        }
    return turn;
}

/* ---- Figures ---- */

struct figures {
    double old_minimum, minima, medians, pairs; /* seconds; new / old */
};

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

/* Sorts both. */
static struct figures figures_of(double *old_values, double *new_values, size_t count) {
    double *ratio = malloc(count * sizeof *ratio);
    if (ratio == NULL) bench_die("no memory for %zu ratios", count);
    for (size_t i = 0; i < count; i++) ratio[i] = new_values[i] / old_values[i];
    struct figures figures = {.pairs = median(ratio, count)};
    free(ratio);
    figures.medians = median(new_values, count) / median(old_values, count);
    figures.old_minimum = old_values[0];
    figures.minima = new_values[0] / old_values[0];
    return figures;
}

static void report(const struct setup *setup, struct side side[SIDES], size_t slices) {
    struct figures wall = figures_of(side[0].seconds, side[1].seconds, slices);
    struct figures cpu = figures_of(side[0].cpu, side[1].cpu, slices);
    const struct {
        const char *name;
        struct figures f;
    } rows[] = {{"clock", wall}, {"processors", cpu}};
    for (int k = 0; k < 2; k++) {
        struct figures f = rows[k].f;
        printf(
            "{\"bench\": \"versions\", \"what\": \"%s\", \"network\": \"%s\", \"rows\": %zu, \"threads\": %d, "
            "\"time\": \"%s\", \"slices\": %zu, \"old\": %.9f, \"minima\": %.4f, \"medians\": %.4f, \"pairs\": %.4f}\n",
            setup->name, setup->network, setup->batch, (int)setup->threads, rows[k].name, slices, f.old_minimum,
            f.minima, f.medians, f.pairs);
        fprintf(stderr,
                "%-10s %-20s %5zu rows, %d threads, %-10s  old %10.2f us   new / old: minima %.3f, medians %.3f, "
                "pairs %.3f  (%zu slices)\n",
                setup->name, setup->network, setup->batch, (int)setup->threads, rows[k].name, 1e6 * f.old_minimum,
                f.minima, f.medians, f.pairs, slices);
    }
    fflush(stdout);
}

static void measure(const struct setup *setup, const struct library library[SIDES], const float *data, double seconds) {
    struct bench_network network = bench_network_parse(setup->network);
    struct side side[SIDES];
    for (int s = 0; s < SIDES; s++) {
        side[s] = (struct side){.library = &library[s], .setup = setup, .data = data};
        side_create(&side[s], &network);
    }
    report(setup, side, turns_take(side, seconds));
    for (int s = 0; s < SIDES; s++) side_free(&side[s]);
}

int main(int count, char **argument) {
    double seconds = 10;
    const char *only = "";
    int i = 1;
    for (; i + 1 < count && argument[i][0] == '-'; i += 2) {
        if (strcmp(argument[i], "--seconds") == 0)
            seconds = strtod(argument[i + 1], NULL);
        else if (strcmp(argument[i], "--only") == 0)
            only = argument[i + 1];
        else
            bench_die("unknown option %s", argument[i]);
    }
    if (count - i != SIDES) bench_die("usage: %s [--seconds S] [--only WORD] OLD.so NEW.so", argument[0]);
    struct library library[SIDES];
    for (int s = 0; s < SIDES; s++) {
        library_open(&library[s], argument[i + s]);
        aenc_context *ctx;
        if (library[s].context_create(NULL, &ctx) != AENC_OK) bench_die("%s makes no context", argument[i + s]);
        fprintf(stderr, "%s: %s\n%s\n", s == 0 ? "old" : "new", argument[i + s], library[s].build_info(ctx));
        library[s].context_free(ctx);
    }
    if (library[0].model_step == library[1].model_step) bench_die("both are the same library; copy the file");
    float *data = bench_data(NULL, DATA_ROWS, 784);
    for (size_t k = 0; k < sizeof setups / sizeof *setups; k++)
        if (strstr(setups[k].name, only) != NULL) measure(&setups[k], library, data, seconds);
    free(data);
    return 0;
}
