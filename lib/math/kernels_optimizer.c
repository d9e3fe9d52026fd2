/* kernels_optimizer.c - one update of n parameters, as torch.optim does it.
 *
 * g below is the gradient used, clamp(scale g, -limit, limit). Constants such as 1 - beta2 are taken in double and
 * rounded once. Arrays may not overlap.
 */
#include "math/kernels.h"

#include <stddef.h>
#include <string.h>

#include "math/blocks.h"

/* The part of struct update that every rule uses, rounded. */
struct gradient {
    num scale, limit, decay;
};

static AENC_INLINE struct gradient gradient_of(const struct update *u) {
    num limit = u->limit < (double)NUM_MAX ? (num)u->limit : NUM_MAX;
    return (struct gradient){(num)u->scale, limit, (num)u->weight_decay};
}

/* clamp(scale g, -limit, limit); NaN stays */
static AENC_INLINE num clipped(num g, struct gradient how) {
    g *= how.scale;
    g = g > how.limit ? how.limit : g;
    return g < -how.limit ? -how.limit : g;
}

/* The same with the weight decay as a part of the gradient: g + decay w */
static AENC_INLINE num decayed(num g, num w, struct gradient how) { return clipped(g, how) + how.decay * w; }

/* g += decay w; w -= lr g */
static void sgd(num *restrict w, const num *restrict g, int64_t n, const struct update *u) {
    const struct gradient how = gradient_of(u);
    const num rate = (num)u->learning_rate;
    for (int64_t i = 0; i < n; i++) w[i] -= rate * decayed(g[i], w[i], how);
}

/* g += decay w; v = beta1 v + (1 - dampening) g, at first v = g; w -= lr v, or with Nesterov lr (g + beta1 v) */
static void momentum(num *restrict w, const num *restrict g, num *restrict velocity, int64_t n,
                     const struct update *u) {
    const struct gradient how = gradient_of(u);
    const num rate = (num)u->learning_rate, beta = (num)u->beta1;
    const num keep = u->first ? 0 : beta, take = u->first ? 1 : (num)(1 - u->dampening);
    const num of_gradient = u->nesterov ? 1 : 0, of_velocity = u->nesterov ? beta : 1;
    for (int64_t i = 0; i < n; i++) {
        num used = decayed(g[i], w[i], how);
        num v = keep * velocity[i] + take * used;
        velocity[i] = v;
        w[i] -= rate * (of_gradient * used + of_velocity * v);
    }
}

/* The gradient over its root mean square: g += decay w; s = beta2 s + (1 - beta2) g^2; centered: m likewise of g, and
 * s - m^2 in the place of s; v = beta v + g / (sqrt(s) + epsilon); w -= lr v. plain: without mean and velocity. */
static AENC_INLINE void rmsprop_loop(num *restrict w, const num *restrict g, num *restrict square,
                                     num *restrict velocity, num *restrict mean, int64_t n, const struct update *u,
                                     bool plain) {
    const struct gradient how = gradient_of(u);
    const num rate = (num)u->learning_rate, epsilon = (num)u->epsilon, beta = (num)u->beta1;
    const num keep = (num)u->beta2, take = (num)(1 - u->beta2), take_mean = u->centered ? take : 0;
    for (int64_t i = 0; i < n; i++) {
        num used = decayed(g[i], w[i], how), s = keep * square[i] + take * (used * used), step;
        square[i] = s;
        if (!plain) {
            num m = mean[i] + take_mean * (used - mean[i]);
            mean[i] = m;
            s = s - m * m;
            s = s < 0 ? 0 : s; /* rounding */
        }
        step = used / (num_sqrt(s) + epsilon);
        if (!plain) {
            step = beta * velocity[i] + step;
            velocity[i] = step;
        }
        w[i] -= rate * step;
    }
}

/* mean is used where centered, velocity where not NULL. Where one of them is missing, zeros stand in its place,
 * piece by piece. */
static void rmsprop(num *w, const num *g, num *square, num *velocity, num *mean, int64_t n, const struct update *u) {
    num zeros[PIECE] = {0};
    if (!u->centered && velocity == NULL) {
        rmsprop_loop(w, g, square, NULL, NULL, n, u, true);
        return;
    }
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t count = n - i < PIECE ? n - i : PIECE;
        if (velocity == NULL) memset(zeros, 0, sizeof zeros);
        rmsprop_loop(w + i, g + i, square + i, velocity != NULL ? velocity + i : zeros, u->centered ? mean + i : zeros,
                     count, u, false);
    }
}

/* m += (1 - beta1) (g - m); v = beta2 v + (1 - beta2) g^2
 * w = shrink w - lr / correction1 m / (sqrt(v) / sqrt(correction2) + epsilon) */
static AENC_APART void adam_loop(num *restrict w, const num *restrict g, num *restrict first, num *restrict second,
                                 int64_t n, const struct update *u, struct gradient how, num shrink) {
    const num take1 = (num)(1 - u->beta1), keep2 = (num)u->beta2, take2 = (num)(1 - u->beta2);
    const num rate = (num)(u->learning_rate / u->correction1), epsilon = (num)u->epsilon;
    const num root_scale = (num)(1 / sqrt(u->correction2));
    for (int64_t i = 0; i < n; i++) {
        num used = decayed(g[i], w[i], how);
        num m = first[i] + take1 * (used - first[i]);
        num v = keep2 * second[i] + take2 * (used * used);
        first[i] = m;
        second[i] = v;
        w[i] = shrink * w[i] - rate * (m / (num_sqrt(v) * root_scale + epsilon));
    }
}

/* Weight decay is a part of the gradient. */
static void adam(num *w, const num *g, num *first, num *second, int64_t n, const struct update *u) {
    adam_loop(w, g, first, second, n, u, gradient_of(u), 1);
}

/* Weight decay apart from the gradient (Loshchilov & Hutter 2019): w shrinks by 1 - lr decay first. */
static void adamw(num *w, const num *g, num *first, num *second, int64_t n, const struct update *u) {
    struct gradient how = gradient_of(u);
    how.decay = 0;
    adam_loop(w, g, first, second, n, u, how, (num)(1 - u->learning_rate * u->weight_decay));
}

/* sum g^2, in double throughout: element i in lane i mod 16. */
static double square_sum(const num *restrict g, int64_t n) {
    enum { WIDTH = 16 };
    double lane[WIDTH] = {0};
    int64_t whole = n - n % WIDTH;
    for (int64_t i = 0; i < whole; i += WIDTH)
        for (int64_t k = 0; k < WIDTH; k++) lane[k] += (double)g[i + k] * (double)g[i + k];
    for (int64_t k = 0; k < n - whole; k++) lane[k] += (double)g[whole + k] * (double)g[whole + k];
    for (int width = WIDTH / 2; width > 0; width /= 2)
        for (int k = 0; k < width; k++) lane[k] += lane[k + width];
    return lane[0];
}

const struct optimizer_kernels AENC_KERNELS(optimizer) = {
    .sgd = sgd,
    .momentum = momentum,
    .rmsprop = rmsprop,
    .adam = adam,
    .adamw = adamw,
    .square_sum = square_sum,
};
