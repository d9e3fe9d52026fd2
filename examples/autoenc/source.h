/* source.h - bytes from a file or standard input, inflated where they are gzip.
 *
 * A source never holds more than its two buffers: what a file claims to contain costs nothing until it arrives.
 */
#ifndef TOOL_SOURCE_H
#define TOOL_SOURCE_H

#include <stdio.h>

#include "gzip.h"
#include "tool.h"

struct source {
    const char *name; /* for messages */
    FILE *file;
    unsigned char *bytes; /* decoded, from begin to end */
    size_t begin, end;
    struct gunzip *gunzip; /* NULL: plain */
    unsigned char *packed; /* compressed, from packed_at on */
    const unsigned char *packed_at;
    size_t packed_size;
    bool member_open;            /* inside a gzip member */
    bool members;                /* one is behind us */
    const unsigned char *memory; /* instead of the file; borrowed */
    size_t memory_left;
    bool failed;     /* a failure was reported; reads answer 0 */
    bool size_known; /* a plain regular file */
    uint64_t size;   /* bytes in all, where known */
    uint64_t taken;  /* bytes handed out */
};

/* path "-" is standard input. On failure there is nothing to close. */
int tool_source_open(struct source *source, const char *path);
/* The same for bytes in memory, which must stay. */
int tool_source_memory(struct source *source, const char *name, const unsigned char *bytes, size_t size);
void tool_source_close(struct source *source);

/* Copies up to size bytes; fewer only at the end or after a failure (source->failed, already reported). */
size_t tool_source_read(struct source *source, void *out, size_t size);
/* The next bytes without taking them; *count, at least `wanted` (up to 64) unless the end is near, says how many. */
const unsigned char *tool_source_peek(struct source *source, size_t wanted, size_t *count);
/* Everything buffered, at least one byte unless the end is reached (*count 0); take says how much of it is done. */
const unsigned char *tool_source_window(struct source *source, size_t *count);
void tool_source_take(struct source *source, size_t count);
/* TOOL_OK when nothing is left; otherwise says that the source is longer than declared. */
int tool_source_expect_end(struct source *source);

#endif
