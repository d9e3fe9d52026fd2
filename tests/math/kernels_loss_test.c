/* kernels_loss_test.c - element losses against their formulas in double, and the derivatives against central
 * differences of those, in every instruction set that this processor runs. */
#include "math/kernels.h"

#include "check.h"

enum { MOST = 1100, GUARD = 40 };
static const double delta = 0.75;
static const num canary = -77;

/* y in [low, high]; t in [0, 1] for the cross entropies. */
struct reference {
    double (*value)(double y, double t);
    double low, high, t_low, t_high;
};

static double squared(double y, double t) { return (y - t) * (y - t); }
static double absolute(double y, double t) { return fabs(y - t); }
static double huber(double y, double t) {
    double d = fabs(y - t);
    return d <= delta ? d * d / 2 : delta * (d - delta / 2);
}
static double bce(double y, double t) { return -t * fmax(log(y), -100) - (1 - t) * fmax(log(1 - y), -100); }
static double bce_logits(double y, double t) { return fmax(y, 0) - y * t + log1p(exp(-fabs(y))); }

static const struct reference references[ELEMENT_LOSS_COUNT] = {
    [ELEMENT_SQUARED] = {squared, -3, 3, -2, 2},     [ELEMENT_ABSOLUTE] = {absolute, -3, 3, -2, 2},
    [ELEMENT_HUBER] = {huber, -3, 3, -2, 2},         [ELEMENT_BCE] = {bce, 0.05, 0.95, 0, 1},
    [ELEMENT_BCE_LOGITS] = {bce_logits, -9, 9, 0, 1},
};

static num y[MOST + GUARD], t[MOST + GUARD], g[MOST + GUARD], out[MOST + GUARD];

static double between(double low, double high, int i, double pace) {
    double part = i * pace;
    return low + (high - low) * (part - floor(part));
}

static void fill(const struct reference *r) {
    for (int i = 0; i < MOST + GUARD; i++) {
        y[i] = (num)between(r->low, r->high, i, 0.61803398875);
        t[i] = (num)between(r->t_low, r->t_high, i, 0.7548776662);
        g[i] = (num)between(-1, 1, i, 0.5698402910);
    }
}

static double by_output(const struct reference *r, double a, double b) {
    return (r->value(a + 1e-5, b) - r->value(a - 1e-5, b)) / 2e-5;
}
static double by_target(const struct reference *r, double a, double b) {
    return (r->value(a, b + 1e-5) - r->value(a, b - 1e-5)) / 2e-5;
}

static void guard(void) {
    for (int i = 0; i < MOST + GUARD; i++) out[i] = canary;
}

/* out holds `times` weight * derivative; nothing behind n was touched. */
static void check_derivative(const struct reference *r, double (*derivative)(const struct reference *, double, double),
                             int64_t n, const num *weight, double scale, double times) {
    bool good = true;
    for (int64_t i = 0; i < n; i++) {
        double want = times * derivative(r, (double)y[i], (double)t[i]) * (weight == NULL ? scale : (double)weight[i]);
        good &= fabs((double)out[i] - want) <= 1e-5 * fmax(1, fabs(want));
    }
    for (int64_t i = n; i < MOST + GUARD; i++) good &= out[i] == canary;
    CHECK(good);
}

static void check_backward(const struct loss_kernels *k, enum element_loss loss, const struct reference *r, int64_t n) {
    const num p = (num)delta, scale = (num)0.5;
    for (int times = 1; times <= 2; times++) {
        bool add = times == 2;
        if (!add) guard();
        k->backward(loss, 0, out, y, t, scale, n, p, add);
        check_derivative(r, by_output, n, NULL, 0.5, times);
    }
    for (int times = 1; times <= 2; times++) {
        bool add = times == 2;
        if (!add) guard();
        k->backward(loss, 1, out, y, t, scale, n, p, add);
        check_derivative(r, by_target, n, NULL, 0.5, times);
    }
    for (int times = 1; times <= 2; times++) {
        bool add = times == 2;
        if (!add) guard();
        k->backward_each(loss, 0, out, y, t, g, n, p, add);
        check_derivative(r, by_output, n, g, 0, times);
    }
    for (int times = 1; times <= 2; times++) {
        bool add = times == 2;
        if (!add) guard();
        k->backward_each(loss, 1, out, y, t, g, n, p, add);
        check_derivative(r, by_target, n, g, 0, times);
    }
}

static void check_values(const struct loss_kernels *k, enum element_loss loss, const struct reference *r, int64_t n) {
    double total = 0;
    bool good = true;
    guard();
    k->each(loss, out, y, t, n, (num)delta);
    for (int64_t i = 0; i < n; i++) {
        double want = r->value((double)y[i], (double)t[i]);
        total += want;
        good &= fabs((double)out[i] - want) <= 16 * (double)NUM_EPSILON * fmax(1, want);
    }
    for (int64_t i = n; i < MOST + GUARD; i++) good &= out[i] == canary;
    CHECK(good);
    CHECK_NEAR((double)k->total(loss, y, t, n, (num)delta), total, 16 * (double)NUM_EPSILON * fmax(1, total));
}

/* Where a naive formula overflows, divides by zero or takes the logarithm of zero. */
static void check_extremes(const struct loss_kernels *kernels) {
    const num far[4] = {1000, -1000, 1000, -1000}, ends[4] = {1, 0, 0, 1}, wrong[4] = {0, 1, 1, 0};
    const num nan[1] = {(num)NAN};
    num d[4], v[4];
    kernels->each(ELEMENT_BCE_LOGITS, v, far, ends, 4, 0);
    CHECK(v[0] == 0 && v[1] == 0 && v[2] == 1000 && v[3] == 1000);
    kernels->backward(ELEMENT_BCE_LOGITS, 0, d, far, ends, 1, 4, 0, false);
    CHECK(d[0] == 0 && d[1] == 0 && d[2] == 1 && d[3] == -1);
    kernels->each(ELEMENT_BCE, v, ends, ends, 4, 0);
    for (int i = 0; i < 4; i++) CHECK(v[i] == 0);
    kernels->each(ELEMENT_BCE, v, ends, wrong, 4, 0);
    for (int i = 0; i < 4; i++) CHECK(v[i] == 100);
    kernels->backward(ELEMENT_BCE, 0, d, ends, wrong, 1, 4, 0, false);
    for (int i = 0; i < 4; i++) CHECK(isfinite(d[i]) && (d[i] > 0) == (ends[i] > wrong[i]));
    kernels->backward(ELEMENT_ABSOLUTE, 0, d, ends, ends, 1, 4, 0, false);
    for (int i = 0; i < 4; i++) CHECK(d[i] == 0);
    for (int i = 0; i < ELEMENT_LOSS_COUNT; i++) {
        CHECK(isnan(kernels->total((enum element_loss)i, nan, ends, 1, 1)));
        kernels->backward((enum element_loss)i, 0, d, nan, ends, 1, 1, 1, false);
        CHECK(isnan(d[0]));
    }
}

int main(void) {
    for (int64_t set = 0; aenc_kernels_at(set) != NULL; set++) {
        const struct loss_kernels *kernels = aenc_kernels_at(set)->loss;
        for (int which = 0; which < ELEMENT_LOSS_COUNT; which++) {
            fill(&references[which]);
            for (int64_t n = 0; n <= MOST; n = n < 67 ? n + 1 : n == 67 ? MOST : MOST + 1) {
                check_values(kernels, (enum element_loss)which, &references[which], n);
                check_backward(kernels, (enum element_loss)which, &references[which], n);
            }
        }
        check_extremes(kernels);
    }
    return check_finish();
}
