/* jacobian.c - walking the recorded nodes between an input x of n numbers and a code z of c, in one of two
 * directions.
 *
 * From the code's side, rows of the Jacobian J: c cotangents, for z = f_L(W_L ... f_1(W_1 x)) with slopes a_l = f_l'
 *
 *     T_L = W_L,  T_l = T_(l+1) diag(a_l) W_l,  |J|^2 = sum_j a_Lj^2 |row j of T_1|^2
 *
 * and at the first layer, where W_1 has many columns, |t W_1|^2 = t (W_1 W_1^T) t^T. One layer alone (Rifai et al.
 * 2011, equation 4) is sum_j a_j^2 |row j of W|^2. From the input's side, columns of J: n tangents. Whichever needs
 * fewer multiplications is taken. With k random directions v, E v v^T = 1, E |J v|^2 = E |v^T J|^2 = |J|^2
 * (Hutchinson 1990).
 *
 * What is recorded are ordinary nodes, and so the gradient is exact, second derivatives of the activations included.
 */
#include "penalty/jacobian.h"

struct way {
    struct tape *tape;
    struct node *input, *code;
    int64_t probes;
    bool *on;            /* by index of nodes up to the code: the code depends on the input through it */
    struct node **along; /* its cotangents or tangents, (rows, directions, ...); NULL: none yet, or zero */
    int *uses;           /* how many operands on the way it is ... */
    struct node **user;  /* ... the last of them of this node */
};

/* ---- Which nodes ---- */

/* Statistics of the batch end a way. */
static bool passes(const struct way *w, const struct node *n, int operand) {
    const struct node *in = n->in[operand];
    return in->index >= w->input->index && w->on[in->index];
}

static aenc_status way_find(struct way *w) {
    size_t count = (size_t)w->code->index + 1;
    w->on = aenc_arena_alloc(&w->tape->arena, count, sizeof *w->on);
    w->along = aenc_arena_alloc(&w->tape->arena, count, sizeof *w->along);
    w->uses = aenc_arena_alloc(&w->tape->arena, count, sizeof *w->uses);
    w->user = aenc_arena_alloc(&w->tape->arena, count, sizeof *w->user);
    bool *needed = aenc_arena_alloc(&w->tape->arena, count, sizeof *needed);
    if (w->on == NULL || w->along == NULL || w->uses == NULL || w->user == NULL || needed == NULL)
        return w->tape->status = AENC_ERR_NO_MEMORY;
    w->on[w->input->index] = needed[w->code->index] = true;
    for (int i = w->input->index + 1; i <= w->code->index; i++) {
        const struct node *n = w->tape->node[i];
        for (int k = 0; k < n->in_count && n->op->span != SPAN_REDUCE; k++) w->on[i] = w->on[i] || passes(w, n, k);
    }
    for (int i = w->code->index; i > w->input->index; i--) {
        const struct node *n = w->tape->node[i];
        w->on[i] = w->on[i] && needed[i];
        for (int k = 0; k < n->in_count && w->on[i]; k++) needed[n->in[k]->index] = true;
    }
    for (int i = w->input->index + 1; i <= w->code->index; i++) {
        struct node *n = w->tape->node[i];
        for (int k = 0; k < n->in_count && w->on[i]; k++) {
            w->uses[n->in[k]->index]++;
            w->user[n->in[k]->index] = n;
        }
    }
    return AENC_OK;
}

/* What the input becomes without being used by anything else on the way: the end of the views of it. */
static struct node *first_used(const struct way *w, int *uses) {
    struct node *x = w->input;
    for (;;) {
        *uses = w->uses[x->index];
        struct node *next = w->user[x->index];
        if (*uses != 1 || !next->op->view || next == w->code) return x;
        x = next;
    }
}

/* The product with the weight of a dense layer that is all that reads the input; NULL: there is no such. */
static struct node *last_product(const struct way *w) {
    int uses;
    struct node *x = first_used(w, &uses);
    for (int i = x->index + 1; i <= w->code->index && uses == 1; i++) {
        struct node *n = w->tape->node[i];
        bool transposed;
        if (w->on[i] && n->in[0] == x && x->shape.rank == 2 && aenc_op_dense_weight(n, &transposed) != NULL) return n;
    }
    return NULL;
}

/* ---- Costs, in multiplications for one row: by shapes alone ---- */

static int64_t width(const struct node *n) { return n->shape.dim[n->shape.rank - 1]; }

/* Whether t W (.., m) is done without: by the metric W W^T (n, n), which is made once for all rows. They are taken
 * to be ROWS: the room that a tape has is that of the largest batch so far, on which no bits may depend. */
static bool gram_pays(int64_t n, int64_t m, int64_t directions) {
    enum { ROWS = 64 };
    return (double)n * (1 + (double)m / (ROWS * (double)directions)) < (double)m;
}

/* Of all directions through every product but `begin`. */
static double cost(const struct way *w, bool from_code, int64_t directions, const struct node *begin) {
    const struct node *last = from_code ? last_product(w) : NULL;
    double sum = 0;
    for (int i = w->input->index + 1; i <= w->code->index; i++) {
        const struct node *n = w->tape->node[i];
        bool transposed;
        if (!w->on[i] || n == begin || aenc_op_dense_weight(n, &transposed) == NULL) continue;
        int64_t in = aenc_node_row_size(n->in[0]), out = width(n);
        sum += (double)out * (double)(n == last && gram_pays(out, in, directions) ? out : in);
    }
    return sum * (double)directions;
}

/* The op that cannot be walked in this direction; NULL: none. */
static const struct op *obstacle(const struct way *w, bool from_code) {
    for (int i = w->input->index + 1; i <= w->code->index; i++) {
        const struct node *n = w->tape->node[i];
        bool known = !w->on[i] || (from_code ? n->op->cotangent != NULL : n->op->tangent != NULL);
        bool turns = n->op != NULL && n->op->symmetric;
        for (int k = 0; k < n->in_count && turns && from_code; k++)
            if (passes(w, n, k)) turns = aenc_shape_equal(&n->shape, &n->in[k]->shape);
        if (!known && !(from_code && turns)) return n->op;
    }
    return NULL;
}

/* ---- What both sides share ---- */

/* What the walk begins with at n: every unit vector, or random ones. */
static struct node *directions_record(const struct way *w, const struct node *n) {
    struct tape *tape = w->tape;
    int rank = n->shape.rank;
    int64_t dims[RANK_MAX] = {w->probes == 0 ? aenc_node_row_size(n) : w->probes};
    for (int i = 1; i < rank; i++) dims[i] = n->shape.dim[i];
    if (w->probes == 0) return aenc_op_reshape(tape, aenc_op_eye(tape, dims[0]), dims, rank);
    /* 1 or -1: no draws with E v v^T = 1 vary less */
    struct node *drawn = aenc_op_uniform(tape, "probes", dims, rank);
    return aenc_op_affine(tape, aenc_op_step(tape, aenc_op_affine(tape, drawn, 1, -0.5)), 2, -1);
}

/* (rows, directions): squares of everything behind the directions. */
static struct node *direction_squares(const struct way *w, struct node *along) {
    if (along == NULL) {
        aenc_tape_fail(w->tape, AENC_ERR_UNSUPPORTED, "the code does not depend on the input");
        return NULL;
    }
    int front = along->kind == NODE_ROW ? 1 : 0;
    int64_t directions = along->shape.dim[front], dims[] = {directions, aenc_node_row_size(along) / directions};
    if (along->shape.rank - front != 2) along = aenc_op_reshape(w->tape, along, dims, 2);
    return aenc_op_line_squares(w->tape, along);
}

/* Sum over exact directions, mean over random ones. */
static struct node *total(const struct way *w, struct node *squares) {
    return w->probes == 0 ? aenc_op_row_sum(w->tape, squares) : aenc_op_row_mean(w->tape, squares);
}

/* ---- From the code's side ---- */

/* Activations at the end scale rows of the Jacobian, which need not be walked with: their slopes, multiplied, (rows,
 * code) or NULL. Answers what they are applied to. */
static struct node *ends_take(const struct way *w, struct node **scale) {
    struct node *y = w->code;
    for (;;) {
        bool transposed, view = y->op != NULL && y->op->view && y->op->cotangent != NULL;
        bool dense = y->op != NULL && aenc_op_dense_weight(y, &transposed) != NULL;
        if (y == w->input || y->op == NULL || (dense && y->shape.rank != 2)) return y;
        struct node *slope = view ? NULL : aenc_op_flatten(w->tape, aenc_op_derivative_of(w->tape, y));
        if (slope != NULL) *scale = *scale == NULL ? slope : aenc_op_multiply(w->tape, *scale, slope);
        if (dense || (!view && slope == NULL)) return y;
        y = y->in[0];
    }
}

/* A dense layer's weight as (out, in). */
static struct node *weight_of(const struct way *w, const struct node *dense) {
    bool transposed;
    struct node *weight = aenc_op_dense_weight(dense, &transposed);
    return transposed ? aenc_op_transpose(w->tape, weight, (int[]){1, 0}) : weight;
}

/* Squares of the lines of (t diag(slope)) W, (rows, directions). */
static struct node *last_squares(const struct way *w, struct node *dense) {
    struct tape *tape = w->tape;
    bool transposed;
    struct node *weight = aenc_op_dense_weight(dense, &transposed), *t = w->along[dense->index];
    struct node *slope = aenc_op_derivative_of(tape, dense);
    int64_t directions = t->shape.dim[t->shape.rank - 2];
    if (gram_pays(width(dense), aenc_node_row_size(dense->in[0]), directions))
        return aenc_op_metric_squares(tape, t, slope, aenc_op_gram(tape, weight, transposed));
    if (slope != NULL) t = aenc_op_multiply(tape, slope, t);
    return aenc_op_line_squares(tape, aenc_op_product(tape, t, weight, !transposed));
}

static void along_add(struct way *w, const struct node *in, struct node *more) {
    struct node **along = &w->along[in->index];
    if (more != NULL) *along = *along == NULL ? more : aenc_op_add(w->tape, *along, more);
}

static void back(struct way *w, const struct node *n, int operand) {
    struct node *tangents[OPERANDS_MAX] = {NULL}, *along = w->along[n->index];
    tangents[operand] = along;
    along_add(w, n->in[operand],
              n->op->cotangent != NULL ? n->op->cotangent(w->tape, n, operand, along)
                                       : n->op->tangent(w->tape, n, tangents));
}

static struct node *from_code(struct way *w, struct node *end, struct node *scale) {
    struct node *last = last_product(w);
    bool transposed, dense = w->probes == 0 && end->op != NULL && aenc_op_dense_weight(end, &transposed) != NULL;
    struct node *squares = NULL;
    if (dense && end == last)
        squares = aenc_op_line_squares(w->tape, weight_of(w, end));
    else if (dense && end->shape.rank == 2)
        w->along[end->in[0]->index] = weight_of(w, end);
    else
        w->along[end->index] = directions_record(w, end);
    for (int i = end->index; i > w->input->index && squares == NULL && w->tape->status == AENC_OK; i--) {
        struct node *n = w->tape->node[i];
        if (!w->on[i] || w->along[i] == NULL) continue;
        if (n == last) squares = last_squares(w, n);
        for (int k = 0; k < n->in_count && n != last; k++)
            if (passes(w, n, k)) back(w, n, k);
    }
    if (squares == NULL && w->tape->status == AENC_OK) squares = direction_squares(w, w->along[w->input->index]);
    if (scale != NULL)
        squares = aenc_op_multiply(w->tape, aenc_op_function(w->tape, FUNCTION_SQUARE, 0, scale), squares);
    return total(w, squares);
}

/* ---- From the input's side ---- */

static struct node *from_input(struct way *w) {
    w->along[w->input->index] = directions_record(w, w->input);
    for (int i = w->input->index + 1; i <= w->code->index && w->tape->status == AENC_OK; i++) {
        const struct node *n = w->tape->node[i];
        struct node *tangents[OPERANDS_MAX] = {NULL};
        bool some = false;
        for (int k = 0; k < n->in_count && w->on[i]; k++) {
            if (passes(w, n, k)) tangents[k] = w->along[n->in[k]->index];
            some = some || tangents[k] != NULL;
        }
        if (some) w->along[i] = n->op->tangent(w->tape, n, tangents);
    }
    return w->tape->status != AENC_OK ? NULL : total(w, direction_squares(w, w->along[w->code->index]));
}

struct node *aenc_jacobian_norm_record(struct tape *tape, struct node *input, struct node *code, int64_t probes) {
    if (tape->status != AENC_OK || input == NULL || code == NULL) return NULL;
    struct way w = {.tape = tape, .input = input, .code = code, .probes = probes};
    struct node *end = code, *scale = NULL;
    if (way_find(&w) != AENC_OK) return NULL;
    if (probes == 0) end = ends_take(&w, &scale);
    if (tape->status != AENC_OK) return NULL;
    int64_t rows_of = probes == 0 ? aenc_node_row_size(code) : probes;
    int64_t columns_of = probes == 0 ? aenc_node_row_size(input) : probes;
    bool first = cost(&w, true, rows_of, probes == 0 ? end : NULL) <= cost(&w, false, columns_of, NULL);
    const struct op *here = obstacle(&w, first), *there = obstacle(&w, !first);
    if (here != NULL && there != NULL) {
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "op '%s' has no derivative that could be differentiated once more",
                       here->name);
        return NULL;
    }
    return (here == NULL) == first ? from_code(&w, end, scale) : from_input(&w);
}
