/* recipes_source.c - training from sources: a matrix, a file, streams with targets and weights, read ahead or not. */
#include "recipes/recipes.h"

#include <stdio.h>
#include <string.h>

static void fit_source(struct recipe_run *run, aenc_source *source, aenc_fit_options o) {
    aenc_model *model = recipe_model(run);
    aenc_matrix x = recipe_x(run->data, ROWS);
    if (model != NULL && source != NULL) recipe_good(run, aenc_fit_source(model, source, &o));
    aenc_source_free(source);
    recipe_finish(run, model, &x);
}

static void source_matrix(struct recipe_run *run) {
    aenc_matrix x = recipe_x(run->data, ROWS);
    aenc_source *source;
    recipe_good(run, aenc_source_matrix(run->ctx, &x, &source));
    fit_source(run, source, recipe_fit());
}

/* ---- A file ---- */

static int npy_write(const char *path, const float *values, size_t rows, size_t cols) {
    char header[128];
    int text =
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, cols);
    memset(header + text, ' ', sizeof header - (size_t)text);
    header[117] = '\n'; /* 10 bytes before it and 118 of text: a multiple of 64 */
    FILE *file = fopen(path, "wb");
    if (file == NULL) return 0;
    int good = fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file) == 10 && fwrite(header, 1, 118, file) == 118 &&
               fwrite(values, sizeof *values, rows * cols, file) == rows * cols;
    return fclose(file) == 0 && good;
}

static void source_npy(struct recipe_run *run) {
    char path[RECIPE_PATH];
    recipe_path(run, "rows.npy", path);
    aenc_source *source = NULL;
    if (!npy_write(path, run->data->x, ROWS, COLS))
        recipe_good(run, AENC_ERR_IO);
    else
        recipe_good(run, aenc_source_npy(run->ctx, path, &source));
    fit_source(run, source, recipe_fit());
    remove(path);
}

/* ---- Streams ---- */

struct stream {
    const struct recipe_data *data;
    size_t at;   /* the next row */
    int targets; /* 1: and weights */
};

/* At most 37 rows at a time, so that batches are filled in parts. */
static int stream_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct stream *stream = user;
    size_t left = ROWS - stream->at, count = rows < 37 ? rows : 37;
    *got = count < left ? count : left;
    memcpy(input, stream->data->x + stream->at * COLS, *got * COLS * sizeof *input);
    if (stream->targets) {
        memcpy(target, stream->data->inverse + stream->at * COLS, *got * COLS * sizeof *input);
        memcpy(weight, stream->data->weight + stream->at, *got * sizeof *weight);
    }
    stream->at += *got;
    return 0;
}

static int stream_seek(void *user, uint64_t position) {
    struct stream *stream = user;
    stream->at = (size_t)position;
    return 0;
}

static void streamed(struct recipe_run *run, int targets, int64_t read_ahead, int passes) {
    struct stream stream = {.data = run->data, .targets = targets};
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks,
                                       .cols = COLS,
                                       .target_cols = targets ? COLS : 0,
                                       .rows = passes ? ROWS : 0,
                                       .read = stream_read,
                                       .seek = passes ? stream_seek : NULL,
                                       .user = &stream,
                                       .read_ahead = read_ahead};
    aenc_fit_options o = recipe_fit();
    if (!passes) o.steps_per_epoch = 2;
    aenc_source *source;
    recipe_good(run, aenc_source_callback(run->ctx, &callbacks, &source));
    fit_source(run, source, o);
}

static void stream_plain(struct recipe_run *run) { streamed(run, 0, 0, 1); }
static void stream_read_ahead(struct recipe_run *run) { streamed(run, 0, 1, 1); }
static void stream_targets(struct recipe_run *run) { streamed(run, 1, 0, 1); }
static void stream_targets_read_ahead(struct recipe_run *run) { streamed(run, 1, 1, 1); }
static void stream_once(struct recipe_run *run) { streamed(run, 0, 0, 0); }

const struct recipe source_recipes[] = {
    {"source_matrix", source_matrix, 0},   {"source_npy", source_npy, 0},
    {"stream", stream_plain, 0},           {"stream_read_ahead", stream_read_ahead, 0},
    {"stream_targets", stream_targets, 0}, {"stream_targets_read_ahead", stream_targets_read_ahead, 0},
    {"stream_once", stream_once, 0},       {0},
};
