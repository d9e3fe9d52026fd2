/* pca_training.h - rows into a PCA. */
#ifndef AENC_TRAIN_PCA_H
#define AENC_TRAIN_PCA_H

#include "model/pca.h"
#include "train/row_source.h"
#include "train/train.h"

/* A model fitted to the data, of cols columns. */
aenc_status aenc_pca_make(aenc_context *ctx, const struct pca_request *request, int64_t cols,
                          const struct fit_data *data, const struct reported *to, struct aenc_model **out);
/* Fits the model anew, with as many components as it has; of the options, progress counts. */
aenc_status aenc_pca_fit(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *o);
/* Takes more rows in. */
aenc_status aenc_pca_partial(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *o);
/* The moments that those have left go. */
void aenc_pca_forget(struct aenc_model *model);

#endif
