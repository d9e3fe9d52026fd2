/* plan.c - from a recording to a list of stages.
 *
 * What is not reached from an output, a term or a stage is left out. Every node gets a level: the number of boundaries
 * below it, where a boundary is anything that must be complete for all rows before the next may begin (a sum over the
 * batch, an op that reads all rows, a change of row space). Within a level nodes run row shard by row shard without
 * waiting for each other, but for products that may be cut by columns: there the stage ends, in such a way that the
 * run can take it together with its neighbours where they are not. Forward goes up the levels, backward comes down;
 * the gradients of operands without rows are gathered tile by tile where the walk needs them, those of parameters at
 * the very end.
 *
 * Walking the stages in the order in which they will run, the plan knows who writes each gradient first: that one
 * assigns, the others add, and nothing has to be cleared.
 */
#include <string.h>

#include "tape/plan.h"

enum { SHARD_GEMM_ROWS = 64, TILE_NUMBERS = 65536, TILE_MULTIPLE = 16 };

struct planner {
    struct tape *tape;
    struct plan *plan;
    bool *written;               /* by index of a base: its gradient has been assigned */
    struct gathering *gathering; /* every use whose gradient is gathered, in tape order */
    size_t *first;               /* by index of a base: its first use in gathering, plus 1; 0: none */
    unsigned char *products;     /* by index of a base: enum verdict of weight_of_products */
    int top;                     /* highest level */
    struct node **order;         /* what lives, by level, then in tape order */
    size_t *begin;               /* by level: of its nodes in order; of top + 1 the end */
    struct target *target;       /* batch nodes whose gradients are gathered, once for each level of such uses ... */
    size_t *wanted;              /* ... by level: the first of them, plus 1; 0: none */
};

struct target {
    struct node *node;
    size_t next; /* of the same level, plus 1; 0: none */
};

enum verdict { VERDICT_NONE, VERDICT_NO, VERDICT_YES };

struct gathering {
    struct node *node;
    int operand;
    size_t next; /* of the same base, plus 1; 0: none */
};

static bool has_rows(const struct node *n) {
    if (n->kind == NODE_ROW) return true;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i]->kind == NODE_ROW) return true;
    return false;
}

bool aenc_node_by_rows(const struct node *n) {
    if (n->op == NULL) return n->kind == NODE_ROW;
    if (n->op->view || n->op->span == SPAN_SERIAL) return false;
    return n->op->span == SPAN_REDUCE ? has_rows(n) : n->kind == NODE_ROW;
}

int aenc_node_space(const struct node *n) {
    if (n->kind == NODE_ROW) return n->space;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i]->kind == NODE_ROW) return n->in[i]->space;
    return 0;
}

/* Computed in one piece: neither leaf nor view nor by rows. */
static bool once(const struct node *n) { return n->op != NULL && !n->op->view && !aenc_node_by_rows(n); }

/* The gradient of operand i is summed over rows by gather rather than written by backward. */
static bool gathered(const struct node *n, int i) {
    const struct node *base = aenc_node_base(n->in[i]);
    if (base->kind == NODE_PARAMETER) return true;
    return n->in[i]->kind != NODE_ROW && has_rows(n);
}

/* ---- What lives, what carries gradients, on which level ---- */

static void mark_live(const struct planner *p) {
    struct tape *tape = p->tape;
    for (size_t i = 0; i < tape->output_count; i++) tape->output[i]->live = true;
    for (size_t i = 0; i < tape->term_count; i++) {
        tape->term[i].node->live = true;
        if (tape->term[i].weight_step != NULL) tape->term[i].weight_step->live = true;
    }
    for (size_t i = 0; i < tape->stage_count; i++) tape->stage[i].value->live = tape->stage[i].state->live = true;
    for (size_t i = tape->node_count; i-- > 0;) {
        struct node *n = tape->node[i];
        for (int k = 0; k < n->in_count && n->live; k++) n->in[k]->live = true;
    }
}

/* A gradient passes through a node when a term is above it and something that wants one is below. Every op on the way
 * must know its derivative. */
static aenc_status mark_active(const struct planner *p) {
    struct tape *tape = p->tape;
    for (size_t i = 0; i < tape->term_count; i++) tape->term[i].node->active = tape->term[i].node->needs_gradient;
    for (size_t i = tape->node_count; i-- > 0;) {
        struct node *n = tape->node[i];
        for (int k = 0; k < n->in_count && n->active; k++) {
            if (!n->in[k]->needs_gradient) continue;
            n->in[k]->active = true;
            if (!n->op->view && n->op->gradient == NULL)
                return aenc_tape_fail(
                    tape, AENC_ERR_NO_GRADIENT,
                    "op '%s'%s%s has no derivative for operand %d, and trained parameters lie below it", n->op->name,
                    n->name[0] == '\0' ? "" : " of ", n->name, k);
        }
    }
    return AENC_OK;
}

/* How far n must lie above operand m. */
static int level_above(const struct node *n, struct node *m) {
    const struct node *base = aenc_node_base(m);
    if (base->op == NULL && base->kind != NODE_ROW) return 0;
    bool rows_below = aenc_node_by_rows(base) && (base->op == NULL || base->op->span != SPAN_REDUCE);
    bool rows_here = aenc_node_by_rows(n) && n->op->span != SPAN_ALL;
    bool same_space = aenc_node_space(base) == aenc_node_space(n);
    if (rows_below && rows_here && same_space) return base->level;
    if (once(base) && once(n)) return base->level;
    return base->level + 1;
}

static void find_levels(struct planner *p) {
    for (size_t i = 0; i < p->tape->node_count; i++) {
        struct node *n = p->tape->node[i];
        n->level = 0;
        for (int k = 0; k < n->in_count; k++) {
            int above = n->op->view ? aenc_node_base(n->in[k])->level : level_above(n, n->in[k]);
            if (above > n->level) n->level = above;
        }
        if (n->live && n->level > p->top) p->top = n->level;
    }
}

/* So that no level looks through the whole tape: there may be as many levels as nodes. */
static aenc_status sort_levels(struct planner *p) {
    struct tape *tape = p->tape;
    size_t levels = (size_t)p->top + 1, sum = 0;
    p->order = aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *p->order);
    p->begin = aenc_alloc(tape->ctx, levels + 1, sizeof *p->begin);
    if (p->order == NULL || p->begin == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < tape->node_count; i++)
        if (tape->node[i]->live) p->begin[tape->node[i]->level + 1]++;
    for (size_t i = 0; i <= levels; i++) p->begin[i] = sum += p->begin[i];
    for (size_t i = tape->node_count; i-- > 0;) /* from the end of each level's part to its beginning */
        if (tape->node[i]->live) p->order[--p->begin[tape->node[i]->level + 1]] = tape->node[i];
    memmove(p->begin, p->begin + 1, levels * sizeof *p->begin);
    p->begin[levels] = sum;
    return AENC_OK;
}

/* About 64 rows for every GEMM: by shapes alone, never by threads, so that results do not depend on them. */
static void find_shards(const struct planner *p) {
    const struct tape *tape = p->tape;
    for (int s = 0; s < tape->space_count; s++) p->plan->shard_rows[s] = SHARD_GEMM_ROWS;
    for (size_t i = 0; i < p->tape->node_count; i++) {
        const struct node *n = p->tape->node[i];
        const struct op_talents *talents = n->op == NULL ? NULL : n->op->talents;
        if (!n->live || talents == NULL || talents->gemm_rows == NULL || !has_rows(n)) continue;
        int64_t rows = SHARD_GEMM_ROWS / talents->gemm_rows(n);
        int64_t *shard = &p->plan->shard_rows[aenc_node_space(n)];
        if (rows < 1) rows = 1;
        if (rows < *shard) *shard = rows;
    }
    for (int s = 0; s < tape->space_count; s++) {
        int64_t wanted = tape->shard_rows[s];
        /* one shard for rows to infer: memory is then given back within a stage */
        if (wanted == 0 && !p->plan->training) wanted = tape->shard_rows[0] * tape->factor[s];
        if (wanted > 0) p->plan->shard_rows[s] = wanted;
    }
}

/* In training plans alone: rows to infer come in chunks, and a chunk is one worker's. */
static void find_columns(const struct planner *p) {
    for (size_t i = 0; i < p->tape->node_count; i++) {
        struct node *n = p->tape->node[i];
        const struct op_talents *talents = n->op == NULL ? NULL : n->op->talents;
        if (n->live && talents != NULL && talents->by_columns != NULL && n->kind == NODE_ROW)
            n->column_parallel_rows = talents->by_columns(n);
    }
}

/* ---- Appending to the plan ---- */

static aenc_status step_add(const struct planner *p, enum step_kind kind, struct node *n, int operand) {
    struct plan *plan = p->plan;
    void *steps = plan->step;
    if (aenc_reserve(p->tape->ctx, &steps, &plan->step_capacity, plan->step_count + 1, sizeof *plan->step) != AENC_OK)
        return AENC_ERR_NO_MEMORY;
    plan->step = steps;
    plan->step[plan->step_count++] = (struct plan_step){kind, n, operand, -1};
    return AENC_OK;
}

static bool rows_or_columns(enum stage_kind kind) { return kind == STAGE_ROWS || kind == STAGE_COLUMNS; }

/* Closes the stage of all steps (or tiles) since `first`; nothing when there are none. With `join` a shard need not
 * wait here for the others. */
static aenc_status stage_close(const struct planner *p, enum stage_kind kind, int space, size_t first, bool join) {
    struct plan *plan = p->plan;
    size_t end = kind == STAGE_GATHER ? plan->tile_count : plan->step_count;
    if (end == first) return AENC_OK;
    struct plan_stage *before = plan->stage_count > 0 ? &plan->stage[plan->stage_count - 1] : NULL;
    bool joined =
        join && before != NULL && before->space == space && rows_or_columns(before->kind) && rows_or_columns(kind);
    if (joined && before->kind == STAGE_ROWS && kind == STAGE_ROWS) {
        before->count += (int64_t)(end - first);
        return AENC_OK;
    }
    void *stages = plan->stage;
    if (aenc_reserve(p->tape->ctx, &stages, &plan->stage_capacity, plan->stage_count + 1, sizeof *plan->stage) !=
        AENC_OK)
        return AENC_ERR_NO_MEMORY;
    plan->stage = stages;
    plan->stage[plan->stage_count++] = (struct plan_stage){kind, space, (int64_t)first, (int64_t)(end - first), joined};
    return AENC_OK;
}

/* What is selected of one level, on its way into stages: steps since `first` are in none yet. `join`: the first of
 * its stages may join the one before, as each of the others may. */
struct section {
    size_t first, stages;
    bool join;
};

static struct section section_open(const struct planner *p, bool join) {
    return (struct section){p->plan->step_count, p->plan->stage_count, join};
}

static aenc_status section_close(const struct planner *p, struct section *section, enum stage_kind kind, int space) {
    bool join = section->join || p->plan->stage_count > section->stages;
    aenc_status status = stage_close(p, kind, space, section->first, join);
    section->first = p->plan->step_count;
    return status;
}

/* Ends the stage of rows, and puts one of columns behind it. */
static aenc_status columns_add(const struct planner *p, struct section *section, enum step_kind kind, struct node *n) {
    aenc_status status = section_close(p, section, STAGE_ROWS, n->space);
    if (status == AENC_OK) status = step_add(p, kind, n, 0);
    return status != AENC_OK ? status : section_close(p, section, STAGE_COLUMNS, n->space);
}

/* ---- Forward ---- */

enum selection { SELECT_ONCE, SELECT_ROWS, SELECT_ALL, SELECT_REDUCE };

static bool selected(const struct node *n, int level, enum selection selection, int space) {
    if (!n->live || n->level != level) return false;
    if (selection == SELECT_ONCE) return once(n);
    if (!aenc_node_by_rows(n) || aenc_node_space(n) != space) return false;
    if (selection == SELECT_REDUCE) return n->op != NULL && n->op->span == SPAN_REDUCE;
    bool all = n->op != NULL && n->op->span == SPAN_ALL;
    return selection == SELECT_ALL ? all : !all;
}

static aenc_status forward_stage(const struct planner *p, int level, enum selection selection, int space) {
    struct section section = section_open(p, false);
    aenc_status status = AENC_OK;
    for (size_t i = p->begin[level]; i < p->begin[level + 1] && status == AENC_OK; i++) {
        struct node *n = p->order[i];
        bool both = selection == SELECT_ROWS && selected(n, level, SELECT_ALL, space);
        if (!both && !selected(n, level, selection, space)) continue;
        enum step_kind kind = n->op == NULL ? STEP_FEED : selection == SELECT_REDUCE ? STEP_COMBINE : STEP_FORWARD;
        status = aenc_node_has_columns(n) ? columns_add(p, &section, STEP_FORWARD_COLUMNS, n) : step_add(p, kind, n, 0);
    }
    enum stage_kind kind = selection == SELECT_ONCE     ? STAGE_ONCE
                           : selection == SELECT_REDUCE ? STAGE_COMBINE
                                                        : STAGE_ROWS;
    return status != AENC_OK ? status : section_close(p, &section, kind, space);
}

static aenc_status plan_forward(const struct planner *p) {
    aenc_status status = AENC_OK;
    for (int level = 0; level <= p->top && status == AENC_OK; level++) {
        status = forward_stage(p, level, SELECT_ONCE, 0);
        for (int space = 0; space < p->tape->space_count && status == AENC_OK; space++) {
            status = forward_stage(p, level, SELECT_ROWS, space);
            if (status == AENC_OK) status = forward_stage(p, level, SELECT_REDUCE, space);
        }
    }
    return status;
}

/* ---- Backward ---- */

static bool is_term(const struct planner *p, const struct node *n) {
    for (size_t i = 0; i < p->tape->term_count; i++)
        if (p->tape->term[i].node == n) return true;
    return false;
}

/* Who writes which operand's gradient first. */
static void find_modes(const struct planner *p, struct node *n) {
    for (int k = 0; k < n->in_count; k++) {
        n->mode[k] = GRADIENT_NONE;
        if (!n->in[k]->active || gathered(n, k)) continue;
        bool *written = &p->written[aenc_node_base(n->in[k])->index];
        n->mode[k] = *written ? GRADIENT_ADD : GRADIENT_ASSIGN;
        *written = true;
    }
}

/* operand of a seed: 1 when it adds to what a node above has written. */
static aenc_status seed_add(const struct planner *p, struct node *n) {
    bool *written = &p->written[aenc_node_base(n)->index];
    aenc_status status = step_add(p, STEP_SEED, n, *written);
    *written = true;
    return status;
}

/* Terms of the whole batch are seeded before everything else: a seed depends on no value. */
static aenc_status seed_stage(const struct planner *p) {
    size_t first = p->plan->step_count;
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < p->tape->node_count && status == AENC_OK; i++) {
        struct node *n = p->tape->node[i];
        if (n->active && n->kind == NODE_BATCH && is_term(p, n)) status = seed_add(p, n);
    }
    return status != AENC_OK ? status : stage_close(p, STAGE_ONCE, 0, first, false);
}

static bool by_shard(const struct node *n, int k) {
    const struct op_talents *talents = n->op->talents;
    return aenc_node_by_rows(n) && talents != NULL && talents->by_shard != NULL && talents->by_shard(n, k);
}

/* Some gradient is not gathered, or the op has to see its own before they are. */
static bool backward_needed(const struct node *n) {
    bool needed = n->op->talents != NULL && n->op->talents->backward != NULL;
    for (int k = 0; k < n->in_count && !needed; k++) needed = n->mode[k] != GRADIENT_NONE;
    return needed;
}

/* The steps of one node on the way down: seed its gradient if it is a term, send it on, gather parts by shard. */
static aenc_status backward_steps(const struct planner *p, struct node *n) {
    aenc_status status = AENC_OK;
    if (n->kind == NODE_ROW && is_term(p, n)) status = seed_add(p, n);
    if (n->op == NULL || n->op->view) return status;
    find_modes(p, n);
    if (status == AENC_OK && backward_needed(n)) status = step_add(p, STEP_BACKWARD, n, 0);
    for (int k = 0; k < n->in_count && status == AENC_OK; k++)
        if (gathered(n, k) && n->in[k]->active && by_shard(n, k)) status = step_add(p, STEP_SHARD_GATHER, n, k);
    return status;
}

/* At the top backward over rows joins forward. */
static aenc_status backward_stage(const struct planner *p, int level, enum selection selection, int space) {
    struct section section = section_open(p, selection == SELECT_ROWS && level == p->top);
    aenc_status status = AENC_OK;
    for (size_t i = p->begin[level + 1]; i-- > p->begin[level] && status == AENC_OK;) {
        struct node *n = p->order[i];
        /* A view is seeded where its base is computed. */
        bool view_term = n->op != NULL && n->op->view && is_term(p, n) &&
                         selected(aenc_node_base(n), level, selection, space) && n->live;
        if (!n->active || !(view_term || selected(n, level, selection, space))) continue;
        status = backward_steps(p, n);
        if (status == AENC_OK && aenc_node_has_columns(n) && n->mode[0] != GRADIENT_NONE)
            status = columns_add(p, &section, STEP_BACKWARD_COLUMNS, n);
    }
    if (status != AENC_OK) return status;
    enum stage_kind kind = selection == SELECT_ONCE ? STAGE_ONCE : STAGE_ROWS;
    return section_close(p, &section, kind, space);
}

/* ---- Gradients without a row axis ---- */

/* Chains the uses of every base, so that a tape of thousands of parameters is looked through once. */
static aenc_status find_gatherings(struct planner *p) {
    struct tape *tape = p->tape;
    size_t count = 0;
    for (size_t i = 0; i < tape->node_count; i++) count += (size_t)tape->node[i]->in_count;
    p->gathering = aenc_alloc(tape->ctx, count + 1, sizeof *p->gathering);
    p->first = aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *p->first);
    p->products = aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *p->products);
    if (p->gathering == NULL || p->first == NULL || p->products == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = tape->node_count; i-- > 0;) {
        struct node *n = tape->node[i];
        if (!n->active || n->op == NULL || n->op->view) continue;
        for (int k = n->in_count; k-- > 0;) {
            if (!gathered(n, k)) continue;
            size_t *first = &p->first[aenc_node_base(n->in[k])->index];
            p->gathering[--count] = (struct gathering){n, k, *first};
            *first = count + 1;
        }
    }
    return AENC_OK;
}

/* The batch nodes that rows on each level read, in tape order. */
static aenc_status find_targets(struct planner *p) {
    struct tape *tape = p->tape;
    size_t count = 0;
    for (size_t i = 0; i < tape->node_count; i++) count += (size_t)tape->node[i]->in_count;
    p->target = aenc_alloc(tape->ctx, count + 1, sizeof *p->target);
    p->wanted = aenc_alloc(tape->ctx, (size_t)p->top + 1, sizeof *p->wanted);
    if (p->target == NULL || p->wanted == NULL) return AENC_ERR_NO_MEMORY;
    count = 0;
    for (size_t i = tape->node_count; i-- > 0;) {
        struct node *n = tape->node[i];
        if (!n->active || n->kind != NODE_BATCH || n->op == NULL || n->op->view) continue;
        for (size_t use = p->first[i]; use > 0; use = p->gathering[use - 1].next) {
            size_t *first = &p->wanted[p->gathering[use - 1].node->level];
            if (*first > 0 && p->target[*first - 1].node == n) continue;
            p->target[count] = (struct target){n, *first};
            *first = ++count;
        }
    }
    return AENC_OK;
}

/* Every use of target by nodes on `level` (any level for parameters, level < 0), in tape order. */
static aenc_status uses_add(const struct planner *p, struct node *target, int level) {
    struct plan *plan = p->plan;
    for (size_t i = p->first[target->index]; i > 0; i = p->gathering[i - 1].next) {
        struct node *n = p->gathering[i - 1].node;
        int k = p->gathering[i - 1].operand;
        if (level >= 0 && n->level != level) continue;
        void *uses = plan->use;
        if (aenc_reserve(p->tape->ctx, &uses, &plan->use_capacity, plan->use_count + 1, sizeof *plan->use) != AENC_OK)
            return AENC_ERR_NO_MEMORY;
        plan->use = uses;
        plan->use[plan->use_count++] = (struct use){n, k, by_shard(n, k) ? 0 : -1};
    }
    return AENC_OK;
}

/* Rows of axis 0 in one tile: about TILE_NUMBERS numbers, the tiles of one target of nearly equal size. A target
 * that is used through a view, whose axis 0 is another, stays whole. */
static int64_t tile_rows(const struct planner *p, const struct node *target, size_t first_use) {
    int64_t dim = target->shape.rank == 0 ? 1 : target->shape.dim[0];
    for (size_t i = first_use; i < p->plan->use_count; i++)
        if (p->plan->use[i].node->in[p->plan->use[i].operand] != target) return dim;
    int64_t count = aenc_shape_count(&target->shape);
    int64_t tiles = (count + TILE_NUMBERS - 1) / TILE_NUMBERS;
    int64_t rows = (dim + tiles - 1) / tiles;
    rows = (rows + TILE_MULTIPLE - 1) / TILE_MULTIPLE * TILE_MULTIPLE;
    return rows < dim ? rows : dim;
}

static aenc_status tiles_add(const struct planner *p, struct node *target, int level) {
    struct plan *plan = p->plan;
    size_t first = plan->use_count;
    aenc_status status = uses_add(p, target, level);
    if (status != AENC_OK || plan->use_count == first) return status;
    bool *written = &p->written[target->index];
    int64_t dim = target->shape.rank == 0 ? 1 : target->shape.dim[0];
    int64_t rows = tile_rows(p, target, first);
    for (int64_t lo = 0; lo < dim; lo += rows) {
        void *tiles = plan->tile;
        if (aenc_reserve(p->tape->ctx, &tiles, &plan->tile_capacity, plan->tile_count + 1, sizeof *plan->tile) !=
            AENC_OK)
            return AENC_ERR_NO_MEMORY;
        plan->tile = tiles;
        struct span range = {lo, lo + rows < dim ? lo + rows : dim};
        plan->tile[plan->tile_count++] =
            (struct tile){target, range, (int64_t)first, (int64_t)(plan->use_count - first), *written};
    }
    *written = true;
    return AENC_OK;
}

/* Batch nodes that rows on this level read. */
static aenc_status gather_stage(const struct planner *p, int level) {
    size_t first = p->plan->tile_count;
    aenc_status status = AENC_OK;
    for (size_t i = p->wanted[level]; i > 0 && status == AENC_OK; i = p->target[i - 1].next)
        status = tiles_add(p, p->target[i - 1].node, level);
    return status != AENC_OK ? status : stage_close(p, STAGE_GATHER, 0, first, false);
}

/* ---- Parameters, at the end of the walk ---- */

/* The stage of rows behind which products are bounded: the last. */
static void find_bound_stage(const struct planner *p) {
    struct plan *plan = p->plan;
    for (size_t i = 0; i < plan->stage_count; i++)
        if (plan->stage[i].kind == STAGE_ROWS) plan->bound_stage = i;
}

/* Sums of products of what the bound stage leaves behind. */
static bool product_use(const struct planner *p, const struct gathering *use) {
    const struct node *n = use->node;
    if (n->op->talents == NULL || !n->op->talents->products || use->operand == 0 || by_shard(n, use->operand))
        return false;
    bool rows = n->kind == NODE_ROW && n->in[0]->kind == NODE_ROW;
    return rows && n->space == p->plan->stage[p->plan->bound_stage].space;
}

/* A parameter whose gradient is such sums alone, in each use as the first kind of operand, by which the bound is
 * taken. Found once: a weight may have thousands of uses, each with a bias that depends on it. */
static bool weight_of_products(const struct planner *p, const struct node *weight) {
    if (weight->kind != NODE_PARAMETER || !weight->active) return false;
    unsigned char *verdict = &p->products[weight->index];
    if (*verdict != VERDICT_NONE) return *verdict == VERDICT_YES;
    *verdict = VERDICT_YES;
    for (size_t i = p->first[weight->index]; i > 0 && *verdict == VERDICT_YES; i = p->gathering[i - 1].next)
        if (!product_use(p, &p->gathering[i - 1]) || p->gathering[i - 1].operand != 1) *verdict = VERDICT_NO;
    return *verdict == VERDICT_YES;
}

/* Its gradient is sums of products alone. A bias without the weight beside it would have its gradient unbounded. */
static bool of_products(const struct planner *p, const struct node *target) {
    for (size_t i = p->first[target->index]; i > 0; i = p->gathering[i - 1].next) {
        const struct gathering *use = &p->gathering[i - 1];
        if (!product_use(p, use)) return false;
        if (use->operand != 1 && !weight_of_products(p, aenc_node_base(use->node->in[1]))) return false;
    }
    return p->first[target->index] > 0;
}

static aenc_status parameter_stage(const struct planner *p, bool products) {
    struct plan *plan = p->plan;
    size_t first = plan->tile_count, before = plan->stage_count;
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < p->tape->node_count && status == AENC_OK; i++) {
        struct node *n = p->tape->node[i];
        if (n->active && n->kind == NODE_PARAMETER && of_products(p, n) == products) status = tiles_add(p, n, -1);
    }
    if (status == AENC_OK) status = stage_close(p, STAGE_GATHER, 0, first, false);
    if (!products || plan->stage_count == before) return status;
    plan->product_stage = before;
    for (size_t i = first; i < plan->tile_count; i++) {
        const struct shape *shape = &plan->tile[i].target->shape;
        int64_t rows = plan->tile[i].range.hi - plan->tile[i].range.lo,
                size = rows * (aenc_shape_count(shape) / shape->dim[0]);
        if (size > plan->product_tile) plan->product_tile = size;
    }
    return status;
}

static aenc_status plan_backward(const struct planner *p) {
    aenc_status status = AENC_OK;
    for (int level = p->top; level >= 0 && status == AENC_OK; level--) {
        for (int space = 0; space < p->tape->space_count && status == AENC_OK; space++) {
            status = backward_stage(p, level, SELECT_ROWS, space);
            if (status == AENC_OK) status = backward_stage(p, level, SELECT_ALL, space);
        }
        if (status == AENC_OK) status = backward_stage(p, level, SELECT_ONCE, 0);
        if (status == AENC_OK) status = gather_stage(p, level);
    }
    find_bound_stage(p);
    if (status == AENC_OK) status = parameter_stage(p, false);
    return status == AENC_OK ? parameter_stage(p, true) : status;
}

/* ---- The whole ---- */

aenc_status aenc_plan_create(struct tape *tape, bool training, struct plan *plan) {
    memset(plan, 0, sizeof *plan);
    if (tape->status != AENC_OK) return tape->status;
    plan->tape = tape;
    plan->training = training;
    struct planner p = {.tape = tape, .plan = plan};
    aenc_status status = AENC_ERR_NO_MEMORY;
    p.written = aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *p.written);
    if (p.written == NULL) goto done;
    mark_live(&p);
    if (training) {
        status = mark_active(&p);
        if (status == AENC_OK) status = find_gatherings(&p);
        if (status != AENC_OK) goto done;
    }
    find_levels(&p);
    status = sort_levels(&p);
    if (status == AENC_OK && training) status = find_targets(&p);
    if (status != AENC_OK) goto done;
    find_shards(&p);
    if (training) find_columns(&p);
    status = training ? seed_stage(&p) : AENC_OK;
    if (status == AENC_OK) status = plan_forward(&p);
    if (status == AENC_OK && training) status = plan_backward(&p);
    if (status == AENC_OK) status = aenc_plan_memory(tape, plan);
done:
    aenc_release(tape->ctx, p.wanted);
    aenc_release(tape->ctx, p.target);
    aenc_release(tape->ctx, p.begin);
    aenc_release(tape->ctx, p.order);
    aenc_release(tape->ctx, p.products);
    aenc_release(tape->ctx, p.first);
    aenc_release(tape->ctx, p.gathering);
    aenc_release(tape->ctx, p.written);
    if (status != AENC_OK) {
        tape->status = status;
        aenc_plan_free(plan);
    }
    return status;
}

void aenc_plan_free(struct plan *plan) {
    if (plan->tape == NULL) return;
    aenc_context *ctx = plan->tape->ctx;
    aenc_release(ctx, plan->stage);
    aenc_release(ctx, plan->step);
    aenc_release(ctx, plan->tile);
    aenc_release(ctx, plan->use);
    memset(plan, 0, sizeof *plan);
}
