/* A study as JSON. */
#include <math.h>

#include "base/name.h"
#include "base/status.h"
#include "measure/figures.h"
#include "measure/study_tables.h"

static json_t *number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

/* null, or {mean, median, standard_deviation, standard_error, n}; an invalid figure is added to `needs`. */
static json_t *spread_json(const idem_spread *s, const char *key, json_t *needs) {
    const idem_figure *f = &s->mean;
    if (idem_figure_holds(f))
        return json_pack("{s:o, s:o, s:o, s:o, s:I}", "mean", number(f->mean), "median", number(s->median),
                         "standard_deviation", number(s->deviation), "standard_error", number(f->error), "n",
                         (json_int_t)f->n);
    if (needs)
        json_object_set_new(needs, key,
                            json_pack("{s:I, s:I, s:s}", "needs", (json_int_t)f->needs, "has", (json_int_t)f->n, "of",
                                      f->of ? f->of : "pairs"));
    return json_null();
}

static json_t *figures_json(const idem_study *s, int row, const idem_pair_group *group, json_t *needs) {
    const idem_measures *m = idem_study_about(s)->measures;
    json_t *j = json_object();
    for (int k = 0; k < m->n; k++) {
        const idem_spread spread = idem_study_spread(s, row, k, group);
        const bool never = !spread.mean.n; /* this row does not have the figure, for any number of pairs */
        if (json_object_set_new(j, m->table[k].key, spread_json(&spread, m->table[k].key, never ? NULL : needs))) {
            json_decref(j);
            return NULL;
        }
    }
    return j;
}

static json_t *groups_json(const idem_study *s, int row) {
    const idem_pair_groups *g = idem_study_about(s)->groups;
    json_t *list = json_array();
    for (int i = 0; i < g->n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:o}", "by", g->at[i].by, "group", g->at[i].value,
                                              "pairs", g->at[i].n, "figures", figures_json(s, row, &g->at[i], NULL)));
    return list;
}

static json_t *diversity_json(const idem_study *s, const idem_figure *diversity, json_t *needs) {
    const idem_measures_about *a = &idem_study_about(s)->measures->about;
    json_t *j = json_object();
    for (int r = 0; r < a->recognisers; r++) {
        const idem_figure *f = &diversity[r];
        json_object_set_new(j, a->key[r],
                            idem_figure_holds(f) ? json_pack("{s:o, s:o, s:I}", "mean_cosine", number(f->mean),
                                                             "standard_error", number(f->error), "n", (json_int_t)f->n)
                                                 : spread_json(&(idem_spread){.mean = *f}, "diversity", needs));
    }
    return j;
}

static json_t *frechet_json(const idem_study *s, const idem_study_row *r, json_t *needs) {
    const idem_study_facts *f = idem_study_about(s);
    if (!idem_figure_holds(&r->frechet))
        return spread_json(&(idem_spread){.mean = r->frechet}, "frechet", needs);
    const size_t width = idem_observer_features_width(f->observer);
    return json_pack("{s:o, s:s, s:I, s:i, s:i, s:b}", "distance", number(r->frechet.mean), "features",
                     idem_observer_features_name(f->observer), "width", (json_int_t)width, "n", f->pairs, "n_reference",
                     f->pairs, "covariance_lacks_rank", (size_t)f->pairs <= width);
}

static json_t *row_json(const idem_study *s, int row) {
    const idem_study_facts *f = idem_study_about(s);
    const idem_study_row *r = &f->row[row];
    json_t *needs = json_object(), *figures = figures_json(s, row, NULL, needs);
    const idem_spread lost = idem_study_spread(s, row, idem_measure_of_all(f->measures, IDEM_M_NO_FACE), NULL);
    json_t *j = json_pack("{s:s, s:i, s:{s:I}, s:o, s:o, s:o, s:o, s:o}", "name", idem_method_name(r->method), "pairs",
                          f->pairs, "failures", "no_face", (json_int_t)(lost.mean.mean * (double)lost.mean.n + 0.5),
                          "figures", figures, "frechet", frechet_json(s, r, needs), "diversity",
                          diversity_json(s, r->diversity, needs), "groups", groups_json(s, row), "needs", needs);
    if (j && r->seconds_per_picture > 0)
        json_object_set_new(j, "seconds_per_picture", json_real(r->seconds_per_picture));
    return j;
}

static json_t *recognisers_json(const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    json_t *list = json_array();
    for (int r = 0; r < f->measures->about.recognisers; r++) {
        const idem_observer_recogniser *a = idem_observer_about(f->observer, r);
        char name[400];
        idem_name_show(name, sizeof name, a->name);
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:o}", "key", a->key, "name", name, "numbers", a->dim,
                                              "cos_strangers", number(f->measures->about.strangers[r])));
    }
    return list;
}

static json_t *measures_json(const idem_measures *m) {
    static const char *const better[] = {[IDEM_NEITHER] = "neither", [IDEM_HIGHER] = "higher", [IDEM_LOWER] = "lower"};
    json_t *list = json_array();
    for (int k = 0; k < m->n; k++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "key", m->table[k].key, "group",
                                              m->table[k].group, "label", m->table[k].label, "unit", m->table[k].unit,
                                              "better", better[m->table[k].better]));
    return list;
}

json_t *idem_study_json(const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    json_t *rows = json_array();
    for (int i = 0; i < f->rows; i++)
        if (json_array_append_new(rows, row_json(s, i))) {
            json_decref(rows);
            return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
        }
    json_t *j = json_pack("{s:i, s:b, s:i, s:i, s:i, s:o, s:o, s:{s:i, s:f, s:[f,f]}, s:o, s:o, s:f}", "pairs",
                          f->pairs, "drawn", f->drawn, "left_out", f->left_out, "sources_without_face",
                          f->sources_without_face, "retrieval_candidates", f->measures->about.candidates, "recognisers",
                          recognisers_json(s), "measures", measures_json(f->measures), "codes", "n", IDEM_W_CODES,
                          "w_distance_of_its_own", idem_w_space_itself(f->codes), "shares_of_variance",
                          idem_w_space_shares(f->codes)[0], idem_w_space_shares(f->codes)[1], "source_diversity",
                          diversity_json(s, f->source_diversity, NULL), "rows", rows, "seconds", f->seconds);
    if (!j)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    const int64_t seed = (int64_t)f->seed;
    if (json_object_set_new(j, "seed", seed < 0 ? json_real((double)f->seed) : json_integer(seed)) ||
        (f->drawn && json_object_set_new(j, "truncation", json_real(f->truncation)))) {
        json_decref(j);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    }
    return j;
}
