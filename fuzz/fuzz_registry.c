/* idem_registry_parse on any text. Seed: models/registry.json. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_arena *a = idem_arena_new();
    idem_registry r;
    if (idem_registry_parse(&r, a, (const char *)data, size, "fuzz") == 0) {
        for (int i = 0; i < r.n; i++)
            for (int k = 0; k < r.models[i].n_files; k++)
                if (strchr(r.models[i].files[k].file, '/')) /* it would be written outside the folder of models */
                    abort();
        idem_registry_close(&r);
    }
    idem_arena_free(a);
    return 0;
}
