/* corruption.h - what training does to the input before the encoder sees it; the target stays clean, but for types that say
 * otherwise.
 *
 * A corruption is recorded like a layer: a node from a node, with draws of its own (by name path, step, row,
 * element). Its level is a step value, which may move with the epochs. Corruptions exist while training only, and
 * follow one another in the order in which they are given (Vincent et al. 2008, 2010).
 */
#ifndef AENC_CORRUPTION_CORRUPTION_H
#define AENC_CORRUPTION_CORRUPTION_H

#include "penalty/penalty.h"

struct corruption_type {
    const char *name;
    const struct setting_rule *rules; /* "to", "over" and "shape" are not among them: common to all */
    const char *level;                /* the one of the rules' numbers that "to" moves; NULL: none */
    /* Beyond the rules. NULL: nothing. */
    aenc_status (*check)(aenc_context *ctx, const struct json *spec);
    /* What becomes of x at this level (a scalar step value); x's shape. The tape's scope is "corrupt." and its name.
     * NULL with tape->status set. */
    struct node *(*record)(struct site *site, const struct json *spec, struct node *x, struct node *level);
    /* The result is the target too, unless a target of its own is given. It belongs to the objective: scores have it. */
    bool targets;
};

/* By name, built in or registered; NULL where it is unknown. */
const struct corruption_type *aenc_corruption_type(const aenc_context *ctx, const char *name);
/* The type of a spec that is checked at once, the common settings included; NULL with AENC_ERR_ARGUMENT's message. */
const struct corruption_type *aenc_corruption_find(aenc_context *ctx, const struct json *spec);
/* x after every spec of the list (NULL: x itself), for scores after those that set the target: site->target then. NULL with tape->status set. */
struct node *aenc_corruptions_record(struct site *site, const struct json *list, struct node *x);

/* ---- For the files of this room ---- */

extern const struct corruption_type aenc_corruption_mask, aenc_corruption_gaussian, aenc_corruption_salt_pepper,
    aenc_corruption_binarise;

#endif
