/* op.h - what an op is, and what it owes. Read this first; it is all that a new op needs.
 *
 * A model's task (train, encode, ...) is recorded once as a tape of nodes (tape.h), planned once (plan.h) and replayed
 * for every batch (run.h). A node is an op applied to earlier nodes. An op is a `struct op`: a few functions over a
 * range of a node's rows, which allocate nothing, lock nothing and keep nothing between calls. Where a number lies is
 * the plan's affair: aenc_value and aenc_gradient give the address.
 *
 * A new op is one file of functions ending in its `struct op`, a builder that calls aenc_tape_record, a row in the
 * family's table, and a case in tests/op/op_cases.c, where its gradient is compared with differences.
 * tests/op/example_op_test.c is such an op from beginning to end.
 *
 * Kinds of node.
 *   NODE_ROW        axis 0 is the rows of a row space (usually the batch); dim[0] is the capacity, live rows may be
 *                   fewer. Other spaces have a factor: so many rows, next to each other, for each row of the batch (k
 *                   samples, T steps); aenc_op_fold and aenc_op_unfold are the views between them
 *   NODE_BATCH      one value for the whole batch: no row axis
 *   NODE_PARAMETER  trained; lives in the model's parameter block
 *   NODE_STATE      saved, not trained (running statistics, codebooks); new values are staged and committed with the
 *                   update
 *   NODE_STEP       a scalar set before each replay: KL weight, noise level
 *
 * The functions of an op.
 *   infer     The only place where shapes are checked. Sets kind, space and shape of the node. Fails through
 *             aenc_tape_fail with sizes in the message. needs_gradient is already set from the operands; an op
 *             through which no gradient passes clears it here.
 *   forward   Writes the node's value for rows [lo, hi), reading the operands' values of the same rows. Of a node
 *             without rows: the whole value; rows mean nothing then.
 *   gradient  Writes the gradient of one operand over a span of its axis 0 (a scalar has one index): to dx, the start
 *             of that span, overwriting or, with `add`, adding to what is there. It reads the node's own gradient.
 *             - An operand with rows: the span is some of its rows, run->rows as well.
 *             - An operand without rows of a node with rows (a weight): the span is a tile of its axis 0, of any
 *               size, and what is written is the sum over the rows run->rows.
 *             - An operand without rows of a node without rows: the span is a tile, or all of it.
 *             NULL: no derivative.
 *   describe  Writes the attributes out, for exporters. NULL only where there are none.
 *   combine   See SPAN_REDUCE.
 *   tangent   Records ordinary nodes: the derivative of the result along the operands' tangents (NULL: zero).
 *   cotangent Records ordinary nodes: what reaches one operand of a cotangent of the result. An op says `symmetric`
 *             instead where the derivative along one operand of the result's shape is its own transpose.
 *             Both NULL: a Jacobian penalty refuses the op.
 *
 * Spans: which rows a call reads.
 *   SPAN_ROWS     row by row
 *   SPAN_REDUCE   rows to a batch node: forward is called shard by shard and writes that shard's part, aenc_part(run,
 *                 n, run->shard); `combine` adds the parts in shard order, and reads no values. gradient is by rows.
 *   SPAN_ALL      every row reads all rows and writes its own; the gradient too: some of the operand's rows from all of
 *                 the result's gradient.
 *   SPAN_SERIAL   one worker, once, all rows.
 *
 * Sums over many numbers are in double or in a fixed order: the same seed gives the same bits on any number of threads,
 * since shards and tiles follow from shapes alone. Randomness is a function of (seed, node's name path, step, turn, row
 * in the whole batch, element) and of nothing else (aenc_node_draw).
 */
#ifndef AENC_TAPE_OP_H
#define AENC_TAPE_OP_H

#include "base/arena.h"
#include "base/number.h"
#include "base/random.h"
#include "io/message_text.h"
#include "math/kernels.h"

enum { RANK_MAX = AENC_RANK_MAX, OPERANDS_MAX = 8, SPACES_MAX = 8 };

enum node_kind { NODE_ROW, NODE_BATCH, NODE_PARAMETER, NODE_STATE, NODE_STEP };
enum op_span { SPAN_ROWS, SPAN_REDUCE, SPAN_ALL, SPAN_SERIAL };

struct tape;
struct run;
struct node;
struct description;

struct shape {
    int rank;
    int64_t dim[RANK_MAX];
};

struct span {
    int64_t lo, hi;
};

struct op {
    const char *name;
    int arity; /* -1: any number, up to OPERANDS_MAX */
    enum op_span span;
    bool partial;   /* gradient reaches only part of an operand (slice, max-pool): dx is clear, and it always adds */
    bool surrogate; /* the gradient is a stated formula, not the derivative */
    bool view;      /* value and gradient are those of operand 0: no memory, no forward, no backward */
    bool symmetric; /* tangent is its own transpose */
    aenc_status (*infer)(struct tape *tape, struct node *n);
    void (*forward)(const struct node *n, struct span rows, const struct run *run);
    void (*combine)(const struct node *n, int64_t shards, const struct run *run); /* SPAN_REDUCE only */
    void (*gradient)(const struct node *n, int operand, struct span span, num *dx, bool add, const struct run *run);
    void (*describe)(const struct node *n, struct description *to);
    struct node *(*tangent)(struct tape *tape, const struct node *n, struct node *const *tangents);
    struct node *(*cotangent)(struct tape *tape, const struct node *n, int operand, struct node *along);
    const struct op_talents *talents; /* at the end of this file; NULL: none */
};

/* Where a value or a gradient lives; an index into run->block. */
enum slot {
    SLOT_ACTIVATION, /* values of row and batch nodes, capacity rows each */
    SLOT_GRADIENT,   /* their gradients */
    SLOT_WORKER,     /* values and gradients that one stage of rows alone touches: one shard's rows, for each worker */
    SLOT_PARAMETER,
    SLOT_PARAMETER_GRADIENT, /* sums over rows */
    SLOT_STATE,
    SLOT_STEP,
    SLOT_COUNT
};

struct node {
    const struct op *op; /* NULL: a leaf */
    enum node_kind kind;
    int space; /* of a row node */
    struct shape shape;
    struct node *in[OPERANDS_MAX];
    int in_count;
    struct node *base;   /* of a view what it is a view of, through all views between; else the node itself */
    const void *attr;    /* the op's settings, in the tape's arena; its type is the op's affair */
    const char *name;    /* path such as "encoder.0"; of an op's node the scope that it was recorded in */
    uint64_t stream;     /* of random numbers, from the name path */
    int index;           /* place on the tape */
    bool needs_gradient; /* a trained parameter, or an input that is checked, lies below */

    /* Filled in by the plan. */
    bool live;                        /* reached from an output, a term or a stage */
    bool active;                      /* lies between a trained parameter and a term: a gradient passes through it */
    struct span column_parallel_rows; /* by columns, for so many live rows; lo == hi: never */
    int level;                        /* phase of the forward walk */
    enum slot slot, gradient_slot;
    int64_t offset;                          /* of the value in its slot, in nums */
    int64_t gradient_offset;                 /* of the gradient in its slot; -1: none */
    int64_t worker_row, gradient_worker_row; /* in SLOT_WORKER: nums of a row; elsewhere 0 */
    int64_t part_offset;                     /* SPAN_REDUCE: of its parts in run->part; -1: none */
    bool by_tile;                            /* SPAN_REDUCE: made by reduce_tile */
    unsigned char mode[OPERANDS_MAX];        /* enum gradient_mode of each operand */
};

int64_t aenc_shape_count(const struct shape *shape);
bool aenc_shape_equal(const struct shape *a, const struct shape *b);
/* Numbers of a row node's one row, or of any other node. */
int64_t aenc_node_row_size(const struct node *n);
/* Of a row node, without the row axis. */
struct shape aenc_row_shape(const struct node *n);
/* "(rows, 28, 28)" or "(128, 784)", into a buffer of SHAPE_TEXT bytes; returns the buffer. */
enum { SHAPE_TEXT = DIMS_TEXT };
char *aenc_shape_text(const struct node *n, char *buffer);

/* Of an op that is the program's own. Whoever sets result, from 0, sets the rest. */
struct run_failure {
    atomic_int result; /* 0: none */
    const struct node *node;
    bool backward;
};

/* One replay, as ops see it. */
struct run {
    struct span rows;         /* of the call: of the node, and in its row space; of one without rows the whole batch */
    num *scratch;             /* of the call: as much as the op's talent asked for */
    int64_t shard;            /* of the call: index of the shard, for SPAN_REDUCE and by-shard parts */
    int64_t live[SPACES_MAX]; /* rows of each row space; the caller sets the first, of the batch */
    int64_t factor[SPACES_MAX]; /* of each row space */
    const float *weight;        /* of each row of the batch; NULL: 1 */
    double weight_total;        /* of its live rows */
    const struct kernels *kernels;
    matrix_product *gemm; /* what ops multiply with: aenc_blas_product's, in runners one without locks */
    uint64_t seed, step;  /* these four: of what is drawn */
    uint32_t turn;
    int64_t first_row; /* of this replay in the whole batch: inference in chunks sees the same draws */

    /* Of the run itself (run.h). */
    const struct plan *plan;
    num *block[SLOT_COUNT];
    num *scratch_block;
    int workers;           /* for so many there is memory in scratch_block, and in SLOT_WORKER ... */
    int64_t worker_blocks; /* ... which has so many blocks: one for each worker, or each shard where these are fewer */
    num *part;
    num *ramp;           /* the run's own step values; NULL: none */
    double *tile_square; /* by tile: sum of squares of what it holds, taken while it is in cache */
    double *bound;       /* by shard of plan->bound_stage: of what its rows add to a product; NULL: no such stage */
    bool check_overflow_bound;   /* set before a replay behind which aenc_run_bound is called */
    struct binding *binding;     /* one per field of the tape */
    const struct node **bad;     /* not NULL: becomes the first node whose value is not finite */
    struct run_failure *failure; /* where ops that may fail report it; shared by the runs of a task */
};

/* The address of row 0 of the space, whether or not the memory of this call begins with a later one. */
static inline num *aenc_value(const struct run *run, const struct node *n) {
    return run->block[n->slot] + n->offset - run->rows.lo * n->worker_row;
}
static inline num *aenc_gradient(const struct run *run, const struct node *n) {
    return run->block[n->gradient_slot] + n->gradient_offset - run->rows.lo * n->gradient_worker_row;
}
/* SPAN_REDUCE: this shard's part, as many nums as the node has. */
static inline num *aenc_part(const struct run *run, const struct node *n, int64_t shard) {
    return run->part + n->part_offset + shard * aenc_node_row_size(n);
}
/* Which rows of the space a shard is. */
struct span aenc_shard_rows(const struct run *run, int space, int64_t shard);
/* Each row of a space has the weight of the batch's row that it belongs to. */
static inline float aenc_row_weight(const struct run *run, int space, int64_t row) {
    return run->weight == NULL ? 1 : run->weight[row / run->factor[space]];
}
static inline double aenc_weight_total(const struct run *run, int space) {
    return run->weight_total * (double)run->factor[space];
}
/* The draw of a random node for row `row` of its space. */
static inline struct draw aenc_node_draw(const struct run *run, const struct node *n, int64_t row) {
    uint64_t place = (uint64_t)(run->first_row * run->factor[n->space] + row);
    struct draw draw = {run->seed, n->stream, run->step, run->turn, place};
    return draw;
}

/* ---- What infer and builders call ---- */

/* Keeps the first failure: status with "op 'name': message". */
aenc_status aenc_tape_fail(struct tape *tape, aenc_status status, const char *format, ...) AENC_PRINTF(3, 4);

/* Appends op(in...). attr is copied (attr_size bytes) into the arena. A NULL operand, or a tape that has failed,
 * returns NULL. */
struct node *aenc_tape_record(struct tape *tape, const struct op *op, struct node *const *in, int in_count,
                              const void *attr, size_t attr_size);

/* ---- Attributes, written out ---- */

/* Members of a JSON object. What fails makes it incomplete; writing on is harmless. */
struct description {
    struct arena *arena;
    struct json *object;
    bool incomplete;
};
void aenc_describe_number(struct description *to, const char *key, double value); /* one not finite as a text */
void aenc_describe_flag(struct description *to, const char *key, bool value);
void aenc_describe_text(struct description *to, const char *key, const char *value);
void aenc_describe_whole(struct description *to, const char *key, const int64_t *value, int count); /* an array */
void aenc_describe_numbers(struct description *to, const char *key, const num *value, int64_t count);
/* {"op": name, attributes}; NULL when memory is out. n is not a leaf. */
struct json *aenc_node_describe(const struct node *n, struct arena *arena);

/* ---- What only some ops do ---- */

enum gradient_mode { GRADIENT_NONE, GRADIENT_ASSIGN, GRADIENT_ADD };
/* Each member may be NULL.
 *
 * Columns. Products with a large weight are cut by columns in training plans, for as many rows as by_columns says: a
 * worker computes some columns of all rows and fetches the part of the weight that belongs to them, where by rows each
 * would fetch all of it; and a small batch too keeps many workers busy. The plan sets node->column_parallel_rows of
 * nodes that are ever cut. It calls forward_columns in the place of forward, and backward_columns, where the gradient of
 * operand 0 is wanted, behind backward, which runs by rows as ever and leaves that gradient alone. With a number of rows
 * that is not cut both are called shard by shard with all columns. */
struct op_talents {
    /* In the place of gradient for all operands whose gradients are not gathered, at once: for an op that makes several in
     * one pass, or that first overwrites its own gradient with what all of them are made of (dense leaves the gradient
     * before the activation there) and then calls aenc_run_gradients. It asks aenc_gradient_mode for each operand:
     * GRADIENT_NONE - not wanted, do not touch; GRADIENT_ASSIGN - the first writer, overwrite; GRADIENT_ADD - add. The
     * gradients of gathered operands (parameters, and anything without rows of a node with rows) are made afterwards, by
     * `gradient`. */
    void (*backward)(const struct node *n, struct span rows, const struct run *run);
    /* Whether the gradient of this operand without rows is made per shard inside the row phase, parts added in shard
     * order, rather than per tile over the whole batch. By shape alone. NULL: never. */
    bool (*by_shard)(const struct node *n, int operand);
    /* The gradients of operands behind 0 are sums, over the rows, of products of the node's gradient with operand 0's
     * values, or of the gradient alone, and read nothing else; operand 1 is of the first kind. */
    bool products;
    /* For which numbers of live rows products are cut by columns of the value and of operand 0's gradient, both rows of
     * one axis. By shape alone; lo == hi, or NULL: never. */
    struct span (*by_columns)(const struct node *n);
    void (*forward_columns)(const struct node *n, struct span rows, struct span columns, const struct run *run);
    void (*backward_columns)(const struct node *n, struct span rows, struct span columns, const struct run *run);
    /* Rows that one row becomes in the op's GEMMs (time steps, pixels; heads do not count), from which the rows of a shard
     * follow. By shape alone. 0, or NULL: the op has no say. */
    int64_t (*gemm_rows)(const struct node *n);
    /* Nums that a call needs for itself, in run->scratch. By shape alone. NULL: none. */
    int64_t (*scratch)(const struct node *n);
    /* SPAN_REDUCE: the tile of the value's axis 0 from the rows run->rows, to out. Where the value is wide it is made so,
     * over the whole batch, in the place of a part for each shard. */
    void (*reduce_tile)(const struct node *n, struct span tile, num *out, const struct run *run);
};

static inline enum gradient_mode aenc_gradient_mode(const struct node *n, int operand) {
    return (enum gradient_mode)n->mode[operand];
}
/* The gradients of all operands that are not gathered, one by one. */
void aenc_run_gradients(const struct node *n, struct span rows, const struct run *run);
/* Whether products of the node are cut by columns for any number of rows. */
static inline bool aenc_node_has_columns(const struct node *n) {
    return n->column_parallel_rows.lo < n->column_parallel_rows.hi;
}

#endif
