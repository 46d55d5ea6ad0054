#include "measure/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "format/weights.h"
#include "model/model.h"
#include "nets/inception3.h"
#include "nets/mobilenet2.h"

struct idem_features {
    size_t picture; /* numbers of one picture */
    size_t batch;
    const char *name;
    idem_weights *weights;
    idem_graph *graph;
    idem_node *x, *out;
    idem_plan *plan;
};

int idem_features_load_mobilenet(idem_weights **w, const char *models) {
    char model[4096], shard[4096];
    return idem_models_find(model, sizeof model, models, "mobilenet_v2.model.min.js") ||
                   idem_models_find(shard, sizeof shard, models, "mobilenet_v2.shard1.min.js") ||
                   idem_manifest_js_load(w, model, shard)
               ? -1
               : 0;
}

static int build(idem_features *f, const char *models, const char *inception, int size,
                 const idem_plan_options *options) {
    f->name = inception ? "InceptionV3 of the published FID" : "MobileNetV2 of nsfwjs 4.3.0";
    if (inception ? idem_weights_load(&f->weights, inception) : idem_features_load_mobilenet(&f->weights, models))
        return -1;
    if (!(f->graph = idem_graph_new()))
        return -1;
    idem_binder b = idem_binder_make(f->graph, f->weights, "", false);
    f->x = idem_input(f->graph, "pictures", IDEM_SHAPE((int64_t)f->batch, 3, size, size));
    f->out = inception ? idem_inception3_fid(&b, f->x) : idem_mobilenet2(&b, f->x);
    if (!f->out || (inception && idem_inception3_finish(&b)))
        return -1;
    f->plan = idem_plan_new(&f->out, 1, options);
    return f->plan ? 0 : -1;
}

idem_features *idem_features_new(const char *models, const char *inception, int size, int batch,
                                 const idem_plan_options *options) {
    idem_features *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for features");
    f->picture = (size_t)size * (size_t)size * 3;
    f->batch = (size_t)batch;
    if (build(f, models, inception, size, options)) {
        idem_features_free(f);
        return NULL;
    }
    return f;
}

void idem_features_free(idem_features *f) {
    if (!f)
        return;
    idem_plan_free(f->plan);
    if (f->graph)
        idem_graph_free(f->graph);
    idem_weights_free(f->weights);
    free(f);
}

const char *idem_features_name(const idem_features *f) {
    return f->name;
}

size_t idem_features_width(const idem_features *f) {
    return (size_t)f->out->shape.d[1];
}

int idem_features_run(idem_features *f, size_t n, const float *pictures, float *out) {
    const size_t width = idem_features_width(f);
    for (size_t first = 0; first < n; first += f->batch) {
        const size_t count = n - first < f->batch ? n - first : f->batch;
        const float *from = pictures + first * f->picture;
        for (size_t i = 0; i < count * f->picture; i++)
            f->x->leaf[i] = rintf(fminf(fmaxf(from[i], 0), 1) * 255) / 255;
        if (idem_plan_run(f->plan))
            return -1;
        memcpy(out + first * width, idem_plan_value(f->plan, f->out), count * width * sizeof *out);
    }
    return 0;
}
