#include "compose/candidate.h"

#include <math.h>
#include <stdlib.h>

#include "face/box.h"

static const float about_its_size = 2.5f;
/* Factor on its size for looking again. */
static const double look_again = 3;

bool idem_candidate_is_reading(const idem_image *photo, const idem_box *candidate, const idem_box *sure,
                               const idem_region *sure_region) {
    const double x = (double)(candidate->x0 + candidate->x1) / 2 * photo->width,
                 y = (double)(candidate->y0 + candidate->y1) / 2 * photo->height;
    const float u = (sure->x0 + sure->x1) / 2, v = (sure->y0 + sure->y1) / 2;
    return idem_region_has(sure_region, x, y, IDEM_FACE_CORE) ||
           (u > candidate->x0 && u < candidate->x1 && v > candidate->y0 && v < candidate->y1 &&
            candidate->x1 - candidate->x0 < about_its_size * (sure->x1 - sure->x0));
}

int idem_candidate_is_seen_again(idem_studio *s, const idem_image *photo, const idem_box *b, double unsure) {
    const double w = (double)(b->x1 - b->x0) * photo->width, h = (double)(b->y1 - b->y0) * photo->height,
                 reach = look_again * fmax(w, h) / 2, x = (double)(b->x0 + b->x1) / 2 * photo->width,
                 y = (double)(b->y0 + b->y1) / 2 * photo->height;
    const int x0 = (int)fmin(fmax(x - reach, 0), photo->width - 1),
              y0 = (int)fmin(fmax(y - reach, 0), photo->height - 1),
              x1 = (int)fmin(fmax(x + reach, x0 + 1), photo->width),
              y1 = (int)fmin(fmax(y + reach, y0 + 1), photo->height);
    idem_image part;
    idem_found *found;
    if (idem_image_cut(&part, photo, x0, y0, x1 - x0, y1 - y0))
        return -1;
    const int n =
        idem_finder_run(idem_studio_finder(s), &part, &(idem_find_options){.confidence = (float)unsure}, &found);
    int seen = n < 0 ? -1 : 0;
    for (int i = 0; i < n; i++) {
        const idem_box *in = &found[i].box;
        const idem_box whole = {((float)x0 + in->x0 * (float)part.width) / (float)photo->width,
                                ((float)y0 + in->y0 * (float)part.height) / (float)photo->height,
                                ((float)x0 + in->x1 * (float)part.width) / (float)photo->width,
                                ((float)y0 + in->y1 * (float)part.height) / (float)photo->height};
        seen = seen || idem_box_common(&whole, b) > 0.5;
    }
    if (n >= 0)
        free(found);
    idem_image_free(&part);
    return seen;
}
