/* replay.c - a fuzz target without a fuzzer: every file of the given folders as it is, with the allocator failing in several
 * ways, cut off, and with bytes changed as a generator decides. The same on every machine and every run.
 *
 *     replay_TARGET FOLDER_OR_FILE...
 *
 * AENC_FUZZ_ROUNDS: changed copies of each file; default 60. AENC_FUZZ_SEED: of the generator. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

enum { SIZE_LIMIT = 1 << 16, FAILING = 24, CUTS = 48, CHANGES = 6, NAMES_MAX = 1024, PATH_SIZE = 1024 };

static uint64_t state;
static long inputs;

static uint32_t draw(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((state >> 32) * below) >> 32);
}

/* From a block of exactly its size. */
static void take(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    FUZZ_DEMAND(copy != NULL);
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static void change(uint8_t *bytes, size_t *size) {
    static const uint8_t liked[] = {0, 1, 0x7F, 0x80, 0xFF, '"', '{', '}', '[', ']', ',', ':', '-', '0', '9', 'e', '.', '\n'};
    size_t at = draw((uint32_t)*size), count = 1 + draw(8);
    switch (draw(5)) {
    case 0: bytes[at] = (uint8_t)(bytes[at] ^ 1u << draw(8)); return;
    case 1: bytes[at] = liked[draw(sizeof liked)]; return;
    case 2: bytes[at] = (uint8_t)draw(256); return;
    case 3: /* bytes go */
        if (count >= *size - at) return;
        memmove(bytes + at, bytes + at + count, *size - at - count);
        *size -= count;
        return;
    default: /* bytes come twice */
        if (count > *size - at || *size + count > SIZE_LIMIT) return;
        memmove(bytes + at + count, bytes + at, *size - at);
        *size += count;
    }
}

static void replay(const uint8_t *bytes, size_t size, uint32_t rounds) {
    static uint8_t work[SIZE_LIMIT];
    take(bytes, size);
    if (size < 2) return;
    memcpy(work, bytes, size);
    for (unsigned i = 0; i < FAILING; i++) {
        work[size - 1] = (uint8_t)(0x80 | i * 5);
        take(work, size);
    }
    for (size_t i = 0; i < CUTS; i++) take(bytes, size < CUTS ? i % size : i * size / CUTS);
    for (uint32_t i = 0; i < rounds; i++) {
        size_t length = size;
        memcpy(work, bytes, size);
        for (uint32_t left = 1 + draw(CHANGES); left > 0; left--) change(work, &length);
        take(work, length);
    }
}

static void replay_file(const char *path, uint32_t rounds) {
    static uint8_t bytes[SIZE_LIMIT];
    FILE *file = fopen(path, "rb");
    FUZZ_DEMAND(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    FUZZ_DEMAND(ferror(file) == 0 && size < sizeof bytes);
    fclose(file);
    long before = inputs;
    fprintf(stderr, "%s", path); /* the last one to be named is the one that broke something */
    replay(bytes, size, rounds);
    fprintf(stderr, ": %ld\n", inputs - before);
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void replay_folder(const char *folder, uint32_t rounds) {
    char *name[NAMES_MAX], path[PATH_SIZE];
    size_t count = 0;
    DIR *directory = opendir(folder);
    FUZZ_DEMAND(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        FUZZ_DEMAND(count < NAMES_MAX && (name[count] = strdup(entry->d_name)) != NULL);
        count++;
    }
    closedir(directory);
    qsort(name, count, sizeof *name, compare_names);
    for (size_t i = 0; i < count; i++) {
        FUZZ_DEMAND((size_t)snprintf(path, sizeof path, "%s/%s", folder, name[i]) < sizeof path);
        replay_file(path, rounds);
        free(name[i]);
    }
}

int main(int count, char **argument) {
    const char *rounds = getenv("AENC_FUZZ_ROUNDS"), *seed = getenv("AENC_FUZZ_SEED");
    uint32_t changed = rounds != NULL ? (uint32_t)strtoul(rounds, NULL, 10) : 60;
    state = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    for (int i = 1; i < count; i++) {
        struct stat facts;
        FUZZ_DEMAND(stat(argument[i], &facts) == 0);
        if (S_ISDIR(facts.st_mode)) replay_folder(argument[i], changed);
        else replay_file(argument[i], changed);
    }
    fprintf(stderr, "%ld inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
