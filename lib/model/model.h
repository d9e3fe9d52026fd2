/* model.h - a description, its parameters, and the journeys through it.
 *
 * A model is a JSON description and two blocks of numbers (store.h). A journey is one recorded way through it: train,
 * score, encode, decode, ... Each is recorded and planned the first time it is taken and kept. Training journeys replay
 * whole batches on all workers; inference journeys replay chunks of rows, each chunk on one worker with memory of its own,
 * so that what a row becomes depends neither on threads nor on where its chunk ran.
 */
#ifndef AENC_MODEL_MODEL_H
#define AENC_MODEL_MODEL_H

#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"

enum { INFER_ROWS = 128 }; /* rows of one chunk */
enum { NOTICE_SIZE = 512 };

/* Metadata of files: the description; and in a checkpoint, whose further tensors begin with that prefix, the run. */
#define MODEL_KEY "autoenc"
#define CHECKPOINT_KEY "autoenc.checkpoint"
#define CHECKPOINT_PREFIX "checkpoint."

enum journey_kind {
    JOURNEY_TRAIN,       /* term "reconstruction" over the batch, with gradients */
    JOURNEY_ENCODE,      /* input to code */
    JOURNEY_DECODE,      /* code to output */
    JOURNEY_RECONSTRUCT, /* input to output */
    JOURNEY_SCORE,       /* input, target to one loss per row */
    JOURNEY_FEATURES,    /* input, target to one loss per element */
    JOURNEY_COUNT
};

/* Once recorded, const until freed; `own_target`: the target is a field of its own rather than the input. */
struct journey {
    bool recorded, own_target;
    struct tape tape;
    struct plan plan;
    struct run *run; /* one per worker; JOURNEY_TRAIN: one */
    int run_count;
    struct node *result; /* what inference hands out; NULL: JOURNEY_TRAIN */
};

/* Rows somewhere in the caller's memory: row r begins at data + row[r] * stride (row NULL: r * stride). */
struct rows {
    const float *data; /* NULL: none */
    int64_t stride, count;
    const int64_t *row;
};

/* What training on rows as they arrive keeps from call to call. */
struct online {
    struct optimizer *optimizer; /* NULL: nothing yet */
    char *spec;                  /* of it, without the learning rate */
};

struct history {
    aenc_progress *epoch;
    size_t count, capacity;
};

struct aenc_model {
    atomic_size_t references;
    aenc_context *ctx; /* retained */
    struct arena arena;
    const struct json *description; /* complete: decoder and loss are there */
    char *description_text;
    struct shape input, code, output; /* of one row, no row axis */
    int64_t input_size, code_size, output_size, target_size;
    const struct loss_type *loss;
    const struct json *loss_spec;
    struct store store;
    struct journey journey[JOURNEY_COUNT][2]; /* by own_target */
    uint64_t step, epoch; /* updates and epochs so far: what the random draws of training count */
    struct journey *gradients; /* whose gradients wait to be applied; NULL: none */
    double gradient_weight;    /* total weight of the rows they are a sum over */
    double gradient_norm;      /* of their mean */
    struct history history;
    struct online online;
    char notice[NOTICE_SIZE]; /* what the last fit wants known though it did not fail; "" mostly */
    atomic_int cancel;        /* set from any thread or signal handler; taken back by the fit that it ends */
};

/* description.c: completes what the caller gave (widths or layers, or parsed JSON) to a full description in the arena. */
aenc_status aenc_description_from_options(aenc_context *ctx, struct arena *arena, const aenc_model_options *options,
                                          const struct json **out);
aenc_status aenc_description_complete(aenc_context *ctx, struct arena *arena, const struct json *given,
                                      const struct json **out);

/* model.c: takes the arena over (also on failure) and declares every parameter, without memory or values yet: those come
 * with aenc_store_allocate, once the caller knows that the sizes are what they should be. */
aenc_status aenc_model_declare(aenc_context *ctx, struct arena *arena, const struct json *description,
                               struct aenc_model **out);
void aenc_model_retain(struct aenc_model *model);
void aenc_model_release(struct aenc_model *model);
/* Whether the running fit, or without one the next, is to end; and that it has. */
bool aenc_model_cancelled(const struct aenc_model *model);
void aenc_model_uncancel(struct aenc_model *model);
/* Trainability changed: recorded journeys are dropped, and with them the gradients that wait. */
void aenc_model_forget_journeys(struct aenc_model *model);

/* journey.c: recorded and planned on demand, for at least `rows` rows where it is the training journey. */
aenc_status aenc_journey_prepare(struct aenc_model *model, enum journey_kind kind, bool own_target, int64_t rows,
                                 struct journey **out);
void aenc_journey_free(aenc_context *ctx, struct journey *journey);

/* infer.c: every row of x (and target; without data: x itself) through the journey; result rows, dense, into out. */
aenc_status aenc_model_infer(struct aenc_model *model, enum journey_kind kind, const struct rows *x,
                             const struct rows *target, float *out);
struct rows aenc_rows_of(const aenc_matrix *matrix);

/* file.c: the model as safetensors bytes, from aenc_alloc; and back. `what` names the source in messages. */
aenc_status aenc_model_to_bytes(struct aenc_model *model, void **out, size_t *size);
aenc_status aenc_model_from_bytes(aenc_context *ctx, const void *bytes, size_t size, const char *what,
                                  struct aenc_model **out);

#endif
