/* fake_context.h - a context without the api room, whose allocator counts, checks the sizes it is told, and can be made
 * to refuse its k-th call. */
#ifndef AENC_TESTS_BASE_FAKE_CONTEXT_H
#define AENC_TESTS_BASE_FAKE_CONTEXT_H

#include <stdint.h>
#include <stdlib.h>

#include "base/context.h"
#include "check.h"

struct ledger {
    long blocks, bytes; /* held now */
    long calls;
    long refused; /* the call that answers NULL; 0: none */
};

static inline void *ledger_allocate(void *user, size_t size, size_t alignment) {
    struct ledger *ledger = user;
    void *block = NULL;
    if (++ledger->calls == ledger->refused) return NULL;
    if (posix_memalign(&block, alignment, size) != 0) return NULL;
    ledger->blocks++;
    ledger->bytes += (long)size;
    return block;
}

static inline void ledger_release(void *user, void *block, size_t size, size_t alignment) {
    struct ledger *ledger = user;
    CHECK((uintptr_t)block % alignment == 0);
    ledger->blocks--;
    ledger->bytes -= (long)size;
    free(block);
}

static inline void fake_context(aenc_context *ctx, struct ledger *ledger) {
    *ledger = (struct ledger){0};
    *ctx = (aenc_context){.allocate = ledger_allocate, .release = ledger_release, .allocator_user = ledger};
}

#endif
