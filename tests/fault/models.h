/* models.h - two models that are told apart by their bytes, and a folder for their file. */
#ifndef AENC_TESTS_FAULT_MODELS_H
#define AENC_TESTS_FAULT_MODELS_H

#include <autoenc/autoenc.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { MODELS = 2, MODEL_BYTES = 1 << 16, PATH_ROOM = 256 };

struct models {
    aenc_context *ctx;
    aenc_model *model[MODELS];
    unsigned char bytes[MODELS][MODEL_BYTES]; /* as they are saved */
    size_t size[MODELS];
    char folder[PATH_ROOM], path[PATH_ROOM + 32];
};

static inline void models_open(struct models *m, const char *name) {
    static const size_t input[] = {12}, widths[MODELS][2] = {{9, 2}, {40, 6}};
    memset(m, 0, sizeof *m);
    snprintf(m->folder, sizeof m->folder, "/tmp/aenc_%s_XXXXXX", name);
    CHECK(mkdtemp(m->folder) != NULL);
    snprintf(m->path, sizeof m->path, "%s/model.safetensors", m->folder);
    CHECK(aenc_context_create(NULL, &m->ctx) == AENC_OK);
    for (int i = 0; i < MODELS; i++) {
        aenc_model_options options = {
            .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths[i], .encoder_count = 2};
        CHECK_STATUS(m->ctx, aenc_model_create(m->ctx, &options, &m->model[i]), AENC_OK);
        CHECK_STATUS(m->ctx, aenc_model_save_memory(m->model[i], m->bytes[i], MODEL_BYTES, &m->size[i]), AENC_OK);
    }
}

/* Files in the folder beside the model's own; they are removed when asked for. */
static inline int models_scraps(struct models *m, bool remove_them) {
    char path[2 * PATH_ROOM + 512];
    int count = 0;
    DIR *folder = opendir(m->folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "model.safetensors") == 0) continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", m->folder, entry->d_name);
        if (remove_them) unlink(path);
    }
    closedir(folder);
    return count;
}

/* Which of the models the file is, byte for byte; -1: neither, -2: there is no file. */
static inline int models_which(struct models *m) {
    static unsigned char bytes[MODEL_BYTES + 1];
    FILE *file = fopen(m->path, "rb");
    if (file == NULL) return -2;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (int i = 0; i < MODELS; i++)
        if (size == m->size[i] && memcmp(bytes, m->bytes[i], size) == 0) return i;
    return -1;
}

static inline void models_close(struct models *m) {
    models_scraps(m, true);
    unlink(m->path);
    CHECK(rmdir(m->folder) == 0);
    for (int i = 0; i < MODELS; i++) aenc_model_free(m->model[i]);
    aenc_context_free(m->ctx);
}

#endif
