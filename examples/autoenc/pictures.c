/* pictures.c - from a model and rows to the pictures. */
#include "pictures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plots.h"

enum { POINTS_MAX = 4000, POINTS_MIN = 500, NUMBERS_MAX = 2000000, ROWS_MAX = 512 };
enum { FILTERS_MAX = 64, FILTERS_ACROSS = 12, FILTER_SIDE_MIN = 12, WALKS_MAX = 12, WALK_STEPS = 11 };

static const char signed_note[] = "Blue: negative, white: 0, red: positive; each on its own scale.";

int tool_pictures_prepare(const struct options *options, struct data *labels) {
    if (options->pictures == NULL) {
        if (options->map != (int)MAP_PCA)
            return tool_usage("%s: --map goes with --pictures only", options->command_name);
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
    if (access(options->pictures, W_OK | X_OK) != 0) {
        return tool_fail("--pictures %s: cannot be written there: %s", options->pictures, strerror(errno));
    }
    if (options->labels == NULL) return TOOL_OK;
    struct data_options how = tool_label_options(options);
    int status = tool_data_read(options->labels, &how, labels);
    if (status != TOOL_OK || labels->cols == 1) return status;
    return tool_fail("--labels %s: has %zu columns, where one label per row is wanted", options->labels, labels->cols);
}

char *tool_picture_path(const struct options *options, const char *name) {
    size_t room = strlen(options->pictures) + strlen(name) + 2;
    char *path = tool_allocate(name, room, 1);
    if (path != NULL) (void)snprintf(path, room, "%s/%s", options->pictures, name);
    return path;
}

int tool_pictures_loss(const struct options *options, const aenc_model *model) {
    struct loss_plot plot = {.count = aenc_model_history_count(model)};
    double *values = tool_allocate("loss.png", 2 * plot.count + 1, sizeof *values);
    char *path = tool_picture_path(options, "loss.png");
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

struct data tool_rows_take(const struct data *data, const size_t *row, size_t count) {
    struct data taken = {.name = data->name, .rows = count, .cols = data->cols, .image = data->image};
    taken.values = tool_allocate(data->name, count * data->cols, sizeof *taken.values);
    for (size_t i = 0; taken.values != NULL && i < count; i++) {
        memcpy(taken.values + i * data->cols, data->values + row[i] * data->cols, data->cols * sizeof *taken.values);
    }
    if (taken.values == NULL || data->fields == NULL) return taken;
    taken.fields = tool_fields_pick(data->fields, row, count);
    if (taken.fields == NULL) tool_data_free(&taken);
    return taken;
}

struct data tool_rows_pick(const struct data *data, size_t limit) {
    struct data picked = {0};
    size_t count = data->rows < limit ? data->rows : limit, *row = tool_allocate(data->name, count, sizeof *row);
    for (size_t i = 0; row != NULL && i < count; i++) row[i] = i * data->rows / count;
    if (row != NULL) picked = tool_rows_take(data, row, count);
    free(row);
    return picked;
}

int tool_image_fits(const struct options *options, const struct data *data) {
    const struct image_shape *image = &options->image;
    size_t size = image->channels * image->height * image->width;
    if (image->channels == 0 || size == data->cols) return TOOL_OK;
    return tool_usage("%s: --image %zux%zux%zu has %zu numbers, but a row of %s has %zu", options->command_name,
                      image->channels, image->height, image->width, size, data->name, data->cols);
}

static int image_of(const struct options *options, const struct data *data, size_t output_cols,
                    struct image_shape *out) {
    *out = options->image.channels != 0 ? options->image : data->image;
    size_t size = out->channels * out->height * out->width;
    if (size != output_cols) *out = (struct image_shape){0, 0, 0};
    return tool_image_fits(options, data);
}

static int draw_rows(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data) {
    struct rows_plot plot = {.input_cols = data->cols, .of = data->rows, .name = data->name};
    struct data picked = tool_rows_pick(data, ROWS_MAX);
    float *output = NULL;
    char *path = tool_picture_path(options, "reconstructions.png");
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
    tool_fields_free(picked.fields);
    tool_data_free(&picked);
    return status;
}

int tool_picture_grid(const struct options *options, const char *path, const struct data *data,
                      struct grid_plot *plot) {
    int status = image_of(options, data, plot->cols, &plot->image);
    return status == TOOL_OK ? tool_plot_grid(path, plot) : status;
}

/* Something to be sorted by. */
struct rank {
    double size;
    size_t place;
};

static int compare_ranks(const void *a, const void *b) {
    const struct rank *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return (x->place > y->place) - (x->place < y->place);
}

/* The rows of a weight (units, cols), those with the largest norms first. */
static int draw_strongest(const char *path, const char *name, const float *values, size_t units, size_t cols,
                          struct image_shape image) {
    char title[128];
    size_t shown = units < FILTERS_MAX ? units : FILTERS_MAX;
    struct rank *rank = tool_allocate("filters.png", units, sizeof *rank);
    float *rows = tool_allocate("filters.png", shown * cols, sizeof *rows);
    int status = rank != NULL && rows != NULL ? TOOL_OK : TOOL_FAILED;
    for (size_t u = 0; status == TOOL_OK && u < units; u++) {
        rank[u].place = u;
        for (size_t i = 0; i < cols; i++) rank[u].size += (double)values[u * cols + i] * (double)values[u * cols + i];
    }
    if (status == TOOL_OK) {
        qsort(rank, units, sizeof *rank, compare_ranks);
        for (size_t u = 0; u < shown; u++) memcpy(rows + u * cols, values + rank[u].place * cols, cols * sizeof *rows);
        struct grid_plot plot = {.rows = rows,
                                 .count = shown,
                                 .across = shown < FILTERS_ACROSS ? shown : FILTERS_ACROSS,
                                 .cols = cols,
                                 .image = image,
                                 .signed_each = true,
                                 .title = title,
                                 .note = signed_note};
        (void)snprintf(title, sizeof title, "Filters: rows of %.60s with the largest norms, %zu of %zu", name, shown,
                       units);
        status = tool_plot_grid(path, &plot);
    }
    free(rank);
    free(rows);
    return status;
}

/* The first parameter with a row of weights for every pixel; images only, and none so small that a filter shows
 * nothing. */
static int draw_filters(const struct options *options, aenc_context *ctx, const aenc_model *model,
                        const struct data *data) {
    struct image_shape image;
    aenc_tensor *tensor = NULL;
    const char *name = "";
    size_t cols = aenc_model_input_size(model);
    int status = image_of(options, data, cols, &image);
    bool wanted = image.height >= FILTER_SIDE_MIN && image.width >= FILTER_SIDE_MIN;
    for (size_t i = 0; status == TOOL_OK && wanted && i < aenc_model_tensor_count(model); i++) {
        name = aenc_model_tensor_name(model, i);
        aenc_status answer = aenc_model_tensor_get(model, name, &tensor);
        if (answer != AENC_OK) return tool_library_failed(options, ctx, answer);
        if (aenc_tensor_rank(tensor) == 2 && aenc_tensor_dim(tensor, 1) == cols) break;
        aenc_tensor_free(tensor);
        tensor = NULL;
    }
    if (status != TOOL_OK || tensor == NULL) return status;
    char *path = tool_picture_path(options, "filters.png");
    float *values = tool_allocate("filters.png", aenc_tensor_count(tensor), sizeof *values);
    status = path != NULL && values != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK && aenc_tensor_read(tensor, values, aenc_tensor_count(tensor)) != AENC_OK) {
        status = tool_fail("%s", aenc_message(ctx));
    }
    if (status == TOOL_OK) status = draw_strongest(path, name, values, aenc_tensor_dim(tensor, 0), cols, image);
    free(values);
    free(path);
    aenc_tensor_free(tensor);
    return status;
}

/* What a walk through each element of the code needs: quantiles 0.05, 0.5 and 0.95 of the rows' codes, and room. */
struct walks {
    float *quantile;   /* (3, code): low, middle, high */
    float *output;     /* (code * WALK_STEPS, output) */
    float *shown;      /* (WALKS_MAX * WALK_STEPS, output) */
    struct rank *rank; /* (code): by how far they move */
    size_t code, cols;
};

/* The codes of all walks, decoded with the fields of the first row. */
static aenc_status walk_fields(aenc_context *ctx, aenc_model *model, const struct data *data, const aenc_matrix *middle,
                               const aenc_matrix *range, struct walks *walks) {
    size_t rows = walks->code * WALK_STEPS, count = rows * walks->code;
    float *codes = tool_allocate("traversal.png", count, sizeof *codes);
    size_t *row = tool_allocate("traversal.png", rows, sizeof *row);
    struct fields *fields = row != NULL ? tool_fields_pick(data->fields, row, rows) : NULL;
    aenc_status status = codes != NULL && fields != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) status = aenc_codes_traverse(ctx, middle, range, WALK_STEPS, codes, count);
    const struct data line = {.values = codes, .rows = rows, .cols = walks->code, .fields = fields};
    if (status == AENC_OK) status = tool_fields_run(model, "output", true, &line, NULL, walks->output, walks->cols);
    tool_fields_free(fields);
    free(row);
    free(codes);
    return status;
}

static aenc_status walk(aenc_context *ctx, aenc_model *model, const struct data *data, const float *codes,
                        struct walks *walks) {
    size_t rows = data->rows;
    static const double shares[] = {0.5, 0.05, 0.95};
    aenc_matrix all = {.data = codes, .rows = rows, .cols = walks->code};
    aenc_matrix middle = {.data = walks->quantile, .rows = 1, .cols = walks->code};
    aenc_matrix range = {.data = walks->quantile + walks->code, .rows = 2, .cols = walks->code};
    aenc_status status = aenc_codes_quantiles(ctx, &all, shares, 3, walks->quantile, 3 * walks->code);
    if (status != AENC_OK) return status;
    for (size_t i = 0; i < walks->code; i++) {
        walks->rank[i].size = (double)range.data[walks->code + i] - (double)range.data[i];
        walks->rank[i].place = i;
    }
    qsort(walks->rank, walks->code, sizeof *walks->rank, compare_ranks);
    if (data->fields != NULL) return walk_fields(ctx, model, data, &middle, &range, walks);
    return aenc_traverse(model, &middle, &range, WALK_STEPS, walks->output, walks->code * WALK_STEPS * walks->cols);
}

static int draw_walks(const struct options *options, const struct data *data, struct walks *walks) {
    char captions[WALKS_MAX][GRID_CAPTION];
    size_t lines = walks->code < WALKS_MAX ? walks->code : WALKS_MAX, line = WALK_STEPS * walks->cols;
    struct grid_plot plot = {.rows = walks->shown,
                             .count = lines * WALK_STEPS,
                             .across = WALK_STEPS,
                             .cols = walks->cols,
                             .captions = captions[0],
                             .title = "Latent traversal",
                             .note = "One element of the code moves from its 5 % to its 95 % quantile, "
                                     "the others rest at their medians."};
    if (data->fields != NULL)
        plot.note = "One element of the code moves from its 5 % to its 95 % quantile; fields as in the first row.";
    for (size_t i = 0; i < lines; i++) {
        size_t place = walks->rank[i].place;
        memcpy(walks->shown + i * line, walks->output + place * line, line * sizeof *walks->shown);
        (void)snprintf(captions[i], sizeof captions[i], "element %zu", place + 1);
    }
    char *path = tool_picture_path(options, "traversal.png");
    int status = path != NULL ? image_of(options, data, walks->cols, &plot.image) : TOOL_FAILED;
    if (status == TOOL_OK) status = tool_plot_grid(path, &plot);
    free(path);
    return status;
}

static int draw_traversal(const struct options *options, aenc_context *ctx, aenc_model *model,
                          const struct data *data) {
    struct walks walks = {.code = aenc_model_code_size(model), .cols = aenc_model_output_size(model)};
    if (walks.code * walks.cols > NUMBERS_MAX) return TOOL_OK;
    struct data picked = tool_rows_pick(data, ROWS_MAX);
    float *codes = NULL;
    int status = picked.values != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK) {
        status = tool_model_run(options, ctx, model, COMMAND_ENCODE, &picked, NULL, &codes, &walks.code);
    }
    if (status == TOOL_OK) {
        walks.quantile = tool_allocate("traversal.png", 3 * walks.code, sizeof *walks.quantile);
        walks.output = tool_allocate("traversal.png", walks.code * WALK_STEPS, walks.cols * sizeof *walks.output);
        walks.shown = tool_allocate("traversal.png", WALKS_MAX * WALK_STEPS, walks.cols * sizeof *walks.shown);
        walks.rank = tool_allocate("traversal.png", walks.code, sizeof *walks.rank);
        bool good = walks.quantile != NULL && walks.output != NULL && walks.shown != NULL && walks.rank != NULL;
        status = good ? TOOL_OK : TOOL_FAILED;
    }
    if (status == TOOL_OK) {
        aenc_status answer = walk(ctx, model, &picked, codes, &walks);
        if (answer != AENC_OK) status = tool_library_failed(options, ctx, answer);
    }
    if (status == TOOL_OK) status = draw_walks(options, data, &walks);
    free(walks.quantile);
    free(walks.output);
    free(walks.shown);
    free(walks.rank);
    free(codes);
    tool_fields_free(picked.fields);
    tool_data_free(&picked);
    return status;
}

int tool_pictures_sweep(const struct options *options, const aenc_sweep_point *point, size_t count) {
    double values[5][WIDTHS_MAX];
    bool test = options->test != NULL;
    struct curves_plot plot = {.x = values[0],
                               .y = {values[1], values[2], values[3], values[4]},
                               .count = count,
                               .name = {test ? "model, test" : "model, valid", test ? "PCA, test" : "PCA, valid",
                                        "model, train", "PCA, train"},
                               .title = "Error by size of the code",
                               .x_name = "elements of the code",
                               .y_name = "mean squared error"};
    for (size_t i = 0; i < count; i++) {
        values[0][i] = (double)point[i].code;
        values[1][i] = test ? point[i].test : point[i].valid;
        values[2][i] = test ? point[i].pca_test : point[i].pca_valid;
        values[3][i] = point[i].train;
        values[4][i] = point[i].pca_train;
    }
    char *path = tool_picture_path(options, "sweep.png");
    int status = path == NULL ? TOOL_FAILED : count > 0 ? tool_plot_curves(path, &plot) : TOOL_OK;
    free(path);
    return status;
}

struct code_rows {
    struct data rows;     /* their codes */
    struct point *points; /* (rows) */
    double *labels;       /* (rows) */
    double share[2];      /* of the variance along x and y */
    bool components;      /* the code's elements are principal components of the data */
};

/* The codes on their first two principal components; one row has no variance, and stays at 0. */
static int find_points(const struct options *options, aenc_context *ctx, struct code_rows *code) {
    aenc_matrix x = tool_data_matrix(&code->rows);
    aenc_pca_options asked = {.struct_size = sizeof asked, .components = code->rows.cols > 1 ? 2 : 1};
    aenc_model *pca = NULL;
    float *along = NULL, *ratio = NULL;
    size_t count = (size_t)asked.components;
    if (code->rows.rows < 2) return TOOL_OK;
    aenc_status status = aenc_pca_create(ctx, &x, &asked, &pca);
    int answer = status == AENC_OK ? TOOL_OK : tool_library_failed(options, ctx, status);
    if (answer == TOOL_OK) {
        answer = tool_model_run(options, ctx, pca, COMMAND_ENCODE, &code->rows, NULL, &along, &count);
    }
    if (answer == TOOL_OK) {
        answer = tool_model_numbers(options, ctx, pca, "pca.explained_variance_ratio", &ratio, &count);
    }
    for (size_t i = 0; answer == TOOL_OK && i < code->rows.rows * count; i++) {
        double *place = i % count == 0 ? &code->points[i / count].x : &code->points[i / count].y;
        *place = (double)along[i];
    }
    for (size_t i = 0; answer == TOOL_OK && i < count; i++) code->share[i] = (double)ratio[i];
    free(along);
    free(ratio);
    aenc_model_free(pca);
    return answer;
}

/* The code of a PCA is its own first two components, with their shares of the variance of the data. */
static int take_components(const struct options *options, aenc_context *ctx, const aenc_model *model,
                           struct code_rows *code) {
    float *ratio = NULL;
    size_t count = 0, cols = code->rows.cols;
    int status = tool_model_numbers(options, ctx, model, "pca.explained_variance_ratio", &ratio, &count);
    for (size_t i = 0; status == TOOL_OK && i < code->rows.rows; i++) {
        code->points[i].x = (double)code->rows.values[i * cols];
        code->points[i].y = cols > 1 ? (double)code->rows.values[i * cols + 1] : 0.0;
    }
    for (size_t i = 0; status == TOOL_OK && i < count && i < 2; i++) code->share[i] = (double)ratio[i];
    code->components = true;
    free(ratio);
    return status;
}

static bool is_pca(const aenc_model *model) {
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        if (strcmp(aenc_model_tensor_name(model, i), "pca.explained_variance_ratio") == 0) return true;
    }
    return false;
}

/* A code of one element is drawn over the rows' numbers. */
static int draw_points(const char *path, struct code_rows *code, bool labelled) {
    char title[96], x_name[96], y_name[96] = "row";
    size_t rows = code->rows.rows;
    (void)snprintf(title, sizeof title, "Codes of %zu rows%s", rows,
                   code->components ? "" : ", on the principal components of the codes");
    (void)snprintf(x_name, sizeof x_name, "component 1 (%.1f %% of the variance)", 100.0 * code->share[0]);
    if (code->rows.cols > 1) {
        (void)snprintf(y_name, sizeof y_name, "component 2 (%.1f %%)", 100.0 * code->share[1]);
    }
    for (size_t i = 0; code->rows.cols == 1 && i < rows; i++) code->points[i].y = (double)(i + 1);
    struct scatter_plot plot = {code->points, labelled ? code->labels : NULL, rows, title, x_name, y_name};
    return tool_plot_scatter(path, &plot);
}

static int draw_code(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                     const struct data *labels) {
    size_t cols = aenc_model_code_size(model), limit = cols > 0 ? NUMBERS_MAX / cols : POINTS_MIN;
    if (limit < POINTS_MIN) limit = POINTS_MIN;
    struct data picked = tool_rows_pick(data, limit < POINTS_MAX ? limit : POINTS_MAX);
    struct code_rows code = {.rows = {.name = "code.png", .rows = picked.rows, .cols = cols}};
    char *path = tool_picture_path(options, "code.png");
    int status = picked.values != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK) {
        status = tool_model_run(options, ctx, model, COMMAND_ENCODE, &picked, NULL, &code.rows.values, &cols);
    }
    if (status == TOOL_OK) {
        code.points = tool_allocate("code.png", code.rows.rows, sizeof *code.points);
        code.labels = tool_allocate("code.png", code.rows.rows, sizeof *code.labels);
        if (code.points == NULL || code.labels == NULL) status = TOOL_FAILED;
    }
    for (size_t i = 0; status == TOOL_OK && labels != NULL && i < code.rows.rows; i++) {
        code.labels[i] = (double)labels->values[i * data->rows / code.rows.rows];
    }
    if (status == TOOL_OK) {
        status = is_pca(model) ? take_components(options, ctx, model, &code) : find_points(options, ctx, &code);
    }
    if (status == TOOL_OK) status = draw_points(path, &code, labels != NULL);
    if (status == TOOL_OK && options->map == (int)MAP_TSNE)
        status = tool_pictures_tsne(options, ctx, &code.rows, labels != NULL ? code.labels : NULL);
    free(code.points);
    free(code.labels);
    tool_data_free(&code.rows);
    free(path);
    tool_fields_free(picked.fields);
    tool_data_free(&picked);
    return status;
}

static int draw_variance(const struct options *options, const float *ratio, size_t count) {
    double *values = tool_allocate("variance.png", count, sizeof *values), sum = 0.0;
    char *path = tool_picture_path(options, "variance.png"), title[96];
    int status = values != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    for (size_t i = 0; status == TOOL_OK && i < count; i++) values[i] = sum += (double)ratio[i];
    (void)snprintf(title, sizeof title, "%zu components together explain %.1f %% of the variance", count, 100.0 * sum);
    struct share_plot plot = {values, count, title, "components", "share of the variance explained"};
    if (status == TOOL_OK) status = tool_plot_shares(path, &plot);
    free(values);
    free(path);
    return status;
}

/* The components as images, each with its share of the variance. */
static int draw_components(const char *path, struct grid_plot *plot, const float *ratio) {
    enum { LINES_MAX = 10 };
    char title[96];
    size_t of = plot->count;
    plot->across = tool_grid_across(plot->image, of);
    if (plot->count > LINES_MAX * plot->across) plot->count = LINES_MAX * plot->across;
    char *captions = tool_allocate("components.png", plot->count, GRID_CAPTION);
    if (captions == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < plot->count; i++) {
        (void)snprintf(captions + i * GRID_CAPTION, GRID_CAPTION, "%zu: %.4g %%", i + 1,
                       round(1000.0 * (double)ratio[i]) / 10.0);
    }
    (void)snprintf(title, sizeof title, "Principal components, %zu of %zu, with their shares of the variance",
                   plot->count, of);
    plot->title = title;
    plot->note = signed_note;
    plot->signed_each = true;
    plot->tile_captions = captions;
    int status = tool_plot_grid(path, plot);
    free(captions);
    return status;
}

int tool_pictures_pca(const struct options *options, aenc_context *ctx, const aenc_model *model,
                      const struct data *data) {
    struct grid_plot plot = {.count = aenc_model_code_size(model), .cols = data->cols};
    float *ratio = NULL, *weight = NULL;
    size_t count = 0, numbers = 0;
    char *path = tool_picture_path(options, "components.png");
    int status = path != NULL ? image_of(options, data, data->cols, &plot.image) : TOOL_FAILED;
    if (status == TOOL_OK) {
        status = tool_model_numbers(options, ctx, model, "pca.explained_variance_ratio", &ratio, &count);
    }
    if (status == TOOL_OK) status = draw_variance(options, ratio, count);
    if (status == TOOL_OK) status = tool_model_numbers(options, ctx, model, "encoder.0.weight", &weight, &numbers);
    plot.rows = weight;
    if (status == TOOL_OK && plot.image.channels != 0) status = draw_components(path, &plot, ratio);
    free(ratio);
    free(weight);
    free(path);
    return status;
}

int tool_pictures_rows(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                       const struct data *labels) {
    if (labels != NULL && labels->rows != data->rows) {
        return tool_fail("--labels %s: has %zu rows, but %s has %zu", options->labels, labels->rows, data->name,
                         data->rows);
    }
    int status = TOOL_OK;
    if (options->command != COMMAND_ENCODE) {
        status = draw_rows(options, ctx, model, data);
        if (status == TOOL_OK) status = draw_filters(options, ctx, model, data);
        if (status == TOOL_OK) status = draw_traversal(options, ctx, model, data);
    }
    if (status == TOOL_OK) status = draw_code(options, ctx, model, data, labels);
    if (status == TOOL_OK) status = tool_pictures_kl(options, ctx, model, data);
    if (status == TOOL_OK) status = tool_pictures_draws(options, ctx, model, data);
    return status;
}
