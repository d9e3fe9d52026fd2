/* use.c - a trained model over rows: encode, decode, reconstruct, score. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "commands.h"
#include "judgement.h"
#include "number.h"
#include "picture.h"
#include "pictures.h"

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    aenc_detector *detector; /* of score, where the file has one: the model is its; NULL: none */
    struct data data, target, labels;
    struct fields *fields; /* of data */
    float *result;
    size_t cols;
};

int tool_stdin_once(const struct options *options, const char *const *paths, size_t count) {
    size_t uses = 0;
    for (size_t i = 0; i < count; i++) uses += paths[i] != NULL && strcmp(paths[i], "-") == 0;
    const struct specs *fields[] = {&options->fields, &options->valid_fields};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < fields[i]->count; k++) {
            const char *path = strchr(fields[i]->value[k], '=') + 1;
            uses += path[0] == '-' && (path[1] == '\0' || path[1] == ':');
        }
    }
    if (uses <= 1) return TOOL_OK;
    return tool_usage("%s: standard input ('-') can be read only once", options->command_name);
}

bool tool_output_is_picture(const char *path) {
    size_t length = path == NULL ? 0 : strlen(path);
    return length > 4 && strcmp(path + length - 4, ".png") == 0;
}

int tool_output_check(const struct options *options, const char *const *inputs, size_t count) {
    enum format format;
    bool picture = tool_output_is_picture(options->out);
    if (picture && tool_picture_version() == NULL) {
        return tool_usage("%s: -o %s: this autoenc was built without libpng", options->command_name, options->out);
    }
    int status = tool_stdin_once(options, inputs, count);
    if (status != TOOL_OK || options->out == NULL || picture) return status;
    return tool_output_format(options->out, (enum format)options->format, &format);
}

int tool_model_load(const struct options *options, aenc_context *ctx, const char *path, aenc_model **out) {
    *out = NULL;
    if (strcmp(path, "-") == 0) return tool_usage("%s: the model is read from a file, not '-'", options->command_name);
    aenc_status status = aenc_model_load(ctx, path, out);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(options, ctx, status);
}

static size_t result_cols(const struct options *options, const aenc_model *model, enum command command) {
    if (command == COMMAND_ENCODE) return aenc_model_code_size(model);
    if (command == COMMAND_SCORE && !options->features) return 1;
    return aenc_model_output_size(model);
}

const char *tool_result_name(const struct options *options, enum command command) {
    if (command == COMMAND_SCORE)
        return options->part != NULL ? options->part : options->features ? "features" : "score";
    if (command == COMMAND_ENCODE) return options->result != NULL ? options->result : "code";
    return "output";
}

int tool_fields_prepare(const struct options *options, aenc_model *model, enum command command, struct fields **out) {
    int status = tool_fields_parse(options, "field", &options->fields, out);
    if (status != TOOL_OK) return status;
    return tool_fields_needed(options, model, tool_result_name(options, command), "field", *out);
}

int tool_fields_attach(const struct options *options, struct fields *fields, struct data *data) {
    data->fields = fields;
    return tool_fields_read(options, fields, data);
}

static aenc_array dense_array(const char *name, float *data, const size_t dims[2]) {
    aenc_array array = {.struct_size = sizeof array, .name = name, .dims = dims, .rank = 2};
    array.data = data;
    array.size = dims[0] * dims[1] * sizeof *data;
    return array;
}

static aenc_status fields_run(aenc_model *model, const aenc_run_options *how, const char *name, bool codes,
                              const struct data *data, const struct data *target, float *out, size_t cols) {
    aenc_array in[FIELDS_MAX + 2], result;
    const aenc_array *given[FIELDS_MAX + 2], *wanted = &result;
    const size_t dims[] = {data->rows, data->cols}, result_dims[] = {data->rows, cols};
    size_t count = 0, target_dims[2] = {data->rows, 0};
    in[count++] = dense_array(codes ? "code" : "input", data->values, dims);
    for (size_t i = 0; data->fields != NULL && i < data->fields->count; i++) {
        in[count++] = tool_field_array(&data->fields->field[i], data->rows);
    }
    if (target != NULL) {
        target_dims[1] = target->cols;
        in[count++] = dense_array("target", target->values, target_dims);
    }
    for (size_t i = 0; i < count; i++) given[i] = &in[i];
    result = dense_array(name, out, result_dims);
    return aenc_run(model, how, given, count, &wanted, 1);
}

aenc_status tool_fields_run(aenc_model *model, const char *name, bool codes, const struct data *data,
                            const struct data *target, float *out, size_t cols) {
    return fields_run(model, NULL, name, codes, data, target, out, cols);
}

int tool_model_run(const struct options *options, aenc_context *ctx, aenc_model *model, enum command command,
                   const struct data *data, const struct data *target, float **out, size_t *cols) {
    aenc_matrix x = tool_data_matrix(data), wanted = {0};
    const aenc_matrix *y = NULL;
    aenc_status status = AENC_OK;
    *cols = result_cols(options, model, command);
    if (*cols != 0 && data->rows > SIZE_MAX / sizeof(float) / *cols) {
        return tool_fail("%zu rows of %zu numbers are more than memory can address", data->rows, *cols);
    }
    size_t count = data->rows * *cols;
    *out = tool_allocate("the result", count, sizeof **out);
    if (*out == NULL) return TOOL_FAILED;
    if (target != NULL) {
        wanted = tool_data_matrix(target);
        y = &wanted;
    }
    const aenc_run_options how = {.struct_size = sizeof how, .samples = (size_t)options->samples};
    if (data->fields != NULL || options->samples > 0)
        status = fields_run(model, &how, tool_result_name(options, command), command == COMMAND_DECODE, data, target,
                            *out, *cols);
    else if (command == COMMAND_ENCODE)
        status = aenc_encode(model, &x, *out, count);
    else if (command == COMMAND_DECODE)
        status = aenc_decode(model, &x, *out, count);
    else if (command == COMMAND_RECONSTRUCT)
        status = aenc_reconstruct(model, &x, *out, count);
    else if (options->features)
        status = aenc_score_features(model, &x, y, *out, count);
    else
        status = aenc_score(model, &x, y, *out, count);
    if (status == AENC_OK) return TOOL_OK;
    free(*out);
    *out = NULL;
    return tool_library_refused(options, ctx, status, &(struct tables){.x = data, .target = target});
}

/* The detector of a file of score's, else the model. */
static int open_model(struct job *job) {
    const struct options *options = job->options;
    int status = TOOL_OK;
    if ((options->samples > 0) + options->features + (options->part != NULL) > 1) {
        return tool_usage("score: only one of --samples, --features and --part can be given");
    }
    if (options->command == COMMAND_SCORE) {
        status = tool_detector_find(options, job->ctx, options->operand[0], &job->detector);
    }
    if (status != TOOL_OK || job->detector == NULL) {
        return status != TOOL_OK ? status : tool_model_load(options, job->ctx, options->operand[0], &job->model);
    }
    job->model = aenc_detector_model(job->detector);
    if (options->samples > 0 || options->part != NULL)
        return tool_usage("score: %s is a detector; --samples and --part are for variational models",
                          options->operand[0]);
    if (options->target == NULL) return TOOL_OK;
    return tool_usage("score: %s is a detector, and scores rows by themselves, not against --target",
                      options->operand[0]);
}

static int read_job(struct job *job) {
    const struct options *options = job->options;
    struct data_options how = tool_data_options(options);
    int status = tool_context_create(options, &job->ctx);
    if (status == TOOL_OK) status = open_model(job);
    if (status == TOOL_OK) status = tool_fields_prepare(options, job->model, options->command, &job->fields);
    if (status == TOOL_OK) status = tool_data_read(options->operand[1], &how, &job->data);
    if (status == TOOL_OK && options->target != NULL) status = tool_data_read(options->target, &how, &job->target);
    if (status == TOOL_OK) status = tool_fields_attach(options, job->fields, &job->data);
    bool codes = options->command == COMMAND_DECODE;
    if (status == TOOL_OK) {
        status = tool_data_fits(&job->data, NULL, options->operand[0],
                                codes ? aenc_model_code_size(job->model) : aenc_model_input_size(job->model));
    }
    if (status == TOOL_OK && !codes) status = tool_image_fits(options, &job->data);
    if (status == TOOL_OK && options->target != NULL) {
        status = tool_data_fits(&job->target, "target", options->operand[0], aenc_model_output_size(job->model));
    }
    return status;
}

static int detector_run(struct job *job) {
    const struct options *options = job->options;
    aenc_matrix x = tool_data_matrix(&job->data);
    job->cols = options->features ? x.cols : 1;
    job->result = tool_allocate("scores", x.rows, job->cols * sizeof *job->result);
    if (job->result == NULL) return TOOL_FAILED;
    aenc_status status = options->features
                             ? aenc_detector_score_features(job->detector, &x, job->result, x.rows * x.cols)
                             : aenc_detector_score(job->detector, &x, job->result, x.rows);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(options, job->ctx, status);
}

/* Scores beyond what a float holds become the largest float: no reader of tables takes an infinite one. */
static int scores_limit(struct job *job) {
    size_t first = 0, count = 0;
    for (size_t row = 0; row < job->data.rows; row++) {
        bool beyond = false;
        for (size_t i = row * job->cols; i < (row + 1) * job->cols; i++) {
            if (isnan(job->result[i]))
                return tool_fail("%s: %s has no score: it is not a number", job->data.name, tool_row_text(row).text);
            if (!isinf(job->result[i])) continue;
            job->result[i] = job->result[i] > 0 ? FLT_MAX : -FLT_MAX;
            beyond = true;
        }
        if (beyond && count++ == 0) first = row;
    }
    if (count > 0) {
        tool_note(
            "%s: the scores of %zu row%s (the first is %s) are beyond what a float holds; the largest float is written",
            job->data.name, count, count == 1 ? "" : "s", tool_row_text(first).text);
    }
    return TOOL_OK;
}

size_t tool_result_size(aenc_model *model, const char *name) {
    for (size_t i = 0; i < aenc_model_port_count(model); i++) {
        aenc_port port = {.struct_size = sizeof port};
        if (aenc_model_port(model, i, &port) != AENC_OK || port.kind == AENC_PORT_FIELD) continue;
        if (strcmp(port.name, name) == 0) return port.size;
    }
    return 0;
}

/* Another result than the usual one, which the model has by name; a part of a score is one number for each row. */
static int result_run(struct job *job, const struct data *target) {
    const struct options *options = job->options;
    bool part = options->part != NULL;
    const char *name = part ? options->part : options->result;
    char known[512] = "";
    size_t used = 0;
    job->cols = tool_result_size(job->model, name);
    for (size_t i = 0; i < aenc_model_port_count(job->model); i++) {
        aenc_port port = {.struct_size = sizeof port};
        if (aenc_model_port(job->model, i, &port) != AENC_OK || port.kind != AENC_PORT_RESULT) continue;
        int more = snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", port.name);
        used += more > 0 && (size_t)more < sizeof known - used ? (size_t)more : 0;
    }
    if (job->cols == 0) {
        return tool_usage("%s: --%s %s: %s has no such result; it has: %s", options->command_name,
                          part ? "part" : "result", name, options->operand[0], known);
    }
    job->result = tool_allocate("the result", job->data.rows, job->cols * sizeof *job->result);
    if (job->result == NULL) return TOOL_FAILED;
    aenc_status status = tool_fields_run(job->model, name, false, &job->data, target, job->result, job->cols);
    if (status != AENC_OK) {
        return tool_library_refused(options, job->ctx, status, &(struct tables){.x = &job->data, .target = target});
    }
    for (size_t row = 0; part && row < job->data.rows; row++) {
        double sum = 0.0;
        for (size_t i = 0; i < job->cols; i++) sum += (double)job->result[row * job->cols + i];
        job->result[row] = (float)sum;
    }
    if (part) job->cols = 1;
    return TOOL_OK;
}

static int run_job(struct job *job) {
    const struct options *options = job->options;
    const char *path = options->out != NULL ? options->out : "-";
    const struct data *target = options->target != NULL ? &job->target : NULL;
    bool named = options->result != NULL || options->part != NULL;
    int status = job->detector != NULL ? detector_run(job)
                 : named               ? result_run(job, target)
                         : tool_model_run(options, job->ctx, job->model, options->command, &job->data, target,
                                          &job->result, &job->cols);
    if (status == TOOL_OK && options->command == COMMAND_SCORE) status = scores_limit(job);
    if (status == TOOL_OK) {
        status = tool_output_table(path, (enum format)options->format, job->result, job->data.rows, job->cols);
    }
    if (status == TOOL_OK && options->pictures != NULL) {
        status = tool_pictures_rows(options, job->ctx, job->model, &job->data,
                                    options->labels != NULL ? &job->labels : NULL);
    }
    return status;
}

int tool_use(const struct options *options) {
    struct job job = {.options = options};
    enum format format;
    const char *path = options->out != NULL ? options->out : "-";
    const char *const inputs[] = {options->operand[1], options->target, options->labels};
    int status = tool_stdin_once(options, inputs, 3);
    if (status == TOOL_OK) status = tool_output_format(path, (enum format)options->format, &format);
    if (status == TOOL_OK) status = tool_pictures_prepare(options, &job.labels);
    if (status == TOOL_OK) status = read_job(&job);
    if (status == TOOL_OK) status = run_job(&job);
    free(job.result);
    tool_fields_free(job.fields);
    tool_data_free(&job.data);
    tool_data_free(&job.target);
    tool_data_free(&job.labels);
    if (job.detector == NULL) aenc_model_free(job.model);
    aenc_detector_free(job.detector);
    aenc_context_free(job.ctx);
    return status;
}
