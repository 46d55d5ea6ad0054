/* Only for src/api: writing a picture, and the origin stored in it. */
#ifndef IDEM_API_PICTURES_H
#define IDEM_API_PICTURES_H

#include "api/context.h"
#include "model/origin.h"

/* Points into itself: do not copy. */
typedef struct {
    idem_writing writing;
    idem_origin origin;
    const idem_marks *marks;
} idem_made;

/* call: for messages. c may be NULL if the origin is not stored; so may given. */
int idem_marks_open(idem_made *m, const char *call, const idem_context *c, const idem_writing *given);
/* In the requested format, else by the ending of the path. */
int idem_image_to_file(const idem_image *im, const char *path, const idem_made *m);
int idem_image_to_bytes(const idem_image *im, const idem_made *m, unsigned char **bytes, size_t *size);

#endif
