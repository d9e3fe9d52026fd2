/* kernels_random.c - random bits and what is drawn with them: normals, uniforms, elements replaced by chance. */
#include "math/functions.h"
#include "math/kernels.h"

/* ---- Numbers from bits ---- */

/* Of each pair of words the first makes the radius sqrt(-2 log u), u from 31 bits (so that tails reach 6.6), and the
 * second the angle, from 24 bits; the pair of normals are its cosine and sine. */
static void normals(num *restrict out, const uint32_t *restrict bits, int64_t n) {
    for (int64_t i = 0; i < n / 2; i++) {
        num u = ((num)(int32_t)(bits[2 * i] >> 1) + (num)0.5) * (num)0x1p-31;
        num angle = (num)(int32_t)(bits[2 * i + 1] >> 8) * (num)0x1p-24;
        num sine, cosine;
        num_sin_cos(angle, &sine, &cosine);
        num radius = num_sqrt(-2 * num_log(u));
        out[2 * i] = radius * cosine;
        out[2 * i + 1] = radius * sine;
    }
}

/* Odd multiples of 2^-24: symmetric about 1/2, and neither 0 nor 1. */
static void uniforms(num *restrict out, const uint32_t *restrict bits, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (num)(int32_t)((bits[i] >> 8) | 1u) * (num)0x1p-24;
}

/* ---- Bits: as base/random.c, PHILOX_LANES counters at a time ---- */

enum { PHILOX_ROUNDS = 10, PHILOX_LANES = 16 };

static AENC_INLINE void philox_lanes(uint32_t *restrict c0, uint32_t *restrict c1, uint32_t *restrict c2,
                                     uint32_t *restrict c3, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < PHILOX_ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        for (int i = 0; i < PHILOX_LANES; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
    }
}

static void philox(uint32_t *restrict out, const uint32_t key[2], const uint32_t counter[4], int64_t blocks) {
    uint64_t next = counter[0] | (uint64_t)counter[1] << 32;
    for (int64_t first = 0; first < blocks; first += PHILOX_LANES, next += PHILOX_LANES) {
        uint32_t c0[PHILOX_LANES], c1[PHILOX_LANES], c2[PHILOX_LANES], c3[PHILOX_LANES];
        for (int i = 0; i < PHILOX_LANES; i++) {
            c0[i] = (uint32_t)(next + (uint64_t)i);
            c1[i] = (uint32_t)((next + (uint64_t)i) >> 32);
            c2[i] = counter[2];
            c3[i] = counter[3];
        }
        philox_lanes(c0, c1, c2, c3, key[0], key[1]);
        int64_t length = blocks - first < PHILOX_LANES ? blocks - first : PHILOX_LANES;
        for (int64_t i = 0; i < length; i++) {
            uint32_t *to = out + 4 * (first + i);
            to[0] = c0[i];
            to[1] = c1[i];
            to[2] = c2[i];
            to[3] = c3[i];
        }
    }
}

static void replace(num *restrict y, const num *restrict x, const uint32_t *restrict bits, int64_t n,
                    const struct replacement *how, bool add) {
    const int32_t half = how->half, all = how->all;
    const num low = how->low, high = how->high;
    const int shift = how->shift;
    for (int64_t i = 0; i < n; i++) {
        int32_t drawn = (int32_t)(bits[i] >> shift & 0xFFFF);
        num other = drawn < half ? low : high, v = x[i];
        v = drawn < all ? other : v;
        y[i] = add ? y[i] + v : v;
    }
}

const struct random_kernels AENC_KERNELS(random) = {
    .normals = normals,
    .uniforms = uniforms,
    .philox = philox,
    .replace = replace,
};
