/* late.c - gradients weighed by what is computed behind.
 *
 * The doubly reparameterised gradient multiplies what reaches a draw by the draw's weight, which follows from the loss of all draws:
 * from nodes behind. `late` has a place for such a weight, `late_set` fills it on the way up, `weigh_gradient` reads it on the
 * way down. A node behind writes to a node before it here, and nowhere else.
 */
#include <string.h>

#include "io/message_text.h"
#include "op/family.h"

/* ---- late: (rows), 1 ---- */

static aenc_status late_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    char text[SHAPE_TEXT];
    if (x->kind != NODE_ROW)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'late': x of shape %s has no rows", aenc_shape_text(x, text));
    aenc_op_infer_like(n, x);
    n->shape.rank = 1;
    n->needs_gradient = false;
    return AENC_OK;
}

static void late_forward(const struct node *n, struct span rows, const struct run *run) {
    num *y = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++) y[r] = 1;
}

static const struct op late_op = {.name = "late", .arity = 1, .infer = late_infer, .forward = late_forward};

/* ---- late_set: the weight, to both ---- */

static aenc_status late_set_infer(struct tape *tape, struct node *n) {
    const struct node *late = n->in[0], *w = n->in[1];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (late->op != &late_op || w->kind != NODE_ROW || w->space != late->space || w->shape.rank != 1)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'late_set': %s is not a place for a weight of shape %s",
                              aenc_shape_text(late, a), aenc_shape_text(w, b));
    n->needs_gradient = false;
    return aenc_op_infer_like(n, late);
}

static void late_set_forward(const struct node *n, struct span rows, const struct run *run) {
    const num *w = aenc_value(run, n->in[1]) + rows.lo;
    size_t bytes = (size_t)(rows.hi - rows.lo) * sizeof *w;
    memcpy(aenc_value(run, n->in[0]) + rows.lo, w, bytes);
    memcpy(aenc_value(run, n) + rows.lo, w, bytes);
}

static const struct op late_set_op = {
    .name = "late_set", .arity = 2, .infer = late_set_infer, .forward = late_set_forward};

/* ---- weigh_gradient: y = x, dx = late dy ---- */

static aenc_status weigh_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0], *late = n->in[1];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (x->kind != NODE_ROW || late->kind != NODE_ROW || late->space != x->space || late->shape.rank != 1 ||
        late->needs_gradient)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'weigh_gradient': x of shape %s and weights of shape %s",
                              aenc_shape_text(x, a), aenc_shape_text(late, b));
    return aenc_op_infer_like(n, x);
}

static void weigh_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n), at = rows.lo * size;
    memcpy(aenc_value(run, n) + at, aenc_value(run, n->in[0]) + at, (size_t)((rows.hi - rows.lo) * size) * sizeof(num));
}

static void weigh_gradient(const struct node *n, int operand, struct span rows, num *dx, bool add,
                           const struct run *run) {
    (void)operand;
    int64_t size = aenc_node_row_size(n);
    const num *dy = aenc_gradient(run, n) + rows.lo * size, *late = aenc_value(run, n->in[1]);
    for (int64_t r = rows.lo; r < rows.hi; r++)
        for (int64_t i = 0; i < size; i++, dx++, dy++) *dx = (add ? *dx : 0) + late[r] * *dy;
}

static const struct op weigh_op = {.name = "weigh_gradient",
                                   .arity = 2,
                                   .surrogate = true,
                                   .infer = weigh_infer,
                                   .forward = weigh_forward,
                                   .gradient = weigh_gradient};

struct node *aenc_op_late(struct tape *tape, const struct node *x) {
    struct node *in = (struct node *)x;
    return aenc_tape_record(tape, &late_op, &in, 1, NULL, 0);
}

struct node *aenc_op_late_set(struct tape *tape, struct node *late, struct node *w) {
    struct node *in[] = {late, w};
    return aenc_tape_record(tape, &late_set_op, in, 2, NULL, 0);
}

struct node *aenc_op_weigh_gradient(struct tape *tape, struct node *x, struct node *late) {
    struct node *in[] = {x, late};
    return aenc_tape_record(tape, &weigh_op, in, 2, NULL, 0);
}

const struct op *const aenc_late_ops[] = {&late_op, &late_set_op, &weigh_op, NULL};
