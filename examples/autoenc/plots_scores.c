/* plots_scores.c - the ROC curve, and the histogram of scores with the threshold. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axes.h"
#include "plots.h"

enum { WIDTH = 960, HEIGHT = 600, BINS = 64, SIDE = 700 };

static const struct color white = {255, 255, 255};
static const struct color ink = {45, 50, 60};
static const struct color blue = {38, 104, 184};
static const struct color orange = {226, 108, 34};

int tool_plot_roc(const char *path, const aenc_curve_point *curve, size_t points, double auc) {
    struct canvas canvas;
    char title[64];
    int status = tool_canvas_create(&canvas, SIDE, SIDE, white);
    if (status != TOOL_OK) return status;
    struct axes axes = {.canvas = &canvas, .left = 112, .right = SIDE - 30, .top = 52, .bottom = SIDE - 74};
    axes.x = tool_axis_linear("false positive rate", 0, 1, false);
    axes.y = tool_axis_linear("true positive rate", 0, 1, false);
    (void)snprintf(title, sizeof title, "ROC curve, area %.4f", auc);
    tool_axes_draw(&axes, title);
    tool_canvas_line(&canvas, tool_axes_point(&axes, 0, 0), tool_axes_point(&axes, 1, 1), 1.2, ink, 0.5);
    for (size_t i = 1; i < points; i++) {
        tool_canvas_line(&canvas, tool_axes_point(&axes, curve[i - 1].false_positive_rate, curve[i - 1].true_positive_rate),
                         tool_axes_point(&axes, curve[i].false_positive_rate, curve[i].true_positive_rate), 2.2, blue, 1.0);
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Two bars per bin, behind each other; labelled rows in orange on top of the others. */
static void draw_bars(const struct axes *axes, const size_t *other, const size_t *labelled, double low, double width) {
    for (size_t i = 0; i < BINS; i++) {
        const size_t height[] = {other[i] + labelled[i], labelled[i]};
        for (int k = 0; k < 2; k++) {
            if (height[k] == 0) continue;
            struct point a = tool_axes_point(axes, low + width * (double)i, (double)height[k]);
            struct point b = tool_axes_point(axes, low + width * (double)(i + 1), 0);
            tool_canvas_fill(axes->canvas, (size_t)a.x, (size_t)a.y, (size_t)(b.x - a.x), (size_t)(b.y - a.y) + 1,
                             k == 0 ? blue : orange);
        }
    }
}

int tool_plot_histogram(const char *path, const struct histogram_plot *plot) {
    struct canvas canvas;
    char text[64];
    size_t other[BINS] = {0}, labelled[BINS] = {0}, most = 1;
    float *sorted = tool_allocate("scores.png", plot->count, sizeof *sorted);
    if (sorted == NULL) return TOOL_FAILED;
    memcpy(sorted, plot->score, plot->count * sizeof *sorted);
    qsort(sorted, plot->count, sizeof *sorted, ascending);
    double low = fmin((double)sorted[0], plot->threshold), last = (double)sorted[plot->count - 1];
    double high = fmin(fmax(plot->threshold + (plot->threshold - low), (double)sorted[(plot->count - 1) * 49 / 50]),
                       fmax(last, plot->threshold));
    if (!(high > low)) high = low + 1;
    free(sorted);
    for (size_t i = 0; i < plot->count; i++) {
        double place = ((double)plot->score[i] - low) / (high - low) * BINS;
        size_t bin = place < 0 ? 0 : place < BINS ? (size_t)place : BINS - 1;
        size_t *count = plot->label != NULL && plot->label[i] ? labelled : other;
        count[bin]++;
        if (other[bin] + labelled[bin] > most) most = other[bin] + labelled[bin];
    }
    int status = tool_canvas_create(&canvas, WIDTH, HEIGHT, white);
    if (status != TOOL_OK) return status;
    struct axes axes = {.canvas = &canvas, .left = 112, .right = WIDTH - 30, .top = 52, .bottom = HEIGHT - 74};
    axes.x = tool_axis_linear("score (the last bar holds all that are larger)", low, high, false);
    axes.y = tool_axis_linear("rows", 0, 1.06 * (double)most, true);
    (void)snprintf(text, sizeof text, "scores, threshold %.4g%s", plot->threshold,
                   plot->label != NULL ? ", labelled rows orange" : "");
    tool_axes_draw(&axes, text);
    draw_bars(&axes, other, labelled, low, (high - low) / BINS);
    tool_canvas_line(&canvas, tool_axes_point(&axes, plot->threshold, 0),
                     tool_axes_point(&axes, plot->threshold, 1.06 * (double)most), 2.2, ink, 1.0);
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}
