#include "learn/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

enum { KEEP = 2, PATH_MAX_BYTES = 4096 };

static const char PREFIX[] = "checkpoint-", SUFFIX[] = ".safetensors";

/* ---- the state as metadata: every field one text, doubles in hexadecimal and so exact ---- */

typedef enum { TEXT_I64, TEXT_U64, TEXT_INT, TEXT_DOUBLES, TEXT_I64S } text_kind;

typedef struct {
    const char *key;
    text_kind kind;
    size_t offset;
} field;

#define FIELD(kind, name)                                                                                              \
    { "run." #name, kind, offsetof(idem_run_state, name) }

static const field fields[] = {
    FIELD(TEXT_INT, threads),           FIELD(TEXT_U64, data_count),      FIELD(TEXT_I64, iteration),
    FIELD(TEXT_I64, evaluated),         FIELD(TEXT_U64, cursor.pictures), FIELD(TEXT_U64, cursor.codes),
    FIELD(TEXT_I64, metrics_offset),    FIELD(TEXT_DOUBLES, sum),         FIELD(TEXT_I64S, count),
    FIELD(TEXT_I64, skipped_landmarks), FIELD(TEXT_I64, skipped_steps),   FIELD(TEXT_I64, skipped_in_a_row),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static void field_text(char text[512], const idem_run_state *s, const field *f) {
    const void *at = (const char *)s + f->offset;
    size_t used = 0;
    switch (f->kind) {
    case TEXT_INT:
        snprintf(text, 512, "%d", *(const int *)at);
        break;
    case TEXT_I64:
        snprintf(text, 512, "%" PRId64, *(const int64_t *)at);
        break;
    case TEXT_U64:
        snprintf(text, 512, "%" PRIu64, *(const uint64_t *)at);
        break;
    case TEXT_DOUBLES:
        for (int i = 0; i < IDEM_RUN_SUMS; i++)
            used += (size_t)snprintf(text + used, 512 - used, "%s%a", i ? " " : "", ((const double *)at)[i]);
        break;
    case TEXT_I64S:
        for (int i = 0; i < IDEM_RUN_SUMS; i++)
            used += (size_t)snprintf(text + used, 512 - used, "%s%" PRId64, i ? " " : "", ((const int64_t *)at)[i]);
        break;
    }
}

static int field_parse(idem_run_state *s, const field *f, const char *text) {
    void *at = (char *)s + f->offset;
    char *end = (char *)text;
    errno = 0;
    switch (f->kind) {
    case TEXT_INT:
        *(int *)at = (int)strtol(text, &end, 10);
        break;
    case TEXT_I64:
        *(int64_t *)at = strtoll(text, &end, 10);
        break;
    case TEXT_U64:
        *(uint64_t *)at = strtoull(text, &end, 10);
        break;
    case TEXT_DOUBLES:
        for (int i = 0; i < IDEM_RUN_SUMS; i++)
            ((double *)at)[i] = strtod(end, &end);
        break;
    case TEXT_I64S:
        for (int i = 0; i < IDEM_RUN_SUMS; i++)
            ((int64_t *)at)[i] = strtoll(end, &end, 10);
        break;
    }
    return end == text || *end || errno == ERANGE
               ? idem_fail("metadata \"%s\" is \"%s\", expected numbers", f->key, text)
               : 0;
}

static int state_store(idem_weights *w, const idem_run_state *s, const char *generator) {
    char text[512];
    for (int i = 0; i < FIELDS; i++) {
        field_text(text, s, &fields[i]);
        if (idem_weights_set_meta(w, fields[i].key, text))
            return -1;
    }
    return idem_recipe_store(&s->recipe, w) || idem_weights_set_meta(w, "generator", generator) ? -1 : 0;
}

static int state_load(idem_run_state *s, const idem_weights *w) {
    *s = (idem_run_state){0};
    for (int i = 0; i < FIELDS; i++) {
        const char *text = idem_weights_meta(w, fields[i].key);
        if (!text)
            return idem_fail("metadata has no \"%s\"", fields[i].key);
        if (field_parse(s, &fields[i], text))
            return -1;
    }
    if (s->iteration < 0 || s->metrics_offset < 0 || s->threads < 1)
        return idem_fail("metadata holds negative numbers");
    return idem_recipe_load(&s->recipe, w);
}

/* ---- files ---- */

/* Names of all checkpoints of the folder, oldest first (numbers are padded, so strcmp order is theirs). */
static int list(const char *run, char ***names, size_t *n) {
    if (idem_dir_list(run, "safetensors", names, n))
        return -1;
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (strncmp((*names)[i], PREFIX, sizeof PREFIX - 1))
            free((*names)[i]);
        else
            (*names)[kept++] = (*names)[i];
    }
    *n = kept;
    return 0;
}

static int prune(const char *run) {
    char **names;
    size_t n;
    if (list(run, &names, &n))
        return -1;
    int status = 0;
    for (size_t i = 0; i + KEEP < n && !status; i++) {
        char *path = idem_path_join(run, names[i]);
        if (!path || remove(path))
            status = idem_fail("%s/%s: cannot remove: %s", run, names[i], strerror(errno));
        free(path);
    }
    idem_names_free(names, n);
    return status;
}

int idem_checkpoint_save(const char *run, idem_weights *tensors, const idem_run_state *state, const char *generator) {
    char path[PATH_MAX_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s%010" PRId64 "%s", run, PREFIX, state->iteration, SUFFIX);
    if (n >= (int)sizeof path)
        return idem_fail("%.100s...: the path is too long", run);
    if (state_store(tensors, state, generator) || idem_weights_save(tensors, path, IDEM_DTYPE_F32))
        return -1;
    return prune(run);
}

static int load_one(const char *path, idem_weights **tensors, idem_run_state *state) {
    if (idem_weights_load(tensors, path))
        return -1;
    if (!state_load(state, *tensors))
        return 0;
    idem_weights_free(*tensors);
    *tensors = NULL;
    return idem_fail("%s: %s", path, idem_error());
}

int idem_checkpoint_load(const char *run, idem_weights **tensors, idem_run_state *state, const char *generator) {
    char **names;
    size_t n;
    *tensors = NULL;
    if (list(run, &names, &n))
        return -1;
    int status = 0;
    for (size_t i = n; i-- > 0 && status != 1;) {
        char *path = idem_path_join(run, names[i]);
        status = path && !load_one(path, tensors, state) ? 1 : -1;
        if (status < 0)
            idem_log(IDEM_LOG_WARNING, "passed over: %s", idem_error());
        free(path);
    }
    idem_names_free(names, n);
    if (status != 1)
        return status;
    const char *hash = idem_weights_meta(*tensors, "generator");
    if (hash && !strcmp(hash, generator))
        return 1;
    idem_weights_free(*tensors);
    *tensors = NULL;
    return idem_fail("%s: this run trains for the generator with hash %s, not for %s: name its generator", run,
                     hash ? hash : "?", generator);
}
