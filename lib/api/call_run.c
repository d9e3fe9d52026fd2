/* call_run.c - any fields in, any results out; and which there are. */
#include <float.h>
#include <string.h>

#include "api/call_results.h"
#include "io/message_text.h"

enum { PIECE_ROWS = 8 * INFER_ROWS };

/* Without a target the input is compared with, if it can be. */
static aenc_status target_check(const aenc_model *model, const char *call, bool given, const struct results *results) {
    if (!results->compares || given || aenc_target_optional(model)) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: field 'target' is needed and was not given", call);
}

static aenc_status options_read(const aenc_model *model, const aenc_run_options *options, struct draws *out) {
    aenc_run_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_run_options", options, sizeof o, &o);
    *out = (struct draws){.seed = o.seed, .samples = (int64_t)o.samples};
    if (status != AENC_OK || o.samples == 0) return status;
    if (o.samples > UINT32_MAX)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_run_options.samples is %zu; it is at most %lld",
                         o.samples, (long long)UINT32_MAX);
    if (aenc_loss_is_likelihood(model->loss, model->loss_spec)) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED,
                     "aenc_run_options.samples: loss '%s' is no likelihood in nats per row, so there is no log p(x)",
                     model->loss->name);
}

/* By importance there is nothing but scores. */
static aenc_status samples_check(const aenc_model *model, const struct draws *draws, const struct results *results) {
    if (draws->samples == 0 || (results->count == 1 && results->room[0].result == RESULT_SCORE)) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_run_options.samples is for the result 'score' alone");
}

/* What a draw from the prior does not lead to. */
static aenc_status prior_check(const aenc_model *model, const char *call, const struct results *results) {
    for (int i = 0; i < results->count; i++) {
        int result = results->room[i].result;
        if (result == RESULT_CODE || result == RESULT_OUTPUT || result == RESULT_DRAW ||
            model->result[result].behind_code)
            continue;
        return aenc_fail(
            model->ctx, AENC_ERR_ARGUMENT,
            "%s: result '%s' is one of an input; draws have 'code', 'output', 'draw' and what lies behind the code",
            call, model->result[result].name);
    }
    return AENC_OK;
}

static aenc_status run(aenc_model *model, const char *call, const struct draws *draws, const aenc_array *const *in,
                       size_t in_count, const aenc_array *const *out, size_t out_count) {
    struct batch batch;
    struct results results;
    const struct named_call named = {model->ctx, model, call};
    aenc_status status = aenc_call_fields(&named, in, in_count, &batch);
    if (status == AENC_OK) status = aenc_call_results(&named, out, out_count, &results);
    if (status != AENC_OK) return status;
    results.fieldless = batch.count == 0;
    if (results.fieldless && !draws->from_prior)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: no field is given", call);
    if (results.fieldless) batch.count = results.rows[0];
    status = aenc_result_rows_check(&named, &batch, &results);
    if (status == AENC_OK && draws->from_prior) status = prior_check(model, call, &results);
    if (status == AENC_OK) status = samples_check(model, draws, &results);
    if (status == AENC_OK) status = target_check(model, call, aenc_batch_has(&batch, FIELD_TARGET), &results);
    if (status == AENC_OK) status = aenc_fields_check_values(model->ctx, model, &batch, results.compares, 0);
    return status == AENC_OK ? aenc_model_results(model, &batch, results.room, results.count, draws) : status;
}

aenc_status aenc_run(aenc_model *model, const aenc_run_options *options, const aenc_array *const *in, size_t in_count,
                     const aenc_array *const *out, size_t out_count) {
    struct call call = {.held = {.model = model}};
    struct draws draws;
    aenc_status status = aenc_call_begin(&call, "aenc_run", CALL_COMPARES);
    if (status == AENC_OK) status = options_read(model, options, &draws);
    if (status == AENC_OK) status = run(model, "aenc_run", &draws, in, in_count, out, out_count);
    return aenc_call_end(&call, status);
}

static aenc_status sample_read(const aenc_model *model, const aenc_sample_options *options, struct draws *out) {
    aenc_sample_options o;
    aenc_status status = aenc_options_read(model->ctx, "aenc_sample_options", options, sizeof o, &o);
    *out = (struct draws){.seed = o.seed, .from_prior = true, .temperature = o.temperature};
    if (status != AENC_OK || (o.temperature >= 0 && o.temperature <= (double)FLT_MAX)) return status;
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_sample_options.temperature is %s; it is above 0, or 0 for 1",
                     aenc_shown(o.temperature).text);
}

aenc_status aenc_sample(aenc_model *model, const aenc_sample_options *options, const aenc_array *const *in,
                        size_t in_count, const aenc_array *const *out, size_t out_count) {
    struct call call = {.held = {.model = model}};
    struct draws draws;
    aenc_status status = aenc_call_begin(&call, "aenc_sample", CALL_READS);
    if (status == AENC_OK) status = sample_read(model, options, &draws);
    if (status == AENC_OK) status = run(model, "aenc_sample", &draws, in, in_count, out, out_count);
    return aenc_call_end(&call, status);
}

/* ---- Of a source ---- */

static aenc_status room_fail(const aenc_model *model, const struct results *results, int64_t rows) {
    for (int i = 0; i < results->count; i++)
        if (results->rows[i] < rows)
            return aenc_fail(model->ctx, AENC_ERR_SHAPE,
                             "aenc_run_source: result '%s' has room for %lld rows; the source has more",
                             model->result[results->room[i].result].name, (long long)results->rows[i]);
    return AENC_OK;
}

static bool cancelled(aenc_model *model) {
    bool now = aenc_model_cancelled(model);
    if (now) model->stopped = AENC_STOPPED_CANCEL;
    return now;
}

/* The next rows to their places, behind those that are done. */
static aenc_status piece_run(aenc_model *model, const struct results *results, const struct batch *piece,
                             int64_t *done) {
    struct results at = *results;
    int64_t first = *done;
    at.draws.first_row = first;
    for (int i = 0; i < at.count; i++) at.room[i].out += first * at.room[i].stride;
    aenc_status status = room_fail(model, results, first + piece->count);
    if (status == AENC_OK)
        status = aenc_fields_check_values(model->ctx, model, piece, results->compares, (uint64_t)first);
    if (status == AENC_OK) status = aenc_model_results(model, piece, at.room, at.count, &at.draws);
    if (status == AENC_OK) *done += piece->count;
    return status;
}

static aenc_status stream_run(aenc_model *model, const struct fit_data *data, const struct results *results,
                              int64_t *done) {
    struct stream stream;
    struct stream_batch *got = NULL;
    uint64_t rows = data->stream->call.rows;
    int64_t batches = rows == 0 ? INT64_MAX : (int64_t)((rows + PIECE_ROWS - 1) / PIECE_ROWS);
    aenc_status status =
        aenc_stream_open(data->stream, (struct stream_want){PIECE_ROWS, 1, batches, NULL, true}, 0, &stream);
    while (status == AENC_OK && (rows == 0 || (uint64_t)*done < rows) && !cancelled(model)) {
        status = aenc_stream_next(&stream, &got);
        if (stream.stopped) model->stopped = AENC_STOPPED_CALLBACK;
        if (status != AENC_OK || got->count == 0 || (*done > 0 && got->first == 0)) break;
        const struct batch piece = aenc_stream_rows(&stream, got, data->stream_field);
        status = piece_run(model, results, &piece, done);
        if (got->after == 0) break;
    }
    aenc_stream_close(&stream);
    return status;
}

static aenc_status memory_run(aenc_model *model, const struct fit_data *data, const struct results *results,
                              int64_t *done) {
    aenc_status status = AENC_OK;
    for (int64_t first = 0; first < data->rows.count && status == AENC_OK && !cancelled(model); first += PIECE_ROWS) {
        const struct batch piece = aenc_batch_piece(&data->rows, first, PIECE_ROWS);
        status = piece_run(model, results, &piece, done);
    }
    return status;
}

static aenc_status run_source(aenc_model *model, const aenc_run_options *options, aenc_source *source,
                              const aenc_array *const *out, size_t out_count, size_t *rows) {
    const char *call = "aenc_run_source";
    struct results results;
    int64_t done = 0;
    if (source == NULL) return aenc_null(model->ctx, call, "source");
    if (source->ctx != model->ctx)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: source belongs to another context", call);
    struct draws draws;
    const struct named_call named = {model->ctx, model, call};
    aenc_status status = options_read(model, options, &draws);
    if (status == AENC_OK) status = aenc_call_results(&named, out, out_count, &results);
    results.draws = draws;
    if (status == AENC_OK) status = samples_check(model, &draws, &results);
    if (status == AENC_OK) status = aenc_source_shapes_check(model, call, source);
    if (status != AENC_OK) return status;
    const struct fit_data data = aenc_source_data(source, model);
    status = target_check(model, call, aenc_source_size(source, "target") > 0, &results);
    model->stopped = AENC_STOPPED_END;
    if (status == AENC_OK && !source->streams) status = room_fail(model, &results, source->rows);
    if (status == AENC_OK)
        status =
            source->streams ? stream_run(model, &data, &results, &done) : memory_run(model, &data, &results, &done);
    if (status == AENC_ERR_CANCELLED) { /* by an operation */
        model->stopped = AENC_STOPPED_CALLBACK;
        status = AENC_OK;
    }
    if (status == AENC_OK && rows != NULL) *rows = (size_t)done;
    return status;
}

aenc_status aenc_run_source(aenc_model *model, const aenc_run_options *options, aenc_source *source,
                            const aenc_array *const *out, size_t out_count, size_t *rows) {
    struct call call = {.held = {.model = model, .source = source}};
    if (rows != NULL) *rows = 0;
    if (model == NULL) return aenc_null(source == NULL ? NULL : source->ctx, "aenc_run_source", "model");
    aenc_status status = aenc_call_begin(&call, "aenc_run_source", CALL_TRAINS);
    if (status == AENC_OK) status = run_source(model, options, source, out, out_count, rows);
    return aenc_call_end(&call, status);
}

/* ---- Ports ---- */

size_t aenc_model_port_count(const aenc_model *model) {
    return model == NULL ? 0 : (size_t)(model->field_count + model->result_count);
}

static int32_t rule_of(enum field_rule rule) {
    switch (rule) {
    case FIELD_NUMBER: break;
    case FIELD_UNIT: return AENC_RULE_UNIT;
    case FIELD_BINARY: return AENC_RULE_BINARY;
    case FIELD_CLASSES: return AENC_RULE_CLASSES;
    case FIELD_LENGTH: return AENC_RULE_LENGTH;
    }
    return AENC_RULE_NUMBER;
}

static void dims_put(const struct shape *shape, aenc_port *port) {
    port->rank = (size_t)shape->rank;
    for (int i = 0; i < shape->rank; i++) port->dims[i] = (size_t)shape->dim[i];
    port->size = (size_t)aenc_shape_count(shape);
}

static void field_port(const aenc_model *model, int field, aenc_port *port) {
    const struct field_spec *spec = &model->field[field];
    bool whole = spec->rule == FIELD_CLASSES || spec->rule == FIELD_LENGTH;
    *port = (aenc_port){.name = spec->name,
                        .count = spec->count,
                        .kind = AENC_PORT_FIELD,
                        .type = whole ? AENC_TYPE_I32 : AENC_TYPE_F32,
                        .rule = rule_of(spec->rule)};
    dims_put(&spec->shape, port);
    port->trained = spec->trained && model->pca == NULL;
}

static aenc_status port(aenc_model *model, size_t index, aenc_port *out) {
    size_t size = out->struct_size, fields = (size_t)model->field_count, ports = aenc_model_port_count(model);
    aenc_port made;
    if (size < sizeof size || size > 4096)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_port.struct_size is %zu; set it to sizeof(aenc_port)",
                         size);
    if (index >= ports)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_port: index is %zu; there are %zu ports", index,
                         ports);
    if (index < fields)
        field_port(model, (int)index, &made);
    else {
        const struct result_spec *result = &model->result[index - fields];
        made = (aenc_port){.name = result->name,
                           .kind = result->layer ? AENC_PORT_LAYER : AENC_PORT_RESULT,
                           .type = AENC_TYPE_F32,
                           .rule = AENC_RULE_NUMBER};
        dims_put(&result->shape, &made);
    }
    memcpy(out, &made, size < sizeof made ? size : sizeof made);
    out->struct_size = size;
    return AENC_OK;
}

aenc_status aenc_model_port(aenc_model *model, size_t index, aenc_port *out) {
    struct call call = {.held = {.model = model}};
    if (model == NULL) return AENC_ERR_ARGUMENT;
    if (out == NULL) return aenc_null(model->ctx, "aenc_model_port", "port");
    aenc_status status = aenc_call_begin(&call, "aenc_model_port", CALL_CHANGES);
    if (status == AENC_OK) status = port(model, index, out);
    return aenc_call_end(&call, status);
}

static aenc_status port_needs(aenc_model *model, const char *result, const char *field, int32_t *needed) {
    const char *call = "aenc_model_port_needs";
    if (result == NULL || field == NULL) return aenc_null(model->ctx, call, result == NULL ? "result" : "field");
    const struct named_call named = {model->ctx, model, call};
    int wanted = aenc_result_named(&named, result), number = wanted < 0 ? -1 : aenc_field_named(&named, field);
    bool needs = false;
    if (number < 0) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_result_needs(model, wanted, number, &needs);
    *needed = needs;
    return status;
}

aenc_status aenc_model_port_needs(aenc_model *model, const char *result, const char *field, int32_t *needed) {
    struct call call = {.held = {.model = model}};
    if (needed == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_model_port_needs", "needed");
    *needed = 0;
    aenc_status status = aenc_call_begin(&call, "aenc_model_port_needs", CALL_COMPARES);
    if (status == AENC_OK) status = port_needs(model, result, field, needed);
    return aenc_call_end(&call, status);
}
