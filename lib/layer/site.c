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

/* Everything in a layer is recorded under its name path, its output last. */
struct node *aenc_site_tap(struct site *site, const char *path) {
    struct tape *tape = site->tape;
    size_t length = strlen(path);
    for (size_t i = tape->node_count; i-- > 0;) {
        struct node *n = tape->node[i];
        bool inside = strncmp(n->name, path, length) == 0 && (n->name[length] == '\0' || n->name[length] == '.');
        if (inside && n->op != NULL && n->kind == NODE_ROW) return n;
    }
    aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "there is no layer '%s' on the way", aenc_quoted(path).text);
    return NULL;
}

void aenc_site_result(struct site *site, const char *name, struct node *n) {
    if (n == NULL || site->result_count == SITE_RESULTS_MAX) return;
    site->result[site->result_count++] = (struct site_result){name, n};
}

struct node *aenc_site_result_find(const struct site *site, const char *name) {
    for (int i = 0; i < site->result_count; i++)
        if (strcmp(site->result[i].name, name) == 0) return site->result[i].node;
    return NULL;
}
