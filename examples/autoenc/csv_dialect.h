/* csv_dialect.h - how a table in text is written: separator, decimal mark, header, what stands around the numbers.
 *
 * Decided from the first lines together (up to 100, within the first 64 KiB or the first three lines), never from one:
 * of all pairs of separator and decimal mark, the one under which the lines after the first have equally many fields
 * and the most of them are numbers. What the user states is not decided.
 */
#ifndef TOOL_CSV_DIALECT_H
#define TOOL_CSV_DIALECT_H

#include "csv_text.h"

enum header { HEADER_AUTO, HEADER_YES, HEADER_NO };

/* What is stated; zeros: nothing. */
struct csv_options {
    enum header header;
    char separator; /* ',', ';', '\t', '|', ' ' or another byte */
    char decimal;   /* '.' or ',' */
};

struct csv_dialect {
    char separator; /* '\0': one column, nothing to separate */
    char decimal;
    bool header;
    bool trailing;  /* every line ends with a separator */
    bool row_names; /* the header is one field short, as R writes it: the first field of a row is its name */
    size_t cols;    /* of a row, without an empty one behind a trailing separator */
    size_t line;    /* that the columns were counted in */
    size_t skip;    /* bytes of a first line "sep=;" */
    /* what could be read in another way as well */
    bool one_or_two; /* two whole columns, or one with a decimal comma */
    bool thousands;  /* each decimal comma has three digits behind it */
    bool numbered;   /* the first line is 0, 1, 2 ...: a header, or data that looks like one */
};

/* Looks at the text, which stays where it is. */
int tool_dialect_find(struct text *text, const struct csv_options *options, struct csv_dialect *out);
/* The word of a separator, for messages: "comma". */
const char *tool_separator_name(char separator);
/* NUMBER_OK and the value where the field is a number with this decimal mark. */
int tool_field_number(const struct field *field, char decimal, double *out);
/* Empty, NA, NaN, null and the like. */
bool tool_field_missing(const struct field *field);

#endif
