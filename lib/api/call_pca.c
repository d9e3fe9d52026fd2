/* call_pca.c - principal components, and the angles between what two encoders span. */
#include "train/pca_training.h"

#include "api/api.h"
#include "io/message_text.h"

/* ---- Making ---- */

static aenc_status request_read(aenc_context *ctx, const aenc_pca_options *options, struct pca_request *out,
                                struct reported *to, size_t *cols) {
    aenc_pca_options o;
    aenc_status status = aenc_options_read(ctx, "aenc_pca_options", options, sizeof o, &o);
    if (status != AENC_OK) return status;
    if (o.components < 0 || o.components > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pca_options.components is %lld; it is from 0 to %d",
                         (long long)o.components, INT32_MAX);
    if (!(o.share >= 0 && o.share <= 1))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pca_options.share is %s; it is from 0 to 1",
                         aenc_shown(o.share).text);
    if (o.components > 0 && o.share > 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pca_options has both components %lld and share %s",
                         (long long)o.components, aenc_shown(o.share).text);
    if (o.whiten != 0 && o.whiten != 1)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pca_options.whiten is %lld; 0 or 1", (long long)o.whiten);
    *out =
        (struct pca_request){.method = o.method, .components = o.components, .share = o.share, .whiten = o.whiten == 1};
    *to = (struct reported){"aenc_pca_options.progress", o.progress, o.progress_user};
    *cols = o.cols;
    return AENC_OK;
}

/* One that has seen no rows. */
static aenc_status make_empty(aenc_context *ctx, const struct pca_request *request, size_t cols, aenc_model **out) {
    struct moments moments;
    if (cols == 0 || cols > INT32_MAX || request->components == 0 || (size_t)request->components > cols)
        return aenc_fail(
            ctx, AENC_ERR_ARGUMENT,
            "aenc_pca_create: x is NULL; then aenc_pca_options.cols (%zu) and components (%lld), at most as "
            "many, are needed",
            cols, (long long)request->components);
    aenc_status status = aenc_pca_moments(ctx, request, 1, 0, &moments); /* for its look at the method */
    aenc_moments_free(&moments);
    return status == AENC_OK ? aenc_pca_model(ctx, (int64_t)cols, request->components, request, out) : status;
}

static aenc_status pca_create(aenc_context *ctx, const aenc_matrix *x, const aenc_pca_options *options,
                              aenc_model **out) {
    struct pca_request request;
    struct reported to;
    size_t cols;
    aenc_status status = request_read(ctx, options, &request, &to, &cols);
    if (status == AENC_OK && x == NULL) return make_empty(ctx, &request, cols, out);
    if (status == AENC_OK) status = aenc_matrix_check(ctx, "x", x, cols == 0 ? x->cols : cols);
    if (status != AENC_OK) return status;
    const struct fit_data data = {.rows = aenc_batch_from(x, NULL)};
    return aenc_pca_make(ctx, &request, (int64_t)x->cols, &data, &to, out);
}

aenc_status aenc_pca_create(aenc_context *ctx, const aenc_matrix *x, const aenc_pca_options *options,
                            aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_pca_create", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_pca_create", CALL_REPORTS);
    if (status == AENC_OK) status = pca_create(ctx, x, options, out);
    return aenc_call_end(&call, status);
}

static aenc_status pca_create_source(aenc_context *ctx, aenc_source *source, const aenc_pca_options *options,
                                     aenc_model **out) {
    struct pca_request request;
    struct reported to;
    size_t cols;
    if (source == NULL) return aenc_null(ctx, "aenc_pca_create_source", "source");
    if (source->ctx != ctx)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_pca_create_source: source belongs to another context");
    aenc_status status = request_read(ctx, options, &request, &to, &cols);
    size_t given = aenc_source_cols(source);
    if (status == AENC_OK && cols != 0 && cols != given)
        status =
            aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_pca_options.cols is %zu; the source has %zu columns", cols, given);
    if (status != AENC_OK) return status;
    const struct fit_data data = aenc_source_data(source, NULL);
    return aenc_pca_make(ctx, &request, (int64_t)given, &data, &to, out);
}

aenc_status aenc_pca_create_source(aenc_context *ctx, aenc_source *source, const aenc_pca_options *options,
                                   aenc_model **out) {
    struct call call = {.held = {.ctx = ctx, .source = source}};
    if (out == NULL) return aenc_null(ctx, "aenc_pca_create_source", "out");
    *out = NULL;
    if (ctx == NULL) return aenc_null(source == NULL ? NULL : source->ctx, "aenc_pca_create_source", "ctx");
    aenc_status status = aenc_call_begin(&call, "aenc_pca_create_source", CALL_TRAINS);
    if (status == AENC_OK) status = pca_create_source(ctx, source, options, out);
    return aenc_call_end(&call, status);
}

/* ---- Fitting anew ---- */

aenc_status aenc_pca_fit_check(aenc_model *model) {
    for (size_t i = 0; i < model->store.entry_count; i++)
        if (model->store.entry[i].frozen)
            return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "'%s' is frozen, but a PCA is fitted as a whole",
                             model->store.entry[i].name);
    return AENC_OK;
}

/* ---- Angles ---- */

static aenc_status angles_check(aenc_context *ctx, const char *call, size_t a_cols, size_t b_cols, size_t angles,
                                const double *out, size_t count) {
    if (out == NULL) return aenc_null(ctx, call, "out");
    if (a_cols != b_cols)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: a has %zu columns and b has %zu", call, a_cols, b_cols);
    if (count >= angles) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: out has room for %zu angles; there are %zu", call, count, angles);
}

static size_t lesser(size_t a, size_t b) { return a < b ? a : b; }

static aenc_status subspace_angles(aenc_context *ctx, aenc_model *a, aenc_model *b, double *out, size_t count) {
    double *first = NULL, *second = NULL;
    if (a == NULL || b == NULL) return aenc_null(ctx, "aenc_subspace_angles", a == NULL ? "a" : "b");
    if (a->ctx != ctx || b->ctx != ctx)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_subspace_angles: %s belongs to another context",
                         a->ctx != ctx ? "a" : "b");
    aenc_status status = angles_check(ctx, "aenc_subspace_angles", (size_t)a->input_size, (size_t)b->input_size,
                                      lesser((size_t)a->code_size, (size_t)b->code_size), out, count);
    if (status == AENC_OK) status = aenc_linear_encoder(a, "a", &first);
    if (status == AENC_OK) status = aenc_linear_encoder(b, "b", &second);
    if (status == AENC_OK)
        status = aenc_subspace_compare(ctx, first, a->code_size, second, b->code_size, a->input_size, out);
    aenc_release(ctx, first);
    aenc_release(ctx, second);
    return status;
}

aenc_status aenc_subspace_angles(aenc_context *ctx, aenc_model *a, aenc_model *b, double *out, size_t count) {
    struct call call = {.held = {.ctx = ctx, .model = a, .other = b}};
    aenc_context *other = a != NULL ? a->ctx : b != NULL ? b->ctx : NULL;
    if (ctx == NULL) return aenc_null(other, "aenc_subspace_angles", "ctx");
    aenc_status status = aenc_call_begin(&call, "aenc_subspace_angles", CALL_READS);
    if (status == AENC_OK) status = subspace_angles(ctx, a, b, out, count);
    return aenc_call_end(&call, status);
}

static double *in_double(aenc_context *ctx, const aenc_matrix *m) {
    size_t stride = m->stride == 0 ? m->cols : m->stride;
    double *out = aenc_alloc(ctx, m->rows, m->cols * sizeof *out);
    for (size_t i = 0; out != NULL && i < m->rows * m->cols; i++)
        out[i] = (double)m->data[i / m->cols * stride + i % m->cols];
    return out;
}

static aenc_status matrix_angles(aenc_context *ctx, const aenc_matrix *a, const aenc_matrix *b, double *out,
                                 size_t count) {
    if (a == NULL || b == NULL) return aenc_null(ctx, "aenc_matrix_angles", a == NULL ? "a" : "b");
    aenc_status status = aenc_matrix_check(ctx, "a", a, a->cols);
    if (status == AENC_OK) status = aenc_matrix_check(ctx, "b", b, b->cols);
    if (status == AENC_OK)
        status = angles_check(ctx, "aenc_matrix_angles", a->cols, b->cols, lesser(a->rows, b->rows), out, count);
    if (status != AENC_OK) return status;
    double *first = in_double(ctx, a), *second = first == NULL ? NULL : in_double(ctx, b);
    status = second == NULL
                 ? AENC_ERR_NO_MEMORY
                 : aenc_subspace_compare(ctx, first, (int64_t)a->rows, second, (int64_t)b->rows, (int64_t)a->cols, out);
    aenc_release(ctx, first);
    aenc_release(ctx, second);
    return status;
}

aenc_status aenc_matrix_angles(aenc_context *ctx, const aenc_matrix *a, const aenc_matrix *b, double *out,
                               size_t count) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_matrix_angles", CALL_READS);
    if (status == AENC_OK) status = matrix_angles(ctx, a, b, out, count);
    return aenc_call_end(&call, status);
}
