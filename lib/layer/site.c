/* site.c - looking things up while something is recorded. */
#include "layer/site.h"

#include <string.h>

#include "io/bytes.h"

const struct field_spec *aenc_site_field_spec(struct site *site, const char *name) {
    struct tape *tape = site->tape;
    int index = aenc_field_find(site->field, site->field_count, name);
    if (index >= 0) return &site->field[index];
    aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "there is no field '%s'; 'fields' of the description declares it",
                   aenc_quoted(name).text);
    return NULL;
}

struct node *aenc_site_field(struct site *site, const char *name) {
    struct tape *tape = site->tape;
    for (size_t i = 0; i < tape->field_count; i++)
        if (strcmp(tape->field[i].name, name) == 0) return tape->field[i].node;
    const struct field_spec *spec = aenc_site_field_spec(site, name);
    if (spec == NULL) return NULL;
    const char *before = tape->scope;
    tape->scope = "";
    struct node *n = aenc_tape_input(tape, spec->name, spec->shape.dim, spec->shape.rank);
    tape->scope = before;
    return n;
}

struct node *aenc_site_tap(struct site *site, const char *path) {
    const struct site_result *r = site->result;
    while (r != NULL && (!r->layer || strcmp(r->name, path) != 0)) r = r->before;
    if (r != NULL) return r->node;
    aenc_tape_fail(site->tape, AENC_ERR_ARGUMENT, "there is no layer '%s' on the way", aenc_quoted(path).text);
    return NULL;
}

static void result_add(struct site *site, const char *name, struct node *n, bool layer) {
    struct tape *tape = site->tape;
    if (n == NULL || tape->status != AENC_OK) return;
    struct site_result *r = aenc_arena_alloc(&tape->arena, 1, sizeof *r);
    if (r == NULL) tape->status = AENC_ERR_NO_MEMORY;
    if (r == NULL) return;
    *r = (struct site_result){name, n, layer, site->code != NULL, site->result};
    site->result = r;
}

void aenc_site_result(struct site *site, const char *name, struct node *n) {
    bool bottleneck = strcmp(site->tape->scope, "bottleneck") == 0;
    result_add(site, bottleneck ? name : aenc_tape_path(site->tape, name), n, false);
}

void aenc_site_layer(struct site *site, struct node *n) { result_add(site, site->tape->scope, n, true); }

struct node *aenc_site_result_find(const struct site *site, const char *name) {
    const struct site_result *r = site->result;
    while (r != NULL && strcmp(r->name, name) != 0) r = r->before;
    return r == NULL ? NULL : r->node;
}
