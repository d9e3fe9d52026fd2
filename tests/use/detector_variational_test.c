/* detector_variational_test.c - detectors with a bottleneck, on the digits: a class that was not learned scores higher by each part
 * of the score; what the scores are made from; files; features; the same bits on threads; and what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "model/model.h"
#include "use/detector.h"

enum { DIGITS = 1797, COLS = 64, HEADER = 128, MOST = 400 };

static float digit[DIGITS * COLS], normal[MOST * COLS], test[MOST * COLS];
static uint8_t label[DIGITS], odd[MOST];
static size_t normals, tests;

static void read_file(const char *name, void *out, size_t size) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("AENC_EXAMPLE_DATA"), name);
    FILE *file = fopen(path, "rb");
    if (!CHECK(file != NULL && fseek(file, HEADER, SEEK_SET) == 0 && fread(out, 1, size, file) == size)) exit(1);
    fclose(file);
}

/* Zeros and ones are normal, half of them to learn from; sevens are not. */
static void data_make(void) {
    read_file("digits.npy", digit, sizeof digit);
    read_file("digits_labels.npy", label, sizeof label);
    for (int r = 0, k = 0; r < DIGITS; r++) {
        if (label[r] > 1 && label[r] != 7) continue;
        bool learned = label[r] <= 1 && k++ % 2 == 0;
        size_t *count = learned ? &normals : &tests;
        if (*count == MOST) continue;
        odd[tests] = label[r] == 7;
        memcpy((learned ? normal : test) + *count * COLS, digit + r * COLS, COLS * sizeof *digit);
        ++*count;
    }
}

static aenc_detector *detector_make(aenc_context *ctx, const char *bottleneck, const char *score, size_t samples) {
    const aenc_matrix x = {normal, normals, COLS, 0};
    const aenc_detector_options options = {.struct_size = sizeof options, .bottleneck = bottleneck, .score = score, .samples = samples,
                                           .steps = 300};
    aenc_detector *detector = NULL;
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &options, &detector), AENC_OK);
    if (detector == NULL) exit(1);
    return detector;
}

static double auc_of(aenc_context *ctx, aenc_detector *detector, float *score) {
    const aenc_matrix x = {test, tests, COLS, 0};
    double auc = 0;
    CHECK_STATUS(ctx, aenc_detector_score(detector, &x, score, tests), AENC_OK);
    CHECK_STATUS(ctx, aenc_roc_auc(ctx, score, odd, tests, &auc), AENC_OK);
    return auc;
}

/* Trained, saved, loaded into a context with another seed, judged and flagged. */
static void found_test(aenc_context *ctx, aenc_context *other) {
    static const struct {
        const char *score;
        double least;
    } cases[] = {{NULL, 0.97}, {"reconstruction", 0.97}, {"kl", 0.8}, {"typicality", 0.6}, {"likelihood", 0.97}};
    static float score[MOST], again[MOST], feature[MOST * COLS];
    static uint8_t flag[MOST];
    const aenc_matrix x = {test, tests, COLS, 0};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        aenc_detector *d = detector_make(ctx, "gaussian", cases[k].score, 4), *loaded = NULL;
        size_t size = 0;
        double auc = auc_of(ctx, d, score);
        if (!CHECK(auc > cases[k].least)) fprintf(stderr, "  %s: ROC-AUC %g\n", cases[k].score == NULL ? "elbo" : cases[k].score, auc);
        CHECK_STATUS(ctx, aenc_detector_save_memory(d, NULL, 0, &size), AENC_OK);
        void *bytes = malloc(size);
        CHECK_STATUS(ctx, aenc_detector_save_memory(d, bytes, size, &size), AENC_OK);
        CHECK_STATUS(other, aenc_detector_load_memory(other, bytes, size, &loaded), AENC_OK);
        (void)auc_of(other, loaded, again);
        CHECK(memcmp(score, again, tests * sizeof *score) == 0);
        CHECK(aenc_detector_threshold(loaded) == aenc_detector_threshold(d) && loaded->score == d->score && loaded->samples == 4);
        CHECK_STATUS(ctx, aenc_detector_flag(loaded, &x, flag, tests), AENC_OK);
        CHECK_STATUS(ctx, aenc_detector_score_features(loaded, &x, feature, tests * COLS), AENC_OK);
        for (size_t r = 0; r < tests; r++) {
            double sum = 0;
            for (int c = 0; c < COLS; c++) sum += (double)feature[r * COLS + (size_t)c];
            CHECK_NEAR(sum, (double)score[r], 1e-3 + 1e-4 * fabs((double)score[r]));
            CHECK(flag[r] == ((double)score[r] > aenc_detector_threshold(d)) && score[r] >= 0);
        }
        free(bytes);
        aenc_detector_free(loaded);
        aenc_detector_free(d);
    }
}

/* Results of the model, of cells within their bounds: with one draw the score is the reconstruction and the KL. */
static void parts_test(aenc_context *ctx) {
    static const char *const names[] = {"score", "reconstruction", "kl", "typicality", "log_variance", "mean"};
    enum { ROWS = 20, UNITS = 8 };
    static float out[6][ROWS * UNITS], score[ROWS];
    const aenc_matrix x = {normal, ROWS, COLS, 0};
    const size_t dims[] = {ROWS, COLS}, one[] = {ROWS, 1}, units[] = {ROWS, UNITS};
    const aenc_array in = {.struct_size = sizeof in, .name = "input", .data = normal, .size = sizeof normal, .dims = dims, .rank = 2};
    const aenc_array *given[] = {&in}, *wanted[6];
    aenc_array array[6];
    aenc_detector *d = detector_make(ctx, "gaussian:beta=2", "elbo", 1);
    for (int k = 0; k < 6; k++) {
        array[k] = (aenc_array){.struct_size = sizeof in, .name = names[k], .data = out[k], .size = sizeof *out, .rank = 2};
        array[k].dims = k < 2 || k == 3 ? one : units;
        wanted[k] = &array[k];
    }
    CHECK_STATUS(ctx, aenc_run(aenc_detector_model(d), NULL, given, 1, wanted, 6), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_score(d, &x, score, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) {
        double kl = 0, norm = 0;
        for (int i = r * UNITS; i < (r + 1) * UNITS; i++) {
            kl += (double)out[2][i];
            norm += (double)out[5][i] * (double)out[5][i] + exp((double)out[4][i]);
        }
        CHECK_NEAR((double)out[0][r], (double)out[1][r] + 2 * kl, 2e-3);
        CHECK_NEAR((double)out[3][r], fabs(norm - UNITS) / sqrt(2.0 * UNITS), 1e-4);
        bool inside = true;
        for (int c = 0; c < COLS; c++) {
            double cell = (double)normal[r * COLS + c];
            inside = inside && cell >= d->column[c].low && cell <= d->column[c].high;
        }
        if (inside) CHECK_NEAR((double)score[r], fmax((double)out[0][r] - d->lowest, 0), 5e-3);
    }
    aenc_detector_free(d);
}

static void threads_test(aenc_context *ctx, aenc_context *threads) {
    static float a[MOST], b[MOST];
    aenc_detector *one = detector_make(ctx, "gaussian:units=3,covariance=full", NULL, 0), *two = detector_make(threads, "gaussian:units=3,covariance=full", NULL, 0);
    (void)auc_of(ctx, one, a);
    (void)auc_of(threads, two, b);
    CHECK(memcmp(a, b, tests * sizeof *a) == 0 && one->samples == DETECTOR_SAMPLES);
    CHECK(aenc_detector_threshold(one) == aenc_detector_threshold(two));
    aenc_detector_free(one);
    aenc_detector_free(two);
}

static void refused_test(aenc_context *ctx) {
    static const struct {
        aenc_detector_options options;
        aenc_status status;
        const char *words;
    } cases[] = {
        {{.likelihood = "gaussian"}, AENC_ERR_ARGUMENT, "aenc_detector_options.likelihood is given, and goes with a bottleneck"},
        {{.score = "elbo"}, AENC_ERR_ARGUMENT, "aenc_detector_options.score is given, and goes with a bottleneck"},
        {{.samples = 3}, AENC_ERR_ARGUMENT, "aenc_detector_options.samples is given, and goes with a bottleneck"},
        {{.bottleneck = "gauss"}, AENC_ERR_ARGUMENT, "bottleneck 'gauss'"},
        {{.bottleneck = "gaussian:units=x"}, AENC_ERR_ARGUMENT, "units"},
        {{.bottleneck = "gaussian", .score = "energy"}, AENC_ERR_ARGUMENT, "score 'energy'"},
        {{.bottleneck = "gaussian", .samples = 10001}, AENC_ERR_ARGUMENT, "aenc_detector_options.samples is 10001; it is at most 10000"},
        {{.bottleneck = "gaussian", .likelihood = "mse"}, AENC_ERR_UNSUPPORTED, "loss 'mse' is no likelihood"},
        {{.bottleneck = "gaussian", .likelihood = "gaussian:learned=output"}, AENC_ERR_SHAPE, "an output of 32 numbers is not an input of 64"},
        {{.bottleneck = "gaussian", .likelihood = "bernoulli"}, AENC_ERR_ARGUMENT, "loss 'bernoulli'"},
        {{.bottleneck = "plain", .score = "kl"}, AENC_ERR_UNSUPPORTED, "bottleneck 'plain' has no result 'kl'"},
        {{.bottleneck = "plain", .score = "likelihood"}, AENC_ERR_UNSUPPORTED, "bottleneck 'plain' has no density"},
    };
    const aenc_matrix x = {normal, 40, COLS, 0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aenc_detector_options options = cases[i].options;
        aenc_detector *detector = NULL;
        options.struct_size = sizeof options;
        options.steps = 1;
        CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &options, &detector), cases[i].status);
        if (!CHECK(detector == NULL && strstr(aenc_message(ctx), cases[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
}

/* What a file states of the score. */
static void file_test(aenc_context *ctx) {
    static const char *const wrong[][2] = {{"\"samples\":4", "\"samples\":0"}, {"\"score\":\"elbo\"", "\"score\":\"elbi\""},
                                           {"\\\"samples\\\":4", "\\\"samples\\\":0"}, {"\\\"score\\\":\\\"elbo", "\\\"score\\\":\\\"mean"}};
    aenc_detector *d = detector_make(ctx, "gaussian:units=2", NULL, 4), *loaded = NULL;
    size_t size = 0;
    int tried = 0;
    CHECK_STATUS(ctx, aenc_detector_save_memory(d, NULL, 0, &size), AENC_OK);
    char *bytes = malloc(size), *copy = malloc(size);
    CHECK_STATUS(ctx, aenc_detector_save_memory(d, bytes, size, &size), AENC_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t length = strlen(wrong[i][0]), at = 0;
        memcpy(copy, bytes, size);
        while (at + length <= size && memcmp(copy + at, wrong[i][0], length) != 0) at++;
        if (at + length > size) continue;
        memcpy(copy + at, wrong[i][1], length);
        CHECK(aenc_detector_load_memory(ctx, copy, size, &loaded) != AENC_OK && loaded == NULL);
        tried++;
    }
    CHECK(tried == 2);
    free(bytes);
    free(copy);
    aenc_detector_free(d);
}

/* Memory that is refused while rows are scored. */
static void memory_test(void) {
    static float score[MOST];
    struct memory memory;
    memset(&memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory, 7, 1);
    aenc_detector *d = detector_make(ctx, "gaussian:units=2", NULL, 2);
    const aenc_matrix x = {test, 10, COLS, 0};
    aenc_status status = AENC_ERR_NO_MEMORY;
    for (long k = 1; status != AENC_OK && k < 400; k++) {
        memory.calls = 0;
        memory.fail_at = k;
        status = aenc_detector_score(d, &x, score, 10);
        memory.fail_at = 0;
        CHECK(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    }
    CHECK(status == AENC_OK);
    aenc_detector_free(d);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

int main(void) {
    struct memory memory[2];
    memset(memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory[0], 7, 1), *threads = memory_context(&memory[1], 7, 3);
    const aenc_context_options seeded = {.struct_size = sizeof seeded, .seed = 99};
    aenc_context *other = NULL;
    CHECK(aenc_context_create(&seeded, &other) == AENC_OK);
    data_make();
    found_test(ctx, other);
    parts_test(ctx);
    threads_test(ctx, threads);
    refused_test(ctx);
    file_test(ctx);
    memory_test();
    aenc_context_free(ctx);
    aenc_context_free(threads);
    aenc_context_free(other);
    memory_check_empty(&memory[0]);
    memory_check_empty(&memory[1]);
    return check_finish();
}
