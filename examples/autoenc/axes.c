/* axes.c - round ticks (1, 2, 5 times a power of ten), and everything that is drawn before the data. */
#include "axes.h"

#include <math.h>
#include <stdio.h>

static const struct color grid = {228, 230, 235};
static const struct color frame = {120, 125, 135};
static const struct color ink = {45, 50, 60};

enum { TICKS_WANTED = 7, LABEL_SIZE = 11, NAME_SIZE = 12, TITLE_SIZE = 14, TICK = 5 };

static double round_step(double range) {
    double raw = range / TICKS_WANTED, power = pow(10.0, floor(log10(raw))), rest = raw / power;
    double factor = rest < 1.5 ? 1.0 : rest < 3.5 ? 2.0 : rest < 7.5 ? 5.0 : 10.0;
    return factor * power;
}

struct axis tool_axis_linear(const char *name, double low, double high, bool whole) {
    struct axis axis = {.low = low, .high = high, .name = name};
    if (!(axis.high > axis.low)) {
        double half = 0.5 * fabs(low) > 0.0 ? 0.05 * fabs(low) : 0.5;
        axis.low = low - half;
        axis.high = high + half;
    }
    axis.step = round_step(axis.high - axis.low);
    if (whole && axis.step < 1.0) axis.step = 1.0;
    double first = ceil(axis.low / axis.step - 1e-9);
    for (size_t i = 0; i < TICKS_MAX; i++) {
        double value = (first + (double)i) * axis.step;
        if (value > axis.high + 1e-9 * axis.step) break;
        axis.tick[axis.ticks++] = value;
    }
    return axis;
}

struct axis tool_axis_logarithmic(const char *name, double low, double high) {
    static const double within[] = {1.0, 2.0, 5.0};
    struct axis axis = {.low = low, .high = high, .logarithmic = true, .name = name};
    int first = (int)floor(log10(low)), last = (int)ceil(log10(high));
    int stride = (last - first) / TICKS_WANTED + 1;
    size_t count = last - first <= 3 ? 3 : 1;
    for (int decade = first; decade <= last; decade += stride) {
        for (size_t i = 0; i < count && axis.ticks < TICKS_MAX; i++) {
            double value = within[i] * pow(10.0, decade);
            if (value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9)) axis.tick[axis.ticks++] = value;
        }
    }
    return axis;
}

static double place(const struct axis *axis, double value) {
    if (axis->logarithmic) return log(value / axis->low) / log(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

struct point tool_axes_point(const struct axes *axes, double x, double y) {
    return (struct point){axes->left + place(&axes->x, x) * (axes->right - axes->left),
                          axes->bottom - place(&axes->y, y) * (axes->bottom - axes->top)};
}

/* As many decimals as the step needs; exponents only for what is very large or small. */
static void tick_text(const struct axis *axis, double value, char *out, size_t size) {
    double largest = fmax(fabs(axis->low), fabs(axis->high));
    int decimals = axis->logarithmic ? 0 : (int)fmax(0.0, -floor(log10(axis->step) + 1e-9));
    if (axis->logarithmic || largest >= 1e6 || decimals > 5)
        (void)snprintf(out, size, "%.4g", value);
    else
        (void)snprintf(out, size, "%.*f", decimals, fabs(value) < 1e-9 * axis->step ? 0.0 : value);
}

static void draw_ticks(const struct axes *axes) {
    char text[32];
    for (size_t i = 0; i < axes->x.ticks; i++) {
        double x = floor(tool_axes_point(axes, axes->x.tick[i], axes->y.low).x) + 0.5;
        tool_canvas_line(axes->canvas, (struct point){x, axes->top}, (struct point){x, axes->bottom}, 1.0, grid, 1.0);
        tool_canvas_line(axes->canvas, (struct point){x, axes->bottom}, (struct point){x, axes->bottom + TICK}, 1.0,
                         frame, 1.0);
        tick_text(&axes->x, axes->x.tick[i], text, sizeof text);
        tool_canvas_text(axes->canvas, (struct point){x, axes->bottom + TICK + LABEL_SIZE + 7}, LABEL_SIZE, text,
                         TEXT_CENTER, false, ink);
    }
    for (size_t i = 0; i < axes->y.ticks; i++) {
        double y = floor(tool_axes_point(axes, axes->x.low, axes->y.tick[i]).y) + 0.5;
        tool_canvas_line(axes->canvas, (struct point){axes->left, y}, (struct point){axes->right, y}, 1.0, grid, 1.0);
        tool_canvas_line(axes->canvas, (struct point){axes->left - TICK, y}, (struct point){axes->left, y}, 1.0, frame,
                         1.0);
        tick_text(&axes->y, axes->y.tick[i], text, sizeof text);
        tool_canvas_text(axes->canvas, (struct point){axes->left - TICK - 4, y + LABEL_SIZE / 2.0}, LABEL_SIZE, text,
                         TEXT_RIGHT, false, ink);
    }
}

void tool_axes_draw(const struct axes *axes, const char *title) {
    struct canvas *canvas = axes->canvas;
    struct point top_left = {axes->left + 0.5, axes->top + 0.5}, top_right = {axes->right + 0.5, axes->top + 0.5};
    struct point low_left = {axes->left + 0.5, axes->bottom + 0.5}, low_right = {axes->right + 0.5, axes->bottom + 0.5};
    draw_ticks(axes);
    tool_canvas_line(canvas, top_left, top_right, 1.0, grid, 1.0);
    tool_canvas_line(canvas, top_right, low_right, 1.0, grid, 1.0);
    tool_canvas_line(canvas, top_left, low_left, 1.0, frame, 1.0);
    tool_canvas_line(canvas, low_left, low_right, 1.0, frame, 1.0);
    double middle = 0.5 * (axes->left + axes->right), center = 0.5 * (axes->top + axes->bottom);
    tool_canvas_text(canvas, (struct point){middle, axes->bottom + 52}, NAME_SIZE, axes->x.name, TEXT_CENTER, false,
                     ink);
    tool_canvas_text(canvas, (struct point){28, center}, NAME_SIZE, axes->y.name, TEXT_CENTER, true, ink);
    tool_canvas_text(canvas, (struct point){axes->left, axes->top - 18}, TITLE_SIZE, title, TEXT_LEFT, false, ink);
}
