/* json_test.c - the JSON grammar accepted and nothing else; trees written, read, built; memory failing everywhere. */
#include <string.h>

#include "faults.h"
#include "io/bytes.h"
#include "io/json.h"

/* The bytes lie at the end of a block of their own, so that the sanitizer sees one read too many. */
static aenc_status parse(struct arena *arena, const char *text, size_t length, struct json **out) {
    char *exact = malloc(length > 0 ? length : 1);
    if (length > 0) memcpy(exact, text, length);
    aenc_status status = aenc_json_parse(arena, exact, length, "the text", out);
    free(exact);
    return status;
}

/* Parses and writes again: want NULL means that it must be refused. */
static void check_bytes(aenc_context *ctx, const char *text, size_t length, const char *want) {
    struct arena arena;
    struct json *value;
    aenc_arena_create(ctx, &arena);
    aenc_status status = parse(&arena, text, length, &value);
    if (want == NULL) {
        if (!CHECK(status == AENC_ERR_FORMAT && value == NULL)) fprintf(stderr, "  accepted: %.60s\n", text);
        CHECK(strncmp(aenc_message(ctx), "the text, byte ", 15) == 0);
        CHECK(aenc_utf8_valid(aenc_message(ctx), strlen(aenc_message(ctx))));
    } else if (CHECK_STATUS(ctx, status, AENC_OK)) {
        char *written;
        size_t size;
        CHECK_STATUS(ctx, aenc_json_write(ctx, value, &written, &size), AENC_OK);
        if (!CHECK(strcmp(written, want) == 0 && size == strlen(want)))
            fprintf(stderr, "  got %s, want %s\n", written, want);
        aenc_release(ctx, written);
    }
    aenc_arena_free(&arena);
}

static void check_text(aenc_context *ctx, const char *text, const char *want) {
    check_bytes(ctx, text, strlen(text), want);
}

static void check_accepted(aenc_context *ctx) {
    static const char *const same[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1.5",
        "1e-7",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[1,2,[3,{}]]",
        "{\"a\":1,\"b\":[true,false,null],\"\":{\"a\":\"x\"}}",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"",
        "\"\x7f/\"",
        "\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) check_text(ctx, same[i], same[i]);
    check_text(ctx, " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", "{\"a\":[1,2],\"b\":{}}");
    check_text(ctx, "\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\\/\"", "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80/\"");
    check_text(ctx, "[1.0,1e2,0.10,1E+2,-0.0,10e-1,1e-400]", "[1,100,0.1,100,-0,1,0]");
    check_text(ctx, "{\"a\":1,\"A\":2,\"a \":3}", "{\"a\":1,\"A\":2,\"a \":3}");
}

static void check_refused(aenc_context *ctx) {
    static const char *const texts[] = {"",
                                        " ",
                                        "nul",
                                        "nulll",
                                        "True",
                                        "tru",
                                        "truefalse",
                                        "1 2",
                                        "1,",
                                        ",",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "[}",
                                        "{]",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "[1,,2]",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":1",
                                        "{\"a\":1,",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "{\"a\" 1}",
                                        "{\"a\":}",
                                        "{1:1}",
                                        "{\"a\":1 \"b\":2}",
                                        "{\"a\":1}}",
                                        "[]]",
                                        "\"",
                                        "\"a",
                                        "\"\\\"",
                                        "\"\\",
                                        "\"\\x\"",
                                        "\"\\u\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "\"\\u 123\"",
                                        "\"\\u-123\"",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\ud800x\"",
                                        "\"\\ud800\\n\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"\\ud800\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\udbff\"",
                                        "\"\\ud800\\",
                                        "\"\\ud800\\u",
                                        "\"\n\"",
                                        "\"\t\"",
                                        "\"\x01\"",
                                        "\"\x1f\"",
                                        "\"\\\n\"",
                                        "01",
                                        "-01",
                                        "00",
                                        "+1",
                                        "-",
                                        "-a",
                                        ".5",
                                        "5.",
                                        "1.e5",
                                        "1e",
                                        "1e+",
                                        "1e-",
                                        "0x1",
                                        "1e999",
                                        "-1e999",
                                        "NaN",
                                        "nan",
                                        "Infinity",
                                        "-Infinity",
                                        "inf",
                                        "1_000",
                                        "1,5",
                                        "// x\n1",
                                        "/**/1",
                                        "1 // x",
                                        "\xEF\xBB\xBF"
                                        "1",
                                        "\xA0"
                                        "1",
                                        "\v1",
                                        "\f1",
                                        "[1]x",
                                        "'a'",
                                        "undefined",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":1,\"b\":2,\"\\u0061\":3}",
                                        "[{\"x\":{\"\":0,\"\":0}}]",
                                        "\"\xC2\"",
                                        "\"\x80\"",
                                        "\"\xC0\x80\"",
                                        "\"\xC1\xBF\"",
                                        "\"\xE0\x9F\xBF\"",
                                        "\"\xED\xA0\x80\"",
                                        "\"\xED\xBF\xBF\"",
                                        "\"\xF0\x8F\xBF\xBF\"",
                                        "\"\xF4\x90\x80\x80\"",
                                        "\"\xF5\x80\x80\x80\"",
                                        "\"\xFF\"",
                                        "\"\xE2\x82\"",
                                        "\"\xE2\x28\xA1\"",
                                        "\"\xF0\x9F\x98\"",
                                        "\"\xC3\"\xA9\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_text(ctx, texts[i], NULL);
    check_bytes(ctx, "1\0", 2, NULL);
    check_bytes(ctx, "\"a\0b\"", 5, NULL);
    check_bytes(ctx, "\0", 1, NULL);
}

/* Every prefix of a whole text is refused; every single bit flipped is refused, or reads as something that writes and
 * reads again to itself. */
static void check_torn(aenc_context *ctx) {
    static const char text[] = "{\"a\":[1,-2.5e3,true],\"b\":{\"c\":null,\"d\":\"x\\u00e9\\n\"},\"e\":\"\xC3\xA9\"}";
    const size_t length = sizeof text - 1;
    for (size_t cut = 0; cut < length; cut++) check_bytes(ctx, text, cut, NULL);
    for (size_t bit = 0; bit < length * 8; bit++) {
        char flipped[sizeof text];
        struct arena arena;
        struct json *value, *again;
        memcpy(flipped, text, sizeof text);
        flipped[bit / 8] = (char)(flipped[bit / 8] ^ (1 << bit % 8));
        aenc_arena_create(ctx, &arena);
        if (parse(&arena, flipped, length, &value) == AENC_OK) {
            char *first, *second;
            size_t size;
            CHECK_STATUS(ctx, aenc_json_write(ctx, value, &first, &size), AENC_OK);
            CHECK_STATUS(ctx, parse(&arena, first, size, &again), AENC_OK);
            CHECK_STATUS(ctx, aenc_json_write(ctx, again, &second, NULL), AENC_OK);
            CHECK(strcmp(first, second) == 0);
            aenc_release(ctx, first);
            aenc_release(ctx, second);
        }
        aenc_arena_free(&arena);
    }
}

static void check_depth(aenc_context *ctx) {
    enum { BOMB = 100000 };
    char *text = malloc(2 * BOMB + 1);
    for (int depth = JSON_DEPTH - 1; depth <= JSON_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        check_text(ctx, text, depth <= JSON_DEPTH ? text : NULL);
    }
    memset(text, '[', BOMB);
    check_bytes(ctx, text, BOMB, NULL);
    CHECK(strcmp(aenc_message(ctx), "the text, byte 32: nested too deep: at most 32 levels") == 0);
    for (int i = 0; i + 5 <= BOMB; i += 5) memcpy(text + i, "{\"a\":", 5);
    check_bytes(ctx, text, BOMB, NULL);
    free(text);
}

/* An object too large to compare every key with every other, and one repeated key among the many. */
static void check_many_keys(aenc_context *ctx) {
    enum { KEYS = 20000, ROOM = KEYS * 12 + 64 };
    char *text = malloc(ROOM);
    for (int repeat = 0; repeat < 2; repeat++) {
        size_t used = (size_t)snprintf(text, ROOM, "{");
        for (int i = 0; i < KEYS; i++) used += (size_t)snprintf(text + used, ROOM - used, "\"%d\":0,", i);
        used += (size_t)snprintf(text + used, ROOM - used, "\"%d\":0}", repeat ? 777 : -777);
        check_bytes(ctx, text, used, repeat ? NULL : text);
        if (repeat)
            CHECK(strstr(aenc_message(ctx), "byte 0: ") != NULL && strstr(aenc_message(ctx), "'777' twice") != NULL);
    }
    for (int count = 14; count < 20; count++) {
        size_t used = (size_t)snprintf(text, ROOM, "{");
        for (int i = 0; i < count; i++) used += (size_t)snprintf(text + used, ROOM - used, "\"k%d\":%d,", i, i);
        size_t last = used + (size_t)snprintf(text + used, ROOM - used, "\"z\":0}");
        check_bytes(ctx, text, last, text);
        last = used + (size_t)snprintf(text + used, ROOM - used, "\"k0\":0}");
        check_bytes(ctx, text, last, NULL);
    }
    free(text);
}

static void check_message(aenc_context *ctx, const char *text, const char *want) {
    struct arena arena;
    struct json *value;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, parse(&arena, text, strlen(text), &value), AENC_ERR_FORMAT);
    if (!CHECK(strcmp(aenc_message(ctx), want) == 0)) fprintf(stderr, "  got %s\n  want %s\n", aenc_message(ctx), want);
    aenc_arena_free(&arena);
}

static void check_messages(aenc_context *ctx) {
    check_message(ctx, "[1 2]", "the text, byte 3: expected ',' or ']', found '2'");
    check_message(ctx, "{\"a\":1", "the text, byte 6: expected ',' or '}', found the end");
    check_message(ctx, "{\"a\":1,\"a\":2}", "the text, byte 0: the object that begins here has the key 'a' twice");
    check_message(ctx, "[\x01", "the text, byte 1: expected a value, found byte 0x01");
    check_message(ctx, "[\"\xFF\"]", "the text, byte 2: not UTF-8");
    check_message(ctx, "[1e999]", "the text, byte 1: a number beyond the range of double, or of too many digits");
    check_message(ctx, "{\"\\u001b\xC3\xA9\":1,\"\\u001b\xC3\xA9\":2}",
                  "the text, byte 0: the object that begins here has the key '?\xC3\xA9' twice");
}

static void check_quoted(void) {
    char text[200];
    CHECK(strcmp(aenc_quoted("").text, "") == 0);
    CHECK(strcmp(aenc_quoted("a\n\x7f\xFF\xC3\xA9").text, "a???\xC3\xA9") == 0);
    for (size_t length = 55; length < 70; length++) {
        for (size_t shift = 0; shift < 5; shift++) {
            for (size_t i = 0; i < length; i++) text[i] = i < shift ? 'a' : "\xF0\x9F\x98\x80"[(i - shift) % 4];
            text[length] = '\0';
            struct quoted quoted = aenc_quoted(text);
            size_t size = strlen(quoted.text);
            CHECK(size < sizeof quoted.text && aenc_utf8_valid(quoted.text, size));
            CHECK((length > 60) == (strcmp(quoted.text + size - 3, "...") == 0));
        }
    }
}

static struct json *build(struct arena *arena) {
    struct json *root = aenc_json_root(arena, JSON_OBJECT);
    bool whole = aenc_json_add_text(arena, root, "name", "a\"b") != NULL;
    whole &= aenc_json_add_number(arena, root, "lr", 1e-3) != NULL;
    whole &= aenc_json_add_bool(arena, root, "on", true) != NULL;
    whole &= aenc_json_add(arena, root, "nothing", JSON_NULL) != NULL;
    struct json *list = aenc_json_add(arena, root, "dims", JSON_ARRAY);
    whole &= aenc_json_add_number(arena, list, NULL, 8) != NULL;
    whole &= aenc_json_add_bool(arena, list, NULL, false) != NULL;
    if (root == NULL || !whole || aenc_json_add_copy(arena, root, "copy", list) == NULL) return NULL;
    return aenc_json_add_copy(arena, NULL, NULL, root);
}

static void check_building(aenc_context *ctx) {
    struct arena arena;
    char *text;
    size_t length;
    aenc_arena_create(ctx, &arena);
    struct json *root = build(&arena);
    CHECK_STATUS(ctx, aenc_json_write(ctx, root, &text, &length), AENC_OK);
    CHECK(strcmp(text, "{\"name\":\"a\\\"b\",\"lr\":0.001,\"on\":true,\"nothing\":null,\"dims\":[8,false],"
                       "\"copy\":[8,false]}") == 0);
    CHECK(root->count == 6 && length == strlen(text));
    aenc_release(ctx, text);
    CHECK(aenc_json_member(root, "lr")->number == 1e-3);
    CHECK(aenc_json_member(root, "LR") == NULL && aenc_json_member(NULL, "lr") == NULL);
    CHECK(aenc_json_member(aenc_json_member(root, "dims"), "lr") == NULL);
    CHECK(aenc_json_add(&arena, NULL, "x", JSON_NULL) == NULL && aenc_json_add_text(&arena, NULL, "x", "y") == NULL);
    uint64_t whole;
    struct json number = {.kind = JSON_NUMBER};
    const double good[] = {0, -0.0, 1, 0x1p53 - 1}, bad[] = {-1, 0.5, 0x1p53, INFINITY, NAN};
    number.digits = true;
    for (int i = 0; i < 4; i++) {
        number.number = good[i];
        CHECK(aenc_json_whole(&number, &whole) && (double)whole == good[i]);
    }
    for (int i = 0; i < 5; i++) {
        number.number = bad[i];
        CHECK(!aenc_json_whole(&number, &whole));
    }
    CHECK(!aenc_json_whole(NULL, &whole) && !aenc_json_whole(root, &whole));
    aenc_arena_free(&arena);
}

/* What the reader would refuse, the writer refuses. */
static void check_unwritable(aenc_context *ctx) {
    struct arena arena;
    char *text;
    aenc_arena_create(ctx, &arena);
    const double numbers[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        struct json *root = aenc_json_root(&arena, JSON_OBJECT);
        aenc_json_add_number(&arena, root, "rate", numbers[i]);
        CHECK_STATUS(ctx, aenc_json_write(ctx, root, &text, NULL), AENC_ERR_NONFINITE);
        CHECK(text == NULL && strstr(aenc_message(ctx), "'rate'") != NULL);
    }
    struct json *twice = aenc_json_root(&arena, JSON_OBJECT);
    aenc_json_add_bool(&arena, twice, "same", true);
    aenc_json_add_bool(&arena, twice, "same", true);
    CHECK_STATUS(ctx, aenc_json_write(ctx, twice, &text, NULL), AENC_ERR_ARGUMENT);
    CHECK(text == NULL && strstr(aenc_message(ctx), "'same'") != NULL);
    struct json *bytes = aenc_json_root(&arena, JSON_ARRAY);
    aenc_json_add_text(&arena, bytes, NULL, "\xFF");
    CHECK_STATUS(ctx, aenc_json_write(ctx, bytes, &text, NULL), AENC_ERR_ARGUMENT);
    struct json *deep = aenc_json_root(&arena, JSON_ARRAY), *inner = deep;
    for (int i = 1; i < JSON_DEPTH; i++) inner = aenc_json_add(&arena, inner, NULL, JSON_ARRAY);
    CHECK_STATUS(ctx, aenc_json_write(ctx, deep, &text, NULL), AENC_OK);
    aenc_release(ctx, text);
    CHECK(aenc_json_add_copy(&arena, NULL, NULL, deep) != NULL);
    for (int i = 0; i < 2; i++) inner = aenc_json_add(&arena, inner, NULL, JSON_ARRAY);
    CHECK(aenc_json_add_copy(&arena, NULL, NULL, deep) == NULL);
    CHECK(strcmp(aenc_message(ctx), "nested too deep: at most 32 levels") == 0);
    for (int i = 0; i < 100000; i++) inner = aenc_json_add(&arena, inner, NULL, JSON_ARRAY);
    CHECK_STATUS(ctx, aenc_json_write(ctx, deep, &text, NULL), AENC_ERR_ARGUMENT);
    size_t before = bytes->count;
    CHECK(aenc_json_add_copy(&arena, bytes, NULL, deep) == NULL && bytes->count == before);
    aenc_arena_free(&arena);
}

static aenc_status scenario(aenc_context *ctx) {
    static const char text[] =
        "{\"1\":1,\"2\":[\"x\",{}],\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"10\":0,"
        "\"11\":0,\"12\":0,\"13\":0,\"14\":0,\"15\":0,\"16\":0,\"17\":0,\"18\":\"a longer text\"}";
    struct arena arena;
    struct json *value;
    char *written = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_json_parse(&arena, text, sizeof text - 1, "the text", &value);
    if (status == AENC_OK && build(&arena) == NULL) status = AENC_ERR_NO_MEMORY;
    /* crosses the arena's chunks, so that every builder meets a failure */
    for (int i = 0; status == AENC_OK && i < 500; i++)
        if (build(&arena) == NULL) status = AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) status = aenc_json_write(ctx, value, &written, NULL);
    CHECK((status == AENC_OK) == (written != NULL));
    aenc_release(ctx, written);
    aenc_arena_free(&arena);
    return status;
}

int main(void) {
    struct faults faults;
    aenc_context *ctx = faults_context(&faults);
    check_accepted(ctx);
    check_refused(ctx);
    check_torn(ctx);
    check_depth(ctx);
    check_many_keys(ctx);
    check_messages(ctx);
    check_quoted();
    check_building(ctx);
    check_unwritable(ctx);
    aenc_context_free(ctx);
    CHECK(faults.blocks == 0);
    faults_exhaust(scenario);
    return check_finish();
}
