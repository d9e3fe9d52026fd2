/* linear_test.c - a linear autoencoder by gradient descent is PCA: the same subspace and error; with L2 on both weights the
 * components themselves, shrunk to s_i^2 = 1 - lambda / v_i, and encoder and decoder transposes (Kunin et al. 2019). */
#include <stdlib.h>

#include "api/memory.h"

enum { ROWS = 256, COLS = 10, CODE = 3 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

/* Cosines over the rows are orthogonal, so that the columns' strengths are known; then the columns are mixed. */
static void data_fill(void) {
    const double pi = 3.14159265358979323846;
    for (int r = 0; r < ROWS; r++) {
        double row[COLS];
        for (int c = 0; c < COLS; c++) row[c] = cos(pi * (c + 1) * (r + 0.5) / ROWS) * 2 / (1 + 0.6 * c);
        for (int c = 0; c + 1 < COLS; c++) {
            double angle = 0.5 + c, first = row[c], second = row[c + 1];
            row[c] = cos(angle) * first - sin(angle) * second;
            row[c + 1] = sin(angle) * first + cos(angle) * second;
        }
        for (int c = 0; c < COLS; c++) data[r * COLS + c] = (float)row[c];
    }
}

static aenc_model *trained(aenc_context *ctx, double decay) {
    const size_t input = COLS, code = CODE;
    char optimizer[96];
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = &input, .input_rank = 1, .encoder_widths = &code,
                                  .encoder_count = 1, .init = "orthogonal"};
    snprintf(optimizer, sizeof optimizer, "nesterov:lr=0.2,momentum=0.95,decay_all=false,weight_decay=%.9g", decay);
    aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = optimizer, .epochs = 2000, .batch = ROWS};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    return model;
}

static void numbers(aenc_context *ctx, const aenc_model *model, const char *name, float *out, size_t count) {
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
    CHECK_STATUS(ctx, aenc_tensor_read(tensor, out, count), AENC_OK);
    aenc_tensor_free(tensor);
}

static double error(aenc_context *ctx, aenc_model *model) {
    float score[ROWS];
    double sum = 0;
    CHECK_STATUS(ctx, aenc_score(model, &x, NULL, score, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) sum += (double)score[r];
    return sum / ROWS;
}

static void test_subspace(aenc_context *ctx, aenc_model *pca) {
    aenc_model *model = trained(ctx, 0);
    double angle[CODE];
    CHECK_STATUS(ctx, aenc_subspace_angles(ctx, model, pca, angle, CODE), AENC_OK);
    CHECK_NEAR(angle[CODE - 1], 0, 1e-4);
    CHECK_NEAR(error(ctx, model), error(ctx, pca), 1e-6);
    aenc_model_free(model);
}

static void test_components(aenc_context *ctx, aenc_model *pca) {
    float first[CODE * COLS], second[COLS * CODE], component[CODE * COLS], variance[CODE];
    numbers(ctx, pca, "encoder.0.weight", component, CODE * COLS);
    numbers(ctx, pca, "pca.explained_variance", variance, CODE);
    double lambda = 0.4 * (double)variance[CODE - 1], apart = 0;
    aenc_model *model = trained(ctx, 2 * lambda / COLS);
    numbers(ctx, model, "encoder.0.weight", first, CODE * COLS);
    numbers(ctx, model, "decoder.0.weight", second, COLS * CODE);
    for (int i = 0; i < CODE; i++)
        for (int c = 0; c < COLS; c++)
            apart = check_larger(apart, fabs((double)first[i * COLS + c] - (double)second[c * CODE + i]));
    CHECK_NEAR(apart, 0, 1e-5);
    /* W1^T W1 = sum of s_i^2 v_i v_i^T: each component is its eigenvector */
    for (int i = 0; i < CODE; i++) {
        double v = (double)variance[i] * (ROWS - 1) / ROWS, want = 1 - lambda / v, off = 0;
        for (int c = 0; c < COLS; c++) {
            double sum = 0;
            for (int k = 0; k < CODE; k++)
                for (int j = 0; j < COLS; j++)
                    sum += (double)first[k * COLS + c] * (double)first[k * COLS + j] * (double)component[i * COLS + j];
            off = check_larger(off, fabs(sum - want * (double)component[i * COLS + c]));
        }
        CHECK_NEAR(off, 0, 1e-4);
    }
    aenc_model_free(model);
}

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 3, 1);
    aenc_model *pca = NULL;
    aenc_pca_options options = {.struct_size = sizeof options, .components = CODE};
    data_fill();
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &x, &options, &pca), AENC_OK);
    test_subspace(ctx, pca);
    test_components(ctx, pca);
    aenc_model_free(pca);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return check_finish();
}
