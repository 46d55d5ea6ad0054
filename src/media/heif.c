/* HEIC and AVIF by the plug-in idem-heif.so. libheif is loaded through it and never linked: in Debian 12 it includes an
 * encoder under the GPL. */
#include <pthread.h>
#include <stdlib.h>

#include "base/plugin.h"
#include "base/status.h"
#include "media/codec.h"
#include "media/plugin/heif.h"

static const char file[] = "idem-heif.so";

static idem_heif_read *reader(const char *what) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static idem_heif_read *read;
    char why[400] = "";
    pthread_mutex_lock(&lock);
    if (!read)
        *(void **)&read = idem_plugin_symbol(file, IDEM_HEIF_SYMBOL, why, sizeof why);
    idem_heif_read *found = read;
    pthread_mutex_unlock(&lock);
    if (found)
        return found;
    if (*why)
        return idem_fail_null("%s: is a HEIC or AVIF picture, and idem's plug-in for those cannot be opened: install "
                              "Debian's libheif1 (%s)",
                              what, why);
    return idem_fail_null("%s: is a HEIC or AVIF picture, and idem's plug-in for those, %s, is missing: install "
                          "Debian's libheif-dev and build idem again",
                          what, file);
}

int idem_heif_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what) {
    idem_heif_read *read = reader(what);
    if (!read)
        return -1;
    idem_heif_picture p = {0};
    char message[300] = "";
    int status = read(&p, bytes, size, IDEM_IMAGE_MAX_PIXELS, IDEM_PROFILE_MAX, message, sizeof message);
    /* irot and imir, which turn these formats, are applied already; their EXIF repeats them and is ignored. */
    *d = (idem_decoded){.pixels = p.pixels,
                        .width = p.width,
                        .height = p.height,
                        .channels = p.channels,
                        .tags = {.primaries = p.primaries, .transfer = p.transfer},
                        .notes = p.pictures > 1 ? IDEM_NOTE_FRAMES : 0};
    if (status)
        idem_fail("%s: the HEIC or AVIF picture cannot be read: %s", what, message);
    else if (p.profile_size)
        status = idem_decoded_set_profile(d, p.profile, p.profile_size, what);
    free(p.profile);
    return status;
}
