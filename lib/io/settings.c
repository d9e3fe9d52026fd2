/* settings.c - specs checked against rules, and settings taken out of them. The text form is in settings_parse.c. */
#include "io/settings.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/plugin.h"
#include "io/bytes.h"
#include "io/message_text.h"

enum { DESCRIPTION_SIZE = 128, KNOWN_MAX = 64 };

const char *aenc_settings_type(const struct json *spec) {
    const struct json *type = aenc_json_member(spec, "type");
    return type != NULL && type->kind == JSON_TEXT ? type->text : "";
}

/* ---- Words for messages ---- */

static void describe_value(const struct json *value, char text[DESCRIPTION_SIZE]) {
    switch (value->kind) {
    case JSON_NULL: snprintf(text, DESCRIPTION_SIZE, "null"); break;
    case JSON_BOOL: snprintf(text, DESCRIPTION_SIZE, value->truth ? "true" : "false"); break;
    case JSON_NUMBER: snprintf(text, DESCRIPTION_SIZE, "%s", aenc_shown(value->number).text); break;
    case JSON_TEXT: snprintf(text, DESCRIPTION_SIZE, "'%s'", aenc_quoted(value->text).text); break;
    case JSON_ARRAY: snprintf(text, DESCRIPTION_SIZE, "a list of %zu", value->count); break;
    case JSON_OBJECT: snprintf(text, DESCRIPTION_SIZE, "an object"); break;
    }
}

/* " from 1 to 6", " above 0", ...; "" without limits. */
static void describe_range(const struct setting_rule *rule, char text[DESCRIPTION_SIZE]) {
    const struct value_text low = aenc_shown(rule->low), high = aenc_shown(rule->high);
    char lower[48] = "", upper[48] = "";
    const bool has_low = rule->low > -INFINITY, has_high = rule->high < INFINITY;
    const bool above_zero = rule->low == DBL_MIN, below_one = rule->high == 1 - DBL_EPSILON;
    if (has_low && has_high && !above_zero && !below_one) {
        snprintf(text, DESCRIPTION_SIZE, " from %s to %s", low.text, high.text);
        return;
    }
    if (above_zero)
        snprintf(lower, sizeof lower, " above 0");
    else if (has_low)
        snprintf(lower, sizeof lower, " of at least %s", low.text);
    if (below_one)
        snprintf(upper, sizeof upper, " below 1");
    else if (has_high)
        snprintf(upper, sizeof upper, " of at most %s", high.text);
    snprintf(text, DESCRIPTION_SIZE, "%s%s%s", lower, lower[0] != '\0' && upper[0] != '\0' ? " and" : "", upper);
}

static const char *describe_kind(enum setting_kind kind) {
    switch (kind) {
    case SETTING_NUMBER: return "a number";
    case SETTING_INTEGER: return "a whole number";
    case SETTING_BOOL: return "true or false";
    case SETTING_TEXT:
    case SETTING_CHOICE: return "a word";
    case SETTING_SIZES: return "a list such as 8x8 of 1 to 6 whole numbers, each";
    case SETTING_LAYERS: return "a list of layers";
    case SETTING_NUMBERS: return "a list such as 0.5;1 of numbers, each";
    }
    return "";
}

char *aenc_names_list(const char *const *names, size_t count, char *buffer, size_t size) {
    static const char more[] = "...";
    size_t used = 0;
    if (size == 0) return buffer;
    buffer[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        size_t needed = length + (i > 0 ? 2 : 0);
        size_t reserve = i + 1 < count ? sizeof ", ..." - 1 : 0; /* so that "..." still fits behind it */
        if (size - used <= needed + reserve) {
            snprintf(buffer + used, size - used, "%s%s", i > 0 ? ", " : "", more);
            break;
        }
        snprintf(buffer + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
        used += needed;
    }
    return buffer;
}

aenc_status aenc_name_unknown(aenc_context *ctx, const char *what, const char *name, const char *const *names,
                              size_t count, int64_t plugin_kind) {
    const char *known[KNOWN_MAX];
    char list[512];
    size_t all = count < KNOWN_MAX ? count : KNOWN_MAX;
    for (size_t i = 0; i < all; i++) known[i] = names[i];
    all = aenc_plugin_names(ctx, plugin_kind, known, all, KNOWN_MAX);
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "unknown %s '%s'; known: %s", what, aenc_quoted(name).text,
                     aenc_names_list(known, all, list, sizeof list));
}

const void *aenc_family_type(const aenc_context *ctx, const struct family *family, const char *name) {
    for (const struct family *f = family; f != NULL; f = f->more)
        for (size_t i = 0; i < f->count; i++)
            if (strcmp(*f->types[i], name) == 0) return f->types[i];
    return ctx == NULL ? NULL : aenc_plugin_type(ctx, family->plugin_kind, name);
}

const void *aenc_family_find(aenc_context *ctx, const struct family *family, const char *name) {
    const char *known[KNOWN_MAX];
    size_t count = 0;
    const void *type = aenc_family_type(ctx, family, name);
    if (type != NULL) return type;
    for (const struct family *f = family; f != NULL; f = f->more)
        for (size_t i = 0; i < f->count && count < KNOWN_MAX; i++) known[count++] = *f->types[i];
    aenc_name_unknown(ctx, family->what, name, known, count, family->plugin_kind);
    return NULL;
}

/* ---- Checking ---- */

/* "layer 'dense'", or "layer" alone where a type is missing. */
static void describe_spec(const char *what, const struct json *spec, char text[DESCRIPTION_SIZE * 2]) {
    const char *type = aenc_settings_type(spec);
    if (type[0] == '\0')
        snprintf(text, DESCRIPTION_SIZE * 2, "%s", aenc_quoted(what).text);
    else
        snprintf(text, DESCRIPTION_SIZE * 2, "%s '%s'", aenc_quoted(what).text, aenc_quoted(type).text);
}

static const struct setting_rule *rule_find(const struct setting_rule *rules, const char *name) {
    for (; rules->name != NULL; rules++)
        if (strcmp(rules->name, name) == 0) return rules;
    return NULL;
}

static bool number_fits(const struct json *value, const struct setting_rule *rule) {
    double number = value->number;
    if (value->kind != JSON_NUMBER || !isfinite(number) || number < rule->low || number > rule->high) return false;
    return rule->kind == SETTING_NUMBER || rule->kind == SETTING_NUMBERS ||
           (floor(number) == number && fabs(number) < 0x1p53);
}

static bool length_fits(const struct json *value, const struct setting_rule *rule) {
    return value->kind == JSON_ARRAY && value->count >= 1 &&
           (rule->kind == SETTING_NUMBERS || value->count <= SETTING_SIZES_MAX);
}

/* The place of a word among those of "mean|sum"; -1: it is none of them. */
static int choice_find(const char *words, const char *word) {
    size_t length = strlen(word);
    for (int i = 0;; i++) {
        size_t own = strcspn(words, "|");
        if (own == length && memcmp(words, word, length) == 0) return i;
        if (words[own] == '\0') return -1;
        words += own + 1;
    }
}

static bool value_fits(const struct json *value, const struct setting_rule *rule) {
    switch (rule->kind) {
    case SETTING_NUMBER:
    case SETTING_INTEGER: return number_fits(value, rule);
    case SETTING_BOOL: return value->kind == JSON_BOOL;
    case SETTING_TEXT: return value->kind == JSON_TEXT;
    case SETTING_CHOICE: return value->kind == JSON_TEXT && choice_find(rule->text_fallback, value->text) >= 0;
    case SETTING_SIZES:
    case SETTING_NUMBERS:
        if (value->kind == JSON_NUMBER) return number_fits(value, rule);
        if (!length_fits(value, rule)) return false;
        for (const struct json *size = value->first; size != NULL; size = size->next)
            if (!number_fits(size, rule)) return false;
        return true;
    case SETTING_LAYERS:
        if (value->kind != JSON_ARRAY) return false;
        for (const struct json *layer = value->first; layer != NULL; layer = layer->next)
            if (layer->kind != JSON_OBJECT) return false;
        return true;
    }
    return false;
}

static aenc_status fail_unknown(aenc_context *ctx, const char *whose, const char *name,
                                const struct setting_rule *rules) {
    enum { NAMES = 64 };
    const char *names[NAMES];
    char known[512];
    size_t count = 0;
    while (rules[count].name != NULL && count < NAMES) {
        names[count] = rules[count].name;
        count++;
    }
    if (count == 0)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: unknown setting '%s'; it has no settings", whose,
                         aenc_quoted(name).text);
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: unknown setting '%s'; known: %s", whose, aenc_quoted(name).text,
                     aenc_names_list(names, count, known, sizeof known));
}

/* For a list, the message shows the first element that is wrong, or its length. */
static const struct json *culprit(const struct json *value, const struct setting_rule *rule) {
    if ((rule->kind != SETTING_SIZES && rule->kind != SETTING_NUMBERS) || !length_fits(value, rule)) return value;
    for (const struct json *size = value->first; size != NULL; size = size->next)
        if (!number_fits(size, rule)) return size;
    return value;
}

static aenc_status fail_value(aenc_context *ctx, const char *whose, const struct json *value,
                              const struct setting_rule *rule) {
    char is[DESCRIPTION_SIZE], range[DESCRIPTION_SIZE] = "";
    const struct json *wrong = culprit(value, rule);
    describe_value(wrong, is);
    if (rule->kind == SETTING_CHOICE) {
        char words[DESCRIPTION_SIZE] = "";
        for (size_t i = 0, n = 0; rule->text_fallback[i] != '\0' && n + 3 < sizeof words; i++) {
            bool bar = rule->text_fallback[i] == '|';
            words[n++] = bar ? ',' : rule->text_fallback[i];
            if (bar) words[n++] = ' ';
            words[n] = '\0';
        }
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: setting '%s' is %s; known: %s", whose, rule->name, is, words);
    }
    if (rule->kind != SETTING_BOOL && rule->kind != SETTING_TEXT && rule->kind != SETTING_LAYERS)
        describe_range(rule, range);
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: setting '%s' %s %s; it must be %s%s", whose, rule->name,
                     wrong == value ? "is" : "contains", is, describe_kind(rule->kind), range);
}

aenc_status aenc_settings_check(aenc_context *ctx, const char *what, const struct json *spec,
                                const struct setting_rule *rules) {
    char whose[DESCRIPTION_SIZE * 2];
    describe_spec(what, spec, whose);
    if (spec == NULL || spec->kind != JSON_OBJECT)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: a description must be an object", whose);
    for (const struct json *member = spec->first; member != NULL; member = member->next) {
        if (strcmp(member->key, "type") == 0) {
            if (member->kind == JSON_TEXT) continue;
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: 'type' must be a name", whose);
        }
        const struct setting_rule *rule = rule_find(rules, member->key);
        if (rule == NULL) return fail_unknown(ctx, whose, member->key, rules);
        if (!value_fits(member, rule)) return fail_value(ctx, whose, member, rule);
    }
    for (const struct setting_rule *rule = rules; rule->name != NULL; rule++)
        if (rule->required && aenc_json_member(spec, rule->name) == NULL)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: setting '%s' is missing", whose, rule->name);
    return AENC_OK;
}

aenc_status aenc_settings_check_both(aenc_context *ctx, const char *what, const struct json *spec,
                                     const struct setting_rule *rules, const struct setting_rule *common) {
    struct setting_rule all[SETTING_RULES_MAX + 1];
    size_t count = 0;
    while (rules->name != NULL && count < SETTING_RULES_MAX) all[count++] = *rules++;
    while (common != NULL && common->name != NULL && count < SETTING_RULES_MAX) all[count++] = *common++;
    all[count].name = NULL;
    return aenc_settings_check(ctx, what, spec, all);
}

/* ---- Taking out ---- */

/* The member, or NULL where the rule's default holds; *rule is never NULL. */
static const struct json *setting_find(const struct json *spec, const struct setting_rule *rules, const char *name,
                                       const struct setting_rule **rule) {
    *rule = rule_find(rules, name);
    assert(*rule != NULL);
    return aenc_json_member(spec, name);
}

double aenc_setting_number(const struct json *spec, const struct setting_rule *rules, const char *name) {
    const struct setting_rule *rule;
    const struct json *value = setting_find(spec, rules, name, &rule);
    return value != NULL ? value->number : rule->fallback;
}

int64_t aenc_setting_integer(const struct json *spec, const struct setting_rule *rules, const char *name) {
    return (int64_t)aenc_setting_number(spec, rules, name);
}

bool aenc_setting_bool(const struct json *spec, const struct setting_rule *rules, const char *name) {
    const struct setting_rule *rule;
    const struct json *value = setting_find(spec, rules, name, &rule);
    return value != NULL ? value->truth : rule->fallback != 0;
}

int aenc_setting_choice(const struct json *spec, const struct setting_rule *rules, const char *name) {
    const struct setting_rule *rule;
    const struct json *value = setting_find(spec, rules, name, &rule);
    return value == NULL ? 0 : choice_find(rule->text_fallback, value->text);
}

const char *aenc_setting_text(const struct json *spec, const struct setting_rule *rules, const char *name) {
    const struct setting_rule *rule;
    const struct json *value = setting_find(spec, rules, name, &rule);
    return value != NULL ? value->text : rule->text_fallback;
}

int aenc_setting_sizes(const struct json *spec, const struct setting_rule *rules, const char *name, int64_t *out) {
    const struct setting_rule *rule;
    const struct json *value = setting_find(spec, rules, name, &rule);
    int count = 0;
    if (value == NULL) return 0;
    if (value->kind == JSON_NUMBER) out[count++] = (int64_t)value->number;
    for (const struct json *size = value->first; size != NULL && count < SETTING_SIZES_MAX; size = size->next)
        out[count++] = (int64_t)size->number;
    return count;
}
