/* fingerprint.c - lanes run side by side, as each waits for its multiplications. Each is a bijection of each of its
 * words, and their sum one of each lane. */
#include "math/fingerprint.h"

#include <string.h>

enum { LANES = 4 };

static inline uint64_t two_numbers(const float *x) {
    uint32_t bits[2];
    memcpy(bits, x, sizeof bits);
    return bits[0] | (uint64_t)bits[1] << 32;
}

static inline uint64_t turned(uint64_t x, int by) { return x << by | x >> (64 - by); }

uint64_t aenc_fingerprint_row(uint64_t sum, const float *x, int64_t cols) {
    uint64_t a = 1, b = 2, c = 3, d = 4;
    int64_t at = 0;
    for (; at + LANES * 2 <= cols; at += LANES * 2) {
        a = aenc_fingerprint_mix(a, two_numbers(x + at));
        b = aenc_fingerprint_mix(b, two_numbers(x + at + 2));
        c = aenc_fingerprint_mix(c, two_numbers(x + at + 4));
        d = aenc_fingerprint_mix(d, two_numbers(x + at + 6));
    }
    for (; at + 2 <= cols; at += 2) a = aenc_fingerprint_mix(a, two_numbers(x + at));
    if (at < cols) {
        uint32_t bits;
        memcpy(&bits, &x[at], sizeof bits);
        b = aenc_fingerprint_mix(b, bits);
    }
    return aenc_fingerprint_mix(sum, a + turned(b, 16) + turned(c, 32) + turned(d, 48));
}
