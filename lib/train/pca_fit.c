/* pca_fit.c - one pass over rows in memory or from a stream, and the model that comes of it.
 *
 * Everything is allocated before the first row is read. A cancel ends the pass, and the model is as it was: a PCA of
 * the rows that happened to come first is not what was asked for.
 */
#include <math.h>

#include "io/message_text.h"
#include "train/pca_training.h"

/* ---- Rows in ---- */

static aenc_status take(struct pca_work *work, const struct rows *rows, int64_t cols, bool unchecked, uint64_t first) {
    aenc_context *ctx = work->moments.ctx;
    aenc_status status = AENC_OK;
    if (unchecked) status = aenc_rows_check(ctx, (struct row_names){"source", first}, rows, cols, aenc_finite_rule());
    if (status == AENC_OK && !aenc_moments_add(&work->moments, &work->spectrum, rows->data, rows->stride, rows->count))
        status = aenc_fail(ctx, AENC_ERR_INTERNAL, "pca: the eigenvalues did not converge");
    return status;
}

static bool cancelled(const struct aenc_model *model) { return model != NULL && aenc_model_cancelled(model); }

static aenc_status feed_memory(struct pca_work *work, const struct fit_data *data, const struct aenc_model *model) {
    int64_t piece = work->moments.block, cols = work->moments.cols;
    aenc_status status = AENC_OK;
    for (int64_t r = 0; r < data->input.count && status == AENC_OK && !cancelled(model); r += piece) {
        struct rows rows = aenc_rows_piece(&data->input, r, piece);
        status = take(work, &rows, cols, data->unchecked, (uint64_t)r);
    }
    return status;
}

static aenc_status weights_check(aenc_context *ctx, const struct stream_batch *batch) {
    for (int64_t r = 0; r < batch->count; r++)
        if (batch->weight[r] != 1)
            return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "source.weight%s is %s; a PCA takes rows as equals",
                             aenc_at((size_t)batch->first + (size_t)r).text, aenc_shown_float(batch->weight[r]).text);
    return AENC_OK;
}

/* One pass: it has ended where the next batch begins another. */
static aenc_status feed_stream(struct pca_work *work, const struct fit_data *data, const struct aenc_model *model) {
    const struct aenc_source *source = data->stream;
    struct stream stream;
    struct stream_batch *batch = NULL;
    int64_t piece = work->moments.block;
    uint64_t rows = source->call.rows, done = 0;
    int64_t batches = rows == 0 ? INT64_MAX : (int64_t)((rows + (uint64_t)piece - 1) / (uint64_t)piece);
    aenc_status status = aenc_stream_open(source, (struct stream_want){piece, 1, batches}, 0, &stream);
    while (status == AENC_OK && !cancelled(model) && (rows == 0 || done < rows)) {
        status = aenc_stream_next(&stream, &batch);
        if (status != AENC_OK || batch->count == 0 || (done > 0 && batch->first == 0)) break;
        status = weights_check(source->ctx, batch);
        const struct rows in = {batch->input, source->cols, batch->count, NULL};
        if (status == AENC_OK) status = take(work, &in, source->cols, true, batch->first);
        done += (uint64_t)batch->count;
        if (batch->after == 0) break;
    }
    aenc_stream_close(&stream);
    return status;
}

static aenc_status feed(struct pca_work *work, const struct fit_data *data, const struct aenc_model *model) {
    return data->stream != NULL ? feed_stream(work, data, model) : feed_memory(work, data, model);
}

/* ---- What they allow ---- */

static aenc_status enough(const struct pca_work *work, int64_t components) {
    const struct moments *m = &work->moments;
    double most = m->rows < (double)m->cols ? m->rows : (double)m->cols;
    if (m->rows < 2)
        return aenc_fail(m->ctx, AENC_ERR_SHAPE, "pca: there are %lld rows; variance takes at least 2",
                         (long long)m->rows);
    if ((double)components <= most) return AENC_OK;
    return aenc_fail(m->ctx, AENC_ERR_SHAPE,
                     "pca: %lld components are asked for, but %lld rows of %lld columns have %lld",
                     (long long)components, (long long)m->rows, (long long)m->cols, (long long)most);
}

/* As many as asked for, or as it takes to explain the share. */
static aenc_status components_find(const struct pca_work *work, const struct pca_request *request, int64_t *out) {
    const struct moments *m = &work->moments;
    const double rounding = 1 - 1e-12;
    double sum = 0;
    *out = request->components;
    if (*out > 0) return AENC_OK;
    if (!(request->share > 0)) {
        *out = m->rows < (double)m->cols ? (int64_t)m->rows : m->cols;
        return AENC_OK;
    }
    if (!(m->total > 0))
        return aenc_fail(m->ctx, AENC_ERR_ARGUMENT, "pca: all rows are equal: there is no variance to explain %s of",
                         aenc_shown(request->share).text);
    while (*out < work->spectrum.count && work->spectrum.values[*out] > 0 && sum < rounding * request->share * m->total)
        sum += work->spectrum.values[(*out)++];
    return AENC_OK;
}

static aenc_status directions_alloc(struct pca_work *work, int64_t components) {
    work->directions =
        aenc_alloc_raw(work->moments.ctx, (size_t)components, (size_t)work->moments.cols * sizeof(double));
    return work->directions == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

static uint64_t rows_stated(const struct fit_data *data) {
    return data->stream != NULL ? data->stream->call.rows : (uint64_t)data->input.count;
}

static aenc_status work_create(aenc_context *ctx, const struct pca_request *request, int64_t cols,
                               const struct fit_data *data, struct pca_work *work) {
    *work = (struct pca_work){.directions = NULL};
    aenc_status status = aenc_pca_moments(ctx, request, cols, rows_stated(data), &work->moments);
    if (status == AENC_OK) status = aenc_spectrum_create(&work->moments, &work->spectrum);
    return status;
}

/* ---- The three fits ---- */

aenc_status aenc_pca_make(aenc_context *ctx, const struct pca_request *request, int64_t cols,
                          const struct fit_data *data, struct aenc_model **out) {
    struct pca_work work;
    struct aenc_model *model = NULL;
    int64_t components = 0;
    aenc_status status = work_create(ctx, request, cols, data, &work);
    if (status == AENC_OK) status = feed(&work, data, NULL);
    if (status == AENC_OK) status = enough(&work, request->components);
    if (status == AENC_OK) status = aenc_pca_solve(&work);
    if (status == AENC_OK) status = components_find(&work, request, &components);
    if (status == AENC_OK) status = directions_alloc(&work, components);
    if (status == AENC_OK) status = aenc_pca_model(ctx, cols, components, request, &model);
    if (status == AENC_OK) status = aenc_pca_write(model, &work);
    aenc_pca_work_free(&work);
    if (status == AENC_OK)
        *out = model;
    else
        aenc_model_release(model);
    return status;
}

aenc_status aenc_pca_fit(struct aenc_model *model, const struct fit_data *data) {
    struct pca_work work;
    const struct pca_request request = aenc_pca_request(model);
    aenc_status status = work_create(model->ctx, &request, model->input_size, data, &work);
    if (status == AENC_OK) status = directions_alloc(&work, request.components);
    if (status == AENC_OK) status = feed(&work, data, model);
    bool ended = status == AENC_OK && !cancelled(model);
    model->stopped = ended ? AENC_STOPPED_END : AENC_STOPPED_CANCEL;
    if (ended) status = enough(&work, request.components);
    if (ended && status == AENC_OK) status = aenc_pca_solve(&work);
    if (ended && status == AENC_OK) status = aenc_pca_write(model, &work);
    if (ended && status == AENC_OK) aenc_pca_forget(model);
    aenc_pca_work_free(&work);
    return status;
}

/* The model's moments, begun where it stands if there are none. */
static aenc_status moments_of(struct aenc_model *model, const struct pca_request *request, struct pca_work *work) {
    if (model->moments != NULL) return AENC_OK;
    struct moments *fresh = aenc_alloc(model->ctx, 1, sizeof *fresh);
    if (fresh == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = aenc_pca_moments(model->ctx, request, model->input_size, 0, fresh);
    if (status == AENC_OK) {
        aenc_pca_resume(model, fresh, work->directions);
        model->moments = fresh;
    } else
        aenc_release(model->ctx, fresh);
    return status;
}

aenc_status aenc_pca_partial(struct aenc_model *model, const struct fit_data *data) {
    const struct pca_request request = aenc_pca_request(model);
    struct pca_work work = {.moments = {.ctx = model->ctx, .cols = model->input_size}};
    aenc_status status = directions_alloc(&work, request.components);
    if (status == AENC_OK) status = moments_of(model, &request, &work);
    if (status == AENC_OK) status = aenc_spectrum_create(model->moments, &work.spectrum);
    if (status == AENC_OK) status = aenc_store_own(&model->store);
    struct moments grown;
    if (status == AENC_OK) status = aenc_moments_copy(model->moments, &grown);
    if (status == AENC_OK) {
        work.moments = grown;
        status = feed(&work, data, model);
        bool ended = status == AENC_OK && !cancelled(model);
        model->stopped = ended ? AENC_STOPPED_END : AENC_STOPPED_CANCEL;
        if (ended) status = aenc_pca_solve(&work);
        if (ended && status == AENC_OK) status = aenc_pca_write(model, &work);
        struct moments gone = ended && status == AENC_OK ? *model->moments : work.moments;
        if (ended && status == AENC_OK) *model->moments = work.moments;
        aenc_moments_free(&gone);
    }
    aenc_release(model->ctx, work.directions);
    aenc_spectrum_free(&work.spectrum);
    return status;
}
