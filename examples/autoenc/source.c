/* source.c - buffered reading; the gzip magic at the start switches inflation on. */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUFFER = 1 << 16 };

static void fail(struct source *source, const char *what) {
    if (!source->failed) (void)tool_fail("%s: %s", source->name, what);
    source->failed = true;
}

static size_t read_file(struct source *source, unsigned char *out, size_t size) {
    if (source->memory != NULL) {
        size_t some = size < source->memory_left ? size : source->memory_left;
        memcpy(out, source->memory, some);
        source->memory += some;
        source->memory_left -= some;
        return some;
    }
    errno = 0;
    size_t count = fread(out, 1, size, source->file);
    if (count == 0 && ferror(source->file)) fail(source, errno != 0 ? strerror(errno) : "cannot be read");
    return count;
}

/* Between members: passes over zeros, with which tapes and disks pad a file. True when another member may begin. */
static bool next_member(struct source *source) {
    bool zeros = false;
    for (;;) {
        while (source->packed_size > 0 && *source->packed_at == 0) {
            zeros = true;
            source->packed_at++;
            source->packed_size--;
        }
        if (source->packed_size > 0) break;
        source->packed_at = source->packed;
        source->packed_size = read_file(source, source->packed, BUFFER);
        if (source->packed_size == 0) return false;
    }
    if (!zeros && *source->packed_at == 0x1F) return true;
    fail(source, "something that is no gzip follows its compressed data");
    return false;
}

/* Appends inflated bytes; none at the end. */
static void fill_inflated(struct source *source) {
    while (!source->failed && source->end < BUFFER) {
        if (!source->member_open && source->members && !next_member(source)) return;
        if (source->packed_size == 0) {
            source->packed_at = source->packed;
            source->packed_size = read_file(source, source->packed, BUFFER);
            if (source->packed_size == 0) {
                fail(source, "ends in the middle of its compressed data");
                return;
            }
        }
        source->member_open = true;
        size_t made = 0;
        enum gunzip_state state = tool_gunzip_run(source->gunzip, &source->packed_at, &source->packed_size,
                                                  source->bytes + source->end, BUFFER - source->end, &made);
        source->end += made;
        if (state == GUNZIP_BAD) fail(source, "its compressed data are damaged");
        if (state == GUNZIP_END) {
            source->member_open = false;
            source->members = true;
        }
        if (made != 0) return;
    }
}

/* Makes room and appends what comes next. */
static void fill(struct source *source) {
    if (source->failed) return;
    if (source->begin != 0) {
        memmove(source->bytes, source->bytes + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    if (source->gunzip != NULL)
        fill_inflated(source);
    else
        source->end += read_file(source, source->bytes + source->end, BUFFER - source->end);
}

static int begin_gunzip(struct source *source) {
    if (tool_gunzip_version() == NULL) {
        return tool_fail("%s: is gzip, and this autoenc was built without zlib; unpack it first", source->name);
    }
    source->gunzip = tool_gunzip_create();
    source->packed = malloc(BUFFER);
    if (source->gunzip == NULL || source->packed == NULL) return tool_fail("%s: out of memory", source->name);
    memcpy(source->packed, source->bytes, source->end);
    source->packed_at = source->packed;
    source->packed_size = source->end;
    source->end = 0;
    source->size_known = false;
    return TOOL_OK;
}

static int open_file(struct source *source, const char *path) {
    if (strcmp(path, "-") == 0) {
        source->name = "standard input";
        source->file = stdin;
    } else {
        source->file = fopen(path, "rb");
        if (source->file == NULL) return tool_fail("%s: %s", path, strerror(errno));
    }
    struct stat info;
    if (fstat(fileno(source->file), &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0) {
        off_t at = ftello(source->file);
        source->size_known = at >= 0 && at <= info.st_size;
        if (source->size_known) source->size = (uint64_t)(info.st_size - at);
    }
    source->bytes = malloc(BUFFER);
    return source->bytes != NULL ? TOOL_OK : tool_fail("%s: out of memory", path);
}

int tool_source_open(struct source *source, const char *path) {
    *source = (struct source){.name = path};
    int status = open_file(source, path);
    size_t count = 0;
    if (status == TOOL_OK) {
        const unsigned char *start = tool_source_peek(source, 2, &count);
        if (source->failed)
            status = TOOL_FAILED;
        else if (count >= 2 && start[0] == 0x1F && start[1] == 0x8B)
            status = begin_gunzip(source);
    }
    if (status != TOOL_OK) tool_source_close(source);
    return status;
}

int tool_source_memory(struct source *source, const char *name, const unsigned char *bytes, size_t size) {
    *source = (struct source){.name = name, .memory = bytes, .memory_left = size, .size_known = true, .size = size};
    source->bytes = malloc(BUFFER);
    return source->bytes != NULL ? TOOL_OK : tool_fail("%s: out of memory", name);
}

void tool_source_close(struct source *source) {
    if (source->file != NULL && source->file != stdin) (void)fclose(source->file);
    tool_gunzip_free(source->gunzip);
    free(source->packed);
    free(source->bytes);
    *source = (struct source){.name = source->name};
}

size_t tool_source_read(struct source *source, void *out, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t count = 0;
        const unsigned char *bytes = tool_source_window(source, &count);
        if (count == 0) break;
        if (count > size - done) count = size - done;
        memcpy((unsigned char *)out + done, bytes, count);
        tool_source_take(source, count);
        done += count;
    }
    return source->failed ? 0 : done;
}

const unsigned char *tool_source_peek(struct source *source, size_t wanted, size_t *count) {
    size_t before = SIZE_MAX;
    while (source->end - source->begin < wanted && source->end - source->begin != before) {
        before = source->end - source->begin;
        fill(source);
    }
    *count = source->end - source->begin;
    return source->bytes + source->begin;
}

const unsigned char *tool_source_window(struct source *source, size_t *count) {
    if (source->begin == source->end) fill(source);
    *count = source->failed ? 0 : source->end - source->begin;
    return source->bytes + source->begin;
}

void tool_source_take(struct source *source, size_t count) {
    source->begin += count;
    source->taken += count;
}

int tool_source_expect_end(struct source *source) {
    size_t count = 0;
    (void)tool_source_window(source, &count);
    if (source->failed) return TOOL_FAILED;
    if (count != 0) return tool_fail("%s: goes on after the data that its header declares", source->name);
    return TOOL_OK;
}
