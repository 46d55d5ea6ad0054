/* Inside src/media only: JPEG files that are written again after a part of their pixels was changed. Blocks in which
 * nothing was changed keep their coefficients; the others are encoded with the file's own quantisation tables and
 * subsampling. */
#ifndef IDEM_MEDIA_JPEG_SPLICE_H
#define IDEM_MEDIA_JPEG_SPLICE_H

#include "media/codec.h"

typedef struct {
    const unsigned char *bytes; /* of the file it was; NULL: of another format */
    size_t size;
    const char *what;
    const uint8_t *rgb; /* [height, width, 3], in the file's colours */
    int width, height;
    const uint8_t *touched;       /* [height, width]: nonzero where a pixel was changed; NULL: all is encoded anew */
    bool exchanged;               /* rgb is turned by a quarter against the file: its tables are turned too */
    const unsigned char *profile; /* ICC, NULL: none */
    size_t profile_size;
    const idem_marks *marks; /* become an XMP packet */
} idem_jpeg_job;

/* A file in malloc'ed memory, without any metadata of the source. replaced, of: how many MCUs were encoded, of how
 * many. Four-channel files and those whose tables cannot be used get quality 95 without subsampling. */
int idem_jpeg_write(const idem_jpeg_job *job, unsigned char **data, size_t *size, int *replaced, int *of);

#endif
