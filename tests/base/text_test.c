/* text_test.c - what messages show of bytes from a file: nothing that a terminal obeys, always UTF-8, cut where room ends. */
#include "base/text.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"

#include "fake_context.h"

static void check_escape(const char *text, const char *want) {
    char got[64];
    aenc_text_escape(got, sizeof got, text);
    if (!CHECK(strcmp(got, want) == 0)) fprintf(stderr, "  got %s\n", got);
}

static void check_cut(void) {
    char got[16], text[64];
    for (size_t length = 0; length < sizeof text - 1; length++) {
        memset(text, 'a', length);
        text[length] = '\0';
        aenc_text_escape(got, sizeof got, text);
        CHECK(length < sizeof got - 2 ? strcmp(got, text) == 0 : strlen(got) == 15 && strcmp(got + 12, "...") == 0);
        if (length > 1) {
            memset(text, '\x9B', length);
            aenc_text_escape(got, sizeof got, text);
            CHECK(strlen(got) < sizeof got && memcmp(got, "\\x9b\\x9b", 8) == 0);
        }
    }
}

static int formatted(char *out, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = aenc_text_format(out, size, format, arguments);
    va_end(arguments);
    return length;
}

/* A conversion has room for 15 characters; one of more is refused. */
static void check_long_conversion(void) {
    char got[16];
    CHECK(formatted(got, sizeof got, "%0000000000003d", 7) == 3 && strcmp(got, "007") == 0);
    CHECK(formatted(got, sizeof got, "%00000000000003d", 7) < 0);
}

int main(void) {
    aenc_context ctx;
    struct ledger ledger;
    check_escape("", "");
    check_escape("encoder.0 \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80", "encoder.0 \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
    check_escape("\x1B[2J\a\n\x7F", "\\x1b[2J\\x07\\x0a\\x7f");
    check_escape("\xC2\x9B" "31m\xC2\xA0", "\\xc2\\x9b31m\xC2\xA0"); /* a control sequence in two bytes */
    check_escape("a\xE2\x80\xAEtxt.exe\xE2\x81\xA6", "a\\xe2\\x80\\xaetxt.exe\\xe2\\x81\\xa6");
    check_escape("\xFF\xC0\x80\xED\xA0\x80", "\\xff\\xc0\\x80\\xed\\xa0\\x80");
    check_escape("end \xE2\x82", "end \\xe2\\x82");
    check_cut();
    check_long_conversion();
    fake_context(&ctx, &ledger);
    CHECK(aenc_fail(&ctx, AENC_ERR_FORMAT, "tensor '%s'", "\x1B]0;title\a") == AENC_ERR_FORMAT);
    CHECK(strcmp(ctx.message, "tensor '\\x1b]0;title\\x07'") == 0);
    return check_finish();
}
