/* penalty.h - what training adds to the reconstruction loss.
 *
 * A penalty turns what a model passes through on its way (input, code, output, parameters) into a number per row or
 * per batch. Each becomes a term of the training tape under its name, times its weight, which may rise from 0 during
 * a warm-up; terms add up, and each is reported by itself. Penalties exist while training only: evaluation and
 * scores do not know them.
 */
#ifndef AENC_PENALTY_PENALTY_H
#define AENC_PENALTY_PENALTY_H

#include "layer/layer.h"

struct penalty_type {
    const char *name;
    const struct setting_rule *rules; /* "type", "weight" and "warmup" are not among them: common to all */
    /* Beyond the rules. NULL: nothing. */
    aenc_status (*check)(aenc_context *ctx, const struct json *spec);
    /* The penalty without its weight: (rows) or a scalar of the batch. The tape's scope is "penalty." and its name.
     * NULL with tape->status set. */
    struct node *(*record)(struct site *site, const struct json *spec);
};

enum { SPECS_MAX = 64 }; /* of one list */

/* By name, built in or registered; NULL where it is unknown. */
const struct penalty_type *aenc_penalty_type(const aenc_context *ctx, const char *name);
/* The type of a spec that is checked at once, the common settings included; NULL with AENC_ERR_ARGUMENT's message. */
const struct penalty_type *aenc_penalty_find(aenc_context *ctx, const struct json *spec);
/* Records every spec of the list (NULL: none) as a term. Failures stick to the tape. */
void aenc_penalties_record(struct site *site, const struct json *list);
/* What the spec, a member of list, is called, in the arena: its type, and from the second of a type on "l1_2",
 * "l1_3". NULL with the message set. */
const char *aenc_spec_name(struct arena *arena, const struct json *list, const struct json *spec);

/* ---- For the files of this room ---- */

extern const struct penalty_type aenc_penalty_l1, aenc_penalty_kl, aenc_penalty_l1_weights, aenc_penalty_l2_weights,
    aenc_penalty_orthogonal, aenc_penalty_decorrelation, aenc_penalty_contractive;

/* What comes out of the layer of that name (NULL: the code). NULL with tape->status set. */
struct node *aenc_penalty_layer(struct site *site, const char *name);

#endif
