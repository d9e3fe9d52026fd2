/* binary.c - sum, difference, product and quotient of two operands that broadcast.
 *
 * Everything runs over the strips of a walk (op/broadcast.h). The gradient of an operand that repeats is a sum: its
 * strip is added up where the operand stays, and strips add to one another where they meet it again.
 */
#include <string.h>

#include "io/message_text.h"
#include "op/broadcast.h"
#include "op/family.h"

/* One strip: n elements of the result; operands step by 1 or by 0. */
struct strip {
    int64_t n;
    const num *a, *b;
    int64_t a_step, b_step;
    const struct elementwise_kernels *kernels;
    num *y; /* forward only: to be written */

    /* Gradients only: the value, its gradient, and that of the operand in question (its step is the operand's). */
    const num *value, *dy;
    num *out;
    int64_t out_step;
    bool add;
};
typedef void strip_function(const struct strip *s);

static void walk_forward(const struct node *n, struct span rows, const struct run *run, strip_function *forward) {
    num *y = aenc_value(run, n);
    const num *a = aenc_value(run, n->in[0]), *b = aenc_value(run, n->in[1]);
    struct walk w;
    aenc_walk_begin(n, rows, -1, (struct span){0, 0}, &w);
    do {
        struct strip s = {.n = w.length,
                          .a = a + w.at[WALK_A],
                          .b = b + w.at[WALK_B],
                          .a_step = w.step[WALK_A],
                          .b_step = w.step[WALK_B],
                          .kernels = run->kernels->elementwise,
                          .y = y + w.at[WALK_RESULT]};
        forward(&s);
    } while (aenc_walk_next(&w));
}

/* The gradient of one operand over a span of its axis 0; out is the start of that span. */
static void walk_gradient(const struct node *n, int operand, struct span s0, num *out, bool add, const struct run *run,
                          strip_function *gradient) {
    struct walk w;
    bool rows = n->in[operand]->kind == NODE_ROW;
    int64_t each = aenc_op_stride0(n->in[operand]);
    int place = WALK_A + operand;
    aenc_walk_begin(n, run->rows, rows ? -1 : operand, s0, &w);
    if (w.repeats[place] && !add) memset(out, 0, (size_t)((s0.hi - s0.lo) * each) * sizeof *out);
    out -= s0.lo * each;
    const num *y = aenc_value(run, n), *dy = aenc_gradient(run, n);
    const num *a = aenc_value(run, n->in[0]), *b = aenc_value(run, n->in[1]);
    do {
        struct strip s = {.n = w.length,
                          .a = a + w.at[WALK_A],
                          .b = b + w.at[WALK_B],
                          .a_step = w.step[WALK_A],
                          .b_step = w.step[WALK_B],
                          .kernels = run->kernels->elementwise,
                          .value = y + w.at[WALK_RESULT],
                          .dy = dy + w.at[WALK_RESULT],
                          .out = out + w.at[place],
                          .out_step = w.step[place],
                          .add = add || w.repeats[place]};
        gradient(&s);
    } while (aenc_walk_next(&w));
}

/* out (=, +=) scale dy, or its sum where the operand stays */
static void strip_scale(const struct strip *s, num scale) {
    if (s->out_step == 0)
        s->out[0] += scale * s->kernels->sum(s->dy, s->n);
    else if (s->add)
        s->kernels->accumulate(s->out, s->dy, scale, s->n);
    else
        s->kernels->affine(s->out, s->dy, scale, 0, s->n);
}

/* out (=, +=) dy times the other operand */
static void strip_product(const struct strip *s, const num *other, int64_t step) {
    if (step == 0)
        strip_scale(s, other[0]);
    else if (s->out_step == 0)
        s->out[0] += s->kernels->dot(s->dy, other, s->n);
    else if (s->add)
        s->kernels->accumulate_product(s->out, s->dy, other, s->n);
    else
        s->kernels->multiply(s->out, s->dy, other, s->n);
}

/* ---- Tangents: direction axes stand in front of the axes that the result has, not of those the operand has ---- */

/* The tangent of an operand with as many axes behind its directions as the result has; NULL for NULL. */
static struct node *tangent_align(struct tape *tape, const struct node *n, struct node *const *tangents, int operand) {
    struct node *t = tangents[operand];
    const struct node *x = n->in[operand];
    int missing = aenc_op_row_rank(n) - aenc_op_row_rank(x);
    if (t == NULL || missing == 0 || aenc_op_directions(t, x) == 0) return t;
    struct node like = {.kind = NODE_BATCH, .shape = {aenc_op_row_rank(n), {1, 1, 1, 1, 1, 1}}};
    for (int i = 0; i < aenc_op_row_rank(x); i++) like.shape.dim[missing + i] = x->shape.dim[aenc_op_row_axes(x) + i];
    return aenc_op_tangent_reshape(tape, t, x, &like);
}

/* t repeated to the shape of the result. */
static struct node *tangent_spread(struct tape *tape, const struct node *n, struct node *t) {
    if (t == NULL) return NULL;
    int rank = aenc_op_row_rank(n);
    bool same = aenc_op_row_rank(t) >= rank;
    for (int i = 1; i <= rank && same; i++) same = t->shape.dim[t->shape.rank - i] == n->shape.dim[n->shape.rank - i];
    if (same) return t;
    struct node *zero = aenc_op_affine(tape, aenc_op_stop_gradient(tape, aenc_op_result(tape, n)), 0, 0);
    return aenc_op_add(tape, zero, t);
}

/* ---- y = a + b: da = dy, db = dy ---- */

static void add_strip(const struct strip *s) {
    if (s->a_step == s->b_step)
        s->kernels->add(s->y, s->a, s->b, s->n);
    else if (s->b_step == 0)
        s->kernels->affine(s->y, s->a, 1, s->b[0], s->n);
    else
        s->kernels->affine(s->y, s->b, 1, s->a[0], s->n);
}

static void pass_strip(const struct strip *s) { strip_scale(s, 1); }

static void add_forward(const struct node *n, struct span rows, const struct run *run) {
    walk_forward(n, rows, run, add_strip);
}

static void add_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    walk_gradient(n, operand, s, dx, add, run, pass_strip);
}

static struct node *add_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *a = tangent_align(tape, n, tangents, 0), *b = tangent_align(tape, n, tangents, 1);
    if (a != NULL && b != NULL) return tangent_spread(tape, n, aenc_op_add(tape, a, b));
    return tangent_spread(tape, n, a != NULL ? a : b);
}

static const struct op add_op = {.name = "add",
                                 .arity = 2,
                                 .infer = aenc_broadcast_infer,
                                 .forward = add_forward,
                                 .gradient = add_gradient,
                                 .symmetric = true,
                                 .tangent = add_tangent};

/* ---- y = a - b: da = dy, db = -dy ---- */

static void subtract_strip(const struct strip *s) {
    if (s->a_step == s->b_step)
        s->kernels->subtract(s->y, s->a, s->b, s->n);
    else if (s->b_step == 0)
        s->kernels->affine(s->y, s->a, 1, -s->b[0], s->n);
    else
        s->kernels->affine(s->y, s->b, -1, s->a[0], s->n);
}

static void pass_negative_strip(const struct strip *s) { strip_scale(s, -1); }

static void subtract_forward(const struct node *n, struct span rows, const struct run *run) {
    walk_forward(n, rows, run, subtract_strip);
}

static void subtract_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                              const struct run *run) {
    walk_gradient(n, operand, s, dx, add, run, operand == 0 ? pass_strip : pass_negative_strip);
}

static struct node *subtract_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *a = tangent_align(tape, n, tangents, 0), *b = tangent_align(tape, n, tangents, 1);
    if (a != NULL && b != NULL) return tangent_spread(tape, n, aenc_op_subtract(tape, a, b));
    return tangent_spread(tape, n, a != NULL ? a : aenc_op_affine(tape, b, -1, 0));
}

static const struct op subtract_op = {.name = "subtract",
                                      .arity = 2,
                                      .infer = aenc_broadcast_infer,
                                      .forward = subtract_forward,
                                      .gradient = subtract_gradient,
                                      .symmetric = true,
                                      .tangent = subtract_tangent};

/* ---- y = a b: da = dy b, db = dy a ---- */

static void multiply_strip(const struct strip *s) {
    if (s->a_step == s->b_step)
        s->kernels->multiply(s->y, s->a, s->b, s->n);
    else if (s->b_step == 0)
        s->kernels->affine(s->y, s->a, s->b[0], 0, s->n);
    else
        s->kernels->affine(s->y, s->b, s->a[0], 0, s->n);
}

static void multiply_a_strip(const struct strip *s) { strip_product(s, s->b, s->b_step); }
static void multiply_b_strip(const struct strip *s) { strip_product(s, s->a, s->a_step); }

static void multiply_forward(const struct node *n, struct span rows, const struct run *run) {
    walk_forward(n, rows, run, multiply_strip);
}

static void multiply_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                              const struct run *run) {
    walk_gradient(n, operand, s, dx, add, run, operand == 0 ? multiply_a_strip : multiply_b_strip);
}

static struct node *multiply_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *a = tangent_align(tape, n, tangents, 0), *b = tangent_align(tape, n, tangents, 1);
    if (a != NULL) a = aenc_op_multiply(tape, a, n->in[1]);
    if (b != NULL) b = aenc_op_multiply(tape, n->in[0], b);
    if (a != NULL && b != NULL) return aenc_op_add(tape, a, b);
    return a != NULL ? a : b;
}

static const struct op multiply_op = {.name = "multiply",
                                      .arity = 2,
                                      .infer = aenc_broadcast_infer,
                                      .forward = multiply_forward,
                                      .gradient = multiply_gradient,
                                      .symmetric = true,
                                      .tangent = multiply_tangent};

/* ---- y = a / b: da = dy / b, db = -dy y / b ---- */

static void divide_strip(const struct strip *s) {
    if (s->a_step == s->b_step) {
        s->kernels->divide(s->y, s->a, s->b, s->n);
        return;
    }
    for (int64_t i = 0; i < s->n; i++) s->y[i] = s->a[i * s->a_step] / s->b[i * s->b_step];
}

static void divide_a_strip(const struct strip *s) {
    if (s->b_step == 0) {
        strip_scale(s, 1 / s->b[0]);
    } else if (s->out_step == 0) {
        double sum = 0;
        for (int64_t i = 0; i < s->n; i++) sum += (double)(s->dy[i] / s->b[i]);
        s->out[0] += (num)sum;
    } else {
        for (int64_t i = 0; i < s->n; i++) s->out[i] = (s->add ? s->out[i] : 0) + s->dy[i] / s->b[i];
    }
}

static void divide_b_strip(const struct strip *s) {
    if (s->b_step == 0) {
        s->out[0] -= s->kernels->dot(s->dy, s->value, s->n) / s->b[0];
    } else {
        for (int64_t i = 0; i < s->n; i++) s->out[i] = (s->add ? s->out[i] : 0) - s->dy[i] * s->value[i] / s->b[i];
    }
}

static void divide_forward(const struct node *n, struct span rows, const struct run *run) {
    walk_forward(n, rows, run, divide_strip);
}

static void divide_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    walk_gradient(n, operand, s, dx, add, run, operand == 0 ? divide_a_strip : divide_b_strip);
}

/* (ta - y tb) / b */
static struct node *divide_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *a = tangent_align(tape, n, tangents, 0), *b = tangent_align(tape, n, tangents, 1);
    if (b != NULL) {
        b = aenc_op_multiply(tape, aenc_op_result(tape, n), b);
        a = a == NULL ? aenc_op_affine(tape, b, -1, 0) : aenc_op_subtract(tape, a, b);
    }
    return aenc_op_divide(tape, a, n->in[1]);
}

static const struct op divide_op = {.name = "divide",
                                    .arity = 2,
                                    .infer = aenc_broadcast_infer,
                                    .forward = divide_forward,
                                    .gradient = divide_gradient,
                                    .symmetric = true,
                                    .tangent = divide_tangent};

/* ---- Recording ---- */

static struct node *record(struct tape *tape, const struct op *op, struct node *a, struct node *b) {
    return aenc_tape_record(tape, op, (struct node *const[]){a, b}, 2, NULL, 0);
}

struct node *aenc_op_add(struct tape *tape, struct node *a, struct node *b) {
    return record(tape, &add_op, a, b);
}
struct node *aenc_op_subtract(struct tape *tape, struct node *a, struct node *b) {
    return record(tape, &subtract_op, a, b);
}
struct node *aenc_op_multiply(struct tape *tape, struct node *a, struct node *b) {
    return record(tape, &multiply_op, a, b);
}
struct node *aenc_op_divide(struct tape *tape, struct node *a, struct node *b) {
    return record(tape, &divide_op, a, b);
}

const struct op *const aenc_binary_ops[] = {&add_op, &subtract_op, &multiply_op, &divide_op, NULL};
