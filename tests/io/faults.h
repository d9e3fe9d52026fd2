/* faults.h - a context whose allocator counts, checks what it gets back and fails on demand. */
#ifndef AENC_TESTS_IO_FAULTS_H
#define AENC_TESTS_IO_FAULTS_H

#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct faults {
    long calls;
    long fail_at;  /* the call that fails, from 1; 0: none */
    bool persist;  /* and all after it */
    long fired;
    long blocks;   /* live */
    size_t bytes;  /* live */
    size_t peak;   /* largest bytes so far */
};

static inline void *faults_allocate(void *user, size_t size, size_t alignment) {
    struct faults *faults = user;
    faults->calls++;
    if (faults->fail_at != 0 &&
        (faults->calls == faults->fail_at || (faults->persist && faults->calls > faults->fail_at))) {
        faults->fired++;
        return NULL;
    }
    faults->blocks++;
    faults->bytes += size;
    if (faults->bytes > faults->peak) faults->peak = faults->bytes;
    void *block = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (block != NULL) memset(block, 0xA5, size);
    return block;
}

static inline void faults_release(void *user, void *block, size_t size, size_t alignment) {
    struct faults *faults = user;
    (void)alignment;
    faults->blocks--;
    faults->bytes -= size;
    free(block);
}

static inline aenc_context *faults_context(struct faults *faults) {
    aenc_context_options options = {.struct_size = sizeof options,
                                    .allocate = faults_allocate,
                                    .release = faults_release,
                                    .allocator_user = faults};
    aenc_context *ctx = NULL;
    memset(faults, 0, sizeof *faults);
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    return ctx;
}

/* Runs the scenario with the first, second, third ... allocation failing, once and for good: it must say so, and leave
 * nothing behind; with none failing it must succeed. */
static inline void faults_exhaust(aenc_status (*scenario)(aenc_context *ctx)) {
    for (int persist = 0; persist < 2; persist++) {
        for (long k = 1;; k++) {
            struct faults faults;
            aenc_context *ctx = faults_context(&faults);
            const long blocks = faults.blocks;
            faults.calls = 0;
            faults.fail_at = k;
            faults.persist = persist;
            aenc_status status = scenario(ctx);
            CHECK(faults.blocks == blocks);
            CHECK_STATUS(ctx, status, faults.fired > 0 ? AENC_ERR_NO_MEMORY : AENC_OK);
            bool done = faults.fired == 0;
            faults.fail_at = 0;
            aenc_context_free(ctx);
            CHECK(faults.blocks == 0 && faults.bytes == 0);
            if (done) break;
        }
    }
}

#endif
