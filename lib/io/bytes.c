/* bytes.c - numbers assembled from bytes; compilers turn the shifts into one load where the machine allows it. */
#include "io/bytes.h"

#include <string.h>

#include "base/text.h"

uint16_t aenc_bytes_u16(const unsigned char *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

uint32_t aenc_bytes_u32(const unsigned char *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t aenc_bytes_u64(const unsigned char *bytes) {
    return (uint64_t)aenc_bytes_u32(bytes) | (uint64_t)aenc_bytes_u32(bytes + 4) << 32;
}

void aenc_bytes_put_u32(unsigned char *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(value >> (8 * i));
}

void aenc_bytes_put_u64(unsigned char *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i));
}

static float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float aenc_bytes_f32(const unsigned char *bytes) { return float_from_bits(aenc_bytes_u32(bytes)); }

double aenc_bytes_f64(const unsigned char *bytes) {
    uint64_t bits = aenc_bytes_u64(bytes);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Half: 1 sign, 5 exponent (bias 15), 10 fraction bits; float: 1, 8 (bias 127), 23. */
float aenc_float_from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half >> 15) << 31;
    uint32_t exponent = (half >> 10) & 31u;
    uint32_t fraction = half & 1023u;
    if (exponent == 31) return float_from_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent != 0) return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
}

float aenc_float_from_bfloat16(uint16_t bits) { return float_from_bits((uint32_t)bits << 16); }

void aenc_bytes_copy_little(void *to, const void *from, size_t count, size_t item) {
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    if (count == 0) return;
    if (first == 1 || item == 1) {
        memcpy(to, from, count * item);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < item; k++)
            ((unsigned char *)to)[i * item + k] = ((const unsigned char *)from)[i * item + item - 1 - k];
}

bool aenc_shape_extent(const uint64_t *dim, int rank, uint64_t item, uint64_t *count, uint64_t *bytes) {
    uint64_t bound = item;
    bool empty = false;
    for (int axis = 0; axis < rank; axis++) {
        uint64_t extent = dim[axis];
        if (extent == 0) {
            empty = true;
            continue;
        }
        if (bound > (uint64_t)INT64_MAX / extent) return false;
        bound *= extent;
    }
    *bytes = empty ? 0 : bound;
    *count = *bytes / item;
    return true;
}

size_t aenc_utf8_prefix(const char *text, size_t length) {
    size_t at = 0;
    while (at < length) {
        size_t step = aenc_utf8_step(text + at, length - at);
        if (step == 0) break;
        at += step;
    }
    return at;
}

bool aenc_utf8_valid(const char *text, size_t length) { return aenc_utf8_prefix(text, length) == length; }

struct quoted aenc_quoted(const char *text) {
    enum { ROOM = sizeof((struct quoted *)0)->text - 4 };
    struct quoted quoted;
    size_t used = 0;
    const char *end = memchr(text, '\0', ROOM + 1);
    size_t length = end != NULL ? (size_t)(end - text) : ROOM + 1;
    for (size_t at = 0; at < length;) {
        size_t step = aenc_utf8_step(text + at, length - at);
        bool cut = step == 0 && end == NULL && length - at < 4;
        if (cut || used + (step == 0 ? 1 : step) > ROOM) {
            memcpy(quoted.text + used, "...", 3);
            used += 3;
            break;
        }
        bool printable = aenc_text_printable(text + at, step);
        if (printable)
            memcpy(quoted.text + used, text + at, step);
        else
            quoted.text[used] = '?';
        used += printable ? step : 1;
        at += step == 0 ? 1 : step;
    }
    quoted.text[used] = '\0';
    return quoted;
}
