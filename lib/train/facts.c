/* facts.c - facts of a model's players, and the comparison of facts. */
#include "train/facts.h"

#include <string.h>

#include "io/bytes.h"

/* ---- Players ---- */

static void add_texts(struct arena *arena, struct json *object, const char *key, const char *const *text,
                      size_t count) {
    struct json *list = aenc_json_add(arena, object, key, JSON_ARRAY);
    for (size_t i = 0; i < count; i++) aenc_json_add_text(arena, list, NULL, text[i]);
}

/* A registered bottleneck may have other ones by now. */
void aenc_facts_add_players(const struct aenc_model *model, struct arena *arena, struct json *object) {
    struct json *players = model->player_count > 1 ? aenc_json_add(arena, object, "players", JSON_OBJECT) : NULL;
    for (int p = 1; p < model->player_count && players != NULL; p++) {
        const struct player *player = &model->player[p];
        struct json *one = aenc_json_add(arena, players, player->name, JSON_OBJECT);
        aenc_json_add_u64(arena, one, "turns", (uint64_t)player->turns);
        aenc_json_add_text(arena, one, "optimizer", player->optimizer == NULL ? "" : player->optimizer);
        add_texts(arena, one, "entries", player->entry, player->entry_count);
        add_texts(arena, one, "terms", player->term, player->term_count);
    }
}

/* ---- Comparing ---- */

/* Depth is bounded by the reader and the builder. */
static bool same(const struct json *a, const struct json *b) {
    if (a->kind != b->kind || a->truth != b->truth || a->count != b->count) return false;
    if (a->kind == JSON_NUMBER && !(a->number == b->number)) return false;
    if (a->kind == JSON_TEXT && strcmp(a->text, b->text) != 0) return false;
    const struct json *y = b->first;
    for (const struct json *x = a->first; x != NULL; x = x->next, y = y->next) {
        if ((x->key == NULL) != (y->key == NULL)) return false;
        if (x->key != NULL && strcmp(x->key, y->key) != 0) return false;
        if (!same(x, y)) return false;
    }
    return true;
}

/* A fact before and now; NULL: not there. */
struct pair {
    const struct json *then, *now;
};

/* The first member in which two objects differ; both NULL: none. */
static struct pair differing(const struct json *then, const struct json *now) {
    for (const struct json *member = now->first; member != NULL; member = member->next) {
        const struct json *before = aenc_json_member(then, member->key);
        if (before == NULL || !same(before, member)) return (struct pair){before, member};
    }
    for (const struct json *member = then == NULL ? NULL : then->first; member != NULL; member = member->next)
        if (member->key == NULL || aenc_json_member(now, member->key) == NULL) return (struct pair){member, NULL};
    return (struct pair){NULL, NULL};
}

/* A value for a message. */
static const char *value_text(struct arena *arena, const struct json *value) {
    char *text;
    if (value == NULL) return "not there";
    if (value->kind == JSON_TEXT && *value->text == '\0') return "empty";
    if (value->kind == JSON_TEXT) return aenc_arena_text(arena, aenc_quoted(value->text).text);
    if (aenc_json_write(arena->ctx, value, &text, NULL) != AENC_OK) return NULL;
    const char *copy = aenc_arena_text(arena, text);
    aenc_release(arena->ctx, text);
    return copy;
}

static bool object(const struct json *value) { return value != NULL && value->kind == JSON_OBJECT; }

aenc_status aenc_facts_compare(struct arena *arena, const struct json *then, const struct json *now,
                               struct difference *out) {
    struct pair p = differing(then, now), inner = p;
    const char *name = "";
    *out = (struct difference){NULL, NULL, NULL};
    if (p.then == NULL && p.now == NULL) return AENC_OK;
    for (bool more = true; more && name != NULL;) {
        const char *key = p.now != NULL ? p.now->key : p.then->key;
        name = aenc_arena_format(arena, "%s%s%s", name, *name == '\0' ? "" : ".",
                                 key == NULL ? "?" : aenc_quoted(key).text);
        more = object(p.then) && object(p.now);
        if (more) inner = differing(p.then, p.now);
        more = more && (inner.then != NULL || inner.now != NULL); /* not where members stand in another order */
        if (more) p = inner;
    }
    *out = (struct difference){name, value_text(arena, p.then), value_text(arena, p.now)};
    return name == NULL || out->then == NULL || out->now == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_facts_check_players(const struct aenc_model *model, struct arena *arena, const struct json *object,
                                     aenc_status refusal, const char *what) {
    struct json *then = aenc_json_root(arena, JSON_OBJECT), *now = aenc_json_root(arena, JSON_OBJECT);
    struct difference d;
    aenc_json_add_copy(arena, then, "players", aenc_json_member(object, "players"));
    aenc_facts_add_players(model, arena, now);
    aenc_status status = arena->failed ? AENC_ERR_NO_MEMORY : aenc_facts_compare(arena, then, now, &d);
    if (status != AENC_OK || d.name == NULL) return status;
    return aenc_fail(arena->ctx, refusal, "%s: it is of other players: %s was %.200s and is %.200s", what, d.name,
                     d.then, d.now);
}
