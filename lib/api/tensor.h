/* tensor.h - the public tensor, seen from inside. */
#ifndef AENC_API_TENSOR_H
#define AENC_API_TENSOR_H

#include "api/api.h"

struct aenc_tensor {
    aenc_context *ctx; /* retained */
    int32_t type;
    size_t rank, count;
    size_t dim[AENC_RANK_MAX];
    void *data; /* dense, row-major */
};

#endif
