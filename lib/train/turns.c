/* turns.c - a training step of all players.
 *
 * A step has one batch. First the players beside the model's own take their turns on it, in their order, each as many as it
 * has, then the model's own takes one. A turn is gradients, check and update of one player's entries; what is drawn in it
 * is a function of its number, too. If one fails, those before it in the step are undone.
 */
#include <string.h>

#include "train/training.h"

aenc_status aenc_train_optimizer(struct aenc_model *model, const struct json *spec, struct optimizer **out) {
    const struct store *store = &model->store;
    struct optimizer **next = out;
    struct arena arena;
    aenc_status status = AENC_OK;
    *out = NULL;
    aenc_arena_create(model->ctx, &arena);
    for (int p = 0; p < model->player_count && status == AENC_OK; p++) {
        struct optim_part part = {p, 0, store->parameter_size};
        int64_t end = 0;
        struct json *own = NULL;
        for (size_t i = 0; i < store->entry_count && p > 0; i++) {
            const struct entry *entry = &store->entry[i];
            if (entry->kind != ENTRY_PARAMETER || entry->player != p) continue;
            if (end == 0) part.first = entry->offset;
            end = entry->offset + entry->count;
        }
        if (p > 0) part.size = end - part.first;
        const char *text = model->player[p].optimizer;
        if (text != NULL) status = aenc_settings_parse(&arena, "optimizer", text, &own);
        if (status == AENC_OK) status = aenc_optim_create(model->ctx, own != NULL ? own : spec, part, next);
        if (status == AENC_OK) next = &(*next)->next;
    }
    aenc_arena_free(&arena);
    if (status == AENC_OK) return AENC_OK;
    aenc_optim_free(model->ctx, *out);
    *out = NULL;
    return status;
}

void aenc_train_resumed(const struct aenc_model *model, struct optimizer *optimizer, int64_t step) {
    for (struct optimizer *o = optimizer; o != NULL; o = o->next) o->step = step * model->player[o->player].turns;
    aenc_optim_resumed(optimizer);
}

/* What the turns of other players change, to be undone; room for it stays with the model. */
struct turns_kept {
    struct optim_kept player[PLAYERS_MAX];
    num *states;
};

static aenc_status keep(struct aenc_model *model, const struct optimizer *optimizer, struct turns_kept *out) {
    const struct store *store = &model->store;
    struct training *training = aenc_training(model);
    size_t size = (size_t)store->state_size;
    if (training == NULL) return AENC_ERR_NO_MEMORY;
    for (const struct optimizer *o = optimizer->next; o != NULL; o = o->next) size += aenc_optim_kept_size(o);
    if (training->kept_size < size) {
        aenc_release(model->ctx, training->kept);
        training->kept = aenc_alloc_raw(model->ctx, size, sizeof *training->kept);
        training->kept_size = training->kept == NULL ? 0 : size;
        if (training->kept == NULL) return AENC_ERR_NO_MEMORY;
    }
    num *room = out->states = training->kept;
    memcpy(room, store->state, (size_t)store->state_size * sizeof *room);
    room += store->state_size;
    for (const struct optimizer *o = optimizer->next; o != NULL; o = o->next) {
        aenc_optim_keep_in(o, store, room, &out->player[o->player]);
        room += aenc_optim_kept_size(o);
    }
    return AENC_OK;
}

static void restore(struct aenc_model *model, struct optimizer *optimizer, const struct turns_kept *kept) {
    struct store *store = &model->store;
    memcpy(store->state, kept->states, (size_t)store->state_size * sizeof *kept->states);
    for (struct optimizer *o = optimizer->next; o != NULL; o = o->next)
        aenc_optim_restore(o, store, &kept->player[o->player]);
}

aenc_status aenc_train_step(struct aenc_model *model, struct optimizer *optimizer, const struct batch *batch,
                            double *loss) {
    struct turns_kept kept;
    struct turn turn = {0, 0};
    /* before a run is given the parameters' place, and values are kept: this may move them */
    aenc_status status = aenc_store_unshare(&model->store);
    if (status == AENC_OK && optimizer->next != NULL) status = keep(model, optimizer, &kept);
    if (status != AENC_OK) return status;
    for (struct optimizer *o = optimizer->next; o != NULL && status == AENC_OK; o = o->next) {
        turn.player = o->player;
        for (int64_t t = 0; t < model->player[o->player].turns && status == AENC_OK; t++, turn.number++)
            status = aenc_train_turn(model, o, turn, batch, NULL);
    }
    turn.player = 0;
    if (status == AENC_OK) status = aenc_train_turn(model, optimizer, turn, batch, loss);
    if (status == AENC_OK)
        model->step++;
    else if (optimizer->next != NULL)
        restore(model, optimizer, &kept);
    return status;
}
