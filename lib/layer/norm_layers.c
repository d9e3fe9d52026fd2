/* norm_layers.c - batch normalisation (Ioffe & Szegedy 2015) and layer normalisation (Ba, Kiros, Hinton 2016).
 *
 * Batch normalisation uses the batch's own mean and biased variance while training and stages running averages, the
 * variance unbiased, as PyTorch does: new = (1 - momentum) old + momentum batch. Evaluation uses the running ones.
 * One number per channel has no variance: batches of one row are refused, as PyTorch refuses them, unless a row has
 * several numbers of each channel.
 */
#include <math.h>

#include "layer/layer.h"

static struct init constant(double value) { return (struct init){.kind = INIT_CONSTANT, .gain = value}; }

/* ---- Per channel (axis 1 of x) over rows and the axes behind ---- */

static const struct setting_rule batch_rules[] = {
    {.name = "momentum", .kind = SETTING_NUMBER, .fallback = 0.1, .low = 0, .high = 1},
    {.name = "epsilon", .kind = SETTING_NUMBER, .fallback = 1e-5, .low = DBL_MIN, .high = INFINITY},
    {.name = "affine", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

/* The moments that x is normalised with, (2, channels). */
static struct node *moments_record(struct site *site, const struct json *spec, struct node *x, struct shape channels) {
    struct tape *tape = site->tape;
    struct node *mean = aenc_store_state(site->store, tape, "running_mean", channels, 0);
    struct node *variance = aenc_store_state_within(site->store, tape, "running_var", channels, 1, RANGE_NOT_NEGATIVE);
    if (tape->mode == MODE_EVALUATE) {
        struct node *both[] = {mean, variance};
        int64_t dims[] = {2, channels.dim[0]};
        return aenc_op_reshape(tape, aenc_op_concat(tape, both, 2, 0), dims, 2);
    }
    double momentum = aenc_setting_number(spec, batch_rules, "momentum");
    struct node *moments = aenc_op_batch_moments(tape, x);
    if (x != NULL && aenc_node_row_size(x) == channels.dim[0]) aenc_tape_least(tape, 2, "batch_norm");
    aenc_tape_stage(tape, mean, aenc_op_running_moment(tape, RUNNING_MEAN, mean, moments, x, momentum));
    aenc_tape_stage(tape, variance, aenc_op_running_moment(tape, RUNNING_VARIANCE, variance, moments, x, momentum));
    return moments;
}

static struct node *batch_record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    if (x->shape.rank < 2) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "layer 'batch_norm': a row without an axis has no channels");
        return NULL;
    }
    struct shape channels = {1, {x->shape.dim[1]}};
    struct node *gain = NULL, *shift = NULL;
    if (aenc_setting_bool(spec, batch_rules, "affine")) {
        gain = aenc_store_parameter(site->store, tape, "weight", channels, constant(1), false);
        shift = aenc_store_parameter(site->store, tape, "bias", channels, constant(0), false);
    }
    struct node *moments = moments_record(site, spec, x, channels);
    double epsilon = aenc_setting_number(spec, batch_rules, "epsilon");
    return tape->status != AENC_OK ? NULL : aenc_op_normalise(tape, x, moments, epsilon, gain, shift);
}

const struct layer_type aenc_layer_batch_norm = {"batch_norm", batch_rules, MIRROR_FOLLOWER, NULL, batch_record, NULL};

/* ---- Over the last axis of each row ---- */

static const struct setting_rule layer_rules[] = {
    {.name = "epsilon", .kind = SETTING_NUMBER, .fallback = 1e-5, .low = DBL_MIN, .high = INFINITY},
    {.name = "affine", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

static struct node *layer_record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    struct shape features = {1, {x->shape.dim[x->shape.rank - 1]}};
    if (x->shape.rank < 2) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "layer 'layer_norm': a row without an axis has no features");
        return NULL;
    }
    if (features.dim[0] == 1) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE,
                       "layer '%s' (layer_norm): one number is its own mean, and all that comes out is 0", tape->scope);
        return NULL;
    }
    struct node *gain = NULL, *shift = NULL;
    if (aenc_setting_bool(spec, layer_rules, "affine")) {
        gain = aenc_store_parameter(site->store, tape, "weight", features, constant(1), false);
        shift = aenc_store_parameter(site->store, tape, "bias", features, constant(0), false);
    }
    double epsilon = aenc_setting_number(spec, layer_rules, "epsilon");
    return tape->status != AENC_OK ? NULL : aenc_op_layer_norm(tape, x, 1, epsilon, gain, shift);
}

const struct layer_type aenc_layer_layer_norm = {"layer_norm", layer_rules, MIRROR_FOLLOWER, NULL, layer_record, NULL};
