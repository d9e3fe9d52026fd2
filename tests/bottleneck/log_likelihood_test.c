/* log_likelihood_test.c - log p(x) by importance sampling, against a linear model whose p(x) is a Gaussian in closed form. */
#include <math.h>
#include <string.h>

#include "autoenc/autoenc.h"
#include "check.h"

enum { ROWS = 40, COLS = 2 };

static float data[ROWS * COLS], score[ROWS], again[ROWS];

/* z of one element, x = (w1 z + b1, w2 z + b2) + noise of deviation s; q(z | x) is only about right. */
static const float w[COLS] = {0.8f, -0.5f}, b[COLS] = {0.1f, 0.3f};
static const double s = 0.6;

static void values_set(aenc_context *ctx, aenc_model *model, const char *name, const float *values, size_t count) {
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
    CHECK_STATUS(ctx, aenc_tensor_write(tensor, values, count), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_tensor_set(model, name, tensor), AENC_OK);
    aenc_tensor_free(tensor);
}

static aenc_model *model_parse(aenc_context *ctx, const char *activation, const char *rest) {
    char text[512];
    aenc_model *model = NULL;
    (void)snprintf(text, sizeof text, "{\"input\":[2],\"encoder\":{\"type\":\"identity\"},\"decoder\":{\"type\":\"dense\",\"units\":2,"
                   "\"activation\":\"%s\"}%s}", activation, rest);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

static aenc_model *model_make(aenc_context *ctx) {
    static const float mean[] = {0.6f, -0.3f}, none[] = {0, 0}, log_variance[] = {-0.5f};
    aenc_model *model = model_parse(ctx, "identity", ",\"bottleneck\":\"gaussian:units=1,beta=3\",\"loss\":\"gaussian:scale=0.6\"");
    values_set(ctx, model, "bottleneck.mean.weight", mean, 2);
    values_set(ctx, model, "bottleneck.mean.bias", none, 1);
    values_set(ctx, model, "bottleneck.log_variance.weight", none, 2);
    values_set(ctx, model, "bottleneck.log_variance.bias", log_variance, 1);
    values_set(ctx, model, "decoder.weight", w, 2);
    values_set(ctx, model, "decoder.bias", b, 2);
    return model;
}

/* -log N(x; b, w w^T + s^2 I) */
static double expected(const float *x) {
    double a = (double)(w[0] * w[0]) + s * s, c = (double)(w[1] * w[1]) + s * s, o = (double)(w[0] * w[1]), det = a * c - o * o;
    double u = (double)(x[0] - b[0]), v = (double)(x[1] - b[1]);
    return log(2 * 3.14159265358979323846) + 0.5 * log(det) + 0.5 * (c * u * u - 2 * o * u * v + a * v * v) / det;
}

static aenc_status estimate(aenc_model *model, size_t samples, uint64_t seed, float *out) {
    const size_t dims[] = {ROWS, COLS}, rows[] = {ROWS};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = sizeof data, .dims = dims, .rank = 2};
    const aenc_array y = {.struct_size = sizeof y, .name = "score", .data = out, .size = sizeof score, .dims = rows, .rank = 1};
    const aenc_array *in[] = {&x}, *to[] = {&y};
    const aenc_run_options options = {.struct_size = sizeof options, .seed = seed, .samples = samples};
    return aenc_run(model, &options, in, 1, to, 1);
}

static aenc_context *context_make(int64_t threads) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 3, .threads = threads};
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    return ctx;
}

static void test_closed_form(void) {
    aenc_context *ctx = context_make(1), *other = context_make(3);
    aenc_model *model = model_make(ctx), *same = model_make(other);
    double few = 0, all = 0;
    CHECK_STATUS(ctx, estimate(model, 5000, 0, score), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK_NEAR((double)score[r], expected(data + r * COLS), 0.06);
    for (int r = 0; r < ROWS; r++) all += ((double)score[r] - expected(data + r * COLS)) / ROWS;
    CHECK_NEAR(all, 0, 0.01);
    CHECK_STATUS(other, estimate(same, 5000, 0, again), AENC_OK);
    CHECK(memcmp(score, again, sizeof score) == 0);
    /* with one draw it is a bound, on average */
    CHECK_STATUS(ctx, estimate(model, 1, 0, again), AENC_OK);
    for (int r = 0; r < ROWS; r++) few += ((double)again[r] - (double)score[r]) / ROWS;
    CHECK(few > 0);
    CHECK_STATUS(ctx, estimate(model, 5000, 9, again), AENC_OK);
    CHECK(memcmp(score, again, sizeof score) != 0);
    /* without samples it is the objective, whose KL is weighted by beta */
    CHECK_STATUS(ctx, estimate(model, 0, 0, again), AENC_OK);
    CHECK_STATUS(ctx, aenc_score(model, &(aenc_matrix){data, ROWS, COLS, 0}, NULL, score, ROWS), AENC_OK);
    CHECK(memcmp(score, again, sizeof score) == 0);
    aenc_model_free(model);
    aenc_model_free(same);
    aenc_context_free(ctx);
    aenc_context_free(other);
}

/* All draws of a row see the same binarisation. With decoder weights of zero log p(x) is exact from one draw on if q is the prior. */
static void test_binarised(void) {
    static const float none[4] = {0};
    aenc_context *ctx = context_make(1);
    aenc_model *model = model_parse(ctx, "sigmoid", ",\"loss\":\"bernoulli\",\"corrupt\":[\"binarise\"],"
                                         "\"bottleneck\":\"gaussian:units=1\"");
    const float bias[] = {1, -2};
    values_set(ctx, model, "bottleneck.mean.weight", none, 2);
    values_set(ctx, model, "bottleneck.mean.bias", none, 1);
    values_set(ctx, model, "bottleneck.log_variance.weight", none, 2);
    values_set(ctx, model, "bottleneck.log_variance.bias", none, 1);
    values_set(ctx, model, "decoder.weight", none, 2);
    values_set(ctx, model, "decoder.bias", bias, 2);
    for (int i = 0; i < ROWS * COLS; i++) data[i] = 0.5f;
    CHECK_STATUS(ctx, estimate(model, 1, 0, score), AENC_OK);
    CHECK_STATUS(ctx, estimate(model, 50, 0, again), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK_NEAR((double)again[r], (double)score[r], 1e-5);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static void test_refused(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *plain = model_parse(ctx, "identity", ",\"loss\":\"gaussian\"");
    CHECK(estimate(plain, 3, 0, score) == AENC_ERR_UNSUPPORTED && strstr(aenc_message(ctx), "'plain' has no density") != NULL);
    aenc_model *mean = model_parse(ctx, "identity", ",\"bottleneck\":\"gaussian:units=1\",\"loss\":\"mse\"");
    CHECK(estimate(mean, 3, 0, score) == AENC_ERR_UNSUPPORTED && strstr(aenc_message(ctx), "loss 'mse' is no likelihood") != NULL);
    aenc_model *model = model_make(ctx);
    const size_t dims[] = {ROWS, COLS}, rows[] = {ROWS};
    static float output[ROWS * COLS];
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = sizeof data, .dims = dims, .rank = 2};
    const aenc_array y = {.struct_size = sizeof y, .name = "score", .data = score, .size = sizeof score, .dims = rows, .rank = 1};
    const aenc_array z = {.struct_size = sizeof z, .name = "output", .data = output, .size = sizeof output, .dims = dims, .rank = 2};
    const aenc_array *in[] = {&x}, *to[] = {&y, &z};
    const aenc_run_options options = {.struct_size = sizeof options, .samples = 2};
    CHECK(aenc_run(model, &options, in, 1, to, 2) == AENC_ERR_ARGUMENT && strstr(aenc_message(ctx), "'score' alone") != NULL);
    aenc_model_free(plain);
    aenc_model_free(mean);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

int main(void) {
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (float)(1.2 * sin(0.7 * i + 0.2 * (i % 3)));
    test_closed_form();
    test_binarised();
    test_refused();
    return check_finish();
}
