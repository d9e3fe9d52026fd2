/* number_text.c - doubles to decimal text and back, the same in every locale.
 *
 * Both directions go through digits and an exponent, never through a decimal point: strtod reads "15e-1", and of what
 * snprintf writes only the digits are taken.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"

/* A double that is whole is exact up to here. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */
#define WHOLE_FLOAT_MAX 16777216.0   /* 2^24 */
/* Beyond these an exponent changes nothing: every number is then zero or out of range. */
enum { EXPONENT_BOUND = 100000 };

/* d[0].d[1]d[2]... * 10^exponent, with sign */
struct decimal {
    bool negative;
    char digits[24];
    int count;
    int exponent;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The integer behind 'e', held within the bound. The end of the text through *at. False without a digit. */
static bool parse_exponent(const char *text, size_t length, size_t *at, int *out) {
    bool negative = *at < length && text[*at] == '-';
    if (*at < length && (text[*at] == '-' || text[*at] == '+')) ++*at;
    size_t start = *at;
    int value = 0;
    for (; *at < length && is_digit(text[*at]); ++*at)
        if (value < EXPONENT_BOUND) value = value * 10 + (text[*at] - '0');
    *out = negative ? -value : value;
    return *at > start;
}

/* Up to 15 digits, exactly; most numbers of a large header are such. */
static double short_whole(const char *digits, size_t count) {
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) value = value * 10 + (digits[i] - '0');
    return (double)value;
}

bool aenc_number_parse(const char *text, size_t length, double *out) {
    char plain[NUMBER_LENGTH + 16]; /* digits without a point, then the exponent that makes up for it */
    if (length > NUMBER_LENGTH) return false;
    size_t at = 0, used = 0;
    if (length > 0 && (text[0] == '-' || text[0] == '+')) plain[used++] = text[at++];
    size_t digits = 0, fraction = 0;
    bool point = false;
    for (; at < length && (is_digit(text[at]) || (text[at] == '.' && !point)); at++) {
        if (text[at] == '.') {
            point = true;
            continue;
        }
        plain[used++] = text[at];
        digits++;
        fraction += point;
    }
    if (digits == 0) return false;
    int exponent = 0;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (!parse_exponent(text, length, &at, &exponent)) return false;
    }
    if (at != length) return false;
    if (digits == length && digits <= 15) {
        *out = short_whole(plain, digits);
        return true;
    }
    snprintf(plain + used, sizeof plain - used, "e%d", exponent - (int)fraction);
    double value = strtod(plain, NULL);
    if (!isfinite(value)) return false;
    *out = value;
    return true;
}

/* Rounded correctly to count digits, by the C library. */
static struct decimal decimal_from(double number, int count) {
    struct decimal decimal = {.negative = signbit(number)};
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, fabs(number));
    const char *c = text;
    for (; *c != '\0' && *c != 'e'; c++)
        if (is_digit(*c)) decimal.digits[decimal.count++] = *c;
    if (*c == 'e') decimal.exponent = (int)strtol(c + 1, NULL, 10);
    return decimal;
}

static double decimal_value(const struct decimal *decimal) {
    char text[48];
    snprintf(text, sizeof text, "%s%se%d", decimal->negative ? "-" : "", decimal->digits,
             decimal->exponent - (decimal->count - 1));
    return strtod(text, NULL);
}

static bool reads_back(const struct decimal *decimal, double number, bool single) {
    double value = decimal_value(decimal);
    return single ? (float)value == (float)number : value == number;
}

/* As people write it: 0.001, 12.5, 1e-7, 3.5e20. */
static size_t decimal_layout(const struct decimal *decimal, char *buffer) {
    const char *digits = decimal->digits;
    int count = decimal->count, exponent = decimal->exponent;
    const char *sign = decimal->negative ? "-" : "";
    int whole = exponent + 1; /* digits in front of the point */
    int length;
    if (exponent < -5 || exponent >= 17)
        length = snprintf(buffer, 32, "%s%c%s%se%d", sign, digits[0], count > 1 ? "." : "", digits + 1, exponent);
    else if (exponent < 0)
        length = snprintf(buffer, 32, "%s0.%.*s%s", sign, -whole, "0000", digits);
    else if (whole < count)
        length = snprintf(buffer, 32, "%s%.*s.%s", sign, whole, digits, digits + whole);
    else
        length = snprintf(buffer, 32, "%s%s%.*s", sign, digits, whole - count, "0000000000000000");
    return (size_t)length;
}

size_t aenc_number_text(double number, char *buffer) { return aenc_number_text_of(number, false, buffer); }

size_t aenc_number_text_of(double number, bool single, char *buffer) {
    if (number == 0) return (size_t)snprintf(buffer, 32, signbit(number) ? "-0" : "0");
    if (fabs(number) <= (single ? WHOLE_FLOAT_MAX : WHOLE_MAX) && floor(number) == number)
        return (size_t)snprintf(buffer, 32, "%" PRId64, (int64_t)number);
    struct decimal decimal = decimal_from(number, 1);
    for (int count = 2; count <= 17 && !reads_back(&decimal, number, single); count++)
        decimal = decimal_from(number, count);
    return decimal_layout(&decimal, buffer);
}
