/* refusals.c - calls that are wrong in one field: each is refused, and changes nothing. */
#include <math.h>

#include "nightly/nightly.h"

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

/* A call that trains, about to be made wrong. */
struct wrong {
    aenc_fit_options fit;
    aenc_matrix x, target;
    float *copy; /* of x */
    size_t values;
    struct choices *choices;
};

static void epochs(struct wrong *w) { w->fit.epochs = -1; }
static void batch(struct wrong *w) { w->fit.batch = -1; }
static void optimizer(struct wrong *w) { w->fit.optimizer = "magic"; }
static void setting(struct wrong *w) { w->fit.optimizer = "adam:speed=1"; }
static void rate(struct wrong *w) { w->fit.optimizer = "adam:lr=nan"; }
static void schedule(struct wrong *w) { w->fit.schedule = "cosine:warmth=1"; }
static void validation_fraction(struct wrong *w) { w->fit.validation_fraction = 1; }
static void patience(struct wrong *w) { w->fit.patience = -1; }
static void clip_norm(struct wrong *w) { w->fit.clip_norm = -1; }
static void clip_value(struct wrong *w) { w->fit.clip_value = (double)NAN; }
static void improvement(struct wrong *w) { w->fit.min_improvement = (double)NAN; }
static void steps(struct wrong *w) { w->fit.steps_per_epoch = -1; }
static void checkpoint_steps(struct wrong *w) { w->fit.checkpoint_steps = -1; }
static void resume(struct wrong *w) { w->fit.resume = 7; }
static void resume_nothing(struct wrong *w) { w->fit.resume = AENC_RESUME_REQUIRED; }
static void struct_size(struct wrong *w) { w->fit.struct_size = 1; }
static void cols(struct wrong *w) { w->x.cols--, w->x.stride = w->x.cols + 1; }
static void no_rows(struct wrong *w) { w->x.rows = 0; }
static void no_data(struct wrong *w) { w->x.data = NULL; }
static void stride(struct wrong *w) { w->x.stride = w->x.cols > 1 ? w->x.cols - 1 : SIZE_MAX; }
static void labels(struct wrong *w) { w->fit.label_count++; }
static void valid_target(struct wrong *w) { w->fit.valid_target = &w->x; }
static void target_rows(struct wrong *w) { w->target = w->x, w->target.rows--, w->fit.target = &w->target; }
static void not_finite(struct wrong *w) {
    size_t at = ((size_t)choose(w->choices, 256) * 256 + choose(w->choices, 256)) % w->values;
    w->copy[at] = one_in(w->choices, 2) ? NAN : -INFINITY;
}

static void (*const mistakes[])(struct wrong *) = {
    epochs, batch, optimizer, setting, rate, schedule, validation_fraction, patience, clip_norm, clip_value, improvement, steps,
    checkpoint_steps, resume, resume_nothing, struct_size, cols, no_rows, no_data, stride, labels, valid_target, target_rows,
    not_finite,
};

static aenc_status train_source(struct session *s, struct wrong *w, bool teacher) {
    const aenc_distill_options distill = {.struct_size = sizeof distill, .fit = &w->fit};
    aenc_source *source = NULL;
    aenc_status status = aenc_source_matrix(s->world.ctx, &w->x, &source);
    if (status == AENC_OK && teacher) status = aenc_distill_source(s->model, s->teacher, source, &distill);
    else if (status == AENC_OK) status = aenc_fit_source(s->model, source, &w->fit);
    aenc_source_free(source);
    return status;
}

static aenc_status train(struct session *s, struct wrong *w, unsigned which) {
    const aenc_pretrain_options pretrain = {.struct_size = sizeof pretrain, .fit = &w->fit};
    const aenc_distill_options distill = {.struct_size = sizeof distill, .fit = &w->fit};
    switch (which) {
    case 0: return aenc_fit(s->model, &w->x, &w->fit);
    case 1: return aenc_partial_fit(s->model, &w->x, &w->fit);
    case 2: return aenc_pretrain(s->model, &w->x, &pretrain);
    case 3: return train_source(s, w, s->teacher != NULL);
    default: return aenc_distill(s->model, s->teacher != NULL ? s->teacher : s->model, &w->x, &distill);
    }
}

static aenc_status train_wrongly(struct session *s, struct choices *choices, char *name, size_t room) {
    struct wrong w = {.x = session_x(s), .choices = choices, .values = s->c->rows * s->c->in};
    unsigned mistake = choose(choices, COUNT_OF(mistakes)), which = choose(choices, 5);
    if (which == 3 && mistakes[mistake] == not_finite) which = 0; /* found in its batch, after the steps before */
    w.fit = session_options(s, &w.target);
    w.copy = malloc(w.values * sizeof *w.copy);
    FUZZ_DEMAND(w.copy != NULL);
    memcpy(w.copy, s->c->x, w.values * sizeof *w.copy);
    w.x.data = w.copy;
    mistakes[mistake](&w);
    snprintf(name, room, "training call %u, mistake %u", which, mistake);
    aenc_status status = train(s, &w, which);
    free(w.copy);
    return status;
}

/* ---- Calls that use a model, or set something of it ---- */

static aenc_status set_wrongly(struct session *s) {
    const size_t dims[] = {3, 1, 2, 1};
    aenc_tensor *tensor = NULL;
    FUZZ_DEMAND(aenc_tensor_create(s->world.ctx, AENC_TYPE_F32, dims, 4, &tensor) == AENC_OK);
    aenc_status status = aenc_model_tensor_set(s->model, aenc_model_tensor_name(s->model, 0), tensor);
    aenc_tensor_free(tensor);
    return status;
}

static aenc_status step_wrongly(struct session *s, bool weights) {
    float *negative = calloc(s->c->rows, sizeof *negative);
    FUZZ_DEMAND(negative != NULL);
    negative[s->c->rows - 1] = -1;
    const aenc_batch batch = {.struct_size = sizeof batch, .input = session_x(s), .weight = negative,
                              .weight_count = s->c->rows - !weights};
    aenc_status status = aenc_model_gradients(s->model, &batch, NULL);
    free(negative);
    return status;
}

static aenc_status use_wrongly(struct session *s, unsigned which) {
    aenc_matrix x = session_x(s), less = {s->c->x, s->c->rows - 1, s->c->in, 0};
    const aenc_layer *none = NULL;
    aenc_optimizer *optimizer = NULL;
    aenc_model *model = NULL;
    float out[1];
    switch (which) {
    case 0: return aenc_encode(s->model, &x, out, 1);
    case 1: return aenc_reconstruct(s->model, &x, out, 0);
    case 2: return aenc_score(s->model, &x, &less, out, 1);
    case 3: return set_wrongly(s);
    case 4: return step_wrongly(s, true);
    case 5: return step_wrongly(s, false);
    case 6: return aenc_model_freeze(s->model, "nowhere", 1);
    case 7: return aenc_model_copy(s->model, "", s->model, "nowhere");
    case 8: return aenc_model_set_epochs(s->model, -1);
    case 9: return aenc_optimizer_create(s->model, "adam:lr=-1", &optimizer);
    case 10: return aenc_model_grow(s->model, none, &model);
    case 11: return aenc_model_load_memory(s->world.ctx, s->c->x, 16, &model);
    case 12: return aenc_jacobian_norm(s->model, &x, out, 1);
    default: return aenc_classify(s->model, &x, NULL, 0);
    }
}

int refusals_make(struct session *s, int count) {
    struct choices choices = {.state = s->c->seed * 31 + 7};
    int bad = 0;
    for (int i = 0; i < count; i++) {
        char name[64];
        uint64_t before = model_hash(s->model, NULL, NULL);
        aenc_status status;
        if (one_in(&choices, 3)) {
            unsigned which = choose(&choices, 14);
            snprintf(name, sizeof name, "call %u", which);
            status = use_wrongly(s, which);
        } else status = train_wrongly(s, &choices, name, sizeof name);
        bool told = status != AENC_OK && aenc_message(s->world.ctx)[0] != '\0';
        bool kept = model_hash(s->model, NULL, NULL) == before;
        if (told && kept) continue;
        fprintf(stderr, "  %s: %s%s\n", name, status == AENC_OK ? "accepted" : aenc_message(s->world.ctx),
                kept ? "" : ", and the model has changed");
        bad++;
    }
    return bad;
}
