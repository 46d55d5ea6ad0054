/* Faces as a finder gives them, made from numbers: for tests that need no picture. */
#ifndef IDEM_TESTS_SUPPORT_MADE_FACES_H
#define IDEM_TESTS_SUPPORT_MADE_FACES_H

#include "face/finder.h"

/* Eyes, nose, mouth and an outline about (x, y), the eyes 0.4 side apart, turned by an angle; pixels of a picture of
 * width x height. */
idem_found made_face(int width, int height, double x, double y, double side, double angle);

#endif
