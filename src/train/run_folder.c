#define _POSIX_C_SOURCE 200809L
#include "train/run_folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "train/checkpoint.h"

static const char LOCK[] = ".lock",
                  BUSY[] = "another process is writing to this folder: wait for its end, or name another folder";

struct idem_run_folder {
    char *path, *lock;
    int file; /* holds the lock; -1: none */
    bool made;
};

static int claim(idem_run_folder *f, const char *path) {
    f->path = strdup(path);
    if (!f->path || !(f->lock = idem_path_join(path, LOCK)))
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a file name", path);
    if (idem_dir_enter(path, &f->made))
        return -1;
    f->file = idem_file_claim(f->lock, path, BUSY);
    return f->file < 0 ? -1 : 0;
}

idem_run_folder *idem_run_folder_claim(const char *path) {
    idem_run_folder *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a folder", path);
    f->file = -1;
    if (claim(f, path)) {
        idem_run_folder_release(f);
        return NULL;
    }
    return f;
}

void idem_run_folder_release(idem_run_folder *f) {
    if (!f)
        return;
    if (f->file >= 0) {
        unlink(
            f->lock); /* before releasing the lock: another process that opened it meanwhile sees that it was removed */
        close(f->file);
    }
    idem_dir_leave(f->path, f->made);
    free(f->path);
    free(f->lock);
    free(f);
}

const char *idem_run_folder_path(const idem_run_folder *f) {
    return f->path;
}

int idem_run_folder_check(const char *path, bool resume) {
    struct stat st;
    char *lines = idem_path_join(path, "metrics.jsonl");
    if (!lines)
        return -1;
    const bool begun = stat(lines, &st) == 0 && st.st_size > 0;
    free(lines);
    const int kept = idem_checkpoint_any(path);
    if (kept < 0)
        return -1;
    if (!resume && (begun || kept))
        return idem_fail(
            "%s: a run exists already in this folder: name another, or continue that run with options.resume", path);
    return resume && begun && !kept
               ? idem_fail("%s: holds the results of a run, but no checkpoint to continue from: name another folder, "
                           "or remove this one",
                           path)
               : 0;
}

int idem_run_folder_look(const char *path, bool resume) {
    char *lock = idem_path_join(path, LOCK);
    int status = lock ? 0 : -1;
    if (lock && idem_path_exists(lock)) {
        const int file = idem_file_claim(lock, path, BUSY);
        status = file < 0 ? -1 : close(file);
    }
    free(lock);
    return status ? -1 : idem_run_folder_check(path, resume);
}
