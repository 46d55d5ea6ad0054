#define _GNU_SOURCE /* M_PI */
#include "face/track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"
#include "face/box.h"
#include "face/track_private.h"

static const double least_overlap = 0.15, far_overlap = 0.3;

static void *grown(void *at, size_t *capacity, size_t n, size_t size) {
    if (n < *capacity)
        return at;
    const size_t more = 2 * *capacity + 64;
    void *p = realloc(at, more * size);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    *capacity = more;
    return p;
}

idem_tracks *idem_tracks_new(int width, int height, int dim, const idem_track_options *options) {
    idem_tracks *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    t->options = options ? *options : IDEM_TRACK_DEFAULT;
    t->width = width;
    t->height = height;
    t->dim = dim;
    return t;
}

void idem_tracks_free(idem_tracks *t) {
    if (!t)
        return;
    for (int i = 0; i < t->n_tracks; i++) {
        free(t->tracks[i].sum);
        free(t->tracks[i].last_vector);
        free(t->tracks[i].at);
    }
    for (int i = 0; i < t->n_persons; i++)
        free(t->vectors[i]);
    free(t->vectors);
    free(t->tracks);
    free(t->persons);
    free(t->places);
    free(t->first);
    free(t->cuts);
    free(t);
}

/* ---- linking ---- */

double idem_track_cosine(const float *a, const float *b, int dim) {
    double dot = 0, x = 0, y = 0;
    for (int i = 0; i < dim; i++) {
        dot += (double)a[i] * (double)b[i];
        x += (double)a[i] * (double)a[i];
        y += (double)b[i] * (double)b[i];
    }
    return dot / sqrt(fmax(x * y, 1e-30));
}

/* A track's predicted box. */
static idem_box expected(const idem_track *k, int64_t picture) {
    const idem_seen *last = &k->at[k->n - 1];
    idem_box b = last->box;
    if (k->n >= 2) {
        const idem_seen *before = &k->at[k->n - 2];
        const float ahead = (float)(picture - last->picture) / (float)(last->picture - before->picture);
        const float dx = ((last->box.x0 + last->box.x1) - (before->box.x0 + before->box.x1)) / 2 * ahead;
        const float dy = ((last->box.y0 + last->box.y1) - (before->box.y0 + before->box.y1)) / 2 * ahead;
        b.x0 += dx, b.x1 += dx, b.y0 += dy, b.y1 += dy;
    }
    return b;
}

/* How well a face continues a track; 0: not. */
static double fit(const idem_tracks *t, const idem_track *k, const idem_found *f, const float *vector) {
    const idem_box at = expected(k, t->pictures);
    const double over = fmax(idem_box_overlap(&at, &f->box), idem_box_overlap(&k->at[k->n - 1].box, &f->box));
    const double like =
        fmax(idem_track_cosine(k->sum, vector, t->dim), idem_track_cosine(k->last_vector, vector, t->dim));
    if (over < least_overlap || like < t->options.other)
        return 0;
    if (t->pictures - k->at[k->n - 1].picture > 1 && over < far_overlap && like < t->options.same)
        return 0;
    return over + 1.5 * like;
}

static int extend(idem_tracks *t, idem_track *k, const idem_found *f, const float *vector) {
    idem_seen *at = grown(k->at, &k->capacity, (size_t)k->n, sizeof *at);
    if (!at)
        return -1;
    k->at = at;
    at[k->n] = (idem_seen){.picture = t->pictures, .box = f->box, .score = f->score, .yaw = f->yaw};
    memcpy(at[k->n++].points, f->points, sizeof at->points);
    k->seen++;
    for (int i = 0; i < t->dim + t->options.more; i++)
        k->sum[i] += f->score * vector[i];
    memcpy(k->last_vector, vector, (size_t)t->dim * sizeof *vector);
    return 0;
}

static int begin(idem_tracks *t, const idem_found *f, const float *vector) {
    idem_track *tracks = grown(t->tracks, &t->capacity, (size_t)t->n_tracks, sizeof *tracks);
    if (!tracks)
        return -1;
    t->tracks = tracks;
    idem_track *k = &tracks[t->n_tracks];
    *k = (idem_track){.open = true,
                      .sum = calloc((size_t)(t->dim + t->options.more) + 1, sizeof(float)),
                      .last_vector = calloc((size_t)t->dim + 1, sizeof(float))};
    t->n_tracks++;
    return k->sum && k->last_vector ? extend(t, k, f, vector)
                                    : idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
}

/* The best pairs first. */
static int link_faces(idem_tracks *t, const idem_found *faces, int n, const float *vectors, bool *taken) {
    for (;;) {
        double best = 0;
        idem_track *to = NULL;
        int which = -1;
        for (int i = t->oldest_open; i < t->n_tracks; i++) {
            idem_track *k = &t->tracks[i];
            if (!k->open || k->at[k->n - 1].picture == t->pictures)
                continue;
            for (int f = 0; f < n; f++) {
                const double v =
                    taken[f] ? 0 : fit(t, k, &faces[f], vectors + (size_t)f * (size_t)(t->dim + t->options.more));
                if (v > best) {
                    best = v;
                    to = k;
                    which = f;
                }
            }
        }
        if (!to)
            return 0;
        if (extend(t, to, &faces[which], vectors + (size_t)which * (size_t)(t->dim + t->options.more)))
            return -1;
        taken[which] = true;
    }
}

static void close_old(idem_tracks *t, bool all) {
    for (int i = t->oldest_open; i < t->n_tracks; i++) {
        idem_track *k = &t->tracks[i];
        k->open &= !all && t->pictures - k->at[k->n - 1].picture <= t->options.longest_gap + 1;
    }
    while (t->oldest_open < t->n_tracks && !t->tracks[t->oldest_open].open)
        t->oldest_open++;
}

int idem_tracks_add(idem_tracks *t, const idem_found *faces, int n, const float *vectors, bool cut) {
    bool *taken = calloc((size_t)n + 1, sizeof *taken),
         *cuts = grown(t->cuts, &t->capacity_cuts, (size_t)t->pictures, 1);
    int status = taken && cuts ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    if (cuts) {
        t->cuts = cuts;
        t->cuts[t->pictures] = cut || !t->pictures;
    }
    if (!status) {
        close_old(t, cut);
        status = link_faces(t, faces, n, vectors, taken);
    }
    for (int f = 0; f < n && !status; f++)
        if (!taken[f])
            status = begin(t, &faces[f], vectors + (size_t)f * (size_t)(t->dim + t->options.more));
    free(taken);
    t->pictures += !status;
    return status;
}

bool idem_tracks_is_cut(const idem_tracks *t, int64_t picture) {
    return picture >= 0 && picture < t->pictures && t->cuts[picture];
}

int64_t idem_tracks_pictures(const idem_tracks *t) {
    return t->pictures;
}

void idem_tracks_size(const idem_tracks *t, int *width, int *height) {
    *width = t->width;
    *height = t->height;
}

int idem_tracks_persons(const idem_tracks *t, const idem_track_person **persons) {
    *persons = t->persons;
    return t->n_persons;
}

int idem_tracks_at(const idem_tracks *t, int64_t picture, const idem_track_place **places) {
    if (picture < 0 || picture >= t->pictures || !t->first)
        return 0;
    *places = t->places + t->first[picture];
    return (int)(t->first[picture + 1] - t->first[picture]);
}

/* ---- scenes ---- */

int idem_scene_look(const idem_image *im, float look[IDEM_SCENE_CELLS]) {
    idem_image small;
    if (idem_image_resize_area(&small, im, 16, 9))
        return -1;
    for (int i = 0; i < IDEM_SCENE_CELLS; i++)
        look[i] = small.rgb[i];
    idem_image_free(&small);
    return 0;
}

/* Nearly everything changed, by more than light does: half the cells, each by an eighth of the scale relative to its
 * mean. */
bool idem_scene_is_cut(const float *before, const float *now) {
    static const double much = 24;
    double mean = 0;
    int changed = 0;
    for (int i = 0; i < IDEM_SCENE_CELLS; i++)
        mean += ((double)now[i] - (double)before[i]) / IDEM_SCENE_CELLS;
    for (int i = 0; i < IDEM_SCENE_CELLS; i++)
        changed += fabs((double)now[i] - (double)before[i] - mean) > much;
    return 2 * changed > IDEM_SCENE_CELLS;
}
