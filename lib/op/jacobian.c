/* jacobian.c - what squared norms of Jacobians need beside products: the Gram matrix of a weight, sums of squares of lines
 * in a metric, and unit vectors as directions.
 *
 * For lines t of T, |t W|^2 = t (W W^T) t^T: where W has few rows, T is multiplied with their Gram matrix, once computed
 * for the batch, and not with W. The product H = T G serves twice, for the value and for the gradient of T.
 */
#include <string.h>

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
    aenc_gather_whole(n, 0, rows, run);
}

/* dW = S W; transposed: dW = W S */
static void gram_gather(const struct node *n, int operand, struct span tile, struct span rows, num *out, bool add,
                        const struct run *run) {
    (void)operand, (void)rows;
    const struct node *in = n->in[0];
    int64_t size = n->shape.dim[0], width = in->shape.dim[1], wide = tile.hi - tile.lo;
    const num *w = aenc_value(run, in), *s = aenc_gradient(run, n);
    num beta = add ? 1 : 0;
    if (gram_transposed(n))
        aenc_blas_gemm(false, false, wide, width, size, w + tile.lo * width, width, s, size, beta, out, width);
    else aenc_blas_gemm(false, false, wide, width, size, s + tile.lo * size, size, w, width, beta, out, width);
}

static const struct op gram_op = {.name = "gram",
                                  .arity = 1,
                                  .infer = gram_infer,
                                  .forward = gram_forward,
                                  .backward = gram_backward,
                                  .gather = gram_gather};

struct node *aenc_op_gram(struct tape *tape, struct node *weight, bool transposed) {
    return aenc_tape_record(tape, &gram_op, &weight, 1, &transposed, sizeof transposed);
}

/* ---- Line squares: y = t . h over the last axis, h = t or t G, G symmetric: dt = 2 g h; dh = g t, of which G's gradient
 * g t^T t follows. What h passes back to t is in the 2. ---- */

static aenc_status squares_infer(struct tape *tape, struct node *n) {
    const struct node *t = n->in[0];
    char text[SHAPE_TEXT];
    if (aenc_op_row_rank(t) < 1)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'line_squares': shape %s has no last axis",
                              aenc_shape_text(t, text));
    aenc_op_infer_like(n, t);
    n->shape.rank--;
    return AENC_OK;
}

static void squares_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t width = aenc_line_width(n->in[0]);
    struct span lines = aenc_lines(n->in[0], rows, width);
    const num *t = aenc_value(run, n->in[0]), *h = aenc_value(run, n->in[n->in_count - 1]);
    num *y = aenc_value(run, n);
    for (int64_t i = lines.lo; i < lines.hi; i++)
        y[i] = run->kernels->elementwise->dot(t + i * width, h + i * width, width);
}

static void squares_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    const struct node *x = n->in[operand];
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    bool one = x->kind != NODE_ROW && x->shape.rank == 1; /* the span is a part of the only line */
    int64_t each = aenc_op_stride0(x), width = one ? s.hi - s.lo : aenc_line_width(x);
    const num *from = aenc_value(run, n->in[operand == 0 ? n->in_count - 1 : 0]) + s.lo * each;
    const num *g = aenc_gradient(run, n) + (one ? 0 : s.lo * each / width);
    num factor = operand == 0 ? 2 : 1;
    for (int64_t i = 0; i < (s.hi - s.lo) * each / width; i++) {
        if (add) kernels->accumulate(dx + i * width, from + i * width, factor * g[i], width);
        else kernels->affine(dx + i * width, from + i * width, factor * g[i], 0, width);
    }
}

static void squares_backward(const struct node *n, struct span rows, const struct run *run) {
    aenc_op_backward(n, rows, run, squares_gradient);
}

static void squares_gather(const struct node *n, int operand, struct span tile, struct span rows, num *out, bool add,
                           const struct run *run) {
    (void)rows;
    squares_gradient(n, operand, tile, out, add, run);
}

static const struct op squares_op = {.name = "line_squares",
                                     .arity = -1,
                                     .infer = squares_infer,
                                     .forward = squares_forward,
                                     .backward = squares_backward,
                                     .gather = squares_gather};

struct node *aenc_op_line_squares(struct tape *tape, struct node *t, struct node *metric) {
    struct node *in[] = {t, NULL};
    if (metric != NULL) in[1] = aenc_op_product(tape, aenc_op_stop_gradient(tape, t), metric, false);
    return aenc_tape_record(tape, &squares_op, in, metric == NULL ? 1 : 2, NULL, 0);
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

static const struct op eye_op = {.name = "eye", .arity = 0, .infer = eye_infer, .forward = eye_forward};

struct node *aenc_op_eye(struct tape *tape, int64_t size) {
    return aenc_tape_record(tape, &eye_op, NULL, 0, &size, sizeof size);
}

const struct op *const aenc_jacobian_ops[] = {&gram_op, &squares_op, &eye_op, NULL};
