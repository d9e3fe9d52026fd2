/* classes.c - labels in and out, and training layer by layer. */
#include "classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "number.h"

int tool_labels_read(const struct options *options, const char *name, const char *path, const struct data *of,
                     struct data *out) {
    struct data_options how = tool_label_options(options);
    int status = tool_data_read(path, &how, out);
    if (status != TOOL_OK) return status;
    if (out->cols != 1) {
        return tool_fail("--%s %s: has %zu columns, where one label per row is wanted", name, path, out->cols);
    }
    if (out->rows == of->rows) return TOOL_OK;
    return tool_fail("--%s %s: has %zu rows, but %s has %zu%s", name, path, out->rows, of->name, of->rows,
                     tool_data_header_hint(out, of->rows));
}

int tool_labels_whole(const struct data *labels, int32_t **out) {
    *out = tool_allocate(labels->name, labels->rows, sizeof **out);
    if (*out == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < labels->rows; i++) {
        float value = labels->values[i];
        if (value < 0.0f || value > 1e9f || value != floorf(value)) {
            free(*out);
            *out = NULL;
            return tool_fail("%s: %s is %s, not a class 0, 1, 2 ...", labels->name, tool_row_text(i).text,
                             tool_value_float(value).text);
        }
        (*out)[i] = (int32_t)value;
    }
    return TOOL_OK;
}

/* ---- Layers ---- */

static int layer_event(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    struct progress *progress = user;
    progress->layer = layer;
    progress->layers = layers;
    return tool_progress_event(progress, now);
}

int tool_pretrain(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                  struct progress *progress) {
    aenc_matrix x = tool_data_matrix(data);
    aenc_fit_options fit = {.struct_size = sizeof fit};
    aenc_pretrain_options asked = {.struct_size = sizeof asked};
    fit.epochs = options->pretrain;
    fit.batch = options->batch;
    fit.optimizer = options->pretrain_optimizer;
    fit.validation_fraction = options->validation_fraction; /* the same rows as in training: they follow from
                                               the seed and their number */
    fit.checkpoint = options->checkpoint;
    fit.resume = options->checkpoint != NULL && options->resume ? AENC_RESUME_IF_THERE : AENC_RESUME_NEVER;
    (void)tool_every_parse(options, &fit); /* was read before */
    asked.fit = &fit;
    if (options->pretrain_corrupt != NULL) asked.corruptions = &options->pretrain_corrupt;
    asked.corruption_count = options->pretrain_corrupt != NULL;
    if (options->pretrain_penalty != NULL) asked.penalties = &options->pretrain_penalty;
    asked.penalty_count = options->pretrain_penalty != NULL;
    asked.tied = options->tied;
    asked.progress = layer_event;
    asked.progress_user = progress;
    aenc_status status = aenc_pretrain(model, &x, &asked);
    progress->layer = progress->layers = 0;
    if (aenc_model_notice(model)[0] != '\0') (void)tool_fail("%s", aenc_model_notice(model));
    return status == AENC_OK ? TOOL_OK : tool_library_refused(options, ctx, status, &(struct tables){.x = data});
}

const char *tool_pretrain_key(const struct options *options, char *key, size_t size) {
    const char *optimizer = options->pretrain_optimizer, *corrupt = options->pretrain_corrupt,
               *penalty = options->pretrain_penalty;
    (void)snprintf(key, size, "--pretrain %lld%s%s%s%s%s%s", (long long)options->pretrain,
                   optimizer == NULL ? "" : " --pretrain-optimizer ", optimizer == NULL ? "" : optimizer,
                   corrupt == NULL ? "" : " --pretrain-corrupt ", corrupt == NULL ? "" : corrupt,
                   penalty == NULL ? "" : " --pretrain-penalty ", penalty == NULL ? "" : penalty);
    return key;
}

void tool_pretrain_forget(const struct options *options) {
    char *path = tool_allocate(options->checkpoint, strlen(options->checkpoint) + 32, 1);
    int layer = 0;
    do {
        if (path == NULL) return;
        (void)snprintf(path, strlen(options->checkpoint) + 32, "%s.layer-%d", options->checkpoint, ++layer);
    } while (remove(path) == 0);
    free(path);
}

/* ---- The command ---- */

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    struct data data, labels;
    struct fields *fields; /* of data */
    int32_t *wanted;
    float *result;
};

static int job_read(struct job *job) {
    const struct options *options = job->options;
    struct data_options how = tool_data_options(options);
    int status = tool_context_create(options, &job->ctx);
    if (status == TOOL_OK) status = tool_model_load(options, job->ctx, options->operand[0], &job->model);
    if (status == TOOL_OK) status = tool_fields_prepare(options, job->model, COMMAND_CLASSIFY, &job->fields);
    if (status == TOOL_OK) status = tool_data_read(options->operand[1], &how, &job->data);
    if (status == TOOL_OK) status = tool_fields_attach(options, job->fields, &job->data);
    if (status == TOOL_OK)
        status = tool_data_fits(&job->data, NULL, options->operand[0], aenc_model_input_size(job->model));
    if (status != TOOL_OK || options->labels == NULL) return status;
    status = tool_labels_read(options, "labels", options->labels, &job->data, &job->labels);
    return status == TOOL_OK ? tool_labels_whole(&job->labels, &job->wanted) : status;
}

/* The largest logit of each row. */
static aenc_status classify_fields(const struct job *job, int32_t *label) {
    size_t cols = aenc_model_output_size(job->model);
    float *logit = tool_allocate("the result", job->data.rows, cols * sizeof *logit);
    if (logit == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = tool_fields_run(job->model, "output", false, &job->data, NULL, logit, cols);
    for (size_t i = 0; status == AENC_OK && i < job->data.rows; i++) {
        size_t best = 0;
        for (size_t c = 1; c < cols; c++) best = logit[i * cols + c] > logit[i * cols + best] ? c : best;
        label[i] = (int32_t)best;
    }
    free(logit);
    return status;
}

static int job_run(struct job *job) {
    aenc_matrix x = tool_data_matrix(&job->data);
    const char *path = job->options->out != NULL ? job->options->out : "-";
    double share = 0.0;
    int32_t *label = tool_allocate("the result", job->data.rows, sizeof *label);
    job->result = tool_allocate("the result", job->data.rows, sizeof *job->result);
    aenc_status status = AENC_OK;
    if (label == NULL || job->result == NULL) {
        free(label);
        return TOOL_FAILED;
    }
    if (job->data.fields != NULL)
        status = classify_fields(job, label);
    else
        status = aenc_classify(job->model, &x, label, job->data.rows);
    for (size_t i = 0; status == AENC_OK && job->wanted != NULL && i < x.rows; i++) {
        share += (label[i] == job->wanted[i]) / (double)x.rows;
    }
    for (size_t i = 0; i < job->data.rows; i++) job->result[i] = (float)label[i];
    free(label);
    if (status != AENC_OK) return tool_library_failed(job->options, job->ctx, status);
    int answer = job->wanted != NULL && job->options->out == NULL
                     ? TOOL_OK
                     : tool_output_table(path, (enum format)job->options->format, job->result, job->data.rows, 1);
    if (answer == TOOL_OK && job->wanted != NULL) (void)fprintf(stdout, "accuracy %.6g\n", share);
    return answer;
}

int tool_classify(const struct options *options) {
    struct job job = {.options = options};
    enum format format;
    const char *path = options->out != NULL ? options->out : "-";
    const char *const inputs[] = {options->operand[1], options->labels};
    int status = tool_stdin_once(options, inputs, 2);
    if (status == TOOL_OK) status = tool_output_format(path, (enum format)options->format, &format);
    if (status == TOOL_OK) status = job_read(&job);
    if (status == TOOL_OK) status = job_run(&job);
    free(job.result);
    free(job.wanted);
    tool_fields_free(job.fields);
    tool_data_free(&job.data);
    tool_data_free(&job.labels);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
