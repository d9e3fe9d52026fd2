/* optimizer_file_test.c - training that is saved, ended, and goes on elsewhere with the same bits; files that do not fit are refused. */
#include <stdlib.h>
#include <unistd.h>

#include "api/world.h"

enum { ROWS = 24, IN = 5, ROOM = 1 << 16 };

static float rows_of[ROWS * IN];
static const aenc_matrix x = {rows_of, ROWS, IN, 0};

static const char text[] =
    "{\"input\":[5],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4},{\"type\":\"batch_norm\"},"
    "{\"type\":\"dropout\",\"rate\":0.2},{\"type\":\"dense\",\"units\":2}]},\"corrupt\":[\"mask:level=0.2,to=0.5,over=3\"]}";

struct file {
    unsigned char bytes[ROOM];
    size_t size;
};

static aenc_model *parsed(aenc_context *ctx, const char *json) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, json, strlen(json), &model), AENC_OK);
    return model;
}

/* Two steps: of partial fits, or with an optimizer of the caller's. */
static void train(aenc_context *ctx, aenc_model *model, aenc_optimizer *optimizer, const char *spec) {
    const aenc_fit_options options = {.struct_size = sizeof options, .batch = 12, .optimizer = spec, .clip_norm = 0.5};
    const aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    if (optimizer == NULL)
        CHECK_STATUS(ctx, aenc_partial_fit(model, &x, &options), AENC_OK);
    for (int i = 0; i < 2 && optimizer != NULL; i++)
        CHECK_STATUS(ctx, aenc_model_step(model, optimizer, &batch, NULL), AENC_OK);
}

static void model_save(aenc_context *ctx, aenc_model *model, struct file *out) {
    CHECK_STATUS(ctx, aenc_model_save_memory(model, out->bytes, ROOM, &out->size), AENC_OK);
}

/* Every optimizer, with a handle or without, over a file or memory, on another number of threads. */
static void test_goes_on(const char *path) {
    static const char *const specs[] = {"sgd:lr=0.01",      "momentum:lr=0.01", "nesterov:lr=0.01",
                                        "rmsprop:lr=0.001", "adam:lr=0.01",     "adamw:lr=0.01,weight_decay=0.1"};
    static struct file model_file, state, end[2];
    for (size_t i = 0; i < 2 * sizeof specs / sizeof *specs; i++) {
        const char *spec = specs[i / 2];
        bool handle = i % 2 == 1;
        struct memory memory[2] = {{.limit = (size_t)64 << 20}, {.limit = (size_t)64 << 20}};
        aenc_context *ctx[2] = {memory_context(&memory[0], 1, 1), memory_context(&memory[1], 1, 2)};
        aenc_model *model = parsed(ctx[0], text), *again = NULL;
        aenc_optimizer *optimizer[2] = {NULL, NULL};
        if (handle) CHECK_STATUS(ctx[0], aenc_optimizer_create(model, spec, &optimizer[0]), AENC_OK);
        if (handle) CHECK_STATUS(ctx[0], aenc_optimizer_set_clipping(optimizer[0], 0.5, 0), AENC_OK);
        CHECK_STATUS(ctx[0], aenc_model_set_epochs(model, 1.5), AENC_OK);
        train(ctx[0], model, optimizer[0], spec);
        if (handle) CHECK_STATUS(ctx[0], aenc_optimizer_set_learning_rate(optimizer[0], 0.02), AENC_OK);
        model_save(ctx[0], model, &model_file);
        CHECK_STATUS(ctx[0], aenc_model_save_optimizer_memory(model, optimizer[0], NULL, 0, &state.size), AENC_OK);
        CHECK(state.size > 0 && state.size < ROOM);
        CHECK_STATUS(ctx[0], aenc_model_save_optimizer_memory(model, optimizer[0], state.bytes, ROOM, &state.size), AENC_OK);
        CHECK_STATUS(ctx[0], aenc_model_save_optimizer(model, optimizer[0], path), AENC_OK);
        train(ctx[0], model, optimizer[0], spec);
        model_save(ctx[0], model, &end[0]);
        for (int way = 0; way < 3; way++) { /* memory, file, none */
            CHECK_STATUS(ctx[1], aenc_model_load_memory(ctx[1], model_file.bytes, model_file.size, &again), AENC_OK);
            if (handle) CHECK_STATUS(ctx[1], aenc_optimizer_create(again, spec, &optimizer[1]), AENC_OK);
            if (way == 0)
                CHECK_STATUS(ctx[1], aenc_model_load_optimizer_memory(again, optimizer[1], state.bytes, state.size), AENC_OK);
            if (way == 1) CHECK_STATUS(ctx[1], aenc_model_load_optimizer(again, optimizer[1], path), AENC_OK);
            if (handle && way < 2) CHECK(aenc_optimizer_learning_rate(optimizer[1]) == 0.02);
            train(ctx[1], again, optimizer[1], spec);
            model_save(ctx[1], again, &end[1]);
            bool same = end[0].size == end[1].size && memcmp(end[0].bytes, end[1].bytes, end[0].size) == 0;
            CHECK(same == (way < 2));
            aenc_optimizer_free(optimizer[1]);
            optimizer[1] = NULL;
            aenc_model_free(again);
        }
        aenc_optimizer_free(optimizer[0]);
        aenc_model_free(model);
        for (int k = 0; k < 2; k++) aenc_context_free(ctx[k]), memory_check_empty(&memory[k]);
    }
    remove(path);
}

/* What does not fit is refused by name, and the optimizer goes on as if nothing had been. */
static void test_refused(struct world *w) {
    static struct file state, other, before, after;
    aenc_model *model = parsed(w->ctx, text), *wider, *pca = NULL, *fresh;
    aenc_optimizer *sgd = NULL, *adam = NULL, *foreign = NULL;
    wider = parsed(w->ctx, "{\"input\":[5],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4},"
                           "{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":3}]}}");
    fresh = parsed(w->ctx, text);
    train(w->ctx, model, NULL, "adam");
    train(w->ctx, wider, NULL, "adam");
    CHECK_STATUS(w->ctx, aenc_optimizer_create(model, "sgd", &sgd), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_optimizer_create(model, "adam:lr=7", &adam), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_optimizer_create(wider, "adam", &foreign), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_pca_create(w->ctx, &x, NULL, &pca), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save_optimizer_memory(model, NULL, state.bytes, ROOM, &state.size), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save_optimizer_memory(wider, NULL, other.bytes, ROOM, &other.size), AENC_OK);
    size_t size = 0;
    CHECK_FAILS(w, aenc_model_save_optimizer_memory(fresh, NULL, NULL, 0, &size), AENC_ERR_ARGUMENT, "no partial fit");
    CHECK_FAILS(w, aenc_model_save_optimizer_memory(model, foreign, NULL, 0, &size), AENC_ERR_ARGUMENT, "another model");
    CHECK_FAILS(w, aenc_model_save_optimizer_memory(pca, NULL, NULL, 0, &size), AENC_ERR_UNSUPPORTED, "PCA");
    CHECK_FAILS(w, aenc_model_load_optimizer_memory(pca, NULL, state.bytes, state.size), AENC_ERR_UNSUPPORTED, "PCA");
    CHECK_FAILS(w, aenc_model_load_optimizer_memory(model, foreign, state.bytes, state.size), AENC_ERR_ARGUMENT, "another model");
    CHECK_FAILS(w, aenc_model_load_optimizer_memory(model, sgd, state.bytes, state.size), AENC_ERR_ARGUMENT, "adam|sgd");
    CHECK_FAILS(w, aenc_model_load_optimizer_memory(model, NULL, other.bytes, other.size), AENC_ERR_FORMAT, "moment.0.encoder.");
    CHECK_STATUS(w->ctx, aenc_model_save_memory(model, before.bytes, ROOM, &before.size), AENC_OK);
    CHECK_FAILS(w, aenc_model_load_optimizer_memory(model, NULL, before.bytes, before.size), AENC_ERR_FORMAT, "no state of an optimizer");
    CHECK_STATUS(w->ctx, aenc_model_load_optimizer_memory(model, adam, state.bytes, state.size), AENC_OK); /* lr aside */
    /* damage: each byte in turn is refused or changes nothing but a number; afterwards the state is as it was */
    for (size_t i = 0; i < state.size; i += 7) {
        other = state;
        other.bytes[i] ^= 0x40;
        (void)aenc_model_load_optimizer_memory(fresh, NULL, other.bytes, other.size);
    }
    CHECK_FAILS(w, aenc_model_load_optimizer_memory(model, NULL, state.bytes, state.size - 1), AENC_ERR_FORMAT, "optimizer in memory");
    CHECK_STATUS(w->ctx, aenc_model_save_optimizer_memory(model, NULL, after.bytes, ROOM, &after.size), AENC_OK);
    CHECK(after.size == state.size && memcmp(after.bytes, state.bytes, state.size) == 0);
    aenc_optimizer_free(sgd), aenc_optimizer_free(adam), aenc_optimizer_free(foreign);
    aenc_model_free(model), aenc_model_free(wider), aenc_model_free(pca), aenc_model_free(fresh);
}

int main(void) {
    char path[64];
    struct world w;
    snprintf(path, sizeof path, "optimizer_file_test.%ld", (long)getpid());
    for (int i = 0; i < ROWS * IN; i++) rows_of[i] = (float)(i * 37 % 101) / 101;
    test_goes_on(path);
    world_create(&w);
    test_refused(&w);
    world_free(&w);
    return check_finish();
}
