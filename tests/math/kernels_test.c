/* kernels_test.c - elementwise and norm kernels against plain loops in double, in every instruction set that this
 * processor runs, for every length around the vector widths, with guards behind the end. */
#include "base/random.h"
#include "math/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MOST = 3000, GUARD = 40 };
static const num canary = -77;

/* One element off alignment, so that no loop may count on it. */
struct buffer {
    num block[1 + MOST + GUARD];
};
static struct buffer first, second, third, out;

static num *data_of(struct buffer *buffer) { return buffer->block + 1; }

static uint64_t random_state = 1;
static double random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-53;
}

static void fill(struct buffer *buffer, double low, double high) {
    for (int i = 0; i < 1 + MOST + GUARD; i++) buffer->block[i] = (num)(low + (high - low) * random_unit());
}

static void guard(struct buffer *buffer, int64_t n) {
    for (int64_t i = n; i < MOST + GUARD; i++) data_of(buffer)[i] = canary;
    buffer->block[0] = canary;
}

static bool guarded(struct buffer *buffer, int64_t n) {
    for (int64_t i = n; i < MOST + GUARD; i++)
        if (data_of(buffer)[i] != canary) return false;
    return buffer->block[0] == canary;
}

/* 0 .. 67, and two that take more than one block of a sum. */
static int64_t next_length(int64_t n) { return n < 67 ? n + 1 : n == 67 ? 1024 : n == 1024 ? 2999 : -1; }

static bool close_to(double got, double want, double scale) {
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    return fabs(got - want) <= scale * (double)NUM_EPSILON * fmax(1, fabs(want));
}

/* ---- Functions ---- */

struct reference {
    double (*value)(double x, double slope);
    double (*derivative)(double x, double slope);
    double low, high;
};

static double phi(double x) { return exp(-x * x / 2) / sqrt(6.283185307179586); }
static double Phi(double x) { return (1 + erf(x / sqrt(2))) / 2; }
static double logistic(double x) { return 1 / (1 + exp(-x)); }

static double identity(double x, double s) { return x + 0 * s; }
static double one(double x, double s) { return 1 + 0 * x * s; }
static double relu(double x, double s) { return x > 0 ? x : 0 * s; }
static double relu_d(double x, double s) { return x > 0 ? 1 : 0 * s; }
static double leaky(double x, double s) { return x > 0 ? x : s * x; }
static double leaky_d(double x, double s) { return x > 0 ? 1 : s; }
static double elu(double x, double s) { return x > 0 ? x : s * expm1(x); }
static double elu_d(double x, double s) { return x > 0 ? 1 : s * exp(x); }
static double sigmoid(double x, double s) { return logistic(x) + 0 * s; }
static double sigmoid_d(double x, double s) { return logistic(x) * logistic(-x) + 0 * s; }
static double tangent(double x, double s) { return tanh(x) + 0 * s; }
static double tangent_d(double x, double s) { return 1 - tanh(x) * tanh(x) + 0 * s; }
static double softplus(double x, double s) { return log1p(exp(x)) + 0 * s; }
static double softplus_d(double x, double s) { return logistic(x) + 0 * s; }
static double gelu(double x, double s) { return x * Phi(x) + 0 * s; }
static double gelu_d(double x, double s) { return Phi(x) + x * phi(x) + 0 * s; }
static double silu(double x, double s) { return x * logistic(x) + 0 * s; }
static double silu_d(double x, double s) { return logistic(x) * (1 + x * logistic(-x)) + 0 * s; }
static double exponential(double x, double s) { return exp(x) + 0 * s; }
static double logarithm(double x, double s) { return log(x) + 0 * s; }
static double inverse(double x, double s) { return 1 / x + 0 * s; }
static double root(double x, double s) { return sqrt(x) + 0 * s; }
static double root_d(double x, double s) { return 0.5 / sqrt(x) + 0 * s; }
static double square(double x, double s) { return x * x + 0 * s; }
static double square_d(double x, double s) { return 2 * x + 0 * s; }
static double absolute(double x, double s) { return fabs(x) + 0 * s; }
static double absolute_d(double x, double s) { return (x > 0) - (x < 0) + 0 * s; }
static double negative(double x, double s) { return -x + 0 * s; }
static double minus_one(double x, double s) { return -1 + 0 * x * s; }
static double inverse_d(double x, double s) { return -1 / (x * x) + 0 * s; }

static const struct reference references[FUNCTION_COUNT] = {
    [FUNCTION_IDENTITY] = {identity, one, -6, 6},
    [FUNCTION_RELU] = {relu, relu_d, -6, 6},
    [FUNCTION_LEAKY_RELU] = {leaky, leaky_d, -6, 6},
    [FUNCTION_ELU] = {elu, elu_d, -6, 6},
    [FUNCTION_SIGMOID] = {sigmoid, sigmoid_d, -6, 6},
    [FUNCTION_TANH] = {tangent, tangent_d, -6, 6},
    [FUNCTION_SOFTPLUS] = {softplus, softplus_d, -6, 6},
    [FUNCTION_GELU] = {gelu, gelu_d, -6, 6},
    [FUNCTION_SILU] = {silu, silu_d, -6, 6},
    [FUNCTION_EXP] = {exponential, exponential, -6, 6},
    [FUNCTION_LOG] = {logarithm, inverse, 0.2, 6},
    [FUNCTION_SQRT] = {root, root_d, 0.2, 6},
    [FUNCTION_SQUARE] = {square, square_d, -6, 6},
    [FUNCTION_ABSOLUTE] = {absolute, absolute_d, -6, 6},
    [FUNCTION_NEGATE] = {negative, minus_one, -6, 6},
    [FUNCTION_RECIPROCAL] = {inverse, inverse_d, 0.2, 6},
};
static const num slope = (num)0.3;

static void check_forward(const struct elementwise_kernels *k, enum function f, const struct reference *want, int64_t n) {
    const num *x = data_of(&first);
    bool good = true;
    guard(&out, 0);
    k->forward(f, data_of(&out), x, n, slope);
    for (int64_t i = 0; i < n; i++)
        good &= close_to((double)data_of(&out)[i], want->value((double)x[i], (double)slope), 8);
    CHECK(good && guarded(&out, n));
    if (!k->from_output(f)) return;

    /* biased, with x as the bias of zeros and without a bias */
    memset(data_of(&out), 0, (size_t)n * sizeof(num));
    k->bias_activation(f, data_of(&out), x, n, slope);
    for (int64_t i = 0; i < n; i++)
        good &= close_to((double)data_of(&out)[i], want->value((double)x[i], (double)slope), 8);
    memcpy(data_of(&out), x, (size_t)n * sizeof(num));
    k->bias_activation(f, data_of(&out), NULL, n, slope);
    for (int64_t i = 0; i < n; i++)
        good &= close_to((double)data_of(&out)[i], want->value((double)x[i], (double)slope), 8);
    CHECK(good && guarded(&out, n));
}

static void check_backward(const struct elementwise_kernels *k, enum function f, const struct reference *want, int64_t n) {
    const num *x = data_of(&first), *dy = data_of(&second);
    num *y = data_of(&third), *dx = data_of(&out);
    bool good = true;
    k->forward(f, y, x, n, slope);
    guard(&out, 0);
    k->backward(f, dx, dy, k->from_output(f) ? NULL : x, y, n, slope, false);
    for (int64_t i = 0; i < n; i++)
        good &= close_to((double)dx[i], (double)dy[i] * want->derivative((double)x[i], (double)slope), 64);
    CHECK(good && guarded(&out, n));
    k->backward(f, dx, dy, x, y, n, slope, true);
    for (int64_t i = 0; i < n; i++)
        good &= close_to((double)dx[i], 2 * (double)dy[i] * want->derivative((double)x[i], (double)slope), 64);
    CHECK(good && guarded(&out, n));
    if (!k->from_output(f)) return;
    memcpy(dx, dy, (size_t)n * sizeof(num));
    k->backward_in_place(f, dx, y, n, slope);
    for (int64_t i = 0; i < n; i++)
        good &= close_to((double)dx[i], (double)dy[i] * want->derivative((double)x[i], (double)slope), 64);
    CHECK(good && guarded(&out, n));
}

/* What the formula says at infinities (x sigmoid(x) and the like: 0 at -inf), and NaN for NaN. */
static void check_extremes(const struct elementwise_kernels *k, enum function f, const struct reference *want) {
    const num x[4] = {(num)INFINITY, (num)-INFINITY, (num)NAN, 0};
    num y[4];
    k->forward(f, y, x, 4, slope);
    for (int i = 0; i < 4; i++) {
        double expected = want->value((double)x[i], (double)slope);
        if ((want->value == gelu || want->value == silu) && i == 1) expected = 0;
        if (want->value == relu && i == 2) expected = NAN;
        if (!CHECK(close_to((double)y[i], expected, 8))) fprintf(stderr, "  function %d of %g\n", (int)f, (double)x[i]);
    }
}

static void check_functions(const struct elementwise_kernels *kernels) {
    for (int which = 0; which < FUNCTION_COUNT; which++) {
        enum function f = (enum function)which;
        const struct reference *want = &references[which];
        fill(&first, want->low, want->high);
        fill(&second, -1, 1);
        for (int64_t n = 0; n >= 0; n = next_length(n)) {
            check_forward(kernels, f, want, n);
            check_backward(kernels, f, want, n);
        }
        check_extremes(kernels, f, want);
    }
}

/* ---- Arithmetic ---- */

static void check_arithmetic(const struct elementwise_kernels *k, int64_t n) {
    const num *a = data_of(&first), *b = data_of(&second);
    num *y = data_of(&out);
    bool good = true;
    guard(&out, 0);
    k->add(y, a, b, n);
    for (int64_t i = 0; i < n; i++) good &= y[i] == a[i] + b[i];
    k->subtract(y, a, b, n);
    for (int64_t i = 0; i < n; i++) good &= y[i] == a[i] - b[i];
    k->divide(y, a, b, n);
    for (int64_t i = 0; i < n; i++) good &= y[i] == a[i] / b[i];
    k->multiply(y, a, b, n);
    for (int64_t i = 0; i < n; i++) good &= y[i] == a[i] * b[i];
    k->accumulate_product(y, a, b, n);
    for (int64_t i = 0; i < n; i++) good &= close_to((double)y[i], 2 * (double)a[i] * (double)b[i], 2);
    k->affine(y, a, 3, (num)0.5, n);
    for (int64_t i = 0; i < n; i++) good &= close_to((double)y[i], 3 * (double)a[i] + 0.5, 2);
    k->accumulate(y, a, -3, n);
    for (int64_t i = 0; i < n; i++) good &= close_to((double)y[i], 0.5, 64);
    CHECK(good && guarded(&out, n));
}

static void check_sums(const struct elementwise_kernels *k, int64_t n) {
    const num *a = data_of(&first), *b = data_of(&second);
    double sum = 0, size = 0, product = 0, product_size = 0, most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)a[i];
        size += fabs((double)a[i]);
        product += (double)a[i] * (double)b[i];
        product_size += fabs((double)a[i] * (double)b[i]);
        most = check_larger(most, (double)a[i]);
    }
    /* a lane adds at most 32 numbers before the lanes are folded */
    CHECK(fabs((double)k->sum(a, n) - sum) <= 8 * (double)NUM_EPSILON * size);
    CHECK(fabs((double)k->dot(a, b, n) - product) <= 8 * (double)NUM_EPSILON * product_size);
    CHECK((double)k->maximum(a, n) == most);
    CHECK(k->max_abs(a, n) <= NUM_MAX);
}

static void check_poisoned(const struct elementwise_kernels *k, int64_t n) {
    const num bad[3] = {(num)NAN, (num)INFINITY, (num)-INFINITY};
    if (n == 0) return;
    num *a = data_of(&first);
    int64_t place = (int64_t)(random_unit() * (double)n);
    num before = a[place];
    for (int i = 0; i < 3; i++) {
        a[place] = bad[i];
        CHECK(!(k->max_abs(a, n) <= NUM_MAX));
        CHECK(i > 0 ? k->maximum(a, n) == (i == 1 || n == 1 ? bad[i] : k->maximum(a, n)) : isnan(k->maximum(a, n)));
    }
    a[place] = before;
}

static void check_column_sums(const struct elementwise_kernels *k, int64_t cols) {
    const num *x = data_of(&first);
    const int64_t stride = cols + 1;
    num *y = data_of(&out);
    if (cols > 67) return;
    for (int64_t rows = 0; rows < 12; rows++) {
        bool good = true;
        guard(&out, 0);
        k->column_sums(y, x, rows, cols, stride, false);
        for (int twice = 1; twice <= 2; twice++) {
            for (int64_t c = 0; c < cols; c++) {
                double want = 0;
                for (int64_t r = 0; r < rows; r++) want += (double)x[r * stride + c];
                good &= fabs((double)y[c] - twice * want) <= 100 * (double)NUM_EPSILON;
            }
            CHECK(good && guarded(&out, cols));
            k->column_sums(y, x, rows, cols, stride, true);
        }
    }
}

static void check_softmax(const struct elementwise_kernels *k, int64_t n) {
    const num *x = data_of(&first);
    num *y = data_of(&out);
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = check_larger(most, (double)x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - most);
    bool good = true;
    guard(&out, 0);
    k->softmax(y, x, n);
    for (int64_t i = 0; i < n; i++) {
        double want = exp((double)x[i] - most) / sum;
        good &= fabs((double)y[i] - want) <= 16 * (double)NUM_EPSILON * want;
    }
    CHECK(good && guarded(&out, n));
    k->log_softmax(y, x, n);
    for (int64_t i = 0; i < n; i++) good &= close_to((double)y[i], (double)x[i] - most - log(sum), 8);
    CHECK(good && guarded(&out, n));
}

/* ---- Random numbers ---- */

static void check_random(const struct random_kernels *k) {
    static uint32_t bits[MOST];
    const num *x = data_of(&first);
    num *y = data_of(&out), edge[AENC_NORMALS] = {0};
    for (int i = 0; i < MOST; i++) bits[i] = (uint32_t)(random_unit() * 0x1p32);
    for (int64_t n = 0; n <= 4 * AENC_NORMALS; n += AENC_NORMALS) {
        bool good = true;
        guard(&out, 0);
        for (int64_t i = 0; i < n; i++) y[i] = x[i];
        k->normals(y, bits, (num)0.5, n);
        for (int64_t i = 0; i < n; i++) {
            int64_t radial = i - i % AENC_NORMALS + i % (AENC_NORMALS / 2);
            uint32_t angular = bits[radial + AENC_NORMALS / 2];
            double radius = sqrt(-2 * log(((double)(bits[radial] >> 1) + 0.5) * 0x1p-31));
            double angle = 3.141592653589793 * (fabs((double)(int32_t)angular) * 0x1p-31 - 0.5);
            double along = angular >> 31 != 0 ? -cos(angle) : cos(angle);
            double want = (double)x[i] + 0.5 * radius * (i == radial ? along : sin(angle));
            good &= fabs((double)y[i] - want) <= 1e-5 * (1 + radius);
        }
        CHECK(good && guarded(&out, n));
    }
    for (int64_t n = 0; n <= 67; n++) {
        bool good = true;
        guard(&out, 0);
        k->uniforms(y, bits, n);
        for (int64_t i = 0; i < n; i++) good &= fabs((double)y[i] - (double)bits[i] * 0x1p-32) <= 0x1p-24;
        CHECK(good && guarded(&out, n));
    }
    for (int i = 0; i < AENC_NORMALS; i++) bits[i] = (i ^ i / (AENC_NORMALS / 2)) % 2 != 0 ? UINT32_MAX : 0;
    bits[AENC_NORMALS / 2] = 1u << 31;
    k->uniforms(edge, bits, 4);
    CHECK(edge[0] > 0 && edge[1] < 1);
    k->normals(edge, bits, 1, AENC_NORMALS);
    for (int i = 0; i < AENC_NORMALS; i++) CHECK(isfinite(edge[i]));
}

static void check_philox(const struct random_kernels *k) {
    enum { WORDS = AENC_PHILOX_WORDS, COUNTERS = WORDS / 4 };
    static uint32_t got[4 * WORDS + 1], want[4 * WORDS];
    struct draw draw = {7, 8, 9, 3, UINT64_C(0x8877665544)};
    for (int64_t groups = 0; groups <= 4; groups++) {
        uint64_t place = UINT64_C(0x3FFFFFF94) + (uint64_t)groups * 4; /* the low word of the counter runs over */
        uint32_t key[2], counter[4];
        bool good = true;
        aenc_random_place(&draw, place, key, counter);
        aenc_random_bits(&draw, place, want, (size_t)groups * WORDS);
        got[groups * WORDS] = 0xABCD;
        k->philox(got, key, counter, groups);
        for (int64_t i = 0; i < groups * WORDS; i++)
            good &= want[i] == got[i - i % WORDS + i % 4 * COUNTERS + i % WORDS / 4];
        CHECK(good && got[groups * WORDS] == 0xABCD);
    }
}

static void check_replace(const struct random_kernels *k) {
    static uint32_t bits[MOST];
    const num *x = data_of(&first);
    num *y = data_of(&out);
    for (int i = 0; i < MOST; i++) bits[i] = (uint32_t)(random_unit() * 0x1p32);
    for (int64_t n = 0; n <= 67; n++) {
        for (int shift = 0; shift <= 16; shift += 16) {
            struct replacement how = {20000, 45000, -7, 9, shift};
            guard(&out, 0);
            k->replace(y, x, bits, n, &how, false);
            for (int twice = 1; twice <= 2; twice++) {
                bool good = true;
                for (int64_t i = 0; i < n; i++) {
                    uint32_t drawn = bits[i] >> shift & 0xFFFF;
                    good &= y[i] == (num)twice * (drawn < 20000 ? -7 : drawn < 45000 ? 9 : x[i]);
                }
                CHECK(good && guarded(&out, n));
                k->replace(y, x, bits, n, &how, true);
            }
        }
    }
}

/* ---- Norm ---- */

static void check_norm(const struct norm_kernels *k, int64_t n) {
    const num *x = data_of(&first), *g = data_of(&second);
    num *y = data_of(&third), *dx = data_of(&out), mean, rstd;
    double sum = 0, squares = 0, mean_g = 0, mean_gy = 0;
    bool good = true;
    if (n == 0) return;
    guard(&third, 0);
    k->normalise(y, x, n, (num)1e-3, &mean, &rstd);
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - sum / (double)n) * ((double)x[i] - sum / (double)n);
    double scale = 1 / sqrt(squares / (double)n + 1e-3);
    CHECK(close_to((double)mean, sum / (double)n, 8) && close_to((double)rstd, scale, 64));
    for (int64_t i = 0; i < n; i++) good &= close_to((double)y[i], ((double)x[i] - sum / (double)n) * scale, 256);
    CHECK(good && guarded(&third, n));
    for (int64_t i = 0; i < n; i++) {
        mean_g += (double)g[i] / (double)n;
        mean_gy += (double)g[i] * (double)y[i] / (double)n;
    }
    guard(&out, 0);
    k->backward(dx, g, y, rstd, n, false);
    for (int twice = 1; twice <= 2; twice++) {
        for (int64_t i = 0; i < n; i++) {
            double want = (double)rstd * ((double)g[i] - mean_g - (double)y[i] * mean_gy);
            good &= fabs((double)dx[i] - twice * want) <= 64 * (double)NUM_EPSILON * fmax(1, (double)rstd);
        }
        CHECK(good && guarded(&out, n));
        k->backward(dx, g, y, rstd, n, true);
    }
}

static void check_set(const struct kernels *kernels) {
    fprintf(stderr, "%s\n", kernels->isa);
    check_functions(kernels->elementwise);
    fill(&first, -3, 5);
    fill(&second, 0.5, 2);
    for (int64_t n = 0; n >= 0; n = next_length(n)) {
        check_arithmetic(kernels->elementwise, n);
        check_sums(kernels->elementwise, n);
        check_poisoned(kernels->elementwise, n);
        check_column_sums(kernels->elementwise, n);
        check_softmax(kernels->elementwise, n);
        check_norm(kernels->norm, n);
    }
    check_random(kernels->random);
    check_philox(kernels->random);
    check_replace(kernels->random);
}

int main(void) {
    CHECK(aenc_kernels() == aenc_kernels_at(0));
    for (int64_t i = 0; aenc_kernels_at(i) != NULL; i++) check_set(aenc_kernels_at(i));
    return check_finish();
}
