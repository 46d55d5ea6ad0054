/* Only for src/media: writes a JPEG file again after a part of its pixels was changed. Unchanged blocks keep their
 * coefficients; the others are encoded with the file's own quantisation tables and subsampling. */
#ifndef IDEM_MEDIA_JPEG_SPLICE_H
#define IDEM_MEDIA_JPEG_SPLICE_H

#include "media/codec.h"

typedef struct {
    const unsigned char *bytes; /* of the source file; NULL: it has another format */
    size_t size;
    const char *what;
    const uint8_t *rgb; /* [height, width, 3], in the file's colours */
    int width, height;
    const uint8_t *touched;       /* [height, width]: nonzero for a changed pixel; NULL: encodes all of it again */
    bool exchanged;               /* rgb is the file turned by 90 or 270 degrees: its tables are turned too */
    const unsigned char *profile; /* ICC, NULL: none */
    size_t profile_size;
    const idem_marks *marks; /* written as an XMP packet */
} idem_jpeg_job;

/* A file in malloc'ed memory, without any metadata of the source. replaced, of: the number of encoded MCUs and of all.
 * Four-channel files and those whose tables cannot be used get quality 95 without subsampling. */
int idem_jpeg_write(const idem_jpeg_job *job, unsigned char **data, size_t *size, int *replaced, int *of);

#endif
