/* names_test.c - what goes by name: unknown names, settings out of range, descriptions that do not fit together. */
#include "api/world.h"

static char nothing;
#define NOTHING ((void *)&nothing)

static const char layer_names[] =
    "dense|dropout|batch_norm|layer_norm|reshape|flatten|sequential|residual|identity|relu|leaky_relu|elu|gelu|silu|"
    "sigmoid|tanh|softplus";
static const char activation_names[] = "identity|relu|leaky_relu|elu|gelu|silu|sigmoid|tanh|softplus";
static const char loss_names[] = "mse|mae|huber|bce|gaussian_nll|cosine|cross_entropy|bernoulli|continuous_bernoulli|"
                                 "gaussian|laplace|discretised_logistic|categorical";
static const char optimizer_names[] = "sgd|momentum|nesterov|rmsprop|adam|adamw";
static const char schedule_names[] = "constant|step|cosine|warmup|plateau";
static const char init_names[] = "constant|xavier_uniform|xavier_normal|he_uniform|he_normal|lecun_uniform|"
                                 "lecun_normal|orthogonal|uniform|normal|torch";

static const size_t input[] = {WORLD_COLS}, widths[] = {5, WORLD_CODE};

static aenc_model_options good_options(void) {
    return (aenc_model_options){.struct_size = sizeof(aenc_model_options),
                                .input = input,
                                .input_rank = 1,
                                .encoder_widths = widths,
                                .encoder_count = 2};
}

/* "typo|known|known ..." */
static const char *words_of(const char *first, const char *rest) {
    static char words[512];
    snprintf(words, sizeof words, "%s|%s", first, rest);
    return words;
}

static void model_fails(struct world *w, const aenc_model_options *options, aenc_status want, const char *words,
                        int line) {
    aenc_model *model = NOTHING;
    check_fails(w, aenc_model_create(w->ctx, options, &model), want, words, __FILE__, line, "aenc_model_create");
    check_report(model == NULL, __FILE__, line, "the model is NULL");
}
#define MODEL_FAILS(w, options, want, words) model_fails((w), (options), (want), (words), __LINE__)

/* ---- Unknown names ---- */

static void test_names_of_model(struct world *w) {
    aenc_model_options o = good_options();
    o.activation = "rleu";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, words_of("rleu", activation_names));
    o = good_options(), o.code_activation = "softmaxx";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, words_of("softmaxx", activation_names));
    o = good_options(), o.output = "sigmiod";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, words_of("sigmiod", activation_names));
    o = good_options(), o.loss = "msee";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, words_of("msee", loss_names));
    o = good_options(), o.init = "xaver";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, words_of("xaver", init_names));
    o = good_options(), o.loss = "huber:delta=0";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "huber|delta|0");
    o = good_options(), o.loss = "mse:delta=1";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "mse|delta");
    o = good_options(), o.activation = "leaky_relu:slope=-1";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "leaky_relu|slope|-1");
    o = good_options(), o.init = "normal:gain=x";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "normal|gain|x");
    o = good_options(), o.init = "";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "init|name");
}

static void test_names_of_training(struct world *w) {
    static const struct {
        const char *spec, *words;
    } optimizers[] = {
        {"adma", "adma"},           {"adam:lr=-1", "adam|lr|-1"},     {"adam:lr", "adam|lr"},
        {"adam:beta1=1", "adam|1"}, {"sgd:momentum=1", "sgd|momentum"}, {"sgd:lr=1,lr=2", "sgd|lr"},
        {"", "optimizer|name"},     {"adam:lr=1e400", "adam|lr"},
    };
    aenc_optimizer *made;
    aenc_fit_options fit = {.struct_size = sizeof fit};
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        const char *words = i == 0 ? words_of("adma", optimizer_names) : optimizers[i].words;
        made = NOTHING;
        CHECK_NONE(w, aenc_optimizer_create(w->model, optimizers[i].spec, &made), made, AENC_ERR_ARGUMENT, words);
        fit.optimizer = optimizers[i].spec;
        CHECK_FAILS(w, aenc_fit(w->model, &w->x, &fit), AENC_ERR_ARGUMENT, words);
    }
    fit.optimizer = NULL;
    fit.schedule = "cosin";
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &fit), AENC_ERR_ARGUMENT, words_of("cosin", schedule_names));
    fit.schedule = "step:every=0";
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &fit), AENC_ERR_ARGUMENT, "step|every|0");
    fit.schedule = "warmup";
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &fit), AENC_ERR_ARGUMENT, "warmup|steps|missing");
    fit.schedule = "plateau:factor=1.5";
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &fit), AENC_ERR_ARGUMENT, "plateau|factor|1.5");
}

static void test_layers(struct world *w) {
    static const struct {
        const char *spec, *words;
    } bad[] = {
        {"dnese:units=3", "dnese"},
        {"dense", "dense|units|missing"},
        {"dense:units=0", "dense|units|0"},
        {"dense:units=2147483648", "dense|units|2147483648"},
        {"dense:units=1.5", "dense|units|1.5"},
        {"dense:units=3,activation=rleu", "rleu"},
        {"dense:units=3,init=xaver", "xaver"},
        {"dense:units=3,bias=1", "dense|bias|1"},
        {"dense:unit=3", "dense|unit|units"},
        {"dropout:rate=1", "dropout|rate|1"},
        {"dropout:rate=-0.1", "dropout|rate|-0.1"},
        {"batch_norm:momentum=2", "batch_norm|momentum|2"},
        {"layer_norm:epsilon=0", "layer_norm|epsilon|0"},
        {"reshape", "reshape|dims|missing"},
        {"reshape:dims=8x0", "reshape|dims|0"},
        {"reshape:dims=1x1x1x1x1x1x1", "dims|6"},
        {"flatten:x=1", "flatten|x"},
        {"relu:slope=1", "relu|slope"},
        {"", "layer|name"},
        {"dense:units=3,", "layer"},
        {"sequential:layers=3", "sequential|layers|3"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aenc_layer *layer = NOTHING;
        const char *words = i == 0 ? words_of("dnese", layer_names) : bad[i].words;
        CHECK_NONE(w, aenc_layer_create(w->ctx, bad[i].spec, &layer), layer, AENC_ERR_ARGUMENT, words);
    }
}

static void test_containers(struct world *w) {
    aenc_layer *sequential, *dense;
    CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "sequential", &sequential), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "dense:units=2", &dense), AENC_OK);
    CHECK_FAILS(w, aenc_layer_add(dense, sequential), AENC_ERR_ARGUMENT, "dense|sequential|residual");
    CHECK_FAILS(w, aenc_layer_add(sequential, NULL), AENC_ERR_ARGUMENT, "aenc_layer_add|child|NULL");
    CHECK_FAILS(w, aenc_layer_add(sequential, sequential), AENC_ERR_ARGUMENT, "aenc_layer_add|itself");
    CHECK_STATUS(w->ctx, aenc_layer_add(sequential, dense), AENC_OK);
    aenc_layer_free(dense);
    aenc_model_options o = {.struct_size = sizeof o, .input = input, .input_rank = 1, .encoder_layers = sequential};
    aenc_model *model;
    CHECK_STATUS(w->ctx, aenc_model_create(w->ctx, &o, &model), AENC_OK);
    CHECK(aenc_model_code_size(model) == 2 && aenc_model_output_size(model) == WORLD_COLS);
    aenc_model_free(model);
    aenc_layer_free(sequential);
}

/* Containers in containers until they are refused: that is said, and what was accepted can be saved and loaded. */
static void test_depth(struct world *w) {
    aenc_layer *outer, *inner = NULL;
    aenc_model_options o = {.struct_size = sizeof o, .input = input, .input_rank = 1};
    aenc_status status = AENC_OK;
    static char bytes[1 << 16];
    for (int depth = 1; depth < 200 && status == AENC_OK; depth++) {
        CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "sequential", &outer), AENC_OK);
        status = inner == NULL ? AENC_OK : aenc_layer_add(outer, inner);
        aenc_layer_free(inner);
        inner = outer;
        aenc_model *model, *loaded;
        size_t size;
        o.encoder_layers = outer;
        if (status != AENC_OK || aenc_model_create(w->ctx, &o, &model) != AENC_OK) continue;
        CHECK_STATUS(w->ctx, aenc_model_save_memory(model, bytes, sizeof bytes, &size), AENC_OK);
        CHECK_STATUS(w->ctx, aenc_model_load_memory(w->ctx, bytes, size, &loaded), AENC_OK);
        aenc_model_free(model);
        aenc_model_free(loaded);
    }
    CHECK_FAILS(w, status, AENC_ERR_ARGUMENT, "deep");
    aenc_layer_free(inner);
}

/* ---- Options of a model ---- */

static void test_model_sizes(struct world *w) {
    aenc_model_options o = good_options();
    const size_t zero[] = {3, 0}, large[] = {(size_t)1 << 40}, product[] = {(size_t)1 << 20, (size_t)1 << 20};
    const size_t million[] = {1000000, 1000000}, many[300] = {1}, most[] = {2147483647};
    o.input = NULL;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "aenc_model_options.input|NULL");
    o.input = input, o.input_rank = 0;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "input_rank|0");
    o.input_rank = 6;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "input_rank|6|5");
    o.input = zero, o.input_rank = 2;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "input|dimension 1|0");
    o.input = large, o.input_rank = 1;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "input|dimension 0|1099511627776");
    o.input = product, o.input_rank = 2;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "input|dimension 1|1048576");
    o = good_options(), o.encoder_widths = zero;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_widths[1]|0");
    o.encoder_widths = large, o.encoder_count = 1;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_widths[0]|1099511627776");
    o.encoder_widths = many, o.encoder_count = 300;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_widths|300|256");
    o = good_options(), o.decoder_widths = zero, o.decoder_count = 2;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "decoder_widths[1]|0");
    o = good_options(), o.encoder_widths = million;
    MODEL_FAILS(w, &o, AENC_ERR_NO_MEMORY, "");
    o = good_options(), o.input = most, o.encoder_widths = most, o.encoder_count = 1;
    aenc_model *model = NOTHING;
    aenc_status status = aenc_model_create(w->ctx, &o, &model);
    CHECK((status == AENC_ERR_NO_MEMORY || status == AENC_ERR_SHAPE) && model == NULL);
}

static void test_model_conflicts(struct world *w) {
    aenc_layer *layer;
    CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "dense:units=2", &layer), AENC_OK);
    aenc_model_options o = good_options();
    o.encoder_layers = layer;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_widths|encoder_layers");
    o = good_options(), o.encoder_widths = NULL;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_count is 2|encoder_widths is NULL");
    o.encoder_count = 0;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_widths|encoder_layers");
    o = good_options(), o.encoder_count = 0;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "encoder_");
    o = good_options(), o.decoder_widths = widths, o.decoder_count = 1, o.decoder_layers = layer;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "decoder_widths|decoder_layers");
    o = good_options(), o.encoder_widths = NULL, o.encoder_count = 0, o.encoder_layers = layer;
    o.activation = "tanh";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "aenc_model_options.activation|encoder_layers");
    o.activation = NULL, o.init = "zeros";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "aenc_model_options.init|encoder_layers");
    o.init = NULL, o.code_activation = "tanh";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "aenc_model_options.code_activation|encoder_layers");
    o.code_activation = NULL, o.decoder_layers = layer, o.tied = 1;
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "aenc_model_options.tied|decoder_layers");
    o.decoder_layers = NULL, o.tied = 0;
    o.decoder_widths = widths, o.decoder_count = 1, o.code_activation = "tanh";
    MODEL_FAILS(w, &o, AENC_ERR_ARGUMENT, "aenc_model_options.code_activation|encoder_layers");
    aenc_layer_free(layer);
}

/* ---- Options of a fit ---- */

static void test_fit_ranges(struct world *w) {
    const aenc_fit_options good = {.struct_size = sizeof good};
    aenc_fit_options o = good;
    o.epochs = -1;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "epochs|-1");
    o.epochs = INT64_MAX;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "epochs|9223372036854775807");
    o = good, o.batch = -5;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "batch|-5");
    o = good, o.patience = -2;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "patience|-2");
    o.patience = 3;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "patience|3|valid");
    const double shares[] = {-0.25, 1, NAN, INFINITY};
    const char *const share_words[] = {"validation_fraction|-0.25", "validation_fraction|1", "validation_fraction|nan", "validation_fraction|inf"};
    for (int k = 0; k < 4; k++) {
        o = good, o.validation_fraction = shares[k];
        CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, share_words[k]);
    }
    const double reals[] = {-1, NAN, INFINITY};
    for (int k = 0; k < 3; k++) {
        o = good, o.min_improvement = reals[k];
        CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "min_improvement");
        o = good, o.clip_norm = reals[k];
        CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "clip_norm");
        o = good, o.clip_value = reals[k];
        CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "clip_value");
    }
    o = good, o.valid_target = &w->x;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &o), AENC_ERR_ARGUMENT, "valid_target|valid");
    aenc_matrix one = {w->data, 1, WORLD_COLS, 0};
    o = good, o.validation_fraction = 0.9;
    CHECK_FAILS(w, aenc_fit(w->model, &one, &o), AENC_ERR_ARGUMENT, "validation_fraction|0.9|1");
}

/* ---- Descriptions ---- */

static void test_descriptions(struct world *w) {
    static const struct {
        const char *json;
        aenc_status want;
        const char *words;
    } bad[] = {
        {"", AENC_ERR_FORMAT, "description"},
        {"{", AENC_ERR_FORMAT, "description"},
        {"null", AENC_ERR_FORMAT, "object"},
        {"[]", AENC_ERR_FORMAT, "object"},
        {"{} {}", AENC_ERR_FORMAT, "description"},
        {"{}", AENC_ERR_ARGUMENT, "input"},
        {"{'input':[6]}", AENC_ERR_FORMAT, "description"},
        {"{\"input\":[6]}", AENC_ERR_ARGUMENT, "encoder"},
        {"{\"input\":[6],\"encodre\":{}}", AENC_ERR_ARGUMENT, "encodre|encoder|decoder|loss"},
        {"{\"input\":[6],\"input\":[6]}", AENC_ERR_FORMAT, "input"},
        {"{\"input\":[],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_ARGUMENT, "input"},
        {"{\"input\":[6.5],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_ARGUMENT, "input|6.5"},
        {"{\"input\":[-6],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_ARGUMENT, "input|-6"},
        {"{\"input\":[1e300],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_ARGUMENT, "input|1e300"},
        {"{\"input\":[\"6\"],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_ARGUMENT, "input|dimension 0"},
        {"{\"input\":[2,2,2,2,2,2],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_ARGUMENT, "input|5"},
        {"{\"format\":2,\"input\":[6],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_VERSION, "format|2"},
        {"{\"format\":0,\"input\":[6],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_FORMAT, "format"},
        {"{\"format\":\"1\",\"input\":[6],\"encoder\":{\"type\":\"relu\"}}", AENC_ERR_FORMAT, "format"},
        {"{\"input\":[6],\"encoder\":[]}", AENC_ERR_ARGUMENT, "layer"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"dnese\"}}", AENC_ERR_ARGUMENT, "dnese|dense"},
        {"{\"input\":[6],\"encoder\":{\"type\":3}}", AENC_ERR_ARGUMENT, "layer"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"sequential\"}}", AENC_ERR_ARGUMENT, "sequential|layers"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[3]}}", AENC_ERR_ARGUMENT, "layers"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":\"3\"}}", AENC_ERR_ARGUMENT, "units|3"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"relu\"},\"loss\":3}", AENC_ERR_ARGUMENT, "loss"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"relu\"},\"loss\":\"msee\"}", AENC_ERR_ARGUMENT, "msee|mse"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"relu\"},\"output\":3}", AENC_ERR_ARGUMENT, "output"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"relu\"},\"output\":\"sigmiod\"}", AENC_ERR_ARGUMENT,
         "sigmiod|sigmoid"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"reshape\",\"dims\":[2,2]}}", AENC_ERR_SHAPE, "reshape|6"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":5}]}}",
         AENC_ERR_SHAPE, "residual|6|5"},
        {"{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"decoder\":{\"type\":\"dense\",\"units\":5},"
         "\"loss\":\"gaussian_nll\"}", AENC_ERR_SHAPE, "gaussian_nll|5|2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aenc_model *model = NOTHING;
        check_fails(w, aenc_model_parse(w->ctx, bad[i].json, strlen(bad[i].json), &model), bad[i].want, bad[i].words,
                    __FILE__, __LINE__, bad[i].json);
        CHECK(model == NULL);
    }
}

/* ---- A model whose output is not as large as its input, a loss that does not split ---- */

static void test_other_models(struct world *w) {
    static const char json[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},"
                               "\"decoder\":{\"type\":\"dense\",\"units\":4},\"loss\":\"cosine\"}";
    aenc_model *m;
    float room[64];
    aenc_matrix target = {w->data, WORLD_ROWS, 4, 0};
    aenc_batch batch = {.struct_size = sizeof batch, .input = w->x};
    aenc_fit_options fit = {.struct_size = sizeof fit, .target = &target, .valid = &w->x};
    CHECK_STATUS(w->ctx, aenc_model_parse(w->ctx, json, strlen(json), &m), AENC_OK);
    CHECK_FAILS(w, aenc_score(m, &w->x, NULL, room, 64), AENC_ERR_SHAPE, "target|NULL|6|4");
    CHECK_FAILS(w, aenc_score(m, &w->x, &w->x, room, 64), AENC_ERR_SHAPE, "target|cols|6|4");
    CHECK_FAILS(w, aenc_fit(m, &w->x, NULL), AENC_ERR_SHAPE, "target|NULL|6|4");
    CHECK_FAILS(w, aenc_fit(m, &w->x, &fit), AENC_ERR_SHAPE, "valid_target|NULL|6|4");
    CHECK_FAILS(w, aenc_model_gradients(m, &batch, NULL), AENC_ERR_SHAPE, "target|NULL|6|4");
    CHECK_FAILS(w, aenc_score_features(m, &w->x, &target, room, 64), AENC_ERR_UNSUPPORTED, "cosine|features");
    CHECK_STATUS(w->ctx, aenc_score(m, &w->x, &target, room, 64), AENC_OK);
    aenc_model_free(m);
}

int main(void) {
    struct world w;
    world_create(&w);
    test_names_of_model(&w);
    test_names_of_training(&w);
    test_layers(&w);
    test_containers(&w);
    test_depth(&w);
    test_model_sizes(&w);
    test_model_conflicts(&w);
    test_fit_ranges(&w);
    test_descriptions(&w);
    test_other_models(&w);
    world_free(&w);
    return check_finish();
}
