/* kernels_product_test.c - products of every instruction set against sums in double: all forms, sizes around every block and
 * lane count, strides beyond the width, nothing written outside; and a row's bits do not depend on the rows beside it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "math/kernels.h"

enum { ROOM = 40000, MARK = 77 };

static num a[ROOM], b[ROOM], c[ROOM], alone[ROOM];

struct form {
    bool transpose_a, transpose_b;
    int64_t m, n, k, lda, ldb, ldc;
    num beta;
};

static num at(const num *x, int64_t stride, bool transposed, int64_t i, int64_t j) {
    return transposed ? x[j * stride + i] : x[i * stride + j];
}

/* Largest error in units of the sum of magnitudes. */
static double worst_error(const struct form *f, num before) {
    double worst = 0;
    for (int64_t i = 0; i < f->m; i++)
        for (int64_t j = 0; j < f->n; j++) {
            double sum = (double)f->beta * (double)before, size = 1 + fabs(sum);
            for (int64_t l = 0; l < f->k; l++) {
                double term = (double)at(a, f->lda, f->transpose_a, i, l) * (double)at(b, f->ldb, f->transpose_b, l, j);
                sum += term;
                size += fabs(term);
            }
            worst = check_larger(worst, fabs(sum - (double)c[i * f->ldc + j]) / size);
        }
    return worst;
}

static bool outside_intact(const struct form *f, num mark) {
    for (int64_t i = 0; i < f->m; i++)
        for (int64_t j = f->n; j < f->ldc; j++)
            if (c[i * f->ldc + j] != mark) return false;
    for (int64_t i = f->m * f->ldc; i < f->m * f->ldc + 64; i++)
        if (c[i] != mark) return false;
    return true;
}

static void check_form(const struct kernels *kernels, struct form f) {
    matrix_product *product = kernels->product->product;
    for (int64_t i = 0; i < f.m * f.ldc + 64; i++) c[i] = f.beta == 0 ? NAN : MARK;
    num mark = MARK;
    for (int64_t i = 0; i < f.m * f.ldc + 64; i++)
        if (i >= f.m * f.ldc || i % f.ldc >= f.n) c[i] = mark;
    product(f.transpose_a, f.transpose_b, f.m, f.n, f.k, a, f.lda, b, f.ldb, f.beta, c, f.ldc);
    bool good = worst_error(&f, mark) < 16 * (double)NUM_EPSILON && outside_intact(&f, mark);
    for (int64_t i = 0; i < f.m && f.beta == 0 && !f.transpose_a; i++) {
        product(false, f.transpose_b, 1, f.n, f.k, a + i * f.lda, f.lda, b, f.ldb, 0, alone, f.ldc);
        good = good && memcmp(alone, c + i * f.ldc, (size_t)f.n * sizeof *c) == 0;
    }
    if (CHECK(good)) return;
    fprintf(stderr, "  %s: m %d n %d k %d, transposed %d %d, beta %g\n", kernels->isa, (int)f.m, (int)f.n, (int)f.k,
            (int)f.transpose_a, (int)f.transpose_b, (double)f.beta);
}

static void test_sizes(const struct kernels *kernels) {
    static const int64_t ms[] = {1, 2, 3, 4, 5, 7, 8, 9, 13}, ns[] = {1, 2, 3, 7, 8, 9, 17, 33, 130, 150};
    static const int64_t ks[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 64, 77, 129};
    for (size_t m = 0; m < sizeof ms / sizeof *ms; m++)
        for (size_t n = 0; n < sizeof ns / sizeof *ns; n++)
            for (size_t k = 0; k < sizeof ks / sizeof *ks; k++)
                for (int transposed = 0; transposed < 2; transposed++) {
                    int64_t more = (int64_t)(m + n + k) % 3;
                    struct form f = {.transpose_b = transposed != 0, .m = ms[m], .n = ns[n], .k = ks[k]};
                    f.lda = f.k + more;
                    f.ldb = (transposed ? f.k : f.n) + more;
                    f.ldc = f.n + more;
                    check_form(kernels, f);
                }
}

static void test_rare_forms(const struct kernels *kernels) {
    for (int form = 0; form < 8; form++) {
        struct form f = {.transpose_a = form & 1, .transpose_b = (form & 2) != 0, .m = 6, .n = 21, .k = 19};
        f.lda = (f.transpose_a ? f.m : f.k) + 1;
        f.ldb = (f.transpose_b ? f.k : f.n) + 2;
        f.ldc = f.n;
        f.beta = (form & 4) != 0 ? (num)0.5 : 0;
        check_form(kernels, f);
    }
    struct form none = {.m = 2, .n = 9, .k = 0, .lda = 1, .ldb = 9, .ldc = 9};
    check_form(kernels, none);
    none.transpose_b = true;
    check_form(kernels, none);
}

/* Shards and tiles: blocks of rows, columns and inner numbers, whole and in part. */
static void check_panels(const struct kernels *kernels, struct form f) {
    num mark = MARK, before = f.beta == 0 ? (num)NAN : mark;
    for (int64_t i = 0; i < f.m * f.ldc + 64; i++) c[i] = i >= f.m * f.ldc || i % f.ldc >= f.n ? mark : before;
    kernels->product->gemm_packed(f.transpose_a, f.transpose_b, f.m, f.n, f.k, a, f.lda, b, f.ldb, f.beta, c, f.ldc);
    bool good = worst_error(&f, mark) < 16 * (double)NUM_EPSILON && outside_intact(&f, mark);
    for (int64_t i = 0; i < f.m && f.beta == 0; i++) {
        kernels->product->gemm_packed(f.transpose_a, f.transpose_b, 1, f.n, f.k, a + i * (f.transpose_a ? 1 : f.lda), f.lda,
                                    b, f.ldb, 0, alone, f.ldc);
        good = good && memcmp(alone, c + i * f.ldc, (size_t)f.n * sizeof *c) == 0;
    }
    if (CHECK(good)) return;
    fprintf(stderr, "  %s: panels, m %d n %d k %d, transposed %d %d, beta %g\n", kernels->isa, (int)f.m, (int)f.n,
            (int)f.k, (int)f.transpose_a, (int)f.transpose_b, (double)f.beta);
}

static void test_panels(const struct kernels *kernels) {
    static const int64_t ms[] = {1, 7, 8, 9, 23}, ns[] = {1, 15, 16, 31, 32, 33, 64, 70};
    static const int64_t ks[] = {1, 7, 8, 9, 64, 255, 256, 257, 263, 520};
    if (kernels->product->gemm_packed == NULL) return;
    for (size_t m = 0; m < sizeof ms / sizeof *ms; m++)
        for (size_t n = 0; n < sizeof ns / sizeof *ns; n++)
            for (size_t k = 0; k < sizeof ks / sizeof *ks; k++)
                for (int kind = 0; kind < 8; kind++) {
                    int64_t more = (int64_t)(m + n + k) % 3;
                    struct form f = {.transpose_a = kind & 1, .transpose_b = (kind & 2) != 0, .m = ms[m], .n = ns[n],
                                     .k = ks[k], .beta = (num)(kind / 4)};
                    f.lda = (f.transpose_a ? f.m : f.k) + more;
                    f.ldb = (f.transpose_b ? f.k : f.n) + more;
                    f.ldc = f.n + more;
                    check_panels(kernels, f);
                }
}

int main(void) {
    for (int64_t i = 0; i < ROOM; i++) {
        a[i] = (num)((i * 7919) % 2003 - 1001) / 512;
        b[i] = (num)((i * 104729) % 1999 - 999) / 512;
    }
    const struct kernels *kernels;
    for (int64_t i = 0; (kernels = aenc_kernels_at(i)) != NULL; i++) {
        test_sizes(kernels);
        test_rare_forms(kernels);
        test_panels(kernels);
    }
    return check_finish();
}
