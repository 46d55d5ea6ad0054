#define _GNU_SOURCE
#include "media/video_write.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/status.h"
#include "media/video_part.h"
#include "media/video_private.h"

enum { MESSAGE = 1024 };

typedef struct {
    idem_video_frame frame;
    void *state;
    size_t state_size;
} item;

struct idem_video_out {
    idem_video_sink *sink;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    item waiting[IDEM_VIDEO_AHEAD];
    size_t put, taken, done;
    bool stop, ended; /* drop waiting pictures; no more will come */
    int status;
    idem_kind kind;
    char message[MESSAGE];
};

/* ---- the thread ---- */

static bool wait_for_work(idem_video_out *o, item *it) {
    pthread_mutex_lock(&o->lock);
    while (!o->stop && !o->ended && o->put == o->taken)
        pthread_cond_wait(&o->changed, &o->lock);
    const bool has = !o->stop && o->put != o->taken;
    if (has)
        *it = o->waiting[o->taken++ % IDEM_VIDEO_AHEAD];
    pthread_mutex_unlock(&o->lock);
    return has;
}

static void note(idem_video_out *o, int status) {
    pthread_mutex_lock(&o->lock);
    if (status && !o->status) {
        o->status = -1;
        o->kind = idem_error_kind();
        strncpy(o->message, idem_error(), MESSAGE - 1);
    }
    o->done++;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static void *work(void *data) {
    idem_video_out *o = data;
    item it;
    bool failed = false;
    while (wait_for_work(o, &it)) {
        int status = 0;
        if (failed)
            idem_video_frame_free(&it.frame);
        else
            status = o->sink->put(o->sink, &it.frame, it.state, it.state_size);
        failed |= status != 0;
        free(it.state);
        note(o, status);
    }
    return NULL;
}

/* ---- life ---- */

static bool ends_in(const char *path, const char *ending) {
    const size_t n = strlen(path), k = strlen(ending);
    return n > k && !strcasecmp(path + n - k, ending);
}

static idem_video_sink *open_sink(const char *path, const idem_video *source, const idem_video_out_options *options) {
    const idem_video_kind from = idem_video_about(source)->kind;
    if (idem_path_same(path, idem_video_path(source)))
        return idem_fail_null("%s: is the clip itself; write to another file", path);
    if (from == IDEM_VIDEO_FILM)
        return idem_video_film_sink(path, source, options);
    if (options->resume)
        return idem_fail_null("%s: only films can be resumed; start again without resuming", path);
    return ends_in(path, ".webp") ? idem_video_webp_sink(path, source, options)
                                  : idem_video_folder_sink(path, source, options);
}

idem_video_out *idem_video_out_open(const char *path, const idem_video *source, const idem_video_out_options *options) {
    idem_video_out *o = calloc(1, sizeof *o);
    if (!o)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    if ((o->sink = open_sink(path, source, options))) {
        const int error = pthread_create(&o->thread, NULL, work, o);
        if (!error) {
            o->started = true;
            return o;
        }
        idem_fail_as(IDEM_INTERNAL, "%s: no thread can be started: %s", path, strerror(error));
    }
    idem_video_out_free(o);
    return NULL;
}

static void join(idem_video_out *o, bool drop) {
    if (!o->started)
        return;
    pthread_mutex_lock(&o->lock);
    o->stop = drop;
    o->ended = true;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    o->started = false;
}

void idem_video_out_free(idem_video_out *o) {
    if (!o)
        return;
    join(o, true);
    for (; o->taken < o->put; o->taken++) {
        idem_video_frame_free(&o->waiting[o->taken % IDEM_VIDEO_AHEAD].frame);
        free(o->waiting[o->taken % IDEM_VIDEO_AHEAD].state);
    }
    if (o->sink)
        o->sink->close(o->sink);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

void idem_video_out_abandon(idem_video_out *o) {
    o->sink->abandoned = true;
}

const char *idem_video_out_codec(const idem_video_out *o) {
    return o->sink->codec;
}

const char *idem_video_out_why(const idem_video_out *o) {
    return o->sink->why;
}

int64_t idem_video_out_done(const idem_video_out *o) {
    return o->sink->done;
}

const void *idem_video_out_state(const idem_video_out *o, size_t *size) {
    *size = o->sink->state_size;
    return o->sink->state;
}

bool idem_video_out_ends_part(const idem_video_out *o, int64_t number) {
    (void)o;
    return (number + 1) % IDEM_PART_FRAMES == 0;
}

/* ---- pictures ---- */

int idem_video_out_put(idem_video_out *o, idem_video_frame *frame, const void *state, size_t size) {
    item it = {*frame, size ? malloc(size) : NULL, size};
    *frame = (idem_video_frame){0};
    if (size && !it.state) {
        idem_video_frame_free(&it.frame);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the state of a clip");
    }
    if (size)
        memcpy(it.state, state, size);
    pthread_mutex_lock(&o->lock);
    while (!o->status && o->put - o->done >= IDEM_VIDEO_AHEAD)
        pthread_cond_wait(&o->changed, &o->lock);
    const int status = o->status;
    if (!status) {
        o->waiting[o->put++ % IDEM_VIDEO_AHEAD] = it;
        pthread_cond_signal(&o->changed);
    }
    pthread_mutex_unlock(&o->lock);
    if (!status)
        return 0;
    idem_video_frame_free(&it.frame);
    free(it.state);
    return idem_fail_as(o->kind, "%s", o->message);
}

int idem_video_out_finish(idem_video_out *o, const char **left) {
    join(o, false);
    if (o->status)
        return idem_fail_as(o->kind, "%s", o->message);
    const int status = o->sink->finish(o->sink);
    *left = o->sink->left;
    return status;
}
