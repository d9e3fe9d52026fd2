/* font.c - text on a canvas: outlines filled by the area that they cover of each pixel.
 *
 * Every edge adds, in the rows that it crosses, the area between itself and the right end of the row: as a
 * difference to the pixel before, so that sums from left to right are the share of each pixel that lies inside.
 * Edges that go down add it, edges that go up take it off, and holes, which run the other way, stay empty.
 */
#include "font.h"

#include <math.h>
#include <string.h>

#include "picture.h"

enum { BOX = 64 }; /* pixels of the largest glyph, either way */

struct coverage {
    size_t width, height;
    float area[BOX * BOX + 2]; /* differences along rows */
};

static const struct font_glyph *glyph(char c) {
    int place = (unsigned char)c - FONT_FIRST;
    return &tool_font[place >= 0 && place < FONT_GLYPHS ? place : '?' - FONT_FIRST];
}

double tool_text_width(const char *text, double size) {
    double width = 0.0;
    for (; *text != '\0'; text++) width += glyph(*text)->advance;
    return width * size / FONT_CAPITAL;
}

/* One row's part of an edge from x to next, left to right or not, that covers `down` of the row's height, with its
 * sign. */
static void add_slice(float *row, double x, double next, double down) {
    double left = fmin(x, next), right = fmax(x, next), before = 0.0;
    size_t first = (size_t)left, last = (size_t)ceil(right);
    if (last <= first + 1) {
        double share = 0.5 * (left + right) - (double)first;
        row[first] += (float)(down * (1.0 - share));
        row[first + 1] += (float)(down * share);
        return;
    }
    /* what lies to the right of the edge, of the pixels up to the end of i: a parabola in each */
    for (size_t i = first; i < last; i++) {
        double from = fmax(left, (double)i), to = fmin(right, (double)i + 1.0);
        double share = (to - from) / (right - left), begun = (from - left) / (right - left);
        double inside = begun + share * ((double)i + 1.0 - 0.5 * (from + to));
        row[i] += (float)(down * (inside - before));
        before = inside;
    }
    row[last] += (float)(down * (1.0 - before));
}

static void add_edge(struct coverage *out, struct point from, struct point to) {
    double sign = from.y < to.y ? 1.0 : -1.0;
    struct point top = from.y < to.y ? from : to, bottom = from.y < to.y ? to : from;
    if (!(bottom.y > top.y)) return;
    double slope = (bottom.x - top.x) / (bottom.y - top.y);
    for (size_t y = (size_t)top.y; y < out->height && (double)y < bottom.y; y++) {
        double start = fmax(top.y, (double)y), end = fmin(bottom.y, (double)y + 1.0);
        double x = top.x + slope * (start - top.y), next = top.x + slope * (end - top.y);
        add_slice(out->area + y * out->width, x, next, sign * (end - start));
    }
}

struct pen {
    struct point at; /* of the glyph's origin on the baseline */
    double scale;    /* pixels per unit of the font */
    bool upward;
};

static struct point pen_point(const struct pen *pen, const short *pair) {
    double along = pair[0] * pen->scale, above = pair[1] * pen->scale;
    if (pen->upward) return (struct point){pen->at.x - above, pen->at.y - along};
    return (struct point){pen->at.x + along, pen->at.y - above};
}

/* Whole pixels around a glyph; false: there is nothing in it, or too much. */
static bool find_box(const struct pen *pen, const struct font_glyph *shape, struct point *low, struct point *high) {
    *low = (struct point){INFINITY, INFINITY};
    *high = (struct point){-INFINITY, -INFINITY};
    for (short i = 0; i < shape->count; i++) {
        const short *pair = tool_font_points[shape->first + i];
        if (pair[0] == FONT_END) continue;
        struct point here = pen_point(pen, pair);
        *low = (struct point){fmin(low->x, floor(here.x)), fmin(low->y, floor(here.y))};
        *high = (struct point){fmax(high->x, ceil(here.x)), fmax(high->y, ceil(here.y))};
    }
    return high->x >= low->x && high->x - low->x + 2.0 <= BOX && high->y - low->y + 1.0 <= BOX;
}

static void draw_glyph(struct canvas *canvas, const struct pen *pen, char c, struct color color) {
    struct coverage cover;
    struct point low, high, first = {0}, before = {0};
    const struct font_glyph *shape = glyph(c);
    if (!find_box(pen, shape, &low, &high)) return;
    cover.width = (size_t)(high.x - low.x) + 2;
    cover.height = (size_t)(high.y - low.y) + 1;
    memset(cover.area, 0, sizeof cover.area);
    bool begins = true;
    for (short i = 0; i < shape->count; i++) {
        const short *pair = tool_font_points[shape->first + i];
        bool ends = pair[0] == FONT_END;
        struct point here = pen_point(pen, pair);
        here = ends ? first : (struct point){here.x - low.x, here.y - low.y};
        if (begins)
            first = here;
        else
            add_edge(&cover, before, here);
        before = here;
        begins = ends;
    }
    for (size_t y = 0; y < cover.height; y++) {
        double share = 0.0;
        for (size_t x = 0; x < cover.width; x++) {
            share += (double)cover.area[y * cover.width + x];
            tool_canvas_blend(canvas, low.x + (double)x, low.y + (double)y, color, fmin(fabs(share), 1.0));
        }
    }
}

void tool_canvas_text(struct canvas *canvas, struct point at, double size, const char *text, enum text_align align,
                      bool upward, struct color color) {
    struct pen pen = {at, size / FONT_CAPITAL, upward};
    double back = tool_text_width(text, size);
    if (align == TEXT_LEFT) back = 0.0;
    if (align == TEXT_CENTER) back *= 0.5;
    if (upward)
        pen.at = (struct point){round(at.x), at.y + back};
    else
        pen.at = (struct point){at.x - back, round(at.y)};
    for (; *text != '\0'; text++) {
        draw_glyph(canvas, &pen, *text, color);
        double advance = glyph(*text)->advance * pen.scale;
        if (upward)
            pen.at.y -= advance;
        else
            pen.at.x += advance;
    }
}
