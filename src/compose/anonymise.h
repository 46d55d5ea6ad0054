/* Anonymising a photograph: every face that is found is given the identity of a surrogate, a person who does not exist,
 * and put back with its own pose, expression and light; what cannot be is hidden; nothing is left as it was unless it
 * was exempted. Whether a face is a stranger to what it was is measured in the finished photograph, by both
 * recognisers.
 *
 *     idem_anonymiser *a = idem_anonymiser_new(studio, &options, secret);
 *     int n = idem_anonymiser_run(a, &photo, NULL, &faces);      // photo: upright, sRGB; changed in place
 *     free(faces);
 *
 * Nitzan, Bermano, Li, Cohen-Or 2020, section on de-identification, with codes refined for each face (refine.h). */
#ifndef IDEM_COMPOSE_ANONYMISE_H
#define IDEM_COMPOSE_ANONYMISE_H

#include "compose/hide.h"
#include "compose/persons.h"
#include "compose/surrogate.h"

typedef enum {
    IDEM_KEEP_PERSON, /* one person, one new face, in all photographs of the anonymiser */
    IDEM_UNLINKABLE   /* every face a new one */
} idem_linkage;

typedef struct {
    idem_linkage linkage;
    idem_hiding fallback;
    double similarity; /* wanted cosine to the original by fr_feature, up to 1; NaN: a stranger */
    int refine;        /* steps for each face (refine.h) */
    int min_face;      /* narrower faces, in pixels, are hidden instead */
    double unsure; /* what the detector gives a higher score than this is hidden where it is no sure face; from 0.3 */
} idem_anonymise_options;
idem_anonymise_options idem_anonymise_defaults(void);

typedef enum {
    IDEM_FACE_RECOMPOSED,
    IDEM_FACE_HIDDEN,
    IDEM_FACE_EXEMPT,  /* one of those to be left alone, by both recognisers */
    IDEM_FACE_SKIPPED, /* left alone by hand */
    IDEM_FACE_DONE     /* how many there are */
} idem_face_done;
extern const char *const idem_face_done_names[IDEM_FACE_DONE]; /* "recomposed" and so on */

/* Beyond these the generator has seen no faces: degrees, and the share of the frame outside the picture. */
#define IDEM_ANONYMISE_YAW 65
#define IDEM_ANONYMISE_OUTSIDE 0.5

/* Why a face is hidden that was painted and yet taken for the person. */
extern const char *const idem_too_like;

typedef struct {
    float box[4];     /* left, top, right, bottom in pixels */
    float score, yaw; /* the detector's; degrees, NaN: unknown */
    bool sure;        /* for the finder; false: a candidate below its threshold, or drawn by hand */
    idem_face_done done;
    const char *why;       /* it was hidden; NULL: it was not */
    int person;            /* of the run, from 0; -1: not told */
    double feature, judge; /* cosines of what is there now with what was there; NaN: not measured */
    bool above;            /* one of them is above its threshold, and no similarity was asked for */
} idem_anonymised_face;

/* What a person said by hand of a photograph; boxes in pixels. */
typedef enum { IDEM_BY_HAND_HIDE, IDEM_BY_HAND_SKIP, IDEM_BY_HAND_REPLACE, IDEM_BY_HAND_EXEMPT } idem_by_hand;
typedef struct {
    float box[4];
    idem_by_hand wish; /* replace: as if it had been found; where no landmarks are found in it, it is hidden */
} idem_hand_box;
typedef struct {
    const idem_hand_box *at;
    int n;
} idem_hand_boxes;

typedef struct idem_anonymiser idem_anonymiser;

/* The studio needs a generator with its mapping network, a mapper, batch 1, and must outlive it. secret: see
 * surrogate.h. NULL with a message. */
idem_anonymiser *idem_anonymiser_new(idem_studio *s, const idem_anonymise_options *options,
                                     const uint8_t secret[IDEM_SECRET]);
void idem_anonymiser_free(idem_anonymiser *a); /* NULL is allowed */

/* All faces of a photograph are of persons to be left alone. How many; -1. */
int idem_anonymiser_exempt(idem_anonymiser *a, const idem_image *photo);

/* Faces, largest first, into *faces, malloc'ed; their number. hand: NULL is allowed. -1: interrupted, memory is short,
 * a network is missing; the photograph is then not to be used. */
int idem_anonymiser_run(idem_anonymiser *a, idem_image *photo, const idem_hand_boxes *hand,
                        idem_anonymised_face **faces);

/* The surrogate of somebody by vectors of both recognisers: the number of it (surrogate.h), valid until the next call.
 * others: the n persons it is none of, seen together with it. *person: as in idem_anonymised_face. -1. */
int idem_anonymiser_choose(idem_anonymiser *a, const float *feature, const float *judge, const int *others, int n,
                           int *person);
/* Whether both recognisers take it for one of those to be left alone. */
bool idem_anonymiser_is_exempt(const idem_anonymiser *a, const float *feature, const float *judge);

struct idem_recomposer *idem_anonymiser_recomposer(idem_anonymiser *a); /* recompose.h */
idem_studio *idem_anonymiser_studio(const idem_anonymiser *a);
const idem_anonymise_options *idem_anonymiser_options(const idem_anonymiser *a);

/* From now on the surrogate of a new person follows from the secret and the person's number, whatever was drawn before.
 */
void idem_anonymiser_set_by_number(idem_anonymiser *a);

/* What a run remembers, for going on with it: biometric data. */
idem_persons *idem_anonymiser_persons(idem_anonymiser *a);
idem_surrogates *idem_anonymiser_surrogates(idem_anonymiser *a);

#endif
