/* 05_layers.c - a network from layers: batch norm, dropout, a residual block, and a decoder of its own. The data are
 * bumps of varying place and width on 32 points. */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 2000, COLS = 32 };

static float data[ROWS * COLS];

static void make_bumps(void) {
    for (int i = 0; i < ROWS; i++) {
        double center = 6.0 + 20.0 * ((i * 7919) % ROWS) / ROWS, width = 1.5 + 3.0 * ((i * 104729) % ROWS) / ROWS;
        for (int k = 0; k < COLS; k++) {
            double away = (k - center) / width;
            data[i * COLS + k] = (float)exp(-0.5 * away * away);
        }
    }
}

/* Appends a layer made from its spec. */
static aenc_status add(aenc_context *ctx, aenc_layer *container, const char *spec) {
    aenc_layer *layer = NULL;
    aenc_status status = aenc_layer_create(ctx, spec, &layer);
    if (status == AENC_OK) status = aenc_layer_add(container, layer);
    aenc_layer_free(layer);
    return status;
}

/* x + f(x), where f is one dense layer with batch norm. */
static aenc_status add_residual(aenc_context *ctx, aenc_layer *container) {
    aenc_layer *residual = NULL;
    aenc_status status = aenc_layer_create(ctx, "residual", &residual);
    if (status == AENC_OK) status = add(ctx, residual, "dense:units=64,activation=relu");
    if (status == AENC_OK) status = add(ctx, residual, "batch_norm");
    if (status == AENC_OK) status = aenc_layer_add(container, residual);
    aenc_layer_free(residual);
    return status;
}

static aenc_status make_encoder(aenc_context *ctx, aenc_layer **out) {
    aenc_status status = aenc_layer_create(ctx, "sequential", out);
    if (status == AENC_OK) status = add(ctx, *out, "dense:units=64,activation=relu");
    if (status == AENC_OK) status = add(ctx, *out, "dropout:rate=0.05");
    if (status == AENC_OK) status = add_residual(ctx, *out);
    if (status == AENC_OK) status = add(ctx, *out, "dense:units=2");
    return status;
}

static aenc_status make_decoder(aenc_context *ctx, aenc_layer **out) {
    aenc_status status = aenc_layer_create(ctx, "sequential", out);
    if (status == AENC_OK) status = add(ctx, *out, "dense:units=64,activation=relu");
    if (status == AENC_OK) status = add_residual(ctx, *out);
    if (status == AENC_OK) status = add(ctx, *out, "dense:units=32,activation=sigmoid");
    return status;
}

static aenc_status make_model(aenc_context *ctx, aenc_model **out) {
    aenc_layer *encoder = NULL, *decoder = NULL;
    aenc_model_options options = {.struct_size = sizeof options};
    aenc_status status = make_encoder(ctx, &encoder);
    if (status == AENC_OK) status = make_decoder(ctx, &decoder);
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_layers = encoder;
    options.decoder_layers = decoder;
    if (status == AENC_OK) status = aenc_model_create(ctx, &options, out);
    aenc_layer_free(encoder); /* the model keeps its own copies */
    aenc_layer_free(decoder);
    return status;
}

static int print_epoch(void *user, const aenc_progress *now) {
    (void)user;
    if (now->event != AENC_EVENT_EPOCH) return 0;
    (void)printf("epoch %2d  train %.5f  valid %.5f\n", (int)now->epoch, now->train_loss, now->valid_loss);
    return 0;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_progress last = {.struct_size = sizeof last};
    aenc_matrix x = {.data = data, .rows = ROWS, .cols = COLS};
    aenc_fit_options fit = {.struct_size = sizeof fit};
    fit.optimizer = "adamw:lr=3e-3";
    fit.schedule = "cosine";
    fit.epochs = 15;
    fit.batch = 64;
    fit.validation_fraction = 0.1;
    fit.progress = print_epoch;
    make_bumps();
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = make_model(ctx, &model);
    for (size_t i = 0; status == AENC_OK && i < aenc_model_tensor_count(model); i++) {
        (void)printf("  %s\n", aenc_model_tensor_name(model, i));
    }
    if (status == AENC_OK) status = aenc_fit(model, &x, &fit);
    size_t epochs = aenc_model_history_count(model);
    if (status == AENC_OK) status = aenc_model_history(model, epochs - 1, &last);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK && last.best_valid_loss < 0.005 ? 0 : 1;
}
