/* tape.h - node, op, tape, run, and the contract between them. Read this first.
 *
 * A tape is a recording of one task through a model (train, evaluate, encode, ...). Ops are recorded once,
 * planned once and replayed for every batch. The recording is append-only: a node names only nodes that exist, so
 * the order of creation is a topological order; forward walks up, backward walks down.
 *
 * Nodes and memory. A node has a shape and a place (slot, offset), never a pointer: a `struct run` supplies the
 * blocks, so one planned tape is const and can be replayed by many threads, each with a run of its own.
 *
 * Kinds of node.
 *   NODE_ROW        axis 0 is the rows of a row space (usually the batch); dim[0] is the capacity, live rows may be
 *   fewer
 *   NODE_BATCH      one value for the whole batch: no row axis
 *   NODE_PARAMETER  trained; lives in the model's parameter block
 *   NODE_STATE      saved, not trained (running statistics, codebooks); new values are staged and committed with the
 *   update
 *   NODE_STEP       a scalar set before each replay: KL weight, noise level
 *
 * The op's contract.
 *   infer     The only place where shapes are checked. Sets kind, space and shape of the node. Fails through
 *             aenc_tape_fail with sizes in the message. needs_gradient is already set from the operands; an op
 *             through which no gradient passes clears it here.
 *   forward   Writes the node's value for rows [lo, hi) - for ops that are not by row, rows is [0, live) - reading
 *             operands' values of the same rows (SPAN_ALL and SPAN_SERIAL: of every row).
 *   gradient  Writes the gradient of one operand over a span of its axis 0 (a scalar has one index): to dx, the start of
 *             that span, overwritten or, with `add`, added to; no buffer is cleared beforehand. It reads the node's own
 *             gradient. For an operand with rows the span is those of the call. For any other (parameter, batch node)
 *             it is a tile, and what is written is the sum over the rows run->rows of a node that has rows. An op that
 *             reaches only part of an operand (slice, max-pool) sets `partial`: dx is then cleared, and it always sees
 *             `add`. NULL: no derivative.
 *   describe  Writes the attributes out, for exporters. NULL only where there are none.
 *   tangent   Records ordinary nodes: the directional derivative, from operands, their tangents (NULL: zero) and
 *   result. cotangent Records ordinary nodes: the transposed derivative, an operand's cotangent from that
 *   of the result. An op
 *             says `symmetric` instead where the derivative along one operand of the result's shape is its own
 *             transpose.
 *
 * Spans.
 *   SPAN_ROWS     row by row
 *   SPAN_REDUCE   rows to a batch node: forward is called per shard and writes that shard's part to run->part;
 *                 `combine` adds the parts in shard order. backward is by rows.
 *   SPAN_ALL      every row reads all rows and writes its own; backward too: it runs over the operand's rows and reads
 *                 all of the result's gradient.
 *   SPAN_SERIAL   one worker, once, all rows.
 * Nodes without row operands are computed once. The plan ends a phase wherever one of these needs another to be
 * complete.
 *
 * Columns. Products with a large weight are cut by columns in training plans, for as many rows as by_columns
 * says: a worker computes some columns of all rows and fetches the part of the weight that belongs to them, where by
 * rows each would fetch all of it; and a small batch too keeps many workers busy. The plan sets
 * node->column_parallel_rows of nodes that are ever cut. It calls forward_columns in the place of forward, and
 * backward_columns, where the gradient of operand 0 is wanted, behind backward, which runs by rows as ever and
 * leaves that gradient alone. With a number of rows that is not cut both are called shard by shard with all columns.
 *
 * Numbers are sums over rows; the run divides once, at the update. Randomness is a function of (seed, node's name path,
 * step, turn, row in the whole batch, element) and of nothing else.
 *
 * Errors while recording are sticky: the first is kept, later builders return NULL, the caller checks tape->status
 * once.
 */
#ifndef AENC_TAPE_TAPE_H
#define AENC_TAPE_TAPE_H

#include "base/arena.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/random.h"
#include "io/message_text.h"
#include "math/kernels.h"

enum { RANK_MAX = AENC_RANK_MAX, OPERANDS_MAX = 8, SPACES_MAX = 4 };

enum node_kind { NODE_ROW, NODE_BATCH, NODE_PARAMETER, NODE_STATE, NODE_STEP };
enum op_span { SPAN_ROWS, SPAN_REDUCE, SPAN_ALL, SPAN_SERIAL };
enum gradient_mode { GRADIENT_NONE, GRADIENT_ASSIGN, GRADIENT_ADD };
enum tape_mode { MODE_TRAIN, MODE_EVALUATE };

/* Where a value or a gradient lives; an index into run->block. */
enum slot {
    SLOT_ACTIVATION, /* values of row and batch nodes, capacity rows each */
    SLOT_GRADIENT,   /* their gradients */
    SLOT_PARAMETER,
    SLOT_PARAMETER_GRADIENT, /* sums over rows */
    SLOT_STATE,
    SLOT_STEP,
    SLOT_COUNT
};

/* How a step value moves while a model is trained: from `from` to `to` during the first `over` epochs, then it
 * stays. Between them, with t running from 0 to 1: from + (to - from) t; or with (1 - cos(pi t)) / 2 for t; or
 * from^(1 - t) to^t. */
enum ramp_shape { RAMP_LINEAR, RAMP_COSINE, RAMP_EXPONENTIAL };
struct ramp {
    enum ramp_shape shape;
    double from, to, over; /* over 0: `to` at once */
};

struct shape {
    int rank;
    int64_t dim[RANK_MAX];
};

struct span {
    int64_t lo, hi;
};

struct tape;
struct node;
struct run;
struct description;

struct op {
    const char *name;
    int arity; /* -1: any number, up to OPERANDS_MAX */
    enum op_span span;
    bool partial;   /* gradient reaches only part of an operand */
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
    const struct op_talents *talents; /* NULL: none */
};

/* What only some ops do. Each member may be NULL. */
struct op_talents {
    /* In the place of gradient for the operands without gather, all at once: for an op that makes several of them in
     * one pass, or that first overwrites its own gradient with what all of them are made of (dense leaves the gradient
     * before the activation there) and then calls aenc_run_gradients. It asks aenc_gradient_mode for each operand:
     * GRADIENT_NONE - not wanted, do not touch; GRADIENT_ASSIGN - the first writer, overwrite; GRADIENT_ADD - add. The
     * gradients of the other operands (gathered: parameters, and batch nodes of a node with rows) are made afterwards,
     * by `gradient`. */
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
    /* Rows that one row becomes in the op's GEMMs (time steps, pixels). NULL: 1. */
    int64_t (*gemm_rows)(const struct node *n);
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
    enum slot slot;
    int64_t offset;                   /* of the value in its slot, in nums */
    int64_t gradient_offset;          /* of the gradient in SLOT_GRADIENT or SLOT_PARAMETER_GRADIENT; -1: none */
    int64_t part_offset;              /* SPAN_REDUCE: of its parts in run->part; -1: none */
    unsigned char mode[OPERANDS_MAX]; /* enum gradient_mode of each operand */
};

/* A loss term: a row node of shape (rows) or a scalar batch node. Its weight multiplies value and gradient. */
struct term {
    const char *name;
    struct node *node;
    double weight;
    struct node *weight_step; /* a step value that multiplies too; NULL: 1 */
};

/* New value of a state node, committed with the update. */
struct stage {
    struct node *state, *value;
};

/* A named input: a row leaf that the run fills from the caller's rows. */
struct field {
    const char *name;
    struct node *node;
};

struct tape {
    aenc_context *ctx;
    struct arena arena;
    aenc_status status; /* sticky */
    enum tape_mode mode;
    struct node **node;
    size_t node_count, node_capacity;
    int64_t capacity[SPACES_MAX];   /* rows of each row space; 0: not in use */
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
};

/* ---- Recording ---- */

void aenc_tape_create(aenc_context *ctx, enum tape_mode mode, int64_t row_capacity, struct tape *tape);
void aenc_tape_free(struct tape *tape);

/* Keeps the first failure: status with "op 'name': message". */
aenc_status aenc_tape_fail(struct tape *tape, aenc_status status, const char *format, ...) AENC_PRINTF(3, 4);

/* Leaves. dims of an input are those of one row; the row axis is put in front. offset is the place in the model's
 * block. `trained` false: a frozen parameter, no gradient below it. NULL with tape->status set on failure. */
struct node *aenc_tape_input(struct tape *tape, const char *name, const int64_t *dims, int rank);
struct node *aenc_tape_parameter(struct tape *tape, const char *name, struct shape shape, int64_t offset, bool trained);
struct node *aenc_tape_state(struct tape *tape, const char *name, struct shape shape, int64_t offset);
struct node *aenc_tape_step_value(struct tape *tape, const char *name, int64_t offset);
/* A step value that the run sets itself (ramp.c). A tape has either these or the caller's. */
struct node *aenc_tape_ramp(struct tape *tape, const char *name, struct ramp ramp);
double aenc_ramp_value(const struct ramp *ramp, double epochs);

/* Appends op(in...). attr is copied (attr_size bytes) into the arena. A NULL operand, or a tape that has failed,
 * returns NULL. */
struct node *aenc_tape_record(struct tape *tape, const struct op *op, struct node *const *in, int in_count,
                              const void *attr, size_t attr_size);

void aenc_tape_term(struct tape *tape, const char *name, struct node *node, double weight, struct node *weight_step);
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

/* ---- Shapes ---- */

int64_t aenc_shape_count(const struct shape *shape);
bool aenc_shape_equal(const struct shape *a, const struct shape *b);
/* Numbers of a row node's one row, or of any other node. */
int64_t aenc_node_row_size(const struct node *n);
/* "(rows, 28, 28)" or "(128, 784)", into a buffer of SHAPE_TEXT bytes; returns the buffer. */
enum { SHAPE_TEXT = DIMS_TEXT };
char *aenc_shape_text(const struct node *n, char *buffer);

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

/* ---- Plan ---- */

enum step_kind {
    STEP_FEED,
    STEP_FORWARD,
    STEP_COMBINE,
    STEP_SEED,
    STEP_BACKWARD,
    STEP_SHARD_GATHER,
    STEP_FORWARD_COLUMNS,
    STEP_BACKWARD_COLUMNS
};

/* One call on a range of rows, or once. */
struct plan_step {
    enum step_kind kind;
    struct node *node;
    int operand;         /* STEP_SHARD_GATHER */
    int64_t part_offset; /* STEP_SHARD_GATHER: of the parts in run->part */
};

enum stage_kind {
    STAGE_ROWS,    /* the steps for one shard, shard by shard, in parallel */
    STAGE_COLUMNS, /* one step for all rows, some columns at a time, in parallel */
    STAGE_ONCE,    /* each step once */
    STAGE_COMBINE, /* add up the parts of SPAN_REDUCE nodes */
    STAGE_GATHER   /* gradients without a row axis, tile by tile, in parallel */
};

/* The last stage of a training plan may be one of PRODUCTS: parameters whose gradients are nothing but sums of products
 * (talents->products) of values and gradients that stand in the row space of the last STAGE_ROWS. When that stage has run
 * and none of those is very large, it is known before the products are made that they will be finite, and each can
 * be used up while it is in cache. */

/* One tile of one gradient without row axis: uses first .. first + count - 1 add to it, in tape order; `add` when an
 * earlier stage has written it already. */
struct tile {
    struct node *target;
    struct span range; /* of axis 0 */
    int64_t first_use, use_count;
    bool add;
};

/* One use of a target: the (node, operand) pair whose operand it is. */
struct use {
    struct node *node;
    int operand;
    int64_t part_offset; /* by shard: of the parts in run->part; -1: by tile */
};

struct plan_stage {
    enum stage_kind kind;
    int space;
    int64_t first, count; /* into plan->step (ROWS, COLUMNS, ONCE, COMBINE) or plan->tile (GATHER) */
    bool joined;          /* with the stage before it a single one of rows, when none of both is cut by columns */
};

struct plan {
    const struct tape *tape;
    bool training;
    int64_t shard_rows[SPACES_MAX];
    int64_t size[SLOT_COUNT]; /* nums that the run must supply; STEP: of ramps; PARAMETER, STATE are the model's */
    int64_t part_size;        /* nums */
    struct plan_stage *stage;
    size_t stage_count, stage_capacity;
    size_t product_stage, bound_stage; /* that stage, and the one behind which the bound is taken; 0: none */
    int64_t product_tile;              /* nums of its largest tile */
    struct plan_step *step;
    size_t step_count, step_capacity;
    struct tile *tile;
    size_t tile_count, tile_capacity;
    struct use *use;
    size_t use_count, use_capacity;
};

/* The node whose memory n is: n itself, or what a chain of views looks at. */
static inline struct node *aenc_node_base(const struct node *n) { return n->base; }
/* Whether the node is computed row by row (SPAN_REDUCE included), and in which row space. */
bool aenc_node_by_rows(const struct node *n);
int aenc_node_space(const struct node *n);
/* Whether products of the node are cut by columns for any number of rows. */
static inline bool aenc_node_has_columns(const struct node *n) {
    return n->column_parallel_rows.lo < n->column_parallel_rows.hi;
}
/* How many shards so many rows of the space are. */
static inline int64_t aenc_plan_shards(const struct plan *plan, int space, int64_t rows) {
    return (rows + plan->shard_rows[space] - 1) / plan->shard_rows[space];
}
/* Gives every live value, gradient and part its place (memory.c); called by the plan. */
aenc_status aenc_plan_memory(struct tape *tape, struct plan *plan);

/* Plans for training (gradients of every trained parameter) or for inference (activation memory is reused by
 * lifetime: shards of such a plan may not run at the same time).
 * One plan per tape. On failure the plan is empty and tape->status says why: AENC_ERR_NO_GRADIENT names an op without
 * derivative above a trained parameter. */
aenc_status aenc_plan_create(struct tape *tape, bool training, struct plan *plan);
void aenc_plan_free(struct plan *plan);

/* ---- Run ---- */

/* Where the rows of a field come from: row r of the batch begins row[r] * stride values behind source (row NULL: r itself).
 * Integers are multiplied by scale as they are fed. */
enum value_type { VALUE_F32, VALUE_U8, VALUE_I32 };
struct binding {
    const void *source;
    int64_t stride; /* values */
    const int64_t *row;
    enum value_type type;
    double scale; /* not looked at for VALUE_F32 */
};

struct run {
    const struct plan *plan;
    num *block[SLOT_COUNT];
    num *part;
    num *ramp;           /* the run's own step values; NULL: none */
    double *tile_square; /* by tile: sum of squares of what it holds, taken while it is in cache */
    double *bound;       /* by shard of plan->bound_stage: of what its rows add to a product; NULL: no such stage */
    bool check_overflow_bound; /* set before a replay that asks aenc_run_bound */
    struct binding *binding;   /* one per field of the tape */
    const float *weight;       /* of each row; NULL: 1 */
    double weight_total;       /* of the live rows */
    int64_t live[SPACES_MAX];
    struct span rows; /* of the call: of the node, and in its row space; of one without rows the whole batch */
    int64_t shard;    /* of the call: index of the shard, for SPAN_REDUCE and by-shard parts */
    uint64_t seed, step;
    uint32_t turn;
    int64_t first_row; /* of this replay in the whole batch: inference in chunks sees the same draws */
    const struct kernels *kernels;
    matrix_product *gemm; /* what ops multiply with: aenc_blas_product's, in runners one without locks */
};

static inline num *aenc_value(const struct run *run, const struct node *n) { return run->block[n->slot] + n->offset; }
static inline num *aenc_gradient(const struct run *run, const struct node *n) {
    return run->block[n->kind == NODE_PARAMETER ? SLOT_PARAMETER_GRADIENT : SLOT_GRADIENT] + n->gradient_offset;
}
static inline enum gradient_mode aenc_gradient_mode(const struct node *n, int operand) {
    return (enum gradient_mode)n->mode[operand];
}
/* The gradients of all operands that are not gathered, one by one. */
void aenc_run_gradients(const struct node *n, struct span rows, const struct run *run);
/* SPAN_REDUCE: this shard's part, as many nums as the node has. */
static inline num *aenc_part(const struct run *run, const struct node *n, int64_t shard) {
    return run->part + n->part_offset + shard * aenc_node_row_size(n);
}
/* The draw of a random node for batch row `row`. */
static inline struct draw aenc_node_draw(const struct run *run, const struct node *n, int64_t row) {
    struct draw draw = {run->seed, n->stream, run->step, run->turn, (uint64_t)(run->first_row + row)};
    return draw;
}

/* Allocates what the run owns (activations, gradients, parts, bindings); the model's blocks are set by the caller. */
aenc_status aenc_run_create(aenc_context *ctx, const struct plan *plan, struct run *run);
void aenc_run_free(aenc_context *ctx, struct run *run);
/* Sets every ramp to its value after so many epochs of training, fractions included. */
void aenc_run_ramps(struct run *run, double epochs);
/* Replays the plan over the live rows. pool NULL: on this thread alone. */
void aenc_run_replay(struct run *run, struct pool *pool);
/* Stages [first, end) of it. */
void aenc_run_stages(const struct run *run, size_t first, size_t end, struct pool *pool);
/* With all stages before plan->product_stage behind it, check_overflow_bound: what no product of that stage exceeds,
 * far from infinite; INFINITY where that is not certain. */
double aenc_run_bound(const struct run *run);
/* Runs plan->product_stage. Each finished tile, `count` numbers of target's gradient from `first`, is given to
 * `take` by the thread that made it, and is not kept: scratch has `size` nums, plan->product_tile at least, for each
 * worker. */
struct tile_sink {
    void (*take)(void *user, const struct node *target, int64_t first, int64_t count, const num *gradient);
    void *user;
    num *scratch;
    int64_t size;
};
void aenc_run_products(const struct run *run, const struct tile_sink *sink, struct pool *pool);
/* Sum over rows of a term, in double and in row order; for a batch term its value times the total weight. */
double aenc_run_term(const struct run *run, const struct term *term);

#endif
