/* output.c - temporary file, sync, rename, sync of the folder, as the library saves models; and the three formats for
 * tables, which are written as they are formed. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "number.h"

enum { TRIES = 100000, CHUNK = 4096 }; /* a process with this number may have been killed in many saves */

struct output {
    const char *name; /* as the user wrote it */
    FILE *file;
    char *final;     /* where it belongs, links followed; NULL: written directly */
    char *temporary; /* beside it */
};

static int fail(const struct output *output, const char *what) { return tool_fail("%s: %s", output->name, what); }

/* A new file beside output->final, with the old file's permissions where there is one. */
static int open_temporary(struct output *output) {
    struct stat info;
    bool exists = stat(output->final, &info) == 0;
    size_t room = strlen(output->final) + 40;
    output->temporary = tool_allocate(output->name, room, 1);
    if (output->temporary == NULL) return TOOL_FAILED;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        (void)snprintf(output->temporary, room, "%s.%ld.%d.tmp", output->final, (long)getpid(), attempt);
        /* nobody reads it before it has the old file's permissions */
        int fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, exists ? 0600 : 0666);
        if (fd < 0 && errno == EINTR) attempt--;
        if (fd < 0 && (errno == EEXIST || errno == EINTR)) continue;
        if (fd < 0) break;
        if (exists && fchmod(fd, info.st_mode & 0777) != 0) {
            int problem = errno;
            (void)close(fd);
            (void)unlink(output->temporary);
            errno = problem;
            break;
        }
        output->file = fdopen(fd, "wb");
        if (output->file != NULL) return TOOL_OK;
        (void)close(fd);
        (void)unlink(output->temporary);
        break;
    }
    return fail(output, strerror(errno));
}

/* On failure there is nothing to discard. */
static int open_output(struct output *output, const char *path) {
    struct stat info;
    *output = (struct output){.name = path};
    if (strcmp(path, "-") == 0) {
        output->name = "standard output";
        output->file = stdout;
        return TOOL_OK;
    }
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) return fail(output, "is a directory");
    if (exists && !S_ISREG(info.st_mode)) {
        output->file = fopen(path, "wb");
        return output->file != NULL ? TOOL_OK : fail(output, strerror(errno));
    }
    output->final = exists ? realpath(path, NULL) : strdup(path);
    int status = output->final != NULL ? open_temporary(output) : fail(output, strerror(errno));
    if (status != TOOL_OK) {
        free(output->final);
        free(output->temporary);
    }
    return status;
}

static bool sync_file(int fd) {
    int result;
    do result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Makes the rename last. A folder that cannot be opened or synced at all is none that could be. */
static bool sync_folder(const struct output *output) {
    char *slash = strrchr(output->temporary, '/'); /* its name is not needed any more */
    if (slash != NULL) slash[slash == output->temporary ? 1 : 0] = '\0';
    int fd = open(slash != NULL ? output->temporary : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES;
    bool good = sync_file(fd) || errno == EINVAL;
    int problem = errno;
    (void)close(fd);
    errno = problem;
    return good;
}

/* Ends the output: in place when status is TOOL_OK and the disk took everything, gone otherwise. */
static int close_output(struct output *output, int status) {
    bool written = status == TOOL_OK && fflush(output->file) == 0 && ferror(output->file) == 0;
    if (written && output->final != NULL) written = sync_file(fileno(output->file));
    int problem = errno;
    if (output->file != stdout && fclose(output->file) != 0 && written) {
        written = false;
        problem = errno;
    }
    if (written && output->final != NULL && rename(output->temporary, output->final) != 0) {
        written = false;
        problem = errno;
    }
    if (!written && output->temporary != NULL) (void)unlink(output->temporary);
    if (written && output->final != NULL && !sync_folder(output)) {
        status = tool_fail("%s: is written, but its folder cannot be synced: %s", output->name, strerror(errno));
    }
    if (!written && status == TOOL_OK) {
        const char *kept = output->final != NULL && access(output->final, F_OK) == 0 ? "; the old file is kept" : "";
        status = tool_fail("%s: cannot be written: %s%s", output->name, strerror(problem), kept);
    }
    free(output->final);
    free(output->temporary);
    return status;
}

static bool put(struct output *output, const void *bytes, size_t size) {
    return fwrite(bytes, 1, size, output->file) == size;
}

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Four bytes each; big-endian for IDX, little-endian for .npy. */
static bool put_floats(struct output *output, const float *values, size_t count, bool big_endian) {
    unsigned char bytes[CHUNK * 4];
    for (size_t done = 0; done < count;) {
        size_t now = count - done < CHUNK ? count - done : CHUNK;
        for (size_t i = 0; i < now; i++) {
            uint32_t bits = float_bits(values[done + i]);
            for (size_t k = 0; k < 4; k++) bytes[4 * i + k] = (unsigned char)(bits >> 8 * (big_endian ? 3 - k : k));
        }
        if (!put(output, bytes, 4 * now)) return false;
        done += now;
    }
    return true;
}

/* NumPy's version 1: magic, version, length of the header (16 bits), which ends at a multiple of 64. */
static bool put_npy(struct output *output, const float *values, size_t rows, size_t cols) {
    char header[256];
    int text = snprintf(header + 10, sizeof header - 10,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, cols);
    size_t used = 10 + (size_t)text, whole = (used + 1 + 63) / 64 * 64;
    memset(header + used, ' ', whole - used);
    header[whole - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((whole - 10) & 0xFF);
    header[9] = (char)((whole - 10) >> 8);
    return put(output, header, whole) && put_floats(output, values, rows * cols, false);
}

static bool put_idx(struct output *output, const float *values, size_t rows, size_t cols) {
    unsigned char header[12] = {0, 0, 0x0D, 2};
    for (size_t k = 0; k < 4; k++) {
        header[4 + k] = (unsigned char)(rows >> 8 * (3 - k));
        header[8 + k] = (unsigned char)(cols >> 8 * (3 - k));
    }
    return put(output, header, sizeof header) && put_floats(output, values, rows * cols, true);
}

static bool put_csv(struct output *output, const float *values, size_t rows, size_t cols) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t col = 0; col < cols; col++) {
            char text[32];
            size_t length = tool_number_print(values[row * cols + col], text);
            text[length] = col + 1 < cols ? ',' : '\n';
            if (!put(output, text, length + 1)) return false;
        }
    }
    return true;
}

static bool ends_with(const char *text, const char *tail) {
    size_t length = strlen(text), tail_length = strlen(tail);
    return length >= tail_length && strcmp(text + length - tail_length, tail) == 0;
}

int tool_output_format(const char *path, enum format format, enum format *out) {
    *out = format;
    if (format != FORMAT_AUTO) return TOOL_OK;
    if (ends_with(path, ".gz")) return tool_usage("-o %s: gzip is not written; write .npy or .csv and pack it", path);
    if (strcmp(path, "-") == 0 || ends_with(path, ".csv")) *out = FORMAT_CSV;
    if (ends_with(path, ".npy")) *out = FORMAT_NPY;
    if (ends_with(path, ".idx")) *out = FORMAT_IDX;
    if (*out != FORMAT_AUTO) return TOOL_OK;
    return tool_usage("-o %s: the ending does not say a format; known: .npy, .csv, .idx, or --format", path);
}

int tool_output_table(const char *path, enum format format, const float *values, size_t rows, size_t cols) {
    struct output output;
    int status = tool_output_format(path, format, &format);
    if (status != TOOL_OK) return status;
    if (format == FORMAT_IDX && (rows > UINT32_MAX || cols > UINT32_MAX)) {
        return tool_fail("%s: IDX cannot hold %zu rows of %zu numbers", path, rows, cols);
    }
    status = open_output(&output, path);
    if (status != TOOL_OK) return status;
    if (format == FORMAT_NPY)
        (void)put_npy(&output, values, rows, cols);
    else if (format == FORMAT_IDX)
        (void)put_idx(&output, values, rows, cols);
    else
        (void)put_csv(&output, values, rows, cols);
    return close_output(&output, TOOL_OK);
}

int tool_output_bytes(const char *path, const void *bytes, size_t size) {
    struct output output;
    int status = open_output(&output, path);
    if (status != TOOL_OK) return status;
    (void)put(&output, bytes, size);
    return close_output(&output, TOOL_OK);
}
