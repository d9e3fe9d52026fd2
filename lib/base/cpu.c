/* cpu.c - which wide instructions this processor has and the system saves the registers of (Intel SDM, volume 1, sections
 * 14.7 and 15.2). The compiler's own __builtin_cpu_supports knows every instruction that there is, which takes ten times
 * the code, and keeps its answer in a variable likewise. */
#include "base/cpu.h"

#include <stdatomic.h>

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#include <cpuid.h>

enum { KNOWN = 1, AVX2 = 2, AVX512 = 4 };
enum { LEAF1_ECX = 1 << 12 /* fma */ | 1 << 27 /* xgetbv */ | 1 << 28 /* avx */, LEAF7_AVX2 = 1 << 5 };
#define LEAF7_AVX512                                                                                                   \
    (1u << 3 /* bmi */ | 1u << 8 /* bmi2 */ | 1u << 16 /* f */ | 1u << 17 /* dq */ | 1u << 28 /* cd */ |               \
     1u << 30 /* bw */ | 1u << 31 /* vl */)
enum { SAVES_YMM = 0x6, SAVES_ZMM = 0xE6 };

static bool all(unsigned word, unsigned bits) { return (word & bits) == bits; }

static int look(void) {
    unsigned a, b, c, d, saved;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !all(c, LEAF1_ECX) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return KNOWN;
    __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    if (!all(b, LEAF7_AVX2) || !all(saved, SAVES_YMM)) return KNOWN;
    return all(b, LEAF7_AVX512) && all(saved, SAVES_ZMM) ? KNOWN | AVX2 | AVX512 : KNOWN | AVX2;
}

/* A constant of the machine, looked at once: under a hypervisor the instruction takes a microsecond or more, and every
 * product needs the answer. */
static bool has(int level) {
    static atomic_int levels;
    int seen = atomic_load_explicit(&levels, memory_order_relaxed);
    if (seen == 0) {
        seen = look();
        atomic_store_explicit(&levels, seen, memory_order_relaxed);
    }
    return (seen & level) != 0;
}

bool aenc_cpu_has_avx2(void) { return has(AVX2); }
bool aenc_cpu_has_avx512(void) { return has(AVX512); }

#else

bool aenc_cpu_has_avx2(void) { return false; }
bool aenc_cpu_has_avx512(void) { return false; }

#endif
