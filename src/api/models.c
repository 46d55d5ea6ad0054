/* The public library's lists of models, and their formats (include/idem/models.h). */
#include <stdlib.h>

#include "api/structs.h"
#include "base/models.h"
#include "base/status.h"
#include "format/registry.h"
#include "idem.h"
#include "model/convert.h"

_Static_assert((int)IDEM_LISTED_ABSENT == (int)IDEM_FILE_ABSENT && (int)IDEM_LISTED_OK == (int)IDEM_FILE_OK &&
                   (int)IDEM_LISTED_WRONG == (int)IDEM_FILE_WRONG &&
                   (int)IDEM_WEIGHTS_UNKNOWN == IDEM_CONVERT_UNKNOWN &&
                   (int)IDEM_WEIGHTS_SAFETENSORS == (int)IDEM_CONVERT_SAFETENSORS &&
                   (int)IDEM_WEIGHTS_TORCH == (int)IDEM_CONVERT_TORCH,
               "states and formats of models.h, registry.h and convert.h");

int idem_find_shipped(const char *file, char *path, size_t size) {
    if (!file || !path)
        return idem_fail("idem_find_shipped: an argument is NULL");
    return idem_models_shipped(path, size, file);
}

int idem_find_models(const char *models, char *path, size_t size) {
    return path ? idem_models_folder(path, size, models) : idem_fail("idem_find_models: path is NULL");
}

/* ---- the list ---- */

typedef struct {
    idem_model_list list; /* first: the caller's pointer */
    idem_arena *arena;
    idem_registry registry;
} owner;

static int copy_files(idem_listed_model *to, const idem_registry_model *m, idem_arena *a) {
    idem_listed_file *files = idem_arena_array(a, (size_t)m->n_files, sizeof *files);
    for (int i = 0; files && i < m->n_files; i++) {
        const idem_registry_file *f = &m->files[i];
        files[i] = (idem_listed_file){f->file, f->sha256, f->bytes, f->member, f->url};
    }
    *to = (idem_listed_model){m->name, m->what, m->licence, m->contract, m->package, m->version, files, m->n_files};
    return files ? 0 : -1;
}

static int read_list(owner *o, const char *path) {
    if (!(o->arena = idem_arena_new()) || idem_registry_open(&o->registry, o->arena, path))
        return -1;
    const int n = o->registry.n;
    idem_listed_model *models = idem_arena_array(o->arena, (size_t)n, sizeof *models);
    for (int i = 0; i < n; i++)
        if (!models || copy_files(&models[i], &o->registry.models[i], o->arena))
            return -1;
    o->list = (idem_model_list){models, n};
    return models ? 0 : -1;
}

idem_model_list *idem_read_model_list(const char *path) {
    owner *o = calloc(1, sizeof *o);
    if (!o)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a list of models");
    if (!read_list(o, path))
        return &o->list;
    idem_free_model_list(&o->list);
    return NULL;
}

void idem_free_model_list(idem_model_list *list) {
    owner *o = (owner *)list;
    if (!o)
        return;
    idem_registry_close(&o->registry);
    idem_arena_free(o->arena);
    free(o);
}

int idem_check_listed_file(const idem_listed_file *f, const char *folder, int *state) {
    if (!f || !folder || !state)
        return idem_fail("idem_check_listed_file: an argument is NULL");
    idem_file_state s;
    if (idem_registry_check(&s, &(idem_registry_file){.file = f->file, .sha256 = f->sha256, .bytes = f->bytes}, folder))
        return -1;
    *state = (int)s;
    return 0;
}

int idem_check_listed_model(const idem_listed_model *m, const char *folder, int *state) {
    if (!m || !folder || !state)
        return idem_fail("idem_check_listed_model: an argument is NULL");
    *state = IDEM_LISTED_OK;
    for (int i = 0; i < m->files; i++) {
        int s;
        if (idem_check_listed_file(&m->file[i], folder, &s))
            return -1;
        if (s != IDEM_LISTED_OK && *state != IDEM_LISTED_WRONG)
            *state = s;
    }
    return 0;
}

/* ---- other formats ---- */

int idem_weights_format(const char *path) {
    return path ? (int)idem_convert_kind_of(path) : IDEM_WEIGHTS_UNKNOWN;
}

void idem_convert_options_init(idem_convert_options *options, size_t struct_size) {
    idem_struct_clear(options, struct_size);
    if (options && struct_size >= sizeof *options)
        options->spread = 1;
}

int idem_convert(const idem_convert_options *options, const char *from, const char *to, size_t *tensors) {
    static const char call[] = "idem_convert";
    idem_convert_options o;
    idem_convert_options_default(&o);
    if (options && idem_struct_check(call, options, sizeof o))
        return -1;
    if (options)
        o = *options;
    if (!from || !to)
        return idem_fail("%s: %s is NULL, expected a file", call, from ? "to" : "from");
    if (!(o.spread > 0) || o.spread > 1e6)
        return idem_fail("%s: spread is %g, expected more than 0 and at most 1e6", call, o.spread);
    const idem_convert_kind kind = idem_convert_kind_of(to);
    if (kind == IDEM_CONVERT_UNKNOWN)
        return idem_fail("%s: \"%s\" must end in .safetensors, .pt or .pth, which selects the format", call, to);
    if (kind == IDEM_CONVERT_TORCH && (o.frame || o.licence || o.origin))
        return idem_fail("%s: frame, licence and origin need .safetensors; \"%s\" cannot store them", call, to);
    const idem_conversion c = {.from = from,
                               .to = to,
                               .half = o.half,
                               .frame = o.frame,
                               .spread = o.spread,
                               .licence = o.licence,
                               .origin = o.origin,
                               .models = o.models};
    return idem_weights_convert(&c, tensors);
}
