/* plots.c - the curves of the loss and the scatter of the code. */
#include "plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "axes.h"

enum { WIDTH = 960, HEIGHT = 600, CLASSES_MAX = 20, LEGEND = 90, GRADIENT = 144, MARKERS_MAX = 40, LEGEND_SIZE = 12 };

static const struct color white = {255, 255, 255};
static const struct color ink = {45, 50, 60};
static const struct color blue = {38, 104, 184};
static const struct color orange = {226, 108, 34};

static struct axes begin_axes(struct canvas *canvas, double right_margin) {
    struct axes axes = {.canvas = canvas, .left = 112, .right = WIDTH - right_margin, .top = 52, .bottom = HEIGHT - 74};
    return axes;
}

/* ---- Loss ---- */

static void draw_curve(const struct axes *axes, const double *values, size_t count, struct color color) {
    struct point before = {0.0, 0.0};
    bool joined = false;
    for (size_t i = 0; i < count; i++) {
        bool known = isfinite(values[i]);
        struct point here = known ? tool_axes_point(axes, (double)i + 1.0, values[i]) : before;
        if (known && joined) tool_canvas_line(axes->canvas, before, here, 2.2, color, 1.0);
        if (known && count <= MARKERS_MAX) tool_canvas_disc(axes->canvas, here, 3.6, color, 1.0);
        before = here;
        joined = known;
    }
}

static void widen(const double *values, size_t count, double *low, double *high) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        *low = fmin(*low, values[i]);
        *high = fmax(*high, values[i]);
    }
}

static void legend_line(struct canvas *canvas, struct point at, const char *text, struct color color) {
    tool_canvas_line(canvas, (struct point){at.x, at.y - LEGEND_SIZE / 2.0},
                     (struct point){at.x + 26, at.y - LEGEND_SIZE / 2.0}, 2.2, color, 1.0);
    tool_canvas_disc(canvas, (struct point){at.x + 13, at.y - LEGEND_SIZE / 2.0}, 3.6, color, 1.0);
    tool_canvas_text(canvas, (struct point){at.x + 36, at.y}, LEGEND_SIZE, text, TEXT_LEFT, false, ink);
}

static void draw_losses(const struct axes *axes, const struct loss_plot *plot, bool has_valid) {
    double x = axes->right - 160;
    tool_axes_draw(axes, "Loss by epoch");
    draw_curve(axes, plot->train, plot->count, blue);
    tool_canvas_fill(axes->canvas, (size_t)x - 10, (size_t)axes->top + 8, 160, has_valid ? 88 : 32, white);
    legend_line(axes->canvas, (struct point){x, axes->top + 30}, "train", blue);
    if (!has_valid) return;
    draw_curve(axes, plot->valid, plot->count, orange);
    legend_line(axes->canvas, (struct point){x, axes->top + 56}, "valid", orange);
    if (plot->best == 0 || plot->best > plot->count || !isfinite(plot->valid[plot->best - 1])) return;
    char text[64];
    struct point best = tool_axes_point(axes, (double)plot->best, plot->valid[plot->best - 1]);
    tool_canvas_disc(axes->canvas, best, 7.0, orange, 1.0);
    tool_canvas_disc(axes->canvas, best, 4.2, white, 1.0);
    tool_canvas_disc(axes->canvas, (struct point){x + 13, axes->top + 76}, 7.0, orange, 1.0);
    tool_canvas_disc(axes->canvas, (struct point){x + 13, axes->top + 76}, 4.2, white, 1.0);
    (void)snprintf(text, sizeof text, "best: %zu", plot->best);
    tool_canvas_text(axes->canvas, (struct point){x + 36, axes->top + 82}, LEGEND_SIZE, text, TEXT_LEFT, false, ink);
}

int tool_plot_loss(const char *path, const struct loss_plot *plot) {
    struct canvas canvas;
    double low = INFINITY, high = -INFINITY, valid_low = INFINITY, valid_high = -INFINITY;
    widen(plot->train, plot->count, &low, &high);
    widen(plot->valid, plot->count, &valid_low, &valid_high);
    bool has_valid = valid_low <= valid_high;
    low = fmin(low, valid_low);
    high = fmax(high, valid_high);
    if (!(low <= high)) return TOOL_OK; /* stopped within the first epoch: nothing to draw */
    int status = tool_canvas_create(&canvas, WIDTH, HEIGHT, white);
    if (status != TOOL_OK) return status;
    struct axes axes = begin_axes(&canvas, 30);
    double pad = 0.06 * (high - low), last = (double)plot->count, side = 0.02 * (last - 1.0);
    axes.x = tool_axis_linear("epoch", fmax(0.0, 1.0 - side), last + side, true);
    if (plot->count == 1) axes.x = tool_axis_linear("epoch", 0.5, 1.5, true);
    bool wide = low > 0.0 && high / low > 20.0;
    if (wide)
        axes.y = tool_axis_logarithmic("loss (logarithmic)", low / 1.15, high * 1.15);
    else
        axes.y = tool_axis_linear("loss", low >= 0.0 ? fmax(0.0, low - pad) : low - pad, high + pad, false);
    draw_losses(&axes, plot, has_valid);
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

/* ---- Shares ---- */

int tool_plot_shares(const char *path, const struct share_plot *plot) {
    struct canvas canvas;
    int status = tool_canvas_create(&canvas, WIDTH, HEIGHT, white);
    if (status != TOOL_OK) return status;
    struct axes axes = begin_axes(&canvas, 30);
    double last = (double)plot->count, side = plot->count == 1 ? 0.5 : 0.02 * (last - 1.0);
    axes.x = tool_axis_linear(plot->x_name, 1.0 - side, last + side, true);
    axes.y = tool_axis_linear(plot->y_name, 0.0, 1.02, false);
    tool_axes_draw(&axes, plot->title);
    draw_curve(&axes, plot->values, plot->count, blue);
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

int tool_plot_bars(const char *path, const struct share_plot *plot) {
    struct canvas canvas;
    double low = 0.0, high = 0.0, last = (double)plot->count;
    int status = tool_canvas_create(&canvas, WIDTH, HEIGHT, white);
    if (status != TOOL_OK) return status;
    struct axes axes = begin_axes(&canvas, 30);
    widen(plot->values, plot->count, &low, &high);
    axes.x = tool_axis_linear(plot->x_name, 0.4, last + 0.6, true);
    axes.y = tool_axis_linear(plot->y_name, 0.0, high > 0.0 ? 1.04 * high : 1.0, false);
    tool_axes_draw(&axes, plot->title);
    for (size_t i = 0; i < plot->count; i++) {
        struct point left = tool_axes_point(&axes, (double)i + 0.65, fmax(0.0, plot->values[i]));
        struct point right = tool_axes_point(&axes, (double)i + 1.35, 0.0);
        double width = fmax(1.0, right.x - left.x);
        tool_canvas_fill(&canvas, (size_t)left.x, (size_t)left.y, (size_t)width, (size_t)fmax(1.0, right.y - left.y),
                         blue);
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

/* ---- Scatter ---- */

static const struct color class_colors[CLASSES_MAX] = {
    {31, 119, 180}, {255, 127, 14},  {44, 160, 44},   {214, 39, 40},   {148, 103, 189},
    {140, 86, 75},  {227, 119, 194}, {90, 90, 90},    {188, 189, 34},  {23, 190, 207},
    {20, 60, 130},  {255, 187, 120}, {120, 205, 110}, {255, 130, 130}, {197, 176, 213},
    {70, 40, 30},   {247, 182, 210}, {170, 170, 170}, {120, 120, 0},   {0, 110, 120},
};

/* Dark violet over green to yellow, with equal steps in lightness. */
static struct color gradient(double share) {
    static const struct color stops[] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {240, 220, 40}};
    double place = fmin(fmax(share, 0.0), 1.0) * 4.0;
    size_t i = place < 3.0 ? (size_t)place : 3;
    double rest = place - (double)i;
    const struct color *a = &stops[i], *b = &stops[i + 1];
    return (struct color){(unsigned char)(a->red + rest * (b->red - a->red)),
                          (unsigned char)(a->green + rest * (b->green - a->green)),
                          (unsigned char)(a->blue + rest * (b->blue - a->blue))};
}

struct classes {
    double value[CLASSES_MAX]; /* ascending */
    size_t count;              /* 0: too many, or fractions: a gradient */
    double low, high;
};

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct classes find_classes(const double *labels, size_t count) {
    struct classes classes = {.low = INFINITY, .high = -INFINITY};
    bool classed = true;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        classes.low = fmin(classes.low, labels[i]);
        classes.high = fmax(classes.high, labels[i]);
        while (k < classes.count && classes.value[k] != labels[i]) k++;
        if (!classed || k < classes.count) continue;
        if (k == CLASSES_MAX || labels[i] != floor(labels[i]))
            classed = false;
        else
            classes.value[classes.count++] = labels[i];
    }
    if (!classed) classes.count = 0;
    qsort(classes.value, classes.count, sizeof *classes.value, compare_doubles);
    return classes;
}

static struct color label_color(const struct classes *classes, double label) {
    for (size_t k = 0; k < classes->count; k++) {
        if (classes->value[k] == label) return class_colors[k];
    }
    return gradient(classes->high > classes->low ? (label - classes->low) / (classes->high - classes->low) : 0.5);
}

static void draw_legend(const struct axes *axes, const struct classes *classes) {
    char text[32];
    double x = axes->right + 28;
    for (size_t k = 0; k < classes->count; k++) {
        double y = axes->top + 14 + 24.0 * (double)k;
        tool_canvas_disc(axes->canvas, (struct point){x, y}, 6.0, class_colors[k], 1.0);
        (void)snprintf(text, sizeof text, "%g", classes->value[k]);
        tool_canvas_text(axes->canvas, (struct point){x + 16, y + LEGEND_SIZE / 2.0}, LEGEND_SIZE, text, TEXT_LEFT,
                         false, ink);
    }
    if (classes->count > 0) return;
    size_t length = 200, top = (size_t)axes->top + 10;
    for (size_t i = 0; i < length; i++) {
        tool_canvas_fill(axes->canvas, (size_t)x, top + i, 16, 1, gradient(1.0 - (double)i / (double)(length - 1)));
    }
    (void)snprintf(text, sizeof text, "%.3g", classes->high);
    tool_canvas_text(axes->canvas, (struct point){x + 22, (double)top + 10}, 10, text, TEXT_LEFT, false, ink);
    (void)snprintf(text, sizeof text, "%.3g", classes->low);
    tool_canvas_text(axes->canvas, (struct point){x + 22, (double)(top + length)}, 10, text, TEXT_LEFT, false, ink);
}

static void fit_axes(struct axes *axes, const struct scatter_plot *plot) {
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
    for (size_t i = 0; i < plot->count; i++) {
        low_x = fmin(low_x, plot->points[i].x);
        high_x = fmax(high_x, plot->points[i].x);
        low_y = fmin(low_y, plot->points[i].y);
        high_y = fmax(high_y, plot->points[i].y);
    }
    double pad_x = 0.04 * (high_x - low_x), pad_y = 0.04 * (high_y - low_y);
    axes->x = tool_axis_linear(plot->x_name, low_x - pad_x, high_x + pad_x, false);
    axes->y = tool_axis_linear(plot->y_name, low_y - pad_y, high_y + pad_y, false);
}

int tool_plot_scatter(const char *path, const struct scatter_plot *plot) {
    struct canvas canvas;
    struct classes classes = {0};
    int status = tool_canvas_create(&canvas, WIDTH, HEIGHT, white);
    if (status != TOOL_OK) return status;
    if (plot->labels != NULL) classes = find_classes(plot->labels, plot->count);
    struct axes axes = begin_axes(&canvas, plot->labels == NULL ? 30 : classes.count > 0 ? LEGEND : GRADIENT);
    fit_axes(&axes, plot);
    tool_axes_draw(&axes, plot->title);
    if (plot->labels != NULL) draw_legend(&axes, &classes);
    double radius = fmin(fmax(120.0 / sqrt((double)plot->count), 2.4), 5.0);
    for (size_t i = 0; i < plot->count; i++) {
        struct color color = plot->labels != NULL ? label_color(&classes, plot->labels[i]) : blue;
        struct point at = tool_axes_point(&axes, plot->points[i].x, plot->points[i].y);
        tool_canvas_disc(&canvas, at, radius, color, 0.65);
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}
