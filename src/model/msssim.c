#include "model/msssim.h"

#include <math.h>

#include "engine/ops.h"

static const float scale_weight[IDEM_MSSSIM_SCALES] = {0.0448f, 0.2856f, 0.3001f, 0.2363f, 0.1333f};

int idem_msssim_scales(int64_t height, int64_t width) {
    int n = 0;
    for (; n < IDEM_MSSSIM_SCALES && height >= IDEM_MSSSIM_WINDOW && width >= IDEM_MSSSIM_WINDOW; n++) {
        height = (height + 1) / 2;
        width = (width + 1) / 2;
    }
    return n;
}

void idem_msssim_window(double window[IDEM_MSSSIM_WINDOW]) {
    double sum = 0;
    for (int i = 0; i < IDEM_MSSSIM_WINDOW; i++) {
        double d = i - IDEM_MSSSIM_WINDOW / 2;
        window[i] = exp(-d * d / (2 * 1.5 * 1.5));
        sum += window[i];
    }
    for (int i = 0; i < IDEM_MSSSIM_WINDOW; i++)
        window[i] /= sum;
}

static idem_node *blur(idem_node *x) {
    static const int no_pad[4] = {0, 0, 0, 0};
    double exact[IDEM_MSSSIM_WINDOW];
    float window[IDEM_MSSSIM_WINDOW];
    idem_msssim_window(exact);
    for (int i = 0; i < IDEM_MSSSIM_WINDOW; i++)
        window[i] = (float)exact[i];
    return idem_filter(x, window, IDEM_MSSSIM_WINDOW, 1, 1, no_pad);
}

static idem_node *halve(idem_node *x) {
    if (!x)
        return NULL;
    idem_window win = idem_window_make(2, 2, 0);
    win.pad[0] = win.pad[2] = (int)(x->shape.d[2] % 2);
    win.pad[1] = win.pad[3] = (int)(x->shape.d[3] % 2);
    return idem_avgpool(x, win, true);
}

/* One scale: 1 - the spatial mean per channel, [N, C], of the contrast-structure term; at the last scale of the term
 * times luminance. Both are computed as quotients from the pictures' difference d (its variance, its mean squared), so
 * that no precision is lost for similar pictures, whose terms are close to 1. */
static idem_node *scale_one_minus(idem_node *y, idem_node *d, bool last) {
    const float c1 = 0.01f * 0.01f, c2 = 0.03f * 0.03f;
    idem_node *x = idem_add(y, d), *md = blur(d), *my = blur(y), *mx = idem_add(my, md);
    idem_node *mean_squares = idem_add(idem_square(mx), idem_square(my));
    /* Both variances appear only as their sum, so four filters suffice instead of five. */
    idem_node *variances = idem_sub(blur(idem_add(idem_square(x), idem_square(y))), mean_squares);
    idem_node *one_minus = idem_div(idem_sub(blur(idem_square(d)), idem_square(md)), idem_affine(variances, 1, c2));
    if (last) {
        idem_node *luminance = idem_div(idem_square(md), idem_affine(mean_squares, 1, c1));
        one_minus = idem_sub(idem_add(one_minus, luminance), idem_mul(one_minus, luminance));
    }
    return idem_mean_hw(one_minus);
}

idem_node *idem_one_minus_msssim(idem_node *x, idem_node *y) {
    if (!x || !y)
        return NULL;
    char text[64], text_y[64];
    if (x->shape.rank != 4 || !idem_shape_equal(&x->shape, &y->shape))
        return idem_fail_null("MS-SSIM: shapes are %s and %s, expected two equal [N, C, H, W]",
                              idem_shape_text(&x->shape, text), idem_shape_text(&y->shape, text_y));
    int scales = idem_msssim_scales(x->shape.d[2], x->shape.d[3]);
    if (!scales)
        return idem_fail_null("MS-SSIM: pictures are %s, expected sides of at least %d for its window",
                              idem_shape_text(&x->shape, text), IDEM_MSSSIM_WINDOW);
    double sum = 0;
    for (int i = 0; i < scales; i++)
        sum += scale_weight[i];
    idem_node *one_minus = NULL, *d = idem_sub(x, y);
    for (int i = 0; i < scales; i++) {
        bool last = i == scales - 1;
        idem_node *one =
            idem_unary(scale_one_minus(y, d, last), IDEM_UNARY_ONE_MINUS_POW, (float)(scale_weight[i] / sum), 0);
        /* 1 - (1 - a)(1 - b) */
        one_minus = one_minus ? idem_sub(idem_add(one_minus, one), idem_mul(one_minus, one)) : one;
        if (!last) {
            y = halve(y);
            d = halve(d);
        }
    }
    if (!one_minus)
        return NULL;
    int64_t n = one_minus->shape.d[0], c = one_minus->shape.d[1];
    return idem_reshape(idem_reduce_sum(one_minus, IDEM_SHAPE(n, 1), 1.0f / (float)c), IDEM_SHAPE(n));
}

idem_node *idem_msssim(idem_node *x, idem_node *y) {
    return idem_affine(idem_one_minus_msssim(x, y), -1, 1);
}
