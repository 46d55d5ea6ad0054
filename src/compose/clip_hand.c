#include "compose/clip_hand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/hand_box.h"
#include "face/box.h"

enum { STEP = 12, LONGEST = 240 /* pictures of a written range */ };
static const double on_it = 0.5;    /* share of the smaller box: a range applies to a face */
static const double near_it = 0.75; /* least share for written ranges */

/* ---- reading ---- */

static int take_frames(int64_t frames[2], const json_t *j) {
    if (json_array_size(j) != 2)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        if (!json_is_integer(json_array_get(j, i)))
            return -1;
        frames[i] = json_integer_value(json_array_get(j, i));
    }
    return frames[0] >= 0 && frames[1] >= frames[0] ? 0 : -1;
}

int idem_clip_hand_check(const json_t *ranges, const char *clip, const char *what) {
    size_t i;
    const json_t *r;
    int64_t frames[2];
    float box[4];
    if (!json_is_array(ranges))
        return idem_fail("%s: \"%s\" is no list of ranges", what, clip);
    json_array_foreach(ranges, i, r) {
        const json_t *end = json_object_get(r, "box_at_end");
        if (take_frames(frames, json_object_get(r, "frames")))
            return idem_fail("%s: \"%s\": the \"frames\" of range %zu are not two whole numbers, the first and the "
                             "last frame, from 0",
                             what, clip, i + 1);
        if (idem_hand_box_take(box, json_object_get(r, "box")) || (end && idem_hand_box_take(box, end)))
            return idem_fail("%s: \"%s\": a box of range %zu is not four numbers: left, top, right, bottom", what, clip,
                             i + 1);
        if (idem_hand_wish(json_string_value(json_object_get(r, "do"))) < 0)
            return idem_fail("%s: \"%s\": \"do\" of range %zu is not " IDEM_HAND_WISHES, what, clip, i + 1);
    }
    return 0;
}

static idem_box to_unit(const float box[4], int width, int height) {
    return (idem_box){box[0] / (float)width, box[1] / (float)height, box[2] / (float)width, box[3] / (float)height};
}

int idem_clip_hand_take(idem_clip_hand *hand, const json_t *ranges, int width, int height) {
    const size_t n = json_array_size(ranges);
    *hand = (idem_clip_hand){.at = calloc(n + 1, sizeof *hand->at)};
    if (!hand->at)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu ranges of a clip", n);
    for (size_t i = 0; i < n; i++) {
        const json_t *r = json_array_get(ranges, i), *end = json_object_get(r, "box_at_end");
        int64_t frames[2] = {0, 0};
        float from[4] = {0}, to[4] = {0};
        take_frames(frames, json_object_get(r, "frames"));
        idem_hand_box_take(from, json_object_get(r, "box"));
        idem_hand_box_take(to, end ? end : json_object_get(r, "box"));
        hand->at[hand->n++] = (idem_hand_range){
            {frames[0], frames[1], to_unit(from, width, height), to_unit(to, width, height), "by hand"},
            (idem_by_hand)idem_hand_wish(json_string_value(json_object_get(r, "do")))};
    }
    return 0;
}

/* ---- asking ---- */

static double common(const idem_hand_range *r, int64_t picture, const idem_box *box) {
    const idem_box at = idem_cover_box(&r->cover, picture);
    return picture < r->cover.first || picture > r->cover.last ? 0 : idem_box_common(&at, box);
}

bool idem_hand_range_is_on(const idem_hand_range *r, int64_t picture, const idem_box *box) {
    return common(r, picture, box) > on_it;
}

int idem_clip_hand_on(const idem_clip_hand *h, int64_t picture, const idem_box *box) {
    int wish = -1;
    double most = 0;
    for (int i = 0; h && i < h->n; i++) {
        const idem_box at = idem_cover_box(&h->at[i].cover, picture);
        if (!idem_hand_range_is_on(&h->at[i], picture, box))
            continue;
        if (h->at[i].wish == IDEM_BY_HAND_HIDE)
            return IDEM_BY_HAND_HIDE;
        if (idem_box_overlap(&at, box) > most) {
            most = idem_box_overlap(&at, box);
            wish = (int)h->at[i].wish;
        }
    }
    return wish;
}

void idem_clip_hand_persons(const idem_clip_hand *h, const idem_tracks *t, uint8_t *said) {
    for (int64_t i = 0; h && h->n && i < idem_tracks_pictures(t); i++) {
        const idem_track_place *p;
        const int n = idem_tracks_at(t, i, &p);
        for (int k = 0; k < n; k++) {
            const int wish = idem_clip_hand_on(h, i, &p[k].box);
            said[p[k].person] |= wish < 0 ? 0 : (uint8_t)(1 << wish);
        }
    }
}

static bool has_face(const idem_hand_range *r, int64_t picture, const idem_tracks *t) {
    const idem_track_place *p;
    const int n = idem_tracks_at(t, picture, &p);
    for (int k = 0; k < n; k++)
        if (idem_hand_range_is_on(r, picture, &p[k].box))
            return true;
    return false;
}

bool idem_hand_range_is_region(const idem_hand_range *r, int64_t picture, const idem_tracks *t) {
    return picture >= r->cover.first && picture <= r->cover.last &&
           (r->wish == IDEM_BY_HAND_HIDE || r->wish == IDEM_BY_HAND_REPLACE) && !has_face(r, picture, t);
}

/* ---- writing ---- */

typedef struct {
    const idem_tracks *tracks;
    idem_clip_hand_what *what;
    void *user;
    int width, height;
    json_t *out;
} writer;

static const idem_track_place *place_of(const writer *w, int64_t picture, int track) {
    const idem_track_place *p;
    const int n = idem_tracks_at(w->tracks, picture, &p);
    for (int i = 0; i < n; i++)
        if (p[i].track == track)
            return &p[i];
    return NULL;
}

static json_t *box_json(const writer *w, const idem_box *b) {
    const double x = w->width, y = w->height;
    return json_pack("[f,f,f,f]", round((double)b->x0 * x), round((double)b->y0 * y), round((double)b->x1 * x),
                     round((double)b->y1 * y));
}

static int put(const writer *w, const idem_cover *c, const char *wish, int person) {
    json_t *r = json_pack("{s:[I,I], s:o, s:o, s:s}", "frames", (json_int_t)c->first, (json_int_t)c->last, "box",
                          box_json(w, &c->from), "box_at_end", box_json(w, &c->to), "do", wish);
    if (r && person >= 0)
        json_object_set_new(r, "person", json_integer(person + 1));
    if (r && c->why)
        json_object_set_new(r, "why", json_string(c->why));
    return json_array_append_new(w->out, r) ? idem_fail_as(IDEM_MEMORY, "out of memory for the boxes of faces") : 0;
}

/* Whether a box that moves linearly from picture a to b is on the track's faces in between, and all have the same wish.
 */
static bool fits(const writer *w, int track, int64_t a, int64_t b, const char *wish) {
    const idem_track_place *end = place_of(w, b, track);
    if (!end)
        return false;
    const idem_cover c = {a, b, place_of(w, a, track)->box, end->box, NULL};
    for (int64_t i = a; i <= b; i++) {
        const idem_track_place *p = place_of(w, i, track);
        const idem_box at = idem_cover_box(&c, i);
        const char *now = p ? w->what(w->user, i, p) : NULL;
        if (!now || strcmp(now, wish) != 0 || idem_box_overlap(&at, &p->box) < near_it)
            return false;
    }
    return true;
}

/* Divides the pictures of a track from `first` on into ranges. */
static int put_track(const writer *w, int64_t first, const idem_track_place *place) {
    const int track = place->track;
    for (int64_t a = first, b; place_of(w, a, track); a = b + 1) {
        const char *wish = w->what(w->user, a, place_of(w, a, track));
        b = a;
        for (int64_t step = STEP; step && wish;)
            if (b + step - a < LONGEST && fits(w, track, a, b + step, wish))
                b += step;
            else
                step /= 2;
        const idem_cover c = {a, b, place_of(w, a, track)->box, place_of(w, b, track)->box, NULL};
        if (wish && put(w, &c, wish, place->person))
            return -1;
    }
    return 0;
}

static bool ever_has_face(const idem_hand_range *r, const idem_tracks *t) {
    for (int64_t i = r->cover.first; i <= r->cover.last && i < idem_tracks_pictures(t); i++)
        if (has_face(r, i, t))
            return true;
    return false;
}

json_t *idem_clip_hand_from(const idem_tracks *t, const idem_covers *covers, const idem_clip_hand *hand,
                            idem_clip_hand_what *what, void *user) {
    writer w = {.tracks = t, .what = what, .user = user, .out = json_array()};
    idem_tracks_size(t, &w.width, &w.height);
    int status = w.out ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the boxes of faces");
    for (int64_t i = 0; i < idem_tracks_pictures(t) && !status; i++) {
        const idem_track_place *p;
        const int n = idem_tracks_at(t, i, &p);
        for (int k = 0; k < n && !status; k++)
            if (!place_of(&w, i - 1, p[k].track))
                status = put_track(&w, i, &p[k]);
    }
    for (size_t i = 0; covers && i < covers->n && !status; i++)
        status = put(&w, &covers->at[i], "hide", -1);
    for (int i = 0; hand && i < hand->n && !status; i++)
        if (!ever_has_face(&hand->at[i], t))
            status = put(&w, &hand->at[i].cover, idem_hand_word(hand->at[i].wish), -1);
    if (!status)
        return w.out;
    json_decref(w.out);
    return NULL;
}
