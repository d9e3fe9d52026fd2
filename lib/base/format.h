/* format.h - formatted text in which no locale has a say. */
#ifndef AENC_BASE_FORMAT_H
#define AENC_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf, for %d %i %u %x (with l, ll or z), %c, %s, %g, %f, %e and %%, with flags, width and precision in
 * digits: but the decimal point of a number is '.', and texts are left as they are. Negative where the format has
 * something else. */
int aenc_text_format(char *out, size_t size, const char *format, va_list arguments);

#endif
