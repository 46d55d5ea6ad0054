#define _GNU_SOURCE
#include "model/model_store.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/models.h"
#include "base/status.h"
#include "engine/precision.h"
#include "engine/threads.h"

enum { FILES = 6 }; /* generator, mapper, chosen recogniser, and of the folder recogniser, landmark net, detector */

/* Of a file that was read; all 0: no file. */
typedef struct {
    dev_t device;
    ino_t inode;
    off_t size;
    time_t seconds;
    long nanoseconds;
} stamp;

typedef struct entry {
    struct entry *next;
    idem_model *model;
    int users;
    char *key;          /* the wish as one text */
    char *files[FILES]; /* paths; NULL: not used */
    stamp stamps[FILES];
} entry;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static entry *entries;

static stamp stamp_of(const char *path) {
    struct stat s;
    if (!path || stat(path, &s))
        return (stamp){0};
    return (stamp){s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
}

static bool same_stamp(const stamp *a, const stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds;
}

static const char *or_none(const char *text) {
    return text ? text : "";
}

static void free_entry(entry *e) {
    idem_model_free(e->model);
    for (int i = 0; i < FILES; i++)
        free(e->files[i]);
    free(e->key);
    free(e);
}

/* folder: of the fetched networks. */
static char *key_of(const idem_model_wish *w, const char *folder) {
    char *key;
    const int n =
        asprintf(&key, "%s\n%s\n%s\n%s\n%s\n%d\n%d\n%d", w->generator, or_none(w->mapper), folder,
                 or_none(w->identity_net), or_none(w->identity_preprocess), w->generator_only, w->threads, idem_bf16());
    return n < 0 ? idem_fail_null_as(IDEM_MEMORY, "out of memory for a model") : key;
}

static entry *find(const char *key) {
    for (entry *e = entries; e; e = e->next) {
        bool same = !strcmp(e->key, key);
        for (int i = 0; i < FILES && same; i++) {
            const stamp now = stamp_of(e->files[i]);
            same = same_stamp(&now, &e->stamps[i]);
        }
        if (same)
            return e;
    }
    return NULL;
}

static int load(idem_model *m, const idem_model_wish *w) {
    if ((w->identity_net && idem_model_choose_recogniser(m, w->identity_net, w->identity_preprocess)) ||
        (w->mapper && idem_model_load_mapper(m, w->mapper)))
        return -1;
    return w->generator_only ? 0 : idem_model_load_frozen(m, w->models);
}

static int keep_path(entry *e, int i, const char *folder, const char *name) {
    if (!name)
        return 0;
    e->files[i] = folder ? idem_path_join(folder, name) : strdup(name);
    e->stamps[i] = stamp_of(e->files[i]);
    return e->files[i] ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a model");
}

/* Stamps are taken before reading, so that a file that changes meanwhile counts as changed. */
static entry *open_entry(const idem_model_wish *w, const char *folder) {
    entry *e = calloc(1, sizeof *e);
    if (!e)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a model");
    const bool frozen = !w->generator_only;
    const idem_team before = idem_team_enter(w->threads); /* graphs also depend on the thread count */
    int status = keep_path(e, 0, NULL, w->generator) || keep_path(e, 1, NULL, w->mapper) ||
                 keep_path(e, 2, NULL, w->identity_net) ||
                 keep_path(e, 4, folder, frozen ? "fr_landmark.onnx" : NULL) ||
                 keep_path(e, 5, folder, frozen ? "fr_detect.onnx" : NULL) || !(e->key = key_of(w, folder)) ||
                 !(e->model = idem_model_open(w->generator)) || load(e->model, w);
    idem_team_leave(&before);
    /* The mapper names the recogniser. */
    if (!status && !w->identity_net)
        status = keep_path(e, 3, folder, idem_model_recogniser_file(e->model));
    if (!status)
        return e;
    free_entry(e);
    return NULL;
}

static entry *find_or_open(const idem_model_wish *w) {
    char folder[PATH_MAX];
    if (idem_models_folder(folder, sizeof folder, w->models))
        return NULL;
    char *key = key_of(w, folder);
    if (!key)
        return NULL;
    entry *e = find(key);
    free(key);
    if (!e && (e = open_entry(w, folder))) {
        e->next = entries;
        entries = e;
    }
    return e;
}

idem_model *idem_model_borrow(const idem_model_wish *wish) {
    pthread_mutex_lock(&mutex);
    entry *e = find_or_open(wish);
    if (e)
        e->users++;
    pthread_mutex_unlock(&mutex);
    return e ? e->model : NULL;
}

void idem_model_give_back(idem_model *m) {
    entry *last = NULL;
    pthread_mutex_lock(&mutex);
    for (entry **at = &entries; *at; at = &(*at)->next)
        if ((*at)->model == m) {
            if (!--(*at)->users) {
                last = *at;
                *at = last->next;
            }
            break;
        }
    pthread_mutex_unlock(&mutex);
    if (last)
        free_entry(last);
}
