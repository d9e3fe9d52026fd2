/* code_moments.c - what the elements of the code have to do with each other over the batch.
 *
 *     orthogonal     | C^T C / n - I |_F^2, C the (n, code) codes of the batch: elements of second moment 1 that do
 *     not overlap
 *     decorrelation  | S |_F^2 - | diag S |^2, halved, S the covariance of the codes (DeCov: Cogswell et al. 2016)
 */
#include "penalty/penalty.h"

static const struct setting_rule rules[] = {{.name = NULL}};

/* The mean over the batch of x x^T: of (s x) (s x)^T the sum, s the root of the row's share. */
static struct node *second_moments(struct tape *tape, struct node *x) {
    struct node *root = aenc_op_function(tape, FUNCTION_SQRT, 0, aenc_op_row_share(tape, x));
    return aenc_op_batch_products(tape, aenc_op_multiply(tape, x, root));
}

static struct node *orthogonal_record(struct site *site, const struct json *spec) {
    (void)spec;
    struct tape *tape = site->tape;
    return aenc_op_square_sum(tape, aenc_op_diagonal(tape, second_moments(tape, site->code), 1, -1));
}

static struct node *decorrelation_record(struct site *site, const struct json *spec) {
    (void)spec;
    struct tape *tape = site->tape;
    aenc_tape_least(tape, 2, "decorrelation"); /* one row has no covariance */
    struct node *centred = aenc_op_subtract(tape, site->code, aenc_op_batch_mean(tape, site->code));
    struct node *sum = aenc_op_square_sum(tape, aenc_op_diagonal(tape, second_moments(tape, centred), 0, 0));
    return aenc_op_affine(tape, sum, 0.5, 0);
}

const struct penalty_type aenc_penalty_orthogonal = {"orthogonal", rules, NULL, orthogonal_record};
const struct penalty_type aenc_penalty_decorrelation = {"decorrelation", rules, NULL, decorrelation_record};
