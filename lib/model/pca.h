/* pca.h - principal component analysis as a model.
 *
 * The model is a linear autoencoder like any other (one dense layer on either side, loss mse) with the member "pca"
 * in its description and these states beside its parameters, of which d is the number of columns and k of
 * components:
 *
 *   pca.mean (d)   pca.explained_variance (k)   pca.explained_variance_ratio (k)   pca.noise_variance ()
 *   pca.total_variance ()   pca.rows (2), whose sum is the number of rows seen
 *
 * With V the components as rows, m the mean and s the standard deviations (1 unless whitened):
 *   code = diag(1 / s) V (x - m)      output = V^T diag(s) code + m
 * so the bias of the encoder is -diag(1 / s) V m. Variances divide by rows - 1. What says how rows get here is in
 * train.
 */
#ifndef AENC_MODEL_PCA_H
#define AENC_MODEL_PCA_H

#include "base/report.h"
#include "math/moments.h"
#include "model/model.h"

struct pca_request {
    const char *method; /* "auto" (NULL), "covariance", "gram", "incremental" */
    int64_t components; /* 0: by share */
    double share;       /* of the variance; 0: components */
    bool whiten;
};

/* All that a fit needs besides rows, allocated before the first one is read. */
struct pca_work {
    struct moments moments;
    struct spectrum spectrum;
    double *directions; /* (k, cols); NULL until k is known */
    int32_t stopped;    /* AENC_STOPPED_..., where the pass over the rows was not ended; else 0 */
    struct report report;
};

/* The member "pca" of a complete description, and what it demands of the rest. */
aenc_status aenc_pca_check(aenc_context *ctx, const struct json *description);
/* Declares the states. */
void aenc_pca_declare(struct site *site, int64_t cols, int64_t components);
/* A PCA that has seen no rows: everything in it is 0. components is at least 1. */
aenc_status aenc_pca_model(aenc_context *ctx, int64_t cols, int64_t components, const struct pca_request *request,
                           struct aenc_model **out);
/* What a PCA model says of itself. */
struct pca_request aenc_pca_request(const struct aenc_model *model);

/* Moments for rows of cols numbers, as the request and the sizes want them; rows 0: unknown. AENC_ERR_ARGUMENT for an
 * unknown method, or one that cannot serve. */
aenc_status aenc_pca_moments(aenc_context *ctx, const struct pca_request *request, int64_t cols, uint64_t rows,
                             struct moments *out);
void aenc_pca_work_free(struct pca_work *work);
/* The eigenvalues of what work has seen. */
aenc_status aenc_pca_solve(struct pca_work *work);
/* The solved work becomes the model. work->directions has room for the model's components. Allocates only where a
 * runner holds the weights. */
aenc_status aenc_pca_write(struct aenc_model *model, struct pca_work *work);
/* moments, fresh, begin where the model stands: with its mean, rows and components, and what variance is left to others
 * spread evenly over them (Tipping & Bishop, "Probabilistic principal component analysis", 1999). room: (k, cols). */
void aenc_pca_resume(const struct aenc_model *model, struct moments *moments, double *room);
/* AENC_ERR_UNSUPPORTED, naming the call, for a model that is fitted in closed form. */
aenc_status aenc_pca_refuse(const struct aenc_model *model, const char *what);

/* subspace.c: the rows that the model's encoder is linear in, from aenc_alloc: weights (code, input) in double,
 * biases left out. AENC_ERR_UNSUPPORTED naming the first layer that is not linear. `which` names the model in
 * messages. */
aenc_status aenc_linear_encoder(struct aenc_model *model, const char *which, double **out);
/* Angles between the spans of the rows of a (a_rows, cols) and b, which are destroyed: ascending, the lesser of the
 * numbers of rows, into out. AENC_ERR_ARGUMENT where rows depend on each other. */
aenc_status aenc_subspace_compare(aenc_context *ctx, double *a, int64_t a_rows, double *b, int64_t b_rows, int64_t cols,
                                  double *out);

#endif
