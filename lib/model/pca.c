/* pca.c - a model out of moments. */
#include "model/pca.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"

/* Beyond so many columns S (8 cols^2 bytes) is no longer kept, and fewer rows than columns no longer held at once. */
enum { ORDER_MAX = 4096 };

/* ---- Description ---- */

static const struct setting_rule rules[] = {
    {.name = "whiten", .kind = SETTING_BOOL},
    {.name = "method", .kind = SETTING_TEXT, .text_fallback = "auto"},
    {.name = NULL},
};

enum method { METHOD_AUTO, METHOD_COVARIANCE, METHOD_GRAM, METHOD_INCREMENTAL, METHOD_COUNT };
static const char *const methods[] = {"auto", "covariance", "gram", "incremental"};

static aenc_status method_find(aenc_context *ctx, const char *name, enum method *out) {
    char list[64];
    *out = METHOD_AUTO;
    if (name == NULL) return AENC_OK;
    while (*out < METHOD_COUNT && strcmp(methods[*out], name) != 0) ++*out;
    if (*out < METHOD_COUNT) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "pca: unknown method '%s'; known: %s", aenc_quoted(name).text,
                     aenc_names_list(methods, METHOD_COUNT, list, sizeof list));
}

/* One dense layer of so many units (0: any number) with bias, without activation and with a weight of its own; NULL:
 * something else. */
static const struct json *one_dense(const struct json *layers, double units) {
    const struct json *list = aenc_json_member(layers, "layers");
    const struct json *dense = list != NULL && list->count == 1 ? list->first : NULL;
    if (strcmp(aenc_settings_type(layers), "sequential") != 0 || strcmp(aenc_settings_type(dense), "dense") != 0)
        return NULL;
    const struct json *bias = aenc_json_member(dense, "bias"), *activation = aenc_json_member(dense, "activation");
    bool plain = (bias == NULL || bias->truth) && (activation == NULL || strcmp(activation->text, "identity") == 0) &&
                 aenc_json_member(dense, "tied") == NULL;
    return plain && (units == 0 || aenc_json_member(dense, "units")->number == units) ? dense : NULL;
}

/* The fit writes both weights and biases by the numbers of columns and components, which must therefore be theirs. */
static aenc_status shape_check(aenc_context *ctx, const struct json *description) {
    const struct json *input = aenc_json_member(description, "input");
    const struct json *encoder = one_dense(aenc_json_member(description, "encoder"), 0);
    double cols = input->first->number;
    if (input->count != 1 || strcmp(aenc_settings_type(aenc_json_member(description, "loss")), "mse") != 0 ||
        encoder == NULL || one_dense(aenc_json_member(description, "decoder"), cols) == NULL)
        return aenc_fail(
            ctx, AENC_ERR_ARGUMENT,
            "model: 'pca' goes with an input of one dimension, a sequential of one dense layer with bias, without "
            "activation and not tied on either side, an output as large as the input, and loss mse");
    double components = aenc_json_member(encoder, "units")->number;
    if (components <= cols) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                     "model: 'pca' has %s components; an input of %s columns has at most as many",
                     aenc_shown(components).text, aenc_shown(cols).text);
}

aenc_status aenc_pca_check(aenc_context *ctx, const struct json *description) {
    static const char *const others[] = {"scaling", "penalties", "corrupt", "bottleneck", "fields"};
    const struct json *pca = aenc_json_member(description, "pca");
    enum method method;
    if (pca->kind != JSON_OBJECT) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'pca' must be an object");
    aenc_status status = aenc_settings_check(ctx, "pca", pca, rules);
    if (status == AENC_OK) status = method_find(ctx, aenc_setting_text(pca, rules, "method"), &method);
    for (size_t i = 0; i < sizeof others / sizeof *others && status == AENC_OK; i++)
        if (aenc_json_member(description, others[i]) != NULL)
            status = aenc_fail(ctx, AENC_ERR_ARGUMENT,
                               "model: 'pca' is fitted in closed form, which '%s' has no part in", others[i]);
    return status == AENC_OK ? shape_check(ctx, description) : status;
}

void aenc_pca_declare(struct site *site, int64_t cols, int64_t components) {
    static const char *const names[] = {"mean",           "explained_variance", "explained_variance_ratio",
                                        "noise_variance", "total_variance",     "rows"};
    const struct shape shapes[] = {{1, {cols}}, {1, {components}}, {1, {components}}, {0, {0}}, {0, {0}}, {1, {2}}};
    const char *before = aenc_tape_enter(site->tape, "pca");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool variance = strstr(names[i], "variance") != NULL;
        aenc_store_state_within(site->store, site->tape, names[i], shapes[i], 0,
                                variance ? RANGE_NOT_NEGATIVE : RANGE_ANY);
    }
    aenc_tape_leave(site->tape, before);
}

struct pca_request aenc_pca_request(const struct aenc_model *model) {
    return (struct pca_request){.method = aenc_setting_text(model->pca, rules, "method"),
                                .components = model->code_size,
                                .whiten = aenc_setting_bool(model->pca, rules, "whiten")};
}

static aenc_status describe(aenc_context *ctx, struct arena *arena, size_t cols, size_t components,
                            const struct pca_request *request, const struct json **out) {
    const aenc_model_options options = {
        .input = &cols, .input_rank = 1, .encoder_widths = &components, .encoder_count = 1};
    aenc_status status = aenc_description_from_options(ctx, arena, &options, out);
    if (status != AENC_OK) return status;
    struct json *whole = aenc_json_add_copy(arena, NULL, NULL, *out);
    struct json *pca = aenc_json_add(arena, whole, "pca", JSON_OBJECT);
    if (request->whiten) aenc_json_add_bool(arena, pca, "whiten", true);
    if (request->method != NULL) aenc_json_add_text(arena, pca, "method", request->method);
    *out = whole;
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

aenc_status aenc_pca_model(aenc_context *ctx, int64_t cols, int64_t components, const struct pca_request *request,
                           struct aenc_model **out) {
    struct arena arena;
    const struct json *description;
    struct aenc_model *model;
    *out = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = describe(ctx, &arena, (size_t)cols, (size_t)components, request, &description);
    if (status != AENC_OK) {
        aenc_arena_free(&arena);
        return status;
    }
    status = aenc_model_declare(ctx, &arena, description, &model);
    if (status == AENC_OK) status = aenc_store_allocate_zero(&model->store);
    if (status == AENC_OK)
        *out = model;
    else
        aenc_model_release(model);
    return status;
}

aenc_status aenc_pca_refuse(const struct aenc_model *model, const char *what) {
    if (model->pca == NULL) return AENC_OK;
    return aenc_fail(
        model->ctx, AENC_ERR_UNSUPPORTED,
        "%s: the model is a PCA, which is fitted in closed form by aenc_fit and aenc_partial_fit and not by "
        "gradients",
        what);
}

/* ---- Moments ---- */

aenc_status aenc_pca_moments(aenc_context *ctx, const struct pca_request *request, int64_t cols, uint64_t rows,
                             struct moments *out) {
    enum method method;
    *out = (struct moments){.ctx = NULL};
    aenc_status status = method_find(ctx, request->method, &method);
    if (status != AENC_OK) return status;
    bool few = rows > 0 && rows <= (uint64_t)cols && rows <= ORDER_MAX;
    if (method == METHOD_AUTO) method = few ? METHOD_GRAM : cols <= ORDER_MAX ? METHOD_COVARIANCE : METHOD_INCREMENTAL;
    if (method == METHOD_GRAM && (rows == 0 || rows > INT32_MAX))
        return aenc_fail(
            ctx, AENC_ERR_ARGUMENT,
            "pca: method 'gram' holds all rows at once; here it is not known how many there are, or too many");
    if (method == METHOD_INCREMENTAL && request->components == 0)
        return aenc_fail(
            ctx, AENC_ERR_ARGUMENT,
            "pca: method 'incremental' (and 'auto' beyond %d columns) follows a number of components; give "
            "components instead of a share",
            ORDER_MAX);
    if (method == METHOD_COVARIANCE) return aenc_moments_create(ctx, cols, 0, 0, out);
    if (method == METHOD_GRAM) return aenc_moments_create(ctx, cols, (int64_t)rows, 0, out);
    int64_t rank = 2 * request->components + 32;
    if (rank > cols) rank = cols;
    return aenc_moments_create(ctx, cols, rank > MOMENTS_BLOCK ? rank : MOMENTS_BLOCK, rank, out);
}

void aenc_pca_work_free(struct pca_work *work) {
    if (work->moments.ctx != NULL) aenc_release(work->moments.ctx, work->directions);
    aenc_spectrum_free(&work->spectrum);
    aenc_moments_free(&work->moments);
}

/* ---- The model's numbers ---- */

static num *numbers(const struct aenc_model *model, const char *name) {
    return aenc_store_values(&model->store, aenc_store_find(&model->store, name));
}

/* value (k): variances of the components. */
static void states_write(const struct aenc_model *model, const struct moments *moments, const double *value) {
    int64_t cols = model->input_size, k = model->code_size;
    double degrees = moments->rows > 1 ? moments->rows - 1 : 1, total = moments->total / degrees, rest = total;
    num *mean = numbers(model, "pca.mean"), *variance = numbers(model, "pca.explained_variance");
    num *ratio = numbers(model, "pca.explained_variance_ratio"), *rows = numbers(model, "pca.rows");
    for (int64_t c = 0; c < cols; c++) mean[c] = (num)moments->mean[c];
    for (int64_t i = 0; i < k; i++) {
        variance[i] = (num)value[i];
        ratio[i] = (num)(total > 0 ? value[i] / total : 0);
        rest -= value[i];
    }
    *numbers(model, "pca.noise_variance") = (num)(k < cols && rest > 0 ? rest / (double)(cols - k) : 0);
    *numbers(model, "pca.total_variance") = (num)total;
    rows[0] = (num)(float)moments->rows;
    rows[1] = (num)(moments->rows - (double)rows[0]);
}

/* v (k, cols): the components. Where a whitened one has no variance that a float could hold, its code is 0, and so
 * is what comes of it. */
static void weights_write(const struct aenc_model *model, const double *mean, const double *value, const double *v) {
    int64_t cols = model->input_size, k = model->code_size;
    bool whiten = aenc_setting_bool(model->pca, rules, "whiten");
    num *encoder = numbers(model, "encoder.0.weight"), *encoder_bias = numbers(model, "encoder.0.bias");
    num *decoder = numbers(model, "decoder.0.weight"), *decoder_bias = numbers(model, "decoder.0.bias");
    for (int64_t i = 0; i < k; i++) {
        double scale = whiten ? sqrt((double)(num)value[i]) : 1, along = 0;
        double inverse = scale > 0 ? 1 / scale : 0;
        for (int64_t c = 0; c < cols; c++) {
            double element = v[i * cols + c];
            along += element * mean[c];
            encoder[i * cols + c] = (num)(element * inverse);
            decoder[c * k + i] = (num)(element * scale);
        }
        encoder_bias[i] = (num)(-along * inverse);
    }
    for (int64_t c = 0; c < cols; c++) decoder_bias[c] = (num)mean[c];
}

aenc_status aenc_pca_solve(struct pca_work *work) {
    const struct moments *m = &work->moments;
    if (m->total / (m->rows > 1 ? m->rows - 1 : 1) > FLT_MAX)
        return aenc_fail(m->ctx, AENC_ERR_ARGUMENT,
                         "pca: the variance is %s, more than a float holds; scale the numbers",
                         aenc_shown(m->total / (m->rows - 1)).text);
    if (aenc_moments_spectrum(m, &work->spectrum)) return AENC_OK;
    return aenc_fail(m->ctx, AENC_ERR_INTERNAL, "pca: the eigenvalues did not converge");
}

/* Parameters, then states, from aenc_alloc. */
static num *numbers_keep(const struct aenc_model *model) {
    size_t parameters = (size_t)model->store.parameter_size, states = (size_t)model->store.state_size;
    num *kept = aenc_alloc_raw(model->ctx, parameters + states, sizeof *kept);
    if (kept == NULL) return NULL;
    memcpy(kept, model->store.parameter, parameters * sizeof *kept);
    memcpy(kept + parameters, model->store.state, states * sizeof *kept);
    return kept;
}

/* The numbers that are no floats are undone; kept is released. */
static aenc_status numbers_check(struct aenc_model *model, num *kept) {
    size_t parameters = (size_t)model->store.parameter_size, states = (size_t)model->store.state_size;
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < model->store.entry_count && status == AENC_OK; i++) {
        const struct entry *entry = &model->store.entry[i];
        const num *values = aenc_store_values(&model->store, entry);
        int64_t bad = aenc_entry_bad(entry, values);
        if (bad >= 0)
            status = aenc_entry_refuse(model->ctx, AENC_ERR_ARGUMENT,
                                       "pca: scale the data, they are too large or vary too little", entry, bad,
                                       (double)values[bad]);
    }
    if (status != AENC_OK) {
        memcpy(model->store.parameter, kept, parameters * sizeof *kept);
        memcpy(model->store.state, kept + parameters, states * sizeof *kept);
    }
    aenc_release(model->ctx, kept);
    return status;
}

aenc_status aenc_pca_write(struct aenc_model *model, struct pca_work *work) {
    int64_t k = model->code_size;
    double *value = work->spectrum.scratch, degrees = work->moments.rows > 1 ? work->moments.rows - 1 : 1;
    aenc_status status = aenc_store_own(&model->store);
    if (status != AENC_OK) return status;
    aenc_moments_directions(&work->moments, &work->spectrum, k, work->directions);
    for (int64_t i = 0; i < k; i++) value[i] = i < work->spectrum.count ? work->spectrum.values[i] / degrees : 0;
    num *kept = numbers_keep(model);
    if (kept == NULL) return AENC_ERR_NO_MEMORY;
    states_write(model, &work->moments, value);
    weights_write(model, work->moments.mean, value, work->directions);
    return numbers_check(model, kept);
}

void aenc_pca_resume(const struct aenc_model *model, struct moments *moments, double *room) {
    int64_t cols = model->input_size, k = model->code_size;
    const num *rows = numbers(model, "pca.rows"), *mean = numbers(model, "pca.mean");
    const num *variance = numbers(model, "pca.explained_variance"), *weight = numbers(model, "encoder.0.weight");
    double seen = (double)rows[0] + (double)rows[1], degrees = seen - 1;
    double noise = moments->scatter != NULL ? (double)*numbers(model, "pca.noise_variance") : 0;
    if (!(seen >= 1)) return;
    for (int64_t i = 0; i < k; i++) {
        double above = (double)variance[i] - noise, square = 0;
        for (int64_t c = 0; c < cols; c++) square += (double)weight[i * cols + c] * (double)weight[i * cols + c];
        double scale = above > 0 && square > 0 ? sqrt(above * degrees / square) : 0;
        for (int64_t c = 0; c < cols; c++) room[i * cols + c] = scale * (double)weight[i * cols + c];
    }
    double *centre = moments->next;
    for (int64_t c = 0; c < cols; c++) centre[c] = (double)mean[c];
    aenc_moments_start(moments, centre, seen, degrees * (double)*numbers(model, "pca.total_variance"), room, k,
                       noise * degrees);
}
