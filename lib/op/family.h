/* family.h - what the files of this room share: their tables, the axis-0 view of an operand, and rules for tangents.
 */
#ifndef AENC_OP_FAMILY_H
#define AENC_OP_FAMILY_H

#include "op/builders.h"

extern const struct op *const aenc_elementwise_ops[];
extern const struct op *const aenc_binary_ops[];
extern const struct op *const aenc_linear_ops[];
extern const struct op *const aenc_reduce_ops[];
extern const struct op *const aenc_layout_ops[];
extern const struct op *const aenc_fold_ops[];
extern const struct op *const aenc_late_ops[];
extern const struct op *const aenc_softmax_ops[];
extern const struct op *const aenc_norm_ops[];
extern const struct op *const aenc_random_ops[];
extern const struct op *const aenc_stable_ops[];
extern const struct op *const aenc_jacobian_ops[];
extern const struct op *const aenc_sums_ops[];

/* ---- Shapes ---- */

/* 1 where axis 0 is the rows. */
static inline int aenc_op_row_axes(const struct node *n) { return n->kind == NODE_ROW ? 1 : 0; }
/* Rank of one row, or of any other node. */
static inline int aenc_op_row_rank(const struct node *n) { return n->shape.rank - aenc_op_row_axes(n); }
/* Product of the dimensions of axes [first, end). */
int64_t aenc_op_axes_count(const struct node *n, int first, int end);
/* Numbers under one index of axis 0. */
static inline int64_t aenc_op_stride0(const struct node *n) {
    return n->shape.rank == 0 ? 1 : aenc_op_axes_count(n, 1, n->shape.rank);
}
/* The span of axis 0 that a call over `rows` covers: the rows of a row node, all of any other (a scalar: one). */
static inline struct span aenc_op_span0(const struct node *n, struct span rows) {
    struct span all = {0, n->shape.rank == 0 ? 1 : n->shape.dim[0]};
    return n->kind == NODE_ROW ? rows : all;
}
/* Gives n the kind, row space and shape of x: a row node, or a batch node for anything without rows. */
aenc_status aenc_op_infer_like(struct node *n, const struct node *x);
/* Whether axis is one of x's and not its rows; otherwise the tape fails. */
bool aenc_op_axis_good(struct tape *tape, const struct node *x, int axis);

/* Whether n is a function of one number, and which; otherwise neither is written. */
bool aenc_op_is_function(const struct node *n, enum function *function, double *slope);
/* "relu", "identity" */
const char *aenc_op_function_name(enum function function);

/* ---- Tangents ----
 *
 * A tangent has the shape of its value, with any number of direction axes in front of it (behind the rows), and may be
 * without rows when it has one. A tangent builder returns NULL on a sound tape where the derivative is zero. */

/* Direction axes of t, a tangent of x. */
static inline int aenc_op_directions(const struct node *t, const struct node *x) {
    return aenc_op_row_rank(t) - aenc_op_row_rank(x);
}
/* The axis of t that axis `axis` of x has become. */
static inline int aenc_op_tangent_axis(const struct node *t, const struct node *x, int axis) {
    return axis - aenc_op_row_axes(x) + aenc_op_directions(t, x) + aenc_op_row_axes(t);
}
/* t with rows where x has them and t has not. */
struct node *aenc_op_tangent_rows(struct tape *tape, struct node *t, struct node *x);
/* t reshaped behind its direction axes to the shape of one row of `like` (of all of it, without rows). */
struct node *aenc_op_tangent_reshape(struct tape *tape, struct node *t, const struct node *x, const struct node *like);
/* n itself, for a tangent that names its result as an operand. */
static inline struct node *aenc_op_result(struct tape *tape, const struct node *n) { return tape->node[n->index]; }

#endif
