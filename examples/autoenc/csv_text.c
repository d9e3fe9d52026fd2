/* csv_text.c - decoding, records, fields. */
#include "csv_text.h"

#include <stdlib.h>
#include <string.h>

enum { PORTION = 1 << 15 }; /* bytes of the file decoded at a time; UTF-16 becomes at most half as long again */

void tool_text_begin(struct text *text, struct source *source) {
    *text = (struct text){.source = source, .line = 1, .odd = -1};
}

void tool_text_free(struct text *text) {
    free(text->bytes);
    text->bytes = NULL;
}

/* ---- Decoding ---- */

/* A byte order mark decides; without one the bytes stay as they are. */
static void find_encoding(struct text *text) {
    size_t count = 0;
    const unsigned char *start = tool_source_peek(text->source, 3, &count);
    text->started = true;
    if (count >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0) {
        tool_source_take(text->source, 3);
    } else if (count >= 2 && (memcmp(start, "\xFF\xFE", 2) == 0 || memcmp(start, "\xFE\xFF", 2) == 0)) {
        text->wide = true;
        text->big_endian = start[0] == 0xFE;
        tool_source_take(text->source, 2);
    }
}

static size_t put_utf8(uint32_t point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[more] | point >> 6 * more);
    for (size_t i = 1; i <= more; i++) out[i] = (char)(0x80 | (point >> 6 * (more - i) & 0x3F));
    return more + 1;
}

/* Half a pair alone becomes U+FFFD. Answers the bytes written, at most 6. */
static size_t put_unit(struct text *text, uint32_t unit, char *out) {
    size_t used = 0;
    bool low = unit >= 0xDC00 && unit < 0xE000;
    if (text->high != 0) {
        uint32_t point = low ? 0x10000 + ((text->high & 0x3FF) << 10) + (unit & 0x3FF) : 0xFFFD;
        used = put_utf8(point, out);
        text->high = 0;
        if (low) return used;
    } else if (low) {
        return put_utf8(0xFFFD, out);
    }
    if (unit >= 0xD800 && unit < 0xDC00) {
        text->high = unit;
        return used;
    }
    return used + put_utf8(unit, out + used);
}

static void append(struct text *text, const unsigned char *bytes, size_t count) {
    char *to = text->bytes + text->end;
    if (!text->wide) {
        memcpy(to, bytes, count);
        text->end += count;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (text->odd < 0) {
            text->odd = bytes[i];
            continue;
        }
        uint32_t first = (uint32_t)text->odd, second = bytes[i];
        to += put_unit(text, text->big_endian ? first << 8 | second : second << 8 | first, to);
        text->odd = -1;
    }
    text->end = (size_t)(to - text->bytes);
}

static int reserve(struct text *text, size_t more) {
    if (text->begin > 0 && text->capacity - text->end < more) {
        memmove(text->bytes, text->bytes + text->begin, text->end - text->begin);
        text->end -= text->begin;
        text->begin = 0;
    }
    if (text->capacity - text->end >= more) return TOOL_OK;
    size_t capacity = 2 * text->end + more;
    char *grown = realloc(text->bytes, capacity);
    if (grown == NULL) return tool_fail("%s: out of memory in line %zu", text->source->name, text->line);
    text->bytes = grown;
    text->capacity = capacity;
    return TOOL_OK;
}

static int fail_zero(const struct text *text, const char *zero) {
    size_t line = text->line;
    for (const char *at = text->bytes + text->begin; at < zero; at++) line += *at == '\n';
    return tool_fail(
        "%s: line %zu has a zero byte; it is not .npy, .npz, IDX or CSV, nor UTF-16 with a byte order mark",
        text->source->name, line);
}

int tool_text_more(struct text *text) {
    size_t count = 0;
    if (!text->started) find_encoding(text);
    const unsigned char *bytes = tool_source_window(text->source, &count);
    if (text->source->failed) return TOOL_FAILED;
    if (count > PORTION) count = PORTION;
    int status = reserve(text, 3 * PORTION);
    if (status != TOOL_OK) return status;
    size_t before = text->end;
    if (count == 0) {
        text->ended = true;
        if (text->high != 0 || text->odd >= 0) text->end += put_utf8(0xFFFD, text->bytes + text->end);
    } else {
        append(text, bytes, count);
    }
    tool_source_take(text->source, count);
    const char *zero = memchr(text->bytes + before, 0, text->end - before);
    return zero == NULL ? TOOL_OK : fail_zero(text, zero);
}

/* ---- Records ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The length of the quoted field that begins at text with a quote; breaks counts line ends; *open: it does not end. */
static size_t quoted_length(const char *text, size_t size, size_t *breaks, bool *open) {
    for (size_t i = 1; i < size; i++) {
        if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == size || text[i + 1] != '\n'))) ++*breaks;
        if (text[i] != '"') continue;
        if (i + 1 < size && text[i + 1] == '"')
            i++;
        else
            return i + 1;
    }
    *open = true;
    return size;
}

/* Most records have no quote and end with LF or CRLF. */
static bool cut_plain(const char *bytes, size_t size, struct record *out) {
    const char *end = memchr(bytes, '\n', size);
    size_t length = end != NULL ? (size_t)(end - bytes) : 0;
    if (end == NULL || memchr(bytes, '"', length) != NULL) return false;
    const char *cr = memchr(bytes, '\r', length);
    if (cr != NULL && cr + 1 != end) return false;
    *out =
        (struct record){.text = bytes, .length = length - (cr != NULL), .next = length + 1, .breaks = 1, .ends = true};
    return true;
}

struct record tool_record_cut(const char *bytes, size_t size, bool last, char separator) {
    struct record record = {.text = bytes};
    if (cut_plain(bytes, size, &record)) return record;
    bool begins = true; /* a field begins here, but for blanks */
    size_t i = 0;
    while (i < size && bytes[i] != '\n' && bytes[i] != '\r') {
        if (bytes[i] == '"' && begins) {
            i += quoted_length(bytes + i, size - i, &record.breaks, &record.open);
            begins = false;
            continue;
        }
        begins = bytes[i] == separator || (is_blank(bytes[i]) && (begins || separator == ' '));
        i++;
    }
    record.length = record.next = i;
    record.ends = last;
    if (i == size) return record;
    /* whether a CR has its LF is known with the byte behind it */
    bool known = bytes[i] == '\n' || i + 1 < size || last;
    record.next = i + (bytes[i] == '\r' && i + 1 < size && bytes[i + 1] == '\n' ? 2 : 1);
    record.breaks++;
    record.ends = known;
    return record;
}

int tool_text_record(struct text *text, char separator, struct record *out, bool *more) {
    for (;;) {
        size_t left = text->end - text->begin;
        if (left > 0) {
            *out = tool_record_cut(text->bytes + text->begin, left, text->ended, separator);
            if (out->ends) break;
        } else if (text->ended) {
            *more = false;
            return TOOL_OK;
        }
        if (left > RECORD_MAX) {
            return tool_fail("%s: line %zu is longer than %d MiB%s", text->source->name, text->line, RECORD_MAX >> 20,
                             left > 0 && out->open ? "; a quote is not closed" : "");
        }
        int status = tool_text_more(text);
        /* a long record is looked at again only when it has doubled */
        while (status == TOOL_OK && !text->ended && text->end - text->begin < 2 * left) status = tool_text_more(text);
        if (status != TOOL_OK) return status;
    }
    out->line = text->line;
    text->line += out->breaks;
    text->begin += out->next;
    *more = true;
    return TOOL_OK;
}

bool tool_record_skipped(const struct record *record, char separator) {
    size_t i = 0;
    while (i < record->length && (record->text[i] == ' ' || (record->text[i] == '\t' && separator != '\t'))) i++;
    return i == record->length || record->text[i] == '#';
}

/* ---- Fields ---- */

static void trim(struct field *field) {
    while (field->length > 0 && is_blank(*field->text)) field->text++, field->length--;
    while (field->length > 0 && is_blank(field->text[field->length - 1])) field->length--;
}

void tool_field_next(const struct record *record, char separator, size_t *at, struct field *out) {
    const char *text = record->text;
    size_t start = *at, end, breaks = 0, size = record->length;
    bool open = false;
    while (start < size && is_blank(text[start]) && (separator == ' ' || text[start] != separator)) start++;
    end = start;
    if (end < size && text[end] == '"') end += quoted_length(text + end, size - end, &breaks, &open);
    if (separator == ' ') {
        while (end < size && !is_blank(text[end])) end++;
    } else if (separator == '\0') {
        end = size;
    } else {
        while (end < size && text[end] != separator) end++;
    }
    *out = (struct field){text + start, end - start, false};
    if (separator == ' ') { /* blanks at the end of a record separate nothing */
        while (end < size && is_blank(text[end])) end++;
        *at = end < size ? end : SIZE_MAX;
    } else {
        *at = end < size ? end + 1 : SIZE_MAX;
    }
    trim(out);
    if (out->length >= 2 && out->text[0] == '"' && out->text[out->length - 1] == '"') {
        *out = (struct field){out->text + 1, out->length - 2, true};
        trim(out);
    }
}

size_t tool_field_count(const struct record *record, char separator) {
    size_t count = 0;
    for (size_t at = 0; at != SIZE_MAX; count++) {
        struct field field;
        tool_field_next(record, separator, &at, &field);
    }
    return count;
}

void tool_field_show(const struct field *field, char *out) {
    size_t length = field->length < FIELD_SHOWN ? field->length : FIELD_SHOWN;
    for (size_t i = 0; i < length; i++) out[i] = field->text[i] >= ' ' && field->text[i] < 127 ? field->text[i] : '?';
    out[length] = '\0';
}
