#include "compose/video_brush.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "model/refine.h"

static const double later_rate = 0.04; /* of refinement from the previous picture's code */
static const float keep = 0.5f;        /* of the previous picture's code */
static const int first_steps = 25;     /* without a previous picture */

typedef struct {
    idem_clip_brush base; /* state [persons][row]: the track + 1, and its codes' offset from the mapper's */
    idem_studio *studio;
    const idem_clip_who *who;
    const idem_clip_hand *hand;
    int steps, size;
    double first_rate;
    size_t numbers, w_dim, layers, picture, row; /* numbers: of ws */
    idem_refine *refine;
    float *scratch; /* two pictures, ws, start */
} identity_brush;

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for the faces of a clip");
}

static bool wants(idem_clip_brush *b, int64_t picture, const idem_track_place *place) {
    const identity_brush *own = (const identity_brush *)b;
    const idem_clip_who *who = &own->who[place->person];
    const int wish = idem_clip_hand_on(own->hand, picture, &place->box);
    return who->code && (wish < 0 ? !who->only_by_hand : wish == IDEM_BY_HAND_REPLACE);
}

static void to_float(const identity_brush *b, float *x, const uint8_t *rgb) {
    const idem_image im = {.width = b->size, .height = b->size, .rgb = (uint8_t *)(uintptr_t)rgb};
    idem_image_to_float(x, &im, 0, 1);
}

static int refine(identity_brush *b, const idem_clip_sitting *s) {
    const idem_clip_who *who = &b->who[s->place->person];
    float *moved = b->base.state + (size_t)s->place->person * b->row, *x = b->scratch, *ws = x + 2 * b->picture,
          *start = ws + b->numbers;
    const bool known = moved[0] == (float)(s->place->track + 1);
    idem_pipe *map = idem_studio_pipe(b->studio, IDEM_PIPE_CODE, 1),
              *paint = idem_studio_pipe(b->studio, IDEM_PIPE_LAYERS, 1);
    if (!map || !paint ||
        idem_pipe_run(map, 1, (const float *const[]){who->code, s->attr}, (float *const[]){start, NULL}))
        return -1;
    for (size_t l = 1; l < b->layers; l++)
        memcpy(start + l * b->w_dim, start, b->w_dim * sizeof *start);
    for (size_t i = 0; i < b->numbers; i++)
        ws[i] = start[i] + (known ? moved[1 + i] : 0);
    to_float(b, x, who->rgb);
    to_float(b, x + b->picture, s->seen);
    idem_refine_set_pace(b->refine, known ? b->steps : first_steps, known ? later_rate : b->first_rate);
    if (idem_refine_run_from(b->refine, x, x + b->picture, false, start, ws, NULL))
        return -1;
    for (size_t i = 0; i < b->numbers; i++) {
        const float now = ws[i] - start[i];
        moved[1 + i] = known ? keep * moved[1 + i] + (1 - keep) * now : now;
        ws[i] = start[i] + moved[1 + i];
    }
    moved[0] = (float)(s->place->track + 1);
    return idem_studio_paint(b->studio, paint, (const float *const[]){ws, NULL}, 1, NULL, s->painted);
}

static int paint(idem_clip_brush *base, const idem_clip_sitting *s) {
    identity_brush *b = (identity_brush *)base;
    if (b->steps)
        return refine(b, s) ? -1 : 1;
    const idem_sitting one = {.id = b->who[s->place->person].code, .attr = s->attr};
    return idem_studio_paint_pairs(b->studio, &one, 1, NULL, s->painted) ? -1 : 1;
}

static int open_refining(identity_brush *b, int persons) {
    const idem_plan_options plan = {.threads = idem_studio_threads(b->studio)};
    const idem_model_info *m = idem_studio_about(b->studio);
    idem_refine_options o = idem_refine_defaults(first_steps);
    /* More weight on mouths that move; nearness to the mapper's codes, which open no mouth, counts less than for
     * photographs. */
    o.identity = 1.1;
    o.landmark = 0.15;
    o.start = 0.1;
    o.natural = 0.4;
    b->size = m->size;
    b->w_dim = (size_t)m->w_dim;
    b->layers = (size_t)m->layers;
    b->numbers = b->layers * b->w_dim;
    b->picture = (size_t)m->size * (size_t)m->size * 3;
    b->row = 1 + b->numbers;
    b->first_rate = o.rate;
    if (!(b->refine = idem_refine_new(idem_studio_model(b->studio), &o, &plan)))
        return -1;
    b->base.numbers = (size_t)persons * b->row;
    b->base.state = calloc(b->base.numbers + 1, sizeof *b->base.state);
    b->scratch = malloc(2 * (b->picture + b->numbers) * sizeof *b->scratch);
    return b->base.state && b->scratch ? 0 : no_memory();
}

idem_clip_brush *idem_clip_brush_new(idem_studio *s, const idem_clip_who *who, int persons, const idem_clip_hand *hand,
                                     int refine) {
    identity_brush *b = calloc(1, sizeof *b);
    if (!b) {
        no_memory();
        return NULL;
    }
    b->base.wants = wants;
    b->base.paint = paint;
    b->studio = s;
    b->who = who;
    b->hand = hand;
    b->steps = refine;
    if (!refine || !open_refining(b, persons))
        return &b->base;
    idem_clip_brush_free(&b->base);
    return NULL;
}

void idem_clip_brush_free(idem_clip_brush *base) {
    identity_brush *b = (identity_brush *)base;
    if (!b)
        return;
    idem_refine_free(b->refine);
    free(b->scratch);
    free(b->base.state);
    free(b);
}
