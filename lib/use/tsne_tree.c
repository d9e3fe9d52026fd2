/* tsne_tree.c - a quadtree over points of the plane (Barnes & Hut 1986), for the forces of t-SNE that push apart.
 *
 * The box of a cell is the one around its points, not a quarter of the box above, and is cut in its middle. So every cut
 * parts some points, a tree of n points has less than 2 n cells, and cells are dense. They stand in the order in which a
 * walk meets them: into a cell is the next one, past it is `next`.
 */
#include "use/tsne.h"

aenc_status aenc_tsne_tree_create(aenc_context *ctx, int64_t points, struct tsne_tree *out) {
    *out = (struct tsne_tree){.cell = aenc_alloc_raw(ctx, (size_t)points * 2, sizeof *out->cell)};
    if (out->cell != NULL) out->order = aenc_alloc_raw(ctx, (size_t)points, sizeof *out->order);
    if (out->order != NULL) out->moved = aenc_alloc_raw(ctx, (size_t)points, sizeof *out->moved);
    if (out->moved != NULL) return AENC_OK;
    aenc_tsne_tree_free(ctx, out);
    return AENC_ERR_NO_MEMORY;
}

void aenc_tsne_tree_free(aenc_context *ctx, struct tsne_tree *tree) {
    aenc_release(ctx, tree->cell);
    aenc_release(ctx, tree->order);
    aenc_release(ctx, tree->moved);
    *tree = (struct tsne_tree){0};
}

struct growth {
    struct tsne_tree *tree;
    const num *x, *y;
};

/* The box around some points; returns its longer side. */
static double box(const struct growth *g, const int32_t *order, int64_t count, double middle[2]) {
    num low[2] = {g->x[order[0]], g->y[order[0]]}, high[2] = {low[0], low[1]};
    for (int64_t i = 1; i < count; i++) {
        num at[2] = {g->x[order[i]], g->y[order[i]]};
        for (int d = 0; d < 2; d++) {
            if (at[d] < low[d]) low[d] = at[d];
            if (at[d] > high[d]) high[d] = at[d];
        }
    }
    for (int d = 0; d < 2; d++) middle[d] = ((double)low[d] + (double)high[d]) / 2;
    double width = (double)high[0] - (double)low[0], height = (double)high[1] - (double)low[1];
    return width > height ? width : height;
}

static int quarter(const struct growth *g, int32_t point, const double middle[2]) {
    return ((double)g->x[point] > middle[0]) + 2 * ((double)g->y[point] > middle[1]);
}

/* Cells for points first .. first + count - 1 of the order. Each level halves the box: some 300 levels of floats at most,
 * and 50 where points are not nearly equal. */
static void grow(const struct growth *g, int64_t first, int64_t count) {
    struct tsne_tree *tree = g->tree;
    struct tsne_cell *cell = &tree->cell[tree->cells++];
    int32_t *order = tree->order + first, *moved = tree->moved + first;
    int64_t size[4] = {0}, start[4] = {0};
    double middle[2], sum[2] = {0}, extent = box(g, order, count, middle);
    for (int64_t i = 0; i < count; i++) {
        sum[0] += (double)g->x[order[i]];
        sum[1] += (double)g->y[order[i]];
        size[quarter(g, order[i], middle)]++;
    }
    *cell = (struct tsne_cell){(float)(sum[0] / (double)count), (float)(sum[1] / (double)count), (float)extent,
                               (int32_t)count, 0};
    if (extent > 0) {
        for (int q = 1; q < 4; q++) start[q] = start[q - 1] + size[q - 1];
        for (int64_t i = 0; i < count; i++) moved[start[quarter(g, order[i], middle)]++] = order[i];
        for (int64_t i = 0; i < count; i++) order[i] = moved[i];
        for (int q = 0; q < 4; q++)
            if (size[q] > 0) grow(g, first + start[q] - size[q], size[q]);
    }
    cell->next = tree->cells;
}

void aenc_tsne_tree_build(struct tsne_tree *tree, const num *x, const num *y, int64_t points) {
    const struct growth g = {tree, x, y};
    for (int64_t i = 0; i < points; i++) tree->order[i] = (int32_t)i;
    tree->cells = 0;
    grow(&g, 0, points);
}

struct repulsion aenc_tsne_tree_push(const struct tsne_tree *tree, num x, num y, double theta) {
    struct repulsion sum = {-1, 0, 0}; /* without the point itself, which is in a cell without extent */
    float bound = (float)(theta * theta);
    for (int64_t c = 0; c < tree->cells;) {
        const struct tsne_cell *cell = &tree->cell[c];
        float dx = (float)x - cell->x, dy = (float)y - cell->y, square = dx * dx + dy * dy;
        if (cell->extent > 0 && cell->extent * cell->extent >= bound * square) {
            c++;
            continue;
        }
        double w = 1 / (1 + (double)square), weight = w * cell->points;
        sum.weight += weight;
        sum.x += weight * w * (double)dx;
        sum.y += weight * w * (double)dy;
        c = cell->next;
    }
    return sum;
}
