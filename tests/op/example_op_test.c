/* example_op_test.c - a new op from beginning to end, written against tape/op.h alone, and its check.
 *
 * The op is a gain on powers: y = w |x|^p, with x (rows, n), w (n) one gain for each column and p a setting. In the
 * library its functions would be a file of lib/op/, the struct op a row of that file's table, and the case one of
 * op_cases.c.
 */
#include "tape/op.h"

#include <inttypes.h>
#include <math.h>

struct power {
    double exponent;
};

enum { POWER_X, POWER_GAIN };

static aenc_status power_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[POWER_X], *gain = n->in[POWER_GAIN];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    bool good = x->kind == NODE_ROW && x->shape.rank == 2 && gain->kind != NODE_ROW && gain->shape.rank == 1 &&
                gain->shape.dim[0] == x->shape.dim[1];
    if (!good)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'power': x of shape %s does not go with gains of shape %s",
                              aenc_shape_text(x, a), aenc_shape_text(gain, b));
    n->kind = NODE_ROW;
    n->space = x->space;
    n->shape = x->shape;
    return AENC_OK;
}

/* y = w |x|^p */
static void power_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct power *power = n->attr;
    int64_t columns = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[POWER_X]), *gain = aenc_value(run, n->in[POWER_GAIN]);
    num *y = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++)
        for (int64_t c = 0; c < columns; c++)
            y[r * columns + c] = gain[c] * (num)pow(fabs((double)x[r * columns + c]), power->exponent);
}

/* dx = dy w p |x|^(p - 1) sign(x), for rows of the span */
static void power_gradient_x(const struct node *n, struct span rows, num *dx, bool add, const struct run *run) {
    const struct power *power = n->attr;
    int64_t columns = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[POWER_X]) + rows.lo * columns, *gain = aenc_value(run, n->in[POWER_GAIN]);
    const num *dy = aenc_gradient(run, n) + rows.lo * columns;
    for (int64_t i = 0; i < (rows.hi - rows.lo) * columns; i++) {
        double slope = power->exponent * pow(fabs((double)x[i]), power->exponent - 1);
        dx[i] = (add ? dx[i] : 0) + dy[i] * gain[i % columns] * (num)(x[i] < 0 ? -slope : slope);
    }
}

/* dw = sum over rows of dy |x|^p, for columns of the span */
static void power_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const struct power *power = n->attr;
    int64_t columns = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[POWER_X]), *dy = aenc_gradient(run, n);
    if (operand == POWER_X) {
        power_gradient_x(n, s, dx, add, run);
        return;
    }
    for (int64_t c = s.lo; c < s.hi; c++) {
        double sum = 0;
        for (int64_t i = run->rows.lo * columns + c; i < run->rows.hi * columns; i += columns)
            sum += (double)dy[i] * pow(fabs((double)x[i]), power->exponent);
        dx[c - s.lo] = (add ? dx[c - s.lo] : 0) + (num)sum;
    }
}

static void power_describe(const struct node *n, struct description *to) {
    const struct power *power = n->attr;
    aenc_describe_number(to, "exponent", power->exponent);
}

static const struct op power_op = {
    .name = "power",
    .arity = 2,
    .infer = power_infer,
    .forward = power_forward,
    .gradient = power_gradient,
    .describe = power_describe,
};

static struct node *power_record(struct tape *tape, struct node *x, struct node *gain, double exponent) {
    struct power power = {exponent};
    struct node *in[] = {x, gain};
    return aenc_tape_record(tape, &power_op, in, 2, &power, sizeof power);
}

/* ---- Its check ---- */

#include "check.h"
#include "op_check.h"

static struct node *power_build(struct tape *tape, struct node *const *leaf, const struct op_case *c) {
    return power_record(tape, leaf[0], leaf[1], c->number[0]);
}

int main(void) {
    aenc_context *ctx = NULL;
    if (!CHECK(aenc_context_create(NULL, &ctx) == AENC_OK)) return check_finish();
    struct op_case c = {"power", "the example", power_build, 2,
                        {{LEAF_ROW, -2, 2, 1, {5}}, {LEAF_FLAT, 0.5, 2, 1, {5}}}, .number = {3}};
    CHECK(op_check_case(ctx, &c, stderr) == 0);
    c.leaf[1].dim[0] = 4; /* gains of the wrong number are refused */
    CHECK(op_check_case(ctx, &c, NULL) > 0);
    aenc_context_free(ctx);
    return check_finish();
}
