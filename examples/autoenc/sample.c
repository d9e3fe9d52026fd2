/* sample.c - codes drawn from a model's prior, decoded: rows for a file, pictures for the eye. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "number.h"
#include "picture.h"
#include "pictures.h"

enum { ROWS = 64, ACROSS_MAX = 20, MANIFOLD = 20, DRAWS = 10000, PICTURES_MAX = 2000, SIDE_MIN = 6, CURVES_ACROSS = 6 };

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    struct fields *fields; /* of rows */
    struct data rows;      /* how many; then the output */
};

static int check_options(const struct options *options) {
    if (options->out == NULL && options->pictures == NULL) {
        return tool_usage("sample needs -o FILE, for rows or a picture .png, or --pictures DIR");
    }
    return tool_output_check(options, NULL, 0);
}

static const char *result_of(const struct options *options) { return options->draws ? "draw" : "output"; }

/* Codes drawn for rows with these fields (NULL: none), and what they decode to: the result of that name, for free(). */
static int draw(const struct job *job, const char *result, struct fields *fields, size_t rows, size_t cols,
                float **out) {
    const struct options *options = job->options;
    aenc_sample_options asked = {.struct_size = sizeof asked, .temperature = options->temperature};
    aenc_array in[FIELDS_MAX], wanted = {.struct_size = sizeof wanted, .name = result, .rank = 2};
    const aenc_array *given[FIELDS_MAX], *results = &wanted;
    const size_t dims[] = {rows, cols};
    size_t count = fields != NULL ? fields->count : 0;
    for (size_t i = 0; i < count; i++) {
        in[i] = tool_field_array(&fields->field[i], rows);
        given[i] = &in[i];
    }
    *out = tool_allocate("samples", rows, cols * sizeof **out);
    if (*out == NULL) return TOOL_FAILED;
    wanted.data = *out;
    wanted.size = rows * cols * sizeof **out;
    wanted.dims = dims;
    aenc_status status = aenc_sample(job->model, &asked, given, count, &results, 1);
    const struct data of = {.fields = fields};
    if (status == AENC_OK) return TOOL_OK;
    if (status == AENC_ERR_UNSUPPORTED) return tool_fail("%s: %s", options->operand[0], aenc_message(job->ctx));
    return tool_library_refused(options, job->ctx, status, &(struct tables){.x = &of});
}

/* ---- Pictures ---- */

/* The field with a list of values; NULL: none. */
static const struct row_field *turning(const struct fields *fields) {
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        if (fields->field[i].turns > 1) return &fields->field[i];
    }
    return NULL;
}

/* Samples side by side; a line for each value of a list. */
static int draw_samples(const struct job *job, const char *path) {
    const struct row_field *field = turning(job->fields);
    size_t rows = job->rows.rows < PICTURES_MAX ? job->rows.rows : PICTURES_MAX;
    struct grid_plot plot = {.rows = job->rows.values, .count = rows, .cols = job->rows.cols};
    char note[64], *captions = NULL;
    plot.title = job->options->draws ? "Samples: codes from the prior, values from the likelihood"
                                     : "Samples: codes from the prior, decoded";
    (void)snprintf(note, sizeof note, "Temperature %s.",
                   tool_value(job->options->temperature > 0.0 ? job->options->temperature : 1.0).text);
    if (job->options->temperature > 0.0) plot.note = note;
    bool lines = field != NULL && rows % field->turns == 0 && rows / field->turns <= ACROSS_MAX;
    plot.across = lines ? rows / field->turns : rows < CURVES_ACROSS ? rows : CURVES_ACROSS;
    if (!lines && job->options->image.channels != 0) plot.across = tool_grid_across(job->options->image, rows);
    if (lines) {
        captions = tool_allocate("captions", field->turns, GRID_CAPTION);
        if (captions == NULL) return TOOL_FAILED;
        for (size_t i = 0; i < field->turns; i++) {
            (void)snprintf(captions + i * GRID_CAPTION, GRID_CAPTION, "%.15s %.31s", field->name,
                           tool_value(tool_field_value(field, i * plot.across)).text);
        }
        plot.captions = captions;
    }
    int status = tool_picture_grid(job->options, path, &job->rows, &plot);
    free(captions);
    return status;
}

/* Codes of two elements on a grid of quantiles of the prior, the first from left to right and the second from below; fields as
 * in the first row. */
static int draw_manifold(const struct job *job, const char *path) {
    const struct options *options = job->options;
    size_t rows = (size_t)MANIFOLD * MANIFOLD, cols = aenc_model_output_size(job->model);
    double share[MANIFOLD];
    float quantile[MANIFOLD * 2], *prior = NULL;
    float *codes = tool_allocate("manifold.png", rows, 2 * sizeof *codes);
    float *output = tool_allocate("manifold.png", rows, cols * sizeof *output);
    size_t *row = tool_allocate("manifold.png", DRAWS, sizeof *row);
    struct fields *fields = row != NULL && job->fields != NULL ? tool_fields_pick(job->fields, row, DRAWS) : NULL;
    int status = codes != NULL && output != NULL && row != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK && job->fields != NULL && fields == NULL) status = TOOL_FAILED;
    if (status == TOOL_OK) status = draw(job, "code", fields, DRAWS, 2, &prior);
    for (size_t i = 0; i < MANIFOLD; i++) share[i] = ((double)i + 0.5) / MANIFOLD;
    aenc_matrix drawn = {.data = prior, .rows = DRAWS, .cols = 2};
    aenc_status answer = AENC_OK;
    if (status == TOOL_OK) {
        answer = aenc_codes_quantiles(job->ctx, &drawn, share, MANIFOLD, quantile, sizeof quantile / sizeof *quantile);
    }
    for (size_t i = 0; status == TOOL_OK && i < rows; i++) {
        codes[2 * i] = quantile[2 * (i % MANIFOLD)];
        codes[2 * i + 1] = quantile[2 * (MANIFOLD - 1 - i / MANIFOLD) + 1];
    }
    struct data grid = {.values = codes, .rows = rows, .cols = 2, .fields = fields};
    aenc_matrix grid_codes = tool_data_matrix(&grid);
    if (status == TOOL_OK && answer == AENC_OK) {
        answer = fields != NULL ? tool_fields_run(job->model, "output", true, &grid, NULL, output, cols)
                                : aenc_decode(job->model, &grid_codes, output, rows * cols);
    }
    if (status == TOOL_OK && answer != AENC_OK) status = tool_library_failed(options, job->ctx, answer);
    struct grid_plot plot = {.rows = output, .count = rows, .across = MANIFOLD, .cols = cols};
    plot.title = "Manifold: decoded codes of two elements";
    plot.note = fields != NULL ? "A grid of quantiles of the prior; fields as in the first sample."
                               : "A grid of quantiles of the prior: element 1 to the right, element 2 upwards.";
    if (status == TOOL_OK) status = tool_picture_grid(options, path, &job->rows, &plot);
    tool_fields_free(fields);
    free(row);
    free(prior);
    free(codes);
    free(output);
    return status;
}

static int draw_pictures(const struct job *job) {
    char *samples = tool_picture_path(job->options, "samples.png");
    char *manifold = tool_picture_path(job->options, "manifold.png");
    int status = samples != NULL && manifold != NULL ? draw_samples(job, samples) : TOOL_FAILED;
    if (status == TOOL_OK && aenc_model_code_size(job->model) == 2) status = draw_manifold(job, manifold);
    free(samples);
    free(manifold);
    return status;
}

/* ---- The command ---- */

static int open_job(struct job *job) {
    const struct options *options = job->options;
    int status = tool_context_create(options, &job->ctx);
    if (status == TOOL_OK) status = tool_model_load(options, job->ctx, options->operand[0], &job->model);
    if (status == TOOL_OK) status = tool_fields_prepare(options, job->model, COMMAND_DECODE, &job->fields);
    if (status != TOOL_OK) return status;
    job->rows = (struct data){.name = "--rows", .rows = (size_t)options->rows};
    job->rows.cols = tool_result_size(job->model, result_of(options));
    if (job->rows.rows == 0) job->rows.rows = tool_fields_rows(job->fields, ROWS);
    struct data of = job->rows;
    of.name = options->operand[0];
    size_t side = (size_t)sqrt((double)of.cols);
    bool drawn = options->pictures != NULL || tool_output_is_picture(options->out);
    if (drawn && options->image.channels == 0 && side >= SIDE_MIN && side * side == of.cols)
        tool_note("rows are drawn as curves; --image %zux%zu draws them as images", side, side);
    return tool_image_fits(options, &of);
}

static int run(struct job *job) {
    const struct options *options = job->options;
    int status = tool_fields_attach(options, job->fields, &job->rows);
    if (status == TOOL_OK)
        status = draw(job, result_of(options), job->fields, job->rows.rows, job->rows.cols, &job->rows.values);
    if (status == TOOL_OK && tool_output_is_picture(options->out)) {
        status = draw_samples(job, options->out);
    } else if (status == TOOL_OK && options->out != NULL) {
        status = tool_output_table(options->out, (enum format)options->format, job->rows.values, job->rows.rows,
                                   job->rows.cols);
    }
    if (status == TOOL_OK && options->pictures != NULL) status = draw_pictures(job);
    return status;
}

int tool_sample(const struct options *options) {
    struct job job = {.options = options};
    struct data none = {0};
    int status = check_options(options);
    if (status == TOOL_OK) status = tool_pictures_prepare(options, &none);
    if (status == TOOL_OK) status = open_job(&job);
    if (status == TOOL_OK) status = run(&job);
    tool_data_free(&job.rows);
    tool_fields_free(job.fields);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
