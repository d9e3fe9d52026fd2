/* number.h - the type that the library computes in.
 *
 * One typedef: float in the library, double in the second build of the same sources that the gradient checks use, where
 * central differences are accurate enough to be believed. Files, tensors and the caller's data stay float32 in both.
 */
#ifndef AENC_BASE_NUMBER_H
#define AENC_BASE_NUMBER_H

#include <float.h>

#ifdef AENC_NUM_DOUBLE
typedef double num;
#define NUM_EPSILON DBL_EPSILON
#define NUM_MAX DBL_MAX
#define NUM_MIN DBL_MIN
#else
typedef float num;
#define NUM_EPSILON FLT_EPSILON
#define NUM_MAX FLT_MAX
#define NUM_MIN FLT_MIN
#endif

#endif
