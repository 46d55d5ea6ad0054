#define _GNU_SOURCE
#include "compose/photograph.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "engine/threads.h"
#include "face/align.h"
#include "face/paste.h"
#include "media/marked.h"

enum { YAW_PROFILE = 60 /* degrees from which on half of the face is not visible */ };

static const idem_crop whole_frame = {{1, 0, 0, 0, 1, 0}};

static const float (*points_of(const idem_photograph *p, int face))[2] {
    return (const float(*)[2])p->photo.faces[face].points;
}

static const char *name_of(const idem_photograph *p) {
    return p->path ? p->path : "the photograph";
}

/* ---- life ---- */

idem_photograph *idem_photograph_of(idem_image *image, const char *path) {
    idem_photograph *p = calloc(1, sizeof *p);
    if (p)
        p->photo = (idem_photo){.image = *image, .width = image->width, .height = image->height};
    else
        idem_image_free(image);
    *image = (idem_image){0};
    if (p && (!path || (p->path = strdup(path))))
        return p;
    idem_photograph_free(p);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for a photograph");
}

void idem_photograph_free(idem_photograph *p) {
    if (!p)
        return;
    idem_photo_close(&p->photo);
    free(p->path);
    free(p);
}

/* ---- looking ---- */

static int wanted(const idem_look *look) {
    return look->face == IDEM_FACE_ALL ? INT_MAX : look->face + 1;
}

/* Takes the whole picture as one face, whose points may be known. */
static int take_whole(idem_photograph *p, const idem_found *face) {
    idem_found *faces = realloc(p->photo.faces, sizeof *faces);
    if (!faces)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    *faces =
        face ? *face : (idem_found){.box = {.x0 = 0, .y0 = 0, .x1 = 1, .y1 = 1}, .yaw = NAN, .pitch = NAN, .roll = NAN};
    p->photo.faces = faces;
    p->photo.n = 1;
    p->first = 0;
    p->taken = 1;
    p->whole = true;
    p->unseen = !face;
    return 0;
}

/* Pictures of this size drawn by idem are taken whole even without a face: samples of an early generator. */
static bool is_drawn_so(const idem_photograph *p, int size) {
    char text[8];
    if (p->photo.width != size || p->photo.height != size)
        return false;
    return p->marked || (p->path && !idem_png_text(p->path, "Software", text, sizeof text) && !strcmp(text, "idem"));
}

/* A square picture whose only face lies in the frame. */
static int judge_whole(idem_photograph *p) {
    idem_crop frame;
    if (idem_align_frame(&frame, points_of(p, p->first), p->photo.width, p->photo.height))
        return -1;
    p->whole = p->photo.width == p->photo.height && idem_cut_is_whole(&frame);
    return 0;
}

static void remark(const idem_photograph *p, const idem_look *look) {
    if (p->photo.n > 1 && look->face == IDEM_FACE_LARGEST)
        idem_log(IDEM_LOG_NOTE, "%s: has %d faces; the largest is taken%s", name_of(p), p->photo.n,
                 look->hint ? look->hint : "");
    for (int i = p->first; i < p->first + p->taken; i++)
        if (fabsf(p->photo.faces[i].yaw) > YAW_PROFILE)
            idem_log(IDEM_LOG_NOTE, "%s: a profile (yaw %.0f degrees); the frame may be off", name_of(p),
                     (double)p->photo.faces[i].yaw);
    for (int i = p->first; i < p->first + p->taken; i++) {
        const double outside = idem_photograph_outside(p, i);
        if (outside >= IDEM_OUTSIDE_MUCH)
            idem_log(IDEM_LOG_NOTE, "%s: %.0f %% of the frame of face %d is outside the photograph and filled in",
                     name_of(p), 100 * outside, i + 1);
    }
}

static int search(idem_photograph *p, idem_finder *f, const idem_look *look) {
    if (idem_photo_find(&p->photo, f, p->path, look->size, wanted(look)))
        return -1;
    const bool all = look->face == IDEM_FACE_ALL, aligned = look->input == IDEM_LOOK_AUTO;
    if (p->photo.n == 0 && look->face <= 0 && aligned && is_drawn_so(p, look->size))
        return take_whole(p, NULL);
    p->first = all ? 0 : look->face;
    p->taken = all ? p->photo.n : p->photo.n > look->face ? 1 : 0;
    if (p->taken == 1 && aligned && !(all && p->photo.n > 1) && judge_whole(p))
        return -1;
    remark(p, look);
    return 0;
}

/* If the largest face is wanted, one look decides whether a picture is a face in its frame. */
static int look_with(idem_photograph *p, idem_finder *f, const idem_look *look) {
    idem_found face;
    int seen = 0;
    if (look->face == IDEM_FACE_LARGEST && look->input == IDEM_LOOK_AUTO)
        seen = idem_cut_sees_whole(&p->photo, f, look->size, &face);
    return seen < 0 ? -1 : seen ? take_whole(p, &face) : search(p, f, look);
}

int idem_photograph_look(idem_photograph *p, idem_studio *s, const idem_look *look) {
    p->first = p->taken = 0;
    p->whole = p->unseen = false;
    if (look->input == IDEM_LOOK_PIXELS)
        return 0;
    if (look->input == IDEM_LOOK_ALIGNED)
        return look->face > 0 ? 0 : take_whole(p, NULL);
    const idem_team before = idem_team_enter(idem_studio_threads(s));
    idem_finder *f = idem_studio_finder(s);
    const int status = f ? look_with(p, f, look) : -1;
    idem_team_leave(&before);
    return status;
}

/* ---- reading ---- */

static idem_photograph *look_or_free(idem_photograph *p, idem_studio *s, const idem_look *look) {
    if (p && idem_photograph_look(p, s, look)) {
        idem_photograph_free(p);
        return NULL;
    }
    return p;
}

static bool is_seen(const idem_look *look) {
    return look->input == IDEM_LOOK_AUTO || look->input == IDEM_LOOK_PHOTO;
}

idem_ahead *idem_photograph_ahead(const char *const *paths, size_t n, const idem_look *look) {
    return is_seen(look) && look->size ? idem_photo_ahead(paths, n, wanted(look)) : idem_ahead_new(paths, n, 0);
}

idem_photograph *idem_photograph_next(idem_studio *s, idem_ahead *ahead, const char *path, const idem_look *look) {
    idem_image image;
    int width, height;
    if (idem_ahead_next(ahead, &image, &width, &height))
        return NULL;
    const bool opaque = !(image.notes & IDEM_NOTE_TRANSPARENT);
    idem_photograph *p = idem_photograph_of(&image, path);
    if (p) {
        p->photo.width = width;
        p->photo.height = height;
        p->full = !look->size && opaque;
    }
    if (p && !look->size && idem_photograph_fill(p)) {
        idem_photograph_free(p);
        return NULL;
    }
    return look_or_free(p, s, look);
}

static idem_photograph *read_whole(idem_studio *s, const char *path, const idem_look *look) {
    idem_image image;
    if (idem_image_load_transparent(&image, path))
        return NULL;
    idem_photograph *p = idem_photograph_of(&image, path);
    if (p)
        p->full = true;
    return look_or_free(p, s, look);
}

idem_photograph *idem_photograph_read(idem_studio *s, const char *path, const idem_look *look) {
    if (!look->size)
        return read_whole(s, path, look);
    idem_ahead *ahead = idem_photograph_ahead(&path, 1, look);
    idem_photograph *p = ahead ? idem_photograph_next(s, ahead, path, look) : NULL;
    idem_ahead_free(ahead);
    return p;
}

/* ---- faces ---- */

int idem_photograph_check(const idem_photograph *p, int face) {
    if (face >= 0 && face < p->photo.n)
        return 0;
    return idem_fail("%s: face %d was asked for, but the photograph has %d, numbered from 0", name_of(p), face,
                     p->photo.n);
}

static bool is_whole(const idem_photograph *p, int face) {
    return p->whole && face == p->first;
}

int idem_photograph_frame(const idem_photograph *p, int face, idem_crop *frame) {
    if (idem_photograph_check(p, face))
        return -1;
    *frame = whole_frame;
    return is_whole(p, face) ? 0 : idem_align_frame(frame, points_of(p, face), p->photo.width, p->photo.height);
}

double idem_photograph_outside(const idem_photograph *p, int face) {
    idem_crop frame;
    return is_whole(p, face) || idem_photograph_frame(p, face, &frame) ? 0 : idem_align_outside(&frame);
}

/* A picture that already has the size is copied. */
static int to_size(idem_image *out, const idem_image *in, int size) {
    return in->width == size && in->height == size ? idem_image_cut(out, in, 0, 0, size, size)
                                                   : idem_image_resize(out, in, size, size);
}

int idem_photograph_cut(const idem_photograph *p, const idem_studio *s, int face, int size, idem_image *picture) {
    idem_crop frame;
    if (idem_photograph_frame(p, face, &frame))
        return -1;
    if (!p->photo.image.rgb)
        return idem_fail_as(IDEM_INTERNAL, "%s: its pixels were freed", name_of(p));
    const idem_team before = idem_team_enter(idem_studio_threads(s));
    const int status = is_whole(p, face) ? to_size(picture, &p->photo.image, size)
                                         : idem_align_picture(picture, &p->photo.image, &frame, size);
    idem_team_leave(&before);
    return status;
}

bool idem_photograph_is_drawn(const idem_photograph *p) {
    return p->marked || (p->path && idem_image_says_synthetic(p->path));
}

/* ---- pixels ---- */

void idem_photograph_drop(idem_photograph *p) {
    if (!p->path)
        return;
    idem_image_free(&p->photo.image);
    p->full = p->pasted = false;
}

int idem_photograph_fill(idem_photograph *p) {
    idem_image image;
    if (p->full || !p->path)
        return 0;
    if (idem_image_load_transparent(&image, p->path))
        return -1;
    idem_image_free(&p->photo.image);
    p->photo.image = image;
    p->full = true;
    return 0;
}

int idem_photograph_paste(idem_photograph *p, const idem_studio *s, int face, const idem_image *picture) {
    idem_crop frame;
    if (idem_photograph_frame(p, face, &frame) || idem_photograph_fill(p))
        return -1;
    if (p->unseen)
        return idem_fail("%s: was taken whole without looking for faces: there is no place to paste a face into",
                         name_of(p));
    const idem_team before = idem_team_enter(idem_studio_threads(s));
    const int status = idem_paste(&p->photo.image, picture, &frame, points_of(p, face));
    idem_team_leave(&before);
    const double enlarged = idem_align_side(&frame, p->photo.width, p->photo.height) / picture->width;
    if (!status && enlarged > IDEM_PASTE_ENLARGED)
        idem_log(IDEM_LOG_NOTE,
                 "%s: face %d is pasted at %.1f times its painted size; it is softer than its surroundings", name_of(p),
                 face + 1, enlarged);
    p->pasted |= !status;
    return status;
}
