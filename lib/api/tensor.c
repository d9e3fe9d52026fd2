/* tensor.c - typed arrays that the caller reads and writes by copying. */
#include <stdint.h>
#include <string.h>

#include "api/tensor.h"
#include "io/message_text.h"

static size_t element_size(int32_t type) {
    return type == AENC_TYPE_F32 || type == AENC_TYPE_I32 ? 4 : type == AENC_TYPE_U8 ? 1 : 0;
}

aenc_status aenc_tensor_create(aenc_context *ctx, int32_t type, const size_t *dims, size_t rank, aenc_tensor **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_tensor_create", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_check(ctx, "aenc_tensor_create", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    if (element_size(type) == 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "aenc_tensor_create: type %d is not AENC_TYPE_F32, AENC_TYPE_I32 or AENC_TYPE_U8", (int)type);
    if (rank > AENC_RANK_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_tensor_create: rank is %zu; at most %d", rank, AENC_RANK_MAX);
    if (rank > 0 && dims == NULL) return aenc_null(ctx, "aenc_tensor_create", "dims");
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
        if (dims[i] == 0 || !aenc_size_multiply(count, dims[i], &count))
            return aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_tensor_create: dims%s is %zu: empty or too large",
                             aenc_at(i).text, dims[i]);
    aenc_tensor *tensor = aenc_alloc(ctx, 1, sizeof *tensor);
    if (tensor == NULL) return AENC_ERR_NO_MEMORY;
    tensor->data = aenc_alloc(ctx, count, element_size(type));
    if (tensor->data == NULL) {
        aenc_release(ctx, tensor);
        return AENC_ERR_NO_MEMORY;
    }
    aenc_context_retain(ctx);
    tensor->ctx = ctx;
    tensor->type = type;
    tensor->rank = rank;
    tensor->count = count;
    for (size_t i = 0; i < rank; i++) tensor->dim[i] = dims[i];
    *out = tensor;
    return AENC_OK;
}

void aenc_tensor_free(aenc_tensor *tensor) {
    if (tensor == NULL) return;
    aenc_context *ctx = tensor->ctx;
    aenc_release(ctx, tensor->data);
    aenc_release(ctx, tensor);
    aenc_context_release(ctx);
}

int32_t aenc_tensor_type(const aenc_tensor *tensor) { return tensor == NULL ? 0 : tensor->type; }
size_t aenc_tensor_rank(const aenc_tensor *tensor) { return tensor == NULL ? 0 : tensor->rank; }
size_t aenc_tensor_count(const aenc_tensor *tensor) { return tensor == NULL ? 0 : tensor->count; }
size_t aenc_tensor_dim(const aenc_tensor *tensor, size_t axis) {
    return tensor == NULL || axis >= tensor->rank ? 0 : tensor->dim[axis];
}

const void *aenc_tensor_data(const aenc_tensor *tensor) { return tensor == NULL ? NULL : tensor->data; }

static aenc_status floats_check(const aenc_tensor *tensor, const char *call, const char *name, const void *data,
                                size_t floats) {
    if (tensor == NULL) return AENC_ERR_ARGUMENT;
    if (data == NULL) return aenc_null(tensor->ctx, call, name);
    if (floats == tensor->count) return AENC_OK;
    int64_t dim[AENC_RANK_MAX];
    for (size_t i = 0; i < tensor->rank; i++) dim[i] = (int64_t)tensor->dim[i];
    return aenc_fail(tensor->ctx, AENC_ERR_SHAPE, "%s: floats is %zu; the tensor has %zu, shape %s", call, floats,
                     tensor->count, aenc_dims(dim, (int)tensor->rank, false).text);
}

aenc_status aenc_tensor_read(const aenc_tensor *tensor, float *out, size_t floats) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    aenc_status status = floats_check(tensor, "aenc_tensor_read", "out", out, floats);
    if (status != AENC_OK) return status;
    if (tensor->type == AENC_TYPE_F32) memcpy(out, tensor->data, floats * sizeof *out);
    for (size_t i = 0; i < floats && tensor->type == AENC_TYPE_I32; i++)
        out[i] = (float)((const int32_t *)tensor->data)[i];
    for (size_t i = 0; i < floats && tensor->type == AENC_TYPE_U8; i++)
        out[i] = (float)((const uint8_t *)tensor->data)[i];
    return AENC_OK;
}

/* Whether the type holds the value exactly. The bounds are themselves floats: -2^31, 2^31. */
static bool holds(int32_t type, float value) {
    if (type == AENC_TYPE_U8) return value >= 0 && value <= 255 && value == (float)(uint8_t)value;
    return value >= -2147483648.0f && value < 2147483648.0f && value == (float)(int32_t)value;
}

aenc_status aenc_tensor_write(aenc_tensor *tensor, const float *values, size_t floats) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    aenc_status status = floats_check(tensor, "aenc_tensor_write", "values", values, floats);
    if (status != AENC_OK) return status;
    if (tensor->type == AENC_TYPE_F32) {
        memcpy(tensor->data, values, floats * sizeof *values);
        return AENC_OK;
    }
    for (size_t i = 0; i < floats; i++)
        if (!holds(tensor->type, values[i]))
            return aenc_fail(tensor->ctx, AENC_ERR_ARGUMENT,
                             "aenc_tensor_write: values%s is %s, which the tensor's type cannot hold", aenc_at(i).text,
                             aenc_shown_float(values[i]).text);
    for (size_t i = 0; i < floats && tensor->type == AENC_TYPE_I32; i++)
        ((int32_t *)tensor->data)[i] = (int32_t)values[i];
    for (size_t i = 0; i < floats && tensor->type == AENC_TYPE_U8; i++)
        ((uint8_t *)tensor->data)[i] = (uint8_t)values[i];
    return AENC_OK;
}
