/* l1.c - the sum of the magnitudes of a row's code:  sum_j |h_j|. It drives elements to exactly 0 (Tibshirani 1996; as a
 * sparse autoencoder's penalty, Goodfellow, Bengio & Courville 2016, section 14.2.1). */
#include "penalty/penalty.h"

static const struct setting_rule rules[] = {{.name = NULL}};

static struct node *record(const struct penalty_site *site, const struct json *spec) {
    (void)spec;
    struct tape *tape = site->recorder->tape;
    return aenc_op_row_sum(tape, aenc_op_function(tape, FUNCTION_ABSOLUTE, 0, site->code));
}

const struct penalty_type aenc_penalty_l1 = {"l1", rules, NULL, record};
