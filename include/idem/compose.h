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
/* The same of codes with a row for every layer: ws [n][layers][w_dim]. */
IDEM_API int idem_generate_ws(idem_context *context, const float *ws, int n, uint8_t *rgb);

/* ---- the whole ---- */

/* Picture i of out has the identity of identity_rgb[i] and everything else of attribute_rgb[i]; all [n][size][size][3].
 * out may be one of the inputs. */
IDEM_API int idem_compose(idem_context *context, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                          uint8_t *out_rgb);
/* The same, and the codes that were painted: ws [n][layers][w_dim]; either of ws and out_rgb may be NULL. */
IDEM_API int idem_compose_ws(idem_context *context, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                             float *ws, uint8_t *out_rgb);

/* New faces of no real person: n codes of the generator's own, by seed, pulled towards its mean by truncation (0 .. 1;
 * 1: not at all). w [n][w_dim] or rgb [n][size][size][3] may be NULL. Face i depends on the seed and i, not on n; the
 * program's `idem sample` makes the same ones. */
IDEM_API int idem_sample(idem_context *context, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb);

/* The same, more of it: idem_sampling_default, then what is wanted else. */
typedef struct {
    size_t struct_size;
    uint64_t seed;     /* default 1 */
    double truncation; /* 0 .. 2; default 0.7 */
    int cutoff;        /* only the first so many layers are truncated; -1, the default: all */
    uint64_t first;    /* number of the first face, from 0 */
} idem_sampling;
IDEM_API void idem_sampling_init(idem_sampling *sampling, size_t struct_size);
static inline void idem_sampling_default(idem_sampling *sampling) {
    idem_sampling_init(sampling, sizeof *sampling);
}
/* Faces first .. first + n - 1: ws [n][layers][w_dim], rgb [n][size][size][3]; either may be NULL. */
IDEM_API int idem_sample_ws(idem_context *context, const idem_sampling *sampling, int n, float *ws, uint8_t *rgb);
/* The same in the layout that training reads: face i becomes DIR/dataset_SIZE/images/00000/0000i.png and
 * DIR/dataset_SIZE/ws/00000/0000i.npy. Files that are there already are not made again; a folder of another seed,
 * truncation, cutoff or generator is refused. made: how many are new; may be NULL. */
IDEM_API int idem_sample_folder(idem_context *context, const char *dir, const idem_sampling *sampling, int n,
                                int *made);

/* ---- photographs ---- */

/* Gives the face of `attributes` (IDEM_ALL_FACES: every one, the largest first) the identity of identity_rgb
 * [size][size][3]: align, compose and paste, as `idem compose --keep-size` does. -1 when there is no such face. */
IDEM_API int idem_compose_photograph(idem_context *context, const uint8_t *identity_rgb, idem_photograph *attributes,
                                     int face);

/* ---- many faces ---- */

/* A set of faces out of any number of photographs, as pictures in the frame and as codes. It belongs to the caller, and
 * its context must outlive it. */
typedef struct idem_faces idem_faces;
enum { IDEM_CODE_OF_IDENTITY = 1, IDEM_CODE_OF_ATTRIBUTES = 2 };
/* codes: which are made, bits of the above; keep_pictures: they stay after they are encoded, as refining needs them. */
IDEM_API idem_faces *idem_new_faces(idem_context *context, int codes, int keep_pictures);
IDEM_API void idem_free_faces(idem_faces *faces); /* NULL is allowed */

/* The faces that were taken of a photograph, behind those that are there. The photograph is not needed afterwards. */
IDEM_API int idem_add_faces(idem_faces *faces, const idem_photograph *photograph);
/* Codes of those that were added since the last call, a batch at a time. */
IDEM_API int idem_encode_faces(idem_faces *faces);
IDEM_API int idem_count_faces(const idem_faces *faces);   /* -1: faces is NULL */
IDEM_API int idem_waiting_faces(const idem_faces *faces); /* added and not yet encoded */
IDEM_API int idem_clear_faces(idem_faces *faces);

/* In the set's memory until it changes; NULL with a message when it is not there. */
IDEM_API const float *idem_face_codes(const idem_faces *faces, int code); /* of all encoded ones: [count][dim] */
IDEM_API const uint8_t *idem_face_picture(const idem_faces *faces, int face);

/* A picture to make: who, and everything else, by their places in two sets. */
typedef struct {
    int identity, attributes;
} idem_pairing;

/* Steps of refining by what the pictures' files say: 25, but 0 where idem drew both. */
#define IDEM_REFINE_AS_MARKED (-1)

/* n pictures: ws [n][layers][w_dim] and rgb [n][size][size][3], either may be NULL. refine: steps of each, 0 to 1000,
 * or IDEM_REFINE_AS_MARKED; unless it is 0 both sets keep their pictures. */
IDEM_API int idem_compose_faces(const idem_faces *identities, const idem_faces *attributes, const idem_pairing *pairs,
                                int n, int refine, float *ws, uint8_t *rgb);

/* `frames` pictures, 2 to 10000, on the way from one identity to another, from one face's attributes to another's, or
 * both: the sets hold one encoded face or two. The first and the last are those that idem_compose_faces makes of the
 * ends. Straight between the ends' codes w, or between their codes of identity (along the sphere) and of attributes.
 * rgb [frames][size][size][3]. */
enum { IDEM_SPACE_W, IDEM_SPACE_Z };
IDEM_API int idem_interpolate(const idem_faces *identities, const idem_faces *attributes, int space, int frames,
                              int refine, uint8_t *rgb);

/* ---- codes in files ---- */

/* A NumPy file (.npy) of rows of `width` 32-bit floats, which appears when it is finished, whole or not at all.
 * is_private: for the eyes of its owner alone. */
typedef struct idem_table idem_table;
IDEM_API idem_table *idem_open_table(const char *path, int width, int is_private);
IDEM_API int idem_add_rows(idem_table *table, const float *rows, int n);
IDEM_API int idem_finish_table(idem_table *table);   /* frees it also when it fails */
IDEM_API void idem_abandon_table(idem_table *table); /* without a file; NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
