/* Model files: the list to fetch from, contents of a file, conversion (part of idem.h). */
#ifndef IDEM_MODELS_H
#define IDEM_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- those that come with idem, and those that can be fetched ---- */

/* Path of a model that comes with idem (IDEM_SHIPPED_...): in models/ of the current folder or beside the program, or
 * in share/idem/models of the installed tree. */
#define IDEM_SHIPPED_GENERATOR "generator-128.safetensors"
#define IDEM_SHIPPED_MAPPER "mapper-128.safetensors"
IDEM_API int idem_find_shipped(const char *file, char *path, size_t path_size);

/* The folder of fetched models, which need not exist: `models` unless NULL, else $IDEM_MODELS, else that of idem's
 * source tree or the user's cache. */
IDEM_API int idem_find_models(const char *models, char *path, size_t path_size);

typedef struct {
    const char *file;         /* file name in the folder */
    const char *sha256;       /* 64 hex digits */
    int64_t bytes;            /* 1 or more */
    const char *member, *url; /* path in the package, NULL: model/FILE; address for models outside packages */
} idem_listed_file;
typedef struct {
    const char *name, *what, *licence, *contract; /* contract: inputs and outputs */
    const char *package, *version;                /* of npm; NULL: each file has a url */
    const idem_listed_file *file;                 /* [files] */
    int files;                                    /* 1 or more */
} idem_listed_model;
typedef struct {
    const idem_listed_model *model; /* [models] */
    int models;
} idem_model_list;

/* The list of models that can be fetched; path: a file in the format of models/registry.json, NULL: idem's list. */
IDEM_API idem_model_list *idem_read_model_list(const char *path);
IDEM_API void idem_free_model_list(idem_model_list *list); /* NULL is allowed */

/* Whether a file of that name with this SHA-256 is in the folder; for a model the worst of its files. -1: the file
 * exists but is unreadable. */
enum { IDEM_LISTED_ABSENT, IDEM_LISTED_OK, IDEM_LISTED_WRONG };
IDEM_API int idem_check_listed_file(const idem_listed_file *file, const char *folder, int *state);
IDEM_API int idem_check_listed_model(const idem_listed_model *model, const char *folder, int *state);

/* ---- what a file holds ---- */

typedef struct {
    const char *name;
    const char *dtype;    /* "float32", "float16", ...; for inputs and outputs of an ONNX model "float" or "integer" */
    int rank;             /* -1: any shape */
    const int64_t *shape; /* [rank]; -1: any size */
} idem_tensor_about;
typedef struct {
    const char *name;   /* "StyleGAN2 generator" */
    const char *prefix; /* prefix of its tensors' names; "" */
    const char *about;  /* size, inputs and outputs in words; the reason if it does not fit */
    int fits;           /* 1: idem can build it */
} idem_network_about;
typedef struct {
    const char *key, *value;
} idem_metadata;
typedef struct {
    const char *name; /* "Conv" */
    int64_t nodes;
} idem_operator_count;

/* Texts are copied from the file: any bytes but 0. */
typedef struct {
    const char *format; /* "safetensors", "PyTorch checkpoint", "ONNX model", "npy array", ... */
    int64_t bytes;
    char sha256[65];
    const char *known; /* "NAME: WHAT" of the model in idem's list that has this SHA-256; NULL: none */

    const idem_network_about *network; /* [networks]: candidates by tensor names */
    size_t networks;
    const idem_tensor_about *tensor; /* [tensors] in the file's order; constants of an ONNX model by name */
    size_t tensors;
    int64_t numbers;               /* sum over all tensors */
    const idem_metadata *metadata; /* [metadata_count]; none of an ONNX model */
    size_t metadata_count;

    int is_onnx; /* 1: the fields below are set */
    const char *producer;
    int64_t opset, ir_version;
    const idem_tensor_about *input, *output; /* [inputs], [outputs] */
    size_t inputs, outputs;
    const idem_operator_count *op; /* [ops] in the order of their first nodes */
    size_t ops;
} idem_contents;

/* Nothing in the file is executed. NULL if it is unreadable or of no format that idem reads. */
IDEM_API idem_contents *idem_inspect(const char *path);
IDEM_API void idem_free_contents(idem_contents *contents); /* NULL is allowed */

/* ---- other formats ---- */

/* The format by file name: .safetensors; .pt and .pth. */
enum { IDEM_WEIGHTS_UNKNOWN, IDEM_WEIGHTS_SAFETENSORS, IDEM_WEIGHTS_TORCH };
IDEM_API int idem_weights_format(const char *path);

typedef struct {
    size_t struct_size; /* set by idem_convert_options_default */
    int half;           /* 1: float16 instead of float32 */
    double spread;      /* for a generator with its mean w: factor on every w's distance from the mean, above 0 */
    int frame; /* 1: for a generator: find where the face is in its pictures, and store it. Needs the networks for that
                  in `models`; this and the next three need safetensors */
    const char *licence; /* metadata; NULL: unchanged */
    const char *origin;
    const char *models; /* folder; NULL: where `idem model fetch` puts them */
} idem_convert_options;
/* float32, spread 1. */
IDEM_API void idem_convert_options_init(idem_convert_options *options, size_t struct_size);
static inline void idem_convert_options_default(idem_convert_options *options) {
    idem_convert_options_init(options, sizeof *options);
}

/* Writes the network of a file without enclosing dictionaries. Reads safetensors, PyTorch, StyleGAN2-ADA's .pkl, the
 * constants of an ONNX model, a weights manifest, .npy. In PyTorch format a StyleGAN2 generator becomes {'g_ema',
 * 'latent_avg'} with the names of the widespread conversion, anything else a dictionary of tensors. options NULL: the
 * default; tensors: number written, may be NULL. */
IDEM_API int idem_convert(const idem_convert_options *options, const char *from, const char *to, size_t *tensors);

#ifdef __cplusplus
}
#endif

#endif
