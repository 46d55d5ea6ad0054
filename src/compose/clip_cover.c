#include "compose/clip_cover.h"

#include <stdlib.h>

#include "base/status.h"
#include "face/box.h"

const char *const idem_cover_at_an_end = "a face begins or ends";
static const double grown_by = 0.04;  /* of a box's sides, per picture from the end */
static const double same_place = 0.2; /* overlap of boxes of two searches */
enum { WAY = 4 /* pictures over which a track's speed is measured */ };

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for what is hidden in a clip");
}

/* Grows the array for one more item of `size` bytes; NULL. */
static void *grown(void *at, size_t *capacity, size_t n, size_t size) {
    if (n < *capacity)
        return at;
    void *more = realloc(at, (2 * *capacity + 64) * size);
    *capacity = more ? 2 * *capacity + 64 : *capacity;
    if (!more)
        no_memory();
    return more;
}

int idem_covers_add(idem_covers *c, const idem_cover *cover) {
    idem_cover *at = grown(c->at, &c->capacity, c->n, sizeof *at);
    if (!at)
        return -1;
    c->at = at;
    at[c->n++] = *cover;
    return 0;
}

void idem_covers_free(idem_covers *c) {
    free(c->at);
    *c = (idem_covers){0};
}

idem_box idem_cover_box(const idem_cover *c, int64_t picture) {
    return idem_box_between(&c->from, &c->to,
                            c->last > c->first ? (double)(picture - c->first) / (double)(c->last - c->first) : 0);
}

/* ---- what may be a face ---- */

int idem_maybes_add(idem_maybes *m, int64_t picture, const idem_box *box) {
    idem_maybe *at = grown(m->at, &m->capacity, m->n, sizeof *at);
    if (!at)
        return -1;
    m->at = at;
    at[m->n++] = (idem_maybe){picture, *box};
    return 0;
}

int idem_maybes_searched(idem_maybes *m, int64_t picture) {
    int64_t *at = grown(m->searched, &m->capacity_searched, m->n_searched, sizeof *at);
    if (!at)
        return -1;
    m->searched = at;
    at[m->n_searched++] = picture;
    return 0;
}

void idem_maybes_free(idem_maybes *m) {
    free(m->at);
    free(m->searched);
    *m = (idem_maybes){0};
}

/* First and last picture of a scene. */
static int64_t scene_begin(const idem_tracks *t, int64_t picture) {
    while (picture > 0 && !idem_tracks_is_cut(t, picture))
        picture--;
    return picture;
}

static int64_t scene_end(const idem_tracks *t, int64_t picture) {
    const int64_t n = idem_tracks_pictures(t);
    while (picture + 1 < n && !idem_tracks_is_cut(t, picture + 1))
        picture++;
    return picture;
}

/* The candidate of this picture at the place of `box`; NULL. */
static const idem_maybe *same_at(const idem_maybes *m, int64_t picture, const idem_box *box) {
    const idem_maybe *best = NULL;
    double most = same_place;
    for (size_t i = 0; i < m->n; i++)
        if (m->at[i].picture == picture && idem_box_overlap(&m->at[i].box, box) > most) {
            most = idem_box_overlap(&m->at[i].box, box);
            best = &m->at[i];
        }
    return best;
}

static int cover_maybe(idem_covers *c, const idem_maybes *m, const idem_maybe *at, const idem_tracks *t) {
    const int64_t begin = scene_begin(t, at->picture), end = scene_end(t, at->picture);
    int64_t before = begin - 1, after = end + 1; /* searches, or the scene's ends */
    for (size_t i = 0; i < m->n_searched; i++) {
        if (m->searched[i] < at->picture && m->searched[i] > before)
            before = m->searched[i];
        if (m->searched[i] > at->picture && m->searched[i] < after)
            after = m->searched[i];
    }
    const idem_maybe *next = after <= end ? same_at(m, after, &at->box) : NULL;
    const bool first = before < begin || !same_at(m, before, &at->box);
    idem_cover cover = {at->picture, next ? after : after - 1, at->box, next ? next->box : at->box, "unsure"};
    if (idem_covers_add(c, &cover))
        return -1;
    cover = (idem_cover){before + 1, at->picture - 1, at->box, at->box, "unsure"};
    return first && cover.first <= cover.last ? idem_covers_add(c, &cover) : 0;
}

int idem_covers_add_maybes(idem_covers *c, const idem_maybes *m, const idem_tracks *t) {
    for (size_t i = 0; i < m->n; i++)
        if (cover_maybe(c, m, &m->at[i], t))
            return -1;
    return 0;
}

/* ---- the ends of tracks ---- */

static const idem_track_place *place_of(const idem_tracks *t, int64_t picture, int track) {
    const idem_track_place *p;
    const int n = idem_tracks_at(t, picture, &p);
    for (int i = 0; i < n; i++)
        if (p[i].track == track)
            return &p[i];
    return NULL;
}

/* The extrapolated box of a face d pictures beyond its track, growing with each picture. */
static idem_box beyond(const idem_track_place *end, const idem_track_place *inner, int way, int d) {
    idem_box b = way ? idem_box_between(&inner->box, &end->box, 1 + (double)d / way) : end->box;
    const float w = (end->box.x1 - end->box.x0) * (float)(grown_by * d / 2),
                h = (end->box.y1 - end->box.y0) * (float)(grown_by * d / 2);
    const float x = (b.x0 + b.x1) / 2, y = (b.y0 + b.y1) / 2, half_w = (end->box.x1 - end->box.x0) / 2 + w,
                half_h = (end->box.y1 - end->box.y0) / 2 + h;
    return (idem_box){x - half_w, y - half_h, x + half_w, y + half_h};
}

/* step -1: before the track; 1: after it. */
static int grow(idem_covers *c, const idem_tracks *t, int64_t picture, const idem_track_place *end, int step) {
    int far = 0, way = WAY;
    while (far < IDEM_COVER_GROWN && !idem_tracks_is_cut(t, step < 0 ? picture - far : picture + far + 1) &&
           picture + step * (far + 1) >= 0 && picture + step * (far + 1) < idem_tracks_pictures(t))
        far++;
    if (!far)
        return 0;
    const idem_track_place *inner = NULL;
    while (way && !(inner = place_of(t, picture - step * way, end->track)))
        way--;
    const idem_box near_box = beyond(end, inner, way, 1), far_box = beyond(end, inner, way, far);
    const idem_cover cover = step < 0 ? (idem_cover){picture - far, picture - 1, far_box, near_box, NULL}
                                      : (idem_cover){picture + 1, picture + far, near_box, far_box, NULL};
    return idem_covers_add(c, &(idem_cover){cover.first, cover.last, cover.from, cover.to, idem_cover_at_an_end});
}

int idem_covers_add_ends(idem_covers *c, const idem_tracks *t, const bool *but) {
    for (int64_t i = 0; i < idem_tracks_pictures(t); i++) {
        const idem_track_place *p;
        const int n = idem_tracks_at(t, i, &p);
        for (int k = 0; k < n; k++)
            if (!but[p[k].person] && ((!place_of(t, i - 1, p[k].track) && grow(c, t, i, &p[k], -1)) ||
                                      (!place_of(t, i + 1, p[k].track) && grow(c, t, i, &p[k], 1))))
                return -1;
    }
    return 0;
}
