/* 02_save_load.c - a model goes to a file and into memory, comes back from both, and computes the same. */
#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, COLS = 12, CODE = 3 };

static const char path[] = "02_save_load.safetensors";

/* Encodes with `model` into code; says where it came from. */
static aenc_status encode(aenc_model *model, const char *from, float *code) {
    float data[ROWS * COLS];
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (float)(i % 7) / 7.0f;
    aenc_matrix x = {.data = data, .rows = ROWS, .cols = COLS};
    aenc_status status = aenc_encode(model, &x, code, ROWS * CODE);
    if (status != AENC_OK) return status;
    (void)printf("%-12s code of row 1: %.6f %.6f %.6f\n", from, (double)code[3], (double)code[4], (double)code[5]);
    return AENC_OK;
}

static aenc_status through_file(aenc_context *ctx, aenc_model *model, float *code) {
    aenc_model *loaded = NULL;
    aenc_status status = aenc_model_save(model, path);
    if (status == AENC_OK) status = aenc_model_load(ctx, path, &loaded);
    if (status == AENC_OK) status = encode(loaded, "from file", code);
    aenc_model_free(loaded);
    (void)remove(path);
    return status;
}

/* The first call asks for the size, the second fills the bytes. */
static aenc_status through_memory(aenc_context *ctx, aenc_model *model, float *code) {
    aenc_model *loaded = NULL;
    size_t size = 0;
    aenc_status status = aenc_model_save_memory(model, NULL, 0, &size);
    void *bytes = status == AENC_OK ? malloc(size) : NULL;
    if (bytes == NULL) return status == AENC_OK ? AENC_ERR_NO_MEMORY : status;
    status = aenc_model_save_memory(model, bytes, size, &size);
    if (status == AENC_OK) status = aenc_model_load_memory(ctx, bytes, size, &loaded);
    free(bytes); /* the model has its own copy */
    if (status == AENC_OK) status = encode(loaded, "from memory", code);
    if (status == AENC_OK) (void)printf("%zu bytes; the description is %s\n", size, aenc_model_description(loaded));
    aenc_model_free(loaded);
    return status;
}

int main(void) {
    float first[ROWS * CODE], second[ROWS * CODE], third[ROWS * CODE];
    aenc_context *ctx = NULL;
    aenc_model *model = NULL, *missing = NULL;
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){8, CODE};
    options.encoder_count = 2;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = aenc_model_create(ctx, &options, &model);
    if (status == AENC_OK) status = encode(model, "fresh", first);
    if (status == AENC_OK) status = through_file(ctx, model, second);
    if (status == AENC_OK) status = through_memory(ctx, model, third);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    aenc_status refused = aenc_model_load(ctx, "no such file", &missing);
    (void)printf("a missing file is %s: %s\n", aenc_status_name(refused), aenc_message(ctx));
    bool same = status == AENC_OK && memcmp(first, second, sizeof first) == 0;
    same = same && memcmp(first, third, sizeof first) == 0;
    (void)printf("the three codes are %s\n", same ? "the same" : "different");
    aenc_model_free(model);
    aenc_context_free(ctx);
    return same && refused == AENC_ERR_IO && missing == NULL ? 0 : 1;
}
