/* Anonymising photographs and clips (part of idem.h): every face that is found becomes a person who does not exist,
 * with its own pose, expression and light; what cannot be painted is hidden, never left; the rest stays as it is. A
 * context for it has a generator, a mapper and batch 1; options.pose should be 1, so that profiles are known.
 *
 *     idem_anonymising how;
 *     idem_anonymising_default(&how);
 *     idem_anonymiser *a = idem_open_anonymiser(context, &how);
 *     idem_anonymised face[16];
 *     int faces = idem_anonymise_pixels(a, rgb, width, height, face, 16);     // rgb is changed in place
 *     idem_close_anonymiser(a);
 *
 * The new faces follow from a secret that the system draws; it is written nowhere. What stays to identify a person:
 * hair, ears, tattoos, clothes, the place, the company; in clips voice and gait. */
#ifndef IDEM_ANONYMISE_H
#define IDEM_ANONYMISE_H

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IDEM_ONE_FACE_A_PERSON, /* one person gets one new face, as long as the anonymiser lives */
    IDEM_ALL_FACES_NEW      /* every face gets a new one: pictures of a person cannot be put together by their faces */
};
enum { IDEM_HIDE_IN_PIXELS, IDEM_HIDE_BLURRED, IDEM_HIDE_IN_ONE_COLOUR };

typedef struct {
    size_t struct_size;   /* set by idem_anonymising_default */
    int linkage;          /* of the first enumeration */
    int hiding;           /* of the second: what is done with faces that are tiny, cut by the edge, profiles, unsure, or
                             still too like the person */
    int refine;           /* steps in which each face is fitted to its photograph, 0 to 1000 */
    int min_face;         /* narrower faces, in pixels, are hidden */
    float unsure;         /* what may be a face and has more than this score of the detector is hidden; 0.3 to 1 */
    int wants_similarity; /* 0: a stranger's, below the thresholds of both recognisers; 1: what the next field says */
    float similarity;     /* cosine to the person by the training recogniser, -0.2 to 1 */
} idem_anonymising;

/* One face a person, pixels, 25 steps, 24 pixels, 0.5, a stranger's. */
IDEM_API void idem_anonymising_init(idem_anonymising *how, size_t struct_size);
static inline void idem_anonymising_default(idem_anonymising *how) {
    idem_anonymising_init(how, sizeof *how);
}

/* ---- in memory ---- */

typedef struct idem_anonymiser idem_anonymiser;

/* The context must outlive it. NULL: a network is missing, or an option is wrong. */
IDEM_API idem_anonymiser *idem_open_anonymiser(idem_context *context, const idem_anonymising *how);
IDEM_API void idem_close_anonymiser(idem_anonymiser *anonymiser); /* NULL is allowed */

/* All faces of this picture are of persons to be left alone, where both recognisers agree. How many; -1. */
IDEM_API int idem_leave_alone(idem_anonymiser *anonymiser, const uint8_t *rgb, int width, int height);

enum { IDEM_FACE_IS_NEW, IDEM_FACE_IS_HIDDEN, IDEM_FACE_IS_EXEMPT };
typedef struct {
    float box[4];            /* left, top, right, bottom in pixels */
    int done;                /* of the enumeration above */
    int person;              /* of the anonymiser, from 0; -1: not told */
    float recogniser, judge; /* cosines of what is there now with what was there; NaN: not measured */
} idem_anonymised;

/* rgb [height][width][3], upright, in sRGB; changed in place. faces: those of the first `capacity` that were found, the
 * largest first; NULL with room 0. How many were found; -1: the picture is then not to be used. */
IDEM_API int idem_anonymise_pixels(idem_anonymiser *anonymiser, uint8_t *rgb, int width, int height,
                                   idem_anonymised *faces, int capacity);

/* ---- files ---- */

/* How far a clip is: pass 1 looks for faces, pass 2 paints; of 0: not known. On the thread that works. */
typedef void idem_clip_progress_function(void *user, const char *clip, int pass, int64_t done, int64_t of);

/* Photographs, and clips (.mp4, .mov, .mkv, .webm; video.h). A person has the same new face in both. In clips every
 * face that is followed is painted or hidden in each picture; sound and subtitles stay, places, devices and dates do
 * not; without the plug-in each clip is passed over as a file that cannot be read. */
typedef struct {
    size_t struct_size;        /* set by idem_anonymise_job_default */
    const char *const *inputs; /* files and folders */
    int n_inputs;
    const char *output;     /* folder for the results, which keep formats, names and folders; in none of the inputs */
    int strict;             /* 1: a picture with a face that stayed too like the person is not written */
    int rename;             /* 1: results are numbered */
    const char *exempt;     /* folder of pictures of persons to be left alone; NULL: none */
    const char *project;    /* encrypted file (mode 0600) that keeps a secret and the persons: with the same project a
                               person has the same new face tomorrow; made if it is not there. NULL: none */
    const void *passphrase; /* of the project: bytes of a passphrase, or of a key file */
    size_t passphrase_size;
    const char
        *boxes; /* JSON of what is to be done with faces, and of regions to hide (docs/anonymise.md); NULL: none */
    const char *boxes_out; /* where to write such a file of what was found; NULL: nowhere */
    int quality;           /* of clips: constant rate factor, less is better; 0: lossless; -1: the usual */
    int no_audio;          /* 1: clips go without sound; a voice identifies */
    idem_clip_progress_function *clip_progress; /* NULL: nobody is told */
    void *user;
    int is_test; /* 1: the secret follows from the seed below: for tests alone */
    uint64_t test_seed;
} idem_anonymise_job;

/* All zero, and the usual quality. */
IDEM_API void idem_anonymise_job_init(idem_anonymise_job *job, size_t struct_size);
static inline void idem_anonymise_job_default(idem_anonymise_job *job) {
    idem_anonymise_job_init(job, sizeof *job);
}

/* One after another in constant memory; what an interrupted run did is not done again when it is repeated. Files that
 * cannot be read are said in the log, passed over and counted. *report: JSON, NUL-terminated, to be freed with
 * idem_free_bytes; it is also written as anonymise-report.json: a summary, what to look at first, every face of
 * pictures, the persons of clips. */
IDEM_API int idem_anonymise_files(idem_context *context, const idem_anonymising *how, const idem_anonymise_job *job,
                                  unsigned char **report);

#ifdef __cplusplus
}
#endif

#endif
