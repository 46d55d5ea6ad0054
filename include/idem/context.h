/* Opening (part of idem.h). */
#ifndef IDEM_CONTEXT_H
#define IDEM_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t struct_size;    /* set by idem_options_default: lets old programs meet newer libraries */
    const char *generator; /* weights of a StyleGAN2, in any format idem reads; NULL: none, and only photographs, their
                              faces and the recognisers on photographs work */
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

    int refine;   /* steps in which idem_compose and idem_compose_photograph fit each result to its two pictures, 0 to
                     1000; 0: the mapper's own answer. 25 are worth their time for photographs, which the mapper alone
                     keeps half as well as faces that the generator drew; the program takes as many. Each picture is then
                     worked on as if alone */
    int reserved; /* 0 */
    int pose; /* the head poses of faces: 0: not estimated; 1: where the network fr_pose is among the models; 2: always
               */
    int generator_only; /* 1: of the models the generator alone is loaded, and of codes and pictures in its frame only
                           what draws and paints works: none of the fetched networks need be there */
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

/* Without a generator all are 0 or "". */
typedef struct {
    size_t struct_size;    /* set by the caller to sizeof(idem_info) */
    int size;              /* side of every picture, pixels */
    int identity_dim;      /* numbers in an identity code */
    int attribute_dim;     /* numbers in an attribute code; 0 without a mapper */
    int w_dim;             /* numbers in a code w */
    int layers;            /* rows of a code ws: one w for every layer of the generator */
    int z_dim;             /* numbers in a code z */
    const char *generator; /* 16 hex digits that name its weights, the context's; "": none */
    const char *mapper;    /* the same of the mapper */
} idem_info;

IDEM_API int idem_get_info(const idem_context *context, idem_info *info);

/* ---- while it works ---- */

/* Pictures worked on at once from now on, 1 .. 256; what is ready for another number is made anew. */
IDEM_API int idem_set_batch(idem_context *context, int batch);

/* Gives memory back: what a context made ready for work at first use is freed, and made again when it is used again. */
enum {
    IDEM_FREE_FINDER = 1,     /* what finds faces in photographs */
    IDEM_FREE_PAINTING = 2,   /* what encodes and paints pictures in the frame */
    IDEM_FREE_RECOGNISERS = 4 /* what idem_recognise works with */
};
IDEM_API int idem_free_networks(idem_context *context, int what);

/* Ends the call that the context works on, and every further one, with IDEM_ERROR_INTERRUPTED, until idem_resume. From
 * any thread, and from a signal handler. */
IDEM_API void idem_cancel(idem_context *context);
IDEM_API void idem_resume(idem_context *context);

/* Called by the thread that works when `done` of the `of` pictures of a call are done. It may call idem_cancel, and no
 * other function with this context. NULL: nobody is told. */
typedef void idem_progress_function(void *user, int done, int of);
IDEM_API int idem_set_progress(idem_context *context, idem_progress_function *function, void *user);

/* Where the library may speak, for the whole process: lines on what is no failure but worth knowing (a photograph has
 * further faces, a file is transparent). Set it before contexts are opened; it is called by the threads that work.
 * NULL, as at first: it is silent. */
enum { IDEM_LOG_LINE_NOTE, IDEM_LOG_LINE_WARNING };
typedef void idem_log_function(void *user, int level, const char *line);
IDEM_API void idem_set_log(idem_log_function *function, void *user);

#ifdef __cplusplus
}
#endif

#endif
