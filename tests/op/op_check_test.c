/* op_check_test.c - every op's gradient and tangent against differences; and the checker against ops that are wrong. */
#include <string.h>

#include "check.h"
#include "base/mem.h"
#include "io/json.h"
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

/* dx (=, +=) factor dy over the span, from index `from` of the result's axis 0 on */
static void pass(const struct node *n, struct span s, int64_t from, num factor, num *dx, bool add,
                 const struct run *run) {
    int64_t each = aenc_op_stride0(n);
    for (int64_t i = 0; i < (s.hi - s.lo) * each; i++)
        dx[i] = (add ? dx[i] : 0) + factor * aenc_gradient(run, n)[from * each + i];
}

static void right_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    (void)operand;
    pass(n, s, s.lo, 3, dx, add, run);
}

static void sign_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    (void)operand;
    pass(n, s, s.lo, -3, dx, add, run);
}

static void assigning_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                               const struct run *run) {
    (void)operand, (void)add;
    pass(n, s, s.lo, 3, dx, false, run);
}

static void adding_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    (void)operand, (void)add;
    pass(n, s, s.lo, 3, dx, true, run);
}

/* Every row that there may be, whichever are wanted: with the gradient of the first that is. */
static void whole_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    num *all = aenc_gradient(run, n->in[operand]);
    for (int64_t r = 0; r < n->shape.dim[0]; r++)
        pass(n, (struct span){r, r + 1}, s.lo, 3, all + r * aenc_op_stride0(n), add, run);
    (void)dx;
}

/* Of the first tile, whichever is wanted. */
static void first_tile_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                                const struct run *run) {
    (void)operand;
    pass(n, s, 0, 3, dx, add, run);
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
    {"right", 1, .infer = like_infer, .forward = triple_forward, .gradient = right_gradient, .tangent = right_tangent},
    {"sign", 1, .infer = like_infer, .forward = triple_forward, .gradient = sign_gradient},
    {"assigning", 1, .infer = like_infer, .forward = triple_forward, .gradient = assigning_gradient},
    {"adding", 1, .infer = like_infer, .forward = triple_forward, .gradient = adding_gradient},
    {"whole", 1, .infer = like_infer, .forward = triple_forward, .gradient = whole_gradient},
    {"first tile", 1, .infer = like_infer, .forward = triple_forward, .gradient = first_tile_gradient},
    {"tangent", 1, .infer = like_infer, .forward = triple_forward, .gradient = right_gradient, .tangent = wrong_tangent},
    {"surrogate", 1, .surrogate = true, .infer = like_infer, .forward = triple_forward, .gradient = sign_gradient},
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

/* ---- Attributes ---- */

/* Whether n has settings exactly if it describes them, and the description is JSON that reads back. */
static bool description_good(aenc_context *ctx, const struct node *n) {
    if ((n->attr != NULL) != (n->op->describe != NULL)) return false;
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct json *written = aenc_node_describe(n, &arena), *read;
    char *text = NULL;
    size_t length;
    bool good = written != NULL && written->count >= (n->attr != NULL ? 2u : 1u) &&
                aenc_json_write(ctx, written, &text, &length) == AENC_OK &&
                aenc_json_parse(&arena, text, length, "a description", &read) == AENC_OK && read->count == written->count;
    aenc_release(ctx, text);
    aenc_arena_free(&arena);
    return good;
}

/* Every node of every case, recorded with inputs that have rows where they may. */
static void test_descriptions(aenc_context *ctx) {
    struct op_case c;
    for (size_t i = 0; op_case_get(i, &c); i++) {
        struct tape tape;
        if (!CHECK(op_check_record(ctx, &c, &tape) == AENC_OK)) fprintf(stderr, "  op '%s', %s\n", c.op, c.label);
        for (size_t k = 0; k < tape.node_count; k++)
            if (tape.node[k]->op != NULL && !CHECK(description_good(ctx, tape.node[k])))
                fprintf(stderr, "  op '%s'\n", tape.node[k]->op->name);
        aenc_tape_free(&tape);
    }
}

int main(void) {
    aenc_context *ctx = NULL;
    if (!CHECK(aenc_context_create(NULL, &ctx) == AENC_OK)) return check_finish();
    test_every_op_has_a_case();
    test_checker(ctx);
    test_ops(ctx);
    test_descriptions(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
