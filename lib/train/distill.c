/* distill.c - a small model learns what a large one answers (Hinton, Vinyals & Dean 2015; codes as in Romero et al. 2015).
 *
 *     output_weight loss(student's output, teacher's output) + code_weight mean (student's code - teacher's code)^2
 *
 * The teacher answers once, for all rows; its answers are the targets of an ordinary fit, a row of them the output followed by
 * the code. While it is taught, the student's journeys compare with both (model/journey.c).
 */
#include <math.h>

#include "train/source.h"
#include "train/stack.h"

enum { PIECE_ROWS = 8 * INFER_ROWS };

static struct rows piece_of(const struct rows *x, int64_t first) {
    struct rows piece = {x->data + first * x->stride, x->stride, x->count - first, NULL};
    if (piece.count > PIECE_ROWS) piece.count = PIECE_ROWS;
    return piece;
}

/* What the teacher makes of a piece, through `kind`, into column `at` of the lessons' rows. */
static aenc_status ask(struct aenc_model *teacher, enum journey_kind kind, const struct rows *piece, int64_t size,
                       float *answer, float *lessons, int64_t stride) {
    aenc_status status = aenc_model_infer(teacher, kind, piece, NULL, answer);
    for (int64_t r = 0; r < piece->count && status == AENC_OK; r++)
        for (int64_t c = 0; c < size; c++) lessons[r * stride + c] = answer[r * size + c];
    return status;
}

/* Rows of the teacher's output and code, from aenc_alloc. */
static aenc_status lessons_make(struct aenc_model *student, struct aenc_model *teacher, const struct rows *x,
                                struct rows *out) {
    int64_t outputs = teacher->output_size, codes = teacher->code_size, stride = outputs + codes;
    int64_t most = outputs > codes ? outputs : codes;
    size_t row;
    *out = (struct rows){NULL, stride, x->count, NULL};
    if (!aenc_size_multiply((size_t)stride, sizeof(float), &row))
        return aenc_fail(student->ctx, AENC_ERR_SHAPE, "the teacher's answer is larger than memory");
    float *lessons = aenc_alloc_raw(student->ctx, (size_t)x->count, row);
    float *answer = aenc_alloc_raw(student->ctx, PIECE_ROWS * sizeof *answer, (size_t)most);
    aenc_status status = lessons == NULL || answer == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += PIECE_ROWS) {
        struct rows piece = piece_of(x, first);
        float *at = lessons + first * stride;
        status = ask(teacher, JOURNEY_RECONSTRUCT, &piece, outputs, answer, at, stride);
        if (status == AENC_OK) status = ask(teacher, JOURNEY_ENCODE, &piece, codes, answer, at + outputs, stride);
    }
    out->data = lessons;
    aenc_release(student->ctx, answer);
    if (status == AENC_OK)
        status = aenc_rows_check(student->ctx, (struct row_names){"the teacher's output", 0}, out, outputs,
                                 aenc_target_rule(student));
    return status;
}

/* Mean squared distance of the codes. */
static aenc_status code_distance(struct aenc_model *student, const struct rows *x, const struct rows *lessons,
                                 double *distance) {
    int64_t codes = student->code_size;
    double sum = 0;
    float *answer = aenc_alloc_raw(student->ctx, PIECE_ROWS * sizeof *answer, (size_t)codes);
    aenc_status status = answer == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += PIECE_ROWS) {
        struct rows piece = piece_of(x, first);
        status = aenc_model_infer(student, JOURNEY_ENCODE, &piece, NULL, answer);
        for (int64_t r = 0; r < piece.count && status == AENC_OK; r++) {
            const float *lesson = lessons->data + (first + r) * lessons->stride + student->target_size;
            for (int64_t c = 0; c < codes; c++) {
                double d = (double)answer[r * codes + c] - (double)lesson[c];
                sum += d * d;
            }
        }
    }
    aenc_release(student->ctx, answer);
    *distance = sum / ((double)x->count * (double)codes);
    return status;
}

/* From here on the student's journeys compare with lessons; with weights of 0 with targets again. */
static void teach(struct aenc_model *student, double output_weight, double code_weight) {
    aenc_model_forget_journeys(student);
    student->lesson_weight[0] = output_weight;
    student->lesson_weight[1] = code_weight;
}

aenc_status aenc_train_distill(struct aenc_model *student, struct aenc_model *teacher, const struct rows *x,
                               const aenc_distill_options *options, const aenc_fit_options *fit) {
    struct rows lessons = {NULL, 0, 0, NULL}, held_out = lessons;
    aenc_fit_options o = *fit;
    aenc_matrix valid_target = {NULL, 0, 0, 0};
    aenc_status status = lessons_make(student, teacher, x, &lessons);
    if (status == AENC_OK && fit->valid != NULL) {
        struct rows valid = aenc_rows_of(fit->valid);
        status = lessons_make(student, teacher, &valid, &held_out);
        valid_target = (aenc_matrix){held_out.data, (size_t)held_out.count, (size_t)held_out.stride, 0};
        o.valid_target = &valid_target;
    }
    if (status == AENC_OK) {
        const struct fit_data data = {.input = *x, .target = lessons};
        teach(student, options->output_weight, options->code_weight);
        status = aenc_train_fit(student, &data, &o);
        teach(student, 0, 0);
    }
    if (status == AENC_OK && options->output_loss != NULL)
        status = aenc_train_evaluate(student, x, &lessons, NULL, options->output_loss);
    if (options->code_loss != NULL) *options->code_loss = NAN;
    if (status == AENC_OK && options->code_loss != NULL && student->code_size == teacher->code_size)
        status = code_distance(student, x, &lessons, options->code_loss);
    aenc_release(student->ctx, (void *)(uintptr_t)lessons.data);
    aenc_release(student->ctx, (void *)(uintptr_t)held_out.data);
    return status;
}
