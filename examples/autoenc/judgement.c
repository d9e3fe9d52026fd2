/* judgement.c - what a detector states about rows, and how that is written. */
#include "judgement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "number.h"

/* ---- Making ---- */

enum { BLOCK = 1024 }; /* rows whose features are held at once */

static int columns_find(const struct options *options, aenc_context *ctx, aenc_detector *detector,
                        const struct data *data, size_t *column) {
    size_t most = data->rows < BLOCK ? data->rows : BLOCK;
    float *feature = tool_allocate("scores of features", most, data->cols * sizeof *feature);
    aenc_status status = AENC_OK;
    if (feature == NULL) return TOOL_FAILED;
    for (size_t first = 0; first < data->rows && status == AENC_OK; first += BLOCK) {
        size_t rows = data->rows - first < BLOCK ? data->rows - first : BLOCK;
        aenc_matrix x = {data->values + first * data->cols, rows, data->cols, 0};
        status = aenc_detector_score_features(detector, &x, feature, rows * data->cols);
        for (size_t r = 0; r < rows && status == AENC_OK; r++) {
            const float *row = feature + r * data->cols;
            size_t best = 0;
            for (size_t c = 1; c < data->cols; c++) best = row[c] > row[best] ? c : best;
            column[first + r] = best;
        }
    }
    free(feature);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(options, ctx, status);
}

int tool_judgement_make(const struct options *options, aenc_context *ctx, aenc_detector *detector,
                        const struct data *data, bool whole, struct judgement *out) {
    aenc_matrix x = tool_data_matrix(data);
    *out = (struct judgement){.rows = data->rows, .threshold = aenc_detector_threshold(detector)};
    out->score = tool_allocate("scores", data->rows, sizeof *out->score);
    if (whole) out->probability = tool_allocate("probabilities", data->rows, sizeof *out->probability);
    if (whole) out->column = tool_allocate("columns", data->rows, sizeof *out->column);
    if (out->score == NULL || (whole && (out->probability == NULL || out->column == NULL))) return TOOL_FAILED;
    aenc_status status = aenc_detector_score(detector, &x, out->score, x.rows);
    if (status == AENC_OK && whole) status = aenc_detector_probability(detector, &x, out->probability, x.rows);
    if (status != AENC_OK) return tool_library_failed(options, ctx, status);
    for (size_t i = 0; i < out->rows; i++) out->flagged += (double)out->score[i] > out->threshold;
    return whole ? columns_find(options, ctx, detector, data, out->column) : TOOL_OK;
}

void tool_judgement_free(struct judgement *judgement) {
    free(judgement->score);
    free(judgement->probability);
    free(judgement->column);
}

/* ---- Writing ---- */

struct lines {
    char *at;
    size_t used, room;
};

/* Room for so many bytes more. */
static bool text_reserve(struct lines *text, size_t more) {
    if (text->room - text->used >= more) return true;
    size_t room = 2 * text->room + more;
    char *at = realloc(text->at, room);
    if (at == NULL) return false;
    text->at = at;
    text->room = room;
    return true;
}

/* A name as a field of CSV: quoted where it has to be. There is room. */
static void put_name(struct lines *text, const char *name) {
    bool quoted = strpbrk(name, ",\"\r\n") != NULL || *name == ' ' || *name == '\0';
    if (quoted) text->at[text->used++] = '"';
    for (; *name != '\0'; name++) {
        if (*name == '"') text->at[text->used++] = '"';
        text->at[text->used++] = *name;
    }
    if (quoted) text->at[text->used++] = '"';
}

static bool put_row(struct lines *text, const struct judgement *judgement, const struct data *data, size_t i) {
    char score[32], probability[32];
    size_t column = judgement->column[i];
    const char *name = data->names != NULL ? data->names[column] : NULL;
    (void)tool_number_print(judgement->score[i], score);
    (void)tool_number_print(judgement->probability[i], probability);
    if (!text_reserve(text, 160 + (name != NULL ? 2 * strlen(name) : 0))) return false;
    int flag = (double)judgement->score[i] > judgement->threshold;
    text->used += (size_t)snprintf(text->at + text->used, 128, "%zu,%s,%s,%d,", i + 1, score, probability, flag);
    if (name != NULL)
        put_name(text, name);
    else
        text->used += (size_t)snprintf(text->at + text->used, 24, "%zu",
                                       (data->places != NULL ? data->places[column] : column) + 1);
    text->at[text->used++] = '\n';
    return true;
}

int tool_judgement_write(const char *path, const struct judgement *judgement, const struct data *data) {
    static const char header[] = "row,score,probability,flag,column\n";
    struct lines text = {0};
    bool good = text_reserve(&text, sizeof header + 64 * judgement->rows);
    if (good) memcpy(text.at, header, sizeof header);
    text.used = good ? sizeof header - 1 : 0;
    for (size_t i = 0; good && i < judgement->rows; i++) good = put_row(&text, judgement, data, i);
    int status = good ? tool_output_bytes(path, text.at, text.used) : tool_fail("%s: out of memory", path);
    free(text.at);
    return status;
}

/* ---- The threshold ---- */

void tool_threshold_print(double threshold, char *out) {
    float below = (float)threshold;
    if ((double)below > threshold) below = nextafterf(below, -INFINITY);
    (void)tool_number_print(below, out);
}

void tool_threshold_origin(const aenc_detector *detector, char *out, size_t size) {
    const char *spec = aenc_detector_threshold_spec(detector);
    size_t rows = aenc_detector_rows(detector);
    if (spec != NULL && rows > 0)
        (void)snprintf(out, size, "%s of the scores of %zu training rows", spec, rows);
    else if (rows > 0)
        (void)snprintf(out, size, "set by the caller; %zu training rows", rows);
    else
        (void)snprintf(out, size, "the file does not state how it was found");
}

/* ---- Files ---- */

int tool_detector_find(const struct options *options, aenc_context *ctx, const char *path, aenc_detector **out) {
    *out = NULL;
    if (strcmp(path, "-") == 0) return TOOL_OK; /* a model's message */
    aenc_status status = aenc_detector_load(ctx, path, out);
    if (status == AENC_OK) return TOOL_OK;
    if (status == AENC_ERR_FORMAT && strstr(aenc_message(ctx), "it has no metadata") != NULL) return TOOL_OK;
    return tool_library_failed(options, ctx, status);
}
