/* activation.c - functions of one number, as layers of their own names and as the settings of other layers. */
#include <math.h>

#include "layer/layer.h"

static const struct setting_rule no_rules[] = {{.name = NULL}};
static const struct setting_rule leaky_rules[] = {
    {.name = "slope", .kind = SETTING_NUMBER, .fallback = 0.01, .low = 0, .high = INFINITY}, {.name = NULL}};
static const struct setting_rule elu_rules[] = {
    {.name = "alpha", .kind = SETTING_NUMBER, .fallback = 1, .low = 0, .high = INFINITY}, {.name = NULL}};

struct activation {
    struct layer_type layer; /* the first of its rules, if any, is the function's slope */
    enum function function;
};

/* All of them: a name, its rules and its function. */
#define ACTIVATIONS(ROW)                                                                                               \
    ROW(identity, no_rules, IDENTITY)                                                                                  \
    ROW(relu, no_rules, RELU)                                                                                          \
    ROW(leaky_relu, leaky_rules, LEAKY_RELU)                                                                           \
    ROW(elu, elu_rules, ELU)                                                                                           \
    ROW(gelu, no_rules, GELU)                                                                                          \
    ROW(silu, no_rules, SILU)                                                                                          \
    ROW(sigmoid, no_rules, SIGMOID)                                                                                    \
    ROW(tanh, no_rules, TANH)                                                                                          \
    ROW(softplus, no_rules, SOFTPLUS)

static double slope_of(const struct activation *activation, const struct json *spec) {
    const struct setting_rule *rules = activation->layer.rules;
    return rules[0].name == NULL ? 0 : aenc_setting_number(spec, rules, rules[0].name);
}

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    const struct activation *activation = site->self;
    return aenc_op_function(site->tape, activation->function, slope_of(activation, spec), x);
}

#define TYPE(id, rules, function)                                                                                      \
    static const struct activation id##_type = {{#id, rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_##function};
ACTIVATIONS(TYPE)
#undef TYPE

#define NAME_AT(id, rules, function) &id##_type.layer.name,
static const char *const *const types[] = {ACTIVATIONS(NAME_AT)};
#undef NAME_AT
const struct family aenc_activations = {"activation", 0, types, sizeof types / sizeof *types, NULL};

bool aenc_activation_find(aenc_context *ctx, const char *text, enum function *function, double *slope) {
    struct arena arena;
    struct json *spec;
    aenc_arena_create(ctx, &arena);
    const struct activation *found = NULL;
    if (aenc_settings_parse(&arena, "activation", text, &spec) == AENC_OK)
        found = aenc_family_find(ctx, &aenc_activations, aenc_settings_type(spec));
    bool good = found != NULL && aenc_settings_check(ctx, "activation", spec, found->layer.rules) == AENC_OK;
    if (good) {
        *function = found->function;
        *slope = slope_of(found, spec);
    }
    aenc_arena_free(&arena);
    return good;
}
