/* pca.h - the two directions in which rows differ most. */
#ifndef TOOL_PCA_H
#define TOOL_PCA_H

#include "picture.h"

/* Centres x (rows, cols) in place and projects it on its first two principal components: out (rows). share: of the
 * variance along each. A component's sign is such that its largest element is positive. rows and cols at least 1. */
int tool_pca(double *x, size_t rows, size_t cols, struct point *out, double share[2]);

#endif
