/* site_calls.c - what a plug-in reaches of the model that it is recorded in: fields, taps, terms, measures, results. */
#include <string.h>

#include "api/plugin_types.h"
#include "base/mem.h"
#include "io/bytes.h"
#include "model/results.h"

/* Whether the call can go on: the recording is sound, and what it takes is there. */
static bool named(const aenc_recorder *r, const char *call, const char *name) {
    if (!aenc_recorder_sound(r)) return false;
    size_t length = name == NULL ? 0 : strlen(name);
    if (length > 0 && length < PLUGIN_NAME && r->site != NULL) return true;
    aenc_tape_fail(r->tape, AENC_ERR_ARGUMENT, "%s: name is %s", call, name == NULL ? "NULL" : "empty or too long");
    return false;
}

int64_t aenc_recorder_aim(const aenc_recorder *recorder) {
    if (recorder == NULL || recorder->site == NULL) return 0;
    switch (aenc_site_aim(recorder->site)) {
    case SITE_TRAIN: return AENC_AIM_TRAIN;
    case SITE_SCORE: return AENC_AIM_SCORE;
    default: return AENC_AIM_RESULT;
    }
}

aenc_node *aenc_node_field(aenc_recorder *recorder, const char *name) {
    if (!named(recorder, "aenc_node_field", name)) return NULL;
    return aenc_node_shown(aenc_site_field(recorder->site, name));
}

aenc_node *aenc_node_tap(aenc_recorder *recorder, const char *path) {
    if (!named(recorder, "aenc_node_tap", path)) return NULL;
    return aenc_node_shown(aenc_site_tap(recorder->site, path));
}

/* Terms may be recorded where they are computed: not for a result. */
static bool counts(const aenc_recorder *r) { return r->site->aim != SITE_RESULT; }

aenc_node *aenc_node_objective(aenc_recorder *recorder, const char *name, aenc_node *x, double weight) {
    if (!named(recorder, "aenc_node_objective", name)) return NULL;
    struct node *n = aenc_node_taken(recorder, "objective", x);
    if (n != NULL && !(weight - weight == 0)) {
        aenc_tape_fail(recorder->tape, AENC_ERR_ARGUMENT, "aenc_node_objective: the weight of '%s' is not finite",
                       name);
        return NULL;
    }
    if (n != NULL && counts(recorder)) aenc_tape_objective(recorder->tape, name, n, weight, NULL);
    return aenc_recorder_sound(recorder) ? x : NULL;
}

aenc_node *aenc_node_measure(aenc_recorder *recorder, const char *name, aenc_node *x) {
    if (!named(recorder, "aenc_node_measure", name)) return NULL;
    struct node *n = aenc_node_taken(recorder, "measure", x);
    if (n != NULL && counts(recorder)) aenc_tape_measure(recorder->tape, name, n);
    return aenc_recorder_sound(recorder) ? x : NULL;
}

aenc_node *aenc_node_result(aenc_recorder *recorder, const char *name, aenc_node *x) {
    if (!named(recorder, "aenc_node_result", name)) return NULL;
    struct node *n = aenc_node_taken(recorder, "result", x);
    if (aenc_result_built_in(name))
        aenc_tape_fail(recorder->tape, AENC_ERR_ARGUMENT, "aenc_node_result: '%s' is a result of every model", name);
    const char *copy = aenc_arena_text(&recorder->tape->arena, name);
    if (copy == NULL) recorder->tape->status = AENC_ERR_NO_MEMORY;
    if (aenc_recorder_sound(recorder)) aenc_site_result(recorder->site, copy, n);
    return aenc_recorder_sound(recorder) ? x : NULL;
}

static bool texts_there(const char *const *text, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text == NULL || text[i] == NULL || !aenc_utf8_valid(text[i], strlen(text[i]))) return false;
    return true;
}

int32_t aenc_recorder_player(aenc_recorder *recorder, const aenc_player *player) {
    aenc_player given;
    if (!aenc_recorder_sound(recorder) || recorder->site == NULL) return 0;
    struct tape *tape = recorder->tape;
    if (recorder->plugin->plugin.kind != AENC_PLUGIN_BOTTLENECK)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "aenc_recorder_player: bottlenecks alone have players");
    if (player == NULL) aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "aenc_recorder_player: player is NULL");
    if (tape->status == AENC_OK)
        tape->status = aenc_options_read(tape->ctx, "aenc_player", player, sizeof given, &given);
    if (tape->status != AENC_OK || !named(recorder, "aenc_recorder_player", given.name)) return 0;
    if (!texts_there(given.entries, given.entry_count) || !texts_there(given.terms, given.term_count))
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "player '%s': entries or terms are NULL or not UTF-8",
                       aenc_quoted(given.name).text);
    aenc_site_player(recorder->site, &(struct player){.name = given.name,
                                                      .entry = given.entries,
                                                      .entry_count = given.entry_count,
                                                      .term = given.terms,
                                                      .term_count = given.term_count,
                                                      .optimizer = given.optimizer,
                                                      .turns = given.turns == 0 ? 1 : given.turns});
    return tape->status == AENC_OK;
}
