/* blocks.h - loops over whole blocks of numbers, and the one block that is not whole.
 *
 * A compiler adds to a loop over any number of elements the steps for those that fill no vector, and so repeats what
 * the loop does. Loops over long formulas therefore go over n & -BLOCK elements; the rest is copied into a block of its
 * own, filled up with FILLER, and goes through the same loop. Included by the kernels_*.c.
 */
#ifndef AENC_MATH_BLOCKS_H
#define AENC_MATH_BLOCKS_H

#include "math/functions.h"
#include "math/kernels.h"

/* A multiple of every vector's length, and a divisor of most widths of networks. */
enum { BLOCK = 16 };
/* How many numbers are held at a time on their way to where they are added. */
enum { PIECE = 1024 };

/* Inside the domain of every function and loss. */
#define FILLER ((num)0.5)

static inline void fill(num *block) {
    for (int i = 0; i < BLOCK; i++) block[i] = FILLER;
}

/* What one kernels_*.c asks of another: sums, in the instruction set being compiled. */
extern const struct elementwise_kernels AENC_KERNELS(elementwise);

#endif
