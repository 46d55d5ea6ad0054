#define _GNU_SOURCE
#include "compose/anonymise_clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "compose/clip_faces.h"
#include "compose/video_paint.h"
#include "media/video_write.h"
#include "model/origin.h"

typedef struct {
    idem_anonymiser *anonymiser;
    idem_studio *studio;
    const char *from, *to;
    const idem_anonymise_clip_options *o;
    idem_anonymised_clip *told;
    idem_video *in;     /* opened for the output's parameters; frames come from it unless some are done */
    idem_video *source; /* opened where a run continues */
    idem_video_out *out;
    idem_origin origin;
    idem_tracks *tracks;
    idem_maybes maybes;
    idem_clip_hand hand;
    idem_clip_faces *faces;
    idem_clip_painter *painter;
    int64_t done;  /* pictures of an earlier run */
    uint8_t *kept; /* [kept_size]: counts, then the painter's state */
    size_t kept_size;
    bool held; /* not written: strict */
} clip;

/* ---- opening ---- */

/* Whether there are parts of an earlier run. */
static bool was_begun(const clip *c) {
    char *path = NULL;
    const bool is = asprintf(&path, "%s.idem-parts/job", c->to) > 0 && idem_path_exists(path);
    free(path);
    return is;
}

static int open_out(clip *c, bool resume) {
    idem_video_out_options o = IDEM_VIDEO_OUT_DEFAULT;
    idem_origin_of(&c->origin, IDEM_SOURCE_COMPOSITE, idem_studio_model(c->studio), NULL);
    o.marks = c->faces && !idem_clip_faces_paint(c->faces) ? &idem_marks_no_source : &c->origin.marks;
    o.quality = c->o->quality;
    o.keep_tags = false;
    o.no_audio = c->o->no_audio;
    o.job = c->o->run;
    o.resume = resume;
    return (c->out = idem_video_out_open(c->to, c->in, &o)) ? 0 : -1;
}

static int open_files(clip *c) {
    if (!(c->in = idem_video_open(c->from, 0)))
        return -1;
    /* An earlier run's parts may be of another clip or of other options: then start again. */
    if (!(was_begun(c) && idem_video_about(c->in)->kind == IDEM_VIDEO_FILM && !open_out(c, true)) && open_out(c, false))
        return -1;
    const idem_video_info *info = idem_video_about(c->in);
    c->told->width = info->width;
    c->told->height = info->height;
    c->told->has_sound = info->audio > 0 && !c->o->no_audio;
    idem_clip_warn_of_light(c->in);
    return 0;
}

static int find_faces(clip *c) {
    const idem_video_info *info = idem_video_about(c->in);
    if (idem_clip_hand_take(&c->hand, c->o->hand, info->width, info->height))
        return -1;
    const idem_video_faces_options o = {.progress = c->o->progress,
                                        .user = c->o->user,
                                        .judge = true,
                                        .unsure = idem_anonymiser_options(c->anonymiser)->unsure,
                                        .maybes = &c->maybes,
                                        .hand = &c->hand};
    return (c->tracks = idem_video_faces(c->studio, c->from, &o)) &&
                   (c->faces = idem_clip_faces_new(c->anonymiser, c->tracks, &c->maybes, &c->hand))
               ? 0
               : -1;
}

/* Continues with the counts and the painter's state of an earlier run; starts again if its faces were different. */
static int go_on(clip *c) {
    size_t size;
    const uint8_t *state = idem_video_out_state(c->out, &size);
    const size_t counts = idem_clip_faces_size(c->faces);
    if (!idem_clip_faces_paint(c->faces)) { /* nothing in it is synthetic */
        idem_video_out_free(c->out);
        c->out = NULL;
        if (open_out(c, was_begun(c)))
            return -1;
        state = idem_video_out_state(c->out, &size);
    }
    c->done = idem_video_out_done(c->out);
    if (!c->done)
        return 0;
    if (size >= counts && !idem_clip_faces_take(c->faces, c->o->secret, state))
        return (c->source = idem_video_open(c->from, c->done > 2 * IDEM_CLIP_REACH ? c->done - 2 * IDEM_CLIP_REACH : 0))
                   ? 0
                   : -1;
    c->done = 0;
    idem_video_out_free(c->out);
    c->out = NULL;
    return open_out(c, false);
}

static int open_painter(clip *c) {
    const int64_t first = c->done > 2 * IDEM_CLIP_REACH ? c->done - 2 * IDEM_CLIP_REACH : 0;
    /* Of the first pass and the choice of surrogates only the recognisers are used by the second pass. */
    idem_studio_release(c->studio, IDEM_RELEASE_FINDER | IDEM_RELEASE_PIPES);
    if (!(c->painter = idem_clip_painter_new(c->studio, c->tracks, idem_clip_faces_brush(c->faces), first)))
        return -1;
    size_t size;
    const size_t counts = idem_clip_faces_size(c->faces);
    const uint8_t *state = idem_video_out_state(c->out, &size);
    return c->done ? idem_clip_painter_restore(c->painter, state + counts, size - counts) : 0;
}

/* ---- pictures ---- */

static int keep_state(clip *c, int64_t number) {
    size_t size;
    const void *state = idem_clip_painter_state(c->painter, number, &size);
    const size_t counts = idem_clip_faces_size(c->faces);
    if (!c->kept && !(c->kept = malloc(counts + size + 1)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for what is kept of a clip");
    idem_clip_faces_keep(c->faces, c->o->secret, c->kept);
    if (size)
        memcpy(c->kept + counts, state, size);
    c->kept_size = counts + size;
    return 0;
}

static int put(clip *c, idem_video_frame *f, const char *why) {
    const int64_t number = f->number;
    const bool ends = idem_video_out_ends_part(c->out, number);
    if (idem_clip_faces_finish(c->faces, f, why) || (ends && keep_state(c, number))) {
        idem_video_frame_free(f);
        return -1;
    }
    c->held = c->o->strict && idem_clip_faces_counts(c->faces)->too_like > 0;
    if (idem_video_out_put(c->out, f, ends ? c->kept : NULL, ends ? c->kept_size : 0))
        return -1;
    if (c->o->progress)
        c->o->progress(c->o->user, 2, number + 1, idem_tracks_pictures(c->tracks));
    return 0;
}

static int hand_on(clip *c) {
    idem_video_frame f;
    idem_clip_painted about;
    while (!c->held && idem_clip_painter_take(c->painter, &f, &about)) {
        if (f.number < c->done)
            idem_video_frame_free(&f);
        else if (put(c, &f, about.why))
            return -1;
    }
    return 0;
}

static int check_stop(const clip *c) {
    return idem_studio_stopped(c->studio) ? idem_fail_as(IDEM_INTERRUPTED, "interrupted") : 0;
}

static int paint_all(clip *c) {
    idem_video *v = c->source ? c->source : c->in;
    idem_video_frame f;
    int got;
    while (!c->held && (got = idem_video_next(v, &f)) > 0) {
        if (idem_clip_faces_see(c->faces, &f)) {
            idem_video_frame_free(&f);
            return -1;
        }
        if (idem_clip_painter_put(c->painter, &f) || hand_on(c) || check_stop(c))
            return -1;
    }
    if (c->held)
        return 0;
    const char *left = "", *damage = "";
    if (got < 0 || idem_clip_painter_end(c->painter) || hand_on(c) || check_stop(c))
        return -1;
    c->told->damaged = idem_video_damage(v, &damage);
    snprintf(c->told->damage, sizeof c->told->damage, "%s", damage);
    if (c->held || idem_video_out_finish(c->out, &left))
        return c->held ? 0 : -1;
    c->told->written = true;
    snprintf(c->told->left, sizeof c->told->left, "%s", left);
    return 0;
}

static int tell(clip *c) {
    const idem_clip_person *persons;
    idem_anonymised_clip *t = c->told;
    const int n = idem_clip_faces_persons(c->faces, &persons);
    t->counts = *idem_clip_faces_counts(c->faces);
    snprintf(t->codec, sizeof t->codec, "%s", idem_video_out_codec(c->out));
    snprintf(t->why, sizeof t->why, "%s", idem_video_out_why(c->out));
    if (!(t->persons = malloc(((size_t)n + 1) * sizeof *t->persons)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for the persons of a clip");
    memcpy(t->persons, persons, (size_t)n * sizeof *persons);
    t->n_persons = n;
    return (t->boxes = idem_clip_faces_boxes(c->faces)) ? 0 : -1;
}

int idem_anonymise_clip(idem_anonymiser *a, const char *from, const char *to, const idem_anonymise_clip_options *o,
                        idem_anonymised_clip *out) {
    clip c = {.anonymiser = a, .studio = idem_anonymiser_studio(a), .from = from, .to = to, .o = o, .told = out};
    *out = (idem_anonymised_clip){0};
    const int status =
        open_files(&c) || find_faces(&c) || go_on(&c) || open_painter(&c) || paint_all(&c) || tell(&c) ? -1 : 0;
    if (c.out && (c.held || (status && idem_error_kind() == IDEM_INPUT)))
        idem_video_out_abandon(c.out);
    idem_clip_painter_free(c.painter);
    idem_clip_faces_free(c.faces);
    idem_tracks_free(c.tracks);
    idem_maybes_free(&c.maybes);
    idem_video_out_free(c.out);
    idem_video_close(c.source);
    idem_video_close(c.in);
    free(c.kept);
    free(c.hand.at);
    return status;
}
