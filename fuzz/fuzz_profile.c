/* idem_colour_to_srgb with any bytes as the profile of a picture in colour, in grey or of four inks: the first byte
 * says which. Seeds: profiles of the first two, written by tests/check-seeds.c. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SIDE = 4 };
    if (size < 1)
        return 0;
    idem_decoded d = {.width = SIDE, .height = SIDE, .channels = data[0] % 3 == 0 ? 3 : 4};
    d.inks = data[0] % 3 == 1;
    d.grey = data[0] & 0x80 && !d.inks;
    if (!(d.pixels = malloc(SIDE * SIDE * 4)))
        return 0;
    for (int i = 0; i < SIDE * SIDE * 4; i++)
        d.pixels[i] = (uint8_t)(d.grey && i % d.channels < 3 ? i / d.channels * 16 : i * 37);
    if (idem_decoded_set_profile(&d, data + 1, size - 1, "fuzz") == 0 && idem_colour_to_srgb(&d, "fuzz") == 0) {
        /* What it leaves has colours, all of them there. */
        volatile uint8_t last = d.pixels[SIDE * SIDE * d.channels - 1];
        (void)last;
        if (d.inks)
            abort();
    }
    idem_decoded_free(&d);
    return 0;
}
