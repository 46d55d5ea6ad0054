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

#ifdef __cplusplus
}
#endif

#endif
