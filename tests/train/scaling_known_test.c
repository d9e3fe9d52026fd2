/* scaling_known_test.c - a scaling that was learned or set is not learned again, also where it is the identity; one that was not,
 * or by a fit that came to nothing, is. */
#include <stdio.h>
#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 16, COLS = 4, ROOM = 1 << 14 };

static const char scaled[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
                             "{\"type\":\"dense\",\"units\":2}]},\"loss\":\"mse\",\"scaling\":\"minmax\"}";

static float unit[ROWS * COLS], other[ROWS * COLS]; /* from 0 to 1; and not */
static const aenc_matrix identity = {unit, ROWS, COLS, 0}, x = {other, ROWS, COLS, 0};

static aenc_fit_options plain(void) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = 1, .batch = 8};
}

static bool is_identity(const struct trial *a) {
    float shift[COLS], scale[COLS];
    trial_read(a, "scaling.shift", shift, COLS);
    trial_read(a, "scaling.scale", scale, COLS);
    for (int c = 0; c < COLS; c++)
        if (shift[c] != 0 || scale[c] != 1) return false;
    return true;
}

/* Fits on other data, in one of the ways there are, and leaves the scaling alone, or does not. */
static void later(struct trial *a, bool known, const char *what) {
    for (int way = 0; way < 4; way++) {
        struct trial b = {a->ctx, NULL};
        static unsigned char bytes[ROOM];
        size_t size;
        aenc_fit_options options = plain();
        CHECK_STATUS(a->ctx, aenc_model_save_memory(a->model, bytes, ROOM, &size), AENC_OK);
        CHECK_STATUS(a->ctx, aenc_model_load_memory(a->ctx, bytes, size, &b.model), AENC_OK);
        aenc_pretrain_options stack = {.struct_size = sizeof stack, .fit = &options};
        aenc_source *source;
        CHECK_STATUS(a->ctx, aenc_source_matrix(a->ctx, &x, &source), AENC_OK);
        if (way == 0) CHECK_STATUS(a->ctx, aenc_fit(b.model, &x, &options), AENC_OK);
        if (way == 1) CHECK_STATUS(a->ctx, aenc_partial_fit(b.model, &x, NULL), AENC_OK);
        if (way == 2) CHECK_STATUS(a->ctx, aenc_fit_source(b.model, source, &options), AENC_OK);
        if (way == 3) CHECK_STATUS(a->ctx, aenc_pretrain(b.model, &x, &stack), AENC_OK);
        if (!CHECK(is_identity(&b) == known)) fprintf(stderr, "  %s, way %d\n", what, way);
        aenc_source_free(source);
        aenc_model_free(b.model);
    }
}

static void test_learned(void) {
    struct trial fresh = trial_create(scaled, 1, 1), a = trial_create(scaled, 1, 1), b = trial_create(scaled, 1, 1);
    struct trial c = trial_create(scaled, 1, 1);
    aenc_fit_options options = plain();
    aenc_pretrain_options stack = {.struct_size = sizeof stack, .fit = &options};
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &identity, &options), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_partial_fit(b.model, &identity, NULL), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_pretrain(c.model, &identity, &stack), AENC_OK);
    CHECK(is_identity(&a) && is_identity(&b) && is_identity(&c));
    later(&fresh, false, "fresh");
    later(&a, true, "fit");
    later(&b, true, "partial fit");
    later(&c, true, "pretrained");
    CHECK_STATUS(fresh.ctx, aenc_model_copy(fresh.model, "", a.model, ""), AENC_OK);
    later(&fresh, true, "copied");
    aenc_layer *layer;
    struct trial grown = {a.ctx, NULL};
    CHECK_STATUS(a.ctx, aenc_layer_create(a.ctx, "dense:units=2", &layer), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_model_grow(a.model, layer, &grown.model), AENC_OK);
    later(&grown, true, "grown");
    aenc_model_free(grown.model);
    aenc_layer_free(layer);
    trial_free(&fresh);
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
}

/* A deeper model scales as the one it was grown from. */
static void test_grown_numbers(void) {
    struct trial a = trial_create(scaled, 1, 1), grown = {a.ctx, NULL};
    aenc_layer *layer;
    float before[COLS], after[COLS];
    aenc_fit_options options = plain();
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_layer_create(a.ctx, "dense:units=2", &layer), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_model_grow(a.model, layer, &grown.model), AENC_OK);
    trial_read(&a, "scaling.scale", before, COLS);
    trial_read(&grown, "scaling.scale", after, COLS);
    CHECK(memcmp(before, after, sizeof after) == 0 && !is_identity(&grown));
    aenc_model_free(grown.model);
    aenc_layer_free(layer);
    trial_free(&a);
}

static void test_set(void) {
    struct trial a = trial_create(scaled, 1, 1);
    aenc_tensor *tensor;
    CHECK_STATUS(a.ctx, aenc_model_tensor_get(a.model, "scaling.shift", &tensor), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_model_tensor_set(a.model, "scaling.shift", tensor), AENC_OK);
    later(&a, true, "set");
    aenc_tensor_free(tensor);
    trial_free(&a);
}

/* The checkpoint of a run on data of the identity: read as a model, and resumed by a fresh one. */
static void test_checkpoint(void) {
    struct trial a = trial_create(scaled, 1, 1), b = trial_create(scaled, 1, 1), c = {b.ctx, NULL};
    char path[64];
    snprintf(path, sizeof path, "scaling_known.%ld", (long)getpid());
    aenc_fit_options options = plain();
    options.checkpoint = path;
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &identity, &options), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_model_load(b.ctx, path, &c.model), AENC_OK);
    later(&c, true, "checkpoint as a model");
    options.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &identity, &options), AENC_OK);
    later(&b, true, "resumed");
    remove(path);
    aenc_model_free(c.model);
    trial_free(&a);
    trial_free(&b);
}

/* Replaces a text of the file by one of the same length. */
static void edit(unsigned char *bytes, size_t size, const char *from, const char *to) {
    size_t length = strlen(from);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, from, length) == 0) memcpy(bytes + i, to, length);
}

/* Of files by older libraries, which do not say, the identity counts as not known. */
static void test_files(void) {
    struct trial a = trial_create(scaled, 1, 1), old = {a.ctx, NULL};
    static unsigned char bytes[ROOM];
    size_t size;
    aenc_fit_options options = plain();
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &identity, &options), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_model_save_memory(a.model, bytes, ROOM, &size), AENC_OK);
    edit(bytes, size, "\"known\"", "\"knowm\"");
    CHECK_STATUS(a.ctx, aenc_model_load_memory(a.ctx, bytes, size, &old.model), AENC_ERR_FORMAT);
    CHECK(old.model == NULL && strstr(aenc_message(a.ctx), "knowm") != NULL);
    edit(bytes, size, "\"autoenc.scaling\"", "\"autoenc.unheard\"");
    CHECK_STATUS(a.ctx, aenc_model_load_memory(a.ctx, bytes, size, &old.model), AENC_OK);
    later(&old, false, "old file");
    aenc_model_free(old.model);
    trial_free(&a);
}

/* A fit that fails before its first whole step has learned nothing, and its history is the one before. */
static void test_failed(void) {
    struct trial a = trial_create(scaled, 1, 1), fresh = trial_create(scaled, 1, 1);
    aenc_fit_options options = plain();
    options.optimizer = "sgd:lr=3e38,weight_decay=1e38";
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_ERR_DIVERGED);
    CHECK(trial_same(&a, &fresh));
    options.epochs = 0;
    CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &x, &options), AENC_ERR_DIVERGED);
    CHECK(trial_same(&a, &fresh));
    later(&a, false, "failed");
    options = plain();
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    CHECK(!is_identity(&a) && aenc_model_history_count(a.model) == 1);
    options.optimizer = "sgd:lr=3e38,weight_decay=1e38";
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_ERR_DIVERGED);
    CHECK(!is_identity(&a) && aenc_model_history_count(a.model) == 1);
    trial_free(&a);
    trial_free(&fresh);
}

/* The moments of partial fits outlive one that fails before its first step. */
static void test_moments(void) {
    struct trial a = trial_create(scaled, 1, 1), b = trial_create(scaled, 1, 1);
    const aenc_fit_options wrong = {.struct_size = sizeof wrong, .optimizer = "sgd:lr=3e38,weight_decay=1e38"};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &x, NULL), AENC_OK);
        CHECK_STATUS(b.ctx, aenc_partial_fit(b.model, &x, NULL), AENC_OK);
        CHECK_STATUS(b.ctx, aenc_partial_fit(b.model, &x, &wrong), AENC_ERR_DIVERGED);
        CHECK(trial_same(&a, &b));
    }
    trial_free(&a);
    trial_free(&b);
}

int main(void) {
    trial_fill(other, ROWS * COLS, 3);
    for (int i = 0; i < ROWS * COLS; i++) unit[i] = (i / COLS + i) % 2 == 0 ? 1.0f : 0.0f, other[i] = 5 + 10 * other[i];
    test_learned();
    test_grown_numbers();
    test_set();
    test_checkpoint();
    test_files();
    test_failed();
    test_moments();
    return check_finish();
}
