/* gzip.c - the only file that knows zlib. */
#include "gzip.h"

#ifdef HAVE_ZLIB

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 }; /* zlib.h: 16 more asks for the gzip wrapper */

struct gunzip {
    z_stream z;
};

const char *tool_gunzip_version(void) { return zlibVersion(); }

struct gunzip *tool_gunzip_create(void) {
    struct gunzip *stream = calloc(1, sizeof *stream);
    if (stream != NULL && inflateInit2(&stream->z, GZIP_WINDOW) != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

void tool_gunzip_free(struct gunzip *stream) {
    if (stream != NULL) inflateEnd(&stream->z);
    free(stream);
}

enum gunzip_state tool_gunzip_run(struct gunzip *stream, const unsigned char **in, size_t *in_size, unsigned char *out,
                                  size_t out_size, size_t *made) {
    unsigned char *input = (unsigned char *)(size_t)*in; /* zlib does not write there; its field is not const */
    stream->z.next_in = input;
    stream->z.avail_in = (uInt)*in_size;
    stream->z.next_out = out;
    stream->z.avail_out = (uInt)out_size;
    int answer = inflate(&stream->z, Z_NO_FLUSH);
    *in = stream->z.next_in;
    *in_size = stream->z.avail_in;
    *made = out_size - stream->z.avail_out;
    if (answer == Z_STREAM_END) return inflateReset(&stream->z) == Z_OK ? GUNZIP_END : GUNZIP_BAD;
    return answer == Z_OK || answer == Z_BUF_ERROR ? GUNZIP_MORE : GUNZIP_BAD;
}

#else

const char *tool_gunzip_version(void) { return NULL; }

struct gunzip *tool_gunzip_create(void) { return NULL; }

void tool_gunzip_free(struct gunzip *stream) { (void)stream; }

enum gunzip_state tool_gunzip_run(struct gunzip *stream, const unsigned char **in, size_t *in_size, unsigned char *out,
                                  size_t out_size, size_t *made) {
    (void)stream, (void)in, (void)in_size, (void)out, (void)out_size;
    *made = 0;
    return GUNZIP_BAD;
}

#endif
