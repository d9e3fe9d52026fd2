/* broadcast.c - shapes of two operands, and the walk over their elements. */
#include "op/broadcast.h"

#include <string.h>

#include "op/family.h"

static aenc_status refuse(struct tape *tape, const struct node *n, const char *why) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': shapes %s and %s %s", n->op->name,
                          aenc_shape_text(n->in[0], a), aenc_shape_text(n->in[1], b), why);
}

/* Dimension of the axis of x that is `from_right` places from the last of a row; 1 beyond its rank. */
static int64_t dim_from_right(const struct node *x, int from_right) {
    return from_right < aenc_op_row_rank(x) ? x->shape.dim[x->shape.rank - 1 - from_right] : 1;
}

aenc_status aenc_broadcast_infer(struct tape *tape, struct node *n) {
    const struct node *a = n->in[0], *b = n->in[1];
    const struct node *rows = a->kind == NODE_ROW ? a : b;
    if (a->kind == NODE_ROW && b->kind == NODE_ROW && (a->space != b->space || a->shape.dim[0] != b->shape.dim[0]))
        return refuse(tape, n, "belong to different row spaces");
    int row_axes = aenc_op_row_axes(rows);
    int rank = aenc_op_row_rank(a) > aenc_op_row_rank(b) ? aenc_op_row_rank(a) : aenc_op_row_rank(b);
    if (rank + row_axes > RANK_MAX) return refuse(tape, n, "have too many axes together");
    n->kind = row_axes == 1 ? NODE_ROW : NODE_BATCH;
    n->space = rows->space;
    n->shape = (struct shape){rank + row_axes, {0}};
    if (row_axes == 1) n->shape.dim[0] = rows->shape.dim[0];
    for (int i = 0; i < rank; i++) {
        int64_t da = dim_from_right(a, i), db = dim_from_right(b, i);
        if (da != db && da != 1 && db != 1) return refuse(tape, n, "do not broadcast");
        n->shape.dim[n->shape.rank - 1 - i] = da == 1 ? db : da;
    }
    return AENC_OK;
}

/* Puts an axis outside those there are, merged with the outermost where every place allows it. */
static void axis_put(struct walk *w, int64_t dim, const int64_t stride[WALK_PLACES]) {
    int outer = w->rank - 1;
    bool merge = w->rank > 0;
    for (int p = 0; p < WALK_PLACES && merge; p++) merge = stride[p] == w->stride[p][outer] * w->dim[outer];
    for (int p = 0; p < WALK_PLACES; p++) w->repeats[p] = w->repeats[p] || (stride[p] == 0 && dim > 1);
    if (merge) {
        w->dim[outer] *= dim;
        return;
    }
    for (int p = 0; p < WALK_PLACES; p++) w->stride[p][w->rank] = stride[p];
    w->dim[w->rank++] = dim;
}

/* Takes the innermost axis out as the strip. */
static void strip_take(struct walk *w) {
    w->length = 1;
    for (int p = 0; p < WALK_PLACES; p++) w->step[p] = 1;
    if (w->rank == 0) return;
    w->length = w->dim[0];
    w->rank--;
    for (int p = 0; p < WALK_PLACES; p++) {
        w->step[p] = w->stride[p][0];
        memmove(w->stride[p], w->stride[p] + 1, (size_t)w->rank * sizeof w->stride[p][0]);
    }
    memmove(w->dim, w->dim + 1, (size_t)w->rank * sizeof w->dim[0]);
    for (int i = 0; i < w->rank; i++)
        if (w->dim[i] == 0) w->length = 0;
}

void aenc_walk_begin(const struct node *n, struct span rows, int tile_of, struct span tile, struct walk *w) {
    const struct node *place[WALK_PLACES] = {n, n->in[0], n->in[1]};
    int64_t size[WALK_PLACES] = {1, 1, 1}; /* of the axes passed so far */
    memset(w, 0, sizeof *w);
    int tile_axis = tile_of < 0 ? -1 : aenc_op_row_rank(n->in[tile_of]) - 1; /* from the right */
    for (int i = 0; i < aenc_op_row_rank(n); i++) {
        int64_t dim = dim_from_right(n, i);
        if (dim == 1) continue;
        int64_t stride[WALK_PLACES];
        for (int p = 0; p < WALK_PLACES; p++) {
            int64_t own = dim_from_right(place[p], i);
            stride[p] = own == 1 ? 0 : size[p];
            size[p] *= own;
        }
        if (i == tile_axis && dim_from_right(n->in[tile_of], i) != 1) {
            for (int p = 0; p < WALK_PLACES; p++) w->at[p] += tile.lo * stride[p];
            dim = tile.hi - tile.lo;
        }
        axis_put(w, dim, stride);
    }
    if (n->kind == NODE_ROW) {
        int64_t stride[WALK_PLACES];
        for (int p = 0; p < WALK_PLACES; p++) stride[p] = place[p]->kind == NODE_ROW ? size[p] : 0;
        for (int p = 0; p < WALK_PLACES; p++) w->at[p] += rows.lo * stride[p];
        axis_put(w, rows.hi - rows.lo, stride);
    }
    strip_take(w);
}

bool aenc_walk_next(struct walk *w) {
    for (int i = 0; i < w->rank; i++) {
        for (int p = 0; p < WALK_PLACES; p++) w->at[p] += w->stride[p][i];
        if (++w->index[i] < w->dim[i]) return true;
        for (int p = 0; p < WALK_PLACES; p++) w->at[p] -= w->stride[p][i] * w->dim[i];
        w->index[i] = 0;
    }
    return false;
}
