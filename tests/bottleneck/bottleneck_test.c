/* bottleneck_test.c - the Gaussian code: its KL against the closed form, what is drawn and what is not, the decoder that
 * mirrors it, files, threads, gradients; and what is refused. */
#include <autoenc/ops.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ROWS = 37, COLS = 6, CODE = 2 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static void data_make(void) {
    unsigned state = 7;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 8) / 16777216.0f;
    }
}

static aenc_context *context_make(int64_t threads) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    return ctx;
}

static aenc_model *model_make(aenc_context *ctx, const char *bottleneck, const char *loss) {
    static const size_t input[] = {COLS}, widths[] = {4};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = input,
                                  .input_rank = 1,
                                  .encoder_widths = widths,
                                  .encoder_count = 1,
                                  .activation = "tanh",
                                  .output = "sigmoid",
                                  .loss = loss,
                                  .bottleneck = bottleneck};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

/* The values of a parameter, and how many. */
static size_t values_read(const aenc_model *model, const char *name, float *out, size_t room) {
    aenc_tensor *tensor = NULL;
    if (aenc_model_tensor_get(model, name, &tensor) != AENC_OK) return 0;
    size_t count = aenc_tensor_count(tensor);
    if (!CHECK(count <= room && aenc_tensor_read(tensor, out, count) == AENC_OK)) count = 0;
    aenc_tensor_free(tensor);
    return count;
}

static void values_fill(aenc_context *ctx, aenc_model *model, const char *name, float value) {
    aenc_tensor *tensor = NULL;
    float values[64];
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
    size_t count = aenc_tensor_count(tensor);
    for (size_t i = 0; i < count && i < 64; i++) values[i] = value;
    CHECK_STATUS(ctx, aenc_tensor_write(tensor, values, count), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_tensor_set(model, name, tensor), AENC_OK);
    aenc_tensor_free(tensor);
}

/* y = W h + b of one row. */
static void dense(const aenc_model *model, const char *layer, const double *h, size_t in, double *y, size_t out) {
    float weight[64], bias[16];
    char name[64];
    (void)snprintf(name, sizeof name, "%s.weight", layer);
    CHECK(values_read(model, name, weight, 64) == in * out);
    (void)snprintf(name, sizeof name, "%s.bias", layer);
    CHECK(values_read(model, name, bias, 16) == out);
    for (size_t i = 0; i < out; i++) {
        y[i] = (double)bias[i];
        for (size_t k = 0; k < in; k++) y[i] += (double)weight[i * in + k] * h[k];
    }
}

/* Mean and KL of each row, from the parameters. */
static void expected(const aenc_model *model, double *mean, double *kl) {
    for (int r = 0; r < ROWS; r++) {
        double row[COLS], h[4], log_variance[CODE];
        for (int c = 0; c < COLS; c++) row[c] = (double)data[r * COLS + c];
        dense(model, "encoder.0", row, COLS, h, 4);
        for (int i = 0; i < 4; i++) h[i] = tanh(h[i]);
        dense(model, "bottleneck.mean", h, 4, mean + r * CODE, CODE);
        dense(model, "bottleneck.log_variance", h, 4, log_variance, CODE);
        kl[r] = 0;
        for (int i = 0; i < CODE; i++) {
            double m = mean[r * CODE + i];
            kl[r] += 0.5 * (m * m + exp(log_variance[i]) - 1 - log_variance[i]);
        }
    }
}

/* Codes are means; the KL is a term of training and of the score; the reconstruction does not draw. */
static void test_numbers(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *model = model_make(ctx, "gaussian:units=2,beta=0.5", "bce:reduction=sum");
    double mean[ROWS * CODE], kl[ROWS], sum = 0;
    float code[ROWS * CODE], again[ROWS * CODE], score[ROWS];
    CHECK(aenc_model_code_size(model) == CODE && aenc_model_output_size(model) == COLS);
    CHECK(aenc_model_term_count(model) == 3 && strcmp(aenc_model_term_name(model, 0), "reconstruction") == 0 &&
          strcmp(aenc_model_term_name(model, 1), "kl") == 0);
    expected(model, mean, kl);
    CHECK_STATUS(ctx, aenc_encode(model, &x, code, ROWS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(model, &x, again, ROWS * CODE), AENC_OK);
    CHECK(memcmp(code, again, sizeof code) == 0);
    for (int i = 0; i < ROWS * CODE; i++) CHECK_NEAR((double)code[i], mean[i], 1e-6);
    for (int r = 0; r < ROWS; r++) sum += kl[r];

    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    double loss, drawn;
    CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, &loss), AENC_OK);
    CHECK_NEAR(aenc_model_term_value(model, 1), 0.5 * sum / ROWS, 1e-6);
    CHECK_NEAR(aenc_model_term_value(model, 0) + aenc_model_term_value(model, 1), loss, 1e-12);

    /* A decoder that does not look at the code: what is left of the score's variation is the KL. */
    values_fill(ctx, model, "decoder.1.weight", 0);
    values_fill(ctx, model, "decoder.1.bias", 0);
    CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK_NEAR((double)score[r], COLS * log(2) + 0.5 * kl[r], 2e-6 * COLS);
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &batch, &drawn), AENC_OK);
    CHECK_NEAR(drawn, COLS * log(2) + 0.5 * sum / ROWS, 1e-5);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* Scores draw: other than the mean's, the same in each call, and by row. */
static void test_draws(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *model = model_make(ctx, "gaussian:units=2,beta=0", "mse");
    float score[ROWS], again[ROWS], output[ROWS * COLS];
    CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
    CHECK_STATUS(ctx, aenc_score(model, &x, NULL, again, ROWS), AENC_OK);
    CHECK_STATUS(ctx, aenc_reconstruct(model, &x, output, ROWS * COLS), AENC_OK);
    CHECK(memcmp(score, again, sizeof score) == 0);
    int other = 0;
    for (int r = 0; r < ROWS; r++) {
        double error = 0;
        for (int c = 0; c < COLS; c++) error += pow((double)output[r * COLS + c] - (double)data[r * COLS + c], 2) / COLS;
        other += fabs(error - (double)score[r]) > 1e-6;
    }
    CHECK(other == ROWS);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static double first_loss;

static int note_first(void *user, const aenc_progress *now) {
    aenc_model *model = user;
    if (now->event == AENC_EVENT_STEP && now->epoch == 1 && now->step == 1) first_loss = aenc_model_term_value(model, 1);
    return 0;
}

/* The same weights on one thread and on three, and after a file; the first step of a warm-up has no KL. */
static void test_training(void) {
    void *bytes[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        aenc_context *ctx = context_make(i == 0 ? 1 : 3);
        aenc_model *model = model_make(ctx, "gaussian:units=2,warmup=2", "bce"), *loaded = NULL;
        aenc_fit_options fit = {.struct_size = sizeof fit,
                                .epochs = 4,
                                .batch = 8,
                                .validation_fraction = 0.2,
                                .progress = note_first,
                                .progress_user = model};
        float score[ROWS], again[ROWS];
        first_loss = -1;
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        CHECK(first_loss == 0);
        CHECK_STATUS(ctx, aenc_model_save_memory(model, NULL, 0, &size[i]), AENC_OK);
        bytes[i] = malloc(size[i]);
        CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes[i], size[i], &size[i]), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes[i], size[i], &loaded), AENC_OK);
        CHECK(strstr(aenc_model_description(loaded), "\"bottleneck\":{\"type\":\"gaussian\"") != NULL);
        CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
        CHECK_STATUS(ctx, aenc_score(loaded, &x, NULL, again, ROWS), AENC_OK);
        CHECK(memcmp(score, again, sizeof score) == 0);
        aenc_model_free(loaded);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
    CHECK(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    free(bytes[0]);
    free(bytes[1]);
}

static void test_gradients(void) {
    static const char *const specs[] = {"gaussian:units=2", "gaussian", "gaussian:units=3,beta=4"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        aenc_context *ctx = context_make(2);
        aenc_model *model = model_make(ctx, specs[i], i == 1 ? "mse" : "bce:reduction=sum");
        aenc_batch batch = {.struct_size = sizeof batch, .input = x};
        double worst = 1;
        const char *parameter = NULL;
        CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, &parameter), AENC_OK);
        if (!CHECK(worst < 0.02)) fprintf(stderr, "  %s: %g at %s\n", specs[i], worst, parameter);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
}

/* ---- A bottleneck of the caller's, a loss with numbers of its own ---- */

static aenc_node *shifted(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    size_t dims[] = {aenc_node_dim(in, 0)};
    aenc_node *shift = aenc_node_parameter(r, "shift", dims, 1, "constant:gain=0.25");
    aenc_node *code = aenc_node_add(r, in, shift);
    aenc_node_objective(r, "size", aenc_node_row_mean(r, aenc_node_function(r, "square", code)), 0.5);
    aenc_node_measure(r, "level", aenc_node_row_mean(r, code));
    aenc_node *tap = aenc_node_tap(r, "encoder.0");
    return aenc_node_add(r, code, aenc_node_affine(r, tap, 0.0, 0));
}

static aenc_node *weighted(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    (void)user;
    size_t dims[] = {aenc_node_dim(output, 0)};
    aenc_node *weight = aenc_node_parameter(r, "weight", dims, 1, "constant:gain=2");
    aenc_node *square = aenc_node_function(r, "square", aenc_node_subtract(r, output, target));
    return aenc_node_row_mean(r, aenc_node_multiply(r, square, weight));
}

static void test_plugins(void) {
    aenc_context *ctx = context_make(2);
    aenc_plugin code = {.struct_size = sizeof code, .kind = AENC_PLUGIN_BOTTLENECK, .name = "shifted", .bottleneck = shifted};
    aenc_plugin loss = {.struct_size = sizeof loss, .kind = AENC_PLUGIN_LOSS, .name = "weighted", .loss = weighted};
    CHECK_STATUS(ctx, aenc_register(ctx, &code), AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &code), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_register(ctx, &loss), AENC_OK);
    aenc_model *model = model_make(ctx, "shifted", "weighted");
    CHECK(aenc_model_term_count(model) == 3 && strcmp(aenc_model_term_name(model, 1), "size") == 0 &&
          strcmp(aenc_model_term_name(model, 2), "level") == 0);
    float weight[16];
    CHECK(values_read(model, "loss.weight", weight, 16) == COLS && weight[0] == 2);
    CHECK(values_read(model, "bottleneck.shift", weight, 16) == 4 && weight[3] == 0.25f);
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    double value, worst = 1;
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, NULL), AENC_OK);
    CHECK(worst < 0.02);
    CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, &value), AENC_OK);
    /* a measure is no part of the loss */
    CHECK_NEAR(aenc_model_term_value(model, 0) + aenc_model_term_value(model, 1), value, 1e-12);
    float code_of[ROWS * 4];
    double mean = 0;
    CHECK_STATUS(ctx, aenc_encode(model, &x, code_of, ROWS * 4), AENC_OK);
    for (int i = 0; i < ROWS * 4; i++) mean += (double)code_of[i] / (ROWS * 4);
    CHECK_NEAR(aenc_model_term_value(model, 2), mean, 1e-6);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- Terms of validation ---- */

static aenc_node *terms_of_all_kinds(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    aenc_node *square = aenc_node_row_mean(r, aenc_node_function(r, "square", in));
    aenc_node_objective(r, "size", square, 0.5);
    aenc_node_measure(r, "level", aenc_node_row_mean(r, in));
    if (aenc_recorder_training(r)) aenc_node_measure(r, "drilled", square);
    aenc_node_objective(r, "spread", aenc_node_batch_mean(r, square), 0.25);
    aenc_node_measure(r, "level", aenc_node_batch_mean(r, square)); /* a second one of that name */
    return in;
}

enum { TERMS = 7, EPOCHS = 3 };
static const struct {
    const char *name;
    int32_t role;
} terms_wanted[TERMS] = {
    {"reconstruction", AENC_TERM_OBJECTIVE}, {"size", AENC_TERM_OBJECTIVE}, {"level", AENC_TERM_MEASURE},
    {"drilled", AENC_TERM_MEASURE},          {"spread", AENC_TERM_OBJECTIVE}, {"level", AENC_TERM_MEASURE},
    {"l2_weights", AENC_TERM_TRAINING},
};

struct watch {
    aenc_model *model;
    int64_t epochs, stop_after;
    double valid[EPOCHS][TERMS];
};

static double mean_of(const float *values, int count, bool squared) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (double)values[i] * (squared ? (double)values[i] : 1);
    return sum / count;
}

/* At an epoch the terms are those of the held-out rows (here all) with the parameters as they are. */
static int watch_terms(void *user, const aenc_progress *now) {
    struct watch *w = user;
    if (now->event == AENC_EVENT_STEP) {
        for (size_t i = 0; i < TERMS; i++) CHECK(isnan(aenc_model_term_valid(w->model, i)));
        return 0;
    }
    float code[ROWS * 4], output[ROWS * COLS];
    double sum = 0, error = 0, *valid = w->valid[now->epoch - 1];
    for (size_t i = 0; i < TERMS; i++) {
        valid[i] = aenc_model_term_valid(w->model, i);
        sum += aenc_model_term_role(w->model, i) == AENC_TERM_OBJECTIVE ? valid[i] : 0;
    }
    CHECK(aenc_encode(w->model, &x, code, ROWS * 4) == AENC_OK &&
          aenc_reconstruct(w->model, &x, output, ROWS * COLS) == AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) error += pow((double)output[i] - (double)data[i], 2) / (ROWS * COLS);
    double square = mean_of(code, ROWS * 4, true);
    CHECK_NEAR(sum, now->valid_loss, 1e-6);
    CHECK_NEAR(valid[0], error, 1e-6);
    CHECK_NEAR(valid[1], 0.5 * square, 1e-6);
    CHECK_NEAR(valid[2], mean_of(code, ROWS * 4, false), 1e-6);
    CHECK_NEAR(valid[4], 0.25 * square, 1e-6);
    CHECK_NEAR(valid[5], square, 1e-6);
    CHECK(isnan(valid[3]) && isnan(valid[6])); /* of training alone */
    w->epochs++;
    return w->epochs == w->stop_after;
}

static aenc_model *termed(int64_t threads, aenc_context **ctx) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},"
                               "\"bottleneck\":\"terms\",\"penalties\":[\"l2_weights:weight=0.01\"]}";
    aenc_model *model = NULL;
    aenc_plugin code = {
        .struct_size = sizeof code, .kind = AENC_PLUGIN_BOTTLENECK, .name = "terms", .bottleneck = terms_of_all_kinds};
    *ctx = context_make(threads);
    CHECK_STATUS(*ctx, aenc_register(*ctx, &code), AENC_OK);
    CHECK_STATUS(*ctx, aenc_model_parse(*ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

static void history_compare(const struct watch *w, int64_t epochs) {
    CHECK((int64_t)aenc_model_history_count(w->model) == epochs);
    for (int64_t e = 0; e < epochs; e++) {
        for (size_t i = 0; i < TERMS; i++) {
            double got = 0, want = w->valid[e][i];
            CHECK(aenc_model_history_term_valid(w->model, (size_t)e, i, &got) == AENC_OK);
            if (!CHECK(got == want || (isnan(got) && isnan(want))))
                fprintf(stderr, "  epoch %d, term %d: %g, not %g\n", (int)e, (int)i, got, want);
        }
    }
}

/* By name, in the callback, in the history, and in that of a run that was resumed on other threads. */
static void test_valid_terms(void) {
    static const char path[] = "bottleneck_test.checkpoint";
    aenc_context *ctx, *other;
    struct watch whole = {.model = termed(2, &ctx)}, part = {.model = termed(1, &other), .stop_after = 2};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = EPOCHS, .batch = 8, .valid = &x, .progress = watch_terms};
    CHECK(aenc_model_term_count(whole.model) == TERMS);
    for (size_t i = 0; i < TERMS; i++) {
        CHECK(strcmp(aenc_model_term_name(whole.model, i), terms_wanted[i].name) == 0);
        CHECK(aenc_model_term_role(whole.model, i) == terms_wanted[i].role);
        CHECK(isnan(aenc_model_term_valid(whole.model, i)));
    }
    fit.progress_user = &whole;
    CHECK_STATUS(ctx, aenc_fit(whole.model, &x, &fit), AENC_OK);
    history_compare(&whole, EPOCHS);
    (void)remove(path);
    fit.checkpoint = path;
    fit.progress_user = &part;
    CHECK_STATUS(other, aenc_fit(part.model, &x, &fit), AENC_OK);
    CHECK(part.epochs == 2);
    fit.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(other, aenc_fit(part.model, &x, &fit), AENC_OK);
    history_compare(&part, EPOCHS);
    memcpy(whole.valid, part.valid, sizeof part.valid);
    history_compare(&whole, EPOCHS);
    (void)remove(path);

    float weight[ROWS] = {0}, code[4];
    weight[3] = 2; /* one row alone */
    aenc_batch batch = {.struct_size = sizeof batch, .input = x, .weight = weight, .weight_count = ROWS};
    const aenc_matrix row = {data + 3 * COLS, 1, COLS, 0};
    double loss = 0, sum = 0;
    CHECK_STATUS(ctx, aenc_model_evaluate(whole.model, &batch, &loss), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(whole.model, &row, code, 4), AENC_OK);
    CHECK_NEAR(aenc_model_term_valid(whole.model, 2), mean_of(code, 4, false), 1e-6);
    for (size_t i = 0; i < TERMS; i++)
        if (terms_wanted[i].role == AENC_TERM_OBJECTIVE) sum += aenc_model_term_valid(whole.model, i);
    CHECK_NEAR(sum, loss, 1e-6);
    aenc_model_free(whole.model);
    aenc_model_free(part.model);
    aenc_context_free(ctx);
    aenc_context_free(other);
}

/* A layer behind the code of a bottleneck would lose what its heads have learned. */
static void test_growing_refused(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *model = model_make(ctx, "gaussian:units=2", "mse"), *grown = NULL;
    aenc_layer *layer = NULL;
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "dense:units=2", &layer), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_grow(model, layer, &grown), AENC_ERR_UNSUPPORTED);
    CHECK(grown == NULL && strstr(aenc_message(ctx), "bottleneck 'gaussian'") != NULL);
    aenc_layer_free(layer);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static void test_refused(void) {
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"\"bottleneck\":\"gausian\"", "unknown bottleneck 'gausian'; known: plain, gaussian"},
        {"\"bottleneck\":\"gaussian:units=-1\"", "units"},
        {"\"bottleneck\":7", "'bottleneck' must be a name or an object"},
        {"\"bottleneck\":\"gaussian:width=2\"", "unknown setting 'width'"},
        {"\"loss\":\"cosine:reduction=sum\"", "reduction=sum means nothing for it"},
        {"\"loss\":\"mse:reduction=max\"", "'reduction' is 'max'; known: mean, sum"},
        {"\"condition\":[\"label\"]", "'condition' names 'label', which 'fields' does not declare"},
        {"\"fields\":{\"input\":\"number\"}", "field 'input' is there without being declared"},
        {"\"fields\":{\"a b\":\"number\"}", "'a b' is no name of a field"},
        {"\"fields\":{\"a\":\"numbers\"}", "unknown field rule 'numbers'; known: number, unit, binary, classes, length"},
        {"\"fields\":{\"a\":\"classes\"}", "count"},
        {"\"fields\":[]", "'fields' must be an object"},
        {"\"fields\":{\"a\":3}", "field 'a' is neither a rule nor an object"},
        {"\"condition\":\"label\"", "'condition' must be a list"},
    };
    aenc_context *ctx = context_make(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        aenc_model *model = NULL;
        (void)snprintf(text, sizeof text, "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},%s}", cases[i].json);
        CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), strstr(text, "cosine") ? AENC_ERR_UNSUPPORTED
                                                                                                    : AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(ctx), cases[i].words) != NULL))
            fprintf(stderr, "  %s\n  lacks: %s\n", aenc_message(ctx), cases[i].words);
        CHECK(model == NULL);
    }
    aenc_context_free(ctx);
}

/* A field that the decoder alone reads is not needed for the code. */
static void test_needed_where_read(void) {
    static const char text[] =
        "{\"input\":[6],\"fields\":{\"label\":\"classes:count=4\"},\"encoder\":{\"type\":\"dense\",\"units\":2},"
        "\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"condition\",\"field\":\"label\"},"
        "{\"type\":\"dense\",\"units\":6}]}}";
    aenc_context *ctx = context_make(1);
    aenc_model *model = NULL;
    float code[ROWS * CODE], output[ROWS * COLS];
    int32_t needed = -1;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(model, &x, code, ROWS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_port_needs(model, "code", "label", &needed), AENC_OK);
    CHECK(needed == 0);
    CHECK_STATUS(ctx, aenc_model_port_needs(model, "output", "label", &needed), AENC_OK);
    CHECK(needed == 1);
    CHECK(aenc_reconstruct(model, &x, output, ROWS * COLS) == AENC_ERR_ARGUMENT &&
          strstr(aenc_message(ctx), "'label'") != NULL);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* The condition goes into encoder and decoder, behind a change of shape, and the output stays the input's size. */
static void test_condition(void) {
    static const char text[] =
        "{\"input\":[2,3],\"fields\":{\"label\":\"classes:count=4\",\"size\":{\"type\":\"number\",\"dims\":[2]}},"
        "\"condition\":[\"label\",\"size\"],\"bottleneck\":\"gaussian:units=2\",\"encoder\":{\"type\":\"sequential\","
        "\"layers\":[{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":5,\"activation\":\"relu\"}]}}";
    aenc_context *ctx = context_make(1);
    aenc_model *model = NULL;
    float values[128];
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    CHECK(aenc_model_output_size(model) == 6 && aenc_model_code_size(model) == 2);
    CHECK(values_read(model, "encoder.3.weight", values, 128) == 5 * (6 + 4 + 2));
    CHECK(values_read(model, "decoder.2.weight", values, 128) == 5 * (2 + 4 + 2));
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static aenc_array array_of(const char *name, void *values, size_t bytes, int32_t type, const size_t *dims, size_t rank) {
    return (aenc_array){.struct_size = sizeof(aenc_array), .name = name, .data = values, .size = bytes, .dims = dims,
                        .rank = rank, .type = type};
}

/* The label is a field from the source to the results: needed by name, and followed by the decoder. What is to be decoded,
 * one of four patterns, follows from the label alone, so a model that gets it reaches an error near zero through a code
 * whose KL costs more than it is worth. */
static void test_conditional(void) {
    enum { COUNT = 64, CLASSES = 4 };
    static float input[COUNT][COLS], output[COUNT][COLS], decoded[CLASSES][COLS], code[COUNT][CODE];
    static int32_t label[COUNT], each[CLASSES] = {0, 1, 2, 3};
    static float zero[CLASSES][CODE];
    for (int r = 0; r < COUNT; r++) {
        label[r] = r % CLASSES;
        for (int c = 0; c < COLS; c++) input[r][c] = (c + label[r]) % 3 == 0 ? 0.9f : 0.1f * (float)label[r];
    }
    aenc_context *ctx = context_make(2);
    aenc_model *model = NULL;
    static const char *const fields[] = {"label=classes:count=4"}, *const conditions[] = {"label"};
    static const size_t shape[] = {COLS}, widths[] = {16, CODE};
    aenc_model_options options = {.struct_size = sizeof options, .input = shape, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 2, .output = "sigmoid", .loss = "mse", .bottleneck = "gaussian",
                                  .fields = fields, .field_count = 1, .conditions = conditions, .condition_count = 1};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    const size_t dims[] = {COUNT, COLS}, rows[] = {COUNT}, of_code[] = {COUNT, CODE};
    const aenc_array x_of = array_of("input", input, sizeof input, AENC_TYPE_F32, dims, 2);
    const aenc_array label_of = array_of("label", label, sizeof label, AENC_TYPE_I32, rows, 1);
    const aenc_array *in[] = {&x_of, &label_of};
    aenc_source *source = NULL;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 300, .batch = 16, .optimizer = "adam:lr=0.01"};
    CHECK_STATUS(ctx, aenc_source_arrays(ctx, in, 1, &source), AENC_OK);
    CHECK(aenc_fit_source(model, source, &fit) == AENC_ERR_ARGUMENT && strstr(aenc_message(ctx), "'label'") != NULL);
    aenc_source_free(source);
    CHECK_STATUS(ctx, aenc_source_arrays(ctx, in, 2, &source), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit_source(model, source, &fit), AENC_OK);
    aenc_source_free(source);

    const aenc_array output_of = array_of("output", output, sizeof output, 0, dims, 2);
    const aenc_array code_of = array_of("code", code, sizeof code, 0, of_code, 2);
    const aenc_array *out[] = {&output_of, &code_of};
    CHECK(aenc_run(model, NULL, in, 1, out, 2) == AENC_ERR_ARGUMENT && strstr(aenc_message(ctx), "'label'") != NULL);
    CHECK_STATUS(ctx, aenc_run(model, NULL, in, 2, out, 2), AENC_OK);
    double worst = 0;
    for (int r = 0; r < COUNT; r++)
        for (int c = 0; c < COLS; c++) worst = check_larger(worst, fabs((double)output[r][c] - (double)input[r][c]));
    CHECK(worst < 0.1);

    /* One code, four labels: four patterns. */
    const size_t four[] = {CLASSES, CODE}, labels[] = {CLASSES}, patterns[] = {CLASSES, COLS};
    const aenc_array zero_of = array_of("code", zero, sizeof zero, 0, four, 2);
    const aenc_array each_of = array_of("label", each, sizeof each, AENC_TYPE_I32, labels, 1);
    const aenc_array decoded_of = array_of("output", decoded, sizeof decoded, 0, patterns, 2);
    const aenc_array *given[] = {&zero_of, &each_of}, *wanted[] = {&decoded_of};
    CHECK_STATUS(ctx, aenc_run(model, NULL, given, 2, wanted, 1), AENC_OK);
    for (int k = 0; k < CLASSES; k++)
        for (int c = 0; c < COLS; c++) CHECK_NEAR((double)decoded[k][c], (double)input[k][c], 0.15);
    each[2] = CLASSES;
    CHECK(aenc_run(model, NULL, given, 2, wanted, 1) == AENC_ERR_ARGUMENT && strstr(aenc_message(ctx), "label[2]") != NULL);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

int main(void) {
    data_make();
    test_conditional();
    test_numbers();
    test_draws();
    test_training();
    test_gradients();
    test_plugins();
    test_valid_terms();
    test_needed_where_read();
    test_growing_refused();
    test_refused();
    test_condition();
    return check_finish();
}
