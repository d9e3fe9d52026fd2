/* fuzz_api.h - what the two files of the target `api` share: the bytes, the handles that they act on, and what each call owes.
 *
 * Bytes become calls of the public header, in any order, on whatever handles there are (freed ones are NULL). */
#ifndef AENC_TESTS_FUZZ_FUZZ_API_H
#define AENC_TESTS_FUZZ_FUZZ_API_H

#include <math.h>

#include "fuzz/fuzz.h"

enum { SLOTS = 3, FLOATS = 512 };

/* The caller's side of a source: rows of a pattern, and the ways in which a caller may break his word. */
struct feed {
    size_t cols, target_cols;
    uint64_t rows, at; /* rows 0: endless */
    unsigned how;
    bool held; /* by a source that has not released it */
};

struct calls {
    const uint8_t *bytes;
    size_t size, at;
    struct fuzz_world world;
    aenc_layer *layer[SLOTS];
    aenc_model *model[SLOTS];
    aenc_tensor *tensor[SLOTS];
    aenc_optimizer *optimizer[SLOTS];
    aenc_runner *runner[SLOTS];
    void *runner_memory[SLOTS]; /* the caller's, NULL where the runner has its own */
    aenc_source *source[SLOTS];
    struct feed feed[SLOTS];
    uint8_t control;
    char path[64]; /* of checkpoints and models */
    float data[FLOATS], out[FLOATS];
    unsigned char file[1 << 15];
};

static inline unsigned next(struct calls *c) { return c->at < c->size ? c->bytes[c->at++] : 0; }

static inline aenc_layer **next_layer(struct calls *c) { return &c->layer[next(c) % SLOTS]; }
static inline aenc_model **next_model(struct calls *c) { return &c->model[next(c) % SLOTS]; }
static inline aenc_tensor **next_tensor(struct calls *c) { return &c->tensor[next(c) % SLOTS]; }
static inline aenc_optimizer **next_optimizer(struct calls *c) { return &c->optimizer[next(c) % SLOTS]; }

/* Names of things, most of them right somewhere. */
const char *fuzz_api_spec(struct calls *c);
/* Mostly what fits the model, sometimes not. */
aenc_matrix fuzz_api_matrix(struct calls *c, size_t cols);
/* A call on a NULL handle has no context to leave a message in. */
void fuzz_api_told(struct calls *c, const void *handle, aenc_status status);

/* What an aenc_progress must be; stops when `after` is passed. */
struct fuzz_api_stop {
    int64_t after;
};
int fuzz_api_progress(void *user, const aenc_progress *now);

/* fuzz_api_run.c: runners, sources, partial_fit, checkpoints. */
void fuzz_api_runner_make(struct calls *c);
void fuzz_api_runner_use(struct calls *c);
void fuzz_api_runner_refresh(struct calls *c);
void fuzz_api_source_make(struct calls *c);
void fuzz_api_source_fit(struct calls *c);
void fuzz_api_partial_fit(struct calls *c);
void fuzz_api_checkpoint_fit(struct calls *c);
void fuzz_api_endure(struct calls *c);
void fuzz_api_file(struct calls *c);
/* Gives the handle of that slot back, as the library's user would. */
void fuzz_api_runner_end(struct calls *c, unsigned slot);
void fuzz_api_source_end(struct calls *c, unsigned slot);
/* And what lies on the disk. */
void fuzz_api_clean(struct calls *c);

#endif
