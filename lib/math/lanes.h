/* lanes.h - sums of one row that vectorise and still have one order.
 *
 * Element i is added to lane i mod LANES; lanes are added in pairs; blocks of LANE_BLOCK elements are added in double.
 * The order of additions follows from the length alone. Included by the kernels_*.c.
 */
#ifndef AENC_MATH_LANES_H
#define AENC_MATH_LANES_H

#include "math/functions.h"

enum { LANES = 32, LANE_BLOCK = 1024 };

/* What is summed, given two numbers of the row and a constant. */
typedef num lane_term(num a, num b, num constant);

struct lanes {
    num at[LANES];
};

/* at[k] + at[k + width], width 16, 8, ... 1. Takes a copy, so that the sums under way may stay in registers. */
static AENC_APART num lanes_fold(struct lanes sums) {
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int k = 0; k < width; k++) sums.at[k] += sums.at[k + width];
    return sums.at[0];
}

/* sum over i of term(a[i], b[i], constant); a and b may be the same. Where the row ends inside the lanes, they are filled up
 * with `filler`, for which the term is 0: so the term is there once. */
static AENC_INLINE double lanes_total(const num *a, const num *b, int64_t n, num constant, num filler, lane_term *term) {
    double total = 0;
    num rest_a[LANES], rest_b[LANES];
    for (int64_t first = 0; first < n; first += LANE_BLOCK) {
        int64_t end = n - first < LANE_BLOCK ? n : first + LANE_BLOCK;
        struct lanes sums = {{0}};
        for (int64_t i = first; i < end; i += LANES) {
            const num *from_a = a + i, *from_b = b + i;
            if (end - i < LANES) {
                for (int k = 0; k < LANES; k++) rest_a[k] = filler, rest_b[k] = filler;
                memcpy(rest_a, from_a, (size_t)(end - i) * sizeof(num));
                memcpy(rest_b, from_b, (size_t)(end - i) * sizeof(num));
                from_a = rest_a, from_b = rest_b;
            }
            for (int k = 0; k < LANES; k++) sums.at[k] += term(from_a[k], from_b[k], constant);
        }
        total += (double)lanes_fold(sums);
    }
    return total;
}

static AENC_INLINE num lane_first(num a, num b, num constant) {
    (void)b, (void)constant;
    return a;
}

static AENC_INLINE num lane_product(num a, num b, num constant) {
    (void)constant;
    return a * b;
}

#endif
