/* idem_identify on any weights: nothing that shapes and names say may break a builder. Seeds: a generator of 8 pixels
 * in both layouts, by `idem model convert tests/fixtures/format/ada3.pkl`. */
#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"
#include "nets/identify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_weights *w = NULL;
    idem_network found[4];
    if (idem_safetensors_parse(&w, data, size, "fuzz") == 0) {
        idem_weights_unwrap(w);
        idem_identify(w, found, 4);
        idem_weights_free(w);
    }
    return 0;
}
