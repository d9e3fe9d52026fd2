/* row_source.c - making sources, and ending them. */
#include "train/row_source.h"

#include <string.h>

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
    for (int f = 0; f < source->field_count; f++) aenc_file_unmap(&source->field[f].map);
    aenc_release(ctx, source);
    aenc_context_release(ctx);
}

struct source_field *aenc_source_add(struct aenc_source *source, const char *name, int64_t size, enum value_type type) {
    struct source_field *field = &source->field[source->field_count++];
    memset(field, 0, sizeof *field);
    for (size_t i = 0; i + 1 < sizeof field->name && name[i] != '\0'; i++) field->name[i] = name[i];
    field->size = size;
    field->column = (struct column){.stride = size, .type = type};
    return field;
}

const struct source_field *aenc_source_field(const struct aenc_source *source, const char *name) {
    for (int f = 0; f < source->field_count; f++)
        if (strcmp(source->field[f].name, name) == 0) return &source->field[f];
    return NULL;
}

void aenc_source_number(const struct aenc_source *source, const struct aenc_model *model, int number[FIELDS_MAX]) {
    for (int f = 0; f < FIELDS_MAX; f++) {
        const char *name = source->field[f].name;
        number[f] = -1;
        if (f >= source->field_count) continue;
        if (model != NULL)
            number[f] = aenc_field_find(model->field, model->field_count, name);
        else if (strcmp(name, "input") == 0 || strcmp(name, "weight") == 0)
            number[f] = *name == 'i' ? FIELD_INPUT : FIELD_WEIGHT;
    }
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
    struct mapped map = {NULL, 0};
    aenc_status status = aenc_file_map(ctx, path, &map);
    if (status == AENC_OK) status = aenc_npy_read(ctx, map.bytes, map.size, path, &array);
    if (status == AENC_OK) status = layout_check(ctx, &array, path);
    if (status != AENC_OK) {
        aenc_file_unmap(&map);
        return status;
    }
    struct source_field *field = aenc_source_add(source, "input", (int64_t)array.row_size, VALUE_F32);
    field->column.data = array.bytes;
    field->map = map;
    source->rows = (int64_t)array.rows;
    return AENC_OK;
}
