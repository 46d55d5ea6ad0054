/* Photographs and the faces in them (part of idem.h). */
#ifndef IDEM_FACES_H
#define IDEM_FACES_H

#include "idem/context.h"
#include "idem/pictures.h"

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

/* ---- as they are wanted ---- */

#define IDEM_ALL_FACES (-1)
#define IDEM_LARGEST_FACE 0
enum {
    IDEM_INPUT_PHOTO,   /* faces are looked for and cut out */
    IDEM_INPUT_AUTO,    /* each picture is looked at: a square one whose face lies in the generator's frame already is
                           taken whole, any other as a photograph */
    IDEM_INPUT_ALIGNED, /* taken whole, unseen: a face in the frame */
    IDEM_INPUT_PIXELS   /* no face is looked for */
};

/* How photographs are read: idem_reading_default, then what is wanted else. */
typedef struct {
    size_t struct_size;
    int input; /* IDEM_INPUT_...; default IDEM_INPUT_PHOTO */
    int face;  /* which are taken: one by its number in the order of size, from 0, or IDEM_ALL_FACES, the default.
                  Looking for the largest alone is quicker */
    int size;  /* side of the pictures that will be cut out of it: large JPEGs are decoded no larger than that
                  needs. 0, the default: the whole photograph is decoded */
    const char *hint; /* ends the note to the log that there are further faces; NULL: nothing */
} idem_reading;
IDEM_API void idem_reading_init(idem_reading *reading, size_t struct_size);
static inline void idem_reading_default(idem_reading *reading) {
    idem_reading_init(reading, sizeof *reading);
}

/* From a file, or from the bytes of one. Having no (such) face is no error: `taken` is 0 then. reading NULL: the
 * default. */
IDEM_API idem_photograph *idem_read_photograph_as(idem_context *context, const char *path, const idem_reading *reading);
IDEM_API idem_photograph *idem_decode_photograph(idem_context *context, const unsigned char *bytes, size_t size,
                                                 const idem_reading *reading);

/* Many: a thread decodes the next ones while the caller works. The paths must outlive the reader. Each is read once, in
 * the order of the list, whether it can be read or not. */
typedef struct idem_reader idem_reader;
IDEM_API idem_reader *idem_open_reader(idem_context *context, const char *const *paths, int n,
                                       const idem_reading *reading);
IDEM_API idem_photograph *idem_next_photograph(idem_reader *reader);
/* The same, its faces taken in another way than the reader's. */
IDEM_API idem_photograph *idem_next_photograph_as(idem_reader *reader, const idem_reading *reading);
IDEM_API void idem_close_reader(idem_reader *reader); /* NULL is allowed */

/* Frees the pixels and keeps the faces: those of a file are decoded again, whole and with nothing pasted, when a face
 * is pasted. Those from memory stay. */
IDEM_API int idem_drop_pixels(idem_photograph *photograph);

/* ---- what is there ---- */

/* Positions are pixels from the top left corner of the upright photograph; pixel i covers i .. i + 1. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_photograph_info) */
    int width, height;  /* pixels */
    int faces;          /* numbered from the largest, from 0; there is no limit to their number */
    int first, taken;   /* those that idem_reading.face asked for; taken 0: there is no (such) face */
    int whole;          /* 1: the one face taken is the whole picture */
} idem_photograph_info;
typedef struct {
    size_t struct_size;     /* set by the caller to sizeof(idem_face_info) */
    float box[4];           /* the detector's: left, top, right, bottom, its sides along the photograph's also where the
                               face is turned; may reach beyond the photograph */
    float score;            /* the detector's, 0 .. 1 */
    float points[68][2];    /* x, y of the 68 landmarks in the usual order */
    float frame[4][2];      /* the square cut out: top left, bottom left, bottom right, top right as the face stands */
    float yaw, pitch, roll; /* degrees; NaN where idem_options.pose asked for none */
    double outside;         /* the share of the frame that is outside the photograph, where it is made up */
    int whole;              /* 1: the whole picture is taken */
    int has_points;         /* 0: it was taken unseen: score, points and pose are not known */
    /* The same places in parts of the photograph's sides, 0 to 1 within it: they hold at any size. */
    float box_part[4], points_part[68][2], frame_part[4][2];
} idem_face_info;
IDEM_API int idem_get_photograph_info(const idem_photograph *photograph, idem_photograph_info *info);
IDEM_API int idem_get_face(const idem_photograph *photograph, int face, idem_face_info *info);

/* ---- faces out of it and into it ---- */

/* The face in the generator's frame, for all that works on pictures: rgb [size][size][3]. */
IDEM_API int idem_align_face(idem_context *context, const idem_photograph *photograph, int face, uint8_t *rgb);
/* The same with any side, from 1 to 16384; needs no generator. */
IDEM_API int idem_align_face_at(idem_context *context, const idem_photograph *photograph, int face, int side,
                                uint8_t *rgb);
/* Puts a picture of that frame, rgb [size][size][3], where the face is: under a mask of the face with soft edges, in
 * the colours that were there. */
IDEM_API int idem_paste_face(idem_context *context, idem_photograph *photograph, int face, const uint8_t *rgb);

/* The same of a picture with any side. */
IDEM_API int idem_paste_face_at(idem_context *context, idem_photograph *photograph, int face, int side,
                                const uint8_t *rgb);

/* Unit vectors of the face by two recognisers that see the photograph itself; needs no generator. feature
 * [idem_feature_dim]: fr_feature, which the shipped mapper was trained with; judge [IDEM_JUDGE_NUMBERS]: another, which
 * no training sees. Either may be NULL. */
#define IDEM_JUDGE_NUMBERS 128
IDEM_API int idem_feature_dim(idem_context *context); /* -1 when fr_feature is missing */
IDEM_API int idem_recognise(idem_context *context, const idem_photograph *photograph, int face, float *feature,
                            float *judge);

/* Its pixels: rgb [height][width][3]. */
IDEM_API int idem_copy_pixels(const idem_photograph *photograph, uint8_t *rgb);
/* Writes a PNG, as transparent as the file that was read; once a face was pasted its metadata says so as
 * idem_write_picture's does, but that it is a composite (compositeSynthetic). Nothing of the source's metadata is kept.
 */
IDEM_API int idem_write_photograph(idem_context *context, const char *path, const idem_photograph *photograph);
/* The same as writing says, or in memory (free with idem_free_bytes); its origin is said as above. JPEG and WebP are
 * opaque: over white. */
IDEM_API int idem_write_photograph_as(idem_context *context, const char *path, const idem_photograph *photograph,
                                      const idem_writing *writing);
IDEM_API int idem_encode_photograph(idem_context *context, const idem_photograph *photograph,
                                    const idem_writing *writing, unsigned char **bytes, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
