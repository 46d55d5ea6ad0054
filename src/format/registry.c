#include "format/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "format/bytes.h"
#include "format/registry_text.h" /* made from models/registry.json by CMake */

/* Neither empty nor hidden nor a path: fetched files are written under this name. */
static bool is_plain(const char *name) {
    return *name && *name != '.' && !strchr(name, '/');
}

static bool is_sha256(const char *text) {
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static bool is_url(const char *text) {
    return !strncmp(text, "https://", 8) || !strncmp(text, "http://", 7) || !strncmp(text, "file:///", 8);
}

static int read_file(idem_registry_file *f, json_t *item, bool packed, const char *model, const char *what) {
    json_error_t error;
    if (json_unpack_ex(item, &error, 0, "{s:s, s:I, s:s, s?s, s?s}", "file", &f->file, "bytes", &f->bytes, "sha256",
                       &f->sha256, "member", &f->member, "url", &f->url))
        return idem_fail("%s: %s: %s", what, model, error.text);
    if (!is_plain(f->file))
        return idem_fail("%s: %s: \"%s\" is not a file name, expected one without folders or a leading dot", what,
                         model, f->file);
    if (f->member && (strstr(f->member, "..") || !*f->member || f->member[strlen(f->member) - 1] == '/'))
        return idem_fail("%s: %s: \"%s\" is not a file of a package", what, model, f->member);
    if (!packed && (!f->url || !is_url(f->url)))
        return idem_fail(
            "%s: %s: %s is in no package, expected a \"url\" that begins with https://, http:// or file://", what,
            model, f->file);
    if (f->bytes < 1 || !is_sha256(f->sha256))
        return idem_fail("%s: %s: %s has %lld bytes and SHA-256 \"%s\", expected a size and 64 hexadecimal digits",
                         what, model, f->file, (long long)f->bytes, f->sha256);
    return 0;
}

static int read_model(idem_registry_model *m, json_t *item, const char *what) {
    json_t *files;
    json_error_t error;
    if (json_unpack_ex(item, &error, 0, "{s:s, s:s, s:s, s:s, s?s, s?s, s:o}", "name", &m->name, "what", &m->what,
                       "licence", &m->licence, "contract", &m->contract, "package", &m->package, "version", &m->version,
                       "files", &files))
        return idem_fail("%s: %s", what, error.text);
    if (!m->package != !m->version || (m->package && (*m->package == '-' || !is_plain(m->version))))
        return idem_fail("%s: %s: expected a package of npm with its version, or neither", what, m->name);
    size_t n = json_array_size(files);
    if (n < 1 || n > IDEM_REGISTRY_FILES)
        return idem_fail("%s: %s has %zu files, expected 1 to %d", what, m->name, n, IDEM_REGISTRY_FILES);
    m->n_files = (int)n;
    for (size_t i = 0; i < n; i++)
        if (read_file(&m->files[i], json_array_get(files, i), m->package != NULL, m->name, what))
            return -1;
    return 0;
}

int idem_registry_parse(idem_registry *r, idem_arena *a, const char *text, size_t size, const char *what) {
    *r = (idem_registry){0};
    json_error_t error;
    if (idem_json_check((const unsigned char *)text, size, what))
        return -1;
    if (!(r->root = json_loadb(text, size, 0, &error)))
        return idem_fail("%s: line %d: %s", what, error.line, error.text);
    json_t *models = json_object_get(r->root, "models"), *item;
    size_t i;
    bool ok = json_is_array(models) || idem_fail("%s: has no list \"models\"", what) == 0;
    if (ok)
        ok = (r->models = idem_arena_array(a, json_array_size(models), sizeof *r->models)) != NULL;
    json_array_foreach(models, i, item) {
        ok = ok && read_model(&r->models[i], item, what) == 0;
        r->n++;
    }
    if (ok)
        return 0;
    idem_registry_close(r);
    return -1;
}

int idem_registry_open(idem_registry *r, idem_arena *a, const char *path) {
    unsigned char *text;
    size_t size;
    *r = (idem_registry){0};
    if (!path)
        return idem_registry_parse(r, a, registry_text, strlen(registry_text), "models/registry.json");
    if (idem_file_read(path, (size_t)2 << 20, &text, &size))
        return -1;
    int status = idem_registry_parse(r, a, (const char *)text, size, path);
    free(text);
    return status;
}

void idem_registry_close(idem_registry *r) {
    json_decref(r->root);
    *r = (idem_registry){0};
}

int idem_registry_check(idem_file_state *state, const idem_registry_file *f, const char *folder) {
    char *path = idem_path_join(folder, f->file), hex[65];
    if (!path)
        return -1;
    struct stat st;
    int status = 0;
    *state = IDEM_FILE_ABSENT;
    if (stat(path, &st) == 0) {
        *state = IDEM_FILE_WRONG;
        if (st.st_size == f->bytes && !(status = idem_sha256_file(path, hex)) && !strcmp(hex, f->sha256))
            *state = IDEM_FILE_OK;
    }
    free(path);
    return status;
}
