/* fuzz_api_model.c - models of every kind for target `api`: all options, PCA, classes, copies, stacks, gradients checked. */
#include "fuzz/fuzz_api.h"

enum { LABEL_BLOCK = 2, OUT_BLOCK = 3, AGAIN_BLOCK = 4, SAVED_BLOCK = 6, SAVED_AGAIN_BLOCK = 7 };
#define RIGHT_ANGLE 1.5707963267948966

static const char *const penalties[] = {
    "l1:weight=1e-3", "l1:weight=0.1,layer=encoder.0,warmup=2", "l1:weight=1,weights=1x0", "kl:weight=0.1,rho=0.2",
    "kl:weight=0.1,momentum=0.9,warmup=0.5", "l1_weights:weight=0.01", "l2_weights:weight=0.1,prefix=encoder",
    "orthogonal:weight=0.5", "decorrelation:weight=1", "contractive:weight=0.1", "contractive:weight=0.1,probes=2",
    "p0:weight=0.5", "p1:weight=1,warmup=3", "p2:weight=0.1,a=3", "p0:weight=1,level=0.5", "l2_weights:weight=1e30",
    "l1:weight=0", "l1", "l1:weight=-1", "kl:weight=1,rho=1", "l1:weight=1,layer=nowhere", "l2_weights:weight=1,prefix=no",
    "nothing:weight=1", "", NULL,
};
static const char *const corruptions[] = {
    "mask:level=0.5", "mask:level=0.5,to=0.1,over=2,shape=cosine", "gaussian:sigma=0.1", "gaussian:sigma=1e20",
    "salt_pepper:level=0.3", "salt_pepper:level=0.5,low=-1,high=2", "mask:level=1,value=-3", "gaussian:sigma=0.5,to=0,over=1",
    "p0:level=0.5", "p1:level=0.2,to=0.9,over=3", "p2:a=1", "p0", "mask:level=2", "mask", "gaussian:sigma=-1", "other:level=1",
    "mask:level=0.1,to=0.2", "", NULL,
};
static const char *const scalings[] = {"standard", "minmax", "robust", "standard:clip=3", "minmax:clip=true",
                                       "none",     "",       "robust:clip=-1"};

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static size_t texts(struct calls *c, const char *const *from, size_t count, const char **out) {
    size_t wanted = next(c) % 8 < 5 ? 1 + next(c) % 3 : 0;
    for (size_t i = 0; i < wanted; i++) out[i] = from[next(c) % count];
    return wanted;
}

static void replaced(aenc_model **slot, aenc_model *by) {
    if (by == NULL) return;
    aenc_model_free(*slot);
    *slot = by;
}

/* What is refused leaves the model as it was. */
struct before {
    const void *bytes;
    size_t size;
};

static struct before before(struct calls *c, aenc_model *m) {
    struct before b = {NULL, 0};
    b.bytes = fuzz_api_saved(c, m, SAVED_BLOCK, &b.size);
    return b;
}

static void same_as(struct calls *c, aenc_model *m, struct before b) {
    size_t size = 0;
    const void *bytes = fuzz_api_saved(c, m, SAVED_AGAIN_BLOCK, &size);
    FUZZ_DEMAND(b.size == 0 || size == 0 || (b.size == size && memcmp(b.bytes, bytes, size) == 0));
}

static bool refused(aenc_status status) {
    return status != AENC_OK && status != AENC_ERR_DIVERGED && status != AENC_ERR_NO_MEMORY;
}

/* ---- Options ---- */

void fuzz_api_model_full(struct calls *c) {
    static const size_t dims[] = {6, 2, 3}, hidden[] = {4, 2, 3}, back[] = {3, 5};
    const char *penalty[3], *corruption[3];
    unsigned how = next(c), more = next(c);
    aenc_model **slot = next_model(c), *made = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = how % 3 == 0 ? dims + 1 : dims,
                                  .input_rank = how % 3 == 0 ? 2 : 1};
    if ((how & 0x04) != 0) options.encoder_layers = *next_layer(c);
    else options.encoder_widths = hidden, options.encoder_count = 1 + more % 3;
    if ((how & 0x08) != 0) options.decoder_widths = back, options.decoder_count = 1 + more % 2;
    if ((how & 0x10) != 0) options.activation = fuzz_api_spec(c), options.code_activation = fuzz_api_spec(c);
    if ((how & 0x20) != 0) options.loss = fuzz_api_spec(c);
    if ((how & 0x40) != 0) options.scaling = scalings[next(c) % COUNT_OF(scalings)];
    if ((how & 0x80) != 0) options.init = fuzz_api_spec(c), options.output = fuzz_api_spec(c);
    options.tied = more >= 0xF8 ? 2 : (more & 0x10) != 0;
    options.penalties = penalty;
    options.penalty_count = texts(c, penalties, COUNT_OF(penalties), penalty);
    options.corruptions = corruption;
    options.corruption_count = texts(c, corruptions, COUNT_OF(corruptions), corruption);
    if (fuzz_made(&c->world, aenc_model_create(c->world.ctx, &options, &made), made)) {
        FUZZ_DEMAND(aenc_model_parameter_size(made) > 0 || aenc_model_tensor_count(made) == 0 || options.encoder_layers != NULL);
        FUZZ_DEMAND(aenc_model_term_count(made) == options.penalty_count + 1);
        FUZZ_DEMAND(strcmp(aenc_model_term_name(made, 0), "reconstruction") == 0);
    }
    replaced(slot, made);
}

/* Its description makes it again, and that one's is the same text. */
static void description_look(struct calls *c, aenc_model *m) {
    const char *text = aenc_model_description(m);
    aenc_model *made = NULL;
    aenc_status status = aenc_model_parse(c->world.ctx, text, strlen(text), &made);
    FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY || c->plugins > 0);
    if (!fuzz_made(&c->world, status, made)) return;
    FUZZ_DEMAND(strcmp(aenc_model_description(made), text) == 0 || c->plugins > 0);
    FUZZ_DEMAND(aenc_model_parameter_size(made) == aenc_model_parameter_size(m));
    aenc_model_free(made);
}

/* The terms of an epoch add up to its loss. */
static void history_look(struct calls *c, aenc_model *m) {
    aenc_progress now = {.struct_size = sizeof now};
    size_t epochs = aenc_model_history_count(m), terms = aenc_model_term_count(m);
    double term = 0, sum = 0, size = 0;
    fuzz_api_told(c, m, aenc_model_history_term(m, epochs, 0, &term) == AENC_OK ? AENC_ERR_INTERNAL : AENC_ERR_ARGUMENT);
    if (epochs == 0 || aenc_model_history(m, epochs - 1, &now) != AENC_OK) return;
    for (size_t i = 0; i < terms; i++) {
        double valid = 0;
        int32_t role = aenc_model_term_role(m, i);
        FUZZ_DEMAND(aenc_model_history_term(m, epochs - 1, i, &term) == AENC_OK);
        FUZZ_DEMAND(aenc_model_history_term_valid(m, epochs - 1, i, &valid) == AENC_OK);
        FUZZ_DEMAND(role == AENC_TERM_OBJECTIVE || isnan(valid) || role == AENC_TERM_MEASURE);
        FUZZ_DEMAND(!isfinite(now.valid_loss) || role != AENC_TERM_OBJECTIVE || isfinite(valid));
        sum += role == AENC_TERM_MEASURE ? 0 : term;
        size += fabs(term);
    }
    FUZZ_DEMAND(!isfinite(now.train_loss) || fabs(sum - now.train_loss) <= 1e-5 * size + 1e-12);
    FUZZ_DEMAND(aenc_model_history_term(m, epochs - 1, terms, &term) != AENC_OK);
}

void fuzz_api_model_terms(struct calls *c) {
    aenc_model *m = *next_model(c);
    unsigned how = next(c);
    size_t terms = aenc_model_term_count(m);
    double loss = 0, sum = 0, size = 0;
    FUZZ_DEMAND((terms == 0) == (m == NULL) && aenc_model_term_name(m, terms) == NULL && isnan(aenc_model_term_value(m, terms)));
    FUZZ_DEMAND(aenc_model_term_role(m, terms) == 0 && isnan(aenc_model_term_valid(m, terms)));
    fuzz_api_told(c, m, aenc_model_set_epochs(m, how == 0xFF ? -1 : how == 0xFE ? NAN : (double)how / 20));
    if (m != NULL) history_look(c, m), description_look(c, m);
    FUZZ_DEMAND(strstr(aenc_build_info(c->world.ctx), aenc_version_string()) != NULL && aenc_version_number() >= 0);
    aenc_batch batch = {.struct_size = sizeof batch, .input = fuzz_api_matrix(c, aenc_model_input_size(m))};
    aenc_status status = aenc_model_gradients(m, &batch, &loss);
    fuzz_api_told(c, m, status);
    for (size_t i = 0; status == AENC_OK && i < terms; i++) {
        FUZZ_DEMAND(aenc_model_term_name(m, i) != NULL);
        sum += aenc_model_term_role(m, i) == AENC_TERM_MEASURE ? 0 : aenc_model_term_value(m, i);
        size += fabs(aenc_model_term_value(m, i));
    }
    if (status == AENC_OK) FUZZ_DEMAND(fabs(sum - loss) <= 1e-5 * size + 1e-12);
}

/* ---- PCA ---- */

/* What it found: variances that descend, shares of them that make at most the whole. */
static void pca_look(struct calls *c, aenc_model *m) {
    static const char *const states[] = {"pca.explained_variance", "pca.explained_variance_ratio"};
    for (int i = 0; i < 2; i++) {
        aenc_tensor *t = NULL;
        aenc_status status = aenc_model_tensor_get(m, states[i], &t);
        if (!fuzz_made(&c->world, status, t)) return;
        size_t count = aenc_tensor_count(t);
        double sum = 0;
        FUZZ_DEMAND(count == aenc_model_code_size(m) && count <= FLOATS);
        FUZZ_DEMAND(aenc_tensor_read(t, c->out, count) == AENC_OK && aenc_tensor_type(t) == AENC_TYPE_F32);
        aenc_tensor_free(t);
        for (size_t j = 0; j < count; j++) {
            FUZZ_DEMAND(c->out[j] >= 0 && isfinite(c->out[j]) && (j == 0 || c->out[j] <= c->out[j - 1]));
            sum += (double)c->out[j];
        }
        FUZZ_DEMAND(i == 0 || sum <= 1.00001);
    }
}

void fuzz_api_pca(struct calls *c) {
    static const char *const methods[] = {NULL, "covariance", "gram", "incremental", "auto", "other"};
    unsigned how = next(c), more = next(c), from = next(c) % SLOTS;
    aenc_model **slot = next_model(c), *made = NULL;
    size_t cols = how % 8 == 7 ? 40 : 1 + how % 6;
    aenc_matrix x = fuzz_api_table(c, 0, cols);
    aenc_pca_options options = {.struct_size = sizeof options, .whiten = (how & 0x08) != 0, .method = methods[more % 6]};
    if ((how & 0x10) != 0) options.components = more / 6 % 8;
    else if ((how & 0x20) != 0) options.share = (double)(more / 6) / 40;
    if ((how & 0xC0) == 0xC0 && fuzz_api_endless(c, c->source[from])) return;
    aenc_status status;
    if ((how & 0xC0) == 0xC0) status = aenc_pca_create_source(c->world.ctx, c->source[from], &options, &made);
    else if ((how & 0xC0) == 0x80) options.cols = cols, status = aenc_pca_create(c->world.ctx, NULL, &options, &made);
    else status = aenc_pca_create(c->world.ctx, &x, &options, &made);
    if (!fuzz_made(&c->world, status, made)) return;
    FUZZ_DEMAND(options.components == 0 || aenc_model_code_size(made) == (size_t)options.components);
    pca_look(c, made);
    replaced(slot, made);
}

static void angles_look(const double *angle, size_t count) {
    for (size_t i = 0; i < count; i++)
        FUZZ_DEMAND(angle[i] >= 0 && angle[i] <= RIGHT_ANGLE + 1e-12 && (i == 0 || angle[i] >= angle[i - 1]));
}

static size_t lesser(size_t a, size_t b) { return a < b ? a : b; }

void fuzz_api_angles(struct calls *c) {
    unsigned how = next(c);
    aenc_model *a = *next_model(c), *b = *next_model(c);
    size_t count = lesser(aenc_model_code_size(a), aenc_model_code_size(b));
    double *angle = fuzz_api_block(c, OUT_BLOCK, count * sizeof *angle);
    aenc_status status = aenc_subspace_angles(c->world.ctx, a, b, angle, count);
    if (fuzz_good(&c->world, status)) angles_look(angle, count);
    if (status == AENC_OK && a == b) FUZZ_DEMAND(count == 0 || angle[count - 1] < 0.01);
    if (count > 0) FUZZ_DEMAND(!fuzz_good(&c->world, aenc_subspace_angles(c->world.ctx, a, b, angle, count - 1)));
    aenc_matrix x = fuzz_api_table(c, 0, 1 + how % 7), y = fuzz_api_table(c, 1, 1 + how % 7);
    count = lesser(x.rows, y.rows);
    angle = fuzz_api_block(c, OUT_BLOCK, count * sizeof *angle);
    if (fuzz_good(&c->world, aenc_matrix_angles(c->world.ctx, &x, &y, angle, count))) angles_look(angle, count);
}

/* ---- Classes ---- */

static void classes_fit(struct calls *c, aenc_model *m, const aenc_matrix *x) {
    unsigned how = next(c);
    size_t count = x->rows * aenc_model_label_size(m) + ((how & 0x70) == 0x70);
    const int32_t *labels = fuzz_api_labels(c, LABEL_BLOCK, count);
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 4, .labels = labels, .label_count = count};
    if ((how & 0x01) != 0) options.valid = x, options.valid_labels = labels, options.valid_label_count = count;
    if ((how & 0x02) != 0) options.validation_fraction = 0.4;
    if ((how & 0x04) != 0) options.target = x;
    fuzz_api_told(c, m, (how & 0x08) != 0 ? aenc_partial_fit(m, x, &options) : aenc_fit(m, x, &options));
}

void fuzz_api_classes(struct calls *c) {
    aenc_model *m = *next_model(c);
    size_t classes = aenc_model_class_count(m);
    unsigned how = next(c);
    aenc_matrix x = fuzz_api_table(c, 0, aenc_model_input_size(m));
    double share = -77, right = 0;
    if ((how & 0x01) != 0) classes_fit(c, m, &x);
    struct room room = fuzz_api_room(c, OUT_BLOCK, x.rows * aenc_model_output_size(m));
    aenc_status status = aenc_class_probabilities(m, &x, room.at, room.floats);
    bool good = fuzz_api_filled(c, m, status, room);
    for (size_t r = 0; good && r < room.needed / classes; r++) {
        double sum = 0;
        for (size_t j = 0; j < classes; j++) sum += (double)room.at[r * classes + j];
        FUZZ_DEMAND(isnan(sum) || fabs(sum - 1) < 1e-5);
    }
    size_t labelled = x.rows * aenc_model_label_size(m), given = (how & 0x30) == 0x30 ? x.rows : labelled;
    int32_t *answer = fuzz_api_block(c, AGAIN_BLOCK, labelled * sizeof *answer);
    status = aenc_classify(m, &x, answer, labelled);
    fuzz_api_told(c, m, status);
    const int32_t *labels = fuzz_api_labels(c, LABEL_BLOCK, given);
    aenc_status told = aenc_accuracy(m, &x, labels, given, &share);
    fuzz_api_told(c, m, told);
    FUZZ_DEMAND(classes > 0 || (status != AENC_OK && told != AENC_OK && !good));
    for (size_t r = 0; status == AENC_OK && told == AENC_OK && r < labelled; r++) {
        FUZZ_DEMAND(answer[r] >= 0 && (size_t)answer[r] < classes);
        right += answer[r] == labels[r];
        for (size_t j = 0; good && j < classes; j++)
            FUZZ_DEMAND(!(room.at[r * classes + j] > room.at[r * classes + (size_t)answer[r]] + 1e-6f));
    }
    if (status == AENC_OK && told == AENC_OK) FUZZ_DEMAND(fabs(share * (double)labelled - right) < 1e-6);
}

/* ---- Answers of one row ---- */

static aenc_status answer(unsigned how, aenc_model *m, const aenc_matrix *x, const aenc_matrix *y, struct room room) {
    int32_t way = (how & 0x10) != 0 ? AENC_INTERPOLATE_SPHERICAL : AENC_INTERPOLATE_LINEAR;
    switch (how % 5) {
    case 0: return aenc_denoising_score(m, x, (double)(how / 5) / 20, room.at, room.floats);
    case 1: return aenc_jacobian_norm(m, x, room.at, room.floats);
    case 2: return aenc_interpolate(m, x, y, 2, way, room.at, room.floats);
    case 3: return aenc_traverse(m, x, y, 2, room.at, room.floats);
    default: return aenc_score(m, x, (how & 0x10) != 0 ? y : NULL, room.at, room.floats);
    }
}

/* Twice the same bits. */
void fuzz_api_answers(struct calls *c) {
    aenc_model *m = *next_model(c);
    unsigned how = next(c);
    size_t in = aenc_model_input_size(m), code = aenc_model_code_size(m), out = aenc_model_output_size(m);
    aenc_matrix x = fuzz_api_table(c, 0, how % 5 == 3 ? code : in);
    aenc_matrix y = fuzz_api_table(c, 1, how % 5 == 3 ? code : how % 5 == 4 ? out : in);
    if (how % 5 == 3 && x.rows > 1) x.rows = 1;
    if (how % 5 == 3 && y.rows > 1) y.rows = 2;
    if (how % 5 != 3) x.rows = y.rows = lesser(x.rows, y.rows);
    size_t needed[] = {x.rows * in, x.rows, 2 * x.rows * out, 2 * code * out, x.rows};
    struct room room = fuzz_api_room(c, OUT_BLOCK, needed[how % 5]), again = room;
    again.at = fuzz_api_block(c, AGAIN_BLOCK, room.floats * sizeof(float));
    aenc_status first = answer(how, m, &x, &y, room);
    bool good = fuzz_api_filled(c, m, first, room);
    aenc_status second = answer(how, m, &x, &y, again);
    fuzz_api_filled(c, m, second, again);
    fuzz_api_again(c, first, second, room.at, again.at, room.needed * sizeof(float));
    for (size_t i = 0; good && how % 5 == 1 && i < x.rows; i++) FUZZ_DEMAND(!(room.at[i] < 0));
}

/* ---- Copies, growth, stacks ---- */

void fuzz_api_copy(struct calls *c) {
    static const char *const prefixes[] = {"", "encoder", "decoder", "encoder.0", "encoder.1", "decoder.0",
                                           "encoder.0.weight", "no", NULL};
    aenc_model *to = *next_model(c), *from = *next_model(c);
    const char *there = prefixes[next(c) % 9], *here = prefixes[next(c) % 9];
    struct before b = before(c, to);
    aenc_status status = aenc_model_copy(to, there, from, here);
    fuzz_api_told(c, to, status);
    if (to == NULL) return;
    if (status == AENC_OK) {
        b = before(c, to);
        status = aenc_model_copy(to, there, from, here);
        fuzz_api_told(c, to, status);
        if (to != from) FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    }
    if (to != from) same_as(c, to, b);
}

void fuzz_api_grow(struct calls *c) {
    aenc_model *m = *next_model(c), **slot = next_model(c), *made = NULL;
    const aenc_layer *layers = *next_layer(c);
    struct before b = before(c, m);
    aenc_model *clone = NULL;
    aenc_status status = aenc_model_clone(NULL, m, m != NULL && aenc_model_code_size(m) % 2 == 0, &clone);
    FUZZ_DEMAND((status == AENC_OK) == (clone != NULL));
    fuzz_api_told(c, m, status);
    if (clone != NULL) same_as(c, clone, b);
    aenc_model_free(clone);
    status = aenc_model_grow(m, layers, &made);
    FUZZ_DEMAND((status == AENC_OK) == (made != NULL));
    fuzz_api_told(c, m, status);
    if (m != NULL) same_as(c, m, b);
    if (made != NULL)
        FUZZ_DEMAND(aenc_model_input_size(made) == aenc_model_input_size(m) &&
                    aenc_model_class_count(made) == aenc_model_class_count(m));
    replaced(slot, made);
}

static int pretrain_stop(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    FUZZ_DEMAND(layer >= 1 && layer <= layers);
    return fuzz_api_progress(user, now);
}

void fuzz_api_pretrain(struct calls *c) {
    const char *penalty[3], *corruption[3];
    aenc_model *m = *next_model(c);
    unsigned how = next(c), more = next(c);
    aenc_matrix x = fuzz_api_table(c, 0, aenc_model_input_size(m));
    struct fuzz_api_stop stop = {more % 40};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1 + how % 2, .batch = 4 + how % 5};
    aenc_pretrain_options options = {
        .struct_size = sizeof options, .fit = &fit, .first = more % 4 == 3, .count = more / 4 % 3};
    size_t room = more / 16 % 4;
    options.losses = fuzz_api_block(c, OUT_BLOCK, room * sizeof(double));
    options.loss_count = room;
    options.tied = (how & 0x02) != 0;
    if ((how & 0x04) != 0) options.loss = fuzz_api_spec(c);
    if ((how & 0x08) != 0) options.output = fuzz_api_spec(c);
    if ((how & 0x10) != 0) options.penalties = penalty;
    if ((how & 0x10) != 0) options.penalty_count = texts(c, penalties, COUNT_OF(penalties), penalty);
    if ((how & 0x20) != 0) options.corruptions = corruption;
    if ((how & 0x20) != 0) options.corruption_count = texts(c, corruptions, COUNT_OF(corruptions), corruption);
    if ((how & 0x40) != 0) fit.optimizer = fuzz_api_spec(c), fit.validation_fraction = 0.3, fit.patience = 1;
    if ((how & 0x80) != 0) options.progress = pretrain_stop, options.progress_user = &stop;
    if ((more & 0x40) == 0) {
        fuzz_api_told(c, m, aenc_pretrain(m, &x, &options));
        return;
    }
    fit.steps_per_epoch = more / 8 % 4;
    if ((more & 0x80) != 0) fit.checkpoint = c->path, fit.resume = how % 2;
    fuzz_api_told(c, m, aenc_pretrain_source(m, c->source[more % SLOTS], &options));
}

void fuzz_api_distill(struct calls *c) {
    aenc_model *student = *next_model(c), *teacher = *next_model(c);
    unsigned how = next(c);
    aenc_matrix x = fuzz_api_table(c, 0, aenc_model_input_size(student));
    struct fuzz_api_stop stop = {how % 40};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1 + how % 2, .batch = 4};
    double output = -77, code = -77;
    aenc_distill_options options = {.struct_size = sizeof options, .fit = &fit, .output_loss = &output, .code_loss = &code};
    if ((how & 0x04) != 0) options.output_weight = (double)next(c) / 50 - 0.1;
    if ((how & 0x08) != 0) options.code_weight = (double)next(c) / 50 - 0.1;
    if ((how & 0x10) != 0) fit.progress = fuzz_api_progress, fit.progress_user = &stop;
    if ((how & 0x20) != 0) fit.valid = &x, fit.patience = 1;
    if ((how & 0x40) != 0) fit.validation_fraction = 0.4;
    if ((how & 0x80) != 0) fit.optimizer = fuzz_api_spec(c), fit.schedule = fuzz_api_spec(c);
    struct before b = before(c, student);
    bool source = (how & 0x61) == 0x61; /* a valid and a share of it are too much, but the source is looked at as well */
    if (source) fit.validation_fraction = 0, fit.steps_per_epoch = how / 4 % 4;
    aenc_status status = source ? aenc_distill_source(student, teacher, c->source[how / 4 % SLOTS], &options)
                                : aenc_distill(student, teacher, &x, &options);
    fuzz_api_told(c, student, status);
    if (student != NULL && refused(status)) same_as(c, student, b);
}

/* ---- Gradients against differences ---- */

void fuzz_api_gradients(struct calls *c) {
    aenc_model *m = *next_model(c);
    unsigned how = next(c);
    const char *worst[2] = {NULL, NULL};
    double off[2] = {-77, -77};
    aenc_matrix x = fuzz_api_matrix(c, aenc_model_input_size(m));
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    aenc_gradient_check options = {.struct_size = sizeof options, .step = (double)(how % 4) / 64, .directions = how / 4 % 4};
    if (how == 0xFF) options.step = -1;
    struct before b = before(c, m);
    aenc_status first = aenc_check_gradients(m, &batch, &options, &off[0], &worst[0]);
    fuzz_api_told(c, m, first);
    aenc_status second = aenc_check_gradients(m, &batch, &options, &off[1], (how & 0x40) != 0 ? NULL : &worst[1]);
    fuzz_api_told(c, m, second);
    fuzz_api_again(c, first, second, &off[0], &off[1], sizeof off[0]);
    if (m != NULL) same_as(c, m, b);
    if (first == AENC_OK) FUZZ_DEMAND(!(off[0] < 0) && worst[0] != NULL);
}
