/* mem.c - checked memory; the default allocator is the only place that names the C library's. */
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

/* In front of every block: its size without this header. One cache line keeps the block aligned. */
enum { HEADER = 64 };

bool aenc_size_multiply(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool aenc_size_add(size_t a, size_t b, size_t *out) {
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

static size_t block_size(const void *block) {
    size_t size;
    memcpy(&size, (const char *)block - HEADER, sizeof size);
    return size;
}

void *aenc_alloc_raw(aenc_context *ctx, size_t count, size_t size) {
    size_t bytes;
    size_t whole;
    if (!aenc_size_multiply(count, size, &bytes) || !aenc_size_add(bytes, HEADER, &whole) || whole > PTRDIFF_MAX) {
        aenc_fail(ctx, AENC_ERR_NO_MEMORY, "%zu elements of %zu bytes are more than memory can address", count, size);
        return NULL;
    }
    char *base = ctx->allocate(ctx->allocator_user, whole, 64);
    if (base == NULL) {
        aenc_fail(ctx, AENC_ERR_NO_MEMORY, "the allocator refused %zu bytes", whole);
        return NULL;
    }
    memcpy(base, &bytes, sizeof bytes);
    return base + HEADER;
}

void *aenc_alloc(aenc_context *ctx, size_t count, size_t size) {
    void *block = aenc_alloc_raw(ctx, count, size);
    if (block != NULL) memset(block, 0, count * size);
    return block;
}

void *aenc_resize(aenc_context *ctx, void *block, size_t count, size_t size) {
    void *grown = aenc_alloc_raw(ctx, count, size);
    if (grown == NULL || block == NULL) return grown;
    size_t keep = block_size(block);
    if (keep > count * size) keep = count * size;
    memcpy(grown, block, keep);
    aenc_release(ctx, block);
    return grown;
}

aenc_status aenc_reserve(aenc_context *ctx, void **block, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return AENC_OK;
    size_t count = *capacity < 8 ? 8 : *capacity;
    while (count < needed) {
        if (count > SIZE_MAX / 2)
            count = needed;
        else
            count *= 2;
    }
    void *grown = aenc_resize(ctx, *block, count, size);
    if (grown == NULL) return AENC_ERR_NO_MEMORY;
    *block = grown;
    *capacity = count;
    return AENC_OK;
}

void aenc_release(aenc_context *ctx, void *block) {
    if (block == NULL) return;
    ctx->release(ctx->allocator_user, (char *)block - HEADER, block_size(block) + HEADER, 64);
}

char *aenc_text_copy(aenc_context *ctx, const char *text, size_t length) {
    size_t room;
    if (!aenc_size_add(length, 1, &room)) room = SIZE_MAX;
    char *copy = aenc_alloc_raw(ctx, room, 1);
    if (copy == NULL) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
