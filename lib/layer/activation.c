/* activation.c - functions of one number, as layers of their own names and as the settings of other layers. */
#include <math.h>
#include <string.h>

#include "io/bytes.h"
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

static struct node *record(struct site *site, const struct json *spec, struct node *x);

static const struct activation activations[] = {
    {{"identity", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_IDENTITY},
    {{"relu", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_RELU},
    {{"leaky_relu", leaky_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_LEAKY_RELU},
    {{"elu", elu_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_ELU},
    {{"gelu", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_GELU},
    {{"silu", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_SILU},
    {{"sigmoid", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_SIGMOID},
    {{"tanh", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_TANH},
    {{"softplus", no_rules, MIRROR_FOLLOWER, NULL, record, NULL}, FUNCTION_SOFTPLUS},
};
enum { ACTIVATION_COUNT = sizeof activations / sizeof *activations };

static const struct activation *find(const char *name) {
    for (size_t i = 0; i < ACTIVATION_COUNT; i++)
        if (strcmp(activations[i].layer.name, name) == 0) return &activations[i];
    return NULL;
}

const struct layer_type *aenc_layer_activation(size_t index) {
    return index < ACTIVATION_COUNT ? &activations[index].layer : NULL;
}

static double slope_of(const struct activation *activation, const struct json *spec) {
    const struct setting_rule *rules = activation->layer.rules;
    return rules[0].name == NULL ? 0 : aenc_setting_number(spec, rules, rules[0].name);
}

static aenc_status unknown(aenc_context *ctx, const char *name) {
    const char *known[ACTIVATION_COUNT];
    for (size_t i = 0; i < ACTIVATION_COUNT; i++) known[i] = activations[i].layer.name;
    return aenc_name_unknown(ctx, "activation", name, known, ACTIVATION_COUNT, 0);
}

bool aenc_activation_find(aenc_context *ctx, const char *text, enum function *function, double *slope) {
    struct arena arena;
    struct json *spec;
    aenc_arena_create(ctx, &arena);
    bool good = aenc_settings_parse(&arena, "activation", text, &spec) == AENC_OK;
    if (good) {
        const struct activation *found = find(aenc_settings_type(spec));
        if (found == NULL) unknown(ctx, aenc_quoted(aenc_settings_type(spec)).text);
        good = found != NULL && aenc_settings_check(ctx, "activation", spec, found->layer.rules) == AENC_OK;
        if (good) {
            *function = found->function;
            *slope = slope_of(found, spec);
        }
    }
    aenc_arena_free(&arena);
    return good;
}

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    const struct activation *activation = find(aenc_settings_type(spec));
    if (activation->function == FUNCTION_IDENTITY) return x;
    return aenc_op_function(site->tape, activation->function, slope_of(activation, spec), x);
}
