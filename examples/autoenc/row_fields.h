/* row_fields.h - what rows have besides the input: --field NAME=DATA, as a model's description declares it.
 *
 *     label=labels-idx1-ubyte.gz        a file of one row for each row of DATA
 *     label=table.csv:species           a column of a CSV file, by its name or its place from 1
 *     label=labels.npy:classes:count=10 with the rule of its values, which only a new model declares
 *     label=3                           the same value for every row; not where a model is trained
 *     label=0,1,2                       of samples: each for a share of the rows
 *
 * Integers of binary files stay uint8 or int32, what else there is becomes float32.
 */
#ifndef TOOL_ROW_FIELDS_H
#define TOOL_ROW_FIELDS_H

#include "options.h"

enum { FIELDS_MAX = 12 };

struct row_field {
    const char *option;                      /* "field" or "valid-field" */
    const char *text;                        /* the value of the option */
    const char *name, *path, *column, *rule; /* column and rule NULL: not stated */
    size_t turns;    /* of sample: so many values of one element, each for as many rows; 0: as they stand */
    float *constant; /* (data.cols) for all rows, as they are read; NULL: a file has them */
    struct data data;
    size_t dims[2];
};

struct fields {
    struct row_field field[FIELDS_MAX];
    size_t count;
    char *texts; /* what names and the like point into */
};

/* Whether "NAME=DATA" begins with the name of a field. */
bool tool_field_named(const char *text);

/* Takes the texts of an option apart; no file is read. NULL in *out where there are none; tool_fields_free frees it. */
int tool_fields_parse(const struct options *options, const char *option, const struct specs *texts,
                      struct fields **out);
/* Reads them; `of` has as many rows, or (0: not known) gets the number of theirs. */
int tool_fields_read(const struct options *options, struct fields *fields, struct data *of);
/* How many rows there are where nobody states it: 0 where files have them, else at least `least`, and as many for each of the
 * values of a list. */
size_t tool_fields_rows(const struct fields *fields, size_t least);
void tool_fields_free(struct fields *fields);
/* Those of the rows row[0] ..., for tool_fields_free; NULL after a failure that was reported. */
struct fields *tool_fields_pick(const struct fields *fields, const size_t *row, size_t count);
/* The first rows of the field as an array, valid until the next call. */
aenc_array tool_field_array(struct row_field *field, size_t rows);

/* Value i of all rows, one after the other. */
double tool_field_value(const struct row_field *field, size_t i);

/* "NAME=RULE" for aenc_model_options.fields, for free(): the rule as stated, or by the values. */
char *tool_field_declaration(const struct options *options, const struct row_field *field);

/* The result of a command: "code" of encode; NULL where a model is trained. Fields that the model needs for it and that are
 * not given are refused by name, as are those that it does not have. option names what gives them. */
int tool_fields_needed(const struct options *options, aenc_model *model, const char *result, const char *option,
                       struct fields *fields);

#endif
