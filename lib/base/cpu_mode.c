/* cpu_mode.c - setting the mode and restoring it, by the processor's instructions where there are any. Out of line: some
 * ninety public functions call it. */
#include "base/cpu_mode.h"

#if defined(__SSE__) && defined(__GNUC__)
enum { CPU_SSE_MASKED = 0x1F80, CPU_SSE_FAST = 0x8040, CPU_SSE_FLAGS = 0x3F, CPU_X87_DEFAULT = 0x37F };
static void cpu_mode_load(unsigned sse, unsigned short x87) {
    /* what has happened, and is about to be unmasked, would trap at the next instruction: "fnclex" forgets it */
    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(x87) : "memory");
    __asm__ volatile("ldmxcsr %0" : : "m"(sse) : "memory");
}
struct cpu_mode aenc_cpu_mode_set(enum cpu_mode_kind kind) {
    unsigned wanted = kind == CPU_MODE_FAST ? (unsigned)CPU_SSE_MASKED | CPU_SSE_FAST : CPU_SSE_MASKED;
    struct cpu_mode before = {0, 0, true};
    __asm__ volatile("stmxcsr %0" : "=m"(before.sse) : : "memory");
    __asm__ volatile("fnstcw %0" : "=m"(before.x87) : : "memory");
    if ((before.sse & ~(unsigned)CPU_SSE_FLAGS) == wanted && before.x87 == CPU_X87_DEFAULT)
        before.changed = false;
    else if (before.x87 == CPU_X87_DEFAULT)
        __asm__ volatile("ldmxcsr %0" : : "m"(wanted) : "memory");
    else
        cpu_mode_load(wanted, CPU_X87_DEFAULT);
    return before;
}
void aenc_cpu_mode_restore(const struct cpu_mode *before) {
    if (!before->changed) return;
    if (before->x87 == CPU_X87_DEFAULT)
        __asm__ volatile("ldmxcsr %0" : : "m"(before->sse) : "memory");
    else
        cpu_mode_load(before->sse, before->x87);
}
#elif defined(__aarch64__) && defined(__GNUC__)
struct cpu_mode aenc_cpu_mode_set(enum cpu_mode_kind kind) {
    uint64_t wanted = kind == CPU_MODE_FAST ? UINT64_C(1) << 24 : 0; /* FZ */
    struct cpu_mode before = {0, false};
    __asm__ volatile("mrs %0, fpcr" : "=r"(before.fpcr) : : "memory");
    before.changed = before.fpcr != wanted;
    if (before.changed) __asm__ volatile("msr fpcr, %0" : : "r"(wanted) : "memory");
    return before;
}
void aenc_cpu_mode_restore(const struct cpu_mode *before) {
    if (before->changed) __asm__ volatile("msr fpcr, %0" : : "r"(before->fpcr) : "memory");
}
#else
struct cpu_mode aenc_cpu_mode_set(enum cpu_mode_kind kind) {
    struct cpu_mode before;
    (void)kind;
    feholdexcept(&before.environment);
#if defined(FE_TONEAREST)
    fesetround(FE_TONEAREST);
#endif
    return before;
}
void aenc_cpu_mode_restore(const struct cpu_mode *before) { fesetenv(&before->environment); }
#endif
