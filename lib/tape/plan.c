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

#include "tape/planner.h"

/* Rows of a shard: about as many as a GEMM needs; but never so few that a product of single rows would run slowly. */
enum { SHARD_GEMM_ROWS = 64, SHARD_LEAST_ROWS = 8, WIDE_NUMBERS = 1 << 18 };

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
bool aenc_planner_gathered(const struct node *n, int i) {
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
    for (size_t i = 0; i < tape->term_count; i++) {
        struct node *n = tape->term[i].node;
        n->active = n->active || (tape->term[i].role != TERM_MEASURE && n->needs_gradient);
    }
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

/* About 64 rows for every GEMM, and not under 8 where one sees single rows: by shapes alone, never by threads, so that
 * results do not depend on them. */
static void find_shards(const struct planner *p) {
    const struct tape *tape = p->tape;
    bool single[SPACES_MAX] = {false};
    for (int s = 0; s < tape->space_count; s++) p->plan->shard_rows[s] = SHARD_GEMM_ROWS;
    for (size_t i = 0; i < tape->node_count; i++) {
        const struct node *n = tape->node[i];
        const struct op_talents *talents = n->op == NULL ? NULL : n->op->talents;
        if (!n->live || talents == NULL || talents->gemm_rows == NULL || !has_rows(n)) continue;
        int64_t lines = talents->gemm_rows(n), *shard = &p->plan->shard_rows[aenc_node_space(n)];
        if (lines == 1) single[aenc_node_space(n)] = true;
        if (lines > 1 && SHARD_GEMM_ROWS / lines < *shard) *shard = SHARD_GEMM_ROWS / lines;
    }
    for (int s = 0; s < tape->space_count; s++) {
        int64_t *shard = &p->plan->shard_rows[s], least = single[s] ? SHARD_LEAST_ROWS : 1;
        if (*shard < least) *shard = least;
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

/* Sums over the rows that are too wide for a part per shard. In training plans alone, as columns are. */
static void find_wide(const struct planner *p) {
    for (size_t i = 0; i < p->tape->node_count; i++) {
        struct node *n = p->tape->node[i];
        const struct op_talents *talents = n->op == NULL ? NULL : n->op->talents;
        n->by_tile = n->live && talents != NULL && talents->reduce_tile != NULL && n->op->span == SPAN_REDUCE &&
                     has_rows(n) && aenc_node_row_size(n) >= WIDE_NUMBERS;
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
aenc_status aenc_planner_stage(const struct planner *p, enum stage_kind kind, int space, size_t first, bool join) {
    struct plan *plan = p->plan;
    size_t end = aenc_stage_of_tiles(kind) ? plan->tile_count : plan->step_count;
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
    aenc_status status = aenc_planner_stage(p, kind, space, section->first, join);
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
        if (n->by_tile) continue;
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
            if (status == AENC_OK) status = aenc_planner_reductions(p, level, space);
        }
    }
    return status;
}

/* ---- Backward ---- */

/* Whether n's gradient begins there. */
static bool is_term(const struct planner *p, const struct node *n) {
    for (size_t i = 0; i < p->tape->term_count; i++)
        if (p->tape->term[i].node == n && p->tape->term[i].role != TERM_MEASURE) return true;
    return false;
}

/* Who writes which operand's gradient first. */
static void find_modes(const struct planner *p, struct node *n) {
    for (int k = 0; k < n->in_count; k++) {
        n->mode[k] = GRADIENT_NONE;
        if (!n->in[k]->active || aenc_planner_gathered(n, k)) continue;
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
    return status != AENC_OK ? status : aenc_planner_stage(p, STAGE_ONCE, 0, first, false);
}

bool aenc_planner_by_shard(const struct node *n, int k) {
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
        if (aenc_planner_gathered(n, k) && n->in[k]->active && aenc_planner_by_shard(n, k))
            status = step_add(p, STEP_SHARD_GATHER, n, k);
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

static aenc_status plan_backward(const struct planner *p) {
    aenc_status status = AENC_OK;
    for (int level = p->top; level >= 0 && status == AENC_OK; level--) {
        for (int space = 0; space < p->tape->space_count && status == AENC_OK; space++) {
            status = backward_stage(p, level, SELECT_ROWS, space);
            if (status == AENC_OK) status = backward_stage(p, level, SELECT_ALL, space);
        }
        if (status == AENC_OK) status = backward_stage(p, level, SELECT_ONCE, 0);
        if (status == AENC_OK) status = aenc_planner_gather(p, level);
    }
    return status == AENC_OK ? aenc_planner_parameters(p) : status;
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
        if (status == AENC_OK) status = aenc_planner_gatherings(&p);
        if (status != AENC_OK) goto done;
    }
    find_levels(&p);
    status = sort_levels(&p);
    if (status == AENC_OK && training) status = aenc_planner_targets(&p);
    if (status != AENC_OK) goto done;
    find_shards(&p);
    if (training) find_columns(&p);
    if (training) find_wide(&p);
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
