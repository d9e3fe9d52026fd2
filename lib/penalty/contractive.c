/* contractive.c - the squared Frobenius norm of the encoder's Jacobian, |dh / dx|_F^2 = sum_ij (dh_j / dx_i)^2 of
 * each row: the code moves little when the input does (Rifai, Vincent, Muller, Glorot & Bengio 2011, equation 3).
 * docs/contractive.md has the derivation. */
#include "penalty/jacobian.h"
#include "penalty/penalty.h"

static const struct setting_rule rules[] = {
    {.name = "probes", .kind = SETTING_INTEGER, .fallback = 0, .low = 0, .high = 65536}, /* 0: exactly */
    {.name = NULL},
};

static struct node *record(struct site *site, const struct json *spec) {
    int64_t probes = aenc_setting_integer(spec, rules, "probes");
    return aenc_jacobian_norm_record(site->tape, site->input, site->code, probes);
}

const struct penalty_type aenc_penalty_contractive = {"contractive", rules, NULL, record};
