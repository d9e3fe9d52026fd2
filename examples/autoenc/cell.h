/* cell.h - places in tables, as every message of the tool writes them.
 *
 * Lines, rows and columns count from 1, as in an editor; a line is one of the text, a row is one of the numbers (a
 * header is none). A column is its place in the file, whatever --columns and --drop leave. The library counts from 0
 * and writes its places as indices, x[3, 5]: they are translated here before they are shown.
 */
#ifndef TOOL_CELL_H
#define TOOL_CELL_H

#include "data.h"

/* Behind "is NaN". */
#define TOOL_MISSING_HINT " (--missing drop leaves such rows out, --missing mean fills them in)"

/* Text of a message; lives until the end of the full expression. */
struct cell_text {
    char text[128];
};
/* "column 3" or "column 3 ('flow')" from its place in the file, from 0; name NULL: it has none. */
struct cell_text tool_column_text(size_t place, const char *name);
/* "row 4, column 3 ('flow')"; row and column are indices into data->values. Without a column (SIZE_MAX): "row 4". */
struct cell_text tool_cell_text(const struct data *data, size_t row, size_t column);
struct cell_text tool_row_text(size_t row);
/* "line 4, column 3": the line from 1, the place of the column from 0. */
struct cell_text tool_line_text(size_t line, size_t place, const char *name);

/* The first place in a message of the library's, such as "x[3, 5] is nan". */
struct library_cell {
    const char *name; /* "x": what stands before the bracket; not terminated */
    size_t name_length;
    size_t row, column; /* from 0; SIZE_MAX: without a column */
    const char *rest;   /* " is nan" */
};
/* False where the message begins with no place. A call's or a struct's name may stand before it, as in "aenc_fit: ". */
bool tool_library_cell(const char *message, struct library_cell *out);

#endif
