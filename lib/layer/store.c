/* store.c - declaring parameters and states, finding them again, giving them memory and first values. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "layer/init.h"
#include "layer/store.h"

enum { OFFSET_MULTIPLE = 16 }; /* nums: a cache line of floats */

void aenc_store_create(aenc_context *ctx, struct store *store) {
    memset(store, 0, sizeof *store);
    store->ctx = ctx;
    aenc_arena_create(ctx, &store->arena);
}

void aenc_store_free(struct store *store) {
    aenc_context *ctx = store->ctx;
    if (ctx == NULL) return;
    aenc_release(ctx, store->entry);
    aenc_release(ctx, store->slot);
    aenc_weights_release(ctx, store->weights);
    aenc_release(ctx, store->gradient);
    aenc_arena_free(&store->arena);
    memset(store, 0, sizeof *store);
}

/* ---- Names ---- */

/* The slot of a name's entry, or the free one where it would stand. */
static size_t *slot_of(const struct store *store, uint64_t stream, const char *name) {
    size_t at = (size_t)stream & (store->slot_count - 1);
    for (; store->slot[at] != 0; at = (at + 1) & (store->slot_count - 1)) {
        const struct entry *entry = &store->entry[store->slot[at] - 1];
        if (entry->stream == stream && strcmp(entry->name, name) == 0) break;
    }
    return &store->slot[at];
}

struct entry *aenc_store_find(const struct store *store, const char *name) {
    if (store->slot_count == 0) return NULL;
    size_t number = *slot_of(store, aenc_random_stream(name), name);
    return number == 0 ? NULL : &store->entry[number - 1];
}

/* With one entry more, at most half of the slots are taken. */
static aenc_status slots_grow(struct store *store) {
    enum { SLOTS_FIRST = 16 };
    if (2 * (store->entry_count + 1) <= store->slot_count) return AENC_OK;
    size_t count = store->slot_count == 0 ? SLOTS_FIRST : 2 * store->slot_count;
    size_t *slot = aenc_alloc(store->ctx, count, sizeof *slot);
    if (slot == NULL) return AENC_ERR_NO_MEMORY;
    aenc_release(store->ctx, store->slot);
    store->slot = slot;
    store->slot_count = count;
    for (size_t i = 0; i < store->entry_count; i++)
        *slot_of(store, store->entry[i].stream, store->entry[i].name) = i + 1;
    return AENC_OK;
}

num *aenc_store_values(const struct store *store, const struct entry *entry) {
    return (entry->kind == ENTRY_PARAMETER ? store->parameter : store->state) + entry->offset;
}

/* Numbers of a shape; false when they overflow or there are none. */
static bool shape_size(const struct shape *shape, int64_t *count) {
    size_t product = sizeof(num);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 1 || !aenc_size_multiply(product, (size_t)shape->dim[i], &product)) return false;
    *count = (int64_t)(product / sizeof(num));
    return product <= PTRDIFF_MAX / 4;
}

/* Appends an entry behind the others of its kind. The name is in the store's arena. */
static aenc_status entry_add(struct store *store, const char *name, const struct entry *wanted, struct entry **out) {
    if (store->parameter != NULL)
        return aenc_fail(store->ctx, AENC_ERR_INTERNAL, "'%s' is declared after the parameters were allocated", name);
    int64_t count;
    int64_t *size = wanted->kind == ENTRY_PARAMETER ? &store->parameter_size : &store->state_size;
    if (!shape_size(&wanted->shape, &count) || count > INT64_MAX / 8 - *size)
        return aenc_fail(store->ctx, AENC_ERR_SHAPE, "'%s' is empty or too large to be addressed", name);
    void *entries = store->entry;
    if (aenc_reserve(store->ctx, &entries, &store->entry_capacity, store->entry_count + 1, sizeof *store->entry) !=
        AENC_OK)
        return AENC_ERR_NO_MEMORY;
    store->entry = entries;
    if (slots_grow(store) != AENC_OK) return AENC_ERR_NO_MEMORY;
    struct entry *entry = &store->entry[store->entry_count];
    *entry = *wanted;
    entry->name = aenc_arena_text(&store->arena, name);
    if (entry->name == NULL) return AENC_ERR_NO_MEMORY;
    entry->stream = aenc_random_stream(name);
    entry->count = count;
    entry->offset = *size;
    *size += (count + OFFSET_MULTIPLE - 1) / OFFSET_MULTIPLE * OFFSET_MULTIPLE;
    *slot_of(store, entry->stream, entry->name) = ++store->entry_count;
    *out = entry;
    return AENC_OK;
}

static bool leaf_of(const struct node *n, const struct entry *entry) {
    return n->op == NULL && n->kind == (entry->kind == ENTRY_PARAMETER ? NODE_PARAMETER : NODE_STATE) &&
           n->stream == entry->stream && strcmp(n->name, entry->name) == 0;
}

/* The leaf that this tape already has for an entry: a second one would get a gradient of its own in the same place.
 * Entries know where on the tape that is being recorded their leaves stand; for another tape this is set anew first. */
static struct node *leaf_find(struct store *store, const struct tape *tape, const struct entry *entry) {
    for (size_t i = 0; store->tape != tape && i < tape->node_count; i++) {
        struct entry *other = tape->node[i]->op == NULL ? aenc_store_find(store, tape->node[i]->name) : NULL;
        if (other != NULL && leaf_of(tape->node[i], other)) other->leaf = i;
    }
    store->tape = tape;
    struct node *n = entry->leaf < tape->node_count ? tape->node[entry->leaf] : NULL;
    return n != NULL && leaf_of(n, entry) ? n : NULL;
}

/* The entry called `path`, declared if it is new; NULL with tape->status set. */
static struct entry *entry_of(struct store *store, struct tape *tape, const char *path, const struct entry *wanted) {
    struct entry *entry = aenc_store_find(store, path);
    if (entry == NULL) {
        aenc_status status = entry_add(store, path, wanted, &entry);
        if (status == AENC_OK) return entry;
        tape->status = status;
        return NULL;
    }
    if (entry->kind == wanted->kind && aenc_shape_equal(&entry->shape, &wanted->shape)) return entry;
    const struct shape *have = &entry->shape, *want = &wanted->shape;
    aenc_tape_fail(tape, AENC_ERR_SHAPE, "'%s' has shape %s, and %s is asked for", path,
                   aenc_dims(have->dim, have->rank, false).text, aenc_dims(want->dim, want->rank, false).text);
    return NULL;
}

struct node *aenc_store_parameter(struct store *store, struct tape *tape, const char *name, struct shape shape,
                                  struct init init, bool decays) {
    if (tape->status != AENC_OK) return NULL;
    const char *path = aenc_tape_path(tape, name);
    if (tape->status != AENC_OK) return NULL;
    struct entry wanted = {.kind = ENTRY_PARAMETER, .shape = shape, .init = init, .decays = decays};
    struct entry *entry = entry_of(store, tape, path, &wanted);
    if (entry == NULL) return NULL;
    struct node *leaf = leaf_find(store, tape, entry);
    if (leaf != NULL) return leaf;
    entry->leaf = tape->node_count;
    return aenc_tape_parameter(tape, path, shape, entry->offset, !entry->frozen && entry->player == tape->player);
}

static struct node *state_add(struct store *store, struct tape *tape, const char *name, struct shape shape,
                              struct init init, enum entry_range range) {
    if (tape->status != AENC_OK) return NULL;
    const char *path = aenc_tape_path(tape, name);
    if (tape->status != AENC_OK) return NULL;
    struct entry wanted = {.kind = ENTRY_STATE, .shape = shape, .range = range, .init = init};
    struct entry *entry = entry_of(store, tape, path, &wanted);
    if (entry == NULL) return NULL;
    struct node *leaf = leaf_find(store, tape, entry);
    if (leaf != NULL) return leaf;
    entry->leaf = tape->node_count;
    return aenc_tape_state(tape, path, shape, entry->offset);
}

struct node *aenc_store_state(struct store *store, struct tape *tape, const char *name, struct shape shape,
                              double start) {
    return aenc_store_state_within(store, tape, name, shape, start, RANGE_ANY);
}

struct node *aenc_store_state_within(struct store *store, struct tape *tape, const char *name, struct shape shape,
                                     double start, enum entry_range range) {
    return state_add(store, tape, name, shape, (struct init){.kind = INIT_CONSTANT, .gain = start}, range);
}

struct node *aenc_store_state_from(struct store *store, struct tape *tape, const char *name, struct shape shape,
                                   struct init init) {
    return state_add(store, tape, name, shape, init, RANGE_ANY);
}
/* ---- What numbers may be ---- */

bool aenc_entry_takes(const struct entry *entry, double value) {
    if (!(fabs(value) <= (double)FLT_MAX)) return false;
    return entry->range == RANGE_ANY || value >= (entry->range == RANGE_POSITIVE ? (double)FLT_MIN : 0);
}

int64_t aenc_entry_bad(const struct entry *entry, const num *values) {
    if (entry->range == RANGE_ANY && aenc_kernels()->elementwise->max_abs(values, entry->count) <= (num)FLT_MAX)
        return -1;
    for (int64_t i = 0; i < entry->count; i++)
        if (!aenc_entry_takes(entry, (double)values[i])) return i;
    return -1;
}

aenc_status aenc_entry_refuse(aenc_context *ctx, aenc_status status, const char *what, const struct entry *entry,
                              int64_t index, double value) {
    static const char *const must[] = {"it must be finite", "it must be finite and not negative",
                                       "it must be finite and positive"};
    return aenc_fail(ctx, status, "%s: '%s'%s is %s; %s", what, entry->name,
                     aenc_element(entry->shape.dim, entry->shape.rank, index).text, aenc_shown_num((num)value).text,
                     must[entry->range]);
}

/* ---- The numbers ---- */

static struct weights *weights_create(const struct store *store) {
    struct weights *weights = aenc_alloc(store->ctx, 1, sizeof *weights);
    if (weights == NULL) return NULL;
    atomic_init(&weights->references, 1);
    weights->parameter = aenc_alloc(store->ctx, (size_t)store->parameter_size, sizeof(num));
    weights->state = aenc_alloc(store->ctx, (size_t)store->state_size, sizeof(num));
    if (weights->parameter != NULL && weights->state != NULL) return weights;
    aenc_weights_release(store->ctx, weights);
    return NULL;
}

struct weights *aenc_weights_retain(struct weights *weights) {
    atomic_fetch_add_explicit(&weights->references, 1, memory_order_relaxed);
    return weights;
}

void aenc_weights_release(aenc_context *ctx, struct weights *weights) {
    if (weights == NULL) return;
    if (atomic_fetch_sub_explicit(&weights->references, 1, memory_order_acq_rel) != 1) return;
    aenc_release(ctx, weights->parameter);
    aenc_release(ctx, weights->state);
    aenc_release(ctx, weights);
}

/* The weights are taken over; those before lose a reference. */
static void store_adopt(struct store *store, struct weights *weights) {
    aenc_weights_release(store->ctx, store->weights);
    store->weights = weights;
    store->parameter = weights->parameter;
    store->state = weights->state;
    store->reach = INFINITY;
}

void aenc_store_share(struct store *store, const struct store *from) {
    store_adopt(store, aenc_weights_retain(from->weights));
}

aenc_status aenc_store_own(struct store *store) {
    store->reach = INFINITY;
    return aenc_store_unshare(store);
}

aenc_status aenc_store_unshare(struct store *store) {
    if (atomic_load_explicit(&store->weights->references, memory_order_acquire) == 1) return AENC_OK;
    struct weights *copy = weights_create(store);
    if (copy == NULL) return AENC_ERR_NO_MEMORY;
    memcpy(copy->parameter, store->parameter, (size_t)store->parameter_size * sizeof(num));
    memcpy(copy->state, store->state, (size_t)store->state_size * sizeof(num));
    double reach = store->reach;
    store_adopt(store, copy);
    store->reach = reach;
    return AENC_OK;
}

aenc_status aenc_store_allocate_zero(struct store *store) {
    if (store->parameter != NULL)
        return aenc_fail(store->ctx, AENC_ERR_INTERNAL, "the parameters have been allocated before");
    struct weights *weights = weights_create(store);
    if (weights == NULL) return AENC_ERR_NO_MEMORY;
    store_adopt(store, weights);
    return AENC_OK;
}

aenc_status aenc_store_allocate(struct store *store, uint64_t seed) {
    aenc_status status = aenc_store_allocate_zero(store);
    for (size_t i = 0; i < store->entry_count && status == AENC_OK; i++) {
        const struct entry *entry = &store->entry[i];
        num *values = aenc_store_values(store, entry);
        status = aenc_init_draw(store->ctx, entry, seed, values);
        if (status == AENC_OK) aenc_constraint_apply(entry, values, NULL);
        int64_t bad = status == AENC_OK ? aenc_entry_bad(entry, values) : -1;
        if (bad >= 0)
            status =
                aenc_entry_refuse(store->ctx, AENC_ERR_ARGUMENT, "a start too wide", entry, bad, (double)values[bad]);
    }
    return status;
}

/* ---- Paths ---- */

const char *aenc_path_below(const char *name, const char *path) {
    size_t length = strlen(path);
    if (length > 0 && path[length - 1] == '.') length--;
    if (length == 0) return name;
    if (strncmp(name, path, length) != 0) return NULL;
    if (name[length] == '.') return name + length + 1;
    return name[length] == '\0' ? name + length : NULL;
}
