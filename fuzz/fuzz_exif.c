/* idem_exif_orientation on any bytes. Seeds: the two byte orders, written by tests/check-seeds.c. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "media/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const int orientation = idem_exif_orientation(data, size);
    if (orientation < 0 || orientation > 8)
        abort();
    return 0;
}
