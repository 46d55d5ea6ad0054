/* What files say of where they come from: the tool, that they are synthetic (wholly or in part), the models and the
 * seed. Never names or paths of sources, times, EXIF, or codes of faces. */
#ifndef IDEM_MODEL_ORIGIN_H
#define IDEM_MODEL_ORIGIN_H

#include "media/xmp.h"
#include "model/model.h"

enum { IDEM_ORIGIN_MAX = 8 };

/* Points into itself: not to be copied. */
typedef struct {
    idem_marks marks; /* as idem_image_save_png takes them */
    const char *texts[2 * IDEM_ORIGIN_MAX + 1];
    int n;
    char seed[24];
} idem_origin;

/* Software, synthetic, generator and mapper (their hashes), seed; NULL: it is not known, and not said. The texts are
 * the model's. */
void idem_origin_of(idem_origin *o, idem_source_type source, const idem_model *m, const uint64_t *seed);
/* The same of pictures by the generator and the mapper (NULL: none) of these hashes, which are borrowed. */
void idem_origin_by(idem_origin *o, idem_source_type source, const char *generator, const char *mapper,
                    const uint64_t *seed);
/* The seed of what has nothing random in it: "none". */
void idem_origin_no_seed(idem_origin *o);
/* One more; borrowed. */
void idem_origin_add(idem_origin *o, const char *key, const char *value);

#endif
