#include "train/mapper/schedule.h"

#include <math.h>

idem_turn idem_schedule_turn(const idem_recipe *r, int64_t iteration) {
    return (idem_turn){
        .cross = iteration % r->cross_every == 0,
        .adversarial = r->adversarial_halved || iteration % r->adversarial_every == 0,
    };
}

double idem_schedule_rate(const idem_recipe *r, int64_t iteration) {
    double factor = 1, tail = r->decay * (double)r->iterations, into = (double)(iteration - r->iterations) + tail;
    if (iteration < r->warmup)
        factor = (double)(iteration + 1) / (double)r->warmup;
    if (tail > 0 && into > 0)
        factor *= 0.5 * (1 + cos(3.141592653589793 * (into < tail ? into / tail : 1)));
    return factor;
}
