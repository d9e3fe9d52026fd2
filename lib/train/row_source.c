/* row_source.c - making sources, and ending them. */
#include "train/row_source.h"

#include "io/npy.h"

aenc_status aenc_source_make(aenc_context *ctx, struct aenc_source **out) {
    *out = aenc_alloc(ctx, 1, sizeof **out);
    if (*out == NULL) return AENC_ERR_NO_MEMORY;
    atomic_init(&(*out)->references, 1);
    (*out)->ctx = ctx;
    aenc_context_retain(ctx);
    return AENC_OK;
}

void aenc_source_release(struct aenc_source *source) {
    if (source == NULL || atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) != 1) return;
    aenc_context *ctx = source->ctx;
    if (source->call.release != NULL) source->call.release(source->call.user);
    aenc_file_unmap(&source->map);
    aenc_release(ctx, source);
    aenc_context_release(ctx);
}

static bool little_endian(void) {
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 1;
}

/* Only what can be used where it lies. */
static aenc_status layout_check(aenc_context *ctx, const struct npy *array, const char *path) {
    static const char way_out[] = "numpy.save(path, numpy.ascontiguousarray(x, '<f4')) writes what can be mapped";
    if (array->kind != 'f' || array->item != 4)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: has elements of type '%c%d', and only '<f4' is mapped; %s",
                         path, array->kind, array->item, way_out);
    if (array->big_endian || !little_endian())
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: has another byte order than this machine; %s", path, way_out);
    if (array->fortran_order && array->rank > 1)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: is in Fortran order, its rows do not lie together; %s", path,
                         way_out);
    if (array->rank < 2)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: has %d dimensions; rows and what is in them are at least 2", path,
                         array->rank);
    if (array->count == 0) return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: has no elements", path);
    if ((uintptr_t)array->bytes % sizeof(float) != 0)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: its elements are not aligned; %s", path, way_out);
    return AENC_OK;
}

aenc_status aenc_source_map(aenc_context *ctx, const char *path, struct aenc_source *source) {
    struct npy array;
    aenc_status status = aenc_file_map(ctx, path, &source->map);
    if (status == AENC_OK) status = aenc_npy_read(ctx, source->map.bytes, source->map.size, path, &array);
    if (status == AENC_OK) status = layout_check(ctx, &array, path);
    if (status != AENC_OK) return status;
    const void *elements = array.bytes;
    source->rows = (struct rows){elements, (int64_t)array.row_size, (int64_t)array.rows, NULL};
    source->cols = (int64_t)array.row_size;
    return AENC_OK;
}
