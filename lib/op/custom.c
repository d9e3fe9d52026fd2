/* custom.c - an op of somebody else's: two functions on rows. Its `struct op` is made while recording, in the tape's
 * arena, so that it has a name and a derivative of its own or none. */
#include <string.h>

#include "io/message_text.h"
#include "op/family.h"

struct custom_attr {
    struct custom_op call;
    int64_t dim[RANK_MAX];
    int rank;
};

static aenc_status custom_infer(struct tape *tape, struct node *n) {
    const struct custom_attr *attr = n->attr;
    const struct node *x = n->in[0];
    char text[SHAPE_TEXT];
    if (x->kind != NODE_ROW || attr->rank < 0 || attr->rank >= RANK_MAX)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE,
                              "op '%s': from shape %s to rows of %d axes; it takes a node with rows, and "
                              "a row has at most %d axes",
                              n->op->name, aenc_shape_text(x, text), attr->rank, RANK_MAX - 1);
    n->kind = NODE_ROW;
    n->space = x->space;
    n->shape = (struct shape){attr->rank + 1, {x->shape.dim[0]}};
    for (int i = 0; i < attr->rank; i++) n->shape.dim[i + 1] = attr->dim[i];
    return AENC_OK;
}

static void custom_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct custom_op *call = &((const struct custom_attr *)n->attr)->call;
    int64_t in = aenc_node_row_size(n->in[0]), out = aenc_node_row_size(n);
    call->forward(call->user, aenc_value(run, n->in[0]) + rows.lo * in, aenc_value(run, n) + rows.lo * out,
                  (size_t)(rows.hi - rows.lo), (size_t)in, (size_t)out);
}

static void custom_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    const struct custom_op *call = &((const struct custom_attr *)n->attr)->call;
    const struct node *x = n->in[operand];
    int64_t in = aenc_node_row_size(x), out = aenc_node_row_size(n), rows = s.hi - s.lo;
    if (!add) memset(dx, 0, (size_t)(rows * in) * sizeof *dx);
    call->backward(call->user, aenc_value(run, x) + s.lo * in, aenc_value(run, n) + s.lo * out,
                   aenc_gradient(run, n) + s.lo * out, dx, (size_t)rows, (size_t)in, (size_t)out);
}

static void custom_describe(const struct node *n, struct description *to) {
    const struct custom_attr *attr = n->attr;
    aenc_describe_whole(to, "dims", attr->dim, attr->rank);
}

struct node *aenc_op_custom(struct tape *tape, const struct custom_op *custom, struct node *x, const int64_t *dims,
                            int rank) {
    if (tape->status != AENC_OK) return NULL;
    struct op *op = aenc_arena_alloc(&tape->arena, 1, sizeof *op);
    const char *name = aenc_arena_text(&tape->arena, custom->name);
    if (op == NULL || name == NULL) {
        tape->status = AENC_ERR_NO_MEMORY;
        return NULL;
    }
    *op = (struct op){.name = name,
                      .arity = 1,
                      .infer = custom_infer,
                      .forward = custom_forward,
                      .describe = custom_describe,
                      .gradient = custom->backward == NULL ? NULL : custom_gradient};
    struct custom_attr attr = {.call = *custom, .rank = rank};
    attr.call.name = name;
    for (int i = 0; i < rank && i < RANK_MAX; i++) attr.dim[i] = dims[i];
    return aenc_tape_record(tape, op, &x, 1, &attr, sizeof attr);
}
