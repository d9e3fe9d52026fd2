/* broadcast.h - two operands of different shapes, element by element.
 *
 * The rule is NumPy's with the rows set apart: rows are matched with rows, an operand without rows repeats over them,
 * and the axes of one row are aligned from the right, size 1 repeating. (rows) therefore goes with (rows, 3): one
 * number for each row.
 *
 * A walk visits the result in strips: runs of elements along which each operand advances by 1 or stays. Neighbouring
 * axes are merged where they can be, so equal shapes are one strip, a trailing suffix one strip per repetition, a
 * scalar one strip per call.
 */
#ifndef AENC_OP_BROADCAST_H
#define AENC_OP_BROADCAST_H

#include "tape/op.h"

/* Shape, kind and space of n from its operands 0 and 1; the tape fails where they do not fit. */
aenc_status aenc_broadcast_infer(struct tape *tape, struct node *n);

enum walk_place { WALK_RESULT, WALK_A, WALK_B, WALK_PLACES };

struct walk {
    int64_t length;            /* elements of a strip */
    int64_t step[WALK_PLACES]; /* along the strip: 1, or 0 where it repeats; the result's is 1 */
    int64_t at[WALK_PLACES];   /* where the strip begins, in nums from the node's value */
    bool repeats[WALK_PLACES]; /* the walk meets elements of this place more than once */

    int rank; /* of the axes outside a strip, innermost first */
    int64_t dim[RANK_MAX], index[RANK_MAX];
    int64_t stride[WALK_PLACES][RANK_MAX];
};

/* The walk over `rows` of n (all of it where it has no rows). tile_of: the operand (0, 1) whose axis 0 is kept to
 * `tile`; -1: neither. A walk of no elements has length 0. */
void aenc_walk_begin(const struct node *n, struct span rows, int tile_of, struct span tile, struct walk *w);
/* On to the next strip; false after the last. */
bool aenc_walk_next(struct walk *w);

#endif
