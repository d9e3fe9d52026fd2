/* fuzz_api.h - what the files of the target `api` share: the bytes, the handles that they act on, and what each call owes.
 *
 * Bytes become calls of the public header, in any order, on whatever handles there are (freed ones are NULL). */
#ifndef AENC_TESTS_FUZZ_FUZZ_API_H
#define AENC_TESTS_FUZZ_FUZZ_API_H

#include <autoenc/ops.h>
#include <math.h>

#include "fuzz/fuzz.h"

enum { SLOTS = 3, FLOATS = 512, BLOCKS = 8, PLUGINS = 6, PROGRAM = 10 };

/* The caller's side of a source: rows of a pattern, and the ways in which a caller may break his word. */
struct feed {
    size_t cols, target_cols;
    uint64_t rows, at; /* rows 0: endless */
    unsigned how;
    bool held; /* by a source that has not released it */
};

/* A plug-in and what it does when it is called. */
struct fuzz_plugin {
    struct calls *c;
    int64_t kind;
    unsigned how;
    uint8_t program[PROGRAM]; /* which builders it calls */
    bool registered;
    int called, released;
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
    aenc_detector *detector[SLOTS];
    struct fuzz_plugin plugin[PLUGINS];
    unsigned plugins;
    bool fickle; /* one of them fails every other time */
    bool mixed; /* one of them makes a row's result depend on the rows that come with it */
    void *block[BLOCKS];
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
/* A block of exactly so many bytes, so that a sanitizer sees one too far; until the next one of that slot. */
void *fuzz_api_block(struct calls *c, unsigned slot, size_t bytes);
/* A matrix in a block of its own: ties, outliers, numbers too large to be squared, now and then one that is none. */
aenc_matrix fuzz_api_table(struct calls *c, unsigned slot, size_t cols);
/* Labels in a block of their own, most of them from 0 to 3. */
int32_t *fuzz_api_labels(struct calls *c, unsigned slot, size_t count);
/* Room for results in a block of its own: what is needed, or one float less, which no call may accept. */
struct room {
    float *at;
    size_t floats, needed;
};
struct room fuzz_api_room(struct calls *c, unsigned slot, size_t needed);
/* Tells whether it succeeded, once it has kept its word. */
bool fuzz_api_filled(struct calls *c, const void *handle, aenc_status status, struct room room);
/* For calls whose result must be the same bits a second time: failures that memory or a fickle plug-in brings are excepted. */
void fuzz_api_again(const struct calls *c, aenc_status first, aenc_status second, const void *a, const void *b, size_t bytes);
/* The model as bytes, in a block; *size 0 where it could not be saved. */
const void *fuzz_api_saved(struct calls *c, aenc_model *m, unsigned slot, size_t *size);

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
/* What a closed form would wait for in vain. */
bool fuzz_api_endless(const struct calls *c, const aenc_source *source);
void fuzz_api_partial_fit(struct calls *c);
void fuzz_api_checkpoint_fit(struct calls *c);
void fuzz_api_endure(struct calls *c);
void fuzz_api_file(struct calls *c);
/* Gives the handle of that slot back, as the library's user would. */
void fuzz_api_runner_end(struct calls *c, unsigned slot);
void fuzz_api_source_end(struct calls *c, unsigned slot);
/* fuzz_api_model.c: models of every kind: options, PCA, classes, copies, stacks. */
void fuzz_api_model_full(struct calls *c);
void fuzz_api_model_terms(struct calls *c);
void fuzz_api_pca(struct calls *c);
void fuzz_api_angles(struct calls *c);
void fuzz_api_classes(struct calls *c);
void fuzz_api_answers(struct calls *c);
void fuzz_api_copy(struct calls *c);
void fuzz_api_grow(struct calls *c);
void fuzz_api_pretrain(struct calls *c);
void fuzz_api_distill(struct calls *c);
void fuzz_api_gradients(struct calls *c);

/* fuzz_api_use.c: use.h. */
void fuzz_api_metrics(struct calls *c);
void fuzz_api_threshold(struct calls *c);
void fuzz_api_detector_make(struct calls *c);
void fuzz_api_detector_use(struct calls *c);
void fuzz_api_codes(struct calls *c);
void fuzz_api_neighbours(struct calls *c);
void fuzz_api_kmeans(struct calls *c);
void fuzz_api_map(struct calls *c);
void fuzz_api_probe(struct calls *c);
void fuzz_api_rates(struct calls *c);
void fuzz_api_sweep(struct calls *c);

/* fuzz_api_plugin.c: ops.h. */
void fuzz_api_register(struct calls *c);
/* When the context is gone. */
void fuzz_api_plugins_end(struct calls *c);

/* And what lies on the disk. */
void fuzz_api_clean(struct calls *c);

#endif
