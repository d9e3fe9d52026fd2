/* 09_pca_equivalence.c - is the linear autoencoder PCA? Trained by gradient descent on the digits from examples/data it
 * spans the same subspace; with L2 on both weights its singular vectors are the components themselves, each shrunk as
 * Kunin et al. say (2019): s_i^2 = 1 - lambda / v_i, encoder and decoder transposes of each other (docs/pca.md). */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 1797, COLS = 64, CODE = 10, HEADER = 128 };

static float digits[ROWS * COLS];
static const aenc_matrix data = {digits, ROWS, COLS, 0};

/* The header of this file is 128 bytes; a program for any .npy would read it. */
static int read_digits(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    int good = fseek(file, HEADER, SEEK_SET) == 0 && fread(digits, sizeof(float), ROWS * COLS, file) == ROWS * COLS;
    (void)fclose(file);
    return good;
}

/* Without the mean a linear autoencoder would first have to learn it. */
static void centre(void) {
    for (size_t c = 0; c < COLS; c++) {
        double sum = 0;
        for (size_t r = 0; r < ROWS; r++) sum += (double)digits[r * COLS + c];
        for (size_t r = 0; r < ROWS; r++) digits[r * COLS + c] -= (float)(sum / ROWS);
    }
}

static aenc_status parameter(const aenc_model *model, const char *name, float *out, size_t count) {
    aenc_tensor *tensor = NULL;
    aenc_status status = aenc_model_tensor_get(model, name, &tensor);
    if (status == AENC_OK) status = aenc_tensor_read(tensor, out, count);
    aenc_tensor_free(tensor);
    return status;
}

/* 64 -> 10 -> 64, all linear. decay is the optimizer's weight_decay: what is minimised is the mean over rows and
 * pixels of the squared error, plus decay / 2 times the sum of all squared weights. */
static aenc_status train(aenc_context *ctx, double decay, aenc_model **out) {
    const size_t input = COLS, code = CODE;
    char optimizer[96];
    aenc_model_options options = {
        .struct_size = sizeof options, .input = &input, .input_rank = 1, .encoder_widths = &code, .encoder_count = 1};
    (void)snprintf(optimizer, sizeof optimizer, "adam:lr=2e-2,decay_all=false,weight_decay=%.9g", decay);
    aenc_fit_options fit = {
        .struct_size = sizeof fit, .optimizer = optimizer, .schedule = "cosine", .epochs = 500, .batch = 900};
    aenc_status status = aenc_model_create(ctx, &options, out);
    return status == AENC_OK ? aenc_fit(*out, &data, &fit) : status;
}

/* The largest angle between what the two encoders see; degrees. */
static aenc_status largest_angle(aenc_context *ctx, aenc_model *a, aenc_model *b, double *out) {
    double angle[CODE];
    aenc_status status = aenc_subspace_angles(ctx, a, b, angle, CODE);
    *out = angle[CODE - 1] * 57.29577951308232;
    return status;
}

/* Right singular vectors (CODE, COLS) and squared singular values of the encoder's weight: its rows and their negatives
 * have mean 0, so that they are the principal components of these 2 CODE points. */
static aenc_status singular(aenc_context *ctx, const aenc_model *model, float *vectors, float *squares) {
    float points[2 * CODE * COLS];
    aenc_model *pca = NULL;
    aenc_pca_options options = {.struct_size = sizeof options, .components = CODE};
    aenc_status status = parameter(model, "encoder.0.weight", points, CODE * COLS);
    for (size_t i = 0; i < CODE * COLS; i++) points[CODE * COLS + i] = -points[i];
    const aenc_matrix x = {points, 2 * CODE, COLS, 0};
    if (status == AENC_OK) status = aenc_pca_create(ctx, &x, &options, &pca);
    if (status == AENC_OK) status = parameter(pca, "encoder.0.weight", vectors, CODE * COLS);
    if (status == AENC_OK) status = parameter(pca, "pca.explained_variance", squares, CODE);
    for (size_t i = 0; i < CODE; i++) squares[i] *= (2 * CODE - 1) / 2.0f;
    aenc_model_free(pca);
    return status;
}

/* Prints component by component; answers whether all are as they should be. */
static int compare(const float *components, const float *variance, const float *vectors, const float *squares,
                   double lambda) {
    int good = 1;
    printf("\ncomponent  |cosine|      s^2  1 - lambda / v\n");
    for (size_t i = 0; i < CODE; i++) {
        double cosine = 0, want = 1 - lambda / (double)variance[i];
        for (size_t c = 0; c < COLS; c++) cosine += (double)components[i * COLS + c] * (double)vectors[i * COLS + c];
        printf("%9zu  %8.5f  %7.5f  %14.5f\n", i + 1, fabs(cosine), (double)squares[i], want);
        good = good && fabs(cosine) >= 0.999 && fabs((double)squares[i] - want) <= 1e-3;
    }
    return good;
}

static aenc_status run(aenc_context *ctx, aenc_model **pca, aenc_model **plain, aenc_model **shrunk, int *good) {
    float components[CODE * COLS], variance[CODE], vectors[CODE * COLS], squares[CODE];
    double angle = 0;
    aenc_pca_options options = {.struct_size = sizeof options, .components = CODE};
    aenc_status status = aenc_pca_create(ctx, &data, &options, pca);
    if (status == AENC_OK) status = parameter(*pca, "encoder.0.weight", components, CODE * COLS);
    if (status == AENC_OK) status = parameter(*pca, "pca.explained_variance", variance, CODE);
    for (size_t i = 0; i < CODE; i++) variance[i] *= (ROWS - 1.0f) / ROWS; /* per row, as the loss is */
    if (status == AENC_OK) status = train(ctx, 1e-6, plain); /* so little only for pixels that never change */
    if (status == AENC_OK) status = largest_angle(ctx, *plain, *pca, &angle);
    if (status != AENC_OK) return status;
    printf("largest angle between the trained encoder and PCA: %.3f degrees\n", angle);
    double lambda = (double)variance[CODE - 1] / 2;
    status = train(ctx, 2 * lambda / COLS, shrunk);
    if (status == AENC_OK) status = singular(ctx, *shrunk, vectors, squares);
    if (status == AENC_OK) *good = compare(components, variance, vectors, squares, lambda) && angle < 1;
    return status;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *pca = NULL, *plain = NULL, *shrunk = NULL;
    int good = 0;
    if (!read_digits("examples/data/digits.npy") || aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    centre();
    if (run(ctx, &pca, &plain, &shrunk, &good) != AENC_OK) fprintf(stderr, "%s\n", aenc_message(ctx));
    aenc_model_free(pca);
    aenc_model_free(plain);
    aenc_model_free(shrunk);
    aenc_context_free(ctx);
    return good ? 0 : 1;
}
