/* plugin_types.c - registering plug-ins, calling them, and looking at what they answer. */
#include "api/plugin_types.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "io/bytes.h"
#include "io/message_text.h"

const char *aenc_plugin_family(int64_t kind) {
    switch (kind) {
    case AENC_PLUGIN_LAYER: return "layer";
    case AENC_PLUGIN_LOSS: return "loss";
    case AENC_PLUGIN_PENALTY: return "penalty";
    case AENC_PLUGIN_CORRUPTION: return "corruption";
    case AENC_PLUGIN_BOTTLENECK: return "bottleneck";
    default: return NULL;
    }
}

/* ---- Calling ---- */

/* Of the type whose record is being called. Corruptions have no parameters. */
static aenc_recorder recorder_at(struct site *site, const struct json *spec) {
    const char *type = site->self;
    const struct registered *plugin =
        (const struct registered *)(const void *)(type - offsetof(struct registered, type));
    bool none = plugin->plugin.kind == AENC_PLUGIN_CORRUPTION;
    return (aenc_recorder){site->tape->ctx, site->tape, none ? NULL : site->store, site, plugin, spec};
}

/* What the plug-in answered, as a node of this recording. A failure gets the plug-in's name in front; NULL then. */
static struct node *answer(const aenc_recorder *r, const aenc_node *shown) {
    struct tape *tape = r->tape;
    struct node *n = aenc_node_hidden(shown);
    if (tape->status == AENC_OK && n == NULL)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "it answered NULL and gave no reason");
    else if (tape->status == AENC_OK && !aenc_node_recorded(tape, n))
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "it answered a node of another recording");
    if (tape->status == AENC_OK) return n;
    char text[MESSAGE_SIZE];
    memcpy(text, tape->ctx->message, sizeof text);
    aenc_fail(tape->ctx, tape->status, "%s '%s': %s", aenc_plugin_family(r->plugin->plugin.kind), r->plugin->name,
              text);
    return NULL;
}

/* n where its shape is good; otherwise the recording fails with what it had to be. */
static struct node *shaped(const aenc_recorder *r, struct node *n, bool good, const char *wanted) {
    if (good || n == NULL) return n;
    char text[SHAPE_TEXT];
    aenc_tape_fail(r->tape, AENC_ERR_SHAPE, "%s '%s' answered a node of shape %s; it must have %s",
                   aenc_plugin_family(r->plugin->plugin.kind), r->plugin->name, aenc_shape_text(n, text), wanted);
    return NULL;
}

static bool one_per_row(const struct node *n) { return n->kind == NODE_ROW && n->shape.rank == 1; }

static struct node *layer_record(struct site *site, const struct json *spec, struct node *x) {
    aenc_recorder r = recorder_at(site, spec);
    const aenc_plugin *call = &r.plugin->call;
    struct node *y = answer(&r, call->layer(call->user, &r, aenc_node_shown(x)));
    return shaped(&r, y, y != NULL && y->kind == NODE_ROW, "rows");
}

static struct json *layer_mirror(aenc_context *ctx, struct arena *arena, const struct json *spec,
                                 const struct shape *in) {
    const char *name = aenc_settings_type(spec);
    const struct registered *plugin = (const struct registered *)aenc_plugin_find(ctx, AENC_PLUGIN_LAYER, name);
    aenc_recorder r = {ctx, NULL, NULL, NULL, plugin, spec};
    char text[256] = "";
    size_t dims[RANK_MAX];
    for (int i = 0; i < in->rank; i++) dims[i] = (size_t)in->dim[i];
    int result = plugin->call.mirror == NULL
                     ? 1
                     : plugin->call.mirror(plugin->call.user, &r, dims, (size_t)in->rank, text, sizeof text - 1);
    struct json *mirrored = NULL;
    if (result < 0)
        aenc_fail(ctx, AENC_ERR_CALLBACK, "mirror of layer '%s' returned %d", name, result);
    else if (result > 0)
        aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "layer '%s' has no mirror%s; give a decoder", name,
                  plugin->call.mirror == NULL ? "" : " for this shape");
    else if (aenc_settings_parse(arena, "layer", text, &mirrored) == AENC_OK &&
             aenc_layer_check(ctx, mirrored) != AENC_OK)
        mirrored = NULL;
    return mirrored;
}

typedef aenc_node *loss_call(void *user, aenc_recorder *recorder, aenc_node *output, aenc_node *target);

static struct node *loss_answer(const aenc_recorder *r, loss_call *call, struct node *output, struct node *target) {
    aenc_recorder own = *r;
    if (r->plugin->type.loss.output_factor == 1) output = aenc_loss_fit(r->tape, r->plugin->name, output, target);
    if (output == NULL || target == NULL) return NULL;
    return answer(r, call(r->plugin->call.user, &own, aenc_node_shown(output), aenc_node_shown(target)));
}

static struct node *loss_record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    aenc_recorder r = recorder_at(site, spec);
    struct node *y = loss_answer(&r, r.plugin->call.loss, output, target);
    return shaped(&r, y, y != NULL && one_per_row(y), "one number per row, (rows)");
}

static struct node *loss_each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    aenc_recorder r = recorder_at(site, spec);
    struct node *y = loss_answer(&r, r.plugin->call.loss_each, output, target);
    bool good = y != NULL && y->kind == NODE_ROW && aenc_shape_equal(&y->shape, &target->shape);
    return shaped(&r, y, good, "the target's shape");
}

static struct node *penalty_record(struct site *site, const struct json *spec) {
    aenc_recorder r = recorder_at(site, spec);
    const aenc_plugin *call = &r.plugin->call;
    struct node *y = answer(&r, call->penalty(call->user, &r, aenc_node_shown(site->input), aenc_node_shown(site->code),
                                              aenc_node_shown(site->output)));
    bool good = y != NULL && (one_per_row(y) || (y->kind == NODE_BATCH && y->shape.rank == 0));
    return shaped(&r, y, good, "one number per row, (rows), or one for the batch, ()");
}

static struct node *corruption_record(struct site *site, const struct json *spec, struct node *x, struct node *level) {
    aenc_recorder r = recorder_at(site, spec);
    const aenc_plugin *call = &r.plugin->call;
    if (level == NULL) return NULL;
    struct node *y = answer(&r, call->corruption(call->user, &r, aenc_node_shown(x), aenc_node_shown(level)));
    bool good = y != NULL && y->kind == NODE_ROW && aenc_shape_equal(&y->shape, &x->shape);
    return shaped(&r, y, good, "the shape of what it was given");
}

static struct node *bottleneck_record(struct site *site, const struct json *spec, struct node *x) {
    aenc_recorder r = recorder_at(site, spec);
    const aenc_plugin *call = &r.plugin->call;
    struct node *y = answer(&r, call->bottleneck(call->user, &r, aenc_node_shown(x)));
    return shaped(&r, y, y != NULL && y->kind == NODE_ROW, "rows");
}

static struct node *bottleneck_sample(struct site *site, const struct json *spec, const struct shape *code,
                                      struct node *temperature) {
    aenc_recorder r = recorder_at(site, spec);
    const aenc_plugin *call = &r.plugin->call;
    size_t dims[RANK_MAX];
    for (int i = 0; i < code->rank; i++) dims[i] = (size_t)code->dim[i];
    struct node *y = answer(&r, call->sample(call->user, &r, dims, (size_t)code->rank, aenc_node_shown(temperature)));
    bool good = y != NULL && y->kind == NODE_ROW && y->shape.rank == code->rank + 1;
    for (int i = 0; i < code->rank && good; i++) good = y->shape.dim[i + 1] == code->dim[i];
    return shaped(&r, y, good, "rows of the code's shape");
}

/* ---- Registering ---- */

static bool name_good(const char *name) {
    size_t length = name == NULL ? 0 : strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && length < PLUGIN_NAME && name[length] == '\0';
}

static bool name_taken(const aenc_context *ctx, int64_t kind, const char *name) {
    switch (kind) {
    case AENC_PLUGIN_LAYER: return aenc_layer_known(ctx, name) != NULL;
    case AENC_PLUGIN_LOSS: return aenc_loss_type(ctx, name) != NULL;
    case AENC_PLUGIN_PENALTY: return aenc_penalty_type(ctx, name) != NULL;
    case AENC_PLUGIN_BOTTLENECK: return aenc_bottleneck_type(ctx, name) != NULL;
    default: return aenc_corruption_type(ctx, name) != NULL;
    }
}

/* Of the callbacks, those of other kinds are not looked at. */
static bool callback_there(const aenc_plugin *p) {
    switch (p->kind) {
    case AENC_PLUGIN_LAYER: return p->layer != NULL;
    case AENC_PLUGIN_LOSS: return p->loss != NULL;
    case AENC_PLUGIN_PENALTY: return p->penalty != NULL;
    case AENC_PLUGIN_BOTTLENECK: return p->bottleneck != NULL;
    default: return p->corruption != NULL;
    }
}

static aenc_status plugin_check(aenc_context *ctx, const aenc_plugin *p) {
    const char *family = aenc_plugin_family(p->kind);
    if (family == NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_plugin.kind is %lld, which is none of AENC_PLUGIN_*",
                         (long long)p->kind);
    if (!name_good(p->name))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_plugin.name is %s%.80s%s; it is 1 to %d letters, digits or '_'",
                         p->name == NULL ? "" : "'", p->name == NULL ? "NULL" : aenc_quoted(p->name).text,
                         p->name == NULL ? "" : "'", PLUGIN_NAME - 1);
    if (name_taken(ctx, p->kind, p->name))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_plugin.name: there is a %s '%s' already", family, p->name);
    if (!callback_there(p))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s '%s': aenc_plugin.%s is NULL", family, p->name, family);
    aenc_status status = aenc_plugin_fields_check(ctx, p);
    if (status != AENC_OK) return status;
    bool role = p->mirror_role == AENC_MIRROR_REFUSED || p->mirror_role == AENC_MIRROR_REPEATED ||
                p->mirror_role == AENC_MIRROR_OMITTED;
    if (!role)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "%s '%s': aenc_plugin.mirror_role is %lld, which is none of AENC_MIRROR_*", family, p->name,
                         (long long)p->mirror_role);
    if (p->output_factor < 0 || p->output_factor > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s '%s': aenc_plugin.output_factor is %lld; it is from 0 to %d",
                         family, p->name, (long long)p->output_factor, INT32_MAX);
    bool level = p->kind != AENC_PLUGIN_CORRUPTION || p->setting_count > 0;
    if (level && p->setting_count <= PLUGIN_SETTINGS && (p->settings != NULL || p->setting_count == 0)) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s '%s': aenc_plugin.settings %s %zu; %d to %d are taken", family,
                     p->name, p->settings == NULL ? "is NULL and counts" : "counts", p->setting_count,
                     p->kind == AENC_PLUGIN_CORRUPTION, PLUGIN_SETTINGS);
}

/* The names that the families have for themselves. */
static bool setting_taken(const struct registered *new, size_t count, const char *name) {
    static const char *const common[] = {"type",  "weight", "warmup", "to",       "over",
                                         "shape", "layers", "tied",   "reduction"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strcmp(common[i], name) == 0) return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(new->setting[i], name) == 0) return true;
    return false;
}

static aenc_status settings_take(aenc_context *ctx, struct registered *new) {
    const char *family = aenc_plugin_family(new->plugin.kind);
    for (size_t i = 0; i < new->call.setting_count; i++) {
        const aenc_setting *s = &new->call.settings[i];
        if (!name_good(s->name) || setting_taken(new, i, s->name))
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s '%s': settings%s.name is '%s', which is taken or not a name",
                             family, new->name, aenc_at(i).text, s->name == NULL ? "" : aenc_quoted(s->name).text);
        bool any = s->low == 0 && s->high == 0, must = s->fallback != s->fallback;
        double low = any ? -INFINITY : s->low, high = any ? INFINITY : s->high;
        if (!(low <= high) || (!must && !(s->fallback >= low && s->fallback <= high)))
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s '%s': setting '%s' has %s as default, not within %s and %s",
                             family, new->name, s->name, aenc_shown(s->fallback).text, aenc_shown(low).text,
                             aenc_shown(high).text);
        memcpy(new->setting[i], s->name, strlen(s->name) + 1);
        new->rules[i] = (struct setting_rule){.name = new->setting[i],
                                              .kind = s->whole != 0 ? SETTING_INTEGER : SETTING_NUMBER,
                                              .required = must,
                                              .fallback = must ? 0 : s->fallback,
                                              .low = low,
                                              .high = high};
    }
    new->call.settings = NULL;
    return AENC_OK;
}

static void type_fill(struct registered *new) {
    const aenc_plugin *p = &new->call;
    enum mirror_role role = p->mirror != NULL || p->mirror_role == AENC_MIRROR_REFUSED ? MIRROR_BLOCK
                            : p->mirror_role == AENC_MIRROR_REPEATED                   ? MIRROR_FOLLOWER
                                                                                       : MIRROR_NOTHING;
    new->plugin.type = &new->type;
    switch (p->kind) {
    case AENC_PLUGIN_LAYER:
        new->type.layer = (struct layer_type){new->name, new->rules, role, NULL, layer_record, layer_mirror};
        break;
    case AENC_PLUGIN_LOSS:
        new->type.loss = (struct loss_type){.name = new->name,
                                            .rules = new->rules,
                                            .output_factor = p->output_factor > 0 ? (int)p->output_factor : 1,
                                            .unit_target = p->unit_target != 0,
                                            .record = loss_record,
                                            .each = p->loss_each == NULL ? NULL : loss_each,
                                            .log_power = 2};
        break;
    case AENC_PLUGIN_PENALTY:
        new->type.penalty = (struct penalty_type){new->name, new->rules, NULL, penalty_record};
        break;
    case AENC_PLUGIN_BOTTLENECK:
        new->type.bottleneck = (struct bottleneck_type){.name = new->name,
                                                        .rules = new->rules,
                                                        .record = bottleneck_record,
                                                        .sample = p->sample == NULL ? NULL : bottleneck_sample};
        break;
    default:
        new->type.corruption = (struct corruption_type){
            .name = new->name, .rules = new->rules, .level = new->setting[0], .record = corruption_record};
    }
}

static aenc_status plugin_register(aenc_context *ctx, const aenc_plugin *plugin) {
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (plugin == NULL) return aenc_null(ctx, "aenc_register", "plugin");
    aenc_plugin p;
    aenc_status status = aenc_call_check(ctx, "aenc_register", CALL_READS, NULL);
    if (status == AENC_OK) status = aenc_options_read(ctx, "aenc_plugin", plugin, sizeof p, &p);
    if (status == AENC_OK) status = plugin_check(ctx, &p);
    if (status != AENC_OK) return status;
    struct registered *new = aenc_alloc(ctx, 1, sizeof *new);
    if (new == NULL) return AENC_ERR_NO_MEMORY;
    memcpy(new->name, p.name, strlen(p.name) + 1);
    new->call = p;
    new->call.name = new->name;
    new->plugin = (struct plugin){.kind = p.kind, .name = new->name, .release = p.release, .user = p.user};
    status = settings_take(ctx, new);
    if (status != AENC_OK) {
        aenc_release(ctx, new);
        return status;
    }
    type_fill(new);
    aenc_plugin_add(ctx, &new->plugin);
    return AENC_OK;
}

aenc_status aenc_register(aenc_context *ctx, const aenc_plugin *plugin) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    aenc_status status = plugin_register(ctx, plugin);
    if (status != AENC_OK) RELEASE_USER(aenc_plugin, plugin);
    return status;
}
