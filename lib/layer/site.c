/* site.c - looking things up while something is recorded. */
#include "layer/site.h"

#include <string.h>

#include "io/bytes.h"
#include "op/builders.h"

const struct field_spec *aenc_site_field_spec(struct site *site, const char *name) {
    struct tape *tape = site->tape;
    int index = aenc_field_find(site->field, site->field_count, name);
    if (index >= 0) return &site->field[index];
    aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "there is no field '%s'; 'fields' of the description declares it",
                   aenc_quoted(name).text);
    return NULL;
}

struct node *aenc_site_spread(const struct site *site, struct node *n) {
    const struct node *code = site->code;
    if (n == NULL || code == NULL || code->kind != NODE_ROW || n->kind != NODE_ROW || n->space != 0) return n;
    return aenc_op_spread(site->tape, n, site->tape->factor[code->space]);
}

struct node *aenc_site_field(struct site *site, const char *name) {
    struct tape *tape = site->tape;
    for (size_t i = 0; i < tape->field_count; i++)
        if (strcmp(tape->field[i].name, name) == 0) return aenc_site_spread(site, tape->field[i].node);
    const struct field_spec *spec = aenc_site_field_spec(site, name);
    if (spec == NULL) return NULL;
    const char *before = tape->scope;
    tape->scope = "";
    struct node *n = aenc_tape_input(tape, spec->name, spec->shape.dim, spec->shape.rank);
    tape->scope = before;
    return aenc_site_spread(site, n);
}

struct node *aenc_site_tap(struct site *site, const char *path) {
    const struct site_result *r = site->result;
    while (r != NULL && (!r->layer || strcmp(r->name, path) != 0)) r = r->before;
    if (r != NULL) return aenc_site_spread(site, r->node);
    aenc_tape_fail(site->tape, AENC_ERR_ARGUMENT, "there is no layer '%s' on the way", aenc_quoted(path).text);
    return NULL;
}

static void result_add(struct site *site, const char *name, struct node *n, bool layer) {
    struct tape *tape = site->tape;
    if (n == NULL || tape->status != AENC_OK) return;
    struct site_result *r = aenc_arena_alloc(&tape->arena, 1, sizeof *r);
    if (r == NULL) tape->status = AENC_ERR_NO_MEMORY;
    if (r == NULL) return;
    *r = (struct site_result){name, n, layer, site->code != NULL, site->result};
    site->result = r;
}

void aenc_site_result(struct site *site, const char *name, struct node *n) {
    bool bottleneck = strcmp(site->tape->scope, "bottleneck") == 0;
    result_add(site, bottleneck ? name : aenc_tape_path(site->tape, name), n, false);
}

void aenc_site_layer(struct site *site, struct node *n) { result_add(site, site->tape->scope, n, true); }

struct node *aenc_site_result_find(const struct site *site, const char *name) {
    const struct site_result *r = site->result;
    while (r != NULL && strcmp(r->name, name) != 0) r = r->before;
    return r == NULL ? NULL : r->node;
}

static const char *const *texts_copy(struct arena *arena, const char *const *text, size_t count) {
    const char **copy = aenc_arena_alloc(arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) copy[i] = aenc_arena_text(arena, text[i]);
    return copy;
}

void aenc_player_copy(struct arena *arena, const struct player *from, struct player *to) {
    *to = *from;
    to->name = aenc_arena_text(arena, from->name);
    to->entry = texts_copy(arena, from->entry, from->entry_count);
    to->term = texts_copy(arena, from->term, from->term_count);
    if (from->optimizer != NULL) to->optimizer = aenc_arena_text(arena, from->optimizer);
}

void aenc_site_player(struct site *site, const struct player *player) {
    struct tape *tape = site->tape;
    if (tape->status != AENC_OK) return;
    for (int i = 0; i < site->player_count; i++)
        if (strcmp(site->player[i].name, player->name) == 0)
            aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "player '%s' is declared twice", aenc_quoted(player->name).text);
    if (site->player_count == PLAYERS_MAX - 1)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "player '%s': a model has %d beside its own at most",
                       aenc_quoted(player->name).text, PLAYERS_MAX - 1);
    if (player->entry_count == 0 || player->term_count == 0)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "player '%s' has no %s", aenc_quoted(player->name).text,
                       player->entry_count == 0 ? "entries" : "terms");
    if (player->turns < 1 || player->turns > TURNS_MAX)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "player '%s' has %lld turns; 1 to %d are taken",
                       aenc_quoted(player->name).text, (long long)player->turns, TURNS_MAX);
    if (tape->status != AENC_OK) return;
    aenc_player_copy(&tape->arena, player, &site->player[site->player_count++]);
    if (tape->arena.failed) tape->status = AENC_ERR_NO_MEMORY;
}
