/* arena.c - chunks in a list, the last one being filled. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/format.h"

enum { CHUNK = 16384, ALIGNMENT = 16 };

struct arena_chunk {
    struct arena_chunk *before;
    size_t used, size; /* bytes of memory[] */
    char *memory;
};

void aenc_arena_create(aenc_context *ctx, struct arena *arena) {
    arena->ctx = ctx;
    arena->last = NULL;
    arena->failed = false;
}

static void chunks_free(struct arena *arena, const struct arena_chunk *down_to) {
    while (arena->last != down_to) {
        struct arena_chunk *before = arena->last->before;
        aenc_release(arena->ctx, arena->last->memory);
        aenc_release(arena->ctx, arena->last);
        arena->last = before;
    }
}

void aenc_arena_free(struct arena *arena) { chunks_free(arena, NULL); }

struct arena_mark aenc_arena_mark(const struct arena *arena) {
    return (struct arena_mark){arena->last, arena->last == NULL ? 0 : arena->last->used};
}

void aenc_arena_rewind(struct arena *arena, struct arena_mark mark) {
    chunks_free(arena, mark.last);
    if (mark.last == NULL) return;
    memset(mark.last->memory + mark.used, 0, mark.last->used - mark.used);
    mark.last->used = mark.used;
}

static struct arena_chunk *chunk_add(struct arena *arena, size_t bytes) {
    struct arena_chunk *chunk = aenc_alloc(arena->ctx, 1, sizeof *chunk);
    if (chunk == NULL) return NULL;
    chunk->size = bytes > CHUNK ? bytes : CHUNK;
    chunk->memory = aenc_alloc(arena->ctx, chunk->size, 1);
    if (chunk->memory == NULL) {
        aenc_release(arena->ctx, chunk);
        return NULL;
    }
    chunk->before = arena->last;
    arena->last = chunk;
    return chunk;
}

void *aenc_arena_alloc(struct arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!aenc_size_multiply(count, size, &bytes) || bytes > PTRDIFF_MAX) {
        arena->failed = true;
        aenc_fail(arena->ctx, AENC_ERR_NO_MEMORY, "%zu elements of %zu bytes are more than memory can address", count,
                  size);
        return NULL;
    }
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_chunk *chunk = arena->last;
    if (chunk == NULL || chunk->size - chunk->used < bytes) chunk = chunk_add(arena, bytes);
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    void *block = chunk->memory + chunk->used;
    chunk->used += bytes;
    return block;
}

char *aenc_arena_text(struct arena *arena, const char *text) {
    size_t length = strlen(text);
    char *copy = aenc_arena_alloc(arena, length + 1, 1);
    if (copy != NULL) memcpy(copy, text, length);
    return copy;
}

char *aenc_arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = aenc_text_format(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        aenc_fail(arena->ctx, AENC_ERR_INTERNAL, "a text could not be formatted: %s", format);
        return NULL;
    }
    char *text = aenc_arena_alloc(arena, (size_t)length + 1, 1);
    if (text == NULL) return NULL;
    va_start(arguments, format);
    aenc_text_format(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}
