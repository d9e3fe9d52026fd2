/* results_test.c - several results of one pass have the bits that each has alone, whatever the model and the order; what bottlenecks
 * and layers name, and what comes out of layers; how often the encoder runs; and that no more tasks are kept than the last few. */
#include <autoenc/ops.h>

#include "model/nets.h"

enum { ROOM = NET_ROWS * NET_OUT, RESULTS = 16 };

static float data[NET_ROWS * NET_COLS];

/* ---- Running ---- */

struct wanted {
    const char *name;
    float *out;
    size_t size; /* of a row */
};

static size_t port_size(aenc_model *model, const char *name) {
    aenc_port port = {.struct_size = sizeof port};
    for (size_t i = 0; i < aenc_model_port_count(model); i++)
        if (aenc_model_port(model, i, &port) == AENC_OK && port.kind != AENC_PORT_FIELD && strcmp(port.name, name) == 0)
            return port.size;
    return 0;
}

/* From x, or without it from codes. */
static aenc_status run(aenc_model *model, const aenc_matrix *x, const char *field, struct wanted *wanted, size_t count) {
    size_t in_dims[] = {x->rows, x->cols}, dims[RESULTS][2];
    const aenc_array in = {.struct_size = sizeof in, .name = field, .data = (void *)(uintptr_t)x->data,
                           .size = x->rows * x->cols * sizeof(float), .dims = in_dims, .rank = 2};
    const aenc_array *given[] = {&in}, *to[RESULTS];
    aenc_array out[RESULTS];
    for (size_t i = 0; i < count; i++) {
        wanted[i].size = port_size(model, wanted[i].name);
        dims[i][0] = x->rows;
        dims[i][1] = wanted[i].size > 0 ? wanted[i].size : 1;
        out[i] = (aenc_array){.struct_size = sizeof out[i], .name = wanted[i].name, .data = wanted[i].out,
                              .size = ROOM * sizeof(float), .dims = dims[i], .rank = 2};
        to[i] = &out[i];
    }
    return aenc_run(model, NULL, given, 1, to, count);
}

static bool says(aenc_context *ctx, const char *words) {
    bool found = strstr(aenc_message(ctx), words) != NULL;
    if (!found) fprintf(stderr, "  lacks '%s': %s\n", words, aenc_message(ctx));
    return found;
}

/* ---- The same bits ---- */

/* All results that there are, by ones and together, forwards and backwards. */
static void test_bits(aenc_context *ctx, aenc_model *model, const char *name, bool splits) {
    static float alone[RESULTS][ROOM], together[RESULTS][ROOM];
    const aenc_matrix x = {data, NET_ROWS, NET_COLS, NET_COLS};
    struct wanted one[RESULTS], all[RESULTS], back[RESULTS];
    aenc_port port = {.struct_size = sizeof port};
    size_t count = 0;
    for (size_t i = 0; i < aenc_model_port_count(model) && count < RESULTS; i++) {
        CHECK_STATUS(ctx, aenc_model_port(model, i, &port), AENC_OK);
        if (port.kind == AENC_PORT_FIELD || (!splits && strcmp(port.name, "features") == 0)) continue;
        if (port.size * NET_ROWS > ROOM) continue;
        one[count] = (struct wanted){port.name, alone[count], port.size};
        all[count] = (struct wanted){port.name, together[count], port.size};
        /* of losses that are likelihoods */
        if (strcmp(port.name, "draw") == 0 && run(model, &x, "input", &one[count], 1) == AENC_ERR_UNSUPPORTED) continue;
        count++;
    }
    CHECK(count >= 8);
    for (size_t i = 0; i < count; i++) CHECK_STATUS(ctx, run(model, &x, "input", &one[i], 1), AENC_OK);
    CHECK_STATUS(ctx, run(model, &x, "input", all, count), AENC_OK);
    for (int order = 0; order < 2; order++) {
        for (size_t i = 0; i < count; i++)
            if (!CHECK(memcmp(one[i].out, all[i].out, NET_ROWS * one[i].size * sizeof(float)) == 0))
                fprintf(stderr, "  net '%s', result '%s'\n", name, one[i].name);
        for (size_t i = 0; i < count; i++) back[count - 1 - i] = all[i];
        memset(together, 0, sizeof together);
        CHECK_STATUS(ctx, run(model, &x, "input", back, count), AENC_OK);
    }
    static float want[ROOM];
    for (size_t k = 0; k < NET_TASKS; k++) {
        static const char *const names[] = {"code", NULL, "output", "score", "features"};
        if (names[k] == NULL || (!splits && k == 4)) continue;
        CHECK_STATUS(ctx, net_ask(model, net_tasks[k], &x, NULL, want, ROOM), AENC_OK);
        for (size_t i = 0; i < count; i++)
            if (strcmp(all[i].name, names[k]) == 0)
                CHECK(memcmp(want, all[i].out, NET_ROWS * all[i].size * sizeof(float)) == 0);
    }
}

static aenc_model *model_of(aenc_context *ctx, const char *text) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

static const char gaussian[] = NET("{\"type\":\"dense\",\"units\":16,\"activation\":\"tanh\"}",
                                   "\"bottleneck\":\"gaussian:units=3\",\"output\":\"sigmoid\",\"loss\":\"bce:reduction=sum\"");

static void test_all_bits(void) {
    for (size_t net = 0; net <= NET_COUNT; net++) {
        aenc_context *ctx = NULL;
        CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
        aenc_model *model = net < NET_COUNT ? net_create(ctx, net, data) : model_of(ctx, gaussian);
        bool splits = net == NET_COUNT || strcmp(nets[net].name, "cosine") != 0;
        test_bits(ctx, model, net < NET_COUNT ? nets[net].name : "variational", splits);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
}

/* ---- One pass ---- */

static size_t rows_seen;

static int counted(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    float *y = call->y;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    (void)user;
    rows_seen += rows;
    memcpy(y, x, rows * in * sizeof *x);
    return 0;
}

static aenc_node *counting(void *user, aenc_recorder *r, aenc_node *x) {
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "counted", .forward = counted};
    size_t dims[] = {aenc_node_dim(x, 0)};
    (void)user;
    return aenc_node_result(r, "seen", aenc_node_operation(r, &operation, (aenc_node *[]){aenc_node_stop_gradient(r, x)}, 1, dims, 1));
}

/* Records otherwise for a score. */
static aenc_node *aiming(void *user, aenc_recorder *r, aenc_node *x) {
    (void)user;
    aenc_node_result(r, "half", aenc_node_affine(r, x, 0.5, 0));
    return aenc_node_affine(r, x, aenc_recorder_aim(r) == AENC_AIM_RESULT ? 1 : 2, 0);
}

static aenc_node *misnamed(void *user, aenc_recorder *r, aenc_node *x) {
    (void)user;
    return aenc_node_result(r, "score", x);
}

static void test_one_pass(void) {
    static const char *const texts[] = {NET("{\"type\":\"counting\"},{\"type\":\"dense\",\"units\":3}", "\"loss\":\"mse\",\"decoder\":"
                                            "{\"type\":\"dense\",\"units\":24}"),
                                        NET("{\"type\":\"counting\"},{\"type\":\"dense\",\"units\":3}", "\"loss\":\"mse\",\"decoder\":"
                                            "{\"type\":\"dense\",\"units\":24},\"bottleneck\":\"aiming\"")};
    static float code[ROOM], output[ROOM], score[ROOM], seen[ROOM], half[ROOM], want[ROOM];
    const aenc_context_options single = {.struct_size = sizeof single, .threads = 1};
    const aenc_matrix x = {data, NET_ROWS, NET_COLS, NET_COLS};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(&single, &ctx) == AENC_OK);
    const aenc_plugin plugins[] = {
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_LAYER, .name = "counting", .layer = counting},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_BOTTLENECK, .name = "aiming", .bottleneck = aiming},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_BOTTLENECK, .name = "misnamed", .bottleneck = misnamed}};
    for (size_t i = 0; i < 3; i++) CHECK_STATUS(ctx, aenc_register(ctx, &plugins[i]), AENC_OK);
    for (int k = 0; k < 2; k++) {
        aenc_model *model = model_of(ctx, texts[k]);
        struct wanted all[] = {{"score", score, 0}, {"output", output, 0}, {"code", code, 0}, {"encoder.0.seen", seen, 0},
                               {"half", half, 0}};
        rows_seen = 0;
        CHECK_STATUS(ctx, run(model, &x, "input", all, k == 0 ? 4 : 5), AENC_OK);
        CHECK(rows_seen == NET_ROWS);
        CHECK(memcmp(seen, data, sizeof data) == 0);
        for (size_t i = 0; i < NET_ROWS * 3 && k == 1; i++) CHECK_NEAR((double)half[i], 0.5 * (double)code[i], 0);
        CHECK_STATUS(ctx, aenc_score(model, &x, NULL, want, ROOM), AENC_OK);
        CHECK(memcmp(want, score, NET_ROWS * sizeof *want) == 0);
        CHECK_STATUS(ctx, aenc_reconstruct(model, &x, want, ROOM), AENC_OK);
        CHECK(memcmp(want, output, sizeof data) == 0);
        double distance = 0;
        for (size_t i = 0; i < NET_COLS; i++) distance += pow((double)output[i] - (double)data[i], 2) / NET_COLS;
        CHECK((fabs(distance - (double)score[0]) < 1e-5) == (k == 0)); /* the second scores another way */
        aenc_model_free(model);
    }
    aenc_model *none = NULL;
    static const char bad[] = NET("{\"type\":\"dense\",\"units\":3}", "\"bottleneck\":\"misnamed\"");
    CHECK_STATUS(ctx, aenc_model_parse(ctx, bad, sizeof bad - 1, &none), AENC_ERR_ARGUMENT);
    CHECK(none == NULL && says(ctx, "'score' is a result of every model"));
    aenc_context_free(ctx);
}

/* ---- Names ---- */

static void test_gaussian(void) {
    static float mean[ROOM], log_variance[ROOM], sample[ROOM], again[ROOM], code[ROOM];
    const aenc_matrix x = {data, NET_ROWS, NET_COLS, NET_COLS};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    aenc_model *model = model_of(ctx, gaussian);
    struct wanted all[] = {{"mean", mean, 0}, {"log_variance", log_variance, 0}, {"sample", sample, 0}, {"code", code, 0}};
    struct wanted one[] = {{"sample", again, 0}};
    CHECK_STATUS(ctx, run(model, &x, "input", all, 4), AENC_OK);
    CHECK_STATUS(ctx, run(model, &x, "input", one, 1), AENC_OK);
    CHECK(all[0].size == 3 && memcmp(mean, code, NET_ROWS * 3 * sizeof *mean) == 0);
    CHECK(memcmp(sample, again, NET_ROWS * 3 * sizeof *sample) == 0);
    double sum = 0, square = 0;
    for (size_t i = 0; i < NET_ROWS * 3; i++) {
        double e = ((double)sample[i] - (double)mean[i]) / exp(0.5 * (double)log_variance[i]);
        sum += e / (NET_ROWS * 3), square += e * e / (NET_ROWS * 3);
    }
    CHECK(fabs(sum) < 0.4 && fabs(square - 1) < 0.5); /* 111 draws of N(0, 1) */
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static void test_layers(void) {
    static float first[ROOM], whole[ROOM], code[ROOM], decoded[ROOM], output[ROOM];
    const aenc_matrix x = {data, NET_ROWS, NET_COLS, NET_COLS};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    aenc_model *model = net_create(ctx, 0, data);
    aenc_tensor *weight = NULL, *bias = NULL;
    float w[19 * NET_COLS], b[19];
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, "encoder.0.weight", &weight), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, "encoder.0.bias", &bias), AENC_OK);
    CHECK(aenc_tensor_read(weight, w, 19 * NET_COLS) == AENC_OK && aenc_tensor_read(bias, b, 19) == AENC_OK);
    struct wanted all[] = {{"encoder.0", first, 0}, {"encoder", whole, 0}, {"code", code, 0}, {"decoder.0", decoded, 0}};
    CHECK_STATUS(ctx, run(model, &x, "input", all, 4), AENC_OK);
    CHECK(all[0].size == 19 && memcmp(whole, code, NET_ROWS * 5 * sizeof *code) == 0);
    for (size_t r = 0; r < NET_ROWS; r++)
        for (size_t k = 0; k < 19; k++) {
            double y = (double)b[k];
            for (size_t c = 0; c < NET_COLS; c++) y += (double)w[k * NET_COLS + c] * (double)data[r * NET_COLS + c];
            CHECK_NEAR((double)first[r * 19 + k], y > 0 ? y : 0, 1e-5);
        }
    /* from codes: what stands behind them alone */
    const aenc_matrix codes = {code, NET_ROWS, 5, 5};
    struct wanted behind[] = {{"decoder.0", whole, 0}, {"output", output, 0}}, before[] = {{"encoder.0", first, 0}};
    CHECK_STATUS(ctx, run(model, &codes, "code", behind, 2), AENC_OK);
    CHECK(memcmp(whole, decoded, NET_ROWS * behind[0].size * sizeof *whole) == 0);
    CHECK_STATUS(ctx, run(model, &codes, "code", before, 1), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "field 'input' is needed"));
    struct wanted unknown[] = {{"encoder.9", first, 0}};
    CHECK_STATUS(ctx, run(model, &x, "input", unknown, 1), AENC_ERR_ARGUMENT);
    CHECK(says(ctx, "unknown result 'encoder.9'; known: code, output, score") && says(ctx, "encoder.0, encoder.1, encoder"));
    aenc_tensor_free(weight);
    aenc_tensor_free(bias);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- Tasks that are kept ---- */

static void test_kept(void) {
    static float out[8][ROOM];
    static const char *const names[] = {"code", "output", "score", "features", "jacobian_norm", "encoder.0", "encoder", "decoder.0"};
    struct memory memory;
    memset(&memory, 0, sizeof memory);
    aenc_context *ctx = memory_context(&memory, 7, 1);
    aenc_model *model = net_create(ctx, 0, data);
    const aenc_matrix x = {data, NET_ROWS, NET_COLS, NET_COLS};
    long most = 0, blocks = 0;
    for (unsigned set = 1; set < 96; set++) {
        struct wanted some[8], turned[8];
        size_t count = 0;
        for (unsigned k = 0; k < 8; k++)
            if ((set >> k & 1) != 0) some[count++] = (struct wanted){names[k], out[k], 0};
        for (size_t i = 0; i < count; i++) turned[i] = some[count - 1 - i];
        CHECK_STATUS(ctx, run(model, &x, "input", some, count), AENC_OK);
        long calls = memory.calls;
        CHECK_STATUS(ctx, run(model, &x, "input", turned, count), AENC_OK);
        CHECK(memory.calls == calls);
        blocks = memory.blocks;
        if (set < 40 && blocks > most) most = blocks;
        if (set >= 40 && !CHECK(blocks <= most + most / 4)) fprintf(stderr, "  set %u: %ld of %ld\n", set, blocks, most);
    }
    /* what was used last stays while the others go */
    for (size_t k = 0; k < 17; k++) {
        struct wanted often[] = {{"code", out[0], 0}}, other[] = {{names[1 + k % 7], out[1], 0}, {names[(k / 7 + k) % 7 + 1], out[2], 0}};
        long calls = memory.calls;
        CHECK_STATUS(ctx, run(model, &x, "input", often, 1), AENC_OK);
        CHECK(k == 0 || memory.calls == calls);
        CHECK_STATUS(ctx, run(model, &x, "input", other, k < 7 ? 1 : 2), AENC_OK);
    }
    for (size_t i = 0; i < 8; i++) {
        struct wanted one[] = {{names[i == 0 ? 1 : i], out[0], 0}, {"decoder.1", out[1], 0}};
        CHECK_STATUS(ctx, run(model, &x, "input", one, 2), AENC_OK);
    }
    /* of those, the last is still there, the first is not */
    struct wanted last[] = {{"code", out[0], 0}}, refused[] = {{"code", out[0], 0}, {"encoder", out[1], 0}};
    long calls = memory.calls;
    CHECK_STATUS(ctx, run(model, &x, "input", last, 1), AENC_OK);
    CHECK(memory.calls > calls);
    /* memory that is refused while a task is recorded leaves those that are kept alone */
    for (long k = 1; k < 400; k++) {
        memory.calls = 0;
        memory.fail_at = k;
        aenc_status status = run(model, &x, "input", refused, 2);
        memory.fail_at = 0;
        if (status == AENC_OK) break;
        CHECK(status == AENC_ERR_NO_MEMORY && k < 399);
    }
    CHECK(memcmp(out[0], out[1], NET_ROWS * 5 * sizeof(float)) == 0);
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

int main(void) {
    net_data(data);
    test_all_bits();
    test_one_pass();
    test_gaussian();
    test_layers();
    test_kept();
    return check_finish();
}
