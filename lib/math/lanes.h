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

/* lane[k] + lane[k + width], width 16, 8, ... 1. */
static AENC_INLINE num lanes_fold(num *lane) {
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int k = 0; k < width; k++) lane[k] += lane[k + width];
    return lane[0];
}

static AENC_INLINE num lanes_block(const num *restrict a, const num *restrict b, int64_t n, num constant,
                                   lane_term *term) {
    num lane[LANES] = {0};
    int64_t whole = n - n % LANES;
    for (int64_t i = 0; i < whole; i += LANES)
        for (int64_t k = 0; k < LANES; k++) lane[k] += term(a[i + k], b[i + k], constant);
    for (int64_t k = 0; k < n - whole; k++) lane[k] += term(a[whole + k], b[whole + k], constant);
    return lanes_fold(lane);
}

/* sum over i of term(a[i], b[i], constant); a and b may be the same. */
static AENC_INLINE double lanes_total(const num *a, const num *b, int64_t n, num constant, lane_term *term) {
    double total = 0;
    for (int64_t first = 0; first < n; first += LANE_BLOCK) {
        int64_t count = n - first < LANE_BLOCK ? n - first : LANE_BLOCK;
        total += (double)lanes_block(a + first, b + first, count, constant, term);
    }
    return total;
}

/* The same for a long term, which is there once: where the row ends inside the lanes they are filled up with `filler`,
 * for which term is 0. */
static AENC_INLINE double lanes_total_once(const num *a, const num *b, int64_t n, num constant, const num filler[2],
                                             lane_term *term) {
    double total = 0;
    num rest_a[LANES], rest_b[LANES];
    for (int64_t first = 0; first < n; first += LANE_BLOCK) {
        int64_t end = n - first < LANE_BLOCK ? n : first + LANE_BLOCK;
        num lane[LANES] = {0};
        for (int64_t i = first; i < end; i += LANES) {
            const num *from_a = a + i, *from_b = b + i;
            if (end - i < LANES) {
                for (int k = 0; k < LANES; k++) rest_a[k] = filler[0], rest_b[k] = filler[1];
                memcpy(rest_a, from_a, (size_t)(end - i) * sizeof(num));
                memcpy(rest_b, from_b, (size_t)(end - i) * sizeof(num));
                from_a = rest_a, from_b = rest_b;
            }
            for (int k = 0; k < LANES; k++) lane[k] += term(from_a[k], from_b[k], constant);
        }
        total += (double)lanes_fold(lane);
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
