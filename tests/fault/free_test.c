/* free_test.c - handles that one thread drops while another uses their context: a collector frees whenever and wherever it likes.
 * What the thread sanitizer is given to look at. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <autoenc/ops.h>

#include "check.h"

enum { ROWS = 200, COLS = 6, EACH = 12, KINDS = 8, THREADS = 3 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};
static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},"
                           "{\"type\":\"same\"},{\"type\":\"dense\",\"units\":2}]}}";

/* An allocator that stands several threads, and counts. */
static atomic_long blocks, recorded, released;

static void *allocate(void *user, size_t size, size_t alignment) {
    (void)user;
    atomic_fetch_add(&blocks, 1);
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
static void release_block(void *user, void *block, size_t size, size_t alignment) {
    (void)user, (void)size, (void)alignment;
    atomic_fetch_sub(&blocks, 1);
    free(block);
}

static void released_one(void *user) {
    (void)user;
    atomic_fetch_add(&released, 1);
}
static int copy_rows(void *user, const aenc_operation_call *call) {
    (void)user;
    memcpy(call->y, call->x[0], call->rows * call->y_size * sizeof *call->y);
    return 0;
}
static int copy_gradients(void *user, const aenc_operation_call *call) {
    (void)user;
    for (size_t i = 0; i < call->rows * call->y_size; i++) call->dx[i] += call->dy[i];
    return 0;
}
static aenc_node *same(void *user, aenc_recorder *r, aenc_node *in) {
    const size_t dims[] = {aenc_node_dim(in, 0)};
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "same", .user = user, .forward = copy_rows,
                                      .backward = copy_gradients, .release = released_one};
    atomic_fetch_add(&recorded, 1);
    return aenc_node_operation(r, &operation, &in, 1, dims, 1);
}
static int no_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)input, (void)target, (void)weight, (void)rows;
    *got = 0;
    return 0;
}

/* What there is to be freed, each by a thread of its own share. */
struct lot {
    aenc_runner *runner;
    aenc_model *model;
    aenc_optimizer *optimizer;
    aenc_tensor *tensor;
    aenc_layer *layer;
    aenc_source *source;
    aenc_detector *detector;
};
static struct lot lot[EACH];
static atomic_int turn, began;

static void free_one(int i) {
    struct lot *l = &lot[i / KINDS];
    switch (i % KINDS) {
    case 0: aenc_model_free(l->model); break; /* the runner and the optimizer keep it */
    case 1: aenc_runner_free(l->runner); break;
    case 2: aenc_optimizer_free(l->optimizer); break;
    case 3: aenc_tensor_free(l->tensor); break;
    case 4: aenc_layer_free(l->layer); break;
    case 5: aenc_source_free(l->source); break;
    case 6: aenc_detector_free(l->detector); break;
    default: break;
    }
}

static void *free_all(void *user) {
    (void)user;
    while (atomic_load(&began) == 0) continue;
    for (int i = atomic_fetch_add(&turn, 1); i < EACH * KINDS; i = atomic_fetch_add(&turn, 1)) free_one(i);
    return NULL;
}

static void *free_model(void *model) {
    aenc_model_free(model);
    return NULL;
}

static aenc_status lot_make(aenc_context *ctx, struct lot *l, aenc_model *common) {
    const aenc_runner_options encode = {.struct_size = sizeof encode, .task = AENC_RUN_ENCODE};
    const aenc_detector_options quick = {.struct_size = sizeof quick, .steps = 1};
    const aenc_source_callbacks stream = {.struct_size = sizeof stream, .cols = COLS, .read = no_rows, .release = released_one};
    aenc_status status = aenc_model_parse(ctx, text, sizeof text - 1, &l->model);
    /* half of them of the model in training, whose weights they refer to */
    if (status == AENC_OK) status = aenc_runner_create((l - lot) % 2 == 0 ? l->model : common, &encode, &l->runner);
    if (status == AENC_OK) status = aenc_optimizer_create((l - lot) % 2 == 0 ? l->model : common, "adam", &l->optimizer);
    if (status == AENC_OK) status = aenc_model_parameter_get(l->model, "encoder.0.weight", &l->tensor);
    if (status == AENC_OK) status = aenc_layer_create(ctx, "dense:units=3", &l->layer);
    if (status == AENC_OK) status = aenc_source_callback(ctx, &stream, &l->source);
    if (status == AENC_OK) atomic_fetch_add(&recorded, 1);
    if (status == AENC_OK) status = aenc_detector_create(ctx, &x, &quick, &l->detector);
    return status;
}

/* The fit goes on until all has gone. */
static int watch(void *user, const aenc_progress *now) {
    (void)user, (void)now;
    atomic_store(&began, 1);
    return atomic_load(&turn) >= EACH * KINDS + THREADS;
}

static void check_frees(int64_t workers) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    pthread_t thread[THREADS];
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 3, .threads = workers, .allocate = allocate,
                                    .release = release_block};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "same", .layer = same,
                                .mirror_role = AENC_MIRROR_OMITTED, .release = released_one};
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = INT32_MAX, .batch = 64, .validation_fraction = 0.2,
                                  .progress = watch};
    atomic_store(&turn, 0);
    atomic_store(&began, 0);
    CHECK(aenc_context_create(&o, &ctx) == AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &plugin), AENC_OK);
    atomic_fetch_add(&recorded, 1);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    for (int i = 0; i < EACH; i++) CHECK_STATUS(ctx, lot_make(ctx, &lot[i], model), AENC_OK);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&thread[i], NULL, free_all, NULL) == 0);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(thread[i], NULL) == 0);
    CHECK(aenc_model_stopped(model) == AENC_STOPPED_CALLBACK);
    /* the context goes with its last handle, on that thread */
    aenc_context_free(ctx);
    CHECK(pthread_create(&thread[0], NULL, free_model, model) == 0 && pthread_join(thread[0], NULL) == 0);
    CHECK(atomic_load(&blocks) == 0 && atomic_load(&recorded) == atomic_load(&released));
}

int main(void) {
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 101) / 101.0f;
    for (int64_t workers = 1; workers <= 2; workers++)
        for (int i = 0; i < 3; i++) check_frees(workers);
    return check_finish();
}
