/* functions_test.c - num_exp and its kin against the C library in double, over floats of every size. */
#include "math/functions.h"

#include "check.h"

/* Neighbouring bit patterns are skipped; a prime, so that every mantissa pattern has its turn. */
enum { STRIDE = 2503 };

typedef num subject(num x);
typedef double reference(double x);

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }

static num subject_exp(num x) { return num_exp(x); }
static num subject_expm1(num x) { return num_expm1(x); }
static num subject_log(num x) { return num_log(x); }
static num subject_log1p(num x) { return num_log1p_unit(x); }
static num subject_tanh(num x) { return num_tanh(x); }
static num subject_erf(num x) { return num_erf(x); }
static num subject_sigmoid(num x) { return num_sigmoid(x); }
static num subject_softplus(num x) { return num_softplus(x); }

/* In units of the last place of num; results that are subnormal in num count absolutely. */
static double error_of(double got, double want) {
    double size = fabs(want) < (double)NUM_MIN ? (double)NUM_MIN : fabs(want);
    int exponent;
    frexp(size, &exponent);
    return fabs(got - want) / ldexp((double)NUM_EPSILON, exponent - 1);
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct range {
    const char *name;
    subject *got;
    reference *want;
    float low, high;
    double ulps; /* what functions_float.h states, rounded up */
};

static void check_range(const struct range *range) {
    double worst = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
        float x = float_of((uint32_t)bits);
        if (!(x >= range->low && x <= range->high)) continue;
        double error = error_of((double)range->got((num)x), range->want((double)x));
        if (!(error <= worst)) worst = error;
    }
    fprintf(stderr, "%s: %.3f ulp\n", range->name, worst);
    CHECK(worst > 0);
    CHECK(worst <= range->ulps);
}

static void check_ranges(void) {
    static const struct range ranges[] = {
        {"exp", subject_exp, exp, -87.3365402f, 88.7228317f, 1.1},
        {"expm1", subject_expm1, expm1, -FLT_MAX, 88.0f, 1.8},
        {"log", subject_log, log, 1e-45f, FLT_MAX, 0.9},
        {"log1p_unit", subject_log1p, log1p, 0.0f, 1.0f, 2.1},
        {"tanh", subject_tanh, tanh, -FLT_MAX, FLT_MAX, 2.6},
        {"erf", subject_erf, erf, -FLT_MAX, FLT_MAX, 3.2},
        {"sigmoid", subject_sigmoid, sigmoid, -87.0f, FLT_MAX, 2.6},
        {"softplus", subject_softplus, softplus, -87.0f, FLT_MAX, 2.7},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) check_range(&ranges[i]);
}

static void check_edges(void) {
    const num infinity = (num)INFINITY, nan = (num)NAN;
    CHECK(num_exp(infinity) == infinity && num_exp(-infinity) == 0 && num_exp(0) == 1);
    CHECK(num_exp((num)1000) == infinity && num_exp((num)-1000) == 0);
    CHECK(num_expm1(infinity) == infinity && num_expm1(-infinity) == -1 && num_expm1(0) == 0);
    CHECK(num_log(infinity) == infinity && num_log(0) == -infinity && num_log(1) == 0);
    CHECK(isnan(num_log(-1)) && isnan(num_log(-infinity)));
    CHECK(num_tanh(infinity) == 1 && num_tanh(-infinity) == -1 && num_tanh((num)1e-30) == (num)1e-30);
    CHECK(num_tanh(40) == 1 && num_tanh(-40) == -1 && num_tanh(0) == 0);
    CHECK(num_erf(infinity) == 1 && num_erf(-infinity) == -1 && num_erf(8) == 1 && num_erf(0) == 0);
    CHECK(num_sigmoid(infinity) == 1 && num_sigmoid(-infinity) == 0 && num_sigmoid(0) == (num)0.5);
    CHECK(num_softplus(infinity) == infinity && num_softplus(-infinity) == 0 && num_softplus(200) == 200);
    CHECK(isnan(num_exp(nan)) && isnan(num_expm1(nan)) && isnan(num_log(nan)) && isnan(num_tanh(nan)));
    CHECK(isnan(num_erf(nan)) && isnan(num_sigmoid(nan)) && isnan(num_softplus(nan)) && isnan(num_log1p_unit(nan)));
}

static void check_box_muller(void) {
    double worst = 0, worst_radius = 0;
    for (int i = -(1 << 20); i <= 1 << 20; i++) {
        num w = (num)i * (num)0x1p-20, sine, cosine;
        num_sin_cos(w, &sine, &cosine);
        double angle = 1.5707963267948966 * (double)w;
        worst = check_larger(worst, fabs((double)sine - sin(angle)));
        worst = check_larger(worst, fabs((double)cosine - cos(angle)));
    }
    for (int k = 0; k < 32; k++) {
        for (int i = 1; i <= 1 << 15; i++) {
            num u = (num)ldexp(1 + i * 0x1p-15, -k - 1);
            double want = sqrt(-2 * log((double)u));
            worst_radius = check_larger(worst_radius, fabs((double)num_radius(u) - want) / (want > 0 ? want : 1));
        }
    }
    fprintf(stderr, "sin, cos: %.3g, radius: %.3g\n", worst, worst_radius);
    CHECK(worst <= 1e-7);
    CHECK(num_radius(1) == 0 && worst_radius <= 2e-7);
}

int main(void) {
    check_ranges();
    check_edges();
    check_box_muller();
    return check_finish();
}
