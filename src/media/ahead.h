/* Reading ahead: a thread decodes the next pictures of a list while the caller works on one. They come in the order of
 * the list, each with its own result, independent of the thread's speed. At most IDEM_AHEAD_PICTURES wait, and no
 * further one is decoded while the waiting ones fill IDEM_AHEAD_BYTES.
 *
 *     idem_ahead *a = idem_ahead_new(paths, n, 480);
 *     for (size_t i = 0; i < n; i++)
 *         if (idem_ahead_next(a, &im, &width, &height)) ...   // paths[i] cannot be read: idem_error() says why
 *     idem_ahead_free(a); */
#ifndef IDEM_MEDIA_AHEAD_H
#define IDEM_MEDIA_AHEAD_H

#include "media/image.h"

enum { IDEM_AHEAD_PICTURES = 2, IDEM_AHEAD_BYTES = 64 << 20 };

typedef struct idem_ahead idem_ahead;

/* paths are borrowed until idem_ahead_free. least: as for idem_image_load_reduced. */
idem_ahead *idem_ahead_new(const char *const *paths, size_t n, int least);
/* Waits for the picture that is being decoded. NULL is allowed. */
void idem_ahead_free(idem_ahead *a);

/* The next picture, to be freed by the caller; width, height: of the whole picture. Logs the picture's notes. -1: it
 * cannot be read, or the list is at its end. */
int idem_ahead_next(idem_ahead *a, idem_image *im, int *width, int *height);

#endif
