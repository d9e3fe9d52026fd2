/* plots.h - the three pictures as files: curves of the loss, the code as a scatter, rows beside their
 * reconstructions. */
#ifndef TOOL_PLOTS_H
#define TOOL_PLOTS_H

#include "picture.h"

struct loss_plot {
    const double *train, *valid; /* (count) per epoch; valid NaN where there is none */
    size_t count;
    size_t best; /* epoch from 1; 0: none */
};
int tool_plot_loss(const char *path, const struct loss_plot *plot);

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
    struct image_shape image; /* channels 0: rows are drawn as curves */
};
/* A selection of rows spread over all of them. */
int tool_plot_rows(const char *path, const struct rows_plot *plot);

/* Rows side by side: ways from one row to another, or filters. */
struct grid_plot {
    const float *rows; /* (down * across, cols); of the last line some may be missing */
    size_t count, across, cols;
    struct image_shape image; /* as in rows_plot */
    const char *captions;     /* (lines, GRID_CAPTION), NUL-terminated, of the lines; NULL: none */
    bool signed_each; /* each row has a scale of its own, with 0 in the middle */
};
enum { GRID_CAPTION = 12 };
int tool_plot_grid(const char *path, const struct grid_plot *plot);

/* Curves over a logarithmic axis. */
struct curves_plot {
    const double *x;     /* (count) positive, ascending */
    const double *y[4];  /* (count); NULL beyond the last */
    const char *name[4];
    size_t count;
    const char *title, *x_name, *y_name;
};
int tool_plot_curves(const char *path, const struct curves_plot *plot);

#endif
