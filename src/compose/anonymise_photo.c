#include "compose/anonymise_photo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/candidate.h"
#include "compose/likeness.h"
#include "compose/recompose.h"
#include "engine/threads.h"

typedef idem_photo_face face;

typedef struct {
    idem_anonymiser *anonymiser;
    idem_studio *studio;
    const idem_anonymise_options *options;
    idem_image *photo;
    const face *faces;
    int n;
    idem_anonymised_face *told;
} job;

static void tell(job *j, int i) {
    const face *f = &j->faces[i];
    const idem_box *b = &f->found.box;
    const int w = j->photo->width, h = j->photo->height;
    j->told[i] = (idem_anonymised_face){.box = {b->x0 * (float)w, b->y0 * (float)h, b->x1 * (float)w, b->y1 * (float)h},
                                        .score = f->found.score,
                                        .yaw = f->found.yaw,
                                        .sure = f->found.sure,
                                        .done = f->done,
                                        .person = f->person,
                                        .feature = NAN,
                                        .judge = NAN};
}

static idem_was was_of(const face *f) {
    return (idem_was){(const float(*)[2])f->found.points, f->feature, f->judge};
}

static void take_likeness(idem_anonymised_face *t, const idem_likeness *l) {
    t->feature = l->feature;
    t->judge = l->judge;
    t->above = l->above;
}

/* Compares the current face with the original. */
static int measure(job *j, int i) {
    const idem_was was = was_of(&j->faces[i]);
    idem_likeness l;
    if (idem_likeness_measure(j->studio, j->photo, &was, &l))
        return -1;
    take_likeness(&j->told[i], &l);
    return 0;
}

/* Cores of the other sure faces: they are handled separately and must not be hidden with a neighbour. */
static int other_cores(idem_region **cores, const job *j, int but) {
    int n = 0;
    if (!(*cores = malloc((size_t)j->n * sizeof **cores)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", j->n);
    for (int i = 0; i < j->n; i++)
        if (i != but && j->faces[i].found.sure && j->faces[i].has_points) {
            idem_region *r = &(*cores)[n++];
            *r = j->faces[i].region;
            r->radius_x *= IDEM_FACE_CORE;
            r->radius_y *= IDEM_FACE_CORE;
        }
    return n;
}

/* Hides the face, more strongly if a recogniser still matches the person. */
static int hide(job *j, int i, const char *why) {
    const face *f = &j->faces[i];
    const idem_was was = was_of(f);
    idem_likeness l = {NAN, NAN, false};
    idem_region *but;
    const int n = other_cores(&but, j, i);
    const int status = n < 0 ? -1
                             : idem_likeness_hide(j->studio, j->photo, &f->region, j->options->fallback, but, n,
                                                  f->found.sure ? &was : NULL, &l);
    j->told[i].done = IDEM_FACE_HIDDEN;
    j->told[i].why = why;
    take_likeness(&j->told[i], &l);
    free(but);
    return status;
}

static int paint(job *j, int i) {
    const face *f = &j->faces[i];
    const idem_sitter sitter = {.photo = j->photo,
                                .frame = &f->frame,
                                .points = (const float(*)[2])f->found.points,
                                .feature = f->feature,
                                .judge = f->judge,
                                .surrogate = f->code};
    idem_recomposed about;
    const int done =
        idem_recomposer_run(idem_anonymiser_recomposer(j->anonymiser), &sitter, j->options->similarity, &about);
    if (done < 0)
        return -1;
    if (!done)
        return hide(j, i, idem_too_like);
    j->told[i].feature = about.feature;
    j->told[i].judge = about.judge;
    return 0;
}

/* A face over which another was pasted after it was measured. */
static int check_again(job *j) {
    for (int i = 0; i < j->n; i++) {
        if (j->told[i].done != IDEM_FACE_RECOMPOSED)
            continue;
        if (measure(j, i))
            return -1;
        if (!isnan(j->options->similarity))
            j->told[i].above = false;
        else if (j->told[i].above && hide(j, i, idem_too_like))
            return -1;
    }
    return 0;
}

static int run(job *j) {
    int status = 0;
    for (int i = 0; i < j->n; i++)
        tell(j, i);
    for (int i = 0; i < j->n && !status; i++) {
        const face *f = &j->faces[i];
        if (f->done == IDEM_FACE_EXEMPT || f->done == IDEM_FACE_SKIPPED)
            continue;
        const bool muted = idem_studio_mute(j->studio, true);
        status = f->why ? hide(j, i, f->why) : paint(j, i);
        idem_studio_mute(j->studio, muted);
        if (!muted)
            idem_studio_tell(j->studio, i + 1, j->n);
    }
    return status || check_again(j) ? -1 : 0;
}

int idem_anonymise_photo_paint(idem_anonymiser *a, idem_image *photo, const idem_photo_plan *plan,
                               idem_anonymised_face **faces) {
    job j = {.anonymiser = a,
             .studio = idem_anonymiser_studio(a),
             .options = idem_anonymiser_options(a),
             .photo = photo,
             .faces = plan->faces,
             .n = plan->n};
    *faces = NULL;
    if (!(j.told = calloc((size_t)plan->n + 1, sizeof *j.told)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", plan->n);
    const idem_team before = idem_team_enter(idem_studio_threads(j.studio));
    const int status = run(&j);
    idem_team_leave(&before);
    if (status) {
        free(j.told);
        return -1;
    }
    *faces = j.told;
    return j.n;
}

int idem_anonymise_photo(idem_anonymiser *a, idem_image *photo, const idem_hand_boxes *hand,
                         idem_anonymised_face **faces) {
    idem_photo_plan p;
    int n = -1;
    *faces = NULL;
    if (!idem_photo_plan_make(&p, a, photo, hand)) {
        float *rows = malloc(((size_t)p.wanted * idem_anonymiser_width(a) + 1) * sizeof *rows);
        if (rows)
            idem_photo_plan_copy(&p, a, rows);
        if (!rows)
            idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", p.wanted);
        else if (!idem_photo_plan_choose(a, rows, p.wanted, &p))
            n = idem_anonymise_photo_paint(a, photo, &p, faces);
        free(rows);
    }
    idem_photo_plan_free(&p);
    return n;
}
