/* Inside src/api only: how a picture is written, and what it says of its origin. */
#ifndef IDEM_API_PICTURES_H
#define IDEM_API_PICTURES_H

#include "api/context.h"
#include "model/origin.h"

/* Points into itself: not to be copied. */
typedef struct {
    idem_writing writing;
    idem_origin origin;
    const idem_marks *marks;
} idem_made;

/* call: for messages. c may be NULL where the origin is unsaid, given too. */
int idem_marks_open(idem_made *m, const char *call, const idem_context *c, const idem_writing *given);
/* In the format that is asked for; by the ending of the path where none is. */
int idem_image_to_file(const idem_image *im, const char *path, const idem_made *m);
int idem_image_to_bytes(const idem_image *im, const idem_made *m, unsigned char **bytes, size_t *size);

#endif
