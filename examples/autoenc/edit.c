/* edit.c - rows with an attribute changed: their codes moved in the direction of a class, or decoded under another value of a field. */
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "classes.h"
#include "commands.h"
#include "number.h"
#include "picture.h"
#include "pictures.h"

enum { STEPS = 5 };

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    struct data data, labels;
    struct fields *fields, *other; /* of data; of --as, for what is decoded */
    size_t picked, steps, code;    /* rows that are edited, columns of the picture, elements of the code */
    float *direction;              /* (code) */
    float *result;                 /* (picked * steps, output) */
};

static int check_options(const struct options *options) {
    bool toward = options->toward != NULL, as = options->as.count > 0;
    if (options->out == NULL) return tool_usage("edit needs -o PICTURE.png, or a file for rows");
    if (options->picked.count == 0) return tool_usage("edit needs --rows A,B,..., rows counted from 1");
    if (toward == as || options->as.count > 1) {
        return tool_usage("edit needs either --labels DATA --toward CLASS or one --as NAME=VALUES");
    }
    if (toward != (options->labels != NULL)) return tool_usage("edit: --labels and --toward go together");
    if (as && (options->from != NULL || options->strength != 0.0 || options->steps != 0)) {
        return tool_usage("edit: --from, --strength and --steps go with --toward only");
    }
    const char *const inputs[] = {options->operand[1], options->labels};
    return tool_output_check(options, inputs, 2);
}

static int read_class(const char *option, const char *text, float *out) {
    double value = 0.0;
    if (tool_number_parse(text, strlen(text), &value) != NUMBER_OK) {
        return tool_usage("edit: --%s: '%s' is not a class", option, text);
    }
    *out = (float)value;
    return TOOL_OK;
}

/* From the mean code of the other rows, or of those of --from, to the mean code of --toward. */
static int find_direction(struct job *job) {
    const struct options *options = job->options;
    float to = 0.0f, from = 0.0f;
    size_t rows = job->data.rows;
    int32_t *label = tool_allocate("the labels", rows, sizeof *label);
    float *codes = tool_allocate("codes", rows, job->code * sizeof *codes);
    int status = label != NULL && codes != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK) status = tool_labels_read(options, "labels", options->labels, &job->data, &job->labels);
    if (status == TOOL_OK) status = read_class("toward", options->toward, &to);
    if (status == TOOL_OK && options->from != NULL) status = read_class("from", options->from, &from);
    for (size_t i = 0; status == TOOL_OK && i < rows; i++) {
        float is = job->labels.values[i];
        label[i] = is == to ? 1 : options->from == NULL || is == from ? 0 : 2;
    }
    aenc_matrix x = {.data = codes, .rows = rows, .cols = job->code};
    aenc_status answer = AENC_OK;
    if (status == TOOL_OK) answer = tool_fields_run(job->model, "code", false, &job->data, NULL, codes, job->code);
    if (status == TOOL_OK && answer == AENC_OK) {
        answer = aenc_codes_attribute(job->ctx, &x, label, rows, 0, 1, job->direction, job->code);
        if (answer == AENC_ERR_ARGUMENT) {
            status = tool_fail("--labels %s: no row is of class %s, or none of the others", options->labels,
                               options->toward);
        }
    }
    if (status == TOOL_OK && answer != AENC_OK) {
        status = tool_library_refused(options, job->ctx, answer, &(struct tables){.x = &job->data});
    }
    free(label);
    free(codes);
    return status;
}

/* The codes of the picked rows, and from them those that are decoded, (steps, picked, code): a step of all rows behind the
 * other. */
static int edit_rows(struct job *job, const size_t *row, float *line, float *output, size_t cols) {
    size_t code = job->code, picked = job->picked, rows = picked * job->steps;
    double strength = job->options->strength != 0.0 ? job->options->strength : 1.0;
    struct data own = tool_rows_take(&job->data, row, picked), moved = {.values = line, .rows = rows, .cols = code};
    int status = own.values != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK && job->fields != NULL) {
        moved.fields = tool_fields_pick(job->fields, row, rows);
        if (moved.fields == NULL) status = TOOL_FAILED;
    }
    if (status == TOOL_OK && job->other != NULL) {
        struct data all = {.name = "--as", .rows = rows};
        status = tool_fields_read(job->options, job->other, &all);
        for (size_t i = 0; status == TOOL_OK && moved.fields != NULL && i < moved.fields->count; i++) {
            struct row_field *field = &moved.fields->field[i], kept = *field;
            if (strcmp(field->name, job->other->field[0].name) != 0) continue;
            *field = job->other->field[0];
            job->other->field[0] = kept;
            break;
        }
    }
    aenc_status answer = AENC_OK;
    if (status == TOOL_OK) answer = tool_fields_run(job->model, "code", false, &own, NULL, line, code);
    for (size_t i = picked * code; status == TOOL_OK && answer == AENC_OK && i < rows * code; i++)
        line[i] = line[i % (picked * code)];
    for (size_t i = 0; job->direction != NULL && status == TOOL_OK && i < rows * code; i++) {
        double t = strength * (double)(i / (picked * code)) / (double)(job->steps - 1);
        line[i] += (float)(t * (double)job->direction[i % code]);
    }
    if (status == TOOL_OK && answer == AENC_OK)
        answer = tool_fields_run(job->model, "output", true, &moved, NULL, output, cols);
    if (status == TOOL_OK && answer != AENC_OK) {
        status = tool_library_refused(job->options, job->ctx, answer, &(struct tables){.x = &moved});
    }
    tool_fields_free(own.fields);
    tool_fields_free(moved.fields);
    tool_data_free(&own);
    return status;
}

static int draw(const struct job *job, size_t cols) {
    const struct options *options = job->options;
    char *captions = tool_allocate(options->out, job->picked, GRID_CAPTION), note[160];
    struct grid_plot plot = {.rows = job->result,
                             .count = job->picked * job->steps,
                             .across = job->steps,
                             .cols = cols,
                             .captions = captions,
                             .title = "Codes with an attribute changed, decoded",
                             .note = note};
    if (captions == NULL) return TOOL_FAILED;
    if (options->toward != NULL) {
        (void)snprintf(note, sizeof note, "Left: the row's own code. Right: moved towards class %.40s by %s.",
                       options->toward, tool_value(options->strength != 0.0 ? options->strength : 1.0).text);
    } else {
        (void)snprintf(note, sizeof note, "The row's own code, decoded under %.100s.", options->as.value[0]);
    }
    for (size_t i = 0; i < job->picked; i++) {
        (void)snprintf(captions + i * GRID_CAPTION, GRID_CAPTION, "%zu", options->picked.value[i]);
    }
    int status = tool_picture_grid(options, options->out, &job->data, &plot);
    free(captions);
    return status;
}

static int run(struct job *job) {
    const struct options *options = job->options;
    size_t cols = aenc_model_output_size(job->model);
    job->picked = options->picked.count;
    job->code = aenc_model_code_size(job->model);
    job->steps = options->steps > 0 ? (size_t)options->steps : STEPS;
    if (job->other != NULL) job->steps = job->other->field[0].turns > 0 ? job->other->field[0].turns : 1;
    size_t rows = job->picked * job->steps;
    size_t *row = tool_allocate("rows", rows, sizeof *row);
    float *line = tool_allocate("codes", rows, job->code * sizeof *line);
    float *output = tool_allocate("the result", rows, cols * sizeof *output);
    job->result = tool_allocate("the result", rows, cols * sizeof *job->result);
    if (options->toward != NULL) job->direction = tool_allocate("codes", job->code, sizeof *job->direction);
    bool room = options->toward == NULL || job->direction != NULL;
    int status = row != NULL && line != NULL && output != NULL && job->result != NULL && room ? TOOL_OK : TOOL_FAILED;
    for (size_t i = 0; status == TOOL_OK && i < rows; i++) {
        row[i] = options->picked.value[i % job->picked] - 1;
        if (row[i] < job->data.rows) continue;
        status = tool_usage("edit: --rows: %s has no %s, only %zu rows", job->data.name, tool_row_text(row[i]).text,
                            job->data.rows);
    }
    if (status == TOOL_OK && job->direction != NULL) status = find_direction(job);
    if (status == TOOL_OK) status = edit_rows(job, row, line, output, cols);
    for (size_t i = 0; status == TOOL_OK && i < rows; i++) {
        size_t at = i % job->picked * job->steps + i / job->picked;
        memcpy(job->result + at * cols, output + i * cols, cols * sizeof *output);
    }
    if (status == TOOL_OK) {
        status = tool_output_is_picture(options->out)
                     ? draw(job, cols)
                     : tool_output_table(options->out, FORMAT_AUTO, job->result, rows, cols);
    }
    free(row);
    free(line);
    free(output);
    return status;
}

int tool_edit(const struct options *options) {
    struct job job = {.options = options};
    struct data_options how = tool_data_options(options);
    int status = check_options(options);
    if (status == TOOL_OK) status = tool_context_create(options, &job.ctx);
    if (status == TOOL_OK) status = tool_model_load(options, job.ctx, options->operand[0], &job.model);
    if (status == TOOL_OK) status = tool_fields_prepare(options, job.model, COMMAND_RECONSTRUCT, &job.fields);
    if (status == TOOL_OK) status = tool_fields_parse(options, "as", &options->as, &job.other);
    if (status == TOOL_OK) status = tool_fields_needed(options, job.model, "", "as", job.other);
    if (status == TOOL_OK && job.other != NULL && job.other->field[0].constant == NULL) {
        status = tool_usage("edit: --as %s: values are stated, as in label=0,1,2", options->as.value[0]);
    }
    if (status == TOOL_OK) status = tool_data_read(options->operand[1], &how, &job.data);
    if (status == TOOL_OK) status = tool_fields_attach(options, job.fields, &job.data);
    if (status == TOOL_OK)
        status = tool_data_fits(&job.data, NULL, options->operand[0], aenc_model_input_size(job.model));
    if (status == TOOL_OK) status = run(&job);
    free(job.direction);
    free(job.result);
    tool_fields_free(job.fields);
    tool_fields_free(job.other);
    tool_data_free(&job.data);
    tool_data_free(&job.labels);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
