/* layers.c - text into layers. A layer's settings are the library's to check; here are words, numbers and parentheses. */
#include "layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

enum word_kind { WORD_END, WORD_CLOSE, WORD_NUMBER, WORD_LAYER, WORD_OPEN /* a layer that "(" follows */ };

struct word {
    enum word_kind kind;
    const char *text; /* not terminated */
    size_t length;
    size_t width; /* of a number; 0: it is none that can be a width */
};

/* Where a text is read. */
struct reader {
    const char *at;
    size_t place; /* of the last layer, from 1 */
    size_t depth; /* of open parentheses */
};

static const char blanks[] = " \t\r\n";
static const char containers[] = "sequential|residual";
/* What may stand between a number and its activation. */
static const char followers[] = "batch_norm|layer_norm|dropout";

static size_t parse_width(const char *text, size_t length, size_t high) {
    size_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return 0;
        value = 10 * value + (size_t)(text[i] - '0');
        if (value > high) return 0;
    }
    return value;
}

/* The next word. Numbers are separated by commas or by blanks. */
static struct word next_word(struct reader *reader, double high) {
    const char *at = reader->at + strspn(reader->at, blanks);
    struct word word = {.kind = WORD_LAYER, .text = at};
    if (*at == '\0') word.kind = WORD_END;
    if (*at == ')') {
        word.kind = WORD_CLOSE;
        word.length = 1;
    }
    if (word.kind != WORD_LAYER) {
        reader->at = at + word.length;
        return word;
    }
    bool number = *at >= '0' && *at <= '9';
    word.length = strcspn(at, number ? " \t\r\n()," : " \t\r\n()");
    reader->at = at + word.length;
    reader->place++;
    if (number) {
        word.kind = WORD_NUMBER;
        word.width = parse_width(at, word.length, (size_t)high);
        bool more = *reader->at == ',' && reader->at[1] >= '0' && reader->at[1] <= '9';
        if (more) reader->at++;
    } else if (*reader->at == '(') {
        word.kind = WORD_OPEN;
        reader->at++;
    }
    return word;
}

static bool is_among(const char *names, const struct word *word) {
    const char *colon = memchr(word->text, ':', word->length);
    return tool_word_find(names, word->text, colon != NULL ? (size_t)(colon - word->text) : word->length) >= 0;
}

/* ---- Parsing ---- */

static int bad_word(const struct options *options, const struct option_row *row, const struct reader *reader,
                    const struct word *word, const char *whole) {
    char names[768], place[48] = "";
    bool alone = word->length == strlen(whole);
    tool_words_join(row->names, ", ", names, sizeof names);
    if (!alone) (void)snprintf(place, sizeof place, "layer %zu, ", reader->place);
    return tool_usage("%s: --%s: %s'%.*s' is not a width from 1 to %s, nor one of the known: %s", options->command_name,
                      row->name, place, (int)word->length, word->text, tool_value(row->high).text, names);
}

int tool_layers_parse(const struct options *options, const struct option_row *row, const char *text,
                      struct layers *out) {
    struct reader reader = {.at = text};
    bool numbers = true, empty = true;
    *out = (struct layers){.text = text};
    for (;;) {
        struct word word = next_word(&reader, row->high);
        if (word.kind == WORD_END) break;
        if (word.kind == WORD_CLOSE && (reader.depth == 0 || empty)) {
            const char *what = reader.depth == 0 ? "has no opening parenthesis" : "closes parentheses without layers";
            return tool_usage("%s: --%s '%s': the ')' behind layer %zu %s", options->command_name, row->name, text,
                              reader.place, what);
        }
        if (word.kind == WORD_CLOSE) reader.depth--;
        bool good =
            word.kind == WORD_CLOSE || (word.kind == WORD_NUMBER ? word.width > 0 : is_among(row->names, &word));
        bool comma = word.kind == WORD_NUMBER && *reader.at == ','; /* and no digit behind it */
        if (comma || word.length == 0) word.length += strcspn(word.text + word.length, blanks);
        if (!good || comma) return bad_word(options, row, &reader, &word, text);
        if (word.kind == WORD_LAYER && is_among(containers, &word)) {
            return tool_usage("%s: --%s: layer %zu, '%.*s': its layers stand in parentheses behind it, such as %s",
                              options->command_name, row->name, reader.place, (int)word.length, word.text,
                              "residual(64 relu 64)");
        }
        if (word.kind == WORD_OPEN) reader.depth++;
        empty = word.kind == WORD_OPEN;
        numbers = numbers && word.kind == WORD_NUMBER;
        if (numbers && reader.place <= WIDTHS_MAX) out->widths.value[reader.place - 1] = word.width;
    }
    if (reader.place == 0)
        return tool_usage("%s: --%s: '%s' is not a list of layers", options->command_name, row->name, text);
    if (reader.depth > 0) {
        return tool_usage("%s: --%s '%s': a '(' is not closed", options->command_name, row->name, text);
    }
    if (numbers && reader.place > WIDTHS_MAX) {
        return tool_usage("%s: --%s: has %zu widths; at most %d are taken", options->command_name, row->name,
                          reader.place, WIDTHS_MAX);
    }
    out->widths.count = numbers ? reader.place : 0;
    return TOOL_OK;
}

/* ---- Creating ---- */

struct build {
    const struct options *options;
    aenc_context *ctx;
    const struct option_row *row;
    struct reader reader;
    bool encoder;
    bool takes_units;                       /* the encoder's last number is the bottleneck's units and no layer */
    size_t units;                           /* 0: there was none */
    bool activation, code_activation, init; /* a number has used that option */
};

/* Whether an activation follows the number that was read, and whether it is the last but for followers. */
static void look_ahead(const struct build *build, bool *activated, bool *last, bool *alone) {
    struct reader ahead = build->reader;
    *activated = *last = false;
    for (*alone = true;; *alone = false) {
        struct word word = next_word(&ahead, build->row->high);
        *last = word.kind == WORD_END || word.kind == WORD_CLOSE;
        *activated = *activated || (word.kind == WORD_LAYER && is_among(tool_activations, &word));
        if (word.kind != WORD_LAYER) return;
        if (!is_among(followers, &word) && !is_among(tool_activations, &word)) return;
    }
}

/* The spec of a number's dense layer. */
static void write_number(struct build *build, const struct word *word, char *out, size_t size) {
    const struct options *options = build->options;
    bool activated, last, alone;
    look_ahead(build, &activated, &last, &alone);
    bool code = last && build->encoder && build->reader.depth == 0;
    build->units = code && alone && build->takes_units ? word->width : 0;
    if (build->units > 0) return;
    const char *activation = activated ? NULL : code ? options->code_activation : last ? NULL : options->activation;
    if (activation == NULL && !activated && !last) activation = "relu";
    build->activation |= !activated && !last;
    build->code_activation |= !activated && code;
    build->init = true;
    (void)snprintf(out, size, "dense:units=%zu%s%s%s%s", word->width, options->init != NULL ? ",init=" : "",
                   options->init != NULL ? options->init : "", activation != NULL ? ",activation=" : "",
                   activation != NULL ? activation : "");
}

static int layer_failed(const struct build *build, size_t place, const struct word *word) {
    return tool_usage("%s: --%s: layer %zu, '%.*s': %s", build->options->command_name, build->row->name, place,
                      (int)word->length, word->text, aenc_message(build->ctx));
}

/* Layers up to the end or the closing parenthesis, into the container. */
static int add_layers(struct build *build, aenc_layer *container) {
    for (;;) {
        char spec[512] = "";
        struct word word = next_word(&build->reader, build->row->high);
        size_t place = build->reader.place;
        aenc_layer *layer = NULL;
        if (word.kind == WORD_END) return TOOL_OK;
        if (word.kind == WORD_CLOSE) break;
        if (word.kind == WORD_NUMBER)
            write_number(build, &word, spec, sizeof spec);
        else if (word.length < sizeof spec)
            memcpy(spec, word.text, word.length);
        else
            return tool_usage("%s: --%s: layer %zu is too long", build->options->command_name, build->row->name, place);
        if (build->units > 0) continue;
        if (aenc_layer_create(build->ctx, spec, &layer) != AENC_OK) return layer_failed(build, place, &word);
        int status = TOOL_OK;
        if (word.kind == WORD_OPEN) {
            build->reader.depth++;
            status = add_layers(build, layer);
        }
        if (status == TOOL_OK && aenc_layer_add(container, layer) != AENC_OK)
            status = layer_failed(build, place, &word);
        aenc_layer_free(layer);
        if (status != TOOL_OK) return status;
    }
    build->reader.depth--;
    return TOOL_OK;
}

static int create_layers(struct build *build, const char *option, const struct layers *layers, aenc_layer **out) {
    build->row = tool_option_row(COMMAND_TRAIN, option);
    build->reader = (struct reader){.at = layers->text};
    if (aenc_layer_create(build->ctx, "sequential", out) != AENC_OK) return tool_fail("%s", aenc_message(build->ctx));
    return add_layers(build, *out);
}

/* Whether a bottleneck makes the code by layers of its own, with units: then the last width of an encoder is no layer. */
static bool makes_code(aenc_context *ctx, const char *bottleneck) {
    const size_t input = 1, widths[] = {1, 1};
    aenc_model_options asked = {.struct_size = sizeof asked, .input = &input, .input_rank = 1};
    aenc_model *model = NULL;
    aenc_tensor *second = NULL;
    asked.encoder_widths = widths;
    asked.encoder_count = 2;
    asked.bottleneck = bottleneck;
    bool made = aenc_model_create(ctx, &asked, &model) == AENC_OK;
    bool layer = made && aenc_model_tensor_get(model, "encoder.1.weight", &second) == AENC_OK;
    aenc_tensor_free(second);
    aenc_model_free(model);
    return made && !layer;
}

static int check_used(const struct build *build) {
    const struct options *options = build->options;
    const struct {
        const char *name, *value;
        bool used;
    } rows[] = {{"activation", options->activation, build->activation},
                {"code-activation", options->code_activation, build->code_activation},
                {"init", options->init, build->init}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].value == NULL || rows[i].used) continue;
        return tool_usage("%s: --%s is for widths, and none of these layers is one that takes it",
                          options->command_name, rows[i].name);
    }
    return TOOL_OK;
}

int tool_nets_create(const struct options *options, aenc_context *ctx, struct nets *out) {
    bool specs = options->encoder.widths.count == 0;
    struct build build = {.options = options, .ctx = ctx, .encoder = true};
    const char *bottleneck = options->bottleneck;
    int status = TOOL_OK;
    *out = (struct nets){NULL, NULL, ""};
    if (!specs && options->decoder.text == NULL) return TOOL_OK;
    if (specs && bottleneck != NULL && strstr(bottleneck, "units=") == NULL)
        build.takes_units = makes_code(ctx, bottleneck);
    if (specs) status = create_layers(&build, "encoder", &options->encoder, &out->encoder);
    if (build.units > 0) {
        (void)snprintf(out->bottleneck, sizeof out->bottleneck, "%s%cunits=%zu", bottleneck,
                       strchr(bottleneck, ':') != NULL ? ',' : ':', build.units);
    }
    bool decoder = options->decoder.text != NULL && options->decoder.widths.count == 0;
    build.encoder = build.takes_units = false;
    build.units = 0;
    if (status == TOOL_OK && decoder) status = create_layers(&build, "decoder", &options->decoder, &out->decoder);
    bool widths = options->decoder.widths.count > 0;
    build.activation |= !specs || widths;
    build.init |= !specs || widths;
    build.code_activation |= !specs;
    if (status == TOOL_OK) status = check_used(&build);
    if (status != TOOL_OK) tool_nets_free(out);
    return status;
}

void tool_nets_free(struct nets *nets) {
    aenc_layer_free(nets->encoder);
    aenc_layer_free(nets->decoder);
    nets->encoder = nets->decoder = NULL;
}
