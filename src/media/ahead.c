#include "media/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { MESSAGE = 1024 };

typedef struct {
    idem_image im;
    int width, height;
    bool bad;
    char message[MESSAGE]; /* of a bad one: messages are per thread */
    idem_kind kind;
} item;

struct idem_ahead {
    const char *const *paths;
    size_t n;
    int least;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    item waiting[IDEM_AHEAD_PICTURES]; /* picture i at i % IDEM_AHEAD_PICTURES */
    size_t made, taken, bytes;         /* pictures in all; bytes of the waiting ones */
    bool stop;
};

static size_t bytes_of(const item *it) {
    return (size_t)it->im.width * (size_t)it->im.height * 3;
}

/* Waits for a free place; false: nothing is left to do. */
static bool wait_for_space(idem_ahead *a) {
    pthread_mutex_lock(&a->lock);
    while (!a->stop && (a->made - a->taken == IDEM_AHEAD_PICTURES || a->bytes >= IDEM_AHEAD_BYTES))
        pthread_cond_wait(&a->changed, &a->lock);
    bool go_on = !a->stop;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static void *work(void *data) {
    idem_ahead *a = data;
    for (size_t i = 0; i < a->n && wait_for_space(a); i++) {
        item it = {0};
        it.bad = idem_image_load_reduced(&it.im, a->paths[i], a->least, &it.width, &it.height) != 0;
        if (it.bad) {
            strncpy(it.message, idem_error(), MESSAGE - 1);
            it.kind = idem_error_kind();
        }
        pthread_mutex_lock(&a->lock);
        a->waiting[a->made++ % IDEM_AHEAD_PICTURES] = it;
        a->bytes += bytes_of(&it);
        pthread_cond_signal(&a->changed);
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

idem_ahead *idem_ahead_new(const char *const *paths, size_t n, int least) {
    idem_ahead *a = calloc(1, sizeof *a);
    if (!a)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for reading ahead");
    a->paths = paths;
    a->n = n;
    a->least = least;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    int error = pthread_create(&a->thread, NULL, work, a);
    if (!error)
        return a;
    free(a);
    return idem_fail_null_as(IDEM_INTERNAL, "reading ahead: no thread can be started: %s", strerror(error));
}

void idem_ahead_free(idem_ahead *a) {
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    for (; a->taken < a->made; a->taken++)
        idem_image_free(&a->waiting[a->taken % IDEM_AHEAD_PICTURES].im);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

int idem_ahead_next(idem_ahead *a, idem_image *im, int *width, int *height) {
    *im = (idem_image){0};
    if (a->taken == a->n) /* changed only by this thread */
        return idem_fail("reading ahead: all %zu pictures have been taken", a->n);
    pthread_mutex_lock(&a->lock);
    while (a->made == a->taken)
        pthread_cond_wait(&a->changed, &a->lock);
    item it = a->waiting[a->taken++ % IDEM_AHEAD_PICTURES];
    a->bytes -= bytes_of(&it);
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (it.bad)
        return idem_fail_as(it.kind, "%s", it.message);
    idem_image_log_notes(&it.im, a->paths[a->taken - 1]);
    *im = it.im;
    *width = it.width;
    *height = it.height;
    return 0;
}
