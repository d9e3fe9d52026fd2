/* ops.h - layers, losses, penalties and corruptions of one's own (docs/extending.md). autoenc.h says what holds for every call.
 *
 *   plug-ins    what is registered, by whom it is called
 *   recording   what a plug-in may ask while it is called
 *   nodes       the ops that it puts together; their derivatives come with them
 *   operations  an op of one's own, where none of those will do
 *   checking    are the gradients those of the loss?
 */
#ifndef AUTOENC_OPS_H
#define AUTOENC_OPS_H

#include <autoenc/autoenc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Plug-ins ----
 *
 * A plug-in is called when a task of a model (training, encoding, scoring ...) is recorded: in aenc_model_create and its like
 * (losses are not), when a call first needs the task, and again where it needs it anew (more rows, frozen parameters, a
 * runner). It puts nodes together, and the recording is replayed for every batch. What it returns must follow from its arguments
 * and settings alone, so that every task gets the same function. One that draws, or looks at the batch, outside of training
 * makes a row's result depend on the rows that come with it, also in a runner. */

typedef struct aenc_node aenc_node;         /* belongs to the recording; nothing to be freed or kept */
typedef struct aenc_recorder aenc_recorder; /* valid during the call */

enum {
    AENC_PLUGIN_LAYER = 10,
    AENC_PLUGIN_LOSS = 20,
    AENC_PLUGIN_PENALTY = 30,
    AENC_PLUGIN_CORRUPTION = 40,
    AENC_PLUGIN_BOTTLENECK = 50
};

/* What a mirrored decoder makes of a layer. */
enum {
    AENC_MIRROR_REFUSED = 0,   /* what `mirror` says; without one there is no mirrored decoder, which is told by name */
    AENC_MIRROR_REPEATED = 10, /* it goes with the layer before it, as activations and norms do */
    AENC_MIRROR_OMITTED = 20   /* nothing, as of dropout */
};

/* A setting, a number: "name:key=number". */
typedef struct aenc_setting {
    const char *name; /* letters, digits, '_' */
    double fallback;  /* where it is not given; NaN: it must be */
    double low, high; /* both 0: any number */
    int64_t whole;    /* 1: whole numbers only */
} aenc_setting;

typedef aenc_node *(*aenc_layer_callback)(void *user, aenc_recorder *recorder, aenc_node *x);
typedef aenc_node *(*aenc_loss_callback)(void *user, aenc_recorder *recorder, aenc_node *output, aenc_node *target);
typedef aenc_node *(*aenc_penalty_callback)(void *user, aenc_recorder *recorder, aenc_node *input, aenc_node *code,
                                            aenc_node *output);
typedef aenc_node *(*aenc_corruption_callback)(void *user, aenc_recorder *recorder, aenc_node *x, aenc_node *level);
typedef aenc_node *(*aenc_sample_callback)(void *user, aenc_recorder *recorder, const size_t *dims, size_t rank,
                                           aenc_node *temperature);
/* Writes into spec, a text of at most size bytes, the layer that undoes this one: whose rows have these dimensions. Of the recorder
 * settings alone can be read. Positive: there is none. */
typedef int (*aenc_mirror_callback)(void *user, const aenc_recorder *settings, const size_t *dims, size_t rank, char *spec,
                                    size_t size);

/* Of the callbacks, the one of the kind must be there. Each answers a node, or NULL after aenc_node_fail or a builder that
 * has answered NULL. As everywhere, no C++ exception and no longjmp may leave one. */
typedef struct aenc_plugin {
    size_t struct_size;
    int64_t kind;     /* AENC_PLUGIN_... */
    const char *name; /* letters, digits, '_'; of no type of that kind, built in or registered */
    void *user;       /* for the callbacks */
    aenc_release_callback release; /* when the context and the last of its handles are gone; may be NULL */
    /* Copied. Losses have "reduction", penalties "weight" and "warmup", corruptions "to", "over" and "shape" besides; a
     * corruption has at least one, and the first is its level, which "to" moves. At most 16. */
    const aenc_setting *settings;
    size_t setting_count;
    /* x with rows to a node with rows, of any shape. */
    aenc_layer_callback layer;
    int64_t mirror_role; /* AENC_MIRROR_...; looked at where mirror is NULL */
    aenc_mirror_callback mirror;
    /* One number per row, shape (rows), from output and target of the same shape. */
    aenc_loss_callback loss;
    /* Optional: one number for each of the target's, in its shape, whose mean over a row is the loss: aenc_score_features. */
    aenc_loss_callback loss_each;
    int64_t unit_target;   /* 1: targets must lie in [0, 1] */
    int64_t output_factor; /* the output's last axis has so many times the target's numbers; 0: 1 */
    /* One number per row, or one for the batch, without the weight. */
    aenc_penalty_callback penalty;
    /* x's shape again; level is a scalar, through which no gradient passes. */
    aenc_corruption_callback corruption;
    /* The encoder's output with rows to the code, which the decoder gets; of any shape with rows. */
    aenc_layer_callback bottleneck;
    /* Of bottlenecks, optional: draws of codes from the prior, each a row of these dimensions (aenc_sample). temperature is a
     * scalar, by which deviations are multiplied. */
    aenc_sample_callback sample;
} aenc_plugin;

/* From now on the name stands for it wherever this context reads one: options, descriptions, files, the tool's texts. There is
 * no way back. A model that names it can be loaded only into a context that knows it. */
AENC_API aenc_status aenc_register(aenc_context *ctx, const aenc_plugin *plugin);

/* ---- Recording ---- */

/* The value of one of the plug-in's settings; NaN, and the recording has failed, where it has none of that name. */
AENC_API double aenc_recorder_setting(const aenc_recorder *recorder, const char *name);
/* 1 while the task of training is recorded: for what evaluation does not do, such as noise. */
AENC_API int32_t aenc_recorder_training(const aenc_recorder *recorder);
/* What the recording is for; 0 where only settings can be read. */
enum {
    AENC_AIM_RESULT = 10, /* the deterministic code and output */
    AENC_AIM_SCORE = 20,  /* scores and validation: objective and measures, neither penalties nor corruption */
    AENC_AIM_TRAIN = 30   /* training */
};
AENC_API int64_t aenc_recorder_aim(const aenc_recorder *recorder);
/* The field of the description (docs/fields.md), with rows and its dimensions, classes as whole numbers. A task that records it
 * takes only rows that have it. */
AENC_API aenc_node *aenc_node_field(aenc_recorder *recorder, const char *name);
/* What came out of the layer of that path, "encoder.0", recorded before: a skip connection, a ladder. */
AENC_API aenc_node *aenc_node_tap(aenc_recorder *recorder, const char *path);
/* x, one number per row or one for the batch, times weight becomes a term of the objective: of training, scores (if it is per
 * row) and validation. Nothing in AENC_AIM_RESULT. Returns x. */
AENC_API aenc_node *aenc_node_objective(aenc_recorder *recorder, const char *name, aenc_node *x, double weight);
/* x is reported under the name beside the terms, and trains nothing. Returns x. */
AENC_API aenc_node *aenc_node_measure(aenc_recorder *recorder, const char *name, aenc_node *x);
/* x, with rows, becomes a result of that name (aenc_run): a bottleneck's as it is, a layer's behind the layer's path,
 * "encoder.1.name". To be named whatever the aim. A name that every model has ("code") is AENC_ERR_ARGUMENT. Returns x. */
AENC_API aenc_node *aenc_node_result(aenc_recorder *recorder, const char *name, aenc_node *x);
/* A player beside the model's own: an adversary, say (docs/players.md). Every parameter and state below its entries is trained by
 * it alone, on its terms, which are not part of the model's loss. Each step of training has first the turns of these players, in
 * their order, each on the same batch, then one of the model's own, which has everything else. */
typedef struct aenc_player {
    size_t struct_size;
    const char *name;
    const char *const *entries; /* paths as of aenc_model_freeze: {"bottleneck.critic"} */
    size_t entry_count;         /* at least 1 */
    const char *const *terms;   /* names of aenc_node_objective, of this recording */
    size_t term_count;          /* at least 1 */
    const char *optimizer;      /* spec; NULL: that of the fit. A schedule moves its learning rate in proportion */
    int64_t turns;              /* updates in each step, 1 to 80; 0: 1 */
} aenc_player;
/* In the callback of a bottleneck, in each of its recordings; at most 3. Copied. 1; or 0, and the recording has failed. The model is
 * refused (AENC_ERR_ARGUMENT, by name) where an entry matches no parameter or belongs to another player, or a term is not there, a
 * measure, or another's. */
AENC_API int32_t aenc_recorder_player(aenc_recorder *recorder, const aenc_player *player);
/* Ends the recording with that status (negative) and text, and with it the call that asked for it. The first one counts. */
AENC_API aenc_node *aenc_node_fail(aenc_recorder *recorder, aenc_status status, const char *text);
/* A trained parameter of layers and penalties, by the plug-in's path: "encoder.1." and name. init as of layers
 * ("he_normal:gain=2"; docs/layers.md), of a matrix (out, in); NULL: "torch" for rank 2 and more, else zeros. Weight decay
 * touches rank 2 and more. */
AENC_API aenc_node *aenc_node_parameter(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank,
                                        const char *init);
/* Numbers of layers and penalties that are not trained, such as running means: named, saved and copied like parameters, each
 * `start` at first. To be asked for in every task that needs them, and in training. */
AENC_API aenc_node *aenc_node_state(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank, double start);
/* The same, starting by an init as aenc_node_parameter has it; NULL: zeros. */
AENC_API aenc_node *aenc_node_state_from(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank,
                                         const char *init);
/* The parameter is kept so after each update, and starts so: "non_negative", "unit_norm:axis=1" (the Euclidean norm over that axis, or
 * 0), "max_norm:limit=1,axis=1" (at most), "none". One per parameter; to be asked for in each recording. Returns it. */
AENC_API aenc_node *aenc_node_constrain(aenc_recorder *recorder, aenc_node *parameter, const char *constraint);
/* What the state becomes with the update of each training step; in other tasks nothing. value is one for the batch, in the
 * state's shape, and is what the call returns. A step that fails, or is not applied, leaves the state. */
AENC_API aenc_node *aenc_node_stage(aenc_recorder *recorder, aenc_node *state, aenc_node *value);

/* ---- Nodes ----
 *
 * Dimensions and axes are those of one row where a node has rows, which stay out of sight; the first axis is 0. NULL is
 * accepted after a failure, and answered with NULL, so that only the end needs a look. */

AENC_API int32_t aenc_node_has_rows(const aenc_node *node);             /* 0 of parameters and what is one for the batch */
AENC_API size_t aenc_node_rank(const aenc_node *node);                  /* 0 for NULL */
AENC_API size_t aenc_node_dim(const aenc_node *node, size_t axis);      /* 0 beyond the rank */

/* NumPy's broadcasting; where only one has rows, the other repeats over them. */
AENC_API aenc_node *aenc_node_add(aenc_recorder *recorder, aenc_node *a, aenc_node *b);
AENC_API aenc_node *aenc_node_subtract(aenc_recorder *recorder, aenc_node *a, aenc_node *b);
AENC_API aenc_node *aenc_node_multiply(aenc_recorder *recorder, aenc_node *a, aenc_node *b);
AENC_API aenc_node *aenc_node_divide(aenc_recorder *recorder, aenc_node *a, aenc_node *b);
AENC_API aenc_node *aenc_node_affine(aenc_recorder *recorder, aenc_node *x, double scale, double shift); /* scale x + shift */
AENC_API aenc_node *aenc_node_clamp(aenc_recorder *recorder, aenc_node *x, double low, double high);
/* Elementwise: an activation of docs/layers.md, or exp, log, sqrt, square, absolute, negate, reciprocal. */
AENC_API aenc_node *aenc_node_function(aenc_recorder *recorder, const char *function, aenc_node *x);
/* x weight^T + bias over the last axis: weight (out, in), or transposed (in, out); bias (out) or NULL. */
AENC_API aenc_node *aenc_node_dense(aenc_recorder *recorder, aenc_node *x, aenc_node *weight, aenc_node *bias,
                                    int32_t transposed);
/* Over the last two axes, the others equal; either transposed. a has rows, b may. */
AENC_API aenc_node *aenc_node_matmul(aenc_recorder *recorder, aenc_node *a, aenc_node *b, int32_t transpose_a,
                                     int32_t transpose_b);
AENC_API aenc_node *aenc_node_sum(aenc_recorder *recorder, aenc_node *x, size_t axis); /* the axis is gone */
AENC_API aenc_node *aenc_node_mean(aenc_recorder *recorder, aenc_node *x, size_t axis);
AENC_API aenc_node *aenc_node_row_sum(aenc_recorder *recorder, aenc_node *x); /* every axis: one number per row */
AENC_API aenc_node *aenc_node_row_mean(aenc_recorder *recorder, aenc_node *x);
AENC_API aenc_node *aenc_node_batch_sum(aenc_recorder *recorder, aenc_node *x); /* over the rows: one for the batch */
AENC_API aenc_node *aenc_node_batch_mean(aenc_recorder *recorder, aenc_node *x); /* of the rows with their weights */
AENC_API aenc_node *aenc_node_reshape(aenc_recorder *recorder, aenc_node *x, const size_t *dims, size_t rank);
AENC_API aenc_node *aenc_node_slice(aenc_recorder *recorder, aenc_node *x, size_t axis, size_t first, size_t count);
AENC_API aenc_node *aenc_node_concat(aenc_recorder *recorder, aenc_node *const *x, size_t count, size_t axis); /* 1 to 8 */
AENC_API aenc_node *aenc_node_softmax(aenc_recorder *recorder, aenc_node *x);     /* over the last axis */
AENC_API aenc_node *aenc_node_log_softmax(aenc_recorder *recorder, aenc_node *x);
/* The value passes, the gradient does not. */
AENC_API aenc_node *aenc_node_stop_gradient(aenc_recorder *recorder, aenc_node *x);
/* Numbers, one for the batch, copied: count of them, the product of dims. */
AENC_API aenc_node *aenc_node_constant(aenc_recorder *recorder, const float *values, size_t count, const size_t *dims,
                                       size_t rank);
/* (rows, dims): standard normal, and uniform within (0, 1). A draw follows from seed, path, name, step, row and element: two of
 * one name in one plug-in are the same. */
AENC_API aenc_node *aenc_node_normal(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank);
AENC_API aenc_node *aenc_node_uniform(aenc_recorder *recorder, const char *name, const size_t *dims, size_t rank);

/* ---- Operations ---- */

/* One call: rows without gaps of the operands, and of the result. */
typedef struct aenc_operation_call {
    size_t struct_size;
    size_t rows;
    uint64_t first_row;    /* the first one's number in the batch, or among the rows that inference was given */
    const float *const *x; /* of each operand: (rows, x_size) */
    const size_t *x_size;
    size_t x_count;
    float *y;              /* (rows, y_size): forward writes it, backward only reads */
    size_t y_size;
    const float *dy;       /* (rows, y_size); NULL in forward */
    float *dx;             /* (rows, x_size) of one operand; NULL in forward */
    size_t operand;        /* that one, from 0 */
    int64_t training;      /* 1: of the task of training */
} aenc_operation_call;

/* Called from several threads at once, on different rows; a row's result must not depend on those that come with it. Other than
 * 0: it has failed, whatever it has written is not used, and the call that runs it ends with AENC_ERR_CALLBACK, positive as at
 * Results in autoenc.h; a training step that it ends has changed nothing. */
typedef int (*aenc_operation_callback)(void *user, const aenc_operation_call *call);

typedef struct aenc_operation {
    size_t struct_size;
    const char *name; /* for messages */
    void *user;
    aenc_operation_callback forward;
    /* For each operand that needs it, adds to dx the derivative of the loss by that operand, from that by y. NULL: there is
     * none; above a trained parameter that is AENC_ERR_NO_GRADIENT. */
    aenc_operation_callback backward;
    aenc_release_callback release; /* when the recording goes; see Release in autoenc.h. NULL: user lives as long as the context */
} aenc_operation;

/* 1 to 8 nodes with rows, of any shapes, to (rows, dims). */
AENC_API aenc_node *aenc_node_operation(aenc_recorder *recorder, const aenc_operation *operation, aenc_node *const *x,
                                        size_t count, const size_t *dims, size_t rank);

/* ---- Checking ---- */

typedef struct aenc_gradient_check {
    size_t struct_size;
    double step;        /* of a parameter, in units of the root mean square of its tensor (at least 0.1); 0: 1/128 */
    int64_t directions; /* random ones, per tensor; a tensor of no more numbers is taken number by number. 0: 8 */
} aenc_gradient_check;

/* Compares the gradients of aenc_model_gradients over this batch with central differences of its loss, of fourth order
 * (Richardson), along directions of each parameter that is trained. *worst is the largest over the parameters of
 *
 *     root mean square over the directions of (gradient's answer - difference) / max(norm of the gradient, difference)
 *
 * less what float32 rounding of the loss explains (2^-22 loss / step): 0 is perfect, below 0.02 is right, 1 is unrelated.
 * Kinks that the step crosses (relu, absolute) count as errors and shrink with the step; jumps of the loss (the contractive
 * penalty of relu) and what only states a gradient (aenc_node_stop_gradient, kl with momentum) stay. Noise is no trouble:
 * every draw is the same. *parameter (may be NULL) is the worst's name, which stays valid as long as the model.
 *
 * The parameters are as before; the gradients of the batch wait as after aenc_model_gradients. options may be NULL. */
AENC_API aenc_status aenc_check_gradients(aenc_model *model, const aenc_batch *batch, const aenc_gradient_check *options,
                                          double *worst, const char **parameter);

#ifdef __cplusplus
}
#endif

#endif
