/* place.c - outputs against the disk, the inputs and each other. */
#include "place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "row_fields.h"

enum { LINKS_MAX = 40, SUFFIX = 24, OPERANDS = 2 };

struct named {
    const char *option; /* NULL: an operand */
    const char *path;
};

static bool is_stream(const char *path) { return strcmp(path, "-") == 0; }

/* The folder of path, from malloc; *name is what stands behind it. */
static char *folder_of(const char *path, const char **name) {
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *folder = tool_allocate(path, length + 2, 1);
    *name = slash != NULL ? slash + 1 : path;
    if (folder == NULL) return NULL;
    if (slash == NULL)
        folder[0] = '.';
    else
        memcpy(folder, path, length);
    return folder;
}

/* ---- Links ---- */

/* Where the link at path leads in one step, from malloc; NULL with *status TOOL_OK when it is no link. */
static char *link_target(const char *path, int *status) {
    struct stat info;
    char target[PATH_MAX];
    const char *name = NULL;
    *status = TOOL_OK;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) return NULL;
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) {
        *status = tool_fail("%s: %s", path, strerror(errno));
        return NULL;
    }
    target[length] = '\0';
    bool beside = target[0] != '/' && strchr(path, '/') != NULL;
    char *folder = beside ? folder_of(path, &name) : NULL;
    size_t size = (folder != NULL ? strlen(folder) : 0) + (size_t)length + 2;
    char *out = beside && folder == NULL ? NULL : tool_allocate(path, size, 1);
    *status = out != NULL ? TOOL_OK : TOOL_FAILED;
    if (out != NULL && folder != NULL) {
        strcpy(out, folder);
        strcat(out, "/");
    }
    if (out != NULL) strcat(out, target);
    free(folder);
    return out;
}

static int follow(struct places *places, const char **path) {
    char *now = NULL;
    for (int i = 0;; i++) {
        int status;
        char *next = link_target(now != NULL ? now : *path, &status);
        if (next == NULL) {
            if (status != TOOL_OK) free(now);
            if (status != TOOL_OK || now == NULL) return status;
            break;
        }
        free(now);
        now = next;
        if (i == LINKS_MAX) {
            free(now);
            return tool_fail("%s: %s", *path, strerror(ELOOP));
        }
    }
    places->path[places->count++] = now;
    *path = now;
    return TOOL_OK;
}

/* ---- One output ---- */

/* `whole`: a file that is replaced as a whole, so that no pipe or device will do. */
static int check_output(const struct options *options, const struct named *output, bool whole) {
    struct stat info;
    const char *name = NULL, *path = output->path;
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        return tool_fail("%s: --%s %s: is a directory", options->command_name, output->option, path);
    }
    if (exists && whole && !S_ISREG(info.st_mode)) {
        return tool_fail("%s: --%s %s: is not a regular file", options->command_name, output->option, path);
    }
    if (exists && !S_ISREG(info.st_mode)) {
        return access(path, W_OK) == 0 ? TOOL_OK
                                       : tool_fail("%s: --%s %s: cannot be written: %s", options->command_name,
                                                   output->option, path, strerror(errno));
    }
    char *folder = folder_of(path, &name);
    if (folder == NULL) return TOOL_FAILED;
    int problem = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
    if (problem == 0 && (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))) problem = ENOTDIR;
    long most = pathconf(folder, _PC_NAME_MAX);
    if (problem == 0 && most > 0 && strlen(name) + SUFFIX > (size_t)most) problem = ENAMETOOLONG;
    if (problem == 0 && name[0] == '\0') problem = EISDIR;
    free(folder);
    if (problem == 0) return TOOL_OK;
    return tool_fail("%s: --%s %s: cannot be written there: %s", options->command_name, output->option, path,
                     strerror(problem));
}

/* ---- Two files ---- */

static bool same_info(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether both name one regular file, or will. */
static bool same_place(const char *a, const char *b) {
    struct stat one, other;
    const char *name = NULL, *other_name = NULL;
    bool exists = stat(a, &one) == 0, other_exists = stat(b, &other) == 0;
    if (exists != other_exists) return false;
    if (exists) return S_ISREG(one.st_mode) && same_info(&one, &other);
    char *folder = folder_of(a, &name), *other_folder = folder_of(b, &other_name);
    bool same = folder != NULL && other_folder != NULL && stat(folder, &one) == 0 && stat(other_folder, &other) == 0 &&
                same_info(&one, &other) && strcmp(name, other_name) == 0;
    free(folder);
    free(other_folder);
    return same;
}

/* Standard input may be a file as well. */
static bool same_as_input(const char *output, const char *input) {
    struct stat one, other;
    if (!is_stream(input)) return same_place(output, input);
    return fstat(STDIN_FILENO, &one) == 0 && stat(output, &other) == 0 && S_ISREG(one.st_mode) &&
           same_info(&one, &other);
}

/* The file of "FILE.npz:NAME", into room; otherwise the path. */
static const char *input_file(const char *path, char *room, size_t size) {
    const char *array = tool_array_of(path);
    size_t length = array != NULL ? (size_t)(array - 1 - path) : size;
    if (length >= size) return path;
    memcpy(room, path, length);
    room[length] = '\0';
    return room;
}

static int check_pair(const struct options *options, const struct named *output, const struct named *input) {
    char room[PATH_MAX];
    if (input->path == NULL || !same_as_input(output->path, input_file(input->path, room, sizeof room))) return TOOL_OK;
    const char *what = is_stream(input->path) ? "standard input" : input->path;
    return tool_usage("%s: --%s %s is the same file as %s%s%s, which is read", options->command_name, output->option,
                      output->path, input->option != NULL ? "--" : "", input->option != NULL ? input->option : what,
                      input->option != NULL && is_stream(input->path) ? " (standard input)" : "");
}

/* The files of fields. */
static int check_fields(const struct options *options, const struct named *output, const char *option,
                        const struct specs *texts) {
    struct fields *fields = NULL;
    int status = tool_fields_parse(options, option, texts, &fields);
    for (size_t i = 0; fields != NULL && status == TOOL_OK && i < fields->count; i++) {
        status = check_pair(options, output, &(struct named){option, fields->field[i].path});
    }
    tool_fields_free(fields);
    return status;
}

int tool_places_check(struct options *options, struct places *places) {
    bool model = options->command == COMMAND_TRAIN || options->command == COMMAND_PCA;
    struct {
        const char *option, **path;
        bool whole;
    } const outputs[PLACES_MAX] = {{"out", &options->out, model},
                                   {"save", &options->save, true},
                                   {"checkpoint", &options->checkpoint, true},
                                   {"log", &options->log, false}};
    const struct named inputs[] = {{NULL, options->operand[0]},
                                   {NULL, options->operand[1]},
                                   {"target", options->target},
                                   {"valid", options->valid},
                                   {"valid-target", options->valid_target},
                                   {"labels", options->labels},
                                   {"valid-labels", options->valid_labels},
                                   {"test", options->test},
                                   {"test-labels", options->test_labels},
                                   {"start", options->start},
                                   {"model-json", options->model_json},
                                   {"model", options->model}};
    *places = (struct places){{0}, 0};
    for (size_t i = 0; i < PLACES_MAX; i++) {
        const char **path = outputs[i].path;
        if (*path == NULL || is_stream(*path)) continue;
        int status = follow(places, path);
        struct named output = {outputs[i].option, *path};
        if (status == TOOL_OK) status = check_output(options, &output, outputs[i].whole);
        for (size_t k = 0; status == TOOL_OK && k < sizeof inputs / sizeof *inputs; k++) {
            status = check_pair(options, &output, &inputs[k]);
        }
        if (status == TOOL_OK) status = check_fields(options, &output, "field", &options->fields);
        if (status == TOOL_OK) status = check_fields(options, &output, "valid-field", &options->valid_fields);
        for (size_t k = 0; status == TOOL_OK && k < i; k++) {
            if (*outputs[k].path == NULL || is_stream(*outputs[k].path)) continue;
            if (!same_place(*path, *outputs[k].path)) continue;
            status = tool_usage("%s: --%s and --%s are the same file, %s", options->command_name, outputs[k].option,
                                outputs[i].option, *path);
        }
        if (status != TOOL_OK) return status;
    }
    return TOOL_OK;
}

void tool_places_free(struct places *places) {
    for (size_t i = 0; i < places->count; i++) free(places->path[i]);
}
