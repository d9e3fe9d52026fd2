/* settings_test.c - the text form of specs, their rules, and the sentences that a typo gets. */
#include <float.h>
#include <string.h>

#include "faults.h"
#include "io/settings.h"

static const struct setting_rule rules[] = {
    {.name = "units", .kind = SETTING_INTEGER, .required = true, .low = 1, .high = 1048576},
    {.name = "rate", .kind = SETTING_NUMBER, .fallback = 0.5, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = DBL_MIN, .high = INFINITY},
    {.name = "shift", .kind = SETTING_NUMBER, .fallback = -1, .low = -INFINITY, .high = INFINITY},
    {.name = "bias", .kind = SETTING_BOOL, .fallback = 1},
    {.name = "activation", .kind = SETTING_TEXT, .text_fallback = "identity"},
    {.name = "init", .kind = SETTING_TEXT},
    {.name = "dims", .kind = SETTING_SIZES, .low = 1, .high = 100},
    {.name = "layers", .kind = SETTING_LAYERS},
    {.name = NULL},
};
static const struct setting_rule no_rules[] = {{.name = NULL}};

/* want NULL: refused, with a message that contains `message`. */
static void check_parse(aenc_context *ctx, const char *text, const char *want, const char *message) {
    struct arena arena;
    struct json *spec;
    char *written = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "layer", text, &spec);
    CHECK_STATUS(ctx, status, want != NULL ? AENC_OK : AENC_ERR_ARGUMENT);
    if (want == NULL) CHECK(spec == NULL);
    if (want == NULL && !CHECK(strstr(aenc_message(ctx), message) != NULL))
        fprintf(stderr, "  %s: %s\n", text, aenc_message(ctx));
    if (spec != NULL) CHECK_STATUS(ctx, aenc_json_write(ctx, spec, &written, NULL), AENC_OK);
    if (want != NULL && !CHECK(written != NULL && strcmp(written, want) == 0))
        fprintf(stderr, "  %s: got %s, want %s\n", text, written, want);
    aenc_release(ctx, written);
    aenc_arena_free(&arena);
}

/* The object itself is the same thing as the text. */
static void check_json(aenc_context *ctx) {
    check_parse(ctx, "{\"type\":\"dense\",\"units\":3}", "{\"type\":\"dense\",\"units\":3}", NULL);
    check_parse(ctx, "dense:units=3", "{\"type\":\"dense\",\"units\":3}", NULL);
    check_parse(ctx, "{ \"units\": 3.5e0, \"type\": \"d\", \"dims\": [8, 8] }", "{\"units\":3.5,\"type\":\"d\",\"dims\":[8,8]}", NULL);
    check_parse(ctx, "{", NULL, "layer '{'");
    check_parse(ctx, "{}", NULL, "there is no 'type'");
    check_parse(ctx, "{\"type\":3}", NULL, "there is no 'type'");
    check_parse(ctx, "{\"units\":3}", NULL, "there is no 'type'");
    check_parse(ctx, "{\"type\":\"d\",\"type\":\"e\"}", NULL, "type");
    check_parse(ctx, "{\"type\":\"d\"}x", NULL, "byte 12");
    check_parse(ctx, " {\"type\":\"d\"}", NULL, "expected a name");
    check_parse(ctx, "[1]", NULL, "expected a name");
}

static void check_texts(aenc_context *ctx) {
    check_parse(ctx, "mse", "{\"type\":\"mse\"}", NULL);
    check_parse(ctx, "dense:units=128,bias=false", "{\"type\":\"dense\",\"units\":128,\"bias\":false}", NULL);
    check_parse(ctx, "a:x=1e-3,y=-.5,z=+2,w=8x8x1,v=true",
                "{\"type\":\"a\",\"x\":0.001,\"y\":-0.5,\"z\":2,\"w\":[8,8,1],"
                "\"v\":true}",
                NULL);
    check_parse(ctx, "dense:activation=leaky_relu:slope=0.1,units=4",
                "{\"type\":\"dense\",\"activation\":\"leaky_relu:slope=0.1\",\"units\":4}", NULL);
    check_parse(ctx, "a:b=-x,c=.x,d=x8,e=nan,f=\xC3\xA9",
                "{\"type\":\"a\",\"b\":\"-x\",\"c\":\".x\",\"d\":\"x8\",\"e\":\"nan\","
                "\"f\":\"\xC3\xA9\"}",
                NULL);
}

static void check_refused_texts(aenc_context *ctx) {
    check_parse(ctx, NULL, NULL, "layer: the text is NULL");
    check_parse(ctx, "", NULL, "layer '', byte 0: expected a name");
    check_parse(ctx, ":units=3", NULL, "byte 0: expected a name");
    check_parse(ctx, "a b", NULL, "byte 0: expected a name");
    check_parse(ctx, " mse", NULL, "byte 0: expected a name");
    check_parse(ctx, "m\xC3\xA9", NULL, "expected a name");
    check_parse(ctx, "mse,", NULL, "expected a name");
    check_parse(ctx, "dense:", NULL, "layer 'dense:', byte 6: expected a setting 'name=value'");
    check_parse(ctx, "dense:units", NULL, "byte 6: expected a setting");
    check_parse(ctx, "dense:units=3,", NULL, "byte 14: expected a setting");
    check_parse(ctx, "dense:,units=3", NULL, "byte 6: expected a setting");
    check_parse(ctx, "dense:=3", NULL, "byte 6: expected the name of a setting");
    check_parse(ctx, "dense: units=3", NULL, "byte 6: expected the name of a setting");
    check_parse(ctx, "dense:units=", NULL, "byte 12: setting 'units' has no value");
    check_parse(ctx, "dense:units= 3", NULL, "setting 'units' has a value with blanks");
    check_parse(ctx, "dense:units=\xFF", NULL, "not in UTF-8");
    check_parse(ctx, "dense:units=3,units=3", NULL, "byte 20: setting 'units' is there twice");
    check_parse(ctx, "dense:type=x", NULL, "setting 'type' is the name in front");
    check_parse(ctx, "dense:units=3q", NULL, "setting 'units' is neither a number nor sizes such as 8x8");
    check_parse(ctx, "dense:units=1e999", NULL, "neither a number");
    check_parse(ctx, "dense:dims=8x", NULL, "neither a number");
    check_parse(ctx, "dense:dims=8xx8", NULL, "neither a number");
    check_parse(ctx, "dense:dims=8x-1", NULL, "neither a number");
    check_parse(ctx, "dense:dims=1e1x2", NULL, "neither a number");
    check_parse(ctx, "dense:dims=1x1x1x1x1x1x1", NULL, "more than 6 sizes");
    char many[2048] = "a:";
    for (int i = 0; i < 70; i++) snprintf(many + strlen(many), 16, "%sk%d=1", i > 0 ? "," : "", i);
    check_parse(ctx, many, NULL, "more than 64 settings");
}

/* want NULL: accepted. */
static void check_rules(aenc_context *ctx, const struct setting_rule *table, const char *json, const char *want) {
    struct arena arena;
    struct json *spec;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_json_parse(&arena, json, strlen(json), "the test", &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_settings_check(ctx, "layer", spec, table), want == NULL ? AENC_OK : AENC_ERR_ARGUMENT);
    if (want != NULL && !CHECK(strcmp(aenc_message(ctx), want) == 0))
        fprintf(stderr, "  got %s\n  want %s\n", aenc_message(ctx), want);
    aenc_arena_free(&arena);
}

#define DENSE "{\"type\":\"dense\",\"units\":1,"

static void check_accepted(aenc_context *ctx) {
    check_rules(ctx, rules, "{\"type\":\"dense\",\"units\":1}", NULL);
    check_rules(ctx, rules, "{\"units\":1048576}", NULL);
    check_rules(ctx, rules, DENSE "\"rate\":0,\"lr\":1e300,\"shift\":-1e300,\"bias\":false,\"activation\":\"x, y\"}",
                NULL);
    check_rules(ctx, rules, DENSE "\"dims\":[1,100]}", NULL);
    check_rules(ctx, rules, DENSE "\"dims\":7}", NULL);
    check_rules(ctx, rules, DENSE "\"layers\":[{\"type\":\"x\"},{}]}", NULL);
    check_rules(ctx, no_rules, "{\"type\":\"mse\"}", NULL);
}

static void check_refused(aenc_context *ctx) {
    check_rules(ctx, rules, "[]", "layer: a description must be an object");
    check_rules(ctx, rules, "{\"type\":1}", "layer: 'type' must be a name");
    check_rules(ctx, rules, "{\"type\":\"dense\"}", "layer 'dense': setting 'units' is missing");
    check_rules(ctx, no_rules, "{\"type\":\"mse\",\"x\":1}", "layer 'mse': unknown setting 'x'; it has no settings");
    check_rules(ctx, rules, DENSE "\"unit\":1}",
                "layer 'dense': unknown setting 'unit'; known: units, rate, lr, shift, "
                "bias, activation, init, dims, layers");
    check_rules(ctx, rules, "{\"type\":\"dense\",\"units\":0}",
                "layer 'dense': setting 'units' is 0; it must be a whole number from 1 to 1048576");
    check_rules(ctx, rules, "{\"type\":\"dense\",\"units\":1.5}",
                "layer 'dense': setting 'units' is 1.5; it must be a whole number from 1 to 1048576");
    check_rules(ctx, rules, "{\"type\":\"dense\",\"units\":\"many\"}",
                "layer 'dense': setting 'units' is 'many'; it must be a whole number from 1 to 1048576");
    check_rules(ctx, rules, DENSE "\"rate\":1}",
                "layer 'dense': setting 'rate' is 1; it must be a number of at least 0 and "
                "below 1");
    check_rules(ctx, rules, DENSE "\"lr\":0}", "layer 'dense': setting 'lr' is 0; it must be a number above 0");
    check_rules(ctx, rules, DENSE "\"shift\":true}", "layer 'dense': setting 'shift' is true; it must be a number");
    check_rules(ctx, rules, DENSE "\"bias\":1}", "layer 'dense': setting 'bias' is 1; it must be true or false");
    check_rules(ctx, rules, DENSE "\"activation\":null}",
                "layer 'dense': setting 'activation' is null; it must be a word");
    const char *sizes = "a list such as 8x8 of 1 to 6 whole numbers, each from 1 to 100";
    char want[256];
    snprintf(want, sizeof want, "layer 'dense': setting 'dims' contains 101; it must be %s", sizes);
    check_rules(ctx, rules, DENSE "\"dims\":[1,101]}", want);
    snprintf(want, sizeof want, "layer 'dense': setting 'dims' contains 'x'; it must be %s", sizes);
    check_rules(ctx, rules, DENSE "\"dims\":[\"x\"]}", want);
    snprintf(want, sizeof want, "layer 'dense': setting 'dims' is a list of 0; it must be %s", sizes);
    check_rules(ctx, rules, DENSE "\"dims\":[]}", want);
    snprintf(want, sizeof want, "layer 'dense': setting 'dims' is a list of 7; it must be %s", sizes);
    check_rules(ctx, rules, DENSE "\"dims\":[1,1,1,1,1,1,1]}", want);
    snprintf(want, sizeof want, "layer 'dense': setting 'dims' is 0; it must be %s", sizes);
    check_rules(ctx, rules, DENSE "\"dims\":0}", want);
    check_rules(ctx, rules, DENSE "\"layers\":[1]}",
                "layer 'dense': setting 'layers' is a list of 1; it must be a list of "
                "layers");
    check_rules(ctx, rules, DENSE "\"layers\":{}}",
                "layer 'dense': setting 'layers' is an object; it must be a list of "
                "layers");
    CHECK_STATUS(ctx, aenc_settings_check(ctx, "layer", NULL, rules), AENC_ERR_ARGUMENT);
}

static void check_nonfinite(aenc_context *ctx) {
    const double numbers[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        struct arena arena;
        aenc_arena_create(ctx, &arena);
        struct json *spec = aenc_json_root(&arena, JSON_OBJECT);
        aenc_json_add_number(&arena, spec, "units", 1);
        aenc_json_add_number(&arena, spec, "shift", numbers[i]);
        CHECK_STATUS(ctx, aenc_settings_check(ctx, "layer", spec, rules), AENC_ERR_ARGUMENT);
        CHECK(strstr(aenc_message(ctx), "'shift'") != NULL);
        aenc_arena_free(&arena);
    }
}

static void check_taking_out(aenc_context *ctx) {
    struct arena arena;
    struct json *spec;
    int64_t sizes[SETTING_SIZES_MAX];
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "layer", "dense:units=3", &spec), AENC_OK);
    CHECK(strcmp(aenc_settings_type(spec), "dense") == 0 && strcmp(aenc_settings_type(spec->first), "") == 0);
    CHECK(aenc_setting_integer(spec, rules, "units") == 3 && aenc_setting_number(spec, rules, "rate") == 0.5);
    CHECK(aenc_setting_bool(spec, rules, "bias") && aenc_setting_text(spec, rules, "init") == NULL);
    CHECK(strcmp(aenc_setting_text(spec, rules, "activation"), "identity") == 0);
    CHECK(aenc_setting_sizes(spec, rules, "dims", sizes) == 0);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "layer", "d:units=9,rate=0.25,bias=false,init=he,dims=2x3x4", &spec),
                 AENC_OK);
    CHECK_STATUS(ctx, aenc_settings_check(ctx, "layer", spec, rules), AENC_OK);
    CHECK(aenc_setting_integer(spec, rules, "units") == 9 && aenc_setting_number(spec, rules, "rate") == 0.25);
    CHECK(!aenc_setting_bool(spec, rules, "bias") && strcmp(aenc_setting_text(spec, rules, "init"), "he") == 0);
    CHECK(aenc_setting_sizes(spec, rules, "dims", sizes) == 3 && sizes[0] == 2 && sizes[1] == 3 && sizes[2] == 4);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "layer", "d:units=9,dims=5", &spec), AENC_OK);
    CHECK(aenc_setting_sizes(spec, rules, "dims", sizes) == 1 && sizes[0] == 5);
    aenc_arena_free(&arena);
}

static void check_names(void) {
    static const char *const names[] = {"mse", "mae", "huber"};
    static const char whole[] = "mse, mae, huber";
    char buffer[64];
    CHECK(strcmp(aenc_names_list(names, 3, buffer, sizeof buffer), whole) == 0);
    CHECK(strcmp(aenc_names_list(names, 0, buffer, sizeof buffer), "") == 0);
    CHECK(strcmp(aenc_names_list(names, 3, buffer, 16), whole) == 0);
    CHECK(strcmp(aenc_names_list(names, 3, buffer, 15), "mse, mae, ...") == 0);
    CHECK(strcmp(aenc_names_list(names, 3, buffer, 13), "mse, ...") == 0);
    for (size_t size = 0; size < 20; size++) {
        memset(buffer, '#', sizeof buffer);
        aenc_names_list(names, 3, buffer, size);
        CHECK(buffer[size] == '#' && (size == 0 || strlen(buffer) < size));
    }
}

/* The longest beginning of a list that fits with ", ..." behind it, by trying each; the last name needs nothing behind it. */
static void check_names_at(const char *const *names, size_t count) {
    for (size_t size = 4; size < 64; size++) {
        char want[256] = "", got[64], begun[256] = "";
        for (size_t i = 0; i < count; i++) {
            strcat(begun, i > 0 ? ", " : "");
            strcat(begun, names[i]);
            bool last = i + 1 == count;
            if (strlen(begun) + (last ? 0 : 5) < size) strcat(strcpy(want, begun), last ? "" : ", ...");
        }
        if (count > 0 && want[0] == '\0') strcpy(want, "...");
        aenc_names_list(names, count, got, size);
        if (!CHECK(strcmp(got, want) == 0)) fprintf(stderr, "  %zu: '%s', wanted '%s'\n", size, got, want);
    }
}

/* What is unknown is named with what is known, all that fit into a message. */
static void check_unknown(aenc_context *ctx) {
    enum { MANY = 80 };
    static char text[MANY][8];
    const char *names[MANY];
    static const char *const few[] = {"a", "bb", "ccc"}, *const long_ones[] = {"a name of some length", "b", "another name"};
    for (int i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "n%d", i);
        names[i] = text[i];
    }
    check_names_at(few, 3);
    check_names_at(few, 1);
    check_names_at(few, 0);
    check_names_at(long_ones, 3);
    check_names_at(names, 12);
    CHECK_STATUS(ctx, aenc_name_unknown(ctx, "thing", "x\n", few, 3, 0), AENC_ERR_ARGUMENT);
    CHECK(strcmp(aenc_message(ctx), "unknown thing 'x?'; known: a, bb, ccc") == 0);
    CHECK_STATUS(ctx, aenc_name_unknown(ctx, "thing", "x", names, 64, 0), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "known: n0, n1, ") != NULL && strstr(aenc_message(ctx), ", n62, n63") != NULL);
    CHECK_STATUS(ctx, aenc_name_unknown(ctx, "thing", "x", names, MANY, 0), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), ", n63") != NULL && strstr(aenc_message(ctx), "n64") == NULL);
}

static aenc_status scenario(aenc_context *ctx) {
    struct arena arena;
    struct json *spec = NULL;
    aenc_status status = AENC_OK;
    aenc_arena_create(ctx, &arena);
    for (int i = 0; status == AENC_OK && i < 200; i++)
        status = aenc_settings_parse(&arena, "layer", "d:units=9,rate=0.25,bias=false,init=he,dims=2x3x4", &spec);
    if (status == AENC_OK) status = aenc_settings_check(ctx, "layer", spec, rules);
    aenc_arena_free(&arena);
    return status;
}

int main(void) {
    struct faults faults;
    aenc_context *ctx = faults_context(&faults);
    check_texts(ctx);
    check_json(ctx);
    check_refused_texts(ctx);
    check_accepted(ctx);
    check_refused(ctx);
    check_nonfinite(ctx);
    check_taking_out(ctx);
    check_names();
    check_unknown(ctx);
    aenc_context_free(ctx);
    CHECK(faults.blocks == 0);
    faults_exhaust(scenario);
    return check_finish();
}
