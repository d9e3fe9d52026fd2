/* metrics_test.c - metrics and thresholds against scikit-learn and SciPy (make_golden.py), their promises by simulation, and
 * what they refuse. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "use/golden.h"
#include "io/sort.h"
#include "use/use.h"

enum { JUDGED = sizeof judged_score / sizeof *judged_score, NORMAL = sizeof normal_score / sizeof *normal_score,
       CUTS = sizeof judged_false_rate / sizeof *judged_false_rate, EXCESSES = 120 };

static void check_metrics(aenc_context *ctx) {
    double auc, ap, precision, recall;
    aenc_curve_point point[CUTS];
    size_t points = 0;
    CHECK_STATUS(ctx, aenc_roc_auc(ctx, judged_score, judged_label, JUDGED, &auc), AENC_OK);
    CHECK_STATUS(ctx, aenc_average_precision(ctx, judged_score, judged_label, JUDGED, &ap), AENC_OK);
    CHECK_NEAR(auc, judged_auc_ap[0], 1e-14);
    CHECK_NEAR(ap, judged_auc_ap[1], 1e-14);
    CHECK_STATUS(ctx, aenc_curve(ctx, judged_score, judged_label, JUDGED, NULL, 0, &points), AENC_OK);
    CHECK(points == CUTS);
    CHECK_STATUS(ctx, aenc_curve(ctx, judged_score, judged_label, JUDGED, point, CUTS - 1, &points), AENC_ERR_SHAPE);
    CHECK_STATUS(ctx, aenc_curve(ctx, judged_score, judged_label, JUDGED, point, CUTS, &points), AENC_OK);
    for (size_t i = 0; i < CUTS; i++) {
        CHECK_NEAR(point[i].false_positive_rate, judged_false_rate[i], 1e-14);
        CHECK_NEAR(point[i].true_positive_rate, judged_true_rate[i], 1e-14);
        if (i > 0) CHECK(point[i].threshold == judged_threshold[i - 1]);
    }
    CHECK(isinf(point[0].threshold) && point[0].precision == 1);
    CHECK_STATUS(ctx, aenc_precision_recall(ctx, judged_score, judged_label, JUDGED, 0.5, &precision, &recall), AENC_OK);
    CHECK_NEAR(precision, judged_at_half[0], 1e-14);
    CHECK_NEAR(recall, judged_at_half[1], 1e-14);
    CHECK_STATUS(ctx, aenc_precision_recall(ctx, judged_score, judged_label, JUDGED, 1e9, &precision, &recall), AENC_OK);
    CHECK(precision == 0 && recall == 0);
}

static void check_threshold(aenc_context *ctx, const char *spec, double want, double tolerance) {
    double got = 0;
    CHECK_STATUS(ctx, aenc_threshold(ctx, spec, normal_score, NORMAL, &got), AENC_OK);
    if (!CHECK_NEAR(got, want, tolerance * want)) fprintf(stderr, "  %s\n", spec == NULL ? "NULL" : spec);
}

static void check_thresholds(aenc_context *ctx) {
    check_threshold(ctx, NULL, normal_quantile[0], 1e-12);
    check_threshold(ctx, "quantile:q=0.3125", normal_quantile[1], 1e-12);
    check_threshold(ctx, "mad", normal_mad[0], 1e-12);
    check_threshold(ctx, "mad:k=1.5", normal_mad[1], 1e-12);
    check_threshold(ctx, "fpr", normal_fpr[0], 1e-12);
    check_threshold(ctx, "fpr:rate=0.1", normal_fpr[1], 1e-12);
    check_threshold(ctx, "pot:level=0.9", normal_pot[0], 1e-6);
    check_threshold(ctx, "pot:level=0.85,risk=1e-4", normal_pot[1], 1e-6);
    const double *const excess[] = {excess_0, excess_1, excess_2, excess_3};
    for (size_t i = 0; i < 4; i++) {
        struct pareto fit = aenc_pareto_fit(excess[i], EXCESSES);
        CHECK_NEAR(fit.shape, excess_fit[2 * i], 1e-5);
        CHECK_NEAR(fit.scale, excess_fit[2 * i + 1], 1e-5);
    }
}

/* ---- The Pareto fit at its borders ---- */

/* log likelihood / n at shape / scale = x with the best shape for it, which is returned. */
static double pareto_shape(const double *y, int count, double x, double *likelihood) {
    double shape = 0;
    for (int i = 0; i < count; i++) shape += log1p(x * y[i]) / count;
    *likelihood = -log(shape / x) - shape - 1;
    return shape;
}

/* The best local maximum of the likelihood with a shape above -1 on a dense grid, or the exponential distribution, against the
 * fit. y: the quantiles of a Pareto distribution of that shape and scale. */
static void check_pareto(double shape, double scale, int count) {
    enum { MOST = 60, GRID = 20000 };
    double y[MOST], mean = 0, high = 0;
    for (int i = 0; i < count; i++) {
        double u = (i + 0.5) / count;
        y[i] = fabs(shape) < 1e-12 ? -scale * log1p(-u) : scale / shape * (pow(1 - u, -shape) - 1);
        mean += y[i] / count;
        high = fmax(high, y[i]);
    }
    double best = -log(mean) - 1, best_x = 0, before = -INFINITY, before_x = 0, ahead = -INFINITY;
    for (int side = 0; side < 2; side++) {
        before = ahead = -INFINITY;
        for (int i = 0; i <= GRID; i++) {
            double x = side == 0 ? -(1 - pow(10, -9.0 * i / GRID)) / high - 1e-7 / mean : 1e-6 / mean * pow(10, 12.0 * i / GRID);
            double now = -INFINITY, at = 1 + x * high > 0 ? pareto_shape(y, count, x, &now) : -2;
            /* the point before is above both of its neighbours */
            if (i > 1 && ahead > before && ahead >= now && ahead > best && at > -1) best = ahead, best_x = before_x;
            before = ahead;
            ahead = now;
            before_x = x;
        }
    }
    struct pareto fit = aenc_pareto_fit(y, (size_t)count);
    double likelihood = -log(mean) - 1;
    if (fit.shape == 0) CHECK_NEAR(fit.scale, mean, 1e-12 * mean);
    else CHECK_NEAR(pareto_shape(y, count, fit.shape / fit.scale, &likelihood), fit.shape, 1e-9);
    CHECK(fit.shape > -1 && fit.scale > 0 && (best_x == 0) == (fit.shape == 0));
    if (!CHECK_NEAR(likelihood, best, 1e-6)) fprintf(stderr, "  shape %g of %d excesses: %g\n", shape, count, fit.shape);
}

static void check_paretos(void) {
    static const double shapes[] = {-2, -1, -0.99, -0.95, -0.9, -0.5, -0.1, -1e-3, 0, 1e-3, 0.1, 0.5, 1, 2, 4};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int count = 10; count <= 60; count += 25)
            for (int k = -1; k < 2; k++) check_pareto(shapes[i], pow(1000, k), count);
    const double two[] = {1, 3}, same[] = {0.25, 0.25};
    CHECK(aenc_pareto_fit(two, 2).scale > 0 && aenc_pareto_fit(same, 2).scale > 0);
}

/* Thresholds where one score more or less decides, and where a setting is left out. */
static void check_borders(aenc_context *ctx) {
    enum { SCORES = 501 };
    static float score[SCORES];
    double got = 0, want = 0;
    for (int i = 0; i < SCORES; i++) score[i] = (float)(i * i % 509) + (float)i / 1024;
    static const char *const same[][2] = {{"quantile", "quantile:q=0.95"}, {"mad", "mad:k=3"}, {"fpr", "fpr:rate=0.01"},
                                          {"pot", "pot:risk=1e-3,level=0.98"}, {NULL, "quantile"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        CHECK_STATUS(ctx, aenc_threshold(ctx, same[i][0], score, SCORES, &got), AENC_OK);
        CHECK_STATUS(ctx, aenc_threshold(ctx, same[i][1], score, SCORES, &want), AENC_OK);
        CHECK(got == want);
    }
    static const struct {
        const char *spec;
        size_t least; /* so many scores will do, one less will not */
        const char *words;
    } needs[] = {{"quantile", 2, "too few"}, {"fpr", 99, "at least 99"}, {"fpr:rate=0.1", 9, "at least 9"},
                 {"fpr:rate=0.5", 2, "too few"}, {"pot:level=0.5,risk=0.1", 20, "of 19 scores"}, {"pot", 452, "of 451 scores"}};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        for (int k = 0; k < SCORES; k++) score[k] = (float)k * (float)k;
        CHECK_STATUS(ctx, aenc_threshold(ctx, needs[i].spec, score, needs[i].least, &got), AENC_OK);
        CHECK_STATUS(ctx, aenc_threshold(ctx, needs[i].spec, score, needs[i].least - 1, &got), AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(ctx), needs[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
    /* ends of the range, exactly */
    CHECK_STATUS(ctx, aenc_threshold(ctx, "quantile:q=0", score, 7, &got), AENC_OK);
    CHECK(got == 0);
    CHECK_STATUS(ctx, aenc_threshold(ctx, "quantile:q=1", score, 7, &got), AENC_OK);
    CHECK(got == 36);
    CHECK_STATUS(ctx, aenc_threshold(ctx, "fpr:rate=0.9999999", score, 7, &got), AENC_OK);
    CHECK(got == 0);
    CHECK_STATUS(ctx, aenc_threshold(ctx, "fpr:rate=0.125", score, 7, &got), AENC_OK);
    CHECK(got == 36);
    CHECK_STATUS(ctx, aenc_threshold(ctx, "fpr:rate=0.25", score, 7, &got), AENC_OK);
    CHECK(got == 25); /* 2 of 8 places are above the sixth */
    CHECK_STATUS(ctx, aenc_threshold(ctx, "mad:k=0", score, 7, &got), AENC_OK);
    CHECK(got == 9);
    /* a risk of just the share that lies above the level is none */
    CHECK_STATUS(ctx, aenc_threshold(ctx, "pot:level=0.5,risk=0.5", score, 20, &got), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_threshold(ctx, "pot:level=0.5,risk=0.4999", score, 20, &got), AENC_OK);
    /* the excesses of equal scores have no tail */
    for (int k = 10; k < 20; k++) score[k] = 500;
    CHECK_STATUS(ctx, aenc_threshold(ctx, "pot:level=0.5,risk=0.1", score, 20, &got), AENC_ERR_ARGUMENT);
}

/* Every metric for the same faults. A score at a threshold is not above it. */
static void check_entries(aenc_context *ctx) {
    enum { N = 4 };
    const float good[N] = {4, 3, 2, 1}, broken[N] = {1, (float)INFINITY, 2, 3};
    const uint8_t label[N] = {1, 0, 1, 0}, wrong[N] = {0, 1, 2, 0}, none[N] = {0};
    double out = 0, precision = -1, recall = -1;
    aenc_curve_point point[N + 1];
    size_t points = 9;
    for (int call = 0; call < 4; call++) {
        for (int fault = 0; fault < 7; fault++) {
            const float *score = fault == 0 ? broken : fault == 1 ? NULL : good;
            const uint8_t *of = fault == 2 ? wrong : fault == 3 ? none : fault == 4 ? NULL : label;
            size_t count = fault == 5 ? 0 : fault == 6 ? SIZE_MAX / 8 : N;
            aenc_status want = fault == 0 ? AENC_ERR_NONFINITE : fault > 4 ? AENC_ERR_SHAPE : AENC_ERR_ARGUMENT;
            if (call == 3 && (fault == 2 || fault == 3)) continue; /* takes any label but 0 as positive */
            aenc_status got = call == 0   ? aenc_roc_auc(ctx, score, of, count, &out)
                              : call == 1 ? aenc_average_precision(ctx, score, of, count, &out)
                              : call == 2 ? aenc_curve(ctx, score, of, count, point, N + 1, &points)
                                          : aenc_precision_recall(ctx, score, of, count, 2.5, &precision, &recall);
            CHECK_STATUS(ctx, got, want);
            CHECK((call > 1 || isnan(out)) && (call != 2 || points == 0) && precision == -1 && recall == -1);
        }
    }
    CHECK_STATUS(ctx, aenc_roc_auc(ctx, good, label, N, NULL), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "aenc_roc_auc: out") != NULL);
    CHECK_STATUS(ctx, aenc_average_precision(ctx, good, label, N, NULL), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "aenc_average_precision: out") != NULL);
    CHECK_STATUS(ctx, aenc_threshold(ctx, NULL, good, N, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_threshold(NULL, NULL, good, N, &out) == AENC_ERR_ARGUMENT && isnan(out));
    CHECK(aenc_average_precision(NULL, good, label, N, &out) == AENC_ERR_ARGUMENT);
    CHECK(aenc_curve(NULL, good, label, N, point, N, &points) == AENC_ERR_ARGUMENT && points == 0);
    CHECK(aenc_precision_recall(NULL, good, label, N, 0, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_precision_recall(ctx, good, label, N, 3, &precision, &recall), AENC_OK);
    CHECK(precision == 1 && recall == 0.5); /* 4 alone is above 3 */
    CHECK_STATUS(ctx, aenc_precision_recall(ctx, good, label, N, 1, &precision, &recall), AENC_OK);
    CHECK_NEAR(precision, 2.0 / 3, 1e-15);
    CHECK(recall == 1);
    CHECK_STATUS(ctx, aenc_precision_recall(ctx, good, none, N, 1, &precision, &recall), AENC_OK);
    CHECK(precision == 0 && recall == 0);
}

/* 20 scores and a rate of 0.1: over many draws a further score of the same kind exceeds the threshold in at most 10 %, while the
 * sample's own quantile lets more through. */
static void check_promise(aenc_context *ctx) {
    enum { SCORES = 20, DRAWS = 4000 };
    float score[SCORES + 1];
    uint64_t state = 9;
    double above = 0, above_quantile = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        double threshold, quantile;
        for (int i = 0; i <= SCORES; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            score[i] = (float)(state >> 40);
        }
        CHECK(aenc_threshold(ctx, "fpr:rate=0.1", score, SCORES, &threshold) == AENC_OK);
        CHECK(aenc_threshold(ctx, "quantile:q=0.9", score, SCORES, &quantile) == AENC_OK);
        above += score[SCORES] > threshold;
        above_quantile += score[SCORES] > quantile;
    }
    CHECK(above / DRAWS < 0.11 && above / DRAWS > 0.08);
    CHECK(above_quantile / DRAWS > 0.12);
}

static void check_refused(aenc_context *ctx, aenc_status got, aenc_status want, const char *word, double out) {
    CHECK_STATUS(ctx, got, want);
    if (!CHECK(strstr(aenc_message(ctx), word) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    CHECK(isnan(out));
}

static void check_refusals(aenc_context *ctx) {
    static const struct {
        const char *spec, *word;
    } bad[] = {{"quantil", "quantile, mad, pot, fpr"}, {"quantile:q=1.5", "q"}, {"mad:k=-1", "k"}, {"fpr:rate=0", "rate"},
               {"fpr:rate=1e-3", "999"}, {"pot", "level"}, {"pot:level=0.5,risk=0.9", "risk"}, {"pot:riks=1", "riks"}};
    float few[] = {1, 2, 3, 4, 5}, equal[] = {2, 2, 2, 2, 2}, most[] = {2, 2, 2, 2, 9}, broken[] = {1, NAN, 2};
    float wide[] = {-3e38f, 1, 3e38f};
    uint8_t all[] = {1, 1, 1, 1, 1}, wrong[] = {0, 1, 2, 0, 0};
    double out = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aenc_status status = aenc_threshold(ctx, bad[i].spec, normal_score, i == 5 ? 300 : NORMAL, &out);
        check_refused(ctx, status, AENC_ERR_ARGUMENT, bad[i].word, out);
    }
    check_refused(ctx, aenc_threshold(ctx, "quantile", equal, 5, &out), AENC_ERR_ARGUMENT, "all 5 scores are 2", out);
    check_refused(ctx, aenc_threshold(ctx, "mad", most, 5, &out), AENC_ERR_ARGUMENT, "half", out);
    check_refused(ctx, aenc_threshold(ctx, "mad", few, 1, &out), AENC_ERR_ARGUMENT, "too few", out);
    check_refused(ctx, aenc_threshold(ctx, "mad", few, 0, &out), AENC_ERR_SHAPE, "count is 0", out);
    check_refused(ctx, aenc_threshold(ctx, "mad", broken, 3, &out), AENC_ERR_NONFINITE, "score[1]", out);
    check_refused(ctx, aenc_threshold(ctx, "mad", NULL, 3, &out), AENC_ERR_ARGUMENT, "score is NULL", out);
    check_refused(ctx, aenc_threshold(ctx, "mad:k=1e300", wide, 3, &out), AENC_ERR_ARGUMENT, "it is inf", out);
    check_refused(ctx, aenc_roc_auc(ctx, few, all, 5, &out), AENC_ERR_ARGUMENT, "both kinds", out);
    check_refused(ctx, aenc_roc_auc(ctx, few, wrong, 5, &out), AENC_ERR_ARGUMENT, "label[2] is 2", out);
    check_refused(ctx, aenc_average_precision(ctx, broken, wrong, 3, &out), AENC_ERR_NONFINITE, "score[1]", out);
    check_refused(ctx, aenc_roc_auc(ctx, few, NULL, 5, &out), AENC_ERR_ARGUMENT, "label is NULL", out);
    CHECK_STATUS(ctx, aenc_precision_recall(ctx, few, all, 5, NAN, NULL, NULL), AENC_ERR_NONFINITE);
    CHECK_STATUS(ctx, aenc_curve(ctx, few, all, 5, NULL, 0, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_roc_auc(NULL, few, all, 5, &out) == AENC_ERR_ARGUMENT);
}

/* What lies behind the scores is not part of them, also where the share is the largest. */
static void check_quantiles(void) {
    const float sorted[] = {1, 2, 4, NAN};
    CHECK_NEAR(aenc_sorted_quantile(sorted, 3, 1), 4, 0);
    CHECK_NEAR(aenc_sorted_quantile(sorted, 3, 0.75), 3, 0);
    CHECK_NEAR(aenc_sorted_quantile(sorted, 3, 0), 1, 0);
    CHECK_NEAR(aenc_sorted_quantile(sorted + 2, 1, 0.5), 4, 0);
}

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    check_quantiles();
    check_metrics(ctx);
    check_thresholds(ctx);
    check_paretos();
    check_borders(ctx);
    check_entries(ctx);
    check_promise(ctx);
    check_refusals(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return check_finish();
}
