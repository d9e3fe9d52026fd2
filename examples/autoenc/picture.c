/* picture.c - drawing by distance: a pixel is covered by a stroke as far as its middle lies within the stroke's
 * width, with one pixel of transition. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

void tool_canvas_blend(struct canvas *canvas, double x, double y, struct color color, double share) {
    if (!(x >= 0.0 && y >= 0.0 && x < (double)canvas->width && y < (double)canvas->height && share > 0.0)) return;
    blend(canvas, (size_t)x, (size_t)y, color, share);
}
