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

/* What the program does with the sums of each step. */
struct reducer {
    aenc_reduce_callback call;
    void *user;
    double *terms; /* room for those of the model */
};

struct training {
    struct task *gradients;          /* whose gradients wait to be applied, if it says so; NULL: none */
    double gradient_weight;          /* total weight of the rows they are a sum over */
    double gradient_norm;            /* of their mean */
    bool gradients_written;          /* by the program: where no term reaches, they are not made anew */
    const struct reducer *reduction; /* during a step; NULL: none */
    num *scratch;                    /* a tile for each worker, while steps use gradients up; NULL until then */
    size_t scratch_size;             /* nums */
    float *scores; /* of what is evaluated at a time, where the model has several terms; NULL until then */
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
/* step.c: the total weight of a batch; AENC_ERR_ARGUMENT where it is not positive. */
aenc_status aenc_weight_sum(aenc_context *ctx, const struct batch *batch, double *out);
/* reducer.c: the squared norm of the gradients that the player's entries have; when it is not finite, the parameter to blame. */
double aenc_gradients_square(const struct aenc_model *model, int player, const char **culprit);
/* The program's reduction of the sums of a task's replay, which has been through. Weight, terms and *mean are then those of what it
 * left. AENC_ERR_CANCELLED where it returned a positive number. */
aenc_status aenc_sums_reduce(struct aenc_model *model, const struct task *task, double *mean);

#endif
