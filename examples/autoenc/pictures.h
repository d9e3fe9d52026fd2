/* pictures.h - the pictures of a model: loss, components, reconstructions, code. */
#ifndef TOOL_PICTURES_H
#define TOOL_PICTURES_H

#include "commands.h"
#include "plots.h"

/* DIR/name from malloc; NULL after a failure that was reported. */
char *tool_picture_path(const struct options *options, const char *name);
/* Before any work: is there libpng, can the directory be had, do --image and --labels fit? labels->values is NULL
 * without --labels. rows or other_rows is what the labels may count; *other says that it was the second. */
int tool_pictures_prepare(const struct options *options, struct data *labels);
/* Whether rows of data have as many numbers as --image, where it is given. */
int tool_image_fits(const struct options *options, const struct data *data);
/* DIR/loss.png from the model's last fit. */
int tool_pictures_loss(const struct options *options, const aenc_model *model);
/* DIR/variance.png (what the components of a PCA explain together) and, where rows are pictures, DIR/components.png. */
int tool_pictures_pca(const struct options *options, aenc_context *ctx, const aenc_model *model,
                      const struct data *data);
/* DIR/reconstructions.png (originals above), DIR/filters.png (rows of the first weight, the strongest first, where
 * rows are images of 12 pixels or more either way), DIR/traversal.png (a line for each element of the code, moved
 * through its range) and DIR/code.png. labels NULL: one colour. */
int tool_pictures_rows(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                       const struct data *labels);
/* DIR/tsne.png: rows of codes in the plane by t-SNE. labels (rows) NULL: one colour. */
int tool_pictures_tsne(const struct options *options, aenc_context *ctx, const struct data *codes,
                       const double *labels);
/* DIR/kl.png: the KL of each element of a Gaussian code; nothing of other codes. */
int tool_pictures_kl(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data);
/* DIR/draws.png: rows, their reconstructions and those of draws of their codes; nothing where codes are not drawn. */
int tool_pictures_draws(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data);
/* These rows of data, counted from 0, with their fields; to be freed as those of the next. */
struct data tool_rows_take(const struct data *data, const size_t *row, size_t count);
/* At most `limit` rows, spread over all of data, with their fields: for tool_data_free and tool_fields_free. values NULL:
 * a failure that was reported. */
struct data tool_rows_pick(const struct data *data, size_t limit);
/* DIR/sweep.png: error against size of the code. */
int tool_pictures_sweep(const struct options *options, const aenc_sweep_point *point, size_t count);
/* A picture of rows side by side; --image or the dimensions of data decide whether they are images (plot->image). */
int tool_picture_grid(const struct options *options, const char *path, const struct data *data, struct grid_plot *plot);

#endif
