/* probe.c - how much codes know about labels: classifiers trained on codes, and groups that know no labels, beside the
 * same from the rows themselves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

#include "cell.h"
#include "number.h"

enum { EVERY = 5 };

/* Rows with labels, split into what is learned from and what is asked. */
struct half {
    float *values; /* (rows, cols) */
    int32_t *label;
    size_t rows;
};

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    struct data data, labels, test, test_labels;
    struct fields *fields; /* of data */
};

static int read_labels(const struct options *options, const char *option, const char *path, size_t rows,
                       struct data *out) {
    struct data_options how = tool_label_options(options);
    int status = tool_data_read(path, &how, out);
    if (status != TOOL_OK) return status;
    if (out->cols != 1 || out->rows != rows) {
        return tool_fail("--%s %s: has %zu rows of %zu, where %zu labels are wanted%s", option, path, out->rows,
                         out->cols, rows, tool_data_header_hint(out, rows));
    }
    for (size_t i = 0; i < rows; i++) {
        double label = (double)out->values[i];
        if (label == floor(label) && fabs(label) < 2147483648.0) continue;
        return tool_fail("--%s %s: %s is %s, and labels are whole numbers", option, path, tool_row_text(i).text,
                         tool_value_float(out->values[i]).text);
    }
    return TOOL_OK;
}

/* What is fitted to one label alone tells nothing. */
static int check_kinds(const struct options *options, const struct data *labels) {
    for (size_t i = 1; i < labels->rows; i++) {
        if (labels->values[i] != labels->values[0]) return TOOL_OK;
    }
    return tool_fail("--labels %s: every label is %s; a probe needs two kinds", options->labels,
                     tool_value_float(labels->values[0]).text);
}

static int read_job(struct job *job) {
    const struct options *options = job->options;
    struct data_options how = tool_data_options(options);
    int status = tool_context_create(options, &job->ctx);
    if (status == TOOL_OK) status = tool_model_load(options, job->ctx, options->operand[0], &job->model);
    if (status == TOOL_OK) status = tool_fields_prepare(options, job->model, COMMAND_ENCODE, &job->fields);
    if (status == TOOL_OK && job->fields != NULL && options->test != NULL)
        status = tool_usage("probe: --test goes without --field: the rows of --test would have none");
    if (status == TOOL_OK) status = tool_data_read(options->operand[1], &how, &job->data);
    if (status == TOOL_OK) status = tool_fields_attach(options, job->fields, &job->data);
    if (status == TOOL_OK)
        status = tool_data_fits(&job->data, NULL, options->operand[0], aenc_model_input_size(job->model));
    if (status == TOOL_OK) status = read_labels(options, "labels", options->labels, job->data.rows, &job->labels);
    if (status == TOOL_OK) status = check_kinds(options, &job->labels);
    if (status != TOOL_OK || options->test == NULL) return status;
    status = tool_data_read(options->test, &how, &job->test);
    if (status == TOOL_OK)
        status = tool_data_fits(&job->test, "test", options->operand[0], aenc_model_input_size(job->model));
    if (status != TOOL_OK) return status;
    return read_labels(options, "test-labels", options->test_labels, job->test.rows, &job->test_labels);
}

/* The rows i of values with (i % EVERY == EVERY - 1) == held, or (every 0) all of them. */
static int half_make(const float *values, const struct data *labels, size_t cols, size_t every, bool held,
                     struct half *out) {
    out->values = tool_allocate("the rows", labels->rows * cols, sizeof *out->values);
    out->label = tool_allocate("the labels", labels->rows, sizeof *out->label);
    if (out->values == NULL || out->label == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < labels->rows; i++) {
        if (every != 0 && (i % every == every - 1) != held) continue;
        memcpy(out->values + out->rows * cols, values + i * cols, cols * sizeof *values);
        out->label[out->rows++] = (int32_t)labels->values[i];
    }
    return TOOL_OK;
}

/* The share of rows that have the most common label of their group, with as many groups as labels. */
static int purity(struct job *job, const struct half *half, size_t cols, double *out) {
    size_t classes = 0, right = 0;
    for (size_t i = 0; i < half->rows; i++) {
        size_t k = 0;
        while (k < i && half->label[k] != half->label[i]) k++;
        classes += k == i;
    }
    aenc_matrix x = {.data = half->values, .rows = half->rows, .cols = cols};
    aenc_kmeans_options asked = {.struct_size = sizeof asked, .clusters = (int64_t)classes};
    float *centers = tool_allocate("the centers", classes * cols, sizeof *centers);
    int32_t *group = tool_allocate("the groups", half->rows, sizeof *group);
    size_t *votes = tool_allocate("the groups", half->rows, sizeof *votes);
    if (centers == NULL || group == NULL || votes == NULL) {
        free(centers), free(group), free(votes);
        return TOOL_FAILED;
    }
    aenc_status status = aenc_kmeans(job->ctx, &x, &asked, centers, classes * cols, group, half->rows, NULL);
    for (size_t c = 0; status == AENC_OK && c < classes; c++) {
        size_t most = 0; /* votes[k]: rows of the group with the label of row k, counted at its first */
        for (size_t i = 0; i < half->rows; i++) {
            size_t k = 0;
            if (group[i] != (int32_t)c) continue;
            while (group[k] != group[i] || half->label[k] != half->label[i]) k++;
            votes[k]++;
            if (votes[k] > most) most = votes[k];
        }
        right += most;
    }
    *out = (double)right / (double)half->rows;
    free(centers), free(group), free(votes);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(job->options, job->ctx, status);
}

static int print_row(struct job *job, const char *what, const struct half *train, const struct half *test,
                     size_t cols) {
    static const char *const both[] = {"softmax", "knn"};
    const char *asked = job->options->probe;
    aenc_matrix from = {.data = train->values, .rows = train->rows, .cols = cols};
    aenc_matrix to = {.data = test->values, .rows = test->rows, .cols = cols};
    double share = 0.0;
    (void)printf("%-6s %7zu", what, cols);
    for (size_t i = 0; i < (asked != NULL ? 1 : 2); i++) {
        aenc_status status = aenc_probe(job->ctx, asked != NULL ? asked : both[i], &from, train->label, from.rows, &to,
                                        test->label, to.rows, NULL, 0, &share);
        if (status != AENC_OK) return tool_library_failed(job->options, job->ctx, status);
        (void)printf(" %10.4f", share);
    }
    int status = purity(job, train, cols, &share);
    if (status == TOOL_OK) (void)printf(" %10.4f\n", share);
    (void)fflush(stdout);
    return status;
}

static int probe_rows(struct job *job, const char *what, const float *values, const float *test_values, size_t cols) {
    struct half train = {0}, test = {0};
    bool split = job->options->test == NULL;
    int status = half_make(values, &job->labels, cols, split ? EVERY : 0, false, &train);
    if (status == TOOL_OK) {
        status = half_make(split ? values : test_values, split ? &job->labels : &job->test_labels, cols,
                           split ? EVERY : 0, true, &test);
    }
    if (status == TOOL_OK && test.rows == 0) {
        status =
            tool_fail("%s: has %zu rows, too few to leave out every fifth; see --test", job->data.name, job->data.rows);
    }
    if (status == TOOL_OK) status = print_row(job, what, &train, &test, cols);
    free(train.values);
    free(train.label);
    free(test.values);
    free(test.label);
    return status;
}

int tool_probe(const struct options *options) {
    struct job job = {.options = options};
    const char *const inputs[] = {options->operand[1], options->labels, options->test, options->test_labels};
    float *code = NULL, *test_code = NULL;
    size_t cols = 0;
    if (options->labels == NULL) return tool_usage("probe needs --labels DATA, one whole number per row");
    if ((options->test == NULL) != (options->test_labels == NULL)) {
        return tool_usage("probe: --test and --test-labels go together");
    }
    int status = tool_stdin_once(options, inputs, 4);
    if (status == TOOL_OK) status = read_job(&job);
    if (status == TOOL_OK) {
        status = tool_model_run(options, job.ctx, job.model, COMMAND_ENCODE, &job.data, NULL, &code, &cols);
    }
    if (status == TOOL_OK && options->test != NULL) {
        status = tool_model_run(options, job.ctx, job.model, COMMAND_ENCODE, &job.test, NULL, &test_code, &cols);
    }
    if (status == TOOL_OK) {
        (void)printf("%-6s %7s %10.*s%s %10s\n", "from", "numbers",
                     options->probe != NULL ? (int)strcspn(options->probe, ":") : 10,
                     options->probe != NULL ? options->probe : "softmax", options->probe != NULL ? "" : "        knn",
                     "purity");
        status = probe_rows(&job, "codes", code, test_code, cols);
    }
    if (status == TOOL_OK) status = probe_rows(&job, "rows", job.data.values, job.test.values, job.data.cols);
    free(code);
    free(test_code);
    tool_fields_free(job.fields);
    tool_data_free(&job.data);
    tool_data_free(&job.labels);
    tool_data_free(&job.test);
    tool_data_free(&job.test_labels);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
