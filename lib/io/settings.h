/* settings.h - "name:key=value,key=value", the one spelling of everything extensible.
 *
 * A spec is a JSON object with a member "type" and one member per setting: that is how it stands in a model file. The
 * text form is parsed into the same object, so that both arrive at the same thing: values are numbers (1e-3),
 * true/false, lists of whole numbers (8x8, an array in JSON) or of any (0.5;1) or words, which may be specs of their
 * own ("leaky_relu:slope=0.1", as far as they need no comma). Who owns a spec states its rules; checking fills in
 * nothing, reports unknown names with the known ones, and values out of range with the range.
 */
#ifndef AENC_IO_SETTINGS_H
#define AENC_IO_SETTINGS_H

#include "io/json.h"

enum { SETTING_SIZES_MAX = 6, SETTING_RULES_MAX = 48 /* of both tables together */ };

enum setting_kind {
    SETTING_NUMBER,  /* any finite double within [low, high] */
    SETTING_INTEGER, /* a whole number within [low, high], magnitude below 2^53 */
    SETTING_BOOL,
    SETTING_TEXT,
    SETTING_CHOICE, /* one of the words of text_fallback, "mean|sum"; the default is the first */
    SETTING_SIZES,  /* array of 1 to 6 whole numbers, each within [low, high]; a single one may stand without array */
    SETTING_LAYERS, /* array of specs, checked by their owner */
    SETTING_NUMBERS /* array of at least one number, each within [low, high]; a single one may stand without array */
};

struct setting_rule {
    const char *name; /* NULL ends the table */
    enum setting_kind kind;
    bool required;
    double fallback;           /* the default of numbers, integers and booleans */
    double low, high;          /* +-INFINITY: no limit; low DBL_MIN: above zero; high 1 - DBL_EPSILON: below one */
    const char *text_fallback; /* the default of texts; NULL: none */
};

/* Parses the text form, or JSON that begins with '{'. AENC_ERR_ARGUMENT naming what is wrong and where. `what` is the family, such as "layer". *out
 * is NULL on failure. */
aenc_status aenc_settings_parse(struct arena *arena, const char *what, const char *text, struct json **out);

/* Checks an object against the rules. `what` and the object's type name it in messages: "layer 'dense': unknown setting
 * 'unit'; known: units, bias, ...". status is AENC_ERR_ARGUMENT for all of it. */
aenc_status aenc_settings_check(aenc_context *ctx, const char *what, const struct json *spec,
                                const struct setting_rule *rules);

/* The same with two tables, of the type and of its family; common NULL: it has none. */
aenc_status aenc_settings_check_both(aenc_context *ctx, const char *what, const struct json *spec,
                                     const struct setting_rule *rules, const struct setting_rule *common);

/* The type of a spec: its member "type"; "" when it has none. */
const char *aenc_settings_type(const struct json *spec);

/* The setting, or its rule's default. The spec must have passed the check; name must be among the rules. */
double aenc_setting_number(const struct json *spec, const struct setting_rule *rules, const char *name);
int64_t aenc_setting_integer(const struct json *spec, const struct setting_rule *rules, const char *name);
bool aenc_setting_bool(const struct json *spec, const struct setting_rule *rules, const char *name);
/* Which of the rule's words, from 0. */
int aenc_setting_choice(const struct json *spec, const struct setting_rule *rules, const char *name);
const char *aenc_setting_text(const struct json *spec, const struct setting_rule *rules, const char *name);
/* Copies up to 6 sizes, answers how many (0: not given). */
int aenc_setting_sizes(const struct json *spec, const struct setting_rule *rules, const char *name, int64_t *out);

/* "mse, mae, huber" from an array of names, for "unknown loss 'msee'; known: ...". NUL-terminated within size bytes;
 * ends with "..." where not all fit. */
char *aenc_names_list(const char *const *names, size_t count, char *buffer, size_t size);
/* AENC_ERR_ARGUMENT with that message: `what` is "loss" and the like, known are `names` and what plug-ins of that kind
 * (AENC_PLUGIN_..., 0: none) are called. */
aenc_status aenc_name_unknown(aenc_context *ctx, const char *what, const char *name, const char *const *names,
                              size_t count, int64_t plugin_kind);

/* The types of a family: those built in, each by its name, which is its first member, and those registered. */
struct family {
    const char *what;                /* "loss" */
    int64_t plugin_kind;             /* AENC_PLUGIN_...; 0: none can be registered */
    const char *const *const *types; /* &aenc_loss_mse.name ... */
    size_t count;
    const struct family *more; /* whose built-in types are of this family too; NULL: none */
};
/* The type of that name; NULL where it is unknown. ctx NULL: of those built in. */
const void *aenc_family_type(const aenc_context *ctx, const struct family *family, const char *name);
/* The same; NULL with AENC_ERR_ARGUMENT and the known names in the message. */
const void *aenc_family_find(aenc_context *ctx, const struct family *family, const char *name);

#endif
