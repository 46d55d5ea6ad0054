/* Only for src/media: XMP packets in WebP files. */
#ifndef IDEM_MEDIA_WEBP_WRITE_H
#define IDEM_MEDIA_WEBP_WRITE_H

#include <webp/mux_types.h>

#include "media/xmp.h"

/* Adds an XMP packet of the marks to *file, which it replaces; `what` names the file in messages. */
int idem_webp_add_marks(WebPData *file, const idem_marks *marks, const char *what);

#endif
