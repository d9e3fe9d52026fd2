/* gzip.h - inflating a gzip stream piece by piece, where the build has zlib. */
#ifndef TOOL_GZIP_H
#define TOOL_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gunzip;

enum gunzip_state { GUNZIP_MORE, GUNZIP_END, GUNZIP_BAD };

/* zlib's version; NULL in a build without it, where the other calls answer NULL and GUNZIP_BAD. */
const char *tool_gunzip_version(void);
struct gunzip *tool_gunzip_create(void);
void tool_gunzip_free(struct gunzip *stream);
/* Consumes *in (of *in_size bytes) and fills out; both are advanced, *made is what was written. GUNZIP_END: a member of
 * the file is complete and its checksum right; the next call begins another. */
enum gunzip_state tool_gunzip_run(struct gunzip *stream, const unsigned char **in, size_t *in_size, unsigned char *out,
                                  size_t out_size, size_t *made);

/* Inflates all of [in, in + in_size) without any wrapper; true when that is exactly out_size bytes. */
bool tool_inflate(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size);
/* As gzip and zip have it. */
uint32_t tool_crc32(const unsigned char *bytes, size_t size);

#endif
