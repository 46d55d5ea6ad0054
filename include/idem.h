/* libidem: separates a face's identity from everything else (pose, expression, hair, light, background) and recombines
 * them. A face recogniser encodes the identity of one picture, a trained encoder the attributes of another; a small
 * trained mapper turns both codes into one code w of a face generator, which paints the result.
 *
 *     #include <idem.h>
 *
 *     idem_options options;
 *     idem_options_default(&options);
 *     options.generator = "models/generator-128.safetensors";
 *     options.mapper = "models/mapper-128.safetensors";
 *     idem_context *c = idem_open(&options);
 *     if (!c)
 *         fprintf(stderr, "%s\n", idem_last_error());
 *     if (idem_compose(c, identity_rgb, attribute_rgb, 1, out_rgb))
 *         fprintf(stderr, "%s\n", idem_last_error());
 *     idem_close(c);
 *
 * Build with: cc main.c $(pkg-config --cflags --libs idem)
 *
 * Conventions
 * - Functions that can fail return 0, or -1 (NULL where they return a pointer) and leave one message for the calling
 *   thread: idem_last_error(). The library never prints and never ends the process.
 * - Arrays are the caller's: inputs are only read, outputs must have room. n counts pictures; any n >= 1 is allowed and
 *   is worked through in batches.
 * - A picture is size * size * 3 bytes: R, G, B of each pixel, rows from the top, `size` as idem_get_info says. The
 *   face must lie in the frame of the generator's own pictures (for FFHQ-like generators: aligned as FFHQ is).
 * Photographs of any size and their faces have functions of their own, at the end.
 * - Codes are 32-bit floats. Identity codes are unit vectors; they are biometric data: do not store them without
 *   reason.
 * - A context may be used by one thread at a time; several contexts may be used by several threads.
 * - The same inputs, seed, threads, batch and machine give the same bytes, whatever n is. Threads are options.threads,
 *   or fewer where OpenMP gives fewer: OMP_THREAD_LIMIT, one inside a parallel region of the caller's.
 */
#ifndef IDEM_H
#define IDEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IDEM_API __attribute__((visibility("default")))
#else
#define IDEM_API
#endif

#define IDEM_VERSION_MAJOR 0
#define IDEM_VERSION_MINOR 1
#define IDEM_VERSION_PATCH 0

/* "0.1.0" of the library in use. */
IDEM_API const char *idem_version(void);

/* This thread's last message; "" when nothing has failed. Valid until the next failure on this thread. */
IDEM_API const char *idem_last_error(void);

/* What kind of failure that was: whether another input may succeed, or what else has to change first. A loop over
 * files goes on after IDEM_ERROR_INPUT and stops at any other. */
enum {
    IDEM_ERROR_NONE,
    IDEM_ERROR_INPUT,       /* a file, an option or an argument is wrong */
    IDEM_ERROR_MISSING,     /* what every input needs is not there: a network, a folder of models */
    IDEM_ERROR_MEMORY,      /* memory is short */
    IDEM_ERROR_INTERRUPTED, /* somebody asked to stop */
    IDEM_ERROR_INTERNAL     /* idem or the machine: an output cannot be written, numbers are not finite */
};
/* Of this thread's last message. */
IDEM_API int idem_error_kind(void);

/* ---- opening ---- */

typedef struct {
    size_t struct_size;    /* set by idem_options_default: lets old programs meet newer libraries */
    const char *generator; /* weights of a StyleGAN2, in any format idem reads; must be set */
    const char *mapper;    /* a trained mapper; NULL: only idem_sample, idem_generate and idem_encode_identity work */
    const char *models;    /* folder of the recogniser and landmark net; NULL: where `idem model fetch` puts them */
    int threads;           /* 0: OMP_NUM_THREADS, or all cores this process may use; at most 4096 */
    int batch;             /* pictures worked on at once, 1 .. 256; 0: 4. A call costs whole batches: use 1 for single
                              pictures, 8 or more for many */

    /* Networks other than the usual. A mapper belongs to those it was trained with and is refused with others. */
    const char *identity_net;        /* file of the recogniser: an InceptionResnetV1 or an ONNX network. NULL: the
                                        mapper's, found by its name in `models`; without a mapper fr_feature */
    const char *identity_preprocess; /* how it wants pictures: "fr_feature", "insightface", "facenet" or "vggface2";
                                        NULL: the mapper's, without a mapper the network's own (ONNX has none) */
    const char *attribute_net;       /* the mapper's attribute encoder must be this: "resnet18", "resnet50" or
                                        "inception3"; NULL: whichever it brings */
    const char *attribute_norm;      /* and its batch-norm statistics "frozen" or "running"; NULL: either */

    int refine; /* steps in which idem_compose and idem_compose_photograph fit each result to its two pictures, 0 to
                   1000; 0: the mapper's own answer. 25 are worth their time for photographs, which the mapper alone
                   keeps half as well as faces that the generator drew; the program takes as many. Each picture is then
                   worked on as if alone */
} idem_options;

/* All zero but struct_size. The size comes from the program, so that the library never writes beyond its struct. */
IDEM_API void idem_options_init(idem_options *options, size_t struct_size);
static inline void idem_options_default(idem_options *options) {
    idem_options_init(options, sizeof *options);
}

typedef struct idem_context idem_context;

/* Loads all models and checks that they belong together. The strings are not needed afterwards. */
IDEM_API idem_context *idem_open(const idem_options *options);
IDEM_API void idem_close(idem_context *context); /* NULL is allowed */

typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_info) */
    int size;           /* side of every picture, pixels */
    int identity_dim;   /* numbers in an identity code */
    int attribute_dim;  /* numbers in an attribute code; 0 without a mapper */
    int w_dim;          /* numbers in a code w */
} idem_info;

IDEM_API int idem_get_info(const idem_context *context, idem_info *info);

/* ---- the parts ---- */

/* rgb [n][size][size][3] -> code [n][identity_dim] */
IDEM_API int idem_encode_identity(idem_context *context, const uint8_t *rgb, int n, float *code);
/* rgb [n][size][size][3] -> code [n][attribute_dim] */
IDEM_API int idem_encode_attributes(idem_context *context, const uint8_t *rgb, int n, float *code);
/* identity [n][identity_dim], attributes [n][attribute_dim] -> w [n][w_dim] */
IDEM_API int idem_map(idem_context *context, const float *identity, const float *attributes, int n, float *w);
/* w [n][w_dim] -> rgb [n][size][size][3] */
IDEM_API int idem_generate(idem_context *context, const float *w, int n, uint8_t *rgb);

/* ---- the whole ---- */

/* Picture i of out has the identity of identity_rgb[i] and everything else of attribute_rgb[i]; all [n][size][size][3].
 * out may be one of the inputs. */
IDEM_API int idem_compose(idem_context *context, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                          uint8_t *out_rgb);

/* New faces of no real person: n codes of the generator's own, by seed, pulled towards its mean by truncation (0 .. 1;
 * 1: not at all). w [n][w_dim] or rgb [n][size][size][3] may be NULL. Face i depends on the seed and i, not on n; the
 * program's `idem sample` makes the same ones. */
IDEM_API int idem_sample(idem_context *context, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb);

/* ---- files ---- */

/* Reads a picture (PNG, JPEG, WebP; HEIC and AVIF where the plug-in for them is) and resizes it to size x size; one
 * that is not square is stretched. */
IDEM_API int idem_read_picture(idem_context *context, const char *path, uint8_t *rgb);
/* Writes a PNG whose metadata says that it is synthetic, painted whole (IPTC's trainedAlgorithmicMedia), and by what
 * model; whole or not at all. */
IDEM_API int idem_write_picture(idem_context *context, const char *path, const uint8_t *rgb);

/* ---- photographs ---- */

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

#define IDEM_ALL_FACES (-1)
/* Gives the face of `attributes` (IDEM_ALL_FACES: every one, the largest first) the identity of identity_rgb
 * [size][size][3]: align, compose and paste, as `idem compose --keep-size` does. -1 when there is no such face. */
IDEM_API int idem_compose_photograph(idem_context *context, const uint8_t *identity_rgb, idem_photograph *attributes,
                                     int face);

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
