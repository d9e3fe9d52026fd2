/* detector_exact_test.c - a detector's numbers against the same by definition: what is learned of a column, the energy as an
 * integral by another rule, what a threshold and a probability are made of; and files whose description of them is broken. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "io/written.h"
#include "model/model.h"
#include "use/detector.h"

/* MANY: more than the 1024 rows that are scored at a time. */
enum { ROWS = 300, COLS = 3, MANY = 1100, PARTS = 200 };

static const double noise = 0.7;
static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

/* A skewed column, one that follows it and one of few values, each with cells far out. */
static void data_make(void) {
    uint64_t state = 5;
    for (int r = 0; r < ROWS; r++) {
        double u[3];
        for (int i = 0; i < 3; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            u[i] = (double)(state >> 40) / (1 << 24);
        }
        data[r * COLS] = (float)(100 - 40 * log1p(-u[0]));
        data[r * COLS + 1] = (float)(0.01 * u[0] + 0.003 * u[1]);
        data[r * COLS + 2] = (float)((int)(u[2] * 9) - 4);
    }
    data[7 * COLS] = 1e6f, data[8 * COLS + 1] = -4, data[9 * COLS + 2] = 77, data[10 * COLS + 2] = -60, data[11 * COLS] = -1e4f;
}

static int ascending(const void *a, const void *b) {
    double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double quantile(const double *sorted, int count, double share) {
    double at = share * (count - 1);
    int below = (int)at;
    return below + 1 < count ? sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
}

struct facts {
    double middle, unit, low, high, least, most;
};

/* Of a column without its three cells that are furthest from the median. */
static struct facts facts_of(int column, const char *scaling, double clip) {
    double value[ROWS], mean = 0, square = 0;
    bool out[ROWS] = {false};
    for (int r = 0; r < ROWS; r++) value[r] = (double)data[r * COLS + column];
    qsort(value, ROWS, sizeof *value, ascending);
    double median = quantile(value, ROWS, 0.5), range = quantile(value, ROWS, 0.75) - quantile(value, ROWS, 0.25);
    for (int k = 0; k < 3; k++) {
        int worst = -1;
        for (int r = 0; r < ROWS; r++)
            if (!out[r] && (worst < 0 || fabs(value[r] - median) >= fabs(value[worst] - median))) worst = r;
        out[worst] = true;
    }
    for (int r = 0; r < ROWS; r++) mean += out[r] ? 0 : value[r] / (ROWS - 3);
    for (int r = 0; r < ROWS; r++) square += out[r] ? 0 : (value[r] - mean) * (value[r] - mean) / (ROWS - 3);
    bool robust = strncmp(scaling, "robust", 6) == 0;
    struct facts f = {robust ? median : mean, robust ? range : sqrt(square), 0, 0, value[0], value[ROWS - 1]};
    f.low = f.middle - clip * f.unit;
    f.high = f.middle + clip * f.unit;
    if (strncmp(scaling, "minmax", 6) == 0) {
        f.low = fmax(f.least, f.low);
        f.high = fmin(f.most, f.high);
    }
    return f;
}

static double within(double cell, const struct facts *f) { return fmin(fmax(cell, f->low), f->high); }

/* Each feature's part of the energy, by Simpson's rule in PARTS parts, and of what lies beyond the bounds. */
static void parts_of(aenc_detector *d, const struct facts *fact, const double *scale, const float *row, double *inside,
                     double *outside) {
    static float between[(PARTS + 1) * COLS], undone[(PARTS + 1) * COLS];
    const aenc_matrix points = {between, PARTS + 1, COLS, 0};
    for (int p = 0; p <= PARTS; p++)
        for (int c = 0; c < COLS; c++)
            between[p * COLS + c] = (float)(fact[c].middle + (within((double)row[c], &fact[c]) - fact[c].middle) * p / PARTS);
    CHECK(aenc_reconstruct(aenc_detector_model(d), &points, undone, (PARTS + 1) * COLS) == AENC_OK);
    for (int c = 0; c < COLS; c++) {
        double way = (within((double)row[c], &fact[c]) - fact[c].middle) / scale[c], sum = 0;
        for (int p = 0; p <= PARTS; p++) {
            double weight = p == 0 || p == PARTS ? 1 : p % 2 == 1 ? 4 : 2;
            sum += weight * ((double)between[p * COLS + c] - (double)undone[p * COLS + c]) / scale[c];
        }
        inside[c] = way * sum / (3 * PARTS);
        double u = fabs((double)row[c] - within((double)row[c], &fact[c])) / fact[c].unit;
        outside[c] = noise * noise / (2 * (1 + noise * noise)) * ((5 + u) * (5 + u) - 25);
    }
}

static void check_meaning(aenc_context *ctx, aenc_detector *d, const char *spec, const float *score) {
    double root[ROWS], away[ROWS], want = 0;
    float chance[ROWS];
    uint8_t flag[ROWS];
    for (int r = 0; r < ROWS; r++) root[r] = cbrt((double)score[r]);
    qsort(root, ROWS, sizeof *root, ascending);
    double center = quantile(root, ROWS, 0.5);
    for (int r = 0; r < ROWS; r++) away[r] = fabs(root[r] - center);
    qsort(away, ROWS, sizeof *away, ascending);
    double spread = 1.4826 * quantile(away, ROWS, 0.5);
    CHECK_NEAR(d->center, center, 1e-6 * center);
    CHECK_NEAR(d->spread, spread, 1e-5 * spread);
    CHECK_STATUS(ctx, aenc_threshold(ctx, spec, score, ROWS, &want), AENC_OK);
    double got = aenc_detector_threshold(d);
    CHECK((double)(float)got == got && got <= want && (double)nextafterf((float)got, INFINITY) > want);
    CHECK_STATUS(ctx, aenc_detector_probability(d, &x, chance, ROWS), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_flag(d, &x, flag, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) {
        CHECK_NEAR(chance[r], fmax(0, erf((cbrt((double)score[r]) - center) / (spread * sqrt(2)))), 1e-4);
        CHECK(chance[r] < 1 && flag[r] == ((double)score[r] > want));
    }
}

static void check_scores(aenc_context *ctx, const char *scaling, double clip, const char *spec) {
    static float score[ROWS], feature[ROWS * COLS], many[MANY * COLS], again[MANY];
    static double inside[ROWS][COLS], outside[ROWS][COLS];
    struct facts fact[COLS];
    double scale[COLS], lowest = 0;
    aenc_detector *d = NULL;
    aenc_detector_options options = {.struct_size = sizeof options, .scaling = scaling, .noise = noise, .steps = 150,
                                     .threshold = spec};
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &options, &d), AENC_OK);
    for (int c = 0; c < COLS; c++) {
        fact[c] = facts_of(c, scaling == NULL ? "standard" : scaling, clip);
        bool minmax = scaling != NULL && strcmp(scaling, "minmax") == 0;
        scale[c] = minmax ? fact[c].high - fact[c].low : fact[c].unit;
        CHECK_NEAR(d->column[c].middle, fact[c].middle, 1e-6 * fact[c].unit);
        CHECK_NEAR(d->column[c].unit, fact[c].unit, 1e-6 * fact[c].unit);
        CHECK_NEAR(d->column[c].low, fact[c].low, 1e-5 * fact[c].unit);
        CHECK_NEAR(d->column[c].high, fact[c].high, 1e-5 * fact[c].unit);
    }
    CHECK_STATUS(ctx, aenc_detector_score(d, &x, score, ROWS), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_score_features(d, &x, feature, ROWS * COLS), AENC_OK);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        parts_of(d, fact, scale, data + r * COLS, inside[r], outside[r]);
        for (int c = 0; c < COLS; c++) sum += inside[r][c];
        lowest = fmin(lowest, sum);
    }
    CHECK_NEAR(d->lowest, lowest, 2e-3);
    for (int r = 0; r < ROWS; r++) {
        double sum = -d->lowest, beyond = 0;
        for (int c = 0; c < COLS; c++) sum += inside[r][c], beyond += outside[r][c];
        double want = fmax(sum, 0) + beyond;
        CHECK_NEAR(score[r], want, 3e-3 + 3e-5 * want);
        for (int c = 0; c < COLS && sum > 1e-2; c++) {
            want = inside[r][c] - d->lowest / COLS + outside[r][c];
            CHECK_NEAR(feature[r * COLS + c], want, 3e-3 + 3e-5 * fabs(want));
        }
    }
    check_meaning(ctx, d, spec, score);
    for (int i = 0; i < MANY * COLS; i++) many[i] = data[i % (ROWS * COLS)];
    const aenc_matrix longer = {many, MANY, COLS, 0};
    CHECK_STATUS(ctx, aenc_detector_score(d, &longer, again, MANY), AENC_OK);
    for (int r = 0; r < MANY; r++) CHECK(again[r] == score[r % ROWS]);
    aenc_detector_free(d);
}

/* ---- Options and rooms at their borders ---- */

static void check_borders(aenc_context *ctx) {
    static float out[ROWS * COLS], broken[COLS] = {0, (float)NAN, 0};
    static uint8_t flag[ROWS];
    const aenc_matrix narrow = {data, 2, COLS - 1, 0}, bad = {broken, 1, COLS, 0}, few = {data, 2, COLS, 0};
    aenc_detector *d = NULL;
    aenc_detector_options o = {.struct_size = sizeof o, .noise = 1e6, .steps = 1};
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &o, &d), AENC_OK);
    const aenc_matrix *const wrong[] = {NULL, &narrow, &bad};
    const aenc_status want[] = {AENC_ERR_ARGUMENT, AENC_ERR_SHAPE, AENC_ERR_NONFINITE};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(ctx, aenc_detector_score(d, wrong[i], out, ROWS), want[i]);
        CHECK_STATUS(ctx, aenc_detector_score_features(d, wrong[i], out, ROWS * COLS), want[i]);
        CHECK_STATUS(ctx, aenc_detector_probability(d, wrong[i], out, ROWS), want[i]);
        CHECK_STATUS(ctx, aenc_detector_flag(d, wrong[i], flag, ROWS), want[i]);
    }
    CHECK_STATUS(ctx, aenc_detector_score(d, &few, out, 2), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_score_features(d, &few, out, 2 * COLS), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_probability(d, &few, out, 2), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_flag(d, &few, flag, 2), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_score(d, &few, out, 1), AENC_ERR_SHAPE);
    CHECK_STATUS(ctx, aenc_detector_score_features(d, &few, out, 2 * COLS - 1), AENC_ERR_SHAPE);
    CHECK_STATUS(ctx, aenc_detector_probability(d, &few, out, 1), AENC_ERR_SHAPE);
    CHECK_STATUS(ctx, aenc_detector_flag(d, &few, flag, 1), AENC_ERR_SHAPE);
    CHECK_STATUS(ctx, aenc_detector_score(d, &few, NULL, 2), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_detector_score_features(d, &few, NULL, 2 * COLS), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_detector_probability(d, &few, NULL, 2), AENC_ERR_ARGUMENT);
    CHECK(aenc_detector_score_features(NULL, &few, out, 6) == AENC_ERR_ARGUMENT);
    CHECK(aenc_detector_probability(NULL, &few, out, 2) == AENC_ERR_ARGUMENT);
    CHECK(aenc_detector_flag(NULL, &few, flag, 2) == AENC_ERR_ARGUMENT && aenc_detector_save(NULL, "x") == AENC_ERR_ARGUMENT);
    CHECK(aenc_detector_set_threshold(NULL, 1) == AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_detector_set_threshold(d, (double)INFINITY), AENC_ERR_NONFINITE);
    double before = aenc_detector_threshold(d);
    CHECK_STATUS(ctx, aenc_detector_set_threshold(d, -1e300), AENC_OK);
    CHECK(before != -1e300 && aenc_detector_threshold(d) == -1e300);
    aenc_detector_free(d);
    const aenc_matrix empty = {data, 3, 0, 0};
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &empty, NULL, &d), AENC_ERR_SHAPE);
    o.noise = 1.0001e6;
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &o, &d), AENC_ERR_ARGUMENT);
    o.noise = 0;
    o.steps = (int64_t)INT32_MAX + 1;
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &o, &d), AENC_ERR_ARGUMENT);
    CHECK(d == NULL);
    /* what is left out is what it says */
    float a[ROWS], b[ROWS];
    aenc_detector_options whole = {.struct_size = sizeof whole, .threshold = "quantile:q=0.95", .scaling = "standard:clip=5",
                                   .noise = 1, .steps = 1000};
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, i == 0 ? NULL : &whole, &d), AENC_OK);
        CHECK_STATUS(ctx, aenc_detector_score(d, &x, i == 0 ? a : b, ROWS), AENC_OK);
        CHECK(strcmp(aenc_detector_threshold_spec(d), whole.threshold) == 0);
        aenc_detector_free(d);
    }
    CHECK(memcmp(a, b, sizeof a) == 0);
}

/* ---- Broken descriptions ---- */

struct detail {
    const char *key, *text; /* text NULL: left out */
};

/* A good description with one field changed, as a file around the model. */
static aenc_status load_with(aenc_context *ctx, struct aenc_model *model, const struct detail *change, aenc_detector **out) {
    static const struct detail good[] = {
        {"format", "2"}, {"threshold", "1"}, {"center", "0.5"}, {"spread", "1"}, {"lowest", "-0.25"}, {"outside", "0.25"},
        {"rows", "300"}, {"threshold_spec", "\"mad\""}, {"middle", "[0,1,-2]"}, {"unit", "[1,2,0.5]"}};
    char text[512] = "{";
    void *bytes = NULL;
    size_t size = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *value = strcmp(good[i].key, change->key) == 0 ? change->text : good[i].text;
        if (value == NULL) continue;
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s\"%s\":%s", used > 1 ? "," : "", good[i].key, value);
    }
    strcat(text, "}");
    struct metadata_entry entry = {"autoenc.detector", *change->key == '\0' ? change->text : text};
    CHECK_STATUS(ctx, written_model(model, &entry, &bytes, &size), AENC_OK);
    aenc_status status = aenc_detector_from_bytes(ctx, &(struct loaded_bytes){bytes, size, "the file"}, out);
    aenc_release(ctx, bytes);
    return status;
}

static void check_descriptions(aenc_context *ctx) {
    static const struct detail bad[] = {
        {"threshold", NULL}, {"threshold", "\"1\""}, {"threshold", "null"}, {"center", NULL}, {"center", "true"},
        {"spread", NULL}, {"spread", "0"}, {"spread", "-1"}, {"lowest", NULL}, {"lowest", "0.1"}, {"lowest", "[0]"},
        {"outside", NULL}, {"outside", "0"}, {"outside", "-0.1"}, {"outside", "0.51"}, {"rows", "-1"}, {"rows", "1.5"},
        {"rows", "\"3\""}, {"threshold_spec", "3"}, {"middle", NULL}, {"unit", NULL}, {"middle", "3"}, {"unit", "3"},
        {"middle", "[0,1]"}, {"middle", "[0,1,2,3]"}, {"unit", "[1,2]"}, {"unit", "[1,2,3,4]"}, {"middle", "[0,1,\"2\"]"},
        {"unit", "[1,2,\"3\"]"}, {"unit", "[1,2,0]"}, {"unit", "[-1,2,3]"}, {"unit", "[1,1e-39,3]"}, {"unit", "[1,2,1e39]"},
        {"middle", "[1e39,1,2]"}, {"middle", "[0,1,-1e39]"}, {"format", "\"2\""}, {"format", "0"}, {"format", "-1"},
        {"format", "1.5"}, {"format", "2.5"}, {"format", "null"}, {"", ""}, {"", "{"}, {"", "[]"}, {"", "{} x"}, {"", "3"}};
    static const struct detail accepted[] = {{"lowest", "0"}, {"outside", "0.5"}, {"spread", "1e-300"}, {"rows", "0"},
                                            {"rows", NULL}, {"threshold_spec", NULL}, {"format", NULL}, {"format", "1"},
                                            {"threshold", "-1e300"}, {"unit", "[1.2e-38,3e38,1]"}, {"none", NULL}};
    aenc_detector *d = NULL, *made = NULL;
    aenc_detector_options o = {.struct_size = sizeof o, .steps = 1};
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &o, &made), AENC_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aenc_status status = load_with(ctx, made->model, &bad[i], &d);
        if (!CHECK(status == AENC_ERR_FORMAT && d == NULL))
            fprintf(stderr, "  %s: %s: %d\n", bad[i].key, bad[i].text == NULL ? "left out" : bad[i].text, status);
        if (*bad[i].key == '\0') continue;
        const char *said = aenc_message(ctx);
        if (!CHECK(strstr(said, "the file") != NULL && strstr(said, bad[i].key) != NULL)) fprintf(stderr, "  %s\n", said);
    }
    static const struct detail later[] = {{"format", "4"}, {"format", "3.5"}, {"format", "1e300"}};
    for (size_t i = 0; i < 3; i++) CHECK_STATUS(ctx, load_with(ctx, made->model, &later[i], &d), AENC_ERR_VERSION);
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        CHECK_STATUS(ctx, load_with(ctx, made->model, &accepted[i], &d), AENC_OK);
        if (d == NULL) continue;
        bool first = strcmp(accepted[i].key, "format") == 0;
        CHECK((d->column == NULL) == first);
        for (int c = 0; c < COLS && !first; c++)
            CHECK(d->column[c].low <= d->column[c].middle && d->column[c].low < d->column[c].high);
        CHECK(aenc_detector_rows(d) == (strcmp(accepted[i].key, "rows") == 0 ? 0 : 300) && d->center == 0.5);
        CHECK((aenc_detector_threshold_spec(d) == NULL) == (strcmp(accepted[i].key, "threshold_spec") == 0));
        if (strcmp(accepted[i].key, "none") == 0)
            CHECK(d->threshold == 1 && d->spread == 1 && d->lowest == -0.25 && d->outside == 0.25 && d->column[1].middle == 1 &&
                  d->column[2].unit == 0.5);
        aenc_detector_free(d);
    }
    aenc_detector_free(made);
}

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 7, 2);
    data_make();
    check_scores(ctx, NULL, 5, "quantile:q=0.9");
    check_scores(ctx, "standard:clip=2", 2, "mad:k=2");
    check_scores(ctx, "robust", 5, "fpr:rate=0.05");
    check_scores(ctx, "minmax", 5, "quantile:q=0.5");
    check_borders(ctx);
    check_descriptions(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return check_finish();
}
