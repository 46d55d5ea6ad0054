#include "train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/op.h"

enum { KEEP = 2, PATH_MAX_BYTES = 4096 };

static const char PREFIX[] = "checkpoint-", SUFFIX[] = ".safetensors";

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
            status = idem_fail_as(IDEM_INTERNAL, "%s/%s: cannot remove: %s", run, names[i], strerror(errno));
        free(path);
    }
    idem_names_free(names, n);
    return status;
}

static int path_of(char path[PATH_MAX_BYTES], const char *run, int64_t iteration) {
    const int n = snprintf(path, PATH_MAX_BYTES, "%s/%s%010" PRId64 "%s", run, PREFIX, iteration, SUFFIX);
    return n < PATH_MAX_BYTES ? 0 : idem_fail("%.100s...: the path is too long", run);
}

void idem_checkpoint_drop_first(const char *run) {
    char path[PATH_MAX_BYTES];
    if (!path_of(path, run, 0))
        remove(path);
}

int idem_checkpoint_save(const char *run, int64_t iteration, const idem_weights *tensors) {
    char path[PATH_MAX_BYTES];
    if (path_of(path, run, iteration))
        return -1;
    return idem_weights_save(tensors, path, IDEM_DTYPE_F32) ? -1 : prune(run);
}

static int load_one(const char *path, idem_weights **tensors, idem_checkpoint_reader *read, void *state) {
    if (idem_weights_load(tensors, path))
        return -1;
    if (!read(state, *tensors))
        return 0;
    idem_weights_free(*tensors);
    *tensors = NULL;
    return idem_fail_more("%s: %s", path, idem_error());
}

int idem_checkpoint_any(const char *run) {
    char **names;
    size_t n;
    if (!idem_path_is_dir(run))
        return 0;
    if (list(run, &names, &n))
        return -1;
    idem_names_free(names, n);
    return n > 0;
}

int idem_checkpoint_load(const char *run, idem_weights **tensors, idem_checkpoint_reader *read, void *state) {
    char **names;
    size_t n;
    *tensors = NULL;
    if (!idem_path_is_dir(run))
        return 0;
    if (list(run, &names, &n))
        return -1;
    int status = 0;
    for (size_t i = n; i-- > 0 && status != 1;) {
        char *path = idem_path_join(run, names[i]);
        status = path && !load_one(path, tensors, read, state) ? 1 : -1;
        free(path);
        if (status < 0 && idem_error_kind() != IDEM_INPUT)
            break; /* the newest may be complete: an older one would lose work */
        if (status < 0)
            idem_log(IDEM_LOG_WARNING, "passed over: %s", idem_error());
    }
    idem_names_free(names, n);
    return status;
}

int idem_checkpoint_threads(int asked, int saved) {
    if (asked && asked != saved)
        return idem_fail("options.threads is %d but the run's thread count is %d, and results depend on it: leave it "
                         "out to continue that run",
                         asked, saved);
    idem_threads_set(saved);
    if (idem_threads() != saved)
        return idem_fail("the run's thread count is %d, and results depend on it, but OpenMP gives %d here: unset "
                         "OMP_THREAD_LIMIT to continue that run",
                         saved, idem_threads());
    return 0;
}

int idem_checkpoint_precision(bool bf16, bool saved) {
    return bf16 == saved
               ? 0
               : idem_fail("options.precision is %s but the run's is %s, and results depend on it: set it to %s to "
                           "continue that run",
                           bf16 ? "bf16" : "f32", saved ? "bf16" : "f32", saved ? "bf16" : "f32");
}

int idem_checkpoint_data(idem_weights *tensors, bool resumed, const char *dir, const char *digest) {
    const char *before = idem_weights_meta(tensors, "run.data");
    return resumed && before && strcmp(before, digest)
               ? idem_fail("%s: names or sizes of its files differ from those of the run's data: give it its data, or "
                           "start another run in a new folder",
                           dir)
               : idem_weights_set_meta(tensors, "run.data", digest);
}

int idem_checkpoint_stopped(const char *run, int64_t iteration, int saved) {
    return saved ? idem_fail_as(
                       IDEM_INTERRUPTED,
                       "interrupted, and its state could not be saved: %s; options.resume continues from the last "
                       "checkpoint",
                       idem_error())
                 : idem_fail_as(IDEM_INTERRUPTED,
                                "interrupted: checkpoint at iteration %" PRId64
                                " saved in %s; continue with options.resume",
                                iteration, run);
}
