/* tiles.c - the part of planning that cuts by tiles: gradients without a row axis, and wide sums over the rows. */
#include "tape/planner.h"

enum { TILE_NUMBERS = 65536, TILE_MULTIPLE = 16 };

/* ---- Gradients without a row axis ---- */

/* Chains the uses of every base, so that a tape of thousands of parameters is looked through once. */
aenc_status aenc_planner_gatherings(struct planner *p) {
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
            if (!aenc_planner_gathered(n, k)) continue;
            size_t *first = &p->first[aenc_node_base(n->in[k])->index];
            p->gathering[--count] = (struct gathering){n, k, *first};
            *first = count + 1;
        }
    }
    return AENC_OK;
}

/* The batch nodes that rows on each level read, in tape order. */
aenc_status aenc_planner_targets(struct planner *p) {
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
        plan->use[plan->use_count++] = (struct use){n, k, aenc_planner_by_shard(n, k) ? 0 : -1};
    }
    return AENC_OK;
}

/* The tile's target in tiles of so many indices of axis 0. */
static aenc_status tiles_cut(const struct planner *p, struct tile tile, int64_t rows) {
    struct plan *plan = p->plan;
    int64_t dim = tile.target->shape.rank == 0 ? 1 : tile.target->shape.dim[0];
    for (int64_t lo = 0; lo < dim; lo += rows) {
        void *tiles = plan->tile;
        if (aenc_reserve(p->tape->ctx, &tiles, &plan->tile_capacity, plan->tile_count + 1, sizeof *plan->tile) !=
            AENC_OK)
            return AENC_ERR_NO_MEMORY;
        plan->tile = tiles;
        tile.range = (struct span){lo, lo + rows < dim ? lo + rows : dim};
        plan->tile[plan->tile_count++] = tile;
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
    int64_t rows = tile_rows(p, target, first);
    struct tile tile = {target, {0, 0}, (int64_t)first, (int64_t)(plan->use_count - first), *written};
    *written = true;
    return tiles_cut(p, tile, rows);
}

/* Batch nodes that rows on this level read. */
aenc_status aenc_planner_gather(const struct planner *p, int level) {
    size_t first = p->plan->tile_count;
    aenc_status status = AENC_OK;
    for (size_t i = p->wanted[level]; i > 0 && status == AENC_OK; i = p->target[i - 1].next)
        status = tiles_add(p, p->target[i - 1].node, level);
    return status != AENC_OK ? status : aenc_planner_stage(p, STAGE_GATHER, 0, first, false);
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
    if (n->op->talents == NULL || !n->op->talents->products || use->operand == 0 ||
        aenc_planner_by_shard(n, use->operand))
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

static aenc_status parameters(const struct planner *p, bool products) {
    struct plan *plan = p->plan;
    size_t first = plan->tile_count, before = plan->stage_count;
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < p->tape->node_count && status == AENC_OK; i++) {
        struct node *n = p->tape->node[i];
        if (n->active && n->kind == NODE_PARAMETER && of_products(p, n) == products) status = tiles_add(p, n, -1);
    }
    if (status == AENC_OK) status = aenc_planner_stage(p, STAGE_GATHER, 0, first, false);
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

aenc_status aenc_planner_parameters(const struct planner *p) {
    find_bound_stage(p);
    aenc_status status = parameters(p, false);
    return status == AENC_OK ? parameters(p, true) : status;
}

/* ---- Wide sums over the rows ---- */

aenc_status aenc_planner_reductions(const struct planner *p, int level, int space) {
    struct plan *plan = p->plan;
    size_t first = plan->tile_count;
    aenc_status status = AENC_OK;
    for (size_t i = p->begin[level]; i < p->begin[level + 1] && status == AENC_OK; i++) {
        struct node *n = p->order[i];
        if (!n->by_tile || aenc_node_space(n) != space) continue;
        status = tiles_cut(p, (struct tile){.target = n}, tile_rows(p, n, plan->use_count));
    }
    return status != AENC_OK ? status : aenc_planner_stage(p, STAGE_REDUCE, space, first, false);
}
