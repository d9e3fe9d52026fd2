/* functions_float.h - the functions of functions.h for float; included by it alone.
 *
 * Polynomials are minimax fits (Lawson's iteration); the reductions are the usual ones (Cody & Waite 1980, Muller,
 * "Elementary Functions"). Selections are made on values, never by jumps.
 *
 * Largest errors in units of the last place, with fused multiply-adds or without, whichever is worse. Measured over
 * every float of 2^-14 <= |x| < 128, every 101st elsewhere, where the result is not subnormal:
 *
 *   exp 1.05   expm1 1.72   log 0.88   log1p_unit 2.04   tanh 2.56   erf 3.16   sigmoid 2.49   softplus 2.62
 *
 * and 9.9e-8 absolutely for sin and cos, over every w that is a multiple of 2^-20; of radius 1.7e-7 of itself.
 */
#ifndef AENC_MATH_FUNCTIONS_FLOAT_H
#define AENC_MATH_FUNCTIONS_FLOAT_H

/* Adding it rounds a float below 2^22 to an integer, which then stands in the low bits of the sum. */
#define ROUNDER 12582912.0f
#define ROUNDER_BITS 0x4B400000u
#define LOG2_E 1.44269504f
/* ln 2 in two parts; the first has so few bits that its product with an exponent is exact. */
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)

typedef uint32_t num_word;
typedef int32_t num_whole;

static AENC_INLINE uint32_t num_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static AENC_INLINE float num_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static AENC_INLINE float num_sqrt(float x) { return sqrtf(x); }
static AENC_INLINE float num_abs(float x) { return fabsf(x); }
static AENC_INLINE float num_copysign(float size, float sign) {
    return num_from_bits((num_bits(size) & 0x7FFFFFFFu) | (num_bits(sign) & 0x80000000u));
}

/* e^r - 1 for |r| <= ln(2) / 2. */
static AENC_INLINE float num_expm1_reduced(float r) {
    float p = 0.00139465544f;
    p = p * r + 0.00836664438f;
    p = p * r + 0.0416662805f;
    p = p * r + 0.16666542f;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}

/* e^x = 2^n e^r, n the integer next to x / ln 2. 2^n goes into the exponent by an integer addition, which holds up to
 * n = 128 because e^r is below 1 wherever the result is still finite there. */
static AENC_FUNCTION float num_exp(float x) {
    float t = x * LOG2_E + ROUNDER;
    float n = t - ROUNDER;
    float r = (x - n * LN2_HIGH) - n * LN2_LOW;
    float p = 1.0f + num_expm1_reduced(r);
    float y = num_from_bits(num_bits(p) + ((num_bits(t) - ROUNDER_BITS) << 23));
    y = x > 88.7228317f ? INFINITY : y;
    y = x < -87.3365402f ? 0.0f : y;
    return x != x ? x : y;
}

/* e^x - 1 = 2^n (e^r - 1) + (2^n - 1) for |x| <= 88. */
static AENC_FUNCTION float num_expm1_bounded(float x) {
    float t = x * LOG2_E + ROUNDER;
    float n = t - ROUNDER;
    float r = (x - n * LN2_HIGH) - n * LN2_LOW;
    float scale = num_from_bits((num_bits(t) - ROUNDER_BITS + 127u) << 23);
    return scale * num_expm1_reduced(r) + (scale - 1.0f);
}

static AENC_FUNCTION float num_expm1(float x) {
    float bounded = x < -20.0f ? -20.0f : x;
    float y = num_expm1_bounded(bounded);
    return x > 88.0f ? INFINITY : y;
}

/* x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2 / 2 + f^3 P(f). Subnormals
 * are first scaled up. */
static AENC_FUNCTION float num_log(float x) {
    float normal = x < FLT_MIN ? x * 8388608.0f : x;
    uint32_t offset = num_bits(normal) - 0x3F3504F3u; /* sqrt(1/2) */
    float k = (float)((int32_t)offset >> 23);
    k = x < FLT_MIN ? k - 23.0f : k;
    float f = num_from_bits((offset & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
    float p = -0.0764610171f;
    p = p * f + 0.127791137f;
    p = p * f - 0.131641865f;
    p = p * f + 0.141996965f;
    p = p * f - 0.166227654f;
    p = p * f + 0.200012922f;
    p = p * f - 0.250008374f;
    p = p * f + 0.333333313f;
    float square = f * f;
    float y = p * (f * square) + k * LN2_LOW;
    y = y - 0.5f * square;
    y = (y + f) + k * LN2_HIGH;
    y = x > FLT_MAX ? x : y;
    y = x == 0.0f ? -INFINITY : y;
    return x >= 0.0f ? y : NAN;
}

/* log(1 + x) = x + x^2 P(x) on [0, 1]. */
static AENC_FUNCTION float num_log1p_unit(float x) {
    float p = -0.00331846974f;
    p = p * x + 0.020204572f;
    p = p * x - 0.0576644205f;
    p = p * x + 0.106805533f;
    p = p * x - 0.153553948f;
    p = p * x + 0.196953997f;
    p = p * x - 0.249585867f;
    p = p * x + 0.33330512f;
    p = p * x - 0.499999315f;
    return p * (x * x) + x;
}

/* With e = e^2|x| - 1: tanh |x| = e / (e + 2); 1 from 10 on. */
static AENC_FUNCTION float num_tanh(float x) {
    float size = num_abs(x);
    size = size > 10.0f ? 10.0f : size;
    float e = num_expm1_bounded(2.0f * size);
    return num_copysign(e / (e + 2.0f), x);
}

/* erf t = 1 - e^(-t Q(t)), Q fitted to -log(erfc t) / t on [0, 3.95], where erf t rounds to 1. */
static AENC_FUNCTION float num_erf(float x) {
    float t = num_abs(x);
    t = t > 3.95f ? 3.95f : t;
    float q = -9.256265e-06f;
    q = q * t + 0.00011764127f;
    q = q * t - 0.000632836833f;
    q = q * t + 0.00166702736f;
    q = q * t - 0.000160395924f;
    q = q * t - 0.0191530641f;
    q = q * t + 0.102777831f;
    q = q * t + 0.636619389f;
    q = q * t + 1.12837923f;
    return num_copysign(-num_expm1_bounded(-t * q), x);
}

/* As num_log, but u is ordinary: u = 2^k (1 + f), -2 log u = f P(f) - 2 k ln 2. */
static AENC_FUNCTION float num_radius(float u) {
    uint32_t offset = num_bits(u) - 0x3F3504F3u;
    float k = (float)((int32_t)offset >> 23);
    float f = num_from_bits((offset & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
    float p = 0.202137858f;
    p = p * f - 0.324451566f;
    p = p * f + 0.345016599f;
    p = p * f - 0.39800331f;
    p = p * f + 0.499398172f;
    p = p * f - 0.666701198f;
    p = p * f + 1.00000727f;
    p = p * f - 1.99999988f;
    return sqrtf(p * f - k * 1.38629436f);
}

/* w + w S(w^2) and (1 - w^2) (1 + w^2 C(w^2)). */
static AENC_INLINE void num_sin_cos(float w, float *sine, float *cosine) {
    float z = w * w;
    float s = 0.000150765278f;
    s = s * z - 0.0046722847f;
    s = s * z + 0.0796885788f;
    s = s * z - 0.645963311f;
    s = s * z + 0.570796251f;
    float c = 2.38016237e-05f;
    c = c * z - 0.000893870369f;
    c = c * z + 0.019968776f;
    c = c * z - 0.233700529f;
    float zeros = 1.0f - z;
    *sine = s * w + w;
    *cosine = c * z * zeros + zeros;
}

#undef ROUNDER
#undef ROUNDER_BITS
#undef LOG2_E
#undef LN2_HIGH
#undef LN2_LOW

#endif
