/* Converts a pickle to named tensors, for the zip and the legacy reader of PyTorch files. */
#ifndef IDEM_FORMAT_TORCH_PRIVATE_H
#define IDEM_FORMAT_TORCH_PRIVATE_H

#include "format/pickle.h"
#include "format/weights.h"

enum { IDEM_TORCH_PATH_MOST = 1000 };

/* A tensor that is not yet filled from its storage. */
typedef struct {
    idem_weight *weight;
    const idem_pickle_tensor *tensor;
    size_t order;
} idem_torch_view;

typedef struct {
    const char *what;
    idem_weights *weights;
    size_t file_size, budget; /* of all memory in use */
    size_t inflated, visits;  /* in all */
    idem_torch_view *views;
    size_t n_views, views_capacity;
    char path[IDEM_TORCH_PATH_MOST + 1]; /* keys joined by '.' */
} idem_torch_loader;

/* Adds a zeroed weight for each tensor in the value, and metadata for simple values; then sorts the views by the key of
 * their storage. */
int idem_torch_walk(idem_torch_loader *l, const idem_pickle_value *root);

/* Fills all views of the storage of views[first], whose bytes are data; *next is the first view of the next storage. */
int idem_torch_fill(idem_torch_loader *l, size_t first, size_t *next, const unsigned char *data, size_t size);

/* Copies a strided view out of its storage, row-major. */
void idem_torch_gather(float *out, const unsigned char *storage, const idem_pickle_tensor *t);

int idem_torch_over_budget(const idem_torch_loader *l, const char *name); /* -1 with the message */

enum { IDEM_TORCH_LEGACY_MAGIC = 15 /* bytes */, IDEM_TORCH_LEGACY_VERSION = 1001 };

/* torch_pkl.c: a plain pickle, as NVIDIA's .pkl, into l->weights. */
int idem_torch_read_pkl(idem_torch_loader *l, const unsigned char *bytes, size_t size);

/* -1 unless a legacy file's facts about the machine say little-endian. */
int idem_torch_check_machine(const char *what, const idem_pickle_value *facts);
/* torch_legacy.c: files from before PyTorch 1.6, into l->weights. */
int idem_torch_read_legacy(idem_torch_loader *l, const unsigned char *bytes, size_t size);
/* True for the first bytes of such a file. */
bool idem_torch_is_legacy(const unsigned char *bytes, size_t size);

#endif
