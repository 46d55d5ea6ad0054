/* Recognisers on photographs: identity vectors of a face given by its landmarks. For pictures in a generator's frame
 * use the nodes of crop.h; this is for faces anywhere. */
#ifndef IDEM_FACE_EMBED_H
#define IDEM_FACE_EMBED_H

#include "engine/plan.h"
#include "face/crop.h"
#include "media/image.h"

typedef struct idem_embedder idem_embedder;

/* feature: fr_feature; judge: the judge's manifest. Either may be NULL. */
idem_embedder *idem_embedder_new(const char *feature, const char *judge, const idem_plan_options *options);
/* The same with the networks in `models` (idem_models_find). NULL also if one is missing. */
idem_embedder *idem_embedder_open(const char *models, bool judge, const idem_plan_options *options);
void idem_embedder_free(idem_embedder *e); /* NULL is allowed */

int idem_embedder_dim(const idem_embedder *e); /* D of fr_feature; 0 without it */

/* points: 68 landmarks in unit coordinates of the photograph -> unit vectors feature [D] and judge [128]; either may be
 * NULL. The vector is the mean of the crop's and its mirror image's, which is less sensitive to noise of the crop. */
int idem_embedder_run(idem_embedder *e, const idem_image *photo, const float (*points)[2], float *feature,
                      float *judge);

#endif
