/* corruption_test.c - how much of the input is corrupted, with what, by whose draws; levels that move; clean targets. */
#include "corruption/corruption.h"
#include "replay.h"
#include "train/trial.h"

enum { ROWS = 200, COLS = 300, ALL = ROWS * COLS };

static float data[ALL];

/* The input after the spec at this step, epoch and chunk, into out. */
struct setting {
    uint64_t step;
    double epochs;
    int64_t first_row, threads;
};

static void corrupt(const char *spec, struct setting setting, float *out) {
    aenc_context *ctx;
    struct tape tape;
    struct store store;
    struct arena arena;
    struct replay replay;
    struct json *parsed;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 3, .threads = setting.threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    aenc_arena_create(ctx, &arena);
    aenc_store_create(ctx, &store);
    aenc_tape_create(ctx, MODE_TRAIN, ROWS, &tape);
    struct json *list = aenc_json_root(&arena, JSON_ARRAY);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "corruption", spec, &parsed), AENC_OK);
    const struct json *one = aenc_json_add_copy(&arena, list, NULL, parsed);
    CHECK(aenc_corruption_find(ctx, one) != NULL);
    struct node *x = aenc_tape_input(&tape, "input", (int64_t[]){COLS}, 1);
    struct node *y = aenc_corruptions_record(&(struct site){.tape = &tape, .store = &store, .aim = SITE_TRAIN}, list, x);
    aenc_tape_output(&tape, y);
    const float *inputs[] = {data};
    CHECK_STATUS(ctx, replay_store(&store, 1), AENC_OK);
    CHECK_STATUS(ctx, replay_once(&tape, &store, false, ROWS, inputs, &replay), AENC_OK);
    replay.run.step = setting.step;
    replay.run.first_row = setting.first_row;
    aenc_run_ramps(&replay.run, setting.epochs);
    aenc_run_replay(&replay.run, ctx->pool);
    memcpy(out, aenc_value(&replay.run, y), ALL * sizeof *out);
    replay_free(ctx, &replay);
    aenc_tape_free(&tape);
    aenc_store_free(&store);
    aenc_arena_free(&arena);
    aenc_context_free(ctx);
}

/* Of all elements, those that became `value`. */
static double share(const float *y, double value) {
    int count = 0;
    for (int i = 0; i < ALL; i++) count += (double)y[i] == value;
    return (double)count / ALL;
}

static double kept(const float *y) {
    int count = 0;
    for (int i = 0; i < ALL; i++) count += y[i] == data[i];
    return (double)count / ALL;
}

/* ---- What is drawn: within five standard deviations of what must come ---- */

static void test_draws(void) {
    static float y[ALL], again[ALL];
    const struct setting plain = {4, 0, 0, 1};
    corrupt("mask:level=0.3", plain, y);
    CHECK_NEAR(share(y, 0), 0.3, 0.01);
    CHECK_NEAR(kept(y) + share(y, 0), 1, 0);
    corrupt("mask:level=0.3,value=-4", plain, again);
    for (int i = 0; i < ALL; i++) CHECK((y[i] == 0) == (again[i] == -4));
    corrupt("mask:level=0", plain, y);
    CHECK_NEAR(kept(y), 1, 0);
    corrupt("mask:level=1", plain, y);
    CHECK_NEAR(share(y, 0), 1, 0);
    corrupt("salt_pepper:level=0.4,low=-1,high=2", plain, y);
    CHECK_NEAR(share(y, -1), 0.2, 0.009);
    CHECK_NEAR(share(y, 2), 0.2, 0.009);
    CHECK_NEAR(kept(y), 0.6, 0.011);
    corrupt("gaussian:sigma=0.5", plain, y);
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < ALL; i++) {
        double e = (double)y[i] - (double)data[i];
        sum += e / ALL, squares += e * e / ALL, fourth += e * e * e * e / ALL;
    }
    CHECK_NEAR(sum, 0, 0.011);
    CHECK_NEAR(squares, 0.25, 0.008);
    CHECK_NEAR(fourth, 3 * 0.0625, 0.02);
}

/* Neighbours in a row, rows, columns and steps are independent: about as many agree as must. */
static void test_independence(void) {
    static float y[ALL], next[ALL];
    corrupt("mask:level=0.5", (struct setting){4, 0, 0, 1}, y);
    corrupt("mask:level=0.5", (struct setting){5, 0, 0, 1}, next);
    static const int apart[] = {1, 2, 3, 4, 64, 128, 256, COLS};
    int steps = 0;
    for (int i = 0; i < ALL; i++) steps += (y[i] == 0) == (next[i] == 0);
    CHECK_NEAR((double)steps / ALL, 0.5, 0.0105);
    for (size_t a = 0; a < sizeof apart / sizeof *apart; a++) {
        int same = 0, count = ALL - apart[a];
        for (int i = 0; i < count; i++) same += (y[i] == 0) == (y[i + apart[a]] == 0);
        CHECK_NEAR((double)same / count, 0.5, 0.0105);
    }
}

/* The same on any number of threads, and for a row wherever in the batch its chunk begins. */
static void test_place(void) {
    static const char *const specs[] = {"mask:level=0.5", "salt_pepper:level=0.5", "gaussian:sigma=1"};
    static float y[ALL], other[ALL];
    for (size_t s = 0; s < 3; s++) {
        for (int i = 0; i < ALL; i++) data[i] = 0.5f;
        corrupt(specs[s], (struct setting){9, 0, 0, 1}, y);
        corrupt(specs[s], (struct setting){9, 0, 0, 3}, other);
        CHECK(memcmp(y, other, sizeof y) == 0);
        corrupt(specs[s], (struct setting){9, 0, 50, 1}, other);
        CHECK(memcmp(y + 50 * COLS, other, 150 * COLS * sizeof *y) == 0);
    }
    trial_fill(data, ALL, 6);
}

/* ---- Levels ---- */

static void test_levels(void) {
    static float y[ALL];
    static const struct {
        const char *spec;
        double epochs, share;
    } levels[] = {
        {"mask:level=0.2,to=0.6,over=4", 0, 0.2},
        {"mask:level=0.2,to=0.6,over=4", 1, 0.3},
        {"mask:level=0.2,to=0.6,over=4", 4, 0.6},
        {"mask:level=0.2,to=0.6,over=4", 100, 0.6},
        {"mask:level=0.6,to=0.2,over=4,shape=cosine", 1, 0.6 - 0.4 * 0.14644660940672624},
        {"mask:level=0.1,to=0.4,over=4,shape=exponential", 2, 0.2},
        {"mask:level=0.5,to=0,over=4", 4, 0},
    };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        corrupt(levels[i].spec, (struct setting){2, levels[i].epochs, 0, 1}, y);
        CHECK_NEAR(share(y, 0), levels[i].share, 0.0105);
    }
}

/* ---- In a model ---- */

#define NET(corrupt) "{\"input\":[300],\"encoder\":{\"type\":\"dense\",\"units\":4}," corrupt "\"loss\":\"mse\"}"

/* With everything masked the code is the bias' alone, so nothing but biases learns from it; the target is still the data. */
static void test_clean_target(void) {
    struct trial all = trial_create(NET("\"corrupt\":[\"mask:level=1\"],"), 2, 1);
    struct trial none = trial_create(NET(""), 2, 1);
    const aenc_matrix x = {data, 20, COLS, 0};
    float zero[20 * COLS] = {0}, scores[20], other[20];
    const aenc_matrix empty = {zero, 20, COLS, 0};
    aenc_batch batch = {.struct_size = sizeof batch, .input = x}, masked = {.struct_size = sizeof masked, .input = empty,
                                                                            .target = x};
    double loss = 0, want = 1;
    CHECK_STATUS(all.ctx, aenc_model_gradients(all.model, &batch, &loss), AENC_OK);
    CHECK_STATUS(none.ctx, aenc_model_evaluate(none.model, &masked, &want), AENC_OK);
    CHECK_NEAR(loss, want, 1e-6);
    CHECK_STATUS(all.ctx, aenc_score(all.model, &x, NULL, scores, 20), AENC_OK);
    CHECK_STATUS(none.ctx, aenc_score(none.model, &x, NULL, other, 20), AENC_OK);
    CHECK(memcmp(scores, other, sizeof scores) == 0);
    trial_free(&all);
    trial_free(&none);
}

/* ---- Binarisation ---- */

/* Each element as often as its value says; anew in each step. */
static void test_binarised(void) {
    static float y[ALL], other[ALL];
    double mean = 0, same = 0, stays = 0;
    float first = data[0], second = data[1];
    data[0] = 0, data[1] = 1;
    corrupt("binarise", (struct setting){.step = 1}, y);
    corrupt("binarise", (struct setting){.step = 2}, other);
    CHECK(y[0] == 0 && y[1] == 1 && other[0] == 0 && other[1] == 1);
    for (int i = 0; i < ALL; i++) {
        double p = (double)data[i] < 0 ? 0 : (double)data[i] > 1 ? 1 : (double)data[i];
        mean += p / ALL;
        same += (p * p + (1 - p) * (1 - p)) / ALL;
        stays += (double)(y[i] == other[i]) / ALL;
    }
    CHECK_NEAR(share(y, 1), mean, 0.01);
    CHECK_NEAR(share(y, 0), 1 - mean, 0.01);
    CHECK_NEAR(stays, same, 0.01);
    data[0] = first, data[1] = second;
}

/* A model that gives back what it sees: its error is zero where the target is what was drawn, in training and in scores. */
#define SAME(corrupt)                                                                                                  \
    "{\"input\":[300],\"encoder\":{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":300,\"init\":"             \
    "\"constant:gain=0\"}]},\"decoder\":{\"type\":\"identity\"},\"corrupt\":[" corrupt "]}"

static void test_binarised_target(void) {
    static float grey[50 * COLS], scores[50], again[50], others[50];
    const aenc_matrix x = {grey, 50, COLS, 0};
    struct trial plain = trial_create(SAME("\"binarise\""), 2, 1), masked = trial_create(SAME("\"binarise\",\"mask:level=1\""), 2, 1);
    struct trial seeded = trial_create(SAME("\"binarise:seed=3\",\"mask:level=1\""), 2, 1);
    double loss, mean = 0, error = 0, drawn = 0;
    for (int i = 0; i < 50 * COLS; i++) grey[i] = (float)(i % 101) / 100, mean += (double)grey[i] / (50 * COLS);
    aenc_batch batch = {.struct_size = sizeof batch, .input = x}, own = {.struct_size = sizeof own, .input = x, .target = x};
    CHECK_STATUS(plain.ctx, aenc_model_gradients(plain.model, &batch, &loss), AENC_OK);
    CHECK(loss == 0);
    /* behind a mask of everything: the share of ones */
    CHECK_STATUS(masked.ctx, aenc_model_gradients(masked.model, &batch, &loss), AENC_OK);
    CHECK_NEAR(loss, mean, 0.02);
    CHECK_NEAR(loss * 50 * COLS, floor(loss * 50 * COLS + 0.5), 1e-2);
    /* scores are not masked, but binarised */
    CHECK_STATUS(masked.ctx, aenc_score(masked.model, &x, NULL, scores, 50), AENC_OK);
    for (int r = 0; r < 50; r++) CHECK(scores[r] == 0);
    /* a target of its own stays */
    CHECK_STATUS(plain.ctx, aenc_model_gradients(plain.model, &own, &loss), AENC_OK);
    for (int i = 0; i < 50 * COLS; i++) error += (double)grey[i] * (1 - (double)grey[i]) / (50 * COLS);
    CHECK_NEAR(loss, error, 0.02);
    /* the same draws in every call; others with another seed */
    CHECK_STATUS(plain.ctx, aenc_score(plain.model, &x, &x, scores, 50), AENC_OK);
    CHECK_STATUS(plain.ctx, aenc_score(plain.model, &x, &x, again, 50), AENC_OK);
    CHECK_STATUS(seeded.ctx, aenc_score(seeded.model, &x, &x, others, 50), AENC_OK);
    CHECK(memcmp(scores, again, sizeof scores) == 0);
    for (int r = 0; r < 50; r++) drawn += scores[r] != others[r];
    CHECK(drawn > 40);
    trial_free(&plain);
    trial_free(&masked);
    trial_free(&seeded);
}

/* ---- Refused ---- */

static const struct {
    const char *spec, *words;
} refusals[] = {
    {"noise:level=1", "unknown corruption 'noise'; known: mask, gaussian, salt_pepper, binarise"},
    {"mask", "corruption 'mask': setting 'level' is missing"},
    {"mask:level=1.5", "setting 'level' is 1.5; it must be a number from 0 to 1"},
    {"mask:level=0.1,to=2,over=3", "setting 'to' is 2; 'level' is from 0 to 1"},
    {"mask:level=0.1,to=0.5", "one needs the other"},
    {"mask:level=0.1,over=5", "one needs the other"},
    {"mask:level=0.1,to=0.5,over=0", "setting 'over' is 0; it must be a number above 0"},
    {"mask:level=0,to=0.5,over=1,shape=exponential", "an exponential goes from 0 to 0.5; both must be above 0"},
    {"mask:level=0.1,shape=square", "setting 'shape' is 'square'; known: linear, cosine, exponential"},
    {"binarise:level=0.1", "unknown setting 'level'; known: seed"},
    {"binarise:to=0.1", "unknown setting 'to'"},
    {"gaussian:level=0.1", "unknown setting 'level'; known: sigma, to, over, shape"},
};

static void test_refusals(void) {
    aenc_context *ctx;
    size_t input = 4, width = 2;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        aenc_model *model;
        aenc_model_options options = {.struct_size = sizeof options, .input = &input, .input_rank = 1,
                                      .encoder_widths = &width, .encoder_count = 1,
                                      .corruptions = &refusals[i].spec, .corruption_count = 1};
        CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(ctx), refusals[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
    aenc_context_free(ctx);
}

int main(void) {
    trial_fill(data, ALL, 6);
    test_draws();
    test_independence();
    test_place();
    test_levels();
    test_clean_target();
    test_binarised();
    test_binarised_target();
    test_refusals();
    return check_finish();
}
