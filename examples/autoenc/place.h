/* place.h - where results go, checked before any work is done.
 *
 * Every output must be writable: its folder is there and takes new files, nothing but a file stands at its name, the
 * name leaves room for a temporary file beside it. No output may be a file that the command reads, nor another
 * output; links are followed first, so that a result replaces what a link points to and not the link.
 */
#ifndef TOOL_PLACE_H
#define TOOL_PLACE_H

#include "options.h"

enum { PLACES_MAX = 4 };

/* Paths that links were replaced by in the options. */
struct places {
    char *path[PLACES_MAX];
    size_t count;
};

/* Checks all outputs of the command, and follows their links. Freed by tool_places_free also after a failure. */
int tool_places_check(struct options *options, struct places *places);
void tool_places_free(struct places *places);

#endif
