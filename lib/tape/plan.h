/* plan.h - from a recording to stages of steps, and a place for every value and gradient.
 *
 * plan.c orders and memory.c places. A plan ends a stage wherever something must be complete for all rows before the
 * next may begin.
 */
#ifndef AENC_TAPE_PLAN_H
#define AENC_TAPE_PLAN_H

#include "tape/tape.h"

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
    STAGE_GATHER,  /* gradients without a row axis, tile by tile, in parallel */
    STAGE_REDUCE   /* SPAN_REDUCE nodes that are too wide for parts, tile by tile, in parallel */
};
/* Whether such a stage counts tiles rather than steps. */
static inline bool aenc_stage_of_tiles(enum stage_kind kind) { return kind == STAGE_GATHER || kind == STAGE_REDUCE; }

/* The last stage of a training plan may be one of PRODUCTS: parameters whose gradients are nothing but sums of products
 * (talents->products) of values and gradients that stand in the row space of the last STAGE_ROWS. When that stage has run
 * and none of those is very large, it is known before the products are made that they will be finite, and each can
 * be used up while it is in cache. */

/* One tile of one gradient without row axis: uses first .. first + count - 1 add to it, in tape order; `add` when an
 * earlier stage has written it already. Or one of a node's value (REDUCE), without uses. */
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
    int64_t first, count; /* into plan->step, or plan->tile (GATHER, REDUCE) */
    bool joined;          /* with the stage before it a single one of rows, when none of both is cut by columns */
};

struct plan {
    const struct tape *tape;
    bool training;
    int64_t shard_rows[SPACES_MAX];
    int64_t size[SLOT_COUNT]; /* nums that the run must supply; STEP: of ramps; PARAMETER, STATE are the model's */
    int64_t part_size;        /* nums */
    int64_t scratch_size;     /* nums of each worker */
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
/* How many shards so many rows of the space are. */
static inline int64_t aenc_plan_shards(const struct plan *plan, int space, int64_t rows) {
    return (rows + plan->shard_rows[space] - 1) / plan->shard_rows[space];
}
/* Gives every live value, gradient and part its place (memory.c); called by the plan. */
aenc_status aenc_plan_memory(struct tape *tape, struct plan *plan);

/* Plans for training (gradients of every trained parameter) or for inference. In both, memory is reused by lifetime:
 * after a replay only outputs, terms and staged values can be read, in training also what the gradients of parameters
 * are made of, and the gradients of inputs.
 * One plan per tape. On failure the plan is empty and tape->status says why: AENC_ERR_NO_GRADIENT names an op without
 * derivative above a trained parameter. */
aenc_status aenc_plan_create(struct tape *tape, bool training, struct plan *plan);
void aenc_plan_free(struct plan *plan);

#endif
