/* controls_test.c - what bounds the KL of a Gaussian code, against formulas in double: warm-ups, free bits, capacity, floor;
 * the full covariance; measures, and the notice of a code that is not used. */
#include <stdlib.h>
#include <string.h>

#include "autoenc/autoenc.h"
#include "check.h"
#include "tape/tape.h"

enum { ROWS = 48, COLS = 6, HIDDEN = 4, MOST = 4 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static aenc_model *model_make(aenc_context *ctx, const char *bottleneck) {
    static const size_t input[] = {COLS}, widths[] = {HIDDEN};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 1, .activation = "tanh", .loss = "bernoulli", .bottleneck = bottleneck};
    if (!CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK)) exit(2);
    return model;
}

static void values_read(const aenc_model *model, const char *name, float *out, size_t room) {
    aenc_tensor *tensor = NULL;
    CHECK(aenc_model_tensor_get(model, name, &tensor) == AENC_OK);
    size_t count = aenc_tensor_count(tensor);
    if (CHECK(count <= room)) CHECK(aenc_tensor_read(tensor, out, count) == AENC_OK);
    aenc_tensor_free(tensor);
}

static void values_fill(aenc_model *model, const char *name, float value) {
    aenc_tensor *tensor = NULL;
    float values[64];
    CHECK(aenc_model_tensor_get(model, name, &tensor) == AENC_OK);
    size_t count = aenc_tensor_count(tensor);
    for (size_t i = 0; i < count && i < 64; i++) values[i] = value;
    CHECK(aenc_tensor_write(tensor, values, count) == AENC_OK && aenc_model_tensor_set(model, name, tensor) == AENC_OK);
    aenc_tensor_free(tensor);
}

static void dense(const aenc_model *model, const char *layer, const double *h, size_t in, double *y, size_t out) {
    float weight[128], bias[32];
    char name[64];
    (void)snprintf(name, sizeof name, "%s.weight", layer);
    values_read(model, name, weight, 128);
    (void)snprintf(name, sizeof name, "%s.bias", layer);
    values_read(model, name, bias, 32);
    for (size_t i = 0; i < out; i++) {
        y[i] = (double)bias[i];
        for (size_t k = 0; k < in; k++) y[i] += (double)weight[i * in + k] * h[k];
    }
}

/* The posteriors of all rows, from the parameters. */
struct expected {
    double mean[ROWS][MOST], log_variance[ROWS][MOST], factor[ROWS][MOST * MOST], kl[ROWS][MOST], of_row[ROWS], all;
    double of_element[MOST];
};

static void expect(const aenc_model *model, size_t units, bool full, double floor, struct expected *e) {
    memset(e, 0, sizeof *e);
    for (int r = 0; r < ROWS; r++) {
        double row[COLS], h[HIDDEN], *m = e->mean[r], *v = e->log_variance[r];
        for (int c = 0; c < COLS; c++) row[c] = (double)data[r * COLS + c];
        dense(model, "encoder.0", row, COLS, h, HIDDEN);
        for (int i = 0; i < HIDDEN; i++) h[i] = tanh(h[i]);
        dense(model, "bottleneck.mean", h, HIDDEN, m, units);
        dense(model, "bottleneck.log_variance", h, HIDDEN, v, units);
        if (full) dense(model, "bottleneck.factor", h, HIDDEN, e->factor[r], units * units);
        for (size_t i = 0; i < units; i++) {
            if (floor > 0) m[i] = sqrt(fmax(1e-6, 2 * floor + 1 + v[i] - exp(v[i]))) + fmax(0, m[i]);
            e->kl[r][i] = 0.5 * (m[i] * m[i] + exp(v[i]) - 1 - v[i]);
            e->of_row[r] += e->kl[r][i];
            e->of_element[i] += e->kl[r][i] / ROWS;
        }
        e->all += e->of_row[r] / ROWS;
    }
}

static double term(const aenc_model *model, const char *name) {
    for (size_t i = 0; i < aenc_model_term_count(model); i++)
        if (strcmp(aenc_model_term_name(model, i), name) == 0) return aenc_model_term_value(model, i);
    return -77;
}

/* What a batch of all rows comes to, in the first epoch. */
static aenc_model *stepped(aenc_context *ctx, const char *bottleneck) {
    aenc_model *model = model_make(ctx, bottleneck);
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    double loss;
    CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, &loss), AENC_OK);
    CHECK_NEAR(term(model, "reconstruction") + term(model, "kl"), loss, 1e-9 * fabs(loss));
    return model;
}

/* Scores: the KL itself, times `factor`, for a decoder that does not look at the code. */
static void score_test(aenc_context *ctx, aenc_model *model, const struct expected *e, double factor) {
    float score[ROWS];
    values_fill(model, "decoder.1.weight", 0);
    values_fill(model, "decoder.1.bias", 0);
    CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK_NEAR((double)score[r], COLS * log(2) + factor * e->of_row[r], 2e-5);
}

static void test_bounds(aenc_context *ctx) {
    struct expected e;
    aenc_model *model = stepped(ctx, "gaussian:units=4,beta=0.5");
    expect(model, 4, false, 0, &e);
    CHECK_NEAR(term(model, "kl"), 0.5 * e.all, 1e-5);
    CHECK(term(model, "rate") == -77);
    score_test(ctx, model, &e, 0.5);
    aenc_model_free(model);

    model = stepped(ctx, "gaussian:units=4,beta=2,free_bits=0.1");
    expect(model, 4, false, 0, &e);
    double sum = 0, pairs = 0, below = 0;
    for (int i = 0; i < 4; i++) sum += fmax(0.1, e.of_element[i]), below += e.of_element[i] < 0.1;
    CHECK(below > 0 && below < 4); /* or the test would see nothing */
    CHECK_NEAR(term(model, "kl"), 2 * sum, 1e-5);
    CHECK_NEAR(term(model, "rate"), e.all, 1e-5);
    score_test(ctx, model, &e, 2);
    aenc_model_free(model);

    model = stepped(ctx, "gaussian:units=4,free_bits=0.3,group=2");
    for (int i = 0; i < 4; i += 2) pairs += fmax(0.3, e.of_element[i] + e.of_element[i + 1]);
    CHECK_NEAR(term(model, "kl"), pairs, 1e-5);
    aenc_model_free(model);

    model = stepped(ctx, "gaussian:units=4,beta=10,capacity=5");
    CHECK_NEAR(term(model, "kl"), 10 * fabs(e.all - 5), 1e-4);
    CHECK_NEAR(term(model, "rate"), e.all, 1e-5);
    score_test(ctx, model, &e, 1);
    aenc_model_free(model);
    model = stepped(ctx, "gaussian:units=4,beta=10,capacity=5,warmup=3"); /* it begins at 0 */
    CHECK_NEAR(term(model, "kl"), 10 * e.all, 1e-4);
    aenc_model_free(model);
}

static void test_floor(aenc_context *ctx) {
    struct expected e;
    float code[ROWS * 3];
    aenc_model *model = stepped(ctx, "gaussian:units=3,floor=0.2");
    expect(model, 3, false, 0.2, &e);
    CHECK_NEAR(term(model, "kl"), e.all, 1e-5);
    CHECK_STATUS(ctx, aenc_encode(model, &x, code, ROWS * 3), AENC_OK);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < 3; i++) {
            CHECK_NEAR((double)code[r * 3 + i], e.mean[r][i], 1e-5);
            CHECK(e.kl[r][i] > 0.2 - 1e-6);
        }
    aenc_model_free(model);
    /* however much training pushes it */
    model = model_make(ctx, "gaussian:units=3,floor=0.2,beta=50,elements=true");
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 60, .batch = 16, .optimizer = "adam:lr=0.02"};
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    expect(model, 3, false, 0.2, &e);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < 3; i++) CHECK(e.kl[r][i] > 0.2 - 1e-5);
    CHECK(e.all < 0.8);
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "kl.%d", i);
        CHECK(term(model, name) > 0.2 - 1e-5 && term(model, name) < 0.35);
    }
    aenc_model_free(model);
}

static void test_measures(aenc_context *ctx) {
    struct expected e;
    aenc_model *model = stepped(ctx, "gaussian:units=4,elements=true");
    expect(model, 4, false, 0, &e);
    int active = 0;
    for (int i = 0; i < 4; i++) {
        char name[16];
        double mean = 0, square = 0;
        (void)snprintf(name, sizeof name, "kl.%d", i);
        CHECK_NEAR(term(model, name), e.of_element[i], 1e-5);
        for (int r = 0; r < ROWS; r++) mean += e.mean[r][i] / ROWS, square += e.mean[r][i] * e.mean[r][i] / ROWS;
        active += square - mean * mean > 0.01;
    }
    CHECK(term(model, "active_units") == active && active > 0);
    aenc_model_free(model);
}

/* ---- Full covariance ---- */

/* tr, log det of S = L L^T, L lower triangular: by elimination of S itself. */
static void covariance_facts(const double *below, const double *log_variance, size_t n, double *trace, double *log_det) {
    double l[MOST][MOST] = {{0}}, s[MOST][MOST] = {{0}};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) l[i][j] = i == j ? exp(log_variance[i] / 2) : below[i * n + j];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < n; k++) s[i][j] += l[i][k] * l[j][k];
    *trace = *log_det = 0;
    for (size_t i = 0; i < n; i++) *trace += s[i][i];
    for (size_t p = 0; p < n; p++) {
        *log_det += log(s[p][p]);
        for (size_t i = p + 1; i < n; i++)
            for (size_t j = n; j-- > p;) s[i][j] -= s[i][p] / s[p][p] * s[p][j];
    }
}

static void test_full(aenc_context *ctx) {
    struct expected e;
    aenc_model *model = stepped(ctx, "gaussian:units=3,covariance=full");
    expect(model, 3, true, 0, &e);
    double all = 0;
    for (int r = 0; r < ROWS; r++) {
        double trace, log_det, square = 0;
        covariance_facts(e.factor[r], e.log_variance[r], 3, &trace, &log_det);
        for (int i = 0; i < 3; i++) square += e.mean[r][i] * e.mean[r][i];
        e.of_row[r] = 0.5 * (trace + square - 3 - log_det);
        all += e.of_row[r] / ROWS;
    }
    CHECK_NEAR(term(model, "kl"), all, 1e-5);
    CHECK(fabs(all - e.all) > 1e-3); /* what lies below the diagonal counts */
    score_test(ctx, model, &e, 1);
    aenc_model_free(model);
}

/* The sum of a code of two, as the decoder gives it: its variance has the covariance in it twice. */
static void test_full_draws(aenc_context *ctx) {
    static const char text[] =
        "{\"input\":[1],\"bottleneck\":\"gaussian:units=2,covariance=full\",\"loss\":\"gaussian\",\"encoder\":"
        "{\"type\":\"dense\",\"units\":1},\"decoder\":{\"type\":\"dense\",\"units\":1}}";
    enum { DRAWS = 20000 };
    static float zeros[DRAWS], score[DRAWS];
    const aenc_matrix rows = {zeros, DRAWS, 1, 0};
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    values_fill(model, "encoder.weight", 0);
    values_fill(model, "bottleneck.mean.bias", 0.5f);
    values_fill(model, "bottleneck.log_variance.bias", -1);
    values_fill(model, "bottleneck.factor.bias", -0.4f);
    values_fill(model, "encoder.bias", 0);
    values_fill(model, "decoder.weight", 1);
    values_fill(model, "decoder.bias", 0);
    CHECK_STATUS(ctx, aenc_score(model, &rows, NULL, score, DRAWS), AENC_OK);
    double mean = 0, d = exp(-0.5), variance = (d - 0.4) * (d - 0.4) + d * d; /* of (d - 0.4) e1 + d e2 */
    for (int r = 0; r < DRAWS; r++) mean += (double)score[r] / DRAWS;
    double kl = 0.5 * (2 * d * d + 0.16 + 0.5 - 2 + 2);
    CHECK_NEAR(mean, 0.5 * log(2 * 3.14159265358979323846) + 0.5 * (1 + variance) + kl, 0.03);
    aenc_model_free(model);
}

/* ---- Over the epochs ---- */

static void test_ramps(void) {
    const struct ramp linear = {RAMP_LINEAR, 0, 1, 4, 3}, cosine = {RAMP_COSINE, 0, 8, 4, 1};
    const double at[] = {0, 1, 4, 7.5, 8, 9, 12, 16, 18, 20, 23, 24, 30}, want[] = {0, 0.25, 1, 1, 0, 0.25, 1, 0, 0.5, 1, 1, 1, 1};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) CHECK_NEAR(aenc_ramp_value(&linear, at[i]), want[i], 1e-12);
    CHECK_NEAR(aenc_ramp_value(&cosine, 1), 4 * (1 - cos(3.14159265358979323846 / 4)), 1e-12);
    CHECK(aenc_ramp_value(&cosine, 4) == 8 && aenc_ramp_value(&cosine, 8) == 8);
}

static double ratio[16];

/* The weight that the KL had in the first step of each epoch. */
static int note(void *user, const aenc_progress *now) {
    aenc_model *model = user;
    if (now->event == AENC_EVENT_STEP && now->step == 1) ratio[now->epoch] = term(model, "kl") / term(model, "kl.0");
    return 0;
}

static void test_warmups(aenc_context *ctx) {
    static const struct {
        const char *text;
        double weight[6];
    } cases[] = {{"gaussian:units=1,elements=true,beta=3,warmup=2", {0, 1.5, 3, 3, 3, 3}},
                 {"gaussian:units=1,elements=true,warmup=3,shape=cosine", {0, 0.25, 0.75, 1, 1, 1}},
                 {"gaussian:units=1,elements=true,warmup=1,cycles=2", {0, 1, 0, 1, 1, 1}}};
    for (size_t c = 0; c < 3; c++) {
        aenc_model *model = model_make(ctx, cases[c].text);
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 6, .batch = 16, .progress = note, .progress_user = model};
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        for (int i = 0; i < 6; i++) CHECK_NEAR(ratio[i + 1], cases[c].weight[i], 1e-5);
        aenc_model_free(model);
    }
}

static int seen; /* epochs at whose end the callback saw the notice */

static int see(void *user, const aenc_progress *now) {
    if (now->event == AENC_EVENT_EPOCH && strstr(aenc_model_notice(user), "less than one element") != NULL) seen++;
    return 0;
}

static void test_unused(aenc_context *ctx) {
    for (int good = 0; good < 2; good++) {
        aenc_model *model = model_make(ctx, good ? "gaussian:units=2,beta=0.01" : "gaussian:units=2,beta=100");
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 60, .batch = 16, .optimizer = "adam:lr=0.02",
                                .progress = see, .progress_user = model};
        seen = 0;
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        CHECK((strstr(aenc_model_notice(model), "less than one element of the code is used") == NULL) == (good == 1));
        CHECK(good ? seen < 30 : seen > 30);
        aenc_model_free(model);
    }
}

static void test_refused(aenc_context *ctx) {
    static const char *const cases[][2] = {
        {"gaussian:free_bits=1,capacity=2", "both free_bits and capacity"},
        {"gaussian:group=2", "'group' goes with free_bits"},
        {"gaussian:units=3,free_bits=1,group=2", "groups of 2 do not divide a code of 3"},
        {"gaussian:covariance=half", "setting 'covariance' is 'half'; known: diagonal, full"},
        {"gaussian:shape=exponential", "setting 'shape' is 'exponential'; known: linear, cosine"},
        {"gaussian:cycles=0", "setting 'cycles' is 0"},
        {"gaussian:floor=-1", "setting 'floor' is -1"},
        {"gaussian:units=5000,covariance=full", "up to 4096 units"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const size_t input[] = {COLS}, widths[] = {3};
        aenc_model *model = NULL;
        aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths,
                                      .encoder_count = 1, .bottleneck = cases[i][0]};
        CHECK(aenc_model_create(ctx, &options, &model) != AENC_OK && model == NULL);
        if (!CHECK(strstr(aenc_message(ctx), cases[i][1]) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = 2};
    if (aenc_context_create(&options, &ctx) != AENC_OK) return 1;
    unsigned state = 7;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 8) / 16777216.0f;
    }
    test_bounds(ctx);
    test_floor(ctx);
    test_measures(ctx);
    test_full(ctx);
    test_full_draws(ctx);
    test_ramps();
    test_warmups(ctx);
    test_unused(ctx);
    test_refused(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
