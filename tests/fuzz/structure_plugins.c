/* structure_plugins.c - one plug-in of each kind, by the names that structure_make.c uses. */
#include "fuzz/structure.h"

/* Its own parameter, as many as the last axis has, times x. */
static aenc_node *plug(void *user, aenc_recorder *r, aenc_node *x) {
    (void)user;
    size_t rank = aenc_node_rank(x), last = rank == 0 ? 1 : aenc_node_dim(x, rank - 1);
    aenc_node *gain = aenc_node_parameter(r, "gain", &last, 1, "constant:gain=1");
    aenc_node *state = aenc_node_state(r, "seen", NULL, 0, 0);
    if (aenc_recorder_training(r) != 0) aenc_node_stage(r, state, aenc_node_affine(r, state, 1, 1));
    return aenc_node_affine(r, aenc_node_multiply(r, x, gain), aenc_recorder_setting(r, "a"), 0);
}

static aenc_node *plug_loss(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    (void)user;
    return aenc_node_row_mean(r, aenc_node_function(r, "absolute", aenc_node_subtract(r, output, target)));
}

/* The first third of the output's last axis is what the target is compared with. */
static aenc_node *plug_loss_3(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    (void)user;
    size_t last = aenc_node_rank(output) - 1, count = aenc_node_dim(output, last) / 3;
    aenc_node *part = aenc_node_slice(r, output, last, 0, count);
    return aenc_node_row_mean(r, aenc_node_function(r, "square", aenc_node_subtract(r, part, target)));
}

static aenc_node *plug_penalty(void *user, aenc_recorder *r, aenc_node *input, aenc_node *code, aenc_node *output) {
    (void)user, (void)input, (void)output;
    return aenc_node_row_mean(r, aenc_node_function(r, "square", code));
}

static aenc_node *plug_corruption(void *user, aenc_recorder *r, aenc_node *x, aenc_node *level) {
    (void)user;
    return aenc_node_multiply(r, x, level);
}

void structure_plugins_register(struct fuzz_world *world) {
    static const aenc_setting a = {.name = "a", .fallback = 1}, level = {.name = "level", .fallback = 0.5};
    const aenc_plugin plugins[] = {
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_LAYER, .name = "plug", .settings = &a, .setting_count = 1,
         .layer = plug, .mirror_role = AENC_MIRROR_REPEATED},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_LOSS, .name = "plug_loss", .loss = plug_loss},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_LOSS, .name = "plug_loss_3", .loss = plug_loss_3,
         .output_factor = 3},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_PENALTY, .name = "plug_penalty", .penalty = plug_penalty},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_CORRUPTION, .name = "plug_corruption", .settings = &level,
         .setting_count = 1, .corruption = plug_corruption},
    };
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) fuzz_good(world, aenc_register(world->ctx, &plugins[i]));
}
