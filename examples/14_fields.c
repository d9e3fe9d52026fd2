/* 14_fields.c - bytes as pixels, labels and weights as fields of a source; code, output and score of all rows in one run; and what
 * the model takes and gives. */
#include <autoenc/autoenc.h>
#include <stdio.h>

enum { ROWS = 200, HEIGHT = 6, WIDTH = 6, CODE = 3 };

static uint8_t pixels[ROWS][HEIGHT][WIDTH];
static float weights[ROWS], codes[ROWS][CODE], scores[ROWS];

/* Bars, upright or lying; the last ones count for more. */
static void draw(void) {
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < HEIGHT * WIDTH; i++) {
            int at = r % 2 == 0 ? i / WIDTH : i % WIDTH;
            pixels[r][i / WIDTH][i % WIDTH] = at == r / 2 % 6 ? 255 : 0;
        }
        weights[r] = r < ROWS / 2 ? 1.0f : 2.0f;
    }
}

static aenc_status fit(aenc_context *ctx, aenc_model *model) {
    size_t dims[] = {ROWS, HEIGHT, WIDTH}, rows[] = {ROWS};
    aenc_array input = {.struct_size = sizeof input, .name = "input", .type = AENC_TYPE_U8};
    input.data = pixels;
    input.size = sizeof pixels;
    input.dims = dims;
    input.rank = 3;
    aenc_array weight = {.struct_size = sizeof weight, .name = "weight"};
    weight.data = weights;
    weight.size = sizeof weights;
    weight.dims = rows;
    weight.rank = 1;
    const aenc_array *fields[] = {&input, &weight};
    aenc_source *source = NULL;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 60, .batch = 20};
    aenc_status status = aenc_source_arrays(ctx, fields, 2, &source);
    if (status == AENC_OK) status = aenc_fit_source(model, source, &options);

    size_t of_code[] = {ROWS, CODE};
    aenc_array code = {.struct_size = sizeof code, .name = "code", .dims = of_code, .rank = 2};
    code.data = codes;
    code.size = sizeof codes;
    aenc_array score = {.struct_size = sizeof score, .name = "score", .dims = rows, .rank = 1};
    score.data = scores;
    score.size = sizeof scores;
    const aenc_array *results[] = {&code, &score};
    if (status == AENC_OK) status = aenc_run(model, NULL, fields, 1, results, 2);
    aenc_source_free(source);
    return status;
}

static aenc_status ports_print(aenc_model *model) {
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < aenc_model_port_count(model) && status == AENC_OK; i++) {
        aenc_port port = {.struct_size = sizeof port};
        status = aenc_model_port(model, i, &port);
        if (status == AENC_OK)
            (void)printf("%s %-13s %zu values%s\n", port.kind == AENC_PORT_FIELD ? "takes" : "gives", port.name,
                         port.size, port.trained == 1 ? ", a fit needs it" : "");
    }
    return status;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_model_options options = {
        .struct_size = sizeof options, .input = (const size_t[]){HEIGHT, WIDTH}, .input_rank = 2};
    options.encoder_widths = (const size_t[]){24, CODE};
    options.encoder_count = 2;
    options.output = "sigmoid";
    options.loss = "bce";
    draw();
    aenc_status status = aenc_context_create(NULL, &ctx);
    if (status == AENC_OK) status = aenc_model_create(ctx, &options, &model);
    if (status == AENC_OK) status = fit(ctx, model);
    if (status == AENC_OK) status = ports_print(model);
    if (status == AENC_OK)
        (void)printf("row 7: code %.3f %.3f %.3f, score %.4f\n", (double)codes[7][0], (double)codes[7][1],
                     (double)codes[7][2], (double)scores[7]);
    else
        (void)fprintf(stderr, "%s\n", aenc_message(ctx));
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK ? 0 : 1;
}
