#include "engine/dnn_private.h"

static dnn_layout picture(int64_t n, int64_t c, int64_t h, int64_t w) {
    return (dnn_layout){4, {n, c, h, w}, {h * w * c, 1, w * c, c}};
}

/* The engine's weight order (O, KH, KW, I/groups). */
static dnn_layout weights(const idem_conv_dims *d) {
    int64_t g = d->win.groups, kh = d->win.kernel[0], kw = d->win.kernel[1], i = d->i / g, each = kh * kw * i;
    if (g == 1)
        return (dnn_layout){4, {d->o, i, kh, kw}, {each, 1, kw * i, i}};
    return (dnn_layout){5, {g, d->o / g, i, kh, kw}, {d->o / g * each, each, 1, kw * i, i}};
}

idem_dnn *idem_dnn_conv(const idem_conv_dims *d, idem_frozen weight, const char *name) {
    const idem_window *win = &d->win;
    dnn_task t = {.kind = d->way == IDEM_CONV_FORWARD ? DNN_INFERENCE
                          : d->way == IDEM_CONV_DATA  ? DNN_DATA
                                                      : DNN_WEIGHT,
                  .layout = {[DNN_AT_X] = picture(d->n, d->i, d->h, d->w),
                             [DNN_AT_WEIGHT] = weights(d),
                             [DNN_AT_Y] = picture(d->n, d->o, d->oh, d->ow)},
                  .any_weight = true,
                  .stride = {win->stride[0], win->stride[1]},
                  .dilation = {win->dilation[0] - 1, win->dilation[1] - 1},
                  .pad_low = {win->pad[0], win->pad[1]},
                  .pad_high = {win->pad[2], win->pad[3]},
                  .leaky = d->leaky ? &d->slope : NULL};
    if (d->bias)
        t.layout[DNN_AT_BIAS] = (dnn_layout){1, {d->o}, {1}};
    return idem_dnn_make(&t, weight, name);
}
