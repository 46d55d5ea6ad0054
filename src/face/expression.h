/* The expression network (fr_expression): seven classes of facial expression of a face in a photograph. */
#ifndef IDEM_FACE_EXPRESSION_H
#define IDEM_FACE_EXPRESSION_H

#include "engine/plan.h"
#include "face/crop.h"
#include "media/image.h"

enum { IDEM_EXPRESSIONS = 7 };

typedef struct idem_expression idem_expression;

/* path: fr_expression.onnx; options NULL: all zero. NULL with a message. */
idem_expression *idem_expression_new(const char *path, const idem_plan_options *options);
void idem_expression_free(idem_expression *e); /* NULL is allowed */

/* frame: the face's (align.h), so that it is upright. probability [7], of sum 1. */
int idem_expression_run(idem_expression *e, const idem_image *photo, const idem_crop *frame, float *probability);

/* The most probable class. */
int idem_expression_top(const float *probability);

#endif
