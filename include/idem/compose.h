/* Codes and pictures of faces in the frame, and whole photographs composed (part of idem.h). */
#ifndef IDEM_COMPOSE_H
#define IDEM_COMPOSE_H

#include "idem/context.h"
#include "idem/faces.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the parts ---- */

/* rgb [n][size][size][3] -> code [n][identity_dim] */
IDEM_API int idem_encode_identity(idem_context *context, const uint8_t *rgb, int n, float *code);
/* rgb [n][size][size][3] -> code [n][attribute_dim] */
IDEM_API int idem_encode_attributes(idem_context *context, const uint8_t *rgb, int n, float *code);
/* identity [n][identity_dim], attributes [n][attribute_dim] -> w [n][w_dim] */
IDEM_API int idem_map(idem_context *context, const float *identity, const float *attributes, int n, float *w);
/* w [n][w_dim] -> rgb [n][size][size][3] */
IDEM_API int idem_generate(idem_context *context, const float *w, int n, uint8_t *rgb);
/* The same for codes with one row per layer: ws [n][layers][w_dim]. */
IDEM_API int idem_generate_ws(idem_context *context, const float *ws, int n, uint8_t *rgb);

/* ---- the whole ---- */

/* Picture i of out has the identity of identity_rgb[i] and everything else of attribute_rgb[i]; all [n][size][size][3].
 * out may be one of the inputs. */
IDEM_API int idem_compose(idem_context *context, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                          uint8_t *out_rgb);
/* The same; also gives the painted codes ws [n][layers][w_dim]. ws or out_rgb may be NULL. */
IDEM_API int idem_compose_ws(idem_context *context, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                             float *ws, uint8_t *out_rgb);

/* Samples n faces of no real person from the generator: codes w [n][w_dim] by seed, pulled towards the mean w by
 * truncation (0 .. 1; 1: not at all), and rgb [n][size][size][3]. w or rgb may be NULL. Face i depends on the seed and
 * i, not on n; `idem sample` makes the same faces. */
IDEM_API int idem_sample(idem_context *context, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb);

/* Options of idem_sample_ws: call idem_sampling_default, then set fields. */
typedef struct {
    size_t struct_size;
    uint64_t seed;     /* default 1 */
    double truncation; /* 0 .. 2; default 0.7 */
    int cutoff;        /* number of layers, from the first, that are truncated; -1, the default: all */
    uint64_t first;    /* index of the first face */
} idem_sampling;
IDEM_API void idem_sampling_init(idem_sampling *sampling, size_t struct_size);
static inline void idem_sampling_default(idem_sampling *sampling) {
    idem_sampling_init(sampling, sizeof *sampling);
}
/* Faces first .. first + n - 1: ws [n][layers][w_dim], rgb [n][size][size][3]; either may be NULL. */
IDEM_API int idem_sample_ws(idem_context *context, const idem_sampling *sampling, int n, float *ws, uint8_t *rgb);
/* Writes the same faces in the layout that training reads: face i becomes DIR/dataset_SIZE/images/00000/0000i.png and
 * DIR/dataset_SIZE/ws/00000/0000i.npy. Existing files are kept; a folder of another seed, truncation, cutoff or
 * generator is refused. made: number of new faces; may be NULL. */
IDEM_API int idem_sample_folder(idem_context *context, const char *dir, const idem_sampling *sampling, int n,
                                int *made);

/* ---- photographs ---- */

/* Gives face `face` of `attributes` (IDEM_ALL_FACES: every face, the largest first) the identity of identity_rgb
 * [size][size][3]: align, compose and paste, as `idem compose --keep-size` does. -1 if there is no such face. */
IDEM_API int idem_compose_photograph(idem_context *context, const uint8_t *identity_rgb, idem_photograph *attributes,
                                     int face);

/* ---- many faces ---- */

/* A set of faces of any number of photographs, as pictures in the frame and as codes. The caller frees it; its context
 * must outlive it. */
typedef struct idem_faces idem_faces;
enum { IDEM_CODE_OF_IDENTITY = 1, IDEM_CODE_OF_ATTRIBUTES = 2 };
/* codes: the kinds to make, bits of the above; keep_pictures: pictures are kept after encoding, which refinement needs.
 */
IDEM_API idem_faces *idem_new_faces(idem_context *context, int codes, int keep_pictures);
IDEM_API void idem_free_faces(idem_faces *faces); /* NULL is allowed */

/* Appends the taken faces of a photograph. The photograph is not needed afterwards. */
IDEM_API int idem_add_faces(idem_faces *faces, const idem_photograph *photograph);
/* Encodes the faces that were added since the last call, batch by batch. */
IDEM_API int idem_encode_faces(idem_faces *faces);
IDEM_API int idem_count_faces(const idem_faces *faces);   /* -1: faces is NULL */
IDEM_API int idem_waiting_faces(const idem_faces *faces); /* added but not yet encoded */
IDEM_API int idem_clear_faces(idem_faces *faces);

/* Owned by the set, valid until it changes; NULL with a message if absent. */
IDEM_API const float *idem_face_codes(const idem_faces *faces, int code); /* of all encoded faces: [count][dim] */
IDEM_API const uint8_t *idem_face_picture(const idem_faces *faces, int face);

/* A picture to make: indices of the identity and the attributes in their sets. */
typedef struct {
    int identity, attributes;
} idem_pairing;

/* Refinement steps by the pictures' origin marks: 25, or 0 if idem drew both. */
#define IDEM_REFINE_AS_MARKED (-1)

/* Composes n pairs: ws [n][layers][w_dim] and rgb [n][size][size][3], either may be NULL. refine: steps per picture, 0
 * to 1000, or IDEM_REFINE_AS_MARKED; unless it is 0 both sets must keep their pictures. */
IDEM_API int idem_compose_faces(const idem_faces *identities, const idem_faces *attributes, const idem_pairing *pairs,
                                int n, int refine, float *ws, uint8_t *rgb);

/* Interpolates between two identities, two faces' attributes, or both: the sets hold one or two encoded faces. rgb
 * [frames][size][size][3], 2 to 10000 frames; the first and the last are what idem_compose_faces makes of the ends.
 * IDEM_SPACE_W: linear between the ends' codes w. IDEM_SPACE_Z: identity codes along the sphere, attribute codes
 * linear. */
enum { IDEM_SPACE_W, IDEM_SPACE_Z };
IDEM_API int idem_interpolate(const idem_faces *identities, const idem_faces *attributes, int space, int frames,
                              int refine, uint8_t *rgb);

/* ---- codes in files ---- */

/* A NumPy file (.npy) of rows of `width` 32-bit floats; it appears when finished, whole or not at all. is_private: only
 * its owner may read it. */
typedef struct idem_table idem_table;
IDEM_API idem_table *idem_open_table(const char *path, int width, int is_private);
IDEM_API int idem_add_rows(idem_table *table, const float *rows, int n);
IDEM_API int idem_finish_table(idem_table *table);   /* frees the table, also on failure */
IDEM_API void idem_abandon_table(idem_table *table); /* frees the table and writes no file; NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
