/* number_test.c - numbers as text: exact in both directions, in every locale that this machine has; float formats. */
#include <inttypes.h>
#include <locale.h>
#include <string.h>

#include "check.h"
#include "io/bytes.h"
#include "io/json.h"

static void check_text(double number, const char *want) {
    char text[32];
    size_t length = aenc_number_text(number, text);
    if (!CHECK(length == strlen(want) && strcmp(text, want) == 0)) fprintf(stderr, "  got %s, want %s\n", text, want);
}

static void check_texts(void) {
    check_text(0, "0");
    check_text(-0.0, "-0");
    check_text(1, "1");
    check_text(-128, "-128");
    check_text(1000000, "1000000");
    check_text(9007199254740992.0, "9007199254740992");
    check_text(18014398509481984.0, "18014398509481984");
    check_text(100000000000000000.0, "1e17");
    check_text(1.25e20, "1.25e20");
    check_text(0.1, "0.1");
    check_text(0.001, "0.001");
    check_text(-0.00001, "-0.00001");
    check_text(0.000001, "1e-6");
    check_text(1.5e-7, "1.5e-7");
    check_text(0.1 + 0.2, "0.30000000000000004");
    check_text(123.456, "123.456");
    check_text(5e-324, "5e-324");
    check_text(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_text(-1.7976931348623157e308, "-1.7976931348623157e308");
    check_text((double)0.1f, "0.10000000149011612");
}

static void check_value(const char *text, double want) {
    double got = -1;
    if (!CHECK(aenc_number_parse(text, strlen(text), &got) && memcmp(&got, &want, sizeof got) == 0))
        fprintf(stderr, "  %s: got %a, want %a\n", text, got, want);
}

static void check_values(void) {
    check_value("0", 0);
    check_value("-0", -0.0);
    check_value("+1.50", 1.5);
    check_value(".5", 0.5);
    check_value("5.", 5);
    check_value("1e-3", 0.001);
    check_value("1E+3", 1000);
    check_value("0.1e1", 1);
    check_value("007", 7);
    check_value("999999999999999", 999999999999999.0);
    check_value("123456789012345678", 123456789012345680.0);
    check_value("1e-400", 0);
    check_value("0e99999999999999999999", 0);
    check_value("179769313486231570000e288", 0x1.fffffffffffffp1023);
    /* halfway between two doubles goes to the even one; a digit more decides */
    check_value("9007199254740993", 9007199254740992.0);
    check_value("9007199254740993.0000000000000000000000000000000000000000000001", 9007199254740994.0);
    check_value("9007199254740995", 9007199254740996.0);
    check_value("2.2250738585072011e-308", 0x0.fffffffffffffp-1022);
    check_value("2.4703282292062327208e-324", 0); /* below half of the smallest */
    check_value("2.4703282292062328e-324", 5e-324);
}

static void check_refused(const char *text) {
    double value = 7;
    if (!CHECK(!aenc_number_parse(text, strlen(text), &value) && value == 7)) fprintf(stderr, "  %s\n", text);
}

static void check_refusals(void) {
    static const char *const texts[] = {"",     "-",   "+",    ".",   "e5",  "1e",  "1e+", "1e5.",   "1.2.3", "0x10",
                                        "inf",  "nan", " 1",   "1 ",  "1,5", "1_0", "--1", "1-",     "1e999", "-1e309",
                                        "1e5e", "INF", "1.e,", "\t1", "1\n", "1f",  "0b1", "1.8e308"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_refused(texts[i]);
    double value;
    CHECK(!aenc_number_parse("1\0", 2, &value));
    char many[NUMBER_LENGTH + 1];
    memset(many, '1', sizeof many);
    many[1] = '.';
    CHECK(aenc_number_parse(many, NUMBER_LENGTH, &value) && value == 1.1111111111111112);
    CHECK(!aenc_number_parse(many, NUMBER_LENGTH + 1, &value));
    CHECK(aenc_number_parse("12", 1, &value) && value == 1);
}

/* splitmix64 */
static uint64_t next_bits(uint64_t *state) {
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void check_round_trips(void) {
    uint64_t state = 1;
    long wrong = 0, refused = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_bits(&state);
        if (i % 4 == 1) bits &= 0x800FFFFFFFFFFFFFu; /* subnormal */
        double number, back;
        memcpy(&number, &bits, sizeof number);
        if (i % 4 == 2) number = (double)(float)(bits % 100000) / 1000;
        if (!isfinite(number)) continue;
        char text[32];
        size_t length = aenc_number_text(number, text);
        refused += length >= 32 || strlen(text) != length || !aenc_number_parse(text, length, &back);
        wrong += memcmp(&number, &back, sizeof number) != 0;
    }
    CHECK(wrong == 0);
    CHECK(refused == 0);
}

static void check_all(void) {
    check_texts();
    check_values();
    check_refusals();
    check_round_trips();
}

/* Comma, Arabic separator: whichever of these is installed. */
static void check_locales(void) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fa_IR.UTF-8", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_ALL, names[i]) == NULL) continue;
        fprintf(stderr, "locale %s\n", names[i]);
        check_all();
    }
    setlocale(LC_ALL, "C");
}

/* By their definition: sign, exponent with bias 15, fraction of 10 bits. */
static double half_value(unsigned half) {
    double sign = half >> 15 ? -1 : 1;
    int exponent = (int)(half >> 10 & 31);
    double fraction = (half & 1023) / 1024.0;
    return sign * (exponent == 0 ? ldexp(fraction, -14) : ldexp(1 + fraction, exponent - 15));
}

static void check_small_floats(void) {
    long wrong = 0;
    for (unsigned half = 0; half <= 0xFFFF; half++) {
        float got = aenc_float_from_half((uint16_t)half);
        if ((half >> 10 & 31) == 31) {
            bool nan = (half & 1023) != 0;
            wrong += nan ? !isnan(got) : !isinf(got);
            wrong += signbit(got) != 0 ? half >> 15 == 0 : half >> 15 != 0;
            continue;
        }
        wrong += (double)got != half_value(half) || (signbit(got) != 0) != (half >> 15 != 0);
    }
    CHECK(wrong == 0);
    CHECK(aenc_float_from_bfloat16(0x3FC0) == 1.5f && aenc_float_from_bfloat16(0xC000) == -2.0f);
    CHECK(isinf(aenc_float_from_bfloat16(0x7F80)) && isnan(aenc_float_from_bfloat16(0x7FC0)));
    const unsigned char bytes[] = {0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 1, 2, 3, 4};
    CHECK(aenc_bytes_f64(bytes) == 1.5 && aenc_bytes_u32(bytes + 8) == 0x04030201u);
    CHECK(aenc_bytes_u64(bytes + 4) == 0x040302013FF80000u && aenc_bytes_u16(bytes + 9) == 0x0302u);
    unsigned char put[8];
    aenc_bytes_put_u64(put, 0x1122334455667788u);
    CHECK(aenc_bytes_u64(put) == 0x1122334455667788u && put[0] == 0x88);
    aenc_bytes_put_u32(put, 0xA1B2C3D4u);
    CHECK(aenc_bytes_u32(put) == 0xA1B2C3D4u && put[3] == 0xA1);
}

static void check_extents(void) {
    uint64_t count, bytes;
    CHECK(aenc_shape_extent(NULL, 0, 4, &count, &bytes) && count == 1 && bytes == 4);
    CHECK(aenc_shape_extent((uint64_t[]){3, 0, 5}, 3, 4, &count, &bytes) && count == 0 && bytes == 0);
    CHECK(aenc_shape_extent((uint64_t[]){3, 5}, 2, 8, &count, &bytes) && count == 15 && bytes == 120);
    const uint64_t large = UINT64_C(1) << 32;
    CHECK(!aenc_shape_extent((uint64_t[]){large, large}, 2, 1, &count, &bytes));
    CHECK(!aenc_shape_extent((uint64_t[]){large, 0, large}, 3, 1, &count, &bytes));
    CHECK(!aenc_shape_extent((uint64_t[]){large, large / 4}, 2, 4, &count, &bytes));
    CHECK(aenc_shape_extent((uint64_t[]){large, large / 4}, 2, 1, &count, &bytes) && bytes == large / 4 * large);
    CHECK(!aenc_shape_extent((uint64_t[]){UINT64_MAX}, 1, 1, &count, &bytes));
}

int main(void) {
    check_all();
    check_locales();
    check_small_floats();
    check_extents();
    return check_finish();
}
