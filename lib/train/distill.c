/* distill.c - a small model learns what a large one answers (Hinton, Vinyals & Dean 2015; codes as in Romero et al.
 * 2015).
 *
 *     output_weight loss(student's output, teacher's output) + code_weight mean (student's code - teacher's code)^2
 *
 * The teacher's answers are the targets of an ordinary fit, a row of them the output followed by the code: of rows
 * in memory once and for all, of a source batch by batch (row_transform.c). While it is taught, the student's tasks
 * compare with both, as the fields `target` and `code` (model/task.c).
 */
#include <math.h>

#include "train/fit.h"
#include "train/stack.h"

enum { PIECE_ROWS = 8 * INFER_ROWS };

/* What the teacher makes of a piece, through `kind`, into column `at` of the teacher_targets' rows. */
static aenc_status ask(const struct row_transform *p, enum task_kind kind, const struct batch *piece, int64_t size,
                       float *teacher_targets) {
    aenc_status status = aenc_model_infer(p->model, kind, piece, p->scratch);
    for (int64_t r = 0; r < piece->count && status == AENC_OK; r++)
        for (int64_t c = 0; c < size; c++) teacher_targets[r * p->cols + c] = p->scratch[r * size + c];
    return status;
}

static aenc_status teach_rows(const struct row_transform *p, const struct batch *x, float *out) {
    const struct batch rows = aenc_batch_for(p->model, p->from, x);
    aenc_status status = AENC_OK;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += PIECE_ROWS) {
        const struct batch piece = aenc_batch_piece(&rows, first, PIECE_ROWS);
        float *at = out + first * p->cols;
        status = ask(p, TASK_RECONSTRUCT, &piece, p->model->output_size, at);
        if (status == AENC_OK) status = ask(p, TASK_ENCODE, &piece, p->model->code_size, at + p->model->output_size);
    }
    return status;
}

/* The sum of the squared distances of the codes from the teacher's, x's field `code`; codes has room for a piece. */
static aenc_status code_distance(struct aenc_model *student, const struct batch *x, float *codes, double *sum) {
    int64_t size = student->code_size;
    aenc_status status = aenc_model_infer(student, TASK_ENCODE, x, codes);
    for (int64_t i = 0; i < x->count * size && status == AENC_OK; i++) {
        double d = (double)codes[i] - aenc_batch_raw(x, FIELD_CODE, i / size, i % size);
        *sum += d * d;
    }
    return status;
}

/* How far the student is from what it was taught, over rows in memory. */
static aenc_status measure(struct aenc_model *student, const struct row_transform *p, const struct batch *x,
                           const aenc_distill_options *options) {
    float *answers = aenc_alloc_raw(student->ctx, PIECE_ROWS * sizeof *answers, (size_t)p->cols);
    double output = 0, distance = 0, loss = 0;
    bool codes = options->code_loss != NULL && student->code_size == p->model->code_size;
    aenc_status status = answers == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += PIECE_ROWS) {
        struct batch piece = aenc_batch_piece(x, first, PIECE_ROWS);
        status = teach_rows(p, &piece, answers);
        piece.column[FIELD_WEIGHT].data = NULL;
        piece.column[FIELD_TARGET] = (struct column){.data = answers, .stride = p->cols, .dense = true};
        piece.column[FIELD_CODE] = (struct column){.data = answers + p->outputs, .stride = p->cols, .dense = true};
        if (status == AENC_OK) status = aenc_train_evaluate(student, &piece, &loss);
        if (status == AENC_OK && codes) status = code_distance(student, &piece, p->scratch, &distance);
        output += loss * (double)piece.count;
    }
    aenc_release(student->ctx, answers);
    double rows = (double)x->count; /* 0 of a stream: NaN */
    if (status == AENC_ERR_CANCELLED) {
        if (student->stopped == AENC_STOPPED_END) student->stopped = aenc_stop_reason(student);
        rows = NAN;
        status = AENC_OK;
    }
    if (options->output_loss != NULL) *options->output_loss = output / rows;
    if (options->code_loss != NULL)
        *options->code_loss = codes ? distance / (rows * (double)student->code_size) : (double)NAN;
    return status;
}

/* From here on the student's tasks compare with teacher_targets; weights NULL: with targets again. */
static void teach(struct aenc_model *student, const double *weights) {
    aenc_model_forget_tasks(student);
    student->taught = weights;
}

aenc_status aenc_train_distill(struct aenc_model *student, struct aenc_model *teacher, const struct fit_data *x,
                               const aenc_distill_options *options, const aenc_fit_options *fit) {
    int64_t outputs = teacher->output_size, codes = teacher->code_size;
    struct row_transform p = {
        .apply = teach_rows, .from = student, .model = teacher, .cols = outputs + codes, .outputs = outputs};
    struct fit_data data = *x;
    data.transform = &p;
    aenc_fit_data_targetless(&data);
    p.scratch =
        aenc_alloc_raw(student->ctx, PIECE_ROWS * sizeof *p.scratch, (size_t)(outputs > codes ? outputs : codes));
    if (p.scratch == NULL) return AENC_ERR_NO_MEMORY;
    const double weights[2] = {options->output_weight, options->code_weight};
    teach(student, weights);
    aenc_status status = aenc_train_fit(student, &data, fit);
    teach(student, NULL);
    if (status == AENC_OK && (options->output_loss != NULL || options->code_loss != NULL))
        status = measure(student, &p, &data.rows, options);
    aenc_release(student->ctx, p.scratch);
    return status;
}
