/* classes.c - the most probable class of each row, and how probable each is: softmax of the output. */
#include "use/classes.h"

#include <math.h>

enum { PIECE_ROWS = 8 * INFER_ROWS }; /* whose logits are there at a time */

/* The first of the largest. */
static int32_t largest(const float *x, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 1; i < count; i++)
        if (x[i] > x[at]) at = i;
    return (int32_t)at;
}

/* e^(x - max) / sum */
static void softmax(float *out, const float *x, int64_t count) {
    double sum = 0, top = (double)x[largest(x, count)];
    for (int64_t i = 0; i < count; i++) sum += exp((double)x[i] - top);
    for (int64_t i = 0; i < count; i++) out[i] = (float)(exp((double)x[i] - top) / sum);
}

/* Of answers [first, first + count), from their logits. */
static void tell(const float *logit, int64_t first, int64_t count, int64_t classes, struct class_answers *answers) {
    for (int64_t i = first; i < first + count; i++, logit += classes) {
        int32_t label = largest(logit, classes);
        if (answers->probability != NULL) softmax(answers->probability + i * classes, logit, classes);
        if (answers->label != NULL) answers->label[i] = label;
        if (answers->truth != NULL) answers->right += answers->truth[i] == label;
    }
}

aenc_status aenc_classes_tell(struct aenc_model *model, const struct rows *x, struct class_answers *answers) {
    float *logits = aenc_alloc_raw(model->ctx, PIECE_ROWS * sizeof *logits, (size_t)model->output_size);
    aenc_status status = logits == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    answers->right = 0;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += PIECE_ROWS) {
        const struct rows piece = aenc_rows_piece(x, first, PIECE_ROWS);
        status = aenc_model_infer_rows(model, TASK_RECONSTRUCT, &piece, logits);
        if (status == AENC_OK)
            tell(logits, first * model->target_size, piece.count * model->target_size, model->classes, answers);
    }
    aenc_release(model->ctx, logits);
    return status;
}
