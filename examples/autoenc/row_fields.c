/* row_fields.c - fields from the command line: their texts, their files, their rules. */
#include "row_fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell.h"
#include "number.h"
#include "option_table.h"

static const char rules[] = "number|unit|binary|classes|length";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

enum { CLASSES_MAX = 1000 }; /* that whole numbers are taken for without being stated */

bool tool_field_named(const char *text) {
    size_t length = strspn(text, letters);
    return length > 0 && length < 64 && text[length] == '=' && text[length + 1] != '\0';
}

/* ---- Texts ---- */

/* Cuts "PATH:COLUMN:RULE" at the colons, unless all of it is a file. */
static int split_path(const struct options *options, struct row_field *field, char *path) {
    field->path = path;
    if (strcmp(path, "-") == 0 || access(path, F_OK) == 0) return TOOL_OK;
    for (char *colon = strchr(path, ':'); colon != NULL && field->rule == NULL; colon = strchr(colon + 1, ':')) {
        if (tool_word_find(rules, colon + 1, strcspn(colon + 1, ":")) < 0) continue;
        field->rule = colon + 1;
        *colon = '\0';
    }
    if (access(path, F_OK) == 0 || tool_array_of(path) != NULL) return TOOL_OK;
    for (char *colon = strchr(path, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        *colon = '\0';
        if (strcmp(path, "-") == 0 || access(path, F_OK) == 0) {
            field->column = colon + 1;
            break;
        }
        *colon = ':';
    }
    if (field->column == NULL || strchr(field->column, ':') == NULL) return TOOL_OK;
    char known[64];
    tool_words_join(rules, ", ", known, sizeof known);
    return tool_usage("%s: --%s %s: '%s' is neither a column nor one of the rules: %s", options->command_name,
                      field->option, field->text, field->column, known);
}

/* "3" or "0.5,1" that is no file: values for all rows. */
static int read_constant(struct row_field *field) {
    size_t count = 1, at = 0;
    if (access(field->path, F_OK) == 0) return TOOL_OK;
    for (const char *comma = field->path; (comma = strchr(comma, ',')) != NULL; comma++) count++;
    float *values = tool_allocate(field->name, count, sizeof *values);
    if (values == NULL) return TOOL_FAILED;
    for (const char *text = field->path; at < count; at++) {
        size_t length = strcspn(text, ",");
        double value = 0.0;
        if (tool_number_parse(text, length, &value) != NUMBER_OK) {
            free(values);
            return TOOL_OK;
        }
        values[at] = (float)value;
        text += length + 1;
    }
    field->constant = values;
    field->data = (struct data){.name = field->path, .rows = 1, .cols = count};
    return TOOL_OK;
}

static int parse_field(const struct options *options, struct fields *fields, char *text) {
    struct row_field *field = &fields->field[fields->count];
    char *equals = strchr(text, '=');
    field->name = text;
    *equals = '\0';
    for (size_t i = 0; i < fields->count; i++) {
        if (strcmp(fields->field[i].name, field->name) != 0) continue;
        return tool_usage("%s: --%s: '%s' is given twice", options->command_name, field->option, field->name);
    }
    static const char *const own[][2] = {{"input", "DATA"}, {"target", "--target"}, {"code", "DATA"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(field->name, own[i][0]) != 0) continue;
        return tool_usage("%s: --%s: '%s' is given as %s", options->command_name, field->option, field->name,
                          own[i][1]);
    }
    fields->count++;
    int status = split_path(options, field, equals + 1);
    if (status != TOOL_OK) return status;
    if (field->rule != NULL && strcmp(field->name, "weight") == 0) {
        return tool_usage("%s: --%s: 'weight' has no rule of its own", options->command_name, field->option);
    }
    bool fits = options->command == COMMAND_TRAIN;
    return fits || field->column != NULL || field->rule != NULL ? TOOL_OK : read_constant(field);
}

int tool_fields_parse(const struct options *options, const char *option, const struct specs *texts,
                      struct fields **out) {
    *out = NULL;
    if (texts->count == 0) return TOOL_OK;
    if (texts->count > FIELDS_MAX) {
        return tool_usage("%s: --%s is given more than %d times", options->command_name, option, FIELDS_MAX);
    }
    size_t size = 0;
    for (size_t i = 0; i < texts->count; i++) size += strlen(texts->value[i]) + 1;
    struct fields *fields = tool_allocate(option, 1, sizeof *fields);
    if (fields == NULL) return TOOL_FAILED;
    fields->texts = tool_allocate(option, size, 1);
    int status = fields->texts != NULL ? TOOL_OK : TOOL_FAILED;
    char *at = fields->texts;
    for (size_t i = 0; status == TOOL_OK && i < texts->count; i++) {
        size_t length = strlen(texts->value[i]) + 1;
        memcpy(at, texts->value[i], length);
        fields->field[i].option = option;
        fields->field[i].text = texts->value[i];
        status = parse_field(options, fields, at);
        at += length;
    }
    *out = fields;
    return status;
}

size_t tool_fields_rows(const struct fields *fields, size_t least) {
    size_t rows = least;
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        const struct row_field *field = &fields->field[i];
        if (field->constant == NULL) return 0;
        if (field->turns > 0 && rows % field->turns != 0) rows += field->turns - rows % field->turns;
    }
    return rows;
}

void tool_fields_free(struct fields *fields) {
    if (fields == NULL) return;
    for (size_t i = 0; i < fields->count; i++) {
        free(fields->field[i].constant);
        tool_data_free(&fields->field[i].data);
    }
    free(fields->texts);
    free(fields);
}

/* ---- Rows ---- */

static int read_field(const struct options *options, struct row_field *field, const struct data *of) {
    struct data_options how = tool_label_options(options);
    how.raw_bytes = options->bytes != 0;
    how.typed = true;
    how.columns = field->column;
    int status = tool_data_read(field->path, &how, &field->data);
    if (status != TOOL_OK) return status;
    const struct data *data = &field->data;
    if (field->column != NULL && !data->text) {
        return tool_fail("--%s %s: '%s' is a column of a CSV file, which %s is not", field->option, field->text,
                         field->column, data->name);
    }
    if (of->rows == 0 || data->rows == of->rows) return TOOL_OK;
    return tool_fail("--%s %s: has %zu rows, but %s has %zu%s", field->option, field->text, data->rows, of->name,
                     of->rows, tool_data_header_hint(data, of->rows));
}

/* The constant for every row. */
static int spread(struct row_field *field, size_t rows) {
    size_t cols = field->turns > 0 ? 1 : field->data.cols;
    field->data.rows = rows;
    field->data.cols = cols;
    field->data.values = tool_allocate(field->name, rows, cols * sizeof(float));
    for (size_t i = 0; field->data.values != NULL && i < rows * cols; i++) {
        field->data.values[i] = field->constant[field->turns > 0 ? i * field->turns / rows : i % cols];
    }
    return field->data.values != NULL ? TOOL_OK : TOOL_FAILED;
}

int tool_fields_read(const struct options *options, struct fields *fields, struct data *of) {
    int status = TOOL_OK;
    for (size_t i = 0; fields != NULL && status == TOOL_OK && i < fields->count; i++) {
        if (fields->field[i].constant != NULL) continue;
        status = read_field(options, &fields->field[i], of);
        if (of->rows == 0) of->rows = fields->field[i].data.rows;
    }
    for (size_t i = 0; fields != NULL && status == TOOL_OK && i < fields->count; i++) {
        if (fields->field[i].constant != NULL) status = spread(&fields->field[i], of->rows);
    }
    return status;
}

static size_t item_size(const struct row_field *field) { return field->data.type == AENC_TYPE_U8 ? 1 : 4; }

static const void *items(const struct row_field *field) {
    return field->data.type != 0 ? field->data.typed : field->data.values;
}

struct fields *tool_fields_pick(const struct fields *fields, const size_t *row, size_t count) {
    struct fields *out = tool_allocate("fields", 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < fields->count; i++) {
        const struct row_field *from = &fields->field[i];
        struct row_field *to = &out->field[out->count++];
        size_t size = from->data.cols * item_size(from);
        void *block = tool_allocate(from->name, count, size);
        if (block == NULL) {
            out->count--;
            tool_fields_free(out);
            return NULL;
        }
        *to = *from;
        to->data = (struct data){.name = from->data.name, .type = from->data.type, .rows = count};
        to->data.cols = from->data.cols;
        to->constant = NULL;
        if (from->data.type != 0)
            to->data.typed = block;
        else
            to->data.values = block;
        for (size_t r = 0; r < count; r++) {
            memcpy((char *)block + r * size, (const char *)items(from) + row[r] * size, size);
        }
    }
    return out;
}

aenc_array tool_field_array(struct row_field *field, size_t rows) {
    aenc_array array = {.struct_size = sizeof array, .name = field->name, .type = field->data.type};
    size_t size = field->data.cols * item_size(field);
    field->dims[0] = rows;
    field->dims[1] = field->data.cols;
    array.data = (char *)(uintptr_t)items(field);
    array.size = rows * size;
    array.dims = field->dims;
    array.rank = 2;
    return array;
}

/* ---- Rules ---- */

double tool_field_value(const struct row_field *field, size_t i) {
    const struct data *data = &field->data;
    if (data->type == AENC_TYPE_U8) return ((const uint8_t *)data->typed)[i];
    return data->type == AENC_TYPE_I32 ? (double)((const int32_t *)data->typed)[i] : (double)data->values[i];
}

/* How many classes the values can be; 0: they are none. */
static size_t class_count(const struct row_field *field) {
    double most = 1.0;
    if (field->data.cols != 1) return 0;
    for (size_t i = 0; i < field->data.rows; i++) {
        double value = tool_field_value(field, i);
        if (value < 0.0 || value >= CLASSES_MAX || value != floor(value)) return 0;
        most = value > most ? value : most;
    }
    return (size_t)most + 1;
}

char *tool_field_declaration(const struct options *options, const struct row_field *field) {
    char rule[128];
    size_t count = class_count(field), cols = field->data.cols;
    const char *stated = field->rule != NULL ? field->rule : rule;
    if (count > 0)
        (void)snprintf(rule, sizeof rule, "classes:count=%zu", count);
    else
        (void)snprintf(rule, sizeof rule, "number");
    if (field->rule == NULL && !options->quiet) {
        tool_note("--field %s: %s; --field %s=DATA:%s states it", field->text,
                  count > 0 ? "whole numbers from 0 are read as classes" : "values are read as numbers", field->name,
                  count > 0 ? rule : "number");
    }
    size_t room = strlen(field->name) + strlen(stated) + 40;
    char *text = tool_allocate(field->name, room, 1);
    bool dims = cols > 1 && strstr(stated, "dims=") == NULL;
    if (text == NULL) return NULL;
    if (dims)
        (void)snprintf(text, room, "%s=%s%cdims=%zu", field->name, stated, strchr(stated, ':') != NULL ? ',' : ':',
                       cols);
    else
        (void)snprintf(text, room, "%s=%s", field->name, stated);
    return text;
}

/* ---- What a model needs ---- */

static bool is_own(const char *name) {
    static const char own[] = "input|target|weight|code";
    return tool_word_find(own, name, strlen(name)) >= 0;
}

/* "classes, from 0 to 9" */
static void describe(const aenc_port *port, char *out, size_t size) {
    char values[64] = "";
    if (port->size > 1) (void)snprintf(values, sizeof values, "%zu values a row: ", port->size);
    switch (port->rule) {
    case AENC_RULE_CLASSES:
        (void)snprintf(out, size, "%sclasses from 0 to %lld", values, (long long)port->count - 1);
        break;
    case AENC_RULE_LENGTH: (void)snprintf(out, size, "%slengths from 1 to %lld", values, (long long)port->count); break;
    case AENC_RULE_UNIT: (void)snprintf(out, size, "%snumbers from 0 to 1", values); break;
    case AENC_RULE_BINARY: (void)snprintf(out, size, "%s0 or 1", values); break;
    default: (void)snprintf(out, size, "%snumbers", values);
    }
}

static struct row_field *find_field(struct fields *fields, const char *name) {
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        if (strcmp(fields->field[i].name, name) == 0) return &fields->field[i];
    }
    return NULL;
}

/* Fields that the model does not have; and a rule, which only a new model takes. */
static int check_given(const struct options *options, aenc_model *model, const struct fields *fields) {
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        const struct row_field *field = &fields->field[i];
        char known[512] = "";
        size_t used = 0;
        bool found = strcmp(field->name, "weight") == 0 && options->command == COMMAND_TRAIN;
        for (size_t k = 0; k < aenc_model_port_count(model); k++) {
            aenc_port port = {.struct_size = sizeof port};
            bool declared = aenc_model_port(model, k, &port) == AENC_OK && port.kind == AENC_PORT_FIELD;
            if (!declared || is_own(port.name)) continue;
            found = found || strcmp(port.name, field->name) == 0;
            int more = snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", port.name);
            used += more > 0 && (size_t)more < sizeof known - used ? (size_t)more : 0;
        }
        if (!found) {
            return tool_usage("%s: --%s %s: the model has no field '%s'%s%s", options->command_name, field->option,
                              field->text, field->name, known[0] != '\0' ? "; it has: " : "", known);
        }
        bool declares = options->command == COMMAND_TRAIN && options->encoder.text != NULL;
        if (field->rule == NULL || declares) continue;
        return tool_usage("%s: --%s %s: the model has the rule of '%s' already", options->command_name, field->option,
                          field->text, field->name);
    }
    return TOOL_OK;
}

int tool_fields_needed(const struct options *options, aenc_model *model, const char *result, const char *option,
                       struct fields *fields) {
    int status = check_given(options, model, fields);
    for (size_t k = 0; status == TOOL_OK && k < aenc_model_port_count(model); k++) {
        char what[96];
        aenc_port port = {.struct_size = sizeof port};
        int32_t needed = 0;
        bool declared = aenc_model_port(model, k, &port) == AENC_OK && port.kind == AENC_PORT_FIELD;
        if (!declared || is_own(port.name)) continue;
        if (result == NULL)
            needed = port.trained;
        else if (aenc_model_port_needs(model, result, port.name, &needed) != AENC_OK)
            needed = 0;
        struct row_field *given = find_field(fields, port.name);
        if (given == NULL && needed == 1) {
            describe(&port, what, sizeof what);
            status = tool_usage("%s: the model needs its field '%s' (%s): --%s %s=DATA", options->command_name,
                                port.name, what, option, port.name);
        } else if (given != NULL && given->constant != NULL && given->data.cols > 1 && port.size == 1 &&
                   (options->command == COMMAND_SAMPLE || strcmp(option, "as") == 0)) {
            given->turns = given->data.cols;
        } else if (given != NULL && given->constant != NULL && given->data.cols != port.size) {
            status = tool_usage("%s: --%s %s: is %zu values, and '%s' has %zu", options->command_name, option,
                                given->text, given->data.cols, port.name, port.size);
        }
    }
    return status;
}
