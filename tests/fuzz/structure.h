/* structure.h - what the files of the target `structure` share.
 *
 * Bytes are choices: of a description of a model, valid, nearly valid or absurd; of the values in its file; and of the order in
 * which every public call that accepts a model, a PCA, a detector or a checkpoint is applied to what has been loaded. Where the
 * bytes end a generator seeded with them goes on choosing, so that a short input too is a whole case. */
#ifndef AENC_TESTS_FUZZ_STRUCTURE_H
#define AENC_TESTS_FUZZ_STRUCTURE_H

#include <autoenc/ops.h>

#include "fuzz/fuzz.h"

struct choices {
    const uint8_t *bytes;
    size_t size, at;
    uint64_t state;
    unsigned wild; /* one value in so many is not what it should be; 0: none */
};

/* Below `count`, which is at most 256. */
unsigned choose(struct choices *c, unsigned count);
static inline bool one_in(struct choices *c, unsigned count) { return choose(c, count) == 0; }
/* Whether the next value is to be wrong. */
static inline bool wild(struct choices *c) { return c->wild > 0 && one_in(c, c->wild); }

/* A text that grows; what does not fit is left out, which is one more way to be nearly valid. */
struct words {
    char at[6000];
    size_t used;
};
void say(struct words *w, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

enum kind { KIND_MODEL, KIND_PCA, KIND_DETECTOR, KIND_COUNT };

/* structure_make.c: a description as JSON, and a layer as a spec or JSON text. */
void structure_description(struct choices *c, enum kind kind, struct words *out);
const char *structure_spec(struct choices *c); /* static */
/* The metadata of a detector. */
void structure_detector(struct choices *c, size_t cols, struct words *out);

/* structure_plugins.c: registers the plug-ins of these descriptions. */
void structure_plugins_register(struct fuzz_world *world);

enum { BLOCKS = 16 };

/* What is being used, and with what. */
struct scene {
    struct choices *c;
    struct fuzz_world *world;
    aenc_model *model, *other; /* other: of the same description or another one; may be NULL */
    size_t rows, in, code, out, target; /* floats per row */
    void *block[BLOCKS];
    char path[64];
};

/* structure_use.c: every call on a model, and on a detector. */
void structure_use_model(struct scene *s);
void structure_use_detector(struct scene *s, aenc_detector *detector);
/* A block of exactly so many bytes. */
void *structure_block(struct scene *s, size_t bytes);
/* Rows in a block of exactly their size. */
aenc_matrix structure_matrix(struct scene *s, size_t rows, size_t cols);

/* structure_data.c: by the names of fields and results. */
void structure_data(struct scene *s);

/* structure_train.c: those that train it, and that write files. */
enum { STRUCTURE_TRAINING = 11 };
void structure_train(struct scene *s, unsigned which);

#endif
