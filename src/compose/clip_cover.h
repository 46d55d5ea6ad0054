/* Covers: what is hidden in a clip over a range of pictures, besides the faces that are followed. Detections that are
 * no sure faces; the pictures before a face was first found and after it was last; regions drawn by hand. Boxes are in
 * unit coordinates and move evenly from the first picture of a range to its last. */
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

/* What may be a face, found where a picture was searched. */
typedef struct {
    int64_t picture;
    idem_box box;
} idem_maybe;

typedef struct {
    idem_maybe *at; /* pictures rise */
    size_t n, capacity;
    int64_t *searched; /* pictures that were, rising */
    size_t n_searched, capacity_searched;
} idem_maybes;

int idem_maybes_add(idem_maybes *m, int64_t picture, const idem_box *box);
int idem_maybes_searched(idem_maybes *m, int64_t picture);
void idem_maybes_free(idem_maybes *m);

/* Each is hidden from the search before it to the one after it, within its scene; from one to the next where both
 * searches have it. */
int idem_covers_add_maybes(idem_covers *c, const idem_maybes *m, const idem_tracks *t);

/* Pictures by which a track is grown at either end, within its scene. */
enum { IDEM_COVER_GROWN = 8 };
extern const char *const idem_cover_at_an_end; /* why */
/* but [persons of t]: those of whom no track is grown. */
int idem_covers_add_ends(idem_covers *c, const idem_tracks *t, const bool *but);

#endif
