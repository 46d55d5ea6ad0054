/* Named tensors: the contents of all weight files, trained, checkpointed and shipped in this form. Values are float32
 * for all types of files (bfloat16, half, double, integers are converted). */
#ifndef IDEM_FORMAT_WEIGHTS_H
#define IDEM_FORMAT_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/graph.h"

typedef enum {
    IDEM_DTYPE_F32,
    IDEM_DTYPE_F16,
    IDEM_DTYPE_BF16,
    IDEM_DTYPE_F64,
    IDEM_DTYPE_I64,
    IDEM_DTYPE_I32,
    IDEM_DTYPE_U8,
    IDEM_DTYPE_I8,
    IDEM_DTYPE_I16,
    IDEM_DTYPE_U16,
    IDEM_DTYPE_U32,
    IDEM_DTYPE_U64,
    IDEM_DTYPE_BOOL
} idem_dtype;
const char *idem_dtype_name(idem_dtype t); /* "float32", ... */

typedef struct {
    char *name;
    idem_shape shape;     /* in use: a builder may have removed or added dimensions of 1 */
    idem_shape published; /* as added or read, and as written to files: the same numbers in the same order */
    idem_dtype dtype;     /* of the file */
    float *data;          /* row-major, or channels-last once bound to a graph (see channels_last) */
    bool channels_last;   /* rank 4 only: data is in the engine's memory order */
    bool used;            /* bound by a builder */
} idem_weight;

typedef struct idem_weights idem_weights;

idem_weights *idem_weights_new(void);
void idem_weights_free(idem_weights *w); /* with its tensors' memory */
size_t idem_weights_count(const idem_weights *w);
idem_weight *idem_weights_at(const idem_weights *w, size_t i);           /* in file or insertion order */
idem_weight *idem_weights_find(const idem_weights *w, const char *name); /* NULL, without a message: absent */
/* A zeroed new tensor; NULL with a message if the name exists. Pointers to weights stay valid. */
idem_weight *idem_weights_add(idem_weights *w, const char *name, idem_shape shape);
/* Index of the first number that is not finite, in the present memory order; -1: all are finite. */
int64_t idem_weight_damage(const idem_weight *w);
/* 0, or -1 with a message that names the number. */
int idem_weight_check(const idem_weight *w);
/* Turns a rank-4 tensor into the engine's memory order in place, once. */
int idem_weight_channels_last(idem_weight *w);
/* Row-major copy into out[count], for any present order. */
void idem_weight_read(const idem_weight *w, float *out);
void idem_weight_write(idem_weight *w, const float *rowmajor);
/* 16 hex digits: the sum over tensors of FNV-1a of name, shape and values, so that the order of the tensors in the file
 * does not matter. Before any binding, while all are row-major. */
void idem_weights_hash(char hash[17], const idem_weights *w);
/* The same for selected tensors and for all, in one pass. */
void idem_weights_hash_some(char some[17], char all[17], const idem_weights *w, bool counts(const char *name));
/* String metadata (safetensors' __metadata__): NULL: absent. */
const char *idem_weights_meta(const idem_weights *w, const char *key);
int idem_weights_set_meta(idem_weights *w, const char *key, const char *value);
/* Keeps only the tensors whose names begin with `prefix` ("g_ema."), renamed to the rest of their names; metadata
 * stays. -1 with a message, nothing changed, if there is none. Pointers to the tensors that stay remain valid. */
int idem_weights_select(idem_weights *w, const char *prefix);
/* The same, but also keeps a tensor "NAME" outside the prefix, unless there is one below it. */
int idem_weights_select_with(idem_weights *w, const char *prefix, const char *name);
/* Finds networks by a tensor `sign` of theirs: fills `prefixes` with the prefixes ("", or whole parts that end in '.'
 * or '/') of the first `most` tensors whose names end in it. Returns their total number. */
enum { IDEM_PREFIX_BYTES = 96 };
int idem_weights_prefixes(const idem_weights *w, const char *sign, char (*prefixes)[IDEM_PREFIX_BYTES], int most);
/* Number of tensors whose names begin with `prefix` and are longer. */
size_t idem_weights_below(const idem_weights *w, const char *prefix);
/* Takes the network out of the nested dictionaries of training programs: g_ema, G_ema, params_ema, state_dict,
 * model_ema, model_state_dict, model, and DataParallel's "module." before every name. Other tensors are removed, except
 * the latent_avg of a StyleGAN2 generator. A bare network is unchanged. */
void idem_weights_unwrap(idem_weights *w);
int idem_weights_meta_at(const idem_weights *w, size_t i, const char **key,
                         const char **value); /* -1, without a message: after the end */

/* Loads any known format, recognised by its first bytes: safetensors, PyTorch (zip, or legacy from before 1.6), npy
 * (one tensor, "array"), weights manifest (.json). -1 with a message that names the file's apparent format. A tensor
 * without elements becomes metadata, "empty:NAME" = its shape. Simple values (numbers, strings) in a PyTorch file
 * become metadata too. */
int idem_weights_load(idem_weights **out, const char *path);
/* One format each (bytes already in memory for the fuzzers; `what` names the source in messages). */
int idem_safetensors_parse(idem_weights **out, const unsigned char *bytes, size_t size, const char *what);
int idem_torch_parse(idem_weights **out, const unsigned char *bytes, size_t size, const char *what);
/* Writes safetensors aside-then-rename, row-major; dtype F32, F16 or BF16 for every tensor (round to nearest even). */
int idem_weights_save(const idem_weights *w, const char *path, idem_dtype dtype);

/* Writes a PyTorch checkpoint that torch.load reads, a dictionary of tensors by name. With a wrapper ("g_ema") that
 * dictionary is stored below it, and the latent_avg of a generator beside it: the inverse of idem_weights_unwrap. */
int idem_torch_save(const idem_weights *w, const char *path, idem_dtype dtype, const char *wrapper);

/* .npy, float32 or convertible, C order. */
int idem_npy_load(const char *path, idem_shape *shape, float **data); /* malloc'ed */
int idem_npy_parse(const unsigned char *bytes, size_t size, const char *what, idem_shape *shape, float **data);
int idem_npy_save(const char *path, const idem_shape *shape, const float *data);
/* The weights manifest of the judge (.json beside .bin): quantised uint8 entries are value = q * scale + min. */
int idem_manifest_load(idem_weights **out, const char *json_path);
/* The same from memory: bin is all shards one after the other. */
int idem_manifest_parse(idem_weights **out, const unsigned char *json, size_t json_size, const unsigned char *bin,
                        size_t bin_size, const char *what);
/* The same of a model packed as JavaScript modules, one for the manifest and one for the only shard. */
int idem_manifest_js_load(idem_weights **out, const char *model, const char *shard);
int idem_manifest_js_parse(idem_weights **out, const unsigned char *model, size_t model_size,
                           const unsigned char *shard, size_t shard_size, const char *what);

#endif
