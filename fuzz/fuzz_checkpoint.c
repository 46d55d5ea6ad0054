/* The state of a training run out of any safetensors file. Seed: written by tests/check-seeds.c. */
#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"
#include "train/mapper/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_weights *w = NULL;
    idem_mapper_saved saved;
    if (idem_safetensors_parse(&w, data, size, "fuzz") == 0) {
        idem_run_form_read(&idem_mapper_form, &saved.state, &saved.recipe, w);
        idem_weights_free(w);
    }
    return 0;
}
