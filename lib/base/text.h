/* text.h - text of files and users made fit for a message. */
#ifndef AENC_BASE_TEXT_H
#define AENC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 sequence at text (RFC 3629, section 4), at most left; 0 where there is none. */
size_t aenc_utf8_step(const char *text, size_t left);
/* Whether a terminal shows that sequence as it is: no control character, and none that turns the direction of what
 * follows. */
bool aenc_text_printable(const char *text, size_t step);
/* The text with every byte that is not printable as \xNN; cut with "..." where room (at least 8) does not suffice for
 * it and three more. */
void aenc_text_escape(char *out, size_t room, const char *text);

#endif
