/* idem_image_parse on any bytes. Seeds: fuzz/seeds/image, one small file of each kind, written by
 * tests/check-seeds.c. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "media/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_image im;
    if (idem_image_parse(&im, data, size, "fuzz") == 0) {
        /* Every pixel must be there. */
        volatile uint8_t last = im.rgb[(size_t)im.width * (size_t)im.height * 3 - 1];
        (void)last;
    }
    idem_image_free(&im);
    return 0;
}
