/* font.h - the dots of printable ASCII. */
#ifndef TOOL_FONT_H
#define TOOL_FONT_H

enum { FONT_FIRST = 32, FONT_GLYPHS = 95, FONT_ROWS = 9, FONT_COLUMNS = 5, FONT_BASELINE = 6 };

/* Glyph of character FONT_FIRST + i, its rows from the top; bit 4 is the left column. */
extern const unsigned char tool_font[FONT_GLYPHS][FONT_ROWS];

#endif
