/* npy_test.c - NumPy files of every type and order, torn, flipped and made to deceive. */
#include <stdint.h>
#include <string.h>

#include "faults.h"
#include "io/bytes.h"
#include "io/npy.h"

/* A file of the given version around a dict; the length counts the dict, no padding. A block of its own size. */
static unsigned char *file_make(int major, const char *dict, const void *data, size_t data_size, size_t *size) {
    const size_t length = strlen(dict), start = major == 1 ? 10 : 12;
    *size = start + length + data_size;
    unsigned char *bytes = malloc(*size);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)major;
    bytes[7] = 0;
    if (major == 1) {
        bytes[8] = (unsigned char)(length & 255);
        bytes[9] = (unsigned char)(length >> 8);
    } else {
        aenc_bytes_put_u32(bytes + 8, (uint32_t)length);
    }
    memcpy(bytes + start, dict, length);
    if (data_size > 0) memcpy(bytes + start + length, data, data_size);
    return bytes;
}

#define DICT(descr, order, shape) "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

/* Two elements of every type: what the bytes mean. */
static void check_type(aenc_context *ctx, const char *dict, const void *data, size_t data_size, float first,
                       float second) {
    for (int major = 1; major <= 3; major++) {
        struct npy array;
        size_t size;
        float got[2] = {-9, -9};
        unsigned char *bytes = file_make(major, dict, data, data_size, &size);
        CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_OK);
        CHECK(array.rows == 2 && array.row_size == 1 && array.count == 2);
        CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 0, 2, got), AENC_OK);
        if (!CHECK(got[0] == first && got[1] == second)) fprintf(stderr, "  %s %g %g\n", dict, got[0], got[1]);
        free(bytes);
    }
}

static void check_types(aenc_context *ctx) {
    check_type(ctx, DICT("<f4", "False", "(2,)"), "\0\0\x80\x3F\0\0\0\xC0", 8, 1, -2);
    check_type(ctx, DICT(">f4", "False", "(2,)"), "\x3F\x80\0\0\xC0\0\0\0", 8, 1, -2);
    check_type(ctx, DICT("<f8", "False", "(2,)"), "\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\0\xC0", 16, 1, -2);
    check_type(ctx, DICT(">f8", "False", "(2,)"), "\x3F\xF0\0\0\0\0\0\0\xC0\0\0\0\0\0\0\0", 16, 1, -2);
    check_type(ctx, DICT("<f2", "False", "(2,)"), "\0\x3C\x01\0", 4, 1, 0x1p-24f);
    check_type(ctx, DICT(">f2", "False", "(2,)"), "\x3C\0\0\x01", 4, 1, 0x1p-24f);
    check_type(ctx, DICT("|u1", "False", "(2,)"), "\x80\xFF", 2, 128, 255);
    check_type(ctx, DICT("|i1", "False", "(2,)"), "\x80\xFF", 2, -128, -1);
    check_type(ctx, DICT("<i1", "False", "(2,)"), "\x7F\x01", 2, 127, 1);
    check_type(ctx, DICT("|b1", "False", "(2,)"), "\x00\x01", 2, 0, 1);
    check_type(ctx, DICT("<i2", "False", "(2,)"), "\x00\x80\xFE\xFF", 4, -32768, -2);
    check_type(ctx, DICT(">i2", "False", "(2,)"), "\x80\x00\xFF\xFE", 4, -32768, -2);
    check_type(ctx, DICT("<u2", "False", "(2,)"), "\x00\x80\xFE\xFF", 4, 32768, 65534);
    check_type(ctx, DICT(">u2", "False", "(2,)"), "\x01\x00\x00\x01", 4, 256, 1);
    check_type(ctx, DICT("<i4", "False", "(2,)"), "\0\0\0\x80\xFF\xFF\xFF\xFF", 8, -0x1p31f, -1);
    check_type(ctx, DICT(">i4", "False", "(2,)"), "\x80\0\0\0\0\0\0\x05", 8, -0x1p31f, 5);
    check_type(ctx, DICT("<u4", "False", "(2,)"), "\0\0\0\x80\x05\0\0\0", 8, 0x1p31f, 5);
    check_type(ctx, DICT(">u4", "False", "(2,)"), "\x80\0\0\0\0\0\0\x05", 8, 0x1p31f, 5);
    check_type(ctx, DICT("<i8", "False", "(2,)"), "\0\0\0\0\0\0\0\x80\xFD\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 16, -0x1p63f,
               -3);
    check_type(ctx, DICT(">i8", "False", "(2,)"), "\x80\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFD", 16, -0x1p63f,
               -3);
    check_type(ctx, DICT("<u8", "False", "(2,)"), "\0\0\0\0\0\0\0\x80\x03\0\0\0\0\0\0\0", 16, 0x1p63f, 3);
    check_type(ctx, DICT(">u8", "False", "(2,)"), "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03", 16, 0x1p63f, 3);
    check_type(ctx, "{\"shape\":(2,),\"fortran_order\":True,\"descr\":\"|u1\"}", "\x01\x02", 2, 1, 2);
    check_type(ctx, "{ 'shape' : ( 2 , ) ,\n'fortran_order' :False , 'descr':'|u1' , } \n ", "\x01\x02", 2, 1, 2);
}

/* Refused with this status and a message that contains problem. */
static void check_refused(aenc_context *ctx, const char *dict, size_t data_size, aenc_status want,
                          const char *problem) {
    static const unsigned char zeros[64];
    struct npy array;
    size_t size;
    unsigned char *bytes = file_make(1, dict, zeros, data_size, &size);
    CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), want);
    if (!CHECK(strstr(aenc_message(ctx), problem) != NULL && strncmp(aenc_message(ctx), "x.npy", 5) == 0))
        fprintf(stderr, "  %s %s\n", dict, aenc_message(ctx));
    CHECK(array.bytes == NULL);
    free(bytes);
}

static void check_refused_dicts(aenc_context *ctx) {
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "()",
        "{,}",
        "{'descr'}",
        "{'descr': }",
        "{'descr': '<f4'}",
        DICT("<f4", "False", "(1,)") "x",
        DICT("<f4", "false", "(1,)"),
        DICT("<f4", "0", "(1,)"),
        DICT("<f4", "Falsey", "(1,)"),
        DICT("<f4", "False", "(1)"),
        DICT("<f4", "False", "1"),
        DICT("<f4", "False", "[1]"),
        DICT("<f4", "False", "(1,,)"),
        DICT("<f4", "False", "(,)"),
        DICT("<f4", "False", "(1 1)"),
        DICT("<f4", "False", "(-1,)"),
        DICT("<f4", "False", "(+1,)"),
        DICT("<f4", "False", "(01,)"),
        DICT("<f4", "False", "(1L,)"),
        DICT("<f4", "False", "(0x1,)"),
        DICT("<f4", "False", "(1.0,)"),
        DICT("<f4", "False", "(1_0,)"),
        DICT("<f4", "False", "('1',)"),
        DICT("<f4", "False", "((1,),)"),
        DICT("<f4", "False", "(1,"),
        DICT("<f4", "False", "(None,)"),
        DICT("<f4", "False", "(1,1,1,1,1,1,1,1,1)"),
        DICT("<f4", "False", "(9223372036854775808,)"),
        DICT("<f4", "False", "(18446744073709551617,)"),
        DICT("<f4", "False", "(99999999999999999999999,)"),
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x'",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)},",
        "{'descr: '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': \"<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (1,)}",
        "{descr: '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': <f4, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'fortran_order': False, 'shape': (1,)}",
        "\t{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'unfinished"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_refused(ctx, texts[i], 4, AENC_ERR_FORMAT, "byte ");
}

static void check_refused_types(aenc_context *ctx) {
    static const char *const types[] = {"|O",  "O",  "",    "<",   "<f",  "<f3", "<f16", "<c8", "<U4", "|S1",  "<M8[s]",
                                        "|V4", "f4", "=f4", "|f4", "<i3", "|u2", "<b2",  "<b4", "<F4", "<f4 ", "@f4"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char dict[128];
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }", types[i]);
        check_refused(ctx, dict, 4, AENC_ERR_UNSUPPORTED, types[i]);
    }
    check_refused(ctx, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, AENC_ERR_UNSUPPORTED,
                  "structured");
}

static void check_refused_sizes(aenc_context *ctx) {
    check_refused(ctx, DICT("<f4", "False", "(1,)"), 3, AENC_ERR_FORMAT, "3 bytes of elements; shape and type need 4");
    check_refused(ctx, DICT("<f4", "False", "(1,)"), 5, AENC_ERR_FORMAT, "5 bytes of elements");
    check_refused(ctx, DICT("<f4", "False", "()"), 0, AENC_ERR_FORMAT, "0 bytes of elements; shape and type need 4");
    check_refused(ctx, DICT("<f4", "False", "(0, 7)"), 4, AENC_ERR_FORMAT, "shape and type need 0");
    static const char *const shapes[] = {"(4294967296, 4294967296)",    "(4294967296, 4294967296, 0)",
                                         "(0, 4294967296, 4294967296)", "(4294967296, 4294967297)",
                                         "(9223372036854775807,)",      "(2305843009213693952,)"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char dict[128];
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shapes[i]);
        check_refused(ctx, dict, 0, AENC_ERR_FORMAT, "the product of the shape overflows");
    }
}

static void check_refused_starts(aenc_context *ctx) {
    struct npy array;
    size_t size;
    unsigned char *bytes = file_make(2, DICT("<f4", "False", "(1,)"), "\0\0\0\0", 4, &size);
    const uint32_t lengths[] = {0, 1, (uint32_t)size, 10001, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        aenc_bytes_put_u32(bytes + 8, lengths[i]);
        CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_ERR_FORMAT);
    }
    bytes[7] = 1;
    CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_ERR_UNSUPPORTED);
    bytes[7] = 0;
    bytes[6] = 4;
    CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_ERR_UNSUPPORTED);
    CHECK(strstr(aenc_message(ctx), "version 4.0") != NULL);
    free(bytes);
    /* at the limit, and one above it, inside a file that is large enough */
    for (size_t length = NPY_HEADER_READ_MAX; length <= NPY_HEADER_READ_MAX + 1; length++) {
        char *dict = malloc(length + 1);
        int used = snprintf(dict, length, "%s", DICT("<f4", "False", "(1,)"));
        memset(dict + used, ' ', length - (size_t)used);
        dict[length] = '\0';
        bytes = file_make(1, dict, "\0\0\0\0", 4, &size);
        CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array),
                     length == NPY_HEADER_READ_MAX ? AENC_OK : AENC_ERR_FORMAT);
        free(bytes);
        free(dict);
    }
}

/* ---- Order of axes ---- */

/* Element (i, j, k) of a (2, 3, 4) array is 100 i + 10 j + k in either order. */
static void check_orders(aenc_context *ctx) {
    unsigned char row_major[24], column_major[24];
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 3; j++)
            for (unsigned k = 0; k < 4; k++) {
                row_major[(i * 3 + j) * 4 + k] = (unsigned char)(100 * i + 10 * j + k);
                column_major[i + 2 * (j + 3 * k)] = (unsigned char)(100 * i + 10 * j + k);
            }
    for (int fortran = 0; fortran < 2; fortran++) {
        struct npy array;
        size_t size;
        const char *dict = fortran ? DICT("|u1", "True", "(2, 3, 4)") : DICT("|u1", "False", "(2, 3, 4)");
        unsigned char *bytes = file_make(1, dict, fortran ? column_major : row_major, 24, &size);
        CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_OK);
        CHECK(array.rows == 2 && array.row_size == 12 && array.rank == 3 && array.fortran_order == (fortran != 0));
        for (uint64_t first = 0; first <= 2; first++) {
            for (uint64_t rows = 0; first + rows <= 2; rows++) {
                float *out = malloc((size_t)(rows * 12 + 1) * sizeof *out);
                CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, first, rows, out), AENC_OK);
                for (uint64_t i = 0; i < rows * 12; i++) CHECK(out[i] == (float)row_major[first * 12 + i]);
                free(out);
            }
        }
        CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 2, 1, NULL), AENC_ERR_SHAPE);
        CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 3, 0, NULL), AENC_ERR_SHAPE);
        CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 1, UINT64_MAX, NULL), AENC_ERR_SHAPE);
        free(bytes);
    }
}

/* Every rank there may be; (i_1, ..., i_n) in either order is the same number of an array of two along each of the last axes. */
static void check_ranks(aenc_context *ctx) {
    for (int rank = 0; rank <= NPY_RANK_MAX; rank++) {
        for (int fortran = 0; fortran < 2; fortran++) {
            char shape[64] = "(", dict[128];
            unsigned char data[1 << NPY_RANK_MAX];
            float got[1 << NPY_RANK_MAX];
            struct npy array;
            size_t size, count = (size_t)1 << rank;
            for (int i = 0; i < rank; i++) strcat(shape, "2, ");
            strcat(shape, ")");
            if (rank > 1) snprintf(shape + 3 * rank - 1, 2, ")");
            for (size_t i = 0; i < count; i++) {
                size_t at = 0;
                for (int bit = 0; bit < rank; bit++) at |= (i >> bit & 1) << (rank - 1 - bit);
                data[fortran ? at : i] = (unsigned char)i;
            }
            snprintf(dict, sizeof dict, "{'descr': '|u1', 'fortran_order': %s, 'shape': %s}", fortran ? "True" : "False", shape);
            unsigned char *bytes = file_make(1, dict, data, count, &size);
            CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_OK);
            CHECK(array.rank == rank && array.count == count && array.rows == (rank > 0 ? 2 : 1) &&
                  array.row_size == (rank > 1 ? count / 2 : 1));
            CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 0, array.rows, got), AENC_OK);
            for (size_t i = 0; i < count; i++) CHECK(got[i] == (float)i);
            free(bytes);
        }
    }
}

static void check_empty(aenc_context *ctx) {
    static const char *const shapes[] = {"(0,)", "(0, 3)", "(3, 0)", "(2, 0, 5)"};
    static const uint64_t rows[] = {0, 0, 3, 2};
    for (size_t i = 0; i < 4; i++) {
        for (int fortran = 0; fortran < 2; fortran++) {
            struct npy array;
            size_t size;
            char dict[128];
            snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': %s, 'shape': %s}",
                     fortran ? "True" : "False", shapes[i]);
            unsigned char *bytes = file_make(1, dict, NULL, 0, &size);
            CHECK_STATUS(ctx, aenc_npy_read(ctx, bytes, size, "x.npy", &array), AENC_OK);
            CHECK(array.count == 0 && array.rows == rows[i]);
            CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 0, array.rows, NULL), AENC_OK);
            free(bytes);
        }
    }
}

/* ---- Torn and flipped ---- */

/* Reads every element of what is accepted. */
static void read_exactly(aenc_context *ctx, const unsigned char *bytes, size_t size, bool must_fail) {
    struct npy array;
    unsigned char *exact = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(exact, bytes, size);
    aenc_status status = aenc_npy_read(ctx, exact, size, "x.npy", &array);
    CHECK(aenc_utf8_valid(aenc_message(ctx), strlen(aenc_message(ctx))));
    if (must_fail) CHECK_STATUS(ctx, status, AENC_ERR_FORMAT);
    else CHECK(status == AENC_OK || status == AENC_ERR_FORMAT || status == AENC_ERR_UNSUPPORTED);
    if (status == AENC_OK) {
        CHECK(array.bytes + array.count * (uint64_t)array.item == exact + size &&
              array.rows * array.row_size == array.count);
        float *out = malloc((size_t)(array.count + 1) * sizeof *out);
        CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 0, array.rows, out), AENC_OK);
        free(out);
    }
    free(exact);
}

static void check_torn(aenc_context *ctx) {
    static const char *const dicts[] = {DICT("<f4", "False", "(2, 3)"), DICT("<f4", "True", "(3, 2)")};
    static const unsigned char data[24] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (int major = 1; major <= 3; major++) {
        for (int order = 0; order < 2; order++) {
            size_t size;
            unsigned char *bytes = file_make(major, dicts[order], data, sizeof data, &size);
            const size_t header = size - sizeof data;
            for (size_t cut = 0; cut < size; cut++) read_exactly(ctx, bytes, cut, true);
            for (size_t bit = 0; bit < header * 8; bit++) {
                bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
                read_exactly(ctx, bytes, size, false);
                bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            }
            free(bytes);
        }
    }
}

/* ---- Writing ---- */

static void check_written_one(aenc_context *ctx, int rank, const uint64_t *dim, const char *shape) {
    float values[24], got[24];
    char want[160];
    void *out;
    size_t size;
    struct npy array;
    for (int i = 0; i < 24; i++) values[i] = (float)i - 0.5f;
    CHECK_STATUS(ctx, aenc_npy_write(ctx, dim, rank, values, &out, &size), AENC_OK);
    CHECK_STATUS(ctx, aenc_npy_read(ctx, out, size, "x.npy", &array), AENC_OK);
    CHECK(array.rank == rank && memcmp(array.dim, dim, (size_t)rank * sizeof *dim) == 0);
    size_t header = size - (size_t)array.count * 4;
    CHECK(header % 64 == 0 && ((unsigned char *)out)[header - 1] == '\n' && ((unsigned char *)out)[6] == 1);
    int length = snprintf(want, sizeof want, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, } ", shape);
    CHECK(memcmp((char *)out + 10, want, (size_t)length - 1) == 0);
    CHECK_STATUS(ctx, aenc_npy_floats(ctx, &array, 0, array.rows, got), AENC_OK);
    CHECK(memcmp(values, got, (size_t)array.count * 4) == 0);
    aenc_release(ctx, out);
}

static void check_written(aenc_context *ctx) {
    check_written_one(ctx, 0, (uint64_t[]){0}, "()");
    check_written_one(ctx, 1, (uint64_t[]){24}, "(24,)");
    check_written_one(ctx, 2, (uint64_t[]){4, 6}, "(4, 6)");
    check_written_one(ctx, 4, (uint64_t[]){2, 3, 0, 4}, "(2, 3, 0, 4)");
    check_written_one(ctx, 8, (uint64_t[]){1, 2, 1, 3, 1, 2, 2, 1}, "(1, 2, 1, 3, 1, 2, 2, 1)");
    unsigned char header[NPY_HEADER_MAX];
    uint64_t dim[NPY_RANK_MAX];
    for (int i = 0; i < NPY_RANK_MAX; i++) dim[i] = UINT64_MAX;
    CHECK(aenc_npy_header(dim, NPY_RANK_MAX, header) == NPY_HEADER_MAX && header[NPY_HEADER_MAX - 1] == '\n');
    void *out;
    size_t size;
    CHECK_STATUS(ctx, aenc_npy_write(ctx, dim, 2, NULL, &out, &size), AENC_ERR_SHAPE);
    CHECK_STATUS(ctx, aenc_npy_write(ctx, dim, 9, NULL, &out, &size), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_npy_write(ctx, dim, -1, NULL, &out, &size), AENC_ERR_ARGUMENT);
    CHECK(out == NULL);
}

static aenc_status scenario(aenc_context *ctx) {
    static const float values[6];
    struct npy array;
    float got[6];
    void *out;
    size_t size;
    aenc_status status = aenc_npy_write(ctx, (uint64_t[]){2, 3}, 2, values, &out, &size);
    if (status == AENC_OK) status = aenc_npy_read(ctx, out, size, "x.npy", &array);
    if (status == AENC_OK) status = aenc_npy_floats(ctx, &array, 0, 2, got);
    aenc_release(ctx, out);
    return status;
}

int main(void) {
    struct faults faults;
    aenc_context *ctx = faults_context(&faults);
    check_types(ctx);
    check_refused_dicts(ctx);
    check_refused_types(ctx);
    check_refused_sizes(ctx);
    check_refused_starts(ctx);
    check_orders(ctx);
    check_ranks(ctx);
    check_empty(ctx);
    check_torn(ctx);
    check_written(ctx);
    aenc_context_free(ctx);
    CHECK(faults.blocks == 0);
    faults_exhaust(scenario);
    return check_finish();
}
