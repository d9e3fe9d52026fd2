/* infer.c - rows through a task, chunk by chunk. */
#include "io/message_text.h"
#include "model/model.h"

struct inference {
    const struct task *task;
    const struct rows *x, *target;
    float *out;
    int64_t row_size; /* of the result */
};

struct rows aenc_rows_of(const aenc_matrix *matrix) {
    struct rows rows = {NULL, 0, 0, NULL};
    if (matrix == NULL) return rows;
    size_t stride = matrix->stride == 0 ? matrix->cols : matrix->stride;
    rows.data = matrix->data;
    rows.stride = (int64_t)stride;
    rows.count = (int64_t)matrix->rows;
    return rows;
}

struct rows aenc_rows_piece(const struct rows *rows, int64_t first, int64_t most) {
    struct rows piece = *rows;
    if (piece.row != NULL)
        piece.row += first;
    else if (piece.data != NULL)
        piece.data += first * piece.stride;
    piece.count = piece.count - first < most ? piece.count - first : most;
    return piece;
}

static void bind(struct run *run, size_t field, const struct rows *rows, int64_t first) {
    struct binding *binding = &run->binding[field];
    binding->type = VALUE_F32;
    binding->source = rows->row != NULL ? rows->data : rows->data + first * rows->stride;
    binding->stride = rows->stride;
    binding->row = rows->row != NULL ? rows->row + first : NULL;
}

void aenc_infer_chunk(const struct task *task, struct run *run, const struct rows *x, const struct rows *target,
                      struct span chunk, float *out) {
    int64_t rows = chunk.hi - chunk.lo, numbers = rows * aenc_node_row_size(task->result);
    bind(run, 0, x, chunk.lo);
    if (task->own_target) bind(run, 1, target, chunk.lo);
    run->live[0] = rows;
    run->first_row = chunk.lo;
    run->weight_total = (double)rows;
    aenc_run_replay(run, NULL);
    const num *value = aenc_value(run, task->result);
    for (int64_t i = 0; i < numbers; i++) out[i] = (float)value[i];
}

static void chunk_task(void *user, int64_t index, int worker) {
    const struct inference *work = user;
    int64_t first = index * INFER_ROWS, last = first + INFER_ROWS;
    struct span chunk = {first, last < work->x->count ? last : work->x->count};
    aenc_infer_chunk(work->task, &work->task->run[worker], work->x, work->target, chunk,
                     work->out + first * work->row_size);
}

aenc_status aenc_model_infer(struct aenc_model *model, enum task_kind kind, const struct rows *x,
                             const struct rows *target, float *out) {
    struct task *task;
    bool own_target = target != NULL && target->data != NULL;
    aenc_status status = aenc_task_prepare(model, kind, own_target, x->count, &task);
    if (status != AENC_OK) return status;
    struct inference work = {task, x, target, out, aenc_node_row_size(task->result)};
    aenc_pool_run(model->ctx->pool, (x->count + INFER_ROWS - 1) / INFER_ROWS, chunk_task, &work);
    return AENC_OK;
}

aenc_status aenc_model_denoising_score(struct aenc_model *model, const struct rows *x, double sigma, float *out) {
    aenc_status status = aenc_model_infer(model, TASK_RECONSTRUCT, x, NULL, out);
    double scale = 1 / (sigma * sigma);
    for (int64_t r = 0; r < x->count && status == AENC_OK; r++) {
        const float *row = x->data + (x->row != NULL ? x->row[r] : r) * x->stride;
        for (int64_t i = 0; i < model->input_size; i++, out++) *out = (float)(((double)*out - (double)row[i]) * scale);
    }
    return status;
}
