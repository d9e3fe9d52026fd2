/* structure_make.c - descriptions of models out of choices.
 *
 * The shape of a row is followed through the layers, so that most of them fit; a wild choice takes a value that does not. */
#include <math.h>
#include <stdarg.h>

#include "fuzz/structure.h"

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))
enum { RANKS = 5 };

unsigned choose(struct choices *c, unsigned count) {
    if (c->at < c->size) return c->bytes[c->at++] % count;
    c->state = c->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((c->state >> 33) * count >> 31);
}

void say(struct words *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(w->at + w->used, sizeof w->at - w->used, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof w->at - w->used) w->used += (size_t)length;
    w->at[w->used] = '\0';
}

/* ---- Values ---- */

static const char *const absurd[] = {"0", "-1", "1.5", "2147483647", "2147483648", "4294967296", "1e300", "-1e-300", "1e-45",
                                     "\"3\"", "null", "true", "[]", "{}", "[1,2]", "65536", "9007199254740993", "\"\"",
                                     "46341", "3037000500"};

static const char *pick(struct choices *c, const char *const *list, size_t count) { return list[choose(c, (unsigned)count)]; }

static int size_of(struct choices *c) {
    static const int sizes[] = {1, 2, 3, 4, 5, 6, 2, 3, 4, 7, 8, 16, 17, 33, 64, 129};
    int size = sizes[choose(c, 16)];
    return size < 16 || one_in(c, 3) ? size : 3;
}

/* A size, or what should be one. Returns what was said, 0 where that is no small number. */
static int say_size(struct choices *c, struct words *w, int size) {
    if (!wild(c)) {
        say(w, "%d", size);
        return size;
    }
    if (one_in(c, 2)) return size = 1 + (int)choose(c, 200), say(w, "%d", size), size;
    say(w, "%s", pick(c, absurd, COUNT_OF(absurd)));
    return 0;
}

static void say_number(struct choices *c, struct words *w, const char *const *usual, size_t count) {
    if (wild(c)) say(w, "%s", pick(c, absurd, COUNT_OF(absurd)));
    else say(w, "%s", pick(c, usual, count));
}

/* ,"key":number now and then */
static void say_setting(struct choices *c, struct words *w, const char *key, const char *const *usual, size_t count) {
    if (!one_in(c, 3)) return;
    say(w, ",\"%s\":", key);
    say_number(c, w, usual, count);
}

static const char *const shares[] = {"0.1", "0.5", "0", "0.9", "1"};
static const char *const weights[] = {"0.001", "0.1", "1", "0", "10", "1e30"};
static const char *const truths[] = {"true", "false"};

/* ---- Shapes ---- */

struct form {
    int rank;
    long dim[RANKS + 1];
};

static long form_size(const struct form *f) {
    long size = 1;
    for (int i = 0; i < f->rank; i++) size *= f->dim[i];
    return size;
}

static void form_flat(struct form *f) {
    f->dim[0] = form_size(f);
    f->rank = 1;
}

/* Factors of its size. */
static void form_draw(struct choices *c, struct form *f) {
    long left = form_size(f);
    f->rank = 0;
    for (unsigned ranks = 1 + choose(c, 4); ranks > 1 && f->rank < RANKS - 1; ranks--) {
        long factor = 1 + (long)choose(c, 4);
        if (left % factor != 0) factor = 1;
        f->dim[f->rank++] = factor;
        left /= factor;
    }
    f->dim[f->rank++] = left;
}

static void say_dims(struct choices *c, struct words *w, const struct form *f) {
    say(w, "[");
    for (int i = 0; i < f->rank; i++) {
        say(w, i > 0 ? "," : "");
        (void)say_size(c, w, (int)f->dim[i]);
    }
    say(w, wild(c) ? ",3]" : "]");
}

/* ---- Layers ---- */

static const char *const activations[] = {"identity", "relu",    "leaky_relu", "leaky_relu:slope=0.2", "elu",     "elu:alpha=2",
                                          "gelu",     "silu",    "sigmoid",    "tanh",                 "softplus", "relu",
                                          "identity", "nothing", "elu:alpha=-1"};
static const char *const inits[] = {"orthogonal", "he_normal", "xavier_uniform", "torch", "constant:gain=0", "normal:gain=1e30",
                                    "uniform", "lecun_normal:gain=0.5", "magic"};
static const char *const ties[] = {"encoder.0", "encoder.1", "encoder", "decoder.0", "", "encoder.0.0", "scaling", "nowhere"};

static const char *activation(struct choices *c) { return activations[choose(c, wild(c) ? 15 : 13)]; }

static void say_dense(struct choices *c, struct words *w, struct form *f, int units) {
    say(w, "{\"type\":\"dense\",\"units\":");
    units = say_size(c, w, units);
    if (one_in(c, 3)) say(w, ",\"activation\":\"%s\"", activation(c));
    if (one_in(c, 6)) say(w, ",\"bias\":%s", pick(c, truths, 2));
    if (one_in(c, 6)) say(w, ",\"init\":\"%s\"", inits[choose(c, wild(c) ? 9 : 8)]);
    if (wild(c)) say(w, ",\"tied\":\"%s\"", pick(c, ties, COUNT_OF(ties)));
    say(w, "}");
    f->dim[f->rank - 1] = units;
}

static void say_layers(struct choices *c, struct words *w, struct form *f, int count, int depth);

/* What is inside keeps the shape, by a dense layer at its end. */
static void say_residual(struct choices *c, struct words *w, struct form *f, int depth) {
    const struct form before = *f;
    say(w, "{\"type\":\"residual\",\"layers\":[");
    if (one_in(c, 2)) say_dense(c, w, f, size_of(c)), say(w, ",");
    if (depth > 0 && one_in(c, 4)) say_residual(c, w, f, depth - 1), say(w, ",");
    say_dense(c, w, f, (int)before.dim[before.rank - 1]);
    say(w, "]}");
    if (!wild(c)) *f = before;
}

static void say_norm(struct choices *c, struct words *w, const char *type) {
    static const char *const epsilons[] = {"1e-5", "1", "1e-30", "1e10"};
    say(w, "{\"type\":\"%s\"", type);
    say_setting(c, w, "epsilon", epsilons, COUNT_OF(epsilons));
    if (type[0] == 'b') say_setting(c, w, "momentum", shares, COUNT_OF(shares));
    if (one_in(c, 4)) say(w, ",\"affine\":%s", pick(c, truths, 2));
    say(w, "}");
}

static void say_layer(struct choices *c, struct words *w, struct form *f, int depth) {
    switch (choose(c, depth > 0 ? 16 : 13)) {
    case 0: say(w, "{\"type\":\"%s\"}", pick(c, (const char *const[]){"relu", "tanh", "elu", "gelu", "sigmoid"}, 5)); return;
    case 1:
        say(w, "{\"type\":\"dropout\",\"rate\":");
        say_number(c, w, shares, 4);
        say(w, "}");
        return;
    case 2:
    case 3: say_norm(c, w, "batch_norm"); return;
    case 4: say_norm(c, w, "layer_norm"); return;
    case 5:
        form_draw(c, f);
        say(w, "{\"type\":\"reshape\",\"dims\":");
        say_dims(c, w, f);
        say(w, "}");
        return;
    case 6:
        form_flat(f);
        say(w, "{\"type\":\"flatten\"}");
        return;
    case 7: say(w, "{\"type\":\"plug\"%s}", wild(c) ? ",\"a\":\"x\"" : one_in(c, 2) ? ",\"a\":2" : ""); return;
    case 13: say_residual(c, w, f, depth - 1); return;
    case 14:
    case 15:
        say(w, "{\"type\":\"%s\",\"layers\":[", wild(c) ? "residual" : "sequential");
        say_layers(c, w, f, (int)choose(c, 4), depth - 1);
        say(w, "]}");
        return;
    default: say_dense(c, w, f, size_of(c));
    }
}

static void say_layers(struct choices *c, struct words *w, struct form *f, int count, int depth) {
    for (int i = 0; i < count; i++) {
        if (i > 0) say(w, ",");
        say_layer(c, w, f, depth);
    }
}

/* An encoder that begins or ends with a dense layer, mostly. */
static void say_encoder(struct choices *c, struct words *w, struct form *f) {
    unsigned how = choose(c, 16);
    if (how == 0) {
        say_dense(c, w, f, size_of(c));
    } else if (how == 1) {
        say_residual(c, w, f, 2);
    } else if (how == 2) {
        say_layer(c, w, f, 2);
    } else {
        say(w, "{\"type\":\"sequential\",\"layers\":[");
        say_layers(c, w, f, (int)choose(c, 4), 3);
        if (w->at[w->used - 1] != '[') say(w, ",");
        say_dense(c, w, f, size_of(c));
        if (one_in(c, 4)) say(w, ","), say_layer(c, w, f, 2);
        say(w, "]}");
    }
}

/* Layers, then what makes an output of the size that is wanted. */
static void say_decoder(struct choices *c, struct words *w, struct form f, const struct form *want) {
    say(w, "{\"type\":\"sequential\",\"layers\":[");
    say_layers(c, w, &f, (int)choose(c, 3), 2);
    if (w->at[w->used - 1] != '[') say(w, ",");
    say(w, "{\"type\":\"flatten\"},");
    form_flat(&f);
    say_dense(c, w, &f, wild(c) ? size_of(c) : (int)form_size(want));
    if (want->rank > 1 || one_in(c, 4)) {
        say(w, ",{\"type\":\"reshape\",\"dims\":");
        say_dims(c, w, want);
        say(w, "}");
    }
    say(w, "]}");
}

/* ---- The rest of a description ---- */

static const char *const losses[] = {"mse", "mae", "bce", "huber", "huber:delta=0.1", "cosine", "gaussian:learned=each",
                                     "plug_loss", "{\"type\":\"laplace\",\"learned\":\"optimal\"}", "{\"type\":\"huber\",\"delta\":1e-300}"};

/* How many values each element of the target takes in the output's last axis. */
static int say_loss(struct choices *c, struct words *w) {
    unsigned how = choose(c, 16);
    if (how < 10) {
        const char *loss = losses[how];
        say(w, loss[0] == '{' ? ",\"loss\":%s" : ",\"loss\":\"%s\"", loss);
        return 1;
    }
    if (how == 10) return say(w, ",\"loss\":\"gaussian_nll\""), 2;
    if (how == 11) return say(w, ",\"loss\":\"plug_loss_3\""), 3;
    if (how == 14) return say(w, ",\"loss\":\"categorical:bins=3\""), 3;
    if (how == 15 && !wild(c)) return say(w, ",\"loss\":\"discretised_logistic:learned=output,levels=5\""), 2;
    if (how < 14) {
        int classes = 2 + (int)choose(c, 5);
        say(w, ",\"loss\":{\"type\":\"cross_entropy\",\"classes\":");
        classes = say_size(c, w, classes);
        say_setting(c, w, "smoothing", shares, COUNT_OF(shares));
        say(w, "}");
        return -classes;
    }
    if (wild(c)) say(w, ",\"loss\":%s", pick(c, absurd, COUNT_OF(absurd)));
    return 1;
}

static void say_penalties(struct choices *c, struct words *w) {
    static const char *const types[] = {"l1", "kl", "l1_weights", "l2_weights", "orthogonal", "decorrelation", "contractive",
                                        "plug_penalty", "l1", "contractive"};
    static const char *const layers[] = {"encoder.0", "encoder.1", "encoder", "decoder.0", "code", "nowhere"};
    static const char *const probes[] = {"1", "2", "0"};
    unsigned count = 1 + choose(c, 3);
    say(w, ",\"penalties\":[");
    for (unsigned i = 0; i < count; i++) {
        const char *type = pick(c, types, COUNT_OF(types));
        say(w, "%s{\"type\":\"%s\",\"weight\":", i > 0 ? "," : "", type);
        say_number(c, w, weights, COUNT_OF(weights));
        say_setting(c, w, "warmup", weights, 5);
        if (strcmp(type, "contractive") == 0) say_setting(c, w, "probes", probes, COUNT_OF(probes));
        if (strcmp(type, "kl") == 0) say_setting(c, w, "rho", shares, 2), say_setting(c, w, "momentum", shares, 4);
        bool layer = strcmp(type, "kl") == 0 || strcmp(type, "l1") == 0;
        if (layer && one_in(c, 3)) say(w, ",\"layer\":\"%s\"", layers[choose(c, wild(c) ? 6 : 3)]);
        if (strcmp(type, "l1") == 0 && one_in(c, 4)) say(w, ",\"weights\":%s", one_in(c, 2) ? "[1,0.5]" : "2");
        if (strstr(type, "_weights") != NULL && one_in(c, 3)) say(w, ",\"prefix\":\"%s\"", layers[choose(c, wild(c) ? 6 : 3)]);
        say(w, "}");
    }
    say(w, "]");
}

static void say_corruptions(struct choices *c, struct words *w) {
    static const char *const types[] = {"mask", "gaussian", "salt_pepper", "plug_corruption"};
    static const char *const shapes[] = {"linear", "cosine", "exponential", "square"};
    unsigned count = 1 + choose(c, 2);
    say(w, ",\"corrupt\":[");
    for (unsigned i = 0; i < count; i++) {
        const char *type = pick(c, types, COUNT_OF(types));
        say(w, "%s{\"type\":\"%s\",\"%s\":", i > 0 ? "," : "", type, strcmp(type, "gaussian") == 0 ? "sigma" : "level");
        say_number(c, w, shares, COUNT_OF(shares));
        if (strcmp(type, "mask") == 0) say_setting(c, w, "value", weights, COUNT_OF(weights));
        if (strcmp(type, "salt_pepper") == 0) say_setting(c, w, "low", weights, COUNT_OF(weights));
        if (one_in(c, 4)) say(w, ",\"to\":%s,\"over\":%s", pick(c, shares, 4), pick(c, weights, 3));
        if (one_in(c, 6)) say(w, ",\"shape\":\"%s\"", shapes[choose(c, wild(c) ? 4 : 3)]);
        say(w, "}");
    }
    say(w, "]");
}

static void say_pca(struct choices *c, struct words *w) {
    static const char *const methods[] = {"auto", "covariance", "gram", "incremental", "magic"};
    say(w, ",\"pca\":{");
    if (one_in(c, 2)) say(w, "\"whiten\":%s", pick(c, truths, 2));
    if (one_in(c, 2)) say(w, "%s\"method\":\"%s\"", w->at[w->used - 1] == '{' ? "" : ",", methods[choose(c, wild(c) ? 5 : 4)]);
    if (wild(c)) say(w, ",\"components\":3");
    say(w, "}");
}

/* A bottleneck whose code keeps its size or has another, and fields that encoder and decoder see. */
static void say_bottleneck(struct choices *c, struct words *w) {
    static const char *const types[] = {"gaussian", "plain", "gaussian", "none"};
    const char *type = types[choose(c, wild(c) ? 4 : 3)];
    say(w, ",\"bottleneck\":{\"type\":\"%s\"", type);
    if (strcmp(type, "gaussian") == 0) {
        static const char *const extra[] = {"\"free_bits\":0.1", "\"capacity\":2", "\"floor\":0.2", "\"covariance\":\"full\"",
                                            "\"elements\":true", "\"cycles\":3", "\"free_bits\":1,\"group\":2", "\"shape\":\"cosine\"",
                                            "\"samples\":3", "\"samples\":2,\"objective\":\"iwae\"",
                                            "\"samples\":4,\"objective\":\"dreg\"", "\"prior\":\"a\"",
                                            "\"prior\":\"b\",\"samples\":2"};
        say_setting(c, w, "beta", weights, COUNT_OF(weights));
        say_setting(c, w, "warmup", weights, 5);
        if (one_in(c, 2)) say(w, ",%s", pick(c, extra, COUNT_OF(extra)));
        if (one_in(c, 3)) say(w, ",\"units\":"), (void)say_size(c, w, 1 + (int)choose(c, 4));
    }
    say(w, "}");
}

static void say_fields(struct choices *c, struct words *w) {
    static const char *const rules[] = {"\"classes:count=3\"", "\"number\"", "{\"type\":\"unit\",\"dims\":[2,2]}",
                                        "\"length:count=4\"",  "\"binary\"", "\"classes\"",
                                        "{\"type\":\"number\",\"dims\":[0]}"};
    say(w, ",\"fields\":{\"a\":%s,\"b\":%s}", rules[choose(c, wild(c) ? 7 : 5)], rules[choose(c, wild(c) ? 7 : 5)]);
    if (one_in(c, 8)) say(w, ",\"seed\":%s", pick(c, (const char *const[]){"7", "\"18446744073709551615\"", "-1"}, 3));
    if (one_in(c, 2)) say(w, ",\"condition\":[%s]", pick(c, (const char *const[]){"\"a\"", "\"a\",\"b\"", "\"c\"", "\"a\",\"a\""}, 4));
}

static void say_rest(struct choices *c, struct words *w, enum kind kind) {
    static const char *const scalings[] = {"\"standard\"", "\"robust\"", "\"minmax\"", "\"standard:clip=2\"",
                                           "{\"type\":\"minmax\",\"clip\":true}", "\"none\"", "{}", "\"robust:clip=-1\""};
    unsigned rare = kind == KIND_PCA ? 24 : 3;
    if (one_in(c, rare)) say_penalties(c, w);
    if (one_in(c, rare)) say_corruptions(c, w);
    if (one_in(c, rare)) say_bottleneck(c, w);
    if (one_in(c, 3 * rare)) say_fields(c, w);
    if (kind == KIND_DETECTOR ? !wild(c) : one_in(c, rare))
        say(w, ",\"scaling\":%s", scalings[choose(c, wild(c) ? 8 : 5)]);
    if (one_in(c, kind == KIND_PCA ? 24 : 5)) say(w, ",\"tied\":%s", pick(c, truths, wild(c) ? 2 : 1));
    if (one_in(c, 8)) say(w, ",\"output\":\"%s\"", activation(c));
    if (kind == KIND_PCA || wild(c)) say_pca(c, w);
    if (wild(c)) say(w, ",\"%s\":%s", pick(c, (const char *const[]){"format", "pca", "decoder", "x", "tied"}, 5),
                     pick(c, absurd, COUNT_OF(absurd)));
}

static void describe_pca(struct choices *c, struct words *w) {
    struct form f = {1, {size_of(c)}};
    int cols = (int)f.dim[0], components = 1 + (int)choose(c, (unsigned)cols);
    say(w, "{\"input\":");
    say_dims(c, w, &f);
    say(w, ",\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":");
    (void)say_size(c, w, components);
    say(w, "}]}");
    if (one_in(c, 3)) {
        say(w, ",\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":");
        (void)say_size(c, w, cols);
        say(w, "%s}]}", wild(c) ? ",\"tied\":\"encoder.0\"" : "");
    }
    if (wild(c)) (void)say_loss(c, w);
    say_rest(c, w, KIND_PCA);
    say(w, "}");
}

void structure_description(struct choices *c, enum kind kind, struct words *w) {
    w->used = 0;
    if (kind == KIND_PCA) {
        describe_pca(c, w);
        return;
    }
    struct form input = {1, {size_of(c)}}, code;
    if (kind == KIND_MODEL && one_in(c, 3)) form_draw(c, &input);
    say(w, "{\"input\":");
    say_dims(c, w, &input);
    code = input;
    say(w, ",\"encoder\":");
    say_encoder(c, w, &code);
    int factor = kind == KIND_DETECTOR && !one_in(c, 3) ? 1 : say_loss(c, w);
    bool classes = factor <= 0;
    struct form want = input;
    if (classes) want = (struct form){1 + one_in(c, 6), {factor == 0 ? 2 : -factor, -factor}};
    else want.dim[want.rank - 1] *= factor;
    if (one_in(c, classes || factor > 1 ? 2 : 3)) {
        say(w, ",\"decoder\":");
        say_decoder(c, w, code, &want);
    }
    say_rest(c, w, kind);
    say(w, "}");
}

static void say_columns(struct choices *c, struct words *w, size_t cols, const char *key, const char *const *usual) {
    say(w, ",\"%s\":[", key);
    for (size_t i = 0; i < cols; i++) {
        say(w, i > 0 ? "," : "");
        say_number(c, w, usual, 3);
    }
    say(w, wild(c) ? ",1]" : "]");
}

void structure_detector(struct choices *c, size_t cols, struct words *w) {
    static const char *const numbers[] = {"1", "0.5", "2", "0", "1e-300", "1e300"};
    static const char *const keys[] = {"threshold", "center", "spread", "lowest", "outside"};
    static const char *const lowest[] = {"0", "-1", "-1e30"};
    bool first = one_in(c, 4);
    w->used = 0;
    say(w, "{\"format\":%s", wild(c) ? pick(c, absurd, COUNT_OF(absurd)) : first ? "1" : "2");
    for (int i = 0; i < (first ? 3 : 5); i++) {
        if (wild(c) && one_in(c, 3)) continue;
        say(w, ",\"%s\":", keys[i]);
        if (i == 3) say_number(c, w, lowest, COUNT_OF(lowest));
        else if (i == 4) say_number(c, w, shares, 2);
        else say_number(c, w, numbers, i == 2 ? 2 : COUNT_OF(numbers));
    }
    if (one_in(c, 3)) say(w, ",\"rows\":"), say_number(c, w, (const char *const[]){"100", "1", "0"}, 3);
    if (one_in(c, 3)) say(w, ",\"threshold_spec\":\"quantile:q=0.9\"");
    if (!first) say_columns(c, w, cols, "middle", lowest), say_columns(c, w, cols, "unit", numbers);
    say(w, "}");
}

const char *structure_spec(struct choices *c) {
    static const char *const specs[] = {
        "dense:units=3", "dense:units=200,activation=relu", "dense:units=2,activation=tanh", "batch_norm", "layer_norm", "flatten",
        "dropout:rate=0.5", "reshape:dims=1x2", "plug", "dense:units=4,init=orthogonal", "sigmoid", "sequential", "residual",
    };
    return pick(c, specs, COUNT_OF(specs));
}
