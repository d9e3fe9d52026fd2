/* softmax.c - softmax and its logarithm over the last axis, and classes as its targets.
 *
 *   y = e^x / sum e^x         dx = y (dy - sum(dy y))
 *   y = x - log sum e^x       dx = dy - e^y sum(dy)
 */
#include <math.h>

#include "io/message_text.h"
#include "op/family.h"
#include "op/lines.h"

enum { CHUNK = 256 };

static aenc_status last_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    return aenc_op_axis_good(tape, x, x->shape.rank - 1) ? aenc_op_infer_like(n, x) : tape->status;
}

static void softmax_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t width = aenc_line_width(n);
    struct span lines = aenc_lines(n, rows, width);
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n);
    for (int64_t l = lines.lo; l < lines.hi; l++)
        run->kernels->elementwise->softmax(y + l * width, x + l * width, width);
}

static void log_softmax_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t width = aenc_line_width(n);
    struct span lines = aenc_lines(n, rows, width);
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n);
    for (int64_t l = lines.lo; l < lines.hi; l++)
        run->kernels->elementwise->log_softmax(y + l * width, x + l * width, width);
}

/* The lines that a span of axis 0 touches, and the part of each that is in it: all of a line, but for a single line
 * whose own axis is tiled. */
struct cut {
    struct span lines, part;
};

static struct cut cut_lines(const struct node *x, struct span s) {
    int64_t width = aenc_line_width(x);
    if (x->shape.rank == 1) return (struct cut){{0, 1}, s};
    int64_t each = aenc_op_stride0(x) / width;
    return (struct cut){{s.lo * each, s.hi * each}, {0, width}};
}

static void softmax_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    const struct node *x = n->in[operand];
    int64_t width = aenc_line_width(x);
    struct cut cut = cut_lines(x, s);
    const num *y = aenc_value(run, n) + cut.lines.lo * width, *dy = aenc_gradient(run, n) + cut.lines.lo * width;
    for (int64_t l = cut.lines.lo; l < cut.lines.hi; l++, y += width, dy += width) {
        num mean = run->kernels->elementwise->dot(dy, y, width);
        for (int64_t i = cut.part.lo; i < cut.part.hi; i++, dx++) *dx = (add ? *dx : 0) + y[i] * (dy[i] - mean);
    }
}

/* dx (=, +=) dy - e^y total */
static void log_softmax_line(num *dx, const num *dy, const num *y, int64_t count, num total, bool add,
                             const struct elementwise_kernels *kernels) {
    num share[CHUNK];
    for (int64_t from = 0; from < count; from += CHUNK) {
        int64_t some = count - from < CHUNK ? count - from : CHUNK;
        kernels->forward(FUNCTION_EXP, share, y + from, some, 0);
        for (int64_t i = 0; i < some; i++) dx[from + i] = (add ? dx[from + i] : 0) + dy[from + i] - share[i] * total;
    }
}

static void log_softmax_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                                 const struct run *run) {
    const struct node *x = n->in[operand];
    int64_t width = aenc_line_width(x);
    struct cut cut = cut_lines(x, s);
    int64_t count = cut.part.hi - cut.part.lo;
    const num *y = aenc_value(run, n) + cut.lines.lo * width, *dy = aenc_gradient(run, n) + cut.lines.lo * width;
    for (int64_t l = cut.lines.lo; l < cut.lines.hi; l++, y += width, dy += width, dx += count) {
        num total = run->kernels->elementwise->sum(dy, width);
        log_softmax_line(dx, dy + cut.part.lo, y + cut.part.lo, count, total, add, run->kernels->elementwise);
    }
}

/* Sum over the last axis of p t, kept. */
static struct node *expectation(struct tape *tape, struct node *p, struct node *t) {
    struct node *product = aenc_op_multiply(tape, p, t);
    return product == NULL ? NULL : aenc_op_reduce(tape, REDUCE_SUM, product, product->shape.rank - 1, true);
}

/* y (t - sum(y t)) */
static struct node *softmax_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *y = aenc_op_result(tape, n);
    return aenc_op_multiply(tape, y, aenc_op_subtract(tape, tangents[0], expectation(tape, y, tangents[0])));
}

/* t - sum(e^y t) */
static struct node *log_softmax_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *p = aenc_op_function(tape, FUNCTION_EXP, 0, aenc_op_result(tape, n));
    return aenc_op_subtract(tape, tangents[0], expectation(tape, p, tangents[0]));
}

static const struct op softmax_op = {.name = "softmax",
                                     .arity = 1,
                                     .infer = last_infer,
                                     .forward = softmax_forward,
                                     .gradient = softmax_gradient,
                                     .symmetric = true,
                                     .tangent = softmax_tangent};

static const struct op log_softmax_op = {.name = "log_softmax",
                                         .arity = 1,
                                         .infer = last_infer,
                                         .forward = log_softmax_forward,
                                         .gradient = log_softmax_gradient,
                                         .tangent = log_softmax_tangent};

struct node *aenc_op_softmax(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &softmax_op, &x, 1, NULL, 0);
}

struct node *aenc_op_log_softmax(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &log_softmax_op, &x, 1, NULL, 0);
}

/* ---- Classes ---- */

struct one_hot {
    int64_t classes;
    double smoothing;
};

static aenc_status one_hot_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    const struct one_hot *one_hot = n->attr;
    char text[SHAPE_TEXT];
    if (x->kind != NODE_ROW || x->shape.rank < 2 || aenc_line_width(x) != 1)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'one_hot': shape %s is not one class per line",
                              aenc_shape_text(x, text));
    n->needs_gradient = false;
    aenc_op_infer_like(n, x);
    n->shape.dim[n->shape.rank - 1] = one_hot->classes;
    return AENC_OK;
}

static void one_hot_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct one_hot *one_hot = n->attr;
    int64_t classes = one_hot->classes;
    struct span lines = aenc_lines(n, rows, classes);
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n), share = (num)(one_hot->smoothing / (double)classes);
    for (int64_t l = lines.lo; l < lines.hi; l++) {
        num k = (num)floor((double)x[l] + 0.5);
        for (int64_t c = 0; c < classes; c++)
            y[l * classes + c] = share + ((num)c == k ? (num)(1 - one_hot->smoothing) : 0);
    }
}

static void one_hot_describe(const struct node *n, struct description *to) {
    const struct one_hot *one_hot = n->attr;
    aenc_describe_number(to, "classes", (double)one_hot->classes);
    aenc_describe_number(to, "smoothing", one_hot->smoothing);
}

static const struct op one_hot_op = {
    .name = "one_hot", .arity = 1, .infer = one_hot_infer, .forward = one_hot_forward, .describe = one_hot_describe};

struct node *aenc_op_one_hot(struct tape *tape, struct node *x, int64_t classes, double smoothing) {
    struct one_hot one_hot = {classes, smoothing};
    return aenc_tape_record(tape, &one_hot_op, &x, 1, &one_hot, sizeof one_hot);
}

const struct op *const aenc_softmax_ops[] = {&softmax_op, &log_softmax_op, &one_hot_op, NULL};
