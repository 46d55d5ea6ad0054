#include "train/summary/data.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/status.h"
#include "data/epochs.h"
#include "data/picture_tree.h"
#include "media/format.h"

struct idem_summary_data {
    idem_picture_tree *tree;
    int crop, size;
    uint64_t seed;
    idem_epochs epochs;
    bool *told; /* by file */
    void (*bad)(void *user, const char *why);
    void *user;
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static int cut(const idem_summary_data *d, const idem_image *whole, uint64_t k, idem_image *out) {
    const int side = smaller(d->crop, smaller(whole->width, whole->height));
    idem_rng rng = idem_rng_make(d->seed, "summary.crop");
    rng.counter = 2 * k;
    const int left = (int)(idem_rng_uniform(&rng) * (whole->width - side + 1));
    const int top = (int)(idem_rng_uniform(&rng) * (whole->height - side + 1));
    idem_image square;
    if (idem_image_cut(&square, whole, left, top, side, side))
        return -1;
    const int status = idem_image_resize(out, &square, d->size, d->size);
    idem_image_free(&square);
    return status;
}

void idem_summary_data_watch(idem_summary_data *d, void (*bad)(void *user, const char *why), void *user) {
    d->bad = bad;
    d->user = user;
    for (size_t i = 0; i < idem_picture_tree_bad_count(d->tree) && bad; i++)
        bad(user, idem_picture_tree_bad(d->tree, i));
}

/* Picture k of the stream, or the next readable one. */
static int load(idem_summary_data *d, uint64_t k, idem_image *out) {
    const size_t count = idem_picture_tree_count(d->tree);
    for (size_t tries = 0; tries < count; tries++) {
        const uint32_t file = idem_epochs_item(&d->epochs, k + tries);
        if (!idem_picture_tree_load(d->tree, file, out))
            return 0;
        if (idem_error_kind() != IDEM_INPUT)
            return -1;
        if (d->bad && !d->told[file])
            d->bad(d->user, idem_error());
        d->told[file] = true;
    }
    return -1;
}

int idem_summary_data_take(idem_summary_data *d, uint64_t first, size_t n, float *x) {
    const size_t picture = (size_t)d->size * (size_t)d->size * 3;
    for (size_t i = 0; i < n; i++) {
        idem_image whole, small;
        if (load(d, first + i, &whole))
            return -1;
        int status = cut(d, &whole, first + i, &small);
        idem_image_free(&whole);
        if (status)
            return -1;
        idem_image_to_float(x + i * picture, &small, 0, 1);
        idem_image_free(&small);
    }
    return 0;
}

size_t idem_summary_data_count(const idem_summary_data *d) {
    return idem_picture_tree_count(d->tree);
}

void idem_summary_data_digest(const idem_summary_data *d, char hex[65]) {
    idem_picture_tree_digest(d->tree, hex);
}

static int open_data(idem_summary_data *d, const char *dir) {
    if (!(d->tree = idem_picture_tree_open(dir)))
        return -1;
    const size_t count = idem_summary_data_count(d);
    if (count < 1 || count > UINT32_MAX)
        return idem_fail("%s: %zu pictures (" IDEM_FORMATS ") were found in it, expected at least 1", dir, count);
    if (!(d->told = calloc(count, sizeof *d->told)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", count);
    return idem_epochs_make(&d->epochs, d->seed, "summary.order", NULL, count);
}

idem_summary_data *idem_summary_data_open(const char *dir, int crop, int size, uint64_t seed) {
    idem_summary_data *d = calloc(1, sizeof *d);
    if (!d)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the training data");
    *d = (idem_summary_data){.crop = crop, .size = size, .seed = seed};
    if (open_data(d, dir)) {
        idem_summary_data_free(d);
        return NULL;
    }
    return d;
}

void idem_summary_data_free(idem_summary_data *d) {
    if (!d)
        return;
    idem_picture_tree_free(d->tree);
    idem_epochs_free(&d->epochs);
    free(d->told);
    free(d);
}
