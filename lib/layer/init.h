/* init.h - drawing the first values of a parameter. Names and formulas are in store.h. */
#ifndef AENC_LAYER_INIT_H
#define AENC_LAYER_INIT_H

#include "layer/store.h"

/* Writes entry->count numbers, drawn from (seed, the entry's name). Only INIT_ORTHOGONAL allocates. */
aenc_status aenc_init_draw(aenc_context *ctx, const struct entry *entry, uint64_t seed, num *out);

#endif
