#define _GNU_SOURCE
#include "media/video.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "media/video_private.h"

enum { MESSAGE = 1024, DAMAGE = 256, SAID = 20 /* places of damage in the log */ };

typedef struct {
    idem_video_frame frame;
    int got; /* 1, 0, -1 */
    idem_kind kind;
    char message[MESSAGE], damage[DAMAGE];
} item;

struct idem_video {
    idem_video_source *source;
    char *path;
    int64_t first;
    char worst[DAMAGE];
    int damaged;
    bool ended; /* the last item was taken */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    item waiting[IDEM_VIDEO_AHEAD]; /* picture i at i % IDEM_VIDEO_AHEAD */
    size_t made, taken;
    bool stop;
};

/* ---- the thread ---- */

static bool wait_for_space(idem_video *v) {
    pthread_mutex_lock(&v->lock);
    while (!v->stop && v->made - v->taken == IDEM_VIDEO_AHEAD)
        pthread_cond_wait(&v->changed, &v->lock);
    const bool go_on = !v->stop;
    pthread_mutex_unlock(&v->lock);
    return go_on;
}

static bool is_stopped(idem_video *v) {
    pthread_mutex_lock(&v->lock);
    const bool stop = v->stop;
    pthread_mutex_unlock(&v->lock);
    return stop;
}

static void read_one(idem_video *v, item *it, int64_t number) {
    it->got = v->source->next(v->source, &it->frame, number < v->first, it->damage, sizeof it->damage);
    it->frame.number = number;
    if (it->got < 0) {
        strncpy(it->message, idem_error(), MESSAGE - 1);
        it->kind = idem_error_kind();
    }
}

static void hand_over(idem_video *v, const item *it) {
    pthread_mutex_lock(&v->lock);
    v->waiting[v->made++ % IDEM_VIDEO_AHEAD] = *it;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

static void *work(void *data) {
    idem_video *v = data;
    for (int64_t number = 0;; number++) {
        item it = {0};
        if (number < v->first ? is_stopped(v) : !wait_for_space(v))
            return NULL;
        read_one(v, &it, number);
        if (it.got > 0 && number < v->first) {
            idem_video_frame_free(&it.frame);
            continue;
        }
        if (number < v->first && !wait_for_space(v))
            return NULL;
        hand_over(v, &it);
        if (it.got <= 0)
            return NULL;
    }
}

/* ---- life ---- */

static idem_video_source *open_source(const char *path) {
    if (idem_path_is_dir(path))
        return idem_video_folder(path);
    if (idem_video_is_webp(path))
        return idem_video_webp(path);
    return idem_video_film(path);
}

idem_video *idem_video_open(const char *path, int64_t first) {
    idem_video *v = calloc(1, sizeof *v);
    if (!v)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    v->first = first;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    if (!(v->path = strdup(path)))
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    else if ((v->source = open_source(path))) {
        const int error = pthread_create(&v->thread, NULL, work, v);
        if (!error) {
            v->started = true;
            return v;
        }
        idem_fail_as(IDEM_INTERNAL, "%s: no thread can be started: %s", path, strerror(error));
    }
    idem_video_close(v);
    return NULL;
}

void idem_video_close(idem_video *v) {
    if (!v)
        return;
    if (v->started) {
        pthread_mutex_lock(&v->lock);
        v->stop = true;
        pthread_cond_signal(&v->changed);
        pthread_mutex_unlock(&v->lock);
        pthread_join(v->thread, NULL);
    }
    for (; v->taken < v->made; v->taken++)
        idem_video_frame_free(&v->waiting[v->taken % IDEM_VIDEO_AHEAD].frame);
    if (v->source)
        v->source->close(v->source);
    pthread_cond_destroy(&v->changed);
    pthread_mutex_destroy(&v->lock);
    free(v->path);
    free(v);
}

const idem_video_info *idem_video_about(const idem_video *v) {
    return &v->source->info;
}

const char *idem_video_path(const idem_video *v) {
    return v->path;
}

const idem_video_source *idem_video_source_of(const idem_video *v) {
    return v->source;
}

/* ---- pictures ---- */

static void note_damage(idem_video *v, const char *what) {
    if (!*what)
        return;
    if (!v->damaged)
        snprintf(v->worst, sizeof v->worst, "%s", what);
    if (v->damaged++ < SAID)
        idem_log(IDEM_LOG_WARNING, "%s is damaged: %s", v->path, what);
    else if (v->damaged == SAID + 1)
        idem_log(IDEM_LOG_WARNING, "%s is damaged in further places", v->path);
}

int idem_video_next(idem_video *v, idem_video_frame *frame) {
    *frame = (idem_video_frame){0};
    if (v->ended)
        return 0;
    pthread_mutex_lock(&v->lock);
    while (v->made == v->taken)
        pthread_cond_wait(&v->changed, &v->lock);
    item it = v->waiting[v->taken++ % IDEM_VIDEO_AHEAD];
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
    v->ended = it.got <= 0;
    note_damage(v, it.damage);
    if (it.got < 0)
        return idem_fail_as(it.kind, "%s", it.message);
    *frame = it.frame;
    return it.got;
}

void idem_video_frame_free(idem_video_frame *f) {
    idem_image_free(&f->image);
    if (f->samples) {
        const idem_av *av = idem_video_library("");
        av->frame_free(f->samples);
    }
    *f = (idem_video_frame){0};
}

int idem_video_damage(const idem_video *v, const char **first) {
    *first = v->worst;
    return v->damaged;
}
