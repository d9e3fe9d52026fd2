/* likelihood_test.c - likelihoods: that each is normalised, by a sum or an integral over all targets there are; values
 * against formulas in double; extreme outputs and targets; and models that learn with them, whose scales are saved. */
#include "loss/loss.h"

#include <stdlib.h>
#include <string.h>

#include "autoenc/autoenc.h"
#include "check.h"
#include "replay.h"

enum { MOST = 4096 };

/* The loss of each row: `width` outputs y, of `activation` where asked, against one target each. */
struct question {
    const char *loss;
    bool sigmoid;
    int64_t width, target_width, rows;
    const float *y, *target;
};

static float value[MOST], slope[8 * MOST];

static aenc_status ask(aenc_context *ctx, const struct question *q, enum site_aim aim) {
    struct tape tape;
    struct store store;
    struct replay replay;
    struct json *spec;
    aenc_tape_create(ctx, MODE_TRAIN, q->rows, &tape);
    aenc_store_create(ctx, &store);
    CHECK_STATUS(ctx, aenc_settings_parse(&tape.arena, "loss", q->loss, &spec), AENC_OK);
    CHECK(aenc_loss_find(ctx, spec) != NULL);
    struct node *y = aenc_tape_input(&tape, "y", &q->width, 1);
    struct node *target = aenc_tape_input(&tape, "target", &q->target_width, 1);
    y->needs_gradient = true;
    struct node *output = q->sigmoid ? aenc_op_function(&tape, FUNCTION_SIGMOID, 0, y) : y;
    struct node *loss = aenc_loss_record(&(struct site){.tape = &tape, .store = &store, .aim = aim}, spec, output, target);
    aenc_tape_term(&tape, "loss", loss, 1, NULL);
    const float *inputs[] = {q->y, q->target};
    CHECK_STATUS(ctx, replay_store(&store, 0), AENC_OK);
    aenc_status status = replay_once(&tape, &store, true, q->rows, inputs, &replay);
    for (int64_t i = 0; status == AENC_OK && i < q->rows; i++) value[i] = (float)aenc_value(&replay.run, loss)[i];
    for (int64_t i = 0; status == AENC_OK && i < q->rows * q->width; i++)
        slope[i] = (float)aenc_gradient(&replay.run, y)[i];
    replay_free(ctx, &replay);
    aenc_store_free(&store);
    aenc_tape_free(&tape);
    return status;
}

/* ---- Sums and integrals are one ---- */

static const struct whole {
    const char *loss;
    bool sigmoid;
    int width;
    float y[4];
    double low, high; /* of the targets; a grid of `steps`, by the trapezoidal rule, or each of `levels` */
    int steps, levels;
} wholes[] = {
    {"bernoulli", true, 1, {0.7f}, 0, 1, 0, 2},
    {"bernoulli", true, 1, {-30}, 0, 1, 0, 2},
    {"continuous_bernoulli", true, 1, {0}, 0, 1, 1000, 0},
    {"continuous_bernoulli", true, 1, {1e-5f}, 0, 1, 1000, 0},
    {"continuous_bernoulli", true, 1, {-0.01f}, 0, 1, 1000, 0},
    {"continuous_bernoulli", true, 1, {0.99f}, 0, 1, 1000, 0},
    {"continuous_bernoulli", true, 1, {-1.01f}, 0, 1, 1000, 0},
    {"continuous_bernoulli", true, 1, {12}, 0, 1, 4000, 0},
    {"gaussian:scale=0.3", false, 1, {1.5f}, -4, 6, 4000, 0},
    {"gaussian:scale=0.3,learned=one", false, 1, {1.5f}, -4, 6, 4000, 0},
    {"gaussian:learned=each,scale=2", false, 1, {0}, -20, 20, 4000, 0},
    {"gaussian:learned=output", false, 2, {1, -1.5f}, -5, 7, 4000, 0},
    {"gaussian_nll:reduction=sum", false, 2, {1, -1.5f}, -5, 7, 4000, 0},
    {"laplace:scale=0.5", false, 1, {0.25f}, -12, 12.5, 4095, 0},
    {"laplace:learned=output", false, 2, {0, -1}, -9, 9, 4095, 0},
    {"laplace:learned=one,scale=0.5", false, 1, {0.25f}, -12, 12.5, 4095, 0},
    {"discretised_logistic", false, 1, {0.4f}, 0, 1, 0, 256},
    {"discretised_logistic:scale=0.001", false, 1, {0.4f}, 0, 1, 0, 256},
    {"discretised_logistic:scale=0.02", false, 1, {1.4f}, 0, 1, 0, 256},
    {"discretised_logistic:scale=0.05,learned=one", false, 1, {-0.5f}, 0, 1, 0, 256},
    {"discretised_logistic:learned=output,levels=2", false, 2, {0.2f, -1}, 0, 1, 0, 2},
    {"discretised_logistic:learned=each,levels=17,scale=10", false, 1, {0.2f}, 0, 1, 0, 17},
    {"categorical:bins=3", false, 3, {0.5f, -1, 2}, 0, 1, 0, 3},
    {"categorical:bins=4", false, 4, {50, -50, 2, 49}, 0, 1, 0, 4},
};

static void whole_test(aenc_context *ctx, const struct whole *w) {
    static float y[4 * MOST], target[MOST];
    int count = w->levels > 0 ? w->levels : w->steps + 1;
    double step = (w->high - w->low) / (count - 1), sum = 0;
    for (int i = 0; i < count; i++) {
        target[i] = (float)(w->low + step * i);
        memcpy(y + i * w->width, w->y, (size_t)w->width * sizeof *y);
    }
    CHECK_STATUS(ctx, ask(ctx, &(struct question){w->loss, w->sigmoid, w->width, 1, count, y, target}, SITE_RESULT), AENC_OK);
    for (int i = 0; i < count; i++) {
        double end = w->levels == 0 && (i == 0 || i == count - 1) ? 0.5 : 1;
        CHECK(isfinite(value[i]));
        sum += exp(-(double)value[i]) * end * (w->levels > 0 ? 1 : step);
    }
    if (!CHECK(fabs(sum - 1) < 5e-5)) fprintf(stderr, "  %s at %g: %.7f\n", w->loss, (double)w->y[0], sum);
}

/* ---- Values and derivatives of the row, by formulas in double ---- */

static double logistic_cdf(double x) { return 1 / (1 + exp(-x)); }

static double reference(int kind, double y, double scale, double t) {
    double half = 0.5 / 255;
    double low = t < half ? 0 : logistic_cdf((t - half - y) / scale), high = t > 1 - half ? 1 : logistic_cdf((t + half - y) / scale);
    switch (kind) {
    case 0: return -t * log(logistic_cdf(y)) - (1 - t) * log(1 - logistic_cdf(y));
    case 1: {
        double p = logistic_cdf(y), c = fabs(p - 0.5) < 1e-9 ? 2 : 2 * atanh(1 - 2 * p) / (1 - 2 * p);
        return -log(c) - t * log(p) - (1 - t) * log(1 - p);
    }
    case 2: return 0.5 * log(2 * 3.14159265358979323846 * scale * scale) + (t - y) * (t - y) / (2 * scale * scale);
    case 3: return log(2 * scale) + fabs(t - y) / scale;
    default: return -log(high - low);
    }
}

/* Rows of two numbers have the sum of both. */
static void values_test(aenc_context *ctx) {
    static const struct {
        const char *loss;
        int kind;
        double scale;
    } cases[] = {{"bernoulli", 0, 1},         {"continuous_bernoulli", 1, 1},      {"gaussian:scale=0.4", 2, 0.4},
                 {"gaussian:scale=3", 2, 3},  {"laplace:scale=0.7", 3, 0.7},       {"discretised_logistic:scale=0.2", 4, 0.2}};
    enum { ROWS = 40 };
    float y[2 * ROWS], target[2 * ROWS];
    for (int i = 0; i < 2 * ROWS; i++) {
        y[i] = (float)(0.09 * i - 2.5);
        target[i] = (float)((i * 37) % 256) / 255;
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct question q = {cases[c].loss, cases[c].kind < 2, 2, 2, ROWS, y, target};
        CHECK_STATUS(ctx, ask(ctx, &q, SITE_RESULT), AENC_OK);
        for (int r = 0; r < ROWS; r++) {
            double sum = 0;
            for (int i = 2 * r; i < 2 * r + 2; i++) {
                double at = (double)y[i], t = (double)target[i], h = 1e-4;
                sum += reference(cases[c].kind, at, cases[c].scale, t);
                double by = (reference(cases[c].kind, at + h, cases[c].scale, t) -
                             reference(cases[c].kind, at - h, cases[c].scale, t)) / (2 * h);
                if (cases[c].kind != 3 || fabs(at - t) > 2 * h) CHECK_NEAR((double)slope[i], by, 3e-3 + 3e-3 * fabs(by));
            }
            CHECK_NEAR((double)value[r], sum, 1e-5 + 2e-5 * fabs(sum));
        }
    }
}

/* Far from anything sensible: values and gradients are finite. */
static void extremes_test(aenc_context *ctx) {
    static const char *const losses[] = {
        "bernoulli", "continuous_bernoulli", "gaussian:scale=1e-6", "gaussian:scale=1e4", "laplace:scale=1e-6",
        "discretised_logistic:scale=1e-6", "discretised_logistic:scale=1e4,levels=65536", "discretised_logistic:learned=output",
        "gaussian:learned=output", "laplace:learned=output", "categorical:bins=2"};
    static const float at[] = {0, 1, -1, 1e-7f, 88, -88, 1e4f, -1e4f, 1e8f, -1e8f};
    enum { AT = sizeof at / sizeof *at, ROWS = AT * AT * 3 };
    static float y[2 * ROWS], target[ROWS];
    for (size_t c = 0; c < sizeof losses / sizeof *losses; c++) {
        bool two = strstr(losses[c], "output") != NULL || strstr(losses[c], "categorical") != NULL;
        for (int r = 0, k = 0; r < ROWS; r++) {
            y[k++] = at[r % AT];
            if (two) y[k++] = at[r / AT % AT];
            target[r] = (float)(r / (AT * AT)) / 2;
        }
        CHECK_STATUS(ctx, ask(ctx, &(struct question){losses[c], c < 2, two ? 2 : 1, 1, ROWS, y, target}, SITE_RESULT), AENC_OK);
        for (int r = 0; r < ROWS; r++)
            if (!CHECK(isfinite(value[r]))) fprintf(stderr, "  %s: row %d\n", losses[c], r);
        for (int i = 0; i < ROWS * (two ? 2 : 1); i++)
            if (!CHECK(isfinite(slope[i]))) fprintf(stderr, "  %s: slope %d\n", losses[c], i);
    }
}

/* The best variance of the batch: of a row of n numbers the loss is n (log(2 pi v) + 1) / 2 on average. */
static void optimal_test(aenc_context *ctx) {
    const float y[] = {0, 1, 2, -1, 0.5f, 3}, target[] = {1, 1, 2.5f, 0, 0.5f, 1};
    double square = 0, size = 0;
    for (int i = 0; i < 6; i++) square += pow((double)(y[i] - target[i]), 2) / 6, size += fabs((double)(y[i] - target[i])) / 6;
    CHECK_STATUS(ctx, ask(ctx, &(struct question){"gaussian:learned=optimal", false, 2, 2, 3, y, target}, SITE_TRAIN), AENC_OK);
    double sum = (double)value[0] + (double)value[1] + (double)value[2];
    CHECK_NEAR(sum, 3 * (log(2 * 3.14159265358979323846 * square) + 1), 1e-5);
    for (int i = 0; i < 6; i++) CHECK_NEAR((double)slope[i], (double)(y[i] - target[i]) / square, 1e-5);
    CHECK_STATUS(ctx, ask(ctx, &(struct question){"laplace:learned=optimal", false, 2, 2, 3, y, target}, SITE_TRAIN), AENC_OK);
    sum = (double)value[0] + (double)value[1] + (double)value[2];
    CHECK_NEAR(sum, 6 * (log(2 * size) + 1), 1e-5);
    /* scores use the state, which starts at the setting */
    CHECK_STATUS(ctx, ask(ctx, &(struct question){"gaussian:learned=optimal,scale=2", false, 2, 2, 1, y, target}, SITE_SCORE), AENC_OK);
    CHECK_NEAR((double)value[0], reference(2, 0, 2, 1) + reference(2, 1, 2, 1), 1e-5);
    /* an output that is right in every number */
    CHECK_STATUS(ctx, ask(ctx, &(struct question){"gaussian:learned=optimal", false, 2, 2, 3, y, y}, SITE_TRAIN), AENC_OK);
    CHECK(isfinite(value[0]) && isfinite(slope[0]));
}

/* ---- Models ---- */

enum { ROWS = 64, COLS = 5 };
static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static aenc_model *model_of(aenc_context *ctx, const char *loss, const char *scaling) {
    static const size_t input[] = {COLS}, widths[] = {6, 2};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 2, .activation = "tanh", .loss = loss, .scaling = scaling};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

/* What a learned scale becomes without a fixed point to compare with: the reconstruction error of the model itself. */
static void learned_test(aenc_context *ctx) {
    static const char *const losses[] = {"gaussian:learned=one", "gaussian:learned=optimal", "laplace:learned=one"};
    for (size_t c = 0; c < sizeof losses / sizeof *losses; c++) {
        aenc_model *model = model_of(ctx, losses[c], NULL), *loaded = NULL;
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 300, .batch = ROWS, .optimizer = "adam:lr=0.02"};
        float output[ROWS * COLS], score[ROWS], again[ROWS];
        double square = 0, size = 0, mean = 0;
        void *bytes;
        size_t length = 0;
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        CHECK_STATUS(ctx, aenc_reconstruct(model, &x, output, ROWS * COLS), AENC_OK);
        for (int i = 0; i < ROWS * COLS; i++) {
            square += pow((double)(output[i] - data[i]), 2) / (ROWS * COLS);
            size += fabs((double)(output[i] - data[i])) / (ROWS * COLS);
        }
        CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
        for (int r = 0; r < ROWS; r++) mean += (double)score[r] / ROWS;
        double best = c < 2 ? 0.5 * COLS * (log(2 * 3.14159265358979323846 * square) + 1) : COLS * (log(2 * size) + 1);
        if (!CHECK(mean > best - 1e-3 && mean < best + 0.15)) fprintf(stderr, "  %s: %g, %g\n", losses[c], mean, best);
        CHECK_STATUS(ctx, aenc_model_save_memory(model, NULL, 0, &length), AENC_OK);
        bytes = malloc(length);
        CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, length, &length), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes, length, &loaded), AENC_OK);
        CHECK_STATUS(ctx, aenc_score(loaded, &x, NULL, again, ROWS), AENC_OK);
        CHECK(memcmp(score, again, sizeof score) == 0);
        free(bytes);
        aenc_model_free(loaded);
        aenc_model_free(model);
    }
}

static float scale_of(aenc_context *ctx, const aenc_model *model, size_t *count) {
    aenc_tensor *tensor = NULL;
    float values[COLS] = {0};
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, "loss.log_scale", &tensor), AENC_OK);
    *count = aenc_tensor_count(tensor);
    CHECK_STATUS(ctx, aenc_tensor_read(tensor, values, *count), AENC_OK);
    aenc_tensor_free(tensor);
    return values[*count - 1];
}

static void frozen_test(aenc_context *ctx) {
    aenc_model *model = model_of(ctx, "gaussian:learned=each,scale=0.5", NULL);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .batch = 16};
    size_t count;
    CHECK_NEAR((double)scale_of(ctx, model, &count), log(0.5), 1e-6);
    CHECK(count == COLS);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "loss", 1), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    CHECK_NEAR((double)scale_of(ctx, model, &count), log(0.5), 1e-6);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "loss", 0), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    CHECK(fabs((double)scale_of(ctx, model, &count) - log(0.5)) > 1e-3);
    aenc_model_free(model);
}

/* What the decoder puts out, with and without a scaling of the data: its second half follows. */
static void scaling_test(aenc_context *ctx) {
    static const char *const losses[] = {"gaussian:learned=output", "laplace:learned=output", "gaussian:learned=one"};
    static const double power[] = {2, 1};
    for (size_t c = 0; c < 3; c++) {
        aenc_model *model = model_of(ctx, losses[c], "standard");
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .batch = 16};
        static float output[ROWS * COLS * 2];
        size_t size = aenc_model_output_size(model);
        CHECK(size == (c < 2 ? 2 * COLS : COLS));
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        CHECK_STATUS(ctx, aenc_reconstruct(model, &x, output, ROWS * size), AENC_OK);
        /* untrained the logarithms are near 0 in scaled units */
        double mean = 0, square = 0, log_scale = 0;
        for (int r = 0; r < ROWS; r++) mean += (double)data[r * COLS] / ROWS, square += pow((double)data[r * COLS], 2) / ROWS;
        for (int r = 0; r < ROWS && c < 2; r++) log_scale += (double)output[(size_t)r * size + COLS] / ROWS;
        if (c < 2) CHECK_NEAR(log_scale, power[c] * 0.5 * log(square - mean * mean), 1.5);
        aenc_model_free(model);
    }
}

static void refused_test(aenc_context *ctx) {
    static const char *const cases[][2] = {
        {"gaussian:learned=two", "setting 'learned' is 'two'; known: no, one, each, output, optimal"},
        {"discretised_logistic:learned=optimal", "known: no, one, each, output"},
        {"gaussian:scale=0", "setting 'scale' is 0"},
        {"categorical:bins=1", "setting 'bins' is 1"},
        {"laplace:levels=3", "unknown setting 'levels'; known: scale, learned, reduction"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        static const size_t input[] = {COLS}, widths[] = {2};
        aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1,
                                      .encoder_widths = widths, .encoder_count = 1, .loss = cases[c][0]};
        aenc_model *model = NULL;
        CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(ctx), cases[c][1]) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
    static const size_t input[] = {COLS}, widths[] = {2};
    aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 1, .output = "tanh", .loss = "continuous_bernoulli"};
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "loss 'continuous_bernoulli': the decoder does not end with a sigmoid") != NULL);
    /* values outside of the domain, by row and column */
    static const char *const unit[] = {"bernoulli", "continuous_bernoulli", "discretised_logistic", "categorical:bins=4"};
    for (size_t c = 0; c < 4; c++) {
        float score[ROWS], kept = data[7];
        model = model_of(ctx, unit[c], NULL);
        data[7] = 1.5f;
        CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(ctx), "[1, 2]") != NULL && strstr(aenc_message(ctx), "1.5") != NULL))
            fprintf(stderr, "  %s\n", aenc_message(ctx));
        data[7] = kept;
        CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
        aenc_model_free(model);
    }
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    unsigned state = 3;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        double noise = (double)(state >> 8) / 16777216;
        data[i] = (float)(0.5 + 0.3 * sin(0.4 * (i / COLS) + i % COLS) + 0.15 * (noise - 0.5));
    }
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) whole_test(ctx, &wholes[i]);
    values_test(ctx);
    extremes_test(ctx);
    optimal_test(ctx);
    learned_test(ctx);
    frozen_test(ctx);
    scaling_test(ctx);
    refused_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
