/* Covers: regions hidden in a clip over a range of pictures, beside tracked faces: detections that are no sure faces;
 * the place of a face before it was first found and after it was last found; regions drawn by hand. Boxes are in unit
 * coordinates and move linearly from the first picture of a range to the last. */
#ifndef IDEM_COMPOSE_CLIP_COVER_H
#define IDEM_COMPOSE_CLIP_COVER_H

#include "face/track.h"

typedef struct {
    int64_t first, last; /* pictures, both included */
    idem_box from, to;
    const char *why;
} idem_cover;

typedef struct {
    idem_cover *at;
    size_t n, capacity;
} idem_covers;

int idem_covers_add(idem_covers *c, const idem_cover *cover);
void idem_covers_free(idem_covers *c);
idem_box idem_cover_box(const idem_cover *c, int64_t picture);

/* A candidate that may be a face, found in a searched picture. */
typedef struct {
    int64_t picture;
    idem_box box;
} idem_maybe;

typedef struct {
    idem_maybe *at; /* in order of pictures */
    size_t n, capacity;
    int64_t *searched; /* searched pictures, in order */
    size_t n_searched, capacity_searched;
} idem_maybes;

int idem_maybes_add(idem_maybes *m, int64_t picture, const idem_box *box);
int idem_maybes_searched(idem_maybes *m, int64_t picture);
void idem_maybes_free(idem_maybes *m);

/* Hides each from the search before it to the one after it, within its scene; joined if consecutive searches have it.
 */
int idem_covers_add_maybes(idem_covers *c, const idem_maybes *m, const idem_tracks *t);

/* Pictures by which a track is extended at both ends, within its scene. */
enum { IDEM_COVER_GROWN = 8 };
extern const char *const idem_cover_at_an_end; /* why */
/* but [persons of t]: persons whose tracks are not extended. */
int idem_covers_add_ends(idem_covers *c, const idem_tracks *t, const bool *but);

#endif
