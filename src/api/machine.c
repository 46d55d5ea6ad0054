/* The public library's view of the machine (include/idem/machine.h). */
#include "base/machine.h"

#include <string.h>

#include "base/status.h"
#include "engine/dnn.h"
#include "engine/isa.h"
#include "engine/precision.h"
#include "engine/threads.h"
#include "idem.h"

_Static_assert((int)IDEM_THREADS_LIMIT == (int)IDEM_THREADS_MOST, "threads of machine.h and threads.h");

int idem_check_machine(void) {
    return idem_isa_check();
}

int idem_set_threads(int threads) {
    if (threads < 0 || threads > IDEM_THREADS_MOST)
        return idem_fail("idem_set_threads: threads is %d, expected 0 to %d", threads, IDEM_THREADS_MOST);
    idem_threads_set(threads);
    return 0;
}

int idem_set_precision(int precision) {
    if (precision < IDEM_PRECISION_F32 || precision > IDEM_PRECISION_AUTO)
        return idem_fail("idem_set_precision: precision is %d, expected %d to %d", precision, IDEM_PRECISION_F32,
                         IDEM_PRECISION_AUTO);
    idem_bf16_set(precision == IDEM_PRECISION_BF16 || (precision == IDEM_PRECISION_AUTO && idem_bf16_faster()));
    return 0;
}

int idem_get_machine(idem_machine_info *info) {
    if (!info || info->struct_size != sizeof *info)
        return idem_fail("idem_get_machine: struct_size is %zu, expected %zu; set it to sizeof(idem_machine_info)",
                         info ? info->struct_size : 0, sizeof *info);
    idem_machine m;
    idem_machine_read(&m);
    *info = (idem_machine_info){.struct_size = sizeof *info,
                                .isa = idem_isa_name(idem_isa_runs()),
                                .isa_of_cpu = idem_isa_name(idem_isa_has()),
                                .cores = m.cores,
                                .online = m.online,
                                .threads = idem_threads(),
                                .precision_auto = idem_bf16_faster() ? IDEM_PRECISION_BF16 : IDEM_PRECISION_F32,
                                .memory = m.memory,
                                .available = m.available};
    _Static_assert(sizeof info->cpu == sizeof m.cpu && sizeof info->features == sizeof m.features, "texts");
    memcpy(info->cpu, m.cpu, sizeof m.cpu);
    memcpy(info->features, m.features, sizeof m.features);
    idem_dnn_version(info->onednn);
    return 0;
}
