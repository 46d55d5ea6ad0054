/* The last step of face detection: from the scores and boxes of fr_detect to a short list of faces. */
#ifndef IDEM_FACE_DETECT_H
#define IDEM_FACE_DETECT_H

#include "face/crop.h"

typedef struct {
    idem_box box; /* unit coordinates of the picture, not clipped */
    float score;
} idem_face;

#define IDEM_DETECT_CONFIDENCE 0.65f
#define IDEM_DETECT_OVERLAP 0.4f
enum { IDEM_DETECT_HEIGHT = 240, IDEM_DETECT_WIDTH = 320 };

/* scores [n][2] (background, face), boxes [n][4] (x0, y0, x1, y1). Candidates above `confidence`, best first, without
 * those that overlap a better one by more than `overlap` (intersection over union). Returns their number, <= max; -1 if
 * memory is short. Boxes that are empty or not finite are skipped. */
int idem_detect_select(idem_face *out, int max, const float *scores, const float *boxes, int n, float confidence,
                       float overlap);

#endif
