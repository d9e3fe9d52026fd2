/* replace.c - elements replaced, each with probability level (Vincent et al. 2010, section 3.4).
 *
 *     mask          by one value
 *     salt_pepper   by low or by high, a fair coin each
 */
#include <math.h>

#include "corruption/corruption.h"

static const struct setting_rule mask_rules[] = {
    {.name = "level", .kind = SETTING_NUMBER, .required = true, .low = 0, .high = 1},
    {.name = "value", .kind = SETTING_NUMBER, .low = -INFINITY, .high = INFINITY},
    {.name = NULL},
};
static const struct setting_rule salt_pepper_rules[] = {
    {.name = "level", .kind = SETTING_NUMBER, .required = true, .low = 0, .high = 1},
    {.name = "low", .kind = SETTING_NUMBER, .low = -INFINITY, .high = INFINITY},
    {.name = "high", .kind = SETTING_NUMBER, .fallback = 1, .low = -INFINITY, .high = INFINITY},
    {.name = NULL},
};

static struct node *mask_record(struct site *site, const struct json *spec, struct node *x, struct node *level) {
    double value = aenc_setting_number(spec, mask_rules, "value");
    return aenc_op_replace(site->tape, "draw", x, level, value, value);
}

static struct node *salt_pepper_record(struct site *site, const struct json *spec, struct node *x, struct node *level) {
    return aenc_op_replace(site->tape, "draw", x, level, aenc_setting_number(spec, salt_pepper_rules, "low"),
                           aenc_setting_number(spec, salt_pepper_rules, "high"));
}

const struct corruption_type aenc_corruption_mask = {
    .name = "mask", .rules = mask_rules, .level = "level", .record = mask_record};
const struct corruption_type aenc_corruption_salt_pepper = {
    .name = "salt_pepper", .rules = salt_pepper_rules, .level = "level", .record = salt_pepper_record};
