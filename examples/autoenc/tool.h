/* tool.h - what the files of the command-line tool share.
 *
 * The tool is a user of the library like any other: it knows <autoenc/autoenc.h> and nothing behind it. Names that
 * cross its files begin with tool_. It never calls setlocale, so numbers are read and printed with a point everywhere.
 *
 * Fallible functions answer an exit status and have already said on standard error what was wrong.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. TOOL_INTERRUPTED: a signal stopped the training, and what was trained until then is saved. */
enum { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_INTERRUPTED = 3 };

/* What a row is when it is a picture, channels first; channels 0: it is none. */
struct image_shape {
    size_t channels, height, width;
};

/* One line "autoenc: ..." on standard error; answers TOOL_FAILED. */
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for a command line that cannot be meant; answers TOOL_USAGE. */
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One line "autoenc: note: ..." on standard error: nothing failed, but it should be known. */
void tool_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* count * size zero bytes, for free(); NULL when that overflows or there is no memory, which it says under `name`. */
void *tool_allocate(const char *name, size_t count, size_t size);

#endif
