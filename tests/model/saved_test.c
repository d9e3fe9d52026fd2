/* saved_test.c - one file, whichever way it goes: to a path, into memory, to a callback; of models and of detectors. What is frozen
 * goes along. */
#include <stdlib.h>
#include <unistd.h>

#include "api/world.h"
#include "model/model.h"

enum { ROWS = 64, COLS = 6, ROOM = 1 << 19 };

/* What a callback was given. */
struct taken {
    unsigned char bytes[ROOM];
    size_t size, portions, largest;
    int result;    /* returned ... */
    size_t behind; /* ... once so many bytes are there */
};

static int take(void *user, const void *data, size_t size) {
    struct taken *taken = user;
    if (!CHECK(taken->size + size <= ROOM && size > 0)) return -99;
    memcpy(taken->bytes + taken->size, data, size);
    taken->size += size;
    taken->portions++;
    if (size > taken->largest) taken->largest = size;
    return taken->size > taken->behind ? taken->result : 0;
}

static aenc_model *wide_model(aenc_context *ctx) {
    static const size_t input[] = {COLS}, widths[] = {3000, 5};
    const aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

static aenc_detector *detector_of(struct world *w, float *rows) {
    const aenc_matrix x = {rows, ROWS, COLS, 0};
    const aenc_detector_options options = {.struct_size = sizeof options, .steps = 20};
    aenc_detector *detector = NULL;
    for (int i = 0; i < ROWS * COLS; i++) rows[i] = (float)(i * 37 % 101) / 101;
    CHECK_STATUS(w->ctx, aenc_detector_create(w->ctx, &x, &options, &detector), AENC_OK);
    return detector;
}

/* ---- The same bytes ---- */

static void check_same(const struct taken *taken, const void *memory, size_t size, const char *path) {
    static unsigned char file[ROOM];
    FILE *in = fopen(path, "rb");
    CHECK(in != NULL && fread(file, 1, ROOM, in) == size);
    if (in != NULL) fclose(in);
    CHECK(taken->size == size && taken->portions == (size + 16383) / 16384 && taken->largest <= 16384);
    CHECK(memcmp(taken->bytes, memory, size) == 0 && memcmp(file, memory, size) == 0);
    remove(path);
}

static void test_bytes(struct world *w, const char *path) {
    static struct taken taken;
    static unsigned char memory[ROOM];
    static float rows[ROWS * COLS];
    size_t size = 0, asked = 0;
    aenc_model *model = wide_model(w->ctx);
    CHECK_STATUS(w->ctx, aenc_model_write(model, take, &taken), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save_memory(model, NULL, 0, &asked), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save_memory(model, memory, ROOM, &size), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save(model, path), AENC_OK);
    CHECK(asked == size);
    check_same(&taken, memory, size, path);
    size_t given = 7;
    CHECK_FAILS(w, aenc_model_save_memory(model, memory, size - 1, &given), AENC_ERR_SHAPE, "capacity");
    CHECK(given == size);
    aenc_model_free(model);
    /* a detector, back again too */
    aenc_detector *detector = detector_of(w, rows), *loaded = NULL;
    taken = (struct taken){.size = 0};
    CHECK_STATUS(w->ctx, aenc_detector_write(detector, take, &taken), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_detector_save_memory(detector, NULL, 0, &asked), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_detector_save_memory(detector, memory, ROOM, &size), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_detector_save(detector, path), AENC_OK);
    CHECK(asked == size);
    check_same(&taken, memory, size, path);
    CHECK_FAILS(w, aenc_detector_save_memory(detector, memory, size - 1, &given), AENC_ERR_SHAPE, "capacity");
    CHECK_STATUS(w->ctx, aenc_detector_load_memory(w->ctx, memory, size, &loaded), AENC_OK);
    const aenc_matrix x = {rows, ROWS, COLS, 0};
    float score[2][ROWS];
    CHECK_STATUS(w->ctx, aenc_detector_score(detector, &x, score[0], ROWS), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_detector_score(loaded, &x, score[1], ROWS), AENC_OK);
    CHECK(memcmp(score[0], score[1], sizeof score[0]) == 0);
    CHECK(aenc_detector_threshold(loaded) == aenc_detector_threshold(detector));
    aenc_detector_free(loaded);
    CHECK_NONE(w, aenc_detector_load_memory(w->ctx, memory, size - 1, &loaded), loaded, AENC_ERR_FORMAT, "detector in memory");
    CHECK_STATUS(w->ctx, aenc_model_save_memory(w->model, memory, ROOM, &size), AENC_OK);
    CHECK_NONE(w, aenc_detector_load_memory(w->ctx, memory, size, &loaded), loaded, AENC_ERR_FORMAT, "no detector");
    aenc_detector_free(detector);
}

/* Saving takes little memory: the numbers are not copied. */
static void test_memory(void) {
    static struct taken taken;
    struct memory memory = {.limit = (size_t)64 << 20};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    aenc_model *model = wide_model(ctx);
    size_t size = 0;
    CHECK_STATUS(ctx, aenc_model_save_memory(model, NULL, 0, &size), AENC_OK);
    memory.limit = memory.bytes + 65536; /* for the header and what it is made from */
    taken = (struct taken){.size = 0};
    CHECK(size > 4 * 65536);
    CHECK_STATUS(ctx, aenc_model_write(model, take, &taken), AENC_OK);
    CHECK(taken.size == size);
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

/* ---- Callbacks that end it ---- */

struct within {
    struct world *w;
    aenc_model *model;
    int calls;
};

static int call_again(void *user, const void *data, size_t size) {
    struct within *within = user;
    float code[WORLD_ROWS * WORLD_CODE];
    (void)data, (void)size;
    CHECK(aenc_encode(within->w->model, &within->w->x, code, WORLD_ROWS * WORLD_CODE) == AENC_ERR_BUSY);
    CHECK(aenc_model_freeze(within->model, "", 1) == AENC_ERR_BUSY);
    CHECK(aenc_model_code_size(within->model) == 5);
    if (within->calls++ == 0) aenc_model_free(within->model);
    return 0;
}

static void test_ends(struct world *w) {
    static const struct {
        int result;
        aenc_status status;
        const char *words;
    } ends[] = {{-1, AENC_ERR_CALLBACK, "write|-1"},
                {-2147483647 - 1, AENC_ERR_CALLBACK, "write|-2147483648"},
                {1, AENC_ERR_CANCELLED, "write|1"}};
    static const size_t behind[] = {0, 20000};
    static float rows[ROWS * COLS];
    static struct taken taken;
    aenc_model *model = wide_model(w->ctx);
    aenc_detector *detector = detector_of(w, rows);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (size_t k = 0; k < 2; k++) {
            taken = (struct taken){.result = ends[i].result, .behind = behind[k]};
            CHECK_FAILS(w, aenc_model_write(model, take, &taken), ends[i].status, ends[i].words);
            CHECK(taken.portions == k + 1); /* not called again */
            taken = (struct taken){.result = ends[i].result};
            CHECK_FAILS(w, aenc_detector_write(detector, take, &taken), ends[i].status, ends[i].words);
        }
    aenc_detector_free(detector);
    struct within within = {w, model, 0};
    CHECK_STATUS(w->ctx, aenc_model_write(model, call_again, &within), AENC_OK); /* frees the model */
    CHECK(within.calls > 1);
}

/* ---- What is frozen ---- */

static bool is_frozen(const aenc_model *model, const char *name) {
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor_info info = {.struct_size = sizeof info};
        CHECK(aenc_model_tensor_info(model, i, &info) == AENC_OK);
        if (strcmp(info.name, name) == 0) return info.frozen != 0;
    }
    CHECK(false); /* no such name */
    return false;
}

static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
                           "{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":2}]}";

static aenc_status parse(aenc_context *ctx, const char *more, aenc_model **out) {
    char json[512];
    snprintf(json, sizeof json, "%s%s}", text, more);
    return aenc_model_parse(ctx, json, strlen(json), out);
}

static void test_frozen(struct world *w, const char *path) {
    static unsigned char memory[ROOM], again[ROOM];
    size_t size = 0, unfrozen = 0;
    aenc_model *model = NULL, *loaded = NULL;
    CHECK_STATUS(w->ctx, parse(w->ctx, "", &model), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save_memory(model, NULL, 0, &unfrozen), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_freeze(model, "encoder.0", 1), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_freeze(model, "decoder.0.bias", 1), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_save_memory(model, memory, ROOM, &size), AENC_OK);
    CHECK(size > unfrozen);
    CHECK_STATUS(w->ctx, aenc_model_load_memory(w->ctx, memory, size, &loaded), AENC_OK);
    CHECK(is_frozen(loaded, "encoder.0.weight") && is_frozen(loaded, "encoder.0.bias") && is_frozen(loaded, "decoder.0.bias"));
    CHECK(!is_frozen(loaded, "encoder.2.weight") && !is_frozen(loaded, "decoder.0.weight"));
    CHECK(strcmp(aenc_model_description(loaded), aenc_model_description(model)) == 0);
    CHECK_STATUS(w->ctx, aenc_model_save_memory(loaded, again, ROOM, &unfrozen), AENC_OK);
    CHECK(unfrozen == size && memcmp(memory, again, size) == 0);
    aenc_model_free(loaded);
    /* a checkpoint is a model with them, too */
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .checkpoint = path};
    CHECK_STATUS(w->ctx, aenc_fit(model, &w->x, &fit), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_load(w->ctx, path, &loaded), AENC_OK);
    CHECK(is_frozen(loaded, "encoder.0.weight") && !is_frozen(loaded, "encoder.2.weight"));
    remove(path);
    aenc_model_free(loaded);
    aenc_model_free(model);
    /* as a description: layers and names */
    CHECK_STATUS(w->ctx, parse(w->ctx, ",\"frozen\":[\"encoder.1\",\"decoder.0.weight\"]", &model), AENC_OK);
    CHECK(is_frozen(model, "encoder.1.weight") && is_frozen(model, "decoder.0.weight") && !is_frozen(model, "decoder.0.bias"));
    CHECK(!is_frozen(model, "encoder.0.weight"));
    aenc_model_free(model);
    static const char *const wrong[][2] = {{"\"encoder\"", "'frozen' must be a list"}, {"[7]", "not a text"},
                                           {"[\"encoder.10\"]", "'encoder.10'"}, {"[\"encoder.1.running_mean\"]", "running_mean"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char more[64];
        snprintf(more, sizeof more, ",\"frozen\":%s", wrong[i][0]);
        CHECK_NONE(w, parse(w->ctx, more, &model), model, AENC_ERR_ARGUMENT, wrong[i][1]);
    }
}

int main(void) {
    char path[64];
    struct world w;
    snprintf(path, sizeof path, "saved_test.%ld", (long)getpid());
    world_create(&w);
    test_bytes(&w, path);
    test_memory();
    test_ends(&w);
    test_frozen(&w, path);
    world_free(&w);
    return check_finish();
}
