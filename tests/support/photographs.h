/* Photographs for tests: faces of samples/ put into larger pictures at known places, and the networks that find them.
 */
#ifndef IDEM_TESTS_SUPPORT_PHOTOGRAPHS_H
#define IDEM_TESTS_SUPPORT_PHOTOGRAPHS_H

#include <stdbool.h>

#include "face/finder.h"

/* Folder of the downloaded networks, as a path that is good everywhere. */
const char *photograph_models(void);
/* Skips the calling test when those for photographs are not in it. */
void photograph_need_models(void);

/* A face of samples/ (which fills its frame) in a photograph of width x height: centre, side in pixels, turn in
 * degrees. place: the frame it was put in; NULL: not wanted. */
idem_image photograph(const char *face, int width, int height, double cx, double cy, double side, double turn,
                      idem_crop *place);
/* The same of 640 x 480 as DIR/NAME, a PNG. */
void photograph_save(const char *dir, const char *name, const char *face, double side);
/* Two such side by side, so that the picture has two faces; sizes in pixels. */
void photograph_save_pair(const char *dir, const char *name, const char *const faces[2], const double sides[2]);

idem_finder *photograph_finder(bool pose);

#endif
