/* pictures_kl.c - what each element of a Gaussian code carries: its KL from the prior, mean over rows, in nats. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pictures.h"

enum { ROWS_MAX = 4000, BARS_MAX = 200 };

/* Elements whose mean varies by more than this over the rows are active (Burda et al. 2016). */
static const double active_variance = 0.01;

struct code_element {
    double kl, sum, squares; /* of the mean over the rows */
};

/* Whether the model's bottleneck names a mean and a KL for each element of the code. */
static bool has_posterior(aenc_model *model) {
    size_t cols = aenc_model_code_size(model);
    return tool_result_size(model, "mean") == cols && tool_result_size(model, "kl") == cols;
}

static void measure(const float *mean, const float *kl, size_t rows, size_t cols, struct code_element *out) {
    for (size_t i = 0; i < rows * cols; i++) {
        double m = (double)mean[i];
        struct code_element *e = &out[i % cols];
        e->kl += (double)kl[i] / (double)rows;
        e->sum += m;
        e->squares += m * m;
    }
}

static int compare(const void *a, const void *b) {
    const struct code_element *x = a, *y = b;
    return (x->kl < y->kl) - (x->kl > y->kl);
}

static int draw(const char *path, struct code_element *element, size_t cols, size_t rows) {
    double values[BARS_MAX], sum = 0.0;
    size_t active = 0, shown = cols < BARS_MAX ? cols : BARS_MAX;
    char title[128];
    for (size_t i = 0; i < cols; i++) {
        double mean = element[i].sum / (double)rows;
        active += element[i].squares / (double)rows - mean * mean > active_variance;
        sum += element[i].kl;
    }
    qsort(element, cols, sizeof *element, compare);
    for (size_t i = 0; i < shown; i++) values[i] = element[i].kl;
    (void)snprintf(title, sizeof title, "KL of each element: %.4g nats together, %zu of %zu active", sum, active, cols);
    return tool_plot_bars(path,
                          &(struct share_plot){values, shown, title, "elements, the largest first", "mean KL (nats)"});
}

int tool_pictures_kl(const struct options *options, aenc_context *ctx, aenc_model *model, const struct data *data) {
    size_t cols = aenc_model_code_size(model);
    if (!has_posterior(model)) return TOOL_OK;
    struct data picked = tool_rows_pick(data, ROWS_MAX);
    float *mean = tool_allocate("kl.png", picked.rows, cols * sizeof *mean);
    float *kl = tool_allocate("kl.png", picked.rows, cols * sizeof *kl);
    struct code_element *element = tool_allocate("kl.png", cols, sizeof *element);
    char *path = tool_picture_path(options, "kl.png");
    bool good = picked.values != NULL && mean != NULL && kl != NULL && element != NULL && path != NULL;
    int status = good ? TOOL_OK : TOOL_FAILED;
    if (good) {
        aenc_status answer = tool_fields_run(model, "mean", false, &picked, NULL, mean, cols);
        if (answer == AENC_OK) answer = tool_fields_run(model, "kl", false, &picked, NULL, kl, cols);
        if (answer != AENC_OK) status = tool_library_failed(options, ctx, answer);
    }
    if (status == TOOL_OK) {
        measure(mean, kl, picked.rows, cols, element);
        status = draw(path, element, cols, picked.rows);
    }
    free(mean);
    free(kl);
    free(element);
    free(path);
    tool_fields_free(picked.fields);
    tool_data_free(&picked);
    return status;
}
