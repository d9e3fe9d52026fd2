/* number.h - decimal numbers in text, the same in every country. */
#ifndef TOOL_NUMBER_H
#define TOOL_NUMBER_H

#include <stddef.h>

enum number { NUMBER_OK, NUMBER_NAN, NUMBER_INFINITE, NUMBER_TINY, NUMBER_BAD };

/* Reads the whole of [text, text + length): sign, digits, point, exponent, or the words nan, inf, infinity. Correctly
 * rounded. NUMBER_INFINITE also for what is beyond the range of double, NUMBER_TINY for what is not 0 and below it.
 * *out is set for NUMBER_OK only. */
enum number tool_number_parse(const char *text, size_t length, double *out);

/* The shortest of 7, 8 or 9 digits that read back as the same float; answers the length. At least 24 bytes. */
size_t tool_number_print(float value, char *out);

/* A number of a message or a log: the fewest digits that read back as the same
 * double (or the same float). Lives until the end of the full expression. */
struct value_text {
    char text[32];
};
struct value_text tool_value(double value);
struct value_text tool_value_float(float value);

#endif
