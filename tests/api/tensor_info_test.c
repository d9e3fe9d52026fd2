/* tensor_info_test.c - what is known of a model's tensors: that it agrees with what is copied out of them, with what is trained, and
 * with the size of the model. */
#include "api/world.h"

static const char text[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},{\"type\":\"batch_norm\"},"
    "{\"type\":\"dense\",\"units\":3}]}}";

static void test_infos(struct world *w) {
    static const struct {
        const char *name;
        size_t rank, dims[2];
        int32_t kind, decays;
    } wanted[] = {
        {"encoder.0.weight", 2, {5, 6}, AENC_TENSOR_PARAMETER, 1},   {"encoder.0.bias", 1, {5}, AENC_TENSOR_PARAMETER, 0},
        {"encoder.1.weight", 1, {5}, AENC_TENSOR_PARAMETER, 0},      {"encoder.1.bias", 1, {5}, AENC_TENSOR_PARAMETER, 0},
        {"encoder.2.weight", 2, {3, 5}, AENC_TENSOR_PARAMETER, 1},   {"encoder.2.bias", 1, {3}, AENC_TENSOR_PARAMETER, 0},
    };
    aenc_model *model = NULL;
    CHECK_STATUS(w->ctx, aenc_model_parse(w->ctx, text, sizeof text - 1, &model), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_freeze(model, "encoder.0", 1), AENC_OK);
    size_t trained = 0, states = 0, count = aenc_model_tensor_count(model);
    for (size_t i = 0; i < count; i++) {
        aenc_tensor_info info = {.struct_size = sizeof info};
        aenc_tensor *tensor = NULL;
        CHECK_STATUS(w->ctx, aenc_model_tensor_info(model, i, &info), AENC_OK);
        CHECK(info.struct_size == sizeof info && info.name == aenc_model_tensor_name(model, i));
        CHECK_STATUS(w->ctx, aenc_model_tensor_get(model, info.name, &tensor), AENC_OK);
        CHECK(info.type == aenc_tensor_type(tensor) && info.rank == aenc_tensor_rank(tensor));
        CHECK(info.size == aenc_tensor_count(tensor));
        for (size_t axis = 0; axis < AENC_RANK_MAX; axis++) CHECK(info.dims[axis] == aenc_tensor_dim(tensor, axis));
        aenc_tensor_free(tensor);
        CHECK(info.frozen == (strncmp(info.name, "encoder.0", 9) == 0));
        if (info.kind == AENC_TENSOR_PARAMETER) trained += info.size;
        if (info.kind == AENC_TENSOR_STATE) states++;
        CHECK(states == 0 || info.kind == AENC_TENSOR_STATE); /* they come last */
        if (i >= sizeof wanted / sizeof *wanted) continue;
        CHECK(strcmp(info.name, wanted[i].name) == 0 && info.kind == wanted[i].kind && info.decays == wanted[i].decays);
        CHECK(info.rank == wanted[i].rank && memcmp(info.dims, wanted[i].dims, sizeof wanted[i].dims) == 0);
    }
    CHECK(states > 0 && trained == aenc_model_parameter_size(model));
    aenc_model_free(model);
}

/* Callers with an older struct receive what it has room for, those with a newer one what this library knows. */
static void test_sizes(struct world *w) {
    struct {
        aenc_tensor_info info;
        unsigned char more[8];
    } newer = {.info = {.struct_size = sizeof newer}, .more = {1, 2, 3}};
    aenc_tensor_info older = {.struct_size = offsetof(aenc_tensor_info, rank), .rank = 77};
    CHECK_STATUS(w->ctx, aenc_model_tensor_info(w->model, 0, &newer.info), AENC_OK);
    CHECK(newer.info.struct_size == sizeof newer && newer.info.rank == 2 && newer.more[0] == 1 && newer.more[2] == 3);
    CHECK_STATUS(w->ctx, aenc_model_tensor_info(w->model, 0, &older), AENC_OK);
    CHECK(older.struct_size == offsetof(aenc_tensor_info, rank) && older.name != NULL && older.rank == 77);
}

/* What is read through the pointer is what was written, in each type. */
static void test_data(struct world *w) {
    static const float values[] = {0, 1, 2, 3, 255, 7};
    static const size_t dims[] = {2, 3};
    static const int32_t types[] = {AENC_TYPE_F32, AENC_TYPE_I32, AENC_TYPE_U8};
    for (size_t t = 0; t < 3; t++) {
        aenc_tensor *tensor = NULL;
        CHECK_STATUS(w->ctx, aenc_tensor_create(w->ctx, types[t], dims, 2, &tensor), AENC_OK);
        const void *data = aenc_tensor_data(tensor);
        CHECK_STATUS(w->ctx, aenc_tensor_write(tensor, values, 6), AENC_OK);
        CHECK(data != NULL && aenc_tensor_data(tensor) == data);
        for (size_t i = 0; i < 6; i++)
            CHECK(values[i] == (t == 0   ? ((const float *)data)[i]
                                : t == 1 ? (float)((const int32_t *)data)[i]
                                         : (float)((const uint8_t *)data)[i]));
        aenc_tensor_free(tensor);
    }
    CHECK(aenc_tensor_data(NULL) == NULL);
}

int main(void) {
    struct world w;
    world_create(&w);
    test_infos(&w);
    test_sizes(&w);
    test_data(&w);
    world_free(&w);
    return check_finish();
}
