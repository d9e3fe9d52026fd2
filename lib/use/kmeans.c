/* kmeans.c - groups of rows: Lloyd 1982, started as Arthur & Vassilvitskii 2007 do (k-means++), the best of some
 * starts.
 *
 * Minimises the inertia, the sum over rows of the squared distance to the nearest center. The assignment is exact
 * (neighbours.c); a cluster that loses all its rows gets the row that is worst off.
 */
#include <string.h>

#include "use/codes.h"

enum { BLOCK = 256 }; /* rows of one job */

struct state {
    aenc_context *ctx;
    const struct kmeans *kmeans;
    float *center;     /* (clusters, cols) */
    int32_t *label;    /* (rows) */
    struct near *near; /* (rows): the nearest center */
    double *sum;       /* (clusters, cols) */
    int64_t *members;  /* (clusters) */
    int64_t newest;    /* of the start: the center chosen last */
    struct report report;
};

/* ---- The start ---- */

static void narrow_task(void *user, int64_t index, int worker) {
    const struct state *state = user;
    (void)worker;
    const struct kmeans *kmeans = state->kmeans;
    const float *center = state->center + state->newest * kmeans->cols;
    for (int64_t r = index * BLOCK; r < (index + 1) * BLOCK && r < kmeans->x.count; r++) {
        double square = rows_square(rows_at(&kmeans->x, r), center, kmeans->cols);
        if (state->newest == 0 || square < state->near[r].distance) state->near[r].distance = square;
    }
}

/* A row with a chance proportional to its squared distance from the centers so far; the first, and where every row is a
 * center already: with the same chance for all. */
static int64_t draw_row(const struct state *state, const struct draw *draw, bool first) {
    int64_t rows = state->kmeans->x.count;
    double total = 0, before = 0;
    for (int64_t r = 0; !first && r < rows; r++) total += state->near[r].distance;
    uint64_t place = aenc_random_below(draw, 0, (uint64_t)1 << 53);
    if (!(total > 0) || total - total != 0) return (int64_t)aenc_random_below(draw, 1, (uint64_t)rows);
    double wanted = (double)place * 0x1p-53 * total;
    int64_t r = 0, last = 0;
    for (; r < rows && before <= wanted; r++) {
        before += state->near[r].distance;
        if (state->near[r].distance > 0) last = r;
    }
    return last;
}

static aenc_status start(struct state *state, int64_t restart) {
    aenc_status status = AENC_OK;
    const struct kmeans *kmeans = state->kmeans;
    struct draw draw = {state->ctx->seed, aenc_random_stream("kmeans"), (uint64_t)restart, 0, 0};
    for (int64_t c = 0; c < kmeans->clusters && status == AENC_OK; c++) {
        draw.row = (uint64_t)c;
        const float *row = rows_at(&kmeans->x, draw_row(state, &draw, c == 0));
        memcpy(state->center + c * kmeans->cols, row, (size_t)kmeans->cols * sizeof *row);
        state->newest = c;
        aenc_pool_run(state->ctx->pool, (kmeans->x.count + BLOCK - 1) / BLOCK, narrow_task, state);
        status = aenc_cancel_check(state->ctx);
    }
    return status;
}

/* ---- Lloyd's two steps ---- */

/* Each row to its nearest center; *changed says whether any label did. */
static aenc_status assign(struct state *state, bool *changed) {
    const struct kmeans *kmeans = state->kmeans;
    struct rows centers = {state->center, kmeans->cols, kmeans->clusters, NULL};
    const struct search search = {.base = centers, .query = kmeans->x, .cols = kmeans->cols, .k = 1};
    aenc_status status = aenc_search(state->ctx, &search, state->near);
    *changed = false;
    memset(state->members, 0, (size_t)kmeans->clusters * sizeof *state->members);
    for (int64_t r = 0; status == AENC_OK && r < kmeans->x.count; r++) {
        int32_t nearest = (int32_t)state->near[r].row;
        *changed = *changed || state->label[r] != nearest;
        state->label[r] = nearest;
        state->members[nearest]++;
    }
    return status;
}

static void fill_empty(struct state *state) {
    for (int64_t c = 0; c < state->kmeans->clusters; c++) {
        int64_t worst = -1;
        for (int64_t r = 0; state->members[c] == 0 && r < state->kmeans->x.count; r++)
            if (state->members[state->label[r]] > 1 && state->near[r].distance > 0 &&
                (worst < 0 || state->near[r].distance > state->near[worst].distance))
                worst = r;
        if (worst < 0) continue;
        state->members[state->label[worst]]--;
        state->members[c]++;
        state->label[worst] = (int32_t)c;
        state->near[worst].distance = 0;
    }
}

/* center = mean of its rows; one that has none stays. */
static void update(struct state *state) {
    int64_t cols = state->kmeans->cols, clusters = state->kmeans->clusters;
    memset(state->sum, 0, (size_t)(clusters * cols) * sizeof *state->sum);
    for (int64_t r = 0; r < state->kmeans->x.count; r++) {
        double *sum = state->sum + state->label[r] * cols;
        const float *row = rows_at(&state->kmeans->x, r);
        for (int64_t i = 0; i < cols; i++) sum[i] += (double)row[i];
    }
    for (int64_t i = 0; i < clusters * cols; i++)
        if (state->members[i / cols] > 0) state->center[i] = (float)(state->sum[i] / (double)state->members[i / cols]);
}

static double inertia_of(const struct state *state) {
    double sum = 0;
    for (int64_t r = 0; r < state->kmeans->x.count; r++) sum += state->near[r].distance;
    return sum;
}

static aenc_status report(struct state *state) {
    if (state->report.to.progress == NULL) return AENC_OK;
    state->report.now.train_loss = inertia_of(state);
    return aenc_report_step(&state->report);
}

static aenc_status lloyd(struct state *state, int64_t restart, double *inertia) {
    bool changed = true;
    aenc_status status = start(state, restart);
    memset(state->label, 0xFF, (size_t)state->kmeans->x.count * sizeof *state->label);
    if (status == AENC_OK) status = assign(state, &changed);
    for (int64_t i = 0; i < state->kmeans->iterations && changed && status == AENC_OK && !state->report.stopped; i++) {
        fill_empty(state);
        update(state);
        status = assign(state, &changed);
        if (status == AENC_OK) status = report(state);
    }
    *inertia = status == AENC_OK ? inertia_of(state) : 0;
    return status;
}

/* ---- The best of some ---- */

static aenc_status best_of(struct state *state, float *centers, int32_t *label, double *inertia) {
    const struct kmeans *kmeans = state->kmeans;
    aenc_status status = AENC_OK;
    for (int64_t i = 0; i < kmeans->restarts && status == AENC_OK && !state->report.stopped; i++) {
        double now;
        state->report.now.epoch = i + 1;
        state->report.now.step = 0;
        status = lloyd(state, i, &now);
        if (status != AENC_OK || (i > 0 && !(now < *inertia))) continue;
        *inertia = now;
        memcpy(centers, state->center, (size_t)(kmeans->clusters * kmeans->cols) * sizeof *centers);
        if (label != NULL) memcpy(label, state->label, (size_t)kmeans->x.count * sizeof *label);
    }
    return status;
}

aenc_status aenc_kmeans_find(aenc_context *ctx, const struct kmeans *kmeans, float *centers, int32_t *label,
                             double *inertia) {
    size_t rows = (size_t)kmeans->x.count, cols = (size_t)kmeans->cols, clusters = (size_t)kmeans->clusters;
    struct state state = {.ctx = ctx, .kmeans = kmeans};
    aenc_report_begin(ctx, &kmeans->progress, kmeans->iterations, &state.report);
    state.report.now.epochs = kmeans->restarts;
    state.center = aenc_alloc_raw(ctx, clusters, cols * sizeof *state.center);
    if (state.center != NULL) state.label = aenc_alloc_raw(ctx, rows, sizeof *state.label);
    if (state.label != NULL) state.near = aenc_alloc_raw(ctx, rows, sizeof *state.near);
    if (state.near != NULL) state.sum = aenc_alloc_raw(ctx, clusters, cols * sizeof *state.sum);
    if (state.sum != NULL) state.members = aenc_alloc_raw(ctx, clusters, sizeof *state.members);
    aenc_status status = state.members == NULL ? AENC_ERR_NO_MEMORY : best_of(&state, centers, label, inertia);
    aenc_release(ctx, state.center);
    aenc_release(ctx, state.label);
    aenc_release(ctx, state.near);
    aenc_release(ctx, state.sum);
    aenc_release(ctx, state.members);
    return status;
}
