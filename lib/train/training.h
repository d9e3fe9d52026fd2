/* training.h - what training keeps with a model: nothing else uses it, and a model that is not trained has none. */
#ifndef AENC_TRAIN_TRAINING_H
#define AENC_TRAIN_TRAINING_H

#include "math/moments.h"
#include "train/train.h"

/* What training on rows as they arrive keeps from call to call. */
struct online {
    struct optimizer *optimizer; /* NULL: nothing yet */
    char *spec;                  /* of it, without the learning rate */
};

struct training {
    struct task *gradients; /* whose gradients wait to be applied, if it says so; NULL: none */
    double gradient_weight; /* total weight of the rows they are a sum over */
    double gradient_norm;   /* of their mean */
    num *scratch;           /* a tile for each worker, while steps use gradients up; NULL until then */
    size_t scratch_size;    /* nums */
    float *scores;          /* of what is evaluated at a time, where the model has several terms; NULL until then */
    struct history history;
    struct online online;
    num *kept;               /* of the turns of a step, while it has several; NULL until then */
    size_t kept_size;        /* nums */
    struct moments *moments; /* of a PCA, from its partial fits; NULL: none yet */
};

/* training.c: the model's, made if there is none; NULL: no memory. */
struct training *aenc_training(struct aenc_model *model);
/* Room for so many epochs in the history. */
aenc_status aenc_history_reserve(struct aenc_model *model, size_t epochs);

#endif
