/* pca_test.c - a PCA against scikit-learn, by every method and every way for rows to come; and what it refuses. */
#include "api/memory.h"
#include "model/pca_golden.h"

enum { TALL_ROWS = 30, TALL_COLS = 6, WIDE_ROWS = 5, WIDE_COLS = 8, K = 3, GIVEN = 4 };

static const aenc_matrix tall = {tall_x, TALL_ROWS, TALL_COLS, 0}, wide = {wide_x, WIDE_ROWS, WIDE_COLS, 0};

/* ---- Golden numbers ---- */

static void check_floats(const float *got, const float *want, size_t count, double tolerance) {
    double worst = 0;
    for (size_t i = 0; i < count; i++) worst = check_larger(worst, fabs((double)got[i] - (double)want[i]));
    CHECK_NEAR(worst, 0, tolerance);
}

static void check_entry(aenc_context *ctx, const aenc_model *model, const char *name, const float *want, size_t count,
                        double tolerance) {
    aenc_tensor *tensor = NULL;
    float got[64];
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
    CHECK(aenc_tensor_count(tensor) == count && aenc_tensor_read(tensor, got, count) == AENC_OK);
    check_floats(got, want, count, tolerance);
    aenc_tensor_free(tensor);
}

struct golden {
    const aenc_matrix *x;
    const float *mean, *variance, *ratio, *components, *codes, *white, *back, *noise_total;
};
static const struct golden goldens[] = {
    {&tall, tall_mean, tall_variance, tall_ratio, tall_components, tall_codes, tall_white, tall_back, tall_noise_total},
    {&wide, wide_mean, wide_variance, wide_ratio, wide_components, wide_codes, wide_white, wide_back, wide_noise_total},
};

static void check_golden(aenc_context *ctx, aenc_model *model, const struct golden *g, bool white, double tolerance) {
    size_t cols = g->x->cols;
    float code[GIVEN * K], back[GIVEN * WIDE_COLS], rows[2] = {(float)g->x->rows, 0};
    aenc_matrix x = {g->x->data, GIVEN, cols, 0};
    check_entry(ctx, model, "pca.mean", g->mean, cols, tolerance);
    check_entry(ctx, model, "pca.explained_variance", g->variance, K, 10 * tolerance);
    check_entry(ctx, model, "pca.explained_variance_ratio", g->ratio, K, tolerance);
    check_entry(ctx, model, "pca.noise_variance", g->noise_total, 1, tolerance);
    check_entry(ctx, model, "pca.total_variance", g->noise_total + 1, 1, 10 * tolerance);
    check_entry(ctx, model, "pca.rows", rows, 2, 0);
    if (!white) check_entry(ctx, model, "encoder.0.weight", g->components, K * cols, tolerance);
    CHECK_STATUS(ctx, aenc_encode(model, &x, code, GIVEN * K), AENC_OK);
    check_floats(code, white ? g->white : g->codes, GIVEN * K, 10 * tolerance);
    CHECK_STATUS(ctx, aenc_reconstruct(model, &x, back, GIVEN * cols), AENC_OK);
    check_floats(back, g->back, GIVEN * cols, 10 * tolerance);
}

static void test_golden(aenc_context *ctx) {
    static const char *const methods[] = {NULL, "auto", "covariance", "gram", "incremental"};
    for (size_t g = 0; g < 2; g++)
        for (size_t m = 0; m < 5; m++)
            for (int white = 0; white < 2; white++) {
                aenc_model *model = NULL;
                aenc_pca_options options = {
                    .struct_size = sizeof options, .components = K, .whiten = white, .method = methods[m]};
                CHECK_STATUS(ctx, aenc_pca_create(ctx, goldens[g].x, &options, &model), AENC_OK);
                check_golden(ctx, model, &goldens[g], white == 1, 2e-6);
                CHECK_STATUS(ctx, aenc_fit(model, goldens[g].x, NULL), AENC_OK);
                check_golden(ctx, model, &goldens[g], white == 1, 2e-6);
                aenc_model_free(model);
            }
}

static void test_shares(aenc_context *ctx) {
    for (size_t i = 0; i < sizeof tall_shares / sizeof *tall_shares; i++) {
        aenc_model *model = NULL;
        aenc_pca_options options = {.struct_size = sizeof options, .share = tall_shares[i].share};
        CHECK_STATUS(ctx, aenc_pca_create(ctx, &tall, &options, &model), AENC_OK);
        CHECK(aenc_model_code_size(model) == (size_t)tall_shares[i].components);
        aenc_model_free(model);
    }
    aenc_model *all = NULL;
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &wide, NULL, &all), AENC_OK);
    CHECK(aenc_model_code_size(all) == WIDE_ROWS);
    aenc_model_free(all);
}

/* ---- Ways for rows to come ---- */

struct feed {
    size_t at, most; /* rows; most: that one read gives */
    float weight;    /* of the last row */
};

static int feed_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct feed *feed = user;
    size_t left = TALL_ROWS - feed->at, count = rows < left ? rows : left;
    (void)target;
    if (count > feed->most) count = feed->most;
    memcpy(input, tall_x + feed->at * TALL_COLS, count * TALL_COLS * sizeof *input);
    feed->at += count;
    if (count > 0 && feed->at == TALL_ROWS) weight[count - 1] = feed->weight;
    *got = count;
    return 0;
}

static int feed_seek(void *user, uint64_t position) {
    ((struct feed *)user)->at = (size_t)position;
    return 0;
}

static void test_streams(aenc_context *ctx) {
    for (int i = 0; i < 16; i++) {
        struct feed feed = {0, i & 1 ? 7 : 600, 1};
        aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = TALL_COLS, .read = feed_read,
                                           .user = &feed, .rows = i & 2 ? TALL_ROWS : 0,
                                           .seek = i & 4 ? feed_seek : NULL, .read_ahead = i & 8 ? 1 : 0};
        aenc_pca_options options = {.struct_size = sizeof options, .components = K};
        aenc_source *source = NULL;
        aenc_model *model = NULL;
        CHECK_STATUS(ctx, aenc_source_callback(ctx, &callbacks, &source), AENC_OK);
        CHECK_STATUS(ctx, aenc_pca_create_source(ctx, source, &options, &model), AENC_OK);
        check_golden(ctx, model, &goldens[0], false, 2e-6);
        feed.at = 0;
        CHECK_STATUS(ctx, aenc_fit_source(model, source, NULL), AENC_OK);
        check_golden(ctx, model, &goldens[0], false, 2e-6);
        feed.at = 0;
        feed.weight = 2;
        CHECK_STATUS(ctx, aenc_fit_source(model, source, NULL), AENC_ERR_UNSUPPORTED);
        CHECK(strstr(aenc_message(ctx), "source.weight[29] is 2") != NULL);
        check_golden(ctx, model, &goldens[0], false, 2e-6);
        aenc_model_free(model);
        aenc_source_free(source);
    }
    aenc_source *source = NULL;
    aenc_model *model = NULL;
    aenc_pca_options options = {.struct_size = sizeof options, .components = K};
    CHECK_STATUS(ctx, aenc_source_matrix(ctx, &wide, &source), AENC_OK);
    CHECK_STATUS(ctx, aenc_pca_create_source(ctx, source, &options, &model), AENC_OK);
    check_golden(ctx, model, &goldens[1], false, 2e-6);
    aenc_model_free(model);
    aenc_source_free(source);
}

/* Bytes of a model, back as a model. */
static aenc_model *reload(aenc_context *ctx, aenc_model *model) {
    static char bytes[1 << 16];
    size_t size = 0;
    aenc_model *out = NULL;
    CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes, size, &out), AENC_OK);
    return out;
}

static void feed_partly(aenc_context *ctx, aenc_model *model, const aenc_matrix *x, size_t first, size_t piece) {
    for (size_t r = first; r < x->rows; r += piece) {
        aenc_matrix rows = {x->data + r * x->cols, piece < x->rows - r ? piece : x->rows - r, x->cols, 0};
        CHECK_STATUS(ctx, aenc_partial_fit(model, &rows, NULL), AENC_OK);
    }
}

static void test_partial(aenc_context *ctx) {
    static const char *const methods[] = {NULL, "incremental"};
    for (size_t piece = 1; piece <= 13; piece += 3)
        for (size_t m = 0; m < 2; m++)
            for (size_t g = 0; g < 2; g++) {
                aenc_pca_options options = {.struct_size = sizeof options, .components = K, .method = methods[m],
                                            .cols = goldens[g].x->cols};
                aenc_model *model = NULL;
                CHECK_STATUS(ctx, aenc_pca_create(ctx, NULL, &options, &model), AENC_OK);
                feed_partly(ctx, model, goldens[g].x, 0, piece);
                check_golden(ctx, model, &goldens[g], false, 2e-6);
                aenc_model *copy = reload(ctx, model);
                check_golden(ctx, copy, &goldens[g], false, 2e-6);
                aenc_model_free(copy);
                aenc_model_free(model);
            }
}

/* With all components a file holds all there is to know: a loaded model goes on exactly. */
static void test_resumed(aenc_context *ctx) {
    for (int how = 0; how < 4; how++) {
        aenc_pca_options options = {.struct_size = sizeof options, .components = TALL_COLS, .whiten = how % 2,
                                    .method = how < 2 ? NULL : "incremental"};
        aenc_matrix head = {tall_x, 20, TALL_COLS, 0};
        aenc_model *model = NULL, *whole = NULL;
        float got[TALL_ROWS * TALL_COLS], want[TALL_ROWS * TALL_COLS];
        CHECK_STATUS(ctx, aenc_pca_create(ctx, &head, &options, &model), AENC_OK);
        CHECK_STATUS(ctx, aenc_pca_create(ctx, &tall, &options, &whole), AENC_OK);
        aenc_model *copy = reload(ctx, model);
        aenc_model_free(model);
        feed_partly(ctx, copy, &tall, 20, 4);
        check_entry(ctx, copy, "pca.mean", tall_mean, TALL_COLS, 2e-6);
        CHECK_STATUS(ctx, aenc_encode(copy, &tall, got, TALL_ROWS * TALL_COLS), AENC_OK);
        CHECK_STATUS(ctx, aenc_encode(whole, &tall, want, TALL_ROWS * TALL_COLS), AENC_OK);
        check_floats(got, want, TALL_ROWS * TALL_COLS, 1e-3);
        static const char *const of_variance[] = {"pca.explained_variance", "pca.explained_variance_ratio",
                                                  "pca.total_variance"};
        for (int i = 0; i < 3; i++) {
            aenc_tensor *tensor = NULL;
            CHECK_STATUS(ctx, aenc_model_tensor_get(whole, of_variance[i], &tensor), AENC_OK);
            CHECK_STATUS(ctx, aenc_tensor_read(tensor, want, aenc_tensor_count(tensor)), AENC_OK);
            check_entry(ctx, copy, of_variance[i], want, aenc_tensor_count(tensor), 2e-5);
            aenc_tensor_free(tensor);
        }
        aenc_model_free(copy);
        aenc_model_free(whole);
    }
}

/* ---- More rows than fit: what is kept of them, and the same bits on any number of threads ---- */

enum { MANY_ROWS = 3000, MANY_COLS = 150, MANY_CODE = 5 };

/* Five strong directions above noise, and a mean far from zero. */
static void many_fill(float *data) {
    uint64_t state = 5;
    for (size_t r = 0; r < MANY_ROWS; r++) {
        double strength[MANY_CODE];
        for (size_t i = 0; i < MANY_CODE + MANY_COLS; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            double unit = (double)(state >> 11) * 0x1p-53 - 0.5;
            if (i < MANY_CODE) {
                strength[i] = (double)(MANY_CODE - i) * unit;
                continue;
            }
            double sum = 100 + 0.3 * unit;
            for (size_t k = 0; k < MANY_CODE; k++) sum += strength[k] * sin((double)((i + 1) * (k + 1)));
            data[r * MANY_COLS + i - MANY_CODE] = (float)sum;
        }
    }
}

static void test_many(void) {
    static float data[MANY_ROWS * MANY_COLS], code[2][4][MANY_CODE * 100];
    static const char *const methods[] = {"covariance", "incremental", "gram", "covariance"};
    many_fill(data);
    aenc_matrix x = {data, MANY_ROWS, MANY_COLS, 0}, few = {data, 100, MANY_COLS, 0};
    for (int64_t threads = 1; threads <= 3; threads += 2)
        for (int m = 0; m < 4; m++) {
            struct memory memory = {0};
            aenc_context *ctx = memory_context(&memory, 3, threads);
            aenc_pca_options options = {.struct_size = sizeof options, .components = MANY_CODE, .method = methods[m]};
            if (m == 3) options.cols = MANY_COLS;
            aenc_model *model = NULL;
            CHECK_STATUS(ctx, aenc_pca_create(ctx, m == 3 ? NULL : m == 2 ? &few : &x, &options, &model), AENC_OK);
            if (m == 3) feed_partly(ctx, model, &x, 0, 777);
            CHECK_STATUS(ctx, aenc_encode(model, &few, code[threads / 2][m], MANY_CODE * 100), AENC_OK);
            aenc_model_free(model);
            aenc_context_free(ctx);
            memory_check_empty(&memory);
        }
    CHECK(memcmp(code[0], code[1], sizeof code[0]) == 0);
    check_floats(code[0][3], code[0][0], MANY_CODE * 100, 1e-4);
    check_floats(code[0][1], code[0][0], MANY_CODE * 100, 2e-2); /* what is cut off is small, and lost */
}

/* Products are computed in tiles of 128 columns: a column less, and no rest. */
static void test_tiles(void) {
    static float data[MANY_ROWS * MANY_COLS], code[2][MANY_CODE * 100];
    static const char *const methods[] = {"covariance", "incremental"};
    static const size_t cols[] = {127, 128};
    many_fill(data);
    for (size_t c = 0; c < 2; c++) {
        aenc_matrix x = {data, MANY_ROWS, cols[c], MANY_COLS}, few = {data, 100, cols[c], MANY_COLS};
        aenc_context *ctx = NULL;
        CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
        for (int m = 0; m < 2; m++) {
            aenc_pca_options options = {.struct_size = sizeof options, .components = MANY_CODE, .method = methods[m]};
            aenc_model *model = NULL;
            CHECK_STATUS(ctx, aenc_pca_create(ctx, &x, &options, &model), AENC_OK);
            CHECK_STATUS(ctx, aenc_encode(model, &few, code[m], MANY_CODE * 100), AENC_OK);
            aenc_model_free(model);
        }
        check_floats(code[1], code[0], MANY_CODE * 100, 2e-2);
        aenc_context_free(ctx);
    }
}

/* ---- Data with less in them than asked for ---- */

static void test_deficient(aenc_context *ctx) {
    float x[6 * 4], code[6 * 4], back[6 * 4];
    for (size_t r = 0; r < 6; r++)
        for (size_t c = 0; c < 4; c++) x[r * 4 + c] = c == 3 ? 7 : (float)(r * (c + 1)); /* rank 1, and a constant */
    for (size_t rows = 3; rows <= 6; rows += 3)
        for (int whiten = 0; whiten < 2; whiten++) {
            aenc_matrix data = {x, rows, 4, 0};
            aenc_pca_options options = {.struct_size = sizeof options, .components = 3, .whiten = whiten};
            aenc_model *model = NULL;
            const float none[2] = {0, 0};
            CHECK_STATUS(ctx, aenc_pca_create(ctx, &data, &options, &model), AENC_OK);
            CHECK_STATUS(ctx, aenc_encode(model, &data, code, rows * 3), AENC_OK);
            for (size_t r = 0; r < rows; r++) check_floats(code + r * 3 + 1, none, 2, 1e-5);
            CHECK_STATUS(ctx, aenc_reconstruct(model, &data, back, rows * 4), AENC_OK);
            check_floats(back, x, rows * 4, 1e-5);
            aenc_model_free(model);
        }
    aenc_matrix same = {x + 4, 2, 4, 0};
    float equal[2 * 4] = {1, 2, 3, 4, 1, 2, 3, 4};
    same.data = equal;
    aenc_model *model = NULL;
    aenc_pca_options options = {.struct_size = sizeof options, .components = 2, .whiten = 1};
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &same, &options, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_reconstruct(model, &same, back, 8), AENC_OK);
    check_floats(back, equal, 8, 0);
    aenc_model_free(model);
    /* variance that a float cannot hold is none */
    const aenc_matrix tiny = {(const float[]){1e-40f, 2e-40f, 3e-40f, 0, 0, 1e-40f}, 3, 2, 0};
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &tiny, &options, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(model, &tiny, code, 6), AENC_OK);
    check_floats(code, (const float[6]){0}, 6, 0);
    aenc_model_free(model);
    options = (aenc_pca_options){.struct_size = sizeof options, .share = 0.5};
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &same, &options, &model), AENC_ERR_ARGUMENT);
    CHECK(model == NULL && strstr(aenc_message(ctx), "no variance to explain 0.5") != NULL);
}

/* (1, -1) and (-1, 1) are equally good: the first of equally large elements is positive. */
static void test_signs(aenc_context *ctx) {
    static const float x[] = {3, -3, 0, 0, -1, 1, 2, -2}, want[] = {0.70710678f, -0.70710678f};
    aenc_matrix data = {x, 4, 2, 0};
    aenc_pca_options options = {.struct_size = sizeof options, .components = 1};
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &data, &options, &model), AENC_OK);
    check_entry(ctx, model, "encoder.0.weight", want, 2, 1e-6);
    aenc_model_free(model);
}

/* ---- Refusals ---- */

#define CHECK_REFUSED(ctx, call, status, words) \
    (CHECK_STATUS(ctx, call, status), \
     CHECK(strstr(aenc_message(ctx), words) != NULL || (fprintf(stderr, "  %s\n", aenc_message(ctx)), 0)))

static void test_create_refusals(aenc_context *ctx) {
    aenc_model *model = NULL;
    aenc_pca_options o = {.struct_size = sizeof o, .components = 7};
    aenc_matrix one = {tall_x, 1, TALL_COLS, 0};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_SHAPE, "7 components are asked for");
    o.components = 6;
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &wide, &o, &model), AENC_ERR_SHAPE, "5 rows of 8 columns have 5");
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &one, NULL, &model), AENC_ERR_SHAPE, "at least 2");
    const aenc_matrix huge = {(const float[]){3e38f, -3e38f, 1, 2}, 2, 2, 0};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &huge, NULL, &model), AENC_ERR_ARGUMENT, "more than a float holds");
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, NULL, &o, &model), AENC_ERR_ARGUMENT, "x is NULL");
    o.share = 0.5;
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_ARGUMENT, "components 6 and share 0.5");
    o.components = -1;
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_ARGUMENT, "components is -1");
    o = (aenc_pca_options){.struct_size = sizeof o, .share = 1.5};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_ARGUMENT, "share is 1.5");
    o = (aenc_pca_options){.struct_size = sizeof o, .method = "svd"};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_ARGUMENT, "unknown method 'svd'; known: auto");
    o = (aenc_pca_options){.struct_size = sizeof o, .method = "incremental", .share = 0.5};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_ARGUMENT, "instead of a share");
    o = (aenc_pca_options){.struct_size = sizeof o, .whiten = 2};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_ARGUMENT, "whiten is 2");
    o = (aenc_pca_options){.struct_size = sizeof o, .cols = 5};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_ERR_SHAPE, "5");
    o = (aenc_pca_options){.struct_size = sizeof o, .cols = 5, .components = 2, .method = "gram"};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, NULL, &o, &model), AENC_ERR_ARGUMENT, "gram");
    float poisoned[4] = {1, 2, NAN, 4};
    aenc_matrix bad = {poisoned, 2, 2, 0};
    CHECK_REFUSED(ctx, aenc_pca_create(ctx, &bad, NULL, &model), AENC_ERR_NONFINITE, "x[1, 0]");
    CHECK(model == NULL);
}

static void test_train_refusals(aenc_context *ctx) {
    aenc_model *model = NULL;
    aenc_optimizer *optimizer = NULL;
    aenc_pca_options o = {.struct_size = sizeof o, .components = K};
    aenc_batch batch = {.struct_size = sizeof batch, .input = tall};
    double loss;
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &tall, &o, &model), AENC_OK);
    CHECK_REFUSED(ctx, aenc_model_gradients(model, &batch, &loss), AENC_ERR_UNSUPPORTED, "the model is a PCA");
    CHECK_STATUS(ctx, aenc_optimizer_create(model, "sgd", &optimizer), AENC_OK);
    CHECK_REFUSED(ctx, aenc_model_step(model, optimizer, &batch, &loss), AENC_ERR_UNSUPPORTED, "the model is a PCA");
    aenc_optimizer_free(optimizer);
    aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = "sgd"};
    CHECK_REFUSED(ctx, aenc_fit(model, &tall, &fit), AENC_ERR_ARGUMENT, "optimizer");
    CHECK_REFUSED(ctx, aenc_partial_fit(model, &tall, &fit), AENC_ERR_ARGUMENT, "optimizer");
    aenc_matrix two = {tall_x, 2, TALL_COLS, 0};
    CHECK_REFUSED(ctx, aenc_fit(model, &two, NULL), AENC_ERR_SHAPE, "3 components are asked for");
    check_golden(ctx, model, &goldens[0], false, 2e-6);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "decoder", 1), AENC_OK);
    CHECK_REFUSED(ctx, aenc_fit(model, &tall, NULL), AENC_ERR_UNSUPPORTED, "'decoder.0.weight' is frozen");
    aenc_model_free(model);
}

static void test_description(aenc_context *ctx) {
    static const char good[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
                               "\"units\":3}]},\"pca\":{\"whiten\":false}}";
    static const char *const bad[] = {
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3,"
        "\"activation\":\"relu\"}]},\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"pca\":{}}",
        "{\"input\":[2,3],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"loss\":\"mae\",\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"pca\":{\"method\":\"magic\"}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"pca\":{\"components\":3}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},\"pca\":3}",
        /* more components than columns, an output of another size, shared weights, and what a closed form has no part in */
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":7}]},\"pca\":{}}",
        "{\"input\":[2],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":300}]},\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},\"decoder\":"
        "{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":2}]},\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},\"tied\":true,"
        "\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},\"decoder\":"
        "{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":6,\"tied\":\"encoder.0\"}]},\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"scaling\":\"standard\",\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"penalties\":[\"l1:weight=1\"],\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"corrupt\":[\"gaussian:sigma=1\"],\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"bottleneck\":\"gaussian:units=5\",\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
        "\"units\":6}]},\"pca\":{}}",
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3}]},"
        "\"fields\":{\"label\":\"classes:count=2\"},\"pca\":{}}",
    };
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, good, strlen(good), &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &tall, NULL), AENC_OK);
    check_golden(ctx, model, &goldens[0], false, 2e-6);
    aenc_model_free(model);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        model = NULL;
        CHECK_REFUSED(ctx, aenc_model_parse(ctx, bad[i], strlen(bad[i]), &model), AENC_ERR_ARGUMENT, "pca");
        if (model == NULL) continue;
        CHECK(aenc_fit(model, &tall, NULL) != AENC_OK); /* what it would have broken, where the check is missing */
        aenc_model_free(model);
    }
}

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 3, 2);
    test_golden(ctx);
    test_shares(ctx);
    test_streams(ctx);
    test_partial(ctx);
    test_resumed(ctx);
    test_deficient(ctx);
    test_signs(ctx);
    test_create_refusals(ctx);
    test_train_refusals(ctx);
    test_description(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    test_many();
    test_tiles();
    return check_finish();
}
