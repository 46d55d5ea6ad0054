/* idem_part_parse and its packets, on any bytes. Seed: a part of five pictures, as tests/test_video.c writes it. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "media/video_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_part part;
    int64_t pts;
    bool key;
    size_t n;
    FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (f && idem_part_parse(&part, f, "fuzz") == 0) {
        while (idem_part_next(&part, &pts, &key, &n) > 0)
            ;
        idem_part_close(&part);
    }
    return 0;
}
