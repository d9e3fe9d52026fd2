/* description.c - what the caller says of a network, completed to the one JSON description.
 *
 * A complete description has "format", "input" (dimensions of one datum), "encoder" and "decoder" (layer specs) and
 * "loss", and where there are any, lists of "penalties" and "corrupt" (specs), "fields", "bottleneck", "scaling", and that
 * of a PCA "pca". "condition" becomes layers of both.
 * Widths become a sequence of dense layers; layers without a decoder are mirrored. Where the loss is one of classes,
 * the decoder is a head instead: a dense layer with one unit per class.
 */
#include <math.h>
#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"
#include "layer/handle.h"
#include "model/pca.h"

enum { FORMAT = 1, INPUT_RANK_MAX = RANK_MAX - 1, WIDTHS_MAX = 256, ALIASES_MAX = 4096 };

/* ---- Widths ---- */

/* What the arrays of dense layers are made from. */
struct widths {
    const char *activation, *init;
    int64_t input;   /* values of one datum */
    int64_t classes; /* of the loss; 0: none */
    bool headed;     /* the bottleneck makes the code: every width of the encoder is a hidden one */
};

static struct json *layers_root(struct arena *arena) {
    struct json *layers;
    return aenc_layer_sequence_new(arena, &layers);
}

static struct json *layers_of(struct json *sequential) { return sequential == NULL ? NULL : sequential->last; }

static void dense_add(struct arena *arena, struct json *sequential, double units, const char *activation,
                      const char *init) {
    struct json *dense = aenc_json_add(arena, layers_of(sequential), NULL, JSON_OBJECT);
    aenc_json_add_text(arena, dense, "type", "dense");
    aenc_json_add_number(arena, dense, "units", units);
    if (init != NULL) aenc_json_add_text(arena, dense, "init", init);
    if (activation != NULL && strcmp(activation, "identity") != 0)
        aenc_json_add_text(arena, dense, "activation", activation);
}

static void shape_layer_add(struct arena *arena, struct json *sequential, const char *type, const aenc_model_options *o,
                            int64_t factor) {
    struct json *layer = aenc_json_add(arena, layers_of(sequential), NULL, JSON_OBJECT);
    aenc_json_add_text(arena, layer, "type", type);
    if (strcmp(type, "reshape") != 0) return;
    struct json *dims = aenc_json_add(arena, layer, "dims", JSON_ARRAY);
    for (size_t i = 0; i < o->input_rank; i++) {
        double dim = (double)o->input[i] * (i + 1 == o->input_rank ? (double)factor : 1);
        aenc_json_add_number(arena, dims, NULL, dim);
    }
}

static aenc_status widths_check(aenc_context *ctx, const char *field, const size_t *width, size_t count) {
    if (count > WIDTHS_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s has %zu entries; at most %d are taken", field, count, WIDTHS_MAX);
    for (size_t i = 0; i < count; i++)
        if (width[i] == 0 || width[i] > INT32_MAX)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s%s is %zu; a width is from 1 to %d", field, aenc_at(i).text,
                             width[i], INT32_MAX);
    return AENC_OK;
}

static const struct json *encoder_from_widths(struct arena *arena, const aenc_model_options *o, struct widths w) {
    struct json *encoder = layers_root(arena);
    if (o->input_rank > 1) shape_layer_add(arena, encoder, "flatten", o, 1);
    for (size_t i = 0; i < o->encoder_count; i++) {
        bool code = i + 1 == o->encoder_count && !w.headed;
        dense_add(arena, encoder, (double)o->encoder_widths[i], code ? o->code_activation : w.activation, w.init);
    }
    return encoder;
}

/* Hidden widths as given, or the encoder's backwards without the code (none in front of classes); then the output. */
static const struct json *decoder_from_widths(struct arena *arena, const aenc_model_options *o, struct widths w,
                                              int64_t factor) {
    struct json *decoder = layers_root(arena);
    size_t mirrored = w.classes > 0 ? 0 : o->encoder_count - !w.headed;
    size_t hidden = o->decoder_widths != NULL ? o->decoder_count : mirrored;
    for (size_t i = 0; i < hidden; i++) {
        size_t width = o->decoder_widths != NULL ? o->decoder_widths[i] : o->encoder_widths[hidden - 1 - i];
        dense_add(arena, decoder, (double)width, w.activation, w.init);
    }
    dense_add(arena, decoder, w.classes > 0 ? (double)w.classes : (double)w.input * (double)factor, o->output, w.init);
    if (o->input_rank > 1 && w.classes == 0) shape_layer_add(arena, decoder, "reshape", o, factor);
    return decoder;
}

/* ---- The output of a mirrored decoder ---- */

static bool is_type(const struct json *layer, const char *type) { return strcmp(aenc_settings_type(layer), type) == 0; }

/* Multiplies a number among the members of a copied layer: "units", or the last of "dims". */
static void widen(struct json *layer, const char *key, double factor) {
    for (struct json *m = layer == NULL ? NULL : layer->first; m != NULL; m = m->next) {
        struct json *number = m->kind == JSON_ARRAY ? m->last : m;
        if (strcmp(m->key, key) == 0 && number != NULL) number->number *= factor;
    }
}

/* The layer that makes the output's numbers: the last but for changes of shape. NULL when the decoder is no
 * sequence. */
static const struct json *output_layer(const struct json *decoder) {
    const struct json *layers = is_type(decoder, "sequential") ? aenc_json_member(decoder, "layers") : NULL;
    const struct json *last = NULL;
    for (const struct json *l = layers == NULL ? NULL : layers->first; l != NULL; l = l->next)
        if (!is_type(l, "reshape") && !is_type(l, "flatten")) last = l;
    return last;
}

/* A mirrored decoder gives as many numbers as the input has; a loss that takes `factor` times as many gets them from a
 * wider last layer. NULL with the message set where that is not a dense one. */
static const struct json *widened(aenc_context *ctx, struct arena *arena, const struct json *decoder, const char *loss,
                                  int64_t factor) {
    if (factor == 1) return decoder;
    const struct json *last = output_layer(decoder);
    if (last == NULL || !is_type(last, "dense")) {
        aenc_fail(
            ctx, AENC_ERR_UNSUPPORTED,
            "loss '%s' takes %lld outputs per number, and the mirrored decoder does not end in a dense layer; give a "
            "decoder",
            loss, (long long)factor);
        return NULL;
    }
    struct json *copy = layers_root(arena);
    bool behind = false;
    for (const struct json *l = aenc_json_member(decoder, "layers")->first; l != NULL; l = l->next) {
        struct json *added = aenc_json_add_copy(arena, layers_of(copy), NULL, l);
        if (l == last) widen(added, "units", (double)factor);
        if (behind) widen(added, "dims", (double)factor);
        behind = behind || l == last;
    }
    return copy;
}

/* Gives the decoder its output activation: fused into the last dense layer where it is one (behind it at most a
 * change of shape), as a layer of its own otherwise. */
static const struct json *with_output(struct arena *arena, const struct json *decoder, const char *output) {
    if (output == NULL || strcmp(output, "identity") == 0) return decoder;
    const struct json *last = output_layer(decoder);
    bool fuse = last != NULL && is_type(last, "dense") && aenc_json_member(last, "activation") == NULL;
    struct json *copy = layers_root(arena);
    bool sequence = is_type(decoder, "sequential");
    if (!sequence) aenc_json_add_copy(arena, layers_of(copy), NULL, decoder);
    for (const struct json *l = sequence ? aenc_json_member(decoder, "layers")->first : NULL; l != NULL; l = l->next) {
        struct json *added = aenc_json_add_copy(arena, layers_of(copy), NULL, l);
        if (fuse && l == last) aenc_json_add_text(arena, added, "activation", output);
    }
    if (fuse) return copy;
    struct json *parsed;
    if (aenc_settings_parse(arena, "activation", output, &parsed) != AENC_OK) return NULL;
    aenc_json_add_copy(arena, layers_of(copy), NULL, parsed);
    return copy;
}

/* ---- Completing ---- */

static aenc_status input_shape(aenc_context *ctx, const struct json *description, struct shape *shape) {
    const struct json *input = aenc_json_member(description, "input");
    if (input == NULL || input->kind != JSON_ARRAY || input->count < 1 || input->count > INPUT_RANK_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'input' must be an array of 1 to %d dimensions",
                         INPUT_RANK_MAX);
    shape->rank = 0;
    size_t count = 1;
    for (const struct json *d = input->first; d != NULL; d = d->next) {
        bool whole = d->kind == JSON_NUMBER && d->number >= 1 && d->number <= INT32_MAX &&
                     d->number == (double)(int64_t)d->number;
        if (!whole || !aenc_size_multiply(count, (size_t)d->number, &count) || count > INT32_MAX)
            return aenc_fail(
                ctx, AENC_ERR_ARGUMENT,
                "model: dimension %d of 'input' is %s; it must be a whole number, the product of all at most %d",
                shape->rank, aenc_shown(d->kind == JSON_NUMBER ? d->number : NAN).text, INT32_MAX);
        shape->dim[shape->rank++] = (int64_t)d->number;
    }
    return AENC_OK;
}

static const char *const known_keys[] = {"format",     "input",     "encoder", "decoder", "output",  "loss",
                                         "penalties",  "corrupt",   "tied",    "pca",     "scaling", "fields",
                                         "bottleneck", "condition", "seed",    "frozen",  "aliases"};

static aenc_status keys_check(aenc_context *ctx, const struct json *given) {
    if (given == NULL || given->kind != JSON_OBJECT)
        return aenc_fail(ctx, AENC_ERR_FORMAT, "the model description is not a JSON object");
    for (const struct json *m = given->first; m != NULL; m = m->next) {
        bool known = false;
        for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++)
            known = known || strcmp(m->key, known_keys[i]) == 0;
        if (known) continue;
        char list[256];
        aenc_names_list(known_keys, sizeof known_keys / sizeof *known_keys, list, sizeof list);
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: unknown member '%s'; known: %s", m->key, list);
    }
    const struct json *format = aenc_json_member(given, "format");
    if (format == NULL || (format->kind == JSON_NUMBER && format->number == FORMAT)) return AENC_OK;
    if (format->kind == JSON_NUMBER && format->number > FORMAT)
        return aenc_fail(ctx, AENC_ERR_VERSION, "the model description has format %s; this library reads up to %d",
                         aenc_shown(format->number).text, FORMAT);
    return aenc_fail(ctx, AENC_ERR_FORMAT, "the model description's 'format' is not %d", FORMAT);
}

/* A member that is one spec, as an object: parsed when it is a text, `absent` when it is not there (NULL: *out NULL). */
static aenc_status spec_complete(aenc_context *ctx, struct arena *arena, const struct json *given, const char *key,
                                 const char *absent, const struct json **out) {
    const struct json *spec = aenc_json_member(given, key);
    *out = spec;
    if (spec != NULL ? spec->kind == JSON_OBJECT : absent == NULL) return AENC_OK;
    if (spec != NULL && spec->kind != JSON_TEXT)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: '%s' must be a name or an object with a 'type'", key);
    struct json *parsed;
    aenc_status status = aenc_settings_parse(arena, key, spec == NULL ? absent : spec->text, &parsed);
    *out = parsed;
    return status;
}

/* The checked bottleneck; NULL where it is the plain one. */
static aenc_status bottleneck_complete(aenc_context *ctx, struct arena *arena, const struct json *given,
                                       const struct json **out) {
    aenc_status status = spec_complete(ctx, arena, given, "bottleneck", NULL, out);
    if (status != AENC_OK || *out == NULL) return status;
    const struct bottleneck_type *type = aenc_bottleneck_find(ctx, *out);
    if (type == &aenc_bottleneck_plain) *out = NULL;
    return type == NULL ? ctx->status : AENC_OK;
}

static const struct json *head(struct arena *arena, int64_t classes) {
    struct json *decoder = layers_root(arena);
    dense_add(arena, decoder, (double)classes, NULL, NULL);
    return decoder;
}

static aenc_status decoder_complete(aenc_context *ctx, struct arena *arena, const struct json *given,
                                    const struct shape *input, const struct loss_type *loss, const struct json *spec,
                                    const struct json *encoder, const struct json **out) {
    const struct json *decoder = aenc_json_member(given, "decoder");
    const struct json *output = aenc_json_member(given, "output");
    if (output != NULL && output->kind != JSON_TEXT)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'output' must be the name of an activation");
    int64_t classes = aenc_loss_classes(loss, spec);
    bool mirrored = decoder == NULL && classes == 0;
    if (decoder == NULL && classes > 0) decoder = head(arena, classes);
    if (mirrored) decoder = aenc_layer_mirror(ctx, arena, encoder, input);
    aenc_status status = decoder == NULL ? ctx->status : aenc_layer_check(ctx, decoder);
    if (status != AENC_OK) return status;
    if (mirrored) decoder = widened(ctx, arena, decoder, loss->name, aenc_loss_factor(loss, spec));
    if (decoder == NULL) return ctx->status;
    *out = decoder = with_output(arena, decoder, output != NULL ? output->text : mirrored ? loss->output : NULL);
    const struct json *tied = aenc_json_member(given, "tied");
    if (tied != NULL && tied->kind != JSON_BOOL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'tied' must be true or false");
    if (tied != NULL && tied->truth && decoder != NULL)
        *out = aenc_layer_tie(ctx, arena, aenc_json_member(given, "encoder"), decoder);
    return *out == NULL ? ctx->status : AENC_OK;
}

/* Penalties and corruptions: lists of specs, each an object or a text. */
struct spec_list {
    const char *key, *what;
    bool corruption;
};
static const struct spec_list spec_lists[] = {{"penalties", "penalty", false}, {"corrupt", "corruption", true}};

/* Adds the checked list to the whole; nothing where it is empty. */
static aenc_status list_complete(aenc_context *ctx, struct arena *arena, const struct json *given,
                                 struct spec_list family, struct json *whole) {
    const struct json *list = aenc_json_member(given, family.key);
    if (list == NULL || (list->kind == JSON_ARRAY && list->count == 0)) return AENC_OK;
    if (list->kind != JSON_ARRAY || list->count > SPECS_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: '%s' must be a list of at most %d", family.key, SPECS_MAX);
    struct json *checked = aenc_json_add(arena, whole, family.key, JSON_ARRAY);
    for (const struct json *spec = list->first; spec != NULL; spec = spec->next) {
        struct json *parsed;
        const struct json *object = spec;
        if (spec->kind == JSON_TEXT) {
            aenc_status status = aenc_settings_parse(arena, family.what, spec->text, &parsed);
            if (status != AENC_OK) return status;
            object = parsed;
        }
        if (object->kind != JSON_OBJECT)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: '%s' has something that is neither a name nor an object",
                             family.key);
        bool good =
            family.corruption ? aenc_corruption_find(ctx, object) != NULL : aenc_penalty_find(ctx, object) != NULL;
        if (!good) return ctx->status;
        aenc_json_add_copy(arena, checked, NULL, object);
    }
    return AENC_OK;
}

static aenc_status complete(aenc_context *ctx, struct arena *arena, const struct json *given, const struct json **out) {
    struct shape input;
    const struct json *encoder = aenc_json_member(given, "encoder");
    const struct json *decoder = NULL;
    const struct json *loss = NULL;
    const struct json *scaling = NULL;
    const struct json *fields = NULL;
    const struct json *bottleneck = NULL;
    const struct json *mirrored = NULL;
    const struct json *condition = aenc_json_member(given, "condition");
    const struct json *seed = aenc_json_member(given, "seed");
    const struct json *aliases = aenc_json_member(given, "aliases");
    aenc_status status = keys_check(ctx, given);
    if (status == AENC_OK) status = input_shape(ctx, given, &input);
    if (status == AENC_OK && encoder == NULL)
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: there is no encoder: give widths or layers");
    if (status == AENC_OK) status = aenc_layer_check(ctx, encoder);
    if (status == AENC_OK) status = spec_complete(ctx, arena, given, "loss", "mse", &loss);
    if (status == AENC_OK) status = bottleneck_complete(ctx, arena, given, &bottleneck);
    if (status == AENC_OK) mirrored = aenc_bottleneck_append(ctx, arena, encoder, bottleneck);
    if (status == AENC_OK && mirrored == NULL) status = AENC_ERR_NO_MEMORY;
    const struct loss_type *type = status == AENC_OK ? aenc_loss_find(ctx, loss) : NULL;
    if (status == AENC_OK)
        status =
            type == NULL ? ctx->status : decoder_complete(ctx, arena, given, &input, type, loss, mirrored, &decoder);
    if (status == AENC_OK) status = aenc_layer_check(ctx, decoder);
    if (status == AENC_OK) status = aenc_scaling_check(ctx, arena, aenc_json_member(given, "scaling"), type, &scaling);
    if (status == AENC_OK) status = aenc_fields_check(ctx, arena, aenc_json_member(given, "fields"), &fields);
    if (status == AENC_OK && seed != NULL && !aenc_json_u64(seed, NULL))
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT,
                           "model: 'seed' must be a whole number below 2^53, or up to 2^64 - 1 as a text of digits");
    if (status == AENC_OK && aliases != NULL) status = aenc_aliases_check(ctx, aliases);
    if (status == AENC_OK && condition != NULL) status = aenc_condition_check(ctx, condition, fields);
    if (status != AENC_OK) return status;
    if (condition != NULL && condition->count > 0) {
        encoder = aenc_condition_insert(arena, condition, encoder);
        decoder = aenc_condition_insert(arena, condition, decoder);
    }
    struct json *whole = aenc_json_root(arena, JSON_OBJECT);
    aenc_json_add_number(arena, whole, "format", FORMAT);
    aenc_json_add_copy(arena, whole, "input", aenc_json_member(given, "input"));
    aenc_json_add_copy(arena, whole, "encoder", encoder);
    aenc_json_add_copy(arena, whole, "decoder", decoder);
    *out = whole;
    if (aenc_json_add_copy(arena, whole, "loss", loss) == NULL) return ctx->status;
    status = list_complete(ctx, arena, given, spec_lists[0], whole);
    if (status == AENC_OK) status = list_complete(ctx, arena, given, spec_lists[1], whole);
    if (status == AENC_OK && scaling != NULL) aenc_json_add_copy(arena, whole, "scaling", scaling);
    if (status == AENC_OK && fields != NULL) aenc_json_add_copy(arena, whole, "fields", fields);
    if (status == AENC_OK && bottleneck != NULL) aenc_json_add_copy(arena, whole, "bottleneck", bottleneck);
    if (status == AENC_OK && seed != NULL) aenc_json_add_copy(arena, whole, "seed", seed);
    if (status == AENC_OK && aliases != NULL && aliases->count > 0)
        aenc_json_add_copy(arena, whole, "aliases", aliases);
    const struct json *pca = aenc_json_member(given, "pca");
    if (status != AENC_OK || pca == NULL) return status;
    return aenc_json_add_copy(arena, whole, "pca", pca) == NULL ? ctx->status : aenc_pca_check(ctx, whole);
}

aenc_status aenc_description_complete(aenc_context *ctx, struct arena *arena, const struct json *given,
                                      const struct json **out) {
    const struct json *whole = NULL;
    aenc_status status = complete(ctx, arena, given, &whole);
    /* Building does not look at each answer: a refused allocation in between may have left out anything. */
    if (arena->failed) status = aenc_fail(ctx, AENC_ERR_NO_MEMORY, "the allocator refused memory for the description");
    *out = status == AENC_OK ? whole : NULL;
    return status;
}

/* ---- From options ---- */

static aenc_status options_check(aenc_context *ctx, const aenc_model_options *o) {
    if (o->input == NULL) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.input is NULL");
    if (o->input_rank == 0 || o->input_rank > INPUT_RANK_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.input_rank is %zu; it is from 1 to %d",
                         o->input_rank, INPUT_RANK_MAX);
    if (o->encoder_layers != NULL && o->encoder_widths != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options has both encoder_widths and encoder_layers");
    if (o->encoder_layers == NULL && (o->encoder_widths == NULL || o->encoder_count == 0))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options has neither encoder_widths nor encoder_layers");
    if (o->decoder_layers != NULL && o->decoder_widths != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options has both decoder_widths and decoder_layers");
    if (o->tied != 0 && o->tied != 1)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.tied is %lld; it is 0 or 1", (long long)o->tied);
    enum function function;
    double parameter;
    /* also where no hidden layer has it */
    if (o->activation != NULL && !aenc_activation_find(ctx, o->activation, &function, &parameter)) return ctx->status;
    aenc_status status = widths_check(ctx, "aenc_model_options.encoder_widths", o->encoder_widths,
                                      o->encoder_widths == NULL ? 0 : o->encoder_count);
    if (status != AENC_OK) return status;
    return widths_check(ctx, "aenc_model_options.decoder_widths", o->decoder_widths,
                        o->decoder_widths == NULL ? 0 : o->decoder_count);
}

/* Options that are texts with a '=', which become members of an object. */
struct pairs {
    const char *key, *form;
    const char *const *text;
    size_t count, most;
};

static aenc_status pairs_add(aenc_context *ctx, struct arena *arena, struct json *given, const struct pairs *pairs) {
    if (pairs->count == 0) return AENC_OK;
    if (pairs->text == NULL || pairs->count > pairs->most)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.%s %s %zu; at most %zu are taken", pairs->key,
                         pairs->text == NULL ? "is NULL and counts" : "counts", pairs->count, pairs->most);
    struct json *object = aenc_json_add(arena, given, pairs->key, JSON_OBJECT);
    for (size_t i = 0; i < pairs->count; i++) {
        const char *text = pairs->text[i], *equals = text == NULL ? NULL : strchr(text, '=');
        if (equals == NULL)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.%s%s is not %s", pairs->key, aenc_at(i).text,
                             pairs->form);
        char *name = aenc_arena_alloc(arena, (size_t)(equals - text) + 1, 1);
        if (name == NULL) return AENC_ERR_NO_MEMORY;
        memcpy(name, text, (size_t)(equals - text));
        if (aenc_json_member(object, name) != NULL)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.%s%s declares '%s' a second time", pairs->key,
                             aenc_at(i).text, aenc_quoted(name).text);
        aenc_json_add_text(arena, object, name, equals + 1);
    }
    return AENC_OK;
}

/* As a number where JSON's readers keep it, else as a text. */
static void seed_add(struct arena *arena, struct json *given, uint64_t seed) {
    if (seed < UINT64_C(1) << 53) {
        struct json *number = aenc_json_add_number(arena, given, "seed", (double)seed);
        if (number != NULL) number->digits = true;
    } else {
        aenc_json_add_u64(arena, given, "seed", seed);
    }
}

static aenc_status texts_add(aenc_context *ctx, struct arena *arena, struct json *given, const char *key,
                             const char *const *text, size_t count) {
    const char *field = strcmp(key, "corrupt") == 0     ? "corruptions"
                        : strcmp(key, "condition") == 0 ? "conditions"
                                                        : key;
    if (count == 0) return AENC_OK;
    if (text == NULL || count > SPECS_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.%s %s %zu; at most %d are taken", field,
                         text == NULL ? "is NULL and counts" : "counts", count, SPECS_MAX);
    struct json *list = aenc_json_add(arena, given, key, JSON_ARRAY);
    for (size_t i = 0; i < count; i++) {
        if (text[i] == NULL)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.%s%s is NULL", field, aenc_at(i).text);
        aenc_json_add_text(arena, list, NULL, text[i]);
    }
    return AENC_OK;
}

/* The bottleneck of the options. One with units of its own takes the place of the last width, whose number they are unless
 * it states them: then all widths are hidden ones. */
static aenc_status bottleneck_add(aenc_context *ctx, struct arena *arena, struct json *given, aenc_model_options *o,
                                  struct widths *w) {
    struct json *spec;
    if (o->bottleneck == NULL) return AENC_OK;
    aenc_status status = aenc_settings_parse(arena, "bottleneck", o->bottleneck, &spec);
    const struct bottleneck_type *type = status != AENC_OK ? NULL : aenc_bottleneck_find(ctx, spec);
    if (type == NULL) return ctx->status;
    w->headed = type->layer != NULL && o->encoder_widths != NULL;
    if (w->headed && o->code_activation != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "aenc_model_options.code_activation is '%s'; bottleneck '%s' makes the code, which has none",
                         aenc_quoted(o->code_activation).text, type->name);
    if (w->headed && aenc_json_member(spec, "units") == NULL) {
        o->encoder_count--;
        aenc_json_add_number(arena, spec, "units", (double)o->encoder_widths[o->encoder_count]);
    }
    return aenc_json_add_copy(arena, given, "bottleneck", spec) == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_description_from_options(aenc_context *ctx, struct arena *arena, const aenc_model_options *o,
                                          const struct json **out) {
    *out = NULL;
    aenc_status status = options_check(ctx, o);
    if (status != AENC_OK) return status;
    struct json *given = aenc_json_root(arena, JSON_OBJECT);
    struct json *dims = aenc_json_add(arena, given, "input", JSON_ARRAY);
    for (size_t i = 0; i < o->input_rank; i++) aenc_json_add_number(arena, dims, NULL, (double)o->input[i]);
    struct shape input;
    struct json *loss;
    if (arena->failed) return AENC_ERR_NO_MEMORY;
    status = input_shape(ctx, given, &input);
    if (status == AENC_OK) status = aenc_settings_parse(arena, "loss", o->loss == NULL ? "mse" : o->loss, &loss);
    if (status != AENC_OK) return status;
    aenc_json_add_copy(arena, given, "loss", loss);
    const struct loss_type *type = aenc_loss_find(ctx, loss);
    if (type == NULL) return AENC_ERR_ARGUMENT;
    struct widths w = {o->activation == NULL ? "relu" : o->activation, o->init, aenc_shape_count(&input),
                       aenc_loss_classes(type, loss), false};
    aenc_model_options taken = *o;
    status = bottleneck_add(ctx, arena, given, &taken, &w);
    if (status != AENC_OK) return status;
    o = &taken;
    bool layers = o->encoder_layers != NULL;
    aenc_json_add_copy(arena, given, "encoder", layers ? o->encoder_layers->spec : encoder_from_widths(arena, o, w));
    bool mirrored = layers && o->decoder_layers == NULL && o->decoder_widths == NULL;
    if (!mirrored && o->decoder_layers == NULL && o->output == NULL) taken.output = type->output;
    const struct json *decoder = o->decoder_layers != NULL ? o->decoder_layers->spec
                                 : mirrored                ? NULL
                                            : decoder_from_widths(arena, o, w, aenc_loss_factor(type, loss));
    if (decoder != NULL) aenc_json_add_copy(arena, given, "decoder", decoder);
    bool apply_output = o->output != NULL && (mirrored || o->decoder_layers != NULL);
    if (apply_output) aenc_json_add_text(arena, given, "output", o->output);
    if (o->tied != 0) aenc_json_add_bool(arena, given, "tied", true);
    status = texts_add(ctx, arena, given, "penalties", o->penalties, o->penalty_count);
    if (status == AENC_OK) status = texts_add(ctx, arena, given, "corrupt", o->corruptions, o->corruption_count);
    if (status == AENC_OK) status = texts_add(ctx, arena, given, "condition", o->conditions, o->condition_count);
    const struct pairs pairs[] = {{"fields", "NAME=RULE", o->fields, o->field_count, FIELDS_MAX},
                                  {"aliases", "OWN=FOREIGN", o->aliases, o->alias_count, ALIASES_MAX}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && status == AENC_OK; i++)
        status = pairs_add(ctx, arena, given, &pairs[i]);
    if (status != AENC_OK) return status;
    if (o->scaling != NULL) aenc_json_add_text(arena, given, "scaling", o->scaling);
    if (o->seed != NULL) seed_add(arena, given, *o->seed);
    return aenc_description_complete(ctx, arena, given, out);
}
