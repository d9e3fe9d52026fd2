/* fuzz_api_plugin.c - plug-ins for target `api`: a callback reads a short program that says which builders it calls on which
 * nodes, or does what a callback must not do. What comes back from a builder must be what ops.h says of it. */
#include "fuzz/fuzz_api.h"

enum { NODES = 12 };
enum { HOW_SILENT = 8, HOW_FAILS, HOW_STRANGER, HOW_OPERAND, HOW_NOW_AND_THEN, HOW_NULLS, HOW_NESTED, HOW_GARBAGE };

struct hand {
    aenc_recorder *r;
    struct fuzz_plugin *p;
    aenc_node *node[NODES];
    size_t count;
    bool failed; /* a builder has answered NULL: all others must, from now on */
};

static aenc_node *last(const struct hand *h) { return h->node[h->count - 1]; }

static void keep(struct hand *h, aenc_node *n) {
    FUZZ_DEMAND(!h->failed || n == NULL);
    if (n == NULL) {
        h->failed = true;
        return;
    }
    for (size_t i = 0; i < aenc_node_rank(n); i++) FUZZ_DEMAND(aenc_node_dim(n, i) > 0);
    FUZZ_DEMAND(aenc_node_rank(n) <= AENC_RANK_MAX && aenc_node_dim(n, aenc_node_rank(n)) == 0);
    if (h->count < NODES) h->node[h->count++] = n;
    else h->node[NODES - 1] = n;
}

static size_t count_of(const aenc_node *n) {
    size_t count = 1;
    for (size_t i = 0; i < aenc_node_rank(n); i++) count *= aenc_node_dim(n, i);
    return count;
}

static size_t width(const aenc_node *n) { return aenc_node_rank(n) == 0 ? 1 : aenc_node_dim(n, aenc_node_rank(n) - 1); }

/* ---- Operations ---- */

static int square_forward(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    float *y = call->y;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    const size_t out = call->y_size;
    FUZZ_DEMAND(rows > 0 && in > 0 && out > 0 && user != NULL);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < out; j++) y[r * out + j] = x[r * in + j % in] * x[r * in + j % in];
    return 0;
}

static int square_backward(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    const float *y = call->y;
    const float *dy = call->dy;
    float *dx = call->dx;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    const size_t out = call->y_size;
    FUZZ_DEMAND(rows > 0 && user != NULL && y != NULL && call->operand < call->x_count);
    if (call->operand > 0) return 0; /* of no influence */
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < out; j++) dx[r * in + j % in] += 2 * x[r * in + j % in] * dy[r * out + j];
    return 0;
}

/* Not a number where the first one of the row is large; or it fails. */
static int spoilt_forward(void *user, const aenc_operation_call *call) {
    square_forward(user, call);
    for (size_t r = 0; r < call->rows; r++) {
        float first = call->x[0][r * call->x_size[0]];
        call->y[r * call->y_size] = first > 0.5f ? NAN : first;
        if (first > 0.9f || first < -0.9f) return first > 0 ? 1 : -1;
    }
    return 0;
}

static int spoilt_backward(void *user, const aenc_operation_call *call) {
    square_backward(user, call);
    call->dx[0] = INFINITY;
    return call->dy[0] > 0.9f ? -1 : 0;
}

static aenc_node *operation(struct hand *h, unsigned which, aenc_node *x) {
    const aenc_operation operations[] = {
        {sizeof *operations, "square", h->p, square_forward, square_backward, NULL},
        {sizeof *operations, "blocked", h->p, square_forward, NULL, NULL},
        {sizeof *operations, "spoilt", h->p, spoilt_forward, spoilt_backward, NULL},
        {sizeof *operations, "none", h->p, NULL, square_backward, NULL},
    };
    size_t dims[] = {1 + which % 3, 2};
    return aenc_node_operation(h->r, which == 31 ? NULL : &operations[which / 8 % 4], (aenc_node *[]){x, x}, 1 + which % 2, dims, 1 + which % 2);
}

/* ---- Builders ---- */

/* A plug-in that draws or looks at the batch, also where nothing is trained: rows then depend on each other. */
static void mixes(struct hand *h) {
    if (!aenc_recorder_training(h->r)) h->p->c->mixed = true;
}

static aenc_node *shaped(struct hand *h, unsigned which, aenc_node *x) {
    size_t all[] = {count_of(x), 1}, axis = which / 8 % 3, size = aenc_node_dim(x, axis);
    aenc_node *const both[] = {x, last(h)}, *n = NULL;
    switch (which % 8) {
    case 0: return aenc_node_sum(h->r, x, axis);
    case 1: return aenc_node_mean(h->r, x, axis);
    case 2: return aenc_node_reshape(h->r, x, all, 1 + which / 8 % 2);
    case 3:
        n = aenc_node_slice(h->r, x, axis, size / 2, size - size / 2 + (which == 27));
        FUZZ_DEMAND(n == NULL || aenc_node_dim(n, axis) == size - size / 2);
        return n;
    case 4: return aenc_node_concat(h->r, both, which == 28 ? 0 : 2, axis);
    case 5: return aenc_node_matmul(h->r, x, last(h), which / 8 % 2 != 0, which / 16 % 2 != 0);
    case 6: return aenc_node_constant(h->r, h->p->c->data, all[0] + (which == 30), all, 1 + which / 8 % 2);
    default:
        n = (which & 8) != 0 ? aenc_node_row_sum(h->r, x) : aenc_node_row_mean(h->r, x);
        FUZZ_DEMAND(n == NULL || (aenc_node_rank(n) == 0 && aenc_node_has_rows(n) == aenc_node_has_rows(x)));
        return n;
    }
}

/* What is reached of the model around the plug-in; which of it, by how many nodes there are. */
static aenc_node *sited(struct hand *h, aenc_node *x) {
    FUZZ_DEMAND(aenc_recorder_aim(h->r) >= 0);
    static const char *const entries[] = {"decoder"}, *const terms[] = {"term"};
    const aenc_player player = {.struct_size = sizeof player, .name = "player", .entries = entries, .entry_count = 1,
                                .terms = terms, .term_count = 1, .optimizer = "sgd", .turns = (int64_t)(h->count / 5 % 3)};
    if (h->count % 7 == 6) return aenc_recorder_player(h->r, &player) != 0 ? x : NULL;
    switch (h->count % 5) {
    case 0: return aenc_node_objective(h->r, "term", x, 0.1);
    case 1: return aenc_node_measure(h->r, "measure", aenc_node_row_mean(h->r, x)) == NULL ? NULL : x;
    case 2: return aenc_node_result(h->r, "result", x);
    case 3: return aenc_node_field(h->r, "label");
    default: return aenc_node_tap(h->r, "encoder.0");
    }
}

static aenc_node *plain(struct hand *h, unsigned which, aenc_node *x) {
    aenc_node *y = last(h), *n = NULL;
    switch (which % 16) {
    case 0: return aenc_node_add(h->r, x, y);
    case 1: return aenc_node_subtract(h->r, x, y);
    case 2: return aenc_node_multiply(h->r, x, y);
    case 3: return aenc_node_divide(h->r, x, aenc_node_affine(h->r, aenc_node_function(h->r, "square", y), 1, 0.5));
    case 4: return aenc_node_affine(h->r, x, -0.5, (double)which / 16);
    case 5: return aenc_node_clamp(h->r, x, -1, which == 21 ? -2 : 1);
    case 6: return aenc_node_softmax(h->r, x);
    case 7: return aenc_node_log_softmax(h->r, x);
    case 8: return aenc_node_stop_gradient(h->r, x);
    case 9: return aenc_node_divide(h->r, x, y);
    case 10:
    case 11:
        mixes(h);
        n = which % 16 == 10 ? aenc_node_batch_sum(h->r, x) : aenc_node_batch_mean(h->r, x);
        FUZZ_DEMAND(n == NULL || !aenc_node_has_rows(n));
        return n;
    case 12:
        FUZZ_DEMAND(isfinite(aenc_recorder_setting(h->r, "a")) || h->p->how / 16 % 4 == 0 || h->p->how / 16 % 4 == 2);
        return aenc_node_add(h->r, x, x);
    case 13: return aenc_node_affine(h->r, x, 1 + aenc_recorder_training(h->r), 0);
    case 14: return which == 30 ? sited(h, x) : aenc_node_multiply(h->r, x, x);
    default: return aenc_node_function(h->r, "tanh", x);
    }
}

static aenc_node *function(struct hand *h, unsigned which, aenc_node *x) {
    static const char *const names[] = {"exp", "log", "sqrt", "square", "absolute", "negate", "reciprocal", "relu", "sigmoid",
                                        "gelu", "leaky_relu:slope=0.5", "identity", "elu:alpha=2", "silu", "softplus", "none"};
    return aenc_node_function(h->r, which == 31 ? NULL : names[which % 16], x);
}

static aenc_node *grown(struct hand *h, unsigned which, aenc_node *x) {
    static const char *const names[] = {"w", "v", "weight", "", NULL};
    static const char *const starts[] = {NULL, "he_normal:gain=2", "constant:gain=0.5", "orthogonal", "none"};
    size_t in = width(x), straight[] = {3, in}, turned[] = {in, 2};
    switch (which % 8) {
    case 0:
        return aenc_node_dense(h->r, x, aenc_node_parameter(h->r, "w", straight, 2, NULL),
                               (which & 8) != 0 ? NULL : aenc_node_parameter(h->r, "b", straight, 1, NULL), 0);
    case 1: return aenc_node_dense(h->r, x, aenc_node_parameter(h->r, "t", turned, 2, starts[which / 8]), NULL, 1);
    case 2: return aenc_node_parameter(h->r, names[which / 8 % 5], straight, which / 8 % 3, starts[which / 8]);
    case 3: {
        static const char *const kinds[] = {"none", "non_negative", "unit_norm:axis=0", "max_norm:axis=2"};
        aenc_node *scale = aenc_node_parameter(h->r, "scale", &in, aenc_node_rank(x) > 0, "constant:gain=1");
        return aenc_node_multiply(h->r, x, aenc_node_constrain(h->r, scale, kinds[which / 8 % 4]));
    }
    case 4: mixes(h); return aenc_node_normal(h->r, which == 28 ? NULL : "noise", turned, 1 + (which & 8) / 8);
    case 5: mixes(h); return aenc_node_uniform(h->r, "noise", &in, which < 16);
    case 6:
        mixes(h);
        return aenc_node_add(h->r, x, aenc_node_affine(h->r, aenc_node_normal(h->r, "n", &in, aenc_node_rank(x) > 0), 0.1, 0));
    default: break;
    }
    if (which == 31) return aenc_node_stage(h->r, x, x);
    if (which == 7) return aenc_node_add(h->r, x, aenc_node_state_from(h->r, "drawn", &in, aenc_node_rank(x) > 0, starts[in % 5]));
    if (which != 23) return aenc_node_parameter(h->r, "w", straight, which == 15 ? 9 : 2, NULL);
    mixes(h);
    aenc_node *state = aenc_node_state(h->r, "mean", &in, aenc_node_rank(x) > 0, 0.5);
    aenc_node *mean = aenc_node_stage(h->r, state, aenc_node_batch_mean(h->r, x));
    return mean == NULL ? NULL : aenc_node_subtract(h->r, x, state);
}

/* The three highest bits of a byte choose the operand and the kind of builder, the others what exactly. */
static void program_run(struct hand *h) {
    for (size_t i = 0; i + 1 < PROGRAM && !h->failed; i += 2) {
        unsigned kind = h->p->program[i], which = h->p->program[i + 1] % 32;
        aenc_node *x = h->node[kind / 8 % h->count];
        switch (kind % 8) {
        case 0: return;
        case 1:
        case 2: keep(h, plain(h, which, x)); break;
        case 3: keep(h, function(h, which, x)); break;
        case 4: keep(h, shaped(h, which, x)); break;
        case 5: keep(h, grown(h, which, x)); break;
        case 6: keep(h, operation(h, which, x)); break;
        default: keep(h, plain(h, which, last(h)));
        }
    }
}

/* ---- A recording within a recording: its nodes are strangers to each other ---- */

struct nested {
    aenc_node *outer, *inner;
};

static aenc_node *nested_layer(void *user, aenc_recorder *r, aenc_node *x) {
    struct nested *n = user;
    n->inner = x;
    FUZZ_DEMAND(aenc_node_add(r, x, n->outer) == NULL);
    return x;
}

static aenc_node *nested(struct hand *h) {
    static const size_t input = 2;
    struct nested n = {h->node[0], NULL};
    aenc_context *ctx = NULL;
    aenc_layer *layer = NULL;
    aenc_model *m = NULL;
    aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "inner", .user = &n,
                          .layer = nested_layer, .mirror_role = AENC_MIRROR_REPEATED};
    FUZZ_DEMAND(aenc_context_create(NULL, &ctx) == AENC_OK && aenc_register(ctx, &plugin) == AENC_OK);
    FUZZ_DEMAND(aenc_layer_create(ctx, "inner", &layer) == AENC_OK);
    aenc_model_options options = {.struct_size = sizeof options, .input = &input, .input_rank = 1, .encoder_layers = layer,
                                  .decoder_layers = layer};
    FUZZ_DEMAND(aenc_model_create(ctx, &options, &m) == AENC_ERR_ARGUMENT && m == NULL);
    aenc_layer_free(layer);
    aenc_context_free(ctx);
    return n.inner;
}

/* ---- Callbacks ---- */

static const aenc_status reasons[] = {AENC_ERR_ARGUMENT, AENC_ERR_SHAPE, AENC_ERR_UNSUPPORTED, AENC_ERR_NO_MEMORY,
                                      AENC_ERR_NO_GRADIENT};

/* What the callback answers without looking at its kind; false: the program's last node is to be made to fit. */
static bool misbehaved(struct hand *h, aenc_node **out) {
    static char garbage;
    struct fuzz_plugin *p = h->p;
    p->called++;
    FUZZ_DEMAND(p->registered && p->released == 0);
    *out = NULL;
    switch (p->how % 16) {
    case HOW_SILENT: return true;
    case HOW_FAILS:
        aenc_node_fail(h->r, reasons[p->program[0] % 5], p->program[1] % 2 == 0 ? "it would not" : NULL);
        return true;
    case HOW_STRANGER: *out = nested(h); return true;
    case HOW_OPERAND: *out = h->node[p->program[0] % h->count]; return true;
    case HOW_NOW_AND_THEN:
        if (p->called % 2 == 0) aenc_node_fail(h->r, AENC_ERR_UNSUPPORTED, "not this time");
        break;
    case HOW_NULLS: FUZZ_DEMAND(aenc_node_add(h->r, h->node[0], NULL) == NULL); break;
    case HOW_NESTED: nested(h); break;
    case HOW_GARBAGE: *out = (aenc_node *)(void *)&garbage; return true;
    default: break;
    }
    h->failed = p->how % 16 == HOW_NULLS || (p->how % 16 == HOW_NOW_AND_THEN && p->called % 2 == 0);
    program_run(h);
    *out = last(h);
    return (p->how & 0x80) != 0;
}

static struct hand hand_of(void *user, aenc_recorder *r, aenc_node *a, aenc_node *b, aenc_node *third) {
    struct hand h = {.r = r, .p = user};
    FUZZ_DEMAND(a != NULL && r != NULL);
    if (third != NULL) keep(&h, third);
    if (b != NULL) keep(&h, b);
    keep(&h, a);
    return h;
}

static aenc_node *layer(void *user, aenc_recorder *r, aenc_node *x) {
    struct hand h = hand_of(user, r, x, NULL, NULL);
    aenc_node *n;
    if (misbehaved(&h, &n) || h.failed) return n;
    return aenc_node_has_rows(n) ? n : aenc_node_function(r, "tanh", x);
}

static aenc_node *loss(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    struct hand h = hand_of(user, r, output, target, NULL);
    aenc_node *n;
    if (misbehaved(&h, &n) || h.failed) return n;
    aenc_node *mine = aenc_node_has_rows(n) ? aenc_node_row_mean(r, n) : NULL;
    if (count_of(output) != count_of(target)) return mine == NULL ? aenc_node_row_mean(r, target) : mine;
    aenc_node *off = aenc_node_row_mean(r, aenc_node_function(r, "square", aenc_node_subtract(r, output, target)));
    return mine == NULL ? off : aenc_node_add(r, off, mine);
}

static aenc_node *loss_each(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    struct hand h = hand_of(user, r, output, target, NULL);
    aenc_node *n;
    if (misbehaved(&h, &n) || h.failed) return n;
    return aenc_node_function(r, "square", aenc_node_subtract(r, output, target));
}

static aenc_node *penalty(void *user, aenc_recorder *r, aenc_node *input, aenc_node *code, aenc_node *output) {
    struct hand h = hand_of(user, r, code, output, input);
    aenc_node *n;
    if (misbehaved(&h, &n) || h.failed) return n;
    if (aenc_node_has_rows(n)) return aenc_node_row_mean(r, n);
    while (aenc_node_rank(n) > 0) n = aenc_node_mean(r, n, 0);
    return n;
}

static aenc_node *corruption(void *user, aenc_recorder *r, aenc_node *x, aenc_node *level) {
    struct hand h = hand_of(user, r, x, level, NULL);
    aenc_node *n;
    FUZZ_DEMAND(aenc_node_rank(level) == 0 && !aenc_node_has_rows(level));
    if (misbehaved(&h, &n) || h.failed) return n;
    return aenc_node_add(r, x, aenc_node_multiply(r, level, aenc_node_row_mean(r, aenc_node_has_rows(n) ? n : x)));
}

static int mirror(void *user, const aenc_recorder *settings, const size_t *dims, size_t rank, char *spec, size_t size) {
    struct fuzz_plugin *p = user;
    size_t all = 1;
    FUZZ_DEMAND(p->registered && p->released == 0 && size > 20 && aenc_recorder_training(settings) == 0);
    for (size_t i = 0; i < rank; i++) all *= dims[i];
    (void)aenc_recorder_setting(settings, "a");
    switch (p->program[PROGRAM - 1] % 6) {
    case 0: return 1;
    case 1: memset(spec, 'x', size); return 0;
    case 2: memset(spec, '\xFF', size / 2); return 0;
    case 3: return 0;
    case 4: snprintf(spec, size, "p%u", p->program[0] % 3); return 0;
    default: snprintf(spec, size, "dense:units=%zu", all > 64 ? 64 : all); return 0;
    }
}

static void release(void *user) {
    struct fuzz_plugin *p = user;
    FUZZ_DEMAND(p->registered && p->released == 0);
    p->released++;
}

/* ---- Registering ---- */

static size_t settings_fill(unsigned how, aenc_setting *s) {
    s[0] = (aenc_setting){"level", 0.5, 0, 1, 0};
    s[1] = (aenc_setting){"a", 1, 0, 0, 0};
    switch (how) {
    case 0xE0: s[1].name = "weight"; return 2;
    case 0xE1: s[1].name = "level"; return 2;
    case 0xE2: s[1].name = NULL; return 2;
    case 0xE3: s[0].fallback = 7; return 2;
    case 0xE4: return 17;
    case 0xE5: s[0].low = 2; return 2;
    case 0xE6: s[1].fallback = NAN; return 2; /* must be given */
    case 0xE7: s[1].whole = 1; return 2;
    default: return how / 16 % 4 == 0 ? 0 : how / 16 % 4 == 2 ? 1 : 2;
    }
}

void fuzz_api_register(struct calls *c) {
    static const int64_t kinds[] = {AENC_PLUGIN_LAYER, AENC_PLUGIN_LOSS, AENC_PLUGIN_PENALTY, AENC_PLUGIN_CORRUPTION};
    static const char *const names[] = {"p0", "p1", "p2", "p0", "p1", "p2", "dense", "mse", "l1", "mask", "", "a b", NULL, "p3"};
    static const int64_t roles[] = {AENC_MIRROR_REPEATED, AENC_MIRROR_OMITTED, AENC_MIRROR_REFUSED, AENC_MIRROR_REPEATED, 7};
    aenc_setting settings[17] = {{NULL, 0, 0, 0, 0}};
    if (c->plugins == PLUGINS) return;
    struct fuzz_plugin *p = &c->plugin[c->plugins];
    *p = (struct fuzz_plugin){.c = c, .kind = kinds[next(c) % 4]};
    p->how = next(c);
    for (int i = 0; i < PROGRAM; i++) p->program[i] = (uint8_t)next(c);
    unsigned more = next(c);
    aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = more == 0xFF ? 3 : p->kind,
                          .name = names[next(c) % 14], .user = p, .release = more == 0xFD ? NULL : release, .settings = settings,
                          .setting_count = settings_fill(p->how >= 0xE0 && p->how < 0xE8 ? p->how : p->how & 0x7F, settings),
                          .mirror_role = roles[more % 5], .unit_target = (more & 0x08) != 0,
                          .output_factor = (more & 0x10) != 0 ? more / 64 : 0};
    if (p->how < 0xE0 || p->how >= 0xE8) p->how &= 0xBF;
    plugin.layer = more == 0xFE ? NULL : layer;
    if ((more & 0x20) != 0) plugin.mirror = mirror;
    plugin.loss = loss;
    if ((more & 0x40) != 0) plugin.loss_each = loss_each;
    plugin.penalty = penalty;
    plugin.corruption = corruption;
    p->registered = true;
    aenc_status status = aenc_register(c->world.ctx, &plugin);
    memset(settings, 0x55, sizeof settings); /* they were copied */
    FUZZ_DEMAND(p->released == (status != AENC_OK && plugin.release != NULL) && p->called == 0);
    p->registered = fuzz_good(&c->world, status);
    if (!p->registered) return;
    c->plugins++;
    c->fickle = c->fickle || p->how % 16 == HOW_NOW_AND_THEN;
    plugin.release = NULL;
    FUZZ_DEMAND(fuzz_good(&c->world, aenc_register(c->world.ctx, &plugin)) == false);
    if (more == 0xFD) p->released = 1;
}

void fuzz_api_plugins_end(struct calls *c) {
    for (unsigned i = 0; i < c->plugins; i++) FUZZ_DEMAND(c->plugin[i].released == 1);
}
