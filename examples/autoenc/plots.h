/* plots.h - the pictures as files: curves of the loss, shares of variance, the code as a scatter, rows beside their
 * reconstructions, components. */
#ifndef TOOL_PLOTS_H
#define TOOL_PLOTS_H

#include <autoenc/autoenc.h>

#include "picture.h"

struct loss_plot {
    const double *train, *valid; /* (count) per epoch; valid NaN where there is none */
    size_t count;
    size_t best; /* epoch from 1; 0: none */
};
int tool_plot_loss(const char *path, const struct loss_plot *plot);

/* values (count) over 1 to count, from 0 to 1. */
struct share_plot {
    const double *values;
    size_t count;
    const char *title, *x_name, *y_name;
};
int tool_plot_shares(const char *path, const struct share_plot *plot);
/* The same as bars from 0 to the largest. */
int tool_plot_bars(const char *path, const struct share_plot *plot);

struct scatter_plot {
    const struct point *points; /* (count) */
    const double *labels;       /* (count); NULL: one colour */
    size_t count;
    const char *title, *x_name, *y_name;
};
int tool_plot_scatter(const char *path, const struct scatter_plot *plot);

struct rows_plot {
    const float *input;  /* (rows, input_cols) */
    const float *output; /* (rows, output_cols) */
    size_t rows, input_cols, output_cols;
    size_t of;                /* rows of the data that these are spread over, for their numbers */
    struct image_shape image; /* channels 0: rows are drawn as curves */
    const char *name;         /* of the data */
};
/* A selection of rows spread over all of them, each with its number and its mean squared error. */
int tool_plot_rows(const char *path, const struct rows_plot *plot);

struct histogram_plot {
    const float *score;   /* (count) */
    const uint8_t *label; /* (count), 1: drawn in another colour; NULL: none */
    size_t count;
    double threshold;
};
int tool_plot_histogram(const char *path, const struct histogram_plot *plot);
/* threshold: rows with a score above it are flagged; the point of the curve is marked. */
int tool_plot_roc(const char *path, const aenc_curve_point *curve, size_t points, double auc, double threshold);

/* Rows side by side: interpolations, traversals, filters, components. */
struct grid_plot {
    const float *rows; /* (down * across, cols); of the last line some may be missing */
    size_t count, across, cols;
    struct image_shape image;  /* as in rows_plot */
    const char *title, *note;  /* above; NULL: none */
    const char *captions;      /* (lines, GRID_CAPTION), NUL-terminated, left of the lines; NULL: none */
    const char *tile_captions; /* (count, GRID_CAPTION), below the tiles; NULL: none */
    bool signed_each;          /* from blue over white for 0 to red, each row on a scale of its own */
};
enum { GRID_CAPTION = 48 };
/* How many tiles of such images stand side by side in a picture of the usual width. */
size_t tool_grid_across(struct image_shape image, size_t count);
int tool_plot_grid(const char *path, const struct grid_plot *plot);

/* Curves over a logarithmic axis. */
struct curves_plot {
    const double *x;    /* (count) positive, ascending */
    const double *y[4]; /* (count); NULL beyond the last */
    const char *name[4];
    size_t count;
    const char *title, *x_name, *y_name;
};
int tool_plot_curves(const char *path, const struct curves_plot *plot);

#endif
