/* The report of an anonymising run. It contains no codes of faces and no seed. */
#ifndef IDEM_COMPOSE_ANONYMISE_REPORT_H
#define IDEM_COMPOSE_ANONYMISE_REPORT_H

#include <jansson.h>

#include "compose/anonymise_clip.h"
#include "media/rewrite.h"

/* One picture. rewritten NULL: not written. */
json_t *idem_anonymise_picture_json(const char *name, int width, int height, const idem_anonymised_face *faces, int n,
                                    const idem_rewritten *rewritten);

/* One clip: counts, its persons, pictures to review; "boxes" is only for idem_hand_boxes_from. */
json_t *idem_anonymise_clip_json(const char *name, const idem_anonymised_clip *clip);

/* The pictures, and the clips, of a run's entries: new lists. */
json_t *idem_anonymise_pictures(const json_t *entries);
json_t *idem_anonymise_clips(const json_t *entries);

/* Over all entries: counts, thresholds, the likeness reached, linkage among the new faces. */
json_t *idem_anonymise_summary(const json_t *entries, const idem_anonymise_options *options,
                               const idem_surrogates *surrogates);
/* Names of the pictures and clips to review, with the reason, the most important first; at most 100. */
json_t *idem_anonymise_look_first(const json_t *entries);

#endif
