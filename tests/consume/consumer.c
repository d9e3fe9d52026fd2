/* consumer.c - a program that knows the library only by its installed header; compiled as C and as C++. */
#include <autoenc/autoenc.h>
#include <stdio.h>
#include <string.h>

static int fit_digits(aenc_model *model) {
    float values[32][4];
    for (int row = 0; row < 32; row++)
        for (int col = 0; col < 4; col++) values[row][col] = (float)((row * 7 + col * 3) % 11) / 11.0f;
    aenc_matrix x;
    memset(&x, 0, sizeof x);
    x.data = &values[0][0];
    x.rows = 32;
    x.cols = 4;
    aenc_fit_options fit;
    memset(&fit, 0, sizeof fit);
    fit.struct_size = sizeof fit;
    fit.epochs = 2;
    float code[32 * 2];
    if (aenc_fit(model, &x, &fit) != AENC_OK) return 1;
    return aenc_encode(model, &x, code, sizeof code / sizeof *code) != AENC_OK;
}

int main(void) {
    const size_t input = 4;
    const size_t widths[2] = {3, 2};
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_model_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.input = &input;
    options.input_rank = 1;
    options.encoder_widths = widths;
    options.encoder_count = 2;
    int failed = aenc_context_create(NULL, &ctx) != AENC_OK || aenc_model_create(ctx, &options, &model) != AENC_OK ||
                 fit_digits(model) != 0;
    if (failed) fprintf(stderr, "%s\n", aenc_message(ctx));
    printf("libautoenc %s, code of %lu\n", aenc_version_string(), (unsigned long)aenc_model_code_size(model));
    aenc_model_free(model);
    aenc_context_free(ctx);
    return failed;
}
