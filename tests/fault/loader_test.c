/* loader_test.c - what the other tests do not reach of the readers and writers: files so large that memory can be refused in
 * the middle of them, sizes beyond what a file may have, a folder full of scraps. */
#include <sys/stat.h>
#include <unistd.h>

#include "api/memory.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/written.h"
#include "model/model.h"

enum { MANY = 300, TEXT_ROOM = 1 << 18, NAME_ROOM = 32 };

/* ---- Refusals in the middle: an arena asks for memory only once in 16 kB ---- */

typedef aenc_status scenario(aenc_context *ctx, const void *what);

static void exhaust(scenario *take, const void *what) {
    for (int for_good = 0; for_good < 2; for_good++) {
        bool refused = true;
        for (long k = 1; refused; k++) {
            struct memory memory;
            memset(&memory, 0, sizeof memory);
            aenc_context *ctx = memory_context(&memory, 1, 1);
            memory.calls = 0;
            memory.fail_at = k;
            memory.for_good = for_good;
            aenc_status status = take(ctx, what);
            refused = memory.refused > 0;
            memory.fail_at = 0;
            CHECK_STATUS(ctx, status, refused ? AENC_ERR_NO_MEMORY : AENC_OK);
            aenc_context_free(ctx);
            memory_check_empty(&memory);
        }
    }
}

static aenc_status json(aenc_context *ctx, const void *what) {
    struct arena arena;
    struct json *value;
    char *text = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_json_parse(&arena, what, strlen(what), "the text", &value);
    if (status == AENC_OK && aenc_json_add_copy(&arena, NULL, NULL, value) == NULL) status = ctx->status;
    if (status == AENC_OK) status = aenc_json_write(ctx, value, &text, NULL);
    aenc_release(ctx, text);
    aenc_arena_free(&arena);
    return status;
}

/* `item` MANY times between the brackets; a '#' in it becomes the count. Shifted by `before` bytes of text, so that the
 * chunk of the arena ends at another place in the item. */
static void check_json(const char *open, const char *item, const char *close) {
    static char text[TEXT_ROOM];
    for (size_t before = 0; before < 160; before += 16) {
        size_t used = (size_t)snprintf(text, TEXT_ROOM, "[\"%.*s\",%s", (int)before,
            "................................................................................................"
            "................................................................", open);
        for (int i = 0; i < MANY; i++)
            for (const char *c = item; *c != '\0'; c++)
                used += (size_t)snprintf(text + used, TEXT_ROOM - used, *c == '#' ? "%d" : "%c", *c == '#' ? i : *c);
        snprintf(text + used - 1, TEXT_ROOM - used, "%s]", close); /* without the last comma */
        exhaust(json, text);
    }
}

static aenc_status tensors(aenc_context *ctx, const void *what) {
    static char name[MANY][NAME_ROOM];
    static struct tensor_source source[MANY];
    static struct metadata_entry metadata[MANY];
    static const float values[] = {1, 2};
    struct safetensors file;
    void *bytes = NULL;
    size_t size;
    size_t shift = *(const size_t *)what;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(name[i], NAME_ROOM, "%.*sn%zu", (int)(shift % 16), "................", i);
        source[i] = (struct tensor_source){name[i], TENSOR_F32, 2, {1, 2}, values};
        metadata[i] = (struct metadata_entry){name[i], name[i]};
    }
    aenc_status status = written_tensors(ctx, source, MANY, metadata, MANY - shift, &bytes, &size);
    if (status != AENC_OK) return status;
    status = aenc_safetensors_read(ctx, bytes, size, "the file", &file);
    if (status == AENC_OK) {
        CHECK(file.tensor_count == MANY && aenc_safetensors_find(&file, name[MANY - 1]) != NULL);
        aenc_safetensors_free(&file);
    }
    aenc_release(ctx, bytes);
    return status;
}

/* ---- Sizes ---- */

static void check_sizes(aenc_context *ctx) {
    void *bytes = &bytes;
    size_t size;
    struct tensor_source huge[] = {{"a", TENSOR_F32, 1, {UINT64_C(1) << 52}, &huge},
                                   {"b", TENSOR_F32, 1, {UINT64_C(1) << 61}, &huge}};
    CHECK_STATUS(ctx, written_tensors(ctx, huge, 1, NULL, 0, &bytes, &size), AENC_ERR_SHAPE);
    CHECK(bytes == NULL && strstr(aenc_message(ctx), "more than a file can hold") != NULL);
    CHECK_STATUS(ctx, written_tensors(ctx, huge + 1, 1, NULL, 0, &bytes, &size), AENC_ERR_SHAPE);
    const uint64_t dims[] = {UINT64_C(1) << 40, UINT64_C(1) << 40};
    CHECK_STATUS(ctx, aenc_npy_write(ctx, dims, 2, NULL, &bytes, &size), AENC_ERR_SHAPE);
    CHECK(bytes == NULL);
}

static void check_refused(aenc_context *ctx, const char *text, aenc_status want, const char *words) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), want);
    if (!CHECK(model == NULL && strstr(aenc_message(ctx), words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
    aenc_model_free(model);
}

static void check_descriptions(aenc_context *ctx) {
    check_refused(ctx, "\"\\ud800\\ue000\"", AENC_ERR_FORMAT, "a high surrogate without a low one");
    check_refused(ctx, "{\"input\":4}", AENC_ERR_ARGUMENT, "'input' must be an array");
    check_refused(ctx, "{\"input\":[]}", AENC_ERR_ARGUMENT, "'input' must be an array");
    check_refused(ctx, "{\"input\":[1,1,1,1,1,1]}", AENC_ERR_ARGUMENT, "'input' must be an array");
    check_refused(ctx, "{\"input\":[65536,65536]}", AENC_ERR_ARGUMENT, "dimension 1 of 'input'");
    check_refused(ctx, "{\"input\":[1.5]}", AENC_ERR_ARGUMENT, "dimension 0 of 'input'");
    check_refused(ctx, "{\"input\":[\"1\"]}", AENC_ERR_ARGUMENT, "dimension 0 of 'input'");
    check_refused(ctx, "[]", AENC_ERR_FORMAT, "not a JSON object");
}

/* ---- A folder full of scraps ---- */

/* What processes of the same number left behind when they were killed neither stops a save nor is touched by it. */
static void check_scraps(aenc_context *ctx) {
    enum { SCRAPS = 150 };
    char folder[] = "/tmp/aenc_loader_XXXXXX", path[64], scrap[128];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/a", folder);
    for (int i = 0; i < SCRAPS; i++) {
        snprintf(scrap, sizeof scrap, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        FILE *file = fopen(scrap, "w");
        CHECK(file != NULL && fclose(file) == 0);
    }
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, "x", 1), AENC_OK);
    for (int i = 0; i < SCRAPS; i++) {
        snprintf(scrap, sizeof scrap, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        CHECK(unlink(scrap) == 0);
    }
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
}

int main(void) {
    struct memory memory;
    memset(&memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory, 1, 1);
    check_sizes(ctx);
    check_descriptions(ctx);
    check_scraps(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    check_json("[", "#,", "]");
    check_json("[", "\"a text of some length # ...........\",", "]");
    check_json("{", "\"a key of some length # ............\":true,", "}");
    check_json("[", "[[#,#],{\"k\":[]}],", "]");
    for (size_t shift = 0; shift < 24; shift++) exhaust(tensors, &shift);
    return check_finish();
}
