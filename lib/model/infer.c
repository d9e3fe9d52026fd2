/* infer.c - rows through a journey, chunk by chunk. */
#include "model/model.h"

struct inference {
    const struct journey *journey;
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

static void bind(struct run *run, size_t field, const struct rows *rows, int64_t first) {
    struct binding *binding = &run->binding[field];
    binding->source = rows->row != NULL ? rows->data : rows->data + first * rows->stride;
    binding->stride = rows->stride;
    binding->row = rows->row != NULL ? rows->row + first : NULL;
}

static void chunk_task(void *user, int64_t index, int worker) {
    const struct inference *work = user;
    struct run *run = &work->journey->run[worker];
    int64_t first = index * INFER_ROWS;
    int64_t rows = work->x->count - first < INFER_ROWS ? work->x->count - first : INFER_ROWS;
    bind(run, 0, work->x, first);
    if (work->journey->own_target) bind(run, 1, work->target, first);
    run->live[0] = rows;
    run->first_row = first;
    run->weight_total = (double)rows;
    aenc_run_replay(run, NULL);
    const num *value = aenc_value(run, work->journey->result);
    float *out = work->out + first * work->row_size;
    for (int64_t i = 0; i < rows * work->row_size; i++) out[i] = (float)value[i];
}

aenc_status aenc_model_infer(struct aenc_model *model, enum journey_kind kind, const struct rows *x,
                             const struct rows *target, float *out) {
    struct journey *journey;
    bool own_target = target != NULL && target->data != NULL;
    aenc_status status = aenc_journey_prepare(model, kind, own_target, INFER_ROWS, &journey);
    if (status != AENC_OK) return status;
    struct inference work = {journey, x, target, out, aenc_node_row_size(journey->result)};
    aenc_pool_run(model->ctx->pool, (x->count + INFER_ROWS - 1) / INFER_ROWS, chunk_task, &work);
    return AENC_OK;
}
