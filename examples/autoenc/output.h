/* output.h - results into files: all of it or nothing.
 *
 * A regular file is written beside its name, synced and renamed; standard output ("-"), pipes and devices are written
 * as they are. A full disk is reported and the old file stays.
 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include "tool.h"

enum format { FORMAT_AUTO, FORMAT_NPY, FORMAT_CSV, FORMAT_IDX };

/* The format that path asks for by its ending, where format is FORMAT_AUTO: CSV for "-". */
int tool_output_format(const char *path, enum format format, enum format *out);
/* values (rows, cols), with float32 in .npy and IDX. */
int tool_output_table(const char *path, enum format format, const float *values, size_t rows, size_t cols);
int tool_output_bytes(const char *path, const void *bytes, size_t size);

#endif
