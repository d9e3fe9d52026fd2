/* jacobian_ops.c - what squared norms of Jacobians need beside products: the Gram matrix of a weight, sums of
 * squares of lines in a metric, and unit vectors as directions.
 *
 * For lines t of T, |t W|^2 = t (W W^T) t^T: where W has few rows, T is multiplied with their Gram matrix, once
 * computed for the batch, and not with W. The product H = T G serves twice, for the value and for the gradient of T.
 * The slopes of an activation, T = M diag(d), are applied on the way, in blocks that stay in cache: T itself is kept
 * nowhere.
 */
#include <string.h>

#include "io/message_text.h"
#include "math/blas.h"
#include "op/family.h"
#include "op/lines.h"

/* ---- Gram: G = W W^T of W (n, m); transposed: W^T W of W (m, n) ---- */

static bool gram_transposed(const struct node *n) { return *(const bool *)n->attr; }

static aenc_status gram_infer(struct tape *tape, struct node *n) {
    const struct node *w = n->in[0];
    char text[SHAPE_TEXT];
    if (w->kind == NODE_ROW || w->shape.rank != 2)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'gram': shape %s is not that of a matrix without rows",
                              aenc_shape_text(w, text));
    int64_t size = w->shape.dim[gram_transposed(n) ? 1 : 0];
    n->kind = NODE_BATCH;
    n->shape = (struct shape){2, {size, size}};
    return AENC_OK;
}

static void gram_forward(const struct node *n, struct span rows, const struct run *run) {
    (void)rows;
    bool transposed = gram_transposed(n);
    const struct node *in = n->in[0];
    int64_t size = n->shape.dim[0], width = in->shape.dim[1], inner = in->shape.dim[transposed ? 0 : 1];
    const num *w = aenc_value(run, in);
    run->gemm(transposed, !transposed, size, size, inner, w, width, w, width, 0, aenc_value(run, n), size);
}

/* S = dG + dG^T, in place */
static void gram_backward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = n->shape.dim[0];
    num *gradient = aenc_gradient(run, n);
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j <= i; j++)
            gradient[i * size + j] = gradient[j * size + i] = gradient[i * size + j] + gradient[j * size + i];
    aenc_run_gradients(n, rows, run);
}

/* dW = S W; transposed: dW = W S */
static void gram_gradient(const struct node *n, int operand, struct span tile, num *out, bool add,
                          const struct run *run) {
    (void)operand;
    const struct node *in = n->in[0];
    int64_t size = n->shape.dim[0], width = in->shape.dim[1], wide = tile.hi - tile.lo;
    const num *w = aenc_value(run, in), *s = aenc_gradient(run, n);
    num beta = add ? 1 : 0;
    if (gram_transposed(n))
        aenc_blas_gemm(false, false, wide, width, size, w + tile.lo * width, width, s, size, beta, out, width);
    else
        aenc_blas_gemm(false, false, wide, width, size, s + tile.lo * size, size, w, width, beta, out, width);
}

static void gram_describe(const struct node *n, struct description *to) {
    aenc_describe_flag(to, "transposed", gram_transposed(n));
}

static const struct op_talents gram_talents = {.backward = gram_backward};

static const struct op gram_op = {.name = "gram",
                                  .arity = 1,
                                  .infer = gram_infer,
                                  .forward = gram_forward,
                                  .gradient = gram_gradient,
                                  .describe = gram_describe,
                                  .talents = &gram_talents};

struct node *aenc_op_gram(struct tape *tape, struct node *weight, bool transposed) {
    return aenc_tape_record(tape, &gram_op, &weight, 1, &transposed, sizeof transposed);
}

/* ---- Line squares: y = t . t over the last axis, dt = 2 g t ---- */

static aenc_status squares_infer(struct tape *tape, struct node *n) {
    const struct node *t = n->in[0];
    char text[SHAPE_TEXT];
    if (aenc_op_row_rank(t) < 1)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': shape %s has no last axis", n->op->name,
                              aenc_shape_text(t, text));
    aenc_op_infer_like(n, t);
    n->shape.rank--;
    return AENC_OK;
}

static void squares_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t width = aenc_line_width(n->in[0]);
    struct span lines = aenc_lines(n->in[0], rows, width);
    const num *t = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n);
    for (int64_t i = lines.lo; i < lines.hi; i++)
        y[i] = run->kernels->elementwise->dot(t + i * width, t + i * width, width);
}

/* dt (=, +=) 2 g h over a span of t's axis 0, h of t's shape. */
static void lines_scale(const struct node *n, const num *h, struct span s, num *dt, bool add, const struct run *run) {
    const struct node *t = n->in[0];
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    bool one = t->kind != NODE_ROW && t->shape.rank == 1; /* the span is a part of the only line */
    int64_t each = aenc_op_stride0(t), width = one ? s.hi - s.lo : aenc_line_width(t);
    const num *g = aenc_gradient(run, n) + (one ? 0 : s.lo * each / width);
    h += s.lo * each;
    for (int64_t i = 0; i < (s.hi - s.lo) * each / width; i++) {
        if (add)
            kernels->accumulate(dt + i * width, h + i * width, 2 * g[i], width);
        else
            kernels->affine(dt + i * width, h + i * width, 2 * g[i], 0, width);
    }
}

static void squares_gradient(const struct node *n, int operand, struct span s, num *dt, bool add,
                             const struct run *run) {
    lines_scale(n, aenc_value(run, n->in[operand]), s, dt, add, run);
}

static const struct op squares_op = {.name = "line_squares",
                                     .arity = 1,
                                     .infer = squares_infer,
                                     .forward = squares_forward,
                                     .gradient = squares_gradient};

/* ---- Metric lines: H = T G, T = M or, with slopes d of each row, M diag(d). No gradient passes: the squares behind
 * it see to all of it. ---- */

enum { LINES_M, LINES_G, LINES_SLOPE };
enum { SQUARES_M, SQUARES_H, SQUARES_G, SQUARES_SLOPE };
enum { BLOCK = 8192 }; /* numbers of a block of lines; two lie in a worker's scratch */

static aenc_status lines_infer(struct tape *tape, struct node *n) {
    const struct node *m = n->in[LINES_M], *g = n->in[LINES_G],
                      *d = n->in_count > LINES_SLOPE ? n->in[LINES_SLOPE] : NULL;
    int64_t width = aenc_line_width(m);
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    bool good = aenc_op_row_rank(m) >= 1 && g->kind != NODE_ROW && g->shape.rank == 2 && g->shape.dim[0] == width &&
                g->shape.dim[1] == width && aenc_blas_fits(aenc_shape_count(&m->shape) / width);
    if (good && d != NULL)
        good = m->kind == NODE_ROW && d->kind == NODE_ROW && m->space == d->space && d->shape.rank == 2 &&
               d->shape.dim[1] == width && width <= BLOCK;
    if (!good)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': lines of shape %s do not go with a metric of shape %s",
                              n->op->name, aenc_shape_text(m, a), aenc_shape_text(g, b));
    n->needs_gradient = false;
    return aenc_op_infer_like(n, m);
}

/* Lines [lo, hi) of T: those of M, or in scratch with their slopes. d NULL: none. */
static const num *lines_sloped(const struct node *m, const struct node *d, struct span lines, num *scratch,
                               const struct run *run) {
    int64_t width = aenc_line_width(m), each = aenc_node_row_size(m) / width;
    const num *from = aenc_value(run, m) + lines.lo * width;
    if (d == NULL) return from;
    for (int64_t i = lines.lo; i < lines.hi; i++, from += width)
        run->kernels->elementwise->multiply(scratch + (i - lines.lo) * width, from,
                                            aenc_value(run, d) + i / each * width, width);
    return scratch;
}

/* The next of the blocks that `lines` are cut into, from `at` on. */
static struct span block_of(struct span lines, int64_t at, int64_t width) {
    int64_t count = BLOCK / width > 1 ? BLOCK / width : 1;
    return (struct span){at, at + count < lines.hi ? at + count : lines.hi};
}

static void lines_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct node *m = n->in[LINES_M], *d = n->in_count > LINES_SLOPE ? n->in[LINES_SLOPE] : NULL;
    int64_t width = aenc_line_width(m);
    struct span lines = aenc_lines(m, rows, width), block;
    const num *g = aenc_value(run, n->in[LINES_G]);
    num *scratch = run->scratch;
    for (int64_t at = lines.lo; at < lines.hi; at = block.hi) {
        block = d == NULL ? lines : block_of(lines, at, width);
        const num *t = lines_sloped(m, d, block, scratch, run);
        run->gemm(false, false, block.hi - block.lo, width, width, t, width, g, width, 0,
                  aenc_value(run, n) + block.lo * width, width);
    }
}

static int64_t lines_scratch(const struct node *n) {
    (void)n;
    return 2 * BLOCK;
}

static const struct op_talents lines_talents = {.scratch = lines_scratch};

static const struct op lines_op = {
    .name = "metric_lines", .arity = -1, .infer = lines_infer, .forward = lines_forward, .talents = &lines_talents};

/* ---- Metric squares: y = t . h, H = T G, G symmetric: dt = 2 g h, dM = dt diag(d), dd = sum over lines of dt m,
 * dG = sum g t^T t ---- */

static const struct node *slope_of(const struct node *n) {
    return n->in_count > SQUARES_SLOPE ? n->in[SQUARES_SLOPE] : NULL;
}

static void metric_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct node *m = n->in[SQUARES_M];
    int64_t width = aenc_line_width(m);
    struct span lines = aenc_lines(m, rows, width);
    const num *h = aenc_value(run, n->in[SQUARES_H]);
    num *y = aenc_value(run, n);
    for (int64_t i = lines.lo; i < lines.hi; i++) {
        const num *t = lines_sloped(m, slope_of(n), (struct span){i, i + 1}, run->scratch, run);
        y[i] = run->kernels->elementwise->dot(t, h + i * width, width);
    }
}

/* One line's share of dM and of dd; NULL where it is not wanted. `twice` has room for 2 g h. */
static void sloped_line(const num *h, const num *m, const num *d, num g, num *dm, bool add, num *dd, num *twice,
                        int64_t width, const struct elementwise_kernels *kernels) {
    kernels->affine(twice, h, 2 * g, 0, width);
    if (dm != NULL && add)
        kernels->accumulate_product(dm, twice, d, width);
    else if (dm != NULL)
        kernels->multiply(dm, twice, d, width);
    if (dd != NULL) kernels->accumulate_product(dd, twice, m, width);
}

static void sloped_backward(const struct node *n, struct span rows, const struct run *run) {
    const struct node *in_m = n->in[SQUARES_M], *in_d = n->in[SQUARES_SLOPE];
    enum gradient_mode mode_m = aenc_gradient_mode(n, SQUARES_M), mode_d = aenc_gradient_mode(n, SQUARES_SLOPE);
    int64_t width = aenc_line_width(in_m), each = aenc_node_row_size(in_m) / width;
    const num *h = aenc_value(run, n->in[SQUARES_H]), *m = aenc_value(run, in_m), *d = aenc_value(run, in_d);
    const num *g = aenc_gradient(run, n);
    num *dm = mode_m == GRADIENT_NONE ? NULL : aenc_gradient(run, in_m);
    num *dd = mode_d == GRADIENT_NONE ? NULL : aenc_gradient(run, in_d), *twice = run->scratch;
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        num *row_dd = dd == NULL ? NULL : dd + r * width;
        if (mode_d == GRADIENT_ASSIGN) memset(row_dd, 0, (size_t)width * sizeof *row_dd);
        for (int64_t i = r * each; i < (r + 1) * each; i++)
            sloped_line(h + i * width, m + i * width, d + r * width, g[i], dm == NULL ? NULL : dm + i * width,
                        mode_m == GRADIENT_ADD, row_dd, twice, width, run->kernels->elementwise);
    }
}

static void metric_backward(const struct node *n, struct span rows, const struct run *run) {
    if (slope_of(n) != NULL)
        sloped_backward(n, rows, run);
    else
        aenc_run_gradients(n, rows, run);
}

/* dM where there are no slopes; dG: blocks of T once as they are and once times g. */
static void metric_gradient(const struct node *n, int operand, struct span tile, num *out, bool add,
                            const struct run *run) {
    const struct node *m = n->in[SQUARES_M];
    if (operand == SQUARES_M) {
        lines_scale(n, aenc_value(run, n->in[SQUARES_H]), tile, out, add, run);
        return;
    }
    int64_t width = aenc_line_width(m);
    struct span lines = aenc_lines(m, run->rows, width), block;
    const num *g = aenc_gradient(run, n);
    num *scratch = run->scratch, *scaled = scratch + BLOCK;
    for (int64_t at = lines.lo; at < lines.hi; at = block.hi) {
        block = block_of(lines, at, width);
        const num *t = lines_sloped(m, slope_of(n), block, scratch, run);
        for (int64_t i = block.lo; i < block.hi; i++)
            run->kernels->elementwise->affine(scaled + (i - at) * width, t + (i - at) * width, g[i], 0, width);
        aenc_blas_gemm(true, false, tile.hi - tile.lo, width, block.hi - at, t + tile.lo, width, scaled, width,
                       add || at > lines.lo ? 1 : 0, out, width);
    }
}

/* Many lines to a row, and a metric that would be a tile or two. */
static bool metric_by_shard(const struct node *n, int operand) {
    enum { SMALL = 65536 };
    return operand == SQUARES_G && n->kind == NODE_ROW && aenc_shape_count(&n->in[operand]->shape) <= SMALL;
}

static const struct op_talents metric_talents = {
    .backward = metric_backward, .by_shard = metric_by_shard, .scratch = lines_scratch};

static const struct op metric_op = {.name = "metric_squares",
                                    .arity = -1,
                                    .infer = squares_infer,
                                    .forward = metric_forward,
                                    .gradient = metric_gradient,
                                    .talents = &metric_talents};

struct node *aenc_op_line_squares(struct tape *tape, struct node *t) {
    return aenc_tape_record(tape, &squares_op, &t, 1, NULL, 0);
}

struct node *aenc_op_metric_squares(struct tape *tape, struct node *m, struct node *slope, struct node *metric) {
    if (m == NULL || metric == NULL) return NULL;
    bool apart = slope != NULL && (m->kind != NODE_ROW || slope->kind != NODE_ROW || slope->shape.rank != 2);
    if (apart || aenc_line_width(m) > BLOCK) {
        if (slope != NULL) m = aenc_op_multiply(tape, slope, m);
        slope = NULL;
    }
    if (m != NULL && aenc_line_width(m) > BLOCK)
        return aenc_op_reduce(tape, REDUCE_SUM, aenc_op_multiply(tape, m, aenc_op_product(tape, m, metric, false)),
                              m->shape.rank - 1, false);
    struct node *h =
        aenc_tape_record(tape, &lines_op, (struct node *const[]){m, metric, slope}, slope == NULL ? 2 : 3, NULL, 0);
    struct node *in[] = {m, h, metric, slope};
    return aenc_tape_record(tape, &metric_op, in, slope == NULL ? 3 : 4, NULL, 0);
}

/* ---- Identity: 1 on the diagonal, without rows ---- */

static aenc_status eye_infer(struct tape *tape, struct node *n) {
    (void)tape;
    int64_t size = *(const int64_t *)n->attr;
    n->kind = NODE_BATCH;
    n->shape = (struct shape){2, {size, size}};
    return AENC_OK;
}

static void eye_forward(const struct node *n, struct span rows, const struct run *run) {
    (void)rows;
    int64_t size = n->shape.dim[0];
    num *y = aenc_value(run, n);
    memset(y, 0, (size_t)(size * size) * sizeof *y);
    for (int64_t i = 0; i < size; i++) y[i * size + i] = 1;
}

static void eye_describe(const struct node *n, struct description *to) {
    aenc_describe_number(to, "size", (double)n->shape.dim[0]);
}

static const struct op eye_op = {
    .name = "eye", .arity = 0, .infer = eye_infer, .forward = eye_forward, .describe = eye_describe};

struct node *aenc_op_eye(struct tape *tape, int64_t size) {
    return aenc_tape_record(tape, &eye_op, NULL, 0, &size, sizeof size);
}

/* ---- Diagonal: y = scale x + shift on the diagonal of a square without rows, x elsewhere; dx = scale dy and dy
 * ---- */

struct diagonal {
    num scale, shift;
};

static aenc_status diagonal_infer(struct tape *tape, struct node *n) {
    const struct shape *shape = &n->in[0]->shape;
    char text[SHAPE_TEXT];
    if (n->in[0]->kind != NODE_ROW && shape->rank == 2 && shape->dim[0] == shape->dim[1])
        return aenc_op_infer_like(n, n->in[0]);
    return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'diagonal': shape %s is not that of a square without rows",
                          aenc_shape_text(n->in[0], text));
}

static void diagonal_forward(const struct node *n, struct span rows, const struct run *run) {
    (void)rows;
    const struct diagonal *attr = n->attr;
    int64_t size = n->shape.dim[0];
    num *y = aenc_value(run, n);
    memcpy(y, aenc_value(run, n->in[0]), (size_t)(size * size) * sizeof *y);
    for (int64_t i = 0; i < size; i++) y[i * size + i] = attr->scale * y[i * size + i] + attr->shift;
}

static void diagonal_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                              const struct run *run) {
    (void)operand;
    const struct diagonal *attr = n->attr;
    int64_t size = n->shape.dim[0];
    const num *dy = aenc_gradient(run, n) + s.lo * size;
    for (int64_t r = 0; r < s.hi - s.lo; r++, dy += size, dx += size) {
        num own = attr->scale * dy[s.lo + r] + (add ? dx[s.lo + r] : 0);
        if (add)
            run->kernels->elementwise->accumulate(dx, dy, 1, size);
        else
            memcpy(dx, dy, (size_t)size * sizeof *dx);
        dx[s.lo + r] = own;
    }
}

static void diagonal_describe(const struct node *n, struct description *to) {
    const struct diagonal *attr = n->attr;
    aenc_describe_number(to, "scale", (double)attr->scale);
    aenc_describe_number(to, "shift", (double)attr->shift);
}

static const struct op diagonal_op = {.name = "diagonal",
                                      .arity = 1,
                                      .infer = diagonal_infer,
                                      .forward = diagonal_forward,
                                      .gradient = diagonal_gradient,
                                      .describe = diagonal_describe};

struct node *aenc_op_diagonal(struct tape *tape, struct node *x, double scale, double shift) {
    const struct diagonal attr = {(num)scale, (num)shift};
    return aenc_tape_record(tape, &diagonal_op, &x, 1, &attr, sizeof attr);
}

const struct op *const aenc_jacobian_ops[] = {&gram_op, &squares_op,  &lines_op, &metric_op,
                                              &eye_op,  &diagonal_op, NULL};
