#include "api/structs.h"

#include <string.h>

#include "base/status.h"

void idem_struct_clear(void *options, size_t struct_size) {
    if (!options || struct_size < sizeof struct_size)
        return;
    memset(options, 0, struct_size);
    memcpy(options, &struct_size, sizeof struct_size);
}

int idem_struct_check(const char *call, const void *options, size_t bytes) {
    size_t size = 0;
    if (options)
        memcpy(&size, options, sizeof size);
    return size == bytes ? 0
                         : idem_fail("%s: options have %zu bytes, expected %zu; call %s_options_default first", call,
                                     size, bytes, call);
}
