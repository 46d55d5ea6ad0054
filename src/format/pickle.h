/* Reads Python pickles of plain data and PyTorch tensors without running any code: a small machine with the opcodes of
 * torch.save and a fixed list of names. Other names are refused with a message that names them. Depth, memory and work
 * are bounded by the size of the input.
 *
 * Names on the list: collections.OrderedDict, torch._utils._rebuild_tensor_v2, _rebuild_tensor, _rebuild_parameter and
 * _rebuild_parameter_with_state, torch.nn.parameter.Parameter, torch.Size, torch.*Storage; argparse.Namespace and
 * dnnlib.util.EasyDict (read as plain dictionaries); torch.storage._load_from_bytes (a tensor's numbers inside the
 * pickle); torch_utils.persistence._reconstruct_persistent_obj (a module with its source text: the text is skipped, the
 * module becomes the dictionary of its parameters, buffers and modules); set, NumPy scalars (skipped). */
#ifndef IDEM_FORMAT_PICKLE_H
#define IDEM_FORMAT_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "format/weights.h"

typedef enum {
    IDEM_PICKLE_NONE,
    IDEM_PICKLE_BOOL,
    IDEM_PICKLE_INT,
    IDEM_PICKLE_FLOAT,
    IDEM_PICKLE_STRING,
    IDEM_PICKLE_TUPLE,
    IDEM_PICKLE_LIST,
    IDEM_PICKLE_DICT,
    IDEM_PICKLE_TENSOR,
    IDEM_PICKLE_OPAQUE, /* a set, a NumPy scalar: ignored */
    /* only inside the machine */
    IDEM_PICKLE_STORAGE,
    IDEM_PICKLE_GLOBAL,
    IDEM_PICKLE_MARK,
} idem_pickle_kind;

typedef struct idem_pickle_value idem_pickle_value;

/* Items of a tuple or list; of a dictionary key, value, key, value, ... */
typedef struct {
    size_t count, capacity;
    idem_pickle_value *item;
    bool open; /* accepts attributes: argparse.Namespace */
} idem_pickle_items;

/* An array of numbers stored elsewhere in the file, named by its key. */
typedef struct idem_pickle_storage {
    const char *key; /* NUL-terminated */
    idem_dtype dtype;
    int64_t count;
    const unsigned char *data;              /* count numbers, if the pickle itself holds them; else NULL */
    const struct idem_pickle_storage *next; /* the one mentioned before */
} idem_pickle_storage;

/* A strided view; checked to lie inside its storage. Dimensions may be 0. */
typedef struct {
    const idem_pickle_storage *storage;
    int64_t offset;
    idem_shape shape;
    int64_t stride[IDEM_MAX_RANK];
} idem_pickle_tensor;

struct idem_pickle_value {
    idem_pickle_kind kind;
    uint32_t length; /* of s */
    union {
        int64_t i;
        double f;
        const char *s; /* points into the pickle, not NUL-terminated */
        idem_pickle_items *items;
        const idem_pickle_storage *storage;
        const idem_pickle_tensor *tensor;
    };
};

typedef struct {
    idem_pickle_value root;
    size_t used;                         /* bytes of the pickle */
    size_t n_storages;                   /* mentions of storages, used or not */
    const idem_pickle_storage *storages; /* the last mentioned */
} idem_pickle;

/* Reads one pickle; the values live in the arena and in bytes. */
int idem_pickle_read(idem_arena *arena, idem_pickle *out, const unsigned char *bytes, size_t size, const char *what);

#endif
