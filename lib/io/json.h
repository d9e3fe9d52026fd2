/* json.h - strict, bounded JSON (RFC 8259) as a tree.
 *
 * The reader accepts exactly the grammar: UTF-8 checked, depth at most JSON_DEPTH, no duplicate keys, nothing behind
 * the value. Numbers are doubles; integers beyond 2^53 travel as strings. The writer prints numbers with the fewest
 * digits that read back the same, independent of the locale, and refuses what the reader would refuse. A tree lives in
 * the arena that it was read into.
 */
#ifndef AENC_IO_JSON_H
#define AENC_IO_JSON_H

#include "base/arena.h"

enum {
    JSON_DEPTH = 32,     /* arrays and objects inside each other */
    NUMBER_LENGTH = 1100 /* bytes of a number's text; 1078 hold the exact value of any double */
};

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool truth;
    bool digits; /* of a number: written in digits alone, without sign, point and exponent */
    double number;
    const char *text;   /* NUL-terminated UTF-8; texts with an embedded NUL are refused */
    const char *key;    /* of a member of an object; NULL otherwise */
    struct json *first; /* of an array or object, in order */
    struct json *last;
    struct json *next;
    size_t count; /* children */
};

/* Parses the whole text. AENC_ERR_FORMAT with byte offset and what was wrong; `what` names the text in messages ("the
 * model description"). *out is NULL on failure. */
aenc_status aenc_json_parse(struct arena *arena, const char *text, size_t length, const char *what, struct json **out);

/* Parses a text that is an object, member by member: what a member needs is there only while it is taken, so that
 * the first one that is not what it should be ends the reading before the others take memory. Keys, which stay in
 * the arena, may repeat. */
struct json_taker {
    /* How many values there may be inside the member called key. */
    size_t (*values_max)(void *user, const char *key);
    /* *keep: member and what is in it stay in the arena. */
    aenc_status (*take)(void *user, const struct json *member, bool *keep);
    void *user;
};
aenc_status aenc_json_parse_members(struct arena *arena, const char *text, size_t length, const char *what,
                                    const struct json_taker *taker);

/* Member by key; NULL where there is none or the value is not an object. */
const struct json *aenc_json_member(const struct json *object, const char *key);
/* *repeated is a member whose key an earlier one has already, NULL when every key is there once. */
aenc_status aenc_json_repeated(aenc_context *ctx, const struct json *object, const struct json **repeated);
/* The value as a whole number within [0, 2^53), written in digits alone: 8.0 and 8e0 are none, as for the readers of
 * other languages. false when it is anything else. value may be NULL. */
bool aenc_json_whole(const struct json *value, uint64_t *out);
/* The same, or a text of digits alone, up to 2^64 - 1. */
bool aenc_json_u64(const struct json *value, uint64_t *out);

/* Building. Each returns NULL when the arena is out of memory or the parent is NULL; the parent is then as it was, so a
 * tree is complete only if every call answered something. key is copied; NULL in an array. parent NULL only through
 * aenc_json_root. */
struct json *aenc_json_root(struct arena *arena, enum json_kind kind);
struct json *aenc_json_add(struct arena *arena, struct json *parent, const char *key, enum json_kind kind);
struct json *aenc_json_add_number(struct arena *arena, struct json *parent, const char *key, double number);
struct json *aenc_json_add_text(struct arena *arena, struct json *parent, const char *key, const char *text);
/* A text of digits, as aenc_json_u64 reads it: numbers beyond 2^53 are none to readers of other languages. */
struct json *aenc_json_add_u64(struct arena *arena, struct json *parent, const char *key, uint64_t whole);
struct json *aenc_json_add_bool(struct arena *arena, struct json *parent, const char *key, bool truth);
/* Deep copy of value under parent (NULL: a new root). NULL also where value is NULL, or nested deeper than JSON_DEPTH
 * with a message that says so. */
struct json *aenc_json_add_copy(struct arena *arena, struct json *parent, const char *key, const struct json *value);

/* The text, compact (no blanks), NUL-terminated, from aenc_alloc: the caller releases it. *length (may be NULL) without
 * the NUL. A number that is not finite is AENC_ERR_NONFINITE; texts that are not UTF-8, a key twice in an object and
 * nesting beyond JSON_DEPTH are AENC_ERR_ARGUMENT. *out is NULL on failure. */
aenc_status aenc_json_write(aenc_context *ctx, const struct json *value, char **out, size_t *length);

/* The shortest text that reads back as the same double, into a buffer of at least 32 bytes; returns its length. Finite
 * numbers only. Shortest means the fewest digits to which the number can be rounded correctly without becoming
 * another. */
size_t aenc_number_text(double number, char *buffer);
/* The same; with single the number is a float, and the text reads back as that
 * float. */
size_t aenc_number_text_of(double number, bool single, char *buffer);
/* Reads a decimal number from the whole of [text, text + length): sign, digits, point, exponent; no locale, no hex, no
 * inf/nan. False when it is anything else, beyond the range of double or longer than NUMBER_LENGTH. Correctly
 * rounded. */
bool aenc_number_parse(const char *text, size_t length, double *out);

#endif
