/* fuzz_tool.h - the tool's readers, fed from memory. Their malloc, calloc and realloc are the ones below (the build
 * renames them), which count, have a limit and fail when the input asks for it. */
#ifndef AENC_TESTS_FUZZ_FUZZ_TOOL_H
#define AENC_TESTS_FUZZ_FUZZ_TOOL_H

#include "fuzz/fuzz.h"

enum fuzz_reader { FUZZ_TOOL_ANY, FUZZ_TOOL_NPY, FUZZ_TOOL_CSV };

struct fuzz_table {
    float *values;
    size_t rows, cols;
};

/* Answers whether the reader accepted the input. Either way the caller ends with fuzz_table_free. */
bool fuzz_tool_read(const struct fuzz_input *input, enum fuzz_reader reader, struct fuzz_table *out);
void fuzz_table_free(struct fuzz_table *table);

void *fuzz_tool_malloc(size_t size);
void *fuzz_tool_calloc(size_t count, size_t size);
void *fuzz_tool_realloc(void *block, size_t size);

#endif
