/* custom.c - an op of somebody else's: functions on rows, which may fail. Its `struct op` is made while recording, in the tape's
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
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i]->kind != NODE_ROW || n->in[i]->space != x->space || attr->rank < 0 || attr->rank >= RANK_MAX)
            return aenc_tape_fail(
                tape, AENC_ERR_SHAPE,
                "op '%s': from shape %s to rows of %d axes; it takes nodes with rows of one kind, and "
                "a row has at most %d axes",
                n->op->name, aenc_shape_text(n->in[i], text), attr->rank, RANK_MAX - 1);
    n->kind = NODE_ROW;
    n->space = x->space;
    n->shape = (struct shape){attr->rank + 1, {x->shape.dim[0]}};
    for (int i = 0; i < attr->rank; i++) n->shape.dim[i + 1] = attr->dim[i];
    return AENC_OK;
}

/* False where it has failed, now or before in this replay. dx: NULL, or the operand's. */
static bool custom_call(const struct node *n, struct span rows, int operand, num *dx, const struct run *run) {
    const struct custom_op *custom = &((const struct custom_attr *)n->attr)->call;
    int64_t out = aenc_node_row_size(n);
    struct custom_rows call = {.rows = rows.hi - rows.lo,
                               .first_row = run->first_row * run->factor[n->space] + rows.lo,
                               .out = out,
                               .y = aenc_value(run, n) + rows.lo * out,
                               .dx = dx,
                               .operand = operand};
    if (dx != NULL) call.dy = aenc_gradient(run, n) + rows.lo * out;
    for (int i = 0; i < n->in_count; i++) {
        call.in[i] = aenc_node_row_size(n->in[i]);
        call.x[i] = aenc_value(run, n->in[i]) + rows.lo * call.in[i];
    }
    struct run_failure *failure = run->failure;
    int none = 0;
    if (failure != NULL && atomic_load_explicit(&failure->result, memory_order_relaxed) != 0) return false;
    int result = custom->call(custom->user, &call);
    if (result == 0) return true;
    if (failure != NULL && atomic_compare_exchange_strong(&failure->result, &none, result)) {
        failure->node = n;
        failure->backward = dx != NULL;
    }
    return false;
}

static void custom_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t out = aenc_node_row_size(n);
    if (custom_call(n, rows, 0, NULL, run)) return;
    memset(aenc_value(run, n) + rows.lo * out, 0, (size_t)((rows.hi - rows.lo) * out) * sizeof(num));
}

static void custom_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    int64_t in = aenc_node_row_size(n->in[operand]);
    if (!add) memset(dx, 0, (size_t)((s.hi - s.lo) * in) * sizeof *dx);
    (void)custom_call(n, s, operand, dx, run);
}

static void custom_describe(const struct node *n, struct description *to) {
    const struct custom_attr *attr = n->attr;
    aenc_describe_whole(to, "dims", attr->dim, attr->rank);
}

struct node *aenc_op_custom(struct tape *tape, const struct custom_op *custom, struct node *const *x, int count,
                            const int64_t *dims, int rank) {
    if (tape->status != AENC_OK) return NULL;
    struct op *op = aenc_arena_alloc(&tape->arena, 1, sizeof *op);
    const char *name = aenc_arena_text(&tape->arena, custom->name);
    if (op == NULL || name == NULL) {
        tape->status = AENC_ERR_NO_MEMORY;
        return NULL;
    }
    *op = (struct op){.name = name,
                      .arity = count,
                      .infer = custom_infer,
                      .forward = custom_forward,
                      .describe = custom_describe,
                      .gradient = custom->differentiable ? custom_gradient : NULL};
    struct custom_attr attr = {.call = *custom, .rank = rank};
    attr.call.name = name;
    for (int i = 0; i < rank && i < RANK_MAX; i++) attr.dim[i] = dims[i];
    return aenc_tape_record(tape, op, x, count, &attr, sizeof attr);
}
