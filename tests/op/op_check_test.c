/* op_check_test.c - every op's gradient and tangent against differences; and the checker against ops that are wrong. */
#include <string.h>

#include "check.h"
#include "op/family.h"
#include "op_check.h"

/* ---- Ops that are wrong, each in one way; the value is 3 x ---- */

static aenc_status like_infer(struct tape *tape, struct node *n) {
    (void)tape;
    return aenc_op_infer_like(n, n->in[0]);
}

static void triple_forward(const struct node *n, struct span rows, const struct run *run) {
    struct span s = aenc_op_span0(n, rows);
    for (int64_t i = s.lo * aenc_op_stride0(n); i < s.hi * aenc_op_stride0(n); i++)
        aenc_value(run, n)[i] = 3 * aenc_value(run, n->in[0])[i];
}

/* dx (=, +=) factor dy over rows [lo, hi) */
static void pass(const struct node *n, struct span s, num factor, bool add, const struct run *run) {
    for (int64_t i = s.lo * aenc_op_stride0(n); i < s.hi * aenc_op_stride0(n); i++) {
        num *dx = aenc_gradient(run, n->in[0]) + i;
        *dx = (add ? *dx : 0) + factor * aenc_gradient(run, n)[i];
    }
}

static bool adds(const struct node *n) { return aenc_gradient_mode(n, 0) == GRADIENT_ADD; }

static void right_backward(const struct node *n, struct span rows, const struct run *run) {
    if (aenc_gradient_mode(n, 0) != GRADIENT_NONE) pass(n, aenc_op_span0(n, rows), 3, adds(n), run);
}

static void sign_backward(const struct node *n, struct span rows, const struct run *run) {
    if (aenc_gradient_mode(n, 0) != GRADIENT_NONE) pass(n, aenc_op_span0(n, rows), -3, adds(n), run);
}

static void assigning_backward(const struct node *n, struct span rows, const struct run *run) {
    if (aenc_gradient_mode(n, 0) != GRADIENT_NONE) pass(n, aenc_op_span0(n, rows), 3, false, run);
}

static void adding_backward(const struct node *n, struct span rows, const struct run *run) {
    if (aenc_gradient_mode(n, 0) != GRADIENT_NONE) pass(n, aenc_op_span0(n, rows), 3, true, run);
}

static void whole_backward(const struct node *n, struct span rows, const struct run *run) {
    (void)rows;
    if (aenc_gradient_mode(n, 0) != GRADIENT_NONE) pass(n, (struct span){0, n->shape.dim[0]}, 3, adds(n), run);
}

/* Gathers 3 dy of the wanted tile, or, wrongly, of the first. */
static void right_gather(const struct node *n, int operand, struct span tile, struct span rows, num *out, bool add,
                         const struct run *run) {
    (void)operand, (void)rows;
    int64_t each = aenc_op_stride0(n);
    for (int64_t i = 0; i < (tile.hi - tile.lo) * each; i++)
        out[i] = (add ? out[i] : 0) + 3 * aenc_gradient(run, n)[tile.lo * each + i];
}

static void first_tile_gather(const struct node *n, int operand, struct span tile, struct span rows, num *out, bool add,
                              const struct run *run) {
    struct span first = {0, tile.hi - tile.lo};
    right_gather(n, operand, first, rows, out, add, run);
}

static struct node *right_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    (void)n;
    return aenc_op_affine(tape, tangents[0], 3, 0);
}

static struct node *wrong_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    (void)n;
    return aenc_op_affine(tape, tangents[0], 2, 0);
}

static const struct op wrong_ops[] = {
    {"right", 1, .infer = like_infer, .forward = triple_forward, .backward = right_backward, .gather = right_gather,
     .tangent = right_tangent},
    {"sign", 1, .infer = like_infer, .forward = triple_forward, .backward = sign_backward, .gather = right_gather},
    {"assigning", 1, .infer = like_infer, .forward = triple_forward, .backward = assigning_backward,
     .gather = right_gather},
    {"adding", 1, .infer = like_infer, .forward = triple_forward, .backward = adding_backward, .gather = right_gather},
    {"whole", 1, .infer = like_infer, .forward = triple_forward, .backward = whole_backward, .gather = right_gather},
    {"first tile", 1, .infer = like_infer, .forward = triple_forward, .backward = right_backward,
     .gather = first_tile_gather},
    {"tangent", 1, .infer = like_infer, .forward = triple_forward, .backward = right_backward, .gather = right_gather,
     .tangent = wrong_tangent},
    {"surrogate", 1, .surrogate = true, .infer = like_infer, .forward = triple_forward, .backward = sign_backward,
     .gather = right_gather},
};

static struct node *wrong_build(struct tape *tape, struct node *const *x, const struct op_case *c) {
    return aenc_tape_record(tape, &wrong_ops[c->choice], x, 1, NULL, 0);
}

static double minus_three(double x) {
    (void)x;
    return -3;
}

static double three(double x) {
    (void)x;
    return 3;
}

static void test_checker(aenc_context *ctx) {
    for (int i = 0; i < 7; i++) {
        int kinds = i == 5 ? LEAF_PARAMETER : i == 0 ? LEAF_ANY : LEAF_ROW;
        struct op_case c = {wrong_ops[i].name, "", wrong_build, 1, {{kinds, -2, 2, 2, {2, 3}}}, .choice = i};
        int mismatches = op_check_case(ctx, &c, i == 0 ? stderr : NULL);
        if (!CHECK((mismatches == 0) == (i == 0))) fprintf(stderr, "  op '%s'\n", c.op);
    }
    struct op_case stated = {"surrogate", "", wrong_build, 1, {{LEAF_ROW, -2, 2, 2, {2, 3}}}, .choice = 7};
    CHECK(op_check_case(ctx, &stated, NULL) > 0);
    stated.formula = three;
    CHECK(op_check_case(ctx, &stated, NULL) > 0);
    stated.formula = minus_three;
    CHECK(op_check_case(ctx, &stated, stderr) == 0);
}

/* ---- The library's ops ---- */

static void test_ops(aenc_context *ctx) {
    struct op_case c;
    for (size_t i = 0; op_case_get(i, &c); i++)
        if (!CHECK(op_check_case(ctx, &c, stderr) == 0)) fprintf(stderr, "  op '%s', %s\n", c.op, c.label);
}

static bool has_case(const char *op) {
    struct op_case c;
    for (size_t i = 0; op_case_get(i, &c); i++)
        if (strcmp(c.op, op) == 0) return true;
    return false;
}

static void test_every_op_has_a_case(void) {
    for (const struct op *const *const *family = aenc_op_tables; *family != NULL; family++)
        for (const struct op *const *op = *family; *op != NULL; op++)
            if (!CHECK(has_case((*op)->name))) fprintf(stderr, "  op '%s' has no case in op_cases.c\n", (*op)->name);
}

int main(void) {
    aenc_context *ctx = NULL;
    if (!CHECK(aenc_context_create(NULL, &ctx) == AENC_OK)) return check_finish();
    test_every_op_has_a_case();
    test_checker(ctx);
    test_ops(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
