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

/* Whether the model's bottleneck names a mean and a log-variance for each element of the code. */
static bool has_posterior(aenc_model *model) {
    size_t found = 0;
    for (size_t i = 0; i < aenc_model_port_count(model); i++) {
        aenc_port port = {.struct_size = sizeof port};
        if (aenc_model_port(model, i, &port) != AENC_OK || port.kind != AENC_PORT_RESULT) continue;
        bool named = strcmp(port.name, "mean") == 0 || strcmp(port.name, "log_variance") == 0;
        found += named && port.size == aenc_model_code_size(model);
    }
    return found == 2;
}

/* KL_j = (mean_j^2 + exp(log_variance_j) - 1 - log_variance_j) / 2 */
static void measure(const float *mean, const float *log_variance, size_t rows, size_t cols, struct code_element *out) {
    for (size_t i = 0; i < rows * cols; i++) {
        double m = (double)mean[i], v = (double)log_variance[i];
        struct code_element *e = &out[i % cols];
        e->kl += 0.5 * (m * m + exp(v) - 1.0 - v) / (double)rows;
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
    float *log_variance = tool_allocate("kl.png", picked.rows, cols * sizeof *log_variance);
    struct code_element *element = tool_allocate("kl.png", cols, sizeof *element);
    char *path = tool_picture_path(options, "kl.png");
    bool good = picked.values != NULL && mean != NULL && log_variance != NULL && element != NULL && path != NULL;
    int status = good ? TOOL_OK : TOOL_FAILED;
    if (good) {
        aenc_status answer = tool_fields_run(model, "mean", false, &picked, NULL, mean, cols);
        if (answer == AENC_OK)
            answer = tool_fields_run(model, "log_variance", false, &picked, NULL, log_variance, cols);
        if (answer != AENC_OK) status = tool_library_failed(options, ctx, answer);
    }
    if (status == TOOL_OK) {
        measure(mean, log_variance, picked.rows, cols, element);
        status = draw(path, element, cols, picked.rows);
    }
    free(mean);
    free(log_variance);
    free(element);
    free(path);
    tool_fields_free(picked.fields);
    tool_data_free(&picked);
    return status;
}
