#define _GNU_SOURCE
#include "media/animation.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/file.h"
#include "base/status.h"
#include "media/webp_write.h"

enum { SIDE_MAX = 16383 }; /* the format's */

static int add_picture(WebPAnimEncoder *encoder, const idem_image *im, int time, const WebPConfig *config) {
    WebPPicture picture;
    if (!WebPPictureInit(&picture))
        return idem_fail("the WebP library has another version than the one idem was built for");
    picture.width = im->width;
    picture.height = im->height;
    picture.use_argb = 1;
    int status = 0;
    if (!WebPPictureImportRGB(&picture, im->rgb, im->width * 3))
        status = idem_fail_as(IDEM_MEMORY, "out of memory for an animation");
    else if (!WebPAnimEncoderAdd(encoder, &picture, time, config))
        status = idem_fail("the animation cannot be encoded: %s", WebPAnimEncoderGetError(encoder));
    WebPPictureFree(&picture);
    return status;
}

static int encode(WebPData *out, const idem_image *const *pictures, int n, int milliseconds) {
    WebPAnimEncoderOptions options;
    WebPConfig config;
    if (!WebPAnimEncoderOptionsInit(&options) || !WebPConfigPreset(&config, WEBP_PRESET_PHOTO, 90))
        return idem_fail("the WebP library has another version than the one idem was built for");
    options.anim_params.loop_count = 0; /* for ever */
    WebPAnimEncoder *encoder = WebPAnimEncoderNew(pictures[0]->width, pictures[0]->height, &options);
    int status = encoder ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for an animation");
    for (int i = 0; i < n && !status; i++)
        status = add_picture(encoder, pictures[i], i * milliseconds, &config);
    if (!status &&
        (!WebPAnimEncoderAdd(encoder, NULL, n * milliseconds, NULL) || !WebPAnimEncoderAssemble(encoder, out)))
        status = idem_fail("the animation cannot be encoded: %s", WebPAnimEncoderGetError(encoder));
    WebPAnimEncoderDelete(encoder);
    return status;
}

int idem_animation_save(const char *path, const idem_image *const *pictures, int n, int milliseconds,
                        const idem_marks *marks) {
    if (n < 1 || milliseconds < 1 || milliseconds > INT_MAX / n)
        return idem_fail("%s: %d pictures of %d ms cannot be an animation", path, n, milliseconds);
    for (int i = 0; i < n; i++)
        if (pictures[i]->width != pictures[0]->width || pictures[i]->height != pictures[0]->height ||
            pictures[i]->width < 1 || pictures[i]->width > SIDE_MAX || pictures[i]->height > SIDE_MAX)
            return idem_fail("%s: picture %d of the animation is %d x %d, expected %d x %d and at most %d", path, i,
                             pictures[i]->width, pictures[i]->height, pictures[0]->width, pictures[0]->height,
                             SIDE_MAX);
    WebPData file;
    WebPDataInit(&file);
    int status = encode(&file, pictures, n, milliseconds) ||
                         (marks && idem_webp_add_marks(&file, marks, "an animation")) ||
                         idem_file_write(path, file.bytes, file.size)
                     ? -1
                     : 0;
    WebPDataClear(&file);
    return status;
}
