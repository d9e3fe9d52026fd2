/* training.c - what training keeps with a model: made when it is first needed, gone with the model. */
#include "train/training.h"

#include <string.h>

#include "train/facts.h"
#include "train/pca_training.h"

static void training_free(struct aenc_model *model) {
    struct training *training = model->training;
    aenc_train_forget(model);
    aenc_pca_forget(model);
    aenc_release(model->ctx, training->scratch);
    aenc_release(model->ctx, training->scores);
    aenc_release(model->ctx, training->kept);
    aenc_release(model->ctx, training->history.epoch);
    aenc_release(model->ctx, training->history.term);
    aenc_release(model->ctx, training);
}

struct training *aenc_training(struct aenc_model *model) {
    if (model->training != NULL) return model->training;
    model->training = aenc_alloc(model->ctx, 1, sizeof *model->training);
    if (model->training != NULL) model->training_free = training_free;
    return model->training;
}

const struct history *aenc_train_history(const struct aenc_model *model) {
    static const struct history none;
    return model->training == NULL ? &none : &model->training->history;
}

const num *aenc_train_gradient(const struct aenc_model *model, const struct entry *entry, double *scale) {
    const struct training *training = model->training;
    if (training == NULL || training->gradients == NULL || !training->gradients->waits) return NULL;
    if (training->gradients->key.player != entry->player) return NULL;
    *scale = 1 / training->gradient_weight;
    return model->store.gradient + entry->offset;
}

aenc_status aenc_history_reserve(struct aenc_model *model, size_t epochs) {
    struct history *history = &model->training->history;
    void *epoch = history->epoch, *term = history->term;
    aenc_status status = aenc_reserve(model->ctx, &epoch, &history->capacity, epochs, sizeof *history->epoch);
    history->epoch = epoch;
    if (status != AENC_OK) return status;
    status = aenc_reserve(model->ctx, &term, &history->term_capacity, epochs,
                          2 * model->terms.count * sizeof *history->term);
    history->term = term;
    return status;
}

/* Plug-ins of another context may declare other players. */
static aenc_status players_check(const struct aenc_model *to, const struct aenc_model *from) {
    struct arena arena;
    aenc_arena_create(to->ctx, &arena);
    struct json *players = aenc_json_root(&arena, JSON_OBJECT);
    aenc_facts_add_players(from, &arena, players);
    aenc_status status = aenc_facts_check_players(to, &arena, players, AENC_ERR_UNSUPPORTED, "the model to be cloned");
    aenc_arena_free(&arena);
    return status;
}

static aenc_status online_copy(struct aenc_model *model, const struct aenc_model *from, struct online *to) {
    const struct online *online = &from->training->online;
    if (online->optimizer == NULL) return AENC_OK;
    aenc_status status = players_check(model, from);
    if (status != AENC_OK) return status;
    to->spec = aenc_text_copy(model->ctx, online->spec, strlen(online->spec));
    if (to->spec == NULL) return AENC_ERR_NO_MEMORY;
    return aenc_optim_copy(model->ctx, online->optimizer, &to->optimizer);
}

aenc_status aenc_train_copy(struct aenc_model *to, const struct aenc_model *from) {
    to->step = from->step;
    to->epoch = from->epoch;
    to->clock = from->clock;
    if (from->training == NULL) return AENC_OK;
    struct training *training = aenc_training(to);
    if (training == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = online_copy(to, from, &training->online);
    if (status != AENC_OK || from->training->moments == NULL) return status;
    training->moments = aenc_alloc(to->ctx, 1, sizeof *training->moments);
    if (training->moments == NULL) return AENC_ERR_NO_MEMORY;
    return aenc_moments_copy(to->ctx, from->training->moments, training->moments);
}
