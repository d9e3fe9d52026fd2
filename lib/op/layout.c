/* layout.c - ops that move numbers without changing them.
 *
 * reshape, flatten and stop_gradient are views: another shape on the same memory. The plan can only view what has rows;
 * anything else is copied first. slice, concat, transpose and repeat copy; along an axis they see their operand as
 * (outer, length, inner).
 */
#include <inttypes.h>
#include <string.h>

#include "io/message_text.h"
#include "op/family.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* to (=, +=) from */
static void copy(num *to, const num *from, int64_t count, bool add, const struct elementwise_kernels *kernels) {
    if (add)
        kernels->accumulate(to, from, 1, count);
    else
        memcpy(to, from, (size_t)count * sizeof *to);
}

/* What can be viewed: x, or a copy of it. */
static struct node *viewable(struct tape *tape, struct node *x) {
    return x == NULL || x->kind == NODE_ROW ? x : aenc_op_affine(tape, x, 1, 0);
}

/* ---- Reshape ---- */

static aenc_status reshape_infer(struct tape *tape, struct node *n) {
    const struct shape *to = n->attr;
    const struct node *x = n->in[0];
    int row_axes = aenc_op_row_axes(x);
    char text[SHAPE_TEXT];
    if (to->rank < 0 || to->rank + row_axes > RANK_MAX)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'reshape': %d axes; there may be %d", to->rank,
                              RANK_MAX - row_axes);
    aenc_op_infer_like(n, x);
    n->shape.rank = to->rank + row_axes;
    int64_t left = aenc_node_row_size(x);
    for (int i = 0; i < to->rank; i++) {
        n->shape.dim[row_axes + i] = to->dim[i];
        left = to->dim[i] > 0 && left % to->dim[i] == 0 ? left / to->dim[i] : 0;
    }
    if (left == 1) return AENC_OK;
    char into[SHAPE_TEXT];
    return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'reshape': shape %s does not hold as many numbers as %s",
                          aenc_shape_text(x, text), aenc_shape_text(n, into));
}

static struct node *reshape_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    return aenc_op_tangent_reshape(tape, tangents[0], n->in[0], n);
}

static struct node *reshape_cotangent(struct tape *tape, const struct node *n, int operand, struct node *along) {
    return aenc_op_tangent_reshape(tape, along, n, n->in[operand]);
}

static void reshape_describe(const struct node *n, struct description *to) {
    const struct shape *shape = n->attr;
    aenc_describe_whole(to, "dims", shape->dim, shape->rank);
}

static const struct op reshape_op = {.name = "reshape",
                                     .arity = 1,
                                     .view = true,
                                     .infer = reshape_infer,
                                     .describe = reshape_describe,
                                     .tangent = reshape_tangent,
                                     .cotangent = reshape_cotangent};

struct node *aenc_op_reshape(struct tape *tape, struct node *x, const int64_t *dims, int rank) {
    struct shape to = {rank, {0}};
    for (int i = 0; i < rank && i < RANK_MAX; i++) to.dim[i] = dims[i];
    struct node *seen = viewable(tape, x);
    return aenc_tape_record(tape, &reshape_op, &seen, 1, &to, sizeof to);
}

struct node *aenc_op_flatten(struct tape *tape, struct node *x) {
    if (x == NULL) return NULL;
    int64_t size = aenc_node_row_size(x);
    return aenc_op_reshape(tape, x, &size, 1);
}

/* ---- Stop gradient: the value, and a derivative of 0 by decree ---- */

static aenc_status stop_infer(struct tape *tape, struct node *n) {
    (void)tape;
    n->needs_gradient = false;
    return aenc_op_infer_like(n, n->in[0]);
}

/* Zero. */
static struct node *stop_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    (void)tape, (void)n, (void)tangents;
    return NULL;
}

static const struct op stop_gradient_op = {.name = "stop_gradient",
                                           .arity = 1,
                                           .surrogate = true,
                                           .view = true,
                                           .symmetric = true,
                                           .infer = stop_infer,
                                           .tangent = stop_tangent};

struct node *aenc_op_stop_gradient(struct tape *tape, struct node *x) {
    struct node *seen = viewable(tape, x);
    return aenc_tape_record(tape, &stop_gradient_op, &seen, 1, NULL, 0);
}

/* ---- Slice: y[o, l, i] = x[o, first + l, i] ---- */

struct slice_attr {
    int axis;
    int64_t first, count;
};

static aenc_status slice_infer(struct tape *tape, struct node *n) {
    const struct slice_attr *attr = n->attr;
    const struct node *x = n->in[0];
    if (!aenc_op_axis_good(tape, x, attr->axis)) return tape->status;
    int64_t length = x->shape.dim[attr->axis];
    if (attr->first < 0 || attr->count < 1 || attr->first > length - attr->count)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE,
                              "op 'slice': %" PRId64 " from %" PRId64 " on, and axis %d has %" PRId64, attr->count,
                              attr->first, attr->axis, length);
    aenc_op_infer_like(n, x);
    n->shape.dim[attr->axis] = attr->count;
    return AENC_OK;
}

static void slice_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct slice_attr *attr = n->attr;
    const struct node *x = n->in[0];
    int64_t inner = aenc_op_axes_count(x, attr->axis + 1, x->shape.rank), length = x->shape.dim[attr->axis];
    struct span s = aenc_op_span0(x, rows);
    int64_t blocks = attr->axis == 0 ? 1 : aenc_op_axes_count(x, 1, attr->axis);
    if (attr->axis == 0) s = (struct span){0, 1};
    const num *from = aenc_value(run, x) + attr->first * inner;
    num *to = aenc_value(run, n);
    for (int64_t o = s.lo * blocks; o < s.hi * blocks; o++)
        copy(to + o * attr->count * inner, from + o * length * inner, attr->count * inner, false,
             run->kernels->elementwise);
}

/* Adds: the rest of dx is left as it is. */
static void slice_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    (void)add;
    const struct slice_attr *attr = n->attr;
    const struct node *x = n->in[operand];
    int64_t inner = aenc_op_axes_count(x, attr->axis + 1, x->shape.rank), length = x->shape.dim[attr->axis];
    const num *dy = aenc_gradient(run, n);
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    if (attr->axis == 0) {
        int64_t lo = most(s.lo, attr->first), hi = least(s.hi, attr->first + attr->count);
        if (lo < hi) copy(dx + (lo - s.lo) * inner, dy + (lo - attr->first) * inner, (hi - lo) * inner, true, kernels);
        return;
    }
    int64_t blocks = aenc_op_axes_count(x, 1, attr->axis);
    for (int64_t o = 0; o < (s.hi - s.lo) * blocks; o++)
        copy(dx + (o * length + attr->first) * inner, dy + (s.lo * blocks + o) * attr->count * inner,
             attr->count * inner, true, kernels);
}

static void slice_describe(const struct node *n, struct description *to) {
    const struct slice_attr *attr = n->attr;
    aenc_describe_number(to, "axis", attr->axis);
    aenc_describe_number(to, "first", (double)attr->first);
    aenc_describe_number(to, "count", (double)attr->count);
}

static struct node *slice_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct slice_attr *attr = n->attr;
    int axis = aenc_op_tangent_axis(tangents[0], n->in[0], attr->axis);
    return aenc_op_slice(tape, tangents[0], axis, attr->first, attr->count);
}

static const struct op slice_op = {.name = "slice",
                                   .arity = 1,
                                   .partial = true,
                                   .infer = slice_infer,
                                   .forward = slice_forward,
                                   .gradient = slice_gradient,
                                   .describe = slice_describe,
                                   .tangent = slice_tangent};

struct node *aenc_op_slice(struct tape *tape, struct node *x, int axis, int64_t first, int64_t count) {
    struct slice_attr attr = {axis, first, count};
    return aenc_tape_record(tape, &slice_op, &x, 1, &attr, sizeof attr);
}

/* ---- Concat: y[o, start_k + l, i] = x_k[o, l, i] ---- */

static aenc_status concat_infer(struct tape *tape, struct node *n) {
    const int axis = *(const int *)n->attr;
    const struct node *x = n->in[0];
    if (!aenc_op_axis_good(tape, x, axis)) return tape->status;
    aenc_op_infer_like(n, x);
    for (int k = 1; k < n->in_count; k++) {
        const struct node *other = n->in[k];
        bool fits = aenc_op_row_axes(other) == aenc_op_row_axes(x) && other->shape.rank == x->shape.rank &&
                    (x->kind != NODE_ROW || other->space == x->space);
        for (int i = 0; i < x->shape.rank && fits; i++) fits = i == axis || other->shape.dim[i] == x->shape.dim[i];
        if (fits) fits = other->shape.dim[axis] <= INT64_MAX - n->shape.dim[axis];
        char a[SHAPE_TEXT], b[SHAPE_TEXT];
        if (!fits)
            return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'concat': shapes %s and %s do not fit along axis %d",
                                  aenc_shape_text(x, a), aenc_shape_text(other, b), axis);
        n->shape.dim[axis] += other->shape.dim[axis];
    }
    return AENC_OK;
}

/* Where operand k begins along the axis. */
static int64_t concat_start(const struct node *n, int operand, int axis) {
    int64_t start = 0;
    for (int k = 0; k < operand; k++) start += n->in[k]->shape.dim[axis];
    return start;
}

static void concat_forward(const struct node *n, struct span rows, const struct run *run) {
    const int axis = *(const int *)n->attr;
    int64_t inner = aenc_op_axes_count(n, axis + 1, n->shape.rank), whole = n->shape.dim[axis] * inner;
    struct span s = aenc_op_span0(n, rows);
    int64_t blocks = axis == 0 ? 1 : aenc_op_axes_count(n, 1, axis);
    if (axis == 0) s = (struct span){0, 1};
    for (int k = 0; k < n->in_count; k++) {
        int64_t part = n->in[k]->shape.dim[axis] * inner;
        const num *from = aenc_value(run, n->in[k]);
        num *to = aenc_value(run, n) + concat_start(n, k, axis) * inner;
        for (int64_t o = s.lo * blocks; o < s.hi * blocks; o++)
            copy(to + o * whole, from + o * part, part, false, run->kernels->elementwise);
    }
}

static void concat_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    const int axis = *(const int *)n->attr;
    int64_t inner = aenc_op_axes_count(n, axis + 1, n->shape.rank), whole = n->shape.dim[axis] * inner;
    int64_t start = concat_start(n, operand, axis) * inner;
    const num *dy = aenc_gradient(run, n) + start;
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    if (axis == 0) {
        copy(dx, dy + s.lo * inner, (s.hi - s.lo) * inner, add, kernels);
        return;
    }
    int64_t blocks = aenc_op_axes_count(n, 1, axis), part = n->in[operand]->shape.dim[axis] * inner;
    for (int64_t o = 0; o < (s.hi - s.lo) * blocks; o++)
        copy(dx + o * part, dy + (s.lo * blocks + o) * whole, part, add, kernels);
}

static void concat_describe(const struct node *n, struct description *to) {
    aenc_describe_number(to, "axis", *(const int *)n->attr);
}

/* Zeros of x's shape, with the direction axes that t, a tangent of another operand, has in front. */
static struct node *zero_tangent(struct tape *tape, struct node *x, const struct node *t, int directions) {
    struct node *zero = aenc_op_affine(tape, aenc_op_stop_gradient(tape, x), 0, 0);
    if (directions == 0) return zero;
    int64_t dims[2 * RANK_MAX];
    for (int i = 0; i < directions; i++) dims[i] = 1;
    for (int i = 0; i < aenc_op_row_rank(x); i++) dims[directions + i] = x->shape.dim[aenc_op_row_axes(x) + i];
    zero = aenc_op_reshape(tape, zero, dims, directions + aenc_op_row_rank(x));
    for (int i = 0; i < directions && zero != NULL; i++)
        zero = aenc_op_repeat(tape, zero, aenc_op_row_axes(zero) + i, t->shape.dim[aenc_op_row_axes(t) + i]);
    return zero;
}

/* Every piece gets rows where the result has them, and the directions of the pieces that have some. */
static struct node *concat_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    int some = 0;
    for (int k = 0; k < n->in_count; k++)
        if (tangents[k] != NULL) some = k;
    int directions = aenc_op_directions(tangents[some], n->in[some]);
    struct node *piece[OPERANDS_MAX];
    for (int k = 0; k < n->in_count; k++) {
        piece[k] = aenc_op_tangent_rows(tape, tangents[k], n->in[k]);
        if (tangents[k] == NULL) piece[k] = zero_tangent(tape, n->in[k], tangents[some], directions);
    }
    if (tape->status != AENC_OK) return NULL;
    int axis = aenc_op_tangent_axis(piece[0], n->in[0], *(const int *)n->attr);
    return aenc_op_concat(tape, piece, n->in_count, axis);
}

static const struct op concat_op = {.name = "concat",
                                    .arity = -1,
                                    .infer = concat_infer,
                                    .forward = concat_forward,
                                    .gradient = concat_gradient,
                                    .describe = concat_describe,
                                    .tangent = concat_tangent};

/* More operands than a node has room for are joined in groups first. */
struct node *aenc_op_concat(struct tape *tape, struct node *const *x, int count, int axis) {
    if (count <= OPERANDS_MAX) {
        if (count >= 1) return aenc_tape_record(tape, &concat_op, x, count, &axis, sizeof axis);
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "op 'concat' was given %d operands", count);
        return NULL;
    }
    struct node *group[OPERANDS_MAX];
    for (int g = 0; g < OPERANDS_MAX; g++) {
        int first = (int)((int64_t)count * g / OPERANDS_MAX), end = (int)((int64_t)count * (g + 1) / OPERANDS_MAX);
        group[g] = end - first == 1 ? x[first] : aenc_op_concat(tape, x + first, end - first, axis);
    }
    return tape->status != AENC_OK ? NULL : aenc_tape_record(tape, &concat_op, group, OPERANDS_MAX, &axis, sizeof axis);
}

/* ---- Transpose: axis i of y is axis axes[i] of x ---- */

struct transpose_attr {
    int axes[RANK_MAX];
};

/* An axis as it is walked: its dimension, and how far each side moves. */
struct pace {
    int64_t dim, to, from;
};

/* to (=, +=) from over `rank` axes, outermost first. */
static void copy_strided(num *to, const num *from, const struct pace *pace, int rank, bool add) {
    if (rank == 0) {
        to[0] = (add ? to[0] : 0) + from[0];
    } else if (rank == 1) {
        for (int64_t i = 0; i < pace->dim; i++) to[i * pace->to] = (add ? to[i * pace->to] : 0) + from[i * pace->from];
    } else {
        for (int64_t i = 0; i < pace->dim; i++)
            copy_strided(to + i * pace->to, from + i * pace->from, pace + 1, rank - 1, add);
    }
}

static aenc_status transpose_infer(struct tape *tape, struct node *n) {
    const struct transpose_attr *attr = n->attr;
    const struct node *x = n->in[0];
    bool taken[RANK_MAX] = {false};
    aenc_op_infer_like(n, x);
    for (int i = 0; i < x->shape.rank; i++) {
        int axis = attr->axes[i];
        char text[SHAPE_TEXT];
        if (axis < 0 || axis >= x->shape.rank || taken[axis] || (x->kind == NODE_ROW && (axis == 0) != (i == 0)))
            return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'transpose': axis %d of shape %s cannot stand in place %d",
                                  axis, aenc_shape_text(x, text), i);
        taken[axis] = true;
        n->shape.dim[i] = x->shape.dim[axis];
    }
    return AENC_OK;
}

/* The walk over x's axes with what each moves in y; back: x is written from y. */
static void transpose_pace(const struct node *n, bool back, struct pace *pace) {
    const struct transpose_attr *attr = n->attr;
    const struct node *x = n->in[0];
    int rank = n->shape.rank;
    int64_t in_x = 1, y_stride[RANK_MAX], stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        y_stride[attr->axes[i]] = stride;
        stride *= n->shape.dim[i];
    }
    for (int i = rank - 1; i >= 0; i--) {
        pace[i] = back ? (struct pace){x->shape.dim[i], in_x, y_stride[i]}
                       : (struct pace){x->shape.dim[i], y_stride[i], in_x};
        in_x *= x->shape.dim[i];
    }
}

static void transpose_forward(const struct node *n, struct span rows, const struct run *run) {
    struct pace pace[RANK_MAX] = {{0, 0, 0}};
    transpose_pace(n, false, pace);
    struct span s = aenc_op_span0(n->in[0], rows);
    if (n->shape.rank > 0) pace[0].dim = s.hi - s.lo;
    copy_strided(aenc_value(run, n) + s.lo * pace[0].to, aenc_value(run, n->in[0]) + s.lo * pace[0].from, pace,
                 n->shape.rank, false);
}

static void transpose_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                               const struct run *run) {
    (void)operand;
    struct pace pace[RANK_MAX] = {{0, 0, 0}};
    transpose_pace(n, true, pace);
    if (n->shape.rank > 0) pace[0].dim = s.hi - s.lo;
    copy_strided(dx, aenc_gradient(run, n) + s.lo * pace[0].from, pace, n->shape.rank, add);
}

static void transpose_describe(const struct node *n, struct description *to) {
    const struct transpose_attr *attr = n->attr;
    int64_t axes[RANK_MAX];
    for (int i = 0; i < n->shape.rank; i++) axes[i] = attr->axes[i];
    aenc_describe_whole(to, "axes", axes, n->shape.rank);
}

/* Directions stay in front; the axes behind them change places as those of x do. */
static struct node *transpose_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct transpose_attr *attr = n->attr;
    struct node *t = tangents[0];
    const struct node *x = n->in[0];
    int axes[RANK_MAX], front = t->shape.rank - aenc_op_row_rank(x);
    for (int i = 0; i < front; i++) axes[i] = i;
    for (int i = aenc_op_row_axes(x); i < x->shape.rank; i++)
        axes[front + i - aenc_op_row_axes(x)] = aenc_op_tangent_axis(t, x, attr->axes[i]);
    return aenc_op_transpose(tape, t, axes);
}

static const struct op transpose_op = {.name = "transpose",
                                       .arity = 1,
                                       .infer = transpose_infer,
                                       .forward = transpose_forward,
                                       .gradient = transpose_gradient,
                                       .describe = transpose_describe,
                                       .tangent = transpose_tangent};

struct node *aenc_op_transpose(struct tape *tape, struct node *x, const int *axes) {
    if (x == NULL) return NULL;
    struct transpose_attr attr = {{0}};
    memcpy(attr.axes, axes, (size_t)x->shape.rank * sizeof *axes);
    return aenc_tape_record(tape, &transpose_op, &x, 1, &attr, sizeof attr);
}

/* ---- Repeat: y[o, c, i] = x[o, 0, i]; dx[o, 0, i] = sum over c of dy[o, c, i] ---- */

struct repeat_attr {
    int axis;
    int64_t count;
};

static aenc_status repeat_infer(struct tape *tape, struct node *n) {
    const struct repeat_attr *attr = n->attr;
    const struct node *x = n->in[0];
    if (!aenc_op_axis_good(tape, x, attr->axis)) return tape->status;
    char text[SHAPE_TEXT];
    if (x->shape.dim[attr->axis] != 1 || attr->count < 1)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'repeat': axis %d of shape %s cannot become %" PRId64,
                              attr->axis, aenc_shape_text(x, text), attr->count);
    aenc_op_infer_like(n, x);
    n->shape.dim[attr->axis] = attr->count;
    return AENC_OK;
}

/* Blocks under one index of axis 0, or the only one when that is what repeats. */
static int64_t repeat_blocks(const struct node *n, int axis) { return axis == 0 ? 1 : aenc_op_axes_count(n, 1, axis); }

static void repeat_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct repeat_attr *attr = n->attr;
    const struct node *x = n->in[0];
    int64_t inner = aenc_op_axes_count(x, attr->axis + 1, x->shape.rank), blocks = repeat_blocks(x, attr->axis);
    struct span s = aenc_op_span0(x, rows);
    for (int64_t o = s.lo * blocks; o < s.hi * blocks; o++) {
        const num *from = aenc_value(run, x) + o * inner;
        num *to = aenc_value(run, n) + o * attr->count * inner;
        for (int64_t c = 0; c < attr->count; c++) copy(to + c * inner, from, inner, false, run->kernels->elementwise);
    }
}

static void repeat_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    const struct repeat_attr *attr = n->attr;
    const struct node *x = n->in[operand];
    int64_t inner = aenc_op_axes_count(x, attr->axis + 1, x->shape.rank), blocks = repeat_blocks(x, attr->axis);
    const num *dy = aenc_gradient(run, n) + s.lo * blocks * attr->count * inner;
    for (int64_t o = 0; o < (s.hi - s.lo) * blocks; o++)
        run->kernels->elementwise->column_sums(dx + o * inner, dy + o * attr->count * inner, attr->count, inner, inner,
                                               add);
}

static void repeat_describe(const struct node *n, struct description *to) {
    const struct repeat_attr *attr = n->attr;
    aenc_describe_number(to, "axis", attr->axis);
    aenc_describe_number(to, "count", (double)attr->count);
}

static struct node *repeat_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct repeat_attr *attr = n->attr;
    int axis = aenc_op_tangent_axis(tangents[0], n->in[0], attr->axis);
    return aenc_op_repeat(tape, tangents[0], axis, attr->count);
}

static const struct op repeat_op = {.name = "repeat",
                                    .arity = 1,
                                    .infer = repeat_infer,
                                    .forward = repeat_forward,
                                    .gradient = repeat_gradient,
                                    .describe = repeat_describe,
                                    .tangent = repeat_tangent};

struct node *aenc_op_repeat(struct tape *tape, struct node *x, int axis, int64_t count) {
    struct repeat_attr attr = {axis, count};
    return aenc_tape_record(tape, &repeat_op, &x, 1, &attr, sizeof attr);
}

const struct op *const aenc_layout_ops[] = {&reshape_op,   &stop_gradient_op, &slice_op, &concat_op,
                                            &transpose_op, &repeat_op,        NULL};
