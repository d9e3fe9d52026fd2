/* memory.c - a place for every value, gradient and part.
 *
 * Training keeps what several stages touch: backward reads activations, and gradients of parameters are made of values and
 * gradients of all rows at the end. Those are laid out one behind the other, capacity rows each. What a single stage
 * of rows touches, from a shard's first step with it to the last, needs no more than a shard's rows, and only while the
 * worker is between those steps: it lies in the worker's own memory, where each takes the first gap that is large enough.
 *
 * Inference gives memory back as soon as the last reader is past: with the steps in the order in which one worker runs
 * them, each value takes the first gap. Where a space has several shards, nothing is given back within a stage.
 */
#include <string.h>

#include "tape/plan.h"

enum { ALIGN_NUMBERS = 16 }; /* 64 bytes of float: a cache line, a vector */

static int64_t rounded(int64_t count) { return (count + ALIGN_NUMBERS - 1) / ALIGN_NUMBERS * ALIGN_NUMBERS; }

static bool has_value(const struct node *n) {
    return n->live && (n->kind == NODE_ROW || n->kind == NODE_BATCH) && !(n->op != NULL && n->op->view);
}

/* The total stays addressable: each shape was checked alone when it was recorded. */
static aenc_status take(struct tape *tape, int64_t *size, int64_t count, int64_t *offset) {
    if (count > INT64_MAX / (int64_t)sizeof(num) / 2 - *size)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "the activations together are more than memory can address");
    *offset = *size;
    *size += rounded(count);
    return AENC_OK;
}

static int64_t shard_count(const struct plan *plan, const struct node *n) {
    int space = aenc_node_space(n);
    return aenc_plan_shards(plan, space, plan->tape->capacity[space]);
}

/* ---- Gaps ---- */

/* Memory that is needed from a first step to a last. */
struct block {
    int64_t offset, size, first, last;
};

struct layout {
    struct block *block; /* those that live, by offset */
    size_t count;
    int64_t size;
};

/* Blocks come in the order of their first steps: those whose last is past are out of everybody's way. */
static void forget_dead(struct layout *layout, int64_t step) {
    size_t kept = 0;
    for (size_t i = 0; i < layout->count; i++)
        if (layout->block[i].last >= step) layout->block[kept++] = layout->block[i];
    layout->count = kept;
}

/* The lowest offset at which the new block overlaps no block that lives at the same time. layout->block has room for it. */
static aenc_status place(struct tape *tape, struct layout *layout, int64_t count, int64_t first, int64_t last,
                         int64_t *offset) {
    if (count > INT64_MAX / (int64_t)sizeof(num) / 2 - layout->size)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "the activations together are more than memory can address");
    struct block new_block = {0, rounded(count), first, last};
    size_t at = 0;
    forget_dead(layout, first);
    for (size_t i = 0; i < layout->count; i++) {
        const struct block *b = &layout->block[i];
        if (b->offset + b->size <= new_block.offset) continue;
        if (b->offset >= new_block.offset + new_block.size) break;
        new_block.offset = b->offset + b->size;
    }
    while (at < layout->count && layout->block[at].offset <= new_block.offset) at++;
    memmove(&layout->block[at + 1], &layout->block[at], (layout->count - at) * sizeof *layout->block);
    layout->block[at] = new_block;
    layout->count++;
    if (new_block.offset + new_block.size > layout->size) layout->size = new_block.offset + new_block.size;
    *offset = new_block.offset;
    return AENC_OK;
}

/* ---- Training: what one stage of rows alone touches ---- */

enum { STAGE_NONE = -1, STAGE_SEVERAL = -2 };

struct life {
    int64_t stage; /* the only one; or STAGE_NONE, STAGE_SEVERAL */
    int64_t first, last;
};

/* By index of a base. */
struct lives {
    struct life *value, *gradient;
};

static void touch(struct life *life, const struct node *n, int64_t stage, int64_t step) {
    struct life *l = &life[n->base->index];
    if (l->stage == STAGE_NONE)
        *l = (struct life){stage, step, step};
    else if (l->stage != stage)
        l->stage = STAGE_SEVERAL;
    l->last = step;
}

/* What one step reads and writes. */
static void touch_step(const struct plan_step *step, int64_t stage, int64_t at, const struct lives *lives) {
    const struct node *n = step->node;
    bool down = step->kind == STEP_BACKWARD || step->kind == STEP_BACKWARD_COLUMNS || step->kind == STEP_SHARD_GATHER;
    if (down || step->kind == STEP_SEED) touch(lives->gradient, n, stage, at);
    if (step->kind == STEP_SEED) return;
    touch(lives->value, n, stage, at);
    for (int k = 0; k < n->in_count && step->kind != STEP_COMBINE; k++) {
        touch(lives->value, n->in[k], stage, at);
        if (down && n->mode[k] != GRADIENT_NONE) touch(lives->gradient, n->in[k], stage, at);
    }
}

/* What the gradients without rows are made of. */
static void touch_use(const struct use *use, const struct lives *lives) {
    const struct node *n = use->node;
    if (use->part_offset >= 0) return;
    bool products = n->op->talents != NULL && n->op->talents->products && use->operand > 0;
    touch(lives->gradient, n, STAGE_SEVERAL, 0);
    if (!products) touch(lives->value, n, STAGE_SEVERAL, 0);
    for (int k = 0; k < n->in_count; k++)
        if (!products || (k == 0 && use->operand == 1)) touch(lives->value, n->in[k], STAGE_SEVERAL, 0);
}

static void find_stages(const struct tape *tape, const struct plan *plan, const struct lives *lives) {
    for (size_t i = 0; i < 2 * tape->node_count; i++) lives->value[i].stage = STAGE_NONE; /* gradients stand behind */
    for (size_t s = 0; s < plan->stage_count; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        int64_t id = stage->kind == STAGE_ROWS ? (int64_t)s : STAGE_SEVERAL;
        for (int64_t i = stage->first; i < stage->first + stage->count; i++) {
            if (!aenc_stage_of_tiles(stage->kind))
                touch_step(&plan->step[i], id, i, lives);
            else if (stage->kind == STAGE_REDUCE)
                touch_step(&(struct plan_step){.kind = STEP_FORWARD, .node = plan->tile[i].target}, id, 0, lives);
        }
    }
    for (size_t i = 0; i < plan->use_count; i++) touch_use(&plan->use[i], lives);
    for (size_t i = 0; i < tape->output_count; i++) touch(lives->value, tape->output[i], STAGE_SEVERAL, 0);
    for (size_t i = 0; i < tape->term_count; i++) touch(lives->value, tape->term[i].node, STAGE_SEVERAL, 0);
    for (size_t i = 0; i < tape->field_count; i++) touch(lives->gradient, tape->field[i].node, STAGE_SEVERAL, 0);
}

/* The places of what lives in stage s alone and is first touched by step `at`: n's value, n's gradient. */
static aenc_status place_local(struct tape *tape, const struct plan *plan, int64_t s, int64_t at, struct node *n,
                               const struct lives *lives, struct layout *layout) {
    const struct life *value = &lives->value[n->index], *gradient = &lives->gradient[n->index];
    int64_t rows = plan->shard_rows[n->space], capacity = tape->capacity[n->space];
    int64_t size = aenc_node_row_size(n), count = size * (rows < capacity ? rows : capacity);
    aenc_status status = AENC_OK;
    if (n->kind != NODE_ROW || n->space != plan->stage[s].space || !has_value(n)) return AENC_OK;
    if (value->stage == s && value->first == at && n->worker_row == 0) {
        n->slot = SLOT_WORKER;
        n->worker_row = size;
        status = place(tape, layout, count, at, value->last, &n->offset);
    }
    if (status == AENC_OK && n->active && gradient->stage == s && gradient->first == at &&
        n->gradient_worker_row == 0) {
        n->gradient_slot = SLOT_WORKER;
        n->gradient_worker_row = size;
        status = place(tape, layout, count, at, gradient->last, &n->gradient_offset);
    }
    return status;
}

static aenc_status place_worker(struct tape *tape, struct plan *plan) {
    struct lives lives = {aenc_alloc(tape->ctx, 2 * tape->node_count + 1, sizeof *lives.value), NULL};
    struct layout layout = {aenc_alloc(tape->ctx, 2 * tape->node_count + 1, sizeof *layout.block), 0, 0};
    aenc_status status = lives.value != NULL && layout.block != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) {
        lives.gradient = lives.value + tape->node_count;
        find_stages(tape, plan, &lives);
    }
    for (size_t s = 0; s < plan->stage_count && status == AENC_OK; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        for (int64_t i = stage->first; stage->kind == STAGE_ROWS && i < stage->first + stage->count; i++) {
            struct node *n = plan->step[i].node;
            status = place_local(tape, plan, (int64_t)s, i, n->base, &lives, &layout);
            for (int k = 0; k < n->in_count && status == AENC_OK; k++)
                status = place_local(tape, plan, (int64_t)s, i, n->in[k]->base, &lives, &layout);
            if (status != AENC_OK) break;
        }
        layout.count = 0;
    }
    plan->size[SLOT_WORKER] = layout.size;
    aenc_release(tape->ctx, lives.value);
    aenc_release(tape->ctx, layout.block);
    return status;
}

/* ---- Training: the rest ---- */

static aenc_status place_whole(struct tape *tape, struct plan *plan) {
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < tape->node_count && status == AENC_OK; i++) {
        struct node *n = tape->node[i];
        if (!has_value(n)) continue;
        int64_t count = aenc_shape_count(&n->shape);
        if (n->worker_row == 0) status = take(tape, &plan->size[SLOT_ACTIVATION], count, &n->offset);
        if (status == AENC_OK && n->active && n->gradient_worker_row == 0)
            status = take(tape, &plan->size[SLOT_GRADIENT], count, &n->gradient_offset);
    }
    return status;
}

static aenc_status place_training(struct tape *tape, struct plan *plan) {
    for (size_t i = 0; i < tape->node_count; i++) {
        struct node *n = tape->node[i];
        if (!has_value(n)) continue;
        n->slot = SLOT_ACTIVATION;
        n->gradient_slot = SLOT_GRADIENT;
        n->worker_row = n->gradient_worker_row = 0;
    }
    aenc_status status = tape->keep ? AENC_OK : place_worker(tape, plan);
    return status == AENC_OK ? place_whole(tape, plan) : status;
}

static aenc_status place_shard_gathers(struct tape *tape, struct plan *plan) {
    int64_t(*offset)[OPERANDS_MAX] = NULL; /* by index of the node that uses, and operand */
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < plan->use_count && status == AENC_OK; i++) {
        struct use *use = &plan->use[i];
        if (use->part_offset < 0) continue;
        if (offset == NULL) offset = aenc_alloc(tape->ctx, tape->node_count, sizeof *offset);
        if (offset == NULL) return AENC_ERR_NO_MEMORY;
        int64_t count = aenc_shape_count(&use->node->in[use->operand]->shape) * shard_count(plan, use->node);
        status = take(tape, &plan->part_size, count, &use->part_offset);
        offset[use->node->index][use->operand] = use->part_offset;
    }
    for (size_t s = 0; s < plan->step_count && offset != NULL; s++) {
        struct plan_step *step = &plan->step[s];
        if (step->kind == STEP_SHARD_GATHER) step->part_offset = offset[step->node->index][step->operand];
    }
    aenc_release(tape->ctx, offset);
    return status;
}

/* ---- Inference ---- */

static int64_t *life_of(int64_t *last, struct node *n) { return &last[aenc_node_base(n)->index]; }

/* Several shards of a stage may run in any order: none begins before its first step, none is past before its last. */
static struct span stage_steps(const struct plan *plan, const struct plan_stage *stage, int64_t step) {
    struct span all = {stage->first, stage->first + stage->count - 1}, one = {step, step};
    bool several =
        stage->kind == STAGE_ROWS && aenc_plan_shards(plan, stage->space, plan->tape->capacity[stage->space]) > 1;
    return several ? all : one;
}

/* last[index] of a base becomes the step of its last reader; of what the caller reads afterwards, the end. */
static void find_lives(struct tape *tape, const struct plan *plan, int64_t *last) {
    for (size_t s = 0; s < plan->stage_count; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        for (int64_t i = stage->first; i < stage->first + stage->count; i++) {
            struct node *n = plan->step[i].node;
            int64_t end = stage_steps(plan, stage, i).hi;
            *life_of(last, n) = end;
            for (int k = 0; k < n->in_count; k++) *life_of(last, n->in[k]) = end;
        }
    }
    for (size_t i = 0; i < tape->output_count; i++) *life_of(last, tape->output[i]) = INT64_MAX;
    for (size_t i = 0; i < tape->term_count; i++) *life_of(last, tape->term[i].node) = INT64_MAX;
    for (size_t i = 0; i < tape->stage_count; i++) *life_of(last, tape->stage[i].value) = INT64_MAX;
}

static aenc_status place_inference(struct tape *tape, struct plan *plan) {
    int64_t *last = aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *last);
    struct layout layout = {aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *layout.block), 0, 0};
    aenc_status status = last != NULL && layout.block != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) find_lives(tape, plan, last);
    for (size_t s = 0; s < plan->stage_count && status == AENC_OK; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        for (int64_t i = stage->first; i < stage->first + stage->count && status == AENC_OK; i++) {
            struct node *n = plan->step[i].node;
            if (plan->step[i].kind == STEP_COMBINE || !has_value(n)) continue;
            n->slot = SLOT_ACTIVATION;
            status = place(tape, &layout, aenc_shape_count(&n->shape), stage_steps(plan, stage, i).lo, last[n->index],
                           &n->offset);
        }
    }
    plan->size[SLOT_ACTIVATION] = layout.size;
    aenc_release(tape->ctx, last);
    aenc_release(tape->ctx, layout.block);
    return status;
}

/* ---- Both ---- */

static enum slot slot_of_leaf(enum node_kind kind) {
    return kind == NODE_PARAMETER ? SLOT_PARAMETER : kind == NODE_STATE ? SLOT_STATE : SLOT_STEP;
}

static aenc_status place_reductions(struct tape *tape, struct plan *plan) {
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < tape->node_count && status == AENC_OK; i++) {
        struct node *n = tape->node[i];
        if (!n->live || n->op == NULL || n->op->span != SPAN_REDUCE || !aenc_node_by_rows(n) || n->by_tile) continue;
        int64_t count = aenc_node_row_size(n) * shard_count(plan, n);
        status = take(tape, &plan->part_size, count, &n->part_offset);
    }
    return status;
}

static void place_leaves_and_views(struct tape *tape, struct plan *plan) {
    for (size_t i = 0; i < tape->node_count; i++) {
        struct node *n = tape->node[i];
        if (n->op == NULL && n->kind != NODE_ROW) {
            n->slot = slot_of_leaf(n->kind);
            n->gradient_slot = SLOT_PARAMETER_GRADIENT;
            n->gradient_offset = n->kind == NODE_PARAMETER && n->active ? n->offset : -1;
            if (n->kind == NODE_STEP && n->attr != NULL) plan->size[SLOT_STEP] = n->offset + 1;
        }
        if (n->op == NULL || !n->op->view) continue;
        const struct node *base = n->in[0];
        n->slot = base->slot;
        n->offset = base->offset;
        n->gradient_slot = base->gradient_slot;
        n->gradient_offset = base->gradient_offset;
        n->worker_row = base->worker_row;
        n->gradient_worker_row = base->gradient_worker_row;
    }
}

static void find_scratch(const struct tape *tape, struct plan *plan) {
    for (size_t i = 0; i < tape->node_count; i++) {
        const struct node *n = tape->node[i];
        const struct op_talents *talents = n->op == NULL ? NULL : n->op->talents;
        int64_t size = n->live && talents != NULL && talents->scratch != NULL ? rounded(talents->scratch(n)) : 0;
        if (size > plan->scratch_size) plan->scratch_size = size;
    }
}

aenc_status aenc_plan_memory(struct tape *tape, struct plan *plan) {
    aenc_status status = plan->training || tape->keep ? place_training(tape, plan) : place_inference(tape, plan);
    if (status == AENC_OK) status = place_shard_gathers(tape, plan);
    if (status == AENC_OK) status = place_reductions(tape, plan);
    if (status == AENC_OK) place_leaves_and_views(tape, plan);
    find_scratch(tape, plan);
    return status;
}
