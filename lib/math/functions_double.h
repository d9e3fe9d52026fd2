/* functions_double.h - the functions of functions.h by libm; included by it alone. */
#ifndef AENC_MATH_FUNCTIONS_DOUBLE_H
#define AENC_MATH_FUNCTIONS_DOUBLE_H

typedef uint64_t num_word;
typedef int64_t num_whole;

static AENC_INLINE uint64_t num_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static AENC_INLINE double num_from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static AENC_INLINE double num_sqrt(double x) { return sqrt(x); }
static AENC_INLINE double num_abs(double x) { return fabs(x); }
static AENC_INLINE double num_copysign(double size, double sign) { return copysign(size, sign); }
static AENC_INLINE double num_exp(double x) { return exp(x); }
static AENC_INLINE double num_expm1(double x) { return expm1(x); }
static AENC_INLINE double num_log(double x) { return log(x); }
static AENC_INLINE double num_log1p_unit(double x) { return log1p(x); }
static AENC_INLINE double num_tanh(double x) { return tanh(x); }
static AENC_INLINE double num_erf(double x) { return erf(x); }

static AENC_INLINE void num_sin_cos(double u, double *sine, double *cosine) {
    const double turn = 6.283185307179586476925286766559;
    *sine = sin(turn * u);
    *cosine = cos(turn * u);
}

#endif
