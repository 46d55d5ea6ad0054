/* Anonymising photographs and clips (part of idem.h): every face that is found is replaced by that of a person who does
 * not exist, with the same pose, expression and light; faces that cannot be painted are hidden; the rest of the picture
 * is unchanged. The context needs a generator, a mapper and batch 1; options.pose should be 1, so that profiles are
 * detected.
 *
 *     idem_anonymising how;
 *     idem_anonymising_default(&how);
 *     idem_anonymiser *a = idem_open_anonymiser(context, &how);
 *     idem_anonymised face[16];
 *     int faces = idem_anonymise_pixels(a, rgb, width, height, face, 16);     // rgb is changed in place
 *     idem_close_anonymiser(a);
 *
 * The new faces are derived from a secret, drawn from the system's random numbers and never written. What can still
 * identify a person: hair, ears, tattoos, clothes, the place, companions; in clips voice and gait. */
#ifndef IDEM_ANONYMISE_H
#define IDEM_ANONYMISE_H

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IDEM_ONE_FACE_A_PERSON, /* one new face per person, for the anonymiser's lifetime */
    IDEM_ALL_FACES_NEW      /* one new face per face: pictures of a person cannot be linked by their faces */
};
enum { IDEM_HIDE_IN_PIXELS, IDEM_HIDE_BLURRED, IDEM_HIDE_IN_ONE_COLOUR };

typedef struct {
    size_t struct_size; /* set by idem_anonymising_default */
    int linkage;        /* IDEM_ONE_FACE_A_PERSON or IDEM_ALL_FACES_NEW */
    int hiding;   /* IDEM_HIDE_...: how faces are hidden that are tiny, cut by the edge, profiles, unsure, or still too
                     similar to the person */
    int refine;   /* refinement steps with which each face is fitted to its photograph, 0 to 1000 */
    int min_face; /* pixels; narrower faces are hidden */
    float unsure; /* candidates that may be faces are hidden if their detector score is above this; 0.3 to 1 */
    int wants_similarity; /* 0: below the thresholds of both recognisers, as a stranger; 1: the next field */
    float similarity;     /* cosine to the person by the recogniser of training, -0.2 to 1 */
} idem_anonymising;

/* Defaults: one face per person, hidden in pixels, 25 steps, 24 pixels, 0.5, similarity of a stranger. */
IDEM_API void idem_anonymising_init(idem_anonymising *how, size_t struct_size);
static inline void idem_anonymising_default(idem_anonymising *how) {
    idem_anonymising_init(how, sizeof *how);
}

/* ---- in memory ---- */

typedef struct idem_anonymiser idem_anonymiser;

/* The context must outlive it. NULL if a network is missing or an option is wrong. */
IDEM_API idem_anonymiser *idem_open_anonymiser(idem_context *context, const idem_anonymising *how);
IDEM_API void idem_close_anonymiser(idem_anonymiser *anonymiser); /* NULL is allowed */
/* Only for tests: anybody can derive its new faces, which are those of idem_anonymise_job.test_seed. */
IDEM_API idem_anonymiser *idem_open_test_anonymiser(idem_context *context, const idem_anonymising *how, uint64_t seed);

/* Exempts the persons of all faces of this picture: a face is left unchanged where both recognisers match it. Returns
 * the number of faces, or -1. */
IDEM_API int idem_leave_alone(idem_anonymiser *anonymiser, const uint8_t *rgb, int width, int height);

enum { IDEM_FACE_IS_NEW, IDEM_FACE_IS_HIDDEN, IDEM_FACE_IS_EXEMPT };
typedef struct {
    float box[4];            /* left, top, right, bottom in pixels */
    int done;                /* IDEM_FACE_IS_... */
    int person;              /* index among the anonymiser's persons; -1: unknown */
    float recogniser, judge; /* cosines of the face after with the face before; NaN: not measured */
} idem_anonymised;

/* rgb [height][width][3], upright, in sRGB; changed in place. faces [capacity]: the first ones found, the largest
 * first; NULL with capacity 0. Returns the number found, or -1: the picture must then not be used. The context's
 * progress function is called after each face. */
IDEM_API int idem_anonymise_pixels(idem_anonymiser *anonymiser, uint8_t *rgb, int width, int height,
                                   idem_anonymised *faces, int capacity);

/* The same for the bytes of a photograph's file. *out: the file that idem_anonymise_files would write, in the same
 * format (of HEIC and AVIF: JPEG), its unchanged parts kept. *report: JSON, NUL-terminated, with the keys of
 * anonymise-report.json. Both are to be freed with idem_free_bytes. -1: unreadable, out of memory, cancelled. */
IDEM_API int idem_anonymise_bytes(idem_anonymiser *anonymiser, const unsigned char *bytes, size_t size,
                                  unsigned char **out, size_t *out_size, unsigned char **report);

/* ---- files ---- */

/* Progress of a clip: pass 1 finds faces, pass 2 paints; of 0: unknown. Called by the working thread. */
typedef void idem_clip_progress_function(void *user, const char *clip, int pass, int64_t done, int64_t of);

/* Photographs, and clips (.mp4, .mov, .mkv, .webm; video.h). A person has the same new face in both. In clips every
 * tracked face is painted or hidden in each frame; sound and subtitles are kept, metadata of places, devices and dates
 * is dropped. Without the plug-in clips count as unreadable files. */
typedef struct {
    size_t struct_size;        /* set by idem_anonymise_job_default */
    const char *const *inputs; /* files and folders */
    int n_inputs;
    const char *output;  /* folder for the results, outside all inputs; formats, names and folders are kept */
    int strict;          /* 1: a picture with a face still too similar to the person is not written */
    int rename;          /* 1: results are numbered */
    const char *exempt;  /* folder of pictures of exempt persons; NULL: none */
    const char *project; /* encrypted file (mode 0600) of the secret and the persons: runs with the same project give a
                            person the same new face; created if missing. NULL: none */
    const void *passphrase; /* for the project: bytes of a passphrase or of a key file */
    size_t passphrase_size;
    const char *boxes;     /* JSON file of instructions for faces and regions to hide (docs/anonymise.md); NULL: none */
    const char *boxes_out; /* path for such a file of the faces found; NULL: none */
    int quality;           /* of clips: constant rate factor, lower is better; 0: lossless; -1: the default */
    int no_audio;          /* 1: sound is dropped, as a voice identifies */
    idem_clip_progress_function *clip_progress; /* may be NULL */
    void *user;
    int is_test; /* 1: the secret is derived from test_seed: only for tests */
    uint64_t test_seed;
} idem_anonymise_job;

/* Sets all to 0, quality to -1. */
IDEM_API void idem_anonymise_job_init(idem_anonymise_job *job, size_t struct_size);
static inline void idem_anonymise_job_default(idem_anonymise_job *job) {
    idem_anonymise_job_init(job, sizeof *job);
}

/* Processes files one by one in constant memory; repeating an interrupted run continues it. Ranks that have joined
 * (ranks.h) each have a photograph at a time; all call it with the same job, but only rank 0 needs the passphrase, and
 * all get the report or fail. The secret and the codes of persons are sent to all ranks. Unreadable files are logged,
 * skipped and counted. *report: JSON, NUL-terminated, to be freed with idem_free_bytes; also written as
 * anonymise-report.json: a summary, what to review first, every face of pictures, the persons of clips. */
IDEM_API int idem_anonymise_files(idem_context *context, const idem_anonymising *how, const idem_anonymise_job *job,
                                  unsigned char **report);

#ifdef __cplusplus
}
#endif

#endif
