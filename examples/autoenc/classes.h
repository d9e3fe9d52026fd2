/* classes.h - labels, and the layers that are trained before them. */
#ifndef TOOL_CLASSES_H
#define TOOL_CLASSES_H

#include "commands.h"
#include "progress.h"

/* The labels at path, one per row of the data; IDX bytes as they are. */
int tool_labels_read(const struct options *options, const char *name, const char *path, const struct data *of,
                     struct data *out);
/* As whole numbers from malloc, for free(). */
int tool_labels_whole(const struct data *labels, int32_t **out);
/* The layers of the encoder one by one, as --pretrain and its kin ask for. */
int tool_pretrain(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                  struct progress *progress);
/* Removes the checkpoints of layers, which --checkpoint itself has made useless. */
void tool_pretrain_forget(const struct options *options);
/* What the pretraining was, for the checkpoint of the training behind it (aenc_fit_options.run_key). Returns key. */
const char *tool_pretrain_key(const struct options *options, char *key, size_t size);
/* --checkpoint-every, "500" steps or "30s", into the options of a fit. */
int tool_every_parse(const struct options *options, aenc_fit_options *asked);

#endif
