/* wrong.h - calls that are wrong in one place each: what the message begins with, that it names no other function, and that it
 * is of this call. The functions without a row are found by tests/symbols.py. */
#ifndef AENC_TESTS_API_WRONG_H
#define AENC_TESTS_API_WRONG_H

#include <autoenc/ops.h>
#include <ctype.h>

#include "api/world.h"

enum { BAD_NULL, BAD_DATA, BAD_ROWS, BAD_VALUE, BAD_STRIDE, BAD_SIZE, BAD_COLS, BAD };

struct wrong {
    struct world w;
    aenc_context *ctx;
    aenc_model *model;
    const aenc_matrix *x;
    float broken[WORLD_COLS], out[256];
    aenc_matrix room[BAD];
    const aenc_matrix *bad[BAD]; /* matrices that no call takes; the last has a column less than x */
};

static inline aenc_status wrong_reset(aenc_context *ctx) {
    aenc_tensor *none;
    return aenc_tensor_create(ctx, -1234, NULL, 0, &none);
}

static inline void wrong_create(struct wrong *s) {
    world_create(&s->w);
    s->ctx = s->w.ctx;
    s->model = s->w.model;
    s->x = &s->w.x;
    for (int i = 0; i < WORLD_COLS; i++) s->broken[i] = i == 2 ? (float)NAN : 1;
    for (int i = 0; i < BAD; i++) s->room[i] = s->w.x;
    s->room[BAD_DATA].data = NULL;
    s->room[BAD_ROWS].rows = 0;
    s->room[BAD_VALUE] = (aenc_matrix){s->broken, 1, WORLD_COLS, 0};
    s->room[BAD_STRIDE].stride = WORLD_COLS - 1;
    s->room[BAD_SIZE].rows = SIZE_MAX / 2;
    s->room[BAD_COLS].cols--;
    for (int i = 0; i < BAD; i++) s->bad[i] = i == BAD_NULL ? NULL : &s->room[i];
    CHECK(wrong_reset(s->ctx) != AENC_OK);
}

static inline bool wrong_letter(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* Whether text stands in message as a word of its own. */
static inline bool wrong_has(const char *message, const char *text) {
    size_t length = strlen(text);
    for (const char *at = strstr(message, text); at != NULL; at = strstr(at + 1, text))
        if ((at == message || !wrong_letter(at[-1])) && !wrong_letter(at[length])) return true;
    return false;
}

/* Whether every word that is a name of the library's is the function's own, or one of place's. */
static inline bool wrong_own(const char *message, const char *function, const char *place) {
    for (const char *at = strstr(message, "aenc_"); at != NULL; at = strstr(at + 5, "aenc_")) {
        char name[64];
        size_t length = 0;
        while (wrong_letter(at[length]) && length < sizeof name - 1) length++;
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        if (strcmp(name, function) != 0 && !wrong_has(place, name)) return false;
    }
    return !wrong_has(message, "out") || wrong_has(place, "out");
}

/* The message begins with place, behind the function's name if that comes first; of "a|b" a is the place, b stands in it too. */
static inline bool wrong_says(const char *message, const char *function, const char *place) {
    size_t length = strlen(function), first = strcspn(place, "|");
    const char *begin = message;
    if (strncmp(begin, function, length) == 0 && strncmp(begin + length, ": ", 2) == 0) begin += length + 2;
    bool placed = strncmp(begin, place, first) == 0 && !(wrong_letter(place[first - 1]) && wrong_letter(begin[first]));
    return placed && message_has(message, place) && wrong_own(message, function, place);
}

static inline void wrong_check(struct wrong *s, aenc_status status, const char *message, const char *call, const char *place,
                               const char *file, int line) {
    char function[64];
    snprintf(function, sizeof function, "%.*s", (int)strcspn(call, "("), call);
    bool fresh = strstr(message, "-1234") == NULL, good = status < 0 && fresh && wrong_says(message, function, place);
    if (!good)
        fprintf(stderr, "  status %d, wanted \"%s\" %s: %s\n", (int)status, place, fresh ? "in" : "in place of an older", message);
    check_report(good, file, line, call);
    wrong_reset(s->ctx);
}

/* There is no context to write to: the message is still the one of before. */
static inline void wrong_mute(struct wrong *s, aenc_status status, const char *call, const char *file, int line) {
    check_report(status == AENC_ERR_ARGUMENT && strstr(aenc_message(s->ctx), "-1234") != NULL, file, line, call);
    wrong_reset(s->ctx);
}

#define WRONG(call, place) wrong_check(s, (call), aenc_message(s->ctx), #call, (place), __FILE__, __LINE__)
#define MUTE(call) wrong_mute(s, (call), #call, __FILE__, __LINE__)

#endif
