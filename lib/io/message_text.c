/* message_text.c - the one way in which messages write places, values and shapes. */
#include "io/message_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"

static struct value_text value_text(double value, bool single) {
    struct value_text out;
    if (isfinite(value))
        aenc_number_text_of(value, single, out.text);
    else
        memcpy(out.text, isnan(value) ? "nan\0" : value > 0 ? "inf\0" : "-inf", 5);
    return out;
}

struct value_text aenc_shown(double value) {
    return value_text(value, false);
}
struct value_text aenc_shown_float(float value) {
    return value_text((double)value, true);
}

/* The numbers between two brackets; `first` stands in place of the first one. */
static struct dims_text list(const char *brackets, const int64_t *number, int count, const char *first) {
    enum { ONE = 24, END = 8 }; /* ", " and a number; "..., )" */
    struct dims_text out = {{brackets[0]}};
    size_t used = 1;
    for (int i = 0; i < count; i++) {
        const char *comma = i > 0 ? ", " : "";
        bool full = used + ONE + END > sizeof out.text;
        int wrote = full                      ? snprintf(out.text + used, END, "%s...", comma)
                    : i == 0 && first != NULL ? snprintf(out.text + used, ONE, "%s", first)
                                              : snprintf(out.text + used, ONE, "%s%" PRId64, comma, number[i]);
        used += (size_t)wrote;
        if (full) break;
    }
    out.text[used] = brackets[1];
    out.text[used + 1] = '\0';
    return out;
}

struct dims_text aenc_at(size_t index) {
    return list("[]", &(int64_t){(int64_t)index}, 1, NULL);
}

struct dims_text aenc_cell(int64_t row, int64_t column) {
    const int64_t at[] = {row, column};
    return list("[]", at, 2, NULL);
}

struct dims_text aenc_element(const int64_t *dim, int rank, int64_t index) {
    enum { RANKS = 16 };
    int64_t at[RANKS] = {0};
    if (rank == 0) return (struct dims_text){""};
    if (rank > RANKS) return aenc_at((size_t)index);
    for (int axis = rank; axis-- > 0; index /= dim[axis]) at[axis] = index % dim[axis];
    return list("[]", at, rank, NULL);
}

struct dims_text aenc_dims(const int64_t *dim, int rank, bool rows) {
    return list("()", dim, rank, rows ? "rows" : NULL);
}
