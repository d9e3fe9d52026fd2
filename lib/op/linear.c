/* linear.c - products with matrices: dense and the batched product.
 *
 * Sizes: M lines of x (rows of the span times the axes between the row axis and the last), K inner, N out. Weights are
 * stored (out, in) as in PyTorch. The transposed form reads a weight stored (in, out), which is how a tied decoder uses
 * its encoder's.
 *
 * A dense layer is one GEMM and one pass for bias and activation. Its backward turns the gradient in place into the one
 * before the activation, which is what weight and bias gradients are gathered from afterwards. Only activations whose
 * derivative follows from the output are fused; the others are recorded behind.
 */
#include <inttypes.h>
#include <string.h>

#include "io/message_text.h"
#include "math/blas.h"
#include "op/family.h"
#include "op/lines.h"

/* ---- Dense: y = f(x W^T + b), or f(x W + b) with W stored (in, out) ---- */

enum { DENSE_X, DENSE_WEIGHT, DENSE_BIAS };

struct dense {
    bool transposed;
    bool ignored_for_sharding; /* its lines are derivatives of rows: the shards are chosen without it */
    enum function function;
    double slope;
};

static aenc_status dense_infer(struct tape *tape, struct node *n) {
    const struct dense *dense = n->attr;
    const struct node *x = n->in[DENSE_X], *weight = n->in[DENSE_WEIGHT];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    int least = x->kind == NODE_ROW ? 2 : 1;
    bool matrix = weight->kind != NODE_ROW && weight->shape.rank == 2;
    if (x->shape.rank < least || !matrix || weight->shape.dim[dense->transposed ? 0 : 1] != aenc_line_width(x))
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'dense': x of shape %s does not fit %s of shape %s",
                              aenc_shape_text(x, a), dense->transposed ? "transposed weight" : "weight",
                              aenc_shape_text(weight, b));
    int64_t out = weight->shape.dim[dense->transposed ? 1 : 0];
    const struct node *bias = n->in_count > DENSE_BIAS ? n->in[DENSE_BIAS] : NULL;
    if (bias != NULL && (bias->kind == NODE_ROW || bias->shape.rank != 1 || bias->shape.dim[0] != out))
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'dense': bias has shape %s, and there are %" PRId64 " outputs",
                              aenc_shape_text(bias, a), out);
    n->kind = x->kind == NODE_ROW ? NODE_ROW : NODE_BATCH;
    n->space = x->space;
    n->shape = x->shape;
    n->shape.dim[n->shape.rank - 1] = out;
    int64_t lines = aenc_shape_count(&x->shape) / aenc_line_width(x);
    if (!aenc_blas_fits(lines) || !aenc_blas_fits(out) || !aenc_blas_fits(aenc_line_width(x)))
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'dense': x of shape %s is more than the CBLAS can take",
                              aenc_shape_text(x, a));
    return AENC_OK;
}

/* Columns of y of so many lines. */
static void dense_values(const struct node *n, struct span lines, struct span columns, const struct run *run) {
    const struct dense *dense = n->attr;
    int64_t in = aenc_line_width(n->in[DENSE_X]), out = aenc_line_width(n);
    int64_t count = lines.hi - lines.lo, wide = columns.hi - columns.lo;
    const num *x = aenc_value(run, n->in[DENSE_X]) + lines.lo * in;
    const num *weight = aenc_value(run, n->in[DENSE_WEIGHT]) + columns.lo * (dense->transposed ? 1 : in);
    num *y = aenc_value(run, n) + lines.lo * out + columns.lo;
    run->gemm(false, !dense->transposed, count, wide, in, x, in, weight, dense->transposed ? out : in, 0, y, out);
    const num *bias = n->in_count > DENSE_BIAS ? aenc_value(run, n->in[DENSE_BIAS]) + columns.lo : NULL;
    if (bias == NULL && dense->function == FUNCTION_IDENTITY) return;
    for (int64_t i = 0; i < count; i++)
        run->kernels->elementwise->bias_activation(dense->function, y + i * out, bias, wide, (num)dense->slope);
}

/* Columns of dx = dpre W (transposed: dpre W^T) of so many lines; dx is the first of them. */
static void dense_input(const struct node *n, struct span lines, struct span columns, num *dx, bool add,
                        const struct run *run) {
    const struct dense *dense = n->attr;
    int64_t in = aenc_line_width(n->in[DENSE_X]), out = aenc_line_width(n);
    const num *gradient = aenc_gradient(run, n) + lines.lo * out;
    const num *weight = aenc_value(run, n->in[DENSE_WEIGHT]) + columns.lo * (dense->transposed ? out : 1);
    run->gemm(false, dense->transposed, lines.hi - lines.lo, columns.hi - columns.lo, out, gradient, out, weight,
              dense->transposed ? out : in, add ? 1 : 0, dx, in);
}

static void dense_input_columns(const struct node *n, struct span rows, struct span columns, const struct run *run) {
    num *dx = aenc_gradient(run, n->in[DENSE_X]) + rows.lo * aenc_line_width(n->in[DENSE_X]) + columns.lo;
    dense_input(n, rows, columns, dx, aenc_gradient_mode(n, DENSE_X) == GRADIENT_ADD, run);
}

static void dense_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t out = aenc_line_width(n);
    dense_values(n, aenc_lines(n, rows, out), (struct span){0, out}, run);
}

/* dpre = dy f'(y), in place: dx, dW and db are all made of it. */
static void dense_backward(const struct node *n, struct span rows, const struct run *run) {
    const struct dense *dense = n->attr;
    int64_t out = aenc_line_width(n);
    struct span lines = aenc_lines(n, rows, out);
    if (dense->function != FUNCTION_IDENTITY) {
        const num *y = aenc_value(run, n) + lines.lo * out;
        num *gradient = aenc_gradient(run, n) + lines.lo * out;
        int64_t count = (lines.hi - lines.lo) * out;
        run->kernels->elementwise->backward_in_place(dense->function, gradient, y, count, (num)dense->slope);
    }
    if (!aenc_node_has_columns(n)) aenc_run_gradients(n, rows, run);
}

/* Where a weight does not stay in a core's second cache beside the activations, or where rows are so few that there
 * are no more than two shards of them. Fewer than a block of rows gain nothing from it; of very many a worker would
 * have to fetch x anew for every few columns. */
static struct span dense_by_columns(const struct node *n) {
    enum { LARGE = 1 << 18, SMALL = 1 << 16, LEAST = 8, FEW = 128, MOST = 512 };
    const struct dense *dense = n->attr;
    int64_t weight = aenc_shape_count(&n->in[DENSE_WEIGHT]->shape);
    if (dense->ignored_for_sharding || n->shape.rank != 2 || weight < SMALL) return (struct span){0, 0};
    return (struct span){LEAST, (weight >= LARGE ? MOST : FEW) + 1};
}

/* The span is one of x's axis 0; in a vector without rows that is the inner one. */
static void dense_gradient_x(const struct node *n, struct span s, num *dx, bool add, const struct run *run) {
    const struct node *x = n->in[DENSE_X];
    int64_t in = aenc_line_width(x), each = aenc_op_stride0(x) / in;
    bool vector = x->kind != NODE_ROW && x->shape.rank == 1;
    struct span lines = {s.lo * each, s.hi * each}, whole = {0, in}, only = {0, 1};
    dense_input(n, vector ? only : lines, vector ? s : whole, dx, add, run);
}

/* dW = dpre^T x (transposed: x^T dpre), the tile's rows of it; db = column sums of dpre. */
static void dense_gradient(const struct node *n, int operand, struct span tile, num *out, bool add,
                           const struct run *run) {
    const struct dense *dense = n->attr;
    const struct node *x = n->in[DENSE_X];
    if (operand == DENSE_X) {
        dense_gradient_x(n, tile, out, add, run);
        return;
    }
    int64_t in = aenc_line_width(x), width = aenc_line_width(n);
    struct span lines = aenc_lines(n, run->rows, width);
    int64_t count = lines.hi - lines.lo, wide = tile.hi - tile.lo;
    const num *gradient = aenc_gradient(run, n) + lines.lo * width;
    const num *input = aenc_value(run, x) + lines.lo * in;
    num beta = add ? 1 : 0;
    if (operand == DENSE_BIAS)
        run->kernels->elementwise->column_sums(out, gradient + tile.lo, count, wide, width, add);
    else if (dense->transposed)
        run->gemm(true, false, wide, width, count, input + tile.lo, in, gradient, width, beta, out, width);
    else
        run->gemm(true, false, wide, in, count, gradient + tile.lo, width, input, in, beta, out, in);
}

static int64_t dense_gemm_rows(const struct node *n) {
    const struct dense *dense = n->attr;
    return dense->ignored_for_sharding ? 0 : aenc_node_row_size(n) / aenc_line_width(n);
}

/* Many lines to a row, and a weight that would be a tile or two. */
static bool dense_by_shard(const struct node *n, int operand) {
    const struct dense *dense = n->attr;
    enum { SMALL = 65536 };
    return dense->ignored_for_sharding && operand == DENSE_WEIGHT &&
           aenc_shape_count(&n->in[operand]->shape) <= SMALL && n->in[DENSE_X]->kind == NODE_ROW;
}

static struct node *dense_record(struct tape *tape, struct node *x, struct node *weight, struct node *bias,
                                 struct dense dense);

struct node *aenc_op_product(struct tape *tape, struct node *x, struct node *weight, bool transposed) {
    return dense_record(tape, x, weight, NULL, (struct dense){.transposed = transposed, .ignored_for_sharding = true});
}

/* f'(pre), which follows from the output; NULL: 1. */
static struct node *dense_slope(struct tape *tape, const struct node *n) {
    const struct dense *dense = n->attr;
    if (dense->function == FUNCTION_IDENTITY) return NULL;
    return aenc_op_derivative(tape, dense->function, dense->slope, NULL, aenc_op_result(tape, n));
}

/* f'(pre) (x' W^T) */
static struct node *dense_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct dense *dense = n->attr;
    for (int i = DENSE_WEIGHT; i < n->in_count; i++) {
        if (tangents[i] == NULL) continue;
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "op 'dense' has no tangent along its %s",
                       i == DENSE_WEIGHT ? "weight" : "bias");
        return NULL;
    }
    if (tangents[DENSE_X] == NULL) return NULL;
    struct node *along = aenc_op_product(tape, tangents[DENSE_X], n->in[DENSE_WEIGHT], dense->transposed);
    struct node *slope = dense_slope(tape, n);
    return slope == NULL ? along : aenc_op_multiply(tape, slope, along);
}

/* (f'(pre) c) W */
static struct node *dense_cotangent(struct tape *tape, const struct node *n, int operand, struct node *along) {
    const struct dense *dense = n->attr;
    if (operand != DENSE_X) {
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "op 'dense' has no cotangent of its operand %d", operand);
        return NULL;
    }
    struct node *slope = dense_slope(tape, n);
    if (slope != NULL) along = aenc_op_multiply(tape, slope, along);
    return aenc_op_product(tape, along, n->in[DENSE_WEIGHT], !dense->transposed);
}

static void dense_describe(const struct node *n, struct description *to) {
    const struct dense *dense = n->attr;
    aenc_describe_flag(to, "transposed", dense->transposed);
    aenc_describe_flag(to, "bias", n->in_count > DENSE_BIAS);
    aenc_describe_text(to, "function", aenc_op_function_name(dense->function));
    aenc_describe_number(to, "slope", dense->slope);
}

static const struct op_talents dense_talents = {
    .backward = dense_backward,
    .products = true,
    .by_shard = dense_by_shard,
    .by_columns = dense_by_columns,
    .forward_columns = dense_values,
    .backward_columns = dense_input_columns,
    .gemm_rows = dense_gemm_rows,
};

static const struct op dense_op = {
    .name = "dense",
    .arity = -1,
    .infer = dense_infer,
    .forward = dense_forward,
    .gradient = dense_gradient,
    .describe = dense_describe,
    .tangent = dense_tangent,
    .cotangent = dense_cotangent,
    .talents = &dense_talents,
};

static struct node *dense_record(struct tape *tape, struct node *x, struct node *weight, struct node *bias,
                                 struct dense dense) {
    struct node *in[] = {x, weight, bias};
    return aenc_tape_record(tape, &dense_op, in, bias == NULL ? 2 : 3, &dense, sizeof dense);
}

/* A negative slope makes the output ambiguous: which side of zero the operand was on does not follow from it. */
static bool fuses(enum function function, double slope) {
    return slope >= 0 && aenc_kernels()->elementwise->from_output(function);
}

struct node *aenc_op_dense(struct tape *tape, struct node *x, struct node *weight, struct node *bias, bool transposed,
                           enum function function, double slope) {
    bool fused = function == FUNCTION_IDENTITY || fuses(function, slope);
    struct dense dense = {transposed, false, fused ? function : FUNCTION_IDENTITY, slope};
    struct node *y = dense_record(tape, x, weight, bias, dense);
    return fused ? y : aenc_op_function(tape, function, slope, y);
}

struct node *aenc_op_dense_weight(const struct node *n, bool *transposed) {
    if (n->op != &dense_op) return NULL;
    const struct dense *dense = n->attr;
    *transposed = dense->transposed;
    return n->in[DENSE_WEIGHT];
}

struct node *aenc_op_derivative_of(struct tape *tape, struct node *n) {
    if (n->op == &dense_op) return dense_slope(tape, n);
    enum function function;
    double slope;
    if (!aenc_op_is_function(n, &function, &slope)) return NULL;
    return aenc_op_derivative(tape, function, slope, n->in[0], n);
}

/* What n is the activation of; NULL with FUNCTION_IDENTITY where it is none. */
static struct node *activated(struct tape *tape, struct node *n, enum function *function) {
    double slope;
    *function = FUNCTION_IDENTITY;
    if (n->op == NULL) return NULL;
    if (n->op != &dense_op) return aenc_op_is_function(n, function, &slope) ? n->in[0] : NULL;
    const struct dense *dense = n->attr;
    if (dense->function == FUNCTION_IDENTITY) return NULL;
    *function = dense->function;
    struct node *bias = n->in_count > DENSE_BIAS ? n->in[DENSE_BIAS] : NULL;
    return aenc_op_dense(tape, n->in[DENSE_X], n->in[DENSE_WEIGHT], bias, dense->transposed, FUNCTION_IDENTITY, 0);
}

struct node *aenc_op_before_activation(struct tape *tape, struct node *y, enum function *function) {
    struct node *n = y;
    *function = FUNCTION_IDENTITY;
    if (y == NULL) return NULL;
    /* a view that stops gradients ends the way */
    while (n->op != NULL && n->op->view && n->needs_gradient == n->in[0]->needs_gradient) n = n->in[0];
    struct node *before = activated(tape, n, function);
    if (*function == FUNCTION_IDENTITY) return y;
    int rows = y->kind == NODE_ROW ? 1 : 0;
    return n == y ? before : aenc_op_reshape(tape, before, y->shape.dim + rows, y->shape.rank - rows);
}

/* ---- Batched product: y = op(a) op(b) over the last two axes, op the identity or the transpose ---- */

struct matmul {
    bool transpose_a, transpose_b;
};

/* Sizes of one product of the batch, and how the stored matrices repeat over it. */
struct product {
    int64_t m, n, k;
    int64_t lda, ldb;         /* stored columns */
    int64_t a_size, b_size;   /* numbers of one stored matrix */
    int64_t a_count, b_count; /* matrices per row of a node with rows, or in all; they repeat beyond */
};

static int64_t matrices(const struct node *n) {
    int last = n->shape.rank - 1;
    return aenc_node_row_size(n) / (n->shape.dim[last] * n->shape.dim[last - 1]);
}

static struct product product_of(const struct node *n) {
    const struct matmul *matmul = n->attr;
    const struct node *a = n->in[0], *b = n->in[1];
    int last = n->shape.rank - 1;
    struct product p = {.m = n->shape.dim[last - 1], .n = n->shape.dim[last]};
    p.k = a->shape.dim[a->shape.rank - (matmul->transpose_a ? 2 : 1)];
    p.lda = aenc_line_width(a);
    p.ldb = aenc_line_width(b);
    p.a_size = p.m * p.k;
    p.b_size = p.k * p.n;
    p.a_count = matrices(a);
    p.b_count = matrices(b);
    return p;
}

/* Leading axes of b are a's, or, without rows, none: then one b serves every product. */
static bool leading_equal(const struct node *a, const struct node *b) {
    int skip_a = a->kind == NODE_ROW ? 1 : 0, skip_b = b->kind == NODE_ROW ? 1 : 0;
    if (b->kind != NODE_ROW && b->shape.rank == 2) return true;
    if (a->shape.rank - skip_a != b->shape.rank - skip_b) return false;
    for (int i = 0; i < a->shape.rank - skip_a - 2; i++)
        if (a->shape.dim[i + skip_a] != b->shape.dim[i + skip_b]) return false;
    return true;
}

static aenc_status matmul_infer(struct tape *tape, struct node *n) {
    const struct matmul *matmul = n->attr;
    const struct node *a = n->in[0], *b = n->in[1];
    int least_a = a->kind == NODE_ROW ? 3 : 2, least_b = b->kind == NODE_ROW ? 3 : 2;
    bool good = a->shape.rank >= least_a && b->shape.rank >= least_b && (a->kind == NODE_ROW || b->kind != NODE_ROW);
    int64_t m = 0, k = 0, inner = -1, columns = 0;
    if (good) {
        m = a->shape.dim[a->shape.rank - (matmul->transpose_a ? 1 : 2)];
        k = a->shape.dim[a->shape.rank - (matmul->transpose_a ? 2 : 1)];
        inner = b->shape.dim[b->shape.rank - (matmul->transpose_b ? 1 : 2)];
        columns = b->shape.dim[b->shape.rank - (matmul->transpose_b ? 2 : 1)];
    }
    bool spaces = a->kind != NODE_ROW || b->kind != NODE_ROW || a->space == b->space;
    if (!good || k != inner || !spaces || !leading_equal(a, b)) {
        char left[SHAPE_TEXT], right[SHAPE_TEXT];
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'matmul': %s%s times %s%s", aenc_shape_text(a, left),
                              matmul->transpose_a ? " transposed" : "", aenc_shape_text(b, right),
                              matmul->transpose_b ? " transposed" : "");
    }
    if (!aenc_blas_fits(m) || !aenc_blas_fits(k) || !aenc_blas_fits(columns))
        return aenc_tape_fail(tape, AENC_ERR_SHAPE,
                              "op 'matmul': a product of %" PRId64 " by %" PRId64 " by %" PRId64
                              " is more than the CBLAS can take",
                              m, k, columns);
    n->kind = a->kind == NODE_ROW ? NODE_ROW : NODE_BATCH;
    n->space = a->space;
    n->shape = a->shape;
    n->shape.dim[n->shape.rank - 2] = m;
    n->shape.dim[n->shape.rank - 1] = columns;
    return AENC_OK;
}

/* Products [lo, hi) that the span's rows are made of. */
static struct span products(const struct node *n, const struct product *p, struct span rows) {
    return aenc_lines(n, rows, p->m * p->n);
}

/* Where product i finds its operand. */
static int64_t place(const struct node *operand, int64_t i, int64_t count, int64_t size) {
    return (operand->kind == NODE_ROW ? i : i % count) * size;
}

static void matmul_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct matmul *matmul = n->attr;
    struct product p = product_of(n);
    struct span all = products(n, &p, rows);
    const num *a = aenc_value(run, n->in[0]), *b = aenc_value(run, n->in[1]);
    num *y = aenc_value(run, n);
    for (int64_t i = all.lo; i < all.hi; i++)
        run->gemm(matmul->transpose_a, matmul->transpose_b, p.m, p.n, p.k, a + place(n->in[0], i, p.a_count, p.a_size),
                  p.lda, b + place(n->in[1], i, p.b_count, p.b_size), p.ldb, 0, y + i * p.m * p.n, p.n);
}

/* Stored rows [tile.lo, tile.hi) of the operand's gradient from product i, to out:
 *   a (m, k): dy op(b)^T    a (k, m): op(b) dy^T    b (k, n): op(a)^T dy    b (n, k): dy^T op(a) */
static void product_gradient(const struct node *n, int operand, int64_t i, struct span tile, num *out, num beta,
                             const struct run *run) {
    const struct matmul *matmul = n->attr;
    struct product p = product_of(n);
    const num *a = aenc_value(run, n->in[0]) + place(n->in[0], i, p.a_count, p.a_size);
    const num *b = aenc_value(run, n->in[1]) + place(n->in[1], i, p.b_count, p.b_size);
    const num *dy = aenc_gradient(run, n) + i * p.m * p.n;
    int64_t wide = tile.hi - tile.lo, lo = tile.lo;
    if (operand == 0 && !matmul->transpose_a)
        run->gemm(false, !matmul->transpose_b, wide, p.k, p.n, dy + lo * p.n, p.n, b, p.ldb, beta, out, p.k);
    else if (operand == 0)
        run->gemm(matmul->transpose_b, true, wide, p.m, p.n, b + (matmul->transpose_b ? lo : lo * p.n), p.ldb, dy, p.n,
                  beta, out, p.m);
    else if (!matmul->transpose_b)
        run->gemm(!matmul->transpose_a, false, wide, p.n, p.m, a + (matmul->transpose_a ? lo * p.m : lo), p.lda, dy,
                  p.n, beta, out, p.n);
    else
        run->gemm(true, matmul->transpose_a, wide, p.k, p.m, dy + lo, p.n, a, p.lda, beta, out, p.k);
}

/* Of an operand with rows: its products one by one. Of any other the sum over the rows; the tile is of stored rows when
 * the operand is one matrix, else of its first leading axis. */
static void matmul_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    struct product p = product_of(n);
    const struct node *in = n->in[operand];
    int64_t size = operand == 0 ? p.a_size : p.b_size, count = operand == 0 ? p.a_count : p.b_count;
    struct span stored = {0, size / aenc_line_width(in)};
    if (in->kind == NODE_ROW) {
        for (int64_t i = s.lo * count; i < s.hi * count; i++, dx += size)
            product_gradient(n, operand, i, stored, dx, add ? 1 : 0, run);
        return;
    }
    struct span all = products(n, &p, run->rows);
    if (!add && all.lo == all.hi) memset(dx, 0, (size_t)((s.hi - s.lo) * aenc_op_stride0(in)) * sizeof *dx);
    if (in->shape.rank == 2) {
        for (int64_t i = all.lo; i < all.hi; i++)
            product_gradient(n, operand, i, s, dx, add || i > all.lo ? 1 : 0, run);
        return;
    }
    int64_t each = count / in->shape.dim[0];
    struct span chosen = {s.lo * each, s.hi * each};
    for (int64_t i = all.lo; i < all.hi; i++) {
        int64_t matrix = i % count;
        if (matrix < chosen.lo || matrix >= chosen.hi) continue;
        product_gradient(n, operand, i, stored, dx + (matrix - chosen.lo) * size, add || i - all.lo >= count ? 1 : 0,
                         run);
    }
}

/* Leading axes (heads) are products of their own. */
static int64_t matmul_gemm_rows(const struct node *n) { return n->shape.dim[n->shape.rank - 2]; }

static void matmul_describe(const struct node *n, struct description *to) {
    const struct matmul *matmul = n->attr;
    aenc_describe_flag(to, "transpose_a", matmul->transpose_a);
    aenc_describe_flag(to, "transpose_b", matmul->transpose_b);
}

static const struct op_talents matmul_talents = {.gemm_rows = matmul_gemm_rows};

static const struct op matmul_op = {
    .name = "matmul",
    .arity = 2,
    .infer = matmul_infer,
    .forward = matmul_forward,
    .gradient = matmul_gradient,
    .describe = matmul_describe,
    .talents = &matmul_talents,
};

struct node *aenc_op_matmul(struct tape *tape, struct node *a, struct node *b, bool transpose_a, bool transpose_b) {
    struct matmul matmul = {transpose_a, transpose_b};
    struct node *in[] = {a, b};
    return aenc_tape_record(tape, &matmul_op, in, 2, &matmul, sizeof matmul);
}

const struct op *const aenc_linear_ops[] = {&dense_op, &matmul_op, NULL};
