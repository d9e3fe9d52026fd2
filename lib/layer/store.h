/* store.h - a model's parameters and states by name, one contiguous block of each.
 *
 * Recording declares entries; when the first recording is done the store allocates its blocks and draws the initial
 * values, each from the random stream of its own name: adding a parameter changes no other. Offsets never move.
 */
#ifndef AENC_LAYER_STORE_H
#define AENC_LAYER_STORE_H

#include "tape/tape.h"

struct pool;

enum entry_kind { ENTRY_PARAMETER, ENTRY_STATE };

/* How a value starts. gain multiplies. */
enum init_kind {
    INIT_CONSTANT,       /* gain itself */
    INIT_XAVIER_UNIFORM, /* +-gain sqrt(6 / (fan_in + fan_out)): Glorot & Bengio 2010 */
    INIT_XAVIER_NORMAL,
    INIT_HE_UNIFORM,    /* +-gain sqrt(6 / fan_in) */
    INIT_HE_NORMAL,     /* gain sqrt(2 / fan_in): He et al. 2015 */
    INIT_LECUN_UNIFORM, /* +-gain sqrt(3 / fan_in) */
    INIT_LECUN_NORMAL,  /* gain sqrt(1 / fan_in): LeCun et al. 1998 */
    INIT_ORTHOGONAL,    /* Saxe et al. 2014 */
    INIT_UNIFORM,       /* +-gain */
    INIT_NORMAL,        /* gain as standard deviation */
    INIT_TORCH          /* +-1 / sqrt(fan_in): torch.nn.Linear's default, weights and biases */
};

struct init {
    enum init_kind kind;
    double gain;
    int64_t fan_in, fan_out;
};

/* What its numbers must be besides finite, as floats of a file too. */
enum entry_range {
    RANGE_ANY,
    RANGE_NOT_NEGATIVE, /* variances */
    RANGE_POSITIVE      /* at least FLT_MIN: what is divided by */
};

/* What a parameter is after each update, and at the start. */
enum constraint_kind {
    CONSTRAINT_NONE,
    CONSTRAINT_NOT_NEGATIVE,
    CONSTRAINT_UNIT_NORM, /* the Euclidean norm over an axis is 1; where it is 0 it stays */
    CONSTRAINT_MAX_NORM   /* or at most limit */
};
struct constraint {
    enum constraint_kind kind;
    int axis;
    double limit;
};

struct entry {
    const char *name;
    uint64_t stream; /* of its name */
    enum entry_kind kind;
    struct shape shape; /* no row axis */
    enum entry_range range;
    struct init init;
    struct constraint constraint;
    int64_t offset; /* in its block, in nums; a multiple of 16 */
    int64_t count;
    bool frozen;
    int player;            /* who trains it; 0: the model's own */
    bool decays;           /* weight decay applies: weights yes, biases and gains no */
    bool updated_per_tile; /* while the rest is updated: it is updated part by part */
    size_t leaf;           /* where its leaf stands on store->tape, if it has one there */
};

/* The numbers of a model, shared by the store and by runners that took them as they were. Freed with the last
 * reference; the count is atomic, the freeing is done by the context's thread. */
struct weights {
    atomic_size_t references;
    num *parameter, *state;
};

struct store {
    aenc_context *ctx;
    struct arena arena;
    struct entry *entry; /* in order of declaration */
    size_t entry_count, entry_capacity;
    size_t *slot, slot_count; /* entries by name: 1 + index, 0: free; a power of two, half of it used at most */
    const struct tape *tape;  /* recorded last; only ever compared, and the entries' leaves are looked at */
    int64_t parameter_size, state_size; /* nums, padding included */
    struct weights *weights;            /* NULL until aenc_store_allocate */
    num *parameter, *state;             /* those of weights */
    num *gradient;                      /* as parameter; NULL until training needs it */
    double reach;                       /* no parameter is larger (optim/reach.c); infinite: not known */
};

void aenc_store_create(aenc_context *ctx, struct store *store);
void aenc_store_free(struct store *store);
struct entry *aenc_store_find(const struct store *store, const char *name);
/* Whether the player trains it. */
static inline bool aenc_entry_trained(const struct entry *entry, int player) {
    return entry->kind == ENTRY_PARAMETER && !entry->frozen && entry->player == player;
}
/* The entry's numbers in its block; stale after aenc_store_own. */
num *aenc_store_values(const struct store *store, const struct entry *entry);
/* Records the parameter (or state) `tape scope.name` on the tape, declaring it if it is new. AENC_ERR_SHAPE when it
 * exists with another shape. NULL with tape->status set. */
struct node *aenc_store_parameter(struct store *store, struct tape *tape, const char *name, struct shape shape,
                                  struct init init, bool decays);
struct node *aenc_store_state(struct store *store, struct tape *tape, const char *name, struct shape shape,
                              double start);
struct node *aenc_store_state_within(struct store *store, struct tape *tape, const char *name, struct shape shape,
                                     double start, enum entry_range range);
/* As aenc_store_state, from an init as parameters have it. */
struct node *aenc_store_state_from(struct store *store, struct tape *tape, const char *name, struct shape shape,
                                   struct init init);
/* Whether a number may stand there; the first of count that may not, or -1; AENC_ERR_... and a message that names
 * it, `what` in front. */
bool aenc_entry_takes(const struct entry *entry, double value);
int64_t aenc_entry_bad(const struct entry *entry, const num *values);
aenc_status aenc_entry_refuse(aenc_context *ctx, aenc_status status, const char *what, const struct entry *entry,
                              int64_t index, double value);
/* Allocates the blocks and draws every initial value from (seed, name). */
aenc_status aenc_store_allocate(struct store *store, uint64_t seed);
/* The same with zeros, for who has other values for all of them. */
aenc_status aenc_store_allocate_zero(struct store *store);
/* The values of a store with the same entries and of the same context, shared until one of the two is written to. */
void aenc_store_share(struct store *store, const struct store *from);
/* Called before anything writes to parameter or state: while somebody else refers to them, the store gets a copy of its
 * own. AENC_ERR_NO_MEMORY: nothing has changed. Pointers into the blocks are stale afterwards. */
aenc_status aenc_store_own(struct store *store);
/* The same for a writer who keeps store->reach true. */
aenc_status aenc_store_unshare(struct store *store);
struct weights *aenc_weights_retain(struct weights *weights);
/* NULL-safe. */
void aenc_weights_release(aenc_context *ctx, struct weights *weights);
/* "he_normal:gain=2" and the like into *init (kind and gain); message set on failure. */
aenc_status aenc_init_parse(aenc_context *ctx, const char *text, struct init *init);

/* constraint.c: "unit_norm:axis=0" and the like into *out; message set on failure. */
aenc_status aenc_constraint_parse(aenc_context *ctx, const char *text, struct constraint *out);
/* The parameter, whose entry has the constraint from now on, as it has at most one. NULL with tape->status set. */
struct node *aenc_store_constrain(struct store *store, struct tape *tape, struct node *parameter,
                                  const struct constraint *constraint);
/* Projects the entry's values; pool NULL: on this thread. The same bits on any number of threads. */
void aenc_constraint_apply(const struct entry *entry, num *values, struct pool *pool);

/* What of name lies below a path of names with dots between them: "" for the path itself, NULL when it lies elsewhere.
 * "encoder.1" has encoder.1 and encoder.1.weight below it, not encoder.10; "" has everything; a dot at its end is
 * ignored. */
const char *aenc_path_below(const char *name, const char *path);

#endif
