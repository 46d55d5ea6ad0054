/* idem_safetensors_parse on any bytes. Seed: written by tests/oracle/format_torch.py. */
#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_weights *w = NULL;
    if (idem_safetensors_parse(&w, data, size, "fuzz") == 0) {
        for (size_t i = 0; i < idem_weights_count(w); i++) {
            const idem_weight *t = idem_weights_at(w, i);
            volatile float last = t->data[idem_shape_count(&t->shape) - 1];
            (void)last;
        }
        idem_weights_free(w);
    }
    return 0;
}
