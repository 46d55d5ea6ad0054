/* The plan of a photograph: decides before painting what is done with each face, and the surrogate of each that is
 * painted. Surrogates are chosen by the faces' vectors alone, in the order of photographs; so ranks, each with its own
 * photograph, all choose for the faces of all. */
#ifndef IDEM_COMPOSE_PHOTO_PLAN_H
#define IDEM_COMPOSE_PHOTO_PLAN_H

#include "compose/anonymise.h"

typedef struct {
    idem_found found;
    bool has_points; /* found by the finder; else only a box */
    idem_by_hand wish;
    bool by_hand;
    idem_crop frame;
    idem_region region;
    bool doubtful;       /* another reading of a face; dropped */
    float *feature;      /* vectors of the original [idem_anonymiser_width], the judge's last; NULL: no landmarks */
    float *judge;        /* within them */
    idem_face_done done; /* recomposed: to be painted */
    const char *why;     /* reason if hidden */
    int person;          /* of the run, from 0; -1: unknown */
    float *code;         /* [id_dim], of the surrogate; NULL: not chosen */
} idem_photo_face;

typedef struct {
    idem_photo_face *faces; /* largest first */
    int n, wanted;          /* wanted: to be painted */
} idem_photo_plan;

/* Finds and looks; the photograph is unchanged. hand may be NULL. -1: as idem_anonymise_photo; free it in every case.
 */
int idem_photo_plan_make(idem_photo_plan *p, idem_anonymiser *a, const idem_image *photo, const idem_hand_boxes *hand);
void idem_photo_plan_free(idem_photo_plan *p);

/* The vectors of the wanted faces: rows [wanted, idem_anonymiser_width]. */
void idem_photo_plan_copy(const idem_photo_plan *p, const idem_anonymiser *a, float *rows);
/* Chooses for the n wanted faces of a photograph with these vectors. p: its plan; NULL: another rank has it. */
int idem_photo_plan_choose(idem_anonymiser *a, const float *rows, int n, const idem_photo_plan *p);

#endif
