#include "compose/way.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "model/painter.h"

enum { ENDS = 2 };

typedef struct {
    idem_studio *studio;
    const idem_faces *id, *attr;
    idem_way_space space;
    int frames, refine;
    size_t id_dim, attr_dim, w_dim, layers;
    bool apart[ENDS];       /* the end was refined */
    float *w[ENDS];         /* [W] of both ends */
    float *added[ENDS];     /* [L, W]: the refinement's offset from an end's w in every row */
    float *between[3], *ws; /* identity, attributes and w of a frame; [L, W] */
} way;

/* ---- codes between the ends ---- */

static void straight(float *out, const float *a, const float *b, size_t n, double t) {
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((1 - t) * (double)a[i] + t * (double)b[i]);
}

/* Identity codes are unit vectors: along the great circle between them, at constant speed. */
static void around(float *out, const float *a, const float *b, size_t n, double t) {
    double dot = 0, length = 0;
    for (size_t i = 0; i < n; i++)
        dot += (double)a[i] * (double)b[i];
    double angle = acos(fmin(fmax(dot, -1), 1)), s = sin(angle);
    double ka = s > 1e-6 ? sin((1 - t) * angle) / s : 1 - t, kb = s > 1e-6 ? sin(t * angle) / s : t;
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)(ka * (double)a[i] + kb * (double)b[i]);
        length += (double)out[i] * (double)out[i];
    }
    for (size_t i = 0; i < n && length > 0; i++)
        out[i] = (float)((double)out[i] / sqrt(length));
}

/* The face of an end, which may be the same for both. */
static int face_of(const idem_faces *f, int end) {
    return end < f->n ? end : 0;
}

static const float *code_of(const idem_faces *f, int kind, int end) {
    return f->code[kind] + (size_t)face_of(f, end) * f->dim[kind];
}

/* ---- pictures ---- */

static int map(const way *v, const float *id, const float *attr, float *w, uint8_t *rgb) {
    idem_pipe *pipe = idem_studio_pipe(v->studio, IDEM_PIPE_MAP, 1);
    return pipe ? idem_studio_paint(v->studio, pipe, (const float *const[]){id, attr}, 1, w, rgb) : -1;
}

static int paint(const way *v, idem_pipe_kind kind, const float *codes, uint8_t *rgb) {
    idem_pipe *pipe = idem_studio_pipe(v->studio, kind, 1);
    return pipe ? idem_studio_paint(v->studio, pipe, (const float *const[]){codes, NULL}, 1, NULL, rgb) : -1;
}

/* Composes an end with all steps, so that the ends equal composed pictures to the byte. */
static int make_end(way *v, int end, uint8_t *rgb) {
    const idem_face_pair pair = {face_of(v->id, end), face_of(v->attr, end)};
    const int steps = v->refine ? idem_refine_steps(v->refine, v->id->drawn[pair.id], v->attr->drawn[pair.attr]) : 0;
    if (map(v, code_of(v->id, 0, end), code_of(v->attr, 1, end), v->w[end], rgb))
        return -1;
    if (!steps)
        return 0;
    if (idem_faces_compose(v->id, v->attr, &pair, 1, steps, v->added[end], rgb))
        return -1;
    idem_studio_release(v->studio, IDEM_RELEASE_REFINING);
    for (size_t i = 0; i < v->layers * v->w_dim; i++)
        v->added[end][i] -= v->w[end][i % v->w_dim];
    v->apart[end] = true;
    return 0;
}

/* w between the ends, plus the ends' offsets weighted by their nearness. */
static int paint_apart(way *v, double t, const float *w, uint8_t *rgb) {
    for (size_t i = 0; i < v->layers * v->w_dim; i++)
        v->ws[i] = w[i % v->w_dim] + (float)((v->apart[0] ? (1 - t) * (double)v->added[0][i] : 0) +
                                             (v->apart[1] ? t * (double)v->added[1][i] : 0));
    return paint(v, IDEM_PIPE_LAYERS, v->ws, rgb);
}

static int make_between(way *v, double t, uint8_t *rgb) {
    float *id = v->between[0], *attr = v->between[1], *w = v->between[2];
    const bool apart = v->apart[0] || v->apart[1];
    if (v->space == IDEM_WAY_Z) {
        around(id, code_of(v->id, 0, 0), code_of(v->id, 0, 1), v->id_dim, t);
        straight(attr, code_of(v->attr, 1, 0), code_of(v->attr, 1, 1), v->attr_dim, t);
        if (map(v, id, attr, w, rgb))
            return -1;
    } else {
        straight(w, v->w[0], v->w[1], v->w_dim, t);
        if (!apart)
            return paint(v, IDEM_PIPE_PICTURE, w, rgb);
    }
    return apart ? paint_apart(v, t, w, rgb) : 0;
}

static int make_all(way *v, uint8_t *rgb) {
    const size_t side = (size_t)idem_studio_about(v->studio)->size, bytes = side * side * 3;
    const int last = v->frames - 1;
    /* The last first: frames in between need both ends. */
    for (int end = 1; end >= 0; end--) {
        if (make_end(v, end, rgb + (end ? (size_t)last * bytes : 0)))
            return -1;
        idem_studio_tell(v->studio, 2 - end, v->frames);
    }
    for (int i = 1; i < last; i++) {
        if (make_between(v, (double)i / last, rgb + (size_t)i * bytes))
            return -1;
        idem_studio_tell(v->studio, i + 2, v->frames);
    }
    return 0;
}

static int check(const way *v) {
    if (v->id->n < 1 || v->id->n > ENDS || v->attr->n < 1 || v->attr->n > ENDS || v->id->n + v->attr->n <= ENDS)
        return idem_fail("a way has two faces on one side at least, and one or two on the other; here are %d and %d",
                         v->id->n, v->attr->n);
    if (v->frames < 2 || v->frames > IDEM_WAY_MOST)
        return idem_fail("a way has 2 to %d frames, %d were asked for", IDEM_WAY_MOST, v->frames);
    return idem_faces_check(v->id, v->attr, v->refine);
}

int idem_way(const idem_faces *id, const idem_faces *attr, idem_way_space space, int frames, int refine, uint8_t *rgb) {
    const idem_model_info *m = idem_studio_about(id->studio);
    way v = {.studio = id->studio,
             .id = id,
             .attr = attr,
             .space = space,
             .frames = frames,
             .refine = refine,
             .id_dim = (size_t)m->id_dim,
             .attr_dim = (size_t)m->attr_dim,
             .w_dim = (size_t)m->w_dim,
             .layers = (size_t)m->layers};
    if (check(&v))
        return -1;
    const size_t rows = v.layers * v.w_dim;
    float *block = malloc((3 * rows + 3 * v.w_dim + v.id_dim + v.attr_dim) * sizeof *block), *at = block;
    if (!block)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a way of %d pictures", frames);
    float **parts[] = {&v.added[0], &v.added[1], &v.ws, &v.w[0], &v.w[1], &v.between[2], &v.between[0], &v.between[1]};
    const size_t sizes[] = {rows, rows, rows, v.w_dim, v.w_dim, v.w_dim, v.id_dim, v.attr_dim};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *parts[i] = at;
        at += sizes[i];
    }
    const bool muted = idem_studio_mute(v.studio, true);
    const int status = make_all(&v, rgb);
    idem_studio_mute(v.studio, muted);
    free(block);
    return status;
}
