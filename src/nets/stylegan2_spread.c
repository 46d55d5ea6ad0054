#include "nets/stylegan2_spread.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "nets/stylegan2.h"

/* NAME of "NAME.weight", if NAME ends in the layer that maps w to a style, in either layout. */
static bool is_style(const char *name, char *layer, size_t size) {
    static const char *const kinds[] = {"conv.modulation", "affine"};
    const size_t n = strlen(name), tail = strlen(".weight");
    if (n < tail || n >= size || strcmp(name + n - tail, ".weight"))
        return false;
    snprintf(layer, size, "%.*s", (int)(n - tail), name);
    const char *last = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !last; i++)
        if (strlen(layer) > strlen(kinds[i]) && !strcmp(layer + strlen(layer) - strlen(kinds[i]), kinds[i]))
            last = layer + strlen(layer) - strlen(kinds[i]);
    return last && last[-1] == '.';
}

static int spread_layer(idem_weight *weight, idem_weight *bias, const char *layer, const float *mean, int w_dim,
                        double spread) {
    const int64_t n = bias ? idem_shape_count(&bias->shape) : 0;
    if (!bias || idem_shape_count(&weight->shape) != n * w_dim)
        return idem_fail("%s: its bias is missing, or its weight is not of %d numbers for each of it", layer, w_dim);
    for (int64_t i = 0; i < n; i++) {
        double at_mean = 0;
        for (int64_t k = 0; k < w_dim; k++) {
            float *a = weight->data + i * w_dim + k;
            at_mean += (double)*a * (double)mean[k];
            *a = (float)(spread * (double)*a);
        }
        bias->data[i] += (float)((1 - spread) * at_mean / sqrt(w_dim)); /* weights are scaled by 1/sqrt(w_dim) */
    }
    return 0;
}

int idem_stylegan2_spread(idem_weights *w, double spread) {
    idem_stylegan2 s;
    if (idem_stylegan2_open(&s, w, NULL))
        return -1;
    const float *mean = idem_stylegan2_mean_w(&s, w);
    if (!mean)
        return idem_fail("there is no mean w (latent_avg) of %d numbers, from which w is spread", s.w_dim);
    char layer[256], name[300];
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        idem_weight *t = idem_weights_at(w, i);
        if (strncmp(t->name, s.prefix, strlen(s.prefix)) || !is_style(t->name, layer, sizeof layer))
            continue;
        snprintf(name, sizeof name, "%s.bias", layer);
        if (spread_layer(t, idem_weights_find(w, name), layer, mean, s.w_dim, spread))
            return -1;
    }
    return 0;
}
