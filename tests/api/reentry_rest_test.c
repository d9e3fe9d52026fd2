/* reentry_rest_test.c - the calls that reentry_test.c has not: between two steps of a training they work, but for what changes a
 * model in use; in the middle of the work they are AENC_ERR_BUSY, but for those that only look. */
#include <autoenc/ops.h>

#include "train/trial.h"

enum { ROWS = 40, IN = 4 };

static const char small[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                            "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}";
static const char head[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3},\"loss\":\"cross_entropy:classes=3\"}";
static const char drawn[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3},\"bottleneck\":{\"type\":\"gaussian\","
                            "\"units\":2}}";
static const char line[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2}}";
static const char watched[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"watch\"},"
                              "{\"type\":\"dense\",\"units\":2}]}}";
static float data[ROWS * IN], room[ROWS * IN * 4];
static int32_t labels[ROWS];
static uint8_t flags[ROWS];
static const aenc_matrix x = {data, ROWS, IN, 0}, pair = {data, 2, IN, 0}, code = {data, 2, 2, IN}, one = {data, 1, 2, 0};

struct scene {
    aenc_context *ctx;
    aenc_model *model, *classes, *line, *drawn; /* the first is in use */
    aenc_detector *detector;
    aenc_source *source;
    aenc_tensor *tensor;
    aenc_runner *runner;
    aenc_layer *container, *layer;
    bool closed;
    int rounds;
};

typedef aenc_status attempt(struct scene *s);

static aenc_status try_accuracy(struct scene *s) {
    double share;
    return aenc_accuracy(s->classes, &x, labels, ROWS, &share);
}
static aenc_status try_classify(struct scene *s) { return aenc_classify(s->classes, &x, labels, ROWS); }
static aenc_status try_chances(struct scene *s) { return aenc_class_probabilities(s->classes, &x, room, ROWS * 3); }
static aenc_status try_precision(struct scene *s) {
    double out;
    return aenc_average_precision(s->ctx, data, flags, ROWS, &out);
}
static aenc_status try_curve(struct scene *s) {
    size_t points;
    return aenc_curve(s->ctx, data, flags, ROWS, NULL, 0, &points);
}
static aenc_status try_recall(struct scene *s) {
    double out;
    return aenc_precision_recall(s->ctx, data, flags, ROWS, 0, &out, &out);
}
static aenc_status try_attribute(struct scene *s) {
    for (int i = 0; i < ROWS; i++) labels[i] = i % 3;
    return aenc_codes_attribute(s->ctx, &x, labels, ROWS, 0, 1, room, IN);
}
static aenc_status try_combine(struct scene *s) { return aenc_codes_combine(s->ctx, &code, &pair, room, 2 * IN); }
static aenc_status try_quantiles(struct scene *s) {
    return aenc_codes_quantiles(s->ctx, &x, (const double[]){0.5}, 1, room, IN);
}
static aenc_status try_walk(struct scene *s) { return aenc_codes_traverse(s->ctx, &one, &code, 2, room, ROWS); }
static aenc_status try_traverse(struct scene *s) { return aenc_traverse(s->model, &one, &code, 2, room, ROWS); }
static aenc_status try_interpolate(struct scene *s) { return aenc_interpolate(s->model, &pair, &pair, 2, 0, room, ROWS); }
static aenc_status try_tsne(struct scene *s) {
    const aenc_tsne_options o = {.struct_size = sizeof o, .iterations = 2};
    return aenc_tsne(s->ctx, &x, &o, room, ROWS * 2, NULL);
}
static aenc_status try_trust(struct scene *s) {
    double out;
    return aenc_trustworthiness(s->ctx, &x, &x, 2, &out);
}
static aenc_status try_angles(struct scene *s) {
    double out[2];
    return aenc_subspace_angles(s->ctx, s->line, s->line, out, 2);
}
static aenc_status busy_or_good(aenc_status status) { return status == AENC_ERR_BUSY ? status : AENC_OK; }
static aenc_status try_detector_save(struct scene *s) { return busy_or_good(aenc_detector_save(s->detector, "/nowhere/at/all")); }
static aenc_status try_detector_load(struct scene *s) {
    aenc_detector *detector;
    return busy_or_good(aenc_detector_load(s->ctx, "/nowhere/at/all", &detector));
}
static aenc_status try_layer_add(struct scene *s) { return aenc_layer_add(s->container, s->layer); }
static aenc_status try_port(struct scene *s) {
    aenc_port port = {.struct_size = sizeof port};
    return aenc_model_port(s->line, 0, &port);
}
static aenc_status try_port_needs(struct scene *s) {
    int32_t needed;
    return aenc_model_port_needs(s->line, "score", "input", &needed);
}
static aenc_array array_of(const char *name, size_t cols) {
    static size_t dims[2] = {ROWS, 0};
    dims[1] = cols;
    return (aenc_array){.struct_size = sizeof(aenc_array), .name = name, .data = cols == IN ? (void *)data : (void *)room,
                        .size = cols == IN ? sizeof data : sizeof room, .dims = dims, .rank = 2};
}
static aenc_status try_run(struct scene *s) {
    const aenc_array in = array_of("input", IN), *ins[] = {&in};
    aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                      .dims = (const size_t[]){ROWS, 2}, .rank = 2};
    const aenc_array *outs[] = {&out};
    return aenc_run(s->line, NULL, ins, 1, outs, 1);
}
/* A runner is on its own: whatever its context does, it runs. */
static aenc_status try_arrays_run(struct scene *s) {
    const aenc_array in = array_of("input", IN), *ins[] = {&in};
    aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                      .dims = (const size_t[]){ROWS, 2}, .rank = 2};
    const aenc_array *outs[] = {&out};
    return aenc_runner_run_arrays(s->runner, ins, 1, outs, 1);
}
static aenc_status try_sample(struct scene *s) {
    aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                      .dims = (const size_t[]){ROWS, 2}, .rank = 2};
    const aenc_array *outs[] = {&out};
    return aenc_sample(s->drawn, NULL, NULL, 0, outs, 1);
}
static aenc_status try_posterior(struct scene *s) {
    const aenc_array in = array_of("input", IN), *ins[] = {&in};
    aenc_posterior out = {.struct_size = sizeof out};
    return aenc_posterior_measure(s->drawn, NULL, ins, 1, &out);
}
static aenc_status try_run_source(struct scene *s) {
    aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                      .dims = (const size_t[]){ROWS, 2}, .rank = 2};
    const aenc_array *outs[] = {&out};
    return aenc_run_source(s->line, NULL, s->source, outs, 1, NULL);
}
static aenc_status made(aenc_status status, aenc_source *source) {
    aenc_source_free(source);
    return status;
}
static aenc_status try_arrays(struct scene *s) {
    const aenc_array in = array_of("input", IN), *ins[] = {&in};
    aenc_source *source;
    aenc_status status = aenc_source_arrays(s->ctx, ins, 1, &source);
    return made(status, source);
}
static aenc_status try_files(struct scene *s) {
    aenc_source *source;
    aenc_status status = aenc_source_files(s->ctx, (const char *const[]){"input"}, (const char *const[]){"/nowhere"}, 1, &source);
    return busy_or_good(made(status, source));
}
static aenc_status try_npy(struct scene *s) {
    aenc_source *source;
    aenc_status status = aenc_source_npy(s->ctx, "/nowhere", &source);
    return busy_or_good(made(status, source));
}
static int fill(void *user, aenc_fill *f) {
    (void)user;
    f->got = 0;
    return 0;
}
static int give(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)input, (void)target, (void)weight, (void)rows;
    *got = 0;
    return 0;
}
static aenc_status try_stream(struct scene *s) {
    const aenc_array in = {.struct_size = sizeof in, .name = "input", .dims = (const size_t[]){IN}, .rank = 1}, *ins[] = {&in};
    const aenc_stream stream = {.struct_size = sizeof stream, .fields = ins, .field_count = 1, .read = fill};
    aenc_source *source;
    aenc_status status = aenc_source_stream(s->ctx, &stream, &source);
    return made(status, source);
}
static aenc_status try_callback(struct scene *s) {
    const aenc_source_callbacks stream = {.struct_size = sizeof stream, .cols = IN, .read = give};
    aenc_source *source;
    aenc_status status = aenc_source_callback(s->ctx, &stream, &source);
    return made(status, source);
}
static int swallow(void *user, const void *bytes, size_t size) {
    (void)user, (void)bytes, (void)size;
    return 0;
}
static aenc_status try_detector_write(struct scene *s) { return aenc_detector_write(s->detector, swallow, NULL); }
static aenc_status try_detector_memory(struct scene *s) {
    size_t size;
    return aenc_detector_save_memory(s->detector, NULL, 0, &size);
}
static aenc_status try_detector_load_memory(struct scene *s) {
    aenc_detector *detector;
    return busy_or_good(aenc_detector_load_memory(s->ctx, "x", 1, &detector));
}
static aenc_status try_optimizer_memory(struct scene *s) {
    size_t size;
    return busy_or_good(aenc_model_save_optimizer_memory(s->line, NULL, NULL, 0, &size));
}
static aenc_status try_optimizer_save(struct scene *s) {
    return busy_or_good(aenc_model_save_optimizer(s->line, NULL, "/nowhere/o.safetensors"));
}
static aenc_status try_optimizer_load(struct scene *s) {
    return busy_or_good(aenc_model_load_optimizer(s->line, NULL, "/nowhere/o.safetensors"));
}
static aenc_status try_optimizer_load_memory(struct scene *s) {
    return busy_or_good(aenc_model_load_optimizer_memory(s->line, NULL, "x", 1));
}
static aenc_status try_tensors_load(struct scene *s) {
    return busy_or_good(aenc_model_load_tensors(s->line, "", "/nowhere/o.safetensors"));
}
static aenc_status try_tensors_load_memory(struct scene *s) {
    return busy_or_good(aenc_model_load_tensors_memory(s->line, "", "x", 1));
}
static aenc_status try_tensor_info(struct scene *s) {
    aenc_tensor_info info = {.struct_size = sizeof info};
    return aenc_model_tensor_info(s->line, 0, &info);
}
/* These only look at what is there, or at what is the caller's alone. */
static aenc_status try_history(struct scene *s) {
    aenc_progress now = {.struct_size = sizeof now};
    return aenc_model_history(s->line, 0, &now);
}
static aenc_status try_history_term(struct scene *s) {
    double out;
    return aenc_model_history_term(s->line, 0, 0, &out);
}
static aenc_status try_history_term_valid(struct scene *s) {
    double out;
    return aenc_model_history_term_valid(s->line, 0, 0, &out);
}
static aenc_status try_tensor_read(struct scene *s) { return aenc_tensor_read(s->tensor, room, 2); }
static aenc_status try_tensor_write(struct scene *s) { return aenc_tensor_write(s->tensor, data, 2); }
static aenc_status try_gradient(struct scene *s) {
    aenc_tensor *tensor;
    aenc_status status = aenc_model_gradient_get(s->line, aenc_model_parameter_name(s->line, 0), &tensor);
    aenc_tensor_free(tensor);
    return status;
}
static aenc_status try_gradient_set(struct scene *s) {
    const char *name = aenc_model_parameter_name(s->line, 0);
    aenc_tensor *tensor;
    (void)aenc_model_gradient_get(s->line, name, &tensor);
    aenc_status status = aenc_model_gradient_set(s->line, name, tensor);
    aenc_tensor_free(tensor);
    return status;
}

enum when { BETWEEN, ALWAYS, NEVER };
static const struct {
    const char *name;
    attempt *call;
    enum when when; /* it is allowed */
} attempts[] = {
    {"accuracy", try_accuracy, BETWEEN}, {"classify", try_classify, BETWEEN}, {"class_probabilities", try_chances, BETWEEN},
    {"average_precision", try_precision, BETWEEN}, {"curve", try_curve, BETWEEN}, {"precision_recall", try_recall, BETWEEN},
    {"codes_attribute", try_attribute, BETWEEN}, {"codes_combine", try_combine, BETWEEN},
    {"codes_quantiles", try_quantiles, BETWEEN}, {"codes_traverse", try_walk, BETWEEN}, {"traverse", try_traverse, BETWEEN},
    {"interpolate", try_interpolate, BETWEEN}, {"tsne", try_tsne, BETWEEN}, {"trustworthiness", try_trust, BETWEEN},
    {"subspace_angles", try_angles, BETWEEN}, {"detector_save", try_detector_save, BETWEEN},
    {"detector_load", try_detector_load, BETWEEN}, {"layer_add", try_layer_add, BETWEEN}, {"model_port", try_port, BETWEEN},
    {"model_port_needs", try_port_needs, BETWEEN}, {"run", try_run, BETWEEN}, {"sample", try_sample, BETWEEN}, {"posterior_measure", try_posterior, BETWEEN}, {"run_source", try_run_source, NEVER},
    {"source_arrays", try_arrays, BETWEEN}, {"source_files", try_files, BETWEEN}, {"source_npy", try_npy, BETWEEN},
    {"source_stream", try_stream, BETWEEN}, {"source_callback", try_callback, BETWEEN}, {"history", try_history, ALWAYS},
    {"detector_write", try_detector_write, BETWEEN}, {"detector_save_memory", try_detector_memory, BETWEEN},
    {"detector_load_memory", try_detector_load_memory, BETWEEN}, {"model_save_optimizer_memory", try_optimizer_memory, BETWEEN},
    {"model_save_optimizer", try_optimizer_save, BETWEEN}, {"model_load_optimizer", try_optimizer_load, BETWEEN},
    {"model_load_tensors", try_tensors_load, BETWEEN}, {"model_load_tensors_memory", try_tensors_load_memory, BETWEEN},
    {"model_load_optimizer_memory", try_optimizer_load_memory, BETWEEN}, {"tensor_info", try_tensor_info, ALWAYS},
    {"history_term", try_history_term, ALWAYS}, {"history_term_valid", try_history_term_valid, ALWAYS}, {"tensor_read", try_tensor_read, ALWAYS},
    {"tensor_write", try_tensor_write, ALWAYS}, {"runner_run_arrays", try_arrays_run, ALWAYS}, {"gradient_get", try_gradient, BETWEEN},
    {"gradient_set", try_gradient_set, BETWEEN},
};

static void attempt_all(struct scene *s) {
    s->rounds++;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        bool allowed = attempts[i].when == ALWAYS || (attempts[i].when == BETWEEN && !s->closed);
        aenc_status got = attempts[i].call(s), want = allowed ? AENC_OK : AENC_ERR_BUSY;
        if (!CHECK(got == want))
            fprintf(stderr, "  %s%s answered %s: %s\n", s->closed ? "closed: " : "", attempts[i].name, aenc_status_name(got),
                    aenc_message(s->ctx));
    }
}

static int in_progress(void *user, const aenc_progress *now) {
    if (now->step == 2) attempt_all(user);
    return 0;
}

static int in_step(void *user, aenc_sums *sums) {
    (void)sums;
    attempt_all(user);
    return 0;
}

static aenc_node *watch(void *user, aenc_recorder *r, aenc_node *in) {
    struct scene *s = user;
    if (s->closed) attempt_all(s);
    return aenc_node_affine(r, in, 1, 0);
}

static void scene_create(struct trial *t, struct scene *s) {
    const aenc_detector_options quick = {.struct_size = sizeof quick, .steps = 2};
    const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, IN, 0}};
    const aenc_fit_options once = {.struct_size = sizeof once, .epochs = 1};
    *s = (struct scene){.ctx = t->ctx, .model = t->model};
    CHECK_STATUS(t->ctx, aenc_model_parse(t->ctx, head, sizeof head - 1, &s->classes), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_model_parse(t->ctx, drawn, sizeof drawn - 1, &s->drawn), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_model_parse(t->ctx, line, sizeof line - 1, &s->line), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_fit(s->line, &x, &once), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_model_gradients(s->line, &batch, NULL), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_detector_create(t->ctx, &x, &quick, &s->detector), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_source_matrix(t->ctx, &x, &s->source), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_tensor_create(t->ctx, AENC_TYPE_F32, (const size_t[]){2}, 1, &s->tensor), AENC_OK);
    const aenc_runner_options encode = {.struct_size = sizeof encode, .task = AENC_RUN_ENCODE};
    CHECK_STATUS(t->ctx, aenc_runner_create(s->line, &encode, &s->runner), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_layer_create(t->ctx, "sequential", &s->container), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_layer_create(t->ctx, "dense:units=2", &s->layer), AENC_OK);
}

static void scene_free(struct scene *s) {
    aenc_layer_free(s->layer);
    aenc_layer_free(s->container);
    aenc_runner_free(s->runner);
    aenc_tensor_free(s->tensor);
    aenc_source_free(s->source);
    aenc_detector_free(s->detector);
    aenc_model_free(s->drawn);
    aenc_model_free(s->line);
    aenc_model_free(s->classes);
}

static void test(int64_t threads) {
    static struct scene s; /* lives as long as the context */
    struct trial a = trial_create(small, 3, threads), b = trial_create(small, 3, 1);
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "watch", .user = &s, .layer = watch,
                           .mirror_role = AENC_MIRROR_OMITTED};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 2, .batch = 10};
    aenc_model *model;
    scene_create(&a, &s);
    CHECK_STATUS(a.ctx, aenc_register(a.ctx, &p), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_model_parse(a.ctx, watched, sizeof watched - 1, &model), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &o), AENC_OK);
    o.progress = in_progress, o.progress_user = &s;
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &o), AENC_OK);
    CHECK(trial_same(&a, &b) && s.rounds == 2);
    s.closed = true;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &(aenc_fit_options){.struct_size = sizeof o, .epochs = 1, .batch = 10}), AENC_OK);
    o = (aenc_fit_options){.struct_size = sizeof o, .epochs = 1, .batch = 10, .reduce = in_step, .reduce_user = &s};
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &o), AENC_OK);
    CHECK(trial_same(&a, &b) && s.rounds > 2);
    s.rounds = 2;
    CHECK_STATUS(a.ctx, aenc_reconstruct(model, &x, room, ROWS * IN), AENC_OK);
    CHECK(s.rounds > 2);
    s.closed = false;
    aenc_model_free(model);
    scene_free(&s);
    trial_free(&a);
    trial_free(&b);
}

int main(void) {
    trial_fill(data, ROWS * IN, 17);
    for (int i = 0; i < ROWS; i++) labels[i] = i % 3, flags[i] = (uint8_t)(i % 2);
    test(1);
    test(3);
    return check_finish();
}
