/* check.h - what every test program uses: checks that count, and an exit status that is the verdict. */
#ifndef AENC_TESTS_CHECK_H
#define AENC_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>

static int check_failures;
static int check_count;

static inline int check_report(int good, const char *file, int line, const char *what) {
    check_count++;
    if (good) return 1;
    check_failures++;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    return 0;
}

static inline int check_near(double got, double want, double tolerance, const char *file, int line, const char *what) {
    int good = fabs(got - want) <= tolerance;
    if (!good) fprintf(stderr, "  got %.9g, want %.9g, tolerance %.3g\n", got, want, tolerance);
    return check_report(good, file, line, what);
}

static inline int check_status(int got, int want, const char *message, const char *file, int line, const char *what) {
    if (got != want) fprintf(stderr, "  status %d, want %d: %s\n", got, want, message);
    return check_report(got == want, file, line, what);
}

#define CHECK(condition) check_report(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_NEAR(got, want, tolerance) check_near((got), (want), (tolerance), __FILE__, __LINE__, #got)
#define CHECK_STATUS(ctx, got, want) check_status((got), (want), aenc_message(ctx), __FILE__, __LINE__, #got)

/* The larger of two; a NaN, once there, stays. fmax would skip it, and a check of the largest error with it. Besides, gcc 12
 * for AArch64 ends in an internal error where it vectorises fmax over floats widened to double. */
static inline double check_larger(double most, double value) { return isnan(most) || value <= most ? most : value; }

/* The program's exit status: failure also when nothing was checked. */
static inline int check_finish(void) {
    fprintf(stderr, "%d checks, %d failed\n", check_count, check_failures);
    return check_failures == 0 && check_count > 0 ? 0 : 1;
}

#endif
