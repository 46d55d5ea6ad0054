/* Photographs and the faces in them (part of idem.h). */
#ifndef IDEM_FACES_H
#define IDEM_FACES_H

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A photograph of any size, in memory of the library, with the faces that were found in it. It belongs to the caller,
 * who frees it; it may outlive its context, and is used by one thread at a time as contexts are. Finding faces needs
 * fr_detect and fr_landmark in the folder of models. Faces are looked for upright, on either side and on their head,
 * down to a sixtieth of the longer side. */
typedef struct idem_photograph idem_photograph;

/* A picture of the same formats: upright by its EXIF, in sRGB by its colour profile; at most 200 megapixels. Where it
 * is transparent, faces are looked for over white. NULL: it cannot be read. Having no face is no error. */
IDEM_API idem_photograph *idem_read_photograph(idem_context *context, const char *path);
/* The same of rgb [height][width][3], which is copied. */
IDEM_API idem_photograph *idem_copy_photograph(idem_context *context, const uint8_t *rgb, int width, int height);
IDEM_API void idem_free_photograph(idem_photograph *photograph); /* NULL is allowed */

/* Positions are pixels from the top left corner of the upright photograph; pixel i covers i .. i + 1. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_photograph_info) */
    int width, height;  /* pixels */
    int faces;          /* numbered from the largest, from 0; there is no limit to their number */
} idem_photograph_info;
typedef struct {
    size_t struct_size;  /* set by the caller to sizeof(idem_face_info) */
    float box[4];        /* the detector's: left, top, right, bottom, its sides along the photograph's also where the
                            face is turned; may reach beyond the photograph */
    float score;         /* the detector's, 0 .. 1 */
    float points[68][2]; /* x, y of the 68 landmarks in the usual order */
    float frame[4][2];   /* the square cut out: top left, bottom left, bottom right, top right as the face stands */
} idem_face_info;
IDEM_API int idem_get_photograph_info(const idem_photograph *photograph, idem_photograph_info *info);
IDEM_API int idem_get_face(const idem_photograph *photograph, int face, idem_face_info *info);

/* The face in the generator's frame, for all functions above: rgb [size][size][3]. */
IDEM_API int idem_align_face(idem_context *context, const idem_photograph *photograph, int face, uint8_t *rgb);
/* Puts a picture of that frame, rgb [size][size][3], where the face is: under a mask of the face with soft edges, in
 * the colours that were there. */
IDEM_API int idem_paste_face(idem_context *context, idem_photograph *photograph, int face, const uint8_t *rgb);

/* Its pixels: rgb [height][width][3]. */
IDEM_API int idem_copy_pixels(const idem_photograph *photograph, uint8_t *rgb);
/* Writes a PNG, as transparent as the file that was read; once a face was pasted its metadata says so as
 * idem_write_picture's does, but that it is a composite (compositeSynthetic). Nothing of the source's metadata is kept.
 */
IDEM_API int idem_write_photograph(idem_context *context, const char *path, const idem_photograph *photograph);

#ifdef __cplusplus
}
#endif

#endif
