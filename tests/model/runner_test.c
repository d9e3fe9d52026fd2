/* runner_test.c - a runner says what its model says, in any memory, in any parts, and keeps saying it while the model
 * learns on. */
#include "model/nets.h"

enum { ROOM = NET_ROWS * NET_OUT, BLOCK = 1 << 18, CANARY = 64 };

static float data[NET_ROWS * NET_COLS], other[NET_ROWS * NET_COLS];

/* One model in a context whose allocations are counted. */
struct scene {
    struct memory memory;
    aenc_context *ctx;
    aenc_model *model;
};

static void scene_create(struct scene *scene, size_t net) {
    memset(scene, 0, sizeof *scene);
    scene->ctx = memory_context(&scene->memory, 7, 1);
    scene->model = net_create(scene->ctx, net, data);
}

static void scene_free(struct scene *scene) {
    aenc_model_free(scene->model);
    aenc_context_free(scene->ctx);
    memory_check_empty(&scene->memory);
}

static void check_same(const float *got, const float *want, size_t count, const char *name) {
    double largest = 1e-3, worst = 0;
    for (size_t i = 0; i < count; i++) largest = check_larger(largest, fabs((double)want[i]));
    for (size_t i = 0; i < count; i++) worst = check_larger(worst, fabs((double)got[i] - (double)want[i]));
    if (!CHECK(worst <= 1e-5 * largest)) fprintf(stderr, "  net '%s': off by %g of %g\n", name, worst, largest);
}

/* ---- Values ---- */

static aenc_status run_all(aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target, float *out) {
    return aenc_runner_run(runner, x, target, out, ROOM);
}

static void test_task(size_t net, int64_t task) {
    static float want[ROOM], got[ROOM], parts[ROOM];
    struct scene scene;
    scene_create(&scene, net);
    bool scores = task == AENC_RUN_SCORE || task == AENC_RUN_SCORE_FEATURES;
    aenc_matrix x = {data, NET_ROWS, net_cols(scene.model, task), NET_COLS}, t = {other, NET_ROWS, NET_COLS, 0};
    size_t count = NET_ROWS * net_row_size(scene.model, task);
    aenc_status status = net_ask(scene.model, task, &x, NULL, want, ROOM);
    if (status == AENC_ERR_UNSUPPORTED) {
        aenc_runner_options options = {.struct_size = sizeof options, .task = task};
        aenc_runner *none = (void *)&options;
        CHECK_STATUS(scene.ctx, aenc_runner_create(scene.model, &options, &none), AENC_ERR_UNSUPPORTED);
        CHECK(none == NULL && strstr(aenc_message(scene.ctx), "does not split") != NULL);
        scene_free(&scene);
        return;
    }
    CHECK_STATUS(scene.ctx, status, AENC_OK);
    aenc_runner *whole = net_runner(scene.ctx, scene.model, task, NET_ROWS);
    CHECK(run_all(whole, &x, NULL, got) == AENC_OK);
    check_same(got, want, count, nets[net].name);
    for (int64_t rows = 1; rows < NET_ROWS; rows += 3) {
        aenc_runner *runner = net_runner(scene.ctx, scene.model, task, rows);
        memset(parts, 0, sizeof parts);
        long calls = scene.memory.calls;
        CHECK(run_all(runner, &x, NULL, parts) == AENC_OK);
        CHECK(scene.memory.calls == calls);
        CHECK(memcmp(parts, got, count * sizeof *parts) == 0);
        aenc_runner_free(runner);
    }
    CHECK((run_all(whole, &x, &t, got) == AENC_OK) == scores);
    if (scores) {
        CHECK_STATUS(scene.ctx, net_ask(scene.model, task, &x, &t, want, ROOM), AENC_OK);
        check_same(got, want, count, nets[net].name);
    }
    aenc_runner_free(whole);
    scene_free(&scene);
}

/* ---- Memory of the caller's ---- */

static void test_block(size_t net, size_t shift) {
    static char block[BLOCK + 2 * CANARY + 64];
    static float want[ROOM], got[ROOM];
    struct scene scene;
    scene_create(&scene, net);
    aenc_runner *runner = NULL, *none = (void *)block;
    aenc_runner_options options = {.struct_size = sizeof options, .rows = 5, .memory_size = 0};
    size_t bytes = 0, other_bytes = 0;
    CHECK_STATUS(scene.ctx, aenc_runner_size(scene.model, &options, &bytes), AENC_OK);
    CHECK(bytes > 0 && bytes <= BLOCK);
    memset(block, 0x5A, sizeof block);
    options.memory = block + CANARY + shift;
    options.memory_size = bytes;
    CHECK_STATUS(scene.ctx, aenc_runner_size(scene.model, &options, &other_bytes), AENC_OK);
    CHECK(other_bytes == bytes);
    long calls = scene.memory.calls;
    CHECK_STATUS(scene.ctx, aenc_runner_create(scene.model, &options, &runner), AENC_OK);
    aenc_matrix x = {data, NET_ROWS, NET_COLS, 0};
    size_t count = NET_ROWS * aenc_model_output_size(scene.model);
    CHECK(run_all(runner, &x, NULL, got) == AENC_OK);
    CHECK(scene.memory.calls == calls);
    CHECK_STATUS(scene.ctx, aenc_reconstruct(scene.model, &x, want, ROOM), AENC_OK);
    check_same(got, want, count, nets[net].name);
    aenc_runner_free(runner);
    bool intact = true;
    for (size_t i = 0; i < CANARY + shift; i++) intact = intact && block[i] == 0x5A;
    for (size_t i = CANARY + shift + bytes; i < sizeof block; i++) intact = intact && block[i] == 0x5A;
    CHECK(intact);
    /* what is lacking is at most the 63 bytes of alignment that this place does not need */
    char words[64];
    snprintf(words, sizeof words, "%zu are needed", bytes);
    for (size_t lack = 64; lack <= bytes; lack += lack < 1024 ? 64 : bytes / 9) {
        options.memory_size = bytes - lack;
        CHECK_STATUS(scene.ctx, aenc_runner_create(scene.model, &options, &none), AENC_ERR_SHAPE);
        CHECK(none == NULL && strstr(aenc_message(scene.ctx), words) != NULL);
    }
    scene_free(&scene);
}

/* ---- Snapshots ---- */

static void test_snapshot(void) {
    static float before[ROOM], now[ROOM], learnt[ROOM];
    struct scene scene;
    scene_create(&scene, 2);
    aenc_matrix x = {data, NET_ROWS, NET_COLS, 0};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .validation_fraction = 0.3};
    aenc_optimizer *optimizer = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    aenc_tensor *bias = NULL;
    size_t count = NET_ROWS * NET_COLS;
    aenc_runner *runner = net_runner(scene.ctx, scene.model, AENC_RUN_RECONSTRUCT, 8);
    aenc_runner *second = net_runner(scene.ctx, scene.model, AENC_RUN_RECONSTRUCT, 8);
    CHECK(run_all(runner, &x, NULL, before) == AENC_OK);
    for (int round = 0; round < 3; round++) {
        if (round == 0) CHECK_STATUS(scene.ctx, aenc_fit(scene.model, &x, &fit), AENC_OK);
        if (round == 1) {
            CHECK_STATUS(scene.ctx, aenc_optimizer_create(scene.model, "adam", &optimizer), AENC_OK);
            CHECK_STATUS(scene.ctx, aenc_model_step(scene.model, optimizer, &batch, NULL), AENC_OK);
        }
        if (round == 2) {
            const char *name = "decoder.0.bias";
            float values[NET_OUT];
            CHECK_STATUS(scene.ctx, aenc_model_tensor_get(scene.model, name, &bias), AENC_OK);
            size_t numbers = aenc_tensor_count(bias);
            for (size_t i = 0; i < numbers; i++) values[i] = 3;
            CHECK(numbers <= NET_OUT && aenc_tensor_write(bias, values, numbers) == AENC_OK);
            CHECK_STATUS(scene.ctx, aenc_model_tensor_set(scene.model, name, bias), AENC_OK);
        }
        CHECK(run_all(runner, &x, NULL, now) == AENC_OK);
        CHECK(memcmp(now, before, count * sizeof *now) == 0);
        CHECK_STATUS(scene.ctx, aenc_reconstruct(scene.model, &x, learnt, ROOM), AENC_OK);
        CHECK(memcmp(learnt, before, count * sizeof *now) != 0);
        long calls = scene.memory.calls;
        CHECK(aenc_runner_refresh(runner) == AENC_OK);
        CHECK(scene.memory.calls == calls);
        CHECK(run_all(runner, &x, NULL, before) == AENC_OK);
        check_same(before, learnt, count, "refreshed");
    }
    /* the youngest weights and the oldest, side by side */
    CHECK(run_all(second, &x, NULL, now) == AENC_OK);
    CHECK(memcmp(now, before, count * sizeof *now) != 0);
    aenc_tensor_free(bias);
    aenc_optimizer_free(optimizer);
    aenc_runner_free(second);
    aenc_runner_free(runner);
    /* nobody looks any more: the next steps copy nothing */
    long blocks = scene.memory.blocks;
    CHECK_STATUS(scene.ctx, aenc_model_evaluate(scene.model, &batch, &(double){0}), AENC_OK);
    CHECK(scene.memory.blocks >= blocks);
    scene_free(&scene);
}

/* A model that learns while nobody refers to its weights copies nothing; with a runner, once. */
static void test_copies(void) {
    struct scene scene;
    scene_create(&scene, 0);
    aenc_matrix x = {data, NET_ROWS, NET_COLS, 0};
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    aenc_optimizer *optimizer = NULL;
    CHECK_STATUS(scene.ctx, aenc_optimizer_create(scene.model, "sgd", &optimizer), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_model_step(scene.model, optimizer, &batch, NULL), AENC_OK);
    aenc_runner *runner = net_runner(scene.ctx, scene.model, AENC_RUN_ENCODE, 1);
    long calls = scene.memory.calls;
    CHECK_STATUS(scene.ctx, aenc_model_step(scene.model, optimizer, &batch, NULL), AENC_OK);
    long copied = scene.memory.calls;
    CHECK(copied == calls + 3);
    CHECK_STATUS(scene.ctx, aenc_model_step(scene.model, optimizer, &batch, NULL), AENC_OK);
    CHECK(scene.memory.calls == copied);
    /* a copy that is refused changes nothing, and the gradients still wait */
    CHECK(aenc_runner_refresh(runner) == AENC_OK);
    static float before[ROOM], after[ROOM];
    CHECK_STATUS(scene.ctx, aenc_encode(scene.model, &x, before, ROOM), AENC_OK);
    for (long k = 1; k <= 3; k++) {
        CHECK_STATUS(scene.ctx, aenc_model_gradients(scene.model, &batch, NULL), AENC_OK);
        scene.memory.calls = 0;
        scene.memory.fail_at = k;
        CHECK_STATUS(scene.ctx, aenc_optimizer_apply(optimizer), AENC_ERR_NO_MEMORY);
        scene.memory.fail_at = 0;
        CHECK_STATUS(scene.ctx, aenc_encode(scene.model, &x, after, ROOM), AENC_OK);
        CHECK(memcmp(before, after, sizeof before) == 0);
    }
    CHECK_STATUS(scene.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
    aenc_runner_free(runner);
    aenc_optimizer_free(optimizer);
    scene_free(&scene);
}

/* ---- Order of freeing ---- */

static void test_orders(void) {
    static float out[ROOM];
    aenc_matrix x = {data, NET_ROWS, NET_COLS, 0};
    for (int order = 0; order < 24; order++) {
        struct scene scene;
        scene_create(&scene, 1);
        aenc_runner *a = net_runner(scene.ctx, scene.model, AENC_RUN_RECONSTRUCT, 3);
        aenc_runner *b = net_runner(scene.ctx, scene.model, AENC_RUN_SCORE, 2);
        int left[4] = {0, 1, 2, 3}, code = order;
        for (int n = 4; n > 0; n--) {
            int at = code % n, what = left[at];
            code /= n;
            left[at] = left[n - 1];
            if (what == 0) aenc_context_free(scene.ctx);
            if (what == 1) aenc_model_free(scene.model);
            if (what == 2) CHECK(run_all(a, &x, NULL, out) == AENC_OK), aenc_runner_free(a);
            if (what == 3) CHECK(run_all(b, &x, NULL, out) == AENC_OK), aenc_runner_free(b);
        }
        memory_check_empty(&scene.memory);
    }
}

/* ---- Mistakes ---- */

static bool says(const aenc_runner *runner, const char *word) {
    return strstr(aenc_runner_message(runner), word) != NULL;
}

static void test_run_mistakes(void) {
    static float out[ROOM], bad[NET_ROWS * NET_COLS];
    struct scene scene;
    scene_create(&scene, 1);
    aenc_runner *runner = net_runner(scene.ctx, scene.model, AENC_RUN_RECONSTRUCT, 4);
    aenc_runner *scores = net_runner(scene.ctx, scene.model, AENC_RUN_SCORE, 4);
    aenc_matrix x = {data, NET_ROWS, NET_COLS, 0}, m = x;
    CHECK(strcmp(aenc_runner_message(runner), "") == 0);
    CHECK(run_all(runner, NULL, NULL, out) == AENC_ERR_ARGUMENT && says(runner, "x is NULL"));
    m.data = NULL;
    CHECK(run_all(runner, &m, NULL, out) == AENC_ERR_ARGUMENT && says(runner, "data is NULL"));
    m = x;
    m.rows = 0;
    CHECK(run_all(runner, &m, NULL, out) == AENC_ERR_SHAPE && says(runner, "rows is 0"));
    m = x;
    m.cols = 23;
    CHECK(run_all(runner, &m, NULL, out) == AENC_ERR_SHAPE && says(runner, "23"));
    m = x;
    m.stride = 5;
    CHECK(run_all(runner, &m, NULL, out) == AENC_ERR_SHAPE && says(runner, "stride"));
    CHECK(run_all(runner, &x, &x, out) == AENC_ERR_ARGUMENT && says(runner, "target"));
    CHECK(aenc_runner_run(runner, &x, NULL, NULL, ROOM) == AENC_ERR_ARGUMENT && says(runner, "out"));
    CHECK(aenc_runner_run(runner, &x, NULL, out, 3) == AENC_ERR_SHAPE && says(runner, "3"));
    memcpy(bad, data, sizeof bad);
    bad[2 * NET_COLS + 7] = NAN;
    m = x;
    m.data = bad;
    CHECK(run_all(runner, &m, NULL, out) == AENC_ERR_NONFINITE && says(runner, "x[2, 7]"));
    CHECK(run_all(scores, &x, &m, out) == AENC_ERR_NONFINITE && says(scores, "target"));
    bad[2 * NET_COLS + 7] = 2;
    CHECK(run_all(scores, &x, &m, out) == AENC_ERR_ARGUMENT && says(scores, "loss 'bce'"));
    m = x;
    m.rows = 3;
    CHECK(run_all(scores, &x, &m, out) == AENC_ERR_SHAPE && says(scores, "target has 3 rows"));
    /* each its own message, and none the context's */
    CHECK(says(runner, ", 7]") && strcmp(aenc_message(scene.ctx), "") == 0);
    CHECK(run_all(runner, &x, NULL, out) == AENC_OK && run_all(scores, &x, NULL, out) == AENC_OK);
    CHECK(aenc_runner_run(NULL, &x, NULL, out, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_runner_refresh(NULL) == AENC_ERR_ARGUMENT && says(NULL, "NULL"));
    aenc_runner_free(NULL);
    aenc_runner_free(runner);
    aenc_runner_free(scores);
    scene_free(&scene);
}

static void check_refused(struct scene *scene, aenc_runner_options options, aenc_status want, const char *word) {
    aenc_runner *runner = (void *)scene;
    size_t bytes = 1;
    CHECK_STATUS(scene->ctx, aenc_runner_create(scene->model, &options, &runner), want);
    CHECK(runner == NULL && strstr(aenc_message(scene->ctx), word) != NULL);
    CHECK_STATUS(scene->ctx, aenc_runner_size(scene->model, &options, &bytes), want);
    CHECK(bytes == 0 && strstr(aenc_message(scene->ctx), word) != NULL);
}

static void test_option_mistakes(void) {
    struct scene scene;
    scene_create(&scene, 0);
    aenc_runner_options good = {.struct_size = sizeof good}, o = good;
    aenc_runner *runner = NULL;
    size_t bytes;
    o.task = 7;
    check_refused(&scene, o, AENC_ERR_ARGUMENT, "task is 7");
    o = good;
    o.rows = -1;
    check_refused(&scene, o, AENC_ERR_ARGUMENT, "rows is -1");
    o.rows = INT64_MAX;
    check_refused(&scene, o, AENC_ERR_ARGUMENT, "rows is");
    o = good;
    o.memory_size = 9;
    check_refused(&scene, o, AENC_ERR_ARGUMENT, "memory_size is 9");
    o = good;
    o.struct_size = 3;
    check_refused(&scene, o, AENC_ERR_ARGUMENT, "struct_size");
    CHECK_STATUS(scene.ctx, aenc_runner_create(scene.model, &good, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(scene.ctx, aenc_runner_size(scene.model, &good, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_runner_create(NULL, &good, &runner) == AENC_ERR_ARGUMENT && runner == NULL);
    CHECK(aenc_runner_size(NULL, &good, &bytes) == AENC_ERR_ARGUMENT && bytes == 0);
    /* a capacity beyond memory: refused by the allocator, whose limit it is */
    scene.memory.limit = (size_t)1 << 22;
    o = good;
    o.rows = INT32_MAX;
    check_refused(&scene, o, AENC_ERR_NO_MEMORY, "");
    scene.memory.limit = 0;
    CHECK_STATUS(scene.ctx, aenc_runner_create(scene.model, NULL, &runner), AENC_OK);
    aenc_runner_free(runner);
    scene_free(&scene);
}

int main(void) {
    net_data(data);
    for (size_t i = 0; i < NET_ROWS * NET_COLS; i++) other[i] = data[(i * 5 + 3) % (NET_ROWS * NET_COLS)];
    for (size_t net = 0; net < NET_COUNT; net++)
        for (size_t j = 0; j < NET_TASKS; j++) test_task(net, net_tasks[j]);
    for (size_t net = 0; net < NET_COUNT; net++)
        for (size_t shift = 0; shift < 64; shift += 9) test_block(net, shift);
    test_snapshot();
    test_copies();
    test_orders();
    test_run_mistakes();
    test_option_mistakes();
    return check_finish();
}
