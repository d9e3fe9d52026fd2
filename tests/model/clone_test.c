/* clone_test.c - a model once more: what it has goes along, and what becomes of one of the two is nothing to the other. */
#include <stdlib.h>

#include <autoenc/ops.h>

#include "api/world.h"
#include "model/model_bytes.h"

enum { ROWS = 24, IN = 5, CODE = 2 };

static float rows_of[ROWS * IN];
static const aenc_matrix x = {rows_of, ROWS, IN, 0};

/* With draws in training, states, a scaling, and a weight that is used twice. */
static const char text[] =
    "{\"input\":[5],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4},{\"type\":\"batch_norm\"},"
    "{\"type\":\"dropout\",\"rate\":0.2},{\"type\":\"dense\",\"units\":2}]},\"tied\":true,\"scaling\":\"standard\","
    "\"corrupt\":[\"mask:level=0.2\"]}";

static aenc_model *parsed(aenc_context *ctx, const char *json) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, json, strlen(json), &model), AENC_OK);
    return model;
}

static void fit(aenc_context *ctx, aenc_model *model) {
    const aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .batch = 8};
    CHECK_STATUS(ctx, aenc_fit(model, &x, &options), AENC_OK);
}

/* A PCA takes no options. */
static void partial_fit(aenc_context *ctx, aenc_model *model, int pca) {
    const aenc_fit_options adam = {.struct_size = sizeof adam, .batch = 8, .optimizer = "adam:lr=0.01"};
    const aenc_fit_options none = {.struct_size = sizeof none}, options = pca ? none : adam;
    CHECK_STATUS(ctx, aenc_partial_fit(model, &x, &options), AENC_OK);
}

/* In the same context and in another, with as many threads or more; either one changed, either one freed first. */
static void test_apart(void) {
    for (int other = 0; other < 2; other++)
        for (int changed = 0; changed < 2; changed++) {
            struct memory memory[2] = {{.limit = (size_t)64 << 20}, {.limit = (size_t)64 << 20}};
            aenc_context *ctx[2] = {memory_context(&memory[0], 1, 1), memory_context(&memory[1], 1, 2)};
            aenc_model *model[2] = {parsed(ctx[0], text), NULL};
            fit(ctx[0], model[0]);
            CHECK_STATUS(ctx[other], aenc_model_clone(other ? ctx[1] : NULL, model[0], 0, &model[1]), AENC_OK);
            struct bytes before = model_bytes(model[0]);
            CHECK(model_has(model[1], &before));
            CHECK(strcmp(aenc_model_description(model[0]), aenc_model_description(model[1])) == 0);
            fit(ctx[changed ? other : 0], model[changed]);
            CHECK(model_has(model[!changed], &before) && !model_has(model[changed], &before));
            free(before.data);
            aenc_model_free(model[changed]);
            if (other) aenc_context_free(ctx[changed]);
            float code[ROWS * CODE];
            CHECK(aenc_encode(model[!changed], &x, code, ROWS * CODE) == AENC_OK);
            aenc_model_free(model[!changed]);
            if (other) aenc_context_free(ctx[!changed]);
            if (!other) aenc_context_free(ctx[0]), aenc_context_free(ctx[1]);
            memory_check_empty(&memory[0]);
            memory_check_empty(&memory[1]);
        }
}

/* In one context the parameters are there once, until one of the two is trained. */
static void test_shared(void) {
    static const size_t input[] = {64}, widths[] = {1024};
    const aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 1};
    struct memory memory = {.limit = (size_t)64 << 20};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    aenc_model *model = NULL, *clone = NULL;
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    size_t before = memory.bytes, size = aenc_model_parameter_size(model) * sizeof(float);
    CHECK_STATUS(ctx, aenc_model_clone(NULL, model, 0, &clone), AENC_OK);
    CHECK(memory.bytes - before < size / 4);
    aenc_tensor *bias = NULL;
    CHECK_STATUS(ctx, aenc_model_tensor_get(clone, "encoder.0.bias", &bias), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_tensor_set(clone, "encoder.0.bias", bias), AENC_OK);
    CHECK(memory.bytes - before > size);
    aenc_tensor_free(bias);
    aenc_model_free(model);
    aenc_model_free(clone);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

/* What is frozen stays so, and the scaling is known: a fit of other rows leaves both alone. */
static void test_flags(void) {
    struct memory memory = {.limit = (size_t)64 << 20};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    static const char *const kept[] = {"encoder.3.weight", "scaling.shift"};
    float other[ROWS * IN], value[2][16];
    for (int i = 0; i < ROWS * IN; i++) other[i] = 5 + 3 * rows_of[i];
    const aenc_matrix rows = {other, ROWS, IN, 0};
    aenc_model *model = parsed(ctx, text), *clone = NULL;
    fit(ctx, model);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "encoder.3", 1), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_clone(ctx, model, 0, &clone), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "encoder.3", 0), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(clone, &rows, NULL), AENC_OK);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            aenc_tensor *tensor = NULL;
            CHECK_STATUS(ctx, aenc_model_tensor_get(k == 0 ? model : clone, kept[i], &tensor), AENC_OK);
            CHECK_STATUS(ctx, aenc_tensor_read(tensor, value[k], aenc_tensor_count(tensor)), AENC_OK);
            if (k == 1) CHECK(memcmp(value[0], value[1], aenc_tensor_count(tensor) * sizeof(float)) == 0);
            aenc_tensor_free(tensor);
        }
    }
    aenc_model_free(model);
    aenc_model_free(clone);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

/* With its training a clone goes on as the model does, also on more threads; without, as a loaded one. */
static void test_training(void) {
    for (int kind = 0; kind < 2; kind++) {
        struct memory memory[2] = {{.limit = (size_t)64 << 20}, {.limit = (size_t)64 << 20}};
        aenc_context *ctx[2] = {memory_context(&memory[0], 1, 1), memory_context(&memory[1], 1, 2)};
        aenc_model *model = NULL, *with[2], *without = NULL, *loaded = NULL;
        const aenc_pca_options components = {.struct_size = sizeof components, .components = 2, .cols = IN};
        if (kind == 0)
            model = parsed(ctx[0], text);
        else
            CHECK_STATUS(ctx[0], aenc_pca_create(ctx[0], NULL, &components, &model), AENC_OK);
        for (int i = 0; i < 3; i++) partial_fit(ctx[0], model, kind);
        CHECK_STATUS(ctx[0], aenc_model_set_epochs(model, 2.5), AENC_OK);
        for (int i = 0; i < 2; i++)
            CHECK_STATUS(ctx[i], aenc_model_clone(ctx[i], model, 1, &with[i]), AENC_OK);
        CHECK_STATUS(ctx[0], aenc_model_clone(ctx[0], model, 0, &without), AENC_OK);
        struct bytes file = model_bytes(model);
        CHECK_STATUS(ctx[0], aenc_model_load_memory(ctx[0], file.data, file.size, &loaded), AENC_OK);
        free(file.data);
        partial_fit(ctx[0], model, kind);
        file = model_bytes(model);
        for (int i = 0; i < 2; i++) {
            partial_fit(ctx[i], with[i], kind);
            CHECK(model_has(with[i], &file));
        }
        partial_fit(ctx[0], without, kind);
        if (kind == 0) CHECK(!model_has(without, &file));
        free(file.data);
        file = model_bytes(without);
        partial_fit(ctx[0], loaded, kind);
        CHECK(model_has(loaded, &file));
        free(file.data);
        for (int i = 0; i < 2; i++) aenc_model_free(with[i]);
        aenc_model_free(model), aenc_model_free(without), aenc_model_free(loaded);
        for (int i = 0; i < 2; i++) aenc_context_free(ctx[i]), memory_check_empty(&memory[i]);
    }
}

/* ---- Plug-ins ---- */

static aenc_node *shifted(void *user, aenc_recorder *r, aenc_node *x_node) {
    const size_t dim[] = {*(const size_t *)user};
    return aenc_node_add(r, x_node, aenc_node_parameter(r, "shift", dim, 1, "uniform"));
}

/* A context without the plug-in, or with one that has other parameters, gets no clone, and a message that says why. */
static void test_plugins(void) {
    static size_t sizes[] = {IN, 1};
    static const char json[] = "{\"input\":[5],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"shifted\"},"
                               "{\"type\":\"dense\",\"units\":2}]},\"decoder\":{\"type\":\"dense\",\"units\":5}}";
    struct memory memory[3];
    aenc_context *ctx[3];
    for (int i = 0; i < 3; i++) {
        memory[i] = (struct memory){.limit = (size_t)64 << 20};
        ctx[i] = memory_context(&memory[i], 1, 1);
        const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "shifted",
                                    .layer = shifted, .user = &sizes[i % 2]};
        if (i < 2) CHECK_STATUS(ctx[i], aenc_register(ctx[i], &plugin), AENC_OK);
    }
    aenc_model *model = parsed(ctx[0], json), *clone = model;
    CHECK_STATUS(ctx[1], aenc_model_clone(ctx[1], model, 0, &clone), AENC_ERR_UNSUPPORTED);
    CHECK(clone == NULL && message_has(aenc_message(ctx[1]), "plug-in"));
    clone = model;
    CHECK_STATUS(ctx[2], aenc_model_clone(ctx[2], model, 0, &clone), AENC_ERR_ARGUMENT);
    CHECK(clone == NULL && message_has(aenc_message(ctx[2]), "shifted"));
    CHECK_STATUS(ctx[0], aenc_model_clone(NULL, model, 0, &clone), AENC_OK);
    aenc_model_free(clone);
    aenc_model_free(model);
    for (int i = 0; i < 3; i++) aenc_context_free(ctx[i]), memory_check_empty(&memory[i]);
}

int main(void) {
    for (int i = 0; i < ROWS * IN; i++) rows_of[i] = (float)(i * 37 % 101) / 101;
    test_apart();
    test_shared();
    test_flags();
    test_training();
    test_plugins();
    return check_finish();
}
