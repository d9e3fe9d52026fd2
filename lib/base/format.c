/* format.c - formatting piece by piece, so that only numbers are looked at for a decimal point. */
#include "base/format.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SPEC_MOST = 16, NUMBER_MOST = 512 };

/* What has been written, and what would have been. */
struct piece {
    char *out;
    size_t size, length;
};

static void append(struct piece *p, const char *text, size_t count) {
    size_t room = p->length < p->size ? p->size - p->length : 0;
    if (room > 0) memcpy(p->out + p->length, text, count < room ? count : room);
    p->length += count;
}

/* Everything that is no part of a number written in the "C" locale is a decimal point, of one byte or of several. */
static void point_restore(char *number) {
    char *to = number;
    for (const char *from = number; *from != '\0';) {
        size_t known = strspn(from, " +-.0123456789abcdefinftxyABCDEFINFTXY");
        memmove(to, from, known);
        to += known, from += known;
        if (*from == '\0') break;
        *to++ = '.';
        from += strcspn(from, "0123456789");
    }
    *to = '\0';
}

/* The conversion of spec, "%-5lld"; `length` counts its l, or is 'z'. Negative: not one of ours. */
static int convert(char *number, const char *spec, char kind, int length, va_list *arguments) {
    if (kind == 'g' || kind == 'f' || kind == 'e') {
        int written = snprintf(number, NUMBER_MOST, spec, va_arg(*arguments, double));
        point_restore(number);
        return written < 0 ? written : (int)strlen(number);
    }
    if (kind == 'c') return snprintf(number, NUMBER_MOST, spec, va_arg(*arguments, int));
    if (strchr("diux", kind) == NULL) return -1;
    if (length == 'z') return snprintf(number, NUMBER_MOST, spec, va_arg(*arguments, size_t));
    if (length == 2) return snprintf(number, NUMBER_MOST, spec, va_arg(*arguments, long long));
    if (length == 1) return snprintf(number, NUMBER_MOST, spec, va_arg(*arguments, long));
    return snprintf(number, NUMBER_MOST, spec, va_arg(*arguments, int));
}

/* A text with at most `most` bytes; a negative one has no limit. */
static void text_append(struct piece *p, const char *text, long most) {
    size_t count = 0;
    if (text == NULL) text = "(null)";
    while (text[count] != '\0' && (most < 0 || count < (size_t)most)) count++;
    append(p, text, count);
}

/* One conversion, from its '%'; what is behind it, NULL where it is not one of ours. */
static const char *conversion(struct piece *p, const char *at, va_list *arguments) {
    char spec[SPEC_MOST], number[NUMBER_MOST];
    size_t head = 1 + strspn(at + 1, "-+ #0123456789."), letters = strspn(at + head, "lz");
    char kind = at[head + letters];
    const char *dot = memchr(at, '.', head);
    if (kind == '%')
        append(p, "%", 1);
    else if (kind == 's') {
        long most = dot == NULL ? -1 : 0;
        for (const char *c = dot == NULL ? "" : dot + 1; *c >= '0' && *c <= '9'; c++) most = most * 10 + (*c - '0');
        text_append(p, va_arg(*arguments, const char *), most);
    } else {
        if (kind == '\0' || head + letters + 2 > sizeof spec) return NULL;
        memcpy(spec, at, head + letters + 1);
        spec[head + letters + 1] = '\0';
        int length = letters > 0 && at[head] == 'z' ? 'z' : (int)letters;
        int written = convert(number, spec, kind, length, arguments);
        if (written < 0 || written >= NUMBER_MOST) return NULL;
        append(p, number, (size_t)written);
    }
    return at + head + letters + 1;
}

int aenc_text_format(char *out, size_t size, const char *format, va_list arguments) {
    struct piece p = {out, size, 0};
    va_list own;
    va_copy(own, arguments);
    while (format != NULL && *format != '\0') {
        size_t plain = strcspn(format, "%");
        append(&p, format, plain);
        format += plain;
        if (*format == '%') format = conversion(&p, format, &own);
    }
    va_end(own);
    if (size > 0) out[p.length < size ? p.length : size - 1] = '\0';
    return format == NULL || p.length > INT32_MAX ? -1 : (int)p.length;
}
