#include "compose/photo_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/candidate.h"
#include "engine/threads.h"
#include "face/align.h"
#include "face/box.h"

typedef idem_photo_face face;

typedef struct {
    idem_anonymiser *anonymiser;
    idem_studio *studio;
    const idem_anonymise_options *options;
    const idem_image *photo;
    idem_photo_plan *plan;
} job;

/* ---- faces ---- */

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
static int merge(const job *j, const idem_found *found, int n, const idem_hand_boxes *hand) {
    idem_photo_plan *p = j->plan;
    const int boxes = hand ? hand->n : 0;
    if (!(p->faces = calloc((size_t)(n + boxes + 1), sizeof *p->faces)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", n + boxes);
    for (int i = 0; i < n; i++)
        p->faces[p->n++] = (face){.found = found[i], .has_points = true, .person = -1};
    for (int k = 0; k < boxes; k++) {
        const idem_box box = box_of(&hand->at[k], j->photo);
        int on = -1;
        double most = 0.5;
        for (int i = 0; i < n; i++)
            if (idem_box_common(&box, &p->faces[i].found.box) > most) {
                most = idem_box_common(&box, &p->faces[i].found.box);
                on = i;
            }
        if (on >= 0) {
            p->faces[on].by_hand = true;
            p->faces[on].wish = hand->at[k].wish;
        } else if (hand->at[k].wish != IDEM_BY_HAND_SKIP && hand->at[k].wish != IDEM_BY_HAND_EXEMPT) {
            p->faces[p->n++] = (face){.found = {.box = box, .yaw = NAN, .pitch = NAN, .roll = NAN},
                                      .by_hand = true,
                                      .wish = IDEM_BY_HAND_HIDE,
                                      .person = -1};
        }
    }
    return 0;
}

/* The place of a face, and its person. */
static int look(const job *j, face *f) {
    const idem_image *photo = j->photo;
    const float(*points)[2] = (const float(*)[2])f->found.points;
    const size_t width = idem_anonymiser_width(j->anonymiser);
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
    if (!(f->feature = malloc(width * sizeof *f->feature)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    f->judge = f->feature + width - IDEM_JUDGE_DIM;
    return idem_studio_embed(j->studio, photo, points, f->feature, f->judge);
}

static bool is_another_reading(const job *j, int i) {
    const face *f = &j->plan->faces[i], *others = j->plan->faces;
    bool is = false;
    for (int k = 0; k < j->plan->n && !f->found.sure && !f->by_hand; k++)
        is = is || (others[k].found.sure &&
                    idem_candidate_is_reading(j->photo, &f->found.box, &others[k].found.box, &others[k].region));
    return is;
}

/* Removes candidates that are another reading of a face, or that were seen only at one place of the scan. */
static int drop_doubtful(const job *j) {
    idem_photo_plan *p = j->plan;
    int kept = 0, status = 0;
    for (int i = 0; i < p->n; i++)
        p->faces[i].doubtful = is_another_reading(j, i); /* all of them are marked before any is moved */
    for (int i = 0; i < p->n; i++) {
        const face *f = &p->faces[i];
        int is = !f->doubtful;
        if (is && !f->found.sure && !f->by_hand && !status)
            is = idem_candidate_is_seen_again(j->studio, j->photo, &f->found.box, j->options->unsure);
        status = is < 0 ? -1 : status;
        if (is)
            p->faces[kept++] = *f;
        else
            free(f->feature);
    }
    p->n = kept;
    return status;
}

/* ---- what becomes of them ---- */

static const char *why_not_painted(const job *j, const face *f) {
    if (f->by_hand && f->wish == IDEM_BY_HAND_HIDE)
        return "by hand";
    if (!f->has_points)
        return "no landmarks";
    if (!f->found.sure && !(f->by_hand && f->wish == IDEM_BY_HAND_REPLACE))
        return "unsure";
    if (width_of(f, j->photo) < j->options->min_face)
        return "too small";
    if (fabs((double)f->found.yaw) > IDEM_ANONYMISE_YAW)
        return "a profile";
    if (idem_align_outside(&f->frame) > IDEM_ANONYMISE_OUTSIDE)
        return "cut by the edge";
    return NULL;
}

static void decide(const job *j, face *f) {
    const bool is_left = f->by_hand && (f->wish == IDEM_BY_HAND_SKIP || f->wish == IDEM_BY_HAND_EXEMPT);
    if (is_left)
        f->done = f->wish == IDEM_BY_HAND_SKIP ? IDEM_FACE_SKIPPED : IDEM_FACE_EXEMPT;
    else if (!f->by_hand && f->feature && idem_anonymiser_is_exempt(j->anonymiser, f->feature, f->judge))
        f->done = IDEM_FACE_EXEMPT;
    else if ((f->why = why_not_painted(j, f)))
        f->done = IDEM_FACE_HIDDEN;
    j->plan->wanted += f->done == IDEM_FACE_RECOMPOSED;
}

static int make(const job *j, const idem_hand_boxes *hand) {
    idem_finder *f = idem_studio_finder(j->studio);
    idem_found *found = NULL;
    const idem_find_options options = {.confidence = (float)j->options->unsure, .in_the_dark = true};
    const int n = f ? idem_finder_run(f, j->photo, &options, &found) : -1;
    int status = n < 0 || merge(j, found, n, hand) ? -1 : 0;
    free(found);
    for (int i = 0; i < j->plan->n && !status; i++)
        status = look(j, &j->plan->faces[i]);
    if (status || drop_doubtful(j))
        return -1;
    for (int i = 0; i < j->plan->n; i++)
        decide(j, &j->plan->faces[i]);
    return 0;
}

int idem_photo_plan_make(idem_photo_plan *p, idem_anonymiser *a, const idem_image *photo, const idem_hand_boxes *hand) {
    idem_studio *s = idem_anonymiser_studio(a);
    const job j = {a, s, idem_anonymiser_options(a), photo, p};
    *p = (idem_photo_plan){0};
    const idem_team before = idem_team_enter(idem_studio_threads(s));
    const int status = make(&j, hand);
    idem_team_leave(&before);
    return status;
}

void idem_photo_plan_free(idem_photo_plan *p) {
    for (int i = 0; i < p->n; i++) {
        free(p->faces[i].feature);
        free(p->faces[i].code);
    }
    free(p->faces);
    *p = (idem_photo_plan){0};
}

/* ---- surrogates ---- */

void idem_photo_plan_copy(const idem_photo_plan *p, const idem_anonymiser *a, float *rows) {
    const size_t width = idem_anonymiser_width(a);
    for (int i = 0; i < p->n; i++)
        if (p->faces[i].done == IDEM_FACE_RECOMPOSED) {
            memcpy(rows, p->faces[i].feature, width * sizeof *rows);
            rows += width;
        }
}

/* The i-th wanted face. */
static face *wanted(const idem_photo_plan *p, int i) {
    face *f = p->faces;
    for (; f->done != IDEM_FACE_RECOMPOSED || i-- > 0; f++)
        ;
    return f;
}

static int take(idem_anonymiser *a, int surrogate, int person, face *f) {
    const size_t id = (size_t)idem_studio_about(idem_anonymiser_studio(a))->id_dim;
    if (!(f->code = malloc(id * sizeof *f->code)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    memcpy(f->code, idem_surrogates_at(idem_anonymiser_surrogates(a), surrogate).id, id * sizeof *f->code);
    f->person = person;
    return 0;
}

static int choose(idem_anonymiser *a, const float *rows, int n, const idem_photo_plan *p) {
    const size_t width = idem_anonymiser_width(a);
    int *others = malloc((size_t)(n + 1) * sizeof *others), n_others = 0,
        status = others ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", n);
    for (int i = 0; i < n && !status; i++) {
        const float *feature = rows + (size_t)i * width;
        int person;
        const int surrogate =
            idem_anonymiser_choose(a, feature, feature + width - IDEM_JUDGE_DIM, others, n_others, &person);
        status = surrogate < 0 || (p && take(a, surrogate, person, wanted(p, i))) ? -1 : 0;
        if (person >= 0)
            others[n_others++] = person;
    }
    free(others);
    return status;
}

int idem_photo_plan_choose(idem_anonymiser *a, const float *rows, int n, const idem_photo_plan *p) {
    idem_studio *s = idem_anonymiser_studio(a);
    const idem_team before = idem_team_enter(idem_studio_threads(s));
    const bool muted = idem_studio_mute(s, true);
    const int status = choose(a, rows, n, p);
    idem_studio_mute(s, muted);
    idem_team_leave(&before);
    return status;
}
