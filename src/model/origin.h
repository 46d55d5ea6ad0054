/* Origin metadata of files: the tool, that they are synthetic (completely or in part), the models and the seed. Never
 * names or paths of sources, times, EXIF, or codes of faces. */
#ifndef IDEM_MODEL_ORIGIN_H
#define IDEM_MODEL_ORIGIN_H

#include "media/xmp.h"
#include "model/model.h"

enum { IDEM_ORIGIN_MAX = 8 };

/* Points into itself: not to be copied. */
typedef struct {
    idem_marks marks; /* for idem_image_save_png */
    const char *texts[2 * IDEM_ORIGIN_MAX + 1];
    int n;
    char seed[24];
} idem_origin;

/* Software, synthetic, generator and mapper (their hashes), seed; seed NULL: unknown, not written. The model owns the
 * texts. */
void idem_origin_of(idem_origin *o, idem_source_type source, const idem_model *m, const uint64_t *seed);
/* The same for pictures by the generator and the mapper (NULL: none) of these hashes, which are borrowed. */
void idem_origin_by(idem_origin *o, idem_source_type source, const char *generator, const char *mapper,
                    const uint64_t *seed);
/* Sets the seed to "none", if nothing is random. */
void idem_origin_no_seed(idem_origin *o);
/* Adds a text; borrowed. */
void idem_origin_add(idem_origin *o, const char *key, const char *value);

#endif
