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

void aenc_source_retain(struct aenc_source *source) {
    if (source != NULL) atomic_fetch_add_explicit(&source->references, 1, memory_order_relaxed);
}

void aenc_source_release(struct aenc_source *source) {
    if (source == NULL || atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) != 1) return;
    aenc_context *ctx = source->ctx;
    if (source->call.release != NULL) source->call.release(source->call.user);
    for (int f = 0; f < source->field_count; f++) aenc_file_unmap(&source->field[f].map);
    aenc_release(ctx, source);
    aenc_context_release(ctx);
}

struct source_field *aenc_source_add(struct aenc_source *source, const char *name, const struct shape *shape,
                                     enum value_type type) {
    struct source_field *field = &source->field[source->field_count++];
    memset(field, 0, sizeof *field);
    for (size_t i = 0; i + 1 < sizeof field->name && name[i] != '\0'; i++) field->name[i] = name[i];
    field->shape = *shape;
    field->size = aenc_shape_count(shape);
    field->column = (struct column){.stride = field->size, .type = type};
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
static aenc_status layout_check(aenc_context *ctx, const struct npy *array, const char *path, int rank) {
    static const char way_out[] = "numpy.save(path, numpy.ascontiguousarray(x, '<f4')) writes what can be mapped";
    bool word = array->item == 4 && (array->kind == 'f' || array->kind == 'i');
    if (!word && !(array->kind == 'u' && array->item == 1))
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                         "%s: has elements of type '%c%d', and only '<f4', '<i4' and '|u1' are mapped; %s", path,
                         array->kind, array->item, way_out);
    if (word && (array->big_endian || !little_endian()))
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: has another byte order than this machine; %s", path, way_out);
    if (array->fortran_order && array->rank > 1)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: is in Fortran order, its rows do not lie together; %s", path,
                         way_out);
    if (array->rank < rank)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: has %d dimensions; rows and what is in them are at least 2", path,
                         array->rank);
    if (array->count == 0) return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: has no elements", path);
    if ((uintptr_t)array->bytes % (size_t)array->item != 0)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: its elements are not aligned; %s", path, way_out);
    return AENC_OK;
}

static enum value_type type_of(const struct npy *array) {
    return array->kind == 'f' ? VALUE_F32 : array->kind == 'i' ? VALUE_I32 : VALUE_U8;
}

aenc_status aenc_source_map(aenc_context *ctx, const char *path, const char *name, int rank,
                            struct aenc_source *source) {
    struct npy array;
    struct mapped map = {NULL, 0};
    aenc_status status = aenc_file_map(ctx, path, &map);
    if (status == AENC_OK) status = aenc_npy_read(ctx, map.bytes, map.size, path, &array);
    if (status == AENC_OK) status = layout_check(ctx, &array, path, rank);
    if (status != AENC_OK) {
        aenc_file_unmap(&map);
        return status;
    }
    struct shape shape = {.rank = 0};
    for (int k = 1; k < array.rank && array.rank <= RANK_MAX + 1; k++) shape.dim[shape.rank++] = (int64_t)array.dim[k];
    if (array.rank > RANK_MAX + 1) shape = (struct shape){1, {(int64_t)array.row_size}};
    struct source_field *field = aenc_source_add(source, name, &shape, type_of(&array));
    field->column.data = array.bytes;
    field->map = map;
    source->rows = (int64_t)array.rows;
    return AENC_OK;
}
