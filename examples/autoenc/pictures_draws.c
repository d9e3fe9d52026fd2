/* pictures_draws.c - what the posterior of a row leaves open: the row, its reconstruction from the mean of its code, and those from
 * draws of its code. */
#include <stdlib.h>
#include <string.h>

#include "pictures.h"

enum { LINES = 10, DRAWS = 6, ACROSS = DRAWS + 2 };

/* Each of the rows so often: every copy draws for itself. */
static struct data repeated(const struct data *data, size_t times) {
    struct data out = {0};
    size_t count = data->rows * times, *row = tool_allocate(data->name, count, sizeof *row);
    for (size_t i = 0; row != NULL && i < count; i++) row[i] = i / times;
    if (row != NULL) out = tool_rows_take(data, row, count);
    free(row);
    return out;
}

/* The reconstructions from a draw of each row, of *cols numbers; from malloc, NULL after a failure that was reported. */
static float *draws_decode(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data,
                           size_t *cols) {
    size_t code = aenc_model_code_size(model), all = tool_result_size(model, "sample");
    struct data codes = {.name = data->name, .rows = data->rows, .cols = code, .fields = data->fields};
    float *sample = tool_allocate("draws.png", data->rows, all * sizeof *sample), *output = NULL;
    if (sample == NULL) return NULL;
    aenc_status answer = tool_fields_run(model, "sample", false, data, NULL, sample, all);
    for (size_t r = 1; r < data->rows; r++) memmove(sample + r * code, sample + r * all, code * sizeof *sample);
    codes.values = sample;
    if (answer != AENC_OK)
        (void)tool_library_failed(options, ctx, answer);
    else if (tool_model_run(options, ctx, model, COMMAND_DECODE, &codes, NULL, &output, cols) != TOOL_OK)
        output = NULL;
    free(sample);
    return output;
}

/* A line of tiles for each row. */
static int draw(const struct options *options, const struct data *data, const struct data *picked, const float *mean,
                const float *drawn, size_t cols) {
    static const char note[] = "Of each line: the row, its reconstruction, and reconstructions from draws of its code.";
    float *tiles = tool_allocate("draws.png", picked->rows * ACROSS, cols * sizeof *tiles);
    char *path = tool_picture_path(options, "draws.png");
    int status = tiles != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    struct grid_plot plot = {.rows = tiles, .count = picked->rows * ACROSS, .across = ACROSS, .cols = cols};
    for (size_t i = 0; status == TOOL_OK && i < plot.count; i++) {
        size_t row = i / ACROSS, at = i % ACROSS;
        const float *from = at == 0   ? picked->values + row * cols
                            : at == 1 ? mean + row * cols
                                      : drawn + (row * DRAWS + at - 2) * cols;
        memcpy(tiles + i * cols, from, cols * sizeof *tiles);
    }
    plot.title = "Reconstructions beside draws";
    plot.note = note;
    if (status == TOOL_OK) status = tool_picture_grid(options, path, data, &plot);
    free(tiles);
    free(path);
    return status;
}

int tool_pictures_draws(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data) {
    size_t code = aenc_model_code_size(model), all = tool_result_size(model, "sample"), cols = 0, of_draws = 0;
    if (all == 0 || all % code != 0) return TOOL_OK;
    struct data picked = tool_rows_pick(data, LINES);
    struct data copies = picked.values == NULL ? picked : repeated(&picked, DRAWS);
    float *mean = NULL, *drawn = NULL;
    int status = copies.values == NULL ? TOOL_FAILED : TOOL_OK;
    if (status == TOOL_OK)
        status = tool_model_run(options, ctx, model, COMMAND_RECONSTRUCT, &picked, NULL, &mean, &cols);
    if (status == TOOL_OK && (drawn = draws_decode(options, ctx, model, &copies, &of_draws)) == NULL)
        status = TOOL_FAILED;
    if (status == TOOL_OK && cols == picked.cols && cols == of_draws)
        status = draw(options, data, &picked, mean, drawn, cols);
    free(mean);
    free(drawn);
    if (picked.values != NULL) {
        tool_fields_free(copies.fields);
        tool_data_free(&copies);
    }
    tool_fields_free(picked.fields);
    tool_data_free(&picked);
    return status;
}
