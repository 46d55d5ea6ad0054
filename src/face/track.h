/* Tracking of faces in clips. Faces are found picture by picture, in order; then they are linked by overlap and
 * identity, gaps are bridged from both sides, tracks of one person are joined by their vectors, and frames are smoothed
 * over time from both sides, so that nothing lags. A cut ends all tracks.
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
    double same;         /* cosine of vectors from which on tracks belong to one person */
    double other;        /* cosine below which overlapping faces belong to different persons */
    int more;            /* numbers of a vector after the first dim, which are averaged but not used for linking */
    double centre, turn; /* standard deviations of the Gaussians over time, in pictures: for the centre and the
                            landmarks; for size and angle. 0: not smoothed */
} idem_track_options;
#define IDEM_TRACK_DEFAULT ((idem_track_options){.longest_gap = 15, .same = 0.45, .other = 0.1, .centre = 1, .turn = 3})

typedef struct {
    int person, track;            /* indices from 0; persons sorted by how much is seen of them, the most first */
    bool bridged;                 /* not found here, but before and after */
    int gap;                      /* length of the bridged gap in pictures; 0: it was found */
    float score;                  /* of the detector; 0 if bridged */
    float yaw;                    /* degrees; NaN: unknown */
    idem_box box;                 /* as found */
    float points[IDEM_POINTS][2]; /* smoothed, unit coordinates of the picture */
    idem_crop frame;              /* with smoothed size, place and angle (align.h) */
} idem_track_place;

typedef struct {
    int64_t first, last, seen; /* the first and last picture it is in; number of pictures in which it was found */
    double area;               /* of its frame in pixels, summed over all pictures */
    const float *vector;       /* [dim + more], the mean over all pictures; both parts have unit length */
    int tracks;
} idem_track_person;

typedef struct idem_tracks idem_tracks;

/* For pictures of width x height. dim: of vectors. options NULL: the defaults. */
idem_tracks *idem_tracks_new(int width, int height, int dim, const idem_track_options *options);
void idem_tracks_free(idem_tracks *t); /* NULL is allowed */

/* Adds the next picture. vectors [n, dim + more], both parts of unit length. cut: the picture begins a new scene. */
int idem_tracks_add(idem_tracks *t, const idem_found *faces, int n, const float *vectors, bool cut);

/* After the last. */
int idem_tracks_finish(idem_tracks *t);

int64_t idem_tracks_pictures(const idem_tracks *t);
void idem_tracks_size(const idem_tracks *t, int *width, int *height);
bool idem_tracks_is_cut(const idem_tracks *t, int64_t picture); /* also true for the first one */
int idem_tracks_persons(const idem_tracks *t, const idem_track_person **persons);
/* Faces of a picture, owned by t: the larger first. */
int idem_tracks_at(const idem_tracks *t, int64_t picture, const idem_track_place **places);

/* A coarse view of a picture, and whether the next one begins a new scene. */
enum { IDEM_SCENE_CELLS = 16 * 9 * 3 };
int idem_scene_look(const idem_image *im, float look[IDEM_SCENE_CELLS]);
bool idem_scene_is_cut(const float *before, const float *now);

#endif
