/* mem_test.c - checked memory: alignment, zeros, sizes, overflow, and refusal at every call. */
#define _POSIX_C_SOURCE 200809L

#include "base/mem.h"

#include <string.h>

#include "base/arena.h"
#include "fake_context.h"

static bool all(const unsigned char *block, size_t size, unsigned char value) {
    for (size_t i = 0; i < size; i++)
        if (block[i] != value) return false;
    return true;
}

static void check_blocks(aenc_context *ctx, struct ledger *ledger) {
    const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 100001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = aenc_alloc(ctx, sizes[i], 1);
        CHECK(block != NULL && (uintptr_t)block % 64 == 0);
        CHECK(all(block, sizes[i], 0));
        memset(block, 0xA5, sizes[i]);
        aenc_release(ctx, block);
        block = aenc_alloc_raw(ctx, 1, sizes[i]);
        CHECK(block != NULL && (uintptr_t)block % 64 == 0);
        memset(block, 0xA5, sizes[i]);
        aenc_release(ctx, block);
    }
    aenc_release(ctx, NULL);
    CHECK(ledger->blocks == 0 && ledger->bytes == 0);
}

static void check_resize(aenc_context *ctx, struct ledger *ledger) {
    unsigned char *block = aenc_resize(ctx, NULL, 10, 1);
    CHECK(block != NULL);
    memset(block, 7, 10);
    block = aenc_resize(ctx, block, 1000, 1);
    CHECK(block != NULL && all(block, 10, 7));
    memset(block, 8, 1000);
    block = aenc_resize(ctx, block, 5, 1);
    CHECK(block != NULL && all(block, 5, 8));
    ledger->refused = ledger->calls + 1;
    CHECK(aenc_resize(ctx, block, 50, 1) == NULL);
    CHECK(all(block, 5, 8)); /* still the caller's */
    aenc_release(ctx, block);
    CHECK(ledger->blocks == 0 && ledger->bytes == 0);
}

static void check_grow(aenc_context *ctx, struct ledger *ledger) {
    void *block = NULL;
    size_t capacity = 0;
    for (size_t needed = 0; needed < 200; needed++) {
        CHECK(aenc_reserve(ctx, &block, &capacity, needed, sizeof(int)) == AENC_OK);
        CHECK(capacity >= needed);
        if (needed > 0) ((int *)block)[needed - 1] = (int)needed;
    }
    bool kept = true;
    for (int i = 0; i < 199; i++) kept &= ((int *)block)[i] == i + 1;
    CHECK(kept);
    ledger->refused = ledger->calls + 1;
    void *before = block;
    size_t capacity_before = capacity;
    CHECK(aenc_reserve(ctx, &block, &capacity, 100000, sizeof(int)) == AENC_ERR_NO_MEMORY);
    CHECK(block == before && capacity == capacity_before);
    CHECK(aenc_reserve(ctx, &block, &capacity, SIZE_MAX, sizeof(int)) == AENC_ERR_NO_MEMORY);
    CHECK(block == before && capacity == capacity_before);
    aenc_release(ctx, block);
    CHECK(ledger->blocks == 0 && ledger->bytes == 0);
}

static void check_overflow(aenc_context *ctx, struct ledger *ledger) {
    long calls = ledger->calls;
    size_t out = 5;
    ctx->message[0] = '\0';
    CHECK(aenc_alloc(ctx, SIZE_MAX / 2, 3) == NULL && ctx->message[0] != '\0');
    CHECK(aenc_alloc(ctx, SIZE_MAX, 1) == NULL);
    CHECK(aenc_alloc_raw(ctx, PTRDIFF_MAX, 1) == NULL);
    CHECK(aenc_resize(ctx, NULL, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(ledger->calls == calls); /* the allocator was not asked */
    CHECK(!aenc_size_multiply(SIZE_MAX, 2, &out) && out == 5);
    CHECK(aenc_size_multiply(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    CHECK(aenc_size_multiply(SIZE_MAX, 0, &out) && out == 0);
    CHECK(!aenc_size_add(SIZE_MAX, 1, &out) && out == 0);
    CHECK(aenc_size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
}

static void check_refusal(aenc_context *ctx, struct ledger *ledger) {
    ctx->message[0] = '\0';
    ledger->refused = ledger->calls + 1;
    CHECK(aenc_alloc(ctx, 10, 4) == NULL);
    CHECK(strstr(ctx->message, "104 bytes") != NULL); /* the block and its header */
    ledger->refused = ledger->calls + 1;
    CHECK(aenc_text_copy(ctx, "text", 4) == NULL);
    CHECK(ledger->blocks == 0);
}

static void check_text(aenc_context *ctx) {
    char *copy = aenc_text_copy(ctx, "autoencoder", 4);
    CHECK(copy != NULL && strcmp(copy, "auto") == 0);
    aenc_release(ctx, copy);
    copy = aenc_text_copy(ctx, "", 0);
    CHECK(copy != NULL && *copy == '\0');
    aenc_release(ctx, copy);
}

/* Everything at once in an arena whose every allocation is refused once. */
static bool fill_arena(struct arena *arena) {
    for (int i = 0; i < 40; i++) {
        unsigned char *block = aenc_arena_alloc(arena, (size_t)i * 100, 3);
        if (block == NULL) return false;
        CHECK((uintptr_t)block % 16 == 0 && all(block, (size_t)i * 300, 0));
        memset(block, 0xFF, (size_t)i * 300);
        char *text = aenc_arena_format(arena, "%d and %s", i, "more");
        if (text == NULL) return false;
        CHECK(strstr(text, "and more") != NULL);
        if ((text = aenc_arena_text(arena, "text")) == NULL) return false;
        CHECK(strcmp(text, "text") == 0);
    }
    return aenc_arena_alloc(arena, 100000, 1) != NULL;
}

static void check_arena(aenc_context *ctx, struct ledger *ledger) {
    struct arena arena;
    bool whole = false;
    for (int k = 1; !whole && k < 1000; k++) {
        aenc_arena_create(ctx, &arena);
        ledger->refused = ledger->calls + k;
        ctx->status = AENC_OK;
        whole = fill_arena(&arena);
        CHECK(arena.failed == !whole && ctx->status == (whole ? AENC_OK : AENC_ERR_NO_MEMORY));
        ledger->refused = 0;
        CHECK(aenc_arena_text(&arena, "more") != NULL && arena.failed == !whole); /* what failed once stays so */
        aenc_arena_free(&arena);
        CHECK(ledger->blocks == 0 && ledger->bytes == 0);
    }
    CHECK(whole);
    aenc_arena_create(ctx, &arena);
    const size_t sizes[][2] = {{SIZE_MAX, 2}, {SIZE_MAX, 1}, {(size_t)PTRDIFF_MAX + 1, 1}, {SIZE_MAX / 4, 2}, {PTRDIFF_MAX, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        arena.failed = false;
        ctx->status = AENC_OK;
        CHECK(aenc_arena_alloc(&arena, sizes[i][0], sizes[i][1]) == NULL && arena.failed);
        CHECK(ctx->status == AENC_ERR_NO_MEMORY && ledger->blocks == 0);
    }
    aenc_arena_free(&arena);
    aenc_arena_free(&arena); /* again: nothing is left to free */
}

int main(void) {
    aenc_context ctx;
    struct ledger ledger;
    fake_context(&ctx, &ledger);
    check_blocks(&ctx, &ledger);
    check_resize(&ctx, &ledger);
    check_grow(&ctx, &ledger);
    check_overflow(&ctx, &ledger);
    check_refusal(&ctx, &ledger);
    check_text(&ctx);
    check_arena(&ctx, &ledger);
    CHECK(ledger.blocks == 0 && ledger.bytes == 0);
    return check_finish();
}
