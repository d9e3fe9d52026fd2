/* draw_test.c - the result "draw": values from the likelihood of the loss. Of every likelihood its frequencies or moments against
 * those of the distribution, by formulas in double; units of the data; the same bits with any company and on any threads, by a
 * runner too; from draws of the prior; and losses that are no likelihood. */
#include <autoenc/ops.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../api/memory.h"
#include "check.h"

enum { ROWS = 4000, COLS = 3, WIDEST = 5 };

static aenc_context *context_make(int64_t threads) {
    aenc_context *ctx = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    return ctx;
}

/* A model of so many inputs whose decoder gives what is set in its bias, whatever comes in. */
static aenc_model *model_of(aenc_context *ctx, const char *loss, const char *rest, size_t inputs, int64_t units, const float *bias) {
    char text[1024];
    aenc_model *model = NULL;
    aenc_tensor *tensor = NULL;
    snprintf(text, sizeof text,
             "{\"input\":[%zu],\"encoder\":{\"type\":\"dense\",\"units\":2},\"decoder\":{\"type\":\"dense\",\"units\":%lld%s},\"loss\":\"%s\"%s}",
             inputs, (long long)units, strstr(loss, "bernoulli") != NULL || strncmp(loss, "bce", 3) == 0 ? ",\"activation\":\"sigmoid\"" : "",
             loss, rest);
    if (aenc_model_parse(ctx, text, strlen(text), &model) != AENC_OK) {
        fprintf(stderr, "%s: %s\n", text, aenc_message(ctx));
        exit(2);
    }
    static float zeros[2 * WIDEST * COLS];
    const size_t dims[] = {(size_t)units, 2};
    for (int k = 0; k < 2; k++) {
        const size_t count = (size_t)units * (k == 0 ? 2 : 1);
        CHECK_STATUS(ctx, aenc_tensor_create(ctx, AENC_TYPE_F32, dims, k == 0 ? 2 : 1, &tensor), AENC_OK);
        CHECK_STATUS(ctx, aenc_tensor_write(tensor, k == 0 ? zeros : bias, count), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_tensor_set(model, k == 0 ? "decoder.weight" : "decoder.bias", tensor), AENC_OK);
        aenc_tensor_free(tensor);
    }
    return model;
}

static aenc_status draw(aenc_model *model, uint64_t seed, size_t rows, size_t inputs, size_t cols, float *to) {
    static float input[ROWS * WIDEST];
    const size_t in_dims[] = {rows, inputs}, out_dims[] = {rows, cols};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = input, .size = sizeof input, .dims = in_dims, .rank = 2};
    const aenc_array d = {.struct_size = sizeof d, .name = "draw", .data = to, .size = rows * cols * sizeof *to, .dims = out_dims, .rank = 2};
    const aenc_array *in[] = {&x}, *out[] = {&d};
    const aenc_run_options options = {.struct_size = sizeof options, .seed = seed};
    return aenc_run(model, &options, in, 1, out, 1);
}

/* ---- Moments ---- */

struct moments {
    double mean, variance;
};

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* By integration over the density y^t (1 - y)^(1 - t) of a logit. */
static struct moments continuous_bernoulli(double x) {
    double mass = 0, mean = 0, square = 0;
    for (int i = 0; i < 100000; i++) {
        double t = (i + 0.5) / 100000, density = exp(x * (t - (x > 0)));
        mass += density, mean += density * t, square += density * t * t;
    }
    return (struct moments){mean / mass, square / mass - mean * mean / (mass * mass)};
}

static struct moments logistic_levels(double m, double s, int levels) {
    double mean = 0, square = 0, half = 0.5 / (levels - 1);
    for (int k = 0; k < levels; k++) {
        double t = (double)k / (levels - 1), low = k == 0 ? 0 : sigmoid((t - half - m) / s), high = k == levels - 1 ? 1 : sigmoid((t + half - m) / s);
        mean += (high - low) * t, square += (high - low) * t * t;
    }
    return (struct moments){mean, square - mean * mean};
}

static struct moments bins(const float *z, int count, double step) {
    double mass = 0, mean = 0, square = 0;
    for (int k = 0; k < count; k++) {
        double p = exp((double)z[k]), t = k * step;
        mass += p, mean += p * t, square += p * t * t;
    }
    return (struct moments){mean / mass, square / mass - mean * mean / (mass * mass)};
}

enum kind { BERNOULLI, CONTINUOUS, GAUSSIAN, LAPLACE, LOGISTIC, CATEGORICAL, CLASSES };

struct drawn_case {
    const char *loss;
    enum kind kind;
    double scale; /* 0: put out; of GAUSSIAN a standard deviation */
    int factor;
};

static struct moments expected(const struct drawn_case *c, const float *y, int i) {
    double m = (double)y[i], s = c->scale > 0 ? c->scale : exp((double)y[COLS + i] * (c->kind == GAUSSIAN ? 0.5 : 1)), p = sigmoid(m);
    switch (c->kind) {
    case BERNOULLI: return (struct moments){p, p * (1 - p)};
    case CONTINUOUS: return continuous_bernoulli(m);
    case GAUSSIAN: return (struct moments){m, s * s};
    case LAPLACE: return (struct moments){m, 2 * s * s};
    case LOGISTIC: return logistic_levels(m, s, 9);
    case CATEGORICAL: return bins(y + c->factor * i, c->factor, 1.0 / (c->factor - 1));
    default: return bins(y + c->factor * i, c->factor, 1);
    }
}

static void moments_test(aenc_context *ctx, const struct drawn_case *c) {
    static float value[ROWS * COLS];
    float y[WIDEST * COLS];
    int units = c->factor * COLS, cols = c->kind == CLASSES ? 1 : COLS;
    if (c->kind == CLASSES) units = c->factor;
    for (int i = 0; i < WIDEST * COLS; i++) y[i] = (float)(1.4 * sin(1.7 * i + 0.3)) * (c->kind == CONTINUOUS && i == 1 ? 4e-4f : 1);
    if (c->kind == LOGISTIC) y[0] = 0.3f, y[1] = 0.95f, y[2] = -0.4f;
    aenc_model *model = model_of(ctx, c->loss, "", COLS, units, y);
    CHECK_STATUS(ctx, draw(model, 0, ROWS, COLS, (size_t)cols, value), AENC_OK);
    for (int i = 0; i < cols; i++) {
        struct moments want = expected(c, y, i), got = {0, 0};
        double fourth = 0;
        for (int r = 0; r < ROWS; r++) got.mean += (double)value[r * cols + i] / ROWS;
        for (int r = 0; r < ROWS; r++) {
            double off = (double)value[r * cols + i] - want.mean;
            got.variance += off * off / ROWS, fourth += off * off * off * off / ROWS;
        }
        /* four standard errors */
        bool good = fabs(got.mean - want.mean) < 4 * sqrt(want.variance / ROWS) &&
                    fabs(got.variance - want.variance) < 4 * sqrt((fourth - want.variance * want.variance) / ROWS) + 1e-9;
        if (!CHECK(good))
            fprintf(stderr, "  %s[%d]: mean %g for %g, variance %g for %g\n", c->loss, i, got.mean, want.mean, got.variance, want.variance);
        for (int r = 0; r < ROWS; r++) {
            double v = (double)value[r * cols + i];
            double levels = c->kind == BERNOULLI ? 1 : c->kind == LOGISTIC ? 8 : c->kind == CATEGORICAL ? c->factor - 1 : c->kind == CLASSES;
            if (levels > 0 && !CHECK(fabs(v * levels - rint(v * levels)) < 1e-6)) break;
            if (c->kind != GAUSSIAN && c->kind != LAPLACE && !CHECK(v >= 0 && v <= (c->kind == CLASSES ? c->factor - 1 : 1))) break;
        }
    }
    aenc_model_free(model);
}

/* Of the same draws the distribution function at four points, which moments do not see. */
static void shape_test(aenc_context *ctx) {
    static const double share[] = {0.05, 0.3, 0.6, 0.95};
    static const char *const losses[] = {"continuous_bernoulli", "laplace:scale=0.7", "gaussian:scale=0.7"};
    static float value[ROWS * COLS];
    const float y[] = {2, -0.5f, 0.0005f};
    for (int k = 0; k < 3; k++) {
        aenc_model *model = model_of(ctx, losses[k], "", COLS, COLS, y);
        CHECK_STATUS(ctx, draw(model, 0, ROWS, COLS, COLS, value), AENC_OK);
        for (int i = 0; i < COLS; i++)
            for (int q = 0; q < 4; q++) {
                double m = (double)y[i], u = share[q], at, below = 0;
                static const double normal[] = {-1.6448536269514722, -0.5244005127080407, 0.2533471031357997, 1.6448536269514722};
                if (k == 0) at = log(1 + u * (exp(m) - 1)) / m;
                else if (k == 1) at = m - 0.7 * (u < 0.5 ? -1 : 1) * log(1 - 2 * fabs(u - 0.5));
                else at = m + 0.7 * normal[q];
                for (int r = 0; r < ROWS; r++) below += ((double)value[r * COLS + i] <= at) / (double)ROWS;
                if (!CHECK(fabs(below - u) < 4 * sqrt(u * (1 - u) / ROWS))) fprintf(stderr, "  %s[%d]: %g for %g\n", losses[k], i, below, u);
            }
        aenc_model_free(model);
    }
}

/* ---- Units of the data ---- */

static void scaling_test(aenc_context *ctx) {
    static float value[ROWS * COLS], output[ROWS * 2 * COLS], data[ROWS * COLS];
    const float y[] = {0.5f, 0, -0.5f, 0, 0.2f, -0.4f};
    for (int i = 0; i < ROWS * COLS; i++) data[i] = 100.0f * (float)(i % COLS) + (float)(i / COLS % 7);
    const aenc_matrix x = {data, ROWS, COLS, 0};
    static const char *const losses[] = {"gaussian:learned=output", "discretised_logistic:levels=7,scale=0.2"};
    for (int k = 0; k < 2; k++) {
        size_t wide = k == 0 ? 2 : 1;
        aenc_model *model = model_of(ctx, losses[k], k == 0 ? ",\"scaling\":\"standard\"" : ",\"scaling\":\"minmax:clip=true\"", COLS,
                                     (int64_t)wide * COLS, y);
        const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .optimizer = "sgd:lr=1e-9"};
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        CHECK_STATUS(ctx, draw(model, 0, ROWS, COLS, COLS, value), AENC_OK);
        CHECK_STATUS(ctx, aenc_reconstruct(model, &x, output, ROWS * wide * COLS), AENC_OK);
        for (int i = 0; i < COLS; i++) {
            double mean = 0, square = 0, m = (double)output[i], s = k == 0 ? exp(0.5 * (double)output[COLS + i]) : 0;
            for (int r = 0; r < ROWS; r++) {
                double off = (double)value[r * COLS + i] - m, level = (double)value[r * COLS + i] - 100 * i;
                mean += off / ROWS, square += off * off / ROWS;
                if (k == 1 && !CHECK(fabs(level - rint(level)) < 1e-4 && level > -0.1 && level < 6.1)) break;
            }
            if (k == 0) CHECK(fabs(mean) < 4 * s / sqrt(ROWS) && fabs(square / (s * s) - 1) < 4 * sqrt(2.0 / ROWS));
        }
        aenc_model_free(model);
    }
}

/* ---- Bits ---- */

static void bits_test(aenc_context *ctx) {
    static const char *const losses[] = {"bernoulli", "gaussian", "categorical:bins=4"};
    static float all[ROWS * COLS], some[ROWS * COLS];
    float y[4 * COLS];
    for (int i = 0; i < 4 * COLS; i++) y[i] = (float)sin(i);
    for (int k = 0; k < 3; k++) {
        int64_t units = k == 2 ? 4 * COLS : COLS;
        aenc_context *other = context_make(3);
        aenc_model *model = model_of(ctx, losses[k], "", COLS, units, y), *twin = model_of(other, losses[k], "", COLS, units, y);
        CHECK_STATUS(ctx, draw(model, 9, ROWS, COLS, COLS, all), AENC_OK);
        CHECK_STATUS(other, draw(twin, 9, ROWS, COLS, COLS, some), AENC_OK);
        CHECK(memcmp(all, some, sizeof all) == 0);
        CHECK_STATUS(ctx, draw(model, 9, 131, COLS, COLS, some), AENC_OK);
        CHECK(memcmp(all, some, 131 * COLS * sizeof *all) == 0);
        CHECK_STATUS(ctx, draw(model, 10, ROWS, COLS, COLS, some), AENC_OK);
        CHECK(memcmp(all, some, sizeof all) != 0);
        CHECK(memcmp(all, all + COLS, COLS * sizeof *all) != 0 || memcmp(all, all + 2 * COLS, COLS * sizeof *all) != 0);
        /* by a runner, with the model's seed */
        static const char *const results[] = {"draw"};
        static float zeros[8 * COLS];
        const aenc_runner_options options = {.struct_size = sizeof options, .rows = 8, .results = results, .result_count = 1};
        const size_t dims[] = {8, COLS};
        const aenc_array in = {.struct_size = sizeof in, .name = "input", .data = zeros, .size = sizeof zeros, .dims = dims, .rank = 2};
        const aenc_array out = {.struct_size = sizeof out, .name = "draw", .data = some, .size = sizeof some, .dims = dims, .rank = 2};
        const aenc_array *given[] = {&in}, *wanted[] = {&out};
        aenc_runner *runner = NULL;
        CHECK_STATUS(ctx, aenc_runner_create(model, &options, &runner), AENC_OK);
        CHECK(aenc_runner_run_arrays(runner, given, 1, wanted, 1) == AENC_OK);
        CHECK_STATUS(ctx, draw(model, 0, 8, COLS, COLS, all), AENC_OK);
        CHECK(memcmp(all, some, sizeof zeros) == 0);
        aenc_runner_free(runner);
        aenc_model_free(model);
        aenc_model_free(twin);
        aenc_context_free(other);
    }
}

/* From the prior: the frequency of ones is the mean of the output that the same draws have. */
static void prior_test(aenc_context *ctx) {
    static const char text[] = "{\"input\":[3],\"encoder\":{\"type\":\"dense\",\"units\":4},\"bottleneck\":\"gaussian:units=2\",\"output\":"
                               "\"sigmoid\",\"loss\":\"bernoulli\"}";
    static float value[ROWS * COLS], output[ROWS * COLS], again[ROWS * COLS];
    const size_t dims[] = {ROWS, COLS}, few[] = {40, COLS};
    aenc_model *model = NULL;
    aenc_port port = {.struct_size = sizeof port};
    bool listed = false;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    for (size_t i = 0; i < aenc_model_port_count(model); i++)
        if (aenc_model_port(model, i, &port) == AENC_OK && strcmp(port.name, "draw") == 0) listed = port.size == COLS;
    CHECK(listed);
    const aenc_array d = {.struct_size = sizeof d, .name = "draw", .data = value, .size = sizeof value, .dims = dims, .rank = 2};
    const aenc_array o = {.struct_size = sizeof o, .name = "output", .data = output, .size = sizeof output, .dims = dims, .rank = 2};
    const aenc_array a = {.struct_size = sizeof a, .name = "draw", .data = again, .size = sizeof again, .dims = few, .rank = 2};
    const aenc_array *out[] = {&d, &o}, *alone[] = {&a};
    CHECK_STATUS(ctx, aenc_sample(model, NULL, NULL, 0, out, 2), AENC_OK);
    CHECK_STATUS(ctx, aenc_sample(model, NULL, NULL, 0, alone, 1), AENC_OK);
    CHECK(memcmp(value, again, 40 * COLS * sizeof *value) == 0);
    double off = 0, variance = 0;
    for (int i = 0; i < ROWS * COLS; i++) {
        CHECK(value[i] == 0 || value[i] == 1);
        off += (double)value[i] - (double)output[i], variance += (double)output[i] * (1 - (double)output[i]);
    }
    CHECK(fabs(off) < 4 * sqrt(variance));
    aenc_model_free(model);
}

/* Memory that is refused while the way to the draws is recorded. */
static void memory_test(void) {
    static float value[8 * COLS];
    const float y[4 * COLS] = {0};
    struct memory memory;
    memset(&memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory, 7, 1);
    aenc_model *model = model_of(ctx, "categorical:bins=4", "", COLS, 4 * COLS, y);
    aenc_status status = AENC_ERR_NO_MEMORY;
    long k = 1;
    for (; status != AENC_OK && k < 400; k++) {
        memory.calls = 0;
        memory.fail_at = k;
        status = draw(model, 0, 8, COLS, COLS, value);
        memory.fail_at = 0;
        CHECK(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    }
    CHECK(status == AENC_OK && k > 5);
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

static void refused_test(aenc_context *ctx) {
    static const char *const losses[] = {"mse", "mae", "huber", "cosine"};
    static float value[ROWS * COLS];
    const float y[COLS] = {0};
    for (int k = 0; k < 4; k++) {
        char words[80];
        aenc_model *model = model_of(ctx, losses[k], "", COLS, COLS, y);
        CHECK_STATUS(ctx, draw(model, 0, 4, COLS, COLS, value), AENC_ERR_UNSUPPORTED);
        snprintf(words, sizeof words, "loss '%s' is no likelihood: no values can be drawn from it", losses[k]);
        CHECK(strcmp(aenc_message(ctx), words) == 0);
        aenc_model_free(model);
    }
}

int main(void) {
    static const struct drawn_case cases[] = {
        {"bernoulli", BERNOULLI, 0, 1},
        {"bce", BERNOULLI, 0, 1},
        {"continuous_bernoulli", CONTINUOUS, 0, 1},
        {"gaussian:scale=0.4", GAUSSIAN, 0.4, 1},
        {"gaussian:learned=one,scale=2", GAUSSIAN, 2, 1},
        {"gaussian:learned=each,scale=2", GAUSSIAN, 2, 1},
        {"gaussian:learned=optimal,scale=0.3", GAUSSIAN, 0.3, 1},
        {"gaussian:learned=output", GAUSSIAN, 0, 2},
        {"gaussian_nll", GAUSSIAN, 0, 2},
        {"laplace:scale=0.7", LAPLACE, 0.7, 1},
        {"laplace:learned=output", LAPLACE, 0, 2},
        {"discretised_logistic:levels=9,scale=0.2", LOGISTIC, 0.2, 1},
        {"discretised_logistic:levels=9,learned=output", LOGISTIC, 0, 2},
        {"categorical:bins=5", CATEGORICAL, 0, 5},
        {"cross_entropy:classes=4", CLASSES, 0, 4},
    };
    aenc_context *ctx = context_make(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) moments_test(ctx, &cases[i]);
    shape_test(ctx);
    scaling_test(ctx);
    bits_test(ctx);
    prior_test(ctx);
    refused_test(ctx);
    memory_test();
    aenc_context_free(ctx);
    return check_finish();
}
