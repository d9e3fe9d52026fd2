/* stream.c - batches out of a callback, in order, pass after pass.
 *
 * A batch never spans two passes. A source that states its rows has passes of exactly those; of any other a pass ends
 * where it answers no rows. The next pass begins with a seek to 0; a source that cannot seek has then ended.
 *
 * Where a batch must have `least` rows, so many more than a batch are read: if the pass ends among them, they belong
 * to the batch; otherwise they are held, and the next one begins with them.
 */
#include <string.h>

#include "io/message_text.h"
#include "train/row_source.h"

/* ---- Filling ---- */

static bool seek_to(struct stream *stream, struct stream_batch *batch, uint64_t position) {
    const aenc_source_callbacks *call = &stream->source->call;
    stream->position = position;
    stream->at_end = false;
    aenc_cpu_mode_restore(&stream->caller_mode);
    int answer = call->seek(call->user, position);
    aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (answer == 0) return true;
    batch->failure = STREAM_SEEK;
    batch->answer = answer;
    return false;
}

/* Rows that are read at a time, those to be held included. */
static int64_t room_of(const struct stream *stream) { return stream->rows + (stream->least > 1 ? stream->least : 0); }

/* How many rows to ask for; 0: a source that states its rows has given them all. */
static size_t wanted(const struct stream *stream, const struct stream_batch *batch) {
    uint64_t room = (uint64_t)(room_of(stream) - batch->count), total = stream->source->call.rows;
    uint64_t left = total == 0 ? room : stream->position < total ? total - stream->position : 0;
    return (size_t)(left < room ? left : room);
}

static size_t row_bytes(const struct source_field *field) {
    return (size_t)field->size * aenc_value_bytes(field->column.type);
}

/* Where the next row of a field goes; NULL: the source does not have it. */
static void *room_at(const struct aenc_source *source, const struct stream_batch *batch, int own) {
    static const char *const names[] = {[FIELD_INPUT] = "input", [FIELD_TARGET] = "target", [FIELD_WEIGHT] = "weight"};
    const struct source_field *field = aenc_source_field(source, names[own]);
    if (field == NULL) return NULL;
    return (char *)batch->data[field - source->field] + (size_t)batch->count * row_bytes(field);
}

/* One call of a read that fills any fields. */
static int fill_fields(const struct aenc_source *source, const struct stream_batch *batch, size_t want, size_t *got) {
    void *data[FIELDS_MAX];
    size_t size[FIELDS_MAX];
    for (int f = 0; f < source->field_count; f++) {
        size_t row = row_bytes(&source->field[f]);
        data[f] = (char *)batch->data[f] + (size_t)batch->count * row;
        size[f] = want * row;
    }
    aenc_fill fill = {sizeof fill, want, 0, (size_t)source->field_count, data, size};
    int answer = source->fill(source->call.user, &fill);
    *got = fill.got;
    return answer;
}

/* One call of read; false when the batch is done, for good or for bad. */
static bool read_some(struct stream *stream, struct stream_batch *batch) {
    const struct aenc_source *source = stream->source;
    const aenc_source_callbacks *call = &source->call;
    size_t want = wanted(stream, batch), got = 0;
    stream->at_end = want == 0;
    if (want == 0) return false;
    aenc_cpu_mode_restore(&stream->caller_mode);
    int answer = 0;
    if (source->fill != NULL)
        answer = fill_fields(source, batch, want, &got);
    else
        answer = call->read(call->user, room_at(source, batch, FIELD_INPUT), room_at(source, batch, FIELD_TARGET),
                            room_at(source, batch, FIELD_WEIGHT), want, &got);
    aenc_cpu_mode_set(CPU_MODE_EXACT);
    batch->failure = answer != 0 ? STREAM_REFUSED : got > want ? STREAM_TOO_MANY : STREAM_GOOD;
    batch->answer = answer;
    if (batch->failure != STREAM_GOOD) return false;
    batch->count += (int64_t)got;
    stream->position += got;
    stream->at_end = got == 0 || (call->rows > 0 && stream->position == call->rows);
    if (got == 0 && call->rows > 0) batch->failure = STREAM_SHORT;
    return !stream->at_end && batch->count < room_of(stream);
}

/* `count` rows of one batch to another. */
static void rows_copy(const struct aenc_source *source, struct stream_batch *to, int64_t at,
                      const struct stream_batch *from, int64_t first, int64_t count) {
    for (int f = 0; f < source->field_count; f++) {
        size_t row = row_bytes(&source->field[f]);
        memcpy((char *)to->data[f] + (size_t)at * row, (char *)from->data[f] + (size_t)first * row,
               (size_t)count * row);
    }
}

static void fill_from_here(struct stream *stream, struct stream_batch *batch) {
    struct stream_batch *held = &stream->held;
    batch->first = stream->position - (uint64_t)held->count;
    batch->count = held->count;
    if (held->count > 0) rows_copy(stream->source, batch, 0, held, 0, held->count);
    held->count = 0;
    while (!stream->at_end && read_some(stream, batch)) continue;
    int64_t over = batch->count - stream->rows;
    if (over <= 0 || over < stream->least || batch->failure != STREAM_GOOD) return;
    rows_copy(stream->source, held, 0, batch, stream->rows, over);
    held->count = over;
    batch->count = stream->rows;
}

/* Rows count alike unless the source says otherwise. */
static void weights_begin(const struct stream *stream, const struct stream_batch *batch) {
    const struct source_field *field = aenc_source_field(stream->source, "weight");
    if (field == NULL || field->column.type != VALUE_F32) return;
    float *weight = batch->data[field - stream->source->field];
    for (int64_t r = 0; r < room_of(stream); r++) weight[r] = 1;
}

void aenc_stream_fill(struct stream *stream, struct stream_batch *batch) {
    bool can_seek = stream->source->call.seek != NULL, fresh = false;
    batch->count = 0;
    batch->failure = STREAM_GOOD;
    weights_begin(stream, batch);
    if (stream->seek_first && !seek_to(stream, batch, stream->position)) return;
    fresh = stream->position == 0 && !stream->at_end;
    stream->seek_first = false;
    if (!stream->at_end || stream->held.count > 0) fill_from_here(stream, batch);
    /* the pass had ended: at the last row of the batch before, or, as only this read could tell, right behind it */
    if (batch->count == 0 && batch->failure == STREAM_GOOD && can_seek && !fresh && !stream->once) {
        if (!seek_to(stream, batch, 0)) return;
        fresh = true;
        fill_from_here(stream, batch);
    }
    if (batch->count == 0 && batch->failure == STREAM_GOOD && fresh) batch->failure = STREAM_EMPTY;
    bool over = stream->at_end && stream->held.count == 0;
    batch->after = over ? 0 : stream->position - (uint64_t)stream->held.count;
}

/* ---- For the run ---- */

static aenc_status buffers_create(struct stream *stream) {
    const struct aenc_source *source = stream->source;
    int count = source->call.read_ahead != 0 ? 2 : 1;
    for (int f = 0; f < source->field_count; f++) {
        const struct source_field *field = &source->field[f];
        size_t row;
        if (!aenc_size_multiply((size_t)field->size, aenc_value_bytes(field->column.type), &row))
            return aenc_fail(source->ctx, AENC_ERR_SHAPE, "a row of the source is larger than memory");
        for (int i = 0; i < count + (stream->least > 1); i++) {
            struct stream_batch *batch = i < count ? &stream->batch[i] : &stream->held;
            size_t rows = (size_t)(i < count ? room_of(stream) : stream->least);
            batch->data[f] = aenc_alloc(source->ctx, rows, row);
            if (batch->data[f] == NULL) return AENC_ERR_NO_MEMORY;
        }
    }
    return AENC_OK;
}

aenc_status aenc_stream_open(const struct aenc_source *source, struct stream_want want, uint64_t position,
                             struct stream *out) {
    memset(out, 0, sizeof *out);
    out->source = source;
    out->rows = want.rows;
    out->least = want.least;
    out->position = position;
    out->once = want.once;
    out->name = want.name == NULL ? "source" : want.name;
    out->caller_mode = source->ctx->caller_mode;
    out->seek_first = source->call.seek != NULL;
    aenc_status status = buffers_create(out);
    if (status == AENC_OK && source->call.read_ahead != 0) status = aenc_ahead_start(out, want.batches, &out->ahead);
    if (status != AENC_OK) aenc_stream_close(out);
    return status;
}

void aenc_stream_close(struct stream *stream) {
    if (stream->source == NULL) return;
    aenc_context *ctx = stream->source->ctx;
    aenc_ahead_stop(ctx, stream->ahead);
    for (int i = 0; i < 3; i++) {
        struct stream_batch *batch = i < 2 ? &stream->batch[i] : &stream->held;
        for (int f = 0; f < FIELDS_MAX; f++) aenc_release(ctx, batch->data[f]);
    }
    memset(stream, 0, sizeof *stream);
}

static aenc_status failed(const struct stream *stream, const struct stream_batch *batch) {
    aenc_context *ctx = stream->source->ctx;
    const char *name = stream->name;
    size_t row = (size_t)batch->first + (size_t)batch->count;
    switch (batch->failure) {
    case STREAM_REFUSED:
        return aenc_fail(ctx, AENC_ERR_CALLBACK, "the %s's read returned %lld for %s%s", name, (long long)batch->answer,
                         name, aenc_at(row).text);
    case STREAM_SEEK:
        return aenc_fail(ctx, AENC_ERR_CALLBACK, "the %s's seek returned %lld", name, (long long)batch->answer);
    case STREAM_TOO_MANY:
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "the %s's read says for %s%s that it wrote more rows than fit", name,
                         name, aenc_at(row).text);
    case STREAM_SHORT:
        return aenc_fail(ctx, AENC_ERR_SHAPE, "the %s ended after %zu rows; it had stated %llu", name, row,
                         (unsigned long long)stream->source->call.rows);
    case STREAM_EMPTY: return aenc_fail(ctx, AENC_ERR_SHAPE, "the %s has no rows", name);
    case STREAM_FORKED:
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                         "this process was forked during the run; the thread that reads ahead is in the parent");
    case STREAM_GOOD: break;
    }
    return AENC_OK;
}

aenc_status aenc_stream_next(struct stream *stream, struct stream_batch **out) {
    struct stream_batch *batch = &stream->batch[0];
    if (stream->ahead != NULL)
        batch = aenc_ahead_next(stream->ahead);
    else {
        struct outside outside = aenc_callback_begin(stream->source->ctx);
        aenc_stream_fill(stream, batch);
        aenc_callback_end(stream->source->ctx, outside);
    }
    *out = batch;
    stream->stopped = (batch->failure == STREAM_REFUSED || batch->failure == STREAM_SEEK) && batch->answer > 0;
    if (!stream->stopped) return failed(stream, batch);
    batch->count = 0;
    return AENC_OK;
}

/* All 1. */
static bool weights_equal(const struct batch *batch) {
    const struct column *column = &batch->column[FIELD_WEIGHT];
    for (int64_t r = 0; r < batch->count && column->data != NULL; r++)
        if (aenc_batch_raw(batch, FIELD_WEIGHT, r, 0) != 1) return false;
    return true;
}

struct batch aenc_stream_rows(const struct stream *stream, const struct stream_batch *batch, const int *number) {
    const struct aenc_source *source = stream->source;
    struct batch out = {.count = batch->count};
    for (int f = 0; f < source->field_count; f++) {
        const struct source_field *field = &source->field[f];
        if (number[f] < 0) continue;
        out.column[number[f]] =
            (struct column){.data = batch->data[f], .stride = field->size, .type = field->column.type};
    }
    if (weights_equal(&out)) out.column[FIELD_WEIGHT].data = NULL;
    return out;
}
