/* Fixtures of networks with pictures in and numbers out: ResNets, the judge, ONNX models. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/losses.h"
#include "nets/inception3.h"
#include "nets/inception_resnet.h"
#include "nets/judge.h"
#include "nets/onnx_graph.h"
#include "nets/resnet.h"
#include "support/fixture.h"

static const json_t *only_input(const fixture *f) {
    const json_t *inputs = json_object_get(f->root, "inputs");
    if (json_array_size(inputs) != 1)
        return idem_fail_null("network %s takes one input, fixture.json has %zu", f->network, json_array_size(inputs));
    return json_array_get(inputs, 0);
}

typedef idem_node *builder(idem_binder *b, idem_node *x, idem_running_list *running);

/* One network by its builder: OUTPUT, grad_input and grad.NAME; in training (NETWORK-train) after.NAME too. */
static int run_encoder(fixture *f, const char *output, builder *build, int (*finish)(idem_binder *)) {
    const json_t *entry = only_input(f);
    idem_graph *g = entry ? idem_graph_new() : NULL;
    if (!g)
        return -1;
    const char *end = strrchr(f->network, '-');
    idem_running_list averages = {.n = 0}, *running = end && strcmp(end, "-train") == 0 ? &averages : NULL;
    idem_binder b = idem_binder_make(g, f->weights, "", fixture_has_prefix(f, "grad."));
    idem_node *x = fixture_input(f, g, entry), *y = build(&b, x, running);
    const int status = !y || finish(&b) ? -1 : fixture_check_net(f, g, x, y, output, running);
    idem_graph_free(g);
    return status;
}

static idem_node *resnet(idem_binder *b, idem_node *x, idem_running_list *running) {
    return idem_resnet(b, x, running ? IDEM_BATCH_STATS : IDEM_FIXED_STATS, running);
}

static idem_node *inception3(idem_binder *b, idem_node *x, idem_running_list *running) {
    return idem_inception3(b, x, running ? IDEM_BATCH_STATS : IDEM_FIXED_STATS, running);
}

static idem_node *inception3_fid(idem_binder *b, idem_node *x, idem_running_list *running) {
    (void)running;
    return idem_inception3_fid(b, x);
}

static idem_node *unit_embedding(idem_binder *b, idem_node *x, idem_running_list *running) {
    (void)running;
    return idem_l2_normalise(idem_inception_resnet(b, x));
}

int fixture_resnet(fixture *f) {
    return run_encoder(f, "pool", resnet, idem_resnet_finish);
}

int fixture_inception3(fixture *f) {
    return run_encoder(f, "pool", inception3, idem_inception3_finish);
}

int fixture_inception3_fid(fixture *f) {
    return run_encoder(f, "pool", inception3_fid, idem_inception3_finish);
}

int fixture_facenet(fixture *f) {
    return run_encoder(f, "embedding", unit_embedding, idem_inception_resnet_finish);
}

/* The file of a downloaded model. */
static char *model_path(fixture *f, const char *file) {
    char *path = idem_path_join(f->models, file);
    if (path && !idem_path_exists(path)) {
        idem_fail("%s is missing: fetch the models, or say where they are with --models", path);
        free(path);
        f->missing_model = true;
        return NULL;
    }
    return path;
}

int fixture_judge(fixture *f) {
    const json_t *entry = only_input(f);
    char *path = entry ? model_path(f, "face_recognition_model-weights_manifest.json") : NULL;
    idem_weights *w = NULL;
    idem_graph *g = NULL;
    if (!path)
        return -1;
    int status = idem_weights_load(&w, path);
    free(path);
    if (!status && (g = idem_graph_new())) {
        idem_binder b = idem_binder_make(g, w, "", false);
        idem_node *x = fixture_input(f, g, entry), *y = idem_judge(&b, x);
        status = y ? fixture_check_net(f, g, x, y, "descriptor", NULL) : -1;
        for (size_t i = 0; i < idem_weights_count(w) && !status; i++)
            if (!idem_weights_at(w, i)->used)
                fixture_failed(f, idem_weights_at(w, i)->name, "a tensor that the network does not use");
    }
    idem_graph_free(g);
    idem_weights_free(w);
    return status;
}

enum { MAX_OUTPUTS = 16 };

/* All outputs of one model that the folder has a file for. */
static int run_model(fixture *f, const idem_onnx *m, const json_t *entry, const char *stem) {
    const char *names[MAX_OUTPUTS];
    char file[MAX_OUTPUTS][160];
    idem_node *out[MAX_OUTPUTS];
    int n = 0;
    for (size_t i = 0; i < m->n_outputs && n < MAX_OUTPUTS; i++) {
        snprintf(file[n], sizeof file[n], "%s.%s", stem, m->outputs[i].name);
        if (fixture_find(f, file[n]))
            names[n++] = m->outputs[i].name;
    }
    if (n == 0)
        return idem_fail("the folder has no expected output of %s", stem);
    idem_graph *g = idem_graph_new();
    idem_node *x = g ? fixture_input(f, g, entry) : NULL;
    idem_plan *p = NULL;
    int status = !x || idem_onnx_build_many(g, m, x, names, n, out) ? -1 : 0;
    if (!status) {
        p = idem_plan_new(out, n, &(idem_plan_options){.threads = f->threads});
        status = p ? idem_plan_run(p) : -1;
    }
    for (int i = 0; i < n && !status; i++)
        status = fixture_check_node(f, file[i], p, out[i]);
    idem_plan_free(p);
    idem_graph_free(g);
    return status;
}

int fixture_onnx(fixture *f) {
    const json_t *inputs = json_object_get(f->root, "inputs");
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const json_t *entry = json_array_get(inputs, i);
        const char *model = json_string_value(json_object_get(entry, "model"));
        if (!model)
            return idem_fail("fixture.json: input %zu names no model", i);
        char *path = model_path(f, model), *stem = idem_path_stem(model);
        idem_onnx *m = NULL;
        int status = !path || !stem || idem_onnx_load(&m, path) ? -1 : run_model(f, m, entry, stem);
        idem_onnx_free(m);
        free(path);
        free(stem);
        if (status)
            return -1;
    }
    return 0;
}
