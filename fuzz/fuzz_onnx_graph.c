/* idem_onnx_build on any model that parses: nothing a file says may break the builder. Seeds:
 * tests/oracle/onnx_graph_seeds.py. */
#include <stddef.h>
#include <stdint.h>

#include "nets/onnx_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_onnx *m = NULL;
    if (idem_onnx_parse(&m, data, size, "fuzz"))
        return 0;
    idem_shape shape = {.rank = m->n_inputs ? m->inputs[0].rank : -1};
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.d[i] = m->inputs[0].d[i] > 0 && i > 0 ? m->inputs[0].d[i] : 2;
        count = shape.d[i] > (1 << 16) / count ? 1 << 20 : count * shape.d[i];
    }
    if (shape.rank >= 0 && count <= 1 << 16) {
        idem_graph *g = idem_graph_new();
        idem_onnx_build(g, m, idem_input(g, "x", shape), NULL);
        idem_graph_free(g);
    }
    idem_onnx_free(m);
    return 0;
}
