/* stable.c - losses in the forms that neither overflow nor cancel.
 *
 * Each compares a row with its target. Binary cross entropy is taken on logits, a Gaussian's variance as its logarithm,
 * cross entropy through log-sum-exp. Sums over a row are not divided here; what is a mean is the loss room's affair.
 * Sums that the kernel tables do not have are accumulated in double. Both operands get gradients: a target may be
 * computed.
 */
#include <inttypes.h>
#include <math.h>

#include "io/message_text.h"
#include "op/family.h"
#include "op/lines.h"

enum { CHUNK = 256 }; /* numbers of scratch on the stack */

static const double log_two_pi = 1.8378770664093454836;

/* Rows with rows, the same shape. */
static aenc_status same_shape(struct tape *tape, const struct node *n, int a, int b) {
    const struct node *x = n->in[a], *y = n->in[b];
    bool rows = (x->kind == NODE_ROW) == (y->kind == NODE_ROW) && (x->kind != NODE_ROW || x->space == y->space);
    if (rows && aenc_shape_equal(&x->shape, &y->shape)) return AENC_OK;
    char left[SHAPE_TEXT], right[SHAPE_TEXT];
    return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': shapes %s and %s differ", n->op->name,
                          aenc_shape_text(x, left), aenc_shape_text(y, right));
}

/* ---- Element losses, from the kernel tables ---- */

struct element {
    enum element_loss loss;
    double parameter;
};

static aenc_status element_infer(struct tape *tape, struct node *n) {
    aenc_status status = same_shape(tape, n, 0, 1);
    if (status != AENC_OK) return status;
    aenc_op_infer_like(n, n->in[0]);
    n->shape.rank = aenc_op_row_axes(n);
    return AENC_OK;
}

/* l = sum over the row of loss(y, t) */
static void element_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct element *element = n->attr;
    int64_t size = aenc_node_row_size(n->in[0]);
    struct span lines = aenc_lines(n, rows, 1);
    const num *y = aenc_value(run, n->in[0]), *target = aenc_value(run, n->in[1]);
    num *out = aenc_value(run, n);
    for (int64_t r = lines.lo; r < lines.hi; r++)
        out[r] =
            run->kernels->loss->total(element->loss, y + r * size, target + r * size, size, (num)element->parameter);
}

/* dy = dl dloss/dy, and so for the target. Without rows the span may be a part of the operand; the gradient is one
 * number. */
static void element_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    const struct element *element = n->attr;
    int64_t each = aenc_op_stride0(n->in[operand]), first = s.lo * each;
    bool rows = n->kind == NODE_ROW;
    const num *y = aenc_value(run, n->in[0]) + first, *target = aenc_value(run, n->in[1]) + first;
    const num *gradient = aenc_gradient(run, n) + (rows ? s.lo : 0);
    int64_t lines = rows ? s.hi - s.lo : 1, size = rows ? each : (s.hi - s.lo) * each;
    for (int64_t l = 0; l < lines; l++)
        run->kernels->loss->backward(element->loss, operand, dx + l * size, y + l * size, target + l * size,
                                     gradient[l], size, (num)element->parameter, add);
}

static void element_describe(const struct node *n, struct description *to) {
    static const char *const names[ELEMENT_LOSS_COUNT] = {[ELEMENT_SQUARED] = "squared",
                                                          [ELEMENT_ABSOLUTE] = "absolute",
                                                          [ELEMENT_HUBER] = "huber",
                                                          [ELEMENT_BCE] = "bce",
                                                          [ELEMENT_BCE_LOGITS] = "bce_logits"};
    const struct element *element = n->attr;
    aenc_describe_text(to, "loss", names[element->loss]);
    aenc_describe_number(to, "parameter", element->parameter);
}

static const struct op element_op = {
    .name = "element_loss",
    .arity = 2,
    .infer = element_infer,
    .forward = element_forward,
    .gradient = element_gradient,
    .describe = element_describe,
};

struct node *aenc_op_element_loss(struct tape *tape, enum element_loss loss, double parameter, struct node *y,
                                  struct node *target) {
    struct element element = {loss, parameter};
    struct node *in[] = {y, target};
    return aenc_tape_record(tape, &element_op, in, 2, &element, sizeof element);
}

/* ---- The same without the sum ---- */

static aenc_status each_infer(struct tape *tape, struct node *n) {
    aenc_status status = same_shape(tape, n, 0, 1);
    return status != AENC_OK ? status : aenc_op_infer_like(n, n->in[0]);
}

static void each_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct element *element = n->attr;
    struct span all = aenc_lines(n, rows, 1);
    run->kernels->loss->each(element->loss, aenc_value(run, n) + all.lo, aenc_value(run, n->in[0]) + all.lo,
                             aenc_value(run, n->in[1]) + all.lo, all.hi - all.lo, (num)element->parameter);
}

/* dy = dl dloss/dy element by element */
static void each_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const struct element *element = n->attr;
    int64_t first = s.lo * aenc_op_stride0(n), count = (s.hi - s.lo) * aenc_op_stride0(n);
    const num *y = aenc_value(run, n->in[0]) + first, *target = aenc_value(run, n->in[1]) + first;
    const num *gradient = aenc_gradient(run, n) + first;
    run->kernels->loss->backward_each(element->loss, operand, dx, y, target, gradient, count, (num)element->parameter,
                                      add);
}

static const struct op each_op = {
    .name = "element_loss_each",
    .arity = 2,
    .infer = each_infer,
    .forward = each_forward,
    .gradient = each_gradient,
    .describe = element_describe,
};

struct node *aenc_op_element_loss_each(struct tape *tape, enum element_loss loss, double parameter, struct node *y,
                                       struct node *target) {
    struct element element = {loss, parameter};
    struct node *in[] = {y, target};
    return aenc_tape_record(tape, &each_op, in, 2, &element, sizeof element);
}

/* ---- Gaussian negative log likelihood, with the logarithm of the variance ---- */

enum { NLL_Y, NLL_LOG_VARIANCE, NLL_TARGET };

static aenc_status nll_infer(struct tape *tape, struct node *n) {
    aenc_status status = same_shape(tape, n, NLL_Y, NLL_TARGET);
    if (status == AENC_OK) status = same_shape(tape, n, NLL_Y, NLL_LOG_VARIANCE);
    return status != AENC_OK ? status : aenc_op_infer_like(n, n->in[NLL_Y]);
}

/* precision = exp(-log_variance) */
static void precisions(num *precision, const num *log_variance, int64_t count, const struct run *run) {
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    kernels->affine(precision, log_variance, -1, 0, count);
    kernels->bias_activation(FUNCTION_EXP, precision, NULL, count, 0);
}

/* l = (log(2 pi) + v + (y - t)^2 exp(-v)) / 2, v the log variance */
static void nll_forward(const struct node *n, struct span rows, const struct run *run) {
    struct span all = aenc_lines(n, rows, 1);
    const num *y = aenc_value(run, n->in[NLL_Y]), *target = aenc_value(run, n->in[NLL_TARGET]);
    const num *log_variance = aenc_value(run, n->in[NLL_LOG_VARIANCE]);
    num *out = aenc_value(run, n);
    const num constant = (num)log_two_pi;
    precisions(out + all.lo, log_variance + all.lo, all.hi - all.lo, run);
    for (int64_t i = all.lo; i < all.hi; i++) {
        num difference = y[i] - target[i];
        out[i] = (num)0.5 * (constant + log_variance[i] + difference * difference * out[i]);
    }
}

/* dy = dl (y - t) exp(-v), dt = -dy, dv = dl (1 - (y - t)^2 exp(-v)) / 2 */
static void nll_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    int64_t first = s.lo * aenc_op_stride0(n), count = (s.hi - s.lo) * aenc_op_stride0(n);
    const num *y = aenc_value(run, n->in[NLL_Y]) + first, *target = aenc_value(run, n->in[NLL_TARGET]) + first;
    const num *log_variance = aenc_value(run, n->in[NLL_LOG_VARIANCE]) + first;
    const num *gradient = aenc_gradient(run, n) + first;
    num precision[CHUNK];
    for (int64_t start = 0; start < count; start += CHUNK) {
        int64_t length = count - start < CHUNK ? count - start : CHUNK;
        precisions(precision, log_variance + start, length, run);
        for (int64_t i = 0; i < length; i++) {
            num difference = y[start + i] - target[start + i];
            num scaled = difference * precision[i];
            num of_variance = (num)0.5 * (1 - scaled * difference);
            num slope = operand == NLL_LOG_VARIANCE ? of_variance : operand == NLL_Y ? scaled : -scaled;
            num before = add ? dx[start + i] : 0;
            dx[start + i] = before + gradient[start + i] * slope;
        }
    }
}

static const struct op nll_op = {
    .name = "gaussian_nll",
    .arity = 3,
    .infer = nll_infer,
    .forward = nll_forward,
    .gradient = nll_gradient,
};

/* A log variance of another shape is spread by adding it to zeros of y's. */
struct node *aenc_op_gaussian_nll(struct tape *tape, struct node *y, struct node *log_variance, struct node *target) {
    if (y == NULL || log_variance == NULL) return NULL;
    bool same =
        aenc_shape_equal(&y->shape, &log_variance->shape) && (y->kind == NODE_ROW) == (log_variance->kind == NODE_ROW);
    if (!same) {
        struct node *zeros = aenc_op_affine(tape, aenc_op_stop_gradient(tape, y), 0, 0);
        log_variance = aenc_op_add(tape, zeros, log_variance);
    }
    struct node *in[] = {y, log_variance, target};
    return aenc_tape_record(tape, &nll_op, in, 3, NULL, 0);
}

/* ---- Cosine distance ---- */

struct cosine {
    double epsilon;
};

struct products {
    double dot, left, right; /* y.t, |y|^2, |t|^2 */
};

static struct products products_of(const num *y, const num *target, int64_t count) {
    struct products p = {0, 0, 0};
    for (int64_t i = 0; i < count; i++) {
        p.dot += (double)y[i] * (double)target[i];
        p.left += (double)y[i] * (double)y[i];
        p.right += (double)target[i] * (double)target[i];
    }
    return p;
}

static aenc_status cosine_infer(struct tape *tape, struct node *n) {
    aenc_status status = element_infer(tape, n);
    if (status == AENC_OK && n->kind != NODE_ROW)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'cosine_distance' compares rows");
    return status;
}

/* l = 1 - y.t / max(|y| |t|, epsilon) */
static void cosine_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct cosine *cosine = n->attr;
    int64_t size = aenc_node_row_size(n->in[0]);
    const num *y = aenc_value(run, n->in[0]), *target = aenc_value(run, n->in[1]);
    num *out = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        struct products p = products_of(y + r * size, target + r * size, size);
        out[r] = (num)(1 - p.dot / fmax(sqrt(p.left) * sqrt(p.right), cosine->epsilon));
    }
}

/* d(y.t / (|y| |t|))/dy = t / (|y| |t|) - y (y.t) / (|y|^3 |t|); below epsilon the second part is gone. */
static void cosine_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    const struct cosine *cosine = n->attr;
    int64_t size = aenc_node_row_size(n->in[0]);
    const num *own = aenc_value(run, n->in[operand]), *other = aenc_value(run, n->in[1 - operand]);
    const num *gradient = aenc_gradient(run, n);
    for (int64_t r = s.lo; r < s.hi; r++, dx += size) {
        const num *a = own + r * size, *b = other + r * size;
        struct products p = products_of(a, b, size);
        double norms = sqrt(p.left) * sqrt(p.right);
        bool small = norms <= cosine->epsilon;
        num along = (num)(-(double)gradient[r] / (small ? cosine->epsilon : norms));
        num back = small ? 0 : (num)((double)gradient[r] * p.dot / norms / p.left);
        for (int64_t i = 0; i < size; i++) dx[i] = (add ? dx[i] : 0) + along * b[i] + back * a[i];
    }
}

static void cosine_describe(const struct node *n, struct description *to) {
    const struct cosine *cosine = n->attr;
    aenc_describe_number(to, "epsilon", cosine->epsilon);
}

static const struct op cosine_op = {
    .name = "cosine_distance",
    .arity = 2,
    .infer = cosine_infer,
    .forward = cosine_forward,
    .gradient = cosine_gradient,
    .describe = cosine_describe,
};

struct node *aenc_op_cosine_distance(struct tape *tape, struct node *y, struct node *target, double epsilon) {
    struct cosine cosine = {epsilon};
    struct node *in[] = {y, target};
    return aenc_tape_record(tape, &cosine_op, in, 2, &cosine, sizeof cosine);
}

/* ---- Cross entropy of softmax, over the last axis ---- */

static aenc_status entropy_infer(struct tape *tape, struct node *n) {
    aenc_status status = same_shape(tape, n, 0, 1);
    if (status != AENC_OK) return status;
    aenc_op_infer_like(n, n->in[0]);
    char text[SHAPE_TEXT];
    if (aenc_op_row_rank(n) < 1)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'softmax_cross_entropy': shape %s has no axis of classes",
                              aenc_shape_text(n, text));
    n->shape.rank--;
    return AENC_OK;
}

/* log sum exp(x) = m + log sum exp(x - m), m the maximum */
static double log_sum_exp(const num *x, int64_t count, const struct run *run) {
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    num maximum = kernels->maximum(x, count);
    num scratch[CHUNK];
    double sum = 0;
    for (int64_t start = 0; start < count; start += CHUNK) {
        int64_t length = count - start < CHUNK ? count - start : CHUNK;
        kernels->affine(scratch, x + start, 1, -maximum, length);
        kernels->bias_activation(FUNCTION_EXP, scratch, NULL, length, 0);
        sum += (double)kernels->sum(scratch, length);
    }
    return (double)maximum + log(sum);
}

/* l = sum_c t_c (log sum exp(x) - x_c) */
static void entropy_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t classes = aenc_line_width(n->in[0]);
    struct span lines = aenc_lines(n, rows, 1);
    const num *x = aenc_value(run, n->in[0]), *target = aenc_value(run, n->in[1]);
    num *out = aenc_value(run, n);
    for (int64_t r = lines.lo; r < lines.hi; r++) {
        double lse = log_sum_exp(x + r * classes, classes, run), sum = 0;
        for (int64_t c = 0; c < classes; c++)
            sum += (double)target[r * classes + c] * (lse - (double)x[r * classes + c]);
        out[r] = (num)sum;
    }
}

/* dx = dl (softmax(x) sum(t) - t), dt = dl (log sum exp(x) - x) */
static void entropy_line(num *dx, int operand, const num *x, const num *target, num gradient, int64_t classes, bool add,
                         const struct run *run) {
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    num lse = (num)log_sum_exp(x, classes, run), total = kernels->sum(target, classes);
    num scratch[CHUNK];
    for (int64_t start = 0; start < classes; start += CHUNK) {
        int64_t length = classes - start < CHUNK ? classes - start : CHUNK;
        kernels->affine(scratch, x + start, 1, -lse, length);
        if (operand == 0) kernels->bias_activation(FUNCTION_EXP, scratch, NULL, length, 0);
        for (int64_t c = 0; c < length; c++) {
            num slope = operand == 0 ? scratch[c] * total - target[start + c] : -scratch[c];
            dx[start + c] = (add ? dx[start + c] : 0) + gradient * slope;
        }
    }
}

static void entropy_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                             const struct run *run) {
    int64_t classes = aenc_line_width(n->in[0]);
    struct span lines = aenc_lines(n, s, 1);
    const num *x = aenc_value(run, n->in[0]), *target = aenc_value(run, n->in[1]), *gradient = aenc_gradient(run, n);
    for (int64_t r = lines.lo; r < lines.hi; r++, dx += classes)
        entropy_line(dx, operand, x + r * classes, target + r * classes, gradient[r], classes, add, run);
}

static const struct op entropy_op = {
    .name = "softmax_cross_entropy",
    .arity = 2,
    .infer = entropy_infer,
    .forward = entropy_forward,
    .gradient = entropy_gradient,
};

struct node *aenc_op_softmax_cross_entropy(struct tape *tape, struct node *logits, struct node *target) {
    struct node *in[] = {logits, target};
    for (int i = 0; i < 2; i++) /* tiles of a parameter's axis 0 would cut the lines */
        if (in[i] != NULL && in[i]->kind == NODE_PARAMETER) in[i] = aenc_op_affine(tape, in[i], 1, 0);
    return aenc_tape_record(tape, &entropy_op, in, 2, NULL, 0);
}

const struct op *const aenc_stable_ops[] = {&element_op, &each_op, &nll_op, &cosine_op, &entropy_op, NULL};
