/* file.c - saving and loading. */
#include "io/file.h"

#include <string.h>

#include "api/api.h"

aenc_status aenc_model_save(aenc_model *model, const char *path) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (model == NULL) return AENC_ERR_ARGUMENT;
    if (path == NULL) return aenc_null(model->ctx, "aenc_model_save", "path");
    void *bytes = NULL;
    size_t size;
    aenc_status status = aenc_model_to_bytes(model, &bytes, &size);
    if (status == AENC_OK) status = aenc_file_save(model->ctx, path, bytes, size);
    aenc_release(model->ctx, bytes);
    return status;
}

aenc_status aenc_model_load(aenc_context *ctx, const char *path, aenc_model **out) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_model_load", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (path == NULL) return aenc_null(ctx, "aenc_model_load", "path");
    void *bytes = NULL;
    size_t size;
    aenc_status status = aenc_file_read(ctx, path, 0, &bytes, &size);
    if (status == AENC_OK) status = aenc_model_from_bytes(ctx, bytes, size, path, out);
    aenc_release(ctx, bytes);
    return status;
}

aenc_status aenc_model_save_memory(aenc_model *model, void *bytes, size_t capacity, size_t *size) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (model == NULL) return AENC_ERR_ARGUMENT;
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

aenc_status aenc_model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out) {
    CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_model_load_memory", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (bytes == NULL) return aenc_null(ctx, "aenc_model_load_memory", "bytes");
    return aenc_model_from_bytes(ctx, bytes, size, "the model in memory", out);
}
