/* anomaly.c - metrics and thresholds. */
#include <math.h>

#include "api/api.h"
#include "io/message_text.h"
#include "use/use.h"

static aenc_status scores_check(aenc_context *ctx, const char *call, const void *score, const void *label,
                                size_t count) {
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_check(ctx, call, CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_cancel_check(ctx);
    if (status != AENC_OK) return status;
    if (score == NULL) return aenc_null(ctx, call, "score");
    if (label == NULL) return aenc_null(ctx, call, "label");
    if (count > 0 && count < PTRDIFF_MAX / 64) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: count is %zu", call, count);
}

/* One number of the curve. */
static aenc_status of_cuts(aenc_context *ctx, const char *call, const struct judged *judged,
                           double (*number)(const struct cut *, size_t), double *out) {
    struct cut *cut = NULL;
    size_t cuts = 0;
    if (out == NULL) return aenc_null(ctx, call, "out");
    *out = NAN;
    aenc_status status = scores_check(ctx, call, judged->score, judged->label, judged->count);
    if (status == AENC_OK) status = aenc_metrics_cuts(ctx, judged, &cut, &cuts);
    if (status == AENC_OK) *out = number(cut, cuts);
    if (status == AENC_OK) aenc_release(ctx, cut);
    return status;
}

aenc_status aenc_roc_auc(aenc_context *ctx, const float *score, const uint8_t *label, size_t count, double *out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    return of_cuts(ctx, "aenc_roc_auc", &(struct judged){score, label, count}, aenc_metrics_auc, out);
}

aenc_status aenc_average_precision(aenc_context *ctx, const float *score, const uint8_t *label, size_t count,
                                   double *out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    return of_cuts(ctx, "aenc_average_precision", &(struct judged){score, label, count}, aenc_metrics_precision, out);
}

aenc_status aenc_curve(aenc_context *ctx, const float *score, const uint8_t *label, size_t count, aenc_curve_point *out,
                       size_t capacity, size_t *points) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    struct cut *cut = NULL;
    size_t cuts = 0;
    if (points == NULL) return aenc_null(ctx, "aenc_curve", "points");
    *points = 0;
    aenc_status status = scores_check(ctx, "aenc_curve", score, label, count);
    if (status == AENC_OK) status = aenc_metrics_cuts(ctx, &(struct judged){score, label, count}, &cut, &cuts);
    if (status != AENC_OK) return status;
    *points = cuts;
    if (out != NULL && capacity < cuts)
        status =
            aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_curve: out has room for %zu points; %zu are needed", capacity, cuts);
    const struct cut all = cut[cuts - 1];
    for (size_t i = 0; i < cuts && out != NULL && status == AENC_OK; i++) {
        double taken = cut[i].positives + cut[i].negatives;
        out[i] = (aenc_curve_point){cut[i].threshold, cut[i].positives / all.positives,
                                    cut[i].negatives / all.negatives, taken > 0 ? cut[i].positives / taken : 1};
    }
    aenc_release(ctx, cut);
    return status;
}

aenc_status aenc_precision_recall(aenc_context *ctx, const float *score, const uint8_t *label, size_t count,
                                  double threshold, double *precision, double *recall) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    double taken = 0, found = 0, all = 0;
    aenc_status status = scores_check(ctx, "aenc_precision_recall", score, label, count);
    if (status == AENC_OK && threshold != threshold)
        status =
            aenc_fail(ctx, AENC_ERR_NONFINITE, "aenc_precision_recall: threshold is %s", aenc_shown(threshold).text);
    if (status == AENC_OK) status = aenc_scores_check(ctx, score, count);
    for (size_t i = 0; i < count && status == AENC_OK; i++) {
        bool above = (double)score[i] > threshold, positive = label[i] != 0;
        taken += above;
        found += above && positive;
        all += positive;
    }
    if (status == AENC_OK && precision != NULL) *precision = taken > 0 ? found / taken : 0;
    if (status == AENC_OK && recall != NULL) *recall = all > 0 ? found / all : 0;
    return status;
}

aenc_status aenc_threshold(aenc_context *ctx, const char *spec, const float *score, size_t count, double *out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_threshold", "out");
    *out = NAN;
    aenc_status status = scores_check(ctx, "aenc_threshold", score, score, count);
    return status == AENC_OK ? aenc_threshold_find(ctx, spec == NULL ? "quantile" : spec, score, count, out) : status;
}
