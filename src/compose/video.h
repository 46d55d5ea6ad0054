/* Clips with other identities: one identity per person over the whole clip, everything else picture by picture. Two
 * passes: finding the faces (video_faces.h), then painting, with codes and colours smoothed over time.
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

/* A person of the clip, by a photograph, and the identity that replaces it. */
typedef struct {
    const char *who, *identity;
} idem_clip_role;

typedef struct {
    const char *identity;  /* photograph; NULL: only persons of roles change */
    idem_clip_faces faces; /* which persons get it: the one seen most, all, none */
    const idem_clip_role *roles;
    int n_roles;
    double from, to;   /* seconds that are changed; to 0: the end */
    int refine;        /* steps per face and picture (refine.h), starting from the previous picture's code; 0: none */
    const char *boxes; /* file of instructions by hand (hand_boxes.h, clip_hand.h); NULL: none */
    const char *boxes_out;      /* file for the faces found, for editing; NULL: none */
    const char *review;         /* folder for the pictures to review; NULL: none */
    idem_video_out_options out; /* the caller sets only resume; marks and job are filled in */
    idem_video_progress *progress;
    void *user;
} idem_clip_job;
#define IDEM_CLIP_JOB_DEFAULT ((idem_clip_job){.out = IDEM_VIDEO_OUT_DEFAULT})

typedef struct {
    int64_t pictures, resumed; /* all; of these done by an earlier run */
    int64_t faces, bridged;    /* painted now; of these not found, but before and after */
    int64_t hidden;            /* regions hidden by hand, in pictures */
    int64_t outside;           /* not painted, as the frame is outside the picture */
    int64_t review;            /* written there */
    int persons, changed;      /* seen; of these with another identity */
    int damaged;               /* places of the source */
    char damage[256];          /* the first */
    char codec[16], why[300];  /* the codec, and why it is not the default */
    char left[300];            /* tracks of the source that are not in the result */
    int width, height;
    double seconds; /* of the clip */
} idem_clip_report;

/* Finding no face is a failure unless faces is IDEM_CLIP_NONE. The report is filled as far as known. */
int idem_clip_compose(idem_studio *s, const char *from, const char *to, const idem_clip_job *job,
                      idem_clip_report *report);

#endif
