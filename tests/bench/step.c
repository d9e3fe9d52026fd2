/* step.c - a training step and an epoch beside the bare products that it consists of, in one process.
 *
 *     step [--seconds S] [--rows N] [--data FILE] [--threads N] [NETWORK BATCH]...
 *
 * Contenders: the bare sgemm calls on one thread, whole and with the activations' rows in shards of 64; aenc_model_step
 * and an epoch of aenc_fit on one thread and on all. One JSON object per contender on stdout, a table on stderr. An
 * epoch's time is its first step, shuffling included, and the others at the pace of the fastest slice, divided by its
 * steps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

static const double slice_seconds = 0.002; /* what is timed: short enough to lie between two interruptions */
static const double turn_seconds = 0.1;    /* of a run that has to be started and broken off */

struct setting {
    double seconds; /* for one network and batch */
    size_t rows;
    long threads;
    const char *path;
};

static struct bench_trainer trainer_create(const struct bench_network *network, const struct bench_products *products,
                                           long threads) {
    struct bench_trainer t = {
        .data = products->data, .cols = network->width[0], .batch = products->batch, .batches = products->batches};
    aenc_model_options options = bench_model_options(network);
    bench_trainer_create(&t, &options, threads);
    return t;
}

/* ---- The epoch ---- */

/* aenc_fit, cut into slices at its callbacks. Breaking a run off costs no time that is counted. */
struct epoch {
    const struct bench_trainer *trainer;
    double first;       /* seconds to the end of the first step: shuffling, planning */
    double slice;       /* seconds per step of the fastest slice behind it */
    double begin;       /* of the slice that runs, in the epoch's seconds */
    int64_t begin_step; /* steps done at that time */
    double end;         /* when to break off */
};

static int epoch_told(void *user, const aenc_progress *now) {
    struct epoch *epoch = user;
    if (now->event != AENC_EVENT_STEP) return 0;
    if (now->step == 1 && now->seconds < epoch->first) epoch->first = now->seconds;
    double seconds = now->seconds - epoch->begin;
    if (now->step > 1 && seconds < slice_seconds) return 0;
    /* The last step may be of fewer rows. */
    if (now->step > 1 && now->step < now->steps && seconds / (double)(now->step - epoch->begin_step) < epoch->slice)
        epoch->slice = seconds / (double)(now->step - epoch->begin_step);
    epoch->begin = now->seconds;
    epoch->begin_step = now->step;
    return now->step >= 8 && bench_now() > epoch->end;
}

static void epoch_run(struct epoch *epoch) {
    const struct bench_trainer *t = epoch->trainer;
    aenc_fit_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.epochs = 1;
    options.batch = (int64_t)t->batch;
    options.progress = epoch_told;
    options.progress_user = epoch;
    aenc_matrix x = {t->data, t->batches * t->batch, t->cols, 0};
    epoch->end = bench_now() + turn_seconds;
    bench_good(t->ctx, aenc_fit(t->model, &x, &options));
}

/* Seconds per step of an epoch over all batches: its first step, and the others at the pace of the fastest slice. */
static double epoch_each(const struct epoch *epoch) {
    double steps = (double)epoch->trainer->batches;
    return (epoch->first + (steps - 1) * epoch->slice) / steps;
}

static void epochs_race(struct epoch *one, struct epoch *all, double seconds) {
    one->first = one->slice = all->first = all->slice = 1e300;
    double end = bench_now() + seconds;
    for (int turn = 0; turn < 3 || bench_now() < end; turn++) {
        epoch_run(one);
        epoch_run(all);
    }
}

/* ---- Reporting ---- */

struct line {
    const char *what;
    long threads;
    double seconds; /* per step */
    double cpu;     /* of processor time; 0: not taken */
};

static void report(const struct bench_network *network, size_t batch, const struct line *line, size_t count) {
    fprintf(stderr, "%s, batch %zu\n", network->name, batch);
    for (size_t i = 0; i < count; i++) {
        printf("{\"bench\": \"step\", \"network\": \"%s\", \"batch\": %zu, \"what\": \"%s\", \"threads\": %ld, "
               "\"seconds\": %.9f, \"of_products\": %.4f, \"cpu\": %.9f, \"cpu_of_products\": %.4f}\n",
               network->name, batch, line[i].what, line[i].threads, line[i].seconds, line[i].seconds / line->seconds,
               line[i].cpu, line[i].cpu / line->cpu);
        fprintf(stderr, "    %-22s %2ld thread%c %10.1f us a step   %5.2f of the bare products", line[i].what,
                line[i].threads, line[i].threads == 1 ? ' ' : 's', 1e6 * line[i].seconds,
                line[i].seconds / line->seconds);
        if (line[i].cpu > 0)
            fprintf(stderr, "; processor time %10.1f us, %5.2f", 1e6 * line[i].cpu, line[i].cpu / line->cpu);
        fputc('\n', stderr);
    }
    fflush(stdout);
}

static void measure(const struct setting *setting, const struct bench_network *network, size_t batch) {
    size_t batches = setting->rows / batch;
    if (batches == 0) bench_die("%zu rows are no batch of %zu", setting->rows, batch);
    float *data = bench_data(setting->path, batches * batch, network->width[0]);
    struct bench_products whole, sharded;
    bench_products_create(&whole, network, data, batches, batch, batch);
    bench_products_create(&sharded, network, data, batches, batch, batch < 64 ? batch : 64);
    struct bench_trainer one = trainer_create(network, &whole, 1);
    struct bench_trainer all = trainer_create(network, &whole, setting->threads);
    struct bench_contender contender[] = {
        {.run = bench_products_run, .user = &whole},
        {.run = bench_products_run, .user = &sharded},
        {.run = bench_trainer_run, .user = &one},
        {.run = bench_trainer_run, .user = &all},
    };
    bench_race(contender, 4, slice_seconds, setting->seconds);
    struct epoch of_one = {.trainer = &one}, of_all = {.trainer = &all};
    epochs_race(&of_one, &of_all, setting->seconds);
    struct line line[] = {
        {"products", 1, contender[0].best, contender[0].cpu},
        {"products, 64 rows", 1, contender[1].best, contender[1].cpu},
        {"step", 1, contender[2].best, contender[2].cpu},
        {"step", setting->threads, contender[3].best, 0},
        {"epoch", 1, epoch_each(&of_one), 0},
        {"epoch", setting->threads, epoch_each(&of_all), 0},
    };
    report(network, batch, line, sizeof line / sizeof *line);
    bench_trainer_free(&all);
    bench_trainer_free(&one);
    bench_products_free(&sharded);
    bench_products_free(&whole);
    free(data);
}

static const char *const usual[] = {"784-128-64-32", "32",   "784-128-64-32",           "128",
                                    "784-128-64-32", "1024", "784-1000-500-250-30", "128"};

int main(int count, char **argument) {
    struct setting setting = {.seconds = 4, .rows = 60000, .threads = bench_cores()};
    int i = 1;
    for (; i + 1 < count && argument[i][0] == '-'; i += 2) {
        const char *value = argument[i + 1];
        if (strcmp(argument[i], "--seconds") == 0) setting.seconds = strtod(value, NULL);
        else if (strcmp(argument[i], "--rows") == 0) setting.rows = strtoul(value, NULL, 10);
        else if (strcmp(argument[i], "--threads") == 0) setting.threads = strtol(value, NULL, 10);
        else if (strcmp(argument[i], "--data") == 0) setting.path = value;
        else bench_die("unknown option %s", argument[i]);
    }
    aenc_context *ctx = bench_context(1);
    fprintf(stderr, "%s\n", aenc_build_info(ctx));
    aenc_context_free(ctx);
    const char *const *pair = i < count ? (const char *const *)argument + i : usual;
    int pairs = i < count ? count - i : (int)(sizeof usual / sizeof *usual);
    for (int k = 0; k + 1 < pairs; k += 2) {
        struct bench_network network = bench_network_parse(pair[k]);
        measure(&setting, &network, strtoul(pair[k + 1], NULL, 10));
    }
    return 0;
}
