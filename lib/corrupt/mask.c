/* mask.c - elements replaced by one value, each with probability level: "masking noise" of Vincent et al. 2010, section 3.4. */
#include <math.h>

#include "corrupt/corrupt.h"

static const struct setting_rule rules[] = {
    {.name = "level", .kind = SETTING_NUMBER, .required = true, .low = 0, .high = 1},
    {.name = "value", .kind = SETTING_NUMBER, .low = -INFINITY, .high = INFINITY},
    {.name = NULL},
};

static struct node *record(struct tape *tape, const struct json *spec, struct node *x, struct node *level) {
    double value = aenc_setting_number(spec, rules, "value");
    return aenc_op_replace(tape, "draw", x, level, value, value);
}

const struct corruption_type aenc_corruption_mask = {"mask", rules, "level", NULL, record};
