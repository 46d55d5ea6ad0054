#define _GNU_SOURCE /* M_PI */
#include "support/made_faces.h"

#include <math.h>

idem_found made_face(int width, int height, double x, double y, double side, double angle) {
    idem_found f = {.score = 0.9f, .sure = true, .yaw = NAN, .pitch = NAN, .roll = NAN};
    for (int i = 0; i < IDEM_POINTS; i++) {
        double u = 0.45 * cos(2 * M_PI * i / IDEM_POINTS), v = 0.55 * sin(2 * M_PI * i / IDEM_POINTS);
        if (i >= 36 && i < 48) {
            u = (i < 42 ? -0.2 : 0.2) + 0.04 * cos(i);
            v = -0.15 + 0.02 * sin(i);
        } else if (i >= 48) {
            u = i == 48 ? -0.15 : i == 54 ? 0.15 : 0.1 * cos(i);
            v = 0.25;
        }
        f.points[i][0] = (float)((x + side * (u * cos(angle) - v * sin(angle))) / width);
        f.points[i][1] = (float)((y + side * (u * sin(angle) + v * cos(angle))) / height);
    }
    f.box = (idem_box){(float)((x - side / 2) / width), (float)((y - side / 2) / height),
                       (float)((x + side / 2) / width), (float)((y + side / 2) / height)};
    return f;
}
