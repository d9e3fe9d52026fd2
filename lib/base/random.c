/* random.c - Philox 4x32-10, constants and rounds of Salmon et al. 2011, section 3.3. */
#include "base/random.h"

enum { ROUNDS = 10 };

static const uint32_t multiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
static const uint32_t weyl[2] = {0x9E3779B9u, 0xBB67AE85u}; /* golden ratio, sqrt(3) - 1 */

uint64_t aenc_random_stream(const char *name) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name != '\0'; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    return hash;
}

/* splitmix64's finaliser (Steele, Lea, Flood 2014): seed, stream and step are folded into one 64-bit key with it. */
static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

void aenc_random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)multiplier[0] * c0;
        uint64_t p1 = (uint64_t)multiplier[1] * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += weyl[0];
        k1 += weyl[1];
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void aenc_random_place(const struct draw *draw, uint64_t first, uint32_t key[2], uint32_t counter[4]) {
    uint64_t folded = mix(mix(mix(draw->seed + 0x9E3779B97F4A7C15u) ^ draw->stream) + draw->step);
    uint64_t place = (draw->row & 0xFFFFFFFFFFu) | (uint64_t)draw->turn << 40, block = first / 4;
    key[0] = (uint32_t)folded;
    key[1] = (uint32_t)(folded >> 32);
    counter[0] = (uint32_t)block;
    counter[1] = (uint32_t)(block >> 32);
    counter[2] = (uint32_t)place;
    counter[3] = (uint32_t)(place >> 32);
}

void aenc_random_bits(const struct draw *draw, uint64_t first, uint32_t *out, size_t count) {
    uint32_t key[2], counter[4], four[4];
    for (size_t i = 0; i < count; i += 4) {
        aenc_random_place(draw, first + i, key, counter);
        aenc_random_philox(key, counter, four);
        for (size_t k = 0; k < 4 && i + k < count; k++) out[i + k] = four[k];
    }
}

/* Lemire's multiply-shift without rejection: with 64 random bits the bias is below bound / 2^64. */
uint64_t aenc_random_below(const struct draw *draw, uint64_t element, uint64_t bound) {
    uint32_t bits[4];
    aenc_random_bits(draw, element * 4, bits, 4);
    uint64_t high = (uint64_t)bits[0] * bound;
    uint64_t low = (uint64_t)bits[1] * bound;
    if (bound <= UINT32_MAX) return (high + (low >> 32)) >> 32;
    return ((uint64_t)bits[0] << 32 | bits[1]) % bound;
}
