/* metrics.c - how well scores tell two kinds apart.
 *
 *     AUC  the chance that a positive scores above a negative, ties counted half (Mann & Whitney 1947): the area
 *          under the ROC curve
 *     AP   sum over cuts of (recall - recall before) precision: average precision as scikit-learn has it, not
 *          interpolated
 */
#include <math.h>

#include "io/message_text.h"
#include "io/sort.h"
#include "use/use.h"

struct pair {
    float score;
    uint8_t label;
};

static int descending(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static aenc_status pairs_fill(aenc_context *ctx, const struct judged *j, struct pair *pair) {
    size_t positives = 0;
    aenc_status status = aenc_scores_check(ctx, j->score, j->count);
    if (status != AENC_OK) return status;
    for (size_t i = 0; i < j->count; i++) {
        if (j->label[i] > 1)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "label%s is %d; it is 0 or 1", aenc_at(i).text, j->label[i]);
        positives += j->label[i];
        pair[i] = (struct pair){j->score[i], j->label[i]};
    }
    if (positives > 0 && positives < j->count) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "of %zu labels %zu are 1; both kinds are needed", j->count, positives);
}

aenc_status aenc_metrics_cuts(aenc_context *ctx, const struct judged *j, struct cut **out, size_t *cuts) {
    *out = NULL;
    struct pair *pair = aenc_alloc(ctx, j->count, 2 * sizeof *pair);
    struct cut *cut = aenc_alloc(ctx, j->count + 1, sizeof *cut);
    aenc_status status = pair != NULL && cut != NULL ? pairs_fill(ctx, j, pair) : AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) status = aenc_cancel_check(ctx);
    if (status == AENC_OK) {
        aenc_sort(pair, pair + j->count, j->count, sizeof *pair, descending);
        size_t used = 0;
        cut[0] = (struct cut){INFINITY, 0, 0};
        for (size_t i = 0; i < j->count; i++) {
            if (i == 0 || pair[i].score != pair[i - 1].score) {
                used++;
                cut[used] = cut[used - 1];
                cut[used].threshold = (double)pair[i].score;
            }
            if (pair[i].label)
                cut[used].positives++;
            else
                cut[used].negatives++;
        }
        *cuts = used + 1;
        *out = cut;
    } else
        aenc_release(ctx, cut);
    aenc_release(ctx, pair);
    return status;
}

double aenc_metrics_auc(const struct cut *cut, size_t cuts) {
    double area = 0;
    for (size_t i = 1; i < cuts; i++)
        area += (cut[i].negatives - cut[i - 1].negatives) * (cut[i].positives + cut[i - 1].positives) / 2;
    return area / cut[cuts - 1].negatives / cut[cuts - 1].positives;
}

double aenc_metrics_precision(const struct cut *cut, size_t cuts) {
    double sum = 0;
    for (size_t i = 1; i < cuts; i++)
        sum += (cut[i].positives - cut[i - 1].positives) * cut[i].positives / (cut[i].positives + cut[i].negatives);
    return sum / cut[cuts - 1].positives;
}
