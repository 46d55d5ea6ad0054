#include "engine/isa.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define VARIABLE "IDEM_MAX_ISA"

static const char *const names[] = {"plain", "avx2", "avx512", "bf16"};

const char *idem_isa_name(idem_isa isa) {
    return names[isa];
}

idem_isa idem_isa_has(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return __builtin_cpu_supports("avx512bf16") ? IDEM_ISA_BF16 : IDEM_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return IDEM_ISA_AVX2;
#endif
    return IDEM_ISA_PLAIN;
}

/* -1: unknown value. */
static int limit(void) {
    const char *set = getenv(VARIABLE);
    if (!set || !*set)
        return IDEM_ISA_BF16;
    for (int i = IDEM_ISA_PLAIN; i <= IDEM_ISA_BF16; i++)
        if (!strcmp(set, names[i]))
            return i;
    return -1;
}

idem_isa idem_isa_runs(void) {
    int most = limit();
    idem_isa has = idem_isa_has();
    return most >= 0 && most < (int)has ? (idem_isa)most : has;
}

int idem_isa_check(void) {
    return limit() < 0 ? idem_fail(VARIABLE " is \"%s\", expected plain, avx2, avx512 or bf16", getenv(VARIABLE)) : 0;
}
