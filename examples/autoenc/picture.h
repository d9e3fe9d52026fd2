/* picture.h - a canvas: smooth lines, discs and text on RGB pixels, and a PNG file of them.
 *
 * Coordinates are pixels from the top left; (0.5, 0.5) is the middle of the first. What lies outside is clipped.
 */
#ifndef TOOL_PICTURE_H
#define TOOL_PICTURE_H

#include "tool.h"

struct color {
    unsigned char red, green, blue;
};

struct canvas {
    size_t width, height;
    unsigned char *rgb; /* (height, width, 3) */
};

struct point {
    double x, y;
};

enum text_align { TEXT_LEFT, TEXT_CENTER, TEXT_RIGHT };

/* libpng's version; NULL in a build without it. */
const char *tool_picture_version(void);

int tool_canvas_create(struct canvas *canvas, size_t width, size_t height, struct color background);
void tool_canvas_free(struct canvas *canvas);
/* Writes the PNG. */
int tool_canvas_save(const struct canvas *canvas, const char *path);

void tool_canvas_fill(struct canvas *canvas, size_t left, size_t top, size_t width, size_t height, struct color color);
/* A stroke with round ends; opacity in [0, 1]. */
void tool_canvas_line(struct canvas *canvas, struct point from, struct point to, double thickness, struct color color,
                      double opacity);
void tool_canvas_disc(struct canvas *canvas, struct point center, double radius, struct color color, double opacity);
/* One pixel, mixed with `color`; outside the canvas nothing. */
void tool_canvas_blend(struct canvas *canvas, double x, double y, struct color color, double share);
/* ASCII text with its baseline at `at`. size: height of a capital in pixels. upward: reads from bottom to top. */
void tool_canvas_text(struct canvas *canvas, struct point at, double size, const char *text, enum text_align align,
                      bool upward, struct color color);
double tool_text_width(const char *text, double size);

#endif
