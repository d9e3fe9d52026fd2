/* 16_likelihood.c - how likely a model finds data: the ELBO and log p(x) of the handwritten digits, of a variational autoencoder that
 * was trained with one sample of each row and of one trained with the importance-weighted bound of five. Reads examples/data
 * (.npy files whose headers have 128 bytes). */
#include <autoenc/autoenc.h>
#include <stdio.h>

enum { ROWS = 1797, HELD_OUT = 297, COLS = 64 };

/* The first rows train; the binarisation is drawn anew in each epoch. */
static aenc_status train(aenc_context *ctx, const float *digits, const char *bottleneck, aenc_model **model) {
    const aenc_matrix x = {digits, ROWS - HELD_OUT, COLS, 0};
    const char *const corruptions[] = {"binarise"};
    aenc_model_options options = {.struct_size = sizeof options};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 60, .batch = 50, .optimizer = "adam:lr=2e-3"};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){64};
    options.encoder_count = 1;
    options.activation = "tanh";
    options.bottleneck = bottleneck;
    options.loss = "bernoulli";
    options.corruptions = corruptions;
    options.corruption_count = 1;
    aenc_status status = aenc_model_create(ctx, &options, model);
    return status == AENC_OK ? aenc_fit(*model, &x, &fit) : status;
}

/* The mean score of the other rows: the objective, or with samples -log p(x), in nats. */
static aenc_status measure(aenc_model *model, const float *digits, size_t samples, double *mean) {
    static float score[HELD_OUT];
    size_t dims[] = {HELD_OUT, COLS};
    aenc_array x = {.struct_size = sizeof x, .name = "input", .dims = dims, .rank = 2}, y = x;
    x.data = (void *)(digits + (ROWS - HELD_OUT) * COLS);
    x.size = sizeof(float) * HELD_OUT * COLS;
    y.name = "score", y.rank = 1, y.data = score, y.size = sizeof score;
    const aenc_array *in[] = {&x}, *out[] = {&y};
    aenc_run_options options = {.struct_size = sizeof options, .seed = 1, .samples = samples};
    aenc_status status = aenc_run(model, &options, in, 1, out, 1);
    *mean = 0;
    for (int r = 0; r < HELD_OUT; r++) *mean += (double)score[r] / HELD_OUT;
    return status;
}

static int read_digits(float *digits) {
    FILE *file = fopen("examples/data/digits.npy", "rb");
    int good =
        file != NULL && fseek(file, 128, SEEK_SET) == 0 && fread(digits, sizeof(float) * COLS, ROWS, file) == ROWS;
    if (file != NULL) (void)fclose(file);
    if (!good) (void)fprintf(stderr, "examples/data/digits.npy cannot be read\n");
    return good;
}

int main(void) {
    static float digits[ROWS * COLS];
    static const char *const bottlenecks[] = {"gaussian:units=8", "gaussian:units=8,samples=5,objective=iwae"};
    aenc_context *ctx = NULL;
    if (!read_digits(digits)) return 1;
    aenc_status status = aenc_context_create(NULL, &ctx);
    for (int i = 0; i < 2 && status == AENC_OK; i++) {
        double bound = 0, likelihood = 0;
        aenc_model *model = NULL;
        status = train(ctx, digits, bottlenecks[i], &model);
        if (status == AENC_OK) status = measure(model, digits, 0, &bound);
        if (status == AENC_OK) status = measure(model, digits, 500, &likelihood);
        if (status == AENC_OK)
            (void)printf("%-42s bound %.2f nats, -log p(x) %.2f\n", bottlenecks[i], bound, likelihood);
        aenc_model_free(model);
    }
    if (status != AENC_OK) (void)fprintf(stderr, "%s\n", aenc_message(ctx));
    aenc_context_free(ctx);
    return status == AENC_OK ? 0 : 1;
}
