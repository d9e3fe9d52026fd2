/* configuration.c - a configuration out of a seed. */
#include "nightly/nightly.h"

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))
#define PICK(c, list) ((list)[choose((c), COUNT_OF(list))])

/* Layers with several tiles of a weight, which the small ones of structure_make.c never have. */
static void describe_wide(struct choices *c, struct words *w) {
    static const char *const norms[] = {"", "{\"type\":\"batch_norm\"},", "{\"type\":\"layer_norm\"},",
                                        "{\"type\":\"dropout\",\"rate\":0.3},"};
    static const char *const functions[] = {"relu", "tanh", "gelu", "sigmoid", "elu", "identity"};
    static const char *const rest[] = {
        "", ",\"penalties\":[\"l1:weight=0.01\"]", ",\"penalties\":[\"l2_weights:weight=1e-3\",\"decorrelation:weight=0.1\"]",
        ",\"penalties\":[\"contractive:weight=0.1\"]", ",\"corrupt\":[\"mask:level=0.3\"]", ",\"corrupt\":[\"gaussian:sigma=0.2\"]",
        ",\"scaling\":\"standard\"", ",\"scaling\":\"robust\"", ",\"tied\":true"};
    unsigned in = 2 + choose(c, 60), wide = 200 + choose(c, 5) * 250, code = 1 + choose(c, 9);
    w->used = 0;
    say(w, "{\"input\":[%u],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":%u},%s", in, wide,
        PICK(c, norms));
    say(w, "{\"type\":\"%s\"},{\"type\":\"dense\",\"units\":%u,\"activation\":\"%s\"}]}", PICK(c, functions), code,
        PICK(c, functions));
    say(w, "%s}", PICK(c, rest));
}

/* Sizes of the model that the description gives; false where it gives none. */
static bool sizes_read(struct configuration *c) {
    struct fuzz_world world;
    aenc_model *model = NULL;
    fuzz_world_open(&world, 0, (size_t)256 << 20, 1);
    structure_plugins_register(&world);
    if (aenc_model_parse(world.ctx, c->description.at, c->description.used, &model) == AENC_OK) {
        size_t classes = aenc_model_class_count(model);
        const char *text = aenc_model_description(model);
        c->in = aenc_model_input_size(model);
        c->code = aenc_model_code_size(model);
        c->out = aenc_model_output_size(model);
        c->classes = classes > 0;
        c->target = classes > 0 ? c->out / classes : strstr(text, "plug_loss_3") != NULL ? c->out / 3
                    : strstr(text, "gaussian_nll") != NULL                               ? c->out / 2
                                                                                         : c->out;
    }
    bool made = model != NULL;
    aenc_model_free(model);
    fuzz_world_close(&world);
    return made;
}

static void model_draw(struct configuration *c) {
    c->pca = false;
    do {
        if (one_in(&c->choices, 4)) {
            describe_wide(&c->choices, &c->description);
        } else {
            c->pca = one_in(&c->choices, 10);
            structure_description(&c->choices, c->pca ? KIND_PCA : KIND_MODEL, &c->description);
        }
    } while (!sizes_read(c) || c->in > 2000 || c->out > 2000);
}

static void options_draw(struct configuration *c) {
    static const char *const optimizers[] = {NULL, "sgd:lr=0.01", "momentum:lr=0.01", "nesterov:lr=0.003", "rmsprop",
                                             "rmsprop:centered=true,momentum=0.5", "adam:lr=0.01", "adamw:weight_decay=0.1"};
    static const char *const schedules[] = {NULL, "cosine:warmup=0.5", "step:every=1,factor=0.5", "plateau:patience=0",
                                            "warmup:steps=3", "constant"};
    struct choices *r = &c->choices;
    c->fit = (aenc_fit_options){.struct_size = sizeof c->fit};
    if (c->pca) return;
    c->fit.optimizer = PICK(r, optimizers);
    c->fit.batch = one_in(r, 4) ? 0 : 2 + (int64_t)choose(r, 200);
    if (one_in(r, 3)) c->fit.clip_norm = 0.5;
    if (one_in(r, 5)) c->fit.clip_value = 0.01;
    if (c->call == CALL_PARTIAL) return;
    c->fit.epochs = 1 + choose(r, 4);
    c->fit.schedule = PICK(r, schedules);
    if (one_in(r, 3) && c->call < CALL_STREAM) c->fit.validation_fraction = 0.25;
    if (c->fit.validation_fraction > 0 && one_in(r, 2)) c->fit.patience = 1 + choose(r, 2);
    if (one_in(r, 5)) c->fit.steps_per_epoch = 1 + choose(r, 4);
    c->checkpoint_steps = choose(r, 4);
    c->read_ahead = one_in(r, 2);
}

static void data_draw(struct configuration *c) {
    struct choices *r = &c->choices;
    size_t scale = one_in(r, 2) ? 1 : 3;
    c->rows = 20 + choose(r, 130) * scale;
    c->x = malloc(c->rows * c->in * sizeof *c->x);
    FUZZ_DEMAND(c->x != NULL);
    for (size_t i = 0; i < c->rows * c->in; i++)
        c->x[i] = (float)choose(r, 256) / 256 * (i % c->in % 3 == 0 ? 1.0f : 0.9f);
    if (c->call == CALL_DETECTOR || c->call > CALL_PARTIAL || (c->target == c->in && !c->classes && !one_in(r, 4))) return;
    size_t count = c->rows * c->target;
    c->wanted = malloc(count * sizeof *c->wanted);
    FUZZ_DEMAND(c->wanted != NULL);
    for (size_t i = 0; i < count; i++) c->wanted[i] = c->classes ? (float)choose(r, 2) : (float)choose(r, 256) / 256;
    if (!c->classes || c->call == CALL_STREAM || one_in(r, 2)) return;
    c->labels = malloc(count * sizeof *c->labels);
    FUZZ_DEMAND(c->labels != NULL);
    for (size_t i = 0; i < count; i++) c->labels[i] = (int32_t)c->wanted[i];
}

static void detector_draw(struct configuration *c) {
    static const char *const thresholds[] = {NULL, "quantile:q=0.9", "mad:k=3", "fpr:rate=0.1"};
    static const char *const scalings[] = {NULL, "robust", "minmax", "standard:clip=3"};
    struct choices *r = &c->choices;
    c->detector = (aenc_detector_options){.struct_size = sizeof c->detector, .threshold = PICK(r, thresholds),
                                          .scaling = PICK(r, scalings), .noise = one_in(r, 2) ? 0 : 0.5,
                                          .steps = 1 + choose(r, 12)};
    c->in = c->out = c->target = 1 + choose(r, 40);
}

void configuration_draw(struct configuration *c, uint64_t seed) {
    memset(c, 0, sizeof *c);
    c->seed = seed;
    c->choices.state = (seed + 1) * 0x9E3779B97F4A7C15u;
    c->call = (enum call)choose(&c->choices, one_in(&c->choices, 4) ? CALL_COUNT : CALL_PARTIAL + 1);
    if (c->call == CALL_DETECTOR) detector_draw(c);
    else model_draw(c);
    if (c->pca) c->call = one_in(&c->choices, 2) ? CALL_FIT : one_in(&c->choices, 2) ? CALL_PARTIAL : CALL_SOURCE;
    if (c->call == CALL_SOURCE && !c->pca && (c->classes || c->target != c->in)) c->call = CALL_STREAM;
    options_draw(c);
    data_draw(c);
    if (c->call == CALL_SOURCE || c->pca) free(c->wanted), c->wanted = NULL;
}

void configuration_free(struct configuration *c) {
    free(c->x);
    free(c->wanted);
    free(c->labels);
}
