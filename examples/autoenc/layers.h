/* layers.h - the layers of --encoder and --decoder: widths, layer specs, or both.
 *
 *     128,64,32      widths, as aenc_model_options has them
 *     dense:units=400 relu 20      layers as aenc_layer_create takes them, separated by blanks
 *     400 residual(batch_norm relu 400) 20      a container, its layers in parentheses
 *
 * Among layers a number is a dense layer of that width with the activation of --activation, unless an activation follows
 * it, at once or behind normalisation or dropout. The last one, with nothing but those behind it, has no activation: in an
 * encoder it is the code, which has that of --code-activation; in a decoder the output.
 */
#ifndef TOOL_LAYERS_H
#define TOOL_LAYERS_H

#include "option_table.h"

/* Takes the layers apart and compares their names with the row's. TOOL_USAGE names the layer and its place, from 1. */
int tool_layers_parse(const struct options *options, const struct option_row *row, const char *text,
                      struct layers *out);

/* What is made from the two options. */
struct nets {
    aenc_layer *encoder, *decoder; /* NULL: none, or widths alone */
    char bottleneck[256];          /* with the units that the encoder's last number states; "": as the option has it */
};
/* Creates the layers that are not widths alone. Settings are checked; shapes, when the model is made. */
int tool_nets_create(const struct options *options, aenc_context *ctx, struct nets *out);
void tool_nets_free(struct nets *nets);

#endif
