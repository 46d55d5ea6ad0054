#include "data/picture_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "data/picture_tree.h"
#include "model/pipe.h"
#include "media/format.h"

enum { BATCH = 8 };

struct idem_picture_source {
    uint64_t seed;
    size_t next;             /* file or sample */
    size_t told;             /* of the folders that were left out */
    idem_picture_tree *tree; /* of a folder */
    uint32_t *order;
    idem_model *model; /* of a generator */
    idem_pipe *pipe;
    float *z, *drawn; /* of a batch */
};

static int open_folder(idem_picture_source *s, const char *path) {
    if (!(s->tree = idem_picture_tree_open(path)))
        return -1;
    const size_t n = idem_picture_tree_count(s->tree);
    if (n < 1 || n > UINT32_MAX)
        return idem_fail("%s: %zu pictures (" IDEM_FORMATS ") were found in it, expected at least 1", path, n);
    if (!(s->order = malloc(n * sizeof *s->order)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for the order of %zu pictures", n);
    for (size_t i = 0; i < n; i++)
        s->order[i] = (uint32_t)i;
    idem_rng rng = idem_rng_make(s->seed, "source.order");
    idem_rng_shuffle(&rng, s->order, n);
    return 0;
}

static int open_generator(idem_picture_source *s, const char *path, float psi, const idem_plan_options *options) {
    if (!(s->model = idem_model_open(path)) ||
        !(s->pipe = idem_pipe_new(s->model, IDEM_PIPE_SAMPLE, BATCH, psi, options)))
        return -1;
    s->z = malloc(BATCH * idem_pipe_in_size(s->pipe, 0) * sizeof *s->z);
    s->drawn = malloc(BATCH * idem_pipe_out_size(s->pipe, 1) * sizeof *s->drawn);
    return s->z && s->drawn ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for samples");
}

idem_picture_source *idem_picture_source_open(const char *path, float psi, uint64_t seed,
                                              const idem_plan_options *options) {
    idem_picture_source *s = calloc(1, sizeof *s);
    if (!s)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a source of pictures");
    s->seed = seed;
    if (idem_path_is_dir(path) ? open_folder(s, path) : open_generator(s, path, psi, options)) {
        idem_picture_source_free(s);
        return NULL;
    }
    return s;
}

void idem_picture_source_free(idem_picture_source *s) {
    if (!s)
        return;
    idem_pipe_free(s->pipe);
    idem_model_free(s->model);
    idem_picture_tree_free(s->tree);
    free(s->order);
    free(s->z);
    free(s->drawn);
    free(s);
}

size_t idem_picture_source_others(const idem_picture_source *s) {
    return s->tree ? idem_picture_tree_others(s->tree) : 0;
}

size_t idem_picture_source_count(const idem_picture_source *s) {
    return s->tree ? idem_picture_tree_count(s->tree) : SIZE_MAX;
}

int idem_picture_source_side(const idem_picture_source *s) {
    return s->tree ? 0 : idem_model_about(s->model)->size;
}

static int store(const idem_image *im, int size, float *x) {
    idem_image resized = {0};
    if (im->width != size && idem_image_resize_lanczos(&resized, im, size, size))
        return -1;
    idem_image_to_float(x, resized.rgb ? &resized : im, 0, 1);
    idem_image_free(&resized);
    return 0;
}

static int from_folder(idem_picture_source *s, size_t n, int size, float *x, void (*bad)(void *user, const char *why),
                       void *user) {
    const size_t picture = (size_t)size * (size_t)size * 3;
    size_t done = 0;
    for (; bad && s->told < idem_picture_tree_bad_count(s->tree); s->told++)
        bad(user, idem_picture_tree_bad(s->tree, s->told));
    while (done < n && s->next < idem_picture_tree_count(s->tree)) {
        idem_image im;
        if (idem_picture_tree_square(s->tree, s->order[s->next++], size, &im)) {
            if (idem_error_kind() != IDEM_INPUT)
                return -1;
            if (bad)
                bad(user, idem_error());
            continue;
        }
        const int status = store(&im, size, x + done++ * picture);
        idem_image_free(&im);
        if (status)
            return -1;
    }
    return (int)done;
}

static int from_generator(idem_picture_source *s, size_t n, int size, float *x) {
    const int side = idem_model_about(s->model)->size;
    const size_t z_dim = idem_pipe_in_size(s->pipe, 0), own = idem_pipe_out_size(s->pipe, 1);
    const size_t picture = (size_t)size * (size_t)size * 3;
    for (size_t i = 0; i < n; i += BATCH) {
        const size_t some = n - i < BATCH ? n - i : BATCH;
        idem_rng rng = idem_rng_make(s->seed, "source.codes");
        rng.counter = (s->next + i) * 2 * z_dim;
        idem_rng_fill_normal(&rng, s->z, some * z_dim);
        if (idem_pipe_run(s->pipe, some, (const float *const[]){s->z}, (float *const[]){NULL, s->drawn}))
            return -1;
        for (size_t k = 0; k < some; k++) {
            idem_image im;
            if (idem_image_from_float(&im, s->drawn + k * own, side, side, 0, 1))
                return -1;
            const int status = store(&im, size, x + (i + k) * picture);
            idem_image_free(&im);
            if (status)
                return -1;
        }
    }
    s->next += n;
    return (int)n;
}

int idem_picture_source_next(idem_picture_source *s, size_t n, int size, float *x,
                             void (*bad)(void *user, const char *why), void *user) {
    return s->tree ? from_folder(s, n, size, x, bad, user) : from_generator(s, n, size, x);
}
