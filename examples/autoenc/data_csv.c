/* data_csv.c - text with one row per line.
 *
 * csv_dialect.c decides how the text is written, csv_text.c cuts it; here rows become numbers, one line at a time, so
 * memory grows with the numbers alone. What the first lines decided must hold for all: a row of another length, a cell
 * that is no number and a missing one (unless --missing says otherwise) are errors, named by line and column. What is
 * left out or could have been read in another way is reported.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data_columns.h"
#include "number.h"

struct csv {
    struct text text;
    const struct data_options *options;
    struct csv_dialect dialect;
    struct columns columns;
    struct watch *watch; /* (kept columns) */
    struct data *out;
    size_t capacity;       /* of out->values */
    size_t missing;        /* cells that became NaN */
    bool unnamed;          /* the first column has no name in the header */
    struct record pending; /* a line of nothing but separators, an error if a row follows; line 0: none */
    size_t pending_count;
};

static const char *name_of(const struct csv *csv) { return csv->out->name; }

/* ---- The header ---- */

/* The fields of the header as out->names, one block: pointers, then texts without control characters. */
static int take_names(struct csv *csv, const struct record *record) {
    const struct csv_dialect *dialect = &csv->dialect;
    size_t count = dialect->cols, size = count * (sizeof(char *) + 1) + record->length + count;
    char **names = tool_allocate(name_of(csv), size, 1);
    if (names == NULL) return TOOL_FAILED;
    char *to = (char *)(names + count);
    size_t at = 0, i = 0;
    if (dialect->row_names) names[i++] = to++;
    for (; i < count && at != SIZE_MAX; i++) {
        struct field field;
        tool_field_next(record, dialect->separator, &at, &field);
        names[i] = to;
        for (size_t k = 0; k < field.length; k++) {
            *to++ = (unsigned char)field.text[k] < ' ' ? ' ' : field.text[k];
            k += field.quoted && field.text[k] == '"'; /* two stand for one */
        }
        *to++ = '\0';
    }
    for (; i < count; i++) names[i] = to++;
    csv->out->names = names;
    return TOOL_OK;
}

static int read_header(struct csv *csv) {
    const struct csv_dialect *dialect = &csv->dialect;
    struct record record;
    bool more = true;
    int status;
    do status = tool_text_record(&csv->text, dialect->separator, &record, &more);
    while (status == TOOL_OK && more && tool_record_skipped(&record, dialect->separator));
    if (status != TOOL_OK || !more) return status;
    csv->dialect.line = record.line;
    status = take_names(csv, &record);
    csv->unnamed = status == TOOL_OK && csv->out->names[0][0] == '\0' && !dialect->row_names && dialect->cols > 1;
    return status;
}

/* ---- Rows ---- */

static int fail_field(const struct csv *csv, size_t line, size_t column, const struct field *field, int why) {
    const char *name = name_of(csv), *hint = "";
    struct cell_text place = tool_line_text(line, column, csv->out->names != NULL ? csv->out->names[column] : NULL);
    char shown[FIELD_SHOWN + 1];
    bool first = csv->dialect.line == line;
    tool_field_show(field, shown);
    if (tool_field_missing(field)) {
        static const char ways[] = "--missing drop leaves such rows out, --missing mean fills them in";
        if (first && !csv->dialect.header) hint = "; if this line is a header: --header yes";
        if (field->length == 0) return tool_fail("%s: %s is empty (%s%s)", name, place.text, ways, hint);
        return tool_fail("%s: %s is missing: '%s' (%s%s)", name, place.text, shown, ways, hint);
    }
    if (why == (int)NUMBER_INFINITE) {
        return tool_fail("%s: %s: '%s' is infinite, or too large for a float32", name, place.text, shown);
    }
    if (why == (int)NUMBER_TINY) {
        return tool_fail("%s: %s: '%s' is too small for a float32, which would make it 0", name, place.text, shown);
    }
    if (csv->dialect.decimal == ',' && memchr(field->text, '.', field->length) != NULL) {
        hint = " (the decimal mark is read as a comma; --decimal . changes that)";
    } else if (csv->dialect.decimal == '.' && memchr(field->text, ',', field->length) != NULL) {
        hint = " (the decimal mark is read as a point; --decimal , changes that)";
    } else if (first && !csv->dialect.header) {
        hint = " (if this line is a header: --header yes)";
    } else {
        hint = " (--drop leaves a column out)";
    }
    return tool_fail("%s: %s: '%s' is not a number%s", name, place.text, shown, hint);
}

static int read_cell(struct csv *csv, const struct record *record, size_t column, size_t kept,
                     const struct field *field, float *out) {
    double value = 0.0;
    int number = tool_field_number(field, csv->dialect.decimal, &value);
    if (number == (int)NUMBER_OK) {
        if (csv->columns.offset != NULL) value -= csv->columns.offset[column];
        number = tool_watch_round(&csv->watch[kept], value, out);
    }
    if (number == (int)NUMBER_OK) return TOOL_OK;
    if (csv->options->missing == MISSING_REFUSE || !tool_field_missing(field)) {
        return fail_field(csv, record->line, column, field, number);
    }
    csv->missing++;
    *out = NAN;
    return TOOL_OK;
}

static int fail_length(const struct csv *csv, const struct record *record, size_t count) {
    const struct csv_dialect *dialect = &csv->dialect;
    const char *of = dialect->header ? " names" : "";
    if (count <= dialect->cols) {
        return tool_fail("%s: line %zu ends after column %zu: line %zu has %zu%s", name_of(csv), record->line, count,
                         dialect->line, dialect->cols, of);
    }
    return tool_fail("%s: %s is one too many: line %zu has %zu%s", name_of(csv),
                     tool_line_text(record->line, dialect->cols, NULL).text, dialect->line, dialect->cols, of);
}

/* The numbers of the line, appended to out as one more row. */
static int read_row(struct csv *csv, const struct record *record) {
    struct data *out = csv->out;
    const struct csv_dialect *dialect = &csv->dialect;
    size_t done = out->rows * out->cols, column = 0, kept = 0;
    int status = tool_data_reserve(out->name, &out->values, &csv->capacity, done + out->cols);
    for (size_t at = 0; status == TOOL_OK && at != SIZE_MAX; column++) {
        struct field field;
        tool_field_next(record, dialect->separator, &at, &field);
        if (record->open && at == SIZE_MAX) {
            return tool_fail("%s: %s: a quote is not closed", out->name,
                             tool_line_text(record->line, column, NULL).text);
        }
        if (column == dialect->cols) {
            bool empty = dialect->trailing && field.length == 0 && at == SIZE_MAX;
            if (!empty) return fail_length(csv, record, column + 1);
            break;
        }
        if (!csv->columns.keep[column]) continue;
        status = read_cell(csv, record, column, kept, &field, out->values + done + kept);
        kept++;
    }
    if (status != TOOL_OK) return status;
    if (column < dialect->cols) return fail_length(csv, record, column);
    out->rows++;
    return TOOL_OK;
}

/* Nothing but separators: spreadsheets end tables so. */
static bool only_separators(const struct csv *csv, const struct record *record) {
    char separator = csv->dialect.separator;
    bool some = false;
    if (separator == '\0' || separator == ' ') return false;
    for (size_t i = 0; i < record->length; i++) {
        if (record->text[i] != separator && record->text[i] != ' ' && record->text[i] != '\t') return false;
        some = some || record->text[i] == separator;
    }
    return some;
}

static int read_rows(struct csv *csv) {
    for (bool more = true;;) {
        struct record record;
        int status = tool_text_record(&csv->text, csv->dialect.separator, &record, &more);
        if (status != TOOL_OK || !more) return status;
        if (tool_record_skipped(&record, csv->dialect.separator)) continue;
        if (csv->dialect.line == 0) csv->dialect.line = record.line;
        if (only_separators(csv, &record)) {
            if (csv->pending.line == 0) csv->pending = record;
            csv->pending_count++;
            continue;
        }
        if (csv->pending.line != 0 && csv->options->missing != MISSING_DROP) {
            return tool_fail("%s: line %zu holds separators alone, and rows follow it; column 1 is empty", name_of(csv),
                             csv->pending.line);
        }
        status = read_row(csv, &record);
        if (status != TOOL_OK) return status;
    }
}

/* ---- All of it ---- */

static void report(const struct csv *csv) {
    const struct csv_dialect *dialect = &csv->dialect;
    const char *name = name_of(csv);
    if (csv->options->verbose) {
        tool_note("%s: %s; separator %s, decimal %s, %s%s; %zu rows, %zu of %zu columns", name,
                  csv->text.wide ? "UTF-16" : "text", tool_separator_name(dialect->separator),
                  dialect->decimal == ',' ? "comma" : "point", dialect->header ? "header" : "no header",
                  dialect->trailing ? ", a separator at the end of each line" : "", csv->out->rows, csv->out->cols,
                  dialect->cols);
    }
    if (csv->unnamed && csv->columns.keep[0]) {
        tool_note("%s: column 1 has no name in the header, as an index has none; it is read as a column, and --drop 1 "
                  "leaves it out",
                  name);
    }
    if (dialect->one_or_two) {
        tool_note(
            "%s: read as two columns of whole numbers; as one column with a decimal comma it could be read as well: "
            "--separator , or --decimal , states which",
            name);
    }
    if (dialect->thousands) {
        tool_note("%s: commas are read as decimal marks, 1,234 as 1.234; --decimal . refuses them", name);
    }
    if (dialect->numbered) {
        tool_note(dialect->header
                      ? "%s: the first line, 0, 1, 2 and so on, is read as a header; if it is data: --header no"
                      : "%s: the first line is read as data; if its numbers are the names of columns: --header yes",
                  name);
    }
    if (dialect->row_names) {
        tool_note("%s: the header is one field short, so column 1 is read as names of rows and left out", name);
    }
    if (csv->pending_count > 0) {
        tool_note("%s: %zu lines of separators alone are left out", name, csv->pending_count);
    }
    tool_watch_report(csv->watch, csv->out);
}

static int choose_columns(struct csv *csv) {
    struct data *out = csv->out;
    int status = tool_columns_choose(csv->options, out->name, out->names, csv->dialect.cols, &csv->columns);
    if (status != TOOL_OK) return status;
    if (csv->dialect.row_names && csv->columns.keep[0]) {
        csv->columns.keep[0] = false;
        csv->columns.kept--;
    }
    out->cols = csv->columns.kept;
    csv->watch = tool_allocate(out->name, out->cols, sizeof *csv->watch);
    return csv->watch != NULL ? TOOL_OK : TOOL_FAILED;
}

static int read_table(struct csv *csv) {
    int status = tool_dialect_find(&csv->text, &csv->options->csv, &csv->dialect);
    if (status != TOOL_OK) return status;
    if (csv->dialect.skip > 0) {
        csv->text.begin += csv->dialect.skip;
        csv->text.line++;
    }
    if (csv->dialect.cols > 0 && csv->dialect.header) status = read_header(csv);
    if (status == TOOL_OK && csv->dialect.cols > 0) status = choose_columns(csv);
    if (status == TOOL_OK && csv->dialect.cols > 0) status = read_rows(csv);
    if (status != TOOL_OK) return status;
    if (csv->out->rows == 0) return tool_fail("%s: holds no rows of numbers", name_of(csv));
    /* the errors above name columns of the file, what follows those that are left */
    size_t cols = csv->out->cols;
    struct data names_alone = {.names = csv->out->names};
    status = tool_columns_apply(&csv->columns, &names_alone);
    csv->out->places = names_alone.places;
    csv->out->cols = cols;
    if (status != TOOL_OK) return status;
    report(csv);
    return TOOL_OK;
}

int tool_csv_read(struct source *source, const struct data_options *options, struct data *out) {
    struct csv csv = {.options = options, .out = out};
    tool_text_begin(&csv.text, source);
    int status = read_table(&csv);
    out->text = true;
    out->header = csv.dialect.header;
    tool_text_free(&csv.text);
    tool_columns_free(&csv.columns);
    free(csv.watch);
    return status;
}
