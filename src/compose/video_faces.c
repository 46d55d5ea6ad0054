#include "compose/video_faces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/candidate.h"
#include "face/align.h"
#include "face/box.h"
#include "nets/judge.h"

enum { EMBED_EVERY = 4, MOST = 256 /* faces of a picture */ };

/* Boxes that overlap by more are one face. */
static const double one_face = 0.4;

typedef struct {
    idem_found found[MOST];
    float *vectors; /* [MOST, dim] */
    int n;
} face_list;

typedef struct {
    idem_image image;
    face_list faces;
    bool cut;
} held;

typedef struct {
    idem_studio *studio;
    idem_finder *finder;
    idem_tracks *tracks;
    int dim;
    held ring[IDEM_VIDEO_SEARCH_EVERY + 1]; /* [0]: the last one passed on; then the waiting ones */
    int n;
    float look[IDEM_SCENE_CELLS];
    bool has_look;
    int since_embed;
    int64_t taken; /* pictures */
    const idem_video_faces_options *options;
} scout;

static bool has(const face_list *l, const idem_box *box) {
    for (int i = 0; i < l->n; i++)
        if (idem_box_overlap(&l->found[i].box, box) > one_face)
            return true;
    return false;
}

static float *vector_at(const scout *s, const face_list *l, int i) {
    return l->vectors + (size_t)i * (size_t)s->dim;
}

static void add(const scout *s, face_list *l, const idem_found *f, const float *vector) {
    if (l->n == MOST)
        return;
    l->found[l->n] = *f;
    memcpy(vector_at(s, l, l->n++), vector, (size_t)s->dim * sizeof *vector);
}

static int embed(const scout *s, const idem_image *im, const idem_found *f, float *vector) {
    float *judge = s->options->judge ? vector + idem_studio_feature_dim(s->studio) : NULL;
    return idem_studio_embed(s->studio, im, (const float(*)[2])f->points, vector, judge);
}

/* The faces of one picture that are also in another. fresh: with new vectors. */
static int follow(scout *s, held *to, const face_list *from, bool fresh) {
    idem_found faces[MOST];
    bool seen[MOST];
    memcpy(faces, from->found, (size_t)from->n * sizeof *faces);
    if (from->n && idem_finder_follow(s->finder, &to->image, faces, from->n, seen))
        return -1;
    for (int i = 0; i < from->n; i++) {
        if (!seen[i] || has(&to->faces, &faces[i].box))
            continue;
        add(s, &to->faces, &faces[i], vector_at(s, from, i));
        if (fresh && embed(s, &to->image, &faces[i], vector_at(s, &to->faces, to->faces.n - 1)))
            return -1;
    }
    return 0;
}

static idem_region region_of(const idem_found *f, const idem_image *im) {
    idem_crop frame;
    return idem_align_frame(&frame, (const float(*)[2])f->points, im->width, im->height)
               ? idem_region_of_box(&f->box, 0, im->width, im->height)
               : idem_region_of_frame(&frame, im->width, im->height);
}

/* Keeps a detection that is no sure face, unless it is another reading of one, or is not seen again separately. */
static int keep_maybe(scout *s, const held *h, const idem_box *box) {
    for (int i = 0; i < h->faces.n; i++) {
        const idem_region region = region_of(&h->faces.found[i], &h->image);
        if (idem_candidate_is_reading(&h->image, box, &h->faces.found[i].box, &region))
            return 0;
    }
    const int is = idem_candidate_is_seen_again(s->studio, &h->image, box, s->options->unsure);
    return is > 0 ? idem_maybes_add(s->options->maybes, s->taken - 1, box) : is;
}

/* Searches all faces; returns the number of new ones, which come last. */
static int search(scout *s, held *h) {
    idem_found *found = NULL;
    const idem_find_options all = {.search = IDEM_FIND_ALL, .confidence = (float)s->options->unsure};
    const int n = idem_finder_run(s->finder, &h->image, &all, &found);
    int added = 0, status = n < 0 ? -1 : 0;
    float *vector = malloc((size_t)s->dim * sizeof *vector);
    if (!vector)
        status = idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    for (int i = 0; i < n && !status; i++) {
        const bool is =
            found[i].sure || idem_clip_hand_on(s->options->hand, s->taken - 1, &found[i].box) == IDEM_BY_HAND_REPLACE;
        if (!is || h->faces.n == MOST || has(&h->faces, &found[i].box))
            continue;
        if (!(status = embed(s, &h->image, &found[i], vector))) {
            add(s, &h->faces, &found[i], vector);
            added++;
        }
    }
    if (s->options->maybes && !status)
        status = idem_maybes_searched(s->options->maybes, s->taken - 1);
    for (int i = 0; i < n && s->options->maybes && !status; i++)
        if (!has(&h->faces, &found[i].box))
            status = keep_maybe(s, h, &found[i].box);
    free(found);
    free(vector);
    return status ? -1 : added;
}

/* Tracks the last `added` faces of the newest picture back through the waiting pictures. */
static int follow_back(scout *s, int added) {
    const face_list *newest = &s->ring[s->n - 1].faces;
    face_list now = {.vectors = malloc((size_t)MOST * (size_t)s->dim * sizeof(float))};
    int status = now.vectors ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    for (int i = newest->n - added; i < newest->n && !status; i++)
        add(s, &now, &newest->found[i], vector_at(s, newest, i));
    for (int i = s->n - 2; i >= 1 && now.n && !status && !s->ring[i + 1].cut; i--) {
        held *h = &s->ring[i];
        const int before = h->faces.n;
        status = follow(s, h, &now, false);
        now.n = 0;
        for (int k = before; k < h->faces.n && !status; k++)
            add(s, &now, &h->faces.found[k], vector_at(s, &h->faces, k));
    }
    free(now.vectors);
    return status;
}

/* Passes the waiting pictures to the tracks; the last is kept for tracking. */
static int hand_on(scout *s) {
    for (int i = 1; i < s->n; i++) {
        held *h = &s->ring[i];
        if (idem_tracks_add(s->tracks, h->faces.found, h->faces.n, h->faces.vectors, h->cut))
            return -1;
    }
    if (s->n > 1) {
        const held last = s->ring[s->n - 1];
        s->ring[s->n - 1] = s->ring[0];
        s->ring[0] = last;
        for (int i = 1; i < s->n; i++) {
            idem_image_free(&s->ring[i].image);
            s->ring[i].faces.n = 0;
        }
        s->n = 1;
    }
    return 0;
}

/* Takes ownership of the image. */
static int take(scout *s, idem_image *image) {
    float look[IDEM_SCENE_CELLS];
    held *h = &s->ring[s->n++], *before = h - 1;
    h->image = *image;
    h->faces.n = 0;
    *image = (idem_image){0};
    s->taken++;
    if (idem_scene_look(&h->image, look))
        return -1;
    h->cut = !s->has_look || idem_scene_is_cut(s->look, look);
    memcpy(s->look, look, sizeof look);
    s->has_look = true;
    const bool fresh = ++s->since_embed >= EMBED_EVERY;
    if (!h->cut && follow(s, h, &before->faces, fresh))
        return -1;
    if (fresh)
        s->since_embed = 0;
    if (!h->cut && s->n <= IDEM_VIDEO_SEARCH_EVERY)
        return 0;
    const int added = search(s, h);
    return added < 0 || (added && follow_back(s, added)) || hand_on(s) ? -1 : 0;
}

/* A picture without a search, outside the selected time. */
static int pass_over(scout *s) {
    s->has_look = false;
    s->taken++;
    return hand_on(s) || idem_tracks_add(s->tracks, NULL, 0, NULL, true) ? -1 : 0;
}

static int read_all(scout *s, idem_video *v, const idem_video_faces_options *o) {
    idem_video_frame f;
    int got;
    while ((got = idem_video_next(v, &f)) > 0) {
        const bool wanted = f.time >= o->from && (o->to <= 0 || f.time < o->to);
        const int64_t number = f.number;
        const int status = wanted ? take(s, &f.image) : pass_over(s);
        idem_video_frame_free(&f);
        if (status)
            return -1;
        if (o->progress)
            o->progress(o->user, 1, number + 1, idem_video_about(v)->frames);
        if (idem_studio_stopped(s->studio))
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    }
    if (got < 0)
        return -1;
    if (s->n > 1) { /* faces that begin after the last search */
        const int added = search(s, &s->ring[s->n - 1]);
        if (added < 0 || (added && follow_back(s, added)))
            return -1;
    }
    return hand_on(s) || idem_tracks_finish(s->tracks) ? -1 : 0;
}

static int reserve(scout *s) {
    for (int i = 0; i <= IDEM_VIDEO_SEARCH_EVERY; i++)
        if (!(s->ring[i].faces.vectors = malloc((size_t)MOST * (size_t)s->dim * sizeof(float))))
            return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
    s->n = 1;
    return 0;
}

idem_tracks *idem_video_faces(idem_studio *studio, const char *path, const idem_video_faces_options *options) {
    const idem_video_faces_options o = options ? *options : (idem_video_faces_options){0};
    scout *s = calloc(1, sizeof *s);
    idem_video *v = s ? idem_video_open(path, 0) : idem_fail_null_as(IDEM_MEMORY, "out of memory for a clip");
    int status = v ? 0 : -1;
    if (!status) {
        s->studio = studio;
        s->options = &o;
        s->dim = idem_studio_feature_dim(studio);
        s->finder = s->dim > 0 ? idem_studio_finder(studio) : NULL;
        s->dim += o.judge ? IDEM_JUDGE_DIM : 0;
        status = s->finder ? reserve(s) : -1;
    }
    if (!status) {
        idem_track_options how = IDEM_TRACK_DEFAULT;
        how.more = o.judge ? IDEM_JUDGE_DIM : 0;
        s->tracks = idem_tracks_new(idem_video_about(v)->width, idem_video_about(v)->height, s->dim - how.more, &how);
        status = s->tracks ? read_all(s, v, &o) : -1;
    }
    idem_video_close(v);
    for (int i = 0; s && i <= IDEM_VIDEO_SEARCH_EVERY; i++) {
        idem_image_free(&s->ring[i].image);
        free(s->ring[i].faces.vectors);
    }
    idem_tracks *t = s ? s->tracks : NULL;
    free(s);
    if (!status)
        return t;
    idem_tracks_free(t);
    return NULL;
}
