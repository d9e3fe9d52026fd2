/* tsne.h - what the files of t-SNE share: places in the plane and the forces that push them apart. */
#ifndef AENC_USE_TSNE_H
#define AENC_USE_TSNE_H

#include "base/number.h"
#include "use/codes.h"

/* With w = 1 / (1 + |y_i - y_j|^2), over all j but i: the sum of w, and of w^2 (y_i - y_j). */
struct repulsion {
    double weight, x, y;
};

/* ---- tsne_tree.c ---- */

struct tsne_cell {
    float x, y;   /* the mean of its points */
    float extent; /* the longer side of the box around them; 0: all at one place */
    int32_t points;
    int64_t next; /* the cell behind this one and all that is in it */
};

struct tsne_tree {
    struct tsne_cell *cell; /* (2 points): each before what is in it */
    int64_t cells;
    int32_t *order, *moved; /* (points): those of a cell stand together; scratch */
};

/* points: at least 1. */
aenc_status aenc_tsne_tree_create(aenc_context *ctx, int64_t points, struct tsne_tree *out);
void aenc_tsne_tree_free(aenc_context *ctx, struct tsne_tree *tree);
/* Allocates nothing. */
void aenc_tsne_tree_build(struct tsne_tree *tree, const num *x, const num *y, int64_t points);
/* A cell counts as one point with the weight of all where its extent is below theta (at most 0.7) times its distance. */
struct repulsion aenc_tsne_tree_push(const struct tsne_tree *tree, num x, num y, double theta);

#endif
