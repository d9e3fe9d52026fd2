/* description_test.c - widths, layers and JSON arrive at the same description and the same numbers; mirrored decoders;
 * where the activation of the output goes. */
#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { NUMBERS = 1 << 15, TEXT = 4096 };

static aenc_context *context(uint64_t seed) {
    aenc_context_options options = {.struct_size = sizeof options, .seed = seed};
    aenc_context *ctx;
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    return ctx;
}

static aenc_model *parsed(aenc_context *ctx, const char *json) {
    aenc_model *model;
    aenc_status status = aenc_model_parse(ctx, json, strlen(json), &model);
    if (!CHECK_STATUS(ctx, status, AENC_OK)) fprintf(stderr, "  %s\n", json);
    return model;
}

/* Every parameter and state; answers how many numbers. */
static size_t numbers_of(aenc_context *ctx, const aenc_model *model, float *out) {
    size_t used = 0;
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor *tensor;
        CHECK_STATUS(ctx, aenc_model_tensor_get(model, aenc_model_tensor_name(model, i), &tensor), AENC_OK);
        size_t count = aenc_tensor_count(tensor);
        if (used + count > NUMBERS) exit(2);
        CHECK_STATUS(ctx, aenc_tensor_read(tensor, out + used, count), AENC_OK);
        used += count;
        aenc_tensor_free(tensor);
    }
    return used;
}

static bool same_numbers(aenc_context *ctx, const aenc_model *a, const aenc_model *b) {
    static float x[NUMBERS], y[NUMBERS];
    size_t count = numbers_of(ctx, a, x);
    return numbers_of(ctx, b, y) == count && memcmp(x, y, count * sizeof *x) == 0;
}

/* The same text, names and numbers. Takes both models. */
static void check_same(aenc_context *ctx, aenc_model *a, aenc_model *b) {
    const char *first = aenc_model_description(a), *second = aenc_model_description(b);
    if (!CHECK(strcmp(first, second) == 0)) fprintf(stderr, "  %s\n  %s\n", first, second);
    CHECK(aenc_model_tensor_count(a) == aenc_model_tensor_count(b));
    for (size_t i = 0; i < aenc_model_tensor_count(a); i++)
        CHECK(strcmp(aenc_model_tensor_name(a, i), aenc_model_tensor_name(b, i)) == 0);
    CHECK(same_numbers(ctx, a, b));
    CHECK(aenc_model_input_size(a) == aenc_model_input_size(b) && aenc_model_code_size(a) == aenc_model_code_size(b));
    CHECK(aenc_model_output_size(a) == aenc_model_output_size(b));
    aenc_model_free(a);
    aenc_model_free(b);
}

/* ---- Three ways to one model ---- */

/* A sequential of the specs, which a NULL ends. */
static aenc_layer *sequence(aenc_context *ctx, const char *const *specs) {
    aenc_layer *all, *one;
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "sequential", &all), AENC_OK);
    for (; *specs != NULL; specs++) {
        CHECK_STATUS(ctx, aenc_layer_create(ctx, *specs, &one), AENC_OK);
        CHECK_STATUS(ctx, aenc_layer_add(all, one), AENC_OK);
        aenc_layer_free(one);
    }
    return all;
}

static aenc_model *created(aenc_context *ctx, const aenc_model_options *options) {
    aenc_model *model;
    CHECK_STATUS(ctx, aenc_model_create(ctx, options, &model), AENC_OK);
    return model;
}

static const size_t flat[] = {64}, square[] = {8, 8}, widths[] = {16, 4}, decoder_widths[] = {5, 7};

/* One network in widths and in layers; the decoder of the layers is mirrored unless it is given. */
struct case_of_three {
    aenc_model_options widths;
    const char *encoder[8], *decoder[8];
};

static const struct case_of_three cases[] = {
    {{.input = flat, .input_rank = 1}, {"dense:units=16,activation=relu", "dense:units=4"}, {NULL}},
    {{.input = square, .input_rank = 2, .output = "sigmoid", .loss = "bce"},
     {"flatten", "dense:units=16,activation=relu", "dense:units=4"},
     {NULL}},
    {{.input = square,
      .input_rank = 2,
      .activation = "leaky_relu:slope=0.2",
      .init = "he_normal",
      .loss = "huber:delta=2"},
     {"flatten", "dense:units=16,init=he_normal,activation=leaky_relu:slope=0.2", "dense:units=4,init=he_normal"},
     {NULL}},
    {{.input = flat, .input_rank = 1, .activation = "identity", .output = "tanh"},
     {"dense:units=16", "dense:units=4"},
     {NULL}},
    {{.input = flat, .input_rank = 1, .activation = "gelu", .loss = "gaussian_nll"},
     {"dense:units=16,activation=gelu", "dense:units=4"},
     {NULL}},
    {{.input = square, .input_rank = 2, .loss = "gaussian_nll"},
     {"flatten", "dense:units=16,activation=relu", "dense:units=4"},
     {NULL}},
    {{.input = flat, .input_rank = 1, .code_activation = "tanh", .output = "sigmoid"},
     {"dense:units=16,activation=relu", "dense:units=4,activation=tanh"},
     {NULL}},
    {{.input = square, .input_rank = 2, .decoder_widths = decoder_widths, .decoder_count = 2, .output = "sigmoid"},
     {"flatten", "dense:units=16,activation=relu", "dense:units=4"},
     {"dense:units=5,activation=relu", "dense:units=7,activation=relu", "dense:units=64", "reshape:dims=8x8"}},
    {{.input = flat, .input_rank = 1, .decoder_widths = decoder_widths, .decoder_count = 2, .output = "tanh", .loss = "gaussian_nll",
      .activation = "elu", .init = "he_normal"},
     {"dense:units=16,init=he_normal,activation=elu", "dense:units=4,init=he_normal"},
     {"dense:units=5,init=he_normal,activation=elu", "dense:units=7,init=he_normal,activation=elu", "dense:units=128,init=he_normal"}},
};

static void test_three_ways(void) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aenc_context *ctx = context(3);
        aenc_model_options by_widths = cases[i].widths;
        by_widths.struct_size = sizeof by_widths;
        aenc_model_options by_layers = by_widths;
        by_widths.encoder_widths = widths;
        by_widths.encoder_count = 2;
        by_layers.decoder_widths = NULL, by_layers.decoder_count = 0;
        by_layers.activation = by_layers.code_activation = by_layers.init = NULL; /* of widths */
        by_layers.encoder_layers = sequence(ctx, cases[i].encoder);
        if (cases[i].decoder[0] != NULL) by_layers.decoder_layers = sequence(ctx, cases[i].decoder);
        aenc_model *model = created(ctx, &by_widths);
        char text[TEXT];
        snprintf(text, sizeof text, "%s", aenc_model_description(model));
        if (by_widths.decoder_widths != NULL) { /* layers to widths */
            aenc_model_options mixed = by_widths;
            mixed.encoder_layers = by_layers.encoder_layers;
            mixed.encoder_widths = NULL, mixed.encoder_count = 0, mixed.code_activation = NULL;
            check_same(ctx, created(ctx, &by_widths), created(ctx, &mixed));
        }
        check_same(ctx, model, created(ctx, &by_layers));
        check_same(ctx, created(ctx, &by_widths), parsed(ctx, text));
        aenc_layer_free((aenc_layer *)(uintptr_t)by_layers.encoder_layers);
        aenc_layer_free((aenc_layer *)(uintptr_t)by_layers.decoder_layers);
        aenc_context_free(ctx);
    }
}

static void test_seeds(void) {
    static const char json[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3}}";
    static float one[NUMBERS], two[NUMBERS];
    aenc_context *a = context(3), *b = context(4);
    aenc_model *x = parsed(a, json), *y = parsed(b, json), *again = parsed(a, json);
    size_t count = numbers_of(a, x, one);
    CHECK(numbers_of(b, y, two) == count && memcmp(one, two, count * sizeof *one) != 0);
    CHECK(same_numbers(a, x, again));
    aenc_model_free(x);
    aenc_model_free(y);
    aenc_model_free(again);
    aenc_context_free(a);
    aenc_context_free(b);
}

/* ---- Decoders ---- */

#define DENSE(units) "{\"type\":\"dense\",\"units\":" #units "}"
#define DENSE_WITH(units, activation) "{\"type\":\"dense\",\"units\":" #units ",\"activation\":\"" activation "\"}"
#define NAMED(type) "{\"type\":\"" type "\"}"
#define LAYERS(list) "{\"type\":\"sequential\",\"layers\":[" list "]}"
#define RESIDUAL(list) "{\"type\":\"residual\",\"layers\":[" list "]}"
#define RESHAPE(dims) "{\"type\":\"reshape\",\"dims\":[" dims "]}"

static const struct {
    const char *input, *encoder, *given_decoder, *output; /* NULL: not given */
    const char *decoder;                                  /* as the description must have it */
    size_t code_size, output_size;
} decoders[] = {
    {"[6]", DENSE(3), NULL, NULL, LAYERS(DENSE(6)), 3, 6},
    {"[6]", LAYERS(""), NULL, NULL, LAYERS(""), 6, 6},
    {"[6]", LAYERS(DENSE_WITH(5, "relu") "," DENSE(3)), NULL, "sigmoid",
     LAYERS(DENSE_WITH(5, "relu") "," DENSE_WITH(6, "sigmoid")), 3, 6},
    {"[6]", LAYERS(LAYERS(DENSE(5) "," NAMED("relu")) "," LAYERS(LAYERS(DENSE(3)))), NULL, "tanh",
     LAYERS(DENSE(5) "," NAMED("relu") "," DENSE_WITH(6, "tanh")), 3, 6},
    {"[6]",
     LAYERS(DENSE(5) "," NAMED("batch_norm") "," NAMED("relu") "," NAMED("dropout") "," DENSE(3) "," NAMED("tanh")),
     NULL, NULL, LAYERS(DENSE(5) "," NAMED("batch_norm") "," NAMED("relu") "," DENSE(6)), 3, 6},
    /* axes: dense works on the last one */
    {"[8,8]", LAYERS(NAMED("flatten") "," DENSE(5)), NULL, "sigmoid",
     LAYERS(DENSE_WITH(64, "sigmoid") "," RESHAPE("8,8")), 5, 64},
    {"[8,8]", LAYERS(DENSE_WITH(4, "relu") "," NAMED("flatten") "," DENSE(3)), NULL, "sigmoid",
     LAYERS(DENSE(32) "," RESHAPE("8,4") "," NAMED("relu") "," DENSE_WITH(8, "sigmoid")), 3, 64},
    {"[64]", LAYERS(RESHAPE("4,4,4") "," DENSE(2) "," NAMED("flatten") "," DENSE(3)), NULL, NULL,
     LAYERS(DENSE(32) "," RESHAPE("4,4,2") "," DENSE(4) "," RESHAPE("64")), 3, 64},
    {"[2,3]", NAMED("flatten"), NULL, "relu", LAYERS(RESHAPE("2,3") "," NAMED("relu")), 6, 6},
    {"[6]", LAYERS(RESIDUAL(DENSE_WITH(4, "relu") "," DENSE(6)) "," DENSE(2)), NULL, "sigmoid",
     LAYERS(DENSE(6) "," RESIDUAL(DENSE_WITH(4, "relu") "," DENSE(6)) "," NAMED("sigmoid")), 2, 6},
    /* a decoder that is given */
    {"[6]", DENSE(3), DENSE(6), NULL, DENSE(6), 3, 6},
    {"[6]", DENSE(3), DENSE(6), "identity", DENSE(6), 3, 6},
    {"[6]", DENSE(3), DENSE(6), "sigmoid", LAYERS(DENSE(6) "," NAMED("sigmoid")), 3, 6},
    {"[6]", DENSE(3), LAYERS(DENSE(6)), "sigmoid", LAYERS(DENSE_WITH(6, "sigmoid")), 3, 6},
    {"[6]", DENSE(3), LAYERS(DENSE_WITH(6, "tanh")), "sigmoid",
     LAYERS(DENSE_WITH(6, "tanh") "," NAMED("sigmoid")), 3, 6},
    {"[6]", DENSE(3), LAYERS(DENSE(6) "," NAMED("layer_norm")), "sigmoid",
     LAYERS(DENSE(6) "," NAMED("layer_norm") "," NAMED("sigmoid")), 3, 6},
    {"[6]", DENSE(3), RESIDUAL(DENSE(3)), "sigmoid", LAYERS(RESIDUAL(DENSE(3)) "," NAMED("sigmoid")), 3, 3},
    {"[6]", DENSE(3), LAYERS(""), NULL, LAYERS(""), 3, 3},
    {"[6]", DENSE(3), LAYERS(""), "sigmoid", LAYERS(NAMED("sigmoid")), 3, 3},
};

/* The decoder as it stands in the description. */
static void decoder_check(const aenc_model *model, const char *want) {
    char wanted[TEXT];
    snprintf(wanted, sizeof wanted, "\"decoder\":%s,\"loss\":{\"type\":\"mse\"}}", want);
    const char *found = strstr(aenc_model_description(model), "\"decoder\":");
    if (!CHECK(found != NULL && strcmp(found, wanted) == 0))
        fprintf(stderr, "  got    %s\n  wanted %s\n", found == NULL ? "" : found, wanted);
}

static void test_decoders(void) {
    float x[3 * 64], out[3 * 64];
    for (size_t i = 0; i < 3 * 64; i++) x[i] = (float)(i % 7) / 7.0f;
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        char json[2 * TEXT], given[TEXT] = "", output[64] = "";
        aenc_context *ctx = context(5);
        const char *decoder = decoders[i].given_decoder;
        if (decoder != NULL) snprintf(given, sizeof given, ",\"decoder\":%s", decoder);
        if (decoders[i].output != NULL) snprintf(output, sizeof output, ",\"output\":\"%s\"", decoders[i].output);
        snprintf(json, sizeof json, "{\"input\":%s,\"encoder\":%s%s%s}", decoders[i].input, decoders[i].encoder,
                 given, output);
        aenc_model *model = parsed(ctx, json);
        if (model != NULL) {
            decoder_check(model, decoders[i].decoder);
            CHECK(aenc_model_code_size(model) == decoders[i].code_size);
            CHECK(aenc_model_output_size(model) == decoders[i].output_size);
            aenc_matrix rows = {x, 3, aenc_model_input_size(model), 0};
            CHECK_STATUS(ctx, aenc_reconstruct(model, &rows, out, 3 * 64), AENC_OK);
            check_same(ctx, model, parsed(ctx, aenc_model_description(model)));
        }
        aenc_context_free(ctx);
    }
}

/* An output of means and log variances is mirrored as wide as the loss needs it, or the caller is told. */
static void test_factor(void) {
    static const char json[] = "{\"input\":[6],\"encoder\":" DENSE(3) ",\"loss\":\"gaussian_nll\"}";
    aenc_context *ctx = context(6);
    aenc_model *model = parsed(ctx, json);
    float x[2 * 6] = {0.5f}, score[2];
    aenc_matrix rows = {x, 2, 6, 0};
    CHECK(aenc_model_output_size(model) == 12);
    CHECK_STATUS(ctx, aenc_score(model, &rows, NULL, score, 2), AENC_OK);
    aenc_model_free(model);
    static const char residual[] = "{\"input\":[6],\"encoder\":" RESIDUAL(DENSE(6)) ",\"loss\":\"gaussian_nll\"}";
    CHECK(aenc_model_parse(ctx, residual, strlen(residual), &model) == AENC_ERR_UNSUPPORTED && model == NULL);
    CHECK(strstr(aenc_message(ctx), "gaussian_nll") != NULL);
    aenc_context_free(ctx);
}

int main(void) {
    test_three_ways();
    test_seeds();
    test_decoders();
    test_factor();
    return check_finish();
}
