/* layer.h - a layer is a function from a node to a node, with parameters.
 *
 * A layer is described by a spec ({"type": "dense", "units": 128}); its type says how it is recorded and how it is
 * mirrored in a decoder. Recording asks the store for parameters by name: on the first recording they are declared,
 * later ones find them. No layer writes a backward pass.
 */
#ifndef AENC_LAYER_LAYER_H
#define AENC_LAYER_LAYER_H

#include "io/settings.h"
#include "layer/site.h"
#include "op/builders.h"

/* What becomes of a layer in a mirrored decoder (container.c has the rule). */
enum mirror_role {
    MIRROR_BLOCK,    /* undone by the layer that `mirror` answers */
    MIRROR_FOLLOWER, /* belongs to the block before it: repeated behind what produces that block's output again */
    MIRROR_NOTHING   /* left out */
};

struct layer_type {
    const char *name;
    const struct setting_rule *rules; /* "type" is not among them */
    enum mirror_role role;
    /* Beyond the rules: texts that must parse, containers' layers. NULL: nothing. */
    aenc_status (*check)(aenc_context *ctx, const struct json *spec);
    /* Records the layer on x, which is not NULL. NULL with tape->status set. */
    struct node *(*record)(struct site *site, const struct json *spec, struct node *x);
    /* MIRROR_BLOCK: a new spec of the layer that undoes this one, without activation. `in` is the shape of one row that
     * went into this layer: what the mirror must produce. NULL with the message set where there is none. */
    struct json *(*mirror)(aenc_context *ctx, struct arena *arena, const struct json *spec, const struct shape *in);
};

/* By name, built in or registered; NULL where it is unknown. */
const struct layer_type *aenc_layer_known(const aenc_context *ctx, const char *name);
/* The same; NULL with AENC_ERR_ARGUMENT and the known names in the message. */
const struct layer_type *aenc_layer_type(aenc_context *ctx, const char *name);
/* Checks spec and, in containers, everything inside. */
aenc_status aenc_layer_check(aenc_context *ctx, const struct json *spec);
/* Records a spec that has passed the check under the name `name` (a level of the name path). */
struct node *aenc_layer_record(struct site *site, const char *name, const struct json *spec, struct node *x);
/* The decoder that mirrors a checked encoder for rows of shape `input` (no row axis): a sequential in the arena. NULL
 * with the message set. */
const struct json *aenc_layer_mirror(aenc_context *ctx, struct arena *arena, const struct json *encoder,
                                     const struct shape *input);
/* A copy of the checked decoder whose dense layers are tied to those of the checked encoder (tie.c). NULL with the
 * message set. */
const struct json *aenc_layer_tie(aenc_context *ctx, struct arena *arena, const struct json *encoder,
                                  const struct json *decoder);
/* The values of a field as (rows, n), classes as one-hot vectors; with units > 0 their product with a weight, (rows, units). */
struct node *aenc_condition_values(struct site *site, const char *name, int64_t units);
/* The activations, which are layers of their own names too. */
extern const struct family aenc_activations;
/* An activation by its spec text ("relu", "leaky_relu:slope=0.1"): false with the message set where it is unknown. */
bool aenc_activation_find(aenc_context *ctx, const char *text, enum function *function, double *slope);

/* Allocated in the arena: {"type": type}. */
struct json *aenc_layer_spec_new(struct arena *arena, const char *type);
/* A dense layer of so many units, whose other settings are the defaults. */
struct json *aenc_layer_dense_new(struct arena *arena, int64_t units);
/* The same of a sequential without layers; *layers is the array that they go into. */
struct json *aenc_layer_sequence_new(struct arena *arena, struct json **layers);

/* ---- For the files of this room ---- */

extern const struct layer_type aenc_layer_dense, aenc_layer_dropout, aenc_layer_batch_norm, aenc_layer_layer_norm,
    aenc_layer_reshape, aenc_layer_condition, aenc_layer_flatten, aenc_layer_sequential, aenc_layer_residual;

#endif
