/* safetensors_write.c - the writer: places for the tensors, the header that states them, then their values as
 * pieces. */
#include <string.h>

#include "io/bytes.h"
#include "io/safetensors.h"
#include "io/sort.h"

struct placed {
    const struct tensor_source *source;
    uint64_t count;       /* elements */
    uint64_t begin, size; /* bytes in the buffer */
};

struct layout {
    struct arena arena;
    struct placed *placed; /* (tensor_count), in the order of the file */
    size_t count;
    uint64_t data_size;
};

/* The reference writer's order of types: by alignment, and within it as it declares them. */
static const enum tensor_type order[] = {TENSOR_U64, TENSOR_I64,  TENSOR_F64, TENSOR_F32, TENSOR_U32,
                                         TENSOR_I32, TENSOR_BF16, TENSOR_F16, TENSOR_U16, TENSOR_I16,
                                         TENSOR_I8,  TENSOR_U8,   TENSOR_BOOL};

static size_t order_of(enum tensor_type type) {
    size_t place = 0;
    while (order[place] != type) place++;
    return place;
}

static int compare_placed(const void *a, const void *b) {
    const struct tensor_source *x = ((const struct placed *)a)->source, *y = ((const struct placed *)b)->source;
    if (x->type != y->type) return order_of(x->type) < order_of(y->type) ? -1 : 1;
    return strcmp(x->name, y->name);
}

static aenc_status check_source(aenc_context *ctx, const struct tensor_source *source, struct placed *placed) {
    placed->source = source;
    if (strcmp(source->name, "__metadata__") == 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "a tensor cannot be called '__metadata__'");
    if (source->rank < 0 || source->rank > TENSOR_RANK_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "tensor '%s' has rank %d; at most %d", aenc_quoted(source->name).text,
                         source->rank, TENSOR_RANK_MAX);
    uint64_t item = aenc_tensor_type_size(source->type);
    if (!aenc_shape_extent(source->dim, source->rank, item, &placed->count, &placed->size))
        return aenc_fail(ctx, AENC_ERR_SHAPE, "tensor '%s': the product of its shape overflows",
                         aenc_quoted(source->name).text);
    for (int axis = 0; axis < source->rank; axis++)
        if (source->dim[axis] >= UINT64_C(1) << 53)
            return aenc_fail(ctx, AENC_ERR_SHAPE, "tensor '%s': dimension %d is beyond what a header can hold",
                             aenc_quoted(source->name).text, axis);
    return AENC_OK;
}

static aenc_status place(struct layout *layout, const struct tensor_source *tensor, size_t count) {
    aenc_context *ctx = layout->arena.ctx;
    /* the second half is scratch for sorting */
    layout->placed = aenc_arena_alloc(&layout->arena, count, 2 * sizeof *layout->placed);
    layout->count = count;
    if (layout->placed == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        aenc_status status = check_source(ctx, &tensor[i], &layout->placed[i]);
        if (status != AENC_OK) return status;
    }
    aenc_sort(layout->placed, layout->placed + count, count, sizeof *layout->placed, compare_placed);
    for (size_t i = 0; i < count; i++) {
        struct placed *placed = &layout->placed[i];
        placed->begin = layout->data_size;
        if (placed->size >= (UINT64_C(1) << 53) - layout->data_size)
            return aenc_fail(ctx, AENC_ERR_SHAPE, "the tensors up to '%s' are more than a file can hold",
                             aenc_quoted(placed->source->name).text);
        layout->data_size += placed->size;
    }
    return AENC_OK;
}

/* NULL with the message set. */
static struct json *describe_tensor(struct arena *arena, struct json *header, const struct placed *placed) {
    const struct tensor_source *source = placed->source;
    struct json *object = aenc_json_add(arena, header, source->name, JSON_OBJECT);
    if (aenc_json_add_text(arena, object, "dtype", aenc_tensor_type_name(source->type)) == NULL) return NULL;
    struct json *shape = aenc_json_add(arena, object, "shape", JSON_ARRAY);
    for (int axis = 0; axis < source->rank; axis++)
        if (aenc_json_add_number(arena, shape, NULL, (double)source->dim[axis]) == NULL) return NULL;
    struct json *offsets = aenc_json_add(arena, object, "data_offsets", JSON_ARRAY);
    if (shape == NULL || aenc_json_add_number(arena, offsets, NULL, (double)placed->begin) == NULL) return NULL;
    return aenc_json_add_number(arena, offsets, NULL, (double)(placed->begin + placed->size));
}

static aenc_status write_header(struct layout *layout, const struct metadata_entry *metadata, size_t metadata_count,
                                char **text, size_t *length) {
    struct arena *arena = &layout->arena;
    struct json *header = aenc_json_root(arena, JSON_OBJECT);
    if (header == NULL) return AENC_ERR_NO_MEMORY;
    if (metadata_count > 0) {
        struct json *object = aenc_json_add(arena, header, "__metadata__", JSON_OBJECT);
        for (size_t i = 0; i < metadata_count; i++)
            if (aenc_json_add_text(arena, object, metadata[i].key, metadata[i].text) == NULL) return AENC_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < layout->count; i++)
        if (describe_tensor(arena, header, &layout->placed[i]) == NULL) return AENC_ERR_NO_MEMORY;
    return aenc_json_write(arena->ctx, header, text, length);
}

/* Length, text, blanks up to a multiple of 8. */
static aenc_status header_put(struct safetensors_draft *draft, const char *text, size_t length, uint64_t data_size) {
    aenc_context *ctx = draft->arena.ctx;
    const size_t padded = (length + 7) / 8 * 8;
    if (padded > SAFETENSORS_HEADER_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "a header of %zu bytes; at most %d", padded, SAFETENSORS_HEADER_MAX);
    draft->header_size = 8 + padded;
    if (data_size > SIZE_MAX || !aenc_size_add(draft->header_size, (size_t)data_size, &draft->size))
        return aenc_fail(ctx, AENC_ERR_NO_MEMORY, "the file is more than memory can address");
    draft->header = aenc_arena_alloc(&draft->arena, draft->header_size, 1);
    if (draft->header == NULL) return AENC_ERR_NO_MEMORY;
    aenc_bytes_put_u64(draft->header, padded);
    memcpy(draft->header + 8, text, length);
    memset(draft->header + 8 + length, ' ', padded - length);
    return AENC_OK;
}

static aenc_status pieces_put(struct safetensors_draft *draft, const struct layout *layout) {
    draft->piece_count = layout->count + 1;
    draft->piece = aenc_arena_alloc(&draft->arena, draft->piece_count, sizeof *draft->piece);
    draft->tensor = aenc_arena_alloc(&draft->arena, draft->piece_count, sizeof *draft->tensor);
    if (draft->piece == NULL || draft->tensor == NULL) return AENC_ERR_NO_MEMORY;
    draft->piece[0] = (struct file_piece){draft->header, draft->header_size, 1};
    for (size_t i = 0; i < layout->count; i++) {
        const struct placed *placed = &layout->placed[i];
        draft->tensor[i] = placed->source;
        draft->piece[i + 1] = (struct file_piece){placed->source->values, (size_t)placed->count,
                                                  (size_t)aenc_tensor_type_size(placed->source->type)};
    }
    return AENC_OK;
}

aenc_status aenc_safetensors_draft(aenc_context *ctx, const struct tensor_source *tensor, size_t tensor_count,
                                   const struct metadata_entry *metadata, size_t metadata_count,
                                   struct safetensors_draft *out) {
    struct layout layout = {.count = 0};
    char *text = NULL;
    size_t length = 0;
    memset(out, 0, sizeof *out);
    aenc_arena_create(ctx, &layout.arena);
    aenc_arena_create(ctx, &out->arena);
    aenc_status status = place(&layout, tensor, tensor_count);
    if (status == AENC_OK) status = write_header(&layout, metadata, metadata_count, &text, &length);
    if (status == AENC_OK) status = header_put(out, text, length, layout.data_size);
    if (status == AENC_OK) status = pieces_put(out, &layout);
    aenc_release(ctx, text);
    aenc_arena_free(&layout.arena);
    if (status != AENC_OK) aenc_safetensors_draft_free(out);
    return status;
}

void aenc_safetensors_draft_free(struct safetensors_draft *draft) { aenc_arena_free(&draft->arena); }
