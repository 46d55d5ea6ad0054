/* Inside src/media only: XMP packets in WebP files. */
#ifndef IDEM_MEDIA_WEBP_WRITE_H
#define IDEM_MEDIA_WEBP_WRITE_H

#include <webp/mux_types.h>

#include "media/xmp.h"

/* Replaces *file by the same with the packet of the marks in it; `what` is made, for messages. */
int idem_webp_add_marks(WebPData *file, const idem_marks *marks, const char *what);

#endif
