/* pictures_map.c - codes in the plane by t-SNE, with the trustworthiness of the map. */
#include <stdio.h>
#include <stdlib.h>

#include "pictures.h"

enum { NEIGHBOURS = 12, ROWS_MIN = 2 * NEIGHBOURS + 1 };

static int draw(const char *path, const float *map, const double *labels, size_t rows, double trust) {
    char title[128];
    struct point *points = tool_allocate("tsne.png", rows, sizeof *points);
    if (points == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < rows; i++) points[i] = (struct point){(double)map[2 * i], (double)map[2 * i + 1]};
    (void)snprintf(title, sizeof title, "Codes of %zu rows by t-SNE, trustworthiness %.3f", rows, trust);
    int status = tool_plot_scatter(path, &(struct scatter_plot){points, labels, rows, title, "", ""});
    free(points);
    return status;
}

int tool_pictures_tsne(const struct options *options, aenc_context *ctx, const struct data *codes,
                       const double *labels) {
    aenc_matrix x = tool_data_matrix(codes);
    double trust = 0.0;
    if (codes->cols < 3 || codes->rows < ROWS_MIN) {
        tool_note("--map tsne draws codes of three elements or more, of %d rows or more", (int)ROWS_MIN);
        return TOOL_OK;
    }
    float *map = tool_allocate("tsne.png", codes->rows, 2 * sizeof *map);
    char *path = tool_picture_path(options, "tsne.png");
    int status = map != NULL && path != NULL ? TOOL_OK : TOOL_FAILED;
    if (status == TOOL_OK) {
        aenc_matrix plane = {.data = map, .rows = codes->rows, .cols = 2};
        aenc_status answer = aenc_tsne(ctx, &x, NULL, map, 2 * codes->rows, NULL);
        if (answer == AENC_OK) answer = aenc_trustworthiness(ctx, &x, &plane, NEIGHBOURS, &trust);
        if (answer != AENC_OK) status = tool_library_failed(options, ctx, answer);
    }
    if (status == TOOL_OK) status = draw(path, map, labels, codes->rows, trust);
    free(map);
    free(path);
    return status;
}
