/* nightly.h - what the files of the nightly driver share.
 *
 * A seed is a configuration: a model (descriptions of tests/fuzz/structure_make.c, or a wide one with several tiles of a
 * weight), rows, options, and the call that trains it. A session is one process's part of it: a context with a number of threads
 * and the model in it. An outcome is what the session has computed, as hashes.
 *
 *   configuration.c   draws it
 *   session.c         trains it, and hashes what comes out
 *   refusals.c        calls that are wrong in one field
 *   damage.c          files with one bit flipped
 *   nightly.c         the properties, and the loop over seeds
 *   nightly.py        starts the program, and reads its files without the library
 */
#ifndef AENC_TESTS_NIGHTLY_NIGHTLY_H
#define AENC_TESTS_NIGHTLY_NIGHTLY_H

#include "fuzz/structure.h"

enum call { CALL_FIT, CALL_SOURCE, CALL_STREAM, CALL_PARTIAL, CALL_PRETRAIN, CALL_DISTILL, CALL_DISTILL_SOURCE, CALL_DETECTOR,
            CALL_COUNT };

struct configuration {
    uint64_t seed;
    struct choices choices;
    enum call call;
    bool pca, classes;
    struct words description;
    size_t rows, in, code, out, target; /* floats per row */
    float *x, *wanted;                  /* (rows, in), (rows, target); wanted NULL: x */
    int32_t *labels;                    /* of classes, in place of wanted now and then */
    aenc_fit_options fit;               /* without data, progress and checkpoint */
    int64_t checkpoint_steps;
    bool read_ahead;
    aenc_detector_options detector;
};

void configuration_draw(struct configuration *c, uint64_t seed);
void configuration_free(struct configuration *c);

/* Where a run is interrupted: at the step with that number, counted from 1; 0: nowhere. With `copy`, the checkpoint as it is
 * at that step is kept there, as a kill would leave it. */
struct interruption {
    int64_t at, steps;
    const char *checkpoint, *copy;
    bool copied;
};

struct session {
    const struct configuration *c;
    struct fuzz_world world;
    aenc_model *model, *teacher;
    aenc_detector *detector;
    struct interruption stop;
    size_t position; /* of the stream */
};

void session_open(struct session *s, const struct configuration *c, int64_t threads);
void session_close(struct session *s);
/* The call of the configuration. between (NULL: nothing) runs between the two calls of CALL_PARTIAL. */
aenc_status session_train(struct session *s, const char *checkpoint, int64_t resume, void (*between)(struct session *));
aenc_matrix session_x(const struct session *s);
/* With data and labels. target has the life of the options. */
aenc_fit_options session_options(const struct session *s, aenc_matrix *target);

struct outcome {
    aenc_status status;
    uint64_t weights, losses, codes, scores;
};
struct outcome session_outcome(struct session *s, aenc_status status);

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);
/* Of the model's file; bytes, if not NULL, receives it (free). */
uint64_t model_hash(aenc_model *model, unsigned char **bytes, size_t *size);
unsigned char *file_read(const char *path, size_t *size); /* NULL: none; free */
void file_put(const char *path, const unsigned char *bytes, size_t size);

/* Makes that many wrong calls; returns how many were accepted or changed the model. */
int refusals_make(struct session *s, int count);

/* Flips one bit at a time; each returns how many were accepted that must not be. */
int damage_checkpoint(struct session *s, const char *path, int count);
int damage_model(struct session *s, int count);

#endif
