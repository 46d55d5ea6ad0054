/* Tracking: which face of which picture of a clip is whose. Faces are found picture by picture, in order; then linked
 * by overlap and identity, gaps bridged from both sides, tracks of one person joined by their vectors, and their frames
 * smoothed over time, from both sides too, so that nothing lags. A cut ends all tracks.
 *
 *     idem_tracks *t = idem_tracks_new(width, height, dim, NULL);
 *     for (...) idem_tracks_add(t, faces, n, vectors, cut);        // every picture, also one without faces
 *     idem_tracks_finish(t);
 *     n = idem_tracks_at(t, 17, &places);                          // of picture 17
 *     idem_tracks_free(t); */
#ifndef IDEM_FACE_TRACK_H
#define IDEM_FACE_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "face/finder.h"

typedef struct {
    int longest_gap;     /* pictures; a longer one ends the track */
    double same;         /* cosine of vectors from which tracks are one person's */
    double other;        /* below which faces that overlap are not one person's */
    int more;            /* numbers of a vector after the first dim, which link nothing; means are kept of them too */
    double centre, turn; /* deviations of the Gaussians over time, in pictures: of the middle and the landmarks; of size
                            and angle. 0: not smoothed */
} idem_track_options;
#define IDEM_TRACK_DEFAULT ((idem_track_options){.longest_gap = 15, .same = 0.45, .other = 0.1, .centre = 1, .turn = 3})

typedef struct {
    int person, track;            /* from 0; persons by how much is seen of them, the most first */
    bool bridged;                 /* nothing was found here: between two that were */
    int gap;                      /* pictures bridged at a stretch; 0: it was found */
    float score;                  /* the detector's; 0 when bridged */
    float yaw;                    /* degrees; NaN: not known */
    idem_box box;                 /* as found */
    float points[IDEM_POINTS][2]; /* smoothed, unit coordinates of the picture */
    idem_crop frame;              /* of the smoothed size, place and angle (align.h) */
} idem_track_place;

typedef struct {
    int64_t first, last, seen; /* pictures: the first and last it is in, how many it was found in */
    double area;               /* of its frame in pixels, summed over all pictures */
    const float *vector;       /* [dim + more], the mean over all; both parts of unit length */
    int tracks;
} idem_track_person;

typedef struct idem_tracks idem_tracks;

/* Of pictures of width x height. dim: of vectors. options NULL: the usual. */
idem_tracks *idem_tracks_new(int width, int height, int dim, const idem_track_options *options);
void idem_tracks_free(idem_tracks *t); /* NULL is allowed */

/* The next picture. vectors [n, dim + more], both parts of unit length. cut: it does not follow the one before. */
int idem_tracks_add(idem_tracks *t, const idem_found *faces, int n, const float *vectors, bool cut);

/* After the last. */
int idem_tracks_finish(idem_tracks *t);

int64_t idem_tracks_pictures(const idem_tracks *t);
void idem_tracks_size(const idem_tracks *t, int *width, int *height);
bool idem_tracks_is_cut(const idem_tracks *t, int64_t picture); /* of the first one too */
int idem_tracks_persons(const idem_tracks *t, const idem_track_person **persons);
/* Faces of a picture, in memory of t: the larger first. */
int idem_tracks_at(const idem_tracks *t, int64_t picture, const idem_track_place **places);

/* How a picture looks, coarsely, and whether another does not follow it in the same scene. */
enum { IDEM_SCENE_CELLS = 16 * 9 * 3 };
int idem_scene_look(const idem_image *im, float look[IDEM_SCENE_CELLS]);
bool idem_scene_is_cut(const float *before, const float *now);

#endif
