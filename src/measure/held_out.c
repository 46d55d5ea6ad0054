#include "measure/held_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/pipe.h"
#include "measure/scores.h"
#include "media/sheet.h"

enum { BATCH = 16, STRANGER_PAIRS = 2000, EYE_LEFT = 36 - 17, EYE_RIGHT = 45 - 17, NUMBERS = 2 * IDEM_LANDMARKS };

/* One recogniser's view of the held-out pictures. */
typedef struct {
    size_t dim;
    float *sources; /* [2][pairs][dim] */
    float *out;     /* [pairs][dim] */
    double strangers;
} view;

enum { TRAIN, JUDGE, VIEWS };

struct idem_held_out {
    idem_model *model;
    idem_plan_options options;
    idem_second_opinion judge;
    idem_measure_share share; /* .ranks 1: this process alone */
    size_t pairs, picture;
    int n_views;
    view views[VIEWS];
    uint8_t *pictures; /* [2][pairs][picture]: identity pictures, attribute pictures */
    float *points;     /* [pairs][51][2] of the attribute pictures */
    float *out_points; /* [pairs][51][2] of the results */
    float *x, *y;      /* of one chunk */
};

static bool is_mine(const idem_held_out *h, size_t first) {
    return idem_share_has(&h->share, first / BATCH);
}

static float *source_of(const idem_held_out *h, int which, int side, size_t i) {
    const view *v = &h->views[which];
    return v->sources + ((size_t)side * h->pairs + i) * v->dim;
}

static void to_float(float *x, const uint8_t *rgb, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rgb[i] / 255;
}

static void from_float(uint8_t *rgb, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        rgb[i] = (uint8_t)(x[i] * 255 + 0.5f);
}

static uint8_t *pictures_of(const idem_held_out *h, int side, size_t first) {
    return h->pictures + ((size_t)side * h->pairs + first) * h->picture;
}

/* Runs every recogniser on n pictures; out[which] gets the vectors. */
static int recognise(idem_held_out *h, idem_pipe *identity, size_t n, const float *x, float *const out[VIEWS]) {
    if (idem_pipe_run(identity, n, (const float *const[]){x}, (float *const[]){out[TRAIN]}))
        return -1;
    return h->n_views > JUDGE ? h->judge.describe(h->judge.user, (int)n, x, out[JUDGE]) : 0;
}

static int gather(idem_held_out *h, idem_data *data, idem_pairs_of *pairs_of, idem_pipe *identity,
                  idem_pipe *landmarks) {
    for (size_t first = 0; first < h->pairs; first += BATCH) {
        size_t n = h->pairs - first < BATCH ? h->pairs - first : BATCH;
        if (!is_mine(h, first))
            continue;
        if (pairs_of(data, first, n, h->x, h->y))
            return -1;
        for (int side = 0; side < 2; side++) {
            const float *x = side ? h->y : h->x;
            float *out[VIEWS] = {source_of(h, TRAIN, side, first),
                                 h->n_views > JUDGE ? source_of(h, JUDGE, side, first) : NULL};
            from_float(pictures_of(h, side, first), x, n * h->picture);
            if (recognise(h, identity, n, x, out))
                return -1;
        }
        if (idem_pipe_run(landmarks, n, (const float *const[]){h->y}, (float *const[]){h->points + first * NUMBERS}))
            return -1;
    }
    for (int i = 0; i < h->n_views; i++)
        if (idem_share_join(&h->share, h->views[i].sources, 2 * h->pairs * h->views[i].dim))
            return -1;
    return idem_share_join(&h->share, h->points, h->pairs * NUMBERS);
}

static int allocate(idem_held_out *h) {
    bool all = true;
    h->pictures = malloc(2 * h->pairs * h->picture);
    h->points = calloc(h->pairs * NUMBERS, sizeof *h->points);
    h->x = malloc(BATCH * h->picture * sizeof *h->x);
    h->y = malloc(BATCH * h->picture * sizeof *h->y);
    h->out_points = malloc(h->pairs * NUMBERS * sizeof *h->out_points);
    for (int i = 0; i < h->n_views; i++) {
        view *v = &h->views[i];
        v->sources = calloc(2 * h->pairs * v->dim, sizeof *v->sources);
        v->out = malloc(h->pairs * v->dim * sizeof *v->out);
        all = all && v->sources && v->out;
    }
    if (all && h->pictures && h->points && h->x && h->y && h->out_points)
        return 0;
    return idem_fail_as(IDEM_MEMORY, "out of memory for %zu held-out pairs: lower settings.eval-pairs", h->pairs);
}

static int prepare(idem_held_out *h, idem_data *data, idem_pairs_of *pairs_of, uint64_t seed) {
    if (allocate(h))
        return -1;
    idem_pipe *identity = idem_pipe_new(h->model, IDEM_PIPE_IDENTITY, BATCH, 1, &h->options);
    idem_pipe *landmarks = identity ? idem_pipe_new(h->model, IDEM_PIPE_LANDMARKS, BATCH, 1, &h->options) : NULL;
    int status = landmarks ? gather(h, data, pairs_of, identity, landmarks) : -1;
    idem_pipe_free(landmarks);
    idem_pipe_free(identity);
    for (int i = 0; i < h->n_views && !status; i++)
        h->views[i].strangers =
            idem_score_strangers(h->views[i].sources, (int)(2 * h->pairs), (int)h->views[i].dim, STRANGER_PAIRS, seed);
    return status;
}

idem_held_out *idem_held_out_new(idem_model *m, idem_data *data, idem_pairs_of *pairs_of, int pairs, uint64_t seed,
                                 const idem_second_opinion *judge, const idem_measure_share *share,
                                 const idem_plan_options *options) {
    idem_held_out *h = calloc(1, sizeof *h);
    if (!h)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the held-out pairs");
    const idem_model_info *info = idem_model_about(m);
    h->model = m;
    if (options)
        h->options = *options;
    if (judge)
        h->judge = *judge;
    h->share = share ? *share : IDEM_MEASURE_ALONE;
    h->pairs = (size_t)pairs;
    h->picture = (size_t)info->size * (size_t)info->size * 3;
    h->n_views = h->judge.describe ? VIEWS : JUDGE;
    h->views[TRAIN].dim = (size_t)info->id_dim;
    h->views[JUDGE].dim = (size_t)h->judge.dim;
    if (prepare(h, data, pairs_of, seed)) {
        idem_held_out_free(h);
        return NULL;
    }
    return h;
}

void idem_held_out_free(idem_held_out *h) {
    if (!h)
        return;
    for (int i = 0; i < VIEWS; i++) {
        free(h->views[i].sources);
        free(h->views[i].out);
    }
    free(h->pictures);
    free(h->points);
    free(h->x);
    free(h->y);
    free(h->out_points);
    free(h);
}

/* ---- scoring ---- */

/* Whether the points can be compared: all finite and near the picture, eyes apart. */
static bool comparable(const float *a, const float *b) {
    for (int i = 0; i < NUMBERS; i++)
        if (!(fabs((double)a[i] - 0.5) <= 1 && fabs((double)b[i] - 0.5) <= 3))
            return false;
    return hypot((double)b[2 * EYE_RIGHT] - b[2 * EYE_LEFT], (double)b[2 * EYE_RIGHT + 1] - b[2 * EYE_LEFT + 1]) > 1e-3;
}

typedef struct {
    idem_pipe *attributes, *map, *identity, *landmarks;
    float *attr; /* [BATCH][attr_dim] */
} stages;

/* Identities of the pairs with the attributes of `attr_side`, n pairs from first, into h->y, clipped and rounded as in
 * a file. */
static int compose(idem_held_out *h, const stages *p, int attr_side, size_t first, size_t n) {
    to_float(h->x, pictures_of(h, attr_side, first), n * h->picture);
    if (idem_pipe_run(p->attributes, n, (const float *const[]){h->x}, (float *const[]){p->attr}) ||
        idem_pipe_run(p->map, n, (const float *const[]){source_of(h, TRAIN, 0, first), p->attr},
                      (float *const[]){NULL, h->y}))
        return -1;
    idem_image_quantise(h->y, n * h->picture);
    return 0;
}

/* The networks' results on the cross pairs. */
static int look_at_cross(idem_held_out *h, const stages *p, size_t first, size_t n) {
    float *out[VIEWS] = {NULL};
    for (int v = 0; v < h->n_views; v++)
        out[v] = h->views[v].out + first * h->views[v].dim;
    return compose(h, p, 1, first, n) || recognise(h, p->identity, n, h->y, out) ||
                   idem_pipe_run(p->landmarks, n, (const float *const[]){h->y},
                                 (float *const[]){h->out_points + first * NUMBERS})
               ? -1
               : 0;
}

/* Before the results are looked at. */
static void clear_results(idem_held_out *h) {
    memset(h->out_points, 0, h->pairs * NUMBERS * sizeof *h->out_points);
    for (int v = 0; v < h->n_views; v++)
        memset(h->views[v].out, 0, h->pairs * h->views[v].dim * sizeof *h->views[v].out);
}

static int look_at_all_cross(idem_held_out *h, const stages *p) {
    clear_results(h);
    for (size_t first = 0; first < h->pairs; first += BATCH)
        if (is_mine(h, first) && look_at_cross(h, p, first, h->pairs - first < BATCH ? h->pairs - first : BATCH))
            return -1;
    for (int v = 0; v < h->n_views; v++)
        if (idem_share_join(&h->share, h->views[v].out, h->pairs * h->views[v].dim))
            return -1;
    return idem_share_join(&h->share, h->out_points, h->pairs * NUMBERS);
}

/* Sums over the same-face pairs of a chunk. */
typedef struct {
    double mse, psnr;
} sums;

static int score_same(idem_held_out *h, const stages *p, size_t first, size_t n, sums *s) {
    const view *v = &h->views[TRAIN];
    int size = idem_model_about(h->model)->size;
    if (compose(h, p, 0, first, n) ||
        idem_pipe_run(p->identity, n, (const float *const[]){h->y}, (float *const[]){v->out + first * v->dim}))
        return -1;
    s->mse = idem_score_mse(h->x, h->y, (int)n, size).mean * (double)n;
    s->psnr = idem_score_psnr(h->x, h->y, (int)n, size).mean * (double)n;
    return 0;
}

/* chunk: [chunks], of 0. All sums in the order of chunks, whoever looked at them. */
static int score_all_same(idem_held_out *h, const stages *p, sums *chunk, sums *all) {
    const size_t chunks = (h->pairs + BATCH - 1) / BATCH;
    clear_results(h);
    for (size_t first = 0; first < h->pairs; first += BATCH)
        if (is_mine(h, first) &&
            score_same(h, p, first, h->pairs - first < BATCH ? h->pairs - first : BATCH, &chunk[first / BATCH]))
            return -1;
    if (idem_share_join(&h->share, h->views[TRAIN].out, h->pairs * h->views[TRAIN].dim) ||
        (h->share.ranks > 1 && h->share.sum_doubles(h->share.of, &chunk[0].mse, 2 * chunks)))
        return -1;
    *all = (sums){0};
    for (size_t i = 0; i < chunks; i++) {
        all->mse += chunk[i].mse;
        all->psnr += chunk[i].psnr;
    }
    return 0;
}

static int open_stages(idem_held_out *h, stages *p) {
    /* Made again each time, as a plan folds the weights. */
    *p = (stages){.attributes = idem_pipe_new(h->model, IDEM_PIPE_ATTRIBUTES, BATCH, 1, &h->options)};
    if (!p->attributes || !(p->map = idem_pipe_new(h->model, IDEM_PIPE_MAP, BATCH, 1, &h->options)) ||
        !(p->identity = idem_pipe_new(h->model, IDEM_PIPE_IDENTITY, BATCH, 1, &h->options)) ||
        !(p->landmarks = idem_pipe_new(h->model, IDEM_PIPE_LANDMARKS, BATCH, 1, &h->options)))
        return -1;
    p->attr = malloc(BATCH * idem_pipe_out_size(p->attributes, 0) * sizeof *p->attr);
    return p->attr ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for attributes");
}

static void close_stages(stages *p) {
    idem_pipe_free(p->landmarks);
    idem_pipe_free(p->identity);
    idem_pipe_free(p->map);
    idem_pipe_free(p->attributes);
    free(p->attr);
}

static idem_likeness likeness(const idem_held_out *h, int which) {
    const view *v = &h->views[which];
    idem_identity_scores s;
    idem_score_identity(&s, source_of(h, which, 0, 0), source_of(h, which, 1, 0), v->out, (int)h->pairs, (int)v->dim,
                        v->strangers);
    return (idem_likeness){
        .cos_id_out = s.cos_id_out.mean,
        .cos_attr_out = s.cos_attr_out.mean,
        .cos_id_attr = s.cos_id_attr.mean,
        .strangers = v->strangers,
        .id_kept = s.id_kept,
        .attr_leak = s.attr_leak,
    };
}

/* Moves the results' points that can be compared to the front; `wanted` [pairs][51][2] gets the corresponding targets.
 * Returns their number. */
static int gather_comparable(idem_held_out *h, float *wanted) {
    size_t n = 0;
    for (size_t i = 0; i < h->pairs; i++) {
        const float *out = h->out_points + i * NUMBERS, *want = h->points + i * NUMBERS;
        if (!comparable(out, want))
            continue;
        memmove(h->out_points + n * NUMBERS, out, NUMBERS * sizeof *out);
        memcpy(wanted + n++ * NUMBERS, want, NUMBERS * sizeof *want);
    }
    return (int)n;
}

static int score_all(idem_held_out *h, const stages *p, float *wanted, idem_held_out_scores *out) {
    *out = (idem_held_out_scores){.pairs = (int)h->pairs};
    if (look_at_all_cross(h, p))
        return -1;
    out->train = likeness(h, TRAIN);
    if (h->n_views > JUDGE)
        out->judge = likeness(h, JUDGE);
    int n = gather_comparable(h, wanted);
    out->skipped = out->pairs - n;
    out->nme = idem_score_nme(h->out_points, wanted, n);
    out->landmark_mse160 = idem_score_landmark_mse160(h->out_points, wanted, n);
    out->nme.of = out->landmark_mse160.of = "pairs with landmarks";
    sums s, *chunk = calloc(h->pairs / BATCH + 1, sizeof *chunk);
    if (!chunk)
        return idem_fail_as(IDEM_MEMORY, "out of memory for scores");
    const int status = score_all_same(h, p, chunk, &s);
    free(chunk);
    if (status)
        return -1;
    out->mse_same_face = s.mse / (double)h->pairs;
    out->psnr_same_face = s.psnr / (double)h->pairs;
    out->cos_same_face = likeness(h, TRAIN).cos_id_out;
    return 0;
}

int idem_held_out_run(idem_held_out *h, idem_held_out_scores *out) {
    stages p = {0};
    float *wanted = malloc(h->pairs * NUMBERS * sizeof *wanted);
    int status = wanted ? open_stages(h, &p) : idem_fail_as(IDEM_MEMORY, "out of memory for landmarks");
    if (!status)
        status = score_all(h, &p, wanted, out);
    close_stages(&p);
    free(wanted);
    return status;
}

/* ---- the sample sheet ---- */

/* Bytes as a picture without ownership. */
static idem_image view_of(const idem_held_out *h, uint8_t *rgb) {
    int size = idem_model_about(h->model)->size;
    return (idem_image){.width = size, .height = size, .rgb = rgb};
}

/* cells: [side][side] pictures; ids: capacity for a row of identities, all the same. */
static int compose_cells(idem_held_out *h, const stages *p, size_t side, float *ids, uint8_t *cells) {
    size_t dim = h->views[TRAIN].dim;
    to_float(h->x, pictures_of(h, 1, 0), side * h->picture);
    if (idem_pipe_run(p->attributes, side, (const float *const[]){h->x}, (float *const[]){p->attr}))
        return -1;
    for (size_t row = 0; row < side; row++) {
        for (size_t column = 0; column < side; column++)
            memcpy(ids + column * dim, source_of(h, TRAIN, 0, row), dim * sizeof *ids);
        if (idem_pipe_run(p->map, side, (const float *const[]){ids, p->attr}, (float *const[]){NULL, h->y}))
            return -1;
        idem_image_quantise(h->y, side * h->picture);
        from_float(cells + row * side * h->picture, h->y, side * h->picture);
    }
    return 0;
}

static int draw_sheet(const idem_held_out *h, size_t side, const char *title, uint8_t *cells, idem_image *page) {
    idem_image pictures[BATCH * BATCH], sources[2][BATCH];
    const idem_image *of_pictures[BATCH * BATCH], *of_sources[2][BATCH];
    for (size_t i = 0; i < side * side; i++) {
        pictures[i] = view_of(h, cells + i * h->picture);
        of_pictures[i] = &pictures[i];
    }
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < side; i++) {
            sources[which][i] = view_of(h, pictures_of(h, which, i));
            of_sources[which][i] = &sources[which][i];
        }
    const idem_sheet sheet = {.rows = (int)side,
                              .columns = (int)side,
                              .cells = of_pictures,
                              .down = of_sources[0],
                              .along = of_sources[1],
                              .title = title,
                              .row_axis = "identity",
                              .column_axis = "attributes",
                              .footer = "idem: synthetic faces, nobody's portrait"};
    return idem_sheet_draw(page, &sheet);
}

int idem_held_out_sheet(idem_held_out *h, int side, const char *title, idem_image *page) {
    size_t n = side > BATCH ? BATCH : (size_t)side;
    n = n > h->pairs ? h->pairs : n;
    uint8_t *cells = malloc(n * n * h->picture);
    float *ids = malloc(n * h->views[TRAIN].dim * sizeof *ids);
    stages p = {0};
    int status = cells && ids ? open_stages(h, &p) : idem_fail_as(IDEM_MEMORY, "out of memory for a sheet of samples");
    if (!status)
        status = compose_cells(h, &p, n, ids, cells) || draw_sheet(h, n, title, cells, page) ? -1 : 0;
    close_stages(&p);
    free(ids);
    free(cells);
    return status;
}
