/* bytes.h - little-endian numbers, the small float formats, sizes of shapes and UTF-8, as files have them.
 *
 * Nothing here assumes alignment, aliasing or the byte order of the machine.
 */
#ifndef AENC_IO_BYTES_H
#define AENC_IO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t aenc_bytes_u64(const unsigned char *bytes);
uint32_t aenc_bytes_u32(const unsigned char *bytes);
uint16_t aenc_bytes_u16(const unsigned char *bytes);
void aenc_bytes_put_u64(unsigned char *bytes, uint64_t value);
void aenc_bytes_put_u32(unsigned char *bytes, uint32_t value);
float aenc_bytes_f32(const unsigned char *bytes);
double aenc_bytes_f64(const unsigned char *bytes);
/* IEEE half and bfloat16 to float, exact, subnormals, infinities and NaNs included. */
float aenc_float_from_half(uint16_t half);
float aenc_float_from_bfloat16(uint16_t bits);

/* Copies count elements of item bytes (1, 2, 4 or 8) between the machine's byte order and little-endian; either way. */
void aenc_bytes_copy_little(void *to, const void *from, size_t count, size_t item);

/* The elements of a shape and their bytes, item bytes each. False when the bytes pass INT64_MAX; a dimension of zero
 * hides no overflow of the others. Rank 0 is one element. */
bool aenc_shape_extent(const uint64_t *dim, int rank, uint64_t item, uint64_t *count, uint64_t *bytes);

/* UTF-8 as RFC 3629 has it: shortest forms, no surrogates, at most U+10FFFF. */
bool aenc_utf8_valid(const char *text, size_t length);
/* The length of the longest valid beginning. */
size_t aenc_utf8_prefix(const char *text, size_t length);

/* Text out of a file or from a user made fit for a message: cut after 60 bytes with "...", always UTF-8, with '?' for
 * what cannot be printed. Meant to be used in place: aenc_quoted(name).text lives to the end of the full expression. */
struct quoted {
    char text[64];
};
struct quoted aenc_quoted(const char *text);

#endif
