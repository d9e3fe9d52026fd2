/* kernels_optimizer_test.c - the updates against torch.optim, and their scale, limit, tails and guards against each
 * other, in every instruction set that this processor runs. */
#include "math/kernels.h"

#include <string.h>

#include "check.h"

enum { WEIGHTS = 5, STEPS = 100 };
enum rule { SGD, MOMENTUM, RMSPROP, ADAM, ADAMW };

struct golden {
    const char *name;
    enum rule rule;
    struct update update; /* scale, limit, first and corrections are set per step */
    bool with_velocity;
    double want[WEIGHTS]; /* math/optimizer_golden.py, torch 2.15 */
};

static const struct golden goldens[] = {
    {"sgd", SGD, {.learning_rate = 0.05, .weight_decay = 0.01}, false,
     {0.251751304, 0.755249441, -0.994987309, 2.49899697, 0.498753071}},
    {"momentum", MOMENTUM, {.learning_rate = 0.02, .beta1 = 0.9}, true,
     {0.253171086, 1.00790107, -0.994956076, 2.10217977, 0.503641963}},
    {"dampened", MOMENTUM, {.learning_rate = 0.02, .beta1 = 0.9, .dampening = 0.3, .weight_decay = 0.05}, true,
     {0.237931058, 0.893394113, -0.981291771, 1.47711444, 0.49240616}},
    {"nesterov", MOMENTUM, {.learning_rate = 0.02, .beta1 = 0.8, .nesterov = true, .weight_decay = 0.01}, true,
     {0.247523263, 0.976103008, -0.995027065, 2.20811415, 0.498753041}},
    {"rmsprop", RMSPROP, {.learning_rate = 0.01, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.01}, false,
     {0.257825553, -0.855706394, -0.547914207, 2.02130675, 0.488972872}},
    {"rmsprop momentum", RMSPROP, {.learning_rate = 0.003, .beta1 = 0.7, .beta2 = 0.99, .epsilon = 1e-6}, true,
     {0.250324696, -0.2859056, -0.839824259, 2.01195598, 0.499675363}},
    {"rmsprop centered", RMSPROP, {.learning_rate = 0.005, .beta2 = 0.98, .epsilon = 1e-2, .centered = true}, false,
     {0.323824108, -0.905307591, -0.463472992, 2.30104923, 0.434095562}},
    {"rmsprop both", RMSPROP,
     {.learning_rate = 0.002, .beta1 = 0.5, .beta2 = 0.99, .epsilon = 1e-3, .centered = true}, true,
     {0.35040158, -1.08268857, -0.337506473, 2.27166247, 0.400811404}},
    {"adam", ADAM, {.learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.02}, true,
     {0.315740883, -1.06334126, -0.36127609, 2.1583693, 0.430533707}},
    {"adamw", ADAMW, {.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-6, .weight_decay = 0.1}, true,
     {0.308827043, -0.934426606, -0.354978085, 2.08920097, 0.407174796}},
};

struct slots {
    num *w, *first, *second, *third;
};

static void apply(const struct optimizer_kernels *k, enum rule rule, const num *g, struct slots s, int64_t n,
                  const struct update *u, bool with_velocity) {
    switch (rule) {
    case SGD: k->sgd(s.w, g, n, u); break;
    case MOMENTUM: k->momentum(s.w, g, s.first, n, u); break;
    case RMSPROP:
        k->rmsprop(s.w, g, s.second, with_velocity ? s.first : NULL, u->centered ? s.third : NULL, n, u);
        break;
    case ADAM: k->adam(s.w, g, s.first, s.second, n, u); break;
    case ADAMW: k->adamw(s.w, g, s.first, s.second, n, u); break;
    }
}

/* The gradient of sum c (w - m)^2 / 2 arrives four times too large and is scaled down. */
static void check_golden(const struct optimizer_kernels *k, const struct golden *golden) {
    static const num curvature[WEIGHTS] = {1, (num)0.5, 2, (num)0.1, 4};
    static const num minimum[WEIGHTS] = {(num)0.25, 1, -1, 2, (num)0.5};
    num w[WEIGHTS] = {1, -2, (num)0.5, 3, (num)-0.25};
    num g[WEIGHTS], first[WEIGHTS] = {0}, second[WEIGHTS] = {0}, third[WEIGHTS] = {0};
    const struct slots slots = {w, first, second, third};
    struct update u = golden->update;
    u.scale = 0.25;
    u.limit = (double)NUM_MAX;
    for (int step = 1; step <= STEPS; step++) {
        u.first = step == 1;
        u.correction1 = 1 - pow(u.beta1, step);
        u.correction2 = 1 - pow(u.beta2, step);
        for (int i = 0; i < WEIGHTS; i++) g[i] = 4 * curvature[i] * (w[i] - minimum[i]);
        apply(k, golden->rule, g, slots, WEIGHTS, &u, golden->with_velocity);
    }
    for (int i = 0; i < WEIGHTS; i++)
        if (!CHECK_NEAR((double)w[i], golden->want[i], 1e-6)) fprintf(stderr, "  %s, weight %d\n", golden->name, i);
}

/* Every length gives each element what it gets alone, and nothing behind the end is touched. */
enum { MOST = 68 };
static void check_lengths(const struct optimizer_kernels *k, const struct golden *golden) {
    struct update u = golden->update;
    u.scale = 0.5;
    u.limit = 0.25;
    u.correction1 = u.correction2 = 0.5;
    for (int64_t n = 0; n < MOST; n++) {
        num g[MOST], many[4][MOST], alone[4];
        for (int i = 0; i < MOST; i++) {
            g[i] = (num)sin(i) * 2;
            for (int part = 0; part < 4; part++) many[part][i] = (num)(1.5 + cos(i + part));
        }
        apply(k, golden->rule, g, (struct slots){many[0], many[1], many[2], many[3]}, n, &u, golden->with_velocity);
        bool good = true;
        for (int i = 0; i < MOST; i++) {
            for (int part = 0; part < 4; part++) alone[part] = (num)(1.5 + cos(i + part));
            if (i < n) {
                num limited = (num)fmin(0.25, fmax(-0.25, 0.5 * (double)g[i])) * 2; /* what the limit makes of it */
                apply(k, golden->rule, &limited, (struct slots){&alone[0], &alone[1], &alone[2], &alone[3]}, 1, &u,
                      golden->with_velocity);
            }
            for (int part = 0; part < 4; part++)
                good &= fabs((double)many[part][i] - (double)alone[part]) <= (i < n ? 1e-6 : 0);
        }
        if (!CHECK(good)) fprintf(stderr, "  %s, length %d\n", golden->name, (int)n);
    }
}

static void check_square_sum(const struct optimizer_kernels *k) {
    num g[1000];
    for (int i = 0; i < 1000; i++) g[i] = (num)(sin(i) * (i % 7 == 0 ? 1e15 : 1));
    for (int64_t n = 0; n <= 1000; n = n < 67 ? n + 1 : n + 311) {
        double want = 0;
        for (int64_t i = 0; i < n; i++) want += (double)g[i] * (double)g[i];
        CHECK_NEAR(k->square_sum(g, n), want, 1e-13 * want);
    }
}

int main(void) {
    for (int64_t set = 0; aenc_kernels_at(set) != NULL; set++) {
        const struct optimizer_kernels *k = aenc_kernels_at(set)->optimizer;
        for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
            check_golden(k, &goldens[i]);
            check_lengths(k, &goldens[i]);
        }
        check_square_sum(k);
    }
    return check_finish();
}
