/* gaussian.c - independent normal noise of standard deviation sigma added to each element. What an autoencoder g
 * learns from it with squared error gives the slope of the data's log density: (g(x) - x) / sigma^2 for small sigma
 * (Alain & Bengio 2014, theorem 1). */
#include <math.h>

#include "corruption/corruption.h"

static const struct setting_rule rules[] = {
    {.name = "sigma", .kind = SETTING_NUMBER, .required = true, .low = 0, .high = INFINITY},
    {.name = NULL},
};

static struct node *record(struct site *site, const struct json *spec, struct node *x, struct node *level) {
    (void)spec;
    return aenc_op_add_noise(site->tape, "draw", x, level);
}

const struct corruption_type aenc_corruption_gaussian = {
    .name = "gaussian", .rules = rules, .level = "sigma", .record = record};
