/* probe.c - what codes know about labels: how often a simple classifier trained on some codes is right on others.
 *
 * (Alain & Bengio, "Understanding intermediate layers using linear classifier probes", 2016.) Labels are any numbers; a
 * label that only the test rows have is never answered right.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "io/sort.h"
#include "use/codes.h"

static const struct setting_rule softmax_rules[] = {
    {"l2", SETTING_NUMBER, false, 1e-4, 0, INFINITY, NULL},
    {"iterations", SETTING_INTEGER, false, 500, 1, 1e6, NULL},
    {NULL, 0, false, 0, 0, 0, NULL},
};
static const struct setting_rule knn_rules[] = {
    {"k", SETTING_INTEGER, false, 5, 1, 1e6, NULL},
    {"metric", SETTING_TEXT, false, 0, 0, 0, "euclidean"},
    {NULL, 0, false, 0, 0, 0, NULL},
};

struct probe {
    aenc_context *ctx;
    const struct labelled *train, *test;
    int64_t cols;
    int32_t *value; /* (classes): the labels of the training rows, sorted */
    int64_t classes;
    int64_t *cls;    /* (train rows): place in value */
    int64_t *answer; /* (test rows): likewise */
};

static int compare_labels(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The different labels of the training rows, and which each row has. */
static void classes_find(struct probe *probe, int32_t *scratch) {
    int64_t rows = probe->train->x.count;
    memcpy(probe->value, probe->train->label, (size_t)rows * sizeof *probe->value);
    aenc_sort(probe->value, scratch, (size_t)rows, sizeof *scratch, compare_labels);
    for (int64_t r = 0; r < rows; r++)
        if (r == 0 || probe->value[r] != probe->value[probe->classes - 1])
            probe->value[probe->classes++] = probe->value[r];
    for (int64_t r = 0; r < rows; r++) {
        const int32_t *value = aenc_sorted_find(&probe->train->label[r], probe->value, (size_t)probe->classes,
                                                sizeof *value, compare_labels);
        probe->cls[r] = value - probe->value;
    }
}

/* The class that most of the k nearest have; among equals the smallest label. */
static aenc_status ask_knn(struct probe *probe, const struct json *spec) {
    const char *metric = aenc_setting_text(spec, knn_rules, "metric");
    struct search search = {probe->train->x,
                            probe->test->x,
                            probe->cols,
                            aenc_setting_integer(spec, knn_rules, "k"),
                            strcmp(metric, "cosine") == 0,
                            false};
    if (!search.cosine && strcmp(metric, "euclidean") != 0)
        return aenc_fail(probe->ctx, AENC_ERR_ARGUMENT, "probe 'knn': metric is '%.40s'; it is euclidean or cosine",
                         metric);
    if (search.k > search.base.count) search.k = search.base.count;
    struct near *near = aenc_alloc_raw(probe->ctx, (size_t)search.query.count, (size_t)search.k * sizeof *near);
    int64_t *votes = aenc_alloc(probe->ctx, (size_t)probe->classes, sizeof *votes);
    aenc_status status = near == NULL || votes == NULL ? AENC_ERR_NO_MEMORY : aenc_search(probe->ctx, &search, near);
    for (int64_t r = 0; status == AENC_OK && r < search.query.count; r++) {
        int64_t best = -1;
        for (int64_t i = 0; i < search.k; i++) votes[probe->cls[near[r * search.k + i].row]]++;
        for (int64_t c = 0; c < probe->classes; c++) {
            if (best < 0 || votes[c] > votes[best]) best = c;
        }
        probe->answer[r] = best;
        memset(votes, 0, (size_t)probe->classes * sizeof *votes);
    }
    aenc_release(probe->ctx, near);
    aenc_release(probe->ctx, votes);
    return status;
}

static aenc_status ask(struct probe *probe, const struct json *spec) {
    const char *type = aenc_settings_type(spec);
    bool knn = strcmp(type, "knn") == 0;
    if (!knn && strcmp(type, "softmax") != 0)
        return aenc_fail(probe->ctx, AENC_ERR_ARGUMENT, "unknown probe '%.40s'; known: softmax, knn", type);
    aenc_status status = aenc_settings_check(probe->ctx, "probe", spec, knn ? knn_rules : softmax_rules);
    if (status != AENC_OK) return status;
    if (knn) return ask_knn(probe, spec);
    return aenc_probe_softmax(probe->ctx, &probe->train->x, probe->cls, probe->classes, probe->cols,
                              aenc_setting_number(spec, softmax_rules, "l2"),
                              aenc_setting_integer(spec, softmax_rules, "iterations"), &probe->test->x, probe->answer);
}

static void judge(const struct probe *probe, int32_t *predicted, double *accuracy) {
    int64_t right = 0, rows = probe->test->x.count;
    for (int64_t r = 0; r < rows; r++) {
        int32_t said = probe->value[probe->answer[r]];
        right += said == probe->test->label[r];
        if (predicted != NULL) predicted[r] = said;
    }
    *accuracy = (double)right / (double)rows;
}

aenc_status aenc_probe_ask(aenc_context *ctx, const char *spec, int64_t cols, const struct labelled *train,
                           const struct labelled *test, int32_t *predicted, double *accuracy) {
    struct probe probe = {.ctx = ctx, .train = train, .test = test, .cols = cols};
    struct arena arena;
    struct json *parsed;
    size_t rows = (size_t)train->x.count;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "probe", spec, &parsed);
    if (status == AENC_OK) {
        probe.value = aenc_alloc_raw(ctx, rows, 2 * sizeof *probe.value);
        probe.cls = aenc_alloc_raw(ctx, rows, sizeof *probe.cls);
        probe.answer = aenc_alloc_raw(ctx, (size_t)test->x.count, sizeof *probe.answer);
        if (probe.value == NULL || probe.cls == NULL || probe.answer == NULL) status = AENC_ERR_NO_MEMORY;
    }
    if (status == AENC_OK) {
        classes_find(&probe, probe.value + rows);
        status = ask(&probe, parsed);
    }
    if (status == AENC_OK) judge(&probe, predicted, accuracy);
    aenc_release(ctx, probe.value);
    aenc_release(ctx, probe.cls);
    aenc_release(ctx, probe.answer);
    aenc_arena_free(&arena);
    return status;
}
