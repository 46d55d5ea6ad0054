/* PyTorch files. Zip archives and legacy files go through idem_torch_parse; anything else is taken as the pickle of an
 * archive whose storages all hold the same 4 KB, so that the checksums of zip do not stand between the fuzzer and the
 * pickle machine. Seeds: written by tests/oracle/format_torch.py; the .pkl are data.pkl of two of them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/torch_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pickle_alone(const uint8_t *data, size_t size) {
    static const unsigned char STORAGE[4096] = {1, 2, 3};
    idem_torch_loader *l = calloc(1, sizeof *l);
    idem_arena *arena = idem_arena_new();
    l->what = "fuzz";
    l->file_size = size;
    l->budget = idem_format_budget(size);
    l->weights = idem_weights_new();
    idem_pickle p;
    if (idem_pickle_read(arena, &p, data, size, "fuzz") == 0 && idem_torch_walk(l, &p.root) == 0)
        for (size_t i = 0, next; i < l->n_views; i = next)
            if (idem_torch_fill(l, i, &next, STORAGE, sizeof STORAGE))
                break;
    idem_arena_free(arena);
    idem_weights_free(l->weights);
    free(l->views);
    free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_weights *w = NULL;
    if ((size > 2 && !memcmp(data, "PK", 2)) || idem_torch_is_legacy(data, size)) {
        if (idem_torch_parse(&w, data, size, "fuzz") == 0)
            idem_weights_free(w);
    } else {
        pickle_alone(data, size);
        if (size > 1 && data[0] == 0x80 && idem_torch_parse(&w, data, size, "fuzz") == 0) /* as NVIDIA's */
            idem_weights_free(w);
    }
    return 0;
}
