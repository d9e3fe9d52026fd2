/* recipes.c - runs the recipes of recipes.h and prints their hashes.
 *
 *     recipes [--threads N] [--seed N] [--only PREFIX]    a line each: name, weights, outputs, losses; '-' for none
 *     recipes --check                                     the test: what hashes must and must not depend on
 *
 * Lines that begin with '#' name the library's file, the instruction set and the CBLAS. A recipe that failed has its
 * failure in the place of its hashes; the exit status is then 1. tests/recipes/compare compares two such outputs of one
 * machine.
 */
#define _GNU_SOURCE

#include "recipes/recipes.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

struct result {
    const char *name;
    uint64_t digest[DIGEST_COUNT];
    int failed, fixed;
};

struct setting {
    int64_t threads;
    uint64_t seed;
    const char *only, *folder;
    const struct recipe_data *data;
    int print;
};

struct results {
    struct result result[RECIPE_COUNT_MAX];
    size_t count;
};

/* ---- Running ---- */

static void result_print(const struct result *result, const char *failure) {
    printf("%s", result->name);
    if (result->failed) printf(" failed: %s", failure);
    for (int i = 0; !result->failed && i < DIGEST_COUNT; i++) {
        if (result->digest[i] == 0)
            printf(" -");
        else
            printf(" %016" PRIx64, result->digest[i]);
    }
    putchar('\n');
    fflush(stdout);
}

/* A context of its own, so that no recipe depends on those before it. recipe NULL: number `index` of the fits. */
static void one_run(const struct setting *setting, struct results *results, const struct recipe *recipe, size_t index) {
    const char *name = recipe != NULL ? recipe->name : fit_recipe_name(index);
    if (setting->only != NULL && strncmp(name, setting->only, strlen(setting->only)) != 0) return;
    struct recipe_run run = {.data = setting->data, .folder = setting->folder};
    struct result *result = &results->result[results->count++];
    aenc_context_options options = {.struct_size = sizeof options, .seed = setting->seed, .threads = setting->threads};
    *result = (struct result){.name = name, .fixed = recipe != NULL && recipe->fixed};
    if (recipe_good(&run, aenc_context_create(&options, &run.ctx))) {
        if (recipe != NULL)
            recipe->run(&run);
        else
            fit_recipe_run(&run, index);
    }
    aenc_context_free(run.ctx);
    memcpy(result->digest, run.digest, sizeof run.digest);
    result->failed = run.failure[0] != '\0';
    if (setting->print)
        result_print(result, run.failure);
    else if (result->failed)
        fprintf(stderr, "%s: %s\n", name, run.failure);
}

static void all_run(const struct setting *setting, struct results *results) {
    const struct recipe *const lists[] = {train_recipes, source_recipes, use_recipes};
    results->count = 0;
    for (size_t i = 0; i < fit_recipe_count(); i++) one_run(setting, results, NULL, i);
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        for (const struct recipe *recipe = lists[k]; recipe->name != NULL; recipe++)
            one_run(setting, results, recipe, 0);
}

/* ---- The test ---- */

static void check_named(int good, const char *name, const char *what) {
    char text[200];
    snprintf(text, sizeof text, "%s: %s", name, what);
    check_report(good, __FILE__, __LINE__, text);
}

/* Threads change nothing. */
static void check_threads(struct setting setting, const struct results *one, struct results *room) {
    for (setting.threads = 2; setting.threads <= 3; setting.threads++) {
        all_run(&setting, room);
        CHECK(room->count == one->count);
        for (size_t i = 0; i < one->count; i++)
            check_named(memcmp(room->result[i].digest, one->result[i].digest, sizeof one->result[i].digest) == 0,
                        one->result[i].name, "the hashes on more threads are those on one");
    }
}

/* The seed changes what is drawn from it, every kind of hash of it, and nothing else. */
static void check_seed(struct setting setting, const struct results *one, struct results *room) {
    setting.seed++;
    all_run(&setting, room);
    for (size_t i = 0; i < one->count; i++)
        for (int k = 0; k < DIGEST_COUNT; k++) {
            uint64_t before = one->result[i].digest[k], after = room->result[i].digest[k];
            int same = before == after, wanted = before == 0 || one->result[i].fixed;
            check_named(same == wanted, one->result[i].name, "another seed, other hashes, unless nothing is drawn");
        }
}

static const struct result *result_find(const struct results *results, const char *name) {
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->result[i].name, name) == 0) return &results->result[i];
    check_named(0, name, "is a recipe");
    return &results->result[0];
}

/* Two ways to the same bits. */
static void check_pairs(const struct results *one) {
    static const char *const pairs[][2] = {
        {"source_matrix", "plain"},
        {"source_npy", "plain"},
        {"stream_read_ahead", "stream"},
        {"stream_targets_read_ahead", "stream_targets"},
        {"partial_fit_parts", "partial_fit"},
        {"checkpoint_resumed", "checkpoint"},
        {"checkpoint_resumed_early", "checkpoint"},
        {"checkpoint_resumed_late", "checkpoint"},
        {"pretrain_source", "pretrain"},
        {"distill_source", "distill"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct result *a = result_find(one, pairs[i][0]), *b = result_find(one, pairs[i][1]);
        check_named(a->digest[DIGEST_WEIGHTS] == b->digest[DIGEST_WEIGHTS], a->name, pairs[i][1]);
        check_named(a->digest[DIGEST_OUTPUTS] == b->digest[DIGEST_OUTPUTS], a->name, pairs[i][1]);
    }
}

/* No two recipes do the same by an oversight: hashes differ but for the pairs above and four more ways to a PCA. */
static void check_distinct(const struct results *one) {
    size_t distinct = 0;
    for (size_t i = 0; i < one->count; i++) {
        size_t k = 0;
        while (k < i && memcmp(one->result[k].digest, one->result[i].digest, sizeof one->result[i].digest) != 0) k++;
        distinct += k == i;
    }
    printf("%zu recipes, %zu distinct\n", one->count, distinct);
    CHECK(one->count >= 100 && distinct + 14 >= one->count);
}

/* One bit of one parameter is another hash. */
static void check_bit(const struct setting *setting) {
    struct recipe_run run[2] = {{.data = setting->data}, {.data = setting->data}};
    aenc_context_options options = {.struct_size = sizeof options, .seed = 1};
    if (!CHECK(aenc_context_create(&options, &run[0].ctx) == AENC_OK)) return;
    run[1].ctx = run[0].ctx;
    aenc_model *model = recipe_model(&run[0]);
    aenc_tensor *tensor = NULL;
    float values[COLS * 16];
    recipe_digest_weights(&run[0], model);
    recipe_good(&run[0], aenc_model_tensor_get(model, "encoder.0.weight", &tensor));
    recipe_good(&run[0], aenc_tensor_read(tensor, values, COLS * 16));
    unsigned bits;
    memcpy(&bits, &values[77], sizeof bits);
    bits ^= 1;
    memcpy(&values[77], &bits, sizeof bits);
    recipe_good(&run[0], aenc_tensor_write(tensor, values, COLS * 16));
    recipe_good(&run[0], aenc_model_tensor_set(model, "encoder.0.weight", tensor));
    recipe_digest_weights(&run[1], model);
    CHECK(run[0].failure[0] == '\0' && run[1].failure[0] == '\0');
    CHECK(run[0].digest[DIGEST_WEIGHTS] != run[1].digest[DIGEST_WEIGHTS]);
    aenc_tensor_free(tensor);
    aenc_model_free(model);
    aenc_context_free(run[0].ctx);
}

static int check(const struct setting *setting) {
    static struct results one, room;
    all_run(setting, &one);
    for (size_t i = 0; i < one.count; i++) check_named(!one.result[i].failed, one.result[i].name, "succeeds");
    check_threads(*setting, &one, &room);
    check_seed(*setting, &one, &room);
    check_pairs(&one);
    check_distinct(&one);
    check_bit(setting);
    return check_finish();
}

/* ---- Main ---- */

static void machine_print(void) {
    aenc_context *ctx;
    Dl_info library;
    if (dladdr((const void *)aenc_version_string(), &library) != 0) printf("# library: %s\n", library.dli_fname);
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return;
    char line[400];
    const char *rest = aenc_build_info(ctx);
    for (size_t length; *rest != '\0'; rest += length + (rest[length] == '\n')) {
        length = strcspn(rest, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, rest);
        if (strncmp(line, "version", 7) != 0 && strncmp(line, "threads", 7) != 0) printf("# %s\n", line);
    }
    aenc_context_free(ctx);
}

static int print(const struct setting *setting) {
    static struct results results;
    machine_print();
    all_run(setting, &results);
    int failed = results.count == 0;
    for (size_t i = 0; i < results.count; i++) failed |= results.result[i].failed;
    return failed;
}

int main(int count, char **argument) {
    static struct recipe_data data;
    char folder[] = "/tmp/recipes-XXXXXX";
    struct setting setting = {.threads = 1, .seed = 17, .data = &data, .print = 1};
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? argument[i + 1] : "";
        if (strcmp(argument[i], "--check") == 0)
            setting.print = 0;
        else if (strcmp(argument[i], "--threads") == 0)
            setting.threads = strtol(value, NULL, 10), i++;
        else if (strcmp(argument[i], "--seed") == 0)
            setting.seed = strtoull(value, NULL, 10), i++;
        else if (strcmp(argument[i], "--only") == 0)
            setting.only = value, i++;
        else {
            fprintf(stderr, "usage: %s [--threads N] [--seed N] [--only PREFIX] | --check\n", argument[0]);
            return 2;
        }
    }
    setting.folder = mkdtemp(folder);
    if (setting.folder == NULL) {
        perror(folder);
        return 2;
    }
    recipe_data_fill(&data);
    int status = setting.print ? print(&setting) : check(&setting);
    rmdir(folder);
    return status;
}
