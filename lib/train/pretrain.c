/* pretrain.c - greedy layer-wise training of an encoder (Bengio et al. 2007; Vincent et al. 2010).
 *
 * The encoder, a sequential, is cut into layers: each begins with a dense and ends before the next one (what stands
 * in front of the first belongs to it). Layer k becomes an autoencoder of its own,
 *
 *     h_k = f_k(corrupt(h_{k-1})),     h_{k-1} reconstructed by the mirror of f_k,     h_0 = x,
 *
 * trained on the clean codes h_{k-1} of the layers below, which are finished and stay as they are. Then its numbers
 * go into the encoder, those of its mirror into the dense layer of the decoder that undoes layer k, where there is
 * one of the same shape. The autoencoder is an ordinary model: description, fit and inference are those of any
 * other. So is the one whose encoder are the layers below, which rows go through on their way to the fit
 * (row_transform.c).
 *
 * Each layer has a checkpoint of its own, which stays when the layer is done: a fit that is resumed at its end does
 * nothing but restore it, so that a stack is resumed by going through all layers again.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "train/stack.h"

struct pretrain {
    struct aenc_model *model;
    const aenc_pretrain_options *options;
    aenc_fit_options fit;
    const struct json *children; /* of the encoder: an array */
    int64_t layer, layers;       /* the one being trained, from 0; to be trained */
    bool stopped;
    int result; /* of the caller's progress */
    const struct fit_data *data;
    struct aenc_model *below;   /* the layers below; NULL: there are none */
    struct aenc_model *shallow; /* the layer's autoencoder */
    char *name;                 /* of a checkpoint; NULL: none is wanted */
    size_t name_size;
};

/* Children [first, end) of the encoder. */
struct slice {
    size_t first, end;
};

static bool is_type(const struct json *spec, const char *type) { return strcmp(aenc_settings_type(spec), type) == 0; }

/* ---- Cutting ---- */

static int64_t dense_count(const struct json *layers) {
    int64_t count = 0;
    for (const struct json *l = layers == NULL ? NULL : layers->first; l != NULL; l = l->next)
        count += is_type(l, "dense");
    return count;
}

/* The index-th dense of an array of layers; SIZE_MAX: there is none. */
static size_t dense_at(const struct json *layers, int64_t index) {
    size_t at = 0;
    for (const struct json *l = layers->first; l != NULL; l = l->next, at++)
        if (is_type(l, "dense") && index-- == 0) return at;
    return SIZE_MAX;
}

static const struct json *layers_of(const struct json *spec) {
    return is_type(spec, "sequential") ? aenc_json_member(spec, "layers") : NULL;
}

static struct slice slice_of(const struct json *children, int64_t layer) {
    size_t end = dense_at(children, layer + 1);
    return (struct slice){layer == 0 ? 0 : dense_at(children, layer), end == SIZE_MAX ? children->count : end};
}

/* ---- The autoencoder of one layer ---- */

/* Whether the layer sees numbers within [0, 1], as far as can be known: of sigmoids it does; of a stream, if the
 * model's loss says so. */
static bool in_unit(const struct pretrain *p) {
    const struct batch *x = &p->data->rows;
    const struct field_spec *input = &p->model->field[FIELD_INPUT];
    if (p->below != NULL)
        return strcmp(aenc_layers_activation(aenc_json_member(p->below->description, "encoder")), "sigmoid") == 0;
    if (p->model->scaling != NULL || x->count == 0) return p->model->scaling == NULL && p->model->unit_target;
    for (int64_t r = 0; r < x->count; r++)
        for (int64_t c = 0; c < input->size; c++) {
            float value = aenc_batch_value(x, FIELD_INPUT, input, r, c);
            if (!(value >= 0 && value <= 1)) return false;
        }
    return true;
}

static void texts_add(struct arena *arena, struct json *given, const char *key, const char *const *text, size_t count,
                      const struct json *otherwise) {
    if (text == NULL && otherwise != NULL) aenc_json_add_copy(arena, given, key, otherwise);
    if (text == NULL || count == 0) return;
    struct json *list = aenc_json_add(arena, given, key, JSON_ARRAY);
    for (size_t i = 0; i < count; i++) aenc_json_add_text(arena, list, NULL, text[i]);
}

static const struct json *child_at(const struct json *layers, size_t at) {
    const struct json *child = layers->first;
    while (at-- > 0) child = child->next;
    return child;
}

/* The dense layer of the decoder that undoes the layer; SIZE_MAX: it is not the encoder's mirror. */
static size_t undone_at(const struct pretrain *p, const struct json **decoder) {
    *decoder = layers_of(aenc_json_member(p->model->description, "decoder"));
    int64_t count = dense_count(p->children);
    if (p->model->classes > 0 || dense_count(*decoder) != count) return SIZE_MAX;
    return dense_at(*decoder, count - 1 - p->layer);
}

static bool wants_tied(const struct pretrain *p) {
    const struct json *decoder;
    size_t at = undone_at(p, &decoder);
    return p->options->tied != 0 || (at != SIZE_MAX && aenc_json_member(child_at(decoder, at), "tied") != NULL);
}

/* The mirror, whose first layer uses the weight of the encoder's dense. */
static aenc_status tied_add(struct pretrain *p, struct arena *arena, struct json *given, const struct json *encoder,
                            const struct shape *in_shape) {
    const struct json *mirror = aenc_layer_mirror(p->model->ctx, arena, encoder, in_shape);
    if (mirror == NULL) return p->model->ctx->status;
    struct json *decoder = aenc_json_add_copy(arena, given, "decoder", mirror);
    const char *name = aenc_arena_format(arena, "encoder.%zu", dense_at(layers_of(encoder), 0));
    if (decoder == NULL || name == NULL) return AENC_ERR_NO_MEMORY;
    struct json *dense = (struct json *)(uintptr_t)child_at(layers_of(decoder), dense_at(layers_of(decoder), 0));
    return aenc_json_add_text(arena, dense, "tied", name) == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* Children of the encoder on what they see: `input`, "encoder", "fields" and, at the bottom, "scaling". Answers the encoder;
 * NULL: no memory. */
static const struct json *encoder_add(const struct pretrain *p, struct arena *arena, struct json *given,
                                      struct slice slice, const struct shape *in_shape) {
    const struct json *scaling = slice.first == 0 ? aenc_json_member(p->model->description, "scaling") : NULL;
    struct json *input = aenc_json_add(arena, given, "input", JSON_ARRAY);
    for (int i = 0; i < in_shape->rank; i++) aenc_json_add_number(arena, input, NULL, (double)in_shape->dim[i]);
    struct json *encoder = aenc_json_add(arena, given, "encoder", JSON_OBJECT);
    aenc_json_add_text(arena, encoder, "type", "sequential");
    struct json *layers = aenc_json_add(arena, encoder, "layers", JSON_ARRAY);
    size_t at = 0;
    for (const struct json *l = p->children->first; l != NULL; l = l->next, at++)
        if (at >= slice.first && at < slice.end) aenc_json_add_copy(arena, layers, NULL, l);
    if (scaling != NULL) aenc_json_add_copy(arena, given, "scaling", scaling);
    const struct json *fields = aenc_json_member(p->model->description, "fields");
    if (fields != NULL) aenc_json_add_copy(arena, given, "fields", fields);
    return arena->failed ? NULL : encoder;
}

/* What aenc_description_complete is given for the layer; in_shape: of one row of what it sees. */
static aenc_status describe(struct pretrain *p, struct arena *arena, struct slice slice, const struct shape *in_shape,
                            struct json *given) {
    const aenc_pretrain_options *o = p->options;
    const struct json *of = p->model->description, *encoder = encoder_add(p, arena, given, slice, in_shape);
    if (encoder == NULL) return AENC_ERR_NO_MEMORY;
    bool bits =
        o->loss == NULL && o->output == NULL && strcmp(aenc_layers_activation(encoder), "sigmoid") == 0 && in_unit(p);
    const char *output = bits ? "sigmoid" : o->output;
    if (output != NULL) aenc_json_add_text(arena, given, "output", output);
    aenc_json_add_text(arena, given, "loss", bits ? "bce" : o->loss != NULL ? o->loss : "mse");
    texts_add(arena, given, "penalties", o->penalties, o->penalty_count, aenc_json_member(of, "penalties"));
    texts_add(arena, given, "corrupt", o->corruptions, o->corruption_count, aenc_json_member(of, "corrupt"));
    if (arena->failed) return AENC_ERR_NO_MEMORY;
    return wants_tied(p) ? tied_add(p, arena, given, encoder, in_shape) : AENC_OK;
}

/* ---- Numbers there and back ---- */

/* "encoder.12" */
static const char *path_of(struct arena *arena, const char *side, size_t index) {
    return aenc_arena_format(arena, "%s.%zu", side, index);
}

/* The layer's numbers from the model into its autoencoder, or back. */
static aenc_status move(struct pretrain *p, struct aenc_model *shallow, struct slice slice, bool back) {
    struct arena arena;
    aenc_status status = AENC_OK;
    aenc_arena_create(p->model->ctx, &arena);
    for (size_t i = slice.first; i < slice.end && status == AENC_OK; i++) {
        const char *deep = path_of(&arena, "encoder", i), *flat = path_of(&arena, "encoder", i - slice.first);
        if (deep == NULL || flat == NULL)
            status = AENC_ERR_NO_MEMORY;
        else if (back)
            status = aenc_model_transplant(p->model, deep, (struct model_path){shallow, flat}, false);
        else
            status = aenc_model_transplant(shallow, flat, (struct model_path){p->model, deep}, false);
    }
    if (status == AENC_OK && slice.first == 0)
        status = aenc_model_transplant(back ? p->model : shallow, "scaling",
                                       (struct model_path){back ? shallow : p->model, "scaling"}, false);
    aenc_arena_free(&arena);
    return status;
}

/* W of a tied layer, (units, in), as the weight (in, units) of a decoder that has one of its own. */
static void transpose(const struct aenc_model *to, const struct entry *at, const struct aenc_model *from,
                      const struct entry *weight) {
    int64_t units = weight->shape.dim[0], in = weight->shape.dim[1];
    const num *w = aenc_store_values(&from->store, weight);
    num *out = aenc_store_values(&to->store, at);
    bool fits = at->shape.rank == 2 && at->shape.dim[0] == in && at->shape.dim[1] == units && !at->frozen;
    for (int64_t i = 0; fits && i < in; i++)
        for (int64_t u = 0; u < units; u++) out[i * units + u] = w[u * in + i];
}

/* The mirror's dense into the one of the decoder that undoes the layer; without such a one, nothing. */
static aenc_status mirror_move(struct pretrain *p, const struct aenc_model *shallow, struct slice slice) {
    const struct json *deep, *flat = layers_of(aenc_json_member(shallow->description, "decoder"));
    size_t at = undone_at(p, &deep), dense = dense_at(p->children, p->layer) - slice.first;
    if (at == SIZE_MAX || dense_count(flat) == 0) return AENC_OK;
    struct arena arena;
    aenc_arena_create(p->model->ctx, &arena);
    const char *to = path_of(&arena, "decoder", at), *from = path_of(&arena, "decoder", dense_at(flat, 0));
    const char *weight = aenc_arena_format(&arena, "decoder.%zu.weight", at);
    const char *tied = aenc_arena_format(&arena, "encoder.%zu.weight", dense);
    aenc_status status = AENC_ERR_NO_MEMORY;
    if (to != NULL && from != NULL && weight != NULL && tied != NULL)
        status = aenc_model_transplant(p->model, to, (struct model_path){shallow, from}, false);
    if (status == AENC_OK && wants_tied(p)) {
        const struct entry *place = aenc_store_find(&p->model->store, weight);
        const struct entry *source = aenc_store_find(&shallow->store, tied);
        if (place != NULL && source != NULL) transpose(p->model, place, shallow, source);
    }
    aenc_arena_free(&arena);
    return status;
}

/* The autoencoder of the slice, or, `below`, some model that begins with it; with the encoder's numbers. */
static aenc_status part_make(struct pretrain *p, bool below, struct slice slice, const struct shape *in_shape,
                             struct aenc_model **out) {
    struct arena arena;
    const struct json *description;
    *out = NULL;
    aenc_arena_create(p->model->ctx, &arena);
    struct json *given = aenc_json_root(&arena, JSON_OBJECT);
    aenc_status status = AENC_OK;
    aenc_json_add_copy(&arena, given, "seed", aenc_json_member(p->model->description, "seed"));
    if (!below)
        status = describe(p, &arena, slice, in_shape, given);
    else if (encoder_add(p, &arena, given, slice, in_shape) == NULL)
        status = AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) status = aenc_description_complete(p->model->ctx, &arena, given, &description);
    if (status != AENC_OK)
        aenc_arena_free(&arena);
    else
        status = aenc_model_make(p->model->ctx, &arena, description, out);
    return status == AENC_OK ? move(p, *out, slice, false) : status;
}

/* ---- One layer ---- */

/* The layer's terms are the model's own while it is trained, where its penalties are. */
static void terms_show(struct pretrain *p) {
    struct terms *to = &p->model->terms;
    const struct terms *from = &p->shallow->terms;
    bool own = p->options->penalties == NULL && to->count == from->count;
    for (size_t i = 0; i < to->count; i++) {
        to->value[i] = own ? from->value[i] : (double)NAN;
        to->valid[i] = own ? from->valid[i] : (double)NAN;
    }
}

static int told(void *user, const aenc_progress *now) {
    struct pretrain *p = user;
    const aenc_pretrain_options *o = p->options;
    terms_show(p);
    p->result = o->progress == NULL ? 0 : o->progress(o->progress_user, p->layer + 1, p->layers, now);
    if (p->result == 0 && aenc_model_cancelled(p->model)) aenc_model_cancel(p->shallow);
    return p->result;
}

/* The name of a layer's checkpoint, until the next is asked for; NULL where none is wanted. */
static const char *checkpoint_name(struct pretrain *p, int64_t layer) {
    if (p->name != NULL) snprintf(p->name, p->name_size, "%s.layer-%lld", p->fit.checkpoint, (long long)layer + 1);
    return p->name;
}

/* Where nothing is to be resumed, what an earlier stack left behind goes. */
static aenc_status checkpoints_prepare(struct pretrain *p) {
    if (p->fit.checkpoint == NULL) return AENC_OK;
    p->name_size = strlen(p->fit.checkpoint) + 32;
    p->name = aenc_alloc_raw(p->model->ctx, p->name_size, 1);
    if (p->name == NULL) return AENC_ERR_NO_MEMORY;
    for (int64_t layer = p->layer; layer < p->layers && p->fit.resume == AENC_RESUME_NEVER; layer++)
        aenc_file_remove(checkpoint_name(p, layer));
    return AENC_OK;
}

static aenc_status encode(const struct row_transform *transform, const struct batch *x, float *out) {
    const struct batch rows = aenc_batch_for(transform->model, transform->from, x);
    return aenc_model_infer(transform->model, TASK_ENCODE, &rows, out);
}

static aenc_status layer_fit(struct pretrain *p, struct aenc_model *shallow) {
    struct row_transform transform = {.apply = encode, .from = p->model, .model = p->below};
    struct fit_data data = *p->data;
    aenc_fit_options fit = p->fit;
    fit.checkpoint = checkpoint_name(p, p->layer);
    if (fit.resume != AENC_RESUME_NEVER && p->layer > p->options->first) fit.resume = AENC_RESUME_IF_THERE;
    aenc_fit_data_targetless(&data);
    if (p->below != NULL) {
        transform.cols = p->below->code_size;
        data.transform = &transform;
    }
    aenc_status status = aenc_train_fit(shallow, &data, &fit);
    if (shallow->notice[0] != '\0') memcpy(p->model->notice, shallow->notice, NOTICE_SIZE);
    return status;
}

static aenc_status layer_train(struct pretrain *p, struct aenc_model *shallow, struct slice slice) {
    const aenc_pretrain_options *o = p->options;
    p->shallow = shallow;
    aenc_status status = layer_fit(p, shallow);
    if (status == AENC_OK) status = move(p, shallow, slice, true);
    if (status == AENC_OK) status = mirror_move(p, shallow, slice);
    p->stopped = shallow->stopped == AENC_STOPPED_CALLBACK || shallow->stopped == AENC_STOPPED_CANCEL;
    if (p->stopped) p->model->stopped = shallow->stopped;
    const struct history *history = aenc_train_history(shallow);
    size_t epochs = history->count;
    if (status == AENC_OK && o->losses != NULL && (size_t)p->layer < o->loss_count && epochs > 0)
        o->losses[p->layer] = history->epoch[epochs - 1].train_loss;
    return status;
}

/* The layer's autoencoder, and p->below; both are released by the caller, also on failure. */
static aenc_status layer_make(struct pretrain *p, struct slice slice, struct aenc_model **shallow) {
    struct slice under = {0, slice.first};
    aenc_status status = AENC_OK;
    *shallow = p->below = NULL;
    if (p->layer > 0) status = part_make(p, true, under, &p->model->input, &p->below);
    const struct shape *seen = p->below == NULL ? &p->model->input : &p->below->code;
    if (status == AENC_OK) status = part_make(p, false, slice, seen, shallow);
    if (p->below != NULL) p->below->train_calls = 1; /* both are in use by a call that trains */
    if (*shallow != NULL) (*shallow)->train_calls = 1;
    return status;
}

static aenc_status layer_run(struct pretrain *p) {
    struct slice slice = slice_of(p->children, p->layer);
    struct aenc_model *shallow;
    aenc_status status = layer_make(p, slice, &shallow);
    if (status == AENC_OK) status = layer_train(p, shallow, slice);
    aenc_model_release(shallow);
    aenc_model_release(p->below);
    return status;
}

/* Before the first layer is trained, whether any of them could not be for want of rows. */
static aenc_status layers_check(struct pretrain *p) {
    int64_t batch = aenc_fit_batch(p->data, &p->fit), first = p->layer;
    aenc_status status = AENC_OK;
    for (; batch < 2 && p->layer < p->layers && status == AENC_OK; p->layer++) {
        struct aenc_model *shallow;
        status = layer_make(p, slice_of(p->children, p->layer), &shallow);
        if (status == AENC_OK) status = aenc_batch_check(shallow, batch);
        aenc_model_release(shallow);
        aenc_model_release(p->below);
    }
    p->layer = first;
    return status;
}

aenc_status aenc_train_pretrain(struct aenc_model *model, const struct fit_data *data,
                                const aenc_pretrain_options *options, const aenc_fit_options *fit) {
    aenc_context *ctx = model->ctx;
    struct pretrain p = {.model = model, .options = options, .fit = *fit, .data = data, .layer = options->first};
    p.children = layers_of(aenc_json_member(model->description, "encoder"));
    int64_t all = dense_count(p.children);
    if (all == 0)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                         "pretraining takes an encoder that is a sequence with dense layers");
    if (options->first >= all || options->count > all - options->first)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "aenc_pretrain_options: first is %lld and count %lld; the encoder has %lld dense layers",
                         (long long)options->first, (long long)options->count, (long long)all);
    p.layers = options->count == 0 ? all : options->first + options->count;
    p.fit.progress = told;
    p.fit.progress_user = &p;
    model->notice[0] = '\0';
    struct train_start start;
    aenc_status status = aenc_train_begin(model, &start);
    if (status == AENC_OK) status = layers_check(&p);
    if (status == AENC_OK) status = checkpoints_prepare(&p);
    model->stopped = AENC_STOPPED_END;
    for (; p.layer < p.layers && status == AENC_OK && !p.stopped; p.layer++) status = layer_run(&p);
    if (p.result < 0) status = aenc_callback_result(ctx, "aenc_pretrain_options.progress", p.result);
    for (size_t i = 0; i < model->terms.count; i++) model->terms.value[i] = model->terms.valid[i] = NAN;
    aenc_release(ctx, p.name);
    return status;
}
