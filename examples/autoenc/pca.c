/* pca.c - power iteration on X^T X without forming it, for codes of any width; the second component is kept
 * orthogonal to the first. */
#include "pca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 300 };

static double dot(const double *a, const double *b, size_t count) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

static void add(double *to, double factor, const double *what, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] += factor * what[i];
}

static bool normalise(double *v, size_t count) {
    double norm = sqrt(dot(v, v, count));
    if (!(norm > 1e-150)) return false;
    for (size_t i = 0; i < count; i++) v[i] /= norm;
    return true;
}

static void center(double *x, size_t rows, size_t cols, double *mean) {
    memset(mean, 0, cols * sizeof *mean);
    for (size_t i = 0; i < rows; i++) add(mean, 1.0 / (double)rows, x + i * cols, cols);
    for (size_t i = 0; i < rows; i++) add(x + i * cols, -1.0, mean, cols);
}

static void turn_positive(double *v, size_t count) {
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (fabs(v[i]) > fabs(largest) * (1.0 + 1e-9)) largest = v[i];
    }
    for (size_t i = 0; largest < 0.0 && i < count; i++) v[i] = -v[i];
}

/* v: the direction of largest variance orthogonal to `other` (NULL: any); next: (cols) room. Zero where none is
 * left. */
static void find_component(const double *x, size_t rows, size_t cols, const double *other, double *v, double *next) {
    uint64_t state = 88172645463325252u; /* xorshift, Marsaglia 2003: any start not orthogonal to the answer does */
    for (size_t i = 0; i < cols; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        v[i] = (double)(state >> 11) / 9007199254740992.0 - 0.5;
    }
    for (int step = 0; step < STEPS_MAX; step++) {
        if (other != NULL) add(v, -dot(v, other, cols), other, cols);
        if (!normalise(v, cols)) break;
        memset(next, 0, cols * sizeof *next);
        for (size_t i = 0; i < rows; i++) add(next, dot(x + i * cols, v, cols), x + i * cols, cols);
        if (other != NULL) add(next, -dot(next, other, cols), other, cols);
        if (!normalise(next, cols)) {
            memset(v, 0, cols * sizeof *v);
            return;
        }
        double agreement = dot(v, next, cols);
        memcpy(v, next, cols * sizeof *v);
        if (1.0 - agreement < 1e-13) break;
    }
    turn_positive(v, cols);
}

int tool_pca(double *x, size_t rows, size_t cols, struct point *out, double share[2]) {
    double *room = tool_allocate("the principal components", 4 * cols, sizeof *room);
    if (room == NULL) return TOOL_FAILED;
    double *first = room, *second = room + cols, *next = room + 2 * cols, *mean = room + 3 * cols;
    center(x, rows, cols, mean);
    find_component(x, rows, cols, NULL, first, next);
    if (cols > 1) find_component(x, rows, cols, first, second, next);
    double total = dot(x, x, rows * cols), along[2] = {0.0, 0.0};
    for (size_t i = 0; i < rows; i++) {
        out[i] = (struct point){dot(x + i * cols, first, cols), dot(x + i * cols, second, cols)};
        along[0] += out[i].x * out[i].x;
        along[1] += out[i].y * out[i].y;
    }
    share[0] = total > 0.0 ? along[0] / total : 0.0;
    share[1] = total > 0.0 ? along[1] / total : 0.0;
    free(room);
    return TOOL_OK;
}
