/* json.c - the reader: one function per production of RFC 8259's grammar, recursion bounded by JSON_DEPTH. */
#include "io/json.h"

#include <string.h>

#include "io/bytes.h"

struct reader {
    struct arena *arena;
    const char *text;
    size_t length;
    size_t at; /* the next byte */
    const char *what;
    int depth;          /* containers that are open */
    size_t values_left; /* that there may still be */
};

static aenc_status read_value(struct reader *reader, struct json *value);

static aenc_status fail_at(const struct reader *reader, size_t at, const char *problem) {
    return aenc_fail(reader->arena->ctx, AENC_ERR_FORMAT, "%s, byte %zu: %s", reader->what, at, problem);
}

static aenc_status fail_expected(const struct reader *reader, const char *expected) {
    aenc_context *ctx = reader->arena->ctx;
    if (reader->at >= reader->length)
        return aenc_fail(ctx, AENC_ERR_FORMAT, "%s, byte %zu: expected %s, found the end", reader->what, reader->at,
                         expected);
    unsigned char c = (unsigned char)reader->text[reader->at];
    if (c < 0x20 || c >= 0x7F)
        return aenc_fail(ctx, AENC_ERR_FORMAT, "%s, byte %zu: expected %s, found byte 0x%02x", reader->what, reader->at,
                         expected, c);
    return aenc_fail(ctx, AENC_ERR_FORMAT, "%s, byte %zu: expected %s, found '%c'", reader->what, reader->at, expected,
                     c);
}

static bool next_is(const struct reader *reader, char c) {
    return reader->at < reader->length && reader->text[reader->at] == c;
}

static bool next_is_digit(const struct reader *reader) {
    return reader->at < reader->length && reader->text[reader->at] >= '0' && reader->text[reader->at] <= '9';
}

static bool accept(struct reader *reader, char c) {
    bool found = next_is(reader, c);
    reader->at += found;
    return found;
}

static void skip_blanks(struct reader *reader) {
    while (next_is(reader, ' ') || next_is(reader, '\n') || next_is(reader, '\r') || next_is(reader, '\t'))
        reader->at++;
}

/* ---- Texts ---- */

/* Four hexadecimal digits; -1 when there are not four. */
static int32_t hex_unit(const char *text, size_t left) {
    int32_t unit = 0;
    if (left < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c - 'A' + 10;
        bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!(c >= '0' && c <= '9') && !is_letter) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static size_t put_utf8(char *to, int32_t point) {
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    const int lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    to[0] = (char)(lead[length] | point);
    return length;
}

/* \uXXXX with reader->at behind the 'u': one character, or two halves of a surrogate pair. */
static aenc_status read_unicode_escape(struct reader *reader, char *to, size_t *used) {
    const size_t start = reader->at - 2;
    int32_t point = hex_unit(reader->text + reader->at, reader->length - reader->at);
    if (point < 0) return fail_at(reader, start, "\\u must be followed by four hexadecimal digits");
    reader->at += 4;
    if (point == 0) return fail_at(reader, start, "a text must not contain the character NUL");
    if (point >= 0xDC00 && point <= 0xDFFF) return fail_at(reader, start, "a low surrogate without a high one");
    if (point >= 0xD800 && point <= 0xDBFF) {
        int32_t low = -1;
        if (accept(reader, '\\') && accept(reader, 'u'))
            low = hex_unit(reader->text + reader->at, reader->length - reader->at);
        if (low < 0xDC00 || low > 0xDFFF) return fail_at(reader, start, "a high surrogate without a low one");
        reader->at += 4;
        point = 0x10000 + (point - 0xD800) * 0x400 + (low - 0xDC00);
    }
    *used += put_utf8(to + *used, point);
    return AENC_OK;
}

/* reader->at stands behind the backslash. */
static aenc_status read_escape(struct reader *reader, char *to, size_t *used) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = reader->text[reader->at];
    if (c == 'u') {
        reader->at++;
        return read_unicode_escape(reader, to, used);
    }
    const char *name = memchr(names, c, sizeof names - 1);
    if (name == NULL) return fail_at(reader, reader->at - 1, "an unknown escape");
    to[(*used)++] = values[name - names];
    reader->at++;
    return AENC_OK;
}

/* From the opening quote, finds the closing one: what an upper bound of the text's length comes from. */
static aenc_status find_quote(const struct reader *reader, size_t *end) {
    size_t at = reader->at + 1;
    for (; at < reader->length && reader->text[at] != '"'; at++) {
        if ((unsigned char)reader->text[at] < 0x20)
            return fail_at(reader, at, "a control character in a text must be escaped");
        if (reader->text[at] == '\\') at++;
    }
    if (at >= reader->length) return fail_at(reader, reader->at, "the text that begins here has no end");
    *end = at;
    return AENC_OK;
}

static aenc_status read_text(struct reader *reader, const char **out) {
    size_t end = 0;
    aenc_status status = find_quote(reader, &end);
    if (status != AENC_OK) return status;
    reader->at++;
    char *text = aenc_arena_alloc(reader->arena, end - reader->at + 1, 1);
    if (text == NULL) return AENC_ERR_NO_MEMORY;
    size_t used = 0;
    while (reader->at < end) {
        char c = reader->text[reader->at++];
        if (c != '\\') {
            text[used++] = c;
            continue;
        }
        status = read_escape(reader, text, &used);
        if (status != AENC_OK) return status;
    }
    text[used] = '\0';
    reader->at = end + 1;
    *out = text;
    return AENC_OK;
}

/* ---- Numbers and words ---- */

static bool skip_digits(struct reader *reader) {
    size_t start = reader->at;
    while (next_is_digit(reader)) reader->at++;
    return reader->at > start;
}

static aenc_status read_number(struct reader *reader, struct json *value) {
    const size_t start = reader->at;
    accept(reader, '-');
    if (!accept(reader, '0') && !skip_digits(reader)) return fail_expected(reader, "a digit");
    if (accept(reader, '.') && !skip_digits(reader)) return fail_expected(reader, "a digit behind the point");
    if (accept(reader, 'e') || accept(reader, 'E')) {
        if (!accept(reader, '+')) accept(reader, '-');
        if (!skip_digits(reader)) return fail_expected(reader, "a digit of the exponent");
    }
    value->kind = JSON_NUMBER;
    value->digits = true;
    for (size_t at = start; at < reader->at; at++)
        if (reader->text[at] < '0' || reader->text[at] > '9') value->digits = false;
    if (!aenc_number_parse(reader->text + start, reader->at - start, &value->number))
        return fail_at(reader, start, "a number beyond the range of double, or of too many digits");
    return AENC_OK;
}

static bool accept_word(struct reader *reader, const char *word) {
    size_t length = strlen(word);
    if (reader->length - reader->at < length || memcmp(reader->text + reader->at, word, length) != 0) return false;
    reader->at += length;
    return true;
}

static aenc_status read_word(struct reader *reader, struct json *value) {
    value->kind = JSON_BOOL;
    value->truth = accept_word(reader, "true");
    if (value->truth || accept_word(reader, "false")) return AENC_OK;
    value->kind = JSON_NULL;
    if (accept_word(reader, "null")) return AENC_OK;
    return fail_expected(reader, "a value");
}

/* ---- Containers ---- */

static aenc_status append(struct reader *reader, struct json *parent, struct json **out) {
    if (reader->values_left-- == 0) return fail_at(reader, reader->at, "more values than there may be here");
    struct json *child = *out = aenc_arena_alloc(reader->arena, 1, sizeof *child);
    if (child == NULL) return AENC_ERR_NO_MEMORY;
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
    return AENC_OK;
}

static aenc_status read_array(struct reader *reader, struct json *array) {
    reader->at++;
    array->kind = JSON_ARRAY;
    skip_blanks(reader);
    if (accept(reader, ']')) return AENC_OK;
    for (;;) {
        struct json *element = NULL;
        aenc_status status = append(reader, array, &element);
        if (status != AENC_OK) return status;
        skip_blanks(reader);
        status = read_value(reader, element);
        if (status != AENC_OK) return status;
        skip_blanks(reader);
        if (accept(reader, ']')) return AENC_OK;
        if (!accept(reader, ',')) return fail_expected(reader, "',' or ']'");
    }
}

/* The key and the colon behind it. */
static aenc_status read_key(struct reader *reader, const char **key) {
    skip_blanks(reader);
    if (!next_is(reader, '"')) return fail_expected(reader, "a key in '\"'");
    aenc_status status = read_text(reader, key);
    if (status != AENC_OK) return status;
    skip_blanks(reader);
    if (!accept(reader, ':')) return fail_expected(reader, "':'");
    skip_blanks(reader);
    return AENC_OK;
}

static aenc_status read_member(struct reader *reader, struct json *object) {
    struct json *member = NULL;
    const char *key;
    aenc_status status = read_key(reader, &key);
    if (status == AENC_OK) status = append(reader, object, &member);
    if (status != AENC_OK) return status;
    member->key = key;
    return read_value(reader, member);
}

static aenc_status read_object(struct reader *reader, struct json *object) {
    const size_t start = reader->at++;
    object->kind = JSON_OBJECT;
    skip_blanks(reader);
    if (accept(reader, '}')) return AENC_OK;
    do {
        aenc_status status = read_member(reader, object);
        if (status != AENC_OK) return status;
        skip_blanks(reader);
    } while (accept(reader, ','));
    if (!accept(reader, '}')) return fail_expected(reader, "',' or '}'");
    const struct json *repeated;
    aenc_status status = aenc_json_repeated(reader->arena->ctx, object, &repeated);
    if (status != AENC_OK) return status;
    if (repeated == NULL) return AENC_OK;
    return aenc_fail(reader->arena->ctx, AENC_ERR_FORMAT,
                     "%s, byte %zu: the object that begins here has the key '%s' twice", reader->what, start,
                     aenc_quoted(repeated->key).text);
}

/* reader->at stands on the value's first byte. */
static aenc_status read_value(struct reader *reader, struct json *value) {
    if (next_is(reader, '"')) {
        value->kind = JSON_TEXT;
        return read_text(reader, &value->text);
    }
    if (next_is(reader, '-') || next_is_digit(reader)) return read_number(reader, value);
    if (!next_is(reader, '{') && !next_is(reader, '[')) return read_word(reader, value);
    if (reader->depth == JSON_DEPTH)
        return aenc_fail(reader->arena->ctx, AENC_ERR_FORMAT, "%s, byte %zu: nested too deep: at most %d levels",
                         reader->what, reader->at, JSON_DEPTH);
    reader->depth++;
    aenc_status status = next_is(reader, '{') ? read_object(reader, value) : read_array(reader, value);
    reader->depth--;
    return status;
}

static aenc_status reader_open(struct reader *reader, struct arena *arena, const char *text, size_t length,
                               const char *what) {
    *reader = (struct reader){.arena = arena, .text = text, .length = length, .what = what, .values_left = SIZE_MAX};
    size_t valid = aenc_utf8_prefix(text, length);
    if (valid < length) return fail_at(reader, valid, "not UTF-8");
    skip_blanks(reader);
    return AENC_OK;
}

static aenc_status take_member(struct reader *reader, const struct json_taker *taker) {
    const char *key;
    bool keep = false;
    aenc_status status = read_key(reader, &key);
    if (status != AENC_OK) return status;
    const struct arena_mark mark = aenc_arena_mark(reader->arena);
    struct json *member = aenc_arena_alloc(reader->arena, 1, sizeof *member);
    if (member == NULL) return AENC_ERR_NO_MEMORY;
    member->key = key;
    reader->values_left = taker->values_max(taker->user, key);
    status = read_value(reader, member);
    if (status == AENC_OK) status = taker->take(taker->user, member, &keep);
    if (!keep) aenc_arena_rewind(reader->arena, mark);
    return status;
}

aenc_status aenc_json_parse_members(struct arena *arena, const char *text, size_t length, const char *what,
                                    const struct json_taker *taker) {
    struct reader reader;
    aenc_status status = reader_open(&reader, arena, text, length, what);
    if (status != AENC_OK) return status;
    if (!accept(&reader, '{')) return fail_expected(&reader, "'{'");
    reader.depth = 1;
    skip_blanks(&reader);
    bool more = !accept(&reader, '}');
    while (more) {
        status = take_member(&reader, taker);
        if (status != AENC_OK) return status;
        skip_blanks(&reader);
        more = accept(&reader, ',');
        if (!more && !accept(&reader, '}')) return fail_expected(&reader, "',' or '}'");
    }
    skip_blanks(&reader);
    return reader.at < length ? fail_expected(&reader, "nothing behind the value") : AENC_OK;
}

aenc_status aenc_json_parse(struct arena *arena, const char *text, size_t length, const char *what, struct json **out) {
    struct reader reader;
    *out = NULL;
    aenc_status status = reader_open(&reader, arena, text, length, what);
    if (status != AENC_OK) return status;
    struct json *root = aenc_arena_alloc(arena, 1, sizeof *root);
    if (root == NULL) return AENC_ERR_NO_MEMORY;
    status = read_value(&reader, root);
    if (status != AENC_OK) return status;
    skip_blanks(&reader);
    if (reader.at < length) return fail_expected(&reader, "nothing behind the value");
    *out = root;
    return AENC_OK;
}
