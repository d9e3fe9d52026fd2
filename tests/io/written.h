/* written.h - files in memory, from what the library writes in pieces. */
#ifndef AENC_TESTS_IO_WRITTEN_H
#define AENC_TESTS_IO_WRITTEN_H

#include <string.h>

#include "io/safetensors.h"
#include "model/model.h"

static inline int written_put(void *user, const void *bytes, size_t size) {
    char **next = user;
    memcpy(*next, bytes, size);
    *next += size;
    return 0;
}

/* The whole file, from aenc_alloc; the draft is freed. */
static inline aenc_status written_draft(aenc_context *ctx, struct safetensors_draft *draft, void **out, size_t *size) {
    char *next = aenc_alloc_raw(ctx, draft->size, 1);
    *out = next;
    *size = draft->size;
    if (next != NULL) aenc_pieces_put(draft->piece, draft->piece_count, written_put, &next);
    aenc_safetensors_draft_free(draft);
    return *out == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

static inline aenc_status written_tensors(aenc_context *ctx, const struct tensor_source *tensor, size_t tensor_count,
                                          const struct metadata_entry *metadata, size_t metadata_count, void **out,
                                          size_t *size) {
    struct safetensors_draft draft;
    *out = NULL;
    aenc_status status = aenc_safetensors_draft(ctx, tensor, tensor_count, metadata, metadata_count, &draft);
    return status == AENC_OK ? written_draft(ctx, &draft, out, size) : status;
}

/* With a further text in the metadata; NULL: none. */
static inline aenc_status written_model(struct aenc_model *model, const struct metadata_entry *more, void **out, size_t *size) {
    struct safetensors_draft draft;
    struct arena arena;
    *out = NULL;
    aenc_arena_create(model->ctx, &arena);
    aenc_status status = aenc_model_draft(model, &arena, more, &draft);
    if (status == AENC_OK) status = written_draft(model->ctx, &draft, out, size);
    aenc_arena_free(&arena);
    return status;
}

#endif
