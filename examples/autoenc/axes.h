/* axes.h - a frame with two axes: ticks at round numbers, a grid, names, and the way from values to pixels. */
#ifndef TOOL_AXES_H
#define TOOL_AXES_H

#include "picture.h"

enum { TICKS_MAX = 32 };

struct axis {
    double low, high;
    bool logarithmic;
    const char *name;
    double tick[TICKS_MAX];
    size_t ticks;
    double step; /* between ticks of a linear axis */
};

struct axes {
    struct canvas *canvas;
    double left, right, top, bottom; /* the frame in pixels */
    struct axis x, y;
};

/* A linear axis over [low, high]; `whole` keeps its ticks at whole numbers. */
struct axis tool_axis_linear(const char *name, double low, double high, bool whole);
/* low > 0 */
struct axis tool_axis_logarithmic(const char *name, double low, double high);
struct point tool_axes_point(const struct axes *axes, double x, double y);
/* Frame, grid, ticks, names and, above, the title. */
void tool_axes_draw(const struct axes *axes, const char *title);

#endif
