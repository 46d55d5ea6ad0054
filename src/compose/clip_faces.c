#include "compose/clip_faces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/candidate.h"
#include "compose/clip_plan.h"
#include "compose/likeness.h"
#include "compose/recompose.h"
#include "face/align.h"
#include "face/box.h"

enum {
    RING = 32,      /* most pictures between seeing and finishing */
    LOOK_APART = 25 /* least distance of pictures named for the same reason */
};
static const double same_place = 0.5;  /* share of the smaller box: a cover on a tracked face */
static const double bridged_by = 1.25; /* of a region whose face was not found */

/* A tracked face of one picture. */
typedef struct {
    const idem_track_place *place;
    idem_clip_fate fate;
    bool painted;
    float *feature, judge[IDEM_JUDGE_DIM];
    idem_likeness now;
} face;

typedef struct {
    int64_t picture;
    face *faces;
    int n;
} record;

struct idem_clip_faces {
    idem_clip_brush brush; /* state [persons][1 + trail]: the track + 1, the trail (recompose.h) */
    idem_anonymiser *anonymiser;
    idem_studio *studio;
    const idem_anonymise_options *options;
    idem_recomposer *recomposer;
    const idem_tracks *tracks;
    const idem_track_person *persons;
    int n, width, height;
    size_t id, dim, row;
    idem_clip_plan *plan;
    const idem_clip_hand *hand;
    idem_covers covers;
    record ring[RING]; /* picture i at i % RING */
    idem_clip_counts counts;
    idem_clip_person *told; /* [n] */
};

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
}

static bool is_left(const face *one) {
    return one->fate.skipped || one->fate.exempt;
}

/* ---- painting ---- */

static face *find_face(idem_clip_faces *f, int64_t picture, int track) {
    record *r = &f->ring[picture % RING];
    for (int i = 0; i < r->n && r->picture == picture; i++)
        if (r->faces[i].place->track == track)
            return &r->faces[i];
    return NULL;
}

static bool wants(idem_clip_brush *b, int64_t picture, const idem_track_place *place) {
    const face *one = find_face((idem_clip_faces *)b, picture, place->track);
    return one && !one->fate.why && !is_left(one);
}

static int paint(idem_clip_brush *b, const idem_clip_sitting *s) {
    idem_clip_faces *f = (idem_clip_faces *)b;
    face *one = find_face(f, s->picture, s->place->track);
    float *row = f->brush.state + (size_t)s->place->person * f->row;
    if (row[0] != (float)(s->place->track + 1))
        row[1] = 0; /* another track: codes are not continued */
    row[0] = (float)(s->place->track + 1);
    const idem_sitter sitter = {.photo = s->image,
                                .frame = &s->place->frame,
                                .points = (const float(*)[2])s->place->points,
                                .feature = one->feature,
                                .judge = one->judge,
                                .surrogate = idem_clip_plan_code(f->plan, s->place->person),
                                .attributes = s->attr,
                                .trail = row + 1};
    idem_recomposed about;
    const int done = idem_recomposer_run(f->recomposer, &sitter, f->options->similarity, &about);
    if (done < 0)
        return -1;
    one->painted = done > 0;
    one->fate.why = done > 0 ? NULL : idem_too_like;
    if (done > 0)
        memcpy(s->painted, idem_recomposer_picture(f->recomposer),
               (size_t)idem_studio_about(f->studio)->size * (size_t)idem_studio_about(f->studio)->size * 3);
    return done > 0;
}

/* ---- life ---- */

static int grow_tracks(idem_clip_faces *f) {
    bool *left = malloc((size_t)f->n + 1);
    for (int i = 0; i < f->n && left; i++)
        left[i] = idem_clip_plan_exempt(f->plan, i);
    const int status = left ? idem_covers_add_ends(&f->covers, f->tracks, left) : no_memory();
    free(left);
    return status;
}

static int open_parts(idem_clip_faces *f, const idem_maybes *maybes) {
    const size_t n = (size_t)f->n;
    f->id = (size_t)idem_studio_about(f->studio)->id_dim;
    f->dim = (size_t)idem_studio_feature_dim(f->studio);
    f->row = 1 + idem_recomposer_trail(f->recomposer);
    f->brush.wants = wants;
    f->brush.paint = paint;
    f->brush.numbers = n * f->row;
    if (!(f->told = calloc(n + 1, sizeof *f->told)) || !(f->brush.state = calloc(n * f->row + 1, sizeof(float))))
        return no_memory();
    if (!(f->plan = idem_clip_plan_new(f->anonymiser, f->tracks, f->hand)))
        return -1;
    for (int i = 0; i < f->n; i++)
        f->told[i].person = idem_clip_plan_person(f->plan, i);
    return idem_covers_add_maybes(&f->covers, maybes, f->tracks) || grow_tracks(f) ? -1 : 0;
}

idem_clip_faces *idem_clip_faces_new(idem_anonymiser *a, const idem_tracks *t, const idem_maybes *maybes,
                                     const idem_clip_hand *hand) {
    idem_clip_faces *f = calloc(1, sizeof *f);
    if (!f) {
        no_memory();
        return NULL;
    }
    f->anonymiser = a;
    f->studio = idem_anonymiser_studio(a);
    f->options = idem_anonymiser_options(a);
    f->recomposer = idem_anonymiser_recomposer(a);
    f->tracks = t;
    f->hand = hand;
    f->n = idem_tracks_persons(t, &f->persons);
    idem_tracks_size(t, &f->width, &f->height);
    if (!open_parts(f, maybes))
        return f;
    idem_clip_faces_free(f);
    return NULL;
}

static void clear(record *r) {
    for (int i = 0; i < r->n; i++)
        free(r->faces[i].feature);
    free(r->faces);
    *r = (record){0};
}

void idem_clip_faces_free(idem_clip_faces *f) {
    if (!f)
        return;
    for (int i = 0; i < RING; i++)
        clear(&f->ring[i]);
    idem_clip_plan_free(f->plan);
    idem_covers_free(&f->covers);
    free(f->brush.state);
    free(f->told);
    free(f);
}

idem_clip_brush *idem_clip_faces_brush(idem_clip_faces *f) {
    return &f->brush;
}

bool idem_clip_faces_paint(const idem_clip_faces *f) {
    for (int i = 0; i < f->n; i++)
        if (idem_clip_plan_code(f->plan, i))
            return true;
    return false;
}

const idem_clip_counts *idem_clip_faces_counts(const idem_clip_faces *f) {
    return &f->counts;
}

int idem_clip_faces_persons(const idem_clip_faces *f, const idem_clip_person **persons) {
    *persons = f->told;
    return f->n;
}

/* ---- pictures ---- */

int idem_clip_faces_see(idem_clip_faces *f, const idem_video_frame *frame) {
    const idem_track_place *p;
    const int n = idem_tracks_at(f->tracks, frame->number, &p);
    record *r = &f->ring[frame->number % RING];
    clear(r);
    r->picture = frame->number;
    if (n && !(r->faces = calloc((size_t)n, sizeof *r->faces)))
        return no_memory();
    for (int i = 0; i < n; i++) {
        face *one = &r->faces[r->n++];
        *one = (face){.place = &p[i], .fate = idem_clip_plan_of(f->plan, frame->number, &p[i])};
        if (!(one->feature = malloc(f->dim * sizeof *one->feature)))
            return no_memory();
        if (!is_left(one) &&
            idem_studio_embed(f->studio, &frame->image, (const float(*)[2])p[i].points, one->feature, one->judge))
            return -1;
    }
    return 0;
}

static idem_region region_of(const idem_clip_faces *f, const face *one) {
    idem_region r = idem_region_of_frame(&one->place->frame, f->width, f->height);
    if (one->place->bridged) {
        r.radius_x *= bridged_by;
        r.radius_y *= bridged_by;
    }
    return r;
}

/* Cores of the other painted or exempt faces: they must not be hidden with a neighbour. */
static int cores(idem_region *out, const idem_clip_faces *f, const record *r, const face *but) {
    int n = 0;
    for (int i = 0; i < r->n; i++)
        if (&r->faces[i] != but && (r->faces[i].painted || is_left(&r->faces[i]))) {
            out[n] = region_of(f, &r->faces[i]);
            out[n].radius_x *= IDEM_FACE_CORE;
            out[n++].radius_y *= IDEM_FACE_CORE;
        }
    return n;
}

static int hide_face(idem_clip_faces *f, const record *r, face *one, idem_image *im, idem_region *scratch) {
    const idem_region region = region_of(f, one);
    const idem_was was = {(const float(*)[2])one->place->points, one->feature, one->judge};
    const int n = cores(scratch, f, r, one);
    return idem_likeness_hide(f->studio, im, &region, f->options->fallback, scratch, n, &was, &one->now);
}

/* Whether a cover is on a face that is handled separately. */
static bool is_known(const record *r, const idem_box *box) {
    for (int i = 0; i < r->n; i++)
        if (idem_box_common(&r->faces[i].place->box, box) > same_place)
            return true;
    return false;
}

/* 1: hidden; 0: not in this picture, or on a handled face. */
static int hide_cover(idem_clip_faces *f, const record *r, const idem_cover *c, idem_image *im,
                      const idem_region *scratch, int n) {
    const idem_box box = idem_cover_box(c, r->picture);
    if (r->picture < c->first || r->picture > c->last || is_known(r, &box))
        return 0;
    const idem_region region = idem_region_of_box(&box, 0, f->width, f->height);
    return idem_likeness_hide(f->studio, im, &region, f->options->fallback, scratch, n, NULL, NULL) ? -1 : 1;
}

static int hide_covers(idem_clip_faces *f, const record *r, idem_image *im, idem_region *scratch) {
    const int n = cores(scratch, f, r, NULL);
    int hidden = 0, is = 0;
    for (size_t i = 0; i < f->covers.n && is >= 0; i++, hidden += is) {
        const idem_box box = idem_cover_box(&f->covers.at[i], r->picture);
        const int wish = idem_clip_hand_on(f->hand, r->picture, &box);
        is = wish == IDEM_BY_HAND_SKIP || wish == IDEM_BY_HAND_EXEMPT
                 ? 0
                 : hide_cover(f, r, &f->covers.at[i], im, scratch, n);
    }
    for (int i = 0; f->hand && i < f->hand->n && is >= 0; i++, hidden += is) {
        const idem_hand_range *h = &f->hand->at[i];
        is = idem_hand_range_is_region(h, r->picture, f->tracks) ? hide_cover(f, r, &h->cover, im, scratch, n) : 0;
    }
    f->counts.covered += is < 0 ? 0 : hidden;
    return is < 0 ? -1 : hidden;
}

/* Measures painted faces in the finished picture; a face that matches the person is hidden. */
static int check_painted(idem_clip_faces *f, const record *r, face *one, idem_image *im, idem_region *scratch) {
    const idem_was was = {(const float(*)[2])one->place->points, one->feature, one->judge};
    if (idem_likeness_measure(f->studio, im, &was, &one->now))
        return -1;
    if (!one->now.above || !isnan(f->options->similarity))
        return 0;
    one->painted = false;
    one->fate.why = idem_too_like;
    return hide_face(f, r, one, im, scratch);
}

static void count_face(idem_clip_faces *f, const face *one) {
    idem_clip_person *p = &f->told[one->place->person];
    idem_clip_counts *c = &f->counts;
    const double cosine[2] = {one->now.feature, one->now.judge};
    c->faces++;
    p->pictures++;
    c->exempt += one->fate.exempt;
    c->skipped += one->fate.skipped;
    p->exempt += is_left(one);
    c->hidden += one->fate.why != NULL;
    p->hidden += one->fate.why != NULL;
    c->too_like += one->fate.why == idem_too_like;
    if (!one->painted)
        return;
    for (int k = 0; k < 2; k++) {
        p->sum[k] += cosine[k];
        p->most[k] = p->recomposed ? fmax(p->most[k], cosine[k]) : cosine[k];
    }
    c->above += one->now.above;
    c->off += isnan(f->options->similarity) ? 0 : fabs(cosine[0] - f->options->similarity);
    c->recomposed++;
    p->recomposed++;
}

static void name_picture(idem_clip_counts *c, int64_t picture, const char *why) {
    for (int i = c->n_look - 1; i >= 0; i--)
        if (!strcmp(c->look[i].why, why) && picture - c->look[i].picture < LOOK_APART)
            return;
    if (c->n_look == IDEM_CLIP_LOOK)
        return;
    c->look[c->n_look].picture = picture;
    snprintf(c->look[c->n_look++].why, sizeof c->look->why, "%s", why);
}

static int finish(idem_clip_faces *f, record *r, idem_video_frame *frame, const char *why, idem_region *scratch) {
    idem_clip_counts *c = &f->counts;
    char text[80];
    for (int i = 0; i < r->n; i++)
        if (r->faces[i].fate.why && hide_face(f, r, &r->faces[i], &frame->image, scratch))
            return -1;
    const int covered = hide_covers(f, r, &frame->image, scratch);
    if (covered < 0)
        return -1;
    for (int i = 0; i < r->n; i++)
        if (r->faces[i].painted && check_painted(f, r, &r->faces[i], &frame->image, scratch))
            return -1;
    bool hidden = covered > 0, painted = false;
    for (int i = 0; i < r->n; i++) {
        const face *one = &r->faces[i];
        count_face(f, one);
        hidden = hidden || one->fate.why;
        painted = painted || one->painted;
        snprintf(text, sizeof text, "a face was hidden: %s", one->fate.why ? one->fate.why : "");
        if (one->fate.why)
            name_picture(c, r->picture, text);
        if (is_left(one))
            name_picture(c, r->picture, "a face was left as it was");
    }
    if (covered)
        name_picture(c, r->picture, "a place was hidden where no face is followed");
    if (why)
        name_picture(c, r->picture, why);
    frame->changed = frame->changed || hidden;
    c->changed += hidden || painted;
    c->pictures++;
    c->seconds = frame->time + frame->duration;
    return 0;
}

int idem_clip_faces_finish(idem_clip_faces *f, idem_video_frame *frame, const char *why) {
    record *r = &f->ring[frame->number % RING];
    idem_region *scratch = malloc(((size_t)r->n + 1) * sizeof *scratch);
    const int status = scratch ? finish(f, r, frame, why, scratch) : no_memory();
    free(scratch);
    return status;
}

static const char *what(void *user, int64_t picture, const idem_track_place *place) {
    const idem_clip_faces *f = user;
    const idem_clip_fate fate = idem_clip_plan_of(f->plan, picture, place);
    return idem_clip_fate_word(&fate);
}

json_t *idem_clip_faces_boxes(idem_clip_faces *f) {
    return idem_clip_hand_from(f->tracks, &f->covers, f->hand, what, f);
}

/* ---- going on ---- */

size_t idem_clip_faces_size(const idem_clip_faces *f) {
    return IDEM_SECRET + sizeof f->counts + (size_t)f->n * sizeof *f->told;
}

/* Identifies the persons painted, for the owner of the secret. */
static void digest(const idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], uint8_t out[IDEM_SECRET]) {
    uint8_t sum[2 * IDEM_SECRET] = {0};
    for (int i = 0; i < f->n; i++) {
        const float *code = idem_clip_plan_code(f->plan, i);
        if (code)
            idem_secret_derive(sum + IDEM_SECRET, secret, code, f->id * sizeof(float));
        else
            memset(sum + IDEM_SECRET, idem_clip_plan_exempt(f->plan, i) ? 1 : 0, IDEM_SECRET);
        idem_secret_derive(sum, secret, sum, sizeof sum);
    }
    memcpy(out, sum, IDEM_SECRET);
}

void idem_clip_faces_keep(const idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], uint8_t *bytes) {
    digest(f, secret, bytes);
    memcpy(bytes + IDEM_SECRET, &f->counts, sizeof f->counts);
    memcpy(bytes + IDEM_SECRET + sizeof f->counts, f->told, (size_t)f->n * sizeof *f->told);
}

int idem_clip_faces_take(idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], const uint8_t *bytes) {
    uint8_t own[IDEM_SECRET];
    digest(f, secret, own);
    if (memcmp(own, bytes, sizeof own) != 0)
        return idem_fail("the state of an earlier run is of other faces");
    idem_clip_counts *c = &f->counts;
    memcpy(c, bytes + IDEM_SECRET, sizeof *c);
    c->n_look = c->n_look < 0 || c->n_look > IDEM_CLIP_LOOK ? 0 : c->n_look;
    for (int i = 0; i < c->n_look; i++)
        c->look[i].why[sizeof c->look->why - 1] = 0;
    memcpy(f->told, bytes + IDEM_SECRET + sizeof f->counts, (size_t)f->n * sizeof *f->told);
    return 0;
}
