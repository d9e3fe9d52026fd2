/* data_columns.h - which columns of a table are taken, what is subtracted from them, and what a float makes of them. */
#ifndef TOOL_DATA_COLUMNS_H
#define TOOL_DATA_COLUMNS_H

#include "cell.h"
#include "data.h"

struct columns {
    bool *keep;     /* (count) */
    double *offset; /* (count); NULL: nothing is subtracted */
    size_t count, kept;
};

/* What --columns, --drop and --offset make of `count` columns; names NULL: they have none. Nothing to free on
 * failure. */
int tool_columns_choose(const struct data_options *options, const char *file, char *const *names, size_t count,
                        struct columns *out);
void tool_columns_free(struct columns *columns);
/* Takes the other columns out of values and names that are there already. */
int tool_columns_apply(const struct columns *columns, struct data *data);

/* What rounding does to one column. */
struct watch {
    double last;                   /* the value before */
    size_t count, merged, rounded; /* values; equal to the one before as floats alone; whole numbers that are rounded */
    double example;
};

/* NUMBER_OK and the float, or why there is none. */
int tool_watch_round(struct watch *watch, double value, float *out);
/* Reports each column of data in which rounding matters. */
void tool_watch_report(const struct watch *watch, const struct data *data);

/* NaNs are what is missing: refuses them, leaves out their rows or puts the column's mean there. */
int tool_missing_fill(const struct data_options *options, struct data *data);

#endif
