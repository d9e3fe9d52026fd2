/* stack_test.c - parameters copied by name, networks trained layer by layer, deepened, and taught by others. */
#include "train/trial.h"

enum { ROWS = 48, COLS = 6, ROOM = 4096 };

static const char deep[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
    "\"sigmoid\"},{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"sigmoid\"},"
    "{\"type\":\"dense\",\"units\":3}]}}";
static const char head[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
    "\"relu\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"relu\"}]},\"loss\":\"cross_entropy:classes=3\"}";

static float numbers[ROWS * COLS];
static const aenc_matrix x = {numbers, ROWS, COLS, 0};

static bool says(const struct trial *t, const char *words) {
    bool found = strstr(aenc_message(t->ctx), words) != NULL;
    if (!found) fprintf(stderr, "  wanted '%s' in: %s\n", words, aenc_message(t->ctx));
    return found;
}

/* The numbers of one parameter of each are the same bits. */
static bool same(const struct trial *a, const char *first, const struct trial *b, const char *second) {
    float p[ROOM], q[ROOM];
    size_t count = trial_read(a, first, p, ROOM);
    return trial_read(b, second, q, ROOM) == count && memcmp(p, q, count * sizeof *p) == 0;
}

/* ---- Copying ---- */

static void test_copy(void) {
    struct trial a = trial_create(deep, 1, 1), b = trial_create(deep, 2, 1);
    CHECK(!trial_same(&a, &b));
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "encoder.2", a.model, "encoder.2"), AENC_OK);
    CHECK(same(&b, "encoder.2.weight", &a, "encoder.2.weight") && same(&b, "encoder.2.bias", &a, "encoder.2.bias"));
    CHECK(!same(&b, "encoder.3.weight", &a, "encoder.3.weight"));
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "", a.model, ""), AENC_OK);
    CHECK(trial_same(&a, &b));
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "decoder.0.bias", a.model, "encoder.2.bias"), AENC_OK);
    CHECK(same(&b, "decoder.0.bias", &a, "encoder.2.bias"));
    trial_free(&a);
    trial_free(&b);
}

/* What fits comes first in the order: it is not copied either. */
static void test_copy_refused(void) {
    struct trial a = trial_create(deep, 1, 1), b = trial_create(head, 2, 1), again = trial_create(head, 2, 1);
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "encoder", a.model, "encoder"), AENC_ERR_SHAPE);
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "decoder.0", a.model, "encoder.1.bias"), AENC_ERR_ARGUMENT);
    CHECK(says(&b, "no 'decoder.0' for 'encoder.1.bias'"));
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "encoder.1", a.model, "encoder.3"), AENC_ERR_SHAPE);
    CHECK(says(&b, "'encoder.3.weight' of shape (3, 4) cannot be copied to 'encoder.1.weight' of shape (4, 5)"));
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "", a.model, "enc"), AENC_ERR_ARGUMENT);
    CHECK(says(&b, "'enc'"));
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, NULL, a.model, ""), AENC_ERR_ARGUMENT);
    CHECK(aenc_model_copy(NULL, "", a.model, "") == AENC_ERR_ARGUMENT);
    CHECK(trial_same(&b, &again));
    trial_free(&a);
    trial_free(&b);
    trial_free(&again);
}

/* ---- Pretraining ---- */

struct heard {
    int64_t epochs[3], layers;
    int64_t stop_layer;
};

static int hear(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    struct heard *heard = user;
    heard->layers = layers;
    if (now->event == AENC_EVENT_EPOCH) heard->epochs[layer - 1]++;
    return layer == heard->stop_layer;
}

/* A layer trained by hand, as an autoencoder of its own, ends with the same bits as the first layer of the stack. */
static void test_first_layer(void) {
    static const char alone[] =
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
        "\"sigmoid\"},{\"type\":\"batch_norm\"}]},\"loss\":\"mse\"}";
    struct trial stack = trial_create(deep, 3, 1), layer = trial_create(alone, 3, 2), fresh = trial_create(deep, 3, 1);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .batch = 10};
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = &fit, .count = 1};
    CHECK_STATUS(stack.ctx, aenc_pretrain(stack.model, &x, &options), AENC_OK);
    CHECK_STATUS(layer.ctx, aenc_fit(layer.model, &x, &fit), AENC_OK);
    CHECK(same(&stack, "encoder.0.weight", &layer, "encoder.0.weight"));
    CHECK(same(&stack, "encoder.1.running_mean", &layer, "encoder.1.running_mean"));
    CHECK(same(&stack, "encoder.2.weight", &fresh, "encoder.2.weight"));
    CHECK(same(&stack, "decoder.3.weight", &layer, "decoder.0.weight")); /* behind two of dense and a batch_norm */
    CHECK(same(&stack, "decoder.0.weight", &fresh, "decoder.0.weight"));
    trial_free(&stack);
    trial_free(&layer);
    trial_free(&fresh);
}

static void test_layers(void) {
    struct trial a = trial_create(deep, 4, 1), b = trial_create(deep, 4, 2), fresh = trial_create(deep, 4, 1);
    double losses[3] = {0, 0, 0};
    struct heard heard = {0};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 4, .batch = 10};
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = &fit, .losses = losses, .loss_count = 3,
                                     .progress = hear, .progress_user = &heard};
    CHECK_STATUS(a.ctx, aenc_pretrain(a.model, &x, &options), AENC_OK);
    CHECK(heard.layers == 3);
    for (int i = 0; i < 3; i++) CHECK(heard.epochs[i] == 4 && losses[i] > 0);
    for (int i = 0; i < 4; i += i == 0 ? 2 : 1) {
        char name[32];
        snprintf(name, sizeof name, "encoder.%d.weight", i);
        CHECK(!same(&a, name, &fresh, name));
    }
    CHECK(!same(&a, "decoder.0.weight", &fresh, "decoder.0.weight"));
    /* on more threads; and the layers one call after the other */
    for (options.first = 0; options.first < 3; options.first++) {
        options.count = 1;
        CHECK_STATUS(b.ctx, aenc_pretrain(b.model, &x, &options), AENC_OK);
    }
    CHECK(trial_same(&a, &b));
    trial_free(&a);
    trial_free(&b);
    trial_free(&fresh);
}

/* What a callback sees of the model's terms: those of the layer in training. */
struct seen_terms {
    const aenc_model *model;
    bool own; /* the layers have the model's penalties */
    int epochs;
};

static int terms_see(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    struct seen_terms *seen = user;
    double reconstruction = aenc_model_term_value(seen->model, 0), penalty = aenc_model_term_value(seen->model, 1);
    (void)layer;
    (void)layers;
    if (now->event != AENC_EVENT_EPOCH) return 0;
    seen->epochs++;
    if (seen->own) {
        CHECK(reconstruction > 0 && penalty > 0);
        CHECK_NEAR(reconstruction + penalty, now->train_loss, 1e-9);
    } else
        CHECK(isnan(reconstruction) && isnan(penalty));
    return 0;
}

static void test_terms(void) {
    static const char sparse[] =
        "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},"
        "{\"type\":\"dense\",\"units\":4}]},\"penalties\":[\"l1:weight=0.1\"]}";
    static const char *const others[][2] = {{"l1:weight=0.1", "l1:weight=0.2"}, {"l1:weight=0.2", NULL}};
    for (int i = 0; i < 3; i++) {
        struct trial t = trial_create(sparse, 3, 1);
        struct seen_terms seen = {.model = t.model, .own = i == 0};
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .batch = 10};
        aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit, .progress = terms_see, .progress_user = &seen};
        if (i > 0) o.penalties = others[i - 1], o.penalty_count = i == 1 ? 2 : 1;
        CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &o), AENC_OK);
        CHECK(seen.epochs == 4);
        for (size_t k = 0; k < 2; k++) CHECK(isnan(aenc_model_term_value(t.model, k)));
        trial_free(&t);
    }
}

static void test_stop_and_frozen(void) {
    struct trial t = trial_create(head, 5, 1), fresh = trial_create(head, 5, 1);
    struct heard heard = {.stop_layer = 1};
    aenc_pretrain_options options = {.struct_size = sizeof options, .progress = hear, .progress_user = &heard};
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &options), AENC_OK);
    CHECK(!same(&t, "encoder.0.weight", &fresh, "encoder.0.weight"));
    CHECK(same(&t, "encoder.1.weight", &fresh, "encoder.1.weight") && heard.epochs[1] == 0);
    CHECK_STATUS(fresh.ctx, aenc_model_freeze(fresh.model, "encoder.0", 1), AENC_OK);
    struct trial frozen = trial_create(head, 5, 1);
    CHECK_STATUS(fresh.ctx, aenc_pretrain(fresh.model, &x, NULL), AENC_OK);
    CHECK(same(&fresh, "encoder.0.weight", &frozen, "encoder.0.weight"));
    CHECK(!same(&fresh, "encoder.1.weight", &frozen, "encoder.1.weight"));
    CHECK(same(&fresh, "decoder.0.weight", &frozen, "decoder.0.weight"));
    aenc_model_cancel(t.model);
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, NULL), AENC_OK);
    trial_free(&t);
    trial_free(&fresh);
    trial_free(&frozen);
}

static void test_pretrain_refused(void) {
    struct trial t = trial_create(deep, 6, 1), again = trial_create(deep, 6, 1);
    aenc_matrix narrow = {numbers, ROWS, COLS - 1, COLS};
    aenc_fit_options fit = {.struct_size = sizeof fit, .target = &x};
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit};
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "aenc_fit_options.target"));
    fit = (aenc_fit_options){.struct_size = sizeof fit, .optimizer = "adamm"};
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "adamm"));
    o = (aenc_pretrain_options){.struct_size = sizeof o, .first = 2, .count = 2};
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "first is 2 and count 2; the encoder has 3"));
    o = (aenc_pretrain_options){.struct_size = sizeof o, .loss = "msee"};
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "msee"));
    const char *const corruptions[] = {"maskk"};
    o = (aenc_pretrain_options){.struct_size = sizeof o, .corruptions = corruptions, .corruption_count = 1};
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "maskk"));
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &narrow, NULL), AENC_ERR_SHAPE);
    CHECK(aenc_pretrain(NULL, &x, NULL) == AENC_ERR_ARGUMENT);
    CHECK(trial_same(&t, &again));
    trial_free(&t);
    trial_free(&again);
}

/* ---- Growing ---- */

static double largest_change(const struct trial *t, aenc_model *grown) {
    float before[ROWS * COLS], after[ROWS * COLS];
    double most = 0;
    CHECK_STATUS(t->ctx, aenc_reconstruct(t->model, &x, before, ROWS * COLS), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_reconstruct(grown, &x, after, ROWS * COLS), AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) most = check_larger(most, fabs((double)(after[i] - before[i])));
    return most;
}

static aenc_model *grow(const struct trial *t, const char *spec) {
    aenc_layer *layer;
    aenc_model *grown;
    CHECK_STATUS(t->ctx, aenc_layer_create(t->ctx, spec, &layer), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_model_grow(t->model, layer, &grown), AENC_OK);
    aenc_layer_free(layer);
    return grown;
}

static void test_grow(void) {
    struct trial t = trial_create(deep, 7, 1);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_OK);
    static const struct {
        const char *spec;
        size_t code;
        bool preserves;
    } cases[] = {{"dense:units=3", 3, true},  {"dense:units=5", 5, true},
                 {"dense:units=2", 2, false}, {"dense:units=3,init=he_normal", 3, false},
                 {"dense:units=3,activation=tanh", 3, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial grown = {t.ctx, grow(&t, cases[i].spec)};
        CHECK(aenc_model_code_size(grown.model) == cases[i].code);
        CHECK((largest_change(&t, grown.model) < 1e-5) == cases[i].preserves);
        CHECK(same(&t, "encoder.3.weight", &grown, "encoder.3.weight"));
        CHECK(same(&t, "encoder.1.running_var", &grown, "encoder.1.running_var"));
        CHECK(same(&t, "decoder.0.weight", &grown, "decoder.1.weight"));
        CHECK_STATUS(t.ctx, aenc_fit(grown.model, &x, &fit), AENC_OK);
        aenc_model_free(grown.model);
    }
    trial_free(&t);
}

/* relu passes the codes of relu; a head that fits is kept. */
static void test_grow_others(void) {
    static const char rectified[] =
        "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4,\"activation\":\"relu\"}}";
    struct trial t = trial_create(rectified, 8, 1), classes = trial_create(head, 8, 1);
    aenc_model *grown = grow(&t, "dense:units=4,activation=relu");
    CHECK(largest_change(&t, grown) < 1e-6);
    CHECK(strstr(aenc_model_description(grown), "\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
                                                "\"units\":4,\"activation\":\"relu\"}") != NULL);
    aenc_model_free(grown);
    struct trial deeper = {classes.ctx, grow(&classes, "dense:units=4")};
    CHECK(same(&classes, "decoder.0.weight", &deeper, "decoder.0.weight"));
    CHECK(aenc_model_class_count(deeper.model) == 3);
    aenc_model_free(deeper.model);
    aenc_layer *none;
    CHECK_STATUS(t.ctx, aenc_layer_create(t.ctx, "sequential", &none), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_grow(t.model, none, &grown), AENC_ERR_ARGUMENT);
    CHECK(grown == NULL && says(&t, "no layer"));
    CHECK_STATUS(t.ctx, aenc_model_grow(t.model, NULL, &grown), AENC_ERR_ARGUMENT);
    CHECK(aenc_model_grow(NULL, none, &grown) == AENC_ERR_ARGUMENT && grown == NULL);
    aenc_layer_free(none);
    trial_free(&t);
    trial_free(&classes);
}

/* ---- Distillation ---- */

static const char small[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3}}";
static const char other[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2}}";

/* A linear student learns a linear teacher wholly: its code too, which reconstruction alone would not decide. */
static void test_distill(void) {
    struct trial student = trial_create(small, 10, 1);
    aenc_model *teacher;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 11};
    aenc_context *ctx;
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, small, strlen(small), &teacher), AENC_OK);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 400, .batch = ROWS, .optimizer = "adam:lr=0.02"};
    double output = -1, code = -1;
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_loss = &output, .code_loss = &code};
    CHECK_STATUS(student.ctx, aenc_distill(student.model, teacher, &x, &o), AENC_OK);
    CHECK(output >= 0 && output < 1e-4 && code >= 0 && code < 1e-4);
    float want[ROWS * 3], got[ROWS * 3];
    CHECK_STATUS(ctx, aenc_encode(teacher, &x, want, ROWS * 3), AENC_OK);
    CHECK_STATUS(student.ctx, aenc_encode(student.model, &x, got, ROWS * 3), AENC_OK);
    for (int i = 0; i < ROWS * 3; i++) CHECK_NEAR(got[i], want[i], 0.1);
    /* afterwards it is a model like any other */
    aenc_fit_options plain = {.struct_size = sizeof plain, .epochs = 1, .target = &x};
    CHECK_STATUS(student.ctx, aenc_fit(student.model, &x, &plain), AENC_OK);
    aenc_model_free(teacher);
    aenc_context_free(ctx);
    trial_free(&student);
}

static void test_distill_sizes(void) {
    struct trial t = trial_create(other, 12, 1), b = trial_create(head, 12, 1);
    struct trial teacher = trial_create(small, 13, 1);
    double code = 0;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .valid = &x, .patience = 1};
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .code_loss = &code};
    CHECK_STATUS(t.ctx, aenc_distill(t.model, teacher.model, &x, &o), AENC_ERR_SHAPE);
    CHECK(says(&t, "2 values and the teacher's 3"));
    o.output_weight = 1;
    CHECK_STATUS(t.ctx, aenc_distill(t.model, teacher.model, &x, &o), AENC_OK);
    CHECK(code != code);
    o.code_weight = -1;
    CHECK_STATUS(t.ctx, aenc_distill(t.model, teacher.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "code_weight -1"));
    CHECK_STATUS(b.ctx, aenc_distill(b.model, teacher.model, &x, NULL), AENC_ERR_UNSUPPORTED);
    CHECK_STATUS(t.ctx, aenc_distill(t.model, t.model, &x, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_distill(t.model, NULL, &x, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_distill(NULL, t.model, &x, NULL) == AENC_ERR_ARGUMENT);
    trial_free(&t);
    trial_free(&b);
    trial_free(&teacher);
}

/* A code larger than the teacher's is left alone: the student learns what a fit on the teacher's output teaches it. */
static void test_distill_larger_code(void) {
    struct trial student = trial_create(small, 12, 1), twin = trial_create(small, 12, 1), teacher = trial_create(other, 13, 1);
    static float answers[ROWS * COLS], got[ROWS * COLS], want[ROWS * COLS];
    const aenc_matrix target = {answers, ROWS, COLS, 0};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .batch = 7};
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_weight = 1};
    CHECK_STATUS(student.ctx, aenc_distill(student.model, teacher.model, &x, &o), AENC_OK);
    CHECK_STATUS(teacher.ctx, aenc_reconstruct(teacher.model, &x, answers, ROWS * COLS), AENC_OK);
    fit.target = &target;
    CHECK_STATUS(twin.ctx, aenc_fit(twin.model, &x, &fit), AENC_OK);
    CHECK_STATUS(student.ctx, aenc_reconstruct(student.model, &x, got, ROWS * COLS), AENC_OK);
    CHECK_STATUS(twin.ctx, aenc_reconstruct(twin.model, &x, want, ROWS * COLS), AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) CHECK_NEAR(got[i], want[i], 1e-6);
    trial_free(&student);
    trial_free(&twin);
    trial_free(&teacher);
}

int main(void) {
    trial_fill(numbers, ROWS * COLS, 9);
    test_copy();
    test_copy_refused();
    test_first_layer();
    test_layers();
    test_terms();
    test_stop_and_frozen();
    test_pretrain_refused();
    test_grow();
    test_grow_others();
    test_distill();
    test_distill_sizes();
    test_distill_larger_code();
    return check_finish();
}
