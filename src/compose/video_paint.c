#include "compose/video_paint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "face/align.h"
#include "face/paste.h"

enum { BLOCK = 2, RING = BLOCK + 3 * IDEM_CLIP_REACH + 2, SNAPSHOTS = RING };

static const double deviation = 0.8;    /* standard deviation of the smoothing of codes and fits, in pictures */
static const double most_outside = 0.6; /* share of a frame; beyond it nothing is painted */

typedef struct {
    const idem_track_place *place;
    float *attr;             /* [attr_dim] */
    uint8_t *seen, *painted; /* [S, S, 3] */
    idem_paste_fit fit;
    bool done; /* set when painted */
} face;

typedef struct {
    idem_video_frame frame;
    face *faces;
    int n, outside;
} slot;

struct idem_clip_painter {
    idem_studio *studio;
    const idem_tracks *tracks;
    idem_clip_brush *brush;
    int size;
    size_t attr_dim, picture;
    slot ring[RING];                             /* picture i at i % RING */
    int64_t read, coded, painted, pasted, taken; /* one more than the last picture in each state */
    bool ended;
    float *snapshot[SNAPSHOTS]; /* the brush's state before painting picture i, at i % SNAPSHOTS */
};

static slot *at(idem_clip_painter *p, int64_t i) {
    return &p->ring[i % RING];
}

static void clear(slot *s) {
    for (int i = 0; i < s->n; i++) {
        free(s->faces[i].attr);
        free(s->faces[i].seen);
        free(s->faces[i].painted);
    }
    free(s->faces);
    idem_video_frame_free(&s->frame);
    *s = (slot){0};
}

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
}

/* ---- life ---- */

void idem_clip_warn_of_light(const idem_video *v) {
    if (idem_video_about(v)->hdr)
        idem_log(
            IDEM_LOG_WARNING,
            "%s: is HDR (PQ or HLG), which the networks were not trained on: faces are painted in its stored values",
            idem_video_path(v));
}

idem_clip_painter *idem_clip_painter_new(idem_studio *s, const idem_tracks *tracks, idem_clip_brush *brush,
                                         int64_t first) {
    const idem_model_info *m = idem_studio_about(s);
    idem_clip_painter *p = calloc(1, sizeof *p);
    int status = p ? 0 : no_memory();
    for (int i = 0; i < SNAPSHOTS && !status; i++)
        status = (p->snapshot[i] = calloc(brush->numbers + 1, sizeof(float))) ? 0 : no_memory();
    if (status) {
        idem_clip_painter_free(p);
        return NULL;
    }
    p->studio = s;
    p->tracks = tracks;
    p->brush = brush;
    p->size = m ? m->size : 0;
    p->attr_dim = m ? (size_t)m->attr_dim : 0;
    p->picture = (size_t)p->size * (size_t)p->size * 3;
    p->read = p->coded = p->painted = p->pasted = p->taken = first;
    if (m)
        idem_studio_set_batch(s, 1); /* results do not depend on where a run continues */
    return p;
}

void idem_clip_painter_free(idem_clip_painter *p) {
    if (!p)
        return;
    for (int i = 0; i < RING; i++)
        clear(&p->ring[i]);
    for (int i = 0; i < SNAPSHOTS; i++)
        free(p->snapshot[i]);
    free(p);
}

/* ---- codes ---- */

static int add_face(idem_clip_painter *p, slot *s, const idem_track_place *place) {
    face *f = &s->faces[s->n++];
    idem_image picture;
    *f = (face){.place = place,
                .attr = malloc(p->attr_dim * sizeof(float)),
                .seen = malloc(p->picture),
                .painted = malloc(p->picture)};
    if (!f->attr || !f->seen || !f->painted)
        return no_memory();
    if (idem_align_picture(&picture, &s->frame.image, &place->frame, p->size))
        return -1;
    memcpy(f->seen, picture.rgb, p->picture);
    idem_image_free(&picture);
    return 0;
}

static int find_faces(idem_clip_painter *p, slot *s) {
    const idem_track_place *places;
    const int n = idem_tracks_at(p->tracks, s->frame.number, &places);
    if (!n)
        return 0;
    if (!(s->faces = calloc((size_t)n, sizeof *s->faces)))
        return no_memory();
    for (int i = 0; i < n; i++) {
        if (!p->brush->wants(p->brush, s->frame.number, &places[i]))
            continue;
        if (idem_align_outside(&places[i].frame) > most_outside)
            s->outside++;
        else if (add_face(p, s, &places[i]))
            return -1;
    }
    return 0;
}

/* Encodes all faces of the pictures read since the last call. */
static int encode(idem_clip_painter *p) {
    int n = 0, k = 0;
    for (int64_t i = p->coded; i < p->read; i++) {
        if (find_faces(p, at(p, i)))
            return -1;
        n += at(p, i)->n;
    }
    uint8_t *rgb = malloc((size_t)n * p->picture + 1);
    float *codes = malloc((size_t)n * p->attr_dim * sizeof *codes + 1);
    int status = rgb && codes ? 0 : no_memory();
    for (int64_t i = p->coded; i < p->read && !status; i++)
        for (int f = 0; f < at(p, i)->n; f++)
            memcpy(rgb + (size_t)k++ * p->picture, at(p, i)->faces[f].seen, p->picture);
    if (!status && n)
        status = idem_studio_encode(p->studio, IDEM_PIPE_ATTRIBUTES, rgb, n, codes);
    k = 0;
    for (int64_t i = p->coded; i < p->read && !status; i++)
        for (int f = 0; f < at(p, i)->n; f++)
            memcpy(at(p, i)->faces[f].attr, codes + (size_t)k++ * p->attr_dim, p->attr_dim * sizeof *codes);
    free(rgb);
    free(codes);
    p->coded = p->read;
    return status;
}

static face *of_track(idem_clip_painter *p, int64_t i, int track) {
    slot *s = at(p, i);
    for (int f = 0; f < s->n && s->frame.number == i; f++)
        if (s->faces[f].place->track == track)
            return &s->faces[f];
    return NULL;
}

static double weight_of(int64_t away) {
    return exp(-0.5 * (double)(away * away) / (deviation * deviation));
}

/* The mean of a track's codes around picture i; `have`: one more than the last picture with codes. */
static void smooth_code(idem_clip_painter *p, int64_t i, const face *f, int64_t have, float *code) {
    double weight = 0;
    memset(code, 0, p->attr_dim * sizeof *code);
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = i - IDEM_CLIP_REACH; k <= i + IDEM_CLIP_REACH; k++) {
            const face *g = k >= 0 && k < have ? of_track(p, k, f->place->track) : NULL;
            if (!g)
                continue;
            const double w = weight_of(k - i);
            if (!pass)
                weight += w;
            for (size_t d = 0; d < p->attr_dim && pass; d++)
                code[d] += (float)(w / weight) * g->attr[d];
        }
}

/* ---- painting ---- */

static int paint(idem_clip_painter *p, int64_t until) {
    float *attr = malloc(p->attr_dim * sizeof *attr + 1);
    int status = attr ? 0 : no_memory();
    for (int64_t i = p->painted; i < until && !status; i++) {
        slot *s = at(p, i);
        if (p->brush->numbers)
            memcpy(p->snapshot[i % SNAPSHOTS], p->brush->state, p->brush->numbers * sizeof(float));
        for (int k = 0; k < s->n && !status; k++) {
            face *f = &s->faces[k];
            if (idem_studio_stopped(p->studio)) {
                status = idem_fail_as(IDEM_INTERRUPTED, "interrupted: continue with the same call and options.resume");
                break;
            }
            smooth_code(p, i, f, p->coded, attr);
            const int done = p->brush->paint(p->brush, &(idem_clip_sitting){.picture = i,
                                                                            .image = &s->frame.image,
                                                                            .place = f->place,
                                                                            .attr = attr,
                                                                            .seen = f->seen,
                                                                            .painted = f->painted});
            f->done = done > 0;
            status = done < 0 ? -1 : 0;
        }
    }
    free(attr);
    return status;
}

static int match(idem_clip_painter *p, int64_t until) {
    for (int64_t i = p->painted; i < until; i++)
        for (int k = 0; k < at(p, i)->n; k++) {
            face *f = &at(p, i)->faces[k];
            if (!f->done)
                continue;
            const idem_image painted = {.width = p->size, .height = p->size, .rgb = f->painted};
            if (idem_paste_match(&f->fit, &at(p, i)->frame.image, &painted, &f->place->frame,
                                 (const float(*)[2])f->place->points))
                return -1;
        }
    return 0;
}

/* ---- putting back ---- */

static void smooth_fit(idem_clip_painter *p, int64_t i, const face *f, idem_paste_fit *to) {
    double weight = 0;
    *to = (idem_paste_fit){0};
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = i - IDEM_CLIP_REACH; k <= i + IDEM_CLIP_REACH; k++) {
            const face *g = k >= 0 && k < p->painted ? of_track(p, k, f->place->track) : NULL;
            if (!g || !g->done)
                continue;
            const double w = weight_of(k - i);
            if (!pass) {
                weight += w;
                continue;
            }
            for (int c = 0; c < 3; c++) {
                to->gain[c] += w / weight * g->fit.gain[c];
                to->shift[c] += w / weight * g->fit.shift[c];
            }
            for (int r = 0; r < IDEM_SEAM_RAYS; r++)
                to->radius[r] += (float)(w / weight) * g->fit.radius[r];
        }
}

/* Fits are made on pictures without painted faces, so all are pasted afterwards. */
static int paste(idem_clip_painter *p, int64_t until) {
    for (int64_t i = p->pasted; i < until; i++)
        for (int k = 0; k < at(p, i)->n; k++) {
            const face *f = &at(p, i)->faces[k];
            if (!f->done)
                continue;
            const idem_image painted = {.width = p->size, .height = p->size, .rgb = f->painted};
            idem_paste_fit fit;
            smooth_fit(p, i, f, &fit);
            if (idem_paste_with(&at(p, i)->frame.image, &painted, &f->place->frame, (const float(*)[2])f->place->points,
                                &fit, NULL))
                return -1;
            at(p, i)->frame.changed = true;
        }
    p->pasted = until;
    return 0;
}

/* Advances all states as far as possible. */
static int work(idem_clip_painter *p) {
    if (encode(p))
        return -1;
    const int64_t back = p->ended ? 0 : IDEM_CLIP_REACH;
    const int64_t paint_until = p->coded - back > p->painted ? p->coded - back : p->painted;
    if (paint(p, paint_until) || match(p, paint_until))
        return -1;
    p->painted = paint_until;
    return paste(p, p->painted - back > p->pasted ? p->painted - back : p->pasted);
}

int idem_clip_painter_put(idem_clip_painter *p, idem_video_frame *frame) {
    slot *s = at(p, p->read);
    clear(s);
    s->frame = *frame;
    *frame = (idem_video_frame){0};
    p->read++;
    return p->read - p->coded < BLOCK ? 0 : work(p);
}

int idem_clip_painter_end(idem_clip_painter *p) {
    p->ended = true;
    return work(p);
}

static const char *why_look(idem_clip_painter *p, int64_t i, const face *f) {
    if (f->place->bridged)
        return "no face was found here, but before and after";
    if (f->place->score < 0.6f)
        return "the face was hardly found";
    if (idem_align_outside(&f->place->frame) > 0.25)
        return "the face is partly outside";
    if ((i > 0 && !of_track(p, i - 1, f->place->track)) || (i + 1 < p->pasted && !of_track(p, i + 1, f->place->track)))
        return "a face begins or ends here";
    return NULL;
}

int idem_clip_painter_take(idem_clip_painter *p, idem_video_frame *frame, idem_clip_painted *about) {
    if (p->taken == p->pasted)
        return 0;
    slot *s = at(p, p->taken);
    *about = (idem_clip_painted){.outside = s->outside};
    for (int i = 0; i < s->n; i++) {
        about->painted += s->faces[i].done;
        about->bridged += s->faces[i].place->bridged;
        const char *why = why_look(p, p->taken, &s->faces[i]);
        about->why = about->why ? about->why : why;
    }
    *frame = s->frame;
    s->frame = (idem_video_frame){.number = p->taken}; /* codes and fits are still used */
    p->taken++;
    return 1;
}

const void *idem_clip_painter_state(const idem_clip_painter *p, int64_t number, size_t *size) {
    const int64_t next = number + 1 - IDEM_CLIP_REACH;
    *size = p->brush->numbers * sizeof(float);
    return *size ? p->snapshot[(next > 0 ? next : 0) % SNAPSHOTS] : NULL;
}

int idem_clip_painter_restore(idem_clip_painter *p, const void *state, size_t size) {
    const size_t wanted = p->brush->numbers * sizeof(float);
    if (size != wanted)
        return idem_fail("the state of an earlier run has %zu bytes, expected %zu; start without resuming", size,
                         wanted);
    if (size)
        memcpy(p->brush->state, state, size);
    p->painted = p->pasted = p->taken = p->read + IDEM_CLIP_REACH;
    return 0;
}
