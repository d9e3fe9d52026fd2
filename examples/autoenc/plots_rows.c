/* plots_rows.c - rows beside what the model makes of them: pictures as a grid of tiles, other rows as two curves. */
#include <math.h>

#include "plots.h"

enum {
    TILE_TARGET = 68, /* pixels that the longer side of a tile should have */
    GRID_WIDTH = 1000,
    COLUMNS_MAX = 16,
    PAIRS_MAX = 4, /* lines of originals, each above its line of reconstructions */
    GAP = 4,
    PAIR_GAP = 18,
    MARGIN = 16,
    CAPTION = 62,
    CURVES_ACROSS = 3,
    CURVES_DOWN = 4,
    PANEL_WIDTH = 320,
    PANEL_HEIGHT = 130,
    CELL_WIDTH = 120,
    CELL_HEIGHT = 80
};

static const struct color paper = {246, 247, 249};
static const struct color ink = {45, 50, 60};
static const struct color blue = {38, 104, 184};
static const struct color orange = {226, 108, 34};
static const struct color white = {255, 255, 255};

struct range {
    double low, high;
};

static void widen(struct range *range, const float *row, size_t cols) {
    for (size_t k = 0; k < cols; k++) {
        range->low = fmin(range->low, (double)row[k]);
        range->high = fmax(range->high, (double)row[k]);
    }
}

/* [0, 1] where the values keep to it, and something to divide by. */
static struct range settle(struct range range) {
    if (range.low >= 0.0 && range.high <= 1.0) return (struct range){0.0, 1.0};
    if (!(range.high > range.low)) range.high = range.low + 1.0;
    return range;
}

/* [0, 1] where the values keep to it, otherwise from the least to the greatest. */
static struct range input_range(const struct rows_plot *plot, size_t shown) {
    struct range range = {INFINITY, -INFINITY};
    for (size_t i = 0; i < shown; i++) {
        widen(&range, plot->input + i * plot->rows / shown * plot->input_cols, plot->input_cols);
    }
    return settle(range);
}

static unsigned char shade(float value, struct range range) {
    double share = ((double)value - range.low) / (range.high - range.low);
    return (unsigned char)(255.0 * fmin(fmax(share, 0.0), 1.0) + 0.5);
}

/* One picture, every pixel a square of `scale`. row: (channels, height, width) */
static void draw_tile(struct canvas *canvas, const float *row, struct image_shape image, size_t left, size_t top,
                      size_t scale, struct range range) {
    size_t plane = image.height * image.width;
    size_t green = image.channels == 3 ? plane : 0, blue_plane = 2 * green;
    for (size_t y = 0; y < image.height; y++) {
        for (size_t x = 0; x < image.width; x++) {
            const float *pixel = row + y * image.width + x;
            struct color color = {shade(pixel[0], range), shade(pixel[green], range), shade(pixel[blue_plane], range)};
            tool_canvas_fill(canvas, left + x * scale, top + y * scale, scale, scale, color);
        }
    }
}

static void draw_caption(struct canvas *canvas, size_t top, size_t height, const char *text) {
    double middle = (double)top + 0.5 * (double)height;
    tool_canvas_text(canvas, (struct point){MARGIN + CAPTION - 12, middle + 5}, 10, text, TEXT_RIGHT, false, ink);
}

static int plot_images(const char *path, const struct rows_plot *plot) {
    struct canvas canvas;
    struct image_shape image = plot->image;
    size_t longer = image.height > image.width ? image.height : image.width;
    size_t scale = longer < TILE_TARGET ? (TILE_TARGET + longer - 1) / longer : 1;
    size_t width = image.width * scale, height = image.height * scale;
    size_t columns = GRID_WIDTH / (width + GAP);
    if (columns < 2) columns = 2;
    if (columns > COLUMNS_MAX) columns = COLUMNS_MAX;
    if (columns > plot->rows) columns = plot->rows;
    size_t pairs = plot->rows / columns < PAIRS_MAX ? plot->rows / columns : PAIRS_MAX, shown = pairs * columns;
    struct range range = input_range(plot, shown);
    int status = tool_canvas_create(&canvas, 2 * MARGIN + CAPTION + columns * (width + GAP) - GAP,
                                    2 * MARGIN + pairs * (2 * height + GAP + PAIR_GAP) - PAIR_GAP, paper);
    if (status != TOOL_OK) return status;
    for (size_t i = 0; i < shown; i++) {
        size_t row = i * plot->rows / shown;
        size_t left = MARGIN + CAPTION + i % columns * (width + GAP);
        size_t top = MARGIN + i / columns * (2 * height + GAP + PAIR_GAP);
        draw_tile(&canvas, plot->input + row * plot->input_cols, image, left, top, scale, range);
        draw_tile(&canvas, plot->output + row * plot->output_cols, image, left, top + height + GAP, scale, range);
        if (i % columns != 0) continue;
        draw_caption(&canvas, top, height, "input");
        draw_caption(&canvas, top + height + GAP, height, "output");
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

/* Blue below zero, white at it, red above; share from -1 to 1. */
static struct color diverging(double share) {
    double rest = 1.0 - fmin(fabs(share), 1.0);
    struct color end = share < 0.0 ? blue : (struct color){196, 43, 43};
    return (struct color){(unsigned char)(end.red + rest * (255 - end.red)),
                          (unsigned char)(end.green + rest * (255 - end.green)),
                          (unsigned char)(end.blue + rest * (255 - end.blue))};
}

/* Channels above each other. */
static void draw_signed(struct canvas *canvas, const float *row, struct image_shape image, size_t left, size_t top,
                        size_t scale) {
    double largest = 0.0;
    size_t height = image.channels * image.height;
    for (size_t i = 0; i < height * image.width; i++) largest = fmax(largest, fabs((double)row[i]));
    for (size_t i = 0; i < height * image.width; i++) {
        struct color color = diverging(largest > 0.0 ? (double)row[i] / largest : 0.0);
        tool_canvas_fill(canvas, left + i % image.width * scale, top + i / image.width * scale, scale, scale, color);
    }
}

int tool_plot_signed(const char *path, const struct rows_plot *plot) {
    enum { LINES_MAX = 10 };
    struct canvas canvas;
    size_t longer = plot->image.height > plot->image.width ? plot->image.height : plot->image.width;
    size_t scale = longer < TILE_TARGET ? (TILE_TARGET + longer - 1) / longer : 1;
    size_t width = plot->image.width * scale, height = plot->image.channels * plot->image.height * scale;
    size_t columns = GRID_WIDTH / (width + GAP);
    if (columns < 1) columns = 1;
    if (columns > COLUMNS_MAX) columns = COLUMNS_MAX;
    if (columns > plot->rows) columns = plot->rows;
    size_t lines = (plot->rows + columns - 1) / columns < LINES_MAX ? (plot->rows + columns - 1) / columns : LINES_MAX;
    int status = tool_canvas_create(&canvas, 2 * MARGIN + columns * (width + GAP) - GAP,
                                    2 * MARGIN + lines * (height + GAP) - GAP, paper);
    if (status != TOOL_OK) return status;
    for (size_t i = 0; i < lines * columns && i < plot->rows; i++) {
        draw_signed(&canvas, plot->input + i * plot->input_cols, plot->image, MARGIN + i % columns * (width + GAP),
                    MARGIN + i / columns * (height + GAP), scale);
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

static void draw_row_curve(struct canvas *canvas, const float *row, size_t cols, struct point corner,
                           struct point size, struct range range, struct color color) {
    double across = size.x - 20.0, down = size.y - 20.0;
    struct point before = {0.0, 0.0};
    for (size_t k = 0; k < cols; k++) {
        double share = ((double)row[k] - range.low) / (range.high - range.low);
        struct point here = {corner.x + 10.0 + across * (cols > 1 ? (double)k / (double)(cols - 1) : 0.5),
                             corner.y + 10.0 + down * (1.0 - fmin(fmax(share, -0.08), 1.08))};
        if (k > 0) tool_canvas_line(canvas, before, here, 1.6, color, 0.9);
        if (cols <= 32) tool_canvas_disc(canvas, here, 2.4, color, 0.9);
        before = here;
    }
}

static int plot_curves(const char *path, const struct rows_plot *plot) {
    struct canvas canvas;
    size_t across = plot->rows < CURVES_ACROSS ? plot->rows : CURVES_ACROSS;
    size_t down = plot->rows / across < CURVES_DOWN ? plot->rows / across : CURVES_DOWN, shown = across * down;
    size_t head = 34;
    struct point panel = {PANEL_WIDTH, PANEL_HEIGHT};
    struct range range = input_range(plot, shown);
    int status = tool_canvas_create(&canvas, 2 * MARGIN + across * (PANEL_WIDTH + GAP) - GAP,
                                    2 * MARGIN + head + down * (PANEL_HEIGHT + GAP) - GAP, paper);
    if (status != TOOL_OK) return status;
    tool_canvas_text(&canvas, (struct point){MARGIN, MARGIN + 14}, 12, "input", TEXT_LEFT, false, blue);
    tool_canvas_text(&canvas, (struct point){MARGIN + 70, MARGIN + 14}, 12, "output", TEXT_LEFT, false, orange);
    for (size_t i = 0; i < shown; i++) {
        size_t row = i * plot->rows / shown;
        size_t left = MARGIN + i % across * (PANEL_WIDTH + GAP);
        size_t top = MARGIN + head + i / across * (PANEL_HEIGHT + GAP);
        struct point corner = {(double)left, (double)top};
        tool_canvas_fill(&canvas, left, top, PANEL_WIDTH, PANEL_HEIGHT, white);
        draw_row_curve(&canvas, plot->input + row * plot->input_cols, plot->input_cols, corner, panel, range, blue);
        draw_row_curve(&canvas, plot->output + row * plot->output_cols, plot->output_cols, corner, panel, range,
                       orange);
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

int tool_plot_rows(const char *path, const struct rows_plot *plot) {
    return plot->image.channels != 0 ? plot_images(path, plot) : plot_curves(path, plot);
}

/* The largest magnitude on either side of 0. */
static struct range signed_range(const float *row, size_t cols) {
    struct range range = {0.0, 0.0};
    widen(&range, row, cols);
    double most = fmax(range.high, -range.low);
    return most > 0.0 ? (struct range){-most, most} : (struct range){-1.0, 1.0};
}

static struct range grid_range(const struct grid_plot *plot) {
    struct range range = {INFINITY, -INFINITY};
    widen(&range, plot->rows, plot->count * plot->cols);
    return settle(range);
}

int tool_plot_grid(const char *path, const struct grid_plot *plot) {
    struct canvas canvas;
    struct image_shape image = plot->image;
    bool pictures = image.channels != 0;
    size_t longer = image.height > image.width ? image.height : image.width;
    size_t lines = 1 + (plot->count - 1) / plot->across;
    size_t scale = pictures && longer < TILE_TARGET ? (TILE_TARGET + longer - 1) / longer : 1;
    size_t width = pictures ? image.width * scale : CELL_WIDTH, height = pictures ? image.height * scale : CELL_HEIGHT;
    size_t side = MARGIN + (plot->captions != NULL ? CAPTION : 0);
    struct range range = grid_range(plot);
    int status = tool_canvas_create(&canvas, side + MARGIN + plot->across * (width + GAP) - GAP,
                                    2 * MARGIN + lines * (height + GAP) - GAP, paper);
    if (status != TOOL_OK) return status;
    for (size_t i = 0; i < plot->count; i++) {
        const float *row = plot->rows + i * plot->cols;
        size_t left = side + i % plot->across * (width + GAP), top = MARGIN + i / plot->across * (height + GAP);
        if (plot->signed_each) range = signed_range(row, plot->cols);
        if (pictures) {
            draw_tile(&canvas, row, image, left, top, scale, range);
        } else {
            tool_canvas_fill(&canvas, left, top, width, height, white);
            draw_row_curve(&canvas, row, plot->cols, (struct point){(double)left, (double)top},
                           (struct point){CELL_WIDTH, CELL_HEIGHT}, range, blue);
        }
        if (plot->captions != NULL && i % plot->across == 0) {
            draw_caption(&canvas, top, height, plot->captions + i / plot->across * GRID_CAPTION);
        }
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}
