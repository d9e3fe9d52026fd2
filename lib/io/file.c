/* file.c - POSIX files. The only place in the room that asks the system for anything. */
#define _POSIX_C_SOURCE 200809L /* strerror_r in its portable form, O_CLOEXEC, fsync */
#define _FILE_OFFSET_BITS 64

#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/bytes.h"

/* What one read or write is asked for at most: some systems refuse more than INT_MAX. */
enum { PORTION = 1 << 30 };

struct words {
    char text[128];
};

static struct words system_words(int error) {
    struct words words;
    int refused = strerror_r(error, words.text, sizeof words.text);
    if (refused != 0) snprintf(words.text, sizeof words.text, "error %d", error);
    return words;
}

/* "cannot open 'x': No such file or directory" */
static aenc_status fail_system(aenc_context *ctx, const char *doing, const char *path, int error) {
    return aenc_fail(ctx, AENC_ERR_IO, "cannot %s '%s': %s", doing, path, system_words(error).text);
}

/* -1 with errno. */
static int open_again(const char *path, int flags, mode_t mode) {
    int file;
    do file = open(path, flags | O_CLOEXEC, mode);
    while (file < 0 && errno == EINTR);
    return file;
}

static int sync_again(int file) {
    int result;
    do result = fsync(file);
    while (result != 0 && errno == EINTR);
    return result;
}

/* Local file systems do not interrupt these four; those on a network or in user space may. */

static int examine_again(const char *path, struct stat *facts) {
    int result;
    do result = stat(path, facts);
    while (result != 0 && errno == EINTR);
    return result;
}

static int examine_open_again(int file, struct stat *facts) {
    int result;
    do result = fstat(file, facts);
    while (result != 0 && errno == EINTR);
    return result;
}

static int set_mode_again(int file, mode_t mode) {
    int result;
    do result = fchmod(file, mode);
    while (result != 0 && errno == EINTR);
    return result;
}

/* `from` is ours alone: when it is gone after an interruption, it is already where it should be. */
static int rename_again(const char *from, const char *to) {
    int result = rename(from, to);
    while (result != 0 && errno == EINTR) {
        result = rename(from, to);
        if (result != 0 && errno == ENOENT) result = 0;
    }
    return result;
}

/* An interrupted close has closed; whether POSIX or Linux is asked, trying again would be wrong. */
static int close_once(int file) { return close(file) != 0 && errno != EINTR ? -1 : 0; }

/* ---- Reading ---- */

/* Until capacity or the end. -1 with errno. */
static int read_all(int file, char *bytes, size_t capacity, size_t *size) {
    *size = 0;
    while (*size < capacity) {
        size_t left = capacity - *size;
        ssize_t got = read(file, bytes + *size, left < PORTION ? left : PORTION);
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        *size += (size_t)got;
    }
    return 0;
}

static aenc_status read_open(aenc_context *ctx, int file, const char *path, size_t limit, void **out, size_t *size) {
    struct stat facts;
    if (examine_open_again(file, &facts) != 0) return fail_system(ctx, "examine", path, errno);
    if (!S_ISREG(facts.st_mode)) return aenc_fail(ctx, AENC_ERR_IO, "cannot read '%s': not a regular file", path);
    const unsigned long long length = (unsigned long long)facts.st_size;
    if (limit != 0 && length > limit)
        return aenc_fail(ctx, AENC_ERR_IO, "cannot read '%s': %llu bytes; at most %zu are read", path, length, limit);
    if (length >= SIZE_MAX)
        return aenc_fail(ctx, AENC_ERR_IO, "cannot read '%s': %llu bytes are more than memory has", path, length);
    /* one byte more than expected shows a file that grew meanwhile */
    char *bytes = aenc_alloc_raw(ctx, (size_t)length + 1, 1);
    if (bytes == NULL) return AENC_ERR_NO_MEMORY;
    size_t got;
    aenc_status status = AENC_OK;
    if (read_all(file, bytes, (size_t)length + 1, &got) != 0)
        status = fail_system(ctx, "read", path, errno);
    else if (got != length)
        status = aenc_fail(ctx, AENC_ERR_IO, "cannot read '%s': it changed its size while it was read", path);
    if (status != AENC_OK) {
        aenc_release(ctx, bytes);
        return status;
    }
    *out = bytes;
    *size = got;
    return AENC_OK;
}

aenc_status aenc_file_read(aenc_context *ctx, const char *path, size_t limit, void **out, size_t *size) {
    *out = NULL;
    *size = 0;
    if (path == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "the path is NULL");
    int file = open_again(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0); /* opening a pipe must not wait for its writer */
    if (file < 0) return fail_system(ctx, "open", path, errno);
    aenc_status status = read_open(ctx, file, path, limit, out, size);
    close_once(file);
    return status;
}

static aenc_status map_open(aenc_context *ctx, int file, const char *path, struct mapped *out) {
    struct stat facts;
    if (fstat(file, &facts) != 0) return fail_system(ctx, "examine", path, errno);
    if (!S_ISREG(facts.st_mode)) return aenc_fail(ctx, AENC_ERR_IO, "cannot map '%s': not a regular file", path);
    if (facts.st_size == 0) return aenc_fail(ctx, AENC_ERR_FORMAT, "'%s' is empty", path);
    if ((unsigned long long)facts.st_size > PTRDIFF_MAX)
        return aenc_fail(ctx, AENC_ERR_IO, "cannot map '%s': it is larger than the address space", path);
    void *bytes = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) return fail_system(ctx, "map", path, errno);
    *out = (struct mapped){bytes, (size_t)facts.st_size};
    return AENC_OK;
}

aenc_status aenc_file_map(aenc_context *ctx, const char *path, struct mapped *out) {
    *out = (struct mapped){NULL, 0};
    int file = open_again(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (file < 0) return fail_system(ctx, "open", path, errno);
    aenc_status status = map_open(ctx, file, path, out);
    close_once(file);
    return status;
}

void aenc_file_unmap(struct mapped *map) {
    if (map->bytes != NULL) munmap(map->bytes, map->size);
    *map = (struct mapped){NULL, 0};
}

bool aenc_file_exists(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 || errno != ENOENT;
}

void aenc_file_remove(const char *path) { unlink(path); }

/* ---- Saving ---- */

static int write_all(int file, const char *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t left = size - done;
        ssize_t put = write(file, bytes + done, left < PORTION ? left : PORTION);
        if (put < 0 && errno == EINTR) continue;
        if (put == 0) errno = EIO;
        if (put <= 0) return -1;
        done += (size_t)put;
    }
    return 0;
}

/* What waits to be handed on: small pieces go out together. */
struct gathered {
    piece_put *put;
    void *user;
    size_t used;
    char bytes[1 << 14];
};

static int gathered_put(struct gathered *g) {
    int result = g->used == 0 ? 0 : g->put(g->user, g->bytes, g->used);
    g->used = 0;
    return result;
}

static int gather(struct gathered *g, const struct file_piece *piece) {
    const char *from = piece->values;
    for (size_t left = piece->count; left > 0;) {
        size_t now = (sizeof g->bytes - g->used) / piece->item;
        if (now > left) now = left;
        int result = now == 0 ? gathered_put(g) : 0;
        if (result != 0) return result;
        aenc_bytes_copy_little(g->bytes + g->used, from, now, piece->item);
        g->used += now * piece->item;
        from += now * piece->item;
        left -= now;
    }
    return 0;
}

int aenc_pieces_put(const struct file_piece *piece, size_t count, piece_put *put, void *user) {
    struct gathered g;
    g.put = put;
    g.user = user;
    g.used = 0;
    for (size_t i = 0; i < count; i++) {
        int result = gather(&g, &piece[i]);
        if (result != 0) return result;
    }
    return gathered_put(&g);
}

static int put_in_file(void *user, const void *bytes, size_t size) { return write_all(*(int *)user, bytes, size); }

/* The permission bits that the new file takes over; 0: none, the target does not exist. */
static aenc_status examine_target(aenc_context *ctx, const char *path, mode_t *mode) {
    struct stat facts;
    *mode = 0;
    if (examine_again(path, &facts) != 0) return errno == ENOENT ? AENC_OK : fail_system(ctx, "save", path, errno);
    if (!S_ISREG(facts.st_mode)) return aenc_fail(ctx, AENC_ERR_IO, "cannot save '%s': not a regular file", path);
    *mode = facts.st_mode & 0777;
    return AENC_OK;
}

/* Creates "path.<process>-<n>.tmp", which did not exist before. -1 with errno. */
static int create_temporary(const char *path, mode_t mode, char *name, size_t name_size) {
    enum { TRIES = 100000 }; /* a process with this number may have been killed in many saves */
    int file = -1;
    errno = EEXIST;
    for (int n = 0; n < TRIES && file < 0 && errno == EEXIST; n++) {
        snprintf(name, name_size, "%s.%ld-%d.tmp", path, (long)getpid(), n);
        file = open_again(name, O_WRONLY | O_CREAT | O_EXCL, mode);
    }
    return file;
}

static aenc_status fill_temporary(aenc_context *ctx, int file, mode_t mode, const char *name,
                                  const struct file_piece *piece, size_t count) {
    aenc_status status = AENC_OK;
    if (mode != 0 && set_mode_again(file, mode) != 0) status = fail_system(ctx, "set the permissions of", name, errno);
    if (status == AENC_OK && aenc_pieces_put(piece, count, put_in_file, &file) != 0)
        status = fail_system(ctx, "write", name, errno);
    if (status == AENC_OK && sync_again(file) != 0) status = fail_system(ctx, "sync", name, errno);
    if (close_once(file) != 0 && status == AENC_OK) status = fail_system(ctx, "close", name, errno);
    return status;
}

/* Where the folder may be written to and not read (mode -wx) it cannot be opened to be synced. The file is then
 * synced once more under its new name, which commits that name as well where changes are kept in a journal (ext4,
 * XFS, Btrfs). */
static int sync_renamed(const char *path) {
    int file = open_again(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (file < 0) return errno == EACCES ? 0 : -1;
    int result = sync_again(file), error = errno;
    close_once(file);
    errno = error;
    return result;
}

/* Makes the rename last. name holds room for the path; it becomes the directory's. */
static aenc_status sync_directory(aenc_context *ctx, const char *path, char *name) {
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    memcpy(name, path, length);
    name[length] = '\0';
    if (length == 0) memcpy(name, ".", 2);
    int directory = open_again(name, O_RDONLY | O_DIRECTORY, 0);
    int result = directory < 0 ? -1 : sync_again(directory), error = errno;
    if (directory >= 0) close_once(directory);
    if (directory < 0 && (error == EACCES || error == EPERM)) {
        result = sync_renamed(path);
        error = errno;
    }
    /* EINVAL: a file system whose directories cannot be synced at all */
    if (result == 0 || error == EINVAL) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_IO, "'%s' is saved, but its directory '%s' cannot be synced: %s", path, name,
                     system_words(error).text);
}

aenc_status aenc_file_save_pieces(aenc_context *ctx, const char *path, const struct file_piece *piece, size_t count) {
    enum { SUFFIX = 48 };
    mode_t mode;
    if (path == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "the path is NULL");
    aenc_status status = examine_target(ctx, path, &mode);
    if (status != AENC_OK) return status;
    size_t name_size = strlen(path) + SUFFIX;
    char *name = aenc_alloc(ctx, name_size, 1);
    if (name == NULL) return AENC_ERR_NO_MEMORY;
    int file = create_temporary(path, mode != 0 ? 0600 : 0666, name, name_size); /* nobody reads it before it is mode */
    if (file < 0) {
        status = fail_system(ctx, "create", name, errno);
        goto done;
    }
    status = fill_temporary(ctx, file, mode, name, piece, count);
    if (status == AENC_OK && rename_again(name, path) != 0) status = fail_system(ctx, "replace", path, errno);
    if (status != AENC_OK) {
        unlink(name);
        goto done;
    }
    status = sync_directory(ctx, path, name);
done:
    aenc_release(ctx, name);
    return status;
}

aenc_status aenc_file_save(aenc_context *ctx, const char *path, const void *bytes, size_t size) {
    return aenc_file_save_pieces(ctx, path, &(struct file_piece){bytes, size, 1}, 1);
}
