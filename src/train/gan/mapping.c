#include "train/gan/mapping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "model/covariance.h"
#include "nets/stylegan2.h"

/* Added to each number of z, so that the leaky ReLUs of the layers that copy it are linear: of numbers from a normal
 * distribution one in 30,000 is lower. Rounded to 16 bits, numbers near it lose less than 0.002. */
#define LIFT 4.0
#define SLOPE 0.2 /* of the leaky ReLUs for negative numbers; their gain is the root of 2 */
#define ROOT_HALF 0.70710678118654752
#define LEAST 1e-12 /* mean variance of codes that differ */
#define FLOOR 1e-6  /* of the mean variance, added to each: fewer codes than numbers have a singular covariance */

typedef struct {
    const char *prefix;
    int layers, z, w;
} network;

static idem_weight *tensor(idem_weights *w, const char *prefix, int layer, const char *what) {
    char name[96];
    snprintf(name, sizeof name, "%sstyle.%d.%s", prefix, layer, what);
    return idem_weights_find(w, name);
}

static int measure(network *n, idem_weights *w, const char *prefix) {
    *n = (network){.prefix = prefix};
    while (tensor(w, prefix, n->layers + 1, "weight") && tensor(w, prefix, n->layers + 1, "bias"))
        n->layers++;
    if (!n->layers)
        return idem_fail("%sstyle.1.weight: there is no mapping network to fit", prefix);
    n->z = (int)tensor(w, prefix, 1, "weight")->shape.d[1];
    n->w = (int)tensor(w, prefix, n->layers, "weight")->shape.d[0];
    return n->z >= n->w ? 0 : idem_fail("codes of %d numbers are mapped to %d, expected no fewer", n->z, n->w);
}

/* T [W, W] with T T' the covariance of the inputs of the last leaky ReLU for these codes, and their mean. x: room for
 * [n, W], r for [W, W]. T = R' H: R is Cholesky's factor, H the reflection that turns (1, ..., 1) into the last axis,
 * where R' is smallest, so that T (1, ..., 1) stays small in 16 bits. */
static int root_of_covariance(double *t, double *mean, double *r, double *x, const double *codes, size_t n, int width) {
    for (size_t i = 0; i < n * (size_t)width; i++)
        x[i] = codes[i] * ROOT_HALF / (codes[i] < 0 ? SLOPE : 1);
    if (!(idem_covariance_root(r, x, mean, n, width, (double)n, FLOOR) > LEAST))
        return idem_fail("the known codes do not differ, or are not finite: no mapping network has them");
    const double one = 1 / sqrt(width), square = 2 - 2 * one; /* of v = (one, ..., one, one - 1), whose mirror H is */
    for (int i = 0; i < width; i++) {
        double *row = t + i * width, along = 0;
        for (int k = 0; k < width; k++)
            row[k] = k > i ? 0 : r[k * width + i];
        for (int k = 0; k < width; k++)
            along += row[k] * (one - (k == width - 1));
        for (int k = 0; k < width && width > 1; k++)
            row[k] -= 2 * along / square * (one - (k == width - 1));
    }
    return 0;
}

static void write(idem_weight *to, const double *values, double rate, float *buffer) {
    const int64_t count = idem_shape_count(&to->shape);
    for (int64_t i = 0; i < count; i++)
        buffer[i] = (float)(values[i] / rate);
    idem_weight_write(to, buffer);
}

/* x: room for the larger of [W, Z] and W. */
static void write_layers(const network *n, idem_weights *w, const double *t, const double *mean, double *x,
                         float *buffer) {
    const double bias_rate = (double)IDEM_STYLEGAN2_MAPPING_RATE;
    for (int layer = 1; layer <= n->layers; layer++) {
        idem_weight *weight = tensor(w, n->prefix, layer, "weight");
        const int in = (int)weight->shape.d[1], out = (int)weight->shape.d[0];
        const bool last = layer == n->layers;
        for (int i = 0; i < out; i++)
            for (int k = 0; k < in; k++)
                x[i * in + k] = k >= n->w ? 0 : last ? t[i * n->w + k] : i == k ? ROOT_HALF : 0;
        write(weight, x, bias_rate / sqrt(in), buffer);
        for (int i = 0; i < out; i++) {
            x[i] = last ? mean[i] : layer == 1 ? LIFT * ROOT_HALF : 0;
            for (int k = 0; k < n->w && last && layer > 1; k++)
                x[i] -= LIFT * t[i * n->w + k];
        }
        write(tensor(w, n->prefix, layer, "bias"), x, bias_rate, buffer);
    }
}

int idem_gan_mapping_fit(idem_weights *w, const char *prefix, const double *codes, size_t count) {
    network n;
    if (measure(&n, w, prefix))
        return -1;
    if (count < 2)
        return idem_fail("%zu known codes: expected at least 2 to fit a mapping network", count);
    const size_t width = (size_t)n.w, most = (size_t)n.z * (size_t)(n.z > n.w ? n.z : n.w);
    double *x = malloc((count * width > most ? count * width : most) * sizeof *x);
    double *t = malloc(2 * width * width * sizeof *t), *mean = malloc(width * sizeof *mean);
    float *buffer = malloc(most * sizeof *buffer);
    int status = x && t && mean && buffer ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory to fit a mapping network");
    if (!status)
        status = root_of_covariance(t, mean, t + width * width, x, codes, count, n.w);
    if (!status)
        write_layers(&n, w, t, mean, x, buffer);
    free(x);
    free(t);
    free(mean);
    free(buffer);
    return status;
}
