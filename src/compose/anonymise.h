/* An anonymiser: the persons of its photographs and clips, and their surrogates, persons who do not exist. Every face
 * that is found is given the identity of a surrogate and pasted with its pose, expression and light; faces for which
 * that fails are hidden; only exempt faces are unchanged. Both recognisers measure in the finished picture whether the
 * new face is a stranger to the person.
 *
 *     idem_anonymiser *a = idem_anonymiser_new(studio, &options, secret);
 *     int n = idem_anonymise_photo(a, &photo, NULL, &faces);     // anonymise_photo.h; changed in place
 *     free(faces);
 *
 * Nitzan, Bermano, Li, Cohen-Or 2020, section on de-identification, with codes refined for each face (refine.h). */
#ifndef IDEM_COMPOSE_ANONYMISE_H
#define IDEM_COMPOSE_ANONYMISE_H

#include "compose/hide.h"
#include "compose/persons.h"
#include "compose/surrogate.h"

typedef enum {
    IDEM_KEEP_PERSON, /* one new face per person in all photographs of the anonymiser */
    IDEM_UNLINKABLE   /* a new face for every face */
} idem_linkage;

typedef struct {
    idem_linkage linkage;
    idem_hiding fallback;
    double similarity; /* wanted cosine to the original by fr_feature, up to 1; NaN: a stranger */
    int refine;        /* steps per face (refine.h) */
    int min_face;      /* narrower faces, in pixels, are hidden instead */
    double unsure;     /* detections with a higher score that are no sure faces are hidden; from 0.3 */
} idem_anonymise_options;
idem_anonymise_options idem_anonymise_defaults(void);

typedef enum {
    IDEM_FACE_RECOMPOSED,
    IDEM_FACE_HIDDEN,
    IDEM_FACE_EXEMPT,  /* an exempt person, by both recognisers */
    IDEM_FACE_SKIPPED, /* left unchanged by hand */
    IDEM_FACE_DONE     /* number of values */
} idem_face_done;
extern const char *const idem_face_done_names[IDEM_FACE_DONE]; /* "recomposed" and so on */

/* Limits of the generator's training pictures: degrees, and the share of the frame outside the picture. */
#define IDEM_ANONYMISE_YAW 65
#define IDEM_ANONYMISE_OUTSIDE 0.5

/* The reason for a face that was painted, still matched the person, and was hidden. */
extern const char *const idem_too_like;

typedef struct {
    float box[4];     /* left, top, right, bottom in pixels */
    float score, yaw; /* the detector's; degrees, NaN: unknown */
    bool sure;        /* found by the finder; false: a candidate below its threshold, or drawn by hand */
    idem_face_done done;
    const char *why;       /* reason if hidden; NULL: not hidden */
    int person;            /* of the run, from 0; -1: unknown */
    double feature, judge; /* cosines of the new face with the original; NaN: not measured */
    bool above;            /* one of them is above its threshold, and no similarity was requested */
} idem_anonymised_face;

/* Instructions by hand for a photograph; boxes in pixels. */
typedef enum { IDEM_BY_HAND_HIDE, IDEM_BY_HAND_SKIP, IDEM_BY_HAND_REPLACE, IDEM_BY_HAND_EXEMPT } idem_by_hand;
typedef struct {
    float box[4];
    idem_by_hand wish; /* replace: as if found; hidden if no landmarks are found in it */
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

/* Exempts the persons of all faces of a photograph. Returns the number of faces; -1. */
int idem_anonymiser_exempt(idem_anonymiser *a, const idem_image *photo);

/* The surrogate for a person given by vectors of both recognisers: its number (surrogate.h), valid until the next call.
 * others: n persons seen together with it, who are different. *person: as in idem_anonymised_face. -1. */
int idem_anonymiser_choose(idem_anonymiser *a, const float *feature, const float *judge, const int *others, int n,
                           int *person);
/* n faces follow, by their vectors [n, idem_anonymiser_width]: ranks draw candidates for them (surrogate.h). */
int idem_anonymiser_expect(idem_anonymiser *a, const float *vectors, int n);
/* Of the vectors of both recognisers, feature and judge. */
size_t idem_anonymiser_width(const idem_anonymiser *a);
/* Whether both recognisers match an exempt person. */
bool idem_anonymiser_is_exempt(const idem_anonymiser *a, const float *feature, const float *judge);

struct idem_recomposer *idem_anonymiser_recomposer(idem_anonymiser *a); /* recompose.h */
idem_studio *idem_anonymiser_studio(const idem_anonymiser *a);
const idem_anonymise_options *idem_anonymiser_options(const idem_anonymiser *a);

/* From now on the surrogate of a new person depends only on the secret and the person's number. */
void idem_anonymiser_set_by_number(idem_anonymiser *a);

/* State of a run, for resuming: biometric data. */
idem_persons *idem_anonymiser_persons(idem_anonymiser *a);
idem_surrogates *idem_anonymiser_surrogates(idem_anonymiser *a);

#endif
