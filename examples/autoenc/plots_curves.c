/* plots_curves.c - a few curves over a logarithmic axis. */
#include <math.h>

#include "axes.h"
#include "plots.h"

enum { WIDTH = 960, HEIGHT = 600, CURVES = 4, LEGEND = 180, LEGEND_SIZE = 12 };

static const struct color white = {255, 255, 255};
static const struct color ink = {45, 50, 60};
static const struct color colors[CURVES] = {{38, 104, 184}, {226, 108, 34}, {150, 190, 230}, {244, 190, 150}};

static void draw_curve(const struct axes *axes, const struct curves_plot *plot, size_t curve) {
    struct point before = {0.0, 0.0};
    for (size_t i = 0; i < plot->count; i++) {
        double y = fmax(plot->y[curve][i], axes->y.low);
        struct point here = tool_axes_point(axes, plot->x[i], y);
        if (i > 0) tool_canvas_line(axes->canvas, before, here, 2.2, colors[curve], 1.0);
        tool_canvas_disc(axes->canvas, here, 4.0, colors[curve], 1.0);
        before = here;
    }
    struct point at = {axes->right + 20, axes->top + 14 + 24.0 * (double)curve};
    tool_canvas_line(axes->canvas, (struct point){at.x, at.y - LEGEND_SIZE / 2.0},
                     (struct point){at.x + 26, at.y - LEGEND_SIZE / 2.0}, 2.2, colors[curve], 1.0);
    tool_canvas_disc(axes->canvas, (struct point){at.x + 13, at.y - LEGEND_SIZE / 2.0}, 4.0, colors[curve], 1.0);
    tool_canvas_text(axes->canvas, (struct point){at.x + 36, at.y}, LEGEND_SIZE, plot->name[curve], TEXT_LEFT, false,
                     ink);
}

/* At the points themselves, as far as there is room for their numbers. */
static void place_ticks(struct axis *axis, const struct curves_plot *plot) {
    double room = pow(axis->high / axis->low, 0.04), before = 0.0;
    axis->ticks = 0;
    for (size_t i = 0; i < plot->count && axis->ticks < TICKS_MAX; i++) {
        if (plot->x[i] < before * room) continue;
        before = axis->tick[axis->ticks++] = plot->x[i];
    }
}

int tool_plot_curves(const char *path, const struct curves_plot *plot) {
    struct canvas canvas;
    size_t curves = 0;
    double low = INFINITY, high = 0.0, first = plot->x[0], last = plot->x[plot->count - 1];
    while (curves < CURVES && plot->y[curves] != NULL) {
        for (size_t i = 0; i < plot->count; i++) {
            if (plot->y[curves][i] > 1e-7) low = fmin(low, plot->y[curves][i]);
            high = fmax(high, plot->y[curves][i]);
        }
        curves++;
    }
    if (!(high > 0.0)) high = 1.0;
    if (!(low <= high)) low = 0.1 * high;
    int status = tool_canvas_create(&canvas, WIDTH, HEIGHT, white);
    if (status != TOOL_OK) return status;
    struct axes axes = {.canvas = &canvas, .left = 112, .right = WIDTH - LEGEND, .top = 52, .bottom = HEIGHT - 74};
    axes.x = tool_axis_logarithmic(plot->x_name, first / 1.15, last * 1.15);
    place_ticks(&axes.x, plot);
    axes.y = tool_axis_logarithmic(plot->y_name, low / 1.15, high * 1.3);
    tool_axes_draw(&axes, plot->title);
    for (size_t i = curves; i-- > 0;) draw_curve(&axes, plot, i);
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}
