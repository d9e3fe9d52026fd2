/* number.c - most numbers are exact products of a 53-bit integer and a power of ten up to 10^22 (Clinger 1990),
 * which one multiplication or division rounds correctly; the others go to strtod, which sees the C locale here. */
#include "number.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4000, EXPONENT_MAX = 100000, DIGITS_MAX = 18 };

struct scan {
    const char *at, *end;
    uint64_t mantissa;
    int digits, significant; /* seen; of them in the mantissa */
    int exponent;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void scan_digits(struct scan *scan, int per_digit) {
    for (; scan->at < scan->end && is_digit(*scan->at); scan->at++) {
        scan->digits++;
        scan->exponent += per_digit;
        if (scan->significant > DIGITS_MAX) continue;
        scan->mantissa = scan->mantissa * 10 + (uint64_t)(*scan->at - '0');
        if (scan->mantissa != 0) scan->significant++;
    }
}

static bool scan_exponent(struct scan *scan) {
    if (scan->at == scan->end || (*scan->at != 'e' && *scan->at != 'E')) return true;
    scan->at++;
    bool minus = scan->at < scan->end && *scan->at == '-';
    if (scan->at < scan->end && (*scan->at == '-' || *scan->at == '+')) scan->at++;
    if (scan->at == scan->end) return false;
    int exponent = 0;
    for (; scan->at < scan->end && is_digit(*scan->at); scan->at++) {
        if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (*scan->at - '0');
    }
    scan->exponent += minus ? -exponent : exponent;
    return true;
}

static bool same_word(const char *text, size_t length, const char *word) {
    if (length != strlen(word)) return false;
    for (size_t i = 0; i < length; i++) {
        if ((text[i] | 0x20) != word[i]) return false;
    }
    return true;
}

static enum number slow_number(const char *text, size_t length, bool not_zero, double *out) {
    char copy[TEXT_MAX + 1];
    if (length > TEXT_MAX) return NUMBER_BAD;
    memcpy(copy, text, length);
    copy[length] = '\0';
    double value = strtod(copy, NULL);
    if (value - value != 0.0) return NUMBER_INFINITE;
    if (value == 0.0 && not_zero) return NUMBER_TINY;
    *out = value;
    return NUMBER_OK;
}

enum number tool_number_parse(const char *text, size_t length, double *out) {
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct scan scan = {.at = text, .end = text + length};
    bool minus = length > 0 && *text == '-';
    if (length > 0 && (*text == '-' || *text == '+')) scan.at++;
    size_t rest = (size_t)(scan.end - scan.at);
    if (same_word(scan.at, rest, "nan")) return NUMBER_NAN;
    if (same_word(scan.at, rest, "inf") || same_word(scan.at, rest, "infinity")) return NUMBER_INFINITE;
    scan_digits(&scan, 0);
    if (scan.at < scan.end && *scan.at == '.') {
        scan.at++;
        scan_digits(&scan, -1);
    }
    if (scan.digits == 0 || !scan_exponent(&scan) || scan.at != scan.end) return NUMBER_BAD;
    bool exact = scan.significant <= DIGITS_MAX && scan.mantissa <= (uint64_t)1 << 53;
    if (!exact || scan.exponent > 22 || scan.exponent < -22) return slow_number(text, length, scan.mantissa != 0, out);
    double value = (double)scan.mantissa;
    value = scan.exponent < 0 ? value / power[-scan.exponent] : value * power[scan.exponent];
    *out = minus ? -value : value;
    return NUMBER_OK;
}

size_t tool_number_print(float value, char *out) {
    int length = 0;
    for (int digits = 7; digits <= 9; digits++) {
        length = snprintf(out, 24, "%.*g", digits, (double)value);
        double back = 0.0;
        bool read = tool_number_parse(out, (size_t)length, &back) == NUMBER_OK;
        if (!read || (float)back == value) break;
    }
    return (size_t)length;
}

static struct value_text print_value(double value, bool single) {
    struct value_text out;
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(out.text, sizeof out.text, "%.*g", digits, value);
        double back = strtod(out.text, NULL);
        if (single ? (float)back == (float)value : back == value) break;
    }
    /* 100000 rather than 1e+05 */
    double size = value < 0 ? -value : value;
    if (size >= 10 && size < 1e15 && value == (double)(int64_t)value) {
        (void)snprintf(out.text, sizeof out.text, "%lld", (long long)value);
    }
    if (value != value) (void)snprintf(out.text, sizeof out.text, "nan");
    return out;
}

struct value_text tool_value(double value) {
    return print_value(value, false);
}
struct value_text tool_value_float(float value) {
    return print_value((double)value, true);
}
