/* file.h - whole files in, whole files out; nothing torn.
 *
 * Saving writes a temporary file in the same directory, syncs it, renames it over the target and syncs the directory:
 * after a crash there is the old file or the new one. EINTR and short writes are carried on; every other failure
 * removes the temporary file and is reported with the path and the system's words. The new file has the old one's
 * permission bits; a symbolic link is replaced, not followed, and what is not a regular file (a device, a pipe) is
 * never replaced.
 */
#ifndef AENC_IO_FILE_H
#define AENC_IO_FILE_H

#include "base/mem.h"

/* Reads the whole file into *out (aenc_alloc). AENC_ERR_IO with path and reason; also when it is larger than limit
 * bytes (0: no limit) or not a regular file. *out is NULL on failure. */
aenc_status aenc_file_read(aenc_context *ctx, const char *path, size_t limit, void **out, size_t *size);
/* The whole of a file, read-only, as the system pages it in; bytes NULL: none. Who shortens the file meanwhile ends the
 * process that reads behind its new end: that is how mapping works. */
struct mapped {
    void *bytes;
    size_t size;
};
/* AENC_ERR_IO as aenc_file_read; an empty file is AENC_ERR_FORMAT. */
aenc_status aenc_file_map(aenc_context *ctx, const char *path, struct mapped *out);
void aenc_file_unmap(struct mapped *map); /* all zero: nothing */
/* Whether something is there under this name, readable or not. */
bool aenc_file_exists(const char *path);
/* Takes the name away, if it is there and can be. */
void aenc_file_remove(const char *path);
/* A part of a file: elements of item bytes (1, 2, 4 or 8) in the machine's byte order, little-endian in the file. */
struct file_piece {
    const void *values;
    size_t count, item;
};
/* The bytes of the pieces, handed to put in portions of at most 16 KiB, in order. What put returns other than 0 ends it, and is
 * returned. */
typedef int piece_put(void *user, const void *bytes, size_t size);
int aenc_pieces_put(const struct file_piece *piece, size_t count, piece_put *put, void *user);
/* The pieces, one behind the other. AENC_ERR_IO leaves the file at path as it was, with one exception, which the
 * message names: the directory could not be synced, so the new file is there and only a power failure could still
 * bring the old one back. */
aenc_status aenc_file_save_pieces(aenc_context *ctx, const char *path, const struct file_piece *piece, size_t count);
/* The same for a file of one piece. */
aenc_status aenc_file_save(aenc_context *ctx, const char *path, const void *bytes, size_t size);

#endif
