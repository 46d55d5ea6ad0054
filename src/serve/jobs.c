#define _GNU_SOURCE
#include "serve/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct idem_jobs {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    idem_context *context;
    idem_job *first; /* the running job, then the waiting ones in order */
    int n, ended;
};

static void progress(void *user, int done, int of) {
    idem_jobs *q = user;
    pthread_mutex_lock(&q->lock);
    if (q->first) {
        q->first->done = done;
        q->first->of = of;
    }
    pthread_mutex_unlock(&q->lock);
}

idem_jobs *idem_jobs_new(idem_context *context) {
    idem_jobs *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    q->context = context;
    idem_set_progress(context, progress, q);
    return q;
}

void idem_jobs_free(idem_jobs *q) {
    if (!q)
        return;
    idem_set_progress(q->context, NULL, NULL);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* Under the lock. */
static void remove_job(idem_jobs *q, idem_job *job) {
    for (idem_job **at = &q->first; *at; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            q->n--;
            break;
        }
    job->entered = 0;
    pthread_cond_broadcast(&q->changed);
}

idem_context *idem_jobs_enter(idem_jobs *q, idem_job *job, int *full) {
    pthread_mutex_lock(&q->lock);
    *full = q->n > IDEM_JOBS_WAITING;
    if (*full || job->cancelled || q->ended) {
        pthread_mutex_unlock(&q->lock);
        return NULL;
    }
    idem_job **last = &q->first;
    while (*last)
        last = &(*last)->next;
    *last = job;
    job->next = NULL;
    job->jobs = q;
    job->doing = "waiting";
    job->entered = 1;
    q->n++;
    while (q->first != job && !job->cancelled && !q->ended)
        pthread_cond_wait(&q->changed, &q->lock);
    const int go = !job->cancelled && !q->ended;
    if (!go)
        remove_job(q, job);
    pthread_mutex_unlock(&q->lock);
    return go ? q->context : NULL;
}

void idem_jobs_leave(idem_job *job) {
    idem_jobs *q = job->jobs;
    pthread_mutex_lock(&q->lock);
    if (!q->ended)
        idem_resume(q->context);
    remove_job(q, job);
    pthread_mutex_unlock(&q->lock);
}

void idem_jobs_say(idem_job *job, const char *doing) {
    pthread_mutex_lock(&job->jobs->lock);
    job->doing = doing;
    job->done = job->of = 0;
    pthread_mutex_unlock(&job->jobs->lock);
}

void idem_jobs_cancel(idem_jobs *q, idem_job *job) {
    pthread_mutex_lock(&q->lock);
    job->cancelled = 1;
    if (job->entered && q->first == job)
        idem_cancel(q->context);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void idem_jobs_end(idem_jobs *q) {
    pthread_mutex_lock(&q->lock);
    q->ended = 1;
    idem_cancel(q->context);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

int idem_jobs_look(idem_jobs *q, const char *name, idem_job_state *state, int *length) {
    int before = 0, found = -1;
    pthread_mutex_lock(&q->lock);
    if (length)
        *length = q->n;
    for (const idem_job *job = q->first; job && found; job = job->next, before++)
        if (*name && !strcmp(job->name, name)) {
            *state = (idem_job_state){before, job->doing, job->done, job->of};
            found = 0;
        }
    pthread_mutex_unlock(&q->lock);
    return found;
}
