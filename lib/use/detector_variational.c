/* detector_variational.c - scores of a detector with a bottleneck: a variational autoencoder (An & Cho 2015).
 *
 * Of cells limited to their bounds and in scaled units, in nats:
 *
 *     elbo            -log p(x | z) + beta KL(q(z | x) | p(z)), the mean of `samples` draws of z
 *     reconstruction  -log p(x | z), likewise
 *     kl              KL(q(z | x) | p(z))
 *     typicality      | E |z|^2 - d | / sqrt(2 d) of a code of d elements: how far from the shell in which draws of the
 *                     prior lie (Nalisnick et al. 2019)
 *     likelihood      -log p(x), by importance sampling with `samples` draws
 *
 * Draws follow from the model's seed and the row's place among those that are scored. What belongs to no column is shared out
 * evenly.
 */
#include "model/results.h"
#include "use/detector.h"

#include <string.h>

/* By enum detector_score; the result of the model that it is made from. */
static const struct {
    const char *name, *result;
} kinds[] = {{"energy", NULL},
             {"elbo", "score"},
             {"reconstruction", "reconstruction"},
             {"kl", "kl"},
             {"typicality", "typicality"},
             {"likelihood", "score"}};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *aenc_detector_score_name(enum detector_score score) { return kinds[score].name; }

aenc_status aenc_detector_score_named(aenc_context *ctx, const char *name, enum detector_score *out) {
    const char *known[KINDS];
    for (int k = 0; k < KINDS; k++) {
        known[k] = kinds[k].name;
        *out = (enum detector_score)k;
        if (k > 0 && strcmp(name, kinds[k].name) == 0) return AENC_OK;
    }
    return aenc_name_unknown(ctx, "score", name, known + 1, KINDS - 1, 0);
}

aenc_status aenc_detector_score_check(const struct aenc_model *model, enum detector_score score) {
    if (score == DETECTOR_ENERGY) return AENC_OK;
    if (!aenc_loss_is_likelihood(model->loss, model->loss_spec))
        return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "loss '%s' is no likelihood in nats per row",
                         model->loss->name);
    if (aenc_result_find(model, kinds[score].result) >= 0) return AENC_OK;
    const struct json *bottleneck = aenc_json_member(model->description, "bottleneck");
    return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "bottleneck '%s' has no result '%s'",
                     bottleneck == NULL ? "plain" : aenc_settings_type(bottleneck), kinds[score].result);
}

/* Adds a turn's part to each (rows, cols): what the columns have, and the rest of whole (rows, size). */
static void turn_add(const float *whole, int64_t size, const float *feature, int64_t cols, int64_t rows, double share,
                     double *each) {
    for (int64_t r = 0; r < rows; r++, each += cols) {
        double rest = 0;
        for (int64_t i = 0; i < size; i++) rest += (double)whole[r * size + i];
        for (int64_t c = 0; c < cols && feature != NULL; c++) rest -= (double)feature[r * cols + c];
        for (int64_t c = 0; c < cols; c++)
            each[c] += share * (rest / (double)cols + (feature == NULL ? 0 : (double)feature[r * cols + c]));
    }
}

aenc_status aenc_detector_variational(struct aenc_detector *d, const struct rows *x, int64_t first, double *each) {
    struct aenc_model *model = d->model;
    int result = aenc_result_find(model, kinds[d->score].result);
    int64_t size = aenc_shape_count(&model->result[result].shape), cols = model->input_size;
    bool draws = d->score == DETECTOR_ELBO || d->score == DETECTOR_RECONSTRUCTION;
    struct draws how = {.first_row = first, .samples = d->score == DETECTOR_LIKELIHOOD ? d->samples : 0};
    const struct batch batch = aenc_batch_of(FIELD_INPUT, x);
    float *whole = aenc_alloc_raw(model->ctx, (size_t)(x->count * (size + cols)), sizeof *whole);
    float *feature = whole == NULL ? NULL : whole + x->count * size;
    aenc_status status = whole == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    int64_t turns = draws ? d->samples : 1;
    for (; how.turn < turns && status == AENC_OK; how.turn++) {
        struct result_room room[] = {{result, whole, size}, {RESULT_FEATURES, feature, cols}};
        status = aenc_model_results(model, &batch, room, draws ? 2 : 1, &how);
        if (status == AENC_OK) turn_add(whole, size, draws ? feature : NULL, cols, x->count, 1 / (double)turns, each);
    }
    aenc_release(model->ctx, whole);
    return status;
}
