/* invariants_test.c - what holds for every call that can change a model, on ordinary data and on data that overflow:
 *
 *   after AENC_OK the model can be saved, loaded, and saved again as the same bytes;
 *   after a failure it is what it was before, or, where a call trains step by step, after its last whole step, and can be saved;
 *   after a failure no gradients wait.
 *
 * The bytes of the model's file stand for what it is. Steps are watched by a progress callback.
 */
#include <autoenc/ops.h>
#include <float.h>
#include <stdio.h>
#include <unistd.h>

#include "api/memory.h"

enum { ROWS = 40, COLS = 6, BATCH = 8, ROOM = 1 << 15 };

struct bytes {
    size_t size;
    unsigned char byte[ROOM];
};

struct scene {
    struct memory memory;
    aenc_context *ctx;
    aenc_model *model;
    float data[ROWS * COLS];
    aenc_matrix x;
    struct bytes last; /* the model's after the last step that was seen, or before the call */
};

static char path[64];

/* ---- Bytes ---- */

static bool bytes_of(aenc_model *model, struct bytes *out) {
    return aenc_model_save_memory(model, out->byte, ROOM, &out->size) == AENC_OK;
}

static bool same(const struct bytes *a, const struct bytes *b) {
    return a->size == b->size && memcmp(a->byte, b->byte, a->size) == 0;
}

static int watch(void *user, const aenc_progress *now) {
    struct scene *s = user;
    if (now->event == AENC_EVENT_STEP) CHECK(bytes_of(s->model, &s->last));
    return 0;
}

/* Saved, loaded, saved again. */
static bool survives(const struct scene *s) {
    static struct bytes a, b;
    aenc_model *again = NULL;
    bool good = bytes_of(s->model, &a);
    if (good) good = aenc_model_load_memory(s->ctx, a.byte, a.size, &again) == AENC_OK && bytes_of(again, &b) && same(&a, &b);
    if (!good) fprintf(stderr, "  %s\n", aenc_message(s->ctx));
    aenc_model_free(again);
    return good;
}

/* ---- Data ---- */

static void fill(struct scene *s, int kind) {
    for (size_t i = 0; i < ROWS * COLS; i++) {
        float u = (float)((i * 37) % 101) / 101.0f, *x = &s->data[i];
        size_t row = i / COLS;
        switch (kind) {
            case 0: *x = u; break;
            case 1: *x = 1e20f * (u - 0.5f); break;
            case 2: *x = FLT_MAX * (2 * u - 1); break;
            case 3: *x = 1e-38f * u; break;
            case 4: *x = 7; break;
            case 5: *x = row >= 3 * BATCH ? 3e37f * (u - 0.5f) : u; break; /* overflows after some batches */
            case 6: *x = (row + i) % 2 == 0 ? 1.0f : -1.0f; break;           /* mean 0, deviation 1: the identity's scaling */
            case 7: *x = 1e15f + u; break;
            default: *x = row == ROWS - 1 ? 1e25f : u; break;
        }
    }
}
enum { FILLS = 9 };

/* ---- Models ---- */

#define LAYERS(inner, more) \
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[" inner "]},\"loss\":\"mse\"" more "}"
#define DENSE(units) "{\"type\":\"dense\",\"units\":" #units "}"

static const char *const models[] = {
    LAYERS(DENSE(4) ",{\"type\":\"relu\"}," DENSE(2), ""),
    LAYERS(DENSE(4) ",{\"type\":\"batch_norm\"},{\"type\":\"relu\"}," DENSE(2), ""),
    LAYERS("{\"type\":\"batch_norm\",\"momentum\":1}," DENSE(4) "," DENSE(2), ",\"scaling\":\"standard\""),
    LAYERS(DENSE(3), ",\"scaling\":\"robust\",\"penalties\":[\"l2_weights:weight=1e-2\",\"decorrelation:weight=0.1\"]"),
    LAYERS(DENSE(4) "," DENSE(2) ",{\"type\":\"sigmoid\"}", ",\"penalties\":[\"kl:weight=0.1,momentum=0.5\"]"),
    NULL /* a PCA */
};
enum { MODELS = sizeof models / sizeof *models };

static void scene_make(struct scene *s, int model, int kind) {
    memset(s, 0, sizeof *s);
    s->ctx = memory_context(&s->memory, 9, 1);
    fill(s, kind);
    s->x = (aenc_matrix){s->data, ROWS, COLS, 0};
    if (models[model] != NULL) {
        CHECK_STATUS(s->ctx, aenc_model_parse(s->ctx, models[model], strlen(models[model]), &s->model), AENC_OK);
    } else {
        aenc_pca_options options = {.struct_size = sizeof options, .components = 2, .whiten = 1, .cols = COLS};
        CHECK_STATUS(s->ctx, aenc_pca_create(s->ctx, NULL, &options, &s->model), AENC_OK);
    }
}

static void scene_end(struct scene *s) {
    aenc_model_free(s->model);
    aenc_context_free(s->ctx);
    memory_check_empty(&s->memory);
}

/* ---- Calls. Where a call fails on the way to what it tests, that is its answer. ---- */

static bool is_pca(const struct scene *s) { return strstr(aenc_model_description(s->model), "\"pca\"") != NULL; }

static aenc_fit_options asked(struct scene *s, const char *optimizer) {
    if (is_pca(s)) return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options)};
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .optimizer = optimizer, .batch = BATCH, .epochs = 2,
                              .progress = watch, .progress_user = s};
}

static aenc_status fit_with(struct scene *s, const char *optimizer) {
    aenc_fit_options o = asked(s, optimizer);
    return aenc_fit(s->model, &s->x, &o);
}
static aenc_status fit_adam(struct scene *s) { return fit_with(s, NULL); }
static aenc_status fit_huge(struct scene *s) { return fit_with(s, "sgd:lr=1e30"); }
static aenc_status fit_growing(struct scene *s) { return fit_with(s, "momentum:lr=1e10,momentum=3"); }
static aenc_status fit_no_epsilon(struct scene *s) { return fit_with(s, "adam:eps=0,lr=1e35"); }
static aenc_status fit_rmsprop(struct scene *s) { return fit_with(s, "rmsprop:lr=1e37,centered=true,momentum=0.9"); }
static aenc_status fit_decay(struct scene *s) { return fit_with(s, "adamw:lr=1e20,weight_decay=1e10"); }
static aenc_status fit_unknown(struct scene *s) { return fit_with(s, "adam:speed=1"); }

static aenc_status fit_valid(struct scene *s) {
    aenc_fit_options o = asked(s, NULL);
    o.validation_fraction = 0.2;
    return aenc_fit(s->model, &s->x, &o);
}

static aenc_status fit_nowhere(struct scene *s) {
    aenc_fit_options o = asked(s, NULL);
    o.checkpoint = "no/such/folder/file";
    o.checkpoint_steps = 3;
    return aenc_fit(s->model, &s->x, &o);
}

/* Of other data: a run that began and cannot go on here. */
static bool resume_asked;

static aenc_status fit_resumed(struct scene *s) {
    resume_asked = false;
    aenc_fit_options o = asked(s, NULL);
    o.progress = NULL;
    o.checkpoint = path;
    aenc_model *other = NULL;
    aenc_status status = aenc_model_parse(s->ctx, aenc_model_description(s->model),
                                          strlen(aenc_model_description(s->model)), &other);
    if (status == AENC_OK) status = aenc_fit(other, &s->x, &o);
    aenc_model_free(other);
    if (status != AENC_OK) return status;
    s->data[0] += 1;
    o.resume = AENC_RESUME_REQUIRED;
    resume_asked = true;
    status = aenc_fit(s->model, &s->x, &o);
    remove(path);
    return status;
}

static aenc_status fit_source(struct scene *s) {
    aenc_source *source;
    aenc_fit_options o = asked(s, NULL);
    aenc_status status = aenc_source_matrix(s->ctx, &s->x, &source);
    if (status == AENC_OK) status = aenc_fit_source(s->model, source, &o);
    aenc_source_free(source);
    return status;
}

static size_t stream_at;

static int stream_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct scene *s = user;
    (void)target, (void)weight;
    *got = rows;
    for (size_t i = 0; i < rows * COLS; i++) input[i] = s->data[(stream_at * COLS + i) % (ROWS * COLS)];
    stream_at += rows;
    return 0;
}
static int stream_seek(void *user, uint64_t position) {
    (void)user;
    stream_at = (size_t)position;
    return 0;
}

/* A stream with a NaN near its end. */
static aenc_status fit_stream(struct scene *s) {
    aenc_source *source;
    aenc_fit_options o = asked(s, NULL);
    aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = COLS, .rows = ROWS, .read = stream_read,
                                   .seek = stream_seek, .user = s};
    aenc_status status = aenc_source_callback(s->ctx, &calls, &source);
    s->data[(ROWS - 2) * COLS] = (float)NAN;
    if (status == AENC_OK) status = aenc_fit_source(s->model, source, &o);
    aenc_source_free(source);
    return status;
}

static aenc_status partial(struct scene *s, const char *optimizer) {
    aenc_fit_options o = asked(s, optimizer);
    o.epochs = 0;
    return aenc_partial_fit(s->model, &s->x, &o);
}
static aenc_status partial_adam(struct scene *s) { return partial(s, NULL); }
static aenc_status partial_huge(struct scene *s) { return partial(s, "sgd:lr=1e30"); }
static aenc_status partial_unknown(struct scene *s) { return partial(s, "sgd:speed=3"); }

static aenc_status pretrain(struct scene *s) {
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .batch = BATCH};
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit};
    aenc_status status = aenc_pretrain(s->model, &s->x, &o);
    CHECK(bytes_of(s->model, &s->last)); /* the layers before the one that failed are trained */
    return status;
}

static aenc_status distill(struct scene *s) {
    aenc_model *teacher;
    aenc_fit_options fit = asked(s, NULL);
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit};
    aenc_status status = aenc_model_parse(s->ctx, models[0], strlen(models[0]), &teacher);
    o.output_weight = 1;
    if (status == AENC_OK) status = aenc_distill(s->model, teacher, &s->x, &o);
    aenc_model_free(teacher);
    return status;
}

static aenc_status steps(struct scene *s, const char *spec, bool apart) {
    aenc_optimizer *optimizer;
    aenc_batch batch = {.struct_size = sizeof batch, .input = s->x};
    aenc_status status = aenc_optimizer_create(s->model, spec, &optimizer);
    for (int i = 0; i < 4 && status == AENC_OK; i++) {
        CHECK(bytes_of(s->model, &s->last));
        if (!apart) status = aenc_model_step(s->model, optimizer, &batch, NULL);
        else status = aenc_model_gradients(s->model, &batch, NULL);
        if (apart && status == AENC_OK) status = aenc_optimizer_apply(optimizer);
    }
    if (status != AENC_OK) CHECK(aenc_optimizer_apply(optimizer) != AENC_OK);
    aenc_optimizer_free(optimizer);
    return status;
}
static aenc_status step_adam(struct scene *s) { return steps(s, "adam", false); }
static aenc_status step_huge(struct scene *s) { return steps(s, "sgd:lr=1e37", false); }
static aenc_status step_no_epsilon(struct scene *s) { return steps(s, "rmsprop:eps=0,lr=1e38", false); }
static aenc_status apply_huge(struct scene *s) { return steps(s, "nesterov:lr=1e37", true); }
static aenc_status apply_adam(struct scene *s) { return steps(s, "adam:lr=3e38", true); }

/* Gradients that wait are of no use after a call that failed to train. */
static aenc_status apply_later(struct scene *s) {
    aenc_optimizer *optimizer;
    aenc_batch batch = {.struct_size = sizeof batch, .input = s->x};
    aenc_status status = aenc_optimizer_create(s->model, "sgd", &optimizer);
    if (status == AENC_OK) status = aenc_model_gradients(s->model, &batch, NULL);
    if (status == AENC_OK && fit_resumed(s) != AENC_OK && resume_asked) {
        status = aenc_optimizer_apply(optimizer);
        CHECK(status == AENC_ERR_ARGUMENT);
    }
    aenc_optimizer_free(optimizer);
    return status;
}

static aenc_status check_gradients(struct scene *s) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = s->x};
    double worst;
    return aenc_check_gradients(s->model, &batch, NULL, &worst, NULL);
}

/* Every parameter and state in turn, all of its elements the same. */
static aenc_status set_all(struct scene *s, float value) {
    aenc_status answer = AENC_OK;
    for (size_t i = 0; i < aenc_model_tensor_count(s->model); i++) {
        const char *name = aenc_model_tensor_name(s->model, i);
        static float values[ROOM / 4];
        aenc_tensor *tensor;
        if (aenc_model_tensor_get(s->model, name, &tensor) != AENC_OK) exit(2);
        for (size_t k = 0; k < aenc_tensor_count(tensor); k++) values[k] = value;
        CHECK(aenc_tensor_write(tensor, values, aenc_tensor_count(tensor)) == AENC_OK);
        CHECK(bytes_of(s->model, &s->last));
        aenc_status status = aenc_model_tensor_set(s->model, name, tensor);
        aenc_tensor_free(tensor);
        static struct bytes now;
        CHECK(bytes_of(s->model, &now) && (status == AENC_OK || same(&now, &s->last)));
        if (status != AENC_OK) answer = status;
    }
    CHECK(bytes_of(s->model, &s->last));
    return answer;
}
static aenc_status set_zero(struct scene *s) { return set_all(s, 0); }
static aenc_status set_negative(struct scene *s) { return set_all(s, -1); }
static aenc_status set_largest(struct scene *s) { return set_all(s, FLT_MAX); }
static aenc_status set_infinite(struct scene *s) { return set_all(s, (float)INFINITY); }
/* Weights as large as can be, and then a step. */
static aenc_status set_and_train(struct scene *s) { return set_largest(s) == AENC_OK ? step_adam(s) : fit_adam(s); }

static aenc_status copy_across(struct scene *s) {
    const char *const pairs[][2] = {{"encoder.0.running_var", "encoder.0.running_mean"}, {"scaling.scale", "scaling.shift"},
                                    {"", ""}, {"encoder.1", "nothing"}, {"pca.explained_variance", "pca.explained_variance"}};
    aenc_status answer = AENC_OK;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CHECK(bytes_of(s->model, &s->last));
        aenc_status status = aenc_model_copy(s->model, pairs[i][0], s->model, pairs[i][1]);
        static struct bytes now;
        CHECK(bytes_of(s->model, &now) && (status == AENC_OK || same(&now, &s->last)) && survives(s));
        if (status != AENC_OK) answer = status;
    }
    return answer;
}

static aenc_status grow(struct scene *s) {
    aenc_layer *layer;
    aenc_model *grown = NULL;
    aenc_status status = aenc_layer_create(s->ctx, "dense:units=3", &layer);
    if (status == AENC_OK) status = aenc_model_grow(s->model, layer, &grown);
    aenc_layer_free(layer);
    if (status == AENC_OK) {
        aenc_model_free(s->model);
        s->model = grown;
    }
    return status;
}

static aenc_status start_wide(struct scene *s) {
    static const size_t input[] = {COLS}, widths[] = {3};
    aenc_model_options o = {.struct_size = sizeof o, .input = input, .input_rank = 1, .encoder_widths = widths,
                            .encoder_count = 1, .init = "normal:gain=3e38"};
    aenc_model *model = NULL;
    aenc_status status = aenc_model_create(s->ctx, &o, &model);
    if (status == AENC_OK) {
        aenc_model_free(s->model);
        s->model = model;
    }
    return status;
}

static aenc_status make_pca(struct scene *s) {
    aenc_pca_options o = {.struct_size = sizeof o, .components = 3, .whiten = 1};
    aenc_model *model = NULL;
    aenc_status status = aenc_pca_create(s->ctx, &s->x, &o, &model);
    if (status == AENC_OK) {
        aenc_model_free(s->model);
        s->model = model;
    }
    return status;
}

static aenc_status detect(struct scene *s) {
    aenc_detector *detector = NULL, *again = NULL;
    aenc_detector_options o = {.struct_size = sizeof o, .steps = 20};
    aenc_status status = aenc_detector_create(s->ctx, &s->x, &o, &detector);
    if (status == AENC_OK) {
        CHECK_STATUS(s->ctx, aenc_detector_save(detector, path), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_detector_load(s->ctx, path, &again), AENC_OK);
        remove(path);
    }
    aenc_detector_free(detector);
    aenc_detector_free(again);
    return status;
}

static aenc_status settings(struct scene *s) {
    aenc_status status = aenc_model_set_epochs(s->model, 1.5);
    if (status == AENC_OK) status = aenc_model_freeze(s->model, "encoder", 1);
    if (status == AENC_OK) status = aenc_model_freeze(s->model, "encoder", 0);
    aenc_model_forget_optimizer(s->model);
    return status == AENC_OK ? aenc_model_freeze(s->model, "nobody", 1) : status;
}

/* Inference, and a file that cannot be written, leave the model alone. */
static aenc_status use(struct scene *s) {
    float out[ROWS * COLS];
    double loss;
    aenc_batch batch = {.struct_size = sizeof batch, .input = s->x};
    (void)aenc_encode(s->model, &s->x, out, ROWS * COLS);
    (void)aenc_reconstruct(s->model, &s->x, out, ROWS * COLS);
    (void)aenc_score(s->model, &s->x, NULL, out, ROWS * COLS);
    (void)aenc_jacobian_norm(s->model, &s->x, out, ROWS * COLS);
    (void)aenc_model_evaluate(s->model, &batch, &loss);
    return aenc_model_save(s->model, "no/such/folder/file");
}

typedef aenc_status call(struct scene *s);
static const struct {
    const char *name;
    call *call;
} calls[] = {
    {"fit_adam", fit_adam},           {"fit_huge", fit_huge},           {"fit_growing", fit_growing},
    {"fit_no_epsilon", fit_no_epsilon}, {"fit_rmsprop", fit_rmsprop},   {"fit_decay", fit_decay},
    {"fit_unknown", fit_unknown},     {"fit_valid", fit_valid},         {"fit_nowhere", fit_nowhere},
    {"fit_resumed", fit_resumed},     {"fit_source", fit_source},       {"fit_stream", fit_stream},
    {"partial_adam", partial_adam},   {"partial_huge", partial_huge},   {"partial_unknown", partial_unknown},
    {"pretrain", pretrain},           {"distill", distill},             {"step_adam", step_adam},
    {"step_huge", step_huge},         {"step_no_epsilon", step_no_epsilon}, {"apply_huge", apply_huge},
    {"apply_adam", apply_adam},       {"apply_later", apply_later},     {"check_gradients", check_gradients},
    {"set_zero", set_zero},           {"set_negative", set_negative},   {"set_largest", set_largest},
    {"set_infinite", set_infinite},   {"set_and_train", set_and_train}, {"copy_across", copy_across},
    {"grow", grow},                   {"start_wide", start_wide},       {"make_pca", make_pca},
    {"detect", detect},               {"settings", settings},           {"use", use},
};

/* Answers whether it succeeded. */
static bool invariant(int model, int kind, size_t which) {
    static struct scene s;
    static struct bytes now;
    scene_make(&s, model, kind);
    CHECK(bytes_of(s.model, &s.last));
    aenc_status status = calls[which].call(&s);
    bool good = status == AENC_OK ? CHECK(survives(&s)) : CHECK(bytes_of(s.model, &now) && same(&now, &s.last) && survives(&s));
    aenc_optimizer *optimizer = NULL;
    if (status != AENC_OK && aenc_optimizer_create(s.model, "sgd", &optimizer) == AENC_OK)
        good = CHECK(aenc_optimizer_apply(optimizer) != AENC_OK) && good;
    aenc_optimizer_free(optimizer);
    if (!good) fprintf(stderr, "  model %d, data %d, %s: status %d\n", model, kind, calls[which].name, (int)status);
    scene_end(&s);
    return status == AENC_OK;
}

int main(void) {
    size_t done = 0, failed = 0;
    (void)snprintf(path, sizeof path, "invariants.%ld", (long)getpid());
    for (int model = 0; model < MODELS; model++)
        for (int kind = 0; kind < FILLS; kind++)
            for (size_t which = 0; which < sizeof calls / sizeof *calls; which++)
                if (invariant(model, kind, which)) done++;
                else failed++;
    CHECK(done > 300 && failed > 300); /* both kinds are there */
    fprintf(stderr, "%zu calls succeeded, %zu failed\n", done, failed);
    return check_finish();
}
