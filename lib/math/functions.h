/* functions.h - exp, log, tanh and their kin for one num, made for loops.
 *
 * In float they are our own polynomials (functions_float.h): no branches and no calls, so that a loop over them
 * vectorises in every instruction set. In the double build, which only the gradient checks use, they are libm's
 * (functions_double.h). Both are right at infinities and pass NaN on.
 *
 *   num_exp(x)        e^x; +inf above the range, 0 where the result would be subnormal
 *   num_expm1(x)      e^x - 1, accurate near 0; +inf above 88
 *   num_log(x)        -inf at 0, NaN below
 *   num_log1p_unit(x) log(1 + x) for x in [0, 1]
 *   num_tanh(x)  num_erf(x)
 *   num_sigmoid(x)    1 / (1 + e^-x)
 *   num_softplus(x)   log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
 *   num_radius(u)     sqrt(-2 log u), u in [2^-32, 1], and
 *   num_sin_cos(w, &s, &c)  of w pi / 2, w in [-1, 1]: what Box & Muller need
 *   num_sqrt, num_abs, num_copysign
 *   num_bits, num_from_bits   the bits as a num_word; num_whole is the same width with a sign
 */
#ifndef AENC_MATH_FUNCTIONS_H
#define AENC_MATH_FUNCTIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"

/* A loop over a function that was not inlined does not vectorise. */
#if defined(__GNUC__)
#define AENC_INLINE inline __attribute__((always_inline))
/* One of many instructions: where a set's loops do not vectorise, it is there once and called. */
#ifdef AENC_SMALL
#define AENC_FUNCTION inline
#else
#define AENC_FUNCTION AENC_INLINE
#endif
/* A function that many call and that is to be there once. */
#define AENC_APART __attribute__((noinline))
/* Begins on a cache line: how fast its loop is does not follow from what the linker puts in front. */
#define AENC_ALIGNED __attribute__((aligned(64)))
#else
#define AENC_INLINE inline
#define AENC_FUNCTION inline
#define AENC_APART
#define AENC_ALIGNED
#endif

/* The steps of the loop behind it do not see each other's results: a result may be one of the operands, but not beside
 * its place. */
#if defined(__clang__) && !defined(AENC_SMALL)
#define AENC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__) && !defined(__clang__)
#define AENC_INDEPENDENT _Pragma("GCC ivdep")
#else
#define AENC_INDEPENDENT
#endif

#ifdef AENC_NUM_DOUBLE
#include "math/functions_double.h"
#else
#include "math/functions_float.h"
#endif

static AENC_FUNCTION num num_sigmoid(num x) { return 1 / (1 + num_exp(-x)); }

static AENC_FUNCTION num num_softplus(num x) { return (x > 0 ? x : 0) + num_log1p_unit(num_exp(-num_abs(x))); }

#endif
