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

bool tool_inflate(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size) {
    enum { PORTION = 1 << 30, RAW_WINDOW = -15 };
    z_stream z = {0};
    if (inflateInit2(&z, RAW_WINDOW) != Z_OK) return false;
    unsigned char nothing = 0; /* zlib wants a place even for no output */
    z.next_in = (unsigned char *)(size_t)in;
    z.next_out = out_size > 0 ? out : &nothing;
    int answer = Z_OK;
    while (answer == Z_OK) {
        uInt given = (uInt)(in_size < PORTION ? in_size : PORTION),
             room = (uInt)(out_size < PORTION ? out_size : PORTION);
        z.avail_in = given;
        z.avail_out = room;
        answer = inflate(&z, Z_NO_FLUSH);
        in_size -= given - z.avail_in;
        out_size -= room - z.avail_out;
    }
    (void)inflateEnd(&z);
    return answer == Z_STREAM_END && out_size == 0;
}

uint32_t tool_crc32(const unsigned char *bytes, size_t size) {
    uLong crc = crc32(0, NULL, 0);
    for (size_t done = 0; done < size;) {
        uInt now = (uInt)(size - done < 1u << 30 ? size - done : 1u << 30);
        crc = crc32(crc, bytes + done, now);
        done += now;
    }
    return (uint32_t)crc;
}

#else

const char *tool_gunzip_version(void) { return NULL; }

struct gunzip *tool_gunzip_create(void) {
    return NULL;
}

void tool_gunzip_free(struct gunzip *stream) { (void)stream; }

enum gunzip_state tool_gunzip_run(struct gunzip *stream, const unsigned char **in, size_t *in_size, unsigned char *out,
                                  size_t out_size, size_t *made) {
    (void)stream, (void)in, (void)in_size, (void)out, (void)out_size;
    *made = 0;
    return GUNZIP_BAD;
}

bool tool_inflate(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size) {
    (void)in, (void)in_size, (void)out, (void)out_size;
    return false;
}

uint32_t tool_crc32(const unsigned char *bytes, size_t size) {
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xEDB88320 & (0 - (crc & 1)));
    }
    return ~crc;
}

#endif
