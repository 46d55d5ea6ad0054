#define _POSIX_C_SOURCE 200809L
#include "data/data_folder.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/status.h"
#include "format/weights.h"
#include "data/epochs.h"
#include "media/image.h"

enum { AHEAD = 4 /* batches decoded early */, NAMED = 10 /* skipped files named in warnings */ };

struct idem_data_reader {
    idem_arena *arena;
    char *root;         /* contains images/ and ws/ */
    const char **stems; /* "00000/00000" */
    uint32_t *held_out, *training;
    size_t count, capacity, incomplete, pairs, n_training;
    bool has_codes;
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
    char *bad[NAMED]; /* files skipped by the thread and not reported yet */
    int n_bad, n_told;
    bool *picture_told, *code_told; /* by index on the list: reported once per file */
    idem_kind failure_kind;
    char *failure; /* the thread's message; NULL: no failure; no later item is decoded */
};

/* ---- listing ---- */

static int add(idem_data_reader *r, const char *folder, const char *stem) {
    if (r->count == r->capacity) {
        size_t more = r->capacity ? 2 * r->capacity : 4096;
        const char **stems = realloc(r->stems, more * sizeof *stems);
        if (!stems)
            return idem_fail_as(IDEM_MEMORY, "out of memory for the list of pictures");
        r->stems = stems;
        r->capacity = more;
    }
    const char *text = idem_arena_printf(r->arena, "%s/%s", folder, stem);
    if (!text)
        return -1;
    r->stems[r->count++] = text;
    return 0;
}

/* A picture without its code, or a code without its picture. */
static void pass_over(idem_data_reader *r, const char *folder, const char *stem, bool code) {
    if (r->incomplete++ < NAMED)
        idem_log(IDEM_LOG_WARNING, "passed over: %s/%s/%s/%s.%s: its %s is missing: %s/%s/%s.%s", r->root,
                 code ? "ws" : "images", folder, stem, code ? "npy" : "png", code ? "picture" : "code",
                 code ? "images" : "ws", folder, stem, code ? "png" : "npy");
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder of images/ or ws/, without the suffix of four letters; none if there is no such folder of ws/. */
static int list_stems(const idem_data_reader *r, const char *folder, bool code, char ***names, size_t *n) {
    char *path = idem_arena_printf(r->arena, "%s/%s/%s", r->root, code ? "ws" : "images", folder);
    *names = NULL;
    *n = 0;
    if (!path || (!(code && !idem_path_is_dir(path)) && idem_dir_list(path, code ? ".npy" : ".png", names, n)))
        return -1;
    for (size_t i = 0; i < *n; i++)
        (*names)[i][strlen((*names)[i]) - 4] = 0;
    if (*n)
        qsort(*names, *n, sizeof **names, by_name); /* "a-1.png" sorts before "a.png", but "a-1" after "a" */
    return 0;
}

static int list_folder(idem_data_reader *r, const char *folder) {
    char **images, **codes = NULL;
    size_t n, m = 0, i = 0, k = 0;
    if (list_stems(r, folder, false, &images, &n))
        return -1;
    int status = list_stems(r, folder, true, &codes, &m);
    while (!status && (i < n || k < m)) {
        int order = i == n ? 1 : k == m ? -1 : strcmp(images[i], codes[k]);
        if (order == 0 || (order < 0 && !r->has_codes))
            status = add(r, folder, images[i]);
        else
            pass_over(r, folder, order < 0 ? images[i] : codes[k], order > 0);
        i += order <= 0;
        k += order >= 0;
    }
    idem_names_free(images, n);
    idem_names_free(codes, m);
    return status;
}

/* Codes of a folder without pictures. */
static int list_lost(idem_data_reader *r, const char *folder) {
    char *images = idem_arena_printf(r->arena, "%s/images/%s", r->root, folder), **codes;
    size_t n;
    if (!images || idem_path_is_dir(images))
        return images ? 0 : -1;
    if (list_stems(r, folder, true, &codes, &n))
        return -1;
    for (size_t i = 0; i < n; i++)
        pass_over(r, folder, codes[i], true);
    idem_names_free(codes, n);
    return 0;
}

static int for_each_folder(idem_data_reader *r, const char *kind, int (*list)(idem_data_reader *, const char *)) {
    char *path = idem_arena_printf(r->arena, "%s/%s", r->root, kind), **folders;
    size_t n;
    int status = path ? idem_dir_list(path, NULL, &folders, &n) : -1;
    if (status)
        return -1;
    for (size_t i = 0; i < n && !status; i++) {
        status = list(r, folders[i]);
        if (status && idem_error_kind() == IDEM_INPUT) { /* a file among the folders, or a locked folder */
            idem_log(IDEM_LOG_WARNING, "passed over: %s", idem_error());
            status = 0;
        }
    }
    idem_names_free(folders, n);
    return status;
}

/* Without any codes, the first request reports the problem. */
static int list_all(idem_data_reader *r) {
    const char *codes = idem_arena_printf(r->arena, "%s/ws", r->root);
    r->has_codes = codes && idem_path_is_dir(codes);
    if (!codes || for_each_folder(r, "images", list_folder) || (r->has_codes && for_each_folder(r, "ws", list_lost)))
        return -1;
    if (r->incomplete)
        idem_log(IDEM_LOG_WARNING,
                 "%s: %zu files are skipped because their picture or code is missing; %zu pictures have their code",
                 r->root, r->incomplete, r->count);
    return 0;
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
            "settings.eval-pairs",
            r->root, r->count, apart, batch);
    uint32_t *all = idem_arena_array(r->arena, r->count, sizeof *all);
    r->picture_told = idem_arena_array(r->arena, r->count, sizeof *r->picture_told);
    r->code_told = idem_arena_array(r->arena, r->count, sizeof *r->code_told);
    if (!all || !r->picture_told || !r->code_told)
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
        return idem_fail_as(IDEM_MEMORY, "out of memory for a file name");
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

/* Called by the decoding thread, which must not log. True: no more pictures are wanted. */
static bool keep_bad(idem_data_reader *r, uint32_t index) {
    pthread_mutex_lock(&r->lock);
    if (!r->picture_told[index] && r->n_bad < NAMED && (r->bad[r->n_bad] = strdup(idem_error())))
        r->n_bad++;
    r->picture_told[index] = true;
    const bool quit = r->quit;
    pthread_mutex_unlock(&r->lock);
    return quit;
}

static void tell_bad(idem_data_reader *r, const char *why) {
    if (r->n_told++ < NAMED)
        idem_log(IDEM_LOG_WARNING, "passed over: %s", why);
    else if (r->n_told == NAMED + 1)
        idem_log(IDEM_LOG_WARNING, "%s: further files are unreadable and not listed", r->root);
}

/* Picture k of the stream, or the next readable one; -1 if there is none. */
static int decode_item(idem_data_reader *r, uint64_t k, uint8_t *rgb) {
    for (size_t tries = 0; tries < r->n_training; tries++) {
        const uint32_t index = idem_epochs_item(&r->pictures, k + tries);
        if (!decode(r, index, rgb))
            return 0;
        if (idem_error_kind() != IDEM_INPUT || keep_bad(r, index))
            return -1;
    }
    return -1;
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
        int status = decode_item(r, k, r->slots + (k % r->n_slots) * r->picture);
        pthread_mutex_lock(&r->lock);
        if (k != r->next + r->filled)
            continue; /* the caller has moved the position */
        if (status) {
            r->failure = strdup(idem_error());
            r->failure_kind = idem_error_kind();
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
    char *bad[NAMED];
    pthread_mutex_lock(&r->lock);
    if (first != r->next) { /* a resumed run, or a repeated iteration */
        r->next = first;
        r->filled = 0;
        free(r->failure);
        r->failure = NULL;
        pthread_cond_broadcast(&r->changed);
    }
    while (r->filled < n && !r->failure && !r->quit)
        pthread_cond_wait(&r->changed, &r->lock);
    if (r->filled < n) {
        status = r->failure ? idem_fail_as(r->failure_kind, "%s", r->failure)
                            : idem_fail_as(IDEM_MEMORY, "out of memory for a message of the decoding thread");
    } else {
        for (size_t i = 0; i < n; i++)
            to_float(x + i * r->picture, r->slots + ((first + i) % r->n_slots) * r->picture, r->picture);
        r->next += n;
        r->filled -= n;
        pthread_cond_broadcast(&r->changed);
    }
    const int n_bad = r->n_bad;
    memcpy(bad, r->bad, sizeof bad);
    r->n_bad = 0;
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < n_bad; i++) {
        tell_bad(r, bad[i]);
        free(bad[i]);
    }
    return status;
}

static int read_code(const idem_data_reader *r, uint32_t index, float *w) {
    size_t length = strlen(r->root) + strlen(r->stems[index]) + sizeof "/ws/.npy";
    char *path = malloc(length);
    if (!path)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a file name");
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
    for (size_t i = 0; i < n; i++) {
        int status = -1;
        for (size_t tries = 0; tries < r->n_training && status; tries++) { /* as for pictures */
            const uint32_t index = idem_epochs_item(&r->codes, first + i + tries);
            status = read_code(r, index, w + i * (size_t)r->w_dim);
            if (status && idem_error_kind() != IDEM_INPUT)
                return -1;
            if (status && !r->code_told[index])
                tell_bad(r, idem_error());
            r->code_told[index] |= status != 0;
        }
        if (status)
            return -1;
    }
    return 0;
}

int idem_data_reader_held_out(idem_data_reader *r, int side, size_t first, size_t n, float *x) {
    if (first + n > r->pairs)
        return idem_fail("%zu pairs are held out, but %zu are requested", r->pairs, first + n);
    uint8_t *rgb = malloc(r->picture);
    int status = rgb ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a picture");
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
        return idem_fail_as(IDEM_INTERNAL, "cannot start the decoding thread");
    r->started = true;
    return 0;
}

idem_data_reader *idem_data_reader_new(const char *dir, int size, int w_dim, uint64_t seed, int batch, int held_out) {
    idem_data_reader *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the training data");
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
    for (int i = 0; i < r->n_bad; i++)
        free(r->bad[i]);
    free(r->failure);
    free(r->stems);
    idem_epochs_free(&r->codes);
    idem_epochs_free(&r->pictures);
    idem_arena_free(r->arena);
    free(r);
}

static void add_file(idem_sha256 *sha, const idem_data_reader *r, const char *kind, size_t i, const char *suffix) {
    char path[4096], text[64];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s/%s%s", r->root, kind, r->stems[i], suffix);
    const int n = snprintf(text, sizeof text, " %jd", stat(path, &st) ? (intmax_t)-1 : (intmax_t)st.st_size);
    idem_sha256_add(sha, text, (size_t)n + 1);
}

void idem_data_reader_digest(const idem_data_reader *r, char hex[65]) {
    idem_sha256 sha = idem_sha256_make();
    for (size_t i = 0; i < r->count; i++) {
        idem_sha256_add(&sha, r->stems[i], strlen(r->stems[i]));
        add_file(&sha, r, "images", i, ".png");
        add_file(&sha, r, "ws", i, ".npy");
    }
    idem_sha256_end(&sha, hex);
}

size_t idem_data_reader_count(const idem_data_reader *r) {
    return r->n_training;
}
