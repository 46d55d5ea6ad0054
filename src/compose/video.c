#define _GNU_SOURCE
#include "compose/video.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "compose/hand_boxes.h"
#include "compose/hide.h"
#include "compose/likeness.h"
#include "compose/photograph.h"
#include "compose/video_paint.h"
#include "model/origin.h"

enum { REVIEW_MOST = 400 };

/* Least cosine between a photograph and a person of the clip. */
static const double same_person = 0.3;

/* Share of the person's vector that is subtracted from the new identity's: the mapper keeps some of the person. */
static const double away = 0.3;

/* Least detector score of a face marked by hand. */
static const double unsure = 0.3;

/* A person of the clip, by fr_feature's vector of a photograph, and the new identity. */
typedef struct {
    float *vector;
    idem_clip_who identity;
} role;

typedef struct {
    idem_studio *studio;
    const char *from, *to;
    const idem_clip_job *job;
    idem_clip_report *report;
    idem_tracks *tracks;
    const idem_track_person *persons;
    idem_clip_who identity; /* of persons without a role */
    role *roles;            /* [job->n_roles] */
    idem_clip_who *who;     /* [persons]; borrowed from these and codes */
    float *codes;           /* [persons, id_dim]: moved away from the persons; NULL: none */
    idem_video *in;         /* opened for the output's parameters; frames come from it unless some are done */
    idem_video *source;
    idem_video_out *out;
    idem_clip_brush *brush;
    idem_clip_painter *painter;
    idem_origin origin;
    char *text; /* text of the options that the pictures depend on */
    char *name; /* in files of boxes */
    json_t *boxes;
    idem_clip_hand hand;
} clip;

/* ---- who becomes whom ---- */

static idem_photograph *read_face(clip *c, const char *path) {
    const idem_look look = {
        .input = IDEM_LOOK_AUTO, .face = IDEM_FACE_LARGEST, .size = idem_studio_about(c->studio)->size};
    idem_photograph *p = idem_photograph_read(c->studio, path, &look);
    if (p && !p->taken) {
        idem_photograph_free(p);
        return idem_fail_null("%s: no face is found in it", path);
    }
    return p;
}

static int read_identity(clip *c, const char *path, idem_clip_who *who) {
    const idem_model_info *m = idem_studio_about(c->studio);
    idem_photograph *p = read_face(c, path);
    idem_image picture = {0};
    int status = p ? idem_photograph_cut(p, c->studio, p->first, m->size, &picture) : -1;
    const size_t bytes = (size_t)m->size * (size_t)m->size * 3;
    *who = (idem_clip_who){.code = malloc((size_t)m->id_dim * sizeof(float)), .rgb = malloc(bytes)};
    if (!status && (!who->code || !who->rgb))
        status = idem_fail_as(IDEM_MEMORY, "%s: out of memory for an identity", path);
    if (!status) {
        memcpy(who->rgb, picture.rgb, bytes);
        status = idem_studio_encode(c->studio, IDEM_PIPE_IDENTITY, who->rgb, 1, who->code);
    }
    idem_image_free(&picture);
    idem_photograph_free(p);
    return status;
}

static void free_who(idem_clip_who *who) {
    free(who->code);
    free(who->rgb);
    *who = (idem_clip_who){0};
}

static float *read_vector(clip *c, const char *path) {
    const int dim = idem_studio_feature_dim(c->studio);
    idem_photograph *p = read_face(c, path);
    float *v = p && dim > 0 ? malloc((size_t)dim * sizeof *v) : NULL;
    int status = v ? 0 : -1;
    if (p && dim > 0 && !v)
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for a face", path);
    if (v && p->unseen)
        status = idem_fail("%s: the place of its face was not found", path);
    else if (v)
        status =
            idem_photograph_fill(p) ||
            idem_studio_embed(c->studio, &p->photo.image, (const float(*)[2])p->photo.faces[p->first].points, v, NULL);
    idem_photograph_free(p);
    if (!status)
        return v;
    free(v);
    return NULL;
}

/* Reads all photographs before the long work on the clip. */
static int read_photographs(clip *c) {
    const idem_clip_job *j = c->job;
    if (j->identity && j->faces != IDEM_CLIP_NONE && read_identity(c, j->identity, &c->identity))
        return -1;
    if (!(c->roles = calloc((size_t)j->n_roles + 1, sizeof *c->roles)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for the persons of a clip");
    for (int i = 0; i < j->n_roles; i++)
        if (!(c->roles[i].vector = read_vector(c, j->roles[i].who)) ||
            read_identity(c, j->roles[i].identity, &c->roles[i].identity))
            return -1;
    return 0;
}

static void free_photographs(clip *c) {
    free_who(&c->identity);
    for (int i = 0; c->roles && i < c->job->n_roles; i++) {
        free(c->roles[i].vector);
        free_who(&c->roles[i].identity);
    }
    free(c->roles);
}

/* The person of the clip whose vector a photograph has, or -1. */
static int find_person(const clip *c, int n, const char *path, const float *v) {
    const int dim = idem_studio_feature_dim(c->studio);
    int best = -1;
    double most = -1;
    for (int i = 0; i < n; i++)
        if (idem_unit_cosine(v, c->persons[i].vector, (size_t)dim) > most) {
            most = idem_unit_cosine(v, c->persons[i].vector, (size_t)dim);
            best = i;
        }
    return most < same_person
               ? idem_fail("%s: nobody in the clip looks like this person (highest cosine %.2f, expected %.2f)", path,
                           most, same_person)
               : best;
}

/* said: idem_clip_hand_persons. */
static int choose_each(clip *c, int n, const uint8_t *said) {
    const idem_clip_job *j = c->job;
    for (int i = 0; i < j->n_roles; i++) {
        const int person = find_person(c, n, j->roles[i].who, c->roles[i].vector);
        if (person < 0)
            return -1;
        if (c->who[person].code)
            return idem_fail("%s: shows the same person of the clip as a photograph before it", j->roles[i].who);
        c->who[person] = c->roles[i].identity;
    }
    for (int i = 0; i < n; i++) {
        idem_clip_who *w = &c->who[i];
        const bool meant = w->code || j->faces == IDEM_CLIP_ALL || (i == 0 && j->faces == IDEM_CLIP_LARGEST),
                   replace = said[i] & 1 << IDEM_BY_HAND_REPLACE;
        if (!w->code && (meant || replace))
            *w = c->identity;
        if (replace && !w->code)
            return idem_fail("%s: a face is to be replaced, but it has no new identity: give one", j->boxes);
        w->only_by_hand = !meant || said[i] & 1 << IDEM_BY_HAND_EXEMPT;
        if (w->only_by_hand && !replace)
            *w = (idem_clip_who){0};
    }
    return 0;
}

/* Only for the mapper's answer, as refining charges what is left of the person; and only if E_id is the recogniser that
 * the persons' vectors are of. */
static int move_codes(clip *c, int n) {
    const size_t dim = (size_t)idem_studio_about(c->studio)->id_dim;
    if (c->job->refine || strcmp(idem_model_recogniser_file(idem_studio_model(c->studio)), "fr_feature.onnx"))
        return 0;
    if (!(c->codes = malloc((size_t)n * dim * sizeof *c->codes)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for the persons of a clip");
    for (int i = 0; i < n; i++)
        if (c->who[i].code) {
            float *to = c->codes + (size_t)i * dim;
            idem_unit_mix(to, c->who[i].code, c->persons[i].vector, -away, dim);
            c->who[i].code = to;
        }
    return 0;
}

static int choose_persons(clip *c) {
    const int n = idem_tracks_persons(c->tracks, &c->persons);
    uint8_t *said = calloc((size_t)n + 1, 1);
    if (!said || !(c->who = calloc((size_t)n + 1, sizeof *c->who))) {
        free(said);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the persons of a clip");
    }
    idem_clip_hand_persons(&c->hand, c->tracks, said);
    const int status = choose_each(c, n, said);
    free(said);
    c->report->persons = n;
    for (int i = 0; i < n; i++)
        c->report->changed += c->who[i].code != NULL;
    return status || (c->report->changed && move_codes(c, n)) ? -1 : 0;
}

static int look_for_faces(clip *c) {
    const idem_clip_job *j = c->job;
    if (j->faces == IDEM_CLIP_NONE && !j->n_roles)
        return (c->tracks = idem_tracks_new(c->report->width, c->report->height, 1, NULL)) &&
                       !idem_tracks_finish(c->tracks)
                   ? 0
                   : -1;
    const idem_video_faces_options o = {.from = j->from,
                                        .to = j->to,
                                        .progress = j->progress,
                                        .user = j->user,
                                        .unsure = c->hand.n ? unsure : 0,
                                        .hand = &c->hand};
    if (!(c->tracks = idem_video_faces(c->studio, c->from, &o)))
        return -1;
    if (!idem_tracks_persons(c->tracks, &c->persons))
        return idem_fail("%s: no face is found in any picture%s", c->from,
                         j->from > 0 || j->to > 0 ? " of the selected time" : "");
    return 0;
}

/* ---- by hand ---- */

static int read_boxes(clip *c) {
    char *path = strdup(c->from), *end = path ? path + strlen(path) : NULL;
    while (end && end > path + 1 && end[-1] == '/')
        *--end = 0;
    const char *slash = path ? strrchr(path, '/') : NULL;
    c->name = path ? strdup(slash && slash[1] ? slash + 1 : path) : NULL;
    free(path);
    if (!c->name)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a clip");
    if (!c->job->boxes)
        return 0;
    if (!(c->boxes = idem_hand_boxes_read(c->job->boxes)))
        return -1;
    return idem_hand_boxes_clip(c->boxes, c->name)
               ? 0
               : idem_fail("%s: has no clip \"%s\" in \"clips\"", c->job->boxes, c->name);
}

static const char *what(void *user, int64_t picture, const idem_track_place *place) {
    clip *c = user;
    const int wish = idem_clip_hand_on(&c->hand, picture, &place->box);
    return c->brush->wants(c->brush, picture, place) ? "replace" : wish == IDEM_BY_HAND_HIDE ? "hide" : "exempt";
}

static int write_boxes(clip *c) {
    if (!c->job->boxes_out)
        return 0;
    json_t *list = idem_clip_hand_from(c->tracks, NULL, &c->hand, what, c);
    json_t *root = list ? json_pack("{s:{s:o}}", "clips", c->name, list) : NULL;
    const int status = root ? idem_hand_boxes_write(c->job->boxes_out, root) : -1;
    if (list && !root)
        idem_fail("%s: the name of the clip is no UTF-8", c->from);
    json_decref(root);
    return status;
}

/* Hides faces, and regions without one, in a picture. */
static int hide(clip *c, idem_video_frame *f) {
    const idem_track_place *p;
    const int n = idem_tracks_at(c->tracks, f->number, &p), w = f->image.width, h = f->image.height;
    for (int i = 0; i < n && c->hand.n; i++) {
        const idem_region region = idem_region_of_frame(&p[i].frame, w, h);
        if (idem_clip_hand_on(&c->hand, f->number, &p[i].box) != IDEM_BY_HAND_HIDE)
            continue;
        if (idem_hide(&f->image, &region, IDEM_HIDE_PIXELS, NULL, 0))
            return -1;
        f->changed = true;
        c->report->hidden++;
    }
    for (int i = 0; i < c->hand.n; i++) {
        const idem_box box = idem_cover_box(&c->hand.at[i].cover, f->number);
        const idem_region region = idem_region_of_box(&box, 0, w, h);
        if (!idem_hand_range_is_region(&c->hand.at[i], f->number, c->tracks))
            continue;
        if (idem_hide(&f->image, &region, IDEM_HIDE_PIXELS, NULL, 0))
            return -1;
        f->changed = true;
        c->report->hidden++;
    }
    return 0;
}

/* ---- opening ---- */

/* A picture by name and contents. */
static int describe_picture(FILE *f, const char *before, const char *path) {
    char hex[65];
    if (idem_sha256_file(path, hex))
        return -1;
    fprintf(f, "%s%s (%.16s)", before, path, hex);
    return 0;
}

static int describe_job(clip *c) {
    const idem_clip_job *j = c->job;
    const idem_model_info *m = idem_studio_about(c->studio);
    size_t size = 0;
    FILE *f = open_memstream(&c->text, &size);
    if (!f)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a clip");
    fprintf(f, "generator %s, mapper %s, refine %d, faces %d, from %.3f, to %.3f", m ? m->hash : "none",
            m && m->mapper ? m->mapper : "none", j->refine, (int)j->faces, j->from, j->to);
    int status = j->identity ? describe_picture(f, ", identity ", j->identity) : 0;
    for (int i = 0; i < j->n_roles && !status; i++)
        status = describe_picture(f, ", ", j->roles[i].who) || describe_picture(f, " as ", j->roles[i].identity);
    char hex[65] = "";
    const json_t *said = idem_hand_boxes_clip(c->boxes, c->name);
    if (said && !idem_hand_boxes_digest(said, hex))
        fprintf(f, ", boxes %s", hex);
    return fclose(f) ? idem_fail_as(IDEM_MEMORY, "out of memory for a clip") : status;
}

static int open_out(clip *c) {
    const idem_clip_job *j = c->job;
    idem_video_out_options o = j->out;
    const bool paints = j->faces != IDEM_CLIP_NONE || j->n_roles;
    if (paints)
        idem_origin_of(&c->origin, IDEM_SOURCE_COMPOSITE, idem_studio_model(c->studio), NULL);
    o.marks = paints ? &c->origin.marks : &idem_marks_no_source;
    o.job = c->text;
    if (!(c->in = idem_video_open(c->from, 0)) || !(c->out = idem_video_out_open(c->to, c->in, &o)))
        return -1;
    const idem_video_info *info = idem_video_about(c->in);
    idem_clip_report *r = c->report;
    if (idem_clip_hand_take(&c->hand, idem_hand_boxes_clip(c->boxes, c->name), info->width, info->height))
        return -1;
    r->width = info->width;
    r->height = info->height;
    r->resumed = idem_video_out_done(c->out);
    snprintf(r->codec, sizeof r->codec, "%s", idem_video_out_codec(c->out));
    snprintf(r->why, sizeof r->why, "%s", idem_video_out_why(c->out));
    if (paints)
        idem_clip_warn_of_light(c->in);
    return j->review && idem_dir_make(j->review) ? -1 : 0;
}

static int open_painter(clip *c) {
    const int64_t done = c->report->resumed, first = done > 2 * IDEM_CLIP_REACH ? done - 2 * IDEM_CLIP_REACH : 0;
    size_t size;
    const void *state = idem_video_out_state(c->out, &size);
    /* The networks of the first pass are not used by the second. */
    idem_studio_release(c->studio, IDEM_RELEASE_ALL);
    if (done && !(c->source = idem_video_open(c->from, first)))
        return -1;
    if (!(c->brush = idem_clip_brush_new(c->studio, c->who, c->report->persons, &c->hand, c->job->refine)) ||
        write_boxes(c) || !(c->painter = idem_clip_painter_new(c->studio, c->tracks, c->brush, first)))
        return -1;
    return done ? idem_clip_painter_restore(c->painter, state, size) : 0;
}

/* ---- the second pass ---- */

static int review(clip *c, const idem_video_frame *f, const char *why) {
    char name[80];
    if (c->report->review >= REVIEW_MOST)
        return 0;
    int length = snprintf(name, sizeof name, "%06" PRId64 " %s.png", f->number, why);
    for (int i = 0; i < length; i++)
        name[i] = name[i] == ' ' ? '-' : name[i];
    char *path = idem_path_join(c->job->review, name);
    const int status = path ? idem_image_save_png(&f->image, path, &c->origin.marks) : -1;
    free(path);
    c->report->review += !status;
    return status;
}

static int check_stop(const clip *c) {
    return idem_studio_stopped(c->studio)
               ? idem_fail_as(IDEM_INTERRUPTED, "interrupted: continue with the same call and options.resume")
               : 0;
}

/* Passes finished pictures to the encoder. */
static int hand_on(clip *c) {
    idem_video_frame f;
    idem_clip_painted about;
    while (idem_clip_painter_take(c->painter, &f, &about)) {
        idem_clip_report *r = c->report;
        if (f.number < r->resumed) {
            idem_video_frame_free(&f);
            continue;
        }
        r->faces += about.painted;
        r->bridged += about.bridged;
        r->outside += about.outside;
        r->pictures = f.number + 1;
        r->seconds = f.time + f.duration;
        if (hide(c, &f)) {
            idem_video_frame_free(&f);
            return -1;
        }
        if (c->job->review && about.why && review(c, &f, about.why)) {
            idem_video_frame_free(&f);
            return -1;
        }
        size_t size = 0;
        const int64_t number = f.number;
        const void *state =
            idem_video_out_ends_part(c->out, number) ? idem_clip_painter_state(c->painter, number, &size) : NULL;
        if (idem_video_out_put(c->out, &f, state, size))
            return -1;
        if (c->job->progress)
            c->job->progress(c->job->user, 2, number + 1, idem_video_about(c->in)->frames);
    }
    return 0;
}

static int paint_all(clip *c) {
    idem_video *v = c->source ? c->source : c->in;
    idem_video_frame f;
    int got;
    while ((got = idem_video_next(v, &f)) > 0) {
        if (idem_clip_painter_put(c->painter, &f) || hand_on(c) || check_stop(c))
            return -1;
    }
    const char *left = "", *damage = "";
    c->report->damaged = idem_video_damage(v, &damage);
    snprintf(c->report->damage, sizeof c->report->damage, "%s", damage);
    if (got < 0 || idem_clip_painter_end(c->painter) || hand_on(c) || check_stop(c) ||
        idem_video_out_finish(c->out, &left))
        return -1;
    snprintf(c->report->left, sizeof c->report->left, "%s", left);
    c->report->pictures = c->report->pictures ? c->report->pictures : c->report->resumed;
    return 0;
}

int idem_clip_compose(idem_studio *s, const char *from, const char *to, const idem_clip_job *job,
                      idem_clip_report *report) {
    clip c = {.studio = s, .from = from, .to = to, .job = job, .report = report};
    *report = (idem_clip_report){0};
    int status = job->faces != IDEM_CLIP_NONE || job->n_roles ? idem_studio_need(s, true) : 0;
    if (!status && job->faces != IDEM_CLIP_NONE && !job->identity && !job->n_roles)
        status = idem_fail("%s: no new identity is given for the faces", from);
    if (!status)
        status = read_boxes(&c) || describe_job(&c) || open_out(&c) || read_photographs(&c) || look_for_faces(&c) ||
                         choose_persons(&c) || open_painter(&c) || paint_all(&c)
                     ? -1
                     : 0;
    idem_clip_painter_free(c.painter);
    idem_clip_brush_free(c.brush);
    idem_video_out_free(c.out);
    idem_video_close(c.source);
    idem_video_close(c.in);
    free(c.who);
    free(c.codes);
    free_photographs(&c);
    idem_tracks_free(c.tracks);
    free(c.text);
    free(c.name);
    free(c.hand.at);
    json_decref(c.boxes);
    return status;
}
