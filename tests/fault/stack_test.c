/* stack_test.c - everything fits on a thread whose stack has 128 KiB, as musl gives them; workers have stacks of their own.
 * glibc takes the thread-local memory of libraries out of a thread's stack: that of OpenBLAS is 60 KiB. */
#define _GNU_SOURCE

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <autoenc/autoenc.h>

#include "check.h"

#if defined(__SANITIZE_ADDRESS__)
enum { CHECKED = 1 };
#elif defined(__has_feature)
enum { CHECKED = __has_feature(address_sanitizer) };
#else
enum { CHECKED = 0 };
#endif
enum { ROWS = 400, COLS = 96, STACK = ((CHECKED ? 512 : 128) + 64) << 10 }; /* frames of checked code are larger */

static float data[ROWS * COLS], out[ROWS * COLS];
static char folder[] = "/tmp/aenc_stack_test_XXXXXX", path[64];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static aenc_model *model_make(aenc_context *ctx) {
    static const char json[] =
        "{\"input\":[96],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":80},"
        "{\"type\":\"batch_norm\"},{\"type\":\"tanh\"},{\"type\":\"layer_norm\"},{\"type\":\"dropout\",\"rate\":0.1},"
        "{\"type\":\"dense\",\"units\":64,\"activation\":\"sigmoid\"},{\"type\":\"dense\",\"units\":16}]},"
        "\"penalties\":[\"l1:weight=1e-3\"],\"corrupt\":[{\"type\":\"gaussian\",\"sigma\":0.1}]}";
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, json, sizeof json - 1, &model), AENC_OK);
    return model;
}

/* Whose gradients need most (lib/op/jacobian_ops.c). */
static void use_contractive(aenc_context *ctx) {
    static const char json[] = "{\"input\":[96],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":80,"
                               "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":16,\"activation\":\"sigmoid\"}]},"
                               "\"penalties\":[\"contractive:weight=0.01\"]}";
    aenc_model *model = NULL;
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    CHECK_STATUS(ctx, aenc_model_parse(ctx, json, sizeof json - 1, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    CHECK_STATUS(ctx, aenc_jacobian_norm(model, &x, out, ROWS), AENC_OK);
    aenc_model_free(model);
}

static void use_runner(aenc_context *ctx, aenc_model *model) {
    aenc_runner *runner = NULL;
    const aenc_runner_options o = {.struct_size = sizeof o, .task = AENC_RUN_SCORE, .rows = 128};
    CHECK_STATUS(ctx, aenc_runner_create(model, &o, &runner), AENC_OK);
    CHECK_STATUS(ctx, aenc_runner_run(runner, &x, NULL, out, ROWS), AENC_OK);
    aenc_runner_free(runner);
}

static void use_model(aenc_context *ctx) {
    aenc_model *model = model_make(ctx), *loaded = NULL;
    aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = "rmsprop", .schedule = "cosine", .epochs = 2,
                            .validation_fraction = 0.3, .checkpoint = path};
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    fit.epochs = 3;
    fit.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    remove(path);
    CHECK_STATUS(ctx, aenc_score_features(model, &x, NULL, out, ROWS * COLS), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save(model, path), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_load(ctx, path, &loaded), AENC_OK);
    remove(path);
    CHECK_STATUS(ctx, aenc_encode(loaded, &x, out, ROWS * COLS), AENC_OK);
    use_runner(ctx, loaded);
    aenc_model_free(model);
    aenc_model_free(loaded);
}

static void use_others(aenc_context *ctx) {
    static int64_t index[ROWS * 3];
    static int32_t group[ROWS];
    const aenc_kmeans_options k = {.struct_size = sizeof k, .clusters = 3};
    const aenc_detector_options d = {.struct_size = sizeof d, .steps = 10};
    const aenc_tsne_options tsne = {.struct_size = sizeof tsne, .iterations = 10, .theta = 0.5};
    aenc_model *pca = NULL;
    aenc_detector *detector = NULL;
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &x, NULL, &pca), AENC_OK);
    CHECK_STATUS(ctx, aenc_detector_create(ctx, &x, &d, &detector), AENC_OK);
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &x, &x, 3, 0, index, out, ROWS * 3), AENC_OK);
    CHECK_STATUS(ctx, aenc_kmeans(ctx, &x, &k, out, ROWS * COLS, group, ROWS, NULL), AENC_OK);
    CHECK_STATUS(ctx, aenc_tsne(ctx, &x, &tsne, out, ROWS * COLS, NULL), AENC_OK);
    aenc_detector_free(detector);
    aenc_model_free(pca);
}

static void *use_all(void *user) {
    const aenc_context_options o = {.struct_size = sizeof o, .threads = *(const int64_t *)user};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(&o, &ctx) == AENC_OK);
    use_model(ctx);
    use_contractive(ctx);
    use_others(ctx);
    aenc_context_free(ctx);
    return NULL;
}

int main(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (!CHECK(mkdtemp(folder) != NULL)) return check_finish();
    snprintf(path, sizeof path, "%s/m", folder);
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 101) / 101.0f;
    for (int64_t threads = 1; threads <= 3; threads++) {
        CHECK(pthread_attr_init(&attributes) == 0);
#if defined(__GLIBC__)
        CHECK(pthread_attr_setstacksize(&attributes, 128 << 10) == 0); /* what workers get that do not ask for more */
        CHECK(pthread_setattr_default_np(&attributes) == 0);
#endif
        CHECK(pthread_attr_setstacksize(&attributes, STACK) == 0);
        CHECK(pthread_create(&thread, &attributes, use_all, &threads) == 0 && pthread_join(thread, NULL) == 0);
        CHECK(pthread_attr_destroy(&attributes) == 0);
    }
    CHECK(rmdir(folder) == 0);
    return check_finish();
}
