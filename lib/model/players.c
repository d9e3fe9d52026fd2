/* players.c - who trains what: the model's own player, and those that a bottleneck has declared beside it.
 *
 * Every parameter and state has one player, and so has every term. A training task is recorded for one of them: its entries are
 * trained, its terms minimised, its states staged; what belongs to others is as it stands, and what only their terms need is not
 * computed.
 */
#include <string.h>

#include "model/model.h"

static aenc_status refuse(const struct aenc_model *model, int player, const char *what, const char *name,
                          const char *why) {
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "player '%s': %s '%s' %s", model->player[player].name, what, name,
                     why);
}

static aenc_status players_copy(struct aenc_model *model, const struct site *site) {
    struct arena *arena = &model->arena;
    size_t count = (size_t)site->player_count + 1;
    struct player *player = aenc_arena_alloc(arena, count, sizeof *player);
    if (player == NULL) return AENC_ERR_NO_MEMORY;
    player[0] = (struct player){.name = "", .turns = 1};
    for (size_t p = 1; p < count; p++) aenc_player_copy(arena, &site->player[p - 1], &player[p]);
    model->player = player;
    model->player_count = (int)count;
    if (count > 1) model->player_task = aenc_arena_alloc(arena, count - 1, sizeof *model->player_task);
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

static aenc_status entries_give(struct aenc_model *model, int p) {
    const struct player *player = &model->player[p];
    aenc_status status = AENC_OK;
    for (size_t k = 0; k < player->entry_count && status == AENC_OK; k++) {
        size_t found = 0;
        for (size_t i = 0; i < model->store.entry_count && status == AENC_OK; i++) {
            struct entry *entry = &model->store.entry[i];
            if (aenc_path_below(entry->name, player->entry[k]) == NULL) continue;
            found += entry->kind == ENTRY_PARAMETER;
            if (entry->player != 0 && entry->player != p)
                status = refuse(model, p, "parameter", entry->name, "belongs to another player");
            entry->player = p;
        }
        if (status == AENC_OK && found == 0)
            status = refuse(model, p, "entry", player->entry[k], "matches no parameter of the model");
    }
    return status;
}

static aenc_status terms_give(const struct aenc_model *model, struct tape *tape, int p) {
    const struct player *player = &model->player[p];
    for (size_t k = 0; k < player->term_count; k++) {
        const char *name = player->term[k];
        size_t found = 0;
        for (size_t i = 0; i < tape->term_count; i++) {
            struct term *term = &tape->term[i];
            if (strcmp(term->name, name) != 0) continue;
            if (i == 0 || term->role == TERM_MEASURE || term->player != 0)
                return refuse(model, p, "term", name,
                              i == 0                       ? "is the model's own"
                              : term->role == TERM_MEASURE ? "is a measure, which trains nothing"
                                                           : "belongs to a player already");
            term->player = p;
            found++;
        }
        if (found == 0) return refuse(model, p, "term", name, "is not recorded in training");
    }
    return AENC_OK;
}

static aenc_status optimizer_check(const struct aenc_model *model, int p) {
    const struct player *player = &model->player[p];
    struct arena arena;
    struct json *spec;
    double rate;
    if (player->optimizer == NULL) return AENC_OK;
    aenc_arena_create(model->ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "optimizer", player->optimizer, &spec);
    if (status == AENC_OK) status = aenc_optim_rate_read(model->ctx, spec, &rate);
    aenc_arena_free(&arena);
    return status;
}

aenc_status aenc_players_declare(struct aenc_model *model, const struct site *site) {
    struct tape *tape = site->tape;
    aenc_status status = players_copy(model, site);
    for (int p = 1; p < model->player_count && status == AENC_OK; p++) {
        status = entries_give(model, p);
        if (status == AENC_OK) status = terms_give(model, tape, p);
        if (status == AENC_OK) status = optimizer_check(model, p);
    }
    for (size_t i = 0; i < tape->term_count; i++)
        if (tape->term[i].player > 0) tape->term[i].role = TERM_PLAYER;
    return status;
}

void aenc_players_choose(const struct aenc_model *model, struct tape *tape) {
    size_t kept = 0;
    for (size_t i = 0; i < tape->term_count; i++) {
        struct term term = tape->term[i];
        term.number = i;
        term.player = i < model->terms.count ? model->terms.player[i] : 0;
        if (term.player == tape->player) tape->term[kept++] = term;
    }
    tape->term_count = kept;
    kept = 0;
    for (size_t i = 0; i < tape->stage_count; i++) {
        const struct entry *entry = aenc_store_find(&model->store, tape->stage[i].state->name);
        if (entry->player == tape->player) tape->stage[kept++] = tape->stage[i];
    }
    tape->stage_count = kept;
}

bool aenc_term_of_player(const struct aenc_model *model, const char *name) {
    for (size_t i = 0; i < model->terms.count && model->player_count > 1; i++)
        if (model->terms.player[i] > 0 && strcmp(model->terms.name[i], name) == 0) return true;
    return false;
}
