#include "compose/recompose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/likeness.h"
#include "face/align.h"
#include "face/paste.h"
#include "model/refine.h"
#include "nets/judge.h"

/* Distance by which the surrogate's vector is moved away from the person's, per try. */
static const double away[] = {0, 0.35, 0.8};
/* For a clip's pictures after a track's first: steps as a share of the first one's, and rate. */
static const double later_steps = 0.2, later_rate = 0.04;
static const float keep = 0.5f; /* of the previous picture's code */
enum { TRIES = sizeof away / sizeof *away, DIAL_TRIES = 6 };
/* Weights of refinement (refine.h): keeping pose and expression and removing the person matter more than reaching the
 * surrogate's identity. */
static const double identity = 0.6, landmark = 0.1, leak = 0.5;
/* In a clip the share of the person's vector is corrected by this part of the similarity's deviation. */
static const double follow_up = 0.4;
/* Tolerance of a similarity. */
static const double near_enough = 0.02;

struct idem_recomposer {
    idem_studio *studio;
    idem_refine *refine;
    idem_refine_options options;
    size_t id, attr, w, layers, feature;
    int side;
    float *own, *target, *attributes, *code, *start, *ws; /* the person's code; the code that is painted */
    float *x;                                             /* [S, S, 3] */
    uint8_t *rgb;
    float *now; /* the result's vector */
};

static void *numbers(size_t n) {
    float *p = malloc(n * sizeof *p);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for painting a face");
}

static int open_parts(idem_recomposer *r, int steps, bool dial) {
    const idem_model_info *m = idem_studio_about(r->studio);
    const int feature = idem_studio_feature_dim(r->studio);
    r->options = idem_refine_defaults(steps);
    r->options.identity = identity;
    r->options.landmark = landmark;
    r->options.leak = dial ? 0 : leak; /* with a dial, likeness to the person is wanted */
    const idem_plan_options plan = idem_studio_plan(r->studio);
    if (feature < 1 || !(r->refine = idem_refine_new(idem_studio_model(r->studio), &r->options, &plan)))
        return -1;
    r->id = (size_t)m->id_dim;
    r->attr = (size_t)m->attr_dim;
    r->w = (size_t)m->w_dim;
    r->layers = (size_t)m->layers;
    r->side = m->size;
    r->feature = (size_t)feature;
    const size_t pixels = (size_t)m->size * (size_t)m->size * 3;
    return (r->own = numbers(r->id)) && (r->target = numbers(r->id)) && (r->attributes = numbers(r->attr)) &&
                   (r->code = numbers(r->w)) && (r->ws = numbers(r->w * r->layers)) &&
                   (r->start = numbers(r->w * r->layers)) && (r->x = numbers(pixels)) &&
                   (r->now = numbers(r->feature)) && (r->rgb = numbers(pixels))
               ? 0
               : -1;
}

idem_recomposer *idem_recomposer_new(idem_studio *s, int steps, bool dial) {
    const idem_model_info *m = idem_studio_about(s);
    if (!m || !m->has_mapper)
        return idem_fail_null("painting faces needs a generator and a mapper");
    idem_recomposer *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for painting faces");
    r->studio = s;
    if (open_parts(r, steps, dial)) {
        idem_recomposer_free(r);
        return NULL;
    }
    return r;
}

void idem_recomposer_free(idem_recomposer *r) {
    if (!r)
        return;
    idem_refine_free(r->refine);
    free(r->own);
    free(r->target);
    free(r->attributes);
    free(r->code);
    free(r->start);
    free(r->ws);
    free(r->x);
    free(r->rgb);
    free(r->now);
    free(r);
}

/* ---- the place in the photograph ---- */

typedef struct {
    int x, y, width, height;
    uint8_t *rgb;
} patch;

/* The pixels that pasting may change: those of the frame. */
static int take_patch(patch *p, const idem_image *photo, const idem_crop *frame) {
    static const float corners[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    float at[4][2];
    idem_crop_points(at, corners, 4, frame);
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    const int size[2] = {photo->width, photo->height};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], (double)at[i][k] * size[k] - 2);
            high[k] = fmax(high[k], (double)at[i][k] * size[k] + 2);
        }
    p->x = (int)fmin(fmax(low[0], 0), size[0]);
    p->y = (int)fmin(fmax(low[1], 0), size[1]);
    p->width = (int)fmin(fmax(high[0], 0), size[0]) - p->x;
    p->height = (int)fmin(fmax(high[1], 0), size[1]) - p->y;
    p->rgb = malloc((size_t)p->width * (size_t)p->height * 3 + 1);
    if (!p->rgb)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the place of a face");
    const size_t row = (size_t)p->width * 3, stride = (size_t)photo->width * 3;
    for (int y = 0; y < p->height; y++)
        memcpy(p->rgb + (size_t)y * row, photo->rgb + (size_t)(p->y + y) * stride + (size_t)p->x * 3, row);
    return 0;
}

static void put_patch(const patch *p, idem_image *photo) {
    const size_t row = (size_t)p->width * 3, stride = (size_t)photo->width * 3;
    for (int y = 0; y < p->height; y++)
        memcpy(photo->rgb + (size_t)(p->y + y) * stride + (size_t)p->x * 3, p->rgb + (size_t)y * row, row);
}

/* ---- painting ---- */

/* Preparation that does not depend on the surrogate. */
static int take_sitter(idem_recomposer *r, const idem_sitter *s) {
    idem_image aligned;
    if (idem_align_picture(&aligned, s->photo, s->frame, r->side))
        return -1;
    idem_image_to_float(r->x, &aligned, 0, 1);
    int status = idem_studio_encode(r->studio, IDEM_PIPE_IDENTITY, aligned.rgb, 1, r->own);
    if (!status && s->attributes)
        memcpy(r->attributes, s->attributes, r->attr * sizeof *r->attributes);
    else if (!status)
        status = idem_studio_encode(r->studio, IDEM_PIPE_ATTRIBUTES, aligned.rgb, 1, r->attributes);
    idem_image_free(&aligned);
    return status;
}

/* A trail: whether codes follow, the share of the person's vector plus 1 (0: unknown), the codes' offset from the
 * mapper's. */
enum { FOLLOWS, SHARE, MOVED };

size_t idem_recomposer_trail(const idem_recomposer *r) {
    return MOVED + r->w * r->layers;
}

/* Fits r->ws, initially r->start, to the sitter; starts from the previous picture's code, if any. */
static int refine(idem_recomposer *r, const float *trail) {
    const bool follows = trail && trail[FOLLOWS] > 0;
    idem_refine_set_pace(r->refine, follows ? (int)ceil(later_steps * r->options.steps) : r->options.steps,
                         follows ? later_rate : r->options.rate);
    for (size_t i = 0; follows && i < r->w * r->layers; i++)
        r->ws[i] += trail[MOVED + i];
    if (idem_refine_person_from(r->refine, r->target, r->x, r->start, r->ws, NULL))
        return -1;
    for (size_t i = 0; follows && i < r->w * r->layers; i++)
        r->ws[i] = keep * (r->start[i] + trail[MOVED + i]) + (1 - keep) * r->ws[i];
    return 0;
}

static void leave_trail(const idem_recomposer *r, float *trail, double share) {
    trail[FOLLOWS] = 1;
    trail[SHARE] = (float)(share + 1);
    for (size_t i = 0; i < r->w * r->layers; i++)
        trail[MOVED + i] = r->ws[i] - r->start[i];
}

/* Paints the face with this share of the person's vector and the sitter's attributes at its place, and measures it
 * there by the recognisers. */
static int paint(idem_recomposer *r, const idem_sitter *s, double share, idem_recomposed *about) {
    idem_pipe *map = idem_studio_pipe(r->studio, IDEM_PIPE_CODE, 1),
              *layers = map ? idem_studio_pipe(r->studio, IDEM_PIPE_LAYERS, 1) : NULL;
    idem_unit_mix(r->target, s->surrogate, r->own, share, r->id);
    if (!layers ||
        idem_pipe_run(map, 1, (const float *const[]){r->target, r->attributes}, (float *const[]){r->code, NULL}))
        return -1;
    for (size_t i = 0; i < r->layers; i++) {
        memcpy(r->start + i * r->w, r->code, r->w * sizeof *r->start);
        memcpy(r->ws + i * r->w, r->code, r->w * sizeof *r->ws);
    }
    if (refine(r, s->trail) ||
        idem_studio_paint(r->studio, layers, (const float *const[]){r->ws, NULL}, 1, NULL, r->rgb))
        return -1;
    const idem_image painted = {.width = r->side, .height = r->side, .rgb = r->rgb};
    const idem_was was = {s->points, s->feature, s->judge};
    idem_likeness l;
    if (idem_paste(s->photo, &painted, s->frame, s->points) || idem_likeness_measure(r->studio, s->photo, &was, &l))
        return -1;
    about->feature = l.feature;
    about->judge = l.judge;
    about->above = l.above;
    about->share = share;
    about->tries++;
    return 0;
}

static int become_a_stranger(idem_recomposer *r, const idem_sitter *s, const patch *before, idem_recomposed *about) {
    const double from = s->trail && s->trail[SHARE] > 0 ? 1 - (double)s->trail[SHARE] : 0;
    for (int i = 0; i < TRIES; i++) {
        if (away[i] < from - 1e-3)
            continue; /* it was not enough in a previous picture */
        if (paint(r, s, -away[i], about))
            return -1;
        if (!about->above)
            return 1;
        put_patch(before, s->photo);
    }
    return 0;
}

/* Finds the share of the person's vector that gives the similarity: regula falsi between the surrogate's face, about as
 * similar as a stranger, and the person's; the best of all tries is kept. */
static int reach(idem_recomposer *r, const idem_sitter *s, const patch *before, double wanted, idem_recomposed *about) {
    double low = -0.2, at_low = NAN, high = 1, at_high = NAN, best = HUGE_VAL, best_share = 0;
    const double strangers = idem_unit_cosine(s->surrogate, r->own, r->id);
    double share = fmin(fmax((wanted - strangers) / (1 - strangers), 0), 1);
    for (int i = 0; i < DIAL_TRIES; i++) {
        put_patch(before, s->photo);
        if (paint(r, s, share, about))
            return -1;
        const double off = about->feature - wanted;
        if (fabs(off) < best) {
            best = fabs(off);
            best_share = share;
        }
        if (fabs(off) < near_enough || (off < 0 && share >= 1))
            break;
        if (off > 0) {
            high = share;
            at_high = off;
        } else {
            low = share;
            at_low = off;
        }
        const double from = isnan(at_low) ? -wanted : at_low, to = isnan(at_high) ? 1 - wanted : at_high;
        share = low + (high - low) * fmin(fmax(-from / fmax(to - from, 1e-6), 0.1), 0.9);
        share = isnan(at_high) && high - share < 0.05 ? 1 : share;
    }
    if (fabs(about->feature - wanted) <= best)
        return 1;
    put_patch(before, s->photo);
    return paint(r, s, best_share, about) ? -1 : 1;
}

/* In pictures after the first: the share reached, corrected for the next. */
static int stay(idem_recomposer *r, const idem_sitter *s, double wanted, idem_recomposed *about) {
    if (paint(r, s, (double)s->trail[SHARE] - 1, about))
        return -1;
    about->share = fmin(fmax(about->share + follow_up * (wanted - about->feature), -0.2), 1);
    return 1;
}

int idem_recomposer_run(idem_recomposer *r, const idem_sitter *s, double similarity, idem_recomposed *about) {
    patch before;
    *about = (idem_recomposed){0};
    if (take_sitter(r, s) || take_patch(&before, s->photo, s->frame))
        return -1;
    int done;
    if (isnan(similarity))
        done = become_a_stranger(r, s, &before, about);
    else if (s->trail && s->trail[SHARE] > 0) /* reached in a previous picture */
        done = stay(r, s, similarity, about);
    else
        done = reach(r, s, &before, similarity, about);
    if (s->trail) {
        put_patch(&before, s->photo);
        if (done > 0)
            leave_trail(r, s->trail, about->share);
    }
    free(before.rgb);
    return done;
}

const uint8_t *idem_recomposer_picture(const idem_recomposer *r) {
    return r->rgb;
}
