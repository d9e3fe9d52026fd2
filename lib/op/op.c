/* op.c - the list of all families, and what they share. */
#include "op/family.h"

int64_t aenc_op_axes_count(const struct node *n, int first, int end) {
    int64_t count = 1;
    for (int i = first; i < end; i++) count *= n->shape.dim[i];
    return count;
}

aenc_status aenc_op_infer_like(struct node *n, const struct node *x) {
    n->kind = x->kind == NODE_ROW ? NODE_ROW : NODE_BATCH;
    n->space = x->space;
    n->shape = x->shape;
    return AENC_OK;
}

bool aenc_op_axis_good(struct tape *tape, const struct node *x, int axis) {
    int first = aenc_op_row_axes(x);
    if (axis >= first && axis < x->shape.rank) return true;
    char text[SHAPE_TEXT];
    if (first == x->shape.rank)
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "axis %d of shape %s: it has none to choose", axis,
                       aenc_shape_text(x, text));
    else
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "axis %d of shape %s: it must be %d to %d", axis, aenc_shape_text(x, text),
                       first, x->shape.rank - 1);
    return false;
}

struct node *aenc_op_tangent_rows(struct tape *tape, struct node *t, struct node *x) {
    if (t == NULL || x->kind != NODE_ROW || t->kind == NODE_ROW) return t;
    struct node *zero = aenc_op_affine(tape, aenc_op_stop_gradient(tape, x), 0, 0);
    return aenc_op_add(tape, zero, t);
}

struct node *aenc_op_tangent_reshape(struct tape *tape, struct node *t, const struct node *x, const struct node *like) {
    if (t == NULL) return NULL;
    int directions = aenc_op_directions(t, x);
    int rank = aenc_op_row_rank(like);
    if (directions + rank > RANK_MAX) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "a tangent of %d direction axes and %d others exceeds rank %d", directions,
                       rank, RANK_MAX);
        return NULL;
    }
    int64_t dims[RANK_MAX] = {0};
    for (int i = 0; i < directions; i++) dims[i] = t->shape.dim[aenc_op_row_axes(t) + i];
    for (int i = 0; i < rank; i++) dims[directions + i] = like->shape.dim[aenc_op_row_axes(like) + i];
    return aenc_op_reshape(tape, t, dims, directions + rank);
}

const struct op *const *const aenc_op_tables[] = {
    aenc_elementwise_ops, aenc_binary_ops,
    aenc_linear_ops,      aenc_reduce_ops,
    aenc_layout_ops,      aenc_fold_ops,
    aenc_late_ops,        aenc_softmax_ops,
    aenc_norm_ops,        aenc_random_ops,
    aenc_stable_ops,      aenc_jacobian_ops,
    aenc_sums_ops,        NULL,
};
