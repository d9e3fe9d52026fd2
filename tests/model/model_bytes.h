/* model_bytes.h - the file of a model in memory, to be compared with another's. */
#ifndef AENC_TESTS_MODEL_MODEL_BYTES_H
#define AENC_TESTS_MODEL_MODEL_BYTES_H

#include <autoenc/autoenc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* From malloc. */
struct bytes {
    void *data;
    size_t size;
};

static inline struct bytes model_bytes(aenc_model *model) {
    struct bytes b = {NULL, 0};
    CHECK(aenc_model_save_memory(model, NULL, 0, &b.size) == AENC_OK);
    b.data = malloc(b.size);
    CHECK(aenc_model_save_memory(model, b.data, b.size, &b.size) == AENC_OK);
    return b;
}

/* Frees the first. */
static inline bool bytes_same(struct bytes *a, const struct bytes *b) {
    bool same = a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
    free(a->data);
    a->data = NULL;
    return same;
}

static inline bool model_has(aenc_model *model, const struct bytes *bytes) {
    struct bytes now = model_bytes(model);
    return bytes_same(&now, bytes);
}

#endif
