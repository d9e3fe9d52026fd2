/* fuzz_tool.c - what the tool's readers stand on when no tool is around them. */
#include "fuzz/fuzz_tool.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <unistd.h>

#include "data.h"

enum { REQUEST_MAX = 64 << 20 };

static uint64_t state;     /* of the failing allocator's generator; 0: never fails */
static char message[4096]; /* the last thing that a reader complained about */
static int messages;

/* ---- In the tool's place ---- */

static void complain(const char *format, va_list arguments) {
    FUZZ_DEMAND(vsnprintf(message, sizeof message, format, arguments) > 0);
    messages++;
}

int tool_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return TOOL_FAILED;
}

int tool_usage(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return TOOL_USAGE;
}

void tool_note(const char *format, ...) {
    static char note[4096];
    va_list arguments;
    va_start(arguments, format);
    FUZZ_DEMAND(vsnprintf(note, sizeof note, format, arguments) > 0);
    va_end(arguments);
}

void *tool_allocate(const char *name, size_t count, size_t size) {
    void *block = fuzz_tool_calloc(count, size);
    if (block == NULL) (void)tool_fail("%s: no memory", name);
    return block;
}

static bool refused(size_t size) { return fuzz_refuses(&state) || size > REQUEST_MAX; }

void *fuzz_tool_malloc(size_t size) { return refused(size) ? NULL : malloc(size); }

void *fuzz_tool_calloc(size_t count, size_t size) {
    if (size != 0 && count > REQUEST_MAX / size) return NULL;
    return refused(count * size) ? NULL : calloc(count, size);
}

void *fuzz_tool_realloc(void *block, size_t size) { return refused(size) ? NULL : realloc(block, size); }

/* ---- Feeding ---- */

static char shared_path[] = "/dev/shm/aenc-fuzz-XXXXXX", other_path[] = "/tmp/aenc-fuzz-XXXXXX";
static char *path = shared_path;

static void path_remove(void) { (void)unlink(path); }

/* One file for the whole run, in memory where the system has a place for that. */
static const char *path_of(const struct fuzz_input *input) {
    static int file = -1;
    if (file < 0) {
        file = mkstemp(path);
        if (file < 0) file = mkstemp(path = other_path);
        FUZZ_DEMAND(file >= 0 && atexit(path_remove) == 0);
    }
    FUZZ_DEMAND(ftruncate(file, 0) == 0);
    FUZZ_DEMAND(pwrite(file, input->bytes, input->size, 0) == (ssize_t)input->size);
    return path;
}

static int read_with(enum fuzz_reader reader, const char *name, unsigned control, struct data *data) {
    /* what is asked for, from the bits of one byte */
    static const char separators[] = {'\0', '\0', ',', ' '}, decimals[] = {'\0', '\0', '.', ','};
    struct data_options options = {.raw_bytes = reader == FUZZ_TOOL_NPY || (control & 1) != 0, .missing = (enum missing)(control % 3),
                                   .csv = {(enum header)(control / 2 % 3), separators[control >> 2 & 3],
                                           decimals[control >> 4 & 3]},
                                   .verbose = (control & 8) != 0};
    if (reader != FUZZ_TOOL_NPY && control % 5 == 1) options.drop = "2-3,1";
    if (reader != FUZZ_TOOL_NPY && control % 5 == 2) options.offset = "1=0.5,b=3";
    if (reader == FUZZ_TOOL_ANY && control % 7 == 3) options.array = "x";
    options.typed = reader == FUZZ_TOOL_ANY && control % 4 == 2;
    struct source source;
    if (reader == FUZZ_TOOL_ANY) return tool_data_read(name, &options, data);
    *data = (struct data){.name = name};
    int status = tool_source_open(&source, name);
    if (status != TOOL_OK) return status;
    if (reader == FUZZ_TOOL_CSV) status = tool_csv_read(&source, &options, data);
    else if (source.gunzip == NULL) status = tool_npy_read(&source, &options, data);
    else status = tool_fail("%s: gzip", name);
    tool_source_close(&source);
    if (status != TOOL_OK) tool_data_free(data);
    return status;
}

bool fuzz_tool_read(const struct fuzz_input *input, enum fuzz_reader reader, struct fuzz_table *out) {
    struct data data;
    const char *name = path_of(input);
    memset(out, 0, sizeof *out);
    state = fuzz_seed(input->control);
    messages = 0;
    int status = read_with(reader, name, input->control & 0x7F, &data);
    state = 0;
    FUZZ_DEMAND(status == TOOL_OK ? messages == 0 : messages == 1);
    if (status != TOOL_OK) return false;
    FUZZ_DEMAND(data.rows > 0 && data.cols > 0);
    double sum = 0;
    if (data.type != 0) { /* integers as they are */
        FUZZ_DEMAND(reader == FUZZ_TOOL_ANY && data.values == NULL);
        for (size_t i = 0; i < data.rows * data.cols; i++)
            sum += data.type == AENC_TYPE_U8 ? ((uint8_t *)data.typed)[i] : fabs((double)((int32_t *)data.typed)[i]);
        FUZZ_DEMAND(sum >= 0 && isfinite(sum));
        tool_data_free(&data);
        return false;
    }
    for (size_t i = 0; i < data.rows * data.cols; i++) {
        FUZZ_DEMAND(reader != FUZZ_TOOL_ANY || isfinite(data.values[i]));
        FUZZ_DEMAND(!isinf(data.values[i]) || reader == FUZZ_TOOL_NPY);
        sum += isfinite(data.values[i]) ? fabs((double)data.values[i]) : 0;
    }
    FUZZ_DEMAND(sum >= 0);
    for (size_t i = 0; data.names != NULL && i < data.cols; i++) FUZZ_DEMAND(strlen(data.names[i]) <= 2 * input->size + 3);
    free(data.names);
    free(data.places);
    *out = (struct fuzz_table){data.values, data.rows, data.cols};
    return true;
}

void fuzz_table_free(struct fuzz_table *table) { free(table->values); }
