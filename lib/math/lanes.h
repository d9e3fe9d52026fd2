/* lanes.h - sums of one row that vectorise and still have one order.
 *
 * Element i is added to lane i mod LANES; lanes are added in pairs; blocks of LANE_BLOCK elements are added in double.
 * The order of additions follows from the length alone. Included by the kernels_*.c.
 */
#ifndef AENC_MATH_LANES_H
#define AENC_MATH_LANES_H

#include "math/functions.h"

enum { LANES = 32, LANE_BLOCK = 1024 };

/* What is summed, given two numbers of the row; 0 for zeros. */
typedef num lane_term(num a, num b);

/* lane[k] + lane[k + width], width 16, 8, ... 1. */
static AENC_INLINE num lanes_fold(num *lane) {
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int k = 0; k < width; k++) lane[k] += lane[k + width];
    return lane[0];
}

/* lane[k] += the sum of term over i = k, k + LANES, ...; LANES divides n. */
static AENC_INLINE void lanes_add(num *lane, const num *a, const num *b, int64_t n, lane_term *term) {
    for (int64_t i = 0; i < n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += term(a[i + k], b[i + k]);
}

/* sum over i of term(a[i], b[i]); a and b may be the same. Where the row ends inside the lanes, they are filled up with
 * zeros and go through the same loop: so the term is there once. */
static AENC_INLINE double lanes_total(const num *a, const num *b, int64_t n, lane_term *term) {
    double total = 0;
    num lane[LANES], rest_a[LANES], rest_b[LANES];
    for (int64_t first = 0; first < n; first += LANE_BLOCK) {
        const num *from_a = a + first, *from_b = b + first;
        int64_t count = n - first < LANE_BLOCK ? n - first : LANE_BLOCK, whole = count & -LANES;
        for (int k = 0; k < LANES; k++) lane[k] = 0;
        for (;;) {
            lanes_add(lane, from_a, from_b, whole, term);
            if (whole >= count) break;
            size_t size = (size_t)(count - whole) * sizeof(num);
            for (int k = 0; k < LANES; k++) rest_a[k] = rest_b[k] = 0;
            memcpy(rest_a, from_a + whole, size);
            memcpy(rest_b, from_b + whole, size);
            from_a = rest_a, from_b = rest_b, whole = count = LANES;
        }
        total += (double)lanes_fold(lane);
    }
    return total;
}

static AENC_INLINE num lane_first(num a, num b) {
    (void)b;
    return a;
}

static AENC_INLINE num lane_product(num a, num b) { return a * b; }

#endif
