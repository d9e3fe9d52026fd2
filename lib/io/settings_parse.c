/* settings_parse.c - the text form of a spec.
 *
 *   spec    = name [ ":" setting *( "," setting ) ]
 *   setting = name "=" value
 *   name    = 1*( letter / digit / "_" / "-" )
 *   value   = number *( ";" number ) / whole *( "x" whole ) / "true" / "false" / word
 *
 * A value that begins like a number must be one, or a list; a word is anything else without comma or blank. A text that begins
 * with '{' is the object itself, as JSON.
 */
#include <string.h>

#include "io/bytes.h"
#include "io/settings.h"

struct parser {
    struct arena *arena;
    const char *what;
    const char *text;
    struct json *spec;
};

/* A piece of parser->text. */
struct piece {
    const char *begin;
    size_t length;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_name(struct piece piece) {
    for (size_t i = 0; i < piece.length; i++) {
        char c = piece.begin[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c) && c != '_' && c != '-') return false;
    }
    return piece.length > 0;
}

static bool is_word(struct piece piece) {
    for (size_t i = 0; i < piece.length; i++)
        if ((unsigned char)piece.begin[i] <= ' ' || piece.begin[i] == 0x7F) return false;
    return aenc_utf8_valid(piece.begin, piece.length);
}

static bool is_same(struct piece piece, const char *text) {
    return strlen(text) == piece.length && memcmp(piece.begin, text, piece.length) == 0;
}

static bool looks_like_number(struct piece piece) {
    size_t at = 0;
    if (at < piece.length && (piece.begin[at] == '-' || piece.begin[at] == '+')) at++;
    if (at < piece.length && piece.begin[at] == '.') at++;
    return at < piece.length && is_digit(piece.begin[at]);
}

/* NULL with the message set. */
static char *piece_copy(const struct parser *parser, struct piece piece) {
    char *copy = aenc_arena_alloc(parser->arena, piece.length + 1, 1);
    if (copy != NULL) memcpy(copy, piece.begin, piece.length);
    return copy;
}

static aenc_status fail_at(const struct parser *parser, const char *where, const char *problem) {
    return aenc_fail(parser->arena->ctx, AENC_ERR_ARGUMENT, "%s '%s', byte %zu: %s", parser->what,
                     aenc_quoted(parser->text).text, (size_t)(where - parser->text), problem);
}

static aenc_status fail_setting(const struct parser *parser, struct piece value, const char *key, const char *problem) {
    return aenc_fail(parser->arena->ctx, AENC_ERR_ARGUMENT, "%s '%s', byte %zu: setting '%s' %s", parser->what,
                     aenc_quoted(parser->text).text, (size_t)(value.begin - parser->text), aenc_quoted(key).text,
                     problem);
}

/* The next "digits" of "digits x digits x ..."; false when something else stands there. */
static bool next_size(struct piece *rest, double *size) {
    size_t length = 0;
    while (length < rest->length && is_digit(rest->begin[length])) length++;
    if (length == 0 || !aenc_number_parse(rest->begin, length, size)) return false;
    rest->begin += length;
    rest->length -= length;
    return true;
}

static aenc_status add_sizes(const struct parser *parser, const char *key, struct piece value) {
    static const char neither[] = "is neither a number nor sizes such as 8x8";
    struct json *list = aenc_json_add(parser->arena, parser->spec, key, JSON_ARRAY);
    struct piece rest = value;
    if (list == NULL) return AENC_ERR_NO_MEMORY;
    for (;;) {
        double size;
        if (!next_size(&rest, &size)) return fail_setting(parser, value, key, neither);
        if (list->count == SETTING_SIZES_MAX) return fail_setting(parser, value, key, "has more than 6 sizes");
        if (aenc_json_add_number(parser->arena, list, NULL, size) == NULL) return AENC_ERR_NO_MEMORY;
        if (rest.length == 0) return AENC_OK;
        if (rest.begin[0] != 'x') return fail_setting(parser, value, key, neither);
        rest.begin++;
        rest.length--;
    }
}

static aenc_status add_numbers(const struct parser *parser, const char *key, struct piece value) {
    struct json *list = aenc_json_add(parser->arena, parser->spec, key, JSON_ARRAY);
    const char *at = value.begin, *end = value.begin + value.length;
    if (list == NULL) return AENC_ERR_NO_MEMORY;
    for (;; at++) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        size_t length = (size_t)((stop == NULL ? end : stop) - at);
        double number;
        if (!aenc_number_parse(at, length, &number))
            return fail_setting(parser, value, key, "has something else among its numbers");
        if (aenc_json_add_number(parser->arena, list, NULL, number) == NULL) return AENC_ERR_NO_MEMORY;
        if (stop == NULL) return AENC_OK;
        at = stop;
    }
}

static aenc_status add_value(const struct parser *parser, const char *key, struct piece value) {
    struct arena *arena = parser->arena;
    struct json *spec = parser->spec;
    double number;
    if (value.length == 0) return fail_setting(parser, value, key, "has no value");
    if (is_same(value, "true") || is_same(value, "false"))
        return aenc_json_add_bool(arena, spec, key, value.begin[0] == 't') != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    if (aenc_number_parse(value.begin, value.length, &number))
        return aenc_json_add_number(arena, spec, key, number) != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    if (looks_like_number(value) && memchr(value.begin, ';', value.length) != NULL)
        return add_numbers(parser, key, value);
    if (looks_like_number(value)) return add_sizes(parser, key, value);
    if (!is_word(value)) return fail_setting(parser, value, key, "has a value with blanks, or not in UTF-8");
    const char *word = piece_copy(parser, value);
    if (word == NULL || aenc_json_add_text(arena, spec, key, word) == NULL) return AENC_ERR_NO_MEMORY;
    return AENC_OK;
}

/* "key=value" */
static aenc_status add_setting(const struct parser *parser, struct piece setting) {
    const char *equals = memchr(setting.begin, '=', setting.length);
    if (equals == NULL) return fail_at(parser, setting.begin, "expected a setting 'name=value'");
    struct piece name = {setting.begin, (size_t)(equals - setting.begin)};
    struct piece value = {equals + 1, setting.length - name.length - 1};
    if (!is_name(name))
        return fail_at(parser, setting.begin, "expected the name of a setting: letters, digits, '_' and '-'");
    const char *key = piece_copy(parser, name);
    if (key == NULL) return AENC_ERR_NO_MEMORY;
    if (strcmp(key, "type") == 0) return fail_setting(parser, value, key, "is the name in front of ':'");
    if (aenc_json_member(parser->spec, key) != NULL) return fail_setting(parser, value, key, "is there twice");
    return add_value(parser, key, value);
}

/* The object itself, as JSON. */
static aenc_status object_parse(struct arena *arena, const char *what, const char *text, struct json **out) {
    const char *name = aenc_arena_format(arena, "%s '%s'", what, aenc_quoted(text).text);
    struct json *spec;
    if (name == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = aenc_json_parse(arena, text, strlen(text), name, &spec);
    if (status == AENC_ERR_FORMAT) status = aenc_fail(arena->ctx, AENC_ERR_ARGUMENT, "%s", arena->ctx->message);
    const struct json *type = status == AENC_OK ? aenc_json_member(spec, "type") : NULL;
    if (status == AENC_OK && (type == NULL || type->kind != JSON_TEXT))
        status = aenc_fail(arena->ctx, AENC_ERR_ARGUMENT, "%s: there is no 'type'", name);
    if (status == AENC_OK) *out = spec;
    return status;
}

aenc_status aenc_settings_parse(struct arena *arena, const char *what, const char *text, struct json **out) {
    enum { SETTINGS_MAX = 64 };
    *out = NULL;
    if (text == NULL) return aenc_fail(arena->ctx, AENC_ERR_ARGUMENT, "%s: the text is NULL", what);
    if (text[0] == '{') return object_parse(arena, what, text, out);
    struct parser parser = {arena, what, text, aenc_json_root(arena, JSON_OBJECT)};
    struct piece name = {text, strcspn(text, ":")};
    if (parser.spec == NULL) return AENC_ERR_NO_MEMORY;
    if (!is_name(name)) return fail_at(&parser, text, "expected a name: letters, digits, '_' and '-'");
    const char *type = piece_copy(&parser, name);
    if (type == NULL || aenc_json_add_text(arena, parser.spec, "type", type) == NULL) return AENC_ERR_NO_MEMORY;
    const char *at = text + name.length;
    while (*at != '\0') {
        at++; /* the ':' or ',' in front of a setting */
        struct piece setting = {at, strcspn(at, ",")};
        if (parser.spec->count > SETTINGS_MAX) return fail_at(&parser, at, "more than 64 settings");
        aenc_status status = add_setting(&parser, setting);
        if (status != AENC_OK) return status;
        at += setting.length;
    }
    *out = parser.spec;
    return AENC_OK;
}
