#include "measure/gallery.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"
#include "face/embed.h"
#include "face/photo.h"
#include "nets/judge.h"

enum { SIDE = 192 }; /* frames large enough for the recognisers' crops */

typedef struct {
    idem_finder *finder;
    idem_embedder *embedder;
    idem_ahead *ahead;
} tools;

/* ---- one photograph ---- */

static int reserve(idem_gallery *g, int n) {
    if (n <= g->capacity)
        return 0;
    const size_t capacity = (size_t)(n > 2 * g->capacity ? n : 2 * g->capacity);
    idem_gallery_face *faces = realloc(g->faces, capacity * sizeof *faces);
    g->faces = faces ? faces : g->faces;
    float *feature = realloc(g->feature, capacity * (size_t)g->dim * sizeof *feature);
    g->feature = feature ? feature : g->feature;
    float *judge = realloc(g->judge, capacity * IDEM_JUDGE_DIM * sizeof *judge);
    g->judge = judge ? judge : g->judge;
    if (!faces || !feature || !judge)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the vectors of %zu faces", capacity);
    g->capacity = (int)capacity;
    return 0;
}

static int add_face(idem_gallery *g, const tools *t, const idem_photo *photo, int face) {
    const float(*points)[2] = (const float(*)[2])photo->faces[face].points;
    idem_crop frame;
    const size_t row = (size_t)g->rows;
    if (reserve(g, g->rows + 1) || idem_align_frame(&frame, points, photo->width, photo->height) ||
        idem_embedder_run(t->embedder, &photo->image, points, g->feature + row * (size_t)g->dim,
                          g->judge + row * IDEM_JUDGE_DIM))
        return -1;
    g->faces[g->rows++] = (idem_gallery_face){.face = face, .outside = idem_align_outside(&frame)};
    return 0;
}

static int add_faces(idem_gallery *g, const tools *t, idem_gallery_picture *p, const idem_photo *photo) {
    p->found = photo->n;
    p->first = g->rows;
    if (photo->n == 0)
        return idem_fail("%s: no face found, nothing to compare", p->path);
    if (photo->n > 1 && p->which >= photo->n)
        return idem_fail("%s: has %d faces, face %d was asked for", p->path, photo->n, p->which + 1);
    const bool all = p->which == IDEM_GALLERY_ALL;
    const int first = all || photo->n == 1 ? 0 : p->which, n = all ? photo->n : 1;
    for (int i = 0; i < n; i++)
        if (add_face(g, t, photo, first + i)) {
            g->rows = p->first;
            return idem_fail_more("%s: %s", p->path, idem_error());
        }
    p->n = n;
    return 0;
}

static int wanted(const idem_gallery_picture *p) {
    return p->which == IDEM_GALLERY_ALL ? INT_MAX : p->which + 1;
}

/* Among many, an unusable picture is skipped. */
static int read_one(idem_gallery *g, const tools *t, idem_gallery_picture *p, const idem_gallery_options *o) {
    idem_photo photo;
    int status =
        idem_photo_next(&photo, t->ahead) || idem_photo_find(&photo, t->finder, p->path, SIDE, wanted(p)) ? -1 : 0;
    if (!status) {
        status = add_faces(g, t, p, &photo);
        idem_photo_close(&photo);
    } else {
        p->found = -1;
    }
    if (!status || o->strict || idem_error_kind() != IDEM_INPUT)
        return status;
    if (o->bad)
        o->bad(o->user, idem_error());
    g->unreadable += p->found != 0;
    return 0;
}

/* ---- all ---- */

static int read_all(idem_gallery *g, const tools *t, const idem_gallery_options *o) {
    for (int i = 0; i < g->n; i++) {
        if (o->plan.stop && *o->plan.stop)
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        if (read_one(g, t, &g->pictures[i], o))
            return -1;
        if (o->progress)
            o->progress(o->user, i + 1, g->n);
    }
    return 0;
}

static int open_tools(tools *t, const idem_gallery_options *o) {
    t->finder = idem_finder_open(o->models, false, &o->plan);
    t->embedder = t->finder ? idem_embedder_open(o->models, true, &o->plan) : NULL;
    return t->embedder ? 0 : -1;
}

int idem_gallery_read(idem_gallery *g, const idem_gallery_options *options) {
    const char **paths = calloc((size_t)g->n + 1, sizeof *paths);
    if (!paths)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", g->n);
    for (int i = 0; i < g->n; i++)
        paths[i] = g->pictures[i].path;
    tools t = {0};
    if (!open_tools(&t, options)) {
        g->dim = idem_embedder_dim(t.embedder);
        t.ahead = idem_photo_ahead(paths, (size_t)g->n, g->n ? wanted(&g->pictures[0]) : 1);
    }
    const int status = t.ahead ? read_all(g, &t, options) : -1;
    idem_ahead_free(t.ahead);
    idem_embedder_free(t.embedder);
    idem_finder_free(t.finder);
    free(paths);
    return status;
}

void idem_gallery_free(idem_gallery *g) {
    free(g->faces);
    free(g->feature);
    free(g->judge);
    g->faces = NULL;
    g->feature = g->judge = NULL;
    g->rows = g->capacity = 0;
}

/* ---- pairs ---- */

static double cosine(const float *rows, int dim, int i, int k) {
    const float *a = rows + (size_t)i * (size_t)dim, *b = rows + (size_t)k * (size_t)dim;
    double sum = 0;
    for (int at = 0; at < dim; at++)
        sum += (double)a[at] * (double)b[at];
    return sum;
}

static idem_gallery_pair pair_of(const idem_gallery *g, int i, int k) {
    return (idem_gallery_pair){
        .row = {i, k}, .feature = cosine(g->feature, g->dim, i, k), .judge = cosine(g->judge, IDEM_JUDGE_DIM, i, k)};
}

idem_gallery_pair idem_gallery_first(const idem_gallery *g, const idem_gallery_picture *a,
                                     const idem_gallery_picture *b) {
    return pair_of(g, a->first, b->first);
}

idem_gallery_pair idem_gallery_best(const idem_gallery *g, const idem_gallery_picture *a,
                                    const idem_gallery_picture *b) {
    idem_gallery_pair best = idem_gallery_first(g, a, b);
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < b->n; k++) {
            const idem_gallery_pair other = pair_of(g, a->first + i, b->first + k);
            if (other.feature > best.feature)
                best = other;
        }
    return best;
}
