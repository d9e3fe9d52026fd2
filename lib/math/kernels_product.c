/* kernels_product.c - products of some rows with a matrix: of few, for runners, which cannot use a CBLAS, since it
 * takes locks; and of a shard's rows with a weight, where a CBLAS spends a third of the time on copying both
 * operands.
 *
 * The forms for runners read the matrix once for a block of rows. Each number of the result is summed in an order that
 * follows from the inner size alone, so that a row's bits do not depend on the rows beside it.
 *
 *   c = a b^T   dot products: WIDTH lanes, element i into lane i mod WIDTH, what is left over one by one behind them
 *   c = a b     multiples of b's rows, added in their order
 *
 * The forms for shards copy BLOCK_COLUMNS columns of the right operand at a time into a panel that stays in the nearest
 * cache, and read the left one where it lies; what the next panel is made of is fetched meanwhile, as a weight
 * seldom is in a cache near by. Their order of additions too follows from the inner size alone.
 *
 * Sums stand in named variables and not in arrays under loops, which compilers would leave in memory.
 */
#include <stddef.h>

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

/* ---- Products of a shard ---- */

/* A panel has up to BLOCK_INNER rows of BLOCK_COLUMNS numbers, 32 kB in the widest case. What fits the registers:
 * eight rows of c with 32 vector registers, four with 16. */
enum { BLOCK_COLUMNS = 2 * WIDTH, BLOCK_INNER = 256, BLOCK_ROWS = 8, EIGHT = 8 };

typedef num eight __attribute__((vector_size(EIGHT * sizeof(num)), aligned(sizeof(num)), may_alias));

/* Rows of the left operand: their inner numbers are `step` apart. */
struct left {
    const num *at;
    int64_t stride, step;
};

/* What to fetch from far: every AHEAD_EVERY steps of the inner loop, which has room for it, two lines of a cache and
 * then a stride further. A hint that reads nothing: an address, which may be anywhere, and no pointer. */
struct ahead {
    uintptr_t at;
    int64_t stride; /* bytes */
};
enum { AHEAD_EVERY = 8, LINE = 64 };

/* What is near already. */
static struct ahead nothing_ahead(const num *panel) { return (struct ahead){(uintptr_t)panel, 0}; }

static AENC_INLINE void fetch(int64_t l, struct ahead *ahead) {
    if (l % AHEAD_EVERY != 0) return;
    __builtin_prefetch((const void *)ahead->at);
    __builtin_prefetch((const void *)(ahead->at + LINE));
    ahead->at += (uintptr_t)ahead->stride;
}

/* A block of c. */
struct block {
    num *at;
    int64_t stride;
    bool add;
};

static AENC_INLINE void block_row(struct block c, int64_t row, const vector *left, const vector *right) {
    num *at = c.at + row * c.stride;
    if (c.add) {
        AT(at) += *left;
        AT(at + WIDTH) += *right;
    } else {
        AT(at) = *left;
        AT(at + WIDTH) = *right;
    }
}

static AENC_ALIGNED void block_4(int64_t k, struct left a, const num *panel, struct block c, struct ahead ahead) {
    const num *a0 = a.at, *a1 = a0 + a.stride, *a2 = a1 + a.stride, *a3 = a2 + a.stride;
    vector s0 = {0}, t0 = s0, s1 = s0, t1 = s0, s2 = s0, t2 = s0, s3 = s0, t3 = s0;
    for (int64_t l = 0; l < k; l++, panel += BLOCK_COLUMNS) {
        fetch(l, &ahead);
        vector left = FROM(panel), right = FROM(panel + WIDTH);
        s0 += *a0 * left, t0 += *a0 * right;
        s1 += *a1 * left, t1 += *a1 * right;
        s2 += *a2 * left, t2 += *a2 * right;
        s3 += *a3 * left, t3 += *a3 * right;
        a0 += a.step, a1 += a.step, a2 += a.step, a3 += a.step;
    }
    block_row(c, 0, &s0, &t0), block_row(c, 1, &s1, &t1), block_row(c, 2, &s2, &t2), block_row(c, 3, &s3, &t3);
}

static AENC_ALIGNED void block_8(int64_t k, struct left a, const num *panel, struct block c, struct ahead ahead) {
    const num *a0 = a.at, *a3 = a0 + 3 * a.stride, *a6 = a3 + 3 * a.stride;
    int64_t one = a.stride, two = 2 * a.stride;
    vector s0 = {0}, t0 = s0, s1 = s0, t1 = s0, s2 = s0, t2 = s0, s3 = s0, t3 = s0;
    vector s4 = s0, t4 = s0, s5 = s0, t5 = s0, s6 = s0, t6 = s0, s7 = s0, t7 = s0;
    for (int64_t l = 0; l < k; l++, panel += BLOCK_COLUMNS) {
        fetch(l, &ahead);
        vector left = FROM(panel), right = FROM(panel + WIDTH);
        s0 += a0[0] * left, t0 += a0[0] * right;
        s1 += a0[one] * left, t1 += a0[one] * right;
        s2 += a0[two] * left, t2 += a0[two] * right;
        s3 += a3[0] * left, t3 += a3[0] * right;
        s4 += a3[one] * left, t4 += a3[one] * right;
        s5 += a3[two] * left, t5 += a3[two] * right;
        s6 += a6[0] * left, t6 += a6[0] * right;
        s7 += a6[one] * left, t7 += a6[one] * right;
        a0 += a.step, a3 += a.step, a6 += a.step;
    }
    block_row(c, 0, &s0, &t0), block_row(c, 1, &s1, &t1), block_row(c, 2, &s2, &t2), block_row(c, 3, &s3, &t3);
    block_row(c, 4, &s4, &t4), block_row(c, 5, &s5, &t5), block_row(c, 6, &s6, &t6), block_row(c, 7, &s7, &t7);
}

static void block_rows(int64_t k, struct left a, const num *panel, struct block c, struct ahead ahead) {
    if ((int)WIDTH == (int)WIDTH_avx512) {
        block_8(k, a, panel, c, ahead);
        return;
    }
    block_4(k, a, panel, c, ahead);
    block_4(k, (struct left){a.at + 4 * a.stride, a.stride, a.step}, panel,
            (struct block){c.at + 4 * c.stride, c.stride, c.add}, nothing_ahead(panel));
}

/* Eight numbers of eight rows of b become eight numbers of eight rows of the panel: pairs are exchanged between rows
 * one, two and four apart. */
static void transpose_8(struct view b, num *panel) {
    eight r[EIGHT], t[EIGHT];
    for (int i = 0; i < EIGHT; i++) r[i] = *(const eight *)(b.at + i * b.stride);
    for (int i = 0; i < EIGHT; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < EIGHT; i += 4)
        for (int j = i; j < i + 2; j++) {
            r[j] = __builtin_shufflevector(t[j], t[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            r[j + 2] = __builtin_shufflevector(t[j], t[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int j = 0; j < EIGHT / 2; j++) {
        *(eight *)(panel + j * BLOCK_COLUMNS) = __builtin_shufflevector(r[j], r[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(eight *)(panel + (j + 4) * BLOCK_COLUMNS) =
            __builtin_shufflevector(r[j], r[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* panel (k, BLOCK_COLUMNS) = b (columns, k)^T; columns that b does not have are zero. */
static void panel_turn(int64_t columns, int64_t k, struct view b, num *panel) {
    int64_t whole = columns == BLOCK_COLUMNS ? k - k % EIGHT : 0;
    for (int64_t l = 0; l < whole; l += EIGHT)
        for (int64_t j = 0; j < BLOCK_COLUMNS; j += EIGHT)
            transpose_8((struct view){b.at + j * b.stride + l, b.stride}, panel + l * BLOCK_COLUMNS + j);
    for (int64_t l = whole; l < k; l++)
        for (int64_t j = 0; j < BLOCK_COLUMNS; j++)
            panel[l * BLOCK_COLUMNS + j] = j < columns ? b.at[j * b.stride + l] : 0;
}

/* The same of b (k, columns). */
static void panel_copy(int64_t columns, int64_t k, struct view b, num *panel) {
    for (int64_t l = 0; l < k; l++) {
        const num *from = b.at + l * b.stride;
        num *to = panel + l * BLOCK_COLUMNS;
        if (columns == BLOCK_COLUMNS) {
            AT(to) = FROM(from);
            AT(to + WIDTH) = FROM(from + WIDTH);
        } else
            for (int64_t j = 0; j < BLOCK_COLUMNS; j++) to[j] = j < columns ? from[j] : 0;
    }
}

/* A block that reaches beyond c, or rows that a does not have: by way of a whole one. */
static void block_part(int64_t rows, int64_t columns, int64_t k, struct left a, const num *panel, struct block c) {
    num left[BLOCK_ROWS * BLOCK_INNER], whole[BLOCK_ROWS * BLOCK_COLUMNS];
    for (int64_t i = 0; i < BLOCK_ROWS; i++)
        for (int64_t l = 0; l < k; l++) left[i * k + l] = i < rows ? a.at[i * a.stride + l * a.step] : 0;
    block_rows(k, (struct left){left, k, 1}, panel, (struct block){whole, BLOCK_COLUMNS, false}, nothing_ahead(panel));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            c.at[i * c.stride + j] = whole[i * BLOCK_COLUMNS + j] + (c.add ? c.at[i * c.stride + j] : 0);
}

/* Of the next panel's source, which begins at next.at, block number i fetches two lines of each of as many rows as
 * it has steps for: further lines of the same rows where the panel is turned, further rows where not; behind the end
 * one place over and over. So not all may be fetched, and a little of what comes after. */
static struct ahead ahead_of(struct ahead next, bool turned, int64_t i, int64_t k) {
    int64_t across = i * 2 * LINE, down = i * (k / AHEAD_EVERY);
    bool more = turned ? across < k * (int64_t)sizeof(num) : down < k;
    uintptr_t from = next.at + (uintptr_t)(turned ? across : down * next.stride);
    return more ? (struct ahead){from, next.stride} : (struct ahead){next.at, 0};
}

static void panel_multiply(int64_t m, int64_t columns, int64_t k, struct left a, const num *panel, struct block c,
                           struct ahead next, bool turned) {
    for (int64_t i = 0; i < m; i += BLOCK_ROWS) {
        struct left left = {a.at + i * a.stride, a.stride, a.step};
        struct block block = {c.at + i * c.stride, c.stride, c.add};
        if (m - i >= BLOCK_ROWS && columns == BLOCK_COLUMNS)
            block_rows(k, left, panel, block, ahead_of(next, turned, i / BLOCK_ROWS, k));
        else
            block_part(m - i < BLOCK_ROWS ? m - i : BLOCK_ROWS, columns, k, left, panel, block);
    }
}

/* The inner size of a panel: parts of nearly equal size. */
static int64_t part_size(int64_t k) {
    int64_t parts = (k + BLOCK_INNER - 1) / BLOCK_INNER, size = (k + parts - 1) / parts;
    return (size + EIGHT - 1) / EIGHT * EIGHT;
}

static void gemm_packed(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda,
                        const num *b, int64_t ldb, num beta, num *c, int64_t ldc) {
    num panel[BLOCK_INNER * BLOCK_COLUMNS] __attribute__((aligned(64)));
    struct left left = {a, transpose_a ? 1 : lda, transpose_a ? lda : 1};
    int64_t part = part_size(k), right = transpose_b ? ldb : 1, down = transpose_b ? 1 : ldb;
    for (int64_t l = 0; l < k; l += part) {
        int64_t inner = k - l < part ? k - l : part;
        for (int64_t j = 0; j < n; j += BLOCK_COLUMNS) {
            int64_t columns = n - j < BLOCK_COLUMNS ? n - j : BLOCK_COLUMNS;
            struct view here = {b + j * right + l * down, ldb};
            /* the columns beside these, or of the next part, or behind b, which may be some columns of more */
            int64_t after = n * right;
            if (j + BLOCK_COLUMNS < n)
                after = (j + BLOCK_COLUMNS) * right + l * down;
            else if (l + part < k)
                after = (l + part) * down;
            struct ahead next = {(uintptr_t)b + (uintptr_t)after * sizeof(num), ldb * (int64_t)sizeof(num)};
            if (transpose_a) next = nothing_ahead(panel); /* rows of activations are near already */
            if (transpose_b)
                panel_turn(columns, inner, here, panel);
            else
                panel_copy(columns, inner, here, panel);
            panel_multiply(m, columns, inner, (struct left){left.at + l * left.step, left.stride, left.step}, panel,
                           (struct block){c + j, ldc, l > 0 || beta != 0}, next, transpose_b);
        }
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
    if (transpose_a || beta != 0)
        by_number(transpose_a, transpose_b, m, n, k, left, right, beta, c, ldc);
    else if (!transpose_b)
        sums(m, n, k, left, right, c, ldc);
    else
        for (int64_t i = 0; i < m; i += PANEL)
            dots_panel(m - i < PANEL ? m - i : PANEL, n, k, (struct view){a + i * lda, lda}, right, c + i * ldc, ldc);
}

const struct product_kernels AENC_KERNELS(product) = {
    .product = product,
    .gemm_packed = (int)WIDTH > (int)WIDTH_generic ? gemm_packed : NULL,
};
