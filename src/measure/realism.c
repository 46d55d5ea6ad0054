#include "measure/realism.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"
#include "face/finder.h"
#include "face/paste.h"
#include "measure/figures.h"
#include "measure/frechet.h"
#include "measure/observer.h"
#include "media/grey.h"
#include "media/image.h"

struct idem_realism {
    int size, batch;
    idem_measure_share share;
    idem_finder *finder;
    idem_observer *observer;
    void (*measured)(void *user, int pictures);
    void *user;
};

idem_realism *idem_realism_new(idem_model *m, const char *models, int batch, const idem_measure_share *share,
                               const idem_plan_options *options) {
    idem_realism *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for measuring realism");
    r->size = idem_model_about(m)->size;
    r->batch = batch;
    r->share = *share;
    const idem_observer_options of_observer = {
        .models = models, .batch = batch, .whole = true, .plan = options ? *options : (idem_plan_options){0}};
    if (!(r->observer = idem_observer_new(m, &of_observer)) ||
        !(r->finder = idem_finder_open(models, false, options))) {
        idem_realism_free(r);
        return NULL;
    }
    return r;
}

void idem_realism_free(idem_realism *r) {
    if (!r)
        return;
    idem_observer_free(r->observer);
    idem_finder_free(r->finder);
    free(r);
}

void idem_realism_watch(idem_realism *r, void (*measured)(void *user, int pictures), void *user) {
    r->measured = measured;
    r->user = user;
}

static size_t numbers(const idem_realism *r) {
    return (size_t)r->size * (size_t)r->size * 3;
}

/* ---- expression and features ---- */

/* Batch by batch, which ranks share out. */
static int see(const idem_realism *r, int n, const float *pictures, idem_seen *seen) {
    if (r->share.ranks > 1)
        idem_seen_clear(r->observer, seen, n);
    for (int i = 0; i < n; i += r->batch) {
        const int count = n - i < r->batch ? n - i : r->batch;
        if (idem_share_has(&r->share, (size_t)(i / r->batch)) &&
            idem_observer_run(r->observer, count, pictures + (size_t)i * numbers(r), seen, i))
            return -1;
    }
    return idem_seen_join(r->observer, seen, n, &r->share);
}

static int most_probable(const float *p) {
    int k = 0;
    for (int i = 1; i < IDEM_EXPRESSIONS; i++)
        k = p[i] > p[k] ? i : k;
    return k;
}

/* order NULL: of the same pair. */
static int agreement(idem_figure *f, const idem_seen *out, const idem_seen *attr, const int *order, int n) {
    double *x = malloc((size_t)n * sizeof *x);
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the expressions of %d pictures", n);
    for (int i = 0; i < n; i++)
        x[i] = most_probable(out->expression + (size_t)i * IDEM_EXPRESSIONS) ==
               most_probable(attr->expression + (size_t)(order ? order[i] : i) * IDEM_EXPRESSIONS);
    *f = idem_figure_of_share(idem_figure_of(x, n), n);
    free(x);
    return 0;
}

static int compare_expressions(idem_realism_report *report, const idem_seen *out, const idem_seen *attr, int n,
                               uint64_t seed) {
    int *order = malloc((size_t)n * sizeof *order);
    if (!order)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    idem_score_shuffle(order, n, seed);
    const int status = agreement(&report->expression, out, attr, NULL, n) ||
                       agreement(&report->expression_shuffled, out, attr, order, n);
    free(order);
    return status ? -1 : 0;
}

enum { ATTRIBUTES, OUT, PLAIN, SETS };

static int compare(const idem_realism *r, const idem_seen seen[SETS], int n, bool plain, uint64_t seed,
                   idem_realism_report *report) {
    const size_t width = idem_observer_features_width(r->observer), rows = (size_t)n;
    if (compare_expressions(report, &seen[OUT], &seen[ATTRIBUTES], n, seed) ||
        idem_frechet(&report->frechet, seen[OUT].features, rows, seen[ATTRIBUTES].features, rows, width))
        return -1;
    report->features = idem_observer_features_name(r->observer);
    report->frechet_plain = report->frechet;
    return plain ? idem_frechet(&report->frechet_plain, seen[PLAIN].features, rows, seen[ATTRIBUTES].features, rows,
                                width)
                 : 0;
}

static int observe(const idem_realism *r, const idem_composed *c, const float *attr, uint64_t seed,
                   idem_realism_report *report) {
    const float *const sets[SETS] = {attr, c->out, c->plain};
    idem_seen seen[SETS] = {0};
    int status = 0;
    for (int i = 0; i < SETS && sets[i] && !status; i++)
        status = idem_seen_new(&seen[i], r->observer, c->n, true) || see(r, c->n, sets[i], &seen[i]);
    if (!status)
        status = compare(r, seen, c->n, c->plain, seed, report);
    for (int i = 0; i < SETS; i++)
        idem_seen_free(&seen[i]);
    return status ? -1 : 0;
}

/* ---- framing ---- */

/* 1 or 0; -1. */
static int is_framed(const idem_realism *r, const float *picture) {
    idem_image im;
    idem_found *faces = NULL;
    idem_crop frame;
    if (idem_image_from_float(&im, picture, r->size, r->size, 0, 1))
        return -1;
    const int n = idem_finder_run(r->finder, &im, NULL, &faces);
    idem_image_free(&im);
    int framed = n < 0 ? -1 : 0;
    if (n == 1 && !idem_align_frame(&frame, (const float(*)[2])faces[0].points, r->size, r->size))
        framed = idem_align_off(&frame) < IDEM_WELL_FRAMED / 100.0;
    free(faces);
    return framed;
}

static int measure_framing(const idem_realism *r, int n, const float *pictures, idem_figure *f) {
    double *x = calloc((size_t)n, sizeof *x);
    int framed = 0;
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", n);
    for (int i = 0; i < n && framed >= 0; i++) {
        if (idem_share_has(&r->share, (size_t)i))
            x[i] = framed = is_framed(r, pictures + (size_t)i * numbers(r));
        if (r->measured)
            r->measured(r->user, 1);
    }
    const int status = framed < 0 || idem_share_join_doubles(&r->share, x, (size_t)n) ? -1 : 0;
    if (!status)
        *f = idem_figure_of_share(idem_figure_of(x, n), n);
    free(x);
    return status;
}

/* ---- the seam of the paste ---- */

static double brightness(const idem_image *im, int x, int y) {
    const uint8_t *at = im->rgb + 3 * ((size_t)y * (size_t)im->width + (size_t)x);
    return idem_grey_exact(at[0], at[1], at[2]);
}

static double gradient(const idem_image *im, int x, int y) {
    return hypot(brightness(im, x + 1, y) - brightness(im, x - 1, y),
                 brightness(im, x, y + 1) - brightness(im, x, y - 1));
}

/* NaN if nothing blends. */
static double seam_of(const idem_image *before, const idem_image *after, const idem_pasted *part) {
    double sum[2] = {0};
    for (int y = part->y > 1 ? part->y : 1; y < part->y + part->height && y < before->height - 1; y++)
        for (int x = part->x > 1 ? part->x : 1; x < part->x + part->width && x < before->width - 1; x++) {
            const uint8_t m = part->mask[(size_t)(y - part->y) * (size_t)part->width + (size_t)(x - part->x)];
            if (m == 0 || m == 255)
                continue;
            sum[0] += gradient(before, x, y);
            sum[1] += gradient(after, x, y);
        }
    return sum[0] > 0 ? sum[1] / sum[0] : NAN;
}

static int paste_one(const idem_realism *r, const idem_person_picture *at, const float *out, double *seam) {
    idem_image before = {0}, after = {0}, face = {0};
    idem_pasted part = {0};
    idem_paste_fit fit;
    const float(*points)[2] = (const float(*)[2])at->points;
    const int status = idem_image_load(&before, at->path) || idem_image_load(&after, at->path) ||
                       idem_image_from_float(&face, out, r->size, r->size, 0, 1) ||
                       idem_paste_match(&fit, &before, &face, &at->frame, points) ||
                       idem_paste_with(&after, &face, &at->frame, points, &fit, &part);
    if (!status)
        *seam = seam_of(&before, &after, &part);
    idem_pasted_free(&part);
    idem_image_free(&face);
    idem_image_free(&after);
    idem_image_free(&before);
    return status ? -1 : 0;
}

static int measure_seam(const idem_realism *r, const idem_composed *c, idem_figure *f) {
    double *x = calloc((size_t)c->n, sizeof *x);
    int count = 0, status = x ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", c->n);
    for (int i = 0; i < c->n && !status; i++) {
        const idem_person_picture *at = &c->people->at[c->attr[i]];
        if (at->cut_out && idem_share_has(&r->share, (size_t)i))
            status = paste_one(r, at, c->out + (size_t)i * numbers(r), &x[i]);
    }
    status = status || idem_share_join_doubles(&r->share, x, (size_t)c->n) ? -1 : 0;
    for (int i = 0; i < c->n && !status; i++)
        if (c->people->at[c->attr[i]].cut_out && isfinite(x[i]))
            x[count++] = x[i];
    if (!status)
        *f = idem_figure_of(x, count);
    f->of = "attribute pictures cut out of photographs";
    free(x);
    return status;
}

/* ---- all of it ---- */

int idem_realism_run(idem_realism *r, const idem_composed *c, uint64_t seed, idem_realism_report *report) {
    *report = (idem_realism_report){0};
    float *attr = malloc((size_t)c->n * numbers(r) * sizeof *attr);
    if (!attr)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", c->n);
    for (size_t i = 0; i < (size_t)c->n; i++)
        memcpy(attr + i * numbers(r), c->people->pictures + (size_t)c->attr[i] * numbers(r), numbers(r) * sizeof *attr);
    const int status = observe(r, c, attr, seed, report) || measure_framing(r, c->n, c->out, &report->framed) ||
                       measure_framing(r, c->n, attr, &report->framed_photographs) || measure_seam(r, c, &report->seam);
    free(attr);
    return status ? -1 : 0;
}

int idem_realism_put(json_t *to, const idem_realism_report *r) {
    json_t *shuffled = json_object_get(to, "shuffled");
    json_t *frechet =
        json_pack("{s:s, s:i, s:f, s:f, s:f}", "features", r->features, "n", (int)r->expression.n, "distance",
                  r->frechet, "mapper_alone", r->frechet_plain, "ratio", r->frechet / r->frechet_plain);
    if (!frechet || json_object_set_new(to, "frechet", frechet))
        return idem_fail_as(IDEM_INTERNAL, "cannot make a report: memory is short, or a distance is not a number");
    return idem_figure_put(to, "expression_agrees", &r->expression) ||
                   idem_figure_put(to, "one_well_framed_face", &r->framed) ||
                   idem_figure_put(to, "one_well_framed_face_of_photographs", &r->framed_photographs) ||
                   idem_figure_put(to, "seam_gradient", &r->seam) ||
                   idem_figure_put(shuffled, "expression_agrees", &r->expression_shuffled)
               ? -1
               : 0;
}
