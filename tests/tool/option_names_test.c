/* option_names_test.c - the names that the tool's table lists are those that the library knows, in its order.
 *
 * The tool refuses a name that is not in its table before anything is read; so a name that is new in the library would be
 * out of the tool's reach. Each option that takes such a name is tried here with one that nobody knows, and the library's
 * list of those it knows is compared. An option without a trial fails too.
 */
#include "../../examples/autoenc/option_table.h"

#include <stdlib.h>
#include <string.h>

#include <autoenc/autoenc.h>
#include <autoenc/use.h>

#include "check.h"

static const char nobody[] = "nobody";
static float values[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const size_t input[] = {2}, widths[] = {2, 1};
static const aenc_matrix rows = {.data = values, .rows = 4, .cols = 2};

static aenc_model_options model_options(void) {
    return (aenc_model_options){.struct_size = sizeof(aenc_model_options), .input = input, .input_rank = 1,
                                .encoder_widths = widths, .encoder_count = 2};
}

/* An option that ends in aenc_model_options. */
static aenc_status try_model(aenc_context *ctx, const char *option) {
    static const char *const list[] = {nobody};
    aenc_model_options asked = model_options();
    aenc_model *model = NULL;
    if (strcmp(option, "activation") == 0) asked.activation = nobody;
    else if (strcmp(option, "code-activation") == 0) asked.code_activation = nobody;
    else if (strcmp(option, "output") == 0) asked.output = nobody;
    else if (strcmp(option, "loss") == 0 || strcmp(option, "likelihood") == 0) asked.loss = nobody;
    else if (strcmp(option, "init") == 0) asked.init = nobody;
    else if (strcmp(option, "scale") == 0) asked.scaling = nobody;
    else if (strcmp(option, "bottleneck") == 0) asked.bottleneck = nobody;
    else if (strstr(option, "penalty") != NULL) asked.penalties = list, asked.penalty_count = 1;
    else if (strstr(option, "corrupt") != NULL) asked.corruptions = list, asked.corruption_count = 1;
    else return AENC_OK;
    aenc_status status = aenc_model_create(ctx, &asked, &model);
    aenc_model_free(model);
    return status;
}

/* One that ends in aenc_fit_options. */
static aenc_status try_fit(aenc_context *ctx, const char *option) {
    aenc_model_options asked = model_options();
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    aenc_model *model = NULL;
    if (strcmp(option, "schedule") == 0) fit.schedule = nobody;
    else if (strstr(option, "optimizer") != NULL) fit.optimizer = nobody;
    else return AENC_OK;
    aenc_status status = aenc_model_create(ctx, &asked, &model);
    if (status == AENC_OK) status = aenc_fit(model, &rows, &fit);
    aenc_model_free(model);
    return status;
}

static aenc_status try_other(aenc_context *ctx, const char *option) {
    aenc_pca_options pca = {.struct_size = sizeof pca, .method = nobody};
    aenc_model *model = NULL;
    const int32_t labels[] = {0, 1, 0, 1};
    int32_t predicted[4];
    double threshold = 0, accuracy = 0;
    aenc_layer *layer = NULL;
    if (strcmp(option, "encoder") == 0 || strcmp(option, "decoder") == 0) return aenc_layer_create(ctx, nobody, &layer);
    if (strcmp(option, "threshold") == 0) return aenc_threshold(ctx, nobody, values, 8, &threshold);
    if (strcmp(option, "probe") == 0) {
        return aenc_probe(ctx, nobody, &rows, labels, 4, &rows, labels, 4, predicted, 4, &accuracy);
    }
    if (strcmp(option, "score") == 0) {
        const aenc_detector_options detector = {.struct_size = sizeof detector, .bottleneck = "gaussian", .score = nobody};
        aenc_detector *none = NULL;
        return aenc_detector_create(ctx, &rows, &detector, &none);
    }
    if (strcmp(option, "method") != 0) return AENC_OK;
    aenc_status status = aenc_pca_create(ctx, &rows, &pca, &model);
    aenc_model_free(model);
    return status;
}

int main(void) {
    size_t count = 0, tried = 0;
    const struct option_row *table = tool_option_rows(&count);
    aenc_context *ctx = NULL;
    if (!CHECK(aenc_context_create(NULL, &ctx) == AENC_OK)) return 1;
    for (size_t i = 0; i < count; i++) {
        char names[512], wanted[600];
        bool named = table[i].kind == KIND_SPEC || table[i].kind == KIND_SPECS || table[i].kind == KIND_LAYERS;
        if (!named) continue;
        tool_words_join(table[i].names, ", ", names, sizeof names);
        (void)snprintf(wanted, sizeof wanted, "known: %s", names);
        aenc_status status = try_model(ctx, table[i].name);
        if (status == AENC_OK) status = try_fit(ctx, table[i].name);
        if (status == AENC_OK) status = try_other(ctx, table[i].name);
        const char *message = aenc_message(ctx), *known = strstr(message, "known: ");
        /* the losses that are likelihoods, the last of them */
        bool last = strcmp(table[i].name, "likelihood") == 0;
        const char *end = last && known != NULL && strlen(known) > strlen(names) ? known + strlen(known) - strlen(names) : "";
        bool good = status == AENC_ERR_ARGUMENT && known != NULL && (last ? strcmp(end, names) == 0 : strcmp(known, wanted) == 0);
        if (!good) fprintf(stderr, "--%s: the table has '%s', the library: %s\n", table[i].name, wanted, message);
        CHECK(good);
        tried++;
    }
    CHECK(tried >= 20);
    aenc_context_free(ctx);
    return check_finish();
}
