#include "engine/precision.h"

#include "engine/isa.h"

static _Thread_local bool chosen;

bool idem_bf16(void) {
    return chosen;
}

bool idem_bf16_set(bool on) {
    const bool before = chosen;
    chosen = on;
    return before;
}

bool idem_bf16_faster(void) {
#if defined(__x86_64__)
    return idem_isa_runs() >= IDEM_ISA_BF16 && __builtin_cpu_is("amd");
#else
    return false;
#endif
}
