/* seed_test.c - a model's own seed: all of its random numbers follow from it, whatever the context's is. */
#include <stdlib.h>
#include <string.h>

#include "api/world.h"
#include "model/model.h"

enum { ROWS = 40, IN = 6, CODE = 3, CONTEXTS = 2 };

static float rows_of[ROWS * IN];
static const aenc_matrix x = {rows_of, ROWS, IN, 0};

static aenc_context *context(uint64_t seed) {
    const aenc_context_options options = {.struct_size = sizeof options, .seed = seed};
    aenc_context *ctx = NULL;
    aenc_context_create(&options, &ctx);
    return ctx;
}

/* With dropout, corruption, and rows held out and shuffled. */
static aenc_model *model_of(aenc_context *ctx, const uint64_t *seed) {
    const size_t input[] = {IN};
    const char *corruptions[] = {"mask:level=0.3"};
    aenc_layer *layers = NULL, *child = NULL;
    aenc_model *model = NULL;
    static const char *const specs[] = {"dense:units=8,activation=sigmoid", "dropout:rate=0.2", "dense:units=3"};
    aenc_layer_create(ctx, "sequential", &layers);
    for (int i = 0; i < 3; i++) {
        aenc_layer_create(ctx, specs[i], &child);
        aenc_layer_add(layers, child);
        aenc_layer_free(child);
    }
    const aenc_model_options options = {.struct_size = sizeof options,
                                        .input = input,
                                        .input_rank = 1,
                                        .encoder_layers = layers,
                                        .corruptions = corruptions,
                                        .corruption_count = 1,
                                        .seed = seed};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    aenc_layer_free(layers);
    return model;
}

static int same(aenc_model *a, aenc_model *b) {
    float code[2][ROWS * CODE];
    return aenc_encode(a, &x, code[0], ROWS * CODE) == AENC_OK &&
           aenc_encode(b, &x, code[1], ROWS * CODE) == AENC_OK && memcmp(code[0], code[1], sizeof code[0]) == 0;
}

static void train(aenc_model *model, int pretrained) {
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .batch = 8, .validation_fraction = 0.2};
    const aenc_fit_options short_fit = {.struct_size = sizeof fit, .epochs = 2, .batch = 8};
    const aenc_pretrain_options first = {.struct_size = sizeof first, .fit = &short_fit};
    if (pretrained) CHECK_STATUS(model->ctx, aenc_pretrain(model, &x, &first), AENC_OK);
    CHECK_STATUS(model->ctx, aenc_fit(model, &x, &fit), AENC_OK);
}

/* Drawn, trained and pretrained alike in contexts of different seeds; where the model has none, each its own way. */
static void test_contexts(void) {
    const uint64_t seed = 7;
    for (int own = 0; own < 2; own++)
        for (int pretrained = 0; pretrained < 2; pretrained++) {
            aenc_context *ctx[CONTEXTS] = {context(1), context(2)};
            aenc_model *model[CONTEXTS];
            for (int i = 0; i < CONTEXTS; i++) model[i] = model_of(ctx[i], own ? &seed : NULL);
            CHECK(same(model[0], model[1]) == own);
            for (int i = 0; i < CONTEXTS; i++) train(model[i], pretrained);
            CHECK(same(model[0], model[1]) == own);
            for (int i = 0; i < CONTEXTS; i++) aenc_model_free(model[i]), aenc_context_free(ctx[i]);
        }
}

/* The context's seed given to the model gives the bits of a model without one. */
static void test_default(void) {
    const uint64_t seed = 5;
    aenc_context *ctx = context(5);
    aenc_model *model[2] = {model_of(ctx, NULL), model_of(ctx, &seed)};
    for (int i = 0; i < 2; i++) train(model[i], 0);
    CHECK(same(model[0], model[1]));
    CHECK(strstr(aenc_model_description(model[0]), "seed") == NULL);
    CHECK(strstr(aenc_model_description(model[1]), "\"seed\":5") != NULL);
    for (int i = 0; i < 2; i++) aenc_model_free(model[i]);
    aenc_context_free(ctx);
}

/* It goes with the file, of any size, and so does what is trained afterwards; also into a deeper model. */
static void test_file(void) {
    static const uint64_t seeds[] = {0, UINT64_C(9007199254740991), UINT64_C(9007199254740992), UINT64_MAX};
    static const char *const texts[] = {"\"seed\":0", "\"seed\":9007199254740991", "\"seed\":\"9007199254740992\"",
                                        "\"seed\":\"18446744073709551615\""};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        aenc_context *here = context(1), *there = context(2);
        aenc_model *model = model_of(here, &seeds[i]), *loaded = NULL, *deeper[2] = {NULL, NULL};
        CHECK(strstr(aenc_model_description(model), texts[i]) != NULL);
        size_t size = 0;
        CHECK_STATUS(here, aenc_model_save_memory(model, NULL, 0, &size), AENC_OK);
        void *bytes = malloc(size);
        CHECK_STATUS(here, aenc_model_save_memory(model, bytes, size, &size), AENC_OK);
        CHECK_STATUS(there, aenc_model_load_memory(there, bytes, size, &loaded), AENC_OK);
        free(bytes);
        train(model, 0);
        train(loaded, 0);
        CHECK(same(model, loaded));
        aenc_model *both[2] = {model, loaded};
        for (int k = 0; k < 2; k++) {
            aenc_layer *layer = NULL;
            aenc_layer_create(k == 0 ? here : there, "dense:units=3,activation=tanh", &layer);
            CHECK_STATUS(both[k]->ctx, aenc_model_grow(both[k], layer, &deeper[k]), AENC_OK);
            aenc_layer_free(layer);
        }
        CHECK(same(deeper[0], deeper[1]));
        for (int k = 0; k < 2; k++) aenc_model_free(deeper[k]), aenc_model_free(both[k]);
        aenc_context_free(here);
        aenc_context_free(there);
    }
}

static void test_wrong(void) {
    static const char *const values[] = {"-1", "1.5",   "1e3", "9007199254740992", "\"\"",          "\"-1\"",
                                         "\"x\"", "null", "[1]", "true", "\"18446744073709551616\"", "\" 1\"",
                                         "\"000000000000000000001\""};
    struct world w;
    world_create(&w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[160];
        aenc_model *model = NULL;
        snprintf(text, sizeof text, "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":1},\"seed\":%s}", values[i]);
        CHECK_NONE(&w, aenc_model_parse(w.ctx, text, strlen(text), &model), model, AENC_ERR_ARGUMENT, "'seed'|2^53");
    }
    world_free(&w);
}

int main(void) {
    for (int i = 0; i < ROWS * IN; i++) rows_of[i] = (float)(i * 37 % 101) / 101;
    test_contexts();
    test_default();
    test_file();
    test_wrong();
    return check_finish();
}
