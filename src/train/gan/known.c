#define _POSIX_C_SOURCE 200809L
#include "train/gan/known.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "data/epochs.h"
#include "model/painter.h"
#include "train/gan/graph.h"
#include "train/gan/mapping.h"
#include "train/gan/sampler.h"

enum {
    HASH = 64,
    BEFORE_HASHES = 16,
    HEAD = BEFORE_HASHES + 2 * HASH
}; /* bytes; BEFORE_HASHES: of the header before its hashes */
static const char MAGIC[] = "IDEMKNOW";
#define WS "known.ws"
#define MEAN_SQUARE "known.v"
#define KEPT 0.99   /* of the mean square */
#define LEAST 1e-12 /* root of a mean square of gradients; smaller ones do not move codes */

struct idem_gan_known {
    idem_gan_data *data;
    idem_gan_known_options o; /* its strings belong to the caller; valid only while opening */
    size_t width, count;      /* floats per code; pictures */
    float *found;             /* [count, width] */
    float *ws;                /* `found`, or a tensor's that move */
    float *mean_square;       /* [width], of gradients; NULL: codes do not move */
    float *deviation;         /* [width], of codes as they were found */
    idem_epochs epochs;
};

/* ---- the file ---- */

static void number(unsigned char *to, uint32_t n) {
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(n >> (8 * i));
}

static void head_of(const idem_gan_known *k, const char *networks, unsigned char head[HEAD]) {
    memcpy(head, MAGIC, 8);
    number(head + 8, (uint32_t)k->o.layers);
    number(head + 12, (uint32_t)k->o.w_dim);
    memcpy(head + BEFORE_HASHES, idem_gan_data_hash(k->data), HASH);
    memcpy(head + BEFORE_HASHES + HASH, networks, HASH);
}

static void hash_networks(const idem_gan_known *k, const idem_model *m, char hash[HASH + 1]) {
    const idem_model_info *about = idem_model_about(m);
    char text[256];
    const int n = snprintf(text, sizeof text, "%s %s %d", about->hash, about->mapper ? about->mapper : "", k->o.steps);
    idem_sha256 sha = idem_sha256_make();
    idem_sha256_add(&sha, text, (size_t)n);
    idem_sha256_end(&sha, hash);
}

static int cannot_write(const char *file) {
    return idem_fail("%s: cannot write: %s", file, strerror(errno));
}

/* The number of codes in the file, or -1. networks NULL: by any networks. */
static int64_t read_codes(idem_gan_known *k, FILE *f, const char *file, const char *networks) {
    unsigned char head[HEAD], expected[HEAD];
    const size_t got = fread(head, 1, HEAD, f);
    if (!got)
        return 0;
    head_of(k, networks ? networks : (const char *)head + BEFORE_HASHES + HASH, expected);
    if (got < HEAD || memcmp(head, expected, HEAD) != 0)
        return idem_fail(
            "%s: these codes are not of these pictures in this order, this generator, this mapper and these "
            "steps; delete the file, and they are computed again",
            file);
    return (int64_t)fread(k->found, k->width * sizeof *k->ws, k->count, f);
}

/* ---- the codes ---- */

/* One of the two: the mapper's answer as it is, or refined. */
typedef struct {
    idem_pipe *map;
    idem_painter *painter;
} maker;

static maker open_maker(const idem_gan_known *k, idem_model *m) {
    return k->o.steps ? (maker){.painter = idem_painter_new(m, 1, k->o.steps, &k->o.plan)}
                      : (maker){.map = idem_pipe_new(m, IDEM_PIPE_COMPOSE, 1, 1, &k->o.plan)};
}

static int make_code(const idem_gan_known *k, const maker *by, const float *x, float *ws) {
    if (by->painter)
        return idem_painter_codes(by->painter, 1, &(idem_pair){.x_id = x, .x_attr = x}, ws, NULL);
    if (idem_pipe_run(by->map, 1, (const float *const[]){x, x}, (float *const[]){ws, NULL}))
        return -1;
    for (int layer = 1; layer < k->o.layers; layer++)
        memcpy(ws + (size_t)(layer * k->o.w_dim), ws, (size_t)k->o.w_dim * sizeof *ws);
    return 0;
}

static int make_codes(idem_gan_known *k, idem_model *m, FILE *f, const char *file, size_t done) {
    const size_t size = (size_t)idem_model_about(m)->size, numbers = size * size * 3;
    float *x = malloc(numbers * sizeof *x);
    const maker by = x ? open_maker(k, m) : (maker){0};
    int status = by.map || by.painter ? 0 : x ? -1 : idem_fail_as(IDEM_MEMORY, "out of memory for a picture");
    for (size_t i = done; i < k->count && !status; i++) {
        idem_gan_data_look(k->data, false, i, 1, x);
        for (size_t j = 0; j < numbers; j++)
            x[j] = x[j] * 0.5f + 0.5f;
        float *ws = k->found + i * k->width;
        status = make_code(k, &by, x, ws);
        if (!status && (fwrite(ws, sizeof *ws, k->width, f) < k->width || fflush(f)))
            status = cannot_write(file);
        if (!status && k->o.progress)
            k->o.progress(k->o.user, i + 1, k->count);
        if (!status && k->o.stop && *k->o.stop)
            status = idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    }
    idem_painter_free(by.painter);
    idem_pipe_free(by.map);
    free(x);
    return status;
}

static int open_model(const idem_gan_known *k, idem_model **m) {
    if (!(*m = idem_model_open(k->o.generator)) || idem_model_load_mapper(*m, k->o.mapper) ||
        idem_model_load_frozen(*m, NULL))
        return -1;
    const idem_model_info *about = idem_model_about(*m);
    if (about->size != idem_gan_data_side(k->data) || about->layers != k->o.layers || about->w_dim != k->o.w_dim)
        return idem_fail("%s: makes pictures of %d px from codes of %d x %d, expected %d px and %d x %d, as the "
                         "generator in training does",
                         k->o.generator, about->size, about->layers, about->w_dim, idem_gan_data_side(k->data),
                         k->o.layers, k->o.w_dim);
    return 0;
}

/* Computes the codes after the first `have`. */
static int make_rest(idem_gan_known *k, idem_model *m, const char *networks, size_t have, FILE *f, const char *file) {
    unsigned char head[HEAD];
    head_of(k, networks, head);
    /* An incomplete row is overwritten. */
    if (fseek(f, 0, SEEK_SET) || fwrite(head, 1, HEAD, f) < HEAD ||
        fseek(f, (long)(HEAD + have * k->width * sizeof *k->found), SEEK_SET))
        return cannot_write(file);
    return make_codes(k, m, f, file, have);
}

static int complete_by_mapper(idem_gan_known *k, FILE *f, const char *file) {
    idem_model *m = NULL;
    char networks[HASH + 1];
    int64_t have = -1;
    if (!open_model(k, &m)) {
        hash_networks(k, m, networks);
        have = read_codes(k, f, file, networks);
    }
    const int status = have < 0 ? -1 : make_rest(k, m, networks, (size_t)have, f, file);
    idem_model_free(m);
    return status;
}

static int expect_all(idem_gan_known *k, FILE *f, const char *file) {
    const int64_t have = read_codes(k, f, file, NULL);
    if (have < 0 || (size_t)have == k->count)
        return have < 0 ? -1 : 0;
    return idem_fail("%s: has the codes of %" PRId64 " of %zu pictures; set options.mapper to the one that makes the "
                     "others",
                     file, have, k->count);
}

static int open_known(idem_gan_known *k, const char *file) {
    k->count = idem_gan_data_count(k->data);
    k->width = (size_t)k->o.layers * (size_t)k->o.w_dim;
    if (!(k->ws = k->found = malloc(k->count * k->width * sizeof *k->found)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for the codes of %zu pictures", k->count);
    const int fd = open(file, O_RDWR | (k->o.mapper ? O_CREAT : 0) | O_CLOEXEC, 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r+b");
    if (!f) {
        if (fd >= 0)
            close(fd);
        return idem_fail("%s: cannot open: %s", file, strerror(errno));
    }
    int status = (k->o.mapper ? complete_by_mapper : expect_all)(k, f, file);
    if (fclose(f) && !status)
        status = cannot_write(file);
    return status ? -1 : idem_epochs_make(&k->epochs, k->o.seed, "gan.known", NULL, k->count);
}

int idem_gan_known_check(const char *generator, const char *mapper) {
    idem_model *m = idem_model_open(generator);
    const int status = m && !idem_model_load_mapper(m, mapper) ? 0 : -1;
    idem_model_free(m);
    return status;
}

idem_gan_known *idem_gan_known_open(idem_gan_data *d, const char *file, const idem_gan_known_options *o) {
    idem_gan_known *k = calloc(1, sizeof *k);
    if (!k)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for codes");
    *k = (idem_gan_known){.data = d, .o = *o};
    if (!open_known(k, file))
        return k;
    idem_gan_known_free(k);
    return NULL;
}

void idem_gan_known_free(idem_gan_known *k) {
    if (!k)
        return;
    idem_epochs_free(&k->epochs);
    free(k->found);
    free(k->deviation);
    free(k);
}

void idem_gan_known_take(idem_gan_known *k, uint64_t first, size_t n, float *ws, float *pictures) {
    const size_t side = (size_t)idem_gan_data_side(k->data), picture = side * side * 3;
    for (size_t i = 0; i < n; i++) {
        const size_t item = idem_epochs_item(&k->epochs, first + i);
        memcpy(ws + i * k->width, k->ws + item * k->width, k->width * sizeof *ws);
        idem_gan_data_look(k->data, false, item, 1, pictures + i * picture);
    }
}

/* ---- codes that move ---- */

static int measure_deviations(idem_gan_known *k) {
    k->deviation = malloc(k->width * sizeof *k->deviation);
    double *mean = calloc(2 * k->width, sizeof *mean), *square = mean ? mean + k->width : NULL;
    if (!k->deviation || !mean) {
        free(mean);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the deviations of codes");
    }
    const double n = (double)k->count;
    for (size_t i = 0; i < k->count; i++)
        for (size_t j = 0; j < k->width; j++)
            mean[j] += (double)k->found[i * k->width + j] / n;
    for (size_t i = 0; i < k->count; i++)
        for (size_t j = 0; j < k->width; j++) {
            const double off = (double)k->found[i * k->width + j] - mean[j];
            square[j] += off * off / n;
        }
    for (size_t j = 0; j < k->width; j++)
        k->deviation[j] = (float)sqrt(square[j]);
    free(mean);
    return 0;
}

static int add_tensors(const idem_gan_known *k, idem_weights *w) {
    idem_weight *ws = idem_weights_add(w, WS, IDEM_SHAPE((int64_t)k->count, k->o.layers, k->o.w_dim));
    if (!ws || !idem_weights_add(w, MEAN_SQUARE, IDEM_SHAPE(k->o.layers, k->o.w_dim)))
        return -1;
    memcpy(ws->data, k->found, k->count * k->width * sizeof *ws->data);
    return 0;
}

int idem_gan_known_keep(idem_gan_known *k, idem_weights *w, bool move) {
    if (!idem_weights_find(w, WS)) {
        if (!move)
            return 0;
        if (add_tensors(k, w))
            return -1;
    }
    idem_weight *ws = idem_weights_find(w, WS), *square = idem_weights_find(w, MEAN_SQUARE);
    if (!square || idem_shape_count(&ws->shape) != (int64_t)(k->count * k->width) ||
        idem_shape_count(&square->shape) != (int64_t)k->width)
        return idem_fail("the checkpoint's tensors " WS " and " MEAN_SQUARE " are not codes of these %zu pictures",
                         k->count);
    k->ws = ws->data;
    k->mean_square = square->data;
    return move ? measure_deviations(k) : 0;
}

void idem_gan_known_move(idem_gan_known *k, uint64_t first, size_t n, const float *slope, double rate, int64_t steps) {
    const double left = 1 - pow(KEPT, (double)(steps + 1));
    for (size_t j = 0; j < n * k->width; j++)
        if (!isfinite(slope[j]))
            return;
    for (size_t j = 0; j < k->width; j++) {
        double square = 0;
        for (size_t i = 0; i < n; i++)
            square += (double)slope[i * k->width + j] * (double)slope[i * k->width + j] / (double)n;
        k->mean_square[j] = (float)(KEPT * (double)k->mean_square[j] + (1 - KEPT) * square);
    }
    for (size_t i = 0; i < n; i++) {
        float *ws = k->ws + idem_epochs_item(&k->epochs, first + i) * k->width;
        for (size_t j = 0; j < k->width; j++) {
            const double scale = rate * (double)k->deviation[j] / (sqrt((double)k->mean_square[j] / left) + LEAST);
            ws[j] -= (float)(scale * (double)slope[i * k->width + j]);
        }
    }
}

/* ---- codes at random ---- */

int idem_gan_known_fit(const idem_gan_known *k, idem_weights *w) {
    const size_t layers = (size_t)k->o.layers, width = (size_t)k->o.w_dim;
    double *mean = calloc(k->count * width, sizeof *mean);
    if (!mean)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the means of codes");
    for (size_t i = 0; i < k->count; i++)
        for (size_t j = 0; j < layers * width; j++)
            mean[i * width + j % width] += (double)k->ws[i * k->width + j] / (double)layers;
    const int status =
        idem_gan_mapping_fit(w, IDEM_GAN_G, mean, k->count) || idem_gan_mapping_fit(w, IDEM_GAN_AVERAGE, mean, k->count)
            ? -1
            : 0;
    free(mean);
    return status;
}
