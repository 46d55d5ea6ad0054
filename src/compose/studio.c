#define _GNU_SOURCE
#include "compose/studio.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/status.h"
#include "engine/threads.h"
#include "model/model_store.h"
#include "model/painter.h"

enum { PIPES = IDEM_PIPE_COMPOSE + 1 };

struct idem_studio {
    idem_model *model;
    idem_plan_options plan;
    int batch;
    idem_pose_wanted pose;
    char *models;
    struct {
        idem_pipe *pipe;
        float psi;
    } slots[PIPES];                /* pipes and painters share one activation buffer */
    idem_painter *plain, *refined; /* these and the following are made at first use */
    idem_finder *finder;
    idem_embedder *embedder;
    bool has_judge;
    idem_studio_told *told;
    void *told_user;
    bool muted;
};

/* ---- life ---- */

static int load(idem_studio *s, const idem_studio_options *o) {
    const idem_model_wish wish = {.generator = o->generator,
                                  .mapper = o->mapper,
                                  .models = o->models,
                                  .identity_net = o->identity_net,
                                  .identity_preprocess = o->identity_preprocess,
                                  .generator_only = o->generator_only,
                                  .threads = o->threads};
    if (!(s->model = idem_model_borrow(&wish)))
        return -1;
    return o->mapper ? idem_model_check_attributes(s->model, &o->attributes) : 0;
}

idem_studio *idem_studio_open(const idem_studio_options *o) {
    idem_studio *s = calloc(1, sizeof *s);
    if (!s)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a studio");
    s->plan = (idem_plan_options){.threads = o->threads, .stop = o->stop};
    s->batch = o->batch;
    s->pose = o->pose;
    if (o->models && !(s->models = strdup(o->models))) {
        free(s);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a studio");
    }
    if (!o->generator || !load(s, o))
        return s;
    idem_studio_free(s);
    return NULL;
}

static void drop_pipes(idem_studio *s) {
    for (int i = 0; i < PIPES; i++) {
        idem_pipe_free(s->slots[i].pipe);
        s->slots[i].pipe = NULL;
    }
    idem_painter_free(s->plain);
    s->plain = NULL;
}

static void drop_refined(idem_studio *s) {
    idem_painter_free(s->refined);
    s->refined = NULL;
}

static void drop_embedder(idem_studio *s) {
    idem_embedder_free(s->embedder);
    s->embedder = NULL;
}

void idem_studio_release(idem_studio *s, unsigned what) {
    if (what & IDEM_RELEASE_PIPES)
        drop_pipes(s);
    if (what & IDEM_RELEASE_REFINING)
        drop_refined(s);
    if (what & IDEM_RELEASE_EMBEDDER)
        drop_embedder(s);
    if (what & IDEM_RELEASE_FINDER) {
        idem_finder_free(s->finder);
        s->finder = NULL;
    }
}

void idem_studio_free(idem_studio *s) {
    if (!s)
        return;
    idem_studio_release(s, IDEM_RELEASE_ALL);
    idem_model_give_back(s->model);
    free(s->models);
    free(s);
}

void idem_studio_set_batch(idem_studio *s, int batch) {
    if (batch == s->batch)
        return;
    drop_pipes(s);
    s->batch = batch;
}

const idem_model_info *idem_studio_about(const idem_studio *s) {
    return s->model ? idem_model_about(s->model) : NULL;
}

idem_model *idem_studio_model(idem_studio *s) {
    return s->model;
}

int idem_studio_threads(const idem_studio *s) {
    return s->plan.threads;
}

int idem_studio_batch(const idem_studio *s) {
    return s->batch;
}

bool idem_studio_stopped(const idem_studio *s) {
    return s->plan.stop && *s->plan.stop;
}

idem_plan_options idem_studio_plan(const idem_studio *s) {
    return s->plan;
}

void idem_studio_set_told(idem_studio *s, idem_studio_told *told, void *user) {
    s->told = told;
    s->told_user = user;
}

void idem_studio_tell(const idem_studio *s, int done, int of) {
    if (s->told)
        s->told(s->told_user, done, of);
}

bool idem_studio_mute(idem_studio *s, bool muted) {
    const bool before = s->muted;
    s->muted = muted;
    return before;
}

static void tell(const idem_studio *s, int done, int of) {
    if (!s->muted)
        idem_studio_tell(s, done, of);
}

/* ---- photographs ---- */

idem_finder *idem_studio_finder(idem_studio *s) {
    char path[PATH_MAX];
    if (s->finder)
        return s->finder;
    const bool pose =
        s->pose == IDEM_POSE_ALWAYS || (s->pose && !idem_models_find(path, sizeof path, s->models, "fr_pose.onnx"));
    const idem_team before = idem_team_enter(s->plan.threads); /* graphs also depend on the thread count */
    s->finder = idem_finder_open(s->models, pose, &s->plan);
    idem_team_leave(&before);
    return s->finder;
}

idem_embedder *idem_studio_embedder(idem_studio *s, bool judge) {
    if (s->embedder && (s->has_judge || !judge))
        return s->embedder;
    drop_embedder(s);
    const idem_team before = idem_team_enter(s->plan.threads);
    s->embedder = idem_embedder_open(s->models, judge, &s->plan);
    idem_team_leave(&before);
    s->has_judge = judge;
    return s->embedder;
}

int idem_studio_embed(idem_studio *s, const idem_image *photo, const float (*points)[2], float *feature, float *judge) {
    idem_embedder *e = idem_studio_embedder(s, judge != NULL);
    if (!e)
        return -1;
    const idem_team before = idem_team_enter(s->plan.threads);
    const int status = idem_embedder_run(e, photo, points, feature, judge);
    idem_team_leave(&before);
    return status;
}

int idem_studio_feature_dim(idem_studio *s) {
    const idem_embedder *e = idem_studio_embedder(s, false);
    return e ? idem_embedder_dim(e) : -1;
}

/* ---- pictures in the frame ---- */

int idem_studio_need(const idem_studio *s, bool mapper) {
    if (!s->model)
        return idem_fail("no generator is loaded; painting, and codes of pictures in its frame, need one");
    if (mapper && !idem_model_about(s->model)->has_mapper)
        return idem_fail("no mapper is loaded; set options.mapper to a file that idem train made");
    return 0;
}

/* With a shared buffer, if there is one. */
static idem_plan_options plan_options(const idem_studio *s) {
    idem_plan_options o = s->plan;
    for (int i = 0; i < PIPES && !o.share; i++)
        o.share = s->slots[i].pipe ? idem_pipe_plan(s->slots[i].pipe) : NULL;
    if (!o.share && s->plain)
        o.share = idem_painter_plan(s->plain);
    if (!o.share && s->refined)
        o.share = idem_painter_plan(s->refined);
    return o;
}

idem_pipe *idem_studio_pipe(idem_studio *s, idem_pipe_kind kind, float psi) {
    if (idem_studio_need(s, kind == IDEM_PIPE_ATTRIBUTES || kind >= IDEM_PIPE_CODE))
        return NULL;
    idem_pipe **pipe = &s->slots[kind].pipe;
    if (*pipe && s->slots[kind].psi == psi)
        return *pipe;
    idem_pipe_free(*pipe);
    *pipe = NULL;
    const idem_plan_options o = plan_options(s);
    s->slots[kind].psi = psi;
    return *pipe = idem_pipe_new(s->model, kind, s->batch, psi, &o);
}

static size_t picture_numbers(const idem_studio *s) {
    const size_t side = (size_t)idem_model_about(s->model)->size;
    return side * side * 3;
}

static void to_float(const idem_studio *s, float *x, const uint8_t *rgb) {
    const int side = idem_model_about(s->model)->size;
    const idem_image im = {.width = side, .height = side, .rgb = (uint8_t *)rgb};
    idem_image_to_float(x, &im, 0, 1);
}

int idem_studio_to_bytes(const idem_studio *s, uint8_t *rgb, const float *y) {
    const int side = idem_model_about(s->model)->size;
    idem_image im;
    if (idem_image_from_float(&im, y, side, side, 0, 1))
        return -1;
    memcpy(rgb, im.rgb, picture_numbers(s));
    idem_image_free(&im);
    return 0;
}

static float *pictures(const idem_studio *s, int n) {
    float *x = malloc((size_t)n * picture_numbers(s) * sizeof *x);
    return x ? x : idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pictures", n);
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

int idem_studio_encode(idem_studio *s, idem_pipe_kind kind, const uint8_t *rgb, int n, float *codes) {
    idem_pipe *p = idem_studio_pipe(s, kind, 1);
    float *x = p ? pictures(s, smaller(n, s->batch)) : NULL;
    int status = x ? 0 : -1;
    for (int first = 0; first < n && !status; first += s->batch) {
        const int count = smaller(n - first, s->batch);
        for (int i = 0; i < count; i++)
            to_float(s, x + (size_t)i * picture_numbers(s), rgb + (size_t)(first + i) * picture_numbers(s));
        status = idem_pipe_run(p, (size_t)count, (const float *const[]){x, NULL},
                               (float *const[]){codes + (size_t)first * idem_pipe_out_size(p, 0), NULL});
        if (!status)
            tell(s, first + count, n);
    }
    free(x);
    return status;
}

int idem_studio_paint(idem_studio *s, idem_pipe *p, const float *const *in, int n, float *codes, uint8_t *rgb) {
    const int port = idem_pipe_out_size(p, 1) ? 1 : 0;
    const size_t numbers = picture_numbers(s), width = port ? idem_pipe_out_size(p, 0) : 0;
    float *y = pictures(s, smaller(n, s->batch));
    int status = y ? 0 : -1;
    for (int first = 0; first < n && !status; first += s->batch) {
        const int count = smaller(n - first, s->batch);
        const float *part[IDEM_PIPE_PORTS] = {NULL};
        for (int k = 0; k < IDEM_PIPE_PORTS && in[k]; k++)
            part[k] = in[k] + (size_t)first * idem_pipe_in_size(p, k);
        float *out[IDEM_PIPE_PORTS] = {NULL};
        if (port && codes)
            out[0] = codes + (size_t)first * width;
        out[port] = y;
        status = idem_pipe_run(p, (size_t)count, part, out);
        for (int i = 0; i < count && !status; i++)
            status = idem_studio_to_bytes(s, rgb + (size_t)(first + i) * numbers, y + (size_t)i * numbers);
        if (!status)
            tell(s, first + count, n);
    }
    free(y);
    return status;
}

/* ---- pairs ---- */

int idem_refine_steps(int refine, bool id_drawn, bool attr_drawn) {
    if (refine != IDEM_REFINE_BY_MARK)
        return refine;
    return id_drawn && attr_drawn ? 0 : IDEM_REFINE_STEPS;
}

/* A painter for `steps` steps; the existing one if it has the same number. */
static idem_painter *painter(idem_studio *s, int refine) {
    idem_painter **p = refine ? &s->refined : &s->plain;
    if (*p && idem_painter_refines(*p) == refine)
        return *p;
    idem_painter_free(*p);
    *p = NULL;
    const idem_plan_options o = plan_options(s);
    return *p = idem_painter_new(s->model, s->batch, refine, &o);
}

/* x: capacity for three pictures. */
static int paint_refined(idem_studio *s, const idem_sitting *sitting, float *x, float *ws, uint8_t *rgb) {
    const size_t numbers = picture_numbers(s);
    idem_painter *p = painter(s, sitting->refine);
    const idem_pair pair = {.x_id = x, .x_attr = x + numbers};
    if (!p)
        return -1;
    to_float(s, x, sitting->id_rgb);
    to_float(s, x + numbers, sitting->attr_rgb);
    float *y = rgb ? x + 2 * numbers : NULL;
    return idem_painter_codes(p, 1, &pair, ws, y) || (rgb && idem_studio_to_bytes(s, rgb, y)) ? -1 : 0;
}

/* At most a batch. */
static int paint_plain(idem_studio *s, const idem_sitting *sittings, int n, float *y, float *ws, uint8_t *rgb) {
    idem_painter *p = painter(s, 0);
    idem_pair *pairs = p ? calloc((size_t)n, sizeof *pairs) : NULL;
    if (!pairs)
        return p ? idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n) : -1;
    for (int i = 0; i < n; i++)
        pairs[i] = (idem_pair){.id = sittings[i].id, .attr = sittings[i].attr};
    int status = idem_painter_codes(p, (size_t)n, pairs, ws, rgb ? y : NULL);
    for (int i = 0; i < n && !status && rgb; i++)
        status = idem_studio_to_bytes(s, rgb + (size_t)i * picture_numbers(s), y + (size_t)i * picture_numbers(s));
    free(pairs);
    return status;
}

int idem_studio_paint_pairs(idem_studio *s, const idem_sitting *sittings, int n, float *ws, uint8_t *rgb) {
    bool mapper = false;
    for (int i = 0; i < n; i++)
        mapper = mapper || !sittings[i].refine;
    if (idem_studio_need(s, mapper))
        return -1;
    const idem_model_info *m = idem_model_about(s->model);
    const size_t codes = (size_t)m->layers * (size_t)m->w_dim;
    float *x = pictures(s, s->batch > 3 ? s->batch : 3);
    int status = x ? 0 : -1;
    for (int i = 0; i < n && !status;) {
        int count = 0;
        while (i + count < n && count < s->batch && !sittings[i + count].refine)
            count++;
        float *to_ws = ws ? ws + (size_t)i * codes : NULL;
        uint8_t *to = rgb ? rgb + (size_t)i * picture_numbers(s) : NULL;
        status =
            count ? paint_plain(s, sittings + i, count, x, to_ws, to) : paint_refined(s, &sittings[i], x, to_ws, to);
        i += count ? count : 1;
        if (!status)
            tell(s, i, n);
    }
    free(x);
    return status;
}
