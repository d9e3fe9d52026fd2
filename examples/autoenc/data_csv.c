/* data_csv.c - text with one row per line and comma, semicolon, tab or blanks between the numbers.
 *
 * The first line decides: which separator (a semicolon wins over a comma, a comma over a tab, a tab over blanks),
 * whether it is names rather than numbers (more than half of its fields are no numbers), and how many columns there
 * are. A byte order mark, CRLF, empty lines, lines that begin with '#' and quotes around a field are accepted. There is
 * no missing value: an empty cell and a NaN are errors, named by line and column.
 */
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "number.h"

enum { LINE_MAX_BYTES = 1 << 26, SHOWN = 24 };

struct csv {
    struct source *source;
    char *line; /* the present one, without its end; not NUL-terminated */
    size_t length, capacity;
    size_t number; /* of the line, from 1 */
    size_t first;  /* number of the line that decided the columns */
    char separator;
};

struct field {
    const char *text;
    size_t length;
};

static int append(struct csv *csv, const unsigned char *bytes, size_t count) {
    if (csv->length + count > LINE_MAX_BYTES) {
        return tool_fail("%s: line %zu is longer than %d MiB", csv->source->name, csv->number, LINE_MAX_BYTES >> 20);
    }
    if (memchr(bytes, 0, count) != NULL) {
        return tool_fail("%s: line %zu has a zero byte; it is not .npy, IDX or CSV", csv->source->name, csv->number);
    }
    if (csv->length + count > csv->capacity) {
        size_t capacity = 2 * (csv->length + count);
        char *grown = realloc(csv->line, capacity);
        if (grown == NULL) return tool_fail("%s: out of memory in line %zu", csv->source->name, csv->number);
        csv->line = grown;
        csv->capacity = capacity;
    }
    if (count > 0) memcpy(csv->line + csv->length, bytes, count);
    csv->length += count;
    return TOOL_OK;
}

/* The next line; *more is false when there is none. */
static int next_line(struct csv *csv, bool *more) {
    csv->length = 0;
    csv->number++;
    *more = false;
    for (;;) {
        size_t count = 0;
        const unsigned char *bytes = tool_source_window(csv->source, &count);
        if (csv->source->failed) return TOOL_FAILED;
        if (count == 0) return TOOL_OK;
        const unsigned char *end = memchr(bytes, '\n', count);
        size_t used = end != NULL ? (size_t)(end - bytes) : count;
        *more = true;
        int status = append(csv, bytes, used);
        tool_source_take(csv->source, end != NULL ? used + 1 : used);
        if (status != TOOL_OK || end != NULL) return status;
    }
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Takes the byte order mark and the blanks around the line away; answers whether anything is left to read. */
static bool trim_line(struct csv *csv) {
    if (csv->number == 1 && csv->length >= 3 && memcmp(csv->line, "\xEF\xBB\xBF", 3) == 0) {
        memset(csv->line, ' ', 3);
    }
    bool blanks = csv->separator == ' ' || csv->separator == '\0';
    while (csv->length > 0) {
        char last = csv->line[csv->length - 1];
        if (last != '\r' && !(blanks && is_blank(last))) break;
        csv->length--;
    }
    size_t start = 0;
    while (start < csv->length && is_blank(csv->line[start])) start++;
    return start < csv->length && csv->line[start] != '#';
}

static char find_separator(const struct csv *csv) {
    static const char known[] = ";,\t";
    for (const char *candidate = known; *candidate != '\0'; candidate++) {
        bool quoted = false;
        for (size_t i = 0; i < csv->length; i++) {
            if (csv->line[i] == '"') quoted = !quoted;
            if (!quoted && csv->line[i] == *candidate) return *candidate;
        }
    }
    return ' ';
}

static struct field trimmed(const char *text, size_t length) {
    while (length > 0 && is_blank(*text)) text++, length--;
    while (length > 0 && is_blank(text[length - 1])) length--;
    return (struct field){text, length};
}

/* The field that begins at *at; moves *at behind its separator, or to SIZE_MAX after the last. An open quote: false. */
static bool next_field(const struct csv *csv, size_t *at, struct field *out) {
    size_t start = *at;
    if (csv->separator == ' ') {
        while (start < csv->length && is_blank(csv->line[start])) start++;
    }
    size_t end = start;
    bool quoted = false;
    for (; end < csv->length; end++) {
        char c = csv->line[end];
        if (c == '"') quoted = !quoted;
        if (!quoted && (c == csv->separator || (csv->separator == ' ' && is_blank(c)))) break;
    }
    *out = trimmed(csv->line + start, end - start);
    *at = end < csv->length ? end + 1 : SIZE_MAX;
    if (out->length >= 2 && out->text[0] == '"' && out->text[out->length - 1] == '"') {
        *out = trimmed(out->text + 1, out->length - 2);
    }
    return !quoted;
}

/* How many fields the line has, and how many of them are no numbers. */
static size_t count_fields(const struct csv *csv, size_t *words) {
    size_t count = 0;
    *words = 0;
    for (size_t at = 0; at != SIZE_MAX; count++) {
        struct field field;
        double value;
        (void)next_field(csv, &at, &field);
        if (field.length > 0 && tool_number_parse(field.text, field.length, &value) == NUMBER_BAD) (*words)++;
    }
    return count;
}

/* The start of the field, with '?' for what a terminal might obey; out has SHOWN + 1 bytes. */
static void show_field(const struct field *field, char *out) {
    size_t length = field->length < SHOWN ? field->length : SHOWN;
    for (size_t i = 0; i < length; i++) out[i] = field->text[i] >= ' ' && field->text[i] < 127 ? field->text[i] : '?';
    out[length] = '\0';
}

static int fail_field(const struct csv *csv, size_t column, const struct field *field, enum number why) {
    const char *name = csv->source->name;
    char shown[SHOWN + 1];
    show_field(field, shown);
    if (field->length == 0) return tool_fail("%s: line %zu, column %zu is empty", name, csv->number, column);
    if (why == NUMBER_NAN) return tool_fail("%s: line %zu, column %zu is NaN", name, csv->number, column);
    if (why == NUMBER_INFINITE) {
        return tool_fail("%s: line %zu, column %zu: '%s' is infinite, or too large for a float32", name, csv->number,
                         column, shown);
    }
    const char *hint = "";
    if (csv->number == csv->first) hint = " (if this line is a header: --header yes)";
    if (csv->separator == ';' && memchr(field->text, ',', field->length) != NULL) {
        hint = " (write a point, not a comma)";
    }
    return tool_fail("%s: line %zu, column %zu: '%s' is not a number%s", name, csv->number, column, shown, hint);
}

/* The numbers of the line, appended to out as one more row. */
static int read_row(struct csv *csv, struct data *out, size_t *capacity) {
    size_t done = out->rows * out->cols, column = 0;
    int status = tool_data_reserve(csv->source->name, &out->values, capacity, done + out->cols);
    if (status != TOOL_OK) return status;
    for (size_t at = 0; at != SIZE_MAX; column++) {
        struct field field;
        double value = 0.0;
        if (!next_field(csv, &at, &field)) {
            return tool_fail("%s: line %zu, column %zu: a quote is not closed", csv->source->name, csv->number,
                             column + 1);
        }
        if (column == out->cols) {
            return tool_fail("%s: line %zu, column %zu is one too many: line %zu has %zu", csv->source->name,
                             csv->number, column + 1, csv->first, out->cols);
        }
        enum number number = tool_number_parse(field.text, field.length, &value);
        if (number == NUMBER_OK && (value > 3.4028235677973366e38 || value < -3.4028235677973366e38)) {
            number = NUMBER_INFINITE;
        }
        if (number != NUMBER_OK) return fail_field(csv, column + 1, &field, number);
        out->values[done + column] = (float)value;
    }
    if (column < out->cols) {
        return tool_fail("%s: line %zu ends after column %zu: line %zu has %zu", csv->source->name, csv->number, column,
                         csv->first, out->cols);
    }
    out->rows++;
    return TOOL_OK;
}

static int read_lines(struct csv *csv, enum header header, struct data *out) {
    size_t capacity = 0;
    bool more = true;
    for (;;) {
        int status = next_line(csv, &more);
        if (status != TOOL_OK) return status;
        if (!more) break;
        if (!trim_line(csv)) continue;
        if (csv->first == 0) {
            size_t words = 0;
            csv->separator = find_separator(csv);
            csv->first = csv->number;
            out->cols = count_fields(csv, &words);
            if (header == HEADER_YES || (header == HEADER_AUTO && 2 * words > out->cols)) continue;
        }
        status = read_row(csv, out, &capacity);
        if (status != TOOL_OK) return status;
    }
    if (out->rows == 0) return tool_fail("%s: holds no rows of numbers", csv->source->name);
    return TOOL_OK;
}

int tool_csv_read(struct source *source, enum header header, struct data *out) {
    struct csv csv = {.source = source};
    int status = read_lines(&csv, header, out);
    free(csv.line);
    return status;
}
