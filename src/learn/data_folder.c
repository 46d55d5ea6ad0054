#define _POSIX_C_SOURCE 200809L
#include "learn/data_folder.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "format/weights.h"
#include "learn/epochs.h"
#include "media/image.h"

enum { AHEAD = 4 /* batches decoded early */ };

struct idem_data_reader {
    idem_arena *arena;
    char *root;         /* holds images/ and ws/ */
    const char **stems; /* "00000/00000" */
    uint32_t *held_out, *training;
    size_t count, pairs, n_training;
    int size, w_dim;
    uint64_t seed;
    size_t picture;
    idem_epochs codes;    /* of the training list; the caller's thread only */
    idem_epochs pictures; /* the decoding thread only */

    /* Slots of decoded items next .. next + filled - 1, item k in slot k mod n_slots. */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, quit;
    uint8_t *slots; /* [n_slots, S, S, 3] */
    size_t n_slots;
    uint64_t next, filled;
    char *failure; /* the thread's message, NULL when all is well; no item behind it is decoded */
};

/* ---- listing ---- */

static int list_folder(idem_data_reader *r, const char *images, const char *folder, size_t *room) {
    char *path = idem_path_join(images, folder), **names;
    size_t n;
    int status = path ? idem_dir_list(path, "png", &names, &n) : -1;
    free(path);
    if (status)
        return -1;
    for (size_t i = 0; i < n && !status; i++) {
        if (r->count == *room) {
            size_t more = *room ? 2 * *room : 4096;
            const char **stems = realloc(r->stems, more * sizeof *stems);
            if (!stems) {
                status = idem_fail("out of memory for the list of pictures");
                break;
            }
            r->stems = stems;
            *room = more;
        }
        names[i][strlen(names[i]) - 4] = 0;
        const char *stem = idem_arena_printf(r->arena, "%s/%s", folder, names[i]);
        if (!stem)
            status = -1;
        else
            r->stems[r->count++] = stem;
    }
    idem_names_free(names, n);
    return status;
}

static int list_all(idem_data_reader *r) {
    char *images = idem_path_join(r->root, "images"), **folders;
    size_t n, room = 0;
    int status = images ? idem_dir_list(images, NULL, &folders, &n) : -1;
    if (!status) {
        for (size_t i = 0; i < n && !status; i++)
            status = list_folder(r, images, folders[i], &room);
        idem_names_free(folders, n);
    }
    free(images);
    return status;
}

/* DIR itself, or the folder dataset_SIZE in it. */
static int find_root(idem_data_reader *r, const char *dir) {
    const char *inner = idem_arena_printf(r->arena, "%s/dataset_%d", dir, r->size), *candidates[2] = {dir, inner};
    for (int i = 0; i < 2 && inner; i++) {
        const char *images = idem_arena_printf(r->arena, "%s/images", candidates[i]);
        if (images && idem_path_is_dir(images))
            return (r->root = idem_arena_strdup(r->arena, candidates[i])) ? 0 : -1;
    }
    return inner ? idem_fail("%s: there is no folder images or dataset_%d/images in it: make data with \"idem sample\"",
                             dir, r->size)
                 : -1;
}

static int split(idem_data_reader *r, int batch, int held_out) {
    size_t apart = 2 * (size_t)held_out;
    if (r->count < apart + (size_t)batch || r->count > UINT32_MAX)
        return idem_fail(
            "%s: holds %zu pictures, needed are %zu for evaluation and at least a batch of %d: sample more, or lower "
            "--eval-pairs",
            r->root, r->count, apart, batch);
    uint32_t *all = idem_arena_array(r->arena, r->count, sizeof *all);
    if (!all)
        return -1;
    for (size_t i = 0; i < r->count; i++)
        all[i] = (uint32_t)i;
    idem_rng rng = idem_rng_make(r->seed, "data.split");
    idem_rng_shuffle(&rng, all, r->count);
    r->held_out = all;
    r->pairs = (size_t)held_out;
    r->training = all + apart;
    r->n_training = r->count - apart;
    return idem_epochs_make(&r->codes, r->seed, "data.codes", r->training, r->n_training) ||
                   idem_epochs_make(&r->pictures, r->seed, "data.pictures", r->training, r->n_training)
               ? -1
               : 0;
}

/* ---- decoding ---- */

static int decode(const idem_data_reader *r, uint32_t index, uint8_t *rgb) {
    char *path = NULL;
    size_t length = strlen(r->root) + strlen(r->stems[index]) + sizeof "/images/.png";
    if (!(path = malloc(length)))
        return idem_fail("out of memory for a file name");
    snprintf(path, length, "%s/images/%s.png", r->root, r->stems[index]);
    idem_image im;
    int status = idem_image_load(&im, path);
    if (!status) {
        if (im.width != r->size || im.height != r->size)
            status =
                idem_fail("%s: is %dx%d, expected %dx%d as the generator makes: take data sampled from this generator",
                          path, im.width, im.height, r->size, r->size);
        else
            memcpy(rgb, im.rgb, r->picture);
        idem_image_free(&im);
    }
    free(path);
    return status;
}

static void to_float(float *x, const uint8_t *rgb, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rgb[i] / 255;
}

static void *decode_ahead(void *arg) {
    idem_data_reader *r = arg;
    pthread_mutex_lock(&r->lock);
    while (!r->quit) {
        if (r->filled == r->n_slots || r->failure) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        uint64_t k = r->next + r->filled;
        pthread_mutex_unlock(&r->lock);
        int status = decode(r, idem_epochs_item(&r->pictures, k), r->slots + (k % r->n_slots) * r->picture);
        pthread_mutex_lock(&r->lock);
        if (k != r->next + r->filled)
            continue; /* the caller has jumped elsewhere */
        if (status) {
            r->failure = strdup(idem_error());
            if (!r->failure)
                r->quit = true;
        } else {
            r->filled++;
        }
        pthread_cond_broadcast(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int idem_data_reader_take(idem_data_reader *r, uint64_t first, size_t n, float *x) {
    int status = 0;
    pthread_mutex_lock(&r->lock);
    if (first != r->next) { /* a resumed run, or an iteration taken again */
        r->next = first;
        r->filled = 0;
        free(r->failure);
        r->failure = NULL;
        pthread_cond_broadcast(&r->changed);
    }
    while (r->filled < n && !r->failure && !r->quit)
        pthread_cond_wait(&r->changed, &r->lock);
    if (r->filled < n) {
        status = idem_fail("%s", r->failure ? r->failure : "out of memory for a message of the decoding thread");
    } else {
        for (size_t i = 0; i < n; i++)
            to_float(x + i * r->picture, r->slots + ((first + i) % r->n_slots) * r->picture, r->picture);
        r->next += n;
        r->filled -= n;
        pthread_cond_broadcast(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return status;
}

static int read_code(const idem_data_reader *r, uint32_t index, float *w) {
    size_t length = strlen(r->root) + strlen(r->stems[index]) + sizeof "/ws/.npy";
    char *path = malloc(length);
    if (!path)
        return idem_fail("out of memory for a file name");
    snprintf(path, length, "%s/ws/%s.npy", r->root, r->stems[index]);
    idem_shape shape;
    float *data = NULL;
    int status = idem_npy_load(path, &shape, &data);
    if (!status) {
        char text[64];
        if (shape.rank < 1 || shape.d[shape.rank - 1] != r->w_dim)
            status =
                idem_fail("%s: has shape %s, expected [layers, %d]", path, idem_shape_text(&shape, text), r->w_dim);
        else
            memcpy(w, data, (size_t)r->w_dim * sizeof *w);
        free(data);
    }
    free(path);
    return status;
}

int idem_data_reader_codes(idem_data_reader *r, uint64_t first, size_t n, float *w) {
    for (size_t i = 0; i < n; i++)
        if (read_code(r, idem_epochs_item(&r->codes, first + i), w + i * (size_t)r->w_dim))
            return -1;
    return 0;
}

int idem_data_reader_held_out(idem_data_reader *r, int side, size_t first, size_t n, float *x) {
    if (first + n > r->pairs)
        return idem_fail("%zu held-out pairs were set apart, %zu are asked for", r->pairs, first + n);
    uint8_t *rgb = malloc(r->picture);
    int status = rgb ? 0 : idem_fail("out of memory for a picture");
    for (size_t i = 0; i < n && !status; i++) {
        status = decode(r, r->held_out[(size_t)side * r->pairs + first + i], rgb);
        if (!status)
            to_float(x + i * r->picture, rgb, r->picture);
    }
    free(rgb);
    return status;
}

/* ---- life ---- */

static int start(idem_data_reader *r, int batch) {
    r->n_slots = AHEAD * (size_t)batch;
    r->slots = idem_arena_array(r->arena, r->n_slots, r->picture);
    if (!r->slots)
        return -1;
    if (pthread_create(&r->thread, NULL, decode_ahead, r))
        return idem_fail("cannot start the decoding thread");
    r->started = true;
    return 0;
}

idem_data_reader *idem_data_reader_new(const char *dir, int size, int w_dim, uint64_t seed, int batch, int held_out) {
    idem_data_reader *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null("out of memory for the training data");
    r->size = size;
    r->w_dim = w_dim;
    r->seed = seed;
    r->picture = (size_t)size * (size_t)size * 3;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->arena = idem_arena_new();
    if (!r->arena || find_root(r, dir) || list_all(r) || split(r, batch, held_out) || start(r, batch)) {
        idem_data_reader_free(r);
        return NULL;
    }
    return r;
}

void idem_data_reader_free(idem_data_reader *r) {
    if (!r)
        return;
    if (r->started) {
        pthread_mutex_lock(&r->lock);
        r->quit = true;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->failure);
    free(r->stems);
    idem_epochs_free(&r->codes);
    idem_epochs_free(&r->pictures);
    idem_arena_free(r->arena);
    free(r);
}

size_t idem_data_reader_count(const idem_data_reader *r) {
    return r->n_training;
}
