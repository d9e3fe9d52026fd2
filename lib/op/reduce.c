/* reduce.c - sums, means and maxima: over one axis, over a whole row, over the rows of the batch.
 *
 * An axis reduction sees its operand as (outer, length, inner) and its result as (outer, inner). Reducing the rows
 * themselves is another matter: each shard makes a part, and the parts are added in shard order, in double.
 */
#include <string.h>

#include "io/message_text.h"
#include "op/family.h"

/* The operand as three axes, of the part that a call covers. */
struct block {
    int64_t outer, length, inner;
};

/* ---- Over one axis: y[o, i] = sum over l of x[o, l, i] ---- */

struct axis_attr {
    enum reduction reduction;
    int axis;
    bool keep;
};

/* Where a span of axis 0 begins in x and in y, and what it holds. */
struct reach {
    struct block block;
    int64_t x, y;
};

/* Also for a span of the axis that is reduced itself, when that is axis 0. */
static struct reach axis_reach(const struct node *x, int axis, struct span s) {
    int64_t inner = aenc_op_axes_count(x, axis + 1, x->shape.rank);
    if (axis == 0) return (struct reach){{1, s.hi - s.lo, inner}, s.lo * inner, 0};
    int64_t outer = aenc_op_axes_count(x, 1, axis), length = x->shape.dim[axis];
    return (struct reach){{(s.hi - s.lo) * outer, length, inner}, s.lo * outer * length * inner, s.lo * outer * inner};
}

static aenc_status axis_infer(struct tape *tape, struct node *n) {
    const struct axis_attr *attr = n->attr;
    const struct node *x = n->in[0];
    if (!aenc_op_axis_good(tape, x, attr->axis)) return tape->status;
    aenc_op_infer_like(n, x);
    if (attr->keep) {
        n->shape.dim[attr->axis] = 1;
        return AENC_OK;
    }
    n->shape.rank--;
    for (int i = attr->axis; i < n->shape.rank; i++) n->shape.dim[i] = x->shape.dim[i + 1];
    return AENC_OK;
}

static void block_sum(num *y, const num *x, struct block b, const struct elementwise_kernels *kernels) {
    for (int64_t o = 0; o < b.outer; o++) {
        if (b.inner == 1)
            y[o] = kernels->sum(x + o * b.length, b.length);
        else
            kernels->column_sums(y + o * b.inner, x + o * b.length * b.inner, b.length, b.inner, b.inner, false);
    }
}

/* dx[o, l, i] (=, +=) scale dy[o, i] */
static void block_spread(num *dx, const num *dy, num scale, struct block b, bool add,
                         const struct elementwise_kernels *kernels) {
    for (int64_t o = 0; o < b.outer; o++) {
        const num *g = dy + o * b.inner;
        num *to = dx + o * b.length * b.inner;
        if (b.inner == 1) {
            num one = scale * g[0];
            for (int64_t l = 0; l < b.length; l++) to[l] = (add ? to[l] : 0) + one;
            continue;
        }
        for (int64_t l = 0; l < b.length; l++) {
            if (add)
                kernels->accumulate(to + l * b.inner, g, scale, b.inner);
            else
                kernels->affine(to + l * b.inner, g, scale, 0, b.inner);
        }
    }
}

static void sum_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct axis_attr *attr = n->attr;
    const struct node *x = n->in[0];
    struct reach r = axis_reach(x, attr->axis, aenc_op_span0(x, rows));
    num *y = aenc_value(run, n) + r.y;
    block_sum(y, aenc_value(run, x) + r.x, r.block, run->kernels->elementwise);
    if (attr->reduction == REDUCE_SUM) return;
    for (int64_t i = 0; i < r.block.outer * r.block.inner; i++) y[i] /= (num)x->shape.dim[attr->axis];
}

static void sum_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const struct axis_attr *attr = n->attr;
    const struct node *x = n->in[operand];
    struct reach r = axis_reach(x, attr->axis, s);
    num scale = attr->reduction == REDUCE_SUM ? 1 : 1 / (num)x->shape.dim[attr->axis];
    block_spread(dx, aenc_gradient(run, n) + r.y, scale, r.block, add, run->kernels->elementwise);
}

static void axis_describe(const struct node *n, struct description *to) {
    const struct axis_attr *attr = n->attr;
    aenc_describe_number(to, "axis", attr->axis);
    aenc_describe_flag(to, "keep", attr->keep);
}

static struct node *sum_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct axis_attr *attr = n->attr;
    int axis = aenc_op_tangent_axis(tangents[0], n->in[0], attr->axis);
    return aenc_op_reduce(tape, attr->reduction, tangents[0], axis, attr->keep);
}

static const struct op sum_op = {.name = "sum",
                                 .arity = 1,
                                 .infer = axis_infer,
                                 .forward = sum_forward,
                                 .gradient = sum_gradient,
                                 .describe = axis_describe,
                                 .tangent = sum_tangent};

static const struct op mean_op = {.name = "mean",
                                  .arity = 1,
                                  .infer = axis_infer,
                                  .forward = sum_forward,
                                  .gradient = sum_gradient,
                                  .describe = axis_describe,
                                  .tangent = sum_tangent};

/* ---- y[o, i] = max over l of x[o, l, i]: the gradient goes to the first maximum ---- */

/* Place of the first maximum among `length` numbers, `stride` apart; of the first NaN, should there be one. */
static int64_t first_maximum(const num *x, int64_t length, int64_t stride) {
    int64_t best = 0;
    for (int64_t l = 1; l < length && x[best * stride] == x[best * stride]; l++)
        if (!(x[l * stride] <= x[best * stride])) best = l;
    return best;
}

static void maximum_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct axis_attr *attr = n->attr;
    const struct node *x = n->in[0];
    struct reach r = axis_reach(x, attr->axis, aenc_op_span0(x, rows));
    const num *from = aenc_value(run, x) + r.x;
    num *y = aenc_value(run, n) + r.y;
    struct block b = r.block;
    for (int64_t o = 0; o < b.outer; o++, from += b.length * b.inner)
        for (int64_t i = 0; i < b.inner; i++) *y++ = from[first_maximum(from + i, b.length, b.inner) * b.inner + i];
}

/* Every element is written, with dy or with 0. The maximum is sought over the whole axis, also when the span is a tile
 * of it. */
static void maximum_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    const struct axis_attr *attr = n->attr;
    const struct node *x = n->in[operand];
    struct reach r = axis_reach(x, attr->axis, s);
    struct block b = r.block;
    int64_t length = x->shape.dim[attr->axis];
    int64_t first = attr->axis == 0 ? s.lo : 0; /* of the axis, in dx */
    const num *value = aenc_value(run, x) + (attr->axis == 0 ? 0 : r.x);
    const num *dy = aenc_gradient(run, n) + r.y;
    if (!add) memset(dx, 0, (size_t)(b.outer * b.length * b.inner) * sizeof *dx);
    for (int64_t o = 0; o < b.outer; o++, value += length * b.inner, dx += b.length * b.inner, dy += b.inner) {
        for (int64_t i = 0; i < b.inner; i++) {
            int64_t at = first_maximum(value + i, length, b.inner) - first;
            if (at >= 0 && at < b.length) dx[at * b.inner + i] += dy[i];
        }
    }
}

static const struct op maximum_op = {.name = "maximum",
                                     .arity = 1,
                                     .infer = axis_infer,
                                     .forward = maximum_forward,
                                     .gradient = maximum_gradient,
                                     .describe = axis_describe};

struct node *aenc_op_reduce(struct tape *tape, enum reduction reduction, struct node *x, int axis, bool keep) {
    static const struct op *const ops[] = {
        [REDUCE_SUM] = &sum_op, [REDUCE_MEAN] = &mean_op, [REDUCE_MAXIMUM] = &maximum_op};
    struct axis_attr attr = {reduction, axis, keep};
    return aenc_tape_record(tape, ops[reduction], &x, 1, &attr, sizeof attr);
}

/* ---- A whole row to one number: y = sum over the row, or its mean ---- */

static aenc_status row_infer(struct tape *tape, struct node *n) {
    (void)tape;
    aenc_op_infer_like(n, n->in[0]);
    n->shape.rank = aenc_op_row_axes(n);
    return AENC_OK;
}

/* Rows of x, and numbers in each; anything without rows counts as one. */
static struct reach row_reach(const struct node *x, struct span rows) {
    int64_t size = aenc_node_row_size(x);
    if (x->kind != NODE_ROW) return (struct reach){{1, size, 1}, 0, 0};
    return (struct reach){{rows.hi - rows.lo, size, 1}, rows.lo * size, rows.lo};
}

static void row_sum_forward(const struct node *n, struct span rows, const struct run *run) {
    struct reach r = row_reach(n->in[0], rows);
    block_sum(aenc_value(run, n) + r.y, aenc_value(run, n->in[0]) + r.x, r.block, run->kernels->elementwise);
}

static void row_mean_forward(const struct node *n, struct span rows, const struct run *run) {
    struct reach r = row_reach(n->in[0], rows);
    num *y = aenc_value(run, n) + r.y;
    row_sum_forward(n, rows, run);
    for (int64_t i = 0; i < r.block.outer; i++) y[i] /= (num)r.block.length;
}

static void row_gradient(const struct node *n, struct span s, num *dx, num scale, bool add, const struct run *run) {
    const struct node *x = n->in[0];
    struct reach r = row_reach(x, s);
    if (x->kind != NODE_ROW) r.block.length = (s.hi - s.lo) * aenc_op_stride0(x);
    block_spread(dx, aenc_gradient(run, n) + r.y, scale, r.block, add, run->kernels->elementwise);
}

static void row_sum_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    (void)operand;
    row_gradient(n, s, dx, 1, add, run);
}

static void row_mean_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                              const struct run *run) {
    row_gradient(n, s, dx, 1 / (num)aenc_node_row_size(n->in[operand]), add, run);
}

/* The axes of x become one, which is summed; directions stay. */
static struct node *row_tangent(struct tape *tape, const struct node *n, struct node *t, enum reduction reduction) {
    const struct node *x = n->in[0];
    struct node line = {.kind = NODE_BATCH, .shape = {1, {aenc_node_row_size(x)}}};
    struct node *flat = aenc_op_tangent_reshape(tape, t, x, &line);
    return flat == NULL ? NULL : aenc_op_reduce(tape, reduction, flat, flat->shape.rank - 1, false);
}

static struct node *row_sum_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    return row_tangent(tape, n, tangents[0], REDUCE_SUM);
}

static struct node *row_mean_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    return row_tangent(tape, n, tangents[0], REDUCE_MEAN);
}

static const struct op row_sum_op = {.name = "row_sum",
                                     .arity = 1,
                                     .infer = row_infer,
                                     .forward = row_sum_forward,
                                     .gradient = row_sum_gradient,
                                     .tangent = row_sum_tangent};

static const struct op row_mean_op = {.name = "row_mean",
                                      .arity = 1,
                                      .infer = row_infer,
                                      .forward = row_mean_forward,
                                      .gradient = row_mean_gradient,
                                      .tangent = row_mean_tangent};

struct node *aenc_op_row_sum(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &row_sum_op, &x, 1, NULL, 0);
}

struct node *aenc_op_row_mean(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &row_mean_op, &x, 1, NULL, 0);
}

/* ---- Over the rows of the batch: y = sum over live rows, or their mean with their weights w: sum w[r] x[r] / sum w
 * ---- */

static aenc_status batch_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    if (x->kind != NODE_ROW) {
        char text[SHAPE_TEXT];
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': shape %s has no rows", n->op->name,
                              aenc_shape_text(x, text));
    }
    n->kind = NODE_BATCH;
    n->shape = (struct shape){x->shape.rank - 1, {0}};
    for (int i = 0; i < n->shape.rank; i++) n->shape.dim[i] = x->shape.dim[i + 1];
    return AENC_OK;
}

static void batch_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[0]) + rows.lo * size;
    run->kernels->elementwise->column_sums(aenc_part(run, n, run->shard), x, rows.hi - rows.lo, size, size, false);
}

static void batch_mean_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[0]);
    num *part = aenc_part(run, n, run->shard);
    if (run->weight == NULL) {
        batch_forward(n, rows, run);
        return;
    }
    memset(part, 0, (size_t)size * sizeof *part);
    for (int64_t r = rows.lo; r < rows.hi; r++)
        run->kernels->elementwise->accumulate(part, x + r * size, (num)aenc_row_weight(run, n->in[0]->space, r), size);
}

static void parts_add(const struct node *n, int64_t shards, double divisor, const struct run *run) {
    num *y = aenc_value(run, n);
    for (int64_t i = 0; i < aenc_node_row_size(n); i++) {
        double sum = 0;
        for (int64_t s = 0; s < shards; s++) sum += (double)aenc_part(run, n, s)[i];
        y[i] = (num)(sum / divisor);
    }
}

static void batch_sum_combine(const struct node *n, int64_t shards, const struct run *run) {
    parts_add(n, shards, 1, run);
}

static void batch_mean_combine(const struct node *n, int64_t shards, const struct run *run) {
    parts_add(n, shards, aenc_weight_total(run, n->in[0]->space), run);
}

/* dx[r] = dy: the rows are the axis that is summed. */
static void batch_gradient(const struct node *n, struct span rows, num *dx, num scale, bool add,
                           const struct run *run) {
    struct block block = {1, rows.hi - rows.lo, aenc_node_row_size(n)};
    block_spread(dx, aenc_gradient(run, n), scale, block, add, run->kernels->elementwise);
}

static void batch_sum_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                               const struct run *run) {
    (void)operand;
    batch_gradient(n, s, dx, 1, add, run);
}

static void batch_mean_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                                const struct run *run) {
    int space = n->in[operand]->space;
    num share = (num)(1 / aenc_weight_total(run, space));
    if (run->weight == NULL) batch_gradient(n, s, dx, share, add, run);
    for (int64_t r = s.lo; r < s.hi && run->weight != NULL; r++, dx += aenc_node_row_size(n))
        batch_gradient(n, (struct span){r, r + 1}, dx, (num)aenc_row_weight(run, space, r) * share, add, run);
}

static struct node *batch_sum_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    return aenc_op_batch_sum(tape, aenc_op_tangent_rows(tape, tangents[0], n->in[0]));
}

static struct node *batch_mean_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    return aenc_op_batch_mean(tape, aenc_op_tangent_rows(tape, tangents[0], n->in[0]));
}

static const struct op batch_sum_op = {.name = "batch_sum",
                                       .arity = 1,
                                       .span = SPAN_REDUCE,
                                       .infer = batch_infer,
                                       .forward = batch_forward,
                                       .combine = batch_sum_combine,
                                       .gradient = batch_sum_gradient,
                                       .tangent = batch_sum_tangent};

static const struct op batch_mean_op = {.name = "batch_mean",
                                        .arity = 1,
                                        .span = SPAN_REDUCE,
                                        .infer = batch_infer,
                                        .forward = batch_mean_forward,
                                        .combine = batch_mean_combine,
                                        .gradient = batch_mean_gradient,
                                        .tangent = batch_mean_tangent};

struct node *aenc_op_batch_sum(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &batch_sum_op, &x, 1, NULL, 0);
}

struct node *aenc_op_batch_mean(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &batch_mean_op, &x, 1, NULL, 0);
}

const struct op *const aenc_reduce_ops[] = {&sum_op,      &mean_op,      &maximum_op,    &row_sum_op,
                                            &row_mean_op, &batch_sum_op, &batch_mean_op, NULL};
