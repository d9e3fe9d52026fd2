/* loss.h - how far an output is from its target, one number per row.
 *
 * A loss turns two nodes into a node. What is a mean over elements is the mean over the numbers of one row; the mean
 * over rows is the run's affair. The room knows nothing of models: whoever has an output and a target may ask.
 */
#ifndef AENC_LOSS_LOSS_H
#define AENC_LOSS_LOSS_H

#include "io/settings.h"
#include "layer/site.h"
#include "op/builders.h"

struct loss_type {
    const char *name;
    const struct setting_rule *rules; /* "type" and "reduction" are not among them */
    int output_factor;                /* numbers of the output's last axis for each of the target's */
    bool unit_target;                 /* targets must lie in [0, 1] */
    bool likelihood;                  /* normalised, in nats: the sum over a row is the default */
    bool likelihood_summed;           /* it is one with reduction=sum */
    const char *output;               /* the activation that a decoder gets which states none; NULL: none */
    /* output and target are row nodes, the output's row output_factor times as long; returns (rows). NULL: what `each`
     * gives, its mean or sum. */
    struct node *(*record)(struct site *site, const struct json *spec, struct node *output, struct node *target);
    /* One number for each of the target's, in its shape; their mean over a row is the row's loss. NULL: it does not
     * split. */
    struct node *(*each)(struct site *site, const struct json *spec, struct node *output, struct node *target);
    /* A value from the likelihood for each of the target's, in the shape of u, which is uniform over (0, 1). NULL: the
     * loss is none. */
    struct node *(*draw)(struct site *site, const struct json *spec, struct node *output, struct node *u);
    /* What the output's last axis must have; the target's then has one number, which of them it is. NULL: the loss
     * compares numbers with numbers, by output_factor. */
    int64_t (*classes)(const struct json *spec);
    /* In the place of output_factor; NULL: that. */
    int64_t (*factor)(const struct json *spec);
    /* Where the output's last axis has two halves, the second are logarithms of scales to this power: they follow a
     * scaling of the target. 0: logits, which have no units. */
    int log_power;
    int kind; /* the affair of the type's file */
};

/* Of a loss of classes how many, 0 of any other. */
static inline int64_t aenc_loss_classes(const struct loss_type *loss, const struct json *spec) {
    return loss->classes == NULL ? 0 : loss->classes(spec);
}
/* Numbers of the output's last axis for each of the target's; of a loss of classes their number. */
static inline int64_t aenc_loss_factor(const struct loss_type *loss, const struct json *spec) {
    if (loss->classes != NULL) return loss->classes(spec);
    return loss->factor == NULL ? loss->output_factor : loss->factor(spec);
}

/* By name, built in or registered; NULL where it is unknown. */
const struct loss_type *aenc_loss_type(const aenc_context *ctx, const char *name);
/* The type of a spec that is checked at once; NULL with AENC_ERR_ARGUMENT's message. */
const struct loss_type *aenc_loss_find(aenc_context *ctx, const struct json *spec);
/* Whether a checked spec is -log of a density or probability, in nats per row. */
bool aenc_loss_is_likelihood(const struct loss_type *loss, const struct json *spec);
/* Records a checked spec under the name path "loss": (rows). With reduction=sum, the default of likelihoods, what is a mean
 * over the values of a row is their sum. */
struct node *aenc_loss_record(struct site *site, const struct json *spec, struct node *output, struct node *target);
/* The same for each value of the target; the tape fails where the loss does not split. */
struct node *aenc_loss_each(struct site *site, const struct json *spec, struct node *output, struct node *target);
/* Values drawn from the likelihood of a checked spec, rows of that shape; u is drawn under the name path "loss.draw". The
 * tape fails where the loss is no likelihood. */
struct node *aenc_loss_draw(struct site *site, const struct json *spec, struct node *output, const struct shape *row);

/* ---- For the files of this room ---- */

extern const struct loss_type aenc_loss_mse, aenc_loss_mae, aenc_loss_huber, aenc_loss_bce, aenc_loss_gaussian_nll,
    aenc_loss_cosine, aenc_loss_cross_entropy, aenc_loss_bernoulli, aenc_loss_continuous_bernoulli, aenc_loss_gaussian,
    aenc_loss_laplace, aenc_loss_discretised_logistic, aenc_loss_categorical;

/* Each value of u to one that is distributed so (draw.c), from as many of x's as there are for it. */
enum loss_variate { VARIATE_LAPLACE, VARIATE_LOGISTIC, VARIATE_CONTINUOUS_BERNOULLI, VARIATE_BIN, VARIATE_LEVEL };
struct node *aenc_loss_variate(struct tape *tape, enum loss_variate kind, double levels, struct node *x,
                               struct node *u);
/* x with its row in the shape of like's; the tape fails, naming the loss, where their sizes differ. */
struct node *aenc_loss_fit(struct tape *tape, const char *loss, struct node *x, const struct node *like);
/* The halves of the output's last axis, each in the target's shape; false with the tape failed, naming the loss. */
bool aenc_loss_halves(struct tape *tape, const char *loss, struct node *output, const struct node *target,
                      struct node **first, struct node **second);

#endif
