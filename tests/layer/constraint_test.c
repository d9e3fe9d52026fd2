/* constraint_test.c - what a constrained parameter is at the start and after each update, however it is updated; states that
 * start by an init. */
#include <autoenc/ops.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ROWS = 48, COLS = 6, UNITS = 70, COUNT = UNITS * COLS };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static aenc_context *context_make(int64_t threads) {
    aenc_context *ctx = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    return ctx;
}

static aenc_status model_make(aenc_context *ctx, const char *constraint, aenc_model **out) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":70,"
                   "\"activation\":\"tanh\",\"constraint\":\"%s\"},{\"type\":\"dense\",\"units\":3}]}}",
                   constraint);
    return aenc_model_parse(ctx, text, strlen(text), out);
}

static void read(const aenc_model *model, const char *name, float *out) {
    aenc_tensor *tensor = NULL;
    CHECK(aenc_model_parameter_get(model, name, &tensor) == AENC_OK && aenc_tensor_read(tensor, out, COUNT) == AENC_OK);
    aenc_tensor_free(tensor);
}

/* The norms over an axis of a matrix of UNITS rows: of each row (axis 1) or column; the largest distance from what they must be. */
static double off(const float *w, const char *constraint) {
    double worst = 0;
    if (strcmp(constraint, "non_negative") == 0) {
        for (int i = 0; i < COUNT; i++) worst = check_larger(worst, -(double)w[i]);
        return worst;
    }
    bool columns = strstr(constraint, "axis=0") != NULL, most = strstr(constraint, "max_norm") != NULL;
    double limit = strstr(constraint, "limit=0.5") != NULL ? 0.5 : 1;
    for (int a = 0; a < (columns ? COLS : UNITS); a++) {
        double square = 0;
        for (int b = 0; b < (columns ? UNITS : COLS); b++)
            square += pow((double)(columns ? w[b * COLS + a] : w[a * COLS + b]), 2);
        double over = sqrt(square) - limit;
        worst = check_larger(worst, most ? over : fabs(over));
    }
    return worst;
}

static void test_kinds(void) {
    static const char *const kinds[] = {"non_negative", "unit_norm", "unit_norm:axis=0", "max_norm:limit=0.5",
                                        "max_norm:axis=0,limit=0.5"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        float first[COUNT], last[2][COUNT];
        for (int i = 0; i < 4; i++) { /* one thread and three, in both ways in which a step updates */
            aenc_context *ctx = context_make(i % 2 == 0 ? 1 : 3);
            aenc_model *model = NULL;
            const aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = "adam:lr=0.05", .epochs = 3, .batch = 16,
                                          .clip_norm = i < 2 ? 0 : 0.5};
            CHECK_STATUS(ctx, model_make(ctx, kinds[k], &model), AENC_OK);
            read(model, "encoder.0.weight", first);
            CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
            read(model, "encoder.0.weight", last[i % 2]);
            if (!CHECK(off(first, kinds[k]) < 1e-6 && off(last[i % 2], kinds[k]) < 1e-6))
                fprintf(stderr, "  %s: %g, %g\n", kinds[k], off(first, kinds[k]), off(last[i % 2], kinds[k]));
            CHECK(memcmp(first, last[i % 2], sizeof first) != 0);
            CHECK(i % 2 == 0 || memcmp(last[0], last[1], sizeof last[0]) == 0);
            const char *mirror = strstr(aenc_model_description(model), "\"decoder\"");
            CHECK(mirror != NULL && strstr(mirror, kinds[k]) != NULL);
            aenc_model_free(model);
            aenc_context_free(ctx);
        }
    }
}

static void test_frozen(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *model = NULL, *plain = NULL;
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    float w[COUNT], after[COUNT];
    CHECK_STATUS(ctx, model_make(ctx, "unit_norm", &model), AENC_OK);
    CHECK_STATUS(ctx, model_make(ctx, "none", &plain), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_copy(model, "", plain, ""), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "encoder.0", 1), AENC_OK);
    read(model, "encoder.0.weight", w);
    CHECK(off(w, "unit_norm") > 0.1);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    read(model, "encoder.0.weight", after);
    CHECK(memcmp(w, after, sizeof w) == 0);
    aenc_model_free(plain);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static void test_refused(void) {
    static const struct {
        const char *constraint, *words;
    } cases[] = {{"unit_nrm", "unknown constraint 'unit_nrm'; known: none, non_negative, unit_norm, max_norm"},
                 {"unit_norm:axis=2", "'encoder.0.weight' has no axis 2"},
                 {"max_norm:limit=0", "limit"},
                 {"non_negative:axis=1", "unknown setting 'axis'"}};
    aenc_context *ctx = context_make(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aenc_model *model = NULL;
        CHECK_STATUS(ctx, model_make(ctx, cases[i].constraint, &model), AENC_ERR_ARGUMENT);
        if (!CHECK(model == NULL && strstr(aenc_message(ctx), cases[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
    aenc_context_free(ctx);
}

/* ---- Plug-ins ---- */

static int both;

static aenc_node *gated(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    const size_t dims[] = {aenc_node_dim(in, 0)};
    aenc_node *gate = aenc_node_constrain(r, aenc_node_parameter(r, "gate", dims, 1, "normal:gain=1"), "non_negative");
    if (both == 1) (void)aenc_node_constrain(r, gate, "unit_norm:axis=0");
    if (both == 2) (void)aenc_node_constrain(r, in, "non_negative");
    if (both == 3) (void)aenc_node_constrain(r, gate, NULL);
    aenc_node *drawn = aenc_node_state_from(r, "drawn", dims, 1, "normal:gain=2"), *none = aenc_node_state_from(r, "none", dims, 1, NULL);
    return aenc_node_add(r, aenc_node_multiply(r, in, gate), aenc_node_multiply(r, drawn, none));
}

static void test_plugin(void) {
    static const char *const words[] = {NULL, "'encoder.0.gate' has another one already", "what is constrained is no parameter",
                                        "constraint is NULL"};
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"gated\"}}";
    aenc_context *ctx = context_make(2);
    const aenc_plugin layer = {.struct_size = sizeof layer, .kind = AENC_PLUGIN_LAYER, .name = "gated", .layer = gated,
                               .mirror_role = AENC_MIRROR_OMITTED};
    CHECK_STATUS(ctx, aenc_register(ctx, &layer), AENC_OK);
    for (both = 0; both < 4; both++) {
        aenc_model *model = NULL;
        CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), both == 0 ? AENC_OK : AENC_ERR_ARGUMENT);
        if (both > 0 && !CHECK(strstr(aenc_message(ctx), words[both]) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
        if (both == 0) {
            float drawn[COLS], none[COLS], gate[COLS];
            const struct {
                const char *name;
                float *values;
            } of[] = {{"encoder.drawn", drawn}, {"encoder.none", none}, {"encoder.gate", gate}};
            for (int i = 0; i < 3; i++) {
                aenc_tensor *tensor = NULL;
                char name[64];
                (void)snprintf(name, sizeof name, "%s", of[i].name);
                if (aenc_model_parameter_get(model, name, &tensor) != AENC_OK) {
                    (void)snprintf(name, sizeof name, "encoder.0.%s", of[i].name + 8);
                    CHECK_STATUS(ctx, aenc_model_parameter_get(model, name, &tensor), AENC_OK);
                }
                CHECK(aenc_tensor_read(tensor, of[i].values, COLS) == AENC_OK);
                aenc_tensor_free(tensor);
            }
            double spread = 0;
            for (int i = 0; i < COLS; i++) {
                spread += fabs((double)drawn[i]);
                CHECK(none[i] == 0 && gate[i] >= 0);
                CHECK(i == 0 || fabs((double)drawn[i] - (double)drawn[i - 1]) > 1e-6);
            }
            CHECK(spread > 1);
        }
        aenc_model_free(model);
    }
    aenc_context_free(ctx);
}

int main(void) {
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 29) / 29.0f - 0.4f;
    test_kinds();
    test_frozen();
    test_refused();
    test_plugin();
    return check_finish();
}
