/* Clips with other people's faces: one identity for each person over the whole clip, everything else picture by
 * picture. Two passes: where the faces are (video_faces.h), then painting, with codes and colours that move evenly.
 *
 *     idem_clip_job job = IDEM_CLIP_JOB_DEFAULT;
 *     job.identity = "new.jpg";
 *     idem_clip_report report;
 *     if (idem_clip_compose(studio, "a.mp4", "b.mp4", &job, &report)) ...
 *
 * The studio needs a generator and a mapper. */
#ifndef IDEM_COMPOSE_VIDEO_H
#define IDEM_COMPOSE_VIDEO_H

#include "compose/video_faces.h"
#include "media/video_write.h"

typedef enum { IDEM_CLIP_LARGEST, IDEM_CLIP_ALL, IDEM_CLIP_NONE } idem_clip_faces;

/* A person of the clip, by a photograph, and the one whose identity takes its place. */
typedef struct {
    const char *who, *identity;
} idem_clip_role;

typedef struct {
    const char *identity;  /* photograph; NULL: only those of roles change */
    idem_clip_faces faces; /* which persons get it: the one most is seen of, all, none */
    const idem_clip_role *roles;
    int n_roles;
    double from, to;            /* seconds that are changed; to 0: the end */
    int refine;                 /* steps for each face of each picture (refine.h), from the picture before; 0: none */
    const char *boxes;          /* what was said by hand (hand_boxes.h, clip_hand.h); NULL: nothing */
    const char *boxes_out;      /* where to write what was found, to be edited; NULL: nowhere */
    const char *review;         /* folder for the pictures that deserve a look; NULL: none */
    idem_video_out_options out; /* marks, job and resume are filled in but for resume */
    idem_video_progress *progress;
    void *user;
} idem_clip_job;
#define IDEM_CLIP_JOB_DEFAULT ((idem_clip_job){.out = IDEM_VIDEO_OUT_DEFAULT})

typedef struct {
    int64_t pictures, resumed; /* in all; of them done by an earlier run */
    int64_t faces, bridged;    /* painted now; of them where nothing was found, between two that were */
    int64_t hidden;            /* regions hidden by hand, in pictures */
    int64_t outside;           /* not painted: the frame lies outside the picture */
    int64_t review;            /* written there */
    int persons, changed;      /* seen; of them with another identity */
    int damaged;               /* places of the source */
    char damage[256];          /* the first */
    char codec[16], why[300];  /* which, and why another than usual */
    char left[300];            /* tracks of the source that are not in it */
    int width, height;
    double seconds; /* of the clip */
} idem_clip_report;

/* No face in the first pass is a failure unless faces is IDEM_CLIP_NONE. The report is filled as far as it goes. */
int idem_clip_compose(idem_studio *s, const char *from, const char *to, const idem_clip_job *job,
                      idem_clip_report *report);

#endif
