/* random_test.c - Philox by its authors' vectors, the draws by their properties. */
#include "base/random.h"

#include <string.h>

#include "check.h"
#include "math/kernels.h"

/* The kat_vectors of Random123 for philox4x32 with 10 rounds. */
static void check_known_answers(void) {
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}},
        {{0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},
         {0xFFFFFFFF, 0xFFFFFFFF},
         {0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}},
        {{0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344},
         {0xA4093822, 0x299F31D0},
         {0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t out[4];
        aenc_random_philox(vectors[i].key, vectors[i].counter, out);
        CHECK(memcmp(out, vectors[i].want, sizeof out) == 0);
    }
}

static void check_stream(void) {
    /* FNV-1a's published values of "", "a" and "foobar" */
    CHECK(aenc_random_stream("") == 0xCBF29CE484222325u);
    CHECK(aenc_random_stream("a") == 0xAF63DC4C8601EC8Cu);
    CHECK(aenc_random_stream("foobar") == 0x85944171F73967E8u);
}

/* However the elements of a row are cut into calls, they are the same. */
static void check_chunks(void) {
    const struct draw draw = {5, 6, 7, 8, 9};
    uint32_t whole[101], again[101], part[101];
    aenc_random_bits(&draw, 0, whole, 101);
    aenc_random_bits(&draw, 0, again, 101);
    CHECK(memcmp(whole, again, sizeof whole) == 0);
    for (size_t cut = 0; cut <= 100; cut += 4) {
        memset(part, 0, sizeof part);
        aenc_random_bits(&draw, 0, part, cut);
        CHECK(part[cut] == 0);
        aenc_random_bits(&draw, cut, part + cut, 101 - cut);
        CHECK(memcmp(whole, part, sizeof whole) == 0);
    }
}

/* Each of seed, stream, step, turn, row and element makes other bits, about half of them. */
static void check_coordinates(void) {
    const struct draw draw = {1, 2, 3, 4, 5};
    struct draw other[6] = {draw, draw, draw, draw, draw, draw};
    uint32_t want[64], got[64];
    other[0].seed++;
    other[1].stream++;
    other[2].step++;
    other[3].turn++;
    other[4].row++;
    aenc_random_bits(&draw, 0, want, 64);
    for (int i = 0; i < 6; i++) {
        int differ = 0;
        aenc_random_bits(&other[i], i == 5 ? 4 : 0, got, 64);
        for (int k = 0; k < 64; k++)
            for (int bit = 0; bit < 32; bit++) differ += ((got[k] ^ want[k]) >> bit & 1u) != 0;
        CHECK_NEAR(differ, 1024, 5 * sqrt(512));
    }
    struct draw far = draw;
    far.row += (uint64_t)1 << 33; /* beyond 32 bits */
    aenc_random_bits(&far, 0, got, 64);
    CHECK(memcmp(got, want, sizeof got) != 0);
}

enum { COUNT = 100000, BINS = 20 }; /* COUNT is a multiple of AENC_NORMALS */
static uint32_t bits[COUNT];
static num numbers[COUNT];

/* Rows of 1000, as a layer draws them. */
static void draw_bits(void) {
    for (uint64_t row = 0; row < COUNT / 1000; row++) {
        const struct draw draw = {11, aenc_random_stream("test"), 0, 0, row};
        aenc_random_bits(&draw, 0, bits + row * 1000, 1000);
    }
}

/* share(low bound of bin i) is the distribution's; 19 degrees of freedom, 43.8 is 0.1 %. */
static void check_chi_square(double (*distribution)(double x), const double *bounds) {
    double chi = 0;
    for (int i = 0; i < BINS; i++) {
        double expected = COUNT * (distribution(bounds[i + 1]) - distribution(bounds[i])), seen = 0;
        for (int k = 0; k < COUNT; k++) seen += (double)numbers[k] >= bounds[i] && (double)numbers[k] < bounds[i + 1];
        chi += (seen - expected) * (seen - expected) / expected;
    }
    fprintf(stderr, "chi-square %.1f\n", chi);
    CHECK(chi < 43.8);
}

static void check_moments(double mean, double variance, double fourth) {
    double first = 0, second = 0, lagged = 0;
    for (int i = 0; i < COUNT; i++) {
        double d = (double)numbers[i] - mean;
        first += d / COUNT;
        second += d * d / COUNT;
        if (i > 0) lagged += d * ((double)numbers[i - 1] - mean) / COUNT;
    }
    CHECK_NEAR(first, 0, 3.3 * sqrt(variance / COUNT));
    CHECK_NEAR(second, variance, 3.3 * sqrt((fourth - variance * variance) / COUNT));
    CHECK_NEAR(lagged, 0, 3.3 * variance / sqrt(COUNT));
}

static double uniform_distribution(double x) { return x; }
static double normal_distribution(double x) { return erfc(-x / sqrt(2)) / 2; }

static void check_distributions(void) {
    const struct random_kernels *kernels = aenc_kernels()->random;
    double bounds[BINS + 1];
    draw_bits();
    kernels->uniforms(numbers, bits, COUNT);
    for (int i = 0; i <= BINS; i++) bounds[i] = (double)i / BINS;
    check_chi_square(uniform_distribution, bounds);
    check_moments(0.5, 1.0 / 12, 1.0 / 80);
    memset(numbers, 0, sizeof numbers);
    kernels->normals(numbers, bits, 1, COUNT);
    for (int i = 0; i <= BINS; i++) bounds[i] = -2.5 + 0.25 * i;
    bounds[0] = -100;
    bounds[BINS] = 100;
    check_chi_square(normal_distribution, bounds);
    check_moments(0, 1, 3);
}

static void check_below(void) {
    const struct draw draw = {1, 2, 3, 0, 0};
    const uint64_t bounds[] = {1, 2, 10, 1000, UINT32_MAX, (uint64_t)1 << 40};
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        double mean = 0;
        uint64_t most = 0;
        for (uint64_t i = 0; i < 4000; i++) {
            uint64_t got = aenc_random_below(&draw, i, bounds[b]);
            if (got > most) most = got;
            mean += (double)got / 4000;
        }
        CHECK(most < bounds[b]);
        CHECK((double)most >= 0.99 * (double)(bounds[b] - 1));
        CHECK_NEAR(mean / (double)bounds[b], 0.5 - 0.5 / (double)bounds[b], 3.3 * sqrt(1.0 / 12 / 4000));
    }
}

/* floor(r bound / 2^64), r the first two words as 64 bits, up to a bound of 2^32 - 1; beyond, r mod bound. */
static void check_below_exact(void) {
    const struct draw draw = {1, 2, 3, 0, 0};
    const uint64_t wide = (uint64_t)UINT32_MAX + 1;
    for (uint64_t i = 0; i < 100; i++) {
        uint32_t words[2];
        aenc_random_bits(&draw, i * 4, words, 2);
        uint64_t r = (uint64_t)words[0] << 32 | words[1];
        /* r (2^32 - 1) / 2^64 = words[0] + (words[1] - r / 2^32) / 2^32, and r / 2^32 is just above words[0] */
        uint64_t want = words[1] > words[0] || r == 0 ? words[0] : words[0] - 1;
        CHECK(aenc_random_below(&draw, i, UINT32_MAX) == want);
        CHECK(aenc_random_below(&draw, i, wide) == r % wide);
        CHECK(aenc_random_below(&draw, i, wide + 7) == r % (wide + 7));
    }
}

int main(void) {
    check_known_answers();
    check_stream();
    check_chunks();
    check_coordinates();
    check_distributions();
    check_below();
    check_below_exact();
    return check_finish();
}
