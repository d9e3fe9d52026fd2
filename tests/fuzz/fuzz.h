/* fuzz.h - what the fuzz targets share.
 *
 * A target is one file with one LLVMFuzzerTestOneInput. It is linked twice: with libFuzzer (-Dfuzzing=true, clang), and
 * with replay.c, which runs the committed corpus in the normal suite.
 *
 * The last byte of an input is not part of the text or file that it holds: its highest bit turns on an allocator that
 * refuses every sixteenth request, as a generator seeded with the other bits decides.
 */
#ifndef AENC_TESTS_FUZZ_FUZZ_H
#define AENC_TESTS_FUZZ_FUZZ_H

#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that was broken ends the program, where the fuzzer and the replay see it. */
#define FUZZ_DEMAND(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))

static inline void fuzz_broken(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    abort();
}

/* The input without its last byte, in a block of exactly its size, so that a sanitizer sees one byte too far. */
struct fuzz_input {
    uint8_t *bytes;
    size_t size;
    uint8_t control; /* the last byte */
};

static inline struct fuzz_input fuzz_input_open(const uint8_t *data, size_t size) {
    struct fuzz_input input = {NULL, size == 0 ? 0 : size - 1, size == 0 ? 0 : data[size - 1]};
    input.bytes = malloc(input.size == 0 ? 1 : input.size);
    FUZZ_DEMAND(input.bytes != NULL);
    if (input.size > 0) memcpy(input.bytes, data, input.size);
    return input;
}

static inline void fuzz_input_close(struct fuzz_input *input) { free(input->bytes); }

/* ---- An allocator that counts, has a limit and, on request, fails ---- */

struct fuzz_memory {
    uint64_t state; /* of the generator; 0: never fails */
    size_t bytes, limit;
    long blocks, refused;
};

static inline bool fuzz_refuses(uint64_t *state) {
    if (*state == 0) return false;
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 60 == 0;
}

/* Odd, so never 0; 0 when the control byte does not ask for failures. */
static inline uint64_t fuzz_seed(uint8_t control) {
    return control < 0x80 ? 0 : ((uint64_t)(control & 0x7F) << 33 | 0x9E3779B9u) | 1;
}

static inline void *fuzz_allocate(void *user, size_t size, size_t alignment) {
    struct fuzz_memory *memory = user;
    bool refuse = fuzz_refuses(&memory->state) || size > memory->limit || memory->bytes > memory->limit - size;
    FUZZ_DEMAND(alignment <= 64 && (alignment & (alignment - 1)) == 0);
    void *block = refuse ? NULL : aligned_alloc(64, (size + 63) / 64 * 64);
    if (block == NULL) {
        memory->refused++;
        return NULL;
    }
    memory->blocks++;
    memory->bytes += size;
    return block;
}

static inline void fuzz_release(void *user, void *block, size_t size, size_t alignment) {
    struct fuzz_memory *memory = user;
    (void)alignment;
    FUZZ_DEMAND(memory->blocks > 0 && memory->bytes >= size);
    memory->blocks--;
    memory->bytes -= size;
    free(block);
}

/* ---- A context over it ---- */

struct fuzz_world {
    struct fuzz_memory memory;
    aenc_context *ctx;
    aenc_status status; /* of the last call with a result */
};

static inline void fuzz_world_open(struct fuzz_world *world, uint8_t control, size_t limit, int64_t threads) {
    memset(world, 0, sizeof *world);
    world->memory.limit = limit;
    aenc_context_options options = {.struct_size = sizeof options,
                                    .seed = 1,
                                    .threads = threads,
                                    .allocate = fuzz_allocate,
                                    .release = fuzz_release,
                                    .allocator_user = &world->memory};
    FUZZ_DEMAND(aenc_context_create(&options, &world->ctx) == AENC_OK);
    world->memory.state = fuzz_seed(control);
}

/* What every fallible call owes: a known status, a message with a failure, no defect of the library, and the allocator's
 * refusal told as what it is. Answers whether the call succeeded. */
static inline bool fuzz_good(struct fuzz_world *world, aenc_status status) {
    FUZZ_DEMAND(strcmp(aenc_status_name(status), "unknown status") != 0);
    FUZZ_DEMAND(status != AENC_ERR_INTERNAL);
    FUZZ_DEMAND(status == AENC_OK || aenc_message(world->ctx)[0] != '\0');
    if (status != AENC_OK && getenv("AENC_FUZZ_TELL") != NULL)
        fprintf(stderr, "%s: %s\n", aenc_status_name(status), aenc_message(world->ctx));
    FUZZ_DEMAND(world->memory.refused == 0 || status == AENC_ERR_NO_MEMORY);
    world->memory.refused = 0;
    return status == AENC_OK;
}

static inline bool fuzz_made_told(struct fuzz_world *world, const void *result) {
    FUZZ_DEMAND((world->status == AENC_OK) == (result != NULL));
    return fuzz_good(world, world->status);
}

/* For a call with a result: NULL exactly when it failed. The call comes first, then the look at its result. */
#define fuzz_made(world, call, result) ((world)->status = (call), fuzz_made_told((world), (result)))

static inline void fuzz_world_close(struct fuzz_world *world) {
    aenc_context_free(world->ctx);
    FUZZ_DEMAND(world->memory.blocks == 0 && world->memory.bytes == 0);
}

/* ---- What one does with a model ---- */

enum { FUZZ_WIDTH_MAX = 1 << 16 };

/* Rows of zeros through every task, one training step, and what may be asked of a model. Numbers that overflow on the
 * way are the model's right; crashes are not. */
void fuzz_model_use(struct fuzz_world *world, aenc_model *model);
/* Saved, loaded and saved again, the bytes are the same. */
void fuzz_model_round_trip(struct fuzz_world *world, aenc_model *model);

#endif
