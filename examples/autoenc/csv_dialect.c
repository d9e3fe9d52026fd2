/* csv_dialect.c - every pair of separator and decimal mark is tried on the first lines; the best is taken. */
#include "csv_dialect.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"

enum { LINES = 100, SAMPLE = 1 << 16, NUMBER_MAX = 512, NUMBERED_MIN = 3, NUMBERED_MANY = 8 };

/* What the first lines are under one pair. */
struct reading {
    char separator, decimal;
    size_t first, most;    /* fields of the first line; what most of the others have */
    size_t lines, uniform; /* looked at, the first left out where there are others; with `most` fields */
    size_t fields, numbers, missing;
    size_t fractions;      /* numbers with a decimal mark or an exponent */
    size_t commas, groups; /* decimal commas; of them those with three digits behind and up to three before */
    size_t all, open_ends; /* lines, the first included; of them those whose last field is empty */
    bool first_open;
    size_t first_words; /* fields of the first line that are neither numbers nor missing */
};

/* ---- Fields ---- */

bool tool_field_missing(const struct field *field) {
    static const char *const words[] = {"na", "n/a", "#n/a", "nan", "null", "none", "?", "."};
    if (field->length == 0) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t k = 0;
        if (strlen(words[i]) != field->length) continue;
        while (k < field->length &&
               (field->text[k] == words[i][k] || (field->text[k] + 'a' - 'A' == words[i][k] && words[i][k] >= 'a'))) {
            k++;
        }
        if (k == field->length) return true;
    }
    return false;
}

int tool_field_number(const struct field *field, char decimal, double *out) {
    char copy[NUMBER_MAX];
    if (decimal == '.') return (int)tool_number_parse(field->text, field->length, out);
    if (field->length > sizeof copy || memchr(field->text, '.', field->length) != NULL) return (int)NUMBER_BAD;
    for (size_t i = 0; i < field->length; i++) copy[i] = field->text[i] == ',' ? '.' : field->text[i];
    return (int)tool_number_parse(copy, field->length, out);
}

const char *tool_separator_name(char separator) {
    static const char known[] = ",;\t| ";
    static const char *const names[] = {"comma", "semicolon", "tab", "bar", "blank"};
    const char *at = separator != '\0' ? strchr(known, separator) : NULL;
    return separator == '\0' ? "none" : at != NULL ? names[at - known] : "as given";
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A decimal comma has a digit on both sides. */
static bool comma_inside(const struct field *field, bool *group) {
    const char *comma = memchr(field->text, ',', field->length);
    if (comma == NULL || comma == field->text) return false;
    size_t before = (size_t)(comma - field->text), after = field->length - before - 1, digits = 0;
    while (digits < after && is_digit(comma[1 + digits])) digits++;
    size_t lead = before - (field->text[0] == '-' || field->text[0] == '+');
    *group = digits == 3 && after == 3 && lead >= 1 && lead <= 3;
    return digits > 0 && is_digit(comma[-1]);
}

static void count_field(struct reading *reading, const struct field *field) {
    double value = 0.0;
    bool group = false;
    reading->fields++;
    if (tool_field_missing(field)) {
        reading->missing++;
        return;
    }
    bool comma = reading->decimal == ',' && memchr(field->text, ',', field->length) != NULL;
    if (comma && !comma_inside(field, &group)) return;
    if (tool_field_number(field, reading->decimal, &value) == (int)NUMBER_BAD) return;
    reading->numbers++;
    reading->commas += comma;
    reading->groups += group;
    for (size_t i = 0; i < field->length; i++) {
        if (!is_digit(field->text[i]) && field->text[i] != '-' && field->text[i] != '+') {
            reading->fractions++;
            break;
        }
    }
}

/* ---- Lines ---- */

/* A walk over the records of the sample, empty lines and comments left out. */
struct walk {
    const char *bytes;
    size_t size, at;
    bool last; /* nothing follows the sample */
    char separator;
};

/* A record that the sample cuts off counts only where there is no other. */
static bool walk_next(struct walk *walk, struct record *out) {
    while (walk->at < walk->size) {
        *out = tool_record_cut(walk->bytes + walk->at, walk->size - walk->at, walk->last, walk->separator);
        if (!out->ends && walk->at > 0) return false;
        walk->at += out->next;
        if (!tool_record_skipped(out, walk->separator)) return true;
    }
    return false;
}

static bool all_empty(const struct record *record, char separator) {
    for (size_t i = 0; i < record->length; i++) {
        if (record->text[i] != separator && record->text[i] != ' ') return false;
    }
    return separator != '\0' && separator != ' ';
}

/* The most common of the counts; the first of those that are equally common. */
static size_t most_common(const size_t *counts, size_t count, size_t *times) {
    size_t most = 0;
    *times = 0;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        for (size_t k = 0; k < count; k++) same += counts[k] == counts[i];
        if (same <= *times) continue;
        *times = same;
        most = counts[i];
    }
    return most;
}

static void read_as(struct walk walk, char separator, char decimal, struct reading *out) {
    size_t counts[LINES] = {0};
    struct record record;
    *out = (struct reading){.separator = separator, .decimal = decimal};
    walk.separator = separator;
    while (out->all < LINES && walk_next(&walk, &record)) {
        struct field field = {0};
        size_t count = 0;
        if (out->all > 0 && all_empty(&record, separator)) continue; /* of nothing but separators */
        if (out->all == 1) out->fields = out->numbers = out->missing = out->fractions = out->commas = out->groups = 0;
        for (size_t at = 0; at != SIZE_MAX; count++) {
            tool_field_next(&record, separator, &at, &field);
            count_field(out, &field);
        }
        if (out->all == 0) {
            out->first = count;
            out->first_words = out->fields - out->numbers - out->missing;
        }
        bool open = count > 1 && field.length == 0 && !field.quoted;
        if (out->all == 0) out->first_open = open;
        out->open_ends += open;
        counts[out->all++] = count;
    }
    bool alone = out->all <= 1;
    out->lines = alone ? out->all : out->all - 1;
    out->most = most_common(counts + !alone, out->lines, &out->uniform);
}

/* ---- The best reading ---- */

static double score(const struct reading *reading) {
    if (reading->lines == 0) return 0.0;
    double numbers = (double)(reading->numbers + reading->missing) / (double)reading->fields;
    if (reading->numbers == 0) numbers = 0.0;
    double uniform = (double)reading->uniform / (double)reading->lines;
    return uniform * numbers + (reading->numbers == 0 && reading->first > 1 ? 0.01 : 0.0);
}

static bool is_clean(const struct reading *reading) {
    return reading->lines > 0 && reading->uniform == reading->lines && reading->numbers > 0 &&
           reading->numbers + reading->missing == reading->fields;
}

/* More numbers in rows of one length, then a first line of numbers as well, then one of the same length, then more
 * columns. */
static bool is_better(const struct reading *a, const struct reading *b) {
    double more = score(a) - score(b);
    if (more > 1e-9 || more < -1e-9) return more > 0.0;
    if ((a->first_words == 0) != (b->first_words == 0)) return a->first_words == 0;
    bool fits = a->first == a->most, other_fits = b->first == b->most;
    if (fits != other_fits) return fits;
    return a->most > b->most;
}

/* A comma that separates is a decimal mark as well only within quotes; "1,234" there is more likely 1234. */
static bool commas_in_quotes(const struct reading *reading, const struct csv_options *options) {
    if (options->decimal == ',') return options->separator == ',' || reading->commas > 0;
    return reading->commas > reading->groups;
}

static void choose(const struct walk *sample, const struct csv_options *options, struct csv_dialect *out,
                   struct reading *best) {
    static const char separators[] = {'\0', ',', ';', '\t', '|', ' '}, decimals[] = {'.', ','};
    struct reading clean[2] = {{0}}; /* of one column, of two */
    bool chosen = false;
    for (size_t d = 0; d < 2; d++) {
        for (size_t s = 0; s < sizeof separators; s++) {
            char separator = options->separator != '\0' ? options->separator : separators[s];
            char decimal = options->decimal != '\0' ? options->decimal : decimals[d];
            if (options->separator != '\0' && s > 0) break;
            if (options->decimal != '\0' && d > 0) break;
            if (separator != '\0' && memchr(sample->bytes, separator, sample->size) == NULL && separator != ' ')
                continue;
            struct reading reading;
            read_as(*sample, separator, decimal, &reading);
            if (separator == ',' && decimal == ',' && !commas_in_quotes(&reading, options)) continue;
            if (is_clean(&reading) && reading.first_words == 0 && reading.most <= 2 && reading.first == reading.most) {
                if (clean[reading.most - 1].lines == 0) clean[reading.most - 1] = reading;
            }
            if (chosen && !is_better(&reading, best)) continue;
            *best = reading;
            chosen = true;
        }
    }
    if (!chosen) read_as(*sample, options->separator, options->decimal != '\0' ? options->decimal : '.', best);
    out->separator = best->separator;
    out->decimal = best->decimal;
    out->one_or_two = best->most == 2 && clean[1].separator == ',' && clean[0].lines > 0 && clean[0].commas > 0;
    out->thousands = best->commas > 0 && best->commas == best->groups && options->decimal == '\0';
}

/* ---- The header ---- */

/* Digits alone; their value. */
static bool is_index(const struct field *field, size_t *out) {
    *out = 0;
    if (field->length == 0 || field->length > 9) return false;
    for (size_t i = 0; i < field->length; i++) {
        if (!is_digit(field->text[i])) return false;
        *out = 10 * *out + (size_t)(field->text[i] - '0');
    }
    return true;
}

struct names {
    size_t count;
    bool begins_empty, begins_word; /* a word is neither a number nor missing */
    bool numbered;                  /* the fields, but perhaps for the first, count up by one from 0 */
    bool counted;                   /* they count up by one from anything */
};

static struct names names_of(const struct record *record, const struct csv_dialect *dialect) {
    struct names names = {.numbered = true, .counted = true};
    size_t expected = SIZE_MAX;
    for (size_t at = 0; at != SIZE_MAX; names.count++) {
        struct field field;
        double value;
        size_t index = 0;
        tool_field_next(record, dialect->separator, &at, &field);
        bool word =
            !tool_field_missing(&field) && tool_field_number(&field, dialect->decimal, &value) == (int)NUMBER_BAD;
        if (names.count == 0) {
            names.begins_empty = field.length == 0;
            names.begins_word = word;
            if (names.begins_empty || word) continue;
        }
        if (at == SIZE_MAX && field.length == 0) break; /* a trailing separator */
        bool counts = is_index(&field, &index) && (expected == SIZE_MAX || index == expected);
        if (expected == SIZE_MAX && index > 0) names.numbered = false;
        if (!counts) names.numbered = names.counted = false;
        expected = index + 1;
    }
    if (expected == SIZE_MAX) names.numbered = names.counted = false;
    return names;
}

/* Whether most of the first line's fields are words where the second has numbers; of all fields where it has none. */
static bool words_over_numbers(const struct record *first, const struct record *second,
                               const struct csv_dialect *dialect) {
    size_t numbers = 0, over = 0, fields = 0, words = 0;
    for (size_t at = 0, below = second != NULL ? 0 : SIZE_MAX; at != SIZE_MAX;) {
        struct field field, other = {0};
        double value;
        tool_field_next(first, dialect->separator, &at, &field);
        bool word =
            !tool_field_missing(&field) && tool_field_number(&field, dialect->decimal, &value) == (int)NUMBER_BAD;
        if (below != SIZE_MAX) tool_field_next(second, dialect->separator, &below, &other);
        bool number = other.length > 0 && tool_field_number(&other, dialect->decimal, &value) != (int)NUMBER_BAD;
        fields += field.length > 0;
        words += word;
        numbers += number && field.length > 0;
        over += number && word;
    }
    return numbers > 0 ? 2 * over > numbers : 2 * words > fields;
}

/* Names are most often words. pandas names columns 0, 1, 2 ...: such a line is a header where most numbers below
 * have fractions or the columns are many, unless the next line counts up as well. */
static bool find_header(const struct walk *sample, struct csv_dialect *dialect, const struct reading *best) {
    struct walk walk = *sample;
    struct record first, second;
    struct names next = {0};
    walk.separator = dialect->separator;
    if (!walk_next(&walk, &first)) return false;
    bool more = walk_next(&walk, &second);
    if (words_over_numbers(&first, more ? &second : NULL, dialect)) return true;
    struct names names = names_of(&first, dialect);
    if (names.count == 1) {
        bool zero = first.text[0] == '0' && (first.length == 1 || first.text[1] == dialect->separator);
        dialect->numbered = more && best->fractions > 0 && zero;
        return false;
    }
    if (more) next = names_of(&second, dialect);
    if (!names.numbered || !more) return false;
    if (names.begins_empty || (names.begins_word && !next.begins_word)) return true;
    bool fractions = 2 * best->fractions > best->numbers && names.count >= NUMBERED_MIN;
    bool header = !next.counted && (fractions || names.count >= NUMBERED_MANY);
    dialect->numbered = !next.counted;
    return header;
}

/* ---- All of it ---- */

/* Enough of the text to decide by. */
static int fill_sample(struct text *text) {
    for (size_t breaks = 0, seen = 0; !text->ended;) {
        int status = tool_text_more(text);
        if (status != TOOL_OK) return status;
        size_t size = text->end - text->begin;
        const char *bytes = text->bytes + text->begin;
        for (; seen < size; seen++) breaks += bytes[seen] == '\n' || bytes[seen] == '\r';
        if (size >= RECORD_MAX || (size >= SAMPLE && breaks >= 6)) break;
    }
    return TOOL_OK;
}

/* A spreadsheet's first line: sep=; */
static size_t stated_separator(const struct walk *sample, char *out) {
    struct record record = tool_record_cut(sample->bytes, sample->size, sample->last, '\0');
    const char *text = record.text;
    if (record.length > 0 && text[0] == '"') text++, record.length -= record.length > 5 ? 2 : 0;
    if (record.length != 5 || (memcmp(text, "sep=", 4) != 0 && memcmp(text, "SEP=", 4) != 0)) return 0;
    *out = text[4];
    return record.next;
}

/* Whether the first fields below the header are words, or count up: names of rows. */
static bool find_row_names(const struct walk *sample, const struct csv_dialect *dialect) {
    struct walk walk = *sample;
    struct record record;
    size_t rows = 0, words = 0, counted = 0, before = 0;
    walk.separator = dialect->separator;
    (void)walk_next(&walk, &record);
    for (; rows < LINES && walk_next(&walk, &record); rows++) {
        struct field field;
        double value;
        size_t at = 0, index = 0;
        tool_field_next(&record, dialect->separator, &at, &field);
        words += tool_field_number(&field, dialect->decimal, &value) == (int)NUMBER_BAD;
        counted += is_index(&field, &index) && (rows == 0 || index == before + 1);
        before = index;
    }
    return rows > 0 && (words == rows || counted == rows);
}

static void count_columns(const struct walk *sample, const struct csv_options *options, struct csv_dialect *out,
                          const struct reading *best) {
    out->header = options->header == HEADER_YES || (options->header == HEADER_AUTO && find_header(sample, out, best));
    out->cols = best->first;
    size_t rows = best->all - out->header, open = best->open_ends - (out->header && best->first_open);
    bool rows_open = rows > 0 ? open == rows : best->first_open;
    /* a name above it makes it a column whose values are missing */
    bool unnamed = !out->header || best->first_open || best->first + 1 == best->most;
    if (out->separator != ' ' && rows_open && unnamed) {
        out->trailing = true;
        out->cols = (rows > 0 ? best->most : best->first) - 1;
    } else if (out->header && rows > 0 && best->first_open && best->first == best->most + 1) {
        out->cols = best->most;
    } else if (out->header && rows > 0 && best->first + 1 == best->most && find_row_names(sample, out)) {
        out->cols = best->most;
        out->row_names = true;
    }
}

int tool_dialect_find(struct text *text, const struct csv_options *options, struct csv_dialect *out) {
    struct csv_options stated = *options;
    struct reading best = {0};
    char separator = '\0';
    *out = (struct csv_dialect){0};
    int status = fill_sample(text);
    if (status != TOOL_OK) return status;
    struct walk sample = {.bytes = text->bytes + text->begin, .size = text->end - text->begin, .last = text->ended};
    if (sample.size > 0) out->skip = stated_separator(&sample, &separator);
    if (stated.separator == '\0') stated.separator = separator;
    sample.bytes += out->skip;
    sample.size -= out->skip;
    choose(&sample, &stated, out, &best);
    count_columns(&sample, &stated, out, &best);
    return TOOL_OK;
}
