/* scaling_test.c - scaling that is learned by a fit: its numbers against NumPy's and scikit-learn's, who learns it and when,
 * raw units out, files, resume, and what is refused. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"

enum { ROWS = 40, COLS = 4, EPOCHS = 30 };

struct scene {
    struct memory memory;
    aenc_context *ctx;
    float data[ROWS * COLS];
    aenc_matrix x;
};

/* Columns: 1000 + 100 u, 0.001 u^2, the constant 7, and zero but for 6 rows. */
static void scene_make(struct scene *scene, int64_t threads) {
    memset(scene, 0, sizeof *scene);
    scene->ctx = memory_context(&scene->memory, 5, threads);
    for (int r = 0; r < ROWS; r++) {
        float u = (float)((r * 17) % ROWS) / ROWS;
        float *row = scene->data + r * COLS;
        row[0] = 1000 + 100 * u, row[1] = 0.001f * u * u, row[2] = 7, row[3] = r % 7 == 3 ? 2 : 0;
    }
    scene->x = (aenc_matrix){scene->data, ROWS, COLS, 0};
}

static void scene_end(struct scene *scene) {
    aenc_context_free(scene->ctx);
    memory_check_empty(&scene->memory);
}

static aenc_model *model_make(struct scene *scene, const char *scaling, const char *loss) {
    static const size_t input[] = {COLS}, widths[] = {6, 2};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1,
                                  .encoder_widths = widths, .encoder_count = 2, .scaling = scaling, .loss = loss,
                                  .activation = "tanh", .output = loss != NULL && *loss == 'b' ? "sigmoid" : NULL};
    CHECK_STATUS(scene->ctx, aenc_model_create(scene->ctx, &options, &model), AENC_OK);
    return model;
}

static void state_get(aenc_model *model, const char *name, float out[COLS]) {
    aenc_tensor *tensor = NULL;
    CHECK(aenc_model_tensor_get(model, name, &tensor) == AENC_OK);
    CHECK(aenc_tensor_read(tensor, out, COLS) == AENC_OK);
    aenc_tensor_free(tensor);
}

static aenc_status fit(aenc_model *model, const aenc_matrix *x, int64_t epochs) {
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = epochs, .batch = 10, .optimizer = "adam:lr=1e-2"};
    return aenc_fit(model, x, &options);
}

/* numpy: mean, std, min, ptp, percentile of the columns above; std in place of the fourth's range of 0 */
static void check_learned(const char *scaling, const double shift[COLS], const double scale[COLS]) {
    struct scene scene;
    float a[COLS], b[COLS], out[ROWS * COLS];
    scene_make(&scene, 2);
    aenc_model *model = model_make(&scene, scaling, NULL);
    CHECK_STATUS(scene.ctx, fit(model, &scene.x, EPOCHS), AENC_OK);
    state_get(model, "scaling.shift", a);
    state_get(model, "scaling.scale", b);
    for (int c = 0; c < COLS; c++) {
        CHECK_NEAR(a[c], shift[c], 1e-6 * fabs(shift[c]) + 1e-12);
        CHECK_NEAR(b[c], scale[c], 1e-6 * scale[c]);
    }
    /* fixed from now on */
    aenc_matrix half = {scene.data, ROWS / 2, COLS, 0};
    CHECK_STATUS(scene.ctx, fit(model, &half, 1), AENC_OK);
    state_get(model, "scaling.shift", out);
    CHECK(memcmp(a, out, sizeof a) == 0);
    CHECK_STATUS(scene.ctx, aenc_reconstruct(model, &scene.x, out, ROWS * COLS), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK_NEAR(out[r * COLS], scene.data[r * COLS], 60);
    aenc_model_free(model);
    scene_end(&scene);
}

static void check_numbers(void) {
    check_learned("standard", (double[]){1048.75, 3.209375149837e-4, 7, 0.3},
                  (double[]){28.85849095154, 2.910454451518e-4, 1, 0.7141428428543});
    check_learned("minmax", (double[]){1000, 0, 7, 0}, (double[]){97.5, 9.506251080893e-4, 1, 2});
    check_learned("robust", (double[]){1048.75, 2.378125063842e-4, 7, 0},
                  (double[]){48.75, 4.753125467687e-4, 1, 0.7141428428543});
}

/* A model without scaling on scaled rows is the same model. */
static void check_same_as_by_hand(void) {
    struct scene scene;
    float shift[COLS], scale[COLS], by_hand[ROWS * COLS], a[ROWS], b[ROWS], features[ROWS * COLS], raw[ROWS * COLS];
    scene_make(&scene, 1);
    aenc_model *inside = model_make(&scene, "standard", NULL), *outside = model_make(&scene, NULL, NULL);
    CHECK_STATUS(scene.ctx, fit(inside, &scene.x, EPOCHS), AENC_OK);
    state_get(inside, "scaling.shift", shift);
    state_get(inside, "scaling.scale", scale);
    for (int i = 0; i < ROWS * COLS; i++) by_hand[i] = (scene.data[i] - shift[i % COLS]) / scale[i % COLS];
    aenc_matrix scaled = {by_hand, ROWS, COLS, 0};
    CHECK_STATUS(scene.ctx, fit(outside, &scaled, EPOCHS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_score(inside, &scene.x, NULL, a, ROWS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_score(outside, &scaled, NULL, b, ROWS), AENC_OK);
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK_STATUS(scene.ctx, aenc_score(inside, &scene.x, &scene.x, b, ROWS), AENC_OK);
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK_STATUS(scene.ctx, aenc_score_features(inside, &scene.x, NULL, features, ROWS * COLS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_reconstruct(inside, &scene.x, raw, ROWS * COLS), AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) {
        double off = ((double)raw[i] - (double)scene.data[i]) / (double)scale[i % COLS];
        CHECK_NEAR(features[i], off * off, 1e-3);
    }
    aenc_model_free(inside);
    aenc_model_free(outside);
    scene_end(&scene);
}

/* From a source, by partial fits, through a file, through a checkpoint. */
static void check_ways(void) {
    struct scene scene;
    char path[64];
    float a[COLS], b[COLS];
    snprintf(path, sizeof path, "scaling_test.%ld.checkpoint", (long)getpid());
    scene_make(&scene, 1);
    aenc_model *model = model_make(&scene, "standard", NULL), *other = model_make(&scene, "standard", NULL), *loaded = NULL;
    aenc_source *source = NULL;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .checkpoint = path};
    CHECK_STATUS(scene.ctx, aenc_source_matrix(scene.ctx, &scene.x, &source), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_fit_source(model, source, &options), AENC_OK);
    state_get(model, "scaling.scale", a);
    CHECK_STATUS(scene.ctx, aenc_partial_fit(other, &scene.x, NULL), AENC_OK);
    state_get(other, "scaling.scale", b);
    for (int c = 0; c < COLS; c++) CHECK_NEAR(b[c], a[c], 1e-6 * (double)a[c]);
    aenc_matrix half = {scene.data, ROWS / 2, COLS, 0};
    CHECK_STATUS(scene.ctx, aenc_partial_fit(other, &half, NULL), AENC_OK);
    state_get(other, "scaling.scale", a);
    CHECK(memcmp(a, b, sizeof a) == 0);
    options.resume = AENC_RESUME_REQUIRED;
    options.epochs = 3;
    CHECK_STATUS(scene.ctx, aenc_fit_source(other, source, &options), AENC_OK);
    state_get(other, "scaling.scale", b);
    state_get(model, "scaling.scale", a);
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK_STATUS(scene.ctx, aenc_model_load(scene.ctx, path, &loaded), AENC_OK);
    CHECK(strcmp(aenc_model_description(loaded), aenc_model_description(model)) == 0);
    CHECK(strstr(aenc_model_description(loaded), "\"scaling\":{\"type\":\"standard\"}") != NULL);
    state_get(loaded, "scaling.scale", b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    remove(path);
    aenc_model_free(loaded);
    aenc_model_free(model);
    aenc_model_free(other);
    aenc_source_free(source);
    scene_end(&scene);
}

struct feed {
    const float *data;
    uint64_t at;
};

static int feed_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct feed *feed = user;
    (void)target;
    (void)weight;
    *got = rows < ROWS - feed->at ? rows : (size_t)(ROWS - feed->at);
    memcpy(input, feed->data + feed->at * COLS, *got * COLS * sizeof(float));
    feed->at += *got;
    return 0;
}

static int feed_seek(void *user, uint64_t position) {
    ((struct feed *)user)->at = position;
    return 0;
}

static void check_stream(int64_t read_ahead) {
    struct scene scene;
    struct feed feed;
    float a[COLS], b[COLS];
    scene_make(&scene, 1);
    feed = (struct feed){scene.data, 0};
    aenc_source *source = NULL, *once = NULL;
    aenc_source_callbacks call = {.struct_size = sizeof call, .cols = COLS, .rows = ROWS, .read = feed_read,
                                  .seek = feed_seek, .user = &feed, .read_ahead = read_ahead};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 16};
    aenc_model *model = model_make(&scene, "standard", NULL), *other = model_make(&scene, "standard", NULL);
    aenc_model *robust = model_make(&scene, "robust", NULL);
    CHECK_STATUS(scene.ctx, aenc_source_callback(scene.ctx, &call, &source), AENC_OK);
    call.seek = NULL;
    CHECK_STATUS(scene.ctx, aenc_source_callback(scene.ctx, &call, &once), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_fit_source(model, source, &options), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_partial_fit(other, &scene.x, NULL), AENC_OK);
    state_get(model, "scaling.scale", a);
    state_get(other, "scaling.scale", b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK_STATUS(scene.ctx, aenc_fit_source(robust, source, &options), AENC_ERR_UNSUPPORTED);
    CHECK(strstr(aenc_message(scene.ctx), "robust") != NULL);
    aenc_model_free(other);
    other = model_make(&scene, "standard", NULL);
    CHECK_STATUS(scene.ctx, aenc_fit_source(other, once, &options), AENC_ERR_UNSUPPORTED);
    CHECK(strstr(aenc_message(scene.ctx), "seek") != NULL);
    aenc_source_free(source);
    aenc_source_free(once);
    aenc_model_free(model);
    aenc_model_free(other);
    aenc_model_free(robust);
    scene_end(&scene);
}

static void check_threads(void) {
    float score[2][ROWS];
    for (int i = 0; i < 2; i++) {
        struct scene scene;
        scene_make(&scene, i == 0 ? 1 : 3);
        aenc_model *model = model_make(&scene, "robust:clip=2", "huber");
        CHECK_STATUS(scene.ctx, fit(model, &scene.x, 3), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_score(model, &scene.x, NULL, score[i], ROWS), AENC_OK);
        aenc_model_free(model);
        scene_end(&scene);
    }
    CHECK(memcmp(score[0], score[1], sizeof score[0]) == 0);
}

static void check_refused(struct scene *scene, const char *text, aenc_status want, const char *word) {
    aenc_model *model = NULL;
    CHECK_STATUS(scene->ctx, aenc_model_parse(scene->ctx, text, strlen(text), &model), want);
    CHECK(model == NULL);
    if (!CHECK(strstr(aenc_message(scene->ctx), word) != NULL)) fprintf(stderr, "  %s\n", aenc_message(scene->ctx));
}

#define DENSE "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2}"

static void check_refusals(void) {
    struct scene scene;
    float out[ROWS];
    scene_make(&scene, 1);
    check_refused(&scene, DENSE ",\"scaling\":\"z\"}", AENC_ERR_ARGUMENT, "standard, minmax, robust");
    check_refused(&scene, DENSE ",\"scaling\":7}", AENC_ERR_ARGUMENT, "unknown scaling");
    check_refused(&scene, DENSE ",\"scaling\":\"standard:clip=-1\"}", AENC_ERR_ARGUMENT, "clip");
    check_refused(&scene, DENSE ",\"scaling\":\"minmax:clip=2\"}", AENC_ERR_ARGUMENT, "clip");
    check_refused(&scene, DENSE ",\"loss\":\"bce\",\"scaling\":\"minmax\"}", AENC_ERR_ARGUMENT, "minmax:clip=true");
    check_refused(&scene, DENSE ",\"decoder\":{\"type\":\"dense\",\"units\":3},\"scaling\":\"minmax\"}", AENC_ERR_SHAPE,
                  "3");
    aenc_model *model = model_make(&scene, "minmax:clip=true", "bce");
    CHECK_STATUS(scene.ctx, fit(model, &scene.x, 1), AENC_OK); /* raw numbers beyond 1 */
    scene.data[0] = 1e6f;
    CHECK_STATUS(scene.ctx, aenc_score(model, &scene.x, NULL, out, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK(isfinite(out[r]));
    aenc_model_free(model);
    scene_end(&scene);
}

int main(void) {
    check_numbers();
    check_same_as_by_hand();
    check_ways();
    check_stream(0);
    check_stream(1);
    check_threads();
    check_refusals();
    return check_finish();
}
