/* allocation_test.c - once a training step or an inference call has been taken, taking it again allocates nothing. */
#include "api/memory.h"

enum { ROWS = 300, COLS = 6, CODE = 2 };

static const char description[] =
    "{\"input\":[6],%s\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":8},"
    "{\"type\":\"batch_norm\"},"
    "{\"type\":\"gelu\"},{\"type\":\"dropout\",\"rate\":0.25},{\"type\":\"layer_norm\"},"
    "{\"type\":\"dense\",\"units\":2}]},"
    "\"output\":\"sigmoid\",\"loss\":\"bce\"}";

struct scene {
    struct memory memory;
    aenc_context *ctx;
    aenc_model *model;
    aenc_optimizer *optimizer;
    aenc_matrix x;
    float weight[ROWS];
    float out[ROWS * COLS];
};

static float data[ROWS * COLS];

/* Without terms beside the reconstruction for the one optimizer, with them for others. */
static void scene_create(struct scene *scene, int64_t threads, const char *optimizer) {
    char text[1024];
    memset(scene, 0, sizeof *scene);
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 29) / 29.0f;
    for (size_t i = 0; i < ROWS; i++) scene->weight[i] = 1 + (float)(i % 3);
    scene->x = (aenc_matrix){data, ROWS, COLS, 0};
    scene->ctx = memory_context(&scene->memory, 5, threads);
    (void)snprintf(text, sizeof text, description,
                   strcmp(optimizer, "adamw") == 0 ? "" : "\"bottleneck\":\"gaussian:beta=0.1\",");
    CHECK_STATUS(scene->ctx, aenc_model_parse(scene->ctx, text, strlen(text), &scene->model), AENC_OK);
    CHECK_STATUS(scene->ctx, aenc_optimizer_create(scene->model, optimizer, &scene->optimizer), AENC_OK);
}

static void scene_free(struct scene *scene) {
    aenc_optimizer_free(scene->optimizer);
    aenc_model_free(scene->model);
    aenc_context_free(scene->ctx);
    memory_check_empty(&scene->memory);
}

/* Every call of the inner loop, each at several numbers of rows, all below the largest. */
static void calls_take(struct scene *s) {
    const size_t rows[] = {ROWS, 2, 127, 128, 129}; /* a batch norm takes no single row */
    double loss;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        aenc_matrix x = s->x, codes = {data, rows[i], CODE, COLS};
        x.rows = rows[i];
        aenc_batch batch = {.struct_size = sizeof batch, .input = x, .weight = s->weight, .weight_count = rows[i]}, own = batch;
        own.target = x;
        CHECK_STATUS(s->ctx, aenc_model_step(s->model, s->optimizer, &batch, &loss), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_model_step(s->model, s->optimizer, &own, NULL), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_model_gradients(s->model, &batch, &loss), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_optimizer_apply(s->optimizer), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_model_evaluate(s->model, &batch, &loss), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_encode(s->model, &x, s->out, ROWS * COLS), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_decode(s->model, &codes, s->out, ROWS * COLS), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_reconstruct(s->model, &x, s->out, ROWS * COLS), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_score(s->model, &x, NULL, s->out, ROWS * COLS), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_score(s->model, &x, &x, s->out, ROWS * COLS), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_score_features(s->model, &x, NULL, s->out, ROWS * COLS), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_jacobian_norm(s->model, &x, s->out, ROWS * COLS), AENC_OK);
    }
}

static void test_calls(int64_t threads, const char *optimizer) {
    struct scene scene;
    scene_create(&scene, threads, optimizer);
    calls_take(&scene);
    long calls = scene.memory.calls;
    calls_take(&scene);
    CHECK(scene.memory.calls == calls);
    scene_free(&scene);
}

/* ---- Fit: what it allocates does not grow with the steps, and with the epochs only for the history ---- */

struct counter {
    const struct memory *memory;
    long in_steps; /* allocations from one step to the next within an epoch */
    long last;
};

static int count(void *user, const aenc_progress *now) {
    struct counter *counter = user;
    if (now->event == AENC_EVENT_STEP && now->step > 1) counter->in_steps += counter->memory->calls - counter->last;
    counter->last = counter->memory->calls;
    return 0;
}

static void test_fit(void) {
    struct scene scene;
    scene_create(&scene, 2, "adam");
    struct counter counter = {.memory = &scene.memory};
    aenc_fit_options options = {.struct_size = sizeof options,
                                .epochs = 4,
                                .batch = 7,
                                .validation_fraction = 0.2,
                                .progress = count,
                                .progress_user = &counter};
    CHECK_STATUS(scene.ctx, aenc_fit(scene.model, &scene.x, &options), AENC_OK);
    CHECK(counter.in_steps == 0);
    scene_free(&scene);
}

static int read_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)target, (void)weight;
    memcpy(input, data, rows * COLS * sizeof *input);
    *got = rows;
    return 0;
}

static void test_fit_source(int64_t read_ahead) {
    struct scene scene;
    scene_create(&scene, 2, "adam");
    struct counter counter = {.memory = &scene.memory};
    aenc_source *source;
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .read = read_rows,
                                       .read_ahead = read_ahead};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 3, .batch = 7, .steps_per_epoch = 20,
                                .progress = count, .progress_user = &counter};
    CHECK_STATUS(scene.ctx, aenc_source_callback(scene.ctx, &callbacks, &source), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_fit_source(scene.model, source, &options), AENC_OK);
    CHECK(counter.in_steps == 0);
    aenc_source_free(source);
    scene_free(&scene);
}

int main(void) {
    test_calls(1, "adamw");
    test_calls(3, "nesterov");
    test_calls(1, "rmsprop:momentum=0.9,centered=true");
    test_fit();
    test_fit_source(0);
    test_fit_source(1);
    return check_finish();
}
