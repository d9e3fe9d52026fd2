/* random.h - counter-based random bits.
 *
 * A draw is a pure function of where it is used: (seed, stream, step, turn, row, element). There is no generator that
 * moves on, so neither threads nor shards nor a node added elsewhere can change a number. Philox 4x32-10 (Salmon,
 * Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns the counter into bits.
 */
#ifndef AENC_BASE_RANDOM_H
#define AENC_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct draw {
    uint64_t seed;   /* the context's */
    uint64_t stream; /* aenc_random_stream(name path) */
    uint64_t step;   /* training step, epoch, or whatever counts the uses */
    uint32_t turn;   /* which player's turn; 0 otherwise; below 256 */
    uint64_t row;    /* in the whole batch; below 2^40 */
};

/* The generator itself: ten rounds of the counter under the key. */
void aenc_random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);
/* FNV-1a of the name: the stream of random numbers that belongs to it. */
uint64_t aenc_random_stream(const char *name);
/* Elements first .. first + count - 1 of the draw's row, as 32 random bits each. first must be a multiple of 4. */
void aenc_random_bits(const struct draw *draw, uint64_t first, uint32_t *out, size_t count);
/* The key, and the counter of the four elements from first on (a multiple of 4): the block of four (64 bits), the
 * row (40 bits) with the turn (8 bits) above it; the step goes into the key. */
void aenc_random_place(const struct draw *draw, uint64_t first, uint32_t key[2], uint32_t counter[4]);
/* One integer, uniform in [0, bound), from element `element`; bound at least 1. */
uint64_t aenc_random_below(const struct draw *draw, uint64_t element, uint64_t bound);

#endif
