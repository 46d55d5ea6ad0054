#include "media/webp_write.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/status.h"
#include "media/image.h"

int idem_webp_add_marks(WebPData *file, const idem_marks *marks, const char *what) {
    size_t size;
    char *packet = idem_xmp_packet(marks, &size);
    if (!packet)
        return -1;
    WebPData chunk = {(const uint8_t *)packet, size}, whole;
    WebPDataInit(&whole);
    WebPMux *mux = WebPMuxCreate(file, 1);
    bool done =
        mux && WebPMuxSetChunk(mux, "XMP ", &chunk, 1) == WEBP_MUX_OK && WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK;
    WebPMuxDelete(mux);
    free(packet);
    if (!done)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %s", what);
    WebPDataClear(file);
    *file = whole;
    return 0;
}

int idem_image_encode_webp(const idem_image *im, int quality, const idem_marks *marks, unsigned char **data,
                           size_t *size) {
    uint8_t *bytes = NULL;
    if (im->width > WEBP_MAX_DIMENSION || im->height > WEBP_MAX_DIMENSION)
        return idem_fail("a picture of %d x %d cannot be WebP, whose sides have at most %d pixels", im->width,
                         im->height, WEBP_MAX_DIMENSION);
    const size_t n = WebPEncodeRGB(im->rgb, im->width, im->height, 3 * im->width, (float)quality, &bytes);
    if (!n)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a WebP picture of %d x %d", im->width, im->height);
    WebPData file = {bytes, n};
    int status = marks ? idem_webp_add_marks(&file, marks, "a WebP picture") : 0;
    unsigned char *copy = status ? NULL : malloc(file.size);
    if (copy) {
        memcpy(copy, file.bytes, file.size);
        *data = copy;
        *size = file.size;
    } else if (!status) {
        status = idem_fail_as(IDEM_MEMORY, "out of memory for a WebP picture");
    }
    WebPDataClear(&file);
    return status;
}
