/* schedule.c - the learning rate as a function of the step.
 *
 *     constant  the base rate
 *     step      times factor after every `every` epochs                       torch.optim.lr_scheduler.StepLR
 *               times factor after so many epochs as each of `at` says        MultiStepLR
 *     cosine    from the base rate down to floor times it along half a cosine over the whole run; the first `warmup`
 *               (a fraction of the run) rises to the base rate in a line
 *               Loshchilov & Hutter 2017; CosineAnnealingLR
 *     warmup    rises to the base rate in a line over `steps` steps             LinearLR
 *     plateau   times factor after more than `patience` epochs in a row whose loss is not below (1 - threshold)
 *               times the lowest before; never below floor times the base rate  ReduceLROnPlateau
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "optim/optim.h"

static const double pi = 3.14159265358979323846;

static void nothing_read(const struct json *spec, struct schedule *schedule) { (void)spec, (void)schedule; }

/* ---- constant ---- */

static const struct setting_rule constant_rules[] = {{.name = NULL}};

static double constant_factor(const struct schedule *schedule, int64_t step) {
    (void)schedule, (void)step;
    return 1;
}

static const struct schedule_type constant = {"constant", constant_rules, nothing_read, constant_factor};

/* ---- step ---- */

static const struct setting_rule step_rules[] = {
    {.name = "every", .kind = SETTING_INTEGER, .fallback = 10, .low = 1, .high = INFINITY},
    {.name = "factor", .kind = SETTING_NUMBER, .fallback = 0.1, .low = 0, .high = INFINITY},
    {.name = "at", .kind = SETTING_SIZES, .low = 0, .high = INFINITY},
    {.name = NULL},
};

static void step_read(const struct json *spec, struct schedule *schedule) {
    schedule->every = aenc_setting_integer(spec, step_rules, "every");
    schedule->factor = aenc_setting_number(spec, step_rules, "factor");
    schedule->at_count = aenc_setting_sizes(spec, step_rules, "at", schedule->at);
}

/* factor^floor(epoch / every), epochs from 0; or factor^(how many of `at` are past) */
static double step_factor(const struct schedule *schedule, int64_t step) {
    int64_t epoch = step / schedule->epoch_steps, times = epoch / schedule->every;
    if (schedule->at_count > 0) times = 0;
    for (int i = 0; i < schedule->at_count; i++) times += epoch >= schedule->at[i];
    return pow(schedule->factor, (double)times);
}

static const struct schedule_type staircase = {"step", step_rules, step_read, step_factor};

/* ---- cosine ---- */

static const struct setting_rule cosine_rules[] = {
    {.name = "floor", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = 1},
    {.name = "warmup", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = NULL},
};

static void cosine_read(const struct json *spec, struct schedule *schedule) {
    schedule->floor = aenc_setting_number(spec, cosine_rules, "floor");
    schedule->warmup = aenc_setting_number(spec, cosine_rules, "warmup");
}

/* (step + 1) / steps up to 1 */
static double rise(int64_t step, int64_t steps) { return step + 1 < steps ? (double)(step + 1) / (double)steps : 1; }

/* floor + (1 - floor) (1 + cos(pi t)) / 2, t from 0 to 1 over the steps behind the warmup */
static double cosine_factor(const struct schedule *schedule, int64_t step) {
    int64_t warm = (int64_t)floor(schedule->warmup * (double)schedule->total_steps);
    if (step < warm) return rise(step, warm);
    double t = (double)(step - warm) / (double)(schedule->total_steps - warm);
    return schedule->floor + (1 - schedule->floor) * (1 + cos(pi * (t < 1 ? t : 1))) / 2;
}

static const struct schedule_type cosine = {"cosine", cosine_rules, cosine_read, cosine_factor};

/* ---- warmup ---- */

static const struct setting_rule warmup_rules[] = {
    {.name = "steps", .kind = SETTING_INTEGER, .required = true, .low = 1, .high = INFINITY},
    {.name = NULL},
};

static void warmup_read(const struct json *spec, struct schedule *schedule) {
    schedule->steps = aenc_setting_integer(spec, warmup_rules, "steps");
}

static double warmup_factor(const struct schedule *schedule, int64_t step) { return rise(step, schedule->steps); }

static const struct schedule_type warmup = {"warmup", warmup_rules, warmup_read, warmup_factor};

/* ---- plateau ---- */

static const struct setting_rule plateau_rules[] = {
    {.name = "factor", .kind = SETTING_NUMBER, .fallback = 0.1, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "patience", .kind = SETTING_INTEGER, .fallback = 10, .low = 0, .high = INFINITY},
    {.name = "threshold", .kind = SETTING_NUMBER, .fallback = 1e-4, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "floor", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = 1},
    {.name = NULL},
};

static void plateau_read(const struct json *spec, struct schedule *schedule) {
    schedule->factor = aenc_setting_number(spec, plateau_rules, "factor");
    schedule->patience = aenc_setting_integer(spec, plateau_rules, "patience");
    schedule->threshold = aenc_setting_number(spec, plateau_rules, "threshold");
    schedule->floor = aenc_setting_number(spec, plateau_rules, "floor");
}

static double plateau_factor(const struct schedule *schedule, int64_t step) {
    (void)step;
    return schedule->reached;
}

static const struct schedule_type plateau = {"plateau", plateau_rules, plateau_read, plateau_factor};

void aenc_schedule_epoch(struct schedule *schedule, double loss) {
    if (schedule->type != &plateau) return;
    bool better = loss < schedule->best * (1 - schedule->threshold);
    if (better) schedule->best = loss;
    schedule->bad_epochs = better ? 0 : schedule->bad_epochs + 1;
    if (schedule->bad_epochs <= schedule->patience) return;
    double reduced = schedule->reached * schedule->factor;
    schedule->reached = reduced > schedule->floor ? reduced : schedule->floor;
    schedule->bad_epochs = 0;
}

/* ---- By name ---- */

static const char *const *const types[] = {&constant.name, &staircase.name, &cosine.name, &warmup.name, &plateau.name};
static const struct family family = {"schedule", 0, types, sizeof types / sizeof *types, NULL};

aenc_status aenc_schedule_create(aenc_context *ctx, const struct json *spec, double base, int64_t total_steps,
                                 int64_t epoch_steps, struct schedule *out) {
    memset(out, 0, sizeof *out);
    const struct schedule_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
    aenc_status status = type == NULL ? ctx->status : aenc_settings_check(ctx, "schedule", spec, type->rules);
    if (status != AENC_OK) return status;
    *out = (struct schedule){.type = type, .base = base, .best = INFINITY, .reached = 1};
    out->total_steps = total_steps > 0 ? total_steps : 1;
    out->epoch_steps = epoch_steps > 0 ? epoch_steps : 1;
    type->read(spec, out);
    return AENC_OK;
}

double aenc_schedule_rate(const struct schedule *schedule, int64_t step) {
    return schedule->base * schedule->type->factor(schedule, step);
}
