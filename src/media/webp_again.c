#include "media/webp_again.h"

#include <stdlib.h>
#include <string.h>

#include <webp/encode.h>
#include <webp/mux.h>

#include "base/status.h"
#include "media/webp_write.h"

enum { QUALITY = 92, SIDE_MOST = WEBP_MAX_DIMENSION };

static int take_pixels(WebPPicture *p, const idem_image *im) {
    if (!im->rgba)
        return WebPPictureImportRGB(p, im->rgb, im->width * 3) ? 0 : -1;
    const size_t n = (size_t)im->width * (size_t)im->height;
    uint8_t *rgba = malloc(n * 4);
    if (!rgba)
        return -1;
    idem_image_off_white(rgba, im->rgb, im->rgba, n);
    const int status = WebPPictureImportRGBA(p, rgba, im->width * 4) ? 0 : -1;
    free(rgba);
    return status;
}

static int encode(WebPMemoryWriter *to, const idem_image *im, bool lossless, const char *what) {
    WebPConfig config;
    WebPPicture p;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&p))
        return idem_fail_as(IDEM_INTERNAL, "the WebP library has another version than the one idem was built for");
    if (im->width > SIDE_MOST || im->height > SIDE_MOST)
        return idem_fail("%s: is %d x %d, WebP holds %d x %d at most", what, im->width, im->height, SIDE_MOST,
                         SIDE_MOST);
    config.lossless = lossless;
    config.exact = 1;
    config.quality = lossless ? 50 : QUALITY; /* of lossless files: the effort */
    p.use_argb = lossless;
    p.width = im->width;
    p.height = im->height;
    p.writer = WebPMemoryWrite;
    p.custom_ptr = to;
    int status = take_pixels(&p, im) || !WebPEncode(&config, &p)
                     ? idem_fail_as(p.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY ? IDEM_MEMORY : IDEM_INTERNAL,
                                    "%s: the WebP picture cannot be written (error %d)", what, (int)p.error_code)
                     : 0;
    WebPPictureFree(&p);
    return status;
}

int idem_webp_again(const idem_image *im, bool lossless, const idem_marks *marks, const char *what,
                    unsigned char **data, size_t *size) {
    WebPMemoryWriter picture;
    WebPMemoryWriterInit(&picture);
    int status = encode(&picture, im, lossless, what);
    WebPData file = {picture.mem, picture.size}; /* takes ownership of the memory */
    if (!status && marks)
        status = idem_webp_add_marks(&file, marks, what);
    *size = file.size;
    if (!status && !(*data = malloc(*size)))
        status = idem_fail_as(IDEM_MEMORY, "%s: no memory for %zu bytes", what, *size);
    if (!status)
        memcpy(*data, file.bytes, *size);
    WebPDataClear(&file);
    return status;
}
