/* length_test.c - a layer of the caller's that reads a field: the mean of a sequence's steps, of which a row has as many as its
 * field `length` says. From the description to fits, files, results, runners and plug-ins that are missing. */
#include <autoenc/ops.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ROWS = 96, STEPS = 5, WIDTH = 3, COLS = STEPS * WIDTH, CODE = 2 };

static float data[ROWS][STEPS][WIDTH];
static int32_t length[ROWS];

static const char text[] =
    "{\"input\":[5,3],\"fields\":{\"length\":\"length:count=5\"},\"encoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":8,\"activation\":\"tanh\"},{\"type\":\"masked_mean\"},{\"type\":\"dense\",\"units\":2}]},"
    "\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":15},{\"type\":\"reshape\",\"dims\":[5,3]}]},"
    "\"loss\":\"mse\"}";

/* mean over t < length of x_t; x (steps, width), y (width) */
static aenc_node *masked_mean(void *user, aenc_recorder *r, aenc_node *x) {
    size_t steps = aenc_node_dim(x, 0), one[] = {1}, dims[] = {steps}, column[] = {steps, 1};
    float index[16];
    (void)user;
    if (aenc_node_rank(x) != 2 || steps > 16) return aenc_node_fail(r, AENC_ERR_SHAPE, "x has two axes, up to 16 steps first");
    for (size_t t = 0; t < steps; t++) index[t] = (float)t;
    aenc_node *count = aenc_node_reshape(r, aenc_node_field(r, "length"), one, 1);
    aenc_node *left = aenc_node_subtract(r, count, aenc_node_constant(r, index, steps, dims, 1)); /* length - t, at least 1 in the sequence */
    aenc_node *mask = aenc_node_reshape(r, aenc_node_clamp(r, left, 0, 1), column, 2);
    aenc_node *mean = aenc_node_divide(r, aenc_node_sum(r, aenc_node_multiply(r, x, mask), 0), count);
    return aenc_node_result(r, "steps", mean);
}

static aenc_context *context_make(int64_t threads, bool registered) {
    aenc_context *ctx = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    const aenc_plugin layer = {.struct_size = sizeof layer, .kind = AENC_PLUGIN_LAYER, .name = "masked_mean", .layer = masked_mean};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    if (registered) CHECK_STATUS(ctx, aenc_register(ctx, &layer), AENC_OK);
    return ctx;
}

static aenc_array array_of(const char *name, void *values, size_t bytes, int32_t type, const size_t *dims, size_t rank) {
    return (aenc_array){.struct_size = sizeof(aenc_array), .name = name, .data = values, .size = bytes, .dims = dims, .rank = rank,
                        .type = type};
}

static bool says(aenc_context *ctx, const char *words) {
    bool found = strstr(aenc_message(ctx), words) != NULL;
    if (!found) fprintf(stderr, "  lacks '%s': %s\n", words, aenc_message(ctx));
    return found;
}

/* The fields of all rows, and what they become. */
static const size_t x_dims[] = {ROWS, STEPS, WIDTH}, rows[] = {ROWS}, code_dims[] = {ROWS, CODE}, mean_dims[] = {ROWS, 8};
struct answer {
    float code[ROWS][CODE], score[ROWS], mean[ROWS][8], first[ROWS][STEPS * 8];
};
static const size_t first_dims[] = {ROWS, STEPS * 8};

/* Through aenc_run, or through a runner if one is given. */
static aenc_status run(aenc_model *model, aenc_runner *runner, struct answer *to) {
    const aenc_array x = array_of("input", data, sizeof data, 0, x_dims, 3), n = array_of("length", length, sizeof length, AENC_TYPE_I32, rows, 1);
    const aenc_array a = array_of("code", to->code, sizeof to->code, 0, code_dims, 2), b = array_of("score", to->score, sizeof to->score, 0, rows, 1);
    const aenc_array c = array_of("encoder.1.steps", to->mean, sizeof to->mean, 0, mean_dims, 2);
    const aenc_array d = array_of("encoder.0", to->first, sizeof to->first, 0, first_dims, 2);
    const aenc_array *in[] = {&x, &n}, *out[] = {&a, &b, &c, &d};
    return runner != NULL ? aenc_runner_run_arrays(runner, in, 2, out, 4) : aenc_run(model, NULL, in, 2, out, 4);
}

static aenc_status fit(aenc_context *ctx, aenc_model *model, size_t fields, double *before, double *after) {
    const aenc_array x = array_of("input", data, sizeof data, 0, x_dims, 3), n = array_of("length", length, sizeof length, AENC_TYPE_I32, rows, 1);
    const aenc_array *in[] = {&x, &n};
    const aenc_fit_options options = {.struct_size = sizeof options, .epochs = 20, .batch = 16, .optimizer = "adam:lr=0.01"};
    struct answer *answer = malloc(sizeof *answer);
    aenc_source *source = NULL;
    if (answer == NULL) exit(2);
    CHECK_STATUS(ctx, run(model, NULL, answer), AENC_OK);
    *before = *after = 0;
    for (int r = 0; r < ROWS; r++) *before += (double)answer->score[r] / ROWS;
    CHECK_STATUS(ctx, aenc_source_arrays(ctx, in, fields, &source), AENC_OK);
    aenc_status status = aenc_fit_source(model, source, &options);
    CHECK_STATUS(ctx, run(model, NULL, answer), AENC_OK);
    for (int r = 0; r < ROWS; r++) *after += (double)answer->score[r] / ROWS;
    aenc_source_free(source);
    free(answer);
    return status;
}

static void test_values(void) {
    static struct answer was, now;
    aenc_context *ctx = context_make(1, true);
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    CHECK_STATUS(ctx, run(model, NULL, &was), AENC_OK);
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < 8; k++) {
            double sum = 0;
            for (int t = 0; t < length[r]; t++) sum += (double)was.first[r][t * 8 + k] / length[r];
            CHECK_NEAR((double)was.mean[r][k], sum, 1e-6);
        }
    /* a step behind the sequence is not looked at by the code, one within it is */
    for (int r = 0; r < ROWS; r++) {
        float kept = data[r][length[r] == STEPS ? 0 : length[r]][1];
        data[r][length[r] == STEPS ? 0 : length[r]][1] = 0.9f;
        CHECK_STATUS(ctx, run(model, NULL, &now), AENC_OK);
        CHECK((memcmp(was.code, now.code, sizeof was.code) == 0) == (length[r] < STEPS));
        data[r][length[r] == STEPS ? 0 : length[r]][1] = kept;
    }
    int32_t kept = length[7];
    length[7] = STEPS + 1;
    CHECK_STATUS(ctx, run(model, NULL, &now), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "length[7] is 6; it is whole, from 1 to 5"));
    length[7] = kept;
    const aenc_matrix x = {&data[0][0][0], ROWS, COLS, 0};
    CHECK_STATUS(ctx, aenc_encode(model, &x, now.code[0], ROWS * CODE), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "field 'length' is needed and was not given"));
    aenc_port port = {.struct_size = sizeof port};
    int32_t needed = 0;
    size_t found = 0;
    for (size_t i = 0; i < aenc_model_port_count(model); i++) {
        CHECK_STATUS(ctx, aenc_model_port(model, i, &port), AENC_OK);
        if (strcmp(port.name, "length") == 0) found += port.rule == AENC_RULE_LENGTH && port.count == STEPS && port.trained == 1;
        if (strcmp(port.name, "encoder.1.steps") == 0) found += port.kind == AENC_PORT_RESULT && port.size == 8;
        if (strcmp(port.name, "encoder.1") == 0) found += port.kind == AENC_PORT_LAYER && port.size == 8;
    }
    CHECK(found == 3);
    CHECK_STATUS(ctx, aenc_model_port_needs(model, "encoder.0", "length", &needed), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_port_needs(model, "encoder.1", "length", &needed), AENC_OK);
    CHECK(needed == 1);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* Fits need it, learn with it, on any number of threads the same; a file has it, and a runner. */
static void test_uses(void) {
    static struct answer was, other, runs;
    static const char *const results[] = {"code", "score", "encoder.1.steps", "encoder.0"}, *const fields[] = {"input", "length"};
    static char bytes[1 << 16];
    size_t size = 0;
    double before, after;
    aenc_context *ctx = context_make(1, true), *threads = context_make(3, true), *bare = context_make(1, false);
    aenc_model *model = NULL, *twin = NULL, *loaded = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    CHECK_STATUS(threads, aenc_model_parse(threads, text, sizeof text - 1, &twin), AENC_OK);
    CHECK_STATUS(ctx, fit(ctx, model, 1, &before, &after), AENC_ERR_ARGUMENT);
    CHECK(before == after);
    CHECK_STATUS(ctx, fit(ctx, model, 2, &before, &after), AENC_OK);
    CHECK(after < 0.7 * before);
    CHECK_STATUS(threads, fit(threads, twin, 2, &before, &after), AENC_OK);
    CHECK_STATUS(ctx, run(model, NULL, &was), AENC_OK);
    CHECK_STATUS(threads, run(twin, NULL, &other), AENC_OK);
    CHECK(memcmp(&was, &other, sizeof was) == 0);

    CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(bare, aenc_model_load_memory(bare, bytes, size, &loaded), AENC_ERR_ARGUMENT);
    CHECK(loaded == NULL && says(bare, "masked_mean"));
    CHECK_STATUS(threads, aenc_model_load_memory(threads, bytes, size, &loaded), AENC_OK);
    CHECK_STATUS(threads, run(loaded, NULL, &other), AENC_OK);
    CHECK(memcmp(&was, &other, sizeof was) == 0);

    for (int64_t at_once = 1; at_once <= 64; at_once *= 8) {
        aenc_runner *runner = NULL;
        const aenc_runner_options options = {.struct_size = sizeof options, .rows = at_once, .results = results, .result_count = 4,
                                             .fields = fields, .field_count = 2};
        CHECK_STATUS(ctx, aenc_runner_create(model, &options, &runner), AENC_OK);
        CHECK(run(NULL, runner, &runs) == AENC_OK);
        for (int i = 0; i < ROWS * CODE; i++) CHECK_NEAR((double)(&runs.code[0][0])[i], (double)(&was.code[0][0])[i], 1e-5);
        if (at_once > 1) CHECK(memcmp(&runs, &other, sizeof runs) == 0);
        other = runs;
        length[3] = 0;
        CHECK(run(NULL, runner, &runs) == AENC_ERR_ARGUMENT && strstr(aenc_runner_message(runner), "length[3] is 0") != NULL);
        length[3] = 1;
        aenc_runner_free(runner);
    }
    aenc_model_free(model);
    aenc_model_free(twin);
    aenc_model_free(loaded);
    aenc_context_free(ctx);
    aenc_context_free(threads);
    aenc_context_free(bare);
}

/* Beside a matrix: in steps, in evaluation, in the check of gradients, and in both fits, which then are those of a source. */
static void test_beside(void) {
    static struct answer was, other;
    const aenc_array n = array_of("length", length, sizeof length, AENC_TYPE_I32, rows, 1), x_of = array_of("input", data, sizeof data, 0, x_dims, 3);
    const size_t fewer[] = {ROWS - 1};
    const aenc_array few = array_of("length", length, sizeof length, AENC_TYPE_I32, fewer, 1);
    const aenc_array *fields[] = {&n}, *short_fields[] = {&few}, *stray[] = {&x_of}, *both[] = {&x_of, &n};
    const aenc_matrix x = {&data[0][0][0], ROWS, COLS, 0};
    aenc_context *ctx = context_make(2, true);
    aenc_model *model = NULL, *twin = NULL;
    aenc_optimizer *optimizer = NULL;
    aenc_source *source = NULL;
    double loss, first = 0, last = 0, worst = 1;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &twin), AENC_OK);
    aenc_batch batch = {.struct_size = sizeof batch, .input = x, .fields = fields, .field_count = 1}, bad = batch;
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, NULL), AENC_OK);
    CHECK(worst < 0.02);
    bad.field_count = 0, bad.fields = NULL;
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &bad, &loss), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "field 'length' is needed"));
    bad.field_count = 1;
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &bad, &loss), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "aenc_batch.field_count is 1, and fields is NULL"));
    bad.fields = short_fields;
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &bad, &loss), AENC_ERR_SHAPE);
    CHECK(says(ctx, "aenc_batch.fields have 95 rows, and the input 96"));
    bad.fields = stray;
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &bad, &loss), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "aenc_batch.fields has 'input', which is no declared field"));
    length[7] = 0;
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &batch, &loss), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "length[7] is 0"));
    length[7] = 3;
    CHECK_STATUS(ctx, aenc_optimizer_create(model, "adam:lr=0.01", &optimizer), AENC_OK);
    for (int k = 0; k < 60; k++) {
        CHECK_STATUS(ctx, aenc_model_step(model, optimizer, &batch, &last), AENC_OK);
        if (k == 0) first = last;
    }
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &batch, &loss), AENC_OK);
    CHECK(last < 0.7 * first && loss < first);
    aenc_optimizer_free(optimizer);
    aenc_model_free(model);

    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .batch = 16, .validation_fraction = 0.25};
    CHECK_STATUS(ctx, aenc_source_arrays(ctx, both, 2, &source), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit_source(twin, source, &fit), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_ERR_ARGUMENT);
    fit.fields = fields, fit.field_count = 1;
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    CHECK_STATUS(ctx, run(model, NULL, &was), AENC_OK);
    CHECK_STATUS(ctx, run(twin, NULL, &other), AENC_OK);
    CHECK(memcmp(&was, &other, sizeof was) == 0);
    CHECK_STATUS(ctx, aenc_fit_source(twin, source, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "aenc_fit_options.fields is given, but"));
    fit.validation_fraction = 0, fit.valid = &x;
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "valid has no fields beside it"));
    const aenc_fit_options partial = {.struct_size = sizeof partial, .batch = 16, .fields = fields, .field_count = 1};
    CHECK_STATUS(ctx, aenc_partial_fit(model, &x, &partial), AENC_OK);
    CHECK_STATUS(ctx, run(model, NULL, &other), AENC_OK);
    CHECK(memcmp(&was, &other, sizeof was) != 0);
    aenc_source_free(source);
    aenc_model_free(model);
    aenc_model_free(twin);
    aenc_context_free(ctx);
}

int main(void) {
    unsigned state = 3;
    for (int r = 0; r < ROWS; r++) {
        length[r] = r == 3 ? 1 : 1 + r % STEPS;
        for (int t = 0; t < STEPS; t++)
            for (int k = 0; k < WIDTH; k++) {
                state = state * 1664525u + 1013904223u;
                data[r][t][k] = t < length[r] ? (float)(r % 7) / 7 + 0.1f * (float)(state >> 8) / 16777216.0f : 0;
            }
    }
    test_values();
    test_uses();
    test_beside();
    return check_finish();
}
