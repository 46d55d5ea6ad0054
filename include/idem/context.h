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
    size_t struct_size;    /* set by idem_options_default; keeps old programs compatible with newer libraries */
    const char *generator; /* weights of a StyleGAN2, in any format idem reads; NULL: none, and only functions on
                              photographs, their faces and the recognisers work */
    const char *mapper;    /* a trained mapper; NULL: only idem_sample, idem_generate and idem_encode_identity work */
    const char *models;    /* folder of the recogniser and landmark net; NULL: where `idem model fetch` puts them */
    int threads;           /* 0: OMP_NUM_THREADS, or all cores this process may use; at most 4096 */
    int batch; /* pictures per batch, 1 .. 256; 0: 4. A call costs whole batches: use 1 for single pictures, 8 or more
                  for many */

    /* Networks other than the defaults. A mapper is refused with networks other than those it was trained with. */
    const char *identity_net; /* file of the recogniser: an InceptionResnetV1 or an ONNX network. NULL: the
                                 mapper's, found by its name in `models`; without a mapper fr_feature */
    const char
        *identity_preprocess; /* the recogniser's preprocessing: "fr_feature", "insightface", "facenet" or "vggface2";
                                 NULL: the mapper's, without a mapper the network's own (ONNX has none) */
    const char *
        attribute_net; /* required attribute encoder of the mapper: "resnet18", "resnet50" or "inception3"; NULL: any */
    const char
        *attribute_norm; /* required batch-norm statistics of that encoder: "frozen" or "running"; NULL: either */

    int refine;    /* refinement steps with which idem_compose and idem_compose_photograph fit each result to its two
                      pictures, 0 to 1000; 0: the mapper's answer. The program's default is 25 for photographs: the mapper
                      alone keeps them half as well as faces that the generator drew. With refinement each picture is
                      processed alone */
    int precision; /* IDEM_PRECISION_...: of this context's generator; IDEM_PRECISION_THREAD: idem_set_precision's */
    int pose;      /* head poses of faces; 0: not estimated; 1: estimated if the network fr_pose is among the models; 2:
                      always */
    int generator_only; /* 1: only the generator is loaded, and only sampling and generating work; no fetched network is
                           needed */
} idem_options;

/* Sets all to 0 but struct_size. The program passes the size, so that the library never writes beyond the program's
 * struct. */
IDEM_API void idem_options_init(idem_options *options, size_t struct_size);
static inline void idem_options_default(idem_options *options) {
    idem_options_init(options, sizeof *options);
}

typedef struct idem_context idem_context;

/* Loads all models and checks that they belong together. The strings are not needed afterwards. */
IDEM_API idem_context *idem_open(const idem_options *options);
IDEM_API void idem_close(idem_context *context); /* NULL is allowed */

/* Without a generator all fields are 0 or "". */
typedef struct {
    size_t struct_size;    /* set by the caller to sizeof(idem_info) */
    int size;              /* side of every picture, pixels */
    int identity_dim;      /* numbers in an identity code */
    int attribute_dim;     /* numbers in an attribute code; 0 without a mapper */
    int w_dim;             /* numbers in a code w */
    int layers;            /* rows of a code ws: one w per layer of the generator */
    int z_dim;             /* numbers in a code z */
    const char *generator; /* hash of its weights, 16 hex digits, owned by the context; "": none */
    const char *mapper;    /* the same for the mapper */
} idem_info;

IDEM_API int idem_get_info(const idem_context *context, idem_info *info);

/* ---- while it works ---- */

/* Sets the pictures per batch, 1 .. 256; plans made for another batch size are made again at their next use. */
IDEM_API int idem_set_batch(idem_context *context, int batch);

/* Frees networks that the context prepared at their first use; the next use prepares them again. */
enum {
    IDEM_FREE_FINDER = 1,     /* the networks that find faces in photographs */
    IDEM_FREE_PAINTING = 2,   /* the networks that encode and paint pictures in the frame */
    IDEM_FREE_RECOGNISERS = 4 /* the networks of idem_recognise */
};
IDEM_API int idem_free_networks(idem_context *context, int what);

/* Ends the running call of the context, and every later call, with IDEM_ERROR_INTERRUPTED, until idem_resume. May be
 * called from any thread and from a signal handler. Handlers, whatever they do, need a stack of their own (sigaltstack,
 * SA_ONSTACK; examples/way.c): kernels of oneDNN before 3.11.2 lend the stack pointer to a buffer of the heap, which a
 * handler would overwrite. */
IDEM_API void idem_cancel(idem_context *context);
IDEM_API void idem_resume(idem_context *context);

/* Called by the working thread when `done` of the `of` pictures of a call are done. It may call idem_cancel, and no
 * other function with this context. function may be NULL. */
typedef void idem_progress_function(void *user, int done, int of);
IDEM_API int idem_set_progress(idem_context *context, idem_progress_function *function, void *user);

/* Sets the log of the whole process: lines about what is no failure but worth knowing (a photograph has further faces,
 * a file is transparent). Set it before contexts are opened; working threads call it. NULL, the initial value: no log.
 */
enum { IDEM_LOG_LINE_NOTE, IDEM_LOG_LINE_WARNING };
typedef void idem_log_function(void *user, int level, const char *line);
IDEM_API void idem_set_log(idem_log_function *function, void *user);

#ifdef __cplusplus
}
#endif

#endif
