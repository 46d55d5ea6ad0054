/* idem_npy_parse on any bytes. Seeds: written by tests/oracle/format_torch.py. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_shape shape;
    float *x = NULL;
    if (idem_npy_parse(data, size, "fuzz", &shape, &x) == 0) {
        volatile float last = x[idem_shape_count(&shape) - 1];
        (void)last;
        free(x);
    }
    return 0;
}
