/* Photographs and the faces in them (part of idem.h). */
#ifndef IDEM_FACES_H
#define IDEM_FACES_H

#include "idem/context.h"
#include "idem/pictures.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A photograph of any size with the faces found in it. The caller frees it; it may outlive its context. One thread at a
 * time may use it. Finding faces needs fr_detect and fr_landmark in the folder of models. Faces are found upright,
 * turned by 90 degrees to either side and upside down, down to a sixtieth of the longer side. */
typedef struct idem_photograph idem_photograph;

/* Reads a picture of the formats of pictures.h: turned upright by its EXIF, converted to sRGB by its colour profile; at
 * most 200 megapixels. Faces in transparent pictures are looked for over white. NULL if it cannot be read. A photograph
 * without a face is no error. */
IDEM_API idem_photograph *idem_read_photograph(idem_context *context, const char *path);
/* The same for rgb [height][width][3], which is copied. */
IDEM_API idem_photograph *idem_copy_photograph(idem_context *context, const uint8_t *rgb, int width, int height);
IDEM_API void idem_free_photograph(idem_photograph *photograph); /* NULL is allowed */

/* ---- reading with options ---- */

#define IDEM_ALL_FACES (-1)
#define IDEM_LARGEST_FACE 0
enum {
    IDEM_INPUT_PHOTO,   /* faces are looked for and cut out */
    IDEM_INPUT_AUTO,    /* decided per picture: a square one whose face already lies in the generator's frame is taken
                           whole, any other as a photograph */
    IDEM_INPUT_ALIGNED, /* taken whole without looking for faces: a face in the frame */
    IDEM_INPUT_PIXELS   /* no face is looked for */
};

/* How photographs are read: call idem_reading_default, then set fields. */
typedef struct {
    size_t struct_size;
    int input; /* IDEM_INPUT_...; default IDEM_INPUT_PHOTO */
    int face; /* which face is taken: its index in the order of size, the largest first, or IDEM_ALL_FACES, the default.
                 Finding only the largest is faster */
    int size; /* side of the pictures that will be cut out: large JPEGs are decoded only as large as that needs. 0, the
                 default: full size */
    const char *hint; /* appended to the log's note that there are further faces; NULL: nothing */
} idem_reading;
IDEM_API void idem_reading_init(idem_reading *reading, size_t struct_size);
static inline void idem_reading_default(idem_reading *reading) {
    idem_reading_init(reading, sizeof *reading);
}

/* From a file, or from the bytes of a file. A photograph without the wanted face is no error: `taken` is then 0.
 * reading NULL: the default. */
IDEM_API idem_photograph *idem_read_photograph_as(idem_context *context, const char *path, const idem_reading *reading);
IDEM_API idem_photograph *idem_decode_photograph(idem_context *context, const unsigned char *bytes, size_t size,
                                                 const idem_reading *reading);

/* Reads many files: a thread decodes the next ones while the caller works. The paths must outlive the reader. Each call
 * of idem_next_photograph takes the next path of the list; NULL if its file cannot be read. */
typedef struct idem_reader idem_reader;
IDEM_API idem_reader *idem_open_reader(idem_context *context, const char *const *paths, int n,
                                       const idem_reading *reading);
IDEM_API idem_photograph *idem_next_photograph(idem_reader *reader);
/* The same with another `reading` than the reader's. */
IDEM_API idem_photograph *idem_next_photograph_as(idem_reader *reader, const idem_reading *reading);
IDEM_API void idem_close_reader(idem_reader *reader); /* NULL is allowed */

/* Frees the pixels and keeps the faces. When a face is pasted, the file is decoded again, at full size and with nothing
 * pasted. Pixels of photographs from memory are kept. */
IDEM_API int idem_drop_pixels(idem_photograph *photograph);

/* ---- what is there ---- */

/* Positions are pixels from the top left corner of the upright photograph; pixel i covers i .. i + 1. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_photograph_info) */
    int width, height;  /* pixels */
    int faces;          /* number of faces, any number; index 0 is the largest */
    int first, taken;   /* the taken faces are first .. first + taken - 1; taken 0: the wanted face is absent */
    int whole;          /* 1: the picture was taken whole as one face */
} idem_photograph_info;
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_face_info) */
    float box[4]; /* of the detector: left, top, right, bottom; axis-aligned also for turned faces; may reach beyond the
                     photograph */
    float score;  /* of the detector, 0 .. 1 */
    float points[68][2]; /* x, y of the 68 landmarks in the usual order */
    float frame[4][2]; /* corners of the square that is cut out: top left, bottom left, bottom right, top right as seen
                          from the face */
    float yaw, pitch, roll; /* degrees; NaN if not estimated (idem_options.pose) */
    double outside;         /* share of the frame outside the photograph, where pixels are filled in */
    int whole;              /* 1: the picture was taken whole */
    int has_points;         /* 0: taken without looking for faces: score, points and pose are unknown */
    /* The same places divided by the photograph's sides: 0 to 1 inside it, independent of its size. */
    float box_part[4], points_part[68][2], frame_part[4][2];
} idem_face_info;
IDEM_API int idem_get_photograph_info(const idem_photograph *photograph, idem_photograph_info *info);
IDEM_API int idem_get_face(const idem_photograph *photograph, int face, idem_face_info *info);

/* ---- faces out of it and into it ---- */

/* Cuts the face out in the generator's frame, as functions on pictures take it: rgb [size][size][3]. */
IDEM_API int idem_align_face(idem_context *context, const idem_photograph *photograph, int face, uint8_t *rgb);
/* The same with a side of 1 to 16384; needs no generator. */
IDEM_API int idem_align_face_at(idem_context *context, const idem_photograph *photograph, int face, int side,
                                uint8_t *rgb);
/* Pastes a picture of that frame, rgb [size][size][3], over the face: blended under a soft mask of the face, its
 * colours matched to those that were there. */
IDEM_API int idem_paste_face(idem_context *context, idem_photograph *photograph, int face, const uint8_t *rgb);

/* The same for a picture with any side. */
IDEM_API int idem_paste_face_at(idem_context *context, idem_photograph *photograph, int face, int side,
                                const uint8_t *rgb);

/* Unit vectors of the face by two recognisers, computed from the photograph; needs no generator. feature
 * [idem_feature_dim]: fr_feature, which the shipped mapper was trained with; judge [IDEM_JUDGE_NUMBERS]: a recogniser
 * that no training uses. Either may be NULL. */
#define IDEM_JUDGE_NUMBERS 128
IDEM_API int idem_feature_dim(idem_context *context); /* -1 if fr_feature is missing */
IDEM_API int idem_recognise(idem_context *context, const idem_photograph *photograph, int face, float *feature,
                            float *judge);

/* Copies the pixels: rgb [height][width][3]. */
IDEM_API int idem_copy_pixels(const idem_photograph *photograph, uint8_t *rgb);
/* Writes a PNG with the transparency of the file that was read. If a face was pasted, its metadata marks it as a
 * composite (IPTC's compositeSynthetic). None of the source's metadata is kept. */
IDEM_API int idem_write_photograph(idem_context *context, const char *path, const idem_photograph *photograph);
/* The same with `writing`, or into memory (free with idem_free_bytes); the origin is set as above. JPEG and WebP are
 * opaque: composited over white. */
IDEM_API int idem_write_photograph_as(idem_context *context, const char *path, const idem_photograph *photograph,
                                      const idem_writing *writing);
IDEM_API int idem_encode_photograph(idem_context *context, const idem_photograph *photograph,
                                    const idem_writing *writing, unsigned char **bytes, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
