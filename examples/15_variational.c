/* 15_variational.c - a conditional variational autoencoder of the handwritten digits: what the code of a row is, and new digits of
 * a class that is wished for, drawn from the prior. Reads examples/data. */
#include <autoenc/autoenc.h>
#include <stdio.h>

enum { ROWS = 1797, COLS = 64, SIDE = 8, CODE = 4, DRAWN = 10, PIXELS = SIDE * DRAWN };

static aenc_status train(aenc_context *ctx, aenc_model **model, aenc_source **source) {
    const char *const names[] = {"input", "label"};
    const char *const paths[] = {"examples/data/digits.npy", "examples/data/digits_labels.npy"};
    const char *const fields[] = {"label=classes:count=10"}, *const conditions[] = {"label"};
    aenc_model_options options = {.struct_size = sizeof options};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 40, .batch = 64, .optimizer = "adam:lr=3e-3"};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){64};
    options.encoder_count = 1;
    options.activation = "relu";
    options.bottleneck = "gaussian:units=4";
    options.output = "sigmoid";
    options.loss = "bce:reduction=sum";
    options.fields = fields;
    options.field_count = 1;
    options.conditions = conditions;
    options.condition_count = 1;
    aenc_status status = aenc_model_create(ctx, &options, model);
    if (status == AENC_OK) status = aenc_source_files(ctx, names, paths, 2, source);
    return status == AENC_OK ? aenc_fit_source(*model, *source, &fit) : status;
}

/* One digit of each class. */
static aenc_status sample(aenc_model *model, float *images, size_t bytes) {
    static int32_t wished[DRAWN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    size_t rows[] = {DRAWN}, dims[] = {DRAWN, COLS};
    aenc_array label = {.struct_size = sizeof label, .name = "label", .type = AENC_TYPE_I32, .dims = rows, .rank = 1};
    label.data = wished;
    label.size = sizeof wished;
    aenc_array output = {.struct_size = sizeof output, .name = "output", .dims = dims, .rank = 2};
    output.data = images;
    output.size = bytes;
    const aenc_array *fields[] = {&label}, *results[] = {&output};
    aenc_sample_options options = {.struct_size = sizeof options, .seed = 7, .temperature = 0.7};
    return aenc_sample(model, &options, fields, 1, results, 1);
}

/* The mean, the deviation and the loss of every row, in one pass. */
static aenc_status codes(aenc_model *model, aenc_source *source, double *loss) {
    static float mean[ROWS][CODE], log_variance[ROWS][CODE], score[ROWS];
    size_t of_code[] = {ROWS, CODE}, rows[] = {ROWS};
    aenc_array a = {.struct_size = sizeof a, .name = "mean", .dims = of_code, .rank = 2}, b = a, c = a;
    a.data = mean, a.size = sizeof mean;
    b.name = "log_variance", b.data = log_variance, b.size = sizeof log_variance;
    c.name = "score", c.dims = rows, c.rank = 1, c.data = score, c.size = sizeof score;
    const aenc_array *results[] = {&a, &b, &c};
    aenc_status status = aenc_run_source(model, NULL, source, results, 3, NULL);
    *loss = 0;
    for (int r = 0; r < ROWS; r++) *loss += (double)score[r] / ROWS;
    return status;
}

static void print(float images[DRAWN][COLS]) {
    for (int y = 0; y < SIDE; y++) {
        char line[PIXELS + 1] = "";
        for (int x = 0; x < PIXELS; x++) line[x] = " .:-=+*#%@"[(int)(9.99f * images[x / SIDE][y * SIDE + x % SIDE])];
        (void)printf("%s\n", line);
    }
}

int main(void) {
    static float images[DRAWN][COLS];
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_source *source = NULL;
    double loss = 0;
    aenc_status status = aenc_context_create(NULL, &ctx);
    if (status == AENC_OK) status = train(ctx, &model, &source);
    if (status == AENC_OK) status = codes(model, source, &loss);
    if (status == AENC_OK) status = sample(model, images[0], sizeof images);
    if (status == AENC_OK) {
        (void)printf("negative ELBO: %.1f nats\n", loss);
        print(images);
    } else
        (void)fprintf(stderr, "%s\n", aenc_message(ctx));
    aenc_source_free(source);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK ? 0 : 1;
}
