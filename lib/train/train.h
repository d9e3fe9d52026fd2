/* train.h - gradients of a batch, their application, and the run over epochs.
 *
 * A step is three things that a caller may also do one by one: the gradients of a batch (sums over rows), the check
 * that they are finite, and the update with the staged states. A failure before the update leaves the model as it
 * was.
 */
#ifndef AENC_TRAIN_TRAIN_H
#define AENC_TRAIN_TRAIN_H

#include "model/model.h"
#include "optim/optim.h"

/* One player's part of a step; number: of the turn within the step, for what is drawn. */
struct turn {
    int player;
    uint32_t number;
};
/* Forward and backward over the rows of a batch (without a target: against the input), whose weights have a positive sum.
 * *loss: weighted mean over the rows of the player's terms. AENC_ERR_DIVERGED names what is not finite; then, as on any failure,
 * no gradients wait to be applied. */
aenc_status aenc_train_gradients(struct aenc_model *model, struct turn turn, const struct batch *batch, double *loss);
/* Updates the parameters of a model of one player with the waiting gradients and commits staged states. AENC_ERR_DIVERGED,
 * naming it, where that would make one infinite; then everything is as before. No gradients wait afterwards, unless memory was
 * refused for the copy of parameters that a runner shares. */
aenc_status aenc_train_apply(struct aenc_model *model, struct optimizer *optimizer);
/* Both in one for the optimizer's player, without the store's unsharing before and the count of updates after it. */
aenc_status aenc_train_turn(struct aenc_model *model, struct optimizer *optimizer, struct turn turn,
                            const struct batch *batch, double *loss);
/* turns.c: an optimizer for each of the model's players, the first with the spec; so have those that have none of their own. */
aenc_status aenc_train_optimizer(struct aenc_model *model, const struct json *spec, struct optimizer **out);
/* The optimizers go on behind so many steps; their moments have been put in place. */
void aenc_train_resumed(const struct aenc_model *model, struct optimizer *optimizer, int64_t step);
/* A step of all players: for each turn both in one, which saves the way of most gradients through memory where nothing needs
 * the norm of all of them before the first update; the same numbers. *loss: of the model's own player. Afterwards no gradients
 * wait; on failure everything is as before. */
aenc_status aenc_train_step(struct aenc_model *model, struct optimizer *optimizer, const struct batch *batch,
                            double *loss);
/* evaluate.c: weighted mean loss as evaluation sees it, and what model->terms.valid is then. */
aenc_status aenc_train_evaluate(struct aenc_model *model, const struct batch *batch, double *loss);

/* training.c: the epochs of the last fit; none before the first. */
struct history {
    aenc_progress *epoch;
    double *term; /* (epochs, 2, terms): of training, of validation */
    size_t count, capacity, term_capacity;
};
const struct history *aenc_train_history(const struct aenc_model *model);
/* The gradient of the entry that waits to be applied, a sum over rows, and what makes it the mean; NULL: none waits. */
const num *aenc_train_gradient(const struct aenc_model *model, const struct entry *entry, double *scale);
/* reducer.c: another mean in its place, which has been found waiting; AENC_ERR_NONFINITE where the sum is none. */
aenc_status aenc_train_gradient_set(struct aenc_model *model, const struct entry *entry, const float *mean);

/* gradient_check.c. The worst relative error over the parameters that are trained, and whose it is; parameters stay
 * as they are, and the batch's gradients wait. */
struct gradient_check {
    double step;        /* in units of a tensor's root mean square, at least 0.1 */
    int64_t directions; /* per tensor */
};
aenc_status aenc_train_gradient_check(struct aenc_model *model, const struct batch *batch,
                                      const struct gradient_check *how, double *worst, const char **parameter);

/* batches.c: which rows are trained on, held out, and in what order. */
struct batches {
    aenc_context *ctx;
    uint64_t seed;  /* the model's */
    int64_t *train; /* row indices, shuffled anew for each epoch */
    int64_t *valid; /* held-out row indices; NULL: none */
    int64_t train_count, valid_count;
};
aenc_status aenc_batches_create(const struct aenc_model *model, int64_t rows, double validation_fraction,
                                struct batches *out);
void aenc_batches_free(struct batches *batches);
/* The order of epoch `epoch`: a function of the seed, the epoch and the set of rows, not of the order before. */
void aenc_batches_shuffle(struct batches *batches, uint64_t epoch);

/* Rows of a batch of which so many are left: `batch` of them, or all where what stayed behind would be fewer than
 * `least`, which model->least_rows is. And how many batches there are. */
static inline int64_t aenc_batch_rows(int64_t left, int64_t batch, int64_t least) {
    return left - batch < least ? left : batch;
}
static inline int64_t aenc_batch_count(int64_t rows, int64_t batch, int64_t least) {
    int64_t whole = rows / batch;
    return whole == 0 ? 1 : whole + (rows % batch >= least);
}
/* AENC_ERR_ARGUMENT, naming the layer, where a batch of so many rows is too small for the model. */
aenc_status aenc_batch_check(const struct aenc_model *model, int64_t rows);
/* How many of the rows are held out for that share. */
int64_t aenc_batches_held(int64_t rows, double validation_fraction);

/* snapshot.c: parameters and states of the best epoch so far. */
struct snapshot {
    num *parameter, *state; /* NULL before the first */
};
aenc_status aenc_snapshot_take(struct aenc_model *model, struct snapshot *snapshot);
aenc_status aenc_snapshot_restore(struct aenc_model *model, const struct snapshot *snapshot);
void aenc_snapshot_free(aenc_context *ctx, struct snapshot *snapshot);

/* What rows go through on their way into a run (row_transform.c): the model learns what comes out. */
struct row_transform {
    /* What has become of x: (x->count, cols), dense. x may be of any number of rows, and numbers its columns as the
     * fields of `from`. */
    aenc_status (*apply)(const struct row_transform *transform, const struct batch *x, float *out);
    const struct aenc_model *from; /* that is trained */
    struct aenc_model *model;      /* that they go through: takes the rows as they come from the data */
    int64_t cols;
    int64_t
        outputs; /* what comes out is so many numbers for the target of a row, the others for its `code`; 0: it is the
                      * input, and its own target */
    float *scratch; /* of apply's */
};

/* What a run trains on. */
struct fit_data {
    struct batch rows;                /* all of them */
    struct batch valid;               /* held out by the caller; without rows: none */
    const struct aenc_source *stream; /* instead of rows; NULL: none */
    int stream_field[FIELDS_MAX];     /* the model's number of each field of the stream; -1: not looked at */
    struct aenc_source *valid_source; /* whose rows are held out: those of valid, or, of a stream, a pass; NULL: none */
    int valid_field[FIELDS_MAX];      /* as stream_field */
    bool unchecked;                   /* from a source: each batch is looked at before it is used */
    const struct row_transform *transform; /* NULL: none */
};
/* scale.c: where the model has a scaling that nobody has learned or set, learns it from `rows`, those of data that are
 * trained on; of a stream from its first `batches` batches, or the pass if that is shorter. */
aenc_status aenc_scaling_learn(struct aenc_model *model, const struct fit_data *data, const struct batch *rows,
                               int64_t batch, int64_t batches);
/* rows.c: targets that the data bring are not looked at. */
void aenc_fit_data_targetless(struct fit_data *data);
/* What a call that trains must put back where it fails before its first whole step. */
struct train_start {
    uint64_t step;
    double clock;
    size_t epochs; /* of the history */
    bool scaling_unknown;
};
/* Where the model stands. Gradients that wait are dropped: they are of other parameters soon. AENC_ERR_NO_MEMORY. */
aenc_status aenc_train_begin(struct aenc_model *model, struct train_start *out);
/* The call has failed. */
void aenc_train_undo(struct aenc_model *model, const struct train_start *start);
/* fit.c: rows of the fullest batch of such a fit. */
int64_t aenc_fit_batch(const struct fit_data *data, const aenc_fit_options *options);
/* options are complete (struct_size taken care of) and checked for shape by the caller. */
aenc_status aenc_train_fit(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *options);
/* partial.c: one pass in the order of the rows, continuing with the moments of the call before. */
aenc_status aenc_train_partial(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *options);
/* A spec without its learning rate, as text from aenc_alloc: what decides whether moments can go on. */
aenc_status aenc_train_spec_text(aenc_context *ctx, struct arena *arena, const struct json *spec, char **out);
/* optimizer_file.c: what training goes on from besides the model, as a file that refers to the moments and to the arena; spec is that
 * text; optimizer NULL: that of partial fits, AENC_ERR_ARGUMENT without one. And back: into that optimizer, whose spec must be the
 * same, or, where it is NULL, as that of partial fits. */
struct safetensors_draft;
aenc_status aenc_optimizer_draft(const struct aenc_model *model, const struct optimizer *optimizer, const char *spec,
                                 struct arena *arena, struct safetensors_draft *out);
aenc_status aenc_optimizer_restore(struct aenc_model *model, struct optimizer *optimizer, const char *spec,
                                   const struct loaded_bytes *from);
/* training.c: what both kinds of partial fits and steps go on from, for a model that has nothing of it yet. */
aenc_status aenc_train_copy(struct aenc_model *to, const struct aenc_model *from);
/* Those moments go. */
void aenc_train_forget(struct aenc_model *model);

#endif
