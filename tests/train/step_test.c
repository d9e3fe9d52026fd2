/* step_test.c - one training step: gradients, their application, weights, clipping, freezing; the same bits from the
 * same seed; what is said when it diverges. */
#include "train/trial.h"

enum { IN = 6 };

static const char plain[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
    "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}";
/* Everything that draws, counts or keeps running statistics. */
static const char noisy[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":40},"
    "{\"type\":\"batch_norm\"},"
    "{\"type\":\"gelu\"},{\"type\":\"dropout\",\"rate\":0.2},{\"type\":\"layer_norm\"},"
    "{\"type\":\"dense\",\"units\":3}]},"
    "\"loss\":\"huber\"}";

static aenc_batch batch_of(const float *x, size_t rows) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = {x, rows, IN, 0}};
    return batch;
}

static size_t gradient(const struct trial *trial, const char *name, float *out, size_t room) {
    aenc_tensor *tensor;
    CHECK_STATUS(trial->ctx, aenc_model_gradient_get(trial->model, name, &tensor), AENC_OK);
    size_t count = aenc_tensor_count(tensor);
    if (count > room) exit(2);
    CHECK_STATUS(trial->ctx, aenc_tensor_read(tensor, out, count), AENC_OK);
    aenc_tensor_free(tensor);
    return count;
}

/* Of every parameter of `plain`, one behind the other. */
static size_t gradients(const struct trial *trial, float *out, size_t room) {
    size_t used = 0;
    for (size_t i = 0; i < aenc_model_tensor_count(trial->model); i++)
        used += gradient(trial, aenc_model_tensor_name(trial->model, i), out + used, room - used);
    return used;
}

/* ---- Weights of rows ---- */

static void test_weights(void) {
    enum { ROWS = 5, REPEATED = 7 };
    const float weight[ROWS] = {1, 3, 0, 2, 1};
    float x[ROWS * IN], y[REPEATED * IN], a[256], b[256];
    double loss, repeated;
    struct trial trial = trial_create(plain, 1, 1);
    trial_fill(x, ROWS * IN, 1);
    size_t used = 0;
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < (int)weight[r]; k++) memcpy(y + IN * used++, x + IN * r, IN * sizeof *x);
    CHECK(used == REPEATED);
    aenc_batch weighted = batch_of(x, ROWS), plainly = batch_of(y, REPEATED);
    weighted.weight = weight;
    weighted.weight_count = ROWS;
    CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &weighted, &loss), AENC_OK);
    size_t count = gradients(&trial, a, 256);
    CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &plainly, &repeated), AENC_OK);
    CHECK(gradients(&trial, b, 256) == count && count == aenc_model_parameter_size(trial.model));
    CHECK_NEAR(loss, repeated, 1e-7);
    for (size_t i = 0; i < count; i++) CHECK_NEAR((double)a[i], (double)b[i], 1e-6);
    CHECK_STATUS(trial.ctx, aenc_model_evaluate(trial.model, &weighted, &loss), AENC_OK);
    CHECK_NEAR(loss, repeated, 1e-7);
    trial_free(&trial);
}

/* ---- Gradients against differences of the loss ---- */

static void test_differences(void) {
    enum { ROWS = 8 };
    const float step = 0.01f;
    float x[ROWS * IN], g[64], values[64];
    struct trial trial = trial_create(plain, 2, 1);
    trial_fill(x, ROWS * IN, 2);
    aenc_batch batch = batch_of(x, ROWS);
    for (size_t p = 0; p < aenc_model_tensor_count(trial.model); p++) {
        const char *name = aenc_model_tensor_name(trial.model, p);
        aenc_tensor *tensor;
        CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
        size_t count = gradient(&trial, name, g, 64);
        CHECK_STATUS(trial.ctx, aenc_model_tensor_get(trial.model, name, &tensor), AENC_OK);
        CHECK(aenc_tensor_read(tensor, values, count) == AENC_OK);
        for (size_t i = 0; i < count; i++) {
            double loss[2];
            float keep = values[i];
            for (int side = 0; side < 2; side++) {
                values[i] = keep + (side == 0 ? -step : step);
                CHECK(aenc_tensor_write(tensor, values, count) == AENC_OK);
                CHECK(aenc_model_tensor_set(trial.model, name, tensor) == AENC_OK);
                CHECK(aenc_model_evaluate(trial.model, &batch, &loss[side]) == AENC_OK);
            }
            values[i] = keep;
            CHECK_NEAR((double)g[i], (loss[1] - loss[0]) / (2 * (double)step), 1e-4);
        }
        CHECK(aenc_tensor_write(tensor, values, count) == AENC_OK);
        CHECK(aenc_model_tensor_set(trial.model, name, tensor) == AENC_OK);
        aenc_tensor_free(tensor);
    }
    trial_free(&trial);
}

/* ---- A step is gradients and their application ---- */

static void test_apply(void) {
    enum { ROWS = 40 };
    float x[ROWS * IN];
    double loss, losses[2];
    struct trial whole = trial_create(noisy, 3, 1), apart = trial_create(noisy, 3, 1);
    aenc_optimizer *a, *b;
    trial_fill(x, ROWS * IN, 3);
    aenc_batch batch = batch_of(x, ROWS);
    CHECK_STATUS(whole.ctx, aenc_optimizer_create(whole.model, "adamw:lr=0.01", &a), AENC_OK);
    CHECK_STATUS(apart.ctx, aenc_optimizer_create(apart.model, "adamw:lr=0.01", &b), AENC_OK);
    for (int step = 0; step < 5; step++) {
        CHECK_STATUS(whole.ctx, aenc_model_step(whole.model, a, &batch, &losses[0]), AENC_OK);
        /* gradients that are not applied leave no trace; the last ones count */
        for (int k = 0; k < 2; k++)
            CHECK_STATUS(apart.ctx, aenc_model_gradients(apart.model, &batch, &losses[1]), AENC_OK);
        CHECK_STATUS(apart.ctx, aenc_model_evaluate(apart.model, &batch, &loss), AENC_OK);
        CHECK(!trial_same(&whole, &apart));
        CHECK_STATUS(apart.ctx, aenc_optimizer_apply(b), AENC_OK);
        CHECK(losses[0] == losses[1] && trial_same(&whole, &apart));
        CHECK(aenc_optimizer_apply(b) == AENC_ERR_ARGUMENT);
    }
    aenc_optimizer_free(a);
    aenc_optimizer_free(b);
    trial_free(&whole);
    trial_free(&apart);
}

/* Steps that use gradients up tile by tile, and those that cannot, end with the bits of gradients and their application. */
struct at_once {
    const char *description, *frozen;
    float scale; /* of the data: beyond 1e12 nothing is certain to be finite beforehand */
    double clip_norm;
};

static const struct at_once at_once[] = {
    {plain, NULL, 1, 0},
    {plain, NULL, 1, 0.1},
    {plain, NULL, 3e12f, 0},
    {plain, "encoder.0.weight", 1, 0}, /* its bias is trained */
    {noisy, "encoder.1", 1, 0},
    {"{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4},\"tied\":true,"
     "\"penalties\":[{\"type\":\"l1\",\"weight\":0.1}]}",
     NULL, 1, 0},
    {"{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4},"
     "\"penalties\":[{\"type\":\"l2_weights\",\"weight\":0.1}]}",
     NULL, 1, 0},
    {"{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2000},\"decoder\":{\"type\":\"dense\",\"units\":6}}", NULL,
     1, 0},
};

static void test_at_once(void) {
    enum { ROWS = 150, STEPS = 4 };
    static float x[ROWS * IN];
    for (size_t i = 0; i < sizeof at_once / sizeof *at_once; i++) {
        const struct at_once *how = &at_once[i];
        struct trial whole = trial_create(how->description, 7, 3), apart = trial_create(how->description, 7, 1);
        struct trial *const both[] = {&whole, &apart};
        aenc_optimizer *optimizer[2];
        double losses[2];
        trial_fill(x, ROWS * IN, 8);
        for (int k = 0; k < ROWS * IN; k++) x[k] *= how->scale;
        aenc_batch batch = batch_of(x, ROWS);
        for (int k = 0; k < 2; k++) {
            aenc_context *ctx = both[k]->ctx;
            if (how->frozen != NULL) CHECK_STATUS(ctx, aenc_model_freeze(both[k]->model, how->frozen, 1), AENC_OK);
            CHECK_STATUS(ctx, aenc_optimizer_create(both[k]->model, "adamw:lr=0.01", &optimizer[k]), AENC_OK);
            CHECK_STATUS(ctx, aenc_optimizer_set_clipping(optimizer[k], how->clip_norm, 0), AENC_OK);
        }
        for (int step = 0; step < STEPS; step++) {
            CHECK_STATUS(whole.ctx, aenc_model_step(whole.model, optimizer[0], &batch, &losses[0]), AENC_OK);
            CHECK_STATUS(apart.ctx, aenc_model_gradients(apart.model, &batch, &losses[1]), AENC_OK);
            CHECK_STATUS(apart.ctx, aenc_optimizer_apply(optimizer[1]), AENC_OK);
            CHECK(losses[0] == losses[1] && trial_same(&whole, &apart));
        }
        for (int k = 0; k < 2; k++) {
            aenc_optimizer_free(optimizer[k]);
            trial_free(both[k]);
        }
    }
}

/* A gradient that overflows where the loss does not: not even the parameters whose gradients are finite have moved. */
static void test_overflow(void) {
    enum { ROWS = 200, UNITS = 5 };
    static float x[ROWS * IN], target[ROWS * IN];
    float weight[UNITS * IN];
    struct trial trial = trial_create(plain, 9, 2), twin = trial_create(plain, 9, 1);
    struct trial *const both[] = {&trial, &twin};
    aenc_optimizer *optimizer;
    aenc_tensor *tensor;
    for (int i = 0; i < UNITS * IN; i++) weight[i] = 1e-39f * (float)(i % 4 + 1);
    for (int i = 0; i < ROWS * IN; i++) x[i] = 1e38f, target[i] = 1 + (float)(i % IN);
    for (int k = 0; k < 2; k++) {
        CHECK_STATUS(both[k]->ctx, aenc_model_tensor_get(both[k]->model, "encoder.0.weight", &tensor), AENC_OK);
        CHECK(aenc_tensor_write(tensor, weight, UNITS * IN) == AENC_OK);
        CHECK(aenc_model_tensor_set(both[k]->model, "encoder.0.weight", tensor) == AENC_OK);
        aenc_tensor_free(tensor);
    }
    CHECK_STATUS(trial.ctx, aenc_optimizer_create(trial.model, "adam", &optimizer), AENC_OK);
    aenc_batch batch = batch_of(x, ROWS);
    batch.target = (aenc_matrix){target, ROWS, IN, 0};
    double loss;
    CHECK_STATUS(trial.ctx, aenc_model_evaluate(trial.model, &batch, &loss), AENC_OK);
    CHECK(loss - loss == 0);
    CHECK_STATUS(trial.ctx, aenc_model_step(trial.model, optimizer, &batch, NULL), AENC_ERR_DIVERGED);
    CHECK(strstr(aenc_message(trial.ctx), "encoder.0.weight") != NULL && trial_same(&trial, &twin));
    trial_fill(x, ROWS * IN, 9);
    CHECK_STATUS(trial.ctx, aenc_model_step(trial.model, optimizer, &batch, NULL), AENC_OK);
    CHECK(!trial_same(&trial, &twin) && trial_finite(&trial));
    aenc_optimizer_free(optimizer);
    trial_free(&trial);
    trial_free(&twin);
}

/* Gradients draw the same until they are applied, then anew. */
static void test_draws(void) {
    enum { ROWS = 40 };
    static const char dropping[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":["
                                   "{\"type\":\"dropout\"},{\"type\":\"dense\",\"units\":2}]}}";
    float x[ROWS * IN];
    double loss[4];
    struct trial trial = trial_create(dropping, 3, 1);
    aenc_optimizer *optimizer;
    trial_fill(x, ROWS * IN, 3);
    aenc_batch batch = batch_of(x, ROWS);
    CHECK_STATUS(trial.ctx, aenc_optimizer_create(trial.model, "sgd:lr=0", &optimizer), AENC_OK);
    for (int k = 0; k < 4; k++) {
        CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, &loss[k]), AENC_OK);
        if (k > 0) CHECK_STATUS(trial.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
    }
    CHECK(loss[0] == loss[1] && loss[1] != loss[2] && loss[2] != loss[3]);
    aenc_optimizer_free(optimizer);
    trial_free(&trial);
}

/* Running statistics move with the application: a tenth of the way to the batch's mean and unbiased variance. */
static void test_states(void) {
    enum { ROWS = 40 };
    static const char norm[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":["
                               "{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":2}]}}";
    float x[ROWS * IN], mean[IN], variance[IN];
    struct trial trial = trial_create(norm, 3, 1);
    aenc_optimizer *optimizer;
    trial_fill(x, ROWS * IN, 3);
    aenc_batch batch = batch_of(x, ROWS);
    CHECK_STATUS(trial.ctx, aenc_optimizer_create(trial.model, "sgd:lr=0", &optimizer), AENC_OK);
    CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
    CHECK(trial_read(&trial, "encoder.0.running_mean", mean, IN) == IN);
    CHECK(trial_read(&trial, "encoder.0.running_var", variance, IN) == IN);
    for (int i = 0; i < IN; i++) CHECK(mean[i] == 0 && variance[i] == 1);
    CHECK_STATUS(trial.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
    trial_read(&trial, "encoder.0.running_mean", mean, IN);
    trial_read(&trial, "encoder.0.running_var", variance, IN);
    for (int i = 0; i < IN; i++) {
        double sum = 0, square = 0;
        for (int r = 0; r < ROWS; r++) sum += (double)x[r * IN + i] / ROWS;
        for (int r = 0; r < ROWS; r++) square += pow((double)x[r * IN + i] - sum, 2) / (ROWS - 1);
        CHECK_NEAR((double)mean[i], 0.1 * sum, 1e-6);
        CHECK_NEAR((double)variance[i], 0.9 + 0.1 * square, 1e-6);
    }
    aenc_optimizer_free(optimizer);
    trial_free(&trial);
}

/* ---- Clipping ---- */

/* One step of plain gradient descent at rate 1 moves each number by its gradient, as it was clipped. */
static void test_clipping(void) {
    enum { ROWS = 16 };
    const double limits[][2] = {{0, 0}, {0.01, 0}, {0, 0.002}, {1e6, 1e6}};
    float x[ROWS * IN], g[256], before[256], after[256];
    trial_fill(x, ROWS * IN, 4);
    aenc_batch batch = batch_of(x, ROWS);
    for (int k = 0; k < 4; k++) {
        struct trial trial = trial_create(plain, 4, 1);
        aenc_optimizer *optimizer;
        double norm = 0;
        CHECK_STATUS(trial.ctx, aenc_optimizer_create(trial.model, "sgd:lr=1", &optimizer), AENC_OK);
        CHECK_STATUS(trial.ctx, aenc_optimizer_set_clipping(optimizer, limits[k][0], limits[k][1]), AENC_OK);
        CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
        size_t count = gradients(&trial, g, 256);
        CHECK(trial_numbers(&trial, before) == count);
        CHECK_STATUS(trial.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
        trial_numbers(&trial, after);
        for (size_t i = 0; i < count; i++) norm += (double)g[i] * (double)g[i];
        norm = sqrt(norm);
        CHECK(norm > 0.05);
        double factor = limits[k][0] > 0 && norm > limits[k][0] ? limits[k][0] / norm : 1;
        for (size_t i = 0; i < count; i++) {
            double want = factor * (double)g[i];
            if (limits[k][1] > 0 && fabs(want) > limits[k][1]) want = copysign(limits[k][1], want);
            CHECK_NEAR((double)before[i] - (double)after[i], want, 1e-6);
        }
        aenc_optimizer_free(optimizer);
        trial_free(&trial);
    }
}

static int norm_keep(void *user, const aenc_progress *now) {
    *(double *)user = now->gradient_norm;
    return 0;
}

static void test_fit_clipping(void) {
    enum { ROWS = 16 };
    float x[ROWS * IN], g[256], before[256], after[256];
    struct trial trial = trial_create(plain, 4, 1);
    double told = 0, norm = 0, moved = 0;
    trial_fill(x, ROWS * IN, 4);
    aenc_batch batch = batch_of(x, ROWS);
    aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "sgd:lr=1", .epochs = 1,
                                .clip_norm = 0.01, .progress = norm_keep, .progress_user = &told};
    CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
    size_t count = gradients(&trial, g, 256);
    trial_numbers(&trial, before);
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &batch.input, &options), AENC_OK);
    trial_numbers(&trial, after);
    for (size_t i = 0; i < count; i++) {
        norm += (double)g[i] * (double)g[i];
        moved += ((double)after[i] - (double)before[i]) * ((double)after[i] - (double)before[i]);
    }
    CHECK_NEAR(told, sqrt(norm), 1e-6);
    CHECK_NEAR(sqrt(moved), 0.01, 1e-5);
    trial_free(&trial);
}

/* ---- Freezing ---- */

static void test_freeze(void) {
    enum { ROWS = 20 };
    float x[ROWS * IN], before[64], after[64];
    const char *const frozen[] = {"encoder.0.weight", "encoder.0.bias"};
    const char *const trained[] = {"encoder.1.bias", "decoder.1.bias"};
    trial_fill(x, ROWS * IN, 5);
    aenc_matrix input = {x, ROWS, IN, 0};
    aenc_fit_options options = {
        .struct_size = sizeof options, .optimizer = "adamw:lr=0.01,weight_decay=0.1", .epochs = 3};
    struct trial trial = trial_create(plain, 5, 1), other = trial_create(plain, 5, 1);
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
    for (int k = 0; k < 2; k++) {
        CHECK_STATUS(trial.ctx, aenc_model_freeze(trial.model, "encoder.0", k == 0), AENC_OK);
        for (int i = 0; i < 2; i++) {
            size_t count = trial_read(&trial, frozen[i], before, 64);
            CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
            trial_read(&trial, frozen[i], after, 64);
            CHECK((memcmp(before, after, count * sizeof *after) == 0) == (k == 0));
            count = trial_read(&trial, trained[i], before, 64);
            CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
            trial_read(&trial, trained[i], after, 64);
            CHECK(memcmp(before, after, count * sizeof *after) != 0);
        }
    }
    /* with everything frozen nothing moves */
    CHECK_STATUS(other.ctx, aenc_model_freeze(other.model, "", 1), AENC_OK);
    aenc_status status = aenc_fit(other.model, &input, &options);
    struct trial fresh = trial_create(plain, 5, 1);
    CHECK_STATUS(other.ctx, status, AENC_OK);
    CHECK(trial_same(&other, &fresh));
    trial_free(&fresh);
    trial_free(&other);
    trial_free(&trial);
}

/* What is not trained has no gradient and no share in the norm, whatever an earlier step left. */
static void test_frozen_gradient(void) {
    enum { ROWS = 20 };
    float x[ROWS * IN], g[64];
    double norm[2];
    aenc_tensor *tensor;
    trial_fill(x, ROWS * IN, 5);
    aenc_batch batch = batch_of(x, ROWS);
    for (int k = 0; k < 2; k++) {
        struct trial trial = trial_create(plain, 5, 1);
        aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .progress = norm_keep,
                                    .progress_user = &norm[k]};
        if (k == 1) CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
        CHECK_STATUS(trial.ctx, aenc_model_freeze(trial.model, "encoder.0", 1), AENC_OK);
        CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_OK);
        CHECK(gradient(&trial, "encoder.1.weight", g, 64) == 10);
        CHECK_STATUS(trial.ctx, aenc_model_gradient_get(trial.model, "encoder.0.weight", &tensor), AENC_ERR_ARGUMENT);
        CHECK(tensor == NULL && strstr(aenc_message(trial.ctx), "encoder.0.weight") != NULL);
        CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &batch.input, &options), AENC_OK);
        trial_free(&trial);
    }
    CHECK(norm[0] == norm[1]);
}

/* ---- The same seed, the same bits ---- */

static void train(struct trial *trial, const aenc_matrix *input) {
    aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "adam:lr=0.01", .schedule = "cosine",
                                .epochs = 3, .batch = 256, .validation_fraction = 0.1, .clip_norm = 0.5};
    CHECK_STATUS(trial->ctx, aenc_fit(trial->model, input, &options), AENC_OK);
}

static void test_threads(void) {
    enum { ROWS = 900, CODE = 3 };
    static float x[ROWS * IN], code[4][ROWS * CODE];
    trial_fill(x, ROWS * IN, 6);
    aenc_matrix input = {x, ROWS, IN, 0};
    struct trial one = trial_create(noisy, 6, 1);
    train(&one, &input);
    CHECK_STATUS(one.ctx, aenc_encode(one.model, &input, code[1], ROWS * CODE), AENC_OK);
    for (int64_t threads = 1; threads <= 3; threads++) {
        struct trial other = trial_create(noisy, 6, threads);
        train(&other, &input);
        CHECK(trial_same(&one, &other));
        CHECK_STATUS(other.ctx, aenc_encode(other.model, &input, code[threads], ROWS * CODE), AENC_OK);
        CHECK(memcmp(code[1], code[threads], sizeof code[1]) == 0);
        for (size_t e = 0; e < 3; e++) {
            aenc_progress a = {.struct_size = sizeof a}, b = a;
            CHECK(aenc_model_history(one.model, e, &a) == AENC_OK && aenc_model_history(other.model, e, &b) == AENC_OK);
            CHECK(a.train_loss == b.train_loss && a.valid_loss == b.valid_loss && a.gradient_norm == b.gradient_norm);
        }
        trial_free(&other);
    }
    struct trial other = trial_create(noisy, 7, 1);
    train(&other, &input);
    CHECK(!trial_same(&one, &other));
    trial_free(&other);
    trial_free(&one);
}

/* ---- Divergence ---- */

/* Whether the message says what was not finite. */
static bool names_culprit(const struct trial *trial) {
    const char *message = aenc_message(trial->ctx);
    if (strstr(message, "loss") != NULL) return true;
    for (size_t i = 0; i < aenc_model_tensor_count(trial->model); i++)
        if (strstr(message, aenc_model_tensor_name(trial->model, i)) != NULL) return true;
    return false;
}

static void test_divergence(const char *optimizer) {
    enum { ROWS = 32 };
    float x[ROWS * IN], code[ROWS * 2];
    trial_fill(x, ROWS * IN, 8);
    aenc_matrix input = {x, ROWS, IN, 0};
    for (int split = 0; split < 2; split++) {
        struct trial trial = trial_create(plain, 8, 1);
        aenc_fit_options options = {.struct_size = sizeof options, .optimizer = optimizer, .epochs = 100, .batch = 8,
                                    .validation_fraction = split == 0 ? 0 : 0.25};
        CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_ERR_DIVERGED);
        CHECK(names_culprit(&trial));
        CHECK(trial_finite(&trial));
        CHECK_STATUS(trial.ctx, aenc_encode(trial.model, &input, code, ROWS * 2), AENC_OK);
        trial_free(&trial);
    }
    /* after a single step only the validation set tells */
    struct trial trial = trial_create(plain, 8, 1);
    aenc_fit_options once = {.struct_size = sizeof once, .optimizer = "sgd:lr=1e30", .epochs = 1, .validation_fraction = 0.25};
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &once), AENC_ERR_DIVERGED);
    CHECK(strstr(aenc_message(trial.ctx), "validation loss of epoch 1") != NULL);
    trial_free(&trial);
    trial = trial_create(plain, 8, 1);
    aenc_optimizer *handle;
    aenc_batch batch = batch_of(x, ROWS);
    aenc_status status = aenc_optimizer_create(trial.model, optimizer, &handle);
    CHECK_STATUS(trial.ctx, status, AENC_OK);
    for (int step = 0; step < 200 && status == AENC_OK; step++)
        status = aenc_model_step(trial.model, handle, &batch, NULL);
    CHECK_STATUS(trial.ctx, status, AENC_ERR_DIVERGED);
    CHECK(names_culprit(&trial) && trial_finite(&trial));
    aenc_optimizer_free(handle);
    trial_free(&trial);
}

static void put(const struct trial *trial, const char *name, const float *values, size_t count) {
    aenc_tensor *tensor;
    CHECK_STATUS(trial->ctx, aenc_model_tensor_get(trial->model, name, &tensor), AENC_OK);
    CHECK_STATUS(trial->ctx, aenc_tensor_write(tensor, values, count), AENC_OK);
    CHECK_STATUS(trial->ctx, aenc_model_tensor_set(trial->model, name, tensor), AENC_OK);
    aenc_tensor_free(tensor);
}

/* A finite loss with an infinite gradient, and an infinite loss with finite gradients: either is seen, and named. */
static void test_culprits(void) {
    enum { ROWS = 64 };
    static const char *const models[] = {
        "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":1},\"loss\":\"mae\"}",
        "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":1},\"loss\":\"mse\"}",
    };
    const char *const words[] = {"the gradient of 'encoder.", "loss"};
    const float zero[2] = {0, 0}, huge[2] = {3e38f, 3e38f}, far[2] = {1e20f, 1e20f};
    float x[ROWS * 2];
    for (int i = 0; i < ROWS * 2; i++) x[i] = 1;
    aenc_batch batch = {.struct_size = sizeof batch, .input = {x, ROWS, 2, 0}};
    for (int k = 0; k < 2; k++) {
        struct trial trial = trial_create(models[k], 9, 1);
        put(&trial, "encoder.weight", zero, 2);
        put(&trial, "encoder.bias", zero, 1);
        put(&trial, "decoder.0.weight", k == 0 ? huge : zero, 2);
        put(&trial, "decoder.0.bias", k == 0 ? zero : far, 2);
        CHECK_STATUS(trial.ctx, aenc_model_gradients(trial.model, &batch, NULL), AENC_ERR_DIVERGED);
        bool named = strstr(aenc_message(trial.ctx), words[k]) != NULL;
        if (!CHECK(named)) fprintf(stderr, "  %s\n", aenc_message(trial.ctx));
        trial_free(&trial);
    }
}

int main(void) {
    test_weights();
    test_differences();
    test_apply();
    test_at_once();
    test_overflow();
    test_draws();
    test_states();
    test_clipping();
    test_fit_clipping();
    test_freeze();
    test_frozen_gradient();
    test_threads();
    test_culprits();
    test_divergence("sgd:lr=1e30");
    test_divergence("sgd:lr=100");
    test_divergence("adam:lr=1e37");
    test_divergence("momentum:lr=1e38");
    return check_finish();
}
