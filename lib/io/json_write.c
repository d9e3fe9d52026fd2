/* json_write.c - a tree to compact text. What it writes, the reader in json.c accepts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/bytes.h"
#include "io/json.h"

struct writer {
    aenc_context *ctx;
    void *bytes;
    size_t length, capacity;
};

static aenc_status write_value(struct writer *writer, const struct json *value, int depth);

static aenc_status put(struct writer *writer, const char *text, size_t length) {
    size_t needed;
    if (!aenc_size_add(writer->length, length, &needed))
        return aenc_fail(writer->ctx, AENC_ERR_NO_MEMORY, "a JSON text is more than memory can address");
    aenc_status status = aenc_reserve(writer->ctx, &writer->bytes, &writer->capacity, needed, 1);
    if (status != AENC_OK) return status;
    memcpy((char *)writer->bytes + writer->length, text, length);
    writer->length = needed;
    return AENC_OK;
}

/* The escape of a byte that must not stand in a text as it is; its length, or 0 where none is needed. */
static size_t escape_of(unsigned char c, char escape[8]) {
    static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *value = memchr(values, c, sizeof values - 1);
    if (value != NULL) return (size_t)snprintf(escape, 8, "\\%c", names[value - values]);
    return c < 0x20 ? (size_t)snprintf(escape, 8, "\\u%04x", c) : 0;
}

static aenc_status write_text(struct writer *writer, const char *text) {
    size_t length = strlen(text);
    if (!aenc_utf8_valid(text, length))
        return aenc_fail(writer->ctx, AENC_ERR_ARGUMENT, "the text '%s' is not UTF-8", aenc_quoted(text).text);
    aenc_status status = put(writer, "\"", 1);
    size_t plain = 0; /* where the bytes begin that need no escape */
    for (size_t i = 0; status == AENC_OK && i < length; i++) {
        char escape[8];
        size_t escaped = escape_of((unsigned char)text[i], escape);
        if (escaped == 0) continue;
        status = put(writer, text + plain, i - plain);
        if (status == AENC_OK) status = put(writer, escape, escaped);
        plain = i + 1;
    }
    if (status == AENC_OK) status = put(writer, text + plain, length - plain);
    return status == AENC_OK ? put(writer, "\"", 1) : status;
}

static aenc_status write_number(struct writer *writer, const struct json *value) {
    const char *key = value->key != NULL ? value->key : "";
    if (!isfinite(value->number))
        return aenc_fail(writer->ctx, AENC_ERR_NONFINITE, "the number '%s' is %s, which JSON cannot hold",
                         aenc_quoted(key).text, isnan(value->number) ? "NaN" : "infinite");
    char text[32];
    return put(writer, text, aenc_number_text(value->number, text));
}

static aenc_status write_children(struct writer *writer, const struct json *parent, int depth) {
    for (const struct json *child = parent->first; child != NULL; child = child->next) {
        aenc_status status = child == parent->first ? AENC_OK : put(writer, ",", 1);
        if (status == AENC_OK && parent->kind == JSON_OBJECT) {
            status = write_text(writer, child->key);
            if (status == AENC_OK) status = put(writer, ":", 1);
        }
        if (status == AENC_OK) status = write_value(writer, child, depth);
        if (status != AENC_OK) return status;
    }
    return AENC_OK;
}

static aenc_status write_container(struct writer *writer, const struct json *value, int depth) {
    if (depth == JSON_DEPTH)
        return aenc_fail(writer->ctx, AENC_ERR_ARGUMENT, "nested too deep: at most %d levels", JSON_DEPTH);
    const bool object = value->kind == JSON_OBJECT;
    if (object) {
        const struct json *repeated;
        aenc_status status = aenc_json_repeated(writer->ctx, value, &repeated);
        if (status != AENC_OK) return status;
        if (repeated != NULL)
            return aenc_fail(writer->ctx, AENC_ERR_ARGUMENT, "the key '%s' is there twice",
                             aenc_quoted(repeated->key).text);
    }
    aenc_status status = put(writer, object ? "{" : "[", 1);
    if (status == AENC_OK) status = write_children(writer, value, depth + 1);
    return status == AENC_OK ? put(writer, object ? "}" : "]", 1) : status;
}

static aenc_status write_value(struct writer *writer, const struct json *value, int depth) {
    switch (value->kind) {
    case JSON_NULL: return put(writer, "null", 4);
    case JSON_BOOL: return value->truth ? put(writer, "true", 4) : put(writer, "false", 5);
    case JSON_NUMBER: return write_number(writer, value);
    case JSON_TEXT: return write_text(writer, value->text);
    case JSON_ARRAY:
    case JSON_OBJECT: return write_container(writer, value, depth);
    }
    return aenc_fail(writer->ctx, AENC_ERR_INTERNAL, "a JSON value has no kind");
}

aenc_status aenc_json_write(aenc_context *ctx, const struct json *value, char **out, size_t *length) {
    struct writer writer = {.ctx = ctx};
    *out = NULL;
    aenc_status status = write_value(&writer, value, 0);
    if (status == AENC_OK) status = put(&writer, "", 1);
    if (status != AENC_OK) {
        aenc_release(ctx, writer.bytes);
        return status;
    }
    *out = writer.bytes;
    if (length != NULL) *length = writer.length - 1;
    return AENC_OK;
}
