/* refusals_test.c - allocation failing at the k-th call, for every k, once and from then on, where tests/api/oom_test.c does
 * not go: the context itself with threads, every layer, loss, optimizer and schedule, and whole runs on several threads. */
#include "api/memory.h"

enum { ROWS = 160, COLS = 4, THREADS = 3 }; /* more rows than one shard or chunk has */

static float data[ROWS * COLS];
static long scenes;

/* ---- The context ---- */

static bool context_once(int64_t threads, long k, bool for_good) {
    struct memory memory = {.fail_at = k, .for_good = for_good};
    aenc_context_options options = {.struct_size = sizeof options,
                                    .threads = threads,
                                    .allocate = memory_allocate,
                                    .release = memory_release,
                                    .allocator_user = &memory};
    aenc_context *ctx = (aenc_context *)&memory;
    aenc_status status = aenc_context_create(&options, &ctx);
    bool refused = memory.refused > 0;
    CHECK(status == (refused ? AENC_ERR_NO_MEMORY : AENC_OK));
    CHECK((ctx == NULL) == refused);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    scenes++;
    return refused;
}

/* ---- A model's whole life ---- */

struct life {
    const char *name, *description, *optimizer, *schedule;
};

#define SEQUENCE(layers) "{\"type\":\"sequential\",\"layers\":[" layers "]}"
#define DENSE(units, activation) "{\"type\":\"dense\",\"units\":" units ",\"activation\":\"" activation "\"}"

static const struct life lives[] = {
    {"dense, bce, adam", "{\"input\":[4],\"encoder\":" SEQUENCE(DENSE("3", "gelu") "," DENSE("2", "tanh")) ",\"output\":"
     "\"sigmoid\",\"loss\":\"bce\"}", "adam", "cosine:warmup=0.1"},
    {"norms, mae, adamw", "{\"input\":[2,2],\"encoder\":" SEQUENCE("{\"type\":\"flatten\"}," DENSE("3", "relu") ","
     "{\"type\":\"batch_norm\"},{\"type\":\"layer_norm\"},{\"type\":\"dropout\",\"rate\":0.25}," DENSE("2", "identity"))
     ",\"loss\":\"mae\"}", "adamw:weight_decay=0.1", "plateau:factor=0.5,patience=0"},
    {"residual, huber, rmsprop", "{\"input\":[4],\"encoder\":{\"type\":\"residual\",\"layers\":[" DENSE("4", "silu") "]},"
     "\"loss\":\"huber:delta=0.5\"}", "rmsprop", "step:every=1,factor=0.5"},
    {"reshape, gaussian_nll, nesterov", "{\"input\":[4],\"encoder\":" SEQUENCE("{\"type\":\"reshape\",\"dims\":[2,2]},"
     DENSE("1", "softplus")) ",\"loss\":\"gaussian_nll\"}", "nesterov:lr=1e-3", "warmup:steps=3"},
    {"elu, cosine, momentum", "{\"input\":[4],\"encoder\":" SEQUENCE(DENSE("3", "identity") ",{\"type\":\"elu\"}")
     ",\"loss\":\"cosine\"}", "momentum:lr=1e-3", "constant"},
    {"orthogonal, mse, sgd", "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2,\"init\":\"orthogonal\"}}",
     "sgd:lr=1e-3", NULL},
};

static aenc_status train(aenc_model *model, const struct life *life) {
    aenc_optimizer *optimizer = NULL;
    const aenc_matrix x = {data, ROWS, COLS, 0}, valid = {data, ROWS / 2, COLS, 0};
    float weight[ROWS];
    double loss;
    for (size_t i = 0; i < ROWS; i++) weight[i] = (float)(i % 3);
    aenc_batch batch = {.struct_size = sizeof batch, .input = x, .weight = weight, .weight_count = ROWS};
    aenc_status status = aenc_optimizer_create(model, life->optimizer, &optimizer);
    if (status == AENC_OK) status = aenc_optimizer_set_clipping(optimizer, 0.5, 0.1);
    if (status == AENC_OK) status = aenc_model_step(model, optimizer, &batch, NULL);
    if (status == AENC_OK) status = aenc_model_evaluate(model, &batch, &loss);
    aenc_optimizer_free(optimizer);
    aenc_fit_options options = {.struct_size = sizeof options,
                                .optimizer = life->optimizer,
                                .schedule = life->schedule,
                                .epochs = 2,
                                .batch = 100,
                                .target = &x,
                                .valid = &valid,
                                .valid_target = &valid,
                                .patience = 1,
                                .clip_norm = 1};
    return status == AENC_OK ? aenc_fit(model, &x, &options) : status;
}

static aenc_status live(aenc_context *ctx, const struct life *life) {
    static unsigned char file[1 << 15];
    static float out[2 * ROWS * COLS];
    const aenc_matrix x = {data, ROWS, COLS, 0};
    aenc_model *model = NULL, *copy = NULL;
    size_t size = 0;
    aenc_status status = aenc_model_parse(ctx, life->description, strlen(life->description), &model);
    CHECK((status == AENC_OK) == (model != NULL));
    if (status == AENC_OK) status = train(model, life);
    if (status == AENC_OK) status = aenc_reconstruct(model, &x, out, 2 * ROWS * COLS);
    if (status == AENC_OK) status = aenc_score(model, &x, &x, out, ROWS);
    if (status == AENC_OK) status = aenc_model_save_memory(model, file, sizeof file, &size);
    if (status == AENC_OK) status = aenc_model_load_memory(ctx, file, size, &copy);
    if (status == AENC_OK) status = aenc_encode(copy, &x, out, 2 * ROWS * COLS);
    aenc_model_free(copy);
    aenc_model_free(model);
    return status;
}

static bool live_once(const struct life *life, int64_t threads, long k, bool for_good) {
    struct memory memory;
    memset(&memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory, 7, threads);
    const long blocks = memory.blocks;
    int failures = check_failures;
    memory.calls = 0;
    memory.fail_at = k;
    memory.for_good = for_good;
    aenc_status status = live(ctx, life);
    bool refused = memory.refused > 0;
    memory.fail_at = 0;
    scenes++;
    CHECK_STATUS(ctx, status, refused ? AENC_ERR_NO_MEMORY : AENC_OK);
    CHECK(memory.blocks == blocks);
    CHECK(!refused || aenc_message(ctx)[0] != '\0');
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    if (check_failures > failures)
        fprintf(stderr, "  in '%s', %d threads, allocation %ld%s\n", life->name, (int)threads, k,
                for_good ? " and all after it" : "");
    return refused;
}

/* Until a run in which nothing was refused. */
static void exhaust(const struct life *life, int64_t threads, bool for_good) {
    long k = 1;
    while (live_once(life, threads, k, for_good)) k++;
    CHECK(k > 20);
}

int main(void) {
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 13) % 17) / 17.0f;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int64_t threads = 1; threads <= THREADS; threads++) {
            long k = 1;
            while (context_once(threads, k, for_good)) k++;
            CHECK(k > 1);
        }
        for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) exhaust(&lives[i], 1, for_good);
        exhaust(&lives[1], THREADS, for_good);
    }
    fprintf(stderr, "%ld scenes\n", scenes);
    return check_finish();
}
