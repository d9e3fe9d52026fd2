/* maps_test.c - t-SNE and trustworthiness against their definitions, computed here, on the digits; and what must hold. */
#include <autoenc/autoenc.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "use/tsne.h"

enum { ROWS = 1797, COLS = 64, SOME = 300, MANY = 800, HEADER = 128 };

static float digits[ROWS * COLS];
static const aenc_matrix some = {digits, SOME, COLS, 0};

static aenc_context *context(int64_t threads, uint64_t seed) {
    aenc_context_options options = {.struct_size = sizeof options, .seed = seed, .threads = threads};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    return ctx;
}

/* ---- By the definitions ---- */

static double square(const float *a, const float *b, int64_t cols) {
    double sum = 0;
    for (int64_t c = 0; c < cols; c++) sum += ((double)a[c] - (double)b[c]) * ((double)a[c] - (double)b[c]);
    return sum;
}

/* p (n, n), by bisection over the logarithm of the deviation, which is not how the library does it. */
static void degrees(const aenc_matrix *x, double perplexity, double *p) {
    size_t n = x->rows;
    for (size_t i = 0; i < n; i++) {
        double low = -20, high = 20, *row = p + i * n;
        for (int step = 0; step < 60; step++) {
            double deviation = exp((low + high) / 2), sum = 0, entropy = 0;
            for (size_t j = 0; j < n; j++)
                row[j] = i == j ? 0 : exp(-square(x->data + i * x->cols, x->data + j * x->cols, (int64_t)x->cols) /
                                          (2 * deviation * deviation));
            for (size_t j = 0; j < n; j++) sum += row[j];
            for (size_t j = 0; j < n; j++) row[j] = sum > 0 ? row[j] / sum : 0;
            for (size_t j = 0; j < n; j++) entropy -= row[j] > 0 ? row[j] * log(row[j]) : 0;
            if (entropy > log(perplexity)) high = (low + high) / 2;
            else low = (low + high) / 2;
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) p[i * n + j] = p[j * n + i] = (p[i * n + j] + p[j * n + i]) / (2 * (double)n);
}

/* KL(p || q) of a map, and the largest element of its gradient. */
static double divergence_of(const double *p, const float *map, size_t n, double *slope) {
    double z = 0, sum = 0;
    *slope = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) z += i == j ? 0 : 1 / (1 + square(map + 2 * i, map + 2 * j, 2));
    for (size_t i = 0; i < n; i++) {
        double g[2] = {0};
        for (size_t j = 0; j < n; j++) {
            double w = 1 / (1 + square(map + 2 * i, map + 2 * j, 2)), q = w / z;
            if (i == j) continue;
            if (p[i * n + j] > 0) sum += p[i * n + j] * log(p[i * n + j] / q);
            for (int d = 0; d < 2; d++)
                g[d] += 4 * (p[i * n + j] - q) * w * ((double)map[2 * i + (size_t)d] - (double)map[2 * j + (size_t)d]);
        }
        *slope = check_larger(check_larger(*slope, fabs(g[0])), fabs(g[1]));
    }
    return sum;
}

/* The rank of j among the neighbours of i, from 1. */
static size_t rank(const float *x, size_t n, int64_t cols, size_t i, size_t j) {
    size_t nearer = 1;
    double d = square(x + i * (size_t)cols, x + j * (size_t)cols, cols);
    for (size_t l = 0; l < n; l++) {
        double other = square(x + i * (size_t)cols, x + l * (size_t)cols, cols);
        nearer += l != i && (other < d || (other == d && l < j));
    }
    return nearer;
}

static double trust_of(const aenc_matrix *x, const float *map, size_t k) {
    size_t n = x->rows;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (i == j || rank(map, n, 2, i, j) > k) continue;
            size_t in_x = rank(x->data, n, (int64_t)x->cols, i, j);
            sum += in_x > k ? (double)(in_x - k) : 0;
        }
    return 1 - 2 * sum / ((double)(n * k) * (double)(2 * n - 3 * k - 1));
}

/* ---- Checks ---- */

/* Exact, and with all as neighbours and a quadtree that joins next to nothing, the map is a minimum and the divergence that
 * of the definition. */
static void test_definition(void) {
    static double p[SOME * SOME];
    static float map[SOME * 2], other[SOME * 2];
    aenc_context *ctx = context(2, 1);
    aenc_tsne_options o = {.struct_size = sizeof o, .perplexity = 10, .iterations = 2000};
    double said, slope, trust;
    degrees(&some, 10, p);
    CHECK_STATUS(ctx, aenc_tsne(ctx, &some, &o, map, SOME * 2, &said), AENC_OK);
    CHECK_NEAR(said, divergence_of(p, map, SOME, &slope), 1e-4);
    CHECK(slope < 1e-4);
    CHECK(said < 0.45); /* at the start it is above 3 */
    o.iterations = 1;
    CHECK_STATUS(ctx, aenc_tsne(ctx, &some, &o, other, SOME * 2, &said), AENC_OK);
    CHECK_NEAR(said, divergence_of(p, other, SOME, &slope), 1e-4);
    CHECK(said > 2);
    o = (aenc_tsne_options){.struct_size = sizeof o, .perplexity = 100, .theta = 1e-3, .iterations = 1000};
    degrees(&some, 100, p);
    CHECK_STATUS(ctx, aenc_tsne(ctx, &some, &o, other, SOME * 2, &said), AENC_OK);
    CHECK_NEAR(said, divergence_of(p, other, SOME, &slope), 1e-4);
    CHECK(slope < 1e-4);
    const aenc_matrix place = {map, SOME, 2, 0};
    for (size_t k = 1; k < 30; k += 11) {
        CHECK_STATUS(ctx, aenc_trustworthiness(ctx, &some, &place, k, &trust), AENC_OK);
        CHECK_NEAR(trust, trust_of(&some, map, k), 1e-12);
        CHECK(trust > 0.95 && trust < 1);
    }
    CHECK_STATUS(ctx, aenc_trustworthiness(ctx, &some, &some, 5, &trust), AENC_OK);
    CHECK(trust == 1);
    aenc_context_free(ctx);
}

/* The quadtree against the sums over all points. */
static void test_tree(void) {
    enum { POINTS = 700 };
    static num x[POINTS], y[POINTS];
    aenc_context *ctx = context(1, 1);
    struct tsne_tree tree;
    uint32_t state = 1;
    for (int i = 0; i < POINTS; i++) { /* a dense group, a loose one, and points at one place */
        state = state * 1664525 + 1013904223;
        x[i] = (num)(state >> 8) / (1 << 24) * (i % 2 == 0 ? 1 : 50);
        state = state * 1664525 + 1013904223;
        y[i] = (num)(state >> 8) / (1 << 24) * (i % 2 == 0 ? 1 : 50);
        if (i % 7 == 0) x[i] = y[i] = 3;
    }
    CHECK_STATUS(ctx, aenc_tsne_tree_create(ctx, POINTS, &tree), AENC_OK);
    aenc_tsne_tree_build(&tree, x, y, POINTS);
    CHECK(tree.cells < 2 * POINTS && tree.cell[0].points == POINTS && tree.cell[0].next == tree.cells);
    double worst[2] = {0};
    for (int i = 0; i < POINTS; i++) {
        struct repulsion exact = {0}, all = aenc_tsne_tree_push(&tree, x[i], y[i], 1e-6),
                         some_of = aenc_tsne_tree_push(&tree, x[i], y[i], 0.5);
        for (int j = 0; j < POINTS; j++) {
            double dx = (double)x[i] - (double)x[j], dy = (double)y[i] - (double)y[j], w = 1 / (1 + dx * dx + dy * dy);
            if (i == j) continue;
            exact.weight += w, exact.x += w * w * dx, exact.y += w * w * dy;
        }
        double size = 1 + hypot(exact.x, exact.y);
        worst[0] = check_larger(worst[0], fabs(all.weight - exact.weight) / exact.weight);
        worst[0] = check_larger(worst[0], hypot(all.x - exact.x, all.y - exact.y) / size);
        worst[1] = check_larger(worst[1], fabs(some_of.weight - exact.weight) / exact.weight);
        worst[1] = check_larger(worst[1], hypot(some_of.x - exact.x, some_of.y - exact.y) / size);
    }
    CHECK(worst[0] < 1e-5);
    CHECK(worst[1] < 0.1 && worst[1] > worst[0]);
    aenc_tsne_tree_free(ctx, &tree);
    aenc_context_free(ctx);
}

/* By a quadtree and with all pairs, the digits fall into their classes; the same on any number of threads. */
static void test_digits(const int32_t *label) {
    static float map[4][MANY * 2];
    static int64_t near[MANY];
    const aenc_matrix all = {digits, MANY, COLS, 0};
    for (int way = 0; way < 2; way++) {
        aenc_tsne_options o = {.struct_size = sizeof o, .theta = way * 0.5, .iterations = 500};
        double divergence[4], trust;
        for (int i = 0; i < 4; i++) { /* the last with another seed */
            aenc_context *ctx = context(i % 3 + 1, i < 3 ? 1 : 2);
            CHECK_STATUS(ctx, aenc_tsne(ctx, &all, &o, map[i], MANY * 2, &divergence[i]), AENC_OK);
            if (i == 0) {
                const aenc_matrix place = {map[0], MANY, 2, 0};
                int good = 0;
                CHECK_STATUS(ctx, aenc_neighbours(ctx, &place, NULL, 1, 0, near, NULL, MANY), AENC_OK);
                for (int r = 0; r < MANY; r++) good += label[r] == label[near[r]];
                CHECK(good >= MANY * 97 / 100);
                CHECK_STATUS(ctx, aenc_trustworthiness(ctx, &all, &place, 12, &trust), AENC_OK);
                CHECK(trust > 0.985);
            }
            aenc_context_free(ctx);
        }
        CHECK(memcmp(map[0], map[1], sizeof *map) == 0 && memcmp(map[0], map[2], sizeof *map) == 0);
        CHECK(divergence[0] == divergence[1] && divergence[0] == divergence[2]);
        CHECK(memcmp(map[0], map[3], sizeof *map) != 0);
        CHECK_NEAR(divergence[0], way == 0 ? 0.456 : 0.527, 0.03); /* p of the nearest alone is another p */
    }
}

/* Rows that are equal, a row alone, columns that say nothing, units far from 1: finite places. */
static void test_odd(void) {
    enum { N = 40 };
    static float x[N * 600], map[N * 2];
    aenc_context *ctx = context(2, 3);
    for (int kind = 0; kind < 5; kind++) {
        for (int i = 0; i < N * 600; i++)
            x[i] = kind == 0 ? 1 : kind == 1 ? (float)(i / 600 % 2) : kind == 2 ? (float)(i % 7) * 1e30f : (float)(i * i % 11) * 1e-20f;
        const aenc_matrix m = {x, kind == 3 ? 1 : kind == 4 ? 2 : N, kind == 1 ? 1 : 600, kind == 1 ? 600 : 0};
        for (int way = 0; way < 2; way++) {
            const aenc_tsne_options o = {.struct_size = sizeof o, .iterations = 300, .theta = way * 0.5};
            double divergence;
            CHECK_STATUS(ctx, aenc_tsne(ctx, &m, &o, map, N * 2, &divergence), AENC_OK);
            CHECK(divergence - divergence == 0 && divergence > -1e-6);
            for (size_t i = 0; i < m.rows * 2; i++) CHECK(map[i] - map[i] == 0);
        }
    }
    aenc_context_free(ctx);
}

int main(void) {
    static unsigned char bytes[ROWS];
    static int32_t label[ROWS];
    const char *names[] = {"digits.npy", "digits_labels.npy"};
    for (int i = 0; i < 2; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", getenv("AENC_EXAMPLE_DATA"), names[i]);
        FILE *file = fopen(path, "rb");
        size_t size = i == 0 ? sizeof digits : sizeof bytes;
        CHECK(file != NULL);
        if (file == NULL) return 1;
        CHECK(fseek(file, HEADER, SEEK_SET) == 0 && fread(i == 0 ? (void *)digits : bytes, 1, size, file) == size);
        fclose(file);
    }
    for (int i = 0; i < ROWS; i++) label[i] = bytes[i];
    test_definition();
    test_tree();
    test_digits(label);
    test_odd();
    return check_finish();
}
