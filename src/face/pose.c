#include "face/pose.h"

#include <math.h>

float idem_pose_angle(const float *logits) {
    double top = logits[0], sum = 0, angle = 0;
    for (int k = 1; k < IDEM_POSE_BINS; k++)
        top = fmax(top, (double)logits[k]);
    for (int k = 0; k < IDEM_POSE_BINS; k++) {
        double p = exp((double)logits[k] - top);
        sum += p;
        angle += p * k;
    }
    return (float)(3 * angle / sum - 99);
}
