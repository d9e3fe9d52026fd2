/* pca.c - autoenc pca: data in, principal components out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "number.h"
#include "pictures.h"

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    aenc_source *source; /* DATA mapped instead of read: data has no values then */
    struct data data, labels;
};

/* "30": so many; "0.95": as many as explain that share. */
static int components_parse(const struct options *options, aenc_pca_options *asked) {
    const char *text = options->components;
    double value = 0.0;
    if (text == NULL) return TOOL_OK;
    bool good = tool_number_parse(text, strlen(text), &value) == NUMBER_OK && value > 0.0;
    bool share = value < 1.0 || (value == 1.0 && strchr(text, '.') != NULL);
    if (good && !share) good = value == floor(value) && value <= INT32_MAX;
    if (!good) {
        return tool_usage("pca: --components: '%s' is neither a number of them such as 30 nor a share of the variance "
                          "such as 0.95",
                          text);
    }
    if (share)
        asked->share = value;
    else
        asked->components = (int64_t)value;
    return TOOL_OK;
}

static int check_options(const struct options *options) {
    const char *const inputs[] = {options->operand[0], options->labels};
    aenc_pca_options asked;
    if (options->out == NULL) return tool_usage("pca needs -o MODEL, the file for the model");
    if (strcmp(options->out, "-") == 0) return tool_usage("pca: -o: the model goes to a file, not to '-'");
    if (components_parse(options, &asked) != TOOL_OK) return TOOL_USAGE;
    return tool_stdin_once(options, inputs, 2);
}

/* A .npy file that the library maps is used where it lies. Pictures want all rows at hand. */
static int read_data(struct job *job) {
    const struct options *options = job->options;
    const char *path = options->operand[0];
    struct data_options how = tool_data_options(options);
    struct stat facts;
    bool whole = options->pictures != NULL || tool_data_changed(options);
    bool regular = strcmp(path, "-") != 0 && stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
    if (!whole && regular && aenc_source_npy(job->ctx, path, &job->source) == AENC_OK) {
        job->data.rows = (size_t)aenc_source_rows(job->source);
        job->data.cols = aenc_source_cols(job->source);
        return TOOL_OK;
    }
    int status = tool_data_read(path, &how, &job->data);
    if (status != TOOL_OK || options->labels == NULL || job->labels.rows == job->data.rows) return status;
    return tool_fail("--labels %s: has %zu rows, but %s has %zu%s", options->labels, job->labels.rows, job->data.name,
                     job->data.rows, tool_data_header_hint(&job->labels, job->data.rows));
}

static int fit_and_save(struct job *job) {
    const struct options *options = job->options;
    aenc_matrix x = tool_data_matrix(&job->data);
    aenc_pca_options asked = {.struct_size = sizeof asked, .whiten = options->whiten, .method = options->method};
    (void)components_parse(options, &asked); /* was read before */
    aenc_status status = job->source != NULL ? aenc_pca_create_source(job->ctx, job->source, &asked, &job->model)
                                             : aenc_pca_create(job->ctx, &x, &asked, &job->model);
    if (status == AENC_OK) status = aenc_model_save(job->model, options->out);
    if (status == AENC_OK) return TOOL_OK;
    bool about_components = options->components != NULL && strstr(aenc_message(job->ctx), " components ") != NULL;
    if (about_components) return tool_fail("pca: --components %s: %s", options->components, aenc_message(job->ctx));
    return tool_library_failed(options, job->ctx, status);
}

int tool_model_numbers(const struct options *options, aenc_context *ctx, const aenc_model *model, const char *name,
                       float **out, size_t *count) {
    aenc_tensor *tensor = NULL;
    aenc_status status = aenc_model_tensor_get(model, name, &tensor);
    *out = NULL;
    if (status != AENC_OK) return tool_library_failed(options, ctx, status);
    *count = aenc_tensor_count(tensor);
    *out = tool_allocate(name, *count, sizeof **out);
    if (*out != NULL) (void)aenc_tensor_read(tensor, *out, *count);
    aenc_tensor_free(tensor);
    return *out != NULL ? TOOL_OK : TOOL_FAILED;
}

static int say_end(const struct job *job) {
    float *ratio = NULL;
    size_t count = 0;
    double sum = 0.0;
    int status = tool_model_numbers(job->options, job->ctx, job->model, "pca.explained_variance_ratio", &ratio, &count);
    for (size_t i = 0; ratio != NULL && i < count; i++) sum += (double)ratio[i];
    free(ratio);
    if (status != TOOL_OK || job->options->quiet) return status;
    (void)printf("%zu component%s explain%s %.1f %% of the variance of %zu rows of %zu columns\nsaved %s\n", count,
                 count == 1 ? "" : "s", count == 1 ? "s" : "", 100.0 * sum, job->data.rows, job->data.cols,
                 job->options->out);
    return TOOL_OK;
}

int tool_pca(const struct options *options) {
    struct job job = {.options = options};
    int status = check_options(options);
    if (status == TOOL_OK) status = tool_pictures_prepare(options, &job.labels);
    if (status == TOOL_OK) status = tool_context_create(options, &job.ctx);
    if (status == TOOL_OK) status = read_data(&job);
    if (status == TOOL_OK) status = tool_image_fits(options, &job.data);
    if (status == TOOL_OK) status = fit_and_save(&job);
    if (status == TOOL_OK) status = say_end(&job);
    if (status == TOOL_OK && options->pictures != NULL) {
        status = tool_pictures_pca(options, job.ctx, job.model, &job.data);
        if (status == TOOL_OK) {
            status = tool_pictures_rows(options, job.ctx, job.model, &job.data,
                                        options->labels != NULL ? &job.labels : NULL);
        }
    }
    tool_data_free(&job.data);
    tool_data_free(&job.labels);
    aenc_source_free(job.source);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
