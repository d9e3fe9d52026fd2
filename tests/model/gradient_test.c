/* gradient_test.c - in double: the gradient of every parameter of whole models, in training mode with batch statistics
 * and the draws of dropout and corruption, penalties and warm-up included, against central differences of the loss. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "train/train.h"

enum { ROWS = 9, COLS = 6, NUMBERS = 256 };

#define SMALL(activation, penalties, corrupt)                                                                          \
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"     \
    "\"sigmoid\"},{\"type\":\"dense\",\"units\":3,\"activation\":\"" activation "\"}]},\"penalties\":[" penalties "],"    \
    "\"corrupt\":[" corrupt "]}"

static const char *const models[] = {
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},"
    "{\"type\":\"dense\",\"units\":2}]},\"output\":\"sigmoid\",\"loss\":\"mse\"}",
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},"
    "{\"type\":\"batch_norm\"},"
    "{\"type\":\"gelu\"},{\"type\":\"dropout\",\"rate\":0.25},"
    "{\"type\":\"dense\",\"units\":3}]},\"output\":\"sigmoid\","
    "\"loss\":\"bce\"}",
    "{\"input\":[2,3],\"encoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":4,\"activation\":\"silu\"},"
    "{\"type\":\"layer_norm\"},{\"type\":\"flatten\"},{\"type\":\"residual\",\"layers\":["
    "{\"type\":\"dense\",\"units\":8,"
    "\"activation\":\"softplus\"}]},{\"type\":\"dense\",\"units\":2}]},\"loss\":\"huber:delta=0.3\"}",
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3,\"activation\":\"elu\"},\"decoder\":"
    "{\"type\":\"dense\","
    "\"units\":12},\"loss\":\"gaussian_nll\"}",
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"loss\":\"cosine\"}",
/* every likelihood, and where its scale comes from */
#define LIKELIHOOD(loss) "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"scaling\":\"minmax:clip=true\",\"loss\":\"" loss "\"}"
    LIKELIHOOD("bernoulli"), LIKELIHOOD("continuous_bernoulli"), LIKELIHOOD("gaussian:scale=0.3"),
    LIKELIHOOD("gaussian:learned=one,scale=0.3"), LIKELIHOOD("gaussian:learned=each"),
    LIKELIHOOD("gaussian:learned=output"), LIKELIHOOD("gaussian:learned=optimal"), LIKELIHOOD("laplace:learned=each,reduction=mean"),
    LIKELIHOOD("laplace:learned=output"), LIKELIHOOD("laplace:learned=optimal"), LIKELIHOOD("discretised_logistic:levels=9"),
    LIKELIHOOD("discretised_logistic:learned=one"), LIKELIHOOD("discretised_logistic:learned=output"),
    LIKELIHOOD("categorical:bins=4"),
/* every control of the Gaussian code */
#define CODE(bottleneck) "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},\"loss\":\"gaussian\",\"bottleneck\":\"gaussian:units=4," bottleneck "\"}"
    CODE("warmup=2,elements=true"), CODE("free_bits=0.1"), CODE("free_bits=0.2,group=2,beta=3"), CODE("capacity=3,beta=2"),
    CODE("floor=0.3"), CODE("covariance=full"), CODE("covariance=full,free_bits=0.1"),
    CODE("samples=3"), CODE("samples=3,objective=iwae,warmup=2"), CODE("samples=2,objective=iwae,covariance=full,beta=2"),
    CODE("samples=2,free_bits=0.1"),
/* a prior that follows from a field, and an embedded field in the decoder */
    "{\"input\":[6],\"fields\":{\"kind\":\"classes:count=3\"},\"encoder\":{\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},"
    "\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"condition\",\"field\":\"kind\",\"units\":2},{\"type\":\"dense\",\"units\":6}]},"
    "\"loss\":\"gaussian\",\"bottleneck\":\"gaussian:units=3,prior=kind,samples=3,objective=iwae\"}",
    "{\"input\":[6],\"fields\":{\"kind\":\"classes:count=3\"},\"encoder\":{\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},"
    "\"loss\":\"gaussian\",\"bottleneck\":\"gaussian:units=3,prior=kind,covariance=full,free_bits=0.1\"}",
/* every penalty, alone and together, on one layer and on two, behind corruption */
    SMALL("tanh", "\"l1:weight=0.3\"", "{\"type\":\"mask\",\"level\":0.4}"),
    SMALL("tanh", "\"l1:weight=0.3,weights=0.5;1;2,warmup=3\",\"l1:weight=0.1,layer=encoder.0\"", ""),
    SMALL("sigmoid", "\"kl:weight=0.7,rho=0.3\",\"kl:weight=0.2,layer=encoder.0\"", ""),
    SMALL("tanh", "\"l1_weights:weight=0.1\",\"l2_weights:weight=0.3,prefix=encoder.\"", ""),
    SMALL("tanh", "\"orthogonal:weight=0.4\"", ""),
    SMALL("tanh", "\"decorrelation:weight=0.9\"", ""),
    SMALL("tanh", "\"contractive:weight=0.6,warmup=2\"", "\"mask:level=0.3\""),
    SMALL("sigmoid", "\"contractive:weight=0.6,probes=2\",\"contractive:weight=0.2\",\"l1:weight=0.1\"", ""),
    "{\"input\":[2,3],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"flatten\"},"
    "{\"type\":\"dense\",\"units\":3,\"activation\":\"tanh\"}]},\"scaling\":\"standard:clip=1.2\"}",
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"output\":\"sigmoid\",\"loss\":\"bce\","
    "\"scaling\":\"minmax:clip=true\"}",
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"decoder\":{\"type\":\"dense\",\"units\":12},"
    "\"loss\":\"gaussian_nll\",\"scaling\":\"robust\"}",
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},"
    "{\"type\":\"batch_norm\"},{\"type\":\"silu\"},{\"type\":\"dropout\",\"rate\":0.25},"
    "{\"type\":\"dense\",\"units\":3}]},\"penalties\":[\"contractive:weight=0.5\"]}",
    SMALL("sigmoid", "\"decorrelation:weight=0.9\",\"l2_weights:weight=0.01\",\"kl:weight=1\",\"orthogonal:weight=1\"",
          "\"mask:level=0.2,value=0.5\""),
    /* tied: every weight has two uses, one of them transposed; through residual and frozen shapes too */
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
    "\"tanh\"},{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":\"sigmoid\"}]},"
    "{\"type\":\"dense\",\"units\":3}]},\"tied\":true,\"penalties\":[\"l2_weights:weight=0.1\"]}",
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4,\"activation\":\"sigmoid\"},\"output\":\"sigmoid\","
    "\"tied\":true,\"penalties\":[\"contractive:weight=0.5\"]}",
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},"
    "{\"type\":\"dense\",\"units\":3}]},\"tied\":true,\"penalties\":[\"contractive:weight=0.5\"]}",
};

struct scene {
    aenc_context *ctx;
    struct aenc_model *model;
    struct batch batch;
    const float *weight;
};

static struct aenc_model *parsed(aenc_context *ctx, const char *text) {
    struct arena arena;
    struct json *given;
    const struct json *description;
    struct aenc_model *model = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_json_parse(&arena, text, strlen(text), "the model description", &given);
    if (status == AENC_OK) status = aenc_description_complete(ctx, &arena, given, &description);
    if (status == AENC_OK) status = aenc_model_declare(ctx, &arena, description, &model);
    if (status == AENC_OK) status = aenc_store_allocate(&model->store, ctx->seed);
    if (!CHECK_STATUS(ctx, status, AENC_OK)) exit(2);
    return model;
}

/* Answers the loss; leaves the gradients, as sums over rows, in the store. */
static double gradients(const struct scene *scene) {
    double loss = NAN;
    aenc_status status = aenc_train_gradients(scene->model, (struct turn){0, 0}, &scene->batch, &loss);
    CHECK_STATUS(scene->ctx, status, AENC_OK);
    return loss;
}

/* (loss(w + h) - loss(w - h)) / 2 h. The draws of dropout are those of the same step each time. */
static void entry_check(const struct scene *scene, const struct entry *entry) {
    const struct store *store = &scene->model->store;
    double gradient[NUMBERS], total = 0;
    const num h = (num)1e-5;
    if (entry->count > NUMBERS) exit(2);
    for (int r = 0; r < ROWS; r++) total += (double)scene->weight[r];
    gradients(scene);
    for (int64_t i = 0; i < entry->count; i++) gradient[i] = (double)store->gradient[entry->offset + i] / total;
    for (int64_t i = 0; i < entry->count; i++) {
        num *w = &store->parameter[entry->offset + i];
        const num keep = *w;
        *w = keep - h;
        double below = gradients(scene);
        *w = keep + h;
        double above = gradients(scene);
        *w = keep;
        if (!CHECK_NEAR(gradient[i], (above - below) / (2 * (double)h), 1e-8))
            fprintf(stderr, "  %s[%d]\n", entry->name, (int)i);
    }
}

static void model_check(const char *text, bool own_target) {
    float x[ROWS * COLS], y[ROWS * COLS], weight[ROWS];
    struct scene scene = {.batch = {.count = ROWS}, .weight = weight};
    scene.batch.column[FIELD_INPUT] = (struct column){.data = x, .stride = COLS};
    scene.batch.column[FIELD_TARGET] = (struct column){.data = own_target ? y : NULL, .stride = COLS};
    scene.batch.column[FIELD_WEIGHT] = (struct column){.data = weight, .stride = 1};
    float kind[ROWS];
    for (int r = 0; r < ROWS; r++) kind[r] = (float)(r % 3);
    if (strstr(text, "\"fields\"") != NULL) scene.batch.column[FIELD_DECLARED] = (struct column){.data = kind, .stride = 1};
    aenc_context_options options = {.struct_size = sizeof options, .seed = 11, .threads = 2};
    for (int i = 0; i < ROWS * COLS; i++) x[i] = (float)((i * 37) % 53) / 53.0f, y[i] = (float)((i * 19) % 47) / 47.0f;
    for (int r = 0; r < ROWS; r++) weight[r] = 0.5f + (float)(r % 4);
    CHECK(aenc_context_create(&options, &scene.ctx) == AENC_OK);
    scene.model = parsed(scene.ctx, text);
    scene.model->clock = 1.25;
    struct fit_data data = {.rows = scene.batch};
    CHECK_STATUS(scene.ctx, aenc_scaling_learn(scene.model, &data, &scene.batch, 0, 0), AENC_OK);
    for (size_t i = 0; i < scene.model->store.entry_count; i++) {
        const struct entry *entry = &scene.model->store.entry[i];
        if (entry->kind == ENTRY_PARAMETER) entry_check(&scene, entry);
    }
    aenc_model_release(scene.model);
    aenc_context_free(scene.ctx);
}

int main(void) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        model_check(models[i], false);
        model_check(models[i], true);
    }
    return check_finish();
}
