#include "compose/clip_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"

enum {
    BRIDGED = 3,  /* pictures: over longer gaps the place of a face is uncertain, and it is hidden */
    YAW_REACH = 2 /* pictures to either side over which a yaw is averaged */
};

typedef struct {
    bool wanted, exempt; /* painted somewhere; unchanged */
    int person;
    float *code; /* [id_dim] */
} who;

struct idem_clip_plan {
    idem_anonymiser *anonymiser;
    const idem_anonymise_options *options;
    const idem_tracks *tracks;
    const idem_clip_hand *hand;
    const idem_track_person *persons;
    int n, width, height;
    size_t id, dim;
    who *who; /* [n] */
};

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
}

/* ---- faces ---- */

/* The mean over a few pictures, so that a face near the limit is not alternately painted and hidden. */
static double yaw_about(const idem_clip_plan *f, int64_t picture, int track) {
    double sum = 0;
    int n = 0;
    for (int64_t i = picture - YAW_REACH; i <= picture + YAW_REACH; i++) {
        const idem_track_place *p;
        const int places = idem_tracks_at(f->tracks, i, &p);
        for (int k = 0; k < places; k++)
            if (p[k].track == track && isfinite(p[k].yaw)) {
                sum += fabs((double)p[k].yaw);
                n++;
            }
    }
    return n ? sum / n : 0;
}

static const char *why_not_painted(const idem_clip_plan *f, int64_t picture, const idem_track_place *p, int wish) {
    if (wish == IDEM_BY_HAND_HIDE)
        return "by hand";
    if (p->gap > BRIDGED && wish != IDEM_BY_HAND_REPLACE)
        return "not found over a longer gap";
    if ((double)(p->box.x1 - p->box.x0) * f->width < f->options->min_face)
        return "too small";
    if (yaw_about(f, picture, p->track) > IDEM_ANONYMISE_YAW)
        return "a profile";
    return idem_align_outside(&p->frame) > IDEM_ANONYMISE_OUTSIDE ? "cut by the edge" : NULL;
}

idem_clip_fate idem_clip_plan_of(const idem_clip_plan *f, int64_t picture, const idem_track_place *place) {
    const int wish = idem_clip_hand_on(f->hand, picture, &place->box);
    idem_clip_fate fate = {.skipped = wish == IDEM_BY_HAND_SKIP};
    fate.exempt = f->who[place->person].exempt && (wish < 0 || wish == IDEM_BY_HAND_EXEMPT);
    fate.why = fate.skipped || fate.exempt ? NULL : why_not_painted(f, picture, place, wish);
    return fate;
}

const char *idem_clip_fate_word(const idem_clip_fate *f) {
    return f->exempt ? "exempt" : f->skipped ? "skip" : f->why ? "hide" : "replace";
}

/* ---- persons ---- */

/* Whether two persons are seen in the same picture: meet [n, n]. */
static void find_meetings(const idem_clip_plan *f, uint8_t *meet) {
    for (int64_t i = 0; i < idem_tracks_pictures(f->tracks); i++) {
        const idem_track_place *p;
        const int n = idem_tracks_at(f->tracks, i, &p);
        for (int k = 0; k < n; k++)
            for (int l = 0; l < n; l++)
                meet[(size_t)p[k].person * (size_t)f->n + (size_t)p[l].person] = 1;
    }
}

/* Finds exempt persons, and persons who are painted. */
static int find_wanted(idem_clip_plan *f) {
    uint8_t *said = calloc((size_t)f->n + 1, 1);
    if (!said)
        return no_memory();
    idem_clip_hand_persons(f->hand, f->tracks, said);
    for (int i = 0; i < f->n; i++) {
        const float *feature = f->persons[i].vector;
        f->who[i].exempt =
            said[i] & 1 << IDEM_BY_HAND_EXEMPT || (!(said[i] & 1 << IDEM_BY_HAND_REPLACE) &&
                                                   idem_anonymiser_is_exempt(f->anonymiser, feature, feature + f->dim));
    }
    free(said);
    for (int64_t i = 0; i < idem_tracks_pictures(f->tracks); i++) {
        const idem_track_place *p;
        const int n = idem_tracks_at(f->tracks, i, &p);
        for (int k = 0; k < n; k++) {
            const idem_clip_fate fate = idem_clip_plan_of(f, i, &p[k]);
            f->who[p[k].person].wanted |= !fate.why && !fate.skipped && !fate.exempt;
        }
    }
    return 0;
}

static int choose(idem_clip_plan *f, int i, const uint8_t *meet, int *others) {
    const float *feature = f->persons[i].vector, *judge = feature + f->dim;
    who *w = &f->who[i];
    int n = 0;
    w->person = -1;
    if (!w->wanted)
        return 0;
    for (int k = 0; k < i; k++)
        if (f->who[k].person >= 0 && meet[(size_t)i * (size_t)f->n + (size_t)k])
            others[n++] = f->who[k].person;
    const int surrogate = idem_anonymiser_choose(f->anonymiser, feature, judge, others, n, &w->person);
    if (surrogate < 0)
        return -1;
    if (!(w->code = malloc(f->id * sizeof *w->code)))
        return no_memory();
    memcpy(w->code, idem_surrogates_at(idem_anonymiser_surrogates(f->anonymiser), surrogate).id,
           f->id * sizeof *w->code);
    return 0;
}

static int choose_all(idem_clip_plan *f) {
    const size_t n = (size_t)f->n;
    uint8_t *meet = calloc(n * n + 1, 1);
    int *others = malloc((n + 1) * sizeof *others), status = meet && others ? 0 : no_memory();
    if (!status)
        status = find_wanted(f);
    if (!status)
        find_meetings(f, meet);
    for (int i = 0; i < f->n && !status; i++)
        status = choose(f, i, meet, others);
    free(meet);
    free(others);
    return status;
}

/* ---- life ---- */

idem_clip_plan *idem_clip_plan_new(idem_anonymiser *a, const idem_tracks *t, const idem_clip_hand *hand) {
    idem_clip_plan *f = calloc(1, sizeof *f);
    int status = f ? 0 : no_memory();
    if (!status) {
        idem_studio *s = idem_anonymiser_studio(a);
        f->anonymiser = a;
        f->options = idem_anonymiser_options(a);
        f->tracks = t;
        f->hand = hand;
        f->n = idem_tracks_persons(t, &f->persons);
        f->id = (size_t)idem_studio_about(s)->id_dim;
        f->dim = (size_t)idem_studio_feature_dim(s);
        idem_tracks_size(t, &f->width, &f->height);
        f->who = calloc((size_t)f->n + 1, sizeof *f->who);
        status = f->who ? choose_all(f) : no_memory();
    }
    if (!status)
        return f;
    idem_clip_plan_free(f);
    return NULL;
}

void idem_clip_plan_free(idem_clip_plan *f) {
    if (!f)
        return;
    for (int i = 0; i < f->n && f->who; i++)
        free(f->who[i].code);
    free(f->who);
    free(f);
}

bool idem_clip_plan_exempt(const idem_clip_plan *f, int person) {
    return f->who[person].exempt;
}

const float *idem_clip_plan_code(const idem_clip_plan *f, int person) {
    return f->who[person].code;
}

int idem_clip_plan_person(const idem_clip_plan *f, int person) {
    return f->who[person].person;
}
