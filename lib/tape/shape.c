/* shape.c - counting, comparing and naming shapes. */
#include <string.h>

#include "io/message_text.h"

#include "tape/op.h"

int64_t aenc_shape_count(const struct shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) count *= shape->dim[i];
    return count;
}

bool aenc_shape_equal(const struct shape *a, const struct shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

int64_t aenc_node_row_size(const struct node *n) {
    int64_t count = 1;
    for (int i = n->kind == NODE_ROW ? 1 : 0; i < n->shape.rank; i++) count *= n->shape.dim[i];
    return count;
}

struct shape aenc_row_shape(const struct node *n) {
    struct shape shape = {n->shape.rank - 1, {0}};
    for (int i = 0; i < shape.rank; i++) shape.dim[i] = n->shape.dim[i + 1];
    return shape;
}

char *aenc_shape_text(const struct node *n, char *buffer) {
    const struct dims_text text = aenc_dims(n->shape.dim, n->shape.rank, n->kind == NODE_ROW);
    return memcpy(buffer, text.text, sizeof text.text);
}
