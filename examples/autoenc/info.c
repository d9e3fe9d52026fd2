/* info.c - a model file for the eye: its description, indented where a line would be too long, and its parameters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "judgement.h"

enum { LINE_WIDTH = 96, INDENT = 2, NAME_WIDTH = 36 };

/* The end of the JSON value that begins at text: of a string, a bracket with all inside, or a word. */
static const char *value_end(const char *text) {
    size_t depth = 0;
    bool quoted = false;
    for (; *text != '\0'; text++) {
        if (quoted) {
            if (*text == '\\' && text[1] != '\0')
                text++;
            else if (*text == '"')
                quoted = false;
            continue;
        }
        if (*text == '"') quoted = true;
        if (*text == '{' || *text == '[') depth++;
        if (depth == 0 && (*text == ',' || *text == '}' || *text == ']')) return text;
        if (*text == '}' || *text == ']') depth--;
    }
    return text;
}

static void print_flat(const char *text, const char *end) {
    bool quoted = false;
    for (; text < end; text++) {
        (void)putchar(*text);
        if (quoted && *text == '\\' && text + 1 < end)
            (void)putchar(*++text);
        else if (*text == '"')
            quoted = !quoted;
        else if (!quoted && (*text == ',' || *text == ':'))
            (void)putchar(' ');
    }
}

/* Prints the value [text, end) of compact JSON, of which `column` columns of its first line are taken. */
static void print_value(const char *text, const char *end, size_t depth, size_t column) {
    if ((*text != '{' && *text != '[') || column + (size_t)(end - text) <= LINE_WIDTH) {
        print_flat(text, end);
        return;
    }
    char close = end[-1];
    (void)printf("%c\n", *text);
    for (const char *item = text + 1; item < end - 1;) {
        const char *item_end = value_end(item);
        size_t used = (depth + 1) * INDENT;
        (void)printf("%*s", (int)used, "");
        if (*text == '{') {
            const char *colon = item + 1;
            while (*colon != '"') colon += *colon == '\\' ? 2 : 1;
            print_flat(item, colon + 2);
            used += (size_t)(colon - item) + 3;
            item = colon + 2;
        }
        print_value(item, item_end, depth + 1, used);
        (void)printf("%s\n", *item_end == ',' ? "," : "");
        item = *item_end == ',' ? item_end + 1 : item_end;
    }
    (void)printf("%*s%c", (int)(depth * INDENT), "", close);
}

static int print_parameter(const struct options *options, aenc_context *ctx, const aenc_model *model, size_t index,
                           size_t *seen) {
    const char *name = aenc_model_tensor_name(model, index);
    aenc_tensor *tensor = NULL;
    aenc_status status = aenc_model_tensor_get(model, name, &tensor);
    if (status != AENC_OK) return tool_library_failed(options, ctx, status);
    char shape[160] = "";
    size_t used = 0;
    for (size_t axis = 0; axis < aenc_tensor_rank(tensor); axis++) {
        int more =
            snprintf(shape + used, sizeof shape - used, "%s%zu", axis > 0 ? " x " : "", aenc_tensor_dim(tensor, axis));
        used += more > 0 ? (size_t)more : 0;
    }
    bool state = *seen >= aenc_model_parameter_size(model);
    *seen += aenc_tensor_count(tensor);
    (void)printf("  %-*s %-18s %10zu%s\n", NAME_WIDTH, name, used > 0 ? shape : "scalar", aenc_tensor_count(tensor),
                 state ? "  state, not trained" : "");
    aenc_tensor_free(tensor);
    return TOOL_OK;
}

static int print_model(const struct options *options, aenc_context *ctx, const aenc_model *model) {
    const char *description = aenc_model_description(model);
    if (options->json) {
        (void)printf("%s\n", description);
        return TOOL_OK;
    }
    (void)printf("input %zu -> code %zu -> output %zu, %zu trained numbers\n\ndescription\n",
                 aenc_model_input_size(model), aenc_model_code_size(model), aenc_model_output_size(model),
                 aenc_model_parameter_size(model));
    print_value(description, description + strlen(description), 0, 0);
    (void)printf("\n\nparameters\n");
    size_t seen = 0;
    int status = TOOL_OK;
    for (size_t i = 0; status == TOOL_OK && i < aenc_model_tensor_count(model); i++) {
        status = print_parameter(options, ctx, model, i, &seen);
    }
    return status;
}

/* The components of a PCA, one per line; of many the first and the last. */
static int print_variances(const struct options *options, aenc_context *ctx, const aenc_model *model) {
    enum { SHOWN = 20 };
    float *variance = NULL, *ratio = NULL;
    size_t count = 0;
    double sum = 0.0;
    if (options->json || strstr(aenc_model_description(model), "\"pca\":{") == NULL) return TOOL_OK;
    int status = tool_model_numbers(options, ctx, model, "pca.explained_variance", &variance, &count);
    if (status == TOOL_OK) {
        status = tool_model_numbers(options, ctx, model, "pca.explained_variance_ratio", &ratio, &count);
    }
    if (status == TOOL_OK)
        (void)printf("\nvariance\n  %9s %14s %10s %10s\n", "component", "variance", "share", "together");
    for (size_t i = 0; status == TOOL_OK && i < count; i++) {
        sum += (double)ratio[i];
        if (i >= SHOWN && i + 1 < count) continue;
        if (i > SHOWN) (void)printf("  %9s\n", "...");
        (void)printf("  %9zu %14.6g %7.1f %% %7.1f %%\n", i + 1, (double)variance[i], 100.0 * (double)ratio[i],
                     100.0 * sum);
    }
    free(variance);
    free(ratio);
    return status;
}

/* Where a detector draws the line, and what that was made from. */
static int print_detector(const struct options *options, aenc_context *ctx) {
    char threshold[32], origin[256];
    aenc_detector *detector = NULL;
    int status = options->json ? TOOL_OK : tool_detector_find(options, ctx, options->operand[0], &detector);
    if (status != TOOL_OK || detector == NULL) return status;
    tool_threshold_print(aenc_detector_threshold(detector), threshold);
    tool_threshold_origin(detector, origin, sizeof origin);
    (void)printf("\ndetector\n  threshold %s (%s)\n  a row is flagged where its score is above the threshold\n",
                 threshold, origin);
    aenc_detector_free(detector);
    return TOOL_OK;
}

/* Of the elements the first ones. */
static void print_measures(const aenc_posterior *of, const aenc_posterior_options *each, const struct data *data) {
    enum { SHOWN = 40 };
    (void)printf("\ncode of %s, %zu rows, nats\n", data->name, data->rows);
    (void)printf("  rate %.4f = mutual information %.4f + KL of the aggregate posterior %.4f\n", of->rate,
                 of->mutual_information, of->marginal_kl);
    (void)printf("  active units %.0f of %zu\n\n  %7s %10s %10s %10s %10s\n", of->active_units, each->units, "element",
                 "mean", "variance", "rate", "marginal");
    for (size_t i = 0; i < each->units && i < SHOWN; i++) {
        (void)printf("  %7zu %10.4f %10.4f %10.4f %10.4f\n", i, each->mean[i], each->variance[i], each->kl[i],
                     each->marginal_kl[i]);
    }
    if (each->units > SHOWN) (void)printf("  %7s\n", "...");
}

/* The posteriors of the rows of DATA. */
static int print_posterior(const struct options *options, aenc_context *ctx, aenc_model *model) {
    struct data_options how = tool_data_options(options);
    struct data data = {0};
    struct fields *fields = NULL;
    if (options->operand_count < 2 || options->json) return TOOL_OK;
    int status = tool_fields_prepare(options, model, COMMAND_ENCODE, &fields);
    if (status == TOOL_OK) status = tool_data_read(options->operand[1], &how, &data);
    if (status == TOOL_OK) status = tool_fields_attach(options, fields, &data);
    size_t units = aenc_model_code_size(model), count = 1, dims[] = {data.rows, data.cols};
    if (status == TOOL_OK) {
        status = tool_data_fits(&data, NULL, options->operand[0], aenc_model_input_size(model));
    }
    double *each = status == TOOL_OK ? tool_allocate("the code", units, 4 * sizeof *each) : NULL;
    aenc_array in[FIELDS_MAX + 1] = {{.struct_size = sizeof in[0], .name = "input", .dims = dims, .rank = 2}};
    const aenc_array *given[FIELDS_MAX + 1] = {in};
    in[0].data = data.values;
    in[0].size = data.rows * data.cols * sizeof *data.values;
    for (size_t i = 0; each != NULL && fields != NULL && i < fields->count; i++, count++) {
        in[count] = tool_field_array(&fields->field[i], data.rows);
        given[count] = &in[count];
    }
    const aenc_posterior_options asked = {.struct_size = sizeof asked,
                                          .mean = each,
                                          .variance = each == NULL ? NULL : each + units,
                                          .kl = each == NULL ? NULL : each + 2 * units,
                                          .marginal_kl = each == NULL ? NULL : each + 3 * units,
                                          .units = units};
    aenc_posterior of = {.struct_size = sizeof of};
    aenc_status answer = each == NULL ? AENC_OK : aenc_posterior_measure(model, &asked, given, count, &of);
    if (status == TOOL_OK && each == NULL) status = TOOL_FAILED;
    if (answer == AENC_ERR_UNSUPPORTED) {
        status = tool_fail("%s: %s", options->operand[0], aenc_message(ctx));
    } else if (answer != AENC_OK) {
        status = tool_library_refused(options, ctx, answer, &(struct tables){.x = &data});
    }
    if (status == TOOL_OK) print_measures(&of, &asked, &data);
    free(each);
    tool_fields_free(fields);
    tool_data_free(&data);
    return status;
}

int tool_info(const struct options *options) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    int status = tool_context_create(options, &ctx);
    if (status == TOOL_OK) status = tool_model_load(options, ctx, options->operand[0], &model);
    if (status == TOOL_OK) status = print_model(options, ctx, model);
    if (status == TOOL_OK) status = print_variances(options, ctx, model);
    if (status == TOOL_OK) status = print_detector(options, ctx);
    if (status == TOOL_OK) status = print_posterior(options, ctx, model);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status;
}
