/* text.c - which characters a message may hold. Terminals obey control characters, in names from a file too. */
#include "base/text.h"

#include <string.h>

size_t aenc_utf8_step(const char *bytes, size_t left) {
    const unsigned char *text = (const unsigned char *)bytes;
    unsigned lead = text[0];
    if (lead < 0x80) return 1;
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < length) return 0;
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  /* shorter forms exist below */
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF; /* surrogates, beyond U+10FFFF */
    if (text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    return length;
}

bool aenc_text_printable(const char *text, size_t step) {
    const unsigned char *c = (const unsigned char *)text;
    if (step == 1) return c[0] >= 0x20 && c[0] != 0x7F;
    if (step == 2) return c[0] != 0xC2 || c[1] >= 0xA0; /* U+0080 to U+009F: control characters */
    bool general =
        step == 3 && c[0] == 0xE2; /* U+2028 to U+202E: ends of lines, directions; U+2066 to U+2069: directions */
    if (general && c[1] == 0x80) return c[2] < 0xA8 || c[2] > 0xAE;
    if (general && c[1] == 0x81) return c[2] < 0xA6 || c[2] > 0xA9;
    return step > 0;
}

void aenc_text_escape(char *out, size_t room, const char *text) {
    static const char digits[] = "0123456789abcdef";
    enum { ESCAPE = 4, END = 4 }; /* "\xNN"; "..." and NUL */
    size_t used = 0, length = strlen(text);
    for (size_t at = 0, step; at < length; at += step) {
        step = aenc_utf8_step(text + at, length - at);
        bool printable = aenc_text_printable(text + at, step);
        if (step == 0) step = 1;
        size_t need = printable ? step : ESCAPE * step;
        bool last = at + step == length;
        if (used + need + (last ? 1 : END) > room) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        for (size_t i = at; i < at + step; i++) {
            unsigned char c = (unsigned char)text[i];
            const char escape[ESCAPE] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
            if (printable)
                out[used++] = text[i];
            else
                memcpy(out + used, escape, ESCAPE), used += ESCAPE;
        }
    }
    out[used] = '\0';
}
