/* 01_ten_lines.c - create, fit, encode, save. The data are points on a circle inside a space of eight dimensions, so
 * a code of two numbers is enough for them. */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 1000, COLS = 8, CODE = 2 };

static float data[ROWS * COLS], code[ROWS * CODE];

static void make_circle(void) {
    for (int i = 0; i < ROWS * COLS; i++) {
        double angle = 0.37 * (i / COLS);
        data[i] = (float)sin(angle + 0.8 * (i % COLS));
    }
}

static int ten_lines(aenc_context *ctx, aenc_model **model) {
    aenc_matrix x = {.data = data, .rows = ROWS, .cols = COLS};
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){16, CODE};
    options.encoder_count = 2;
    aenc_status status = aenc_model_create(ctx, &options, model);
    if (status == AENC_OK) status = aenc_fit(*model, &x, NULL);
    if (status == AENC_OK) status = aenc_encode(*model, &x, code, ROWS * CODE);
    if (status == AENC_OK) status = aenc_model_save(*model, "01_ten_lines.safetensors");
    return status;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    make_circle();
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    int status = ten_lines(ctx, &model);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    aenc_progress first = {.struct_size = sizeof first}, last = {.struct_size = sizeof last};
    size_t epochs = aenc_model_history_count(model);
    if (status == AENC_OK) status = aenc_model_history(model, 0, &first);
    if (status == AENC_OK) status = aenc_model_history(model, epochs - 1, &last);
    if (status == AENC_OK) {
        (void)printf("%zu epochs took the loss from %.4f to %.4f\n", epochs, first.train_loss, last.train_loss);
        (void)printf("the first row's code is (%.3f, %.3f)\n", (double)code[0], (double)code[1]);
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
    (void)remove("01_ten_lines.safetensors");
    return status == AENC_OK && last.train_loss < 0.5 * first.train_loss ? 0 : 1;
}
