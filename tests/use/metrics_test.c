/* metrics_test.c - metrics and thresholds against scikit-learn and SciPy (make_golden.py), their promises by simulation, and
 * what they refuse. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "use/golden.h"
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

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    check_metrics(ctx);
    check_thresholds(ctx);
    check_promise(ctx);
    check_refusals(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return check_finish();
}
