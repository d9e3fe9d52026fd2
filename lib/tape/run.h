/* run.h - replaying a plan. `struct run` itself stands in op.h, since ops read it. */
#ifndef AENC_TAPE_RUN_H
#define AENC_TAPE_RUN_H

#include "base/pool.h"
#include "tape/plan.h"

/* Where the rows of a field come from: row r of the batch begins row[r] * stride values behind source (row NULL: r itself).
 * Integers are multiplied by scale as they are fed. */
struct binding {
    const void *source;
    int64_t stride; /* values */
    const int64_t *row;
    enum value_type type;
    double scale; /* not looked at for VALUE_F32 */
};

/* Allocates what the run owns (activations, gradients, parts, bindings); the model's blocks are set by the caller. */
aenc_status aenc_run_create(aenc_context *ctx, const struct plan *plan, struct run *run);
void aenc_run_free(aenc_context *ctx, struct run *run);
/* Sets every ramp to its value after so many epochs of training, fractions included. */
void aenc_run_ramps(struct run *run, double epochs);
/* Replays the plan over the live rows. pool NULL, or with more workers than the context had at aenc_run_create: on this
 * thread alone. */
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
/* The first node, in the order of recording, whose value in a replay like the last one is not finite; NULL: all are. On
 * this thread alone; gradients of rows are overwritten. */
const struct node *aenc_run_first_bad(const struct run *run);
/* Sum over rows of a term, in double and in row order; for a batch term its value times the total weight. */
double aenc_run_term(const struct run *run, const struct term *term);

#endif
