/* run.c - replaying a plan: stages in order, shards, columns and tiles in parallel, one barrier between stages.
 *
 * Nothing here allocates, and nothing depends on which worker does what: a shard writes its rows, a tile its part of
 * one gradient, and every sum has an order given by shapes alone.
 */
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "math/blas.h"
#include "tape/run.h"

#define BOUND ((num)1e12) /* two numbers below it, times any number of rows, are far from infinite */

static int64_t shards_most(const struct plan *plan, int space) {
    return aenc_plan_shards(plan, space, plan->tape->capacity[space]);
}

/* Blocks in SLOT_WORKER: one for each worker, or for each shard where these are fewer. */
static int64_t worker_blocks(const struct plan *plan, int workers) {
    int64_t blocks = 1;
    for (int s = 0; s < plan->tape->space_count; s++) {
        int64_t wanted = shards_most(plan, s) < workers ? shards_most(plan, s) : workers;
        if (wanted > blocks) blocks = wanted;
    }
    return blocks;
}

aenc_status aenc_run_create(aenc_context *ctx, const struct plan *plan, struct run *run) {
    memset(run, 0, sizeof *run);
    run->plan = plan;
    memcpy(run->factor, plan->tape->factor, sizeof run->factor);
    run->kernels = aenc_kernels();
    run->gemm = aenc_blas_product();
    run->block[SLOT_ACTIVATION] = aenc_alloc(ctx, (size_t)plan->size[SLOT_ACTIVATION], sizeof(num));
    run->block[SLOT_GRADIENT] = aenc_alloc(ctx, (size_t)plan->size[SLOT_GRADIENT], sizeof(num));
    bool own = plan->training && ctx->pool != NULL && plan->size[SLOT_WORKER] + plan->scratch_size > 0;
    run->workers = own ? aenc_pool_workers(ctx->pool) : 1;
    run->scratch_block = run->scratch = aenc_alloc(ctx, (size_t)(plan->scratch_size * run->workers), sizeof(num));
    run->worker_blocks = worker_blocks(plan, run->workers);
    run->block[SLOT_WORKER] = aenc_alloc(ctx, (size_t)(plan->size[SLOT_WORKER] * run->worker_blocks), sizeof(num));
    run->part = aenc_alloc(ctx, (size_t)plan->part_size, sizeof(num));
    int64_t ramps = plan->size[SLOT_STEP];
    if (ramps > 0) run->ramp = run->block[SLOT_STEP] = aenc_alloc(ctx, (size_t)ramps, sizeof(num));
    run->tile_square = aenc_alloc(ctx, plan->tile_count, sizeof *run->tile_square);
    bool bounded = plan->product_stage > 0;
    if (bounded) {
        int space = plan->stage[plan->bound_stage].space;
        size_t shards = (size_t)aenc_plan_shards(plan, space, plan->tape->capacity[space]);
        run->bound = aenc_alloc(ctx, shards, sizeof *run->bound);
    }
    run->binding = aenc_alloc(ctx, plan->tape->field_count, sizeof *run->binding);
    bool good = run->block[SLOT_ACTIVATION] != NULL && run->block[SLOT_GRADIENT] != NULL &&
                run->block[SLOT_WORKER] != NULL && run->scratch != NULL && run->part != NULL &&
                run->tile_square != NULL && run->binding != NULL && (ramps == 0 || run->ramp != NULL) &&
                (!bounded || run->bound != NULL);
    if (good) return AENC_OK;
    aenc_run_free(ctx, run);
    return AENC_ERR_NO_MEMORY;
}

void aenc_run_free(aenc_context *ctx, struct run *run) {
    aenc_release(ctx, run->block[SLOT_ACTIVATION]);
    aenc_release(ctx, run->block[SLOT_GRADIENT]);
    aenc_release(ctx, run->block[SLOT_WORKER]);
    aenc_release(ctx, run->scratch_block);
    aenc_release(ctx, run->part);
    aenc_release(ctx, run->ramp);
    aenc_release(ctx, run->tile_square);
    aenc_release(ctx, run->bound);
    aenc_release(ctx, run->binding);
    memset(run, 0, sizeof *run);
}

/* ---- Steps ---- */

static void copy_row(num *restrict to, const float *restrict from, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = (num)from[i];
}

/* One row, `first` values behind the field's source. */
static void feed_row(num *to, const struct binding *binding, int64_t first, int64_t count) {
    num scale = (num)binding->scale;
    switch (binding->type) {
    case VALUE_F32: copy_row(to, (const float *)binding->source + first, count); break;
    case VALUE_U8: {
        const uint8_t *from = (const uint8_t *)binding->source + first;
        for (int64_t i = 0; i < count; i++) to[i] = scale * (num)from[i];
        break;
    }
    case VALUE_I32: {
        const int32_t *from = (const int32_t *)binding->source + first;
        for (int64_t i = 0; i < count; i++) to[i] = scale * (num)from[i];
        break;
    }
    }
}

/* Input rows from wherever the caller has them. */
static void feed(const struct node *n, struct span rows, const struct run *run) {
    const struct tape *tape = run->plan->tape;
    size_t f = 0;
    while (tape->field[f].node != n) f++;
    const struct binding *binding = &run->binding[f];
    int64_t size = aenc_node_row_size(n);
    num *value = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        int64_t from = binding->row != NULL ? binding->row[r] : r;
        feed_row(value + r * size, binding, from * binding->stride, size);
    }
}

/* The factor of a term: its weight, times its step value. */
static double term_weight(const struct run *run, const struct term *term) {
    return term->weight_step == NULL ? term->weight : term->weight * (double)*aenc_value(run, term->weight_step);
}

/* d(sum over rows of weight[r] term[r]) / d term[r]; of a batch term, the total weight, so that dividing by it once
 * at the update leaves the term itself. */
static void seed(const struct node *n, struct span rows, bool add, const struct run *run) {
    const struct tape *tape = run->plan->tape;
    num *g = aenc_gradient(run, n);
    double factor = 0;
    for (size_t i = 0; i < tape->term_count; i++)
        if (tape->term[i].node == n && tape->term[i].role != TERM_MEASURE) factor += term_weight(run, &tape->term[i]);
    if (n->kind != NODE_ROW) {
        g[0] = (add ? g[0] : 0) + (num)(factor * run->weight_total);
        return;
    }
    /* a view is seeded where its base is computed, whose rows may be those of another space */
    int64_t own = run->factor[n->space], base = run->factor[n->base->space];
    for (int64_t r = rows.lo * own / base; r < rows.hi * own / base; r++)
        g[r] = (add ? g[r] : 0) + (num)(factor * (double)aenc_row_weight(run, n->space, r) / (double)own);
}

static struct span axis0(const struct node *n) { return (struct span){0, n->shape.rank == 0 ? 1 : n->shape.dim[0]}; }

/* A partial op adds to what is clear. */
static void gradient_call(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    if (n->op->partial && !add) {
        const struct shape *shape = &n->in[operand]->shape;
        int64_t each = shape->rank == 0 ? 1 : aenc_shape_count(shape) / shape->dim[0];
        memset(dx, 0, (size_t)((s.hi - s.lo) * each) * sizeof *dx);
        add = true;
    }
    n->op->gradient(n, operand, s, dx, add, run);
}

void aenc_run_gradients(const struct node *n, struct span rows, const struct run *run) {
    for (int i = 0; i < n->in_count; i++) {
        const struct node *x = n->in[i];
        enum gradient_mode mode = aenc_gradient_mode(n, i);
        if (mode == GRADIENT_NONE) continue;
        bool by_rows = x->kind == NODE_ROW;
        num *dx = aenc_gradient(run, x) + (by_rows ? rows.lo * aenc_node_row_size(x) : 0);
        gradient_call(n, i, by_rows ? rows : axis0(x), dx, mode == GRADIENT_ADD, run);
    }
}

static void backward(const struct node *n, struct span rows, const struct run *run) {
    if (n->op->talents != NULL && n->op->talents->backward != NULL)
        n->op->talents->backward(n, rows, run);
    else
        aenc_run_gradients(n, rows, run);
}

static void shard_gather(const struct plan_step *step, const struct run *run) {
    const struct node *in = step->node->in[step->operand];
    num *part = run->part + step->part_offset + run->shard * aenc_shape_count(&in->shape);
    gradient_call(step->node, step->operand, axis0(in), part, false, run);
}

/* How many columns a step that may be cut has. */
static int64_t columns_of(const struct plan_step *step) {
    return aenc_node_row_size(step->kind == STEP_FORWARD_COLUMNS ? step->node : step->node->in[0]);
}

/* Notes the node if nothing before it was bad and its value, just computed for these rows, is not finite. */
static void watch(const struct node *n, struct span rows, const struct run *run) {
    if (run->bad == NULL || (*run->bad != NULL && (*run->bad)->index <= n->index)) return;
    int64_t size = aenc_node_row_size(n);
    bool by_rows = n->kind == NODE_ROW;
    const num *value = aenc_value(run, n) + (by_rows ? rows.lo * size : 0);
    int64_t count = by_rows ? (rows.hi - rows.lo) * size : size;
    if (!(run->kernels->elementwise->max_abs(value, count) <= NUM_MAX)) *run->bad = n;
}

static void step_run(const struct plan_step *step, struct span rows, const struct run *run) {
    const struct node *n = step->node;
    switch (step->kind) {
    case STEP_FEED: feed(n, rows, run); break;
    case STEP_FORWARD:
        n->op->forward(n, rows, run);
        if (n->op->span != SPAN_REDUCE || !aenc_node_by_rows(n)) watch(n, rows, run);
        break;
    case STEP_SEED: seed(n, rows, step->operand != 0, run); break;
    case STEP_BACKWARD: backward(n, rows, run); break;
    case STEP_SHARD_GATHER: shard_gather(step, run); break;
    case STEP_COMBINE: break;
    case STEP_FORWARD_COLUMNS:
        n->op->talents->forward_columns(n, rows, (struct span){0, columns_of(step)}, run);
        watch(n, rows, run);
        break;
    case STEP_BACKWARD_COLUMNS:
        n->op->talents->backward_columns(n, rows, (struct span){0, columns_of(step)}, run);
        break;
    }
}

/* ---- Stages ---- */

/* What the workers of one stage share. */
struct work {
    const struct run *run;
    const struct plan_stage *stage;
    const struct tile_sink *sink; /* NULL: gradients stay in their places */
    bool bound;                   /* this is plan->bound_stage, and somebody asks */
};

/* The caller's run knows of the batch alone. */
static int64_t live_of(const struct run *run, int space) { return run->live[0] * run->factor[space]; }

static int64_t shards_of(const struct run *run, int space) {
    return aenc_plan_shards(run->plan, space, live_of(run, space));
}

struct span aenc_shard_rows(const struct run *run, int space, int64_t shard) {
    int64_t rows = run->plan->shard_rows[space], live = live_of(run, space), lo = shard * rows;
    return (struct span){lo, lo + rows < live ? lo + rows : live};
}

static num largest(const struct run *run, const num *at, const struct node *n, struct span rows) {
    int64_t size = aenc_node_row_size(n);
    return run->kernels->elementwise->max_abs(at + rows.lo * size, (rows.hi - rows.lo) * size);
}

/* What one shard adds to a product of plan->product_stage at most: as many products of a value and a gradient as
 * there are lines, for every use. Gradients of biases are sums of the gradient alone, which stands there beside its
 * weight's. */
static void bound_shard(const struct run *run, struct span rows) {
    const struct plan_stage *products = &run->plan->stage[run->plan->product_stage];
    double bound = 0;
    for (int64_t i = run->plan->tile[products->first].first_use; i < (int64_t)run->plan->use_count; i++) {
        const struct use *use = &run->plan->use[i];
        const struct node *n = use->node;
        if (use->operand != 1 || !(bound < INFINITY)) continue;
        num value = largest(run, aenc_value(run, n->in[0]), n->in[0], rows);
        num gradient = value < BOUND ? largest(run, aenc_gradient(run, n), n, rows) : BOUND;
        int64_t lines = (rows.hi - rows.lo) * (aenc_node_row_size(n) / n->shape.dim[n->shape.rank - 1]);
        bool bounded = value < BOUND && gradient < BOUND;
        bound = bounded ? bound + (double)lines * fmax((double)value, 1) * (double)gradient : (double)INFINITY;
    }
    run->bound[run->shard] = bound;
}

double aenc_run_bound(const struct run *run) {
    int64_t shards = shards_of(run, run->plan->stage[run->plan->bound_stage].space);
    double bound = 0;
    for (int64_t i = 0; i < shards; i++) bound += run->bound[i];
    return bound;
}

static void rows_task(void *user, int64_t index, int worker) {
    const struct work *work = user;
    struct run run = *work->run;
    int64_t block = shards_most(run.plan, work->stage->space) > run.worker_blocks ? worker : index;
    run.block[SLOT_WORKER] += block * run.plan->size[SLOT_WORKER];
    run.scratch += worker * run.plan->scratch_size;
    struct span rows = run.rows = aenc_shard_rows(&run, work->stage->space, index);
    run.shard = index;
    for (int64_t i = 0; i < work->stage->count; i++) step_run(&run.plan->step[work->stage->first + i], rows, &run);
    if (work->bound) bound_shard(&run, rows);
}

/* What a product copies at a time on the widest processor: fewer would cost as much. The last columns are half as
 * many to half as many again. */
enum { COLUMNS_AT_ONCE = 32 };

static int64_t column_tasks(const struct plan_step *step) {
    int64_t count = (columns_of(step) + COLUMNS_AT_ONCE / 2) / COLUMNS_AT_ONCE;
    return count > 1 ? count : 1;
}

static void columns_task(void *user, int64_t index, int worker) {
    const struct work *work = user;
    struct run own = *work->run;
    const struct run *run = &own;
    own.scratch += worker * run->plan->scratch_size;
    const struct plan_step *step = &run->plan->step[work->stage->first];
    const struct op_talents *talents = step->node->op->talents;
    int64_t lo = index * COLUMNS_AT_ONCE;
    bool last = index == column_tasks(step) - 1;
    struct span columns = {lo, last ? columns_of(step) : lo + COLUMNS_AT_ONCE};
    if (step->kind == STEP_FORWARD_COLUMNS)
        talents->forward_columns(step->node, run->rows, columns, run);
    else
        talents->backward_columns(step->node, run->rows, columns, run);
}

static void add_parts(const struct use *use, const struct tile *tile, num *out, bool add, const struct run *run) {
    const struct node *in = use->node->in[use->operand];
    int64_t count = aenc_shape_count(&in->shape);
    int64_t dim = in->shape.rank == 0 ? 1 : in->shape.dim[0];
    int64_t inner = count / dim;
    int64_t size = (tile->range.hi - tile->range.lo) * inner;
    int64_t shards = shards_of(run, aenc_node_space(use->node));
    if (!add) memset(out, 0, (size_t)size * sizeof *out);
    for (int64_t s = 0; s < shards; s++)
        run->kernels->elementwise->accumulate(out, run->part + use->part_offset + s * count + tile->range.lo * inner, 1,
                                              size);
}

static void tile_task(void *user, int64_t index, int worker) {
    const struct work *work = user;
    struct run own = *work->run;
    const struct run *run = &own;
    own.scratch += worker * run->plan->scratch_size;
    const struct tile *tile = &run->plan->tile[work->stage->first + index];
    const struct node *target = tile->target;
    int64_t dim = target->shape.rank == 0 ? 1 : target->shape.dim[0];
    int64_t inner = aenc_shape_count(&target->shape) / dim;
    int64_t first = tile->range.lo * inner, count = (tile->range.hi - tile->range.lo) * inner;
    num *out =
        work->sink == NULL ? aenc_gradient(run, target) + first : work->sink->scratch + worker * work->sink->size;
    for (int64_t i = 0; i < tile->use_count; i++) {
        const struct use *use = &run->plan->use[tile->first_use + i];
        const struct node *in = use->node->in[use->operand];
        bool add = tile->add || i > 0;
        struct span range = tile->range;
        if (in != target) range = axis0(in);
        own.rows = (struct span){0, live_of(run, aenc_node_space(use->node))};
        if (use->part_offset >= 0)
            add_parts(use, tile, out, add, run);
        else
            gradient_call(use->node, use->operand, range, out, add, run);
    }
    run->tile_square[work->stage->first + index] = run->kernels->optimizer->square_sum(out, count);
    if (work->sink != NULL) work->sink->take(work->sink->user, target, first, count, out);
}

/* One tile of a wide sum over the rows. */
static void reduce_task(void *user, int64_t index, int worker) {
    const struct work *work = user;
    struct run run = *work->run;
    const struct tile *tile = &run.plan->tile[work->stage->first + index];
    const struct node *n = tile->target;
    run.scratch += worker * run.plan->scratch_size;
    num *out = aenc_value(&run, n) + tile->range.lo * (aenc_node_row_size(n) / n->shape.dim[0]);
    n->op->talents->reduce_tile(n, tile->range, out, &run);
}

/* All live rows, of an op that has them. */
static void once(const struct plan_step *step, const struct run *run) {
    struct run own = *run;
    own.rows = (struct span){0, live_of(run, aenc_node_space(step->node))};
    step_run(step, own.rows, &own);
}

static void stage_run(struct work *work, struct pool *pool) {
    const struct run *run = work->run;
    const struct plan_stage *stage = work->stage;
    const struct plan_step *step = run->plan->step + stage->first;
    switch (stage->kind) {
    case STAGE_ROWS: aenc_pool_run(pool, shards_of(run, stage->space), rows_task, work); break;
    case STAGE_COLUMNS:
        aenc_pool_run(pool, column_tasks(step), columns_task, work);
        if (step->kind == STEP_FORWARD_COLUMNS) watch(step->node, run->rows, run);
        break;
    case STAGE_GATHER: aenc_pool_run(pool, stage->count, tile_task, work); break;
    case STAGE_REDUCE:
        aenc_pool_run(pool, stage->count, reduce_task, work);
        for (int64_t i = 0; i < stage->count; i++) watch(run->plan->tile[stage->first + i].target, run->rows, run);
        break;
    case STAGE_ONCE:
        for (int64_t i = 0; i < stage->count; i++) once(&step[i], run);
        break;
    case STAGE_COMBINE:
        for (int64_t i = 0; i < stage->count; i++) {
            step[i].node->op->combine(step[i].node, shards_of(run, stage->space), run);
            watch(step[i].node, run->rows, run);
        }
        break;
    }
}

/* Whether the stage is one of rows with so many live ones. */
static bool by_rows(const struct run *run, const struct plan_stage *stage) {
    if (stage->kind != STAGE_COLUMNS) return stage->kind == STAGE_ROWS;
    struct span cut = run->plan->step[stage->first].node->column_parallel_rows;
    int64_t live = live_of(run, stage->space);
    return live < cut.lo || live >= cut.hi;
}

void aenc_run_stages(const struct run *run, size_t first, size_t end, struct pool *pool) {
    const struct plan *plan = run->plan;
    bool own_memory = plan->size[SLOT_WORKER] + plan->scratch_size > 0;
    if (own_memory && pool != NULL && aenc_pool_workers(pool) > run->workers) pool = NULL;
    for (size_t i = first, next; i < end; i = next) {
        struct plan_stage stage = plan->stage[i];
        bool rows = by_rows(run, &stage);
        if (rows) stage.kind = STAGE_ROWS;
        for (next = i + 1; rows && next < end && plan->stage[next].joined && by_rows(run, &plan->stage[next]); next++)
            stage.count += plan->stage[next].count;
        bool bound = run->check_overflow_bound && rows && plan->bound_stage >= i && plan->bound_stage < next;
        struct run own = *run;
        for (int s = 1; s < plan->tape->space_count; s++) own.live[s] = live_of(run, s);
        own.rows = (struct span){0, live_of(run, stage.space)};
        stage_run(&(struct work){&own, &stage, NULL, bound}, pool);
    }
}

void aenc_run_replay(struct run *run, struct pool *pool) { aenc_run_stages(run, 0, run->plan->stage_count, pool); }

void aenc_run_products(const struct run *run, const struct tile_sink *sink, struct pool *pool) {
    const struct plan_stage *stage = &run->plan->stage[run->plan->product_stage];
    struct work work = {run, stage, sink, false};
    aenc_pool_run(pool, stage->count, tile_task, &work);
}

/* Behind the last stage with a step of the forward walk. */
static size_t forward_end(const struct plan *plan) {
    size_t end = 0;
    for (size_t s = 0; s < plan->stage_count; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        if (stage->kind == STAGE_REDUCE) end = s + 1;
        for (int64_t i = stage->first; !aenc_stage_of_tiles(stage->kind) && i < stage->first + stage->count; i++)
            if (plan->step[i].kind <= STEP_COMBINE || plan->step[i].kind == STEP_FORWARD_COLUMNS) end = s + 1;
    }
    return end;
}

const struct node *aenc_run_first_bad(const struct run *run) {
    const struct node *bad = NULL;
    struct run again = *run;
    again.bad = &bad;
    again.check_overflow_bound = false;
    aenc_run_stages(&again, 0, forward_end(run->plan), NULL);
    return bad;
}

double aenc_run_term(const struct run *run, const struct term *term) {
    const num *value = aenc_value(run, term->node);
    double factor = term_weight(run, term);
    if (term->node->kind != NODE_ROW) return factor * (double)value[0] * run->weight_total;
    double sum = 0;
    int space = term->node->space;
    for (int64_t r = 0; r < live_of(run, space); r++) sum += (double)value[r] * (double)aenc_row_weight(run, space, r);
    return factor * sum / (double)run->factor[space];
}
