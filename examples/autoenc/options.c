/* options.c - how an argument finds its row in the table, and its value the struct. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "row_fields.h"
#include "layers.h"
#include "number.h"
#include "option_table.h"

static const struct option_row *find_row(enum command command, const char *name, size_t length, char letter) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].commands & (int)command) == 0) continue;
        if (letter != 0 && rows[i].letter == letter) return &rows[i];
        if (letter == 0 && strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) return &rows[i];
    }
    return NULL;
}

/* Insertions, deletions and replacements from one word to the other (Levenshtein); NAME_LONGEST for long ones. */
enum { NAME_LONGEST = 32 };

static size_t distance(const char *a, size_t a_length, const char *b) {
    size_t before[NAME_LONGEST + 1], b_length = strlen(b);
    if (a_length > NAME_LONGEST || b_length > NAME_LONGEST) return NAME_LONGEST;
    for (size_t k = 0; k <= b_length; k++) before[k] = k;
    for (size_t i = 0; i < a_length; i++) {
        size_t corner = before[0];
        before[0] = i + 1;
        for (size_t k = 0; k < b_length; k++) {
            size_t best = corner + (a[i] != b[k]);
            corner = before[k + 1];
            if (corner + 1 < best) best = corner + 1;
            if (before[k] + 1 < best) best = before[k] + 1;
            before[k + 1] = best;
        }
    }
    return before[b_length];
}

/* The option of the command whose name is closest to the `length` bytes at `name`; NULL: none is close. */
static const struct option_row *closest_row(enum command command, const char *name, size_t length) {
    size_t count = 0, best = length < 6 ? 2 : 3;
    const struct option_row *rows = tool_option_rows(&count), *closest = NULL;
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].commands & (int)command) == 0) continue;
        size_t far = distance(name, length, rows[i].name);
        if (far >= best || far >= length) continue;
        best = far;
        closest = &rows[i];
    }
    return closest;
}

/* The commands that take an option of this name, or "". */
static void list_commands(const char *name, size_t length, char *out, size_t size) {
    size_t count = 0, used = 0;
    const struct command_row *rows = tool_command_rows(&count);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (find_row(rows[i].command, name, length, 0) == NULL) continue;
        int more = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", rows[i].name);
        if (more < 0 || (size_t)more >= size - used) return;
        used += (size_t)more;
    }
}

static int unknown_option(const struct options *options, const char *argument) {
    const char *command = options->command_name;
    if (argument[1] == '-') {
        char commands[256];
        const char *name = argument + 2;
        size_t length = strcspn(name, "=");
        list_commands(name, length, commands, sizeof commands);
        if (commands[0] != '\0') {
            return tool_usage("%s: unknown option '%s'; it is an option of: %s", command, argument, commands);
        }
        const struct option_row *row = closest_row(options->command, name, length);
        if (row != NULL) return tool_usage("%s: unknown option '%s'; did you mean --%s?", command, argument, row->name);
    }
    return tool_usage("%s: unknown option '%s'; see: autoenc help %s", command, argument, command);
}

/* Digits only, at most `high`. */
static bool parse_whole(const char *text, size_t length, uint64_t high, uint64_t *out) {
    uint64_t value = 0;
    if (length == 0) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (high - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* Whole numbers between separators, each in [1, high]; answers how many, 0 when it is something else. */
static size_t parse_list(const char *text, char separator, uint64_t high, size_t *out, size_t room) {
    size_t count = 0;
    for (const char *at = text;; at++) {
        const char *end = strchr(at, separator);
        size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        uint64_t value = 0;
        if (count == room || !parse_whole(at, length, high, &value) || value == 0) return 0;
        out[count++] = (size_t)value;
        if (end == NULL) return count;
        at = end;
    }
}

static bool parse_image(const char *text, struct image_shape *out) {
    size_t dims[3] = {0};
    size_t count = parse_list(text, 'x', 1 << 20, dims, 3);
    if (count == 2) *out = (struct image_shape){1, dims[0], dims[1]};
    if (count == 3) *out = (struct image_shape){dims[0], dims[1], dims[2]};
    return count == 2 || (count == 3 && (dims[0] == 1 || dims[0] == 3));
}

/* The line for a value that is not what the row asks for. */
static int bad_value(const struct options *options, const struct option_row *row, const char *text) {
    char wanted[512] = "";
    if (row->kind == KIND_WHOLE) {
        (void)snprintf(wanted, sizeof wanted, "a whole number from %s to %s", tool_value(row->low).text,
                       tool_value(row->high).text);
    } else if (row->kind == KIND_SEED) {
        (void)snprintf(wanted, sizeof wanted, "a whole number from 0 to %llu", ~0ULL);
    } else if (row->kind == KIND_NUMBER) {
        (void)snprintf(wanted, sizeof wanted, "a number from %s to %s", tool_value(row->low).text,
                       tool_value(row->high).text);
    } else if (row->kind == KIND_WIDTHS) {
        (void)snprintf(wanted, sizeof wanted, "1 to %d positive whole numbers such as 128,64,32", WIDTHS_MAX);
    } else if (row->kind == KIND_TEXTS) {
        bool data = strchr(row->value, '=') != NULL;
        (void)snprintf(wanted, sizeof wanted, "%s, the name being of letters, digits and '_'",
                       data ? "NAME=DATA" : "the name of a field");
    } else if (row->kind == KIND_IMAGE) {
        (void)snprintf(wanted, sizeof wanted, "a size such as 28x28 or 3x32x32");
    } else {
        char names[448];
        tool_words_join(row->names, ", ", names, sizeof names);
        (void)snprintf(wanted, sizeof wanted, "one of the known: %s", names);
    }
    return tool_usage("%s: --%s: '%s' is not %s", options->command_name, row->name, text, wanted);
}

static bool set_number(void *place, const struct option_row *row, const char *text) {
    double value = 0.0;
    if (tool_number_parse(text, strlen(text), &value) != NUMBER_OK) return false;
    if (value < row->low || value > row->high) return false;
    memcpy(place, &value, sizeof value);
    return true;
}

static bool set_whole(void *place, const struct option_row *row, const char *text) {
    uint64_t value = 0;
    bool seed = row->kind == KIND_SEED;
    if (!parse_whole(text, strlen(text), seed ? UINT64_MAX : (uint64_t)row->high, &value)) return false;
    if (!seed && (double)value < row->low) return false;
    int64_t whole = (int64_t)value;
    memcpy(place, seed ? (void *)&value : (void *)&whole, sizeof value);
    return true;
}

/* A mark by itself or by its word; the row's names list those that it takes. */
static bool set_byte(char *place, const struct option_row *row, const char *text) {
    static const char *const words[] = {"comma", "semicolon", "tab", "bar", "blank", "point"};
    static const char marks[] = ",;\t| .";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool meant = strcmp(text, words[i]) == 0 || (text[0] == marks[i] && text[1] == '\0');
        if (!meant || tool_word_find(row->names, words[i], strlen(words[i])) < 0) continue;
        *place = marks[i];
        return true;
    }
    return false;
}

static bool is_field(const struct option_row *row, const char *text) {
    char named[80];
    bool data = strchr(row->value, '=') != NULL;
    (void)snprintf(named, sizeof named, "%.70s=x", text);
    return tool_field_named(data ? text : named);
}

static int set_option(struct options *options, const struct option_row *row, const char *text) {
    char *place = (char *)options + row->offset;
    bool good = true;
    switch (row->kind) {
    case KIND_FLAG: *(bool *)place = true; break;
    case KIND_TEXT:
        good = row->names == NULL || tool_word_find(row->names, text, strlen(text)) >= 0;
        *(const char **)(void *)place = text;
        break;
    case KIND_SPEC:
        good = tool_word_find(row->names, text, strcspn(text, ":")) >= 0;
        *(const char **)(void *)place = text;
        break;
    case KIND_TEXTS:
    case KIND_SPECS: {
        good =
            row->kind == KIND_TEXTS ? is_field(row, text) : tool_word_find(row->names, text, strcspn(text, ":")) >= 0;
        if (!good) break;
        struct specs *specs = (struct specs *)(void *)place;
        if (specs->count == SPECS_MAX) {
            return tool_usage("%s: --%s is given more than %d times", options->command_name, row->name, SPECS_MAX);
        }
        specs->value[specs->count++] = text;
        break;
    }
    case KIND_WHOLE:
    case KIND_SEED: good = set_whole(place, row, text); break;
    case KIND_NUMBER: good = set_number(place, row, text); break;
    case KIND_IMAGE: good = parse_image(text, (struct image_shape *)(void *)place); break;
    case KIND_WIDTHS: {
        struct widths *widths = (struct widths *)(void *)place;
        widths->count = parse_list(text, ',', (uint64_t)row->high, widths->value, WIDTHS_MAX);
        good = widths->count > 0;
        break;
    }
    case KIND_LAYERS: return tool_layers_parse(options, row, text, (struct layers *)(void *)place);
    case KIND_CHOICE: {
        int choice = tool_word_find(row->names, text, strlen(text));
        memcpy(place, &choice, sizeof choice);
        good = choice >= 0;
        break;
    }
    case KIND_BYTE: good = set_byte(place, row, text); break;
    }
    return good ? TOOL_OK : bad_value(options, row, text);
}

/* One argument that begins with '-'; *i moves on when the value is the next one. */
static int parse_option(struct options *options, int argc, char **argv, int *i) {
    const char *argument = argv[*i], *value = NULL;
    const struct option_row *row = NULL;
    if (argument[1] == '-') {
        size_t length = strcspn(argument + 2, "=");
        row = find_row(options->command, argument + 2, length, 0);
        if (argument[2 + length] == '=') value = argument + 3 + length;
    } else {
        row = find_row(options->command, "", 0, argument[1]);
        if (argument[2] != '\0') value = argument + 2;
    }
    if (row == NULL) return unknown_option(options, argument);
    if (row->kind == KIND_FLAG && value != NULL) {
        return tool_usage("%s: --%s takes no value, but got '%s'", options->command_name, row->name, value);
    }
    if (row->kind != KIND_FLAG && value == NULL) {
        if (*i + 1 >= argc) {
            return tool_usage("%s: --%s needs a value: %s", options->command_name, row->name, row->value);
        }
        value = argv[++*i];
    }
    return set_option(options, row, value);
}

static int add_operand(struct options *options, const struct command_row *command, const char *argument) {
    size_t least = 0, most = tool_command_operands(command, &least);
    if (options->operand_count == most) {
        return tool_usage("%s: '%s' is one operand too many; it takes: %s", command->name, argument,
                          most > 0 ? command->operands : "none");
    }
    options->operand[options->operand_count++] = argument;
    return TOOL_OK;
}

/* What single options cannot know. */
static int check_together(struct options *options, const struct command_row *command) {
    size_t least = 0;
    (void)tool_command_operands(command, &least);
    if (options->operand_count < least) {
        return tool_usage("%s needs %s; see: autoenc help %s", command->name, command->operands, command->name);
    }
    if (options->likelihood != NULL && options->loss != NULL) {
        return tool_usage("%s: only one of --likelihood and --loss can be given", command->name);
    }
    if (options->likelihood != NULL) options->loss = options->likelihood;
    if (options->valid == NULL) return TOOL_OK;
    enum number number = tool_number_parse(options->valid, strlen(options->valid), &options->validation_fraction);
    if (number == NUMBER_BAD) return TOOL_OK;
    if (number == NUMBER_OK && options->validation_fraction > 0.0 && options->validation_fraction < 1.0) {
        options->valid = NULL;
        return TOOL_OK;
    }
    return tool_usage("%s: --valid: '%s' is not a file, and no share between 0 and 1", command->name, options->valid);
}

static int unknown_command(const char *name) {
    size_t count = 0, used = 0;
    const struct command_row *rows = tool_command_rows(&count);
    char known[256] = "";
    for (size_t i = 0; i < count; i++) {
        int more = snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", rows[i].name);
        if (more < 0 || (size_t)more >= sizeof known - used) break;
        used += (size_t)more;
    }
    return tool_usage("unknown command '%s'; known: %s", name, known);
}

int tool_options_parse(int argc, char **argv, struct options *out) {
    const struct command_row *command = tool_command_find(argv[1]);
    *out = (struct options){.command_name = argv[1]};
    if (command == NULL) return unknown_command(argv[1]);
    out->command = command->command;
    bool only_operands = false;
    for (int i = 2; i < argc; i++) {
        int status = TOOL_OK;
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
            continue;
        }
        if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
            status = add_operand(out, command, argv[i]);
        else
            status = parse_option(out, argc, argv, &i);
        if (status != TOOL_OK) return status;
        if (out->help) return TOOL_OK;
    }
    return check_together(out, command);
}

/* Whether the message is about this value: 2 where it names its type and a setting in it, 1 where its type alone. */
static int is_about(const char *message, const char *value) {
    char quoted[64];
    if (value == NULL) return 0;
    (void)snprintf(quoted, sizeof quoted, "'%.*s'", (int)strcspn(value, ":"), value);
    if (strstr(message, quoted) == NULL) return 0;
    const char *setting = strstr(message, "setting '");
    if (setting == NULL) return 1;
    setting += strlen("setting '");
    (void)snprintf(quoted, sizeof quoted, "%.*s=", (int)strcspn(setting, "'"), setting);
    return strstr(value, quoted) != NULL ? 2 : 1;
}

/* The option of a path that the message begins with, as in "valid_target: cols is 3"; *rest is what follows. */
static const struct option_row *path_of(const struct options *options, const char *message, const char **rest) {
    char name[NAME_LONGEST] = "";
    size_t length = strcspn(message, ": ");
    if (strncmp(message, "aenc_", 5) == 0 && message[length] == ':')
        return path_of(options, message + length + 2, rest);
    if (message[length] != ':' || length >= sizeof name) return NULL;
    for (size_t i = 0; i < length; i++) name[i] = message[i] == '_' ? '-' : message[i];
    const struct option_row *row = find_row(options->command, name, length, 0);
    if (row == NULL || row->kind != KIND_TEXT || row->names != NULL) return NULL;
    *rest = message + length + 2;
    return row;
}

/* A message about a file of data names the option, or the operand, that the file came by. */
static int path_failed(const struct options *options, const char *message) {
    const char *rest = message;
    const struct option_row *row = path_of(options, message, &rest);
    const char *path = row != NULL ? *(const char *const *)(const void *)((const char *)options + row->offset) : NULL;
    if (path != NULL) return tool_fail("%s: --%s %s: %s", options->command_name, row->name, path, rest);
    bool data = strncmp(message, "x: ", 3) == 0 && options->operand_count > 0;
    if (data) return tool_fail("%s: %s", options->operand[options->operand_count - 1], message + 3);
    return tool_fail("%s", message);
}

static bool is_name(const struct library_cell *cell, const char *name) {
    return strlen(name) == cell->name_length && memcmp(cell->name, name, cell->name_length) == 0;
}

/* A value of a field that rows of data have. */
static bool field_failed(const struct options *options, const struct library_cell *cell, const struct data *data) {
    for (size_t i = 0; data != NULL && data->fields != NULL && i < data->fields->count; i++) {
        const struct row_field *field = &data->fields->field[i];
        if (!is_name(cell, field->name)) continue;
        /* rows that are held out have fields of the same names */
        size_t place =
            cell->row * field->data.cols + (field->data.cols > 1 && cell->column != SIZE_MAX ? cell->column : 0);
        if (place >= field->data.rows * field->data.cols) continue;
        char value[48];
        int length = snprintf(value, sizeof value, " is %s", tool_value(tool_field_value(field, place)).text);
        if (field->constant == NULL && strncmp(cell->rest, value, (size_t)length) != 0) continue;
        if (field->constant != NULL) {
            (void)tool_fail("%s: --%s %s%s", options->command_name, field->option, field->text, cell->rest);
            return true;
        }
        size_t column = field->data.cols > 1 ? cell->column : SIZE_MAX;
        (void)tool_fail("%s: --%s %s: %s%s", options->command_name, field->option, field->text,
                        tool_cell_text(&field->data, cell->row, column).text, cell->rest);
        return true;
    }
    return false;
}

/* "x[3, 5] is nan" as "data.csv: row 4, column 6 ('flow') is nan". False where
 * the message names no cell of a table. */
static bool cell_failed(const struct options *options, const char *message, const struct tables *tables) {
    struct library_cell cell;
    if (!tool_library_cell(message, &cell)) return false;
    bool own = is_name(&cell, "x") || is_name(&cell, "source") || is_name(&cell, "code");
    const struct {
        const char *name, *option;
        const struct data *data;
    } known[] = {
        {"target", options->target != NULL ? "target" : "labels", tables->target},
        {"valid", "valid", tables->valid},
        {"valid_target", options->valid_target != NULL ? "valid-target" : "valid-labels", tables->valid_target}};
    struct data none = {.name = options->operand_count > 0 ? options->operand[options->operand_count - 1] : "x"};
    if (own) {
        const struct data *data = tables->x != NULL ? tables->x : &none;
        const char *hint = strcmp(cell.rest, " is nan") == 0 ? TOOL_MISSING_HINT : "";
        (void)tool_fail("%s: %s%s%s", data->name, tool_cell_text(data, cell.row, cell.column).text, cell.rest, hint);
        return true;
    }
    if (field_failed(options, &cell, tables->x) || field_failed(options, &cell, tables->valid)) return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct data *data = known[i].data;
        if (!is_name(&cell, known[i].name) || data == NULL || data->name == NULL) continue;
        if (strstr(known[i].option, "labels") != NULL) cell.column = SIZE_MAX; /* one a row */
        (void)tool_fail("%s: --%s %s: %s%s", options->command_name, known[i].option, data->name,
                        tool_cell_text(data, cell.row, cell.column).text, cell.rest);
        return true;
    }
    return false;
}

int tool_library_failed(const struct options *options, const aenc_context *ctx, aenc_status status) {
    return tool_library_refused(options, ctx, status, &(struct tables){.target = NULL});
}

int tool_library_refused(const struct options *options, const aenc_context *ctx, aenc_status status,
                         const struct tables *tables) {
    if (cell_failed(options, aenc_message(ctx), tables)) return status == AENC_ERR_ARGUMENT ? TOOL_USAGE : TOOL_FAILED;
    const char *message = aenc_message(ctx), *culprit = NULL;
    bool asked = status == AENC_ERR_ARGUMENT || status == AENC_ERR_SHAPE || status == AENC_ERR_UNSUPPORTED;
    const struct option_row *of = NULL;
    int best = 0;
    size_t row_count = 0;
    const struct option_row *rows = tool_option_rows(&row_count);
    for (size_t i = 0; asked && i < row_count; i++) {
        const void *place = (const char *)options + rows[i].offset;
        const struct specs *specs = place;
        if ((rows[i].commands & (int)options->command) == 0) continue;
        const char *const *value = rows[i].kind == KIND_SPECS ? specs->value : place;
        size_t count = rows[i].kind == KIND_SPEC ? 1 : rows[i].kind == KIND_SPECS ? specs->count : 0;
        for (size_t k = 0; k < count; k++) {
            int about = is_about(message, value[k]);
            if (about <= best) continue;
            best = about;
            of = &rows[i];
            culprit = value[k];
        }
    }
    if (of != NULL) {
        (void)tool_fail("%s: --%s %s: %s", options->command_name, of->name, culprit, message);
        return status == AENC_ERR_ARGUMENT ? TOOL_USAGE : TOOL_FAILED;
    }
    return path_failed(options, message[0] != '\0' ? message : aenc_status_name(status));
}

struct data_options tool_data_options(const struct options *options) {
    return (struct data_options){.csv = {(enum header)options->header, options->separator, options->decimal},
                                 .raw_bytes = options->bytes != 0,
                                 .missing = (enum missing)options->missing,
                                 .columns = options->columns,
                                 .drop = options->drop,
                                 .offset = options->offset,
                                 .array = options->array,
                                 .verbose = options->verbose};
}

struct data_options tool_label_options(const struct options *options) {
    return (struct data_options){
        .csv = {(enum header)options->labels_header, '\0', '\0'}, .raw_bytes = true, .verbose = options->verbose};
}

bool tool_data_changed(const struct options *options) {
    return options->missing != (int)MISSING_REFUSE || options->columns != NULL || options->drop != NULL ||
           options->offset != NULL || options->array != NULL || options->verbose;
}
