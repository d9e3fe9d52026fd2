/* interpolate.c - what lies between two rows: the codes on the way, decoded. */
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "commands.h"
#include "picture.h"
#include "pictures.h"

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    struct data data;
    struct fields *fields; /* of data */
    float *ends;           /* (2 * pairs, cols): where the ways begin, then where they end */
    float *result;         /* (pairs * steps, output) */
};

static int check_options(const struct options *options) {
    if (options->out == NULL) return tool_usage("interpolate needs -o PICTURE.png, or a file for rows");
    if (options->picked.count == 0 || options->picked.count % 2 != 0) {
        return tool_usage("interpolate needs --rows A,B, pairs of rows counted from 1");
    }
    return tool_output_check(options, &options->operand[1], 1);
}

/* Row numbers on the command line become the ends of the ways. */
static int pick_ends(struct job *job) {
    const struct widths *picked = &job->options->picked;
    const struct data *data = &job->data;
    size_t pairs = picked->count / 2;
    job->ends = tool_allocate("the rows", 2 * pairs * data->cols, sizeof *job->ends);
    if (job->ends == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < 2 * pairs; i++) {
        size_t row = picked->value[i];
        if (row > data->rows) {
            return tool_usage("interpolate: --rows: %s has no %s, only %zu rows", data->name,
                              tool_row_text(row - 1).text, data->rows);
        }
        memcpy(job->ends + (i % 2 * pairs + i / 2) * data->cols, data->values + (row - 1) * data->cols,
               data->cols * sizeof *job->ends);
    }
    return TOOL_OK;
}

static int draw(const struct job *job, size_t pairs, size_t steps, size_t cols) {
    const struct options *options = job->options;
    char *captions = tool_allocate(options->out, pairs, GRID_CAPTION);
    struct grid_plot plot = {.rows = job->result,
                             .count = pairs * steps,
                             .across = steps,
                             .cols = cols,
                             .captions = captions,
                             .title = options->spherical ? "Spherical interpolation of codes"
                                                         : "Linear interpolation of codes",
                             .note = "Left: the numbers of the first and the last row."};
    if (captions == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < pairs; i++) {
        (void)snprintf(captions + i * GRID_CAPTION, GRID_CAPTION, "%zu to %zu", options->picked.value[2 * i],
                       options->picked.value[2 * i + 1]);
    }
    int status = tool_picture_grid(options, options->out, &job->data, &plot);
    free(captions);
    return status;
}

/* The library knows the ends as rows of a and b; the command line, as rows of
 * the file. */
static int refused(const struct job *job, aenc_status status) {
    const char *at = strstr(aenc_message(job->ctx), "a[");
    struct library_cell cell;
    if (at == NULL || !tool_library_cell(at, &cell) || 2 * cell.row + 1 >= job->options->picked.count) {
        return tool_library_failed(job->options, job->ctx, status);
    }
    const size_t *picked = job->options->picked.value + 2 * cell.row;
    return tool_fail(
        "interpolate: --rows: the codes of %s and %s of %s point in opposite directions: no arc is the shortest",
        tool_row_text(picked[0] - 1).text, tool_row_text(picked[1] - 1).text, job->data.name);
}

/* Rows are encoded with their own fields, and what lies between two is decoded with those of the first. */
static aenc_status interpolate_fields(const struct job *job, size_t pairs, size_t steps, int32_t way) {
    size_t code = aenc_model_code_size(job->model), cols = aenc_model_output_size(job->model), rows = pairs * steps;
    const size_t *picked = job->options->picked.value;
    float *codes = tool_allocate("codes", 2 * pairs + rows, code * sizeof *codes);
    size_t *row = tool_allocate("rows", 2 * pairs + rows, sizeof *row);
    struct data ends = {.values = job->ends, .rows = 2 * pairs, .cols = job->data.cols}, line = {.rows = rows};
    aenc_status status = codes != NULL && row != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    for (size_t i = 0; status == AENC_OK && i < 2 * pairs; i++) row[i % 2 * pairs + i / 2] = picked[i] - 1;
    for (size_t i = 0; status == AENC_OK && i < rows; i++) row[2 * pairs + i] = picked[2 * (i / steps)] - 1;
    if (status == AENC_OK) {
        ends.fields = tool_fields_pick(job->data.fields, row, ends.rows);
        line.fields = tool_fields_pick(job->data.fields, row + 2 * pairs, rows);
        if (ends.fields == NULL || line.fields == NULL) status = AENC_ERR_NO_MEMORY;
    }
    if (status == AENC_OK) status = tool_fields_run(job->model, "code", false, &ends, NULL, codes, code);
    aenc_matrix a = {.data = codes, .rows = pairs, .cols = code}, b = a;
    b.data += pairs * code;
    line.values = codes + 2 * pairs * code;
    line.cols = code;
    if (status == AENC_OK) status = aenc_codes_interpolate(job->ctx, &a, &b, steps, way, line.values, rows * code);
    if (status == AENC_OK) status = tool_fields_run(job->model, "output", true, &line, NULL, job->result, cols);
    tool_fields_free(ends.fields);
    tool_fields_free(line.fields);
    free(codes);
    free(row);
    return status;
}

static int run(struct job *job) {
    const struct options *options = job->options;
    size_t pairs = options->picked.count / 2, steps = options->steps > 0 ? (size_t)options->steps : 9;
    size_t cols = aenc_model_output_size(job->model), count = pairs * steps * cols;
    int status = pick_ends(job);
    if (status != TOOL_OK) return status;
    job->result = tool_allocate("the result", pairs * steps, cols * sizeof *job->result);
    if (job->result == NULL) return TOOL_FAILED;
    aenc_matrix a = {.data = job->ends, .rows = pairs, .cols = job->data.cols}, b = a;
    b.data += pairs * job->data.cols;
    int32_t way = options->spherical ? AENC_INTERPOLATE_SPHERICAL : AENC_INTERPOLATE_LINEAR;
    aenc_status answer = job->data.fields != NULL
                             ? interpolate_fields(job, pairs, steps, way)
                             : aenc_interpolate(job->model, &a, &b, steps, way, job->result, count);
    if (answer != AENC_OK) return refused(job, answer);
    if (!tool_output_is_picture(options->out)) {
        return tool_output_table(options->out, FORMAT_AUTO, job->result, pairs * steps, cols);
    }
    return draw(job, pairs, steps, cols);
}

int tool_interpolate(const struct options *options) {
    struct job job = {.options = options};
    struct data_options how = tool_data_options(options);
    int status = check_options(options);
    if (status == TOOL_OK) status = tool_context_create(options, &job.ctx);
    if (status == TOOL_OK) status = tool_model_load(options, job.ctx, options->operand[0], &job.model);
    if (status == TOOL_OK) status = tool_fields_prepare(options, job.model, COMMAND_RECONSTRUCT, &job.fields);
    if (status == TOOL_OK) status = tool_data_read(options->operand[1], &how, &job.data);
    if (status == TOOL_OK) status = tool_fields_attach(options, job.fields, &job.data);
    if (status == TOOL_OK)
        status = tool_data_fits(&job.data, NULL, options->operand[0], aenc_model_input_size(job.model));
    if (status == TOOL_OK) status = run(&job);
    free(job.ends);
    tool_fields_free(job.fields);
    free(job.result);
    tool_data_free(&job.data);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
