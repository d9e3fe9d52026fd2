/* reentry_test.c - the library called from its own callbacks: what would pull away what is in use is AENC_ERR_BUSY and changes
 * nothing, what reads works, and what a callback frees lives until the call ends. */
#include <fenv.h>

#include <autoenc/ops.h>

#include "api/memory.h"
#include "train/trial.h"

enum { ROWS = 40, IN = 4 };

static const char small[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                            "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}";
static const char watched[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"watch\"},"
                              "{\"type\":\"dense\",\"units\":2}]}}";

static float data[ROWS * IN], room[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0}, codes = {data, ROWS, 2, IN};
static uint8_t flags[ROWS];
static int32_t labels[ROWS];

/* What a callback has at hand. */
struct scene {
    aenc_context *ctx;
    aenc_model *model, *other; /* in use by the running call; not */
    aenc_optimizer *optimizer, *others;
    aenc_detector *detector;
    aenc_runner *runner;
    aenc_tensor *tensor;
    bool closed; /* in the middle of the work: nothing may come in */
    int calls;
    size_t allowed, refused;
};

/* ---- Every call that answers a status ---- */

typedef aenc_status attempt(struct scene *s);

static const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, IN, 0}};
static const aenc_fit_options once = {.struct_size = sizeof once, .epochs = 1};

static aenc_status try_fit(struct scene *s) { return aenc_fit(s->model, &x, &once); }
static aenc_status try_fit_other(struct scene *s) { return aenc_fit(s->other, &x, &once); }
static aenc_status try_partial(struct scene *s) {
    return aenc_partial_fit(s->model, &x, &(aenc_fit_options){.struct_size = sizeof once, .optimizer = "sgd"});
}
static aenc_status source_with(struct scene *s, aenc_status (*use)(struct scene *, aenc_source *)) {
    aenc_source *source;
    aenc_status status = aenc_source_matrix(s->ctx, &x, &source);
    if (status == AENC_OK) status = use(s, source);
    aenc_source_free(source);
    return status;
}
static aenc_status fit_from(struct scene *s, aenc_source *source) { return aenc_fit_source(s->other, source, &once); }
static aenc_status pretrain_from(struct scene *s, aenc_source *source) { return aenc_pretrain_source(s->other, source, NULL); }
static aenc_status distill_from(struct scene *s, aenc_source *source) {
    return aenc_distill_source(s->other, s->model, source, NULL);
}
static aenc_status pca_from(struct scene *s, aenc_source *source) {
    aenc_model *pca;
    return aenc_pca_create_source(s->ctx, source, NULL, &pca);
}
static aenc_status try_fit_source(struct scene *s) { return source_with(s, fit_from); }
static aenc_status try_pretrain(struct scene *s) { return aenc_pretrain(s->other, &x, NULL); }
static aenc_status try_pretrain_source(struct scene *s) { return source_with(s, pretrain_from); }
static aenc_status try_distill(struct scene *s) { return aenc_distill(s->other, s->model, &x, NULL); }
static aenc_status try_distill_source(struct scene *s) { return source_with(s, distill_from); }
static aenc_status try_pca_source(struct scene *s) { return source_with(s, pca_from); }
static aenc_status try_sweep(struct scene *s) {
    aenc_sweep_point point = {.struct_size = sizeof point};
    const aenc_sweep_options o = {.struct_size = sizeof o, .codes = (const size_t[]){1}, .code_count = 1};
    return aenc_sweep(s->ctx, &x, &o, &point, 1);
}

static aenc_status try_set(struct scene *s) { return aenc_model_tensor_set(s->model, "encoder.1.bias", s->tensor); }
static aenc_status try_set_other(struct scene *s) { return aenc_model_tensor_set(s->other, "encoder.1.bias", s->tensor); }
static aenc_status try_copy(struct scene *s) { return aenc_model_copy(s->model, "", s->other, ""); }
static aenc_status try_copy_away(struct scene *s) { return aenc_model_copy(s->other, "", s->model, ""); }
static aenc_status try_clone(struct scene *s) {
    aenc_model *made;
    aenc_status status = aenc_model_clone(s->ctx, s->model, 1, &made);
    aenc_model_free(made);
    return status;
}
static aenc_status try_freeze(struct scene *s) { return aenc_model_freeze(s->model, "encoder", 1); }
static aenc_status try_epochs(struct scene *s) { return aenc_model_set_epochs(s->model, 7); }
static aenc_status try_gradients(struct scene *s) { return aenc_model_gradients(s->model, &batch, NULL); }
static aenc_status try_step(struct scene *s) { return aenc_model_step(s->model, s->optimizer, &batch, NULL); }
static aenc_status try_step_other(struct scene *s) { return aenc_model_step(s->other, s->others, &batch, NULL); }
static aenc_status try_apply(struct scene *s) { return aenc_optimizer_apply(s->optimizer); }
static aenc_status try_check(struct scene *s) {
    double worst;
    return aenc_check_gradients(s->model, &batch, NULL, &worst, NULL);
}

static aenc_status try_encode(struct scene *s) { return aenc_encode(s->model, &x, room, ROWS * IN); }
static aenc_status try_decode(struct scene *s) { return aenc_decode(s->model, &codes, room, ROWS * IN); }
static aenc_status try_reconstruct(struct scene *s) { return aenc_reconstruct(s->model, &x, room, ROWS * IN); }
static aenc_status try_score(struct scene *s) { return aenc_score(s->model, &x, &x, room, ROWS * IN); }
static aenc_status try_features(struct scene *s) { return aenc_score_features(s->model, &x, NULL, room, ROWS * IN); }
static aenc_status try_denoise(struct scene *s) { return aenc_denoising_score(s->model, &x, 1, room, ROWS * IN); }
static aenc_status try_jacobian(struct scene *s) { return aenc_jacobian_norm(s->other, &x, room, ROWS * IN); }
static aenc_status try_evaluate(struct scene *s) {
    double loss;
    return aenc_model_evaluate(s->model, &batch, &loss);
}
static aenc_status try_get(struct scene *s) {
    aenc_tensor *tensor;
    aenc_status status = aenc_model_tensor_get(s->model, "encoder.1.bias", &tensor);
    aenc_tensor_free(tensor);
    return status;
}
static aenc_status try_save(struct scene *s) {
    size_t size;
    return aenc_model_save_memory(s->model, NULL, 0, &size);
}
static int drop_bytes(void *user, const void *bytes, size_t size) {
    (void)user, (void)bytes, (void)size;
    return 0;
}
static aenc_status try_write(struct scene *s) { return aenc_model_write(s->model, drop_bytes, NULL); }
/* These fail for another reason where they are allowed. */
static aenc_status busy_or_good(aenc_status status) { return status == AENC_ERR_BUSY ? status : AENC_OK; }
static aenc_status try_save_file(struct scene *s) { return busy_or_good(aenc_model_save(s->model, "/nowhere/at/all")); }
static aenc_status try_load(struct scene *s) {
    aenc_model *model;
    return busy_or_good(aenc_model_load(s->ctx, "/nowhere/at/all", &model));
}
static aenc_status try_load_memory(struct scene *s) {
    aenc_model *model;
    return busy_or_good(aenc_model_load_memory(s->ctx, "", 0, &model));
}
static aenc_status try_parse(struct scene *s) {
    aenc_model *model;
    aenc_status status = aenc_model_parse(s->ctx, small, sizeof small - 1, &model);
    aenc_model_free(model);
    return status;
}
static aenc_status try_create(struct scene *s) {
    aenc_model *model;
    const aenc_model_options o = {.struct_size = sizeof o, .input = (const size_t[]){4}, .input_rank = 1,
                                  .encoder_widths = (const size_t[]){2}, .encoder_count = 1};
    aenc_status status = aenc_model_create(s->ctx, &o, &model);
    aenc_model_free(model);
    return status;
}
static aenc_status try_grow(struct scene *s) {
    aenc_model *model = NULL;
    aenc_layer *layer;
    aenc_status status = aenc_layer_create(s->ctx, "dense:units=2", &layer);
    if (status == AENC_OK) status = aenc_model_grow(s->model, layer, &model);
    aenc_layer_free(layer);
    aenc_model_free(model);
    return status;
}
static aenc_status try_pca(struct scene *s) {
    aenc_model *model;
    aenc_status status = aenc_pca_create(s->ctx, &x, NULL, &model);
    aenc_model_free(model);
    return status;
}
static aenc_status try_angles(struct scene *s) {
    double out[IN];
    return aenc_matrix_angles(s->ctx, &(aenc_matrix){data, 2, IN, 0}, &(aenc_matrix){data + 8, 2, IN, 0}, out, IN);
}
static aenc_status try_optimizer(struct scene *s) {
    aenc_optimizer *optimizer;
    aenc_status status = aenc_optimizer_create(s->model, "sgd", &optimizer);
    aenc_optimizer_free(optimizer);
    return status;
}
static aenc_status try_rate(struct scene *s) { return aenc_optimizer_set_learning_rate(s->others, 0.5); }
static aenc_status try_clipping(struct scene *s) { return aenc_optimizer_set_clipping(s->others, 1, 1); }
static aenc_status try_tensor(struct scene *s) {
    aenc_tensor *tensor;
    aenc_status status = aenc_tensor_create(s->ctx, AENC_TYPE_F32, NULL, 0, &tensor);
    aenc_tensor_free(tensor);
    return status;
}
static aenc_status try_runner(struct scene *s) {
    aenc_runner *runner;
    aenc_status status = aenc_runner_create(s->model, NULL, &runner);
    aenc_runner_free(runner);
    return status;
}
static aenc_status try_runner_size(struct scene *s) {
    size_t bytes;
    return aenc_runner_size(s->model, NULL, &bytes);
}
static aenc_status try_refresh(struct scene *s) { return aenc_runner_refresh(s->runner); }
static aenc_status try_detector(struct scene *s) {
    aenc_detector *detector;
    const aenc_detector_options o = {.struct_size = sizeof o, .steps = 2};
    aenc_status status = aenc_detector_create(s->ctx, &x, &o, &detector);
    aenc_detector_free(detector);
    return status;
}
static aenc_status try_detect(struct scene *s) { return aenc_detector_score(s->detector, &x, room, ROWS * IN); }
static aenc_status try_detect_features(struct scene *s) { return aenc_detector_score_features(s->detector, &x, room, ROWS * IN); }
static aenc_status try_detect_chance(struct scene *s) { return aenc_detector_probability(s->detector, &x, room, ROWS * IN); }
static aenc_status try_flag(struct scene *s) { return aenc_detector_flag(s->detector, &x, flags, ROWS); }
static aenc_status try_threshold_set(struct scene *s) { return aenc_detector_set_threshold(s->detector, 1); }
static aenc_status try_threshold(struct scene *s) {
    double out;
    return aenc_threshold(s->ctx, NULL, data, ROWS, &out);
}
static aenc_status try_auc(struct scene *s) {
    double out;
    return aenc_roc_auc(s->ctx, data, flags, ROWS, &out);
}
static aenc_status try_kmeans(struct scene *s) {
    const aenc_kmeans_options o = {.struct_size = sizeof o, .clusters = 2, .restarts = 1, .iterations = 2};
    return aenc_kmeans(s->ctx, &x, &o, room, ROWS * IN, NULL, 0, NULL);
}
static aenc_status try_probe(struct scene *s) {
    double accuracy;
    return aenc_probe(s->ctx, "knn:k=1", &x, labels, ROWS, &x, labels, ROWS, NULL, 0, &accuracy);
}
static aenc_status try_neighbours(struct scene *s) {
    int64_t index[ROWS];
    return aenc_neighbours(s->ctx, &x, NULL, 1, 0, index, NULL, ROWS);
}
static aenc_status try_between(struct scene *s) {
    const aenc_matrix row = {data, 1, IN, 0};
    return aenc_codes_interpolate(s->ctx, &row, &row, 2, 0, room, ROWS);
}
static aenc_status try_rates(struct scene *s) {
    aenc_rate_point point = {.struct_size = sizeof point};
    return aenc_rate_distortion(s->model, &x, (const double[]){0.5}, 1, 0, &point);
}
static aenc_node *identity(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    return aenc_node_affine(r, in, 1, 0);
}
static aenc_status try_register(struct scene *s) {
    char name[16];
    snprintf(name, sizeof name, "late%d", s->calls++);
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = name, .layer = identity};
    return aenc_register(s->ctx, &p);
}

static const struct {
    const char *name;
    attempt *call;
    bool allowed; /* from a callback between two steps, with `model` in training */
} attempts[] = {
    {"fit", try_fit, false}, {"fit of another", try_fit_other, false}, {"partial_fit", try_partial, false},
    {"fit_source", try_fit_source, false}, {"pretrain", try_pretrain, false}, {"pretrain_source", try_pretrain_source, false},
    {"distill", try_distill, false}, {"distill_source", try_distill_source, false}, {"sweep", try_sweep, false},
    {"pca_create_source", try_pca_source, false}, {"tensor_set", try_set, false}, {"copy", try_copy, false},
    {"freeze", try_freeze, false}, {"set_epochs", try_epochs, false}, {"gradients", try_gradients, false},
    {"step", try_step, false}, {"apply", try_apply, false}, {"check_gradients", try_check, false},
    {"tensor_set of another", try_set_other, true}, {"copy to another", try_copy_away, true},
    {"step of another", try_step_other, true}, {"encode", try_encode, true}, {"decode", try_decode, true},
    {"reconstruct", try_reconstruct, true}, {"score", try_score, true}, {"score_features", try_features, true},
    {"denoising_score", try_denoise, true}, {"jacobian_norm", try_jacobian, true}, {"evaluate", try_evaluate, true},
    {"tensor_get", try_get, true}, {"save_memory", try_save, true}, {"save", try_save_file, true}, {"write", try_write, true},
    {"load", try_load, true},
    {"load_memory", try_load_memory, true}, {"parse", try_parse, true}, {"create", try_create, true}, {"grow", try_grow, true},
    {"clone", try_clone, true},
    {"pca_create", try_pca, true}, {"matrix_angles", try_angles, true}, {"optimizer_create", try_optimizer, true},
    {"set_learning_rate", try_rate, true}, {"set_clipping", try_clipping, true}, {"tensor_create", try_tensor, true},
    {"runner_create", try_runner, true}, {"runner_size", try_runner_size, true}, {"runner_refresh", try_refresh, true},
    {"detector_create", try_detector, true}, {"detector_score", try_detect, true},
    {"detector_score_features", try_detect_features, true}, {"detector_probability", try_detect_chance, true},
    {"detector_flag", try_flag, true}, {"detector_set_threshold", try_threshold_set, true}, {"threshold", try_threshold, true},
    {"roc_auc", try_auc, true}, {"kmeans", try_kmeans, true}, {"probe", try_probe, true}, {"neighbours", try_neighbours, true},
    {"codes_interpolate", try_between, true}, {"rate_distortion", try_rates, true}, {"register", try_register, true},
};

static void attempt_all(struct scene *s) {
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        aenc_status got = attempts[i].call(s), want = attempts[i].allowed && !s->closed ? AENC_OK : AENC_ERR_BUSY;
        if (!CHECK(got == want))
            fprintf(stderr, "  %s answered %s: %s\n", attempts[i].name, aenc_status_name(got), aenc_message(s->ctx));
        *(want == AENC_OK ? &s->allowed : &s->refused) += 1;
    }
    aenc_model_forget_optimizer(s->model);
}

static struct scene scene_create(struct trial *t) {
    struct scene s = {.ctx = t->ctx, .model = t->model};
    const aenc_detector_options quick = {.struct_size = sizeof quick, .steps = 2};
    CHECK_STATUS(t->ctx, aenc_model_parse(t->ctx, small, sizeof small - 1, &s.other), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_optimizer_create(s.model, "adam", &s.optimizer), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_optimizer_create(s.other, "adam", &s.others), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_detector_create(t->ctx, &x, &quick, &s.detector), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_runner_create(s.other, NULL, &s.runner), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_tensor_create(t->ctx, AENC_TYPE_F32, (const size_t[]){2}, 1, &s.tensor), AENC_OK);
    return s;
}

static void scene_free(struct scene *s) {
    aenc_optimizer_free(s->optimizer);
    aenc_optimizer_free(s->others);
    aenc_detector_free(s->detector);
    aenc_runner_free(s->runner);
    aenc_tensor_free(s->tensor);
    aenc_model_free(s->other);
}

/* ---- Between two steps ---- */

static int in_progress(void *user, const aenc_progress *now) {
    struct scene *s = user;
    if (now->step == 2) attempt_all(s);
    return 0;
}

static int in_pretrain(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    (void)layer, (void)layers;
    return in_progress(user, now);
}

static void train(struct trial *t, int kind, struct scene *s) {
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = kind == 1 ? 0 : 2, .batch = 10};
    const aenc_pretrain_options stack = {.struct_size = sizeof stack, .fit = &o,
                                         .progress = s == NULL ? NULL : in_pretrain, .progress_user = s};
    if (kind != 2 && s != NULL) o.progress = in_progress, o.progress_user = s;
    if (kind == 0) CHECK_STATUS(t->ctx, aenc_fit(t->model, &x, &o), AENC_OK);
    if (kind == 1) CHECK_STATUS(t->ctx, aenc_partial_fit(t->model, &x, &o), AENC_OK);
    if (kind == 1) CHECK_STATUS(t->ctx, aenc_partial_fit(t->model, &x, &o), AENC_OK);
    if (kind == 2) CHECK_STATUS(t->ctx, aenc_pretrain(t->model, &x, &stack), AENC_OK);
}

static void test_between_steps(int kind, int64_t threads) {
    struct trial a = trial_create(small, 3, threads), b = trial_create(small, 3, 1);
    struct scene s = scene_create(&a);
    train(&a, kind, &s);
    train(&b, kind, NULL);
    CHECK(s.allowed > 30 && s.refused > 15);
    CHECK(trial_same(&a, &b));
    CHECK(aenc_model_history_count(a.model) == aenc_model_history_count(b.model));
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &once), AENC_OK); /* nobody is inside any longer */
    scene_free(&s);
    trial_free(&a);
    trial_free(&b);
}

/* ---- In the middle of the work ---- */

static int operate(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t cols = call->x_size[0];
    struct scene *s = user;
    memcpy(out, in, rows * cols * sizeof *in);
    if (s->ctx != NULL && aenc_encode(s->model, &x, room, ROWS * IN) != AENC_ERR_BUSY) s->allowed = 99999;
    return 0;
}

static aenc_node *watch(void *user, aenc_recorder *r, aenc_node *in) {
    struct scene *s = user;
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "watch", .user = s, .forward = operate};
    if (s->ctx != NULL && s->model != NULL) attempt_all(s);
    return aenc_node_operation(r, &operation, (aenc_node *[]){in}, 1, (const size_t[]){IN}, 1);
}

static void test_middle(int64_t threads) {
    static struct scene s; /* lives as long as the context */
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "watch", .user = &s, .layer = watch,
                           .mirror_role = AENC_MIRROR_OMITTED};
    struct trial t = trial_create(small, 3, threads);
    aenc_model *model;
    memset(&s, 0, sizeof s);
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &p), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, watched, sizeof watched - 1, &model), AENC_OK);
    s = scene_create(&t);
    s.closed = true;
    CHECK_STATUS(t.ctx, aenc_reconstruct(model, &x, room, ROWS * IN), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_evaluate(model, &batch, &(double){0}), AENC_OK);
    CHECK(s.refused >= 2 * sizeof attempts / sizeof *attempts && s.allowed == 0);
    scene_free(&s);
    memset(&s, 0, sizeof s);
    aenc_model_free(model);
    trial_free(&t);
}

/* ---- Freed by a plug-in in the middle of the work ---- */

static struct {
    struct memory memory;
    aenc_model *model; /* NULL: not yet, or no more */
} given_up;

static int give_up(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t cols = call->x_size[0];
    long blocks = given_up.memory.blocks;
    (void)user;
    memcpy(out, in, rows * cols * sizeof *in);
    aenc_model_free(given_up.model);
    given_up.model = NULL;
    CHECK(given_up.memory.blocks == blocks);
    return 0;
}

static aenc_node *giving_up(void *user, aenc_recorder *r, aenc_node *in) {
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "give_up", .user = user, .forward = give_up};
    return aenc_node_operation(r, &operation, (aenc_node *[]){in}, 1, (const size_t[]){IN}, 1);
}

static void test_given_up(void) {
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "watch", .layer = giving_up,
                           .mirror_role = AENC_MIRROR_OMITTED};
    aenc_context *ctx = memory_context(&given_up.memory, 3, 1);
    aenc_model *model;
    CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, watched, sizeof watched - 1, &model), AENC_OK);
    given_up.model = model;
    CHECK_STATUS(ctx, aenc_encode(model, &x, room, ROWS * IN), AENC_OK);
    CHECK(given_up.model == NULL);
    aenc_context_free(ctx);
    memory_check_empty(&given_up.memory);
}

/* ---- The mode of callbacks, which a refused call leaves alone ---- */

static int refused(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t cols = call->x_size[0];
    aenc_model *model = *(aenc_model **)user;
    memcpy(out, in, rows * cols * sizeof *in);
    if (model != NULL) CHECK(aenc_fit(model, &x, &once) == AENC_ERR_BUSY);
    return 0;
}

static aenc_node *refusing(void *user, aenc_recorder *r, aenc_node *in) {
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "refused", .user = user, .forward = refused};
    return aenc_node_operation(r, &operation, (aenc_node *[]){in}, 1, (const size_t[]){IN}, 1);
}

static int in_mode(void *user, const aenc_progress *now) {
    CHECK(fegetround() == FE_UPWARD);
    *(int64_t *)user += now->event == AENC_EVENT_STEP;
    return 0;
}

static void test_mode(void) {
    static aenc_model *model;
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "watch", .user = &model,
                           .layer = refusing, .mirror_role = AENC_MIRROR_OMITTED};
    int64_t steps = 0;
    const aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = 10, .progress = in_mode, .progress_user = &steps};
    struct trial t = trial_create(small, 3, 1);
    aenc_model *trained;
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &p), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, watched, sizeof watched - 1, &trained), AENC_OK);
    model = trained;
    fesetround(FE_UPWARD);
    CHECK_STATUS(t.ctx, aenc_fit(model, &x, &o), AENC_OK);
    CHECK(fegetround() == FE_UPWARD && steps == ROWS / 10);
    fesetround(FE_TONEAREST);
    model = NULL;
    aenc_model_free(trained);
    trial_free(&t);
}

/* A student's tasks compare with other rows than the caller has. */
static int in_distill(void *user, const aenc_progress *now) {
    const struct scene *s = user;
    double loss;
    aenc_runner *runner;
    const aenc_runner_options o = {.struct_size = sizeof o, .task = AENC_RUN_SCORE};
    if (now->step != 1) return 0;
    CHECK_STATUS(s->ctx, aenc_score(s->model, &x, &x, room, ROWS), AENC_ERR_BUSY);
    CHECK_STATUS(s->ctx, aenc_score_features(s->model, &x, &x, room, ROWS * IN), AENC_ERR_BUSY);
    CHECK_STATUS(s->ctx, aenc_model_evaluate(s->model, &batch, &loss), AENC_ERR_BUSY);
    CHECK_STATUS(s->ctx, aenc_runner_create(s->model, &o, &runner), AENC_ERR_BUSY);
    CHECK_STATUS(s->ctx, aenc_encode(s->model, &x, room, ROWS * IN), AENC_OK);
    CHECK_STATUS(s->ctx, aenc_score(s->other, &x, &x, room, ROWS), AENC_OK);
    CHECK_STATUS(s->ctx, aenc_model_freeze(s->other, "encoder", 1), AENC_ERR_BUSY);
    return 0;
}

static void test_distill(void) {
    struct trial t = trial_create(small, 3, 1);
    struct scene s = scene_create(&t);
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .progress = in_distill, .progress_user = &s};
    const aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit};
    CHECK_STATUS(t.ctx, aenc_distill(s.model, s.other, &x, &o), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_score(s.model, &x, &x, room, ROWS), AENC_OK);
    scene_free(&s);
    trial_free(&t);
}

/* ---- Freed by their own callbacks ---- */

static int leave(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t cols = call->x_size[0];
    aenc_runner **runner = user;
    memcpy(out, in, rows * cols * sizeof *in);
    if (*runner == NULL) return 0;
    CHECK(aenc_runner_run(*runner, &x, NULL, room, ROWS * IN) == AENC_ERR_BUSY && aenc_runner_refresh(*runner) == AENC_ERR_BUSY);
    aenc_runner_free(*runner);
    *runner = NULL;
    return 0;
}

static aenc_node *leaving(void *user, aenc_recorder *r, aenc_node *in) {
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "leave", .user = user, .forward = leave};
    return aenc_node_operation(r, &operation, (aenc_node *[]){in}, 1, (const size_t[]){IN}, 1);
}

static void test_runner(void) {
    static aenc_runner *runner;
    aenc_runner *first;
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "watch", .user = &runner,
                           .layer = leaving, .mirror_role = AENC_MIRROR_OMITTED};
    struct trial t = trial_create(small, 3, 1);
    aenc_model *model;
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &p), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, watched, sizeof watched - 1, &model), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_runner_create(model, NULL, &first), AENC_OK);
    runner = first;
    CHECK(aenc_runner_run(first, &x, NULL, room, ROWS * IN) == AENC_OK && runner == NULL);
    aenc_model_free(model);
    trial_free(&t);
}

struct goner {
    aenc_context *ctx;
    aenc_model *model, *teacher;
    aenc_source *source;
    size_t given;
    bool in_read, released;
};

static int free_all(void *user, const aenc_progress *now) {
    struct goner *g = user;
    (void)now;
    aenc_model_free(g->model);
    aenc_model_free(g->teacher);
    if (!g->in_read) aenc_source_free(g->source);
    if (!g->in_read) g->source = NULL;
    aenc_context_free(g->ctx);
    g->model = g->teacher = NULL, g->ctx = NULL;
    return 0;
}

static int read_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct goner *g = user;
    (void)target, (void)weight;
    CHECK(!g->released);
    if (g->in_read && g->given == 0) aenc_source_free(g->source);
    *got = rows < ROWS - g->given ? rows : ROWS - g->given;
    memcpy(input, data + g->given * IN, *got * IN * sizeof *input);
    g->given += *got;
    return 0;
}

static void release(void *user) { ((struct goner *)user)->released = true; }

static void test_freed(int kind) {
    struct goner g = {.in_read = kind == 1};
    aenc_context_options options = {.struct_size = sizeof options, .threads = 1 + kind % 2};
    const aenc_source_callbacks call = {.struct_size = sizeof call, .cols = IN, .rows = ROWS, .read = read_rows,
                                        .release = release, .user = &g};
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .batch = 8, .progress = free_all, .progress_user = &g};
    const aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit};
    aenc_status status;
    if (aenc_context_create(&options, &g.ctx) != AENC_OK) exit(2);
    CHECK_STATUS(g.ctx, aenc_model_parse(g.ctx, small, sizeof small - 1, &g.model), AENC_OK);
    if (kind == 2) CHECK_STATUS(g.ctx, aenc_model_parse(g.ctx, small, sizeof small - 1, &g.teacher), AENC_OK);
    CHECK_STATUS(g.ctx, aenc_source_callback(g.ctx, &call, &g.source), AENC_OK);
    if (kind == 2) status = aenc_distill_source(g.model, g.teacher, g.source, &o);
    else status = aenc_fit_source(g.model, g.source, &fit);
    CHECK(status == AENC_OK && g.released && g.given == ROWS);
}

int main(void) {
    trial_fill(data, ROWS * IN, 5);
    for (int i = 0; i < ROWS; i++) labels[i] = i % 2, flags[i] = i % 2 != 0;
    for (int kind = 0; kind < 3; kind++) test_between_steps(kind, 1 + kind % 2);
    for (int threads = 1; threads <= 3; threads += 2) test_middle(threads);
    test_given_up();
    test_mode();
    test_distill();
    test_runner();
    for (int kind = 0; kind < 3; kind++) test_freed(kind);
    return check_finish();
}
