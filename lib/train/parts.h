/* parts.h - tensors of a file that belong to entries of a model: what checkpoints and files of optimizers share. */
#ifndef AENC_TRAIN_PARTS_H
#define AENC_TRAIN_PARTS_H

#include "io/safetensors.h"
#include "layer/store.h"

/* Values in the shape of an entry under a name in the file. */
struct part {
    const char *name;
    const struct entry *entry;
    num *values;
    bool squares; /* means of squares, not negative */
};

void aenc_part_source(const struct part *part, struct tensor_source *source);
/* The part's tensor, in the entry's shape, with values that it takes. AENC_ERR_FORMAT; `what` is the file, for the message. */
aenc_status aenc_part_find(aenc_context *ctx, const char *what, const struct safetensors *file, const struct part *part,
                           const struct tensor_entry **out);

#endif
