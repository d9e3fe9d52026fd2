/* detector.h - what the files of the anomaly detector share.
 *
 *   detector_columns.c   what an ordinary cell of each column is, robustly
 *   detector_fit.c       the model and its training
 *   detector.c           scores and what they mean
 *   detector_variational.c  those of a variational autoencoder
 *   detector_file.c      to bytes and back
 */
#ifndef AENC_USE_DETECTOR_H
#define AENC_USE_DETECTOR_H

#include "use/use.h"

/* What is known of a column, in raw units. Within [low, high] the model judges a cell; beyond, its distance counts. */
struct column_facts {
    double middle, unit; /* an ordinary cell, an ordinary deviation (above 0) */
    double low, high;    /* around middle */
};

/* What scores are made from. */
enum detector_score {
    DETECTOR_ENERGY, /* of a denoising autoencoder; the others are of models with a bottleneck */
    DETECTOR_ELBO,
    DETECTOR_RECONSTRUCTION,
    DETECTOR_KL,
    DETECTOR_TYPICALITY,
    DETECTOR_LIKELIHOOD
};

/* A fitted model with what its scores mean. */
struct aenc_detector {
    atomic_size_t references;
    struct aenc_model *model;    /* retained */
    struct column_facts *column; /* one per input; NULL: from a file of format 1, scored without bounds */
    enum detector_score score;
    int64_t samples;       /* of the code, for each row's score */
    double outside;        /* weight of what lies beyond the bounds */
    double lowest;         /* at most 0: the lowest energy of the rows of training */
    double threshold;      /* flagged above */
    double center, spread; /* of the cube root of the scores of training */
    char *threshold_spec;  /* that found the threshold; NULL: unknown, or set by the caller */
    int64_t rows;          /* of training; 0: unknown */
};

enum { DETECTOR_SAMPLES = 16, DETECTOR_SAMPLES_MAX = 10000 }; /* unless they are given; of a file */

/* The half width of the bounds, in units, unless the caller's scaling has a clip. */
#define DETECTOR_CLIP 5.0

/* detector_columns.c: the facts from the rows of training, into detector->column and into the states of the scaling. */
aenc_status aenc_detector_columns_learn(struct aenc_detector *detector, const struct rows *x);
/* low and high, from middle and the model's scaling. */
void aenc_detector_columns_bound(struct aenc_detector *detector);
/* Whether the facts are numbers that columns can have. */
bool aenc_detector_columns_good(const struct aenc_detector *detector);

/* detector_variational.c: of every row of x, whose cells are limited, the score in parts by column, added to each (rows, cols).
 * `first` is the place of the first of them among those that are scored. */
aenc_status aenc_detector_variational(struct aenc_detector *detector, const struct rows *x, int64_t first,
                                      double *each);
const char *aenc_detector_score_name(enum detector_score score);
/* By name, one of a bottleneck; AENC_ERR_ARGUMENT lists them. */
aenc_status aenc_detector_score_named(aenc_context *ctx, const char *name, enum detector_score *out);
/* Whether the model has what that score is made from; else AENC_ERR_UNSUPPORTED. */
aenc_status aenc_detector_score_check(const struct aenc_model *model, enum detector_score score);

/* detector.c: takes the model over, also on failure; with room for the facts of its columns where `bounded`. */
aenc_status aenc_detector_new(struct aenc_model *model, bool bounded, struct aenc_detector **out);
/* lowest, threshold, center and spread, from the rows of training. */
aenc_status aenc_detector_calibrate(struct aenc_detector *detector, const struct rows *x, const char *spec);
/* A copy for detector->threshold_spec; NULL: none. */
aenc_status aenc_detector_spec_set(struct aenc_detector *detector, const char *spec);

#endif
