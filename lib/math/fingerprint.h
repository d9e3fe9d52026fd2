/* fingerprint.h - numbers told apart from others, by 64 bits: against accidents, not against intent. */
#ifndef AENC_MATH_FINGERPRINT_H
#define AENC_MATH_FINGERPRINT_H

#include <stdint.h>

/* A bijection of the sum, and of the word: a change of one of them alone never goes unnoticed. */
static inline uint64_t aenc_fingerprint_mix(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return sum ^ sum >> 29;
}

/* The sum with a row's numbers, bit by bit, behind it. A change of one number always changes the result. */
uint64_t aenc_fingerprint_row(uint64_t sum, const float *x, int64_t cols);

#endif
