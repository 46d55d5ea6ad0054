#include "measure/anonymity_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "measure/attack.h"
#include "measure/figures.h"
#include "measure/frechet.h"
#include "measure/verification.h"

static const char *const recogniser_names[IDEM_RECOGNISERS] = {"recogniser", "judge"};
static const char *const attack_names[IDEM_ATTACKS] = {"ridge", "network"};
static const double known[IDEM_RECOGNISERS] = {IDEM_FEATURE_THRESHOLD, IDEM_JUDGE_THRESHOLD};

/* ---- measuring ---- */

static int dim_of(const idem_anonymity_pictures *p, int by) {
    return by ? IDEM_JUDGE_DIM : p->dim;
}

static const float *codes_of(const idem_anonymity_pictures *p, int by, int when) {
    return by ? p->judge[when] : p->feature[when];
}

typedef int attack(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed);

static int measure_attacks(idem_anonymity_report *r, const idem_anonymity_set *s, int by,
                           const idem_anonymity_pictures *train, uint64_t seed) {
    static attack *const attacks[IDEM_ATTACKS] = {idem_attack_ridge, idem_attack_network};
    const idem_attack_pairs pairs = {codes_of(train, by, IDEM_AFTER), codes_of(train, by, IDEM_BEFORE), train->n,
                                     s->dim};
    float *guess = malloc((size_t)s->n * (size_t)s->dim * sizeof *guess);
    int status = guess ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for an attack on %d pictures", s->n);
    for (int i = 0; i < IDEM_ATTACKS && !status; i++) {
        idem_anonymity_set guessed = *s;
        guessed.anonymised = guess;
        status = attacks[i](guess, s->anonymised, s->n, &pairs, seed);
        if (status)
            break;
        idem_learned *l = &r->learned[by][i];
        l->rank1 = idem_anonymity_rank1(&guessed, IDEM_ATTACK_GALLERY, &l->chance);
        l->tar = idem_anonymity_tar(&guessed, r->by[by].threshold.mean, NULL);
        if (!idem_figure_holds(&r->by[by].threshold)) {
            l->tar.n = r->by[by].threshold.n;
            l->tar.needs = r->by[by].threshold.needs;
            l->tar.of = r->by[by].threshold.of;
        }
    }
    free(guess);
    return status;
}

/* Rates of groups use the threshold of all originals, or the recogniser's if these are too few. */
static int measure_groups(idem_anonymity_report *r, const idem_anonymity_pictures *p, const idem_anonymity_set *sets,
                          uint64_t seed) {
    for (int i = 0; i < r->n_groups; i++) {
        idem_group *g = &r->groups[i];
        for (int by = 0; by < IDEM_RECOGNISERS; by++) {
            const idem_figure *threshold = &r->by[by].threshold;
            g->tar[by] =
                idem_anonymity_tar(&sets[by], idem_figure_holds(threshold) ? threshold->mean : known[by], g->has);
            g->rank1[by] = idem_anonymity_rank1_of(&sets[by], g->has);
        }
        if (idem_anonymity_utility_of(&g->utility, p, g->has, seed))
            return -1;
    }
    return 0;
}

static int run_features(float *rows, idem_features *f, const uint8_t *pictures, int n) {
    enum { BATCH = 16 };
    const size_t numbers = (size_t)IDEM_ANONYMITY_SIDE * IDEM_ANONYMITY_SIDE * 3, width = idem_features_width(f);
    float *x = malloc(BATCH * numbers * sizeof *x);
    int status = x ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for pictures");
    for (int first = 0; first < n && !status; first += BATCH) {
        const size_t count = (size_t)(n - first < BATCH ? n - first : BATCH);
        for (size_t i = 0; i < count * numbers; i++)
            x[i] = (float)pictures[(size_t)first * numbers + i] / 255;
        status = idem_features_run(f, count, x, rows + (size_t)first * width);
    }
    free(x);
    return status;
}

static int measure_frechet(idem_anonymity_report *r, const idem_anonymity_pictures *p, idem_features *f,
                           uint64_t seed) {
    const size_t width = idem_features_width(f), n = (size_t)p->n;
    float *rows[2] = {malloc(n * width * sizeof(float)), malloc(n * width * sizeof(float))};
    int status =
        rows[0] && rows[1] ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the features of %zu pictures", n);
    for (int k = 0; k < 2 && !status; k++)
        status = run_features(rows[k], f, p->aligned[k], p->n);
    if (!status)
        status = idem_frechet(&r->frechet, rows[0], n, rows[1], n, width) ||
                         idem_frechet_halves(&r->frechet_halves, rows[0], n, width, seed)
                     ? -1
                     : 0;
    free(rows[0]);
    free(rows[1]);
    r->features = idem_features_name(f);
    return status;
}

int idem_anonymity_measure(idem_anonymity_report *r, const idem_anonymity_pictures *p,
                           const idem_anonymity_pictures *train, idem_features *features, uint64_t seed) {
    r->pictures = p->n;
    r->hidden = 0;
    r->frechet = r->frechet_halves = NAN;
    r->attack_pairs = train ? train->n : 0;
    int *person = malloc((size_t)(p->n ? p->n : 1) * sizeof *person), status = 0;
    if (!person)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", p->n);
    for (int i = 0; i < p->n; i++) {
        person[i] = p->at[i].person;
        r->hidden += p->at[i].hidden;
    }
    idem_anonymity_set sets[IDEM_RECOGNISERS];
    for (int by = 0; by < IDEM_RECOGNISERS && !status; by++) {
        sets[by] = (idem_anonymity_set){person, codes_of(p, by, IDEM_BEFORE), codes_of(p, by, IDEM_AFTER), p->n,
                                        dim_of(p, by)};
        status = idem_anonymity_of(&r->by[by], &sets[by], known[by], seed) ||
                         (train && measure_attacks(r, &sets[by], by, train, seed))
                     ? -1
                     : 0;
    }
    if (!status)
        status = idem_anonymity_utility_of(&r->utility, p, NULL, seed) || measure_groups(r, p, sets, seed) ||
                         (features && measure_frechet(r, p, features, seed))
                     ? -1
                     : 0;
    free(person);
    return status;
}

void idem_anonymity_report_free(idem_anonymity_report *r) {
    idem_groups_free(r->groups, r->n_groups);
    r->groups = NULL;
    r->n_groups = 0;
}

/* ---- JSON ---- */

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
}

typedef struct {
    const char *key;
    const idem_figure *figure;
} row;

/* Frees the report on failure. */
static json_t *put_rows(json_t *report, const row *rows, size_t n) {
    for (size_t i = 0; i < n && report; i++)
        if (idem_figure_put(report, rows[i].key, rows[i].figure)) {
            json_decref(report);
            return NULL;
        }
    return report ? report : (no_memory(), NULL);
}
#define ROWS(report, rows) put_rows(report, rows, sizeof(rows) / sizeof *(rows))

static json_t *spread_json(const idem_spread *s) {
    json_t *j = json_pack("{s:f}", "mean", s->mean.mean);
    for (int i = 0; i < IDEM_ANONYMITY_PERCENTILES && j; i++) {
        char key[8];
        snprintf(key, sizeof key, "p%d", idem_anonymity_percentiles[i]);
        if (json_object_set_new(j, key, json_real(s->percentile[i]))) {
            json_decref(j);
            j = NULL;
        }
    }
    return j;
}

static json_t *recogniser_json(const idem_anonymity *a, double known_threshold) {
    const row rows[] = {{"threshold", &a->threshold},
                        {"threshold_best", &a->threshold_best},
                        {"tar_before", &a->tar_before},
                        {"tar", &a->tar},
                        {"tar_at_known_threshold", &a->tar_known},
                        {"rank1_before", &a->rank1_before},
                        {"rank1", &a->rank1},
                        {"rank1_of_100", &a->rank1_100},
                        {"reid", &a->reid},
                        {"eer", &a->eer},
                        {"protected", &a->lost},
                        {"protected_at_best_threshold", &a->lost_best},
                        {"parrot_tar", &a->parrot_tar},
                        {"parrot_rank1", &a->parrot_rank1}};
    return ROWS(json_pack("{s:i, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:o}", "persons", a->persons,
                          "persons_with_another_picture", a->with_another, "genuine_pairs", (json_int_t)a->genuine,
                          "impostor_pairs", (json_int_t)a->impostor, "known_threshold", known_threshold, "rank1_chance",
                          a->chance.mean, "rank1_of_100_chance", a->chance_100.mean, "far", IDEM_THRESHOLD_FAR,
                          "cosine_to_itself", spread_json(&a->self), "cosine_to_another", spread_json(&a->other)),
                rows);
}

static json_t *learned_json(const idem_learned *learned) {
    json_t *all = json_object();
    for (int i = 0; i < IDEM_ATTACKS && all; i++) {
        const idem_learned *l = &learned[i];
        const row rows[] = {{"rank1", &l->rank1}, {"tar", &l->tar}};
        json_t *j = ROWS(json_pack("{s:f}", "chance", l->chance), rows);
        if (!j || json_object_set_new(all, attack_names[i], j)) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

static json_t *utility_json(const idem_anonymity_utility *u) {
    const row rows[] = {{"found", &u->found},
                        {"nme", &u->nme},
                        {"yaw", &u->pose[0]},
                        {"pitch", &u->pose[1]},
                        {"roll", &u->pose[2]},
                        {"expression", &u->expression},
                        {"colour_outside_face", &u->colour}};
    const row shuffled[] = {{"nme", &u->nme_shuffled},
                            {"yaw", &u->pose_shuffled[0]},
                            {"pitch", &u->pose_shuffled[1]},
                            {"roll", &u->pose_shuffled[2]},
                            {"expression", &u->expression_shuffled},
                            {"colour_outside_face", &u->colour_shuffled}};
    json_t *control = ROWS(json_object(), shuffled);
    return control ? ROWS(json_pack("{s:o}", "shuffled", control), rows) : NULL;
}

static json_t *group_json(const idem_group *g) {
    const row rows[] = {{"recogniser_tar", &g->tar[0]},
                        {"recogniser_rank1", &g->rank1[0]},
                        {"judge_tar", &g->tar[1]},
                        {"judge_rank1", &g->rank1[1]}};
    json_t *utility = utility_json(&g->utility);
    return utility ? ROWS(json_pack("{s:s, s:s, s:i, s:o}", "by", g->by, "group", g->name, "pictures", g->n, "utility",
                                    utility),
                          rows)
                   : NULL;
}

/* The group of the largest or the smallest value of a figure. */
static int put_worst(json_t *worst, const json_t *groups, const char *key, bool of_utility, bool largest) {
    const json_t *group, *best = NULL;
    size_t i;
    double most = 0;
    json_array_foreach(groups, i, group) {
        const json_t *value = json_object_get(of_utility ? json_object_get(group, "utility") : group, key);
        if (json_is_number(value) &&
            (!best || (largest ? json_number_value(value) > most : json_number_value(value) < most))) {
            most = json_number_value(value);
            best = group;
        }
    }
    if (!best)
        return 0;
    return json_object_set_new(worst, key,
                               json_pack("{s:f, s:O, s:O, s:O}", "value", most, "by", json_object_get(best, "by"),
                                         "group", json_object_get(best, "group"), "pictures",
                                         json_object_get(best, "pictures")));
}

static int put_groups(json_t *report, const idem_anonymity_report *r) {
    json_t *groups = json_array(), *worst = json_object();
    int status = groups && worst ? 0 : no_memory();
    for (int i = 0; i < r->n_groups && !status; i++) {
        json_t *g = group_json(&r->groups[i]);
        status = g ? json_array_append_new(groups, g) : -1;
    }
    static const struct {
        const char *key;
        bool of_utility, largest;
    } rows[] = {{"recogniser_tar", false, true},
                {"recogniser_rank1", false, true},
                {"judge_tar", false, true},
                {"judge_rank1", false, true},
                {"found", true, false},
                {"nme", true, true},
                {"yaw", true, true},
                {"expression", true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !status; i++)
        status = put_worst(worst, groups, rows[i].key, rows[i].of_utility, rows[i].largest);
    if (!status)
        status = json_object_set(report, "groups", groups) || json_object_set(report, "worst_groups", worst);
    json_decref(groups);
    json_decref(worst);
    return status ? -1 : 0;
}

static int put_all(json_t *report, const idem_anonymity_report *r) {
    for (int by = 0; by < IDEM_RECOGNISERS; by++) {
        json_t *j = recogniser_json(&r->by[by], known[by]);
        if (!j || json_object_set_new(report, recogniser_names[by], j))
            return -1;
        if (!r->attack_pairs)
            continue;
        json_t *learned = learned_json(r->learned[by]);
        if (!learned || json_object_set_new(j, "learned", learned))
            return -1;
    }
    json_t *utility = utility_json(&r->utility);
    if (!utility || json_object_set_new(report, "utility", utility))
        return -1;
    if (isfinite(r->frechet) &&
        json_object_set_new(report, "frechet",
                            json_pack("{s:f, s:f, s:i, s:s}", "distance", r->frechet, "halves_of_originals",
                                      r->frechet_halves, "pictures", r->pictures, "features", r->features)))
        return -1;
    return put_groups(report, r);
}

json_t *idem_anonymity_json(const idem_anonymity_report *r) {
    json_t *report =
        json_pack("{s:i, s:i, s:i}", "pictures", r->pictures, "hidden", r->hidden, "attack_pairs", r->attack_pairs);
    if (report && !put_all(report, r))
        return report;
    json_decref(report);
    if (idem_error_kind() == IDEM_NO_ERROR)
        no_memory();
    return NULL;
}
