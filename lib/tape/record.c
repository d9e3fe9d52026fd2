/* record.c - appending nodes to a tape: leaves, ops, terms, stages, outputs, name paths. */
#include <inttypes.h>
#include <string.h>

#include "base/format.h"
#include "tape/tape.h"

void aenc_tape_create(aenc_context *ctx, enum tape_mode mode, int64_t row_capacity, struct tape *tape) {
    memset(tape, 0, sizeof *tape);
    tape->ctx = ctx;
    tape->mode = mode;
    tape->space_count = 1;
    tape->factor[0] = 1;
    tape->capacity[0] = row_capacity;
    tape->scope = "";
    aenc_arena_create(ctx, &tape->arena);
}

void aenc_tape_free(struct tape *tape) {
    aenc_context *ctx = tape->ctx;
    if (ctx == NULL) return;
    for (struct tape_owned *o = tape->owned; o != NULL; o = o->next) o->release(o->user);
    aenc_release(ctx, tape->node);
    aenc_release(ctx, tape->term);
    aenc_release(ctx, tape->stage);
    aenc_release(ctx, tape->field);
    aenc_release(ctx, tape->output);
    aenc_arena_free(&tape->arena);
    memset(tape, 0, sizeof *tape);
}

void aenc_tape_own(struct tape *tape, aenc_release_callback release, void *user) {
    if (release == NULL) return;
    struct tape_owned *owned = aenc_arena_alloc(&tape->arena, 1, sizeof *owned);
    if (owned == NULL) {
        if (tape->status == AENC_OK) tape->status = AENC_ERR_NO_MEMORY;
        release(user);
        return;
    }
    *owned = (struct tape_owned){tape->owned, release, user};
    tape->owned = owned;
}

aenc_status aenc_tape_fail(struct tape *tape, aenc_status status, const char *format, ...) {
    if (tape->status != AENC_OK) return tape->status;
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int written = aenc_text_format(text, sizeof text, format, arguments);
    va_end(arguments);
    if (written < 0) text[0] = '\0';
    tape->status = status;
    const char *scope = tape->scope[0] != '\0' ? tape->scope : NULL;
    if (scope != NULL) return aenc_fail(tape->ctx, status, "%s: %s", scope, text);
    return aenc_fail(tape->ctx, status, "%s", text);
}

/* The allocator has already left its message; the tape only has to remember. */
static struct node *out_of_memory(struct tape *tape) {
    if (tape->status == AENC_OK) tape->status = AENC_ERR_NO_MEMORY;
    return NULL;
}

static struct node *node_append(struct tape *tape) {
    if (tape->status != AENC_OK) return NULL;
    void *nodes = tape->node;
    if (aenc_reserve(tape->ctx, &nodes, &tape->node_capacity, tape->node_count + 1, sizeof *tape->node) != AENC_OK)
        return out_of_memory(tape);
    tape->node = nodes;
    struct node *n = aenc_arena_alloc(&tape->arena, 1, sizeof *n);
    if (n == NULL) return out_of_memory(tape);
    n->base = n;
    n->index = (int)tape->node_count;
    n->offset = n->gradient_offset = n->part_offset = -1;
    tape->node[tape->node_count++] = n;
    return n;
}

static struct node *leaf(struct tape *tape, enum node_kind kind, const char *name, struct shape shape, int64_t offset) {
    struct node *n = node_append(tape);
    if (n == NULL) return NULL;
    n->kind = kind;
    n->shape = shape;
    n->offset = offset;
    n->name = aenc_arena_text(&tape->arena, name);
    if (n->name == NULL) return out_of_memory(tape);
    n->stream = aenc_random_stream(name);
    return n;
}

struct node *aenc_tape_input(struct tape *tape, const char *name, const int64_t *dims, int rank) {
    if (tape->status != AENC_OK) return NULL;
    if (rank < 0 || rank >= RANK_MAX) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "input '%s' has rank %d; a row may have 0 to %d", name, rank,
                       RANK_MAX - 1);
        return NULL;
    }
    struct shape shape = {rank + 1, {tape->capacity[0]}};
    for (int i = 0; i < rank; i++) shape.dim[i + 1] = dims[i];
    struct node *n = leaf(tape, NODE_ROW, name, shape, -1);
    void *fields = tape->field;
    if (n == NULL) return NULL;
    if (aenc_reserve(tape->ctx, &fields, &tape->field_capacity, tape->field_count + 1, sizeof *tape->field) != AENC_OK)
        return out_of_memory(tape);
    tape->field = fields;
    tape->field[tape->field_count++] = (struct field){n->name, n};
    return n;
}

struct node *aenc_tape_parameter(struct tape *tape, const char *name, struct shape shape, int64_t offset,
                                 bool trained) {
    struct node *n = leaf(tape, NODE_PARAMETER, name, shape, offset);
    if (n != NULL) n->needs_gradient = trained;
    return n;
}

struct node *aenc_tape_state(struct tape *tape, const char *name, struct shape shape, int64_t offset) {
    return leaf(tape, NODE_STATE, name, shape, offset);
}

struct node *aenc_tape_step_value(struct tape *tape, const char *name, int64_t offset) {
    struct shape scalar = {0, {0}};
    return leaf(tape, NODE_STEP, name, scalar, offset);
}

/* Every operand there, as many as the op takes; a view's operand has memory of its own kind. */
static bool operands_good(struct tape *tape, const struct op *op, struct node *const *in, int in_count) {
    for (int i = 0; i < in_count; i++) {
        if (in[i] != NULL) continue;
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "op '%s': operand %d is NULL", op->name, i);
        return false;
    }
    if (in_count > OPERANDS_MAX || (op->arity >= 0 && in_count != op->arity)) {
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "op '%s' was given %d operands", op->name, in_count);
        return false;
    }
    if (op->view && in[0]->kind == NODE_PARAMETER) {
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "op '%s' cannot view parameter '%s'; declare it in that shape",
                       op->name, in[0]->name);
        return false;
    }
    return true;
}

/* Sizes are multiplied with overflow checks here, so that no op ever meets a shape whose memory cannot be addressed. */
static bool shape_good(struct tape *tape, const struct node *n) {
    size_t count = sizeof(num);
    for (int i = 0; i < n->shape.rank; i++) {
        if (n->shape.dim[i] >= 1 && aenc_size_multiply(count, (size_t)n->shape.dim[i], &count) &&
            count <= INT64_MAX / 2)
            continue;
        char text[SHAPE_TEXT];
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': the result's shape %s is empty or too large", n->op->name,
                       aenc_shape_text(n, text));
        return false;
    }
    return true;
}

struct node *aenc_tape_record(struct tape *tape, const struct op *op, struct node *const *in, int in_count,
                              const void *attr, size_t attr_size) {
    if (tape->status != AENC_OK || !operands_good(tape, op, in, in_count)) return NULL;
    struct node *n = node_append(tape);
    if (n == NULL) return NULL;
    n->op = op;
    n->name = tape->scope;
    n->in_count = in_count;
    if (op->view) n->base = in[0]->base;
    for (int i = 0; i < in_count; i++) {
        n->in[i] = in[i];
        n->needs_gradient = n->needs_gradient || in[i]->needs_gradient;
    }
    if (attr_size > 0) {
        void *copy = aenc_arena_alloc(&tape->arena, 1, attr_size);
        if (copy == NULL) return out_of_memory(tape);
        memcpy(copy, attr, attr_size);
        n->attr = copy;
    }
    aenc_status status = op->infer(tape, n);
    if (status != AENC_OK && tape->status == AENC_OK) tape->status = status;
    if (status != AENC_OK || !shape_good(tape, n)) return NULL;
    return n;
}

int aenc_tape_space(struct tape *tape, int64_t factor) {
    if (tape->status != AENC_OK) return -1;
    int space = 0;
    while (space < tape->space_count && tape->factor[space] != factor) space++;
    if (space < tape->space_count) return space;
    size_t capacity;
    bool counted = factor >= 1 && aenc_size_multiply((size_t)factor, (size_t)tape->capacity[0], &capacity) &&
                   capacity <= INT64_MAX / 2;
    if (!counted || space == SPACES_MAX) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "%" PRId64 " rows for each row of the batch: %s", factor,
                       counted ? "there are too many row spaces" : "too many rows");
        return -1;
    }
    tape->factor[space] = factor;
    tape->capacity[space] = (int64_t)capacity;
    return tape->space_count++;
}

static void term_add(struct tape *tape, const char *name, struct term term) {
    const struct node *node = term.node;
    if (tape->status != AENC_OK || node == NULL) return;
    bool by_row = node->kind == NODE_ROW && node->shape.rank == 1;
    if (!by_row && !(node->kind == NODE_BATCH && node->shape.rank == 0)) {
        char text[SHAPE_TEXT];
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "term '%s' has shape %s; a loss is one number per row or per batch", name,
                       aenc_shape_text(node, text));
        return;
    }
    void *terms = tape->term;
    const char *copy = aenc_arena_text(&tape->arena, name);
    if (copy == NULL ||
        aenc_reserve(tape->ctx, &terms, &tape->term_capacity, tape->term_count + 1, sizeof *tape->term)) {
        out_of_memory(tape);
        return;
    }
    tape->term = terms;
    tape->term[tape->term_count] = term;
    tape->term[tape->term_count++].name = copy;
}

void aenc_tape_term(struct tape *tape, const char *name, struct node *node, double weight, struct node *weight_step) {
    term_add(tape, name,
             (struct term){.node = node, .weight = weight, .weight_step = weight_step, .role = TERM_TRAINING});
}

void aenc_tape_objective(struct tape *tape, const char *name, struct node *node, double weight,
                         struct node *weight_step) {
    term_add(tape, name,
             (struct term){.node = node, .weight = weight, .weight_step = weight_step, .role = TERM_OBJECTIVE});
}

void aenc_tape_measure(struct tape *tape, const char *name, struct node *node) {
    aenc_tape_measure_least(tape, name, node, 0, NULL);
}

void aenc_tape_measure_least(struct tape *tape, const char *name, struct node *node, double least,
                             const char *warning) {
    term_add(tape, name,
             (struct term){.node = node, .weight = 1, .role = TERM_MEASURE, .warning = warning, .least = least});
}

void aenc_tape_stage(struct tape *tape, struct node *state, struct node *value) {
    if (tape->status != AENC_OK || state == NULL || value == NULL) return;
    if (state->kind != NODE_STATE || value->kind != NODE_BATCH || !aenc_shape_equal(&state->shape, &value->shape)) {
        char a[SHAPE_TEXT], b[SHAPE_TEXT];
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "state of shape %s cannot become a value of shape %s",
                       aenc_shape_text(state, a), aenc_shape_text(value, b));
        return;
    }
    void *stages = tape->stage;
    if (aenc_reserve(tape->ctx, &stages, &tape->stage_capacity, tape->stage_count + 1, sizeof *tape->stage) !=
        AENC_OK) {
        out_of_memory(tape);
        return;
    }
    tape->stage = stages;
    tape->stage[tape->stage_count++] = (struct stage){state, value};
}

void aenc_tape_output(struct tape *tape, struct node *node) {
    if (tape->status != AENC_OK || node == NULL) return;
    void *outputs = tape->output;
    if (aenc_reserve(tape->ctx, &outputs, &tape->output_capacity, tape->output_count + 1, sizeof *tape->output) !=
        AENC_OK) {
        out_of_memory(tape);
        return;
    }
    tape->output = outputs;
    tape->output[tape->output_count++] = node;
}

void aenc_tape_least(struct tape *tape, int64_t rows, const char *what) {
    if (tape->status != AENC_OK || rows <= tape->least_rows) return;
    const char *text = aenc_arena_format(&tape->arena, "'%s' (%s)", tape->scope, what);
    if (text == NULL) tape->status = AENC_ERR_NO_MEMORY;
    tape->least_rows = rows;
    tape->least_for = text;
}

const char *aenc_tape_path(struct tape *tape, const char *name) {
    const char *path = tape->scope[0] == '\0' ? aenc_arena_text(&tape->arena, name)
                                              : aenc_arena_format(&tape->arena, "%s.%s", tape->scope, name);
    if (path != NULL) return path;
    out_of_memory(tape);
    return name;
}

const char *aenc_tape_enter(struct tape *tape, const char *name) {
    const char *before = tape->scope;
    tape->scope = aenc_tape_path(tape, name);
    return before;
}

void aenc_tape_leave(struct tape *tape, const char *scope_before) { tape->scope = scope_before; }
