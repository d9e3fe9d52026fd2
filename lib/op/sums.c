/* sums.c - what penalties are made of: sums of magnitudes and squares, products of elements summed over the batch, and
 * constants to compare them with.
 */
#include <string.h>

#include "io/message_text.h"
#include "math/blas.h"
#include "op/family.h"

enum { CHUNK = 512 }; /* numbers of a row at a time */

/* ---- y = sum over a row of |x|, or of x^2; dx = dy sign(x), 2 dy x ---- */

static aenc_status total_infer(struct tape *tape, struct node *n) {
    (void)tape;
    aenc_op_infer_like(n, n->in[0]);
    n->shape.rank = aenc_op_row_axes(n);
    return AENC_OK;
}

static enum function total_function(const struct node *n) { return *(const enum function *)n->attr; }

static num total(enum function f, const num *x, int64_t count, const struct elementwise_kernels *kernels) {
    num each[CHUNK];
    double sum = 0;
    for (int64_t first = 0; first < count; first += CHUNK) {
        int64_t length = count - first < CHUNK ? count - first : CHUNK;
        kernels->forward(f, each, x + first, length, 0);
        sum += (double)kernels->sum(each, length);
    }
    return (num)sum;
}

static void total_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n->in[0]);
    if (n->kind != NODE_ROW) rows = (struct span){0, 1};
    for (int64_t r = rows.lo; r < rows.hi; r++)
        aenc_value(run, n)[r] =
            total(total_function(n), aenc_value(run, n->in[0]) + r * size, size, run->kernels->elementwise);
}

static void total_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const struct node *x = n->in[operand];
    int64_t each = aenc_op_stride0(x), size = x->kind == NODE_ROW ? each : (s.hi - s.lo) * each;
    const num *value = aenc_value(run, x) + s.lo * each, *gradient = aenc_gradient(run, n);
    num dy[CHUNK];
    for (int64_t r = 0; r < (x->kind == NODE_ROW ? s.hi - s.lo : 1); r++) {
        for (int64_t i = 0; i < CHUNK && i < size; i++) dy[i] = gradient[x->kind == NODE_ROW ? s.lo + r : 0];
        for (int64_t first = 0; first < size; first += CHUNK) {
            int64_t length = size - first < CHUNK ? size - first : CHUNK, at = r * size + first;
            run->kernels->elementwise->backward(total_function(n), dx + at, dy, value + at, NULL, length, 0, add);
        }
    }
}

static void total_describe(const struct node *n, struct description *to) {
    aenc_describe_text(to, "function", aenc_op_function_name(total_function(n)));
}

static const struct op absolute_sum_op = {.name = "absolute_sum",
                                          .arity = 1,
                                          .infer = total_infer,
                                          .forward = total_forward,
                                          .gradient = total_gradient,
                                          .describe = total_describe};
static const struct op square_sum_op = {.name = "square_sum",
                                        .arity = 1,
                                        .infer = total_infer,
                                        .forward = total_forward,
                                        .gradient = total_gradient,
                                        .describe = total_describe};

struct node *aenc_op_absolute_sum(struct tape *tape, struct node *x) {
    enum function function = FUNCTION_ABSOLUTE;
    return aenc_tape_record(tape, &absolute_sum_op, &x, 1, &function, sizeof function);
}

struct node *aenc_op_square_sum(struct tape *tape, struct node *x) {
    enum function function = FUNCTION_SQUARE;
    return aenc_tape_record(tape, &square_sum_op, &x, 1, &function, sizeof function);
}

/* ---- S = sum over live rows of x x^T, a row taken as a vector; dx = x (dS + dS^T) ---- */

static aenc_status products_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    char text[SHAPE_TEXT];
    int64_t size = aenc_node_row_size(x);
    if (x->kind != NODE_ROW || !aenc_blas_fits(size))
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'batch_products': shape %s has no rows, or they are too long",
                              aenc_shape_text(x, text));
    n->kind = NODE_BATCH;
    n->shape = (struct shape){2, {size, size}};
    return AENC_OK;
}

static void products_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = n->shape.dim[0];
    const num *x = aenc_value(run, n->in[0]) + rows.lo * size;
    num *part = aenc_part(run, n, run->shard);
    aenc_blas_gemm(true, false, size, size, rows.hi - rows.lo, x, size, x, size, 0, part, size);
}

static void products_tile(const struct node *n, struct span tile, num *out, const struct run *run) {
    int64_t size = n->shape.dim[0];
    const num *x = aenc_value(run, n->in[0]) + run->rows.lo * size;
    aenc_blas_gemm(true, false, tile.hi - tile.lo, size, run->rows.hi - run->rows.lo, x + tile.lo, size, x, size, 0,
                   out, size);
}

static void products_combine(const struct node *n, int64_t shards, const struct run *run) {
    int64_t count = aenc_node_row_size(n);
    num *y = aenc_value(run, n);
    memcpy(y, aenc_part(run, n, 0), (size_t)count * sizeof *y);
    for (int64_t s = 1; s < shards; s++) run->kernels->elementwise->accumulate(y, aenc_part(run, n, s), 1, count);
}

static void products_gradient(const struct node *n, int operand, struct span rows, num *dx, bool add,
                              const struct run *run) {
    int64_t size = n->shape.dim[0], count = rows.hi - rows.lo;
    const num *x = aenc_value(run, n->in[operand]) + rows.lo * size, *gradient = aenc_gradient(run, n);
    aenc_blas_gemm(false, false, count, size, size, x, size, gradient, size, add ? 1 : 0, dx, size);
    aenc_blas_gemm(false, true, count, size, size, x, size, gradient, size, 1, dx, size);
}

static const struct op_talents products_talents = {.reduce_tile = products_tile};

static const struct op batch_products_op = {.name = "batch_products",
                                            .arity = 1,
                                            .span = SPAN_REDUCE,
                                            .infer = products_infer,
                                            .forward = products_forward,
                                            .combine = products_combine,
                                            .gradient = products_gradient,
                                            .talents = &products_talents};

struct node *aenc_op_batch_products(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &batch_products_op, &x, 1, NULL, 0);
}

/* ---- Numbers that stay: values of the recording, and each row's share of the batch: its weight / the sum of all
 * ---- */

struct constant {
    struct shape shape;
    const num *value;
};

static aenc_status constant_infer(struct tape *tape, struct node *n) {
    (void)tape;
    n->kind = NODE_BATCH;
    n->shape = ((const struct constant *)n->attr)->shape;
    return AENC_OK;
}

static void constant_forward(const struct node *n, struct span rows, const struct run *run) {
    (void)rows;
    const struct constant *constant = n->attr;
    memcpy(aenc_value(run, n), constant->value, (size_t)aenc_shape_count(&n->shape) * sizeof(num));
}

static aenc_status share_infer(struct tape *tape, struct node *n) {
    n->kind = NODE_ROW;
    n->space = *(const int *)n->attr;
    n->shape = (struct shape){1, {tape->capacity[n->space]}};
    return AENC_OK;
}

static void share_describe(const struct node *n, struct description *to) {
    aenc_describe_number(to, "space", n->space);
}

static void share_forward(const struct node *n, struct span rows, const struct run *run) {
    for (int64_t r = rows.lo; r < rows.hi; r++)
        aenc_value(run, n)[r] = (num)((double)aenc_row_weight(run, n->space, r) / aenc_weight_total(run, n->space));
}

static void constant_describe(const struct node *n, struct description *to) {
    const struct constant *constant = n->attr;
    aenc_describe_whole(to, "dims", constant->shape.dim, constant->shape.rank);
    aenc_describe_numbers(to, "values", constant->value, aenc_shape_count(&constant->shape));
}

static const struct op constant_op = {.name = "constant",
                                      .arity = 0,
                                      .infer = constant_infer,
                                      .forward = constant_forward,
                                      .describe = constant_describe};
static const struct op row_share_op = {
    .name = "row_share", .arity = 0, .infer = share_infer, .forward = share_forward, .describe = share_describe};

struct node *aenc_op_constant(struct tape *tape, struct shape shape, num **values) {
    num *value = tape->status != AENC_OK
                     ? NULL
                     : aenc_arena_alloc(&tape->arena, (size_t)aenc_shape_count(&shape), sizeof *value);
    if (value == NULL && tape->status == AENC_OK) tape->status = AENC_ERR_NO_MEMORY;
    struct constant constant = {shape, value};
    *values = value;
    return aenc_tape_record(tape, &constant_op, NULL, 0, &constant, sizeof constant);
}

struct node *aenc_op_row_share(struct tape *tape, const struct node *x) {
    if (x == NULL) return NULL;
    int space = x->space;
    return aenc_tape_record(tape, &row_share_op, NULL, 0, &space, sizeof space);
}

const struct op *const aenc_sums_ops[] = {&absolute_sum_op, &square_sum_op, &batch_products_op,
                                          &constant_op,     &row_share_op,  NULL};
