/* call_source.c - making sources of rows. */
#include "train/row_source.h"

#include <string.h>

#include "api/api.h"
#include "api/call_array.h"
#include "io/message_text.h"

enum { COLS_MAX = INT32_MAX };

/* ---- Making ---- */

aenc_status aenc_source_matrix(aenc_context *ctx, const aenc_matrix *matrix, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_source_matrix", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (matrix == NULL) return aenc_null(ctx, "aenc_source_matrix", "matrix");
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, "aenc_source_matrix", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_matrix_shape_check(ctx, "matrix", matrix, matrix->cols);
    if (status == AENC_OK && matrix->cols == 0) status = aenc_fail(ctx, AENC_ERR_SHAPE, "matrix: cols is 0");
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    if (status != AENC_OK) return status;
    const struct shape row = {1, {(int64_t)matrix->cols}};
    struct source_field *field = aenc_source_add(source, "input", &row, VALUE_F32);
    const struct rows rows = aenc_rows_of(matrix);
    field->column.data = rows.data;
    field->column.stride = rows.stride;
    source->rows = rows.count;
    *out = source;
    return AENC_OK;
}

/* The made source, or none where it could not be filled. */
static aenc_status source_end(aenc_source *source, aenc_status status, aenc_source **out) {
    if (status == AENC_OK)
        *out = source;
    else
        aenc_source_release(source);
    return status;
}

aenc_status aenc_source_npy(aenc_context *ctx, const char *path, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_source_npy", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (path == NULL) return aenc_null(ctx, "aenc_source_npy", "path");
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, "aenc_source_npy", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    return status == AENC_OK ? source_end(source, aenc_source_map(ctx, path, "input", 2, source), out) : status;
}

/* What both kinds of streams state. */
static aenc_status stream_check(aenc_context *ctx, const char *name, bool read, uint64_t rows, int64_t read_ahead) {
    if (!read) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s.read is NULL", name);
    if (rows > UINT64_C(1) << 40)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s.rows is %llu; at most 2^40, and 0 for endless", name,
                         (unsigned long long)rows);
    if (read_ahead == 0 || read_ahead == 1) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s.read_ahead is %lld; 0 or 1", name, (long long)read_ahead);
}

static aenc_status callbacks_check(aenc_context *ctx, const aenc_source_callbacks *c) {
    bool fits = c->cols > 0 && c->cols <= COLS_MAX && c->target_cols <= COLS_MAX;
    if (c->read == NULL || fits)
        return stream_check(ctx, "aenc_source_callbacks", c->read != NULL, c->rows, c->read_ahead);
    return aenc_fail(ctx, AENC_ERR_SHAPE,
                     "aenc_source_callbacks: cols is %zu and target_cols %zu; at most %d, and cols at least 1", c->cols,
                     c->target_cols, COLS_MAX);
}

static aenc_status source_callback(aenc_context *ctx, const aenc_source_callbacks *callbacks, aenc_source **out) {
    if (out == NULL) return aenc_null(ctx, "aenc_source_callback", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (callbacks == NULL) return aenc_null(ctx, "aenc_source_callback", "callbacks");
    aenc_source_callbacks c;
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, "aenc_source_callback", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_options_read(ctx, "aenc_source_callbacks", callbacks, sizeof c, &c);
    if (status == AENC_OK) status = callbacks_check(ctx, &c);
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    if (status != AENC_OK) return status;
    source->call = c;
    source->streams = true;
    const struct shape input = {1, {(int64_t)c.cols}}, target = {1, {(int64_t)c.target_cols}}, weight = {.rank = 0};
    aenc_source_add(source, "input", &input, VALUE_F32);
    if (c.target_cols > 0) aenc_source_add(source, "target", &target, VALUE_F32);
    aenc_source_add(source, "weight", &weight, VALUE_F32);
    *out = source;
    return AENC_OK;
}

aenc_status aenc_source_callback(aenc_context *ctx, const aenc_source_callbacks *callbacks, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    aenc_status status = source_callback(ctx, callbacks, out);
    if (status != AENC_OK) RELEASE_USER(aenc_source_callbacks, callbacks);
    return status;
}

/* ---- Of several fields ---- */

static aenc_status count_check(aenc_context *ctx, const char *call, const char *list, const void *given, size_t count) {
    if (given == NULL) return aenc_null(ctx, call, list);
    if (count > 0 && count <= FIELDS_MAX) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: there are %zu %s; it is from 1 to %d", call, count, list, FIELDS_MAX);
}

/* A name that the source does not have yet. */
static aenc_status name_check(const aenc_source *source, const char *call, const char *name) {
    if (aenc_source_field(source, name) == NULL) return AENC_OK;
    return aenc_fail(source->ctx, AENC_ERR_ARGUMENT, "%s: field '%s' is given twice", call, name);
}

/* All of a source's fields are there. */
static aenc_status fields_end(const aenc_source *source, const char *call) {
    if (aenc_source_field(source, "input") != NULL) return AENC_OK;
    return aenc_fail(source->ctx, AENC_ERR_ARGUMENT, "%s: field 'input' is needed and was not given", call);
}

static aenc_status rows_check(const aenc_source *source, const char *call, const char *name, int64_t rows) {
    if (source->field_count == 0 || rows == source->rows) return AENC_OK;
    return aenc_fail(source->ctx, AENC_ERR_SHAPE, "%s: '%s' has %lld rows and '%s' has %lld", call, name,
                     (long long)rows, source->field[0].name, (long long)source->rows);
}

static aenc_status arrays_read(aenc_source *source, const aenc_array *const *arrays, size_t count) {
    const char *call = "aenc_source_arrays";
    for (size_t i = 0; i < count; i++) {
        struct array array;
        aenc_status status = aenc_array_read(source->ctx, (struct array_place){call, "arrays", i}, arrays[i], &array);
        if (status == AENC_OK) status = name_check(source, call, array.name);
        if (status == AENC_OK) status = rows_check(source, call, array.name, array.rows);
        if (status != AENC_OK) return status;
        aenc_source_add(source, array.name, &array.shape, array.column.type)->column = array.column;
        source->rows = array.rows;
    }
    return fields_end(source, call);
}

aenc_status aenc_source_arrays(aenc_context *ctx, const aenc_array *const *arrays, size_t count, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    const char *call = "aenc_source_arrays";
    if (out == NULL) return aenc_null(ctx, call, "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, call, CALL_READS, NULL);
    if (status == AENC_OK) status = count_check(ctx, call, "arrays", arrays, count);
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    return status == AENC_OK ? source_end(source, arrays_read(source, arrays, count), out) : status;
}

static aenc_status files_read(aenc_source *source, const char *const *names, const char *const *paths, size_t count) {
    const char *call = "aenc_source_files";
    aenc_context *ctx = source->ctx;
    for (size_t i = 0; i < count; i++) {
        const char *missing = names[i] == NULL ? "names" : paths[i] == NULL ? "paths" : NULL;
        if (missing != NULL)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s%s is NULL", call, missing, aenc_at(i).text);
        if (strlen(names[i]) >= FIELD_NAME_SIZE || names[i][0] == '\0')
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: names%s is no name of a field", call, aenc_at(i).text);
        int64_t rows = source->rows;
        aenc_status status = name_check(source, call, names[i]);
        if (status == AENC_OK) status = aenc_source_map(ctx, paths[i], names[i], 1, source);
        if (status != AENC_OK) return status;
        int64_t here = source->rows;
        source->rows = rows;
        if (i > 0) status = rows_check(source, call, names[i], here);
        if (status != AENC_OK) return status;
        source->rows = here;
    }
    return fields_end(source, call);
}

aenc_status aenc_source_files(aenc_context *ctx, const char *const *names, const char *const *paths, size_t count,
                              aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    const char *call = "aenc_source_files";
    if (out == NULL) return aenc_null(ctx, call, "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, call, CALL_READS, NULL);
    if (status == AENC_OK) status = count_check(ctx, call, "names", names, count);
    if (status == AENC_OK && paths == NULL) status = aenc_null(ctx, call, "paths");
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    return status == AENC_OK ? source_end(source, files_read(source, names, paths, count), out) : status;
}

static aenc_status stream_fields(aenc_source *source, const aenc_stream *stream) {
    const char *call = "aenc_source_stream";
    for (size_t i = 0; i < stream->field_count; i++) {
        struct array array;
        aenc_status status =
            aenc_array_declared(source->ctx, (struct array_place){call, "fields", i}, stream->fields[i], &array);
        if (status == AENC_OK) status = name_check(source, call, array.name);
        if (status != AENC_OK) return status;
        aenc_source_add(source, array.name, &array.shape, array.column.type);
    }
    return fields_end(source, call);
}

static aenc_status source_stream(aenc_context *ctx, const aenc_stream *stream, aenc_source **out) {
    const char *call = "aenc_source_stream";
    if (out == NULL) return aenc_null(ctx, call, "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (stream == NULL) return aenc_null(ctx, call, "stream");
    aenc_stream s;
    aenc_source *source;
    aenc_status status = aenc_call_check(ctx, call, CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_options_read(ctx, "aenc_stream", stream, sizeof s, &s);
    if (status == AENC_OK) status = stream_check(ctx, "aenc_stream", s.read != NULL, s.rows, s.read_ahead);
    if (status == AENC_OK) status = count_check(ctx, call, "fields", s.fields, s.field_count);
    if (status == AENC_OK) status = aenc_source_make(ctx, &source);
    if (status != AENC_OK) return status;
    status = stream_fields(source, &s);
    source->streams = true;
    source->fill = s.read;
    if (status == AENC_OK)
        source->call = (aenc_source_callbacks){.struct_size = sizeof source->call,
                                               .rows = s.rows,
                                               .seek = s.seek,
                                               .release = s.release,
                                               .user = s.user,
                                               .read_ahead = s.read_ahead};
    return source_end(source, status, out);
}

aenc_status aenc_source_stream(aenc_context *ctx, const aenc_stream *stream, aenc_source **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    aenc_status status = source_stream(ctx, stream, out);
    if (status != AENC_OK) RELEASE_USER(aenc_stream, stream);
    return status;
}

/* ---- What they are ---- */

void aenc_source_free(aenc_source *source) { aenc_source_release(source); }
uint64_t aenc_source_rows(const aenc_source *source) {
    if (source == NULL) return 0;
    return source->streams ? source->call.rows : (uint64_t)source->rows;
}

size_t aenc_source_cols(const aenc_source *source) {
    return source == NULL ? 0 : (size_t)aenc_source_size(source, "input");
}
