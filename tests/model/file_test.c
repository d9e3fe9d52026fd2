/* file_test.c - a model as a file: what is saved comes back, bit for bit; what is damaged or lies is refused with a
 * message, without asking for memory that the file does not account for. */
#include <stdio.h>
#include <unistd.h>

#include "api/memory.h"

enum { ROOM = 1 << 16, ROWS = 5, COLS = 6, CODE = 2 };

static const char small[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":3,\"activation\":\"tanh\"},"
    "{\"type\":\"batch_norm\"},{\"type\":\"dropout\",\"rate\":0.25},"
    "{\"type\":\"dense\",\"units\":2}]},\"output\":\"sigmoid\"}";

struct scene {
    struct memory memory;
    aenc_context *ctx;
    float data[ROWS * COLS];
    aenc_matrix x;
    unsigned char bytes[ROOM]; /* of a trained model of `small` */
    size_t size;
    float code[ROWS * CODE]; /* what that model makes of x */
};

static size_t saved(struct scene *s, aenc_model *model, unsigned char *bytes) {
    size_t size = 0;
    CHECK_STATUS(s->ctx, aenc_model_save_memory(model, bytes, ROOM, &size), AENC_OK);
    return size;
}

static void scene_create(struct scene *s) {
    aenc_model *model;
    memset(s, 0, sizeof *s);
    s->memory.limit = (size_t)64 << 20;
    s->ctx = memory_context(&s->memory, 21, 1);
    for (size_t i = 0; i < ROWS * COLS; i++) s->data[i] = (float)((i * 5) % 13) / 13.0f;
    s->x = (aenc_matrix){s->data, ROWS, COLS, 0};
    CHECK_STATUS(s->ctx, aenc_model_parse(s->ctx, small, strlen(small), &model), AENC_OK);
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2};
    CHECK_STATUS(s->ctx, aenc_fit(model, &s->x, &options), AENC_OK);
    s->size = saved(s, model, s->bytes);
    CHECK_STATUS(s->ctx, aenc_encode(model, &s->x, s->code, ROWS * CODE), AENC_OK);
    aenc_model_free(model);
}

/* ---- There and back ---- */

/* The model answers as the one that was saved, and is saved as the same bytes. Takes the model. */
static void check_whole(struct scene *s, aenc_model *model) {
    static unsigned char again[ROOM];
    float code[ROWS * CODE];
    CHECK_STATUS(s->ctx, aenc_encode(model, &s->x, code, ROWS * CODE), AENC_OK);
    CHECK(memcmp(code, s->code, sizeof code) == 0);
    CHECK(saved(s, model, again) == s->size && memcmp(again, s->bytes, s->size) == 0);
    aenc_model_free(model);
}

static void test_memory(struct scene *s) {
    aenc_model *model;
    CHECK_STATUS(s->ctx, aenc_model_load_memory(s->ctx, s->bytes, s->size, &model), AENC_OK);
    check_whole(s, model);
}

static void test_file(struct scene *s) {
    char path[64];
    aenc_model *model, *loaded;
    snprintf(path, sizeof path, "file_test.%ld.safetensors", (long)getpid());
    CHECK_STATUS(s->ctx, aenc_model_load_memory(s->ctx, s->bytes, s->size, &model), AENC_OK);
    for (int time = 0; time < 2; time++) { /* the second replaces the first */
        CHECK_STATUS(s->ctx, aenc_model_save(model, path), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_model_load(s->ctx, path, &loaded), AENC_OK);
        check_whole(s, loaded);
    }
    /* a failed save leaves the file */
    s->memory.calls = 0;
    s->memory.fail_at = 2;
    CHECK(aenc_model_save(model, path) == AENC_ERR_NO_MEMORY);
    s->memory.fail_at = 0;
    CHECK_STATUS(s->ctx, aenc_model_load(s->ctx, path, &loaded), AENC_OK);
    check_whole(s, loaded);
    aenc_model_free(model);
    CHECK(remove(path) == 0);
}

/* ---- Damage ---- */

/* Loads from a block of exactly that size. */
static aenc_status load_exact(struct scene *s, const unsigned char *bytes, size_t size, aenc_model **model) {
    unsigned char *block = malloc(size == 0 ? 1 : size);
    if (block == NULL) exit(2);
    memcpy(block, bytes, size);
    aenc_tensor *none;
    CHECK(aenc_tensor_create(s->ctx, 0, NULL, 0, &none) == AENC_ERR_ARGUMENT); /* another message than the last */
    aenc_status status = aenc_model_load_memory(s->ctx, block, size, model);
    free(block);
    CHECK((*model != NULL) == (status == AENC_OK));
    if (status != AENC_OK) CHECK(strstr(aenc_message(s->ctx), "aenc_tensor_create") == NULL);
    return status;
}

static void test_truncations(struct scene *s) {
    aenc_model *model;
    for (size_t size = 0; size < s->size; size++) {
        aenc_status status = load_exact(s, s->bytes, size, &model);
        CHECK_STATUS(s->ctx, status, AENC_ERR_FORMAT);
        aenc_model_free(model);
    }
    static unsigned char longer[ROOM];
    memcpy(longer, s->bytes, s->size);
    CHECK_STATUS(s->ctx, load_exact(s, longer, s->size + 1, &model), AENC_ERR_FORMAT);
}

/* One flipped bit is refused, or is a model that says so: it works, and what it is saved as is what was read. */
static void flip_check(struct scene *s, size_t byte, int bit, long *accepted) {
    static unsigned char again[ROOM];
    aenc_model *model;
    float code[ROWS * CODE];
    s->bytes[byte] ^= (unsigned char)(1 << bit);
    if (load_exact(s, s->bytes, s->size, &model) == AENC_OK) {
        ++*accepted;
        bool same = saved(s, model, again) == s->size && memcmp(again, s->bytes, s->size) == 0;
        if (!CHECK(same)) fprintf(stderr, "  bit %d of byte %zu: %s\n", bit, byte, aenc_model_description(model));
        CHECK(aenc_model_code_size(model) == CODE);
        CHECK_STATUS(s->ctx, aenc_encode(model, &s->x, code, ROWS * CODE), AENC_OK);
        aenc_model_free(model);
    }
    s->bytes[byte] ^= (unsigned char)(1 << bit);
}

static void test_flips(struct scene *s) {
    enum { DATA = 64 };
    size_t header = 8;
    long accepted = 0;
    for (int i = 0; i < 8; i++) header += (size_t)s->bytes[i] << (8 * i);
    CHECK(header > 8 && header + DATA < s->size);
    for (size_t byte = 0; byte < header; byte++)
        for (int bit = 0; bit < 8; bit++) flip_check(s, byte, bit, &accepted);
    CHECK(accepted < (long)header / 10); /* digits of the rate, mostly */
    for (size_t byte = header; byte < header + DATA; byte++)
        for (int bit = 0; bit < 8; bit++) flip_check(s, byte, bit, &accepted);
    CHECK(accepted > DATA * 7);
}

/* ---- Lies ---- */

#define F32(name, shape, from, to) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" #from "," #to "]}"
#define OF(description) "\"__metadata__\":{\"autoenc\":\"" description "\"}"
/* 6 to 2 and back, without biases: 96 bytes. */
#define TINY "{\\\"input\\\":[6],\\\"encoder\\\":{\\\"type\\\":\\\"dense\\\",\\\"units\\\":2,\\\"bias\\\":false}}"
#define UNITS(units) \
    "{\\\"input\\\":[6],\\\"encoder\\\":{\\\"type\\\":\\\"dense\\\",\\\"units\\\":" units ",\\\"bias\\\":false}}"
#define INPUT(dims) \
    "{\\\"input\\\":[" dims "],\\\"encoder\\\":{\\\"type\\\":\\\"dense\\\",\\\"units\\\":2,\\\"bias\\\":false}}"
#define RIGHT F32("encoder.weight", "2,6", 0, 48) "," F32("decoder.0.weight", "6,2", 48, 96)

static const struct {
    const char *header; /* without its braces */
    size_t data;        /* bytes of zeros behind it */
    aenc_status want;
    const char *word;
} lies[] = {
    {OF(TINY) "," RIGHT, 96, AENC_OK, ""},
    {RIGHT, 96, AENC_ERR_FORMAT, "autoenc"},
    {"\"__metadata__\":{\"other\":\"" TINY "\"}," RIGHT, 96, AENC_ERR_FORMAT, "autoenc"},
    {OF("{") "," RIGHT, 96, AENC_ERR_FORMAT, "description"},
    {OF("") "," RIGHT, 96, AENC_ERR_FORMAT, "description"},
    {OF("{\\\"format\\\":2}") "," RIGHT, 96, AENC_ERR_VERSION, "format"},
    /* tensors that are not the description's */
    {OF(TINY) "," F32("encoder.weight", "2,6", 0, 48), 48, AENC_ERR_FORMAT, "decoder.0.weight"},
    {OF(TINY), 0, AENC_ERR_FORMAT, "encoder.weight"},
    {OF(TINY) "," RIGHT "," F32("encoder.bias", "2", 96, 104), 104, AENC_ERR_FORMAT, "encoder.bias"},
    {OF(TINY) "," F32("encoder.weight", "6,2", 0, 48) "," F32("decoder.0.weight", "6,2", 48, 96), 96, AENC_ERR_FORMAT,
     "encoder.weight"},
    {OF(TINY) "," F32("encoder.weight", "12", 0, 48) "," F32("decoder.0.weight", "6,2", 48, 96), 96, AENC_ERR_FORMAT,
     "encoder.weight"},
    {OF(TINY) "," F32("encoder.weight", "2,6,1", 0, 48) "," F32("decoder.0.weight", "6,2", 48, 96), 96, AENC_ERR_FORMAT,
     "encoder.weight"},
    {OF(TINY) "," F32("encoder.weight", "", 0, 4) "," F32("decoder.0.weight", "6,2", 4, 52), 52, AENC_ERR_FORMAT,
     "encoder.weight"},
    {OF(TINY) ",\"encoder.weight\":{\"dtype\":\"I32\",\"shape\":[2,6],\"data_offsets\":[0,48]},"
     F32("decoder.0.weight", "6,2", 48, 96), 96, AENC_ERR_UNSUPPORTED, "I32"},
    /* sizes */
    {OF(UNITS("3")) "," RIGHT, 96, AENC_ERR_FORMAT, "encoder.weight"},
    {OF(UNITS("2147483647")) "," RIGHT, 96, AENC_ERR_FORMAT, "encoder.weight"},
    {OF(UNITS("1099511627776")) "," RIGHT, 96, AENC_ERR_ARGUMENT, "1099511627776"},
    {OF(UNITS("1e300")) "," RIGHT, 96, AENC_ERR_ARGUMENT, "units"},
    {OF(UNITS("-2")) "," RIGHT, 96, AENC_ERR_ARGUMENT, "-2"},
    {OF(INPUT("1099511627776")) "," RIGHT, 96, AENC_ERR_ARGUMENT, "1099511627776"},
    {OF(INPUT("65536,65536")) "," RIGHT, 96, AENC_ERR_ARGUMENT, "65536"},
    {OF(INPUT("2147483647")) "," RIGHT, 96, AENC_ERR_FORMAT, "encoder.weight"},
    {OF("{\\\"input\\\":[2147483647],\\\"encoder\\\":{\\\"type\\\":\\\"dense\\\",\\\"units\\\":2147483647}}") "," RIGHT,
     96, AENC_ERR_SHAPE, "weight"},
    {OF(TINY) "," F32("encoder.weight", "1099511627776,1099511627776", 0, 48) ","
     F32("decoder.0.weight", "6,2", 48, 96), 96, AENC_ERR_FORMAT, "encoder.weight"},
    {OF(TINY) "," F32("encoder.weight", "1099511627776", 0, 4398046511104) "," F32("decoder.0.weight", "6,2", 48, 96),
     96, AENC_ERR_FORMAT, "encoder.weight"},
    {OF(TINY) "," F32("encoder.weight", "2,6", 0, 48) "," F32("decoder.0.weight", "6,2", 0, 48), 48, AENC_ERR_FORMAT,
     "weight"},
    {OF(TINY) "," F32("encoder.weight", "2,6", 0, 48) "," F32("decoder.0.weight", "6,2", 52, 100), 100, AENC_ERR_FORMAT,
     "decoder.0.weight"},
    {OF(TINY) "," F32("encoder.weight", "2,6", 0, 48) "," F32("encoder.weight", "2,6", 48, 96), 96, AENC_ERR_FORMAT,
     "encoder.weight"},
};

/* Answers the file's size. */
static size_t file_of(const char *header, size_t data, unsigned char *bytes) {
    size_t length = strlen(header) + 2;
    memset(bytes, 0, ROOM);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    snprintf((char *)bytes + 8, ROOM - 8, "{%s}", header);
    memset(bytes + 8 + length, 0, data);
    return 8 + length + data;
}

/* A few kilobytes are all that a small file may ask for, whatever it says. */
static void test_lies(struct scene *s) {
    static unsigned char bytes[ROOM];
    s->memory.limit = s->memory.bytes + (1 << 18);
    s->memory.refused = 0;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        aenc_model *model;
        size_t size = file_of(lies[i].header, lies[i].data, bytes);
        aenc_status status = load_exact(s, bytes, size, &model);
        bool good = CHECK_STATUS(s->ctx, status, lies[i].want);
        if (status != AENC_OK) good = CHECK(strstr(aenc_message(s->ctx), lies[i].word) != NULL) && good;
        if (!good) fprintf(stderr, "  lie %zu: %s\n", i, aenc_message(s->ctx));
        aenc_model_free(model);
    }
    CHECK(s->memory.refused == 0);
    s->memory.limit = (size_t)64 << 20;
}

/* Numbers that are not finite are named with their place; half floats are read. */
static void test_values(struct scene *s) {
    static unsigned char bytes[ROOM];
    const uint32_t bad[] = {0x7fc00000, 0x7f800000, 0xff800000};
    aenc_model *model;
    for (int k = 0; k < 3; k++) {
        size_t size = file_of(OF(TINY) "," RIGHT, 96, bytes);
        for (int i = 0; i < 4; i++) bytes[size - 4 * 5 + (size_t)i] = (unsigned char)(bad[k] >> (8 * i));
        CHECK_STATUS(s->ctx, load_exact(s, bytes, size, &model), AENC_ERR_NONFINITE);
        CHECK(strstr(aenc_message(s->ctx), "'decoder.0.weight'[") != NULL);
    }
    size_t size = file_of(OF(TINY) ",\"encoder.weight\":{\"dtype\":\"F16\",\"shape\":[2,6],\"data_offsets\":[0,24]},"
                          F32("decoder.0.weight", "6,2", 24, 72), 72, bytes);
    bytes[size - 72 + 1] = 0x3c; /* 1 */
    float code[ROWS * CODE];
    CHECK_STATUS(s->ctx, load_exact(s, bytes, size, &model), AENC_OK);
    CHECK_STATUS(s->ctx, aenc_encode(model, &s->x, code, ROWS * CODE), AENC_OK);
    for (int r = 0; r < ROWS; r++) CHECK(code[r * CODE] == s->data[r * COLS] && code[r * CODE + 1] == 0);
    aenc_model_free(model);
}

int main(void) {
    static struct scene s;
    scene_create(&s);
    test_memory(&s);
    test_file(&s);
    test_truncations(&s);
    test_flips(&s);
    test_lies(&s);
    test_values(&s);
    aenc_context_free(s.ctx);
    memory_check_empty(&s.memory);
    return check_finish();
}
