/* idem_manifest_parse: the JSON up to the first 0 byte, behind it the values; and idem_manifest_js_parse, the module of
 * the model up to there, behind it that of the shard. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t json = end ? (size_t)(end - data) : size, skip = json + (end != NULL);
    for (int packed = 0; packed < 2; packed++) {
        idem_weights *w = NULL;
        if ((packed ? idem_manifest_js_parse : idem_manifest_parse)(&w, data, json, data + skip, size - skip, "fuzz"))
            continue;
        for (size_t i = 0; i < idem_weights_count(w); i++) {
            const idem_weight *t = idem_weights_at(w, i);
            volatile float last = t->data[idem_shape_count(&t->shape) - 1];
            (void)last;
        }
        idem_weights_free(w);
    }
    return 0;
}
