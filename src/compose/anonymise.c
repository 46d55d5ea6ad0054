#include "compose/anonymise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/recompose.h"
#include "engine/threads.h"

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

size_t idem_anonymiser_width(const idem_anonymiser *a) {
    return a->dim + IDEM_JUDGE_DIM;
}

bool idem_anonymiser_is_exempt(const idem_anonymiser *a, const float *feature, const float *judge) {
    return idem_persons_find_exact(a->exempt, feature, judge) >= 0;
}

/* ---- surrogates ---- */

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

int idem_anonymiser_expect(idem_anonymiser *a, const float *vectors, int n) {
    const size_t width = idem_anonymiser_width(a);
    int strangers = 0;
    for (int i = 0; i < n; i++) {
        const float *feature = vectors + (size_t)i * width;
        strangers += a->options.linkage == IDEM_UNLINKABLE ||
                     idem_persons_find(a->persons, feature, feature + a->dim, NULL, 0) < 0;
    }
    return a->by_number ? 0 : idem_surrogates_expect(a->surrogates, strangers);
}
