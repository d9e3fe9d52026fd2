/* contractive_test.c - the contractive penalty as a user meets it: norms of Jacobians that can be written down, training that
 * makes them smaller, the same bits on any number of threads, and settings that are refused by name. */
#include <autoenc/autoenc.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ROWS = 300, COLS = 12, HIDDEN = 7, CODE = 3, NUMBERS = 4096 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static aenc_context *context(int64_t threads) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    return ctx;
}

/* penalty NULL: none. */
static aenc_model *model_create(aenc_context *ctx, const size_t *widths, size_t count, const char *activation,
                                const char *penalty) {
    static const size_t input = COLS;
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = &input,
                                  .input_rank = 1,
                                  .encoder_widths = widths,
                                  .encoder_count = count,
                                  .activation = "tanh",
                                  .code_activation = activation,
                                  .penalties = penalty == NULL ? NULL : &penalty,
                                  .penalty_count = penalty == NULL ? 0 : 1};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

static void parameter(aenc_model *model, const char *name, float *out, size_t floats) {
    aenc_tensor *tensor = NULL;
    CHECK(aenc_model_tensor_get(model, name, &tensor) == AENC_OK);
    CHECK(aenc_tensor_read(tensor, out, floats) == AENC_OK);
    aenc_tensor_free(tensor);
}

/* ---- Norms ---- */

/* One layer: sum_j f'(a_j)^2 |row j of W|^2, in every chunk of rows; linear: the same for every row. */
static void test_one_layer(const char *activation) {
    static const size_t widths[] = {HIDDEN};
    aenc_context *ctx = context(2);
    aenc_model *model = model_create(ctx, widths, 1, activation, NULL);
    float weight[HIDDEN * COLS], code[ROWS * HIDDEN], norm[ROWS];
    parameter(model, "encoder.0.weight", weight, HIDDEN * COLS);
    CHECK_STATUS(ctx, aenc_encode(model, &x, code, ROWS * HIDDEN), AENC_OK);
    CHECK_STATUS(ctx, aenc_jacobian_norm(model, &x, norm, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) {
        double want = 0;
        for (int j = 0; j < HIDDEN; j++) {
            double h = (double)code[r * HIDDEN + j], slope = activation == NULL ? 1 : h * (1 - h), square = 0;
            for (int i = 0; i < COLS; i++) square += (double)weight[j * COLS + i] * (double)weight[j * COLS + i];
            want += slope * slope * square;
        }
        CHECK_NEAR((double)norm[r] / want, 1, 1e-5);
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- Training ---- */

static double mean_norm(aenc_context *ctx, aenc_model *model) {
    float norm[ROWS];
    double sum = 0;
    CHECK_STATUS(ctx, aenc_jacobian_norm(model, &x, norm, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) sum += (double)norm[r];
    return sum / ROWS;
}

/* Answers the mean norm after a fit; bytes of the model to out, their number to *size. */
static double trained(const char *penalty, int64_t threads, unsigned char *out, size_t *size) {
    static const size_t widths[] = {HIDDEN, CODE};
    aenc_context *ctx = context(threads);
    aenc_model *model = model_create(ctx, widths, 2, "sigmoid", penalty);
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 6, .batch = 70, .optimizer = "adam:lr=0.01"};
    CHECK_STATUS(ctx, aenc_fit(model, &x, &options), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save_memory(model, out, out == NULL ? 0 : NUMBERS, size), AENC_OK);
    double norm = mean_norm(ctx, model);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return norm;
}

static void test_training(void) {
    size_t size;
    double plain = trained(NULL, 1, NULL, &size);
    CHECK(trained("contractive:weight=2", 1, NULL, &size) < 0.1 * plain);
    CHECK(trained("contractive:weight=2,probes=2", 1, NULL, &size) < 0.1 * plain);
}

static void test_threads(const char *penalty) {
    static unsigned char one[NUMBERS], other[NUMBERS];
    size_t size = 0, again = 0;
    trained(penalty, 1, one, &size);
    for (int64_t threads = 2; threads <= 3; threads++) {
        trained(penalty, threads, other, &again);
        CHECK(size == again && size <= NUMBERS && memcmp(one, other, size) == 0);
    }
}

/* Without its probes, or with another number of them, a penalty is another one. */
static void test_probes(void) {
    static unsigned char exact[NUMBERS], one[NUMBERS], two[NUMBERS];
    size_t size;
    trained("contractive:weight=0.1", 1, exact, &size);
    trained("contractive:weight=0.1,probes=1", 1, one, &size);
    trained("contractive:weight=0.1,probes=2", 1, two, &size);
    CHECK(memcmp(exact + size - 256, one + size - 256, 256) != 0);
    CHECK(memcmp(one + size - 256, two + size - 256, 256) != 0);
}

/* ---- Refusals ---- */

static void refused(const char *penalty, const char *word) {
    static const size_t widths[] = {CODE}, input = COLS;
    aenc_context *ctx = context(1);
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = &input, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 1, .penalties = &penalty, .penalty_count = 1};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_ERR_ARGUMENT);
    CHECK(model == NULL && strstr(aenc_message(ctx), word) != NULL);
    aenc_context_free(ctx);
}

int main(void) {
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 37 + i / 13 * 5) % 101) / 50.0f - 1;
    test_one_layer(NULL);
    test_one_layer("sigmoid");
    test_training();
    test_threads("contractive:weight=0.05");
    test_threads("contractive:weight=0.05,probes=3");
    test_probes();
    refused("contractive", "weight");
    refused("contractive:weight=0.1,probes=-1", "probes");
    refused("contractive:weight=0.1,probes=1.5", "probes");
    refused("contractive:weight=0.1,directions=2", "directions");
    return check_finish();
}
