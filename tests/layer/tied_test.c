/* tied_test.c - decoders that use their encoder's weights: half the numbers, files, runners, freezing, refusals. */
#include "train/trial.h"

enum { ROWS = 30, IN = 8 };

static float data[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0};
static const size_t input[] = {IN}, image[] = {2, 4}, widths[] = {6, 3}, back[] = {6}, other[] = {5};

static aenc_model_options options_of(bool tied) {
    return (aenc_model_options){.struct_size = sizeof(aenc_model_options), .input = input, .input_rank = 1,
                                .encoder_widths = widths, .encoder_count = 2, .activation = "tanh", .tied = tied};
}

static struct trial made(aenc_model_options options, int64_t threads) {
    struct trial trial;
    aenc_context_options context = {.struct_size = sizeof context, .seed = 4, .threads = threads};
    if (aenc_context_create(&context, &trial.ctx) != AENC_OK) exit(2);
    if (!CHECK_STATUS(trial.ctx, aenc_model_create(trial.ctx, &options, &trial.model), AENC_OK)) exit(2);
    return trial;
}

/* The decoder is the transposed encoder: without biases, x -> f(x A^T) B^T B f(..) A, checked against products by hand. */
static void test_product(void) {
    struct trial trial = made(options_of(true), 1);
    float a[6 * IN], b[3 * 6], code[3], got[IN], bias[IN], hidden_bias[6];
    CHECK(trial_read(&trial, "encoder.0.weight", a, 6 * IN) == 6 * IN);
    CHECK(trial_read(&trial, "encoder.1.weight", b, 3 * 6) == 3 * 6);
    CHECK(trial_read(&trial, "decoder.1.bias", bias, IN) == IN);
    CHECK(trial_read(&trial, "decoder.0.bias", hidden_bias, 6) == 6);
    CHECK(aenc_model_parameter_size(trial.model) == 6 * IN + 6 + 3 * 6 + 3 + 6 + IN);
    CHECK(aenc_model_tensor_count(trial.model) == 6);
    const aenc_matrix one = {data, 1, IN, 0}, codes = {code, 1, 3, 0};
    CHECK_STATUS(trial.ctx, aenc_encode(trial.model, &one, code, 3), AENC_OK);
    CHECK_STATUS(trial.ctx, aenc_decode(trial.model, &codes, got, IN), AENC_OK);
    for (int i = 0; i < IN; i++) {
        double want = (double)bias[i];
        for (int h = 0; h < 6; h++) {
            double sum = (double)hidden_bias[h];
            for (int c = 0; c < 3; c++) sum += (double)code[c] * (double)b[c * 6 + h];
            want += tanh(sum) * (double)a[h * IN + i];
        }
        CHECK_NEAR((double)got[i], want, 1e-5);
    }
    trial_free(&trial);
}

/* Trained, saved, loaded, run: the same numbers everywhere, on any number of threads. */
static void test_life(void) {
    struct trial one = made(options_of(true), 1), three = made(options_of(true), 3);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 5, .batch = 7};
    float want[ROWS * IN], got[ROWS * IN];
    unsigned char bytes[1 << 14];
    size_t size;
    aenc_model *loaded;
    aenc_runner *runner;
    aenc_runner_options run = {.struct_size = sizeof run, .task = AENC_RUN_RECONSTRUCT};
    CHECK_STATUS(one.ctx, aenc_fit(one.model, &x, &fit), AENC_OK);
    CHECK_STATUS(three.ctx, aenc_fit(three.model, &x, &fit), AENC_OK);
    CHECK(trial_same(&one, &three));
    CHECK_STATUS(one.ctx, aenc_reconstruct(one.model, &x, want, ROWS * IN), AENC_OK);
    CHECK_STATUS(one.ctx, aenc_model_save_memory(one.model, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(one.ctx, aenc_model_load_memory(one.ctx, bytes, size, &loaded), AENC_OK);
    CHECK(aenc_model_parameter_size(loaded) == aenc_model_parameter_size(one.model));
    CHECK_STATUS(one.ctx, aenc_reconstruct(loaded, &x, got, ROWS * IN), AENC_OK);
    CHECK(memcmp(want, got, sizeof got) == 0);
    CHECK_STATUS(one.ctx, aenc_runner_create(loaded, &run, &runner), AENC_OK);
    CHECK(aenc_runner_run(runner, &x, NULL, got, ROWS * IN) == AENC_OK);
    for (int i = 0; i < ROWS * IN; i++) CHECK_NEAR((double)got[i], (double)want[i], 1e-5);
    /* frozen with the encoder, the decoder's use of it stands still too */
    float before[6 * IN], after[6 * IN];
    CHECK_STATUS(one.ctx, aenc_model_freeze(loaded, "encoder.", 1), AENC_OK);
    struct trial frozen = {one.ctx, loaded};
    trial_read(&frozen, "encoder.0.weight", before, 6 * IN);
    CHECK_STATUS(one.ctx, aenc_fit(loaded, &x, &fit), AENC_OK);
    trial_read(&frozen, "encoder.0.weight", after, 6 * IN);
    CHECK(memcmp(before, after, sizeof after) == 0);
    aenc_runner_free(runner);
    aenc_model_free(loaded);
    trial_free(&one);
    trial_free(&three);
}

static void refused(aenc_model_options options, aenc_status status, const char *words) {
    aenc_context *ctx;
    aenc_model *model;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), status);
    if (!CHECK(strstr(aenc_message(ctx), words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    CHECK(model == NULL);
    aenc_context_free(ctx);
}

static void refused_json(const char *json, aenc_status status, const char *words) {
    aenc_context *ctx;
    aenc_model *model;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, json, strlen(json), &model), status);
    if (!CHECK(strstr(aenc_message(ctx), words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    aenc_context_free(ctx);
}

static void test_shapes(void) {
    aenc_model_options options = options_of(true);
    options.input = image;
    options.input_rank = 2;
    struct trial trial = made(options, 1); /* encoder.0 is the flattening */
    CHECK(strstr(aenc_model_description(trial.model), "\"tied\":\"encoder.1\"") != NULL);
    trial_free(&trial);
    options = options_of(true);
    options.decoder_widths = back;
    options.decoder_count = 1;
    trial = made(options, 1);
    trial_free(&trial);
    options.decoder_widths = other;
    refused(options, AENC_ERR_SHAPE, "decoder.0: layer 'dense': 'encoder.1.weight' turns 6 numbers into 3; tied to it this "
                                     "layer turns 3 into 6, and cannot turn 3 into 5");
    options.decoder_count = 0;
    options.decoder_widths = widths;
    refused(options, AENC_ERR_SHAPE, "the encoder has 2 dense layers and the decoder 1");
    options = options_of(true);
    options.loss = "gaussian_nll";
    refused(options, AENC_ERR_SHAPE, "decoder.1");
    options = options_of(true);
    options.tied = 2;
    refused(options, AENC_ERR_ARGUMENT, "aenc_model_options.tied is 2; it is 0 or 1");
    refused_json("{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2},\"decoder\":{\"type\":\"dense\",\"units\":4,"
                 "\"tied\":\"encoder.7\"}}", AENC_ERR_ARGUMENT, "'encoder.7', and no dense layer of that name");
    refused_json("{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2},\"tied\":1}", AENC_ERR_ARGUMENT,
                 "'tied' must be true or false");
}

int main(void) {
    trial_fill(data, ROWS * IN, 3);
    test_product();
    test_life();
    test_shapes();
    return check_finish();
}
