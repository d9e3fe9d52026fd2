/* picture.c - drawing by distance: a pixel is covered by a stroke as far as its middle lies within the stroke's
 * width, with one pixel of transition. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "font.h"
#include "output.h"

#ifdef HAVE_PNG

#include <png.h>

const char *tool_picture_version(void) { return PNG_LIBPNG_VER_STRING; }

/* A PNG in memory, for free(); NULL when libpng refuses. */
static void *encode_png(const struct canvas *canvas, size_t *size) {
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)canvas->width;
    image.height = (png_uint_32)canvas->height;
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t bytes = 3 * canvas->width * canvas->height + canvas->height + (1 << 16);
    void *out = malloc(bytes);
    if (out == NULL) return NULL;
    if (!png_image_write_to_memory(&image, out, &bytes, 0, canvas->rgb, 0, NULL)) {
        free(out);
        return NULL;
    }
    *size = bytes;
    return out;
}

#else

const char *tool_picture_version(void) { return NULL; }

static void *encode_png(const struct canvas *canvas, size_t *size) {
    (void)canvas, (void)size;
    return NULL;
}

#endif

int tool_canvas_create(struct canvas *canvas, size_t width, size_t height, struct color background) {
    *canvas = (struct canvas){.width = width, .height = height};
    canvas->rgb = tool_allocate("a picture", width * height, 3);
    if (canvas->rgb == NULL) return TOOL_FAILED;
    tool_canvas_fill(canvas, 0, 0, width, height, background);
    return TOOL_OK;
}

void tool_canvas_free(struct canvas *canvas) {
    free(canvas->rgb);
    canvas->rgb = NULL;
}

int tool_canvas_save(const struct canvas *canvas, const char *path) {
    size_t size = 0;
    void *bytes = encode_png(canvas, &size);
    if (bytes == NULL) return tool_fail("%s: the picture cannot be encoded", path);
    int status = tool_output_bytes(path, bytes, size);
    free(bytes);
    return status;
}

void tool_canvas_fill(struct canvas *canvas, size_t left, size_t top, size_t width, size_t height, struct color color) {
    for (size_t y = top; y < top + height && y < canvas->height; y++) {
        for (size_t x = left; x < left + width && x < canvas->width; x++) {
            unsigned char *pixel = canvas->rgb + 3 * (y * canvas->width + x);
            pixel[0] = color.red;
            pixel[1] = color.green;
            pixel[2] = color.blue;
        }
    }
}

static unsigned char mix(unsigned char below, unsigned char above, double share) {
    return (unsigned char)((double)below + share * ((double)above - (double)below) + 0.5);
}

static void blend(struct canvas *canvas, size_t x, size_t y, struct color color, double share) {
    unsigned char *pixel = canvas->rgb + 3 * (y * canvas->width + x);
    pixel[0] = mix(pixel[0], color.red, share);
    pixel[1] = mix(pixel[1], color.green, share);
    pixel[2] = mix(pixel[2], color.blue, share);
}

static size_t clip(double value, size_t limit) {
    if (!(value > 0.0)) return 0;
    return value < (double)limit ? (size_t)value : limit;
}

/* Distance from p to the segment. */
static double distance(struct point p, struct point from, struct point to) {
    double dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
    double along = length > 0.0 ? ((p.x - from.x) * dx + (p.y - from.y) * dy) / length : 0.0;
    along = fmin(fmax(along, 0.0), 1.0);
    return hypot(p.x - from.x - along * dx, p.y - from.y - along * dy);
}

void tool_canvas_line(struct canvas *canvas, struct point from, struct point to, double thickness, struct color color,
                      double opacity) {
    double reach = 0.5 * thickness + 1.0;
    size_t left = clip(fmin(from.x, to.x) - reach, canvas->width);
    size_t right = clip(fmax(from.x, to.x) + reach + 1.0, canvas->width);
    size_t top = clip(fmin(from.y, to.y) - reach, canvas->height);
    size_t bottom = clip(fmax(from.y, to.y) + reach + 1.0, canvas->height);
    for (size_t y = top; y < bottom; y++) {
        for (size_t x = left; x < right; x++) {
            struct point p = {(double)x + 0.5, (double)y + 0.5};
            double cover = 0.5 * thickness + 0.5 - distance(p, from, to);
            if (cover > 0.0) blend(canvas, x, y, color, fmin(cover, 1.0) * opacity);
        }
    }
}

void tool_canvas_disc(struct canvas *canvas, struct point center, double radius, struct color color, double opacity) {
    tool_canvas_line(canvas, center, center, 2.0 * radius, color, opacity);
}

/* ---- Text ---- */

static const unsigned char *glyph(char c) {
    int place = (unsigned char)c - FONT_FIRST;
    return tool_font[place >= 0 && place < FONT_GLYPHS ? place : '?' - FONT_FIRST];
}

/* First and one past the last column with a dot; digits keep the full width, so that numbers stand in columns. */
static void glyph_extent(char c, int *first, int *end) {
    int used = 0;
    for (int row = 0; row < FONT_ROWS; row++) used |= glyph(c)[row];
    *first = 0;
    *end = used == 0 ? 3 : FONT_COLUMNS;
    if (used == 0 || (c >= '0' && c <= '9')) return;
    while ((used >> (FONT_COLUMNS - 1 - *first) & 1) == 0) ++*first;
    while ((used >> (FONT_COLUMNS - *end) & 1) == 0) --*end;
}

/* In dots: the strokes' width makes a gap of one dot look tight. */
static double advance(char c) {
    int first, end;
    glyph_extent(c, &first, &end);
    return (double)(end - first) + 1.2;
}

double tool_text_width(const char *text, double size) {
    double width = 0.0;
    for (; *text != '\0'; text++) width += advance(*text);
    return width * size / FONT_BASELINE;
}

static bool dot(const unsigned char *rows, int row, int column) {
    if (row < 0 || row >= FONT_ROWS || column < 0 || column >= FONT_COLUMNS) return false;
    return (rows[row] >> (FONT_COLUMNS - 1 - column) & 1) != 0;
}

struct pen {
    struct canvas *canvas;
    struct point at; /* of the glyph's first column on the baseline */
    double pitch;    /* pixels per dot */
    bool upward;
    struct color color;
};

static struct point pen_point(const struct pen *pen, int row, int column) {
    double along = column * pen->pitch, below = (row - FONT_BASELINE) * pen->pitch;
    if (pen->upward) return (struct point){pen->at.x + below, pen->at.y - along};
    return (struct point){pen->at.x + along, pen->at.y + below};
}

/* Strokes to the neighbours on the right and below; a diagonal one only where no two straight ones do the same. */
static void draw_dot(const struct pen *pen, const unsigned char *rows, int row, int column, int first) {
    static const int steps[4][2] = {{0, 1}, {1, 0}, {1, 1}, {1, -1}};
    struct point from = pen_point(pen, row, column - first);
    bool alone = true;
    double thickness = fmax(1.2, 0.72 * pen->pitch);
    for (int down = -1; down <= 1; down++) {
        for (int right = -1; right <= 1; right++) {
            if ((down != 0 || right != 0) && dot(rows, row + down, column + right)) alone = false;
        }
    }
    if (alone) tool_canvas_line(pen->canvas, from, from, 1.4 * thickness, pen->color, 1.0);
    for (int i = 0; i < 4; i++) {
        int down = steps[i][0], right = steps[i][1];
        if (!dot(rows, row + down, column + right)) continue;
        if (down != 0 && right != 0 && (dot(rows, row, column + right) || dot(rows, row + down, column))) continue;
        tool_canvas_line(pen->canvas, from, pen_point(pen, row + down, column + right - first), thickness, pen->color,
                         1.0);
    }
}

static void draw_glyph(const struct pen *pen, char c) {
    int first, end;
    glyph_extent(c, &first, &end);
    for (int row = 0; row < FONT_ROWS; row++) {
        for (int column = 0; column < FONT_COLUMNS; column++) {
            if (dot(glyph(c), row, column)) draw_dot(pen, glyph(c), row, column, first);
        }
    }
}

void tool_canvas_text(struct canvas *canvas, struct point at, double size, const char *text, enum text_align align,
                      bool upward, struct color color) {
    struct pen pen = {canvas, at, size / FONT_BASELINE, upward, color};
    double back = tool_text_width(text, size);
    if (align == TEXT_LEFT) back = 0.0;
    if (align == TEXT_CENTER) back *= 0.5;
    if (upward) pen.at.y += back;
    else pen.at.x -= back;
    for (; *text != '\0'; text++) {
        draw_glyph(&pen, *text);
        if (upward) pen.at.y -= advance(*text) * pen.pitch;
        else pen.at.x += advance(*text) * pen.pitch;
    }
}
