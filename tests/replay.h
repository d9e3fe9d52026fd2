/* replay.h - for tests that record something, replay it once and look at the numbers. */
#ifndef AENC_TESTS_REPLAY_H
#define AENC_TESTS_REPLAY_H

#include <string.h>

#include "layer/store.h"
#include "tape/run.h"

struct replay {
    struct plan plan;
    struct run run;
};

/* Allocates the store's blocks and its gradient; values are drawn. */
static inline aenc_status replay_store(struct store *store, uint64_t seed) {
    aenc_status status = aenc_store_allocate(store, seed);
    if (status != AENC_OK) return status;
    store->gradient = aenc_alloc(store->ctx, (size_t)store->parameter_size, sizeof(num));
    return store->gradient == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* Plans the tape, gives it memory and replays it over `rows` rows; inputs are dense, one for each field. Ends with
 * replay_free in any case. */
static inline aenc_status replay_once(struct tape *tape, struct store *store, bool training, int64_t rows,
                                      const float *const *inputs, struct replay *replay) {
    aenc_context *ctx = tape->ctx;
    memset(replay, 0, sizeof *replay);
    tape->keep = true;
    aenc_status status = tape->status;
    if (status == AENC_OK) status = aenc_plan_create(tape, training, &replay->plan);
    if (status == AENC_OK) status = aenc_run_create(ctx, &replay->plan, &replay->run);
    if (status != AENC_OK) return status;
    struct run *run = &replay->run;
    for (size_t i = 0; i < tape->field_count; i++)
        run->binding[i] = (struct binding){.source = inputs[i], .stride = aenc_node_row_size(tape->field[i].node)};
    run->block[SLOT_PARAMETER] = store->parameter;
    run->block[SLOT_STATE] = store->state;
    run->block[SLOT_PARAMETER_GRADIENT] = store->gradient;
    run->weight_total = (double)rows;
    run->live[0] = rows;
    run->seed = ctx->seed;
    aenc_run_replay(run, ctx->pool);
    return AENC_OK;
}

static inline void replay_free(aenc_context *ctx, struct replay *replay) {
    aenc_run_free(ctx, &replay->run);
    aenc_plan_free(&replay->plan);
}

#endif
