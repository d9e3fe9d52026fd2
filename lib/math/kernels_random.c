/* kernels_random.c - random bits and what is drawn with them: normals, uniforms, elements replaced by chance. */
#include "base/cpu.h"
#include "math/functions.h"
#include "math/kernels.h"

/* ---- Numbers from bits ---- */

/* Of 2 PAIRS words each of the first PAIRS makes a radius sqrt(-2 log u), u from 31 bits (so that tails reach 6.6),
 * and the one PAIRS behind it an angle: half a turn from its size, and its sign. Cosine and sine go where the words
 * came from. */
enum { PAIRS = AENC_NORMALS / 2 };

static void normals(num *restrict y, const uint32_t *restrict bits, num scale, int64_t n) {
    for (int64_t first = 0; first < n; first += 2 * PAIRS) {
        for (int64_t i = first; i < first + PAIRS; i++) {
            num u = (num)(int32_t)(bits[i] >> 1) * (num)0x1p-31 + (num)0x1p-32, turn = (num)(int32_t)bits[i + PAIRS];
            num sine, cosine, radius = scale * num_radius(u);
            num_sin_cos(num_abs(turn) * (num)0x1p-30 - 1, &sine, &cosine);
            y[i] += radius * num_copysign(cosine, turn);
            y[i + PAIRS] += radius * sine;
        }
    }
}

/* Odd multiples of 2^-24: symmetric about 1/2, and neither 0 nor 1. */
static void uniforms(num *restrict out, const uint32_t *restrict bits, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (num)(int32_t)((bits[i] >> 8) | 1u) * (num)0x1p-24;
}

/* ---- Bits: as base/random.c, two counters in each lane ---- */

enum { ROUNDS = 10, COUNTERS = AENC_PHILOX_WORDS / 4, TOGETHER = 2 * CPU_LANES };

typedef cpu_lanes loose_lanes __attribute__((aligned(sizeof(uint32_t)), may_alias));

/* The lower halves of a lane are a counter's words; the upper ones are anything. */
struct counters {
    cpu_lanes c0, c1, c2, c3;
};

static AENC_INLINE void turn_once(struct counters *s, cpu_lanes k0, cpu_lanes k1) {
    const cpu_lanes none = {0}, m0 = none + 0xD2511F53u, m1 = none + 0xCD9E8D57u;
    cpu_lanes p0 = CPU_LANES_PRODUCT(s->c0, m0), p1 = CPU_LANES_PRODUCT(s->c2, m1);
    s->c0 = (p1 >> 32) ^ s->c1 ^ k0;
    s->c2 = (p0 >> 32) ^ s->c3 ^ k1;
    s->c1 = p1;
    s->c3 = p0;
}

/* A word of the counters 0, 2, 4 ... in a, of 1, 3, 5 ... in b. */
static AENC_INLINE void put(uint32_t *to, const cpu_lanes *a, const cpu_lanes *b) {
    *(loose_lanes *)to = (*a & 0xFFFFFFFFu) | *b << 32;
}

static void philox(uint32_t *restrict out, const uint32_t key[2], const uint32_t counter[4], int64_t groups) {
    static const uint64_t even[] = {0, 2, 4, 6, 8, 10, 12, 14};
    const cpu_lanes none = {0};
    cpu_lanes next = *(const loose_lanes *)even + (counter[0] | (uint64_t)counter[1] << 32);
    for (int64_t i = 0; i < groups * COUNTERS; i += TOGETHER, next += TOGETHER) {
        cpu_lanes k0 = none + key[0], k1 = none + key[1], after = next + 1;
        struct counters a = {next, next >> 32, none + counter[2], none + counter[3]},
                        b = {after, after >> 32, a.c2, a.c3};
        for (int round = 0; round < ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
            turn_once(&a, k0, k1);
            turn_once(&b, k0, k1);
        }
        uint32_t *to = out + i / COUNTERS * AENC_PHILOX_WORDS + i % COUNTERS;
        put(to, &a.c0, &b.c0);
        put(to + COUNTERS, &a.c1, &b.c1);
        put(to + 2 * COUNTERS, &a.c2, &b.c2);
        put(to + 3 * COUNTERS, &a.c3, &b.c3);
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
