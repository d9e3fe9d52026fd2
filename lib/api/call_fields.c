/* call_fields.c - the tables of fields and calls, and the look into a struct. */
#include "api/call_fields.h"

#include <stddef.h>
#include <string.h>

/* users: bits of those who take it. */
struct field {
    const char *name;
    size_t offset, size;
    unsigned users;
};

#define FIELD(type, name, users)                                                                                       \
    { #name, offsetof(type, name), sizeof(((type *)0)->name), (users) }

/* NULL and 0 are all bits zero wherever this library runs. */
static bool given(const struct field *field, const void *options) {
    const unsigned char *at = (const unsigned char *)options + field->offset;
    for (size_t i = 0; i < field->size; i++)
        if (at[i] != 0) return true;
    return false;
}

/* The first field that is given, and that none of users takes; NULL: none. */
static const char *useless(const struct field *fields, size_t count, const void *options, unsigned users) {
    for (size_t i = 0; i < count; i++)
        if ((fields[i].users & users) == 0 && given(&fields[i], options)) return fields[i].name;
    return NULL;
}

/* ---- Fits ---- */

enum {
    EPOCHS = FIT_ROWS | FIT_STREAM | FIT_PRETRAIN | FIT_DISTILL | FIT_SWEEP, /* who runs over epochs */
    STEPS = EPOCHS | FIT_PARTIAL                                             /* who makes steps */
};

static const struct field fit_fields[] = {
    FIELD(aenc_fit_options, optimizer, STEPS),
    FIELD(aenc_fit_options, schedule, EPOCHS),
    FIELD(aenc_fit_options, epochs, EPOCHS),
    FIELD(aenc_fit_options, batch, STEPS | FIT_PCA),
    FIELD(aenc_fit_options, target, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, valid, EPOCHS),
    FIELD(aenc_fit_options, valid_target, FIT_ROWS | FIT_STREAM),
    FIELD(aenc_fit_options, validation_fraction, EPOCHS & ~(unsigned)FIT_STREAM),
    FIELD(aenc_fit_options, patience, EPOCHS),
    FIELD(aenc_fit_options, min_improvement, EPOCHS),
    FIELD(aenc_fit_options, clip_norm, STEPS),
    FIELD(aenc_fit_options, clip_value, STEPS),
    FIELD(aenc_fit_options, progress, (STEPS | FIT_PCA) & ~(unsigned)FIT_PRETRAIN),
    FIELD(aenc_fit_options, steps_per_epoch, EPOCHS),
    FIELD(aenc_fit_options, checkpoint, EPOCHS & ~(unsigned)FIT_SWEEP),
    FIELD(aenc_fit_options, checkpoint_steps, EPOCHS & ~(unsigned)FIT_SWEEP),
    FIELD(aenc_fit_options, checkpoint_seconds, EPOCHS & ~(unsigned)FIT_SWEEP),
    FIELD(aenc_fit_options, resume, EPOCHS & ~(unsigned)FIT_SWEEP),
    FIELD(aenc_fit_options, run_key, EPOCHS & ~(unsigned)FIT_SWEEP),
    FIELD(aenc_fit_options, labels, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, label_count, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, valid_labels, FIT_ROWS | FIT_STREAM),
    FIELD(aenc_fit_options, valid_label_count, FIT_ROWS | FIT_STREAM),
    FIELD(aenc_fit_options, weight, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, weight_count, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, valid_weight, FIT_ROWS | FIT_STREAM),
    FIELD(aenc_fit_options, valid_weight_count, FIT_ROWS | FIT_STREAM),
    FIELD(aenc_fit_options, valid_source, FIT_ROWS | FIT_STREAM),
    FIELD(aenc_fit_options, fields, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, field_count, FIT_ROWS | FIT_PARTIAL),
    FIELD(aenc_fit_options, reduce, STEPS),
};

static const char *why(enum fit_user user) {
    switch (user) {
    case FIT_STREAM: return "a stream brings its own targets and cannot be split";
    case FIT_PARTIAL: return "it is one pass at a constant rate";
    case FIT_PRETRAIN:
        return "there it has no meaning; layers learn their own input, and progress of aenc_pretrain_options";
    case FIT_DISTILL: return "there it has no meaning; the student learns what the teacher makes of its input";
    case FIT_PCA: return "the model is a PCA, which is fitted in closed form";
    case FIT_SWEEP: return "a sweep is many runs over x alone";
    default: return "it has no use for it";
    }
}

aenc_status aenc_fit_fields_check(aenc_context *ctx, const char *call, enum fit_user user,
                                  const aenc_fit_options *options) {
    aenc_fit_options o = *options;
    bool once = user == FIT_PARTIAL || user == FIT_PCA;
    if (once && o.epochs == 1) o.epochs = 0;
    if (once && o.schedule != NULL && strcmp(o.schedule, "constant") == 0) o.schedule = NULL;
    const char *name = useless(fit_fields, sizeof fit_fields / sizeof *fit_fields, &o, user);
    if (name == NULL) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: aenc_fit_options.%s is given, but %s", call, name, why(user));
}

/* ---- Models ---- */

/* What they are made from: one of each line. */
enum model_user {
    ENCODER_WIDTHS = 1,
    ENCODER_LAYERS = 2,
    DECODER_MIRRORED = 4,
    DECODER_WIDTHS = 8,
    DECODER_LAYERS = 16,
    LAYERS_TO_WIDTHS = 32 /* the encoder of layers whose decoder is one of widths */
};
enum { WIDTHS = ENCODER_WIDTHS | LAYERS_TO_WIDTHS };
enum { ENCODERS = WIDTHS | ENCODER_LAYERS, DECODERS = DECODER_MIRRORED | DECODER_WIDTHS | DECODER_LAYERS };

static const struct field model_fields[] = {
    FIELD(aenc_model_options, encoder_widths, ENCODER_WIDTHS | DECODERS),
    FIELD(aenc_model_options, encoder_count, ENCODER_WIDTHS | DECODERS),
    FIELD(aenc_model_options, decoder_widths, ENCODERS | DECODER_WIDTHS),
    FIELD(aenc_model_options, decoder_count, ENCODERS | DECODER_WIDTHS),
    FIELD(aenc_model_options, activation, WIDTHS | DECODERS),
    FIELD(aenc_model_options, code_activation, ENCODER_WIDTHS | DECODERS),
    FIELD(aenc_model_options, init, WIDTHS | DECODERS),
    FIELD(aenc_model_options, tied, ENCODERS | DECODER_MIRRORED | DECODER_WIDTHS),
};

/* A count beside a pointer that is NULL. */
static aenc_status counted(aenc_context *ctx, const char *options, const char *field, const void *data,
                           const char *count_field, size_t count) {
    if (data != NULL || count == 0) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s.%s is %zu, and %s is NULL", options, count_field, count, field);
}

aenc_status aenc_model_counts_check(aenc_context *ctx, const aenc_model_options *o) {
    const char *name = "aenc_model_options";
    aenc_status status = counted(ctx, name, "encoder_widths", o->encoder_widths, "encoder_count", o->encoder_count);
    if (status == AENC_OK)
        status = counted(ctx, name, "decoder_widths", o->decoder_widths, "decoder_count", o->decoder_count);
    return status == AENC_OK ? counted(ctx, name, "input", o->input, "input_rank", o->input_rank) : status;
}

aenc_status aenc_model_fields_check(aenc_context *ctx, const aenc_model_options *o) {
    const size_t fields = sizeof model_fields / sizeof *model_fields;
    aenc_status status = aenc_model_counts_check(ctx, o);
    if (status != AENC_OK) return status;
    unsigned encoder = o->encoder_layers == NULL   ? ENCODER_WIDTHS
                       : o->decoder_widths != NULL ? LAYERS_TO_WIDTHS
                                                   : ENCODER_LAYERS;
    unsigned decoder = o->decoder_layers != NULL   ? DECODER_LAYERS
                       : o->decoder_widths != NULL ? DECODER_WIDTHS
                                                   : DECODER_MIRRORED;
    if (o->encoder_layers != NULL && o->encoder_widths != NULL)
        return AENC_OK; /* refused as both, where descriptions are made */
    if (o->decoder_layers != NULL && o->decoder_widths != NULL) return AENC_OK;
    const char *beside = "encoder_layers";
    const char *field = useless(model_fields, fields, o, encoder);
    if (field == NULL) {
        field = useless(model_fields, fields, o, decoder);
        beside = decoder == DECODER_LAYERS ? "decoder_layers" : "decoder_widths";
    }
    if (field == NULL) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_model_options.%s is given, and has no meaning beside %s", field,
                     beside);
}

aenc_status aenc_pretrain_fields_check(aenc_context *ctx, const aenc_pretrain_options *o) {
    const char *name = "aenc_pretrain_options";
    aenc_status status = counted(ctx, name, "penalties", o->penalties, "penalty_count", o->penalty_count);
    if (status == AENC_OK)
        status = counted(ctx, name, "corruptions", o->corruptions, "corruption_count", o->corruption_count);
    if (status == AENC_OK) status = counted(ctx, name, "losses", o->losses, "loss_count", o->loss_count);
    return status;
}

/* ---- Plug-ins ---- */

enum plugin_user { LAYER = 1, LOSS = 2, PENALTY = 4, CORRUPTION = 8, BOTTLENECK = 16 };

static const struct field plugin_fields[] = {
    FIELD(aenc_plugin, layer, LAYER),           FIELD(aenc_plugin, mirror_role, LAYER),
    FIELD(aenc_plugin, mirror, LAYER),          FIELD(aenc_plugin, loss, LOSS),
    FIELD(aenc_plugin, loss_each, LOSS),        FIELD(aenc_plugin, unit_target, LOSS),
    FIELD(aenc_plugin, output_factor, LOSS),    FIELD(aenc_plugin, penalty, PENALTY),
    FIELD(aenc_plugin, corruption, CORRUPTION), FIELD(aenc_plugin, bottleneck, BOTTLENECK),
    FIELD(aenc_plugin, sample, BOTTLENECK),
};

aenc_status aenc_plugin_fields_check(aenc_context *ctx, const aenc_plugin *p) {
    unsigned user = p->kind == AENC_PLUGIN_LAYER        ? LAYER
                    : p->kind == AENC_PLUGIN_LOSS       ? LOSS
                    : p->kind == AENC_PLUGIN_PENALTY    ? PENALTY
                    : p->kind == AENC_PLUGIN_BOTTLENECK ? BOTTLENECK
                                                        : CORRUPTION;
    const char *field = useless(plugin_fields, sizeof plugin_fields / sizeof *plugin_fields, p, user);
    if (field == NULL && p->mirror != NULL && p->mirror_role != AENC_MIRROR_REFUSED) field = "mirror_role";
    if (field == NULL) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_plugin.%s is given, and has no meaning %s", field,
                     strcmp(field, "mirror_role") == 0 && p->kind == AENC_PLUGIN_LAYER ? "beside mirror"
                                                                                       : "for that kind");
}
