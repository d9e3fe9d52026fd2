/* plots_rows.c - rows beside their reconstructions, and grids of rows: pictures as a grid of tiles, other rows as
 * two curves. */
#include <math.h>
#include <stdio.h>

#include "plots.h"

enum {
    TILE_TARGET = 68, /* pixels that the longer side of a tile should have */
    GRID_WIDTH = 1000,
    COLUMNS_MAX = 16,
    PAIRS_MAX = 4, /* lines of originals, each above its line of reconstructions */
    GAP = 4,
    PAIR_GAP = 44, /* with the error of one pair and the number of the next */
    MARGIN = 16,
    HEAD = 56, /* title and note */
    CAPTION = 96,
    TEXT_WIDTH = 44, /* the narrowest tile with text at it */
    CURVES_ACROSS = 3,
    CURVES_DOWN = 4,
    PANEL_WIDTH = 320,
    PANEL_HEIGHT = 110,
    CELL_WIDTH = 120,
    CELL_HEIGHT = 80
};

static const struct color paper = {246, 247, 249};
static const struct color ink = {45, 50, 60};
static const struct color blue = {38, 104, 184};
static const struct color orange = {226, 108, 34};
static const struct color white = {255, 255, 255};
static const struct color frame = {200, 204, 212};
static const struct color grey = {110, 115, 125};

struct range {
    double low, high;
};

/* In float to the end of the row: gcc 12 for AArch64 ends in an internal error where it vectorises fmin and fmax
 * over floats widened to double. */
static void widen(struct range *range, const float *row, size_t cols) {
    float low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < cols; k++) {
        low = fminf(low, row[k]);
        high = fmaxf(high, row[k]);
    }
    range->low = fmin(range->low, (double)low);
    range->high = fmax(range->high, (double)high);
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

/* Title and note above the tiles. */
static void draw_head(struct canvas *canvas, const char *title, const char *note) {
    tool_canvas_text(canvas, (struct point){MARGIN, MARGIN + 15}, 13, title, TEXT_LEFT, false, ink);
    if (note == NULL) return;
    tool_canvas_text(canvas, (struct point){MARGIN, MARGIN + 37}, 9, note, TEXT_LEFT, false, grey);
}

static double head_width(const char *title, const char *note) {
    double width = title != NULL ? tool_text_width(title, 13) : 0.0;
    return note != NULL ? fmax(width, tool_text_width(note, 9)) : width;
}

/* Mean squared error of row i; NaN where input and output are not the same columns. */
static double row_error(const struct rows_plot *plot, size_t i) {
    double sum = 0.0;
    const float *x = plot->input + i * plot->input_cols, *y = plot->output + i * plot->output_cols;
    if (plot->input_cols != plot->output_cols) return NAN;
    for (size_t k = 0; k < plot->input_cols; k++) sum += pow((double)x[k] - (double)y[k], 2.0);
    return sum / (double)plot->input_cols;
}

/* The number of row i in the data, from 1. */
static size_t row_number(const struct rows_plot *plot, size_t i) { return i * plot->of / plot->rows + 1; }

static size_t tile_scale(struct image_shape image) {
    size_t longer = image.height > image.width ? image.height : image.width;
    return longer < TILE_TARGET ? (TILE_TARGET + longer - 1) / longer : 1;
}

size_t tool_grid_across(struct image_shape image, size_t count) {
    size_t across = GRID_WIDTH / (image.width * tile_scale(image) + GAP);
    if (across < 2) across = 2;
    if (across > COLUMNS_MAX) across = COLUMNS_MAX;
    return across < count ? across : count;
}

static void draw_pair(struct canvas *canvas, const struct rows_plot *plot, size_t row, size_t left, size_t top,
                      struct range range) {
    char text[32];
    size_t scale = tile_scale(plot->image), width = plot->image.width * scale, height = plot->image.height * scale;
    double middle = (double)left + 0.5 * (double)width, error = row_error(plot, row);
    draw_tile(canvas, plot->input + row * plot->input_cols, plot->image, left, top, scale, range);
    draw_tile(canvas, plot->output + row * plot->output_cols, plot->image, left, top + height + GAP, scale, range);
    if (width < TEXT_WIDTH) return;
    (void)snprintf(text, sizeof text, "%zu", row_number(plot, row));
    tool_canvas_text(canvas, (struct point){middle, (double)top - 5}, 8, text, TEXT_CENTER, false, grey);
    (void)snprintf(text, sizeof text, error < 10.0 ? "%#.2g" : "%.3g", error);
    tool_canvas_text(canvas, (struct point){middle, (double)(top + 2 * height + GAP + 13)}, 8, text, TEXT_CENTER, false,
                     ink);
}

static int plot_images(const char *path, const struct rows_plot *plot) {
    static const char note[] = "Above: number of the row. Below: mean squared error of its reconstruction.";
    struct canvas canvas;
    char title[128];
    size_t scale = tile_scale(plot->image);
    size_t width = plot->image.width * scale, height = plot->image.height * scale, line = 2 * height + GAP + PAIR_GAP;
    size_t columns = tool_grid_across(plot->image, plot->rows);
    size_t pairs = plot->rows / columns < PAIRS_MAX ? plot->rows / columns : PAIRS_MAX, shown = pairs * columns;
    struct range range = input_range(plot, shown);
    (void)snprintf(title, sizeof title, "Reconstructions of %.80s", plot->name);
    size_t wide = CAPTION + columns * (width + GAP) - GAP, head = (size_t)head_width(title, note);
    int status =
        tool_canvas_create(&canvas, 2 * MARGIN + (wide > head ? wide : head), MARGIN + HEAD + 16 + pairs * line, paper);
    if (status != TOOL_OK) return status;
    draw_head(&canvas, title, note);
    for (size_t i = 0; i < shown; i++) {
        size_t left = MARGIN + CAPTION + i % columns * (width + GAP), top = MARGIN + HEAD + 16 + i / columns * line;
        draw_pair(&canvas, plot, i * plot->rows / shown, left, top, range);
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
    size_t height = image.channels * image.height;
    struct range range = {0.0, 0.0};
    widen(&range, row, height * image.width);
    double largest = fmax(range.high, -range.low);
    tool_canvas_fill(canvas, left - 1, top - 1, image.width * scale + 2, height * scale + 2, frame);
    for (size_t i = 0; i < height * image.width; i++) {
        struct color color = diverging(largest > 0.0 ? (double)row[i] / largest : 0.0);
        tool_canvas_fill(canvas, left + i % image.width * scale, top + i / image.width * scale, scale, scale, color);
    }
}

static void draw_row_curve(struct canvas *canvas, const float *row, size_t cols, struct point corner, struct point size,
                           struct range range, struct color color) {
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
    char text[128];
    size_t across = plot->rows < CURVES_ACROSS ? plot->rows : CURVES_ACROSS;
    size_t down = plot->rows / across < CURVES_DOWN ? plot->rows / across : CURVES_DOWN, shown = across * down;
    struct point panel = {PANEL_WIDTH, PANEL_HEIGHT};
    struct range range = input_range(plot, shown);
    int status = tool_canvas_create(&canvas, 2 * MARGIN + across * (PANEL_WIDTH + GAP) - GAP,
                                    MARGIN + HEAD + down * (PANEL_HEIGHT + PAIR_GAP), paper);
    if (status != TOOL_OK) return status;
    (void)snprintf(text, sizeof text, "Reconstructions of %.80s", plot->name);
    draw_head(&canvas, text, NULL);
    tool_canvas_text(&canvas, (struct point){MARGIN, MARGIN + 37}, 9, "input", TEXT_LEFT, false, blue);
    tool_canvas_text(&canvas, (struct point){MARGIN + 44, MARGIN + 37}, 9, "output", TEXT_LEFT, false, orange);
    for (size_t i = 0; i < shown; i++) {
        size_t row = i * plot->rows / shown;
        size_t left = MARGIN + i % across * (PANEL_WIDTH + GAP);
        size_t top = MARGIN + HEAD + 16 + i / across * (PANEL_HEIGHT + PAIR_GAP);
        struct point corner = {(double)left, (double)top};
        double error = row_error(plot, row);
        tool_canvas_fill(&canvas, left, top, PANEL_WIDTH, PANEL_HEIGHT, white);
        draw_row_curve(&canvas, plot->input + row * plot->input_cols, plot->input_cols, corner, panel, range, blue);
        draw_row_curve(&canvas, plot->output + row * plot->output_cols, plot->output_cols, corner, panel, range,
                       orange);
        int length = snprintf(text, sizeof text, "row %zu", row_number(plot, row));
        if (isfinite(error))
            (void)snprintf(text + length, sizeof text - (size_t)length, ", mean squared error %.3g", error);
        tool_canvas_text(&canvas, (struct point){corner.x, corner.y - 5}, 8, text, TEXT_LEFT, false, grey);
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}

int tool_plot_rows(const char *path, const struct rows_plot *plot) {
    return plot->image.channels != 0 ? plot_images(path, plot) : plot_curves(path, plot);
}

static struct range grid_range(const struct grid_plot *plot) {
    struct range range = {INFINITY, -INFINITY};
    widen(&range, plot->rows, plot->count * plot->cols);
    return settle(range);
}

struct grid_cell {
    size_t width, height, scale;
};

static void draw_cell(struct canvas *canvas, const struct grid_plot *plot, size_t i, const struct grid_cell *cell,
                      size_t left, size_t top, struct range range) {
    const float *row = plot->rows + i * plot->cols;
    if (plot->image.channels == 0) {
        tool_canvas_fill(canvas, left, top, cell->width, cell->height, white);
        draw_row_curve(canvas, row, plot->cols, (struct point){(double)left, (double)top},
                       (struct point){CELL_WIDTH, CELL_HEIGHT}, range, blue);
    } else if (plot->signed_each) {
        draw_signed(canvas, row, plot->image, left, top, cell->scale);
    } else {
        draw_tile(canvas, row, plot->image, left, top, cell->scale, range);
    }
    if (plot->tile_captions == NULL || cell->width < TEXT_WIDTH) return;
    struct point below = {(double)left + 0.5 * (double)cell->width, (double)(top + cell->height + 13)};
    tool_canvas_text(canvas, below, 8, plot->tile_captions + i * GRID_CAPTION, TEXT_CENTER, false, ink);
}

int tool_plot_grid(const char *path, const struct grid_plot *plot) {
    struct canvas canvas;
    struct image_shape image = plot->image;
    bool pictures = image.channels != 0;
    struct grid_cell cell = {CELL_WIDTH, CELL_HEIGHT, pictures ? tile_scale(image) : 1};
    if (pictures) cell.width = image.width * cell.scale;
    if (pictures) cell.height = image.height * cell.scale * (plot->signed_each ? image.channels : 1);
    size_t lines = 1 + (plot->count - 1) / plot->across, gap = GAP + (plot->tile_captions != NULL ? 14 : 0);
    size_t head = plot->title == NULL ? 0 : plot->note == NULL ? 30 : HEAD;
    size_t side = MARGIN + (plot->captions != NULL ? CAPTION : 0);
    size_t wide = side - MARGIN + plot->across * (cell.width + GAP) - GAP,
           text = (size_t)head_width(plot->title, plot->note);
    struct range range = grid_range(plot);
    int status = tool_canvas_create(&canvas, 2 * MARGIN + (wide > text ? wide : text + 1),
                                    2 * MARGIN + head + lines * (cell.height + gap) - GAP, paper);
    if (status != TOOL_OK) return status;
    if (plot->title != NULL) draw_head(&canvas, plot->title, plot->note);
    for (size_t i = 0; i < plot->count; i++) {
        size_t left = side + i % plot->across * (cell.width + GAP),
               top = MARGIN + head + i / plot->across * (cell.height + gap);
        draw_cell(&canvas, plot, i, &cell, left, top, range);
        if (plot->captions != NULL && i % plot->across == 0) {
            draw_caption(&canvas, top, cell.height, plot->captions + i / plot->across * GRID_CAPTION);
        }
    }
    status = tool_canvas_save(&canvas, path);
    tool_canvas_free(&canvas);
    return status;
}
