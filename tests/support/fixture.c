#define _POSIX_C_SOURCE 200809L
#include "support/fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/fill.h"

enum { MAX_GRADS = 64 };

/* ---- entries ---- */

const json_t *fixture_entry(const fixture *f, const char *list, const char *name) {
    const json_t *all = json_object_get(f->root, list);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *e = json_array_get(all, i);
        const char *have = json_string_value(json_object_get(e, "name"));
        if (have && strcmp(have, name) == 0)
            return e;
    }
    return NULL;
}

static int entry_shape(const json_t *entry, idem_shape *shape) {
    const json_t *dims = json_object_get(entry, "shape");
    const size_t rank = json_array_size(dims);
    if (!json_is_array(dims) || rank > IDEM_MAX_RANK)
        return idem_fail("fixture.json: an entry has no shape of at most %d dimensions", IDEM_MAX_RANK);
    int64_t count = 1;
    shape->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        shape->d[i] = json_integer_value(json_array_get(dims, i));
        if (shape->d[i] < 1 || shape->d[i] > INT32_MAX / count)
            return idem_fail("fixture.json: an entry has an impossible shape");
        count *= shape->d[i];
    }
    return 0;
}

static int entry_fill(const fixture *f, const json_t *entry, float *values, size_t count) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    const json_t *a = json_object_get(entry, "a"), *b = json_object_get(entry, "b");
    if (!name || !json_is_number(a) || !json_is_number(b))
        return idem_fail("fixture.json: an entry lacks name, a or b");
    fixture_fill(values, count, f->salt, name, json_number_value(a), json_number_value(b));
    return 0;
}

int fixture_fill_entry(const fixture *f, const json_t *entry, idem_shape *shape, float **values) {
    if (entry_shape(entry, shape))
        return -1;
    const size_t count = (size_t)idem_shape_count(shape);
    *values = malloc(count * sizeof **values);
    if (!*values)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu numbers", count);
    if (entry_fill(f, entry, *values, count)) {
        free(*values);
        return -1;
    }
    return 0;
}

idem_node *fixture_input(const fixture *f, idem_graph *g, const json_t *entry) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *layout = json_string_value(json_object_get(entry, "layout"));
    idem_shape s;
    float *values;
    if (fixture_fill_entry(f, entry, &s, &values))
        return NULL;
    const bool nhwc = layout && strcmp(layout, "NHWC") == 0 && s.rank == 4;
    idem_node *n = idem_input(g, name, nhwc ? IDEM_SHAPE(s.d[0], s.d[3], s.d[1], s.d[2]) : s);
    if (n && nhwc)
        memcpy(n->leaf, values, (size_t)idem_shape_count(&s) * sizeof *values);
    else if (n)
        idem_node_write(n, values);
    free(values);
    return n;
}

idem_node *fixture_cotangent(const fixture *f, idem_graph *g, const char *name) {
    const json_t *entry = fixture_entry(f, "cotangents", name);
    return entry ? fixture_input(f, g, entry) : idem_fail_null("fixture.json has no cotangent \"%s\"", name);
}

static int fill_tensors(fixture *f) {
    const json_t *all = json_object_get(f->root, "tensors");
    f->weights = idem_weights_new();
    if (!f->weights)
        return idem_fail_as(IDEM_MEMORY, "out of memory for tensors");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *e = json_array_get(all, i);
        const char *name = json_string_value(json_object_get(e, "name"));
        idem_shape shape;
        if (!name)
            return idem_fail("fixture.json: tensor %zu has no name", i);
        if (entry_shape(e, &shape))
            return -1;
        idem_weight *w = idem_weights_add(f->weights, name, shape);
        if (!w || entry_fill(f, e, w->data, (size_t)idem_shape_count(&shape)))
            return -1;
    }
    return 0;
}

/* ---- files ---- */

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int list_files(fixture *f, const char *dir) {
    char **names;
    size_t count;
    if (idem_dir_list(dir, "npy|f32", &names, &count))
        return -1;
    f->files = calloc(count + 1, sizeof *f->files);
    for (size_t i = 0; f->files && i < count; i++) {
        fixture_file *file = &f->files[f->n_files++];
        file->name = strdup(names[i]);
        file->path = idem_path_join(dir, names[i]);
        if (file->name)
            file->name[strlen(file->name) - 4] = 0;
    }
    idem_names_free(names, count);
    return f->files ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for file names");
}

fixture_file *fixture_find(const fixture *f, const char *name) {
    for (size_t i = 0; i < f->n_files; i++)
        if (strcmp(f->files[i].name, name) == 0)
            return &f->files[i];
    return NULL;
}

bool fixture_has_prefix(const fixture *f, const char *prefix) {
    for (size_t i = 0; i < f->n_files; i++)
        if (strncmp(f->files[i].name, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

static int load(const fixture_file *file, idem_shape *shape, float **values) {
    if (ends_with(file->path, ".npy"))
        return idem_npy_load(file->path, shape, values);
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(file->path, (size_t)1 << 31, &bytes, &size))
        return -1;
    *shape = IDEM_SHAPE((int64_t)(size / 4));
    *values = malloc(size + 1);
    for (size_t i = 0; *values && i < size / 4; i++) {
        const unsigned char *p = bytes + 4 * i;
        const uint32_t u = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        memcpy(*values + i, &u, 4);
    }
    free(bytes);
    return *values ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %s", file->path);
}

int fixture_read(fixture *f, const char *name, idem_shape *shape, float **values) {
    fixture_file *file = fixture_find(f, name);
    if (!file)
        return idem_fail("the fixture has no %s.npy", name);
    file->is_input = true;
    return load(file, shape, values);
}

/* ---- verdicts ---- */

static void verdict(fixture *f, const char *name, double error) {
    const bool ok = error <= f->tolerance; /* false for NaN */
    f->n_checked++;
    f->n_failed += !ok;
    fprintf(f->out, "%-36s error %.2e  tolerance %.0e  %s\n", name, error, f->tolerance, ok ? "ok" : "FAILED");
}

void fixture_failed(fixture *f, const char *name, const char *why) {
    f->n_checked++;
    f->n_failed++;
    fprintf(f->out, "%-36s FAILED: %s\n", name, why);
}

/* max |got - want| / max |want|; NaN anywhere gives NaN. */
static double relative_error(const float *got, const float *want, size_t count) {
    double worst = 0, scale = 0;
    for (size_t i = 0; i < count; i++) {
        const double d = fabs((double)got[i] - want[i]);
        if (!isfinite(d))
            return NAN;
        worst = d > worst ? d : worst;
        scale = fabs((double)want[i]) > scale ? fabs((double)want[i]) : scale;
    }
    return scale > 0 ? worst / scale : worst;
}

int fixture_check(fixture *f, const char *name, const float *got, size_t count) {
    fixture_file *file = fixture_find(f, name);
    if (!file || file->is_input)
        return 0;
    idem_shape shape;
    float *want;
    if (load(file, &shape, &want))
        return -1;
    file->checked = true;
    const size_t n = (size_t)idem_shape_count(&shape);
    if (n != count) {
        char why[96];
        snprintf(why, sizeof why, "%zu numbers, expected %zu", count, n);
        fixture_failed(f, name, why);
    } else {
        verdict(f, name, relative_error(got, want, count));
    }
    free(want);
    return 0;
}

int fixture_check_node(fixture *f, const char *name, const idem_plan *p, const idem_node *n) {
    if (!fixture_find(f, name))
        return 0;
    const size_t count = (size_t)idem_shape_count(&n->shape);
    float *got = malloc(count * sizeof *got);
    if (!got)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %s", name);
    idem_plan_read(p, n, got);
    const int status = fixture_check(f, name, got, count);
    free(got);
    return status;
}

void fixture_check_value(fixture *f, const char *name, double got, double want) {
    verdict(f, name, fabs(got - want) / (want != 0 ? fabs(want) : 1));
}

/* ---- networks of one input and one output ---- */

int fixture_wanted_grads(const fixture *f, idem_graph *g, idem_node **param, const char **name, int max) {
    int n = 0;
    for (size_t i = 0; i < f->n_files; i++) {
        if (strncmp(f->files[i].name, "grad.", 5) != 0)
            continue;
        if (n == max)
            return idem_fail("more than %d files grad.NAME", max);
        const idem_weight *w = idem_weights_find(f->weights, f->files[i].name + 5);
        param[n] = NULL;
        for (int id = 0; w && id < idem_graph_size(g) && !param[n]; id++)
            if (idem_graph_node(g, id)->leaf == w->data)
                param[n] = idem_graph_node(g, id);
        if (!param[n])
            return idem_fail("%s: the network has no such parameter", f->files[i].name);
        name[n++] = f->files[i].name;
    }
    return n;
}

int fixture_check_net(fixture *f, idem_graph *g, idem_node *input, idem_node *output, const char *name,
                      const idem_running_list *running) {
    const int n_running = running ? running->n : 0;
    const char *names[MAX_GRADS + 2] = {name};
    idem_node *wrt[MAX_GRADS + 1] = {input}, *target[MAX_GRADS + 2 + IDEM_MAX_RUNNING] = {output};
    const bool grad_input = fixture_find(f, "grad_input") != NULL;
    int n = grad_input;
    names[1] = "grad_input";
    const int params = fixture_wanted_grads(f, g, wrt + n, names + 1 + n, MAX_GRADS);
    if (params < 0)
        return -1;
    n += params;
    if (n > 0) {
        char cotangent[80];
        snprintf(cotangent, sizeof cotangent, "cotangent.%s", name);
        idem_node *seed = fixture_cotangent(f, g, cotangent);
        if (!seed || idem_gradients_seeded(output, seed, wrt, n, target + 1))
            return -1;
    }
    for (int i = 0; i < n_running; i++)
        target[n + 1 + i] = running->item[i].stats;
    idem_plan *p = idem_plan_new(target, n + 1 + n_running, &(idem_plan_options){.threads = f->threads});
    int status = p ? idem_plan_run(p) : -1;
    for (int i = 0; i <= n && !status; i++)
        status = fixture_check_node(f, names[i], p, target[i]);
    if (running && !status)
        idem_running_update(running, p, 0.1f);
    for (int i = 0; i < 2 * n_running && !status; i++) {
        const idem_weight *w = i % 2 ? running->item[i / 2].var : running->item[i / 2].mean;
        char file[160];
        snprintf(file, sizeof file, "after.%s", w->name);
        status = fixture_check(f, file, w->data, (size_t)idem_shape_count(&w->shape));
    }
    idem_plan_free(p);
    return status;
}

/* ---- a whole folder ---- */

static const struct {
    const char *network;
    int (*run)(fixture *f);
    const char *spare[3]; /* tensors a checkpoint carries and these outputs do not need: prefixes */
} networks[] = {{"stylegan2", fixture_stylegan2, {"latent_avg", "g_ema.latent_avg"}},
                {"stylegan2-ada", fixture_stylegan2, {"mapping.w_avg", "G_ema.mapping.w_avg"}},
                {"onnx", fixture_onnx, {NULL}},
                {"dlib-resnet", fixture_judge, {NULL}},
                {"resnet18", fixture_resnet, {"fc."}},
                {"resnet18-train", fixture_resnet, {NULL}},
                {"resnet50", fixture_resnet, {"fc."}},
                {"inception3", fixture_inception3, {"fc.", "AuxLogits."}},
                {"inception3-train", fixture_inception3, {NULL}},
                {"inception3-fid", fixture_inception3_fid, {"fc.", "AuxLogits."}},
                {"facenet", fixture_facenet, {"logits."}},
                {"losses", fixture_losses, {NULL}}};

static int open_folder(fixture *f, const char *dir) {
    char *path = idem_path_join(dir, "fixture.json");
    json_error_t error;
    f->root = path ? json_load_file(path, JSON_REJECT_DUPLICATES, &error) : NULL;
    free(path);
    if (!f->root)
        return idem_fail("%s/fixture.json: %s", dir, error.text);
    f->network = json_string_value(json_object_get(f->root, "network"));
    f->salt = json_string_value(json_object_get(f->root, "salt"));
    const json_t *tolerance = json_object_get(f->root, "tolerance");
    if (!f->network || !json_is_number(tolerance))
        return idem_fail("%s/fixture.json: network or tolerance is missing", dir);
    f->tolerance = json_number_value(tolerance);
    f->salt = f->salt ? f->salt : "";
    return list_files(f, dir) || fill_tensors(f) ? -1 : 0;
}

static bool is_spare(const char *name, const char *const spare[3]) {
    for (int i = 0; i < 3 && spare[i]; i++)
        if (strncmp(name, spare[i], strlen(spare[i])) == 0)
            return true;
    return false;
}

static void report_rest(fixture *f, const char *const spare[3]) {
    for (size_t i = 0; i < f->n_files; i++)
        if (!f->files[i].checked && !f->files[i].is_input)
            fixture_failed(f, f->files[i].name, "expected, but this program does not make it");
    for (size_t i = 0; i < idem_weights_count(f->weights); i++) {
        const idem_weight *w = idem_weights_at(f->weights, i);
        if (!w->used && !is_spare(w->name, spare))
            fixture_failed(f, w->name, "a tensor that the network does not use");
    }
    if (f->n_checked == 0)
        fixture_failed(f, f->network, "the folder holds no expected output");
}

static void close_folder(fixture *f) {
    for (size_t i = 0; i < f->n_files; i++) {
        free(f->files[i].name);
        free(f->files[i].path);
    }
    free(f->files);
    idem_weights_free(f->weights);
    json_decref(f->root);
}

int fixture_run(const char *dir, const char *models, int threads, FILE *out, bool *missing_model) {
    fixture f = {.models = models, .threads = threads, .out = out};
    int status = open_folder(&f, dir);
    size_t k = 0;
    while (!status && k < sizeof networks / sizeof *networks && strcmp(networks[k].network, f.network) != 0)
        k++;
    if (!status && k == sizeof networks / sizeof *networks)
        status = idem_fail("network \"%s\" is not known to this program", f.network);
    if (!status)
        status = networks[k].run(&f);
    if (missing_model)
        *missing_model = f.missing_model;
    if (!status)
        report_rest(&f, networks[k].spare);
    status = status ? -1 : f.n_failed > 0;
    close_folder(&f);
    return status;
}
