/* safetensors_test.c - files as the reference writer makes them, files torn and files made to deceive. */
#include <stdint.h>
#include <string.h>

#include "faults.h"
#include "io/bytes.h"
#include "io/written.h"

/* Length, header and data_size bytes 0, 1, 2, ...: a block of its own size, so that the sanitizer sees reads beyond. */
static unsigned char *file_make(const char *header, size_t data_size, size_t *size) {
    size_t length = strlen(header);
    *size = 8 + length + data_size;
    unsigned char *bytes = malloc(*size);
    aenc_bytes_put_u64(bytes, length);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++) bytes[8 + length + i] = (unsigned char)i;
    return bytes;
}

/* What every file that was accepted must be: covered from the first byte to the last, names and texts proper. */
static void check_consistent(const struct safetensors *file, const unsigned char *bytes, size_t size) {
    const unsigned char *at = bytes + 8 + aenc_bytes_u64(bytes);
    unsigned sum = 0;
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct tensor_entry *entry = &file->tensor[i];
        uint64_t count = 1;
        CHECK(entry->bytes == at && entry->rank >= 0 && entry->rank <= TENSOR_RANK_MAX);
        for (int axis = 0; axis < entry->rank; axis++) count *= entry->dim[axis];
        CHECK(count == entry->count && count * aenc_tensor_type_size(entry->type) == entry->size);
        CHECK(aenc_utf8_valid(entry->name, strlen(entry->name)));
        CHECK(aenc_safetensors_find(file, entry->name) == entry);
        for (uint64_t k = 0; k < entry->size; k++) sum += entry->bytes[k];
        at += entry->size;
    }
    CHECK(at == bytes + size && sum < UINT32_MAX);
    if (file->metadata == NULL) return;
    for (const struct json *text = file->metadata->first; text != NULL; text = text->next)
        CHECK(aenc_safetensors_metadata(file, text->key) == text->text && text->text != NULL);
}

/* problem NULL: accepted; otherwise refused with a message that contains it. */
static void check_header(const char *header, size_t data_size, const char *problem) {
    struct faults faults;
    struct safetensors file;
    size_t size;
    aenc_context *ctx = faults_context(&faults);
    unsigned char *bytes = file_make(header, data_size, &size);
    const long blocks = faults.blocks;
    aenc_status status = aenc_safetensors_read(ctx, bytes, size, "x.safetensors", &file);
    CHECK_STATUS(ctx, status, problem == NULL ? AENC_OK : AENC_ERR_FORMAT);
    if (status == AENC_OK) {
        check_consistent(&file, bytes, size);
        aenc_safetensors_free(&file);
    } else if (!CHECK(problem != NULL && strstr(aenc_message(ctx), problem) != NULL)) {
        fprintf(stderr, "  %s\n  %s\n", header, aenc_message(ctx));
    }
    CHECK(strstr(aenc_message(ctx), "x.safetensors") != NULL || status == AENC_OK);
    CHECK(faults.blocks == blocks);
    free(bytes);
    aenc_context_free(ctx);
}

/* A member of a header. */
#define T(name, type, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void check_accepted(void) {
    check_header("{}", 0, NULL);
    check_header("{}     ", 0, NULL);
    check_header("{\"__metadata__\":{}}", 0, NULL);
    check_header("{\"__metadata__\":{\"a\":\"b\"}," T("a", "F32", "[2,3]", "[0,24]") "}", 24, NULL);
    check_header("{" T("scalar", "F64", "[]", "[0,8]") "}", 8, NULL);
    check_header("{" T("", "U8", "[1]", "[0,1]") "}", 1, NULL);
    check_header("{" T("b", "I8", "[3]", "[1,4]") "," T("a", "BOOL", "[1]", "[0,1]") "}", 4, NULL);
    check_header("{" T("a", "F32", "[0]", "[0,0]") "," T("b", "F32", "[5,0,7]", "[0,0]") "}", 0, NULL);
    check_header("{" T("z", "U8", "[4]", "[0,4]") "," T("a", "U8", "[0]", "[4,4]") "," T("b", "U8", "[0]", "[0,0]") "}",
                 4, NULL);
    check_header("{" T("a", "U8", "[1]", "[0,1]") "," T("z", "U8", "[0]", "[0,0]") "}", 1, NULL);
    check_header("{" T("a", "U16", "[1,1,1,1,1,1,1,1]", "[0,2]") "}", 2, NULL);
    check_header("{\"a\":{\"data_offsets\":[0,2],\"shape\":[1],\"dtype\":\"BF16\"}}", 2, NULL);
    check_header("{" T("__metadata", "U8", "[1]", "[0,1]") "}", 1, NULL);
}

static void check_refused_headers(void) {
    check_header("", 0, "does not begin with '{'");
    check_header("[]", 0, "does not begin with '{'");
    check_header(" {}", 0, "does not begin with '{'");
    check_header("{", 0, "the header of x.safetensors, byte 1: expected a key");
    check_header("{}x", 0, "byte 2: expected nothing behind the value");
    check_header("{}", 1, "the tensors end at byte 0 of a buffer of 1 bytes");
    check_header("{\"a\":1}", 0, "tensor 'a': not an object of exactly");
    check_header("{\"a\":{}}", 0, "not an object of exactly");
    check_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "not an object of exactly");
    check_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":0}}", 1,
                 "not an object of exactly");
    check_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"offsets\":[0,1]}}", 1, "not an object of exactly");
    check_header("{\"__metadata__\":[]}", 0, "'__metadata__' is not an object");
    check_header("{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a' is not a text");
    check_header("{\"__metadata__\":{\"a\":{}}}", 0, "metadata 'a' is not a text");
    check_header("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "has the key 'a' twice");
    check_header("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "has the key '__metadata__' twice");
    check_header("{" T("a", "U8", "[1]", "[0,1]") "," T("a", "U8", "[1]", "[1,2]") "}", 2, "has the key 'a' twice");
    check_header("{" T("a", "U8", "[1]", "[0,1]") "," T("\\u0061", "U8", "[1]", "[1,2]") "}", 2,
                 "has the key 'a' twice");
    check_header("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
                 "'dtype' twice");
    check_header("{" T("a\\u0000b", "U8", "[1]", "[0,1]") "}", 1, "NUL");
    check_header("{" T("a\xFF", "U8", "[1]", "[0,1]") "}", 1, "not UTF-8");
}

static void check_refused_shapes(void) {
    check_header("{" T("a", "F33", "[1]", "[0,4]") "}", 4, "tensor 'a': unknown type 'F33'");
    check_header("{" T("a", "f32", "[1]", "[0,4]") "}", 4, "unknown type 'f32'");
    check_header("{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "'dtype' is not a text");
    check_header("{" T("a", "U8", "1", "[0,1]") "}", 1, "'shape' is not an array");
    check_header("{" T("a", "U8", "[-1]", "[0,1]") "}", 1, "dimension 0 is not a whole number");
    check_header("{" T("a", "U8", "[1,1.5]", "[0,1]") "}", 1, "dimension 1 is not a whole number");
    check_header("{" T("a", "U8", "[\"1\"]", "[0,1]") "}", 1, "dimension 0 is not a whole number");
    check_header("{" T("a", "U8", "[[1]]", "[0,1]") "}", 1, "dimension 0 is not a whole number");
    check_header("{" T("a", "U8", "[9007199254740992]", "[0,1]") "}", 1, "dimension 0 is not a whole number");
    check_header("{" T("a", "U8", "[9007199254740993]", "[0,1]") "}", 1, "dimension 0 is not a whole number");
    check_header("{" T("a", "U8", "[18446744073709551617]", "[0,1]") "}", 1, "dimension 0 is not a whole number");
    /* Python's json reads these as floats and the safetensors library refuses them: so does this reader. */
    check_header("{" T("a", "F32", "[8.0]", "[0,32]") "}", 32, "dimension 0 is not a whole number");
    check_header("{" T("a", "F32", "[8e0]", "[0,32]") "}", 32, "dimension 0 is not a whole number");
    check_header("{" T("a", "F32", "[-0]", "[0,0]") "}", 0, "dimension 0 is not a whole number");
    check_header("{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "9 dimensions; at most 8");
    check_header("{" T("a", "U8", "[4294967296,4294967296]", "[0,0]") "}", 0, "the product of 'shape' overflows");
    check_header("{" T("a", "U8", "[4294967296,4294967296,0]", "[0,0]") "}", 0, "the product of 'shape' overflows");
    check_header("{" T("a", "U8", "[0,4294967296,4294967296]", "[0,0]") "}", 0, "the product of 'shape' overflows");
    check_header("{" T("a", "F64", "[2147483648,1073741824]", "[0,0]") "}", 0, "the product of 'shape' overflows");
    check_header("{" T("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4, "dimension 0 is not a whole number");
    check_header("{" T("a", "F32", "[2147483649,2147483648]", "[0,4]") "}", 4, "the product of 'shape' overflows");
}

static void check_refused_offsets(void) {
    static const char range[] = "are not a range in a buffer of", pair[] = "is not an array of two whole numbers";
    check_header("{" T("a", "U8", "[1]", "0") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[]") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[0]") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[0,1,2]") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[-1,0]") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[0,1.5]") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[0,\"1\"]") "}", 1, pair);
    check_header("{" T("a", "U8", "[1]", "[18446744073709551615,0]") "}", 1, pair);
    check_header("{" T("a", "F32", "[8]", "[0,32.0]") "}", 32, pair);
    check_header("{" T("a", "U8", "[2]", "[0,2]") "}", 1, range);
    check_header("{" T("a", "U8", "[0]", "[2,2]") "}", 1, range);
    check_header("{" T("a", "U8", "[1]", "[1,0]") "}", 1, range);
    check_header("{" T("a", "U8", "[1]", "[9007199254740990,9007199254740991]") "}", 1, range);
    check_header("{" T("a", "F32", "[2]", "[0,4]") "}", 8, "data_offsets hold 4 bytes, shape and type need 8");
    check_header("{" T("a", "F32", "[1]", "[0,8]") "}", 8, "data_offsets hold 8 bytes, shape and type need 4");
    check_header("{" T("a", "F32", "[0]", "[0,8]") "}", 8, "data_offsets hold 8 bytes, shape and type need 0");
    /* overlap, whole and part; holes in front, between, behind */
    check_header("{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[4]", "[0,4]") "}", 4,
                 "tensor 'b' begins at byte 0 of the buffer, inside the one that ends at byte 4");
    check_header("{" T("a", "U8", "[3]", "[0,3]") "," T("b", "U8", "[2]", "[2,4]") "}", 4,
                 "inside the one that ends at byte 3");
    check_header("{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[0]", "[2,2]") "}", 4,
                 "inside the one that ends at byte 4");
    check_header("{" T("a", "U8", "[3]", "[1,4]") "}", 4,
                 "tensor 'a' begins at byte 1 of the buffer, behind a hole from byte 0");
    check_header("{" T("a", "U8", "[1]", "[0,1]") "," T("b", "U8", "[2]", "[2,4]") "}", 4, "behind a hole from byte 1");
    check_header("{" T("a", "U8", "[3]", "[0,3]") "}", 4, "the tensors end at byte 3 of a buffer of 4 bytes");
}

static void check_lengths(void) {
    static const uint64_t lengths[] = {3, 9, 100000000, 100000001, UINT32_MAX, INT64_MAX, UINT64_MAX / 2 + 1,
                                       UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX};
    struct faults faults;
    struct safetensors file;
    aenc_context *ctx = faults_context(&faults);
    const size_t before = faults.bytes;
    faults.peak = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char *bytes = malloc(10);
        aenc_bytes_put_u64(bytes, lengths[i]);
        memcpy(bytes + 8, "{}", 2);
        CHECK_STATUS(ctx, aenc_safetensors_read(ctx, bytes, 10, "x", &file), AENC_ERR_FORMAT);
        CHECK(strstr(aenc_message(ctx), "x: a header of ") == aenc_message(ctx));
        free(bytes);
    }
    CHECK(faults.bytes == before && faults.peak == 0); /* a length alone makes nobody allocate */
    aenc_context_free(ctx);
}

/* A header over the limit inside a file that is large enough for it. */
static void check_oversize(void) {
    struct faults faults;
    struct safetensors file;
    aenc_context *ctx = faults_context(&faults);
    const size_t length = SAFETENSORS_HEADER_MAX + 1;
    unsigned char *bytes = calloc(length + 8, 1);
    aenc_bytes_put_u64(bytes, length);
    CHECK_STATUS(ctx, aenc_safetensors_read(ctx, bytes, length + 8, "x", &file), AENC_ERR_FORMAT);
    CHECK(strstr(aenc_message(ctx), "a header of 100000001 bytes") != NULL);
    free(bytes);
    aenc_context_free(ctx);
}

/* ---- Torn and flipped ---- */

static void read_exactly(aenc_context *ctx, const unsigned char *bytes, size_t size, bool must_fail) {
    struct safetensors file;
    unsigned char *exact = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(exact, bytes, size);
    aenc_status status = aenc_safetensors_read(ctx, exact, size, "x", &file);
    if (must_fail) CHECK_STATUS(ctx, status, AENC_ERR_FORMAT);
    else if (status != AENC_OK) CHECK_STATUS(ctx, status, AENC_ERR_FORMAT);
    CHECK(aenc_utf8_valid(aenc_message(ctx), strlen(aenc_message(ctx))));
    if (status == AENC_OK) {
        check_consistent(&file, exact, size);
        aenc_safetensors_free(&file);
    }
    free(exact);
}

static void check_torn(void) {
    struct faults faults;
    size_t size;
    aenc_context *ctx = faults_context(&faults);
    const long blocks = faults.blocks;
    static const char text[] = "{\"__metadata__\":{\"k\":\"v\"},"
                               T("w", "F32", "[2,3]", "[0,24]") ","
                               T("b", "F16", "[2]", "[24,28]") ","
                               T("e", "I64", "[0]", "[28,28]") "}  ";
    unsigned char *bytes = file_make(text, 28, &size);
    const size_t header = 8 + aenc_bytes_u64(bytes);
    for (size_t cut = 0; cut < size; cut++) read_exactly(ctx, bytes, cut, true);
    for (size_t bit = 0; bit < header * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        read_exactly(ctx, bytes, size, false);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t at = 0; at < header; at++) {
        unsigned char was = bytes[at];
        bytes[at] = (unsigned char)~was;
        read_exactly(ctx, bytes, size, false);
        bytes[at] = was;
    }
    CHECK(faults.blocks == blocks);
    free(bytes);
    aenc_context_free(ctx);
}

/* ---- Values ---- */

static void check_floats(aenc_context *ctx) {
    static const char header[] = "{"
                                 T("a", "F32", "[2]", "[0,8]") ","
                                 T("b", "F16", "[2]", "[8,12]") ","
                                 T("c", "BF16", "[2]", "[12,16]") ","
                                 T("d", "F64", "[1]", "[16,24]") ","
                                 T("e", "I32", "[1]", "[24,28]") "}";
    static const unsigned char data[28] = {0, 0,    0x80, 0x3F, 0, 0, 0, 0xC0, 0,    0x3C, 1, 0, 0x80, 0x3F,
                                           0, 0xC0, 0,    0,    0, 0, 0, 0,    0xD0, 0x3F, 7, 0, 0,    0};
    static const float want[4][2] = {{1, -2}, {1, 0x1p-24f}, {1, -2}, {0.25f, 0}};
    struct safetensors file;
    size_t size;
    unsigned char *bytes = file_make(header, sizeof data, &size);
    memcpy(bytes + size - sizeof data, data, sizeof data);
    CHECK_STATUS(ctx, aenc_safetensors_read(ctx, bytes, size, "x", &file), AENC_OK);
    CHECK(file.tensor_count == 5 && file.metadata == NULL && aenc_safetensors_metadata(&file, "k") == NULL);
    for (size_t i = 0; i < 4; i++) {
        float got[2] = {0, 0};
        const char name[] = {(char)('a' + i), '\0'};
        const struct tensor_entry *entry = aenc_safetensors_find(&file, name);
        size_t count = (size_t)entry->count;
        CHECK_STATUS(ctx, aenc_tensor_entry_floats(ctx, entry, got, count), AENC_OK);
        CHECK(got[0] == want[i][0] && got[1] == want[i][1]);
        CHECK_STATUS(ctx, aenc_tensor_entry_floats(ctx, entry, got, count + 1), AENC_ERR_SHAPE);
    }
    float one;
    CHECK_STATUS(ctx, aenc_tensor_entry_floats(ctx, aenc_safetensors_find(&file, "e"), &one, 1), AENC_ERR_UNSUPPORTED);
    CHECK(strstr(aenc_message(ctx), "tensor 'e' is I32") != NULL);
    CHECK(aenc_safetensors_find(&file, "f") == NULL);
    aenc_safetensors_free(&file);
    free(bytes);
}

/* ---- Writing ---- */

/* What safetensors 0.8.0 writes: safetensors.torch.save over one tensor [1] of each type, named a to m in the order
 * bool, uint8, int8, int16, uint16, float16, bfloat16, int32, uint32, float32, float64, int64, uint64, with
 * w = zeros(2, 3), '"e with acute' = zeros(0, 4) and metadata {k: text with escapes}. */
static const char reference_header[] =
    "{\"__metadata__\":{\"k\":\"a\\\"\\\\\\n\\u0001\x7f\xc3\xa9/\"},"
    T("m", "U64", "[1]", "[0,8]") ","
    T("l", "I64", "[1]", "[8,16]") ","
    T("k", "F64", "[1]", "[16,24]") ","
    T("\\\"\xc3\xa9", "F32", "[0,4]", "[24,24]") ","
    T("j", "F32", "[1]", "[24,28]") ","
    T("w", "F32", "[2,3]", "[28,52]") ","
    T("i", "U32", "[1]", "[52,56]") ","
    T("h", "I32", "[1]", "[56,60]") ","
    T("g", "BF16", "[1]", "[60,62]") ","
    T("f", "F16", "[1]", "[62,64]") ","
    T("e", "U16", "[1]", "[64,66]") ","
    T("d", "I16", "[1]", "[66,68]") ","
    T("c", "I8", "[1]", "[68,69]") ","
    T("b", "U8", "[1]", "[69,70]") ","
    T("a", "BOOL", "[1]", "[70,71]") "} ";
static const unsigned char reference_data[71] = {1, 0, 0, 0, 0,    0,    0,    0,    1,    0,    0, 0, 0, 0, 0, 0, 0, 0,
                                                 0, 0, 0, 0, 0xf0, 0x3f, 0,    0,    0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0,
                                                 0, 0, 0, 0, 0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 1, 0,
                                                 0, 0, 1, 0, 0,    0,    0x80, 0x3f, 0,    0x3c, 1, 0, 1, 0, 1, 1, 1};

static aenc_status write_reference(aenc_context *ctx, void **out, size_t *size) {
    static const uint8_t byte = 1;
    static const uint16_t half = 0x3C00, brain = 0x3F80, two = 1;
    static const uint32_t four = 1;
    static const uint64_t eight = 1;
    static const float single = 1, zeros[6];
    static const double twice = 1;
    const struct tensor_source tensors[] = {
        {"a", TENSOR_BOOL, 1, {1}, &byte},
        {"b", TENSOR_U8, 1, {1}, &byte},
        {"c", TENSOR_I8, 1, {1}, &byte},
        {"d", TENSOR_I16, 1, {1}, &two},
        {"e", TENSOR_U16, 1, {1}, &two},
        {"f", TENSOR_F16, 1, {1}, &half},
        {"g", TENSOR_BF16, 1, {1}, &brain},
        {"h", TENSOR_I32, 1, {1}, &four},
        {"i", TENSOR_U32, 1, {1}, &four},
        {"j", TENSOR_F32, 1, {1}, &single},
        {"k", TENSOR_F64, 1, {1}, &twice},
        {"l", TENSOR_I64, 1, {1}, &eight},
        {"m", TENSOR_U64, 1, {1}, &eight},
        {"w", TENSOR_F32, 2, {2, 3}, zeros},
        {"\"\xc3\xa9", TENSOR_F32, 2, {0, 4}, NULL},
    };
    const struct metadata_entry metadata = {"k", "a\"\\\n\x01\x7f\xc3\xa9/"};
    return written_tensors(ctx, tensors, sizeof tensors / sizeof *tensors, &metadata, 1, out, size);
}

static void check_written(aenc_context *ctx) {
    const size_t length = sizeof reference_header - 1;
    void *out;
    size_t size;
    CHECK_STATUS(ctx, write_reference(ctx, &out, &size), AENC_OK);
    const unsigned char *bytes = out;
    CHECK(size == 8 + length + sizeof reference_data && aenc_bytes_u64(bytes) == length);
    CHECK(memcmp(bytes + 8, reference_header, length) == 0);
    CHECK(memcmp(bytes + 8 + length, reference_data, sizeof reference_data) == 0);
    read_exactly(ctx, bytes, size, false);
    struct safetensors file;
    CHECK_STATUS(ctx, aenc_safetensors_read(ctx, out, size, "x", &file), AENC_OK);
    CHECK(file.tensor_count == 15 && strcmp(aenc_safetensors_metadata(&file, "k"), "a\"\\\n\x01\x7f\xc3\xa9/") == 0);
    CHECK(aenc_safetensors_metadata(&file, "K") == NULL);
    aenc_safetensors_free(&file);
    aenc_release(ctx, out);
    CHECK_STATUS(ctx, written_tensors(ctx, NULL, 0, NULL, 0, &out, &size), AENC_OK);
    CHECK(size == 16 && memcmp((unsigned char *)out + 8, "{}      ", 8) == 0);
    aenc_release(ctx, out);
}

static void check_unwritable_one(aenc_context *ctx, struct tensor_source source, aenc_status want) {
    void *out;
    size_t size;
    CHECK_STATUS(ctx, written_tensors(ctx, &source, 1, NULL, 0, &out, &size), want);
    CHECK(out == NULL);
}

static void check_unwritable(aenc_context *ctx) {
    static const float values[2] = {1, 2};
    const uint64_t large = UINT64_C(1) << 32;
    void *out;
    size_t size;
    check_unwritable_one(ctx, (struct tensor_source){"__metadata__", TENSOR_F32, 1, {1}, values}, AENC_ERR_ARGUMENT);
    check_unwritable_one(ctx, (struct tensor_source){"a", TENSOR_F32, 9, {1}, values}, AENC_ERR_ARGUMENT);
    check_unwritable_one(ctx, (struct tensor_source){"a", TENSOR_F32, -1, {1}, values}, AENC_ERR_ARGUMENT);
    check_unwritable_one(ctx, (struct tensor_source){"\xFF", TENSOR_F32, 1, {1}, values}, AENC_ERR_ARGUMENT);
    check_unwritable_one(ctx, (struct tensor_source){"a", TENSOR_F32, 2, {large, large}, values}, AENC_ERR_SHAPE);
    check_unwritable_one(ctx, (struct tensor_source){"a", TENSOR_F32, 3, {0, large, large}, values}, AENC_ERR_SHAPE);
    check_unwritable_one(ctx, (struct tensor_source){"a", TENSOR_U8, 1, {UINT64_C(1) << 53}, values}, AENC_ERR_SHAPE);
    check_unwritable_one(ctx, (struct tensor_source){"a", TENSOR_U8, 2, {UINT64_C(1) << 53, 0}, values},
                         AENC_ERR_SHAPE);
    const struct tensor_source twice[] = {{"a", TENSOR_F32, 1, {1}, values}, {"a", TENSOR_U8, 1, {1}, values}};
    CHECK_STATUS(ctx, written_tensors(ctx, twice, 2, NULL, 0, &out, &size), AENC_ERR_ARGUMENT);
    CHECK(out == NULL && strstr(aenc_message(ctx), "'a'") != NULL);
    const struct metadata_entry metadata[] = {{"k", "1"}, {"k", "2"}};
    CHECK_STATUS(ctx, written_tensors(ctx, twice, 1, metadata, 2, &out, &size), AENC_ERR_ARGUMENT);
    CHECK(out == NULL && strstr(aenc_message(ctx), "'k'") != NULL);
}

/* All values together are less than 2^53 bytes, the first number that a header cannot tell from the next. They are not looked at
 * before they are written. */
static void check_largest(aenc_context *ctx) {
    static const float values[1] = {1};
    const uint64_t half = UINT64_C(1) << 52;
    if (SIZE_MAX < 2 * half) return; /* there the file is more than memory */
    for (uint64_t more = 0; more < 2; more++) {
        const struct tensor_source one = {"a", TENSOR_F32, 2, {half / 4 * (1 + more), 2 - more}, values};
        const struct tensor_source two[] = {{"a", TENSOR_U8, 1, {half}, values}, {"b", TENSOR_U8, 1, {half - 1 + more}, values}};
        struct safetensors_draft draft;
        CHECK_STATUS(ctx, aenc_safetensors_draft(ctx, &one, 1, NULL, 0, &draft), AENC_ERR_SHAPE);
        CHECK(strstr(aenc_message(ctx), "up to 'a' are more than a file can hold") != NULL);
        aenc_status status = aenc_safetensors_draft(ctx, two, 2, NULL, 0, &draft);
        CHECK_STATUS(ctx, status, more == 0 ? AENC_OK : AENC_ERR_SHAPE);
        if (more == 1) CHECK(strstr(aenc_message(ctx), "up to 'b' are more than a file can hold") != NULL);
        if (status == AENC_OK) CHECK(draft.size == draft.header_size + 2 * half - 1);
        if (status == AENC_OK) aenc_safetensors_draft_free(&draft);
    }
}

static aenc_status scenario(aenc_context *ctx) {
    struct safetensors file;
    void *out;
    size_t size;
    aenc_status status = write_reference(ctx, &out, &size);
    CHECK((status == AENC_OK) == (out != NULL));
    if (status != AENC_OK) return status;
    status = aenc_safetensors_read(ctx, out, size, "x", &file);
    if (status == AENC_OK) aenc_safetensors_free(&file);
    aenc_release(ctx, out);
    return status;
}

int main(void) {
    check_accepted();
    check_refused_headers();
    check_refused_shapes();
    check_refused_offsets();
    check_lengths();
    check_oversize();
    check_torn();
    struct faults faults;
    aenc_context *ctx = faults_context(&faults);
    check_floats(ctx);
    check_written(ctx);
    check_unwritable(ctx);
    check_largest(ctx);
    aenc_context_free(ctx);
    CHECK(faults.blocks == 0);
    faults_exhaust(scenario);
    return check_finish();
}
