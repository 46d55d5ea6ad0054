#include "base/gaussian.h"

#include <math.h>

void idem_gaussian(float *weights, int reach, double deviation) {
    double sum = 0;
    for (int i = -reach; i <= reach; i++)
        sum += exp(-i * i / (2 * deviation * deviation));
    for (int i = -reach; i <= reach; i++)
        weights[reach + i] = (float)(exp(-i * i / (2 * deviation * deviation)) / sum);
}
