/* fields_test.c - a field that is given to a call which has no use for it is refused by name; one rule of paths; messages that
 * leave the caller's text alone whatever the locale. */
#define _POSIX_C_SOURCE 200809L

#include <autoenc/ops.h>
#include <locale.h>

#include "train/trial.h"

enum { ROWS = 40, IN = 4 };

static const char small[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2}}";
static float data[ROWS * IN];
static int32_t labels[ROWS];
static const aenc_matrix x = {data, ROWS, IN, 0};

static bool says(const struct trial *t, const char *words) {
    bool found = strstr(aenc_message(t->ctx), words) != NULL;
    if (!found) fprintf(stderr, "  wanted '%s' in: %s\n", words, aenc_message(t->ctx));
    return found;
}

static int never(void *user, const aenc_progress *now) {
    (void)user, (void)now;
    return 0;
}

static int read_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)target, (void)weight;
    *got = rows;
    memset(input, 0, rows * IN * sizeof *input);
    return 0;
}

enum { FIELDS = 22 };
static const char *const names[FIELDS] = {
    "optimizer", "schedule", "epochs", "batch", "target", "valid", "valid_target", "validation_fraction", "patience", "min_improvement",
    "clip_norm", "clip_value", "progress", "steps_per_epoch", "checkpoint", "checkpoint_steps", "checkpoint_seconds", "resume",
    "labels", "label_count", "valid_labels", "valid_label_count"};

/* Everything that is needed, and the field. */
static aenc_fit_options with(int field, bool stream) {
    aenc_fit_options o = {.struct_size = sizeof o, .steps_per_epoch = stream ? 1 : 0};
    switch (field) {
    case 0: o.optimizer = "sgd"; break;
    case 1: o.schedule = "cosine"; break;
    case 2: o.epochs = 2; break;
    case 3: o.batch = 8; break;
    case 4: o.target = &x; break;
    case 5: o.valid = &x; break;
    case 6: o.valid_target = &x; break;
    case 7: o.validation_fraction = 0.5; break;
    case 8: o.patience = 1; break;
    case 9: o.min_improvement = 1; break;
    case 10: o.clip_norm = 1; break;
    case 11: o.clip_value = 1; break;
    case 12: o.progress = never; break;
    case 13: o.steps_per_epoch = 1; break;
    case 14: o.checkpoint = "/nowhere/at/all"; break;
    case 15: o.checkpoint_steps = 1; break;
    case 16: o.checkpoint_seconds = 1; break;
    case 17: o.resume = AENC_RESUME_REQUIRED; break;
    case 18: o.labels = labels; break;
    case 19: o.label_count = ROWS; break;
    case 20: o.valid_labels = labels; break;
    default: o.valid_label_count = ROWS; break;
    }
    return o;
}

/* Whose calls take which fields: '.' refused by its name, 'x' not. */
static void test_fits(void) {
    static const char *const takes[] = {"xxxx.x.xxxxx.xxxxx....", /* pretrain */
                                        "xxxx.x.xxxxxxxxxxx....", /* distill */
                                        "x..xx.....xxx.....xx..", /* partial_fit */
                                        "xxxx.xx.xxxxxxxxxx..xx", /* fit_source of a stream */
                                        "...x........x.........", /* fit of a PCA */
                                        "xxxx.x.xxxxxxx........"}; /* sweep */
    struct trial t = trial_create(small, 1, 1);
    const aenc_source_callbacks call = {.struct_size = sizeof call, .cols = IN, .read = read_rows};
    aenc_model *teacher, *pca;
    aenc_source *source;
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, small, sizeof small - 1, &teacher), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_pca_create(t.ctx, &x, NULL, &pca), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &call, &source), AENC_OK);
    for (int c = 0; c < 6; c++) {
        for (int f = 0; f < FIELDS; f++) {
            const aenc_fit_options fit = with(f, c == 3);
            const aenc_pretrain_options stack = {.struct_size = sizeof stack, .fit = &fit};
            const aenc_distill_options teacher_target = {.struct_size = sizeof teacher_target, .fit = &fit};
            const aenc_sweep_options sweep = {.struct_size = sizeof sweep, .codes = (const size_t[]){1}, .code_count = 1,
                                              .fit = &fit};
            aenc_sweep_point point = {.struct_size = sizeof point};
            aenc_status status = c == 0   ? aenc_pretrain(t.model, &x, &stack)
                                 : c == 1 ? aenc_distill(t.model, teacher, &x, &teacher_target)
                                 : c == 2 ? aenc_partial_fit(t.model, &x, &fit)
                                 : c == 3 ? aenc_fit_source(t.model, source, &fit)
                                 : c == 4 ? aenc_fit(pca, &x, &fit)
                                          : aenc_sweep(t.ctx, &x, &sweep, &point, 1);
            char words[64];
            snprintf(words, sizeof words, "aenc_fit_options.%s is given, but", names[f]);
            bool refused = status == AENC_ERR_ARGUMENT && strstr(aenc_message(t.ctx), words) != NULL;
            if (!CHECK(refused == (takes[c][f] == '.')))
                fprintf(stderr, "  call %d, field %s: %s\n", c, names[f], aenc_message(t.ctx));
        }
    }
    const aenc_fit_options both = {.struct_size = sizeof both, .valid = &x, .validation_fraction = 0.5};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &both), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "both valid and validation_fraction"));
    aenc_source_free(source);
    aenc_model_free(teacher);
    aenc_model_free(pca);
    trial_free(&t);
}

static aenc_node *same(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    return aenc_node_affine(r, in, 1, 0);
}

static void test_plugin(void) {
    struct trial t = trial_create(small, 1, 1);
    aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "same", .layer = same, .unit_target = 1};
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &p), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "aenc_plugin.unit_target is given"));
    p.unit_target = 0;
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &p), AENC_OK);
    trial_free(&t);
}

/* encoder.1 is not encoder.10, neither frozen nor copied. */
static void test_paths(void) {
    char deep[512] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[";
    for (int i = 0; i < 11; i++) strcat(deep, i == 0 ? "{\"type\":\"dense\",\"units\":3}" : ",{\"type\":\"dense\",\"units\":3}");
    strcat(deep, "]}}");
    struct trial a = trial_create(deep, 1, 1), b = trial_create(deep, 2, 1);
    float before[16], after[16];
    const aenc_fit_options once = {.struct_size = sizeof once, .epochs = 1};
    CHECK_STATUS(a.ctx, aenc_model_freeze(a.model, "encoder.1", 1), AENC_OK);
    const char *const layers[] = {"encoder.1.weight", "encoder.10.weight"};
    for (int i = 0; i < 2; i++) {
        size_t count = trial_read(&a, layers[i], before, 16);
        CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &once), AENC_OK);
        trial_read(&a, layers[i], after, 16);
        CHECK((memcmp(before, after, count * sizeof *before) == 0) == (i == 0));
    }
    trial_read(&b, layers[1], before, 16);
    CHECK_STATUS(b.ctx, aenc_model_copy(b.model, "encoder.1", a.model, "encoder.1"), AENC_OK);
    size_t count = trial_read(&b, layers[1], after, 16);
    CHECK(memcmp(before, after, count * sizeof *before) == 0);
    CHECK_STATUS(a.ctx, aenc_model_freeze(a.model, "enc", 1), AENC_ERR_ARGUMENT);
    trial_free(&a);
    trial_free(&b);
}

static aenc_node *scaled(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    return aenc_node_multiply(r, in, aenc_node_parameter(r, "gain", (const size_t[]){4}, 1, "constant:gain=1"));
}

/* The same rule for the parameters of plug-ins: their names are paths as well. */
static void test_plugin_paths(void) {
    char deep[512] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4}";
    for (int i = 0; i < 10; i++) strcat(deep, ",{\"type\":\"scaled\"}");
    strcat(deep, "]},\"decoder\":{\"type\":\"dense\",\"units\":4}}");
    struct trial t = trial_create(small, 1, 1);
    const aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "scaled", .layer = scaled};
    const aenc_fit_options once = {.struct_size = sizeof once, .epochs = 1};
    const char *const layers[] = {"encoder.1.gain", "encoder.10.gain"};
    float before[4], after[4];
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &p), AENC_OK);
    aenc_model_free(t.model);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, deep, strlen(deep), &t.model), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_freeze(t.model, "encoder.1", 1), AENC_OK);
    for (int i = 0; i < 2; i++) {
        CHECK(trial_read(&t, layers[i], before, 4) == 4);
        CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &once), AENC_OK);
        trial_read(&t, layers[i], after, 4);
        CHECK((memcmp(before, after, sizeof before) == 0) == (i == 0));
    }
    CHECK_STATUS(t.ctx, aenc_model_copy(t.model, "encoder.10", t.model, "encoder.1"), AENC_OK);
    trial_read(&t, "encoder.2.gain", before, 4);
    trial_read(&t, layers[1], after, 4);
    CHECK(after[0] == 1 && before[0] != 1);
    CHECK_STATUS(t.ctx, aenc_model_freeze(t.model, "encoder.1.ga", 1), AENC_ERR_ARGUMENT);
    trial_free(&t);
}

static void test_messages(void) {
    struct trial t = trial_create(small, 1, 1);
    aenc_model *model;
    /* where no such locale is installed, one is made, if the machine can */
    bool comma = setlocale(LC_ALL, "de_DE.UTF-8") != NULL || setlocale(LC_ALL, "fr_FR.UTF-8") != NULL;
    if (!comma && system("localedef -i de_DE -f UTF-8 ./fields_test.utf8 >/dev/null 2>&1") == 0) {
        setenv("LOCPATH", ".", 1);
        comma = setlocale(LC_ALL, "fields_test.utf8") != NULL;
    }
    if (comma) CHECK(strcmp(localeconv()->decimal_point, ",") == 0);
    CHECK_STATUS(t.ctx, aenc_model_load(t.ctx, "/nowhere/run_1,5.model", &model), AENC_ERR_IO);
    CHECK(says(&t, "run_1,5.model"));
    CHECK_STATUS(t.ctx, aenc_model_set_epochs(t.model, -0.5), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "-0.5"));
    CHECK_STATUS(t.ctx, aenc_model_set_epochs(t.model, -1234567.25), AENC_ERR_ARGUMENT);
    CHECK(strchr(aenc_message(t.ctx), ',') == NULL);
    fprintf(stderr, comma ? "with a decimal comma\n" : "SKIPPED: no locale with a decimal comma, and none can be made\n");
    setlocale(LC_ALL, "C");
    system("rm -rf ./fields_test.utf8");
    trial_free(&t);
}

int main(void) {
    trial_fill(data, ROWS * IN, 5);
    for (int i = 0; i < ROWS; i++) labels[i] = i % 2;
    test_fits();
    test_plugin();
    test_paths();
    test_plugin_paths();
    test_messages();
    return check_finish();
}
