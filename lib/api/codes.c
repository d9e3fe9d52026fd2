/* codes.c - interpolation, neighbours, groups, probes and curves: validate, call, translate. */
#include "use/codes.h"

#include <math.h>
#include <string.h>

#include "api/api.h"
#include "io/message_text.h"

/* ---- What they share ---- */

static aenc_status rows_check(aenc_context *ctx, const char *name, const aenc_matrix *m, size_t rows) {
    if (m->rows == rows) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_SHAPE, "%s has %zu rows; %zu are needed", name, m->rows, rows);
}

/* Room for rows * steps rows of cols floats. */
static aenc_status steps_check(aenc_context *ctx, const char *call, size_t rows, size_t steps, size_t cols,
                               const float *out, size_t floats) {
    size_t all;
    if (steps < 2 || steps > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: steps is %zu; it is from 2 to %d", call, steps, INT32_MAX);
    if (!aenc_size_multiply(rows, steps, &all) || all > INT64_MAX / 2)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: %zu rows of %zu steps are more than memory can address", call, rows,
                         steps);
    return aenc_room_check(ctx, call, out, floats, all, cols);
}

/* 0 and `usual` are the first of two. */
static aenc_status choice_check(aenc_context *ctx, const char *call, const char *name, int32_t value, int32_t usual,
                                int32_t other) {
    if (value == 0 || value == usual || value == other) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s is %d; it is 0, %d or %d", call, name, (int)value, (int)usual,
                     (int)other);
}

/* Codes from call-specific work go through the decoder: codes (rows, code) are released. */
static aenc_status decode(aenc_model *model, aenc_status status, float *codes, size_t rows, float *out) {
    struct rows all = {codes, model->code_size, (int64_t)rows, NULL};
    if (status == AENC_OK) status = aenc_model_infer_rows(model, TASK_DECODE, &all, out);
    aenc_release(model->ctx, codes);
    return status;
}

static float *code_room(aenc_model *model, size_t rows) {
    return aenc_alloc_raw(model->ctx, rows, (size_t)model->code_size * sizeof(float));
}

/* ---- Ways ---- */

static aenc_status pair_check(aenc_context *ctx, const char *call, const aenc_matrix *a, const aenc_matrix *b,
                              size_t cols, int32_t way) {
    aenc_status status = aenc_codes_check(ctx, "a", a, cols);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "b", b, a->cols);
    if (status == AENC_OK) status = rows_check(ctx, "b", b, a->rows);
    return status == AENC_OK ? choice_check(ctx, call, "way", way, AENC_INTERPOLATE_LINEAR, AENC_INTERPOLATE_SPHERICAL)
                             : status;
}

static aenc_status codes_interpolate(aenc_context *ctx, const aenc_matrix *a, const aenc_matrix *b, size_t steps,
                                     int32_t way, float *out, size_t out_floats) {
    const char *call = "aenc_codes_interpolate";
    aenc_status status = pair_check(ctx, call, a, b, 0, way);
    if (status == AENC_OK) status = steps_check(ctx, call, a->rows, steps, a->cols, out, out_floats);
    if (status != AENC_OK) return status;
    struct rows from = aenc_rows_of(a), to = aenc_rows_of(b);
    return aenc_codes_between(ctx, &from, &to, (int64_t)a->cols, (int64_t)steps, way == AENC_INTERPOLATE_SPHERICAL,
                              out);
}

aenc_status aenc_codes_interpolate(aenc_context *ctx, const aenc_matrix *a, const aenc_matrix *b, size_t steps,
                                   int32_t way, float *out, size_t out_floats) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_codes_interpolate", CALL_READS);
    if (status == AENC_OK) status = codes_interpolate(ctx, a, b, steps, way, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status interpolate(aenc_model *model, const aenc_matrix *a, const aenc_matrix *b, size_t steps, int32_t way,
                               float *out, size_t out_floats) {
    const char *call = "aenc_interpolate";
    aenc_status status = pair_check(model->ctx, call, a, b, (size_t)model->input_size, way);
    if (status == AENC_OK)
        status = steps_check(model->ctx, call, a->rows, steps, (size_t)model->output_size, out, out_floats);
    if (status != AENC_OK) return status;
    size_t rows = a->rows * steps;
    struct rows from = aenc_rows_of(a), to = aenc_rows_of(b);
    float *ends = code_room(model, 2 * a->rows), *codes = ends == NULL ? NULL : code_room(model, rows);
    status = codes == NULL ? AENC_ERR_NO_MEMORY : aenc_model_infer_rows(model, TASK_ENCODE, &from, ends);
    struct rows first = {ends, model->code_size, from.count, NULL}, second = first;
    if (status == AENC_OK) {
        second.data += from.count * model->code_size;
        status = aenc_model_infer_rows(model, TASK_ENCODE, &to, ends + from.count * model->code_size);
    }
    if (status == AENC_OK)
        status = aenc_codes_between(model->ctx, &first, &second, model->code_size, (int64_t)steps,
                                    way == AENC_INTERPOLATE_SPHERICAL, codes);
    aenc_release(model->ctx, ends);
    return decode(model, status, codes, rows, out);
}

aenc_status aenc_interpolate(aenc_model *model, const aenc_matrix *a, const aenc_matrix *b, size_t steps, int32_t way,
                             float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_interpolate", CALL_READS);
    if (status == AENC_OK) status = interpolate(model, a, b, steps, way, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status codes_combine(aenc_context *ctx, const aenc_matrix *weights, const aenc_matrix *codes, float *out,
                                 size_t out_floats) {
    aenc_status status = aenc_codes_check(ctx, "codes", codes, 0);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "weights", weights, codes->rows);
    if (status == AENC_OK)
        status = aenc_room_check(ctx, "aenc_codes_combine", out, out_floats, weights->rows, codes->cols);
    if (status != AENC_OK) return status;
    struct rows by = aenc_rows_of(weights), x = aenc_rows_of(codes);
    return aenc_codes_sum(ctx, &by, &x, (int64_t)codes->cols, out);
}

aenc_status aenc_codes_combine(aenc_context *ctx, const aenc_matrix *weights, const aenc_matrix *codes, float *out,
                               size_t out_floats) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_codes_combine", CALL_READS);
    if (status == AENC_OK) status = codes_combine(ctx, weights, codes, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status codes_attribute(aenc_context *ctx, const aenc_matrix *codes, const int32_t *labels,
                                   size_t label_count, int32_t without, int32_t with, float *out, size_t out_floats) {
    const char *call = "aenc_codes_attribute";
    aenc_status status = aenc_codes_check(ctx, "codes", codes, 0);
    if (status == AENC_OK && labels == NULL) status = aenc_null(ctx, call, "labels");
    if (status == AENC_OK) status = aenc_count_check(ctx, call, "label_count", label_count, codes->rows, 1);
    if (status == AENC_OK) status = aenc_room_check(ctx, call, out, out_floats, 1, codes->cols);
    if (status != AENC_OK) return status;
    struct rows x = aenc_rows_of(codes);
    return aenc_codes_difference(ctx, &x, (int64_t)codes->cols, labels, without, with, out);
}

aenc_status aenc_codes_attribute(aenc_context *ctx, const aenc_matrix *codes, const int32_t *labels, size_t label_count,
                                 int32_t without, int32_t with, float *out, size_t out_floats) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_codes_attribute", CALL_READS);
    if (status == AENC_OK) status = codes_attribute(ctx, codes, labels, label_count, without, with, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status codes_quantiles(aenc_context *ctx, const aenc_matrix *codes, const double *shares,
                                   size_t share_count, float *out, size_t out_floats) {
    const char *call = "aenc_codes_quantiles";
    aenc_status status = aenc_codes_check(ctx, "codes", codes, 0);
    if (status == AENC_OK && shares == NULL) status = aenc_null(ctx, call, "shares");
    if (status == AENC_OK) status = aenc_room_check(ctx, call, out, out_floats, share_count, codes->cols);
    for (size_t i = 0; status == AENC_OK && i < share_count; i++)
        if (!(shares[i] >= 0 && shares[i] <= 1))
            status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: shares%s is %s; it is from 0 to 1", call, aenc_at(i).text,
                               aenc_shown(shares[i]).text);
    if (status != AENC_OK) return status;
    struct rows x = aenc_rows_of(codes);
    return aenc_codes_shares(ctx, &x, (int64_t)codes->cols, shares, (int64_t)share_count, out);
}

aenc_status aenc_codes_quantiles(aenc_context *ctx, const aenc_matrix *codes, const double *shares, size_t share_count,
                                 float *out, size_t out_floats) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_codes_quantiles", CALL_READS);
    if (status == AENC_OK) status = codes_quantiles(ctx, codes, shares, share_count, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status walk_check(aenc_context *ctx, const aenc_matrix *code, const aenc_matrix *range, size_t cols) {
    aenc_status status = aenc_codes_check(ctx, "code", code, cols);
    if (status == AENC_OK) status = rows_check(ctx, "code", code, 1);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "range", range, code->cols);
    return status == AENC_OK ? rows_check(ctx, "range", range, 2) : status;
}

static aenc_status codes_traverse(aenc_context *ctx, const aenc_matrix *code, const aenc_matrix *range, size_t steps,
                                  float *out, size_t out_floats) {
    aenc_status status = walk_check(ctx, code, range, 0);
    if (status == AENC_OK)
        status = steps_check(ctx, "aenc_codes_traverse", code->cols, steps, code->cols, out, out_floats);
    if (status != AENC_OK) return status;
    struct rows ends = aenc_rows_of(range);
    aenc_codes_walk(code->data, &ends, (int64_t)code->cols, (int64_t)steps, out);
    return AENC_OK;
}

aenc_status aenc_codes_traverse(aenc_context *ctx, const aenc_matrix *code, const aenc_matrix *range, size_t steps,
                                float *out, size_t out_floats) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_codes_traverse", CALL_READS);
    if (status == AENC_OK) status = codes_traverse(ctx, code, range, steps, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status traverse(aenc_model *model, const aenc_matrix *code, const aenc_matrix *range, size_t steps,
                            float *out, size_t out_floats) {
    aenc_status status = walk_check(model->ctx, code, range, (size_t)model->code_size);
    if (status == AENC_OK)
        status =
            steps_check(model->ctx, "aenc_traverse", code->cols, steps, (size_t)model->output_size, out, out_floats);
    if (status != AENC_OK) return status;
    float *codes = code_room(model, code->cols * steps);
    struct rows ends = aenc_rows_of(range);
    if (codes == NULL) return AENC_ERR_NO_MEMORY;
    aenc_codes_walk(code->data, &ends, model->code_size, (int64_t)steps, codes);
    return decode(model, AENC_OK, codes, code->cols * steps, out);
}

aenc_status aenc_traverse(aenc_model *model, const aenc_matrix *code, const aenc_matrix *range, size_t steps,
                          float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_traverse", CALL_READS);
    if (status == AENC_OK) status = traverse(model, code, range, steps, out, out_floats);
    return aenc_call_end(&call, status);
}

/* ---- Neighbours, groups, probes ---- */

static aenc_status neighbours(aenc_context *ctx, const aenc_matrix *base, const aenc_matrix *query, size_t k,
                              int32_t metric, int64_t *index, float *distance, size_t count) {
    const char *call = "aenc_neighbours";
    aenc_status status = aenc_codes_check(ctx, "base", base, 0);
    if (status == AENC_OK && query != NULL) status = aenc_codes_check(ctx, "query", query, base->cols);
    if (status == AENC_OK)
        status = choice_check(ctx, call, "metric", metric, AENC_DISTANCE_EUCLIDEAN, AENC_DISTANCE_COSINE);
    if (status == AENC_OK && index == NULL) status = aenc_null(ctx, call, "index");
    if (status != AENC_OK) return status;
    size_t most = base->rows - (query == NULL), wanted;
    const aenc_matrix *asking = query == NULL ? base : query;
    if (k < 1 || k > most)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: k is %zu; it is from 1 to %zu, all there are", call, k, most);
    if (!aenc_size_multiply(asking->rows, k, &wanted) || wanted > count)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: count is %zu; %zu rows of %zu are needed", call, count, asking->rows,
                         k);
    struct search search = {aenc_rows_of(base), aenc_rows_of(asking),           (int64_t)base->cols,
                            (int64_t)k,         metric == AENC_DISTANCE_COSINE, query == NULL};
    struct near *near = aenc_alloc_raw(ctx, wanted, sizeof *near);
    status = near == NULL ? AENC_ERR_NO_MEMORY : aenc_search(ctx, &search, near);
    for (size_t i = 0; status == AENC_OK && i < wanted; i++) {
        index[i] = near[i].row;
        if (distance != NULL) distance[i] = (float)(search.cosine ? near[i].distance / 2 : sqrt(near[i].distance));
    }
    aenc_release(ctx, near);
    return status;
}

aenc_status aenc_neighbours(aenc_context *ctx, const aenc_matrix *base, const aenc_matrix *query, size_t k,
                            int32_t metric, int64_t *index, float *distance, size_t count) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_neighbours", CALL_READS);
    if (status == AENC_OK) status = neighbours(ctx, base, query, k, metric, index, distance, count);
    return aenc_call_end(&call, status);
}

static aenc_status kmeans(aenc_context *ctx, const aenc_matrix *x, const aenc_kmeans_options *options, float *centers,
                          size_t center_floats, int32_t *labels, size_t label_count, double *inertia) {
    const char *call = "aenc_kmeans";
    aenc_kmeans_options o;
    double unwanted;
    aenc_status status = options == NULL ? aenc_null(ctx, call, "options")
                                         : aenc_options_read(ctx, "aenc_kmeans_options", options, sizeof o, &o);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "x", x, 0);
    if (status != AENC_OK) return status;
    if (o.clusters < 1 || (uint64_t)o.clusters > x->rows || o.clusters > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_kmeans_options.clusters is %lld; it is from 1 to %zu, the rows",
                         (long long)o.clusters, x->rows);
    if (o.restarts < 0 || o.iterations < 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_kmeans_options.%s is %lld; it is not negative",
                         o.restarts < 0 ? "restarts" : "iterations",
                         (long long)(o.restarts < 0 ? o.restarts : o.iterations));
    if (labels != NULL && label_count < x->rows)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: label_count is %zu; %zu are needed", call, label_count, x->rows);
    status = aenc_room_check_as(ctx, call, (struct room_names){"centers", "floats"}, centers, center_floats,
                                (size_t)o.clusters, x->cols);
    if (status != AENC_OK) return status;
    const struct kmeans kmeans = {aenc_rows_of(x),
                                  (int64_t)x->cols,
                                  o.clusters,
                                  o.restarts == 0 ? 10 : o.restarts,
                                  o.iterations == 0 ? 300 : o.iterations,
                                  {"aenc_kmeans_options.progress", o.progress, o.progress_user}};
    return aenc_kmeans_find(ctx, &kmeans, centers, labels, inertia == NULL ? &unwanted : inertia);
}

aenc_status aenc_kmeans(aenc_context *ctx, const aenc_matrix *x, const aenc_kmeans_options *options, float *centers,
                        size_t center_floats, int32_t *labels, size_t label_count, double *inertia) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_kmeans", CALL_REPORTS);
    if (status == AENC_OK) status = kmeans(ctx, x, options, centers, center_floats, labels, label_count, inertia);
    return aenc_call_end(&call, status);
}

static aenc_status probe_codes(aenc_context *ctx, const char *probe, const aenc_matrix *train,
                               const int32_t *train_labels, size_t train_count, const aenc_matrix *test,
                               const int32_t *test_labels, size_t test_count, int32_t *predicted,
                               size_t predicted_count, double *accuracy) {
    const char *call = "aenc_probe";
    aenc_status status = aenc_codes_check(ctx, "train", train, 0);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "test", test, train->cols);
    if (status == AENC_OK && train_labels == NULL) status = aenc_null(ctx, call, "train_labels");
    if (status == AENC_OK && test_labels == NULL) status = aenc_null(ctx, call, "test_labels");
    if (status == AENC_OK && accuracy == NULL) status = aenc_null(ctx, call, "accuracy");
    if (status == AENC_OK) status = aenc_count_check(ctx, call, "train_count", train_count, train->rows, 1);
    if (status == AENC_OK) status = aenc_count_check(ctx, call, "test_count", test_count, test->rows, 1);
    if (status == AENC_OK && predicted != NULL && predicted_count < test->rows)
        status = aenc_fail(ctx, AENC_ERR_SHAPE, "%s: predicted_count is %zu; %zu are needed", call, predicted_count,
                           test->rows);
    if (status != AENC_OK) return status;
    const struct labelled from = {aenc_rows_of(train), train_labels}, to = {aenc_rows_of(test), test_labels};
    return aenc_probe_ask(ctx, probe == NULL ? "softmax" : probe, (int64_t)train->cols, &from, &to, predicted,
                          accuracy);
}

aenc_status aenc_probe(aenc_context *ctx, const char *probe, const aenc_matrix *train, const int32_t *train_labels,
                       size_t train_count, const aenc_matrix *test, const int32_t *test_labels, size_t test_count,
                       int32_t *predicted, size_t predicted_count, double *accuracy) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_probe", CALL_READS);
    if (status == AENC_OK)
        status = probe_codes(ctx, probe, train, train_labels, train_count, test, test_labels, test_count, predicted,
                             predicted_count, accuracy);
    return aenc_call_end(&call, status);
}

/* ---- Curves ---- */

/* The distance between the points of the caller's array. */
static aenc_status points_check(aenc_context *ctx, const char *call, const char *name, const void *out, size_t *size) {
    if (out == NULL) return aenc_null(ctx, call, "out");
    memcpy(size, out, sizeof *size);
    if (*size >= sizeof *size && *size <= 4096 && *size % sizeof *size == 0) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: out[0].struct_size is %zu; set it to sizeof(%s)", call, *size, name);
}

static aenc_status rate_distortion(aenc_model *model, const aenc_matrix *x, const double *steps, size_t count,
                                   double peak, aenc_rate_point *out) {
    const char *call = "aenc_rate_distortion";
    size_t size;
    aenc_status status = aenc_matrix_check(model->ctx, "x", x, (size_t)model->input_size);
    if (status == AENC_OK && steps == NULL) status = aenc_null(model->ctx, call, "steps");
    if (status == AENC_OK) status = points_check(model->ctx, call, "aenc_rate_point", out, &size);
    if (status == AENC_OK && !(peak >= 0 && peak < HUGE_VAL))
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: peak is %s; it is a positive number", call,
                           aenc_shown(peak).text);
    if (status == AENC_OK && !aenc_model_reconstructs(model))
        status = aenc_fail(model->ctx, AENC_ERR_SHAPE,
                           "%s: the output of shape %s (loss '%s') is not a value for each of x, of shape %s", call,
                           aenc_dims(model->output.dim, model->output.rank, false).text, model->loss->name,
                           aenc_dims(model->input.dim, model->input.rank, false).text);
    for (size_t i = 0; status == AENC_OK && i < count; i++)
        if (!(steps[i] > 0 && steps[i] < HUGE_VAL))
            status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: steps%s is %s; it is a positive number", call,
                               aenc_at(i).text, aenc_shown(steps[i]).text);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_rate_find(model, &rows, steps, (int64_t)count, peak > 0 ? peak : 1, out, size);
}

aenc_status aenc_rate_distortion(aenc_model *model, const aenc_matrix *x, const double *steps, size_t count,
                                 double peak, aenc_rate_point *out) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_rate_distortion", CALL_READS);
    if (status == AENC_OK) status = rate_distortion(model, x, steps, count, peak, out);
    return aenc_call_end(&call, status);
}

/* What it takes to train one model of a sweep. */
struct trainer {
    aenc_context *ctx;
    const aenc_matrix *x;
    aenc_model_options model;
    aenc_fit_options fit;
    size_t *widths; /* hidden ones, and room for the code */
};

static aenc_status train_one(void *user, size_t code, aenc_model **out) {
    struct trainer *trainer = user;
    trainer->widths[trainer->model.encoder_count - 1] = code;
    aenc_status status = aenc_model_from_options(trainer->ctx, &trainer->model, out);
    if (status == AENC_OK) status = aenc_fit_rows(*out, trainer->x, &trainer->fit);
    if (status == AENC_OK && (*out)->stopped == AENC_STOPPED_CANCEL)
        status = aenc_ended(trainer->ctx, "aenc_context_cancel");
    if (status == AENC_OK) return status;
    aenc_model_release(*out);
    *out = NULL;
    return status;
}

static aenc_status sweep_check(aenc_context *ctx, const aenc_matrix *x, const aenc_sweep_options *o,
                               const struct trainer *trainer) {
    aenc_status status = aenc_codes_check(ctx, "x", x, 0);
    if (status == AENC_OK && trainer->fit.valid != NULL)
        status = aenc_codes_check(ctx, "valid", trainer->fit.valid, x->cols);
    if (status == AENC_OK && o->test != NULL) status = aenc_codes_check(ctx, "test", o->test, x->cols);
    if (status == AENC_OK && o->codes == NULL)
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_sweep_options.codes is NULL");
    for (size_t i = 0; status == AENC_OK && i < o->code_count; i++)
        if (o->codes[i] == 0)
            status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_sweep_options.codes%s is 0", aenc_at(i).text);
    if (status != AENC_OK) return status;
    if (trainer->model.encoder_layers != NULL || trainer->model.decoder_layers != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_sweep_options.model has layers; a sweep takes widths");
    status = aenc_model_counts_check(ctx, &trainer->model);
    return status == AENC_OK ? aenc_fit_fields_check(ctx, "aenc_sweep", FIT_SWEEP, &trainer->fit) : status;
}

static aenc_status sweep(aenc_context *ctx, const aenc_matrix *x, const aenc_sweep_options *options,
                         aenc_sweep_point *out, size_t out_count) {
    struct trainer trainer = {.ctx = ctx, .x = x};
    aenc_sweep_options o;
    size_t size;
    aenc_status status = options == NULL ? aenc_null(ctx, "aenc_sweep", "options")
                                         : aenc_options_read(ctx, "aenc_sweep_options", options, sizeof o, &o);
    if (status == AENC_OK) status = points_check(ctx, "aenc_sweep", "aenc_sweep_point", out, &size);
    if (status == AENC_OK)
        status = aenc_options_read(ctx, "aenc_model_options", o.model, sizeof trainer.model, &trainer.model);
    if (status == AENC_OK) status = aenc_options_read(ctx, "aenc_fit_options", o.fit, sizeof trainer.fit, &trainer.fit);
    if (status == AENC_OK) status = sweep_check(ctx, x, &o, &trainer);
    if (status == AENC_OK && out_count < o.code_count)
        status = aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_sweep: out_count is %zu; %zu points are needed", out_count,
                           o.code_count);
    if (status != AENC_OK) return status;
    size_t hidden = trainer.model.encoder_widths == NULL ? 0 : trainer.model.encoder_count;
    if (hidden < SIZE_MAX) trainer.widths = aenc_alloc_raw(ctx, hidden + 1, sizeof *trainer.widths);
    if (trainer.widths == NULL) return AENC_ERR_NO_MEMORY;
    if (hidden > 0) memcpy(trainer.widths, trainer.model.encoder_widths, hidden * sizeof *trainer.widths);
    trainer.model.encoder_widths = trainer.widths;
    trainer.model.encoder_count = hidden + 1;
    if (trainer.model.input == NULL) trainer.model.input = &x->cols, trainer.model.input_rank = 1;
    const struct sweep plan = {.set = {aenc_rows_of(x), aenc_rows_of(trainer.fit.valid), aenc_rows_of(o.test)},
                               .cols = (int64_t)x->cols,
                               .count = (int64_t)o.code_count,
                               .codes = o.codes,
                               .train = train_one,
                               .user = &trainer,
                               .progress = o.progress,
                               .progress_user = o.progress_user};
    status = aenc_sweep_run(ctx, &plan, out, size);
    aenc_release(ctx, trainer.widths);
    return status;
}

aenc_status aenc_sweep(aenc_context *ctx, const aenc_matrix *x, const aenc_sweep_options *options,
                       aenc_sweep_point *out, size_t out_count) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_sweep", CALL_TRAINS);
    if (status == AENC_OK) status = sweep(ctx, x, options, out, out_count);
    return aenc_call_end(&call, status);
}
