/* 12_stack.c - a network of sigmoid layers for handwritten digits, with and without its layers being trained one by one
 * beforehand; and a small autoencoder that learns from a large one. The digits are those of examples/data, or of the
 * directory in AENC_EXAMPLE_DATA. */
#include <autoenc/autoenc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1797, COLS = 64, TRAIN = 1297, TEST = ROWS - TRAIN };

static float digits[ROWS * COLS];
static int32_t labels[ROWS];

/* The last `size` bytes of a .npy file: its elements. */
static int read_tail(const char *directory, const char *name, void *out, size_t size) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    int good = file != NULL && fseek(file, -(long)size, SEEK_END) == 0 && fread(out, 1, size, file) == size;
    if (file != NULL) (void)fclose(file);
    if (!good) (void)printf("%s: cannot be read\n", path);
    return good;
}

static int read_digits(void) {
    static unsigned char bytes[ROWS];
    const char *directory = getenv("AENC_EXAMPLE_DATA");
    if (directory == NULL) directory = "examples/data";
    if (!read_tail(directory, "digits.npy", digits, sizeof digits)) return 0;
    if (!read_tail(directory, "digits_labels.npy", bytes, sizeof bytes)) return 0;
    for (int i = 0; i < ROWS; i++) labels[i] = bytes[i];
    return 1;
}

/* Share of the test digits that is told rightly. */
static aenc_status classify(aenc_context *ctx, int pretrain, double *share) {
    aenc_matrix x = {.data = digits, .rows = TRAIN, .cols = COLS};
    aenc_matrix test = {.data = digits + TRAIN * COLS, .rows = TEST, .cols = COLS};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){100, 100, 100};
    options.encoder_count = 3;
    options.activation = options.code_activation = "sigmoid";
    options.loss = "cross_entropy:classes=10";
    aenc_fit_options layer = {.struct_size = sizeof layer, .epochs = 60, .batch = 32};
    aenc_pretrain_options stack = {.struct_size = sizeof stack};
    stack.fit = &layer;
    stack.corruptions = (const char *const[]){"mask:level=0.25"};
    stack.corruption_count = 1;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 20, .batch = 32};
    fit.labels = labels;
    fit.label_count = TRAIN;
    aenc_status status = aenc_model_create(ctx, &options, &model);
    if (status == AENC_OK && pretrain) status = aenc_pretrain(model, &x, &stack);
    if (status == AENC_OK) status = aenc_fit(model, &x, &fit);
    if (status == AENC_OK) status = aenc_accuracy(model, &test, labels + TRAIN, TEST, share);
    aenc_model_free(model);
    return status;
}

static aenc_status autoencoder(aenc_context *ctx, size_t hidden, aenc_model **out) {
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){hidden, 8};
    options.encoder_count = 2;
    return aenc_model_create(ctx, &options, out);
}

static aenc_status error_of(aenc_model *model, double *error) {
    aenc_batch test = {.struct_size = sizeof test};
    test.input = (aenc_matrix){.data = digits + TRAIN * COLS, .rows = TEST, .cols = COLS};
    return aenc_model_evaluate(model, &test, error);
}

/* error: of the teacher, of its student, of the student alone. */
static aenc_status distill(aenc_context *ctx, double *error) {
    aenc_matrix x = {.data = digits, .rows = TRAIN, .cols = COLS};
    aenc_model *teacher = NULL, *student = NULL, *alone = NULL;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 60, .batch = 32};
    aenc_distill_options lesson = {.struct_size = sizeof lesson, .fit = &fit};
    aenc_status status = autoencoder(ctx, 128, &teacher);
    if (status == AENC_OK) status = autoencoder(ctx, 12, &student);
    if (status == AENC_OK) status = autoencoder(ctx, 12, &alone);
    if (status == AENC_OK) status = aenc_fit(teacher, &x, &fit);
    if (status == AENC_OK) status = aenc_distill(student, teacher, &x, &lesson);
    if (status == AENC_OK) status = aenc_fit(alone, &x, &fit);
    if (status == AENC_OK) status = error_of(teacher, &error[0]);
    if (status == AENC_OK) status = error_of(student, &error[1]);
    if (status == AENC_OK) status = error_of(alone, &error[2]);
    aenc_model_free(teacher);
    aenc_model_free(student);
    aenc_model_free(alone);
    return status;
}

int main(int argc, char **argv) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options};
    double plain = 0.0, stacked = 0.0, error[3] = {1.0, 1.0, 1.0};
    if (argc > 1) options.seed = strtoull(argv[1], NULL, 10);
    if (!read_digits() || aenc_context_create(&options, &ctx) != AENC_OK) return 1;
    aenc_status status = classify(ctx, 0, &plain);
    if (status == AENC_OK) status = classify(ctx, 1, &stacked);
    if (status == AENC_OK) status = distill(ctx, error);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    (void)printf("digits classified correctly: %.1f %% without, %.1f %% with pretrained layers\n", 100.0 * plain,
                 100.0 * stacked);
    (void)printf("error of the teacher %.5f, of its student %.5f, of the student alone %.5f\n", error[0], error[1],
                 error[2]);
    aenc_context_free(ctx);
    return status == AENC_OK && stacked > plain + 0.01 && error[0] < error[1] ? 0 : 1;
}
