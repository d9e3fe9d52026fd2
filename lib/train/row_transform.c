/* row_transform.c - what rows go through on their way into a training: the finished layers below, or a teacher.
 *
 * Rows in memory go through once, before the training, and what they have become is kept: an inference less per
 * epoch. Rows of a source go through batch by batch, in memory for one batch.
 */
#include "train/fit.h"

enum { PIECE_ROWS = 8 * INFER_ROWS };

/* What input has become, in `out`, takes its place or the target's. */
static aenc_status send(struct fit *fit, struct rows *input, struct rows *target, float *out) {
    const struct row_transform *p = fit->data.transform;
    const struct rows sent = {out, p->cols, input->count, NULL};
    aenc_status status = p->apply(p, input, out);
    *(p->teacher_targets ? target : input) = sent;
    if (status != AENC_OK || !p->teacher_targets) return status;
    const struct row_names names = {fit->passed == NULL ? "the teacher's output" : "the teacher's output in a batch",
                                    0};
    return aenc_rows_check(fit->model->ctx, names, target, fit->model->target_size, aenc_target_rule(fit->model));
}

static float *memory(struct fit *fit, int64_t rows) {
    return aenc_alloc_raw(fit->model->ctx, (size_t)rows, (size_t)fit->data.transform->cols * sizeof(float));
}

aenc_status aenc_transform_keep(struct fit *fit, struct rows *input, struct rows *target, float **kept) {
    if (fit->data.transform == NULL || fit->data.unchecked || input->data == NULL) return AENC_OK;
    *kept = memory(fit, input->count);
    return *kept == NULL ? AENC_ERR_NO_MEMORY : send(fit, input, target, *kept);
}

aenc_status aenc_transform_open(struct fit *fit) {
    if (!fit->data.unchecked) fit->data.transform = NULL;
    if (fit->data.transform == NULL) return AENC_OK;
    int64_t most = fit->batch + fit->model->least_rows - 1;
    fit->passed = memory(fit, most > PIECE_ROWS ? most : PIECE_ROWS);
    return fit->passed == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_transform_batch(struct fit *fit, struct rows *input, struct rows *target) {
    return fit->data.transform == NULL || input->count == 0 ? AENC_OK : send(fit, input, target, fit->passed);
}

aenc_status aenc_transform_evaluate(struct fit *fit, double *loss) {
    const struct rows *valid = &fit->valid;
    if (fit->data.transform == NULL) return aenc_train_evaluate(fit->model, valid, &fit->valid_target, NULL, loss);
    double sum = 0, mean = 0;
    aenc_status status = AENC_OK;
    for (int64_t first = 0; first < valid->count && status == AENC_OK; first += PIECE_ROWS) {
        struct rows input = aenc_rows_piece(valid, first, PIECE_ROWS), target = {NULL, 0, 0, NULL};
        double rows = (double)input.count;
        status = aenc_transform_batch(fit, &input, &target);
        if (status == AENC_OK) status = aenc_train_evaluate(fit->model, &input, &target, NULL, &mean);
        sum += mean * rows;
    }
    *loss = sum / (double)valid->count;
    return status;
}
