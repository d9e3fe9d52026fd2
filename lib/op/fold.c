/* fold.c - views between row spaces: what a row has several of (samples, classes, time steps) as rows of their own.
 *
 * Memory is the same on both sides, so there is nothing to compute and nothing to send back. The plan puts a boundary
 * where one space reads what another has computed.
 */
#include <inttypes.h>

#include "io/message_text.h"
#include "op/family.h"

/* (rows, k, ...) of a space to (k rows, ...) of that with k times its factor. */
static aenc_status fold_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    char text[SHAPE_TEXT];
    if (x->kind != NODE_ROW || x->shape.rank < 2)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'fold': shape %s has no rows, or no axis behind them",
                              aenc_shape_text(x, text));
    int64_t k = x->shape.dim[1];
    int space = k > INT64_MAX / tape->factor[x->space] ? aenc_tape_space(tape, 0)
                                                       : aenc_tape_space(tape, tape->factor[x->space] * k);
    if (space < 0) return tape->status;
    n->kind = NODE_ROW;
    n->space = space;
    n->shape.rank = x->shape.rank - 1;
    n->shape.dim[0] = tape->capacity[space];
    for (int i = 1; i < n->shape.rank; i++) n->shape.dim[i] = x->shape.dim[i + 1];
    return AENC_OK;
}

/* (k rows, ...) to (rows, k, ...) */
static aenc_status unfold_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    int64_t k = *(const int64_t *)n->attr;
    char text[SHAPE_TEXT];
    if (x->kind != NODE_ROW || k < 1 || tape->factor[x->space] % k != 0)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE,
                              "op 'unfold': the rows of shape %s are not %" PRId64 " for each row",
                              aenc_shape_text(x, text), k);
    if (x->shape.rank == RANK_MAX)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'unfold': shape %s has as many axes as there may be",
                              aenc_shape_text(x, text));
    int space = aenc_tape_space(tape, tape->factor[x->space] / k);
    if (space < 0) return tape->status;
    n->kind = NODE_ROW;
    n->space = space;
    n->shape.rank = x->shape.rank + 1;
    n->shape.dim[0] = tape->capacity[space];
    n->shape.dim[1] = k;
    for (int i = 2; i < n->shape.rank; i++) n->shape.dim[i] = x->shape.dim[i - 1];
    return AENC_OK;
}

static void unfold_describe(const struct node *n, struct description *to) {
    aenc_describe_number(to, "k", (double)n->shape.dim[1]);
}

static const struct op fold_op = {.name = "fold", .arity = 1, .view = true, .infer = fold_infer};
static const struct op unfold_op = {
    .name = "unfold", .arity = 1, .view = true, .infer = unfold_infer, .describe = unfold_describe};

struct node *aenc_op_fold(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &fold_op, &x, 1, NULL, 0);
}

struct node *aenc_op_unfold(struct tape *tape, struct node *x, int64_t k) {
    return aenc_tape_record(tape, &unfold_op, &x, 1, &k, sizeof k);
}

struct node *aenc_op_spread(struct tape *tape, struct node *x, int64_t k) {
    int64_t dims[RANK_MAX] = {1};
    if (x == NULL || k == 1) return x;
    int rank = x->shape.rank;
    for (int i = 1; i < rank; i++) dims[i] = x->shape.dim[i];
    return aenc_op_fold(tape, aenc_op_repeat(tape, aenc_op_reshape(tape, x, dims, rank), 1, k));
}

const struct op *const aenc_fold_ops[] = {&fold_op, &unfold_op, NULL};
