/* fuzz_csv.c - the tool's reader of tables in text. */
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_table table;
    fuzz_tool_read(&input, FUZZ_TOOL_CSV, &table);
    fuzz_table_free(&table);
    fuzz_input_close(&input);
    return 0;
}
