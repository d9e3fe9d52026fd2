/* memory.c - a place for every value, gradient and part.
 *
 * Training keeps every activation, since backward reads them: values are laid out one behind the other, gradients
 * likewise. Inference gives memory back as soon as the last reader is past: with the steps in the order in which one
 * worker runs them, each value takes the first gap that is large enough.
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

/* ---- Training ---- */

static aenc_status place_training(struct tape *tape, struct plan *plan) {
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < tape->node_count && status == AENC_OK; i++) {
        struct node *n = tape->node[i];
        if (!has_value(n)) continue;
        n->slot = SLOT_ACTIVATION;
        int64_t count = aenc_shape_count(&n->shape);
        status = take(tape, &plan->size[SLOT_ACTIVATION], count, &n->offset);
        if (status == AENC_OK && n->active) status = take(tape, &plan->size[SLOT_GRADIENT], count, &n->gradient_offset);
    }
    return status;
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

/* A value's memory from its first step to its last. */
struct block {
    struct node *node;
    int64_t offset, size, first, last;
};

struct layout {
    struct block *block; /* those that live, by offset */
    size_t count;
    int64_t size;
};

static int64_t *life_of(int64_t *last, struct node *n) { return &last[aenc_node_base(n)->index]; }

/* last[index] of a base becomes the step of its last reader; of what the caller reads afterwards, the end. */
static void find_lives(struct tape *tape, const struct plan *plan, int64_t *last) {
    for (size_t s = 0; s < plan->step_count; s++) {
        struct node *n = plan->step[s].node;
        *life_of(last, n) = (int64_t)s;
        for (int k = 0; k < n->in_count; k++) *life_of(last, n->in[k]) = (int64_t)s;
    }
    for (size_t i = 0; i < tape->output_count; i++) *life_of(last, tape->output[i]) = INT64_MAX;
    for (size_t i = 0; i < tape->term_count; i++) *life_of(last, tape->term[i].node) = INT64_MAX;
    for (size_t i = 0; i < tape->stage_count; i++) *life_of(last, tape->stage[i].value) = INT64_MAX;
}

/* Blocks come in the order of their first steps: those whose last is past are out of everybody's way. */
static void forget_dead(struct layout *layout, int64_t step) {
    size_t kept = 0;
    for (size_t i = 0; i < layout->count; i++)
        if (layout->block[i].last >= step) layout->block[kept++] = layout->block[i];
    layout->count = kept;
}

/* The lowest offset at which the new block overlaps no block that lives at the same time. */
static void place(struct layout *layout, struct block new_block) {
    size_t at = 0;
    forget_dead(layout, new_block.first);
    new_block.offset = 0;
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
    new_block.node->slot = SLOT_ACTIVATION;
    new_block.node->offset = new_block.offset;
    if (new_block.offset + new_block.size > layout->size) layout->size = new_block.offset + new_block.size;
}

static aenc_status place_inference(struct tape *tape, struct plan *plan) {
    int64_t *last = aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *last);
    struct layout layout = {aenc_alloc(tape->ctx, tape->node_count + 1, sizeof *layout.block), 0, 0};
    aenc_status status = last != NULL && layout.block != NULL ? AENC_OK : AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) find_lives(tape, plan, last);
    for (size_t s = 0; s < plan->step_count && status == AENC_OK; s++) {
        struct node *n = plan->step[s].node;
        if (plan->step[s].kind == STEP_COMBINE || !has_value(n)) continue;
        int64_t size = rounded(aenc_shape_count(&n->shape));
        if (size > INT64_MAX / (int64_t)sizeof(num) / 2 - layout.size)
            status = aenc_tape_fail(tape, AENC_ERR_SHAPE, "the activations together are more than memory can address");
        else
            place(&layout, (struct block){n, 0, size, (int64_t)s, last[n->index]});
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
        if (!n->live || n->op == NULL || n->op->span != SPAN_REDUCE || !aenc_node_by_rows(n)) continue;
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
            n->gradient_offset = n->kind == NODE_PARAMETER && n->active ? n->offset : -1;
            if (n->kind == NODE_STEP && n->attr != NULL) plan->size[SLOT_STEP] = n->offset + 1;
        }
        if (n->op == NULL || !n->op->view) continue;
        const struct node *base = n->in[0];
        n->slot = base->slot;
        n->offset = base->offset;
        n->gradient_offset = base->gradient_offset;
    }
}

aenc_status aenc_plan_memory(struct tape *tape, struct plan *plan) {
    aenc_status status = plan->training ? place_training(tape, plan) : place_inference(tape, plan);
    if (status == AENC_OK) status = place_shard_gathers(tape, plan);
    if (status == AENC_OK) status = place_reductions(tape, plan);
    if (status == AENC_OK) place_leaves_and_views(tape, plan);
    return status;
}
