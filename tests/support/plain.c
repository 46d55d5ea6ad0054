#include "support/plain.h"

void plain_convolution(const idem_conv_dims *d, const float *x, const float *wt, const float *y, double *out) {
    const idem_window *win = &d->win;
    int64_t ig = d->i / win->groups, og = d->o / win->groups, taps = (int64_t)win->kernel[0] * win->kernel[1];
    for (int64_t at = 0; at < d->n * d->oh * d->ow * taps; at++) {
        int64_t pixel = at / taps, kh = at % taps / win->kernel[1], kw = at % win->kernel[1];
        int64_t n = pixel / (d->oh * d->ow), oh = pixel / d->ow % d->oh, ow = pixel % d->ow;
        int64_t h = oh * win->stride[0] + kh * win->dilation[0] - win->pad[0];
        int64_t w = ow * win->stride[1] + kw * win->dilation[1] - win->pad[1];
        if (h < 0 || h >= d->h || w < 0 || w >= d->w)
            continue;
        for (int64_t o = 0; o < d->o; o++) {
            int64_t at_x = ((n * d->h + h) * d->w + w) * d->i + o / og * ig;
            int64_t at_w = ((o * win->kernel[0] + kh) * win->kernel[1] + kw) * ig;
            int64_t at_y = pixel * d->o + o;
            for (int64_t i = 0; i < ig; i++)
                if (!y)
                    out[at_y] += (double)x[at_x + i] * (double)wt[at_w + i];
                else if (!x)
                    out[at_x + i] += (double)y[at_y] * (double)wt[at_w + i];
                else
                    out[at_w + i] += (double)x[at_x + i] * (double)y[at_y];
        }
    }
}
