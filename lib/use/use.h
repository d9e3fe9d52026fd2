/* use.h - what people do with a trained model: judge scores, set thresholds, detect anomalies.
 *
 * A score is larger the less a row is like the data of training. Everything here is deterministic and looks at
 * scores in an order that their values alone decide.
 */
#ifndef AENC_USE_USE_H
#define AENC_USE_USE_H

#include "train/train.h"

/* ---- metrics.c ---- */

/* count scores with their labels (0 or 1), borrowed. */
struct judged {
    const float *score;
    const uint8_t *label;
    size_t count;
};

/* A threshold that lies between two scores or at an end: how many of either kind score at least as much. */
struct cut {
    double threshold;
    double positives, negatives;
};

/* Every distinct cut from the strictest on, the first with nothing above it (threshold infinite): at most count + 1,
 * from aenc_alloc. AENC_ERR_NONFINITE for a score that is not a number, AENC_ERR_ARGUMENT for other labels and where
 * one of the two kinds is missing. */
aenc_status aenc_metrics_cuts(aenc_context *ctx, const struct judged *judged, struct cut **out, size_t *cuts);
/* From cuts. */
double aenc_metrics_auc(const struct cut *cut, size_t cuts);
double aenc_metrics_precision(const struct cut *cut, size_t cuts);

/* ---- threshold.c ---- */

/* AENC_ERR_NONFINITE, naming the score. */
aenc_status aenc_scores_check(aenc_context *ctx, const float *score, size_t count);
/* The same; the scores sorted upwards, from aenc_alloc. */
aenc_status aenc_scores_sort(aenc_context *ctx, const float *score, size_t count, float **out);
/* The threshold that spec asks for ("quantile:q=0.95"), from scores of normal data; a row is flagged above it. */
aenc_status aenc_threshold_find(aenc_context *ctx, const char *spec, const float *score, size_t count, double *out);
/* What of that can be known from the number of scores alone: an unknown name or setting, too few of them. */
aenc_status aenc_threshold_check(aenc_context *ctx, const char *spec, size_t count);

/* The generalized Pareto distribution of excesses: P(Y > y) = (1 + shape y / scale)^(-1 / shape). */
struct pareto {
    double shape, scale;
};
/* By maximum likelihood; count excesses above zero that are not all equal. */
struct pareto aenc_pareto_fit(const double *excess, size_t count);

/* ---- detector*.c (use/detector.h has what they share) ---- */

/* Options complete and checked for shape. *out is NULL on failure. */
aenc_status aenc_detector_fit(aenc_context *ctx, const struct rows *x, int64_t cols,
                              const aenc_detector_options *options, struct aenc_detector **out);
/* Scores per row into out (count), and, where each is not NULL, per element into each (count, cols). */
aenc_status aenc_detector_energy(struct aenc_detector *detector, const struct rows *x, float *out, float *each);
double aenc_detector_chance(const struct aenc_detector *detector, double score);
/* As aenc_model_draft; and back. */
struct safetensors_draft;
aenc_status aenc_detector_draft(struct aenc_detector *detector, struct arena *arena, struct safetensors_draft *out);
aenc_status aenc_detector_from_bytes(aenc_context *ctx, const struct loaded_bytes *from, struct aenc_detector **out);
/* Drops one reference. NULL-safe. */
void aenc_detector_end(struct aenc_detector *detector);

/* ---- posterior.c ---- */

/* What is wanted of each element, (code) or NULL; and of how many rows the pairs are compared. */
struct posterior_room {
    int64_t pairs;
    double *mean, *variance, *kl, *marginal_kl;
};
/* Adds to out, which is zero. The batch's values are checked. */
aenc_status aenc_posterior_find(struct aenc_model *model, const struct batch *batch, uint64_t seed,
                                const struct posterior_room *room, aenc_posterior *out);

#endif
