/* dispatch.c - which of the compiled instruction sets this processor runs. The build tells by AENC_HAVE_AVX2 and
 * AENC_HAVE_AVX512 what else was compiled besides the generic set. */
#include <stddef.h>

#include "base/cpu.h"
#include "math/kernels.h"

struct candidate {
    bool (*supported)(void);
    struct kernels kernels;
};

#ifdef AENC_HAVE_AVX512
extern const struct elementwise_kernels aenc_elementwise_kernels_avx512;
extern const struct random_kernels aenc_random_kernels_avx512;
extern const struct loss_kernels aenc_loss_kernels_avx512;
extern const struct norm_kernels aenc_norm_kernels_avx512;
extern const struct product_kernels aenc_product_kernels_avx512;
#endif
#ifdef AENC_HAVE_AVX2
extern const struct elementwise_kernels aenc_elementwise_kernels_avx2;
extern const struct random_kernels aenc_random_kernels_avx2;
extern const struct loss_kernels aenc_loss_kernels_avx2;
extern const struct optimizer_kernels aenc_optimizer_kernels_avx2;
extern const struct norm_kernels aenc_norm_kernels_avx2;
extern const struct product_kernels aenc_product_kernels_avx2;
#endif
extern const struct elementwise_kernels aenc_elementwise_kernels_generic;
extern const struct random_kernels aenc_random_kernels_generic;
extern const struct loss_kernels aenc_loss_kernels_generic;
extern const struct optimizer_kernels aenc_optimizer_kernels_generic;
extern const struct norm_kernels aenc_norm_kernels_generic;
extern const struct product_kernels aenc_product_kernels_generic;

static bool always(void) { return true; }

/* The widest first. Updates of parameters wait for memory, divisions and roots, which are no faster in wider registers. */
static const struct candidate candidates[] = {
#ifdef AENC_HAVE_AVX512
    {aenc_cpu_has_avx512,
     {"avx512", &aenc_elementwise_kernels_avx512, &aenc_random_kernels_avx512, &aenc_loss_kernels_avx512,
      &aenc_optimizer_kernels_avx2, &aenc_norm_kernels_avx512, &aenc_product_kernels_avx512}},
#endif
#ifdef AENC_HAVE_AVX2
    {aenc_cpu_has_avx2,
     {"avx2", &aenc_elementwise_kernels_avx2, &aenc_random_kernels_avx2, &aenc_loss_kernels_avx2,
      &aenc_optimizer_kernels_avx2, &aenc_norm_kernels_avx2, &aenc_product_kernels_avx2}},
#endif
    {always,
     {"generic", &aenc_elementwise_kernels_generic, &aenc_random_kernels_generic, &aenc_loss_kernels_generic,
      &aenc_optimizer_kernels_generic, &aenc_norm_kernels_generic, &aenc_product_kernels_generic}},
};

const struct kernels *aenc_kernels_at(int64_t index) {
    int64_t seen = 0;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (candidates[i].supported() && seen++ == index) return &candidates[i].kernels;
    return NULL;
}

const struct kernels *aenc_kernels(void) { return aenc_kernels_at(0); }
