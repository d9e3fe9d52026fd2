/* blas_core_test.c - what is stated about an OpenBLAS, of which this program supplies the functions that describe it: the cores
 * that it knows, warnings, threads, 64-bit integers. */
#include <string.h>

#include "base/cpu.h"
#include "check.h"
#include "math/blas.h"

static char config[64], core[32];
static int threads = 3, parallel = 1;

char *openblas_get_config(void);
char *openblas_get_corename(void);
int openblas_get_num_threads(void);
int openblas_get_parallel(void);

char *openblas_get_config(void) { return config; }
char *openblas_get_corename(void) { return core; }
int openblas_get_num_threads(void) { return threads; }
int openblas_get_parallel(void) { return parallel; }

static struct blas_info describe(const char *of_config, const char *of_core) {
    struct blas_info info;
    snprintf(config, sizeof config, "%s", of_config);
    snprintf(core, sizeof core, "%s", of_core);
    aenc_blas_describe(&info);
    return info;
}

enum level { OLD, AVX2, AVX512, UNKNOWN };

/* There is a warning where the core's kernels are below what this processor has, and never of a core that is not known. */
static void check_cores(enum level has) {
    static const struct {
        const char *name;
        enum level level;
    } cores[] = {{"Katmai", OLD},     {"Generic", OLD},     {"Opteron", OLD}, {"Opteron_SSE3", OLD}, {"Excavator", OLD},
                 {"Haswell", AVX2},   {"haswell", AVX2},    {"ZEN", AVX2},    {"SkylakeX", AVX512},  {"Cooperlake", AVX512},
                 {"Katmais", UNKNOWN}, {"Katma", UNKNOWN},  {"", UNKNOWN},    {"Zen9", UNKNOWN},     {"neoversen1", UNKNOWN}};
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
        const struct blas_info fixed = describe("OpenBLAS 0.3.21 NO_AFFINITY", cores[i].name);
        const bool warned = cores[i].level < has;
        if (!CHECK((fixed.warning != NULL) == warned)) fprintf(stderr, "  %s\n", cores[i].name);
        if (warned) CHECK(strstr(fixed.warning, "DYNAMIC_ARCH") != NULL);
        CHECK((aenc_blas_product() == aenc_blas_gemm) == !warned);
        const struct blas_info chosen = describe("OpenBLAS 0.3.21 DYNAMIC_ARCH", cores[i].name);
        CHECK((chosen.warning != NULL) == warned);
        if (warned) CHECK(strstr(chosen.warning, has == AVX512 ? "CORETYPE=SkylakeX" : "CORETYPE=Haswell") != NULL);
        CHECK(strcmp(chosen.provider, "OpenBLAS") == 0 && strcmp(chosen.kernels, cores[i].name) == 0);
        CHECK(strcmp(chosen.config, "OpenBLAS 0.3.21 DYNAMIC_ARCH") == 0);
    }
}

int main(void) {
    check_cores(aenc_cpu_has_avx512() ? AVX512 : aenc_cpu_has_avx2() ? AVX2 : OLD);
    CHECK(describe("OpenBLAS", "Haswell").threads == 3);
    parallel = 0; /* built without threads */
    CHECK(describe("OpenBLAS", "Haswell").threads == 1);
    CHECK(describe("OpenBLAS 0.3.21 DYNAMIC_ARCH", "Haswell").refusal == NULL);
    CHECK(strstr(describe("OpenBLAS 0.3.21 USE64BITINT DYNAMIC_ARCH", "Haswell").refusal, "ILP64") != NULL);
    return check_finish();
}
