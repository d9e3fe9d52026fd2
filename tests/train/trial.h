/* trial.h - a model from its description in a context of its own, numbers to train it on, and all its numbers as one
 * array. */
#ifndef AENC_TESTS_TRAIN_TRIAL_H
#define AENC_TESTS_TRAIN_TRIAL_H

#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { TRIAL_NUMBERS = 1 << 15 };

struct trial {
    aenc_context *ctx;
    aenc_model *model;
};

static inline struct trial trial_create(const char *description, uint64_t seed, int64_t threads) {
    struct trial trial = {NULL, NULL};
    aenc_context_options options = {.struct_size = sizeof options, .seed = seed, .threads = threads};
    if (aenc_context_create(&options, &trial.ctx) != AENC_OK) exit(2);
    if (aenc_model_parse(trial.ctx, description, strlen(description), &trial.model) == AENC_OK) return trial;
    fprintf(stderr, "%s\n", aenc_message(trial.ctx));
    exit(2);
}

static inline void trial_free(struct trial *trial) {
    aenc_model_free(trial->model);
    aenc_context_free(trial->ctx);
}

/* Uniform in [-1, 1), the same for the same seed (an LCG of Knuth's, the upper bits). */
static inline void trial_fill(float *out, size_t count, uint64_t seed) {
    uint64_t state = seed * 2862933555777941757u + 3037000493u;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (float)(state >> 40) / 8388608.0f - 1;
    }
}

/* The numbers of one parameter or state; answers how many. */
static inline size_t trial_read(const struct trial *trial, const char *name, float *out, size_t room) {
    aenc_tensor *tensor;
    CHECK_STATUS(trial->ctx, aenc_model_tensor_get(trial->model, name, &tensor), AENC_OK);
    size_t count = aenc_tensor_count(tensor);
    if (count > room) exit(2);
    CHECK_STATUS(trial->ctx, aenc_tensor_read(tensor, out, count), AENC_OK);
    aenc_tensor_free(tensor);
    return count;
}

/* Every parameter and state, in order. */
static inline size_t trial_numbers(const struct trial *trial, float *out) {
    size_t used = 0;
    for (size_t i = 0; i < aenc_model_tensor_count(trial->model); i++)
        used += trial_read(trial, aenc_model_tensor_name(trial->model, i), out + used, TRIAL_NUMBERS - used);
    return used;
}

static inline bool trial_same(const struct trial *a, const struct trial *b) {
    static float x[TRIAL_NUMBERS], y[TRIAL_NUMBERS];
    size_t count = trial_numbers(a, x);
    return trial_numbers(b, y) == count && memcmp(x, y, count * sizeof *x) == 0;
}

static inline bool trial_finite(const struct trial *trial) {
    static float x[TRIAL_NUMBERS];
    size_t count = trial_numbers(trial, x);
    for (size_t i = 0; i < count; i++)
        if (x[i] - x[i] != 0) return false;
    return true;
}

#endif
