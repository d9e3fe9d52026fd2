/* posterior_test.c - the measures of a Gaussian code, against closed forms: normal data through a linear encoder have a normal aggregate
 * posterior, whose information and KL are known. Elements, a code that is not used, separate rows, draws, threads, and what is
 * refused. */
#include <autoenc/ops.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

enum { ROWS = 5000, D = 2 };

static const double gain[D] = {1.5, 0.3}, deviation[D] = {0.5, 0.9}, middle[D] = {0.4, 0};
static float data[ROWS * D];

static double normal_pair(unsigned *state) {
    double sum = 0; /* of 12 uniforms */
    for (int i = 0; i < 12; i++) {
        *state = *state * 1664525u + 1013904223u;
        sum += (double)(*state >> 8) / 16777216;
    }
    return sum - 6;
}

static void set(aenc_context *ctx, aenc_model *model, const char *name, const float *value) {
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
    CHECK(aenc_tensor_write(tensor, value, aenc_tensor_count(tensor)) == AENC_OK);
    CHECK_STATUS(ctx, aenc_model_tensor_set(model, name, tensor), AENC_OK);
    aenc_tensor_free(tensor);
}

static aenc_model *parse(aenc_context *ctx, const char *bottleneck) {
    char text[400];
    aenc_model *model = NULL;
    snprintf(text, sizeof text,
             "{\"input\":[2],\"fields\":{\"c\":\"classes:count=3\"},\"encoder\":{\"type\":\"dense\",\"units\":2},\"decoder\":{\"type\":\"dense\","
             "\"units\":2},\"loss\":\"gaussian\"%s%s%s}", bottleneck == NULL ? "" : ",\"bottleneck\":\"", bottleneck == NULL ? "" : bottleneck,
             bottleneck == NULL ? "" : "\"");
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    if (model == NULL) exit(1);
    return model;
}

/* q(z_j | x) = N(scale gain_j x_j + middle_j, deviation_j^2) */
static aenc_model *linear(aenc_context *ctx, const char *bottleneck, double scale) {
    aenc_model *model = parse(ctx, bottleneck);
    const float eye[] = {1, 0, 0, 1}, zero[4] = {0}, mean[] = {(float)(scale * gain[0]), 0, 0, (float)(scale * gain[1])};
    const float bias[] = {(float)middle[0], (float)middle[1]};
    const float log_variance[] = {(float)(2 * log(deviation[0])), (float)(2 * log(deviation[1]))};
    set(ctx, model, "encoder.weight", eye);
    set(ctx, model, "encoder.bias", zero);
    set(ctx, model, "bottleneck.mean.weight", mean);
    set(ctx, model, "bottleneck.mean.bias", bias);
    set(ctx, model, "bottleneck.log_variance.weight", zero);
    set(ctx, model, "bottleneck.log_variance.bias", log_variance);
    return model;
}

static aenc_status measure(aenc_model *model, const aenc_posterior_options *options, size_t rows, aenc_posterior *out) {
    const size_t dims[] = {rows, D};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = sizeof data, .dims = dims, .rank = 2};
    const aenc_array *in[] = {&x};
    *out = (aenc_posterior){.struct_size = sizeof *out};
    return aenc_posterior_measure(model, options, in, 1, out);
}

static double kl_normal(double mean, double variance) { return 0.5 * (mean * mean + variance - 1 - log(variance)); }

static void closed_form_test(aenc_context *ctx, const char *bottleneck) {
    double mean[D], variance[D], kl[D], marginal[D], x_mean[D] = {0}, x_square[D] = {0}, rate = 0, information = 0, marginals = 0;
    const aenc_posterior_options options = {.struct_size = sizeof options, .mean = mean, .variance = variance, .kl = kl,
                                            .marginal_kl = marginal, .units = D};
    aenc_posterior got;
    aenc_model *model = linear(ctx, bottleneck, 1);
    CHECK_STATUS(ctx, measure(model, &options, ROWS, &got), AENC_OK);
    for (int i = 0; i < ROWS * D; i++) x_mean[i % D] += (double)data[i] / ROWS;
    for (int i = 0; i < ROWS * D; i++) x_square[i % D] += pow((double)data[i] - x_mean[i % D], 2) / ROWS;
    for (int j = 0; j < D; j++) {
        double s = deviation[j] * deviation[j], m = gain[j] * x_mean[j] + middle[j], v = gain[j] * gain[j] * x_square[j];
        CHECK_NEAR(mean[j], m, 1e-5);
        CHECK_NEAR(variance[j], v + s, 1e-5);
        CHECK_NEAR(kl[j], 0.5 * (m * m + v + s - 1 - log(s)), 1e-5);
        CHECK_NEAR(marginal[j], kl_normal(m, v + s), 1e-5);
        rate += 0.5 * (m * m + v + s - 1 - log(s)), information += 0.5 * log(1 + v / s), marginals += kl_normal(m, v + s);
    }
    CHECK_NEAR(got.rate, rate, 2e-5);
    CHECK_NEAR(information + marginals, rate, 1e-9);
    CHECK_NEAR(got.mutual_information, information, 0.04);
    CHECK_NEAR(got.marginal_kl, marginals, 0.04);
    CHECK_NEAR(got.rate, got.mutual_information + got.marginal_kl, 1e-9);
    CHECK(got.active_units == D && got.mutual_information < log(4096));
    aenc_model_free(model);
}

/* A code that ignores the rows states nothing of them; rows that lie far apart are stated exactly, log of how many. */
static void ends_test(aenc_context *ctx) {
    aenc_posterior got;
    aenc_model *unused = linear(ctx, "gaussian", 0), *apart = linear(ctx, "gaussian", 1e5);
    CHECK_STATUS(ctx, measure(unused, NULL, ROWS, &got), AENC_OK);
    CHECK_NEAR(got.mutual_information, 0, 1e-9);
    CHECK(got.active_units == 0);
    const aenc_posterior_options few = {.struct_size = sizeof few, .pairs = 64};
    CHECK_STATUS(ctx, measure(apart, &few, ROWS, &got), AENC_OK);
    CHECK_NEAR(got.mutual_information, log(64), 1e-9);
    CHECK_STATUS(ctx, measure(apart, NULL, 7, &got), AENC_OK);
    CHECK_NEAR(got.mutual_information, log(7), 1e-9);
    CHECK_STATUS(ctx, measure(apart, NULL, 1, &got), AENC_OK);
    CHECK_NEAR(got.mutual_information, 0, 1e-12);
    aenc_model_free(unused);
    aenc_model_free(apart);
}

static void bits_test(aenc_context *ctx, aenc_context *threads) {
    aenc_posterior a, b, c;
    const aenc_posterior_options seeded = {.struct_size = sizeof seeded, .seed = 77, .pairs = 500}, own = {.struct_size = sizeof own, .pairs = 500};
    aenc_model *one = linear(ctx, "gaussian", 1), *three = linear(threads, "gaussian", 1);
    CHECK_STATUS(ctx, measure(one, &own, ROWS, &a), AENC_OK);
    CHECK_STATUS(threads, measure(three, &own, ROWS, &b), AENC_OK);
    CHECK_STATUS(ctx, measure(one, &seeded, ROWS, &c), AENC_OK);
    CHECK(memcmp(&a, &b, sizeof a) == 0 && a.mutual_information != c.mutual_information && a.rate == c.rate);
    aenc_model_free(one);
    aenc_model_free(three);
}

static void fails(aenc_context *ctx, aenc_status status, aenc_status want, const char *words) {
    CHECK(status == want);
    if (!CHECK(strstr(aenc_message(ctx), words) != NULL)) fprintf(stderr, "  lacks '%s': %s\n", words, aenc_message(ctx));
}

static void refused_test(aenc_context *ctx) {
    static const struct {
        const char *bottleneck, *words;
    } kinds[] = {{NULL, "bottleneck 'plain' has no result 'mean' of the code's size"},
                 {"gaussian:covariance=full", "bottleneck 'gaussian': the aggregate posterior is measured with a diagonal covariance alone"},
                 {"gaussian:prior=c", "bottleneck 'gaussian': the aggregate posterior is measured with a standard normal prior alone"}};
    aenc_posterior got;
    double room[D];
    for (int k = 0; k < 3; k++) {
        aenc_model *model = parse(ctx, kinds[k].bottleneck);
        fails(ctx, measure(model, NULL, 10, &got), AENC_ERR_UNSUPPORTED, kinds[k].words);
        aenc_model_free(model);
    }
    aenc_model *model = linear(ctx, "gaussian", 1);
    const aenc_posterior_options narrow = {.struct_size = sizeof narrow, .kl = room, .units = 1}, unset = {.struct_size = 0};
    fails(ctx, measure(model, &narrow, 10, &got), AENC_ERR_SHAPE, "aenc_posterior_options: kl has room for 1 units; 1 rows of 2 are needed");
    fails(ctx, measure(model, &unset, 10, &got), AENC_ERR_ARGUMENT, "aenc_posterior_options.struct_size");
    fails(ctx, aenc_posterior_measure(model, NULL, NULL, 0, &got), AENC_ERR_ARGUMENT, "aenc_posterior_measure: no field is given");
    fails(ctx, aenc_posterior_measure(model, NULL, NULL, 0, NULL), AENC_ERR_ARGUMENT, "aenc_posterior_measure: out is NULL");
    aenc_posterior sizeless = {.struct_size = 0};
    const size_t dims[] = {2, D};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = sizeof data, .dims = dims, .rank = 2};
    const aenc_array *in[] = {&x};
    fails(ctx, aenc_posterior_measure(model, NULL, in, 1, &sizeless), AENC_ERR_ARGUMENT, "aenc_posterior.struct_size is 0");
    data[3] = NAN;
    fails(ctx, measure(model, NULL, 10, &got), AENC_ERR_NONFINITE, "nan");
    data[3] = 0;
    aenc_model_free(model);
}

static void memory_test(struct memory *memory, aenc_context *ctx) {
    aenc_posterior got;
    aenc_model *model = linear(ctx, "gaussian", 1);
    aenc_status status = AENC_ERR_NO_MEMORY;
    for (long k = 1; status != AENC_OK && k < 400; k++) {
        memory->calls = 0;
        memory->fail_at = k;
        status = measure(model, NULL, 20, &got);
        memory->fail_at = 0;
        CHECK(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    }
    CHECK(status == AENC_OK);
    aenc_model_free(model);
}

int main(void) {
    struct memory memory[2];
    unsigned state = 11;
    memset(memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory[0], 7, 1), *threads = memory_context(&memory[1], 7, 3);
    for (int i = 0; i < ROWS * D; i++) data[i] = (float)normal_pair(&state);
    closed_form_test(ctx, "gaussian");
    closed_form_test(ctx, "gaussian:samples=3");
    ends_test(ctx);
    bits_test(ctx, threads);
    refused_test(ctx);
    memory_test(&memory[0], ctx);
    aenc_context_free(ctx);
    aenc_context_free(threads);
    memory_check_empty(&memory[0]);
    memory_check_empty(&memory[1]);
    return check_finish();
}
