/* cell.c - the one way in which the tool names a place. */
#include "cell.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Appends the column. */
static struct cell_text with_column(struct cell_text out, size_t place, const char *name) {
    size_t used = strlen(out.text), room = sizeof out.text - used;
    if (name == NULL)
        (void)snprintf(out.text + used, room, "column %zu", place + 1);
    else
        (void)snprintf(out.text + used, room, "column %zu ('%.24s')", place + 1, name);
    return out;
}

struct cell_text tool_column_text(size_t place, const char *name) {
    return with_column((struct cell_text){""}, place, name);
}

struct cell_text tool_row_text(size_t row) {
    struct cell_text out;
    (void)snprintf(out.text, sizeof out.text, "row %zu", row + 1);
    return out;
}

struct cell_text tool_cell_text(const struct data *data, size_t row, size_t column) {
    if (column == SIZE_MAX) return tool_row_text(row);
    struct cell_text out;
    const char *name = data->names != NULL && column < data->cols ? data->names[column] : NULL;
    size_t place = data->places != NULL && column < data->cols ? data->places[column] : column;
    (void)snprintf(out.text, sizeof out.text, "row %zu, ", row + 1);
    return with_column(out, place, name);
}

struct cell_text tool_line_text(size_t line, size_t place, const char *name) {
    struct cell_text out;
    (void)snprintf(out.text, sizeof out.text, "line %zu, ", line);
    return with_column(out, place, name);
}

/* ---- The library's ---- */

static bool take_index(const char **at, size_t *out) {
    if (!isdigit((unsigned char)**at)) return false;
    for (*out = 0; isdigit((unsigned char)**at); ++*at) *out = *out * 10 + (size_t)(**at - '0');
    return true;
}

bool tool_library_cell(const char *message, struct library_cell *out) {
    const char *at = message;
    for (;;) {
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        *out = (struct library_cell){.name = at, .name_length = length, .column = SIZE_MAX};
        at += length;
        if (length == 0) return false;
        if (*at == '[') break;
        if (*at == '.')
            at++;
        else if (strncmp(at, ": ", 2) == 0)
            at += 2;
        else
            return false;
    }
    at++;
    if (!take_index(&at, &out->row)) return false;
    if (strncmp(at, ", ", 2) == 0) {
        at += 2;
        if (!take_index(&at, &out->column)) return false;
    }
    out->rest = at + 1;
    return *at == ']';
}
