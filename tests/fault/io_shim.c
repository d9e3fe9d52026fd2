/* io_shim.c - stands in front of the C library (LD_PRELOAD) and makes its calls fail on demand. Linux. */
#define _GNU_SOURCE /* RTLD_NEXT */
#undef _FILE_OFFSET_BITS /* open and open64 are two functions here */
#include "io_shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct io_shim shim;

__attribute__((visibility("default"))) struct io_shim *io_shim_state(void) { return &shim; }

#define PUBLIC __attribute__((visibility("default")))

typedef int open_call(const char *path, int flags, ...);
typedef ssize_t write_call(int file, const void *bytes, size_t size);
typedef ssize_t read_call(int file, void *bytes, size_t size);
typedef int file_call(int file);
typedef int path_call(const char *path);
typedef int rename_call(const char *from, const char *to);
typedef int truncate_call(int file, off_t size);
typedef int mode_call(int file, mode_t mode);
typedef int stat_call(const char *path, struct stat *facts);
typedef int fstat_call(int file, struct stat *facts);
typedef int stat64_call(const char *path, struct stat64 *facts);
typedef int fstat64_call(int file, struct stat64 *facts);

/* `real` is the C library's. dlsym answers an object pointer; POSIX says that it may be taken for a function's. */
#define REAL(name, type) \
    type *real = NULL; \
    void *found = dlsym(RTLD_NEXT, name); \
    memcpy(&real, &found, sizeof real)

/* Counts the call; answers whether it is one that fails. */
static bool fires(const char *name) {
    if (!shim.armed) return false;
    shim.calls++;
    bool fire = shim.fail_at != 0 && (shim.calls == shim.fail_at || (shim.for_good && shim.calls > shim.fail_at));
    if (!fire) return false;
    if (shim.fired++ == 0) shim.name = name;
    return true;
}

/* -1 with errno when the call fails; otherwise 0, also for a call that cannot be done by half. */
static int refused(const char *name) {
    if (!fires(name) || shim.error == 0) return 0;
    if (strcmp(name, "unlink") == 0) shim.scrap = true;
    errno = shim.error;
    return -1;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, int) : 0;
}

PUBLIC int open(const char *path, int flags, ...) {
    REAL("open", open_call);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return refused("open") != 0 ? -1 : real(path, flags, mode);
}

PUBLIC int open64(const char *path, int flags, ...) {
    REAL("open64", open_call);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return refused("open") != 0 ? -1 : real(path, flags, mode);
}

PUBLIC ssize_t write(int file, const void *bytes, size_t size) {
    REAL("write", write_call);
    bool fire = fires("write");
    if (fire && shim.nothing) return 0;
    if (fire && shim.error != 0) {
        errno = shim.error;
        return -1;
    }
    return real(file, bytes, fire && size > 1 ? size / 2 : size);
}

PUBLIC ssize_t read(int file, void *bytes, size_t size) {
    REAL("read", read_call);
    bool fire = fires("read");
    if (fire && shim.nothing) return 0;
    if (fire && shim.error != 0) {
        errno = shim.error;
        return -1;
    }
    return real(file, bytes, fire && size > 1 ? size / 2 : size);
}

/* As on Linux, a close that fails has closed. */
PUBLIC int close(int file) {
    REAL("close", file_call);
    bool fire = fires("close");
    int result = real(file);
    if (!fire || shim.error == 0) return result;
    errno = shim.error;
    return -1;
}

PUBLIC int fsync(int file) {
    REAL("fsync", file_call);
    return refused("fsync") != 0 ? -1 : real(file);
}

PUBLIC int rename(const char *from, const char *to) {
    REAL("rename", rename_call);
    if (refused("rename") == 0) return real(from, to);
    if (shim.late && real(from, to) == 0) errno = shim.error;
    return -1;
}

PUBLIC int unlink(const char *path) {
    REAL("unlink", path_call);
    return refused("unlink") != 0 ? -1 : real(path);
}

PUBLIC int ftruncate(int file, off_t size) {
    REAL("ftruncate", truncate_call);
    return refused("ftruncate") != 0 ? -1 : real(file, size);
}

PUBLIC int fchmod(int file, mode_t mode) {
    REAL("fchmod", mode_call);
    return refused("fchmod") != 0 ? -1 : real(file, mode);
}

PUBLIC int stat(const char *restrict path, struct stat *restrict facts) {
    REAL("stat", stat_call);
    return refused("stat") != 0 ? -1 : real(path, facts);
}

PUBLIC int fstat(int file, struct stat *facts) {
    REAL("fstat", fstat_call);
    return refused("fstat") != 0 ? -1 : real(file, facts);
}

PUBLIC int stat64(const char *restrict path, struct stat64 *restrict facts) {
    REAL("stat64", stat64_call);
    return refused("stat") != 0 ? -1 : real(path, facts);
}

PUBLIC int fstat64(int file, struct stat64 *facts) {
    REAL("fstat64", fstat64_call);
    return refused("fstat") != 0 ? -1 : real(file, facts);
}
