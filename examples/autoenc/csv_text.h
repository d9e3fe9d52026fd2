/* csv_text.h - the text of a table: bytes as UTF-8, cut into records and fields.
 *
 * A record ends with LF, CRLF or a lone CR outside of quotes. A quote opens a quoted field only where the field begins,
 * and two quotes inside stand for one; so a quoted field may hold separators and line ends. Blanks around a field are
 * not part of it. The separator ' ' stands for any run of blanks and tabs, '\0' for none: a record is one field then.
 */
#ifndef TOOL_CSV_TEXT_H
#define TOOL_CSV_TEXT_H

#include "source.h"

enum { RECORD_MAX = 1 << 26 }; /* bytes */

struct text {
    struct source *source;
    char *bytes; /* from begin to end; UTF-8, or whatever the file has */
    size_t begin, end, capacity;
    size_t line;           /* of what stands at begin, from 1 */
    bool ended;            /* nothing follows end */
    bool started;          /* the encoding is known */
    bool wide, big_endian; /* UTF-16 */
    int odd;               /* the first byte of a unit whose second has not arrived; -1: none */
    uint32_t high;         /* the first half of a surrogate pair; 0: none */
};

struct field {
    const char *text;
    size_t length;
    bool quoted;
};

struct record {
    const char *text; /* borrowed until the next call */
    size_t length;    /* without the line end */
    size_t next;      /* bytes to the next record */
    size_t line;      /* where it begins, from 1 */
    size_t breaks;    /* line ends within it, its own included */
    bool ends;        /* its end has been seen, or it is the last */
    bool open;        /* a quote in it is not closed */
};

void tool_text_begin(struct text *text, struct source *source);
void tool_text_free(struct text *text);
/* Appends more bytes, unless text->ended. */
int tool_text_more(struct text *text);
/* Cuts one record from the front of [bytes, bytes + size); `last`: nothing follows. */
struct record tool_record_cut(const char *bytes, size_t size, bool last, char separator);
/* Takes the next record; *more is false when there is none. */
int tool_text_record(struct text *text, char separator, struct record *out, bool *more);
/* Whether the record is an empty line or a comment (begins with '#'). */
bool tool_record_skipped(const struct record *record, char separator);

/* The field that begins at *at, without its quotes; moves *at behind its separator, or to SIZE_MAX after the last. */
void tool_field_next(const struct record *record, char separator, size_t *at, struct field *out);
size_t tool_field_count(const struct record *record, char separator);
/* The start of the field for a message, with '?' for what a terminal might obey; out has FIELD_SHOWN + 1 bytes. */
enum { FIELD_SHOWN = 24 };
void tool_field_show(const struct field *field, char *out);

#endif
