/* sample_test.c - draws from the prior of a bottleneck: their moments, seeds and temperatures; that a row follows from seed and
 * place alone; conditions; a prior of the caller's; and what has none. Seeds of what aenc_run draws. */
#include <autoenc/ops.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ROWS = 300, COLS = 24, CODE = 3, CLASSES = 4 };

#define MODEL(rest) "{\"input\":[24],\"encoder\":{\"type\":\"dense\",\"units\":16,\"activation\":\"tanh\"}," rest "}"
static const char plain[] = MODEL("\"loss\":\"mse\"");
static const char gaussian[] = MODEL("\"bottleneck\":\"gaussian:units=3\",\"output\":\"sigmoid\",\"loss\":\"bce:reduction=sum\"");
/* Products of such sizes are not the same to every CBLAS with few rows as with many. */
static const char wide[] = "{\"input\":[24],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":700,\"activation\":"
                           "\"relu\"},{\"type\":\"dense\",\"units\":900,\"activation\":\"relu\"}]},\"bottleneck\":\"gaussian:units=3\"}";
static const char conditional[] =
    MODEL("\"bottleneck\":\"gaussian:units=3\",\"fields\":{\"label\":\"classes:count=4\"},\"condition\":[\"label\"]");

static aenc_context *context_make(uint64_t seed, int64_t threads) {
    aenc_context *ctx = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = seed, .threads = threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    return ctx;
}

static aenc_model *model_of(aenc_context *ctx, const char *text) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

static bool says(aenc_context *ctx, const char *words) {
    bool found = strstr(aenc_message(ctx), words) != NULL;
    if (!found) fprintf(stderr, "  lacks '%s': %s\n", words, aenc_message(ctx));
    return found;
}

/* Codes and outputs of so many rows; label may be NULL. */
struct draws {
    float code[ROWS * CODE], output[ROWS * COLS];
};
static aenc_status draw(aenc_model *model, const aenc_sample_options *options, int32_t *label, size_t rows, struct draws *to) {
    const size_t of_code[] = {rows, CODE}, of_output[] = {rows, COLS};
    const aenc_array code = {.struct_size = sizeof code, .name = "code", .data = to->code, .size = sizeof to->code, .dims = of_code, .rank = 2};
    const aenc_array output = {.struct_size = sizeof output, .name = "output", .data = to->output, .size = sizeof to->output,
                               .dims = of_output, .rank = 2};
    const aenc_array field = {.struct_size = sizeof field, .name = "label", .data = label, .size = rows * sizeof *label, .dims = &rows,
                              .rank = 1, .type = AENC_TYPE_I32};
    const aenc_array *in[] = {&field}, *out[] = {&output, &code};
    return aenc_sample(model, options, in, label != NULL, out, 2);
}

static void test_values(void) {
    static struct draws all, other;
    static float decoded[ROWS * COLS];
    aenc_context *ctx = context_make(11, 1);
    aenc_model *model = model_of(ctx, gaussian);
    CHECK_STATUS(ctx, draw(model, NULL, NULL, ROWS, &all), AENC_OK);
    double mean = 0, square = 0;
    for (int i = 0; i < ROWS * CODE; i++) {
        mean += (double)all.code[i] / (ROWS * CODE);
        square += (double)all.code[i] * (double)all.code[i] / (ROWS * CODE);
    }
    CHECK(fabs(mean) < 0.12 && fabs(square - 1) < 0.2); /* four standard errors of 900 draws */
    const aenc_matrix codes = {all.code, ROWS, CODE, 0};
    CHECK_STATUS(ctx, aenc_decode(model, &codes, decoded, ROWS * COLS), AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) CHECK_NEAR((double)decoded[i], (double)all.output[i], 1e-6);
    const aenc_sample_options half = {.struct_size = sizeof half, .temperature = 0.5, .seed = 11}, seeded = {.struct_size = sizeof half, .seed = 12};
    CHECK_STATUS(ctx, draw(model, &half, NULL, ROWS, &other), AENC_OK);
    for (int i = 0; i < ROWS * CODE; i++) CHECK(other.code[i] == 0.5f * all.code[i]);
    CHECK_STATUS(ctx, draw(model, &seeded, NULL, ROWS, &other), AENC_OK);
    int same = 0;
    for (int i = 0; i < ROWS * CODE; i++) same += other.code[i] == all.code[i];
    CHECK(same < 5);
    CHECK_STATUS(ctx, draw(model, NULL, NULL, ROWS, &other), AENC_OK);
    CHECK(memcmp(&all, &other, sizeof all) == 0);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* The same bits with any company and on any number of threads. */
static void test_rows(void) {
    static const size_t counts[] = {1, 2, 3, 7, 8, 31, 128, 129, 257};
    static struct draws all, some;
    int32_t label[ROWS];
    for (int i = 0; i < ROWS; i++) label[i] = i % CLASSES;
    static const char *const texts[] = {gaussian, conditional, wide};
    for (int k = 0; k < 3; k++) {
        aenc_context *ctx = context_make(3, 1), *threads = context_make(3, 3);
        aenc_model *model = model_of(ctx, texts[k]), *twin = model_of(threads, texts[k]);
        int32_t *given = k == 1 ? label : NULL;
        CHECK_STATUS(ctx, draw(model, NULL, given, ROWS, &all), AENC_OK);
        CHECK_STATUS(threads, draw(twin, NULL, given, ROWS, &some), AENC_OK);
        CHECK(memcmp(&all, &some, sizeof all) == 0);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            CHECK_STATUS(ctx, draw(model, NULL, given, counts[i], &some), AENC_OK);
            CHECK(memcmp(all.code, some.code, counts[i] * CODE * sizeof(float)) == 0);
            if (!CHECK(memcmp(all.output, some.output, counts[i] * COLS * sizeof(float)) == 0))
                fprintf(stderr, "  %zu rows\n", counts[i]);
        }
        aenc_model_free(model);
        aenc_model_free(twin);
        aenc_context_free(ctx);
        aenc_context_free(threads);
    }
}

static void test_condition(void) {
    static struct draws zeros, ones;
    int32_t label[ROWS] = {0};
    aenc_context *ctx = context_make(3, 1);
    aenc_model *model = model_of(ctx, conditional);
    CHECK_STATUS(ctx, draw(model, NULL, NULL, ROWS, &zeros), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "field 'label' is needed"));
    CHECK_STATUS(ctx, draw(model, NULL, label, ROWS, &zeros), AENC_OK);
    label[5] = 1;
    CHECK_STATUS(ctx, draw(model, NULL, label, ROWS, &ones), AENC_OK);
    CHECK(memcmp(zeros.code, ones.code, sizeof ones.code) == 0);
    for (int r = 0; r < ROWS; r++)
        CHECK((memcmp(zeros.output + r * COLS, ones.output + r * COLS, COLS * sizeof(float)) == 0) == (r != 5));
    label[5] = CLASSES;
    CHECK_STATUS(ctx, draw(model, NULL, label, ROWS, &ones), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "label[5] is 4"));
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- A prior of the caller's: uniform from -1 to 1 ---- */

static bool wrong_shape;

static aenc_node *through(void *user, aenc_recorder *r, aenc_node *x) {
    (void)user, (void)r;
    return x;
}

static aenc_node *uniform(void *user, aenc_recorder *r, const size_t *dims, size_t rank, aenc_node *temperature) {
    size_t more[] = {dims[0] + 1};
    (void)user;
    aenc_node *u = aenc_node_uniform(r, "u", wrong_shape ? more : dims, rank);
    return aenc_node_multiply(r, aenc_node_affine(r, u, 2, -1), temperature);
}

static void test_plugin(void) {
    static struct draws all;
    aenc_context *ctx = context_make(3, 1);
    aenc_plugin box = {.struct_size = sizeof box, .kind = AENC_PLUGIN_BOTTLENECK, .name = "box", .bottleneck = through, .sample = uniform};
    aenc_plugin bare = {.struct_size = sizeof box, .kind = AENC_PLUGIN_BOTTLENECK, .name = "bare", .bottleneck = through};
    aenc_plugin layer = {.struct_size = sizeof box, .kind = AENC_PLUGIN_LAYER, .name = "odd", .layer = through, .sample = uniform};
    aenc_plugin other = {.struct_size = sizeof box, .kind = AENC_PLUGIN_LAYER, .name = "odd", .layer = through, .bottleneck = through};
    CHECK_STATUS(ctx, aenc_register(ctx, &box), AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &bare), AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &layer), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "aenc_plugin.sample is given"));
    CHECK_STATUS(ctx, aenc_register(ctx, &other), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "aenc_plugin.bottleneck is given"));
    static const char text[] = "{\"input\":[24],\"encoder\":{\"type\":\"dense\",\"units\":3},\"bottleneck\":\"box\"}";
    aenc_model *model = model_of(ctx, text);
    CHECK_STATUS(ctx, draw(model, NULL, NULL, ROWS, &all), AENC_OK);
    double low = 0, high = 0;
    for (int i = 0; i < ROWS * CODE; i++) {
        low = (double)all.code[i] < low ? (double)all.code[i] : low;
        high = check_larger(high, (double)all.code[i]);
    }
    CHECK(low > -1 && low < -0.95 && high < 1 && high > 0.95);
    wrong_shape = true;
    aenc_model *wrong = model_of(ctx, text);
    CHECK_STATUS(ctx, draw(wrong, NULL, NULL, ROWS, &all), AENC_ERR_SHAPE);
    CHECK(says(ctx, "it must have rows of the code's shape"));
    wrong_shape = false;
    aenc_model *none = model_of(ctx, "{\"input\":[24],\"encoder\":{\"type\":\"dense\",\"units\":3},\"bottleneck\":\"bare\"}");
    CHECK_STATUS(ctx, draw(none, NULL, NULL, ROWS, &all), AENC_ERR_UNSUPPORTED);
    CHECK(says(ctx, "bottleneck 'bare' has no prior to sample from"));
    aenc_model_free(model);
    aenc_model_free(wrong);
    aenc_model_free(none);
    aenc_context_free(ctx);
}

/* ---- What is refused ---- */

static void test_refused(void) {
    static const size_t code_dims[] = {ROWS, CODE}, fewer[] = {ROWS - 1, COLS}, rows[] = {ROWS};
    static struct draws all;
    aenc_context *ctx = context_make(3, 1);
    aenc_model *model = model_of(ctx, gaussian), *without = model_of(ctx, plain);
    const aenc_array code = {.struct_size = sizeof code, .name = "code", .data = all.code, .size = sizeof all.code, .dims = code_dims, .rank = 2};
    const aenc_array few = {.struct_size = sizeof few, .name = "output", .data = all.output, .size = sizeof all.output, .dims = fewer, .rank = 2};
    const aenc_array score = {.struct_size = sizeof score, .name = "score", .data = all.code, .size = sizeof all.code, .dims = rows, .rank = 1};
    const aenc_array mean = {.struct_size = sizeof mean, .name = "mean", .data = all.code, .size = sizeof all.code, .dims = code_dims, .rank = 2};
    const aenc_array *uneven[] = {&code, &few}, *scores[] = {&score}, *means[] = {&mean}, *codes[] = {&code};
    CHECK_STATUS(ctx, aenc_sample(model, NULL, NULL, 0, uneven, 2), AENC_ERR_SHAPE);
    CHECK(says(ctx, "result 'output' has 299 rows and the first result 300"));
    CHECK_STATUS(ctx, aenc_sample(model, NULL, NULL, 0, scores, 1), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "result 'score' is one of an input"));
    CHECK_STATUS(ctx, aenc_sample(model, NULL, NULL, 0, means, 1), AENC_ERR_ARGUMENT);
    /* a code that is given is not what is drawn */
    CHECK_STATUS(ctx, aenc_sample(model, NULL, codes, 1, codes, 1), AENC_OK);
    const size_t plain_dims[] = {ROWS / 10, 16};
    const aenc_array plain_code = {.struct_size = sizeof code, .name = "code", .data = all.code, .size = sizeof all.code, .dims = plain_dims, .rank = 2};
    const aenc_array *plain_codes[] = {&plain_code};
    CHECK_STATUS(ctx, aenc_sample(without, NULL, NULL, 0, plain_codes, 1), AENC_ERR_UNSUPPORTED);
    CHECK(says(ctx, "bottleneck 'plain' has no prior to sample from"));
    const double bad[] = {-1, (double)NAN, (double)INFINITY};
    for (int i = 0; i < 3; i++) {
        const aenc_sample_options options = {.struct_size = sizeof options, .temperature = bad[i]};
        CHECK_STATUS(ctx, draw(model, &options, NULL, ROWS, &all), AENC_ERR_ARGUMENT);
        CHECK(says(ctx, "aenc_sample_options.temperature is"));
    }
    aenc_model_free(model);
    aenc_model_free(without);
    aenc_context_free(ctx);
}

/* ---- Seeds of aenc_run; rows of a source draw as the same rows in memory do ---- */

static void test_run_seeds(void) {
    enum { MANY = 1500 };
    static float input[MANY * COLS], sample[4][MANY * CODE], score[2][MANY];
    for (int i = 0; i < MANY * COLS; i++) input[i] = (float)(i * 37 % 101) / 101.0f;
    const size_t dims[] = {MANY, COLS}, code_dims[] = {MANY, CODE}, rows[] = {MANY};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = input, .size = sizeof input, .dims = dims, .rank = 2};
    const aenc_array *in[] = {&x};
    aenc_context *ctx = context_make(5, 2);
    aenc_model *model = model_of(ctx, gaussian);
    aenc_source *source = NULL;
    size_t done = 0;
    CHECK_STATUS(ctx, aenc_source_arrays(ctx, in, 1, &source), AENC_OK);
    const uint64_t seeds[] = {0, 5, 6, 0};
    for (int k = 0; k < 4; k++) {
        const aenc_run_options options = {.struct_size = sizeof options, .seed = seeds[k]};
        const aenc_array z = {.struct_size = sizeof z, .name = "sample", .data = sample[k], .size = sizeof *sample, .dims = code_dims, .rank = 2};
        const aenc_array s = {.struct_size = sizeof s, .name = "score", .data = score[k == 3], .size = sizeof *score, .dims = rows, .rank = 1};
        const aenc_array *out[] = {&z, &s};
        if (k < 3) CHECK_STATUS(ctx, aenc_run(model, &options, in, 1, out, k == 0 ? 2 : 1), AENC_OK);
        if (k == 3) CHECK_STATUS(ctx, aenc_run_source(model, &options, source, out, 2, &done), AENC_OK);
    }
    CHECK(memcmp(sample[0], sample[1], sizeof *sample) == 0 && memcmp(sample[0], sample[2], sizeof *sample) != 0);
    CHECK(memcmp(sample[0], sample[3], sizeof *sample) == 0 && memcmp(score[0], score[1], sizeof *score) == 0);
    aenc_source_free(source);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

int main(void) {
    test_values();
    test_rows();
    test_condition();
    test_plugin();
    test_refused();
    test_run_seeds();
    return check_finish();
}
