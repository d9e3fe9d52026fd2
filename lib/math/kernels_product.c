/* kernels_product.c - products of few rows with a matrix, for runners, which cannot use a CBLAS: it takes locks.
 *
 * Both forms read the matrix once for a block of rows. Each number of the result is summed in an order that follows from
 * the inner size alone, so that a row's bits do not depend on the rows beside it.
 *
 *   c = a b^T   dot products: WIDTH lanes, element i into lane i mod WIDTH, what is left over one by one behind them
 *   c = a b     multiples of b's rows, added in their order
 *
 * Sums stand in named variables and not in arrays under loops, which compilers would leave in memory.
 */
#include "math/functions.h"
#include "math/kernels.h"

/* Lanes of a vector register. */
enum { WIDTH_generic = 4, WIDTH_avx2 = 8, WIDTH_avx512 = 16 };
#define WIDTH_OF_NAMES(isa) WIDTH_##isa
#define WIDTH_OF(isa) WIDTH_OF_NAMES(isa)
enum { WIDTH = WIDTH_OF(AENC_ISA), QUAD = 4 };

typedef num vector __attribute__((vector_size(WIDTH * sizeof(num))));
typedef num loose_vector __attribute__((vector_size(WIDTH * sizeof(num)), aligned(sizeof(num)), may_alias));
typedef num quad __attribute__((vector_size(QUAD * sizeof(num)), aligned(sizeof(num)), may_alias));

/* A vector in memory. No function takes or answers vectors: those wider than a register would change the ABI. */
#define AT(p) (*(loose_vector *)(p))
#define FROM(p) (*(const loose_vector *)(p))

/* A matrix, or where one begins. */
struct view {
    const num *at;
    int64_t stride;
};

/* ---- c = a b^T ---- */

/* Lanes k, k + 4, k + 8 ... are added, then the first pair of the four to the second. */
static AENC_INLINE num total(const vector *v) {
    num lane[WIDTH];
    AT(lane) = *v;
    quad four = *(const quad *)lane;
    for (int i = QUAD; i < WIDTH; i += QUAD) four += *(const quad *)(lane + i);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* What the lanes left over: elements [from, k). */
static AENC_INLINE num rest(const num *a, const num *b, int64_t from, int64_t k) {
    num sum = 0;
    for (int64_t i = from; i < k; i++) sum += a[i] * b[i];
    return sum;
}

/* One row of a with eight of b. */
static void dots_1x8(int64_t k, const num *a, struct view b, num *c) {
    const num *b0 = b.at, *b4 = b.at + 4 * b.stride;
    int64_t s = b.stride, whole = k - k % WIDTH;
    vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (int64_t i = 0; i < whole; i += WIDTH, b0 += WIDTH, b4 += WIDTH) {
        vector x = FROM(a + i);
        s0 += x * FROM(b0);
        s1 += x * FROM(b0 + s);
        s2 += x * FROM(b0 + 2 * s);
        s3 += x * FROM(b0 + 3 * s);
        s4 += x * FROM(b4);
        s5 += x * FROM(b4 + s);
        s6 += x * FROM(b4 + 2 * s);
        s7 += x * FROM(b4 + 3 * s);
    }
    c[0] = total(&s0), c[1] = total(&s1), c[2] = total(&s2), c[3] = total(&s3);
    c[4] = total(&s4), c[5] = total(&s5), c[6] = total(&s6), c[7] = total(&s7);
    if (whole < k)
        for (int64_t j = 0; j < 8; j++) c[j] += rest(a, b.at + j * s, whole, k);
}

/* One row with one. */
static num dot(int64_t k, const num *a, const num *b) {
    int64_t whole = k - k % WIDTH;
    vector sum = {0};
    for (int64_t i = 0; i < whole; i += WIDTH) sum += FROM(a + i) * FROM(b + i);
    return whole < k ? total(&sum) + rest(a, b, whole, k) : total(&sum);
}

/* Four rows with two. */
static void dots_4x2(int64_t k, struct view a, struct view b, num *c, int64_t stride) {
    const num *a0 = a.at, *a1 = a0 + a.stride, *a2 = a1 + a.stride, *a3 = a2 + a.stride;
    const num *b0 = b.at, *b1 = b0 + b.stride;
    int64_t whole = k - k % WIDTH;
    vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (int64_t i = 0; i < whole; i += WIDTH) {
        vector x0 = FROM(a0 + i), x1 = FROM(a1 + i), x2 = FROM(a2 + i), x3 = FROM(a3 + i);
        vector y0 = FROM(b0 + i), y1 = FROM(b1 + i);
        s0 += x0 * y0;
        s1 += x0 * y1;
        s2 += x1 * y0;
        s3 += x1 * y1;
        s4 += x2 * y0;
        s5 += x2 * y1;
        s6 += x3 * y0;
        s7 += x3 * y1;
    }
    num *c1 = c + stride, *c2 = c1 + stride, *c3 = c2 + stride;
    c[0] = total(&s0), c[1] = total(&s1), c1[0] = total(&s2), c1[1] = total(&s3);
    c2[0] = total(&s4), c2[1] = total(&s5), c3[0] = total(&s6), c3[1] = total(&s7);
    for (int64_t i = 0; i < 8 && whole < k; i++)
        c[i / 2 * stride + i % 2] += rest(a.at + i / 2 * a.stride, b.at + i % 2 * b.stride, whole, k);
}

/* Up to PANEL rows of a, which stay in the nearest cache while b passes by. */
enum { PANEL = 8 };

static void dots_panel(int64_t m, int64_t n, int64_t k, struct view a, struct view b, num *c, int64_t stride) {
    int64_t fours = m - m % 4, pairs = n - n % 2;
    for (int64_t j = 0; j < pairs && fours > 0; j += 2)
        for (int64_t i = 0; i < fours; i += 4)
            dots_4x2(k, (struct view){a.at + i * a.stride, a.stride}, (struct view){b.at + j * b.stride, b.stride},
                     c + i * stride + j, stride);
    for (int64_t i = 0; i < fours && pairs < n; i++)
        c[i * stride + pairs] = dot(k, a.at + i * a.stride, b.at + pairs * b.stride);
    for (int64_t i = fours; i < m; i++) {
        int64_t j = 0;
        for (; j + 8 <= n; j += 8)
            dots_1x8(k, a.at + i * a.stride, (struct view){b.at + j * b.stride, b.stride}, c + i * stride + j);
        for (; j < n; j++) c[i * stride + j] = dot(k, a.at + i * a.stride, b.at + j * b.stride);
    }
}

/* ---- c = a b ---- */

/* One row, eight vectors of columns. */
static void sums_1x8(int64_t k, const num *a, struct view b, num *c) {
    vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (int64_t i = 0; i < k; i++) {
        const num *at = b.at + i * b.stride;
        num x = a[i];
        s0 += x * FROM(at);
        s1 += x * FROM(at + WIDTH);
        s2 += x * FROM(at + 2 * WIDTH);
        s3 += x * FROM(at + 3 * WIDTH);
        s4 += x * FROM(at + 4 * WIDTH);
        s5 += x * FROM(at + 5 * WIDTH);
        s6 += x * FROM(at + 6 * WIDTH);
        s7 += x * FROM(at + 7 * WIDTH);
    }
    AT(c) = s0, AT(c + WIDTH) = s1, AT(c + 2 * WIDTH) = s2, AT(c + 3 * WIDTH) = s3;
    AT(c + 4 * WIDTH) = s4, AT(c + 5 * WIDTH) = s5, AT(c + 6 * WIDTH) = s6, AT(c + 7 * WIDTH) = s7;
}

/* Four rows, two vectors of columns. */
static void sums_4x2(int64_t k, struct view a, struct view b, num *c, int64_t stride) {
    const num *a0 = a.at, *a1 = a0 + a.stride, *a2 = a1 + a.stride, *a3 = a2 + a.stride;
    vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (int64_t i = 0; i < k; i++) {
        vector y0 = FROM(b.at + i * b.stride), y1 = FROM(b.at + i * b.stride + WIDTH);
        s0 += a0[i] * y0;
        s1 += a0[i] * y1;
        s2 += a1[i] * y0;
        s3 += a1[i] * y1;
        s4 += a2[i] * y0;
        s5 += a2[i] * y1;
        s6 += a3[i] * y0;
        s7 += a3[i] * y1;
    }
    AT(c) = s0, AT(c + WIDTH) = s1;
    AT(c + stride) = s2, AT(c + stride + WIDTH) = s3;
    AT(c + 2 * stride) = s4, AT(c + 2 * stride + WIDTH) = s5;
    AT(c + 3 * stride) = s6, AT(c + 3 * stride + WIDTH) = s7;
}

/* One row, columns [from, n): vectors, then what is left. */
static void sums_rest(int64_t from, int64_t n, int64_t k, const num *a, struct view b, num *c) {
    int64_t j = from;
    for (; j + WIDTH <= n; j += WIDTH) {
        vector sum = {0};
        for (int64_t i = 0; i < k; i++) sum += a[i] * FROM(b.at + i * b.stride + j);
        AT(c + j) = sum;
    }
    for (; j < n; j++) {
        num sum = 0;
        for (int64_t i = 0; i < k; i++) sum += a[i] * b.at[i * b.stride + j];
        c[j] = sum;
    }
}

static void sums(int64_t m, int64_t n, int64_t k, struct view a, struct view b, num *c, int64_t stride) {
    int64_t fours = m - m % 4, pairs = n - n % (2 * WIDTH), eights = n - n % (8 * WIDTH);
    for (int64_t i = 0; i < fours; i += 4) {
        struct view four = {a.at + i * a.stride, a.stride};
        for (int64_t j = 0; j < pairs; j += 2 * WIDTH)
            sums_4x2(k, four, (struct view){b.at + j, b.stride}, c + i * stride + j, stride);
    }
    for (int64_t i = 0; i < fours; i++) sums_rest(pairs, n, k, a.at + i * a.stride, b, c + i * stride);
    for (int64_t i = fours; i < m; i++) {
        const num *row = a.at + i * a.stride;
        for (int64_t j = 0; j < eights; j += 8 * WIDTH)
            sums_1x8(k, row, (struct view){b.at + j, b.stride}, c + i * stride + j);
        sums_rest(eights, n, k, row, b, c + i * stride);
    }
}

/* ---- All forms ---- */

/* What no layer asks for in a forward pass, number by number. */
static void by_number(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, struct view a, struct view b,
                      num beta, num *c, int64_t ldc) {
    int64_t step_a = transpose_a ? a.stride : 1, step_b = transpose_b ? 1 : b.stride;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            const num *x = a.at + i * (transpose_a ? 1 : a.stride), *y = b.at + j * (transpose_b ? b.stride : 1);
            num sum = 0;
            for (int64_t l = 0; l < k; l++) sum += x[l * step_a] * y[l * step_b];
            c[i * ldc + j] = beta == 0 ? sum : sum + beta * c[i * ldc + j];
        }
}

static void product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda,
                    const num *b, int64_t ldb, num beta, num *c, int64_t ldc) {
    struct view left = {a, lda}, right = {b, ldb};
    if (transpose_a || beta != 0) by_number(transpose_a, transpose_b, m, n, k, left, right, beta, c, ldc);
    else if (!transpose_b) sums(m, n, k, left, right, c, ldc);
    else
        for (int64_t i = 0; i < m; i += PANEL)
            dots_panel(m - i < PANEL ? m - i : PANEL, n, k, (struct view){a + i * lda, lda}, right, c + i * ldc, ldc);
}

const struct product_kernels AENC_KERNELS(product) = {
    .product = product,
};
