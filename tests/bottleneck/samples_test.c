/* samples_test.c - several draws of each row: the multi-sample ELBO and the importance-weighted bound against formulas in double;
 * the doubly reparameterised gradient against the plain one; a prior that follows from a field; the same bits on any number of
 * threads, and of a run that was broken off. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "autoenc/autoenc.h"
#include "model/model_bytes.h"

enum { ROWS = 48, COLS = 4, CODE = 2, DRAWS = 5, KINDS = 3, MANY = 12288 };

static float data[MANY * COLS];
static int32_t kind[MANY];

static aenc_context *context_make(int64_t threads, uint64_t seed) {
    aenc_context *ctx = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = seed, .threads = threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    return ctx;
}

static aenc_status model_try(aenc_context *ctx, const char *bottleneck, const char *rest, aenc_model **out) {
    char text[768];
    (void)snprintf(text, sizeof text,
                   "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3,\"activation\":\"tanh\"},\"loss\":\"gaussian:scale=0.5\","
                   "\"bottleneck\":\"gaussian:units=2%s\"%s}", bottleneck, rest);
    return aenc_model_parse(ctx, text, strlen(text), out);
}

static aenc_model *model_make(aenc_context *ctx, const char *bottleneck, const char *rest) {
    aenc_model *model = NULL;
    if (!CHECK_STATUS(ctx, model_try(ctx, bottleneck, rest, &model), AENC_OK)) exit(2);
    return model;
}

/* ---- Values ---- */

struct seen {
    float mean[ROWS * CODE], log_variance[ROWS * CODE], kl[ROWS * CODE], sample[ROWS * DRAWS * CODE], score[ROWS];
};

static void results_take(aenc_context *ctx, aenc_model *model, bool field, struct seen *to) {
    const size_t of_x[] = {ROWS, COLS}, of_code[] = {ROWS, CODE}, of_sample[] = {ROWS, DRAWS, CODE};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = ROWS * COLS * sizeof *data, .dims = of_x, .rank = 2};
    const aenc_array k = {.struct_size = sizeof k, .name = "kind", .data = kind, .size = ROWS * sizeof *kind, .dims = of_x, .rank = 1, .type = AENC_TYPE_I32};
    const aenc_array mean = {.struct_size = sizeof x, .name = "mean", .data = to->mean, .size = sizeof to->mean, .dims = of_code, .rank = 2};
    const aenc_array log_variance = {.struct_size = sizeof x, .name = "log_variance", .data = to->log_variance, .size = sizeof to->log_variance, .dims = of_code, .rank = 2};
    const aenc_array kl = {.struct_size = sizeof x, .name = "kl", .data = to->kl, .size = sizeof to->kl, .dims = of_code, .rank = 2};
    const aenc_array sample = {.struct_size = sizeof x, .name = "sample", .data = to->sample, .size = sizeof to->sample, .dims = of_sample, .rank = 3};
    const aenc_array score = {.struct_size = sizeof x, .name = "score", .data = to->score, .size = sizeof to->score, .dims = of_x, .rank = 1};
    const aenc_array *in[] = {&x, &k}, *out[] = {&mean, &log_variance, &kl, &sample, &score};
    CHECK_STATUS(ctx, aenc_run(model, NULL, in, field ? 2 : 1, out, 5), AENC_OK);
}

/* -log p(x | z_s) by decoding each draw, and log p(z_s) - log q(z_s | x) for the standard prior. */
static void draws_take(aenc_context *ctx, aenc_model *model, const struct seen *seen, double *loss, double *ratio) {
    static float output[ROWS * DRAWS * COLS];
    const aenc_matrix codes = {seen->sample, (size_t)ROWS * DRAWS, CODE, 0};
    CHECK_STATUS(ctx, aenc_decode(model, &codes, output, (size_t)ROWS * DRAWS * COLS), AENC_OK);
    for (int i = 0; i < ROWS * DRAWS; i++) {
        int r = i / DRAWS;
        loss[i] = ratio[i] = 0;
        for (int c = 0; c < COLS; c++) {
            double d = ((double)data[r * COLS + c] - (double)output[i * COLS + c]) / 0.5;
            loss[i] += 0.5 * d * d + log(0.5) + 0.5 * log(2 * 3.14159265358979323846);
        }
        for (int j = 0; j < CODE; j++) {
            double z = (double)seen->sample[i * CODE + j], v = (double)seen->log_variance[r * CODE + j];
            double e = (z - (double)seen->mean[r * CODE + j]) / exp(0.5 * v);
            ratio[i] += 0.5 * (e * e + v - z * z);
        }
    }
}

static void test_bounds(void) {
    static struct seen seen, weighted;
    static double loss[ROWS * DRAWS], ratio[ROWS * DRAWS];
    aenc_context *ctx = context_make(2, 3);
    aenc_model *elbo = model_make(ctx, ",samples=5,beta=1.5", ""), *iwae = model_make(ctx, ",samples=5,beta=1.5,objective=iwae", "");
    aenc_model *dreg = model_make(ctx, ",samples=5,beta=1.5,objective=dreg", "");
    results_take(ctx, elbo, false, &seen);
    draws_take(ctx, elbo, &seen, loss, ratio);
    results_take(ctx, iwae, false, &weighted);
    CHECK(memcmp(seen.sample, weighted.sample, sizeof seen.sample) == 0);
    for (int r = 0; r < ROWS; r++) {
        double mean = 0, sum = 0, kl = (double)seen.kl[r * CODE] + (double)seen.kl[r * CODE + 1];
        for (int s = 0; s < DRAWS; s++) {
            mean += loss[r * DRAWS + s] / DRAWS;
            sum += exp(1.5 * ratio[r * DRAWS + s] - loss[r * DRAWS + s]) / DRAWS;
        }
        CHECK_NEAR((double)seen.score[r], mean + 1.5 * kl, 2e-5);
        CHECK_NEAR((double)weighted.score[r], -log(sum), 2e-5);
    }
    results_take(ctx, dreg, false, &seen);
    CHECK(memcmp(&seen, &weighted, sizeof seen) == 0);
    aenc_model_free(elbo);
    aenc_model_free(iwae);
    aenc_model_free(dreg);
    aenc_context_free(ctx);
}

/* log p(x) of a model is the same however it was trained: each of its draws is one. */
static void test_log_likelihood(void) {
    static float one[ROWS], five[ROWS];
    const size_t dims[] = {ROWS, COLS};
    aenc_context *ctx = context_make(2, 3);
    aenc_model *a = model_make(ctx, "", ""), *b = model_make(ctx, ",samples=5,objective=iwae", "");
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = ROWS * COLS * sizeof *data, .dims = dims, .rank = 2};
    const aenc_array y = {.struct_size = sizeof y, .name = "score", .data = one, .size = sizeof one, .dims = dims, .rank = 1};
    const aenc_array z = {.struct_size = sizeof y, .name = "score", .data = five, .size = sizeof five, .dims = dims, .rank = 1};
    const aenc_array *in[] = {&x}, *to_one[] = {&y}, *to_five[] = {&z};
    const aenc_run_options options = {.struct_size = sizeof options, .samples = 7};
    CHECK_STATUS(ctx, aenc_run(a, &options, in, 1, to_one, 1), AENC_OK);
    CHECK_STATUS(ctx, aenc_run(b, &options, in, 1, to_five, 1), AENC_OK);
    CHECK(memcmp(one, five, sizeof one) == 0);
    aenc_model_free(a);
    aenc_model_free(b);
    aenc_context_free(ctx);
}

/* ---- Gradients ---- */

static size_t gradient_read(const aenc_model *model, const char *name, double *out) {
    float values[64];
    aenc_tensor *tensor = NULL;
    if (!CHECK(aenc_model_gradient_get(model, name, &tensor) == AENC_OK)) exit(2);
    size_t count = aenc_tensor_count(tensor);
    if (!CHECK(count <= 64 && aenc_tensor_read(tensor, values, count) == AENC_OK)) exit(2);
    for (size_t i = 0; i < count; i++) out[i] = (double)values[i];
    aenc_tensor_free(tensor);
    return count;
}

/* The decoder's gradient is the same, the encoder's is so on average over many draws, and varies less. */
static void test_double(void) {
    static const char *const decoder[] = {"decoder.0.weight", "decoder.0.bias", "decoder.1.weight"};
    static const char *const encoder[] = {"encoder.weight", "bottleneck.mean.weight", "bottleneck.log_variance.weight",
                                          "bottleneck.mean.bias", "bottleneck.log_variance.bias"};
    enum { REPEATS = 24 };
    double plain[64], other[64], sum[5][64] = {{0}}, square[5][64] = {{0}}, variance[2] = {0, 0};
    double all[2][5][64] = {{{0}}}, squares[2][5][64] = {{{0}}};
    size_t count[5] = {0};
    struct bytes bytes[2];
    for (int i = 0; i < 2; i++) {
        aenc_context *ctx = context_make(1, 3);
        aenc_model *model = model_make(ctx, i == 0 ? ",samples=5,objective=iwae" : ",samples=5,objective=dreg", "");
        bytes[i] = model_bytes(model);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        aenc_context *ctx = context_make(1, 100 + (uint64_t)repeat); /* other draws */
        aenc_model *model[2];
        double loss[2];
        for (int i = 0; i < 2; i++) CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes[i].data, bytes[i].size, &model[i]), AENC_OK);
        aenc_batch batch = {.struct_size = sizeof batch, .input = {data, MANY / REPEATS, COLS, 0}};
        batch.input.data += (size_t)repeat * MANY / REPEATS * COLS;
        for (int i = 0; i < 2; i++) CHECK_STATUS(ctx, aenc_model_gradients(model[i], &batch, &loss[i]), AENC_OK);
        CHECK_NEAR(loss[0], loss[1], 1e-5);
        for (size_t k = 0; k < sizeof decoder / sizeof *decoder && repeat == 0; k++) {
            size_t n = gradient_read(model[0], decoder[k], plain);
            gradient_read(model[1], decoder[k], other);
            for (size_t i = 0; i < n; i++) CHECK_NEAR(plain[i], other[i], 1e-5);
        }
        for (int k = 0; k < 5; k++) {
            count[k] = gradient_read(model[0], encoder[k], plain);
            gradient_read(model[1], encoder[k], other);
            for (size_t i = 0; i < count[k]; i++) {
                double d = other[i] - plain[i];
                sum[k][i] += d;
                square[k][i] += d * d;
                all[0][k][i] += plain[i], squares[0][k][i] += plain[i] * plain[i];
                all[1][k][i] += other[i], squares[1][k][i] += other[i] * other[i];
            }
        }
        for (int i = 0; i < 2; i++) aenc_model_free(model[i]);
        aenc_context_free(ctx);
    }
    int far = 0, elements = 0;
    for (int k = 0; k < 5; k++)
        for (size_t i = 0; i < count[k]; i++, elements++) {
            double mean = sum[k][i] / REPEATS, deviation = sqrt((square[k][i] / REPEATS - mean * mean) / (REPEATS - 1));
            CHECK(deviation > 0 && fabs(mean) < 4.5 * deviation);
            far += fabs(mean) > 2 * deviation;
            for (int m = 0; m < 2; m++) {
                double average = all[m][k][i] / REPEATS;
                variance[m] += squares[m][k][i] / REPEATS - average * average;
            }
        }
    CHECK(far <= elements / 5);
    for (int i = 0; i < 2; i++) free(bytes[i].data);
    CHECK(variance[1] < variance[0]);
}

/* ---- A prior that follows from a field ---- */

static const char fields[] = ",\"fields\":{\"kind\":\"classes:count=3\"},\"condition\":[\"kind\"]";

static void values_read(const aenc_model *model, const char *name, float *out, size_t count) {
    aenc_tensor *tensor = NULL;
    if (!CHECK(aenc_model_tensor_get(model, name, &tensor) == AENC_OK)) exit(2);
    CHECK(aenc_tensor_count(tensor) == count && aenc_tensor_read(tensor, out, count) == AENC_OK);
    aenc_tensor_free(tensor);
}

static void test_prior(void) {
    static struct seen seen;
    static float code[MANY * CODE];
    float weight[2][CODE * KINDS], bias[2][CODE];
    aenc_context *ctx = context_make(2, 5);
    aenc_model *model = model_make(ctx, ",prior=kind,samples=5", fields);
    results_take(ctx, model, true, &seen);
    values_read(model, "bottleneck.prior.mean.weight", weight[0], (size_t)CODE * KINDS);
    values_read(model, "bottleneck.prior.log_variance.weight", weight[1], (size_t)CODE * KINDS);
    values_read(model, "bottleneck.prior.mean.bias", bias[0], CODE);
    values_read(model, "bottleneck.prior.log_variance.bias", bias[1], CODE);
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < CODE * KINDS; i++) weight[b][i] += bias[b][i / KINDS];
    for (int i = 0; i < ROWS * CODE; i++) {
        int j = i % CODE, k = kind[i / CODE];
        double m = (double)seen.mean[i] - (double)weight[0][j * KINDS + k], v = (double)seen.log_variance[i], p = (double)weight[1][j * KINDS + k];
        CHECK_NEAR((double)seen.kl[i], 0.5 * (p - v + exp(-p) * (m * m + exp(v)) - 1), 2e-5);
    }
    /* draws under a label */
    const size_t of_code[] = {MANY, CODE};
    const aenc_array k = {.struct_size = sizeof k, .name = "kind", .data = kind, .size = sizeof kind, .dims = of_code, .rank = 1, .type = AENC_TYPE_I32};
    const aenc_array z = {.struct_size = sizeof z, .name = "code", .data = code, .size = sizeof code, .dims = of_code, .rank = 2};
    const aenc_array *in[] = {&k}, *out[] = {&z};
    const aenc_sample_options options = {.struct_size = sizeof options, .temperature = 0.5};
    CHECK_STATUS(ctx, aenc_sample(model, &options, in, 1, out, 1), AENC_OK);
    for (int c = 0; c < KINDS; c++)
        for (int j = 0; j < CODE; j++) {
            double mean = 0, square = 0, m = (double)weight[0][j * KINDS + c], v = exp((double)weight[1][j * KINDS + c]) / 4;
            int n = 0;
            for (int r = 0; r < MANY; r++) n += kind[r] == c;
            for (int r = 0; r < MANY; r++)
                if (kind[r] == c) mean += (double)code[r * CODE + j] / n, square += pow((double)code[r * CODE + j] - m, 2) / n;
            CHECK_NEAR(mean, m, 5 * sqrt(v / n));
            CHECK_NEAR(square, v, 5 * v * sqrt(2.0 / n));
        }
    CHECK(aenc_sample(model, &options, in, 0, out, 1) == AENC_ERR_ARGUMENT && strstr(aenc_message(ctx), "'kind'") != NULL);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- Bits ---- */

static int stop_at(void *user, const aenc_progress *now) {
    int *left = user;
    return now->event == AENC_EVENT_STEP && --*left == 0;
}

static struct bytes fit_bytes(int64_t threads, const char *bottleneck, bool broken) {
    static const char path[] = "samples_test.checkpoint";
    const size_t of_x[] = {ROWS * 8, COLS};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = ROWS * 8 * COLS * sizeof *data, .dims = of_x, .rank = 2};
    const aenc_array k = {.struct_size = sizeof k, .name = "kind", .data = kind, .size = ROWS * 8 * sizeof *kind, .dims = of_x, .rank = 1, .type = AENC_TYPE_I32};
    const aenc_array *arrays[] = {&x, &k};
    struct bytes bytes = {NULL, 0};
    (void)remove(path);
    for (int part = 0; part < (broken ? 3 : 1); part++) {
        aenc_context *ctx = context_make(broken ? 1 + part : threads, 7);
        aenc_model *model = model_make(ctx, bottleneck, fields);
        aenc_source *source = NULL;
        CHECK_STATUS(ctx, aenc_source_arrays(ctx, arrays, 2, &source), AENC_OK);
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 4, .batch = 50, .optimizer = "adam:lr=0.01"};
        if (broken) fit.checkpoint = path, fit.checkpoint_steps = 1, fit.resume = AENC_RESUME_IF_THERE;
        int left = broken && part < 2 ? 7 + 4 * part : -1;
        fit.progress = stop_at;
        fit.progress_user = &left;
        CHECK_STATUS(ctx, aenc_fit_source(model, source, &fit), AENC_OK);
        if (part == (broken ? 2 : 0)) bytes = model_bytes(model);
        aenc_source_free(source);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
    (void)remove(path);
    return bytes;
}

static void test_bits(void) {
    static const char *const specs[] = {",samples=5,objective=iwae,prior=kind,warmup=2", ",samples=5,objective=dreg", ",samples=5,prior=kind,covariance=full"};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        struct bytes whole = fit_bytes(1, specs[s], false);
        for (int64_t way = 2; way <= 4; way++) {
            struct bytes again = fit_bytes(way, specs[s], way == 4);
            if (!CHECK(bytes_same(&again, &whole))) fprintf(stderr, "  %s, way %d\n", specs[s], (int)way);
        }
        free(whole.data);
    }
}

/* ---- Refusals ---- */

static void test_refused(void) {
    static const struct {
        const char *bottleneck, *words;
    } cases[] = {
        {",objective=iwae", "two samples or more"},
        {",samples=2,objective=dreg,covariance=full", "diagonal"},
        {",samples=2,objective=iwae,free_bits=1", "importance weights"},
        {",samples=2,objective=dreg,capacity=1", "importance weights"},
        {",samples=0", "'samples' is 0"},
        {",prior=kind,floor=0.1", "standard prior"},
        {",prior=nothing", "'nothing'"},
    };
    aenc_context *ctx = context_make(1, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aenc_model *model = NULL;
        CHECK(model_try(ctx, cases[i].bottleneck, fields, &model) == AENC_ERR_ARGUMENT || i == 1);
        if (!CHECK(model == NULL && strstr(aenc_message(ctx), cases[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
    aenc_context_free(ctx);
}

int main(void) {
    for (int i = 0; i < MANY * COLS; i++) data[i] = (float)(1.1 * sin(0.7 * i + 0.3 * (i % 5)) + 0.4 * cos(0.013 * i));
    for (int r = 0; r < MANY; r++) kind[r] = (r * 7 + r / 5) % KINDS;
    test_bounds();
    test_log_likelihood();
    test_double();
    test_prior();
    test_bits();
    test_refused();
    return check_finish();
}
