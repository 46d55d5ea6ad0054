/* From linked faces to persons and places: bridging, joining, smoothing. */
#define _GNU_SOURCE /* M_PI */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"
#include "face/box.h"
#include "face/track_private.h"

/* ---- gaps ---- */

static void between(idem_seen *to, const idem_seen *a, const idem_seen *b) {
    const float t = (float)(to->picture - a->picture) / (float)(b->picture - a->picture);
    to->box = idem_box_between(&a->box, &b->box, (double)t);
    to->yaw = a->yaw + t * (b->yaw - a->yaw);
    to->gap = (int)(b->picture - a->picture - 1);
    for (int i = 0; i < IDEM_POINTS; i++)
        for (int c = 0; c < 2; c++)
            to->points[i][c] = a->points[i][c] + t * (b->points[i][c] - a->points[i][c]);
}

/* Longer gaps ended the track when it was linked. */
static int bridge(idem_track *k) {
    const int64_t first = k->at[0].picture, n = k->at[k->n - 1].picture - first + 1;
    idem_seen *all = calloc((size_t)n, sizeof *all);
    if (!all)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    for (int i = 0; i < k->n; i++) {
        all[k->at[i].picture - first] = k->at[i];
        for (int64_t p = i ? k->at[i - 1].picture + 1 : k->at[i].picture; p < k->at[i].picture; p++) {
            all[p - first].picture = p;
            between(&all[p - first], &k->at[i - 1], &k->at[i]);
        }
    }
    free(k->at);
    k->at = all;
    k->n = (int)n;
    return 0;
}

/* ---- persons ---- */

static bool together(const idem_track *a, const idem_track *b) {
    return a->at[0].picture <= b->at[b->n - 1].picture && b->at[0].picture <= a->at[a->n - 1].picture;
}

static bool persons_meet(const idem_tracks *t, int p, int q) {
    for (int i = 0; i < t->n_tracks; i++)
        for (int j = 0; j < t->n_tracks; j++)
            if (t->tracks[i].person == p && t->tracks[j].person == q && together(&t->tracks[i], &t->tracks[j]))
                return true;
    return false;
}

/* Joins the most similar two first, as long as they are similar enough and never seen together. sums [tracks][dim]. */
static void join_persons(idem_tracks *t, float *const *sums, double same) {
    for (;;) {
        double best = same;
        int p = -1, q = -1;
        for (int i = 0; i < t->n_tracks; i++)
            for (int j = i + 1; j < t->n_tracks; j++) {
                if (t->tracks[i].person != i || t->tracks[j].person != j)
                    continue; /* not the first of its person */
                const double like = idem_track_cosine(sums[i], sums[j], t->dim);
                if (like >= best && !persons_meet(t, i, j)) {
                    best = like;
                    p = i;
                    q = j;
                }
            }
        if (p < 0)
            return;
        for (int i = 0; i < t->n_tracks; i++)
            if (t->tracks[i].person == q)
                t->tracks[i].person = p;
        for (int i = 0; i < t->dim + t->options.more; i++)
            sums[p][i] += sums[q][i];
    }
}

typedef struct {
    idem_track_person about;
    int was;
} ranked;

static int more_first(const void *a, const void *b) {
    const ranked *p = a, *q = b;
    return p->about.area != q->about.area ? (p->about.area < q->about.area) - (p->about.area > q->about.area)
                                          : (p->was > q->was) - (p->was < q->was);
}

static double area_of(const idem_tracks *t, const idem_seen *s) {
    const double side = idem_align_side(&s->frame, t->width, t->height);
    return side * side;
}

static void normalise(float *to, const float *from, int n) {
    double squares = 0;
    for (int i = 0; i < n; i++)
        squares += (double)from[i] * (double)from[i];
    for (int i = 0; i < n; i++)
        to[i] = (float)((double)from[i] / sqrt(fmax(squares, 1e-30)));
}

static int rank(idem_tracks *t, float *const *sums, ranked *list) {
    int n = 0;
    for (int i = 0; i < t->n_tracks; i++) {
        if (t->tracks[i].person != i)
            continue;
        ranked r = {.about = {.first = INT64_MAX, .last = -1}, .was = i};
        for (int j = 0; j < t->n_tracks; j++) {
            const idem_track *k = &t->tracks[j];
            if (k->person != i)
                continue;
            r.about.tracks++;
            r.about.seen += k->seen;
            r.about.first = k->at[0].picture < r.about.first ? k->at[0].picture : r.about.first;
            r.about.last = k->at[k->n - 1].picture > r.about.last ? k->at[k->n - 1].picture : r.about.last;
            for (int s = 0; s < k->n; s++)
                r.about.area += area_of(t, &k->at[s]);
        }
        list[n++] = r;
    }
    qsort(list, (size_t)n, sizeof *list, more_first);
    t->persons = calloc((size_t)n + 1, sizeof *t->persons);
    t->vectors = calloc((size_t)n + 1, sizeof *t->vectors);
    int *now = malloc(((size_t)t->n_tracks + 1) * sizeof *now), status = 0;
    for (int i = 0; i < n && !status && t->persons && t->vectors && now; i++) {
        float *v = malloc(((size_t)(t->dim + t->options.more) + 1) * sizeof *v);
        if (!(t->vectors[i] = v)) {
            status = -1;
            break;
        }
        t->n_persons = i + 1;
        normalise(v, sums[list[i].was], t->dim);
        normalise(v + t->dim, sums[list[i].was] + t->dim, t->options.more);
        t->persons[i] = list[i].about;
        t->persons[i].vector = v;
        now[list[i].was] = i;
    }
    if (!t->persons || !t->vectors || !now)
        status = -1;
    for (int i = 0; i < t->n_tracks && !status; i++)
        t->tracks[i].person = now[t->tracks[i].person];
    free(now);
    return status ? idem_fail_as(IDEM_MEMORY, "out of memory for the persons of a clip") : 0;
}

static int find_persons(idem_tracks *t, double same) {
    float **sums = calloc((size_t)t->n_tracks + 1, sizeof *sums);
    ranked *list = malloc(((size_t)t->n_tracks + 1) * sizeof *list);
    int status = sums && list ? 0 : -1;
    for (int i = 0; i < t->n_tracks && !status; i++) {
        t->tracks[i].person = i;
        const size_t numbers = (size_t)(t->dim + t->options.more);
        status = (sums[i] = malloc((numbers + 1) * sizeof(float))) ? 0 : -1;
        if (!status)
            memcpy(sums[i], t->tracks[i].sum, numbers * sizeof(float));
    }
    if (status)
        idem_fail_as(IDEM_MEMORY, "out of memory for the persons of a clip");
    else {
        join_persons(t, sums, same);
        status = rank(t, sums, list);
    }
    for (int i = 0; i < t->n_tracks && sums; i++)
        free(sums[i]);
    free(sums);
    free(list);
    return status;
}

/* ---- smoothing ---- */

/* Smooths values of a track, one per picture, by a Gaussian. Beyond the ends they are mirrored through the end value (2
 * end - mirrored), so that linear motion is unchanged. */
static void smooth(double *to, const double *x, int n, double deviation) {
    const int reach = (int)ceil(3 * deviation);
    for (int i = 0; i < n; i++) {
        double sum = 0, weight = 0;
        for (int k = -reach; k <= reach; k++) {
            const double w = deviation > 0 ? exp(-0.5 * k * k / (deviation * deviation)) : 1;
            int at = i + k;
            double v;
            if (at < 0)
                v = 2 * x[0] - x[-at < n ? -at : n - 1];
            else if (at >= n)
                v = 2 * x[n - 1] - x[2 * (n - 1) - at > 0 ? 2 * (n - 1) - at : 0];
            else
                v = x[at];
            sum += w * v;
            weight += w;
        }
        to[i] = sum / weight;
    }
}

enum { X, Y, SIZE, ANGLE, NUMBERS };

/* Centre in pixels, log of the side, angle in radians, continuous with `last`. */
static void measure(double v[NUMBERS], const idem_crop *frame, int width, int height, double last) {
    float middle[1][2] = {{0.5f, 0.5f}};
    idem_crop_points(middle, (const float(*)[2])middle, 1, frame);
    v[X] = (double)middle[0][0] * width;
    v[Y] = (double)middle[0][1] * height;
    v[SIZE] = log(idem_align_side(frame, width, height));
    v[ANGLE] = atan2((double)frame->m[3] * height, (double)frame->m[0] * width);
    v[ANGLE] -= 2 * M_PI * rint((v[ANGLE] - last) / (2 * M_PI));
}

static idem_crop frame_of(const double v[NUMBERS], int width, int height) {
    const double side = exp(v[SIZE]), c = side * cos(v[ANGLE]), s = side * sin(v[ANGLE]);
    const double left = v[X] - (c - s) / 2, top = v[Y] - (s + c) / 2;
    return (idem_crop){{(float)(c / width), (float)(-s / width), (float)(left / width), (float)(s / height),
                        (float)(c / height), (float)(top / height)}};
}

static void smooth_points(idem_track *k, double *in, double *out, double deviation) {
    for (int p = 0; p < IDEM_POINTS; p++)
        for (int c = 0; c < 2; c++) {
            for (int i = 0; i < k->n; i++)
                in[i] = (double)k->at[i].points[p][c];
            smooth(out, in, k->n, deviation);
            for (int i = 0; i < k->n; i++)
                k->at[i].points[p][c] = (float)out[i];
        }
}

static int smooth_track(idem_track *k, int width, int height, double centre, double turn) {
    const size_t n = (size_t)k->n;
    double *x = malloc(2 * NUMBERS * n * sizeof *x), *y = x ? x + NUMBERS * n : NULL, last = 0;
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    for (size_t i = 0; i < n; i++) {
        double v[NUMBERS];
        if (idem_align_frame(&k->at[i].frame, (const float(*)[2])k->at[i].points, width, height)) {
            free(x);
            return -1;
        }
        measure(v, &k->at[i].frame, width, height, last);
        last = v[ANGLE];
        for (int j = 0; j < NUMBERS; j++)
            x[(size_t)j * n + i] = v[j];
    }
    for (int j = 0; j < NUMBERS; j++)
        smooth(y + (size_t)j * n, x + (size_t)j * n, k->n, j < SIZE ? centre : turn);
    for (size_t i = 0; i < n; i++) {
        double v[NUMBERS];
        for (int j = 0; j < NUMBERS; j++)
            v[j] = y[(size_t)j * n + i];
        k->at[i].frame = frame_of(v, width, height);
    }
    smooth_points(k, x, y, centre);
    free(x);
    return 0;
}

/* ---- places ---- */

static int larger_first(const void *a, const void *b) {
    const idem_track_place *p = a, *q = b;
    const double x = hypot((double)p->frame.m[0], (double)p->frame.m[3]),
                 y = hypot((double)q->frame.m[0], (double)q->frame.m[3]);
    return x != y ? (x < y) - (x > y) : (p->track > q->track) - (p->track < q->track);
}

static int place(idem_tracks *t) {
    t->first = calloc((size_t)t->pictures + 2, sizeof *t->first);
    int64_t n = 0;
    if (!t->first)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    for (int i = 0; i < t->n_tracks; i++)
        for (int s = 0; s < t->tracks[i].n; s++, n++)
            t->first[t->tracks[i].at[s].picture + 1]++;
    for (int64_t p = 0; p < t->pictures; p++)
        t->first[p + 1] += t->first[p];
    int64_t *next = malloc(((size_t)t->pictures + 1) * sizeof *next);
    t->places = calloc((size_t)n + 1, sizeof *t->places);
    if (!next || !t->places) {
        free(next);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    }
    memcpy(next, t->first, (size_t)t->pictures * sizeof *next);
    for (int i = 0; i < t->n_tracks; i++)
        for (int s = 0; s < t->tracks[i].n; s++) {
            const idem_seen *from = &t->tracks[i].at[s];
            idem_track_place *to = &t->places[next[from->picture]++];
            *to = (idem_track_place){.person = t->tracks[i].person,
                                     .track = i,
                                     .bridged = from->score <= 0,
                                     .gap = from->gap,
                                     .score = from->score,
                                     .yaw = from->yaw,
                                     .box = from->box,
                                     .frame = from->frame};
            memcpy(to->points, from->points, sizeof to->points);
        }
    free(next);
    for (int64_t p = 0; p < t->pictures; p++)
        qsort(t->places + t->first[p], (size_t)(t->first[p + 1] - t->first[p]), sizeof *t->places, larger_first);
    return 0;
}

int idem_tracks_finish(idem_tracks *t) {
    const idem_track_options o = t->options;
    for (int i = 0; i < t->n_tracks; i++)
        if (bridge(&t->tracks[i]) || smooth_track(&t->tracks[i], t->width, t->height, o.centre, o.turn))
            return -1;
    return find_persons(t, o.same) || place(t) ? -1 : 0;
}
