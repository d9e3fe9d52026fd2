/* row_source.h - where rows come from.
 *
 * A source is either rows in memory (a matrix, or a file that is mapped), which a run gathers from in any order, or a
 * stream, which it takes in order through a callback. A stream fills batches of its own: two of them, so that with
 * read_ahead one is filled on a thread of its own while the other is trained on. What a batch holds does not depend on
 * who fills it or when.
 */
#ifndef AENC_TRAIN_SOURCE_H
#define AENC_TRAIN_SOURCE_H

#include "io/file.h"
#include "model/model.h"

enum { FIELD_NAME_SIZE = 64 };

/* A field of a source, known by its name to the models that it is for. */
struct source_field {
    char name[FIELD_NAME_SIZE];
    struct shape shape;   /* of one row */
    int64_t size;         /* values of it */
    struct column column; /* data NULL: of a stream */
    struct mapped map;    /* of a file; bytes NULL: none */
};

struct aenc_source {
    atomic_size_t references;
    aenc_context *ctx; /* retained */
    bool streams;
    int64_t rows; /* in memory */
    struct source_field field[FIELDS_MAX];
    int field_count;
    aenc_source_callbacks call; /* of a stream */
    aenc_fill_callback fill;    /* of one with any fields, in place of call.read; NULL: not */
};

/* source.c: an empty one, for its maker to fill; a mapped .npy file into it. */
aenc_status aenc_source_make(aenc_context *ctx, struct aenc_source **out);
/* rank: the least number of dimensions. */
aenc_status aenc_source_map(aenc_context *ctx, const char *path, const char *name, int rank,
                            struct aenc_source *source);
/* A field more, for its maker to fill. */
struct source_field *aenc_source_add(struct aenc_source *source, const char *name, const struct shape *shape,
                                     enum value_type type);
/* The field of that name; NULL: none. */
const struct source_field *aenc_source_field(const struct aenc_source *source, const char *name);
/* Values of a row of it; 0: none. */
static inline int64_t aenc_source_size(const struct aenc_source *source, const char *name) {
    const struct source_field *field = aenc_source_field(source, name);
    return field == NULL ? 0 : field->size;
}
/* The source's fields by the numbers that they have in the model: number[i] of field i, -1 of one that the model does not
 * have. model NULL: the input alone. */
void aenc_source_number(const struct aenc_source *source, const struct aenc_model *model, int number[FIELDS_MAX]);
/* One reference more. NULL-safe. */
void aenc_source_retain(struct aenc_source *source);
/* Drops one reference; with the last goes the source, and the stream's release is called. NULL-safe. */
void aenc_source_release(struct aenc_source *source);

/* Why a batch could not be filled. */
enum stream_failure {
    STREAM_GOOD,
    STREAM_REFUSED,  /* read answered `answer` */
    STREAM_SEEK,     /* seek did */
    STREAM_TOO_MANY, /* read says it wrote more rows than asked for */
    STREAM_SHORT,    /* the pass ended before the rows that the source had stated */
    STREAM_EMPTY,    /* a pass without rows */
    STREAM_FORKED    /* the thread that reads ahead is in the parent process */
};

struct stream_batch {
    void *data[FIELDS_MAX]; /* of each field of the source, dense */
    int64_t count;          /* 0: the source has ended */
    uint64_t first;         /* of the rows in their pass */
    uint64_t after;         /* the position behind them; 0 where the pass ends there */
    enum stream_failure failure;
    int answer;
};

struct read_ahead;

/* The batches of one run. */
struct stream {
    const struct aenc_source *source;
    int64_t rows;             /* of a batch */
    int64_t least;            /* fewer at the end of a pass go with the batch before */
    struct stream_batch held; /* rows read to see that there are so many; without memory where one is enough */
    uint64_t position;        /* of the filler, in the pass */
    bool at_end;              /* of the pass: the next batch begins another */
    bool seek_first;          /* to position, before anything is read */
    bool once;                /* of stream_want */
    const char *name;
    bool stopped;                /* a callback ended the call: the batch that it was to fill has no rows */
    struct cpu_mode caller_mode; /* that callbacks run in, on either thread */
    struct stream_batch batch[2];
    struct read_ahead *ahead; /* NULL: on the calling thread */
};

/* What a run asks of a stream. */
struct stream_want {
    int64_t rows,
        least; /* of a batch: as many as it has, but up to least - 1 more rather than fewer than least in the next */
    int64_t batches;  /* at most so many of them */
    const char *name; /* of the source in messages; NULL: "source" */
    bool once;        /* nothing behind the end of the first pass */
};
/* A source that can seek begins at position; position is 0 for one that cannot. */
aenc_status aenc_stream_open(const struct aenc_source *source, struct stream_want want, uint64_t position,
                             struct stream *out);
/* Also of one that was never opened (all zero); waits for a read that is under way. */
void aenc_stream_close(struct stream *stream);
/* The next batch, valid until the next call. A failure of the source's is reported with its row. */
aenc_status aenc_stream_next(struct stream *stream, struct stream_batch **out);
/* Its rows, with the source's fields as number says. Weights that are all 1 are left out. */
struct batch aenc_stream_rows(const struct stream *stream, const struct stream_batch *batch, const int *number);
/* Fills a batch; touches nothing but the stream's filling side. For the thread of read_ahead.c. */
void aenc_stream_fill(struct stream *stream, struct stream_batch *batch);

/* read_ahead.c: at most `batches` in all. */
aenc_status aenc_ahead_start(struct stream *stream, int64_t batches, struct read_ahead **out);
void aenc_ahead_stop(aenc_context *ctx, struct read_ahead *ahead);
struct stream_batch *aenc_ahead_next(struct read_ahead *ahead);

#endif
