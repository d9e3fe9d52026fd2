/* builders.h - builders of nodes. Each records one op and returns its node, or NULL once the tape has failed.
 *
 * Shapes: (rows, ...) is a row node; parameters, batch nodes and states have no row axis. An axis argument counts
 * the row axis as 0 in row nodes. "b broadcasts" is NumPy's rule: axes are aligned from the right, an axis of size 1
 * repeats; where only one operand has rows, the other repeats over them.
 */
#ifndef AENC_OP_BUILDERS_H
#define AENC_OP_BUILDERS_H

#include "math/kernels.h"
#include "tape/tape.h"

/* elementwise.c */
struct node *aenc_op_function(struct tape *tape, enum function function, double slope, struct node *x);
struct node *aenc_op_add(struct tape *tape, struct node *a, struct node *b); /* either broadcasts */
struct node *aenc_op_subtract(struct tape *tape, struct node *a, struct node *b);
struct node *aenc_op_multiply(struct tape *tape, struct node *a, struct node *b);
struct node *aenc_op_divide(struct tape *tape, struct node *a, struct node *b);
struct node *aenc_op_affine(struct tape *tape, struct node *x, double scale, double shift); /* scale x + shift */
/* f'(x), of which gradients are second derivatives. x may be NULL where the derivative follows from y = f(x) alone and
 * slope >= 0. */
struct node *aenc_op_derivative(struct tape *tape, enum function function, double slope, struct node *x,
                                struct node *y);
struct node *aenc_op_step(struct tape *tape, struct node *x); /* 1 where x > 0, else 0; no gradient passes */
struct node *aenc_op_clamp(struct tape *tape, struct node *x, double low, double high); /* derivative 0 outside */

/* linear.c. weight (out, in) or, transposed, (in, out) used as its transpose: tied decoders. bias (out) or NULL. x
 * (rows, ..., in): every axis but the last is a row of the product. function must be one whose derivative follows
 * from the output; activations that do not are recorded behind it by aenc_op_dense itself. */
struct node *aenc_op_dense(struct tape *tape, struct node *x, struct node *weight, struct node *bias, bool transposed,
                           enum function function, double slope);
/* Batched product over the last two axes, (rows, ..., m, k) (rows, ..., k, n); leading axes equal; either operand
 * may be used transposed. b may be without rows. */
struct node *aenc_op_matmul(struct tape *tape, struct node *a, struct node *b, bool transpose_a, bool transpose_b);
/* x W^T (transposed: x W) for x with more lines than the batch has rows, such as derivatives: shards are chosen without
 * it. */
struct node *aenc_op_product(struct tape *tape, struct node *x, struct node *weight, bool transposed);
/* The weight of a node that aenc_op_dense recorded; NULL for any other. */
struct node *aenc_op_dense_weight(const struct node *n, bool *transposed);
/* The derivative of the activation that n ends with, a function's node or one fused into dense; NULL: there is none, or
 * the tape has failed. */
struct node *aenc_op_derivative_of(struct tape *tape, struct node *n);
/* y without its fused activation: the node whose function is applied to get y (dense: the same product recorded without
 * its activation; a function node: its operand), and which function it was. y itself and FUNCTION_IDENTITY
 * otherwise. */
struct node *aenc_op_before_activation(struct tape *tape, struct node *y, enum function *function);

/* reduce.c */
enum reduction { REDUCE_SUM, REDUCE_MEAN, REDUCE_MAXIMUM };
/* Over one axis, not the row axis; kept as size 1 or dropped. Maximum sends its gradient to the first maximum. */
struct node *aenc_op_reduce(struct tape *tape, enum reduction reduction, struct node *x, int axis, bool keep);
/* (rows, ...) to (rows): everything but the row axis; without rows: to a scalar. */
struct node *aenc_op_row_sum(struct tape *tape, struct node *x);
struct node *aenc_op_row_mean(struct tape *tape, struct node *x);
/* (rows, ...) to batch (...): over live rows (SPAN_REDUCE). The mean is that of rows with their weights, the sum is
 * not. */
struct node *aenc_op_batch_sum(struct tape *tape, struct node *x);
struct node *aenc_op_batch_mean(struct tape *tape, struct node *x);

/* sums.c. Of magnitudes and of squares: (rows, ...) to (rows), without rows to a scalar. */
struct node *aenc_op_absolute_sum(struct tape *tape, struct node *x);
struct node *aenc_op_square_sum(struct tape *tape, struct node *x);
/* (rows, ...), n numbers per row, to batch (n, n): the sum over live rows of x x^T (SPAN_REDUCE). */
struct node *aenc_op_batch_products(struct tape *tape, struct node *x);
/* A batch node of numbers that the caller writes to *values (zeros so far) while recording; NULL when the tape has
 * failed. */
struct node *aenc_op_constant(struct tape *tape, struct shape shape, num **values);
/* (rows), the rows of x: each row's share of the batch, its weight by the sum of the weights. */
struct node *aenc_op_row_share(struct tape *tape, const struct node *x);

/* layout.c. dims of a row node are those of one row. */
struct node *aenc_op_reshape(struct tape *tape, struct node *x, const int64_t *dims, int rank); /* a view */
struct node *aenc_op_flatten(struct tape *tape, struct node *x);                                /* a view: (rows, n) */
struct node *aenc_op_slice(struct tape *tape, struct node *x, int axis, int64_t first, int64_t count);
struct node *aenc_op_concat(struct tape *tape, struct node *const *x, int count, int axis);
struct node *aenc_op_transpose(struct tape *tape, struct node *x, const int *axes); /* axes[0] is 0 for row nodes */
struct node *aenc_op_repeat(struct tape *tape, struct node *x, int axis, int64_t count); /* axis of size 1 */
struct node *aenc_op_stop_gradient(struct tape *tape, struct node *x);

/* fold.c. Views between row spaces. fold: (rows, k, ...) to (k rows, ...): the k things of a row become rows of their
 * own, on which everything works as on others. unfold: back, (k rows, ...) to (rows, k, ...). */
struct node *aenc_op_fold(struct tape *tape, struct node *x);
struct node *aenc_op_unfold(struct tape *tape, struct node *x, int64_t k);
/* (rows, ...) to (k rows, ...): each row k times. */
struct node *aenc_op_spread(struct tape *tape, struct node *x, int64_t k);

/* late.c. The gradient of a node by weights that are known only behind it. late: (rows) of x's row space, 1 until late_set gives it
 * the value w of that shape, which late_set hands on; what comes out must be used. weigh_gradient: x, whose gradient is late dy. */
struct node *aenc_op_late(struct tape *tape, const struct node *x);
struct node *aenc_op_late_set(struct tape *tape, struct node *late, struct node *w);
struct node *aenc_op_weigh_gradient(struct tape *tape, struct node *x, struct node *late);

/* softmax.c, over the last axis */
struct node *aenc_op_softmax(struct tape *tape, struct node *x);
struct node *aenc_op_log_softmax(struct tape *tape, struct node *x);
/* x (rows, ..., 1), k the nearest whole number, to (rows, ..., classes): 1 - smoothing at k, and smoothing / classes everywhere
 * besides. No gradient passes. */
struct node *aenc_op_one_hot(struct tape *tape, struct node *x, int64_t classes, double smoothing);

/* norm.c. Over the last `axes` axes of a row: (x - mean) / sqrt(variance + epsilon) * gain + shift; gain and shift of
 * those axes' shape, or NULL. */
struct node *aenc_op_layer_norm(struct tape *tape, struct node *x, int axes, double epsilon, struct node *gain,
                                struct node *shift);
/* Per channel c (axis 1 of x): batch (2, channels) with mean and biased variance over rows and the axes behind 1.
 * SPAN_REDUCE; parts are (count, mean, M2) combined as Chan, Golub & LeVeque 1979 do. */
struct node *aenc_op_batch_moments(struct tape *tape, struct node *x);
/* The next running mean or variance (channels): (1 - momentum) running + momentum batch, the batch's variance
 * unbiased as in PyTorch (of a single number: biased). moments are those of x. No gradient passes. */
enum running_moment { RUNNING_MEAN, RUNNING_VARIANCE };
struct node *aenc_op_running_moment(struct tape *tape, enum running_moment which, struct node *running,
                                    struct node *moments, struct node *x, double momentum);
/* (x - mean) / sqrt(variance + epsilon) * gain + shift per channel; moments (2, channels) from above or a state. */
struct node *aenc_op_normalise(struct tape *tape, struct node *x, struct node *moments, double epsilon,
                               struct node *gain, struct node *shift);

/* random.c; `name` is the node's path for its random stream */
struct node *aenc_op_normal(struct tape *tape, const char *name, const int64_t *dims, int rank); /* (rows, dims) */
struct node *aenc_op_uniform(struct tape *tape, const char *name, const int64_t *dims, int rank);
/* The same with the rows and dims of x, of whatever row space. */
struct node *aenc_op_normal_like(struct tape *tape, const char *name, const struct node *x);
/* Uniform, and the same in every turn: what several samples of a row have in common. */
struct node *aenc_op_uniform_once(struct tape *tape, const char *name, const struct node *x);
/* x with each element 0 with probability rate, the others divided by 1 - rate */
struct node *aenc_op_dropout(struct tape *tape, const char *name, struct node *x, double rate);
/* x with each element, with probability level (a scalar without gradient), replaced by low or, as often, by high. */
struct node *aenc_op_replace(struct tape *tape, const char *name, struct node *x, struct node *level, double low,
                             double high);
/* x + level e, e a standard normal for each element; level as above */
struct node *aenc_op_add_noise(struct tape *tape, const char *name, struct node *x, struct node *level);

/* stable.c: losses of one row against its target, to (rows). Sums over elements; the loss room divides. */
struct node *aenc_op_element_loss(struct tape *tape, enum element_loss loss, double parameter, struct node *y,
                                  struct node *target);
/* The same unsummed: shape of y. */
struct node *aenc_op_element_loss_each(struct tape *tape, enum element_loss loss, double parameter, struct node *y,
                                       struct node *target);
/* (log(2 pi) + log_variance + (y - t)^2 / exp(log_variance)) / 2, elementwise; log_variance broadcasts. Unsummed. */
struct node *aenc_op_gaussian_nll(struct tape *tape, struct node *y, struct node *log_variance, struct node *target);
/* 1 - y.t / max(|y| |t|, epsilon) per row, to (rows) */
struct node *aenc_op_cosine_distance(struct tape *tape, struct node *y, struct node *target, double epsilon);
/* -sum_c t_c log softmax(y)_c over the last axis: cross entropy with probabilities as targets. */
struct node *aenc_op_softmax_cross_entropy(struct tape *tape, struct node *logits, struct node *target);

/* jacobian.c. The Gram matrix of a weight (n, m): W W^T (n, n), or transposed W^T W (m, m). */
struct node *aenc_op_gram(struct tape *tape, struct node *weight, bool transposed);
/* The sum of squares of each line, (..., n) to (...). */
struct node *aenc_op_line_squares(struct tape *tape, struct node *t);
/* t G t^T of each line t of m diag(slope), G symmetric (n, n); slope (rows, n) or NULL: 1. */
struct node *aenc_op_metric_squares(struct tape *tape, struct node *m, struct node *slope, struct node *metric);
/* The unit matrix (size, size), a batch node. */
struct node *aenc_op_eye(struct tape *tape, int64_t size);
/* A square without rows, its diagonal times scale plus shift. */
struct node *aenc_op_diagonal(struct tape *tape, struct node *x, double scale, double shift);

/* custom.c. An op of somebody else's: rows of values to rows of values, without gaps. */
struct custom_rows {
    int64_t rows, first_row;    /* of the call; the first one's number in the batch */
    const num *x[OPERANDS_MAX]; /* (rows, in) */
    int64_t in[OPERANDS_MAX], out;
    num *y;        /* (rows, out) */
    const num *dy; /* NULL: forward */
    num *dx;       /* (rows, in) of one operand: to be added to */
    int operand;   /* that one */
};
struct custom_op {
    const char *name; /* for messages; copied */
    const void *user; /* lives as long as the tape */
    /* Other than 0: it has failed. Nothing that it left is used then, nor is it called again in that replay. */
    int (*call)(const void *user, const struct custom_rows *rows);
    bool differentiable;
};
/* Operands with rows, of one row space, to (rows, dims). */
struct node *aenc_op_custom(struct tape *tape, const struct custom_op *custom, struct node *const *x, int count,
                            const int64_t *dims, int rank);

/* The table of all ops, for the gradient checks: NULL-terminated tables of the families. */
extern const struct op *const *const aenc_op_tables[];

#endif
