#include "measure/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/name.h"
#include "measure/crossover.h"
#include "measure/evaluate.h"
#include "measure/frechet.h"

enum { MIXING_TRIALS = 16 };

struct idem_study {
    idem_model *model;
    idem_pairs *pairs;
    idem_study_options options;
    idem_observer *observer;
    idem_measures measures;
    idem_pair_groups groups;
    idem_group_table *table[2]; /* of identity and attribute pictures */
    idem_w_space *codes;
    idem_seen seen[2], batch; /* of all identity and attribute pictures; of a batch, with features */
    idem_study_row rows[IDEM_STUDY_ROWS_MAX];
    int n, n_rows, without_face;
    idem_moments *features[2]; /* of either side's pictures */
    idem_image examples[IDEM_STUDY_EXAMPLES][2];
    float *x[2], *y, *w; /* pictures of a batch; their codes */
    uint64_t done, total;
    idem_study_facts facts;
};

static size_t numbers(const idem_study *s) {
    const size_t size = (size_t)idem_pairs_size(s->pairs);
    return size * size * 3;
}

static void count(idem_study *s, int pictures) {
    s->done += (uint64_t)pictures;
    if (s->options.progress)
        s->options.progress(s->options.user, s->done, s->total);
}

/* ---- life ---- */

static void free_row(idem_study_row *r) {
    idem_method_free(r->method);
    idem_moments_free(r->features);
    for (int k = 0; k < IDEM_RECOGNISERS_MAX; k++)
        idem_moments_free(r->likeness[k]);
    free(r->values);
    free(r->plane);
    for (int i = 0; i < IDEM_STUDY_EXAMPLES; i++)
        idem_image_free(&r->examples[i]);
}

void idem_study_free(idem_study *s) {
    if (!s)
        return;
    for (int i = 0; i < s->n_rows; i++)
        free_row(&s->rows[i]);
    for (int k = 0; k < 2; k++) {
        idem_seen_free(&s->seen[k]);
        idem_moments_free(s->features[k]);
        free(s->x[k]);
        for (int i = 0; i < IDEM_STUDY_EXAMPLES; i++)
            idem_image_free(&s->examples[i][k]);
    }
    idem_seen_free(&s->batch);
    idem_pair_groups_free(&s->groups);
    idem_group_table_free(s->table[0]);
    idem_group_table_free(s->table[1]);
    idem_w_space_free(s->codes);
    idem_observer_free(s->observer);
    free(s->y);
    free(s->w);
    free(s);
}

static int open_study(idem_study *s) {
    const idem_study_options *o = &s->options;
    const size_t batch = (size_t)o->batch;
    s->observer = idem_observer_new(s->model, &(idem_observer_options){.models = o->models,
                                                                       .batch = o->batch,
                                                                       .whole = true,
                                                                       .inception = o->inception,
                                                                       .witnesses = o->witnesses,
                                                                       .n_witnesses = o->n_witnesses,
                                                                       .plan = o->plan});
    if (!s->observer)
        return -1;
    s->options.plan.share = idem_observer_plan(s->observer);
    for (int k = 0; k < 2; k++) {
        if (idem_seen_new(&s->seen[k], s->observer, s->n, false) ||
            !(s->features[k] = idem_moments_new(idem_observer_features_width(s->observer))))
            return -1;
        s->x[k] = malloc(batch * numbers(s) * sizeof(float));
    }
    s->y = malloc(batch * numbers(s) * sizeof(float));
    s->w = malloc(batch * (size_t)idem_model_about(s->model)->w_dim * sizeof(float));
    if (!s->x[0] || !s->x[1] || !s->y || !s->w)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", 3 * o->batch);
    return idem_seen_new(&s->batch, s->observer, o->batch, true);
}

/* ---- sources ---- */

static int keep_example(idem_study *s, idem_image *to, const float *x) {
    const int size = idem_pairs_size(s->pairs);
    return idem_image_from_float(to, x, size, size, 0, 1);
}

/* Given pictures without a face are left out and reported by name; drawn ones are only counted. */
static void check_faces(idem_study *s, int first, int n, int side, uint8_t *good) {
    static const char *const names[2] = {"identity", "attribute"};
    char line[600], name[400];
    for (int i = 0; i < n; i++) {
        if (!good[i] || s->batch.face[i])
            continue;
        const char *path = idem_pairs_path(s->pairs, first + i, side);
        if (!path) {
            s->without_face++;
            continue;
        }
        idem_name_show(name, sizeof name, path);
        snprintf(line, sizeof line, "passed over: %s: no face is found in this %s picture", name, names[side]);
        if (s->options.told)
            s->options.told(s->options.user, line);
        good[i] = 0;
    }
}

/* A batch of one side's pictures, in s->x[side]; the good ones become rows from `at` on. */
static int see_side(idem_study *s, int n, int side, const uint8_t *good, int at) {
    const size_t width = idem_observer_features_width(s->observer);
    size_t kept = 0;
    for (size_t i = 0; i < (size_t)n; i++) {
        if (!good[i])
            continue;
        const int to = at + (int)kept;
        idem_seen_copy(s->observer, &s->seen[side], to, &s->batch, (int)i, 1);
        memmove(s->batch.features + kept++ * width, s->batch.features + i * width, width * sizeof(float));
        if (to < IDEM_STUDY_EXAMPLES && keep_example(s, &s->examples[to][side], s->x[side] + i * numbers(s)))
            return -1;
    }
    return idem_moments_add(s->features[side], s->batch.features, kept);
}

/* Both sides of a batch; `good` is known after both were observed, so the first is observed again from its copy. */
static int see_batch(idem_study *s, int first, int n, uint8_t *good, int at) {
    idem_seen other;
    if (idem_pairs_read(s->pairs, first, n, s->x[0], s->x[1], good) || idem_seen_new(&other, s->observer, n, true))
        return -1;
    const size_t width = idem_observer_features_width(s->observer);
    int status = idem_observer_run(s->observer, n, s->x[0], &s->batch, 0);
    if (!status) {
        check_faces(s, first, n, 0, good);
        idem_seen_copy(s->observer, &other, 0, &s->batch, 0, n);
        memcpy(other.features, s->batch.features, (size_t)n * width * sizeof(float));
        status = idem_observer_run(s->observer, n, s->x[1], &s->batch, 0);
    }
    if (!status) {
        check_faces(s, first, n, 1, good);
        status = see_side(s, n, 1, good, at);
    }
    if (!status) {
        idem_seen_copy(s->observer, &s->batch, 0, &other, 0, n);
        memcpy(s->batch.features, other.features, (size_t)n * width * sizeof(float));
        status = see_side(s, n, 0, good, at);
    }
    idem_seen_free(&other);
    count(s, 2 * n);
    return status;
}

static int see_sources(idem_study *s) {
    const int all = s->n;
    uint8_t *good = malloc((size_t)all);
    if (!good)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", all);
    int status = 0, kept = 0;
    for (int i = 0; i < all && !status; i += s->options.batch) {
        const int n = all - i < s->options.batch ? all - i : s->options.batch;
        status = see_batch(s, i, n, good + i, kept);
        for (int k = 0; k < n && !status; k++)
            kept += good[i + k];
    }
    if (!status) {
        idem_pairs_keep(s->pairs, good);
        s->n = kept;
        s->facts.left_out = all - kept;
        if (kept < 2)
            status = idem_fail("%d of %d pairs are good for a report, expected 2 or more", kept, all);
    }
    free(good);
    return status;
}

static void prepare_measures(idem_study *s) {
    idem_measures_about about = {.recognisers = idem_observer_recognisers(s->observer),
                                 .n = s->n,
                                 .candidates = s->n < IDEM_STUDY_CANDIDATES ? s->n : IDEM_STUDY_CANDIDATES,
                                 .id = &s->seen[0],
                                 .attr = &s->seen[1],
                                 .size = idem_pairs_size(s->pairs),
                                 .outside = idem_observer_outside(s->observer)};
    for (int k = 0; k < about.recognisers; k++) {
        const idem_observer_recogniser *r = idem_observer_about(s->observer, k);
        about.dim[k] = r->dim;
        about.key[k] = r->key;
        about.strangers[k] = idem_score_strangers(s->seen[0].id[k], s->n, r->dim, IDEM_STRANGER_PAIRS, s->options.seed);
    }
    idem_measures_make(&s->measures, &about);
}

/* ---- rows ---- */

static void on_measured(void *user, int pictures) {
    count(user, pictures);
}

static int trials(const idem_study *s) {
    return s->n < MIXING_TRIALS ? s->n : MIXING_TRIALS;
}

/* A copy was already observed. */
static const idem_seen *copied(const idem_study *s, const idem_study_row *r) {
    const idem_method_kind kind = idem_method_kind_of(r->method);
    return kind == IDEM_BY_IDENTITY ? &s->seen[0] : kind == IDEM_BY_ATTRIBUTES ? &s->seen[1] : NULL;
}

static int add_row(idem_study *s, idem_method *method) {
    if (!method)
        return -1;
    if (s->n_rows == IDEM_STUDY_ROWS_MAX) {
        idem_method_free(method);
        return idem_fail("a report of more than %d rows", IDEM_STUDY_ROWS_MAX);
    }
    idem_study_row *r = &s->rows[s->n_rows++];
    const size_t n = (size_t)s->n;
    r->method = method;
    if (!copied(s, r) && !(r->features = idem_moments_new(idem_observer_features_width(s->observer))))
        return -1;
    for (int k = 0; k < s->measures.about.recognisers; k++)
        if (!(r->likeness[k] = idem_moments_new((size_t)s->measures.about.dim[k])))
            return -1;
    r->values = malloc(n * (size_t)s->measures.n * sizeof *r->values);
    r->plane = idem_method_has_codes(method) ? malloc(n * 2 * sizeof *r->plane) : NULL;
    return r->values && (r->plane || !idem_method_has_codes(method))
               ? 0
               : idem_fail_as(IDEM_MEMORY, "out of memory for the figures of %d pairs", s->n);
}

static int add_mixing(idem_study *s) {
    if (!idem_pairs_have_codes(s->pairs))
        return 0;
    return add_row(s, idem_crossover_find(&(idem_crossover_search){.model = s->model,
                                                                   .pairs = s->pairs,
                                                                   .observer = s->observer,
                                                                   .mapper = s->rows[0].method,
                                                                   .id = &s->seen[0],
                                                                   .attr = &s->seen[1],
                                                                   .strangers = s->measures.about.strangers[0],
                                                                   .n = trials(s),
                                                                   .batch = s->options.batch,
                                                                   .plan = s->options.plan,
                                                                   .measured = on_measured,
                                                                   .user = s}));
}

static int add_rows(idem_study *s) {
    const idem_study_options *o = &s->options;
    if (add_row(s, idem_method_mapper(s->model, o->batch, &o->plan)) ||
        add_row(s, idem_method_copy(IDEM_BY_IDENTITY)) || add_row(s, idem_method_copy(IDEM_BY_ATTRIBUTES)) ||
        add_mixing(s))
        return -1;
    for (int i = 0; i < o->n_refine; i++)
        if (add_row(s, idem_method_refining(s->model, o->refine[i], &o->plan)))
            return -1;
    for (int i = 0; i < o->n_compare; i++)
        if (add_row(s, idem_method_other(s->model, o->compare[i], o->models, o->batch, &o->plan)))
            return -1;
    return 0;
}

/* ---- a row over all pairs ---- */

static float *values_of(const idem_study *s, const idem_study_row *r, int i) {
    return r->values + (size_t)i * (size_t)s->measures.n;
}

static int add_outputs(idem_study *s, idem_study_row *r, const idem_seen *seen, int at, int n) {
    for (int k = 0; k < s->measures.about.recognisers; k++)
        if (idem_moments_add(r->likeness[k], seen->id[k] + (size_t)at * (size_t)s->measures.about.dim[k], (size_t)n))
            return -1;
    return r->features ? idem_moments_add(r->features, s->batch.features, (size_t)n) : 0;
}

static int place_codes(idem_study *s, idem_study_row *r, int first, int n) {
    float nearest[n];
    if (!r->plane)
        return 0;
    if (idem_w_space_place(s->codes, s->w, n, nearest, r->plane + 2 * (size_t)first))
        return -1;
    for (int i = 0; i < n; i++)
        values_of(s, r, first + i)[idem_measure_of_all(&s->measures, IDEM_M_W_DISTANCE)] = nearest[i];
    return 0;
}

/* The pictures of a batch are in s->x. */
static int run_cross(idem_study *s, idem_study_row *r, int first, int n) {
    const idem_seen *seen = copied(s, r);
    const double start = idem_clock();
    if (idem_method_run(r->method, s->pairs, first, n, s->x[0], s->x[1], false, s->y, r->plane ? s->w : NULL))
        return -1;
    if (!seen)
        r->seconds_per_picture += (idem_clock() - start) / s->n;
    idem_image_quantise(s->y, (size_t)n * numbers(s));
    if (!seen && idem_observer_run(s->observer, n, s->y, &s->batch, 0))
        return -1;
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)i * numbers(s);
        float *row = values_of(s, r, first + i);
        idem_measures_clear(&s->measures, row);
        if (idem_measures_cross(&s->measures, first + i, seen ? seen : &s->batch, seen ? first + i : i, s->y + at,
                                s->x[1] + at, row) ||
            (first + i < IDEM_STUDY_EXAMPLES && keep_example(s, &r->examples[first + i], s->y + at)))
            return -1;
    }
    return add_outputs(s, r, seen ? seen : &s->batch, seen ? first : 0, n) || place_codes(s, r, first, n) ? -1 : 0;
}

static int run_same(idem_study *s, idem_study_row *r, int first, int n) {
    float msssim[n];
    if (idem_method_run(r->method, s->pairs, first, n, s->x[0], s->x[1], true, s->y, NULL))
        return -1;
    idem_image_quantise(s->y, (size_t)n * numbers(s));
    if (idem_observer_look(s->observer, n, s->y, &s->batch, 0) ||
        idem_observer_msssim(s->observer, n, s->y, s->x[0], msssim))
        return -1;
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)i * numbers(s);
        idem_measures_same(&s->measures, first + i, &s->batch, i, s->y + at, s->x[0] + at, msssim[i],
                           values_of(s, r, first + i));
    }
    return 0;
}

static int finish_row(idem_study *s, idem_study_row *r) {
    const bool itself = idem_method_kind_of(r->method) == IDEM_BY_IDENTITY;
    const idem_moments *outputs = r->features ? r->features : s->features[itself ? 0 : 1];
    r->frechet = (idem_figure){.error = NAN, .n = s->n, .needs = IDEM_STUDY_FRECHET_LEAST};
    if (idem_figure_holds(&r->frechet) && idem_moments_distance(&r->frechet.mean, outputs, s->features[1]))
        return -1;
    for (int k = 0; k < s->measures.about.recognisers; k++) {
        r->diversity[k] = (idem_figure){.n = s->n, .needs = 2};
        if (idem_moments_cosine(r->likeness[k], &r->diversity[k].mean, &r->diversity[k].error))
            return -1;
    }
    return 0;
}

static int run_row(idem_study *s, idem_study_row *r, int first, int n) {
    const int weight = 1 + idem_method_steps(r->method);
    if (run_cross(s, r, first, n))
        return -1;
    count(s, copied(s, r) ? 0 : weight * n);
    if (!idem_method_rebuilds(r->method))
        return 0;
    if (run_same(s, r, first, n))
        return -1;
    count(s, weight * n);
    return 0;
}

/* Pictures are read once for all rows. */
static int run_rows(idem_study *s) {
    for (int first = 0; first < s->n; first += s->options.batch) {
        const int n = s->n - first < s->options.batch ? s->n - first : s->options.batch;
        if (idem_pairs_read(s->pairs, first, n, s->x[0], s->x[1], NULL))
            return -1;
        for (int i = 0; i < s->n_rows; i++)
            if (run_row(s, &s->rows[i], first, n))
                return -1;
    }
    for (int i = 0; i < s->n_rows; i++)
        if (finish_row(s, &s->rows[i]))
            return -1;
    return 0;
}

/* ---- all ---- */

static uint64_t pictures(const idem_study *s) {
    const idem_study_options *o = &s->options;
    uint64_t n = (uint64_t)s->n, all = 2 * n + 2 * n * (1 + (uint64_t)o->n_compare);
    if (idem_pairs_have_codes(s->pairs))
        all += n + (uint64_t)idem_crossover_pictures(s->model, trials(s));
    for (int i = 0; i < o->n_refine; i++)
        all += 2 * n * (uint64_t)(1 + o->refine[i]);
    return all;
}

static void state_facts(idem_study *s, double seconds) {
    idem_study_facts *f = &s->facts;
    f->measures = &s->measures;
    f->pairs = s->n;
    f->rows = s->n_rows;
    f->sources_without_face = s->without_face;
    f->row = s->rows;
    f->groups = &s->groups;
    f->observer = s->observer;
    f->codes = s->codes;
    f->examples = (const idem_image(*)[2])s->examples;
    f->n_examples = s->n < IDEM_STUDY_EXAMPLES ? s->n : IDEM_STUDY_EXAMPLES;
    f->seconds = seconds;
    f->truncation = s->options.truncation;
    f->seed = s->options.seed;
    f->drawn = idem_pairs_have_codes(s->pairs);
    for (int i = 0; i < s->n_rows; i++)
        if (idem_method_kind_of(s->rows[i].method) == IDEM_BY_ATTRIBUTES)
            memcpy(f->source_diversity, s->rows[i].diversity, sizeof f->source_diversity);
}

/* Checked before minutes of work. */
static int read_tables(idem_study *s) {
    for (int k = 0; k < 2; k++)
        if (s->options.tables[k] && !(s->table[k] = idem_group_table_read(s->options.tables[k])))
            return -1;
    return 0;
}

static int run(idem_study *s) {
    const idem_study_options *o = &s->options;
    s->total = pictures(s);
    if (read_tables(s))
        return -1;
    if (see_sources(s))
        return -1;
    s->done = 0;
    s->total = pictures(s);
    count(s, 2 * s->n);
    prepare_measures(s);
    if (idem_pair_groups_of_networks(&s->groups, &s->seen[0], &s->seen[1], s->n))
        return -1;
    for (int k = 0; k < 2; k++)
        if (s->table[k] && idem_pair_groups_of_table(&s->groups, s->table[k], k ? "attributes" : "identity", s->pairs))
            return -1;
    if (!(s->codes = idem_w_space_new(s->model, (float)o->truncation, IDEM_W_CODES, o->seed, &s->options.plan)) ||
        add_rows(s))
        return -1;
    return run_rows(s);
}

idem_study *idem_study_run(idem_model *m, idem_pairs *pairs, const idem_study_options *options) {
    const double start = idem_clock();
    idem_study *s = calloc(1, sizeof *s);
    if (!s)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    s->model = m;
    s->pairs = pairs;
    s->options = *options;
    s->n = idem_pairs_count(pairs);
    const int status =
        s->n < 2 ? idem_fail("%d pairs for a report, expected 2 or more", s->n) : open_study(s) || run(s);
    state_facts(s, idem_clock() - start);
    if (!status)
        return s;
    idem_study_free(s);
    return NULL;
}

/* ---- what was found ---- */

const idem_study_facts *idem_study_about(const idem_study *s) {
    return &s->facts;
}

idem_spread idem_study_spread(const idem_study *s, int row, int measure, const idem_pair_group *group) {
    const idem_measure *m = &s->measures.table[measure];
    double *x = malloc((size_t)s->n * sizeof *x);
    if (!x) /* no figure */
        return idem_spread_of(NULL, 0, m->share, m->needs);
    int n = 0;
    for (int i = 0; i < s->n; i++)
        if (!group || group->member[i])
            x[n++] = (double)values_of(s, &s->rows[row], i)[measure];
    const idem_spread spread = idem_spread_of(x, n, m->share, m->needs);
    free(x);
    return spread;
}
