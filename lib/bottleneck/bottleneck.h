/* bottleneck.h - what stands between encoder and decoder and is more than a layer.
 *
 * A bottleneck turns the encoder's output into the code that the decoder sees. It may draw, and add terms to the
 * objective. `plain`, the default, is the encoder's output itself.
 */
#ifndef AENC_BOTTLENECK_BOTTLENECK_H
#define AENC_BOTTLENECK_BOTTLENECK_H

#include "layer/layer.h"

struct bottleneck_type {
    const char *name;
    const struct setting_rule *rules; /* "type" is not among them */
    /* Beyond the rules. NULL: nothing. */
    aenc_status (*check)(aenc_context *ctx, const struct json *spec);
    /* x, the encoder's output, to the code, by site->aim; records terms (SITE_TRAIN, SITE_SCORE) and names results. The
     * tape's scope is "bottleneck". NULL with tape->status set. */
    struct node *(*record)(struct site *site, const struct json *spec, struct node *x);
    /* Records terms that follow from the loss of each code, (rows) of the codes' row space, not NULL; where training or a score
     * has it. NULL: nothing. */
    void (*objective)(struct site *site, const struct json *spec, struct node *loss);
    /* The layer that the bottleneck is like where a decoder mirrors the encoder, as a new spec; NULL: it keeps the shape. */
    struct json *(*layer)(struct arena *arena, const struct json *spec);
    /* Draws codes from the prior, each a row of shape `code`; temperature, a step value, multiplies the deviations. The tape's scope
     * is "bottleneck". NULL with tape->status set. NULL: there is no prior. */
    struct node *(*sample)(struct site *site, const struct json *spec, const struct shape *code,
                           struct node *temperature);
};

/* By name, built in or registered; NULL where it is unknown. */
const struct bottleneck_type *aenc_bottleneck_type(const aenc_context *ctx, const char *name);
/* The type of a spec that is checked at once; NULL with AENC_ERR_ARGUMENT's message. */
const struct bottleneck_type *aenc_bottleneck_find(aenc_context *ctx, const struct json *spec);
/* Records a checked spec (NULL: plain) on x. NULL with tape->status set. */
struct node *aenc_bottleneck_record(struct site *site, const struct json *spec, struct node *x);
/* What a checked spec (NULL: plain) adds to the objective once the loss is known. */
void aenc_bottleneck_objective(struct site *site, const struct json *spec, struct node *loss);
/* Codes from the prior of a checked spec (NULL: plain), a row each. AENC_ERR_UNSUPPORTED where it has none. */
struct node *aenc_bottleneck_sample(struct site *site, const struct json *spec, const struct shape *code,
                                    struct node *temperature);
/* The checked encoder with what the bottleneck is like behind it, in the arena: what a decoder mirrors. NULL with the
 * message set. */
const struct json *aenc_bottleneck_append(aenc_context *ctx, struct arena *arena, const struct json *encoder,
                                          const struct json *spec);

/* ---- For the files of this module ---- */

extern const struct bottleneck_type aenc_bottleneck_plain, aenc_bottleneck_gaussian;

#endif
