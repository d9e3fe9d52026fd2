/* mem.h - checked memory through the context's allocator.
 *
 * Nothing in the library calls malloc but the default allocator in mem.c. Every block remembers its own size in a
 * header in front of it, so that the caller's `release` hears the size that its `allocate` was asked for. Blocks are
 * 64-byte aligned, which is what vector loads and cache lines want.
 */
#ifndef AENC_BASE_MEM_H
#define AENC_BASE_MEM_H

#include "base/context.h"

/* count * size bytes, zeroed. NULL with the context's message set (AENC_ERR_NO_MEMORY; the product overflowing
 * counts as that too). A product of zero gives a valid block. */
void *aenc_alloc(aenc_context *ctx, size_t count, size_t size);
/* The same without zeroing, for blocks that are overwritten at once. */
void *aenc_alloc_raw(aenc_context *ctx, size_t count, size_t size);
/* Grows or shrinks an array from aenc_alloc, keeping what fits; new elements are not zeroed. On failure NULL, and
 * the old block is still the caller's. block may be NULL. */
void *aenc_resize(aenc_context *ctx, void *block, size_t count, size_t size);
/* Makes room for at least needed elements in *block, doubling. *capacity is in elements. */
aenc_status aenc_reserve(aenc_context *ctx, void **block, size_t *capacity, size_t needed, size_t size);
/* NULL-safe. */
void aenc_release(aenc_context *ctx, void *block);
/* A copy of `length` bytes of text with a NUL behind it; NULL as aenc_alloc. */
char *aenc_text_copy(aenc_context *ctx, const char *text, size_t length);

/* *out = a * b, a + b; false when that overflows (and *out is not written). */
bool aenc_size_multiply(size_t a, size_t b, size_t *out);
bool aenc_size_add(size_t a, size_t b, size_t *out);

#endif
