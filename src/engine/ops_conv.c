/* Convolution in its three directions, closed under differentiation: the gradients of each are the other two. */
#include "engine/conv.h"
#include "engine/fuse.h"
#include "engine/op.h"

extern const idem_op idem_op_conv, idem_op_conv_data, idem_op_conv_weight;

idem_window idem_window_make(int kernel, int stride, int pad) {
    return (idem_window){{kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad, pad, pad}, 1, false};
}

/* ---- checks ---- */

static const char *const way_name[] = {"conv", "conv_data", "conv_weight"};

static int check_rank4(idem_conv_way way, const char *what, const idem_node *n) {
    char text[64];
    if (n->shape.rank == 4)
        return 0;
    return idem_fail("%s: %s %s has shape %s, expected four axes", way_name[way], what, n->name,
                     idem_shape_text(&n->shape, text));
}

/* Output positions along one axis; below 1 if the window does not fit. */
static int64_t positions(int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t before,
                         int64_t after) {
    int64_t span = size + before + after - ((kernel - 1) * dilation + 1);
    return span < 0 ? 0 : span / stride + 1;
}

static int check_window(const idem_conv_dims *d, const char *name) {
    const idem_window *win = &d->win;
    for (int a = 0; a < 2; a++)
        if (win->kernel[a] < 1 || win->stride[a] < 1 || win->dilation[a] < 1 || win->pad[a] < 0 || win->pad[a + 2] < 0)
            return idem_fail(
                "%s of %s: kernel %dx%d, stride %dx%d, dilation %dx%d, pads %d %d %d %d; expected all positive, "
                "pads not negative",
                way_name[d->way], name, win->kernel[0], win->kernel[1], win->stride[0], win->stride[1],
                win->dilation[0], win->dilation[1], win->pad[0], win->pad[1], win->pad[2], win->pad[3]);
    if (win->groups < 1 || d->i % win->groups || d->o % win->groups)
        return idem_fail("%s of %s: %d groups do not divide %lld input and %lld output channels", way_name[d->way],
                         name, win->groups, (long long)d->i, (long long)d->o);
    int64_t oh = positions(d->h, win->kernel[0], win->stride[0], win->dilation[0], win->pad[0], win->pad[2]);
    int64_t ow = positions(d->w, win->kernel[1], win->stride[1], win->dilation[1], win->pad[1], win->pad[3]);
    if (oh != d->oh || ow != d->ow || oh < 1 || ow < 1)
        return idem_fail("%s of %s: a %dx%d window over %lldx%lld gives %lldx%lld positions, expected %lldx%lld",
                         way_name[d->way], name, win->kernel[0], win->kernel[1], (long long)d->h, (long long)d->w,
                         (long long)oh, (long long)ow, (long long)d->oh, (long long)d->ow);
    return 0;
}

/* ---- constructors ---- */

idem_node *idem_conv(idem_node *x, idem_node *weight, idem_node *bias, idem_window win) {
    if (!x || !weight || check_rank4(IDEM_CONV_FORWARD, "input", x) || check_rank4(IDEM_CONV_FORWARD, "weight", weight))
        return NULL;
    const int64_t *xs = x->shape.d, *ws = weight->shape.d;
    win.kernel[0] = (int)ws[2];
    win.kernel[1] = (int)ws[3];
    if (ws[1] * win.groups != xs[1]) {
        char a[64], b[64];
        return idem_fail_null("conv of %s: weight %s %s in %d groups does not fit input %s", x->name, weight->name,
                              idem_shape_text(&weight->shape, a), win.groups, idem_shape_text(&x->shape, b));
    }
    if (bias && (bias->shape.rank != 1 || bias->shape.d[0] != ws[0])) {
        char a[64];
        return idem_fail_null("conv of %s: bias %s has shape %s, expected [%lld]", x->name, bias->name,
                              idem_shape_text(&bias->shape, a), (long long)ws[0]);
    }
    idem_conv_dims d = {.way = IDEM_CONV_FORWARD,
                        .n = xs[0],
                        .i = xs[1],
                        .h = xs[2],
                        .w = xs[3],
                        .o = ws[0],
                        .win = win,
                        .bias = bias != NULL};
    if (win.stride[0] > 0 && win.stride[1] > 0) {
        d.oh = positions(d.h, ws[2], win.stride[0], win.dilation[0], win.pad[0], win.pad[2]);
        d.ow = positions(d.w, ws[3], win.stride[1], win.dilation[1], win.pad[1], win.pad[3]);
    }
    if (check_window(&d, x->name))
        return NULL;
    idem_node *in[] = {x, weight, bias};
    return idem_node_new(&idem_op_conv, IDEM_SHAPE(d.n, d.o, d.oh, d.ow), in, bias ? 3 : 2, &d, sizeof d);
}

idem_node *idem_conv_data(idem_node *dy, idem_node *weight, idem_window win, int64_t h, int64_t w) {
    if (!dy || !weight || check_rank4(IDEM_CONV_DATA, "input", dy) || check_rank4(IDEM_CONV_DATA, "weight", weight))
        return NULL;
    const int64_t *ys = dy->shape.d, *ws = weight->shape.d;
    win.kernel[0] = (int)ws[2];
    win.kernel[1] = (int)ws[3];
    if (ws[0] != ys[1]) {
        char a[64], b[64];
        return idem_fail_null("conv_data of %s: weight %s %s does not fit output gradient %s", dy->name, weight->name,
                              idem_shape_text(&weight->shape, a), idem_shape_text(&dy->shape, b));
    }
    idem_conv_dims d = {.way = IDEM_CONV_DATA,
                        .n = ys[0],
                        .i = ws[1] * win.groups,
                        .h = h,
                        .w = w,
                        .o = ys[1],
                        .oh = ys[2],
                        .ow = ys[3],
                        .win = win};
    if (check_window(&d, dy->name))
        return NULL;
    idem_node *in[] = {dy, weight};
    return idem_node_new(&idem_op_conv_data, IDEM_SHAPE(d.n, d.i, h, w), in, 2, &d, sizeof d);
}

idem_node *idem_conv_weight(idem_node *x, idem_node *dy, idem_window win) {
    if (!x || !dy || check_rank4(IDEM_CONV_WEIGHT, "input", x) || check_rank4(IDEM_CONV_WEIGHT, "output gradient", dy))
        return NULL;
    const int64_t *xs = x->shape.d, *ys = dy->shape.d;
    if (xs[0] != ys[0]) {
        char a[64], b[64];
        return idem_fail_null("conv_weight of %s: input %s and output gradient %s differ in the number of pictures",
                              x->name, idem_shape_text(&x->shape, a), idem_shape_text(&dy->shape, b));
    }
    idem_conv_dims d = {.way = IDEM_CONV_WEIGHT,
                        .n = xs[0],
                        .i = xs[1],
                        .h = xs[2],
                        .w = xs[3],
                        .o = ys[1],
                        .oh = ys[2],
                        .ow = ys[3],
                        .win = win};
    if (check_window(&d, x->name))
        return NULL;
    idem_node *in[] = {x, dy};
    return idem_node_new(&idem_op_conv_weight, IDEM_SHAPE(d.o, d.i / win.groups, win.kernel[0], win.kernel[1]), in, 2,
                         &d, sizeof d);
}

/* ---- running ---- */

static bool has_frozen_weight(const idem_node *n) {
    return ((const idem_conv_dims *)n->attr)->way != IDEM_CONV_WEIGHT && n->in[1]->frozen;
}

static int takes(const idem_node *n) {
    return idem_convolution_takes(n->attr, has_frozen_weight(n));
}

static int prepare(idem_step *s) {
    idem_conv_dims d = *(const idem_conv_dims *)s->node->attr;
    idem_frozen weight = {0};
    if (has_frozen_weight(s->node))
        weight = (idem_frozen){s->node->in[1], s->in[1]};
    if (s->chain) {
        d.residual = s->chain->residual;
        d.slopes = s->chain->slopes;
        d.leaky = s->chain->leaky;
        d.slope = s->chain->slope;
        d.scaled = s->chain->before != NULL;
    }
    s->state = idem_convolution_new(&d, weight, s->node->name);
    if (!s->state)
        return -1;
    s->scratch_bytes = idem_convolution_scratch(s->state);
    s->unread = !idem_convolution_reads_weight(s->state);
    return 0;
}

static void forward(const idem_step *s) {
    idem_convolution_run(s->state, (const float *const *)s->in, s->out, s->scratch);
}

static void release(idem_step *s) {
    idem_convolution_free(s->state);
    s->state = NULL;
}

const char *idem_conv_kernel(const idem_step *s) {
    return idem_convolution_kernel(s->state);
}

static void cost(const idem_node *n, double *flops, double *bytes) {
    const idem_conv_dims *d = n->attr;
    *flops = idem_conv_flops(d);
    *bytes = (double)sizeof(float) * (double)idem_shape_count(&n->shape);
    for (int k = 0; k < n->n_in; k++)
        *bytes += (double)sizeof(float) * (double)idem_shape_count(&n->in[k]->shape);
}

/* ---- gradients ---- */

static int made(const bool *want, idem_node *const *dx, int n) {
    for (int k = 0; k < n; k++)
        if (want[k] && !dx[k])
            return -1;
    return 0;
}

static int conv_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const idem_conv_dims *d = n->attr;
    if (want[0])
        dx[0] = idem_conv_data(dy, n->in[1], d->win, d->h, d->w);
    if (want[1])
        dx[1] = idem_conv_weight(n->in[0], dy, d->win);
    if (d->bias && want[2])
        dx[2] = idem_reshape(idem_reduce_sum(dy, IDEM_SHAPE(1, d->o, 1, 1), 1), IDEM_SHAPE(d->o));
    return made(want, dx, n->n_in);
}

static int conv_data_gradient(idem_node *n, idem_node *g, const bool *want, idem_node **dx) {
    const idem_conv_dims *d = n->attr;
    if (want[0])
        dx[0] = idem_conv(g, n->in[1], NULL, d->win);
    if (want[1])
        dx[1] = idem_conv_weight(g, n->in[0], d->win);
    return made(want, dx, 2);
}

static int conv_weight_gradient(idem_node *n, idem_node *g, const bool *want, idem_node **dx) {
    const idem_conv_dims *d = n->attr;
    if (want[0])
        dx[0] = idem_conv_data(n->in[1], g, d->win, d->h, d->w);
    if (want[1])
        dx[1] = idem_conv(n->in[0], g, NULL, d->win);
    return made(want, dx, 2);
}

const idem_op idem_op_conv = {.name = "conv",
                              .prepare = prepare,
                              .forward = forward,
                              .release = release,
                              .gradient = conv_gradient,
                              .cost = cost,
                              .takes = takes};
const idem_op idem_op_conv_data = {.name = "conv_data",
                                   .prepare = prepare,
                                   .forward = forward,
                                   .release = release,
                                   .gradient = conv_data_gradient,
                                   .cost = cost,
                                   .takes = takes};
const idem_op idem_op_conv_weight = {.name = "conv_weight",
                                     .prepare = prepare,
                                     .forward = forward,
                                     .release = release,
                                     .gradient = conv_weight_gradient,
                                     .cost = cost};
