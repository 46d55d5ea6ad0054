#include "compose/anonymise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/candidate.h"
#include "compose/likeness.h"
#include "compose/recompose.h"
#include "engine/threads.h"
#include "face/align.h"
#include "face/box.h"

const char *const idem_face_done_names[IDEM_FACE_DONE] = {"recomposed", "hidden", "exempt", "skipped"};

const char *const idem_too_like = "still too like the person";

enum { DRAWS_A_PERSON = 1024 /* no two persons have a candidate in common */ };
enum {
    IN_USE_MOST = 200 /* surrogates in use from which new ones keep their distance, if every face gets a new one */
};

struct idem_anonymiser {
    idem_studio *studio;
    idem_anonymise_options options;
    idem_persons *persons, *exempt;
    idem_surrogates *surrogates;
    idem_recomposer *recomposer;
    bool by_number;
    size_t dim; /* of fr_feature */
};

idem_anonymise_options idem_anonymise_defaults(void) {
    return (idem_anonymise_options){.similarity = NAN, .refine = IDEM_REFINE_STEPS, .min_face = 24, .unsure = 0.5};
}

/* ---- life ---- */

static int open_parts(idem_anonymiser *a, const uint8_t secret[IDEM_SECRET]) {
    const int dim = idem_studio_feature_dim(a->studio);
    if (dim < 1)
        return -1;
    a->dim = (size_t)dim;
    return (a->persons = idem_persons_new(dim)) && (a->exempt = idem_persons_new(dim)) &&
                   (a->surrogates = idem_surrogates_new(a->studio, secret)) &&
                   (a->recomposer = idem_recomposer_new(a->studio, a->options.refine, !isnan(a->options.similarity)))
               ? 0
               : -1;
}

idem_anonymiser *idem_anonymiser_new(idem_studio *s, const idem_anonymise_options *options,
                                     const uint8_t secret[IDEM_SECRET]) {
    idem_anonymiser *a = calloc(1, sizeof *a);
    if (!a)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for anonymising");
    a->studio = s;
    a->options = *options;
    const idem_team before = idem_team_enter(idem_studio_threads(s));
    const int status = open_parts(a, secret);
    idem_team_leave(&before);
    if (!status)
        return a;
    idem_anonymiser_free(a);
    return NULL;
}

void idem_anonymiser_free(idem_anonymiser *a) {
    if (!a)
        return;
    idem_recomposer_free(a->recomposer);
    idem_surrogates_free(a->surrogates);
    idem_persons_free(a->persons);
    idem_persons_free(a->exempt);
    free(a);
}

void idem_anonymiser_set_by_number(idem_anonymiser *a) {
    a->by_number = true;
}

idem_recomposer *idem_anonymiser_recomposer(idem_anonymiser *a) {
    return a->recomposer;
}

idem_studio *idem_anonymiser_studio(const idem_anonymiser *a) {
    return a->studio;
}

const idem_anonymise_options *idem_anonymiser_options(const idem_anonymiser *a) {
    return &a->options;
}

idem_persons *idem_anonymiser_persons(idem_anonymiser *a) {
    return a->persons;
}

idem_surrogates *idem_anonymiser_surrogates(idem_anonymiser *a) {
    return a->surrogates;
}

int idem_anonymiser_exempt(idem_anonymiser *a, const idem_image *photo) {
    idem_finder *f = idem_studio_finder(a->studio);
    idem_found *found = NULL;
    const int n = f ? idem_finder_run(f, photo, NULL, &found) : -1;
    float *feature = malloc(a->dim * sizeof *feature), judge[IDEM_JUDGE_DIM];
    int status = n < 0 ? -1 : feature ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    for (int i = 0; i < n && !status; i++)
        status = idem_studio_embed(a->studio, photo, (const float(*)[2])found[i].points, feature, judge) ||
                         idem_persons_add(a->exempt, -1, feature, judge) < 0
                     ? -1
                     : 0;
    free(feature);
    free(found);
    return status ? -1 : n;
}

bool idem_anonymiser_is_exempt(const idem_anonymiser *a, const float *feature, const float *judge) {
    return idem_persons_find_exact(a->exempt, feature, judge) >= 0;
}

/* ---- one photograph ---- */

typedef struct {
    idem_found found;
    bool has_points; /* found by the finder; else only a box */
    idem_by_hand wish;
    bool by_hand;
    idem_crop frame;
    idem_region region;
    float *feature, judge[IDEM_JUDGE_DIM]; /* of the original */
} face;

typedef struct {
    idem_anonymiser *a;
    idem_image *photo;
    face *faces;
    idem_anonymised_face *told;
    int n;
} job;

static double width_of(const face *f, const idem_image *photo) {
    return (double)(f->found.box.x1 - f->found.box.x0) * photo->width;
}

static double turn_of(const idem_crop *frame, const idem_image *im) {
    return atan2((double)frame->m[3] * im->height, (double)frame->m[0] * im->width);
}

static idem_box box_of(const idem_hand_box *h, const idem_image *photo) {
    return (idem_box){h->box[0] / (float)photo->width, h->box[1] / (float)photo->height,
                      h->box[2] / (float)photo->width, h->box[3] / (float)photo->height};
}

/* Combines faces found and boxes by hand: a box on a face decides what is done with it; a box on no face, unless it is
 * to be skipped, is a separate face. */
static int merge(job *j, idem_found *found, int n, const idem_hand_boxes *hand) {
    const int boxes = hand ? hand->n : 0;
    j->faces = calloc((size_t)(n + boxes + 1), sizeof *j->faces);
    j->told = calloc((size_t)(n + boxes + 1), sizeof *j->told);
    if (!j->faces || !j->told)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", n + boxes);
    for (int i = 0; i < n; i++)
        j->faces[j->n++] = (face){.found = found[i], .has_points = true};
    for (int k = 0; k < boxes; k++) {
        const idem_box box = box_of(&hand->at[k], j->photo);
        int on = -1;
        double most = 0.5;
        for (int i = 0; i < n; i++)
            if (idem_box_common(&box, &j->faces[i].found.box) > most) {
                most = idem_box_common(&box, &j->faces[i].found.box);
                on = i;
            }
        if (on >= 0) {
            j->faces[on].by_hand = true;
            j->faces[on].wish = hand->at[k].wish;
        } else if (hand->at[k].wish != IDEM_BY_HAND_SKIP && hand->at[k].wish != IDEM_BY_HAND_EXEMPT) {
            j->faces[j->n++] = (face){.found = {.box = box, .yaw = NAN, .pitch = NAN, .roll = NAN},
                                      .by_hand = true,
                                      .wish = IDEM_BY_HAND_HIDE};
        }
    }
    return 0;
}

/* The place of a face, and its person. */
static int look(job *j, face *f) {
    const idem_image *photo = j->photo;
    const float(*points)[2] = (const float(*)[2])f->found.points;
    if (f->has_points && idem_align_frame(&f->frame, points, photo->width, photo->height)) {
        if (idem_error_kind() != IDEM_INPUT)
            return -1;
        f->has_points = false; /* points that coincide: only the box is known */
    }
    f->region =
        idem_region_of_box(&f->found.box, f->has_points ? turn_of(&f->frame, photo) : 0, photo->width, photo->height);
    if (!f->has_points)
        return 0;
    if (f->found.sure)
        f->region = idem_region_of_frame(&f->frame, photo->width, photo->height);
    if (!(f->feature = malloc(j->a->dim * sizeof *f->feature)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    return idem_studio_embed(j->a->studio, photo, points, f->feature, f->judge);
}

static void tell(job *j, int i) {
    const face *f = &j->faces[i];
    const idem_box *b = &f->found.box;
    const int w = j->photo->width, h = j->photo->height;
    j->told[i] = (idem_anonymised_face){.box = {b->x0 * (float)w, b->y0 * (float)h, b->x1 * (float)w, b->y1 * (float)h},
                                        .score = f->found.score,
                                        .yaw = f->found.yaw,
                                        .sure = f->found.sure,
                                        .person = -1,
                                        .feature = NAN,
                                        .judge = NAN};
}

/* ---- what becomes of a face ---- */

static const char *why_not_painted(const job *j, const face *f) {
    if (f->by_hand && f->wish == IDEM_BY_HAND_HIDE)
        return "by hand";
    if (!f->has_points)
        return "no landmarks";
    if (!f->found.sure && !(f->by_hand && f->wish == IDEM_BY_HAND_REPLACE))
        return "unsure";
    if (width_of(f, j->photo) < j->a->options.min_face)
        return "too small";
    if (fabs((double)f->found.yaw) > IDEM_ANONYMISE_YAW)
        return "a profile";
    if (idem_align_outside(&f->frame) > IDEM_ANONYMISE_OUTSIDE)
        return "cut by the edge";
    return NULL;
}

static int draw_surrogate(idem_anonymiser *a, const float *feature, const float *judge) {
    const bool stranger = isnan(a->options.similarity);
    if (a->by_number)
        idem_surrogates_set_drawn(a->surrogates, (uint32_t)idem_persons_count(a->persons) * DRAWS_A_PERSON);
    return idem_surrogates_choose(a->surrogates, stranger ? feature : NULL, stranger ? judge : NULL);
}

int idem_anonymiser_choose(idem_anonymiser *a, const float *feature, const float *judge, const int *others,
                           int n_others, int *person) {
    *person = -1;
    if (a->options.linkage == IDEM_UNLINKABLE) {
        idem_surrogates_forget_first(a->surrogates, IN_USE_MOST - 1);
        return draw_surrogate(a, feature, judge);
    }
    int known = idem_persons_find(a->persons, feature, judge, others, n_others);
    const int drawn = known < 0 ? draw_surrogate(a, feature, judge) : known;
    if (drawn < 0 || (known = idem_persons_add(a->persons, known, feature, judge)) < 0)
        return -1;
    *person = known;
    return known; /* surrogates have the persons' numbers */
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
    if (idem_likeness_measure(j->a->studio, j->photo, &was, &l))
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
                             : idem_likeness_hide(j->a->studio, j->photo, &f->region, j->a->options.fallback, but, n,
                                                  f->found.sure ? &was : NULL, &l);
    j->told[i].done = IDEM_FACE_HIDDEN;
    j->told[i].why = why;
    take_likeness(&j->told[i], &l);
    free(but);
    return status;
}

static bool is_another_reading(const job *j, int i) {
    const face *f = &j->faces[i];
    bool is = false;
    for (int k = 0; k < j->n && !f->found.sure && !f->by_hand; k++)
        is = is || (j->faces[k].found.sure &&
                    idem_candidate_is_reading(j->photo, &f->found.box, &j->faces[k].found.box, &j->faces[k].region));
    return is;
}

/* Removes candidates that are another reading of a face, or that were seen only at one place of the scan. */
static int drop_doubtful(job *j) {
    int kept = 0, status = 0;
    for (int i = 0; i < j->n; i++)
        j->told[i].person = is_another_reading(j, i); /* all of them are marked before any is moved */
    for (int i = 0; i < j->n; i++) {
        const face *f = &j->faces[i];
        int is = !j->told[i].person;
        if (is && !f->found.sure && !f->by_hand && !status)
            is = idem_candidate_is_seen_again(j->a->studio, j->photo, &f->found.box, j->a->options.unsure);
        status = is < 0 ? -1 : status;
        if (is)
            j->faces[kept++] = *f;
        else
            free(f->feature);
    }
    j->n = kept;
    return status;
}

static int paint(job *j, int i, const int *others, int n_others) {
    idem_anonymiser *a = j->a;
    const face *f = &j->faces[i];
    const int surrogate = idem_anonymiser_choose(a, f->feature, f->judge, others, n_others, &j->told[i].person);
    if (surrogate < 0)
        return -1;
    const idem_surrogate s = idem_surrogates_at(a->surrogates, surrogate);
    const idem_sitter sitter = {.photo = j->photo,
                                .frame = &f->frame,
                                .points = (const float(*)[2])f->found.points,
                                .feature = f->feature,
                                .judge = f->judge,
                                .surrogate = s.id};
    idem_recomposed about;
    const int done = idem_recomposer_run(a->recomposer, &sitter, a->options.similarity, &about);
    if (done < 0)
        return -1;
    if (!done)
        return hide(j, i, idem_too_like);
    j->told[i].done = IDEM_FACE_RECOMPOSED;
    j->told[i].feature = about.feature;
    j->told[i].judge = about.judge;
    return 0;
}

/* 1: exempt. */
static int is_left(job *j, int i) {
    const face *f = &j->faces[i];
    if (f->by_hand && (f->wish == IDEM_BY_HAND_SKIP || f->wish == IDEM_BY_HAND_EXEMPT)) {
        j->told[i].done = f->wish == IDEM_BY_HAND_SKIP ? IDEM_FACE_SKIPPED : IDEM_FACE_EXEMPT;
        return 1;
    }
    if (f->by_hand || !f->feature || !idem_anonymiser_is_exempt(j->a, f->feature, f->judge))
        return 0;
    j->told[i].done = IDEM_FACE_EXEMPT;
    return 1;
}

/* A face over which another was pasted after it was measured. */
static int check_again(job *j) {
    for (int i = 0; i < j->n; i++) {
        if (j->told[i].done != IDEM_FACE_RECOMPOSED)
            continue;
        if (measure(j, i))
            return -1;
        if (!isnan(j->a->options.similarity))
            j->told[i].above = false;
        else if (j->told[i].above && hide(j, i, idem_too_like))
            return -1;
    }
    return 0;
}

static int run(job *j) {
    int *others = malloc((size_t)(j->n ? j->n : 1) * sizeof *others), n_others = 0, status = 0;
    if (!others)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", j->n);
    for (int i = 0; i < j->n && !status; i++)
        status = look(j, &j->faces[i]);
    if (!status)
        status = drop_doubtful(j);
    for (int i = 0; i < j->n; i++)
        tell(j, i);
    for (int i = 0; i < j->n && !status; i++) {
        if (is_left(j, i))
            continue;
        const char *why = why_not_painted(j, &j->faces[i]);
        const bool muted = idem_studio_mute(j->a->studio, true);
        status = why ? hide(j, i, why) : paint(j, i, others, n_others);
        idem_studio_mute(j->a->studio, muted);
        if (j->told[i].person >= 0)
            others[n_others++] = j->told[i].person;
        if (!muted)
            idem_studio_tell(j->a->studio, i + 1, j->n);
    }
    free(others);
    return status || check_again(j) ? -1 : 0;
}

int idem_anonymiser_run(idem_anonymiser *a, idem_image *photo, const idem_hand_boxes *hand,
                        idem_anonymised_face **faces) {
    job j = {.a = a, .photo = photo};
    idem_found *found = NULL;
    *faces = NULL;
    const idem_team before = idem_team_enter(idem_studio_threads(a->studio));
    idem_finder *f = idem_studio_finder(a->studio);
    const idem_find_options options = {.confidence = (float)a->options.unsure, .in_the_dark = true};
    const int n = f ? idem_finder_run(f, photo, &options, &found) : -1;
    int status = n < 0 || merge(&j, found, n, hand) || run(&j) ? -1 : 0;
    idem_team_leave(&before);
    for (int i = 0; i < j.n; i++)
        free(j.faces[i].feature);
    free(j.faces);
    free(found);
    if (status) {
        free(j.told);
        return -1;
    }
    *faces = j.told;
    return j.n;
}
