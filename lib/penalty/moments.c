/* moments.c - what the elements of the code have to do with each other over the batch.
 *
 *     orthogonal     | C^T C / n - I |_F^2, C the (n, code) codes of the batch: elements of second moment 1 that do not overlap
 *     decorrelation  | S |_F^2 - | diag S |^2, halved, S the covariance of the codes (DeCov: Cogswell et al. 2016)
 */
#include "penalty/penalty.h"

static const struct setting_rule rules[] = {{.name = NULL}};

/* The mean over the batch of x x^T: of (s x) (s x)^T the sum, s the root of the row's share. */
static struct node *second_moments(struct tape *tape, struct node *x) {
    struct node *root = aenc_op_function(tape, FUNCTION_SQRT, 0, aenc_op_row_share(tape));
    return aenc_op_batch_products(tape, aenc_op_multiply(tape, x, root));
}

/* (size, size) with one number on the diagonal and another off it. */
static struct node *diagonal(struct tape *tape, int64_t size, num on, num off) {
    num *value;
    struct node *n = aenc_op_constant(tape, (struct shape){2, {size, size}}, &value);
    for (int64_t i = 0; n != NULL && i < size * size; i++) value[i] = i % (size + 1) == 0 ? on : off;
    return n;
}

static struct node *orthogonal_record(const struct penalty_site *site, const struct json *spec) {
    (void)spec;
    struct tape *tape = site->recorder->tape;
    struct node *unit = diagonal(tape, aenc_node_row_size(site->code), 1, 0);
    return aenc_op_square_sum(tape, aenc_op_subtract(tape, second_moments(tape, site->code), unit));
}

static struct node *decorrelation_record(const struct penalty_site *site, const struct json *spec) {
    (void)spec;
    struct tape *tape = site->recorder->tape;
    aenc_tape_least(tape, 2, "decorrelation"); /* one row has no covariance */
    struct node *centred = aenc_op_subtract(tape, site->code, aenc_op_batch_mean(tape, site->code));
    struct node *apart = diagonal(tape, aenc_node_row_size(site->code), 0, 1);
    struct node *sum = aenc_op_square_sum(tape, aenc_op_multiply(tape, second_moments(tape, centred), apart));
    return aenc_op_affine(tape, sum, 0.5, 0);
}

const struct penalty_type aenc_penalty_orthogonal = {"orthogonal", rules, NULL, orthogonal_record};
const struct penalty_type aenc_penalty_decorrelation = {"decorrelation", rules, NULL, decorrelation_record};
