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
    aenc_tape_fail(r->tape, AENC_ERR_ARGUMENT, "aenc_node_%s: name is %s", call,
                   name == NULL ? "NULL" : "empty or too long");
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
    if (!named(recorder, "field", name)) return NULL;
    return aenc_node_shown(aenc_site_field(recorder->site, name));
}

aenc_node *aenc_node_tap(aenc_recorder *recorder, const char *path) {
    if (!named(recorder, "tap", path)) return NULL;
    return aenc_node_shown(aenc_site_tap(recorder->site, path));
}

/* Terms may be recorded where they are computed: not for a result. */
static bool counts(const aenc_recorder *r) { return r->site->aim != SITE_RESULT; }

aenc_node *aenc_node_objective(aenc_recorder *recorder, const char *name, aenc_node *x, double weight) {
    if (!named(recorder, "objective", name)) return NULL;
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
    if (!named(recorder, "measure", name)) return NULL;
    struct node *n = aenc_node_taken(recorder, "measure", x);
    if (n != NULL && counts(recorder)) aenc_tape_measure(recorder->tape, name, n);
    return aenc_recorder_sound(recorder) ? x : NULL;
}

aenc_node *aenc_node_result(aenc_recorder *recorder, const char *name, aenc_node *x) {
    if (!named(recorder, "result", name)) return NULL;
    struct node *n = aenc_node_taken(recorder, "result", x);
    if (aenc_result_built_in(name))
        aenc_tape_fail(recorder->tape, AENC_ERR_ARGUMENT, "aenc_node_result: '%s' is a result of every model", name);
    const char *copy = aenc_arena_text(&recorder->tape->arena, name);
    if (copy == NULL) recorder->tape->status = AENC_ERR_NO_MEMORY;
    if (aenc_recorder_sound(recorder)) aenc_site_result(recorder->site, copy, n);
    return aenc_recorder_sound(recorder) ? x : NULL;
}
