/* pictures.c - from a model and rows to the three pictures. */
#include "pictures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pca.h"
#include "plots.h"

enum { POINTS_MAX = 4000, POINTS_MIN = 500, NUMBERS_MAX = 2000000, ROWS_MAX = 512 };

int tool_pictures_prepare(const struct options *options, struct data *labels) {
    if (options->pictures == NULL) {
        if (options->labels == NULL || options->command == COMMAND_TRAIN) return TOOL_OK;
        return tool_usage("%s: --labels colours a picture: it goes with --pictures only", options->command_name);
    }
    if (tool_picture_version() == NULL) {
        return tool_usage("%s: --pictures: this autoenc was built without libpng", options->command_name);
    }
    struct stat info;
    if (mkdir(options->pictures, 0777) != 0 && errno != EEXIST) {
        return tool_fail("--pictures %s: %s", options->pictures, strerror(errno));
    }
    if (stat(options->pictures, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return tool_fail("--pictures %s: is not a directory", options->pictures);
    }
    if (options->labels == NULL) return TOOL_OK;
    struct data_options how = tool_data_options(options);
    how.raw_bytes = true;
    int status = tool_data_read(options->labels, &how, labels);
    if (status != TOOL_OK || labels->cols == 1) return status;
    return tool_fail("--labels %s: has %zu columns, where one label per row is wanted", options->labels, labels->cols);
}

/* DIR/name from malloc; NULL after a failure that was reported. */
static char *picture_path(const struct options *options, const char *name) {
    size_t room = strlen(options->pictures) + strlen(name) + 2;
    char *path = tool_allocate(name, room, 1);
    if (path != NULL) (void)snprintf(path, room, "%s/%s", options->pictures, name);
    return path;
}

int tool_pictures_loss(const struct options *options, const aenc_model *model) {
    struct loss_plot plot = {.count = aenc_model_history_count(model)};
    double *values = tool_allocate("loss.png", 2 * plot.count + 1, sizeof *values);
    char *path = picture_path(options, "loss.png");
    int status = values != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    for (size_t i = 0; status == TOOL_OK && i < plot.count; i++) {
        aenc_progress epoch = {.struct_size = sizeof epoch};
        if (aenc_model_history(model, i, &epoch) != AENC_OK) status = tool_fail("the history of the fit is not there");
        values[i] = epoch.train_loss;
        values[plot.count + i] = epoch.valid_loss;
        plot.best = epoch.best_epoch > 0 ? (size_t)epoch.best_epoch : 0;
    }
    if (status == TOOL_OK && plot.count > 0) {
        plot.train = values;
        plot.valid = values + plot.count;
        status = tool_plot_loss(path, &plot);
    }
    free(values);
    free(path);
    return status;
}

/* At most `limit` rows, spread over all of data; values for free(), NULL after a failure that was reported. */
static struct data pick_rows(const struct data *data, size_t limit) {
    struct data picked = {.name = data->name, .cols = data->cols, .image = data->image};
    picked.rows = data->rows < limit ? data->rows : limit;
    picked.values = tool_allocate(data->name, picked.rows * picked.cols, sizeof *picked.values);
    for (size_t i = 0; picked.values != NULL && i < picked.rows; i++) {
        memcpy(picked.values + i * picked.cols, data->values + i * data->rows / picked.rows * data->cols,
               data->cols * sizeof *picked.values);
    }
    return picked;
}

static int image_of(const struct options *options, const struct data *data, size_t output_cols,
                    struct image_shape *out) {
    *out = options->image.channels != 0 ? options->image : data->image;
    size_t size = out->channels * out->height * out->width;
    if (options->image.channels != 0 && size != data->cols) {
        return tool_usage("%s: --image %zux%zux%zu has %zu numbers, but a row of %s has %zu", options->command_name,
                          out->channels, out->height, out->width, size, data->name, data->cols);
    }
    if (size != output_cols) *out = (struct image_shape){0, 0, 0};
    return TOOL_OK;
}

static int draw_rows(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data) {
    struct rows_plot plot = {.input_cols = data->cols};
    struct data picked = pick_rows(data, ROWS_MAX);
    float *output = NULL;
    char *path = picture_path(options, "reconstructions.png");
    int status = picked.values != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK) {
        status = tool_model_run(options, ctx, model, COMMAND_RECONSTRUCT, &picked, NULL, &output, &plot.output_cols);
    }
    if (status == TOOL_OK) status = image_of(options, data, plot.output_cols, &plot.image);
    if (status == TOOL_OK) {
        plot.input = picked.values;
        plot.output = output;
        plot.rows = picked.rows;
        status = tool_plot_rows(path, &plot);
    }
    free(output);
    free(path);
    tool_data_free(&picked);
    return status;
}

struct code_rows {
    double *x;            /* (rows, cols) */
    struct point *points; /* (rows) */
    double *labels;       /* (rows) */
    size_t rows, cols;
};

/* Projects the code and draws it. A code of one number is drawn over the rows' numbers. */
static int draw_points(const char *path, struct code_rows *code, bool labelled) {
    double share[2];
    char title[96], x_name[96], y_name[96] = "row";
    int status = tool_pca(code->x, code->rows, code->cols, code->points, share);
    if (status != TOOL_OK) return status;
    (void)snprintf(title, sizeof title, "the code of %zu rows", code->rows);
    (void)snprintf(x_name, sizeof x_name, "first principal component (%.0f %% of the variance)", 100.0 * share[0]);
    if (code->cols > 1) (void)snprintf(y_name, sizeof y_name, "second principal component (%.0f %%)", 100.0 * share[1]);
    for (size_t i = 0; code->cols == 1 && i < code->rows; i++) code->points[i].y = (double)(i + 1);
    struct scatter_plot plot = {code->points, labelled ? code->labels : NULL, code->rows, title, x_name, y_name};
    return tool_plot_scatter(path, &plot);
}

static int draw_code(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                     const struct data *labels) {
    struct code_rows code = {.cols = aenc_model_code_size(model)};
    size_t limit = code.cols > 0 ? NUMBERS_MAX / code.cols : POINTS_MIN;
    if (limit < POINTS_MIN) limit = POINTS_MIN;
    struct data picked = pick_rows(data, limit < POINTS_MAX ? limit : POINTS_MAX);
    float *values = NULL;
    char *path = picture_path(options, "code.png");
    int status = picked.values != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK) {
        status = tool_model_run(options, ctx, model, COMMAND_ENCODE, &picked, NULL, &values, &code.cols);
    }
    if (status == TOOL_OK) {
        code.rows = picked.rows;
        code.x = tool_allocate("code.png", code.rows * code.cols, sizeof *code.x);
        code.points = tool_allocate("code.png", code.rows, sizeof *code.points);
        code.labels = tool_allocate("code.png", code.rows, sizeof *code.labels);
        if (code.x == NULL || code.points == NULL || code.labels == NULL) status = TOOL_FAILED;
    }
    if (status == TOOL_OK) {
        for (size_t i = 0; i < code.rows * code.cols; i++) code.x[i] = (double)values[i];
        for (size_t i = 0; labels != NULL && i < code.rows; i++) {
            code.labels[i] = (double)labels->values[i * data->rows / code.rows];
        }
        status = draw_points(path, &code, labels != NULL);
    }
    free(code.x);
    free(code.points);
    free(code.labels);
    free(values);
    free(path);
    tool_data_free(&picked);
    return status;
}

int tool_pictures_rows(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                       const struct data *labels) {
    if (labels != NULL && labels->rows != data->rows) {
        return tool_fail("--labels %s: has %zu rows, but %s has %zu", options->labels, labels->rows, data->name,
                         data->rows);
    }
    int status = TOOL_OK;
    if (options->command != COMMAND_ENCODE) status = draw_rows(options, ctx, model, data);
    if (status == TOOL_OK) status = draw_code(options, ctx, model, data, labels);
    return status;
}
