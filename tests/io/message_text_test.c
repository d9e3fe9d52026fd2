/* message_text_test.c - places, values and shapes of messages: what differs in one bit or one dimension reads differently. */
#include "io/message_text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void check_same(const char *got, const char *want) {
    if (!CHECK(strcmp(got, want) == 0)) fprintf(stderr, "  got %s, want %s\n", got, want);
}

static void check_values(void) {
    check_same(aenc_shown(0.1).text, "0.1");
    check_same(aenc_shown_float(0.1f).text, "0.1");
    check_same(aenc_shown((double)0.1f).text, "0.10000000149011612");
    check_same(aenc_shown(1000000.5).text, "1000000.5");
    check_same(aenc_shown(-0.0).text, "-0");
    check_same(aenc_shown_float(16777216.0f).text, "16777216");
    check_same(aenc_shown_float(FLT_MAX).text, "3.4028235e38");
    check_same(aenc_shown((double)NAN).text, "nan");
    check_same(aenc_shown(-(double)NAN).text, "nan");
    check_same(aenc_shown_float(INFINITY).text, "inf");
    check_same(aenc_shown(-(double)INFINITY).text, "-inf");
}

/* Neighbours are two texts, and each text is its own number again. */
static void check_neighbours(void) {
    static const float starts[] = {0, 1e-45f, 1e-30f, 0.1f, 0.5f, 1, 3, 1000, 8.58993e9f, 1e10f, 1e30f};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        float a = starts[i];
        for (int step = 0; step < 200; step++) {
            float b = nextafterf(a, INFINITY);
            CHECK(strcmp(aenc_shown_float(a).text, aenc_shown_float(b).text) != 0);
            CHECK(strtof(aenc_shown_float(a).text, NULL) == a);
            double c = nextafter((double)a, INFINITY);
            CHECK(strcmp(aenc_shown((double)a).text, aenc_shown(c).text) != 0);
            CHECK(strtod(aenc_shown(c).text, NULL) == c);
            a = b;
        }
    }
}

static void check_places(void) {
    check_same(aenc_at(17).text, "[17]");
    check_same(aenc_cell(3, 5).text, "[3, 5]");
    check_same(aenc_cell(INT64_MAX, INT64_MAX).text, "[9223372036854775807, 9223372036854775807]");
    check_same(aenc_element((const int64_t[]){3, 4}, 2, 7).text, "[1, 3]");
    check_same(aenc_element((const int64_t[]){2, 3, 4}, 3, 23).text, "[1, 2, 3]");
    check_same(aenc_element((const int64_t[]){5}, 1, 4).text, "[4]");
    check_same(aenc_element(NULL, 0, 0).text, "");
}

static void check_shapes(void) {
    const int64_t huge = INT64_MAX, many[] = {huge, huge, huge, huge, huge, huge, huge, huge};
    check_same(aenc_dims((const int64_t[]){2, 9}, 2, false).text, "(2, 9)");
    check_same(aenc_dims((const int64_t[]){3, 6}, 2, false).text, "(3, 6)");
    check_same(aenc_dims((const int64_t[]){18}, 1, false).text, "(18)");
    check_same(aenc_dims((const int64_t[]){128, 28, 28}, 3, true).text, "(rows, 28, 28)");
    check_same(aenc_dims(NULL, 0, false).text, "()");
    const struct dims_text cut = aenc_dims(many, 8, false);
    CHECK(strlen(cut.text) < sizeof cut.text && strstr(cut.text, ", ...)") != NULL);
}

int main(void) {
    check_values();
    check_places();
    check_shapes();
    check_neighbours();
    if (setlocale(LC_ALL, "de_DE.UTF-8") != NULL) check_values();
    return check_finish();
}
