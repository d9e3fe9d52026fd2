/* tape.h - recording one task through a model (train, evaluate, encode, ...).
 *
 * The recording is append-only: a node names only nodes that exist, so the order of creation is a topological order;
 * forward walks up, backward walks down. What an op is stands in op.h. A node has a shape and a place (slot, offset),
 * never a pointer: a `struct run` supplies the blocks, so one planned tape is const and can be replayed by many threads,
 * each with a run of its own.
 *
 * Losses are sums over rows; the run divides once, at the update.
 *
 * Errors while recording are sticky: the first is kept, later builders return NULL, the caller checks tape->status
 * once.
 */
#ifndef AENC_TAPE_TAPE_H
#define AENC_TAPE_TAPE_H

#include "tape/op.h"

enum tape_mode { MODE_TRAIN, MODE_EVALUATE };

/* How a step value moves while a model is trained: from `from` to `to` during the first `over` epochs, then it
 * stays. Between them, with t running from 0 to 1: from + (to - from) t; or with (1 - cos(pi t)) / 2 for t; or
 * from^(1 - t) to^t. */
enum ramp_shape { RAMP_LINEAR, RAMP_COSINE, RAMP_EXPONENTIAL };
struct ramp {
    enum ramp_shape shape;
    double from, to, over; /* over 0: `to` at once */
    int cycles;            /* so often, each followed by as many epochs of `to`; 0: once */
};

/* What a term is for. */
enum term_role {
    TERM_OBJECTIVE, /* of training, scores and validation */
    TERM_TRAINING,  /* of training alone: penalties */
    TERM_MEASURE,   /* reported, and trains nothing */
    TERM_PLAYER     /* of another player than the model's own (model/players.c), and of its training alone */
};

/* A loss term: a row node of shape (rows) or a scalar batch node. Its weight multiplies value and gradient. */
struct term {
    const char *name;
    struct node *node;
    double weight;
    struct node *weight_step; /* a step value that multiplies too; NULL: 1 */
    enum term_role role;
    const char *warning; /* static: of a measure that is below `least` on average over an epoch; NULL: none */
    double least;
    int player;    /* who minimises it; 0: the model's own */
    size_t number; /* among those of all players */
};

/* New value of a state node, committed with the update. */
struct stage {
    struct node *state, *value;
};

/* Of the numbers that a caller has. */
enum value_type { VALUE_F32, VALUE_U8, VALUE_I32 };

/* A named input: a row leaf that the run fills from the caller's rows. */
struct field {
    const char *name;
    struct node *node;
};

/* What somebody else's callbacks have with them. */
struct tape_owned {
    struct tape_owned *next;
    aenc_release_callback release;
    void *user;
};

struct tape {
    aenc_context *ctx;
    struct arena arena;
    aenc_status status; /* sticky */
    enum tape_mode mode;
    struct node **node;
    size_t node_count, node_capacity;
    int space_count;                /* row spaces; the first is the batch */
    int64_t factor[SPACES_MAX];     /* rows for each row of the batch */
    int64_t capacity[SPACES_MAX];   /* rows of each row space */
    int64_t shard_rows[SPACES_MAX]; /* wished for by the caller before planning; 0: by shapes */
    struct term *term;
    size_t term_count, term_capacity;
    struct stage *stage;
    size_t stage_count, stage_capacity;
    struct field *field;
    size_t field_count, field_capacity;
    struct node **output;
    size_t output_count, output_capacity;
    const char *scope; /* the name path of what is being recorded; "" at the top */
    /* Live rows that a batch must have, and for whose sake; 0 and NULL: any number will do. */
    int64_t least_rows;
    const char *least_for;
    int player;               /* for whose step it is recorded: entries of others are not trained */
    struct tape_owned *owned; /* what goes with it */
    bool keep;                /* for tests: all values and gradients stay until the next replay */
};

/* ---- Recording ---- */

void aenc_tape_create(aenc_context *ctx, enum tape_mode mode, int64_t row_capacity, struct tape *tape);
void aenc_tape_free(struct tape *tape);
/* release(user) is called when the tape is freed; at once, where there is no memory to remember it. NULL: nothing to do. */
void aenc_tape_own(struct tape *tape, aenc_release_callback release, void *user);

/* Leaves. dims of an input are those of one row; the row axis is put in front. offset is the place in the model's
 * block. `trained` false: a frozen parameter, no gradient below it. NULL with tape->status set on failure. */
struct node *aenc_tape_input(struct tape *tape, const char *name, const int64_t *dims, int rank);
struct node *aenc_tape_parameter(struct tape *tape, const char *name, struct shape shape, int64_t offset, bool trained);
struct node *aenc_tape_state(struct tape *tape, const char *name, struct shape shape, int64_t offset);
struct node *aenc_tape_step_value(struct tape *tape, const char *name, int64_t offset);
/* A step value that the run sets itself (ramp.c). A tape has either these or the caller's. */
struct node *aenc_tape_ramp(struct tape *tape, const char *name, struct ramp ramp);
double aenc_ramp_value(const struct ramp *ramp, double epochs);

/* The row space with so many rows for each of the batch's, a new one if need be. -1 when there are too many or its
 * capacity cannot be counted: the tape has failed. */
int aenc_tape_space(struct tape *tape, int64_t factor);

/* A term of a space with a factor is the mean over the rows that belong to one row of the batch.
 * Of training alone; of the objective; a measure, of weight 1. */
void aenc_tape_term(struct tape *tape, const char *name, struct node *node, double weight, struct node *weight_step);
void aenc_tape_objective(struct tape *tape, const char *name, struct node *node, double weight,
                         struct node *weight_step);
void aenc_tape_measure(struct tape *tape, const char *name, struct node *node);
/* A measure whose mean over an epoch is worth a notice of the fit when it is below `least`. */
void aenc_tape_measure_least(struct tape *tape, const char *name, struct node *node, double least, const char *warning);
void aenc_tape_stage(struct tape *tape, struct node *state, struct node *value);
void aenc_tape_output(struct tape *tape, struct node *node);
/* A statistic of what (a layer's or penalty's type, static), recorded in the present scope, has no sense for fewer
 * rows. */
void aenc_tape_least(struct tape *tape, int64_t rows, const char *what);

/* Enters "scope.name" (or "name" at the top) and returns the scope before, for leaving. */
const char *aenc_tape_enter(struct tape *tape, const char *name);
void aenc_tape_leave(struct tape *tape, const char *scope_before);
/* "scope.name" in the arena. */
const char *aenc_tape_path(struct tape *tape, const char *name);

#endif
