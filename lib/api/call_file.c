/* call_file.c - saving and loading. */
#include "io/file.h"

#include <string.h>

#include "api/api.h"

static aenc_status model_save(aenc_model *model, const char *path) {
    if (path == NULL) return aenc_null(model->ctx, "aenc_model_save", "path");
    void *bytes = NULL;
    size_t size;
    aenc_status status = aenc_model_to_bytes(model, &bytes, &size);
    if (status == AENC_OK) status = aenc_file_save(model->ctx, path, bytes, size);
    aenc_release(model->ctx, bytes);
    return status;
}

aenc_status aenc_model_save(aenc_model *model, const char *path) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save", CALL_READS);
    if (status == AENC_OK) status = model_save(model, path);
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

static aenc_status model_save_memory(aenc_model *model, void *bytes, size_t capacity, size_t *size) {
    if (size == NULL) return aenc_null(model->ctx, "aenc_model_save_memory", "size");
    void *written = NULL;
    size_t needed = 0;
    aenc_status status = aenc_model_to_bytes(model, &written, &needed);
    *size = needed;
    if (status == AENC_OK && bytes != NULL && capacity < needed)
        status = aenc_fail(model->ctx, AENC_ERR_SHAPE, "aenc_model_save_memory: capacity is %zu; %zu bytes are needed",
                           capacity, needed);
    if (status == AENC_OK && bytes != NULL) memcpy(bytes, written, needed);
    aenc_release(model->ctx, written);
    return status;
}

aenc_status aenc_model_save_memory(aenc_model *model, void *bytes, size_t capacity, size_t *size) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save_memory", CALL_READS);
    if (status == AENC_OK) status = model_save_memory(model, bytes, capacity, size);
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
