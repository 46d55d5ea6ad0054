#include "learn/msssim.h"

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

static void gaussian(float window[IDEM_MSSSIM_WINDOW]) {
    double w[IDEM_MSSSIM_WINDOW], sum = 0;
    for (int i = 0; i < IDEM_MSSSIM_WINDOW; i++) {
        double d = i - IDEM_MSSSIM_WINDOW / 2;
        w[i] = exp(-d * d / (2 * 1.5 * 1.5));
        sum += w[i];
    }
    for (int i = 0; i < IDEM_MSSSIM_WINDOW; i++)
        window[i] = (float)(w[i] / sum);
}

static idem_node *blur(idem_node *x) {
    static const int no_pad[4] = {0, 0, 0, 0};
    float window[IDEM_MSSSIM_WINDOW];
    gaussian(window);
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

/* One scale: the spatial mean per channel, [N, C], of the contrast-structure term, times the luminance term at the
 * last. */
static idem_node *scale_mean(idem_node *x, idem_node *y, bool last) {
    const float c1 = 0.01f * 0.01f, c2 = 0.03f * 0.03f;
    idem_node *mx = blur(x), *my = blur(y);
    idem_node *mean_product = idem_mul(mx, my);
    idem_node *mean_squares = idem_add(idem_square(mx), idem_square(my));
    /* Both variances appear only as their sum, so four filters do instead of five. */
    idem_node *variances = idem_sub(blur(idem_add(idem_square(x), idem_square(y))), mean_squares);
    idem_node *covariance = idem_sub(blur(idem_mul(x, y)), mean_product);
    idem_node *map = idem_div(idem_affine(covariance, 2, c2), idem_affine(variances, 1, c2));
    if (last)
        map = idem_mul(map, idem_div(idem_affine(mean_product, 2, c1), idem_affine(mean_squares, 1, c1)));
    return idem_mean_hw(map);
}

/* max(x, 0)^a with value and gradient 0 where x <= 0: the power's own gradient is infinite there. */
static idem_node *clamped_power(idem_node *x, float a) {
    const float tiny = 1e-20f;
    idem_node *power = idem_unary(idem_unary(x, IDEM_UNARY_CLAMP, tiny, 1e20f), IDEM_UNARY_POW, a, 0);
    return idem_mul(power, idem_unary(idem_affine(x, 1, -tiny), IDEM_UNARY_STEP, 1, 0));
}

idem_node *idem_msssim(idem_node *x, idem_node *y) {
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
    idem_node *product = NULL;
    for (int i = 0; i < scales; i++) {
        bool last = i == scales - 1;
        idem_node *factor = clamped_power(scale_mean(x, y, last), (float)(scale_weight[i] / sum));
        product = product ? idem_mul(product, factor) : factor;
        if (!last) {
            x = halve(x);
            y = halve(y);
        }
    }
    if (!product)
        return NULL;
    int64_t n = product->shape.d[0], c = product->shape.d[1];
    return idem_reshape(idem_reduce_sum(product, IDEM_SHAPE(n, 1), 1.0f / (float)c), IDEM_SHAPE(n));
}
