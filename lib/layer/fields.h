/* fields.h - what a row of data consists of: named fields.
 *
 * A batch is a set of fields, each with dimensions per row, and a rule that its values keep. Four have names of their own:
 * `input`; `target`, what the output is compared with (not given: the input); `weight`, how much a row counts (not given:
 * 1); and `code`, which stands in the input's place where codes are decoded. Others are declared in the description under
 * "fields" and are required wherever something that is recorded reads them. Labels are a field like any other: the target
 * of a classifier, the condition of a conditional autoencoder.
 *
 * Data come as columns: float32, uint8 or int32 in the caller's memory, converted as they are fed and never copied as a
 * whole. uint8 in a field of numbers stands for 0 to 1 (divided by 255); in the others for itself.
 */
#ifndef AENC_LAYER_FIELDS_H
#define AENC_LAYER_FIELDS_H

#include "io/json.h"
#include "io/settings.h"
#include "tape/tape.h"

enum { FIELD_INPUT, FIELD_TARGET, FIELD_WEIGHT, FIELD_CODE, FIELD_DECLARED, FIELDS_MAX = 16 };

enum field_rule {
    FIELD_NUMBER,  /* finite */
    FIELD_UNIT,    /* within [0, 1] */
    FIELD_BINARY,  /* 0 or 1 */
    FIELD_CLASSES, /* whole, 0 to count - 1 */
    FIELD_LENGTH   /* whole, 1 to count */
};

struct field_spec {
    const char *name;
    struct shape shape; /* of one row, no row axis; rank 0: one value */
    int64_t size;       /* values of a row */
    enum field_rule rule;
    int64_t count; /* of FIELD_CLASSES and FIELD_LENGTH; else 0 */
    bool trained;  /* training needs it */
};

/* One field of some rows in the caller's memory: row r begins r * stride values behind data. */
struct column {
    const void *data; /* NULL: not given */
    int64_t stride;   /* values */
    enum value_type type;
    bool dense; /* row i of the batch is row i of the column, whatever its rows are of the others */
};

/* Rows of data, or some of them: row i of the batch is row[i] of every column that is not dense (row NULL: i). Columns
 * stand by the number of their field in the model. */
struct batch {
    int64_t count;
    const int64_t *row;
    struct column column[FIELDS_MAX];
};

/* What a value of the column is multiplied with as it is fed to the field. */
static inline double aenc_column_scale(const struct column *column, const struct field_spec *field) {
    bool share = column->type == VALUE_U8 && (field->rule == FIELD_NUMBER || field->rule == FIELD_UNIT);
    return share ? 1.0 / 255 : 1;
}

/* fields.c: the member "fields" of a description, `given` (NULL: none): checked, and with every spec as an object in *out
 * (NULL: none). */
aenc_status aenc_fields_check(aenc_context *ctx, struct arena *arena, const struct json *given,
                              const struct json **out);
/* The declared fields of a checked description, from field[FIELD_DECLARED] on; returns the number behind the last. */
int aenc_fields_read(const struct json *fields, struct field_spec *field);
/* The number of the field of that name among `count`; -1: there is none. */
int aenc_field_find(const struct field_spec *field, int count, const char *name);

#endif
