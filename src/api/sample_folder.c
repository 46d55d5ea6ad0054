/* The public library's folders of samples, in the layout that training reads (include/idem/compose.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/sampling.h"
#include "base/file.h"
#include "base/status.h"
#include "compose/samples.h"
#include "model/origin.h"
#include "train/run_folder.h"

enum { PATH_BYTES = 4096 };

typedef struct {
    idem_studio *studio;
    const idem_sampling *options;
    char root[PATH_BYTES];   /* DIR/dataset_SIZE */
    float *ws, *pictures;    /* of a batch */
    idem_run_folder *folder; /* two processes would write one file at once */
    int64_t made;
} sample;

static const idem_model_info *about(const sample *a) {
    return idem_studio_about(a->studio);
}

/* ---- places ---- */

static int item_path(char path[PATH_BYTES], const sample *a, const char *kind, int64_t i, const char *suffix) {
    int n =
        snprintf(path, PATH_BYTES, "%s/%s/%05" PRId64 "/%05" PRId64 "%s", a->root, kind, i / 1000 * 1000, i, suffix);
    return n < PATH_BYTES ? 0 : idem_fail("%.100s...: the path is too long", a->root);
}

static int make_folders(const sample *a, int64_t i) {
    char path[PATH_BYTES];
    return item_path(path, a, "images", i, "") || (*strrchr(path, '/') = 0, idem_dir_make(path)) ||
                   item_path(path, a, "ws", i, "") || (*strrchr(path, '/') = 0, idem_dir_make(path))
               ? -1
               : 0;
}

static int is_there(bool *there, const sample *a, int64_t i) {
    char image[PATH_BYTES], code[PATH_BYTES];
    if (item_path(image, a, "images", i, ".png") || item_path(code, a, "ws", i, ".npy"))
        return -1;
    *there = idem_path_exists(image) && idem_path_exists(code);
    return 0;
}

/* The folder's contents by sample.json. NULL with a message. */
static char *claim_text(const sample *a, const char *generator) {
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, a->options->seed);
    json_t *said = json_pack("{s:s, s:s, s:f, s:i}", "generator", generator, "seed", seed, "truncation",
                             a->options->truncation, "cutoff", a->options->cutoff);
    char *text = json_dumps(said, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(said);
    return text ? text : idem_fail_null_as(IDEM_MEMORY, "out of memory for sample.json");
}

/* Earlier versions stored the generator's hash in another form. */
static bool is_same_claim(const sample *a, const char *found) {
    json_t *said = json_loads(found, 0, NULL);
    const char *generator = json_string_value(json_object_get(said, "generator"));
    char *text = generator && idem_model_is(idem_studio_model(a->studio), generator) ? claim_text(a, generator) : NULL;
    const bool same = text && !strcmp(found, text);
    free(text);
    json_decref(said);
    return same;
}

/* Pictures of two seeds in one folder would not be one sample. */
static int say_what_it_holds(const sample *a) {
    char path[PATH_BYTES + 16], *text = claim_text(a, about(a)->hash);
    if (!text)
        return -1;
    snprintf(path, sizeof path, "%s/sample.json", a->root);
    int status = 0;
    if (idem_path_exists(path)) {
        unsigned char *found;
        size_t size;
        status = idem_file_read(path, 4096, &found, &size);
        if (!status && !is_same_claim(a, (const char *)found))
            status = idem_fail("%s: the folder was made with other options: choose another folder, or delete it", path);
        free(found);
    } else {
        status = idem_file_write(path, text, strlen(text));
    }
    free(text);
    return status;
}

/* ---- making ---- */

static int store(sample *a, int64_t i, const float *picture, const float *ws) {
    const idem_model_info *info = about(a);
    char path[PATH_BYTES], index[32], psi[32];
    snprintf(index, sizeof index, "%" PRId64, i);
    snprintf(psi, sizeof psi, "%g", a->options->truncation);
    idem_origin origin;
    idem_origin_by(&origin, IDEM_SOURCE_GENERATED, info->hash, NULL, &a->options->seed); /* made without a mapper */
    idem_origin_add(&origin, "index", index);
    idem_origin_add(&origin, "truncation", psi);
    idem_image im;
    const idem_shape shape = IDEM_SHAPE(info->layers, info->w_dim);
    if (idem_image_from_float(&im, picture, info->size, info->size, 0, 1))
        return -1;
    /* The code first: each existing picture has its code. */
    int status = item_path(path, a, "ws", i, ".npy") || idem_npy_save(path, &shape, ws) ||
                 item_path(path, a, "images", i, ".png") || idem_image_save_png(&im, path, &origin.marks);
    idem_image_free(&im);
    return status ? -1 : 0;
}

static int make_batch(sample *a, int64_t first, int n) {
    const idem_model_info *info = about(a);
    const size_t ws = (size_t)info->layers * (size_t)info->w_dim, picture = (size_t)info->size * (size_t)info->size * 3;
    const idem_sampler_options o = {a->options->seed, a->options->truncation, a->options->cutoff};
    if (idem_samples(a->studio, &o, (uint64_t)first, n, a->ws, a->pictures) || make_folders(a, first) ||
        make_folders(a, first + n - 1))
        return -1;
    for (int i = 0; i < n; i++) {
        bool there;
        if (is_there(&there, a, first + i) ||
            (!there && store(a, first + i, a->pictures + (size_t)i * picture, a->ws + (size_t)i * ws)))
            return -1;
        a->made += !there;
    }
    return 0;
}

static int make_all(sample *a, int count) {
    const int64_t begin = (int64_t)a->options->first, end = begin + count;
    const int batch = idem_studio_batch(a->studio);
    for (int64_t first = begin; first < end; first += batch) {
        int n = end - first < batch ? (int)(end - first) : batch;
        bool all = true;
        for (int i = 0; i < n && all; i++)
            if (is_there(&all, a, first + i))
                return -1;
        if (idem_studio_stopped(a->studio))
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        if (!all && make_batch(a, first, n))
            return -1;
        idem_studio_tell(a->studio, (int)(first - begin) + n, count);
    }
    return 0;
}

static int open_all(sample *a, const char *dir) {
    const idem_model_info *info = about(a);
    const size_t n = (size_t)idem_studio_batch(a->studio);
    int length = snprintf(a->root, sizeof a->root, "%s/dataset_%d", dir, info->size);
    if (length >= (int)sizeof a->root)
        return idem_fail("%.100s...: the path is too long", dir);
    a->ws = malloc(n * (size_t)info->w_dim * (size_t)info->layers * sizeof *a->ws);
    a->pictures = malloc(n * (size_t)info->size * (size_t)info->size * 3 * sizeof *a->pictures);
    if (!a->ws || !a->pictures)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a batch of %zu pictures", n);
    /* The networks first: for a damaged generator no folder is made. */
    return !idem_studio_pipe(a->studio, IDEM_PIPE_MAPPING, 1) || !idem_studio_pipe(a->studio, IDEM_PIPE_LAYERS, 1) ||
                   !(a->folder = idem_run_folder_claim(a->root)) || say_what_it_holds(a)
               ? -1
               : 0;
}

int idem_sample_folder(idem_context *c, const char *dir, const idem_sampling *sampling, int count, int *made) {
    static const char call[] = "idem_sample_folder";
    if (idem_context_check(call, c, dir && sampling, count) || idem_sampling_check(call, sampling) ||
        idem_studio_need(c->studio, false))
        return -1;
    if (sampling->first > INT64_MAX / 4)
        return idem_fail("%s: first is too large", call);
    sample a = {.studio = c->studio, .options = sampling};
    const int status = open_all(&a, dir) || make_all(&a, count) ? -1 : 0;
    if (made)
        *made = (int)a.made;
    free(a.ws);
    free(a.pictures);
    idem_run_folder_release(a.folder);
    return status;
}
