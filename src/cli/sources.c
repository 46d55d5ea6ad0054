#include "cli/sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/outside.h"
#include "cli/progress.h"
#include "face/align.h"
#include "media/marked.h"

int idem_sources_open(idem_sources *s, idem_model *m, idem_choice *choice, const idem_pipe_kind *kinds, int n,
                      int batch, const idem_plan_options *options) {
    *s = (idem_sources){.choice = choice, .size = idem_model_about(m)->size};
    idem_plan_options o = *options;
    for (int i = 0; i < n; i++) {
        if (!(s->pipes[i] = idem_pipe_new(m, kinds[i], batch, 1, &o)))
            return -1;
        if (!o.share)
            o.share = idem_pipe_plan(s->pipes[i]);
        s->dim[i] = idem_pipe_out_size(s->pipes[i], 0);
    }
    return 0;
}

void idem_sources_close(idem_sources *s) {
    for (int i = IDEM_SOURCE_CODES - 1; i >= 0; i--) { /* the first owns the buffer */
        idem_pipe_free(s->pipes[i]);
        s->pipes[i] = NULL;
    }
    free(s->waiting);
    s->waiting = NULL;
    s->waiting_room = 0;
}

void idem_sources_free(idem_sources *s) {
    idem_sources_clear(s);
    idem_sources_close(s);
    for (int i = 0; i < IDEM_SOURCE_CODES; i++)
        free(s->codes[i]);
    free(s->at);
    free(s->places);
    free(s->pictures);
    *s = (idem_sources){0};
}

void idem_sources_clear(idem_sources *s) {
    for (int i = 0; i < s->n; i++)
        idem_image_free(&s->at[i].thumb);
    s->n = s->faces = s->encoded = 0;
}

void idem_sources_keep_good(idem_sources *s) {
    int n = 0;
    for (int i = 0; i < s->n; i++)
        if (s->at[i].n)
            s->at[n++] = s->at[i];
    s->n = n;
}

/* The array, of *room items of that size, with room for `need`; NULL: it stays as it was. Doubles. */
static void *grow(void *array, int *room, int need, size_t size) {
    if (need <= *room)
        return array;
    int more = need > 2 * *room ? need : 2 * *room;
    if (!(array = realloc(array, (size_t)more * size)))
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pictures", more);
    *room = more;
    return array;
}

int idem_sources_waiting(const idem_sources *s) {
    return s->faces - s->encoded;
}

/* Keeps a picture to be shown, no larger than it is shown. */
static int make_thumb(idem_image *thumb, const idem_cut *cut, int side) {
    if (cut->picture.width > side)
        return idem_image_resize(thumb, &cut->picture, side, side);
    if (idem_image_new(thumb, cut->picture.width, cut->picture.height))
        return -1;
    memcpy(thumb->rgb, cut->picture.rgb, (size_t)thumb->width * (size_t)thumb->height * 3);
    return 0;
}

/* Room for n more faces. */
static int make_room(idem_sources *s, int n) {
    int rows = s->rows;
    idem_place *places = grow(s->places, &rows, s->faces + n, sizeof *places);
    if (!places)
        return -1;
    s->places = places;
    for (int i = 0; i < IDEM_SOURCE_CODES && s->pipes[i]; i++) {
        rows = s->rows;
        float *codes = grow(s->codes[i], &rows, s->faces + n, s->dim[i] * sizeof *codes);
        if (!codes)
            return -1;
        s->codes[i] = codes;
    }
    s->rows = rows;
    float *waiting = grow(s->waiting, &s->waiting_room, idem_sources_waiting(s) + n,
                          (size_t)s->size * (size_t)s->size * 3 * sizeof *waiting);
    if (waiting)
        s->waiting = waiting;
    if (!waiting || !s->keep)
        return waiting ? 0 : -1;
    uint8_t *pictures = grow(s->pictures, &s->kept_room, s->faces + n, (size_t)s->size * (size_t)s->size * 3);
    if (pictures)
        s->pictures = pictures;
    return pictures ? 0 : -1;
}

void idem_sources_picture(const idem_sources *s, int face, float *x) {
    const size_t numbers = (size_t)s->size * (size_t)s->size * 3;
    const idem_image im = {.width = s->size, .height = s->size, .rgb = s->pictures + (size_t)face * numbers};
    idem_image_to_float(x, &im, 0, 1);
}

static int add_faces(idem_sources *s, idem_source *source, const idem_cut *cuts, int n) {
    size_t numbers = (size_t)s->size * (size_t)s->size * 3;
    if (make_room(s, n))
        return -1;
    int waiting = idem_sources_waiting(s);
    const bool drawn = s->keep && idem_image_says_synthetic(source->path);
    for (int i = 0; i < n; i++) {
        idem_place *place = &s->places[s->faces + i];
        *place = (idem_place){.cut_out = cuts[i].cut_out, .drawn = drawn, .frame = cuts[i].frame};
        memcpy(place->points, cuts[i].points, sizeof place->points);
        idem_image_to_float(s->waiting + (size_t)(waiting + i) * numbers, &cuts[i].picture, 0, 1);
        if (s->keep)
            memcpy(s->pictures + (size_t)(s->faces + i) * numbers, cuts[i].picture.rgb, numbers);
    }
    if (s->thumbs && make_thumb(&source->thumb, &cuts[0], s->thumbs))
        return -1;
    source->first = s->faces;
    source->n = n;
    s->faces += n;
    return 0;
}

int idem_sources_read(idem_sources *s, idem_ahead *ahead, const char *path, const char *name, bool only) {
    idem_cut *cuts;
    if (idem_cli_stop)
        return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    idem_source *at = grow(s->at, &s->room, s->n + 1, sizeof *at);
    if (!at)
        return -1;
    s->at = at;
    idem_source *source = &s->at[s->n++];
    *source = (idem_source){.path = path, .name = name};
    int n = idem_choice_next(&cuts, ahead, path, s->size, s->which, s->choice);
    if (n < 0) {
        if (only || idem_error_kind() != IDEM_INPUT)
            return -1;
        idem_cli_say("idem: passed over: %s", idem_error());
        s->bad++;
        return 0;
    }
    for (int i = 0; i < n; i++) {
        const double outside = cuts[i].cut_out ? idem_align_outside(&cuts[i].frame) : 0;
        s->outside = outside > s->outside ? outside : s->outside;
        if (cuts[i].cut_out && !s->choice->quiet)
            idem_outside_remark(path, s->which == IDEM_FACE_ALL ? i : s->which, &cuts[i].frame);
    }
    int status = add_faces(s, source, cuts, n);
    idem_cuts_free(cuts, n);
    return status;
}

int idem_sources_encode(idem_sources *s) {
    int n = idem_sources_waiting(s);
    for (int i = 0; i < IDEM_SOURCE_CODES && s->pipes[i] && n; i++)
        if (idem_pipe_run(s->pipes[i], (size_t)n, (const float *const[]){s->waiting, NULL},
                          (float *const[]){s->codes[i] + (size_t)s->encoded * s->dim[i], NULL}))
            return -1;
    s->encoded = s->faces;
    return 0;
}
