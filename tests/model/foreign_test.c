/* foreign_test.c - tensors of files that other programs have written: under which names they are found, of which types they may be,
 * and what is refused by name and leaves the model as it was. */
#include <stdlib.h>
#include <unistd.h>

#include "api/world.h"
#include "io/bytes.h"
#include "io/written.h"

enum { IN = 3, ROOM = 1 << 14, TENSORS = 12 };

/* The file of another program: a list of tensors, each of the same type. */
struct foreign {
    struct tensor_source tensor[TENSORS];
    size_t count;
    float values[TENSORS][16];
    uint16_t halves[TENSORS][16];
    double doubles[TENSORS][16];
    void *bytes;
    size_t size;
};

/* Element i is (first + i) / 4: exact in every type. */
static void put(struct foreign *f, const char *name, size_t rows, size_t cols, float first) {
    struct tensor_source *t = &f->tensor[f->count];
    *t = (struct tensor_source){.name = name, .type = TENSOR_F32, .rank = cols == 0 ? 1 : 2, .dim = {rows, cols}};
    for (size_t i = 0; i < rows * (cols == 0 ? 1 : cols); i++) f->values[f->count][i] = (first + (float)i) / 4;
    t->values = f->values[f->count++];
}

/* The value's bits in half or in bfloat16: of multiples of 1/4 below 64, none are lost. */
static uint16_t half_of(float value, bool brain) {
    for (uint32_t bits = 0; bits < 65536; bits++)
        if ((brain ? aenc_float_from_bfloat16((uint16_t)bits) : aenc_float_from_half((uint16_t)bits)) == value) return (uint16_t)bits;
    CHECK(false);
    return 0;
}

static void write_as(aenc_context *ctx, struct foreign *f, enum tensor_type type) {
    for (size_t k = 0; k < f->count; k++) {
        struct tensor_source *t = &f->tensor[k];
        size_t count = (size_t)(t->dim[0] * (t->rank == 1 ? 1 : t->dim[1]));
        for (size_t i = 0; i < count && (type == TENSOR_F16 || type == TENSOR_BF16); i++)
            f->halves[k][i] = half_of(f->values[k][i], type == TENSOR_BF16);
        for (size_t i = 0; i < count; i++) f->doubles[k][i] = (double)f->values[k][i];
        t->type = type;
        t->values = type == TENSOR_F32 ? (void *)f->values[k] : type == TENSOR_F64 || type == TENSOR_I64 ? (void *)f->doubles[k] : (void *)f->halves[k];
    }
    CHECK_STATUS(ctx, written_tensors(ctx, f->tensor, f->count, NULL, 0, &f->bytes, &f->size), AENC_OK);
}

static void forget(aenc_context *ctx, struct foreign *f) {
    aenc_release(ctx, f->bytes);
    f->bytes = NULL;
}

#define DENSE(units) "{\"type\":\"dense\",\"units\":" #units "}"
#define NET(aliases) \
    "{\"input\":[3],\"encoder\":{\"type\":\"sequential\",\"layers\":[" DENSE(4) ",{\"type\":\"batch_norm\"}," DENSE(2) \
    "]},\"decoder\":{\"type\":\"sequential\",\"layers\":[" DENSE(3) "]},\"aliases\":" aliases "}"
#define PYTORCH "{\"encoder.\":\"net.enc.\",\"encoder.2.weight\":\"head.w\",\"encoder.1.\":\"\",\"\":\"all.\"}"

/* What NET(PYTORCH) takes, and what it does not. */
static void pytorch(struct foreign *f) {
    memset(f, 0, sizeof *f);
    put(f, "net.enc.0.weight", 4, IN, 1);
    put(f, "net.enc.0.bias", 4, 0, 2);
    put(f, "weight", 4, 0, 3); /* of the norm, by a beginning that is replaced by nothing */
    put(f, "bias", 4, 0, 4);
    put(f, "running_mean", 4, 0, 5);
    put(f, "running_var", 4, 0, 6);
    put(f, "head.w", 2, 4, 7);
    put(f, "net.enc.2.bias", 2, 0, 8);
    put(f, "all.decoder.0.weight", 3, 2, 9);
    put(f, "all.decoder.0.bias", 3, 0, 10);
    put(f, "num_batches_tracked", 1, 0, 11);
}

static aenc_model *parsed(aenc_context *ctx, const char *json) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, json, strlen(json), &model), AENC_OK);
    return model;
}

/* Whether the tensor has the numbers of one that put was given `first` for. */
static bool has(aenc_model *model, const char *name, float first) {
    aenc_tensor *tensor = NULL;
    float values[16] = {0};
    if (!CHECK(aenc_model_tensor_get(model, name, &tensor) == AENC_OK)) return false;
    size_t count = aenc_tensor_count(tensor);
    CHECK(aenc_tensor_read(tensor, values, count) == AENC_OK);
    aenc_tensor_free(tensor);
    bool same = true;
    for (size_t i = 0; i < count; i++) same = same && values[i] == (first + (float)i) / 4;
    return same;
}

static const struct {
    const char *name;
    float first;
} expected[] = {{"encoder.0.weight", 1}, {"encoder.0.bias", 2}, {"encoder.1.weight", 3}, {"encoder.1.bias", 4},
                {"encoder.1.running_mean", 5}, {"encoder.1.running_var", 6}, {"encoder.2.weight", 7}, {"encoder.2.bias", 8},
                {"decoder.0.weight", 9}, {"decoder.0.bias", 10}};
enum { EXPECTED = sizeof expected / sizeof *expected };

/* Every type, from memory and from a path; what is saved afterwards has the model's own names, and the aliases. */
static void test_types(struct world *w, const char *path) {
    static const enum tensor_type types[] = {TENSOR_F32, TENSOR_F16, TENSOR_BF16, TENSOR_F64};
    static struct foreign f;
    static unsigned char own[ROOM];
    pytorch(&f);
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        aenc_model *model = parsed(w->ctx, NET(PYTORCH)), *again = NULL;
        write_as(w->ctx, &f, types[k]);
        if (k % 2 == 0) {
            CHECK_STATUS(w->ctx, aenc_model_load_tensors_memory(model, "", f.bytes, f.size), AENC_OK);
        } else {
            FILE *out = fopen(path, "wb");
            CHECK(out != NULL && fwrite(f.bytes, 1, f.size, out) == f.size && fclose(out) == 0);
            CHECK_STATUS(w->ctx, aenc_model_load_tensors(model, "", path), AENC_OK);
            remove(path);
        }
        size_t size = 0;
        CHECK_STATUS(w->ctx, aenc_model_save_memory(model, own, ROOM, &size), AENC_OK);
        CHECK_STATUS(w->ctx, aenc_model_load_memory(w->ctx, own, size, &again), AENC_OK);
        for (size_t i = 0; i < EXPECTED; i++)
            CHECK(has(model, expected[i].name, expected[i].first) && has(again, expected[i].name, expected[i].first));
        CHECK(strstr(aenc_model_description(again), "\"aliases\":" PYTORCH) != NULL);
        forget(w->ctx, &f);
        aenc_model_free(model);
        aenc_model_free(again);
    }
}

/* A dense layer of PyTorch's, y = x W' + b with W (out, in), computes here what it computes there. */
static void test_dense(struct world *w) {
    static struct foreign f;
    const char *const aliases[] = {"encoder.0.=fc.", "decoder.=", "decoder.0.bias=b"};
    const size_t input[] = {IN}, widths[] = {2};
    const aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths,
                                        .encoder_count = 1, .aliases = aliases, .alias_count = 3};
    const float rows[] = {1, 2, -1};
    const aenc_matrix x = {rows, 1, IN, 0};
    aenc_model *model = NULL, *clone = NULL, *deeper = NULL;
    aenc_layer *layer = NULL;
    float code[2];
    memset(&f, 0, sizeof f);
    put(&f, "fc.weight", 2, IN, 0); /* 0 .25 .5; .75 1 1.25 */
    put(&f, "fc.bias", 2, 0, 4);    /* 1 1.25 */
    put(&f, "0.weight", IN, 2, 1);
    put(&f, "b", IN, 0, 3);
    write_as(w->ctx, &f, TENSOR_F32);
    CHECK_STATUS(w->ctx, aenc_model_create(w->ctx, &options, &model), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_load_tensors_memory(model, "", f.bytes, f.size), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_encode(model, &x, code, 2), AENC_OK);
    CHECK(code[0] == 1 + 0.25f * 2 - 0.5f && code[1] == 1.25f + 0.75f + 2 - 1.25f);
    CHECK(has(model, "decoder.0.weight", 1) && has(model, "decoder.0.bias", 3));
    /* a copy keeps the names; a deeper model, whose layers have other places, has none */
    CHECK_STATUS(w->ctx, aenc_model_clone(w->ctx, model, 0, &clone), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_load_tensors_memory(clone, "decoder", f.bytes, f.size), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "dense:units=2", &layer), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_grow(model, layer, &deeper), AENC_OK);
    CHECK(strstr(aenc_model_description(deeper), "aliases") == NULL && strstr(aenc_model_description(clone), "aliases") != NULL);
    aenc_layer_free(layer);
    aenc_model_free(deeper);
    aenc_model_free(clone);
    aenc_model_free(model);
    forget(w->ctx, &f);
}

/* A prefix takes what lies below it and nothing else; a runner keeps the numbers that it began with. */
static void test_prefix(struct world *w) {
    static struct foreign f;
    aenc_model *model = parsed(w->ctx, NET(PYTORCH));
    aenc_runner *runner = NULL;
    const aenc_runner_options encode = {.struct_size = sizeof encode, .task = AENC_RUN_ENCODE};
    const float rows[] = {1, 2, 3};
    const aenc_matrix x = {rows, 1, IN, 0};
    float before[2], after[2];
    pytorch(&f);
    f.count = 8; /* nothing of the decoder */
    write_as(w->ctx, &f, TENSOR_F32);
    CHECK_STATUS(w->ctx, aenc_runner_create(model, &encode, &runner), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_runner_run(runner, &x, NULL, before, 2), AENC_OK); /* not the CBLAS that aenc_encode may use */
    CHECK_STATUS(w->ctx, aenc_model_load_tensors_memory(model, "encoder.2", f.bytes, f.size), AENC_OK);
    CHECK(has(model, "encoder.2.weight", 7) && has(model, "encoder.2.bias", 8) && !has(model, "encoder.0.weight", 1));
    CHECK_STATUS(w->ctx, aenc_model_load_tensors_memory(model, "encoder", f.bytes, f.size), AENC_OK);
    CHECK(has(model, "encoder.0.weight", 1) && !has(model, "decoder.0.bias", 10));
    CHECK(aenc_runner_run(runner, &x, NULL, after, 2) == AENC_OK && memcmp(before, after, sizeof after) == 0);
    CHECK_FAILS(w, aenc_model_load_tensors_memory(model, "", f.bytes, f.size), AENC_ERR_FORMAT, "all.decoder.0.weight|decoder.0.weight");
    CHECK(aenc_model_load_tensors_memory(model, "encoder.20", f.bytes, f.size) == AENC_ERR_ARGUMENT);
    aenc_runner_free(runner);
    aenc_model_free(model);
    forget(w->ctx, &f);
}

/* What loads, of a model with a scaling, is known from then on. */
static void test_scaling(struct world *w) {
    static const char text[] = "{\"input\":[3],\"encoder\":{\"type\":\"dense\",\"units\":2},\"scaling\":\"standard\","
                               "\"aliases\":{\"scaling.\":\"norm.\"}}";
    static struct foreign f;
    const float rows[] = {1, 2, 3};
    const aenc_matrix x = {rows, 1, IN, 0};
    float code[2];
    aenc_model *model = parsed(w->ctx, text);
    memset(&f, 0, sizeof f);
    put(&f, "norm.shift", IN, 0, 1);
    put(&f, "norm.scale", IN, 0, 2);
    write_as(w->ctx, &f, TENSOR_F32);
    CHECK(!model->scaling_known);
    CHECK_STATUS(w->ctx, aenc_model_load_tensors_memory(model, "scaling", f.bytes, f.size), AENC_OK);
    CHECK(model->scaling_known && has(model, "scaling.shift", 1) && has(model, "scaling.scale", 2));
    CHECK_STATUS(w->ctx, aenc_encode(model, &x, code, 2), AENC_OK);
    aenc_model_free(model);
    forget(w->ctx, &f);
}

/* One tensor wrong: it is named, with both names, and no number has changed. */
static void test_files_refused(struct world *w) {
    static struct foreign f;
    static unsigned char before[ROOM], after[ROOM];
    aenc_model *model = parsed(w->ctx, NET(PYTORCH));
    size_t size = 0;
    CHECK_STATUS(w->ctx, aenc_model_save_memory(model, before, ROOM, &size), AENC_OK);
    for (int wrong = 0; wrong < 7; wrong++) {
        static const char *const words[] = {"no tensor 'head.w', here 'encoder.2.weight'", "'net.enc.2.bias'|(3)|(2)",
                                            "'head.w'|(4, 2)|(2, 4)", "'head.w'|(8)|(2, 4)", "'all.decoder.0.bias'|F32", "decoder.0.bias|inf", "running_var|-1"};
        static const aenc_status status[] = {AENC_ERR_FORMAT, AENC_ERR_FORMAT, AENC_ERR_FORMAT, AENC_ERR_FORMAT, AENC_ERR_UNSUPPORTED, AENC_ERR_NONFINITE, AENC_ERR_FORMAT};
        pytorch(&f);
        if (wrong == 0) f.tensor[6].name = "encoder.2.weight"; /* its own name does not stand for the alias */
        if (wrong == 1) f.tensor[7].dim[0] = 3;
        if (wrong == 2) f.tensor[6].dim[0] = 4, f.tensor[6].dim[1] = 2; /* the transpose */
        if (wrong == 3) f.tensor[6] = (struct tensor_source){.name = "head.w", .rank = 1, .dim = {8}};
        if (wrong == 5) f.values[9][1] = (float)INFINITY;
        if (wrong == 6) f.values[5][0] = -1;
        write_as(w->ctx, &f, TENSOR_F32);
        if (wrong == 4) { /* whole numbers */
            forget(w->ctx, &f);
            f.tensor[9].type = TENSOR_I32;
            CHECK_STATUS(w->ctx, written_tensors(w->ctx, f.tensor, f.count, NULL, 0, &f.bytes, &f.size), AENC_OK);
        }
        CHECK_FAILS(w, aenc_model_load_tensors_memory(model, "", f.bytes, f.size), status[wrong], words[wrong]);
        CHECK_STATUS(w->ctx, aenc_model_save_memory(model, after, ROOM, &size), AENC_OK);
        if (!CHECK(memcmp(before, after, size) == 0)) fprintf(stderr, "  wrong %d\n", wrong);
        forget(w->ctx, &f);
    }
    aenc_model_free(model);
}

static void test_aliases_refused(struct world *w) {
    static const struct {
        const char *json, *words;
    } rows[] = {
        {NET("[]"), "'aliases'|object"},
        {NET("{\"encoder.9.weight\":\"w\"}"), "'encoder.9.weight'|no tensor"},
        {NET("{\"encoder.9.\":\"w.\"}"), "'encoder.9.'|no tensor"},
        {NET("{\"encoder\":\"w\"}"), "'encoder'|no tensor"},
        {NET("{\"encoder.2.weight\":\"a\",\"encoder.2.bias\":\"b\",\"encoder.2.\":\"c.\"}"), "'encoder.2.'|no tensor"},
        {NET("{\"encoder.0.weight\":\"w\",\"decoder.0.weight\":\"w\"}"), "'encoder.0.weight'|'decoder.0.weight'|'w'"},
        {NET("{\"encoder.0.weight\":\"encoder.2.weight\"}"), "'encoder.0.weight'|'encoder.2.weight'"},
        {NET("{\"encoder.\":\"net.\",\"decoder.\":\"net.\"}"), "net.0."},
        {NET("{\"encoder.\":\"net\"}"), "'encoder.'|dot"},
        {NET("{\"encoder.0.bias\":\"\"}"), "'encoder.0.bias'|name"},
        {NET("{\"encoder.0.bias\":3}"), "'encoder.0.bias'|name"},
        {NET("{\"encoder.0.bias\":\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
             "01234567890123456789012345678901234567890123456789012345\"}"),
         "'encoder.0.bias'|255"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        aenc_model *model = NULL;
        CHECK_NONE(w, aenc_model_parse(w->ctx, rows[i].json, strlen(rows[i].json), &model), model, AENC_ERR_ARGUMENT, rows[i].words);
    }
    static const char *many[5000];
    const char *const bad[] = {"encoder.0.weight"}, *const twice[] = {"encoder.0.weight=a", "encoder.0.weight=b"}, *const null[] = {NULL};
    const size_t input[] = {IN}, widths[] = {2};
    const struct {
        const char *const *aliases;
        size_t count;
        const char *words;
    } lists[] = {{bad, 1, "aliases[0]|OWN=FOREIGN"}, {twice, 2, "aliases[1]|'encoder.0.weight'"}, {null, 1, "aliases[0]"}, {NULL, 1, "aliases is NULL"}, {many, 5000, "4096"}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths,
                                            .encoder_count = 1, .aliases = lists[i].aliases, .alias_count = lists[i].count};
        aenc_model *model = NULL;
        CHECK_NONE(w, aenc_model_create(w->ctx, &options, &model), model, AENC_ERR_ARGUMENT, lists[i].words);
    }
    /* an empty list is none, and swapped names are two */
    aenc_model *model = parsed(w->ctx, NET("{}"));
    CHECK(strstr(aenc_model_description(model), "aliases") == NULL);
    aenc_model_free(model);
    aenc_model_free(parsed(w->ctx, NET("{\"encoder.0.weight\":\"encoder.2.weight\",\"encoder.2.weight\":\"encoder.0.weight\"}")));
}

int main(void) {
    struct world w;
    char path[64];
    world_create(&w);
    snprintf(path, sizeof path, "foreign_test.%ld.safetensors", (long)getpid());
    test_types(&w, path);
    test_dense(&w);
    test_prefix(&w);
    test_scaling(&w);
    test_files_refused(&w);
    test_aliases_refused(&w);
    world_free(&w);
    return check_finish();
}
