/* message_text.h - places, values and shapes as every message writes them.
 *
 * A place is an index in brackets, counted from 0 as in the caller's arrays: x[3, 5] is column 5 of row 3. A value
 * is the shortest decimal text that reads back as the same number. A shape is its dimensions: (3, 4). All are meant
 * to be used in place: aenc_shown(x).text lives to the end of the full expression. None depends on the locale.
 */
#ifndef AENC_IO_MESSAGE_TEXT_H
#define AENC_IO_MESSAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"

enum { DIMS_TEXT = 128 };

struct value_text {
    char text[32];
};
/* 0.1, 1e-7, nan, inf, -inf: reads back as the same double, or the same float. */
struct value_text aenc_shown(double value);
struct value_text aenc_shown_float(float value);
/* Of the library's own type, which is float in every build but that of the exact tests. */
static inline struct value_text aenc_shown_num(num value) {
    return sizeof value == sizeof(float) ? aenc_shown_float((float)value) : aenc_shown((double)value);
}

struct dims_text {
    char text[DIMS_TEXT];
};
/* "[index]" and "[row, column]", behind a name. */
struct dims_text aenc_at(size_t index);
struct dims_text aenc_cell(int64_t row, int64_t column);
/* The place of an element of a tensor by its number in row-major order: "[2, 0, 5]"; "" of a scalar. */
struct dims_text aenc_element(const int64_t *dim, int rank, int64_t index);
/* "(3, 4)"; with rows the first is the batch: "(rows, 4)". What does not fit is cut with "...". */
struct dims_text aenc_dims(const int64_t *dim, int rank, bool rows);

#endif
