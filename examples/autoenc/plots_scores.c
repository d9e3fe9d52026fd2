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

/* The rows above the threshold are those of the last point whose own threshold lies above it. */
static void mark_threshold(const struct axes *axes, const aenc_curve_point *curve, size_t points, double threshold) {
    size_t place = 0;
    char text[96];
    while (place + 1 < points && curve[place + 1].threshold > threshold) place++;
    const aenc_curve_point *here = &curve[place];
    struct point at = tool_axes_point(axes, here->false_positive_rate, here->true_positive_rate);
    tool_canvas_disc(axes->canvas, at, 7.0, orange, 1.0);
    tool_canvas_disc(axes->canvas, at, 4.2, white, 1.0);
    at = (struct point){axes->right - 16, axes->bottom - 44};
    (void)snprintf(text, sizeof text, "threshold %.4g", threshold);
    tool_canvas_disc(axes->canvas, (struct point){at.x - tool_text_width(text, 12) - 16, at.y - 6}, 7.0, orange, 1.0);
    tool_canvas_disc(axes->canvas, (struct point){at.x - tool_text_width(text, 12) - 16, at.y - 6}, 4.2, white, 1.0);
    tool_canvas_text(axes->canvas, at, 12, text, TEXT_RIGHT, false, ink);
    (void)snprintf(text, sizeof text, "true positives %.1f %%, false positives %.1f %%",
                   100.0 * here->true_positive_rate, 100.0 * here->false_positive_rate);
    tool_canvas_text(axes->canvas, (struct point){at.x, at.y + 24}, 10, text, TEXT_RIGHT, false, ink);
}

int tool_plot_roc(const char *path, const aenc_curve_point *curve, size_t points, double auc, double threshold) {
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
        tool_canvas_line(
            &canvas, tool_axes_point(&axes, curve[i - 1].false_positive_rate, curve[i - 1].true_positive_rate),
            tool_axes_point(&axes, curve[i].false_positive_rate, curve[i].true_positive_rate), 2.2, blue, 1.0);
    }
    mark_threshold(&axes, curve, points, threshold);
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

/* What the colours and the line stand for. */
static void draw_key(const struct axes *axes, const struct histogram_plot *plot) {
    char text[64];
    struct point at = {axes->right - 190, axes->top + 28};
    size_t lines = plot->label != NULL ? 3 : 1;
    (void)snprintf(text, sizeof text, "threshold %.4g", plot->threshold);
    tool_canvas_fill(axes->canvas, (size_t)at.x - 12, (size_t)axes->top + 6, 196, 24 * lines + 8, white);
    tool_canvas_line(axes->canvas, (struct point){at.x + 8, at.y - 12}, (struct point){at.x + 8, at.y}, 2.2, ink, 1.0);
    tool_canvas_text(axes->canvas, (struct point){at.x + 26, at.y}, 11, text, TEXT_LEFT, false, ink);
    for (size_t i = 1; i < lines; i++) {
        double y = at.y + 24.0 * (double)i;
        tool_canvas_fill(axes->canvas, (size_t)at.x, (size_t)y - 11, 16, 11, i == 1 ? orange : blue);
        tool_canvas_text(axes->canvas, (struct point){at.x + 26, y}, 11, i == 1 ? "labelled anomalies" : "other rows",
                         TEXT_LEFT, false, ink);
    }
}

int tool_plot_histogram(const char *path, const struct histogram_plot *plot) {
    struct canvas canvas;
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
    tool_axes_draw(&axes, "Anomaly scores");
    draw_bars(&axes, other, labelled, low, (high - low) / BINS);
    tool_canvas_line(&canvas, tool_axes_point(&axes, plot->threshold, 0),
                     tool_axes_point(&axes, plot->threshold, 1.06 * (double)most), 2.2, ink, 1.0);
    draw_key(&axes, plot);
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}
