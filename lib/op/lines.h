/* lines.h - a node's memory seen as lines: the numbers of its last axes, one line after the other.
 *
 * Ops that work on the last axis do not care how many axes stand in front of it. These functions turn a span of rows
 * into a span of lines, for nodes with and without a row axis alike.
 */
#ifndef AENC_OP_LINES_H
#define AENC_OP_LINES_H

#include "tape/op.h"

/* Lines of `width` numbers that the span's rows of n are made of; all of them when n has no rows. */
static inline struct span aenc_lines(const struct node *n, struct span rows, int64_t width) {
    int64_t each = aenc_node_row_size(n) / width;
    struct span whole = {0, each};
    struct span part = {rows.lo * each, rows.hi * each};
    return n->kind == NODE_ROW ? part : whole;
}

/* Size of the last axis; 1 for a scalar. */
static inline int64_t aenc_line_width(const struct node *n) {
    return n->shape.rank == 0 ? 1 : n->shape.dim[n->shape.rank - 1];
}

#endif
