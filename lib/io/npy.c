/* npy.c - the header's dict by a grammar of its own (no Python is evaluated), the elements by place and kind.
 *
 *   header = "{" member *( "," member ) [","] "}" blanks
 *   member = text ":" ( text / "True" / "False" / tuple )
 *   tuple  = "(" [ whole "," [ whole *( "," whole ) [","] ] ] ")"
 *
 * Blanks may stand between any two of these. Format: NumPy enhancement proposal 1 and its versions 2.0 and 3.0.
 */
#include "io/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

struct parser {
    aenc_context *ctx;
    const char *what;
    const char *text; /* the dict */
    size_t length;
    size_t at;
    size_t offset; /* of text in the file */
    bool has_descr, has_order, has_shape;
    struct npy *array;
};

static aenc_status fail_at(const struct parser *parser, size_t at, const char *problem) {
    return aenc_fail(parser->ctx, AENC_ERR_FORMAT, "%s, byte %zu: %s", parser->what, parser->offset + at, problem);
}

/* ---- Tokens ---- */

static void skip_blanks(struct parser *parser) {
    while (parser->at < parser->length && (parser->text[parser->at] == ' ' || parser->text[parser->at] == '\n'))
        parser->at++;
}

/* The next token, blanks in front skipped, if it is this one. */
static bool accept(struct parser *parser, const char *token) {
    size_t length = strlen(token);
    skip_blanks(parser);
    if (parser->length - parser->at < length || memcmp(parser->text + parser->at, token, length) != 0) return false;
    parser->at += length;
    return true;
}

/* A text in either quotes, without escapes; 31 bytes are more than any that is known. */
static aenc_status read_text(struct parser *parser, char text[32]) {
    skip_blanks(parser);
    const size_t start = parser->at;
    if (start == parser->length || (parser->text[start] != '\'' && parser->text[start] != '"'))
        return fail_at(parser, start, "expected a text in quotes");
    const char *end = memchr(parser->text + start + 1, parser->text[start], parser->length - start - 1);
    size_t length = end != NULL ? (size_t)(end - (parser->text + start + 1)) : 32;
    if (length > 31) return fail_at(parser, start, "a text without an end, or one too long");
    memcpy(text, parser->text + start + 1, length);
    text[length] = '\0';
    if (memchr(text, '\0', length) != NULL || memchr(text, '\\', length) != NULL)
        return fail_at(parser, start, "a text with an escape or NUL");
    parser->at = start + length + 2;
    return AENC_OK;
}

static aenc_status read_whole(struct parser *parser, uint64_t *out) {
    skip_blanks(parser);
    const size_t start = parser->at;
    uint64_t value = 0;
    for (; parser->at < parser->length; parser->at++) {
        char c = parser->text[parser->at];
        if (c < '0' || c > '9') break;
        uint64_t digit = (uint64_t)(c - '0');
        if (value > (INT64_MAX - digit) / 10) return fail_at(parser, start, "a dimension that overflows");
        value = value * 10 + digit;
    }
    size_t digits = parser->at - start;
    if (digits == 0) return fail_at(parser, start, "expected a dimension, a whole number");
    if (digits > 1 && parser->text[start] == '0') return fail_at(parser, start, "a dimension with a leading zero");
    *out = value;
    return AENC_OK;
}

/* ---- Values ---- */

/* "<f4": byte order, kind, bytes. */
static aenc_status read_descr(struct parser *parser) {
    static const char *const known[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
    struct npy *array = parser->array;
    char descr[32];
    if (parser->at < parser->length && parser->text[parser->at] == '[')
        return aenc_fail(parser->ctx, AENC_ERR_UNSUPPORTED, "%s: structured elements are not read", parser->what);
    aenc_status status = read_text(parser, descr);
    if (status != AENC_OK) return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (descr[0] == '\0' || strcmp(descr + 1, known[i]) != 0) continue;
        array->kind = descr[1];
        array->item = descr[2] - '0';
        array->big_endian = descr[0] == '>';
        if (array->big_endian || descr[0] == '<' || (descr[0] == '|' && array->item == 1)) return AENC_OK;
    }
    return aenc_fail(parser->ctx, AENC_ERR_UNSUPPORTED,
                     "%s: elements of type '%s' are not read; known: '<' or '>' and f2 to f8, i1 to i8, u1 to u8, b1",
                     parser->what, aenc_quoted(descr).text);
}

static aenc_status read_order(struct parser *parser) {
    parser->array->fortran_order = accept(parser, "True");
    if (parser->array->fortran_order || accept(parser, "False")) return AENC_OK;
    return fail_at(parser, parser->at, "expected True or False");
}

static aenc_status read_shape(struct parser *parser) {
    struct npy *array = parser->array;
    if (!accept(parser, "(")) return fail_at(parser, parser->at, "expected the shape, a tuple");
    while (!accept(parser, ")")) {
        if (array->rank == NPY_RANK_MAX) return fail_at(parser, parser->at, "more than 8 dimensions");
        aenc_status status = read_whole(parser, &array->dim[array->rank]);
        if (status != AENC_OK) return status;
        array->rank++;
        if (accept(parser, ",")) continue;
        /* (5) is a number in Python, (5,) the tuple */
        if (array->rank == 1 || !accept(parser, ")"))
            return fail_at(parser, parser->at, "expected ',' or ')' in the shape");
        break;
    }
    return AENC_OK;
}

static aenc_status read_member(struct parser *parser) {
    char key[32];
    size_t start = parser->at;
    aenc_status status = read_text(parser, key);
    if (status != AENC_OK) return status;
    bool is_descr = strcmp(key, "descr") == 0, is_order = strcmp(key, "fortran_order") == 0;
    bool is_shape = strcmp(key, "shape") == 0;
    if (!is_descr && !is_order && !is_shape)
        return fail_at(parser, start, "a key that is none of 'descr', 'fortran_order', 'shape'");
    if ((is_descr && parser->has_descr) || (is_order && parser->has_order) || (is_shape && parser->has_shape))
        return fail_at(parser, start, "a key that is there twice");
    if (!accept(parser, ":")) return fail_at(parser, parser->at, "expected ':'");
    skip_blanks(parser);
    parser->has_descr |= is_descr;
    parser->has_order |= is_order;
    parser->has_shape |= is_shape;
    return is_descr ? read_descr(parser) : is_order ? read_order(parser) : read_shape(parser);
}

static aenc_status read_dict(struct parser *parser) {
    if (!accept(parser, "{")) return fail_at(parser, parser->at, "expected '{'");
    while (!accept(parser, "}")) {
        aenc_status status = read_member(parser);
        if (status != AENC_OK) return status;
        if (accept(parser, ",")) continue;
        if (!accept(parser, "}")) return fail_at(parser, parser->at, "expected ',' or '}'");
        break;
    }
    skip_blanks(parser);
    if (parser->at < parser->length) return fail_at(parser, parser->at, "expected nothing but blanks behind '}'");
    if (parser->has_descr && parser->has_order && parser->has_shape) return AENC_OK;
    return fail_at(parser, 0, "one of 'descr', 'fortran_order' and 'shape' is missing");
}

/* ---- The file ---- */

static aenc_status check_size(const struct parser *parser, uint64_t left) {
    struct npy *array = parser->array;
    uint64_t needed;
    if (!aenc_shape_extent(array->dim, array->rank, (uint64_t)array->item, &array->count, &needed))
        return aenc_fail(parser->ctx, AENC_ERR_FORMAT, "%s: the product of the shape overflows", parser->what);
    if (needed != left)
        return aenc_fail(parser->ctx, AENC_ERR_FORMAT, "%s: %llu bytes of elements; shape and type need %llu",
                         parser->what, (unsigned long long)left, (unsigned long long)needed);
    array->rows = array->rank > 0 ? array->dim[0] : 1;
    array->row_size = 1;
    for (int axis = 1; axis < array->rank; axis++) array->row_size *= array->dim[axis];
    return AENC_OK;
}

static aenc_status read_header(struct parser *parser, const unsigned char *bytes, size_t size) {
    if (size < 10 || memcmp(bytes, magic, sizeof magic) != 0)
        return aenc_fail(parser->ctx, AENC_ERR_FORMAT, "%s does not begin as a .npy file does", parser->what);
    const unsigned major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return aenc_fail(parser->ctx, AENC_ERR_UNSUPPORTED, "%s: format version %u.%u; known: 1.0, 2.0, 3.0",
                         parser->what, major, minor);
    parser->offset = major == 1 ? 10 : 12;
    if (size < parser->offset) return fail_at(parser, 0, "the file ends inside its header");
    parser->length = major == 1 ? aenc_bytes_u16(bytes + 8) : aenc_bytes_u32(bytes + 8);
    if (parser->length > NPY_HEADER_READ_MAX || parser->length > size - parser->offset)
        return aenc_fail(parser->ctx, AENC_ERR_FORMAT, "%s: a header of %zu bytes in a file of %zu (at most %d)",
                         parser->what, parser->length, size, NPY_HEADER_READ_MAX);
    parser->text = (const char *)bytes + parser->offset;
    aenc_status status = read_dict(parser);
    if (status != AENC_OK) return status;
    parser->array->bytes = bytes + parser->offset + parser->length;
    return check_size(parser, size - parser->offset - parser->length);
}

aenc_status aenc_npy_read(aenc_context *ctx, const void *bytes, size_t size, const char *what, struct npy *out) {
    struct parser parser = {.ctx = ctx, .what = what, .array = out};
    memset(out, 0, sizeof *out);
    aenc_status status = read_header(&parser, bytes, size);
    if (status != AENC_OK) memset(out, 0, sizeof *out);
    return status;
}

/* ---- Elements ---- */

static float element(const struct npy *array, const unsigned char *bytes) {
    unsigned char little[8] = {0};
    for (int i = 0; i < array->item; i++) little[i] = bytes[array->big_endian ? array->item - 1 - i : i];
    uint64_t bits = aenc_bytes_u64(little);
    if (array->kind == 'b') return bits != 0 ? 1.0f : 0.0f;
    if (array->kind == 'u') return (float)bits;
    if (array->kind == 'i') {
        int unused = 64 - 8 * array->item; /* sign and magnitude: shifts of negative numbers are not portable */
        uint64_t top = bits << unused;
        bool negative = top >> 63 != 0;
        uint64_t magnitude = (negative ? 0 - top : top) >> unused;
        return negative ? -(float)magnitude : (float)magnitude;
    }
    if (array->item == 2) return aenc_float_from_half((uint16_t)bits);
    return array->item == 4 ? aenc_bytes_f32(little) : (float)aenc_bytes_f64(little);
}

/* Steps, in elements, from one index to the next along every axis. */
static void find_steps(const struct npy *array, uint64_t step[NPY_RANK_MAX]) {
    uint64_t next = 1;
    for (int i = 0; i < array->rank; i++) {
        int axis = array->fortran_order ? i : array->rank - 1 - i;
        step[axis] = next;
        next *= array->dim[axis];
    }
}

/* One row whose axes are not in row-major order: index counts through it like an odometer, last axis fastest. */
static void gather_row(const struct npy *array, const uint64_t step[NPY_RANK_MAX], uint64_t row, float *out) {
    uint64_t index[NPY_RANK_MAX] = {0};
    uint64_t place = row * step[0];
    for (uint64_t i = 0; i < array->row_size; i++) {
        out[i] = element(array, array->bytes + place * (uint64_t)array->item);
        for (int axis = array->rank - 1; axis > 0; axis--) {
            place += step[axis];
            if (++index[axis] < array->dim[axis]) break;
            place -= step[axis] * array->dim[axis];
            index[axis] = 0;
        }
    }
}

aenc_status aenc_npy_floats(aenc_context *ctx, const struct npy *array, uint64_t first, uint64_t rows, float *out) {
    if (first > array->rows || rows > array->rows - first)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%llu rows from array%s on, which has %llu rows",
                         (unsigned long long)rows, aenc_at((size_t)first).text, (unsigned long long)array->rows);
    if (array->count == 0) return AENC_OK;
    if (array->fortran_order && array->rank > 1) {
        uint64_t step[NPY_RANK_MAX] = {0};
        find_steps(array, step);
        for (uint64_t row = 0; row < rows; row++) gather_row(array, step, first + row, out + row * array->row_size);
        return AENC_OK;
    }
    const size_t count = (size_t)(rows * array->row_size);
    const unsigned char *bytes = array->bytes + first * array->row_size * (uint64_t)array->item;
    if (array->kind == 'f' && array->item == 4 && !array->big_endian) {
        aenc_bytes_copy_little(out, bytes, count, 4);
        return AENC_OK;
    }
    for (size_t i = 0; i < count; i++) out[i] = element(array, bytes + i * (size_t)array->item);
    return AENC_OK;
}

/* ---- Writing ---- */

size_t aenc_npy_header(const uint64_t *dim, int rank, unsigned char out[NPY_HEADER_MAX]) {
    char text[NPY_HEADER_MAX];
    size_t used = (size_t)snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int axis = 0; axis < rank; axis++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64, axis > 0 ? ", " : "", dim[axis]);
    used += (size_t)snprintf(text + used, sizeof text - used, "%s), }", rank == 1 ? "," : "");
    size_t whole = (sizeof magic + 4 + used + 1 + 63) / 64 * 64; /* version, length and the newline counted in */
    memcpy(out, magic, sizeof magic);
    out[6] = 1;
    out[7] = 0;
    out[8] = (unsigned char)((whole - 10) & 255);
    out[9] = (unsigned char)((whole - 10) >> 8);
    memcpy(out + 10, text, used);
    memset(out + 10 + used, ' ', whole - 10 - used);
    out[whole - 1] = '\n';
    return whole;
}

aenc_status aenc_npy_write(aenc_context *ctx, const uint64_t *dim, int rank, const float *values, void **out,
                           size_t *size) {
    unsigned char header[NPY_HEADER_MAX];
    uint64_t count, bytes;
    *out = NULL;
    if (rank < 0 || rank > NPY_RANK_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "an array of rank %d; at most %d", rank, NPY_RANK_MAX);
    if (!aenc_shape_extent(dim, rank, 4, &count, &bytes) || bytes > SIZE_MAX - NPY_HEADER_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "the product of an array's shape overflows");
    size_t length = aenc_npy_header(dim, rank, header);
    unsigned char *file = aenc_alloc_raw(ctx, length + (size_t)bytes, 1);
    if (file == NULL) return AENC_ERR_NO_MEMORY;
    memcpy(file, header, length);
    aenc_bytes_copy_little(file + length, values, (size_t)count, 4);
    *out = file;
    *size = length + (size_t)bytes;
    return AENC_OK;
}
