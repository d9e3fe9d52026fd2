/* kernels.h - the hot loops, as tables of functions built once per instruction set.
 *
 * Each lib/math/kernels_*.c is compiled once per set (AENC_ISA names it) and exports one constant table; aenc_kernels
 * picks the tables that this processor runs best. A generic binary therefore runs AVX2 or AVX-512 code where there is
 * some. All loops are deterministic: the order of every sum depends on the length alone. A result may not overlap an
 * operand, but where the name says in place.
 */
#ifndef AENC_MATH_KERNELS_H
#define AENC_MATH_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/number.h"

#define AENC_JOIN_NAMES(subject, isa) aenc_##subject##_kernels_##isa
#define AENC_JOIN(subject, isa) AENC_JOIN_NAMES(subject, isa)
/* The symbol of a table in the instruction set being compiled. */
#define AENC_KERNELS(subject) AENC_JOIN(subject, AENC_ISA)

/* The functions of one number besides the identity: name, constant, and what the derivative follows from. One row is all that the
 * lists of them are made from: their constants, their loops (kernels_elementwise.c) and their ops (op/elementwise.c). `slope` is
 * leaky relu's, elu's alpha, or unused. From exp on they are no activations. */
#define FUNCTIONS(ROW)                                                                                                 \
    ROW(relu, RELU, OUTPUT)                                                                                            \
    ROW(leaky_relu, LEAKY_RELU, OUTPUT) /* x or slope x */                                                             \
    ROW(elu, ELU, OUTPUT)               /* x or slope (e^x - 1) */                                                     \
    ROW(sigmoid, SIGMOID, OUTPUT)                                                                                      \
    ROW(tanh, TANH, OUTPUT)                                                                                            \
    ROW(softplus, SOFTPLUS, OUTPUT) /* log(1 + e^x), stable */                                                         \
    ROW(gelu, GELU, INPUT)          /* x Phi(x), exact erf form (Hendrycks & Gimpel 2016) */                           \
    ROW(silu, SILU, INPUT)          /* x sigmoid(x) */                                                                 \
    ROW(exp, EXP, OUTPUT)                                                                                              \
    ROW(log, LOG, INPUT)                                                                                               \
    ROW(sqrt, SQRT, OUTPUT)                                                                                            \
    ROW(square, SQUARE, INPUT)                                                                                         \
    ROW(absolute, ABSOLUTE, INPUT)                                                                                     \
    ROW(negate, NEGATE, OUTPUT)                                                                                        \
    ROW(reciprocal, RECIPROCAL, OUTPUT)

#define FUNCTION_CONSTANT(name, constant, from) FUNCTION_##constant,
enum function { FUNCTION_IDENTITY, FUNCTIONS(FUNCTION_CONSTANT) FUNCTION_COUNT };
#undef FUNCTION_CONSTANT

/* What becomes of elements that are replaced. */
struct replacement {
    int32_t half, all; /* 0 to 2^16: so many of the values of 16 bits */
    num low, high;
    int shift; /* of an element's 16 bits in its word: 0, 16 */
};

struct elementwise_kernels {
    /* y = f(x) */
    void (*forward)(enum function f, num *y, const num *x, int64_t n, num slope);
    /* y = f(y + bias), in place; bias NULL: 0; only where from_output */
    void (*bias_activation)(enum function f, num *y, const num *bias, int64_t n, num slope);
    /* dx = dy f'(x), or dx += */
    void (*backward)(enum function f, num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope,
                     bool add);
    /* g = g f'(x), in place; only where from_output */
    void (*backward_in_place)(enum function f, num *g, const num *y, int64_t n, num slope);
    /* Whether the derivative follows from y alone: x may be NULL. */
    bool (*from_output)(enum function f);
    void (*add)(num *y, const num *a, const num *b, int64_t n);
    void (*subtract)(num *y, const num *a, const num *b, int64_t n);
    void (*multiply)(num *y, const num *a, const num *b, int64_t n);
    void (*divide)(num *y, const num *a, const num *b, int64_t n);
    /* y = scale x + shift */
    void (*affine)(num *y, const num *x, num scale, num shift, int64_t n);
    /* y += scale x */
    void (*accumulate)(num *y, const num *x, num scale, int64_t n);
    /* y += a b */
    void (*accumulate_product)(num *y, const num *a, const num *b, int64_t n);
    num (*sum)(const num *x, int64_t n);
    num (*dot)(const num *a, const num *b, int64_t n);
    num (*maximum)(const num *x, int64_t n);
    /* y[c] = (or +=) sum over rows of x[r * stride + c], rows in order */
    void (*column_sums)(num *y, const num *x, int64_t rows, int64_t cols, int64_t stride, bool add);
    /* y = softmax(x), y = log softmax(x) of one row */
    void (*softmax)(num *y, const num *x, int64_t n);
    void (*log_softmax)(num *y, const num *x, int64_t n);
    /* The largest magnitude; NaN if one is. */
    num (*max_abs)(const num *x, int64_t n);
};

/* Element losses: value(s) of one row against its target, and their gradients. `parameter` is Huber's delta. */
enum element_loss {
    ELEMENT_SQUARED,    /* (y - t)^2 */
    ELEMENT_ABSOLUTE,   /* |y - t|, derivative 0 at 0 */
    ELEMENT_HUBER,      /* (y-t)^2 / 2 within delta, delta (|y-t| - delta/2) beyond: PyTorch's huber_loss */
    ELEMENT_BCE,        /* -t log y - (1-t) log(1-y), logs clamped at -100 as PyTorch's */
    ELEMENT_BCE_LOGITS, /* max(y,0) - y t + log(1 + e^-|y|) */
    ELEMENT_LOSS_COUNT
};

struct loss_kernels {
    num (*total)(enum element_loss loss, const num *y, const num *t, int64_t n, num parameter); /* sum over the row */
    void (*each)(enum element_loss loss, num *out, const num *y, const num *t, int64_t n, num parameter);
    /* d = (or +=) scale * derivative, by y where operand is 0, by t where it is 1 */
    void (*backward)(enum element_loss loss, int operand, num *d, const num *y, const num *t, num scale, int64_t n,
                     num parameter, bool add);
    /* d = (or +=) g * derivative with a gradient for each element, for the form that is not summed */
    void (*backward_each)(enum element_loss loss, int operand, num *d, const num *y, const num *t, const num *g,
                          int64_t n, num parameter, bool add);
};

/* Updates of n parameters w from gradients g, already divided and clipped by `scale`: the gradient used is
 * clamp(scale * g, -limit, limit) (limit: NUM_MAX for none). Formulas in optim/. */
struct update {
    double learning_rate, scale, limit, weight_decay; /* double: 1 - beta2 would lose its digits in float */
    double beta1, beta2, epsilon;                     /* adam, rmsprop (beta2: its alpha), momentum (beta1) */
    double correction1, correction2;                  /* adam: 1 - beta^t */
    double dampening;
    bool nesterov, first, centered;
};
struct optimizer_kernels {
    void (*sgd)(num *w, const num *g, int64_t n, const struct update *u);
    void (*momentum)(num *w, const num *g, num *velocity, int64_t n, const struct update *u);
    void (*rmsprop)(num *w, const num *g, num *square, num *velocity, num *mean, int64_t n, const struct update *u);
    void (*adam)(num *w, const num *g, num *first, num *second, int64_t n, const struct update *u);
    void (*adamw)(num *w, const num *g, num *first, num *second, int64_t n, const struct update *u);
    double (*square_sum)(const num *g, int64_t n);
};

/* Words that philox makes at a time, and normals that are made at a time. */
enum { AENC_PHILOX_WORDS = 64, AENC_NORMALS = 32 };

struct random_kernels {
    /* y += scale e, e standard normals from uniform bits (Box & Muller 1958); n a multiple of AENC_NORMALS. */
    void (*normals)(num *y, const uint32_t *bits, num scale, int64_t n);
    /* Uniforms in (0, 1), 24 bits. */
    void (*uniforms)(num *out, const uint32_t *bits, int64_t n);
    /* Philox 4x32-10 (base/random.h), 16 counters in each group: their first words, their second words, their third,
     * their fourth. The first counter as given, the others following it. */
    void (*philox)(uint32_t *out, const uint32_t key[2], const uint32_t counter[4], int64_t groups);
    /* y = (or +=) low where an element's 16 bits are below half, high where they are below all, else x. */
    void (*replace)(num *y, const num *x, const uint32_t *bits, int64_t n, const struct replacement *how, bool add);
};

/* Normalisation over the last axis of one row: y = (x - mean) / sqrt(variance + epsilon), and its backward. */
struct norm_kernels {
    void (*normalise)(num *y, const num *x, int64_t n, num epsilon, num *mean, num *rstd);
    /* dx (=, +=) rstd (g - mean(g) - y mean(g y)), y the normalised row */
    void (*backward)(num *dx, const num *g, const num *y, num rstd, int64_t n, bool add);
};

/* Products of matrices. C (m, n; ldc) = A B + beta C, where A is (m, k; lda), or (k, m) when transpose_a, and B is
 * (k, n; ldb), or (n, k) when transpose_b. beta 0 does not read C. */
typedef void matrix_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a,
                            int64_t lda, const num *b, int64_t ldb, num beta, num *c, int64_t ldc);

/* A row of C has the same bits whatever rows are beside it. */
struct product_kernels {
    /* For runners: no locks. Fast for few rows, A as stored and beta 0. */
    matrix_product *product;
    /* For the rows of a shard or the tile of a gradient; beta is 0 or 1. NULL: a CBLAS is faster. */
    matrix_product *gemm_packed;
};

struct kernels {
    const char *isa; /* "generic", "avx2", "avx512" */
    const struct elementwise_kernels *elementwise;
    const struct random_kernels *random;
    const struct loss_kernels *loss;
    const struct optimizer_kernels *optimizer;
    const struct norm_kernels *norm;
    const struct product_kernels *product;
};

/* The set for this processor; a constant. */
const struct kernels *aenc_kernels(void);
/* Every set that this processor runs, the best first; NULL beyond the last. For tests. */
const struct kernels *aenc_kernels_at(int64_t index);

#endif
