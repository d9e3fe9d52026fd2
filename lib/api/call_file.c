/* call_file.c - saving and loading. */
#include "api/call_save.h"

static aenc_status draft(const struct held *held, struct arena *arena, struct safetensors_draft *out) {
    return aenc_model_draft(held->model, arena, NULL, out);
}

aenc_status aenc_model_save(aenc_model *model, const char *path) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save", CALL_READS);
    if (status == AENC_OK) status = aenc_save_path(&call, "aenc_model_save", draft, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_save_memory(aenc_model *model, void *bytes, size_t capacity, size_t *size) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save_memory", CALL_READS);
    if (status == AENC_OK) status = aenc_save_memory(&call, "aenc_model_save_memory", draft, bytes, capacity, size);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_write(aenc_model *model, aenc_write_callback write, void *user) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_write", CALL_WRITES);
    if (status == AENC_OK) status = aenc_save_callback(&call, "aenc_model_write", draft, write, user);
    return aenc_call_end(&call, status);
}

static aenc_status model_load(aenc_context *ctx, const char *path, aenc_model **out) {
    if (path == NULL) return aenc_null(ctx, "aenc_model_load", "path");
    void *bytes = NULL;
    size_t size;
    aenc_status status = aenc_file_read(ctx, path, 0, &bytes, &size);
    if (status == AENC_OK) status = aenc_model_from_bytes(ctx, bytes, size, path, out);
    aenc_release(ctx, bytes);
    return status;
}

aenc_status aenc_model_load(aenc_context *ctx, const char *path, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_model_load", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_model_load", CALL_READS);
    if (status == AENC_OK) status = model_load(ctx, path, out);
    return aenc_call_end(&call, status);
}

static aenc_status model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out) {
    if (bytes == NULL) return aenc_null(ctx, "aenc_model_load_memory", "bytes");
    return aenc_model_from_bytes(ctx, bytes, size, "the model in memory", out);
}

aenc_status aenc_model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_model_load_memory", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_model_load_memory", CALL_READS);
    if (status == AENC_OK) status = model_load_memory(ctx, bytes, size, out);
    return aenc_call_end(&call, status);
}
