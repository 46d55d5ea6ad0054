#include "cli/painting.h"

#include <stdlib.h>

#include "base/status.h"

static size_t numbers(const idem_painting *p) {
    const size_t side = (size_t)idem_model_about(p->model)->size;
    return side * side * 3;
}

int idem_painting_open(idem_painting *p, idem_model *m, const idem_sources *id, const idem_sources *attr, int batch,
                       int steps, const idem_plan_options *options) {
    *p = (idem_painting){.model = m, .id = id, .attr = attr, .options = *options, .batch = batch, .steps = steps};
    p->pairs = calloc((size_t)batch, sizeof *p->pairs);
    p->x = steps ? malloc(2 * numbers(p) * sizeof *p->x) : NULL;
    return p->pairs && (p->x || !steps) ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for painting");
}

void idem_painting_free(idem_painting *p) {
    idem_painter_free(p->plain);
    idem_painter_free(p->refined);
    free(p->pairs);
    free(p->x);
    *p = (idem_painting){0};
}

int idem_refine_steps(int refine, bool id_drawn, bool attr_drawn) {
    if (refine != IDEM_REFINE_BY_MARK)
        return refine;
    return id_drawn && attr_drawn ? 0 : IDEM_REFINE_STEPS;
}

static int steps_of(const idem_painting *p, const idem_stroke *s) {
    return idem_refine_steps(p->steps, p->id->places[s->id].drawn, p->attr->places[s->attr].drawn);
}

static idem_pair pair_of(const idem_painting *p, const idem_stroke *s) {
    return (idem_pair){.id = p->id->codes[0] + (size_t)s->id * p->id->dim[0],
                       .attr = p->attr->codes[0] + (size_t)s->attr * p->attr->dim[0]};
}

static int paint_plain(idem_painting *p, int n, const idem_stroke *strokes, float *y) {
    if (!p->plain && !(p->plain = idem_painter_new(p->model, p->batch, 0, &p->options)))
        return -1;
    for (int i = 0; i < n; i++)
        p->pairs[i] = pair_of(p, &strokes[i]);
    return idem_painter_run(p->plain, (size_t)n, p->pairs, y);
}

static int paint_refined(idem_painting *p, const idem_stroke *s, float *y) {
    if (!p->refined && !(p->refined = idem_painter_new(p->model, 1, steps_of(p, s), &p->options)))
        return -1;
    idem_pair pair = pair_of(p, s);
    idem_sources_picture(p->id, s->id, p->x);
    idem_sources_picture(p->attr, s->attr, p->x + numbers(p));
    pair.x_id = p->x;
    pair.x_attr = p->x + numbers(p);
    return idem_painter_run(p->refined, 1, &pair, y);
}

int idem_painting_run(idem_painting *p, int n, const idem_stroke *strokes, float *y) {
    for (int i = 0; i < n;) {
        int count = 0;
        while (i + count < n && count < p->batch && !steps_of(p, &strokes[i + count]))
            count++;
        float *to = y + (size_t)i * numbers(p);
        if (count ? paint_plain(p, count, strokes + i, to) : paint_refined(p, &strokes[i], to))
            return -1;
        i += count ? count : 1;
    }
    return 0;
}
