/* subspace_test.c - angles between encoders and between matrices: SciPy's, known ones of any size, and what is refused. */
#include "api/memory.h"
#include "model/pca_golden.h"

enum { COLS = 6, IN = 24 };

static aenc_matrix rows(const float *data, size_t count, size_t cols) { return (aenc_matrix){data, count, cols, 0}; }

static void test_golden(aenc_context *ctx) {
    aenc_matrix a = rows(rows_a, 3, COLS), b = rows(rows_b, 2, COLS), near = rows(rows_near, 2, COLS);
    double got[3] = {-1, -1, -1};
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &a, &b, got, 2), AENC_OK);
    for (int i = 0; i < 2; i++) CHECK_NEAR(got[i], angles[i], 1e-11);
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &b, &a, got, 3), AENC_OK);
    for (int i = 0; i < 2; i++) CHECK_NEAR(got[i], angles[i], 1e-11);
    CHECK(got[2] == -1);
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &a, &near, got, 2), AENC_OK);
    for (int i = 0; i < 2; i++) CHECK_NEAR(got[i], angles_near[i], 1e-11);
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &a, &a, got, 3), AENC_OK);
    for (int i = 0; i < 3; i++) CHECK_NEAR(got[i], 0, 1e-15);
}

/* span(e0, e1, e2) against span(e0 + tan(t0) e3, ...): the angles are t, tiny, middling and almost right. */
static void test_known(aenc_context *ctx) {
    const double want[3] = {1e-9, 0.7, 1.5707};
    float a[3 * COLS] = {0}, b[3 * COLS] = {0};
    double got[3];
    for (int i = 0; i < 3; i++) {
        a[i * COLS + i] = 3;
        b[i * COLS + i] = (float)cos(want[i]);
        b[i * COLS + 3 + i] = (float)sin(want[i]);
        for (int c = 0; c < COLS && i > 0; c++) a[i * COLS + c] += a[c]; /* another basis of the same span */
    }
    aenc_matrix first = rows(a, 3, COLS), second = rows(b, 3, COLS);
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &first, &second, got, 3), AENC_OK);
    for (int i = 0; i < 3; i++) {
        double is = atan2((double)b[i * COLS + 3 + i], (double)b[i * COLS + i]); /* as far as float32 holds it */
        CHECK_NEAR(got[i], is, 1e-15 + 1e-14 * is);
    }
    float wide[2] = {1, 0}, upright[2] = {0, 1};
    first = rows(wide, 1, 2);
    second = rows(upright, 1, 2);
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &first, &second, got, 3), AENC_OK);
    CHECK_NEAR(got[0], 1.57079632679489662, 1e-15);
}

/* ---- Encoders ---- */

static aenc_model *parse(aenc_context *ctx, const char *layers) {
    char text[512];
    aenc_model *model = NULL;
    snprintf(text, sizeof text, "{\"input\":[%d],\"encoder\":{\"type\":\"sequential\",\"layers\":[%s]}}", IN, layers);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

static void weight(aenc_context *ctx, const aenc_model *model, const char *name, float *out, size_t count) {
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
    CHECK_STATUS(ctx, aenc_tensor_read(tensor, out, count), AENC_OK);
    aenc_tensor_free(tensor);
}

static void test_encoders(aenc_context *ctx) {
    static const char *const same[] = {
        "{\"type\":\"dense\",\"units\":8},{\"type\":\"dense\",\"units\":8,\"activation\":\"identity\"}",
        "{\"type\":\"dense\",\"units\":8},{\"type\":\"dropout\",\"rate\":0.5},{\"type\":\"dense\",\"units\":8}",
        "{\"type\":\"dense\",\"units\":8},{\"type\":\"reshape\",\"dims\":[2,4]},{\"type\":\"flatten\"}",
        "{\"type\":\"dense\",\"units\":8},{\"type\":\"identity\"}",
        "{\"type\":\"dense\",\"units\":8},{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":8}]}",
        "{\"type\":\"dense\",\"units\":8},{\"type\":\"batch_norm\"}",
    };
    aenc_model *plain = parse(ctx, "{\"type\":\"dense\",\"units\":8}");
    aenc_model *narrow = parse(ctx, "{\"type\":\"dense\",\"units\":3}");
    float first[8 * IN], second[3 * IN];
    double got[8], want[3];
    weight(ctx, plain, "encoder.0.weight", first, 8 * IN);
    weight(ctx, narrow, "encoder.0.weight", second, 3 * IN);
    aenc_matrix a = rows(first, 8, IN), b = rows(second, 3, IN);
    CHECK_STATUS(ctx, aenc_matrix_angles(ctx, &a, &b, want, 3), AENC_OK);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) { /* the first layer is the same by seed and name */
        aenc_model *model = parse(ctx, same[i]);
        CHECK_STATUS(ctx, aenc_subspace_angles(ctx, model, plain, got, 8), AENC_OK);
        CHECK_NEAR(got[7], 0, 1e-5);
        CHECK_STATUS(ctx, aenc_subspace_angles(ctx, narrow, model, got, 3), AENC_OK);
        for (int k = 0; k < 3; k++) CHECK_NEAR(got[k], want[k], 1e-5);
        aenc_model_free(model);
    }
    aenc_model_free(plain);
    aenc_model_free(narrow);
}

/* ---- Refusals ---- */

static void check_refused(aenc_context *ctx, aenc_status got, aenc_status want, const char *words) {
    CHECK_STATUS(ctx, got, want);
    CHECK(strstr(aenc_message(ctx), words) != NULL || (fprintf(stderr, "  %s\n", aenc_message(ctx)), 0));
}

static void test_refusals(aenc_context *ctx) {
    static const struct {
        const char *layers, *words;
    } bent[] = {{"{\"type\":\"dense\",\"units\":4,\"activation\":\"relu\"}", "b: the encoder is not linear: layer 'dense' "
                                                                             "with activation relu"},
                {"{\"type\":\"residual\",\"layers\":[{\"type\":\"tanh\"}]}", "layer 'tanh'"},
                {"{\"type\":\"dense\",\"units\":4},{\"type\":\"layer_norm\"}", "layer 'layer_norm'"}};
    aenc_model *plain = parse(ctx, "{\"type\":\"dense\",\"units\":4}");
    aenc_context *other_ctx = NULL;
    double got[IN];
    for (size_t i = 0; i < sizeof bent / sizeof *bent; i++) {
        aenc_model *model = parse(ctx, bent[i].layers);
        check_refused(ctx, aenc_subspace_angles(ctx, plain, model, got, IN), AENC_ERR_UNSUPPORTED, bent[i].words);
        aenc_model_free(model);
    }
    check_refused(ctx, aenc_subspace_angles(ctx, plain, plain, got, 3), AENC_ERR_SHAPE, "room for 3 angles; there are 4");
    check_refused(ctx, aenc_subspace_angles(ctx, plain, NULL, got, 4), AENC_ERR_ARGUMENT, "b is NULL");
    check_refused(ctx, aenc_subspace_angles(ctx, plain, plain, NULL, 4), AENC_ERR_ARGUMENT, "out is NULL");
    CHECK(aenc_context_create(NULL, &other_ctx) == AENC_OK);
    check_refused(other_ctx, aenc_subspace_angles(other_ctx, plain, plain, got, 4), AENC_ERR_ARGUMENT, "another context");
    aenc_context_free(other_ctx);
    aenc_model_free(plain);
    float x[4] = {1, 2, 2, 4}, zero[2] = {0, 0}, poisoned[2] = {1, NAN};
    aenc_matrix twice = rows(x, 2, 2), none = rows(zero, 1, 2), bad = rows(poisoned, 1, 2), long_rows = rows(x, 1, 4);
    check_refused(ctx, aenc_matrix_angles(ctx, &none, &twice, got, 2), AENC_ERR_ARGUMENT, "a spans less than 1");
    none.data = x;
    check_refused(ctx, aenc_matrix_angles(ctx, &none, &twice, got, 2), AENC_ERR_ARGUMENT,
                  "b spans less than 2 dimensions: b[1]");
    check_refused(ctx, aenc_matrix_angles(ctx, &none, &bad, got, 2), AENC_ERR_NONFINITE, "[0, 1]");
    check_refused(ctx, aenc_matrix_angles(ctx, &none, &long_rows, got, 2), AENC_ERR_SHAPE, "a has 2 columns and b has 4");
    check_refused(ctx, aenc_matrix_angles(ctx, NULL, &bad, got, 2), AENC_ERR_ARGUMENT, "a is NULL");
}

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 3, 1);
    test_golden(ctx);
    test_known(ctx);
    test_encoders(ctx);
    test_refusals(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return check_finish();
}
