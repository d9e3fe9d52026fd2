/* row_transform.c - what rows go through on their way into a training: the finished layers below, or a teacher.
 *
 * Rows in memory go through once, before the training, and what they have become is kept: an inference less per
 * epoch. Rows of a source go through batch by batch, in memory for one batch.
 */
#include "train/fit.h"

enum { PIECE_ROWS = 8 * INFER_ROWS };

/* What the rows' input has become, in `out`, takes its place or the target's and the code's. */
static aenc_status apply(struct fit *fit, struct batch *rows, float *out) {
    const struct row_transform *p = fit->data.transform;
    const struct aenc_model *model = fit->model;
    struct column made = {.data = out, .stride = p->cols, .type = VALUE_F32, .dense = true};
    aenc_status status = p->apply(p, rows, out);
    rows->column[p->outputs > 0 ? FIELD_TARGET : FIELD_INPUT] = made;
    if (status != AENC_OK || p->outputs == 0) return status;
    made.data = out + p->outputs;
    rows->column[FIELD_CODE] = made;
    const char *what = fit->passed == NULL ? "the teacher's output" : "the teacher's output in a batch";
    return aenc_column_check(model->ctx, (struct column_names){what, 0, aenc_target_loss(model)}, rows, FIELD_TARGET,
                             &model->field[FIELD_TARGET]);
}

static float *memory(struct fit *fit, int64_t rows) {
    return aenc_alloc_raw(fit->model->ctx, (size_t)rows, (size_t)fit->data.transform->cols * sizeof(float));
}

aenc_status aenc_transform_keep(struct fit *fit, struct batch *rows, float **kept) {
    if (fit->data.transform == NULL || fit->data.unchecked || rows->count == 0) return AENC_OK;
    *kept = memory(fit, rows->count);
    aenc_status status = *kept == NULL ? AENC_ERR_NO_MEMORY : apply(fit, rows, *kept);
    /* all rows are there: batches of them are gathered from it as from the others */
    for (int f = 0; f < FIELDS_MAX; f++) rows->column[f].dense = false;
    return status;
}

aenc_status aenc_transform_open(struct fit *fit) {
    if (!fit->data.unchecked) fit->data.transform = NULL;
    if (fit->data.transform == NULL) return AENC_OK;
    int64_t most = fit->batch + fit->model->least_rows - 1;
    fit->passed = memory(fit, most > PIECE_ROWS ? most : PIECE_ROWS);
    return fit->passed == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_transform_batch(struct fit *fit, struct batch *batch) {
    return fit->data.transform == NULL || batch->count == 0 ? AENC_OK : apply(fit, batch, fit->passed);
}

aenc_status aenc_transform_evaluate(struct fit *fit, double *loss) {
    const struct batch *valid = &fit->valid;
    if (fit->data.transform == NULL) return aenc_train_evaluate(fit->model, valid, loss);
    const struct terms *terms = &fit->model->terms;
    double sum = 0, mean = 0, total = 0, *term = fit->term_sum + terms->count;
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < terms->count; i++) term[i] = 0;
    for (int64_t first = 0; first < valid->count && status == AENC_OK; first += PIECE_ROWS) {
        struct batch piece = aenc_batch_piece(valid, first, PIECE_ROWS);
        double weight = aenc_batch_weight(&piece);
        status = aenc_transform_batch(fit, &piece);
        if (status == AENC_OK) status = aenc_train_evaluate(fit->model, &piece, &mean);
        sum += mean * weight;
        total += weight;
        for (size_t i = 0; i < terms->count; i++) term[i] += terms->valid[i] * weight;
    }
    for (size_t i = 0; i < terms->count; i++) terms->valid[i] = term[i] / total;
    *loss = sum / total;
    return status;
}
