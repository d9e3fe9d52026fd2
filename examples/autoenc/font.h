/* font.h - the letters of pictures: outlines in units of the font, filled with smooth edges at any size. */
#ifndef TOOL_FONT_H
#define TOOL_FONT_H

enum {
    FONT_FIRST = 32,
    FONT_GLYPHS = 95,
    FONT_CAPITAL = 1493, /* height of a capital */
    FONT_END = 32767     /* x of a pair that ends an outline, which is closed */
};

struct font_glyph {
    short advance, first, count; /* pairs of tool_font_points */
};

extern const struct font_glyph tool_font[FONT_GLYPHS];
extern const short tool_font_points[][2]; /* x to the right, y up from the baseline */

#endif
