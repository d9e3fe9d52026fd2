/* call_array.c - what an aenc_array says of itself, looked at before anything is read from it. */
#include "api/call_array.h"

#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"

static aenc_status name_read(aenc_context *ctx, struct array_place place, const aenc_array *a, char *out) {
    if (a->name == NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s.name is NULL", place.call, place.list,
                         aenc_at(place.index).text);
    size_t length = strlen(a->name);
    if (length == 0 || length >= FIELD_NAME_SIZE)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s.name is '%s', no name of a field", place.call, place.list,
                         aenc_at(place.index).text, aenc_quoted(a->name).text);
    memcpy(out, a->name, length + 1);
    return AENC_OK;
}

static aenc_status type_read(aenc_context *ctx, struct array_place place, const aenc_array *a, struct array *out) {
    switch (a->type) {
    case 0:
    case AENC_TYPE_F32: out->column.type = VALUE_F32; break;
    case AENC_TYPE_I32: out->column.type = VALUE_I32; break;
    case AENC_TYPE_U8: out->column.type = VALUE_U8; break;
    default:
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s '%s': type is %ld, not an AENC_TYPE_...", place.call,
                         place.list, aenc_at(place.index).text, aenc_quoted(out->name).text, (long)a->type);
    }
    if (a->device == 0) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: %s%s '%s': device is %ld; there is only 0, memory", place.call,
                     place.list, aenc_at(place.index).text, aenc_quoted(out->name).text, (long)a->device);
}

/* dims[first ..] are those of a row. */
static aenc_status dims_read(aenc_context *ctx, struct array_place place, const aenc_array *a, size_t first,
                             struct array *out) {
    const struct dims_text at = aenc_at(place.index);
    const struct quoted name = aenc_quoted(out->name);
    if (a->rank < first || a->rank > first + RANK_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %s%s '%s': rank is %zu; it is from %zu to %d", place.call,
                         place.list, at.text, name.text, a->rank, first, (int)first + RANK_MAX);
    if (a->rank > 0 && a->dims == NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s '%s': dims is NULL", place.call, place.list, at.text,
                         name.text);
    size_t size = 1;
    out->shape.rank = (int)(a->rank - first);
    for (size_t k = 0; k < a->rank; k++) {
        bool good = a->dims[k] > 0 && a->dims[k] <= INT64_MAX / 2;
        if (good && k >= first) good = a->dims[k] <= INT32_MAX && aenc_size_multiply(size, a->dims[k], &size);
        if (!good || size > INT32_MAX)
            return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %s%s '%s': dims%s is %zu", place.call, place.list, at.text,
                             name.text, aenc_at(k).text, a->dims[k]);
        if (k >= first) out->shape.dim[k - first] = (int64_t)a->dims[k];
    }
    out->size = (int64_t)size;
    out->rows = first == 0 ? 0 : (int64_t)a->dims[0];
    out->column.stride = out->size;
    return AENC_OK;
}

/* Rows may lie apart; what is in one lies together. */
static aenc_status strides_read(aenc_context *ctx, struct array_place place, const aenc_array *a, struct array *out) {
    const struct dims_text at = aenc_at(place.index);
    const struct quoted name = aenc_quoted(out->name);
    int64_t dense = 1;
    for (size_t k = a->rank; a->strides != NULL && k-- > 1;) {
        if (a->dims[k] > 1 && a->strides[k] != dense)
            return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                             "%s: %s%s '%s': strides%s is %lld; elements of a row lie together, %lld", place.call,
                             place.list, at.text, name.text, aenc_at(k).text, (long long)a->strides[k],
                             (long long)dense);
        dense *= (int64_t)a->dims[k];
    }
    if (a->strides == NULL || a->dims[0] == 1) return AENC_OK;
    out->column.stride = a->strides[0];
    if (a->strides[0] >= out->size) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %s%s '%s': strides[0] is %lld, less than a row's %lld", place.call,
                     place.list, at.text, name.text, (long long)a->strides[0], (long long)out->size);
}

static aenc_status memory_check(aenc_context *ctx, struct array_place place, const aenc_array *a, struct array *out) {
    const struct dims_text at = aenc_at(place.index);
    const struct quoted name = aenc_quoted(out->name);
    size_t item = aenc_value_bytes(out->column.type), needed;
    if (a->data == NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s '%s': data is NULL", place.call, place.list, at.text,
                         name.text);
    if ((uintptr_t)a->data % item != 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s '%s': data is not aligned to its elements", place.call,
                         place.list, at.text, name.text);
    bool fits = aenc_size_multiply((size_t)out->rows - 1, (size_t)out->column.stride, &needed) &&
                needed <= SIZE_MAX - (size_t)out->size &&
                aenc_size_multiply(needed + (size_t)out->size, item, &needed) && needed <= PTRDIFF_MAX;
    if (!fits || needed > a->size)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %s%s '%s': size is %zu bytes; %lld rows of %lld need more",
                         place.call, place.list, at.text, name.text, a->size, (long long)out->rows,
                         (long long)out->size);
    out->data = a->data;
    out->column.data = a->data;
    return AENC_OK;
}

static aenc_status declared_read(aenc_context *ctx, struct array_place place, const aenc_array *given, size_t first,
                                 aenc_array *a, struct array *out) {
    memset(out, 0, sizeof *out);
    if (given == NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s is NULL", place.call, place.list, aenc_at(place.index).text);
    aenc_status status = aenc_options_read(ctx, "aenc_array", given, sizeof *a, a);
    if (status == AENC_OK) status = name_read(ctx, place, a, out->name);
    if (status == AENC_OK) status = type_read(ctx, place, a, out);
    return status == AENC_OK ? dims_read(ctx, place, a, first, out) : status;
}

aenc_status aenc_array_declared(aenc_context *ctx, struct array_place place, const aenc_array *given,
                                struct array *out) {
    aenc_array a;
    return declared_read(ctx, place, given, 0, &a, out);
}

aenc_status aenc_array_read(aenc_context *ctx, struct array_place place, const aenc_array *given, struct array *out) {
    aenc_array a;
    aenc_status status = declared_read(ctx, place, given, 1, &a, out);
    if (status == AENC_OK) status = strides_read(ctx, place, &a, out);
    return status == AENC_OK ? memory_check(ctx, place, &a, out) : status;
}

aenc_status aenc_shape_check(aenc_context *ctx, const char *who, const char *name, const struct shape *shape,
                             const struct shape *wanted) {
    bool same = aenc_shape_count(shape) == aenc_shape_count(wanted);
    if (same && shape->rank > 1 && wanted->rank > 1) same = aenc_shape_equal(shape, wanted);
    if (same) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: a row of '%s' has shape %s; the model's has %s", who, name,
                     aenc_dims(shape->dim, shape->rank, false).text, aenc_dims(wanted->dim, wanted->rank, false).text);
}
