/* snapshot.c - keeping the best parameters of a run. */
#include <string.h>

#include "train/train.h"

aenc_status aenc_snapshot_take(struct aenc_model *model, struct snapshot *snapshot) {
    const struct store *store = &model->store;
    if (snapshot->parameter == NULL)
        snapshot->parameter = aenc_alloc_raw(model->ctx, (size_t)store->parameter_size, sizeof(num));
    if (snapshot->state == NULL) snapshot->state = aenc_alloc_raw(model->ctx, (size_t)store->state_size, sizeof(num));
    if (snapshot->parameter == NULL || snapshot->state == NULL) return AENC_ERR_NO_MEMORY;
    memcpy(snapshot->parameter, store->parameter, (size_t)store->parameter_size * sizeof(num));
    memcpy(snapshot->state, store->state, (size_t)store->state_size * sizeof(num));
    return AENC_OK;
}

aenc_status aenc_snapshot_restore(struct aenc_model *model, const struct snapshot *snapshot) {
    const struct store *store = &model->store;
    aenc_status status = aenc_store_own(&model->store);
    if (status != AENC_OK) return status;
    memcpy(store->parameter, snapshot->parameter, (size_t)store->parameter_size * sizeof(num));
    memcpy(store->state, snapshot->state, (size_t)store->state_size * sizeof(num));
    return AENC_OK;
}

void aenc_snapshot_free(aenc_context *ctx, struct snapshot *snapshot) {
    aenc_release(ctx, snapshot->parameter);
    aenc_release(ctx, snapshot->state);
    *snapshot = (struct snapshot){NULL, NULL};
}
