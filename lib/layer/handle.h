/* handle.h - the handle of a layer that a caller fills: a spec with memory of its own. */
#ifndef AENC_LAYER_HANDLE_H
#define AENC_LAYER_HANDLE_H

#include "io/json.h"

struct aenc_layer {
    atomic_size_t references;
    aenc_context *ctx; /* retained */
    struct arena arena;
    struct json *spec;
};

#endif
