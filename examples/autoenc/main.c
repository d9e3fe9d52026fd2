/* main.c - autoenc, the command-line tool: its messages, its context and versions; the tables know the rest. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "gzip.h"
#include "help.h"
#include "picture.h"
#include "place.h"

void *tool_allocate(const char *name, size_t count, size_t size) {
    void *block = calloc(count, size);
    if (block == NULL) (void)tool_fail("%s: no memory for %zu elements of %zu bytes", name, count, size);
    return block;
}

int tool_context_create(const struct options *options, aenc_context **out) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    char reason[256];
    aenc_context_options asked = {.struct_size = sizeof asked, .error = reason, .error_size = sizeof reason};
    asked.seed = options->seed;
    asked.threads = options->threads;
    asked.blas_threads = options->blas_threads;
    if (asked.threads == 0) asked.threads = processors < 1 ? 1 : processors < THREADS_MAX ? processors : THREADS_MAX;
    aenc_status status = aenc_context_create(&asked, out);
    if (status == AENC_OK) return TOOL_OK;
    return tool_fail("no context with %lld threads: %s", (long long)asked.threads, reason);
}

int tool_version(const struct options *options) {
    aenc_context *ctx = NULL;
    int status = tool_context_create(options, &ctx);
    if (status != TOOL_OK) return status;
    const char *gzip = tool_gunzip_version(), *png = tool_picture_version();
    (void)printf("autoenc %s\n%s", aenc_version_string(), aenc_build_info(ctx));
    (void)printf("gzip: %s%s\n", gzip != NULL ? "zlib " : "no (built without zlib)", gzip != NULL ? gzip : "");
    (void)printf("pictures: %s%s\n", png != NULL ? "libpng " : "no (built without libpng)", png != NULL ? png : "");
    aenc_context_free(ctx);
    return TOOL_OK;
}

int main(int argc, char **argv) {
    static char version[] = "version", help[] = "help";
    struct options options;
    struct places places;
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit then is an error of write, like a full disk */
    if (argc < 2) return tool_usage("no command; see: autoenc help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) argv[1] = help;
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) argv[1] = version;
    int status = tool_options_parse(argc, argv, &options);
    if (status == TOOL_OK) {
        const struct command_row *command = tool_command_find(options.command_name);
        if (options.help)
            tool_help(command);
        else {
            status = tool_places_check(&options, &places);
            if (status == TOOL_OK) status = command->run(&options);
            tool_places_free(&places);
        }
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == TOOL_OK) status = tool_fail("standard output: cannot be written");
    }
    return status;
}
