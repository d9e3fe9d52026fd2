/* 04_own_loop.c - the training loop in the caller's hands: batches, gradients, a look at them, then the update.
 * Reads the handwritten digits from examples/data (a .npy of 1797 rows of 64 float32). */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 1797, COLS = 64, BATCH = 64, EPOCHS = 8, HEADER = 128 };

static float digits[ROWS * COLS];

/* The header of this file is 128 bytes; a program for any .npy would read it. */
static int read_digits(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    int good = fseek(file, HEADER, SEEK_SET) == 0 && fread(digits, sizeof(float), ROWS * COLS, file) == ROWS * COLS;
    (void)fclose(file);
    return good;
}

/* The Euclidean norm of one parameter's gradient, as the last aenc_model_gradients left it. */
static aenc_status gradient_norm(const aenc_model *model, const char *name, double *norm) {
    aenc_tensor *tensor = NULL;
    aenc_status status = aenc_model_gradient_get(model, name, &tensor);
    if (status != AENC_OK) return status;
    size_t count = aenc_tensor_count(tensor);
    float *values = malloc(count * sizeof *values);
    status = values != NULL ? aenc_tensor_read(tensor, values, count) : AENC_ERR_NO_MEMORY;
    double sum = 0.0;
    for (size_t i = 0; status == AENC_OK && i < count; i++) sum += (double)values[i] * (double)values[i];
    *norm = sqrt(sum);
    free(values);
    aenc_tensor_free(tensor);
    return status;
}

/* One pass over the rows in order; *loss is the mean over the batches. */
static aenc_status train_epoch(aenc_model *model, aenc_optimizer *optimizer, double *loss, double *norm) {
    aenc_status status = AENC_OK;
    size_t batches = 0;
    *loss = 0.0;
    for (size_t first = 0; status == AENC_OK && first + BATCH <= ROWS; first += BATCH, batches++) {
        double now = 0.0;
        aenc_batch batch = {.struct_size = sizeof batch};
        batch.input = (aenc_matrix){.data = digits + first * COLS, .rows = BATCH, .cols = COLS};
        status = aenc_model_gradients(model, &batch, &now);
        if (status == AENC_OK) status = gradient_norm(model, "encoder.0.weight", norm);
        if (status == AENC_OK) status = aenc_optimizer_apply(optimizer);
        *loss += now;
    }
    *loss /= (double)batches;
    return status;
}

static aenc_status train(aenc_model *model, aenc_optimizer *optimizer, double *first, double *last) {
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        double norm = 0.0;
        aenc_status status = train_epoch(model, optimizer, last, &norm);
        if (status != AENC_OK) return status;
        if (epoch == 1) *first = *last;
        if (epoch == EPOCHS / 2) (void)aenc_optimizer_set_learning_rate(optimizer, 1e-3);
        (void)printf("epoch %d  loss %.5f  gradient of encoder.0.weight %.5f  learning rate %g\n", epoch, *last, norm,
                     aenc_optimizer_learning_rate(optimizer));
    }
    return AENC_OK;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "examples/data/digits.npy";
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_optimizer *optimizer = NULL;
    double first = 0.0, last = 0.0;
    if (!read_digits(path)) {
        (void)printf("cannot read %s\n", path);
        return 1;
    }
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){32, 8};
    options.encoder_count = 2;
    options.output = "sigmoid";
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = aenc_model_create(ctx, &options, &model);
    if (status == AENC_OK) status = aenc_optimizer_create(model, "adam:lr=3e-3", &optimizer);
    if (status == AENC_OK) status = aenc_optimizer_set_clipping(optimizer, 1.0, 0.0);
    if (status == AENC_OK) status = train(model, optimizer, &first, &last);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    aenc_optimizer_free(optimizer);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK && last < 0.6 * first ? 0 : 1;
}
