/* structure_data.c - any fields in, any results out, from arrays, files and streams, in blocks of exactly their sizes. */
#include <stdio.h>
#include <unistd.h>

#include "fuzz/structure.h"

enum { GIVEN = 4 };

/* Arrays with their dimensions. */
struct given {
    aenc_array array[GIVEN];
    size_t dims[GIVEN][AENC_RANK_MAX + 1];
    int64_t strides[GIVEN][AENC_RANK_MAX + 1];
    const aenc_array *list[GIVEN];
    size_t count;
};

static void give(struct scene *s, struct given *g, const char *name, size_t rows, size_t size, bool filled) {
    static const int32_t types[] = {AENC_TYPE_F32, AENC_TYPE_U8, AENC_TYPE_I32, 0, 7};
    size_t at = g->count++, item = 4;
    aenc_array *a = &g->array[at];
    *a = (aenc_array){.struct_size = sizeof *a, .name = name, .dims = g->dims[at], .rank = 2};
    g->dims[at][0] = rows;
    g->dims[at][1] = size;
    a->type = filled ? types[choose(s->c, wild(s->c) ? 5 : 4)] : AENC_TYPE_F32;
    if (a->type == AENC_TYPE_U8) item = 1;
    if (one_in(s->c, 4)) {
        g->strides[at][0] = (int64_t)size + (int64_t)choose(s->c, 3) - wild(s->c);
        g->strides[at][1] = wild(s->c) ? 2 : 1;
        a->strides = g->strides[at];
    }
    size_t stride = a->strides != NULL && g->strides[at][0] > (int64_t)size ? (size_t)g->strides[at][0] : size;
    a->size = rows == 0 ? 0 : ((rows - 1) * stride + size) * item;
    a->data = structure_block(s, a->size);
    unsigned char *bytes = a->data;
    for (size_t i = 0; i < a->size; i++) bytes[i] = item == 1 ? (unsigned char)(i % 7) : 0;
    for (size_t i = 0; filled && item == 4 && i < a->size / 4; i++)
        if (a->type == AENC_TYPE_I32)
            ((int32_t *)a->data)[i] = (int32_t)(i % 3);
        else
            ((float *)a->data)[i] = (float)(i % 5) / 5;
    if (wild(s->c) && a->size > 0) a->size--;
    if (wild(s->c)) a->rank = choose(s->c, 9);
    if (a->rank > AENC_RANK_MAX + 1) a->dims = NULL;
    g->list[at] = a;
}

static void fields(struct scene *s, struct given *in) {
    give(s, in, wild(s->c) ? "code" : "input", s->rows, s->in, true);
    if (one_in(s->c, 2)) give(s, in, "target", s->rows, s->target, true);
    if (one_in(s->c, 4)) give(s, in, one_in(s->c, 2) ? "weight" : "label", s->rows, 1, true);
}

static void wanted(struct scene *s, struct given *out) {
    static const char *const names[] = {"code", "output", "score", "features", "jacobian_norm", "draw"};
    const size_t size[] = {s->code, s->out, 1, s->target, 1, s->target};
    unsigned first = choose(s->c, 6), count = 1 + choose(s->c, 3);
    for (unsigned i = 0; i < count; i++) {
        unsigned r = (first + i) % 6;
        give(s, out, names[r], s->rows, size[r], false);
    }
}

static int fill(void *user, aenc_fill *fill) {
    size_t *left = user;
    fill->got = *left < fill->rows ? *left : fill->rows;
    *left -= fill->got;
    for (size_t f = 0; f < fill->field_count; f++) memset(fill->data[f], 0, fill->size[f]);
    return 0;
}

static aenc_source *stream_make(struct scene *s, const struct given *in, size_t *left) {
    aenc_source *made = NULL;
    struct given row = *in;
    for (size_t i = 0; i < in->count; i++) {
        row.array[i].dims = &row.dims[i][1];
        row.array[i].rank = 1;
        row.list[i] = &row.array[i];
    }
    *left = s->rows;
    const aenc_stream stream = {.struct_size = sizeof stream, .fields = row.list, .field_count = row.count,
                                .rows = one_in(s->c, 2) ? s->rows : 0, .read = fill, .user = left};
    return fuzz_made(s->world, aenc_source_stream(s->world->ctx, &stream, &made), made) ? made : NULL;
}

static aenc_source *files_make(struct scene *s) {
    static const char *const names[] = {"input", "target"};
    const char *paths[] = {s->path, s->path};
    unsigned char header[128] = "\x93NUMPY\x01\x00\x76";
    aenc_source *made = NULL;
    size_t count = s->rows * s->in;
    memset(header + 10, ' ', 118);
    snprintf((char *)header + 10, 110, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, %zu), }", s->rows, s->in);
    *strchr((char *)header + 10, '\0') = ' ';
    header[127] = '\n';
    unsigned char *bytes = structure_block(s, count);
    memset(bytes, 1, count);
    FILE *file = fopen(s->path, "wb");
    FUZZ_DEMAND(file != NULL && fwrite(header, 1, 128, file) == 128 && fwrite(bytes, 1, count, file) == count);
    FUZZ_DEMAND(fclose(file) == 0);
    fuzz_made(s->world, aenc_source_files(s->world->ctx, names, paths, 1 + choose(s->c, 2), &made), made);
    unlink(s->path);
    return made;
}

static void ports(struct scene *s) {
    size_t count = aenc_model_port_count(s->model);
    aenc_port port = {.struct_size = sizeof port};
    int32_t needed;
    FUZZ_DEMAND(count > 0);
    if (fuzz_good(s->world, aenc_model_port(s->model, choose(s->c, 12), &port)))
        FUZZ_DEMAND(port.name != NULL && port.rank <= AENC_RANK_MAX);
    fuzz_good(s->world, aenc_model_port_needs(s->model, one_in(s->c, 2) ? "score" : "code",
                                              one_in(s->c, 2) ? "target" : "input", &needed));
}

void structure_data(struct scene *s) {
    struct given in = {.count = 0}, out = {.count = 0};
    size_t rows, left;
    unsigned how = choose(s->c, 4);
    aenc_source *source = NULL;
    fields(s, &in);
    wanted(s, &out);
    fuzz_good(s->world, aenc_run(s->model, NULL, in.list, in.count, out.list, out.count));
    aenc_runner *runner = NULL;
    const char *names[16];
    for (unsigned i = 0; i < out.count; i++) names[i] = out.array[i].name;
    const aenc_runner_options many = {.struct_size = sizeof many, .rows = 1 + (int64_t)how, .results = names, .result_count = out.count};
    if (out.count <= 16 && fuzz_made(s->world, aenc_runner_create(s->model, &many, &runner), runner)) {
        aenc_status status = aenc_runner_run_arrays(runner, in.list, in.count, out.list, out.count);
        FUZZ_DEMAND(status == AENC_OK || aenc_runner_message(runner)[0] != '\0');
        aenc_runner_free(runner);
    }
    fuzz_good(s->world, aenc_sample(s->model, NULL, in.list, how == 3 ? 0 : in.count, out.list, out.count));
    double element[4];
    aenc_posterior posterior = {.struct_size = sizeof posterior};
    const aenc_posterior_options measure = {.struct_size = sizeof measure, .pairs = how, .kl = how == 1 ? element : NULL, .units = 4};
    fuzz_good(s->world, aenc_posterior_measure(s->model, &measure, in.list, in.count, &posterior));
    if (how == 0)
        fuzz_made(s->world, aenc_source_arrays(s->world->ctx, in.list, in.count, &source), source);
    else if (how == 1)
        source = stream_make(s, &in, &left);
    else if (how == 2)
        source = files_make(s);
    if (source != NULL) fuzz_good(s->world, aenc_run_source(s->model, NULL, source, out.list, out.count, &rows));
    aenc_source_free(source);
    ports(s);
}
