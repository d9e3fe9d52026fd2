/* planner.h - what plan.c and tiles.c share while a tape is planned. */
#ifndef AENC_TAPE_PLANNER_H
#define AENC_TAPE_PLANNER_H

#include "tape/plan.h"

struct planner {
    struct tape *tape;
    struct plan *plan;
    bool *written;               /* by index of a base: its gradient has been assigned */
    struct gathering *gathering; /* every use whose gradient is gathered, in tape order */
    size_t *first;               /* by index of a base: its first use in gathering, plus 1; 0: none */
    unsigned char *products;     /* by index of a base: enum verdict of weight_of_products */
    int top;                     /* highest level */
    struct node **order;         /* what lives, by level, then in tape order */
    size_t *begin;               /* by level: of its nodes in order; of top + 1 the end */
    struct target *target;       /* batch nodes whose gradients are gathered, once for each level of such uses ... */
    size_t *wanted;              /* ... by level: the first of them, plus 1; 0: none */
};

struct target {
    struct node *node;
    size_t next; /* of the same level, plus 1; 0: none */
};

enum verdict { VERDICT_NONE, VERDICT_NO, VERDICT_YES };

struct gathering {
    struct node *node;
    int operand;
    size_t next; /* of the same base, plus 1; 0: none */
};

/* The gradient of operand i is summed over rows, by tile or by shard, rather than written by backward. */
bool aenc_planner_gathered(const struct node *n, int i);
/* ... by shard. */
bool aenc_planner_by_shard(const struct node *n, int k);
/* Closes the stage of all steps (or tiles) since `first`; nothing when there are none. With `join` a shard need not
 * wait here for the others. */
aenc_status aenc_planner_stage(const struct planner *p, enum stage_kind kind, int space, size_t first, bool join);

/* tiles.c */

/* Chains the uses of every base, so that a tape of thousands of parameters is looked through once. */
aenc_status aenc_planner_gatherings(struct planner *p);
/* The batch nodes that rows on each level read, in tape order. */
aenc_status aenc_planner_targets(struct planner *p);
/* Their gradients' stage. */
aenc_status aenc_planner_gather(const struct planner *p, int level);
/* The parameters', at the end of the walk. */
aenc_status aenc_planner_parameters(const struct planner *p);
/* The sums by tile of one level. */
aenc_status aenc_planner_reductions(const struct planner *p, int level, int space);

#endif
