/* idem_onnx_parse on any bytes. Seeds: written by tests/oracle/format_onnx.py. */
#include <stddef.h>
#include <stdint.h>

#include "format/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_onnx *m = NULL;
    if (idem_onnx_parse(&m, data, size, "fuzz") == 0) {
        double sum = 0;
        for (size_t i = 0; i < m->n_tensors; i++) {
            const idem_onnx_tensor *t = &m->tensors[i];
            if (t->count)
                sum += t->f ? (double)t->f[t->count - 1] : (double)t->i[t->count - 1];
        }
        for (size_t i = 0; i < m->n_nodes; i++) {
            size_t count;
            const int64_t *ints = idem_onnx_ints(&m->nodes[i], "ints", &count);
            if (count)
                sum += (double)ints[count - 1];
        }
        volatile double used = sum;
        (void)used;
        idem_onnx_free(m);
    }
    return 0;
}
