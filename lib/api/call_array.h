/* call_array.h - aenc_array, checked, as columns. */
#ifndef AENC_API_CALL_ARRAY_H
#define AENC_API_CALL_ARRAY_H

#include "api/api.h"

/* What an array is. */
struct array {
    char name[FIELD_NAME_SIZE];
    struct column column;
    int64_t rows, size; /* of one row */
    struct shape shape; /* of one row */
    void *data;         /* of the column, where it is written */
};

/* Of a list of arrays, for messages: "aenc_run: in[2]". */
struct array_place {
    const char *call, *list;
    size_t index;
};

/* One of a list, complete and readable; named: its name is looked at. */
aenc_status aenc_array_read(aenc_context *ctx, struct array_place place, const aenc_array *given, struct array *out);
/* The name, type and dimensions of one row alone, for a stream. */
aenc_status aenc_array_declared(aenc_context *ctx, struct array_place place, const aenc_array *given,
                                struct array *out);
/* Whether rows of that shape are rows of the field: the same dimensions, or one of both flat. who: "the source", "aenc_run". */
aenc_status aenc_shape_check(aenc_context *ctx, const char *who, const char *name, const struct shape *shape,
                             const struct shape *wanted);

#endif
