/* container.c - layers of layers, and the mirror of a whole encoder.
 *
 * sequential: one after the other. residual: x + f(x), f the layers inside (He et al. 2016). Children are named by
 * number.
 *
 * The mirror. An encoder, its nested sequentials taken apart, is a list of blocks: a layer that changes the shape or
 * the meaning of its axes (dense, reshape, flatten, residual), and behind it its followers, activations and norms,
 * among them the activation fused into a dense layer. What undoes block k produces again what block k - 1 had made, so
 * the decoder is, from the last block down to the first,
 *
 *     mirror of block k, then the followers of block k - 1.
 *
 * The activation of the code is therefore not repeated, and nothing follows the mirror of block 1: what stands there is
 * the output, whose activation the model states. Followers in front of block 1 and dropout anywhere are left out. For
 * example, on 784 numbers,
 *
 *     [dense 128 relu][dense 64 relu][dense 32]      mirrors to  [dense 64 relu][dense 128 relu][dense 784]
 *     [dense 128][batch_norm][relu][dense 32]        mirrors to  [dense 128][batch_norm][relu][dense 784]
 */
#include <stdio.h>
#include <string.h>

#include "layer/layer.h"

static const struct setting_rule rules[] = {
    {.name = "layers", .kind = SETTING_LAYERS, .required = true},
    {.name = NULL},
};

static const struct json *children(const struct json *spec) { return aenc_json_member(spec, "layers")->first; }

static aenc_status check(aenc_context *ctx, const struct json *spec) {
    aenc_status status = AENC_OK;
    for (const struct json *child = children(spec); child != NULL && status == AENC_OK; child = child->next)
        status = aenc_layer_check(ctx, child);
    return status;
}

static struct node *sequential_record(struct site *site, const struct json *spec, struct node *x) {
    int index = 0;
    for (const struct json *child = children(spec); child != NULL; child = child->next) {
        char name[16];
        snprintf(name, sizeof name, "%d", index++);
        x = aenc_layer_record(site, name, child, x);
    }
    return x;
}

const struct layer_type aenc_layer_sequential = {"sequential", rules, MIRROR_BLOCK, check, sequential_record, NULL};

static struct node *residual_record(struct site *site, const struct json *spec, struct node *x) {
    struct node *change = sequential_record(site, spec, x);
    if (change == NULL) return NULL;
    if (aenc_shape_equal(&x->shape, &change->shape)) return aenc_op_add(site->tape, x, change);
    char in[SHAPE_TEXT], out[SHAPE_TEXT];
    aenc_tape_fail(site->tape, AENC_ERR_SHAPE,
                   "layer 'residual': the layers inside turn shape %s into %s; they must keep it",
                   aenc_shape_text(x, in), aenc_shape_text(change, out));
    return NULL;
}

static struct json *residual_mirror(aenc_context *ctx, struct arena *arena, const struct json *spec,
                                    const struct shape *in) {
    struct json *inside = aenc_layer_spec_new(arena, "sequential");
    aenc_json_add_copy(arena, inside, "layers", aenc_json_member(spec, "layers"));
    if (inside == NULL || inside->count < 2) return NULL;
    const struct json *mirrored = aenc_layer_mirror(ctx, arena, inside, in);
    if (mirrored == NULL) return NULL;
    struct json *residual = aenc_layer_spec_new(arena, "residual");
    struct json *layers = aenc_json_add_copy(arena, residual, "layers", aenc_json_member(mirrored, "layers"));
    return layers == NULL ? NULL : residual;
}

const struct layer_type aenc_layer_residual = {"residual", rules,           MIRROR_BLOCK,
                                               check,      residual_record, residual_mirror};

/* ---- The mirror of an encoder ---- */

/* A layer of the encoder that is not a sequential. */
struct leaf {
    const struct json *spec;
    const struct layer_type *type;
    struct shape in; /* of one row that goes into it, no row axis */
};

/* Takes sequentials apart. leaf NULL: only counts. */
static size_t leaves(aenc_context *ctx, const struct json *spec, struct leaf *leaf) {
    const struct layer_type *type = aenc_layer_type(ctx, aenc_settings_type(spec));
    if (type != &aenc_layer_sequential) {
        if (leaf != NULL) *leaf = (struct leaf){.spec = spec, .type = type};
        return 1;
    }
    size_t count = 0;
    for (const struct json *child = children(spec); child != NULL; child = child->next)
        count += leaves(ctx, child, leaf == NULL ? NULL : leaf + count);
    return count;
}

/* Records the layers on a tape that is thrown away, for the shapes between them. */
static aenc_status shapes_learn(aenc_context *ctx, struct leaf *leaf, size_t count, const struct shape *input) {
    struct tape tape;
    struct store store;
    aenc_tape_create(ctx, MODE_EVALUATE, 1, &tape);
    tape.scope = "encoder";
    aenc_store_create(ctx, &store);
    struct site site = {.tape = &tape, .store = &store};
    struct node *x = aenc_tape_input(&tape, "input", input->dim, input->rank);
    for (size_t i = 0; i < count && x != NULL; i++) {
        leaf[i].in.rank = x->shape.rank - 1;
        for (int k = 1; k < x->shape.rank; k++) leaf[i].in.dim[k - 1] = x->shape.dim[k];
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        x = aenc_layer_record(&site, name, leaf[i].spec, x);
    }
    aenc_status status = tape.status;
    aenc_store_free(&store);
    aenc_tape_free(&tape);
    return status;
}

/* Adds the activation fused into `block` to the layer just mirrored, fused again where that is dense too. */
static aenc_status fused_add(struct arena *arena, struct json *layers, struct json *mirrored,
                             const struct json *block) {
    const struct json *activation = aenc_json_member(block, "activation");
    struct json *parsed;
    if (activation == NULL) return AENC_OK;
    if (strcmp(aenc_settings_type(mirrored), aenc_layer_dense.name) == 0) {
        parsed = aenc_json_add_text(arena, mirrored, "activation", activation->text);
        return parsed == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    }
    aenc_status status = aenc_settings_parse(arena, "activation", activation->text, &parsed);
    if (status != AENC_OK) return status;
    return aenc_json_add_copy(arena, layers, NULL, parsed) == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* The mirror of leaf[k], a block, and the followers of the block before it. */
static aenc_status block_add(aenc_context *ctx, struct arena *arena, struct json *layers, const struct leaf *leaf,
                             size_t k) {
    struct json *mirrored = leaf[k].type->mirror(ctx, arena, leaf[k].spec, &leaf[k].in);
    if (mirrored == NULL) return AENC_ERR_UNSUPPORTED;
    mirrored = aenc_json_add_copy(arena, layers, NULL, mirrored);
    if (mirrored == NULL) return AENC_ERR_NO_MEMORY;
    size_t before = k;
    while (before > 0 && leaf[before - 1].type->role != MIRROR_BLOCK) before--;
    if (before == 0) return AENC_OK;
    aenc_status status = fused_add(arena, layers, mirrored, leaf[before - 1].spec);
    for (size_t i = before; i < k && status == AENC_OK; i++) {
        if (leaf[i].type->role != MIRROR_FOLLOWER) continue;
        if (aenc_json_add_copy(arena, layers, NULL, leaf[i].spec) == NULL) status = AENC_ERR_NO_MEMORY;
    }
    return status;
}

const struct json *aenc_layer_mirror(aenc_context *ctx, struct arena *arena, const struct json *encoder,
                                     const struct shape *input) {
    size_t count = leaves(ctx, encoder, NULL);
    struct leaf *leaf = aenc_arena_alloc(arena, count, sizeof *leaf);
    struct json *layers, *decoder = aenc_layer_sequence_new(arena, &layers);
    if (leaf == NULL || layers == NULL) return NULL;
    leaves(ctx, encoder, leaf);
    aenc_status status = shapes_learn(ctx, leaf, count, input);
    for (size_t k = count; k-- > 0 && status == AENC_OK;)
        if (leaf[k].type->role == MIRROR_BLOCK) status = block_add(ctx, arena, layers, leaf, k);
    return status == AENC_OK ? decoder : NULL;
}
