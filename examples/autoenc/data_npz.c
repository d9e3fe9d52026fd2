/* data_npz.c - NumPy's .npz: a zip archive whose entries are .npy files, stored or deflated. An archive of one array
 * is a table; of several one is named. The directory at the end of the archive is believed as far as the bytes bear
 * it out: every offset and length is checked, and each entry's CRC. */
#include <stdlib.h>
#include <string.h>

#include "data.h"

enum {
    END_SIZE = 22,
    END_SEARCH = 65535 + END_SIZE,
    ENTRY_SIZE = 46,
    LOCAL_SIZE = 30,
    RATIO_MAX = 1040,
    LIST_MAX = 300
};

struct archive {
    const char *name;
    unsigned char *bytes;
    size_t size;
    uint64_t at, entries; /* of the directory */
};

struct entry {
    const unsigned char *name;
    size_t name_length; /* without ".npy" */
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size, at;
};

static uint64_t little(const unsigned char *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

static int fail_damaged(const struct archive *archive) {
    return tool_fail("%s: its .npz archive is damaged or cut off", archive->name);
}

static int read_bytes(struct source *source, struct archive *archive) {
    size_t capacity = 0;
    for (;;) {
        size_t count = 0;
        const unsigned char *bytes = tool_source_window(source, &count);
        if (source->failed) return TOOL_FAILED;
        if (count == 0) return TOOL_OK;
        if (archive->size + count > capacity) {
            capacity = 2 * (archive->size + count);
            unsigned char *grown = realloc(archive->bytes, capacity);
            if (grown == NULL) return tool_fail("%s: no memory for %zu bytes", archive->name, capacity);
            archive->bytes = grown;
        }
        memcpy(archive->bytes + archive->size, bytes, count);
        archive->size += count;
        tool_source_take(source, count);
    }
}

/* Where the directory is: its end record stands at the end, before a comment at most. */
static int find_directory(struct archive *archive) {
    const unsigned char *bytes = archive->bytes, *end = NULL;
    for (size_t i = END_SIZE; i <= archive->size && i <= END_SEARCH && end == NULL; i++) {
        const unsigned char *at = bytes + archive->size - i;
        if (memcmp(at, "PK\5\6", 4) == 0 && little(at + 20, 2) == i - END_SIZE) end = at;
    }
    if (end == NULL) return fail_damaged(archive);
    archive->entries = little(end + 10, 2);
    archive->at = little(end + 16, 4);
    size_t place = (size_t)(end - bytes);
    bool wide = archive->entries == 0xFFFF || archive->at == 0xFFFFFFFF;
    if (!wide) return TOOL_OK;
    if (place < 20 || memcmp(end - 20, "PK\6\7", 4) != 0) return fail_damaged(archive);
    uint64_t at = little(end - 20 + 8, 8);
    if (at > archive->size || archive->size - at < 56 || memcmp(bytes + at, "PK\6\6", 4) != 0)
        return fail_damaged(archive);
    archive->entries = little(bytes + at + 32, 8);
    archive->at = little(bytes + at + 48, 8);
    return TOOL_OK;
}

/* Sizes and offsets beyond 32 bits stand in an extra field, in this order. */
static void read_wide(const unsigned char *extra, size_t length, struct entry *entry) {
    while (length >= 4) {
        size_t size = (size_t)little(extra + 2, 2);
        if (size > length - 4) return;
        if (little(extra, 2) == 1) {
            uint64_t *const values[] = {&entry->size, &entry->packed, &entry->at};
            for (size_t i = 0, used = 0; i < 3; i++) {
                if (*values[i] != 0xFFFFFFFF || used + 8 > size) continue;
                *values[i] = little(extra + 4 + used, 8);
                used += 8;
            }
            return;
        }
        extra += 4 + size;
        length -= 4 + size;
    }
}

/* The entry at *at of the directory; moves *at to the next. */
static int read_entry(const struct archive *archive, uint64_t *at, struct entry *out) {
    if (*at > archive->size || archive->size - *at < ENTRY_SIZE) return fail_damaged(archive);
    const unsigned char *bytes = archive->bytes + *at;
    size_t name = (size_t)little(bytes + 28, 2), extra = (size_t)little(bytes + 30, 2);
    size_t whole = ENTRY_SIZE + name + extra + (size_t)little(bytes + 32, 2);
    if (memcmp(bytes, "PK\1\2", 4) != 0 || archive->size - *at < whole) return fail_damaged(archive);
    *out = (struct entry){.name = bytes + ENTRY_SIZE,
                          .name_length = name,
                          .flags = (unsigned)little(bytes + 8, 2),
                          .method = (unsigned)little(bytes + 10, 2),
                          .crc = (uint32_t)little(bytes + 16, 4),
                          .packed = little(bytes + 20, 4),
                          .size = little(bytes + 24, 4),
                          .at = little(bytes + 42, 4)};
    read_wide(bytes + ENTRY_SIZE + name, extra, out);
    if (name > 4 && memcmp(out->name + name - 4, ".npy", 4) == 0) out->name_length -= 4;
    *at += whole;
    return TOOL_OK;
}

/* The array of that name, or the only one. */
static int find_array(const struct archive *archive, const char *wanted, struct entry *out) {
    char list[LIST_MAX] = "";
    size_t used = 0;
    uint64_t at = archive->at;
    for (uint64_t i = 0; i < archive->entries; i++) {
        int status = read_entry(archive, &at, out);
        if (status != TOOL_OK) return status;
        if (wanted == NULL && archive->entries == 1) return TOOL_OK;
        if (wanted != NULL && strlen(wanted) == out->name_length && memcmp(wanted, out->name, out->name_length) == 0) {
            return TOOL_OK;
        }
        for (size_t k = 0; k < out->name_length + 2 && used + 3 < sizeof list; k++) {
            static const char between[] = ", ";
            if (k >= 2)
                list[used++] = (char)out->name[k - 2];
            else if (i > 0)
                list[used++] = between[k];
        }
    }
    if (archive->entries == 0) return tool_fail("%s: its .npz archive holds no array", archive->name);
    if (wanted != NULL) return tool_fail("%s: has no array '%s'; it has: %s", archive->name, wanted, list);
    return tool_fail("%s: holds %llu arrays; name one with --array NAME or FILE.npz:NAME: %s", archive->name,
                     (unsigned long long)archive->entries, list);
}

/* The bytes of the entry: within the archive where they are stored, otherwise *unpacked, from malloc. */
static int unpack(const struct archive *archive, const struct entry *entry, const unsigned char **bytes,
                  unsigned char **unpacked) {
    uint64_t at = entry->at;
    if (at > archive->size || archive->size - at < LOCAL_SIZE || memcmp(archive->bytes + at, "PK\3\4", 4) != 0) {
        return fail_damaged(archive);
    }
    at += LOCAL_SIZE + little(archive->bytes + at + 26, 2) + little(archive->bytes + at + 28, 2);
    if (at > archive->size || archive->size - at < entry->packed) return fail_damaged(archive);
    if ((entry->flags & 1) != 0) return tool_fail("%s: its array is encrypted", archive->name);
    *bytes = archive->bytes + at;
    if (entry->method == 0 && entry->size != entry->packed) return fail_damaged(archive);
    if (entry->method == 8) {
        if (tool_gunzip_version() == NULL) {
            return tool_fail(
                "%s: is compressed, and this autoenc was built without zlib; numpy.savez does not compress",
                archive->name);
        }
        if (entry->size / RATIO_MAX > entry->packed || entry->size > SIZE_MAX) return fail_damaged(archive);
        *unpacked = malloc(entry->size > 0 ? (size_t)entry->size : 1);
        if (*unpacked == NULL)
            return tool_fail("%s: no memory for %llu bytes", archive->name, (unsigned long long)entry->size);
        if (!tool_inflate(*bytes, (size_t)entry->packed, *unpacked, (size_t)entry->size)) return fail_damaged(archive);
        *bytes = *unpacked;
    } else if (entry->method != 0) {
        return tool_fail("%s: its array is compressed by method %u; known: stored, deflate", archive->name,
                         entry->method);
    }
    return tool_crc32(*bytes, (size_t)entry->size) == entry->crc ? TOOL_OK : fail_damaged(archive);
}

int tool_npz_read(struct source *source, const struct data_options *options, struct data *out) {
    struct archive archive = {.name = out->name};
    struct entry entry = {0};
    const unsigned char *bytes = NULL;
    unsigned char *unpacked = NULL;
    struct source array;
    int status = read_bytes(source, &archive);
    if (status == TOOL_OK) status = find_directory(&archive);
    if (status == TOOL_OK) status = find_array(&archive, options->array, &entry);
    if (status == TOOL_OK) status = unpack(&archive, &entry, &bytes, &unpacked);
    if (status == TOOL_OK && (entry.size < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0)) {
        status = tool_fail("%s: its entry '%.*s' is no .npy file", archive.name, (int)(entry.name_length & 0xFF),
                           (const char *)entry.name);
    }
    if (status == TOOL_OK) {
        status = tool_source_memory(&array, archive.name, bytes, (size_t)entry.size);
        if (status == TOOL_OK) status = tool_npy_read(&array, options, out);
        tool_source_close(&array);
    }
    free(unpacked);
    free(archive.bytes);
    return status;
}
