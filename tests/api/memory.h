/* memory.h - an allocator that counts, has a limit, fails on demand, and checks what is given back to it. */
#ifndef AENC_TESTS_API_MEMORY_H
#define AENC_TESTS_API_MEMORY_H

#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MEMORY_FRONT = 64 }; /* in front of each block: its size and alignment */

struct memory {
    long calls;    /* so far */
    long fail_at;  /* the call that is refused, from 1; 0: none */
    bool for_good; /* and every call after it */
    long refused;
    long blocks;   /* live */
    size_t bytes;  /* live */
    size_t limit;  /* of live bytes; 0: none */
    bool mismatch; /* a block came back with another size or alignment */
};

static inline void *memory_allocate(void *user, size_t size, size_t alignment) {
    struct memory *memory = user;
    memory->calls++;
    bool later = memory->for_good && memory->calls > memory->fail_at;
    bool refuse = memory->fail_at != 0 && (later || memory->calls == memory->fail_at);
    refuse = refuse || (memory->limit != 0 && (size > memory->limit || memory->bytes > memory->limit - size));
    char *block = refuse ? NULL : aligned_alloc(64, (size + MEMORY_FRONT + 63) / 64 * 64);
    if (block == NULL) {
        memory->refused++;
        return NULL;
    }
    memory->blocks++;
    memory->bytes += size;
    memcpy(block, &size, sizeof size);
    memcpy(block + sizeof size, &alignment, sizeof alignment);
    memset(block + MEMORY_FRONT, 0xA5, size);
    return block + MEMORY_FRONT;
}

static inline void memory_release(void *user, void *block, size_t size, size_t alignment) {
    struct memory *memory = user;
    size_t was[2];
    memcpy(was, (char *)block - MEMORY_FRONT, sizeof was);
    memory->mismatch = memory->mismatch || was[0] != size || was[1] != alignment;
    memory->blocks--;
    memory->bytes -= was[0];
    free((char *)block - MEMORY_FRONT);
}

static inline aenc_context *memory_context(struct memory *memory, uint64_t seed, int64_t threads) {
    aenc_context_options options = {.struct_size = sizeof options,
                                    .seed = seed,
                                    .threads = threads,
                                    .allocate = memory_allocate,
                                    .release = memory_release,
                                    .allocator_user = memory};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    return ctx;
}

/* After the last handle is gone. */
static inline void memory_check_empty(const struct memory *memory) {
    CHECK(memory->blocks == 0);
    CHECK(memory->bytes == 0);
    CHECK(!memory->mismatch);
}

#endif
