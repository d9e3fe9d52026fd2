/* pca_fit.c - one pass over rows in memory or from a stream, and the model that comes of it.
 *
 * Everything is allocated before the first row is read. A cancel ends the pass, and the model is as it was: a PCA of
 * the rows that happened to come first is not what was asked for.
 */

#include "io/message_text.h"
#include "train/pca_training.h"
#include "train/training.h"

/* ---- Rows in ---- */

/* The inputs of at most work->moments.block rows, in order. */
static aenc_status take(struct pca_work *work, const struct batch *rows, bool unchecked, uint64_t first) {
    aenc_context *ctx = work->moments.ctx;
    const struct field_spec spec = {.name = "input", .size = work->moments.cols, .rule = FIELD_NUMBER};
    const struct column *column = &rows->column[FIELD_INPUT];
    const float *values = column->data;
    float *converted = NULL;
    aenc_status status = AENC_OK;
    if (unchecked)
        status = aenc_column_check(ctx, (struct column_names){"source", first, NULL}, rows, FIELD_INPUT, &spec);
    if (status == AENC_OK && column->type != VALUE_F32) {
        values = converted = aenc_alloc_raw(ctx, (size_t)rows->count, (size_t)spec.size * sizeof *converted);
        if (converted == NULL) return AENC_ERR_NO_MEMORY;
        for (int64_t r = 0; r < rows->count; r++)
            (void)aenc_batch_floats(rows, FIELD_INPUT, &spec, r, converted + r * spec.size);
    }
    int64_t stride = converted != NULL ? spec.size : column->stride;
    if (status == AENC_OK && !aenc_moments_add(&work->moments, &work->spectrum, values, stride, rows->count))
        status = aenc_fail(ctx, AENC_ERR_INTERNAL, "pca: the eigenvalues did not converge");
    aenc_release(ctx, converted);
    return status;
}

/* Whether the pass over the rows is to end; model: NULL where one is being made. */
static bool halted(struct pca_work *work, const struct aenc_model *model) {
    bool now = model != NULL ? aenc_model_cancelled(model) : aenc_context_cancelled(work->moments.ctx);
    if (now) work->stopped = AENC_STOPPED_CANCEL;
    return work->stopped != 0;
}

static aenc_status weights_check(aenc_context *ctx, const struct batch *batch, uint64_t first) {
    for (int64_t r = 0; r < batch->count && aenc_batch_has(batch, FIELD_WEIGHT); r++) {
        double weight = aenc_batch_raw(batch, FIELD_WEIGHT, r, 0);
        if (weight != 1)
            return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "source.weight%s is %s; a PCA takes rows as equals",
                             aenc_at((size_t)first + (size_t)r).text, aenc_shown_float((float)weight).text);
    }
    return AENC_OK;
}

/* Behind each piece of rows. */
static aenc_status report(struct pca_work *work) {
    aenc_status status = aenc_report_step(&work->report);
    if (work->report.stopped) work->stopped = AENC_STOPPED_CALLBACK;
    return status;
}

static aenc_status feed_memory(struct pca_work *work, const struct fit_data *data, const struct aenc_model *model) {
    int64_t piece = work->moments.block;
    aenc_status status = AENC_OK;
    work->report.now.steps = (data->rows.count + piece - 1) / piece;
    for (int64_t r = 0; r < data->rows.count && status == AENC_OK && !halted(work, model); r += piece) {
        const struct batch rows = aenc_batch_piece(&data->rows, r, piece);
        status = weights_check(work->moments.ctx, &rows, (uint64_t)r);
        if (status == AENC_OK) status = take(work, &rows, data->unchecked, (uint64_t)r);
        if (status == AENC_OK) status = report(work);
    }
    return status;
}

/* One pass: it has ended where the next batch begins another. */
static aenc_status feed_stream(struct pca_work *work, const struct fit_data *data, const struct aenc_model *model) {
    const struct aenc_source *source = data->stream;
    struct stream stream;
    struct stream_batch *batch = NULL;
    int64_t piece = work->moments.block;
    uint64_t rows = source->call.rows, done = 0;
    int64_t batches = rows == 0 ? INT64_MAX : (int64_t)((rows + (uint64_t)piece - 1) / (uint64_t)piece);
    work->report.now.steps = rows == 0 ? 0 : batches;
    aenc_status status = aenc_stream_open(source, (struct stream_want){piece, 1, batches, NULL, true}, 0, &stream);
    while (status == AENC_OK && (rows == 0 || done < rows) && !halted(work, model)) {
        status = aenc_stream_next(&stream, &batch);
        if (stream.stopped) work->stopped = AENC_STOPPED_CALLBACK;
        if (status != AENC_OK || batch->count == 0 || (done > 0 && batch->first == 0)) break;
        const struct batch in = aenc_stream_rows(&stream, batch, data->stream_field);
        status = weights_check(source->ctx, &in, batch->first);
        if (status == AENC_OK) status = take(work, &in, true, batch->first);
        if (status == AENC_OK) status = report(work);
        done += (uint64_t)batch->count;
        if (batch->after == 0) break;
    }
    aenc_stream_close(&stream);
    return status;
}

static aenc_status feed(struct pca_work *work, const struct fit_data *data, const struct aenc_model *model) {
    aenc_status status = data->stream != NULL ? feed_stream(work, data, model) : feed_memory(work, data, model);
    (void)halted(work, model); /* also among the last rows */
    return status;
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
    return data->stream != NULL ? data->stream->call.rows : (uint64_t)data->rows.count;
}

static aenc_status work_create(aenc_context *ctx, const struct pca_request *request, int64_t cols,
                               const struct fit_data *data, const struct reported *to, struct pca_work *work) {
    *work = (struct pca_work){.directions = NULL};
    aenc_report_begin(ctx, to, 0, &work->report);
    aenc_status status = aenc_pca_moments(ctx, request, cols, rows_stated(data), &work->moments);
    if (status == AENC_OK) status = aenc_spectrum_create(&work->moments, &work->spectrum);
    return status;
}

/* ---- The three fits ---- */

aenc_status aenc_pca_make(aenc_context *ctx, const struct pca_request *request, int64_t cols,
                          const struct fit_data *data, const struct reported *to, struct aenc_model **out) {
    struct pca_work work;
    struct aenc_model *model = NULL;
    int64_t components = 0;
    aenc_status status = work_create(ctx, request, cols, data, to, &work);
    if (status == AENC_OK) status = feed(&work, data, NULL);
    if (status == AENC_OK && work.stopped == AENC_STOPPED_CANCEL) status = aenc_ended(ctx, "aenc_context_cancel");
    if (status == AENC_OK && work.stopped == AENC_STOPPED_CALLBACK)
        status = aenc_ended(ctx, work.report.stopped ? to->name : "the source");
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

static struct reported reported_of(const aenc_fit_options *o) {
    return (struct reported){"aenc_fit_options.progress", o->progress, o->progress_user};
}

aenc_status aenc_pca_fit(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *o) {
    struct pca_work work;
    const struct pca_request request = aenc_pca_request(model);
    const struct reported to = reported_of(o);
    aenc_status status = work_create(model->ctx, &request, model->input_size, data, &to, &work);
    if (status == AENC_OK) status = directions_alloc(&work, request.components);
    if (status == AENC_OK) status = feed(&work, data, model);
    bool ended = status == AENC_OK && work.stopped == 0;
    model->stopped = ended ? AENC_STOPPED_END : work.stopped;
    if (ended) status = enough(&work, request.components);
    if (ended && status == AENC_OK) status = aenc_pca_solve(&work);
    if (ended && status == AENC_OK) status = aenc_pca_write(model, &work);
    if (ended && status == AENC_OK) aenc_pca_forget(model);
    aenc_pca_work_free(&work);
    return status;
}

/* The model's moments, begun where it stands if there are none. */
static aenc_status moments_of(struct aenc_model *model, const struct pca_request *request, struct pca_work *work) {
    struct training *training = aenc_training(model);
    if (training == NULL) return AENC_ERR_NO_MEMORY;
    if (training->moments != NULL) return AENC_OK;
    struct moments *fresh = aenc_alloc(model->ctx, 1, sizeof *fresh);
    if (fresh == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = aenc_pca_moments(model->ctx, request, model->input_size, 0, fresh);
    if (status == AENC_OK) {
        aenc_pca_resume(model, fresh, work->directions);
        training->moments = fresh;
    } else
        aenc_release(model->ctx, fresh);
    return status;
}

aenc_status aenc_pca_partial(struct aenc_model *model, const struct fit_data *data, const aenc_fit_options *o) {
    const struct pca_request request = aenc_pca_request(model);
    struct pca_work work = {.moments = {.ctx = model->ctx, .cols = model->input_size}};
    const struct reported to = reported_of(o);
    aenc_report_begin(model->ctx, &to, 0, &work.report);
    aenc_status status = directions_alloc(&work, request.components);
    if (status == AENC_OK) status = moments_of(model, &request, &work);
    if (status == AENC_OK) status = aenc_spectrum_create(model->training->moments, &work.spectrum);
    if (status == AENC_OK) status = aenc_store_own(&model->store);
    struct moments grown;
    if (status == AENC_OK) status = aenc_moments_copy(model->ctx, model->training->moments, &grown);
    if (status == AENC_OK) {
        work.moments = grown;
        status = feed(&work, data, model);
        bool ended = status == AENC_OK && work.stopped == 0;
        model->stopped = ended ? AENC_STOPPED_END : work.stopped;
        if (ended) status = aenc_pca_solve(&work);
        if (ended && status == AENC_OK) status = aenc_pca_write(model, &work);
        struct moments *kept = model->training->moments, gone = ended && status == AENC_OK ? *kept : work.moments;
        if (ended && status == AENC_OK) *kept = work.moments;
        aenc_moments_free(&gone);
    }
    aenc_release(model->ctx, work.directions);
    aenc_spectrum_free(&work.spectrum);
    return status;
}

void aenc_pca_forget(struct aenc_model *model) {
    struct moments *moments = model->training == NULL ? NULL : model->training->moments;
    if (moments == NULL) return;
    aenc_moments_free(moments);
    aenc_release(model->ctx, moments);
    model->training->moments = NULL;
}
