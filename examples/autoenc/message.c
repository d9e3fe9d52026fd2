/* message.c - lines on standard error. Whatever they quote from files and arguments, the terminal receives printable
 * UTF-8: control characters and bytes that are no UTF-8 become '?'. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* The length of the character at text when it is whole, in its shortest form and printable; 0: it is not. */
static size_t printable(const unsigned char *text) {
    if (*text < 0x80) return *text >= ' ' && *text != 0x7F;
    size_t more = *text >= 0xF0 && *text < 0xF5 ? 3 : *text >= 0xE0 && *text < 0xF0 ? 2 : *text >= 0xC2 && *text < 0xE0;
    if (more == 0) return 0;
    unsigned long point = *text & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
        point = point << 6 | (text[i] & 0x3F);
    }
    static const unsigned long least[] = {0, 0xA0, 0x800, 0x10000}; /* U+0080 to U+009F are controls */
    bool surrogate = point >= 0xD800 && point < 0xE000;
    /* ends of lines, and directions of what follows */
    bool turns = (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
    return point >= least[more] && point <= 0x10FFFF && !surrogate && !turns ? more + 1 : 0;
}

static void make_printable(char *line) {
    for (char *at = line; *at != '\0';) {
        size_t length = printable((const unsigned char *)at);
        if (length == 0) *at = '?';
        at += length == 0 ? 1 : length;
    }
}

__attribute__((format(printf, 2, 0))) static void print_line(const char *kind, const char *format, va_list arguments) {
    char short_line[1024], *line = short_line;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(short_line, sizeof short_line, format, arguments);
    if (length >= (int)sizeof short_line) {
        line = malloc((size_t)length + 1);
        if (line != NULL)
            (void)vsnprintf(line, (size_t)length + 1, format, again);
        else
            line = short_line;
    }
    va_end(again);
    make_printable(line);
    (void)fflush(stdout);
    (void)fprintf(stderr, "autoenc: %s%s\n", kind, line);
    if (line != short_line) free(line);
}

int tool_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("", format, arguments);
    va_end(arguments);
    return TOOL_FAILED;
}

int tool_usage(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("", format, arguments);
    va_end(arguments);
    return TOOL_USAGE;
}

void tool_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("note: ", format, arguments);
    va_end(arguments);
}
