/* data_columns.c - columns by name or place, rounding, missing values. */
#include "data_columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

enum { EXACT_WHOLE = 1 << 24, MERGED_SHARE = 100, REPORTS_MAX = 5 };

/* ---- Choosing ---- */

/* One entry of a list: [text, text + length), columns first to last of `count`. */
struct entry {
    const char *text;
    size_t length;
    size_t first, last; /* from 0 */
};

static bool read_place(const char *text, size_t length, size_t *out) {
    *out = 0;
    if (length == 0 || length > 9) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = 10 * *out + (size_t)(text[i] - '0');
    }
    return true;
}

static int find_entry(const char *option, const char *file, char *const *names, size_t count, struct entry *entry) {
    const char *dash = memchr(entry->text, '-', entry->length);
    size_t head = dash != NULL ? (size_t)(dash - entry->text) : entry->length;
    const char *end = dash != NULL ? dash + 1 : entry->text;
    bool place = read_place(entry->text, head, &entry->first) &&
                 read_place(end, entry->length - (size_t)(end - entry->text), &entry->last);
    if (place) {
        bool good = entry->first >= 1 && entry->first <= entry->last && entry->last <= count;
        if (!good) {
            return tool_usage("--%s: '%.*s' is not among the columns 1 to %zu of %s", option, (int)entry->length,
                              entry->text, count, file);
        }
        entry->first--, entry->last--;
        return TOOL_OK;
    }
    for (size_t i = 0; names != NULL && i < count; i++) {
        if (strlen(names[i]) != entry->length || memcmp(names[i], entry->text, entry->length) != 0) continue;
        entry->first = entry->last = i;
        return TOOL_OK;
    }
    return tool_usage("--%s: %s has no column '%.*s'%s", option, file, (int)entry->length, entry->text,
                      names == NULL ? "; it has no header, so columns go by their place, from 1" : "");
}

/* keep[i] = value for every column that the list names. */
static int mark(const char *option, const char *list, const char *file, char *const *names, bool value,
                struct columns *out) {
    for (const char *at = list;; at++) {
        struct entry entry = {.text = at, .length = strcspn(at, ",")};
        int status = find_entry(option, file, names, out->count, &entry);
        if (status != TOOL_OK) return status;
        for (size_t i = entry.first; i <= entry.last; i++) out->keep[i] = value;
        at += entry.length;
        if (*at == '\0') return TOOL_OK;
    }
}

static int read_offsets(const char *list, const char *file, char *const *names, struct columns *out) {
    out->offset = tool_allocate(file, out->count, sizeof *out->offset);
    if (out->offset == NULL) return TOOL_FAILED;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        const char *equal = NULL;
        double value = 0.0;
        for (size_t i = 0; i < length; i++) equal = at[i] == '=' ? at + i : equal;
        struct entry entry = {.text = at, .length = equal != NULL ? (size_t)(equal - at) : 0};
        if (equal == NULL || tool_number_parse(equal + 1, length - entry.length - 1, &value) != NUMBER_OK) {
            return tool_usage("--offset: '%.*s' is not a column and a number such as time=1.7e9", (int)length, at);
        }
        int status = find_entry("offset", file, names, out->count, &entry);
        if (status != TOOL_OK) return status;
        for (size_t i = entry.first; i <= entry.last; i++) out->offset[i] = value;
        at += length;
        if (*at == '\0') return TOOL_OK;
    }
}

int tool_columns_choose(const struct data_options *options, const char *file, char *const *names, size_t count,
                        struct columns *out) {
    *out = (struct columns){.count = count};
    out->keep = tool_allocate(file, count, sizeof *out->keep);
    int status = out->keep != NULL ? TOOL_OK : TOOL_FAILED;
    for (size_t i = 0; status == TOOL_OK && i < count; i++) out->keep[i] = options->columns == NULL;
    if (status == TOOL_OK && options->columns != NULL) {
        status = mark("columns", options->columns, file, names, true, out);
    }
    if (status == TOOL_OK && options->drop != NULL) status = mark("drop", options->drop, file, names, false, out);
    if (status == TOOL_OK && options->offset != NULL) status = read_offsets(options->offset, file, names, out);
    for (size_t i = 0; status == TOOL_OK && i < count; i++) out->kept += out->keep[i];
    if (status == TOOL_OK && out->kept == 0) status = tool_usage("--drop: no column of %s is left", file);
    if (status != TOOL_OK) tool_columns_free(out);
    return status;
}

void tool_columns_free(struct columns *columns) {
    free(columns->keep);
    free(columns->offset);
    *columns = (struct columns){0};
}

int tool_columns_apply(const struct columns *columns, struct data *data) {
    size_t to = 0;
    if (columns->kept < columns->count) {
        data->places = tool_allocate("columns", columns->kept, sizeof *data->places);
        if (data->places == NULL) return TOOL_FAILED;
    }
    for (size_t i = 0, place = 0; data->places != NULL && i < columns->count; i++) {
        if (columns->keep[i]) data->places[place++] = i;
    }
    for (size_t i = 0, total = data->rows * columns->count; data->values != NULL && i < total; i++) {
        if (columns->keep[i % columns->count]) data->values[to++] = data->values[i];
    }
    for (size_t i = 0, name = 0; data->names != NULL && i < columns->count; i++) {
        if (columns->keep[i]) data->names[name++] = data->names[i];
    }
    if (columns->kept < columns->count) data->image = (struct image_shape){0};
    data->cols = columns->kept;
    return TOOL_OK;
}

/* ---- Rounding ---- */

int tool_watch_round(struct watch *watch, double value, float *out) {
    if (value > 3.4028235677973366e38 || value < -3.4028235677973366e38) return (int)NUMBER_INFINITE;
    float rounded = (float)value;
    if (rounded == 0.0f && value != 0.0) return (int)NUMBER_TINY;
    *out = rounded;
    if ((double)rounded != value) {
        if (fabs(value) > EXACT_WHOLE && value == floor(value)) {
            if (watch->rounded++ == 0) watch->example = value;
        }
        if (watch->count > 0 && value != watch->last && rounded == (float)watch->last) {
            if (watch->merged++ == 0 && watch->rounded == 0) watch->example = value;
        }
    }
    watch->last = value;
    watch->count++;
    return (int)NUMBER_OK;
}

static struct cell_text column_text(const struct data *data, size_t column) {
    return tool_column_text(data->places != NULL ? data->places[column] : column,
                            data->names != NULL ? data->names[column] : NULL);
}

void tool_watch_report(const struct watch *watch, const struct data *data) {
    size_t reports = 0;
    for (size_t i = 0; i < data->cols; i++) {
        const struct watch *w = &watch[i];
        if (w->rounded == 0 && w->merged <= w->count / MERGED_SHARE) continue;
        if (reports++ == REPORTS_MAX) {
            tool_note("%s: further columns are rounded in this way", data->name);
            return;
        }
        char merged[96] = "";
        if (w->merged > 0) {
            (void)snprintf(merged, sizeof merged, "; %zu of them become equal to the value before", w->merged);
        }
        tool_note("%s: %s: values such as %s are rounded to float32, %s (%zu of %zu)%s; subtract an offset "
                  "beforehand with --offset COLUMN=NUMBER, or leave the column out with --drop",
                  data->name, column_text(data, i).text, tool_value(w->example).text,
                  tool_value((double)(float)w->example).text, w->rounded > 0 ? w->rounded : w->merged, w->count,
                  merged);
    }
}

/* ---- Missing values ---- */

static int drop_rows(struct data *data) {
    size_t kept = 0, dropped = 0;
    for (size_t row = 0; row < data->rows; row++) {
        const float *from = data->values + row * data->cols;
        bool whole = true;
        for (size_t i = 0; i < data->cols; i++) whole = whole && !isnan(from[i]);
        dropped += !whole;
        if (!whole) continue;
        memmove(data->values + kept++ * data->cols, from, data->cols * sizeof *from);
    }
    data->rows = kept;
    if (kept == 0) return tool_fail("%s: every row has a missing value", data->name);
    if (dropped > 0)
        tool_note("%s: %zu of %zu rows have a missing value and are left out; rows are counted without them",
                  data->name, dropped, kept + dropped);
    return TOOL_OK;
}

static int fill_means(struct data *data) {
    size_t filled = 0;
    for (size_t col = 0; col < data->cols; col++) {
        double sum = 0.0;
        size_t count = 0;
        for (size_t row = 0; row < data->rows; row++) {
            float value = data->values[row * data->cols + col];
            if (isnan(value)) continue;
            sum += (double)value;
            count++;
        }
        if (count == data->rows) continue;
        if (count == 0) {
            return tool_fail("%s: %s has no value at all; --drop leaves it out", data->name,
                             column_text(data, col).text);
        }
        for (size_t row = 0; row < data->rows; row++) {
            float *value = &data->values[row * data->cols + col];
            if (isnan(*value)) *value = (float)(sum / (double)count);
        }
        filled += data->rows - count;
    }
    if (filled > 0)
        tool_note("%s: %zu missing values are replaced by the mean of their column in this file", data->name, filled);
    return TOOL_OK;
}

int tool_missing_fill(const struct data_options *options, struct data *data) {
    size_t count = data->rows * data->cols;
    for (size_t i = 0; i < count; i++) {
        float value = data->values[i];
        if (isfinite(value) || (isnan(value) && options->missing != MISSING_REFUSE)) continue;
        return tool_fail("%s: %s %s", data->name, tool_cell_text(data, i / data->cols, i % data->cols).text,
                         isnan(value) ? "is nan" TOOL_MISSING_HINT : "is infinite, or too large for a float32");
    }
    if (options->missing == MISSING_DROP) return drop_rows(data);
    return options->missing == MISSING_MEAN ? fill_means(data) : TOOL_OK;
}
