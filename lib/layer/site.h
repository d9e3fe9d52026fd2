/* site.h - where something is recorded: what layers, losses, penalties, corruptions and bottlenecks see of a model.
 *
 * A site has the tape, whose scope is the name path of what is being recorded, and the store, which hands out parameters
 * and states by name: on the first recording they are declared, later ones find them. What a row consists of is reached
 * by the names of its fields, what has been recorded before by its name path. Whatever is recorded, built in or
 * registered, must follow from its spec and the site alone, so that every task of a model gets the same function.
 */
#ifndef AENC_LAYER_SITE_H
#define AENC_LAYER_SITE_H

#include "layer/fields.h"
#include "layer/store.h"

/* What the recording is for. */
enum site_aim {
    SITE_RESULT, /* the deterministic code and output: no terms, no draws */
    SITE_SCORE, /* the objective of evaluation, row by row: objective terms and measures, no penalties, no corruption */
    SITE_TRAIN  /* everything */
};

/* A node that a caller may ask for: what a bottleneck or a layer has named, or the output of a layer under its name path. In the
 * tape's arena, the youngest first. */
struct site_result {
    const char *name;
    struct node *node;
    bool layer, behind_code;
    const struct site_result *before;
};

/* Who trains a part of the model by terms of its own, beside the model's own player. Each step of training has first the turns of
 * these, then one of the model's own. */
enum { PLAYERS_MAX = 4, TURNS_MAX = 80 }; /* the model's own among them; of each, so that a turn is one of 256 */
struct player {
    const char *name;
    const char *const *entry; /* name paths: what lies below is its own */
    size_t entry_count;
    const char *const *term; /* names of what it minimises */
    size_t term_count;
    const char *optimizer; /* a spec; NULL: that of the model's own */
    int64_t turns;         /* updates in each step; 1 to TURNS_MAX */
};

struct site {
    struct tape *tape;
    struct store *store;
    const void *self;               /* the type (struct layer_type and the like) whose record is being called */
    enum site_aim aim;              /* looked at through aenc_site_aim by what is recorded */
    bool aim_read;                  /* so it has been: another aim may be recorded differently */
    const struct field_spec *field; /* by number; NULL: there are none */
    int field_count;
    /* Row nodes, NULL until they are recorded: what the encoder saw (after corruption), the code, the output. */
    struct node *input, *code, *output;
    struct node *log_ratio; /* log p(z) - log q(z | x) of the code z that was drawn, (rows); NULL: it has no density */
    bool one_draw;          /* of each row, however many the bottleneck would make */
    const void *kept;       /* what the bottleneck's record has kept for its objective; NULL: nothing */
    struct node *target;    /* what a corruption puts in the place of the input as target; NULL: nothing */
    const struct json *encoder, *decoder;  /* checked specs */
    const struct site_result *result;      /* the youngest; NULL: none */
    struct player player[PLAYERS_MAX - 1]; /* declared so far, texts in the tape's arena */
    int player_count;
};

static inline enum site_aim aenc_site_aim(struct site *site) {
    site->aim_read = true;
    return site->aim;
}

/* A bottleneck may make several codes of a row, which then are rows of a row space of their own, and all behind them. n, of the rows
 * of the batch, for each of these; anything else as it is. NULL is handed on. */
struct node *aenc_site_spread(const struct site *site, struct node *n);
/* The field of that name as a row node: (rows, dims), or (rows) where it has none; recorded once, and spread. NULL with
 * tape->status set where no such field is declared. */
struct node *aenc_site_field(struct site *site, const char *name);
/* Its spec; NULL with tape->status set. */
const struct field_spec *aenc_site_field_spec(struct site *site, const char *name);
/* A tap: what comes out of the layer of that name path ("encoder.0"), as it was recorded last. NULL with tape->status
 * set. Spread as fields are. */
struct node *aenc_site_tap(struct site *site, const char *path);
/* n under a name by which a caller may ask for it: the bottleneck's as it is, a layer's behind its name path. NULL is ignored. */
void aenc_site_result(struct site *site, const char *name, struct node *n);
/* A player, whose texts are copied. Failures stick to the tape. */
void aenc_site_player(struct site *site, const struct player *player);
/* With its texts in the arena, which states whether it had the memory. */
void aenc_player_copy(struct arena *arena, const struct player *from, struct player *to);
/* n as the output of the layer that the tape's scope is. NULL is ignored. */
void aenc_site_layer(struct site *site, struct node *n);
/* The youngest of that name; NULL: there is none. */
struct node *aenc_site_result_find(const struct site *site, const char *name);

#endif
