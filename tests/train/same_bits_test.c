/* same_bits_test.c - a fit has the same bits on 1, 2, 3 and 8 threads: parameters and states, byte for byte, the losses of
 * every epoch, and what the trained model makes of the data; over nets with several shards of a batch and several tiles of a
 * weight, with dropout and batch norm, from a matrix, from a stream that is read ahead, and in partial fits. And a gradient
 * has the same bits whatever the model was asked before. */
#include "train/trial.h"

enum { ROWS = 700, IN = 48, CODE = 6, EPOCHS = 3, BYTES = 1 << 22 };

/* 1500 x 120 numbers are three tiles, 48 x 1500 two; a batch of 256 rows is four shards, its last one of 188 three. */
static const char wide[] =
    "{\"input\":[48],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":1500},"
    "{\"type\":\"batch_norm\"},{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.3},"
    "{\"type\":\"dense\",\"units\":120,\"activation\":\"tanh\"},{\"type\":\"layer_norm\"},{\"type\":\"dense\",\"units\":6}]}}";
static const char narrow[] =
    "{\"input\":[48],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":40},{\"type\":\"residual\","
    "\"layers\":[{\"type\":\"batch_norm\"},{\"type\":\"gelu\"},{\"type\":\"dropout\",\"rate\":0.1},"
    "{\"type\":\"dense\",\"units\":40}]},{\"type\":\"dense\",\"units\":6}]},\"loss\":\"gaussian_nll\"}";

/* The metric of the last weight, 48 x 40, pays for many rows alone. */
static const char contractive[] =
    "{\"input\":[48],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":44,"
    "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2,\"activation\":\"tanh\"}]},"
    "\"penalties\":[\"contractive:weight=0.1\"]}";

enum how { MATRIX, STREAM, PARTIAL };

struct way {
    const char *description, *optimizer, *schedule;
    enum how how;
    int64_t batch;
    double validation_fraction, clip_norm;
};

struct result {
    unsigned char bytes[BYTES]; /* the model file */
    size_t size;
    double loss[EPOCHS][3]; /* train, valid, norm of the gradient */
    float code[ROWS * CODE], score[ROWS];
};

static float data[ROWS * IN];

static int feed(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    size_t *at = user;
    (void)target;
    *got = ROWS - *at < rows ? ROWS - *at : rows;
    memcpy(input, data + *at * IN, *got * IN * sizeof *input);
    for (size_t i = 0; i < *got; i++) weight[i] = (float)(1 + (*at + i) % 3);
    *at += *got;
    return 0;
}

static int feed_seek(void *user, uint64_t position) {
    *(size_t *)user = (size_t)position;
    return 0;
}

static aenc_status fit(const struct trial *trial, const struct way *way) {
    const aenc_matrix x = {data, ROWS, IN, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = EPOCHS, .optimizer = way->optimizer,
                                .schedule = way->schedule, .batch = way->batch, .validation_fraction = way->validation_fraction,
                                .clip_norm = way->clip_norm};
    if (way->how == MATRIX) return aenc_fit(trial->model, &x, &options);
    if (way->how == PARTIAL) {
        options.epochs = 0;
        aenc_status status = aenc_partial_fit(trial->model, &x, &options);
        return status == AENC_OK ? aenc_partial_fit(trial->model, &x, &options) : status;
    }
    size_t at = 0;
    aenc_source *source = NULL;
    const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = IN, .rows = ROWS, .read = feed,
                                             .seek = feed_seek, .user = &at, .read_ahead = 1};
    aenc_status status = aenc_source_callback(trial->ctx, &callbacks, &source);
    if (status == AENC_OK) status = aenc_fit_source(trial->model, source, &options);
    aenc_source_free(source);
    return status;
}

static void train(const struct way *way, int64_t threads, struct result *out) {
    const aenc_matrix x = {data, ROWS, IN, 0};
    struct trial trial = trial_create(way->description, 31, threads);
    memset(out, 0, sizeof *out);
    CHECK_STATUS(trial.ctx, fit(&trial, way), AENC_OK);
    for (size_t e = 0; e < aenc_model_history_count(trial.model); e++) {
        aenc_progress now = {.struct_size = sizeof now};
        CHECK_STATUS(trial.ctx, aenc_model_history(trial.model, e, &now), AENC_OK);
        const double losses[3] = {now.train_loss, now.valid_loss, now.gradient_norm};
        memcpy(out->loss[e], losses, sizeof losses);
    }
    CHECK_STATUS(trial.ctx, aenc_encode(trial.model, &x, out->code, ROWS * CODE), AENC_OK);
    CHECK_STATUS(trial.ctx, aenc_score(trial.model, &x, NULL, out->score, ROWS), AENC_OK);
    CHECK_STATUS(trial.ctx, aenc_model_save_memory(trial.model, out->bytes, BYTES, &out->size), AENC_OK);
    trial_free(&trial);
}

static void test_way(const struct way *way) {
    static struct result alone, other;
    static const int64_t threads[] = {2, 3, 8};
    train(way, 1, &alone);
    for (int i = 0; i < 3; i++) {
        train(way, threads[i], &other);
        bool same = alone.size == other.size && memcmp(alone.bytes, other.bytes, alone.size) == 0;
        if (!same) fprintf(stderr, "%s on %d threads: other bits\n", way->optimizer, (int)threads[i]);
        CHECK(same);
        CHECK(memcmp(alone.loss, other.loss, sizeof alone.loss) == 0);
        CHECK(memcmp(alone.code, other.code, sizeof alone.code) == 0);
        CHECK(memcmp(alone.score, other.score, sizeof alone.score) == 0);
    }
}

/* The gradient of few rows at the very first weight, by themselves or after one of many, for which the tape had to be larger. */
static void test_history(const char *description) {
    static float gradient[2][IN * 1500];
    size_t count = 0;
    for (int after = 0; after < 2; after++) {
        struct trial trial = trial_create(description, 31, 2);
        aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, IN, 0}};
        if (after) CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
        batch.input.rows = 40;
        CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
        aenc_tensor *tensor;
        CHECK_STATUS(trial.ctx, aenc_model_gradient_get(trial.model, "encoder.0.weight", &tensor), AENC_OK);
        count = aenc_tensor_count(tensor);
        CHECK(aenc_tensor_read(tensor, gradient[after], count) == AENC_OK);
        aenc_tensor_free(tensor);
        trial_free(&trial);
    }
    CHECK(memcmp(gradient[0], gradient[1], count * sizeof(float)) == 0);
}

int main(void) {
    static const struct way ways[] = {
        {wide, "adam:lr=0.002", "cosine:warmup=0.1", MATRIX, 256, 0, 0},
        {wide, "momentum:lr=0.01", "constant", STREAM, 200, 0, 0.5},
        {wide, "adam", "constant", MATRIX, 96, 0, 0}, /* cut by columns */
        {narrow, "adamw:lr=0.003,weight_decay=0.01", "plateau:patience=0", MATRIX, 0, 0.2, 1},
        {narrow, "rmsprop", "constant", PARTIAL, 130, 0, 1},
        {narrow, "nesterov:lr=0.001", "step:every=1,factor=0.5", MATRIX, 700, 0, 1},
    };
    trial_fill(data, ROWS * IN, 32);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) test_way(&ways[i]);
    test_history(wide);
    test_history(narrow);
    test_history(contractive);
    return check_finish();
}
