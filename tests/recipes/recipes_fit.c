/* recipes_fit.c - a row is a model and a fit: losses, optimizers, penalties, corruptions, layers, initialisations,
 * scaling, schedules. */
#include "recipes/recipes.h"

enum { LIST_MAX = 8 };
enum { DATA_X, DATA_RAW, DATA_WIDE };

/* What is not set is as in recipe_model and recipe_fit, or the library's default. */
struct fit_recipe {
    const char *name;
    /* the model */
    size_t widths[4];
    const char *encoder[LIST_MAX], *decoder[LIST_MAX];
    const char *activation, *code_activation, *output, *loss, *init, *scaling;
    const char *penalties[LIST_MAX], *corruptions[LIST_MAX];
    int tied;
    /* the fit */
    int data;
    const char *optimizer, *schedule;
    int64_t epochs, batch, patience, steps_per_epoch;
    double validation_fraction, clip_norm, clip_value, min_improvement;
    int valid;  /* 1: with the held-out rows */
    int labels; /* 1: with classes */
};

static const struct fit_recipe fit_recipes[] = {
    {.name = "plain"},
    {.name = "library_defaults", .activation = "relu", .optimizer = "adam", .epochs = 2, .batch = 128},
    /* losses */
    {.name = "loss_mae", .loss = "mae"},
    {.name = "loss_huber", .loss = "huber:delta=0.2"},
    {.name = "loss_bce", .loss = "bce", .output = "sigmoid"},
    {.name = "loss_bce_of_probabilities",
     .loss = "bce",
     .encoder = {"dense:units=6"},
     .decoder = {"dense:units=24,activation=sigmoid", "reshape:dims=24"}},
    {.name = "loss_cosine", .loss = "cosine"},
    {.name = "loss_gaussian_nll", .loss = "gaussian_nll", .encoder = {"dense:units=6"}, .decoder = {"dense:units=48"}},
    {.name = "loss_cross_entropy", .loss = "cross_entropy:classes=5", .labels = 1},
    {.name = "loss_cross_entropy_smoothed", .loss = "cross_entropy:classes=5,smoothing=0.1", .labels = 1, .valid = 1},
    /* optimizers */
    {.name = "sgd", .optimizer = "sgd:lr=0.1"},
    {.name = "sgd_decay", .optimizer = "sgd:lr=0.1,weight_decay=1e-2"},
    {.name = "momentum", .optimizer = "momentum:lr=0.05,dampening=0.1"},
    {.name = "nesterov", .optimizer = "nesterov:lr=0.05,momentum=0.8"},
    {.name = "rmsprop", .optimizer = "rmsprop:lr=1e-3"},
    {.name = "rmsprop_centered", .optimizer = "rmsprop:lr=1e-3,centered=true,momentum=0.5"},
    {.name = "adam_decay", .optimizer = "adam:lr=1e-2,weight_decay=1e-2,decay_all=false,beta1=0.8"},
    {.name = "adamw", .optimizer = "adamw:lr=1e-2"},
    /* penalties */
    {.name = "l1", .penalties = {"l1:weight=1e-2"}},
    {.name = "l1_of_layer", .penalties = {"l1:weight=1e-2,layer=encoder.0,warmup=2"}},
    {.name = "l1_weighted", .penalties = {"l1:weight=1e-2,weights=1;0.5;0;1;2;1"}},
    {.name = "kl", .code_activation = "sigmoid", .penalties = {"kl:weight=0.1"}},
    {.name = "kl_momentum", .code_activation = "sigmoid", .penalties = {"kl:weight=0.1,rho=0.2,momentum=0.9"}},
    {.name = "l1_weights", .penalties = {"l1_weights:weight=1e-4"}},
    {.name = "l2_weights", .penalties = {"l2_weights:weight=1e-3,prefix=decoder"}},
    {.name = "orthogonal", .penalties = {"orthogonal:weight=1e-2"}},
    {.name = "decorrelation", .penalties = {"decorrelation:weight=1e-1"}},
    {.name = "contractive_one_layer",
     .widths = {CODE},
     .code_activation = "sigmoid",
     .penalties = {"contractive:weight=0.1"}},
    {.name = "contractive", .activation = "softplus", .penalties = {"contractive:weight=1e-2"}},
    {.name = "contractive_probes", .penalties = {"contractive:weight=1e-2,probes=2"}},
    {.name = "contractive_wide_code", .widths = {30, 32}, .penalties = {"contractive:weight=1e-3,warmup=2"}},
    {.name = "contractive_norms",
     .encoder = {"dense:units=20", "batch_norm", "tanh", "residual dense:units=20,activation=silu", "layer_norm",
                 "dropout:rate=0.2", "dense:units=6"},
     .penalties = {"contractive:weight=1e-3"}},
    {.name = "two_penalties", .penalties = {"l1:weight=1e-2", "l2_weights:weight=1e-4,warmup=3"}},
    {.name = "tied_penalties",
     .tied = 1,
     .penalties = {"contractive:weight=1e-2", "l1_weights:weight=1e-5", "decorrelation:weight=1e-2"}},
    /* corruptions */
    {.name = "mask", .corruptions = {"mask:level=0.3"}},
    {.name = "mask_cosine", .corruptions = {"mask:level=0.5,to=0.1,over=2,shape=cosine,value=0.5"}},
    {.name = "salt_pepper", .corruptions = {"salt_pepper:level=0.2,low=0.1"}},
    {.name = "add_gaussian", .corruptions = {"gaussian:sigma=0.3"}},
    {.name = "add_gaussian_exponential", .corruptions = {"gaussian:sigma=0.3,to=0.05,over=3,shape=exponential"}},
    {.name = "two_corruptions", .corruptions = {"gaussian:sigma=0.1", "mask:level=0.2"}},
    /* layers */
    {.name = "tied", .tied = 1},
    {.name = "tied_deep", .tied = 1, .widths = {20, 12, CODE}, .optimizer = "adamw"},
    {.name = "dropout", .encoder = {"dense:units=20,activation=relu", "dropout:rate=0.3", "dense:units=6"}},
    {.name = "batch_norm", .encoder = {"dense:units=20", "batch_norm", "relu", "dense:units=6"}, .valid = 1},
    {.name = "batch_norm_plain",
     .encoder = {"dense:units=20,bias=false", "batch_norm:momentum=0.3,affine=false", "relu", "dense:units=6"},
     .batch = 57},
    {.name = "layer_norm", .encoder = {"dense:units=20", "layer_norm", "gelu", "dense:units=6"}},
    {.name = "residual", .encoder = {"residual dense:units=24,activation=tanh", "dense:units=6"}},
    {.name = "reshape", .encoder = {"reshape:dims=4x6", "dense:units=3,activation=elu", "flatten", "dense:units=6"}},
    {.name = "leaky_relu", .activation = "leaky_relu:slope=0.2", .epochs = 2},
    {.name = "elu", .activation = "elu:alpha=0.7", .epochs = 2},
    {.name = "gelu", .activation = "gelu", .epochs = 2},
    {.name = "silu", .activation = "silu", .epochs = 2},
    {.name = "sigmoid", .activation = "sigmoid", .output = "sigmoid", .epochs = 2},
    {.name = "softplus", .activation = "softplus", .code_activation = "tanh", .output = "softplus", .epochs = 2},
    /* starts */
    {.name = "xavier_uniform", .init = "xavier_uniform", .epochs = 1},
    {.name = "xavier_normal", .init = "xavier_normal:gain=0.5", .epochs = 1},
    {.name = "he_uniform", .init = "he_uniform", .epochs = 1},
    {.name = "he_normal", .init = "he_normal", .epochs = 1},
    {.name = "lecun_uniform", .init = "lecun_uniform", .epochs = 1},
    {.name = "lecun_normal", .init = "lecun_normal", .epochs = 1},
    {.name = "init_orthogonal", .init = "orthogonal", .epochs = 1},
    {.name = "init_uniform", .init = "uniform:gain=0.1", .epochs = 1},
    {.name = "init_normal", .init = "normal:gain=0.1", .epochs = 1},
    /* scaling */
    {.name = "standard", .data = DATA_RAW, .scaling = "standard"},
    {.name = "standard_clip", .data = DATA_RAW, .scaling = "standard:clip=1.5", .corruptions = {"gaussian:sigma=1"}},
    {.name = "minmax", .data = DATA_RAW, .scaling = "minmax:clip=true", .output = "sigmoid", .loss = "bce"},
    {.name = "robust", .data = DATA_RAW, .scaling = "robust", .validation_fraction = 0.25},
    /* the run */
    {.name = "schedule_step", .schedule = "step:every=1,factor=0.5"},
    {.name = "schedule_cosine", .schedule = "cosine:floor=0.1,warmup=0.2"},
    {.name = "schedule_warmup", .schedule = "warmup:steps=7"},
    {.name = "schedule_plateau", .schedule = "plateau:patience=1,factor=0.3,threshold=0.2", .epochs = 6, .valid = 1},
    {.name = "clip_norm", .clip_norm = 0.05},
    {.name = "clip_value", .clip_value = 1e-3, .clip_norm = 0.1},
    {.name = "valid_share", .validation_fraction = 0.2},
    {.name = "best_epoch", .optimizer = "adam:lr=0.15", .epochs = 12, .valid = 1},
    {.name = "early_stopping",
     .optimizer = "adam:lr=0.15",
     .epochs = 40,
     .validation_fraction = 0.2,
     .patience = 2,
     .min_improvement = 1e-4},
    {.name = "steps_per_epoch", .steps_per_epoch = 2, .epochs = 4},
    {.name = "batch_1", .batch = 1, .epochs = 1},
    {.name = "batch_of_one_left", .batch = 57 * 7, .encoder = {"dense:units=20", "batch_norm", "dense:units=6"}},
    {.name = "batch_of_all", .batch = ROWS, .optimizer = "sgd:lr=0.1", .epochs = 5},
    /* several shards of rows, several tiles of a weight */
    {.name = "wide_batch_32", .data = DATA_WIDE, .widths = {300, 20}, .activation = "relu", .batch = 32, .epochs = 1},
    {.name = "wide_batch_128", .data = DATA_WIDE, .widths = {300, 20}, .activation = "relu", .batch = 128, .epochs = 2},
    {.name = "wide_batch_512", .data = DATA_WIDE, .widths = {300, 20}, .batch = 512, .epochs = 2, .clip_norm = 0.1},
    {.name = "wide_tied", .data = DATA_WIDE, .widths = {300, 20}, .batch = 128, .epochs = 1, .tied = 1},
    {.name = "wide_momentum",
     .data = DATA_WIDE,
     .widths = {300, 20},
     .batch = 128,
     .epochs = 1,
     .optimizer = "momentum:lr=0.05",
     .corruptions = {"mask:level=0.3"},
     .output = "sigmoid",
     .loss = "bce"},
};

size_t fit_recipe_count(void) { return sizeof fit_recipes / sizeof *fit_recipes; }
const char *fit_recipe_name(size_t index) { return fit_recipes[index].name; }

static size_t listed(const char *const *list) {
    size_t count = 0;
    while (count < LIST_MAX && list[count] != NULL) count++;
    return count;
}

static aenc_model *model_of(struct recipe_run *run, const struct fit_recipe *r) {
    static const size_t usual[4] = {16, CODE}; /* ends at a 0, as widths does */
    const size_t input = r->data == DATA_WIDE ? WIDE_COLS : COLS;
    int layers = listed(r->encoder) > 0, decoder = listed(r->decoder) > 0;
    aenc_model_options o = {.struct_size = sizeof o,
                            .input = &input,
                            .input_rank = 1,
                            .code_activation = r->code_activation,
                            .output = r->output,
                            .loss = r->loss,
                            .init = r->init,
                            .scaling = r->scaling,
                            .penalties = r->penalties,
                            .penalty_count = listed(r->penalties),
                            .corruptions = r->corruptions,
                            .corruption_count = listed(r->corruptions),
                            .tied = r->tied};
    if (!layers) {
        o.encoder_widths = r->widths[0] > 0 ? r->widths : usual;
        while (o.encoder_count < 4 && o.encoder_widths[o.encoder_count] > 0) o.encoder_count++;
        o.activation = r->activation != NULL ? r->activation : "tanh";
    }
    aenc_layer *encoder_layers = layers ? recipe_layers(run, r->encoder) : NULL;
    aenc_layer *decoder_layers = decoder ? recipe_layers(run, r->decoder) : NULL;
    o.encoder_layers = encoder_layers;
    o.decoder_layers = decoder_layers;
    aenc_model *model;
    recipe_good(run, aenc_model_create(run->ctx, &o, &model));
    aenc_layer_free(encoder_layers);
    aenc_layer_free(decoder_layers);
    return model;
}

static aenc_fit_options fit_of(const struct fit_recipe *r) {
    aenc_fit_options o = recipe_fit();
    if (r->optimizer != NULL) o.optimizer = r->optimizer;
    if (r->epochs > 0) o.epochs = r->epochs;
    if (r->batch > 0) o.batch = r->batch;
    o.schedule = r->schedule;
    o.patience = r->patience;
    o.steps_per_epoch = r->steps_per_epoch;
    o.validation_fraction = r->validation_fraction;
    o.clip_norm = r->clip_norm;
    o.clip_value = r->clip_value;
    o.min_improvement = r->min_improvement;
    return o;
}

void fit_recipe_run(struct recipe_run *run, size_t index) {
    const struct fit_recipe *r = &fit_recipes[index];
    const struct recipe_data *data = run->data;
    aenc_matrix x = r->data == DATA_WIDE ? recipe_wide(data) : recipe_x(data, ROWS), valid = recipe_valid(data);
    if (r->data == DATA_RAW) x.data = data->raw;
    aenc_fit_options o = fit_of(r);
    if (r->valid) o.valid = &valid;
    if (r->labels) {
        o.labels = data->label;
        o.label_count = ROWS;
        o.valid_labels = r->valid ? data->valid_label : NULL;
        o.valid_label_count = r->valid ? VALID_ROWS : 0;
    }
    aenc_model *model = model_of(run, r);
    if (model != NULL) recipe_good(run, aenc_fit(model, &x, &o));
    recipe_finish(run, model, &x);
}
