/* Shared by linking and finishing of tracks. */
#ifndef IDEM_FACE_TRACK_PRIVATE_H
#define IDEM_FACE_TRACK_PRIVATE_H

#include "face/track.h"

typedef struct {
    int64_t picture;
    idem_box box;
    float score; /* 0: bridged */
    float yaw;
    int gap; /* length of the bridged gap in pictures */
    float points[IDEM_POINTS][2];
    idem_crop frame;
} idem_seen;

typedef struct {
    idem_seen *at; /* in order of pictures; without gaps after bridging */
    int n, seen;
    size_t capacity;
    float *sum;         /* [dim + more], sum of vectors weighted by scores */
    float *last_vector; /* [dim] */
    bool open;
    int person;
} idem_track;

struct idem_tracks {
    idem_track_options options;
    int width, height, dim;
    int64_t pictures;
    bool *cuts; /* [pictures] */
    size_t capacity_cuts;
    idem_track *tracks;
    int n_tracks, oldest_open;
    size_t capacity;
    idem_track_person *persons;
    float **vectors; /* of persons */
    int n_persons;
    idem_track_place *places; /* by picture */
    int64_t *first;           /* [pictures + 1] */
};

double idem_track_cosine(const float *a, const float *b, int dim);

#endif
